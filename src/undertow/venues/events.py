"""What an exchange says: events for people, with words and decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from undertow.model import codes
from undertow.venues.commands import LEGS
from undertow.venues.engine_rows import Records
from undertow.venues.exchange_rules import Listing
from undertow.venues.reject_codes import venue_reject

_KINDS = (
    "ACCEPTED", "FILL", "CANCELLED", "REJECTED", "AMENDED", "EXPIRED", "TRIGGERED", "DEPOSITED",
    "WITHDRAWN", "CHANGED", "FUNDING_PAID", "FUNDING_RESIDUAL", "LIQUIDATION",
    "LIQUIDATION_WAITS", "TAKEOVER", "DELEVERAGED", "INSURANCE_PAID", "SURPLUS_KEPT",
    "LOSS_SOCIALISED", "BAD_DEBT", "SETTLED", "BOUND_REACHED", "LIQUIDATION_FEE",
    "AUTO_EXCHANGE", "COLLATERAL_TAKEN", "CLAWED_BACK",
)  # fmt: skip
_REASONS = (
    "UNKNOWN_COMMAND", "BAD_SIDE", "BAD_TIME_IN_FORCE", "BAD_SELF_TRADE_MODE", "UNKNOWN_ACCOUNT",
    "ORDER_ID_NOT_POSITIVE", "DUPLICATE_ORDER", "UNKNOWN_ORDER", "PRICE_NOT_POSITIVE",
    "PRICE_TOO_LARGE", "QUANTITY_NOT_POSITIVE", "QUANTITY_TOO_LARGE", "ALREADY_EXPIRED",
    "POST_ONLY_WOULD_TAKE", "UNKNOWN_INSTRUMENT", "HALTED", "BELOW_MIN_QUANTITY",
    "ABOVE_MAX_QUANTITY", "BELOW_MIN_NOTIONAL", "OUTSIDE_PRICE_BAND", "POSITION_TOO_LARGE",
    "INSUFFICIENT_MARGIN", "LEVERAGE_ABOVE_TIER", "REDUCE_ONLY_WOULD_FLIP", "BAD_LEG",
    "BAD_TRIGGER", "WOULD_TRIGGER_AT_ONCE", "BAD_AMOUNT", "INSUFFICIENT_BALANCE",
    "HAS_POSITION_OR_ORDERS", "NOT_ISOLATED", "NO_MARK", "UNKNOWN_ASSET", "NOTHING_TO_CLOSE",
    "OFF_TICK", "OFF_LOT", "BY_REQUEST", "BY_CANCEL_ALL", "IOC_REMAINDER", "NO_LIQUIDITY",
    "FOK_UNFILLED", "SELF_TRADE", "GOOD_TILL_DATE", "BY_LIQUIDATION", "REDUCE_ONLY_EXCESS",
    "COMPLIANT_AGAIN", "BY_SETTLEMENT", "COOLDOWN", "BOOK_EMPTY", "NO_COUNTERPARTY",
    "BY_EXCHANGE", "NOT_FOR_SPOT", "DELIVERED", "PAST_BANKRUPTCY",
    "NO_PORTFOLIO_MARGIN", "NOT_WITH_PORTFOLIO_MARGIN", "NO_CLAWBACK", "LATENCY", "QUEUE",
)  # fmt: skip
KINDS: Mapping[int, str] = {getattr(codes, name): name.lower() for name in _KINDS}
REASONS: Mapping[int, str] = {getattr(codes, name): name.lower() for name in _REASONS} | {0: ""}
OWN_ACCOUNTS = {
    "fund": codes.FUND, "vault": codes.VAULT, "venue": codes.VENUE, "bad_debts": codes.BAD_DEBTS,
}  # fmt: skip
# Events about a pool that lacks margin: what it has and needs stands where others have payments.
JUDGED = (codes.LIQUIDATION, codes.LIQUIDATION_WAITS, codes.AUTO_EXCHANGE)
_ORDERS = (codes.ACCEPTED, codes.FILL, codes.CANCELLED, codes.AMENDED, codes.EXPIRED,
           codes.TRIGGERED)  # fmt: skip
# Events about a position rather than an order: their side is that of the position.
HELD = (codes.FUNDING_PAID, codes.TAKEOVER, codes.DELEVERAGED, codes.SETTLED)
SIDED = (*_ORDERS, *HELD, codes.LIQUIDATION_FEE)
SIDES = ("buy", "sell", "long", "short")
PAID = (codes.FILL, codes.DEPOSITED, codes.WITHDRAWN, codes.FUNDING_PAID, codes.FUNDING_RESIDUAL,
         codes.TAKEOVER, codes.DELEVERAGED, codes.INSURANCE_PAID, codes.SURPLUS_KEPT,
         codes.LOSS_SOCIALISED, codes.BAD_DEBT, codes.SETTLED, codes.COLLATERAL_TAKEN,
         codes.CLAWED_BACK)  # fmt: skip
FEES = (codes.FILL, codes.LIQUIDATION_FEE)
# Events with a second account: who traded with the first, or paid for it.
PAIRED = (codes.FILL, codes.TAKEOVER, codes.DELEVERAGED, codes.INSURANCE_PAID, codes.SURPLUS_KEPT,
          codes.LOSS_SOCIALISED, codes.BAD_DEBT, codes.COLLATERAL_TAKEN,
          codes.CLAWED_BACK)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """Something that happened at an exchange; None where a field has no meaning.

    Attributes
    ----------
    number, ts_ns
        Place among all events of the venue, from 0; the venue's time, 0 before it was ever set.
    kind, reason
        Such as ``fill``, ``rejected`` and ``insufficient_margin``; ``text`` says it in words.
    venue_code, venue_text
        The venue's own code for the reason and its name or text, where they were read.
    side
        ``buy`` or ``sell`` of an order; ``long`` or ``short`` of the account's position in a
        takeover, deleveraging, funding payment or settlement.
    price, quantity, leaves
        In the instrument's units; ``leaves`` is what is still open afterwards. Where there is an
        ``asset``, the quantity is of that.
    amount, fee
        What the account receives, above 0, or pays: profit of a trade or a payment, and the fee;
        in a spot market, what was paid for the asset.
    equity, maintenance
        Of the pool of margin that is liquidated; of an ``auto_exchange``, the cash to make up for.
    maker_account, maker_leg, maker_order_id, maker_leaves, maker_amount, maker_fee
        The other account: the maker of a trade, who takes over, who pays.
    """

    number: int
    ts_ns: int
    kind: str
    reason: str
    text: str
    venue_code: str | None
    venue_text: str | None
    account: int | str | None
    symbol: str | None
    side: str | None
    leg: str | None
    order_id: int | None
    price: Decimal | None
    quantity: Decimal | None
    leaves: Decimal | None
    amount: Decimal | None
    fee: Decimal | None
    equity: Decimal | None
    maintenance: Decimal | None
    maker_account: int | str | None
    maker_leg: str | None
    maker_order_id: int | None
    maker_leaves: Decimal | None
    maker_amount: Decimal | None
    maker_fee: Decimal | None
    asset: str | None = None

    def __repr__(self) -> str:
        """Only what has a meaning here."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        shown = [f"{name}={value!s}" for name, value in values if value not in (None, "")]
        return f"Event({', '.join(shown)})"


