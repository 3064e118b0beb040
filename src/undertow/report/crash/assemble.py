"""Put the sections of the crash report together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import undertow
from undertow.lab.compare import Row
from undertow.lab.summary import Summary
from undertow.report.crash import (
    closings,
    compared,
    leverage,
    origin,
    paying,
    prices,
    reproduction,
    words,
)
from undertow.report.crash.figures import figures
from undertow.report.crash.view import Section as Fill
from undertow.report.crash.view import View, view_of
from undertow.report.figures import Figure, format_time
from undertow.report.page import Page, Section, Tile

if TYPE_CHECKING:
    from undertow.lab.run import Run

# Name, heading, what it is about, and what fills it.
SECTIONS: tuple[tuple[str, str, str, Fill], ...] = (
    ("price", "Price and forced closings", "", prices.section),
    ("closings", "What was closed by force", "", closings.section),
    ("compared", "Beside what happened", "", compared.section),
    ("shown", "Shown and true",
     "Public feeds leave orders out; the run knows them all.", closings.shown_section),
    ("liquidity", "Liquidity", "", leverage.liquidity_section),
    ("leverage", "Open interest and funding", "", leverage.leverage_section),
    ("funds", "Insurance and deleveraging", "", leverage.funds_section),
    ("paid", "Who paid whom", "", paying.section),
    ("reproduction", "How far a forced sale carries", "", reproduction.section),
    ("origin", "Assumptions, sources, seed and version", "", origin.section),
)  # fmt: skip
TILES = ("liquidations.true", "liquidations.shown.day", "long_share.true", "shown_share",
         "liquidations.largest", "adl", "insurance.used", "open_interest.ALL")  # fmt: skip


def page(
    run: Run, rows: Sequence[Row] | None = None, others: Sequence[Run] = (), *, seed: int = 0,
    measured: Summary | None = None,
) -> Page:  # fmt: skip
    """The report of a run.

    Parameters
    ----------
    rows
        Its figures beside the published ones, from `undertow.lab.compare`.
    others
        Runs of the same scenario with other seeds: they give bands and quantiles.
    seed
        Of the bootstrap intervals.
    measured
        The run's summary, where it is at hand already.

    Raises
    ------
    NotRecorded
        When the run's tape has no prices.
    """
    view = view_of(run, rows, others, seed, measured)
    parts = [(name, heading, lead, fill(view)) for name, heading, lead, fill in SECTIONS]
    about, told = run.about, figures(view.summary)
    span = f"{format_time(view.tapes.start_ns)} to {format_time(view.tapes.end_ns)}"
    changed = ", ".join(f"{key} = {value}" for key, value in about.get("changes", {}).items())
    return Page(
        title=f"{about['title']} — crash report",
        kicker=f"Simulated · {about['scenario']}{f' with {changed}' if changed else ''} · {span}"
        f" · seed {about['seed']}",
        headline=words.headline(view.summary, view.rows, view.spread, run.what_if),
        tiles=[*_falls(view, told), *(_tile(told[key]) for key in TILES if key in told)],
        words=words.panels(view),
        sections=[Section(name, heading, lead, part.panels) for name, heading, lead, part in parts],
        figures=[figure.as_json() for figure in told.values()],
        sources=_sources(view),
        provenance_lead="Every figure is measured on the run's own tapes, which the scenario, its"
        " seed and this version's code make again, byte by byte.",
        footer=f"Made by Undertow {undertow.__version__}. A simulation, not what happened; not"
        " investment advice.",
        charts={name: drawing for *_, part in parts for name, drawing in part.charts.items()},
    )


def _falls(view: View, told: dict[str, Figure]) -> list[Tile]:
    assets = dict.fromkeys([view.leader, "ETH", *view.tapes.assets])
    return [_tile(told[key]) for key in (f"fall.{asset}" for asset in assets) if key in told][:2]


def _tile(figure: Figure) -> Tile:
    note = figure.note if figure.recorded else ""
    if figure.place:
        note = f"{figure.place}, {note}"
    tone = ""
    if figure.unit == "fraction" and isinstance(figure.value, float):
        tone = "down" if figure.value < 0 else "up"
    return Tile(
        figure.label, figure.text(), note, tone, figure.recorded, figure.definition
    )  # fmt: skip


def _sources(view: View) -> list[dict[str, str]]:
    """The tapes and the rules that the run rests on."""
    scenario = view.scenario
    rows = [
        {"name": name, "url": "made by this run", "licence": "yours",
         "rows": f"{sum(tape.manifest.rows(table) for table in tape.manifest.tables):,}"}
        for name, tape in (("true tape", view.tapes.true), ("shown tape", view.tapes.shown))
    ]  # fmt: skip
    if scenario.tape is not None:
        rows.append({"name": f"tape {scenario.tape}", "url": "bundled: the real market",
                     "licence": "see its provenance", "rows": ""})  # fmt: skip
    rows += [
        {"name": f"rules of {venue.id}", "url": venue.rules, "licence": "bundled, with citations",
         "rows": ""}
        for venue in scenario.venues
    ]  # fmt: skip
    return rows
