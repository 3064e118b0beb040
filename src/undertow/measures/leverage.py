"""How much is borrowed, and what it costs: open interest and funding of perpetuals.

Open interest is in USD, one side counted. Funding rates are fractions; positive: longs pay
shorts. A value is the last one known at the moment, with its time; one older than ``max_age`` is
no value. Tables: ``open_interest``, ``funding``, ``candles`` (for the price).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from undertow.errors import NotRecorded, UndertowError, nearest
from undertow.measures.bars import instant, moment_ns, prices, window_start_ns, with_asset
from undertow.model.assets import VenueKind
from undertow.model.periods import duration_ns, time_text
from undertow.tape import Tape
from undertow.tape.frames import known_at
from undertow.tape.store import Moment

HOURS_PER_YEAR = 365 * 24
_MARKET = ["venue", "symbol"]
_PERPS: tuple[VenueKind, ...] = ("perp",)
# How far before a window the last sign of a funding rate is looked for.
_SIGN_BEFORE = "3d"


def open_interest(tape: Tape, *, at: Moment | None = None, max_age: str = "1d") -> pl.DataFrame:
    """Open interest of each venue and symbol.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``contracts`` (as the venue counts; may be empty),
        ``usd`` (USD; may be empty) and ``as_of`` (when the value was known).

    Raises
    ------
    NotRecorded
        When no value at most ``max_age`` old was known.
    """
    found = _latest(tape, "open_interest", at, max_age)
    return found.select(*_MARKET, "asset", "contracts", "usd", "as_of")


def open_interest_change(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    by: Sequence[str] = ("asset",),
    max_age: str = "1d",
) -> pl.DataFrame:
    """Change of open interest over a window.

    Only symbols with a value at both ends count: a venue that joins or leaves the recording is
    no change of the market.

    Parameters
    ----------
    by
        Any of venue, asset, symbol; none gives one row for all.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, ``start_usd``, ``end_usd``, ``change_usd`` (USD), ``change``
        (fraction of the start; empty where that is 0) and ``series`` (symbols counted); largest
        fall first.

    Raises
    ------
    NotRecorded
        When no symbol has a value at both ends.
    """
    for name in by:
        if name not in (*_MARKET, "asset"):
            raise UndertowError(f"no key '{name}' to group by{nearest(name, (*_MARKET, 'asset'))}")
    both = _both_ends(tape, moment_ns(tape, at), window, max_age)
    sums = [pl.col("start_usd", "end_usd").sum(), pl.len().cast(pl.Int64).alias("series")]
    grouped = both.group_by(by).agg(sums) if by else both.select(sums)
    change = pl.col("end_usd") - pl.col("start_usd")
    return grouped.select(
        *by,
        "start_usd",
        "end_usd",
        change.alias("change_usd"),
        pl.when(pl.col("start_usd") > 0).then(change / pl.col("start_usd")).alias("change"),
        "series",
    ).sort("change_usd", *by)


def regime(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    threshold: float = 0.01,
    max_age: str = "1d",
) -> pl.DataFrame:
    """What a move of the price and of open interest, seen together, says about positions.

    Open interest is taken in coins here, (1 + its change in USD) / (1 + change of the price) − 1:
    in USD it falls with the price even when nobody closes anything.

    ========  =============  ============================
    price     open interest  reading
    ========  =============  ============================
    falls     falls          deleveraging (longs closing)
    falls     rises          new shorts
    rises     rises          new longs
    rises     falls          shorts closing
    ========  =============  ============================

    Moves of at most ``threshold`` count as none, and the reading is then "unclear". The reading
    is the market's habit of speech, not proof: every contract has a long and a short.

    Returns
    -------
    polars.DataFrame
        ``asset``, ``price_change`` (fraction; median over the perps priced at both ends),
        ``open_interest_change_usd``, ``open_interest_change_coins`` (fractions) and ``regime``,
        by asset.

    Raises
    ------
    NotRecorded
        When no asset has both open interest and a price at both ends.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    change = open_interest_change(tape, at=at_ns, window=window, max_age=max_age)
    price = (
        prices(tape, at_ns, kinds=_PERPS)
        .join(prices(tape, start_ns, kinds=_PERPS), on=_MARKET, suffix="_start")
        .group_by("asset")
        .agg((pl.col("price") / pl.col("price_start") - 1).median().alias("price_change"))
    )
    both = change.drop_nulls("change").join(price, on="asset")
    if both.is_empty():
        raise NotRecorded(f"open interest and price in the {window} before {time_text(at_ns)}")
    coins = (1 + pl.col("change")) / (1 + pl.col("price_change")) - 1
    return (
        both.with_columns(coins.alias("open_interest_change_coins"))
        .select(
            "asset",
            "price_change",
            pl.col("change").alias("open_interest_change_usd"),
            "open_interest_change_coins",
            _reading(threshold).alias("regime"),
        )
        .sort("asset")
    )


