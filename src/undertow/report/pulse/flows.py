"""Pegs, flows and mood: stablecoins, ETFs, companies with treasuries, Fear & Greed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import defi, flows, sentiment
from undertow.model.periods import SECOND_NS
from undertow.report import charts
from undertow.report.figures import Figure, format_percent, format_time, format_usd
from undertow.report.page import Panel
from undertow.report.pulse.view import Part, View, missing_panel

COINS = ("USDe", "xUSD", "deUSD")
SHOWN_DAYS = 30
# Funds do not trade over a long weekend.
OLDEST_FLOW_DAYS = 5
DAY_NS = 86_400 * SECOND_NS


def section(view: View) -> Part:
    """Figures and charts of pegs, ETF flows, treasuries and mood."""
    part = Part()
    _pegs(view, part)
    _etf(view, part)
    _mood(view, part)
    _treasuries(view, part)
    return part


def _pegs(view: View, part: Part) -> None:
    series = []
    for coin in COINS:
        part.figures.append(_peg_figure(view, coin))
        prices, _ = view.attempt(defi.peg, window="10d", coin=coin.upper())
        if prices is not None:
            first = prices["source"].mode().sort()[0]
            own = prices.filter(pl.col("source") == first)
            series.append((f"{coin} ({first})", own["as_of"], own["low"]))
    if not series:
        part.panels.append(
            missing_panel("Pegs", f"prices of {', '.join(COINS)}: not recorded on this tape")
        )
        return
    part.charts["pegs"] = charts.lines(series, format=".2f", reference=1)
    part.panels.append(
        Panel(
            title="Stablecoins, ten days",
            chart="pegs",
            caption="Lowest price of each bar, one source for each coin. xUSD is a share of a"
            " vault: it stood above 1 before.",
        )
    )


def _peg_figure(view: View, coin: str) -> Figure:
    key, label = f"peg.{coin}.low", f"{coin}, lowest"
    definition = "lowest price in the window, against 1 (a vault's share: its price before)"
    try:
        # Daily prices: a window of a day may hold none.
        window = view.window if coin == "USDe" else "2d"
        found = view.ask(defi.lowest_peg, window=window, coin=coin.upper())
    except NotRecorded as reason:
        return Figure(key, label, None, "price", definition, window=view.window, note=str(reason))
    note = f"{format_percent(found.deviation)} against {found.reference:.4g}; last {found.last:.4g}"
    if found.deviation < -0.05:
        note = (
            f"{coin} fell to {found.lowest:.4g} dollars ({format_percent(found.deviation)} against"
            f" {found.reference:.4g}) on"
            f" {found.source} at {format_time(found.lowest_ns)}."
        )
    return Figure(
        key,
        label,
        found.lowest,
        "price",
        definition,
        found.lowest_ns,
        window,
        found.source,
        note=note,
    )


def _etf(view: View, part: Part) -> None:
    series = []
    for asset in ("BTC", "ETH"):
        key, label = f"flows.etf.{asset}.day", f"{asset} spot-ETF flow"
        definition = (
            "sum of all funds, last trading day known (a day is known when it is over in UTC)"
        )
        days, reason = view.attempt(flows.etf_by_day, asset=asset)
        last_day = None if days is None else days["date"][-1]
        if last_day is not None and _age_days(view, last_day) > OLDEST_FLOW_DAYS:
            days, reason = None, f"the last flow of {asset} funds is of {last_day}"
        if days is None:
            part.figures.append(Figure(key, label, None, "USD", definition, note=reason))
            continue
        last, streak = days.row(-1, named=True), view.ask(flows.etf_outflow_streak, asset=asset)
        note = f"{last['date']:%-d %b %Y}"
        if streak.days > 1:
            note += f", outflow day {streak.days} in a row, {format_usd(streak.usd)} together"
        part.figures.append(
            Figure(
                key,
                label,
                last["usd"],
                "USD",
                definition,
                view.at_ns,
                "1d",
                f"{last['funds']} US spot funds",
                note=note,
            )
        )
        part.figures.append(
            Figure(
                f"flows.etf.{asset}.5_days",
                f"{asset} spot-ETF flow, 5 days",
                last["usd_5_days"],
                "USD",
                "sum of the last five trading days",
                view.at_ns,
                "5 trading days",
                "US spot funds",
            )
        )
        shown = days.tail(SHOWN_DAYS)
        series.append((asset, shown["date"].cast(pl.Datetime("ns")), shown["usd"]))
    if not series:
        part.panels.append(
            missing_panel("ETF flows", "flows of spot ETFs: not recorded on this tape")
        )
        return
    part.charts["etf"] = charts.stacked_bars(series, "USD")
    part.panels.append(
        Panel(
            title="Spot-ETF flows by day",
            chart="etf",
            caption=f"Net flow of US funds, the last {SHOWN_DAYS} trading days known.",
        )
    )


def _age_days(view: View, day: date) -> int:
    return (datetime.fromtimestamp(view.at_ns // SECOND_NS, UTC).date() - day).days


def _mood(view: View, part: Part) -> None:
    definition = "Crypto Fear & Greed index of alternative.me, published at 00:00 UTC"
    try:
        mood = view.ask(sentiment.fear_greed)
    except NotRecorded as reason:
        part.figures.append(
            Figure(
                "sentiment.fear_greed", "Fear & Greed", None, "index", definition, note=str(reason)
            )
        )
        part.panels.append(missing_panel("Fear & Greed", str(reason)))
        return
    note = mood.band
    if mood.day_change is not None:
        note += f", {mood.day_change:+.0f} in a day".replace("-", "−")
    part.figures.append(
        Figure(
            "sentiment.fear_greed",
            "Fear & Greed",
            mood.value,
            "index",
            definition,
            mood.published_ns,
            "",
            "alternative.me",
            note=note,
        )
    )
    lows = [low for low, _ in reversed(sentiment.BANDS)]
    highs = [*[low - 1 for low in lows[1:]], 100.0]
    names = [name for _, name in reversed(sentiment.BANDS)]
    part.charts["mood"] = charts.gauge(mood.value, list(zip(lows, highs, names, strict=True)))
    part.panels.append(
        Panel(
            title=f"Fear & Greed: {mood.value:.0f}, {mood.band}",
            chart="mood",
            size="short",
            caption="0 is fear, 100 greed. Published once a day; how it is computed is not public"
            " in full.",
        )
    )


def _treasuries(view: View, part: Part) -> None:
    found, reason = view.attempt(flows.treasuries, window="7d")
    if found is None:
        part.panels.append(missing_panel("Companies with treasuries", reason))
        return
    for row in found.iter_rows(named=True):
        part.figures.append(
            Figure(
                f"treasury.{row['symbol']}.change_7d",
                f"{row['symbol']} over 7d",
                row["return"],
                "fraction",
                "close / close a week before - 1",
                view.at_ns,
                "7d",
                f"{row['venue']} {row['symbol']}",
                note=f"BTC {format_percent(row['asset_return'])} over the same days",
            )
        )
    part.panels.append(
        Panel(
            title="Companies with treasuries, 7 days",
            columns=["share", "from", "to", "change", "BTC", "beta", "correlation"],
            rows=[
                [
                    row["symbol"],
                    f"{row['from_date']:%-d %b}",
                    f"{row['to_date']:%-d %b}",
                    format_percent(row["return"]),
                    format_percent(row["asset_return"]),
                    _number(row["beta"]),
                    _number(row["correlation"]),
                ]
                for row in found.iter_rows(named=True)
            ],
            numeric=(3, 4, 5, 6),
            caption="Daily closes; beta and correlation over 90 days against BTC.",
        )
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
