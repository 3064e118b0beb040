"""Who pays for a bankrupt pool: the fund, the winners on the other side, everybody, or nobody.

``reference/waterfall.py`` says the same in plain Python. Winners are ranked outside: `handle`
stops, `list_winners` tells who they are, `deleverage` carries out the answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.apart import stay_apart
from undertow.kernels.collateral import hand_over
from undertow.kernels.compile import Records, inner, inner_inlined, int64, kernel, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor, mul_div_remainder
from undertow.kernels.invariants import FUND_SOLVENT, WATERFALL, broken, newest_event
from undertow.kernels.ledger import (
    contract_of,
    instrument_of,
    leg_of,
    notional,
    position_of,
    settle,
    soil,
    value,
)
from undertow.kernels.margin import (
    collateral,
    cross_equity,
    cross_maintenance,
    maintenance,
    unrealised,
)
from undertow.kernels.pools import (
    bankruptcy_price,
    is_shut,
    pool_equity,
    pool_maintenance,
    pool_slot,
)
from undertow.kernels.trading import shrink, write
from undertow.model.codes import (
    AT_BANKRUPTCY,
    AT_PREVIOUS_MARK,
    BAD_DEBT,
    BAD_DEBTS,
    BUY,
    BY_FUND,
    BY_NOBODY,
    DELEVERAGED,
    FIRST_CUSTOMER,
    FUND,
    HALTED,
    INSURANCE_PAID,
    INVERSE,
    LIQUIDATION_WAITS,
    LOSS_SOCIALISED,
    NO_COUNTERPARTY,
    NO_REASON,
    ONE_WAY,
    SELL,
    SURPLUS_KEPT,
    TAKEOVER,
    VAULT,
)

WINNER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "account", "lots", "basis_units", "value_units", "wallet_units", "equity_units",
            "maintenance_units", "slot", "share_units", "remainder",
        )
    ]
)  # fmt: skip
Lots = NDArray[np.int64]


@inner_inlined
def next_open(venue: Exchange, pool: int, slot: int) -> int:
    """The pool's open position after one; 0 if that was the last."""
    if pool & 0xFFFFFF != 0:
        return uint32(0)
    found = uint32(venue.positions[slot]["next"])
    while found != 0:
        held = venue.positions[found]
        if int64(held["isolated"]) == 0 and held["lots"] != 0:
            break
        found = uint32(held["next"])
    return found


@kernel
def first_open(venue: Exchange, pool: int) -> int:
    """The pool's first open position; 0 if all are flat."""
    stay_apart()
    slot = pool_slot(venue, pool)
    if slot != 0:
        return uint32(slot if venue.positions[slot]["lots"] != 0 else 0)
    found = uint32(venue.accounts[pool >> 24]["first_position"])
    while found != 0:
        held = venue.positions[found]
        if int64(held["isolated"]) == 0 and held["lots"] != 0:
            break
        found = uint32(held["next"])
    return found


@inner_inlined
def receive(venue: Exchange, pool: int, amount_units: int) -> None:
    """Add cash to a pool, or take it (below 0)."""
    slot = pool_slot(venue, pool)
    venue.state[0]["waterfall_units"] += amount_units
    if slot == 0:
        venue.accounts[pool >> 24]["cash_units"] += amount_units
    else:
        venue.positions[slot]["margin_units"] += amount_units


@inner_inlined
def margin_of(venue: Exchange, pool: int) -> int:
    """Cash of a pool."""
    slot = pool_slot(venue, pool)
    if slot == 0:
        return venue.accounts[pool >> 24]["cash_units"]
    return venue.positions[slot]["margin_units"]


@inner
def say_waits(venue: Exchange, pool: int, slot: int, reason: int) -> None:
    """Say why a pool that lacks margin is left alone until the next mark."""
    stay_apart()
    held = venue.positions[slot]
    event = write(
        venue, LIQUIDATION_WAITS, reason, 0, leg_of(held), instrument_of(held),
        pool >> 24, 0, 0, abs(held["lots"]), 0,
    )  # fmt: skip
    event["amount_units"] = pool_equity(venue, pool)
    event["fee_units"] = pool_maintenance(venue, pool)


