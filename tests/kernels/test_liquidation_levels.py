"""The compiled crowd against one written down position by position."""

from __future__ import annotations

import math

import numpy as np
import pytest

from undertow.kernels.liquidation_levels import pass_over

WIDTH, FIRST_BIN, BINS = 0.01, -300, 600
CLASSES = np.array([[0.5, 2.0, 0.4], [2.0, 0.5, 3.0], [9.0, 0.1, 20.0]])
SHORTEST = 0.004


def floor_bin(price: float) -> int:
    return math.floor(price / WIDTH) - FIRST_BIN


class Crowd:
    """Each position by itself: side, bin, class, source, amount."""

    def __init__(self, resting: np.ndarray) -> None:
        self.positions = [
            [side, place, k, source, float(resting[side, place, k, source])]
            for side, place, k, source in zip(*np.nonzero(resting), strict=True)
        ]

    def age(self, days: float, kept: float) -> None:
        for position in self.positions:
            position[4] *= math.exp(-days / CLASSES[position[2], 2]) * kept

    def cross(self, side: int, price: float) -> np.ndarray:
        reached = floor_bin(price)
        out, left = np.zeros(2), []
        for position in self.positions:
            gone = position[1] >= reached if side == 0 else position[1] <= reached
            if position[0] == side and gone:
                out[position[3]] += position[4]
            else:
                left.append(position)
        self.positions = left
        return out

    def open(self, price: np.ndarray, step: np.ndarray, leg: int) -> None:
        low, high, close = floor_bin(price[2]), floor_bin(price[1]), floor_bin(price[3])
        for k, (distance, weight, _) in enumerate(CLASSES):
            away = max(distance * step[2], SHORTEST)
            down = max(math.floor(-math.log(1 - min(away, 0.95)) / WIDTH + 0.5), 1)
            up = max(math.floor(math.log(1 + min(away, 3.0)) / WIDTH + 0.5), 1)
            each = 0.5 * step[1] * weight / (high - low + 1)
            for entry in range(low, high + 1):
                if leg == 0 or entry - down < close:
                    self.positions.append([0, entry - down, k, 0, each * step[3]])
                if leg == 0 or entry + up > close:
                    self.positions.append([1, entry + up, k, 0, each * (1 - step[3])])


def written_down(
    prices: np.ndarray, steps: np.ndarray, resting: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    crowd = Crowd(resting)
    crossed = np.zeros((len(prices), 2, 2))
    stocks = np.zeros((len(prices), 2, 2))
    for bar, (price, step) in enumerate(zip(prices, steps, strict=True)):
        crowd.age(step[0], step[4])
        if step[5] > 0:
            crowd.cross(0, price[0])
            crowd.cross(1, price[0])
        first = 0 if price[3] >= price[0] else 1
        for leg, side in enumerate((first, 1 - first)):
            crossed[bar, :, side] += crowd.cross(side, price[2] if side == 0 else price[1])
            crowd.open(price, step, leg)
        for side, _, _, source, amount in crowd.positions:
            stocks[bar, source, side] += amount
    return crossed, stocks


def path(seed: int, bars: int, gap: bool) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    close = np.cumsum(dice.normal(0, 0.03, bars))
    start = np.concatenate([[0.0], close[:-1]]) + (0.2 * (np.arange(bars) == bars // 2) * gap)
    high = np.maximum(start, close) + dice.exponential(0.01, bars)
    low = np.minimum(start, close) - dice.exponential(0.01, bars)
    steps = np.column_stack(
        [
            np.full(bars, 1 / 24), dice.lognormal(0, 1, bars), np.full(bars, 0.05),
            dice.uniform(0.2, 0.8, bars), dice.uniform(0.9, 1, bars),
            (np.arange(bars) == bars // 2) * float(gap),
        ]
    )  # fmt: skip
    return np.column_stack([start, high, low, close]), steps


@pytest.mark.parametrize("seed", range(6))
def test_kernel_agrees_with_positions_written_down(seed: int) -> None:
    prices, steps = path(seed, 40, gap=seed % 2 == 1)
    dice = np.random.default_rng(seed + 100)
    mass = np.zeros((2, BINS, len(CLASSES), 2))
    stock = np.zeros((2, 2, len(CLASSES)))
    mass[0, 200:290, :, 1] = dice.uniform(0, 1, (90, len(CLASSES)))
    mass[1, 310:400, :, 1] = dice.uniform(0, 1, (90, len(CLASSES)))
    stock[1] = mass[:, :, :, 1].sum(axis=1)
    expected = written_down(prices, steps, mass)
    crossed = np.zeros((len(prices), 2, 2))
    stocks = np.zeros((len(prices), 2, 2))
    growth, edges = np.ones(len(CLASSES)), np.array([289, 310])
    grid = np.array([WIDTH, FIRST_BIN, SHORTEST])
    pass_over(prices, steps, CLASSES, grid, mass, growth, edges, stock, crossed, stocks)
    np.testing.assert_allclose(crossed, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stocks, expected[1], rtol=1e-9, atol=1e-9)
    left = (mass / growth[None, None, :, None]).sum(axis=(1, 2)).T
    np.testing.assert_allclose(left, expected[1][-1], rtol=1e-9, atol=1e-9)
    assert crossed.sum() > 0


def test_growth_starts_anew_before_it_overflows() -> None:
    prices, steps = path(1, 60, gap=False)
    steps[:, 0] = 30.0  # with a life of 0.4 days a step grows by exp(75)
    mass = np.zeros((2, BINS, len(CLASSES), 1))
    crossed, stocks = np.zeros((60, 1, 2)), np.zeros((60, 1, 2))
    growth = np.ones(len(CLASSES))
    pass_over(
        prices, steps, CLASSES, np.array([WIDTH, FIRST_BIN, SHORTEST]), mass, growth,
        np.array([0, BINS - 1]), np.zeros((1, 2, len(CLASSES))), crossed, stocks,
    )  # fmt: skip
    assert np.isfinite(crossed).all() and (growth <= 1e100 * math.exp(76)).all()
    np.testing.assert_allclose(
        crossed, written_down(prices, steps, np.zeros((2, 1, 3, 2)))[0][:, :1]
    )
