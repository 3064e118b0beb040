"""What all venues show at once: best prices, last trades, flows, and what small populations hold.

All instruments of all venues lie one after the other in flat arrays, so that a step takes a few
array operations; a venue in which nothing happened is not read again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats
from undertow.kernels.exchange_arrays import COMMAND
from undertow.kernels.ladder import NO_RANK
from undertow.lab.market import Market, Rows
from undertow.lab.opening import CASH_UNITS
from undertow.model import codes
from undertow.model.codes import MOST_PRICE_TICKS

Ints = NDArray[np.int64]
UNREAD = -1


class Board:
    """Public prices and flows, arrays ``(venues, assets)``.

    Attributes
    ----------
    bid, ask, last
        In the venue's quote asset; NaN where there is none. They are never written to: where
        something has changed, others take their place.
    bought, sold
        By takers since the last call of `add_up`, dollars.
    """

    def __init__(self, markets: Sequence[Market], places: Sequence[Ints], assets: int) -> None:
        self._markets, self._places = markets, places
        sizes = [len(one) for one in places]
        ends = np.cumsum(sizes).tolist()
        self._rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self._ends = np.array(ends)
        venue = np.repeat(np.arange(len(markets)), sizes)
        self._at = venue * assets + np.concatenate(places)  # in arrays without their shape
        self._tick = np.concatenate([market.listings.tick for market in markets])
        self._ranks = np.full(2 * len(self._tick), NO_RANK, np.int64)
        self._last_ticks = np.zeros(len(self._tick), np.int64)
        self._sent_ticks = np.zeros(len(self._tick))
        self._marks = np.zeros(len(self._tick), COMMAND)
        self._marks["kind"] = codes.MARK
        self._marks["instrument"] = np.concatenate([np.arange(size) for size in sizes])
        self._looked = [UNREAD] * len(markets)
        self._added = [UNREAD] * len(markets)
        self.bid, self.ask, self.last = (np.full((len(markets), assets), np.nan) for _ in range(3))
        self.bought, self.sold = (np.zeros((len(markets), assets)) for _ in range(2))

    def look(self) -> None:
        """Read best prices and last trades where something happened."""
        changed = False
        for venue, market in enumerate(self._markets):
            if self._looked[venue] != market.version:
                self._looked[venue] = market.version
                rows = self._rows[venue]
                ranks = self._ranks[2 * rows.start : 2 * rows.stop]
                market.data.read_tops(ranks, self._last_ticks[rows])
                changed = True
        if not changed:
            return
        bids, asks = self._ranks[0::2], self._ranks[1::2]
        tick, ticks = self._tick, self._last_ticks
        self.bid = self._with(
            self.bid, np.where(bids == NO_RANK, np.nan, (MOST_PRICE_TICKS - bids) * tick)
        )
        self.ask = self._with(self.ask, np.where(asks == NO_RANK, np.nan, asks * tick))
        last = np.where(ticks > 0, ticks * tick, self.last.take(self._at))
        self.last = self._with(self.last, last)

    def _with(self, before: Floats, values: Floats) -> Floats:
        """A copy with other values for the instruments."""
        after = before.copy()
        after.put(self._at, values)
        after.setflags(write=False)
        return after

    def add_up(self) -> bool:
        """Flows since the last call; whether anything happened at all."""
        changed = False
        self.bought[:] = 0.0
        self.sold[:] = 0.0
        for venue, market in enumerate(self._markets):
            if self._added[venue] != market.version:
                self._added[venue] = market.version
                places = self._places[venue]
                self.bought[venue, places], self.sold[venue, places] = market.flows_usd()
                changed = True
        return changed

    def mark_rows(self, marks: Sequence[Floats]) -> list[tuple[int, Rows]]:
        """Commands for the marks that engines have not seen yet.

        Parameters
        ----------
        marks
            By venue, the array that it sees now: a slow engine sees one of before.

        Returns
        -------
        list
            Venues that see another mark than before, and commands for each.
        """
        values = marks[0]
        if not all(one is values for one in marks):
            values = np.stack([mark[venue] for venue, mark in enumerate(marks)])
        now = np.rint(values.take(self._at) / self._tick)
        changed = ((now > 0) & (now != self._sent_ticks)).nonzero()[0]  # NaN is not above 0
        if not len(changed):
            return []
        ticks = now[changed]
        self._sent_ticks[changed] = ticks
        rows = self._marks.take(changed)
        rows["price_ticks"] = ticks
        found, first = [], 0
        for venue, end in enumerate(changed.searchsorted(self._ends).tolist()):
            if end > first:
                found.append((venue, rows[first:end]))
            first = end
        return found


class Purses:
    """Cash and coins of populations with few accounts, read where something happened.

    Parameters
    ----------
    first, count
        Of each population's accounts, by population and venue.
    most
        Populations with more accounts than this at a venue do not see what they hold.
    """

    def __init__(
        self, markets: Sequence[Market], places: Sequence[Ints], first: Ints, count: Ints,
        assets: int, most: int,
    ) -> None:  # fmt: skip
        self._markets, self._places = markets, places
        largest = count.max(axis=1, initial=0)
        few = np.flatnonzero((largest > 0) & (largest <= most))
        # Rows lie alike at all venues, so that a population's are one slice of them.
        end = np.cumsum(largest[few])
        begin = end - largest[few]
        self._rows = {
            one: slice(start, stop)
            for one, start, stop in zip(few.tolist(), begin.tolist(), end.tolist(), strict=True)
        }
        width = int(largest[few].sum())
        self._cash = np.full((len(markets), width), np.nan)
        self._quantity = np.zeros((len(markets), width, assets))
        self._numbers: list[Ints] = []  # of accounts, by venue, and the rows that are theirs
        self._own: list[Ints] = []
        for venue in range(len(markets)):
            own = [(first[one, venue], start, int(count[one, venue]))
                   for one, start in zip(few.tolist(), begin.tolist(), strict=True)]  # fmt: skip
            none = [np.zeros(0, np.int64)]
            self._numbers.append(np.concatenate(none + [at + np.arange(n) for at, _, n in own]))
            self._own.append(np.concatenate(none + [row + np.arange(n) for _, row, n in own]))
        # Where a venue's accounts and assets lie in its part of `_quantity`, without its shape.
        self._at = [
            own[:, None] * assets + place for own, place in zip(self._own, places, strict=True)
        ]
        self._read = [UNREAD] * len(markets)

    def of(self, population: int) -> tuple[Floats, Floats] | tuple[None, None]:
        """Cash in dollars ``(venues, accounts)`` and coins ``(venues, accounts, assets)``."""
        rows = self._rows.get(population)
        if rows is None:
            return None, None
        for venue, market in enumerate(self._markets):
            if self._read[venue] != market.version:
                self._read[venue] = market.version
                self._look(venue, market)
        return self._cash[:, rows].copy(), self._quantity[:, rows].copy()

    def _look(self, venue: int, market: Market) -> None:
        lots, units = market.data.holdings(self._numbers[venue])
        listings = market.listings
        self._cash[venue, self._own[venue]] = units / CASH_UNITS * listings.settlement_usd
        self._quantity[venue].put(self._at[venue], lots * listings.lot)
