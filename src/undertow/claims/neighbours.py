"""Settles figures by their neighbours: paths, sums in coins and dollars, parts, shares."""

from __future__ import annotations

from itertools import pairwise

from undertow.claims.context import Choice
from undertow.claims.metrics import OTHER, metrics
from undertow.claims.sentences import Sentence
from undertow.claims.spot import figure_of, words
from undertow.claims.units import unit_class
from undertow.claims.weighing import allows

_NEAR = 16  # items; further off, figures have nothing to do with each other


def settle_neighbours(sentence: Sentence, figures: list[int], choices: dict[int, Choice]) -> None:
    """Correct choices by the figure behind each figure."""
    for one, two in pairwise(figures):
        between = [item.key for item in sentence.items[one + 1 : two]]
        if len(between) >= _NEAR:
            continue
        first, second = figure_of(sentence.items[one]), figure_of(sentence.items[two])
        kinds = unit_class(first), unit_class(second)
        if kinds[0] == kinds[1] and _is_path(sentence, one, between):
            choices[two] = Choice(choices[one].metric, choices[one].score, ("end of a path",))
        elif set(kinds) == {"coin", "money"} and _says_equal(between):
            coin, money = (one, two) if kinds[0] == "coin" else (two, one)
            _make_equal(choices, coin, money)
        elif kinds == ("money", "money") and choices[one].metric == OTHER:
            name = choices[two].metric
            if name != OTHER and allows(metrics()[name], first, "money"):
                choices[one] = Choice(name, 0.0, ("as the figure behind it",))
        elif choices[one].metric == "market_cap" and between == ["("]:
            is_share = kinds[1] == "pct" and not second.sign  # with a sign it is a change
            if is_share:
                choices[two] = Choice("dominance", 5.0, ("share behind a market value",))


def _is_path(sentence: Sentence, one: int, between: list[str]) -> bool:
    """``from $22 to $4`` or ``to $4 from $22``: both ends are about the same."""
    if between in (["from"], [",", "from"]):
        return True
    before = [item.key for item in sentence.items[max(0, one - 3) : one]]
    return between == ["to"] and "from" in before


def _says_equal(between: list[str]) -> bool:
    return len(between) <= 5 and words("beside", "equals").issuperset(between)


def _make_equal(choices: dict[int, Choice], coin: int, money: int) -> None:
    if choices[coin].metric != OTHER:
        choices[money] = Choice(choices[coin].metric, 1.0, ("the coins' value",))
    elif choices[money].metric != OTHER:
        choices[coin] = Choice(choices[money].metric, 1.0, ("the sum in coins",))
