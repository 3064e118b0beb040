"""Whose a sum of the whole market may be: a coin's value, an order's pair, a fund's coin."""

from __future__ import annotations

from itertools import pairwise

from undertow.claims.metrics import Metric
from undertow.claims.naming import Names
from undertow.claims.sentences import Item
from undertow.claims.spot import words
from undertow.claims.units import unit_class
from undertow.claims.vocabulary import table

_REACH = 22.0  # on the ruler; further off a name is no subject of a sum
_FAR_REACH = 60.0  # for values of coins, which stand in lists
_ALL_FUNDS = frozenset(
    (one, two)
    for one in ("digital", "crypto", "asset", "cryptocurrency")
    for two in ("asset", "assets", "fund", "funds", "etfs", "etps", "products", "investment")
)


def of_order(items: list[Item], index: int, groups: list[Names]) -> Names | None:
    """The asset named nearest to a single order, with no other sum between."""
    near = []
    for group in groups:
        low, high = sorted((index, group.first))
        if not any(item.kind == "quantity" or item.key == ";" for item in items[low + 1 : high]):
            near.append((abs(items[group.first].place - items[index].place), group))
    return min(near, key=lambda pair: pair[0])[1] if near else None


def of_fund(items: list[Item], index: int, before: list[Names]) -> str | None:
    """The coin of the fund named nearest before a sum, if no coin is nearer: IBIT holds bitcoin."""
    coins: dict[str, str] = table("market")["funds"]
    for item in reversed(items[before[-1].last + 1 if before else 0 : index]):
        if item.key.upper() in coins:
            return coins[item.key.upper()]
    return None


def of_all_funds(items: list[Item]) -> bool:
    """``Digital asset products saw outflows``, ``multi-asset funds``: of no one coin."""
    near = [item.key for item in items]
    pairs = {*pairwise(near)}
    return bool(pairs & _ALL_FUNDS) or "multi" in near


def owns_value(
    items: list[Item], index: int, pronouns: tuple[str, ...] = ("its", "their", "token", "coin")
) -> bool:
    """``its market cap is``, ``the token's valuation``: the value of the coin named before."""
    for at in range(max(1, index - 10), min(index + 6, len(items))):
        is_value = items[at].key.startswith(("cap", "valu", "market", "supply"))
        if is_value and items[at - 1].key in pronouns:
            return True
    if len(pronouns) == 1:
        return False
    if any(item.key == "supply" for item in items[max(0, index - 10) : index]):
        return True
    return any(item.key == "token" for item in items[max(0, index - 8) : index])


def of_company(items: list[Item], index: int) -> str | None:
    """``Strategy's market value is``: the company named right before the words for its value."""
    for at in range(max(1, index - 8), index):
        mention = items[at - 1].mention
        is_value = items[at].key.startswith(("cap", "valu", "market"))
        if is_value and mention is not None and mention.what == "company":
            return mention.name
        if is_value and items[at - 1].key == "its":
            named = [i.mention for i in items[: at - 1] if i.mention is not None]
            return named[-1].name if named and named[-1].what == "company" else None
    return None


def blocked(items: list[Item], name: int, index: int, metric: Metric) -> bool:
    """Whether what stands between a name and a sum takes the sum away from the name."""
    if metric.name.startswith("open_interest"):
        return items[index].place - items[name].place > _FAR_REACH
    is_value = metric.name.startswith("market_cap") or metric.name == "volume"
    if items[index].place - items[name].place > (_FAR_REACH if is_value else _REACH):
        return True
    blockers = words("subject", "value_blockers" if is_value else "blockers")
    mention = items[name].mention
    is_small = mention is not None and mention.name != "BTC"
    if is_small and items[index - 1].key in words("subject", "closing"):
        return False  # a fall of bitcoin closes positions in all coins, one of ether those in ether
    for at in range(name + 1, index):
        item = items[at]
        is_of_value = item.key.startswith("market") and items[at + 1].key.startswith(("cap", "val"))
        is_of_value |= item.key == "markets" and at <= name + 2  # "bitcoin spot markets"
        is_lead = item.key == "led" and at <= name + 2 and items[at + 1].key != "to"
        if item.key == ";" or (item.key in blockers and not is_of_value and not is_lead):
            return True
        is_price = item.quantity is not None and unit_class(item.quantity) == "price"
        if is_price and not is_value and items[at - 1].key != "at":
            return True
    return False
