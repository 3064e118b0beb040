"""An article as Markdown and as one HTML page; figures link to their notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from undertow.report.page import included, render_template, write_html
from undertow.report.pulse.article_text import Article, Sentence, marks, numbered, plain

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def write_article(article: Article, folder: Path) -> list[Path]:
    """Write ``article.md`` and ``article.html``; returns both paths."""
    paths = [folder / "article.md", folder / "article.html"]
    write_html(markdown(article), paths[0])
    write_html(html(article), paths[1])
    return paths


def markdown(article: Article) -> str:
    """The article with footnotes."""
    numbers = _numbers(article)
    blocks = [f"# {_safe(plain(article.title))}", f"*{_safe(article.dateline)}*"]
    blocks.append(_run(article.lead, numbers))
    for part in article.parts:
        blocks.append(f"## {part.title}")
        blocks += [_run(group, numbers) for group in part.paragraphs]
        if part.points:
            blocks.append("\n".join(f"- {_run(group, numbers)}" for group in part.points))
        for question, answer in part.questions:
            blocks += [f"### {question}", _run(answer, numbers)]
    blocks.append("## Sources and definitions")
    for note in article.notes:
        link = f" <{note.url}>" if note.url else ""
        blocks.append(f"[^{note.number}]: {_safe(note.text)}{link}")
    blocks.append(f"*{article.footer}*")
    return "\n\n".join(blocks) + "\n"


def html(article: Article) -> str:
    """The article as a page that opens offline."""
    numbers = _numbers(article)
    return render_template(
        "article.html.j2",
        {},
        article=article,
        title=plain(article.title),
        # A number and its sign stay on one line.
        pieces=lambda sentence: [
            (text.replace(" %", "\u00a0%"), number, is_shown)
            for text, number, is_shown in marks(sentence, numbers)
        ],
        style=included("article.css"),
    )


def _numbers(article: Article) -> dict[str, int]:
    parts = [sentence for part in article.parts for sentence in part.sentences]
    return numbered([*article.lead, *parts])


def _run(sentences: Sequence[Sentence], numbers: Mapping[str, int]) -> str:
    return " ".join(_sentence(sentence, numbers) for sentence in sentences)


def _sentence(sentence: Sentence, numbers: Mapping[str, int]) -> str:
    return "".join(
        _safe(text) + (f"[^{number}]" if is_shown else "")
        for text, number, is_shown in marks(sentence, numbers)
    )


def _safe(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
