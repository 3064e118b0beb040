"""What was closed by force: rolling totals beside the reported ones, by asset, venue and side."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from undertow.lab.feeds import feed_of
from undertow.measures.as_of import is_exact
from undertow.measures.published import published
from undertow.model.periods import SECOND_NS
from undertow.report.crash import traces
from undertow.report.crash.view import Part, View
from undertow.report.figures import format_time, format_usd, format_value
from undertow.report.page import Panel

# A bootstrap over fewer minutes says nothing.
FEWEST = 5


def section(view: View) -> Part:
    """Charts and tables of forced closings."""
    part = Part()
    if not view.tapes.closed.height:
        part.panels.append(Panel(title="Forced closings", missing="Nothing was closed by force."))
        return part
    _rolling(view, part)
    for name, title, attribute in (
        ("by_asset", "By asset", "by_asset"), ("by_venue", "By venue", "by_venue"),
        ("by_side", "By side", "by_side"),
    ):  # fmt: skip
        _split(view, part, name, title, attribute)
    _accounts(view, part)
    _largest(view, part)
    return part


def shown_section(view: View) -> Part:
    """What public feeds would have shown of it."""
    part = Part()
    shares = view.summary.shown_by_intensity
    if not shares:
        part.panels.append(Panel(title="Shown and true", missing="Nothing was closed by force."))
        return part
    labels = [one.label for one in shares]
    value = [one.share for one in shares]
    drawing = traces.bars("shown over true", labels, value, "@c1") | {
        "error_y": {
            "type": "data", "symmetric": False, "color": "@ink",
            "array": [(one.high - one.share) * (one.minutes >= FEWEST) for one in shares],
            "arrayminus": [(one.share - one.low) * (one.minutes >= FEWEST) for one in shares],
        }
    }  # fmt: skip
    layout = {
        "yaxis": {"tickformat": ".0%", "range": [0, 1.05]}, "hovermode": "closest",
        "xaxis": {"type": "category", "title": {"text": f"single closings {view.in_a_minute}"}},
    }  # fmt: skip
    part.chart(
        "shown_share", traces.spec([drawing], layout), title="Shown over true, by intensity",
        caption="In dollars, all venues together; bars: 95 % interval, a bootstrap over the"
        " minutes. It holds which minutes came, not what the model gets wrong.",
    )  # fmt: skip
    _shown_through_time(view, part)
    part.panels += [_shown_table(view), _feeds(view)]
    return part


def _rolling(view: View, part: Part) -> None:
    days = view.tapes.rolling_day(view.tapes.closed)
    x = traces.clocks(days["ns"])
    data = [
        traces.line("true", x, days["usd"], "@c2", dash="dot"),
        traces.line("shown", x, view.days["usd"], "@c1", width=2.2),
    ]
    bands = view.day_bands
    if bands.height:
        data[:0] = traces.band(
            f"shown, {len(view.others) + 1} runs, 10 to 90 %", traces.clocks(bands["ns"]),
            bands["low"], bands["middle"], bands["high"], "@c7",
        )  # fmt: skip
    data += _reported(view, "ALL", "@ink")
    part.chart(
        "rolling", traces.usd_chart(data), size="tall", wide=True,
        title="Closed by force in the last 24 hours, beside what was reported",
        caption="Trackers add up public feeds: compare the dots with the line of what was shown."
        " In its first 24 hours the run's sum has only what the run has.",
    )  # fmt: skip
    data = []
    for asset, colour in (("BTC", "@c5"), ("ETH", "@c4"), ("SOL", "@c3")):
        rows = view.tapes.let_through.filter(pl.col("asset") == asset)
        if rows.height:
            own = view.tapes.rolling_day(rows)
            data.append(traces.line(f"{asset}, shown", traces.clocks(own["ns"]), own["usd"],
                                    colour))  # fmt: skip
            data += _reported(view, asset, colour)
    if data:
        part.chart("rolling_assets", traces.usd_chart(data), wide=True,
                   title="The same by asset", caption="Dots: reported.")  # fmt: skip


def _reported(view: View, asset: str, colour: str) -> list[traces.Spec]:
    """Reported 24-hour totals of an asset whose time is known to two hours, as dots."""
    event = view.run.about.get("event")
    if not event:
        return []
    figures = published(event=event, metric="liquidations", usable=True).filter(
        pl.col("asset") == asset, pl.col("side") == "both", pl.col("venue") == "all",
        pl.col("window") == "24h", pl.col("unit") == "USD", pl.col("value").is_not_null(),
    )  # fmt: skip
    rows = figures.with_columns(pl.col("as_of_start", "as_of_end").cast(pl.Int64))
    kept = [row for row in rows.iter_rows(named=True)
            if is_exact((row["as_of_start"], row["as_of_end"]))]  # fmt: skip
    if not kept:
        return []
    middle = [_middle(row["as_of_start"], row["as_of_end"]) for row in kept]
    texts = [f"{row['publisher']}, as of {row['as_of']} ({row['id']})" for row in kept]
    name = "reported" if asset == "ALL" else f"{asset}, reported"
    return [traces.dots(name, traces.clocks(middle), [row["value"] for row in kept], texts,
                        colour)]  # fmt: skip


def _middle(start_ns: int, end_ns: int) -> int:
    """A moment is told as its minute: then it is the minute's start."""
    return start_ns if end_ns - start_ns <= 60 * SECOND_NS else (start_ns + end_ns) // 2


