"""The day of articles that have no date, for ``undertow claims reconcile``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from undertow.cli.app import complain

if TYPE_CHECKING:
    from undertow.claims.article import Article
    from undertow.claims.claim import Claim

    Read = tuple[Article, list[Claim]]


def all_dated(read: Sequence[Read]) -> list[Read]:
    """Articles without a date are taken to be of a day that they name, and it is said so.

    Without any day their figures could be placed on no series and on no tape. First by the days
    that figures of the article name, the commonest with a bundled tape first; then by a day of
    the other articles that the text names without its year ("November 4th").
    """
    read = [_as_of_day(one, _day_of_figures(one[1])) for one in read]
    days = Counter(article.published[:10] for article, _ in read if article.published)
    read = [_as_of_day(one, _day_in(one[0].text, list(days))) for one in read]
    for article, claims in read:
        if article.published is None and claims:
            complain(f"{article.name}: of no known day, so that most of it cannot be measured")
    return read


def _day_of_figures(claims: Sequence[Claim]) -> str | None:
    from undertow.claims import library as figures
    from undertow.measures.as_of import as_of_span

    counted = Counter(claim.as_of[:10] for claim in claims if claim.as_of).most_common()
    days = [day for day, _ in counted if len(day) == len("2025-11-04") and as_of_span(day)]
    return next((day for day in days if figures.tape_for(day)), next(iter(days), None))


def _day_in(text: str, days: Sequence[str]) -> str | None:
    """The first of some days that a text names by month and day."""
    for day in days:
        moment = date.fromisoformat(day)
        month, number = f"{moment:%B}", f"0?{moment.day}(?:st|nd|rd|th)?"
        if re.search(rf"\b(?:{month} {number}|{number} {month})\b", text, re.IGNORECASE):
            return day
    return None


def _as_of_day(one: Read, day: str | None) -> Read:
    """An article without a date at the day that was found for it."""
    article = one[0]
    if article.published is not None or day is None:
        return one
    import msgspec

    from undertow.claims.extract import extract as claims_of

    complain(f"{article.name}: taken to be of {day}, which it names (--date says otherwise)")
    article = msgspec.structs.replace(article, published=day)
    return article, claims_of(article)
