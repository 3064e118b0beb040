"""What followed days like this one: an event study, with "no evidence" as a full answer."""

from __future__ import annotations

import polars as pl

from undertow.measures import event_study
from undertow.measures.event_study import Bounce, Source
from undertow.report import charts
from undertow.report.figures import Figure, format_percent
from undertow.report.page import Panel
from undertow.report.pulse.view import Part, View, missing_panel

AFTER = "72h"
_HEAVY = {
    "liquidations": "days with heavy long liquidations",
    "open_interest": "days with a sharp fall of open interest",
    "price_fall": "days with a sharp fall of the price",
}
_FOUND = {
    "no evidence": "no evidence that prices rise after them",
    "too few events": "too few such days to tell",
    "bounce": "prices rose more after them than at other times",
    "further fall": "prices fell further after them than at other times",
}


def section(view: View) -> Part:
    """Do heavy days precede bounces? The first source that the tape records answers."""
    part = Part()
    history = _longest_history(view)
    if history is None:
        part.panels.append(
            missing_panel(
                "What followed such days", "hourly prices of BTC: not recorded on this tape"
            )
        )
        return part
    answers = [found for source in event_study.SOURCES if (found := _ask(view, source, history))]
    if not answers:
        part.panels.append(
            missing_panel("What followed such days", "prices of BTC: not recorded on this tape")
        )
        return part
    # The first source with enough events answers; else the first that is recorded says so.
    found = next((a for a in answers if a.verdict != "too few events"), answers[0])
    part.figures.append(_figure(found))
    if found.verdict != "too few events":
        _chart(view, part, found)
    return part


def _ask(view: View, source: Source, history: tuple[str, str]) -> Bounce | None:
    venue, symbol = history
    found, _ = view.attempt(
        event_study.bounce, source=source, symbol=symbol, venue=venue, after=AFTER
    )
    return found


def _longest_history(view: View) -> tuple[str, str] | None:
    """The market of bitcoin whose hourly or finer bars reach back furthest."""
    candles = view.tape.until(view.at_ns).candles.filter(
        pl.col("symbol").cast(pl.String).str.starts_with("BTC"),
        ~pl.col("interval").cast(pl.String).is_in(["1d", "3d", "1w"]),
    )
    found = (
        candles.group_by(pl.col("venue", "symbol").cast(pl.String))
        .agg(pl.col("ts").min())
        .sort("ts", "venue", "symbol")
        .collect()
    )
    return None if found.is_empty() else (found["venue"][0], found["symbol"][0])


def _figure(found: Bounce) -> Figure:
    definition = (
        f"mean log return over {AFTER} after {_HEAVY[found.source]} (worst tenth, none within"
        f" {AFTER} of another), less that of random times of the same weekday and hour; 95 %"
        " interval by bootstrap"
    )
    sentence = (
        f"History: {found.events} {_HEAVY[found.source]} of {found.symbol} on"
        f" {found.venue}: {_FOUND[found.verdict]}"
    )
    if found.difference is not None and found.low is not None and found.high is not None:
        sentence += (
            f" ({format_percent(found.difference)} over {AFTER} against other times;"
            f" 95 % interval {format_percent(found.low)} to"
            f" {format_percent(found.high)})"
        )
    return Figure(
        "history.bounce",
        "After days like this",
        found.verdict,
        "text",
        definition,
        None,
        AFTER,
        f"{found.venue} {found.symbol}",
        note=sentence + ".",
    )


def _chart(view: View, part: Part, found: Bounce) -> None:
    path = event_study.mean_path(
        view.tape,
        list(found.times_ns),
        symbol=found.symbol,
        venue=found.venue,
        before="24h",
        after=AFTER,
        at=view.at_ns,
    )
    part.charts["precedents"] = charts.band(
        path["hours"],
        (path["mean"], path["low"], path["high"]),
        (path["control_mean"], path["control_low"], path["control_high"]),
        "heavy days",
    )
    part.panels.append(
        Panel(
            title="Before and after such days",
            chart="precedents",
            caption=f"Mean log return around {found.events} {_HEAVY[found.source]}"
            f" ({found.symbol} on {found.venue}), with 95 % bands; grey: random times of the same"
            " weekday and hour. Hour 0 is the end of the day.",
        )
    )
