"""A cause that is a flow of dollars: how large it was, and how far it can have moved the price."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from undertow.claims.reconcile.cause_funds import flow_on_tape
from undertow.claims.reconcile.cause_moves import Move, Parts
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Statement
from undertow.claims.reconcile.tape_prices import (
    Floats,
    TapePrices,
    Times,
    day_start,
)
from undertow.measures.as_of import DAY_NS, HOUR_NS
from undertow.measures.impact import DepthCurve, Interval
from undertow.model.periods import duration_ns
from undertow.tape import Tape

# Assumed: the law's constant is "of order 1" (Tóth et al., Physical Review X 1, 021006, 2011; on
# bitcoin: Donier and Bonart, arXiv 1412.4503, 2015), read as half to one and a half.
PREFACTOR = Interval(0.5, 1.0, 1.5)
# Assumed: all venues together trade from as much as the tape's to three times as much.
UNSEEN = 3.0
DAYS = 30  # over which the market's own volume and volatility are measured
_FEWEST_DAYS = 7
_BAND = (10.0, 50.0, 90.0)  # percentiles over those days

_LENGTHS = ("1h", "4h", "24h", "7d", "30d")
_FUNDS = re.compile(r"\b(etfs?|exchange-traded|spot funds?|funds?|(out|in)flows?)\b", re.IGNORECASE)
_FORCED = re.compile(
    r"\b(liquidat\w*|forced (sell\w*|sales?|clos\w+)|margin calls?|delever\w*|unwind\w*)\b",
    re.IGNORECASE,
)
_TRADES = re.compile(
    r"\b(s[eo]ld?|sell(s|ing|-?offs?)?|sales?|dump\w*|offload\w*|profit-taking|b(uy|ought)\w*"
    r"|purchas\w*|accumulat\w*)\b",
    re.IGNORECASE,
)


class Flow(NamedTuple):
    """Dollars that were sold (below 0) or bought, in words, and from when to when."""

    usd: float
    name: str
    span: tuple[int, int] | None
    is_fund: bool


class Impact(NamedTuple):
    """The fall that the first dollar brings about by the square-root law, and from which days."""

    one_dollar: Interval
    days: int

    def percent(self, usd: float) -> Interval:
        """The move that a flow brings about, in percent of the price (a size)."""
        root = abs(usd) ** 0.5
        return Interval(*(100 * min(fall * root, 1.0) for fall in self.one_dollar))


IsOne = Callable[[Statement, Move], bool]


def figures_for(parts: Parts) -> IsOne | None:
    """Which figures can be the size of a cause; None where its words name no flow."""
    kinds = ((_FORCED, _is_closing), (_FUNDS, is_fund_flow), (_TRADES, _is_trade))
    return next((is_one for words, is_one in kinds if words.search(parts.cause_text)), None)


def _is_closing(item: Statement, move: Move) -> bool:
    side = "long" if move.percent < 0 else "short"
    return (
        item.family == "liquidations"
        and item.claim.unit == "USD"
        and item.aspect in (side, "both")
        and item.subject in ("ALL", move.coin)
        and item.claim.kind != "forecast"
    )


def is_fund_flow(item: Statement, move: Move) -> bool:
    """Whether a figure is a flow of the funds of the coin that moved."""
    return (
        item.family == "etf flow"
        and item.claim.unit in ("USD", move.coin)
        and item.subject in ("ALL", move.coin)
    )


def _is_trade(item: Statement, move: Move) -> bool:
    is_traded = item.family == "treasury" and item.aspect in ("sold", "bought")
    return is_traded and item.claim.unit in ("USD", move.coin)


def told_flow(
    item: Statement, parts: Parts, own_text: Sequence[Statement], move: Move, is_one: IsOne
) -> Flow | None:
    """The figure in the cause's words, else in its sentence, else the nearest in its text."""
    mine = [other for other in own_text if other.value and is_one(other, move)]
    inside = [i for i in mine if parts.cause[0] <= i.claim.start < parts.cause[1]]
    chosen = inside or [i for i in mine if i.context == item.context] or mine
    if not chosen:
        return None
    # The coin's own before the whole market's, then the nearest.
    best = min(chosen, key=lambda i: (i.subject != move.coin, abs(i.claim.start - parts.cause[0])))
    return _flow(best, move, "the text")


def flow_elsewhere(
    episode: str | None, statements: Sequence[Statement], move: Move, is_one: IsOne
) -> Flow | None:
    """The largest that other texts give for the time of the move.

    None for sales: one that another text tells of may be anybody's.
    """
    near = [
        i
        for i in statements
        if i.value and i.same_as is None and i.span is not None and i.episode == episode
        and i.span[0] < move.end_ns + DAY_NS and i.span[1] > move.start_ns and is_one(i, move)
    ]  # fmt: skip
    if not near or is_one is _is_trade:
        return None
    best = max(near, key=lambda i: (i.subject == move.coin, abs(i.value)))
    return _flow(best, move, best.publisher)


