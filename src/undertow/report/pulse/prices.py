"""Prices: bitcoin and ether in figures, candles with dated causes, the coins side by side."""

from __future__ import annotations

from typing import Any

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import price
from undertow.measures.bars import bars
from undertow.model.periods import SECOND_NS, duration_ns
from undertow.report import charts
from undertow.report.figures import Figure, format_date, format_time, format_usd
from undertow.report.page import EventLine, Panel
from undertow.report.pulse.view import Part, View, missing_panel, time_ns_of
from undertow.tape.frames import TIME

MAIN_ASSETS = ("BTC", "ETH")
CHART_NS = 4 * 86_400 * SECOND_NS
CHART_BAR = "15m"
BEFORE_NS = 45 * 86_400 * SECOND_NS


def section(view: View) -> Part:
    """Figures of the main coins and the two price charts."""
    part = Part()
    for asset in MAIN_ASSETS:
        part.figures.extend(coin_figures(view, asset))
    try:
        _candles(view, part)
    except NotRecorded as reason:
        part.panels.append(missing_panel("Candles", str(reason)))
    return part


def coin_figures(view: View, asset: str) -> list[Figure]:
    """Open, high, low, close, changes, drawdown, volatility and fastest fall of one coin."""
    try:
        market = view.market(asset)
    except NotRecorded as reason:
        return [
            Figure(
                f"price.{asset}.last", f"{asset} price", None, "USD", "last close", note=str(reason)
            )
        ]
    return [*_window_figures(view, asset, market), *_path_figures(view, asset, market)]


def _window_figures(view: View, asset: str, market: dict[str, Any]) -> list[Figure]:
    place = f"{market['venue']} {market['symbol']}"
    covered = view.covered(market)
    note = f"only {covered} is on the tape" if covered else ""
    rows: list[tuple[str, str, Any, str, Any]] = [
        ("open", "open", market["open"], "first price of the window", market["start"]),
        (
            "high",
            "high",
            market["high"],
            "highest price; time: start of its bar",
            market["high_at"],
        ),
        ("low", "low", market["low"], "lowest price; time: start of its bar", market["low_at"]),
        ("last", "price", market["close"], "close of the last bar known", market["end"]),
    ]
    figures = [
        Figure(
            f"price.{asset}.{name}",
            f"{asset} {label}",
            value,
            "USD",
            definition,
            time_ns_of(when),
            view.window,
            place,
            note=note,
        )
        for name, label, value, definition, when in rows
    ]
    for name, label, definition in (
        ("change", "change", "last price / first price of the window - 1"),
        ("open_to_low", "open to low", "lowest / first price of the window - 1"),
    ):
        figures.append(
            Figure(
                f"price.{asset}.{name}",
                f"{asset} {label}",
                market[name],
                "fraction",
                definition,
                view.at_ns,
                view.window,
                place,
                note=note,
            )
        )
    return figures


def _path_figures(view: View, asset: str, market: dict[str, Any]) -> list[Figure]:
    key = (pl.col("venue") == market["venue"]) & (pl.col("symbol") == market["symbol"])
    place = f"{market['venue']} {market['symbol']}"
    figures = []
    moves, reason = view.attempt(price.returns, windows=("1h", "7d"))
    for window in ("1h", "7d"):
        value = _single(moves, key & (pl.col("window") == window), "return")
        figures.append(
            Figure(
                f"price.{asset}.change_{window}",
                f"{asset} over {window}",
                value,
                "fraction",
                "price / price then - 1",
                view.at_ns,
                window,
                place,
                note=reason,
            )
        )
    vol, reason = view.attempt(price.realised_volatility, window=view.window)
    figures.append(
        Figure(
            f"price.{asset}.volatility",
            f"{asset} realised volatility",
            _single(vol, key, "volatility"),
            "share",
            "root of the sum of squared log returns, a year of 365 days",
            view.at_ns,
            view.window,
            place,
            note=reason,
        )
    )
    return [*figures, *_fall_figures(view, asset, key, place)]


