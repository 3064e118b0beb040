"""Contradictions between statements: wrong labels, wrong scopes, wrong dates, two totals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from undertow.claims.reconcile.by_value import ByValue
from undertow.claims.reconcile.making_checks import are_together, once, plain
from undertow.claims.reconcile.ranges import cut_off, shown
from undertow.claims.reconcile.result import Check, Evidence, Group, Statement
from undertow.claims.reconcile.subjects import NOT_NAMED
from undertow.measures.as_of import DAY_NS
from undertow.model.periods import time_text

# Assumed: a label is wrong when the figure is within this of another thing's ...
EQUAL = 0.03
# ... and this far from all others of its own.
FAR = 0.15
SAME_TOTAL = 0.005
_MOST_TOTALS = 200  # of so many the median is known well enough
_TWO_LOOKS = 3.0  # assumed: within one text a rolling total grows by no more
_WHOLE = 1e6  # from here on six digits would be told with an exponent
_ROLLING = ("liquidations", "traders liquidated", "largest liquidation")


def find_conflicts(
    groups: Sequence[Group], checks: Sequence[Check], statements: Sequence[Statement]
) -> None:
    """Mark what contradicts what, on the statements and on their groups.

    ``statements`` are all that are known, also those whose groups nobody asked for.
    """
    for group in groups:
        _sides(group, statements)
        _scopes(group)
        _parts_called_whole(group, statements)
        _two_in_one_text(group)
        if group.family in ("loss", "exposure", "treasury"):
            _dates(group)
    by_id = {item.id: item for group in groups for item in group.statements}
    group_of = {item.id: group for group in groups for item in group.statements}
    for check in checks:
        _from_arithmetic(check, by_id)
        if check.verdict == "contradiction" and check.kind in ("sum", "parts"):
            told = group_of.get(check.statements[-1])
            text = f"{check.publishers[0]}: {check.expression} = {shown(check.computed)}, printed"
            if told is not None and check.stated is not None:
                told.conflicts.append(f"{text} as {shown(check.stated)}")


def _sides(group: Group, statements: Sequence[Statement]) -> None:
    """A figure called longs that is others' total of both sides, though shorts were closed too."""
    if group.family != "liquidations":
        return
    amounts = [i for i in group.statements if i.claim.unit == "USD" and i.claim.value]
    totals = [i for i in amounts if i.aspect == "both"]
    by_value = ByValue(totals)
    whole_market = [
        i for i in statements
        if (i.family, i.subject, i.scope) == ("liquidations", "ALL", "all")
        and i.claim.unit == "USD" and i.episode == group.episode
    ][:_MOST_TOTALS]  # fmt: skip
    largest: dict[str, float] = {}
    for total in totals:
        largest[total.publisher] = max(total.value, largest.get(total.publisher, 0.0))
    for item in (i for i in amounts if i.aspect in ("long", "short")):
        same = [
            total
            for total in by_value.within(item.value, 2 * SAME_TOTAL)
            if total.origin != item.origin
            and abs(item.value / total.value - 1) <= SAME_TOTAL
            and are_together(item, total)
        ]
        has_larger = largest.get(item.publisher, 0.0) > item.value * 1.02
        if len({total.origin for total in same}) < 2 or has_larger:
            continue
        share = _other_share(item, whole_market)
        text = (
            f"called {item.aspect}s, but {', '.join(i.publisher for i in same[:2])} give"
            f" {shown(same[0].value, 'USD')} for both sides"
        )
        if share is not None and share > 0.05:
            text += f"; {share:.0%} of the whole market was on the other side"
            item.say("contradicted", Evidence(kind="source", text=text, by="label"))


def _other_share(item: Statement, whole_market: Sequence[Statement]) -> float | None:
    """Share of the other side in the whole market's liquidations of that time."""
    other = "short" if item.aspect == "long" else "long"
    near = [i for i in whole_market if i.episode == item.episode and are_together(i, item)]
    parts = [i.value for i in near if i.aspect == other]
    totals = [i.value for i in near if i.aspect == "both"]
    whole = max(totals, default=0.0)
    return median(parts) / whole if parts and whole else None


