"""What a run says beside what was published about the event, and two runs beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.lab.comparable import DAY_NS, NOT_COVERED, Answer, answer
from undertow.lab.outcome import ALL, Outcome, outcome
from undertow.measures.as_of import is_exact
from undertow.measures.published import published
from undertow.model.periods import SECOND_NS, time_ns
from undertow.tape import Tape

HOUR_NS = 3_600 * SECOND_NS
# A figure that the run lacks, has as zero, or has with the other sign is off by this factor.
WORST = 10.0
# Up to which factor a figure is called so.
VERDICTS = ((1.25, "close"), (2.0, "fair"), (4.0, "off"), (math.inf, "far off"))
# Hourly increments below this share of the largest total are noise.
INCREMENT_FLOOR = 0.01
# The state of the eve is always given; on a real path prices are, too.
_GIVEN = frozenset({"price_before", "open_interest_before"})
_GIVEN_ON_REAL_PATH = frozenset({"price_low", "price_high", "price_after", "price_spot"})


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
        How far off, at least 1: the larger of ratio and 1 / ratio; ``WORST`` where there is none.
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


def compare(
    true: Tape, shown: Tape | None, event: str, *, path: str, figures: pl.DataFrame | None = None
) -> list[Row]:
    """Every published figure of an event that a run can answer.

    Parameters
    ----------
    true, shown
        The run's two tapes; totals are those of ``shown``.
    event
        As in the library of published figures.
    path
        ``real`` or ``model``: what the run was given is not scored.
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
            given = figure["metric"] in _GIVEN or (
                path == "real" and figure["metric"] in _GIVEN_ON_REAL_PATH
            )
            rows.append(_row(figure, told, given))
            found.append(figure)
    chosen = _one_each(rows, found)
    return [replace(row, scored=row.id in chosen) for row in rows]


def factor_off(published_value: float, simulated: float) -> float:
    """How far off a value is, at least 1; `WORST` where it is missing or of the other sign.

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
    return max(ratio, 1 / ratio)


def verdict_of(factor: float) -> str:
    """A factor off in words."""
    return next(word for limit, word in VERDICTS if factor <= limit)


def _row(figure: dict[str, object], told: Answer | str, given: bool) -> Row:
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


def _one_each(rows: Sequence[Row], figures: Sequence[dict[str, object]]) -> set[str]:
    """Ids of the figures that count: of each metric, asset and venue the best reported one.

    Of totals that is the largest, the peak of a rolling sum; of all others an exact moment comes
    before a day, a first-hand report before a copy, and the later one before the earlier.
    """
    best: dict[tuple[str, str, str], tuple[tuple[object, ...], str]] = {}
    for row, figure in zip(rows, figures, strict=True):
        if row.given or row.verdict == NOT_COVERED:
            continue
        key = (row.metric, row.asset, "all" if row.venue.lower() in ("all", "spot") else row.venue)
        rank = _rank(row, figure)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, row.id)
    return {name for _, name in best.values()}


def _rank(row: Row, figure: dict[str, object]) -> tuple[object, ...]:
    start, end = (_ns(figure[name]) for name in ("as_of_start", "as_of_end"))
    is_total = row.metric in ("liquidations", "liq_traders", "liq_largest_order")
    order = row.published if is_total else 0.0
    return (
        row.side == "both",
        order,
        is_exact((start, end)),
        not figure["secondary"],
        start,
        row.id,
    )


def _ns(moment: Any) -> int:
    return time_ns(moment)


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


def rolling(
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
        start, end = _ns(figure["as_of_start"]), _ns(figure["as_of_end"])
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
        1.0
        if max(abs(a), abs(b)) <= floor
        else min(WORST, factor_off(_lift(a, floor), _lift(b, floor)))
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


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure of two runs."""

    name: str
    unit: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """Second over first, less 1; NaN where the first is zero."""
        return self.second / self.first - 1 if self.first else float("nan")


def compare_runs(
    first: tuple[Tape, Tape | None], second: tuple[Tape, Tape | None], assets: Iterable[str]
) -> list[Headline]:
    """The headline figures of two runs side by side, each over its whole length.

    Parameters
    ----------
    first, second
        True and shown tape of each.
    assets
        Whose falls are told.
    """
    runs = [outcome(*first), outcome(*second)]
    told = [_headlines(run, tuple(assets)) for run in runs]
    return [
        Headline(name, unit, value, told[1].get((name, unit), float("nan")))
        for (name, unit), value in told[0].items()
    ]


def _headlines(run: Outcome, assets: tuple[str, ...]) -> dict[tuple[str, str], float]:
    start, end = run.start_ns - 1, run.end_ns
    shown = run.liquidated_usd(start, end)
    true = run.closings(start, end, deleveraged=False)
    long_usd = run.liquidated_usd(start, end, side="long")
    interest = run.open_interest_usd(run.start_ns)
    found = {
        ("liquidated, as feeds show", "USD"): shown,
        ("liquidated, true", "USD"): float(true["usd"].sum()),
        ("long share", "fraction"): long_usd / shown if shown else float("nan"),
        ("largest single closing", "USD"): run.largest_usd(start, end, ALL, None),
        ("accounts liquidated", "count"): float(run.accounts_liquidated(start, end, None)),
        ("deleveraged (ADL)", "USD"):
            float(run.closings(start, end, deleveraged=True)["usd"].sum()),
        ("insurance funds' change", "USD"): run.fund_change_usd(end),
        ("open interest's change", "fraction"): run.open_interest_usd(end) / interest - 1,
    }  # fmt: skip
    for asset in assets:
        try:
            eve = run.eve_price(asset)
            low = run.extreme(start, end, asset, None, low=True)
        except NotRecorded:
            continue
        found[f"{asset}: greatest fall", "fraction"] = 1 - low / eve
        found[f"{asset}: liquidated", "USD"] = run.liquidated_usd(start, end, asset=asset)
    return found
