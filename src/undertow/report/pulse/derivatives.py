"""Derivatives: forced closings, open interest, funding."""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import leverage, liquidations
from undertow.measures.coverage import covered
from undertow.measures.leverage import WeightedFunding
from undertow.report import charts
from undertow.report.figures import Figure, Unit, format_percent, format_time, format_usd, measured
from undertow.report.page import Panel
from undertow.report.pulse.view import MISSING_SHARE, Part, View, missing_panel, time_ns_of

CHART_DAYS = "14d"


def section(view: View) -> Part:
    """Figures and charts of liquidations, open interest and funding."""
    part = Part()
    _liquidations(view, part)
    _open_interest(view, part)
    _funding(view, part)
    return part


# Key, label, unit and definition of each figure.
LIQUIDATIONS: tuple[tuple[str, str, Unit, str], ...] = (
    ("total", "Liquidations", "USD", "value of positions closed by force, ADL apart"),
    ("long_share", "Long share of liquidations", "share", "longs / (longs + shorts) by value"),
    ("largest", "Largest liquidation", "USD", "largest single forced order"),
    ("orders", "Orders closed by force", "count", "number of forced orders"),
    ("accounts", "Accounts liquidated", "count", "distinct accounts, where a venue tells them"),
)


def _liquidations(view: View, part: Part) -> None:
    sides, reason = view.attempt(liquidations.long_share, window=view.window)
    found: dict[str, tuple[float | int | None, str]] = {}
    if sides is None:
        part.panels.append(missing_panel("Liquidations", reason))
    else:
        found = _liquidation_values(view, sides)
        _liquidation_chart(view, part)
    for key, label, unit, definition in LIQUIDATIONS:
        value, note = found.get(key, (None, reason))
        part.figures.append(
            Figure(
                f"liquidations.{key}",
                label,
                value,
                unit,
                definition,
                view.at_ns,
                view.window,
                note=note,
            )
        )


def _liquidation_values(
    view: View, sides: pl.DataFrame
) -> dict[str, tuple[float | int | None, str]]:
    """Value and note of each figure, where the tape recorded liquidations."""
    counts = view.ask(liquidations.orders_and_accounts, window=view.window)
    note = _recorded(view) or "a lower bound where the feed is throttled"
    largest: tuple[float | None, str] = (None, "no order in the window")
    order = view.ask(liquidations.largest, window=view.window, count=1)
    if order.height:
        row = order.row(0, named=True)
        when = format_time(time_ns_of(row["ts"]))
        largest = row["usd"], f"{row['venue']} {row['symbol']} {row['side']}, {when}"
    return {
        "total": (sides["long_usd"][0] + sides["short_usd"][0], note),
        "long_share": (sides["long_share"][0], "" if order.height else "no order in the window"),
        "largest": largest,
        "orders": (counts.orders, note),
        "accounts": (counts.accounts, counts.accounts_from or "no venue here tells accounts"),
    }


def _recorded(view: View) -> str:
    """How little of the window was recorded; empty where nearly all was."""
    share = covered(view.tape, "liquidations", view.start_ns, view.at_ns)
    return "" if share > 1 - MISSING_SHARE else f"only {share:.0%} of the window was recorded"


def _liquidation_chart(view: View, part: Part) -> None:
    hours = view.ask(liquidations.hourly, window=view.window, by=("side",))
    series = [
        (side, rows["ts"], rows["usd"])
        for side in ("long", "short")
        if (rows := hours.filter(pl.col("side").cast(pl.String) == side)).height
    ]
    part.charts["liquidations"] = charts.hourly_bars(series, "USD")
    part.panels.append(
        Panel(
            title="Liquidations by hour and side",
            chart="liquidations",
            caption="Value of positions closed by force. Public feeds may show fewer than there"
            " were.",
        )
    )


def _open_interest(view: View, part: Part) -> None:
    change, reason = view.attempt(leverage.open_interest_change, window=view.window, by=())
    row = {} if change is None else change.row(0, named=True)
    note = f"{row['series']} series present at both ends{_absent(view)}" if row else reason
    for key, label, unit, name in (
        ("open_interest.usd", "Open interest", "USD", "end_usd"),
        ("open_interest.change", "Open interest, change", "fraction", "change"),
    ):
        part.figures.append(
            Figure(
                key,
                label,
                row.get(name),
                "USD" if unit == "USD" else "fraction",
                "sum over series recorded at both ends of the window",
                view.at_ns,
                view.window,
                note=note,
            )
        )
    regimes, why = view.attempt(leverage.regime, window=view.window)
    if regimes is None:
        part.panels.append(missing_panel("Open interest", reason or why))
        return
    shown = regimes.sort("open_interest_change_usd")
    part.panels.append(
        Panel(
            title=f"Open interest and price over {view.window}",
            columns=["coin", "price", "open interest in USD", "in coins", "reading"],
            rows=[
                [
                    r["asset"],
                    *[
                        format_percent(r[c])
                        for c in (
                            "price_change",
                            "open_interest_change_usd",
                            "open_interest_change_coins",
                        )
                    ],
                    r["regime"],
                ]
                for r in shown.head(14).iter_rows(named=True)
            ],
            numeric=(1, 2, 3),
            caption=f"{shown.height} coins with open interest at both ends of the window; the"
            " largest falls first. In coins, the effect of the price is taken out.",
        )
    )


