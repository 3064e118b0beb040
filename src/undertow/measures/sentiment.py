"""The Crypto Fear & Greed index: its value at a moment, its band, its change.

Table: ``sentiment``. A value is true from its ``ts`` on, until the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures.bars import moment_ns
from undertow.model.periods import duration_ns, time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

# Lowest value of each band, as alternative.me's page shows them (0-25, 26-46, 47-54, 55-75,
# 76-100); how the index itself is normalised is not published.
BANDS = (
    (76.0, "Extreme Greed"),
    (55.0, "Greed"),
    (47.0, "Neutral"),
    (26.0, "Fear"),
    (0.0, "Extreme Fear"),
)


@dataclass(frozen=True)
class Mood:
    """A published index.

    Attributes
    ----------
    value
        Index points, 0 (fear) to 100 (greed).
    band
        Name of the band that the value is in.
    published_ns
        When it was published, ns since 1970 UTC.
    day_change, week_change
        Index points since the value that stood 24 hours, 7 days before ``at``; None where none
        was recorded.
    """

    value: float
    band: str
    published_ns: int
    day_change: float | None
    week_change: float | None


def band(value: float) -> str:
    """Name of the Fear & Greed band of a value.

    Examples
    --------
    >>> [band(value) for value in (21, 26, 47, 60, 76)]
    ['Extreme Fear', 'Fear', 'Neutral', 'Greed', 'Extreme Greed']
    """
    return next(name for lowest, name in BANDS if value >= lowest)


def fear_greed(tape: Tape, *, at: Moment | None = None, max_age: str = "2d") -> Mood:
    """The Fear & Greed index that stood at a moment.

    Raises
    ------
    NotRecorded
        When no value at most ``max_age`` old was known.
    """
    at_ns = moment_ns(tape, at)
    now = _value(tape, at_ns, max_age)
    if now is None:
        raise NotRecorded(f"Fear & Greed at {time_text(at_ns)}, at most {max_age} old")
    value, published_ns = now
    before = [_value(tape, at_ns - duration_ns(length), max_age) for length in ("1d", "7d")]
    changes = [None if old is None else value - old[0] for old in before]
    return Mood(value, band(value), published_ns, changes[0], changes[1])


def _value(tape: Tape, at_ns: int, max_age: str) -> tuple[float, int] | None:
    rows = (
        tape.until(at_ns)
        .slice(at_ns - duration_ns(max_age))
        .table("sentiment")
        .filter(pl.col("index").cast(pl.String) == "fear_greed")
        .select("value", pl.col("ts").cast(pl.Int64))
        .collect()
        .sort("ts")
    )
    return None if rows.is_empty() else (float(rows["value"][-1]), int(rows["ts"][-1]))
