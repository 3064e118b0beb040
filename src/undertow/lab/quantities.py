"""Numbers with units as people write them: ``1_200_000``, ``1.2M``, ``20x``, ``5%``, ``30m``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from undertow.errors import UndertowError
from undertow.model.periods import SECOND_NS, duration_ns, time_ns

Value = float | int | str | bool

_NUMBER = re.compile(r"([-+]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*(.*)")
_MULTIPLES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
_WORDS = {"true": True, "false": False}
UNITS: Mapping[str, str] = {
    "usd": "dollars, such as 1_200_000_000 or 1.2B",
    "fraction": "a fraction, such as 0.25 or 25%",
    "multiple": "a multiple, such as 0.5 or 0.5x",
    "s": "a length of time in seconds, such as 30 or 30s, 5m, 2h",
    "count": "a whole number from 0 on, such as 500_000",
    "number": "a number",
    "price": "a price in dollars, such as 0.97",
    "text": "a text",
    "time": "a time, such as 2025-11-04T11:00Z",
    "any": "a number, a text, true or false",
    "rule": "a value as a rules file has it: numbers with a point as text",
}


def read_value(raw: object, unit: str) -> Value:
    """A value in its base unit: dollars, fractions, seconds, nanoseconds since 1970 for times.

    Parameters
    ----------
    raw
        A number, or a text with or without its unit.
    unit
        One of `UNITS`.

    Raises
    ------
    UndertowError
        When it is none, is not finite, or carries another unit.
    """
    try:
        value = _READERS[unit](raw)
    except (ValueError, UndertowError):
        raise UndertowError(f"expected {UNITS[unit]}, not {raw!r}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise UndertowError(f"expected {UNITS[unit]}, not {raw!r}")
    return value


def _split(raw: object) -> tuple[float, str]:
    """Number and what follows it; a number itself has nothing behind it."""
    if isinstance(raw, bool):
        raise ValueError
    if isinstance(raw, int | float):
        return float(raw), ""
    match = _NUMBER.fullmatch(str(raw).strip())
    if match is None:
        raise ValueError
    return float(match[1].replace("_", "")), match[2].strip()


def _usd(raw: object) -> float:
    number, behind = _split(str(raw).strip().removeprefix("$") if isinstance(raw, str) else raw)
    suffix = behind.lower().removesuffix("usd").strip()
    if suffix not in _MULTIPLES:
        raise ValueError
    return number * _MULTIPLES[suffix]


def _with_sign(sign: str, scale: float) -> Callable[[object], float]:
    def read(raw: object) -> float:
        number, behind = _split(raw)
        if behind not in ("", sign):
            raise ValueError
        return number * scale if behind else number

    return read


def _seconds(raw: object) -> float:
    number, behind = _split(raw)
    return duration_ns(str(raw)) / SECOND_NS if behind else number


def _count(raw: object) -> int:
    number, behind = _split(raw)
    if behind or number < 0 or number != int(number):
        raise ValueError
    return int(number)


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError
    return raw.strip()


def _any(raw: object) -> Value:
    if isinstance(raw, bool | int | float):
        return raw
    text = _text(raw)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        number, behind = _split(text)
    except ValueError:
        return text
    if behind:
        return text
    return int(number) if "." not in text and number == int(number) else number


def _rule(raw: object) -> Value:
    return raw if isinstance(raw, bool | int) else _text(raw)


def _time(raw: object) -> int:
    return time_ns(_text(raw))


_READERS: Mapping[str, Callable[[object], Value]] = {
    "usd": _usd,
    "price": _usd,
    "fraction": _with_sign("%", 0.01),
    "multiple": _with_sign("x", 1.0),
    "s": _seconds,
    "count": _count,
    "number": _with_sign("", 1.0),
    "text": _text,
    "time": _time,
    "any": _any,
    "rule": _rule,
}
