"""Arithmetic of the whole market: sides, parts and totals, shares, amounts, lost scales."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from undertow.claims.reconcile.making_checks import are_together, by_publisher, make, once, plain
from undertow.claims.reconcile.ranges import Range, half_step, shown
from undertow.claims.reconcile.result import Check, Statement
from undertow.measures.as_of import HOUR_NS

# Assumed: a product of two rounded figures, from two texts, may miss a third by so much.
ACROSS = 0.05
# Families whose figures of one asset are of one size; losses and holdings are not.
_ONE_SCALE = ("price", "liquidations", "open interest", "market cap")
_LITERAL = re.compile(r"^\W*(?:US ?)?[$€£]?\s*(\d[\d,.'’ \u00a0]*\d|\d)\s*[$€£]?\W*$")


def market_sums(statements: Sequence[Statement]) -> list[Check]:
    """All checks of this module."""
    checks: list[Check] = []
    for items in by_publisher(statements):
        checks += [*_sides(items), *_assets(items), *_own_shares(items), *_dominance(items)]
    return [*checks, *_shares_elsewhere(statements), *_amounts(statements), *_scales(statements)]


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
    pairs = [
        (part, total)
        for items in by_publisher(liquidations)
        for part in items
        for total in items
        if part.publisher not in mixed
        and part.aspect in ("long", "short") and total.aspect == "both" and total.value > part.value
        and (part.subject, part.scope) == (total.subject, total.scope)
    ]  # fmt: skip
    checks = []
    for share in liquidations:
        if not share.aspect.endswith(" share") or share.claim.value is None:
            continue
        side = share.aspect.removesuffix(" share")
        own = [i for i in liquidations if i.publisher == share.publisher and i.episode
               == share.episode and i.subject == share.subject]  # fmt: skip
        if any(item.aspect == side for item in own):
            continue
        totals = [item.allowed for item in own if item.aspect == "both"]
        near = [
            (part, total)
            for part, total in pairs
            if part.aspect == side
            and (part.subject, part.scope, part.episode)
            == (share.subject, share.scope, share.episode)
            and are_together(share, total, hours=2)
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
    for amount in amounts:
        here = (amount.subject, amount.episode)
        found = [
            make("amount", f"{plain(abs(p.value) / 100)}*{plain(level.value)}",
                 abs(p.value) / 100 * level.value, [p, level], amount, slack=ACROSS,
                 verdict="ok", note="percentage of a level reported elsewhere")
            for p in percents
            for level in levels
            if (p.subject, p.episode) == here == (level.subject, level.episode)
        ]  # fmt: skip
        close = [c for c in found if abs(c.computed / abs(amount.value) - 1) <= ACROSS]
        close.sort(key=lambda c: abs(c.computed / abs(amount.value) - 1))
        checks += close[:3]
    return checks


def _scales(statements: Sequence[Statement]) -> list[Check]:
    """Digits a thousand times too many or too few, in print or against other reports."""
    return [
        check
        for item in once(statements)
        if item.claim.value
        for check in (
            _printed_scale(item),
            _scale_elsewhere(item, statements),
            _below_part(item, statements),
        )
        if check is not None
    ]


def _below_part(item: Statement, statements: Sequence[Statement]) -> Check | None:
    """Open interest below what was closed by force, and not below it a thousand times larger."""
    if item.aspect == "change" or not _is_too_small(item, statements):
        return None
    closed = max(_closed(item, statements), key=lambda other: other.value)
    if closed.value >= 1000 * item.value:
        return None
    text = f"{plain(item.value)} < {plain(closed.value)}"
    note = (
        f"open interest below the {shown(closed.value, closed.claim.unit)} closed by force in a"
        " day: thousands were lost"
    )
    return make("scale", text, item.value, [closed], item, verdict="scale error", note=note)


def _is_too_small(item: Statement, statements: Sequence[Statement]) -> bool:
    """Open interest below what was closed by force in a day: then this is the wrong one."""
    if item.family != "open interest" or item.scope not in ("all", "perps"):
        return False
    return any(other.value > item.value for other in _closed(item, statements))


def _closed(item: Statement, statements: Sequence[Statement]) -> list[Statement]:
    """What was closed by force, of the same asset in the same crash."""
    return [
        other
        for other in statements
        if other.family == "liquidations"
        and (other.subject, other.scope, other.claim.unit) == (item.subject, "all", item.claim.unit)
        and other.episode == item.episode
    ]


def _printed_scale(item: Statement) -> Check | None:
    match = _LITERAL.match(item.claim.span)
    if match is None or item.claim.unit in ("pct", "index"):
        return None
    printed = (
        float(re.sub(r"[^\d.]", "", match[1].rstrip(".,")) or "0") if _is_grouped(match[1]) else 0.0
    )
    factor = _lost_scale(printed, abs(item.value))
    if factor is None:
        return None
    note = f"printed {match[1]}: {factor:g} times what other figures give, {plain(item.value)}"
    return make("scale", plain(printed), printed, [], item, verdict="scale error", note=note)


def _is_grouped(text: str) -> bool:
    """Whether the digits are one whole number in groups of three: 101,191,000."""
    return re.fullmatch(r"\d{1,3}([,.'’ \u00a0]\d{3})*|\d+", text) is not None and (
        text.count(".") < 2 or "," not in text
    )


def _lost_scale(value: float, expected: float) -> float | None:
    if value <= 0 or expected <= 0:
        return None
    power = round(math.log10(value / expected) / 3)
    if power == 0 or abs(power) > 3:
        return None
    return 1000.0**power if math.isclose(value, expected * 1000.0**power, rel_tol=0.02) else None


def _scale_elsewhere(item: Statement, statements: Sequence[Statement]) -> Check | None:
    """An odd one out: more texts have the same digits on another scale than on its own."""
    if item.family not in _ONE_SCALE or item.aspect == "change":
        return None
    same = [
        other
        for other in statements
        if other is not item
        and (other.family, other.subject, other.aspect) == (item.family, item.subject, item.aspect)
        and other.claim.unit == item.claim.unit
        and other.episode == item.episode
        and other.publisher != item.publisher
    ]
    scales = [(other, _lost_scale(abs(item.value), abs(other.value))) for other in same]
    apart = [(other, factor) for other, factor in scales if factor is not None]
    like_it = {other.publisher for other, factor in scales if factor is None}
    if len({other.publisher for other, _ in apart}) <= len(like_it) + 1:
        return None
    for other, factor in apart[:1]:
        text = f"{plain(item.value)}/{plain(other.value)}"
        note = f"{factor:g} times the figure of {other.publisher}"
        return make("scale", text, item.value, [other], item, verdict="scale error", note=note)
    return None