def cash(units: int) -> Decimal:
    """Cash units as an amount, with six decimals."""
    return Decimal(int(units)).scaleb(-6)


@dataclass(frozen=True)
class Reader:
    """Turns rows of an engine into events of one venue."""

    venue: str
    listings: Sequence[Listing]
    names: Mapping[int, str]
    assets: Sequence[str] = ()

    def account(self, number: int) -> int | str:
        """The name of an account, or its number where it has none."""
        return self.names.get(number, number)

    def events(
        self, rows: Records, first: int, ts_ns: Sequence[int], asked: Mapping[int, dict[str, Any]]
    ) -> list[Event]:
        """Rows as events; ``asked`` has what was asked for where a row could not hold it."""
        return [
            self.event(row, first + place, int(ts_ns[place]), asked.get(first + place, {}))
            for place, row in enumerate(rows)
        ]

    def event(self, row: Any, number: int, ts_ns: int, asked: Mapping[str, Any]) -> Event:
        """One row as an event."""
        kind, reason = int(row["kind"]), int(row["reason"])
        name = REASONS.get(reason, "")
        theirs = venue_reject(self.venue, name.upper()) if name else None
        is_order = kind in _ORDERS or (kind == codes.REJECTED and row["order_id"] != 0)
        values: dict[str, Any] = {
            "number": number, "ts_ns": ts_ns, "kind": KINDS[kind], "reason": name,
            "text": codes.REASON_NAMES.get(reason, name.replace("_", " ")),
            "venue_code": theirs[0] if theirs else None,
            "venue_text": theirs[1] if theirs else None,
            "account": self.account(int(row["account"]))
            if row["account"] >= 0 and kind != codes.BOUND_REACHED else None,
            "side": SIDES[row["side"] + 2 * (kind in HELD)]
            if (kind in SIDED or is_order) and row["side"] in (0, 1) else None,
            "order_id": int(row["order_id"]) or None,
            "amount": cash(row["amount_units"]) if kind in PAID else None,
            "fee": cash(row["fee_units"]) if kind in FEES else None,
            "equity": cash(row["amount_units"]) if kind in JUDGED else None,
            "maintenance": cash(row["fee_units"])
            if kind in JUDGED and kind != codes.AUTO_EXCHANGE else None,
        }  # fmt: skip
        values |= {**self._place(row, kind), **self._maker(row, kind)}
        if row["asset"] != 0:
            values |= {"asset": self.assets[row["asset"]], "quantity": cash(row["quantity_lots"])}
            if kind != codes.COLLATERAL_TAKEN:
                values["amount"] = None
        values |= asked
        return Event(**values)

    def _place(self, row: Any, kind: int) -> dict[str, Any]:
        instrument = int(row["instrument"])
        if not 0 <= instrument < len(self.listings):
            return dict.fromkeys(("symbol", "leg", "price", "quantity", "leaves"))
        listing = self.listings[instrument]
        has_leaves = kind in (*_ORDERS, codes.DELEVERAGED) and kind != codes.TRIGGERED
        return {
            "symbol": listing.symbol,
            "leg": _leg(row["leg"]),
            "price": int(row["price_ticks"]) * listing.tick if row["price_ticks"] else None,
            "quantity": int(row["quantity_lots"]) * listing.lot
            if row["quantity_lots"] and kind != codes.BOUND_REACHED
            else None,
            "leaves": int(row["leaves_lots"]) * listing.lot if has_leaves else None,
        }

    def _maker(self, row: Any, kind: int) -> dict[str, Any]:
        names = ("account", "leg", "order_id", "leaves", "amount", "fee")
        values: dict[str, Any] = dict.fromkeys(f"maker_{name}" for name in names)
        if kind in PAIRED:
            values["maker_account"] = self.account(int(row["maker_account"]))
            values["maker_amount"] = cash(row["maker_amount_units"])
        if kind in (codes.FILL, codes.DELEVERAGED):
            listing = self.listings[int(row["instrument"])]
            values["maker_leg"] = _leg(row["maker_leg"])
            values["maker_leaves"] = int(row["maker_leaves_lots"]) * listing.lot
        if kind == codes.FILL:
            values["maker_order_id"] = int(row["maker_id"])
            values["maker_fee"] = cash(row["maker_fee_units"])
        return values


def _leg(code: int) -> str | None:
    return [*LEGS][code] if 0 <= code < len(LEGS) else None
