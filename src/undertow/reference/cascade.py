"""What the waterfall of forced sales comes to, round by round, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

EXPONENTIAL, LINEAR, SQUARE_ROOT, TABLE = range(4)


class Curve(NamedTuple):
    """How far a sale moves the price.

    Attributes
    ----------
    law
        One of the four above.
    depth
        The volume that takes the price to 1/e (exponential) or to 0 (linear, square root); not
        used by a table.
    volumes, falls
        The knots of a table: the fall, a fraction of the price, that each volume brings about.
        The first is 0 and 0; both rise.
    """

    law: int
    depth: float = 1.0
    volumes: tuple[float, ...] = ()
    falls: tuple[float, ...] = ()


class Asset(NamedTuple):
    """One asset: its price, its triggers as (price, volume) in any order, and its curve."""

    start_price: float
    triggers: Sequence[tuple[float, float]]
    curve: Curve


class Shock(NamedTuple):
    """What happens to one asset: see `undertow.measures.cascade`."""

    sold: float = 0.0
    gap: float = 0.0
    depth_multiplier: float = 1.0
    market_share: float = 1.0


class Ending(NamedTuple):
    """Of one asset: all that was sold, the price, how many triggers were passed."""

    volume: float
    price: float
    closed: int


def fall(curve: Curve, volume: float) -> float:
    """The fall that a sale brings about by itself, as a fraction of the price; at most 1."""
    return 1.0 - price_left(curve, volume)


def price_left(curve: Curve, volume: float) -> float:
    """The part of the price that a sale leaves: 1 before it, never below 0."""
    if curve.law == EXPONENTIAL:
        return math.exp(-(volume / curve.depth))
    if curve.law == LINEAR:
        return max(0.0, 1.0 - volume / curve.depth)
    if curve.law == SQUARE_ROOT:
        return max(0.0, 1.0 - math.sqrt(volume / curve.depth))
    knots = list(zip(curve.volumes, curve.falls, strict=True))
    for (volume_0, fall_0), (volume_1, fall_1) in pairwise(knots):
        # Beyond the last knot the book goes on as between the last two.
        if volume <= volume_1 or volume_1 == curve.volumes[-1]:
            step = (fall_1 - fall_0) / (volume_1 - volume_0)
            return max(0.0, 1.0 - (fall_0 + step * (volume - volume_0)))
    raise AssertionError("a table has two knots")


def solve(
    assets: Sequence[Asset], cross: Sequence[Sequence[float]], shocks: Sequence[Shock]
) -> tuple[list[Ending], int]:
    """All assets' endings, and the rounds in which something was closed.

    In each round every price follows from what was sold in all assets so far, and then everything
    is sold that is triggered at that price or above it.
    """
    falling = [sorted(asset.triggers, reverse=True) for asset in assets]
    sums = [[0.0, *accumulate(volume for _, volume in triggers)] for triggers in falling]
    volumes = [shock.sold for shock in shocks]
    rounds = 0
    while True:
        left = [
            price_left(asset.curve, volume / shock.depth_multiplier)
            for asset, volume, shock in zip(assets, volumes, shocks, strict=True)
        ]
        endings = []
        for place, (asset, shock) in enumerate(zip(assets, shocks, strict=True)):
            price = asset.start_price * (1.0 - shock.gap)
            for other, own in enumerate(left):
                price *= own ** cross[other][place]
            count = sum(trigger >= price for trigger, _ in falling[place])
            volume = shock.sold + shock.market_share * sums[place][count]
            endings.append(Ending(volume, price, count))
        after = [ending.volume for ending in endings]
        if after == volumes:
            return endings, rounds
        volumes = after
        rounds += 1
