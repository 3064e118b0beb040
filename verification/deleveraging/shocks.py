"""Shock by shock: what a policy takes that stops at the deficit, against the published queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from undertow.errors import UndertowError
from undertow.venues.formulas import adl_theory
from undertow.venues.formulas.inputs import ONE, ZERO
from verification.deleveraging.inputs import Shock

CENT = Decimal("0.01")

# The file has one capacity per shock: who pays is the business of `payers`, how much is not.
POLICIES: dict[str, Callable[[Decimal, Decimal], adl_theory.Seizure]] = {
    "queue": lambda needed, able: adl_theory.queue(needed, [able], [1]),
    "pro-rata": lambda needed, able: adl_theory.pro_rata(needed, [able]),
    "capped pro-rata": lambda needed, able: adl_theory.waterfill(needed, [able], [ONE]),
}


class Recomputed(NamedTuple):
    """A shock under any policy that takes what is needed and no more; USD.

    `queue_overshoot` and `queue_residual` are the published queue's, from what it took.
    """

    shock: Shock
    taken: Decimal
    uncovered: Decimal
    queue_overshoot: Decimal
    queue_residual: Decimal


def recompute(shock: Shock) -> Recomputed:
    """Run every policy on a shock's deficit and capacity.

    Raises
    ------
    UndertowError
        When two policies take different amounts: all of them stop at the deficit.
    """
    taken = {
        name: sum(run(shock.deficit, shock.capacity).seized, ZERO) for name, run in POLICIES.items()
    }
    amount = taken["queue"]
    if any(abs(other - amount) > CENT for other in taken.values()):
        raise UndertowError(f"{shock.coin} {shock.cluster}: policies differ in sum: {taken}")
    return Recomputed(
        shock,
        taken=amount,
        uncovered=shock.deficit - amount,
        queue_overshoot=max(ZERO, shock.queue_taken - shock.deficit),
        queue_residual=max(ZERO, shock.deficit - shock.queue_taken),
    )


def recompute_all(shocks: Sequence[Shock]) -> list[Recomputed]:
    """Every shock, in the order given."""
    return [recompute(shock) for shock in shocks]


class ShockTotals(NamedTuple):
    """Sums over shocks, USD, and how many there are."""

    shocks: int
    with_deficit: int
    beyond_capacity: int
    deficit: Decimal
    capacity: Decimal
    taken: Decimal
    uncovered: Decimal
    queue_taken: Decimal
    queue_overshoot: Decimal
    queue_residual: Decimal


def totals(rows: Sequence[Recomputed]) -> ShockTotals:
    """Add up."""
    return ShockTotals(
        len(rows),
        sum(row.shock.deficit > 0 for row in rows),
        sum(row.shock.deficit > row.shock.capacity for row in rows),
        sum((row.shock.deficit for row in rows), ZERO),
        sum((row.shock.capacity for row in rows), ZERO),
        sum((row.taken for row in rows), ZERO),
        sum((row.uncovered for row in rows), ZERO),
        sum((row.shock.queue_taken for row in rows), ZERO),
        sum((row.queue_overshoot for row in rows), ZERO),
        sum((row.queue_residual for row in rows), ZERO),
    )
