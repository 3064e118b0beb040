"""What is new in rows that a tape may already hold: a key tells of one thing, once."""

from __future__ import annotations

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import time_text
from undertow.model.schema import Table
from undertow.tape.store import Tape


def without_known_rows(table: Table, rows: pl.DataFrame, tape: Tape) -> pl.DataFrame:
    """The rows that the tape does not hold yet, each key once, in their order.

    Raises
    ------
    DataError
        When a row has the key of another one, stored or among ``rows``, and other values.
    """
    key = list(table.key)
    once = rows.unique(subset=key, keep="first", maintain_order=True)
    if once.height < rows.height:
        _refuse_contradictions(table, rows, once, "has two rows", "and")
    if once.is_empty() or not tape.has(table.name):
        return once
    times_ns = once["ts"].cast(pl.Int64)
    stored = tape.slice(times_ns[0], times_ns[-1] + 1).table(table.name).collect()
    _refuse_contradictions(table, once, stored, "already holds another row", "stored:")
    return once.join(stored, on=key, how="anti", nulls_equal=True, maintain_order="left")


def _refuse_contradictions(
    table: Table, rows: pl.DataFrame, others: pl.DataFrame, problem: str, link: str
) -> None:
    """Compare the rows with those of ``others`` that have the same key."""
    key = list(table.key)
    values = [name for name in table.column_names if name not in key]
    if not values:
        return
    pairs = rows.join(others, on=key, how="inner", nulls_equal=True, suffix="_other")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_other")) for name in values)
    wrong = pairs.filter(differs).head(1)
    if wrong.is_empty():
        return
    row = wrong.row(0, named=True)
    named = ", ".join(f"{name} {row[name]}" for name in key if name != "ts")
    difference = ", ".join(
        f"{name} {row[name]} ({link} {row[name + '_other']})"
        for name in values
        if row[name] != row[f"{name}_other"]
    )
    moment = time_text(int(wrong["ts"].cast(pl.Int64)[0]))
    raise DataError(f"table '{table.name}' {problem} for {moment}, {named}: {difference}")
