"""Maximum likelihood for a Hawkes process with a base rate in segments; see `hawkes`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from undertow.errors import UndertowError
from undertow.kernels import hawkes as kernel

Floats = npt.NDArray[np.float64]

# Beyond this no likelihood is looked for; n above 1 is an explosion that the window cut off.
_MOST_RATIO = 4.0
_DECAYS = 24
_CLOSE = 1e-4
_SEGMENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_EVENTS_PER_SEGMENT = 20
_PLACES = 256  # between which a base rate may change
# Half the 95 % quantile of chi-squared with one degree of freedom (Wilks 1938).
_DROP = 1.920729
# Of two: where nothing is excited the decay means nothing, so the best of all decays is compared.
# On 100 simulated series without contagion 2 lay beyond it, and 9 beyond the one above.
_DROP_FROM_NONE = 2.995732


class Excited(NamedTuple):
    """Of one decay: each event's sum, and the offspring expected before the end."""

    decay: float
    sums: Floats
    inside: float


class Excitations:
    """The sums of all decays that are tried: they do not depend on the base rate.

    Parameters
    ----------
    times
        Rising, from 0 to ``end``, in seconds.
    """

    def __init__(self, times: Floats, end: float, resolution_s: float | None) -> None:
        self.times, self.end = times, end
        gaps = np.diff(times)
        gaps = gaps[gaps > 0]
        if len(gaps) == 0:
            raise UndertowError("expected events at different times, got one moment")
        shortest = max(float(np.median(gaps)) / 10, float(gaps.min()))
        shortest = shortest if resolution_s is None else resolution_s
        longest = end / 10
        if not 0 < shortest < longest:
            raise UndertowError(
                f"expected a resolution above 0 and below {longest:g} s, got {shortest:g}"
            )
        self.grid = [self.of(1 / memory) for memory in np.geomspace(shortest, longest, _DECAYS)]

    def of(self, decay: float) -> Excited:
        """The sums of one decay."""
        sums = np.zeros(len(self.times))
        return Excited(decay, sums, kernel.excite(self.times, self.end, decay, sums))


class Found(NamedTuple):
    """The best ratio for one decay."""

    likelihood: float
    ratio: float
    excited: Excited


class Fit:
    """The best ratio and decay for one choice of segments."""

    def __init__(self, excitations: Excitations, edges: Floats) -> None:
        self.edges, self.lengths = edges, np.diff(edges)
        self.excitations = excitations
        times = excitations.times
        self.starts = np.searchsorted(times, edges)
        self.starts[-1] = len(times)  # an event at the very end belongs to the last segment
        self.found = [self._best_ratio(excited) for excited in excitations.grid]
        self.best = max(self.found, key=lambda found: found.likelihood)
        parameters = 2 * len(self.lengths) + 1  # levels, inner edges, ratio, decay
        self.criterion = parameters * math.log(len(times)) - 2 * self.best.likelihood

    def at(self, excited: Excited, ratio: float) -> tuple[float, float, Floats]:
        """Likelihood, its slope in the ratio, and the levels that suit the ratio best."""
        levels = np.zeros(len(self.lengths))
        likelihood, slope = kernel.maximise_levels(
            excited.sums, self.starts, self.lengths, ratio, excited.inside, levels
        )
        return likelihood, slope, levels

    def interval(self) -> tuple[float, float]:
        """Where the likelihood, at its best decay and levels, has dropped by 1.92."""
        wanted = self.best.likelihood - _DROP
        excited = [found.excited for found in self.found if found.likelihood >= wanted]
        excited = [self.best.excited, *excited]

        def reached(ratio: float) -> bool:
            return any(self.at(one, ratio)[0] >= wanted for one in excited)

        none = self.at(self.best.excited, 0.0)[0] >= self.best.likelihood - _DROP_FROM_NONE
        low = 0.0 if none else _bisected(reached, self.best.ratio, 0.0)
        high = _MOST_RATIO
        return low, high if reached(high) else _bisected(reached, self.best.ratio, high)

    def refine(self) -> None:
        """Golden sections of the memory between the neighbours of the best one of the grid."""
        decays = [found.excited.decay for found in self.found]
        place = decays.index(self.best.excited.decay)
        low = math.log(decays[min(place + 1, len(decays) - 1)])
        high = math.log(decays[max(place - 1, 0)])
        golden = (math.sqrt(5) - 1) / 2
        for _ in range(8):
            left, right = (
                self._best_ratio(self.excitations.of(math.exp(where)))
                for where in (high - golden * (high - low), low + golden * (high - low))
            )
            self.best = max(self.best, left, right, key=lambda found: found.likelihood)
            if left.likelihood < right.likelihood:
                low = high - golden * (high - low)
            else:
                high = low + golden * (high - low)

    def _best_ratio(self, excited: Excited) -> Found:
        """The likelihood is concave in the ratio for a given decay: its slope has one root."""
        low, high = 0.0, _MOST_RATIO
        likelihood, slope, _ = self.at(excited, low)
        if slope <= 0:
            return Found(likelihood, low, excited)
        while high - low > _CLOSE:
            middle = (low + high) / 2
            likelihood, slope, _ = self.at(excited, middle)
            low, high = (middle, high) if slope > 0 else (low, middle)
        return Found(likelihood, middle, excited)


