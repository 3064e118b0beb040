"""The sign of a figure: which way a percentage or a flow went."""

from __future__ import annotations

from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import words

# Metrics whose percentages (and dollar returns) carry a sign.
SIGNED = (
    "price_change", "market_cap_change", "open_interest_change", "depth_change", "seasonal_return",
)  # fmt: skip
_REACH = 30.0


def change_sign(sentence: Sentence, index: int) -> int:
    """-1, +1, or 0 where no word near the figure says."""
    down, up = words("direction", "down"), words("direction", "up")
    beside_down = down | words("direction", "down_after")
    beside_up = up | words("direction", "up_after")
    best, sign = _REACH, 0
    for at, item in enumerate(sentence.items):
        is_behind = 0 < at - index <= 2
        if item.key in (beside_down if is_behind else down):
            way = -1
        elif item.key in (beside_up if is_behind else up):
            way = 1
        else:
            continue
        if item.kind != "word" or _only_looks_so(sentence.items, at, index):
            continue
        distance = _distance(sentence.items, at, index)
        distance += 0.0 if item.key in down or item.key in up else 1.5
        if distance < best:
            best, sign = distance, way
    return sign


def flow_sign(sentence: Sentence, index: int) -> int:
    """-1 for money that left, +1 for money that came, 0 where nothing says."""
    best, sign = _REACH, 0
    for at, item in enumerate(sentence.items):
        for way, name in ((-1, "out"), (1, "in")):
            distance = _distance(sentence.items, at, index)
            if item.kind == "word" and item.key in words("flow", name) and distance < best:
                best, sign = distance, way
    return sign or change_sign(sentence, index)


def _distance(items: list[Item], at: int, index: int) -> float:
    distance = abs(items[at].place - items[index].place)
    if at < index:
        return distance
    # A word behind the figure that the next figure owns says little here.
    if any(item.kind == "quantity" for item in items[index + 1 : at]):
        return distance + 6.0
    return distance if at - index <= 2 else distance + 2.5


# "gave up 5%" is no rise.
_NOT_UP = (
    "gave", "give", "giving", "gives", "given", "made", "make", "makes", "making", "dried", "set",
    "ended", "wound", "put", "puts", "follow", "followed", "taking", "takes", "took", "went",
)  # fmt: skip


def _before(items: list[Item], at: int) -> str:
    return items[at - 1].key if at else ""


def _only_looks_so(items: list[Item], at: int, index: int) -> bool:
    """``more than 5%``, ``up to 5%``, ``off guard``: words that only look like a direction."""
    key, after = items[at].key, items[at + 1].key if at + 1 < len(items) else ""
    return (
        (key in ("more", "less") and (after == "than" or _before(items, at) in ("and", "or")))
        or (key == "up" and (after == "to" or _before(items, at) in _NOT_UP))
        or (key == "off" and at > index + 2)
    )
