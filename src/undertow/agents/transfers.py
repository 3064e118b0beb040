"""Money on its way between venues: it leaves at once and arrives later."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from undertow.agents.observation import Observation
from undertow.agents.orders import Orders


@dataclass
class Transfers:
    """What one agent has sent and not yet received.

    Attributes
    ----------
    delay_s
        How long a transfer takes.
    halted
        No transfer leaves any venue, whatever the venues say.
    """

    delay_s: float
    halted: bool = False
    _under_way: list[tuple[int, int, int, float]] = field(default_factory=list)

    def send(
        self, seen: Observation, orders: Orders, source: int, target: int, account: int, usd: float
    ) -> bool:
        """Take cash out of one venue for the same account of another; whether it could leave.

        ``source`` -1 is money from outside of all venues.
        """
        stuck = self.halted or (source >= 0 and not bool(seen.withdrawals_open[source]))
        if stuck or not usd > 0:
            return False
        if source >= 0:
            orders.move_cash(source, account, -usd)
        self._under_way.append((seen.ts_ns + int(self.delay_s * 1e9), target, account, usd))
        return True

    def arrive(self, seen: Observation, orders: Orders) -> None:
        """Pay in what is due."""
        if not self._under_way:
            return
        due = [one for one in self._under_way if one[0] <= seen.ts_ns]
        if due:
            self._under_way = [one for one in self._under_way if one[0] > seen.ts_ns]
            for _, target, account, usd in due:
                orders.move_cash(target, account, usd)

    def coming(self, venues: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Dollars under way, by the venue that they go to."""
        total = np.zeros(venues)
        for _, target, _, usd in self._under_way:
            total[target] += usd
        return total
