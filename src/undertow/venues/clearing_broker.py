"""Customers of a futures exchange and their broker: margin calls, advances, forced closing.

The broker pays at once what a customer's money does not cover, calls who is below the maintenance
margin, and closes who does not pay in time by market orders in the book. What never comes back
is the broker's loss.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from undertow.model import codes
from undertow.venues.clearing_margin import (
    all_units,
    equity_units,
    held_lots,
    margin_units,
    most_lots,
)
from undertow.venues.clearing_rules import Notice, clearing_terms
from undertow.venues.commands import Draft
from undertow.venues.engine import Records
from undertow.venues.events import Event, cash
from undertow.venues.exchange import Venue
from undertow.venues.exchange_rules import Terms
from undertow.venues.statement import Statement

# Assumptions about what the engine would do, and never does here.
UNUSED = ("liquidation.", "adl.", "insurance.", "orders.default_leverage", "orders.market_buffer")


@dataclass
class Call:
    """Money that a customer must bring until a deadline; ``missed`` once that has passed."""

    amount_units: int
    deadline_ns: int
    missed: bool = False


class Brokered(Venue):
    """A venue whose customers have a broker.

    Attributes
    ----------
    rates
        Margin rates, limits and times that are kept to.
    notices
        All that the clearing house and the brokers said, in order: `Notice`.
    calls
        Open margin calls by account number.
    """

    def __init__(
        self, made: Terms, accounts: int | Sequence[str], engine: str,
        given: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.rates, assumed = clearing_terms(made.dated, given or {})
        super().__init__(made, accounts, engine)
        used = [one for one in made.assumptions if not one.name.startswith(UNUSED)]
        self.assumptions = (*used, *assumed)
        self.notices: list[Notice] = []
        self.calls: dict[int, Call] = {}
        self._owed: dict[int, int] = {}
        self._lost: dict[int, int] = {}
        self._by_broker: dict[int, str] = {}
        self._changed: set[int] = set()  # accounts in debt or called that something happened to

    def equity(self, account: int | str) -> Decimal:
        """Cash and profit at the last settlement, less what the broker has paid for them."""
        return cash(self._equity(self._account(account)))

    def initial_margin(self, account: int | str) -> Decimal:
        """What the positions need when a call is met, rounded up."""
        return cash(self._margin(self._account(account), initial=True))

    def maintenance_margin(self, account: int | str) -> Decimal:
        """What the positions need lest there is a call, rounded up."""
        return cash(self._margin(self._account(account), initial=False))

    def owed(self, account: int | str) -> Decimal:
        """What the broker has paid for a customer and not got back."""
        return cash(self._owed.get(self._account(account), 0))

    def broker_losses(self) -> dict[int | str, Decimal]:
        """What brokers have lost, by the customer who owed it."""
        return {self._reader.account(number): cash(lost) for number, lost in self._lost.items()}

    def statement(
        self, account: int | str, *, since: int = 0, asset: str | None = None
    ) -> Statement:
        """As `Venue.statement`; what the broker paid or took back is called so."""
        made = super().statement(account, since=since, asset=asset)
        lines = tuple(
            dataclasses.replace(line, item=self._by_broker.get(line.number, line.item))
            for line in made.lines
        )
        return dataclasses.replace(made, lines=lines)

    def _send(self, draft: Draft) -> list[Event]:
        """Carry out a command of house or broker, without the checks of customers' commands."""
        return Venue._do(self, draft)

    def _equity(self, number: int) -> int:
        marks = self.engine.markets()["mark_ticks"].tolist()
        has = equity_units(self.engine, self._contracts, number, marks)
        return has - self._owed.get(number, 0)

    def _margin(
        self, number: int, *, initial: bool, orders: bool = False, entered: Any = None
    ) -> int:
        marks = self.engine.markets()["mark_ticks"].tolist()
        engine = self.engine
        lots = most_lots(engine, number, entered) if orders else held_lots(engine, number)
        rate = self.rates.initial if initial else self.rates.maintenance
        return margin_units(self._contracts, lots, marks, rate)

    def _advance(self, number: int, marks: Sequence[int]) -> None:
        """The broker pays what an account lacks, as the house does not wait."""
        lacks = -equity_units(self.engine, self._contracts, number, marks)
        if lacks > 0:
            self._owed[number] = self._owed.get(number, 0) + lacks
            self._by_broker[len(self._journal)] = "paid by the broker"
            self._send(self._draft(codes.DEPOSIT, number).amount("amount", cash(lacks)))
            self._say("advanced", "losses exceed the money", number, amount=lacks)

    def _advance_all(self, marks: Sequence[int]) -> None:
        """The same for everybody, at prices that the engine does not know yet."""
        for number, (has, _) in all_units(self.engine, self._contracts, marks).items():
            if has < 0:
                self._advance(number, marks)

    def _repay(self, number: int) -> None:
        """The broker takes back what margin does not need."""
        has = sum(int(row["cash_units"]) for row in self.engine.accounts(number))
        spare = self._equity(number) + self._owed[number]
        spare -= self._margin(number, initial=True, orders=True)
        amount = min(self._owed[number], has, spare)
        if amount > 0:
            event = len(self._journal)
            told = self._send(self._draft(codes.WITHDRAW, number).amount("amount", cash(amount)))
            if told[0].kind == "withdrawn":
                self._by_broker[event] = "taken back by the broker"
                self._owed[number] -= amount
                self._say("repaid", "", number, amount=amount)

    def _note_changes(self, rows: Records) -> None:
        """Remember whose calls and debts to look at again."""
        watched = self.calls.keys() | self._owed.keys()
        if watched:
            seen = {*rows["account"].tolist(), *rows["maker_account"].tolist()}
            self._changed |= watched & seen

    def _look_at_calls(self) -> None:
        """Debts that can be paid, calls that are met or missed, forced closing."""
        changed, self._changed = self._changed, set()
        for number in sorted(changed & self._owed.keys()):
            self._repay(number)
        for number, call in sorted(self.calls.items()):
            if number in changed or (not call.missed and call.deadline_ns <= self.now_ns):
                self._judge(number)
        missed = sorted(number for number, call in self.calls.items() if call.missed)
        books = [self._best(place) for place in range(len(self._contracts))] if missed else []
        for number in missed:
            lots = held_lots(self.engine, number)
            if not lots or any(books[place][held < 0] for place, held in lots.items()):
                self._close_out(number)

    def _call_customers(self, marks: Sequence[int]) -> None:
        """After a settlement: call those below maintenance, or change what they were called for."""
        known = all_units(self.engine, self._contracts, marks)
        for number in sorted({*known, *self._owed}):
            has, lots = known.get(number, (0, {}))
            has -= self._owed.get(number, 0)
            needs = margin_units(self._contracts, lots, marks, self.rates.maintenance)
            if number < codes.FIRST_CUSTOMER or has >= needs:
                continue
            amount = self._margin(number, initial=True) - has
            call = self.calls.setdefault(number, Call(0, self.now_ns + self.rates.call_ns))
            if call.missed or call.amount_units == amount:
                continue
            reason = "below maintenance" if call.amount_units == 0 else "the amount has changed"
            call.amount_units = amount
            self._say("margin_call", reason, number, amount=amount, until_ns=call.deadline_ns)

    def _judge(self, number: int) -> None:
        """Whether a call is met, or its deadline has passed."""
        call = self.calls[number]
        lacks = self._margin(number, initial=True) - self._equity(number)
        if lacks <= 0:
            del self.calls[number]
            self._say("call_met", "at the initial margin", number, amount=call.amount_units)
        elif not call.missed and call.deadline_ns <= self.now_ns:
            call.missed = True
            self._say("call_missed", "the deadline has passed", number, amount=lacks)
            self._send(self._draft(codes.CANCEL_ALL, number))

    def _close_out(self, number: int) -> None:
        """Close a customer's positions by market orders, then see what is left."""
        for place, lots in held_lots(self.engine, number).items():
            bid, ask = self._best(place)
            found = bid if lots > 0 else ask
            if found == 0 or self.engine.markets()["halted"][place]:
                continue
            symbol = self.terms.listings[place].symbol
            draft = self._draft(codes.MARKET, number, symbol, flags=codes.REDUCE_ONLY,
                                side=codes.SELL if lots > 0 else codes.BUY)  # fmt: skip
            draft.row["quantity_lots"] = abs(lots)
            self._send(draft.order(self._next_order))
        if held_lots(self.engine, number):
            return
        self._advance(number, self.engine.markets()["mark_ticks"].tolist())
        if self._owed.get(number, 0) > 0:
            self._repay(number)
        lost = self._owed.pop(number, 0)
        del self.calls[number]
        if lost > 0:
            self._lost[number] = self._lost.get(number, 0) + lost
            self._say("broker_loss", "nothing is left to pay it", number, amount=lost)

    def _best(self, place: int) -> tuple[int, int]:
        """Best bid and ask in ticks; 0 where there is none."""
        orders = self.engine.orders()
        orders = orders[orders["instrument"] == place]
        bids = orders["price_ticks"][orders["side"] == codes.BUY]
        asks = orders["price_ticks"][orders["side"] == codes.SELL]
        return int(bids.max(initial=0)), int(asks.min()) if len(asks) else 0

    def _say(
        self, kind: str, reason: str, number: int | None = None, *, symbol: str | None = None,
        amount: int | None = None, price: Decimal | None = None, until_ns: int | None = None,
    ) -> None:  # fmt: skip
        self.notices.append(Notice(
            self.now_ns, len(self._journal), kind, reason,
            None if number is None else self._reader.account(number), symbol,
            None if amount is None else cash(amount), price, until_ns,
        ))  # fmt: skip
