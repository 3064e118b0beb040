"""When a published figure held, from the words it was printed with.

News print a minute, a day, or a word: ``2025-11-04T03:00Z``, ``2025-11-04``, ``2025-11-04 late``.
Each is a stretch of time, as long as the words leave open.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from undertow.errors import UndertowError
from undertow.model.periods import time_ns

Span = tuple[int, int]

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
# Assumed: how far off a time is that was printed as "about".
ABOUT_NS = HOUR_NS
# Assumed: the hours of a day that a word stands for, from its midnight in UTC. A text that looks
# back ("later") was written up to a day after.
_WORDS = {
    "early": (0, 8),
    "first hours": (0, 8),
    "morning": (4, 12),
    "mid-day": (10, 16),
    "or later": (0, 7 * 24),  # before "later" and "late": the first that is found counts
    "later": (3, 36),
    "late": (16, 24),
    "evening": (16, 24),
}
_DAY = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_TIME = re.compile(r"(~?) ?(?:T| |^)~?(\d\d?):(\d\d)(?::(\d\d))?")


def as_of_span(text: str | None) -> Span | None:
    """Start and end, in nanoseconds UTC, of the time that a figure is about.

    A minute is that minute; ``~10:00Z`` an hour either way; a day, month or year the whole of it;
    ``early``, ``late`` and ``later`` parts of a day (assumed hours). None where the text says
    nothing that could be a date.

    Examples
    --------
    >>> start, end = as_of_span("2025-11-04 ~10:00Z")
    >>> (end - start) // HOUR_NS
    2
    """
    if not text or not (day := _DAY.match(text.strip())):
        return None
    text = text.strip()
    try:
        if day[3] and (exact := _exact(text)):
            return exact
        start, end = _calendar(day)
        if not day[3]:
            return start, end
        if clock := _TIME.search(text[day.end() :]):
            at = start + (int(clock[2]) * 60 + int(clock[3])) * MINUTE_NS
            return (at - ABOUT_NS, at + ABOUT_NS) if "~" in text else (at, at + MINUTE_NS)
    except (ValueError, OverflowError, UndertowError):
        return None
    for word, (first, last) in _WORDS.items():
        if word in text[day.end() :].lower():
            return start + first * HOUR_NS, start + last * HOUR_NS
    return start, end


def is_exact(span: Span) -> bool:
    """Whether a span is short enough to stand for one moment: at most two hours, as ``~10:00Z``."""
    return span[1] - span[0] <= 2 * ABOUT_NS


def _exact(text: str) -> Span | None:
    if "~" in text or "T" not in text:
        return None
    at = time_ns(text)
    return at, at + (1_000_000_000 if text.count(":") > 1 and "+" not in text else MINUTE_NS)


def _calendar(day: re.Match[str]) -> Span:
    year, month = int(day[1]), int(day[2] or 1)
    start = datetime(year, month, int(day[3] or 1), tzinfo=UTC)
    if day[3]:
        end = start + timedelta(days=1)
    elif day[2]:
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    else:
        end = datetime(year + 1, 1, 1, tzinfo=UTC)
    return time_ns(start), time_ns(end)
