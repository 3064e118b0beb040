"""Orders of customers: refusals in their order, and how an order meets the book, fill by fill.

``reference/trading.py`` says the same in plain Python.
"""

from __future__ import annotations

from typing import Any

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import (
    position_of as id_position,
)
from undertow.kernels.book_orders import rank_of, rest, slot_at, take_away
from undertow.kernels.compile import Records, inner, inner_inlined, int64, part, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.filters import bad_size, market_limit
from undertow.kernels.ledger import (
    charge,
    contract_of,
    instrument_of,
    leg_key,
    leg_of,
    notional,
    of_million,
    position_at,
    position_of,
    settle,
    value,
)
from undertow.kernels.matching import best_maker, could_fill, order_price, take_lots
from undertow.kernels.order_margin import count, lacks_margin
from undertow.kernels.pools import closing_bound
from undertow.kernels.prefetch import prefetch
from undertow.kernels.spot import highest_price, swap
from undertow.kernels.tables import find
from undertow.model.codes import (
    ACCEPTED,
    ALREADY_EXPIRED,
    BAD_LEG,
    BAD_SELF_TRADE_MODE,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    BUY,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    CANCELLED,
    DUPLICATE_ORDER,
    FILL,
    FIRST_CUSTOMER,
    FOK,
    FOK_UNFILLED,
    GTC,
    HALTED,
    IOC,
    IOC_REMAINDER,
    LONG,
    MARKET,
    NO_LIQUIDITY,
    NO_MARK,
    NO_REASON,
    ONE_WAY,
    ORDER_ID_NOT_POSITIVE,
    PAST_BANKRUPTCY,
    POST_ONLY,
    POST_ONLY_WOULD_TAKE,
    REDUCE_ONLY,
    REDUCE_ONLY_EXCESS,
    REDUCE_ONLY_WOULD_FLIP,
    REJECTED,
    SELF_TRADE,
    SELF_TRADE_ALLOWED,
    SELL,
    SHORT,
    SPOT,
    UNKNOWN_ACCOUNT,
    UNKNOWN_INSTRUMENT,
)


@inner_inlined
def write(
    venue: Exchange, kind: int, reason: int, side: int, leg: int, instrument: int, account: int,
    order_id: int, price_ticks: int, quantity_lots: int, leaves_lots: int,
) -> Records:  # fmt: skip
    """Append an event; returns its record, for what else it has to tell."""
    state = venue.state[0]
    event = venue.events[uint32(state["events"])]
    state["events"] += 1
    event["kind"] = kind
    event["reason"] = reason
    event["side"] = side
    event["leg"] = leg
    event["instrument"] = instrument
    event["command"] = state["command"]
    event["account"] = account
    event["order_id"] = order_id
    event["price_ticks"] = price_ticks
    event["quantity_lots"] = quantity_lots
    event["leaves_lots"] = leaves_lots
    event["amount_units"] = 0
    event["fee_units"] = 0
    event["maker_account"] = 0
    event["maker_leg"] = 0
    event["asset"] = 0
    event["unused"] = 0
    event["maker_id"] = 0
    event["maker_leaves_lots"] = 0
    event["maker_amount_units"] = 0
    event["maker_fee_units"] = 0
    return event


@inner
def reject(venue: Exchange, command: Records, reason: int) -> None:
    """Say why a command is not carried out, with its own numbers."""
    stay_apart()
    write(
        venue, REJECTED, reason, command["side"], command["leg"], command["instrument"],
        command["account"], command["order_id"], command["price_ticks"],
        command["quantity_lots"], 0,
    )  # fmt: skip


@inner_inlined
def only_reduces(reduce_only: bool, leg: int, side: int) -> bool:
    """Whether an order can never open a position; in hedge mode one against its leg cannot."""
    opening = BUY if leg == LONG else SELL
    return reduce_only or (leg != ONE_WAY and side != opening)


