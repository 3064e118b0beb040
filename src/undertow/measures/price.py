"""What prices did: returns, highs and lows, drawdowns, volatility, the fastest fall.

All figures come from the table ``candles``, for each venue and symbol on its own, in the quote
currency of the symbol. Falls are negative; fractions are plain (-0.048 is a fall of 4.8 %);
nothing is rounded. Only bars that had ended at ``at`` count; ``at=None`` is the tape's own moment.

Where a candle tells only its close, the bar before gives its open, and the higher and lower of
the two stand for its high and low.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.measures.bars import (
    STALE_NS,
    TRADED,
    bars,
    last_price,
    moment_ns,
    prices,
    window_start_ns,
)
from undertow.model.assets import VenueKind
from undertow.model.periods import BAR_INTERVALS, SECOND_NS, duration_ns, time_ns, time_text
from undertow.tape import Tape
from undertow.tape.frames import TIME
from undertow.tape.store import Moment

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

DAY_NS = 86_400 * SECOND_NS
YEAR_NS = 365 * DAY_NS
FLOAT = pl.Float64()
ANY_KIND: tuple[VenueKind, ...] = (*TRADED, "equity", "index")
_MARKET = ["venue", "symbol", "asset"]


def returns(
    tape: Tape,
    *,
    at: Moment | None = None,
    windows: Sequence[str] = ("1h", "24h", "7d"),
    since: Sequence[Moment] = (),
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Change of the price over windows that end at ``at``, and since dates.

    Parameters
    ----------
    since
        Moments to measure from, besides the windows.

    Returns
    -------
    polars.DataFrame
        For each venue, symbol and window: ``asset``, ``window`` (its name, or the moment),
        ``start``, ``start_price``, ``price`` (quote per base) and ``return`` (fraction:
        price / start_price - 1). A price is the close of the last bar that had ended; it is
        empty where that bar is stale (see ``bars.last_price``) or longer than the window.

    Raises
    ------
    NotRecorded
        When no symbol has a price at any of the moments.
    UndertowError
        When a date in ``since`` is not before ``at``.
    """
    at_ns = moment_ns(tape, at)
    starts = {window: window_start_ns(at_ns, window) for window in windows}
    starts |= {time_text(time_ns(moment)): time_ns(moment) for moment in since}
    late = [label for label, start_ns in starts.items() if start_ns >= at_ns]
    if late:
        raise UndertowError(f"since {late[0]}: expected a time before {time_text(at_ns)}")
    view = tape.until(at_ns)
    now = _with_length(prices(view, at_ns, kinds=kinds))
    found = []
    for label, start_ns in starts.items():
        then = _with_length(prices(view, start_ns, kinds=kinds))
        pair = then.join(now, on=_MARKET, how="full", coalesce=True)
        found.append(_returns_from(pair, label, start_ns, at_ns))
    table = pl.concat(found)
    if table["price"].is_null().all() and table["start_price"].is_null().all():
        raise NotRecorded(f"prices at {time_text(at_ns)}")
    return table.sort("venue", "symbol", "start", descending=[False, False, True])


def _with_length(found: pl.DataFrame) -> pl.DataFrame:
    lengths = {name: duration_ns(name) for name in BAR_INTERVALS}
    return found.select(
        *_MARKET, "price", pl.col("interval").replace_strict(lengths).alias("length_ns")
    )


def _returns_from(pair: pl.DataFrame, label: str, start_ns: int, at_ns: int) -> pl.DataFrame:
    window_ns = at_ns - start_ns
    fits, fitted = pl.col("length_ns_right") <= window_ns, pl.col("length_ns") <= window_ns
    return pair.select(
        *_MARKET,
        pl.lit(label).alias("window"),
        pl.lit(start_ns).cast(TIME).alias("start"),
        pl.when(fitted).then("price").alias("start_price"),
        pl.when(fits).then("price_right").alias("price"),
    ).with_columns((pl.col("price") / pl.col("start_price") - 1).alias("return"))


