"""``undertow describe``: what a tape holds, where it came from, what is missing."""

from __future__ import annotations

from typing import Any

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import time_text
from undertow.model.schema import TABLES
from undertow.report import terminal
from undertow.tape import Source, Tape


def as_json(tape: Tape) -> dict[str, Any]:
    """Everything as plain values; times are ISO-8601 UTC."""
    manifest = tape.manifest
    span = manifest.span_ns()
    return {
        "path": None if tape.folder is None else str(tape.folder),
        "title": manifest.title,
        "kind": manifest.kind,
        "schema_version": manifest.schema_version,
        "complete": not tape.missing,
        "missing": list(tape.missing),
        "at": None if manifest.at_ns is None else time_text(manifest.at_ns),
        "start": span and time_text(span[0]),
        "end": span and time_text(span[1]),
        "tables": [_table_facts(tape, name) for name in manifest.tables],
        "sources": [_source_facts(source) for source in manifest.sources],
        "history": manifest.history,
    }


def _table_facts(tape: Tape, name: str) -> dict[str, Any]:
    parts = tape.manifest.tables[name]
    columns = TABLES[name].column_names
    facts: dict[str, Any] = {"table": name, "rows": tape.manifest.rows(name)}
    for column in ("venue", "symbol"):
        if column in columns:
            facts[f"{column}s"] = _distinct(tape, name, column)
    if parts:
        facts["start"] = time_text(min(part.start_ns for part in parts))
        facts["end"] = time_text(max(part.end_ns for part in parts))
    return facts


def _distinct(tape: Tape, name: str, column: str) -> list[str]:
    try:
        values = tape.table(name).select(column).unique().collect()[column].drop_nulls()
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"table '{name}' cannot be read: {reason}", file=tape.folder, column=column
        ) from None
    return sorted(values.cast(pl.String).to_list())


def _source_facts(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "importer": source.importer,
        "rows": source.rows,
        "sha256": source.sha256,
        "licence": source.licence,
        "url": source.url,
        "options": source.options,
        "dropped": source.dropped,
        "gaps": source.gaps,
        "notes": source.notes,
    }


def print_table(tape: Tape) -> None:
    """The same for people."""
    facts = as_json(tape)
    console = terminal.console()
    console.print(f"{facts['title'] or facts['path']} ({facts['kind']} tape)", markup=False)
    for sentence in facts["missing"]:
        console.print(f"missing: {sentence}", style="red", markup=False)
    rows = [
        (
            row["table"],
            f"{row['rows']:,}",
            row.get("start", ""),
            row.get("end", ""),
            ", ".join(row.get("venues", [])),
            _shortened(row.get("symbols", [])),
        )
        for row in facts["tables"]
    ]
    titles = ("table", "rows", "from", "to", "venues", "symbols")
    console.print(terminal.table(titles, rows, right=["rows"]))
    for source in facts["sources"]:
        for line in _source_lines(source):
            console.print(f"  {line}", markup=False)
    for line in facts["history"]:
        console.print(f"  then: {line}", markup=False)


def _source_lines(source: dict[str, Any], limit: int = 3) -> list[str]:
    by = f"{source['importer']}, " if source["importer"] else ""
    licence = source["licence"] or "licence: none stated"
    lines = [f"{source['name']} ({by}{source['rows']:,} rows; {licence})"]
    for label in ("note", "dropped", "gap"):
        said = source["dropped" if label == "dropped" else f"{label}s"]
        lines += [f"  {label}: {line}" for line in said[:limit]]
        if len(said) > limit:
            lines.append(f"  … and {len(said) - limit} more (--json shows all)")
    return lines


def _shortened(names: list[str], limit: int = 6) -> str:
    if len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} … ({len(names)})"
