"""Who has been warned of liquidation and will close by hand, once they notice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats

Ints = NDArray[np.int64]
_WAITING = np.dtype(
    [("due_ns", np.int64), ("venue", np.int64), ("asset", np.int64), ("account", np.int64),
     ("amount", np.float64)]
)  # fmt: skip


class Notices:
    """Decisions that wait for their moment; a step in which none is due costs nothing.

    Parameters
    ----------
    median_s, spread
        Median and standard deviation of the logarithm of the time until somebody notices.
    """

    def __init__(self, median_s: float, spread: float, dice: np.random.Generator) -> None:
        self._median_s, self._spread, self._dice = median_s, spread, dice
        self._waiting = np.zeros(0, _WAITING)
        self._soonest_ns = np.iinfo(np.int64).max

    def add(self, ts_ns: int, venue: int, asset: int, account: Ints, amount: Floats) -> None:
        """Some are warned now."""
        rows = np.zeros(len(account), _WAITING)
        wait_s = self._median_s * np.exp(self._spread * self._dice.standard_normal(len(account)))
        rows["due_ns"] = ts_ns + (np.minimum(wait_s, 1e8) * 1e9).astype(np.int64)
        rows["venue"], rows["asset"] = venue, asset
        rows["account"], rows["amount"] = account, amount
        self._waiting = np.concatenate([self._waiting, rows])
        self._soonest_ns = int(self._waiting["due_ns"].min())

    def due(self, ts_ns: int) -> Iterator[tuple[int, int, Ints, Floats]]:
        """Venue, asset, accounts and amounts of those who notice now."""
        if ts_ns < self._soonest_ns:
            return
        ripe = self._waiting["due_ns"] <= ts_ns
        rows, self._waiting = self._waiting[ripe], self._waiting[~ripe]
        left = self._waiting["due_ns"]
        self._soonest_ns = int(left.min()) if len(left) else np.iinfo(np.int64).max
        for venue, asset in np.unique(np.stack([rows["venue"], rows["asset"]]), axis=1).T.tolist():
            own = rows[(rows["venue"] == venue) & (rows["asset"] == asset)]
            yield venue, asset, own["account"], own["amount"]
