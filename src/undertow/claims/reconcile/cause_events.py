"""A cause that is an event: which recorded one is meant, and whether the price moved oddly after.

No tape knows what would have been without an event. What can be said is the order, and whether
the hours after it were unlike the same hours of the days before; and even then everything else
that happened in those hours is in the same return.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from undertow.claims.reconcile.cause_moves import Move, Parts
from undertow.errors import NotRecorded
from undertow.measures.as_of import DAY_NS, HOUR_NS
from undertow.measures.impact import Interval
from undertow.model.periods import time_ns
from undertow.tape import Tape

# Assumed: what a text calls a cause was known at most so long before.
_BACK_NS = 60 * DAY_NS
_AHEAD_NS = 3 * DAY_NS
# Fixed beforehand, so that no window is picked for its return.
_HOURS_AFTER = {"day": 24}
_USUAL_HOURS = 4
DAYS = 60  # days before that are compared
_FEWEST_DAYS = 20
_BAND = (2.5, 97.5)  # percentiles: 95 % of the days lie between
_STEM = 6  # letters that make two words one: sanction, sanctions
_SHORTEST, _SHORTEST_NAME = 5, 3  # letters; shorter words tell no event
# So many shared words tell an event well enough to contradict its order.
SURE = 2
_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_COMMON = set(
    re.findall(
        r"\w+",
        "about after again against ahead amount and because before between billion bitcoin btc"
        " caused combination companies company could crypto cryptocurrency decline dollar dollars"
        " driven eth ether ethereum fallout first following former fueled fuelled further market"
        " markets million other percent price prices prompted recent report reported reports result"
        " january february march april june july august september october november december"
        " sellers selling several since sol solana sparked still the their there these those token"
        " tokens traders trading triggered under usd which while would",
    )
)


class Named(NamedTuple):
    """A recorded event that the words of a cause name; ``shared`` are the words that tell it."""

    title: str
    start_ns: int
    end_ns: int
    precision: str
    shared: int


class Study(NamedTuple):
    """The return after an event against the same hours of the days before, in percent."""

    hours: int
    percent: float
    usual: Interval
    days: int

    @property
    def is_unusual(self) -> bool:
        """Outside of what 95 % of the days gave."""
        return not self.usual.low <= self.percent <= self.usual.high


def recorded_events(tape: Tape) -> list[dict[str, Any]]:
    """All events on a tape; none where it records none."""
    try:
        return tape.table("events").sort("ts").collect().to_dicts()
    except NotRecorded:
        return []


def event_of(parts: Parts, move: Move, events: Sequence[dict[str, Any]]) -> Named | None:
    """The recorded event that shares most words with a cause; of equals the last before the low.

    A shared name is enough, or two words of five letters or more that are not common in such texts.
    """
    wanted = _telling(parts.cause_text)
    first_ns, last_ns = move.start_ns - _BACK_NS, move.end_ns + _AHEAD_NS
    known = [_named(row, wanted) for row in events if first_ns <= time_ns(row["ts"]) < last_ns]
    found = [event for event in known if event.shared]
    return max(
        found, key=lambda e: (e.shared, e.start_ns < move.end_ns, e.start_ns), default=None
    )  # fmt: skip


def _named(row: dict[str, Any], cause: dict[str, bool]) -> Named:
    start, precision, title = time_ns(row["ts"]), str(row["precision"]), str(row["title"])
    told = _telling(title)
    shared = told.keys() & cause.keys()
    is_told = len(shared) >= SURE or any(told[stem] and cause[stem] for stem in shared)
    end = start + {"day": DAY_NS, "hour": HOUR_NS}.get(precision, 0)
    return Named(title, start, end, precision, len(shared) if is_told else 0)


def _telling(text: str) -> dict[str, bool]:
    """Stems of the words that can tell an event, and whether each is a name (has a capital)."""
    found: dict[str, bool] = {}
    for word in _WORD.findall(text):
        is_name = word[0].isupper() and len(word) >= _SHORTEST_NAME
        if (is_name or len(word) >= _SHORTEST) and word.lower() not in _COMMON:
            stem = word.lower()[:_STEM]
            found[stem] = is_name or found.get(stem, False)
    return found


def study(event: Named, move: Move) -> Study | None:
    """The return after an event, and its interval over the same hours of the 60 days before.

    24 hours from midnight for events known to the day, else 4 hours from the event. None where
    fewer than 20 of the days have prices.
    """
    hours = _HOURS_AFTER.get(event.precision, _USUAL_HOURS)
    length = hours * HOUR_NS
    starts = event.start_ns - DAY_NS * np.arange(DAYS + 1)
    # A close of long ago is no price of that hour.
    first, last = (move.market.close_before(at, HOUR_NS) for at in (starts, starts + length))
    returns = 100 * (last / first - 1)
    before = returns[1:][np.isfinite(returns[1:])]
    if not np.isfinite(returns[0]) or len(before) < _FEWEST_DAYS:
        return None
    low, high = np.percentile(before, _BAND)
    usual = Interval(float(low), float(np.median(before)), float(high))
    return Study(hours, float(returns[0]), usual, len(before))
