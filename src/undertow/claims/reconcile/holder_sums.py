"""Arithmetic of holders: quantity x price = value, before and after, debts, sums of parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import combinations

from undertow.claims.reconcile.making_checks import are_close, by_publisher, make, once, plain
from undertow.claims.reconcile.ranges import agree, shown
from undertow.claims.reconcile.result import Check, Statement
from undertow.claims.reconcile.subjects import holder_of

# The price range of an asset around a statement's time, where a tape knows it.
PriceRange = Callable[[str, Statement], tuple[float, float] | None]

_REPAY = re.compile(r"\b(re)?pa(y|id|ying)( (down|off|back))?\b|\bredeem|\bretir(e|ed|ing)\b", re.I)
_HALF = re.compile(r"\bhalf\b|\b50 ?%", re.IGNORECASE)
# Assumed: coins sold to pay a debt are worth what is paid, within a third.
_PROCEEDS = 1.5
# A sum of so many parts is enough to search all subsets of one text.
_MOST_PARTS = 14
_MOST_LEVELS = 60


def holder_sums(statements: Sequence[Statement], prices: PriceRange) -> list[Check]:
    """All checks of this module."""
    checks: list[Check] = []
    for items in by_publisher(statements):
        coins = [i for i in items if i.family == "treasury"]
        checks += [*_products(coins, prices), *_proceeds(coins)]
        checks += [*_parts(items, statements), *_ratios(items, prices)]
    treasury = [item for item in once(statements) if item.family == "treasury"]
    for subject in dict.fromkeys(item.subject for item in treasury):
        checks += _balances([item for item in treasury if item.subject == subject])
    return checks


def _is_coins(item: Statement) -> bool:
    return item.claim.unit not in ("USD", "pct", None) and item.aspect in ("held", "sold", "bought")


def _is_value(item: Statement) -> bool:
    return item.claim.unit == "USD" and item.aspect in ("value", "sold", "bought")


def _products(items: Sequence[Statement], prices: PriceRange) -> list[Check]:
    """Quantity x price = value; without a price the two imply one."""
    checks = []
    for coins in filter(_is_coins, items):
        near = [i for i in items if i.subject == coins.subject and are_close(i, coins)]
        values = [i for i in near if _is_value(i) and not _is_other_amount(coins, i, items)]
        costs = [i for i in near if i.aspect == "cost" and coins.aspect != "held"]
        for value in values[:3]:
            fitting = [c for c in costs if 0.5 < coins.value * c.value / value.value < 2]
            for cost in fitting[:1]:
                text = f"{plain(coins.value)}*{plain(cost.value)}"
                computed = coins.value * cost.value
                checks.append(make("product", text, computed, [coins, cost], value, slack=0.005,
                                   note="quantity x price"))  # fmt: skip
            if not fitting:
                checks.append(_implied_price(coins, value, prices))
        if coins.aspect == "sold":
            debts = [i for i in near if i.aspect == "debt" and i.claim.unit == "USD"]
            checks += [_implied_price(coins, debt, prices) for debt in debts[:2]]
    return checks


def _is_other_amount(coins: Statement, value: Statement, items: Sequence[Statement]) -> bool:
    """Whether another quantity of the text stands closer to this value."""
    if coins.in_library:
        return (coins.window, coins.claim.venue) != (value.window, value.claim.venue)
    rivals = [i for i in items if _is_coins(i) and i.subject == coins.subject]
    distance = abs(coins.claim.start - value.claim.start)
    return any(abs(i.claim.start - value.claim.start) < distance for i in rivals)


def _implied_price(coins: Statement, value: Statement, prices: PriceRange) -> Check:
    computed = value.value / coins.value
    text = f"{plain(value.value)}/{plain(coins.value)}"
    note = f"{shown(computed, 'USD')} each"
    known = prices(coins.claim.unit or "", coins)
    if known is not None and not known[0] * 0.97 <= computed <= known[1] * 1.03:
        note += f"; the market was between {shown(known[0])} and {shown(known[1])}"
    return make("product", text, computed, [value, coins], note=note)


def _balances(items: Sequence[Statement]) -> list[Check]:
    """Held before + bought (or - sold) = held after; and a sale of all that was held."""
    held = sorted((i for i in items if i.aspect == "held"), key=lambda item: item.value)
    levels = _thinned(list({item.value: item for item in held}.values()))
    changes = [i for i in items if i.aspect in ("sold", "bought") and _is_coins(i)]
    checks, closing = [], []
    for change in _thinned(list({item.value: item for item in changes}.values())):
        for low, high in combinations(levels, 2):
            before, after = (high, low) if change.aspect == "sold" else (low, high)
            sign = "-" if change.aspect == "sold" else "+"
            computed = before.value + (after.value - before.value) / abs(
                after.value - before.value
            ) * abs(change.value)
            if abs(computed - after.value) <= max(0.5, 1e-4 * abs(change.value)):
                text = f"{plain(before.value)}{sign}{plain(abs(change.value))}"
                note = "held before and after the sale or purchase"
                checks.append(make("balance", text, computed, [before, change], after, note=note))
                share = 100 * abs(change.value) / before.value
                text = f"{plain(abs(change.value))}/{plain(before.value)}"
                checks.append(make("share", text, share, [change, before],
                                   note=f"{share:.1f} % of what was held before"))  # fmt: skip
                closing.append(change)
    checks += _halves(items)
    sold = [i for i in changes if i.aspect == "sold" and i not in closing]
    checks += [c for change in sold for c in _sold_all(change, levels, closing)]
    return checks + _sums_of_two(levels)


def _thinned(items: Sequence[Statement]) -> list[Statement]:
    """All, or of very many the articles' own first: pairs and triples of them are tried."""
    first = sorted(items, key=lambda item: item.in_library)[:_MOST_LEVELS]
    kept = {item.id for item in first}
    return [item for item in items if item.id in kept]


