"""Put the sections together, once; the terminal, JSON and the page show the same figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import undertow
from undertow.measures.bars import moment_ns, remembering
from undertow.model.periods import duration_ns, time_text
from undertow.report.figures import Figure, format_time
from undertow.report.page import Page, Section, Tile, Words
from undertow.report.pulse import (
    coins,
    derivatives,
    flows,
    history,
    liquidity,
    market,
    precedents,
    prices,
    reported,
    words,
)
from undertow.report.pulse.reported import Reported
from undertow.report.pulse.view import Part, View
from undertow.tape import Tape
from undertow.tape.store import Moment

# Heading, what it is about, and the module that fills it.
SECTIONS = (
    ("price", "Price", "", prices.section),
    ("market", "The market", "", market.section),
    ("coins", "Coins", "", coins.section),
    ("derivatives", "Leverage", "", derivatives.section),
    ("liquidity", "Liquidity", "", liquidity.section),
    ("flows", "Pegs, flows and mood", "", flows.section),
    ("history", "Months of the year", "", history.section),
    ("precedents", "Days like this", "", precedents.section),
)
TILES = (
    "price.BTC.last",
    "price.ETH.last",
    "market.cap",
    "market.fastest_hour",
    "liquidations.total",
    "open_interest.change",
    "funding.BTC.rate_8h",
    "liquidity.dispersion.BTC",
    "flows.etf.BTC.day",
    "sentiment.fear_greed",
)


@dataclass(frozen=True)
class Pulse:
    """Everything that a pulse shows.

    Attributes
    ----------
    view
        The tape, the moment and the window.
    parts
        What each section gave, in the order of ``SECTIONS``.
    """

    view: View
    parts: tuple[Part, ...]

    @property
    def figures(self) -> dict[str, Figure]:
        """All figures by id."""
        return {figure.id: figure for part in self.parts for figure in part.figures}

    @cached_property
    def reported(self) -> list[Reported]:
        """Published figures of the same crash that held by then, with their verdicts."""
        return reported.known(self.view)

    @property
    def headline(self) -> str:
        """One sentence."""
        return words.headline(self.view, self.figures)

    @property
    def words(self) -> list[Words]:
        """What happened, is it over, what nobody knows."""
        return words.panels(self.view, self.figures)

    def as_json(self) -> dict[str, Any]:
        """Plain values: figures by id, the words, and where the rows came from."""
        tape = self.view.tape
        return {
            "tape": tape.manifest.title or (str(tape.folder) if tape.folder else ""),
            "at": time_text(self.view.at_ns),
            "window": self.view.window,
            "headline": self.headline,
            "figures": {key: figure.as_json() for key, figure in self.figures.items()},
            "reported": [item.as_json() for item in self.reported],
            "words": {panel.title: panel.lines for panel in self.words},
            "missing": list(tape.missing),
            "sources": [
                {
                    "name": s.name,
                    "importer": s.importer,
                    "licence": s.licence,
                    "url": s.url,
                    "sha256": s.sha256,
                    "rows": s.rows,
                }
                for s in tape.manifest.sources
            ],
            "version": undertow.__version__,
        }

    def page(self) -> Page:
        """The HTML page."""
        tape, figures = self.view.tape, self.figures
        title = tape.manifest.title or "Market pulse"
        return Page(
            title=f"{title} — market pulse",
            kicker=f"Market pulse · {title} · {self.view.window} to {format_time(self.view.at_ns)}",
            headline=self.headline,
            tiles=[_tile(self.view, figures, key) for key in TILES if key in figures],
            words=self.words,
            sections=[
                Section(name, heading, lead, part.panels)
                for (name, heading, lead, _), part in zip(SECTIONS, self.parts, strict=True)
                if part.panels
            ]
            + [
                Section(
                    "reported",
                    "Reported",
                    "",
                    reported.panels(self.view, self.reported, figures),
                )
            ],
            figures=[figure.as_json() for figure in figures.values()],
            sources=[
                {
                    "name": s.name,
                    "url": s.url,
                    "licence": s.licence or "not stated",
                    "rows": f"{s.rows:,}",
                }
                for s in tape.manifest.sources
            ],
            provenance_lead="Every figure is measured on this tape, at the moment named above, from"
            " rows that could be known then. The tape was made from these files.",
            footer=f"Made by Undertow {undertow.__version__}. Not investment advice.",
            charts={name: spec for part in self.parts for name, spec in part.charts.items()},
        )


def pulse(tape: Tape, *, at: Moment | None = None, window: str = "24h") -> Pulse:
    """Measure a market at a moment.

    Parameters
    ----------
    at
        None: the moment that the tape's maker meant, else the end of the tape.
    window
        The span that sums and changes look back on.

    Raises
    ------
    DataError, UndertowError
        For an empty tape, or a wrong window or moment.
    """
    duration_ns(window)  # refuse a wrong one before any work
    at_ns = moment_ns(tape, at)
    view = View(tape.until(at_ns), at_ns, window)
    with remembering():
        return Pulse(view, tuple(section(view) for _, _, _, section in SECTIONS))


def _tile(view: View, figures: dict[str, Figure], key: str) -> Tile:
    figure = figures[key]
    asset = key.split(".")[1] if key.startswith("price.") else ""
    # The first clause of a note is enough for a tile.
    note, label, sign = figure.note.split(";")[0], figure.label, figure.value
    if asset and f"price.{asset}.change" in figures:
        change, low = figures[f"price.{asset}.change"], figures[f"price.{asset}.low"]
        note = f"{change.text()} in {view.window}; low {low.text()}"
        sign = change.value
    if not figure.recorded:
        note = ""
    signed = (
        asset or figure.unit == "fraction" or key in ("flows.etf.BTC.day", "market.fastest_hour")
    )
    tone = ""
    if isinstance(sign, int | float) and signed and "dispersion" not in key:
        tone = "down" if sign < 0 else "up"
    return Tile(label, figure.text(), note, tone, figure.recorded, figure.definition)
