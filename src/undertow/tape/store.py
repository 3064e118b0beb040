"""A tape as a reader sees it: lazy tables, slices, views that cannot look into the future."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import SECOND_NS, time_ns, time_text
from undertow.model.schema import TABLES, Table
from undertow.tape import frames
from undertow.tape.bundled import resolve
from undertow.tape.manifest import Manifest, Part, read_manifest
from undertow.tape.tables import TableAccess

if TYPE_CHECKING:
    from undertow.tape.writer import TapeWriter

Moment = str | datetime | int
ONE_RECORDING_NS = 6 * 3_600 * SECOND_NS


@dataclasses.dataclass(frozen=True)
class Tape(TableAccess):
    """A tape, or a view of a part of one; nothing is read until a frame is collected.

    Attributes
    ----------
    manifest
        Provenance, parts and the moment the maker meant (``at_ns``).
    folder
        Where it lies; None for a tape in memory.
    missing
        What should be there and is not, one sentence each; empty for a sound tape.
    """

    manifest: Manifest
    folder: Path | None = None
    missing: tuple[str, ...] = ()
    _frames: Mapping[str, pl.DataFrame] = dataclasses.field(default_factory=dict, repr=False)
    _start_ns: int | None = None
    _end_ns: int | None = None
    _at_ns: int | None = None

    @staticmethod
    def open(path: str | Path) -> Tape:
        """Open a folder, or a bundled tape by name.

        A tape that was cut off while it was written opens with what was complete; ``missing``
        says what is not there.

        Raises
        ------
        DataError
            When there is no tape, or a newer version of the program wrote it.
        """
        folder = resolve(path)
        manifest = read_manifest(folder)
        missing = [] if manifest.complete else ["writing was cut off: what follows may lack rows"]
        for name, parts in list(manifest.tables.items()):
            if name not in TABLES:
                missing.append(f"table '{name}' is not known to this version and is left out")
                del manifest.tables[name]
                continue
            sound = [part for part in parts if _is_sound(folder / part.file, part, missing)]
            manifest.tables[name] = sound
        return Tape(manifest, folder, tuple(missing))

    @staticmethod
    def create(path: str | Path, *, kind: str, title: str = "") -> TapeWriter:
        """Begin a new tape; use the writer as a context manager, then ``Tape.open`` it."""
        from undertow.tape.writer import TapeWriter

        return TapeWriter.create(Path(path), kind=kind, title=title)

    @staticmethod
    def from_frames(tables: Mapping[str, pl.DataFrame], *, kind: str = "imported") -> Tape:
        """A tape in memory; each frame is brought to its table's columns and types."""
        conformed = {
            name: frames.conform(frames.table_named(name), frame) for name, frame in tables.items()
        }
        parts = {
            name: [_memory_part(frame)] for name, frame in conformed.items() if not frame.is_empty()
        }
        return Tape(Manifest(kind=kind, complete=True, tables=parts), _frames=conformed)

    def table(self, name: str) -> pl.LazyFrame:
        """One table, lazily, in this view; a table that the tape lacks has no rows.

        Only the row groups that the view's times touch are read.
        """
        table = frames.table_named(name)
        lazy = self._in_memory(table) if self.folder is None else self._scan(name)
        if self._at_ns is None or frames.is_known_at_once(table):
            return lazy  # the bounds see to that
        return lazy.filter(frames.known(table) <= pl.lit(self._at_ns).cast(frames.TIME))

    def _in_memory(self, table: Table) -> pl.LazyFrame:
        """The rows within the view's times, found by halving: a filter would copy them all."""
        frame = self._frames.get(table.name)
        if frame is None:
            return frames.empty(table).lazy()
        times_ns = frame["ts"].to_physical()
        start_ns, end_ns = self._bounds()
        start = 0 if start_ns is None else times_ns.search_sorted(start_ns, side="left")
        end = frame.height if end_ns is None else times_ns.search_sorted(end_ns, side="left")
        return frame.slice(start, max(0, end - start)).lazy()

    def _scan(self, name: str) -> pl.LazyFrame:
        table = frames.table_named(name)
        parts = [part for part in self.manifest.tables.get(name, []) if self._sees(part)]
        if not parts:
            return frames.empty(table).lazy()
        lazy = pl.scan_parquet([self._file(part) for part in parts], glob=False)
        if not all(self._holds(part) for part in parts):  # a filter copies what it keeps
            # Files hold UTC without a zone: the time filter must come before the zone is named,
            # or no row group is skipped.
            lazy = lazy.filter(*self._between(pl.col("ts")))
        return lazy.with_columns(
            pl.col("ts").dt.replace_time_zone("UTC"),
            *[
                pl.col(column.name).cast(frames.column_type(column))
                for column in table.columns
                if column.type == "category"
            ],
        )

    def _file(self, part: Part) -> Path:
        assert self.folder is not None
        return self.folder / part.file

    def _sees(self, part: Part) -> bool:
        start_ns, end_ns = self._bounds()
        return (start_ns is None or part.end_ns >= start_ns) and (
            end_ns is None or part.start_ns < end_ns
        )

    def _holds(self, part: Part) -> bool:
        """Whether all rows of the part lie within the view's times."""
        start_ns, end_ns = self._bounds()
        return (start_ns is None or start_ns <= part.start_ns) and (
            end_ns is None or part.end_ns < end_ns
        )

    def _bounds(self) -> tuple[int | None, int | None]:
        after_at_ns = None if self._at_ns is None else self._at_ns + 1
        ends = [end for end in (self._end_ns, after_at_ns) if end is not None]
        return self._start_ns, min(ends, default=None)

    def _between(self, ts: pl.Expr) -> list[pl.Expr]:
        start_ns, end_ns = self._bounds()
        kind = pl.Datetime("ns")
        bounds = []
        if start_ns is not None:
            bounds.append(ts >= pl.lit(start_ns).cast(kind))
        if end_ns is not None:
            bounds.append(ts < pl.lit(end_ns).cast(kind))
        return bounds or [pl.lit(True)]

    def has(self, name: str) -> bool:
        """Whether the tape recorded such a table at all (a view of it may still have no rows)."""
        frames.table_named(name)
        return self.manifest.rows(name) > 0

    def recorded_ns(self, name: str) -> list[tuple[int, int]]:
        """Spans over which a table was recorded, cut to this view; empty: not at all.

        A span reaches from a part's first ``ts`` to its last; parts at most six hours apart are
        one recording. It tells whether somebody was recording, not what happened: a quiet hour
        within a span is a true zero, the years between two captures are not.
        """
        parts = self.manifest.tables.get(frames.table_named(name).name, [])
        spans: list[tuple[int, int]] = []
        for first_ns, last_ns in sorted((part.start_ns, part.end_ns) for part in parts):
            if spans and first_ns - spans[-1][1] <= ONE_RECORDING_NS:
                spans[-1] = (spans[-1][0], max(spans[-1][1], last_ns))
            else:
                spans.append((first_ns, last_ns))
        start_ns, end_ns = self._bounds()
        cut = [
            (
                first_ns if start_ns is None else max(first_ns, start_ns),
                last_ns if end_ns is None else min(last_ns, end_ns - 1),
            )
            for first_ns, last_ns in spans
        ]
        return [(first_ns, last_ns) for first_ns, last_ns in cut if first_ns <= last_ns]

    def slice(self, start: Moment | None = None, end: Moment | None = None) -> Tape:
        """The view with ``start <= ts < end``; provenance stays."""
        start_ns = None if start is None else time_ns(start)
        end_ns = None if end is None else time_ns(end)
        old_start, old_end = self._start_ns, self._end_ns
        return dataclasses.replace(
            self,
            _start_ns=max((n for n in (start_ns, old_start) if n is not None), default=None),
            _end_ns=min((n for n in (end_ns, old_end) if n is not None), default=None),
        )

    def until(self, at: Moment | None) -> Tape:
        """The view of what could be known at ``at``: no later row, no bar that had not closed."""
        if at is None:
            return self
        at_ns = time_ns(at)
        return dataclasses.replace(
            self, _at_ns=at_ns if self._at_ns is None else min(at_ns, self._at_ns)
        )

    @property
    def moment_ns(self) -> int | None:
        """The moment of the view, else the one that the maker of the tape meant, else None."""
        return self.manifest.at_ns if self._at_ns is None else self._at_ns

    def default_at_ns(self) -> int:
        """The moment to look at when nobody names one: ``moment_ns``, else just after the end.

        The end is when the last row was known; it is rounded up to a whole second.

        Raises
        ------
        DataError
            For a tape or a view without rows.
        """
        if self.moment_ns is not None:
            return self.moment_ns
        ends = []
        for name, table in TABLES.items():
            if self.has(name) and name not in ("events", "odds"):
                last = frames.known(table).max().cast(pl.Int64)
                last_ns = self.table(name).select(last).collect().item()
                # Windows end before their moment: one that ended with a row would leave it out.
                after_ns = 1 if frames.is_known_at_once(table) else 0
                ends += [] if last_ns is None else [int(last_ns) + after_ns]
        if not ends:
            raise DataError("the tape has no rows", file=self.folder)
        return -(-max(ends) // SECOND_NS) * SECOND_NS

    def save(self, path: str | Path) -> Tape:
        """Write this view as a tape of its own, with its provenance and what was cut."""
        return Tape.concat([self], path)

    @staticmethod
    def concat(tapes: Sequence[Tape], path: str | Path) -> Tape:
        """Join tapes into a new one; rows that say the same are kept once, provenance is kept.

        Raises
        ------
        DataError
            When two tapes contradict each other about the same row.
        """
        from undertow.tape.writer import join

        return join(tapes, Path(path))

    def cut_text(self) -> str:
        """The view's bounds in words, for the history; empty for a whole tape."""
        start_ns, end_ns = self._start_ns, self._end_ns
        words = []
        if start_ns is not None:
            words.append(f"from {time_text(start_ns)}")
        if end_ns is not None:
            words.append(f"before {time_text(end_ns)}")
        if self._at_ns is not None:
            words.append(f"known at {time_text(self._at_ns)}")
        return " ".join(words)


def _is_sound(path: Path, part: Part, missing: list[str]) -> bool:
    """Whether the file is there in full; if not, say so in ``missing``."""
    if not path.is_file():
        state = "is not there"
    elif (size := path.stat().st_size) != part.bytes:
        state = f"has {size} bytes instead of {part.bytes}"
    elif not _is_parquet(path):
        state = "is damaged"
    else:
        return True
    span = f"{part.rows} rows, {time_text(part.start_ns)} to {time_text(part.end_ns)}"
    missing.append(f"{part.file} {state} ({span})")
    return False


def _is_parquet(path: Path) -> bool:
    """Whether both ends carry the format's mark; a disk that lost its writes leaves zeros."""
    with path.open("rb") as handle:
        start = handle.read(4)
        handle.seek(-4, 2)
        return start == handle.read(4) == b"PAR1"


def _memory_part(frame: pl.DataFrame) -> Part:
    start, end = (frame["ts"].cast(pl.Int64)[row] for row in (0, -1))
    return Part(file="", rows=frame.height, bytes=0, start_ns=start, end_ns=end)
