"""The book of one instrument: commands in, events out. ``reference/book.py`` says it plainly.

`apply` is the batch function for kernels; `process` is the same for Python, growing the book
and the room for events as needed. Each command is done whole or not begun.
"""

from __future__ import annotations

import numpy as np

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import EVENT, LINKS_AHEAD, NONE, Book, grown, new_records
from undertow.kernels.book_orders import (
    lessen,
    position_from,
    position_of,
    rank_of,
    rest,
    slot_at,
    take_away,
)
from undertow.kernels.compile import Records, inlined, int64, kernel, uint32
from undertow.kernels.ladder import LAYERS
from undertow.kernels.links import first_link
from undertow.kernels.matching import could_fill, match, remove_by_slot, remove_with_event, write
from undertow.kernels.prefetch import prefetch
from undertow.model.codes import (
    ACCEPTED,
    ALREADY_EXPIRED,
    AMEND,
    AMENDED,
    BAD_SELF_TRADE_MODE,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    BUY,
    BY_CANCEL_ALL,
    BY_REQUEST,
    CANCEL,
    CANCEL_ALL,
    CANCEL_BOTH,
    CANCELLED,
    DUPLICATE_ORDER,
    EXPIRE,
    EXPIRED,
    FOK,
    FOK_UNFILLED,
    GOOD_TILL_DATE,
    GTC,
    IOC,
    IOC_REMAINDER,
    LIMIT,
    MARKET,
    MOST_PRICE_TICKS,
    MOST_SIDE_LOTS,
    NO_LIQUIDITY,
    NO_REASON,
    ORDER_ID_NOT_POSITIVE,
    POST_ONLY,
    POST_ONLY_WOULD_TAKE,
    PRICE_NOT_POSITIVE,
    PRICE_TOO_LARGE,
    QUANTITY_NOT_POSITIVE,
    QUANTITY_TOO_LARGE,
    REJECTED,
    SELF_TRADE,
    SELF_TRADE_ALLOWED,
    SELL,
    UNKNOWN_ACCOUNT,
    UNKNOWN_COMMAND,
    UNKNOWN_ORDER,
)  # fmt: skip

AHEAD = 6


@kernel
def apply(book: Book, commands: Records, events: Records) -> tuple[int, int]:
    """Carry out commands in their order.

    Stops early, before a command that might not find room: in the book (then `has_room` is false:
    call `grown`), or among the events (the state's ``events_needed`` says for how many).

    Returns
    -------
    tuple
        Count of events written, and of commands carried out.
    """
    count = 0
    for index in range(min(2 * AHEAD, commands.shape[0])):
        note_link(book, commands, index)
    for index in range(commands.shape[0]):
        look_ahead(book, commands, index)
        command = commands[uint32(index)]
        kind = command["kind"]
        if kind == CANCEL:
            if not has_all_room(book, events, count, 1):
                return count, index
            count = cancel(book, command, events, count, index)
        elif kind == LIMIT or kind == MARKET:  # noqa: SIM109 - a tuple is slower
            is_done = count < events.shape[0] and has_room(book)
            if is_done:
                is_done = rest_at_once(book, command, events, count, index)
                count += int64(is_done)
            if not is_done:
                if not has_all_room(book, events, count, most_order_events(book, command)):
                    return count, index
                count = enter(book, command, events, count, index)
        else:
            orders = book.sides[BUY]["orders"] + book.sides[SELL]["orders"]
            if not has_all_room(book, events, count, 3 + orders):
                return count, index
            count = carry_out_rare(book, command, events, count, index)
    return count, commands.shape[0]


