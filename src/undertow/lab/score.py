"""How far off runs are over all events, and how far off a naive guess would be.

The naive baseline knows the day's range of Bitcoin and nothing else: the logarithm of an event's
liquidations is regressed on the logarithm of that range, over the events that are used to fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from undertow.errors import UndertowError
from undertow.lab.compare import Row, compare, factor_off
from undertow.measures.published import event_days, event_named, published

if TYPE_CHECKING:
    from undertow.lab.run import Run

# Events from here on are kept for judging, but those that the crowd's `late_share` was fitted on
# (verification/path_runs.py).
HELD_OUT_SINCE = date(2025, 10, 1)
FITTED_SINCE = frozenset({"2025-10-21", "2025-10-31", "2025-11-14"})
WORST_DECILE = 0.9
# Bitcoin's days; the file's head says where they are from.
RANGES = Path(__file__).parent.parent / "data" / "ranges" / "btc_event_days.csv"
# Totals that were looked back on in 2025 count the same day with other venues, and lists without a
# source contradict each other: per event the median report is taken.
LEAST_EVENTS = 5


@dataclass(frozen=True, slots=True)
class EventScore:
    """How far off one event's run is.

    Attributes
    ----------
    figures, scored
        Published figures that the run answers, and those that count.
    median_factor, worst_decile
        Of the factors off; NaN without a figure that counts.
    total_factor
        Of the event's total liquidations alone; what the baseline is compared with.
    fitted
        Whether parameters were fitted on this event.
    baseline
        The naive guess, where there is one.
    """

    event: str
    figures: int
    scored: int
    median_factor: float
    worst_decile: float
    total_factor: float
    fitted: bool
    baseline: Baseline | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The naive guess of an event's total, fitted without this event.

    ``range_fraction`` is Bitcoin's (high − low) / open on the event's widest day; the guess is
    exp(``intercept``) x range ** ``slope``.
    """

    event: str
    range_fraction: float
    guessed_usd: float
    published_usd: float
    factor: float
    slope: float
    intercept: float
    fitted_on: tuple[str, ...]


def score_run(run: Run) -> EventScore:
    """The score of a run of an event.

    Raises
    ------
    UndertowError
        When the run is of no event.
    """
    return score(compare(run), str(run.scenario.event))


def score(rows: Iterable[Row], event: str, *, fitted: bool | None = None) -> EventScore:
    """The score of one event: the median factor off over its figures, with the worst decile.

    Parameters
    ----------
    rows
        As `compare.compare` gives them; what the run was given and what is not scored stays out.
    fitted
        Whether parameters were fitted on it; by default, whether the event is not held out.

    Raises
    ------
    UndertowError
        For an unknown event.
    """
    name = event_named(event)
    rows = list(rows)
    counted = [row for row in rows if row.scored and not row.given]
    factors = np.array([row.factor for row in counted], np.float64)
    totals = [row.factor for row in counted
              if row.metric == "liquidations" and row.asset == "ALL" and row.side == "both"
              and row.venue == "all"]  # fmt: skip
    nothing = float("nan")
    return EventScore(
        event=name, figures=len(rows), scored=len(counted),
        median_factor=float(np.median(factors)) if len(factors) else nothing,
        worst_decile=float(np.quantile(factors, WORST_DECILE)) if len(factors) else nothing,
        total_factor=totals[0] if totals else nothing,
        fitted=not held_out(name) if fitted is None else fitted, baseline=baseline(name),
    )  # fmt: skip


def baseline(event: str) -> Baseline | None:
    """The naive guess for an event; None where its range or its total is not known.

    Fitted by least squares on all other events with both, except those held out.

    Raises
    ------
    UndertowError
        For an unknown event.
    """
    name = event_named(event)
    known = _known()
    others = [one for one in known if one != name and not held_out(one)]
    if name not in known or len(others) < LEAST_EVENTS:
        return None
    ranges, totals = (np.log([known[one][at] for one in others]) for at in (0, 1))
    slope, intercept = (float(part) for part in np.polyfit(ranges, totals, 1))
    span, total = known[name]
    guess = math.exp(intercept + slope * math.log(span))
    return Baseline(
        name, span, guess, total, factor_off(total, guess), slope, intercept, tuple(sorted(others))
    )


@cache
def _known() -> Mapping[str, tuple[float, float]]:
    """By event: Bitcoin's range and the median reported total, where both are known."""
    totals = published(metric="liquidations", asset="ALL", side="both", unit="USD", usable=True)
    totals = totals.filter(
        pl.col("venue").is_null() | (pl.col("venue") == "all"), pl.col("value").is_not_null(),
        pl.col("window").is_in(["24h", "day", "event", "<12h"]),
    )  # fmt: skip
    reported = totals.group_by("event").agg(
        pl.col("value").max(), pl.col("value").median().alias("m")
    )
    found: dict[str, tuple[float, float]] = {}
    for event, peak, middle in reported.rows():
        span = _range(event)
        if span is not None:
            # Of a live event the rolling total's peak is the event; of others the middle report.
            found[event] = (span, peak if held_out(event) else middle)
    return found


def _range(event: str) -> float | None:
    """(high − low) / open of Bitcoin on an event's widest day; None where a day is missing."""
    first, last = event_days(event)
    rows = _daily().filter(pl.col("day") >= first, pl.col("day") <= last).sort("day")
    if rows.height != (last - first).days + 1:
        return None
    opened, high, low = (rows[name].to_numpy() for name in ("open", "high", "low"))
    return float(np.max((high - low) / opened))


@cache
def _daily() -> pl.DataFrame:
    return pl.read_csv(RANGES, comment_prefix="#", try_parse_dates=True)


def table(scores: Sequence[EventScore]) -> list[dict[str, object]]:
    """Scores as rows for a table: one per event, in time order.

    Raises
    ------
    UndertowError
        Without any score.
    """
    if not scores:
        raise UndertowError("no event was scored")
    return [
        {
            "event": one.event, "used to fit": "yes" if one.fitted else "no",
            "figures": f"{one.scored} of {one.figures}", "median factor": one.median_factor,
            "worst decile": one.worst_decile, "total's factor": one.total_factor,
            "naive factor": one.baseline.factor if one.baseline else float("nan"),
        }
        for one in sorted(scores, key=lambda one: event_days(one.event)[0])
    ]  # fmt: skip


def held_out(event: str) -> bool:
    """Whether an event is kept for judging; those before may have been used to fit."""
    return event_days(event)[0] >= HELD_OUT_SINCE and event not in FITTED_SINCE
