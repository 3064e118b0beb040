"""Which asset, or assets, a figure is about."""

from __future__ import annotations

import msgspec

from undertow.claims.mentions import is_stable, price_range
from undertow.claims.metrics import Metric
from undertow.claims.naming import (
    Names,
    coins_before,
    following,
    in_aside,
    in_clause,
    is_near,
    named_groups,
    respectively,
)  # fmt: skip
from undertow.claims.owners import blocked, of_all_funds, of_company, of_fund, of_order, owns_value
from undertow.claims.sentences import Item
from undertow.claims.spot import figure_of, words
from undertow.claims.units import PRICES, unit_class
from undertow.claims.vocabulary import table

WHOLE = ("ALL", "TOTAL")
SAID = "said"
RESPECTIVELY = "respectively"
DEAREST_SHARE = 2500.0  # dollars; no share of the listed companies cost more (assumed)
_OF_FUNDS = ("etf_flow", "volume", "holdings")
_PRONOUNS = ("it", "its", "the", "that")
Found = tuple[str | None, str]


class Asked(msgspec.Struct, frozen=True):
    """A figure whose asset is asked for.

    ``candidates`` are assets that earlier sentences were about, the likeliest first; ``earlier`` is
    that of the last figure about the same metric; ``value`` is the figure in dollars, which may
    stand in brackets behind the one at ``index``.
    """

    items: list[Item]
    index: int
    metric: Metric
    value: float
    candidates: list[str]
    earlier: str | None


def asset_of(asked: Asked) -> Found:
    """The asset a figure is about, and how it was found."""
    items, index, metric = asked.items, asked.index, asked.metric
    if metric.asset is None:
        return None, "no asset"
    groups = named_groups(items)
    paired = respectively(items, index, groups)
    if paired is not None:
        return paired, RESPECTIVELY
    follows = following(items, index, groups)
    if follows is not None:
        return str(follows), "named behind the figure"
    before = [group for group in groups if group.last < index]
    fund = of_fund(items, index, before) if metric.name == "holdings" else None
    if fund is not None:
        return fund, "the fund's coin"
    if metric.asset == SAID:
        return _said(items, index, groups, before)
    special = _special(asked, groups, before)
    if special is not None:
        return special
    if metric.asset in WHOLE:
        return _of_whole(asked, before)
    return _usual(asked, groups, before)


def _said(items: list[Item], index: int, groups: list[Names], before: list[Names]) -> Found:
    """An asset that the sentence itself names, in the clause of the figure if it can be."""
    own = figure_of(items[index])
    if any(item.key == "cash" for item in items[index + 1 : index + 3]):
        return None, "cash"
    if unit_class(own) == "coin":
        return own.unit, "the coins it stands behind"
    coins = [coin for coin in coins_before(items, len(items)) if coin.first != index]
    early = [*before, *(coin for coin in coins if coin.last < index)]
    early.sort(key=lambda group: group.last, reverse=True)
    shares = {*table("market")["companies"], *table("market")["indices"]}
    said = [group for group in (*early, *coins, *groups) if not shares & {*group.names}]
    near = [group for group in said if in_clause(items, index, group)]
    if near:
        return str(near[0]), "named in the sentence"
    return (str(said[0]), "named before") if said and _is_stack(items) else (None, "no asset")


def _special(asked: Asked, groups: list[Names], before: list[Names]) -> Found | None:
    """What funds and single orders are about."""
    items, index, name = asked.items, asked.index, asked.metric.name
    fund = of_fund(items, index, before) if name in _OF_FUNDS else None
    if fund is not None:
        return fund, "the fund's coin"
    if name == "etf_flow" and not before and of_all_funds(items):
        return "ALL", "funds of all coins"
    if name == "dominance":
        for at in range(max(1, index - 10), index):
            mention = items[at - 1].mention
            if items[at].key.startswith("domina") and mention is not None:
                return mention.name, "its dominance"
    order = of_order(items, index, groups) if name == "largest_liquidation" else None
    return None if order is None else (str(order), "the order's pair")


def _of_whole(asked: Asked, before: list[Names]) -> Found:
    """The whole market, unless a name before the figure owns it."""
    items, index, metric = asked.items, asked.index, asked.metric
    is_value = metric.name.startswith("market_cap")
    company = of_company(items, index) if is_value else None
    if company is not None:
        return company, "the company's"
    is_supply = any(item.key == "supply" for item in items[max(0, index - 8) : index])
    if is_value and before and is_supply:
        return str(before[-1]), "its supply"
    if is_value and before and owns_value(items, index, pronouns=("its",)):
        return str(before[-1]), "its"
    for group in reversed(before):
        if not blocked(items, group.last, index, metric):
            return str(group), "subject of the figure"
    if is_value and asked.candidates and not before and owns_value(items, index):
        return asked.candidates[0], "its"
    is_of_all = any(
        item.key in ("all", "total", "aggregate") for item in items[max(0, index - 5) : index]
    )
    if metric.name.startswith("open_interest") and asked.earlier is not None and not is_of_all:
        return asked.earlier, "as the figure before"
    return metric.asset, "the whole market"


def _usual(asked: Asked, groups: list[Names], before: list[Names]) -> Found:
    """The asset named before, behind, or in the sentences before; else the metric's own."""
    items, index, candidates = asked.items, asked.index, asked.candidates
    named = {str(group) for group in before}
    if asked.metric.name == "price_change" and not groups:
        before = [coin for coin in coins_before(items, index) if not is_stable(coin.names[0])]
    if asked.metric.name in PRICES:
        before = sorted([*before, *coins_before(items, index)], key=lambda group: group.last)
        before = [group for group in before if _possible(group.names[0], asked.value)]
        candidates = [name for name in candidates if _possible(name, asked.value)]
    outer = [group for group in before if not in_aside(items, group.last, index)]
    if outer or before:
        return str((outer or before)[-1]), "named before the figure"
    after = [group for group in groups if index < group.first and is_near(items, index, group)]
    if after and (not candidates or items[0].key not in _PRONOUNS):
        return str(after[0]), "named behind the figure"
    if candidates:
        return candidates[0], "subject of the sentence before"
    is_usual = asked.metric.asset is None or _possible(asked.metric.asset, asked.value)
    if asked.metric.name in PRICES and len(named) == 1 and not is_usual:
        return named.pop(), "the only coin named, at a price that it never had"
    return asked.metric.asset, "the usual one"


def _is_stack(items: list[Item]) -> bool:
    """Whether a sentence speaks of the coins of somebody without their name: "the stack"."""
    return any(item.key in words("subject", "stack") for item in items)


def _possible(asset: str, price: float) -> bool:
    """Whether an asset has ever had about that price; groups of coins have none."""
    if asset in table("market")["groups"]:
        return False
    if asset in table("market")["indices"]:
        low, high = table("market")["commodities"].get(asset, (0.0, -1.0))
        return bool(low <= price <= high)
    if asset in table("market")["companies"]:
        return price < DEAREST_SHARE
    bounds = price_range(asset)
    return bounds is None or bounds[0] <= price <= bounds[1]
