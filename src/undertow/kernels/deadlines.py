"""A heap of the orders that end at a time; each order knows its place, so that it can leave.

Places count from 1: an order whose place is 0 has no end.

Orders are compared by their end and then by their sequence, so the order of expiry is total.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inlined, int64, kernel

Heap = NDArray[np.uint32]


@kernel
def push(heap: Heap, size: int, orders: Records, slot: int) -> None:
    """Add an order to a heap of `size` orders; the caller counts."""
    stay_apart()
    _rise(heap, size + 1, orders, slot)


@kernel
def take_out(heap: Heap, size: int, orders: Records, slot: int) -> None:
    """Remove an order from a heap of `size` orders; the caller counts."""
    stay_apart()
    place = int64(orders[slot]["deadline"])
    orders[slot]["deadline"] = 0
    last = heap[size]
    if last == slot:
        return
    if place > 1 and _before(orders, last, heap[place // 2]):
        _rise(heap, place, orders, last)
    else:
        _sink(heap, size - 1, place, orders, last)


@inlined
def _before(orders: Records, a: int, b: int) -> bool:
    left, right = orders[a]["expire_ns"], orders[b]["expire_ns"]
    if left != right:
        return bool(left < right)
    return bool(orders[a]["sequence"] < orders[b]["sequence"])


@kernel
def _rise(heap: Heap, place: int, orders: Records, slot: int) -> None:
    while place > 1 and _before(orders, slot, heap[place // 2]):
        heap[place] = heap[place // 2]
        orders[heap[place]]["deadline"] = place
        place = place // 2
    heap[place] = slot
    orders[slot]["deadline"] = place


@kernel
def _sink(heap: Heap, size: int, place: int, orders: Records, slot: int) -> None:
    while 2 * place <= size:
        child = 2 * place
        if child < size and _before(orders, heap[child + 1], heap[child]):
            child += 1
        if not _before(orders, heap[child], slot):
            break
        heap[place] = heap[child]
        orders[heap[place]]["deadline"] = place
        place = child
    heap[place] = slot
    orders[slot]["deadline"] = place
