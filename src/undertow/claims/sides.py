"""Whose positions a figure is about, who bought or sold, and on which venue."""

from __future__ import annotations

from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import words

_REACH = 18.0
_VENUE_REACH = 14.0


def side_of(sentence: Sentence, index: int) -> str | None:
    """long, short, both, or None: whose positions a liquidation figure is about."""
    items = sentence.items
    if _joined_sides(items):
        return "both"
    after = _side_behind(items, index)
    if after is not None:
        return after
    for at in range(index - 1, -1, -1):
        item = items[at]
        if item.key == ";" or (item.quantity is not None and item.quantity.unit == "USD"):
            return None
        side = _side(items, at)
        if side is not None:
            return side if items[index].place - item.place < _REACH else None
    return None


def _side_behind(items: list[Item], index: int) -> str | None:
    """The side that belongs to a figure from behind: ``$1.6 billion (80%) of it longs``."""
    depth = 0
    links = words("beside", "side_links")
    for at in range(index + 1, min(index + 12, len(items))):
        item = items[at]
        depth += {"(": 1, ")": -1}.get(item.key, 0)
        if depth > 0 or item.key == ")":
            continue
        side = _side(items, at)
        if side is not None:
            return side
        if item.key not in links and item.key != "@" and not item.key.startswith("liquidat"):
            return None
    return None


def _side(items: list[Item], at: int) -> str | None:
    key = items[at].key
    for side in ("long", "short"):
        if key in words("side", side) and not _is_weak(items, at):
            return side
    return None


def _is_weak(items: list[Item], at: int) -> bool:
    """``mainly longs`` is no measure of longs, ``long-term`` no side."""
    if any(item.key in words("side", "mostly") for item in items[max(0, at - 3) : at]):
        return True
    after = items[at + 1].key if at + 1 < len(items) else ""
    return after in words("beside", "not_sides")


def _joined_sides(items: list[Item]) -> bool:
    sides = words("side", "long") | words("side", "short")
    return any(
        one.key in sides and joiner.key in ("and", "/", "&") and two.key in sides
        for one, joiner, two in zip(items, items[1:], items[2:], strict=False)
    )


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
