"""Money that moves: ETFs by day, week and fund; treasury shares; exchanges and holders.

USD; positive is money, or coins, into the entity. Tables: ``flows``, ``candles``. The flow of a
day is known when that day has ended in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.measures.bars import moment_ns, window_start_ns, with_asset
from undertow.measures.price import daily_closes
from undertow.model.assets import VenueKind, venue_kind
from undertow.model.periods import time_ns, time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

_EQUITIES: tuple[VenueKind, ...] = ("equity",)
_REFERENCE: tuple[VenueKind, ...] = ("perp", "spot", "index")
# Fewer returns than that give no slope worth printing.
_FEWEST_RETURNS = 10
# Exchanges close for holidays, in Tokyo for a week.
_OLDEST_CLOSE_DAYS = 10


def etf_by_fund(tape: Tape, *, at: Moment | None = None, asset: str = "BTC") -> pl.DataFrame:
    """Flow of each fund on each day.

    Returns
    -------
    polars.DataFrame
        ``date`` (UTC), ``fund``, ``usd`` (USD), by date and fund. A fund that did not trade on
        a day has no row.

    Raises
    ------
    NotRecorded
        When the tape has no ETF flows of the asset before ``at``.
    """
    at_ns = moment_ns(tape, at)
    found = (
        tape.until(at_ns)
        .table("flows")
        .with_columns(pl.col("kind", "entity", "asset", "interval").cast(pl.String))
        .filter(kind="etf", asset=asset, interval="1d")
        .drop_nulls("usd")
        .select(pl.col("ts").dt.date().alias("date"), pl.col("entity").alias("fund"), "usd")
        .collect()
    )
    if found.is_empty():
        raise NotRecorded(f"ETF flows of {asset} before {time_text(at_ns)}")
    return found.sort("date", "fund")


def etf_by_day(tape: Tape, *, at: Moment | None = None, asset: str = "BTC") -> pl.DataFrame:
    """Flow of all funds on each trading day, and over the last five.

    Returns
    -------
    polars.DataFrame
        ``date`` (UTC), ``usd``, ``usd_5_days`` (sum of this and the four trading days before;
        empty for the first four; USD) and ``funds`` (number that traded), by date.

    Raises
    ------
    NotRecorded
        As ``etf_by_fund``.
    """
    return (
        etf_by_fund(tape, at=at, asset=asset)
        .group_by("date")
        .agg(pl.col("usd").sum(), pl.len().cast(pl.Int64).alias("funds"))
        .sort("date")
        .select("date", "usd", pl.col("usd").rolling_sum(5).alias("usd_5_days"), "funds")
    )


def etf_by_week(tape: Tape, *, at: Moment | None = None, asset: str = "BTC") -> pl.DataFrame:
    """Flow of all funds by calendar week, Monday to Friday, as weekly reports give it.

    Returns
    -------
    polars.DataFrame
        ``monday`` (date), ``usd`` (USD), ``days`` (trading days known; a week that is not over
        has fewer, and so has one with a holiday), by week.

    Raises
    ------
    NotRecorded
        As ``etf_by_fund``.
    """
    return (
        etf_by_day(tape, at=at, asset=asset)
        .group_by(pl.col("date").dt.truncate("1w").alias("monday"))
        .agg(pl.col("usd").sum(), pl.len().cast(pl.Int64).alias("days"))
        .sort("monday")
    )


@dataclass(frozen=True)
class Streak:
    """Trading days in a row with money out of the funds.

    Attributes
    ----------
    days
        Number of days, 0 when the last day had none.
    usd
        Their sum, USD, negative.
    first, last
        Dates of the first day of the streak (None without one) and of the last known day.
    """

    days: int
    usd: float
    first: date | None
    last: date


def etf_outflow_streak(tape: Tape, *, at: Moment | None = None, asset: str = "BTC") -> Streak:
    """How many trading days in a row, up to the last known one, had net outflows.

    Days with a sum of exactly 0 are passed over: sources show holidays so.

    Raises
    ------
    NotRecorded
        As ``etf_by_fund``.
    """
    days = etf_by_day(tape, at=at, asset=asset)
    last = days["date"][-1]
    moved = days.filter(pl.col("usd") != 0)
    streak = moved.filter((pl.col("usd") > 0).reverse().cum_sum().reverse() == 0)
    if streak.is_empty():
        return Streak(0, 0.0, None, last)
    return Streak(streak.height, float(streak["usd"].sum()), streak["date"][0], last)


def treasuries(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "7d",
    since: Moment | None = None,
    history: str = "90d",
    asset: str = "BTC",
) -> pl.DataFrame:
    """Shares of companies that hold an asset, against the asset itself.

    Returns are between daily closes: the last one known at ``at`` (at most ten days old) and the
    last one known at the start, of days on which both have one. Beta is the slope of the share's
    daily returns on the asset's, correlation their Pearson coefficient, over such days in
    ``history``; weekends fall into the Monday. Shares close some hours before the UTC day does,
    in Tokyo many: that weakens both.

    Parameters
    ----------
    window, since
        Length of the return, or the moment it begins at (then ``window`` does not count).
    history
        Length over which beta and correlation are measured.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``from_date``, ``to_date``, ``close`` (currency of the listing),
        ``return``, ``asset_return`` (fractions), ``beta``, ``correlation`` (empty below ten
        returns) and ``returns`` (their number), worst first.

    Raises
    ------
    NotRecorded
        When the tape has no daily closes of shares, or none of the asset, that reach so far.
    UndertowError
        When ``since`` is not before ``at``.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window) if since is None else time_ns(since)
    if start_ns >= at_ns:
        raise UndertowError(f"since {time_text(start_ns)}: expected before {time_text(at_ns)}")
    shares = daily_closes(tape, at=at_ns, kinds=_EQUITIES)
    coin = _longest_closes(tape, asset, at_ns)
    both = shares.join(coin, on="date").sort("venue", "symbol", "date")
    fresh = pl.col("date").max() >= _day(at_ns) - timedelta(days=_OLDEST_CLOSE_DAYS)
    both = both.filter(fresh.over("venue", "symbol"))
    history_begin = _day(window_start_ns(at_ns, history))
    found = [
        row
        for _, share in both.group_by("venue", "symbol", maintain_order=True)
        if (row := _against(share, _day(start_ns), history_begin)) is not None
    ]
    if not found:
        raise NotRecorded(f"shares of treasuries and {asset} since {time_text(start_ns)}")
    return pl.concat(found).sort("return", "venue", "symbol")


