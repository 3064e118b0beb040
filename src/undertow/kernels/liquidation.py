"""Closing pools by force: what is sent to the book, and what follows when that is not enough.

``reference/liquidation.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import rank_of
from undertow.kernels.collateral import exchange, hand_over, sell
from undertow.kernels.compile import int64, part, uint32
from undertow.kernels.control import cancel_in
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import (
    MILLION,
    contract_of,
    instrument_of,
    leg_of,
    notional,
    of_million,
)
from undertow.kernels.margin import collateral, tier_number
from undertow.kernels.matching import best_maker
from undertow.kernels.pools import (
    bankruptcy_price,
    handled_mark,
    has_queue,
    is_shut,
    lacks,
    pool_equity,
    pool_maintenance,
    pool_slot,
    queue_place,
    spare_of,
)
from undertow.kernels.trading import fill, remove, write
from undertow.kernels.waterfall import (
    close_waterfall,
    first_open,
    keep_surplus,
    next_open,
    receive,
    say_waits,
    start_winding_up,
    take_over,
)
from undertow.model.codes import (
    BOOK_EMPTY,
    BUY,
    BY_FUND,
    BY_LIQUIDATION,
    BY_NOBODY,
    BY_VAULT,
    CANCELLED,
    COOLDOWN,
    FIRST_CUSTOMER,
    FRACTION,
    FUND,
    HALT_WAITS,
    HALTED,
    LATENCY,
    LIQUIDATION,
    LIQUIDATION_FEE,
    LIQUIDATION_WAITS,
    MOST_PRICE_TICKS,
    NO_REASON,
    PAST_BANKRUPTCY,
    QUEUE,
    SELF_TRADE,
    SELL,
    TIERS,
    VAULT,
)


@part
def handle(venue: Exchange, pool: int) -> bool:
    """Liquidate one pool as far as it can be done now; true if winners must be ranked first."""
    equity, needed = pool_equity(venue, pool), pool_maintenance(venue, pool)
    is_handled = handled_mark(venue, pool) == venue.state[0]["mark_number"]
    if is_handled or spare_of(venue, equity, needed) >= 0:
        if venue.assets.shape[0] > 1 and pool & 0xFFFFFF == 0:
            exchange(venue, pool >> 24)
        return False
    account, slot = pool >> 24, pool_slot(venue, pool)
    waits = NO_REASON
    if account >= FIRST_CUSTOMER and has_queue(venue):
        waits = must_wait(venue, queue_place(venue, pool))
    rules, mark_number = venue.rules[0], venue.state[0]["mark_number"]
    first, leg = -1, 0
    if slot == 0:
        venue.accounts[account]["handled"] = mark_number
    else:
        held = venue.positions[slot]
        held["handled"] = mark_number
        first, leg = instrument_of(held), leg_of(held)
    if waits != NO_REASON:
        if waits > 0:
            event = write(venue, LIQUIDATION_WAITS, waits, 0, leg, first, account, 0, 0, 0, 0)
            event["amount_units"] = equity
            event["fee_units"] = needed
        return False
    is_flat = slot != 0 and venue.positions[slot]["lots"] == 0
    reason = PAST_BANKRUPTCY if is_flat else NO_REASON
    event = write(venue, LIQUIDATION, reason, 0, leg, first, account, 0, 0, 0, 0)
    event["amount_units"] = equity
    event["fee_units"] = needed
    if account < FIRST_CUSTOMER:
        return start_winding_up(venue, pool, equity)
    if rules["cancels_orders_first"] != 0:
        cancel_in(venue, account, first, int(slot == 0), BY_LIQUIDATION)
    said = venue.state[0]["events"]
    waits = close_in_book(venue, pool)
    if venue.assets.shape[0] > 1 and slot == 0:
        sell(venue, account, collateral(venue, account) - pool_equity(venue, pool))
    if venue.state[0]["events"] != said:  # else nothing has changed
        equity, needed = pool_equity(venue, pool), pool_maintenance(venue, pool)
        if spare_of(venue, equity, needed) >= 0:
            release(venue, slot)
            return False
    if rules["halted_book"] == HALT_WAITS:
        shut = first_shut(venue, pool)
        if shut != 0:
            say_waits(venue, pool, shut, HALTED)
            return False
    takeover = rules["takeover"]
    if takeover == BY_VAULT and equity >= of_million(needed, rules["backstop_ppm"]):
        still_open = first_open(venue, pool)
        if still_open != 0:
            say_waits(venue, pool, still_open, waits)
            return False
    if equity < 0:
        return start_winding_up(venue, pool, equity)
    if takeover == BY_NOBODY:  # what is left is still the customer's
        say_waits(venue, pool, first_open(venue, pool), waits)
        return False
    if venue.assets.shape[0] > 1:
        hand_over(venue, pool)
        equity = pool_equity(venue, pool)
    taker = FUND if takeover == BY_FUND else VAULT
    venue.state[0]["waterfall_units"] = equity
    take_over(venue, pool, taker)
    keep_surplus(venue, pool, taker)
    close_waterfall(venue, pool)
    return False


@part
def must_wait(venue: Exchange, place: int) -> int:
    """Why the liquidator comes to a pool later, below 0 if that was said; 0: it comes now."""
    rules, state, queued = venue.rules[0], venue.state[0], venue.queued[place]
    is_new = queued["mark"] == 0
    if is_new:
        queued["mark"] = state["mark_number"]
        queued["ns"] = state["now_ns"]
    reason = NO_REASON
    if 0 < rules["liquidations_per_mark"] <= state["liquidated"]:
        reason = QUEUE
    if state["now_ns"] - queued["ns"] < rules["liquidation_latency_ns"]:
        reason = LATENCY
    if reason == NO_REASON:
        queued["mark"] = 0
        state["liquidated"] += 1
    return reason if is_new else -reason


@part
def first_shut(venue: Exchange, pool: int) -> int:
    """The pool's first open position whose book is halted for it; 0 if there is none."""
    slot = first_open(venue, pool)
    while slot != 0:
        if is_shut(venue, contract_of(venue, venue.positions[slot])):
            break
        slot = next_open(venue, pool, slot)
    return slot