def _scopes(group: Group) -> None:
    """An all-venue figure called perpetuals: it is the others' total, and far from their perps."""
    levels = [i for i in once(group.statements) if i.claim.unit == "USD" and i.aspect != "change"]
    for item in (i for i in levels if i.scope == "perps"):
        whole = [i for i in levels if i.scope == "all" and i.origin != item.origin]
        own = [i for i in levels if i.scope == "perps" and i is not item]
        equal = [i for i in whole if _ratio(i, item) <= EQUAL]
        far = [i for i in own if _ratio(i, item) > FAR]
        if equal and far and len(far) == len(own):
            text = (
                f"{shown(item.value, 'USD')} is the figure of all venues ({equal[0].publisher});"
                f" perpetuals alone: {shown(_scaled(far[0], item), 'USD')} ({far[0].publisher})"
            )
            item.say("contradicted", Evidence(kind="source", text=text, by="scope"))


def _ratio(other: Statement, item: Statement) -> float:
    """How far apart two figures are, once lost thousands are put back."""
    scaled = _scaled(other, item)
    return abs(scaled / item.value - 1) if item.value else 1.0


def _scaled(other: Statement, item: Statement) -> float:
    value = other.value
    for factor in (1e3, 1e6):
        # A unit error shows as a figure a thousand times smaller than any of its kind.
        if value and item.value / value > 300:
            value = other.value * factor
    return value


def _parts_called_whole(group: Group, statements: Sequence[Statement]) -> None:
    """One coin's figure called the whole market's."""
    if group.family not in ("market cap", "open interest") or group.subject not in ("TOTAL", "ALL"):
        return
    levels = [i for i in group.statements if i.claim.unit == "USD" and i.aspect != "change"]
    usual = median([i.value for i in levels]) if levels else 0.0
    for item in levels:
        if len(levels) < 3 or not usual or abs(item.value / usual - 1) <= FAR:
            continue
        equal = [
            i
            for i in statements
            if (i.family, i.episode) == (group.family, group.episode)
            and i.subject != group.subject
            and i.aspect != "change"
            and i.claim.unit == "USD"
            and _ratio(i, item) <= EQUAL
            and i.origin != item.origin
            and are_together(i, item)
        ]
        if equal:
            text = (
                f"{shown(item.value, 'USD')} is the figure of {equal[0].subject} alone"
                f" ({equal[0].publisher}); the whole market stood near {shown(usual, 'USD')}"
            )
            item.say("contradicted", Evidence(kind="source", text=text, by="label"))


def _two_in_one_text(group: Group) -> None:
    """Two figures of one quantity in one text that are neither rounded nor cut off."""
    by_text: dict[tuple[str, str, str, str], list[Statement]] = {}
    for item in group.statements:
        if not item.in_library and item.claim.value is not None:
            key = (item.id.split(".")[0], item.aspect, item.claim.unit or "", item.scope)
            by_text.setdefault(key, []).append(item)
    for (_, aspect, unit, _), items in by_text.items():
        if group.family in _ROLLING and unit == "USD":
            _two_totals(group, aspect, unit, items)
        if group.family == "price" and aspect == "level":
            _below_its_low(group, items)


def _two_totals(group: Group, aspect: str, unit: str, items: Sequence[Statement]) -> None:
    same = [i for i in items if i.window in ("24h", "day", None)]
    by_value = {item.value: item for item in reversed(same)}
    for low, high in pairwise(sorted(by_value)):
        if high > _TWO_LOOKS * low:
            continue  # not two looks at one total: a part of it, or another thing
        first, second = by_value[low], by_value[high]
        how = cut_off(low, high) or cut_off(high, low)
        text = f"{first.publisher}: {shown(low, unit)} and {shown(high, unit)} ({aspect}) in one"
        text += " text"
        evidence = Evidence(kind="source", text=f"{text}{', ' + how if how else ''}",
                            by="rounding" if how else "two snapshots")  # fmt: skip
        first.say("explained", evidence)
        if not how and not first.allowed.meets(second.allowed):
            group.conflicts.append(text)


