"""Which coin a symbol is about, and which kind of place a venue is."""

from __future__ import annotations

import re
from typing import Literal

VenueKind = Literal["perp", "spot", "dated", "equity", "index"]

# A venue that is not listed is taken for a perpetuals venue.
VENUES: dict[str, VenueKind] = {
    "binance-usdm": "perp",
    "binance-coinm": "perp",
    "binance-spot": "spot",
    "bitget": "perp",
    "bitmex": "perp",
    "bybit": "perp",
    "coinbase": "spot",
    "cme": "dated",
    "deribit": "perp",
    "dydx": "perp",
    "gate": "perp",
    "htx": "perp",
    "hyperliquid": "perp",
    "kraken": "perp",
    "lighter": "perp",
    "mexc": "perp",
    "okx": "perp",
    "us": "equity",
    "nasdaq": "equity",
    "nyse": "equity",
    "tse": "equity",
    "index": "index",
}
# Other names that files use for the same place.
_ALIASES = {
    "binance": "binance-usdm",
    "binance-futures": "binance-usdm",
    "binance_usdm": "binance-usdm",
    "binance_spot": "binance-spot",
    "huobi": "htx",
    "okex": "okx",
}

STABLECOINS = frozenset(
    [
        "USDT",
        "USDC",
        "USDE",
        "DAI",
        "FDUSD",
        "TUSD",
        "USDS",
        "USD1",
        "BUSD",
        "PYUSD",
        "USDD",
        "FRAX",
        "DEUSD",
        "XUSD",
        "SDEUSD",
        "SUSDE",
    ]
)
MEMECOINS = frozenset(
    [
        "DOGE",
        "SHIB",
        "1000SHIB",
        "PEPE",
        "1000PEPE",
        "WIF",
        "BONK",
        "1000BONK",
        "FLOKI",
        "1000FLOKI",
        "TRUMP",
        "FARTCOIN",
        "PENGU",
        "MOG",
        "BRETT",
        "POPCAT",
        "PNUT",
        "MEME",
        "SPX",
        "MOODENG",
        "TURBO",
    ]
)

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
_SUFFIX = re.compile(r"(_PERP|-PERP|PERP|-SWAP|_\d{6})?(\.[A-Z0-9]+)?$")
# Contracts on a thousand or a million coins: 1000PEPE and PEPE are one asset.
_MULTIPLES = {"1000000": 1_000_000, "1M": 1_000_000, "10000": 10_000, "1000": 1_000}
_MULTIPLE = re.compile(rf"^({'|'.join(_MULTIPLES)})(?=[A-Z])")
_THOUSANDS = re.compile(r"^k(?=[A-Z])")  # so Hyperliquid writes them: kPEPE; KAVA is a coin


def venue_name(name: str) -> str:
    """The product's name of a venue: ``binance`` is ``binance-usdm``; others in lower case."""
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


def venue_kind(venue: str) -> VenueKind:
    """What can be traded there; an unknown venue is taken for a perpetuals venue."""
    return VENUES.get(venue, "perp")


def asset_of(symbol: str) -> str:
    """The coin of a symbol.

    Examples
    --------
    >>> [asset_of(s) for s in ("BTCUSDT", "BTC", "1000PEPEUSDT", "BTCUSD_PERP.A", "BTC/USDT:USDT")]
    ['BTC', 'BTC', 'PEPE', 'BTC', 'BTC']
    >>> [asset_of(s) for s in ("PERP_BTC_USDT.W", "kPEPE", "KAVA")]
    ['BTC', 'PEPE', 'KAVA']
    """
    symbol = _THOUSANDS.sub("", symbol)
    return _MULTIPLE.sub("", _base_and_quote(symbol)[0])


def quote_of(symbol: str) -> str:
    """The currency that a symbol's price is in; empty where the symbol names none.

    Examples
    --------
    >>> [quote_of(s) for s in ("BTCUSDT", "BTC", "BTCUSD_PERP.A", "BTC-USDC-SWAP")]
    ['USDT', '', 'USD', 'USDC']
    """
    return _base_and_quote(symbol)[1]


def _base_and_quote(symbol: str) -> tuple[str, str]:
    name = symbol.upper().split(":")[0].replace("/", "").removeprefix("PERP_")
    name = _SUFFIX.sub("", name)
    name = name.replace("-", "").replace("_", "")
    for quote in _QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return name[: -len(quote)], quote
    return name, ""


def coins_per_unit(symbol: str) -> int:
    """How many coins the price of a symbol is for: 1000 for ``1000PEPEUSDT``, ``kPEPE``; else 1."""
    if _THOUSANDS.match(symbol):
        return 1_000
    match = _MULTIPLE.match(symbol.upper())
    return 1 if match is None else _MULTIPLES[match[1]]
