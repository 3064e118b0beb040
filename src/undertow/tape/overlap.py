"""What is new in rows that a tape may already hold."""

from __future__ import annotations

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import time_text
from undertow.model.schema import Table
from undertow.tape.store import Tape


def without_known_rows(table: Table, rows: pl.DataFrame, tape: Tape) -> pl.DataFrame:
    """The rows that the tape does not hold yet, in their order.

    Raises
    ------
    DataError
        When a row has the key of a stored one and other values.
    """
    if rows.is_empty() or not tape.has(table.name):
        return rows
    times_ns = rows["ts"].cast(pl.Int64)
    stored = tape.slice(times_ns[0], times_ns[-1] + 1).table(table.name).collect()
    key = list(table.key)
    clash = rows.join(stored, on=key, how="inner", nulls_equal=True, suffix="_stored")
    others = [name for name in table.column_names if name not in key]
    if others:
        differs = pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in others
        )
        wrong = clash.filter(differs).head(1)
        if wrong.height:
            row = wrong.row(0, named=True)
            named = ", ".join(f"{name} {row[name]}" for name in key if name != "ts")
            values = ", ".join(
                f"{name} {row[name]} (stored: {row[name + '_stored']})"
                for name in others
                if row[name] != row[f"{name}_stored"]
            )
            raise DataError(
                f"table '{table.name}' already holds another row for"
                f" {time_text(int(wrong['ts'].cast(pl.Int64)[0]))}, {named}: {values}"
            )
    return rows.join(stored, on=key, how="anti", nulls_equal=True, maintain_order="left")