@kernel
def carry_out_rare(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """The commands that are few; apart, so that the processor need not guess among all kinds."""
    kind = command["kind"]
    if kind == AMEND:
        return amend(book, command, events, count, index)
    if kind == CANCEL_ALL:
        return cancel_all(book, command, events, count, index)
    if kind == EXPIRE:
        return expire(book, command, events, count, index)
    return reject(UNKNOWN_COMMAND, command, events, count, index)


def process(book: Book, commands: Records, room: int = 4096) -> tuple[Book, Records]:
    """Carry out all commands; returns the book, which may be a larger one, and all events."""
    written = []
    events = new_records(room, EVENT)
    start = 0
    while start < len(commands):
        count, done = apply(book, commands[start:], events)
        written.append(events[:count].copy())
        written[-1]["command"] += start
        start += done
        if done == 0:
            if not has_room(book):
                book = grown(book)
            else:
                events = new_records(2 * int(book.state[0]["events_needed"]), EVENT)
    return book, np.concatenate(written) if written else events[:0]


@inlined
def note_link(book: Book, commands: Records, index: int) -> int:
    """Remember where the search for a command's order starts."""
    link = first_link(book.links, book.orders, commands[uint32(index)]["order_id"])
    book.ahead[uint32(index & (LINKS_AHEAD - 1))] = link
    return link


@inlined
def link_of(book: Book, index: int) -> int:
    """Where that search starts, of the last commands that were noted."""
    link: int = book.ahead[uint32(index & (LINKS_AHEAD - 1))]
    return link


@inlined
def look_ahead(book: Book, commands: Records, index: int) -> None:
    """Fetch the order that a command to come will look for, and before that the way to it."""
    if index + 2 * AHEAD >= commands.shape[0]:
        return
    prefetch(book.links, note_link(book, commands, index + 2 * AHEAD))
    prefetch(book.orders, book.links[link_of(book, index + AHEAD)])


@inlined
def has_room(book: Book) -> bool:
    """Whether one more order finds a slot, one more level its nodes."""
    state = book.state[0]
    return bool(
        state["free_order"] != NONE and 2 * (state["nodes"] + LAYERS) <= book.nodes.shape[0]
    )


@inlined
def has_all_room(book: Book, events: Records, count: int, needed: int) -> bool:
    """Whether there is room for a command and its events; the state tells how many those are."""
    if count + needed <= events.shape[0] and has_room(book):
        return True
    book.state[0]["events_needed"] = needed
    return False


@inlined
def most_order_events(book: Book, command: Records) -> int:
    """More events than this cannot come of an order.

    Each takes an order of the other side away, but for the last; a fill takes lots.
    """
    takes: int = book.sides[uint32(command["side"] == BUY)]["orders"]
    if command["self_trade"] == SELF_TRADE_ALLOWED:
        takes = min(takes, max(command["quantity_lots"], 0))
    return 3 + takes


@inlined
def rest_at_once(book: Book, command: Records, events: Records, count: int, index: int) -> bool:
    """Let an order rest if it is of the common kind and meets nobody; false if nothing was done.

    It does what `enter` does with such an order.
    """
    position = position_from(book, link_of(book, index), command["order_id"])
    side, price = command["side"], command["price_ticks"]
    rank = rank_of(side, price)
    if (
        not is_usual(book, command, position)
        or book.sides[uint32(side ^ 1)]["best_rank"] <= MOST_PRICE_TICKS - rank
    ):
        return False
    account, quantity = int64(command["account"]), command["quantity_lots"]
    write(
        events, count, index, ACCEPTED, NO_REASON, side, account, command["order_id"], price,
        quantity, quantity,
    )  # fmt: skip
    rest(book, command["order_id"], account, int64(side), rank, quantity, 0, False, False, position)
    return True


@inlined
def is_usual(book: Book, command: Records, position: int) -> bool:
    """Whether a new order is one that rests if it meets nobody, and has no fault (`refusal`)."""
    side = command["side"]
    choices = (side | command["self_trade"] >> 1) >> 1 | command["time_in_force"]
    price, quantity = command["price_ticks"], command["quantity_lots"]
    return bool(
        choices == 0  # sides and modes are in their ranges, time in force is GTC
        and command["kind"] == LIMIT
        and command["expire_ns"] == 0
        and uint32(command["account"]) < book.account_orders.shape[0] - 1
        and command["order_id"] > 0
        and slot_at(book, position) == NONE
        and price > 0
        and price <= MOST_PRICE_TICKS
        and quantity > 0
        and quantity <= MOST_SIDE_LOTS - book.sides[uint32(side)]["quantity_lots"]
    )


@kernel
def enter(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """A new order of any kind; apart, so that those that just rest go by quickly."""
    stay_apart()
    position = position_of(book, command["order_id"])
    reason = refusal(book, command, position)
    if reason != NO_REASON:
        return reject(reason, command, events, count, index)
    side = int64(command["side"])
    quantity = command["quantity_lots"]
    is_market = command["kind"] == MARKET
    order_id = command["order_id"]
    price = command["price_ticks"]
    if is_market:
        price = MOST_PRICE_TICKS if side == BUY else 0
    rank = rank_of(side, price)
    crosses = book.sides[uint32(side ^ 1)]["best_rank"] <= MOST_PRICE_TICKS - rank
    force = command["time_in_force"]
    if force == POST_ONLY and crosses:
        return reject(POST_ONLY_WOULD_TAKE, command, events, count, index)
    account = int64(command["account"])
    count = write(
        events, count, index, ACCEPTED, NO_REASON, side, account, order_id,
        0 if is_market else price, quantity, quantity,
    )  # fmt: skip
    reason = NO_REASON
    if force == FOK and not could_fill(book, account, side, price, quantity, command["self_trade"]):
        reason = FOK_UNFILLED
    elif crosses:
        quantity, count, ended = match(
            book, order_id, account, side, price, quantity, command["self_trade"], events, count,
            index,
        )  # fmt: skip
        position = position_of(book, order_id)
        if ended:
            reason = SELF_TRADE
    if quantity == 0:
        return count
    if reason == NO_REASON:
        if is_market:
            reason = NO_LIQUIDITY
        elif force == IOC:
            reason = IOC_REMAINDER
        else:
            rest(
                book, order_id, account, side, rank, quantity,
                command["expire_ns"], force == POST_ONLY, False, position,
            )  # fmt: skip
            return count
    return write(
        events, count, index, CANCELLED, reason, side, account, order_id,
        0 if is_market else price, quantity, 0,
    )  # fmt: skip


@kernel
def refusal(book: Book, command: Records, position: int) -> int:
    """Why a new order is not taken, whatever rests on the other side; `NO_REASON` if it is."""
    side = command["side"]
    force = command["time_in_force"]
    is_market = command["kind"] == MARKET
    if side != BUY and side != SELL:
        return BAD_SIDE
    if force < GTC or force > POST_ONLY or (is_market and force == POST_ONLY):
        return BAD_TIME_IN_FORCE
    if command["self_trade"] < 0 or command["self_trade"] > CANCEL_BOTH:
        return BAD_SELF_TRADE_MODE
    if command["account"] < 0 or command["account"] >= book.account_orders.shape[0] - 1:
        return UNKNOWN_ACCOUNT
    if command["order_id"] <= 0:
        return ORDER_ID_NOT_POSITIVE
    if slot_at(book, position) != NONE:
        return DUPLICATE_ORDER
    if command["expire_ns"] != 0 and command["expire_ns"] <= book.state[0]["now_ns"]:
        return ALREADY_EXPIRED
    price = 1 if is_market else command["price_ticks"]
    return bad_size(book, side, price, command["quantity_lots"], 0)


@inlined
def bad_size(book: Book, side: int, price: int, quantity: int, instead_of: int) -> int:
    """Why a price or a quantity is not taken; lots that the order replaces do not count."""
    if price <= 0:
        return PRICE_NOT_POSITIVE
    if price > MOST_PRICE_TICKS:
        return PRICE_TOO_LARGE
    if quantity <= 0:
        return QUANTITY_NOT_POSITIVE
    if quantity > MOST_SIDE_LOTS - (book.sides[uint32(side)]["quantity_lots"] - instead_of):
        return QUANTITY_TOO_LARGE
    return NO_REASON


@inlined
def reject(reason: int, command: Records, events: Records, count: int, index: int) -> int:
    """Say why a command is not carried out, with its own numbers."""
    return write(
        events, count, index, REJECTED, reason, command["side"], command["account"],
        command["order_id"], command["price_ticks"], command["quantity_lots"], 0,
    )  # fmt: skip


@inlined
def is_own(book: Book, command: Records, position: int) -> bool:
    """Whether the order whose id has this position is open and the account's own."""
    slot = slot_at(book, position)
    return bool(slot != NONE and book.orders[slot]["account"] == command["account"])


@inlined
def cancel(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """Cancel one order of the account."""
    position = position_from(book, link_of(book, index), command["order_id"])
    if not is_own(book, command, position):
        return reject(UNKNOWN_ORDER, command, events, count, index)
    slot = slot_at(book, position)
    return remove_with_event(book, slot, position, CANCELLED, BY_REQUEST, events, count, index)


@kernel
def amend(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """Give an order of the account a new price and a new open quantity.

    Without priority it is taken out and enters anew, and may then be filled.
    """
    position = position_of(book, command["order_id"])
    if not is_own(book, command, position):
        return reject(UNKNOWN_ORDER, command, events, count, index)
    slot = slot_at(book, position)
    if command["self_trade"] < 0 or command["self_trade"] > CANCEL_BOTH:
        return reject(BAD_SELF_TRADE_MODE, command, events, count, index)
    order = book.orders[slot]
    side = int64(order["queue"])
    order_id, account = order["order_id"], int64(order["account"])
    expire_ns, post_only = order["expire_ns"], order["post_only"] != 0
    price, quantity = command["price_ticks"], command["quantity_lots"]
    before = order["quantity_lots"]
    reason = bad_size(book, side, price, quantity, before)
    if reason != NO_REASON:
        return reject(reason, command, events, count, index)
    other = side ^ 1
    crosses = book.sides[uint32(other)]["best_rank"] <= rank_of(other, price)
    if post_only and crosses:
        return reject(POST_ONLY_WOULD_TAKE, command, events, count, index)
    same_price = book.levels[order["level"]]["rank"] == rank_of(side, price)
    count = write(
        events, count, index, AMENDED, NO_REASON, side, account, order_id, price, quantity,
        quantity,
    )  # fmt: skip
    if same_price and quantity <= before and book.state[0]["amend_keeps_priority"] != 0:
        if quantity < before:
            lessen(book, slot, before - quantity)
        return count
    take_away(book, slot, position)
    ended = False
    if crosses:
        quantity, count, ended = match(
            book, order_id, account, side, price, quantity, command["self_trade"], events, count,
            index,
        )  # fmt: skip
    if ended:
        return write(
            events, count, index, CANCELLED, SELF_TRADE, side, account, order_id, price,
            quantity, 0,
        )  # fmt: skip
    if quantity > 0:
        position = position_of(book, order_id)
        rest(
            book, order_id, account, side, rank_of(side, price), quantity, expire_ns, post_only,
            False, position,
        )  # fmt: skip
    return count


@kernel
def cancel_all(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """Cancel all orders of an account, the one that entered last first."""
    account = command["account"]
    if account < 0 or account >= book.account_orders.shape[0] - 1:
        return reject(UNKNOWN_ACCOUNT, command, events, count, index)
    slot = book.account_orders[account]
    while slot != NONE:
        count = remove_by_slot(book, slot, CANCELLED, BY_CANCEL_ALL, events, count, index)
        slot = book.account_orders[account]
    return count


@kernel
def expire(book: Book, command: Records, events: Records, count: int, index: int) -> int:
    """Let time pass: orders whose end has come leave, the earliest first."""
    state = book.state[0]
    state["now_ns"] = max(state["now_ns"], command["expire_ns"])
    while state["deadlines"] > 0:
        slot = book.deadlines[1]
        if book.orders[slot]["expire_ns"] > state["now_ns"]:
            break
        count = remove_by_slot(book, slot, EXPIRED, GOOD_TILL_DATE, events, count, index)
    return count