def _halves(items: Sequence[Statement]) -> list[Check]:
    """A debt that is exactly half of another of the same holder: repaid by half."""
    debts = _thinned(list({i.value: i for i in items if i.aspect == "debt"}.values()))
    return [
        make("balance", f"{plain(whole.value)}/2", whole.value / 2, [whole], half,
             note="half of the debt")
        for whole in debts
        for half in debts
        if whole.value == 2 * half.value
    ]  # fmt: skip


def _sold_all(
    change: Statement, levels: Sequence[Statement], closing: Sequence[Statement]
) -> list[Check]:
    """A "sale" of exactly what was held, when others say how much was sold and is left."""
    before = [i for i in levels if abs(i.value - change.value) <= 1e-3 * abs(change.value)]
    after = [i for i in levels if i.value < change.value * 0.98]
    others = [i for i in closing if i.aspect == "sold" and i.publisher != change.publisher]
    if not before or not after or not others:
        return []
    text = f"{plain(before[0].value)}-{plain(change.value)}"
    note = (
        f"{shown(change.value, change.claim.unit)} is what was held before; "
        f"{shown(others[0].value, change.claim.unit)} were sold"
    )
    return [make("balance", text, 0.0, [before[0], change], after[0], note=note,
                 verdict="contradiction")]  # fmt: skip


def _sums_of_two(levels: Sequence[Statement]) -> list[Check]:
    """A holding that is the sum of two others of the same text: 10,278 + 3,418 = 13,696."""
    checks = []
    for low, high in combinations(levels, 2):
        for whole in levels:
            if whole.value > high.value and low.value > 0.02 * whole.value:
                total = low.value + high.value
                if abs(total - whole.value) <= 0.5 and whole.publisher == high.publisher:
                    text = f"{plain(high.value)}+{plain(low.value)}"
                    checks.append(make("parts", text, total, [high, low], whole))
    return checks


def _proceeds(items: Sequence[Statement]) -> list[Check]:
    """What was sold to repay a debt is worth what was repaid."""
    checks = []
    for debt in (i for i in items if i.aspect == "debt" and i.claim.unit == "USD"):
        if debt.in_library or not _REPAY.search(debt.context):
            continue
        same = [i for i in items if i.context == debt.context and i.subject == debt.subject]
        values = [i for i in same if _is_value(i)]
        if not values or not any(i.aspect == "sold" for i in same):
            continue
        repaid = debt.value
        halves = [i for i in same if i.aspect == "debt" and i.value * 2 == debt.value]
        if halves:
            continue
        if _HALF.search(debt.context) and not any(
            i.aspect == "debt" and i.value == debt.value * 2 for i in same
        ):
            repaid = debt.value / 2
        nearest = min(values, key=lambda i: abs(i.claim.start - debt.claim.start))
        checks.append(_worth(nearest, debt, repaid))
    return checks


