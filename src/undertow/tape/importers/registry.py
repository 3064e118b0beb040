"""The importers by name; each module is loaded when its kind is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from undertow.errors import DataError, nearest
from undertow.tape.importers.reading import Options, Reading


@dataclass(frozen=True)
class Importer:
    """One kind of file.

    Attributes
    ----------
    name
        The KIND of the command line.
    summary
        One line: what the file is and whose.
    tables
        The tables that it fills.
    example
        The first lines of such a file.
    read
        ``read(path, options) -> Reading``.
    """

    name: str
    summary: str
    tables: tuple[str, ...]
    example: str
    read: Callable[[Path, Options], Reading]


KINDS = (
    "aave-liquidations",
    "binance-vision",
    "binance-ws",
    "candles",
    "equities",
    "etf-flows",
    "fear-greed",
    "forceorder-csv",
    "funding",
    "hyperliquid-adl",
    "market-caps",
    "morpho",
    "open-interest",
    "stablecoin",
    "tvl",
)


def importer_named(kind: str) -> Importer:
    """The importer of that kind.

    Raises
    ------
    DataError
        For an unknown kind, with the nearest valid one.
    """
    if kind not in KINDS:
        raise DataError(f"no importer '{kind}'{nearest(kind, KINDS)}")
    module = import_module(f"undertow.tape.importers.{kind.replace('-', '_')}")
    importer = module.IMPORTER
    assert isinstance(importer, Importer)
    return importer


def importers() -> list[Importer]:
    """All importers in alphabetical order."""
    return [importer_named(kind) for kind in KINDS]