@inner_inlined
def closable(held: Records, side: int) -> int:
    """Lots of a position that an order of this side could close."""
    return max(0, held["lots"] if side == SELL else -held["lots"])


@inner_inlined
def bad_words(venue: Exchange, command: Records, is_market: bool) -> int:
    """Why the words of an order make no sense here, whatever its numbers."""
    instrument, account = int64(command["instrument"]), int64(command["account"])
    if instrument < 0 or instrument >= venue.contracts.shape[0]:
        return UNKNOWN_INSTRUMENT
    if account < 0 or account >= venue.accounts.shape[0]:
        return UNKNOWN_ACCOUNT
    force, leg = int64(command["time_in_force"]), int64(command["leg"])
    if venue.contracts[uint32(instrument)]["halted"] != 0:
        return HALTED
    if int64(command["side"]) != BUY and int64(command["side"]) != SELL:
        return BAD_SIDE
    if force < 0 or force > POST_ONLY or (is_market and force == POST_ONLY):
        return BAD_TIME_IN_FORCE
    if int64(command["self_trade"]) < 0 or int64(command["self_trade"]) > CANCEL_BOTH:
        return BAD_SELF_TRADE_MODE
    is_spot = venue.contracts[uint32(instrument)]["kind"] == SPOT
    if int64(venue.accounts[uint32(account)]["hedge"]) != 0 and not is_spot:
        if leg != LONG and leg != SHORT:
            return BAD_LEG
    elif leg != ONE_WAY:
        return BAD_LEG
    return NO_REASON


@inner_inlined
def is_waiting(venue: Exchange, order_id: int) -> bool:
    """Whether a conditional order with this id waits."""
    return bool(
        venue.state[0]["waiting_count"] > 0
        and venue.waiting_slots[find(venue.waiting_slots, order_id)]["key"] != 0
    )


@part
def refusal(venue: Exchange, command: Records, position: int) -> int:
    """Why a new order is not taken; ``position`` is that of its id in the book's table."""
    stay_apart()
    is_market = int64(command["kind"]) == MARKET
    reason = bad_words(venue, command, is_market)
    if reason != NO_REASON:
        return reason
    contract = venue.contracts[uint32(command["instrument"])]
    if command["order_id"] <= 0:
        return ORDER_ID_NOT_POSITIVE
    if slot_at(venue.book, position) != NONE or is_waiting(venue, command["order_id"]):
        return DUPLICATE_ORDER
    if command["expire_ns"] != 0 and command["expire_ns"] <= venue.state[0]["now_ns"]:
        return ALREADY_EXPIRED
    side, lots = int64(command["side"]), command["quantity_lots"]
    price = contract["mark_ticks"] if is_market else command["price_ticks"]
    if contract["mark_ticks"] == 0:
        if contract["kind"] != SPOT:
            return NO_MARK
        if is_market:
            price = first_price(venue, int64(command["instrument"]), side)
            if price == 0:
                return NO_MARK
    flagged = int64(command["flags"]) & REDUCE_ONLY != 0
    reason = bad_size(contract, side, price, lots, flagged, is_market)
    if reason != NO_REASON:
        return reason
    slot = position_of(
        venue, int64(command["account"]), int64(command["instrument"]), int64(command["leg"])
    )  # fmt: skip
    held = venue.positions[slot]
    reduces = only_reduces(flagged, int64(command["leg"]), side)
    # What cannot rest goes before those that do: `shrink` cancels these as it is filled.
    force = int64(command["time_in_force"])
    rests = not is_market and (force == GTC or force == POST_ONLY)  # noqa: SIM109 - slower
    if reduces and lots + (held["reduce_lots"] if rests else 0) > closable(held, side):
        return REDUCE_ONLY_WOULD_FLIP
    if not is_market and is_past_bankruptcy(venue, slot, side, price):
        return PAST_BANKRUPTCY
    if force == POST_ONLY and would_take(venue, 2 * int64(command["instrument"]) + side, price):
        return POST_ONLY_WOULD_TAKE
    if reduces:
        return NO_REASON
    return lacks_margin(venue, slot, side, price, lots, is_market)


