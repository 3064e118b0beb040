"""Orders that rest: into the book, out of it, and how much there is. No matching here.

Each order stands in the line of its level and in the list of its account, and knows its neighbours
in both; so it leaves without a search.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE, Book
from undertow.kernels.compile import inlined, int64, kernel, uint32
from undertow.kernels.deadlines import push, take_out
from undertow.kernels.ladder import NO_RANK, add_rank, next_rank, remove_rank
from undertow.kernels.links import find_from, find_link
from undertow.kernels.tables import find, put, remove
from undertow.model.codes import MOST_PRICE_TICKS


@inlined
def rank_of(queue: int, price_ticks: int) -> int:
    """How far a price is from the best possible for its side; and back, as it is symmetric."""
    return price_ticks if queue & 1 else MOST_PRICE_TICKS - price_ticks


@inlined
def level_key(queue: int, rank: int) -> int:
    """The key of a level in the table of levels, where 0 is nothing."""
    return rank + (queue << 48) + 1


@inlined
def position_of(book: Book, order_id: int) -> int:
    """Where the table of orders has an id, or a place for it; until an order leaves."""
    return find_link(book.links, book.orders, order_id)


@inlined
def position_from(book: Book, link: int, order_id: int) -> int:
    """The same, given where the search starts."""
    return find_from(book.links, book.orders, link, order_id)


@inlined
def slot_at(book: Book, position: int) -> int:
    """The order at a position of the table, or `NONE` if no open order has its id."""
    slot: int = book.links[position]
    return slot


@inlined
def rest(
    book: Book, order_id: int, account: int, queue: int, rank: int, quantity_lots: int,
    expire_ns: int, post_only: bool, reduce_only: bool, position: int,
) -> None:  # fmt: skip
    """Put an order behind all others of its level; there must be room (see `has_room`).

    ``position`` is that of its id, see `position_of`.
    """
    state = book.state[0]
    slot = state["free_order"]
    order = book.orders[slot]
    state["free_order"] = order["next"]
    book.links[position] = slot
    book.links[slot] = NONE
    order["order_id"] = order_id
    order["quantity_lots"] = quantity_lots
    order["sequence"] = state["sequence"]
    state["sequence"] += 1
    order["account"] = account
    order["queue"] = queue
    order["post_only"] = post_only
    order["reduce_only"] = reduce_only
    order["expire_ns"] = expire_ns
    order["deadline"] = NONE
    if expire_ns > 0:
        push(book.deadlines, state["deadlines"], book.orders, slot)
        state["deadlines"] += 1

    account = uint32(account)
    newest = book.account_orders[account]
    order["account_next"] = newest
    order["account_previous"] = NONE
    book.orders[newest]["account_previous"] = slot
    book.account_orders[account] = slot

    place = book.sides[uint32(queue)]
    place["quantity_lots"] += quantity_lots
    place["orders"] += 1
    position = find(book.level_slots, level_key(queue, rank))
    level_slot = uint32(book.level_slots[position]["value"])
    if book.level_slots[position]["key"] == 0:
        level_slot = make_level(book, queue, rank, position)
    level = book.levels[level_slot]
    order["level"] = level_slot
    order["next"] = NONE
    last = level["last"]
    order["previous"] = last
    level["last"] = slot
    level["quantity_lots"] += quantity_lots
    book.orders[last]["next"] = slot
    level["first"] = slot if last == NONE else level["first"]


@kernel
def make_level(book: Book, queue: int, rank: int, position: int) -> int:
    """Make a level, whose key gets the given position; returns its slot."""
    stay_apart()
    state = book.state[0]
    slot: int = uint32(state["free_level"])
    level = book.levels[slot]
    state["free_level"] = level["next"]
    put(book.level_slots, position, level_key(queue, rank), slot)
    state["nodes"] += add_rank(book.nodes, queue, rank)
    level["rank"] = rank
    level["quantity_lots"] = 0
    level["first"] = NONE
    level["last"] = NONE
    place = book.sides[uint32(queue)]
    if rank < place["best_rank"]:
        place["best_rank"] = rank
        place["best_level"] = slot
    return slot


@kernel
def drop_level(book: Book, queue: int, slot: int) -> None:
    """Remove a level where nothing rests any more; the next one may become the best."""
    stay_apart()
    state = book.state[0]
    level = book.levels[slot]
    rank = level["rank"]
    remove(book.level_slots, find(book.level_slots, level_key(queue, rank)))
    state["nodes"] -= remove_rank(book.nodes, queue, rank)
    level["next"] = state["free_level"]
    state["free_level"] = slot
    place = book.sides[uint32(queue)]
    if rank == place["best_rank"]:
        best = next_rank(book.nodes, queue, rank)
        place["best_rank"] = best
        place["best_level"] = NONE
        if best != NO_RANK:
            position = find(book.level_slots, level_key(queue, best))
            place["best_level"] = book.level_slots[position]["value"]


@inlined
def take_away(book: Book, slot: int, position: int) -> None:
    """Remove an order with all that is left of it; ``position`` is that of its id."""
    state = book.state[0]
    order = book.orders[slot]
    queue = int64(order["queue"])
    book.links[position] = book.links[slot]
    if order["deadline"] != 0:
        take_out(book.deadlines, state["deadlines"], book.orders, slot)
        state["deadlines"] -= 1

    before, after = order["account_previous"], order["account_next"]
    book.orders[after]["account_previous"] = before
    book.orders[before]["account_next"] = after
    # Written in any case here and below: a wrong guess of the processor costs more.
    account = uint32(order["account"])
    nobody = uint32(book.account_orders.shape[0] - 1)
    book.account_orders[account if before == NONE else nobody] = after

    place = book.sides[uint32(queue)]
    place["quantity_lots"] -= order["quantity_lots"]
    place["orders"] -= 1
    level_slot = order["level"]
    level = book.levels[level_slot]
    level["quantity_lots"] -= order["quantity_lots"]
    before, after = order["previous"], order["next"]
    book.orders[before]["next"] = after
    book.orders[after]["previous"] = before
    level["first"] = after if before == NONE else level["first"]
    level["last"] = before if after == NONE else level["last"]
    order["next"] = state["free_order"]
    state["free_order"] = slot
    if before == NONE and after == NONE:
        drop_level(book, queue, level_slot)


@inlined
def lessen(book: Book, slot: int, lots: int) -> None:
    """Take some lots of an order away; it keeps its place, and more than none must be left."""
    order = book.orders[slot]
    order["quantity_lots"] -= lots
    book.levels[order["level"]]["quantity_lots"] -= lots
    book.sides[int64(order["queue"])]["quantity_lots"] -= lots


@kernel
def best_price(book: Book, queue: int) -> int:
    """The best price of a queue in ticks, 0 if nothing rests there."""
    rank = book.sides[queue]["best_rank"]
    return 0 if rank == NO_RANK else rank_of(queue, rank)


@kernel
def depth_lots(book: Book, queue: int, worst_price_ticks: int) -> int:
    """Lots that rest in a queue from its best price up to and with the worst; walks levels only."""
    worst = rank_of(queue, worst_price_ticks)
    rank = book.sides[queue]["best_rank"]
    total = 0
    while rank <= worst:
        position = find(book.level_slots, level_key(queue, rank))
        total += book.levels[uint32(book.level_slots[position]["value"])]["quantity_lots"]
        rank = next_rank(book.nodes, queue, rank)
    return total
