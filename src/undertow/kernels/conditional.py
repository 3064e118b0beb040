"""Orders that wait for a price: stops, take-profits, trailing stops; heaps tell which is next.

``reference/conditional.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import position_of as id_position
from undertow.kernels.book_orders import slot_at
from undertow.kernels.compile import Records, inner, inner_inlined, int64, part, uint32
from undertow.kernels.exchange_arrays import (
    LAST_FALLS,
    LAST_RISES,
    MARK_FALLS,
    MARK_RISES,
    TRAILING_HEAD,
    Exchange,
)
from undertow.kernels.heap import insert, take_out
from undertow.kernels.ledger import MILLION, position_of
from undertow.kernels.tables import find, put
from undertow.kernels.tables import remove as remove_entry
from undertow.kernels.trading import (
    bad_words,
    closable,
    enter,
    is_waiting,
    reject,
    touch,
    write,
)
from undertow.model.codes import (
    ABOVE_MAX_QUANTITY,
    ACCEPTED,
    BAD_TRIGGER,
    BOUND_REACHED,
    CANCELLED,
    CLOSE_POSITION,
    DUPLICATE_ORDER,
    LIMIT,
    MARKET,
    MOST_TRIGGERS,
    NO_MARK,
    NO_REASON,
    NOTHING_TO_CLOSE,
    ON_LAST,
    ORDER_ID_NOT_POSITIVE,
    PRICE_NOT_POSITIVE,
    PRICE_TOO_LARGE,
    QUANTITY_NOT_POSITIVE,
    REDUCE_ONLY,
    SELL,
    STOP,
    TAKE_PROFIT,
    TRAILING,
    TRIGGERED,
    WOULD_TRIGGER_AT_ONCE,
)


@inner_inlined
def price_of(venue: Exchange, order: Records) -> int:
    """The price that an order waits for; 0 before the first."""
    contract = venue.contracts[uint32(order["instrument"])]
    if int64(order["flags"]) & ON_LAST != 0:
        return contract["last_ticks"]
    return contract["mark_ticks"]


@inner_inlined
def waits_for_a_fall(order: Records) -> bool:
    """A stop sells when the price falls and buys when it rises; a take-profit the other way."""
    return (int64(order["side"]) == SELL) == (int64(order["trigger"]) != TAKE_PROFIT)


@inner_inlined
def refusal(venue: Exchange, command: Records) -> int:
    """Why a conditional order is not taken."""
    price, lots, trigger = (
        command["price_ticks"],
        command["quantity_lots"],
        int64(command["trigger"]),
    )
    reason = bad_words(venue, command, price == 0)
    if reason != NO_REASON:
        return reason
    contract = venue.contracts[uint32(command["instrument"])]
    order_id = command["order_id"]
    if order_id <= 0:
        return ORDER_ID_NOT_POSITIVE
    resting = slot_at(venue.book, id_position(venue.book, order_id)) != NONE
    if resting or is_waiting(venue, order_id):
        return DUPLICATE_ORDER
    if trigger < STOP or trigger > TRAILING:
        return BAD_TRIGGER
    trailing = trigger == TRAILING
    if trailing and (command["amount"] <= 0 or command["amount"] >= MILLION):
        return BAD_TRIGGER
    at = command["trigger_ticks"]
    if at < (0 if trailing else 1) or at > contract["max_price_ticks"]:
        return BAD_TRIGGER
    closes = int64(command["flags"]) & CLOSE_POSITION != 0
    if closes and (price != 0 or lots != 0):
        return BAD_TRIGGER
    if price < 0:
        return PRICE_NOT_POSITIVE
    if price > contract["max_price_ticks"]:
        return PRICE_TOO_LARGE
    if not closes and lots <= 0:
        return QUANTITY_NOT_POSITIVE
    if not closes and lots > contract["max_lots"]:
        return ABOVE_MAX_QUANTITY
    now = price_of(venue, command)
    if now == 0:
        return NO_MARK
    if not trailing and (now <= at if waits_for_a_fall(command) else now >= at):
        return WOULD_TRIGGER_AT_ONCE
    return NO_REASON


@inner
def wait(venue: Exchange, command: Records) -> None:
    """Take a conditional order, if its words make sense; its margin is checked when it fires."""
    stay_apart()
    reason = refusal(venue, command)
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    state = venue.state[0]
    slot = uint32(state["free_waiting"])
    order = venue.waiting[slot]
    state["free_waiting"] = order["next"]
    state["waiting_left"] -= 1
    state["waiting_count"] += 1
    copy_order(command, order)
    order["kind"] = MARKET if command["price_ticks"] == 0 else LIMIT
    order["sequence"] = state["waiting_sequence"]
    state["waiting_sequence"] += 1
    put(venue.waiting_slots, find(venue.waiting_slots, command["order_id"]),
        command["order_id"], slot)  # fmt: skip
    newest = uint32(venue.accounts[uint32(command["account"])]["newest_waiting"])
    order["account_next"] = newest
    order["account_previous"] = 0
    venue.waiting[newest]["account_previous"] = slot
    venue.accounts[uint32(command["account"])]["newest_waiting"] = slot
    order["in_heap"] = 0
    order["active"] = 1
    order["start_ticks"] = command["trigger_ticks"]
    order["trigger_ticks"] = command["trigger_ticks"]
    instrument = int64(command["instrument"])
    if int64(command["trigger"]) == TRAILING:
        order["active"] = command["trigger_ticks"] == 0
        order["extreme_ticks"] = price_of(venue, command)
        head = uint32(venue.roots[instrument, TRAILING_HEAD])
        order["trail_next"] = head
        order["trail_previous"] = 0
        venue.waiting[head]["trail_previous"] = slot
        venue.roots[instrument, TRAILING_HEAD] = slot
        follow(venue, slot)
    else:
        into_heap(venue, slot)
    lots = command["quantity_lots"]
    write(
        venue, ACCEPTED, NO_REASON, int64(command["side"]), int64(command["leg"]), instrument,
        int64(command["account"]), command["order_id"], command["price_ticks"], lots, lots,
    )  # fmt: skip
    touch(venue, venue.contracts[instrument])


@inner_inlined
def copy_order(source: Records, target: Records) -> None:
    """Copy what an order says."""
    target["side"] = source["side"]
    target["time_in_force"] = source["time_in_force"]
    target["self_trade"] = source["self_trade"]
    target["flags"] = source["flags"]
    target["trigger"] = source["trigger"]
    target["leg"] = source["leg"]
    target["instrument"] = source["instrument"]
    target["account"] = source["account"]
    target["order_id"] = source["order_id"]
    target["price_ticks"] = source["price_ticks"]
    target["quantity_lots"] = source["quantity_lots"]
    target["expire_ns"] = source["expire_ns"]
    target["amount"] = source["amount"]


@inner_inlined
def heap_of(order: Records) -> int:
    """The heap that an order waits in."""
    first = LAST_FALLS if int64(order["flags"]) & ON_LAST != 0 else MARK_FALLS
    return first if waits_for_a_fall(order) else first + 1


@inner_inlined
def into_heap(venue: Exchange, slot: int) -> None:
    """Let an order wait with its present trigger."""
    order = venue.waiting[slot]
    root, instrument = heap_of(order), int64(order["instrument"])
    trigger = order["trigger_ticks"]
    order["heap_key"] = -trigger if waits_for_a_fall(order) else trigger
    venue.roots[instrument, root] = insert(venue.waiting, venue.roots[instrument, root], slot)


@inner_inlined
def out_of_heap(venue: Exchange, slot: int) -> None:
    """Let an order wait no more."""
    order = venue.waiting[slot]
    if int64(order["in_heap"]) != 0:
        root, instrument = heap_of(order), int64(order["instrument"])
        venue.roots[instrument, root] = take_out(venue.waiting, venue.roots[instrument, root], slot)


@inner
def follow(venue: Exchange, slot: int) -> None:
    """Let a trailing order start, and its trigger follow the best price since."""
    stay_apart()
    order = venue.waiting[slot]
    price = price_of(venue, order)
    sells = int64(order["side"]) == SELL
    extreme = order["extreme_ticks"]
    if int64(order["active"]) == 0:
        started = price >= order["start_ticks"] if sells else price <= order["start_ticks"]
        if not started or price == 0:
            return
        order["active"] = 1
        extreme = price
    if sells:
        extreme = max(extreme, price)
        trigger = floor_down(extreme, order["amount"])
    else:
        extreme = min(extreme, price)
        trigger = ceil_up(extreme, order["amount"])
    order["extreme_ticks"] = extreme
    if int64(order["in_heap"]) != 0 and trigger == order["trigger_ticks"]:
        return
    out_of_heap(venue, slot)
    order["trigger_ticks"] = trigger
    into_heap(venue, slot)


@inner_inlined
def floor_down(price: int, rate_ppm: int) -> int:
    """A price lowered by a rate, rounded down."""
    return price * 2 - ceil_up(price, rate_ppm)


@inner_inlined
def ceil_up(price: int, rate_ppm: int) -> int:
    """A price raised by a rate, rounded up."""
    whole = price // MILLION
    rest = (price - whole * MILLION) * rate_ppm
    return price + whole * rate_ppm - (-rest) // MILLION


@inner
def next_to_fire(venue: Exchange, instrument: int) -> int:
    """The conditional order of an instrument that fires first, 0 if none does."""
    stay_apart()
    slot = uint32(venue.roots[instrument, TRAILING_HEAD])
    while slot != 0:
        follow(venue, slot)
        slot = uint32(venue.waiting[slot]["trail_next"])
    contract = venue.contracts[instrument]
    mark, last = contract["mark_ticks"], contract["last_ticks"]
    for root in (MARK_FALLS, MARK_RISES, LAST_FALLS, LAST_RISES):
        slot = uint32(venue.roots[instrument, root])
        if slot == 0:
            continue
        price = last if root >= LAST_FALLS else mark
        falls = root in (MARK_FALLS, LAST_FALLS)
        trigger = venue.waiting[slot]["trigger_ticks"]
        if price != 0 and (price <= trigger if falls else price >= trigger):
            return slot
    return uint32(0)


@inner
def next_fired(venue: Exchange) -> int:
    """The next order that fires in any instrument that was touched; 0 if there is none."""
    stay_apart()
    for instrument in range(venue.contracts.shape[0]):
        contract = venue.contracts[instrument]
        if contract["touched"] == 0:
            continue
        if contract["halted"] == 0:
            slot = next_to_fire(venue, instrument)
            if slot != 0:
                return slot
        contract["touched"] = 0
    venue.state[0]["touched"] = 0
    return uint32(0)


@part
def is_bound_reached(venue: Exchange, slot: int) -> bool:
    """Whether a command has set off too many orders; says so. Counts the one that is next."""
    state = venue.state[0]
    if state["fired"] == MOST_TRIGGERS:
        write(
            venue, BOUND_REACHED, NO_REASON, 0, 0, venue.waiting[slot]["instrument"], 0, 0, 0,
            state["fired"], 0,
        )  # fmt: skip
        return True
    state["fired"] += 1
    return False


@part
def set_off(venue: Exchange, slot: int) -> None:
    """Turn a conditional order into an order, and enter it."""
    waiting, order = venue.waiting[slot], venue.order[0]
    copy_order(waiting, order)
    order["kind"] = int64(waiting["kind"])
    lots = order["quantity_lots"]
    account, instrument = int64(order["account"]), int64(order["instrument"])
    leg, side = int64(order["leg"]), int64(order["side"])
    closes = int64(order["flags"]) & CLOSE_POSITION != 0
    order["flags"] = int64(order["flags"]) & REDUCE_ONLY
    if closes:
        held = venue.positions[position_of(venue, account, instrument, leg)]
        lots = closable(held, side)
        order["flags"] = REDUCE_ONLY
        order["quantity_lots"] = lots
    trigger = waiting["trigger_ticks"]
    forget(venue, slot)
    write(
        venue, TRIGGERED, NO_REASON, side, leg, instrument, account, order["order_id"], trigger,
        lots, 0,
    )  # fmt: skip
    if closes and lots <= 0:
        write(
            venue, CANCELLED, NOTHING_TO_CLOSE, side, leg, instrument, account,
            order["order_id"], 0, 0, 0,
        )  # fmt: skip
        return
    enter(venue, order)


@inner
def forget(venue: Exchange, slot: int) -> None:
    """Take a conditional order out of everything that knows it."""
    stay_apart()
    state, order = venue.state[0], venue.waiting[slot]
    out_of_heap(venue, slot)
    if int64(order["trigger"]) == TRAILING:
        before, after = uint32(order["trail_previous"]), uint32(order["trail_next"])
        venue.waiting[before]["trail_next"] = after
        venue.waiting[after]["trail_previous"] = before
        if before == 0:
            venue.roots[int64(order["instrument"]), TRAILING_HEAD] = after
    before, after = uint32(order["account_previous"]), uint32(order["account_next"])
    venue.waiting[before]["account_next"] = after
    venue.waiting[after]["account_previous"] = before
    if before == 0:
        venue.accounts[uint32(order["account"])]["newest_waiting"] = after
    remove_entry(venue.waiting_slots, find(venue.waiting_slots, order["order_id"]))
    order["next"] = state["free_waiting"]
    state["free_waiting"] = slot
    state["waiting_left"] += 1
    state["waiting_count"] -= 1


@inner
def drop(venue: Exchange, slot: int, reason: int) -> None:
    """Cancel a conditional order."""
    stay_apart()
    order = venue.waiting[slot]
    write(
        venue, CANCELLED, reason, order["side"], order["leg"], order["instrument"],
        order["account"], order["order_id"], order["price_ticks"], order["quantity_lots"], 0,
    )  # fmt: skip
    forget(venue, slot)
