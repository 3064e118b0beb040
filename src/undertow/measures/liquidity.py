"""How much can be traded without moving the price: depth, spread, dispersion.

Values are in the quote currency, which is taken for USD (a stablecoin at 1). Mid is the mean of
best bid and best ask. Tables: ``depth``, ``quotes``, ``book``, ``candles``. A value is the last
one known at the moment, at most ``max_age`` old.
"""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.measures.bars import (
    bars,
    instant,
    moment_ns,
    window_start_ns,
    with_asset,
)
from undertow.measures.order_book import levels, mids
from undertow.model.assets import VenueKind, coins_per_unit, quote_of
from undertow.model.periods import duration_ns, time_ns, time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

_MARKET = ["venue", "symbol"]
_SIDES = ["bid_usd", "ask_usd"]
_PERPS: tuple[VenueKind, ...] = ("perp",)
# A baseline without recorded depth is looked at this many times, evenly spaced.
_SAMPLES = 24
# A market that goes on trading opens a bar where it closed the last one.
_LARGEST_JUMP = 0.002


def depth(
    tape: Tape, *, at: Moment | None = None, band: float = 0.01, max_age: str = "1h"
) -> pl.DataFrame:
    """Resting orders within ``band`` of mid, by venue, symbol and side.

    From the table ``depth`` where it has that band; else added up from the ``book``.

    Parameters
    ----------
    band
        Fraction of mid on each side: 0.01 is ±1 %.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``bid_usd``, ``ask_usd`` (USD), ``bid_reach``,
        ``ask_reach`` (how far from mid every level is known, fraction of mid; where that is less
        than ``band`` the depth is a lower bound; empty for the table ``depth``) and
        ``as_of``.

    Raises
    ------
    NotRecorded
        When neither a depth of that band nor a book was recorded.
    """
    at_ns = moment_ns(tape, at)
    oldest_ns = at_ns - duration_ns(max_age)
    recorded = _recorded_depth(tape, oldest_ns, at_ns, band)
    latest = recorded.group_by(_MARKET, maintain_order=True).last()
    from_book = _book_depth(levels(tape, at_ns), band).join(latest, on=_MARKET, how="anti")
    found = pl.concat([latest, from_book], how="diagonal")
    found = found.filter(pl.col("as_of") >= instant(oldest_ns))
    if found.is_empty():
        raise NotRecorded(f"depth within {band:g} of mid at {time_text(at_ns)}")
    return with_asset(found.sort(_MARKET)).select(
        *_MARKET, "asset", *_SIDES, "bid_reach", "ask_reach", "as_of"
    )


def depth_change(
    tape: Tape,
    *,
    at: Moment | None = None,
    band: float = 0.01,
    baseline: str | tuple[Moment, Moment] = "24h",
    max_age: str = "1h",
) -> pl.DataFrame:
    """Depth against what was usual: now / median over a baseline − 1.

    Parameters
    ----------
    baseline
        A span of time, or the length of one that ends at ``at``; its end is not included.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``bid_usd``, ``ask_usd``, ``baseline_bid_usd``,
        ``baseline_ask_usd`` (USD; medians), ``bid_change``, ``ask_change`` (fractions) and
        ``samples`` (recorded values, or books that were added up). Venues without a baseline
        are left out.

    Raises
    ------
    NotRecorded
        When there is no depth at ``at``, or none in the baseline.
    """
    at_ns = moment_ns(tape, at)
    start_ns, end_ns = _span(baseline, at_ns)
    now = depth(tape, at=at_ns, band=band, max_age=max_age)
    before = _recorded_depth(tape, start_ns, end_ns - 1, band)
    if before.is_empty():
        before = _sampled_depth(tape, start_ns, end_ns, band, duration_ns(max_age))
    usual = before.group_by(_MARKET).agg(
        pl.col(_SIDES).median().name.prefix("baseline_"), pl.len().cast(pl.Int64).alias("samples")
    )
    both = now.join(usual, on=_MARKET)
    if both.is_empty():
        raise NotRecorded(f"depth between {time_text(start_ns)} and {time_text(end_ns)}")
    changes = [
        (pl.col(f"{side}_usd") / pl.col(f"baseline_{side}_usd") - 1).alias(f"{side}_change")
        for side in ("bid", "ask")
    ]
    return (
        both.with_columns(changes)
        .sort(_MARKET)
        .select(
            *_MARKET, "asset", *_SIDES, "baseline_bid_usd", "baseline_ask_usd",
            "bid_change", "ask_change", "samples",
        )
    )  # fmt: skip


