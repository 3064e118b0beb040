"""Which ranks of a queue hold orders: trees of 32-bit words, their nodes in one hash map.

A word tells which of its 32 children hold something; a rank has 48 bits, so a tree has 10
layers. Only nodes with something below them exist. Adding and removing mostly touch one word, and
the next rank is mostly found in the same word, however far apart the others lie.
"""

from __future__ import annotations

import numpy as np

from undertow.kernels.compile import Records, inlined, kernel
from undertow.kernels.tables import find, put, remove

LAYERS = 10
NO_RANK = 2**62
DE_BRUIJN = 0x077CB531  # each window of five bits occurs once
LOWEST: Records = np.zeros(32, np.int64)
for _bit in range(32):
    LOWEST[((DE_BRUIJN << _bit) >> 27) & 31] = _bit


@inlined
def _node_key(queue: int, layer: int, prefix: int) -> int:
    return ((queue << 47) | (prefix << 4) | layer) + 1


@inlined
def _lowest(word: int) -> int:
    bit: int = LOWEST[((word & -word) * DE_BRUIJN >> 27) & 31]
    return bit


@kernel
def add_rank(nodes: Records, queue: int, rank: int) -> int:
    """Mark a rank that was not; returns how many nodes were made (at most `LAYERS`)."""
    for layer in range(LAYERS):
        digit = (rank >> (5 * layer)) & 31
        key = _node_key(queue, layer, rank >> (5 * layer + 5))
        position = find(nodes, key)
        if nodes[position]["key"] == key:
            nodes[position]["value"] |= 1 << digit
            return layer
        put(nodes, position, key, 1 << digit)
    return LAYERS


@kernel
def remove_rank(nodes: Records, queue: int, rank: int) -> int:
    """Unmark a rank that was marked; returns how many nodes ceased to exist."""
    for layer in range(LAYERS):
        digit = (rank >> (5 * layer)) & 31
        position = find(nodes, _node_key(queue, layer, rank >> (5 * layer + 5)))
        word = nodes[position]["value"] ^ (1 << digit)
        nodes[position]["value"] = word
        if word != 0:
            return layer
        remove(nodes, position)
    return LAYERS


@kernel
def next_rank(nodes: Records, queue: int, rank: int) -> int:
    """The smallest marked rank above the given one, which need not be marked; else `NO_RANK`."""
    for layer in range(LAYERS):
        prefix = rank >> (5 * layer + 5)
        position = find(nodes, _node_key(queue, layer, prefix))
        if nodes[position]["key"] == 0:
            continue
        above = nodes[position]["value"] & -(2 << ((rank >> (5 * layer)) & 31))
        if above == 0:
            continue
        found = (prefix << 5) | _lowest(above)
        for below in range(layer - 1, -1, -1):
            position = find(nodes, _node_key(queue, below, found))
            found = (found << 5) | _lowest(nodes[position]["value"])
        return found
    return NO_RANK