def _flow(found: Statement, move: Move, source: str) -> Flow:
    """The figure in dollars, with the sign of what was traded, and its words."""
    price = float(move.market.close_before(np.array([move.start_ns]))[0])
    usd = abs(found.value) * (1.0 if found.claim.unit == "USD" else price)
    size = shown(abs(found.value), found.claim.unit)
    is_fund = found.family == "etf flow"
    if is_fund:
        sign = 1.0 if found.value > 0 else -1.0
        name = f"fund {'in' if sign > 0 else 'out'}flows of {size}"
    elif found.family == "treasury":
        sign = 1.0 if found.aspect == "bought" else -1.0
        name = f"{'purchase' if sign > 0 else 'sale'} of {size}"
    else:
        sign = 1.0 if move.percent > 0 else -1.0
        side = "" if found.aspect == "both" else f" {found.aspect}"
        whose = "of the whole market" if found.subject == "ALL" else f"in {found.subject}"
        name = f"{size} of forced{side} closings {whose}"
    is_length = found.window in _LENGTHS
    name += f" in {found.window}" if is_length else ""
    return Flow(sign * usd, f"{name} ({source})", _whole_span(found), is_fund)


def _whole_span(found: Statement) -> tuple[int, int] | None:
    """When the flow can have been: back to the start of the window that it sums up.

    None for a holder's sale without a window: it is told after it was made.
    """
    if found.span is None or (found.family == "treasury" and found.window not in _LENGTHS):
        return None
    window = found.window or ("24h" if found.family == "liquidations" else "")
    if window in _LENGTHS:
        return found.span[0] - duration_ns(window), found.span[1]
    return day_start(found.span[0]), found.span[1]


def fund_flow(move: Move, tape: Tape) -> Flow | None:
    """What the funds of a coin took in over the days of a move, as the tape has it."""
    found = flow_on_tape(move, tape)
    if found is None:
        return None
    way = "in" if found.usd > 0 else "out"
    name = f"fund {way}flows of {shown(abs(found.usd), 'USD')} (the tape)"
    return Flow(found.usd, name, found.span, is_fund=True)


def impact_of(move: Move, prices: TapePrices) -> Impact | None:
    """How far flows moved a market on the 30 days before a move, by the square-root law.

    For each day: constant x volatility x sqrt(flow / volume), with the volatility of hourly
    returns and the volume of all venues on the tape. The middle is the median day; the ends are
    the tenth and ninetieth percentile, together with the ends of the constant and, at the low
    end, with three times the volume (other venues).

    Returns
    -------
    Impact or None
        None where fewer than 7 days have volume.
    """
    last = day_start(move.start_ns)
    starts = last - DAY_NS * np.arange(DAYS, 0, -1)
    volumes = _volumes(prices, move.coin, starts)
    rough = _volatilities(move, starts)
    good = (volumes > 0) & np.isfinite(rough) & (rough > 0)
    if int(good.sum()) < _FEWEST_DAYS:
        return None
    days = list(zip(rough[good].tolist(), volumes[good].tolist(), strict=True))
    ends = (
        (PREFACTOR.low, UNSEEN, _BAND[0]),
        (PREFACTOR.middle, 1.0, _BAND[1]),
        (PREFACTOR.high, 1.0, _BAND[2]),
    )
    falls = [
        np.percentile([DepthCurve.square_root(sigma, volume * more, prefactor=constant).fall(1.0)
                       for sigma, volume in days], band)
        for constant, more, band in ends
    ]  # fmt: skip
    return Impact(Interval(*map(float, falls)), len(days))


def _volumes(prices: TapePrices, coin: str, starts: Times) -> Floats:
    """Dollars traded on each day at all venues of the tape; 0 where it has none.

    Of each venue the symbol with most counts: a tape can have one market under two names.
    """
    most: dict[str, Floats] = {}
    for market in prices.markets.get(coin.upper(), []):
        usd = np.nan_to_num(market.volume * market.close)
        inside = (market.start >= starts[0]) & (market.end <= starts[-1] + DAY_NS)
        place = (market.start[inside] - starts[0]) // DAY_NS
        by_day = np.bincount(place, usd[inside], minlength=len(starts))
        venue = market.name.split(" ")[0]
        most[venue] = np.maximum(most.get(venue, 0.0), by_day)
    return np.asarray(sum(most.values(), np.zeros(len(starts))))


def _volatilities(move: Move, starts: Times) -> Floats:
    """The root of the sum of squared hourly log returns of each day; NaN where hours lack."""
    hours = starts[:, None] + HOUR_NS * np.arange(25)
    market = move.market
    close = market.close_before(hours.ravel(), HOUR_NS).reshape(hours.shape)
    found: Floats = np.sqrt(np.sum(np.diff(np.log(close), axis=1) ** 2, axis=1))
    return found
