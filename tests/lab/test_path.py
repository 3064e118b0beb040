"""Prices from candles: every extreme is met, and nothing beyond them."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.lab.path import MOST_MOVE, PARTS, cut_steps, leg_ends, price_path
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


def wild(moves: list[float]) -> pl.DataFrame:
    """Five-minute bars that rise a little, after a low so far down."""
    return pl.concat([bars(1, start=number) for number in range(len(moves))]).with_columns(
        open=pl.lit(100.0), close=pl.lit(100.5), high=pl.lit(101.0),
        low=pl.Series([101 * math.exp(-move) for move in moves]),
    )  # fmt: skip


def test_steps_are_cut_where_prices_go_far() -> None:
    moves = [0.015, 0.03, 0.07, 0.15, 0.5]
    names = {"BTC": ["BTCUSDT"]}
    tape = Tape.from_frames({"candles": wild(moves)})
    span = (START_NS, 150 * SECOND_NS, 10)
    starts_ns = cut_steps(tape, names, *span)
    assert starts_ns is not None
    bar = (starts_ns[:-1] - START_NS) // (300 * SECOND_NS)
    assert np.bincount(bar).tolist() == [2, *PARTS]
    assert starts_ns[-1] == START_NS + 1500 * SECOND_NS
    path, _ = price_path(tape, names, *span, starts_ns)
    for number, move in enumerate(moves):
        own = path[bar == number, 0]
        assert (own.min(), own.max()) == pytest.approx((101 * math.exp(-move), 101.0))
        if move < MOST_MOVE * PARTS[-1] / 3:
            assert np.abs(np.diff(np.log(own))).max() < 1.3 * MOST_MOVE
    # Where the market is going does not depend on how finely a bar is cut.
    ends = leg_ends(path, starts_ns, 150 * SECOND_NS)[:, 0]
    for number, move in enumerate(moves):
        own = ends[bar == number]
        assert own[0] == pytest.approx(101 * math.exp(-move))
        assert own[len(own) // 2] == pytest.approx(101.0)


def test_steps_stay_whole_where_prices_are_calm_or_bars_are_long() -> None:
    names = {"BTC": ["BTCUSDT"]}
    calm = Tape.from_frames({"candles": wild([0.015] * 12)})
    assert cut_steps(calm, names, START_NS, 150 * SECOND_NS, 24) is None
    stormy = Tape.from_frames({"candles": wild([0.3] * 12)})
    assert cut_steps(stormy, names, START_NS, 30 * SECOND_NS, 120) is None
    assert cut_steps(stormy, names, START_NS + 100 * SECOND_NS, 150 * SECOND_NS, 20) is None
