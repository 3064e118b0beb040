"""A figure as the reports show it: value, unit, window, time, place and definition together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from undertow.errors import NotRecorded
from undertow.model.periods import time_text

# "fraction" is a change with a sign, "share" a part of a whole; both are fractions.
Unit = Literal["USD", "price", "fraction", "share", "count", "index", "text"]


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes
    ----------
    id
        Stable name for machines: ``price.BTC.low``.
    label
        A few words for people.
    value
        In ``unit``; fractions, not percent. None where the tape does not hold it.
    definition
        What exactly was measured.
    as_of_ns
        The moment it is true at, or that it was reached.
    window
        The span it sums up; empty for a value at a moment.
    place
        Venue and symbol, or the universe of coins.
    is_estimate
        True when part of it is assumed or scaled; ``note`` says which.
    """

    id: str
    label: str
    value: float | int | str | None
    unit: Unit
    definition: str
    as_of_ns: int | None = None
    window: str = ""
    place: str = ""
    is_estimate: bool = False
    note: str = ""

    @property
    def recorded(self) -> bool:
        """Whether the tape could answer."""
        return self.value is not None

    def text(self) -> str:
        """The value for people; "not recorded" where there is none, never 0."""
        if self.value is None:
            return "not recorded"
        shown = format_value(self.value, self.unit)
        return f"≈ {shown}" if self.is_estimate else shown

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "id": self.id,
            "label": self.label,
            "value": self.value,
            "unit": self.unit,
            "text": self.text(),
            "recorded": self.recorded,
            "window": self.window,
            "as_of": None if self.as_of_ns is None else time_text(self.as_of_ns),
            "place": self.place,
            "is_estimate": self.is_estimate,
            "definition": self.definition,
            "note": self.note,
        }


def measured(figure: Callable[[], Figure], missing: Figure) -> Figure:
    """The figure, or ``missing`` with the reason when the tape does not hold it."""
    try:
        return figure()
    except NotRecorded as reason:
        return Figure(
            missing.id,
            missing.label,
            None,
            missing.unit,
            missing.definition,
            window=missing.window,
            note=str(reason),
        )


def format_value(value: float | int | str, unit: Unit) -> str:
    """A number as people write it: 1.37 bn, −4.8 %, 106,544.0."""
    if isinstance(value, str):
        return value
    if unit in ("USD", "price"):
        return format_usd(float(value))
    if unit == "fraction":
        return format_percent(float(value))
    if unit == "share":
        return format_percent(float(value)).lstrip("+")
    if unit == "count":
        return f"{value:,.0f}"
    return f"{value:g}"


def format_usd(value: float) -> str:
    """Dollars: scaled from a million on, else with as many decimals as the size asks for."""
    sign, size = ("−" if value < 0 else ""), abs(value)
    for scale, word in ((1e12, "tn"), (1e9, "bn"), (1e6, "m")):
        if size >= scale * 0.9995:
            return f"{sign}${size / scale:,.2f} {word}"
    if size >= 1000:
        return f"{sign}${size:,.1f}"
    digits = 2 if size >= 1 or size == 0 else 3 - math.floor(math.log10(size))
    return f"{sign}${size:,.{min(digits, 10)}f}"


def format_percent(value: float) -> str:
    """A fraction as percent with a sign; small ones with more digits."""
    percent = value * 100
    digits = 2 if abs(percent) < 10 else 1
    if 0 < abs(percent) < 0.095:
        digits = 4
    shown = f"{abs(percent):.{digits}f} %"
    return f"−{shown}" if percent < 0 else f"+{shown}"


def format_date(moment_ns: int) -> str:
    """``4 Nov 2025``."""
    moment = datetime.fromtimestamp(moment_ns // 1_000_000_000, UTC)
    return f"{moment.day} {moment:%b %Y}"


def format_time(moment_ns: int) -> str:
    """``4 Nov 2025 21:20 UTC``."""
    moment = datetime.fromtimestamp(moment_ns // 1_000_000_000, UTC)
    return f"{moment.day} {moment:%b %Y %H:%M} UTC"
