"""Who pays for a deficit: queue, pro-rata, capped pro-rata and risk-aware shares.

A haircut is the fraction taken of what an account can lose: its profit in `pro_rata` and `queue`
(principal is protected), its equity in `waterfill` and the shares. Source of every rule: Chitra,
*Autodeleveraging*, arXiv 2512.01112 (v3, 2026-02-16), text at
pluriholonomic/autodeleveraging-analysis aae0be8 (paper/algorithms.tex, paper/main_examples.tex).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import ONE, ZERO, Number, not_negative, number, share


class Seizure(NamedTuple):
    """Fractions and amounts taken, per account in the order given."""

    haircuts: list[Decimal]
    seized: list[Decimal]


def deficit(equities: Sequence[Number]) -> Decimal:
    """Sum of what negative accounts owe."""
    return sum((max(ZERO, -number(equity, "equity")) for equity in equities), ZERO)


def budget(equities: Sequence[Number], severity: Number) -> Decimal:
    """What is to be raised: severity (0 to 1) times the deficit."""
    return share(severity, "severity") * deficit(equities)


def capacities(equities: Sequence[Number], pnl: Sequence[Number]) -> list[Decimal]:
    """What each account can lose: the profit of those with positive equity.

    Never more than that equity: the paper's accounts have no negative cash, ours may.
    """
    _same_length("pnl", pnl, equities)
    held = [number(equity, "equity") for equity in equities]
    gains = [number(gain, "pnl") for gain in pnl]
    return [max(ZERO, min(gain, equity)) for gain, equity in zip(gains, held, strict=True)]


def haircut_rate(needed: Number, capacity: Number) -> Decimal:
    """One rate for all: ``needed / capacity``, at most 1; 0 where nothing is needed."""
    wanted, room = not_negative(needed, "needed"), not_negative(capacity, "capacity")
    if wanted >= room:
        return ONE if wanted else ZERO
    return wanted / room


def pro_rata(needed: Number, able: Sequence[Decimal]) -> Seizure:
    """Take the same fraction of everybody's capacity."""
    rate = haircut_rate(needed, sum(able, ZERO))
    return Seizure([rate if room else ZERO for room in able], [rate * room for room in able])


def queue(needed: Number, able: Sequence[Decimal], order: Sequence[int]) -> Seizure:
    """Take all of one account after another until the budget is met.

    Parameters
    ----------
    order
        Accounts counted from 1, first to lose first, each once; who can lose nothing may be
        left out.
    """
    places = set(range(1, len(able) + 1))
    missing = {place for place in places - set(order) if able[place - 1]}
    if missing or not places.issuperset(order) or len(order) != len(set(order)):
        raise UndertowError(f"queue order: expected each of 1 to {len(able)} once")
    left = not_negative(needed, "needed")
    seized = [ZERO] * len(able)
    for place in order:
        taken = min(left, able[place - 1])
        seized[place - 1] = taken
        left -= taken
    haircuts = [taken / room if room else ZERO for taken, room in zip(seized, able, strict=True)]
    return Seizure(haircuts, seized)


def waterfill(
    needed: Number,
    equities: Sequence[Number],
    caps: Sequence[Number],
    weights: Sequence[Number] | None = None,
) -> Seizure:
    """Take a common fraction of equity, but of nobody more than their cap.

    ``haircut = min(cap, level * weight)`` with the level at which the amounts add up to the
    budget (to 28 digits). Above the capacity every cap is reached and the rest stays open: the
    paper calls that infeasible, and the caller sees it by the sum. Equity of 0 or less gives
    nothing. Algorithms 1 and 2 (weights) of paper/algorithms.tex.
    """
    _same_length("caps", caps, equities)
    worth = [max(ZERO, number(equity, "equity")) for equity in equities]
    limits = [share(cap, "cap") for cap in caps]
    pull = [ONE] * len(worth) if weights is None else [not_negative(w, "weight") for w in weights]
    _same_length("weights", pull, equities)
    level = _water_level(not_negative(needed, "needed"), worth, limits, pull)
    haircuts = [
        (cap if level is None else min(cap, level * weight)) if equity and weight else ZERO
        for equity, cap, weight in zip(worth, limits, pull, strict=True)
    ]
    return Seizure(haircuts, [cut * equity for cut, equity in zip(haircuts, worth, strict=True)])


def _water_level(
    needed: Decimal, worth: Sequence[Decimal], caps: Sequence[Decimal], weights: Sequence[Decimal]
) -> Decimal | None:
    """Level at which the haircuts raise the budget; None where all caps together do not."""
    rows = zip(worth, caps, weights, strict=True)
    steps = sorted((cap / pull, equity * pull) for equity, cap, pull in rows if equity and pull)
    rising = sum((mass for _, mass in steps), ZERO)
    level, raised = ZERO, ZERO
    for height, mass in steps:
        gain = (height - level) * rising
        if raised + gain >= needed:
            return level + (needed - raised) / rising
        level, raised, rising = height, raised + gain, rising - mass
    return ZERO if needed == 0 else None


def risk_shares(
    equities: Sequence[Number],
    leverages: Sequence[Number],
    weight: Callable[[Decimal], Decimal],
) -> list[Decimal]:
    """Shares of the budget by risk: proportional to ``equity * weight(leverage)``, sum 1.

    The paper's weight is ``leverage * g(leverage)``: see `RISK_WEIGHTS` and `tail_weight`.
    """
    _same_length("leverages", leverages, equities)
    masses = [
        max(ZERO, number(equity, "equity")) * weight(not_negative(times, "leverage"))
        for equity, times in zip(equities, leverages, strict=True)
    ]
    total = sum(masses, ZERO)
    if total == 0:
        raise UndertowError("shares: nobody carries any weight")
    return [mass / total for mass in masses]


def tail_weight(threshold: Number) -> Callable[[Decimal], Decimal]:
    """The CVaR weight: ``leverage * max(0, leverage - threshold)``."""
    start = not_negative(threshold, "threshold")
    return lambda times: times * max(ZERO, times - start)


RISK_WEIGHTS: dict[str, Callable[[Decimal], Decimal]] = {
    "prorata": lambda times: ONE,
    "linear": lambda times: times**2,
    "power2": lambda times: times**3,
}


def _same_length(name: str, values: Sequence[object], equities: Sequence[object]) -> None:
    if len(values) != len(equities):
        raise UndertowError(f"{name}: {len(values)} values for {len(equities)} accounts")
