"""Candles as the measures read them: one bar for each time, and the price at a moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import polars as pl

from undertow.model.assets import VENUES, VenueKind, asset_of
from undertow.model.periods import BAR_INTERVALS, SECOND_NS, duration_ns, time_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME, known_at
from undertow.tape.store import Moment

_remembered: ContextVar[dict[tuple[object, ...], pl.DataFrame] | None] = ContextVar(
    "_remembered", default=None
)
TRADED: tuple[VenueKind, ...] = ("perp", "spot", "dated")
# A close older than two bars, or than a quarter of an hour where bars are short, is no price.
STALE_BARS = 2
STALE_NS = 900 * SECOND_NS
_LONGEST_NS = max(duration_ns(name) for name in BAR_INTERVALS)
_MARKET = ["venue", "symbol"]


def bars(
    tape: Tape,
    *,
    start: Moment | None = None,
    at: Moment | None = None,
    venue: str | None = None,
    symbol: str | None = None,
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """Candles known at a moment, each time covered once for each venue and symbol.

    Where bars of several lengths overlap the finest is kept: a longer bar is left out as soon
    as a shorter one of the same venue and symbol covers any part of it.

    Parameters
    ----------
    start
        First moment: bars that start earlier are left out. None: from the first on the tape.
    at
        Last moment: bars that end later are left out. None: the tape's own moment.
    venue, symbol
        Only that one, by exact name. A venue asked for by name is taken whatever its kind.
    kinds
        Kinds of venue that count, by ``undertow.model.assets.venue_kind``.

    Returns
    -------
    polars.DataFrame
        ``ts`` (start), ``venue``, ``symbol``, ``asset``, ``interval``, ``open``, ``high``,
        ``low``, ``close`` (quote per base), ``volume`` (base), ``end``; by venue, symbol, ts.
        ``open``, ``high`` and ``low`` are empty where only closes are known. No rows where the
        tape has none.

    Notes
    -----
    Table: candles. Only the row groups between ``start`` and ``at`` are read.
    """
    at_ns = moment_ns(tape, at)

    def read() -> pl.DataFrame:
        found = _scan(tape, start, at_ns, venue, symbol, kinds).collect()
        return with_asset(_finest(found)).select(
            "ts", *_MARKET, "asset", "interval", "open", "high", "low", "close", "volume", "end"
        )

    view = tape.until(at_ns).slice(start)
    return _once(("bars", *_identity(view), venue, symbol, frozenset(kinds)), read)


@contextmanager
def remembering() -> Iterator[None]:
    """Within this block the same bars of the same tape are read once.

    For reports that ask many measures about one moment. Measures are pure: this changes their
    speed only. What was read is forgotten at the end of the block.
    """
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def _once(key: tuple[object, ...], read: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    memory = _remembered.get()
    if memory is None:
        return read()
    if key not in memory:
        memory[key] = read()
    return memory[key]


def _identity(view: Tape) -> tuple[object, ...]:
    return id(view.manifest), view.cut_text()


def moment_ns(tape: Tape, at: Moment | None) -> int:
    """The moment in nanoseconds; None is the tape's own (``Tape.default_at_ns``)."""
    return tape.default_at_ns() if at is None else time_ns(at)


def window_start_ns(at_ns: int, window: str) -> int:
    """Start of the window such as ``24h`` that ends at ``at_ns``."""
    return at_ns - duration_ns(window)


def last_price(known: pl.DataFrame, at_ns: int) -> pl.DataFrame:
    """Price at a moment: the close of the last bar that had ended by then.

    A close that had ended more than two bar lengths, and more than 15 minutes, before the moment
    is stale: it gives no row, rather than an old price. Of two bars with the same end the
    shorter counts.

    Parameters
    ----------
    known
        Rows of ``bars``.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``asset``, ``interval``, ``price`` (quote per base) and
        ``price_at`` (end of the bar), one row for each venue and symbol that has a price.
    """
    return (
        known.filter(*_fresh(at_ns))
        .sort("end", "ts")
        .group_by(*_MARKET, maintain_order=True)
        .last()
        .sort(_MARKET)
        .select(
            *_MARKET,
            "asset",
            "interval",
            pl.col("close").alias("price"),
            pl.col("end").alias("price_at"),
        )
    )


