"""Numbers and sides as a caller hands them in: made exact, or refused with the name they had."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from undertow.errors import UndertowError, shown

Number = int | float | str | Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
LARGEST_EXPONENT = 40  # far beyond any market, and safe to multiply a few times


def number(value: object, name: str) -> Decimal:
    """The exact decimal of a number; a float is taken as the decimal it is printed as.

    Raises
    ------
    UndertowError
        For what is no finite number, or one with an exponent beyond ±40.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise UndertowError(f"{name}: expected a number, got {shown(value)}")
    try:
        result = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise UndertowError(f"{name}: expected a number, got {shown(value)}") from None
    if not result.is_finite():
        raise UndertowError(f"{name}: expected a finite number, got {shown(value)}")
    if result and abs(result.adjusted()) > LARGEST_EXPONENT:
        raise UndertowError(f"{name}: {shown(str(result))} is out of any market's range")
    return result


def positive(value: object, name: str) -> Decimal:
    """A number above zero: a size, a price, a leverage."""
    result = number(value, name)
    if result <= 0:
        raise UndertowError(f"{name}: expected more than 0, got {result}")
    return result


def not_negative(value: object, name: str) -> Decimal:
    """A number of at least zero: a deduction, a fee, a threshold."""
    result = number(value, name)
    if result < 0:
        raise UndertowError(f"{name}: expected at least 0, got {result}")
    return result


def fraction(value: object, name: str) -> Decimal:
    """A rate of margin or of fees: at least 0 and below 1."""
    result = number(value, name)
    if not 0 <= result < 1:
        raise UndertowError(f"{name}: expected a fraction of at least 0 and below 1, got {result}")
    return result


def share(value: object, name: str) -> Decimal:
    """A share of a whole: from 0 to 1, both included."""
    result = number(value, name)
    if not 0 <= result <= 1:
        raise UndertowError(f"{name}: expected a share from 0 to 1, got {result}")
    return result


def leverage(value: object, name: str = "leverage") -> Decimal:
    """A leverage: at least 1."""
    result = number(value, name)
    if result < 1:
        raise UndertowError(f"{name}: expected at least 1, got {result}")
    return result


def direction(side: object) -> Decimal:
    """+1 for ``"long"``, -1 for ``"short"``."""
    if side == "long":
        return ONE
    if side == "short":
        return -ONE
    raise UndertowError(f"side: expected 'long' or 'short', got {shown(side)}")


def clamp(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """The value, moved into the range from low to high."""
    return max(low, min(value, high))