@inner_inlined
def is_past_bankruptcy(venue: Exchange, slot: int, side: int, price: int) -> bool:
    """Whether an order would close an isolated position where the venue does not let it."""
    if venue.rules[0]["refuses_past_bankruptcy"] == 0:
        return False
    bound = closing_bound(venue, slot, side)
    return bool(bound != 0 and (price < bound if side == SELL else price > bound))


@inner
def first_price(venue: Exchange, instrument: int, side: int) -> int:
    """The last price of a spot instrument without a mark, else the other side's best, else 0."""
    last = venue.contracts[uint32(instrument)]["last_ticks"]
    other = 2 * instrument + 1 - side
    if last == 0 and venue.book.sides[uint32(other)]["orders"] > 0:
        last = rank_of(other, venue.book.sides[uint32(other)]["best_rank"])
    return last


@inner_inlined
def would_take(venue: Exchange, queue: int, price: int) -> bool:
    """Whether an order of this queue would meet the other side."""
    other = queue ^ 1
    return bool(venue.book.sides[uint32(other)]["best_rank"] <= rank_of(other, price))


@inner_inlined
def reserve(
    venue: Exchange, slot: int, side: int, reduces: bool, price: int, before: int, after: int
) -> None:
    """Count that an order of the position's holder has so many open lots, after so many."""
    held = venue.positions[slot]
    if reduces:
        held["reduce_lots"] += after - before
        state = venue.state[0]
        state["reduce_only_orders"] += int(before == 0) - int(after == 0)
        return
    contract = contract_of(venue, held)
    units = 0
    if after != 0:
        units += notional(contract, after, price)
    if before != 0:
        units -= notional(contract, before, price)
    count(held, side, after - before, units)


@inner_inlined
def tag_of(reduces: bool, leg: int) -> Any:
    """What an order keeps about its position."""
    return int(reduces) | (leg << 1)


@inner
def enter(venue: Exchange, command: Records) -> None:
    """A new limit or market order."""
    stay_apart()
    order_id = command["order_id"]
    id_at = id_position(venue.book, order_id)
    reason = refusal(venue, command, id_at)
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    side, instrument = int64(command["side"]), int64(command["instrument"])
    leg, account = int64(command["leg"]), int64(command["account"])
    lots = command["quantity_lots"]
    is_market = int64(command["kind"]) == MARKET
    price = command["price_ticks"]
    if is_market:
        contract = venue.contracts[uint32(instrument)]
        price = market_limit(contract, side)
        if contract["kind"] == SPOT and side == BUY and account >= FIRST_CUSTOMER:
            price = min(price, highest_price(venue, account, contract, lots))
        slot = position_at(venue, account, leg_key(instrument, leg))
        if is_past_bankruptcy(venue, slot, side, price):
            price = closing_bound(venue, slot, side)
    force, self_trade = int64(command["time_in_force"]), int64(command["self_trade"])
    shown = 0 if is_market else price
    write(
        venue, ACCEPTED, NO_REASON, side, leg, instrument, account, order_id, shown, lots, lots
    )  # fmt: skip
    queue = 2 * instrument + side
    if force == FOK and not could_fill(venue.book, account, queue, price, lots, self_trade):
        write(
            venue, CANCELLED, FOK_UNFILLED, side, leg, instrument, account, order_id, shown, lots, 0
        )
        return
    reduces = only_reduces(int64(command["flags"]) & REDUCE_ONLY != 0, leg, side)
    finish(
        venue, order_id, account, leg, queue, price, lots, force, self_trade, reduces,
        command["expire_ns"], is_market, id_at,
    )  # fmt: skip


