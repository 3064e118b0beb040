"""What trading does to the price: cost of an order against the book, and Kyle's lambda.

Sizes are in the quote currency, which is taken for USD (a stablecoin at 1). Tables: ``book``,
``candles``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.measures.bars import bars, instant, moment_ns, window_start_ns
from undertow.measures.order_book import levels, mids
from undertow.model.periods import duration_ns, time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

_FEWEST_BARS = 10


@dataclass(frozen=True)
class Impact:
    """What a market order would have cost.

    Attributes
    ----------
    average_price, worst_price, mid
        Quote per base.
    slippage
        Average price against mid, fraction of mid; positive is a cost.
    levels
        Number of price levels touched.
    as_of_ns
        Time of the book's last change, ns since 1970 UTC.
    """

    venue: str
    symbol: str
    side: str
    usd: float
    average_price: float
    worst_price: float
    mid: float
    slippage: float
    levels: int
    as_of_ns: int


def impact(
    tape: Tape,
    *,
    symbol: str,
    usd: float,
    side: str,
    venue: str | None = None,
    at: Moment | None = None,
    max_age: str = "1h",
) -> Impact:
    """Average price and slippage of a market order against the recorded book.

    Only orders that rested at the moment count: a real order also draws, or scares, others.

    Parameters
    ----------
    usd
        Size of the order in the quote currency.
    side
        "buy" (takes asks) or "sell" (takes bids).
    venue
        Where; None where only one venue has a book of the symbol.

    Raises
    ------
    NotRecorded
        When there is no such book, or it is not deep enough for the order.
    UndertowError
        When the side or size is not one, or several venues have the book and none is named.
    """
    if side not in ("buy", "sell"):
        raise UndertowError(f"side {side!r}: expected buy or sell")
    if not usd > 0:
        raise UndertowError(f"size of the order {usd:g} USD: expected more than 0")
    at_ns = moment_ns(tape, at)
    book, found = _one_book(tape, at_ns, venue, symbol, max_age)
    within = pl.col("price") <= pl.col("known_to")
    if side == "sell":
        within = pl.col("price") >= pl.col("known_to")
    taken = book.filter(pl.col("side") == ("ask" if side == "buy" else "bid"), within)
    filled_usd = np.cumsum(taken["value"].to_numpy())
    held_usd = filled_usd[-1] if len(filled_usd) else 0.0
    if held_usd < usd:
        raise NotRecorded(f"{symbol} book deep enough for {usd:,.0f} USD (known: {held_usd:,.0f})")
    last = int(np.searchsorted(filled_usd, usd))
    last_price = float(taken["price"][last])
    quantity = (
        taken["quantity"].to_numpy()[: last + 1].sum() - (filled_usd[last] - usd) / last_price
    )
    average = float(usd / quantity)
    mid = float(found["mid"][0])
    cost = average / mid - 1 if side == "buy" else 1 - average / mid
    return Impact(
        venue=found["venue"][0],
        symbol=symbol,
        side=side,
        usd=usd,
        average_price=average,
        worst_price=last_price,
        mid=mid,
        slippage=cost,
        levels=last + 1,
        as_of_ns=int(found["as_of"].cast(pl.Int64)[0]),
    )


def _one_book(
    tape: Tape, at_ns: int, venue: str | None, symbol: str, max_age: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The levels of the only book of a symbol, and its row of ``mids``."""
    book = levels(tape, at_ns, venue=venue, symbol=symbol)
    book = book.filter(pl.col("as_of") >= instant(at_ns - duration_ns(max_age)))
    found = mids(book)
    if found.height > 1:
        names = ", ".join(found["venue"])
        raise UndertowError(f"{symbol} has books on {names}: name the venue")
    if found.is_empty():
        raise NotRecorded(f"order book of {symbol} at {time_text(at_ns)}")
    return book, found


@dataclass(frozen=True)
class Lambda:
    """How far a million dollars of one-sided trading goes with the price.

    Attributes
    ----------
    per_million_usd
        Slope: fraction of the price per 1,000,000 USD of net buying.
    standard_error
        Of the slope, same unit; ordinary least squares.
    r_squared
        Share of the variance of returns that the line explains.
    bars
        Number of bars.
    """

    per_million_usd: float
    standard_error: float
    r_squared: float
    bars: int


def kyle_lambda(
    tape: Tape,
    *,
    symbol: str,
    venue: str | None = None,
    at: Moment | None = None,
    window: str = "24h",
    interval: str | None = None,
) -> Lambda:
    """Slope of returns on signed volume (Kyle, Econometrica 1985), over candles.

    Candles do not tell who was the aggressor. The stand-in: the whole value of a bar (volume x
    mean of open and close) with the sign of close − open. The sign comes from the return itself,
    so that the slope is positive by construction: compare it between days and markets, and do
    not read it as the price of an order. A line with a constant is fitted by least squares;
    returns are close / open − 1.

    Parameters
    ----------
    interval
        Length of the bars that count; None: the shortest that the tape has in the window.

    Raises
    ------
    NotRecorded
        With fewer than ten bars that have volume, or without differences between them.
    UndertowError
        When several venues have candles of the symbol and none is named.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    known = bars(tape, start=start_ns, at=at_ns, venue=venue, symbol=symbol)
    known = known.drop_nulls(["open", "close", "volume"])
    if known["venue"].n_unique() > 1:
        names = ", ".join(known["venue"].unique().sort())
        raise UndertowError(f"{symbol} has candles on {names}: name the venue")
    length = pl.col("end") - pl.col("ts")
    wanted = length == (
        length.min() if interval is None else pl.duration(nanoseconds=duration_ns(interval))
    )
    known = known.filter(wanted)
    change = pl.col("close") - pl.col("open")
    value = pl.col("volume") * (pl.col("close") + pl.col("open")) / 2
    x = known.select(change.sign() * value / 1e6).to_series().to_numpy()
    y = known.select(change / pl.col("open")).to_series().to_numpy()
    if len(x) < _FEWEST_BARS or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise NotRecorded(f"{symbol} candles with volume in the {window} before {time_text(at_ns)}")
    x_moved, y_moved = x - x.mean(), y - y.mean()
    slope = float(x_moved @ y_moved / (x_moved @ x_moved))
    residual = y_moved - slope * x_moved
    error = float(np.sqrt(residual @ residual / (len(x) - 2) / (x_moved @ x_moved)))
    fit = 1 - float(residual @ residual / (y_moved @ y_moved))
    return Lambda(slope, error, fit, len(x))
