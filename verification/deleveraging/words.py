"""Numbers as a reader sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def whole(amount: Decimal) -> str:
    """Rounded to whole units, half to even; thousands apart."""
    return f"{round(amount):,}"


def percent(share: Decimal) -> str:
    """A share of 0 to 1, to a tenth of a per cent."""
    return f"{100 * share:.1f} %"


def clock(moment_ms: int) -> str:
    """Time of day in UTC, seconds cut off."""
    return f"{datetime.fromtimestamp(moment_ms // 1000, UTC):%H:%M:%S}"


def short(amount: Decimal) -> str:
    """A round amount on an axis: 1,000 is 1k."""
    for size, letter in ((10**9, "bn"), (10**6, "m"), (10**3, "k")):
        if amount >= size:
            return f"{amount / size:,.4g} {letter}"
    return f"{amount:,.4g}"
