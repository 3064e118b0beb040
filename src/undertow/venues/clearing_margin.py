"""What a customer of a clearing house has and must have, in cash units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from undertow.model import codes
from undertow.model.contracts import Contract
from undertow.reference.contract import notional
from undertow.venues.engine import Engine
from undertow.venues.margin_account import unrealised_units

LEFT_ALONE = (codes.VENUE, codes.BAD_DEBTS)  # they never trade


def equity_units(
    engine: Engine, contracts: Sequence[Contract], account: int, marks: Sequence[int]
) -> int:
    """Cash of an account, and the profit of its positions at these prices."""
    cash = sum(int(row["cash_units"]) for row in engine.accounts(account))
    return cash + sum(
        unrealised_units(row, contracts, marks[row["instrument"]])
        for row in engine.positions(account)
    )


def held_lots(engine: Engine, account: int) -> dict[int, int]:
    """Signed lots of an account by instrument, without what is flat."""
    rows = engine.positions(account)
    return {int(row["instrument"]): int(row["lots"]) for row in rows if row["lots"] != 0}


def most_lots(engine: Engine, account: int, entered: Any = None) -> dict[int, int]:
    """The most lots by instrument that an account could have if all bids, or all asks, filled.

    ``entered`` is a command with an order that it would have besides, or in place of the one that
    it amends. Orders that only reduce do not count.
    """
    held = held_lots(engine, account)
    orders = [row for row in engine.orders(account) if not row["reduce_only"]]
    if entered is not None and entered["kind"] == codes.AMEND:
        amended = [row for row in orders if row["order_id"] == entered["order_id"]]
        orders = [row for row in orders if row["order_id"] != entered["order_id"]]
        sides = [int(row["side"]) for row in amended]
    else:
        sides = [] if entered is None else [int(entered["side"])]
    rows = [(int(row["instrument"]), int(row["side"]), int(row["quantity_lots"])) for row in orders]
    if entered is not None:
        rows += [(int(entered["instrument"]), side, int(entered["quantity_lots"]))
                 for side in sides]  # fmt: skip
    bids, asks = dict[int, int](), dict[int, int]()
    for place, side, lots in rows:
        totals = bids if side == codes.BUY else asks
        totals[place] = totals.get(place, 0) + lots
    return {
        place: max(abs(held.get(place, 0) + bids.get(place, 0)),
                   abs(held.get(place, 0) - asks.get(place, 0)))
        for place in {*held, *bids, *asks}
    }  # fmt: skip


def margin_units(
    contracts: Sequence[Contract], lots: Mapping[int, int], marks: Sequence[int], rate: Fraction
) -> int:
    """A share of what lots are worth at these prices, over all instruments, rounded up."""
    size = sum(notional(contracts[place], count, marks[place]) for place, count in lots.items())
    scaled = size * rate
    return -(-scaled.numerator // scaled.denominator)


def all_units(
    engine: Engine, contracts: Sequence[Contract], marks: Sequence[int]
) -> dict[int, tuple[int, dict[int, int]]]:
    """Equity at these prices and lots by instrument, of all who may trade and have something."""
    found: dict[int, tuple[int, dict[int, int]]] = {
        int(row["account"]): (int(row["cash_units"]), {}) for row in engine.accounts()
    }
    for row in engine.positions():
        has, lots = found.get(int(row["account"]), (0, {}))
        lots[int(row["instrument"])] = int(row["lots"])
        has += unrealised_units(row, contracts, marks[row["instrument"]])
        found[int(row["account"])] = (has, lots)
    return {number: found[number] for number in sorted(found) if number not in LEFT_ALONE}
