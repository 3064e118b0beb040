"""The best estimate of each quantity, how far it reaches, and who is off by how much."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from undertow.claims.reconcile.by_value import ByValue
from undertow.claims.reconcile.estimate_parts import ROLLING, Part, parts_of
from undertow.claims.reconcile.grouping import strands
from undertow.claims.reconcile.plausible import usable
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Check, Estimate, Group, Statement
from undertow.claims.reconcile.subjects import LASTING

# Assumed: figures within this of one another were read from the same place.
NEAR = 0.01
# ... and where no two do, those within this of one another.
NEARISH = 0.05


def estimate(group: Group, checks: Sequence[Check]) -> None:
    """Best estimates of a group's quantities, and each statement's distance from its own."""
    if group.family == "outlook":
        return
    closed = {name for check in checks if check.verdict == "ok" for name in check.statements}
    first: list[Estimate] = []
    others: list[Estimate] = []
    for (aspect, unit), items in strands(group).items():
        if group.family == "price" and _by_measurement(aspect, items):
            continue
        parts = [_of_part(group, aspect, unit, *part, closed) for part in parts_of(items).items()]
        known = [found for found in parts if found is not None]
        first += known[:1]
        others += known[1:]
    _share_of_best(group, first)
    group.best = [*first, *_differences(group, others), *others]


def _of_part(
    group: Group, aspect: str, unit: str, part: Part, items: Sequence[Statement], closed: set[str]
) -> Estimate | None:
    """The best estimate of one quantity, or None where all its figures are contradicted."""
    sound = [
        i
        for i in usable(items)
        if i.verdict != "contradicted" and i.claim.value is not None and not i.is_asked
    ]
    asked = {i.episode for i in items if i.is_asked}
    if asked and group.family not in LASTING:
        sound = [i for i in sound if i.episode in asked]  # not those of another crash
    sound = [i for i in sound if i.claim.qualifier in ("=", "~")] or sound
    if not sound:
        return None
    found = msgspec.structs.replace(
        _best(group, aspect, unit, sound, closed),
        **part._asdict(),
        statements=[i.id for i in items],
    )
    for item in items:
        if item.claim.value is not None and found.value:
            item.off_by = round(item.value / found.value - 1, 6)
    return found


def _differences(group: Group, others: Sequence[Estimate]) -> list[Estimate]:
    """What was lost between two levels of one source and scope, where nobody prints it."""
    if group.family not in ("open interest", "depth"):
        return []
    levels: dict[tuple[str, str], dict[str, Statement]] = {}
    for item in group.statements:
        is_level = item.aspect in ("before", "after") and item.claim.unit == "USD"
        if is_level and item.verdict != "contradicted" and item.claim.value is not None:
            levels.setdefault((item.origin, item.scope), {})[item.aspect] = item
    told = {item.scope for item in others if item.aspect == "change" and item.unit == "USD"}
    pairs = [pair for (_, scope), pair in levels.items() if len(pair) > 1 and scope not in told]
    return [
        Estimate(
            aspect="change", unit="USD", value=after.value - before.value,
            low=after.value - before.value, high=after.value - before.value,
            as_of=after.claim.as_of, scope=before.scope, sources=[before.publisher],
            why=f"{before.publisher}: from {shown(before.value)} to {shown(after.value)}; in"
            " dollars, so that the fall of the price is in it",
        )
        for before, after in ((pair["before"], pair["after"]) for pair in pairs)
    ]  # fmt: skip


def _by_measurement(aspect: str, items: Sequence[Statement]) -> bool:
    """Prices and changes of a moment have no common value: each is off by what was measured."""
    measured = {item.id: e.value for item in items for e in item.evidence if e.kind == "tape"}
    if aspect in ("low", "high") or not measured:
        return False
    for item in items:
        value = measured.get(item.id)
        if value and item.verdict == "contradicted":
            item.off_by = round(item.value / value - 1, 6)
    return True


def _share_of_best(group: Group, best: list[Estimate]) -> None:
    """The share of a side follows from the best estimates of the side and of both."""
    known = {item.aspect: item for item in best if item.unit == "USD" and item.window is None}
    for number, share in enumerate(best):
        part, both = known.get(share.aspect.removesuffix(" share")), known.get("both")
        if share.unit != "pct" or part is None or both is None or part is both or not both.value:
            continue
        value = 100 * part.value / both.value
        best[number] = msgspec.structs.replace(
            share, value=value, low=100 * part.low / both.high, high=100 * part.high / both.low,
            as_of=both.as_of, why=f"{shown(part.value)} / {shown(both.value)}, at the peak",
            sources=both.sources,
        )  # fmt: skip
        for item in group.statements:
            if item.aspect == share.aspect and item.claim.unit == "pct":
                item.off_by = round(item.value / value - 1, 6)


def _best(
    group: Group, aspect: str, unit: str, items: Sequence[Statement], closed: set[str]
) -> Estimate:
    if group.family in ROLLING and unit in ("USD", "count"):
        return _peak(aspect, unit, items, closed)
    if group.family == "price" and aspect in ("low", "high"):
        measured = _on_tape(aspect, unit, items)
        if measured is not None:
            return measured
    if group.family == "price" and aspect in ("low", "high"):
        size = min if aspect == "low" else max
        edge = size(item.value for item in items)
        near = [i for i in items if abs(i.value - edge) <= NEAR / 2 * abs(edge)]
        return _of(aspect, unit, near, edge, f"the {aspect}est that was reported")
    return _most_supported(aspect, unit, items)


def _peak(aspect: str, unit: str, items: Sequence[Statement], closed: set[str]) -> Estimate:
    """The peak of the rolling series: the figure near it whose sides add up, else the middle."""
    windows = [i for i in items if i.window in ("24h", "day", None)] or list(items)
    peak = max(item.value for item in windows)
    near = [item for item in windows if item.value >= peak - NEAR * abs(peak)]
    sound = [item for item in near if item.id in closed]
    value = max(item.value for item in sound) if sound else median(i.value for i in near)
    count = len({item.origin for item in near})
    who = "one publisher only" if count == 1 else f"{count} publishers within {NEAR:.0%}"
    why = f"peak of the rolling window: {who}"
    if sound:
        why += "; its sides add up"
    if unit == "USD":
        why += "; exchanges' feeds are throttled, so that it is a lower bound"
    return _of(aspect, unit, near, value, why)


def _on_tape(aspect: str, unit: str, items: Sequence[Statement]) -> Estimate | None:
    """The extreme that was measured, with those printed that are closest to it."""
    measured = [e.value for i in items for e in i.evidence if e.kind == "tape" and e.value]
    if not measured:
        return None
    edge = min(measured) if aspect == "low" else max(measured)
    near = [i for i in items if abs(i.value - edge) <= NEAR / 2 * abs(edge)]
    estimate = _of(aspect, unit, near or items[:1], edge, "measured on the tape's candles")
    values = [edge, *(item.value for item in near)]
    return Estimate(aspect=aspect, unit=unit, value=edge, low=min(values), high=max(values),
                    as_of=estimate.as_of, why=estimate.why,
                    sources=estimate.sources if near else [])  # fmt: skip


def _most_supported(aspect: str, unit: str, items: Sequence[Statement]) -> Estimate:
    """The value with most publishers within one percent; of equals the later, the more exact.

    A loss: the highest with two publishers, since first reports know only a part.
    """
    near_by, within = ByValue(items), NEAR
    sources = near_by.support(NEAR)
    if len(items) > 2 and max(sources.values()) < 2:
        within = NEARISH  # nobody agrees: where most of them gather
        sources = near_by.support(NEARISH)

    def support(item: Statement) -> tuple[bool, int, bool, int, int, str]:
        when = item.span[0] if item.span else 0
        is_measured = any(e.kind == "tape" and e.verdict == "consistent" for e in item.evidence)
        return (
            is_measured,
            sources[item.id],
            not item.in_library,
            when,
            len(f"{abs(item.value):.12g}".strip("0")),
            item.id,
        )

    best = max(items, key=support)
    if items[0].family == "loss":
        # First reports are low: the highest that a second source confirms.
        best = max(items, key=lambda item: (support(item)[1] > 1, item.value))
    near = [i for i in items if abs(i.value - best.value) <= within * abs(best.value)]
    count = len({item.origin for item in near})
    why = f"{count} publishers within {within:.0%}" if count > 1 else "one publisher only"
    if len(near) < len(items):
        low, high = min(i.value for i in items), max(i.value for i in items)
        why += f"; others from {shown(low, unit)} to {shown(high, unit)}"
    return _of(aspect, unit, near, best.value, why)


def _of(aspect: str, unit: str, items: Sequence[Statement], value: float, why: str) -> Estimate:
    values = [item.value for item in items] or [value]
    exact = min(
        (i for i in items if i.span), key=lambda i: i.span[1] - i.span[0] if i.span else 0,
        default=None,
    )  # fmt: skip
    return Estimate(
        aspect=aspect,
        unit=unit or None,
        value=value,
        low=min([*values, value]),
        high=max([*values, value]),
        as_of=exact.claim.as_of if exact is not None else None,
        why=why,
        sources=list(dict.fromkeys(item.publisher for item in items)),
    )


def summarise(group: Group) -> None:
    """What relates the statements of a group, what explains them, and what is in conflict."""
    by = [
        e.by
        for item in group.statements
        if item.verdict == "explained"
        for e in item.evidence
        if e.verdict == "explained"
    ]
    group.explained_by = [word for word in dict.fromkeys(by) if word]
    if group.family == "outlook":
        group.relation = "not facts"
    elif group.family == "in words":
        group.relation = "statements in words"
    elif group.series:
        group.relation = "one rolling series seen at different times"
    elif group.family == "price":
        group.relation = "running extremes and prices at different times and venues"
    elif group.family == "loss":
        group.relation = "an estimate that grew, then differs by how it is valued"
    else:
        group.relation = "levels by time and provider"
    told = dict.fromkeys(group.conflicts)
    for item in group.statements:
        unclear = [e.text for e in item.evidence if e.by == "window" and e.kind == "series"]
        line = f"{item.publisher}: {shown(item.value)}: {unclear[0]}" if unclear else ""
        if unclear and item.window is None:
            told[line] = None
        if item.verdict == "contradicted" and item.same_as is None:
            unit = item.claim.unit
            reason = _gravest(item)
            figure = f"{item.aspect} {shown(item.value, unit)}"
            if group.family == "in words":
                figure = f"'{item.claim.span}'"
            told[f"{item.publisher}: {figure}: {reason}"] = None
    group.conflicts = list(told)


def _gravest(item: Statement) -> str:
    against = [e for e in item.evidence if e.verdict == "contradicted"]
    # The last that was found says most: labels and sums come after the first comparison.
    return against[-1].text if against else ""
