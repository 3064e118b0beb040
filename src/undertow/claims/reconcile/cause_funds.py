"""Flows of exchange-traded funds on a tape: of the days of a move, and what went with such days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from undertow.claims.reconcile.cause_moves import Move
from undertow.errors import NotRecorded
from undertow.measures import flows
from undertow.measures.as_of import DAY_NS
from undertow.measures.impact import Interval
from undertow.measures.price import daily_closes
from undertow.model.assets import VenueKind
from undertow.model.periods import SECOND_NS, time_ns
from undertow.tape import Tape

_FEWEST_DAYS = 60
_Z = 1.96  # 95 %, two-sided
_KINDS: tuple[VenueKind, ...] = ("perp", "spot", "index")


class FundFlow(NamedTuple):
    """Net dollars into all funds of a coin, and the days."""

    usd: float
    span: tuple[int, int]


class Beside(NamedTuple):
    """What return went with a dollar of flow, in percent, with its standard error."""

    slope: float
    error: float
    days: int

    def percent(self, usd: float) -> Interval:
        """What went with a flow of this size, with its 95 % interval."""
        ends = sorted(usd * (self.slope + sign * _Z * self.error) for sign in (-1, 1))
        return Interval(ends[0], usd * self.slope, ends[1])


def flow_on_tape(move: Move, tape: Tape) -> FundFlow | None:
    """What the funds of a coin took in over the days of a move; None where the tape has none."""
    try:
        days = flows.etf_by_day(tape, at=move.end_ns + 3 * DAY_NS, asset=move.coin)
    except NotRecorded:
        return None
    first, last = _day(move.start_ns), _day(move.end_ns - 1)
    inside = days.drop_nulls("usd").filter(pl.col("date").is_between(first, last)).sort("date")
    if inside.is_empty():
        return None
    start, end = inside["date"][0], inside["date"][-1] + timedelta(days=1)
    span = (time_ns(start.isoformat()), time_ns(end.isoformat()))
    return FundFlow(float(inside["usd"].sum()), span)


def beside(move: Move, tape: Tape) -> Beside | None:
    """The return of days by their flow, over the days before the move.

    Least squares of the day's return (close to close, UTC) on its flow, with a constant; the
    error is that of the line's slope. No impact: news moves both, and holders follow the price.
    None with fewer than 60 days.
    """
    try:
        flow = flows.etf_by_day(tape, at=move.start_ns, asset=move.coin)
        closes = daily_closes(tape, at=move.start_ns, kinds=_KINDS)
    except NotRecorded:
        return None
    mine = closes.filter(pl.col("asset") == move.coin)
    if mine.is_empty():
        return None
    longest = mine.group_by("venue", "symbol").len().sort("len", "venue", "symbol").row(-1)
    price = mine.filter(venue=longest[0], symbol=longest[1]).sort("date")
    change = price.with_columns(before=pl.col("close").shift(1), day_before=pl.col("date").shift(1))
    change = change.filter(pl.col("date") - pl.col("day_before") == timedelta(days=1))
    both = flow.join(change, on="date").drop_nulls(["usd", "close", "before"])
    x = both["usd"].to_numpy()
    y = 100 * (both["close"].to_numpy() / both["before"].to_numpy() - 1)
    if len(x) < _FEWEST_DAYS or np.ptp(x) == 0:
        return None
    x_moved, y_moved = x - x.mean(), y - y.mean()
    slope = float(x_moved @ y_moved / (x_moved @ x_moved))
    rest = y_moved - slope * x_moved
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (x_moved @ x_moved)))
    return Beside(slope, error, len(x))


def _day(moment_ns: int) -> date:
    return datetime.fromtimestamp(moment_ns / SECOND_NS, UTC).date()