def spread(tape: Tape, *, at: Moment | None = None, max_age: str = "1h") -> pl.DataFrame:
    """Best ask less best bid over mid, by venue and symbol.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``spread`` (fraction of mid), ``source`` (the table:
        quotes, book or depth; the latest of what was recorded) and ``as_of``.

    Raises
    ------
    NotRecorded
        When none of the three tables has a value at most ``max_age`` old.
    """
    at_ns = moment_ns(tape, at)
    oldest_ns = at_ns - duration_ns(max_age)
    recent = tape.until(at_ns).slice(oldest_ns)
    market = [pl.col(name).cast(pl.String) for name in _MARKET]
    time = pl.col("ts").alias("as_of")
    width = (pl.col("ask") - pl.col("bid")) / (pl.col("ask") + pl.col("bid")) * 2
    quoted = recent.table("quotes").select(*market, width.alias("spread"), time).collect()
    banded = recent.table("depth").drop_nulls("spread").select(*market, "spread", time).collect()
    booked = mids(levels(tape, at_ns)).select(*_MARKET, "spread", "as_of")
    sources = {"depth": banded, "book": booked, "quotes": quoted}
    found = (
        pl.concat(frame.with_columns(pl.lit(name).alias("source"))
                  for name, frame in sources.items())
        .filter(pl.col("as_of") >= instant(oldest_ns))
        .sort("as_of", maintain_order=True)
        .group_by(_MARKET, maintain_order=True)
        .last()
    )  # fmt: skip
    if found.is_empty():
        raise NotRecorded(f"spread at {time_text(at_ns)}, at most {max_age} old")
    return with_asset(found.sort(_MARKET)).select(*_MARKET, "asset", "spread", "source", "as_of")


def dispersion(
    tape: Tape, *, at: Moment | None = None, window: str = "24h", asset: str = "BTC"
) -> pl.DataFrame:
    """Largest price gap between venues at the same time: highest close / lowest close − 1.

    Perpetuals of the asset are compared where at least two venues have a bar of the same start,
    length and quote currency; a contract on 1000 coins counts per coin. A bar is left out when
    none follows it, or the next one opens more than 0.2 % from its close: the recording or the
    venue had stopped, and the close is from before the bar's end. What follows the last bar is
    not known yet: it counts for venues that did not stop before in the window. The 0.2 % is our
    choice.

    Returns
    -------
    polars.DataFrame
        ``ts`` (end of the bar: when the closes were seen), ``interval``, ``quote`` (empty where
        the symbol names none), ``gap`` (fraction), ``low_venue``, ``low``, ``high_venue``,
        ``high`` (quote per coin) and ``venues`` (all compared, in order), by ts. The widest gap
        is the row with the largest ``gap``.

    Raises
    ------
    NotRecorded
        When no two venues have such a bar in the window.
    """
    at_ns = moment_ns(tape, at)
    known = bars(tape, start=window_start_ns(at_ns, window), at=at_ns, kinds=_PERPS)
    known = _whole(known.filter(pl.col("asset") == asset))
    units = {name: coins_per_unit(name) for name in known["symbol"].unique()}
    quotes = {name: quote_of(name) for name in units}
    symbol = pl.col("symbol")
    price = pl.col("close") / symbol.replace_strict(units, default=1, return_dtype=pl.Int64)
    at_low, at_high = pl.col("price").arg_min(), pl.col("price").arg_max()
    found = (
        known.with_columns(
            price.alias("price"),
            symbol.replace_strict(quotes, default="", return_dtype=pl.String).alias("quote"),
        )
        .group_by("end", "interval", "quote")
        .agg(
            (pl.col("price").max() / pl.col("price").min() - 1).alias("gap"),
            pl.col("venue").get(at_low).alias("low_venue"),
            pl.col("price").min().alias("low"),
            pl.col("venue").get(at_high).alias("high_venue"),
            pl.col("price").max().alias("high"),
            pl.col("venue").unique().sort().alias("venues"),
        )
        .filter(pl.col("venues").list.len() >= 2)
    )
    if found.is_empty():
        what = f"prices of {asset} on two venues at the same time"
        raise NotRecorded(f"{what} in the {window} before {time_text(at_ns)}")
    return found.rename({"end": "ts"}).sort("ts", "interval", "quote")


