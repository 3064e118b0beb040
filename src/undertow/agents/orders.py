"""Commands of one agent in one step: floats in, whole ticks and lots out.

Every method takes arrays, or single values that go for all; ``asset`` as well, and ``venue`` where
it says so (in ascending order then). ``account``
counts from 0 within the agent's own accounts at the venue. Prices are rounded to the nearest tick
(bids down, asks up where said), quantities down to whole lots; what is then below one lot is left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from undertow.agents.observation import Floats, Place
from undertow.kernels.exchange_arrays import COMMAND
from undertow.model import codes
from undertow.model.codes import BUY, SELL

Rows = NDArray[Any]
CASH_UNITS = 10**6


@dataclass(frozen=True, slots=True)
class Openings:
    """Positions that are there when a run begins, before anybody acts.

    ``quantity`` is in coins, above 0 for longs; ``entry_price`` in USD; ``equity_usd`` what the
    account is worth at the eve's mark.
    """

    venue: int
    asset: int
    account: NDArray[np.int64]
    quantity: Floats
    entry_price: Floats
    equity_usd: Floats


@dataclass
class Orders:
    """Collects commands; one of these is handed to an agent in each step.

    Parameters
    ----------
    place
        Where to trade.
    first_account
        By venue: number of the agent's first account there.
    next_id
        By venue: the next free order id; shared by all agents of a run, counted on here.
    """

    place: Place
    first_account: NDArray[np.int64]
    next_id: NDArray[np.int64]
    by_venue: list[list[Rows]] = field(init=False)
    openings: list[Openings] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.by_venue = [[] for _ in self.place.venues]

    def market(
        self,
        venue: int,
        asset: ArrayLike,
        account: ArrayLike,
        is_buy: ArrayLike,
        quantity: ArrayLike,
        *,
        reduce_only: bool = False,
    ) -> Rows:
        """Market orders; returns their ids."""  # fmt: skip
        return self._enter(
            venue, asset, account, is_buy, quantity, kind=codes.MARKET, reduce_only=reduce_only
        )

    def limit(
        self,
        venue: ArrayLike,
        asset: ArrayLike,
        account: ArrayLike,
        is_buy: ArrayLike,
        quantity: ArrayLike,
        price: ArrayLike,
        *,
        time_in_force: int = codes.GTC,
        reduce_only: bool = False,
    ) -> Rows:
        """Limit orders, of one venue or many; bids are rounded down to the tick, asks up.

        Returns their ids.
        """
        return self._enter(
            venue, asset, account, is_buy, quantity, price, kind=codes.LIMIT,
            time_in_force=time_in_force, reduce_only=reduce_only,
        )  # fmt: skip

    def stop(
        self,
        venue: int,
        asset: ArrayLike,
        account: ArrayLike,
        is_buy: ArrayLike,
        trigger: ArrayLike,
    ) -> Rows:
        """Stop orders on the mark that close whatever is then open; returns their ids."""
        rows = self._rows(venue, asset, account, is_buy, np.size(trigger))
        rows["kind"], rows["trigger"] = codes.CONDITIONAL, codes.STOP
        rows["flags"] = codes.CLOSE_POSITION
        rows["trigger_ticks"] = np.maximum(
            1, np.rint(np.asarray(trigger, np.float64) / self.place.tick[venue, np.asarray(asset)])
        )
        return self._named(venue, rows)

    def cancel(self, venue: int, asset: ArrayLike, account: ArrayLike, order_id: ArrayLike) -> None:
        """Cancel single orders."""
        rows = self._rows(venue, asset, account, False, np.size(order_id))
        rows["kind"], rows["order_id"] = codes.CANCEL, order_id
        self.by_venue[venue].append(rows)

    def cancel_all(self, venue: ArrayLike, asset: ArrayLike, account: ArrayLike) -> None:
        """Cancel all orders in an asset, of one venue or many; in all assets with -1."""
        rows = self._rows(venue, asset, account, False)
        rows["kind"] = codes.CANCEL_ALL
        if np.ndim(venue) == 0:
            self.by_venue[int(np.asarray(venue))].append(rows)
        else:
            self._split(np.asarray(venue), rows)

    def set_leverage(
        self, venue: int, asset: ArrayLike, account: ArrayLike, leverage: ArrayLike
    ) -> None:
        """Leverage that initial margin is counted with; the venue's default before."""
        rows = self._rows(venue, asset, account, False, np.size(leverage))
        rows["kind"], rows["amount"] = codes.SET_LEVERAGE, leverage
        self.by_venue[venue].append(rows)

    def move_cash(self, venue: int, account: ArrayLike, usd: ArrayLike) -> None:
        """Bring cash in (above 0) or take it out; the venue refuses what is not free."""
        amount = np.rint(np.asarray(usd, np.float64) * CASH_UNITS).astype(np.int64)
        rows = self._rows(venue, -1, account, False, amount.size)
        rows["kind"] = np.where(amount >= 0, codes.DEPOSIT, codes.WITHDRAW)
        rows["amount"] = np.abs(amount)
        self.by_venue[venue].append(rows[rows["amount"] > 0])

    def bring_coins(
        self, venue: int, asset: ArrayLike, account: ArrayLike, quantity: ArrayLike
    ) -> None:
        """Bring coins to a spot market."""
        amount = np.rint(np.asarray(quantity, np.float64) * CASH_UNITS).astype(np.int64)
        rows = self._rows(venue, -1, account, False, amount.size)
        rows["kind"], rows["asset"] = (
            codes.DEPOSIT,
            self.place.instrument[venue, np.asarray(asset)] + 1,
        )
        rows["amount"] = amount
        self.by_venue[venue].append(rows[rows["amount"] > 0])

    def open(
        self,
        venue: int,
        asset: int,
        account: ArrayLike,
        quantity: ArrayLike,
        entry_price: ArrayLike,
        equity_usd: ArrayLike,
    ) -> None:
        """Positions of the eve; only when a run begins, see `Openings`."""  # fmt: skip
        numbers = np.atleast_1d(np.asarray(account, np.int64)) + self.first_account[venue]
        floats = (
            np.broadcast_to(np.asarray(value, np.float64), numbers.shape)
            for value in (quantity, entry_price, equity_usd)
        )
        self.openings.append(Openings(venue, asset, numbers, *floats))

    def _enter(
        self, venue: ArrayLike, asset: ArrayLike, account: ArrayLike, is_buy: ArrayLike,
        quantity: ArrayLike, price: ArrayLike | None = None, *, kind: int,
        time_in_force: int = codes.GTC, reduce_only: bool = False,
    ) -> Rows:  # fmt: skip
        where = np.asarray(venue), np.asarray(asset)
        lots = np.asarray(quantity, np.float64) / self.place.lot[where]
        size = max(lots.size, np.size(price) if price is not None else 1)
        rows = self._rows(*where, account, is_buy, size)
        # 1e-6 of a lot forgives what division lost; more would be rounding up.
        whole = np.floor(lots + 1e-6)
        rows["quantity_lots"] = np.minimum(np.maximum(whole, 0), self.place.max_lots[where])
        rows["kind"], rows["time_in_force"] = kind, time_in_force
        rows["flags"] = codes.REDUCE_ONLY if reduce_only else 0
        if price is not None:
            ticks = np.asarray(price, np.float64) / self.place.tick[where]
            down, up = np.floor(ticks + 1e-6), np.ceil(ticks - 1e-6)
            rows["price_ticks"] = np.maximum(1, np.where(is_buy, down, up))
        kept = (rows["quantity_lots"] > 0).nonzero()[0]
        if np.ndim(venue) == 0:
            return self._named(int(where[0]), rows.take(kept))
        return self._split(where[0].take(kept), rows.take(kept), named=True)

    def _rows(
        self, venue: ArrayLike, asset: ArrayLike, account: ArrayLike, is_buy: ArrayLike,
        size: int = 1,
    ) -> Rows:  # fmt: skip
        size = max(size, np.size(venue), np.size(asset), np.size(account), np.size(is_buy))
        rows = np.zeros(size, COMMAND)
        where, places = np.asarray(venue), np.asarray(asset)
        rows["instrument"] = np.where(places < 0, -1, self.place.instrument[where, places])
        rows["account"] = np.asarray(account, np.int64) + self.first_account[where]
        rows["side"] = np.where(is_buy, BUY, SELL)
        return rows

    def _split(self, venue: Rows, rows: Rows, *, named: bool = False) -> Rows:
        """Hand rows on to their venues, which come in ascending order; returns the orders' ids."""
        count = np.bincount(venue, minlength=len(self.by_venue))
        if named:
            first_id = self.next_id - count.cumsum() + count
            rows["order_id"] = np.arange(len(rows)) + first_id[venue]
            self.next_id += count
        first = 0
        for blocks, own in zip(self.by_venue, count.tolist(), strict=True):
            if own:
                blocks.append(rows[first : first + own])
                first += own
        ids: Rows = rows["order_id"]
        return ids

    def _named(self, venue: int, rows: Rows) -> Rows:
        first = int(self.next_id[venue])
        rows["order_id"] = np.arange(first, first + len(rows))
        self.next_id[venue] = first + len(rows)
        self.by_venue[venue].append(rows)
        ids: Rows = rows["order_id"]
        return ids


def joined(rows: Sequence[Rows]) -> Rows:
    """Many blocks of commands, or of events, as one."""
    if len(rows) == 1:
        return rows[0]
    if not rows:
        return np.zeros(0, COMMAND)
    # As plain words: NumPy compares all fields of all blocks otherwise.
    words = np.concatenate([np.ascontiguousarray(one).view(np.int64) for one in rows])
    together: Rows = words.view(rows[0].dtype)
    return together
