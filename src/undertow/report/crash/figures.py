"""The headline figures of a run, each with unit, time, definition and note."""

from __future__ import annotations

from collections.abc import Iterator

from undertow.lab.summary import GIVEN, Closings, Summary
from undertow.lab.summary_shown import ShownShare
from undertow.report.crash.closings import FEWEST
from undertow.report.crash.view import bin_words
from undertow.report.figures import Figure, format_percent, format_usd, format_value

NO_CLOSING = "nothing was closed by force"


def figures(summary: Summary) -> dict[str, Figure]:
    """All figures by id; what a run has not got is not recorded, never 0."""
    found = [
        *_falls(summary), *_closings(summary), *_shares(summary), *_payers(summary),
        *_collateral(summary), *_market(summary),
    ]  # fmt: skip
    return {figure.id: figure for figure in found}


def _falls(summary: Summary) -> Iterator[Figure]:
    for one in summary.falls:
        yield Figure(
            f"fall.{one.asset}", f"{one.asset}, start to low", -one.fall, "fraction",
            "lowest over the run's first price, less 1; median of the venues' marks", one.low_ns,
            note=f"{format_usd(one.start)} to {format_usd(one.low)}",
        )  # fmt: skip
        yield Figure(
            f"rebound.{one.asset}", f"{one.asset}, part of the fall made good", one.rebound,
            "share", "(last − low) / (first − low)", summary.end_ns,
            note="" if one.rebound is not None else "it did not fall",
        )  # fmt: skip


def _closings(summary: Summary) -> Iterator[Figure]:
    for name, one in (("shown", summary.shown), ("true", summary.true)):
        by = "as public feeds would have shown them" if name == "shown" else "all of them"
        yield Figure(
            f"liquidations.{name}", f"Liquidations, {name}", one.total_usd, "USD",
            f"value of positions closed by force over the whole run, ADL apart, {by}",
            note=_largest_of(one),
        )  # fmt: skip
        yield Figure(
            f"liquidations.{name}.day", f"Largest 24 hours, {name}", one.peak_day_usd, "USD",
            f"largest sum of 24 hours, looked at every five minutes, {by}", one.peak_day_ns, "24h",
        )  # fmt: skip
        yield Figure(
            f"liquidations.{name}.bin", f"Largest {_bin(summary)}, {name}", one.peak_bin_usd, "USD",
            f"largest sum of {summary.bin_s} seconds, {by}", one.peak_bin_ns,
            f"{summary.bin_s}s",
        )  # fmt: skip
        yield Figure(
            f"long_share.{name}", f"Long share, {name}", one.long_share, "share",
            "longs / (longs + shorts) by value", note="" if one.total_usd else NO_CLOSING,
        )  # fmt: skip
    largest = summary.largest[0] if summary.largest else None
    yield Figure(
        "liquidations.largest", "Largest single closing", largest.usd if largest else None, "USD",
        "all that one account lost in one symbol at one moment, at the closing price",
        largest.at_ns if largest else None,
        place=f"{largest.venue} {largest.symbol}" if largest else "",
        note=f"{largest.side}, {largest.stage}" if largest else NO_CLOSING,
    )  # fmt: skip
    yield Figure(
        "liquidations.accounts", "Accounts liquidated", summary.accounts, "count",
        "different accounts that something of was closed by force",
        note="of the run's sample of accounts; their sizes hold the open interest",
    )  # fmt: skip


def _bin(summary: Summary) -> str:
    return bin_words(summary.bin_s)


def _largest_of(closings: Closings) -> str:
    parts = [f"{name} {format_usd(usd)}" for name, usd in list(closings.by_asset.items())[:3]]
    return ", ".join(parts) or NO_CLOSING


def _shares(summary: Summary) -> Iterator[Figure]:
    share = summary.shown_share
    yield Figure(
        "shown_share", "Shown over true", share.share if share else None, "share",
        "dollars that feeds would have shown over all; 95 % bootstrap interval over minutes",
        note=_between(share) if share else NO_CLOSING,
    )  # fmt: skip


