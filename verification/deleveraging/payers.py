"""Who would have paid: a MODEL, because no public file says which account met which shock.

The per-account file has neither time nor coin. The model makes every shock a small copy of the
whole event: an account holds the same share of each shock's capacity as of all of it. Each
account's closed positions are taken as one short, closed at 1 and opened at 1 + profit / notional;
its cash after the event stands for its equity. (Nearly all that was closed were shorts; the
program counts them where it can.) Who gives a share of what it can lose has that share of its
position closed. Accounts without profit or cash can lose nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from undertow.errors import UndertowError
from undertow.venues.deleveraging import UNITS, Candidates, lots_to_take
from undertow.venues.formulas import adl_theory
from undertow.venues.formulas.inputs import ONE, ZERO
from verification.deleveraging.inputs import Account, Shock
from verification.deleveraging.shocks import CENT

# ASSUMED, the same for everybody: Binance's order does not depend on it.
MAINTENANCE_RATE = Decimal("0.05")
# Classes of accounts by cash after the event, USD: upper bounds, and the rest.
CLASSES = tuple(Decimal(10) ** exponent for exponent in range(3, 8))

# The rankings of the venues, by the names that rules files give them.
RANKINGS = {
    "queue: Binance": "leverage_pnl",
    "queue: BitMEX": "pnl_times_effective_leverage",
    "queue: Hyperliquid, documented": "hyperliquid_documented",
    "queue: Hyperliquid, as printed": "hyperliquid_documented_literal",
    "queue: Hyperliquid, as a gain": "hyperliquid_documented_profit",
    "queue: Hyperliquid, reconstructed": "hyperliquid_reconstructed",
    "water-filling by leverage": "water_filling",
}


class Member(NamedTuple):
    """An account that can lose something; USD, the capacity in whole cents."""

    account: int
    capacity: Decimal
    equity: Decimal
    notional: Decimal
    profit: Decimal

    @property
    def leverage(self) -> Decimal:
        """Closed notional over equity."""
        return self.notional / self.equity


class Crowd(NamedTuple):
    """The members, and what policies ask of them again and again."""

    members: list[Member]
    capacities: list[Decimal]
    equities: list[Decimal]
    caps: list[Decimal]
    total: Decimal


def crowd(accounts: Sequence[Account]) -> Crowd:
    """Accounts with something to lose: profit, at most the equity behind it."""
    able = adl_theory.capacities([a.cash for a in accounts], [a.profit for a in accounts])
    members = [
        Member(a.account, room.quantize(CENT, ROUND_DOWN), a.cash, a.notional, a.profit)
        for a, room in zip(accounts, able, strict=True)
        if room >= CENT and a.notional
    ]
    return Crowd(
        members,
        [m.capacity for m in members],
        [m.equity for m in members],
        [m.capacity / m.equity for m in members],
        sum((m.capacity for m in members), ZERO),
    )


Run = Callable[[Decimal], list[Decimal]]


def policies(people: Crowd) -> dict[str, Run]:
    """Every ranking and sharing rule: from what is needed, in whole cents, to what each pays."""
    places = range(1, len(people.members) + 1)
    order = sorted(places, key=lambda place: (-people.members[place - 1].profit, place))
    shorts = _as_shorts(people.members)
    levered = [adl_theory.RISK_WEIGHTS["linear"](m.leverage) for m in people.members]
    return {
        "queue: largest profit (published)": (
            lambda needed: adl_theory.queue(needed, people.capacities, order).seized
        ),
        **{name: _by_venue(ranking, shorts) for name, ranking in RANKINGS.items()},
        "pro-rata by profit": lambda needed: adl_theory.pro_rata(needed, people.capacities).seized,
        "pro-rata by contract": _water(people, [m.leverage for m in people.members]),
        "capped pro-rata by equity": _water(people, None),
        "risk-weighted (leverage squared)": _water(people, levered),
    }


def _as_shorts(members: Sequence[Member]) -> Candidates:
    """One short each; a lot of it is one cent of what can be lost."""

    def units(amounts: list[Decimal]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([round(amount * UNITS) for amount in amounts], np.int64)

    return Candidates(
        account=np.array([m.account for m in members], np.int64),
        lots=np.array([int(m.capacity / CENT) for m in members], np.int64),
        basis_units=units([-m.notional - m.profit for m in members]),
        value_units=units([-m.notional for m in members]),
        wallet_units=units([m.equity - m.profit for m in members]),
        equity_units=units([m.equity for m in members]),
        maintenance_units=units([MAINTENANCE_RATE * m.notional for m in members]),
    )


def _by_venue(ranking: str, shorts: Candidates) -> Run:
    def run(needed: Decimal) -> list[Decimal]:
        lots = lots_to_take(ranking, shorts, int(needed / CENT))
        return [CENT * count for count in lots.tolist()]

    return run


def _water(people: Crowd, weights: Sequence[Decimal] | None) -> Run:
    return lambda needed: adl_theory.waterfill(needed, people.equities, people.caps, weights).seized


class Paid(NamedTuple):
    """What a policy takes from whom; USD, and shares of the sum from 0 to 1.

    `by_rank` has the largest payer, the next 9, the next 90 and all others.
    """

    policy: str
    taken: Decimal
    largest: Decimal
    half_from: int
    by_rank: tuple[Decimal, Decimal, Decimal, Decimal]
    from_levered: Decimal
    by_class: tuple[Decimal, ...]

    @property
    def from_ten(self) -> Decimal:
        """Share of the ten who pay most."""
        return self.by_rank[0] + self.by_rank[1]


def shock_by_shock(
    people: Crowd, shocks: Sequence[Shock], tell: Callable[[str], None] = lambda name: None
) -> list[Paid]:
    """Run every policy on every shock that has a deficit and somebody to pay it.

    ``tell`` hears the name of each policy before it runs: all shocks take a minute or two.
    """
    calls = [s for s in shocks if s.deficit and s.capacity]
    result = []
    for name, run in policies(people).items():
        tell(name)
        sums = [ZERO] * len(people.members)
        done: dict[Decimal, list[Decimal]] = {}
        for shock in calls:
            share = min(ONE, shock.deficit / shock.capacity)
            needed = (share * people.total).quantize(CENT)
            if needed not in done:  # the copies differ in size only
                done[needed] = run(needed)
            scale = shock.capacity / people.total
            sums = [have + scale * more for have, more in zip(sums, done[needed], strict=True)]
        result.append(_paid(name, people, sums))
    _same_sums(result, sum((min(s.deficit, s.capacity) for s in calls), ZERO))
    return result


def one_pool(people: Crowd, needed: Decimal) -> list[Paid]:
    """The other extreme: everybody faces everything at once."""
    wanted = min(needed, people.total).quantize(CENT)
    result = [_paid(name, people, run(wanted)) for name, run in policies(people).items()]
    _same_sums(result, wanted)
    return result


def _same_sums(rows: Sequence[Paid], expected: Decimal) -> None:
    """A policy decides who pays, never how much in sum."""
    for row in rows:
        if abs(row.taken - expected) > ONE:  # cents are rounded in every shock
            raise UndertowError(f"{row.policy}: took {row.taken}, expected {expected}")


def by_class(people: Crowd, amounts: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Sums of the amounts over the accounts of each class of cash."""
    sums = [ZERO] * (len(CLASSES) + 1)
    for member, amount in zip(people.members, amounts, strict=True):
        sums[bisect_right(CLASSES, member.equity)] += amount
    return tuple(sums)


def _count_of_half(falling: Sequence[Decimal], total: Decimal) -> int:
    """How many of those who pay most pay half of the sum."""
    below = sum(2 * paid < total for paid in accumulate(falling))
    return below + 1 if total else 0


def _paid(name: str, people: Crowd, taken: Sequence[Decimal]) -> Paid:
    total = sum(taken, ZERO)
    falling = sorted(taken, reverse=True)
    steps = [sum(falling[:count], ZERO) for count in (1, 10, 100)]
    edges = [ZERO, *steps, total]
    ranks = [(b - a) / total if total else ZERO for a, b in pairwise(edges)]
    pairs = list(zip(people.members, taken, strict=True))
    levered = sum((amount for m, amount in pairs if m.leverage > 1), ZERO)
    return Paid(
        name,
        total,
        falling[0] if falling else ZERO,
        _count_of_half(falling, total),
        (ranks[0], ranks[1], ranks[2], ranks[3]),
        levered / total if total else ZERO,
        by_class(people, taken),
    )
