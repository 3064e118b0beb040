"""Arithmetic of change: a percentage against the levels it goes from and to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from undertow.claims.reconcile.making_checks import (
    are_close,
    are_together,
    by_publisher,
    make,
    once,
    plain,
)
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Check, Statement

_FAMILIES = ("price", "market cap", "open interest", "depth")
# Assumed: percentages this far apart are not about the same two levels at all.
_UNRELATED = 0.4
# So many pairs of other texts are tried for one percentage.
_MOST_TRIED = 60
Key = tuple[str | None, ...]
_SHORT = ("1h", "4h", "24h", "7d", "30d")


def changes(statements: Sequence[Statement]) -> list[Check]:
    """All checks of this module."""
    checks: list[Check] = []
    for items in by_publisher(statements):
        for family in _FAMILIES:
            here = [i for i in items if i.family == family and i.claim.value is not None]
            percents = [i for i in here if i.claim.unit == "pct" and i.aspect == "change"
                        and i.claim.kind != "historical"]  # fmt: skip
            levels = [i for i in here if i.claim.unit == "USD" and i.aspect != "change"]
            for percent in percents:
                mine = [i for i in levels if i.subject == percent.subject]
                here_too = [i for i in mine if i.scope == percent.scope]
                checks += _within(percent, here_too, mine) + _day_before(percent, here_too)
    # Two levels that give one percentage of a text exactly are not about another.
    taken = {(c.publishers[0], *c.operands) for c in checks if c.verdict == "ok"}
    checks = [
        check
        for check in checks
        if check.verdict in ("ok", "implied") or (check.publishers[0], *check.operands) not in taken
    ]
    return checks + _across(once(statements)) + _differences(statements)


def _is_since_high(percent: Statement) -> bool:
    words = (percent.window or "").lower()
    return any(word in words for word in ("since", "high", "ath", "peak", "record"))


def _pairs(percent: Statement, levels: Sequence[Statement]) -> list[tuple[Statement, Statement]]:
    """From and to: what the words of the percentage allow."""
    ends = ("low", "spot", "after", "level")
    starts: tuple[str, ...]
    if _is_since_high(percent):
        starts = ("high",)
    elif percent.window in _SHORT:
        starts = ("before",)
    else:
        starts = ("before", "high")
    found = [
        (start, end)
        for start in levels
        for end in levels
        if start is not end
        and are_together(percent, end)
        and start.aspect in starts
        and end.aspect in ends
        and (end.value < start.value) == (percent.value < 0)
    ]
    if percent.family != "price" and not found:
        found = [(a, b) for a in levels for b in levels
                 if a.aspect in ("before", "level") and b.aspect in ("after", "low", "level")
                 and (b.value < a.value) == (percent.value < 0) and are_close(a, b)
                 and (a.family != "depth" or a.window == b.window == percent.window)]  # fmt: skip
    return found


def _within(
    percent: Statement, levels: Sequence[Statement], all_scopes: Sequence[Statement]
) -> list[Check]:
    """The percentage against two levels of the same text; the closest pair counts.

    Levels of another scope count only where they fit: texts do not always repeat the venue.
    """
    found = [_change(percent, start, end) for start, end in _pairs(percent, levels)]
    if not any(check.verdict == "ok" for check in found):
        wider = [_change(percent, start, end) for start, end in _pairs(percent, all_scopes)
                 if start.scope == end.scope]  # fmt: skip
        found += [check for check in wider if check.verdict == "ok"]
    found = [check for check in found if _is_related(check)]
    if not found:
        return []
    # A pair of two plain figures says more than one with "about" or "below".
    right = sorted(
        (check for check in found if check.verdict == "ok"), key=lambda check: -_digits(check)
    )
    closest = min(found, key=lambda check: abs(check.computed - percent.value))
    return right[:1] or [closest]


def _digits(check: Check) -> int:
    """Digits printed in the operands: the more, the more exact."""
    return sum(len(f"{value:.12g}".strip("0.")) for value in check.operands)


def _change(percent: Statement, start: Statement, end: Statement) -> Check:
    computed = 100 * (end.value / start.value - 1)
    text = f"{plain(end.value)}/{plain(start.value)}-1"
    is_right = percent.allowed.holds(computed, 0.01) or abs(computed - percent.value) <= 0.6 * (
        percent.value == round(percent.value)
    )
    is_same_base = start.aspect == "before" or percent.family != "price"
    if ":" in (percent.window or "") or percent.publisher != start.publisher:
        is_same_base = False
    own = percent.publisher == start.publisher
    is_wrong = is_same_base or (own and _is_since_high(percent))
    wrong = "contradiction" if is_wrong else "different base"
    note = f"{computed:+.1f} %, printed as {shown(percent.value, 'pct')}"
    return make("change", text, computed, [end, start], percent, note=note,
                verdict="ok" if is_right else wrong)  # fmt: skip


def _is_related(check: Check) -> bool:
    return _is_near(check.computed, check.stated or 0.0)


def _is_near(computed: float, stated: float) -> bool:
    return abs(computed - stated) <= _UNRELATED * max(abs(computed), abs(stated))


def _day_before(percent: Statement, levels: Sequence[Statement]) -> list[Check]:
    """A price and its change in one sentence imply the price before."""
    if percent.window not in ("24h", "day", "7d", "1h") or percent.claim.qualifier != "=":
        return []
    found = []
    for level in levels:
        is_one_thought = level.context == percent.context and not level.in_library
        if level.aspect == "spot" and is_one_thought and percent.value > -100:
            fraction = percent.value / 100
            computed = level.value / (1 + fraction)
            sign = "-" if fraction < 0 else "+"
            text = f"{plain(level.value)}/(1{sign}{plain(abs(fraction))})"
            note = f"{shown(computed, 'USD')} {percent.window} before"
            found.append(make("change", text, computed, [level, percent], note=note))
    return found[:1]


def _across(statements: Sequence[Statement]) -> list[Check]:
    """A percentage whose text gives no levels, against a high and a low of another text."""
    prices = [i for i in statements if i.family == "price" and i.claim.value is not None]
    own = _by(prices, lambda i: (i.publisher,))
    pairs = _high_low_pairs(prices)
    checks = []
    for percent in (i for i in prices if i.claim.unit == "pct" and not _is_since_high(i)):
        mine = own[(percent.publisher,)]
        if percent.window in ("7d", "30d", "YTD") or _pairs(percent, mine[:_MOST_TRIED]):
            continue
        found = (
            _change(percent, high, low)
            for high, low in pairs.get((percent.subject, percent.episode), ())
            if high.publisher != percent.publisher and _may_relate(percent, high, low)
        )
        checks += [check for check in found if _is_related(check)][:1]
    return checks + _below_record(prices, own)


def _high_low_pairs(prices: Sequence[Statement]) -> dict[Key, list[tuple[Statement, Statement]]]:
    """A high and a low of a day in one text, by asset and crash."""
    days = [i for i in prices if i.window in ("24h", "day")]
    lows = _by((i for i in days if i.aspect in ("low", "after")), _of_text)
    pairs: dict[Key, list[tuple[Statement, Statement]]] = {}
    for high in (i for i in days if i.aspect in ("high", "before")):
        mine = pairs.setdefault((high.subject, high.episode), [])
        mine += [(high, low) for low in lows.get(_of_text(high), ())]
        del mine[_MOST_TRIED:]
    return pairs


def _of_text(item: Statement) -> Key:
    return item.publisher, item.subject, item.episode


def _by(items: Iterable[Statement], key: Callable[[Statement], Key]) -> dict[Key, list[Statement]]:
    found: dict[Key, list[Statement]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def _may_relate(percent: Statement, start: Statement, end: Statement) -> bool:
    """Whether two levels are near enough to a percentage to be looked at."""
    return bool(start.value) and _is_near(100 * (end.value / start.value - 1), percent.value)


def _below_record(
    prices: Sequence[Statement], own: Mapping[Key, Sequence[Statement]]
) -> list[Check]:
    """A fall "since the high" whose text gives no high, against the high that others give."""
    highs = _by(
        (i for i in prices if i.aspect == "high" and i.claim.unit == "USD"), lambda i: (i.subject,)
    )
    checks = []
    for percent in (i for i in prices if i.claim.unit == "pct" and _is_since_high(i)):
        mine = [i for i in own[(percent.publisher,)] if i.subject == percent.subject]
        mine = mine[:_MOST_TRIED]
        if _pairs(percent, mine):
            continue
        found = [
            _change(percent, high, end)
            for high in highs.get((percent.subject,), ())[:_MOST_TRIED]
            for end in mine
            if end.value < high.value and _may_relate(percent, high, end)
            and end.aspect in ("low", "spot") and are_together(percent, end)
            and high.publisher != percent.publisher
        ]  # fmt: skip
        found.sort(key=lambda check: abs(check.computed - percent.value))
        checks += [check for check in found if _is_related(check)][:1]
    return checks


def _differences(statements: Sequence[Statement]) -> list[Check]:
    """Two levels of one text, and the amount that it says lies between them."""
    checks = []
    for items in by_publisher(statements):
        for family in ("market cap", "open interest", "depth"):
            here = [i for i in items if i.family == family and i.claim.unit == "USD"
                    and i.claim.value is not None]  # fmt: skip
            for change in (i for i in here if i.aspect == "change"):
                levels = [i for i in here if i.aspect != "change" and are_close(i, change)]
                checks += _level_pairs(change, levels)[:1]
    return checks


def _level_pairs(change: Statement, levels: Sequence[Statement]) -> list[Check]:
    found = []
    for high in levels:
        for low in levels:
            if high.value <= low.value or high.context != low.context:
                continue
            computed = high.value - low.value
            is_right = change.allowed.holds(computed, 0.02) or change.allowed.holds(-computed, 0.02)
            text = f"{plain(high.value)}-{plain(low.value)}"
            found.append(
                make("change", text, computed, [high, low], change,
                     stated_value=abs(change.value), note="difference of two levels",
                     verdict="ok" if is_right else "contradiction")
            )  # fmt: skip
    return sorted(found, key=lambda check: abs(check.computed - abs(change.value)))
