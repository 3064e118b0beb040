"""What the page of reconciled articles shows, and how it becomes one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from undertow.report.page import Section, included, render_template, write_html

# The sign stands beside the colour, for those who do not see the colour.
SIGNS = {
    "contradicted": "✕",
    "explained": "≈",
    "consistent": "✓",
    "forecast": "→",
    "unsupported": "?",
    "cannot be checked": "–",
}
MEANINGS = {
    "contradicted": "the tape, the rolling series, a sum or the sources rule it out",
    "explained": "it differs, and the reason is known",
    "consistent": "others or the tape agree, within rounding",
    "forecast": "a level or an expectation, not held against facts",
    "unsupported": "nobody else has it, and no data can tell",
    "cannot be checked": "nothing to compare it with",
}


@dataclass(frozen=True)
class Proof:
    """One thing that a figure was held against: its kind, what decided, and what it says."""

    kind: str
    by: str
    text: str
    verdict: str


@dataclass(frozen=True)
class Detail:
    """What the page says of one claim.

    Attributes
    ----------
    reading
        The figure as it was understood; ``about`` what of whom, ``facts`` when and who says so.
    best
        The best estimate with its reason; empty where there is none.
    off
        How far the claim is from it, in words.
    """

    id: str
    verdict: str
    reading: str
    about: str
    facts: list[str]
    proofs: list[Proof]
    best: str = ""
    off: str = ""


@dataclass(frozen=True)
class Piece:
    """A stretch of text and the claims that it belongs to, the shortest first.

    ``starts`` is True where a claim begins: the keyboard stops there, once for each claim.
    """

    text: str
    claims: tuple[str, ...] = ()
    verdict: str = ""
    starts: bool = False


@dataclass(frozen=True)
class Annotated:
    """An article in pieces; ``copied`` says what it is a copy of."""

    number: int
    publisher: str
    published: str
    title: str
    pieces: list[Piece]
    copied: str = ""


@dataclass(frozen=True)
class ClaimsPage:
    """All that the page shows, already in words; ``unfolded`` opens the list of claims."""

    title: str
    kicker: str
    headline: str
    counts: dict[str, int]
    texts: list[Annotated]
    details: list[Detail]
    sections: list[Section]
    footer: str
    unfolded: bool = False
    charts: dict[str, Any] = field(default_factory=dict)


def render(page: ClaimsPage) -> str:
    """The page as HTML; everything inside."""
    return render_template(
        "claims.html.j2",
        page.charts,
        page=page,
        signs=SIGNS,
        meanings=MEANINGS,
        style=included("claims.css"),
        notes=included("claims.js"),
    )


def write_claims_page(page: ClaimsPage, path: Path) -> None:
    """Write the page as one HTML file, in one step."""
    write_html(render(page), path)
