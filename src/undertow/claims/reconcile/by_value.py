"""Figures in order of size, so that each is held against those near it and not against all.

Thousands of claims about one quantity must not take minutes: who prints most must not decide how
long the answer takes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from undertow.claims.reconcile.result import Statement

# So many on each side of a figure are looked at; a quantity of a real day has fewer in all.
MOST_BESIDE = 30


class ByValue:
    """Some statements by value."""

    def __init__(self, items: Sequence[Statement]) -> None:
        """Sorts the statements; their own order is kept for answers."""
        self._order = sorted(range(len(items)), key=lambda n: items[n].value)
        self._items = items
        self._values = [items[n].value for n in self._order]

    def near(self, value: float) -> list[Statement]:
        """The statements nearest to a value, in their own order; all of them where they are few."""
        if len(self._items) <= 2 * MOST_BESIDE:
            return list(self._items)
        place = bisect_left(self._values, value)
        chosen = self._order[max(place - MOST_BESIDE, 0) : place + MOST_BESIDE]
        return [self._items[n] for n in sorted(chosen)]

    def within(self, value: float, fraction: float) -> list[Statement]:
        """Those within a fraction of a value, in their own order, up to the bound of `near`."""
        reach = fraction * abs(value)
        first = bisect_left(self._values, value - reach)
        last = bisect_right(self._values, value + reach)
        place = bisect_left(self._values, value)
        chosen = self._order[max(first, place - MOST_BESIDE) : min(last, place + MOST_BESIDE)]
        return [self._items[n] for n in sorted(chosen)]

    def support(self, fraction: float) -> dict[str, int]:
        """For each statement by its id: how many independent sources are within a fraction of it.

        One pass over the figures, with a window that moves along.
        """
        inside: Counter[str] = Counter()
        first = last = 0
        found = {}
        for value, number in zip(self._values, self._order, strict=True):
            reach = fraction * abs(value)
            while last < len(self._values) and self._values[last] <= value + reach:
                inside[self._items[self._order[last]].origin] += 1
                last += 1
            while self._values[first] < value - reach:
                origin = self._items[self._order[first]].origin
                inside[origin] -= 1
                if not inside[origin]:
                    del inside[origin]
                first += 1
            found[self._items[number].id] = len(inside)
        return found
