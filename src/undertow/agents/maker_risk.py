"""What makers do when something happens to them: a leg is liquidated or deleveraged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.transfers import Transfers

# Share of its quotes that a maker keeps elsewhere while money is on its way (assumed).
ELSEWHERE = 0.4
NEVER_NS = np.iinfo(np.int64).max


class Barred:
    """Makers who lost a leg to liquidation or deleveraging, and until when they stay away.

    One account is one maker. It leaves the venue where that happened and cuts its quotes elsewhere,
    sends half of what it has in reserve, and is back when that has arrived.
    """

    def __init__(self, place: Place, settings: Any, accounts: int) -> None:
        self.place, self.settings, self.accounts = place, settings, accounts
        self.transfers = Transfers(settings.transfer_delay_s, settings.withdrawal_halt)
        self.reserve_usd = np.zeros((len(place.venues), accounts))
        self._until_ns = np.zeros((len(place.venues), accounts), np.int64)
        self._all_stay = np.ones((len(place.venues), 1))
        self._leveraged = ~place.is_spot[:, None]

    def fill(self, reserve_usd: Floats) -> None:
        """Money outside of the venues, by the venue that it is meant for."""
        own = np.where(self.place.is_spot, 0.0, reserve_usd) / self.accounts
        self.reserve_usd = np.repeat(own[:, None], self.accounts, axis=1)

    def away(self, ts_ns: int) -> NDArray[np.bool_]:
        """By venue and account, who stays away."""
        return self._until_ns > ts_ns

    def look(self, seen: Observation, orders: Orders) -> Floats:
        """Notice lost legs; returns by venue (and a last axis) the share of quotes that stays."""
        self.transfers.arrive(seen, orders)
        lost = self._lost(seen) & ~self.away(seen.ts_ns)
        for venue, account in np.argwhere(lost).tolist():
            back_ns = seen.ts_ns + int(self.settings.transfer_delay_s * 1e9)
            half = self.reserve_usd[venue, account] / 2
            if self.transfers.send(seen, orders, -1, venue, account, half):
                self.reserve_usd[venue, account] -= half
            self._until_ns[venue, account] = NEVER_NS if self.transfers.halted else back_ns
        away = self.away(seen.ts_ns)
        if not away.any():
            return self._all_stay
        share = away.mean(axis=1)
        others = share.sum() - share
        stays: Floats = (1 - share) * np.maximum(1 - (1 - ELSEWHERE) * others, ELSEWHERE)
        return stays[:, None]

    def _lost(self, seen: Observation) -> NDArray[np.bool_]:
        lost = np.zeros(self._until_ns.shape, np.bool_)
        for found in (seen.liquidated, seen.deleveraged):
            for venue, accounts in enumerate(found):
                if len(accounts):
                    lost[venue, accounts] = True
        return lost & self._leveraged