def funding(tape: Tape, *, at: Moment | None = None, max_age: str = "1d") -> pl.DataFrame:
    """Current funding rate of each venue and symbol, and what it comes to.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``rate`` (fraction per ``interval_hours``),
        ``interval_hours``, ``rate_8h`` (fraction per 8 h: rate x 8 / interval_hours),
        ``annualised`` (fraction per 365 days, simple: rate x 8760 / interval_hours) and
        ``as_of``. Where the interval is not known the last two rates are empty.

    Raises
    ------
    NotRecorded
        When no rate at most ``max_age`` old was known.
    """
    per_hour = pl.col("rate") / pl.col("interval_hours")
    return _latest(tape, "funding", at, max_age).select(
        *_MARKET,
        "asset",
        "rate",
        "interval_hours",
        (per_hour * 8).alias("rate_8h"),
        (per_hour * HOURS_PER_YEAR).alias("annualised"),
        "as_of",
    )


@dataclass(frozen=True)
class WeightedFunding:
    """Funding of one asset across venues.

    Attributes
    ----------
    rate_8h, annualised
        Fraction per 8 h; fraction per 365 days, simple.
    weights
        "open interest", or "equal" where none was recorded for any of the venues.
    median_8h
        Median of the venues' rates per 8 h, whatever their size.
    lowest_8h, highest_8h
        Venue and rate per 8 h.
    venues
        Those that count.
    left_out
        Venues with a rate that do not count: interval or open interest not known.
    """

    asset: str
    rate_8h: float
    annualised: float
    weights: str
    median_8h: float
    lowest_8h: tuple[str, float]
    highest_8h: tuple[str, float]
    venues: tuple[str, ...]
    left_out: tuple[str, ...]


def weighted_funding(
    tape: Tape, *, at: Moment | None = None, asset: str = "BTC", max_age: str = "1d"
) -> WeightedFunding:
    """Funding of an asset across venues, weighted by open interest: sum(OI x rate) / sum(OI).

    Rates are brought to 8 hours first. A venue's symbols of the asset are averaged before
    venues are. Where no venue's open interest was recorded the mean is plain, and says so.

    Raises
    ------
    NotRecorded
        When no rate of known interval was known for the asset.
    """
    at_ns = moment_ns(tape, at)
    rates = funding(tape, at=at_ns, max_age=max_age).filter(pl.col("asset") == asset)
    # A venue that missed two settlements has stopped: its last rate is not the current one.
    age_hours = (instant(at_ns) - pl.col("as_of")).dt.total_hours(fractional=True)
    rates = rates.filter((age_hours <= 2 * pl.col("interval_hours")).fill_null(True))
    by_venue = rates.group_by("venue").agg(pl.col("rate_8h").mean()).sort("venue")
    usable = by_venue.drop_nulls("rate_8h")
    if usable.is_empty():
        raise NotRecorded(f"funding of {asset} with a known interval at {time_text(at_ns)}")
    weighted = usable.join(_usd_by_venue(tape, at_ns, asset, max_age), on="venue")
    if has_weights := weighted["usd"].sum() > 0:
        usable = weighted
    else:
        usable = usable.with_columns(pl.lit(1.0).alias("usd"))
    mean = usable.select((pl.col("rate_8h") * pl.col("usd")).sum() / pl.col("usd").sum()).item()
    venues = tuple(usable["venue"])
    ranked = usable.sort("rate_8h", "venue").select("venue", "rate_8h").rows()
    return WeightedFunding(
        asset=asset,
        rate_8h=mean,
        annualised=mean / 8 * HOURS_PER_YEAR,
        weights="open interest" if has_weights else "equal",
        median_8h=usable.select(pl.col("rate_8h").median()).item(),
        lowest_8h=ranked[0],
        highest_8h=ranked[-1],
        venues=venues,
        left_out=tuple(venue for venue in by_venue["venue"] if venue not in venues),
    )