def moved(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "7d",
    kind: str = "exchange",
) -> pl.DataFrame:
    """Sums of flows of one kind over a window: exchange, long_term_holder, miner, treasury, etf.

    Rows are counted where they begin in the window and are known at its end.

    Returns
    -------
    polars.DataFrame
        ``entity``, ``asset``, ``amount`` (coins; empty where no row tells), ``usd`` (USD; the
        same) and ``rows``, by entity and asset.

    Raises
    ------
    NotRecorded
        When the tape has no flows of that kind in the window.
    """
    at_ns = moment_ns(tape, at)
    sums = [
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
        for name in ("amount", "usd")
    ]
    found = (
        tape.until(at_ns)
        .slice(window_start_ns(at_ns, window), at_ns)
        .table("flows")
        .with_columns(pl.col("kind", "entity", "asset").cast(pl.String))
        .filter(kind=kind)
        .group_by("entity", "asset")
        .agg(*sums, pl.len().cast(pl.Int64).alias("rows"))
        .collect()
    )
    if found.is_empty():
        raise NotRecorded(f"flows of kind {kind} in the {window} before {time_text(at_ns)}")
    return found.sort("entity", "asset")


def _longest_closes(tape: Tape, asset: str, at_ns: int) -> pl.DataFrame:
    """Dates and closes of the asset's market with the most days."""
    candles = (
        tape.until(at_ns)
        .table("candles")
        .select(pl.col("venue", "symbol").cast(pl.String), pl.col("ts").dt.date())
    )
    days = with_asset(candles.unique().group_by("venue", "symbol").len().collect())
    kinds = [venue_kind(venue) in _REFERENCE for venue in days["venue"]]
    own = days.filter(pl.Series(kinds, dtype=pl.Boolean), pl.col("asset") == asset)
    if own.is_empty():
        raise NotRecorded(f"daily closes of {asset} before {time_text(at_ns)}")
    best = own.sort("len", "venue", "symbol", descending=[True, False, False]).row(0, named=True)
    closes = daily_closes(tape, at=at_ns, venue=best["venue"], symbol=best["symbol"])
    return closes.select("date", pl.col("close").alias("asset_close"))


def _day(moment_ns: int) -> date:
    return date.fromisoformat(time_text(moment_ns)[:10])


def _against(share: pl.DataFrame, begin: date, history_begin: date) -> pl.DataFrame | None:
    """One share's row; None where its closes do not reach back to the start."""
    before = share.filter(pl.col("date") < begin)  # the close of the day itself comes later
    last = share.tail(1)
    if before.is_empty() or last["date"][0] < begin:
        return None
    first = before.tail(1)
    recent = share.filter(pl.col("date") >= history_begin)
    own, coin = (
        recent.select(pl.col(name).pct_change().drop_nulls()).to_series().to_numpy()
        for name in ("close", "asset_close")
    )
    known = len(own) >= _FEWEST_RETURNS and np.ptp(own) > 0 and np.ptp(coin) > 0
    covariance = np.cov(own, coin) if known else None
    return last.select(
        "venue",
        "symbol",
        pl.lit(first["date"][0]).alias("from_date"),
        pl.col("date").alias("to_date"),
        "close",
        (pl.col("close") / first["close"][0] - 1).alias("return"),
        (pl.col("asset_close") / first["asset_close"][0] - 1).alias("asset_return"),
        pl.lit(
            None if covariance is None else float(covariance[0, 1] / covariance[1, 1]),
            dtype=pl.Float64,
        ).alias("beta"),
        pl.lit(
            None if covariance is None else float(np.corrcoef(own, coin)[0, 1]), dtype=pl.Float64
        ).alias("correlation"),
        pl.lit(len(own)).alias("returns"),
    )