def _whole(known: pl.DataFrame) -> pl.DataFrame:
    """Bars whose close was the price at their end: the next one follows, and opens there.

    Where it opens elsewhere, or is not there, the recording or the venue had stopped before.
    """
    following = pl.col("ts", "open").shift(-1).over(_MARKET, order_by="ts").name.prefix("next_")
    goes_on = (pl.col("next_ts") == pl.col("end")) & (
        pl.col("next_open").is_null()
        | ((pl.col("next_open") / pl.col("close") - 1).abs() <= _LARGEST_JUMP)
    )
    is_latest = pl.col("next_ts").is_null() & (pl.col("end") == pl.col("end").max())
    goes_on = goes_on.fill_null(False)
    # What follows the latest bar nobody knows yet: it counts where all bars before it went on.
    is_steady = (goes_on | is_latest).all().over(_MARKET)
    return known.with_columns(following).filter(goes_on | (is_latest & is_steady))


def _span(baseline: str | tuple[Moment, Moment], at_ns: int) -> tuple[int, int]:
    if isinstance(baseline, str):
        return window_start_ns(at_ns, baseline), at_ns
    start_ns, end_ns = time_ns(baseline[0]), time_ns(baseline[1])
    if not start_ns < end_ns <= at_ns:
        raise UndertowError(
            f"baseline {time_text(start_ns)} to {time_text(end_ns)}: expected an end after its"
            f" start and not after {time_text(at_ns)}"
        )
    return start_ns, end_ns


def _recorded_depth(tape: Tape, start_ns: int, end_ns: int, band: float) -> pl.DataFrame:
    return (
        tape.until(end_ns)
        .slice(start_ns)
        .table("depth")
        .filter((pl.col("band") - band).abs() < 1e-9)
        .select(pl.col(_MARKET).cast(pl.String), *_SIDES, pl.col("ts").alias("as_of"))
        .collect()
        .sort("as_of", maintain_order=True)
    )


def _sampled_depth(
    tape: Tape, start_ns: int, end_ns: int, band: float, max_age_ns: int
) -> pl.DataFrame:
    """Depth added up from the book at evenly spaced moments of a span."""
    step_ns = (end_ns - start_ns) // _SAMPLES
    moments_ns = [start_ns + number * step_ns for number in range(_SAMPLES)]
    books = []
    for sample_ns in moments_ns:
        is_fresh = pl.col("as_of") >= instant(sample_ns - max_age_ns)
        books.append(_book_depth(levels(tape, sample_ns), band).filter(is_fresh))
    return pl.concat(books)


def _book_depth(book: pl.DataFrame, band: float) -> pl.DataFrame:
    """The rows of ``depth`` for books by level."""
    with_mid = book.join(mids(book).select(*_MARKET, "mid"), on=_MARKET)
    away = (pl.col("price") / pl.col("mid") - 1).abs()
    columns = []
    for side in ("bid", "ask"):
        here = pl.col("side") == side
        within = pl.col("value").filter(here & (pl.col("away") <= band + 1e-12))
        columns.append(within.sum().alias(f"{side}_usd"))
        beyond = pl.col("known_to") if side == "ask" else -pl.col("known_to")
        from_mid = beyond / pl.col("mid") - (1 if side == "ask" else -1)
        columns.append(from_mid.filter(here).first().clip(0).alias(f"{side}_reach"))
    return (
        with_mid.with_columns(away.alias("away"))
        .group_by(_MARKET)
        .agg(*columns, pl.col("as_of").first())
    )
