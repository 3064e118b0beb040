"""Venues of Coinalyze's symbols, such as ``VIRTUALUSDT_PERP.A``."""

from __future__ import annotations

import re

import polars as pl

# The code after the last point; names from the list of exchanges of the Coinalyze API.
_VENUES = {
    "0": "bitmex",
    "2": "deribit",
    "3": "okx",
    "4": "htx",
    "6": "bybit",
    "7": "phemex",
    "8": "dydx",
    "A": "binance-usdm",
    "F": "bitfinex",
    "H": "hyperliquid",
    "K": "kraken",
    "W": "woo",
    "Y": "gate",
}
# Binance's contracts in dollars are settled in coins; BUSD was another dollar coin, but BNBUSD
# is BNB.
_COIN_SETTLED = re.compile(r"(?!.{3,}BUSD)[0-9A-Z]+USD(_PERP|_\d{6})\.A")


def venue_of(symbol: str) -> str:
    """The venue of a symbol; ``coinalyze-q`` for a code that is not known here.

    Examples
    --------
    >>> [venue_of(s) for s in ("SUIUSDT_PERP.A", "BNBUSD_PERP.A", "MNTUSDT.6", "AUSDT.Q")]
    ['binance-usdm', 'binance-coinm', 'bybit', 'coinalyze-q']
    """
    if _COIN_SETTLED.fullmatch(symbol):
        return "binance-coinm"
    code = symbol.rsplit(".", 1)[-1]
    return _VENUES.get(code, f"coinalyze-{code.lower()}")


def with_venues(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the ``venue`` of each ``symbol``."""
    symbols = frame["symbol"].cast(pl.String).drop_nulls().unique()
    venues = {symbol: venue_of(symbol.strip()) for symbol in symbols}
    return frame.with_columns(
        pl.col("symbol").cast(pl.String).replace_strict(venues, default=None).alias("venue")
    )
