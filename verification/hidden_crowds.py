"""Crowds made up position by position, on real candles, with other assumptions than the model's.

Each hour of a symbol opens positions in proportion to its turnover. Each has an entry within the
bar, a side, a leverage, a time to live and perhaps a stop; a bar that reaches its liquidation
price liquidates it. The model sees the candles only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import polars as pl

from undertow.measures.leverage_bars import Bars, read_bars
from undertow.measures.liquidation_estimate import BUCKETS, estimate
from undertow.tape import Tape

PER_HOUR = 40
FIRST_DAYS, SKIPPED_DAYS = 14, 2


@dataclasses.dataclass(frozen=True)
class Habits:
    """How a hidden crowd trades.

    ``leverages`` are drawn evenly; with ``follows_range`` they are divided by the coin's typical
    range over Bitcoin's. A stop, at half the way to liquidation, has ``stops`` of all positions;
    a stop is passed over when an hour is wild (``slips``: in typical hourly ranges).
    """

    name: str
    leverages: tuple[float, ...]
    days: float
    follows_range: bool = False
    stops: float = 0.0
    slips: float = np.inf
    long_share: float = 0.5


HABITS = (
    Habits("the same five leverages for every coin", (5, 10, 20, 50, 100), 3.0),
    Habits("low leverage, long lives", (2, 3, 5, 8), 20.0),
    Habits("leverage by the coin's range", (5, 10, 20, 50, 100), 3.0, follows_range=True),
    Habits("stops that slip in wild hours", (5, 10, 20, 50), 3.0, True, 0.8, 3.0),
    Habits("mostly longs, most with stops", (3, 5, 10, 25), 7.0, True, 0.6, 4.0, 0.65),
)


def compare_crowds(tape: Tape) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """For each hidden crowd: its name, buckets, errors of the estimate and of a line (logarithms).

    Both get one factor for all symbols, from the first 14 days; errors are of the days after. The
    line is fitted on the same first days.
    """
    found = estimate(tape).rows.select("ts", "symbol", "total_usd")
    markets = read_bars(tape, BUCKETS["1h"])
    for seed, habits in enumerate(HABITS):
        truth = pl.concat([_liquidated(bars, habits, seed) for bars in markets])
        both = found.join(truth, on=["ts", "symbol"]).filter(pl.col("true_usd") > 0)
        days = both["ts"].cast(pl.Int64).to_numpy() // BUCKETS["1d"]
        day = days - days.min()
        true = np.log(both["true_usd"].to_numpy())
        ours = np.log(both["total_usd"].to_numpy()) - true
        ranges = np.log(both["range"].to_numpy())
        first = (day >= SKIPPED_DAYS) & (day < FIRST_DAYS)
        slope, offset = np.polyfit(ranges[first], true[first], 1)
        later = day >= FIRST_DAYS
        line = offset + slope * ranges - true
        yield habits.name, int(later.sum()), (ours - np.median(ours[first]))[later], line[later]


def _liquidated(bars: Bars, habits: Habits, seed: int) -> pl.DataFrame:
    """What a hidden crowd lost, by day."""
    dice = np.random.default_rng([seed, len(bars.symbol), *bars.symbol.encode()])
    hours = len(bars.start_ns)
    low, high, close = bars.prices[:, 2], bars.prices[:, 1], bars.prices[:, 3]
    span = np.log(high / low)
    usual = float(np.median(span))
    born = np.repeat(np.arange(hours), PER_HOUR)
    count = len(born)
    entry = low[born] + dice.random(count) * (high - low)[born]
    side = np.where(dice.random(count) < habits.long_share, 1.0, -1.0)
    leverage = dice.choice(habits.leverages, count)
    if habits.follows_range:
        leverage = np.maximum(leverage * 0.006 / usual, 1.0)
    size = bars.turnover_usd[born] * dice.lognormal(0, 1, count)
    price = entry * (1 - side * np.maximum(1 / leverage - 0.005, 0.003))
    dead = born + 1 + dice.exponential(habits.days * 24, count).astype(int)
    stop = np.where(dice.random(count) < habits.stops, (entry + price) / 2, np.nan)
    lost = np.zeros(hours)
    alive = np.zeros(count, dtype=bool)
    for hour in range(1, hours):
        start, end = (hour - 1) * PER_HOUR, hour * PER_HOUR
        alive[start:end] = True
        open_now = np.flatnonzero(alive[:end])
        open_now = open_now[dead[open_now] > hour]
        alive[:end] = False
        adverse = np.where(side[open_now] > 0, low[hour], high[hour])
        hit = (adverse - price[open_now]) * side[open_now] <= 0
        if span[hour] < habits.slips * usual:
            stopped = (adverse - stop[open_now]) * side[open_now] <= 0
        else:
            stopped = np.zeros(len(open_now), dtype=bool)
        lost[hour] = size[open_now][hit & ~stopped].sum()
        alive[open_now[~hit & ~stopped]] = True
    day = bars.start_ns // BUCKETS["1d"]
    frame = pl.DataFrame({"day": day, "usd": lost, "high": high, "low": low, "close": close})
    return (
        frame.group_by("day")
        .agg(
            pl.col("usd").sum().alias("true_usd"),
            (pl.col("high").max() / pl.col("low").min()).log().alias("range"),
        )
        .select(
            (pl.col("day") * BUCKETS["1d"]).cast(pl.Datetime("ns", "UTC")).alias("ts"),
            pl.lit(bars.symbol).alias("symbol"),
            "true_usd",
            "range",
        )
    )
