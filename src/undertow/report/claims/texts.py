"""An article cut into pieces at the ends of its claims, so that each can be marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from undertow.claims.reconcile import Source, Statement
from undertow.report.claims.page import SIGNS, Annotated, Piece

_MANY_LINES = re.compile(r"\n\s*\n\s*")
_GRAVITY = {verdict: rank for rank, verdict in enumerate(SIGNS)}


def annotated(
    source: Source,
    number: int,
    statements: Sequence[Statement],
    title: str = "",
    copied: str = "",
) -> Annotated:
    """The article with its claims marked.

    Parameters
    ----------
    statements
        Those of the article; one whose span is not in the text is left out.
    copied
        What it is a copy of; empty where it is its own.
    """
    return Annotated(
        number=number,
        publisher=source.publisher,
        published=source.published or "no date",
        title=title,
        copied=copied,
        pieces=pieces(source.text, statements),
    )


def pieces(text: str, statements: Sequence[Statement]) -> list[Piece]:
    """The text in pieces; where claims lie in one another, a piece belongs to all of them."""
    spans = [(*span, item) for item in statements if (span := _span(text, item)) is not None]
    edges = sorted({0, len(text), *(s[0] for s in spans), *(s[1] for s in spans)})
    found = []
    for start, end in pairwise(edges):
        here = [s for s in spans if s[0] <= start and end <= s[1]]
        here.sort(key=lambda s: (s[1] - s[0], s[0]))
        found.append(_piece(text[start:end], start, here))
    return found


def _piece(text: str, start: int, here: Sequence[tuple[int, int, Statement]]) -> Piece:
    text = _MANY_LINES.sub("\n\n", text)
    if not here:
        return Piece(text)
    verdict = min((item.verdict for _, _, item in here), key=lambda name: _GRAVITY[name])
    return Piece(
        text,
        tuple(item.id for _, _, item in here),
        verdict,
        any(first == start for first, _, _ in here),
    )


def _span(text: str, item: Statement) -> tuple[int, int] | None:
    """Where the claim stands: as it says, else the first place with its words."""
    words, start = item.claim.span, item.claim.start
    if not words:
        return None
    if text[start : start + len(words)] != words:
        start = text.find(words)
    return None if start < 0 else (start, start + len(words))
