"""Changes of a price on a tape: by which definition, and when, a printed percentage held."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.claims.reconcile.tape_prices import (
    PRICE_SLACK,
    Floats,
    Found,
    Market,
    TapePrices,
    Times,
    clock,
    day_start,
    evidence,
)
from undertow.measures.as_of import DAY_NS
from undertow.model.periods import duration_ns

# Assumed: two sources of one change differ by so many percentage points.
CHANGE_SLACK = 0.15


_OF_A_DAY = ("24h", "day to then", "open to low", "high to low", "day")
_LONGER = ("7d", "30d", "since high", "14d high to low")
_SHORT = ("1h", "4h", "24h", "day")
_SINCE_HIGH = re.compile(
    r"\b(since|from|off|below|under|beneath|nether)\b[^.]{0,60}\b(highs?|precocious|peaks?|records?"
    r"|ath|tops?)\b",
    re.IGNORECASE,
)
_RUNNING = ("from the day's open to its low", "from the high of 24h to the low")


@dataclass(frozen=True)
class Measured:
    """A change by one definition at many moments, in percent."""

    name: str
    times: Times
    percent: Floats


def judge_change(
    statement: Statement, prices: TapePrices, companion: Statement | None = None
) -> Found | None:
    """A percentage against the candles: by the window it names, then by other definitions.

    Parameters
    ----------
    companion
        A price of the same sentence: the moment is then sought where both hold.
    """
    span = statement.span
    if span is None or statement.claim.unit != "pct":
        return None
    markets = prices.of(statement.subject, span)
    if not markets:
        return None
    market = markets[0]
    declared, others = _definitions(statement)
    tries: tuple[tuple[Sequence[str], int, Verdict, str], ...] = (
        (declared, 0, "consistent", "time"),
        (declared, DAY_NS // 2, "explained", "as-of"),
        (others, 0, "explained", "window"),
    )
    for names, extra, verdict, by in tries:
        for name in names:
            found = _measure(name, markets, (span[0] - extra, span[1] + extra))
            if found and (hit := _held(found, statement, market, companion)):
                text, value, first, last = hit
                return verdict, evidence(text, by, value, first, last)
    if statement.claim.kind == "historical":
        return None  # of a stretch that only the text knows
    never = _never(declared or others, markets, span, statement)
    if never is None:
        return None
    told = _with_longer(never[1], markets, span, statement)
    if "window missing" in statement.claim.flags:  # nothing is contradicted by a guessed window
        text = f"{told.text}; the text names no window"
        return "unsupported", msgspec.structs.replace(told, text=text)
    return never[0], told


def _with_longer(
    found: Evidence, markets: Sequence[Market], span: tuple[int, int], statement: Statement
) -> Evidence:
    """What is contradicted for a day, with the longer window that has the figure, if any."""
    for name in _LONGER if _is_of_one_day(statement) else ():
        longer = _measure(name, markets, span)
        if longer and _held(longer, statement, markets[0], None):
            return msgspec.structs.replace(found, text=f"{found.text}; the {longer.name} has it")
    return found


def _definitions(statement: Statement) -> tuple[list[str], list[str]]:
    """What the window names, and what else a text may have meant."""
    window = statement.window
    words = (window or "").lower()
    everything = _OF_A_DAY if _is_of_one_day(statement) else (*_OF_A_DAY, *_LONGER)
    if window in ("1h", "4h", "24h", "7d", "30d"):
        declared = [window]
    elif window == "day":
        declared = ["day to then", "open to low", "day"]
    elif any(word in words for word in ("since", "ath", "high", "peak")):
        return ["since high"], []
    else:
        declared = []
    return declared, [name for name in everything if name not in declared]


def _is_of_one_day(statement: Statement) -> bool:
    """Whether a text says that the change is one of a day or less; "from its high" says more."""
    is_said = statement.window in _SHORT and "window missing" not in statement.claim.flags
    return is_said and not _SINCE_HIGH.search(statement.context)


def _measure(name: str, markets: Sequence[Market], span: tuple[int, int]) -> Measured | None:
    market = markets[0]
    part = market.between(*span)
    times, close = market.end[part], market.close[part]
    if not len(times):
        return None
    if name[:-1].isdigit():
        before = market.close_before(times - duration_ns(name))
        return Measured(f"change over {name}", times, 100 * (close / before - 1))
    if name == "since high":
        longest = min(markets, key=lambda other: int(other.start[0]))
        earlier = longest.high[: longest.between(0, int(times[0])).stop]
        reached = float(earlier.max()) if len(earlier) else 0.0
        top = np.maximum(np.maximum.accumulate(market.high[part]), reached)
        return Measured("distance from the high of 120 days", times,
                        100 * (market.low[part] / top - 1))  # fmt: skip
    days = np.asarray(day_start(0) + (times - 1) // DAY_NS * DAY_NS)
    opened = market.close_before(days)
    if name == "day to then":
        return Measured("change since midnight UTC", times, 100 * (close / opened - 1))
    if name == "day":
        over = times % DAY_NS == 0
        return Measured("change of the UTC day", times[over], 100 * (close / opened - 1)[over])
    lows = np.array([market.low[market.between(int(d), int(t))].min() for d, t in
                     zip(days, times, strict=True)])  # fmt: skip
    if name == "open to low":
        return Measured("from the day's open to its low", times, 100 * (lows / opened - 1))
    days_back = 14 if name.startswith("14d") else 1
    back = days_back * DAY_NS
    highs = np.array([market.high[market.between(int(t) - back, int(t))].max() for t in times])
    if days_back > 1:
        lows = market.low[part]
        return Measured("from the high of 14 days to the low", times, 100 * (lows / highs - 1))
    return Measured("from the high of 24h to the low", times, 100 * (lows / highs - 1))


def _held(
    found: Measured, statement: Statement, market: Market, companion: Statement | None
) -> tuple[str, float, int, int] | None:
    wanted = statement.allowed
    hit = (found.percent >= wanted.low - CHANGE_SLACK) & (
        found.percent <= wanted.high + CHANGE_SLACK
    )
    if not hit.any() and found.name in _RUNNING and len(found.percent) > 1:
        # A running fall passes every value between one bar and the next.
        passed = (found.percent[1:] < wanted.low) & (found.percent[:-1] > wanted.high)
        hit[1:] = passed & (np.diff(found.times // DAY_NS) == 0)
    if not hit.any():
        return None
    both = hit & _near(found.times, market, companion) if companion is not None else hit
    chosen = np.flatnonzero(both if both.any() else hit)
    best = chosen[int(np.argmin(np.abs(found.percent[chosen] - statement.value)))]
    first, last = int(found.times[chosen[0]]), int(found.times[chosen[-1]])
    text = (
        f"{market.name}: {found.name} was {found.percent[best]:+.2f} % at"
        f" {clock(found.times[best])} (price {shown(_price(market, int(found.times[best])))})"
    )
    if companion is not None and both.any():
        text += f", when the price was near {shown(companion.value)}"
    return text, float(found.percent[best]), first, last


def _near(times: Times, market: Market, companion: Statement) -> npt.NDArray[np.bool_]:
    close = market.close_before(times)
    near: npt.NDArray[np.bool_] = np.abs(close / companion.value - 1) <= PRICE_SLACK
    return near


def _price(market: Market, at_ns: int) -> float:
    return round(float(market.close_before(np.array([at_ns]))[0]), 6)


def _never(
    names: Sequence[str], markets: Sequence[Market], span: tuple[int, int], statement: Statement
) -> Found | None:
    market = markets[0]
    for name in names:
        found = _measure(name, markets, span)
        if found and len(found.times) and np.isfinite(found.percent).any():
            nearest = int(np.nanargmin(np.abs(found.percent - statement.value)))
            value = float(found.percent[nearest])
            text = (
                f"{market.name}: {found.name} was between {np.nanmin(found.percent):+.1f} % and"
                f" {np.nanmax(found.percent):+.1f} %; nearest {value:+.2f} % at"
                f" {clock(found.times[nearest])}"
            )
            return "contradicted", evidence(text, "value", value, *span)
    return None
