"""Recorded Binance USD-M WebSocket messages: one ``<receive time in ns> <JSON>`` per line.

Both the combined stream (``{"stream": …, "data": …}``) and bare messages are read; answers of the
REST depth request may stand among them. Times of rows are the exchange's (``T``), not the
recorder's.

- ``book``: only what is verified, see ``binance_ws_book``. A break is a row of ``events`` of kind
  ``gap``; the book goes on with the next snapshot.
- ``depth``: bands around mid at the first update of each second, where the band lies within the
  prices that the snapshot told, for symbols quoted in dollars.
- ``trades``: ordinary ones (``X`` is MARKET). Aggregated trades are taken only for symbols without
  single ones, so that nothing counts twice.
- ``marks``: at ``E``. The funding rate beside them is a forecast and is not stored.
- ``liquidations``: an order that sells closes a long.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import binance_ws_rows as rows
from undertow.tape.importers import names
from undertow.tape.importers.binance_ws_messages import (
    AggTrade,
    ForcedOrder,
    ForceOrder,
    Mark,
    Quote,
    Trade,
    messages,
)
from undertow.tape.importers.binance_ws_notes import book_gaps, book_notes, counted, missing_trades
from undertow.tape.importers.binance_ws_recording import Recording
from undertow.tape.importers.content import ROW, read_bytes
from undertow.tape.importers.liquidation_orders import LOWER_BOUND
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer


def read(path: Path, options: Options) -> Reading:
    """Read one recording; several symbols may be mixed in it."""
    if options.mapping:
        raise DataError("--map: the keys of these messages are the venue's own", file=path)
    recording = Recording(BadRows(path, options.skip_bad), options.symbol)
    for row, stream, event in messages(read_bytes(path), recording.bad):
        recording.take(row, stream, event)
    recording.finish()
    named, notes = names.with_names(pl.DataFrame({ROW: [1], "symbol": ["any"]}), options, path)
    venue = str(named["venue"][0])
    frames, gaps = _frames(recording, venue)
    notes += _notes(recording, frames, venue)
    frames = {
        name: frame.with_columns(pl.lit(venue).alias("venue"))
        for name, frame in frames.items()
        if not frame.is_empty()
    }
    return Reading(frames, recording.bad.dropped, gaps, notes)


def _frames(recording: Recording, venue: str) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Rows of every table but for the venue, and the gaps."""
    bad, kept = recording.bad, recording.kept
    books = recording.books.values()
    trades, gaps = _trades(recording)
    source = f"binance-ws importer: {bad.file.name}"
    frames = {
        "quotes": rows.quotes(rows.frame_of(*kept[Quote], Quote), bad),
        "trades": trades,
        "marks": rows.marks(rows.frame_of(*kept[Mark], Mark), bad),
        "liquidations": _liquidations(recording),
    }
    if books:
        frames["book"] = pl.concat([book.levels.frame(book.symbol) for book in books])
        frames["depth"] = pl.concat([rows.depth(book.symbol, book.depth) for book in books])
        frames["events"] = pl.concat(
            [rows.gaps(book.symbol, book.breaks, source) for book in books]
        )
    gaps = [line for book in books for line in book_gaps(book)] + gaps
    return frames, [f"{venue} {line}" for line in gaps]


def _trades(recording: Recording) -> tuple[pl.DataFrame, list[str]]:
    """Single trades, aggregated ones of the symbols without single ones, and missing numbers."""
    bad, left_out = recording.bad, recording.left_out
    singles, sums = (
        rows.in_sequence(rows.frame_of(*recording.kept[kind], kind), bad, key)
        for kind, key in ((Trade, "t"), (AggTrade, "a"))
    )
    gaps = missing_trades(singles, "t") + missing_trades(sums, "a")
    is_ordinary = pl.col("X") == "MARKET"
    for reason in singles.filter(~is_ordinary)["X"]:
        left_out[f"trade marked {reason}"] += 1
    is_told = pl.col("s").is_in(singles["s"].unique().implode())
    left_out["aggTrade of a symbol with single trades"] += sums.filter(is_told).height
    frames = [
        rows.trades(singles.filter(is_ordinary), bad, "t"),
        rows.trades(sums.filter(~is_told), bad, "a"),
    ]
    return pl.concat(frames), gaps


def _liquidations(recording: Recording) -> pl.DataFrame:
    """Closed positions of symbols quoted in dollars."""
    lines, closings = recording.kept[ForceOrder]
    orders = [message.order for message in closings]
    frame = rows.liquidations(rows.frame_of(lines, orders, ForcedOrder), recording.bad)
    others = [name for name in frame["symbol"].unique() if not rows.in_dollars(name)]
    is_other = pl.col("symbol").is_in(others)
    name = "forceOrder of a symbol that is not quoted in dollars"
    recording.left_out[name] += frame.filter(is_other).height
    return frame.filter(~is_other)


def _notes(recording: Recording, frames: dict[str, pl.DataFrame], venue: str) -> list[str]:
    """What was read and checked, and what gave no rows."""
    notes = [f"messages: {counted(recording.seen)}"]
    if any(recording.left_out.values()):
        notes.append(f"no rows from: {counted(recording.left_out)}")
    for book in recording.books.values():
        quotes = frames["quotes"].filter(pl.col("symbol") == book.symbol)
        notes += [f"{venue} {line}" for line in book_notes(book, quotes)]
    if recording.kept[ForceOrder][0]:
        notes.append(LOWER_BOUND)
    return notes


IMPORTER = Importer(
    name="binance-ws",
    summary="recorded Binance USD-M WebSocket messages, gzip or not; the book is verified",
    tables=("book", "quotes", "trades", "depth", "marks", "liquidations", "events"),
    example='1723161255088176367 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,'
    '"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET",'
    '"m":false}}',
    read=read,
)