def _split(view: View, part: Part, name: str, title: str, attribute: str) -> None:
    data = []
    for label, closings, colour in (
        ("true", view.summary.true, "@c2"), ("shown", view.summary.shown, "@c1"),
    ):  # fmt: skip
        sums: dict[str, float] = getattr(closings, attribute)
        data.append(traces.bars(label, list(sums), list(sums.values()), colour))
    if attribute == "by_asset" and view.spread:
        data[-1]["error_y"] = _over_runs(view, list(view.summary.shown.by_asset))
    layout = {"xaxis": {"type": "category"}, "barmode": "group", "hovermode": "closest"}
    part.chart(name, traces.usd_chart(data, **layout), title=title, size="short",
               caption="Whole run." + (" Lines: 10 to 90 % of the runs."
                                       if "error_y" in data[-1] else ""))  # fmt: skip


def _over_runs(view: View, assets: Sequence[str]) -> traces.Spec:
    sums = view.summary.shown.by_asset
    spread = [view.spread.get(f"{asset}: liquidated, shown") for asset in assets]
    pairs = list(zip(assets, spread, strict=True))
    return {
        "type": "data", "symmetric": False, "color": "@ink",
        "array": [0.0 if q is None else max(0.0, q.high - sums[a]) for a, q in pairs],
        "arrayminus": [0.0 if q is None else max(0.0, sums[a] - q.low) for a, q in pairs],
    }  # fmt: skip


def _largest(view: View, part: Part) -> None:
    rows = [
        [format_usd(one.usd), one.symbol, one.venue, one.side, f"{one.price:,.6g}",
         format_time(one.at_ns), one.stage]
        for one in view.summary.largest[:10]
    ]  # fmt: skip
    part.panels.append(
        Panel(
            title="The largest single closings", rows=rows, numeric=(0, 4, 5), wide=True,
            columns=["value", "symbol", "venue", "side", "price", "when", "how"],
            caption="All that one account lost in one symbol at one moment, at the closing price."
            " takeover: the venue took the position at its bankruptcy price; partial: the order"
            f" found too few buyers. {_reported_largest(view)}",
        )
    )  # fmt: skip


