"""Likelihood of events that excite each other, by its definition and in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def log_likelihood(
    times: Sequence[float], edges: Sequence[float], levels: Sequence[float], ratio: float,
    decay: float,
) -> float:  # fmt: skip
    """Sum of the logarithms of the rate at each event, less the integral of the rate.

    Parameters
    ----------
    times
        Of the events, rising, in seconds.
    edges
        Where the base rate changes: start, ..., end; an event on an edge belongs to what follows.
    levels
        The base rate between two edges, per second.
    ratio
        Events that one event sets off, on average.
    decay
        1 / the mean time until then, per second.
    """
    end = edges[-1]
    total = -sum(
        level * (after - before)
        for level, (before, after) in zip(levels, pairwise(edges), strict=True)
    )
    for time in times:
        segment = max(place for place in range(len(levels)) if edges[place] <= time)
        excited = sum(decay * math.exp(-decay * (time - other)) for other in times if other < time)
        total += math.log(levels[segment] + ratio * excited)
        total -= ratio * (1.0 - math.exp(-decay * (end - time)))
    return total
