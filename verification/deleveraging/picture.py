"""The picture: per wave what was needed and removed, and from whom each policy would have taken.

Plain SVG, the same text for the same results; it follows the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from math import log10
from typing import NamedTuple

from undertow.venues.formulas.inputs import ZERO
from verification.deleveraging.payers import Paid
from verification.deleveraging.results import Results
from verification.deleveraging.waves import WaveRow
from verification.deleveraging.words import clock, short, whole

WIDTH = 960
LEFT, RIGHT = 262, 924
ROW = 26
LOWEST, HIGHEST = 2, 9  # decades of USD on the upper axis

# Colours of the report's page; c1 to c4 differ in lightness too.
STYLE = """
:root { --paper: #ffffff; --ink: #1d2329; --muted: #5c6670; --line: #dedbd2;
  --c1: #1d4ed8; --c2: #c2410c; --c3: #0f766e; --c4: #7c3aed; --rest: #cbd0d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161b; --ink: #e8ebee; --muted: #9aa5b0;
  --line: #2e3740; --c1: #7aa2ff; --c2: #fb923c; --c3: #2dd4bf; --c4: #b794ff; --rest: #4a5562; } }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; } .muted { fill: var(--muted); }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--line); } .link { stroke: var(--muted); stroke-width: 1; }
"""


class Mark(NamedTuple):
    """A figure of the upper panel: its legend, colour and shape."""

    legend: str
    colour: str
    shape: str


MARKS = (
    Mark("needed, published", "--c1", "circle"),
    Mark("removed in production, published (a model of two replays)", "--c2", "square"),
    Mark("taken by the published queue, ours added up", "--c4", "diamond"),
    Mark("taken by any policy that stops at the deficit, ours", "--c3", "ring"),
)
RANKS = (
    ("the largest payer", "--c2"),
    ("the next 9", "--c4"),
    ("the next 90", "--c1"),
    ("all others", "--rest"),
)


def draw(results: Results) -> str | None:
    """The SVG, of the panels that the files allow; None where they allow neither."""
    parts: list[str] = []
    below = 0
    if results.waves:
        parts += _waves(results.waves, below)
        below += _waves_height(results.waves)
    if results.paid:
        parts += _payers(results.paid, below)
        below += _payers_height(results.paid)
    if not parts:
        return None
    size = f'width="{WIDTH}" height="{below}" viewBox="0 0 {WIDTH} {below}"'
    title = "Deleveraging on Hyperliquid, 10 October 2025: needed, removed, and from whom"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{below}" fill="var(--paper)"/>',
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _shape(mark: Mark, x: float, y: float) -> str:
    fill = f'fill="var({mark.colour})"'
    if mark.shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" {fill}/>'
    if mark.shape == "square":
        return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" {fill}/>'
    if mark.shape == "diamond":
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" {fill}/>'
    ring = f'fill="none" stroke="var({mark.colour})" stroke-width="2.5"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" {ring}/>'


def _waves_height(rows: list[WaveRow]) -> int:
    return 176 + ROW * len(rows)


def _at(amount: Decimal) -> float:
    """Place on the logarithmic axis; what is below it stands at its left end."""
    decade = LOWEST if amount < 10**LOWEST else log10(amount)
    return LEFT + (RIGHT - LEFT) * (min(decade, HIGHEST) - LOWEST) / (HIGHEST - LOWEST)


def _waves(rows: list[WaveRow], above: int) -> Iterator[str]:
    yield _text(20, above + 30, "What was needed, what was removed, per wave", "title")
    for place, mark in enumerate(MARKS):
        x, y = 26 + 440 * (place % 2), above + 54 + 22 * (place // 2)
        yield _shape(mark, x, y)
        yield _text(x + 13, y + 4.5, mark.legend)
    top, bottom = above + 100, above + 108 + ROW * len(rows)
    for decade in range(LOWEST, HIGHEST + 1):
        amount = Decimal(10**decade)
        label = f"< {short(amount)}" if decade == LOWEST else short(amount)
        yield _line(_at(amount), top, _at(amount), bottom, "grid")
        yield _text(_at(amount), bottom + 18, label, "middle muted")
    yield _text((LEFT + RIGHT) / 2, bottom + 40, "USD, logarithmic; 0 stands at the left end",
                "middle muted")  # fmt: skip
    for place, row in enumerate(rows):
        yield from _wave(row, top + 16 + ROW * place)


def _wave(row: WaveRow, y: float) -> Iterator[str]:
    yield _text(LEFT - 14, y + 4.5, f"wave {row.wave.wave}, {clock(row.wave.start_ms)}", "end")
    values: list[Decimal | None] = [row.wave.needed, row.wave.removed, None, None]
    if row.inside is not None:
        values[2:] = [row.inside.queue_taken, row.inside.taken]
    places = [_at(value) for value in values if value is not None]
    yield _line(min(places), y, max(places), y, "link")
    for mark, value in zip(MARKS, values, strict=True):
        if value is not None:
            yield _shape(mark, _at(value), y)


def _payers_height(rows: list[Paid]) -> int:
    return 166 + ROW * len(rows)


def _payers(rows: list[Paid], above: int) -> Iterator[str]:
    total = rows[0].taken if rows else ZERO
    yield _text(20, above + 30, f"Who would have paid the {whole(total)} USD (model)", "title")
    for place, (legend, colour) in enumerate(RANKS):
        x = 20 + 180 * place
        box = f'<rect x="{x}" y="{above + 47}" width="12" height="12" fill="var({colour})"/>'
        yield box
        yield _text(x + 19, above + 58, legend)
    top, bottom = above + 76, above + 84 + ROW * len(rows)
    for step in range(0, 101, 20):
        at = LEFT + (RIGHT - LEFT) * step / 100
        yield _line(at, top, at, bottom, "grid")
        yield _text(at, bottom + 18, f"{step} %", "middle muted")
    yield _text((LEFT + RIGHT) / 2, bottom + 40, "share of the sum taken", "middle muted")
    for place, row in enumerate(rows):
        y = top + 8 + ROW * place
        yield _text(LEFT - 14, y + 13, row.policy, "end")
        yield from _bar(row, y)


def _bar(row: Paid, y: float) -> Iterator[str]:
    x = float(LEFT)
    for (_, colour), share in zip(RANKS, row.by_rank, strict=True):
        width = (RIGHT - LEFT) * float(share)
        size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="18"'
        yield f'<rect {size} fill="var({colour})"/>'
        x += width
