"""The market as a whole: capitalisation, its fastest loss, dominance, breadth, best and worst.

Capitalisation comes from snapshots (table ``market``) and is carried to ``at`` by prices (table
``candles``): price x last known supply, marked as an estimate. Dollars are US dollars, fractions
are plain, falls are negative, nothing is rounded; ``at=None`` is the tape's own moment.

The universe is what the snapshots list. Of each source the latest snapshot counts, if it is not
more than 45 days older than the newest of all; a ticker that a newer source lists is taken from
there. A source that leaves coins out makes the total too small, and wrapped or staked coins that
it lists beside their originals are counted with them: nothing is left out in silence, and every
total names its sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from undertow.errors import NotRecorded
from undertow.measures.bars import (
    STALE_BARS,
    STALE_NS,
    bars,
    length,
    moment_ns,
    prices,
    window_start_ns,
)
from undertow.measures.price import DAY_NS, Floats, Path, Times, largest_fall, returns
from undertow.model.assets import MEMECOINS, STABLECOINS, VenueKind, coins_per_unit
from undertow.model.periods import BAR_INTERVALS, duration_ns, time_ns, time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

FIRST_VENUE = "binance-usdm"
OLDEST_SNAPSHOT_NS = 45 * DAY_NS
_TRADED_WINDOW_NS = 7 * DAY_NS
_KINDS: tuple[VenueKind, ...] = ("perp", "spot")
# A ticker may mean another coin on a venue: no coin moves tenfold between two snapshots.
_LARGEST_MOVE = 10.0


@dataclass(frozen=True)
class MarketTotal:
    """Capitalisation of the universe.

    ``estimated_share`` is the share of ``cap_usd`` that stands on prices at ``at_ns``; the rest
    is as old as its snapshot. ``definition`` names the universe in words.
    """

    at_ns: int
    cap_usd: float
    coins: int
    estimated_coins: int
    estimated_share: float
    oldest_snapshot_ns: int
    newest_snapshot_ns: int
    definition: str


@dataclass(frozen=True)
class MarketLoss:
    """The largest loss of capitalisation within a length of time; ``change_usd`` is 0 or less.

    ``covered_share`` is the share of the whole universe's capitalisation that the ``coins``
    with prices stand for; the loss is theirs alone, nothing is scaled up.
    """

    start_ns: int
    end_ns: int
    from_usd: float
    to_usd: float
    change_usd: float
    change_fraction: float
    coins: int
    covered_share: float


@dataclass(frozen=True)
class Dominance:
    """An asset's share of the universe's capitalisation.

    ``published_share`` is what its snapshot's source says, at ``published_at_ns``, if it does.
    """

    asset: str
    share: float
    cap_usd: float
    total_usd: float
    published_share: float | None
    published_at_ns: int


@dataclass(frozen=True)
class Breadth:
    """Share of coins whose return since ``start_ns`` is ``threshold`` or lower.

    ``coins`` have a return; ``unknown`` trade on the tape and have none over that time.
    """

    start_ns: int
    threshold: float
    share: float
    fallen: int
    coins: int
    unknown: int


def capitalisation(tape: Tape, *, at: Moment | None = None) -> pl.DataFrame:
    """Capitalisation of each coin of the universe.

    A coin with a price on the tape at ``at`` gets price x supply of its last snapshot, an
    estimate; any other keeps the snapshot's own figure. Prices are those of ``main_markets``.
    Where several coins share a ticker, the largest is taken for the one that trades. No price is
    used that is ten times off the snapshot's (another coin of that name), nor for stablecoins (a
    peg that breaks on one venue changes no capitalisation).

    Returns
    -------
    polars.DataFrame
        ``asset`` (ticker in capitals), ``name``, ``source``, ``snapshot_at``, ``supply``
        (coins), ``price`` (USD, of one coin), ``cap_usd``, ``is_estimate``, ``venue`` and
        ``symbol`` of the price, ``snapshot_cap_usd``, ``dominance`` (as published); largest
        first.

    Raises
    ------
    NotRecorded
        When the tape has no snapshot by then.
    """
    at_ns = moment_ns(tape, at)
    snapshot = _universe(tape, at_ns)
    traded = main_markets(tape, at=at_ns).select("asset", "venue", "symbol", "price")
    both = snapshot.join(traded, on="asset", how="left", maintain_order="left")
    is_main = pl.col("snapshot_cap_usd").rank("ordinal", descending=True).over("asset") == 1
    move = pl.col("price") / pl.col("snapshot_price")
    is_estimate = (
        is_main
        & ~pl.col("asset").is_in(list(STABLECOINS))
        & pl.col("supply").is_not_null()
        & move.is_between(1 / _LARGEST_MOVE, _LARGEST_MOVE)
    ).fill_null(False)
    found = both.with_columns(is_estimate.alias("is_estimate"))

    def if_estimated(value: str, otherwise: str | None) -> pl.Expr:
        other = pl.lit(None) if otherwise is None else pl.col(otherwise)
        return pl.when("is_estimate").then(value).otherwise(other).alias(value)

    estimate = pl.when("is_estimate").then(pl.col("price") * pl.col("supply"))
    return found.select(
        *("asset", "name", "source", "snapshot_at", "supply"),
        if_estimated("price", "snapshot_price"),
        estimate.otherwise("snapshot_cap_usd").alias("cap_usd"),
        "is_estimate",
        if_estimated("venue", None),
        if_estimated("symbol", None),
        *("snapshot_cap_usd", "dominance"),
    ).sort("cap_usd", "asset", "name", descending=[True, False, False])


def main_markets(tape: Tape, *, at: Moment | None = None) -> pl.DataFrame:
    """For each asset the market whose price stands for it: perpetuals or spot, in dollars.

    Binance USD-M first; else the venue that traded most of the asset (close x volume) in the
    seven days before. Of several symbols there the one with the shortest bars, then the most
    traded. Then by name. Only markets with a price at ``at`` count.

    Returns
    -------
    polars.DataFrame
        ``asset``, ``venue``, ``symbol``, ``price`` (USD of *one* coin: that of ``1000PEPEUSDT``
        is divided by 1000) and ``coins`` (coins per unit of the symbol). No rows without prices.
    """
    at_ns = moment_ns(tape, at)
    found = prices(tape, at_ns, kinds=_KINDS)
    value = (pl.col("close") * pl.col("volume")).sum().alias("traded_usd")
    week = bars(tape, start=at_ns - _TRADED_WINDOW_NS, at=at_ns, kinds=_KINDS)
    traded = week.group_by("venue", "symbol").agg(value)
    coins = pl.col("symbol").map_elements(coins_per_unit, return_dtype=pl.Int64).alias("coins")
    lengths = {name: duration_ns(name) for name in BAR_INTERVALS}
    return (
        found.join(traded, on=["venue", "symbol"], how="left")
        .with_columns(pl.col("traded_usd").fill_null(0.0), coins)
        .sort(
            pl.col("venue") != FIRST_VENUE,
            -pl.col("traded_usd").sum().over("asset", "venue"),
            "venue",
            pl.col("interval").replace_strict(lengths, return_dtype=pl.Int64),
            -pl.col("traded_usd"),
            "symbol",
        )
        .unique("asset", keep="first", maintain_order=True)
        .select("asset", "venue", "symbol", pl.col("price") / pl.col("coins"), "coins")
        .sort("asset")
    )


def total(tape: Tape, *, at: Moment | None = None) -> MarketTotal:
    """Capitalisation of the universe, and how much of it is estimated.

    Raises
    ------
    NotRecorded
        When the tape has no snapshot by then.
    """
    at_ns = moment_ns(tape, at)
    coins = capitalisation(tape, at=at_ns)
    cap_usd = float(coins["cap_usd"].sum())
    estimated = coins.filter("is_estimate")
    sources = (
        coins.group_by("source")
        .agg(pl.len(), pl.col("snapshot_at").max().cast(pl.Int64))
        .sort("snapshot_at", "source", descending=[True, False])
    )
    listed = [f"{count} of {source} ({time_text(ns)})" for source, count, ns in sources.rows()]
    oldest_ns, newest_ns = coins.select(
        pl.col("snapshot_at").min().cast(pl.Int64).alias("oldest"),
        pl.col("snapshot_at").max().cast(pl.Int64).alias("newest"),
    ).row(0)
    return MarketTotal(
        at_ns,
        cap_usd,
        coins.height,
        estimated.height,
        float(estimated["cap_usd"].sum()) / cap_usd,
        oldest_ns,
        newest_ns,
        "coins listed by the latest snapshots: " + ", ".join(listed),
    )


def fastest_loss(
    tape: Tape, *, at: Moment | None = None, window: str = "24h", within: str = "1h"
) -> MarketLoss:
    """The largest loss of capitalisation within a length of time, from close to close.

    The sum of supply x close over the coins that are estimated at ``at``, with supplies held
    fixed. Coins must have a price at every step; the step is the bar length under which most
    capitalisation trades, coins with longer bars are left out.

    Raises
    ------
    NotRecorded
        When the tape has no snapshot, or no coin with prices throughout the window.
    """
    at_ns = moment_ns(tape, at)
    start_ns, within_ns = window_start_ns(at_ns, window), duration_ns(within)
    coins = capitalisation(tape, at=at_ns)
    grid_ns, caps = _cap_paths(tape, coins, start_ns, at_ns, within_ns)
    if not len(caps):
        raise NotRecorded(
            f"prices of listed coins throughout the {window} before {time_text(at_ns)}"
        )
    path = np.sum(caps, axis=0)
    fall = largest_fall(Path(grid_ns, grid_ns, path, path, path, path), within_ns)
    assert fall is not None  # points have no length
    change_usd = fall.to_value - fall.from_value
    return MarketLoss(
        fall.start_ns,
        fall.end_ns,
        fall.from_value,
        fall.to_value,
        change_usd,
        change_usd / fall.from_value,
        len(caps),
        float(path[-1]) / float(coins["cap_usd"].sum()),
    )


def dominance(tape: Tape, *, at: Moment | None = None, asset: str = "BTC") -> Dominance:
    """Share of an asset in the universe's capitalisation.

    A universe with fewer coins gives a larger share than a whole market would.

    Raises
    ------
    NotRecorded
        When the tape has no snapshot, or none that lists the asset.
    """
    at_ns = moment_ns(tape, at)
    coins = capitalisation(tape, at=at_ns)
    own = coins.filter(pl.col("asset") == asset.upper()).head(1)
    if own.is_empty():
        raise NotRecorded(f"capitalisation of {asset} at {time_text(at_ns)}")
    cap_usd, total_usd = own["cap_usd"].item(), float(coins["cap_usd"].sum())
    published_at_ns = own["snapshot_at"].cast(pl.Int64).item()
    published = own["dominance"].item()
    return Dominance(
        asset.upper(), cap_usd / total_usd, cap_usd, total_usd, published, published_at_ns
    )


def ranking(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    since: Moment | None = None,
) -> pl.DataFrame:
    """Coins by their return, the worst first; those without a return last.

    One row for each asset but stablecoins, by its market of ``main_markets``.

    Parameters
    ----------
    since
        Measure from this moment instead of over ``window``.

    Returns
    -------
    polars.DataFrame
        ``asset``, ``venue``, ``symbol``, ``start``, ``start_price``, ``price`` (quote per unit
        of the symbol), ``return`` (fraction; empty where there was no price at the start).

    Raises
    ------
    NotRecorded
        When no asset has a price at ``at``.
    """
    at_ns = moment_ns(tape, at)
    main = main_markets(tape, at=at_ns).filter(~pl.col("asset").is_in(list(STABLECOINS)))
    if main.is_empty():
        raise NotRecorded(f"prices at {time_text(at_ns)}")
    windows, moments = ((window,), ()) if since is None else ((), (time_ns(since),))
    moves = returns(tape, at=at_ns, windows=windows, since=moments, kinds=_KINDS)
    figures = ("start", "start_price", "price", "return")
    return (
        main.select("asset", "venue", "symbol")
        .join(moves.select("venue", "symbol", *figures), on=["venue", "symbol"], how="left")
        .sort("return", "asset", nulls_last=True)
    )


def breadth(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    since: Moment | None = None,
    threshold: float = -0.3,
) -> Breadth:
    """Share of coins that fell at least so far, each by its market of ``main_markets``.

    Parameters
    ----------
    since
        Measure from this moment instead of over ``window``.
    threshold
        Return (fraction) at or below which a coin counts as fallen: -0.3 is a fall of 30 %.

    Raises
    ------
    NotRecorded
        When no coin has a return over that time.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window) if since is None else time_ns(since)
    moves = ranking(tape, at=at_ns, window=window, since=since)["return"]
    known = moves.drop_nulls()
    if known.is_empty():
        raise NotRecorded(f"returns from {time_text(start_ns)} to {time_text(at_ns)}")
    fallen = int((known <= threshold).sum())
    unknown = len(moves) - len(known)
    return Breadth(start_ns, threshold, fallen / len(known), fallen, len(known), unknown)


