"""What an exchange holds, as tables for analysis: names, floats for prices and amounts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from undertow.model import codes
from undertow.model.contracts import Contract
from undertow.venues.commands import LEGS, TRIGGERS, Number, number
from undertow.venues.engine import Engine
from undertow.venues.events import Reader
from undertow.venues.exchange_rules import Listing
from undertow.venues.instruments import CASH_UNITS
from undertow.venues.margin_account import unrealised_units

if TYPE_CHECKING:
    import polars as pl

_LEGS = [*LEGS]
_SIDES = ("buy", "sell")
_TRIGGERS = {code: name for name, code in TRIGGERS.items()}
_ACCOUNTS = {
    "account": int, "name": str, "cash": float, "isolated_margin": float,
    "unrealised": float, "collateral": float, "equity": float,
}  # fmt: skip
_POSITIONS = {
    "account": int, "name": str, "symbol": str, "leg": str,
    "quantity": float, "entry_price": float, "mark": float,
    "unrealised": float, "margin_mode": str, "margin": float,
    "leverage": int,
}  # fmt: skip
_ORDERS = {
    "order_id": int, "account": int, "name": str, "symbol": str,
    "side": str, "leg": str, "price": float, "quantity": float,
    "reduce_only": bool, "trigger": str, "trigger_price": float,
}  # fmt: skip
_BALANCES = {
    "account": int, "name": str, "asset": str, "quantity": float,
    "price": float, "counts": float,
}  # fmt: skip
_BOOK = {"side": str, "price": float, "quantity": float, "orders": int}


def on_tick(listing: Listing, price: Number) -> Decimal:
    """The multiple of the tick that is nearest to a price, of two the even one."""
    return round(Fraction(number("price", price)) / Fraction(listing.tick)) * listing.tick


def accounts(engine: Engine, contracts: Sequence[Contract], reader: Reader) -> pl.DataFrame:
    """Wallet, profit and equity by account, of all that have some and all that have a name.

    ``collateral`` is what other assets count as margin; it is part of the equity.
    """
    marks = engine.markets()["mark_ticks"].tolist()
    margins: dict[int, int] = {}
    profits: dict[int, int] = {}
    for one in engine.positions():
        account = int(one["account"])
        margins[account] = margins.get(account, 0) + int(one["margin_units"])
        profit = unrealised_units(one, contracts, marks[one["instrument"]])
        profits[account] = profits.get(account, 0) + profit
    cashes = dict.fromkeys(reader.names, 0)
    counts: dict[int, int] = {}
    for one in engine.balances():
        account = int(one["account"])
        counts[account] = counts.get(account, 0) + int(one["margin_units"])
    cashes |= dict.fromkeys(counts, 0)
    cashes |= {int(row["account"]): int(row["cash_units"]) for row in engine.accounts()}
    rows: list[tuple[Any, ...]] = []
    for account, cash in sorted(cashes.items()):
        margin, profit = margins.get(account, 0), profits.get(account, 0)
        other = counts.get(account, 0)
        parts = (cash, margin, profit, other, cash + margin + profit + other)
        money = [units / CASH_UNITS for units in parts]
        rows.append((account, reader.names.get(account), *money))
    return _table(rows, _ACCOUNTS)


def balances(engine: Engine, assets: Sequence[str], reader: Reader) -> pl.DataFrame:
    """What is held beside cash; ``counts`` is its value as margin."""
    prices = engine.asset_prices()
    rows = [
        (
            int(one["account"]), reader.names.get(int(one["account"])), assets[one["asset"]],
            int(one["units"]) / CASH_UNITS, prices[one["asset"]] / CASH_UNITS,
            int(one["margin_units"]) / CASH_UNITS,
        )
        for one in engine.balances()
    ]  # fmt: skip
    return _table(rows, _BALANCES)


def positions(engine: Engine, listings: Sequence[Listing], reader: Reader) -> pl.DataFrame:
    """Positions that are not flat; ``quantity`` is below 0 for a short."""
    marks = engine.markets()["mark_ticks"].tolist()
    contracts = [listing.contract for listing in listings]
    rows: list[tuple[Any, ...]] = []
    for one in engine.positions():
        if one["lots"] == 0:
            continue
        listing, mark = listings[one["instrument"]], marks[one["instrument"]]
        account = int(one["account"])
        profit = unrealised_units(one, contracts, mark)
        rows.append((
            account, reader.names.get(account), listing.symbol, _LEGS[one["leg"]],
            float(int(one["lots"]) * listing.lot), entry_price(listing, one),
            float(mark * listing.tick), profit / CASH_UNITS,
            "isolated" if one["isolated"] else "cross", int(one["margin_units"]) / CASH_UNITS,
            int(one["leverage"]),
        ))  # fmt: skip
    return _table(rows, _POSITIONS)


def entry_price(listing: Listing, position: Any) -> float:
    """The average price that a position's cost basis comes to."""
    lots, basis, units = int(position["lots"]), int(position["basis_units"]), listing.contract.units
    if listing.contract.kind == codes.INVERSE:
        ticks = Fraction(-lots * units, basis) if basis else Fraction(0)
    else:
        ticks = Fraction(basis, lots * units)
    return float(ticks * Fraction(listing.tick))


def orders(engine: Engine, listings: Sequence[Listing], reader: Reader) -> pl.DataFrame:
    """Resting orders, then those that wait; each group with the oldest first."""
    rows: list[tuple[Any, ...]] = []
    for one in [*engine.orders(), *engine.waiting()]:
        listing, account = listings[one["instrument"]], int(one["account"])
        waits = "trigger" in (one.dtype.names or ())
        reduces = one["flags"] & codes.REDUCE_ONLY if waits else one["reduce_only"]
        rows.append((
            int(one["order_id"]), account, reader.names.get(account), listing.symbol,
            _SIDES[one["side"]], _LEGS[one["leg"]],
            float(int(one["price_ticks"]) * listing.tick) if one["price_ticks"] else None,
            float(int(one["quantity_lots"]) * listing.lot), bool(reduces),
            _TRIGGERS[int(one["trigger"])] if waits else None,
            float(int(one["trigger_ticks"]) * listing.tick) if waits else None,
        ))  # fmt: skip
    return _table(rows, _ORDERS)


def book(engine: Engine, listings: Sequence[Listing], place: int) -> pl.DataFrame:
    """Price levels of one instrument, each side from its best."""
    listing = listings[place]
    levels: dict[tuple[int, int], tuple[int, int]] = {}
    for one in engine.orders():
        if one["instrument"] == place:
            key = (int(one["side"]), int(one["price_ticks"]))
            lots, count = levels.get(key, (0, 0))
            levels[key] = (lots + int(one["quantity_lots"]), count + 1)
    ordered = sorted(levels, key=lambda key: (key[0], -key[1] if key[0] == codes.BUY else key[1]))
    rows = [
        (_SIDES[side], float(ticks * listing.tick), float(levels[side, ticks][0] * listing.lot),
         levels[side, ticks][1])
        for side, ticks in ordered
    ]  # fmt: skip
    return _table(rows, _BOOK)


def _table(rows: Sequence[tuple[Any, ...]], columns: dict[str, type]) -> pl.DataFrame:
    import polars as pl  # slow to load, and many who trade want no table

    return pl.DataFrame(rows, schema=columns, orient="row")