def _between(share: ShownShare) -> str:
    if share.minutes < FEWEST:
        return f"{share.minutes} minutes had closings: too few for an interval"
    return f"{format_value(share.low, 'share')} to {format_value(share.high, 'share')}"


def _payers(summary: Summary) -> Iterator[Figure]:
    yield Figure(
        "adl", "Winners deleveraged (ADL)", summary.adl_usd, "USD",
        "value of winners' positions that were closed",
        note="" if summary.adl_share is None else
        f"{format_value(summary.adl_share, 'share')} of what was closed by force",
    )  # fmt: skip
    has_funds = bool(summary.funds)
    used = sum(one.used_usd for one in summary.funds)
    income = sum(one.income_usd for one in summary.funds)
    yield Figure(
        "insurance.used", "Paid by insurance funds", used if has_funds else None, "USD",
        "falls of the funds' cash from record to record, added up",
        note=f"taken in: {format_usd(income)}" if has_funds else "no fund on the tape",
    )  # fmt: skip
    lost = sum(one.lost_usd for one in summary.paid)
    margins = sum(one.longs_usd + one.shorts_usd for one in summary.paid)
    yield Figure(
        "traders.lost", "Lost by those closed by force", lost, "USD",
        "from the run's first price to the closing, gains taken off", is_estimate=True,
        note=f"{format_usd(margins)} out of their margins",
    )  # fmt: skip
    yield Figure(
        "bad_debt", "Bad debt and socialised losses", None, "USD",
        "what nobody could be made to pay, or everybody was", note="; ".join(summary.not_recorded),
    )  # fmt: skip


def _collateral(summary: Summary) -> Iterator[Figure]:
    for one in summary.collateral:
        yield Figure(
            f"collateral.{one.asset}.because", f"Closed because {one.asset} is margin",
            one.because_usd, "USD",
            "positions of accounts that were closed by force and would have had enough margin at"
            " that moment, had the coin counted at 1", place=one.venue,
            note=f"{one.because_accounts:,} accounts; priced by {one.price}, low {one.low_usd:.4g}",
        )  # fmt: skip
        yield Figure(
            f"collateral.{one.asset}.closed", f"Closed of those with {one.asset} as margin",
            one.closed_usd, "USD",
            "positions closed by force of accounts that posted the coin, for whatever reason",
            place=one.venue,
            note=f"{one.closed_accounts:,} of {one.accounts:,} accounts, which posted"
            f" {format_usd(one.posted_usd)}",
        )  # fmt: skip


def _market(summary: Summary) -> Iterator[Figure]:
    for one in summary.open_interest:
        name = one.asset.replace("ALL", "all")
        yield Figure(
            f"open_interest.{one.asset}", f"Open interest, {name}, change", one.change,
            "fraction", "last over first, in dollars, all venues",
            note=f"{format_usd(one.start_usd)} to {format_usd(one.end_usd)}",
        )  # fmt: skip
    for kind, rate in zip(("lowest", "highest"), summary.funding, strict=False):
        yield Figure(
            f"funding.{kind}", f"Funding, {kind}", rate.rate_8h, "fraction",
            "a settlement's rate per 8 hours; above 0 longs pay", rate.at_ns, "8h",
            f"{rate.venue} {rate.symbol}",
            note="given prices: no premium over the index" if summary.path == GIVEN else "",
        )  # fmt: skip
    for depth in summary.depth:
        if depth.asset == summary.leader:
            change = depth.trough_usd / depth.before_usd - 1 if depth.before_usd else 0.0
            yield Figure(
                f"depth.{depth.kind}.{depth.band:g}",
                f"{depth.asset} depth ±{depth.band:.0%}, {depth.kind}, thinnest", depth.trough_usd,
                "USD", "bids and asks over all venues of the kind, least mean of five minutes",
                depth.trough_ns, note=f"{format_percent(change)} against the first hour",
            )  # fmt: skip
    for gap in summary.gaps:
        yield Figure(
            f"gap.{gap.asset}", f"{gap.asset}, widest gap between venues", gap.gap, "share",
            "highest over lowest close of the same bars, less 1", gap.at_ns,
            place=f"{gap.high_venue} over {gap.low_venue}",
        )  # fmt: skip