@part
def release(venue: Exchange, slot: int) -> None:
    """Give back what is left of an isolated margin once its position is closed."""
    held = venue.positions[slot]
    if slot != 0 and held["lots"] == 0 and held["margin_units"] > 0:
        venue.accounts[uint32(held["account"])]["cash_units"] += held["margin_units"]
        held["margin_units"] = 0


@part
def close_in_book(venue: Exchange, pool: int) -> int:
    """Send what the policy asks for to the book; returns why more must wait.

    The pool lacks margin when this begins; whether it still does is asked once something was said.
    """
    state, waits, policy = venue.state[0], BOOK_EMPTY, venue.rules[0]["policy"]
    said = state["events"]
    slot = first_open(venue, pool)
    while slot != 0:
        held = venue.positions[slot]
        shut = is_shut(venue, contract_of(venue, held))
        while not shut and held["lots"] != 0:
            if state["events"] != said and not lacks(venue, pool):
                break
            lots = lots_to_close(venue, pool, slot)
            if lots < abs(held["lots"]) and policy == FRACTION:
                waits = COOLDOWN
            left = send(venue, pool, slot, lots)
            if left > 0 or policy != TIERS:
                break
        slot = next_open(venue, pool, slot)
    if waits == COOLDOWN:
        until_ns = venue.state[0]["now_ns"] + venue.rules[0]["cooldown_ns"]
        isolated = pool_slot(venue, pool)
        if isolated == 0:
            venue.accounts[pool >> 24]["cooldown_ns"] = until_ns
        else:
            venue.positions[isolated]["cooldown_ns"] = until_ns
    return waits


@part
def lots_to_close(venue: Exchange, pool: int, slot: int) -> int:
    """Size of the next liquidation order."""
    rules, held = venue.rules[0], venue.positions[slot]
    contract = contract_of(venue, held)
    lots = abs(held["lots"])
    size = notional(contract, lots, contract["mark_ticks"])
    if rules["policy"] == FRACTION:
        isolated = pool_slot(venue, pool)
        until_ns = venue.positions[isolated]["cooldown_ns"]
        if isolated == 0:
            until_ns = venue.accounts[pool >> 24]["cooldown_ns"]
        if size <= rules["partial_above_units"] or venue.state[0]["now_ns"] < until_ns:
            return lots
        return max(1, mul_div_floor(lots, rules["partial_ppm"], MILLION)[0])
    if rules["policy"] == TIERS:
        tier = tier_number(venue, contract, lots, size) - contract["first_tier"]
        if tier + 1 < rules["partial_from_tier"] or tier == 0:
            return lots
        target = contract["first_tier"] + max(0, tier - rules["tiers_per_step"]) + 1
        kept = venue.tiers[target]["floor"]
        if contract["tiers_by_lots"] == 0:
            kept = mul_div_floor(lots, kept, size)[0]
        return lots - min(kept, lots - 1)
    return lots


@part
def send(venue: Exchange, pool: int, slot: int, lots: int) -> int:
    """One liquidation order, ended early when the margin suffices; lots that found nobody."""
    held = venue.positions[slot]
    account, key = int64(held["account"]), int64(held["key"])
    instrument, leg = key >> 2, key & 3
    contract = venue.contracts[instrument]
    side = SELL if held["lots"] > 0 else BUY
    limit = MOST_PRICE_TICKS if side == BUY else 1
    queue = 2 * instrument + side
    other = queue ^ 1
    if venue.book.sides[other]["orders"] == 0:
        return lots
    while lots > 0 and lacks(venue, pool):
        if venue.rules[0]["bounded_by_bankruptcy"] != 0:  # anew each time, as fees have been paid
            limit = bankruptcy_price(contract, held["lots"], pool_equity(venue, pool))
        worst = rank_of(other, limit)
        maker = uint32(best_maker(venue.book, other, worst))
        if maker == NONE:
            return lots
        if int64(venue.book.orders[maker]["account"]) == account:
            remove(venue, maker, CANCELLED, SELF_TRADE)
            continue
        taken = min(lots, venue.book.orders[maker]["quantity_lots"])
        lots -= taken
        fill(venue, 0, account, leg, queue, maker, taken, lots, BY_LIQUIDATION)
        price = contract["last_ticks"]
        fee = of_million(notional(contract, taken, price), contract["liquidation_fee_ppm"])
        fee = min(fee, max(0, pool_equity(venue, pool)))
        if fee > 0:
            receive(venue, pool, -fee)
            venue.accounts[FUND]["cash_units"] += fee
            event = write(
                venue, LIQUIDATION_FEE, NO_REASON, side, leg, instrument, account, 0, price,
                taken, 0,
            )  # fmt: skip
            event["fee_units"] = -fee
    return 0
