"""The layouts of Binance's public archive, and what each becomes on the tape.

- klines: ``candles``; those of mark prices: ``marks``.
- aggTrades: ``trades``. The taker sells where the buyer is the maker. Numbers must rise, missing
  ones are reported.
- bookDepth: ``depth``. Levels are cumulative from the middle price, negative percentages are
  bids; the levels of one moment and percentage are joined. No spread is given.
- metrics: ``open_interest`` at a moment. The files say when a period of 5 minutes ended, but those
  of COIN-M, and of USD-M from 2026-06-25 on, say when it began, while the figures are those of
  its end (binance/binance-public-data, issue 491): these are moved by 5 minutes. Days are not
  always in time order: they are sorted, and a note says so. Rows without open interest (empty
  or 0) are left out and counted.
- fundingRate: ``funding`` by settlement.
- liquidationSnapshot: ``liquidations`` at the average price, quantity as filled. The archive
  has every row of a day twice (issue 259 there): where all rows are, half of them are read.

COIN-M counts in contracts of 100 USD (BTC) or 10 USD (others). Quantities are turned into coins,
``quote_volume`` into USD. What COIN-M's bookDepth counts in is not documented: it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import duration_ns, time_ns
from undertow.tape.importers import candles, columns, series
from undertow.tape.importers.content import ROW
from undertow.tape.importers.liquidation_orders import LOWER_BOUND, closed_side, without_no_price
from undertow.tape.importers.reading import BadRows, Reading

COIN_MARGINED = re.compile(r"USD_(PERP|\d{6})$")
_BARS = ("open", "high", "low", "close")
_PLACE = ("ts", "venue", "symbol")
_METRICS_STEP_NS = duration_ns("5m")
_RELABELLED_NS = time_ns("2026-06-25")


@dataclass(frozen=True)
class Archive:
    """What is known of a file besides its rows; ``interval`` is that of its name."""

    symbol: str
    interval: str | None
    is_mark: bool

    @property
    def contract_usd(self) -> float | None:
        """Value of one contract of a coin-margined symbol in USD; None for others."""
        if not COIN_MARGINED.search(self.symbol):
            return None
        return 100.0 if self.symbol.startswith("BTCUSD_") else 10.0


@dataclass(frozen=True)
class Layout:
    """One kind of file.

    Attributes
    ----------
    headers
        The columns in the order of files without a header; a second order is the spot archive's,
        or has the symbol.
    wanted
        Our columns and the names that files have for them.
    read
        From those columns, with venue and symbol, to tables.
    """

    name: str
    headers: tuple[tuple[str, ...], ...]
    wanted: dict[str, tuple[str, ...]]
    read: Callable[[pl.DataFrame, Archive, BadRows], Reading]
    optional: tuple[str, ...] = field(default=())


def _klines(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    frame = columns.times(frame, bad, units=("ms", "us"))
    frame = columns.positive(columns.numbers(frame, _BARS, bad), _BARS, bad)
    amounts = ["volume", "quote_volume"]
    frame = columns.positive(columns.numbers(frame, amounts, bad), amounts, bad, zero=True)
    frame = _whole(frame, "trades", bad)
    frame = series.in_order(candles.consistent(frame, bad), bad, series=())
    interval = series.find_interval(frame, archive.interval, bad)
    frame = series.on_grid(frame, interval, bad)
    gaps = series.gaps(frame, interval[1])
    frame = frame.with_columns(pl.lit(interval[0]).alias("interval"))
    # Prices cannot move in trades where nothing is traded.
    is_mark = (frame["volume"].sum() == 0) and (frame["high"] > frame["low"]).any()
    if archive.is_mark or is_mark:
        note = [] if archive.is_mark else ["no volume at all: taken for mark prices"]
        names = {name: f"mark_{name}" for name in _BARS[:3]} | {"close": "mark"}
        marks = frame.select(*_PLACE, "interval", *_BARS).rename(names)
        return Reading({"marks": marks}, gaps=gaps, notes=note)
    if archive.contract_usd is not None:  # contracts, and coins where others have quote
        usd, coins = pl.col("volume") * archive.contract_usd, pl.col("quote_volume")
        frame = frame.with_columns(usd.alias("quote_volume"), coins.alias("volume"))
    bars = frame.select(*_PLACE, "interval", *_BARS, *amounts, "trades")
    return Reading({"candles": bars}, gaps=gaps)


def _whole(frame: pl.DataFrame, name: str, bad: BadRows) -> pl.DataFrame:
    """The column as whole numbers from 0."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    frame = frame.with_columns(text.cast(pl.Int64, strict=False).alias("_whole"))
    wrong = pl.col("_whole").is_null() | (pl.col("_whole") < 0)
    frame = columns.drop_where(frame, wrong, name, bad, "expected a whole number, 0 or more")
    return frame.drop(name).rename({"_whole": name})


