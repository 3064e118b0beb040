"""Statements of account: every payment of one account, which add up to what it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from undertow.model import codes
from undertow.venues.engine_rows import Records
from undertow.venues.events import PAIRED, Event, Reader, cash

# What a payment is called, for the account that an event is about, and for the other one.
_OWN = {
    codes.FILL: "profit", codes.DEPOSITED: "deposit", codes.WITHDRAWN: "withdrawal",
    codes.FUNDING_PAID: "funding", codes.FUNDING_RESIDUAL: "rounding", codes.TAKEOVER: "takeover",
    codes.DELEVERAGED: "closed by deleveraging", codes.INSURANCE_PAID: "paid by insurance",
    codes.SURPLUS_KEPT: "kept by the venue", codes.LOSS_SOCIALISED: "socialised loss",
    codes.BAD_DEBT: "bad debt", codes.SETTLED: "settlement",
}  # fmt: skip
_OTHER = {
    codes.FILL: "profit", codes.TAKEOVER: "takeover", codes.DELEVERAGED: "auto-deleveraging",
    codes.INSURANCE_PAID: "insurance", codes.SURPLUS_KEPT: "kept from a takeover",
    codes.LOSS_SOCIALISED: "socialised loss", codes.BAD_DEBT: "bad debt",
}  # fmt: skip
_OPPOSITE = {"buy": "sell", "sell": "buy", "long": "short", "short": "long"}


@dataclass(frozen=True, slots=True)
class Line:
    """One payment: ``amount`` above 0 was received; ``balance`` is the wallet afterwards."""

    number: int
    ts_ns: int
    item: str
    symbol: str | None
    side: str | None
    price: Decimal | None
    quantity: Decimal | None
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """All payments of an account from event number ``since`` on.

    ``wallet`` is its cash and what lies in isolated positions, ``unrealised`` the profit of open
    positions at the mark, ``equity`` the sum of both. ``opening + sum(amounts) = wallet``: that
    was checked against the exchange's own balance when the statement was made.
    """

    account: int | str
    asset: str
    opening: Decimal
    lines: tuple[Line, ...]
    wallet: Decimal
    unrealised: Decimal
    equity: Decimal

    def totals(self) -> dict[str, Decimal]:
        """Sum of the amounts by item, in the order of their first line."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[line.item] = sums.get(line.item, Decimal(0)) + line.amount
        return sums

    def frame(self) -> pl.DataFrame:
        """The lines as a table; amounts as floats."""
        return pl.DataFrame(
            {
                "number": [line.number for line in self.lines],
                "ts": pl.Series([line.ts_ns for line in self.lines], dtype=pl.Int64).cast(
                    pl.Datetime("ns", "UTC")
                ),
                "item": pl.Series([line.item for line in self.lines], dtype=pl.String),
                "symbol": pl.Series([line.symbol for line in self.lines], dtype=pl.String),
                "amount": [float(line.amount) for line in self.lines],
                "balance": [float(line.balance) for line in self.lines],
            },
            schema_overrides={"number": pl.Int64, "amount": pl.Float64, "balance": pl.Float64},
        )

    def __str__(self) -> str:
        """The statement as a table."""
        head = f"{self.account}, in {self.asset}"
        rows = [("opening balance", "", self.opening)]
        rows += [(line.item, _about(line), line.amount) for line in self.lines]
        rows += [("wallet", "", self.wallet), ("unrealised profit", "", self.unrealised),
                 ("equity", "", self.equity)]  # fmt: skip
        width = max(len(item) for item, _, _ in rows)
        middle = max(len(about) for _, about, _ in rows)
        most = max(len(f"{amount:,}") for _, _, amount in rows)
        lines = [f"{item:<{width}}  {about:<{middle}}  {amount:>{most},}"
                 for item, about, amount in rows]  # fmt: skip
        rule = "-" * len(lines[0])
        return "\n".join([head, *lines[:-3], rule, *lines[-3:]])


def _about(line: Line) -> str:
    trade = f"{line.side} {line.quantity}" if line.side and line.quantity else ""
    price = f"at {line.price}" if line.price is not None else ""
    return " ".join(part for part in (trade, line.symbol or "", price) if part)


def _side(event: Event, role: str) -> str | None:
    """The side of the account; who takes a position over has it on the side that it had."""
    if role == "venue" or event.side is None:
        return None
    is_opposite = role == "other" and event.kind in ("fill", "deleveraged")
    return _OPPOSITE[event.side] if is_opposite else event.side


def payments(row: Any, account: int) -> Iterator[tuple[str, int, str]]:
    """What one event changes in the wallet of an account.

    Yields
    ------
    tuple
        Item, cash units, and whom the event is about for this account: ``own`` (itself),
        ``other`` (it is the second account) or ``venue`` (others; the venue earns).
    """
    kind = int(row["kind"])
    if row["account"] == account:
        if kind in _OWN:
            forced = kind == codes.FILL and row["reason"] == codes.BY_LIQUIDATION
            yield "liquidation" if forced else _OWN[kind], int(row["amount_units"]), "own"
        if kind in (codes.FILL, codes.LIQUIDATION_FEE):
            yield "fee" if kind == codes.FILL else "liquidation fee", int(row["fee_units"]), "own"
    if kind in PAIRED and row["maker_account"] == account:
        yield _OTHER[kind], int(row["maker_amount_units"]), "other"
        if kind == codes.FILL:
            yield "fee", int(row["maker_fee_units"]), "other"
    if kind == codes.FILL and account == codes.VENUE:
        yield "fees of customers", -int(row["fee_units"]) - int(row["maker_fee_units"]), "venue"
    if kind == codes.LIQUIDATION_FEE and account == codes.FUND:
        yield "liquidation fee", -int(row["fee_units"]), "venue"


def concerning(rows: Records, account: int) -> Records:
    """Numbers of the rows that may change the wallet of an account."""
    found = (rows["account"] == account) | (rows["maker_account"] == account)
    if account == codes.VENUE:
        found |= rows["kind"] == codes.FILL
    if account == codes.FUND:
        found |= rows["kind"] == codes.LIQUIDATION_FEE
    numbers: Records = found.nonzero()[0]
    return numbers


def make_statement(
    reader: Reader, rows: Records, ts_ns: Records, account: int, *, since: int, asset: str,
    wallet_units: int, unrealised_units: int,
) -> Statement:  # fmt: skip
    """The statement of an account from all events of its venue.

    Raises
    ------
    AssertionError
        When the events do not add up to the balance: a fault of ours, never of the user.
    """
    opening = balance = 0
    lines: list[Line] = []
    for number in concerning(rows, account).tolist():
        row = rows[number]
        for item, units, role in payments(row, account):
            if units == 0:
                continue
            balance += units
            if number < since:
                opening = balance
                continue
            event = reader.event(row, number, int(ts_ns[number]), {})
            side = _side(event, role)
            lines.append(Line(number, event.ts_ns, item, event.symbol, side, event.price,
                              event.quantity, cash(units), cash(balance)))  # fmt: skip
    if balance != wallet_units:
        raise AssertionError(
            f"statement of {reader.account(account)}: events add up to {balance} cash units, the"
            f" wallet holds {wallet_units}"
        )
    return Statement(
        reader.account(account), asset, cash(opening), tuple(lines), cash(wallet_units),
        cash(unrealised_units), cash(wallet_units + unrealised_units),
    )  # fmt: skip
