"""Which statements are about one quantity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from undertow.claims.reconcile.result import Evidence, Group, Statement
from undertow.claims.reconcile.subjects import LASTING, NOT_NAMED

# Families whose scopes (perpetuals, all venues, one venue) are compared within one group.
_SCOPES_TOGETHER = ("open interest", "depth", "largest liquidation", "traders liquidated")
# Assets that every crash is about; a figure of any other belongs to the crash that has it.
_ALWAYS = ("BTC", "ETH", "SOL", "ALL", "TOTAL")
_TITLES = {
    "price": "{subject}: price and change",
    "liquidations": "{subject}: liquidations",
    "traders liquidated": "traders liquidated",
    "largest liquidation": "largest single liquidation",
    "outlook": "{subject}: levels, odds and forecasts",
    "treasury": "{subject}: holdings, purchases, sales and debt",
    "loss": "{subject}: loss",
    "exposure": "exposures to what failed",
    "market cap": "{subject}: market capitalisation",
    "etf flow": "{subject}: flows of exchange-traded funds",
    "fear greed": "Fear & Greed index",
    "in words": "{subject}: superlatives and causes",
    "timeline": "times of what happened",
}


def group_statements(
    statements: Sequence[Statement], *, whole_library: bool = False
) -> list[Group]:
    """Groups in the order in which the articles first speak of them.

    Parameters
    ----------
    whole_library
        Keep groups that no article speaks of.
    """
    by_key: dict[tuple[str, str, str, str], list[Statement]] = {}
    for item in statements:
        if item.family in ("other", "timeline") and not whole_library:
            continue
        by_key.setdefault(_key(item), []).append(item)
    _join_rare(by_key)
    _join_unnamed(by_key)
    kept = {
        key: items
        for key, items in by_key.items()
        if whole_library or any(not item.in_library for item in items)
    }
    return [_group(n, key, items) for n, (key, items) in enumerate(kept.items(), 1)]


def _key(item: Statement) -> tuple[str, str, str, str]:
    subject = "ALL" if item.family == "largest liquidation" else item.subject
    scope = "all" if item.family in _SCOPES_TOGETHER else item.scope
    if item.family == "exposure":
        subject = "ALL"  # whoever is exposed to one failure: aspects of one group
    if item.family == "other":
        subject = f"{item.subject} {item.aspect}".strip()
    episode = "" if item.family in LASTING else (item.episode or "")
    return item.family, subject, scope, episode


def _join_rare(by_key: dict[tuple[str, str, str, str], list[Statement]]) -> None:
    """A group of one publisher about a rare asset joins the event that knows the asset."""
    for key in list(by_key):
        family, subject, _, episode = key
        if subject in _ALWAYS or family in LASTING or len(_publishers(by_key[key])) > 1:
            continue
        others = [
            other
            for other in by_key
            if other[:3] == key[:3] and other[3] != episode and len(_publishers(by_key[other])) > 1
        ]
        if others:
            by_key[max(others, key=lambda other: len(by_key[other]))] += by_key.pop(key)


def _join_unnamed(by_key: dict[tuple[str, str, str, str], list[Statement]]) -> None:
    """A holder that only one text has, by a name of its own, is the one with the same figure."""
    for key in list(by_key):
        if key[0] not in ("treasury", "loss") or len(_publishers(by_key[key])) > 1:
            continue
        for item in list(by_key[key]):
            for other in list(by_key):
                if other != key and other[0] == key[0] and _has_figure(by_key[other], item):
                    by_key[key].remove(item)
                    by_key[other].append(item)
                    text = f"the holder is not named so elsewhere; {other[1]} has this figure"
                    item.evidence.append(Evidence(kind="source", text=text, by="scope"))
                    item.subject = other[1]
                    break
        if not by_key[key]:
            del by_key[key]


def _has_figure(items: Sequence[Statement], item: Statement) -> bool:
    """The same figure, of three digits or more, from two other publishers."""
    digits = len(f"{abs(item.value):.12g}".strip("0."))
    equal = {
        other.origin
        for other in items
        if other.claim.unit == item.claim.unit
        and other.origin != item.origin
        and abs(other.value - item.value) <= 5e-3 * abs(item.value)
    }
    return digits >= 3 and len(equal) >= 2


def _publishers(items: Iterable[Statement]) -> set[str]:
    return {item.origin for item in items}


def _group(number: int, key: tuple[str, str, str, str], items: list[Statement]) -> Group:
    family, subject, scope, episode = key
    title = _TITLES.get(family, "{subject}: " + family).format(subject=_named(subject))
    if scope != "all":
        title += f" on {scope}" if scope != "perps" else " of perpetuals"
    if episode:
        title += f", {episode}"
    return Group(
        id=f"G{number}",
        family=family,
        subject=subject,
        scope=scope,
        episode=episode or None,
        title=title,
        statements=items,
    )


def _named(subject: str) -> str:
    whole = "whole market"
    return {"ALL": whole, "TOTAL": whole, NOT_NAMED: "holder not named"}.get(subject, subject)


def strands(group: Group) -> dict[tuple[str, str], list[Statement]]:
    """The statements of a group by aspect and unit."""
    found: dict[tuple[str, str], list[Statement]] = {}
    for item in group.statements:
        if item.claim.value is not None or item.claim.value_low is not None:
            found.setdefault((item.aspect, item.claim.unit or ""), []).append(item)
    return found
