"""From claims and library figures to statements that can be compared."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from undertow.claims.claim import Claim
from undertow.claims.reconcile import subjects
from undertow.claims.reconcile.result import Statement
from undertow.measures.as_of import DAY_NS, HOUR_NS, as_of_span
from undertow.measures.published import event_days, events, published
from undertow.model.periods import time_ns

# A claim can be about hours after the minute its text was published: pages are edited.
_LARGEST = 1e24  # larger figures are no figures of a market
_LONGEST_SENTENCE = 1500  # characters; of a longer one only those around a figure are taken
_MOST_BEFORE, _MOST_AFTER = 500, 300
_EDITED_NS = 6 * HOUR_NS
_SENTENCE = re.compile(r"(?<=[.!?])[\"”’']?\s+|\n+")
_WINDOWS = {
    "day": "day", "1d": "24h", "24 hours": "24h", "24h": "24h", "1 hour": "1h", "week": "7d",
    "intraday": "day", "day so far": "day", "month": "30d",
}  # fmt: skip


class Source(msgspec.Struct, kw_only=True, frozen=True):
    """A text that was read: who published it, when, its words and its claims.

    What ``is_asked`` is a question, not a report: nothing is estimated from it.
    """

    publisher: str
    text: str
    claims: Sequence[Claim]
    published: str | None = None
    url: str | None = None
    is_asked: bool = False


def statements_of(source: Source, number: int) -> list[Statement]:
    """The statements of one article; offtopic and context claims are left out."""
    made = []
    edges = [0, *(match.end() for match in _SENTENCE.finditer(source.text)), len(source.text)]
    found_at = 0
    for position, claim in enumerate(source.claims, 1):
        if claim.kind in subjects.LEFT_OUT or not _is_a_number(claim):
            continue
        start = _start(source.text, claim, found_at)
        found_at = max(found_at, start)
        around = _around(source.text, edges, start, start + len(claim.span))
        made.append(_statement(source, claim, f"A{number}.{position}", around))
    return made


def _is_a_number(claim: Claim) -> bool:
    """Whether it has a figure, and one that can be compared: texts may print any digits."""
    values = [v for v in (claim.value, claim.value_low, claim.value_high) if v is not None]
    if not values and claim.kind in subjects.WITHOUT_FIGURE:
        return True
    return bool(values) and all(math.isfinite(v) and abs(v) < _LARGEST for v in values)


def _start(text: str, claim: Claim, search_from: int) -> int:
    """Where the span stands: as the claim says, else its next occurrence."""
    if claim.span and text[claim.start : claim.start + len(claim.span)] == claim.span:
        return claim.start
    ahead = text.find(claim.span, search_from) if claim.span else -1
    return ahead if ahead >= 0 else max(text.find(claim.span), 0)


def _statement(source: Source, claim: Claim, name: str, around: tuple[str, str, int]) -> Statement:
    family = subjects.family_of(claim)
    sentence, before, at = around
    subject = subjects.subject_of(claim, family)
    if subject == subjects.NOT_NAMED:
        known = _known_holders()
        named = subjects.holder_in(known, sentence, at)
        subject = named or subjects.holder_in(known, before, len(before)) or subject
    ahead, behind = sentence[:at], sentence[at + len(claim.span) :]
    return Statement(
        id=name,
        claim=claim,
        publisher=source.publisher,
        published=source.published,
        family=family,
        subject=subject,
        aspect=subjects.aspect_of(claim, family, ahead, behind),
        scope=subjects.scope_of(claim, family, ahead),
        window=window_of(claim.window),
        span=_bounded(as_of_span(claim.as_of) or as_of_span(source.published), source.published),
        context=sentence,
        before=before,
        url=source.url,
        is_asked=source.is_asked,
    )


@cache
def _known_holders() -> dict[str, str]:
    """Holders of the library by the names that texts may call them; assets are no holders."""
    known = {"long-term holders": "long-term holders", "long-term holder": "long-term holders"}
    rows = from_library(published().iter_rows(named=True))
    for item in rows:
        if item.family in subjects.BY_HOLDER and item.claim.metric != "other":
            name = item.subject.lower()
            if len(name) > 3 and name not in ("total", "major", "all", "futures", "defi"):
                known.setdefault(name, item.subject)
    known.pop(subjects.NOT_NAMED, None)
    return known


def _around(text: str, edges: Sequence[int], start: int, end: int) -> tuple[str, str, int]:
    """The sentence that holds a place, the one before it, and where in the first the place is.

    Cut where a text has no full stops: words further off say nothing about a figure.
    """
    first = max(bisect_right(edges, start) - 1, 0)
    last = min(bisect_left(edges, end), len(edges) - 1)
    begin, stop = edges[first], max(edges[last], end)
    if stop - begin > _LONGEST_SENTENCE:
        begin, stop = max(begin, start - _MOST_BEFORE), min(stop, end + _MOST_AFTER)
    sentence = text[begin:stop]
    previous = text[max(edges[max(first - 1, 0)], begin - _MOST_BEFORE) : begin].strip()
    blank = len(sentence) - len(sentence.lstrip())
    return sentence.strip(), previous, max(start - begin - blank, 0)


def _bounded(span: tuple[int, int] | None, published: str | None) -> tuple[int, int] | None:
    """Nothing is reported before it happened: cut at the time of publication."""
    known = as_of_span(published)
    if span is None or known is None or known[1] - known[0] > HOUR_NS:
        return span
    latest = known[1] + _EDITED_NS
    return (span[0], min(span[1], latest)) if span[0] < latest else span


def window_of(text: str | None) -> str | None:
    """1h, 24h, 7d, … for what is one of these in words; other words as they are."""
    if text is None or text == "point" or text.startswith("unstated"):
        return None
    return _WINDOWS.get(text.strip().lower(), text.strip())


def from_library(rows: Iterable[dict[str, Any]]) -> list[Statement]:
    """Statements of library figures; those without a value (times) keep their text as a note."""
    made = []
    for row in rows:
        metric, aspect = subjects.LIBRARY_METRICS.get(row["metric"], ("other", row["metric"]))
        claim = Claim(
            metric=metric,
            qualifier=row["qualifier"],
            value=row["value"],
            value_low=row["value_low"],
            value_high=row["value_high"],
            unit=row["unit"],
            asset=row["asset"],
            side=row["side"],
            venue="long-term holders" if row["metric"] == "lth_sold" else row["venue"],
            window=row["window"],
            as_of=row["as_of"],
            note=row["value_text"],
            publisher=row["publisher"],
        )
        family = subjects.family_of(claim)
        if family == "price" and "low" in (row["window"] or "").split():
            aspect = "low"
        if not aspect:
            aspect = subjects.aspect_of(claim, family, "", "")
        made.append(
            Statement(
                id=row["id"],
                claim=claim,
                publisher=row["publisher"],
                family=family,
                subject=subjects.subject_of(claim, family),
                aspect=aspect,
                scope=subjects.scope_of(claim, family),
                window=window_of(row["window"]),
                span=as_of_span(row["as_of"]),
                episode=row["event"],
                url=row["source_url"],
            )
        )
    return made


def place_in_episodes(statements: Sequence[Statement]) -> None:
    """Give each statement the crash that it is about: the nearest that began up to a week before.

    Assumed: texts write about a crash from the day before its first day to seven days after.
    A span that touches several events is about the one with most figures.
    """
    known = [
        (row["event"], *_days_ns(row["event"]), row["figures"])
        for row in events().iter_rows(named=True)
    ]
    for statement in statements:
        if statement.episode is not None or statement.span is None:
            continue
        start, end = statement.span
        near = [
            (figures if end - start > DAY_NS else -abs(start - first), event)
            for event, first, last, figures in known
            if start < last + 7 * DAY_NS and end > first - DAY_NS
        ]
        if end - start > 3 * DAY_NS and (own := as_of_span(statement.published)):
            # "In October" in a text about November: the text's own crash.
            near = [
                (-abs(own[0] - first), event)
                for event, first, last, _ in known
                if own[1] - own[0] <= DAY_NS and own[0] < last + 7 * DAY_NS and own[1] > first
            ] or near
        if near:
            statement.episode = max(near)[1]


def _days_ns(event: str) -> tuple[int, int]:
    first, last = event_days(event)
    return time_ns(first.isoformat()), time_ns(last.isoformat()) + DAY_NS


def link_repeats(statements: Sequence[Statement]) -> None:
    """An article and a library figure of the same publisher and value are one report.

    The library often knows the time more exactly, and whether a price was a low: the article's
    statement takes that over.
    """
    library: dict[str, list[Statement]] = {}
    for item in statements:
        if item.in_library:
            library.setdefault(item.publisher.casefold(), []).append(item)
    for item in statements:
        if item.in_library:
            continue
        for other in library.get(item.publisher.casefold(), ()):
            if _same_report(item, other):
                other.same_as = item.id
                if other.span and (item.span is None or _length(other) < _length(item)):
                    item.span = other.span
                if item.family == "price" and other.aspect in ("low", "high", "before"):
                    item.aspect = other.aspect
                item.window = item.window or other.window
                if item.claim.venue is None and other.claim.venue:
                    item.claim = msgspec.structs.replace(item.claim, venue=other.claim.venue)
                break


def _same_report(item: Statement, other: Statement) -> bool:
    return (
        (item.family, item.subject) == (other.family, other.subject)
        and item.claim.unit == other.claim.unit
        and abs(item.value - other.value) <= 1e-3 * abs(other.value)
        and (item.family != "liquidations" or item.aspect == other.aspect)
        and item.window in (None, other.window, "day", "event")
    )


def _length(statement: Statement) -> int:
    return statement.span[1] - statement.span[0] if statement.span else 1 << 62
