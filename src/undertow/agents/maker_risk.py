"""What makers do when something happens to them: a leg is liquidated or deleveraged."""

from __future__ import annotations

from typing import Any

import numpy as np

from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.transfers import Transfers

# Share of its quotes that a maker keeps elsewhere while money is on its way (assumed).
ELSEWHERE = 0.4
# A position that shrank by this much more than takers traded there was closed by the venue.
MORE_THAN_TRADED = 1.05


class Barred:
    """Where makers lost a leg to liquidation or deleveraging, and until when they stay away.

    They cut quotes at all venues, send what they have in reserve to the one where it happened, and
    come back when it has arrived.
    """

    def __init__(self, place: Place, settings: Any, accounts: int) -> None:
        self.place, self.settings, self.accounts = place, settings, accounts
        self.transfers = Transfers(settings.transfer_delay_s, settings.withdrawal_halt)
        self.reserve_usd = np.zeros(len(place.venues))
        self._until_ns = np.zeros(len(place.venues), np.int64)
        self._coins: Floats | None = None
        self._everywhere = np.ones((len(place.venues), 1))

    def fill(self, reserve_usd: Floats) -> None:
        """Money outside of the venues, by the venue that it is meant for."""
        self.reserve_usd = np.where(self.place.is_spot, 0.0, reserve_usd)

    def look(self, seen: Observation, orders: Orders, coins: Floats, price: Floats) -> Floats:
        """Notice lost legs; returns by venue (and a last axis) the share of quotes that stays."""
        self.transfers.arrive(seen, orders)
        lost = self._lost(seen, coins, price)
        self._coins = coins
        for venue in np.flatnonzero(lost & (self._until_ns <= seen.ts_ns)).tolist():
            self._until_ns[venue] = seen.ts_ns + int(self.settings.transfer_delay_s * 1e9)
            if self.settings.withdrawal_halt:
                self._until_ns[venue] = np.iinfo(np.int64).max
            half = self.reserve_usd[venue] / 2
            self.reserve_usd[venue] -= half
            for account in range(self.accounts):
                self.transfers.send(seen, orders, -1, venue, account, half / self.accounts)
        away = self._until_ns > seen.ts_ns
        if not away.any():
            return self._everywhere
        return np.where(away, 0.0, ELSEWHERE)[:, None]

    def _lost(self, seen: Observation, coins: Floats, price: Floats) -> np.ndarray[Any, Any]:
        lost = np.array([len(one) > 0 for one in seen.liquidated], np.bool_)
        if not len(lost):
            lost = np.zeros(len(self.place.venues), np.bool_)
        if self._coins is not None:
            shrunk = np.where(coins * self._coins >= 0, np.abs(self._coins) - np.abs(coins), 0.0)
            traded = np.nan_to_num(seen.bought_usd + seen.sold_usd)
            # A thousand dollars forgive that values are taken at another price.
            by_force = shrunk * price > MORE_THAN_TRADED * traded + 1000.0
            lost |= (by_force & ~self.place.is_spot[:, None]).any(axis=1)
        return lost
