"""What all arithmetic shares: how a check is written down, and which statements belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from undertow.claims.reconcile.ranges import agree
from undertow.claims.reconcile.result import Check, Statement
from undertow.measures.as_of import HOUR_NS

# Assumed: numbers of one thought stand within so many characters of one another.
CLOSE = 250
# Figures of one quantity in one text that are tried in sums; longer lists are tables, not news.
MOST_ALIKE = 30


def make(
    kind: str,
    expression: str,
    computed: float,
    operands: Sequence[Statement],
    stated: Statement | None = None,
    *,
    verdict: str | None = None,
    stated_value: float | None = None,
    note: str = "",
    slack: float = 0.0,
) -> Check:
    """A check; its verdict follows from rounding and qualifier unless it is given."""
    if stated is not None and verdict is None:
        is_right = agree(computed, stated.value, stated.claim.qualifier, slack)
        verdict = "ok" if is_right else "contradiction"
    if stated is not None and stated_value is None:
        stated_value = stated.value
    involved = [*operands, *([stated] if stated is not None else [])]
    return Check(
        kind=kind,
        expression=expression,
        computed=computed,
        stated=stated_value,
        verdict=verdict or "implied",
        note=note,
        operands=[item.value for item in operands],
        statements=list(dict.fromkeys(item.id for item in involved)),
        publishers=list(dict.fromkeys(item.publisher for item in involved)),
    )


def plain(value: float) -> str:
    """A number as it goes into an expression."""
    return f"{value:.12g}"


def by_publisher(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Statements of each publisher about one crash, each figure once.

    All of an article are about the crash that most of them are about: a record high of a month
    before belongs to its sums.
    """
    articles: dict[str, Counter[str]] = {}
    for item in statements:
        if not item.in_library:
            counts = articles.setdefault(item.id.split(".")[0], Counter())
            counts[item.episode or ""] += 1

    def key(item: Statement) -> tuple[str, str]:
        counted = articles.get(item.id.split(".")[0])
        crash = counted.most_common(1)[0][0] if counted else item.episode or ""
        return item.publisher.casefold(), crash

    ordered = sorted(statements, key=lambda item: (key(item), item.in_library, item.id))
    return [_some_of_each(once(list(items))) for _, items in groupby(ordered, key=key)]


def _some_of_each(items: Sequence[Statement]) -> list[Statement]:
    """At most `MOST_ALIKE` of one quantity: sums try pairs and triples of them."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    kept = []
    for item in items:
        key = (item.family, item.subject, item.scope, item.aspect, item.claim.unit)
        counts[key] += 1
        if counts[key] <= MOST_ALIKE:
            kept.append(item)
    return kept


def once(statements: Sequence[Statement]) -> list[Statement]:
    """Each figure of a publisher once: repeats, and the library's copies, are left out."""
    seen: dict[tuple[object, ...], Statement] = {}
    for item in statements:
        who, unit = (item.publisher.casefold(), item.window), item.claim.unit
        key = (*who, item.family, item.subject, item.scope, item.aspect, unit, item.value)
        if item.same_as is None:
            seen.setdefault(key, item)
    return list(seen.values())


def are_close(first: Statement, second: Statement) -> bool:
    """Whether two figures of an article stand close to one another; library rows: one publisher."""
    if first.in_library or second.in_library:
        return first.publisher == second.publisher
    same_text = first.id.split(".")[0] == second.id.split(".")[0]
    return same_text and (
        first.context == second.context or abs(first.claim.start - second.claim.start) <= CLOSE
    )


def are_together(first: Statement, second: Statement, hours: int = 6) -> bool:
    """Whether two statements can be about one moment: their times meet, give or take hours."""
    if first.span is None or second.span is None:
        return True
    slack = hours * HOUR_NS
    return first.span[0] - slack < second.span[1] and second.span[0] - slack < first.span[1]
