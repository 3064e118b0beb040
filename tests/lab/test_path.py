"""Prices from candles: every extreme is met, and nothing beyond them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.lab.path import price_path
from undertow.model.periods import SECOND_NS, duration_ns, time_ns
from undertow.tape import Tape

START_NS = time_ns("2025-11-03T00:00:00Z")


def bars(
    count: int, interval: str = "5m", seed: int = 1, symbol: str = "BTCUSDT", start: int = 0
) -> pl.DataFrame:
    """A random walk; its bars do not begin where the last one closed."""
    dice = np.random.default_rng(seed)
    edges = 100 * np.exp(np.cumsum(dice.normal(0, 0.01, (count, 2)).ravel())).reshape(count, 2)
    numbers = pl.int_range(start, start + count, eager=True)
    return pl.DataFrame({
        "ts": (START_NS + numbers * duration_ns(interval)).cast(pl.Datetime("ns", "UTC")),
        "venue": "binance-usdm", "symbol": symbol, "interval": interval,
        "open": edges[:, 0], "close": edges[:, 1],
        "high": edges.max(axis=1) * (1 + dice.uniform(0, 0.01, count)),
        "low": edges.min(axis=1) * (1 - dice.uniform(0, 0.01, count)), "volume": 1.0,
    })  # fmt: skip


def walked(frame: pl.DataFrame, step_s: float, steps: int) -> np.ndarray:
    tape = Tape.from_frames({"candles": frame})
    path, used = price_path(tape, {"BTC": ["BTCUSDT"]}, START_NS, int(step_s * SECOND_NS), steps)
    assert list(used) == ["BTC"]
    assert path.shape == (steps, 1)
    return path[:, 0]


@given(st.sampled_from([1, 2, 7, 10, 37, 60, 100, 150]), st.integers(0, 50))
def test_every_bar_has_its_extremes_and_nothing_more(step_s: int, seed: int) -> None:
    frame = bars(12, seed=seed)
    steps = 3600 // step_s
    path = walked(frame, step_s, steps)
    bar = np.arange(steps) * step_s // 300
    for number, (low, high) in enumerate(frame.select("low", "high").rows()):
        if step_s * steps >= 300 * (number + 1):  # the last steps may not reach the end
            assert path[bar == number].min() == low
            assert path[bar == number].max() == high


def test_a_bar_goes_low_first_where_it_rises() -> None:
    frame = pl.concat([bars(1), bars(1, start=1)]).with_columns(
        open=pl.Series([100.0, 104.0]), high=pl.Series([106.0, 105.0]),
        low=pl.Series([99.0, 101.0]), close=pl.Series([104.0, 102.0]),
    )  # fmt: skip
    assert walked(frame, 50, 12) == pytest.approx(
        [100, 99.5, 99, 102.5, 106, 105, 104, 104.5, 105, 103, 101, 101.5]
    )
    assert walked(frame, 150, 4).tolist() == [99, 106, 105, 101]


@pytest.mark.parametrize("step_s", [60, 150, 300])
def test_bars_shorter_than_two_steps_are_joined(step_s: int) -> None:
    frame = bars(60, "1m", seed=3)
    path = walked(frame, step_s, 3600 // step_s)
    window = 2 * step_s
    for number in range(3600 // window):
        some = frame[number * window // 60 : (number + 1) * window // 60]
        pair = path[2 * number : 2 * number + 2]
        assert sorted(pair) == [some["low"].min(), some["high"].max()]


def test_a_run_may_begin_within_a_bar() -> None:
    tape = Tape.from_frames({"candles": bars(24)})
    start_ns = START_NS + 130 * SECOND_NS
    path, _ = price_path(tape, {"BTC": ["BTCUSDT"]}, start_ns, 10 * SECOND_NS, 600)
    frame = bars(24)
    assert not np.isnan(path).any()
    assert path[:17, 0].tolist() == [frame["open"][1]] * 17  # nothing is known of this bar
    assert path[17:47, 0].min() == frame["low"][1]


def test_the_finest_bars_are_taken_then_the_first_symbol() -> None:
    tape = Tape.from_frames({"candles": pl.concat([
        bars(2, "1h", symbol="BTCUSDT"), bars(24, "5m", symbol="BTC", seed=2),
        bars(24, "5m", symbol="XBTUSD", seed=3), bars(3, "1m", symbol="BTCUSDT", seed=4),
    ]).sort("ts")})  # fmt: skip
    names = {"BTC": ["BTCUSDT", "BTC", "XBTUSD"]}
    path, used = price_path(tape, names, START_NS, 10 * SECOND_NS, 720)
    assert used == {"BTC": "binance-usdm BTC 5m"}
    assert path.min() == bars(24, "5m", seed=2)["low"].min()


def test_a_tape_that_does_not_cover_the_span_is_refused() -> None:
    frame = bars(12)
    with pytest.raises(UndertowError, match=r"no candles of BTC \(BTCUSDT\) that cover"):
        walked(frame, 10, 720)
    with pytest.raises(UndertowError, match="no candles of BTC"):
        walked(frame.with_columns(open=None), 10, 360)
    with pytest.raises(UndertowError, match="no candles of BTC"):
        walked(frame.with_columns(symbol=pl.lit("ETHUSDT")), 10, 360)
