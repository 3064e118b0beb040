"""The coins side by side: worst and best, sectors, distance from their highs."""

from __future__ import annotations

from typing import Any

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import market, price
from undertow.report import charts
from undertow.report.figures import Figure, format_percent
from undertow.report.page import Panel
from undertow.report.pulse.view import Part, View, missing_panel, time_ns_of


def section(view: View) -> Part:
    """Figures of the worst and the best coin, the chart of all, the table of sectors."""
    part = Part()
    try:
        _chart(view, part)
    except NotRecorded as reason:
        part.panels.append(missing_panel("Coins", str(reason)))
    _ranking(view, part)
    _sectors(view, part)
    return part


def _chart(view: View, part: Part) -> None:
    """Every coin's change in the window and its distance from its high."""
    down = view.representative(view.ask(price.drawdown))
    both = view.markets.join(down.select("venue", "symbol", "drawdown"), on=["venue", "symbol"])
    both = both.sort("change").drop_nulls("change")
    # A picture of thirty bars can still be read.
    shown = both if both.height <= 30 else pl.concat([both.head(15), both.tail(15)])
    part.charts["coins"] = charts.ranked_bars(
        shown["asset"].to_list(),
        shown["change"],
        [("open to low", shown["open_to_low"]), ("below its high on the tape", shown["drawdown"])],
    )
    worst = view.markets.drop_nulls("open_to_low").sort("open_to_low").row(0, named=True)
    part.figures.append(
        Figure(
            "market.deepest",
            "Deepest coin, open to low",
            worst["open_to_low"],
            "fraction",
            "lowest price of the window / its first price - 1, one market for each coin",
            time_ns_of(worst["low_at"]),
            view.window,
            f"{worst['venue']} {worst['symbol']}",
            note=worst["asset"],
        )
    )
    part.panels.append(
        Panel(
            title=f"Coins: change over {view.window}",
            chart="coins",
            size="tall",
            wide=True,
            caption="One market for each coin (finest bars, then most traded). The circle is the"
            " way from the window's open to its low, the tick the distance from the highest price"
            " on the tape.",
        )
    )


def _ranking(view: View, part: Part) -> None:
    ranking, reason = view.attempt(market.ranking, window=view.window)
    ranking = None if ranking is None else ranking.drop_nulls("return")
    if ranking is None or ranking.is_empty():
        part.panels.append(missing_panel("Worst and best coins", reason))
        return
    for key, label, row in (
        ("worst", "Weakest coin", ranking.row(0, named=True)),
        ("best", "Strongest coin", ranking.row(-1, named=True)),
    ):
        part.figures.append(
            Figure(
                f"market.{key}",
                label,
                row["return"],
                "fraction",
                "return of the coin, one market for each",
                view.at_ns,
                view.window,
                f"{row['venue']} {row['symbol']}",
                note=row["asset"],
            )
        )


def _sectors(view: View, part: Part) -> None:
    sectors, reason = view.attempt(market.sectors, window=view.window)
    if sectors is None or sectors.is_empty():
        part.panels.append(missing_panel("Sectors", reason))
        return
    for row in sectors.iter_rows(named=True):
        part.figures.append(
            Figure(
                f"market.sector.{row['sector'].replace(' ', '_')}",
                f"{row['sector'].capitalize()}, median change",
                row["median"],
                "fraction",
                "median return of the sector's coins",
                view.at_ns,
                view.window,
                f"{row['coins']} coins",
            )
        )
    part.panels.append(
        Panel(
            title=f"Sectors over {view.window}",
            wide=True,
            columns=["sector", "coins", "mean", "median", "worst", "best"],
            rows=[_sector_row(row) for row in sectors.iter_rows(named=True)],
            numeric=(1, 2, 3, 4, 5),
            caption="Each coin counts once. Which coins are memecoins is our list.",
        )
    )


def _sector_row(row: dict[str, Any]) -> list[str]:
    return [
        row["sector"],
        str(row["coins"]),
        format_percent(row["mean"]),
        format_percent(row["median"]),
        f"{format_percent(row['worst'])} {row['worst_asset']}",
        f"{format_percent(row['best'])} {row['best_asset']}",
    ]
