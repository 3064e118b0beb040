"""Prices of assets as an agent reads them off many venues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats, Observation, Place

DAY_S = 86_400.0


def known(values: Floats) -> Floats:
    """The values, 0 where there is none."""
    return np.where(np.isnan(values), 0.0, values)


def elapsed_s(before_ns: int, now_ns: int) -> float:
    """Seconds between two times."""
    return (now_ns - before_ns) / 1e9


def middle(values: Floats, weight: Floats, otherwise: Floats) -> Floats:
    """Weighted mean by asset over the venues that have a value; ``otherwise`` where none has."""
    there = ~np.isnan(values)
    total: Floats = (weight * there).sum(axis=0)
    weighted = np.where(there, values, 0.0) * weight
    mean = weighted.sum(axis=0) / np.maximum(total, 1e-300)
    chosen: Floats = np.where(total > 0, mean, otherwise)
    return chosen


def typical(values: Floats) -> Floats:
    """Median by asset over the venues that have a value; NaN where none has.

    One venue whose book was emptied is not the asset's price.
    """
    ordered = np.sort(values, axis=0)  # NaN comes last
    count = values.shape[0] - np.isnan(values).sum(axis=0)
    each = np.arange(values.shape[1])
    median: Floats = (ordered[(count - 1) // 2, each] + ordered[count // 2, each]) / 2
    return median


def quoted(seen: Observation) -> Floats:
    """Middle of bid and ask, NaN where a side is empty.

    The last price is no substitute when a run begins: it is that of some old position.
    """
    return (seen.bid + seen.ask) / 2


def in_dollars(seen: Observation, prices: Floats) -> Floats:
    """Prices in dollars, whatever a venue's quote asset is worth."""
    dollars: Floats = prices * seen.quote_usd[:, None]
    return dollars


def opening(place: Place, seen: Observation) -> Floats:
    """The eve's price of each asset in dollars: the best that is known; NaN where nothing is."""
    prices = np.full(len(place.assets), np.nan)
    weight = np.where(place.listed, 1.0, 0.0)
    for known in (seen.last, quoted(seen), seen.mark, seen.index):
        prices = middle(in_dollars(seen, known), weight, prices)
    if place.path is not None and len(place.path):
        prices = np.where(np.isnan(place.path[0]), prices, place.path[0])
    return prices


def busiest(place: Place, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """By asset, the wanted venue with the deepest book; -1 where none lists it."""
    usable = place.listed & wanted[:, None]
    depth = np.where(usable, np.nan_to_num(place.depth_usd), -1.0)
    best: NDArray[np.int64] = np.where(usable.any(axis=0), depth.argmax(axis=0), -1)
    return best


def per_sqrt_second(place: Place) -> Floats:
    """Usual volatility of a log return over one second, by asset."""
    usual: Floats = np.nan_to_num(place.volatility, nan=0.03) / np.sqrt(DAY_S)
    return usual
