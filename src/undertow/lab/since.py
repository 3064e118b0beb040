"""What happened since each agent last acted: one that acts seldom misses nothing of it.

So the length of a step decides when an agent learns of something, never how much of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats, News

Ints = NDArray[np.int64]


class Since:
    """Flows, liquidations and news that wait for every agent's next look.

    Parameters
    ----------
    first, count
        Of shape ``(agents, venues)``: an agent's first account at a venue, and how many.
    assets
        How many assets there are.
    """

    def __init__(self, first: Ints, count: Ints, assets: int) -> None:
        self._first, self._count = first, count
        agents, venues = count.shape
        self._flows = np.zeros((agents, 4, venues, assets))
        # By agent and venue, own accounts: liquidated ones, and winners who were deleveraged.
        self._hit: tuple[list[dict[int, list[Ints]]], ...] = tuple(
            [{} for _ in range(agents)] for _ in range(2)
        )
        self._news: list[tuple[News, ...]] = [() for _ in range(agents)]
        self._nobody = tuple(np.zeros(0, np.int64) for _ in range(venues))

    def add(
        self, flows: Floats, liquidated: dict[int, Ints], deleveraged: dict[int, Ints]
    ) -> None:  # fmt: skip
        """One step's takers' purchases and sales, longs and shorts closed by force, and accounts.

        ``flows`` is of shape ``(4, venues, assets)``, accounts are by venue.
        """
        self._flows += flows
        for kind, found in zip(self._hit, (liquidated, deleveraged), strict=True):
            for venue, accounts in found.items():
                for number, own in enumerate(kind):
                    its = accounts - self._first[number, venue]
                    its = its[(its >= 0) & (its < self._count[number, venue])]
                    if len(its):
                        own.setdefault(venue, []).append(its)

    def tell(self, news: tuple[News, ...]) -> None:
        """News of now, for everybody."""
        if news:
            self._news = [one + news for one in self._news]

    def take(
        self, number: int
    ) -> tuple[Floats, tuple[Ints, ...], tuple[Ints, ...], tuple[News, ...]]:
        """What waits for an agent, and then no more: flows, accounts by venue, news.

        Of its accounts first those that were liquidated, then those that were deleveraged.
        """
        flows = self._flows[number].copy()
        self._flows[number] = 0.0
        news, self._news[number] = self._news[number], ()
        return flows, self._told(self._hit[0], number), self._told(self._hit[1], number), news

    def _told(self, kind: list[dict[int, list[Ints]]], number: int) -> tuple[Ints, ...]:
        found, kind[number] = kind[number], {}
        if not found:
            return self._nobody
        return tuple(np.unique(np.concatenate(found[venue])) if venue in found else one
                     for venue, one in enumerate(self._nobody))  # fmt: skip