def _fall_figures(view: View, asset: str, key: pl.Expr, place: str) -> list[Figure]:
    figures = []
    falls, reason = view.attempt(price.fastest_fall, window=view.window)
    fall = None if falls is None else falls.filter(key)
    if fall is not None and fall.height and fall["change"][0] is not None:
        row = fall.row(0, named=True)
        figures.append(
            Figure(
                f"price.{asset}.fastest_hour",
                f"{asset} fastest fall in an hour",
                row["change"],
                "USD",
                "from a bar's high to a later bar's low, at most one hour apart",
                time_ns_of(row["end"]),
                view.window,
                place,
                note=f"{format_usd(row['from_price'])} to {format_usd(row['to_price'])}",
            )
        )
    down, reason = view.attempt(price.drawdown)
    row = {} if down is None else next(iter(down.filter(key).iter_rows(named=True)), {})
    note = (
        f"high {format_usd(row['high'])} on {format_time(time_ns_of(row['high_at']))}; "
        f"this market is on the tape since {format_time(time_ns_of(row['first']))}"
        if row
        else reason
    )
    figures.append(
        Figure(
            f"price.{asset}.drawdown",
            f"{asset} below its high",
            row.get("drawdown"),
            "fraction",
            "price / highest price on the tape - 1",
            view.at_ns,
            "",
            place,
            note=note,
        )
    )
    return figures


def _single(frame: pl.DataFrame | None, key: pl.Expr, column: str) -> float | None:
    rows = None if frame is None else frame.filter(key)
    return None if rows is None or rows.is_empty() else rows[column][0]


def _candles(view: View, part: Part) -> None:
    """Bitcoin's candles over four days, the window shaded, dated causes numbered."""
    market = view.market("BTC")
    start_ns = min(view.start_ns, view.at_ns - CHART_NS)
    known = bars(
        view.tape, start=start_ns, at=view.at_ns, venue=market["venue"], symbol=market["symbol"]
    ).drop_nulls(["open", "high", "low"])
    if known.is_empty():
        raise NotRecorded(f"candles of {market['symbol']}")
    drawn = _coarser(known)
    drawn_events, earlier = _events(view, start_ns)
    shade = charts.times(pl.Series([view.start_ns, view.at_ns]).cast(TIME))
    part.charts["candles"] = charts.candlesticks(
        drawn,
        shade=(shade[0], shade[1]),
        events=[(line.number, line.drawn_at) for line in drawn_events],
    )
    part.panels.append(
        Panel(
            title=f"{market['symbol']} on {market['venue']}",
            chart="candles",
            size="tall",
            wide=True,
            caption=f"Bars of {CHART_BAR}; shaded: the window; numbers: events below.",
        )
    )
    if drawn_events or earlier:
        part.panels.append(
            Panel(
                title="Dated events",
                wide=True,
                events=drawn_events,
                earlier=earlier,
                caption="That an event came first does not show that it was the cause.",
            )
        )


def _coarser(known: pl.DataFrame) -> pl.DataFrame:
    length_ns = duration_ns(CHART_BAR)
    finer = ((known["end"] - known["ts"]).cast(pl.Int64) < length_ns).all()
    if not finer:
        return known
    return known.group_by(pl.col("ts").dt.truncate(CHART_BAR), maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
    )


def _events(view: View, start_ns: int) -> tuple[list[EventLine], list[EventLine]]:
    """Events within the chart's span, numbered; and those of the weeks before it."""
    rows = view.tape.until(view.at_ns).slice(start_ns - BEFORE_NS).events.sort("ts").collect()
    rows = rows.filter(pl.col("kind").cast(pl.String) != "gap")
    drawn: list[EventLine] = []
    earlier: list[EventLine] = []
    for row in rows.iter_rows(named=True):
        when_ns = time_ns_of(row["ts"])
        # A date alone is no time of day.
        text = format_date(when_ns) if row["precision"] == "day" else format_time(when_ns)
        found = drawn if when_ns >= start_ns else earlier
        drawn_at = charts.times(pl.Series([when_ns]).cast(TIME))[0]
        found.append(EventLine(len(found) + 1, text, row["title"], row["source"], drawn_at))
    return drawn, earlier
