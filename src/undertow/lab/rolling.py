"""The rolling 24-hour total as it was reported through an event, beside the run's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from undertow.errors import UndertowError
from undertow.lab.comparable import DAY_NS
from undertow.lab.compare import factor_off
from undertow.lab.outcome import ALL, outcome
from undertow.measures.as_of import is_exact
from undertow.measures.published import published
from undertow.model.periods import SECOND_NS, time_ns
from undertow.tape import Tape

if TYPE_CHECKING:
    from undertow.lab.run import Run

HOUR_NS = 3_600 * SECOND_NS
# Hourly increments below this share of the largest total are noise.
INCREMENT_FLOOR = 0.01


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling 24-hour total at the moments at which it was reported.

    Attributes
    ----------
    at_ns, published_usd, simulated_usd
        The reported curve and the run's, at the same moments.
    published_per_hour, simulated_per_hour, factor
        Increments between neighbouring moments, per hour, and how far off each is.
    correlation
        Of the two curves; NaN with fewer than three points.
    increment_factor
        Median factor off of the increments; NaN with fewer than two points.
    """

    at_ns: tuple[int, ...]
    published_usd: tuple[float, ...]
    simulated_usd: tuple[float, ...]
    published_per_hour: tuple[float, ...]
    simulated_per_hour: tuple[float, ...]
    factor: tuple[float, ...]
    correlation: float
    increment_factor: float


def rolling(run: Run, *, asset: str = ALL, side: str = "both") -> Rolling:
    """The reported rolling 24-hour totals of a run's event beside the run's.

    Raises
    ------
    UndertowError
        When the run is of no event.
    """
    event = run.scenario.event
    if event is None:
        raise UndertowError(f"run {run.id}: scenario {run.scenario.name} is about no event")
    return rolling_tapes(run.tape, run.shown, event, asset=asset, side=side)


def rolling_tapes(
    true: Tape, shown: Tape | None, event: str, *, asset: str = ALL, side: str = "both",
    figures: pl.DataFrame | None = None,
) -> Rolling:  # fmt: skip
    """The reported rolling 24-hour totals of an event beside the run's.

    Only usable figures whose time is known to two hours; of several at a moment the largest, which
    is the last one to have been read. Moments whose window the run does not cover are left out.

    Raises
    ------
    UndertowError
        For an unknown event.
    """
    table = published(event=event, usable=True) if figures is None else figures
    run = outcome(true, shown)
    points: dict[int, float] = {}
    for figure in table.filter(
        pl.col("metric") == "liquidations", pl.col("unit") == "USD", pl.col("asset") == asset,
        pl.col("side") == side, pl.col("window") == "24h", pl.col("venue").is_in(["all"]),
        pl.col("value").is_not_null(),
    ).iter_rows(named=True):  # fmt: skip
        start, end = time_ns(figure["as_of_start"]), time_ns(figure["as_of_end"])
        if is_exact((start, end)):
            at = start if end - start <= 60 * SECOND_NS else (start + end) // 2
            points[at] = max(points.get(at, 0.0), float(figure["value"]))
    kept = [at for at in sorted(points)
            if run.start_ns - int(0.1 * DAY_NS) <= at - DAY_NS and at <= run.end_ns]  # fmt: skip
    told = [points[at] for at in kept]
    ours = [run.liquidated_usd(at - DAY_NS, at, asset=asset, side=side) for at in kept]
    return _curve(kept, told, ours)


def _curve(at: list[int], told: list[float], ours: list[float]) -> Rolling:
    hours = np.diff(np.array(at, np.float64)) / HOUR_NS
    theirs, own = np.diff(told) / hours, np.diff(ours) / hours
    floor = INCREMENT_FLOOR * max(told, default=0.0)
    factors = tuple(
        1.0 if max(abs(a), abs(b)) <= floor else factor_off(_lift(a, floor), _lift(b, floor))
        for a, b in zip(theirs, own, strict=True)
    )
    related = len(at) >= 3 and np.std(told) > 0 and np.std(ours) > 0
    return Rolling(
        tuple(at), tuple(told), tuple(ours), tuple(map(float, theirs)), tuple(map(float, own)),
        factors, float(np.corrcoef(told, ours)[0, 1]) if related else float("nan"),
        float(np.median(factors)) if factors else float("nan"),
    )  # fmt: skip


def _lift(value: float, floor: float) -> float:
    """An increment, at least the floor in size, so that noise around zero is no factor of ten."""
    return math.copysign(max(abs(value), floor), value) if value else floor
