"""Value locked in DeFi protocols, as DefiLlama counts it, in dollars.

DefiLlama's lists also hold what centralised exchanges keep (category CEX): ``market`` carries
the category, so that a reader can leave it out.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.tape.importers import columns, series
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": columns.TIME_NAMES,
    "protocol": ("slug", "protocol", "name"),
    "usd": ("tvl", "tvl_usd", "totalLiquidityUSD"),
    "market": ("category", "chain"),
}


def read(path: Path, options: Options) -> Reading:
    """Read one file of values locked: one row per protocol and time."""
    bad = BadRows(path, options.skip_bad)
    frame = columns.pick(read_rows(path, bad), _WANTED, options, path, ["market"], bad)
    known = [name for name in ("protocol", "market") if name in frame.columns]
    frame = columns.words(frame, known, bad)
    frame = columns.numbers(columns.times(frame, bad), ["usd"], bad)
    frame = columns.positive(frame, ["usd"], bad, zero=True)
    frame = series.in_order(frame, bad, series=known)
    table = series.plain(frame).with_columns(
        pl.lit("tvl").alias("kind"), pl.lit("ALL").alias("asset")
    )
    return Reading({"defi": table}, bad.dropped)


IMPORTER = Importer(
    name="tvl",
    summary="value locked in DeFi protocols (DefiLlama), in dollars",
    tables=("defi",),
    example="protocol,slug,category,tvl,timestamp\n"
    "Aave V3,aave-v3,Lending,37647739954.7,2025-11-03T01:15:59",
    read=read,
)
