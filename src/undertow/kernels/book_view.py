"""What a book holds, read out for people, snapshots and comparisons; not for the inner loop."""

from __future__ import annotations

import numpy as np

from undertow.kernels.book_arrays import NONE, Book
from undertow.kernels.book_orders import level_key, rank_of
from undertow.kernels.compile import Records, kernel, uint32
from undertow.kernels.ladder import NO_RANK, next_rank
from undertow.kernels.tables import find

RESTING = np.dtype(
    [
        ("order_id", np.int64), ("account", np.int64), ("side", np.int64),
        ("price_ticks", np.int64), ("open_lots", np.int64), ("expire_ns", np.int64),
        ("post_only", np.bool_), ("sequence", np.int64),
    ]
)  # fmt: skip
LEVEL_TOTAL = np.dtype([("price_ticks", np.int64), ("quantity_lots", np.int64)])


def resting(book: Book, queue: int) -> Records:
    """The open orders of a queue, those that are filled first in front."""
    rows = np.zeros(int(book.sides[queue]["orders"]), RESTING)
    copied = copy_orders(book, queue, rows)
    assert copied == len(rows)
    return rows


def levels(book: Book, queue: int, most: int | None = None) -> Records:
    """Price and lots of the levels of a queue, the best first; at most so many."""
    rows = np.zeros(len(book.levels) if most is None else most, LEVEL_TOTAL)
    return rows[: copy_levels(book, queue, rows)]


@kernel
def copy_orders(book: Book, queue: int, rows: Records) -> int:
    """Write the open orders of a queue into rows; returns how many."""
    count = 0
    rank = book.sides[queue]["best_rank"]
    while rank != NO_RANK:
        position = find(book.level_slots, level_key(queue, rank))
        slot = book.levels[uint32(book.level_slots[position]["value"])]["first"]
        while slot != NONE:
            order = book.orders[slot]
            row = rows[count]
            row["order_id"] = order["order_id"]
            row["account"] = order["account"]
            row["side"] = queue & 1
            row["price_ticks"] = rank_of(queue, rank)
            row["open_lots"] = order["quantity_lots"]
            row["expire_ns"] = order["expire_ns"]
            row["post_only"] = order["post_only"] != 0
            row["sequence"] = order["sequence"]
            count += 1
            slot = order["next"]
        rank = next_rank(book.nodes, queue, rank)
    return count


@kernel
def copy_levels(book: Book, queue: int, rows: Records) -> int:
    """Write price and lots of the best levels of a queue into rows; returns how many."""
    count = 0
    rank = book.sides[queue]["best_rank"]
    while rank != NO_RANK and count < rows.shape[0]:
        position = find(book.level_slots, level_key(queue, rank))
        level = book.levels[uint32(book.level_slots[position]["value"])]
        rows[count]["price_ticks"] = rank_of(queue, rank)
        rows[count]["quantity_lots"] = level["quantity_lots"]
        count += 1
        rank = next_rank(book.nodes, queue, rank)
    return count
