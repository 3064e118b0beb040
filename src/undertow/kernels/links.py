"""From an order's id to its slot: chains of orders whose ids have the same hash.

One array of slots: first, for each slot, the next order of its chain; then, for each hash, the
first order of its chain. A *position* is the place in this array that names the order, so an order
enters or leaves by one write. Nothing else is stored: orders know their ids.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.compile import Records, inlined, kernel, uint32
from undertow.kernels.tables import hash_of

Links = NDArray[np.uint32]
HASHES_PER_SLOT = 8  # few orders share a chain: each that does costs a wrong guess


def new_links(slots: int) -> Links:
    """No orders yet; the count of slots is a power of two."""
    return np.zeros(slots * (1 + HASHES_PER_SLOT), np.uint32)


@inlined
def first_link(links: Links, orders: Records, order_id: int) -> int:
    """The position where the search for an id starts; mostly it is there."""
    slots = orders.shape[0]
    position: int = uint32(slots + hash_of(order_id, HASHES_PER_SLOT * slots - 1))
    return position


@inlined
def find_link(links: Links, orders: Records, order_id: int) -> int:
    """The position that names the order with this id, or nobody, and then it may be put there."""
    return find_from(links, orders, first_link(links, orders, order_id), order_id)


@inlined
def find_from(links: Links, orders: Records, first: int, order_id: int) -> int:
    """The same, given the position where the search starts."""
    position: int = uint32(first)
    slot = links[position]
    while slot != 0 and orders[slot]["order_id"] != order_id:
        position = slot
        slot = links[position]
    return position


@kernel
def link_all(links: Links, orders: Records, older: Links) -> None:
    """Put all orders into another, larger array."""
    for place in range(older.shape[0]):
        slot = older[place]
        if slot != 0:
            links[find_link(links, orders, orders[slot]["order_id"])] = slot


def larger_links(older: Links, orders: Records) -> Links:
    """The same with room for as many slots as there are orders now."""
    links = new_links(len(orders))
    link_all(links, orders, older)
    return links
