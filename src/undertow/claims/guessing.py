"""Guesses what a figure is about where no words explain it; the reason stays with the choice."""

from __future__ import annotations

from undertow.claims.context import Choice, Memory, Topic
from undertow.claims.form import level_or_change
from undertow.claims.metrics import OTHER, metrics
from undertow.claims.spot import Spot, words
from undertow.claims.weighing import allows

_LEAST_VALUE = 1e11  # dollars; a smaller sum behind a market value is none (assumed)
_MEMORY = 4  # sentences after which a bare sum is not about what the last one was about
# Dollars; articles on markets give hardly a sum of that size but values of all coins (assumed).
_HUGE = 8e11
EVERYTHING = ("so large that it is the value of all coins",)


def guessed(spot: Spot, number: int, memory: Memory, topic: Topic) -> Choice:
    """What a figure is about that no words explain: its size, what came before, the title."""
    guess = (
        _of_company(spot)
        or _of_everything(spot)
        or _inherited(spot, number, memory)
        or _of_topic(spot, topic)
    )
    return guess or Choice(OTHER)


def _of_company(spot: Spot) -> Choice | None:
    """Coins in a sentence about a company that buys coins are those it has."""
    named = (item.mention for item in spot.items[: spot.index])
    is_named = any(name is not None and name.what == "company" for name in named)
    return (
        Choice("holdings", 0.0, ("coins of a company",))
        if spot.kind == "coin" and is_named
        else None
    )


def _of_topic(spot: Spot, topic: Topic) -> Choice | None:
    """A sum in an article whose title speaks of liquidations, if a venue is named beside it."""
    near = (i.mention for i in spot.items[max(0, spot.index - 3) : spot.index + 4])
    is_beside = any(n is not None and n.what in ("venue", "source") for n in near)
    is_sum = spot.kind == "money" and spot.quantity.unit == "USD" and spot.quantity.has_scale
    if "liquidations" not in topic.metrics or not (is_sum and is_beside):
        return None
    if any(spot.key(back) in words("subject", "unrelated") for back in range(-5, 3)):
        return None
    return Choice("liquidations", 0.0, ("what the title speaks of",))


def _of_everything(spot: Spot) -> Choice | None:
    """A sum so large that only all coins together are worth it, or lose it."""
    if spot.quantity.unit != "USD" or spot.quantity.low < _HUGE or _is_of_other(spot):
        return None
    gone = words("beside", "changes") - {"by"}
    is_gone = level_or_change(spot) > 0 or any(spot.key(after) in gone for after in range(1, 6))
    name = "market_cap_change" if is_gone else "market_cap"
    return Choice(name, 0.0, EVERYTHING)


def _is_of_other(spot: Spot) -> bool:
    return spot.key(1) == "of" and spot.key(2) not in ("wealth", "value", "market", "paper")


def _is_tally(spot: Spot) -> bool:
    """``The figure grew to $19 billion``: more of what was counted before."""
    return any(spot.key(back) in ("figure", "tally", "toll") for back in range(-5, 0))


def _is_worth(spot: Spot) -> bool:
    """``Value at the time: $1.46 billion``, ``together worth $30 million``."""
    said = ("worth", "value", "valued", "dollars", "dollar")
    return any(spot.key(back) in said for back in range(-6, 0))


def _inherited(spot: Spot, number: int, memory: Memory) -> Choice | None:
    """What the figure before was about, where a sentence does not say it again."""
    coins = memory.recall("coin", number, 1)
    if spot.kind == "money" and coins is not None and _is_worth(spot):
        return Choice(coins, 0.0, ("what the coins before it are worth",))
    if spot.kind == "money" and "liquidations" in memory.seen and _is_tally(spot):
        return Choice("liquidations", 0.0, ("the tally of liquidations",))
    name = memory.recall(spot.kind, number, _MEMORY)
    if name is None or spot.kind in ("bare", "pct") or (spot.quantity.sign and name != "etf_flow"):
        return None
    unrelated = words("subject", "unrelated")
    if any(spot.key(back) in unrelated for back in range(-5, 3)):
        return None
    lasting = metrics()[name].lasting or name in ("price", "chart_level")
    lasting |= name == "market_cap" and spot.quantity.low >= _LEAST_VALUE
    if not lasting or not allows(metrics()[name], spot.quantity, spot.kind):
        return None
    return Choice(name, 0.0, (f"as the figure before: {name}",))
