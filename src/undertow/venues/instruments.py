"""Instruments: in which steps a venue trades, and what an order may be, read from dated tables.

A table is a CSV with a head of ``# key: value`` lines, named ``VENUE_DATE.csv``. Venues publish
what holds now, so each table is dated by the day on which it was read (``as_of``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from undertow.errors import DataError, UndertowError, nearest
from undertow.model.periods import time_ns
from undertow.venues.rule_models import Kind

HEAD = ("venue", "as_of", "confidence", "source")
TEXTS = ("symbol", "base", "quote", "settlement", "kind")
STEPS = ("contract_size", "tick_size", "lot_size")
# Below 1.
RATES = ("price_band_down", "market_take_bound", "trigger_protect", "liquidation_fee_rate")
LIMITS = (
    "price_figures", "min_quantity", "min_notional", "max_quantity", "max_market_quantity",
    "max_notional", "max_market_notional", "price_band_up", *RATES, "max_leverage",
)  # fmt: skip
COLUMNS = (*TEXTS, *STEPS, *LIMITS, "assumed")
# What must be above what, wherever both are known.
ORDERED = (
    ("lot_size", "max_quantity"), ("lot_size", "max_market_quantity"),
    ("min_quantity", "max_quantity"), ("min_quantity", "max_market_quantity"),
    ("min_notional", "max_notional"), ("min_notional", "max_market_notional"),
)  # fmt: skip
CASH_UNITS = 10**6
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Contract:
    """One instrument of a venue as read on one day; None where nobody told us.

    Quantities count contracts. A contract is ``contract_size`` units of the base, or of the quote
    where ``kind`` is inverse. Notionals are in the quote, rates and bands are fractions.

    Attributes
    ----------
    tick_size, lot_size
        Steps of prices and quantities.
    price_figures
        Prices have at most so many significant figures, unless they are whole (Hyperliquid).
    min_quantity, min_notional, max_quantity, max_notional
        What one limit order may be; where ``min_quantity`` is None, one lot is the least.
    max_market_quantity, max_market_notional
        The most that one market order may be.
    price_band_up, price_band_down
        A buy may not cost more than the reference price (the mark, on Binance) times the first;
        a sale not less than it times the second.
    market_take_bound
        How far from the mark a market order may fill.
    trigger_protect
        Where an order asks for it: how far last price and mark may be apart when it triggers.
    liquidation_fee_rate
        Share of what a liquidation closes.
    confidence
        V (read at the venue or quoted from it), D (checked on data) or S (second hand); does not
        speak for the columns named in ``assumed``, which are our choice.
    """

    venue: str
    as_of_ns: int
    source: str
    confidence: str
    note: str | None
    symbol: str
    base: str
    quote: str
    settlement: str
    kind: Kind | Literal["spot"]  # no file has spot markets
    contract_size: Decimal
    tick_size: Decimal
    lot_size: Decimal
    price_figures: int | None
    min_quantity: Decimal | None
    min_notional: Decimal | None
    max_quantity: Decimal | None
    max_market_quantity: Decimal | None
    max_notional: Decimal | None
    max_market_notional: Decimal | None
    price_band_up: Decimal | None
    price_band_down: Decimal | None
    market_take_bound: Decimal | None
    trigger_protect: Decimal | None
    liquidation_fee_rate: Decimal | None
    max_leverage: Decimal | None
    assumed: tuple[str, ...]

    def unit_value(self) -> Fraction:
        """What integers are counted in, in the settlement asset and exact.

        Linear and dated: what one lot gains when the price rises by one tick. Inverse: what one
        lot is worth at a price of one tick.
        """
        lot = Fraction(self.lot_size) * Fraction(self.contract_size)
        tick = Fraction(self.tick_size)
        return lot / tick if self.kind == "inverse" else lot * tick

    def lots_per_cash_unit(self) -> int:
        """The fewest lots whose :meth:`unit_value` is a whole number of 10^-6: 1 where it fits.

        Who counts money in whole 10^-6 has to trade this symbol in multiples of so many lots.
        """
        return (self.unit_value() * CASH_UNITS).denominator


def read_contracts(folder: Path, venue: str) -> tuple[Contract, ...]:
    """Every instrument of a venue in ``folder``, on every day it was read.

    Raises
    ------
    DataError
        With file, row, column and value, when a table is not as it must be.
    """
    contracts: list[Contract] = []
    for path in sorted(folder.glob(f"{venue}_*.csv")):
        contracts += read_file(path)
    return tuple(contracts)


def read_file(path: Path) -> tuple[Contract, ...]:
    """The instruments of one file, each symbol once.

    Raises
    ------
    DataError
        With file, row, column and value, when the head lacks a key, a cell cannot be read, or
        limits contradict each other.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError("not text in UTF-8", file=path) from None
    head = _head(path, lines)
    body = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    if len(body) < 2 or body[0][1] != ",".join(COLUMNS):
        raise DataError(f"expected the columns {','.join(COLUMNS)}, then instruments", file=path,
                        row=body[0][0] if body else len(lines))  # fmt: skip
    found: dict[str, Contract] = {}
    for row, line in body[1:]:
        cells = line.split(",")
        if len(cells) != len(COLUMNS):
            raise DataError(f"expected {len(COLUMNS)} cells", file=path, row=row)
        contract = _contract(path, row, head, dict(zip(COLUMNS, cells, strict=True)))
        if contract.symbol in found:
            raise DataError("this symbol is already in the table", file=path, row=row,
                            column="symbol", value=contract.symbol)  # fmt: skip
        found[contract.symbol] = contract
    return tuple(found.values())


