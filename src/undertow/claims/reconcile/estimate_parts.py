"""Which figures have one best estimate: those of one window, one scope, one day.

Four hours and a day, one venue and all of them, Monday's flow and Tuesday's are different
quantities, though they stand in one group: each has a best estimate of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from undertow.claims.reconcile.result import Statement
from undertow.measures.as_of import DAY_NS
from undertow.model.periods import time_text

ROLLING = ("liquidations", "traders liquidated")
_OF_A_DAY = ("24h", "day", None)
# Assets and venues whose open interest or depth is a part of another figure of the group.
_BY_SCOPE = ("open interest", "depth")
_LONG = re.compile(r"\b(since|months?|weeks?|years?|quarter|to|(7|14|30|90)d)\b", re.IGNORECASE)


class Part(NamedTuple):
    """What tells a quantity from others of its strand; None where nothing does."""

    window: str | None = None
    scope: str = "all"
    day: str | None = None


def parts_of(items: Sequence[Statement]) -> dict[Part, list[Statement]]:
    """The figures of a strand by quantity: the widest and most told one first."""
    found: dict[Part, list[Statement]] = {}
    for item in items:
        found.setdefault(_part(item), []).append(item)
    order = ("all", "perps")

    def rank(part: Part) -> tuple[bool, int, int, str]:
        scope = order.index(part.scope) if part.scope in order else len(order)
        return part.window is not None, scope, -len(found[part]), f"{part}"

    return {part: found[part] for part in sorted(found, key=rank)}


def _part(item: Statement) -> Part:
    window = None
    is_of_time = item.family in (*ROLLING, "etf flow")
    is_of_time |= (item.family, item.aspect) == ("market cap", "change")
    if is_of_time:
        window = None if item.window in _OF_A_DAY else item.window
    elif item.family == "treasury" and item.aspect in ("sold", "bought"):
        window = item.window if _LONG.search(item.window or "") else None
    scope = item.scope if item.family in _BY_SCOPE else "all"
    is_dated = item.family == "etf flow" and window is None and item.span is not None
    return Part(window, scope, _day(item) if is_dated else None)


def _day(item: Statement) -> str | None:
    """The day of a flow; None where its time is open by more than two days."""
    start, end = item.span or (0, 0)
    return time_text(start)[:10] if end - start <= 2 * DAY_NS else None