def prices(
    tape: Tape,
    at_ns: int,
    *,
    venue: str | None = None,
    symbol: str | None = None,
    kinds: Collection[VenueKind] = TRADED,
) -> pl.DataFrame:
    """``last_price`` straight from the tape, reading only the bars close to the moment."""
    # The last bar that is not stale starts at most three lengths before the moment.
    start_ns = at_ns - (STALE_BARS + 1) * _LONGEST_NS

    def read() -> pl.DataFrame:
        near = _scan(tape, start_ns, at_ns, venue, symbol, kinds).filter(*_fresh(at_ns))
        columns = near.select("ts", *_MARKET, "interval", "close", "end")
        return last_price(with_asset(columns.collect()), at_ns)

    key = ("prices", *_identity(tape), at_ns, venue, symbol, frozenset(kinds))
    return _once(key, read)


def with_asset(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the coin of each ``symbol`` as ``asset``."""
    names = {name: asset_of(name) for name in frame["symbol"].unique()}
    asset = pl.col("symbol").replace_strict(names, default=None, return_dtype=pl.String)
    return frame.with_columns(asset.alias("asset"))


def length() -> pl.Expr:
    """Length of a bar of ``bars``, as a duration."""
    return pl.col("end") - pl.col("ts")


def instant(moment: int) -> pl.Expr:
    """Nanoseconds since 1970 UTC as a literal time."""
    return pl.lit(moment).cast(TIME)


def _scan(
    tape: Tape,
    start: Moment | None,
    at_ns: int,
    venue: str | None,
    symbol: str | None,
    kinds: Collection[VenueKind],
) -> pl.LazyFrame:
    wanted = [_of_kind(kinds)] if venue is None else [pl.col("venue") == venue]
    if symbol is not None:
        wanted.append(pl.col("symbol") == symbol)
    words = pl.col(*_MARKET, "interval").cast(pl.String)
    return (
        tape.until(at_ns)
        .slice(start)
        .table("candles")
        .with_columns(words, known_at().alias("end"))
        .filter(*wanted)
        .select(
            "ts", *_MARKET, "interval", "open", "high", "low", "close", "volume", "end"
        )
    )  # fmt: skip


def _of_kind(kinds: Collection[VenueKind]) -> pl.Expr:
    # A venue that is not listed counts as a perp.
    if "perp" in kinds:
        others = [name for name, kind in VENUES.items() if kind not in kinds]
        return ~pl.col("venue").is_in(others)
    return pl.col("venue").is_in([name for name, kind in VENUES.items() if kind in kinds])


def _fresh(at_ns: int) -> list[pl.Expr]:
    age = instant(at_ns) - pl.col("end")
    limit = pl.max_horizontal(STALE_BARS * length(), pl.duration(nanoseconds=STALE_NS))
    return [pl.col("end") <= instant(at_ns), age <= limit]


def _finest(found: pl.DataFrame) -> pl.DataFrame:
    """Leave out bars that a finer one overlaps; by venue, symbol and time."""
    is_mixed = pl.col("interval").n_unique().over(_MARKET) > 1
    parts = found.filter(is_mixed).partition_by(_MARKET, maintain_order=True)
    kept = [found.filter(~is_mixed), *(_finest_of(series) for series in parts)]
    return pl.concat(kept).sort(*_MARKET, "ts")


def _finest_of(series: pl.DataFrame) -> pl.DataFrame:
    lengths = series.select(length().unique().sort()).to_series().to_list()
    kept = series.filter(length() == lengths[0]).sort("ts")
    for longer in lengths[1:]:
        # Kept bars do not overlap one another: if any reaches into a longer bar, the last that
        # starts before the longer one ends does.
        finer = kept.select(pl.col("ts").alias("finer_ts"), pl.col("end").alias("finer_end"))
        level = series.filter(length() == longer).sort("ts").with_columns(bar_end="end")
        joined = level.join_asof(
            finer, left_on="bar_end", right_on="finer_ts", allow_exact_matches=False
        )
        is_free = (pl.col("finer_end") <= pl.col("ts")).fill_null(True)
        kept = pl.concat([kept, joined.filter(is_free).select(kept.columns)]).sort("ts")
    return kept
