"""Whose positions a figure is about, who bought or sold, and on which venue."""

from __future__ import annotations

from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import figure_of, words

_REACH = 18.0
_VENUE_REACH = 14.0
_TOTALS = frozenset(["total", "overall", "altogether", "combined"])
_PAIR_JOINERS = ("/", "and", "&", "vs", "versus")


def side_of(sentence: Sentence, index: int) -> str | None:
    """long, short, both, or None: whose positions a liquidation figure is about."""
    items = sentence.items
    joined = _joined_sides(items)
    if joined is not None:
        at, sides = joined
        own = _side_behind(items, index) if index > at else None
        return _paired_side(items, index, sides) or own or "both"
    if _is_whole(items, index):
        return None
    after = _side_behind(items, index)
    if after is not None:
        return after
    for at in range(index - 1, -1, -1):
        item = items[at]
        if item.key == ";" or (item.quantity is not None and item.quantity.unit == "USD"):
            return None
        side = _side(items, at)
        if side is not None:
            passed = {passed.key for passed in items[at + 1 : index]}
            is_far = items[index].place - item.place >= _REACH
            return None if is_far or passed & _TOTALS else side
    return None


def _is_whole(items: list[Item], index: int) -> bool:
    """The second figure of ``$16.8 billion of the $19.3 billion were longs``."""
    back = index - 2 if items[index - 1].key == "the" else index - 1
    return back >= 1 and items[back].key == "of" and items[back - 1].kind == "quantity"


def _in_apposition(items: list[Item], at: int) -> bool:
    """A comma of ``85% of it, $2.3 billion, were longs``."""
    around = [items[near].kind for near in (at - 1, at + 1) if 0 <= near < len(items)]
    return items[at].key == "," and "quantity" in around


def _side_behind(items: list[Item], index: int) -> str | None:
    """The side that belongs to a figure from behind: ``$1.6 billion (80%) of it longs``."""
    depth = 0
    links = words("beside", "side_links")
    for at in range(index + 1, min(index + 18, len(items))):
        item = items[at]
        depth += {"(": 1, ")": -1}.get(item.key, 0)
        if depth > 0 or item.key == ")":
            continue
        side = _side(items, at)
        if side is not None:
            has_comma = any(passed.key == "," for passed in items[index + 1 : at])
            return None if has_comma and _has_own_sum(items, at) else side
        if item.kind == "quantity":
            is_aside = items[at - 1].key == "," and items[min(at + 1, len(items) - 1)].key == ","
            if is_aside or _is_whole(items, at):
                continue
        elif _in_apposition(items, at):
            continue
        if item.key not in links and item.key != "@" and not item.key.startswith("liquidat"):
            return None
    return None


def _has_own_sum(items: list[Item], at: int) -> bool:
    """The side of the next sum: ``long orders $973 million, short orders $150 million``."""
    for item in items[at + 1 : at + 5]:
        if item.key == ",":
            return False
        if item.quantity is not None:
            return item.quantity.unit == "USD"
    return False


def _side(items: list[Item], at: int) -> str | None:
    key = items[at].key
    for side in ("long", "short"):
        if key in words("side", side) and not _is_weak(items, at):
            return side
    after = items[at + 1].key if at + 1 < len(items) else ""
    for side in ("long", "short"):
        if f"{key} {after}" in words("side", f"{side}_pairs"):
            return side
    return None


def _is_weak(items: list[Item], at: int) -> bool:
    """``mainly longs`` is no measure of longs, ``long-term`` no side."""
    if any(item.key in words("side", "mostly") for item in items[max(0, at - 3) : at]):
        return True
    after = items[at + 1].key if at + 1 < len(items) else ""
    return after in words("beside", "not_sides")


def _joined_sides(items: list[Item]) -> tuple[int, tuple[str, str]] | None:
    """The two sides of ``longs and shorts``, ``Long / short``, in their order, and where."""
    for at, (one, joiner, two) in enumerate(zip(items, items[1:], items[2:], strict=False)):
        if joiner.key in ("and", "/", "&", "vs", "versus") and one.key != two.key:
            sides = _side(items, at), _side(items, at + 2)
            if None not in sides and two.kind == "word":
                return at, (str(sides[0]), str(sides[1]))
    return None


def _paired_side(items: list[Item], index: int, sides: tuple[str, str]) -> str | None:
    """The side of one of two sums that stand together: ``Long / short: $2.3B / $340M``."""
    unit = figure_of(items[index]).unit
    for other, place in ((index - 2, 1), (index + 2, 0)):
        if not 0 <= other < len(items):
            continue
        quantity, joiner = items[other].quantity, items[(other + index) // 2].key
        if quantity is not None and quantity.unit == unit and joiner in _PAIR_JOINERS:
            return sides[place]
    return None


def trade_side(sentence: Sentence, index: int) -> str | None:
    """buy or sell for what somebody bought or sold; None for what was only moved."""
    here = sentence.items[index].place
    best, found = 20.0, None
    for at, item in enumerate(sentence.items):
        for side in ("buy", "sell"):
            distance = abs(item.place - here) + (3.0 if at > index + 2 else 0.0)
            if item.key in words("trade", side) and distance < best:
                best, found = distance, side
    return found


def venue_of(sentence: Sentence, index: int) -> str | None:
    """The venue named nearest to the figure in its sentence, if any is near."""
    here = sentence.items[index].place
    near = [
        (abs(item.place - here), item.mention.name)
        for item in sentence.items
        if item.mention is not None and item.mention.what == "venue"
    ]
    return min(near)[1] if near and min(near)[0] < _VENUE_REACH else None
