"""The headline and the panels of sentences."""

from __future__ import annotations

from collections.abc import Sequence

from undertow.lab.compare import Row
from undertow.lab.summary import GIVEN, Quantiles, Summary
from undertow.model.assets import asset_of
from undertow.report.crash.compared import score_words
from undertow.report.crash.view import View, bin_words
from undertow.report.figures import format_time, format_usd, format_value
from undertow.report.page import Words


def headline(
    summary: Summary, rows: Sequence[Row] = (), spread: dict[str, Quantiles] | None = None,
    what_if: str = "",
) -> str:  # fmt: skip
    """What happened in the run, and how sure that is, in one sentence.

    A run of a changed market, ``what_if``, has no score.
    """
    sure = f"; what if {what_if}: not scored" if what_if else _sure(rows)
    fall = summary.fall(summary.leader)
    fell = ""
    if fall is not None:
        fell = f"{fall.asset} falls {format_value(fall.fall, 'share')} to {format_usd(fall.low)}"
    if not summary.true.total_usd:
        return f"{fell or 'Prices are told'}; nothing is closed by force{sure}."
    share = summary.true.long_share
    longs = "" if share is None else f" ({format_value(share, 'share')} longs)"
    closed = f"{format_usd(summary.true.total_usd)} is closed by force{longs}"
    day = f"feeds show at most {format_usd(summary.shown.peak_day_usd)} in 24 h"
    return f"{fell}; {closed}; {day}{_range(spread)}{sure}."


def _range(spread: dict[str, Quantiles] | None) -> str:
    one = (spread or {}).get("largest 24 hours, shown")
    if one is None:
        return " (one seed: no spread)"
    return f" ({format_usd(one.low)} to {format_usd(one.high)}: 10 to 90 % of {one.runs} runs)"


def _sure(rows: Sequence[Row]) -> str:
    words = score_words(rows)
    return f"; {words}" if words else ""


def panels(view: View) -> list[Words]:
    """What happened, who paid, what the run cannot tell."""
    return [
        Words("What happened in the run", _happened(view.summary)),
        Words("Who paid", _paid(view.summary)),
        Words("What nobody knows", _unknown(view)),
    ]


def _happened(summary: Summary) -> list[str]:
    lines = []
    fall = summary.fall(summary.leader)
    if fall is not None:
        back = "" if fall.rebound is None else f" By the end {fall.rebound:.0%} was made good."
        lines.append(
            f"{fall.asset} was lowest at {format_time(fall.low_ns)}: {format_usd(fall.low)}.{back}"
        )
    largest = summary.largest[0] if summary.largest else None
    if largest is not None:
        lines.append(
            f"The largest single closing was a {largest.side} of {format_usd(largest.usd)} in"
            f" {largest.symbol} at {largest.venue}, {format_time(largest.at_ns)}."
        )
        lines.append(
            f"The wildest {bin_words(summary.bin_s)} closed"
            f" {format_usd(summary.true.peak_bin_usd)}, {format_time(summary.true.peak_bin_ns)}."
        )
    for interest in summary.open_interest[:1]:
        lines.append(
            f"Open interest went from {format_usd(interest.start_usd)} to"
            f" {format_usd(interest.end_usd)}."
        )
    return lines


def _paid(summary: Summary) -> list[str]:
    used = sum(one.used_usd for one in summary.funds)
    income = sum(one.income_usd for one in summary.funds)
    lost = sum(one.lost_usd for one in summary.paid)
    lines = [
        f"Those closed by force lost about {format_usd(lost)} from the run's first price on.",
        f"Insurance funds paid {format_usd(used)} and took in {format_usd(income)}.",
    ]
    if summary.adl_usd:
        lines.append(f"Winners of {format_usd(summary.adl_usd)} were deleveraged.")
    else:
        lines.append("No winner was deleveraged.")
    return lines


def _unknown(view: View) -> list[str]:
    numbers = view.scenario.numbers.values()
    assumed = sum(one.assumed for one in numbers)
    lines = [
        f"{assumed} of {len(numbers)} numbers of the scenario are assumed: nobody states them."
    ]
    if view.summary.path == GIVEN:
        lines.append(
            "Prices were given: that the market fell, funding, depth and gaps between venues are no"
            " findings of this run."
        )
    lines += [
        f"{asset_of(asset)} stands for small coins: its prices are a mean, those of no coin."
        for asset in view.scenario.candles_of
    ]
    if not view.others:
        lines.append("One seed was run: how far seeds differ is not told (--runs 20 tells).")
    lines += [f"{text[0].upper()}{text[1:]}." for text in view.summary.not_recorded]
    lines.append("Options and their hedging are not in the model.")
    return lines
