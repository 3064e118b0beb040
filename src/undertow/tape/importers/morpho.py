"""Morpho's daily history: prices of collateral, and the state of lending markets.

PATH is one of these files, or a folder with them:

- ``collateral_prices.json``: kind ``peg``, one coin's price in USD; ``market`` is the chain, as
  one symbol exists on several.
- ``historical_markets.json``: kinds ``borrow`` and ``supply`` of the loan's coin, ``supply`` of
  the collateral, each in USD, and ``rate``, the yearly rate of borrowers as a fraction (3 is
  300 %). ``market`` is loan/collateral and the start of the market's key. What follows from
  these is not stored: utilisation is borrow/supply, liquidity supply − borrow.

Times are seconds. A figure is the state at its time, not the mean of a day: utilisation equals
borrow/supply to the last digit, and deUSD, which collapsed during 6 November 2025, is at 0.997 on
the 6th and at 0.012 on the 7th. So rows have no ``interval``.

Series run newest first or oldest first. Empty figures (``null``) are left out and counted.
Snapshots without a time and lists of users are not read; no user is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from undertow.errors import DataError
from undertow.model.periods import SECOND_NS
from undertow.tape.frames import TIME
from undertow.tape.importers.content import read_text
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

FILES = ("collateral_prices.json", "historical_markets.json")
# Chains by their public numbers (EIP-155).
_CHAINS = {1: "Ethereum", 10: "Optimism", 137: "Polygon", 8453: "Base", 42161: "Arbitrum"}
_KEY_CHARACTERS = 10
_FIRST_S, _LAST_S = 978_307_200, 4_102_444_800  # 2001 and 2100
_TOO_LARGE = 1e18  # dollars, or a yearly rate
_EXPECTED = f"expected {FILES[0]} (historicalPriceUsd) or {FILES[1]} (historicalState)"
_COLUMNS = ("ts", "kind", "asset", "amount", "usd", "market")


class _Point(msgspec.Struct):
    x: object
    y: object


class _Symbol(msgspec.Struct):
    symbol: str


class _Price(msgspec.Struct, rename="camel"):
    chain_id: int
    symbol: str
    historical_price_usd: list[_Point]


class _State(msgspec.Struct, rename="camel"):
    borrow_assets_usd: list[_Point]
    supply_assets_usd: list[_Point]
    collateral_assets_usd: list[_Point]
    borrow_apy: list[_Point]


class _Market(msgspec.Struct, rename="camel"):
    unique_key: str
    loan_asset: _Symbol
    collateral_asset: _Symbol | None
    historical_state: _State


@dataclass(frozen=True)
class _Series:
    """One figure over time; ``path`` leads to it in the file."""

    path: str
    points: list[_Point]
    kind: str
    asset: str
    market: str


def read(path: Path, options: Options) -> Reading:
    """Read one file, or those of a folder that are known."""
    if not path.is_dir():
        return _read_file(path, options)
    known = [path / name for name in FILES if (path / name).is_file()]
    if not known:
        raise DataError(f"nothing of Morpho here: expected {' or '.join(FILES)}", file=path)
    readings = [_read_file(item, options) for item in known]
    others = sorted(item.name for item in path.iterdir() if item not in known)
    left = [f"not read, as they have no history: {', '.join(others)}"] if others else []
    return Reading(
        {"defi": pl.concat([reading.frames["defi"] for reading in readings])},
        [line for reading in readings for line in reading.dropped],
        notes=[*(line for reading in readings for line in reading.notes), *left],
    )


def _read_file(path: Path, options: Options) -> Reading:
    bad = BadRows(path, options.skip_bad)
    rows: list[tuple[int, str, str, float | None, float | None, str]] = []
    empty = 0
    for series in _series(path):
        points = _points(series, bad)
        values = [(ts, value) for ts, value in points if value is not None]
        empty += len(points) - len(values)
        rows += [_row(series, ts, value) for ts, value in values]
    types = {"amount": pl.Float64, "usd": pl.Float64}
    schema = {name: types.get(name, pl.String) for name in _COLUMNS} | {"ts": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("ts", maintain_order=True)
    frame = frame.with_columns(pl.col("ts").cast(TIME), pl.lit("morpho").alias("protocol"))
    notes = [f"{path.name}: {empty} empty figures are left out"] if empty else []
    return Reading({"defi": frame}, bad.dropped, notes=notes)


def _row(
    series: _Series, ts: int, value: float
) -> tuple[int, str, str, float | None, float | None, str]:
    amount = {"peg": 1.0, "rate": value}.get(series.kind)
    usd = None if series.kind == "rate" else value
    return ts, series.kind, series.asset, amount, usd, series.market


def _points(series: _Series, bad: BadRows) -> list[tuple[int, float | None]]:
    """The good points as nanoseconds and value: rising or falling times, none twice."""
    good: list[tuple[int, float | None]] = []
    is_falling = len(series.points) > 1 and _seconds(series.points[0]) > _seconds(series.points[1])
    for number, point in enumerate(series.points):
        place = f"{series.path}[{number}]"
        seconds, value = _seconds(point), point.y
        if not _FIRST_S <= seconds < _LAST_S:
            bad.drop(None, f"{place}.x", point.x, "expected seconds since 1970")
        elif good and seconds * SECOND_NS == good[-1][0]:
            bad.drop(None, f"{place}.x", point.x, "duplicate: this time was there")
        elif good and (seconds * SECOND_NS < good[-1][0]) != is_falling:
            bad.drop(None, f"{place}.x", point.x, "time turns back: expected one direction")
        elif not _is_value(value, series.kind):
            least = "more than 0" if series.kind == "peg" else "0 or more"
            bad.drop(None, f"{place}.y", value, f"expected a number, {least}, or null")
        else:
            good.append((seconds * SECOND_NS, None if value is None else float(str(value))))
    return good


def _seconds(point: _Point) -> int:
    """The time of a point, or 0 when it is no whole number."""
    return point.x if isinstance(point.x, int) and not isinstance(point.x, bool) else 0


def _is_value(value: object, kind: str) -> bool:
    if value is None:
        return True
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value < _TOO_LARGE and (value > 0 or kind != "peg")


def _series(path: Path) -> Iterator[_Series]:
    """The series of a file, whichever of the two it is."""
    text = read_text(path)
    try:
        content = msgspec.json.decode(text)
        first = content[0] if isinstance(content, list) and content else None
        if isinstance(first, dict) and "historicalPriceUsd" in first:
            return _of_prices(msgspec.convert(content, list[_Price]))
        if isinstance(first, dict) and "historicalState" in first:
            return _of_markets(msgspec.convert(content, list[_Market]))
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise DataError(message, file=path, column=place.strip("`") or None) from None
    except msgspec.DecodeError as error:
        raise DataError(f"broken JSON: {error}", file=path) from None
    raise DataError(f"no history of Morpho: {_EXPECTED}", file=path)


def _of_prices(prices: list[_Price]) -> Iterator[_Series]:
    for number, price in enumerate(prices):
        path = f"$[{number}].historicalPriceUsd"
        market = _CHAINS.get(price.chain_id, f"chain {price.chain_id}")
        yield _Series(path, price.historical_price_usd, "peg", price.symbol, market)


def _of_markets(markets: list[_Market]) -> Iterator[_Series]:
    for number, item in enumerate(markets):
        path = f"$[{number}].historicalState"
        state, loan = item.historical_state, item.loan_asset.symbol
        collateral = item.collateral_asset.symbol if item.collateral_asset else "none"
        market = f"{loan}/{collateral} {item.unique_key[:_KEY_CHARACTERS]}"
        yield _Series(f"{path}.borrowAssetsUsd", state.borrow_assets_usd, "borrow", loan, market)
        yield _Series(f"{path}.supplyAssetsUsd", state.supply_assets_usd, "supply", loan, market)
        yield _Series(f"{path}.borrowApy", state.borrow_apy, "rate", loan, market)
        points = state.collateral_assets_usd
        yield _Series(f"{path}.collateralAssetsUsd", points, "supply", collateral, market)


IMPORTER = Importer(
    name="morpho",
    summary="Morpho's daily prices of collateral and states of markets: a JSON file or a folder",
    tables=("defi",),
    example='[{"chainId": 1, "symbol": "xUSD",\n'
    '  "historicalPriceUsd": [{"x": 1762214400, "y": 0.9533776361160697}]}]',
    read=read,
)
