"""Arithmetic of the whole market: sides, parts and totals, shares, amounts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from undertow.claims.reconcile.making_checks import are_together, by_publisher, make, once, plain
from undertow.claims.reconcile.ranges import Range, half_step, shown
from undertow.claims.reconcile.result import Check, Statement
from undertow.measures.as_of import HOUR_NS

# Assumed: a product of two rounded figures, from two texts, may miss a third by so much.
ACROSS = 0.05
# Pairs of a part and a total of other texts, and levels and percentages, that are tried.
_MOST_PAIRS = 100
_MOST_LEVELS = 40


def market_sums(statements: Sequence[Statement]) -> list[Check]:
    """All checks of this module."""
    checks: list[Check] = []
    for items in by_publisher(statements):
        checks += [*_sides(items), *_assets(items), *_own_shares(items), *_dominance(items)]
    return [*checks, *_shares_elsewhere(statements), *_amounts(statements)]


def _of(
    items: Iterable[Statement], family: str, aspect: str | None = None, subject: str | None = None
) -> list[Statement]:
    return [
        item
        for item in items
        if item.family == family
        and (aspect is None or item.aspect == aspect)
        and (subject is None or item.subject == subject)
        and item.claim.value is not None
    ]


def _sides(items: Sequence[Statement]) -> list[Check]:
    """Longs + shorts = both."""
    checks = []
    markets = dict.fromkeys((i.subject, i.scope) for i in _of(items, "liquidations"))
    for subject, scope in markets:
        here = [i for i in _of(items, "liquidations", subject=subject) if i.scope == scope]
        longs, shorts, totals = (_of(here, "liquidations", a) for a in ("long", "short", "both"))
        for long in longs[:3]:
            for short in shorts[:3]:
                total_of_sides = long.value + short.value
                text = f"{plain(long.value)}+{plain(short.value)}"
                rounding = half_step(long.value) + half_step(short.value)
                found = [
                    make("sum", text, total_of_sides, [long, short], total,
                         slack=rounding / total_of_sides,
                         note="longs and shorts against the total")
                    for total in totals
                ]  # fmt: skip
                # A total of another window is no contradiction where one of this window fits.
                is_right = any(check.verdict == "ok" for check in found)
                checks += [
                    check
                    for check, total in zip(found, totals, strict=True)
                    if check.verdict == "ok" or not is_right or total.window == long.window
                ]
            if totals and not shorts:
                checks += _other_side(long, max(totals, key=lambda item: item.value))
    return checks


def _other_side(long: Statement, total: Statement) -> list[Check]:
    left = total.value - long.value
    text = f"{plain(total.value)}-{plain(long.value)}"
    note = f"leaves {shown(left, 'USD')} of shorts" if left >= 0 else "the part exceeds the whole"
    verdict = "implied" if left >= 0 else "contradiction"
    share = 100 * long.value / total.value if total.value else 0.0
    return [
        make("sum", text, left, [total, long], verdict=verdict, note=note),
        make("share", f"{plain(long.value)}/{plain(total.value)}", share, [long, total],
             note=f"{share:.1f} % of it longs"),
    ]  # fmt: skip


def _assets(items: Sequence[Statement]) -> list[Check]:
    """Coins <= the whole market, side by side."""
    checks = []
    for side in ("both", "long", "short"):
        here = [i for i in _of(items, "liquidations", side) if i.scope == "all"]
        wholes = [i for i in here if i.subject == "ALL"]
        parts = [i for i in here if i.subject != "ALL" and "+" not in i.subject]
        parts = list({i.subject: i for i in reversed(parts)}.values())[::-1]
        if not wholes or not parts:
            continue
        whole = max(wholes, key=lambda item: item.value)
        total = sum(part.value for part in parts)
        text = "+".join(plain(part.value) for part in parts) + f" <= {plain(whole.value)}"
        fits = total <= whole.allowed.high * 1.02
        checks.append(
            make("parts", text, total, parts, whole, verdict="ok" if fits else "contradiction",
                 note="the coins named are a part of the whole" if fits
                 else "the coins named exceed the whole")
        )  # fmt: skip
    return checks


def _own_shares(items: Sequence[Statement]) -> list[Check]:
    """A share against longs and total of the same text: right if one pair of them gives it."""
    checks = []
    for share in _of(items, "liquidations"):
        if not share.aspect.endswith(" share"):
            continue
        side = share.aspect.removesuffix(" share")
        parts = _of(items, "liquidations", side, share.subject)
        totals = _of(items, "liquidations", "both", share.subject)
        found = [_share(part, total, share) for part in parts for total in totals
                 if part.value < total.value or side != "both"]  # fmt: skip
        if side == "both":
            found = [check for check in found if check.verdict == "ok"]
        found.sort(key=lambda check: abs(check.computed - share.value))
        checks += found[:1]
    return checks


def _share(part: Statement, total: Statement, share: Statement) -> Check:
    computed = 100 * part.value / total.value if total.value else math.inf
    text = f"{plain(part.value)}/{plain(total.value)}"
    part_step, total_step = half_step(part.value), half_step(total.value)
    # "More than" of a total leaves room above it: the share may be smaller.
    most = total.allowed.high if total.claim.qualifier == ">" else total.value + total_step
    low = 100 * (part.value - part_step) / most
    high = 100 * (part.value + part_step) / (total.value - total_step)
    is_right = share.allowed.meets(Range(low, high), 0.01)
    note = f"{computed:.1f} % {share.aspect.split()[0]}, printed as {shown(share.value, 'pct')}"
    return make("share", text, computed, [part, total], share, note=note,
                verdict="ok" if is_right else "contradiction")  # fmt: skip


def _shares_elsewhere(statements: Sequence[Statement]) -> list[Check]:
    """A share whose text gives no parts, against the parts that others gave at that time."""
    liquidations = [item for item in once(statements) if item.family == "liquidations"]
    mixed = {
        check.publishers[0]
        for items in by_publisher(liquidations)
        for check in _sides(items)
        if check.verdict == "contradiction"
    } | _with_two_totals(liquidations)
    pairs: dict[tuple[str | None, ...], list[tuple[Statement, Statement]]] = {}
    for items in by_publisher(liquidations):
        for part in (i for i in items if i.aspect in ("long", "short")):
            same = pairs.setdefault((part.aspect, part.subject, part.scope, part.episode), [])
            if part.publisher not in mixed and len(same) < _MOST_PAIRS:
                same += [(part, i) for i in items if i.aspect == "both" and i.value > part.value
                         and (part.subject, part.scope) == (i.subject, i.scope)]  # fmt: skip
    by_text: dict[str, list[Statement]] = {}
    for item in liquidations:
        by_text.setdefault(item.publisher, []).append(item)
    checks = []
    for share in liquidations:
        if not share.aspect.endswith(" share") or share.claim.value is None:
            continue
        side = share.aspect.removesuffix(" share")
        own = [i for i in by_text[share.publisher] if i.episode == share.episode
               and i.subject == share.subject]  # fmt: skip
        if any(item.aspect == side for item in own):
            continue
        totals = [item.allowed for item in own if item.aspect == "both"]
        near = [
            (part, total)
            for part, total in pairs.get((side, share.subject, share.scope, share.episode), ())
            if are_together(share, total, hours=2)
        ]
        equal = [p for p in near if any(p[1].allowed.meets(t, 0.03) for t in totals)]
        near = equal or near
        near.sort(key=lambda p: (_apart(share, p[1]) // 6, -_digits(p[1].value), p[1].id))
        found = [_share(part, total, share) for part, total in near]
        right = [check for check in found if check.verdict == "ok"]
        checks += right[:1] or found[:3]
    return checks


def _with_two_totals(statements: Sequence[Statement]) -> set[str]:
    """Publishers whose text mixes two snapshots: their parts belong to neither for certain."""
    mixed = set()
    for items in by_publisher(statements):
        totals = [i.allowed for i in items if i.aspect == "both" and i.subject == "ALL"
                  and i.scope == "all"]  # fmt: skip
        if any(not first.meets(second, 0.02) for first in totals for second in totals):
            mixed.add(items[0].publisher)
    return mixed


def _apart(first: Statement, second: Statement) -> int:
    """Hours between the middles of two spans."""
    if first.span is None or second.span is None:
        return 0
    return abs(sum(first.span) - sum(second.span)) // 2 // HOUR_NS


def _digits(value: float) -> int:
    return len(f"{value:.12g}".replace(".", "").strip("0").split("e")[0])


def _dominance(items: Sequence[Statement]) -> list[Check]:
    """A coin's capitalisation / the total = its share."""
    checks = []
    for share in _of(items, "dominance"):
        for part in _of(items, "market cap", "level", share.subject)[:1]:
            for total in _of(items, "market cap", "level", "TOTAL")[:1]:
                computed = 100 * part.value / total.value
                text = f"{plain(part.value)}/{plain(total.value)}"
                is_right = share.allowed.holds(computed, 0.01)
                verdict = "ok" if is_right else "contradiction"
                checks.append(make("share", text, computed, [part, total], share, verdict=verdict,
                                   note="capitalisation against the total"))  # fmt: skip
    return checks


