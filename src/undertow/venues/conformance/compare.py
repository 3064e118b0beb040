"""Expected against computed values, within the tolerances that a file of vectors states."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

KINDS = ("abs", "rel", "abs_raw", "abs_wei")
LARGEST_DOUBLE_EXPONENT = 300
DOUBLE_PRECISION = 2.0**-51  # two doubles this close are the same JSON number
Tolerance = Mapping[str, Any] | str


class Difference(NamedTuple):
    """One value that does not agree; `key` is the path to it."""

    key: str
    expected: str
    got: str
    tolerance: str


def tolerance_fault(tolerance: object, *, nested: bool = False) -> str | None:
    """What is wrong with a tolerance, or None: "exact", one of four kinds, or a map of these."""
    if tolerance == "exact":
        return None
    if isinstance(tolerance, dict) and tolerance:
        kinds = [key for key in tolerance if key in KINDS]
        if not kinds and not nested:
            faults = (tolerance_fault(part, nested=True) for part in tolerance.values())
            return next((fault for fault in faults if fault), None)
        if len(tolerance) == len(kinds) == 1 and _is_number(tolerance[kinds[0]]):
            return None if tolerance[kinds[0]] >= 0 else "'tolerance' is below 0"
    return f"unknown tolerance {text(tolerance)}"


def differences(
    expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: Tolerance
) -> list[Difference]:
    """Each expected value that was not computed, or not within its tolerance."""
    found: list[Difference] = []
    for key, value in expected.items():
        allowed = tolerance_of(key, tolerance)
        if key in got:
            found += _walk(key, value, got[key], allowed)
        else:
            found.append(Difference(key, text(value), "nothing", text(allowed)))
    return found


def tolerance_of(key: str, tolerance: Tolerance) -> Tolerance:
    """The tolerance of one expected key; a key that a map does not name is exact."""
    if isinstance(tolerance, str) or any(kind in tolerance for kind in KINDS):
        return tolerance
    named: Tolerance = tolerance.get(key, tolerance.get("else", "exact"))
    return named


def _walk(key: str, expected: Any, got: Any, tolerance: Tolerance) -> Iterator[Difference]:
    """Go down lists and objects; they must have the same members."""
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for name, value in expected.items():
            yield from _walk(f"{key}.{name}", value, got[name], tolerance)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for place, value in enumerate(expected):
            yield from _walk(f"{key}[{place}]", value, got[place], tolerance)
    elif not _agree(key, expected, got, tolerance):
        yield Difference(key, text(expected), text(got), text(tolerance))


def _agree(key: str, expected: Any, got: Any, tolerance: Tolerance) -> bool:
    if key.endswith("liquidation_price") and _says_never(expected):
        if got is None or (_is_number(got) and got <= 0):
            return True
        if not _is_number(expected):
            return False
    whole = _whole(expected)
    if isinstance(expected, str) and whole is not None:
        actual = _whole(got)
        return actual is not None and _within(Decimal(abs(whole - actual)), whole, tolerance)
    wanted: Any = _written(expected) if isinstance(expected, str) else expected
    if not (_is_number(wanted) and _is_number(got)):
        return type(expected) is type(got) and bool(expected == got)
    return _near(Decimal(wanted), Decimal(got), tolerance)


def _near(expected: Decimal, got: Decimal, tolerance: Tolerance) -> bool:
    if expected == got:
        return True
    both_whole = _whole(expected) is not None and _whole(got) is not None
    if not both_whole and _same_double(expected, got):
        return True
    try:
        return _within(abs(expected - got), expected, tolerance)
    except ArithmeticError:  # further apart than a decimal can say
        return False


def _same_double(expected: Decimal, got: Decimal) -> bool:
    fits = max(abs(expected.adjusted()), abs(got.adjusted())) < LARGEST_DOUBLE_EXPONENT
    return fits and math.isclose(expected, got, rel_tol=DOUBLE_PRECISION)


def _within(gap: Decimal, expected: Decimal | int, tolerance: Tolerance) -> bool:
    """Whether a gap is allowed; "exact" allows none."""
    if isinstance(tolerance, str):
        return gap == 0
    ((kind, size),) = tolerance.items()
    allowed = size * abs(Decimal(expected)) if kind == "rel" else size
    return bool(gap <= allowed)


def _written(value: str) -> Decimal | None:
    """The finite number that a text is, if it is one; a number with a point may be in quotes."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _says_never(price: Any) -> bool:
    """Whether an expected liquidation price says that none liquidates: null, -- or 0."""
    return price is None or price == "--" or (_is_number(price) and price == 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _whole(value: object) -> int | None:
    """The integer that a value is: an int, a string of digits, a decimal without a fraction."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and len(value) < 4000 else None
    if isinstance(value, Decimal):
        small = value.is_finite() and value.adjusted() < 4000
        return int(value) if small and value == value.to_integral_value() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str:
    """A value as a failure prints it."""
    if isinstance(value, Decimal):
        whole = _whole(value) if value.adjusted() < 40 else None
        return f"{value:.15g}" if whole is None else str(whole)
    if isinstance(value, list):
        return "[" + ", ".join(text(part) for part in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {text(part)}" for key, part in value.items()) + "}"
    return "null" if value is None else str(value)