@inner
def take_over(venue: Exchange, pool: int, taker: int) -> None:
    """Give all positions of a pool to the fund or the vault, at the mark: its equity stays."""
    stay_apart()
    equity = venue.state[0]["waterfall_units"]
    slot = first_open(venue, pool)
    while slot != 0:
        held = venue.positions[slot]
        key, signed = int64(held["key"]), held["lots"]
        instrument = key >> 2
        contract = venue.contracts[instrument]
        price = bankruptcy_price(contract, signed, equity)
        cost = value(contract, signed, contract["mark_ticks"])
        amount = settle(venue, slot, -signed, -cost, True)
        other = position_of(venue, taker, instrument, ONE_WAY)
        gained = settle(venue, other, signed, cost, False)
        reason = HALTED if is_shut(venue, contract) else NO_REASON
        event = write(
            venue, TAKEOVER, reason, BUY if signed > 0 else SELL, key & 3, instrument,
            pool >> 24, 0, price, abs(signed), 0,
        )  # fmt: skip
        event["amount_units"] = amount
        event["maker_account"] = taker
        event["maker_amount_units"] = gained
        if venue.state[0]["reduce_only_orders"] > 0:
            shrink(venue, slot)
            shrink(venue, other)
        slot = next_open(venue, pool, slot)


@inner_inlined
def pool_instrument(venue: Exchange, pool: int) -> int:
    """The instrument of an isolated pool; -1 for a cross pool."""
    slot = pool_slot(venue, pool)
    return -1 if slot == 0 else instrument_of(venue.positions[slot])


@inner
def keep_surplus(venue: Exchange, pool: int, keeper: int) -> None:
    """What is left of a pool that was taken over goes to whoever took it."""
    stay_apart()
    left = margin_of(venue, pool)
    if left > 0:
        receive(venue, pool, -left)
        venue.accounts[keeper]["cash_units"] += left
        soil(venue, keeper)
        event = write(
            venue, SURPLUS_KEPT, NO_REASON, 0, 0, pool_instrument(venue, pool), pool >> 24, 0, 0,
            0, 0,
        )  # fmt: skip
        event["amount_units"] = -left
        event["maker_account"] = keeper
        event["maker_amount_units"] = left


@inner
def start_winding_up(venue: Exchange, pool: int, equity: int) -> bool:
    """Pay the deficit of a bankrupt pool; true if winners must be ranked before it can go on."""
    stay_apart()
    rules, state, account = venue.rules[0], venue.state[0], pool >> 24
    if venue.assets.shape[0] > 1:
        hand_over(venue, pool)
        equity = pool_equity(venue, pool)
    state["waterfall_units"] = equity
    owed = max(0, -equity)
    is_customer = account >= FIRST_CUSTOMER
    if is_customer and rules["fund_pays"] != 0:
        owed -= draw(venue, pool, owed)
    slot = first_open(venue, pool)
    if slot != 0:
        if rules["takeover"] != BY_NOBODY and is_customer and owed == 0:
            take_over(venue, pool, FUND if rules["takeover"] == BY_FUND else VAULT)
        elif rules["deleverages"] != 0:
            state["adl_slot"] = slot
            state["adl_owed_units"] = owed
            state["adl_left_units"] = owed
            total = 0
            while slot != 0:
                held = venue.positions[slot]
                contract = contract_of(venue, held)
                total += notional(contract, held["lots"], contract["mark_ticks"])
                slot = next_open(venue, pool, slot)
            state["adl_total_units"] = total
            return True
    finish_winding_up(venue, pool)
    return False


@inner
def finish_winding_up(venue: Exchange, pool: int) -> None:
    """What nobody could be deleveraged for, and what is owed after all."""
    stay_apart()
    rules, account = venue.rules[0], pool >> 24
    is_customer = account >= FIRST_CUSTOMER
    if first_open(venue, pool) != 0:
        if is_customer and rules["takeover"] != BY_NOBODY:
            take_over(venue, pool, FUND if rules["takeover"] == BY_FUND else VAULT)
        else:
            say_waits(venue, pool, first_open(venue, pool), NO_COUNTERPARTY)
            return
    left = margin_of(venue, pool)
    if venue.assets.shape[0] > 1 and pool & 0xFFFFFF == 0:
        left += collateral(venue, account)
    if left < 0:
        write_off(venue, pool, -left)
    elif is_customer and left > 0:
        keep_surplus(venue, pool, FUND)
    close_waterfall(venue, pool)


@inner
def close_waterfall(venue: Exchange, pool: int) -> None:
    """Check that a pool has what its payers gave it; a customer's that has ended, nothing."""
    stay_apart()
    left, paid = pool_equity(venue, pool), venue.state[0]["waterfall_units"]
    if left != paid or (pool >> 24 >= FIRST_CUSTOMER and left != 0):
        broken(venue, WATERFALL, paid, left, newest_event(venue))