def _agg_trades(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    frame = columns.times(frame, bad, units=("ms", "us"))
    amounts = ["price", "quantity"]
    frame = columns.positive(columns.numbers(frame, amounts, bad), amounts, bad)
    frame = _whole(frame, "trade_id", bad)
    maker = pl.col("is_buyer_maker").cast(pl.String).str.strip_chars().str.to_lowercase()
    sides = {"true": "sell", "false": "buy"}
    side = maker.replace_strict(sides, default=None)
    frame = frame.with_columns(side.cast(pl.Categorical).alias("side"))
    wrong = pl.col("side").is_null()
    frame = columns.drop_where(frame, wrong, "is_buyer_maker", bad, "expected true or false")
    frame = series.in_order(frame, bad, series=(), strictly=False)
    number = pl.col("trade_id")
    latest = number.cum_max().shift(1)
    frame = columns.drop_where(
        frame, number == latest, "trade_id", bad, "duplicate row: this number was there"
    )
    frame = columns.drop_where(
        frame, number < latest, "trade_id", bad, "number goes back: expected rising numbers"
    )
    if archive.contract_usd is not None:
        coins = pl.col("quantity") * archive.contract_usd / pl.col("price")
        frame = frame.with_columns(coins.alias("quantity"))
    trades = frame.select(*_PLACE, *amounts, "side", "trade_id")
    return Reading({"trades": trades}, gaps=_missing_numbers(trades["trade_id"], archive.symbol))


def _missing_numbers(numbers: pl.Series, symbol: str) -> list[str]:
    steps = numbers.diff().drop_nulls()
    holes = steps.filter(steps > 1)
    if holes.is_empty():
        return []
    after = numbers[int((numbers.diff() > 1).arg_max() or 0) - 1]
    missing = int(holes.sum()) - holes.len()
    return [f"{symbol}: {missing} trades missing in {holes.len()} gaps, the first after {after}"]


def _book_depth(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    if archive.contract_usd is not None:
        raise DataError(
            "what COIN-M's bookDepth counts in is not documented: expected a USD-M symbol",
            file=bad.file,
        )
    frame = columns.times(frame, bad, units=("ms",))
    frame = columns.numbers(frame, ["percentage", "notional"], bad)
    percentage = pl.col("percentage")
    wrong = (percentage == 0) | (percentage.abs() >= 100)
    expected = "expected a percentage of the price, bids below 0, such as -5 or 0.2"
    frame = columns.drop_where(frame, wrong, "percentage", bad, expected)
    frame = columns.positive(frame, ["notional"], bad, zero=True)
    frame = series.in_order(frame, bad, series=(), strictly=False)
    frame = series.without_duplicates(frame, ["ts", "percentage"], bad)
    frame = frame.with_columns((percentage.abs() / 100).round(6).alias("band"))
    lone = pl.len().over("ts", "band") != 2
    expected = "expected the same percentage on both sides at this time"
    frame = columns.drop_where(frame, lone, "percentage", bad, expected)
    bids = frame.filter(percentage < 0).select(*_PLACE, "band", pl.col("notional").alias("bid_usd"))
    asks = frame.filter(percentage > 0).select("ts", "band", pl.col("notional").alias("ask_usd"))
    depth = bids.join(asks, on=["ts", "band"], maintain_order="left").sort("ts", "band")
    return Reading({"depth": depth})


def _metrics(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    frame = columns.times(frame, bad, units=("ms",))
    figures = ["contracts", "value"]
    frame = columns.numbers(frame, figures, bad, optional=True)
    frame = columns.positive(frame, figures, bad, zero=True)
    late = frame.filter(pl.col("ts") < pl.col("ts").cum_max()).height
    notes = [f"{late} rows were out of time order: sorted"] if late else []
    frame = series.in_order(frame.sort("ts", maintain_order=True), bad, series=())
    gaps = series.gaps(frame, _METRICS_STEP_NS)
    known = frame.filter((pl.col("contracts") > 0).fill_null(False))
    if known.height < frame.height:
        notes.append(f"{frame.height - known.height} rows without open interest are left out")
    ts, usd = pl.col("ts"), pl.col("value")
    first = frame["ts"].cast(pl.Int64).min()
    if archive.contract_usd is not None or (isinstance(first, int) and first >= _RELABELLED_NS):
        ts = ts + pl.duration(nanoseconds=_METRICS_STEP_NS)
        notes.append("times name the start of 5 minutes, figures are of their end: moved by 5m")
    if archive.contract_usd is not None:
        usd = pl.col("contracts") * archive.contract_usd  # the file's value is in coins
    rows = known.with_columns(ts.alias("ts"), usd.alias("usd"))
    return Reading({"open_interest": rows.select(*_PLACE, "contracts", "usd")}, [], gaps, notes)


def _funding_rate(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    frame = columns.times(frame, bad, units=("ms",))
    frame = columns.numbers(frame, ["rate", "interval_hours"], bad)
    frame = columns.positive(frame, ["interval_hours"], bad)
    too_much = pl.col("rate").abs() >= 1
    frame = columns.drop_where(frame, too_much, "rate", bad, "expected a fraction: 0.0001")
    frame = series.in_order(frame, bad, series=())
    gaps = series.spaced_gaps(series.with_spacing(frame))
    return Reading({"funding": frame.select(*_PLACE, "rate", "interval_hours")}, gaps=gaps)


def _liquidations(frame: pl.DataFrame, archive: Archive, bad: BadRows) -> Reading:
    frame = columns.times(frame, bad, units=("ms",))
    frame = closed_side(frame, bad)
    frame = columns.numbers(without_no_price(frame), ["average_price"], bad, optional=True)
    frame = columns.numbers(frame, ["order_price", "quantity"], bad)
    frame = columns.positive(frame, ["order_price", "quantity"], bad)
    frame = columns.positive(frame, ["average_price"], bad, zero=True)
    frame = series.in_order(frame, bad, series=(), strictly=False)
    frame, notes = _once(frame, bad)
    traded = pl.when(pl.col("average_price") > 0).then(pl.col("average_price"))
    frame = frame.with_columns(pl.coalesce(traded, "order_price").alias("price"))
    if archive.contract_usd is not None:
        coins = pl.col("quantity") * archive.contract_usd / pl.col("price")
        frame = frame.with_columns(coins.alias("quantity"))
    usd = pl.col("price") * pl.col("quantity")
    rows = frame.select(*_PLACE, "side", "price", "quantity", usd.alias("usd"))
    return Reading({"liquidations": rows}, notes=[*notes, LOWER_BOUND])


def _once(frame: pl.DataFrame, bad: BadRows) -> tuple[pl.DataFrame, list[str]]:
    """Half of the rows where each is there twice (or 4, 6, … times); else none may be repeated."""
    fields = [name for name in frame.columns if name != ROW]
    times = pl.len().over(fields)
    if frame.height and frame.select((times % 2 == 0).all()).item():
        number = pl.int_range(pl.len()).over(fields)
        half = frame.filter(number % 2 == 0)
        return half, [f"the archive has every row twice: {frame.height} read as {half.height}"]
    return series.without_duplicates(frame, fields, bad), []


_KLINE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume",
    "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_AGG_TRADE = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
    "is_buyer_maker",
)  # fmt: skip
_METRIC = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value",
    "count_toptrader_long_short_ratio", "sum_toptrader_long_short_ratio",
    "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)  # fmt: skip
_ORDER = (
    "side", "order_type", "time_in_force", "original_quantity", "price", "average_price",
    "order_status", "last_fill_quantity", "accumulated_fill_quantity",
)  # fmt: skip

_ALL = (
    Layout(
        "klines",
        (_KLINE,),
        {
            "ts": ("open_time",),
            **{name: (name,) for name in (*_BARS, "volume", "quote_volume")},
            "trades": ("count",),
        },
        _klines,
    ),
    Layout(
        "aggTrades",
        (_AGG_TRADE, (*_AGG_TRADE, "is_best_match")),
        {
            "ts": ("transact_time", "timestamp", "time"),
            "price": ("price",),
            "quantity": ("quantity",),
            "is_buyer_maker": ("is_buyer_maker",),
            "trade_id": ("agg_trade_id",),
        },
        _agg_trades,
    ),
    Layout(
        "bookDepth",
        (("timestamp", "percentage", "depth", "notional"),),
        {"ts": ("timestamp",), "percentage": ("percentage",), "notional": ("notional",)},
        _book_depth,
    ),
    Layout(
        "metrics",
        (_METRIC,),
        {
            "ts": ("create_time",),
            "symbol": ("symbol",),
            "contracts": ("sum_open_interest",),
            "value": ("sum_open_interest_value",),
        },
        _metrics,
        optional=("symbol",),
    ),
    Layout(
        "fundingRate",
        (("calc_time", "funding_interval_hours", "last_funding_rate"),),
        {
            "ts": ("calc_time",),
            "interval_hours": ("funding_interval_hours",),
            "rate": ("last_funding_rate",),
        },
        _funding_rate,
    ),
    Layout(
        "liquidationSnapshot",
        (("time", *_ORDER), ("time", "symbol", *_ORDER)),
        {
            "ts": ("time",),
            "symbol": ("symbol",),
            "side": ("side",),
            "order_price": ("price",),
            "average_price": ("average_price",),
            "quantity": ("accumulated_fill_quantity",),
        },
        _liquidations,
        optional=("symbol",),
    ),
)

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}
