"""Returns by calendar month, and what an average of them hides.

From the table ``candles``: closes of UTC months, month on month. Returns are fractions (0.42 is
42 %), nothing is rounded; ``at=None`` is the tape's own moment.
"""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures.bars import moment_ns
from undertow.measures.price import ANY_KIND, daily_closes
from undertow.model.periods import time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

_MARKET = ["venue", "symbol"]


def monthly_returns(
    tape: Tape,
    *,
    at: Moment | None = None,
    asset: str = "BTC",
    since: int | None = None,
) -> pl.DataFrame:
    """Return of each calendar month: its last daily close over that of the month before.

    The market with the longest daily history of the asset is taken, an index included; of equals
    the first by name. A month counts when it is over at ``at`` and its own last day and that of
    the month before have a close.

    Parameters
    ----------
    since
        First year of the table. None: as far back as the tape reaches.

    Returns
    -------
    polars.DataFrame
        ``year``, ``month`` (1 to 12), ``return``, ``close`` (quote per base), ``venue`` and
        ``symbol`` of the history; in time order.

    Raises
    ------
    NotRecorded
        When the tape has no complete month of the asset.
    """
    at_ns = moment_ns(tape, at)
    closes = daily_closes(tape, at=at_ns, kinds=ANY_KIND)
    closes = closes.filter(pl.col("asset") == asset.upper())
    is_month_end = pl.col("date") == pl.col("date").dt.month_end()
    ends = _longest(closes).filter(is_month_end).sort("date")
    previous = pl.col("date").dt.offset_by("-1mo").dt.month_end()
    found = (
        ends.with_columns(previous.alias("previous"))
        .join(
            ends.select(pl.col("date").alias("previous"), pl.col("close").alias("before")),
            on="previous",
            maintain_order="left",
        )
        .select(
            pl.col("date").dt.year().alias("year"),
            pl.col("date").dt.month().cast(pl.Int32).alias("month"),
            (pl.col("close") / pl.col("before") - 1).alias("return"),
            *("close", "venue", "symbol"),
        )
    )
    if since is not None:
        found = found.filter(pl.col("year") >= since)
    if found.is_empty():
        raise NotRecorded(f"a complete month of {asset} before {time_text(at_ns)}")
    return found


def month_summary(
    tape: Tape,
    *,
    at: Moment | None = None,
    asset: str = "BTC",
    since: int | None = None,
) -> pl.DataFrame:
    """Each calendar month over the years: mean and median, and what drives the mean.

    A mean of few and skewed returns is often one year's: ``mean_without_best`` leaves out the
    best year, and ``best_share`` is that year's part of the sum of all returns.

    Parameters
    ----------
    since
        First year that counts. None: as far back as the tape reaches.

    Returns
    -------
    polars.DataFrame
        ``month`` (1 to 12), ``count`` (years), ``mean``, ``median``, ``positive`` (share of
        years with a return above 0), ``best``, ``best_year``, ``worst``, ``worst_year``,
        ``mean_without_best`` (empty for a single year), ``best_share`` (fraction; empty unless
        the sum of returns is above 0), ``first_year``, ``last_year``. The earlier year of equals.

    Raises
    ------
    NotRecorded
        When the tape has no complete month of the asset.
    """
    months = monthly_returns(tape, at=at, asset=asset, since=since)
    value, count = pl.col("return"), pl.len()
    rest = (value.sum() - value.max()) / (count - 1)
    return (
        months.group_by("month")
        .agg(
            count.cast(pl.Int64).alias("count"),
            value.mean().alias("mean"),
            value.median().alias("median"),
            (value > 0).mean().alias("positive"),
            value.max().alias("best"),
            pl.col("year").get(value.arg_max()).alias("best_year"),
            value.min().alias("worst"),
            pl.col("year").get(value.arg_min()).alias("worst_year"),
            pl.when(count > 1).then(rest).alias("mean_without_best"),
            pl.when(value.sum() > 0).then(value.max() / value.sum()).alias("best_share"),
            pl.col("year").min().alias("first_year"),
            pl.col("year").max().alias("last_year"),
        )
        .sort("month")
    )


def _longest(closes: pl.DataFrame) -> pl.DataFrame:
    """Closes of the market with the most days."""
    days = closes.group_by(_MARKET).len().sort("len", *_MARKET, descending=[True, False, False])
    return closes.join(days.head(1).select(_MARKET), on=_MARKET)
