"""Depth through time, gaps between venues, open interest, funding, insurance funds and ADL."""

from __future__ import annotations

import polars as pl

from undertow.lab.summary import GIVEN
from undertow.lab.summary_market import BANDS, depth_path, funding_rows, interest_path
from undertow.lab.summary_tapes import MINUTE_NS
from undertow.report.crash import traces
from undertow.report.crash.view import Part, View
from undertow.report.figures import format_percent, format_time, format_usd, format_value
from undertow.report.page import Panel

# A picture as wide as a screen cannot show more points of two days.
_EVERY_NS = 5 * MINUTE_NS
NO_BOOKS = (
    "No finding of this run: its prices were given, and makers that quote far more than real ones"
    " hold every venue at them. --path model has books of its own."
)
NO_PREMIUM = (
    " Prices were given, so no contract strays from its index: what is left of funding is each"
    " venue's interest rate, hence the flat lines."
)


def liquidity_section(view: View) -> Part:
    """Depth within bands, and the widest gaps between venues."""
    part = Part()
    if view.summary.path == GIVEN:
        part.panels.append(Panel(title="Depth and gaps between venues", missing=NO_BOOKS))
        return part
    for kind, words in (("leveraged", "venues of leverage"), ("spot", "spot markets")):
        data = []
        for band, colour in zip(BANDS, ("@c1", "@c3", "@c5"), strict=True):
            path = depth_path(view.tapes, view.leader, kind, band)
            if path.height:
                every = pl.col("ns") // _EVERY_NS * _EVERY_NS
                means = path.group_by(every, maintain_order=True).agg(pl.col("usd").mean())
                data.append(traces.line(f"±{band:.0%}", traces.clocks(means["ns"]), means["usd"],
                                        colour))  # fmt: skip
        if data:
            part.chart(
                f"depth_{kind}", traces.usd_chart(data),
                title=f"{view.leader}: bids and asks within a band, {words}",
                caption="Sums over venues, means of five minutes. A venue without a price on one"
                " side counts as empty.",
            )  # fmt: skip
    if not part.panels:
        part.panels.append(Panel(title="Depth", missing="Not recorded on this run's tape."))
    else:
        part.panels.append(_depth_table(view))
    part.panels.append(_gap_table(view))
    return part


def leverage_section(view: View) -> Part:
    """Open interest and funding."""
    part = Part()
    data = []
    for number, one in enumerate(view.summary.open_interest[:8]):
        path = interest_path(view.tapes, None if one.asset == "ALL" else one.asset)
        colour = "@ink" if not number else traces.COLOURS[number - 1]
        data.append(traces.line(one.asset.replace("ALL", "all"), traces.clocks(path["ns"]),
                                path["usd"] / one.start_usd - 1, colour))  # fmt: skip
    if data:
        part.chart(
            "interest", traces.spec(data, {"yaxis": {"tickformat": ".2~%"}}),
            title="Open interest, against the start",
            caption="In dollars, over all venues: falls with the price, too. "
            + "; ".join(
                f"{one.asset.replace('ALL', 'all')} {format_usd(one.start_usd)} to"
                f" {format_usd(one.end_usd)}" for one in view.summary.open_interest[:3]
            ) + ".",
        )  # fmt: skip
    _funding(view, part)
    if not part.panels:
        part.panels.append(Panel(title="Open interest and funding",
                                 missing="Not recorded on this run's tape."))  # fmt: skip
    return part


def funds_section(view: View) -> Part:
    """Insurance funds and deleveraged winners."""
    part = Part()
    _funds(view, part)
    _deleveraged(view, part)
    return part


def _depth_table(view: View) -> Panel:
    rows = [
        [one.asset, one.kind, f"±{one.band:.0%}", format_usd(one.before_usd),
         format_usd(one.trough_usd), format_time(one.trough_ns), format_usd(one.after_usd)]
        for one in view.summary.depth
        if one.asset in (view.leader, "ETH", "SOL")
    ]  # fmt: skip
    return Panel(
        title="Depth before, at the thinnest, after", rows=rows, numeric=(2, 3, 4, 5, 6), wide=True,
        columns=["asset", "venues", "band", "first hour", "thinnest five minutes", "when",
                 "last hour"],
    )  # fmt: skip


