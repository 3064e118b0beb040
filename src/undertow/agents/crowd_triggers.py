"""Prices at which members of a crowd do something, sorted, so that a quiet step looks at none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats

Ints = NDArray[np.int64]


@dataclass
class Triggers:
    """One kind of decision, by venue and asset.

    Attributes
    ----------
    shape
        Venues and assets.
    falling
        Whether prices at or below a trigger set it off, else those at or above.
    """

    shape: tuple[int, int]
    falling: bool
    _next: Floats = field(init=False)
    _price: dict[tuple[int, int], Floats] = field(default_factory=dict)
    _rows: dict[tuple[int, int], tuple[Ints, Floats]] = field(default_factory=dict)
    _done: Ints = field(init=False)

    def __post_init__(self) -> None:
        self._next = np.full(self.shape, np.nan)
        self._done = np.zeros(self.shape, np.int64)

    def add(self, venue: int, asset: int, price: Floats, account: Ints, amount: Floats) -> None:
        """Decisions of one place; ``amount`` is coins or dollars, as the owner wants."""
        if len(price):
            self.replace(venue, asset, price, account, amount)

    def replace(self, venue: int, asset: int, price: Floats, account: Ints, amount: Floats) -> None:
        """The same, in the place of all that there were; with none, none is left."""
        order = np.argsort(-price if self.falling else price, kind="stable")
        self._price[venue, asset] = price[order]
        self._rows[venue, asset] = (account[order], amount[order])
        self._next[venue, asset] = price[order[0]] if len(order) else np.nan
        self._done[venue, asset] = 0

    def crossed(self, price: Floats) -> Iterator[tuple[int, int, Ints, Floats]]:
        """Venue, asset, accounts and amounts of all decisions that these prices set off."""
        hit = price <= self._next if self.falling else price >= self._next
        if not np.count_nonzero(hit):  # quicker than `any`, and this is asked in every step
            return
        for venue, asset in np.argwhere(hit).tolist():
            key = venue, asset
            prices, sign = self._price[key], -1.0 if self.falling else 1.0
            start = int(self._done[key])
            end = int(np.searchsorted(sign * prices, sign * price[key], side="right"))
            self._done[key] = end
            self._next[key] = prices[end] if end < len(prices) else np.nan
            account, amount = self._rows[key]
            yield venue, asset, account[start:end], amount[start:end]