@inner_inlined
def finish(
    venue: Exchange, order_id: int, account: int, leg: int, queue: int, price: int, lots: int,
    force: int, self_trade: int, reduces: bool, expire_ns: int, is_market: bool, id_at: int,
) -> None:  # fmt: skip
    """Fill an accepted order as far as possible; the rest rests or leaves."""
    reason = NO_REASON
    instrument, side = queue >> 1, queue & 1
    if would_take(venue, queue, price):
        lots, reason = match(venue, order_id, account, leg, queue, price, lots, self_trade)
        if lots == 0:
            return
        id_at = id_position(venue.book, order_id)
    slot = position_at(venue, account, leg_key(instrument, leg))
    held = venue.positions[slot]
    if reason == NO_REASON:
        if is_market:
            reason = NO_LIQUIDITY
        elif force == IOC:
            reason = IOC_REMAINDER
        elif force == FOK:
            reason = FOK_UNFILLED
        elif reduces and lots + held["reduce_lots"] > closable(held, side):
            reason = REDUCE_ONLY_EXCESS
    if reason != NO_REASON:
        write(
            venue, CANCELLED, reason, side, leg, instrument, account, order_id,
            0 if is_market else price, lots, 0,
        )  # fmt: skip
        return
    rest(
        venue.book, order_id, account, queue, rank_of(queue, price), lots, expire_ns,
        force == POST_ONLY, tag_of(reduces, leg), id_at,
    )  # fmt: skip
    reserve(venue, slot, side, reduces, price, 0, lots)


@inner
def match(
    venue: Exchange, order_id: int, account: int, leg: int, queue: int, price: int, lots: int,
    self_trade: int,
) -> tuple[int, int]:  # fmt: skip
    """Fill an order as far as its price allows; lots left, and why it ended early if it did."""
    stay_apart()
    other = queue ^ 1
    worst = rank_of(other, price)
    while lots > 0:
        slot = uint32(best_maker(venue.book, other, worst))
        if slot == NONE:
            break
        maker = venue.book.orders[slot]
        if self_trade != SELF_TRADE_ALLOWED and int64(maker["account"]) == account:
            if self_trade != CANCEL_NEWEST:
                remove(venue, slot, CANCELLED, SELF_TRADE)
            if self_trade != CANCEL_OLDEST:
                return lots, SELF_TRADE
            continue
        next_account = int64(venue.book.orders[uint32(maker["next"])]["account"])
        prefetch(venue.positions, venue.accounts[uint32(next_account)]["first_position"])
        taken = min(lots, maker["quantity_lots"])
        lots -= taken
        fill(venue, order_id, account, leg, queue, slot, taken, lots, NO_REASON)
    return lots, NO_REASON


@inner
def remove(venue: Exchange, slot: int, kind: int, reason: int) -> None:
    """Take a resting order out, and say so."""
    stay_apart()
    remove_at(
        venue, slot, id_position(venue.book, venue.book.orders[slot]["order_id"]), kind, reason
    )


@inner_inlined
def remove_at(venue: Exchange, slot: int, id_at: int, kind: int, reason: int) -> None:
    """The same for an order whose id's position in the book's table is known."""
    order = venue.book.orders[slot]
    queue, tag = int64(order["queue"]), int64(order["reduce_only"])
    account, lots = int64(order["account"]), order["quantity_lots"]
    price = order_price(venue.book, slot)
    leg, side, instrument = tag >> 1, queue & 1, queue >> 1
    position = position_at(venue, account, leg_key(instrument, leg))
    reserve(venue, position, side, tag & 1 != 0, price, lots, 0)
    write(
        venue, kind, reason, side, leg, instrument, account, order["order_id"], price, lots, 0
    )  # fmt: skip
    take_away(venue.book, slot, id_at)


@inner_inlined
def touch(venue: Exchange, contract: Records) -> None:
    """Remember that orders may wait for a price that has changed."""
    contract["touched"] = 1
    venue.state[0]["touched"] = 1


