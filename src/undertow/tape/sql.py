"""SQL over a tape: one DuckDB view per table."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from undertow.errors import UndertowError
from undertow.model.schema import TABLES, ColumnType, Table
from undertow.tape.store import Tape

_SQL_TYPES: dict[ColumnType, str] = {
    "time": "TIMESTAMP",
    "category": "VARCHAR",
    "text": "VARCHAR",
    "float": "DOUBLE",
    "int": "BIGINT",
}


def connect(tape: Tape) -> duckdb.DuckDBPyConnection:
    """A connection with a view per table of the tape's folder; ``ts`` is TIMESTAMP in UTC.

    Tables that the tape lacks are empty views. Nothing but the tape can be read through it.
    """
    if tape.folder is None:
        raise UndertowError("SQL needs a tape in a folder: save() it first")
    connection = duckdb.connect()
    for table in TABLES.values():
        files = [
            str(tape.folder.resolve() / part.file)
            for part in tape.manifest.tables.get(table.name, [])
        ]
        connection.execute(_view(table, files))
    files_allowed = [str(tape.folder.resolve())]
    connection.execute(f"SET allowed_directories = {files_allowed!r}")
    connection.execute("SET enable_external_access = false")
    return connection


def _view(table: Table, files: list[str]) -> str:
    columns = ", ".join(
        f'CAST("{column.name}" AS {_SQL_TYPES[column.type]}) AS "{column.name}"'
        if files
        else f'CAST(NULL AS {_SQL_TYPES[column.type]}) AS "{column.name}"'
        for column in table.columns
    )
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    source = f"FROM read_parquet([{quoted}])" if files else "WHERE false"
    return f'CREATE VIEW "{table.name}" AS SELECT {columns} {source}'


def query(tape: Tape, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a query.

    Raises
    ------
    UndertowError
        With DuckDB's own words when the statement is wrong.
    """
    with connect(tape) as connection:
        try:
            result = connection.execute(statement)
            names = [column[0] for column in result.description or []]
            return names, result.fetchall()
        except duckdb.Error as error:
            raise UndertowError(f"SQL: {error}") from None


def json_value(value: Any) -> Any:
    """A value as JSON can carry it: times as ISO-8601 UTC, decimals as numbers."""
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value != value:
        return None
    return value
