"""How much was liquidated, bucket by bucket, by what the candles did to the estimated crowd.

A nowcast: a bucket uses its own candles and nothing later than its end. Tables: ``candles``;
``open_interest``, ``funding`` and ``marks`` improve it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import UndertowError
from undertow.measures.leverage_bars import HOUR_NS, Bars, read_bars, span_text
from undertow.measures.leverage_crowd import Crowd, follow, usual_open_interest
from undertow.measures.leverage_interest import funding_series, open_interest_series
from undertow.measures.leverage_parameters import Floats, Parameters
from undertow.model.periods import time_text
from undertow.tape import Tape
from undertow.tape.frames import TIME

BUCKETS = {"1h": HOUR_NS, "1d": 24 * HOUR_NS}
# A market that did not move still closes somebody: a share of its crowd each hour. Assumed.
_ALWAYS_PER_HOUR = 1e-6
_LEAST_USD = 0.01


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate and what it rests on.

    Attributes
    ----------
    rows
        ``ts`` (start of the bucket), ``symbol``, ``long_usd``, ``short_usd``, ``total_usd``:
        USD, summed over venues, by time and symbol.
    used
        What of the tape was used, one sentence each.
    scale
        "measured" for a book of real positions. From candles "assumed": figures are for the
        turnover on the tape, and the shape over days and symbols is worth more than the level.
    """

    rows: pl.DataFrame
    used: tuple[str, ...]
    scale: str


def bucket_length_ns(by: str) -> int:
    """Length of a bucket; only ``1h`` and ``1d``.

    Raises
    ------
    UndertowError
        For another one.
    """
    if by not in BUCKETS:
        raise UndertowError(f"bucket {by!r}: expected {' or '.join(BUCKETS)}")
    return BUCKETS[by]


def estimate(tape: Tape, *, by: str = "1d", parameters: Parameters | None = None) -> Estimate:
    """Estimate liquidations in each bucket that has candles.

    Parameters
    ----------
    by
        ``1h`` or ``1d``; buckets begin at whole hours and days UTC.
    parameters
        The crowd; the fitted one by default.

    Returns
    -------
    Estimate
        Positive, finite figures for each symbol and bucket with a candle.

    Raises
    ------
    NotRecorded
        When the tape has no candles that are short enough.

    Notes
    -----
    Bars of a bucket are those that end in it. Cutting the tape at a bucket's end does not change
    that bucket or those before it. Symbols of spot markets count with ``spot_share`` from the
    moment on when the tape has a perpetual of the same coin; before, and without one, fully.
    """
    bucket_ns = bucket_length_ns(by)
    parameters = parameters or Parameters()
    bars = read_bars(tape, bucket_ns)
    interest, funding = open_interest_series(tape), funding_series(tape)
    usual = usual_open_interest(bars, interest, parameters)
    crowds = [follow(market, interest, funding, parameters, usual=usual) for market in bars]
    weights = market_weights(bars, parameters)
    cells = pl.concat(
        _cells(crowd, weight, bucket_ns) for crowd, weight in zip(crowds, weights, strict=True)
    )
    rows = _by_symbol(cells, bucket_ns, parameters)
    measured = [crowd.positions.used == "of the same market" for crowd in crowds]
    used = (
        *_used(crowds, measured),
        *_funding_used(bars, set(funding)),
        *_gaps(bars),
        *_unfinished(bars, bucket_ns),
    )
    return Estimate(rows, used, "assumed")


def market_weights(bars: list[Bars], parameters: Parameters) -> list[Floats]:
    """What each bar of each market counts: a spot market little, once there is a perpetual."""
    first_ns: dict[str, int] = {}
    for market in bars:
        if market.kind != "spot":
            known_ns = int(market.end_ns[0])
            first_ns[market.asset] = min(first_ns.get(market.asset, known_ns), known_ns)
    weights = []
    for market in bars:
        weight = np.ones(len(market.end_ns))
        if market.kind == "spot" and market.asset in first_ns:
            weight[market.end_ns >= first_ns[market.asset]] = parameters.spot_share
        weights.append(weight)
    return weights


