"""Open interest: Coinalyze's daily bars, tables by venue and coin, Binance's own layout.

Coinalyze's files (``oi_open`` … ``oi_close``, times in seconds) give the last open interest of
each day in dollars: against the day's close of Binance's bars they move with the price, and
taken for coins 1000SHIB's 27.6 million would be worth 0.3 million dollars. The venue comes from
the last letter of the symbol, which stays in it. The other columns of those bars are not read.
The last day of such a file was not over when it was fetched: two files that overlap there
contradict each other.

Other files (``timestamp, venue, coin, oi_usd``; Binance's ``sumOpenInterest,
sumOpenInterestValue``) are taken as true at their time; with ``--interval`` as bars.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import coinalyze, columns, names, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": (*columns.TIME_NAMES, "create_time"),
    "venue": columns.VENUE_NAMES,
    "symbol": columns.SYMBOL_NAMES,
    "contracts": ("sumOpenInterest", "sum_open_interest", "contracts", "open_interest"),
    "usd": (
        "oi_usd", "sumOpenInterestValue", "sum_open_interest_value", "open_interest_usd",
        "usd", "oi_close",
    ),
}  # fmt: skip
_AMOUNTS = ["contracts", "usd"]


def read(path: Path, options: Options) -> Reading:
    """Read one file of open interest; which layout it is, its columns tell."""
    bad = BadRows(path, options.skip_bad)
    rows = read_rows(path, bad)
    is_coinalyze = columns.has(rows, "oi_close", "symbol")
    frame = columns.pick(rows, _WANTED, options, path, ["venue", "symbol", *_AMOUNTS], bad)
    amounts = [name for name in _AMOUNTS if name in frame.columns]
    if not amounts:
        raise DataError(
            "expected a column 'oi_usd', 'sumOpenInterest' or 'oi_close'; or say which with"
            " --map usd=NAME or --map contracts=NAME",
            file=path, row=1, column="oi_usd",
        )  # fmt: skip
    if is_coinalyze and "venue" not in frame.columns:
        frame = coinalyze.with_venues(frame)
    frame, notes = names.with_names(frame, options, path, bad=bad)
    frame = columns.times(frame, bad, units=("s",) if is_coinalyze else ("ms",))
    frame = columns.numbers(frame, amounts, bad, optional=len(amounts) == 2)
    frame = columns.positive(frame, amounts, bad, zero=True)
    is_empty = pl.all_horizontal(pl.col(amounts).is_null())
    frame = columns.drop_where(frame, is_empty, amounts[-1], bad, "expected open interest")
    frame = series.in_order(frame, bad)
    kept = ["ts", "venue", "symbol", *amounts]
    if is_coinalyze or options.interval:
        interval = series.find_interval(frame, options.interval, bad)
        frame = series.on_grid(frame, interval, bad)
        gaps = series.gaps(frame, interval[1])
        table = frame.select(*kept, pl.lit(interval[0]).alias("interval"))
    else:
        gaps = series.spaced_gaps(series.with_spacing(frame))
        table = frame.select(kept)
    return Reading({"open_interest": table}, bad.dropped, gaps, notes)


IMPORTER = Importer(
    name="open-interest",
    summary="open interest: Coinalyze (times in seconds), or by venue and coin (milliseconds)",
    tables=("open_interest",),
    example="timestamp,venue,coin,oi_usd\n1762214400000,binance,BTC,8450000000",
    read=read,
)
