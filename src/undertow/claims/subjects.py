"""Which asset, or assets, a figure is about."""

from __future__ import annotations

import msgspec

from undertow.claims.mentions import QUOTES, price_range
from undertow.claims.metrics import Metric
from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import figure_of, words
from undertow.claims.units import PRICES, unit_class
from undertow.claims.vocabulary import table

WHOLE = ("ALL", "TOTAL")
SAID = "said"
RESPECTIVELY = "respectively"
_JOINERS = frozenset([",", "and", "&", "/", "+", "or"])
_REACH = 22.0  # on the ruler; further off a name is no subject of a sum
_FAR_REACH = 60.0  # for values of coins, which stand in lists
_ALL_FUNDS = frozenset(
    (one, two)
    for one in ("digital", "crypto", "asset", "cryptocurrency")
    for two in ("asset", "assets", "fund", "funds", "etfs", "etps", "products", "investment")
)
DEAREST_SHARE = 2500.0  # dollars; no share of the listed companies cost more (assumed)
_PRONOUNS = ("it", "its", "the", "that")


class Names(msgspec.Struct, frozen=True):
    """Assets named together, and where."""

    first: int
    last: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "+".join(self.names)


def named_groups(items: list[Item]) -> list[Names]:
    """Assets of a sentence; those joined by commas and ``and`` as one group."""
    groups: list[Names] = []
    for index, item in enumerate(items):
        if item.mention is None or item.key != "@":
            continue
        name = item.mention.name
        last = groups[-1] if groups else None
        if last is not None and index == last.last + 1:  # "the stablecoin USDe"
            groups[-1] = Names(last.first, index, (name,))
        elif last is not None and _joins(items[last.last + 1 : index]):
            names = last.names if name in last.names else (*last.names, name)
            groups[-1] = Names(last.first, index, names)
        else:
            groups.append(Names(index, index, (name,)))
    return groups


def _joins(between: list[Item]) -> bool:
    return len(between) <= 2 and all(item.key in _JOINERS for item in between)


def asset_of(
    sentence: Sentence, index: int, metric: Metric, candidates: list[str], earlier: str | None,
    value: float,
) -> tuple[str | None, str]:
    """The asset a figure is about, and how it was found.

    ``candidates`` are assets that earlier sentences were about, the likeliest first;
    ``earlier`` is that of the last figure about the same metric; ``value`` is the figure, which
    may stand in brackets behind the one at ``index``.
    """
    items = sentence.items
    if metric.asset is None:
        return None, "no asset"
    groups = named_groups(items)
    paired = _respectively(items, index, groups)
    if paired is not None:
        return paired, RESPECTIVELY
    follows = _following(items, index, groups)
    if follows is not None:
        return str(follows), "named behind the figure"
    before = [group for group in groups if group.last < index]
    if metric.asset == SAID:
        own = figure_of(items[index])
        if unit_class(own) == "coin":
            return own.unit, "the coins it stands behind"
        coins = [coin for coin in _coins_before(items, len(items)) if coin.first != index]
        early = [*before, *(coin for coin in coins if coin.last < index)]
        early.sort(key=lambda group: group.last, reverse=True)
        shares = {*table("market")["companies"], *table("market")["indices"]}
        said = [group for group in (*early, *coins, *groups) if not shares & {*group.names}]
        near = [group for group in said if _in_clause(items, index, group)]
        if near:
            return str(near[0]), "named in the sentence"
        return (str(said[0]), "named before") if said and _is_stack(items) else (None, "no asset")
    fund = _of_fund(items, index) if metric.name in ("etf_flow", "volume", "holdings") else None
    if fund is not None and not before:
        return fund, "the fund's coin"
    if metric.name == "etf_flow" and not before and _of_all_funds(items):
        return "ALL", "funds of all coins"
    if metric.name == "largest_liquidation":
        own = _of_order(items, index, groups)
        if own is not None:
            return str(own), "the order's pair"
    if metric.asset in WHOLE:
        is_value = metric.name.startswith("market_cap")
        if is_value and before and _owns_value(items, index, pronouns=("its",)):
            return str(before[-1]), "its"
        for group in reversed(before):
            if not _blocked(items, group.last, index, metric):
                return str(group), "subject of the figure"
        return _whole_or_owner(items, index, metric, bool(before), candidates, earlier)
    if metric.name in PRICES:
        before = sorted([*before, *_coins_before(items, index)], key=lambda group: group.last)
        before = [group for group in before if _possible(group.names[0], value)]
        candidates = [name for name in candidates if _possible(name, value)]
    if before:
        return str(before[-1]), "named before the figure"
    after = [group for group in groups if index < group.first and _is_near(items, index, group)]
    if after and (not candidates or items[0].key not in _PRONOUNS):
        return str(after[0]), "named behind the figure"
    if candidates:
        return candidates[0], "subject of the sentence before"
    return metric.asset, "the usual one"


def _is_stack(items: list[Item]) -> bool:
    """Whether a sentence speaks of the coins of somebody without their name: "the stack"."""
    return any(item.key in words("subject", "stack") for item in items)


