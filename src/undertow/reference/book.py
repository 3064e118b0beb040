"""What the order book does, in ints, dicts and lists. Slow, and the judge of ``kernels/book.py``.

Commands go in, events come out. Price first, then time. The book knows only open orders: a closed
order's id may be used again, and history is the venue's. The venue also checks ticks, lots, least
sizes, price bands and reduce-only, and holds stop orders until they trigger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from undertow.model import codes


class Command(NamedTuple):
    """What an account, or time (`EXPIRE`), wants.

    ``quantity_lots`` of an amendment is what shall be open afterwards. ``expire_ns`` is 0 for an
    order without end, and the present for `EXPIRE`.
    """

    kind: int
    side: int = codes.BUY
    time_in_force: int = codes.GTC
    self_trade: int = codes.SELF_TRADE_ALLOWED
    account: int = 0
    order_id: int = 0
    price_ticks: int = 0
    quantity_lots: int = 0
    expire_ns: int = 0


class Event(NamedTuple):
    """What came of it: of a fill both orders, else the one order; a market order's price is 0."""

    kind: int
    reason: int
    side: int
    account: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    leaves_lots: int = 0
    maker_account: int = 0
    maker_id: int = 0
    maker_leaves_lots: int = 0


@dataclass
class Order:
    """An order that rests."""

    order_id: int
    account: int
    side: int
    price_ticks: int
    open_lots: int
    expire_ns: int
    post_only: bool
    sequence: int
    reduce_only: bool = False  # these two are the venue's
    leg: int = codes.ONE_WAY


