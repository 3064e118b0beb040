"""Takes the marks of Markdown out of a text, so that spans are what a reader sees."""

from __future__ import annotations

import re

# Each bounded and without a repeat inside a repeat, so that no text is slow.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(?:```|~~~).{0,200}$", re.MULTILINE), ""),
    (re.compile(r"!\[([^\]\n]{0,80})\]\([^)\n]{0,400}\)"), ""),
    (re.compile(r"\[([^\]\n]{1,80})\]\([^)\n]{0,400}\)"), r"\1"),
    (re.compile(r"\[([^\]\n]{1,80})\]\[[^\]\n]{0,80}\]"), r"\1"),
    (re.compile(r"<(https?://[^>\s]{1,400})>"), r"\1"),
    (re.compile(r"^ {0,3}#{1,6} {1,3}", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}> ?", re.MULTILINE), ""),
    (re.compile(r"^ {0,8}[*+-] {1,4}", re.MULTILINE), "• "),
    (re.compile(r"\*\*|__|(?<!\w)[*_](?=\w)|(?<=[\w.%])[*_](?!\w)|`"), ""),
    (re.compile(r"^ {0,3}[-*_]{3,40}$", re.MULTILINE), ""),
)


def without_markdown(text: str) -> str:
    """The text as it would be shown: no marks, link texts without their targets."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
