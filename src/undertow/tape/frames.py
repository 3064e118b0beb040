"""Between the schema's words and polars frames."""

from __future__ import annotations

import polars as pl

from undertow.errors import DataError, nearest
from undertow.model.periods import BAR_INTERVALS, duration_ns
from undertow.model.schema import TABLES, Column, Table

TIME = pl.Datetime("ns", "UTC")
Frames = dict[str, pl.DataFrame]

_TYPES: dict[str, pl.DataType] = {
    "time": TIME,
    "category": pl.Categorical(),
    "text": pl.String(),
    "float": pl.Float64(),
    "int": pl.Int64(),
}


def table_named(name: str) -> Table:
    """The table of that name; an unknown one is refused with the nearest valid name."""
    if name not in TABLES:
        raise DataError(f"no table '{name}'{nearest(name, TABLES)}")
    return TABLES[name]


def column_type(column: Column) -> pl.DataType:
    """The polars type of a column."""
    return _TYPES[column.type]


def schema_of(table: Table) -> pl.Schema:
    """The polars schema of a table."""
    return pl.Schema({column.name: column_type(column) for column in table.columns})


def empty(table: Table) -> pl.DataFrame:
    """A frame without rows."""
    return pl.DataFrame(schema=schema_of(table))


def conform(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the table's columns and types, in time order.

    Missing optional columns become empty; equal times keep their order.

    Raises
    ------
    DataError
        For a column the table does not have, one that it must have, or an empty required value.
    """
    unknown = [name for name in frame.columns if name not in table.column_names]
    if unknown:
        hint = nearest(unknown[0], table.column_names)
        raise DataError(f"table '{table.name}' has no column '{unknown[0]}'{hint}")
    columns = []
    for column in table.columns:
        if column.name in frame.columns:
            columns.append(_cast(frame[column.name], column))
        elif column.required:
            raise DataError(f"table '{table.name}' needs a column '{column.name}'")
        else:
            values = pl.Series(column.name, [None] * frame.height, dtype=column_type(column))
            columns.append(values)
    result = pl.DataFrame(columns)
    for column in table.columns:
        if column.required and result[column.name].null_count():
            raise DataError(f"table '{table.name}': empty values in '{column.name}'")
    return result if result["ts"].is_sorted() else result.sort("ts", maintain_order=True)


def _cast(values: pl.Series, column: Column) -> pl.Series:
    if column.type == "time" and isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_zone is None:
            values = values.dt.replace_time_zone("UTC")
        else:
            values = values.dt.convert_time_zone("UTC")
    return values.cast(column_type(column))


def known_at() -> pl.Expr:
    """The moment from which a row may be known: ``ts``, or the end of its ``interval``."""
    lengths = {name: duration_ns(name) for name in BAR_INTERVALS}
    length_ns = (
        pl.col("interval")
        .cast(pl.String)
        .replace_strict(lengths, default=0, return_dtype=pl.Int64)
        .fill_null(0)
    )
    return pl.col("ts") + length_ns.cast(pl.Duration("ns"))
