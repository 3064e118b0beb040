"""A heap whose nodes are records of a pool: no room of its own, a node can leave at any time.

A pairing heap. The smallest ``heap_key`` is at the root, of equal ones the smallest ``sequence``.
``heap_previous`` is the sibling before a node, or its parent if it is the first child.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, uint32


@inner_inlined
def meld(pool: Records, one: int, other: int) -> int:
    """Make one heap of two; returns its root. 0 is an empty heap."""
    if one == 0:
        return other
    if other == 0:
        return one
    first, second = one, other
    a, b = pool[one], pool[other]
    if b["heap_key"] < a["heap_key"] or (
        b["heap_key"] == a["heap_key"] and b["sequence"] < a["sequence"]
    ):
        first, second = other, one
    root, node = pool[first], pool[second]
    child = root["heap_child"]
    node["heap_next"] = child
    node["heap_previous"] = first
    pool[child]["heap_previous"] = second
    root["heap_child"] = second
    root["heap_next"] = 0
    return first


@inner
def insert(pool: Records, root: int, slot: int) -> int:
    """Add a node, which has its key; returns the new root."""
    stay_apart()
    node = pool[slot]
    node["heap_child"] = 0
    node["heap_next"] = 0
    node["heap_previous"] = 0
    node["in_heap"] = 1
    return uint32(meld(pool, uint32(root), uint32(slot)))


@inner
def take_out(pool: Records, root: int, slot: int) -> int:
    """Remove a node that is in the heap; returns the new root."""
    stay_apart()
    node = pool[slot]
    node["in_heap"] = 0
    below = children(pool, slot)
    if slot == root:
        return uint32(below)
    before, after = node["heap_previous"], node["heap_next"]
    if pool[before]["heap_child"] == slot:
        pool[before]["heap_child"] = after
    else:
        pool[before]["heap_next"] = after
    pool[after]["heap_previous"] = before
    return uint32(meld(pool, uint32(root), uint32(below)))


@inner_inlined
def children(pool: Records, slot: int) -> int:
    """Make one heap of a node's children: in pairs from left to right, then from right to left."""
    pairs = uint32(0)
    node = uint32(pool[slot]["heap_child"])
    while node != 0:
        second = uint32(pool[node]["heap_next"])
        if second == 0:
            pool[node]["heap_next"] = pairs
            pairs = node
            break
        after = uint32(pool[second]["heap_next"])
        pair = uint32(meld(pool, node, second))
        pool[pair]["heap_next"] = pairs
        pairs = pair
        node = after
    root = uint32(0)
    while pairs != 0:
        after = uint32(pool[pairs]["heap_next"])
        pool[pairs]["heap_next"] = 0
        root = uint32(meld(pool, root, pairs))
        pairs = after
    pool[root]["heap_next"] = 0
    pool[root]["heap_previous"] = 0
    return root
