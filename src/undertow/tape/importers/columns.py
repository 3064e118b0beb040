"""Columns of a file under our names, and their values as numbers and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from undertow.errors import DataError, nearest
from undertow.tape.frames import TIME
from undertow.tape.importers.content import ROW
from undertow.tape.importers.reading import BadRows, Options

# Names under which files carry the columns that most of them have.
TIME_NAMES = ("timestamp", "ts", "time", "date", "datetime", "open_time", "t")
SYMBOL_NAMES = ("symbol", "coin", "ticker", "pair", "market")
VENUE_NAMES = ("venue", "exchange")

# Units of whole-number times, by size: anything between 2001 and 2100 falls in one of these.
_UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_FIRST_S, _LAST_S = 978_307_200, 4_102_444_800
_NEITHER = (pl.Binary, pl.Boolean, pl.Duration, pl.Object, pl.Time)
_YEARS = "between 1970 and 2100"
_UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def has(frame: pl.DataFrame, *names: str) -> bool:
    """Whether the file has all these columns; case does not matter."""
    return {name.lower() for name in names} <= {name.strip().lower() for name in frame.columns}


def pick(
    frame: pl.DataFrame,
    wanted: Mapping[str, Sequence[str]],
    options: Options,
    path: Path,
    optional: Sequence[str] = (),
    bad: BadRows | None = None,
) -> pl.DataFrame:
    """The wanted columns under our names, and ``_row``.

    Parameters
    ----------
    wanted
        Our name to the names that files give it, the likeliest first; case does not matter.
        ``--map`` comes before these.
    optional
        Those of ours that a file may lack.
    bad
        Learns the file's own names, so that messages about rows use them.

    Raises
    ------
    DataError
        When a column is missing, with the nearest name that the file has; when it holds what
        is no number, time or text.
    """
    mapping = _our_names(options.mapping, wanted)
    theirs = {name.strip().lower(): name for name in frame.columns if name != ROW}
    heads = [name.strip().lower() for name in frame.columns]
    found: dict[str, str] = {}
    for ours, names in wanted.items():
        mapped = mapping.get(ours)
        if mapped is not None and mapped not in frame.columns:
            hint = nearest(mapped, theirs.values())
            raise DataError(f"--map {ours}={mapped}: no such column{hint}", file=path)
        name = mapped or next((theirs[n.lower()] for n in names if n.lower() in theirs), None)
        if name is not None:
            if mapped is None and heads.count(name.strip().lower()) > 1:
                raise DataError(
                    "two columns of that name, but for capitals: expected one",
                    file=path, row=1, column=name,
                )  # fmt: skip
            found[ours] = name
        elif ours not in optional:
            raise DataError(
                f"expected a column '{names[0]}'{nearest(names[0], theirs.values())};"
                f" or say which with --map {ours}=NAME",
                file=path,
                row=1,
                column=names[0],
            )
    if frame.is_empty():
        raise DataError("the file has no rows", file=path)
    for name in found.values():
        kind = frame.schema[name]
        if kind.is_nested() or kind in _NEITHER:
            raise DataError(
                f"a column of {kind}: expected numbers, times or text", file=path, column=name
            )
    if bad is not None:
        bad.names.update({ours: name.strip() for ours, name in found.items()})
    return frame.select(ROW, *[pl.col(name).alias(ours) for ours, name in found.items()])


def _our_names(mapping: Mapping[str, str], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """``--map`` by our names; ``timestamp=when`` is as good as ``ts=when``."""
    found = {}
    for said, theirs in mapping.items():
        ours = next((o for o, names in wanted.items() if said == o or said in names), None)
        if ours is None:
            raise DataError(f"--map: no column '{said}' here{nearest(said, wanted)}")
        found[ours] = theirs
    return found


def drop_where(
    frame: pl.DataFrame, is_bad: pl.Expr, column: str, bad: BadRows, message: str
) -> pl.DataFrame:
    """The frame without its bad rows; each goes through ``bad``, the first in the file first."""
    wrong = frame.filter(is_bad.fill_null(False)).select(ROW, column)
    if wrong.is_empty():
        return frame
    if wrong.dtypes[1].is_temporal():  # as text: Python knows no year before 1 or after 9999
        form = "%Y-%m-%d" if wrong.dtypes[1] == pl.Date else "%Y-%m-%dT%H:%M:%S%.fZ"
        value = pl.col(column)
        usual = pl.when(value.dt.year().is_between(1, 9999)).then(value)
        odd = value.to_physical().cast(pl.String)
        wrong = wrong.with_columns(usual.dt.strftime(form).fill_null(odd))
    for row, value in wrong.sort(ROW).iter_rows():
        bad.drop(row, column, value, message)
    return frame.filter(~is_bad.fill_null(False))


def words(frame: pl.DataFrame, names: Sequence[str], bad: BadRows) -> pl.DataFrame:
    """The columns as text without spaces around it; rows with an empty one are dropped."""
    for name in names:
        text = pl.col(name).cast(pl.String).str.strip_chars()
        is_empty = text.is_null() | (text == "")
        frame = drop_where(frame, is_empty, name, bad, "empty: expected text")
        frame = frame.with_columns(text.alias(name))
    return frame


def numbers(
    frame: pl.DataFrame, names: Sequence[str], bad: BadRows, *, optional: bool = False
) -> pl.DataFrame:
    """The columns as finite floats; empty values are allowed in ``optional`` ones."""
    for name in names:
        if name not in frame.columns:
            continue
        text = frame.schema[name] == pl.String
        value = pl.col(name).str.strip_chars() if text else pl.col(name)
        number = value.cast(pl.Float64, strict=False)
        clean = frame.select(number).to_series()
        if not clean.null_count() and clean.is_finite().all():  # the usual case, looked at once
            frame = frame.with_columns(clean)
            continue
        is_empty = value.is_null() | (value == "") if text else value.is_null()
        wrong = ~is_empty & (number.is_null() | ~number.is_finite().fill_null(False))
        if not optional:
            wrong = wrong | is_empty
        expected = "expected a number" + (" or nothing" if optional else "")
        frame = drop_where(frame, wrong, name, bad, expected)
        frame = frame.with_columns(number.alias(name))
    return frame


def positive(
    frame: pl.DataFrame, names: Sequence[str], bad: BadRows, *, zero: bool = False
) -> pl.DataFrame:
    """Drop rows where a number is below zero, or zero unless ``zero`` is allowed."""
    for name in names:
        if name in frame.columns:
            wrong = pl.col(name) < 0 if zero else pl.col(name) <= 0
            expected = "expected 0 or more" if zero else "expected more than 0"
            frame = drop_where(frame, wrong, name, bad, expected)
    return frame


def times(
    frame: pl.DataFrame, bad: BadRows, *, units: Sequence[str] = ("ms",), name: str = "ts"
) -> pl.DataFrame:
    """The column as times in UTC.

    Whole numbers must be in one of ``units`` (``s``, ``ms``, ``us``, ``ns``): seconds where
    milliseconds belong are refused, not repaired. Text may also be ISO-8601; without a zone it
    is UTC.
    """
    kind = frame.schema[name]
    if isinstance(kind, pl.Datetime) or kind == pl.Date:
        is_odd = ~pl.col(name).dt.year().is_between(1970, 2099).fill_null(False)
        frame = drop_where(frame, is_odd, name, bad, f"expected a time {_YEARS}")
        zone = kind.time_zone if isinstance(kind, pl.Datetime) else None
        times = frame[name].cast(pl.Datetime("ns", zone))
        in_utc = times.dt.convert_time_zone if zone else times.dt.replace_time_zone
        return frame.with_columns(in_utc("UTC"))
    text = pl.col(name).cast(pl.String).str.strip_chars()
    whole = text.cast(pl.Int64, strict=False)
    clean = _in_one_unit(frame.select(whole).to_series(), units)
    if clean is not None:
        return frame.with_columns(clean)
    frame = drop_where(frame, text.is_null() | (text == ""), name, bad, "expected a time")
    frame = _refuse_units(frame, whole, name, units, bad)
    whole_ns = pl.coalesce(
        pl.when(_in_unit(whole, unit)).then(whole * _UNIT_NS[unit]) for unit in units
    )
    # Parsing text is slow: do so only where there is any.
    parsed_ns = whole_ns
    if frame.select(whole.is_null().any()).item():
        parsed_ns = pl.coalesce(whole_ns, _iso_ns(text))
    frame = frame.with_columns(parsed_ns.cast(TIME).alias("_parsed"))
    frame = drop_where(
        frame, pl.col("_parsed").is_null(), name, bad,
        f"expected a time: whole {_UNIT_WORDS[units[0]]} or ISO-8601, {_YEARS}",
    )  # fmt: skip
    return frame.drop(name).rename({"_parsed": name})


def _in_one_unit(whole: pl.Series, units: Sequence[str]) -> pl.Series | None:
    """The times of a column that holds one unit throughout, as most do; None for others."""
    low, high = whole.min(), whole.max()
    if whole.null_count() or not isinstance(low, int) or not isinstance(high, int):
        return None
    for unit in units:
        scale = 1_000_000_000 // _UNIT_NS[unit]
        if _FIRST_S * scale <= low and high < _LAST_S * scale:
            return (whole * _UNIT_NS[unit]).cast(TIME)
    return None


def _in_unit(whole: pl.Expr, unit: str) -> pl.Expr:
    scale = 1_000_000_000 // _UNIT_NS[unit]
    return whole.is_between(_FIRST_S * scale, _LAST_S * scale, closed="left")


def _refuse_units(
    frame: pl.DataFrame, whole: pl.Expr, name: str, units: Sequence[str], bad: BadRows
) -> pl.DataFrame:
    expected = " or ".join(_UNIT_WORDS[unit] for unit in units)
    for unit, word in _UNIT_WORDS.items():
        if unit not in units:
            message = f"these are {word}: expected {expected} since 1970"
            frame = drop_where(frame, _in_unit(whole, unit), name, bad, message)
    return frame


def _iso_ns(text: pl.Expr) -> pl.Expr:
    """ISO-8601 text as nanoseconds; with an offset, without one, or a date alone.

    Seconds may be missing, with and without an offset.

    Years that nanoseconds cannot hold are left out first: parsing would turn them into others.
    """
    text = pl.when(text.str.contains(r"^(19[7-9]\d|20\d\d)-")).then(text)
    text = text.str.replace(r"^(\S{10}[T ]\d\d:\d\d)(Z|[+-]\d\d:?\d\d)?$", "${1}:00${2}")
    zoned = text.str.to_datetime("%+", time_unit="ns", time_zone="UTC", strict=False)
    spaced = text.str.replace(" ", "T").str.to_datetime(
        "%+", time_unit="ns", time_zone="UTC", strict=False
    )
    naive = [
        text.str.to_datetime(form, time_unit="ns", strict=False)
        for form in ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
    ]
    day = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ns"))
    return pl.coalesce(
        zoned.cast(pl.Int64),
        spaced.cast(pl.Int64),
        *[form.cast(pl.Int64) for form in (*naive, day)],
    )
