"""Statements of account: every payment of one account, which add up to what it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from undertow.model import codes
from undertow.venues.engine_rows import Records
from undertow.venues.events import PAIRED, Event, Reader, cash

if TYPE_CHECKING:
    import polars as pl

# What a payment is called, for the account that an event is about, and for the other one.
_OWN = {
    codes.FILL: "profit", codes.DEPOSITED: "deposit", codes.WITHDRAWN: "withdrawal",
    codes.FUNDING_PAID: "funding", codes.FUNDING_RESIDUAL: "rounding", codes.TAKEOVER: "takeover",
    codes.DELEVERAGED: "closed by deleveraging", codes.INSURANCE_PAID: "paid by insurance",
    codes.SURPLUS_KEPT: "kept by the venue", codes.LOSS_SOCIALISED: "socialised loss",
    codes.BAD_DEBT: "bad debt", codes.SETTLED: "settlement",
    codes.COLLATERAL_TAKEN: "collateral to the fund", codes.CLAWED_BACK: "clawback",
}  # fmt: skip
_OTHER = {
    codes.FILL: "profit", codes.TAKEOVER: "takeover", codes.DELEVERAGED: "auto-deleveraging",
    codes.INSURANCE_PAID: "insurance", codes.SURPLUS_KEPT: "kept from a takeover",
    codes.LOSS_SOCIALISED: "socialised loss", codes.BAD_DEBT: "bad debt",
    codes.COLLATERAL_TAKEN: "collateral taken", codes.CLAWED_BACK: "clawback",
}  # fmt: skip
_SPOT = {codes.BY_EXCHANGE: "collateral sold"}
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
    positions at the mark, ``collateral`` what its other assets count as margin, ``equity`` the sum
    of the three. ``opening + sum(amounts) = wallet``: that was checked against the exchange's own
    balance when the statement was made. Of an asset beside cash, the wallet is its balance.
    """

    account: int | str
    asset: str
    opening: Decimal
    lines: tuple[Line, ...]
    wallet: Decimal
    unrealised: Decimal
    equity: Decimal
    collateral: Decimal = Decimal(0)

    def totals(self) -> dict[str, Decimal]:
        """Sum of the amounts by item, in the order of their first line."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[line.item] = sums.get(line.item, Decimal(0)) + line.amount
        return sums

    def frame(self) -> pl.DataFrame:
        """The lines as a table; amounts as floats."""
        import polars as pl

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
        sums = [("wallet", "", self.wallet), ("unrealised profit", "", self.unrealised),
                ("equity", "", self.equity)]  # fmt: skip
        if self.collateral:
            sums.insert(2, ("collateral counts", "", self.collateral))
        rows += sums
        width = max(len(item) for item, _, _ in rows)
        middle = max(len(about) for _, about, _ in rows)
        most = max(len(f"{amount:,}") for _, _, amount in rows)
        lines = [f"{item:<{width}}  {about:<{middle}}  {amount:>{most},}"
                 for item, about, amount in rows]  # fmt: skip
        rule = "-" * len(lines[0])
        return "\n".join([head, *lines[: -len(sums)], rule, *lines[-len(sums) :]])


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


def payments(row: Any, account: int, *, is_spot: bool = False) -> Iterator[tuple[str, int, str]]:
    """What one event changes in the wallet of an account; ``is_spot`` tells of a spot trade.

    Yields
    ------
    tuple
        Item, cash units, and whom the event is about for this account: ``own`` (itself),
        ``other`` (it is the second account) or ``venue`` (others; the venue earns).
    """
    kind = int(row["kind"])
    if row["account"] == account:
        if kind in _OWN:
            item = _SPOT.get(int(row["reason"]), "spot trade") if is_spot else _OWN[kind]
            if kind == codes.FILL and row["reason"] == codes.BY_LIQUIDATION:
                item = "liquidation"
            yield item, int(row["amount_units"]), "own"
        if kind in (codes.FILL, codes.LIQUIDATION_FEE):
            yield "fee" if kind == codes.FILL else "liquidation fee", int(row["fee_units"]), "own"
    if kind in PAIRED and row["maker_account"] == account:
        item = "spot trade" if is_spot else _OTHER[kind]
        yield item, int(row["maker_amount_units"]), "other"
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
    wallet_units: int, unrealised_units: int, collateral_units: int = 0,
) -> Statement:  # fmt: skip
    """The statement of an account from all events of its venue.

    Raises
    ------
    AssertionError
        When the events do not add up to the balance: a fault of ours, never of the user.
    """
    spots = spot_markets(reader)
    paid = (
        (number, *payment)
        for number in concerning(rows, account).tolist()
        for row in [rows[number]]
        for payment in payments(
            row, account, is_spot=row["kind"] == codes.FILL and row["instrument"] in spots
        )
    )
    opening, balance, lines = _lines(reader, rows, ts_ns, paid, since)
    if balance != wallet_units:
        raise AssertionError(
            f"statement of {reader.account(account)}: events add up to {balance} cash units, the"
            f" wallet holds {wallet_units}"
        )
    return Statement(
        reader.account(account), asset, cash(opening), lines, cash(wallet_units),
        cash(unrealised_units), cash(wallet_units + unrealised_units + collateral_units),
        cash(collateral_units),
    )  # fmt: skip


def spot_markets(reader: Reader) -> dict[int, tuple[int, int]]:
    """Of each spot market its asset, and how many units of it are in a lot."""
    return {
        place: (listing.contract.base_asset, listing.contract.base_units_per_lot)
        for place, listing in enumerate(reader.listings)
        if listing.contract.kind == codes.SPOT
    }


def asset_statement(
    reader: Reader, rows: Records, ts_ns: Records, account: int, *, since: int, asset: int,
    units: int,
) -> Statement:  # fmt: skip
    """The statement of one asset beside cash, in that asset.

    Raises
    ------
    AssertionError
        When the events do not add up to the balance: a fault of ours, never of the user.
    """
    spots = spot_markets(reader)
    moved = (
        (number, *move)
        for number in concerning(rows, account).tolist()
        for move in _moves(rows[number], account, asset, spots)
    )
    opening, balance, lines = _lines(reader, rows, ts_ns, moved, since)
    if balance != units:
        raise AssertionError(
            f"statement of {reader.account(account)}: events add up to {balance} units of"
            f" {reader.assets[asset]}, there are {units}"
        )
    return Statement(
        reader.account(account), reader.assets[asset], cash(opening), lines, cash(units),
        Decimal(0), cash(units),
    )  # fmt: skip


def _moves(
    row: Any, account: int, asset: int, spots: Mapping[int, tuple[int, int]]
) -> Iterator[tuple[str, int, str]]:
    """What one event changes in the balance of an asset: item, units, role."""
    kind, lots = int(row["kind"]), int(row["quantity_lots"])
    if row["asset"] == asset:
        if row["account"] == account:
            yield _OWN[kind], lots if kind == codes.DEPOSITED else -lots, "own"
        if kind == codes.COLLATERAL_TAKEN and row["maker_account"] == account:
            yield _OTHER[kind], lots, "other"
    elif kind == codes.FILL and spots.get(int(row["instrument"]), (0, 0))[0] == asset:
        units = lots * spots[int(row["instrument"])][1]
        signed = units if row["side"] == codes.BUY else -units
        if row["account"] == account:
            yield _SPOT.get(int(row["reason"]), "spot trade"), signed, "own"
        if row["maker_account"] == account:
            yield "spot trade", -signed, "other"


def _lines(
    reader: Reader, rows: Records, ts_ns: Records, paid: Iterable[tuple[int, str, int, str]],
    since: int,
) -> tuple[int, int, tuple[Line, ...]]:  # fmt: skip
    """The balance before an event, the last one, and the lines between."""
    opening = balance = 0
    lines: list[Line] = []
    for number, item, units, role in paid:
        if units == 0:
            continue
        balance += units
        if number < since:
            opening = balance
            continue
        event = reader.event(rows[number], number, int(ts_ns[number]), {})
        lines.append(Line(number, event.ts_ns, item, event.symbol, _side(event, role), event.price,
                          event.quantity, cash(units), cash(balance)))  # fmt: skip
    return opening, balance, tuple(lines)
