"""The shape of resting orders: how much lies how far from the middle price.

Within 1 % lies what `Place.depth_usd` says; elsewhere ``(distance / 1 %) ** 0.4`` times that. The
exponent is from October 2025, Bitcoin on large exchanges: 15.5 million dollars within 0.5 %,
20 within 1 %, 40 within 5 % (averages by CoinDesk Research of 9 October 2025, as a copy of its
article gives them; figures F0351, F0353, F0355), which gives 0.37 and 0.43.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats
from undertow.agents.orders import Orders

Ints = NDArray[np.int64]
EXPONENT = 0.4
# Where orders rest, as fractions of the price; each holds what lies between it and the one before.
NEAR = np.array([0.0001, 0.0003, 0.0008, 0.002, 0.004, 0.006, 0.008, 0.0096])
FAR = np.array([0.014, 0.0194, 0.027, 0.039, 0.06, 0.098])
RUNGS = np.concatenate([NEAR, FAR])
# Up to which distance a rung counts: just inside of 1, 2, 4 and 10 % it stands for the whole band.
EDGES = np.concatenate([NEAR[:-1], [0.01, 0.014, 0.02, 0.027, 0.04, 0.06, 0.1]])
SHARES = (EDGES / 0.01) ** EXPONENT
MOST_SHARE = float(SHARES[-1])
# However much was eaten, this share of every rung is quoted again (assumed).
LEFT = 0.05


def rungs_usd(depth_usd: Floats, eaten_usd: Floats) -> Floats:
    """Dollars on each rung, on a last axis, when the best ``eaten_usd`` of them are gone.

    Parameters
    ----------
    depth_usd
        Within 1 %, of any shape.
    eaten_usd
        What takers took and nobody has put back.
    """
    whole = depth_usd[..., None] * SHARES
    left = np.maximum(whole - eaten_usd[..., None], LEFT * whole)
    left[..., 1:] -= left[..., :-1].copy()
    return left


def quote(
    orders: Orders,
    venues: Ints,
    assets: Ints,
    account: Ints,
    centre: Floats,
    half_spread: Floats,
    sizes_usd: Floats,
    rungs: Floats,
) -> None:
    """Put bids and asks around a centre, at some places.

    Parameters
    ----------
    venues, assets, account
        Where, in ascending order of venues, and who quotes there.
    centre, half_spread
        By place: price in the venue's quote asset, and a fraction of it added to every rung.
    sizes_usd
        Of shape ``(places, 2, rungs)``: bids and asks.
    rungs
        Distances from the centre, as fractions.
    """
    away = rungs + half_spread[:, None]
    prices = np.empty(sizes_usd.shape)
    prices[:, 0] = centre[:, None] * np.maximum(1.0 - away, 0.01)
    prices[:, 1] = centre[:, None] * (1.0 + away)
    each = 2 * len(rungs)
    is_buy = np.zeros(sizes_usd.shape, np.bool_)
    is_buy[:, 0] = True
    orders.limit(
        np.repeat(venues, each), np.repeat(assets, each), np.repeat(account, each),
        is_buy.ravel(), (sizes_usd / prices).ravel(), prices.ravel(),
    )  # fmt: skip
