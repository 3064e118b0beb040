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

EXPONENT = 0.4
# Where orders rest, as fractions of the price; each holds what lies between it and the one before.
NEAR = np.array([0.0001, 0.0003, 0.0008, 0.002, 0.004, 0.006, 0.008, 0.0096])
FAR = np.array([0.014, 0.0194, 0.027, 0.039, 0.06, 0.098])
RUNGS = np.concatenate([NEAR, FAR])
# Up to which distance a rung counts: just inside of 1, 2, 4 and 10 % it stands for the whole band.
EDGES = np.concatenate([NEAR[:-1], [0.01, 0.014, 0.02, 0.027, 0.04, 0.06, 0.1]])
SHARES = (EDGES / 0.01) ** EXPONENT
MOST_SHARE = float(SHARES[-1])


def rungs_usd(depth_usd: Floats, eaten_usd: Floats) -> Floats:
    """Dollars on each rung, on a last axis, when the best ``eaten_usd`` of them are gone.

    Parameters
    ----------
    depth_usd
        Within 1 %, of any shape.
    eaten_usd
        What takers took and nobody has put back.
    """
    left = np.maximum(depth_usd[..., None] * SHARES - eaten_usd[..., None], 0.0)
    sizes: Floats = np.diff(left, prepend=0.0, axis=-1)
    return sizes


def quote(
    orders: Orders,
    venue: int,
    assets: NDArray[np.int64],
    account: NDArray[np.int64],
    centre: Floats,
    half_spread: Floats,
    bids_usd: Floats,
    asks_usd: Floats,
    rungs: Floats,
) -> None:
    """Put bids and asks around a centre, for some assets of one venue.

    Parameters
    ----------
    account
        By asset, who quotes.
    centre, half_spread
        By asset: price in the venue's quote asset, and a fraction of it added to every rung.
    bids_usd, asks_usd
        Of shape ``(assets, rungs)``.
    rungs
        Distances from the centre, as fractions.
    """
    away = rungs[None, :] + half_spread[:, None]
    down, up = centre[:, None] * np.maximum(1.0 - away, 0.01), centre[:, None] * (1.0 + away)
    prices = np.stack([down, up])
    quantity = np.stack([bids_usd, asks_usd]) / prices
    shape = prices.shape
    is_buy = np.zeros(shape, np.bool_)
    is_buy[0] = True
    orders.limit(
        venue,
        np.broadcast_to(assets[None, :, None], shape).ravel(),
        np.broadcast_to(account[None, :, None], shape).ravel(),
        is_buy.ravel(),
        quantity.ravel(),
        prices.ravel(),
    )
