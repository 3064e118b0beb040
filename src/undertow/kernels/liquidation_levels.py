"""A crowd of positions by the price at which each is liquidated, and bars that pass over it.

Unlike the other kernels this one computes in floats: it estimates, it does not account. Positions
lie in bins of the logarithm of their liquidation price, by side and leverage class. They leave by
decay, or when a bar reaches their bin. Decay costs nothing: amounts are kept multiplied by a
growing factor of their class.

Layout: ``mass[side, bin, class, source]``; side 0 is long, 1 is short. Source 0 holds what the
bars opened, the others what was there before the first bar, per unit of turnover a day.
"""

from __future__ import annotations

import numpy as np

from undertow.kernels.compile import Records, inner, kernel

LARGEST_GROWTH = 1e100
# Columns of ``steps``.
ELAPSED, OPENED, TYPICAL, LONG_SHARE, KEPT, UNSEEN = range(6)
# Columns of ``prices``.
OPEN, HIGH, LOW, CLOSE = range(4)
# Columns of ``classes``.
DISTANCE, WEIGHT, LIFETIME = range(3)
# Rows of ``edges``: highest bin that may hold longs, lowest that may hold shorts.
MOST_LOSS_LONG, MOST_RISE_SHORT = 0.95, 3.0


@kernel
def pass_over(
    prices: Records, steps: Records, classes: Records, grid: Records, mass: Records,
    growth: Records, edges: Records, stock: Records, crossed: Records, stocks: Records,
) -> None:  # fmt: skip
    """Move the crowd through all bars.

    Parameters
    ----------
    prices
        Logarithms of open, high, low and close, a row for each bar.
    steps
        Rows of: days since the bar before, notional opened, typical daily range (in logarithm),
        share of longs, share of positions kept, whether the way to the open was not seen (0, 1).
    classes
        Rows of: distance to liquidation in typical ranges, notional per unit opened, lifetime in
        days.
    grid
        Width of a bin, first bin, shortest distance (in logarithm).
    mass, growth, edges, stock
        The crowd; changed.
    crossed, stocks
        Filled: notional crossed in each bar and left after it, by bar, source and side.
    """
    for bar in range(prices.shape[0]):
        _age(steps[bar], classes, mass, growth, stock)
        if steps[bar, UNSEEN] > 0:
            _cross(0, prices[bar, OPEN], grid, mass, growth, edges, stock, crossed[bar], 0.0)
            _cross(1, prices[bar, OPEN], grid, mass, growth, edges, stock, crossed[bar], 0.0)
        # A bar that rose is taken to have fallen first.
        first = 0 if prices[bar, CLOSE] >= prices[bar, OPEN] else 1
        for leg in range(2):
            side = first if leg == 0 else 1 - first
            price = prices[bar, LOW] if side == 0 else prices[bar, HIGH]
            _cross(side, price, grid, mass, growth, edges, stock, crossed[bar], 1.0)
            _open(prices[bar], steps[bar], leg, classes, grid, mass, growth, edges, stock)
        for source in range(stock.shape[0]):
            for side in range(2):
                total = 0.0
                for k in range(stock.shape[2]):
                    total += stock[source, side, k]
                stocks[bar, source, side] = total


@inner
def _age(step: Records, classes: Records, mass: Records, growth: Records, stock: Records) -> None:
    for k in range(classes.shape[0]):
        kept = np.exp(-step[ELAPSED] / classes[k, LIFETIME]) * step[KEPT]
        growth[k] /= kept
        for source in range(stock.shape[0]):
            stock[source, 0, k] *= kept
            stock[source, 1, k] *= kept
        if growth[k] > LARGEST_GROWTH:
            for side in range(2):
                for place in range(mass.shape[1]):
                    for source in range(mass.shape[3]):
                        mass[side, place, k, source] /= growth[k]
            growth[k] = 1.0


@inner
def _cross(
    side: int, price: float, grid: Records, mass: Records, growth: Records, edges: Records,
    stock: Records, crossed: Records, counted: float,
) -> None:  # fmt: skip
    """Take out longs at or above the price, or shorts at or below it."""
    reached = int(np.floor(price / grid[0]) - grid[1])
    start = reached if side == 0 else edges[1]
    end = edges[0] if side == 0 else reached
    for place in range(max(start, 0), min(end, mass.shape[1] - 1) + 1):
        for k in range(growth.shape[0]):
            for source in range(mass.shape[3]):
                if mass[side, place, k, source] > 0:
                    amount = mass[side, place, k, source] / growth[k]
                    crossed[source, side] += amount * counted
                    stock[source, side, k] = max(stock[source, side, k] - amount, 0.0)
                    mass[side, place, k, source] = 0.0
    if side == 0:
        edges[0] = min(edges[0], reached - 1)
    else:
        edges[1] = max(edges[1], reached + 1)


@inner
def _open(
    price: Records, step: Records, leg: int, classes: Records, grid: Records, mass: Records,
    growth: Records, edges: Records, stock: Records,
) -> None:  # fmt: skip
    """Open half of a bar's positions, evenly over the bins that it traded in.

    What the second half opens beyond the close is dead already, at a time that nobody knows: it
    is left out.
    """
    low = int(np.floor(price[LOW] / grid[0]) - grid[1])
    high = int(np.floor(price[HIGH] / grid[0]) - grid[1])
    close = int(np.floor(price[CLOSE] / grid[0]) - grid[1])
    for k in range(classes.shape[0]):
        distance = max(classes[k, DISTANCE] * step[TYPICAL], grid[2])
        down = -np.log(1 - min(distance, MOST_LOSS_LONG))
        below = max(int(np.floor(down / grid[0] + 0.5)), 1)
        up = np.log(1 + min(distance, MOST_RISE_SHORT))
        above = max(int(np.floor(up / grid[0] + 0.5)), 1)
        half = 0.5 * step[OPENED] * classes[k, WEIGHT] / (high - low + 1)
        for entry in range(low, high + 1):
            if leg == 0 or entry - below < close:
                amount = half * step[LONG_SHARE]
                mass[0, entry - below, k, 0] += amount * growth[k]
                stock[0, 0, k] += amount
                edges[0] = max(edges[0], entry - below)
            if leg == 0 or entry + above > close:
                amount = half * (1 - step[LONG_SHARE])
                mass[1, entry + above, k, 0] += amount * growth[k]
                stock[0, 1, k] += amount
                edges[1] = min(edges[1], entry + above)
