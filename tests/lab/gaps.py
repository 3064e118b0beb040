"""The teaching scenario `gap`, made so small that a run takes a moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from undertow.lab.run import Run, run
from undertow.lab.scenario import Scenario, load
from undertow.model.periods import duration_ns, time_ns
from undertow.tape import Tape

START = "2025-11-03T00:00:00Z"
# Three minutes with a sale in the second.
SMALL: Mapping[str, object] = {
    "span.length": "3m", "venue.binance-usdm.accounts": "300",
    "shock.sale.at": "2025-11-03T00:01:00Z", "shock.sale.until": "2025-11-03T00:02:00Z",
}  # fmt: skip


def small(changes: Mapping[str, object] | None = None) -> Scenario:
    return load("gap").with_values({**SMALL, **(changes or {})})


def ran(folder: Path, changes: Mapping[str, object] | None = None, seed: int = 7) -> Run:
    return run(small(changes), seed=seed, path="model", folder=folder)


def bars(closes: list[float], interval: str, start_ns: int) -> pl.DataFrame:
    """Bars of BTCUSDT with these closes, and a wick of a thousandth on either side."""
    opens = [closes[0], *closes[:-1]]
    numbers = pl.int_range(len(closes), eager=True)
    return pl.DataFrame({
        "ts": (start_ns + numbers * duration_ns(interval)).cast(pl.Datetime("ns", "UTC")),
        "venue": "binance-usdm", "symbol": "BTCUSDT", "interval": interval, "open": opens,
        "high": [max(pair) * 1.001 for pair in zip(opens, closes, strict=True)],
        "low": [min(pair) * 0.999 for pair in zip(opens, closes, strict=True)],
        "close": closes, "volume": 1000.0,
    })  # fmt: skip


def falling_tape(closes: list[float], interval: str = "1m") -> Tape:
    """A bar per close from the scenario's start on, and three days of hours before it."""
    start_ns = time_ns(START)
    # Prices at which the crowd has bought: up to 8 % around the price of the eve.
    before = [100_000 + 8000 * math.sin(hour / 5) for hour in range(72)]
    hours = bars(before, "1h", start_ns - 72 * duration_ns("1h"))
    return Tape.from_frames({"candles": pl.concat([hours, bars(closes, interval, start_ns)])})


def on_path(folder: Path, closes: list[float], changes: Mapping[str, object] | None = None) -> Run:
    """A run on given prices, a minute each, in steps of ten seconds."""
    span = {"span.length": f"{len(closes)}m", "span.step": "10s"}
    made = small({**span, **(changes or {})})
    return run(made, seed=7, path="real", folder=folder, tape=falling_tape(closes))


def liquidated(made: Run, *stages: str) -> pl.DataFrame:
    """Rows of the true liquidations, of some stages or all; none where nothing was closed."""
    rows = made.tape.table("liquidations").collect()
    return rows.filter(pl.col("stage").cast(pl.String).is_in(stages)) if stages else rows
