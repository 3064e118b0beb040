"""Order, duplicates and gaps, judged for each series of a file on its own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from undertow.errors import DataError
from undertow.model.periods import BAR_INTERVALS, SECOND_NS, duration_ns, interval_name, time_text
from undertow.tape.importers.columns import drop_where
from undertow.tape.importers.content import ROW
from undertow.tape.importers.reading import BadRows

SERIES = ("venue", "symbol")
_MINUTE_NS = 60 * SECOND_NS
# Hours between settlements, from ``with_spacing``; no venue settles more rarely than once a day.
HOURS = pl.when(pl.col("_spacing_ns") <= 86_400 * SECOND_NS).then(
    pl.col("_spacing_ns") / (3_600 * SECOND_NS)
)


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
    if strictly:
        repeats = ~pl.struct(*series, "ts").is_first_distinct()
        frame = drop_where(frame, repeats, "ts", bad, "duplicate row: expected each time once")
    latest = ts.cum_max().shift(1).over(series) if series else ts.cum_max().shift(1)
    return drop_where(frame, ts < latest, "ts", bad, "time goes back: expected rising times")


def without_duplicates(frame: pl.DataFrame, key: Sequence[str], bad: BadRows) -> pl.DataFrame:
    """Drop rows that repeat the key of an earlier one."""
    repeats = ~pl.struct(key).is_first_distinct()
    message = f"duplicate row: expected each {', '.join(key)} once"
    return drop_where(frame, repeats, key[0], bad, message)


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
        return _usual(duration_ns(said), f"--interval {said}", bad)
    steps_ns = frame.select(
        pl.col("ts").cast(pl.Int64).diff().over(SERIES).drop_nulls().mode()
    ).to_series()
    if steps_ns.is_empty():
        raise DataError("too few rows to tell the length of a bar: add --interval", file=bad.file)
    length_ns = int(steps_ns.sort()[0])
    return _usual(length_ns, f"rows are {length_ns / 1e9:g} s apart", bad)


def _usual(length_ns: int, message: str, bad: BadRows) -> tuple[str, int]:
    """Only the usual lengths: the tape must know by a bar's name when it ended."""
    name = interval_name(length_ns)
    if name is None:
        raise DataError(
            f"{message}: no usual length of a bar; expected --interval {', '.join(BAR_INTERVALS)}",
            file=bad.file,
        )
    return name, length_ns


def on_grid(frame: pl.DataFrame, interval: tuple[str, int], bad: BadRows) -> pl.DataFrame:
    """Drop rows that are not whole bars away from most others of their series."""
    name, length_ns = interval
    phase_ns = pl.col("ts").cast(pl.Int64) % length_ns
    usual_ns = phase_ns.mode().min().over(SERIES)
    message = f"between two bars: expected whole steps of {name}"
    return drop_where(frame, phase_ns != usual_ns, "ts", bad, message)


def with_spacing(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with ``_spacing_ns``: how far apart the rows of its series are, where regular.

    Regular is a series of at least three rows whose steps, to the minute, are multiples of the
    commonest one, and at least 95 % of them that one itself. For others it is empty. The minute
    allows for clocks: venues settle some thousandths of a second after the hour.
    """
    step_ns = (pl.col("ts").cast(pl.Int64).diff() + _MINUTE_NS // 2) // _MINUTE_NS * _MINUTE_NS
    usual_ns = step_ns.drop_nulls().mode().min()
    is_regular = (
        (pl.len() >= 3)
        & (usual_ns > 0)
        & (step_ns % usual_ns == 0).all()
        & ((step_ns == usual_ns).mean() >= 0.95)
    )
    spacings = frame.group_by(SERIES).agg(pl.when(is_regular).then(usual_ns).alias("_spacing_ns"))
    return frame.join(spacings, on=SERIES, how="left", maintain_order="left")


def spaced_gaps(frame: pl.DataFrame) -> list[str]:
    """As ``gaps``, for series that each have their own ``_spacing_ns``."""
    frame = frame.with_columns(pl.col("ts").dt.round("1m"))
    lengths_ns = frame["_spacing_ns"].drop_nulls().unique().sort().to_list()
    return [
        line
        for length_ns in lengths_ns
        for line in gaps(frame.filter(pl.col("_spacing_ns") == length_ns), length_ns)
    ]


def breaks(frame: pl.DataFrame, days: int, *, series: Sequence[str] = SERIES) -> list[str]:
    """One line per series with rows more than ``days`` apart, where weekends are no gaps."""
    before = pl.col("ts").shift(1).over(series)
    holes = (
        frame.with_columns(before.alias("_before"))
        .filter(pl.col("ts") - pl.col("_before") > pl.duration(days=days))
        .group_by(series, maintain_order=True)
        .agg(pl.len().alias("_holes"), pl.col("_before").first().cast(pl.Int64))
    )
    return [
        f"{' '.join(str(row[name]) for name in series)}: {row['_holes']} breaks of more than"
        f" {days} days, the first after {time_text(row['_before'])}"
        for row in holes.iter_rows(named=True)
    ]


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
