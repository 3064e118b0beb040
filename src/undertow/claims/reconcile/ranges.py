"""Which values a printed figure allows: its rounding, its qualifier, and words like "nearly".

A figure with few digits stands for a stretch of values: 1.3 billion for 1.25 to 1.35. What
"about", "nearly" and "more than" leave open is assumed, and said so here.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

# Assumed: how far off a figure may be that is printed as "about" or "nearly".
ABOUT = 0.05
NEARLY = 0.10
# Assumed: who writes "more than X" has seen at most so much more, else he would have said so.
MORE_THAN = 0.10
# A figure of one digit ("2 billion") is not taken to be looser than this.
_LOOSEST = 0.05


class Range(NamedTuple):
    """Values from low to high, both included."""

    low: float
    high: float

    def holds(self, value: float, slack: float = 0.0) -> bool:
        """Whether a value lies inside; ``slack`` is a fraction of the value."""
        extra = abs(value) * slack
        return self.low - extra <= value <= self.high + extra

    def meets(self, other: Range, slack: float = 0.0) -> bool:
        """Whether two ranges have a value in common."""
        extra = max(abs(self.low), abs(other.low)) * slack
        return self.low - extra <= other.high and other.low - extra <= self.high


@lru_cache(maxsize=1 << 16)
def half_step(value: float) -> float:
    """Half of the last printed place: 0.05e9 for 1.3e9; at most 5 % of the value."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    digits = Decimal(repr(value)).normalize()
    exponent = digits.as_tuple().exponent
    step = 10.0 ** (exponent if isinstance(exponent, int) else 0)
    return min(step / 2, abs(value) * _LOOSEST)


@lru_cache(maxsize=1 << 16)  # asked for every pair of statements
def allowed(value: float, qualifier: str = "=", unit: str | None = None) -> Range:
    """The values that a figure stands for when it is read as it was meant.

    "More than 7 %" of a fall (-7) is meant for sizes: the range is -8 to -7. Percentages and
    indices are printed to the unit: 90 % is 89.5 to 90.5.
    """
    size, half = abs(value), half_step(value)
    if unit in ("pct", "index"):
        half = min(half, 0.5)
    low, high = size - half, size + half
    if qualifier == "~":
        low, high = min(low, size * (1 - ABOUT)), max(high, size * (1 + ABOUT))
    elif qualifier == "near":
        low, high = size * (1 - NEARLY), size * (1 + NEARLY / 4)
    elif qualifier in (">", ">="):
        low, high = size - half / 10, max(size * (1 + MORE_THAN), size + 2 * half)
    elif qualifier in ("<", "<="):
        low, high = min(size * (1 - MORE_THAN), size - 2 * half), size + half / 10
    return Range(-high, -low) if value < 0 else Range(low, high)


def agree(computed: float, stated: float, qualifier: str = "=", slack: float = 0.0) -> bool:
    """Whether a computed value is what a figure states, given its rounding.

    In a sum "more than" leaves less open than alone: 3 %, or one and a half printed places.
    """
    if qualifier not in (">", ">="):
        return allowed(stated, qualifier).holds(computed, slack)
    half, size = half_step(stated), abs(stated)
    top = size + max(3 * half, 0.03 * size) + slack * size
    return size - half - slack * size <= abs(computed) <= top


def cut_off(stated: float, exact: float) -> str | None:
    """``rounded`` or ``cut off`` when ``stated`` is ``exact`` with fewer digits, else None.

    Examples
    --------
    >>> cut_off(1.3e9, 1.36e9), cut_off(1.4e9, 1.36e9), cut_off(1.5e9, 1.36e9)
    ('cut off', 'rounded', None)
    """
    step = _printed_step(stated)
    if stated == exact or step <= _printed_step(exact) or stated * exact <= 0:
        return None
    scaled = abs(exact) / step
    if math.isclose(round(scaled) * step, abs(stated), rel_tol=1e-9):
        return "rounded"
    return "cut off" if math.isclose(int(scaled) * step, abs(stated), rel_tol=1e-9) else None


@lru_cache(maxsize=1 << 16)
def _printed_step(value: float) -> float:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return float(10.0**exponent) if isinstance(exponent, int) else 0.0


def shown(value: float, unit: str | None = None) -> str:
    """A figure for people: ``1.36 billion USD``, ``-3.2 %``, ``3,234 BTC``."""
    if unit in ("pct", "pct_annualized"):
        return f"{value:.4g} %"
    size = abs(value)
    scales = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
    for scale, word in scales:
        if size >= scale:
            text = f"{value / scale:.4g} {word}"
            break
    else:
        text = f"{value:,.0f}" if size >= 1000 and value == int(value) else f"{value:,.6g}"
    return text if unit in (None, "count", "index") else f"{text} {unit}"
