"""Prices on a tape: where, and when, a printed price, low or high held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.claims.reconcile.ranges import Range, shown
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.measures.as_of import DAY_NS, HOUR_NS, as_of_span
from undertow.measures.bars import bars
from undertow.measures.published import event_days
from undertow.model.assets import VENUES, venue_name
from undertow.model.periods import time_ns, time_text
from undertow.tape import Tape

Found = tuple[Verdict, Evidence]
Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

# Assumed: venues and aggregators differ by so much (fraction; that of wicks).
PRICE_SLACK = 0.003
_LOW_SLACK = 0.005
# Assumed: "under X" is printed of lows down to so far below; indices that average venues cut a
# wick by up to so much more.
_WICK = 0.08
_AVERAGED_WICK = 0.3
_RECENT_DAYS = 4  # "Sunday's spike", in a text of Tuesday or Wednesday
_JUST_OVER = 0.03  # assumed: "just over X" is no further from it
_WHOLE = 0.8  # a market with more gaps than that may have missed a low
_STALE_NS = 6 * HOUR_NS  # assumed: a low that held so shortly before is no contradiction
_BACK_NS = 120 * DAY_NS
_AHEAD_NS = 7 * DAY_NS  # to see what became of a forecast
_AVERAGING = ("index", "coingecko", "coinmarketcap", "oracle", "rate")


@dataclass(frozen=True)
class Market:
    """Candles of one market as arrays."""

    name: str
    start: Times
    end: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @property
    def step_ns(self) -> int:
        """Length of its last candle."""
        return int(self.end[-1] - self.start[-1])

    def between(self, start_ns: int, end_ns: int) -> slice:
        """The candles that touch a stretch of time."""
        first = int(np.searchsorted(self.end, start_ns, side="right"))
        return slice(first, int(np.searchsorted(self.start, end_ns, side="left")))

    def covered(self, part: slice, span: tuple[int, int]) -> float:
        """Fraction of a span, as far as the tape reaches, that these candles cover."""
        length = int((self.end[part] - self.start[part]).sum())
        return length / max(min(span[1], int(self.end[-1])) - span[0], 1)

    def close_before(self, moments: Times, within_ns: int | None = None) -> Floats:
        """The last close known at each moment; NaN before the first, or where it is older."""
        at = np.searchsorted(self.end, moments, side="right") - 1
        known = at >= 0
        if within_ns is not None:
            known &= moments - self.end[np.maximum(at, 0)] <= within_ns
        return np.where(known, self.close[np.maximum(at, 0)], np.nan)


class TapePrices:
    """The markets of a tape around the times that statements are about."""

    def __init__(self, tape: Tape, statements: Sequence[Statement]) -> None:
        """Reads the candles from 120 days before the first statement to a week after the last."""
        self.statements = [item for item in statements if item.family == "price"]
        spans = [item.span for item in statements if item.span is not None] or [(0, 1)]
        start = min(span[0] for span in spans) - _BACK_NS
        found = bars(
            tape,
            start=start,
            at=max(span[1] for span in spans) + _AHEAD_NS,
            kinds=("perp", "spot", "dated", "equity"),
        )
        whole = found.drop_nulls(["open", "high", "low"])
        self.markets: dict[str, list[Market]] = {}
        for part in whole.partition_by("asset", "venue", "symbol", maintain_order=True):
            asset = str(part["asset"][0]).upper()
            self.markets.setdefault(asset, []).append(_market(part))
        for markets in self.markets.values():
            markets.sort(key=lambda market: (-len(market.start), market.name))

    def of(self, asset: str, span: tuple[int, int]) -> list[Market]:
        """Markets of an asset with candles in a span, the finest first; none that has gaps."""
        known = self.markets.get(asset.upper(), [])
        inside = [(market.between(*span), market) for market in known]
        found = [
            (part.stop - part.start, market)
            for part, market in inside
            if part.stop > part.start and market.covered(part, span) >= _WHOLE
        ]
        return [market for _, market in sorted(found, key=lambda item: (-item[0], item[1].step_ns))]

    def around(self, asset: str, statement: Statement) -> tuple[float, float] | None:
        """Lowest and highest price from a day before a statement's time to a day after."""
        if statement.span is None:
            return None
        wide = (statement.span[0] - DAY_NS, statement.span[1] + DAY_NS)
        markets = self.of(asset, wide)
        if not markets:
            return None
        part = markets[0].between(*wide)
        return float(markets[0].low[part].min()), float(markets[0].high[part].max())