def _in_clause(items: list[Item], index: int, group: Names) -> bool:
    low, high = sorted((index, group.first))
    return all(item.key != ";" for item in items[low:high])


def _is_near(items: list[Item], index: int, group: Names) -> bool:
    between = items[index : group.first]
    return items[group.first].place < items[index].place + 12 and all(i.key != ";" for i in between)


def _coins_before(items: list[Item], index: int) -> list[Names]:
    """Sums of coins before a price: ``397 BTC at an average of``."""
    found = []
    for at, item in enumerate(items[:index]):
        if item.quantity is None or unit_class(item.quantity) != "coin":
            continue
        if item.quantity.unit not in QUOTES:
            found.append(Names(at, at, (item.quantity.unit,)))
    return found


def _whole_or_owner(
    items: list[Item], index: int, metric: Metric, is_named: bool, candidates: list[str],
    earlier: str | None,
) -> tuple[str | None, str]:  # fmt: skip
    is_value = metric.name.startswith("market_cap")
    if is_value and candidates and not is_named and _owns_value(items, index):
        return candidates[0], "its"
    if metric.name.startswith("open_interest") and earlier is not None:
        return earlier, "as the figure before"
    return metric.asset, "the whole market"


def _of_order(items: list[Item], index: int, groups: list[Names]) -> Names | None:
    """The asset named nearest to a single order, with no other sum between."""
    near = []
    for group in groups:
        low, high = sorted((index, group.first))
        if not any(item.kind == "quantity" or item.key == ";" for item in items[low + 1 : high]):
            near.append((abs(items[group.first].place - items[index].place), group))
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _of_fund(items: list[Item], index: int) -> str | None:
    """The coin of the fund named nearest before a sum: IBIT holds bitcoin."""
    coins: dict[str, str] = table("market")["funds"]
    for item in reversed(items[:index]):
        if item.key.upper() in coins:
            return coins[item.key.upper()]
    return None


def _of_all_funds(items: list[Item]) -> bool:
    """``Digital asset products saw outflows``, ``multi-asset funds``: of no one coin."""
    near = [item.key for item in items]
    pairs = {*zip(near, near[1:], strict=False)}
    return bool(pairs & _ALL_FUNDS) or "multi" in near


def _owns_value(
    items: list[Item], index: int, pronouns: tuple[str, ...] = ("its", "their", "token", "coin")
) -> bool:
    """``its market cap is``, ``the token's valuation``: the value of the coin named before."""
    for at in range(max(1, index - 10), index):
        is_value = items[at].key.startswith(("cap", "valu", "market"))
        if is_value and items[at - 1].key in pronouns:
            return True
    if len(pronouns) == 1:
        return False
    return any(item.key == "token" for item in items[max(0, index - 8) : index])


def _possible(asset: str, price: float) -> bool:
    """Whether an asset has ever had about that price; groups of coins have none."""
    if asset in table("market")["groups"]:
        return False
    if asset in table("market")["companies"]:
        return price < DEAREST_SHARE
    bounds = price_range(asset)
    return bounds is None or bounds[0] <= price <= bounds[1]


def _following(items: list[Item], index: int, groups: list[Names]) -> Names | None:
    links = words("beside", "asset_links")
    for group in groups:
        if index < group.first <= index + 5:
            between = items[index + 1 : group.first]
            is_next = not between and _starts_statement(items, group)
            if all(item.key in links for item in between) and not is_next:
                return group
    return None


def _starts_statement(items: list[Item], group: Names) -> bool:
    """A name straight behind a figure may begin what comes next: ``(5%) Bitcoin fell``."""
    after = items[group.last + 1].key if group.last + 1 < len(items) else ""
    return after in ("fell", "lost", "was", "is", "at", "#", "(", "had")


def _blocked(items: list[Item], name: int, index: int, metric: Metric) -> bool:
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
        is_lead = item.key == "led" and at <= name + 2 and items[at + 1].key != "to"
        if item.key == ";" or (item.key in blockers and not is_of_value and not is_lead):
            return True
        is_price = item.quantity is not None and unit_class(item.quantity) == "price"
        if is_price and not is_value and items[at - 1].key != "at":
            return True
    return False


def _respectively(items: list[Item], index: int, groups: list[Names]) -> str | None:
    """The asset at the figure's place in a list of as many figures as assets."""
    unit = figure_of(items[index]).unit
    run = [index]
    for step in (-1, 1):
        at = index + step
        while 0 <= at < len(items) and _in_list(items[at]):
            if items[at].quantity is not None and figure_of(items[at]).unit == unit:
                run.append(at)
            at += step
    run.sort()
    if len(run) < 2:
        return None
    for group in reversed(groups):
        if group.last < run[0] and len(group.names) == len(run):
            return group.names[run.index(index)]
    return None


def _in_list(item: Item) -> bool:
    hedges = words("beside", "hedges")
    return item.kind == "quantity" or item.key in _JOINERS or item.key in hedges or item.key == "to"
