"""Resolves words for dates and clock times against the day an article was published."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from undertow.claims.timephrases import TimePhrase
from undertow.claims.vocabulary import plain

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
# Hours ahead of UTC. Eastern time follows the summer rule of the United States since 2007.
_ZONES = {
    "utc": 0,
    "gmt": 0,
    "est": -5,
    "edt": -4,
    "cet": 1,
    "moscow time": 3,
    "sgt": 8,
    "hkt": 8,
    "jst": 9,
}
_ISO = re.compile(r"((?:19|20)\d\d)-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::\d\d)?)?)?")
_CLOCK = re.compile(r"(\d{1,2})(?::?(\d\d))?(?::\d\d)?\s?([ap])?\.?m?\.?\s?([a-z ]*)")


def published_day(published: str | None) -> date | None:
    """The day of an ISO date or time, whatever follows it; None where there is no full date."""
    match = _ISO.match((published or "").strip())
    if match is None or match[3] is None:
        return None
    return _day(int(match[1]), int(match[2]), int(match[3]))


def iso_day(published: str | None) -> str | None:
    """The date or time at the start of what an article says about its own date, as ISO."""
    match = _ISO.match((published or "").strip())
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    return match[0] + ("Z" if match[4] else "")


def resolve(phrase: TimePhrase, published: date | None) -> str | None:
    """The day or month that words name, as ISO; None where that takes a date that is not known."""
    text = plain(phrase.text)
    if phrase.kind == "weekday":
        return None if published is None else _weekday(text, published)
    if phrase.kind == "relative":
        if published is None:
            return None
        return (published - timedelta(days=1 if text == "yesterday" else 0)).isoformat()
    if phrase.kind != "date":
        return None
    iso = _ISO.match(text)
    if iso is not None and iso[3] is not None:
        found = _day(int(iso[1]), int(iso[2]), int(iso[3]))
        return None if found is None else found.isoformat()
    return _named(text, published)


def _named(text: str, published: date | None) -> str | None:
    year_said = re.search(r"\b(?:19|20)\d\d\b", text)
    month = next((n for n, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}", text)), None)
    if month is None:
        return year_said[0] if year_said else None
    if year_said is None and published is None:
        return None
    numbers = re.findall(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", text)
    day_said = int(numbers[0]) if numbers else None
    if year_said:
        year = int(year_said[0])
    else:
        assert published is not None
        # The last such month that is not yet to come, with a day's grace for time zones.
        later = (month, day_said or 1) > (
            (published + timedelta(days=1)).month,
            (published + timedelta(days=1)).day,
        )
        year = published.year - (1 if later else 0)
    if day_said is None:
        return f"{year}-{month:02}"
    found = _day(year, month, day_said)
    return None if found is None else found.isoformat()


def _weekday(text: str, published: date) -> str | None:
    for number, name in enumerate(_WEEKDAYS):
        if text.startswith(name):
            return (published - timedelta(days=(published.weekday() - number) % 7)).isoformat()
    return None


def at_clock(phrase: TimePhrase, day: str) -> str | None:
    """A clock time of a day as a time in UTC; None where no zone is said or the time is none."""
    match = _CLOCK.match(plain(phrase.text))
    on = published_day(day)
    if match is None or on is None:
        return None
    hour, minute, zone = int(match[1]), int(match[2] or 0), match[4].strip()
    if match[3]:
        hour = hour % 12 + (12 if match[3] == "p" else 0)
    offset = _eastern(on) if zone == "et" else _ZONES.get(zone)
    if offset is None or hour > 23 or minute > 59:
        return None
    moment = datetime(on.year, on.month, on.day, hour, minute, tzinfo=UTC) - timedelta(hours=offset)
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _eastern(day: date) -> int:
    """Eastern time: summer time from the second Sunday of March to the first of November."""
    march, november = date(day.year, 3, 8), date(day.year, 11, 1)
    start = march + timedelta(days=(6 - march.weekday()) % 7)
    end = november + timedelta(days=(6 - november.weekday()) % 7)
    return -4 if start <= day < end else -5


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
