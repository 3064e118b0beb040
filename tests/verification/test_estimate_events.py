"""The sample behind the leverage map: figures have sources, and roles keep to the rules."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from undertow.measures.published import published
from undertow.model.periods import time_ns
from verification import estimate, hidden_crowds

EVENTS = pl.read_csv(estimate.EVENTS)


def test_every_figure_has_a_value_and_a_source() -> None:
    known = set(published()["id"])
    for row in EVENTS.rows(named=True):
        if row["figure"] is None:
            assert row["usd"] > 0 and row["source_url"].startswith("http"), row
        else:
            assert row["figure"] in known and row["usd"] is None, row
    assert EVENTS.select("as_of", "asset").is_duplicated().sum() == 0


def test_nothing_after_july_2025_was_used_to_fit() -> None:
    for as_of, role in EVENTS.select("as_of", "role").rows():
        first, end = {
            "shape": ("2021-08-01", "2025-01-01"),
            "early": ("2025-01-01", "2025-07-01"),
            "scale": ("2025-07-01", "2025-08-20"),
            "test": ("2025-08-20", "2025-12-01"),
        }[role]
        assert time_ns(first) <= time_ns(as_of) < time_ns(end), as_of


def test_factors_off() -> None:
    assert estimate.factor(np.log(0.5)) == pytest.approx(2.0)
    assert estimate.summary(np.log([1.0, 2.0, 0.25])) == "2.00, 3.60"


def test_a_folder_without_the_candles_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert estimate.main(["--data", str(tmp_path)]) == 2
    assert "no such file of candles" in capsys.readouterr().err


def test_a_hidden_crowd_loses_when_the_price_falls_and_not_when_it_stands() -> None:
    hours = 48
    close = np.where(np.arange(hours) < 40, 100.0, 80.0)
    start = np.concatenate([[100.0], close[:-1]])
    frame = pl.DataFrame(
        {
            "ts": pl.Series(time_ns("2025-06-01") + np.arange(hours) * 3_600_000_000_000),
            "open": start, "high": np.maximum(start, close) * 1.0001,
            "low": np.minimum(start, close), "close": close, "volume": np.full(hours, 10.0),
        }
    ).with_columns(
        pl.col("ts").cast(pl.Datetime("ns", "UTC")), venue=pl.lit("v"), symbol=pl.lit("BTCUSDT"),
        interval=pl.lit("1h"),
    )  # fmt: skip
    tape = estimate.Tape.from_frames({"candles": frame})
    bars = hidden_crowds.read_bars(tape, hidden_crowds.BUCKETS["1h"])[0]
    lost = hidden_crowds._liquidated(bars, hidden_crowds.HABITS[0], 0).sort("ts")["true_usd"]
    assert lost[0] == 0 and lost[1] > 0


def test_it_runs_by_its_path() -> None:
    assert "--data" in _help()


def _help() -> str:
    import subprocess

    path = Path(estimate.__file__)
    done = subprocess.run(
        [sys.executable, str(path), "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout
