"""SQL over a tape: one DuckDB view per table."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from undertow.errors import UndertowError, nearest
from undertow.model.schema import TABLES, ColumnType, Table
from undertow.tape.store import Tape

_SQL_TYPES: dict[ColumnType, str] = {
    "time": "TIMESTAMP",
    "category": "VARCHAR",
    "text": "VARCHAR",
    "float": "DOUBLE",
    "int": "BIGINT",
}
_UNKNOWN_TABLE = re.compile(r"Table with name (\S+) does not exist")


def connect(tape: Tape) -> duckdb.DuckDBPyConnection:
    """A connection with a view per table of the tape's folder; ``ts`` is TIMESTAMP in UTC.

    Tables that the tape lacks are empty views. Nothing outside the tape's folder can be read or
    written through it, and no Python variable is taken for a table. It could still write into
    the folder: give it to your own code only; ``query`` is the one for statements of others.

    Raises
    ------
    UndertowError
        For a tape in memory, or a view: SQL would see more than the view does.
    """
    if tape.folder is None or tape.cut_text():
        raise UndertowError("SQL needs a whole tape in a folder: save() this one first")
    folder = tape.folder.resolve()
    connection = duckdb.connect()
    for table in TABLES.values():
        files = [str(folder / part.file) for part in tape.manifest.tables.get(table.name, [])]
        connection.execute(_view(table, files))
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"SET allowed_directories = [{_quoted(str(folder))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _view(table: Table, files: list[str]) -> str:
    columns = ", ".join(
        f'CAST("{column.name}" AS {_SQL_TYPES[column.type]}) AS "{column.name}"'
        if files
        else f'CAST(NULL AS {_SQL_TYPES[column.type]}) AS "{column.name}"'
        for column in table.columns
    )
    quoted = ", ".join(_quoted(file) for file in files)
    source = f"FROM read_parquet([{quoted}])" if files else "WHERE false"
    return f'CREATE VIEW "{table.name}" AS SELECT {columns} {source}'


def query(tape: Tape, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SELECT (or WITH, FROM, DESCRIBE, SHOW, …).

    Raises
    ------
    UndertowError
        In one line, when the statement is wrong or does anything but select.
    """
    try:
        with connect(tape) as connection:
            statements = connection.extract_statements(statement)
            if [item.type for item in statements] != [duckdb.StatementType.SELECT]:
                raise UndertowError("SQL: expected one SELECT, and nothing that writes")
            result = connection.execute(statements[0])
            for name, kind, *_ in result.description:
                if str(kind) == "TIMESTAMP WITH TIME ZONE":
                    raise UndertowError(f"SQL: '{name}' has a time zone: cast it to TIMESTAMP")
            return [column[0] for column in result.description], result.fetchall()
    except duckdb.Error as error:
        raise UndertowError(f"SQL: {_in_one_line(str(error))}") from None


def _in_one_line(message: str) -> str:
    """DuckDB's own words without its drawing of the place; an unknown table gets our names."""
    words, _, place = message.partition("\n\n")
    if unknown := _UNKNOWN_TABLE.search(words):
        return f"no table '{unknown[1]}'{nearest(unknown[1], TABLES)}"
    line = place.partition("\n")[0].partition(": ")[2].strip()
    return " ".join(words.split()) + (f" in: {line}" if line else "")


def json_rows(names: list[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Each row as an object of plain JSON values.

    Raises
    ------
    UndertowError
        When two columns have one name: an object would lose one of them.
    """
    for name in names:
        if names.count(name) > 1:
            raise UndertowError(f"SQL: two columns are named '{name}': name them apart with AS")
    return [dict(zip(names, [json_value(value) for value in row], strict=True)) for row in rows]


def json_value(value: Any) -> Any:
    """A value as JSON can carry it.

    Times are ISO-8601 UTC, decimals numbers, infinity and NaN null, what JSON has no word for
    is text.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(json_value(key)): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return value.hex() if isinstance(value, bytes) else str(value)
