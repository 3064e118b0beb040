"""A number of a scenario with where it comes from, and the check that its source says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from undertow.errors import UndertowError, nearest
from undertow.lab.quantities import Value, read_value
from undertow.measures.published import published, timeline
from undertow.model.periods import time_ns, time_text
from undertow.tape import bundled

KEYS = ("value", "low", "high", "source", "assumed", "note", "derived")
# A published figure is rounded; a number that is meant to be it may be off by so much.
ROUNDING = 0.005
_DATED_ADDRESS = re.compile(r"https?://\S+ \d{4}-\d\d-\d\d")
BARE = (
    "a number needs its origin: { value = …, source = \"facts:F0385\" } or"
    " { value = …, assumed = true, note = \"why\" }"
)  # fmt: skip


class Interval(NamedTuple):
    """A value that is known only within bounds; all three are equal where it is a point."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a scenario.

    Attributes
    ----------
    value, low, high
        In the base unit of ``unit``; the bounds are None where a point is given.
    unit
        See `quantities.UNITS`.
    source
        ``facts:F0385`` (a published figure), ``timeline:EVENT`` (a published point of time),
        ``tape:NAME`` (a bundled tape), ``rules:VENUE@DAY``, or an address and a day.
    assumed, note
        True where nobody says so, and why this was taken.
    derived
        How it follows from its source, where it is not what the source prints.
    """

    value: Value
    low: float | None
    high: float | None
    unit: str
    source: str | None
    assumed: bool
    note: str | None
    derived: str | None

    @property
    def interval(self) -> Interval:
        """Value and bounds."""
        value = float(self.value)
        low = value if self.low is None else self.low
        high = value if self.high is None else self.high
        return Interval(value, low, high)


def reader(
    unit: str, least: float | None = None, most: float | None = None
) -> Callable[[object], Number]:
    """What reads a `Number` of this unit, within bounds; ValueError for anything else."""

    def read(raw: object) -> Number:
        number = read_number(raw, unit)
        for name, value in (("value", number.value), ("low", number.low), ("high", number.high)):
            if isinstance(value, int | float) and (
                (least is not None and value < least) or (most is not None and value > most)
            ):
                bounds = f"at least {least:g}" if most is None else f"{least:g} to {most:g}"
                raise ValueError(f"{name}: expected {bounds}, not {value:g}")
        return number

    return read


def read_setting(raw: object) -> Number:
    """A setting of an agent: a number with its origin; names and truths may stand alone."""
    if isinstance(raw, bool) or (isinstance(raw, str) and isinstance(read_value(raw, "any"), str)):
        return Number(raw, None, None, "any", None, True, "a choice, not a number", None)
    return read_number(raw, "any")


def read_number(raw: object, unit: str) -> Number:
    """A number from its table in a scenario.

    Raises
    ------
    ValueError
        For a bare number, an unknown key, a value of another unit, bounds in the wrong order, and
        a number without source or with two.
    """
    if isinstance(raw, Number):
        return raw
    if not isinstance(raw, dict):
        raise ValueError(f"{BARE}, not {raw!r}")
    for key in raw:
        if key not in KEYS:
            raise ValueError(f"unknown key '{key}'{nearest(key, KEYS)}")
    if "value" not in raw:
        raise ValueError("expected a value")
    try:
        value = read_value(raw["value"], unit)
        bounds = [float(read_value(raw[key], unit)) if key in raw else None
                  for key in ("low", "high")]  # fmt: skip
    except UndertowError as error:
        raise ValueError(str(error)) from None
    low, high = bounds
    if (low is None) is not (high is None):
        raise ValueError("an interval has low and high")
    if low is not None and high is not None and not low <= float(value) <= high:
        raise ValueError(f"expected low <= value <= high, not {low:g}, {value}, {high:g}")
    return Number(value, low, high, unit, *_origin(raw))


def _origin(raw: dict[str, Any]) -> tuple[str | None, bool, str | None, str | None]:
    source, assumed, note, derived = (raw.get(key) for key in KEYS[3:])
    for key in ("source", "note", "derived"):
        if raw.get(key) is not None and (not isinstance(raw[key], str) or not raw[key].strip()):
            raise ValueError(f"{key}: expected a text")
    if assumed not in (None, True):
        raise ValueError("assumed: expected true; leave it out where there is a source")
    if (source is None) is (assumed is None):
        raise ValueError("expected one of source and assumed = true")
    if assumed and note is None:
        raise ValueError("assumed = true needs a note that says why")
    return source, bool(assumed), note, derived


def check_source(number: Number) -> str | None:
    """What is wrong with a number's source: it is unknown, or it says something else."""
    if number.source is None:
        return None
    kind, _, rest = number.source.partition(":")
    if kind == "facts":
        return _check_figure(number, rest)
    if kind == "timeline":
        return _check_timeline(number, rest)
    if kind in ("tape", "rules"):
        if kind == "tape" and rest not in bundled.names():
            return f"no bundled tape '{rest}'{nearest(rest, bundled.names())}"
        return None if number.derived else f"derived: say how it was read from {number.source}"
    if not _DATED_ADDRESS.fullmatch(number.source):
        return (
            f"source {number.source!r}: expected facts:F0385, timeline:EVENT, tape:NAME,"
            " rules:VENUE@DAY, or an address, a space and a day"
        )
    return None


def _check_figure(number: Number, figure: str) -> str | None:
    known = _figures()
    if figure not in known:
        return f"no published figure '{figure}'; see undertow.measures.published"
    if number.derived:
        return None
    printed, low, high, text = known[figure]
    if number.unit == "time":
        clock = time_text(int(number.value))[11:16]
        return None if text and clock in text else f"{figure} says {text}, not {clock}"
    if isinstance(number.value, bool | str):
        return f"{figure} is a number; say in derived how the text follows"
    own = number.interval
    values = [value for value in (printed, low, high) if value is not None]
    if not values:
        return f"{figure} has no number"
    slack = ROUNDING * max(abs(value) for value in values)
    if own.low - slack <= max(values) and min(values) <= own.high + slack:
        return None
    return (
        f"{figure} says {' to '.join(f'{value:g}' for value in values)}, not {own.value:g}; if the"
        " number follows from it, say how in derived"
    )


def _check_timeline(number: Number, event: str) -> str | None:
    if number.unit != "time":
        return "a timeline is a source of times only"
    try:
        points = timeline(event)
    except UndertowError as error:
        return str(error)
    known = {time_ns(moment) for name in ("start", "end") for moment in points[name]}
    if int(number.value) in known or number.derived:
        return None
    return f"timeline of {event}: no point at {time_text(int(number.value))}; say in derived how"


@cache
def _figures() -> dict[str, tuple[float | None, float | None, float | None, str | None]]:
    columns = ("value", "value_low", "value_high", "value_text")
    rows = published().select("id", *columns).rows()
    return {row[0]: row[1:] for row in rows}
