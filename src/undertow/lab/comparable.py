"""Which published figures a run has an answer to, and what that answer is.

A figure is asked at the moments that its ``as_of`` leaves open, over its own window. Prices are
compared as falls from the run's first price: 99,075 against 98,000 dollars says nothing, a fall of
10.3 against 11.3 % does. Open interest is compared as a part of what was open before, where that
was published: a run holds some venues, and a sum over more of them falls by more dollars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import polars as pl

from undertow.errors import UndertowError
from undertow.lab.outcome import ALL, Outcome
from undertow.measures.published import event_days, published
from undertow.model.assets import venue_name
from undertow.model.periods import SECOND_NS, duration_ns, time_ns

MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
EXTREMES = ("price_low", "price_high")
# A window counts as covered when the run has so much of it.
COVERED = 0.9
# Metrics that mean nothing without a window.
SUMS = frozenset({
    "liquidations", "liq_share", "liq_traders", "liq_events", "liq_largest_order", "adl_events",
    "adl_amount", "forced_closures",
})  # fmt: skip
# So many moments stand for a stretch of time that "as of" leaves open.
MOMENTS = 13
# Falls below this are noise, not a figure to be compared.
LEAST_FALL = 0.01

Figure = Mapping[str, Any]
NOT_COVERED = "not covered"
_LENGTH = re.compile(r"(\d+) ?(h|d|m|min|s)\b")
_CLOCKS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_CLOCK = re.compile(r"(\d\d):(\d\d)")
# Names in figures that mean no venue in particular.
_EVERYWHERE = {"", "all", "spot", "oracle", "coingecko", "coingecko/cryptoslate", "coindesk index",
               "coin metrics reference rate", "major exchanges", "futures", "perps", "all venues",
               "other", "binance perp"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What was printed and what the run says, in the same unit and over the same window.

    ``low`` and ``high`` are the least and greatest answers over the moments that "as of" leaves
    open; ``simulated`` is their median.
    """

    published: float
    simulated: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A figure put to a run: windows ``(start, end]`` in nanoseconds, one for each moment."""

    figure: Figure
    run: Outcome
    windows: tuple[tuple[int, int], ...]
    asset: str
    side: str
    venue: str | None

    @property
    def counted(self) -> str | None:
        """What the figure really counts, where its metric does not say so."""
        return self.figure.get("counted")

    @property
    def value(self) -> float:
        """The printed value; the middle where a range was printed."""
        if self.figure["value"] is not None:
            return float(self.figure["value"])
        return (float(self.figure["value_low"]) + float(self.figure["value_high"])) / 2


def answer(figure: Figure, run: Outcome) -> Answer | str:
    """The run's answer to a published figure, or why it has none."""
    if (figure["metric"], figure["unit"]) not in METRICS:
        return "a run does not tell this"
    if figure.get("counted") == "another asset":
        return "not of the asset that it was printed for"
    if figure["value"] is None and figure["value_low"] is None:
        return "no number was printed"
    venue = venue_of(figure["venue"], run)
    asset = ALL if figure["asset"] in ("ALL", "ALL_PERPS") else str(figure["asset"])
    if venue == "" or not run.trades(asset, venue):
        return "not simulated, or the figure covers what nobody else counts"
    windows = _windows(figure, run)
    if windows is None:
        return "over what it was counted is not said"
    if not windows:
        return NOT_COVERED
    asked = Asked(figure, run, windows, asset, str(figure["side"]), venue)
    try:
        return METRICS[figure["metric"], figure["unit"]](asked)
    except UndertowError:
        return "the run has no such asset"


def venue_of(name: str | None, run: Outcome) -> str | None:
    """A simulated venue, None for all of them, and "" where the figure is about something else."""
    text = (name or "").strip().lower()
    if text in _EVERYWHERE:
        return None
    own = venue_name(text)
    return own if own in run.venues else ""


def _windows(figure: Figure, run: Outcome) -> tuple[tuple[int, int], ...] | None:
    """The windows that a figure may mean and the run covers; None where nobody can tell."""
    start, end = (time_ns(figure[name]) for name in ("as_of_start", "as_of_end"))
    window = str(figure["window"] or "event")
    if clocks := _CLOCKS.search(window):
        day = start // DAY_NS * DAY_NS
        hours = [int(part) for part in clocks.groups()]
        ends = [day + (hours[at] * 60 + hours[at + 1]) * MINUTE_NS for at in (0, 2)]
        return _covered([(ends[0], ends[1])], run)
    if window.startswith("before"):
        return None
    if "24h" not in window and (clock := _CLOCK.search(window)) and "UTC" in window:
        day = start // DAY_NS * DAY_NS
        at = day + (int(clock[1]) * 60 + int(clock[2])) * MINUTE_NS
        return _covered([(at, at + MINUTE_NS)], run)
    if length := _length_ns(window):
        moments = _moments(start, end, run.start_ns + int(COVERED * length), run.end_ns)
        return _covered([(at - length, at) for at in moments], run)
    if window.startswith("day") or window == "intraday":
        day = start // DAY_NS * DAY_NS
        return _covered([(day, min(end, day + DAY_NS))], run)
    if window == "event":
        last = time_ns(datetime.combine(event_days(figure["event"])[1], time(), UTC)) + DAY_NS
        return ((run.start_ns, run.end_ns),) if run.end_ns >= last - (1 - COVERED) * DAY_NS else ()
    if figure["metric"] in SUMS:
        return None
    if figure["metric"] in EXTREMES and end - start > MINUTE_NS:
        reached = run.end_ns >= end - (1 - COVERED) * (end - start)
        return ((run.start_ns, min(end, run.end_ns)),) if reached else ()
    # A leg, a low, a point: from the run's start to the moment.
    return tuple((run.start_ns, at) for at in _moments(start, end, run.start_ns, run.end_ns))


