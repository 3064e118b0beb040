"""The market as a whole: capitalisation, its fastest loss, dominance, breadth."""

from __future__ import annotations

from undertow.errors import NotRecorded
from undertow.measures import market
from undertow.measures.market import MarketTotal
from undertow.report.figures import Figure, format_percent, format_time, format_usd, measured
from undertow.report.pulse.view import HOUR_NS, Part, View

# Without prices a snapshot speaks for two days.
OLDEST_NS = 48 * HOUR_NS
BREADTH_THRESHOLDS = (-0.05, -0.1)


def section(view: View) -> Part:
    """Figures of the whole market."""
    part = Part()
    part.figures.extend([_total(view), _loss(view), _dominance(view)])
    for threshold in BREADTH_THRESHOLDS:
        part.figures.append(_breadth(view, threshold))
    return part


def _total(view: View) -> Figure:
    missing = Figure(
        "market.cap",
        "Market capitalisation",
        None,
        "USD",
        "sum over the coins that the latest snapshots list; price x last known supply"
        " where the tape has a price, else the snapshot's own figure",
    )

    def figure() -> Figure:
        found = _fresh_total(view)
        note = (
            f"{found.estimated_share:.0%} of it from prices at that moment"
            f" ({found.estimated_coins} of {found.coins} coins); oldest snapshot"
            f" {format_time(found.oldest_snapshot_ns)}"
        )
        return Figure(
            missing.id,
            missing.label,
            found.cap_usd,
            "USD",
            missing.definition,
            view.at_ns,
            "",
            found.definition,
            is_estimate=True,
            note=note,
        )

    return measured(figure, missing)


def _fresh_total(view: View) -> MarketTotal:
    """The market's capitalisation, unless only an old snapshot speaks for it."""
    found = view.ask(market.total)
    if not found.estimated_coins and view.at_ns - found.newest_snapshot_ns > OLDEST_NS:
        newest = format_time(found.newest_snapshot_ns)
        raise NotRecorded(f"prices of listed coins, or a snapshot since {newest}")
    return found


def _loss(view: View) -> Figure:
    missing = Figure(
        "market.fastest_hour",
        "Capitalisation, fastest loss in an hour",
        None,
        "USD",
        "largest fall within an hour of supply x price, supplies held fixed, over"
        " coins with a price throughout; nothing is scaled up",
        None,
        view.window,
    )

    def figure() -> Figure:
        found = view.ask(market.fastest_loss, window=view.window)
        note = (
            f"{format_percent(found.change_fraction)}; {found.coins} coins that are"
            f" {found.covered_share:.0%} of the listed capitalisation;"
            f" {format_time(found.start_ns)} to {format_time(found.end_ns)}"
        )
        return Figure(
            missing.id,
            missing.label,
            found.change_usd,
            "USD",
            missing.definition,
            found.end_ns,
            view.window,
            f"{found.coins} coins",
            is_estimate=True,
            note=note,
        )

    return measured(figure, missing)


def _dominance(view: View) -> Figure:
    missing = Figure(
        "market.dominance.BTC",
        "BTC dominance",
        None,
        "share",
        "BTC's share of the listed coins' capitalisation",
    )

    def figure() -> Figure:
        _fresh_total(view)
        found = view.ask(market.dominance)
        return Figure(
            missing.id,
            missing.label,
            found.share,
            "share",
            missing.definition,
            view.at_ns,
            "",
            "coins listed by the latest snapshots",
            is_estimate=True,
            note="fewer coins in the list give a larger share",
        )

    return measured(figure, missing)


def _breadth(view: View, threshold: float) -> Figure:
    label = f"Coins down {-threshold:.0%} or more"
    missing = Figure(
        f"market.breadth_{-threshold:g}",
        label,
        None,
        "share",
        f"share of coins whose return is {format_percent(threshold)} or lower",
        None,
        view.window,
    )

    def figure() -> Figure:
        found = view.ask(market.breadth, window=view.window, threshold=threshold)
        note = f"{found.fallen} of {found.coins} coins with a price on the tape"
        return Figure(
            missing.id,
            label,
            found.share,
            "share",
            missing.definition,
            view.at_ns,
            view.window,
            f"{found.coins} coins",
            note=note,
        )

    return measured(figure, missing)


def market_sentence(view: View) -> str:
    """The fastest hour of the whole market in words; empty when not recorded."""
    try:
        found = view.ask(market.fastest_loss, window=view.window)
    except NotRecorded:
        return ""
    return (
        f"The fastest hour took {format_usd(-found.change_usd)} off the {found.coins} coins that"
        f" have prices here ({format_percent(found.change_fraction)}), ending"
        f" {format_time(found.end_ns)}."
    )
