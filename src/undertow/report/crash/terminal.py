"""A run in a terminal: the sentence, its figures, beside the published ones; two runs at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from undertow.lab.compare import Row
from undertow.lab.side_by_side import PARTS, Headline, names_of
from undertow.lab.summary import Quantiles, Summary
from undertow.report.crash.compared import WHAT_IF, figure_text, number, score_words, what
from undertow.report.crash.figures import figures
from undertow.report.crash.words import headline
from undertow.report.figures import Figure, format_percent, format_time

if TYPE_CHECKING:
    from undertow.lab.run import Run

_WIDE = 140
# What a terminal has room for; the page shows all.
_KEPT = ("fall.", "liquidations.", "long_share.", "shown_share", "adl", "insurance.", "traders.",
         "open_interest.ALL", "funding.", "depth.leveraged.0.01", "depth.spot.0.01", "gap.BTC",
         "gap.ETH", "bad_debt", "collateral.")  # fmt: skip
_COLOURS = {"close": "green", "fair": "green", "off": "yellow", "far off": "red"}


def print_summary(
    summary: Summary, rows: Sequence[Row] = (), spread: Sequence[Quantiles] = (),
    what_if: str = "",
) -> None:  # fmt: skip
    """Print to stdout; as wide as the terminal, or wide enough when there is none.

    Parameters
    ----------
    rows
        The run's figures beside the published ones.
    spread
        Its figures over several runs, from `undertow.lab.summary.summaries`.
    what_if
        What was changed in the market (`Run.what_if`): nothing is scored then.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    span = f"{format_time(summary.start_ns)} to {format_time(summary.end_ns)}"
    console.print(f"[bold]Run {summary.run}[/bold] · seed {summary.seed} · {span}",
                  highlight=False)  # fmt: skip
    console.print(
        escape(headline(summary, rows, {one.name: one for one in spread}, what_if)), highlight=False
    )
    console.print(_figures(summary))
    if spread:
        console.print(_spread(summary, spread))
    if what_if and score_words(rows):
        console.print(_compared(rows, with_ratio=False))
        console.print(escape(WHAT_IF.format(what_if)), highlight=False)
    elif words := score_words(rows):
        console.print(_compared(rows))
        console.print(f"{words[0].upper()}{words[1:]}.", highlight=False)


def print_two(first: Run, second: Run, rows: Sequence[Headline]) -> None:
    """Print the figures of two runs to stdout, named by what sets the runs apart."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    names = names_of(first, second)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("figure", overflow="fold")
    for name in (*names, "difference"):
        table.add_column(escape(name), justify="right")
    for row in rows:
        values = (figure_text(row.first, row.unit), figure_text(row.second, row.unit))
        table.add_row(escape(row.name), *values, _difference(row))
    console.print(table)
    for name, one in zip(names, (first, second), strict=True):
        console.print(
            f"{escape(name)}: run {one.id} · {one.about['scenario']} · {one.about['path']} path"
            f" · seed {one.about['seed']}", highlight=False,
        )  # fmt: skip
    console.print("true: all that happened in the run; shown: what public feeds let through of it.",
                  highlight=False)  # fmt: skip


def _difference(row: Headline) -> str:
    if not math.isfinite(row.change):
        return "—"
    if row.unit not in PARTS:
        return format_percent(row.change)
    return f"{row.change * 100:+.1f} points".replace("-", "−")


def _figures(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for figure in figures(summary).values():
        if figure.id.startswith(_KEPT):
            value = escape(figure.text()) if figure.recorded else "[dim]not recorded[/dim]"
            table.add_row(escape(figure.label), value, escape(_aside(figure)))
    return table


def _aside(figure: Figure) -> str:
    when = "" if figure.as_of_ns is None else format_time(figure.as_of_ns)
    return " · ".join(word for word in (figure.note, figure.place, when) if word)


def _spread(summary: Summary, spread: Sequence[Quantiles]) -> Table:
    mine = summary.figures()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("over the runs", "this run", "10 %", "50 %", "90 %"):
        table.add_column(name, justify="left" if name == "over the runs" else "right")
    for one in spread:
        own = mine[one.name][0] if one.name in mine else math.nan
        values = (own, one.low, one.middle, one.high)
        table.add_row(escape(one.name), *(figure_text(value, one.unit) for value in values))
    return table


def _compared(rows: Sequence[Row], with_ratio: bool = True) -> Table:
    """The figures that count; the others are on the page."""
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left")
    for name, right in (("published figure", False), ("as of", False), ("published", True),
                        ("run", True), ("ratio", True), ("verdict", False),
                        ("who", False)):  # fmt: skip
        if name in ("ratio", "verdict") and not with_ratio:
            continue
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        if not row.scored:
            continue
        colour = _COLOURS.get(row.verdict, "dim")
        judged = ["—" if row.ratio != row.ratio else f"{row.ratio:.2f}",
                  f"[{colour}]{escape(row.verdict)}[/{colour}]"]  # fmt: skip
        table.add_row(
            escape(what(row)), escape(row.as_of), number(row.published, row.unit),
            number(row.simulated, row.unit), *(judged if with_ratio else ()), escape(row.publisher),
        )  # fmt: skip
    return table
