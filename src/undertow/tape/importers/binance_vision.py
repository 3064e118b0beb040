"""Files of Binance's public archive (data.binance.vision): a CSV, zipped or not.

Old files have no header, newer ones do. The layout is told by the file's name
(``BTCUSDT-aggTrades-2025-11-04.zip``; an interval such as ``5m`` means klines), else by the
header. The symbol is in the name too, else ``--symbol`` gives it. What each layout becomes:
``binance_vision_layouts``.

Mark-price bars have the layout and the names of traded ones. They are told by their folder
(``markPriceKlines``), or by prices that move while nothing is traded.

The venue is ``binance-usdm``, but ``binance-coinm`` for symbols such as BTCUSD_PERP, and
``binance-spot`` for what only the spot archive has: a folder ``spot``, times in microseconds
(since 2025), aggTrades with an eighth field. ``--venue`` comes before all of these.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.model.assets import venue_name
from undertow.tape.importers import columns
from undertow.tape.importers.binance_vision_layouts import COIN_MARGINED, LAYOUTS, Archive, Layout
from undertow.tape.importers.content import first_fields, parse_rows, read_text
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_NAME = re.compile(r"([^-]+)-(.+?)-\d{4}-\d{2}(?!\d)")
_INTERVAL = re.compile(r"\d{1,3}(s|m|h|d|w|mo)")
_MARKS = "markPriceKlines"
_NOT_READ = ("indexPriceKlines", "premiumIndexKlines", "bookTicker", "trades")
_FOLDERS = {_MARKS, *_NOT_READ[:2]}  # whose files have the names of klines


def read(path: Path, options: Options) -> Reading:
    """Read one file of the archive; its name or its header says which kind it is."""
    bad = BadRows(path, options.skip_bad)
    text = read_text(path)
    first = first_fields(text)
    symbol, words = _name(path)
    layout = _layout(first, words, path)
    rows = parse_rows(text, path, bad, _header(first, layout, path))
    del text  # may be a gigabyte
    frame = columns.pick(rows, layout.wanted, options, path, layout.optional, bad)
    archive = _archive(frame, options, symbol, words, path)
    venue, notes = _venue(archive, options, "is_best_match" in rows.columns, frame, path)
    if "symbol" in frame.columns:
        other = pl.col("symbol") != archive.symbol
        frame = columns.drop_where(frame, other, "symbol", bad, f"expected {archive.symbol}")
    frame = frame.with_columns(
        pl.lit(venue, pl.Categorical).alias("venue"),
        pl.lit(archive.symbol, pl.Categorical).alias("symbol"),
    )
    reading = layout.read(frame, archive, bad)
    return replace(reading, dropped=bad.dropped, notes=[*notes, *reading.notes])


def _name(path: Path) -> tuple[str | None, frozenset[str]]:
    """The symbol in the file's name; its other words, and folders that tell bars apart."""
    folders = _FOLDERS.intersection(path.parts)
    match = _NAME.match(path.name)
    if match is None:
        return None, frozenset(folders)
    return match[1].upper(), frozenset([*folders, *match[2].split("-")])


def _layout(first: list[str], words: frozenset[str], path: Path) -> Layout:
    """The layout by the words of the file's name, else by the names in its header."""
    for word in _NOT_READ:
        if word in words:
            raise DataError(f"{word} are not read: expected {_known()}", file=path)
    for name, layout in LAYOUTS.items():
        if name in words:
            return layout
    if _MARKS in words or any(_INTERVAL.fullmatch(word) for word in words):
        return LAYOUTS["klines"]
    names = {name.lower() for name in first}
    shared = {name: len(names & set(layout.headers[-1])) for name, layout in LAYOUTS.items()}
    best = max(shared, key=lambda name: shared[name])
    if shared[best] < 2:
        raise DataError(
            f"neither the file's name nor a header says what this is: expected {_known()}"
            " and a name such as BTCUSDT-aggTrades-2025-11-04.csv",
            file=path,
            row=1,
            value=",".join(first),
        )
    return LAYOUTS[best]


def _known() -> str:
    return f"{', '.join(LAYOUTS)} or {_MARKS}"


def _header(first: list[str], layout: Layout, path: Path) -> tuple[str, ...] | None:
    """The column names of a file that does not have them itself."""
    if first[0][:1].isalpha():
        return None
    for header in layout.headers:
        if len(header) == len(first):
            return header
    counts = " or ".join(str(len(header)) for header in layout.headers)
    raise DataError(
        f"{len(first)} fields: expected {counts}, those of {layout.name}",
        file=path,
        row=1,
        value=",".join(first),
    )


def _archive(
    frame: pl.DataFrame, options: Options, symbol: str | None, words: frozenset[str], path: Path
) -> Archive:
    chosen = options.symbol or symbol
    if "symbol" in frame.columns:
        chosen = str(frame["symbol"][0])
    if not chosen:
        raise DataError(
            "the file's name tells no symbol: expected one such as BTCUSDT-5m-2025-11-04.csv,"
            " or --symbol",
            file=path,
        )
    interval = options.interval or next(filter(_INTERVAL.fullmatch, sorted(words)), None)
    if interval is not None and interval.endswith("mo"):
        raise DataError("bars of a month have no fixed length: they are not read", file=path)
    return Archive(symbol=chosen, interval=interval, is_mark=_MARKS in words)


def _venue(
    archive: Archive, options: Options, has_spot_column: bool, frame: pl.DataFrame, path: Path
) -> tuple[str, list[str]]:
    if options.venue is not None:
        return venue_name(options.venue), []
    if COIN_MARGINED.search(archive.symbol):
        return "binance-coinm", []
    first = str(frame["ts"][0]).strip()
    is_spot = has_spot_column or "spot" in path.parts or (first.isdigit() and len(first) == 16)
    venue = "binance-spot" if is_spot else "binance-usdm"
    return venue, [f"the file names no venue: taken as {venue} (--venue says otherwise)"]


IMPORTER = Importer(
    name="binance-vision",
    summary=f"Binance's public archive, zipped or not: {_known()}",
    tables=("candles", "marks", "trades", "depth", "open_interest", "funding", "liquidations"),
    example="agg_trade_id,price,quantity,first_trade_id,last_trade_id,"
    "transact_time,is_buyer_maker\n"
    "2870000001,106544.0,0.021,6000000001,6000000002,1762214400010,true",
    read=read,
)
