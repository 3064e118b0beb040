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
        For a column the table does not have, one that it must have, an empty required value, a
        value of another type, or an ``interval`` that is no usual length of a bar.
    """
    unknown = [name for name in frame.columns if name not in table.column_names]
    if unknown:
        hint = nearest(unknown[0], table.column_names)
        raise DataError(f"table '{table.name}' has no column '{unknown[0]}'{hint}")
    columns = []
    for column in table.columns:
        if column.name in frame.columns:
            columns.append(_cast(frame[column.name], column, table))
        elif column.required:
            raise DataError(f"table '{table.name}' needs a column '{column.name}'")
        else:
            absent = pl.repeat(None, frame.height, dtype=column_type(column), eager=True)
            columns.append(absent.alias(column.name))
    result = pl.DataFrame(columns)
    for column in table.columns:
        if column.required and result[column.name].null_count():
            raise DataError(f"table '{table.name}': empty values in '{column.name}'")
    if "interval" in table.column_names:
        _check_intervals(table, result["interval"])
    return result if result["ts"].is_sorted() else result.sort("ts", maintain_order=True)


def _cast(values: pl.Series, column: Column, table: Table) -> pl.Series:
    if column.type == "time" and isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_zone is None:
            values = values.dt.replace_time_zone("UTC")
        else:
            values = values.dt.convert_time_zone("UTC")
    try:
        return values.cast(column_type(column))
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"table '{table.name}', column '{column.name}': {reason}") from None


def _check_intervals(table: Table, values: pl.Series) -> None:
    """A length that nobody knows would let a bar be seen before its end."""
    for name in values.unique().drop_nulls().cast(pl.String):
        if name not in BAR_INTERVALS:
            raise DataError(
                f"table '{table.name}', column 'interval', value {name!r}:"
                f" expected one of {', '.join(BAR_INTERVALS)}"
            )


def is_known_at_once(table: Table) -> bool:
    """Whether every row of the table is known at its ``ts``."""
    return "interval" not in table.column_names and table.name != "events"


def known(table: Table) -> pl.Expr:
    """The moment from which a row of the table may be known.

    An event that is dated to the day may have come at its end: before that it is not shown.
    """
    if table.name == "events":
        lengths_s = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
        length_s = pl.col("precision").cast(pl.String).replace_strict(lengths_s, default=86_400)
        return pl.col("ts") + pl.duration(seconds=length_s)
    return pl.col("ts") if is_known_at_once(table) else known_at()


def known_at() -> pl.Expr:
    """The moment from which a row may be known: ``ts``, or the end of its ``interval``."""
    length_ns = pl.col("interval").map_batches(
        _lengths_ns, return_dtype=pl.Int64, is_elementwise=True
    )
    return pl.col("ts") + length_ns.cast(pl.Duration("ns"))


def _lengths_ns(intervals: pl.Series) -> pl.Series:
    """Nanoseconds of each interval, 0 where there is none; each distinct one is read once."""
    distinct = intervals.cast(pl.Categorical).unique().drop_nulls()
    lengths_ns = [duration_ns(name) for name in distinct.cast(pl.String)]
    codes = intervals.cast(pl.Categorical).to_physical()
    return codes.replace_strict(
        distinct.to_physical(),
        pl.Series(lengths_ns, dtype=pl.Int64),
        default=0,
        return_dtype=pl.Int64,
    )
