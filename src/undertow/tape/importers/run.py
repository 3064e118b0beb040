"""The import itself: read every file, then write; all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from undertow.errors import DataError
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.registry import Importer
from undertow.tape.manifest import Source
from undertow.tape.writer import TapeWriter


@dataclass(frozen=True)
class Imported:
    """What one file brought: rows by table, and how many the tape already had."""

    path: Path
    reading: Reading
    rows: dict[str, int]
    known: int


def import_files(
    importer: Importer,
    paths: Sequence[Path],
    out: Path,
    options: Options,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Imported]:
    """Read files and add them to the tape at ``out``, which is made when it is not there.

    Nothing is written before every file was read; what fails leaves the tape as it was. A
    folder that cannot be the tape is refused before the first file is read.

    Raises
    ------
    DataError
        For the first thing wrong in a file, or rows that contradict the tape.
    """
    is_tape = (out / "manifest.json").exists()
    writer = TapeWriter.extend(out) if is_tape else TapeWriter.create(out, kind="imported")
    readings = []
    for path in paths:
        progress(f"reading {path.name}")
        reading = importer.read(path, options)
        if not reading.rows():
            raise DataError("nothing was read from the file", file=path)
        readings.append(reading)
    results = []
    with writer:
        for path, reading in zip(paths, readings, strict=True):
            progress(f"writing {path.name}")
            results.append(_add(writer, importer, path, reading, options))
    return results


def _add(
    writer: TapeWriter, importer: Importer, path: Path, reading: Reading, options: Options
) -> Imported:
    rows, known = {}, 0
    for name, frame in reading.frames.items():
        if frame.is_empty():
            continue
        try:
            already = writer.append(name, frame)
        except DataError as error:
            raise DataError(error.message, file=path) from None
        known += already
        rows[name] = frame.height - already
    notes = list(reading.notes)
    if known:
        notes.append(f"{known} rows were already on the tape")
    writer.add_source(
        Source(
            name=path.name,
            importer=importer.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            rows=sum(rows.values()),
            options=options.as_text(),
            dropped=reading.dropped,
            gaps=reading.gaps,
            notes=notes,
        )
    )
    return Imported(path, reading, rows, known)