def _absent(view: View) -> str:
    """Which of the main coins the open interest lacks, for its note."""
    found, _ = view.attempt(leverage.open_interest)
    known = set() if found is None else set(found["asset"])
    names = [asset for asset in ("BTC", "ETH", "SOL") if asset not in known]
    return f", without {', '.join(names)}" if names else ""


def _funding(view: View, part: Part) -> None:
    for asset in ("BTC", "ETH"):
        part.figures.append(_weighted(view, asset))
    flips, reason = view.attempt(leverage.funding_flips, window=view.window, asset="BTC")
    last = None if flips is None or flips.is_empty() else flips.row(-1, named=True)
    part.figures.append(
        Figure(
            "funding.BTC.flips",
            "BTC funding, changes of sign",
            None if flips is None else flips.height,
            "count",
            "times a venue's rate changed its sign",
            view.at_ns,
            view.window,
            note=reason
            if last is None
            else f"last: {last['venue']} turned {last['turned']},"
            f" {format_time(time_ns_of(last['ts']))}",
        )
    )
    rates, reason = view.attempt(leverage.funding)
    if rates is None:
        part.panels.append(missing_panel("Funding", reason))
        return
    _funding_chart(view, part)


def _weighted(view: View, asset: str) -> Figure:
    key = f"funding.{asset}.rate_8h"
    definition = (
        "rates brought to 8 hours; over venues by open interest, else their median; positive:"
        " longs pay"
    )
    missing = Figure(key, f"{asset} funding per 8 h", None, "fraction", definition)

    def figure() -> Figure:
        found = view.ask(leverage.weighted_funding, asset=asset)
        note = (
            f"{_funding_kind(found)}; {format_percent(found.lowest_8h[1])} {found.lowest_8h[0]} to"
            f" {format_percent(found.highest_8h[1])} {found.highest_8h[0]}"
        )
        return Figure(
            key,
            missing.label,
            _central(found),
            "fraction",
            definition,
            view.at_ns,
            "",
            ", ".join(found.venues),
            note=note,
        )

    return measured(figure, missing)


def _funding_chart(view: View, part: Part) -> None:
    """Rates of bitcoin by venue over two weeks, each brought to eight hours."""
    start = view.at_ns - 14 * 86_400 * 1_000_000_000
    rows = view.tape.until(view.at_ns).slice(start).funding.collect()
    rows = rows.with_columns(pl.col("venue", "symbol", "interval").cast(pl.String))
    bitcoin = [s for s in rows["symbol"].unique() if s.upper().startswith(("BTC", "XBT"))]
    known = rows.filter(
        pl.col("symbol").is_in(bitcoin),
        pl.col("interval_hours").is_not_null(),
        pl.col("interval").is_null(),
    )
    series = [
        (str(names[0]), part_rows["ts"], part_rows["rate"] * 8 / part_rows["interval_hours"])
        for names, part_rows in known.sort("venue", "ts").group_by("venue", maintain_order=True)
    ]
    if not series:
        part.panels.append(
            missing_panel(
                "Funding of BTC", "rates with a known interval: not recorded on this tape"
            )
        )
        return
    part.charts["funding"] = charts.lines(series[:7], format=".3%", reference=0, step=True)
    part.panels.append(
        Panel(
            title="Funding of BTC by venue, per 8 hours",
            chart="funding",
            caption="Above zero longs pay shorts. Each rate is brought to eight hours.",
        )
    )


def funding_sentence(view: View) -> str:
    """Funding in words, for the plain panel; empty when not recorded."""
    try:
        found = view.ask(leverage.weighted_funding, asset="BTC")
    except NotRecorded:
        return ""
    if found.lowest_8h[1] > 0:
        who = "longs pay shorts"
    elif found.highest_8h[1] < 0:
        who = "shorts pay longs"
    else:
        who = "venues disagree who pays"
    return (
        f"BTC funding is {format_percent(_central(found))} per 8 hours ({_funding_kind(found)}),"
        f" from {format_percent(found.lowest_8h[1])} on {found.lowest_8h[0]} to"
        f" {format_percent(found.highest_8h[1])} on {found.highest_8h[0]}: {who}."
    )


def _central(found: WeightedFunding) -> float:
    """By open interest where that is known; else the median: a small venue must not lead."""
    return found.rate_8h if found.weights == "open interest" else found.median_8h


def _funding_kind(found: WeightedFunding) -> str:
    count = len(found.venues)
    return (
        f"by open interest, {count} venues"
        if found.weights == "open interest"
        else (f"median of {count} venues")
    )


def largest_sentence(view: View) -> str:
    """Liquidations in words; empty when not recorded."""
    try:
        sides = view.ask(liquidations.long_share, window=view.window)
    except NotRecorded:
        return ""
    both = sides["long_usd"][0] + sides["short_usd"][0]
    caveat = f" ({recorded})" if (recorded := _recorded(view)) else ""
    if not both:
        return f"No liquidation was recorded over {view.window}{caveat}."
    return (
        f"{format_usd(both)} of positions were closed by force,"
        f" {sides['long_share'][0]:.0%} of them longs{caveat}."
    )
