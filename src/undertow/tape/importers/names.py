"""Venue and symbol of the rows: from the file, the user, or the file's name; said aloud."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from undertow.model.assets import VENUES, venue_name
from undertow.tape.importers.columns import words
from undertow.tape.importers.reading import BadRows, Options

# Words of a file's name that tell its venue, where its own name is not among them.
_HINTS = {"spot": "binance-spot", "coinm": "binance-coinm", "perp": "binance-usdm"}
_DEFAULT_VENUE = "binance-usdm"


def with_names(
    frame: pl.DataFrame,
    options: Options,
    path: Path,
    *,
    default_venue: str = _DEFAULT_VENUE,
    default_symbol: str | None = None,
    bad: BadRows | None = None,
) -> tuple[pl.DataFrame, list[str]]:
    """The frame with ``venue`` and ``symbol``, and notes on what was taken from elsewhere.

    A column of the file comes first, then ``--venue`` and ``--symbol``, then the file's name,
    then ``default_venue``; of symbols, ``default_symbol``, then the first word of the file's
    name. A file without a symbol column is one symbol. Rows without a venue or
    a symbol go through ``bad``; without ``bad`` any of them is an error.
    """
    notes = []
    if "venue" not in frame.columns:
        venue = options.venue or _venue_in(path.name) or default_venue
        if options.venue is None:
            notes.append(f"the file names no venue: taken as {venue} (--venue says otherwise)")
        frame = frame.with_columns(pl.lit(venue).alias("venue"))
    if "symbol" not in frame.columns:
        symbol = options.symbol or default_symbol or _symbol_in(path)
        if options.symbol is None:
            notes.append(f"the file names no symbol: taken as {symbol} (--symbol says otherwise)")
        frame = frame.with_columns(pl.lit(symbol).alias("symbol"))
    frame = words(frame, ["venue", "symbol"], bad or BadRows(path))
    known = {name: venue_name(name) for name in frame["venue"].unique()}
    return frame.with_columns(pl.col("venue").replace(known)), notes


def _venue_in(name: str) -> str | None:
    words = re.split(r"[^0-9a-z]+", name.lower())
    hinted = next((venue for word, venue in _HINTS.items() if word in words), None)
    return hinted or next((venue for venue in VENUES if venue in words), None)


def _symbol_in(path: Path) -> str:
    """The first word of the file's name, in capitals: ``btc_daily.csv`` is BTC."""
    word = re.split(r"[^0-9A-Za-z]+", path.name.split(".")[0])[0]
    return word.upper() or path.name.upper()
