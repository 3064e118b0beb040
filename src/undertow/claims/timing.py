"""The window that a figure sums up, and the moment when it held."""

from __future__ import annotations

from datetime import date

import msgspec

from undertow.claims.dates import at_clock, resolve
from undertow.claims.sentences import Item, Sentence

_WINDOW_REACH = 26.0
_DATE_REACH = 20.0
# A figure of one of these holds at a moment; a clock time near it is that moment.
POINTS = ("price", "market_cap", "open_interest", "fear_greed", "dominance", "funding_rate")


class When(msgspec.Struct, frozen=True):
    """A window and a moment, and what of it had to be left open."""

    window: str | None
    as_of: str | None
    flags: tuple[str, ...] = ()


def when(
    sentence: Sentence, index: int, metric: str, default: str | None, published: str | None,
    day: date | None,
) -> When:  # fmt: skip
    """When a figure held: from the words for times near it, else from the article's date."""
    window = _window(sentence, index)
    flags = ("window missing",) if window is None and default is not None else ()
    as_of, is_open = _as_of(sentence, index, metric, published, day)
    if is_open:
        flags = (*flags, "time unresolved")
    return When(window if window is not None else default, as_of, flags)


def _window(sentence: Sentence, index: int) -> str | None:
    items = sentence.items
    best, window = _WINDOW_REACH, None
    for at, item in enumerate(items):
        named = _named(items, at)
        if named is None:
            continue
        distance = abs(item.place - items[index].place) + (3.0 if at < index else 0.0)
        low, high = sorted((at, index))
        distance += 8.0 * sum(other.kind == "quantity" for other in items[low + 1 : high])
        distance += 12.0 * sum(other.key == ";" for other in items[low + 1 : high])
        distance += 4.0 * sum(other.key == "," for other in items[low + 1 : high])
        distance += 12.0 if named == "day" else 0.0
        if distance < best:
            best, window = distance, named
    return window


def _named(items: list[Item], at: int) -> str | None:
    time = items[at].time
    if time is None:
        return None
    if time.kind == "window":
        return time.window
    if time.kind in ("weekday", "relative"):
        return "day"
    if time.kind == "date" and at and items[at - 1].key in ("since", "from"):
        return f"since {time.text}"
    return None


def _as_of(
    sentence: Sentence, index: int, metric: str, published: str | None, day: date | None
) -> tuple[str | None, bool]:
    """The moment, and whether words for one could not be resolved for want of a date."""
    items = sentence.items
    here = items[index].place
    best, found, is_open = _DATE_REACH, None, False
    for at, item in enumerate(items):
        if item.time is None or item.time.kind not in ("date", "weekday", "relative"):
            continue
        is_bound = item.time.text.lower().startswith(("since", "until"))
        if is_bound or (at and items[at - 1].key in ("since", "by", "until")):
            continue
        low, high = sorted((at, index))
        crossed = sum(other.kind == "quantity" for other in items[low + 1 : high])
        distance = abs(item.place - here) + 3.0 * crossed
        if distance >= best:
            continue
        best, found = distance, resolve(item.time, day)
        is_open = found is None and day is None
    if is_open:
        return None, True
    as_of = found or published
    clock = _clock_near(items, index)
    if metric in POINTS and clock is not None and as_of is not None and len(as_of) >= 10:
        return _at_clock(items, clock, as_of), False
    return as_of, False


def _clock_near(items: list[Item], index: int) -> int | None:
    near = [
        (abs(item.place - items[index].place), at)
        for at, item in enumerate(items)
        if item.time is not None and item.time.kind == "clock"
    ]
    return min(near)[1] if near and min(near)[0] < _DATE_REACH else None


def _at_clock(items: list[Item], clock: int, as_of: str) -> str:
    """The clock time of the item on the day of ``as_of``, else that day."""
    time = items[clock].time
    return as_of if time is None else at_clock(time, as_of[:10]) or as_of