def sectors(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    since: Moment | None = None,
) -> pl.DataFrame:
    """Returns of memecoins (``undertow.model.assets.MEMECOINS``) against those of other coins.

    Returns
    -------
    polars.DataFrame
        For each sector with a return, memecoins first: ``sector``, ``coins`` (with a return),
        ``mean``, ``median`` (of coins, each counted once), ``worst`` and ``best`` (fractions),
        ``worst_asset``, ``best_asset``.

    Raises
    ------
    NotRecorded
        When no asset has a price at ``at``.
    """
    moves = ranking(tape, at=at, window=window, since=since).drop_nulls("return")
    is_meme = pl.col("asset").is_in(list(MEMECOINS))
    sector = pl.when(is_meme).then(pl.lit("memecoins")).otherwise(pl.lit("other coins"))
    return (
        moves.group_by(sector.alias("sector"))
        .agg(
            pl.len().alias("coins"),
            pl.col("return").mean().alias("mean"),
            pl.col("return").median().alias("median"),
            pl.col("return").min().alias("worst"),
            pl.col("asset").get(pl.col("return").arg_min()).alias("worst_asset"),
            pl.col("return").max().alias("best"),
            pl.col("asset").get(pl.col("return").arg_max()).alias("best_asset"),
        )
        .sort("sector")
    )