def _market(part: pl.DataFrame) -> Market:
    start, end = (part[name].cast(pl.Int64).to_numpy() for name in ("ts", "end"))
    columns = [part[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    return Market(f"{part['venue'][0]} {part['symbol'][0]}", start, end, *columns)


def judge_price(statement: Statement, prices: TapePrices) -> Found | None:
    """A price against the candles; None where the tape has none for it."""
    span = statement.span
    if span is None or statement.claim.unit != "USD":
        return None
    markets = prices.of(statement.subject, span)
    if not markets:
        return None
    if statement.aspect in ("low", "high"):
        return _extreme(statement, span, markets)
    if statement.aspect == "level" and statement.claim.qualifier in ("<", "<="):
        return _crossed(statement, span, markets[0])
    return _traded(statement, span, markets[0])


def evidence(text: str, by: str, value: float, start_ns: int, end_ns: int) -> Evidence:
    """What was measured, and from when to when it held."""
    return Evidence(kind="tape", text=text, by=by, value=float(value),
                    start=time_text(int(start_ns)), end=time_text(int(end_ns)))  # fmt: skip


def _traded(statement: Statement, span: tuple[int, int], market: Market) -> Found:
    """Whether, and when, the price was there."""
    wanted = statement.allowed
    reach = 8 * DAY_NS if statement.aspect == "before" else 0
    tries: tuple[tuple[int, Verdict, str], ...] = (
        (reach, "consistent", "time"), (2 * DAY_NS, "explained", "as-of"),
    )  # fmt: skip
    for extra, verdict, by in tries:
        part = market.between(span[0] - extra, span[1] + (extra if by == "as-of" else 0))
        low, high = market.low[part], market.high[part]
        hit = (low <= wanted.high * (1 + PRICE_SLACK)) & (high >= wanted.low * (1 - PRICE_SLACK))
        times = np.flatnonzero(hit)
        if len(times):
            first, last = market.start[part][times[0]], market.end[part][times[-1]]
            when = "there" if by == "time" else "not at that time, but"
            text = f"{market.name} traded {when} between {clock(first)} and {clock(last)}"
            value = market.close[part][times[0]]
            return verdict, evidence(text, by, value, first, last)
    part = market.between(*span)
    lowest, highest = float(market.low[part].min()), float(market.high[part].max())
    text = f"{market.name} was between {shown(lowest)} and {shown(highest)} at that time"
    near = lowest if wanted.high < lowest else highest
    return "contradicted", evidence(text, "value", near, *span)


def _crossed(statement: Statement, span: tuple[int, int], market: Market) -> Found:
    """Whether the price fell below a level, and when first."""
    part = market.between(day_start(span[0]), span[1])
    level = statement.value
    below = np.flatnonzero(market.low[part] < level)
    if len(below):
        at = market.start[part][below[0]]
        text = f"{market.name} first traded below {shown(level)} at {clock(at)}"
        return "consistent", evidence(text, "time", market.low[part][below[0]], at, at)
    wide = market.between(span[0] - 2 * DAY_NS, span[1] + DAY_NS)
    elsewhere = np.flatnonzero(market.low[wide] < level)
    if len(elsewhere):
        times = market.start[wide][elsewhere]
        is_before = bool(times[0] < span[0])
        chosen = elsewhere[times < span[0]][-1] if is_before else elsewhere[0]
        at, word = market.start[wide][chosen], "last" if is_before else "first"
        text = f"{market.name} was below {shown(level)} not then, but {word} at {clock(at)}"
        return "explained", evidence(text, "as-of", market.low[wide][chosen], at, at)
    lowest = int(np.argmin(market.low[part]))
    at, low = market.start[part][lowest], float(market.low[part][lowest])
    text = f"{market.name} fell to {shown(low)} at {clock(at)}, not below {shown(level)}"
    near = low <= level * (1 + PRICE_SLACK)
    return ("explained" if near else "contradicted"), evidence(text, "venue", low, at, at)


def _extreme(statement: Statement, span: tuple[int, int], markets: Sequence[Market]) -> Found:
    """A low (high) against the running low (high) of each venue: right at some time of the span."""
    results = [_running(statement, span, market) for market in markets]
    right = [found for found in results if found[0] == "consistent"]
    if right:
        return right[0]
    explained = [found for found in results if found[0] == "explained"]
    return explained[0] if explained else results[0]


def _running(statement: Statement, span: tuple[int, int], market: Market) -> Found:
    is_low = statement.aspect == "low"
    values_of = market.low if is_low else market.high
    start, end = span
    if "ath" in (statement.claim.window or "").lower():
        start = int(market.start[0])
    elif statement.window in ("event", "low") and statement.episode:
        start = min(day_start(start), time_ns(event_days(statement.episode)[0].isoformat()))
    elif statement.window in ("24h", "event", None, "low"):
        start = min(day_start(start), end - DAY_NS)
    else:
        start = day_start(start)
    part = market.between(start, end)
    so_far = (np.minimum if is_low else np.maximum).accumulate(values_of[part])
    times = market.start[part]
    wanted, name = statement.allowed, "low" if is_low else "high"
    extreme = float(so_far[-1])
    at = int(times[int(np.argmax(so_far == extreme))])
    whole = f"{market.name}: {name} of {shown(extreme)} at {clock(at)}"
    if _meets(statement, extreme):
        return "consistent", evidence(whole, "time", extreme, at, at)
    stood = _hits(so_far, wanted) if statement.claim.qualifier not in (">", ">=") else []
    asked = [n for n in stood if times[n] >= span[0]]
    is_over = (known := as_of_span(statement.published)) and known[0] >= span[1] - HOUR_NS
    if stood:
        first, last = times[stood[0]], market.end[part][stood[-1]]
        text = (
            f"{market.name}: the {name} so far from {clock(first)} to {clock(last)};"
            f" later {shown(extreme)} at {clock(at)}"
        )
        is_recent = bool(asked) or span[0] - int(market.end[part][stood[-1]]) < _STALE_NS
        verdict: Verdict = "explained" if is_recent and not is_over else "contradicted"
        return verdict, evidence(text, "as-of", float(so_far[stood[0]]), first, last)
    if statement.claim.qualifier not in (">", ">=") and (day := _of_another_day(statement, market)):
        return "explained", day
    gap = wanted.low / extreme - 1 if is_low else 1 - wanted.high / extreme
    venue = (statement.claim.venue or "").lower()
    if 0 < gap <= _AVERAGED_WICK and any(word in venue for word in _AVERAGING):
        text = f"{whole}; averages over venues cut wicks"
        return "explained", evidence(text, "venue", extreme, at, at)
    if _is_elsewhere(statement, market):
        text = f"{whole}; {statement.claim.venue} is not on the tape"
        return "explained", evidence(text, "venue", extreme, at, at)
    return "contradicted", evidence(whole, "value", extreme, at, at)


def _of_another_day(statement: Statement, market: Market) -> Evidence | None:
    """The low (high) of one of the last days, or the record, when a text gives it undated."""
    is_low = statement.aspect == "low"
    until = market.between(0, statement.span[1] if statement.span else 0)
    days = market.start[until] // DAY_NS
    if not len(days):
        return None
    edges = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    values = (market.low if is_low else market.high)[until]
    extremes = (np.minimum if is_low else np.maximum).reduceat(values, edges)
    record = int(np.argmin(extremes) if is_low else np.argmax(extremes))
    last = len(extremes) - 1
    recent = range(last, max(last - _RECENT_DAYS, -1), -1)
    chosen = next((n for n in (*recent, record) if _meets(statement, float(extremes[n]))), None)
    if chosen is None:
        return None
    at = int(days[edges[chosen]]) * DAY_NS
    name = "low" if is_low else "high"
    text = f"{market.name}: the {name} of {time_text(at)[:10]}, {shown(float(extremes[chosen]))}"
    return evidence(text, "as-of", float(extremes[chosen]), at, at + DAY_NS)


def _is_elsewhere(statement: Statement, market: Market) -> bool:
    """Whether the statement names an exchange, and the market is another's."""
    named = venue_name((statement.claim.venue or "").split(" ")[0])
    venue = market.name.split(" ")[0]
    return named in VENUES and named.split("-")[0] != venue.split("-")[0]


def _meets(statement: Statement, extreme: float) -> bool:
    """Whether a low or high is the figure; "under" and "over" are taken by the word."""
    value, qualifier = statement.value, statement.claim.qualifier
    if qualifier in ("<", "<=") and statement.aspect == "low":
        return value * (1 - _WICK) <= extreme < value * (1 + PRICE_SLACK / 3)
    if qualifier in (">", ">=") and statement.aspect == "low":
        return value <= extreme <= value * (1 + _JUST_OVER)
    return statement.allowed.holds(extreme, _LOW_SLACK)


def _hits(values: Floats, wanted: Range) -> list[int]:
    low, high = wanted.low * (1 - PRICE_SLACK), wanted.high * (1 + PRICE_SLACK)
    return [int(n) for n in np.flatnonzero((values >= low) & (values <= high))]


def day_start(moment_ns: int) -> int:
    """Midnight UTC before a moment."""
    return moment_ns // DAY_NS * DAY_NS


def clock(moment_ns: int | np.int64) -> str:
    """A moment to the minute."""
    return time_text(int(moment_ns))[:16] + "Z"
