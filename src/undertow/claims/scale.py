"""Works out a figure's scale where the text has it wrong or not at all; always with a reason."""

from __future__ import annotations

import re

from undertow.claims.context import Choice
from undertow.claims.mentions import price_range
from undertow.claims.metrics import OTHER, metrics
from undertow.claims.quantities import Quantity
from undertow.claims.sentences import Sentence
from undertow.claims.spot import figure_of

_MISREAD = re.compile(r"\d{1,3}(?:,\d{3})+,000")
_BEFORE_PRICE = frozenset(
    ["to", "at", "of", "below", "above", "under", "near", "around", "hit", "touched"]
)


def mend_prices(sentence: Sentence) -> None:
    """``down 5% to $101,191,000``: a decimal comma was taken for a thousands mark.

    A price a thousand times too high for the coin named before it, in round thousands, is divided
    by a thousand and flagged.
    """
    items = sentence.items
    asset = None
    for index, item in enumerate(items):
        if item.mention is not None and item.mention.what == "asset":
            asset = item.mention.name
        quantity = item.quantity
        if quantity is None or asset is None or quantity.unit != "USD" or quantity.scale != 1.0:
            continue
        bounds = price_range(asset)
        before = items[index - 1].key if index else ""
        if bounds is None or before not in _BEFORE_PRICE or not _MISREAD.fullmatch(quantity.digits):
            continue
        price = quantity.low / 1000
        if quantity.low > bounds[1] and bounds[0] <= price <= bounds[1]:
            quantity.low = quantity.high = price
            quantity.flags.append("scale error")
            quantity.note = (
                f"read as {price:,.0f}: {quantity.digits} dollars is no price of {asset};"
                " texts from a language with decimal commas slip like this"
            )


_SUMS = frozenset(["liquidations", "outflows", "inflows", "longs", "shorts"])


def mark_missing(sentence: Sentence) -> None:
    """Mark ``$1.37 in liquidations``: a sum of so few dollars lacks its scale word."""
    items = sentence.items
    for index, item in enumerate(items):
        quantity = item.quantity
        if (
            quantity is None
            or quantity.unit != "USD"
            or quantity.scale != 1.0
            or quantity.low >= 1000
        ):
            continue
        after = [other.key for other in items[index + 1 : index + 5]]
        if after[:1] in (["in"], ["of"]) and _SUMS & set(after) and not quantity.flags:
            quantity.flags.append("scale unclear")


class _Unclear:
    """A figure without a sure scale, and what it is about."""

    def __init__(self, quantity: Quantity, metric: str, is_part: bool) -> None:
        self.quantity, self.metric, self.is_part = quantity, metric, is_part
        high = metrics()[metric].high if metric != OTHER else 1e13
        self.scales = [s for s in (1e6, 1e9, 1e12) if quantity.high * s <= high] or [1e6]


def settle_scales(chosen: list[tuple[Sentence, dict[int, Choice]]], titled: list[Quantity]) -> None:
    """Give figures with an unclear scale word the one that fits, with the reason.

    In this order: the same digits with a clear word elsewhere; only one scale is plausible for the
    metric; a total is no less than its parts; near to the clear sums about the same thing.
    """
    unclear: list[_Unclear] = []
    clear: dict[str, list[float]] = {}
    digits: dict[str, float] = {}
    for quantity in titled:
        if quantity.has_scale:
            digits[quantity.digits] = quantity.scale
    for sentence, choices in chosen:
        for index, choice in choices.items():
            quantity = figure_of(sentence.items[index])
            if "scale unclear" in quantity.flags:
                unclear.append(_Unclear(quantity, choice.metric, _is_part(sentence, index, choice)))
            elif quantity.has_scale:
                digits.setdefault(quantity.digits, quantity.scale)
                clear.setdefault(choice.metric, []).append(quantity.high)
    for figure in sorted(unclear, key=lambda figure: len(figure.scales)):
        scale, reason = _fitting(figure, unclear, clear, digits)
        _set_scale(figure.quantity, scale, reason)
        figure.scales = [scale]
        clear.setdefault(figure.metric, []).append(figure.quantity.high)


def _is_part(sentence: Sentence, index: int, choice: Choice) -> bool:
    """Whether a figure is said of one coin or one order, not of the whole."""
    near = sentence.items[max(0, index - 8) : index + 5]
    return choice.metric == "largest_liquidation" or any(item.key == "@" for item in near)


def _fitting(
    figure: _Unclear,
    unclear: list[_Unclear],
    clear: dict[str, list[float]],
    digits: dict[str, float],
) -> tuple[float, str]:
    quantity = figure.quantity
    said = digits.get(quantity.digits)
    if said in figure.scales:
        return said, f"{quantity.digits} stands elsewhere with that scale"
    if len(figure.scales) == 1:
        return figure.scales[0], f"more would be beyond any known figure of {figure.metric}"
    known = clear.get(figure.metric, []) + (
        clear.get("largest_liquidation", []) if figure.metric == "liquidations" else []
    )
    if not figure.is_part and known:
        fitting = [scale for scale in figure.scales if quantity.high * scale >= max(known) * 0.999]
        if fitting:
            return fitting[0], "a total is no less than its parts"
    if known:
        nearest = min(
            figure.scales,
            key=lambda scale: abs(_magnitude(quantity.high * scale) - _magnitude(max(known))),
        )
        return nearest, "near to the other figures of the text"
    low = max(metrics()[figure.metric].low, 1e7) if figure.metric != OTHER else 1e7
    plausible = [scale for scale in figure.scales if quantity.high * scale >= low]
    return (plausible or figure.scales)[0], "a guess: nothing in the text tells the scale"


def _magnitude(value: float) -> int:
    return len(str(int(max(value, 1))))


def _set_scale(quantity: Quantity, scale: float, reason: str) -> None:
    quantity.low, quantity.high = quantity.low * scale, quantity.high * scale
    quantity.low, quantity.high = float(f"{quantity.low:.12g}"), float(f"{quantity.high:.12g}")
    quantity.scale = scale
    word = {1e6: "million", 1e9: "billion", 1e12: "trillion"}[scale]
    quantity.note = f"read as {word}: {reason}"