def _worth(value: Statement, debt: Statement, repaid: float) -> Check:
    ratio = value.value / repaid
    is_right = 1 / _PROCEEDS <= ratio <= _PROCEEDS
    text = f"{plain(value.value)}/{plain(repaid)}"
    note = (
        f"{shown(value.value, 'USD')} to repay {shown(repaid, 'USD')}"
        f"{'' if is_right else f': {ratio:.1f} times too much'}"
    )
    return make("proceeds", text, ratio, [value], debt, stated_value=1.0, note=note,
                verdict="ok" if is_right else "contradiction")  # fmt: skip


def _parts(items: Sequence[Statement], everything: Sequence[Statement]) -> list[Check]:
    """Three parts or more of one text that add up to a whole, there or elsewhere."""
    checks = []
    checks += _named_sums([i for i in items if i.family == "exposure"], everything)
    for family in ("loss", "exposure", "liquidations"):
        here = [
            i for i in items
            if i.family == family and i.claim.unit == "USD" and i.claim.value is not None
            and (family != "liquidations" or i.scope != "all")
        ]  # fmt: skip
        here = list({i.value: i for i in here}.values())
        if not 3 <= len(here) <= _MOST_PARTS:
            continue
        checks += _adding_up(here, family, everything)
    return checks


def _named_sums(items: Sequence[Statement], everything: Sequence[Statement]) -> list[Check]:
    """A figure of "A+B" against the figures of A and of B, wherever they were printed."""
    checks = []
    for whole in (i for i in items if "+" in (i.claim.venue or "")):
        names = [holder_of(part.strip()) for part in (whole.claim.venue or "").split("+")]
        parts = [
            next((i for i in everything if i.family == whole.family and i.aspect == name
                  and i.episode == whole.episode and i is not whole
                  and "+" not in (i.claim.venue or "")), None)
            for name in names
        ]  # fmt: skip
        known = [part for part in parts if part is not None]
        if len(known) == len(names):
            total = sum(part.value for part in known)
            text = "+".join(plain(part.value) for part in known)
            checks.append(make("parts", text, total, known, whole, note="named together"))
    return checks


def _adding_up(
    here: Sequence[Statement], family: str, everything: Sequence[Statement]
) -> list[Check]:
    whole = max(here, key=lambda item: item.value)
    parts = [item for item in here if item is not whole]
    total = sum(part.value for part in parts)
    if not agree(total, whole.value, whole.claim.qualifier):
        parts, total = list(here), sum(part.value for part in here)
        whole = parts[0]
    same = [
        i for i in everything
        if i.family == family and i.subject == whole.subject and i.scope == "all"
        and i not in parts
        and i.claim.value is not None and agree(total, i.value, i.claim.qualifier)
    ]  # fmt: skip
    text = "+".join(plain(part.value) for part in parts)
    note = f"{len(parts)} parts against the whole"
    stated = list({i.value: i for i in same}.values())
    return [make("parts", text, total, parts, i, verdict="ok", note=note) for i in stated[:3]]


def _ratios(items: Sequence[Statement], prices: PriceRange) -> list[Check]:
    """Debt / (coins x ratio) = a price; a part / its share = the whole."""
    checks = []
    for ratio in (i for i in items if i.claim.unit == "pct" and i.aspect == "debt to assets"):
        share = ratio.value / 100
        holder = holder_of(ratio.claim.venue)
        mine = [i for i in items if i.family == "treasury" and i.subject == holder] or [
            i for i in items if i.family == "treasury" and not ratio.in_library
        ]
        for debt in (i for i in mine if i.aspect == "debt"):
            for coins in (i for i in mine if i.aspect == "held" and _is_coins(i)):
                computed = debt.value / coins.value / share if share else 0.0
                known = prices(coins.claim.unit or "", ratio)
                if known is not None and not known[0] * 0.85 <= computed <= known[1] * 1.15:
                    continue
                if known is None and debt.window != coins.window:
                    continue
                text = f"{plain(debt.value)}/{plain(coins.value)}/{plain(share)}"
                note = f"{shown(computed, 'USD')} each, from the ratio of debt to assets"
                checks.append(make("product", text, computed, [debt, coins, ratio], note=note))
    for backing in (i for i in items if i.claim.unit == "pct" and i.aspect == "backing share"):
        holder = holder_of(backing.claim.venue)
        for part in (i for i in items if i.family == "exposure" and i.subject == holder):
            computed = part.value / backing.value * 100 if backing.value else 0.0
            text = f"{plain(part.value)}/{plain(backing.value / 100)}"
            checks.append(make("share", text, computed, [part, backing],
                               note=f"{shown(computed, 'USD')} in all"))  # fmt: skip
    return checks
