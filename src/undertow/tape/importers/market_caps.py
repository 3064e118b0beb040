"""Market capitalisations: CoinMarketCap's monthly lists, CoinGecko's snapshots.

Tickers are not unique, so the name belongs to the key; they are put in capitals. CoinMarketCap's
``snapshot_date`` (YYYYMMDD) names the day at whose end it looked: 69 of 70 of its prices of
Bitcoin are the day's close to the last digit. Such a row gets the time of that end, 00:00 UTC of
the next day. CoinGecko's rows keep their own times, which are UTC (their prices fit the minute).

Two things are left empty or out and counted in the notes, as a zero would be false: a price of 0
beside a capitalisation above 0 (rounded away: such a coin has 10^17 pieces), and the rows of
coins whose supply CoinGecko does not know, which it lists with capitalisation 0 and supply 0.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import columns, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": ("snapshot_date", *columns.TIME_NAMES),
    "asset": ("symbol", "asset", "coin", "ticker"),
    "name": ("name",),
    "source": ("source",),
    "price": ("price", "current_price"),
    "market_cap": ("market cap", "market_cap"),
    "supply": ("circulating supply", "circulating_supply"),
    "volume_24h": ("volume (24h)", "total_volume", "volume_24h"),
}
_OPTIONAL = ["name", "source", "price", "supply", "volume_24h"]


def read(path: Path, options: Options) -> Reading:
    """Read one file of market capitalisations; which layout it is, its columns tell."""
    bad = BadRows(path, options.skip_bad)
    rows = read_rows(path, bad)
    frame = columns.pick(rows, _WANTED, options, path, _OPTIONAL, bad)
    frame = _with_source(frame, rows, options, path)
    known = [name for name in ("asset", "name", "source") if name in frame.columns]
    frame = columns.words(frame, known, bad).with_columns(pl.col("asset").str.to_uppercase())
    if columns.has(rows, "snapshot_date") and "ts" not in options.mapping:
        frame = _with_days(frame, bad)
    frame = columns.numbers(columns.times(frame, bad), ["market_cap"], bad)
    extra = ["price", "supply", "volume_24h"]
    frame = columns.numbers(frame, extra, bad, optional=True)
    frame = columns.positive(frame, ["market_cap", *extra], bad, zero=True)
    frame, notes = _without_unknowns(frame)
    frame = columns.positive(frame, ["market_cap", "price", "supply"], bad)
    frame = series.in_order(frame, bad, series=known)
    return Reading({"market": series.plain(frame)}, bad.dropped, notes=notes)


def _with_source(
    frame: pl.DataFrame, rows: pl.DataFrame, options: Options, path: Path
) -> pl.DataFrame:
    """Who counted: a column of the file, ``--venue``, or the layout."""
    if "source" in frame.columns:
        return frame
    if options.venue is not None:
        source = options.venue
    elif columns.has(rows, "snapshot_date"):
        source = "coinmarketcap"
    elif columns.has(rows, "current_price"):
        source = "coingecko"
    else:
        raise DataError("who counted? expected a column 'source', or --venue", file=path)
    return frame.with_columns(pl.lit(source).alias("source"))


def _with_days(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """``20251001`` as its end, the first moment of the next day."""
    day = pl.col("ts").cast(pl.String).str.strip_chars().str.to_date("%Y%m%d", strict=False)
    frame = columns.drop_where(frame, day.is_null(), "ts", bad, "expected a day: YYYYMMDD")
    return frame.with_columns(day.dt.offset_by("1d").alias("ts"))


def _without_unknowns(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The frame without zeros that mean "not known", and how many there were."""
    notes = []
    if "supply" in frame.columns:
        is_unknown = (pl.col("market_cap") == 0) & (pl.col("supply") == 0)
        unknown = frame.filter(is_unknown)["asset"].to_list()
        frame = frame.filter(~is_unknown.fill_null(False))
        if unknown:
            notes.append(
                f"{len(unknown)} rows with capitalisation 0 and supply 0 (not known to the"
                f" source) are left out: {', '.join(unknown)}"
            )
    if "price" in frame.columns:
        is_rounded = (pl.col("price") == 0) & (pl.col("market_cap") > 0)
        rounded = frame.filter(is_rounded).height
        frame = frame.with_columns(pl.when(~is_rounded).then("price").alias("price"))
        if rounded:
            notes.append(f"{rounded} prices of 0 beside a capitalisation are left empty")
    return frame, notes


IMPORTER = Importer(
    name="market-caps",
    summary="market capitalisations: CoinMarketCap's monthly lists, CoinGecko's snapshots",
    tables=("market",),
    example="symbol,id,name,current_price,market_cap,total_volume,circulating_supply,timestamp\n"
    "BTC,bitcoin,Bitcoin,109560.0,2185877651184.0,38564617354,19943668.0,2025-11-03T02:05:14",
    read=read,
)
