"""The library of published figures: what was reported about past crashes, and by whom.

598 figures of 26 events, each with its source and with the verdict of reconciliation. A figure is
what somebody printed, not what happened: ``usable=True`` leaves out what was found wrong.

The data are in ``data/published``; ``PROVENANCE.md`` there says where they come from.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from undertow.errors import DataError, UndertowError, nearest
from undertow.measures.as_of import as_of_span
from undertow.tape.frames import TIME

FOLDER = Path(__file__).parent.parent / "data" / "published"
QUALIFIERS = ("=", ">", "<", "~", "near", "<=", ">=")
VERDICTS = (
    "consistent", "explained", "contradicted", "unsupported", "forecast", "cannot be checked",
)  # fmt: skip
FIGURES: dict[str, pl.DataType] = {
    "id": pl.String(),
    "event": pl.String(),
    "metric": pl.String(),
    "qualifier": pl.String(),
    "value": pl.Float64(),
    "value_low": pl.Float64(),
    "value_high": pl.Float64(),
    "value_text": pl.String(),
    "unit": pl.String(),
    "asset": pl.String(),
    "side": pl.String(),
    "venue": pl.String(),
    "window": pl.String(),
    "as_of": pl.String(),
    "as_of_inferred": pl.Boolean(),
    "publisher": pl.String(),
    "secondary": pl.Boolean(),
    "note": pl.String(),
    "source_url": pl.String(),
}
JUDGED: dict[str, pl.DataType] = {
    "id": pl.String(),
    "verdict": pl.String(),
    "usable": pl.Boolean(),
    "reason": pl.String(),
}
# What a figure really counts, where its metric, asset and unit do not say so.
COUNTED: dict[str, pl.DataType] = {
    "id": pl.String(),
    "counted": pl.String(),
    "reason": pl.String(),
}
_ALWAYS = ("id", "event", "metric", "qualifier", "unit", "asset", "side", "as_of", "publisher")


def published(
    event: str | None = None,
    metric: str | None = None,
    asset: str | None = None,
    *,
    side: str | None = None,
    venue: str | None = None,
    unit: str | None = None,
    verdict: str | None = None,
    usable: bool | None = None,
) -> pl.DataFrame:
    """Published figures, narrowed down to what is asked for.

    Parameters
    ----------
    event
        Name of an event (``events`` lists them) or a day that belongs to one.
    metric, asset, side, venue, unit, verdict
        That one, by the library's own names; ``asset="ALL"`` is the whole market.
    usable
        True leaves out figures that reconciliation found wrong, False keeps only those.

    Returns
    -------
    polars.DataFrame
        The columns of ``FIGURES`` (values in base units of ``unit``: dollars, coins, percent; falls
        and outflows negative), ``as_of_start`` and ``as_of_end`` (the stretch of time that
        ``as_of`` leaves open, UTC), ``verdict``, ``usable`` and ``reason``, and ``counted``: what
        the figure really counts where its metric does not say so, else null; by id.

    Raises
    ------
    UndertowError
        For a name that no figure has, with the nearest one.
    DataError
        When the data that came with the package were damaged, with file and row.
    """
    found = _figures()
    if event is not None:
        found = found.filter(pl.col("event") == event_named(event))
    asked = {"metric": metric, "asset": asset, "side": side, "venue": venue, "unit": unit}
    for name, wanted in asked.items():
        if wanted is not None:
            valid = _figures()[name].drop_nulls().unique().to_list()
            found = found.filter(pl.col(name) == _known(name, wanted, valid))
    if verdict is not None:
        found = found.filter(pl.col("verdict") == _known("verdict", verdict, VERDICTS))
    return found if usable is None else found.filter(pl.col("usable") == usable)


def events() -> pl.DataFrame:
    """The events that figures were collected for.

    Returns
    -------
    polars.DataFrame
        ``event``, ``start`` and ``end`` (first and last day), ``figures`` (how many); by day.
    """
    counts = _figures().group_by("event").len("figures").with_columns(pl.col("figures").cast(int))
    days = [event_days(name) for name in counts["event"]]
    return counts.with_columns(
        pl.Series("start", [first for first, _ in days], pl.Date),
        pl.Series("end", [last for _, last in days], pl.Date),
    ).select("event", "start", "end", "figures").sort("start", "event")  # fmt: skip


def event_named(name: str) -> str:
    """The event of that name, or the one that the day belongs to.

    Raises
    ------
    UndertowError
        When there is none.
    """
    names: list[str] = _figures()["event"].unique().to_list()
    if name in names:
        return name
    if re.fullmatch(r"\d{4}-\d\d-\d\d", name):
        for candidate in names:
            first, last = event_days(candidate)
            if first.isoformat() <= name <= last.isoformat():
                return candidate
    raise UndertowError(f"event {name!r}: no published figures{nearest(name, names)}")


def event_days(event: str) -> tuple[date, date]:
    """First and last day of an event: ``2025-11-03/04`` is the third and the fourth."""
    first, _, last = event.partition("/")
    start = date.fromisoformat(first)
    return start, date.fromisoformat(first[: len(first) - len(last)] + last) if last else start


def timeline(event: str) -> pl.DataFrame:
    """What happened when, as published: points of one event in the order they were listed.

    Returns
    -------
    polars.DataFrame
        ``start`` and ``end`` (UTC; equal for a moment), ``printed`` (the time as printed),
        ``what``, ``source``.

    Raises
    ------
    UndertowError
        When there is no such event, or no timeline of it.
    """
    name = event_named(event)
    found = _timelines().filter(pl.col("event") == name).drop("event")
    if found.is_empty():
        others = _timelines()["event"].unique().to_list()
        raise UndertowError(f"event {event!r}: no timeline{nearest(name, others)}")
    return found


@cache
def _figures() -> pl.DataFrame:
    figures = read_figures(FOLDER / "figures.csv")
    judged = _read(FOLDER / "verdicts.csv", JUDGED)
    counted = _read(FOLDER / "counted.csv", COUNTED).drop("reason")
    for known in (judged, counted):
        figures = figures.join(known, on="id", how="left", maintain_order="left")
    return figures.with_columns(pl.col("usable").fill_null(value=True))


@cache
def _timelines() -> pl.DataFrame:
    columns = ("event", "start", "end", "printed", "what", "source")
    found = _read(FOLDER / "timelines.csv", dict.fromkeys(columns, pl.String()))
    times = pl.col("start", "end").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ns")
    return found.with_columns(times.dt.replace_time_zone("UTC").cast(TIME))


def read_figures(path: Path) -> pl.DataFrame:
    """A file of figures, each row checked.

    Raises
    ------
    DataError
        For a missing file, a missing column, a value that is not a number, an unknown qualifier,
        an id that occurs twice, a figure without a value, or a date that is none; with the row.
    """
    found = _read(path, FIGURES)
    seen: set[str] = set()
    spans = []
    for row, figure in enumerate(found.iter_rows(named=True), 2):
        _check(figure, path, row, seen)
        seen.add(figure["id"])
        spans.append(as_of_span(figure["as_of"]))
        if spans[-1] is None:
            raise DataError("expected a date: 2025-11-04", file=path, row=row, column="as_of",
                            value=figure["as_of"])  # fmt: skip
    ends = [[span[end] if span else None for span in spans] for end in (0, 1)]
    return found.with_columns(
        pl.Series("as_of_start", ends[0], pl.Int64).cast(TIME),
        pl.Series("as_of_end", ends[1], pl.Int64).cast(TIME),
    )


def _check(figure: dict[str, Any], path: Path, row: int, seen: set[str]) -> None:
    for name in _ALWAYS:
        if figure[name] is None:
            raise DataError("expected a value", file=path, row=row, column=name)
    if figure["id"] in seen:
        raise DataError("this id occurs twice", file=path, row=row, column="id", value=figure["id"])
    if figure["qualifier"] not in QUALIFIERS:
        expected = ", ".join(QUALIFIERS)
        raise DataError(f"expected one of {expected}", file=path, row=row, column="qualifier",
                        value=figure["qualifier"])  # fmt: skip
    if all(figure[name] is None for name in ("value", "value_low", "value_text")):
        raise DataError("expected value, value_low or value_text", file=path, row=row)


def _read(path: Path, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    if not path.is_file():
        raise DataError("no such file; it comes with the package", file=path)
    try:
        found = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"not a CSV file: {str(error).splitlines()[0]}", file=path) from error
    if found.columns != list(columns):
        raise DataError(f"expected the columns {', '.join(columns)}", file=path, row=1)
    for name, kind in columns.items():
        typed = _typed(found[name], kind)
        bad = (typed.is_null() & found[name].is_not_null()).arg_true()
        if len(bad):
            raise DataError(f"expected {kind}", file=path, row=int(bad[0]) + 2, column=name,
                            value=found[name][int(bad[0])])  # fmt: skip
        found = found.with_columns(typed.alias(name))
    return found


def _typed(column: pl.Series, kind: pl.DataType) -> pl.Series:
    if kind == pl.Boolean():
        return column.replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    return column.cast(kind, strict=False)


def _known(name: str, wanted: str, valid: list[str] | tuple[str, ...]) -> str:
    """The library's own spelling: capitals make no difference where only one name fits."""
    if wanted in valid:
        return wanted
    alike = [one for one in valid if one.casefold() == wanted.casefold()]
    if len(alike) != 1:
        raise UndertowError(
            f"{name} {wanted!r}: no published figure has it{nearest(wanted, valid)}"
        )
    return alike[0]
