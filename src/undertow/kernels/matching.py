"""An order meets what rests on the other side: price first, then time; nothing rests here.

A venue that settles each fill itself goes through makers as `match` does: `best_maker`, look at
the order, `take_lots`.
"""

from __future__ import annotations

from undertow.kernels.book_arrays import NONE, Book
from undertow.kernels.book_orders import lessen, level_key, position_of, rank_of, take_away
from undertow.kernels.compile import Records, inlined, int64, kernel, uint32
from undertow.kernels.ladder import next_rank
from undertow.kernels.tables import find
from undertow.model.codes import (
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    CANCELLED,
    FILL,
    SELF_TRADE,
    SELF_TRADE_ALLOWED,
)


@inlined
def write(
    events: Records, count: int, command: int, kind: int, reason: int, side: int, account: int,
    order_id: int, price_ticks: int, quantity_lots: int, leaves_lots: int,
) -> int:  # fmt: skip
    """Append an event about one order; returns the new count."""
    event = events[uint32(count)]
    event["kind"] = kind
    event["reason"] = reason
    event["side"] = side
    event["command"] = command
    event["account"] = account
    event["maker_account"] = 0
    event["order_id"] = order_id
    event["maker_id"] = 0
    event["price_ticks"] = price_ticks
    event["quantity_lots"] = quantity_lots
    event["leaves_lots"] = leaves_lots
    event["maker_leaves_lots"] = 0
    return count + 1


@inlined
def remove_with_event(
    book: Book, slot: int, position: int, kind: int, reason: int, events: Records,
    count: int, command: int,
) -> int:  # fmt: skip
    """Remove an order and say so; returns the new count of events."""
    order = book.orders[slot]
    side = int64(order["queue"]) & 1
    count = write(
        events, count, command, kind, reason, side, order["account"], order["order_id"],
        order_price(book, slot), order["quantity_lots"], 0,
    )  # fmt: skip
    take_away(book, slot, position)
    return count


@kernel
def remove_by_slot(
    book: Book, slot: int, kind: int, reason: int, events: Records, count: int, command: int
) -> int:
    """The same where it is rare, or its id not looked up yet: compiled once, not into callers."""
    position = position_of(book, book.orders[slot]["order_id"])
    return remove_with_event(book, slot, position, kind, reason, events, count, command)


@inlined
def order_price(book: Book, slot: int) -> int:
    """The price in ticks of an order that rests."""
    order = book.orders[slot]
    price: int = rank_of(int64(order["queue"]), book.levels[order["level"]]["rank"])
    return price


@inlined
def best_maker(book: Book, queue: int, worst_rank: int) -> int:
    """The order of a queue that is filled next, `NONE` if its rank is above the worst."""
    place = book.sides[uint32(queue)]
    slot: int = NONE
    if place["best_rank"] <= worst_rank:
        slot = book.levels[place["best_level"]]["first"]
    return slot


@inlined
def take_lots(book: Book, slot: int, lots: int) -> None:
    """Take some or all lots of an order that rests; without any it leaves."""
    order = book.orders[slot]
    if lots == order["quantity_lots"]:
        take_away(book, slot, position_of(book, order["order_id"]))
    else:
        lessen(book, slot, lots)


@inlined
def match(
    book: Book, order_id: int, account: int, queue: int, worst_price: int, quantity: int,
    self_trade: int, events: Records, count: int, command: int,
) -> tuple[int, int, bool]:  # fmt: skip
    """Fill an order that would rest in a queue as far as its worst price allows.

    Returns
    -------
    tuple
        Lots left over, count of events, and whether self-trade prevention ended the order.
    """
    other = queue ^ 1
    worst = rank_of(other, worst_price)
    while quantity > 0:
        slot = best_maker(book, other, worst)
        if slot == NONE:
            break
        maker = book.orders[slot]
        if self_trade != SELF_TRADE_ALLOWED and maker["account"] == account:
            if self_trade != CANCEL_NEWEST:
                count = remove_by_slot(book, slot, CANCELLED, SELF_TRADE, events, count, command)
            if self_trade != CANCEL_OLDEST:
                return quantity, count, True
            continue
        lots = min(quantity, maker["quantity_lots"])
        quantity -= lots
        event = events[uint32(count)]
        event["kind"] = FILL
        event["reason"] = 0
        event["side"] = queue & 1
        event["command"] = command
        event["account"] = account
        event["maker_account"] = maker["account"]
        event["order_id"] = order_id
        event["maker_id"] = maker["order_id"]
        event["price_ticks"] = order_price(book, slot)
        event["quantity_lots"] = lots
        event["leaves_lots"] = quantity
        event["maker_leaves_lots"] = maker["quantity_lots"] - lots
        count += 1
        take_lots(book, slot, lots)
    return quantity, count, False


@kernel
def could_fill(
    book: Book, account: int, queue: int, worst_price: int, quantity: int, self_trade: int
) -> bool:
    """Whether an order that would rest in a queue would be filled whole; touches nothing.

    Walks levels; and the orders in them only where those of the same account do not count.
    """
    other = queue ^ 1
    worst = rank_of(other, worst_price)
    rank = book.sides[uint32(other)]["best_rank"]
    while quantity > 0 and rank <= worst:
        position = find(book.level_slots, level_key(other, rank))
        level = book.levels[uint32(book.level_slots[position]["value"])]
        if self_trade == SELF_TRADE_ALLOWED:
            quantity -= level["quantity_lots"]
        else:
            slot = level["first"]
            while slot != NONE and quantity > 0:
                order = book.orders[slot]
                if order["account"] != account:
                    quantity -= order["quantity_lots"]
                elif self_trade in (CANCEL_NEWEST, CANCEL_BOTH):
                    return False
                slot = order["next"]
        rank = next_rank(book.nodes, other, rank)
    return quantity <= 0
