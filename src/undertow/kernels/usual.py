"""The most common commands: a plain limit order that meets nobody and rests, and its cancellation.

`rest_at_once` does no more and no less than `trading.enter` does with such an order, and
`leave_at_once` than `control.cancel`; what else they may be, or be refused for, is left to those.
"""

from __future__ import annotations

from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import position_from, rank_of, rest, slot_at
from undertow.kernels.compile import Records, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.filters import bad_size
from undertow.kernels.ledger import leg_key, notional, position_at
from undertow.kernels.order_margin import count, count_and_judge
from undertow.kernels.trading import is_waiting, remove_at, tag_of, would_take, write
from undertow.model.codes import (
    ACCEPTED,
    BY_REQUEST,
    CANCELLED,
    FIRST_CUSTOMER,
    GTC,
    LIMIT,
    NO_REASON,
    ONE_WAY,
    POST_ONLY,
    SPOT,
)


@inner_inlined
def rest_at_once(venue: Exchange, command: Records, link: int) -> bool:
    """Let an order rest if it is of the common kind; false if nothing was done.

    ``link`` is where the search for its id starts.
    """
    if not is_plain(venue, command):
        return False
    instrument, account = int64(command["instrument"]), int64(command["account"])
    side, price, lots = int64(command["side"]), command["price_ticks"], command["quantity_lots"]
    contract, queue = venue.contracts[uint32(instrument)], 2 * instrument + side
    order_id = command["order_id"]
    id_at = position_from(venue.book, link, order_id)
    slot = position_at(venue, account, leg_key(instrument, ONE_WAY))
    if (
        bad_size(contract, side, price, lots, False, False) != NO_REASON
        or would_take(venue, queue, price)
        or slot_at(venue.book, id_at) != NONE
        or is_waiting(venue, order_id)
        or slot == 0
    ):
        return False
    held, size = venue.positions[slot], notional(contract, lots, price)
    if count_and_judge(venue, held, contract, side, price, lots, size) != NO_REASON:
        count(held, side, -lots, -size)
        return False
    write(
        venue, ACCEPTED, NO_REASON, side, ONE_WAY, instrument, account, order_id, price, lots, lots
    )
    rest(
        venue.book, order_id, account, queue, rank_of(queue, price), lots, 0,
        command["time_in_force"] == POST_ONLY, tag_of(False, ONE_WAY), id_at,
    )  # fmt: skip
    return True


@inner_inlined
def leave_at_once(venue: Exchange, command: Records, link: int) -> bool:
    """Cancel an order of the account if it rests; false if nothing was done."""
    id_at = position_from(venue.book, link, command["order_id"])
    slot = slot_at(venue.book, id_at)
    if slot == NONE or int64(venue.book.orders[slot]["account"]) != int64(command["account"]):
        return False
    remove_at(venue, slot, id_at, CANCELLED, BY_REQUEST)
    return True


@inner_inlined
def is_plain(venue: Exchange, command: Records) -> bool:
    """Whether words and places of an order are those of the common kind, on an open contract."""
    instrument, account = uint32(command["instrument"]), uint32(command["account"])
    if instrument >= venue.contracts.shape[0] or account >= venue.accounts.shape[0]:
        return False
    contract, force = venue.contracts[instrument], command["time_in_force"]
    return bool(
        command["kind"] == LIMIT
        and (command["side"] | command["self_trade"] >> 1) >> 1 == 0  # each is in its range
        and (force == GTC or force == POST_ONLY)  # noqa: SIM109 - a tuple is slower
        and command["flags"] | command["leg"] == 0
        and command["expire_ns"] == 0
        and command["order_id"] > 0
        and account >= FIRST_CUSTOMER
        and int64(venue.accounts[account]["hedge"]) == 0
        and contract["halted"] == 0
        and contract["kind"] != SPOT
        and contract["mark_ticks"] != 0
        and venue.rules[0]["refuses_past_bankruptcy"] == 0
    )
