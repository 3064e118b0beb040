"""Reconciliation: which figures are one series at different times, which are wrong, and why.

``reconcile`` groups claims about one quantity, draws rolling series through them, checks the
arithmetic in and across texts, and holds them against the library of published figures and a tape.
"""

from __future__ import annotations

from collections.abc import Sequence

from undertow.claims.reconcile.causes import Causes
from undertow.claims.reconcile.changes import changes
from undertow.claims.reconcile.conflicts import find_conflicts
from undertow.claims.reconcile.copies import find_copies, mark_copies
from undertow.claims.reconcile.estimates import estimate, summarise
from undertow.claims.reconcile.grouping import group_statements
from undertow.claims.reconcile.holder_sums import holder_sums
from undertow.claims.reconcile.judging import judge_group
from undertow.claims.reconcile.market_sums import market_sums
from undertow.claims.reconcile.result import (
    Check,
    Copy,
    Estimate,
    Evidence,
    Group,
    Point,
    Reconciliation,
    Series,
    Statement,
)
from undertow.claims.reconcile.scales import scales
from undertow.claims.reconcile.statements import (
    Source,
    from_library,
    link_repeats,
    place_in_episodes,
    statements_of,
)
from undertow.claims.reconcile.subjects import LASTING
from undertow.claims.reconcile.tape_prices import TapePrices
from undertow.measures.published import published
from undertow.tape import Tape

__all__ = [
    "Check",
    "Copy",
    "Estimate",
    "Evidence",
    "Group",
    "Point",
    "Reconciliation",
    "Series",
    "Source",
    "Statement",
    "reconcile",
]


def reconcile(
    sources: Sequence[Source],
    *,
    tape: Tape | None = None,
    tape_name: str | None = None,
    with_library: bool = True,
    events: Sequence[str] = (),
) -> Reconciliation:
    """Hold the claims of texts against one another, the library and a tape.

    Parameters
    ----------
    sources
        The texts with their claims.
    tape
        Market data around the time of the texts; None: no measuring.
    tape_name
        How the answer names the tape.
    with_library
        Also compare with the published figures of the same crashes.
    events
        Events whose library figures are all judged, also where no text speaks of them.

    Returns
    -------
    Reconciliation
        Groups with verdicts, evidence, series and best estimates; and every check.

    Raises
    ------
    UndertowError
        For an event that the library does not know.

    Notes
    -----
    Amounts in base units; falls negative. All thresholds are assumed and named where they stand.
    """
    statements = [s for n, source in enumerate(sources, 1) for s in statements_of(source, n)]
    copies = find_copies(sources)
    mark_copies(statements, copies)
    place_in_episodes(statements)
    if with_library:
        statements += _from_the_library(statements, events)
        link_repeats(statements)
    prices = TapePrices(tape, statements) if tape is not None else None
    causes = None if tape is None or prices is None else Causes(statements, tape, prices)
    groups = group_statements(statements, whole_library=bool(events))
    for group in groups:
        judge_group(group, tape, prices, causes, statements)
    checks = all_checks(statements, prices)
    find_conflicts(groups, checks, statements)
    share_verdicts(statements)
    for group in groups:
        estimate(group, checks)
        summarise(group)
    return Reconciliation(
        groups=groups, checks=checks, tape=tape_name, copies=list(copies.values())
    )


def share_verdicts(statements: Sequence[Statement]) -> None:
    """The library's copy of an article's figure has the article's verdict."""
    by_id = {item.id: item for item in statements}
    for item in statements:
        original = by_id.get(item.same_as or "")
        if original is not None:
            item.verdict, item.evidence = original.verdict, list(original.evidence)


def all_checks(statements: Sequence[Statement], prices: TapePrices | None) -> list[Check]:
    """Every piece of arithmetic that the statements allow, each expression once."""

    def around(asset: str, statement: Statement) -> tuple[float, float] | None:
        return None if prices is None else prices.around(asset, statement)

    # Nothing can be divided by, or be a share of, a figure of nought.
    given = [item for item in statements if item.value != 0]
    found = [*market_sums(given), *holder_sums(given, around), *changes(given), *scales(given)]
    once: dict[tuple[str, float | None], Check] = {}
    for check in found:
        once.setdefault((check.expression, check.stated), check)
    return list(once.values())


def _from_the_library(given: Sequence[Statement], events: Sequence[str]) -> list[Statement]:
    """Library figures of the same crashes, and lasting ones of the same holders and assets."""
    episodes = {item.episode for item in given if item.episode} | set(events)
    about = {(item.family, item.subject) for item in given}
    lasting = {key for key in about if key[0] in LASTING}
    rows = from_library(published().iter_rows(named=True))
    rare = {key for key in about if key[1] not in ("BTC", "ETH", "SOL", "ALL", "TOTAL")}
    return [
        item
        for item in rows
        if item.episode in episodes
        or (item.family, item.subject) in lasting
        or (item.family, item.subject) in rare
    ]
