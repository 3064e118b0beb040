"""Settles figures that no words explain, when the whole article has been read."""

from __future__ import annotations

from undertow.claims.context import Choice
from undertow.claims.metrics import OTHER, metrics
from undertow.claims.sentences import Sentence
from undertow.claims.spot import figure_of, words
from undertow.claims.units import PRICES, unit_class

Chosen = list[tuple[Sentence, dict[int, Choice]]]
_LOOK_AHEAD = 3
_OF_OPENINGS = ("liquidations", "market_cap_change", "market_cap", "loss", "etf_flow", "volume")
_ODD_FOR_PRICES = (OTHER, "spread", "basis")
_WIDEST = 2.5  # prices of one article seldom lie further apart (assumed)
_UNRELATED_REACH = 6


def settle_leftovers(chosen: Chosen) -> None:
    """Give figures that nothing explains what the rest of the article makes likely."""
    _settle_openings(chosen)
    _settle_prices(chosen)


def _settle_openings(chosen: Chosen) -> None:
    """A sum at the start that nothing explains is about what the next sums are about."""
    for at, (sentence, choices) in enumerate(chosen):
        for index, choice in choices.items():
            quantity = sentence.items[index].quantity
            if choice.metric != OTHER or quantity is None or unit_class(quantity) != "money":
                continue
            for later, others in chosen[at + 1 : at + 1 + _LOOK_AHEAD]:
                name = _first_sum(later, others)
                if name is not None:
                    is_likely = name in _OF_OPENINGS and quantity.low <= metrics()[name].high
                    if is_likely and not choice.reasons:
                        choices[index] = Choice(name, 0.0, (f"as the next figure: {name}",))
                    break
        if any(choice.metric != OTHER for choice in choices.values()):
            return


def _first_sum(sentence: Sentence, choices: dict[int, Choice]) -> str | None:
    for index, choice in choices.items():
        quantity = sentence.items[index].quantity
        if quantity is not None and unit_class(quantity) == "money" and choice.metric != OTHER:
            return choice.metric
    return None


def _settle_prices(chosen: Chosen) -> None:
    """A sum near to the prices of the article is a price, or a level where one is foreseen."""
    known = [
        figure_of(sentence.items[index]).low
        for sentence, choices in chosen
        for index, choice in choices.items()
        if choice.metric in PRICES and figure_of(sentence.items[index]).unit == "USD"
    ]
    for sentence, choices in chosen:
        for index, choice in choices.items():
            quantity = figure_of(sentence.items[index])
            if choice.metric not in _ODD_FOR_PRICES or choice.score > _SURE:
                continue
            is_bare = quantity.unit == "" and quantity.scale == 1e3
            if not is_bare and (quantity.unit != "USD" or unit_class(quantity) != "price"):
                continue
            if "margin" in quantity.flags or _is_unrelated(sentence, index):
                continue
            if any(one / _WIDEST <= quantity.low <= one * _WIDEST for one in known):
                if is_bare:  # "hold 94k"
                    quantity.unit = "USD"
                    quantity.flags.append("unit missing")
                name = _price_or_level(sentence, index, choices)
                choices[index] = Choice(name, 0.0, ("near to the prices of the article",))


_SURE = 5.0


def _is_unrelated(sentence: Sentence, index: int) -> bool:
    near = sentence.items[max(0, index - _UNRELATED_REACH) : index + 4]
    return any(item.key in words("subject", "unrelated") for item in near)


def _price_or_level(sentence: Sentence, index: int, choices: dict[int, Choice]) -> str:
    """What the prices before it in the sentence are, else a level where words foresee one."""
    for before in sorted((at for at in choices if at < index), reverse=True):
        if choices[before].metric in ("price", "chart_level"):
            return choices[before].metric
    foreseen = words("kind", "forecast") | words("kind", "watched")
    return "chart_level" if any(item.key in foreseen for item in sentence.items) else "price"
