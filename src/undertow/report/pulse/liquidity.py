"""Liquidity: gaps between venues, depth, spread."""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import liquidity
from undertow.report import charts
from undertow.report.figures import Figure, format_percent, format_time, format_usd
from undertow.report.page import Panel
from undertow.report.pulse.view import Part, View, missing_panel, time_ns_of

ASSETS = ("BTC", "ETH", "SOL")
BAND = 0.01


def section(view: View) -> Part:
    """Figures and charts of dispersion, depth and spread."""
    part = Part()
    _dispersion(view, part)
    _depth(view, part)
    _spread(view, part)
    return part


def _dispersion(view: View, part: Part) -> None:
    definition = (
        "largest highest / lowest close - 1 over perpetuals with the same quote currency"
        " and bars of the same time and length"
    )
    series = []
    for asset in ASSETS:
        key, label = f"liquidity.dispersion.{asset}", f"{asset}, widest gap between venues"
        try:
            gaps = view.ask(liquidity.dispersion, window=view.window, asset=asset)
        except NotRecorded as reason:
            part.figures.append(
                Figure(key, label, None, "share", definition, window=view.window, note=str(reason))
            )
            continue
        row = gaps.sort("gap", descending=True).row(0, named=True)
        when_ns = time_ns_of(row["ts"])
        note = (
            f"{row['low_venue']} {format_usd(row['low'])}, {row['high_venue']}"
            f" {format_usd(row['high'])}; {format_time(when_ns)}"
        )
        part.figures.append(
            Figure(
                key,
                label,
                row["gap"],
                "share",
                definition,
                when_ns,
                view.window,
                ", ".join(row["venues"]),
                note=note,
            )
        )
        widest = gaps.group_by("ts", maintain_order=True).agg(pl.col("gap").max())
        series.append((asset, widest["ts"], widest["gap"]))
    if not series:
        part.panels.append(
            missing_panel("Gaps between venues", "prices on two venues: not recorded on this tape")
        )
        return
    part.charts["dispersion"] = charts.lines(series, format=".2%")
    part.panels.append(
        Panel(
            title="Gaps between venues",
            chart="dispersion",
            caption="Highest over lowest close of perpetuals at the same time; bars that a venue or"
            " its recording broke off are left out. Between closes the gaps may have been wider.",
        )
    )


def _depth(view: View, part: Part) -> None:
    definition = f"resting orders within {BAND:.0%} of mid, both sides"
    found, reason = view.attempt(liquidity.depth, band=BAND)
    if found is not None:
        # A book that is known only near its top would give a lower bound: that is no depth.
        reach = pl.min_horizontal("bid_reach", "ask_reach")
        known = found.filter(reach.is_null() | (reach >= BAND))
        if known.is_empty():
            reached = found.select(reach.max()).item()
            reason = f"books are known only to {format_percent(reached)[1:]} from mid"
        found = None if known.is_empty() else known
    if found is None:
        part.figures.append(
            Figure(
                "liquidity.depth", f"Depth within {BAND:.0%}", None, "USD", definition, note=reason
            )
        )
        part.panels.append(missing_panel("Order-book depth", reason))
        return
    both = float(found.select(pl.col("bid_usd").sum() + pl.col("ask_usd").sum()).item())
    part.figures.append(
        Figure(
            "liquidity.depth",
            f"Depth within {BAND:.0%}",
            both,
            "USD",
            definition,
            view.at_ns,
            "",
            f"{found.height} markets",
        )
    )
    change, _ = view.attempt(
        liquidity.depth_change, band=BAND, baseline=(view.start_ns, view.at_ns)
    )
    rows = found if change is None else change
    part.panels.append(
        Panel(
            title=f"Depth within {BAND:.0%} of mid",
            columns=["venue", "symbol", "bids", "asks", "bids against median", "asks"],
            rows=[
                [
                    r["venue"],
                    r["symbol"],
                    format_usd(r["bid_usd"]),
                    format_usd(r["ask_usd"]),
                    _percent(r.get("bid_change")),
                    _percent(r.get("ask_change")),
                ]
                for r in rows.head(12).iter_rows(named=True)
            ],
            numeric=(2, 3, 4, 5),
            caption=f"At {format_time(view.at_ns)}, against the median over the window.",
        )
    )


def _percent(value: float | None) -> str:
    return "" if value is None else format_percent(value)


def _spread(view: View, part: Part) -> None:
    found, reason = view.attempt(liquidity.spread)
    row = None if found is None else found.row(0, named=True)
    part.figures.append(
        Figure(
            "liquidity.spread",
            "Spread",
            None if row is None else row["spread"],
            "share",
            "best ask less best bid, over mid",
            view.at_ns,
            "",
            "" if row is None else f"{row['venue']} {row['symbol']}",
            note=reason,
        )
    )
