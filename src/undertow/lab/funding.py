"""Funding of every perpetual of a run: the venues' exact methods, looked at once a minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from undertow.agents.observation import Floats, Place
from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.market import Listings, Rows
from undertow.lab.prices import Prices
from undertow.model import codes
from undertow.venues.prices.funding import Funding
from undertow.venues.prices.market import Market as View
from undertow.venues.rulebook import Rules

HOUR_NS = 3600 * 10**9
BILLION = 10**9


@dataclass(frozen=True)
class Paid:
    """A settlement that fell due: the command, and what a tape says of it."""

    venue: int
    instrument: int
    rate: float
    hours: int
    rows: Rows


class FundingClock:
    """Watches premiums and settles funding; tells `Prices` the rates that some marks need.

    The books' best prices stand for the venues' impact prices: what an order of the impact
    notional would fetch differs by less than the spread where depth is as usual.
    """

    def __init__(
        self, dated: Sequence[Rules | None], listings: Sequence[Listings], place: Place,
        prices: Prices,
    ) -> None:  # fmt: skip
        self._place, self._prices, self._listings = place, prices, listings
        self._clocks: list[tuple[int, int, int, Funding]] = []
        for venue, (rules, own) in enumerate(zip(dated, listings, strict=True)):
            if rules is None or rules.funding.model is None:
                continue
            for number, symbol in enumerate(own.symbols):
                asset = place.assets.index(own.assets[number])
                rate = own.contracts[number].tiers[0].maintenance_ppm / 1e6
                clock = Funding(rules, place.start_ns, symbol, maintenance_rate=rate, seed=0)
                self._clocks.append((venue, number, asset, clock))
                if clock.next_ns is not None:
                    prices.next_funding_ns[venue, asset] = clock.next_ns
                    prices.interval_ns[venue, asset] = clock.interval_h * HOUR_NS

    def minute(self, ts_ns: int, bid: Floats, ask: Floats, last: Floats) -> Iterator[Paid]:
        """Look at all markets; gives what is paid now."""
        bids, asks, lasts = bid.tolist(), ask.tolist(), last.tolist()
        indices, marks = self._prices.index.tolist(), self._prices.mark.tolist()
        for venue, number, asset, clock in self._clocks:
            hours = clock.interval_h  # of what ends now; a rate at its cap may change the next
            for payment in clock.due(ts_ns):
                yield self._paid(venue, number, asset, float(payment.rate), hours)
                hours = clock.interval_h
                self._prices.funding_rate[venue, asset] = float(payment.running_rate)
                self._prices.next_funding_ns[venue, asset] = payment.next_ns
            index = _exact(indices[venue][asset])
            if index is None:
                continue
            low, high = _exact(bids[venue][asset]), _exact(asks[venue][asset])
            view = View(index, low, high, _exact(lasts[venue][asset]), low, high)
            clock.observe(ts_ns, view, _exact(marks[venue][asset]))

    def _paid(self, venue: int, number: int, asset: int, rate: float, hours: int) -> Paid:
        rows = np.zeros(1, COMMAND)
        tick = self._listings[venue].tick[number]
        rows["kind"], rows["instrument"] = codes.FUNDING, number
        rows["amount"] = round(rate * BILLION)
        rows["price_ticks"] = max(1, round(self._prices.mark[venue, asset] / tick))
        return Paid(venue, number, rate, hours, rows)


def _exact(value: float) -> Decimal | None:
    return Decimal(str(value)) if value > 0 else None
