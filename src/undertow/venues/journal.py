"""All events of a venue in the order in which they happened, each with its time."""

from __future__ import annotations

from typing import Any

import numpy as np

from undertow.model import codes
from undertow.venues.engine_rows import EVENT, Records


class Journal:
    """Rows of events; ``asked`` is what was asked for in commands that no row could hold."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.asked: dict[int, dict[str, Any]] = {}
        self._rows: list[Records] = []
        self._ts_ns: list[Records] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: Records, commands: Records) -> Records:
        """Keep what came of some commands; returns the time of each event: its command's."""
        passes = commands["kind"] == codes.EXPIRE
        moments = np.where(passes, commands["expire_ns"], self.now_ns)
        times_ns = np.maximum(np.maximum.accumulate(moments), self.now_ns)
        ts_ns: Records = times_ns[rows["command"]]
        self._rows.append(rows)
        self._ts_ns.append(ts_ns)
        self._count += len(rows)
        if len(times_ns):
            self.now_ns = int(times_ns[-1])
        return ts_ns

    def all(self) -> tuple[Records, Records]:
        """Every row, and its time in nanoseconds."""
        if len(self._rows) != 1:
            self._rows = [np.concatenate([np.zeros(0, EVENT), *self._rows])]
            self._ts_ns = [np.concatenate([np.zeros(0, np.int64), *self._ts_ns])]
        return self._rows[0], self._ts_ns[0]
