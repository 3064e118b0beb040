"""What the past can say: months of the year, and what followed days like this one."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import seasonality
from undertow.model.periods import time_ns
from undertow.report import charts
from undertow.report.figures import Figure, format_percent
from undertow.report.page import Panel
from undertow.report.pulse.view import Part, View, missing_panel


@dataclass(frozen=True)
class Quoted:
    """An average that was published: nobody could read it before ``known_ns``."""

    mean: float
    source: str
    known_ns: int


# By asset and month. Quoted on 4 November: like every day without a time, known when it is over.
QUOTED = {
    ("BTC", 11): Quoted(
        0.4232,
        "CoinGlass, quoted by FXStreet on 4 November 2025",
        time_ns("2025-11-05T00:00Z"),
    )
}


def section(view: View) -> Part:
    """Monthly returns of bitcoin, and the month of the moment in figures."""
    part = Part()
    try:
        months = view.ask(seasonality.monthly_returns)
        summary = view.ask(seasonality.month_summary)
    except NotRecorded as reason:
        part.panels.append(missing_panel("Months of the year", str(reason)))
        return part
    month = datetime.fromtimestamp(view.at_ns // 1_000_000_000, UTC).month
    rows = summary.filter(pl.col("month") == month)
    if rows.height:
        row = rows.row(0, named=True)
        part.figures.extend(_month_figures(row))
    part.charts["months"] = _heatmap(months)
    part.panels.append(
        Panel(
            title="BTC by month",
            chart="months",
            size="tall",
            wide=True,
            caption=f"Close to close of UTC month ends, {months['venue'][0]}"
            f" {months['symbol'][0]}, {months['year'][0]}–{months['year'][-1]}. Colours stop"
            " at ±40 %.",
        )
    )
    if rows.height:
        part.panels.append(_month_panel(summary, month_sentence(view)))
    return part


def _month_figures(row: dict[str, Any]) -> list[Figure]:
    name = calendar.month_name[row["month"]]
    span = f"{row['first_year']}–{row['last_year']}"
    key = f"seasonality.BTC.{name.lower()}"
    return [
        Figure(
            f"{key}.mean",
            f"{name}, mean",
            row["mean"],
            "fraction",
            "mean return of that month over the years",
            None,
            span,
            note=f"{format_percent(row['mean_without_best'])} without {row['best_year']}"
            if row["mean_without_best"] is not None
            else "",
        ),
        Figure(
            f"{key}.median",
            f"{name}, median",
            row["median"],
            "fraction",
            "median return of that month over the years",
            None,
            span,
            note=f"{row['count']} years, {row['positive']:.0%} of them up",
        ),
        Figure(
            f"{key}.best",
            f"{name}, best",
            row["best"],
            "fraction",
            "best return of that month",
            None,
            span,
            note=str(row["best_year"]),
        ),
        Figure(
            f"{key}.worst",
            f"{name}, worst",
            row["worst"],
            "fraction",
            "worst return of that month",
            None,
            span,
            note=str(row["worst_year"]),
        ),
    ]


def _heatmap(months: pl.DataFrame) -> dict[str, Any]:
    years = sorted(months["year"].unique().to_list(), reverse=True)
    found = {
        (year, month): value
        for year, month, value in months.select("year", "month", "return").iter_rows()
    }
    values = [
        [None if (v := found.get((year, month))) is None else round(v, 4) for month in range(1, 13)]
        for year in years
    ]
    return charts.heatmap([str(y) for y in years], list(calendar.month_abbr)[1:], values)


def _month_panel(summary: pl.DataFrame, lead: str) -> Panel:
    return Panel(
        title="Mean and median",
        wide=True,
        columns=["month", "years", "mean", "without best", "median", "best", "worst"],
        rows=[
            [
                calendar.month_name[row["month"]],
                str(row["count"]),
                format_percent(row["mean"]),
                ""
                if row["mean_without_best"] is None
                else format_percent(row["mean_without_best"]),
                format_percent(row["median"]),
                f"{format_percent(row['best'])} ({row['best_year']})",
                f"{format_percent(row['worst'])} ({row['worst_year']})",
            ]
            for row in summary.iter_rows(named=True)
        ],
        numeric=(1, 2, 3, 4, 5, 6),
        caption=lead,
    )


def month_sentence(view: View) -> str:
    """What the month of the moment usually brought, and what drives its mean."""
    try:
        summary = view.ask(seasonality.month_summary)
    except NotRecorded:
        return ""
    month = datetime.fromtimestamp(view.at_ns // 1_000_000_000, UTC).month
    rows = summary.filter(pl.col("month") == month)
    if rows.is_empty() or rows["mean_without_best"][0] is None:
        return ""
    row = rows.row(0, named=True)
    sentence = (
        f"BTC's average {calendar.month_name[month]} since {row['first_year']} is"
        f" {format_percent(row['mean'])}, its median {format_percent(row['median'])};"
        f" without {row['best_year']} ({format_percent(row['best'])}) the average is"
        f" {format_percent(row['mean_without_best'])}."
    )
    quoted = QUOTED.get(("BTC", month))
    if quoted is not None and quoted.known_ns <= view.at_ns:
        sentence += (
            f" The press quoted {format_percent(quoted.mean)} ({quoted.source}): that does not come"
            f" out of the years since {row['first_year']}, which are all that this tape has."
        )
    return sentence
