"""Changing an order that rests: a new price and a new open quantity."""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.book import Order
from undertow.reference.exchange import Command, Exchange
from undertow.reference.trading import (
    about,
    bad_size,
    closable,
    finish,
    is_past_bankruptcy,
    lacks_margin,
    only_reduces,
    rejection,
    reserve,
)


def amend(venue: Exchange, command: Command) -> None:
    """Give an order of the account a new price and a new open quantity.

    It keeps its place only if the price stays, the quantity does not grow and the venue's rule
    allows it; otherwise it enters anew, behind the others, and may be filled. The checks are those
    of a new order; what the order reserved counts as free. To ask for less needs no margin.
    """
    found = find(venue, command)
    if found is None:
        venue.write(rejection(command, codes.UNKNOWN_ORDER))
        return
    instrument, order = found
    market = venue.markets[instrument]
    reserve(venue, instrument, order, -order.open_lots)
    as_new = command._replace(
        kind=codes.LIMIT, instrument=instrument, side=order.side, leg=order.leg
    )
    reason = refusal(venue, as_new, order)
    if reason != NO_REASON:
        reserve(venue, instrument, order, order.open_lots)
        venue.write(rejection(command, reason))
        return
    price, lots = command.price_ticks, command.quantity_lots
    keeps = price == order.price_ticks and lots <= order.open_lots
    order.price_ticks, order.open_lots = price, lots
    venue.write(about(codes.AMENDED, NO_REASON, order, as_new, price, lots))
    if keeps and venue.rules.amend_keeps_priority:
        reserve(venue, instrument, order, lots)
        return
    del market.book.orders[order.order_id]
    finish(venue, as_new._replace(time_in_force=codes.GTC), order, price)


def find(venue: Exchange, command: Command) -> tuple[int, Order] | None:
    """The account's resting order with this id, and its instrument."""
    for instrument, market in enumerate(venue.markets):
        order = market.book.orders.get(command.order_id)
        if order is not None and order.account == command.account:
            return instrument, order
    return None


def refusal(venue: Exchange, command: Command, order: Order) -> int:
    """Why an order may not be changed so."""
    market = venue.markets[command.instrument]
    price, lots = command.price_ticks, command.quantity_lots
    reduces = only_reduces(order)
    if market.halted:
        return codes.HALTED
    if command.self_trade not in range(codes.CANCEL_BOTH + 1):
        return codes.BAD_SELF_TRADE_MODE
    reason = bad_size(market, order.side, price, lots, reduces, is_market=False)
    if reason != NO_REASON:
        return reason
    held = venue.position(order.account, command.instrument, order.leg)
    if reduces and lots + held.reduce_lots > closable(held, order.side):
        return codes.REDUCE_ONLY_WOULD_FLIP
    if is_past_bankruptcy(venue, held, order.side, price):
        return codes.PAST_BANKRUPTCY
    if order.post_only:
        reason = market.book.would_take(order.side, price)
    shrinks = price == order.price_ticks and lots <= order.open_lots
    if reason != NO_REASON or reduces or shrinks:
        return reason
    return lacks_margin(venue, command, price, lots)