def _below_its_low(group: Group, levels: Sequence[Statement]) -> None:
    """ "Below 104,000", with a low above that in the same text."""
    for level in levels:
        lows = [
            i
            for i in group.statements
            if i.aspect == "low" and i.id.split(".")[0] == level.id.split(".")[0]
            and i.claim.qualifier == "=" and are_together(i, level) and i.subject == level.subject
        ]  # fmt: skip
        if level.claim.qualifier in ("<", "<=") and lows:
            low = min(lows, key=lambda item: item.value)
            if low.value > level.value:
                text = (
                    f"{level.publisher}: below {shown(level.value)}, but its own low is"
                    f" {shown(low.value)}"
                )
                level.evidence.append(Evidence(kind="source", text=text, by="internal conflict"))
                if text not in group.conflicts:
                    group.conflicts.append(text)


def _dates(group: Group) -> None:
    """An article that dates an event otherwise than all who know its day."""
    exact = [i for i in group.statements if i.span and i.span[1] - i.span[0] <= DAY_NS]
    days = [i.span[0] // DAY_NS for i in exact if i.span]
    publishers = {i.origin for i in exact}
    if len(publishers) < 3 or group.family != "loss" or group.subject == NOT_NAMED:
        return
    first, last = min(days) * DAY_NS, (max(days) + 1) * DAY_NS
    for item in group.statements:
        if item.span and (item.span[1] <= first or item.span[0] >= last + 30 * DAY_NS):
            text = (
                f"dated {item.claim.as_of}; {len(publishers)} others date it from"
                f" {time_text(first)[:10]}"
            )
            item.evidence.append(Evidence(kind="source", text=text, by="date"))
            group.conflicts.append(f"{item.publisher}: {text}")


def _from_arithmetic(check: Check, by_id: dict[str, Statement]) -> None:
    """What arithmetic says about the statements that went into a check."""
    named = [by_id[name] for name in check.statements if name in by_id]
    if not named:
        return
    # An order has no result, and a single number is its own.
    is_whole = "<" in check.expression or check.expression == plain(check.computed)
    digits = ",.0f" if abs(check.computed) >= _WHOLE else ",.6g"
    written = check.expression if is_whole else f"{check.expression} = {check.computed:{digits}}"
    text = f"{check.note} ({written})" if check.note else written
    evidence = Evidence(kind="arithmetic", text=text, by=check.kind, value=check.computed)
    stated = named[-1]
    if check.verdict in ("contradiction", "scale error") and stated.id != check.statements[-1]:
        return  # what is wrong is in no group of these: the numbers beside it are not to blame
    if check.verdict == "contradiction" and check.kind == "proceeds":
        for item in named:
            if item.aspect != "debt":
                item.say("contradicted", evidence)
    elif check.verdict == "contradiction" and check.kind == "balance":
        named[min(1, len(named) - 1)].say("contradicted", evidence)
    elif check.verdict == "contradiction" and check.kind in ("share", "change"):
        stated.say("contradicted", evidence)
    elif check.verdict == "contradiction":
        stated.say("explained", evidence)
    elif check.verdict == "scale error":
        is_resolved = abs(check.computed - stated.value) > abs(stated.value)
        stated.say("explained" if is_resolved else "contradicted", evidence)
    elif check.verdict == "ok":
        for item in named:
            item.evidence.append(evidence)
            is_own = item.is_asked and check.publishers == [item.publisher]
            # That a sentence adds up in itself says nothing of the market.
            weaker = ("unsupported", "cannot be checked", *(["explained"] * item.is_asked))
            if item.verdict in weaker and not is_own:
                item.verdict = "consistent"
    else:
        stated.evidence.append(evidence)
