"""Times and lengths of time as people write them: ``5m``, ``24h``, ``2025-11-04T11:00Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from undertow.errors import UndertowError

SECOND_NS = 1_000_000_000
_UNITS_NS = {
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "d": 86_400 * SECOND_NS,
    "w": 7 * 86_400 * SECOND_NS,
}
# The lengths that venues publish bars in.
BAR_INTERVALS = (
    "1s", "1m", "2m", "3m", "5m", "10m", "15m", "30m",
    "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
)  # fmt: skip
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_LONGEST_NS = 100 * 366 * 86_400 * SECOND_NS
# Between 1700 and 2200: what fits into nanoseconds, with room for a window before and after.
_FIRST_S, _LAST_S = -8_520_336_000, 7_258_118_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration_ns(text: str) -> int:
    """Length of ``5m``, ``24h``, ``7d``, … in nanoseconds; a day is 24 hours.

    Raises
    ------
    UndertowError
        When the text is not a positive whole number and one of s, m, h, d, w.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UndertowError(f"length of time {text!r}: expected a number and s, m, h, d or w: 24h")
    length_ns = int(match[1]) * _UNITS_NS[match[2]]
    if length_ns > _LONGEST_NS:
        raise UndertowError(f"length of time {text!r}: expected at most a hundred years")
    return length_ns


def interval_name(length_ns: int) -> str | None:
    """The usual name of a bar of this length, or None when no venue publishes such bars."""
    for name in BAR_INTERVALS:
        if duration_ns(name) == length_ns:
            return name
    return None


def time_ns(moment: str | datetime | int) -> int:
    """A moment as nanoseconds since 1970 UTC.

    Parameters
    ----------
    moment
        ISO-8601 text or a datetime (no zone means UTC), or nanoseconds.

    Raises
    ------
    UndertowError
        When the text is not a date or time.
    """
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise UndertowError(
                f"time {moment!r}: expected ISO-8601, such as 2025-11-04 or 2025-11-04T11:00Z"
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    span = moment - _EPOCH
    if not _FIRST_S <= span.total_seconds() < _LAST_S:
        raise UndertowError(f"time {moment.isoformat()}: expected one between 1700 and 2200")
    return ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds) * 1_000


def time_text(moment_ns: int) -> str:
    """Nanoseconds as ``2025-11-04T11:00:00Z``, with a fraction only where there is one."""
    seconds, fraction_ns = divmod(moment_ns, SECOND_NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{fraction_ns:09d}".rstrip("0") if fraction_ns else ""
    return f"{text}{fraction}Z"
