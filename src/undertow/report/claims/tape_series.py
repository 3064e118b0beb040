"""What the tape itself has of a disputed quantity, as a line beside the reported dots."""

from __future__ import annotations

import polars as pl

from undertow.claims.reconcile import Group
from undertow.errors import NotRecorded
from undertow.measures import bars, flows, liquidations
from undertow.measures.as_of import DAY_NS, HOUR_NS, Span
from undertow.model.periods import duration_ns, interval_name
from undertow.report import charts
from undertow.tape import Tape
from undertow.tape.frames import TIME

Line = tuple[str, list[str], list[float | None]]
_MOST_POINTS = 800  # more cannot be seen on a screen
_STEPS = ("5m", "15m", "30m", "1h", "4h", "1d")


def measured(tape: Tape | None, group: Group, aspect: str, unit: str, span: Span) -> Line | None:
    """The tape's own line of a quantity, or None where it has none.

    Parameters
    ----------
    aspect, unit
        Which strand of the group.
    span
        Start and end (ns UTC) of the picture.

    Returns
    -------
    tuple
        Name of the line, times (UTC) and values (in ``unit``).
    """
    if tape is None:
        return None
    try:
        if group.family == "price" and unit == "USD":
            return _prices(tape, group.subject, span)
        if group.family == "liquidations" and unit == "USD" and group.subject in ("ALL", ""):
            return _liquidations(tape, aspect, span)
        if group.family == "etf flow" and unit == "USD":
            return _flows(tape, group.subject, span)
    except NotRecorded:
        return None
    return None


def _prices(tape: Tape, asset: str, span: Span) -> Line | None:
    found = bars.bars(tape, start=span[0], at=span[1], kinds=("perp", "spot"))
    found = found.filter(pl.col("asset").cast(pl.String).str.to_uppercase() == asset.upper())
    found = found.drop_nulls("close")
    if found.is_empty():
        return None
    key = found.group_by("venue", "symbol").len().sort("len", "venue", "symbol").row(-1, named=True)
    own = found.filter(pl.col("venue") == key["venue"], pl.col("symbol") == key["symbol"])
    step = _step(span)
    # Lows are what is disputed, so thinning must not lose them.
    thin = own.sort("ts").group_by(pl.col("ts").dt.truncate(step), maintain_order=True)
    low = thin.agg(pl.col("low").min())
    name = f"{key['venue']} {key['symbol']}, low of each {step}"
    return name, charts.times(low["ts"]), charts.numbers(low["low"], 9)


def _step(span: Span) -> str:
    return next((s for s in _STEPS if (span[1] - span[0]) / duration_ns(s) <= _MOST_POINTS), "1d")


def _liquidations(tape: Tape, aspect: str, span: Span) -> Line | None:
    length = span[1] - span[0]
    step = "1h" if length > 2 * DAY_NS else "5m"
    hours = max(length // HOUR_NS, 1)
    by = () if aspect == "both" else ("side",)
    found = liquidations.rolling(
        tape, at=span[1], window="24h", step=step, span=interval_name(length) or f"{hours}h", by=by
    )
    if by:
        found = found.filter(pl.col("side").cast(pl.String) == aspect)
    if found.is_empty():
        return None
    return "measured on the tape", charts.times(found["ts"]), charts.numbers(found["usd"])


def _flows(tape: Tape, asset: str, span: Span) -> Line | None:
    days = flows.etf_by_day(tape, at=span[1], asset=asset)
    when = days["date"].cast(TIME)
    shown = days.filter(when.cast(pl.Int64) >= span[0] - DAY_NS)
    if shown.is_empty():
        return None
    dates = shown["date"].dt.strftime("%Y-%m-%d 12:00:00").to_list()
    return "funds on the tape, by day", dates, charts.numbers(shown["usd"])
