"""Order, duplicates and gaps, judged for each series of a file on its own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import duration_ns, interval_name, time_text
from undertow.tape.importers.columns import drop_where
from undertow.tape.importers.content import ROW
from undertow.tape.importers.reading import BadRows

SERIES = ("venue", "symbol")


def in_order(
    frame: pl.DataFrame, bad: BadRows, *, series: Sequence[str] = SERIES, strictly: bool = True
) -> pl.DataFrame:
    """Drop rows whose time goes back within their series; ``strictly``: or repeats.

    Parameters
    ----------
    strictly
        False where several rows of one series may share a time (trades).
    """
    ts = pl.col("ts")
    latest = ts.cum_max().shift(1).over(series) if series else ts.cum_max().shift(1)
    frame = drop_where(frame, ts < latest, "ts", bad, "time goes back: expected rising times")
    if strictly:
        frame = drop_where(frame, ts == latest, "ts", bad, "duplicate row: this time was there")
    return frame


def without_duplicates(frame: pl.DataFrame, key: Sequence[str], bad: BadRows) -> pl.DataFrame:
    """Drop rows that repeat the key of an earlier one."""
    repeats = ~pl.struct(key).is_first_distinct()
    return drop_where(frame, repeats, key[0], bad, f"duplicate row: same {', '.join(key)}")


def find_interval(frame: pl.DataFrame, said: str | None, bad: BadRows) -> tuple[str, int]:
    """The length of the bars: as said, else the commonest spacing in the file.

    Returns
    -------
    tuple
        Its name (``5m``) and nanoseconds.

    Raises
    ------
    DataError
        When there is too little to tell, or the spacing is no usual length of a bar.
    """
    if said is not None:
        return said, duration_ns(said)
    steps_ns = frame.select(
        pl.col("ts").cast(pl.Int64).diff().over(SERIES).drop_nulls().mode()
    ).to_series()
    if steps_ns.is_empty():
        raise DataError("too few rows to tell the length of a bar: add --interval", file=bad.file)
    length_ns = int(steps_ns.sort()[0])
    name = interval_name(length_ns)
    if name is None:
        raise DataError(
            f"rows are {length_ns / 1e9:g} s apart, no usual length of a bar: add --interval",
            file=bad.file,
        )
    return name, length_ns


def on_grid(frame: pl.DataFrame, interval: tuple[str, int], bad: BadRows) -> pl.DataFrame:
    """Drop rows closer to the one before than a bar is long."""
    name, length_ns = interval
    step_ns = pl.col("ts").cast(pl.Int64).diff().over(SERIES)
    off = step_ns % length_ns != 0
    return drop_where(frame, off, "ts", bad, f"not a multiple of {name} after the row before")


def gaps(frame: pl.DataFrame, length_ns: int, *, series: Sequence[str] = SERIES) -> list[str]:
    """One line per series with missing bars: how many, and the first hole."""
    before = pl.col("ts").shift(1).over(series)
    step_ns = (pl.col("ts") - before).cast(pl.Int64)
    missing = step_ns // length_ns - 1
    holes = (
        frame.with_columns(missing.alias("_missing"), before.alias("_before"))
        .filter(pl.col("_missing") > 0)
        .group_by(series, maintain_order=True)
        .agg(
            pl.col("_missing").sum(),
            pl.len().alias("_holes"),
            pl.col("_before").first().cast(pl.Int64),
        )
    )
    return [
        f"{' '.join(str(row[name]) for name in series)}: {row['_missing']} rows missing in"
        f" {row['_holes']} gaps, the first after {time_text(row['_before'])}"
        for row in holes.iter_rows(named=True)
    ]


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the line numbers."""
    return frame.drop(ROW)
