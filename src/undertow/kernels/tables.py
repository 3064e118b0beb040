"""A hash map from a positive int64 to an int64: open addressing, no tombstones.

The owner keeps a table at most half full and its size a power of two. A position is valid until
the next removal, which closes the gap that it leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.compile import inlined, kernel

Table = NDArray[np.void]
ENTRY = np.dtype([("key", np.int64), ("value", np.int64)])  # key 0: empty
GOLDEN = 2654435769  # 2^32 divided by the golden ratio


def new_table(size: int) -> Table:
    """An empty table; the size must be a power of two."""
    assert size & (size - 1) == 0
    return np.zeros(size, ENTRY)


@inlined
def _home(key: int, mask: int) -> int:
    """Where a key belongs: neighbours stay close, powers of two are spread; below 2^63."""
    return (((key ^ (key >> 31)) & 0x7FFFFFFF) * GOLDEN >> 31) & mask


@inlined
def find(table: Table, key: int) -> int:
    """The position of a key, or the empty one where it may be put."""
    mask = table.shape[0] - 1
    position = _home(key, mask)
    found = table[position]["key"]
    while found not in (key, 0):
        position = (position + 1) & mask
        found = table[position]["key"]
    return position


@inlined
def put(table: Table, position: int, key: int, value: int) -> None:
    """Write an entry at a position given by `find`."""
    entry = table[position]
    entry["key"] = key
    entry["value"] = value


@inlined
def remove(table: Table, position: int) -> None:
    """Empty a position and move up the entries that were pushed past it."""
    mask = table.shape[0] - 1
    gap = position
    probe = position
    while True:
        probe = (probe + 1) & mask
        entry = table[probe]
        key = entry["key"]
        if key == 0:
            break
        # An entry may fill the gap unless its home lies between the two.
        if ((probe - _home(key, mask)) & mask) >= ((probe - gap) & mask):
            table[gap]["key"] = key
            table[gap]["value"] = entry["value"]
            gap = probe
    table[gap]["key"] = 0


@kernel
def copy_entries(table: Table, target: Table) -> None:
    """Put all entries into another, larger table."""
    for position in range(table.shape[0]):
        key = table[position]["key"]
        if key != 0:
            put(target, find(target, key), key, table[position]["value"])
