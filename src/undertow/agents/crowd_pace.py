"""How fast each market moves: by that more is traded, and more holders are too late."""

from __future__ import annotations

import numpy as np

from undertow.agents.observation import Floats, Observation
from undertow.agents.prices import known

BLOCK_S = 300.0
BLOCKS = 12  # an hour
DAY_S = 86_400.0
# A fall may take an hour, a quarter of one, or five minutes; whichever is the fastest for its
# length leaves holders the least time (the three lengths are assumed).
RUSH_BLOCKS = (1, 3, 12)


class Pace:
    """Range of each market over the last hour, against its usual one.

    Parameters
    ----------
    shape
        Venues and assets.

    Attributes
    ----------
    typical
        By asset, mean range of an hour times the root of 24 (as a fraction); set it first.
    step
        The last step's move, as a fraction of the price.
    """

    def __init__(self, shape: tuple[int, int], start_ns: int) -> None:
        self.typical = np.full(shape[1], np.nan)
        self._high = np.full((BLOCKS + 1, *shape), -np.inf)
        self._low = np.full((BLOCKS + 1, *shape), np.inf)
        self._start_ns = start_ns
        self._block = 0
        self._price = np.full(shape, np.nan)
        self.step = np.zeros(shape)

    def see(self, seen: Observation, price: Floats, heading: Floats | None = None) -> None:
        """Take down the prices of a step, by venue and asset.

        ``heading`` by asset: where a given path is just going, of a leg that takes several steps.
        """
        number = int((seen.ts_ns - self._start_ns) / 1e9 // BLOCK_S)
        for _ in range(min(number - self._block, BLOCKS + 1)):
            self._high = np.roll(self._high, 1, axis=0)
            self._low = np.roll(self._low, 1, axis=0)
            self._high[0], self._low[0] = self._price, self._price
        self._block = max(number, self._block)
        with np.errstate(invalid="ignore"):
            self.step = known(price / self._price - 1)
        self._price = price.copy()
        ahead = price if heading is None else np.where(np.isnan(price), np.nan, heading)
        for one in (price, ahead):
            np.fmax(self._high[0], one, out=self._high[0])
            np.fmin(self._low[0], one, out=self._low[0])

    def speed(self, seen: Observation) -> Floats:
        """Range of the last hour (since the start, if that is less) over the usual one."""
        low, high = self.extremes(BLOCKS + 1)
        passed_s = np.clip((seen.ts_ns - self._start_ns) / 1e9, BLOCK_S, BLOCK_S * BLOCKS)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.log(high / low) / np.sqrt(passed_s / DAY_S)
        found: Floats = np.nan_to_num(moved / self.typical, posinf=0.0, neginf=0.0)
        return found

    def rush(self, seen: Observation) -> Floats:
        """Range over the usual one of the last minutes up to an hour: where it is the greatest.

        A market's usual range grows with the root of time, so a fall of 10 % in five minutes is
        as unusual as one of 35 % in an hour.
        """
        found = self.speed(seen)
        passed_s = max(0.0, (seen.ts_ns - self._start_ns) / 1e9)
        block_s = passed_s - self._block * BLOCK_S
        for blocks in RUSH_BLOCKS:
            low, high = self.extremes(blocks + 1)
            seconds = max(BLOCK_S, min(passed_s, blocks * BLOCK_S + block_s))
            with np.errstate(invalid="ignore", divide="ignore"):
                moved = np.log(high / low) / np.sqrt(seconds / DAY_S) / self.typical
            found = np.maximum(found, np.nan_to_num(moved, posinf=0.0, neginf=0.0))
        return found

    def extremes(self, blocks: int) -> tuple[Floats, Floats]:
        """Lowest and highest price of the last blocks of five minutes, the present one included."""
        low: Floats = np.fmin.reduce(self._low[:blocks])
        high: Floats = np.fmax.reduce(self._high[:blocks])
        return low, high
