"""Candles of a stablecoin against another: USDe/USDT on Binance's spot market by minute.

The same checks as ``candles``; the file names no venue and no symbol. The symbol is made of the
first two words of the file's name: ``usde_usdt_binance_1m.parquet`` is USDEUSDT.
"""

from __future__ import annotations

import re
from pathlib import Path

from undertow.tape.importers import candles
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.registry import Importer

_DEFAULT_VENUE = "binance-spot"


def read(path: Path, options: Options) -> Reading:
    """Read one file of candles of a stablecoin."""
    return candles.read_bars(
        path, options, default_venue=_DEFAULT_VENUE, default_symbol=_symbol_in(path)
    )


def _symbol_in(path: Path) -> str:
    words = re.split(r"[^0-9A-Za-z]+", path.name.split(".")[0])
    quote = next((word for word in words[1:2] if word.isalpha()), "")
    return f"{words[0]}{quote}".upper() or path.name


IMPORTER = Importer(
    name="stablecoin",
    summary="candles of a stablecoin; the file's name begins with the pair: usde_usdt_….parquet",
    tables=("candles",),
    example="timestamp,open,high,low,close,volume\n"
    "2025-10-10 21:54:00,0.9217,0.9217,0.65,0.6802,3105562.0",
    read=read,
)
