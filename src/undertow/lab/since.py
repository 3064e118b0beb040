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
        self._liquidated: list[dict[int, list[Ints]]] = [{} for _ in range(agents)]
        self._news: list[tuple[News, ...]] = [() for _ in range(agents)]
        self._nobody = tuple(np.zeros(0, np.int64) for _ in range(venues))

    def add(self, flows: Floats, liquidated: dict[int, Ints]) -> None:
        """One step's takers' purchases and sales, longs and shorts closed by force, and accounts.

        ``flows`` is of shape ``(4, venues, assets)``, ``liquidated`` by venue.
        """
        self._flows += flows
        for venue, accounts in liquidated.items():
            for number, own in enumerate(self._liquidated):
                its = accounts - self._first[number, venue]
                its = its[(its >= 0) & (its < self._count[number, venue])]
                if len(its):
                    own.setdefault(venue, []).append(its)

    def tell(self, news: tuple[News, ...]) -> None:
        """News of now, for everybody."""
        if news:
            self._news = [one + news for one in self._news]

    def take(self, number: int) -> tuple[Floats, tuple[Ints, ...], tuple[News, ...]]:
        """What waits for an agent: flows, its liquidated accounts by venue, news; then no more."""
        flows = self._flows[number].copy()
        self._flows[number] = 0.0
        news, self._news[number] = self._news[number], ()
        found, self._liquidated[number] = self._liquidated[number], {}
        if not found:
            return flows, self._nobody, news
        lost = [np.unique(np.concatenate(found[venue])) if venue in found else one
                for venue, one in enumerate(self._nobody)]  # fmt: skip
        return flows, tuple(lost), news
