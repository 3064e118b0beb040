"""The manifest: what a tape holds, where it came from and what was done to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from undertow.errors import DataError
from undertow.model.schema import SCHEMA_VERSION
from undertow.tape.files import write_atomically

MANIFEST_NAME = "manifest.json"
KINDS = ("recorded", "imported", "simulated")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a table; rows are in time order. Times are ns since 1970 UTC."""

    file: str
    rows: int
    bytes: int
    start_ns: int
    end_ns: int


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where rows came from.

    ``dropped`` tells of bad rows left out at the user's wish, ``gaps`` of holes in a series,
    ``notes`` of anything else that a reader of the figures should know.
    """

    name: str
    importer: str = ""
    sha256: str = ""
    rows: int = 0
    licence: str = ""
    url: str = ""
    options: dict[str, str] = {}
    dropped: list[str] = []
    gaps: list[str] = []
    notes: list[str] = []


class Manifest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything about a tape that is not a row.

    ``at_ns`` is the moment that a reader is meant to look at, where the maker named one.
    ``complete`` is false while somebody writes; a tape that was cut off keeps it false.
    """

    schema_version: int = SCHEMA_VERSION
    kind: str
    title: str = ""
    written_by: str = ""
    at_ns: int | None = None
    complete: bool = False
    tables: dict[str, list[Part]] = {}
    sources: list[Source] = []
    history: list[str] = []
    scenario: dict[str, Any] = {}

    def span_ns(self) -> tuple[int, int] | None:
        """First and last ``ts`` of all tables, or None for an empty tape."""
        parts = [part for parts in self.tables.values() for part in parts]
        if not parts:
            return None
        return min(part.start_ns for part in parts), max(part.end_ns for part in parts)

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return sum(part.rows for part in self.tables.get(table, []))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place in one step."""
    text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    write_atomically(folder / MANIFEST_NAME, lambda temporary: temporary.write_bytes(text))


def read_manifest(folder: Path) -> Manifest:
    """Read and check a manifest.

    Raises
    ------
    DataError
        When the folder is no tape, the manifest is damaged, or a newer version wrote it.
    """
    path = folder / MANIFEST_NAME
    if not folder.is_dir():
        raise DataError(
            "no such tape: expected the folder of a tape"
            + (", as 'undertow import' makes one of files" if folder.is_file() else ""),
            file=folder,
        )
    if not path.is_file():
        raise DataError(f"not a tape: it has no {MANIFEST_NAME}", file=folder)
    content = path.read_bytes()
    try:
        version = msgspec.json.decode(content, type=dict[str, Any]).get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise DataError(
                f"the tape has schema version {version}, this program knows versions up to"
                f" {SCHEMA_VERSION}: update undertow",
                file=path,
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DataError(f"damaged manifest: {error}", file=path) from None
    if manifest.kind not in KINDS:
        raise DataError(
            f"damaged manifest: kind {manifest.kind!r}, expected one of {', '.join(KINDS)}",
            file=path,
        )
    return manifest