def high_low(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Open, high, low and close of a window, with the bars of the high and the low.

    Returns
    -------
    polars.DataFrame
        For each venue and symbol: ``asset``, ``start`` and ``end`` of the bars found,
        ``open``, ``high``, ``high_at``, ``low``, ``low_at``, ``close`` (quote per base; times
        are starts of the bars, the first of equals), ``change`` (close / open - 1),
        ``open_to_low`` (low / open - 1) and ``high_to_low`` (low / high - 1; empty unless the
        bar of the low is later than that of the high: before it rose, nobody lost that much).

    Raises
    ------
    NotRecorded
        When there is no bar in the window.
    """
    at_ns = moment_ns(tape, at)
    known = _whole_bars(tape, window_start_ns(at_ns, window), at_ns, kinds)
    found = known.group_by(_MARKET, maintain_order=True).agg(
        pl.col("ts").first().alias("start"),
        pl.col("end").last(),
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("ts").get(pl.col("high").arg_max()).alias("high_at"),
        pl.col("low").min(),
        pl.col("ts").get(pl.col("low").arg_min()).alias("low_at"),
        pl.col("close").last(),
    )
    is_later = pl.col("low_at") > pl.col("high_at")
    return found.with_columns(
        (pl.col("close") / pl.col("open") - 1).alias("change"),
        (pl.col("low") / pl.col("open") - 1).alias("open_to_low"),
        pl.when(is_later).then(pl.col("low") / pl.col("high") - 1).alias("high_to_low"),
    )


def drawdown(
    tape: Tape,
    *,
    at: Moment | None = None,
    since: Moment | None = None,
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Fall from the highest price known, now and at its deepest.

    Parameters
    ----------
    since
        Look for the high from here on. None: from the first bar on the tape.

    Returns
    -------
    polars.DataFrame
        For each venue and symbol: ``asset``, ``first`` (start of the first bar looked at),
        ``high`` and ``high_at`` (quote per base; start of its bar), ``price`` at ``at``,
        ``drawdown`` (price / high - 1; empty where the price is stale), ``low`` and ``low_at``
        after the high, and ``deepest`` (low / high - 1). Of the high's own bar only the close
        counts as after it.

    Raises
    ------
    NotRecorded
        When there is no bar since then.
    """
    at_ns = moment_ns(tape, at)
    known = _whole_bars(tape, since, at_ns, kinds)
    rows: list[tuple[Any, ...]] = []
    for names, bar in _markets(known):
        top = int(np.argmax(bar.high))
        after = np.concatenate([bar.close[top : top + 1], bar.low[top + 1 :]])
        bottom = top + int(np.argmin(after))
        times = (bar.start_ns[0], bar.start_ns[top], bar.start_ns[bottom])
        rows.append((*names, *map(int, times), float(bar.high[top]), float(after.min())))
    names_of = ("first", "high_at", "low_at")
    found = _table(rows, {**dict.fromkeys(names_of, TIME), "high": FLOAT, "low": FLOAT})
    now = last_price(known, at_ns).select(*_MARKET, "price")
    return found.join(now, on=_MARKET, how="left", maintain_order="left").select(
        *_MARKET,
        *("first", "high", "high_at", "price"),
        (pl.col("price") / pl.col("high") - 1).alias("drawdown"),
        *("low", "low_at"),
        (pl.col("low") / pl.col("high") - 1).alias("deepest"),
    )


def realised_volatility(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    interval: str | None = None,
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Annualised volatility: sqrt(sum of squared log returns x 365 days / time covered).

    The mean return is taken as zero, as is usual for short windows. Returns run from the open
    of the first bar over the closes; one that spans a gap counts with the time that it took.

    Parameters
    ----------
    interval
        Length of the returns, counted back from ``at``. None: the bars' own length.

    Returns
    -------
    polars.DataFrame
        For each venue and symbol: ``asset``, ``start``, ``end``, ``returns`` (their number) and
        ``volatility`` (fraction a year; empty for fewer than two returns, and where bars are
        longer than ``interval``).

    Raises
    ------
    NotRecorded
        When there is no bar in the window.
    """
    at_ns = moment_ns(tape, at)
    interval_ns = None if interval is None else duration_ns(interval)
    known = _whole_bars(tape, window_start_ns(at_ns, window), at_ns, kinds)
    rows: list[tuple[Any, ...]] = []
    for names, bar in _markets(known):
        times_ns = np.concatenate([bar.start_ns[:1], bar.end_ns])
        path = np.concatenate([bar.open[:1], bar.close])
        is_known = True
        if interval_ns is not None:
            is_known = bool(np.max(bar.end_ns - bar.start_ns) <= interval_ns)
            step = (at_ns - times_ns) // interval_ns
            last = np.append(step[1:] != step[:-1], True)  # the last price of each step
            times_ns, path = times_ns[last], path[last]
        moves = np.diff(np.log(path))
        volatility = None
        if is_known and len(moves) >= 2:
            covered_ns = float(times_ns[-1] - times_ns[0])
            volatility = float(np.sqrt(np.sum(moves**2) * YEAR_NS / covered_ns))
        rows.append((*names, int(times_ns[0]), int(times_ns[-1]), len(moves), volatility))
    counted = {"start": TIME, "end": TIME, "returns": pl.Int64(), "volatility": FLOAT}
    return _table(rows, counted)


def fastest_fall(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    within: str = "1h",
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """The largest fall within a length of time, in price units.

    The fall runs from a bar's high to the low of a *later* bar; what order prices had inside one
    bar is not known, so that within it only the way from its open to its low counts. All bars
    that it touches lie within ``within``: the true fall was as fast or faster.

    Returns
    -------
    polars.DataFrame
        For each venue and symbol: ``asset``, ``start`` (start of the first bar), ``end`` (end
        of the last), ``from_price``, ``to_price``, ``change`` (to - from, quote per base, 0 or
        less), ``change_fraction`` (change / from_price) and ``recorded_from`` (start of the
        first bar in the window). Of equal falls the first; empty where every bar is longer than
        ``within``.

    Raises
    ------
    NotRecorded
        When there is no bar in the window.
    """
    at_ns = moment_ns(tape, at)
    known = _whole_bars(tape, window_start_ns(at_ns, window), at_ns, kinds)
    rows: list[tuple[Any, ...]] = []
    for names, bar in _markets(known):
        fall = largest_fall(bar, duration_ns(within))
        ends = None if fall is None else (fall.start_ns, fall.end_ns)
        values = None if fall is None else (fall.from_value, fall.to_value)
        rows.append((*names, *(ends or [None] * 2), *(values or [None] * 2), int(bar.start_ns[0])))
    ends_of, values_of = ("start", "end"), ("from_price", "to_price")
    types = {**dict.fromkeys(ends_of, TIME), **dict.fromkeys(values_of, FLOAT)}
    change = pl.col("to_price") - pl.col("from_price")
    return _table(rows, {**types, "recorded_from": TIME}).select(
        *_MARKET,
        *(*ends_of, *values_of),
        change.alias("change"),
        (change / pl.col("from_price")).alias("change_fraction"),
        "recorded_from",
    )


def daily_closes(
    tape: Tape,
    *,
    at: Moment | None = None,
    venue: str | None = None,
    symbol: str | None = None,
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Closes of UTC days, from bars of any length.

    A day's close is that of its last bar; a day that is not over at ``at``, or whose last bar
    ended more than 15 minutes before midnight, has none.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``date``, ``close`` (quote per base).

    Raises
    ------
    NotRecorded
        When there is no such close.
    """
    at_ns = moment_ns(tape, at)
    known = bars(tape, at=at_ns, venue=venue, symbol=symbol, kinds=kinds)
    # A bar that ends at midnight belongs to the day before.
    midnight = (pl.col("end") - pl.duration(nanoseconds=1)).dt.truncate("1d")
    missing = midnight + pl.duration(days=1) - pl.col("end")
    found = (
        known.filter(missing <= pl.duration(nanoseconds=STALE_NS))
        .with_columns(midnight.alias("date"))
        .filter(pl.col("date") + pl.duration(days=1) <= pl.lit(at_ns).cast(TIME))
        .group_by(*_MARKET, "date", maintain_order=True)
        .agg(pl.col("close").last())
        .with_columns(pl.col("date").dt.date())
    )
    if found.is_empty():
        what = f"daily closes of {symbol}" if symbol else "daily closes"
        raise NotRecorded(f"{what} before {time_text(at_ns)}")
    return found


def closes_below(
    tape: Tape,
    *,
    symbol: str,
    level: float,
    at: Moment | None = None,
    venue: str | None = None,
) -> pl.DataFrame:
    """Days (UTC) that closed below a level, and since when each was the first.

    Parameters
    ----------
    symbol
        By exact name, at all venues of any kind unless ``venue`` names one.
    level
        Quote per base.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``date``, ``close``, ``previous`` (date of the last
        earlier close below the level; empty: none on this tape) and ``recorded_from`` (date of
        the first close on the tape, which bounds what an empty ``previous`` can say).

    Raises
    ------
    NotRecorded
        When the tape has no daily close of the symbol.
    """
    closes = daily_closes(tape, at=at, venue=venue, symbol=symbol, kinds=ANY_KIND)
    first = pl.col("date").min().over(_MARKET).alias("recorded_from")
    below = closes.with_columns(first).filter(pl.col("close") < level)
    previous = pl.col("date").shift(1).over(_MARKET).alias("previous")
    return below.with_columns(previous).select(
        *_MARKET, "date", "close", "previous", "recorded_from"
    )


@dataclass(frozen=True)
class Path:
    """Bars of one series in time order; a path of single points has all prices equal."""

    start_ns: Times
    end_ns: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True)
class Fall:
    """A fall: its value and the start of the bar before, its value and the end of the bar after."""

    start_ns: int
    end_ns: int
    from_value: float
    to_value: float


def largest_fall(path: Path, within_ns: int) -> Fall | None:
    """The largest fall of a path within a length of time; None when no bar is that short.

    ``fastest_fall`` says which pairs of prices count.
    """
    count = len(path.end_ns)
    last = np.arange(count)
    earliest = np.searchsorted(path.start_ns, path.end_ns - within_ns, side="left")
    has_before = earliest < last
    drop = np.where(path.end_ns - path.start_ns <= within_ns, path.open - path.low, -np.inf)
    before = _range_maxima(path.high, earliest[has_before], last[has_before])
    drop[has_before] = np.maximum(drop[has_before], before - path.low[has_before])
    if not count or np.isneginf(drop).all():
        return None
    end = int(np.argmax(drop))
    highs = path.high[earliest[end] : end]
    if len(highs) and highs.max() - path.low[end] >= drop[end]:
        begin = end - 1 - int(np.argmax(highs[::-1]))  # the last of equal highs
        from_value = float(highs.max())
    else:
        begin, from_value = end, float(path.open[end])
    return Fall(int(path.start_ns[begin]), int(path.end_ns[end]), from_value, float(path.low[end]))


def _range_maxima(values: Floats, start: Times, stop: Times) -> Floats:
    """Maximum of ``values[start:stop]`` for each pair, by maxima over powers of two."""
    if not len(start):
        return np.empty(0)
    level = np.frexp((stop - start).astype(np.float64))[1] - 1  # 2**level <= length
    found = np.empty(len(start))
    maxima = values
    for power in range(int(level.max()) + 1):
        rows = np.flatnonzero(level == power)
        width = 1 << power
        found[rows] = np.maximum(maxima[start[rows]], maxima[stop[rows] - width])
        maxima = np.maximum(maxima[:-width], maxima[width:])
    return found


def _whole_bars(
    tape: Tape, start: Moment | None, at_ns: int, kinds: Collection[VenueKind]
) -> pl.DataFrame:
    """Bars with open, high and low filled where only closes are known."""
    known = bars(tape, start=start, at=at_ns, kinds=kinds)
    if known.is_empty():
        begin = "" if start is None else f"from {time_text(time_ns(start))} "
        raise NotRecorded(f"candles {begin}to {time_text(at_ns)}")
    if not sum(known.select("open", "high", "low").null_count().row(0)):
        return known
    follows = pl.col("end").shift(1).over(_MARKET) == pl.col("ts")
    before = pl.when(follows).then(pl.col("close").shift(1).over(_MARKET))
    return known.with_columns(pl.coalesce("open", before, "close").alias("open")).with_columns(
        pl.coalesce("high", pl.max_horizontal("open", "close")).alias("high"),
        pl.coalesce("low", pl.min_horizontal("open", "close")).alias("low"),
    )


def _markets(known: pl.DataFrame) -> Iterator[tuple[tuple[Any, ...], Path]]:
    for part in known.partition_by(_MARKET, maintain_order=True):
        start_ns, end_ns = (part[name].cast(pl.Int64).to_numpy() for name in ("ts", "end"))
        ohlc = [part[name].to_numpy() for name in ("open", "high", "low", "close")]
        yield part.select(_MARKET).row(0), Path(start_ns, end_ns, *ohlc)


def _table(rows: Sequence[tuple[Any, ...]], figures: dict[str, pl.DataType]) -> pl.DataFrame:
    """Rows of venue, symbol, asset and figures as a frame."""
    return pl.DataFrame(rows, {**dict.fromkeys(_MARKET, pl.String()), **figures}, orient="row")
