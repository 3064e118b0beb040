"""Averages over moments at which a venue looks at its market.

A market stays as it was seen until it is seen again, so a quiet hour adds the same sample many
times; every class here takes such a run at once.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256

from undertow.errors import UndertowError
from undertow.model.periods import SECOND_NS

_ZERO = Decimal(0)


class Clock:
    """Refuses a time that falls."""

    def __init__(self) -> None:
        self.now_ns: int | None = None

    def advance(self, ts_ns: int) -> None:
        """Go on to ``ts_ns`` (nanoseconds since 1970); the same moment again is allowed."""
        if self.now_ns is not None and ts_ns < self.now_ns:
            raise UndertowError(f"time falls from {self.now_ns} to {ts_ns} ns")
        self.now_ns = ts_ns


class Moments:
    """When a venue looks: at every multiple of a step since 1970, or once in each step.

    Parameters
    ----------
    step_ns
        Length of a step.
    seed
        When given, each step has one moment at random instead of its end. The same seed gives
        the same moments, in whatever order one asks.
    """

    def __init__(self, step_ns: int, seed: int | None = None) -> None:
        self.step_ns, self.seed = step_ns, seed

    def until(self, ts_ns: int) -> int:
        """How many moments there were up to and with ``ts_ns``; only differences mean anything."""
        if self.seed is None:
            return ts_ns // self.step_ns
        step = (ts_ns - 1) // self.step_ns
        inside = int.from_bytes(sha256(f"{self.seed}:{step}".encode()).digest()) % self.step_ns
        return step + (step * self.step_ns + 1 + inside <= ts_ns)


class WindowMean:
    """Mean of the samples of the last ``window_ns``, each counting the same."""

    def __init__(self, window_ns: int) -> None:
        self.window_ns = window_ns
        self._samples: deque[tuple[int, Decimal]] = deque()

    def add(self, value: Decimal, count: int, last_ns: int, step_ns: int) -> None:
        """``count`` samples of one value, a step apart, the last at ``last_ns``."""
        first = max(0, count - self.window_ns // step_ns - 1)
        for place in range(first, count):
            self._samples.append((last_ns - (count - 1 - place) * step_ns, value))
        self._drop(last_ns)

    def mean(self, ts_ns: int) -> Decimal | None:
        """Mean over the window that ends with ``ts_ns``; None without a sample in it."""
        self._drop(ts_ns)
        if not self._samples:
            return None
        return sum((value for _, value in self._samples), _ZERO) / len(self._samples)

    def _drop(self, ts_ns: int) -> None:
        while self._samples and self._samples[0][0] <= ts_ns - self.window_ns:
            self._samples.popleft()


class DecayingMean:
    """Exponential average by time: a sample's weight falls by e every ``constant_ns``.

    ``numerator -> numerator * exp(-t / constant) + sample * t``, the denominator likewise with 1
    for the sample; ``t`` is the time since the sample before. Source: Hyperliquid docs, robust
    price indices.
    """

    def __init__(self, constant_ns: int) -> None:
        self.constant_ns = constant_ns
        self._numerator = self._denominator = _ZERO
        self._waited_ns = 0

    def add(self, value: Decimal | None, count: int, step_ns: int) -> None:
        """``count`` samples of one value, a step apart; None lets their time pass without any."""
        if value is None:
            self._waited_ns += count * step_ns
            return
        if self._waited_ns:
            self._run(value, 1, self._waited_ns + step_ns)
            self._waited_ns, count = 0, count - 1
        if count:
            self._run(value, count, step_ns)

    def _run(self, value: Decimal, count: int, step_ns: int) -> None:
        kept = _decay(step_ns, self.constant_ns)
        kept_after = kept**count
        weight = step_ns * (1 - kept_after) / (1 - kept)
        self._numerator = self._numerator * kept_after + value * weight
        self._denominator = self._denominator * kept_after + weight

    def mean(self) -> Decimal | None:
        """The average; None before the first sample."""
        return self._numerator / self._denominator if self._denominator else None


class IntervalMean:
    """Mean of an interval's samples; with ``rising`` the i-th one counts i times."""

    def __init__(self, rising: bool) -> None:
        self.rising = rising
        self.samples = 0
        self._moments = self._weights = 0
        self._total = _ZERO

    def add(self, value: Decimal | None, count: int) -> None:
        """``count`` samples of one value; None lets their moments pass without a sample."""
        before = self._moments
        self._moments += count
        if value is None:
            return
        weights = count * before + count * (count + 1) // 2 if self.rising else count
        self._weights += weights
        self._total += value * weights
        self.samples += count

    def mean(self) -> Decimal | None:
        """The average so far; None without a sample."""
        return self._total / self._weights if self._weights else None


def seconds_ns(seconds: int) -> int:
    """Whole seconds as nanoseconds."""
    return seconds * SECOND_NS


@lru_cache(maxsize=256)
def _decay(step_ns: int, constant_ns: int) -> Decimal:
    return (-Decimal(step_ns) / constant_ns).exp()
