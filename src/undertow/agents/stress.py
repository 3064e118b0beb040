"""How alarmed makers are: volatility, one-sided flow and news, quickly up and slowly down."""

from __future__ import annotations

import numpy as np

from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.prices import per_sqrt_second

# Volatility up to this multiple of the usual is nothing special (assumed).
DEADBAND = 1.5
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
    """

    def __init__(self, place: Place, memory_s: float, recovery_s: float) -> None:
        self._usual = per_sqrt_second(place)
        self._memory_s, self._recovery_s = memory_s, recovery_s
        self._assets = {name: number for number, name in enumerate(place.assets)}
        self._variance = self._usual**2
        self._before: Floats | None = None
        self.level = np.zeros(len(place.assets))

    def update(self, log_price: Floats, seconds: float, seen: Observation) -> None:
        """Take in the prices and news of now; ``seconds`` since the last time."""
        if self._before is not None and seconds > 0:
            # With long steps the memory holds at least eight of them.
            kept = 0.5 ** (seconds / max(self._memory_s, 8 * seconds))
            moved = (log_price - self._before) ** 2 / seconds
            self._variance = kept * self._variance + (1 - kept) * moved
            measured = 0.5 * np.log(self._variance / (self._usual * DEADBAND) ** 2)
            calmed = self.level * 0.5 ** (seconds / self._recovery_s)
            self.level = np.maximum(calmed, measured)
        self._before = log_price
        for one in seen.news:
            told = np.log1p(one.severity * (NEWS_MULTIPLE - 1))
            where = [self._assets[name] for name in one.assets if name in self._assets]
            chosen = where if one.assets else slice(None)
            self.level[chosen] = np.maximum(self.level[chosen], told)
