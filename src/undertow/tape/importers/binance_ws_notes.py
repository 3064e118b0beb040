"""What a reader of a recorded stream should know: counts, checks and gaps, in words."""

from __future__ import annotations

from collections import Counter

import polars as pl

from undertow.model.periods import time_text
from undertow.tape.importers.binance_ws_book import BookRebuild


def counted(counts: Counter[str]) -> str:
    """``66,089 bookTicker, 21,313 trade``, the most first."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common() if count)


def book_notes(book: BookRebuild, quotes: pl.DataFrame) -> list[str]:
    """What was verified of a rebuilt book, and its agreement with the symbol's quotes."""
    counts, name = book.counts, f"{book.symbol} book"
    start = f"{name}: {counts.snapshots:,} snapshots, "
    details = [
        f"{counts.unused:,} updates unused for want of a snapshot" if counts.unused else "",
        f"{counts.not_needed:,} snapshots not needed" if counts.not_needed else "",
        f"{counts.unusable:,} snapshots that no update follows" if counts.unusable else "",
    ]
    told = [text for text in details if text]
    if not counts.updates:
        return [start + ", ".join(["nothing verified", *told])]
    lines = [
        start
        + ", ".join(
            [f"{counts.updates:,} updates verified, best bid below best ask after each", *told]
        )
    ]
    if quotes.is_empty():
        return [*lines, f"{name}: no bookTicker to compare with"]
    compared, differing, outside, differing_outside = book.tops.compare(quotes)
    lines.append(
        f"{name}: the top was compared with bookTicker after {compared:,} updates,"
        f" {differing + differing_outside:,} disagree"
    )
    if outside:
        lines.append(
            f"{name}: in {outside:,} of these the market had left the prices that the snapshot told"
            f" ({differing_outside:,} disagree); no depth was taken there"
        )
    return lines


def book_gaps(book: BookRebuild) -> list[str]:
    """One line about the breaks of a book, if it has any."""
    if not book.breaks:
        return []
    return [
        f"{book.symbol} book: {len(book.breaks):,} gaps,"
        f" {book.counts.unknown_ms / 1_000:g} s without a verified book; the first: "
        + book.breaks[0][1].removeprefix(f"{book.symbol} book: ")
    ]


def missing_trades(frame: pl.DataFrame, key: str) -> list[str]:
    """One line per symbol whose numbers of trades are not consecutive."""
    jump = pl.col(key).diff().over("s")
    holes = (
        frame.with_columns((jump - 1).alias("_missing"), pl.col("ts").shift(1).over("s"))
        .filter(pl.col("_missing") > 0)
        .group_by("s", maintain_order=True)
        .agg(pl.col("_missing").sum(), pl.len().alias("_holes"), pl.col("ts").first())
    )
    stream = "trade" if key == "t" else "aggTrade"
    return [
        f"{row['s']} {stream}: {row['_missing']:,} numbers missing in {row['_holes']:,} gaps, the"
        f" first after {time_text(row['_since'])}"
        for row in holes.with_columns(pl.col("ts").cast(pl.Int64).alias("_since")).iter_rows(
            named=True
        )
    ]
