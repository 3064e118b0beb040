"""What becomes of positions that the fund or the backstop vault has taken over: they are sold.

How fast a venue does that is published nowhere that we read, so the pace has no default: name it,
and treat results as depending on it. Until its resale, a takeover adds no order to the book.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.model.periods import duration_ns
from undertow.venues.commands import Number
from undertow.venues.events import Event
from undertow.venues.exchange import Venue

HOLDERS = (codes.FUND, codes.VAULT)


class Resale:
    """Sells inherited positions in equal steps by market orders.

    Parameters
    ----------
    venue
        Where the positions are; its time is what steps are counted by.
    every
        Time between two steps, such as ``"10s"``.
    share
        Part of what is open that each step sells, above 0 and at most 1; rounded up to a lot.
    most
        Greatest quantity of one order, in contracts; None: no limit.

    Raises
    ------
    UndertowError
        For a share or a limit that makes no sense.
    """

    def __init__(
        self, venue: Venue, *, every: str, share: Number, most: Number | None = None
    ) -> None:
        self.share = Decimal(str(share))
        self.most = None if most is None else Decimal(str(most))
        if not 0 < self.share <= 1:
            raise UndertowError(f"share: expected a number above 0 and at most 1, got {share}")
        if self.most is not None and self.most <= 0:
            raise UndertowError(f"most: expected a quantity above 0, got {most}")
        self.venue, self._every_ns = venue, duration_ns(every)
        self._next_ns = 0

    def act(self) -> list[Event]:
        """Sell what is due at the venue's time; call it as often as time passes.

        Steps that were missed are not made up for: one call sells one step at most.
        """
        now_ns = self.venue.now_ns
        if now_ns < self._next_ns:
            return []
        held = [row for holder in HOLDERS for row in self.venue.engine.positions(holder)]
        if not held:
            return []
        self._next_ns = now_ns + self._every_ns
        return [event for row in held for event in self._sell(row)]

    def _sell(self, row: Any) -> list[Event]:
        listing = self.venue.terms.listings[row["instrument"]]
        size = abs(int(row["lots"]))
        wanted = math.ceil(size * self.share)
        if self.most is not None:
            wanted = min(wanted, int(self.most // listing.lot))
        return self.venue.order(
            int(row["account"]), listing.symbol, "sell" if row["lots"] > 0 else "buy",
            wanted * listing.lot, kind="market", reduce_only=True,
        )  # fmt: skip
