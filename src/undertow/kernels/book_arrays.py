"""The arrays of the order books of all instruments, how they are made, and how they grow.

A *queue* is one side of one instrument: twice the instrument's number for its bids, one more for
its asks. A queue is ordered by *rank*, small is better: the price of an ask, and the distance of a
bid from the highest possible price. So one code serves all. Memory is proportional to what rests.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.bundle import bundle
from undertow.kernels.compile import Records
from undertow.kernels.ladder import LAYERS, NO_RANK
from undertow.kernels.links import Links, larger_links, new_links
from undertow.kernels.tables import copy_entries, new_table

NONE = 0  # slot 0 of orders and levels is nobody: what is written there is never read
LINKS_AHEAD = 16  # a power of two; nobody looks as many commands ahead
MOST_INSTRUMENTS = 2**14 - 1  # a queue has 15 bits beside the 48 of a rank, and a key is positive

COMMAND = np.dtype(
    [
        ("kind", np.int8), ("side", np.int8), ("time_in_force", np.int8), ("self_trade", np.int8),
        ("account", np.int32), ("order_id", np.int64), ("price_ticks", np.int64),
        ("quantity_lots", np.int64), ("expire_ns", np.int64),
    ],
    align=True,
)  # fmt: skip
EVENT = np.dtype(
    [
        ("kind", np.int8), ("reason", np.int8), ("side", np.int8), ("unused", np.int8),
        ("command", np.int32), ("account", np.int32), ("maker_account", np.int32),
        ("order_id", np.int64), ("maker_id", np.int64), ("price_ticks", np.int64),
        ("quantity_lots", np.int64), ("leaves_lots", np.int64), ("maker_leaves_lots", np.int64),
    ],
    align=True,
)  # fmt: skip
# One cache line; `next` is also the list of free slots.
ORDER = np.dtype(
    [
        ("order_id", np.int64), ("quantity_lots", np.int64), ("expire_ns", np.int64),
        ("sequence", np.int64), ("level", np.uint32), ("next", np.uint32), ("previous", np.uint32),
        ("account", np.int32), ("account_next", np.uint32), ("account_previous", np.uint32),
        ("deadline", np.uint32), ("queue", np.int16), ("post_only", np.int8),
        ("reduce_only", np.int8),
    ],
    align=True,
)  # fmt: skip
LEVEL = np.dtype(
    [
        ("rank", np.int64), ("quantity_lots", np.int64),
        ("first", np.uint32), ("last", np.uint32), ("next", np.uint32), ("unused", np.int32),
    ],
    align=True,
)  # fmt: skip
SIDE = np.dtype(
    [
        ("best_rank", np.int64), ("best_level", np.uint32), ("unused", np.int32),
        ("quantity_lots", np.int64), ("orders", np.int64),
    ],
    align=True,
)  # fmt: skip
STATE = np.dtype(
    [
        ("free_order", np.uint32), ("free_level", np.uint32), ("nodes", np.int64),
        ("deadlines", np.int64), ("sequence", np.int64), ("now_ns", np.int64),
        ("amend_keeps_priority", np.int64), ("events_needed", np.int64),
    ],
    align=True,
)  # fmt: skip


@bundle
class Book(NamedTuple):
    """The open orders of all instruments; functions change the arrays in place."""

    state: Records  # one record
    sides: Records  # bids and asks of instrument 0, of instrument 1, and so on
    orders: Records
    levels: Records
    links: Links  # order id to slot
    level_slots: Records  # queue and rank to slot
    nodes: Records  # the ladders of all queues
    account_orders: NDArray[np.uint32]  # each account's newest order; the last entry is nobody's
    deadlines: NDArray[np.uint32]  # heap of orders with an end, the earliest first
    ahead: NDArray[np.uint32]  # where the searches for the orders of the next commands start


def new_records(count: int, kind: np.dtype[Any]) -> Records:
    """Zeros that begin with a cache line, so that a record of 64 bytes does not lie in two."""
    size = count * kind.itemsize
    room = np.zeros(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(kind)


def new_book(
    accounts: int, capacity: int = 1024, *, instruments: int = 1, amend_keeps_priority: bool = True
) -> Book:
    """An empty book.

    Parameters
    ----------
    accounts
        Accounts are 0 to ``accounts - 1``; commands of others are rejected.
    capacity
        Orders for which there is room at first, a power of two; see `grown`.
    instruments
        Instruments are 0 to ``instruments - 1``; at most `MOST_INSTRUMENTS`.
    amend_keeps_priority
        Whether an amendment to a smaller quantity at the same price keeps its place in the queue.
        Any other amendment loses it on every venue.
    """
    assert capacity >= 16
    assert 0 < instruments <= MOST_INSTRUMENTS
    book = Book(
        state=new_records(1, STATE),
        sides=new_records(2 * instruments, SIDE),
        orders=new_records(capacity, ORDER),
        levels=new_records(capacity, LEVEL),
        links=new_links(capacity),
        level_slots=new_table(2 * capacity),
        nodes=new_table(4 * capacity),
        account_orders=np.zeros(accounts + 1, np.uint32),
        deadlines=np.zeros(capacity, np.uint32),
        ahead=np.zeros(LINKS_AHEAD, np.uint32),
    )
    book.sides["best_rank"] = NO_RANK
    book.state["amend_keeps_priority"] = amend_keeps_priority
    for pool, free in ((book.orders, "free_order"), (book.levels, "free_level")):
        _chain(pool, 1)
        book.state[free] = 1
    return book


def grown(book: Book) -> Book:
    """The same book with room for more; the old one must not be used again.

    Call it when `apply` stopped for want of room, and go on with the rest of the commands.
    """
    if nodes_are_short(book):
        return book._replace(nodes=_larger_table(book.nodes))
    capacity = 2 * len(book.orders)
    orders = _larger(book.orders, capacity)
    levels = _larger(book.levels, capacity)
    for pool, free in ((orders, "free_order"), (levels, "free_level")):
        # New slots go in front of those that are still free, which may be none.
        pool["next"][-1] = book.state[0][free]
        book.state[0][free] = capacity // 2
    return book._replace(
        orders=orders,
        levels=levels,
        links=larger_links(book.links, orders),
        level_slots=_larger_table(book.level_slots),
        deadlines=_larger(book.deadlines, capacity),
    )


def with_accounts(book: Book, accounts: int) -> Book:
    """The same book for more accounts; the old one must not be used again."""
    heads = np.zeros(accounts + 1, np.uint32)
    heads[: len(book.account_orders) - 1] = book.account_orders[:-1]
    return book._replace(account_orders=heads)


def nodes_are_short(book: Book) -> bool:
    """Whether one more level might not find room for its nodes."""
    return bool(2 * (book.state[0]["nodes"] + LAYERS) > len(book.nodes))


def _chain(pool: Records, start: int) -> None:
    pool["next"][start:] = np.arange(start + 1, len(pool) + 1)
    pool["next"][-1] = NONE


def _larger(array: Records, size: int) -> Records:
    copy = new_records(size, array.dtype)
    copy[: len(array)] = array
    if copy.dtype.names and "next" in copy.dtype.names:
        _chain(copy, len(array))
    return copy


def _larger_table(table: Records) -> Records:
    copy = new_table(2 * len(table))
    copy_entries(table, copy)
    return copy