@dataclass
class Book:
    """One instrument's open orders, for the accounts 0 to ``accounts - 1``."""

    accounts: int
    amend_keeps_priority: bool = True
    now_ns: int = 0
    next_sequence: int = 0
    orders: dict[int, Order] = field(default_factory=dict)  # the newest last

    def apply(self, command: Command) -> list[Event]:
        """Carry out one command."""
        if command.kind in (codes.LIMIT, codes.MARKET):
            return self.enter(command)
        if command.kind == codes.CANCEL:
            return self.cancel(command)
        if command.kind == codes.AMEND:
            return self.amend(command)
        if command.kind == codes.CANCEL_ALL:
            return self.cancel_all(command)
        if command.kind == codes.EXPIRE:
            return self.expire(command)
        return [rejection(command, codes.UNKNOWN_COMMAND)]

    def resting(self, side: int) -> list[Order]:
        """The open orders of a side, those that are filled first in front."""
        sign = -1 if side == codes.BUY else 1
        mine = (order for order in self.orders.values() if order.side == side)
        return sorted(mine, key=lambda order: (sign * order.price_ticks, order.sequence))

    def depth_lots(self, side: int, worst_price_ticks: int) -> int:
        """Lots that rest on a side from its best price up to and with the worst."""
        return sum(
            order.open_lots
            for order in self.orders.values()
            if order.side == side and not is_worse(side, order.price_ticks, worst_price_ticks)
        )

    def enter(self, command: Command) -> list[Event]:
        """A new limit or market order."""
        reason = self.refusal(command)
        is_market = command.kind == codes.MARKET
        price = command.price_ticks
        if is_market:
            price = codes.MOST_PRICE_TICKS if command.side == codes.BUY else 0
        if reason == codes.NO_REASON and command.time_in_force == codes.POST_ONLY:
            reason = self.would_take(command.side, price)
        if reason != codes.NO_REASON:
            return [rejection(command, reason)]
        quantity = command.quantity_lots
        taker = Order(
            command.order_id, command.account, command.side, price, quantity, command.expire_ns,
            command.time_in_force == codes.POST_ONLY, 0,
        )  # fmt: skip
        shown = 0 if is_market else price
        events = [about(codes.ACCEPTED, codes.NO_REASON, taker, shown, leaves=quantity)]
        if command.time_in_force == codes.FOK and not self.could_fill(taker, command.self_trade):
            return [*events, about(codes.CANCELLED, codes.FOK_UNFILLED, taker, shown)]
        reason = self.match(taker, command.self_trade, events)
        if taker.open_lots == 0:
            return events
        if reason == codes.NO_REASON and is_market:
            reason = codes.NO_LIQUIDITY
        elif reason == codes.NO_REASON and command.time_in_force == codes.IOC:
            reason = codes.IOC_REMAINDER
        if reason == codes.NO_REASON:
            self.rest(taker)
            return events
        return [*events, about(codes.CANCELLED, reason, taker, shown)]

    def refusal(self, command: Command) -> int:
        """Why a new order is not taken, whatever rests on the other side."""
        is_market = command.kind == codes.MARKET
        forces = (codes.GTC, codes.IOC, codes.FOK) + (() if is_market else (codes.POST_ONLY,))
        modes = range(codes.SELF_TRADE_ALLOWED, codes.CANCEL_BOTH + 1)
        present = command.expire_ns != 0 and command.expire_ns <= self.now_ns
        for is_wrong, reason in (
            (command.side not in (codes.BUY, codes.SELL), codes.BAD_SIDE),
            (command.time_in_force not in forces, codes.BAD_TIME_IN_FORCE),
            (command.self_trade not in modes, codes.BAD_SELF_TRADE_MODE),
            (command.account not in range(self.accounts), codes.UNKNOWN_ACCOUNT),
            (command.order_id <= 0, codes.ORDER_ID_NOT_POSITIVE),
            (command.order_id in self.orders, codes.DUPLICATE_ORDER),
            (present, codes.ALREADY_EXPIRED),
        ):
            if is_wrong:
                return reason
        price = 1 if is_market else command.price_ticks
        return self.bad_size(command.side, price, command.quantity_lots, 0)

    def bad_size(self, side: int, price_ticks: int, lots: int, instead_of_lots: int) -> int:
        """Why a price or quantity is not taken; lots that the order replaces do not count."""
        resting = sum(order.open_lots for order in self.orders.values() if order.side == side)
        for is_wrong, reason in (
            (price_ticks <= 0, codes.PRICE_NOT_POSITIVE),
            (price_ticks > codes.MOST_PRICE_TICKS, codes.PRICE_TOO_LARGE),
            (lots <= 0, codes.QUANTITY_NOT_POSITIVE),
            (resting - instead_of_lots + lots > codes.MOST_SIDE_LOTS, codes.QUANTITY_TOO_LARGE),
        ):
            if is_wrong:
                return reason
        return codes.NO_REASON

    def would_take(self, side: int, price_ticks: int) -> int:
        """Why a post-only order at this price is not taken."""
        others = self.resting(1 - side)
        if others and not is_worse(1 - side, others[0].price_ticks, price_ticks):
            return codes.POST_ONLY_WOULD_TAKE
        return codes.NO_REASON

    def could_fill(self, taker: Order, self_trade: int) -> bool:
        """Whether an order would be filled whole; those of its account count only if allowed."""
        lots = 0
        for maker in self.resting(1 - taker.side):
            if lots >= taker.open_lots or is_worse(
                maker.side, maker.price_ticks, taker.price_ticks
            ):
                break
            if maker.account != taker.account or self_trade == codes.SELF_TRADE_ALLOWED:
                lots += maker.open_lots
            elif self_trade in (codes.CANCEL_NEWEST, codes.CANCEL_BOTH):
                break
        return lots >= taker.open_lots

    def match(self, taker: Order, self_trade: int, events: list[Event]) -> int:
        """Fill an order as far as its price allows; the reason if self-trade prevention ends it."""
        for maker in self.resting(1 - taker.side):
            if taker.open_lots == 0 or is_worse(maker.side, maker.price_ticks, taker.price_ticks):
                break
            if maker.account == taker.account and self_trade != codes.SELF_TRADE_ALLOWED:
                if self_trade in (codes.CANCEL_OLDEST, codes.CANCEL_BOTH):
                    events.append(self.remove(maker, codes.CANCELLED, codes.SELF_TRADE))
                if self_trade in (codes.CANCEL_NEWEST, codes.CANCEL_BOTH):
                    return codes.SELF_TRADE
                continue
            lots = min(taker.open_lots, maker.open_lots)
            taker.open_lots -= lots
            maker.open_lots -= lots
            fill = Event(
                codes.FILL, codes.NO_REASON, taker.side, taker.account, taker.order_id,
                maker.price_ticks, lots, taker.open_lots, maker.account, maker.order_id,
                maker.open_lots,
            )  # fmt: skip
            events.append(fill)
            if maker.open_lots == 0:
                del self.orders[maker.order_id]
        return codes.NO_REASON

    def rest(self, order: Order) -> None:
        """Put an order behind all others of its price."""
        order.sequence = self.next_sequence
        self.next_sequence += 1
        self.orders[order.order_id] = order

    def remove(self, order: Order, kind: int, reason: int) -> Event:
        """Take an order out, and say so."""
        del self.orders[order.order_id]
        return about(kind, reason, order, order.price_ticks)

    def cancel(self, command: Command) -> list[Event]:
        """Cancel one order of the account."""
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [rejection(command, codes.UNKNOWN_ORDER)]
        return [self.remove(order, codes.CANCELLED, codes.BY_REQUEST)]

    def cancel_all(self, command: Command) -> list[Event]:
        """Cancel all orders of an account, the one that entered last first."""
        if command.account not in range(self.accounts):
            return [rejection(command, codes.UNKNOWN_ACCOUNT)]
        mine = [order for order in self.orders.values() if order.account == command.account]
        return [self.remove(order, codes.CANCELLED, codes.BY_CANCEL_ALL) for order in mine[::-1]]

    def amend(self, command: Command) -> list[Event]:
        """Give an order of the account a new price and a new open quantity.

        It keeps its place only if the price stays, the quantity does not grow and the venue's rule
        allows it; otherwise it enters anew, behind the others, and may be filled.
        """
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [rejection(command, codes.UNKNOWN_ORDER)]
        if command.self_trade not in range(codes.CANCEL_BOTH + 1):
            return [rejection(command, codes.BAD_SELF_TRADE_MODE)]
        price, lots = command.price_ticks, command.quantity_lots
        reason = self.bad_size(order.side, price, lots, order.open_lots)
        if reason == codes.NO_REASON and order.post_only:
            reason = self.would_take(order.side, price)
        if reason != codes.NO_REASON:
            return [rejection(command, reason)]
        keeps = price == order.price_ticks and lots <= order.open_lots
        order.price_ticks, order.open_lots = price, lots
        events = [about(codes.AMENDED, codes.NO_REASON, order, price, leaves=lots)]
        if keeps and self.amend_keeps_priority:
            return events
        del self.orders[order.order_id]
        reason = self.match(order, command.self_trade, events)
        if reason != codes.NO_REASON:
            events.append(about(codes.CANCELLED, reason, order, price))
        elif order.open_lots > 0:
            self.rest(order)
        return events

    def expire(self, command: Command) -> list[Event]:
        """Let time pass: orders whose end has come leave, the earliest first."""
        self.now_ns = max(self.now_ns, command.expire_ns)
        due = [order for order in self.orders.values() if 0 < order.expire_ns <= self.now_ns]
        due.sort(key=lambda order: (order.expire_ns, order.sequence))
        return [self.remove(order, codes.EXPIRED, codes.GOOD_TILL_DATE) for order in due]


def is_worse(side: int, price_ticks: int, limit_ticks: int) -> bool:
    """Whether a resting price of a side lies beyond the worst that a taker accepts."""
    return price_ticks < limit_ticks if side == codes.BUY else price_ticks > limit_ticks


def rejection(command: Command, reason: int) -> Event:
    """A refused command with its own numbers."""
    return Event(
        codes.REJECTED, reason, command.side, command.account, command.order_id,
        command.price_ticks, command.quantity_lots,
    )  # fmt: skip


def about(kind: int, reason: int, order: Order, price_ticks: int, *, leaves: int = 0) -> Event:
    """An event about all that is open of one order."""
    return Event(
        kind, reason, order.side, order.account, order.order_id, price_ticks, order.open_lots,
        leaves,
    )  # fmt: skip
