"""Going from what one holds to what one wants to hold, bit by bit, with market orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats, Observation
from undertow.agents.orders import Orders
from undertow.agents.prices import known, quoted
from undertow.model import codes

# Smaller differences are not worth an order, dollars.
LEAST_USD = 500.0
# Who is not forced looks at the book first: of what rests within 1 % an order takes so much at
# most, and none of it further than this from the middle (both assumed).
SHARE_OF_BOOK = 0.1
SLIP = 0.01


def at(values: Floats, venue: NDArray[np.int64]) -> Floats:
    """By asset, the value at that asset's venue; NaN without one (-1)."""
    picked: Floats = values[venue, np.arange(values.shape[1])]
    return np.where(venue >= 0, picked, np.nan)


def trade(
    seen: Observation,
    orders: Orders,
    venue: NDArray[np.int64],
    change_usd: Floats,
    most_usd: Floats,
    *,
    share_of_book: float = SHARE_OF_BOOK,
    slip: float = SLIP,
    reduce_only: bool = False,
) -> None:
    """Buy (above 0) or sell for so many dollars, by asset and venue; what is not filled is left.

    Orders are cut at ``most_usd`` and at a share of the last reading of the book; there is none
    where the market is halted or has no price.
    """
    price = at(quoted(seen), venue)
    wanted = known(change_usd)
    each = np.arange(len(wanted))
    book = np.where(
        wanted > 0, seen.ask_depth_usd[venue, each, 0], seen.bid_depth_usd[venue, each, 0]
    )
    size = np.minimum(np.abs(wanted), known(most_usd))
    size = np.minimum(size, share_of_book * book)
    ready = (venue >= 0) & (price > 0) & (size > LEAST_USD)
    if not np.count_nonzero(ready):
        return
    ready &= ~seen.halted[venue]
    for one in sorted(set(venue[ready].tolist())):
        assets = np.flatnonzero(ready & (venue == one))
        is_buy = wanted[assets] > 0
        limit = price[assets] * np.where(is_buy, 1 + slip, 1 - slip)
        orders.limit(
            one, assets, 0, is_buy, size[assets] / price[assets], limit,
            time_in_force=codes.IOC, reduce_only=reduce_only,
        )  # fmt: skip


def share_of_way(seconds: float, pace_s: float) -> float:
    """How much of a difference is closed in some seconds, at a pace."""
    return float(1 - np.exp(-seconds / pace_s))


class Trend:
    """A slow average of log prices, by asset; starts at the first price it sees."""

    def __init__(self, assets: int, memory_s: float) -> None:
        self.memory_s = memory_s
        self.level = np.full(assets, np.nan)

    def update(self, log_price: Floats, seconds: float) -> Floats:
        """Take in the prices of now; NaN leaves it as it is."""
        known = np.where(np.isnan(log_price), self.level, log_price)
        level = np.where(np.isnan(self.level), known, self.level)
        self.level = level + share_of_way(seconds, self.memory_s) * (known - level)
        return self.level
