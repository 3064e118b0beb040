"""Settles figures by their neighbours: paths, sums in coins and dollars, parts, shares."""

from __future__ import annotations

from itertools import pairwise

from undertow.claims.context import Choice
from undertow.claims.metrics import OTHER, metrics
from undertow.claims.sentences import Sentence
from undertow.claims.spot import figure_of, words
from undertow.claims.units import unit_class
from undertow.claims.weighing import allows

# Levels that a percentage before "to" is the change of; where no metric says so, of none.
_LEVELS = ("open_interest", "market_cap", "depth", "tvl", "volume", "debt", "holdings")
# What percentages in a list share.
_SHARED = ("volatility", "funding_rate", "basis", "dominance", "liquidation_share", "odds",
           "open_interest_change", "depth_change")  # fmt: skip
_LIST_WORDS = frozenset([",", ";", "and", "for", "in", "on", "at", "vs", "or", "against", "@"])
_CLOSINGS = ("liquidations", "volume", OTHER)
_NEAR = 16  # items; further off, figures have nothing to do with each other


def settle_neighbours(
    sentence: Sentence, figures: list[int], choices: dict[int, Choice], recalled: str | None
) -> None:
    """Correct choices by the figure behind each; ``recalled`` is what sums were about before."""
    for one, two in pairwise(figures):
        between = [item.key for item in sentence.items[one + 1 : two]]
        if len(between) >= _NEAR:
            continue
        first, second = figure_of(sentence.items[one]), figure_of(sentence.items[two])
        kinds = unit_class(first), unit_class(second)
        is_like = kinds[0] == kinds[1] or set(kinds) == {"price", "money"}
        if is_like and first.unit == second.unit and _is_path(sentence, one, between):
            name = choices[one].metric
            if between[:1] != ["to"] and name.removesuffix("_change") in _LEVELS:
                name = name.removesuffix("_change")  # "shed $830 billion, from $2.43 trillion"
            choices[two] = Choice(name, choices[one].score, ("end of a path",))
        elif set(kinds) == {"coin", "money"} and _says_equal(between):
            coin, money = (one, two) if kinds[0] == "coin" else (two, one)
            _make_equal(choices, coin, money)
        elif kinds == ("pct", "pct") and _goes_on(between) and not second.sign:
            if choices[one].metric in _SHARED and choices[two].metric in ("price_change", OTHER):
                choices[two] = Choice(choices[one].metric, 1.0, ("as the figure before",))
        elif kinds[0] == kinds[1] == "coin" and _is_list(between) and choices[two].metric == OTHER:
            choices[two] = Choice(choices[one].metric, 0.0, ("in a list with the coins before",))
        elif first.unit == "USD" != second.unit and kinds == ("money", "money") and "(" in between:
            choices[two] = Choice(OTHER, 0.0, ("the same in another currency",))
        elif kinds == ("money", "money") and choices[one].metric == OTHER:
            name = choices[two].metric
            if name != OTHER and allows(metrics()[name], first, "money"):
                choices[one] = Choice(name, 0.0, ("as the figure behind it",))
        elif _is_share_of_closings(choices, one, two, between, recalled):
            choices[one] = Choice("liquidation_share", 5.0, ("share before a sum of closures",))
            choices[two] = Choice("liquidations", 5.0, ("closures behind a share",))
        elif (
            kinds == ("pct", "money")
            and between == ["("]
            and _is_share_of_market(choices, figures, one, two)
        ):
            choices[one] = Choice("dominance", 5.0, ("share before a market value",))
            choices[two] = Choice("market_cap", 5.0, ("market value behind a share",))
        elif kinds == ("pct", "money") and set(between) <= {",", "or", "about", "some"}:
            name = choices[two].metric
            if name.endswith("_change") and "pct" in metrics()[name].units and "or" in between:
                choices[one] = Choice(name, 1.0, ("the same in dollars behind it",))
        elif kinds == ("pct", "price") and _says_level(sentence, one, between):
            if choices[two].metric == "price" and choices[one].metric != "price_change":
                choices[one] = Choice("price_change", 1.0, ("change to the price behind it",))
        elif kinds == ("pct", "money") and _says_level(sentence, one, between):
            changed = f"{choices[two].metric}_change"
            if choices[two].metric in _LEVELS and choices[one].metric != changed:
                name = changed if changed in metrics() else OTHER
                choices[one] = Choice(name, 1.0, ("change to the level behind it",))
        elif choices[one].metric == "market_cap" and between == ["("]:
            is_share = kinds[1] == "pct" and not second.sign  # with a sign it is a change
            if is_share:
                choices[two] = Choice("dominance", 5.0, ("share behind a market value",))


def _is_share_of_closings(
    choices: dict[int, Choice], one: int, two: int, between: list[str], recalled: str | None
) -> bool:
    """``OKX had 46.87% ($104.61 million)`` behind sums that were liquidated."""
    shares = ("liquidation_share", "price_change", "dominance", OTHER)
    is_pair = between == ["("] and choices[one].metric in shares
    return is_pair and recalled == "liquidations" and choices[two].metric in _CLOSINGS


def _is_share_of_market(choices: dict[int, Choice], figures: list[int], one: int, two: int) -> bool:
    """``$4.28 trillion: Bitcoin had 58.18% ($2.49 trillion)``: parts of a market value."""
    earlier = {choices[at].metric for at in figures if at < one}
    values = ("market_cap", "market_cap_change", OTHER)
    return choices[two].metric in values and bool(earlier & {"market_cap", "dominance"})


def _says_level(sentence: Sentence, one: int, between: list[str]) -> bool:
    """``dropped 30% to $25.8 billion``: a change, and the level that it led to."""
    moves = words("direction", "down") | words("direction", "up")
    passed = words("beside", "hedges") | {"<time>", "in", ",", "and"} | moves
    bare = [key for key in between if key not in passed]
    before = {item.key for item in sentence.items[max(0, one - 5) : one]}
    return bare == ["to"] and bool(before & moves)


def _is_path(sentence: Sentence, one: int, between: list[str]) -> bool:
    """``from $22 to $4`` or ``to $4 from $22``: both ends are about the same."""
    hedges = words("beside", "hedges")
    bare = [key for key in between if key not in hedges]
    if bare in (["from"], [",", "from"]):
        return True
    before = [item.key for item in sentence.items[max(0, one - 4) : one]]
    return bare == ["to"] and "from" in before


def _goes_on(between: list[str]) -> bool:
    """``32% for BTC and 62%``: a list of the same for several coins."""
    return "@" in between and _LIST_WORDS.issuperset(between)


def _is_list(between: list[str]) -> bool:
    return bool(between) and {",", "and", "&", "+", "plus"}.issuperset(between)


def _says_equal(between: list[str]) -> bool:
    return len(between) <= 5 and words("beside", "equals").issuperset(between)


def _make_equal(choices: dict[int, Choice], coin: int, money: int) -> None:
    known = metrics()
    if choices[coin].metric != OTHER:
        choices[money] = Choice(choices[coin].metric, 1.0, ("the coins' value",))
    elif choices[money].metric != OTHER and "coin" in known[choices[money].metric].units:
        choices[coin] = Choice(choices[money].metric, 1.0, ("the sum in coins",))
