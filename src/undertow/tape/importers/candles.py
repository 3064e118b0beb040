"""Candles: any CSV or Parquet file with a time and open, high, low, close.

Prices must be above zero, ``low`` lowest and ``high`` highest, times rising for each venue and
symbol. A file that knows closes only (``date, price``) gives candles with only a close. Funding
rates beside the bars are those of the settlement at the start of the bar.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.tape.importers import columns, names, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": columns.TIME_NAMES,
    "venue": columns.VENUE_NAMES,
    "symbol": columns.SYMBOL_NAMES,
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "price"),
    "volume": ("volume", "v", "vol"),
    "quote_volume": ("quote_volume", "quote_asset_volume"),
    "trades": ("trades", "count", "number_of_trades"),
    "mark_open": ("mark_open",),
    "mark_high": ("mark_high",),
    "mark_low": ("mark_low",),
    "mark": ("mark_close",),
    "rate": ("funding_rate",),
}
_OPTIONAL = [name for name in _WANTED if name not in ("ts", "close")]
_PRICES = ("open", "high", "low", "close")
_MARKS = ("mark_open", "mark_high", "mark_low", "mark")


def read(path: Path, options: Options) -> Reading:
    """Read one file of candles; hourly files may carry mark prices and funding beside them."""
    return read_bars(path, options)


def read_bars(
    path: Path,
    options: Options,
    *,
    default_venue: str | None = None,
    default_symbol: str | None = None,
) -> Reading:
    """As ``read``, with the venue and symbol of a file that names none."""
    bad = BadRows(path, options.skip_bad)
    frame = columns.pick(read_rows(path, bad), _WANTED, options, path, _OPTIONAL, bad)
    has_bars = {"open", "high", "low"} <= set(frame.columns)
    if not has_bars and {"open", "high", "low"} & set(frame.columns):
        absent = next(name for name in _PRICES if name not in frame.columns)
        frame = columns.pick(frame, {absent: (absent,)}, Options(), path)  # names the column
    frame, notes = names.with_names(
        frame,
        options,
        path,
        default_venue=default_venue or ("binance-usdm" if has_bars else "index"),
        default_symbol=default_symbol,
        bad=bad,
    )
    frame = columns.times(frame, bad)
    prices = [name for name in _PRICES if name in frame.columns]
    frame = columns.positive(columns.numbers(frame, prices, bad), prices, bad)
    rest = ["volume", "quote_volume", "trades", *_MARKS, "rate"]
    frame = columns.numbers(frame, rest, bad, optional=True)
    frame = columns.positive(frame, ["volume", "quote_volume", "trades"], bad, zero=True)
    frame = columns.positive(frame, _MARKS, bad)
    if "trades" in frame.columns:
        is_part = pl.col("trades") != pl.col("trades").floor()
        frame = columns.drop_where(frame, is_part, "trades", bad, "expected a whole number")
    if has_bars:
        frame = consistent(frame, bad)
    frame = series.in_order(frame, bad)
    interval = series.find_interval(frame, options.interval, bad)
    frame = series.on_grid(frame, interval, bad)
    gaps = series.gaps(frame, interval[1])
    frames = _tables(series.plain(frame), interval[0])
    return Reading(frames, bad.dropped, gaps, notes)


def consistent(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Drop bars whose high is not their highest price, or whose low is not their lowest."""
    low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    frame = columns.drop_where(
        frame, pl.col("high") < pl.col("low"), "high", bad, "high is below low: expected it above"
    )
    frame = columns.drop_where(
        frame, pl.col("high") < high, "high", bad, "expected the highest of the bar's prices"
    )
    return columns.drop_where(
        frame, pl.col("low") > low, "low", bad, "expected the lowest of the bar's prices"
    )


def _tables(frame: pl.DataFrame, interval: str) -> dict[str, pl.DataFrame]:
    series_of = ["ts", "venue", "symbol"]
    bar = pl.lit(interval).alias("interval")
    kept = [n for n in (*_PRICES, "volume", "quote_volume", "trades") if n in frame.columns]
    frames = {"candles": frame.select(*series_of, bar, *kept)}
    marks = [name for name in _MARKS if name in frame.columns]
    if marks:
        rows = frame.filter(pl.any_horizontal(pl.col(marks).is_not_null()))
        frames["marks"] = rows.select(*series_of, bar, *marks)
    if "rate" in frame.columns:
        rows = series.with_spacing(frame.filter(pl.col("rate").is_not_null()))
        frames["funding"] = rows.select(*series_of, "rate", series.HOURS.alias("interval_hours"))
    return frames


IMPORTER = Importer(
    name="candles",
    summary="open, high, low, close by period; CSV or Parquet; times in milliseconds or ISO-8601",
    tables=("candles", "marks", "funding"),
    example="timestamp,symbol,open,high,low,close,volume\n"
    "1762214400000,BTCUSDT,106544.0,106600.0,106500.1,106577.7,321.4",
    read=read,
)
