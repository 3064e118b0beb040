"""The Crypto Fear & Greed index: one value a day from 0 (fear) to 100 (greed).

A row is true at its time: the value of a date is published at 00:00 UTC of that date.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.tape.importers import columns, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {"ts": columns.TIME_NAMES, "value": ("fng", "value", "fear_greed")}
_DAY_NS = 86_400_000_000_000


def read(path: Path, options: Options) -> Reading:
    """Read one file of the index; missing days are reported."""
    bad = BadRows(path, options.skip_bad)
    frame = columns.pick(read_rows(path, bad), _WANTED, options, path, bad=bad)
    frame = columns.numbers(columns.times(frame, bad), ["value"], bad)
    is_outside = ~pl.col("value").is_between(0, 100)
    frame = columns.drop_where(frame, is_outside, "value", bad, "expected 0 to 100")
    frame = frame.with_columns(pl.lit("fear_greed").alias("index"))
    frame = series.in_order(frame, bad, series=["index"])
    gaps = series.gaps(frame, _DAY_NS, series=["index"])
    return Reading({"sentiment": series.plain(frame)}, bad.dropped, gaps)


IMPORTER = Importer(
    name="fear-greed",
    summary="the daily Crypto Fear & Greed index, 0 to 100",
    tables=("sentiment",),
    example="date,fng\n2025-11-04,21",
    read=read,
)
