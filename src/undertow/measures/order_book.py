"""The order book at a moment, rebuilt from the pictures and changes on the tape."""

from __future__ import annotations

import polars as pl

from undertow.tape import Tape

_MARKET = ["venue", "symbol"]


def levels(
    tape: Tape, at_ns: int, *, venue: str | None = None, symbol: str | None = None
) -> pl.DataFrame:
    """Resting orders by level at a moment: the last picture, and every change after it.

    A level's quantity is the last one told since the picture; 0 removes it. A venue and symbol
    without a picture has no book: changes alone do not tell what they change. A picture shows a
    limited number of levels: beyond its last one only those are known that changed since.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``side`` (bid, ask), ``price`` (quote per base), ``quantity``
        (base), ``value`` (quote: price x quantity), ``known_to`` (the picture's last price on
        that side: up to there every level is known) and ``as_of`` (time of the book's last
        change); by venue, symbol, side and from the best price on.

    Notes
    -----
    Table: book. Only what follows the oldest of the last pictures is read.
    """
    wanted = [pl.lit(True)]
    wanted += [pl.col("venue") == venue] if venue is not None else []
    wanted += [pl.col("symbol") == symbol] if symbol is not None else []
    words = pl.col(*_MARKET, "kind", "side").cast(pl.String)
    book = tape.until(at_ns).table("book").with_columns(words).filter(*wanted)
    pictures = (
        book.filter(pl.col("kind") == "snapshot")
        .group_by(_MARKET)
        .agg(pl.col("ts").max().alias("picture"))
        .collect()
    )
    if pictures.is_empty():
        return _EMPTY
    oldest_ns = pictures.select(pl.col("picture").min().cast(pl.Int64)).item()
    since = tape.until(at_ns).slice(oldest_ns).table("book").with_columns(words).filter(*wanted)
    rows = since.collect().join(pictures, on=_MARKET, maintain_order="left")
    rows = rows.filter(pl.col("ts") >= pl.col("picture"))
    # Changes at the picture's own time count where they follow it.
    is_picture = (pl.col("kind") == "snapshot") & (pl.col("ts") == pl.col("picture"))
    first = pl.col("row").filter(is_picture).min().over(_MARKET)
    rows = rows.with_row_index("row").filter(pl.col("row") >= first)
    last = rows.group_by(*_MARKET, "side", "price", maintain_order=True).agg(
        pl.col("quantity").last()
    )
    as_of = rows.group_by(_MARKET).agg(pl.col("ts").max().alias("as_of"))
    shown = (
        rows.filter(is_picture)
        .group_by(*_MARKET, "side")
        .agg(
            pl.when(pl.col("side").first() == "bid")
            .then(pl.col("price").min())
            .otherwise(pl.col("price").max())
            .alias("known_to")
        )
    )
    from_best = pl.when(pl.col("side") == "bid").then(-pl.col("price")).otherwise("price")
    return (
        last.filter(pl.col("quantity") > 0)
        .join(as_of, on=_MARKET)
        .join(shown, on=[*_MARKET, "side"])
        .with_columns((pl.col("price") * pl.col("quantity")).alias("value"))
        .sort(*_MARKET, "side", from_best)
        .select(_EMPTY.columns)
    )


def mids(book: pl.DataFrame) -> pl.DataFrame:
    """Mid and spread of each book that has both sides.

    Parameters
    ----------
    book
        Rows of ``levels``.

    Returns
    -------
    polars.DataFrame
        ``venue``, ``symbol``, ``bid``, ``ask``, ``mid`` (quote per base), ``spread`` (ask − bid,
        fraction of mid) and ``as_of``.
    """
    best = [
        pl.col("price").filter(pl.col("side") == side).first().alias(side)
        for side in ("bid", "ask")
    ]
    mid = (pl.col("bid") + pl.col("ask")) / 2
    return (
        book.group_by(_MARKET, maintain_order=True)
        .agg(*best, pl.col("as_of").first())
        .drop_nulls(["bid", "ask"])
        .with_columns(mid.alias("mid"), ((pl.col("ask") - pl.col("bid")) / mid).alias("spread"))
    )


_EMPTY = pl.DataFrame(
    schema={
        "venue": pl.String,
        "symbol": pl.String,
        "side": pl.String,
        "price": pl.Float64,
        "quantity": pl.Float64,
        "value": pl.Float64,
        "known_to": pl.Float64,
        "as_of": pl.Datetime("ns", "UTC"),
    }
)
