"""A futures exchange with its clearing house and brokers: settlement, margin calls, limits.

Nobody is liquidated by the venue. At each settlement all profits and losses are paid in cash;
who is below the maintenance margin is called up to the initial margin; who does not pay in time
is closed by the broker in the book, as far as book, limits and halts allow. What a customer
cannot pay the broker pays, and loses if it never comes back. So the mark is always the last
settlement price, and no equity at the engine is ever below 0 when a mark arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.venues import rulebook
from undertow.venues.clearing_broker import Brokered
from undertow.venues.clearing_rules import split_given
from undertow.venues.commands import Draft, Number, moment
from undertow.venues.engine import Records
from undertow.venues.events import Event
from undertow.venues.exchange_collateral import Collateral
from undertow.venues.exchange_rules import Terms, terms
from undertow.venues.price_limits import PriceLimits, settlement_ticks

# What there is not at a clearing house, and why.
FOREIGN = {
    codes.MARK: "the settlement price is the only mark: use settle",
    codes.FUNDING: "dated contracts pay no funding",
    codes.SET_LEVERAGE: "margin is a rate that the clearing house sets",
    codes.SET_MARGIN_MODE: "all margin of an account is one",
    codes.ADJUST_MARGIN: "all margin of an account is one",
    codes.SET_POSITION_MODE: "an account is long or short, not both",
    codes.SET_ACCOUNT_MODE: "all margin of an account is one",
    codes.CLAW_BACK: "what a member cannot pay, its broker does",
    codes.ASSET_PRICE: "margin is cash",
}
_ORDERS = (codes.LIMIT, codes.MARKET, codes.CONDITIONAL, codes.AMEND)


class Clearing(Brokered):
    """A venue on rules with daily settlement; see `Venue` for trading, `open` to begin.

    ``notices`` has what the clearing house and the brokers said, ``calls`` the open margin calls.
    """

    def __init__(
        self, made: Terms, accounts: int | Sequence[str], engine: str,
        given: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(made, accounts, engine, given)
        self._limits = [PriceLimits(self.rates.limits) for _ in made.listings]
        self._trades: list[deque[tuple[int, int, int]]] = [deque() for _ in made.listings]
        self._reached: deque[tuple[int, int]] = deque()
        self._expired: set[int] = set()

    @staticmethod
    def open(
        rules: str | rulebook.Rules,
        symbols: str | Sequence[str],
        *,
        accounts: int | Sequence[str],
        lots: Mapping[str, str] | None = None,
        assume: Mapping[str, Any] | None = None,
        collateral: Sequence[Collateral] = (),
        engine: str = "kernel",
    ) -> Clearing:
        """A new futures exchange, as `Venue.open`; it needs a first settlement price to trade.

        Parameters
        ----------
        assume
            Besides the keys of the rules, ``clearing.call_hours``: the time to meet a call.

        Raises
        ------
        UndertowError
            As `Venue.open`; for rules without daily settlement; for collateral beside cash.
        """
        if collateral:
            raise UndertowError("collateral: a broker takes cash only")
        own, others = split_given(assume or {})
        dated = rulebook.load(rules) if isinstance(rules, str) else rules
        return Clearing(terms(dated, symbols, lots=lots, assume=others), accounts, engine, own)

    # What people ask

    def limits(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest price that an order may have now, if there is a limit."""
        place = self._place(symbol)
        bounds, tick = self._limits[place].bounds(), self.terms.listings[place].tick
        return None if bounds is None else (bounds[0] * tick, bounds[1] * tick)

    def settlement_price(self, symbol: str) -> Decimal:
        """The price of a settlement now, from the trades of a window that ends now, or the book.

        Raises
        ------
        UndertowError
            Where the rules name no window, and where there has been neither price nor order.
        """
        place, window_ns = self._place(symbol), self.rates.window_ns
        if window_ns == 0:
            raise UndertowError(f"{symbol}: the rules name no window for settlements; give a price")
        since_ns = self.now_ns - window_ns
        found = settlement_ticks(
            [(price, lots) for ts_ns, price, lots in self._trades[place] if ts_ns >= since_ns],
            *self._best(place), int(self.engine.markets()["last_ticks"][place]),
            self._limits[place].settlement_ticks,
        )  # fmt: skip
        if found == 0:
            raise UndertowError(f"{symbol}: neither trades nor orders yet; give a price")
        return found * self.terms.listings[place].tick

    # What the clearing house does

    def settle(
        self, symbol: str, price: Number | None = None, *, closes: bool = False,
        intraday: bool = False,
    ) -> list[Event]:  # fmt: skip
        """Pay all profits since the last settlement, then call who is short of margin.

        ``amount = (price - last price) * size of the contract * contracts``, less what a trade
        since then was away from the last price.

        Parameters
        ----------
        price
            In the quote, on the tick; without it, `settlement_price`.
        closes
            The final settlement: all positions end, and the contract with them.
        intraday
            Price limits still count from the settlement before.

        Raises
        ------
        UndertowError
            For an expired contract, and without a price where none can be found.
        """
        place = self.symbols.get(symbol, -1)
        if place in self._expired:
            raise UndertowError(f"{symbol} has expired")
        first = len(self._journal)
        wanted = self.settlement_price(symbol) if price is None and place >= 0 else price or 0
        flags = codes.CLOSE_POSITION if closes else 0
        draft = self._draft(codes.SETTLE, None, symbol, flags=flags).price(wanted)
        told = self._send(draft)
        if any(event.kind == "rejected" for event in told):
            return told
        ticks = int(draft.row["price_ticks"][0])
        marks = self.engine.markets()["mark_ticks"].tolist()
        marks[place] = ticks
        self._advance_all(marks)
        if closes:
            self._expired.add(place)
        else:
            self._send(self._draft(codes.MARK, None, symbol).price(wanted))
        self._say("delivered" if closes else "settled", "intraday" if intraday else "",
                  symbol=symbol, price=ticks * self.terms.listings[place].tick)  # fmt: skip
        if not intraday:
            self._new_limits(place, ticks)
        self._call_customers(marks)
        self._follow()
        return self.events(first)

    def deliver(self, symbol: str, price: Number) -> list[Event]:
        """The final settlement in cash, at the reference rate brought to the tick."""
        return self.settle(symbol, self.rounded(symbol, price), closes=True)

    def pass_time(self, until: Any) -> list[Event]:
        """Let time pass; halts end and deadlines come at their own moments."""
        first, until_ns = len(self._journal), moment("until", until)
        while (due_ns := self._next_due_ns()) is not None and due_ns <= until_ns:
            super().pass_time(max(due_ns, self.now_ns))
        super().pass_time(until_ns)
        return self.events(first)

    def apply(self, commands: Records) -> Records:
        """Many commands at once, as `Venue.apply`.

        The engine's own checks hold, but the present limit and the broker's margin do not; what
        the clearing house does about them follows after the last of them.

        Raises
        ------
        UndertowError
            For rows of another kind, and for commands that are the clearing house's own.
        """
        barred = [*FOREIGN, codes.SETTLE, codes.HALT]
        if commands.dtype.names and "kind" in commands.dtype.names:
            found = np.isin(commands["kind"], barred)
            if found.any():
                raise UndertowError(f"commands: row {int(found.argmax())} is for settle or halt")
        rows = super().apply(commands)
        self._follow()
        return rows

    # How it is done

    def _do(self, draft: Draft) -> list[Event]:
        kind, place = int(draft.row["kind"][0]), int(draft.row["instrument"][0])
        if kind in FOREIGN:
            raise UndertowError(f"{self.terms.dated.venue}: {FOREIGN[kind]}")
        if kind == codes.HALT and place in self._expired:
            raise UndertowError(f"{self.terms.listings[place].symbol} has expired")
        if draft.reason == codes.NO_REASON:
            self._check(draft)
        told = super()._do(draft)
        if kind == codes.HALT and place >= 0:
            self._limits[place].resumes_ns = None
        since = len(self._journal)
        self._follow()
        return told + self.events(since) if len(self._journal) > since else told

    def _apply(self, commands: Records) -> tuple[Records, Records]:
        rows, ts_ns = super()._apply(commands)
        self._note_changes(rows)
        is_seen = np.isin(rows["kind"], (codes.FILL, codes.ACCEPTED, codes.AMENDED))
        for index in is_seen.nonzero()[0]:
            row = rows[index]
            place, ticks = int(row["instrument"]), int(row["price_ticks"])
            if row["kind"] == codes.FILL:
                trades = self._trades[place]
                trades.append((int(ts_ns[index]), ticks, int(row["quantity_lots"])))
                while trades[0][0] < int(ts_ns[index]) - self.rates.window_ns:
                    trades.popleft()
                at_limit = self._limits[place].is_reached(ticks)
            else:
                at_limit = ticks > 0 and self._limits[place].is_reached(ticks, int(row["side"]))
                at_limit = at_limit and self._rests(row)
            if at_limit:
                self._reached.append((place, ticks))
        return rows, ts_ns

    def _rests(self, row: Any) -> bool:
        mine = self.engine.orders(int(row["account"]))
        return bool((mine["order_id"] == row["order_id"]).any())

    def _check(self, draft: Draft) -> None:
        """What a broker refuses before an order reaches the book, and money that must stay."""
        row = draft.row[0]
        kind, number, place = int(row["kind"]), int(row["account"]), int(row["instrument"])
        if kind == codes.WITHDRAW and number >= codes.FIRST_CUSTOMER:
            spare = self._equity(number) - self._margin(number, initial=True, orders=True)
            if row["amount"] > max(0, spare):
                draft.refuse(codes.INSUFFICIENT_BALANCE)
        market = self.engine.markets()[place] if place >= 0 else None
        if kind not in _ORDERS or market is None or market["halted"] or not market["mark_ticks"]:
            return
        price = int(row["price_ticks"])
        if price > 0 and not self._limits[place].allows(price):
            draft.refuse(codes.OUTSIDE_PRICE_BAND)
        if kind == codes.CONDITIONAL:
            if not row["flags"] & codes.ON_LAST:
                draft.refuse(codes.BAD_TRIGGER)
            return
        if row["flags"] & codes.REDUCE_ONLY or row["quantity_lots"] <= 0:
            return
        if number >= codes.FIRST_CUSTOMER:
            before = self._margin(number, initial=True, orders=True)
            needs = self._margin(number, initial=True, orders=True, entered=row)
            if needs > before and needs > self._equity(number):
                draft.refuse(codes.INSUFFICIENT_MARGIN)

    def _follow(self) -> None:
        """All that is due now: halts, their ends, calls that are met or missed, forced closing."""
        while True:
            while self._reached:
                self._stop(*self._reached.popleft())
            for place, limits in enumerate(self._limits):
                if limits.resumes_ns is not None and limits.resumes_ns <= self.now_ns:
                    self._resume(place)
            self._look_at_calls()
            if not self._reached:
                return

    def _next_due_ns(self) -> int | None:
        moments = [limits.resumes_ns for limits in self._limits if limits.resumes_ns is not None]
        moments += [call.deadline_ns for call in self.calls.values() if not call.missed]
        return min(moments, default=None)

    def _stop(self, place: int, ticks: int) -> None:
        """A limit was reached: stop for a while, or, at the last one, only say so."""
        limits = self._limits[place]
        if limits.resumes_ns is not None or limits.locked or not limits.is_reached(ticks):
            return
        symbol = self.terms.listings[place].symbol
        share = f"{float(limits.rates[limits.level] * 100):g}% from the settlement"
        self._say("limit_hit", share, symbol=symbol, price=ticks * self.terms.listings[place].tick)
        if limits.is_last:
            limits.locked = True
            return
        limits.level += 1
        self._send(self._draft(codes.HALT, None, symbol, amount=1))
        limits.resumes_ns = self.now_ns + self.rates.pause_ns
        self._say("halted", "limit reached", symbol=symbol, until_ns=limits.resumes_ns)

    def _resume(self, place: int) -> None:
        self._limits[place].resumes_ns = None
        if place in self._expired:
            return
        symbol = self.terms.listings[place].symbol
        self._send(self._draft(codes.HALT, None, symbol, amount=0))
        self._say("resumed", "the halt is over", symbol=symbol)

    def _new_limits(self, place: int, ticks: int) -> None:
        """Count limits from a settlement; orders that rest beyond the new ones leave."""
        limits = self._limits[place]
        limits.settle(ticks)
        for order in [*self.engine.orders(), *self.engine.waiting()]:
            price = int(order["price_ticks"])  # 0 for what becomes a market order
            if order["instrument"] == place and price > 0 and not limits.allows(price):
                self._send(self._draft(codes.CANCEL, int(order["account"]))
                            .order(int(order["order_id"])))  # fmt: skip
