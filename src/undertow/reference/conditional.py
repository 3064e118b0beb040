"""Orders that wait for a price: stops, take-profits, trailing stops.

Prices are looked at between commands. In one instrument the orders that fire are, at each step,
the first of: those that wait for a fall of the mark, a rise of it, a fall of the last price, a
rise of it; of those that wait for a fall the highest trigger first, for a rise the lowest; at one
trigger the order that came first. A fired order is entered like any other and may be refused.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.book import Order
from undertow.reference.contract import MILLION, ceil_div
from undertow.reference.exchange import Command, Event, Exchange, Waiting
from undertow.reference.trading import about, bad_words, closable, enter, is_open, rejection

GROUPS = ((0, True), (0, False), (codes.ON_LAST, True), (codes.ON_LAST, False))


def wait(venue: Exchange, command: Command) -> None:
    """Take a conditional order, if its words make sense; its margin is checked when it fires."""
    reason = refusal(venue, command)
    if reason != NO_REASON:
        venue.write(rejection(command, reason))
        return
    trigger = command.trigger_ticks
    waiting = Waiting(command, venue.next_waiting, trigger)
    venue.next_waiting += 1
    if command.trigger == codes.TRAILING:
        waiting.active = trigger == 0
        waiting.extreme_ticks = price_of(venue, command)
        follow(venue, waiting)
    venue.waiting[command.order_id] = waiting
    venue.write(Event(
        codes.ACCEPTED, NO_REASON, command.side, command.leg, command.instrument, command.account,
        command.order_id, command.price_ticks, command.quantity_lots, command.quantity_lots,
    ))  # fmt: skip
    venue.touched.add(command.instrument)


def refusal(venue: Exchange, command: Command) -> int:
    """Why a conditional order is not taken."""
    is_market = command.price_ticks == 0
    kind = codes.MARKET if is_market else codes.LIMIT
    reason = bad_words(venue, command._replace(kind=kind))
    if reason != NO_REASON:
        return reason
    contract = venue.markets[command.instrument].contract
    closes = bool(command.flags & codes.CLOSE_POSITION)
    trailing = command.trigger == codes.TRAILING
    lowest_trigger = 0 if trailing else 1
    for is_wrong, reason in (
        (command.order_id <= 0, codes.ORDER_ID_NOT_POSITIVE),
        (is_open(venue, command.order_id), codes.DUPLICATE_ORDER),
        (command.trigger not in (1, 2, 3), codes.BAD_TRIGGER),
        (trailing and not 0 < command.amount < MILLION, codes.BAD_TRIGGER),
        (command.trigger_ticks < lowest_trigger, codes.BAD_TRIGGER),
        (command.trigger_ticks > contract.max_price_ticks, codes.BAD_TRIGGER),
        (closes and (not is_market or command.quantity_lots != 0), codes.BAD_TRIGGER),
        (command.price_ticks < 0, codes.PRICE_NOT_POSITIVE),
        (command.price_ticks > contract.max_price_ticks, codes.PRICE_TOO_LARGE),
        (not closes and command.quantity_lots <= 0, codes.QUANTITY_NOT_POSITIVE),
        (not closes and command.quantity_lots > contract.max_lots, codes.ABOVE_MAX_QUANTITY),
        (price_of(venue, command) == 0, codes.NO_MARK),
    ):
        if is_wrong:
            return reason
    if not trailing and is_reached(venue, command, command.trigger_ticks):
        return codes.WOULD_TRIGGER_AT_ONCE
    return NO_REASON


def price_of(venue: Exchange, command: Command) -> int:
    """The price that an order waits for; 0 before the first."""
    market = venue.markets[command.instrument]
    return market.last_ticks if command.flags & codes.ON_LAST else market.mark_ticks


def waits_for_a_fall(command: Command) -> bool:
    """A stop sells when the price falls and buys when it rises; a take-profit the other way."""
    return (command.side == codes.SELL) is (command.trigger != codes.TAKE_PROFIT)


def is_reached(venue: Exchange, command: Command, trigger_ticks: int) -> bool:
    """Whether the price is at the trigger or beyond; false before the first price."""
    price = price_of(venue, command)
    if price == 0:
        return False
    return price <= trigger_ticks if waits_for_a_fall(command) else price >= trigger_ticks


def follow(venue: Exchange, waiting: Waiting) -> None:
    """Let a trailing order start, and its trigger follow the best price since."""
    command, price = waiting.command, price_of(venue, waiting.command)
    sells = command.side == codes.SELL
    if not waiting.active:
        started = price >= command.trigger_ticks if sells else price <= command.trigger_ticks
        if not started or price == 0:
            return
        waiting.active, waiting.extreme_ticks = True, price
    if sells:
        waiting.extreme_ticks = max(waiting.extreme_ticks, price)
        waiting.trigger_ticks = waiting.extreme_ticks * (MILLION - command.amount) // MILLION
    else:
        waiting.extreme_ticks = min(waiting.extreme_ticks, price)
        up = ceil_div(waiting.extreme_ticks * (MILLION + command.amount), MILLION)
        waiting.trigger_ticks = up


def fire(venue: Exchange) -> None:
    """Set off what the prices of this command have reached, instrument by instrument."""
    fired = 0
    while venue.touched:
        instrument = min(venue.touched)
        if venue.markets[instrument].halted:  # touched again when trading goes on
            venue.touched.discard(instrument)
            continue
        for waiting in list(venue.waiting.values()):
            command = waiting.command
            if command.instrument == instrument and command.trigger == codes.TRAILING:
                follow(venue, waiting)
        first = next_to_fire(venue, instrument)
        if first is None:
            venue.touched.discard(instrument)
            continue
        if fired == codes.MOST_TRIGGERS:
            venue.write(Event(codes.BOUND_REACHED, NO_REASON, 0, 0, instrument, 0, 0, 0, fired))
            return
        fired += 1
        set_off(venue, first)


def next_to_fire(venue: Exchange, instrument: int) -> Waiting | None:
    """The order that fires first, if any does."""
    for on_last, falls in GROUPS:
        ready = [
            waiting
            for waiting in venue.waiting.values()
            if waiting.command.instrument == instrument
            and waiting.active
            and waiting.command.flags & codes.ON_LAST == on_last
            and waits_for_a_fall(waiting.command) is falls
            and is_reached(venue, waiting.command, waiting.trigger_ticks)
        ]
        sign = -1 if falls else 1
        if ready:
            return min(ready, key=lambda one: (sign * one.trigger_ticks, one.sequence))
    return None


def set_off(venue: Exchange, waiting: Waiting) -> None:
    """Turn a conditional order into an order, and enter it."""
    command = waiting.command
    del venue.waiting[command.order_id]
    lots, flags = command.quantity_lots, command.flags & codes.REDUCE_ONLY
    if command.flags & codes.CLOSE_POSITION:
        held = venue.position(command.account, command.instrument, command.leg)
        lots, flags = closable(held, command.side), codes.REDUCE_ONLY
    kind = codes.MARKET if command.price_ticks == 0 else codes.LIMIT
    venue.write(Event(
        codes.TRIGGERED, NO_REASON, command.side, command.leg, command.instrument, command.account,
        command.order_id, waiting.trigger_ticks, lots,
    ))  # fmt: skip
    order = command._replace(kind=kind, flags=flags, quantity_lots=lots)
    if command.flags & codes.CLOSE_POSITION and lots <= 0:
        left = Order(
            command.order_id, command.account, command.side, 0, 0, 0, False, 0, leg=command.leg
        )
        venue.write(about(codes.CANCELLED, codes.NOTHING_TO_CLOSE, left, command, 0, 0))
        return
    enter(venue, order)


def drop(venue: Exchange, waiting: Waiting, reason: int) -> None:
    """Cancel a conditional order."""
    command = waiting.command
    del venue.waiting[command.order_id]
    venue.write(Event(
        codes.CANCELLED, reason, command.side, command.leg, command.instrument, command.account,
        command.order_id, command.price_ticks, command.quantity_lots,
    ))  # fmt: skip
