"""Daily prices of listed shares, as JSON: ``{ticker, exchange, currency, prices: [...]}``.

The venue is the exchange in lower case (``US``, ``TSE``); prices are in the currency of the
listing, which a note names. Where the maker of the file looked at the market during the day, he
added rows with a ``time``: the bar as it stood then, on weekends that of the Friday before. Those
are no daily bars; they are left out and counted. Rows of messages count the prices from 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import columns, names, series
from undertow.tape.importers.candles import consistent
from undertow.tape.importers.content import ROW, read_text
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": ("date",),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
}
_PRICES = ["open", "high", "low", "close"]
_INTERVAL = ("1d", 86_400_000_000_000)
_LONGEST_HOLIDAY_DAYS = 10  # Golden Week and New Year in Tokyo


def read(path: Path, options: Options) -> Reading:
    """Read one file of daily prices; breaks longer than holidays are reported."""
    bad = BadRows(path, options.skip_bad)
    document, prices = _document(path)
    rows = _rows(prices, path)
    notes = [f"prices are in {document['currency']}"] if document.get("currency") else []
    if "time" in rows.columns:
        snapshots = rows.filter(pl.col("time").is_not_null()).height
        rows = rows.filter(pl.col("time").is_null())
        notes.append(f"{snapshots} rows with a time of day are no daily bars: left out")
    frame = columns.pick(rows, _WANTED, options, path, ["volume"], bad)
    named = {"venue": document.get("exchange"), "symbol": document.get("ticker")}
    frame = frame.with_columns(pl.lit(str(v)).alias(k) for k, v in named.items() if v)
    frame, more_notes = names.with_names(frame, options, path, default_venue="us", bad=bad)
    frame = columns.numbers(columns.times(frame, bad), _PRICES, bad)
    frame = columns.numbers(frame, ["volume"], bad, optional=True)
    frame = columns.positive(columns.positive(frame, _PRICES, bad), ["volume"], bad, zero=True)
    frame = series.in_order(consistent(frame, bad), bad)
    frame = series.on_grid(frame, _INTERVAL, bad)
    breaks = series.breaks(frame, _LONGEST_HOLIDAY_DAYS)
    table = series.plain(frame).with_columns(pl.lit(_INTERVAL[0]).alias("interval"))
    return Reading({"candles": table}, bad.dropped, breaks, notes + more_notes)


def _document(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """The JSON object, and its list of ``prices``."""
    try:
        document: Any = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", file=path, row=error.lineno) from None
    prices = document.get("prices") if isinstance(document, dict) else None
    if not isinstance(prices, list):
        raise DataError("expected an object with a list 'prices'", file=path, column="prices")
    return document, prices


def _rows(prices: list[Any], path: Path) -> pl.DataFrame:
    """The prices as text columns, as of a CSV; what a price lacks is empty."""
    for row, price in enumerate(prices, 1):
        if not isinstance(price, dict):
            raise DataError(
                "expected an object: date, open, high, …", file=path, row=row, value=price
            )
    found = list(dict.fromkeys(name for price in prices for name in price))
    return pl.DataFrame(
        {ROW: pl.Series(range(1, len(prices) + 1), dtype=pl.Int64)}
        | {name: pl.Series([_text(price.get(name)) for price in prices]) for name in found}
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


IMPORTER = Importer(
    name="equities",
    summary="daily prices of listed shares, as JSON",
    tables=("candles",),
    example='{"ticker": "MSTR", "exchange": "US", "currency": "USD", "prices": [\n'
    ' {"date": "2025-11-04", "open": 258.9, "high": 262.7, "low": 244.9, "close": 246.99,\n'
    '  "volume": 15867500}]}',
    read=read,
)
