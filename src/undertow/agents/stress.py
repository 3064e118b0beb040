"""How alarmed makers are: volatility, one-sided flow and news, quickly up and slowly down."""

from __future__ import annotations

import numpy as np

from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.prices import per_sqrt_second

# Volatility up to this multiple of the usual is nothing special (assumed).
DEADBAND = 1.5
# The alarm's highest, as a multiple of the usual volatility (assumed).
HIGHEST = 100.0
# A severity of 1 counts as this multiple of the usual volatility (assumed).
NEWS_MULTIPLE = 20.0


class Stress:
    """By asset, the logarithm of how many times usual the volatility is taken to be; 0 when calm.

    Parameters
    ----------
    memory_s
        Half-life of the measured variance.
    recovery_s
        Half-life of the alarm once prices are quiet again.
    highest
        The most that volatility is taken to be, by the usual.
    """

    def __init__(
        self, place: Place, memory_s: float, recovery_s: float, highest: float = HIGHEST
    ) -> None:  # fmt: skip
        self._usual = per_sqrt_second(place)
        self._memory_s, self._recovery_s = memory_s, recovery_s
        self._most = np.log(highest)
        self._assets = {name: number for number, name in enumerate(place.assets)}
        self._variance = self._usual**2
        self._before = np.full(len(place.assets), np.nan)
        self._own_before = np.zeros(len(place.assets))
        self._since_s = np.zeros(len(place.assets))
        self.level = np.zeros(len(place.assets))

    def update(
        self, log_price: Floats, seconds: float, seen: Observation, own: Floats | float = 0.0
    ) -> None:  # fmt: skip
        """Take in the prices (NaN: none) and news of now; ``seconds`` since the last time.

        ``own`` is what makers took off prices themselves (logarithm). That is no news to them,
        else the alarm would feed itself; nor is it news where prices did not follow. So the smaller
        of the two moves counts, with it and without.
        """
        self._since_s += seconds
        level = self.level * 0.5 ** (seconds / self._recovery_s)
        known = ~np.isnan(log_price) & (self._since_s > 0)
        fresh = known & ~np.isnan(self._before)
        if fresh.any():
            past = np.where(fresh, self._since_s, 1.0)
            # With long steps the memory holds at least eight of them.
            kept = 0.5 ** (past / np.maximum(self._memory_s, 8 * past))
            change = log_price - self._before
            moved = np.minimum(change**2, (change + own - self._own_before) ** 2) / past
            variance = kept * self._variance + (1 - kept) * moved
            self._variance = np.where(fresh, variance, self._variance)
            measured = 0.5 * np.log(self._variance / (self._usual * DEADBAND) ** 2)
            measured = np.minimum(measured, self._most)
            level = np.where(fresh, np.maximum(level, measured), level)
        self.level = level
        self._before = np.where(known, log_price, self._before)
        self._own_before = np.where(known, own, self._own_before)
        self._since_s = np.where(known, 0.0, self._since_s)
        for one in seen.news:
            told = np.log1p(one.severity * (NEWS_MULTIPLE - 1))
            where = [self._assets[name] for name in one.assets if name in self._assets]
            chosen = where if one.assets else slice(None)
            self.level[chosen] = np.maximum(self.level[chosen], told)
