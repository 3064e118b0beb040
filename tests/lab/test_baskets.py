"""A symbol that stands for others does on a real path what they do on average."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from undertow.lab.baskets import with_baskets
from undertow.lab.build import build
from undertow.lab.scenario import load
from undertow.model.periods import time_ns
from undertow.tape import Tape

START = datetime(2025, 11, 1, tzinfo=UTC)
CLOSES = {"AUSDT": (10.0, 11.0, 11.0), "BUSDT": (2.0, 2.0, 1.0), "CUSDT": (5.0, 4.0, 8.0)}


def made() -> Tape:
    rows = [
        {
            "ts": START + timedelta(hours=hour), "venue": "binance-usdm", "symbol": symbol,
            "interval": "1h", "open": closes[max(0, hour - 1)], "close": close,
            "high": 1.1 * max(close, closes[max(0, hour - 1)]),
            "low": 0.8 * min(close, closes[max(0, hour - 1)]),
            "volume": 7.0, "quote_volume": 70.0,
        }
        for symbol, closes in CLOSES.items()
        for hour, close in enumerate(closes)
    ]  # fmt: skip
    return Tape.from_frames({"candles": pl.DataFrame(rows)})


def bars(tape: Tape, symbol: str) -> pl.DataFrame:
    return tape.table("candles").collect().filter(pl.col("symbol") == symbol).sort("ts")


def test_a_basket_takes_the_mean_of_logarithms_and_stays_where_it_was_at_the_start() -> None:
    tape = with_baskets(made(), {"AUSDT": ("BUSDT", "CUSDT", "UNKNOWN")}, time_ns("2025-11-01"))
    found = bars(tape, "AUSDT")
    first = found["close"][0]
    assert found["open"][0] == pytest.approx(10.0)
    # 11/10, 2/2 and 4/5; then 1, 1/2 and 2.
    assert found["close"][1] == pytest.approx(first * (1.1 * 1.0 * 0.8) ** (1 / 3))
    assert found["close"][2] == pytest.approx(found["close"][1])
    # Each coin's own extreme counts, though they do not all rise in the same hour.
    assert found["high"][2] == pytest.approx(found["open"][2] * 1.1 * (1 * 1 * 2) ** (1 / 3))
    assert found["low"][2] == pytest.approx(found["open"][2] * 0.8 * (1 * 0.5 * 1) ** (1 / 3))
    assert found["quote_volume"].to_list() == [70.0] * 3


def test_other_symbols_and_tapes_without_baskets_are_left_alone() -> None:
    tape = made()
    assert with_baskets(tape, {}, 0) is tape
    mixed = with_baskets(tape, {"AUSDT": ("BUSDT",)}, 0)
    assert bars(mixed, "CUSDT").equals(bars(tape, "CUSDT"))
    assert bars(with_baskets(tape, {"XUSDT": ("BUSDT",)}, 0), "AUSDT").equals(bars(tape, "AUSDT"))


def test_a_run_says_that_a_basket_has_nobodys_prices() -> None:
    scenario = load("2025-11-04").with_values({"span.length": "5m"})
    tape = Tape.open(scenario.tape or "")
    notes = build(scenario, seed=1, path="real", tape=tape).world.notes
    (note,) = (one for one in notes if "1000PEPEUSDT" in one)
    assert "mean of 18 coins" in note
