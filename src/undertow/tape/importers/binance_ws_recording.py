"""The messages of one recording by kind; books are rebuilt while they come."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from undertow.errors import DataError
from undertow.tape.importers.binance_ws_book import BookRebuild
from undertow.tape.importers.binance_ws_messages import (
    KINDS,
    Diff,
    Event,
    Other,
    Snapshot,
)
from undertow.tape.importers.reading import BadRows

_PARTIAL = re.compile(r"@depth(5|10|20)(@|$)")


class Recording:
    """What a file told so far.

    Attributes
    ----------
    books
        One for each symbol with depth messages.
    kept
        Lines and messages of the other kinds, which wait for their checks.
    seen
        Number of messages by the name of their kind.
    left_out
        Number of messages that give no rows, by what they are.
    """

    def __init__(self, bad: BadRows, symbol: str | None) -> None:
        self.bad = bad
        self.books: dict[str, BookRebuild] = {}
        self.kept: dict[type[Any], tuple[list[int], list[Any]]] = {
            kind: ([], []) for kind in KINDS.values() if kind is not Diff
        }
        self.seen: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._symbol = symbol  # of snapshots that name none
        self._early: list[tuple[int, Snapshot]] = []  # nameless, before the first update
        self._nameless_row: int | None = None
        self._streams: dict[str, str | None] = {}

    def take(self, row: int, stream: str | None, event: Event) -> None:
        """One message."""
        kept = self.kept.get(type(event))
        if kept is not None:
            kept[0].append(row)
            kept[1].append(event)
        elif isinstance(event, Diff):
            self._take_diff(row, stream, event)
        elif isinstance(event, Snapshot):
            self._take_snapshot(row, stream, event)
        elif isinstance(event, Other):
            self.left_out[event.name] += 1

    def finish(self) -> None:
        """Count what was read, and what was left waiting."""
        for name, kind in KINDS.items():
            self.seen[name] += len(self.kept[kind][0]) if kind in self.kept else 0
        if self._early:
            self.left_out["REST snapshot without any depthUpdate"] = len(self._early)
        for book in self.books.values():
            book.finish()

    def _take_diff(self, row: int, stream: str | None, diff: Diff) -> None:
        """Updates of the symbol's first depth stream; a second one tells the same in other steps.

        The streams ``@depth5``, ``10`` and ``20`` carry whole pictures under the same event name.
        """
        if stream and _PARTIAL.search(stream):
            self.left_out[f"depthUpdate of a partial book ({stream})"] += 1
        elif self._streams.setdefault(diff.symbol, stream) != stream:
            self.left_out[f"depthUpdate of a second stream ({stream})"] += 1
        else:
            self.seen["depthUpdate"] += 1
            book = self._book(diff.symbol)
            for early in self._early:
                book.snapshot(*early)
            self._early = []
            book.diff(row, diff)

    def _take_snapshot(self, row: int, stream: str | None, snapshot: Snapshot) -> None:
        self.seen["REST snapshot"] += 1
        streamed = stream.split("@")[0].upper() if stream else None
        symbol = snapshot.symbol or streamed or self._symbol
        if symbol is None:
            self._nameless_row = self._nameless_row or row
            if not self.books:
                self._early.append((row, snapshot))
                return
            symbol = next(iter(self.books))
        self._book(symbol).snapshot(row, snapshot)

    def _book(self, symbol: str) -> BookRebuild:
        book = self.books.get(symbol)
        if book is None:
            book = self.books[symbol] = BookRebuild(symbol, self.bad)
        if self._nameless_row is not None and len(self.books) > 1:
            raise DataError(
                f"the snapshot names no symbol, and there are books of {', '.join(self.books)}:"
                " add --symbol",
                file=self.bad.file, row=self._nameless_row, column="symbol",
            )  # fmt: skip
        return book
