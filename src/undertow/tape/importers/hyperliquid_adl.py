"""Auto-deleveraging on Hyperliquid on 10 October 2025: what each account was closed of.

The publication (ConejoCapital/HyperMultiAssetedADL) has one row per account in
``adl_by_user.parquet``: value closed, number of closings. It has no time, no coin and no side.
What follows from that, so that nothing is invented:

- ``ts`` is 21:27:00 UTC, the end of the window that the publisher names, the first moment at
  which the sums were known. The closings themselves were from 21:16:04 to 21:26:57. An earlier
  time would let a reader look ahead.
- ``symbol`` is ``ALL``: a sum over all coins. ``side`` is empty: the winners who were closed were
  mostly short, but not all.
- ``stage`` is ``adl``, ``account`` the number of the account, ``orders`` its closings.

These are closings of winners. Their counterparts are liquidations already, so that the two must
not be added.

The other files of the folder are not forced into a table: ``positions_btc_sol.parquet`` has
neither times nor values closed, ``cascade_timing_results.json`` counts events without values,
the ``per_shock``, ``policy``, ``two_pass`` and ``bad_debt`` files are the output of a model.
Given the folder, the number of closings is compared with the count in the timing file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from undertow.errors import DataError
from undertow.model.periods import SECOND_NS, time_ns, time_text
from undertow.tape.frames import TIME
from undertow.tape.importers import columns, series
from undertow.tape.importers.content import read_rows, read_text
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_ACCOUNTS = "adl_by_user.parquet"
_TIMING = "cascade_timing_results.json"
_START_NS, _END_NS = time_ns("2025-10-10T21:15Z"), time_ns("2025-10-10T21:27Z")
_WANTED = {
    "account": ("user", "account"),
    "usd": ("adl_notional",),
    "orders": ("num_adl_events",),
}
_NOT_READ = (
    ("was_adl", "positions without times and values closed"),
    ("t_start", "the output of a model, not closings"),
    ("t_start_ms", "the output of a model, not closings"),
)


def read(path: Path, options: Options) -> Reading:
    """Read ``adl_by_user.parquet``, or the folder it lies in."""
    if not path.is_dir():
        return _read_accounts(path, options)
    accounts, timing = path / _ACCOUNTS, path / _TIMING
    if not accounts.is_file():
        raise DataError(f"no {_ACCOUNTS} in this folder", file=path)
    reading = _read_accounts(accounts, options)
    if timing.is_file():
        reading.notes.append(_compared(timing, int(reading.frames["liquidations"]["orders"].sum())))
    others = sorted(item.name for item in path.iterdir() if item not in (accounts, timing))
    if others:
        reading.notes.append(f"not read, as they tell of no closings: {', '.join(others)}")
    return reading


def _read_accounts(path: Path, options: Options) -> Reading:
    bad = BadRows(path, options.skip_bad)
    if path.suffix == ".json":
        raise DataError(f"not closings by account: expected {_ACCOUNTS}", file=path)
    rows = read_rows(path, bad)
    for column, reason in _NOT_READ:
        if column in rows.columns and "adl_notional" not in rows.columns:
            raise DataError(f"{reason}: expected {_ACCOUNTS}", file=path)
    frame = columns.pick(rows, _WANTED, options, path, bad=bad)
    frame = columns.numbers(frame, list(_WANTED), bad)
    frame = columns.positive(frame, ["account"], bad, zero=True)
    frame = columns.positive(frame, ["usd", "orders"], bad)
    for name in ("account", "orders"):
        is_part = pl.col(name) != pl.col(name).floor()
        frame = columns.drop_where(frame, is_part, name, bad, "expected a whole number")
    frame = series.without_duplicates(frame, ["account"], bad)
    liquidations = frame.select(
        pl.lit(_END_NS).cast(TIME).alias("ts"),
        pl.lit(options.venue or "hyperliquid").alias("venue"),
        pl.lit(options.symbol or "ALL").alias("symbol"),
        "usd",
        pl.lit("adl").alias("stage"),
        pl.col("account", "orders").cast(pl.Int64),
    )
    notes = [
        f"the file has no times: {time_text(_END_NS)}, when the sums were known",
        "the file has no coins and sides: symbol ALL, side empty",
    ]
    return Reading({"liquidations": liquidations}, bad.dropped, notes=notes)


class _Second(msgspec.Struct):
    second: int
    adls: int


class _Timing(msgspec.Struct):
    event_start: str
    timeline: list[_Second]


def _compared(path: Path, orders: int) -> str:
    """What the timing file says of the same event.

    Raises
    ------
    DataError
        When it cannot be read, or tells of another event.
    """
    try:
        timing = msgspec.json.decode(read_text(path), type=_Timing)
    except msgspec.MsgspecError as error:
        raise DataError(f"damaged JSON: {error}", file=path) from None
    start_ns = time_ns(timing.event_start)
    seconds = [entry.second for entry in timing.timeline if entry.adls]
    if not _START_NS <= start_ns < _END_NS or not seconds:
        raise DataError(
            "another event: expected that of 2025-10-10 from 21:15",
            file=path, column="event_start", value=timing.event_start,
        )  # fmt: skip
    first, last = (time_text(start_ns + at * SECOND_NS) for at in (min(seconds), max(seconds)))
    counted = sum(entry.adls for entry in timing.timeline)
    same = "as many" if counted == orders else f"not the {orders} summed here"
    return f"{_TIMING} counts {counted} closings from {first} to {last}: {same}"


IMPORTER = Importer(
    name="hyperliquid-adl",
    summary="auto-deleveraging on Hyperliquid on 10 October 2025: value closed per account",
    tables=("liquidations",),
    example="user,adl_notional,num_adl_events  (adl_by_user.parquet, or the folder it lies in)\n"
    "2,134772.166555,6",
    read=read,
)
