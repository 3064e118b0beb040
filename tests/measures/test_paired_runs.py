"""R and amplification from pairs of runs, on runs whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from undertow.errors import UndertowError
from undertow.measures.cascade import Triggers, cascade
from undertow.measures.impact import DepthCurve
from undertow.measures.paired_runs import amplification, reproduction_from_paired_runs
from undertow.measures.reproduction import NOT_IDENTIFIABLE


def test_whole_runs_sum_all_generations_and_the_first_is_r_itself() -> None:
    base = np.array([5.0, 9.0, 4.0])
    all_of_them = reproduction_from_paired_runs(base, base + 3.0, 2.0, seed=1)
    assert all_of_them.extra_per_usd == pytest.approx((1.5,) * 3)
    assert all_of_them.ratio == pytest.approx((0.6,) * 3)  # 0.6 / (1 - 0.6) = 1.5
    first = reproduction_from_paired_runs(base, base + 3.0, 2.0, seed=1, generations="first")
    assert first.ratio == pytest.approx((1.5,) * 3)
    assert (all_of_them.verdict, first.verdict) == ("R from 0.5 to 1", "R above 1")


def test_the_waterfall_as_simulator_gives_the_r_of_its_map() -> None:
    # Random positions, evenly spread over the logarithm: R = 0.7 on average.
    dice = np.random.default_rng(2)
    depth = DepthCurve.exponential(1000.0, band=0.01)
    sale, extra = depth.sale_for(0.05), depth.sale_for(0.01)
    runs = []
    for _ in range(40):
        prices = 100 * np.exp(-dice.uniform(0, 2, 5000))
        triggers = Triggers.of(100.0, prices, np.full(5000, 0.7 * depth.curve.depth * 2 / 5000))
        runs.append(cascade(triggers, depth, sold_usd=[sale, sale + extra]).forced_usd)
    base, perturbed = np.array(runs).T
    found = reproduction_from_paired_runs(base, perturbed, extra, seed=3)
    assert found.ratio.low < 0.7 < found.ratio.high
    assert found.ratio.high - found.ratio.low < 0.15


def test_several_assets_are_one_matrix() -> None:
    k = np.array([[0.4, 0.2], [0.3, 0.1]])
    total = k @ np.linalg.inv(np.eye(2) - k)  # K + K^2 + ...
    base = np.random.default_rng(4).uniform(0, 10, (5, 2))
    extra = np.array([2.0, 3.0])
    perturbed = base[None] + (total * extra[:, None])[:, None, :]
    found = reproduction_from_paired_runs(base, perturbed, extra, seed=1)
    assert found.ratio.middle == pytest.approx(0.25 + np.sqrt(0.15**2 + 0.06))


def test_runs_that_only_differ_by_noise_identify_nothing() -> None:
    dice = np.random.default_rng(5)
    base, perturbed = dice.lognormal(0, 2, (2, 10))
    found = reproduction_from_paired_runs(base, perturbed, 0.1, seed=1)
    assert found.verdict == NOT_IDENTIFIABLE


def test_the_interval_is_that_of_its_seed_and_narrows_with_the_pairs() -> None:
    dice = np.random.default_rng(6)
    base = dice.uniform(0, 1, 400)
    perturbed = base + dice.normal(0.5, 0.2, 400)

    def width(pairs: int, seed: int) -> float:
        found = reproduction_from_paired_runs(base[:pairs], perturbed[:pairs], 1.0, seed=seed)
        return found.ratio.high - found.ratio.low

    assert width(50, 1) == width(50, 1) != width(50, 2)
    assert width(400, 1) < width(50, 1) / 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"base": [1.0, 2.0], "perturbed": [1.0, 2.0]}, "3 pairs"),
        ({"perturbed": [1.0, 2.0]}, "that fit"),
        ({"extra_usd": 0.0}, "extra_usd"),
        ({"perturbed": [1.0, 2.0, np.nan]}, "finite"),
        ({"generations": "frist"}, "did you mean 'first'"),
        ({"base": np.zeros((3, 2))}, "that fit"),
    ],
)
def test_what_makes_no_pairs_is_refused(arguments: dict[str, Any], said: str) -> None:
    values = {"base": [1.0, 2.0, 3.0], "perturbed": [2.0, 3.0, 4.0], "extra_usd": 1.0, "seed": 1}
    with pytest.raises(UndertowError, match=said):
        reproduction_from_paired_runs(**(values | arguments))


def test_the_amplification_is_the_ratio_of_mean_falls() -> None:
    found = amplification([0.06, 0.08, 0.10], [0.05, 0.06, 0.07], seed=1)
    assert found.ratio.middle == pytest.approx(4 / 3)
    assert 1.19 < found.ratio.low <= found.ratio.high < 1.44
    assert found.verdict == "mostly exogenous"
    assert "a fall of 8.0%, without forced orders 6.0%" in found.text


def test_the_verdict_is_by_the_whole_interval() -> None:
    forced = amplification([0.30, 0.31, 0.32], [0.1, 0.1, 0.1], seed=1)
    assert forced.verdict == "mostly forced"
    spread = amplification([0.05, 0.05, 0.4, 0.5], [0.1, 0.1, 0.1, 0.1], seed=1)
    assert spread.verdict == NOT_IDENTIFIABLE


@pytest.mark.parametrize(
    ("falls", "without", "said"),
    [
        ([0.1] * 3, [0.0] * 3, "nothing to amplify"),
        ([0.1] * 3, [0.1] * 4, "with and without"),
        ([0.1] * 2, [0.1] * 2, "3 pairs"),
        ([0.1, 0.1, np.inf], [0.1] * 3, "finite"),
    ],
)
def test_what_makes_no_amplification_is_refused(
    falls: list[float], without: list[float], said: str
) -> None:
    with pytest.raises(UndertowError, match=said):
        amplification(falls, without, seed=1)
