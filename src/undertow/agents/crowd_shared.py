"""Positions that share one margin: an account that holds several coins stands or falls with all.

In cross margin a venue looks at the account, not at the position (Binance FAQ on cross margin,
Hyperliquid docs on margining; docs/rules.md): what one coin loses is missing for the others, and
who gets out, gets out of all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.numbers import distinct, marked
from undertow.agents.observation import Floats

Ints = NDArray[np.int64]


class Shared:
    """The accounts of one venue that hold several positions.

    Parameters
    ----------
    account
        Of each position of the venue.

    Attributes
    ----------
    of
        By position: which of these accounts it belongs to, -1 for one that stands alone.
    follows
        By position: whether its account has an earlier one.
    """

    def __init__(self, account: Ints) -> None:
        several = np.bincount(account, minlength=1)[account] > 1
        rows = np.flatnonzero(several)
        self._rows = rows[np.argsort(account[rows], kind="stable")]
        is_first = np.diff(account[self._rows], prepend=-1) != 0
        self._member = np.cumsum(is_first) - 1
        self._count = int(is_first.sum())
        self.of = np.full(len(account), -1)
        self.of[self._rows] = self._member
        self.follows = np.zeros(len(account), np.bool_)
        self.follows[self._rows[~is_first]] = True
        self._place = np.zeros(len(account), np.int64)
        self._place[self._rows] = np.arange(len(self._rows))
        self._limit = np.full(self._count, np.nan)
        self._coins = np.zeros(len(self._rows))
        self._asset = np.zeros(len(self._rows), np.int64)

    def whole(self, number: Ints) -> Ints:
        """Some positions and all others of their accounts, in ascending order."""
        own = self.of[number]
        own = own[own >= 0]
        if not len(own):
            return number
        return distinct(number, self._rows[marked(own, self._count)[self._member]])

    def watch(
        self, number: Ints, positions: NDArray[Any], gap: Floats, holds: NDArray[np.bool_]
    ) -> None:
        """Decide anew when holders are told: when their accounts' margin is nearly gone.

        A position's spare margin is its coins times the distance to the price at which it alone
        would be liquidated; an account's is the sum, of which some may be below zero.

        Parameters
        ----------
        number
            All positions of some of these accounts, in ascending order.
        positions
            Theirs, with ``asset``, ``coins`` and ``level``.
        gap
            Distance from the level at which the holder of one position alone would be told.
        holds
            Who is to be told at all.
        """
        place, coins = self._place[number], positions["coins"]
        self._coins[place], self._asset[place] = coins, positions["asset"]
        limit = coins * positions["level"] + np.abs(coins) * gap
        limit[~holds] = np.nan
        accounts = self.of[number]
        self._limit[accounts] = self.sums(number, limit)[accounts]

    def near(self, price: Floats, ahead: Floats) -> Ints:
        """Positions of all accounts whose margin is nearly gone, in ascending order.

        Parameters
        ----------
        price
            By asset.
        ahead
            By asset: the move that holders fear, as a fraction; only the bad direction counts.
        """
        if not self._count:
            return self._rows[:0]
        # By side and asset first: there are few of those.
        falls, rises = price * (1 + np.minimum(ahead, 0.0)), price * (1 + np.maximum(ahead, 0.0))
        worst = np.where(self._coins > 0, falls[self._asset], rises[self._asset])
        worth = np.bincount(self._member, self._coins * worst, minlength=self._count)
        hit = worth <= self._limit
        if not hit.any():
            return self._rows[:0]
        return np.sort(self._rows[hit[self._member]])

    def sums(self, number: Ints, amount: Floats) -> Floats:
        """Sums of some positions' amounts over each account."""
        return np.bincount(self.of[number], amount, minlength=self._count).astype(np.float64)

    def joined(self, number: Ints, amount: Floats) -> Floats:
        """By position, its amount; of those that share an account, that of the whole account."""
        together = self.of[number] >= 0
        if not together.any():
            return amount
        found: Floats = amount.copy()
        some = number[together]
        found[together] = self.sums(some, amount[together])[self.of[some]]
        return found

    def together(self, number: Ints, thrown: Floats) -> Floats:
        """By position, its own number; of those that share an account, that of one of them."""
        place = self.of[number]
        shared = place >= 0
        one = np.zeros(self._count)
        one[place[shared]] = thrown[shared]
        found: Floats = thrown.copy()
        found[shared] = one[place[shared]]
        return found
