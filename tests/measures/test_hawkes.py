"""The branching ratio on simulated orders whose ratio is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from making import START_NS
from undertow.errors import NotRecorded, UndertowError
from undertow.measures.hawkes import WARNING, branching_ratio, branching_ratio_of_orders
from undertow.tape import Tape

SPAN_S = 2000.0


def hawkes(seed: int, *, level: float, ratio: float, memory_s: float) -> np.ndarray:
    """As families: those who come by themselves, their children, and so on."""
    dice = np.random.default_rng(seed)
    parents = dice.uniform(0, SPAN_S, dice.poisson(level * SPAN_S))
    born = []
    while len(parents):
        born.append(parents)
        children = np.repeat(parents, dice.poisson(ratio, len(parents)))
        children = children + dice.exponential(memory_s, len(children))
        parents = children[children < SPAN_S]
    return np.concatenate(born)


@pytest.mark.parametrize(("ratio", "memory_s"), [(0.3, 1.0), (0.7, 3.0), (0.9, 0.5)])
def test_the_ratio_of_simulated_orders_is_recovered(ratio: float, memory_s: float) -> None:
    found = branching_ratio(
        hawkes(7, level=0.6, ratio=ratio, memory_s=memory_s), span_s=(0, SPAN_S)
    )
    assert found.low < ratio < found.high
    assert found.high - found.low < 0.25
    assert found.memory_s == pytest.approx(memory_s, rel=0.4)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    hits = 0
    for seed in range(20):
        found = branching_ratio(
            hawkes(seed, level=0.3, ratio=0.5, memory_s=1.0), span_s=(0, SPAN_S), segments=1
        )
        hits += found.low <= 0.5 <= found.high
    assert hits >= 17  # 19 expected; fewer than 17 once in 60 times


def test_orders_without_contagion_have_none() -> None:
    seen = 0
    for seed in range(10):
        times = hawkes(seed, level=1.0, ratio=0.0, memory_s=1.0)
        found = branching_ratio(times, span_s=(0, SPAN_S), segments=1)
        seen += found.low > 0
        assert found.ratio < 0.5
    assert seen <= 1


def test_a_shift_of_regime_is_no_contagion() -> None:
    # Nobody excites anybody; at one moment ten times as many come.
    dice = np.random.default_rng(9)
    times = np.concatenate([dice.uniform(0, 900, 900), dice.uniform(900, SPAN_S, 11_000)])
    found = branching_ratio(times, span_s=(0, SPAN_S))
    assert found.constant_ratio > 0.9  # what a constant base rate would have said
    assert found.high < 0.5
    assert len(found.levels) == 2
    assert found.edges_s[1] == pytest.approx(900, abs=SPAN_S / 256)
    assert found.levels == pytest.approx((1.0, 10.0), rel=0.2)
    assert "constant: n = 0.9" in found.text
    assert WARNING in found.text


def test_contagion_beside_a_shift_of_regime_is_still_seen() -> None:
    quiet = hawkes(10, level=0.3, ratio=0.6, memory_s=1.0)
    loud = hawkes(11, level=3.0, ratio=0.6, memory_s=1.0)
    times = np.concatenate([quiet[quiet < 1000], loud[loud >= 1000]])
    found = branching_ratio(times, span_s=(0, SPAN_S))
    assert found.low < 0.6 < found.high
    assert found.high < 0.75


def test_edges_that_are_known_can_be_given_and_times_may_start_anywhere() -> None:
    times = hawkes(12, level=0.5, ratio=0.4, memory_s=1.0)
    found = branching_ratio(times, span_s=(0, SPAN_S), segments=[500.0])
    later = branching_ratio(times + 1e6, span_s=(1e6, 1e6 + SPAN_S), segments=[1e6 + 500.0])
    assert later.ratio == pytest.approx(found.ratio, abs=1e-3)
    assert later.edges_s == pytest.approx((1e6, 1e6 + 500, 1e6 + SPAN_S))


def test_orders_at_one_moment_do_not_excite_each_other() -> None:
    # One market order that hits many levels is many trades, not contagion.
    times = np.repeat(np.random.default_rng(13).uniform(0, SPAN_S, 300), 3)
    assert branching_ratio(times, span_s=(0, SPAN_S), resolution_s=0.1).ratio < 0.3


def test_liquidations_of_a_tape() -> None:
    times = np.sort(hawkes(14, level=0.1, ratio=0.5, memory_s=2.0))
    frame = pl.DataFrame(
        {
            "ts": pl.Series(START_NS + (times * 1e9).astype(np.int64)).cast(
                pl.Datetime("ns", "UTC")
            ),
            "venue": "bybit", "symbol": "BTCUSDT", "side": "long", "usd": 1000.0,
        }
    )  # fmt: skip
    tape = Tape.from_frames({"liquidations": frame})
    at = int(START_NS + SPAN_S * 1e9)
    found = branching_ratio_of_orders(tape, "BTCUSDT", at=at, window="2000s")
    expected = branching_ratio(times, span_s=(0, SPAN_S))
    assert found.ratio == pytest.approx(expected.ratio, abs=1e-3)
    assert found.events == len(times)
    for arguments in ({"symbol": "ETHUSDT"}, {"symbol": "BTCUSDT", "venue": "okx"}):
        with pytest.raises(NotRecorded, match="50 liquidations of"):
            branching_ratio_of_orders(tape, **arguments, at=at)
    with pytest.raises(UndertowError, match="no table 'candles'"):
        branching_ratio_of_orders(tape, "BTCUSDT", table="candles")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"times_s": [1.0] * 49}, "50 events"),
        ({"times_s": [1.0] * 60}, "one moment"),
        ({"span_s": (0.0, 1.0)}, "in the span"),
        ({"span_s": (5.0, 5.0)}, "ends after"),
        ({"segments": 9}, "1 to 5 segments"),
        ({"segments": [50.0, 20.0]}, "rise inside"),
        ({"resolution_s": 50.0}, "resolution"),
    ],
)
def test_what_cannot_be_fitted_is_refused(arguments: dict[str, Any], said: str) -> None:
    values = {"times_s": np.linspace(1, 99, 100), "span_s": (0.0, 100.0)}
    with pytest.raises(UndertowError, match=said):
        branching_ratio(**(values | arguments))
