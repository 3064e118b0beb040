"""What a run says beside what was published about the event."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from undertow.errors import UndertowError
from undertow.lab.comparable import EXTREMES, NOT_COVERED, SUMS, Answer, answer, venue_of
from undertow.lab.outcome import Outcome, outcome
from undertow.measures.as_of import is_exact
from undertow.measures.published import published
from undertow.model.periods import time_ns
from undertow.tape import Tape

if TYPE_CHECKING:
    from undertow.lab.run import Run

# The most that a figure can be off: so is one that the run lacks, has as zero, or with the other
# sign, and what is further off is no better than missing.
WORST = 10.0
# Up to which factor a figure is called so.
VERDICTS = ((1.25, "close"), (2.0, "fair"), (4.0, "off"), (math.inf, "far off"))
# Accounts of a run are a sample with scaled sizes: how many were closed is told, not scored.
_SAMPLED = frozenset({"liq_traders", "liq_events", "adl_events"})
# Names for one thing, of which one figure counts.
_FAMILY = {"price_spot": "price_after"}
# The state of the eve is always given; on a real path prices are, too.
_GIVEN = frozenset({"price_before", "open_interest_before"})
# On a real path the makers' depth is a device as well (`agents/path_maker.py`): no finding.
_GIVEN_ON_REAL_PATH = frozenset({
    "price_low", "price_high", "price_after", "price_spot", "depth", "depth_before", "depth_after",
    "depth_trough", "depth_change_pct", "spread", "spread_multiple", "book_imbalance",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One published figure beside the run's.

    Attributes
    ----------
    published, simulated, low, high
        In ``unit``; prices as falls from the run's first price in percent. ``low`` and ``high``
        bound the answer over what "as of" leaves open; NaN where the run has no answer.
    ratio
        Simulated over published.
    factor
        How far off: the larger of ratio and 1 / ratio, at most ``WORST``; that where there is none.
    verdict
        close, fair, off, far off; or why there is no answer.
    given
        The run was told this; it is never scored.
    scored
        Counts for the score: the one figure of its metric, asset and venue.
    """

    id: str
    metric: str
    asset: str
    side: str
    venue: str
    window: str
    as_of: str
    unit: str
    published: float
    simulated: float
    low: float
    high: float
    ratio: float
    factor: float
    verdict: str
    given: bool
    scored: bool
    publisher: str

    def as_json(self) -> dict[str, Any]:
        """The row for JSON, which has no NaN: null instead."""
        values = {name: getattr(self, name) for name in Row.__slots__}
        return {name: None if value != value else value for name, value in values.items()}


def compare(run: Run) -> list[Row]:
    """Every published figure of a run's event that the run can answer.

    Raises
    ------
    UndertowError
        When the run is of no event.
    """
    scenario = run.scenario
    if scenario.event is None:
        raise UndertowError(f"run {run.id}: scenario {scenario.name} is about no event")
    path = str(run.about["path"])
    return compare_tapes(run.tape, run.shown, scenario.event, path=path, given=scenario.cited())


def compare_tapes(
    true: Tape, shown: Tape | None, event: str, *, path: str, given: Collection[str] = (),
    figures: pl.DataFrame | None = None,
) -> list[Row]:  # fmt: skip
    """Every published figure of an event that a run can answer.

    Parameters
    ----------
    true, shown
        The run's two tapes; totals are those of ``shown``.
    event
        As in the library of published figures.
    path
        ``real`` or ``model``: on a real path prices are given.
    given
        Ids of figures that the scenario is made from (`Scenario.cited`); like all that a run is
        given they are told, not scored.
    figures
        Instead of the library's usable ones.

    Returns
    -------
    list of Row
        In the library's order; figures that no run tells are left out.

    Raises
    ------
    UndertowError
        For an unknown event or path.
    NotRecorded
        When the tape has no prices.
    """
    if path not in ("real", "model"):
        raise UndertowError(f"path '{path}': expected real or model")
    table = published(event=event, usable=True) if figures is None else figures
    run = outcome(true, shown)
    rows, found = [], []
    for figure in table.iter_rows(named=True):
        told = answer(figure, run)
        if isinstance(told, Answer) or told == NOT_COVERED:
            was_given = figure["metric"] in _GIVEN or figure["id"] in given
            was_given |= path == "real" and figure["metric"] in _GIVEN_ON_REAL_PATH
            rows.append(_row(figure, told, was_given))
            found.append(figure)
    chosen = _one_each(rows, found, run)
    return [replace(row, scored=row.id in chosen) for row in rows]


