"""The order book of one symbol, by level: what rests at each price, and how far that is known."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple

Level = tuple[float, float]
"""Price (quote per base) and quantity (base)."""

# A band that ends at a level's price holds that level, whatever the last bit of the product is.
_EDGE = 1e-12


class Top(NamedTuple):
    """Best bid and ask, with the quantities there."""

    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float

    @property
    def mid(self) -> float:
        """Halfway between best bid and best ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> float:
        """Best ask less best bid, as a fraction of mid."""
        return (self.ask - self.bid) / self.mid


class L2Book:
    """Quantities by price, from one snapshot and the changes after it.

    Prices are floats read from decimal text. Reading rounds to the nearest float, so that a price
    of up to 15 digits always gives the same float, and another price another one: levels match
    exactly, and nothing needs the tick size.

    A snapshot tells of levels between its lowest bid and its highest ask, the *known range*, and
    changes keep that range exact. Beyond it only those levels are known that have changed since.

    Prices must be above zero and finite, quantities not below zero: who reads a file checks that.

    Attributes
    ----------
    update_id
        The venue's number of the book's state.
    known
        Lowest and highest price between which every level is known.

    Examples
    --------
    >>> book = L2Book()
    >>> book.apply_snapshot([(99.0, 1.0), (98.0, 2.0)], [(101.0, 1.0), (103.0, 5.0)], 7)
    >>> book.apply_diff([(99.0, 0.0), (98.5, 4.0)], [], 8)
    >>> book.best()
    Top(bid=98.5, bid_quantity=4.0, ask=101.0, ask_quantity=1.0)
    >>> book.depth_within(0.015)
    (394.0, 101.0)
    >>> book.depth_within(0.05) is None
    True
    """

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        # Rising, and the best is the last, where most changes are; asks are stored as −price.
        self._bid_order: list[float] = []
        self._ask_order: list[float] = []
        self.update_id: int | None = None
        self.known = (math.inf, -math.inf)

    def apply_snapshot(
        self, bids: Sequence[Level], asks: Sequence[Level], update_id: int | None = None
    ) -> None:
        """Start afresh from a whole picture, in any order."""
        self._bids = {price: quantity for price, quantity in bids if quantity}
        self._asks = {price: quantity for price, quantity in asks if quantity}
        self._bid_order = sorted(self._bids)
        self._ask_order = sorted(-price for price in self._asks)
        self.known = (min(self._bids, default=math.inf), max(self._asks, default=-math.inf))
        self.update_id = update_id

    def apply_diff(
        self, bids: Iterable[Level], asks: Iterable[Level], update_id: int | None = None
    ) -> None:
        """Put the quantities that now rest at some levels; 0 removes a level.

        Whether the change is the one that follows is for the caller to know.
        """
        _change(self._bids, self._bid_order, bids, 1.0)
        _change(self._asks, self._ask_order, asks, -1.0)
        self.update_id = update_id

    def best(self) -> Top | None:
        """Best bid and ask, or None while a side is empty."""
        if not self._bids or not self._asks:
            return None
        bid, ask = self._bid_order[-1], -self._ask_order[-1]
        return Top(bid, self._bids[bid], ask, self._asks[ask])

    def is_top_known(self) -> bool:
        """Whether the best bid and ask lie within the known range; beyond it they may be wrong."""
        if not self._bids or not self._asks:
            return False
        return self._bid_order[-1] >= self.known[0] and -self._ask_order[-1] <= self.known[1]

    def depth_within(self, band: float) -> tuple[float, float] | None:
        """Value of the bids and of the asks within a band around mid.

        Parameters
        ----------
        band
            Width on one side as a fraction of mid: 0.01 takes bids from mid x 0.99 up and asks
            up to mid x 1.01, the edges included.

        Returns
        -------
        tuple or None
            Sums of price x quantity in the quote currency; None where the band reaches beyond the
            known range, or a side is empty: a sum over part of the levels would understate.
        """
        top = self.best()
        if top is None:
            return None
        low, high = top.mid * (1 - band), top.mid * (1 + band)
        if low < self.known[0] or high > self.known[1]:
            return None
        bids = self._bid_order[bisect_left(self._bid_order, low * (1 - _EDGE)) :]
        asks = self._ask_order[bisect_left(self._ask_order, -high * (1 + _EDGE)) :]
        asks = [-price for price in asks]
        return (
            sum(map(mul, bids, map(self._bids.__getitem__, bids))),
            sum(map(mul, asks, map(self._asks.__getitem__, asks))),
        )

    def bids(self) -> list[Level]:
        """All bids, the best first."""
        return sorted(self._bids.items(), reverse=True)

    def asks(self) -> list[Level]:
        """All asks, the best first."""
        return sorted(self._asks.items())


def _change(
    quantities: dict[float, float], order: list[float], levels: Iterable[Level], sign: float
) -> None:
    for price, quantity in levels:
        if quantity:
            if price not in quantities:
                insort(order, sign * price)
            quantities[price] = quantity
        elif price in quantities:
            del quantities[price]
            del order[bisect_left(order, sign * price)]