def _length_ns(window: str) -> int | None:
    match = _LENGTH.match(window.lstrip("<>~ "))
    if match is None:
        return None
    return duration_ns(match[1] + match[2].replace("min", "m"))


def _moments(start: int, end: int, first: int, last: int) -> list[int]:
    """Moments within what "as of" leaves open, as far as the run goes."""
    if end - start <= MINUTE_NS:
        return [start] if first <= start <= last else []
    left, right = max(start, first), min(end, last)
    if right <= left:
        return []
    return [int(at) for at in np.linspace(left, right, MOMENTS)]


def _covered(windows: list[tuple[int, int]], run: Outcome) -> tuple[tuple[int, int], ...]:
    kept = []
    for start, end in windows:
        inside = min(end, run.end_ns) - max(start, run.start_ns)
        if inside >= COVERED * (end - start):
            kept.append((start, end))
    return tuple(kept)


def _over(
    asked: Asked, ask: Callable[[int, int], float], published: float, unit: str
) -> Answer | str:
    """The median answer over all windows that the figure may mean."""
    values = np.array([ask(start, end) for start, end in asked.windows], np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return "the run did not record this"
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return Answer(published, float(middle), float(low), float(high), unit)


def _liquidations(asked: Asked) -> Answer | str:
    if asked.counted == "fills":
        return _over(asked, lambda start, end: _labelled(asked, start, end), asked.value, "USD")

    def ask(start: int, end: int) -> float:
        return asked.run.liquidated_usd(
            start, end, asset=asked.asset, side=asked.side, venue=asked.venue
        )

    return _over(asked, ask, asked.value, "USD")


def _labelled(asked: Asked, start: int, end: int) -> float:
    """Dollars of fills that Hyperliquid's chain labels as liquidations.

    Both sides of what its vault takes over, and the side that is closed by deleveraging, which is
    as large as the winners'; sales on the book have no such label (``counted.csv``, F0753).
    """
    closed, won = (
        asked.run.closings(start, end, asset=asked.asset, venue=asked.venue, deleveraged=one)
        for one in (False, True)
    )
    taken = closed.filter(pl.col("stage") == "takeover")
    return 2 * float(taken["usd"].sum()) + float(won["usd"].sum())


def _share(asked: Asked) -> Answer | str:
    def ask(start: int, end: int) -> float:
        run, venue = asked.run, asked.venue
        if asked.side == "both":
            part = run.liquidated_usd(start, end, asset=asked.asset, venue=venue)
            whole = run.liquidated_usd(start, end)
        else:
            part = run.liquidated_usd(start, end, asset=asked.asset, side=asked.side, venue=venue)
            whole = run.liquidated_usd(start, end, asset=asked.asset, venue=venue)
        return 100 * part / whole if whole else float("nan")

    if asked.side == "both" and (asked.asset == ALL) is (asked.venue is None):
        return "a share of what is not said"
    return _over(asked, ask, asked.value, "pct")


def _largest(asked: Asked) -> Answer | str:
    def ask(start: int, end: int) -> float:
        return asked.run.largest_usd(start, end, asked.asset, asked.venue)

    return _over(asked, ask, asked.value, "USD")


def _traders(asked: Asked) -> Answer | str:
    def ask(start: int, end: int) -> float:
        return float(asked.run.accounts_liquidated(start, end, asked.venue))

    return _over(asked, ask, asked.value, "count")


def _closed(what: str, deleveraged: bool | None) -> Callable[[Asked], Answer | str]:
    def measure(asked: Asked) -> Answer | str:
        def ask(start: int, end: int) -> float:
            total = 0.0
            if asked.counted == "fills and winners":
                won = asked.run.closings(
                    start, end, asset=asked.asset, venue=asked.venue, deleveraged=True
                )
                return _labelled(asked, start, end) + float(won["usd"].sum())
            for kind in (True, False) if deleveraged is None else (deleveraged,):
                found = asked.run.closings(
                    start, end, asset=asked.asset, venue=asked.venue, deleveraged=kind
                )
                total += float(found["usd"].sum()) if what == "usd" else found.height
            return total

        return _over(asked, ask, asked.value, "USD" if what == "usd" else "count")

    return measure


def _fall_to(kind: str) -> Callable[[Asked], Answer | str]:
    """Falls from the run's first price, of a low, a high or the price at a moment."""

    def measure(asked: Asked) -> Answer | str:
        run, venue = asked.run, asked.venue
        eve = run.eve_price(asked.asset, venue)

        def ask(start: int, end: int) -> float:
            if kind == "point":
                found = run.price(end, asked.asset, venue)
            else:
                found = run.extreme(start, end, asked.asset, venue, low=kind == "low")
            return 100 * (found / eve - 1)

        published = 100 * (asked.value / eve - 1)
        if abs(published) < 100 * LEAST_FALL:
            return "too close to the first price to compare"
        told = _over(asked, ask, published, "pct of the first price")
        if kind == "point" or isinstance(told, str):
            return told
        # What is the lowest at one of these moments is the lowest.
        return replace(told, simulated=told.low if kind == "low" else told.high)

    return measure


def _interest(asked: Asked) -> Answer | str:
    before = _open_before(asked) if asked.figure["metric"] == "open_interest_after" else None
    eve = asked.run.open_interest_usd(asked.run.start_ns, asked.asset, asked.venue)

    def ask(_start: int, end: int) -> float:
        found = asked.run.open_interest_usd(end, asked.asset, asked.venue)
        return found if before is None else 100 * found / eve if eve > 0 else math.nan

    if before is None:
        return _over(asked, ask, asked.value, "USD")
    return _over(asked, ask, 100 * asked.value / before, "pct of what was open")


def _open_before(asked: Asked) -> float | None:
    """Dollars open on the eve where the figure counts, if somebody published them."""
    known = published(metric="open_interest_before", unit="USD", usable=True)
    told = [
        float(one["value"]) for one in known.iter_rows(named=True)
        if one["event"] == asked.figure["event"] and one["value"] is not None
        and (ALL if one["asset"] in ("ALL", "ALL_PERPS") else one["asset"]) == asked.asset
        and venue_of(one["venue"], asked.run) == asked.venue
    ]  # fmt: skip
    return float(np.median(told)) if told else None


def _interest_change(percent: bool) -> Callable[[Asked], Answer | str]:
    def measure(asked: Asked) -> Answer | str:
        eve = None if percent else _open_before(asked)

        def ask(start: int, end: int) -> float:
            run = asked.run
            before, after = (
                run.open_interest_usd(at, asked.asset, asked.venue) for at in (start, end)
            )
            if asked.counted == "coins":
                after *= run.price(start, asked.asset) / run.price(end, asked.asset)
            if not percent and eve is None:
                return after - before
            return 100 * (after / before - 1) if before > 0 else math.nan

        if eve is not None:
            return _over(asked, ask, 100 * asked.value / eve, "pct of what was open")
        return _over(asked, ask, asked.value, "pct" if percent else "USD")

    return measure


def _depth_trough(asked: Asked) -> Answer | str:
    match = re.search(r"within ([\d.]+)%", str(asked.figure["window"]))
    found = asked.run.depth_usd(float(match[1]) / 100 if match else 0.01, asked.asset, asked.venue)
    if not len(found):
        return "the run did not record this"
    low = float(found.min())
    return Answer(asked.value, low, low, low, "USD")


def _depth_change(asked: Asked) -> Answer | str:
    asset = "BTC" if asked.asset == ALL else asked.asset
    found = asked.run.depth_usd(0.01, asset, asked.venue)
    if not len(found) or not found[0]:
        return "the run did not record this"
    change = 100 * float(found.min() / found[0] - 1)
    return Answer(asked.value, change, change, change, "pct")


METRICS: Mapping[tuple[str, str], Callable[[Asked], Answer | str]] = {
    ("liquidations", "USD"): _liquidations,
    ("liq_share", "pct"): _share,
    ("liq_largest_order", "USD"): _largest,
    ("liq_traders", "count"): _traders,
    ("liq_events", "count"): _closed("count", False),
    ("adl_events", "count"): _closed("count", True),
    ("adl_amount", "USD"): _closed("usd", True),
    ("forced_closures", "USD"): _closed("usd", None),
    ("price_low", "USD"): _fall_to("low"),
    ("price_high", "USD"): _fall_to("high"),
    ("price_after", "USD"): _fall_to("point"),
    ("price_spot", "USD"): _fall_to("point"),
    ("price_before", "USD"): _fall_to("point"),
    ("open_interest", "USD"): _interest,
    ("open_interest_before", "USD"): _interest,
    ("open_interest_after", "USD"): _interest,
    ("oi_change", "USD"): _interest_change(percent=False),
    ("oi_change_pct", "pct"): _interest_change(percent=True),
    ("depth_trough", "USD"): _depth_trough,
    ("depth_change_pct", "pct"): _depth_change,
}