@inner
def draw(venue: Exchange, pool: int, owed: int) -> int:
    """Let the fund pay what it can of a deficit."""
    stay_apart()
    fund = venue.accounts[FUND]
    paid = min(owed, max(0, min(fund["cash_units"], cross_equity(venue, FUND))))
    if paid > 0:
        fund["cash_units"] -= paid
        soil(venue, FUND)
        receive(venue, pool, paid)
        event = write(venue, INSURANCE_PAID, NO_REASON, 0, 0, -1, pool >> 24, 0, 0, 0, 0)
        event["amount_units"] = paid
        event["maker_account"] = FUND
        event["maker_amount_units"] = -paid
        if fund["cash_units"] < 0:
            broken(venue, FUND_SOLVENT, fund["cash_units"], 0, newest_event(venue))
    return paid


@inner
def write_off(venue: Exchange, pool: int, owed: int) -> None:
    """A deficit that is left: shared by those in profit where the venue says so, else bad debt."""
    stay_apart()
    if venue.rules[0]["socialises"] != 0:
        owed -= socialise(venue, pool, owed)
    if owed > 0:
        receive(venue, pool, owed)
        venue.accounts[BAD_DEBTS]["cash_units"] -= owed
        event = write(venue, BAD_DEBT, NO_REASON, 0, 0, -1, pool >> 24, 0, 0, 0, 0)
        event["amount_units"] = owed
        event["maker_account"] = BAD_DEBTS
        event["maker_amount_units"] = -owed


@inner_inlined
def able_to_pay(venue: Exchange, account: int, bankrupt: int) -> int:
    """What an account can lose of a socialised loss: its cross profit, as far as it is there."""
    if account < FIRST_CUSTOMER or account == bankrupt:
        return 0
    equity, cash = cross_equity(venue, account), venue.accounts[account]["cash_units"]
    gain = equity - cash
    if venue.assets.shape[0] > 1:
        gain -= collateral(venue, account)
    return max(0, min(gain, equity, cash))


@inner
def socialise(venue: Exchange, pool: int, owed: int) -> int:
    """Take a deficit from all cross accounts in profit, in proportion to it, rounded down."""
    stay_apart()
    accounts, bankrupt = venue.accounts.shape[0], pool >> 24
    total = 0
    for account in range(FIRST_CUSTOMER, accounts):
        total += able_to_pay(venue, account, bankrupt)
    taken = min(owed, total)
    if taken == 0:
        return 0
    rest = taken
    for account in range(FIRST_CUSTOMER, accounts):
        rest -= mul_div_floor(taken, able_to_pay(venue, account, bankrupt), total)[0]
    for account in range(FIRST_CUSTOMER, accounts):
        able = able_to_pay(venue, account, bankrupt)
        share = mul_div_floor(taken, able, total)[0]
        if rest > 0 and share < able:
            share, rest = share + 1, rest - 1
        if share > 0:
            venue.accounts[account]["cash_units"] -= share
            soil(venue, account)
            receive(venue, pool, share)
            event = write(venue, LOSS_SOCIALISED, NO_REASON, 0, 0, -1, account, 0, 0, 0, 0)
            event["amount_units"] = -share
            event["maker_account"] = bankrupt
            event["maker_amount_units"] = share
    return taken


@kernel
def list_winners(venue: Exchange, rows: Records) -> int:
    """Open positions on the other side of the one to be deleveraged; returns how many.

    With too few rows, those that fit are written and the number is that of all.
    """
    slot = uint32(venue.state[0]["adl_slot"])
    held = venue.positions[slot]
    instrument = instrument_of(held)
    contract = venue.contracts[instrument]
    found = 0
    for account in range(venue.accounts.shape[0]):
        if account == int64(held["account"]):
            continue
        other_slot = uint32(venue.accounts[account]["first_position"])
        while other_slot != 0:
            other = venue.positions[other_slot]
            is_other_side = (other["lots"] > 0) != (held["lots"] > 0) and other["lots"] != 0
            if instrument_of(other) == instrument and is_other_side:
                if found < rows.shape[0]:
                    describe(venue, contract, other_slot, rows[found])
                found += 1
            other_slot = uint32(other["next"])
    return found


@inner
def describe(venue: Exchange, contract: Records, slot: int, row: Records) -> None:
    """What a ranking may look at."""
    stay_apart()
    held = venue.positions[slot]
    account = int64(held["account"])
    mark = contract["mark_ticks"]
    row["slot"] = slot
    row["account"] = account
    row["lots"] = abs(held["lots"])
    row["basis_units"] = held["basis_units"]
    row["value_units"] = value(contract, held["lots"], mark)
    if int64(held["isolated"]) != 0:
        row["wallet_units"] = held["margin_units"]
        row["equity_units"] = held["margin_units"] + unrealised(venue, held)
        row["maintenance_units"] = maintenance(venue, held, contract, mark)
    else:
        row["wallet_units"] = venue.accounts[account]["cash_units"]
        if venue.assets.shape[0] > 1:
            row["wallet_units"] += collateral(venue, account)
        row["equity_units"] = cross_equity(venue, account)
        row["maintenance_units"] = cross_maintenance(venue, account)


