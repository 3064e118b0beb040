"""Price and forced closings by minute, with what happened when; how far each asset fell."""

from __future__ import annotations

import polars as pl

from undertow.measures.published import timeline
from undertow.model.periods import SECOND_NS
from undertow.report.crash import traces
from undertow.report.crash.view import Part, View
from undertow.report.figures import format_percent, format_time, format_usd, format_value
from undertow.report.page import EventLine, Panel


def section(view: View) -> Part:
    """Charts of prices and closings, and a table of falls."""
    part = Part()
    _by_minute(view, part)
    _all_assets(view, part)
    _table(view, part)
    return part


def _by_minute(view: View, part: Part) -> None:
    asset, tapes = view.leader, view.tapes
    path = tapes.path(asset)
    price = traces.line(f"{asset}, mark", traces.clocks(path["ns"]), path["close"], "@ink")
    data = [price | {"hovertemplate": "%{y:$,.6~r}"}]
    bands = view.price_bands(asset)
    if bands.height:
        data[:0] = traces.band(
            f"{asset}, {len(view.others) + 1} runs, 10 to 90 %", traces.clocks(bands["ns"]),
            bands["low"], bands["middle"], bands["high"], "@c1",
        )  # fmt: skip
    sides = tapes.binned(tapes.closed, "side")
    for side, colour in (("long", "@down"), ("short", "@up")):
        rows = sides.filter(pl.col("side") == side)
        if rows.height:
            data.append(
                traces.bars(f"{side}s closed", traces.clocks(rows["ns"]), rows["usd"], colour,
                            yaxis="y2", width=tapes.bin_ns / 1e6)
            )  # fmt: skip
    events = _events(view)
    shapes, labels = traces.marks_at([(number, at) for number, at, *_ in events])
    layout = {
        "yaxis": {"domain": [0.42, 1], "tickformat": ",.6~r"}, "barmode": "stack",
        "yaxis2": {**traces.USD_AXIS, "domain": [0, 0.36], "anchor": "x"},
        "xaxis": {"anchor": "y2"}, "shapes": shapes, "annotations": labels,
    }  # fmt: skip
    part.chart(
        "minutes", traces.spec(data, layout),
        title=f"{asset} and what was closed by force, by {view.minutes}", size="tall", wide=True,
        caption=f"All assets' closings, true ones. {_bins(view)}"
        + ("Numbers are the events above." if events else ""),
        events=[
            EventLine(number, format_time(at), title, source, traces.clocks([at])[0])
            for number, at, title, source in events
        ],
    )  # fmt: skip


def _bins(view: View) -> str:
    step_s = view.scenario.step_ns / SECOND_NS
    if step_s <= 60:
        return ""
    return f"The run has steps of {step_s:g} s, less in fast candles: nothing finer can be told. "


def _events(view: View) -> list[tuple[int, int, str, str]]:
    """Number, moment, words and source: the run's own events, with the timeline's words."""
    rows = view.tapes.table("events").sort("ns", "title")
    found = []
    for number, (at, title, source) in enumerate(rows.select("ns", "title", "source").rows(), 1):
        found.append((number, at, _words(view, at, title), source))
    return found


def _words(view: View, at_ns: int, title: str) -> str:
    """An event's name; with what a timeline says of that very second, if anything."""
    name = title.replace("-", " ")
    event = view.run.about.get("event")
    if not event:
        return name
    points = timeline(event).filter(pl.col("start").cast(pl.Int64) == at_ns)
    return f"{name}: {points['what'][0]}" if points.height else name


def _all_assets(view: View, part: Part) -> None:
    data = []
    for number, fall in enumerate(view.summary.falls[:7]):
        path = view.tapes.path(fall.asset)
        data.append(
            traces.line(fall.asset, traces.clocks(path["ns"]), path["close"] / fall.start - 1,
                        traces.COLOURS[number])
        )  # fmt: skip
    part.chart(
        "assets", traces.spec(data, {"yaxis": {"tickformat": ".2~%"}}),
        title="All assets, against the run's first price", wide=True,
        caption="Medians of the venues' marks." + (
            " Their index follows the real path, which the run was given."
            if view.summary.path == "real" else " The trading itself made the prices."),
    )  # fmt: skip


def _table(view: View, part: Part) -> None:
    rows = []
    for fall in view.summary.falls:
        half = fall.half_recovery_s
        rows.append([
            fall.asset, format_usd(fall.start), format_usd(fall.low), format_time(fall.low_ns),
            format_percent(-fall.fall),
            "" if fall.rebound is None else format_value(fall.rebound, "share"),
            "not within the run" if half is None else f"{half / 3600:.1f} h",
        ])  # fmt: skip
    part.panels.append(
        Panel(
            title="How far, and how much came back", rows=rows, wide=True,
            numeric=(1, 2, 3, 4, 5, 6),
            columns=["asset", "start", "low", "when", "fall", "made good by the end",
                     "half recovery after"],
        )
    )  # fmt: skip