def _head(path: Path, lines: Sequence[str]) -> dict[str, str]:
    head: dict[str, str] = {}
    for row, line in enumerate(lines, 1):
        if not line.startswith("#"):
            break
        key, _, value = line[1:].partition(":")
        valid = (*HEAD, "note")
        if key.strip() not in valid:
            raise DataError(f"unknown key '{key.strip()}'{nearest(key.strip(), valid)}", file=path,
                            row=row)  # fmt: skip
        head[key.strip()] = value.strip()
    missing = [key for key in HEAD if not head.get(key)]
    if missing:
        raise DataError(f"the head lacks '# {missing[0]}: …'", file=path)
    if head["confidence"] not in {"V", "D", "S"}:
        raise DataError("expected a confidence of V, D or S", file=path, value=head["confidence"])
    if path.stem != f"{head['venue']}_{head['as_of']}":
        raise DataError("expected the name VENUE_DATE.csv of the head's venue and as_of", file=path,
                        value=f"{head['venue']}_{head['as_of']}")  # fmt: skip
    try:
        time_ns(head["as_of"])
    except UndertowError:
        raise DataError("as_of: expected a date", file=path, value=head["as_of"]) from None
    return head


def _contract(path: Path, row: int, head: Mapping[str, str], cells: Mapping[str, str]) -> Contract:
    def fault(column: str, message: str) -> DataError:
        return DataError(message, file=path, row=row, column=column, value=cells[column])

    for column in (*TEXTS, *STEPS):
        if not cells[column]:
            raise fault(column, "every instrument must say this")
    for column in (*STEPS, *LIMITS):
        if cells[column] and not _NUMBER.fullmatch(cells[column]):
            raise fault(column, "expected a number, such as 0.001")
    if cells["kind"] not in get_args(Kind):
        raise fault("kind", f"unknown kind{nearest(cells['kind'], get_args(Kind))}")
    numbers = {name: Decimal(cells[name]) for name in (*STEPS, *LIMITS) if cells[name]}
    for column, message in _faults(numbers):
        raise fault(column, message)
    assumed = tuple(cells["assumed"].split())
    for name in assumed:
        if name not in numbers:
            raise fault("assumed", f"'{name}' is no column with a number in this row")
    figures = numbers.pop("price_figures", None)
    limits = {name: numbers.get(name) for name in LIMITS if name != "price_figures"}
    return Contract(
        venue=head["venue"], as_of_ns=time_ns(head["as_of"]), source=head["source"],
        confidence=head["confidence"], note=head.get("note"), symbol=cells["symbol"],
        base=cells["base"], quote=cells["quote"], settlement=cells["settlement"],
        kind=_kind(cells["kind"]), contract_size=numbers["contract_size"],
        tick_size=numbers["tick_size"], lot_size=numbers["lot_size"],
        price_figures=None if figures is None else int(figures), assumed=assumed, **limits,
    )  # fmt: skip


def _kind(text: str) -> Kind:
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    return kinds[text]


def _faults(numbers: Mapping[str, Decimal]) -> list[tuple[str, str]]:
    """Columns whose number cannot be, each with what was expected."""
    may_be_zero = {"liquidation_fee_rate"}
    faults = [
        (name, "expected more than 0")
        for name, number in numbers.items()
        if number == 0 and name not in may_be_zero
    ]
    faults += [
        (name, "expected a fraction below 1")
        for name in RATES
        if numbers.get(name, Decimal(0)) >= 1
    ]
    if numbers.get("price_band_up", Decimal(2)) <= 1:
        faults.append(("price_band_up", "expected a factor above 1"))
    if numbers.get("max_leverage", Decimal(1)) < 1:
        faults.append(("max_leverage", "expected at least 1"))
    if numbers.get("price_figures", Decimal(1)) % 1:
        faults.append(("price_figures", "expected a whole number"))
    lot_size = numbers["lot_size"]
    if lot_size and numbers.get("min_quantity", lot_size) % lot_size:
        faults.append(("min_quantity", f"expected a multiple of the lot, {lot_size}"))
    faults += [
        (most, f"expected at least {least}, {numbers[least]}")
        for least, most in ORDERED
        if least in numbers and most in numbers and numbers[most] < numbers[least]
    ]
    return faults
