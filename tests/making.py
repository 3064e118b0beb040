"""Small frames for tests: made here, so that every number is known."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from undertow.tape import Tape

Undertow = Callable[..., subprocess.CompletedProcess[str]]  # the fixture of conftest.py

START = "2025-11-04T00:00:00Z"
START_NS = int(datetime(2025, 11, 4, tzinfo=UTC).timestamp()) * 1_000_000_000
MINUTE_NS = 60_000_000_000


def candles(
    count: int, *, start: int = 0, symbol: str = "BTCUSDT", venue: str = "binance-usdm"
) -> pl.DataFrame:
    """Five-minute bars number ``start`` to ``start + count``; bar n closes at 100 + n."""
    numbers = pl.int_range(start, start + count, eager=True)
    return pl.DataFrame(
        {
            "ts": (START_NS + numbers * 5 * MINUTE_NS).cast(pl.Datetime("ns", "UTC")),
            "venue": [venue] * count,
            "symbol": [symbol] * count,
            "interval": ["5m"] * count,
            "open": 100.0 + numbers,
            "high": 101.0 + numbers,
            "low": 99.0 + numbers,
            "close": 100.0 + numbers,
            "volume": [2.0] * count,
        }
    )


def liquidations(count: int, *, start: int = 0) -> pl.DataFrame:
    """One long of 1000 + n dollars closed each minute."""
    numbers = pl.int_range(start, start + count, eager=True)
    return pl.DataFrame(
        {
            "ts": (START_NS + numbers * MINUTE_NS).cast(pl.Datetime("ns", "UTC")),
            "venue": ["bybit"] * count,
            "symbol": ["BTCUSDT"] * count,
            "side": ["long"] * count,
            "usd": 1000.0 + numbers,
        }
    )


def small_tape(folder: Path, **tables: pl.DataFrame) -> Tape:
    """A tape on disk; twelve candles unless tables are given."""
    with Tape.create(folder, kind="recorded", title="small") as writer:
        for name, frame in (tables or {"candles": candles(12)}).items():
            writer.append(name, frame)
    return Tape.open(folder)


def contents(tape: Tape) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that have any, as a set of a kind: sorted by their text."""
    in_ns = pl.col("ts").cast(pl.Int64)
    rows = {
        name: sorted(tape.table(name).with_columns(in_ns).collect().rows(), key=repr)
        for name in tape.manifest.tables
    }
    return {name: found for name, found in rows.items() if found}


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes; folders have none."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }
