"""The pulse in plain words: what happened, is it over, what nobody knows."""

from __future__ import annotations

from undertow.report.figures import Figure, format_percent, format_time, format_usd
from undertow.report.page import Words
from undertow.report.pulse.derivatives import funding_sentence, largest_sentence
from undertow.report.pulse.history import month_sentence
from undertow.report.pulse.market import market_sentence
from undertow.report.pulse.view import HOUR_NS, View

STALE_NS = 24 * HOUR_NS
ALWAYS_UNKNOWN = (
    "Social mood: not measured.",
    "Positions outside the recorded venues, over-the-counter trades and hedges: not visible.",
    "Which news moved the price: dated causes stand on the chart, the order of two events is no"
    " proof.",
)


def headline(view: View, figures: dict[str, Figure]) -> str:
    """One sentence: how far the main coin went, when its low was, how many coins fell."""
    asset = next((a for a in ("BTC", "ETH") if has(figures, f"price.{a}.change")), None)
    if asset is None:
        return "The tape has no prices of bitcoin or ether in this window."
    change = number(figures, f"price.{asset}.change")
    verb = "fell" if change < 0 else "rose"
    low = figures[f"price.{asset}.low"]
    covered = view.covered(view.market(asset))
    span = f"from {covered} (all that the tape has of {view.window})" if covered else ""
    span = span or f"in {view.window}"
    sentence = (
        f"{asset} on {low.place.split()[0]} {verb} {format_percent(abs(change))[1:]} {span} to"
        f" {figures[f'price.{asset}.last'].text()}, after a low of {low.text()}"
    )
    if low.as_of_ns is not None:
        sentence += f" at {format_time(low.as_of_ns)}"
    changes = view.markets["change"].drop_nulls()
    if len(changes) > 1:
        sentence += f"; {int((changes < 0).sum())} of {len(changes)} coins fell"
    return sentence + "."


def panels(view: View, figures: dict[str, Figure]) -> list[Words]:
    """The three panels."""
    return [
        Words("What happened", what_happened(view, figures)),
        Words("Is it over?", is_it_over(view, figures)),
        Words("What nobody knows", unknown(view, figures)),
    ]


def what_happened(view: View, figures: dict[str, Figure]) -> list[str]:
    """Sentences about the window, only from figures that the tape holds."""
    lines = []
    for asset in ("BTC", "ETH"):
        fall = figures.get(f"price.{asset}.fastest_hour")
        if fall is not None and fall.recorded and fall.as_of_ns is not None:
            lines.append(
                f"{asset}'s fastest hour: {format_usd(abs(float(fall.value or 0)))} down,"
                f" {fall.note}, by {format_time(fall.as_of_ns)}."
            )
    lines.extend([market_sentence(view), largest_sentence(view)])
    if has(figures, "market.worst"):
        worst = figures["market.worst"]
        lines.append(f"Weakest coin: {worst.note}, {worst.text()}.")
        if has(figures, "market.deepest"):
            deepest = figures["market.deepest"]
            lines.append(f"Deepest from open to low: {deepest.note}, {deepest.text()}.")
    if has(figures, "liquidity.dispersion.BTC"):
        gap = figures["liquidity.dispersion.BTC"]
        lines.append(
            f"Venues came apart by up to {gap.text()} in BTC, at closes of the same bar"
            f" ({gap.note})."
        )
    lines.extend(
        figure.note
        for key, figure in figures.items()
        if key.startswith("peg.") and figure.recorded and figure.note.endswith(".")
    )
    return [line for line in lines if line]


def is_it_over(view: View, figures: dict[str, Figure]) -> list[str]:
    """The signs, none of which is an answer."""
    lines = []
    if has(figures, "price.BTC.low") and has(figures, "price.BTC.open"):
        lines.append(_recovery(view, figures))
    lines.append(funding_sentence(view))
    for key in ("sentiment.fear_greed", "flows.etf.BTC.day"):
        if has(figures, key):
            figure = figures[key]
            lines.append(f"{figure.label}: {figure.text()} ({figure.note}).")
    bounce = figures.get("history.bounce")
    if bounce is not None:
        lines.append(bounce.note)
    lines.append(month_sentence(view))
    return [line for line in lines if line]


def _recovery(view: View, figures: dict[str, Figure]) -> str:
    start, low, last = (number(figures, f"price.BTC.{key}") for key in ("open", "low", "last"))
    low_at = figures["price.BTC.low"].as_of_ns
    since = "" if low_at is None else f", {(view.at_ns - low_at) / HOUR_NS:.1f} hours after it"
    if start <= low:
        return "BTC made its low at the start of the window."
    if last >= start:
        return f"BTC stands above the window's open again{since}."
    share = (last - low) / (start - low)
    return f"BTC has won back {share:.0%} of the way from the window's open to its low{since}."


def _past_the_end(view: View) -> str:
    """That the tape's candles end long before the moment; else empty."""
    ends = view.tape.recorded_ns("candles")
    if not ends or view.at_ns - ends[-1][1] < STALE_NS:
        return ""
    return f"This tape's candles end on {format_time(ends[-1][1])}: later prices are not on it."


def unknown(view: View, figures: dict[str, Figure]) -> list[str]:
    """What the tape does not hold, and what no tape does."""
    absent = [figure.label for figure in figures.values() if not figure.recorded]
    lines = [late] if (late := _past_the_end(view)) else []
    if absent:
        lines.append(f"Not recorded on this tape: {'; '.join(dict.fromkeys(absent))}.")
    return [*lines, *ALWAYS_UNKNOWN]


def has(figures: dict[str, Figure], key: str) -> bool:
    """Whether there is such a figure and the tape could answer."""
    return key in figures and figures[key].recorded


def number(figures: dict[str, Figure], key: str) -> float:
    """Value of a figure that is a number."""
    value = figures[key].value
    assert isinstance(value, int | float)
    return float(value)
