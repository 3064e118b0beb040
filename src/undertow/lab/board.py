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
        In the venue's quote asset; NaN where there is none.
    bought, sold
        By takers since the last call of `add_up`, dollars.
    """

    def __init__(self, markets: Sequence[Market], places: Sequence[Ints], assets: int) -> None:
        shape = (len(markets), assets)
        self._markets, self._places = markets, places
        sizes = np.array([len(one) for one in places])
        self._end = np.cumsum(sizes)
        self._first = self._end - sizes
        self._venue = np.repeat(np.arange(len(markets)), sizes)
        self._at = (self._venue, np.concatenate(places))
        self._number = np.arange(len(self._venue)) - self._first[self._venue]
        self._tick = np.concatenate([market.listings.tick for market in markets])
        self._ranks = np.full(2 * len(self._tick), NO_RANK, np.int64)
        self._last_ticks = np.zeros(len(self._tick), np.int64)
        self._sent_ticks = np.zeros(len(self._tick))
        self._looked = [UNREAD] * len(markets)
        self._added = [UNREAD] * len(markets)
        self.bid, self.ask, self.last = (np.full(shape, np.nan) for _ in range(3))
        self.bought, self.sold = np.zeros(shape), np.zeros(shape)

    def look(self) -> None:
        """Read best prices and last trades where something happened."""
        changed = False
        for venue, market in enumerate(self._markets):
            if self._looked[venue] != market.version:
                self._looked[venue] = market.version
                first, end = int(self._first[venue]), int(self._end[venue])
                market.data.read_tops(self._ranks[2 * first : 2 * end], self._last_ticks[first:end])
                changed = True
        if not changed:
            return
        bids, asks = self._ranks[0::2], self._ranks[1::2]
        tick, at, ticks = self._tick, self._at, self._last_ticks
        self.bid[at] = np.where(bids == NO_RANK, np.nan, (MOST_PRICE_TICKS - bids) * tick)
        self.ask[at] = np.where(asks == NO_RANK, np.nan, asks * tick)
        self.last[at] = np.where(ticks > 0, ticks * tick, self.last[at])

    def add_up(self) -> None:
        """Flows since the last call."""
        for venue, market in enumerate(self._markets):
            places = self._places[venue]
            if self._added[venue] != market.version:
                self._added[venue] = market.version
                self.bought[venue, places], self.sold[venue, places] = market.flows_usd()
            else:
                self.bought[venue] = self.sold[venue] = 0.0

    def mark_rows(self, marks: Sequence[Floats], ts_ns: int) -> list[tuple[Rows, int]]:
        """By venue, a command that sets the clock and the marks that its engine has not seen yet.

        Parameters
        ----------
        marks
            By venue, the array to take them from: a slow engine sees those of before.
        ts_ns
            The clock.

        Returns
        -------
        list
            Commands of each venue and how many of them are marks.
        """
        if all(one is marks[0] for one in marks):
            values = marks[0][self._at]
        else:
            late = [mark[venue, self._places[venue]] for venue, mark in enumerate(marks)]
            values = np.concatenate(late)
        now = np.rint(values / self._tick)
        changed = np.flatnonzero((now > 0) & (now != self._sent_ticks))  # NaN is not above 0
        self._sent_ticks[changed] = now[changed]
        venue = self._venue[changed]
        ends = np.searchsorted(venue, np.arange(len(marks)), side="right")
        rows = np.zeros(len(changed) + len(marks), COMMAND)
        rows["kind"] = codes.MARK
        where = np.arange(len(changed)) + venue + 1
        rows["instrument"][where] = self._number[changed]
        rows["price_ticks"][where] = now[changed]
        found: list[tuple[Rows, int]] = []
        first = 0
        for place, end in enumerate(ends.tolist()):
            own = rows[first + place : end + place + 1]
            found.append((own, end - first))
            first = end
        clocks = np.concatenate([[0], ends[:-1]]) + np.arange(len(marks))
        rows["kind"][clocks], rows["expire_ns"][clocks] = codes.EXPIRE, ts_ns
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
        self._at = [np.ix_(own, place) for own, place in zip(self._own, places, strict=True)]
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
        self._quantity[venue][self._at[venue]] = lots * listings.lot