def _reported_largest(view: View) -> str:
    event = view.run.about.get("event")
    if not event:
        return ""
    rows = published(event=event, metric="liq_largest_order", usable=True).filter(
        pl.col("unit") == "USD", pl.col("value").is_not_null()
    )
    told = [
        f"{format_usd(row['value'])} ({row['asset']}, {row['venue'] or 'no venue said'},"
        f" {row['publisher']})"
        for row in rows.sort("value", descending=True).head(3).iter_rows(named=True)
    ]
    return f"Reported: {'; '.join(told)}." if told else ""


def _accounts(view: View, part: Part) -> None:
    rows = view.tapes.table("accounts").drop_nulls("liquidated")
    if not rows.height:
        return
    every = 3600 * SECOND_NS
    hours = rows.with_columns(ns=pl.col("ns") // every * every)
    data = []
    for number, venue in enumerate(sorted(hours["venue"].unique())):
        ours = hours.filter(pl.col("venue") == venue)
        sums = ours.group_by("ns").agg(pl.col("liquidated").sum()).sort("ns")
        data.append(traces.bars(venue, traces.clocks(sums["ns"]), sums["liquidated"],
                                traces.COLOURS[number % 7]))  # fmt: skip
    whole = view.summary.accounts
    part.chart(
        "accounts", traces.spec(data, {"barmode": "stack"}), size="short",
        title="Accounts liquidated, by hour and venue",
        caption=("" if whole is None else f"{whole:,} different accounts in all. ")
        + "An account counts once in each interval of the record. The accounts of a run are a"
        " sample whose sizes hold the open interest: their number cannot be held against reported"
        " ones.",
    )  # fmt: skip


def _shown_through_time(view: View, part: Part) -> None:
    data = []
    for name, rows, colour in (
        ("true", view.tapes.closed, "@c2"), ("shown", view.tapes.let_through, "@c1"),
    ):  # fmt: skip
        ordered = rows.sort("ns")
        every = 900 * SECOND_NS
        sums = ordered.group_by(pl.col("ns") // every * every, maintain_order=True).agg(
            pl.col("usd").sum()
        )
        data.append(traces.line(name, traces.clocks(sums["ns"] + every), sums["usd"].cum_sum(),
                                colour, shape="hv"))  # fmt: skip
    part.chart("shown_sums", traces.usd_chart(data), title="Closed since the start, by 15 minutes",
               caption="The gap is what no feed shows.")  # fmt: skip


def _shown_table(view: View) -> Panel:
    overall = view.summary.shown_share
    shares = [*([overall] if overall else []), *view.summary.shown_by_intensity]
    rows = [
        [one.label, f"{one.minutes:,}", format_usd(one.true_usd), format_usd(one.shown_usd),
         format_value(one.share, "share"),
         "too few" if one.minutes < FEWEST
         else f"{format_value(one.low, 'share')} to {format_value(one.high, 'share')}"]
        for one in shares
    ]  # fmt: skip
    step_s = view.scenario.step_ns / SECOND_NS
    coarse = (
        f" Steps are {step_s:g} s long: closings of a step are taken as spread over it, so that a"
        " feed of one order a second shows more than of bursts. Take these shares as upper bounds."
        if step_s > 1 else ""
    )  # fmt: skip
    return Panel(
        title="Shown over true", rows=rows, numeric=(1, 2, 3, 4, 5), wide=True,
        columns=[f"closings {view.in_a_minute}", "of them", "true", "shown", "share",
                 "95 % interval"],
        caption=f"All venues together.{coarse}",
    )  # fmt: skip


def _feeds(view: View) -> Panel:
    """What each venue's public feed lets through, and who says so."""
    rows = []
    for venue in view.scenario.venues:
        feed = feed_of(venue.rules, view.scenario.start_ns)
        lets = "all" if feed.per_s is None else f"{feed.per_s} a second and symbol"
        rows.append([venue.id, lets, "assumed" if feed.assumed else "", feed.source])
    return Panel(title="What each feed lets through", rows=rows, wide=True,
                 columns=["venue", "orders", "", "by"])  # fmt: skip