def _universe(tape: Tape, at_ns: int) -> pl.DataFrame:
    """Latest snapshot of each source; a ticker from the newest source that lists it."""
    view = tape.until(at_ns)
    newest = view.table("market").select(pl.col("ts").max()).collect().item()
    if newest is None:
        raise NotRecorded(f"market capitalisation at {time_text(at_ns)}")
    source_at = pl.col("ts").max().over("source")
    rows = (
        view.slice(time_ns(newest) - OLDEST_SNAPSHOT_NS)
        .table("market")
        .with_columns(pl.col("asset", "source").cast(pl.String))
        .collect()
        .with_columns(pl.col("asset").str.to_uppercase(), source_at.alias("source_at"))
        # The rows of one snapshot may be seconds or hours apart.
        .filter(pl.col("ts") > pl.col("source_at") - pl.duration(days=1))
        .sort("source_at", "source", "ts", descending=[True, False, True])
        .unique(["source", "asset", "name"], keep="first", maintain_order=True)
        .filter(pl.col("source") == pl.col("source").first().over("asset"))
    )
    supply = pl.coalesce("supply", pl.col("market_cap") / pl.col("price"))
    return rows.select(
        *("asset", "name", "source"),
        pl.col("ts").alias("snapshot_at"),
        supply.alias("supply"),
        pl.coalesce("price", pl.col("market_cap") / pl.col("supply")).alias("snapshot_price"),
        pl.col("market_cap").alias("snapshot_cap_usd"),
        "dominance",
    )


