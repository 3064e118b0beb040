"""Prices that holders watch for, where a few of very many change at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from undertow.agents.crowd_triggers import Triggers
from undertow.agents.numbers import distinct
from undertow.agents.observation import Floats

Ints = NDArray[np.int64]
# Changes lie in a small table of their own until they are this share of the large one.
MERGED_AT = 0.25


class Watch:
    """At which price each of a venue's many numbered holders is told, at most once.

    A new price takes the place of the old one; the cost of that grows with those that change.

    Parameters
    ----------
    shape
        Venues and assets.
    falling
        Whether prices at or below the watched one tell, else those at or above.
    """

    def __init__(self, shape: tuple[int, int], falling: bool) -> None:
        self._large, self._small = Triggers(shape, falling), Triggers(shape, falling)
        # By venue: what each holder watches for now, NaN for nothing.
        self._level = [np.zeros(0) for _ in range(shape[0])]
        self._held: dict[tuple[int, int], tuple[Ints, Ints]] = {}  # in the two tables

    def change(self, venue: int, asset: int, number: Ints, price: Floats) -> None:
        """Some holders of one place watch for other prices from now on, or none (NaN)."""
        if not len(number):
            return
        level = self._level[venue]
        if len(level) <= number.max():
            more = max(int(number.max()) + 1, 2 * len(level)) - len(level)
            level = self._level[venue] = np.concatenate([level, np.full(more, np.nan)])
        level[number] = price
        none = np.zeros(0, np.int64)
        large, small = self._held.get((venue, asset), (none, none))
        small = np.concatenate([small, number])
        if len(small) > MERGED_AT * len(large):
            large, small = distinct(large, small), none
            large = self._fill(self._large, venue, asset, large)
        small = self._fill(self._small, venue, asset, distinct(small))
        self._held[venue, asset] = large, small

    def _fill(self, table: Triggers, venue: int, asset: int, number: Ints) -> Ints:
        """Put the holders into a table who watch for something; returns these."""
        number = number[~np.isnan(self._level[venue][number])]
        level = self._level[venue][number]
        table.replace(venue, asset, level, number, level)
        return number

    def crossed(self, price: Floats) -> Iterator[tuple[int, int, Ints]]:
        """Venue, asset and numbers of all whom these prices tell."""
        for table in (self._large, self._small):
            for venue, asset, number, level in table.crossed(price):
                now = number[self._level[venue][number] == level]  # not what was changed since
                self._level[venue][now] = np.nan
                if len(now):
                    yield venue, asset, now