def chosen(excitations: Excitations, segments: int | Sequence[float] | None, constant: Fit) -> Fit:
    """The fit with the least criterion; after two that are worse no more are tried."""
    best, worse = None, 0
    for edges in _candidates(segments, excitations.times, excitations.end):
        fit = constant if len(edges) == 2 else Fit(excitations, edges)
        if best is None or fit.criterion < best.criterion:
            best, worse = fit, 0
        else:
            worse += 1
        if worse == 2:
            break
    assert best is not None
    return best


def _bisected(reached: Callable[[float], bool], inside: float, outside: float) -> float:
    """The edge between a ratio that is reached and one that is not."""
    while abs(outside - inside) > _CLOSE:
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if reached(middle) else (inside, middle)
    return inside


def _candidates(
    segments: int | Sequence[float] | None, times: Floats, end: float
) -> Iterator[Floats]:
    """Edges of the segments to try."""
    if isinstance(segments, Sequence):
        edges = np.array([0.0, *segments, end])
        if not (np.diff(edges) > 0).all():
            raise UndertowError(f"expected inner edges that rise inside the span, got {segments}")
        yield edges
        return
    most = min(_SEGMENTS[-1], len(times) // _EVENTS_PER_SEGMENT)
    if segments is not None and not 1 <= segments <= most:
        raise UndertowError(f"expected 1 to {most} segments here, got {segments}")
    wanted = [count for count in _SEGMENTS if count <= most] if segments is None else [segments]
    partition = _Partition(times, end, max(wanted))
    for count in wanted:
        yield partition.edges(count)


class _Partition:
    """For each number of segments, the edges that suit events of piecewise constant rate best.

    By dynamic programming over the places (Jackson et al., "An algorithm for optimal partitioning
    of data on an interval", IEEE Signal Processing Letters 12, 2005).
    """

    def __init__(self, times: Floats, end: float, most: int) -> None:
        self.times = times
        self.places = np.linspace(0.0, end, _PLACES + 1)
        counts, _ = np.histogram(times, self.places)
        before = np.concatenate([[0], np.cumsum(counts)])
        events = (before[None, :] - before[:, None]).astype(np.float64)
        length = self.places[None, :] - self.places[:, None]
        # Of one segment from place i to place j; what is the same for all partitions is left out.
        gain = np.zeros_like(events)
        some = (events > 0) & (length > 0)
        gain[some] = events[some] * np.log(events[some] / length[some])
        gain[length <= 0] = -np.inf
        self.last: list[npt.NDArray[np.int64]] = []
        best = gain[0]
        for _ in range(most - 1):
            total = best[:, None] + gain
            self.last.append(total.argmax(axis=0))
            best = total.max(axis=0)

    def edges(self, count: int) -> Floats:
        """The edges of so many segments, each moved to the best event around its place."""
        places = [_PLACES]
        for last in reversed(self.last[: count - 1]):
            places.append(int(last[places[-1]]))
        edges = self.places[[0, *reversed(places)]]
        for inner in range(1, count):
            edges[inner] = self._moved(*edges[inner - 1 : inner + 2].tolist())
        return edges

    def _moved(self, start: float, edge: float, end: float) -> float:
        reach = self.places[1]
        first, last = np.searchsorted(self.times, [edge - reach, edge + reach])
        tried = np.append(self.times[first:last], edge)
        tried = tried[(tried > start) & (tried < end)]
        gains = np.zeros(len(tried))
        for low, high in ((np.full_like(tried, start), tried), (tried, np.full_like(tried, end))):
            events = np.searchsorted(self.times, high) - np.searchsorted(self.times, low)
            some = events > 0
            gains[some] += events[some] * np.log(events[some] / (high - low)[some])
        return float(tried[np.argmax(gains)])
