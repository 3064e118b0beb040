"""Funding rates: settlements by venue and coin, Coinalyze's daily bars, daily means.

What each layout means was found by comparing files that tell of the same contract:

- ``timestamp, venue, coin, funding_rate`` holds each settlement as the venue made it, a fraction
  of the position. For Binance's BTC all 757 rates equal Binance's own to the last digit, at the
  same hours (give or take some thousandths of a second, which are kept). Nothing is spread over
  hours: Binance and Bybit have a row every 8 hours (Binance's HYPE every 4), Hyperliquid, Kraken
  and Lighter every hour.
- Coinalyze's ``funding_rate`` is the rate of the day's last settlement in percent: on all 90 days
  it is 100 times the last rate of the day of Binance's HYPE. It is stored as a fraction, with
  ``interval`` 1d, as nobody knew it before the day's end. Their ``funding_rate_pct`` is 100 times
  that again (basis points, not percent) and is not read. Hours between settlements are not told.
- ``date, funding_mean`` is the mean of the day's 8-hour settlements: on all 2,259 days that
  overlap it is the mean of Binance's BTCUSDT.

Where a file does not tell, ``interval_hours`` is the spacing of a contract's rows if it is
regular, else empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from undertow.tape.importers import coinalyze, columns, names, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": (*columns.TIME_NAMES, "fundingTime"),
    "venue": columns.VENUE_NAMES,
    "symbol": columns.SYMBOL_NAMES,
    "rate": ("funding_rate", "fundingRate", "rate"),
    "interval_hours": ("interval_hours", "funding_interval_hours"),
}
_MEANS = {**_WANTED, "rate": ("funding_mean",)}
_OPTIONAL = ("venue", "symbol", "interval_hours")
_DAY = ("1d", 86_400_000_000_000)


def read(path: Path, options: Options) -> Reading:
    """Read one file of funding rates; which layout it is, its columns tell."""
    bad = BadRows(path, options.skip_bad)
    rows = read_rows(path, bad)
    if columns.has(rows, "funding_mean") and "rate" not in options.mapping:
        return _daily(_common(rows, _MEANS, options, bad), bad, hours=8.0)
    if columns.has(rows, "funding_rate", "fr_open", "symbol"):
        return _daily(_common(rows, _WANTED, options, bad, is_coinalyze=True), bad, hours=None)
    return _settlements(_common(rows, _WANTED, options, bad), bad)


def _common(
    rows: pl.DataFrame,
    wanted: Mapping[str, Sequence[str]],
    options: Options,
    bad: BadRows,
    *,
    is_coinalyze: bool = False,
) -> tuple[pl.DataFrame, list[str]]:
    """Times, venues, symbols and rates (as fractions), in order; and notes."""
    frame = columns.pick(rows, wanted, options, bad.file, _OPTIONAL, bad)
    if is_coinalyze and "venue" not in frame.columns:
        frame = coinalyze.with_venues(frame)
    frame, notes = names.with_names(frame, options, bad.file, bad=bad)
    frame = columns.times(frame, bad, units=("s",) if is_coinalyze else ("ms",))
    frame = columns.numbers(frame, ["rate"], bad)
    if is_coinalyze:
        frame = frame.with_columns(pl.col("rate") / 100)
    message = "expected a fraction of the position per settlement, such as 0.0001"
    frame = columns.drop_where(frame, pl.col("rate").abs() >= 1, "rate", bad, message)
    return series.in_order(frame, bad), notes


def _daily(common: tuple[pl.DataFrame, list[str]], bad: BadRows, hours: float | None) -> Reading:
    frame, notes = common
    frame = series.on_grid(frame, _DAY, bad)
    table = frame.select(
        "ts", "venue", "symbol", "rate",
        pl.lit(_DAY[0]).alias("interval"),
        pl.lit(hours, dtype=pl.Float64).alias("interval_hours"),
    )  # fmt: skip
    return Reading({"funding": table}, bad.dropped, series.gaps(frame, _DAY[1]), notes)


def _settlements(common: tuple[pl.DataFrame, list[str]], bad: BadRows) -> Reading:
    frame, notes = common
    frame = series.with_spacing(frame)
    if "interval_hours" in frame.columns:
        frame = columns.numbers(frame, ["interval_hours"], bad, optional=True)
        frame = columns.positive(frame, ["interval_hours"], bad)
    else:
        frame = frame.with_columns(series.HOURS.alias("interval_hours"))
        notes += [
            f"{venue} {symbol}: no regular spacing, hours between settlements are left empty"
            for venue, symbol in frame.filter(pl.col("interval_hours").is_null())
            .select(series.SERIES)
            .unique(maintain_order=True)
            .iter_rows()
        ]
    table = frame.select("ts", "venue", "symbol", "rate", "interval_hours")
    return Reading({"funding": table}, bad.dropped, series.spaced_gaps(frame), notes)


IMPORTER = Importer(
    name="funding",
    summary="funding rates: settlements (milliseconds), Coinalyze's days (seconds), daily means",
    tables=("funding",),
    example="timestamp,venue,coin,funding_rate\n2025-11-04T16:00:00Z,bybit,BTC,0.0000512",
    read=read,
)