def _cells(crowd: Crowd, weight: Floats, bucket_ns: int) -> pl.DataFrame:
    """Sums of one market by bucket: liquidated, and the crowd's mean size, by side."""
    bucket: npt.NDArray[np.int64] = (crowd.bars.end_ns - 1) // bucket_ns
    liquidated = crowd.liquidated_usd * weight[:, None]
    stock = crowd.stock_usd * weight[:, None]
    return (
        pl.DataFrame(
            {
                "bucket": bucket,
                "long_usd": liquidated[:, 0],
                "short_usd": liquidated[:, 1],
                "long_stock_usd": stock[:, 0],
                "short_stock_usd": stock[:, 1],
            }
        )
        .group_by("bucket", maintain_order=True)
        .agg(pl.col("^.*_usd$").exclude("^.*_stock_usd$").sum(), pl.col("^.*_stock_usd$").mean())
        .with_columns(pl.lit(crowd.bars.symbol).alias("symbol"))
    )


def _by_symbol(cells: pl.DataFrame, bucket_ns: int, parameters: Parameters) -> pl.DataFrame:
    """Sum over venues, and let the part with shared margin stand and fall with the market."""
    summed = (
        cells.group_by("bucket", "symbol").agg(pl.col("^.*_usd$").sum()).sort("bucket", "symbol")
    )
    hours = bucket_ns / HOUR_NS
    sides = []
    for side in ("long", "short"):
        own, stock = pl.col(f"{side}_usd"), pl.col(f"{side}_stock_usd")
        of_market = own.sum().over("bucket") / (stock.sum().over("bucket") + _LEAST_USD)
        cross = parameters.cross_share
        mixed = (1 - cross) * own + cross * of_market * stock
        always = _ALWAYS_PER_HOUR * hours * stock + _LEAST_USD
        sides.append(pl.max_horizontal(mixed, always).round(2).alias(f"{side}_usd"))
    return summed.select(
        (pl.col("bucket") * bucket_ns).cast(TIME).alias("ts"), "symbol", *sides
    ).with_columns((pl.col("long_usd") + pl.col("short_usd")).round(2).alias("total_usd"))


def _used(crowds: list[Crowd], measured: list[bool]) -> list[str]:
    bars = [crowd.bars for crowd in crowds]
    markets = len(bars)
    lines = [f"candles of {markets} markets ({_names(bars)}), {span_text(bars)}"]
    silent = [market for market in bars if np.isnan(market.turnover_usd).all()]
    if silent:
        lines.append(f"no volume of {_names(silent)}: turnover assumed")
    spot = [market for market in bars if market.kind == "spot"]
    if spot:
        lines.append(f"spot {_names(spot)}: margin loans only, where there is a perpetual")
    marked = sum(market.marked for market in bars)
    if marked:
        lines.append(f"mark prices of {marked} of {markets} markets")
    if any(measured):
        lines.append(f"open interest of {sum(measured)} of {markets} markets, beside each other's")
    joined = sum(crowd.positions.used == "joins later" for crowd in crowds)
    if joined:
        lines.append(f"changes of open interest, which begins later, of {joined} of {markets}")
    others = sum(crowd.positions.used == "of other markets" for crowd in crowds)
    if others:
        lines.append(f"changes of open interest elsewhere for {others} of {markets} markets")
    lines.append("scale assumed: that of the turnover on the tape")
    return lines


def _funding_used(bars: list[Bars], funding: set[tuple[str, str]]) -> list[str]:
    count = sum((market.venue, market.symbol) in funding for market in bars)
    return [f"funding of {count} of {len(bars)} markets"] if count else []


def _gaps(bars: list[Bars]) -> list[str]:
    """Hours between a market's first and last candle that have none: nothing is estimated there."""
    missing = {}
    for market in bars:
        lengths_ns = np.diff(market.end_ns)
        usual_ns = max(int(np.median(lengths_ns)), HOUR_NS) if len(lengths_ns) else HOUR_NS
        hours = int((lengths_ns[lengths_ns > usual_ns] - usual_ns).sum()) // HOUR_NS
        if hours:
            missing[market.symbol, market.venue] = hours
    if not missing:
        return []
    worst = max(missing, key=lambda name: missing[name])
    return [
        f"no candles for some hours of {len(missing)} of {len(bars)} markets (most: {worst[0]} on"
        f" {worst[1]}, {missing[worst]} h): nothing is estimated for them"
    ]


def _unfinished(bars: list[Bars], bucket_ns: int) -> list[str]:
    """A last bucket that is not over holds its candles so far, and will grow."""
    last_ns = max(int(market.end_ns[-1]) for market in bars)
    if last_ns % bucket_ns == 0:
        return []
    begin = time_text(last_ns // bucket_ns * bucket_ns)
    return [f"the bucket of {begin} so far only: candles end at {time_text(last_ns)}"]


def _names(markets: list[Bars]) -> str:
    names = sorted({f"{market.symbol} on {market.venue}" for market in markets})
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
