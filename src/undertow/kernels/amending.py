"""Changing an order that rests: a new price and a new open quantity.

``reference/amending.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import lessen, slot_at, take_away
from undertow.kernels.book_orders import position_of as id_position
from undertow.kernels.compile import Records, inner, int64, part
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.filters import bad_size
from undertow.kernels.ledger import leg_key, position_at
from undertow.kernels.matching import order_price
from undertow.kernels.order_margin import lacks_margin
from undertow.kernels.trading import (
    closable,
    finish,
    is_past_bankruptcy,
    reject,
    reserve,
    would_take,
    write,
)
from undertow.model.codes import (
    AMENDED,
    BAD_SELF_TRADE_MODE,
    CANCEL_BOTH,
    GTC,
    HALTED,
    NO_REASON,
    PAST_BANKRUPTCY,
    POST_ONLY,
    POST_ONLY_WOULD_TAKE,
    REDUCE_ONLY_WOULD_FLIP,
    UNKNOWN_ORDER,
)


@inner
def amend(venue: Exchange, command: Records) -> None:
    """Give an order of the account a new price and a new open quantity."""
    stay_apart()
    order_id = command["order_id"]
    slot = NONE
    if order_id > 0:
        slot = slot_at(venue.book, id_position(venue.book, order_id))
    if slot == NONE or int64(venue.book.orders[slot]["account"]) != int64(command["account"]):
        reject(venue, command, UNKNOWN_ORDER)
        return
    order = venue.book.orders[slot]
    queue, tag, account = (
        int64(order["queue"]),
        int64(order["reduce_only"]),
        int64(order["account"]),
    )
    instrument, side, leg, reduces = queue >> 1, queue & 1, tag >> 1, tag & 1 != 0
    before, old_price = order["quantity_lots"], order_price(venue.book, slot)
    position = position_at(venue, account, leg_key(instrument, leg))
    reserve(venue, position, side, reduces, old_price, before, 0)
    reason = refusal(venue, command, slot, position)
    if reason != NO_REASON:
        reserve(venue, position, side, reduces, old_price, 0, before)
        reject(venue, command, reason)
        return
    price, lots = command["price_ticks"], command["quantity_lots"]
    expire_ns, post_only = order["expire_ns"], int64(order["post_only"]) != 0
    write(venue, AMENDED, NO_REASON, side, leg, instrument, account, order_id, price, lots, lots)
    keeps = price == old_price and lots <= before
    if keeps and venue.rules[0]["amend_keeps_priority"] != 0:
        reserve(venue, position, side, reduces, price, 0, lots)
        if lots < before:
            lessen(venue.book, slot, before - lots)
        return
    take_away(venue.book, slot, id_position(venue.book, order_id))
    finish(
        venue, order_id, account, leg, queue, price, lots, POST_ONLY if post_only else GTC,
        int64(command["self_trade"]), reduces, expire_ns, False,
        id_position(venue.book, order_id),
    )  # fmt: skip


@part
def refusal(venue: Exchange, command: Records, slot: int, position: int) -> int:
    """Why an order may not be changed so."""
    order = venue.book.orders[slot]
    queue, tag = int64(order["queue"]), int64(order["reduce_only"])
    instrument, side, reduces = queue >> 1, queue & 1, tag & 1 != 0
    contract = venue.contracts[instrument]
    price, lots = command["price_ticks"], command["quantity_lots"]
    if contract["halted"] != 0:
        return HALTED
    if int64(command["self_trade"]) < 0 or int64(command["self_trade"]) > CANCEL_BOTH:
        return BAD_SELF_TRADE_MODE
    reason = bad_size(contract, side, price, lots, reduces, False)
    if reason != NO_REASON:
        return reason
    held = venue.positions[position]
    if reduces and lots + held["reduce_lots"] > closable(held, side):
        return REDUCE_ONLY_WOULD_FLIP
    if is_past_bankruptcy(venue, position, side, price):
        return PAST_BANKRUPTCY
    if int64(order["post_only"]) != 0 and would_take(venue, queue, price):
        return POST_ONLY_WOULD_TAKE
    shrinks = price == order_price(venue.book, slot) and lots <= order["quantity_lots"]
    if reduces or shrinks:
        return NO_REASON
    return lacks_margin(venue, position, side, price, lots, False)
