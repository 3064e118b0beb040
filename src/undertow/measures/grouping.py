"""Totals by category and the largest rows, for tables of many million rows.

A category column is a row of small codes. The codes of several columns make one number, and
``numpy.bincount`` adds up by number: one pass over memory, without hashing. Rows are taken in
blocks that fit the processor's cache. What does not fit that scheme is left to polars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

BLOCK_ROWS = 1 << 16
# Two arrays of this many numbers, 64 MB together, are the most that dense totals may take.
MAX_CELLS = 1 << 22
# Codes beyond it could overflow the number that stands for a combination.
MAX_CODE = 1 << 40

Codes = npt.NDArray[np.integer]


@dataclass(frozen=True)
class _Key:
    """A column as codes from ``low`` to ``low + size - 1``."""

    column: pl.Series
    codes: Codes
    low: int
    size: int


def group_totals(
    frame: pl.DataFrame, by: Sequence[str], value: str = "usd", size: str | None = None
) -> pl.DataFrame:
    """Sum of a value and number of rows for each combination of keys that occurs.

    The same as ``frame.group_by(by).agg(pl.col(value).sum(), pl.len())``, up to the order of
    the rows, which is not defined, and the rounding of the sum (1e-12 of it).

    Parameters
    ----------
    by
        Columns of categories or whole numbers; none gives the total of all rows. An empty key
        is a group of its own.
    value
        A column of floats; empty values count as a row of 0.
    size
        A column of whole numbers from 1: how many each row stands for; empty is 1. None: every
        row stands for one.

    Returns
    -------
    polars.DataFrame
        The columns of ``by`` as they were, ``value`` (sum) and ``count``.
    """
    if size is not None and frame[size].null_count() == frame.height:
        size = None
    number = pl.len() if size is None else pl.col(size).fill_null(1).sum()
    count = number.cast(pl.Int64).alias("count")
    if not by:
        return frame.select(pl.col(value).sum(), count)
    keys = [_key(frame[name]) for name in by] if frame.height else []
    cells = int(np.prod([key.size for key in keys], dtype=np.float64))
    fits = cells <= min(MAX_CELLS, 2 * frame.height + BLOCK_ROWS)
    if not keys or not fits or max(abs(key.low) for key in keys) > MAX_CODE:
        return frame.group_by(by).agg(pl.col(value).sum(), count)
    values = frame[value].fill_null(0.0).to_numpy()
    each = None if size is None else frame[size].fill_null(1).to_numpy()
    sums, counts = _dense(keys, values, each, cells)
    occurring = np.flatnonzero(counts)
    codes = np.unravel_index(occurring, [key.size for key in keys])
    columns = [
        key.column.gather(_a_row_of_each(key)[code]) for key, code in zip(keys, codes, strict=True)
    ]
    return pl.DataFrame(
        [*columns, pl.Series(value, sums[occurring]), pl.Series("count", counts[occurring])]
    )


def period_totals(
    frame: pl.DataFrame,
    step_ns: int,
    by: Sequence[str],
    *,
    origin_ns: int = 0,
    value: str = "usd",
    size: str | None = None,
) -> pl.DataFrame:
    """``group_totals`` for each period of ``step_ns``; periods are counted from ``origin_ns``.

    Returns
    -------
    polars.DataFrame
        ``period`` (whole number: the period starts at origin + period x step), the columns of
        ``by``, ``value`` and ``count``.
    """
    period = pl.Series("period", _periods(frame["ts"], origin_ns, step_ns))
    with_period = frame.with_columns(period)
    return group_totals(with_period, ["period", *by], value, size)


def _periods(ts: pl.Series, origin_ns: int, step_ns: int) -> npt.NDArray[np.int64]:
    """Number of the period of each row; in time order only the borders are looked for."""
    times_ns = ts.to_physical().to_numpy()
    span_ns = int(times_ns[-1] - times_ns[0]) if len(times_ns) else 0
    if span_ns // step_ns >= len(times_ns) or not ts.is_sorted():
        return np.asarray((times_ns - origin_ns) // step_ns, dtype=np.int64)
    first, last = (int(times_ns[row] - origin_ns) // step_ns for row in (0, -1))
    periods = np.arange(first, last + 1)
    borders = np.searchsorted(times_ns, origin_ns + step_ns * periods[1:])
    return np.repeat(periods, np.diff(borders, prepend=0, append=len(times_ns)))


def rolling_totals(
    cells: pl.DataFrame, by: Sequence[str], width: int, moments: int, value: str = "usd"
) -> pl.DataFrame:
    """Sums of ``width`` neighbouring periods, one moment after another.

    Parameters
    ----------
    cells
        As ``period_totals`` gives them, with periods from 0 to ``width + moments - 2``; periods
        without rows may be absent.

    Returns
    -------
    polars.DataFrame
        ``moment`` (0: periods 0 to width - 1), the columns of ``by``, ``value`` and ``count``;
        every group of ``cells`` at every moment.
    """
    periods = pl.DataFrame({"period": np.arange(width + moments - 1)})
    groups = cells.select(by).unique() if by else None
    dense = periods if groups is None else periods.join(groups, how="cross")
    filled = dense.join(cells, on=["period", *by], how="left").with_columns(
        pl.col(value, "count").fill_null(0)
    )
    sums = [pl.col(name).rolling_sum(width) for name in (value, "count")]
    sums = [column.over(by, order_by="period") if by else column for column in sums]
    moment = (pl.col("period") - (width - 1)).alias("moment")
    return (
        filled.sort("period")
        .select(moment, *by, *sums)
        .filter(pl.col("moment") >= 0)
        # A running sum of floats leaves dust behind where nothing is left to sum.
        .with_columns(pl.when(pl.col("count") > 0).then(value).otherwise(0.0).alias(value))
    )


def _key(column: pl.Series) -> _Key:
    physical = column.to_physical()
    if physical.null_count():
        physical = physical.cast(pl.Int64)
        empty = int(physical.max() or 0) + 1  # type: ignore[arg-type]
        physical = physical.fill_null(empty)
    codes = physical.to_numpy()
    low = int(codes.min())
    return _Key(column, codes, low, int(codes.max()) - low + 1)


def _dense(
    keys: Sequence[_Key],
    values: npt.NDArray[np.float64],
    each: npt.NDArray[np.int64] | None,
    cells: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sums and counts in a cell for every combination of codes, occurring or not."""
    sums = np.zeros(cells)
    counts = np.zeros(cells, dtype=np.int64)
    lowest = 0
    for key in keys:
        lowest = lowest * key.size + key.low
    block = max(BLOCK_ROWS, cells)  # adding a block's cells must not outweigh its rows
    buffer = np.empty(min(block, len(values)), dtype=np.int64)
    for start in range(0, len(values), block):
        rows = slice(start, start + block)
        cell = buffer[: len(values[rows])]
        cell[:] = keys[0].codes[rows]
        for key in keys[1:]:
            cell *= key.size
            cell += key.codes[rows]
        cell -= lowest
        sums += np.bincount(cell, values[rows], cells)
        number = np.bincount(cell, None if each is None else each[rows], cells)
        counts += number.astype(np.int64, copy=False)
    return sums, counts


