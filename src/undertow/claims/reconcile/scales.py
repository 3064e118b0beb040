"""Digits a thousand times too many or too few: in print, against others, against a part."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from undertow.claims.reconcile.making_checks import make, once, plain
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Check, Statement

# Families whose figures of one asset are of one size; losses and holdings are not.
_ONE_SCALE = ("price", "liquidations", "open interest", "market cap")
_LONGEST = 40  # characters of a printed number
_LITERAL = re.compile(r"^\W*(?:US ?)?[$€£]?\s*(\d[\d,.'’ \u00a0]*\d|\d)\s*[$€£]?\W*$")


def scales(statements: Sequence[Statement]) -> list[Check]:
    """All checks of this module."""
    closed = _closed(statements)
    alike = {key: _Alike(items) for key, items in _by_kind(statements).items()}
    return [
        check
        for item in once(statements)
        if item.claim.value
        for check in (
            _printed_scale(item),
            _scale_elsewhere(item, alike[_kind(item)]) if _has_one_scale(item) else None,
            _below_part(item, closed),
        )
        if check is not None
    ]


def _closed(statements: Sequence[Statement]) -> dict[tuple[str, str | None, str | None], Statement]:
    """The most that was closed by force, by asset, unit and crash."""
    found: dict[tuple[str, str | None, str | None], Statement] = {}
    for item in statements:
        if item.family == "liquidations" and item.scope == "all":
            key = (item.subject, item.claim.unit, item.episode)
            if key not in found or item.value > found[key].value:
                found[key] = item
    return found


def _below_part(
    item: Statement, closed: Mapping[tuple[str, str | None, str | None], Statement]
) -> Check | None:
    """Open interest below what was closed by force, and not below it a thousand times larger."""
    most = closed.get((item.subject, item.claim.unit, item.episode))
    if item.aspect == "change" or most is None:
        return None
    if item.family != "open interest" or item.scope not in ("all", "perps"):
        return None
    if not item.value < most.value < 1000 * item.value:
        return None
    text = f"{plain(item.value)} < {plain(most.value)}"
    note = (
        f"open interest below the {shown(most.value, most.claim.unit)} closed by force in a"
        " day: thousands were lost"
    )
    return make("scale", text, item.value, [most], item, verdict="scale error", note=note)


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
    times = f"{1 / factor:,.0f} times too small" if factor < 1 else f"{factor:,.0f} times too large"
    note = f"printed {match[1]}: {times} against other figures, {shown(item.value)}"
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


Kind = tuple[str, str, str, str | None, str | None]


def _has_one_scale(item: Statement) -> bool:
    return item.family in _ONE_SCALE and item.aspect != "change"


def _kind(item: Statement) -> Kind:
    return item.family, item.subject, item.aspect, item.claim.unit, item.episode


def _by_kind(statements: Sequence[Statement]) -> dict[Kind, list[Statement]]:
    found: dict[Kind, list[Statement]] = {}
    for item in filter(_has_one_scale, statements):
        found.setdefault(_kind(item), []).append(item)
    return found


class _Alike:
    """Figures of one quantity as arrays: sizes, and a number for each independent source."""

    def __init__(self, items: Sequence[Statement]) -> None:
        self.items = items
        self.sizes = np.array([abs(item.value) for item in items])
        numbers: dict[str, int] = {}
        self.sources = np.array([numbers.setdefault(i.origin, len(numbers)) for i in items])
        self.numbers = numbers
        given = self.sizes[self.sizes > 0]
        # Less than a factor of 10 to the 1.5 apart, none has lost a thousand.
        self.is_one_scale = not len(given) or float(given.max() / given.min()) < 30.0


def _scale_elsewhere(item: Statement, alike: _Alike) -> Check | None:
    """An odd one out: more texts have the same digits on another scale than on its own."""
    if alike.is_one_scale:
        return None
    size, sizes = abs(item.value), alike.sizes
    others = (alike.sources != alike.numbers[item.origin]) & (sizes > 0)
    powers = np.zeros(len(sizes))
    powers[others] = np.rint(np.log10(size / sizes[others]) / 3)
    scaled = sizes * 1000.0 ** np.clip(powers, -3, 3)
    is_apart = others & (powers != 0) & (np.abs(powers) <= 3)
    is_apart &= np.abs(size - scaled) <= 0.02 * np.maximum(size, scaled)
    if not is_apart.any():
        return None
    like_it = len(np.unique(alike.sources[others & ~is_apart]))
    if len(np.unique(alike.sources[is_apart])) <= like_it + 1:
        return None
    first = int(np.flatnonzero(is_apart)[0])
    other, factor = alike.items[first], 1000.0 ** float(powers[first])
    text = f"{plain(item.value)}/{plain(other.value)}"
    note = f"{factor:g} times the figure of {other.publisher}"
    return make("scale", text, item.value, [other], item, verdict="scale error", note=note)
