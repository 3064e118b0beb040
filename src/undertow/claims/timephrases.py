"""Finds the words for times in a text: windows, dates, clock times.

They are found before figures are, so that "24 hours" and "4 November" are not taken for figures.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from undertow.claims.vocabulary import plain, table

Kind = Literal["window", "date", "weekday", "clock", "relative", "none"]

_NUMBER = (
    r"(?:\d{1,3}(?:\.\d)?(?:\s?[-–]\s?\d{1,3})?|an?|one|two|three|four|five|six|seven|eight|nine"
    r"|ten|twelve|thirty|few|several|straight|consecutive)"
)
_UNIT = (
    r"(?:seconds?|minutes?|mins?|hours?|hrs?|days?|sessions?|weeks?|months?|years?"
    r"|quarters?(?! (?:of|less|more|lower|higher|from|off|below|under)\b))"
)
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?"
)
_SPAN = r"(?:hour|day|session|week|month|quarter|year)"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
# Alternatives are tried in this order; none repeats inside a repeat, so that no text is slow.
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("none", r"https?://\S{1,300}|\bwww\.\S{1,300}|\b0x[0-9a-fA-F]{4,64}"),
    ("date", r"\b(?:19|20)\d\d-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z?)?"),
    ("date", rf"\b{_MONTH} {_DAY}(?: ?[-–] ?(?:{_MONTH} )?{_DAY})?(?:,? (?:19|20)\d\d)?\b"),
    (
        "date",
        rf"(?<![$€£\d.,])\b{_DAY}(?: ?[-–] ?{_DAY})? (?:of )?{_MONTH}(?:,? (?:19|20)\d\d)?\b",
    ),
    ("date", rf"\b{_MONTH},?\s(?:of\s)?(?:19|20)\d\d\b"),
    ("date", r"\b\d{1,2}/\d{1,2}/(?:19|20)\d\d\b"),
    (
        "clock",
        r"\b\d{1,2}:\d\d(?::\d\d)?\s?(?:[ap]\.?m\.?)?"
        r"(?:\s?(?:UTC|GMT|ET|EST|EDT|Moscow time|CET|SGT|HKT|JST))?"
        r"|\b\d{1,2}\s?[ap]\.?m\b\.?(?:\s?(?:UTC|GMT|ET|EST|EDT))?"
        r"|\b\d{3,4}\s?(?:UTC|GMT)\b",
    ),
    ("window", r"\b(?:24-48|48-72)\s?(?:h|hours)\b|\b24/7\b"),
    ("window", r"\b\d{1,3}[- ]?(?:h|hr|d|min)\b"),
    (
        "window",
        rf"\b(?i:{_NUMBER})[\s-](?:straight\s|consecutive\s|trading\s|full\s)?"
        rf"{_UNIT}\b(?:-(?:low|high|old))?",
    ),
    ("window", rf"\b(?i:past|last|previous|prior|single|same|whole|preceding)\s{_SPAN}\b"),
    ("window", r"\b(?i:hourly|daily|intraday|weekly|monthly|overnight)\b|\bday-over-day\b"),
    (
        "window",
        rf"\b(?i:in|over|on|within|for|during|of|by|through)\s(?:the|this|an?|one)\s{_SPAN}\b",
    ),
    ("window", r"\b(?i:year[- ]to[- ]date)\b|\b[dwm]/[dwm]\b|"
        r"\b(?i:day|week|month|year)[- ]on[- ](?i:day|week|month|year)\b|"
        r"\bYTD\b|\b(?:so far\s)?(?i:this)\syear\b"),
    ("window", r"\bsince the start of (?:the|this) year\b|\bthis\s(?:week|month)\b"),
    ("window", r"\b(?:this|last)\sweekend\b"),
    ("weekday", r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"),
    ("relative", r"\b(?:yesterday|today|tonight)\b"),
    ("none", r"\b(?:Q[1-4]|H[12])(?:\s(?:19|20)\d\d)?\b|\bNo\.\s\d{1,3}\b|#\d{1,4}\b"),
    (
        "date",
        r"(?<![$€£\d.,])\b(?:19|20)\d\d(?:[-–/](?:19|20)?\d\d)?"
        r"(?:s\b|(?![\d,.]\d|\s?(?:%|BTC|ETH|traders|million|billion)))\b",
    ),
    (
        "date",
        r"\b(?:early|mid|late|since|in|from|until|of|last|this|[Ee]arlier in)[\s-]"
        rf"{_MONTH}(?:\s{_DAY}\b(?!,\d))?",
    ),
    # "the second coin by market value": words that rank a coin are about no figure.
    ("none", r"\bby (?:total )?(?:market )?(?:cap(?:itali[sz]ation)?|value|size)\b(?! of)"),
    ("none", r"(?<![\w(.,$])\d{1,2}\)(?=\s)|(?<=\d)/\s?100\b"),  # of a list; of a scale
    ("none", r"\b\d{1,4}(?:st|nd|rd|th)\b"),
    ("none", r"\b\d{1,4}-(?:per|bit|layer|fold|delta)\b"),
)  # fmt: skip
_ALL = re.compile("|".join(f"(?P<p{i}>{p})" for i, (_, p) in enumerate(_PATTERNS)))


class TimePhrase(msgspec.Struct, frozen=True):
    """Words for a time: where they stand, what kind they are, and the window they name."""

    start: int
    end: int
    kind: Kind
    text: str
    window: str | None = None


def time_phrases(text: str) -> list[TimePhrase]:
    """All words for times in a text, in order, without overlap."""
    found = []
    for match in _ALL.finditer(text):
        kind = _PATTERNS[int((match.lastgroup or "p0")[1:])][0]
        words = match.group()
        window = _window(plain(words)) if kind == "window" else None
        found.append(TimePhrase(match.start(), match.end(), kind, words, window))
    return found


def _window(words: str) -> str | None:
    """The window's short name: 1h, 4h, 24h, 7d, 30d, YTD, week; None for other lengths."""
    named: dict[str, list[str]] = table("times")["windows"]
    for name, phrases in named.items():
        if any(phrase in f" {words} " for phrase in phrases):
            return name
    short = re.fullmatch(r"(\d{1,3})[- ]?(h|hr|d|min)", words)
    if short:
        return _named(
            int(short[1]), {"h": "hour", "hr": "hour", "d": "day", "min": "minute"}[short[2]]
        )
    long = re.search(
        r"(\d{1,3}|[a-z]+)[\s-](?:[a-z]+[\s-])?(second|minute|min|hour|hr|day|week|month|year)",
        words,
    )
    if long is None or words.endswith(("low", "high", "old")):
        return None
    count = long[1] if long[1].isdigit() else table("numbers")["words"].get(long[1])
    return None if count is None else _named(int(count), long[2])


def _named(count: int, unit: str) -> str:
    hours = {"second": 0, "minute": 0, "min": 0, "hour": 1, "hr": 1, "day": 24, "week": 168}
    if unit not in hours:
        return {("month", 1): "30d", ("year", 1): "1y"}.get((unit, count), f"{count} {unit}")
    if hours[unit] == 0:
        is_hours = unit.startswith("min") and count % 60 == 0
        return f"{count // 60}h" if is_hours else f"{count}min"
    length = count * hours[unit]
    if length <= 24:
        return f"{length}h"
    return f"{length // 24}d" if length % 24 == 0 else f"{length}h"
