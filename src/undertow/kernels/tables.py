"""A hash map from a positive int64 to an int64: open addressing, no tombstones.

The owner keeps a table at most half full and its size a power of two. A position is valid until
the next removal, which closes the gap that it leaves. Positions and slots are unsigned, because
Numba checks signed ones for being negative, at each access.
"""

from __future__ import annotations

import numpy as np

from undertow.kernels.compile import Records, inlined, kernel, uint32

ENTRY = np.dtype([("key", np.int64), ("value", np.int64)], align=True)  # key 0: empty
GOLDEN = 2654435769  # 2^32 divided by the golden ratio


def new_table(size: int) -> Records:
    """An empty table; the size must be a power of two."""
    assert size & (size - 1) == 0
    return np.zeros(size, ENTRY)


@inlined
def hash_of(key: int, mask: int) -> int:
    """A number from 0 to the mask: neighbours stay close, powers of two are spread; below 2^63."""
    return (((key ^ (key >> 31)) & 0x7FFFFFFF) * GOLDEN >> 31) & mask


@inlined
def find(table: Records, key: int) -> int:
    """The position of a key, or the empty one where it may be put."""
    mask = table.shape[0] - 1
    position: int = uint32(hash_of(key, mask))
    found = table[position]["key"]
    while found != key and found != 0:
        position = uint32((position + 1) & mask)
        found = table[position]["key"]
    return position


@inlined
def put(table: Records, position: int, key: int, value: int) -> None:
    """Write an entry at a position given by `find`."""
    entry = table[position]
    entry["key"] = key
    entry["value"] = value


@inlined
def remove(table: Records, position: int) -> None:
    """Empty a position and move up the entries that were pushed past it."""
    mask = table.shape[0] - 1
    gap = uint32(position)
    probe = gap
    while True:
        probe = uint32((probe + 1) & mask)
        entry = table[probe]
        key = entry["key"]
        if key == 0:
            break
        # An entry may fill the gap unless its home lies between the two.
        if ((mask + 1 + probe - hash_of(key, mask)) & mask) >= ((mask + 1 + probe - gap) & mask):
            table[gap]["key"] = key
            table[gap]["value"] = entry["value"]
            gap = probe
    table[gap]["key"] = 0


@kernel
def copy_entries(table: Records, target: Records) -> None:
    """Put all entries into another, larger table."""
    for position in range(table.shape[0]):
        key = table[position]["key"]
        if key != 0:
            put(target, find(target, key), key, table[position]["value"])
