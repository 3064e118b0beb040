"""Prices of coins that promise to be worth something, and value locked in protocols.

Tables: ``candles`` (stablecoins on spot markets), ``defi`` (kinds ``peg`` and ``tvl``).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures.bars import bars, moment_ns, window_start_ns
from undertow.model.assets import VenueKind, asset_of
from undertow.model.periods import duration_ns, time_ns, time_text
from undertow.tape import Tape
from undertow.tape.frames import known_at
from undertow.tape.store import Moment

_SPOT: tuple[VenueKind, ...] = ("spot",)
# Shares of a vault: they grow in value, so that their measure is their own price before.
ACCRUING = frozenset(["XUSD", "SDEUSD", "SUSDE"])
# How old the price before a window may be.
_OLDEST_BEFORE = "3d"


def peg(
    tape: Tape, *, at: Moment | None = None, window: str = "24h", coin: str = "USDE"
) -> pl.DataFrame:
    """Prices of a coin over a window, from every source on the tape.

    Returns
    -------
    polars.DataFrame
        ``ts`` (start of the bar, or when the price was true), ``source`` (venue and symbol, or
        chain or market of the table defi), ``low``, ``price`` (USD, or the quote currency of the
        spot market; of a bar its close) and ``as_of`` (when it was known), by ts and source.

    Raises
    ------
    NotRecorded
        When the tape has no price of the coin in the window.
    """
    at_ns = moment_ns(tape, at)
    found = _prices(tape, window_start_ns(at_ns, window), at_ns, coin)
    if found.is_empty():
        raise NotRecorded(f"prices of {coin} in the {window} before {time_text(at_ns)}")
    return found


@dataclass(frozen=True)
class Peg:
    """How far a coin fell below what it should be worth.

    Attributes
    ----------
    source
        Venue and symbol, or chain or market, of the lowest price.
    lowest, last
        Lowest price in the window and last one known of that source, USD.
    lowest_ns
        Start of the bar, or time, of the lowest price; the first of equals.
    last_ns
        When the last price was known.
    reference
        1, or for a coin that grows in value its price before the window (else the first in it).
    deviation, last_deviation
        Lowest and last price against the reference: price / reference − 1.
    """

    coin: str
    source: str
    lowest: float
    lowest_ns: int
    last: float
    last_ns: int
    reference: float
    deviation: float
    last_deviation: float


def lowest_peg(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    coin: str = "USDE",
    reference: float | None = None,
) -> Peg:
    """The lowest price of a coin in a window, and how far below its reference that is.

    The low of a bar counts, not only its close. A low on one venue is a price there: other
    markets may have kept the peg.

    Parameters
    ----------
    reference
        What the coin should be worth, USD. None: 1, or the price before for shares of vaults.

    Raises
    ------
    NotRecorded
        When the tape has no price of the coin in the window.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    found = peg(tape, at=at_ns, window=window, coin=coin)
    worst = found.row(int(found["low"].arg_min() or 0), named=True)
    own = found.filter(pl.col("source") == worst["source"]).sort("as_of")
    if reference is None:
        reference = 1.0
        if coin.upper() in ACCRUING:
            before = _prices(tape, start_ns - duration_ns(_OLDEST_BEFORE), start_ns, coin)
            before = before.filter(pl.col("source") == worst["source"]).sort("as_of")
            reference = float(before["price"][-1] if before.height else own["price"][0])
    last = float(own["price"][-1])
    return Peg(
        coin=coin,
        source=worst["source"],
        lowest=worst["low"],
        lowest_ns=time_ns(int(own.filter(pl.col("low") == worst["low"])["ts"].cast(pl.Int64)[0])),
        last=last,
        last_ns=int(own["as_of"].cast(pl.Int64)[-1]),
        reference=reference,
        deviation=worst["low"] / reference - 1,
        last_deviation=last / reference - 1,
    )


def value_locked(
    tape: Tape, *, at: Moment | None = None, max_age: str = "2d", exchanges: bool = False
) -> pl.DataFrame:
    """Value locked in each protocol: the last figure known.

    Parameters
    ----------
    exchanges
        Whether what centralised exchanges keep (market "CEX") counts.

    Returns
    -------
    polars.DataFrame
        ``protocol``, ``market`` (category or chain; may be empty), ``usd`` (USD) and ``as_of``,
        largest first. Protocols overlap (deposits of one in another): the sum counts twice.

    Raises
    ------
    NotRecorded
        When no figure at most ``max_age`` old was known.
    """
    at_ns = moment_ns(tape, at)
    rows = _defi(tape, at_ns - duration_ns(max_age), at_ns, "tvl").drop_nulls("usd")
    if not exchanges:
        rows = rows.filter(pl.col("market").ne_missing("CEX"))
    found = (
        rows.sort("as_of", maintain_order=True)
        .group_by("protocol", "market", maintain_order=True)
        .last()
    )
    if found.is_empty():
        raise NotRecorded(f"value locked at {time_text(at_ns)}, at most {max_age} old")
    return found.select("protocol", "market", "usd", "as_of").sort(
        "usd", "protocol", "market", descending=[True, False, False]
    )


def _prices(tape: Tape, start_ns: int, at_ns: int, coin: str) -> pl.DataFrame:
    traded = bars(tape, start=start_ns, at=at_ns, kinds=_SPOT)
    names = [name for name in traded["symbol"].unique() if asset_of(name) == coin.upper()]
    on_spot = traded.filter(pl.col("symbol").is_in(names)).select(
        "ts",
        pl.concat_str("venue", "symbol", separator=" ").alias("source"),
        pl.coalesce("low", "close").alias("low"),
        pl.col("close").alias("price"),
        pl.col("end").alias("as_of"),
    )
    told = (
        _defi(tape, start_ns, at_ns, "peg")
        .filter(pl.col("asset").str.to_uppercase() == coin.upper())
        .drop_nulls("usd")
        .select(
            "ts",
            pl.coalesce("market", "protocol").alias("source"),
            pl.col("usd").alias("low"),
            pl.col("usd").alias("price"),
            "as_of",
        )
    )
    return pl.concat([on_spot, told]).sort("ts", "source")


def _defi(tape: Tape, start_ns: int, at_ns: int, kind: str) -> pl.DataFrame:
    """Rows of one kind, with ``as_of``."""
    words = pl.col("protocol", "kind", "asset", "interval").cast(pl.String)
    rows = tape.until(at_ns).slice(start_ns).table("defi").with_columns(words)
    return rows.filter(kind=kind).with_columns(known_at().alias("as_of")).collect()
