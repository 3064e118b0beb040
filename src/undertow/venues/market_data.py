"""What is public about an exchange, and what its operator knows, as arrays by instrument."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from undertow.kernels import market_view
from undertow.kernels.market_view import TRADED
from undertow.model import codes
from undertow.venues.engine_rows import Records
from undertow.venues.kernel_engine import KernelEngine

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class MarketData:
    """Reads an exchange's arrays without changing them; quick enough for every step of a run.

    Attributes
    ----------
    traded
        Rows of `TRADED` by instrument: trades since the last call of `new_bar`.
    rejected
        Refused commands by reason, since the beginning.
    """

    def __init__(self, engine: KernelEngine) -> None:
        self._engine = engine
        self._instruments = len(engine.venue.contracts)
        self.traded: Records = np.zeros(self._instruments, TRADED)
        self.rejected = np.zeros(128, np.int64)
        self._notable = np.zeros(1024, np.int64)
        contracts = engine.venue.contracts
        self._spot = np.flatnonzero(contracts["kind"] == codes.SPOT)
        self._base = contracts["base_asset"][self._spot]
        self._units_per_lot = contracts["base_units_per_lot"][self._spot]

    def take(self, events: Records) -> Records:
        """Add events to the sums; returns those of forced closings and what follows from them."""
        if len(events) > len(self._notable):
            self._notable = np.zeros(2 * len(events), np.int64)
        count = market_view.digest(events, self.traded, self.rejected, self._notable)
        found: Records = events[self._notable[:count]] if count else events[:0]
        return found

    def new_bar(self) -> Records:
        """The trades since the last call; sums begin anew."""
        bar = self.traded.copy()
        self.traded[:] = 0
        return bar

    def read_tops(self, ranks: Ints, last_ticks: Ints) -> None:
        """Write down the best prices and the last trades, by instrument.

        Parameters
        ----------
        ranks
            Bids and asks in turn: of bids how far below `MOST_PRICE_TICKS` they are, of asks their
            ticks; `NO_RANK` where a side is empty.
        last_ticks
            Of the last trade; 0 before the first.
        """
        venue = self._engine.venue
        ranks[:] = venue.book.sides["best_rank"]
        last_ticks[:] = venue.contracts["last_ticks"]

    def depth(self, bands: Sequence[float]) -> Floats:
        """Resting value (ticks x lots) within fractions of the middle price.

        Shape ``(instruments, 2, bands)``, bids first; 0 where a side is empty.
        """
        totals = np.zeros((2 * self._instruments, len(bands)))
        market_view.depth(self._engine.venue.book, np.asarray(bands, np.float64), totals)
        return totals.reshape(self._instruments, 2, len(bands))

    def open_lots(self) -> Ints:
        """Lots held long, by instrument: the open interest."""
        lots: Ints = self._engine.venue.contracts["long_lots"].copy()
        return lots

    def holdings(self, accounts: Ints) -> tuple[Ints, Ints]:
        """Lots ``(accounts, instruments)`` and cash units (isolated margin included) of some.

        Of spot instruments: lots' worth of the coins that are held.
        """
        lots = np.zeros((len(accounts), self._instruments), np.int64)
        cash_units = np.zeros(len(accounts), np.int64)
        venue = self._engine.venue
        market_view.holdings(venue.accounts, venue.positions, accounts, lots, cash_units)
        assets = len(venue.assets)
        if assets > 1:
            held = venue.holdings["units"].reshape(-1, assets)[accounts]
            lots[:, self._spot] = held[:, self._base] // self._units_per_lot
        return lots, cash_units

    def coin_units(self, account: int) -> int:
        """What an account's assets beside cash are worth, before haircuts, in cash units."""
        assets = self._engine.venue.assets
        if len(assets) == 1:
            return 0
        first = account * len(assets)
        units = self._engine.venue.holdings["units"][first + 1 : first + len(assets)]
        prices = assets["price_units"][1:]
        pairs: list[tuple[int, int]] = list(zip(units.tolist(), prices.tolist(), strict=True))
        return sum(own * price for own, price in pairs) // 10**6

    def cash_units(self, account: int) -> int:
        """Cash of one account."""
        return int(self._engine.venue.accounts[account]["cash_units"])