def _a_row_of_each(key: _Key) -> npt.NDArray[np.int64]:
    """For each code some row that has it: the way back from a code to its category."""
    row_of = np.full(key.size, -1, dtype=np.int64)
    for start in range(0, len(key.codes), BLOCK_ROWS):
        codes = key.codes[start : start + BLOCK_ROWS].astype(np.int64) - key.low
        row_of[codes] = np.arange(start, start + len(codes))
        if row_of.min() >= 0:
            break
    return row_of


def largest_rows(values: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Rows of the largest values, largest first; of equal values the earlier row first.

    The maxima of blocks come first: the ``count``-th largest of them is a floor that no wanted
    value is under, so that only few blocks are looked at again. NaN is not allowed.
    """
    block = 4096
    whole = len(values) // block
    if whole <= count:
        candidates = np.arange(len(values))
    else:
        maxima = values[: whole * block].reshape(whole, block).max(axis=1)
        floor = np.partition(maxima, whole - count)[whole - count]
        blocks = np.flatnonzero(maxima >= floor)
        rows = (blocks[:, None] * block + np.arange(block)).ravel()
        rows = np.append(rows, np.arange(whole * block, len(values)))
        candidates = rows[values[rows] >= floor]
    order = np.lexsort((candidates, -values[candidates]))
    return candidates[order[:count]]
