"""Digits a thousand times too many or too few: in print, against others, against a part."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from undertow.claims.reconcile.making_checks import make, once, plain
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Check, Statement

# Families whose figures of one asset are of one size; losses and holdings are not.
_ONE_SCALE = ("price", "liquidations", "open interest", "market cap")
_LONGEST = 40  # characters of a printed number
_LITERAL = re.compile(r"^\W*(?:US ?)?[$€£]?\s*(\d[\d,.'’ \u00a0]*\d|\d)\s*[$€£]?\W*$")


def scales(statements: Sequence[Statement]) -> list[Check]:
    """All checks of this module."""
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
    span = item.claim.span
    match = _LITERAL.match(span) if len(span) <= _LONGEST else None
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
        and other.origin != item.origin
    ]
    scales = [(other, _lost_scale(abs(item.value), abs(other.value))) for other in same]
    apart = [(other, factor) for other, factor in scales if factor is not None]
    like_it = {other.origin for other, factor in scales if factor is None}
    if len({other.origin for other, _ in apart}) <= len(like_it) + 1:
        return None
    for other, factor in apart[:1]:
        text = f"{plain(item.value)}/{plain(other.value)}"
        note = f"{factor:g} times the figure of {other.publisher}"
        return make("scale", text, item.value, [other], item, verdict="scale error", note=note)
    return None