def funding_flips(
    tape: Tape, *, at: Moment | None = None, window: str = "7d", asset: str | None = None
) -> pl.DataFrame:
    """When funding rates changed their sign.

    A rate of exactly 0 has no sign: the one before it goes on. Where a venue's settlements and
    means over periods are both recorded, the settlements count.

    Returns
    -------
    polars.DataFrame
        ``ts`` (when the new rate was known), ``venue``, ``symbol``, ``asset``, ``before``,
        ``after`` (rates as recorded) and ``turned`` ("negative" or "positive"), by ts. No rows:
        no rate changed its sign.

    Raises
    ------
    NotRecorded
        When no rate was known in the window.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    rates = _known(tape.slice(start_ns - duration_ns(_SIGN_BEFORE)), "funding", at_ns)
    if asset is not None:
        rates = rates.filter(pl.col("asset") == asset)
    in_window = pl.col("as_of") > instant(start_ns)
    if rates.filter(in_window).is_empty():
        raise NotRecorded(f"funding in the {window} before {time_text(at_ns)}")
    length = pl.col("as_of") - pl.col("ts")
    signed = rates.filter(length == length.min().over(_MARKET), pl.col("rate") != 0)
    before = pl.col("rate").shift(1).over(_MARKET, order_by="as_of")
    turned = pl.when(pl.col("rate") > 0).then(pl.lit("positive")).otherwise(pl.lit("negative"))
    return (
        signed.with_columns(before.alias("before"), turned.alias("turned"))
        .filter(in_window, pl.col("rate").sign() != pl.col("before").sign())
        .select(
            pl.col("as_of").alias("ts"), *_MARKET, "asset", "before",
            pl.col("rate").alias("after"), "turned",
        )
        .sort("ts", *_MARKET)
    )  # fmt: skip


def _known(tape: Tape, table: str, at_ns: int) -> pl.DataFrame:
    """Rows known at a moment, with ``asset`` and ``as_of``, by time."""
    rows = tape.until(at_ns).table(table).with_columns(
        pl.col(*_MARKET, "interval").cast(pl.String), known_at().alias("as_of")
    )  # fmt: skip
    return with_asset(rows.collect()).sort("as_of", maintain_order=True)


def _latest(tape: Tape, table: str, at: Moment | None, max_age: str) -> pl.DataFrame:
    at_ns = moment_ns(tape, at)
    # A bar that ended within max_age may have started a week before that.
    recent = tape.slice(at_ns - duration_ns(max_age) - duration_ns("1w"))
    oldest = instant(at_ns - duration_ns(max_age))
    found = (
        _known(recent, table, at_ns)
        .filter(pl.col("as_of") >= oldest)
        .group_by(_MARKET, maintain_order=True)
        .last()
        .sort(_MARKET)
    )
    if found.is_empty():
        what = f"{table.replace('_', ' ')} at {time_text(at_ns)}, at most {max_age} old"
        raise NotRecorded(what)
    return found


def _both_ends(tape: Tape, at_ns: int, window: str, max_age: str) -> pl.DataFrame:
    ends = [
        open_interest(tape, at=moment, max_age=max_age).drop_nulls("usd")
        for moment in (window_start_ns(at_ns, window), at_ns)
    ]
    start = ends[0].select(*_MARKET, pl.col("usd").alias("start_usd"))
    both = ends[1].rename({"usd": "end_usd"}).join(start, on=_MARKET)
    if both.is_empty():
        raise NotRecorded(f"open interest at both ends of the {window} before {time_text(at_ns)}")
    return both


def _usd_by_venue(tape: Tape, at_ns: int, asset: str, max_age: str) -> pl.DataFrame:
    try:
        found = open_interest(tape, at=at_ns, max_age=max_age)
    except NotRecorded:
        return pl.DataFrame(schema={"venue": pl.String, "usd": pl.Float64})
    wanted = found.filter(pl.col("asset") == asset).drop_nulls("usd")
    return wanted.group_by("venue").agg(pl.col("usd").sum())


def _reading(threshold: float) -> pl.Expr:
    price, coins = pl.col("price_change"), pl.col("open_interest_change_coins")
    falls, rises = price < -threshold, price > threshold
    closed, opened = coins < -threshold, coins > threshold
    return (
        pl.when(falls & closed).then(pl.lit("deleveraging (longs closing)"))
        .when(falls & opened).then(pl.lit("new shorts"))
        .when(rises & opened).then(pl.lit("new longs"))
        .when(rises & closed).then(pl.lit("shorts closing"))
        .otherwise(pl.lit("unclear"))
    )  # fmt: skip