def factor_off(published_value: float, simulated: float) -> float:
    """How far off a value is, from 1 to `WORST`; that where it is missing or of the other sign.

    Examples
    --------
    >>> [factor_off(2.0, 1.0), factor_off(-4.0, -5.0), factor_off(2.0, 0.0), factor_off(2.0, -1.0)]
    [2.0, 1.25, 10.0, 10.0]
    """
    if not (math.isfinite(published_value) and math.isfinite(simulated)):
        return WORST
    if published_value * simulated <= 0:
        return 1.0 if published_value == simulated else WORST
    ratio = simulated / published_value
    return min(WORST, max(ratio, 1 / ratio))


def verdict_of(factor: float) -> str:
    """A factor off in words."""
    return next(word for limit, word in VERDICTS if factor <= limit)


def _row(figure: dict[str, Any], told: Answer | str, given: bool) -> Row:
    nothing = float("nan")
    value = figure["value"]
    if isinstance(told, Answer):
        printed, unit = told.published, told.unit
        numbers = (told.simulated, told.low, told.high)
    else:
        printed, unit = nothing if value is None else float(str(value)), str(figure["unit"])
        numbers = (nothing, nothing, nothing)
    factor = factor_off(printed, numbers[0])
    known = isinstance(told, Answer)
    return Row(
        id=str(figure["id"]), metric=str(figure["metric"]), asset=str(figure["asset"]),
        side=str(figure["side"]), venue=str(figure["venue"] or "all"),
        window=str(figure["window"] or "event"), as_of=str(figure["as_of"]), unit=unit,
        published=printed, simulated=numbers[0], low=numbers[1], high=numbers[2],
        ratio=numbers[0] / printed if known and printed else nothing, factor=factor,
        verdict=verdict_of(factor) if known else str(told), given=given, scored=False,
        publisher=str(figure["publisher"]),
    )  # fmt: skip


def _one_each(rows: Sequence[Row], figures: Sequence[dict[str, Any]], run: Outcome) -> set[str]:
    """Ids of the figures that count: one for each metric, asset and venue.

    Of totals the largest, the peak of a rolling sum; of lows and highs the middle one, as counters
    differ; of all others an exact moment before a day, a first-hand report before a copy, and the
    later before the earlier. A figure with a window of its own goes before one of the whole event.
    """
    groups: dict[tuple[str, str, str], list[tuple[Row, dict[str, Any]]]] = {}
    for row, figure in zip(rows, figures, strict=True):
        if row.given or row.verdict == NOT_COVERED or row.metric in _SAMPLED:
            continue
        venue = venue_of(figure["venue"], run) or "all"
        if row.metric.startswith("price") and venue.startswith("binance"):
            venue = "all"
        key = (_FAMILY.get(row.metric, row.metric), row.asset, venue)
        groups.setdefault(key, []).append((row, figure))
    return {_best(metric, group) for (metric, _, _), group in groups.items()}


def _best(metric: str, group: list[tuple[Row, dict[str, Any]]]) -> str:
    if metric in EXTREMES:
        ordered = sorted((row.published, row.id) for row, _ in group)
        return ordered[(len(ordered) - 1) // 2][1]
    return max((_rank(row, figure), row.id) for row, figure in group)[1]


def _rank(row: Row, figure: dict[str, Any]) -> tuple[Any, ...]:
    start, end = (_ns(figure[name]) for name in ("as_of_start", "as_of_end"))
    peak = row.published if row.metric in SUMS else 0.0
    return (
        row.side == "both", row.window != "event", peak, is_exact((start, end)),
        not figure["secondary"], start,
    )  # fmt: skip


def _ns(moment: Any) -> int:
    return time_ns(moment)
