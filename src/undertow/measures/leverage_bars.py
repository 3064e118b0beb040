"""Candles as the leverage map reads them: hours where there are any, each time covered once.

Bars shorter than an hour are joined to hours, so that a finer recording of the same market gives
the same crowd. Of several lengths the finest that covers an hour, or a longer bar, counts.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import NotRecorded
from undertow.measures.leverage_parameters import Floats
from undertow.model.assets import VenueKind, asset_of, venue_kind
from undertow.model.periods import BAR_INTERVALS, duration_ns, time_text
from undertow.tape import Tape

Times = npt.NDArray[np.int64]
HOUR_NS = duration_ns("1h")
COVERS = 0.8
KINDS: tuple[VenueKind, ...] = ("perp", "spot", "dated")
_MARKET = ["venue", "symbol"]
_LENGTHS = {name: duration_ns(name) for name in BAR_INTERVALS}
_INVERSE = "binance-coinm"


@dataclasses.dataclass(frozen=True)
class Bars:
    """One market's bars in time order; prices in quote per base, turnover in USD.

    ``prices`` has a row of open, high, low and close for each bar; high and low are those of the
    mark price where the tape has it (``marked``), because the mark liquidates.
    ``turnover_usd`` is NaN where volume was not recorded.
    """

    venue: str
    symbol: str
    asset: str
    kind: VenueKind
    start_ns: Times
    end_ns: Times
    prices: Floats
    turnover_usd: Floats
    marked: bool


def read_bars(tape: Tape, longest_ns: int, symbols: list[str] | None = None) -> list[Bars]:
    """All markets of a tape, by venue and symbol.

    Parameters
    ----------
    longest_ns
        Longer bars are left out: they cannot say when within them something happened.
    symbols
        Only these, by exact name.

    Raises
    ------
    NotRecorded
        When no bar is left.
    """
    found = _collect(tape, symbols).filter(pl.col("length_ns") <= longest_ns)
    if found.is_empty():
        raise NotRecorded(f"candles of at most {longest_ns // HOUR_NS} h with a price")
    marks = _hourly_marks(tape)
    hours = _hours(found.filter(pl.col("length_ns") <= HOUR_NS))
    longer = found.filter(pl.col("length_ns") > HOUR_NS)
    joined = _with_longer(hours, longer, longest_ns) if longer.height else hours
    return [
        _bars(str(venue), str(symbol), rows.sort("start_ns"), marks.get((venue, symbol)))
        for (venue, symbol), rows in sorted(joined.partition_by(_MARKET, as_dict=True).items())
    ]


def _collect(tape: Tape, symbols: list[str] | None) -> pl.DataFrame:
    words = pl.col(*_MARKET, "interval").cast(pl.String)
    rows = tape.table("candles").with_columns(words)
    if symbols is not None:
        rows = rows.filter(pl.col("symbol").is_in(symbols))
    close = pl.col("close")
    prices = [
        pl.when(pl.col(name).is_finite() & (pl.col(name) > 0)).then(pl.col(name)).alias(name)
        for name in ("open", "high", "low")
    ]
    frame = (
        rows.filter(close.is_finite() & (close > 0))
        .select(
            *_MARKET,
            pl.col("ts").cast(pl.Int64).alias("start_ns"),
            pl.col("interval").replace_strict(_LENGTHS, return_dtype=pl.Int64).alias("length_ns"),
            *prices,
            "close",
            _turnover().alias("turnover_usd"),
        )
        .collect()
    )
    kinds = {venue: _kind(venue) for venue in frame["venue"].unique()}
    return frame.filter(pl.col("venue").is_in([v for v, kind in kinds.items() if kind in KINDS]))


def _kind(venue: str) -> VenueKind:
    """What the venue trades; one that is not listed but says spot is believed."""
    return "spot" if "spot" in venue else venue_kind(venue)


def _turnover() -> pl.Expr:
    """Value traded in USD; the quote currency is taken for a dollar.

    Binance's coin-margined files call contracts volume and coins quote volume; where the figures
    look like that, coins times the price are the value. A bar whose price moved was traded: no
    volume there means that it was not recorded.
    """
    value = pl.col("volume") * pl.col("close")
    quote = pl.col("quote_volume")
    ratio = quote / value
    swapped = (pl.col("venue") == _INVERSE) & (ratio < 0.1)
    is_plausible = (ratio > 0.5) & (ratio < 2)
    traded = (
        pl.when(swapped)
        .then(quote * pl.col("close"))
        .when(pl.col("volume").is_null() | is_plausible)
        .then(quote)
        .otherwise(value)
        .clip(lower_bound=0)
    )
    is_lacking = (traded == 0) & (pl.col("high") > pl.col("low"))
    return pl.when(is_lacking).then(None).otherwise(traded)


def _hours(found: pl.DataFrame) -> pl.DataFrame:
    """Bars of an hour, each from the finest length that covers most of it, else from the best."""
    last_ns = pl.col("start_ns") + pl.col("length_ns") - 1  # a bar belongs where it is known
    hour = (last_ns // HOUR_NS * HOUR_NS).alias("hour_ns")
    close, low = pl.col("close"), pl.col("low")
    joined = (
        found.with_columns(hour)
        .sort(*_MARKET, "start_ns")
        .group_by(*_MARKET, "hour_ns", "length_ns", maintain_order=True)
        .agg(
            pl.coalesce("open", "close").first().alias("open"),
            pl.max_horizontal(pl.col("high", "open"), close).max().alias("high"),
            pl.min_horizontal(low, pl.col("open"), close).min().alias("low"),
            close.last(),
            pl.when(pl.col("turnover_usd").count() > 0).then(pl.col("turnover_usd").sum()).first(),
            (pl.col("open").null_count() > 0).alias("closes_only"),
            (pl.len() * pl.col("length_ns").first() / HOUR_NS).alias("coverage"),
        )
        .with_columns(pl.min_horizontal("coverage", COVERS).alias("enough"))
        .sort("enough", "length_ns", descending=[True, False])
        .group_by(*_MARKET, "hour_ns", maintain_order=True)
        .first()
    )
    return joined.select(
        *_MARKET,
        pl.col("hour_ns").alias("start_ns"),
        pl.lit(HOUR_NS).alias("length_ns"),
        "open", "high", "low", "close", "turnover_usd", "closes_only",
    )  # fmt: skip


def _with_longer(hours: pl.DataFrame, longer: pl.DataFrame, bucket_ns: int) -> pl.DataFrame:
    """Add longer bars where shorter ones leave more than a fifth of them uncovered.

    The shorter ones then give way, unless the longer bar reaches over the end of a bucket: what
    is known of an earlier bucket may not change.
    """
    longer = longer.with_columns(
        pl.max_horizontal("open", "high", "low", "close").alias("high"),
        pl.min_horizontal("open", "high", "low", "close").alias("low"),
        pl.col("open").is_null().alias("closes_only"),
        pl.coalesce("open", "close").alias("open"),
    ).select(hours.columns)
    kept = hours
    for _, level in sorted(longer.partition_by("length_ns", as_dict=True).items()):
        span = pl.col("start_ns") + pl.col("length_ns")
        within = (
            level.select(*_MARKET, pl.col("start_ns").alias("long_ns"), span.alias("long_end_ns"))
            .join(kept, on=_MARKET)
            .filter(pl.col("start_ns").is_between("long_ns", "long_end_ns", closed="left"))
        )
        share = within.group_by(*_MARKET, "long_ns").agg(pl.col("length_ns").sum().alias("covered"))
        judged = level.join(
            share, left_on=[*_MARKET, "start_ns"], right_on=[*_MARKET, "long_ns"], how="left"
        ).with_columns(pl.col("covered").fill_null(0))
        last_ns = span - 1
        is_inside = pl.col("start_ns") // bucket_ns == last_ns // bucket_ns
        wanted = judged.filter(
            (pl.col("covered") == 0)
            | (is_inside & (pl.col("covered") < COVERS * pl.col("length_ns")))
        )
        given_up = within.join(
            wanted, left_on=[*_MARKET, "long_ns"], right_on=[*_MARKET, "start_ns"], how="semi"
        ).select(*_MARKET, "start_ns")
        kept = pl.concat([kept.join(given_up, on=[*_MARKET, "start_ns"], how="anti"),
                          wanted.select(kept.columns)])  # fmt: skip
    return kept


def _hourly_marks(tape: Tape) -> dict[tuple[object, ...], pl.DataFrame]:
    """Highest and lowest mark of each hour that bars of the mark cover, by market."""
    if not tape.has("marks"):
        return {}
    words = pl.col(*_MARKET, "interval").cast(pl.String)
    lengths = pl.col("interval").replace_strict(_LENGTHS, default=None, return_dtype=pl.Int64)
    hours = (
        tape.table("marks")
        .with_columns(words)
        .with_columns(lengths.alias("length_ns"))
        .filter(pl.col("mark_low") > 0, pl.col("mark_high") > 0, pl.col("length_ns") <= HOUR_NS)
        .with_columns((pl.col("ts").cast(pl.Int64) // HOUR_NS * HOUR_NS).alias("start_ns"))
        .group_by(*_MARKET, "start_ns", "length_ns")
        .agg(pl.col("mark_high").max(), pl.col("mark_low").min(), pl.len().alias("count"))
        .filter(pl.col("count") * pl.col("length_ns") >= HOUR_NS)
        .sort("length_ns")
        .unique(subset=[*_MARKET, "start_ns"], keep="first", maintain_order=True)
        .collect()
    )
    return hours.partition_by(_MARKET, as_dict=True)


def _bars(venue: str, symbol: str, rows: pl.DataFrame, marks: pl.DataFrame | None) -> Bars:
    prices = rows.select("open", "high", "low", "close").to_numpy().astype(float)
    start_ns = rows["start_ns"].to_numpy()
    end_ns = start_ns + rows["length_ns"].to_numpy()
    closes_only = rows["closes_only"].to_numpy()
    if closes_only.any():  # the way from the last close is all that is known of the bar
        before = np.concatenate([prices[:1, 3], prices[:-1, 3]])
        follows = closes_only & (np.concatenate([start_ns[:1], end_ns[:-1]]) == start_ns)
        prices[follows, 0] = before[follows]
        prices[:, 1] = prices.max(axis=1)
        prices[:, 2] = prices.min(axis=1)
    if marks is not None:
        order = rows.select("start_ns", "length_ns").join(
            marks.select("start_ns", "mark_high", "mark_low"), on="start_ns", how="left"
        )
        usable = (rows["length_ns"] == HOUR_NS).to_numpy()
        for column, name in ((1, "mark_high"), (2, "mark_low")):
            mark = order[name].to_numpy().astype(float)
            prices[:, column] = np.where(usable & np.isfinite(mark), mark, prices[:, column])
        prices[:, 1] = np.maximum(prices[:, 1], prices[:, 2])
        prices[:, 0] = np.clip(prices[:, 0], prices[:, 2], prices[:, 1])
        prices[:, 3] = np.clip(prices[:, 3], prices[:, 2], prices[:, 1])
    turnover = rows["turnover_usd"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return Bars(
        venue, symbol, asset_of(symbol), _kind(venue), start_ns, end_ns, prices,
        np.where(np.isfinite(turnover), turnover, np.nan), marks is not None,
    )  # fmt: skip


def span_text(bars: list[Bars]) -> str:
    """First and last moment of all bars, for messages."""
    first = min(int(series.start_ns[0]) for series in bars)
    last = max(int(series.end_ns[-1]) for series in bars)
    return f"{time_text(first)} to {time_text(last)}"