@inner
def deleverage(venue: Exchange, pool: int, rows: Records, taken: Lots) -> bool:
    """Close the position against winners; true if another one of the pool must be ranked.

    Room for an event per winner must be there, and for the orders that they lose by it.
    """
    state = venue.state[0]
    slot = uint32(state["adl_slot"])
    held = venue.positions[slot]
    contract = contract_of(venue, held)
    lots = abs(held["lots"])
    size = notional(contract, lots, contract["mark_ticks"])
    after = next_open(venue, pool, slot)
    part = state["adl_left_units"]
    if after != 0:
        part = mul_div_floor(state["adl_owed_units"], size, max(1, state["adl_total_units"]))[0]
    state["adl_left_units"] -= part
    count = 0
    for index in range(taken.shape[0]):
        count += taken[index]
    if count > 0:
        side = 1 if held["lots"] > 0 else -1
        cost = cost_of(venue, contract, side * count, part, lots)
        split(rows, taken, count, cost)
        price = price_of(contract, side * count, cost)
        for index in range(taken.shape[0]):
            if taken[index] > 0:
                close_one(venue, slot, rows[index], taken[index], side, price)
    state["adl_slot"] = after
    return bool(after != 0)


@inner_inlined
def cost_of(venue: Exchange, contract: Records, signed: int, owed: int, lots: int) -> int:
    """What the winners give for the lots that they take, by the venue's rule."""
    worth = value(contract, signed, contract["mark_ticks"])
    rule = venue.rules[0]["adl_price"]
    if rule == AT_BANKRUPTCY:
        return worth + mul_div_floor(owed, abs(signed), lots)[0]
    if rule == AT_PREVIOUS_MARK and contract["previous_mark_ticks"] != 0:
        return value(contract, signed, contract["previous_mark_ticks"])
    return worth


@inner
def split(rows: Records, taken: Lots, count: int, cost: int) -> None:
    """Shares of a cost in proportion to lots, by largest remainder, ties to the earlier row."""
    stay_apart()
    size = abs(cost)
    rest = size
    for index in range(taken.shape[0]):
        share, remainder, _ = mul_div_remainder(size, taken[index], count)
        rows[index]["share_units"] = share
        rows[index]["remainder"] = remainder
        rest -= share
    # The smallest remainder that fewer than `rest` exceed: all above get one more, then the first.
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        above = 0
        for index in range(taken.shape[0]):
            above += int(rows[index]["remainder"] > middle)
        if above < rest:
            high = middle
        else:
            low = middle + 1
    for index in range(taken.shape[0]):
        if rows[index]["remainder"] > low:
            rows[index]["share_units"] += 1
            rest -= 1
    for index in range(taken.shape[0]):
        if rest > 0 and rows[index]["remainder"] == low:
            rows[index]["share_units"] += 1
            rest -= 1
    if cost < 0:
        for index in range(taken.shape[0]):
            rows[index]["share_units"] = -rows[index]["share_units"]


@inner_inlined
def price_of(contract: Records, signed: int, cost: int) -> int:
    """The price that a cost comes to, for people."""
    if cost == 0:
        return 0
    if contract["kind"] == INVERSE:
        return max(0, -(signed * contract["units"]) // cost)
    return max(0, cost // (signed * contract["units"]))


@inner
def close_one(venue: Exchange, slot: int, row: Records, lots: int, side: int, price: int) -> None:
    """One winner takes some lots of the bankrupt position."""
    stay_apart()
    held = venue.positions[slot]
    other_slot, share = uint32(row["slot"]), row["share_units"]
    other = venue.positions[other_slot]
    contract = contract_of(venue, held)
    at_mark = value(contract, held["lots"], contract["mark_ticks"])
    amount = settle(venue, slot, -side * lots, -share, True)
    at_mark -= value(contract, held["lots"], contract["mark_ticks"])
    venue.state[0]["waterfall_units"] += share - at_mark
    gained = settle(venue, other_slot, side * lots, share, False)
    event = write(
        venue, DELEVERAGED, NO_REASON, BUY if side > 0 else SELL, leg_of(held),
        instrument_of(held), int64(held["account"]), 0, price, lots, abs(held["lots"]),
    )  # fmt: skip
    event["amount_units"] = amount
    event["maker_account"] = int64(other["account"])
    event["maker_leg"] = leg_of(other)
    event["maker_leaves_lots"] = abs(other["lots"])
    event["maker_amount_units"] = gained
    if venue.state[0]["reduce_only_orders"] > 0:
        shrink(venue, slot)
        shrink(venue, other_slot)
