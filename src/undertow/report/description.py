"""``undertow describe``: what a tape holds, where it came from, what is missing."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from undertow.model.periods import time_text
from undertow.model.schema import TABLES
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
            values = tape.table(name).select(column).unique().collect()[column].drop_nulls()
            facts[f"{column}s"] = sorted(values.cast(str).to_list())
    if parts:
        facts["start"] = time_text(min(part.start_ns for part in parts))
        facts["end"] = time_text(max(part.end_ns for part in parts))
    return facts


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
    console = Console()
    console.print(f"[bold]{facts['title'] or facts['path']}[/bold] ({facts['kind']} tape)")
    for sentence in facts["missing"]:
        console.print(f"[red]missing:[/red] {sentence}", highlight=False)
    table = RichTable("table", "rows", "from", "to", "venues", "symbols")
    table.columns[1].justify = "right"
    for row in facts["tables"]:
        table.add_row(
            row["table"],
            f"{row['rows']:,}",
            row.get("start", ""),
            row.get("end", ""),
            ", ".join(row.get("venues", [])),
            _shortened(row.get("symbols", [])),
        )
    console.print(table)
    for source in facts["sources"]:
        licence = source["licence"] or "licence not stated"
        console.print(
            f"  {source['name']} ({source['importer']}, {source['rows']:,} rows; {licence})",
            highlight=False,
        )
        for label, lines in (("dropped", source["dropped"]), ("gap", source["gaps"])):
            for line in lines[:3]:
                console.print(f"    {label}: {line}", highlight=False)
            if len(lines) > 3:
                console.print(f"    … and {len(lines) - 3} more (--json shows all)")
    for line in facts["history"]:
        console.print(f"  then: {line}", highlight=False)


def _shortened(names: list[str], limit: int = 6) -> str:
    if len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} … ({len(names)})"
