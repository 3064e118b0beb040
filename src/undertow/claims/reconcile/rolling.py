"""One rolling figure seen at different times: the curve through its reported points.

Trackers print "the last 24 hours" again and again. Two texts that differ are then two looks at
one series. Figures whose time is known to the hour carry the curve; the others are put where the
curve has their value within the time that their text allows. A figure that the curve has only
before that time is an earlier snapshot; one that it never has is off the curve.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np

from undertow.claims.reconcile.by_value import ByValue
from undertow.claims.reconcile.making_checks import are_together
from undertow.claims.reconcile.ranges import Range, shown
from undertow.claims.reconcile.result import Point, Series, Statement, Verdict
from undertow.measures.as_of import HOUR_NS, MINUTE_NS, is_exact
from undertow.model.periods import time_text

STEP_NS = 5 * MINUTE_NS
# Assumed: a figure this far from a line between two others of the last hours is no new reading.
OUTLIER = 0.08
MOST_ANCHORS = 40
THINNED = 24  # of more than that only so many are kept: leaving out tries combinations
MOST_SUSPECTS = 8  # of those that disagree most, each is tried without
NEIGHBOUR_NS = 2 * HOUR_NS
# Assumed: away from other figures a total of 24 hours may grow or shrink by so much an hour.
PER_HOUR = 0.1
AT_THE_END = 0.4  # ... and so much more where nothing is known on one side
# Assumed: after the last known point the figure may still rise by so much, for so long.
NEXT = 1.5
LATER_NS = 36 * HOUR_NS
# Assumed: trackers differ by so much at one moment (they settle, and pages round).
SLACK = 0.02


class Fit(NamedTuple):
    """Where a statement stands on the curve."""

    statement: Statement
    at_ns: int
    fit: str


class Curve:
    """A line through known points, and what it says between them."""

    def __init__(self, knots: Sequence[tuple[int, float]]) -> None:
        """From points of time (ns UTC) and value, in order."""
        self.times = np.array([at for at, _ in knots], dtype=np.int64)
        self.values = np.array([value for _, value in knots])

    @property
    def first_ns(self) -> int:
        """Time of the first point."""
        return int(self.times[0])

    @property
    def last_ns(self) -> int:
        """Time of the last point."""
        return int(self.times[-1])

    def at(self, moment_ns: int) -> float:
        """Value at a moment, by straight lines; flat beyond the ends."""
        origin = self.first_ns
        hours = (self.times - origin) / HOUR_NS
        return float(np.interp((moment_ns - origin) / HOUR_NS, hours, self.values))

    def times_with(self, wanted: Range, start_ns: int, end_ns: int) -> list[int]:
        """Moments of a five-minute grid at which the curve has a value in the range."""
        start, end = max(start_ns, self.first_ns), min(end_ns, self.last_ns)
        if start > end:
            return []
        grid = np.array([*range(start, end + 1, STEP_NS), end], dtype=np.int64)
        origin = self.first_ns
        hours = (self.times - origin) / HOUR_NS
        values = np.interp((grid - origin) / HOUR_NS, hours, self.values)
        extra = np.abs(values) * SLACK
        inside = (wanted.low - extra <= values) & (values <= wanted.high + extra)
        return [int(at) for at in grid[inside]]

    def envelope(self, start_ns: int, end_ns: int) -> tuple[int, Range] | None:
        """Between known points the figure may run as it likes, but not beyond them.

        The middle of the part of a span that lies on the curve, and the values of the points
        around it.
        """
        start, end = max(start_ns, self.first_ns), min(end_ns, self.last_ns)
        if start > end:
            return None
        first = int(np.searchsorted(self.times, start, side="right")) - 1
        last = int(np.searchsorted(self.times, end, side="left"))
        values = self.values[max(first, 0) : last + 1]
        return (start + end) // 2, Range(float(values.min()), float(values.max()))

    def line(self) -> list[tuple[str, float]]:
        """The points, with times as text."""
        return [
            (time_text(int(at)), float(value))
            for at, value in zip(self.times, self.values, strict=True)
        ]


def fit(statements: Sequence[Statement]) -> tuple[Curve, list[Fit]] | None:
    """The curve through the statements of one rolling figure, and where each stands.

    None where fewer than two of them are known to the hour: no curve can be drawn then.
    """
    timed = [item for item in statements if item.span is not None]
    reported = [item for item in timed if not item.is_asked]
    anchors = sorted((item for item in reported if is_exact(_span(item))), key=_middle)
    all_timed = ByValue(reported)
    backed = {
        item.id for item in anchors if _is_backed(item, all_timed.within(item.value, SLACK / 2))
    }
    steady = _steady(anchors, backed)
    if len({_middle(item) // HOUR_NS for item in steady}) < 2:
        return None
    curve = Curve(_knots(steady))
    fits = [Fit(item, _middle(item), "on the curve") for item in steady]
    carrying = {item.id for item in steady}
    loose = [item for item in timed if item.id not in carrying]
    placed_early = [found for item in loose if (found := _beyond(item, curve))]
    drawn = [found for found in placed_early if not found.statement.is_asked]
    if drawn:
        curve = Curve(_knots([*steady, *(item.statement for item in drawn)], drawn))
    fits += placed_early
    done = {item.statement.id for item in fits}
    fits += [_place(item, curve) for item in loose if item.id not in done]
    return curve, sorted(fits, key=lambda item: item.at_ns)


def series(aspect: str, curve: Curve, fits: Sequence[Fit]) -> Series:
    """The picture of it: dots on one line."""
    points = [
        Point(
            statement=item.statement.id,
            publisher=item.statement.publisher,
            at=time_text(item.at_ns),
            value=item.statement.value,
            fit=item.fit,
        )
        for item in fits
    ]
    unit = fits[0].statement.claim.unit or ""
    return Series(aspect=aspect, unit=unit, line=curve.line(), points=points)


def _span(statement: Statement) -> tuple[int, int]:
    return statement.span or (0, 0)


def _middle(statement: Statement) -> int:
    start, end = _span(statement)
    return (start + end) // 2


def _knots(anchors: Sequence[Statement], placed: Sequence[Fit] = ()) -> list[tuple[int, float]]:
    """One point per half hour; of several the one with the most digits, then the highest."""
    placed_at = {item.statement.id: item.at_ns for item in placed}
    by_time: dict[int, list[Statement]] = {}
    for item in anchors:
        at = placed_at.get(item.id, _middle(item))
        by_time.setdefault(at // (HOUR_NS // 2) * (HOUR_NS // 2), []).append(item)
    knots = []
    for items in (by_time[slot] for slot in sorted(by_time)):
        chosen = max(items, key=lambda item: (item.claim.qualifier == "=", item.value))
        knots.append((placed_at.get(chosen.id, _middle(chosen)), chosen.value))
    return knots


def _steady(anchors: Sequence[Statement], backed: Set[str]) -> list[Statement]:
    """The anchors without those that leave the line through the others.

    A figure never vouches for itself: each is held against the line of all others. While one
    disagrees, that one goes without which the rest agree best; of equals the article's, since
    the library has been looked at. Those that a second publisher has (``backed``) stay.
    """
    kept = list(anchors)
    if len(kept) > MOST_ANCHORS:  # many texts: one for each half hour and value is enough
        slots = {(_middle(item) // (HOUR_NS // 2), item.value): item for item in reversed(kept)}
        kept = sorted(slots.values(), key=_middle)
        kept = kept[:: -(-len(kept) // THINNED)]
    while len(kept) > 2:
        apart = sorted(
            (
                (found, item.id, item)
                for item in kept
                if item.id not in backed and (found := _violation(item, kept)) > 1
            ),
            reverse=True,
        )[:MOST_SUSPECTS]
        if not apart:
            break

        def rest(item: Statement, kept: Sequence[Statement] = tuple(kept)) -> tuple[float, bool]:
            left = [other for other in kept if other is not item]
            total = sum(max(_violation(other, left) - 1, 0) for other in left)
            return round(total, 6), item.in_library

        kept.remove(min((item for _, _, item in apart), key=rest))
    return kept


def _is_backed(item: Statement, equal: Sequence[Statement]) -> bool:
    """Whether another publisher has the same figure for a time that can be the same."""
    return any(
        other.origin != item.origin
        and other.same_as != item.id
        and are_together(item, other, hours=2)
        for other in equal
    )


class Told(NamedTuple):
    """What the curve says of a figure that is not on it."""

    verdict: Verdict
    text: str


def out_of_reach(item: Statement, curve: Curve) -> Told | None:
    """What the curve says of a figure said at a moment; None where it has it then.

    Past the last known figure nothing is known; between two it may not leave the line by more than
    such figures do in that time.
    """
    at, unit = _middle(item), item.claim.unit
    if not is_exact(_span(item)):
        return None
    stood_at = _elsewhere(item, curve, at)
    if not curve.first_ns - HOUR_NS <= at <= curve.last_ns + HOUR_NS:
        edge = curve.last_ns if at > curve.last_ns else curve.first_ns
        if item.value > NEXT * float(curve.values.max()):
            return None
        text = f"the nearest known figure is {shown(curve.at(edge), unit)} at {time_text(edge)}"
        return Told("unsupported", f"{text}: none is known of that time{stood_at}")
    hours = float(np.abs(curve.times - at).min()) / HOUR_NS
    stood = curve.at(at)
    away = max(item.value / stood, stood / item.value) if min(item.value, stood) > 0 else np.inf
    if item.allowed.holds(stood, SLACK):
        return None
    if away <= 1 + OUTLIER + PER_HOUR * hours:
        text = f"the rolling figure was about {shown(stood, unit)} then, read between others"
        return Told("explained", text)
    text = f"{shown(item.value, unit)} is off the rolling figure: about {shown(stood, unit)} then"
    peak = f"; its peak was {shown(float(curve.values.max()), unit)}"
    return Told("contradicted", text + (stood_at or peak))


def _elsewhere(item: Statement, curve: Curve, at_ns: int) -> str:
    """When the curve had the figure last before a moment, or first after it."""
    before = curve.times_with(item.allowed, curve.first_ns, at_ns)
    after = curve.times_with(item.allowed, at_ns, curve.last_ns)
    if before:
        return f"; it stood there at about {time_text(before[-1])}, before"
    return f"; it stood there only later, at about {time_text(after[0])}" if after else ""


def _violation(item: Statement, anchors: Sequence[Statement]) -> float:
    """How far a figure is from the line of all others, over how far it may be."""
    others = [other for other in anchors if other is not item]
    if len(others) < 2:
        return 0.0
    at = _middle(item)
    expected = Curve(_knots(others)).at(at)
    if item.allowed.holds(expected) or min(expected, item.value) <= 0:
        return 0.0
    hours = min(abs(_middle(other) - at) for other in others) / HOUR_NS
    before = any(0 <= at - _middle(other) <= NEIGHBOUR_NS for other in others)
    after = any(0 <= _middle(other) - at <= NEIGHBOUR_NS for other in others)
    free = OUTLIER if before and after else OUTLIER + PER_HOUR * hours
    if at <= min(map(_middle, others)) or at >= max(map(_middle, others)):
        free += AT_THE_END * hours
    return max(item.value / expected, expected / item.value) / (1 + free)


def _beyond(item: Statement, curve: Curve) -> Fit | None:
    """A lower figure whose time reaches past the curve's ends, where the curve lacks its value."""
    start, end = _span(item)
    if curve.times_with(item.allowed, start, end):
        return None
    if start < curve.first_ns and item.allowed.high < curve.values[0]:
        return Fit(item, (start + min(end, curve.first_ns)) // 2, "time inferred")
    last = float(curve.values[-1])
    hours = (end - curve.last_ns) / HOUR_NS
    is_lower = last / (1 + OUTLIER + PER_HOUR * hours) <= item.allowed.high < last
    is_next = item.value < NEXT * last and start >= curve.last_ns - HOUR_NS
    if end > curve.last_ns and start <= curve.last_ns + LATER_NS and (is_lower or is_next):
        return Fit(item, (max(start, curve.last_ns) + end) // 2, "time inferred")
    return None


def _place(item: Statement, curve: Curve) -> Fit:
    start, end = _span(item)
    inside = curve.times_with(item.allowed, start, end)
    if inside:
        if is_exact((start, end)):
            return Fit(item, _middle(item), "on the curve")
        return Fit(item, inside[len(inside) // 2], "time inferred")
    between = curve.envelope(start, end)
    if between is not None and between[1].meets(item.allowed, SLACK):
        return Fit(item, between[0], "time inferred")
    earlier = curve.times_with(item.allowed, curve.first_ns, start)
    if earlier:
        return Fit(item, earlier[-1], "earlier snapshot")
    near = min(max((start + end) // 2, curve.first_ns), curve.last_ns)
    return Fit(item, near, "off the curve")