def _amounts(statements: Sequence[Statement]) -> list[Check]:
    """A percentage x a level = an amount lost: which figures of which texts close."""
    caps = [item for item in once(statements) if item.family == "market cap"]
    amounts = [i for i in caps if i.aspect == "change" and i.claim.unit == "USD"
               and i.claim.value is not None]  # fmt: skip
    percents = [i for i in caps if i.claim.unit == "pct" and i.claim.value is not None]
    levels = [i for i in caps if i.aspect == "level"]
    checks = []
    for amount in amounts[:_MOST_LEVELS]:
        here = (amount.subject, amount.episode)
        # Only the numbers first: there can be very many of them.
        near = [
            (abs(abs(p.value) / 100 * level.value / abs(amount.value) - 1), p, level)
            for p in percents[:_MOST_LEVELS]
            if (p.subject, p.episode) == here
            for level in levels[:_MOST_LEVELS]
            if (level.subject, level.episode) == here
        ]
        close = sorted((item for item in near if item[0] <= ACROSS), key=lambda item: item[0])[:3]
        checks += [
            make("amount", f"{plain(abs(p.value) / 100)}*{plain(level.value)}",
                 abs(p.value) / 100 * level.value, [p, level], amount, slack=ACROSS,
                 verdict="ok", note="percentage of a level reported elsewhere")
            for _, p, level in close
        ]  # fmt: skip
    return checks
