"""What people can tell an exchange, one command at a time, in words and decimals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.venues.commands import (
    ACCOUNT_MODES,
    FORCES,
    LEGS,
    MARGIN_MODES,
    NOBODY,
    ORDER_KINDS,
    POSITION_MODES,
    SELF_TRADE,
    SIDES,
    TRIGGER_PRICES,
    TRIGGERS,
    Draft,
    Number,
    moment,
    word,
)
from undertow.venues.engine import Engine
from undertow.venues.events import Event
from undertow.venues.exchange_rules import Terms

MILLION = 10**6
BILLION = 10**9


class Commands(ABC):
    """The commands of a venue; each returns the events that came of it.

    ``account`` is a number or a name, prices and quantities are text, Decimal or int; a float
    counts as the digits that Python prints for it. What the venue refuses is an event with a
    reason; an unknown word, or a number that is none, raises `UndertowError`.
    """

    terms: Terms
    engine: Engine
    numbers: Mapping[str, int]
    symbols: Mapping[str, int]
    count: int
    _next_order: int = 1

    @abstractmethod
    def _do(self, draft: Draft) -> list[Event]:
        """Carry out a command, or write down why not."""

    def _draft(
        self, kind: int, account: int | str | None, symbol: str | None = None, **fields: int
    ) -> Draft:
        draft = Draft(kind, self.terms.listings, **fields)
        if symbol is not None:
            draft.at(symbol, self.symbols)
        if account is None:
            draft.row["account"] = NOBODY
            return draft
        return draft.of(account, self.numbers, self.count)

    # Money

    def deposit(
        self, account: int | str, amount: Number, *, asset: str | None = None
    ) -> list[Event]:
        """Bring money in, or another asset that is collateral here.

        The venue's ``fund`` and ``vault`` are filled in the same way.
        """
        draft = self._draft(codes.DEPOSIT, account).asset(asset, self.terms.assets)
        return self._do(draft.amount("amount", amount))

    def withdraw(
        self, account: int | str, amount: Number, *, asset: str | None = None
    ) -> list[Event]:
        """Take out money that no position or order needs, and that is no unrealised profit.

        Of another asset, what no resting order has promised and no margin needs.
        """
        draft = self._draft(codes.WITHDRAW, account).asset(asset, self.terms.assets)
        return self._do(draft.amount("amount", amount))

    def adjust_margin(
        self, account: int | str, symbol: str, amount: Number, *, leg: str = "one_way"
    ) -> list[Event]:
        """Move money into an isolated position, or out of it (below 0)."""
        draft = self._draft(codes.ADJUST_MARGIN, account, symbol, leg=word("leg", leg, LEGS))
        return self._do(draft.amount("amount", amount))

    # Orders

    def order(
        self, account: int | str, symbol: str, side: str, quantity: Number = 0,
        price: Number | None = None, *, kind: str | None = None, time_in_force: str = "gtc",
        expires: Any = None, reduce_only: bool = False, close_position: bool = False,
        leg: str = "one_way", self_trade: str = "allowed", trigger: str | None = None,
        trigger_price: Number | None = None, trigger_on: str = "mark",
        trail: Number | None = None, order_id: int | None = None,
    ) -> list[Event]:  # fmt: skip
        """Enter an order; the first event has its ``order_id``.

        Parameters
        ----------
        side, quantity, price
            ``buy`` or ``sell``; contracts; a limit order's price in the quote.
        kind
            ``limit`` or ``market``; without it, limit if there is a price.
        time_in_force, expires
            ``gtc``, ``ioc``, ``fok`` or ``post_only``; the moment at which the order ends.
        reduce_only, close_position
            It may only close what is open; a triggered order for all that is open then.
        leg, self_trade
            ``long`` or ``short`` in hedge mode; what happens to an order that would meet one of
            the same account: ``allowed``, ``cancel_newest``, ``cancel_oldest``, ``cancel_both``.
        trigger, trigger_price, trigger_on, trail
            ``stop``, ``take_profit`` or ``trailing``; the price it waits for (of a trailing
            order: at which it starts) and whether this is the ``mark`` or the ``last`` price;
            how far a trailing order lies behind the best price, as a fraction.
        order_id
            A number that no open order has; else the venue takes the next one.

        Raises
        ------
        UndertowError
            For an unknown word, and for a number that is none.
        """
        kind = kind or ("market" if price is None else "limit")
        entered = word("kind", kind, ORDER_KINDS)
        if (entered == codes.MARKET) is not (price is None):
            raise UndertowError("kind: a limit order has a price, a market order has none")
        waits = (trigger_price, trail, close_position, trigger_on) != (None, None, False, "mark")
        if trigger is None and waits:
            raise UndertowError(
                "trigger: an order that waits for a price needs one of " + ", ".join(TRIGGERS)
            )
        flags = codes.REDUCE_ONLY * reduce_only + codes.CLOSE_POSITION * close_position
        if trigger is not None:
            entered = codes.CONDITIONAL
            flags += word("trigger_on", trigger_on, TRIGGER_PRICES)
        draft = self._draft(
            entered, account, symbol, side=word("side", side, SIDES), flags=flags,
            time_in_force=word("time_in_force", time_in_force, FORCES),
            self_trade=word("self_trade", self_trade, SELF_TRADE), leg=word("leg", leg, LEGS),
            trigger=0 if trigger is None else word("trigger", trigger, TRIGGERS),
            expire_ns=0 if expires is None else moment("expires", expires),
        )  # fmt: skip
        draft.order(self._next_order if order_id is None else order_id)
        draft.price(0 if price is None else price, is_order=True).quantity(quantity).within_size()
        if price is not None and draft.row["price_ticks"] == 0:
            draft.refuse(codes.PRICE_NOT_POSITIVE)  # 0 would make it a market order
        if trigger_price is not None:
            draft.price(trigger_price, "trigger_ticks", is_order=True)
        if trail is not None:
            draft.amount("trail", trail, MILLION, codes.BAD_TRIGGER)
        return self._do(draft)

    def amend(
        self, account: int | str, order_id: int, *, price: Number | None = None,
        quantity: Number | None = None, self_trade: str = "allowed",
    ) -> list[Event]:  # fmt: skip
        """Give a resting order a new price, or a new quantity that shall be open afterwards."""
        draft = self._draft(codes.AMEND, account).order(order_id)
        draft.row["self_trade"] = word("self_trade", self_trade, SELF_TRADE)
        mine = self.engine.orders(int(draft.row["account"][0]))
        for one in mine[mine["order_id"] == order_id]:
            symbol = self.terms.listings[one["instrument"]].symbol
            draft.at(symbol, self.symbols)
            draft.row["price_ticks"] = one["price_ticks"]
            draft.row["quantity_lots"] = one["quantity_lots"]
            if price is not None:
                draft.price(price, is_order=True)
            if quantity is not None:
                draft.quantity(quantity)
        return self._do(draft)

    def cancel(self, account: int | str, order_id: int) -> list[Event]:
        """Cancel an order that rests or waits."""
        return self._do(self._draft(codes.CANCEL, account).order(order_id))

    def cancel_all(self, account: int | str, symbol: str | None = None) -> list[Event]:
        """Cancel all orders of an account, in one instrument or in all."""
        return self._do(self._draft(codes.CANCEL_ALL, account, symbol))

    # Settings

    def set_leverage(self, account: int | str, symbol: str, leverage: int) -> list[Event]:
        """Change the leverage that initial margin is counted with: a whole number."""
        draft = self._draft(codes.SET_LEVERAGE, account, symbol)
        return self._do(draft.amount("leverage", leverage, 1))

    def set_margin_mode(self, account: int | str, symbol: str, mode: str) -> list[Event]:
        """Make an instrument ``cross`` or ``isolated`` for an account."""
        amount = word("mode", mode, MARGIN_MODES)
        return self._do(self._draft(codes.SET_MARGIN_MODE, account, symbol, amount=amount))

    def set_position_mode(self, account: int | str, mode: str) -> list[Event]:
        """Let an account hold a long and a short at once (``hedge``), or not (``one_way``)."""
        amount = word("mode", mode, POSITION_MODES)
        return self._do(self._draft(codes.SET_POSITION_MODE, account, amount=amount))

    def set_account_mode(self, account: int | str, mode: str) -> list[Event]:
        """Margin an account's positions one by one (``unified``) or by net risk (``portfolio``).

        Either way its cash and all collateral back all cross positions. Portfolio margin nets
        contracts and the collateral on the same underlying; only venues whose rules have it.
        """
        amount = word("mode", mode, ACCOUNT_MODES)
        return self._do(self._draft(codes.SET_ACCOUNT_MODE, account, amount=amount))

    # The venue's own commands

    def mark(self, symbol: str, price: Number) -> list[Event]:
        """A new mark price: what waits for it fires, then who lacks margin is liquidated.

        It must be on the tick: `rounded` brings it there.
        """
        return self._do(self._draft(codes.MARK, None, symbol).price(price))

    def asset_price(self, asset: str, price: Number) -> list[Event]:
        """A new price of collateral in money, from the source that it is named after.

        Then, as at a mark, who lacks margin is liquidated. Where the asset's price is that of its
        own book, the last trade there is taken instead, once there is one.
        """
        draft = self._draft(codes.ASSET_PRICE, None).asset(asset, self.terms.assets)
        return self._do(draft.amount("price", price))

    def pay_funding(self, symbol: str, rate: Number, price: Number) -> list[Event]:
        """Longs pay shorts ``rate`` (a fraction, in whole 10^-9) of their value at a price."""
        draft = self._draft(codes.FUNDING, None, symbol).price(price)
        return self._do(draft.amount("rate", rate, BILLION))

    def pass_time(self, until: Any) -> list[Event]:
        """Let time pass until a moment; what was good until then leaves. Time never falls."""
        return self._do(self._draft(codes.EXPIRE, None, expire_ns=moment("until", until)))

    def halt(self, symbol: str, *, halted: bool = True) -> list[Event]:
        """Stop trading in an instrument, or let it go on."""
        return self._do(self._draft(codes.HALT, None, symbol, amount=int(halted)))

    def claw_back(self) -> list[Event]:
        """End a period: bad debts are paid by the fund, then by those who realised profits in it.

        Only where the venue's rules say so (``insurance.shortfall``); until then deficits are bad
        debts, and profits may be margin but not leave. `settle` all contracts first where the
        venue does.
        """
        return self._do(self._draft(codes.CLAW_BACK, None))

    def settle(self, symbol: str, price: Number, *, closes: bool = False) -> list[Event]:
        """Pay all profits at a price, and count from there; ``closes`` ends the contract."""
        flags = codes.CLOSE_POSITION if closes else 0
        return self._do(self._draft(codes.SETTLE, None, symbol, flags=flags).price(price))
