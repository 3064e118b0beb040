"""Likelihood of events that excite each other, with a base rate that is constant in segments.

The rate is level(t) + ratio x sum over earlier events of decay x exp(-decay x time since). The sum
follows from the one at the event before (Ogata, "On Lewis' simulation method for point processes",
IEEE Transactions on Information Theory 27, 1981), so that the time is linear in the events.
"""

from __future__ import annotations

import math
from typing import Any

from undertow.kernels.compile import inner, kernel

Array = Any
STEPS = 200
CLOSE = 1e-13


@kernel
def excite(times: Array, end: float, decay: float, sums: Array) -> float:
    """Write each event's sum; events at one moment do not excite each other.

    Returns the part of all offspring that falls before the end, in events.
    """
    before = decayed = inside = 0.0
    waiting = 0  # events at the last moment, not yet counted in `decayed`
    last = end
    for event in range(times.shape[0]):
        time = times[event]
        if event > 0 and time > last:
            decayed = (decayed + waiting) * math.exp(-decay * (time - last))
            before = decay * decayed
            waiting = 0
        waiting += 1
        last = time
        sums[event] = before
        inside -= math.expm1(-decay * (end - time))
    return inside


@inner
def best_level(sums: Array, start: int, stop: int, ratio: float, length: float) -> float:
    """The base rate of a segment that makes its events most likely.

    Where sum of 1 / (level + ratio x sum) equals the length. That falls and is convex, so that
    Newton's steps from the left never overshoot.
    """
    count = stop - start
    if count == 0:
        return 0.0
    total = 0.0
    least = sums[start]
    for event in range(start, stop):
        total += sums[event]
        least = min(least, sums[event])
    level = max(0.0, count / length - ratio * total / count, 1.0 / length - ratio * least)
    for _ in range(STEPS):
        value = -length
        slope = 0.0
        for event in range(start, stop):
            inverse = 1.0 / (level + ratio * sums[event])
            value += inverse
            slope += inverse * inverse
        step = value / slope
        if step <= CLOSE * level:
            break
        level += step
    return level


@kernel
def maximise_levels(
    sums: Array, starts: Array, lengths: Array, ratio: float, inside: float, levels: Array
) -> tuple[float, float]:
    """Write the best base rate of each segment, given the ratio.

    Segment ``s`` has the events from ``starts[s]`` to before ``starts[s + 1]``. Returns the
    logarithm of the likelihood and its slope in the ratio.
    """
    likelihood = -ratio * inside
    slope = -inside
    for segment in range(lengths.shape[0]):
        start, stop = starts[segment], starts[segment + 1]
        level = best_level(sums, start, stop, ratio, lengths[segment])
        levels[segment] = level
        likelihood -= level * lengths[segment]
        for event in range(start, stop):
            rate = level + ratio * sums[event]
            likelihood += math.log(rate)
            slope += sums[event] / rate
    return likelihood, slope