def _gap_table(view: View) -> Panel:
    rows = [
        [
            one.asset,
            format_value(one.gap, "share"),
            one.low_venue,
            one.high_venue,
            format_time(one.at_ns),
        ]
        for one in view.summary.gaps
    ]
    missing = "" if rows else "No two venues traded an asset in the same bars."
    return Panel(
        title="Widest gap between venues", rows=rows, numeric=(1,), missing=missing,
        columns=["asset", "gap", "lowest at", "highest at", "when"],
        caption="Closes of the same bars, at venues of leverage with the same quote currency."
        " A close is a bar's last trade: where trades are rare it is older than its bar's end.",
    )  # fmt: skip


def _funding(view: View, part: Part) -> None:
    rows = funding_rows(view.tapes).filter(pl.col("asset") == view.leader)
    data = []
    for number, venue in enumerate(sorted(rows["venue"].unique()) if rows.height else ()):
        ours = rows.filter(pl.col("venue") == venue)
        data.append(
            traces.line(
                venue,
                traces.clocks(ours["ns"]),
                ours["rate_8h"],
                traces.COLOURS[number % 7],
                shape="hv",
                mode="lines+markers",
            )
        )
    if not data:
        return
    told = "; ".join(
        f"{name} {format_percent(one.rate_8h)} at {one.venue} {one.symbol},"
        f" {format_time(one.at_ns)}"
        for name, one in zip(("lowest", "highest"), view.summary.funding, strict=True)
    )
    part.chart("funding", traces.spec(data, {"yaxis": {"tickformat": ".3%"}}),
               title=f"Funding of {view.leader}, per 8 hours",
               caption=f"Above zero longs pay. Of all assets: {told}."
               f"{NO_PREMIUM if view.summary.path == GIVEN else ''}")  # fmt: skip


def _funds(view: View, part: Part) -> None:
    rows = view.tapes.table("insurance")
    names = [one.venue for one in view.summary.funds]
    data = []
    for number, one in enumerate(view.summary.funds):
        ours = rows.filter(pl.col("venue") == one.venue).sort("ns")
        change = ours["balance_usd"] - one.start_usd
        data.append(traces.line(one.venue, traces.clocks(ours["ns"]), change,
                                traces.COLOURS[number % 7]))  # fmt: skip
    if not names:
        part.panels.append(Panel(title="Insurance funds", missing="No fund on this run's tape."))
        return
    part.chart(
        "funds", traces.spec(data, {"yaxis": {"tickprefix": "$", "exponentformat": "B"}}),
        title="Cash of insurance funds, change since the start",
        caption="With vaults that take positions over. Cash only: gains and losses of positions"
        " that a fund still holds come with their closing.",
    )  # fmt: skip
    part.panels.append(
        Panel(
            title="Insurance funds", numeric=(1, 2, 3, 4),
            columns=["venue", "start", "paid out", "taken in", "end"],
            rows=[
                [one.venue, *(format_usd(value) for value in
                              (one.start_usd, one.used_usd, one.income_usd, one.end_usd))]
                for one in view.summary.funds
            ],
            caption="Paid out and taken in: falls and rises from record to record, added up."
            " Bad debt and socialised losses are not on a run's tape.",
        )
    )  # fmt: skip


def _deleveraged(view: View, part: Part) -> None:
    rows = view.tapes.deleveraged
    if not rows.height:
        part.panels.append(
            Panel(title="Deleveraged winners (ADL)", missing="No winner was deleveraged.")
        )
        return
    every = 15 * MINUTE_NS
    data = []
    for number, venue in enumerate(sorted(rows["venue"].unique())):
        ours = rows.filter(pl.col("venue") == venue)
        sums = ours.group_by(pl.col("ns") // every * every).agg(pl.col("usd").sum()).sort("ns")
        data.append(traces.bars(venue, traces.clocks(sums["ns"]), sums["usd"],
                                traces.COLOURS[number % 7], width=every / 1e6))  # fmt: skip
    share = view.summary.adl_share
    part.chart(
        "adl", traces.usd_chart(data, barmode="stack"),
        title="Winners deleveraged (ADL), by 15 minutes",
        caption=f"{format_usd(view.summary.adl_usd)} in all"
        + ("" if share is None else f", {format_value(share, 'share')} of what was closed by force")
        + f"; {rows.select('venue', 'account').n_unique():,} accounts.",
    )  # fmt: skip