def _cap_paths(
    tape: Tape, coins: pl.DataFrame, start_ns: int, at_ns: int, within_ns: int
) -> tuple[Times, list[Floats]]:
    """Capitalisations (USD) on a common grid of moments, of the coins priced at all of them."""
    known = (
        bars(tape, start=start_ns - within_ns, at=at_ns, kinds=_KINDS)
        .join(coins.filter("is_estimate").select("venue", "symbol", "supply", "cap_usd"),
              on=["venue", "symbol"], maintain_order="left")
        .with_columns(length().cast(pl.Int64).max().over("venue", "symbol").alias("length_ns"))
        .filter(pl.col("length_ns") <= within_ns)
    )  # fmt: skip
    if known.is_empty():
        return np.empty(0, np.int64), []
    once = known.unique(["venue", "symbol"])
    by_length = once.group_by("length_ns").agg(pl.col("cap_usd").sum())
    step_ns = by_length.sort("cap_usd", "length_ns", descending=[True, False])["length_ns"][0]
    is_step = pl.col("length_ns") == step_ns
    ends = known.filter(is_step)["end"].cast(pl.Int64).unique().sort().to_numpy()
    grid_ns = ends[ends >= start_ns]
    limit_ns = max(STALE_BARS * step_ns, STALE_NS)
    if np.diff(np.concatenate([[start_ns], grid_ns, [at_ns]])).max() > limit_ns:
        return grid_ns, []
    series = known.filter(pl.col("length_ns") <= step_ns)
    parts = series.partition_by("venue", "symbol", maintain_order=True)
    caps = [path for part in parts if (path := _on_grid(part, grid_ns)) is not None]
    return grid_ns, caps


def _on_grid(part: pl.DataFrame, grid_ns: Times) -> Floats | None:
    """Capitalisation of one coin at the moments; None when it lacks a price at any."""
    end_ns = part["end"].cast(pl.Int64).to_numpy()
    row = np.searchsorted(end_ns, grid_ns, side="right") - 1
    limit_ns = max(STALE_BARS * part["length_ns"][0], STALE_NS)
    if row[0] < 0 or np.any(grid_ns - end_ns[row] > limit_ns):
        return None
    per_unit = part["supply"][0] / coins_per_unit(part["symbol"][0])
    caps: Floats = part["close"].to_numpy()[row] * per_unit
    return caps
