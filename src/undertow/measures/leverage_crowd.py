"""A market's crowd of positions with leverage, followed through its bars.

The crowd is kept in units of a day's turnover of its market. What was there before the first bar
is the state that a market at rest would have reached (``resting_stock``), for several typical
ranges; which of them counts is weighed by the range that has been seen so far.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from undertow.kernels.liquidation_levels import pass_over
from undertow.measures.leverage_bars import HOUR_NS, Bars
from undertow.measures.leverage_interest import (
    Market,
    Positions,
    Series,
    long_share,
    positions,
    usual_per_turnover,
)
from undertow.measures.leverage_parameters import (
    FIRST_TYPICAL,
    FIRST_TYPICAL_OTHERS,
    Floats,
    Parameters,
)

BIN_WIDTH = 0.002
DAY_NS = 24 * HOUR_NS
# Bins below the lowest and above the highest price hold every liquidation price the kernel knows.
_BELOW, _ABOVE = 3.1, 1.5
# Days that the first guess of a typical range counts for.
_GUESS_DAYS = 1.0
# Standard deviation of a day's return over its typical range: a Brownian path has a mean range of
# 1.6 standard deviations (Feller 1951, "The asymptotic distribution of the range of sums").
_DEVIATION_PER_RANGE = 1 / 1.6
_RESTING_RANGES = (0.015, 0.03, 0.06, 0.12)
# Real markets move in bursts and leave less near the price than a steady walk does; and ranges are
# skewed, so that a mean of few is mostly too low. With these three, estimates begun on a day agree
# in the median with those begun long before (BTC and ETH, 2022 to 2025, a beginning every 45 days).
_RESTING_SHARE = 0.8
_FEW_DAYS_TOO_LOW, _FEW_DAYS = 0.12, 12.0
_LONGEST_SEEN_GAP_NS = 6 * HOUR_NS
# Turnover a day where a market's volume was never recorded, in USD.
ASSUMED_TURNOVER = 2.4e7


@dataclasses.dataclass(frozen=True)
class Crowd:
    """What a market's bars did to its crowd; side 0 is long, 1 is short.

    Attributes
    ----------
    liquidated_usd
        Notional liquidated, by bar and side.
    stock_usd
        Notional that stood after each bar, by side.
    levels_usd
        The stock at the end by side, bin and class.
    first_bin
        Bin of the first row of ``levels_usd``; bins are ``BIN_WIDTH`` wide in log price.
    typical, turnover
        Typical daily range (logarithm) and average turnover (USD a day) at the end.
    """

    bars: Bars
    liquidated_usd: Floats
    stock_usd: Floats
    levels_usd: Floats
    first_bin: int
    typical: float
    turnover: float
    positions: Positions


def follow(
    bars: Bars,
    interest: Mapping[Market, Series],
    funding: Mapping[Market, Series],
    parameters: Parameters,
    *,
    usual: Series | None = None,
) -> Crowd:
    """Follow the crowd of one market through its bars; see `positions` for ``usual``."""
    days = _days(bars)
    prices = np.log(bars.prices)
    span = prices[:, 1] - prices[:, 2]
    ranges = span / np.sqrt(days)
    typical = _typical(bars, ranges, days, parameters)
    rates, average = _turnover(bars, days, parameters)
    seen = positions(bars, average, interest, parameters, usual=usual)
    weight = parameters.turnover_now
    opened = days * average ** (1 - weight) * rates**weight * seen.ratio + seen.opened_usd
    share = long_share(
        bars, _trend(prices, typical, days), funding.get((bars.venue, bars.symbol)), parameters
    )
    before_ns = np.concatenate([bars.start_ns[:1], bars.end_ns[:-1]])
    steps = np.column_stack(
        [
            (bars.end_ns - before_ns) / DAY_NS, opened, typical, share, seen.kept,
            bars.start_ns - before_ns > _LONGEST_SEEN_GAP_NS,
        ]
    ).astype(np.float64)  # fmt: skip
    crossed, stock, levels, first_bin = _run(prices, steps, parameters)
    per_unit = _source_weights(ranges, days, typical[0]) * _mean_so_far(opened, days)[:, None]
    weights = np.column_stack([np.ones(len(days)), per_unit])
    speed = np.maximum(ranges / typical, 0.0)
    urgency = np.minimum(parameters.urgency_share * speed**parameters.urgency_power, 1.0)
    urgency = urgency * np.maximum(days * 24, 1.0) ** parameters.coarse_power
    return Crowd(
        bars=bars,
        liquidated_usd=np.einsum("ts,tsk->tk", weights, crossed) * urgency[:, None],
        stock_usd=np.einsum("ts,tsk->tk", weights, stock),
        levels_usd=np.einsum("s,abks->abk", weights[-1], levels),
        first_bin=first_bin,
        typical=float(_next(typical, ranges, days, parameters.typical_days)),
        turnover=float(average[-1]),
        positions=seen,
    )


def usual_open_interest(
    bars: Iterable[Bars], interest: Mapping[Market, Series], parameters: Parameters
) -> Series:
    """Open interest per turnover on a tape so far, see `usual_per_turnover`."""
    turnover = ((one, _turnover(one, _days(one), parameters)[1]) for one in bars)
    return usual_per_turnover(turnover, interest, parameters)


def _days(bars: Bars) -> Floats:
    return (bars.end_ns - bars.start_ns) / DAY_NS


def _typical(bars: Bars, ranges: Floats, days: Floats, parameters: Parameters) -> Floats:
    """Typical daily range known before each bar."""
    guess = FIRST_TYPICAL.get(bars.asset, FIRST_TYPICAL_OTHERS)
    known = _average(ranges, days, parameters.typical_days, guess, _GUESS_DAYS)
    before: Floats = np.concatenate([[guess], known[:-1]])
    elapsed = np.cumsum(days) - days
    lifted = before * (1 + _FEW_DAYS_TOO_LOW * 0.5 ** (elapsed / _FEW_DAYS))
    return np.maximum(lifted, 0.002)


def _next(typical: Floats, ranges: Floats, days: Floats, half_life: float) -> float:
    """The typical range after the last bar, once there is enough of a past to forget the start."""
    fade = 0.5 ** (days[-1] / half_life)
    return float(max(typical[-1] * fade + ranges[-1] * (1 - fade), 0.002))


def _turnover(bars: Bars, days: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
    """Turnover of each bar and its average so far, in USD a day."""
    rates = bars.turnover_usd / days
    average = _average(rates, days, parameters.turnover_days, np.nan, 0.0)
    average = np.where(average > 0, average, ASSUMED_TURNOVER)
    return np.where(np.isfinite(rates), rates, average), average


def _average(
    values: Floats, days: Floats, half_life: float, first: float, first_days: float
) -> Floats:
    """Mean so far, weighed by length and by a half-life; NaN is passed over."""
    total = 0.0 if first_days == 0 else first * first_days
    weight = first_days
    result = np.empty(len(values))
    fades = 0.5 ** (days / half_life)
    for row, (value, length, fade) in enumerate(
        zip(values.tolist(), days.tolist(), fades.tolist(), strict=True)
    ):
        total, weight = total * fade, weight * fade
        if value == value:  # not NaN
            total, weight = total + value * length, weight + length
        result[row] = total / weight if weight > 0 else np.nan
    return result


def _mean_so_far(opened: Floats, days: Floats) -> Floats:
    mean: Floats = np.cumsum(opened) / np.cumsum(days)
    return mean


def _trend(prices: Floats, typical: Floats, days: Floats) -> Floats:
    """Last close before each bar against its average of a week, in typical ranges of a week."""
    close = prices[:, 3]
    known = np.concatenate([[prices[0, 0]], close[:-1]])
    week = np.concatenate([[prices[0, 0]], _average(close, days, 7.0, close[0], 0.0)[:-1]])
    trend: Floats = (known - week) / (typical * np.sqrt(7.0))
    return trend


def _source_weights(ranges: Floats, days: Floats, guess: float) -> Floats:
    """How much each resting state counts at each bar: those next to the range seen so far."""
    seen = (guess * _GUESS_DAYS + np.cumsum(ranges * days)) / (_GUESS_DAYS + np.cumsum(days))
    grid = np.log(_RESTING_RANGES)
    place = np.interp(np.log(np.maximum(seen, 1e-6)), grid, np.arange(len(grid)))
    weights: Floats = np.maximum(0.0, 1 - np.abs(place[:, None] - np.arange(len(grid))))
    return weights


def _run(
    prices: Floats, steps: Floats, parameters: Parameters
) -> tuple[Floats, Floats, Floats, int]:
    classes = parameters.class_table()
    first_bin = int(np.floor((prices[:, 2].min() - _BELOW) / BIN_WIDTH))
    last_bin = int(np.ceil((prices[:, 1].max() + _ABOVE) / BIN_WIDTH))
    bins, sources = last_bin - first_bin + 1, 1 + len(_RESTING_RANGES)
    mass = np.zeros((2, bins, len(classes), sources))
    stock = np.zeros((sources, 2, len(classes)))
    for source, typical in enumerate(_RESTING_RANGES, start=1):
        shape, total = resting_stock(typical, prices[0, 0], first_bin, bins, parameters)
        mass[:, :, :, source], stock[source] = _RESTING_SHARE * shape, _RESTING_SHARE * total
    held = np.flatnonzero(mass[0].any(axis=(1, 2)))
    held_short = np.flatnonzero(mass[1].any(axis=(1, 2)))
    edges = np.array([held[-1], held_short[0]], dtype=np.int64)
    growth = np.ones(len(classes))
    crossed = np.zeros((len(prices), sources, 2))
    stocks = np.zeros((len(prices), sources, 2))
    grid = np.array([BIN_WIDTH, first_bin, parameters.shortest_distance])
    pass_over(prices, steps, classes, grid, mass, growth, edges, stock, crossed, stocks)
    return crossed, stocks, mass / growth[None, None, :, None], first_bin


def resting_stock(
    typical: float, price: float, first_bin: int, bins: int, parameters: Parameters
) -> tuple[Floats, Floats]:
    """The crowd of a market whose price has wandered without drift for long.

    Positions are opened at a steady rate at their class's distance, that distance then diffuses,
    and the position leaves by age or at distance zero. The resting density g solves
    0 = D g'' − g / lifetime + openings with g(0) = 0; by images, it is the difference of two
    exponentials of reach √(D x lifetime), D being half the variance of a day's return.

    Parameters
    ----------
    typical
        Typical daily range, logarithm.
    price
        Logarithm of the price.

    Returns
    -------
    tuple
        Notional by side, bin and class, and its total by side and class, per unit of turnover.
    """
    offset = (np.arange(bins) + first_bin + 0.5) * BIN_WIDTH - price
    mass = np.zeros((2, bins, parameters.classes))
    total = np.zeros((2, parameters.classes))
    for k, (distance, weight, lifetime) in enumerate(parameters.class_table()):
        reach = typical * _DEVIATION_PER_RANGE * np.sqrt(lifetime / 2)
        width = max(distance * typical, parameters.shortest_distance)
        for side in (0, 1):
            start = -np.log(1 - min(width, 0.95)) if side == 0 else np.log(1 + min(width, 3.0))
            away = -offset if side == 0 else offset
            rest = np.maximum(away, 0.0)
            shape = np.exp(-np.abs(rest - start) / reach) - np.exp(-(rest + start) / reach)
            mass[side, :, k] = 0.5 * weight * lifetime * BIN_WIDTH / (2 * reach) * shape
            total[side, k] = 0.5 * weight * lifetime * -np.expm1(-start / reach)
    return mass, total
