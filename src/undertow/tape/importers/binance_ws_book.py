"""The book of one symbol, rebuilt by the venue's rule and never beyond what is verified.

The rule (Binance, "How to manage a local order book correctly", USD-M futures): take a snapshot;
drop updates whose final id ``u`` lies before its ``lastUpdateId``; the first one used must reach
across that id (``U <= lastUpdateId <= u``); from there every ``pu`` must be the ``u`` before. Here
the first one may also follow it directly: ``pu <= lastUpdateId`` says that no update of this
symbol lies between, and holds wherever the documented condition does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from undertow.model.periods import time_text
from undertow.tape.book import L2Book, Top
from undertow.tape.importers.binance_ws_messages import Diff, Level, Snapshot, Timed
from undertow.tape.importers.binance_ws_rows import (
    LevelRows,
    TopRows,
    in_dollars,
    is_moment,
)
from undertow.tape.importers.reading import BadRows

# Depth is taken from the first update of each second, in these fractions of mid.
BANDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)


@dataclass
class Counts:
    """What became of the depth messages of one symbol.

    Attributes
    ----------
    updates, unused
        Updates in the verified book, and updates without a book to change.
    snapshots, not_needed, unusable
        All; those that came while the book was verified; those that no update follows.
    unknown_ms
        How long there was no verified book after there had been one.
    """

    updates: int = 0
    unused: int = 0
    snapshots: int = 0
    not_needed: int = 0
    unusable: int = 0
    unknown_ms: int = 0


class BookRebuild:
    """Takes the depth messages of one symbol in the order of the file.

    Attributes
    ----------
    book
        The verified book; None before the first snapshot and after a break.
    levels, tops, depth
        What was verified: rows of levels, the top after each update, depth by band.
    breaks
        Time in ms and title of each break.
    """

    def __init__(self, symbol: str, bad: BadRows) -> None:
        self.symbol = symbol
        self.book: L2Book | None = None
        self.levels = LevelRows()
        self.tops = TopRows()
        self.depth: list[tuple[int, float, float, float, float]] = []
        self.breaks: list[tuple[int, str]] = []
        self.counts = Counts()
        self._bad = bad
        self._in_dollars = in_dollars(symbol)
        self._final_id: int | None = None  # of the last update, used or not
        self._moment_ms = 0
        self._second = -1
        self._lost_ms = 0  # since when there is no verified book, after there was one
        self._waiting: list[Diff] = []  # unbroken, up to the last update
        self._snapshot: tuple[int, Snapshot] | None = None

    def diff(self, row: int, diff: Diff) -> None:
        """One ``depthUpdate``."""
        if not self._is_sound(row, diff) or not self._is_next(row, diff):
            return
        moment_ms = moment_of(diff)
        if self._final_id is not None and diff.previous_id != self._final_id:
            self._break(self._missing(diff, moment_ms), moment_ms)
        self._final_id, self._moment_ms = diff.final_id, moment_ms
        if self.book is None:
            self._waiting.append(diff)
            self._begin()
        else:
            self._apply(self.book, diff)
            ahead = self._snapshot if self.book is not None else None
            if ahead is not None and ahead[1].final_id <= diff.final_id:
                self.counts.not_needed += 1
                self._snapshot = None

    def snapshot(self, row: int, snapshot: Snapshot) -> None:
        """One answer of the REST interface; what came before it may follow it in the book."""
        self.counts.snapshots += 1
        if not self._is_sound(row, snapshot):
            return
        if self.book is not None and snapshot.final_id <= (self._final_id or 0):
            self.counts.not_needed += 1
            return
        if self._snapshot is not None:
            self.counts.unusable += 1
        self._snapshot = (row, snapshot)  # one ahead of the book may be needed after a break
        if self.book is None:
            self._begin()

    def finish(self) -> None:
        """Count what was left waiting for a snapshot, or for an update after one."""
        self.counts.unused += len(self._waiting)
        self.counts.unusable += self._snapshot is not None
        if self.book is None and self._lost_ms:
            self.counts.unknown_ms += self._moment_ms - self._lost_ms

    def _begin(self) -> None:
        """Start the book if there is a snapshot and the updates that follow it."""
        if self._snapshot is None:
            return
        row, snapshot = self._snapshot
        newer = [diff for diff in self._waiting if diff.final_id > snapshot.final_id]
        if newer and newer[0].previous_id > snapshot.final_id:
            self.counts.unusable += 1
            self._snapshot = None
            return
        self.counts.unused += len(self._waiting) - len(newer)
        self._waiting = newer
        if not newer:
            return
        self._snapshot = None
        if moment_of(newer[0]) < moment_of(snapshot):
            value = snapshot.time_ms or snapshot.event_ms
            self._bad.drop(row, "T", value, "later than the update that follows the snapshot")
            return
        self._waiting = []
        self._start(snapshot, newer)

    def _start(self, snapshot: Snapshot, diffs: Sequence[Diff]) -> None:
        book = self.book = L2Book()
        book.apply_snapshot(snapshot.bids, snapshot.asks, snapshot.final_id)
        self.levels.add("snapshot", moment_of(snapshot), snapshot)
        if self._lost_ms:
            self.counts.unknown_ms += moment_of(diffs[0]) - self._lost_ms
            self._lost_ms = 0
        for number, diff in enumerate(diffs):
            if self.book is None:
                self._waiting = list(diffs[number:])
                return
            self._apply(book, diff)

    def _apply(self, book: L2Book, diff: Diff) -> None:
        book.apply_diff(diff.bids, diff.asks, diff.final_id)
        top = book.best()
        moment_ms = moment_of(diff)
        if top is not None and top.bid >= top.ask:
            self.counts.unused += 1
            title = (
                f"{self.symbol} book: after update {diff.final_id} the best bid {top.bid} is not"
                f" below the best ask {top.ask}; unknown until the next snapshot"
            )
            self._break(title, moment_ms)
            return
        self.counts.updates += 1
        self.levels.add("diff", moment_ms, diff)
        if top is not None:
            self.tops.add(diff.final_id, top, book.is_top_known())
            if self._in_dollars and moment_ms // 1_000 != self._second:
                self._sample(book, top, moment_ms)

    def _sample(self, book: L2Book, top: Top, moment_ms: int) -> None:
        for band in BANDS:
            found = book.depth_within(band)
            if found is None:
                return
            self.depth.append((moment_ms, band, *found, top.spread))
            self._second = moment_ms // 1_000

    def _break(self, title: str, moment_ms: int) -> None:
        """Say so, and know nothing until the next snapshot."""
        self.breaks.append((moment_ms, title))
        if self.book is not None:
            self._lost_ms = self._moment_ms
        self.counts.unused += len(self._waiting)
        self.book, self._waiting = None, []

    def _missing(self, diff: Diff, moment_ms: int) -> str:
        last, since = self._final_id or 0, time_text(self._moment_ms * 1_000_000)
        if diff.previous_id < last:
            lost = f"update {diff.final_id} says that it follows {diff.previous_id}, not {last}"
        else:
            length = (moment_ms - self._moment_ms) / 1_000
            lost = f"update ids {last + 1} to {diff.previous_id} are missing ({length:g} s"
            lost += f" from {since})"
        return f"{self.symbol} book: {lost}; unknown until the next snapshot"

    def _is_next(self, row: int, diff: Diff) -> bool:
        """Whether ids and time go on; where they do not, the message is a bad row."""
        last = self._final_id
        if diff.first_id > diff.final_id:
            self._bad.drop(row, "U", diff.first_id, f"expected at most u, {diff.final_id}")
        elif last is not None and diff.final_id == last:
            self._bad.drop(row, "u", diff.final_id, "duplicate row: this update was there")
        elif last is not None and diff.final_id < last:
            self._bad.drop(row, "u", diff.final_id, f"update id goes back: expected over {last}")
        elif moment_of(diff) < self._moment_ms:
            self._bad.drop(row, "T", moment_of(diff), "time goes back: expected rising times")
        else:
            return True
        return False

    def _is_sound(self, row: int, message: Diff | Snapshot) -> bool:
        """Whether time and levels can be; where they cannot, the message is a bad row."""
        if not is_moment(moment_of(message)):
            missing = message.time_ms is None and message.event_ms is None
            expected = "missing key 'T'" if missing else "expected milliseconds since 1970"
            self._bad.drop(row, "T", message.time_ms, expected)
            return False
        long = isinstance(message, Snapshot)
        for name, levels in (
            ("bids" if long else "b", message.bids),
            ("asks" if long else "a", message.asks),
        ):
            if len(dict(levels)) < len(levels):
                self._bad.drop(row, name, _repeated(levels), "expected each price once")
                return False
        if long and _is_crossed(message.bids, message.asks):
            self._bad.drop(row, "bids", message.bids[0], "best bid is not below best ask")
            return False
        return True


def _is_crossed(bids: Sequence[Level], asks: Sequence[Level]) -> bool:
    """Whether the highest bid is not below the lowest ask."""
    return bool(bids) and bool(asks) and max(bids)[0] >= min(asks)[0]


def _repeated(levels: Sequence[Level]) -> float:
    """The first price that is there twice."""
    prices = [price for price, _ in levels]
    return next(price for place, price in enumerate(prices) if price in prices[:place])


def moment_of(message: Timed) -> int:
    """When it happened at the venue, in ms; 0 where the message does not say."""
    return message.time_ms or message.event_ms or 0
