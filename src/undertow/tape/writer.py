"""Writing tapes: part by part, each whole before the manifest speaks of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

import undertow
from undertow.errors import DataError
from undertow.tape import frames
from undertow.tape.files import lock_folder, write_atomically
from undertow.tape.manifest import (
    KINDS,
    MANIFEST_NAME,
    Manifest,
    Part,
    Source,
    read_manifest,
    write_manifest,
)
from undertow.tape.overlap import without_known_rows
from undertow.tape.store import Tape

# About 2 MB of candles: small enough that an hour of a large tape touches few bytes.
ROW_GROUP_ROWS = 100_000
PART_ROWS = 5_000_000


class TapeWriter:
    """Adds parts to a tape; a context manager, and the tape's only writer meanwhile.

    Within the ``with`` block each ``append`` puts a complete part on disk and into the manifest,
    so that a reader, or a run that was killed, finds everything written so far. An exception
    takes back what this writer added: a new tape vanishes, an old one is as it was.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, is_new: bool) -> None:
        self._folder = folder
        self._manifest = manifest
        self._is_new = is_new
        self._before = b""
        self._added: list[Path] = []  # files and folders, in the order they were made
        self._lock = -1

    @classmethod
    def create(cls, folder: Path, *, kind: str, title: str = "") -> TapeWriter:
        """A writer of a new tape.

        Raises
        ------
        DataError
            When the folder is there already, or the kind is not one of the three.
        """
        if kind not in KINDS:
            raise DataError(f"kind of tape {kind!r}: expected one of {', '.join(KINDS)}")
        _refuse_used(folder)
        manifest = Manifest(kind=kind, title=title, written_by=f"undertow {undertow.__version__}")
        return cls(folder, manifest, is_new=True)

    @classmethod
    def extend(cls, folder: Path) -> TapeWriter:
        """A writer that adds to an existing tape."""
        return cls(folder, read_manifest(folder), is_new=False)

    def __enter__(self) -> Self:
        is_made = not self._folder.exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(self._folder)
        if is_made:
            self._added.append(self._folder)
        try:
            self._begin()
        except BaseException:
            self._take_back()
            os.close(self._lock)
            raise
        return self

    def _begin(self) -> None:
        """What was read before the lock may be old: look again."""
        path = self._folder / MANIFEST_NAME
        if self._is_new:
            _refuse_used(self._folder)
            self._added.append(path)
        else:
            self._manifest = read_manifest(self._folder)
            self._before = path.read_bytes()
            if not self._manifest.complete:
                self.add_history("an earlier writer was cut off: its rows may be incomplete")
        self._manifest.complete = False
        write_manifest(self._folder, self._manifest)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._manifest.complete = True
                write_manifest(self._folder, self._manifest)
            else:
                self._take_back()
        finally:
            os.close(self._lock)

    def _take_back(self) -> None:
        """Undo, the manifest first, so that it never speaks of a part that is gone."""
        if self._before:
            write_atomically(
                self._folder / MANIFEST_NAME,
                lambda temporary: temporary.write_bytes(self._before),
            )
        for path in reversed(self._added):
            if not path.is_dir():
                path.unlink(missing_ok=True)
            elif not any(path.iterdir()):
                path.rmdir()

    @property
    def tape(self) -> Tape:
        """The tape as it stands."""
        return Tape.open(self._folder)

    def append(self, name: str, frame: pl.DataFrame) -> int:
        """Add rows to a table; those that it already has, or that repeat, are left out.

        Returns
        -------
        int
            Number of rows left out.

        Raises
        ------
        DataError
            When two rows contradict each other: same key, other values.
        """
        table = frames.table_named(name)
        rows = frames.conform(table, frame)
        fresh = without_known_rows(table, rows, self.tape)
        for start in range(0, fresh.height, PART_ROWS):
            self._write_part(name, fresh.slice(start, PART_ROWS))
        return rows.height - fresh.height

    def _write_part(self, name: str, frame: pl.DataFrame) -> None:
        folder = self._folder / name
        if not folder.exists():
            folder.mkdir()
            self._added.append(folder)
        number = 1 + max((int(path.stem) for path in folder.glob("*.parquet")), default=0)
        path = folder / f"{number:06d}.parquet"
        stored = frame.with_columns(pl.col("ts").dt.replace_time_zone(None))
        self._added.append(path)
        write_atomically(
            path,
            lambda temporary: stored.write_parquet(
                temporary, compression="zstd", compression_level=9, row_group_size=ROW_GROUP_ROWS
            ),
        )
        times_ns = frame["ts"].cast(pl.Int64)
        part = Part(
            file=f"{name}/{path.name}",
            rows=frame.height,
            bytes=path.stat().st_size,
            start_ns=times_ns[0],
            end_ns=times_ns[-1],
        )
        self._manifest.tables.setdefault(name, []).append(part)
        write_manifest(self._folder, self._manifest)

    def add_source(self, source: Source) -> None:
        """Record where rows came from; a file that is read twice is recorded once."""
        if not any(_is_same_file(source, known) for known in self._manifest.sources):
            self._manifest.sources.append(source)

    def add_history(self, text: str) -> None:
        """Record what was done to the tape."""
        self._manifest.history.append(text)

    def set_moment(self, at_ns: int | None) -> None:
        """Name the moment that readers are meant to look at."""
        self._manifest.at_ns = at_ns

    def set_scenario(self, scenario: dict[str, Any]) -> None:
        """Name the scenario of a simulated tape."""
        self._manifest.scenario = scenario


def _refuse_used(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError("already there: choose another folder for the new tape", file=folder)


def _is_same_file(one: Source, other: Source) -> bool:
    """Same content, read in the same way."""
    if not one.sha256:
        return one == other
    ways = [(source.sha256, source.importer, source.options) for source in (one, other)]
    return ways[0] == ways[1]


def join(tapes: Sequence[Tape], folder: Path) -> Tape:
    """Write several tapes as one; see ``Tape.concat``."""
    if not tapes:
        raise DataError("nothing to join: expected at least one tape")
    kinds = {tape.manifest.kind for tape in tapes}
    if len(kinds) > 1:
        raise DataError(f"cannot join tapes of different kinds: {', '.join(sorted(kinds))}")
    first = tapes[0].manifest
    with TapeWriter.create(folder, kind=first.kind, title=first.title) as writer:
        for tape in tapes:
            for name in tape.manifest.tables:
                writer.append(name, tape.table(name).collect())
            for source in tape.manifest.sources:
                writer.add_source(source)
            for line in _history(tape, is_joined=len(tapes) > 1):
                writer.add_history(line)
        if len(tapes) == 1:
            writer.set_moment(tapes[0].moment_ns)
        if all(tape.manifest.scenario == first.scenario for tape in tapes):
            writer.set_scenario(first.scenario)
    return Tape.open(folder)


def _history(tape: Tape, *, is_joined: bool) -> list[str]:
    """What was done to a tape, what it lacked, and what is done to it now."""
    label = tape.folder.name if tape.folder else "a tape in memory"
    lines = [*tape.manifest.history, *(f"{label}: {sentence}" for sentence in tape.missing)]
    if cut := tape.cut_text():
        lines.append(f"{label}: {cut}")
    elif is_joined:
        lines.append(f"joined: {label}")
    return lines
