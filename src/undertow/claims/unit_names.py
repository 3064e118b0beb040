"""Units that stand beside a figure as names: coins, and dollars that are only meant."""

from __future__ import annotations

import re

from undertow.claims.mentions import Mention, is_stable
from undertow.claims.quantities import Quantity
from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import figure_of, words
from undertow.claims.units import unit_class
from undertow.claims.vocabulary import table

# A coin that nobody listed: "523 million NEM", "6,850 osETH".
_TICKER = re.compile(r"([a-z]{0,3}[A-Z]{2,6})\b(?!-)")


def with_coins(figures: list[Quantity], names: list[Mention], text: str) -> list[Quantity]:
    """Give figures that stand before a coin's name that coin as unit."""
    by_start = {name.start: name for name in names if name.what == "asset"}
    for figure in figures:
        if figure.unit or figure.flags == ["words"]:
            continue
        gap = figure.end
        while gap < len(text) and text[gap] in " \u00a0":
            gap += 1
        name = by_start.get(gap)
        if name is not None and gap == figure.end and figure.low < 10:
            continue  # "3CRV" is a name
        if name is None:
            ticker = _TICKER.match(text, gap) if gap > figure.end else None
            if ticker is not None and ticker[1] not in table("market")["not_coins"]["words"]:
                figure.unit, figure.end = ticker[1], ticker.end(1)
            continue
        after = text[name.end : name.end + 18].lower().split()
        if not after or after[0].strip(".,;") not in words("units", "no_unit"):
            figure.unit, figure.end = name.name, name.end
    return figures


def borrow_units(sentence: Sentence, coin: str = "") -> str:
    """A bare figure with a scale word ("1.3 billion") is taken for dollars, and flagged.

    One behind a word for holdings is of the coins that stand before it: ``bought 397 BTC, which
    takes its holdings to 641,205``; ``coin`` is the one that earlier sentences spoke of. Returns
    the coin that sentences behind it may mean.
    """
    for index, item in enumerate(sentence.items):
        if item.mention is not None and item.mention.what == "asset":
            # Nobody counts stablecoins as coins.
            coin = coin if is_stable(item.mention.name) else item.mention.name
        quantity = item.quantity
        if quantity is None:
            continue
        if unit_class(quantity) == "coin":
            coin = quantity.unit
        elif quantity.unit:
            continue
        elif coin and quantity.scale == 1.0 and _is_of_coins(sentence.items, index):
            quantity.unit = coin
        elif quantity.has_scale:
            after = [item.key for item in _up_to_mark(sentence.items[index + 1 : index + 4])]
            # "2 million positions" are counted, "2 billion of positions" are worth as much.
            if after[:1] == ["of"] or not words("units", "counted") & {*after}:
                quantity.unit = "USD"
                quantity.flags.append("unit missing")
    return coin


def _up_to_mark(items: list[Item]) -> list[Item]:
    """The words of a phrase: up to the first mark or "and"."""
    ends = (at for at, item in enumerate(items) if item.kind == "mark" or item.key == "and")
    return items[: next(ends, len(items))]


def _is_of_coins(items: list[Item], index: int) -> bool:
    """``1,142 coins``, ``now holds 550``, ``holdings of 641,205``: a number of coins."""
    after = items[index + 1].key if index + 1 < len(items) else ""
    if after == "more" and index + 2 < len(items) and items[index + 2].key in ("coins", "tokens"):
        return True
    traded = words("trade", "buy") | words("trade", "sell") | {"moved", "sent"}
    if after in ("coins", "bitcoins") and items[index - 1].key in traded:
        return True
    is_large = "," in figure_of(items[index]).digits
    if (is_large and after in ("coins", "tokens")) or items[index - 1].key in ("holds", "owns"):
        return True
    if is_large and items[index - 1].key in ("total", "has", "have", "own", "hold", "had"):
        return True
    before = {item.key for item in items[max(0, index - 5) : index]}
    return is_large and (bool(before & words("subject", "stack")) or before >= {"total", "to"})
