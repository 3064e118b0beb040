"""The waterfall of forced sales: from the first sale to the price at which nobody is left to close.

Each asset has triggers (prices at which positions are closed by force, with the volume then sold)
and a curve that says how far a sale moves the price. All of one scenario's sales happen in rounds:
the price that the volume so far gives, then everything triggered at that price. Prices only fall
and volumes only rise, so the rounds end, at the smallest volume that explains itself.

A trigger is looked up in a grid of equal steps in price, then among the few in its cell. A cell is
found by the same two operations for a price and for a trigger, which keep order, so the count is
exact. Volumes are in one unit throughout; see `undertow.measures.cascade`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from undertow.kernels.compile import inner_inlined, kernel

Array = Any
EXPONENTIAL, LINEAR, SQUARE_ROOT, TABLE = range(4)
FEW = 8  # as many are looked at one by one


class Triggers(NamedTuple):
    """Triggers of all assets, one after the other, each asset's from its highest price down.

    Asset ``a`` has ``prices[starts[a]:starts[a + 1]]``; ``volumes`` and ``first`` have one entry
    more than triggers and cells: the sums of the triggers before each, the triggers before each
    cell.
    """

    prices: Array
    volumes: Array
    starts: Array
    first: Array
    cells: Array  # where each asset's cells start in `first`; one more than assets
    cells_per_usd: Array


class Curves(NamedTuple):
    """How far a sale moves the price of each asset; knots are those of tables, asset by asset."""

    laws: Array
    depths: Array
    starts: Array
    volumes: Array
    falls: Array


class Scenarios(NamedTuple):
    """What differs between scenarios: arrays of scenario and asset."""

    sold: Array
    gaps: Array
    depths: Array
    shares: Array


class Outcomes(NamedTuple):
    """What is written: arrays of scenario and asset, but ``rounds`` of scenario alone."""

    volumes: Array
    prices: Array
    counts: Array
    rounds: Array


@inner_inlined
def fall_in_table(curves: Curves, asset: int, volume: float) -> float:
    """Between knots linear; beyond the last as between the last two."""
    place = curves.starts[asset] + 1
    last = curves.starts[asset + 1] - 1
    while place < last and curves.volumes[place] < volume:
        place += 1
    before = place - 1
    step = (curves.falls[place] - curves.falls[before]) / (
        curves.volumes[place] - curves.volumes[before]
    )
    return curves.falls[before] + step * (volume - curves.volumes[before])


@inner_inlined
def price_left(curves: Curves, asset: int, volume: float) -> float:
    """The part of the price that a sale leaves: 1 before it, never below 0."""
    law = curves.laws[asset]
    if law == EXPONENTIAL:
        return math.exp(-(volume / curves.depths[asset]))
    if law == LINEAR:
        return max(0.0, 1.0 - volume / curves.depths[asset])
    if law == SQUARE_ROOT:
        return max(0.0, 1.0 - math.sqrt(volume / curves.depths[asset]))
    return max(0.0, 1.0 - fall_in_table(curves, asset, volume))


@inner_inlined
def triggered(triggers: Triggers, asset: int, price: float) -> int:
    """How many of an asset's triggers lie at a price or above it."""
    start, cells = triggers.starts[asset], triggers.cells[asset]
    if start == triggers.starts[asset + 1] or price > triggers.prices[start]:
        return 0
    distance = (triggers.prices[start] - price) * triggers.cells_per_usd[asset]
    cell = cells + int(min(distance, triggers.cells[asset + 1] - cells - 2.0))
    low, high = triggers.first[cell], triggers.first[cell + 1]
    while high - low > FEW:
        middle = (low + high) // 2
        if triggers.prices[start + middle] >= price:
            low = middle + 1
        else:
            high = middle
    while low < high and triggers.prices[start + low] >= price:
        low += 1
    return low


@kernel
def solve(
    start_prices: Array, triggers: Triggers, curves: Curves, cross: Array, scenarios: Scenarios,
    left: Array, found: Outcomes,
) -> None:  # fmt: skip
    """Run every scenario to its end.

    ``cross[i, j]`` is the power with which what asset i's own sale leaves of its price enters the
    price of j; ``left`` is room for one number per asset. ``rounds`` counts those in which
    something was closed.
    """
    assets = start_prices.shape[0]
    for scenario in range(scenarios.sold.shape[0]):
        for asset in range(assets):
            found.volumes[scenario, asset] = scenarios.sold[scenario, asset]
        rounds = -1
        changed = True
        while changed:
            rounds += 1
            changed = False
            for asset in range(assets):
                # A book twice as deep takes twice as much for the same fall.
                volume = found.volumes[scenario, asset] / scenarios.depths[scenario, asset]
                left[asset] = price_left(curves, asset, volume)
            for asset in range(assets):
                price = start_prices[asset] * (1.0 - scenarios.gaps[scenario, asset])
                for other in range(assets):
                    power = cross[other, asset]
                    if power == 1.0:
                        price *= left[other]
                    elif power != 0.0:
                        price *= left[other] ** power
                count = triggered(triggers, asset, price)
                forced = triggers.volumes[triggers.starts[asset] + asset + count]
                volume = (
                    scenarios.sold[scenario, asset] + scenarios.shares[scenario, asset] * forced
                )
                changed |= volume != found.volumes[scenario, asset]
                found.volumes[scenario, asset] = volume
                found.prices[scenario, asset] = price
                found.counts[scenario, asset] = count
        found.rounds[scenario] = rounds