@inner
def fill(
    venue: Exchange, order_id: int, account: int, leg: int, queue: int, slot: int, lots: int,
    leaves: int, reason: int,
) -> None:  # fmt: skip
    """Trade some lots with a resting order; a forced taker (with a reason) pays no fee here."""
    stay_apart()
    maker = venue.book.orders[slot]
    instrument, side = queue >> 1, queue & 1
    contract = venue.contracts[uint32(instrument)]
    price = order_price(venue.book, slot)
    tag, before = int64(maker["reduce_only"]), maker["quantity_lots"]
    maker_account, maker_leg = int64(maker["account"]), tag >> 1
    maker_id = maker["order_id"]
    held_by_maker = position_at(venue, maker_account, leg_key(instrument, maker_leg))
    reserve(venue, held_by_maker, 1 - side, tag & 1 != 0, price, before, before - lots)
    take_lots(venue.book, slot, lots)
    held_by_taker = position_of(venue, account, instrument, leg)
    bought = value(contract, lots, price)
    size = abs(bought)
    sign = 1 if side == BUY else -1
    fee, maker_fee = 0, 0
    if contract["kind"] == SPOT:
        amount, maker_amount = -sign * bought, sign * bought
        fee, maker_fee = swap(
            venue, contract, account, maker_account, sign * lots, sign * bought, reason != NO_REASON
        )
    else:
        amount = settle(venue, held_by_taker, sign * lots, sign * bought, reason != NO_REASON)
        if account >= FIRST_CUSTOMER and reason == NO_REASON:
            fee = of_million(size, contract["taker_fee_ppm"])
            charge(venue, held_by_taker, fee)
        maker_amount = settle(venue, held_by_maker, -sign * lots, -sign * bought, False)
        if maker_account >= FIRST_CUSTOMER:
            maker_fee = of_million(size, contract["maker_fee_ppm"])
            charge(venue, held_by_maker, maker_fee)
    contract["last_ticks"] = price
    if venue.state[0]["waiting_count"] > 0:
        touch(venue, contract)
    event = write(
        venue, FILL, reason, side, leg, instrument, account, order_id, price, lots, leaves
    )  # fmt: skip
    event["amount_units"] = amount
    event["fee_units"] = -fee
    event["maker_account"] = maker_account
    event["maker_leg"] = maker_leg
    event["maker_id"] = maker_id
    event["maker_leaves_lots"] = before - lots
    event["maker_amount_units"] = maker_amount
    event["maker_fee_units"] = -maker_fee
    if venue.state[0]["reduce_only_orders"] > 0:
        shrink(venue, held_by_taker)
        shrink(venue, held_by_maker)


@inner
def shrink(venue: Exchange, position: int) -> None:
    """Cancel resting orders that only reduce and exceed what there is, the newest first."""
    stay_apart()
    held = venue.positions[position]
    for side in (BUY, SELL):
        if held["reduce_lots"] == 0:
            return
        total = reducing_lots(venue, position, side)
        queue = 2 * instrument_of(held) + side
        tag = tag_of(True, leg_of(held))
        slot = uint32(venue.book.account_orders[int64(held["account"])])
        while slot != NONE and total > closable(held, side):
            order = venue.book.orders[slot]
            after = uint32(order["account_next"])
            if int64(order["queue"]) == queue and int64(order["reduce_only"]) == tag:
                total -= order["quantity_lots"]
                remove(venue, slot, CANCELLED, REDUCE_ONLY_EXCESS)
            slot = after


@inner_inlined
def reducing_lots(venue: Exchange, position: int, side: int) -> int:
    """Lots of the position's resting orders of one side that only reduce."""
    held = venue.positions[position]
    queue = 2 * instrument_of(held) + side
    tag = tag_of(True, leg_of(held))
    total = 0
    slot = uint32(venue.book.account_orders[int64(held["account"])])
    while slot != NONE:
        order = venue.book.orders[slot]
        if int64(order["queue"]) == queue and int64(order["reduce_only"]) == tag:
            total += order["quantity_lots"]
        slot = uint32(order["account_next"])
    return total
