"""What a worked example needs: short ways to say commands, and what came of them."""

from __future__ import annotations

from exchange.sequences import Judged
from undertow.model import codes
from undertow.model.codes import BUY
from undertow.model.contracts import Contract, Rules
from undertow.reference.accounts import Position
from undertow.reference.exchange import Command, Event, Exchange

CASH = 10**6  # cash units
ANN, BOB, CAT, DAN = range(codes.FIRST_CUSTOMER, codes.FIRST_CUSTOMER + 4)
NAMES = {
    getattr(codes, name): name.lower()
    for name in (
        "ACCEPTED", "FILL", "CANCELLED", "REJECTED", "AMENDED", "EXPIRED", "TRIGGERED", "DEPOSITED",
        "WITHDRAWN", "CHANGED", "FUNDING_PAID", "FUNDING_RESIDUAL", "LIQUIDATION",
        "LIQUIDATION_WAITS", "TAKEOVER", "DELEVERAGED", "INSURANCE_PAID", "SURPLUS_KEPT",
        "LOSS_SOCIALISED", "BAD_DEBT", "SETTLED", "BOUND_REACHED", "LIQUIDATION_FEE",
        "AUTO_EXCHANGE", "COLLATERAL_TAKEN", "CLAWED_BACK",
    )
}  # fmt: skip


class Desk:
    """A venue with numbered orders; every command is under all laws."""

    def __init__(self, *contracts: Contract, rules: Rules | None = None) -> None:
        self.judged = Judged(contracts, rules or Rules(), codes.FIRST_CUSTOMER + 6)
        self.next_id = 1

    @property
    def state(self) -> Exchange:
        """What the venue shows."""
        return self.judged.venue

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command."""
        return self.judged.apply(command)

    def order(self, kind: int, account: int, side: int, lots: int, price: int = 0,
              **more: int) -> list[Event]:  # fmt: skip
        """Any order, with the next number."""
        command = Command(
            kind, side, account=account, order_id=self.next_id, price_ticks=price,
            quantity_lots=lots, **more,
        )  # fmt: skip
        self.next_id += 1
        return self.apply(command)

    def limit(self, account: int, side: int, lots: int, price: int, **more: int) -> list[Event]:
        """A limit order."""
        return self.order(codes.LIMIT, account, side, lots, price, **more)

    def market(self, account: int, side: int, lots: int, **more: int) -> list[Event]:
        """A market order."""
        return self.order(codes.MARKET, account, side, lots, **more)

    def stop(self, account: int, side: int, lots: int, at: int, **more: int) -> list[Event]:
        """A stop that becomes a market order, by the mark."""
        values = {"trigger": codes.STOP, "trigger_ticks": at} | more
        return self.order(codes.CONDITIONAL, account, side, lots, **values)

    def fund(self, **cash: int) -> None:
        """Deposits in cash, by name: ``ann=100``."""
        for name, amount in cash.items():
            self.apply(Command(codes.DEPOSIT, account=WHO[name], amount=amount * CASH))

    def mark(self, price: int, instrument: int = 0) -> list[Event]:
        """A new mark."""
        return self.apply(Command(codes.MARK, instrument=instrument, price_ticks=price))

    def set(self, kind: int, account: int, amount: int, **more: int) -> list[Event]:
        """A setting, a payment: what takes an amount."""
        return self.apply(Command(kind, account=account, amount=amount, **more))

    def trade(
        self, buyer: int, seller: int, lots: int, price: int, *, instrument: int = 0,
        buyer_leg: int = 0, seller_leg: int = 0,
    ) -> None:  # fmt: skip
        """The seller offers, the buyer takes."""
        self.limit(seller, codes.SELL, lots, price, instrument=instrument, leg=seller_leg)
        events = self.limit(buyer, BUY, lots, price, instrument=instrument, leg=buyer_leg)
        assert events[-1].kind == codes.FILL, said(events)

    def cash(self, account: int) -> int:
        """Cash of an account, in cash units."""
        return self.state.account(account).cash_units

    def held(self, account: int, instrument: int = 0, leg: int = 0) -> Position:
        """A position."""
        return self.state.position(account, instrument, leg)


WHO = {"fund": codes.FUND, "ann": ANN, "bob": BOB, "cat": CAT, "dan": DAN}


def said(events: list[Event]) -> list[str]:
    """The kinds of events."""
    return [NAMES[event.kind] for event in events]


def of_kind(events: list[Event], kind: int) -> list[Event]:
    """Those of one kind."""
    return [event for event in events if event.kind == kind]
