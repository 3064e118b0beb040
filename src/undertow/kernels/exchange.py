"""The venue: commands in, events out. ``reference/venue.py`` says the same in plain Python.

Five functions share the work, so that each is compiled with no more than it needs: `trade`,
`administer` and `mark` begin commands of their kinds, `fire` and `liquidate` do what follows from
them. Each goes on until it meets a command of another kind, or needs something from outside:
room, or a ranking of the winners that a bankrupt position is closed against; then it goes on where
it stopped. `process` does all that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from undertow.kernels.amending import amend
from undertow.kernels.book import has_room, link_of, note_link
from undertow.kernels.book_arrays import grown
from undertow.kernels.clawback import claw_back
from undertow.kernels.collateral import read_books, set_asset_price
from undertow.kernels.compile import Records, inlined, inner_inlined, int64, kernel, part, uint32
from undertow.kernels.conditional import is_bound_reached, next_fired, set_off, wait
from undertow.kernels.control import (
    bad_price,
    cancel,
    cancel_all,
    expire,
    halt,
    is_price_too_large,
    pay_funding,
    set_leverage,
    set_margin_mode,
    set_mode,
    settle_all,
)
from undertow.kernels.exchange_arrays import (
    EVENT,
    STATE_FIELDS,
    Exchange,
    with_more_positions,
    with_more_waiting,
)
from undertow.kernels.invariants import as_words, checked
from undertow.kernels.liquidation import handle
from undertow.kernels.money import (
    adjust_margin,
    deposit,
    deposit_asset,
    withdraw,
    withdraw_asset,
)
from undertow.kernels.pools import collect, look_at_dirty
from undertow.kernels.prefetch import prefetch
from undertow.kernels.trading import enter, reject, touch
from undertow.kernels.usual import leave_at_once, rest_at_once
from undertow.kernels.waterfall import (
    WINNER,
    Lots,
    deleverage,
    finish_winding_up,
    list_winners,
)
from undertow.model.codes import (
    ADJUST_MARGIN,
    AMEND,
    ASSET_PRICE,
    BAD_AMOUNT,
    BUY,
    CANCEL,
    CANCEL_ALL,
    CLAW_BACK,
    CONDITIONAL,
    DEPOSIT,
    EXPIRE,
    FUNDING,
    HALT,
    LIMIT,
    MARK,
    MARKET,
    NO_REASON,
    PRICE_TOO_LARGE,
    SET_ACCOUNT_MODE,
    SET_LEVERAGE,
    SET_MARGIN_MODE,
    SET_POSITION_MODE,
    SETTLE,
    UNKNOWN_ASSET,
    UNKNOWN_COMMAND,
    WITHDRAW,
)

# What the venue is about to do within a command.
BEGIN, FIRE_FIRST, COLLECT, LOOK, LIQUIDATE, RANK, FIRE_LAST = 0, 1, 2, 3, 4, 5, 6
ROOM = 1 << 14
PHASE = STATE_FIELDS.index("phase")
AHEAD = 5

Ranking = Callable[[Records, int], Lots]


@kernel
def trade(venue: Exchange, commands: Records, start: int) -> int:
    """Carry out orders, cancellations and changes of orders from one on.

    Returns the number of the first command that is not done: another kind, or one after which
    orders fire (then the phase is `FIRE_LAST`), or that lacks room, see `has_all_room`.
    """
    state, index = venue.state[0], start
    for place in range(start, min(start + 3 * AHEAD, commands.shape[0])):
        note_link(venue.book, commands, place)
    while index < commands.shape[0]:
        look_ahead(venue, commands, index)
        command = commands[uint32(index)]
        kind = int64(command["kind"])
        state["command"] = index
        if kind == CANCEL:
            if not has_event_room(venue, 1):
                break
            if not leave_at_once(venue, command, link_of(venue.book, index)):
                cancel(venue, command)
        elif kind == LIMIT or kind == MARKET:  # noqa: SIM109 - slower
            is_done = has_event_room(venue, 1) and has_room(venue.book)
            if is_done:
                is_done = rest_at_once(venue, command, link_of(venue.book, index))
            if not is_done:
                if not has_all_room(venue, most_order_events(venue, command)):
                    break
                enter(venue, command)
        elif kind == AMEND and has_all_room(venue, most_events(venue)):
            amend(venue, command)
        else:
            break
        if state["touched"] != 0 and next_fired(venue) != 0:
            state["phase"] = FIRE_LAST
            break
        index += 1
    return index


@inner_inlined
def look_ahead(venue: Exchange, commands: Records, index: int) -> None:
    """Fetch what commands to come will touch: the ways to it, then the order and the position."""
    book, accounts = venue.book, venue.accounts.shape[0]
    if index + 3 * AHEAD >= commands.shape[0]:
        return
    prefetch(book.links, note_link(book, commands, index + 3 * AHEAD))
    account = uint32(commands[uint32(index + 3 * AHEAD)]["account"])
    if account < accounts:
        prefetch(venue.accounts, account)
        prefetch(book.account_orders, account)
    prefetch(book.orders, book.links[link_of(book, index + 2 * AHEAD)])
    account = uint32(commands[uint32(index + 2 * AHEAD)]["account"])
    if account >= accounts:
        return
    prefetch(venue.positions, venue.accounts[account]["first_position"])
    prefetch(book.orders, book.account_orders[account])


@kernel
def administer(venue: Exchange, commands: Records, start: int) -> int:
    """Carry out from one on what is neither an order nor a mark; the same ends."""
    state, index = venue.state[0], start
    while index < commands.shape[0]:
        kind = commands[index]["kind"]
        if kind in (LIMIT, MARKET, CANCEL, AMEND, MARK, ASSET_PRICE):
            break
        if not has_all_room(venue, most_events(venue)):
            break
        state["command"] = index
        do_rare(venue, commands[index])
        if state["touched"] != 0:
            state["phase"] = FIRE_LAST
            break
        index += 1
    return index


@kernel
def mark(venue: Exchange, commands: Records, start: int) -> int:
    """Carry out marks from one on, until one sets off orders or leaves somebody without margin."""
    state, index = venue.state[0], start
    while index < commands.shape[0]:
        if state["phase"] == BEGIN:
            is_price = commands[index]["kind"] in (MARK, ASSET_PRICE)
            if not is_price or not has_all_room(venue, most_events(venue)):
                break
            state["command"] = index
            if not set_mark(venue, commands[index]):
                index += 1
                continue
            if state["touched"] != 0 and next_fired(venue) != 0:
                state["phase"] = FIRE_FIRST
                break
            state["phase"] = COLLECT
        if state["phase"] == COLLECT:
            state["mark_number"] += 1
            state["liquidated"] = 0
            if state["marked_instrument"] >= 0:
                collect(venue, state["marked_instrument"])
        look_at_dirty(venue)
        if state["due"] > 0:
            state["phase"] = LIQUIDATE
            break
        state["phase"] = BEGIN
        if state["touched"] != 0:
            state["phase"] = FIRE_LAST
            break
        index += 1
    return index


@kernel
def fire(venue: Exchange, commands: Records, index: int) -> int:
    """Set off the conditional orders that are due; returns the number of the next command."""
    state = venue.state[0]
    while True:
        if not has_all_room(venue, most_events(venue)):
            return index
        slot = next_fired(venue)
        if slot == 0 or is_bound_reached(venue, slot):
            break
        set_off(venue, slot)
    state["fired"] = 0
    if state["phase"] == FIRE_FIRST:
        state["phase"] = COLLECT
        return index
    state["phase"] = BEGIN
    return index + 1


@kernel
def liquidate(venue: Exchange, commands: Records, index: int) -> int:
    """Handle the pools that lack margin, until winners must be ranked; then the next round."""
    state = venue.state[0]
    while state["due_index"] < state["due"]:
        if not has_all_room(venue, most_events(venue)):
            return index
        fetch_due(venue, state["due_index"])
        if handle(venue, venue.due[state["due_index"]]):
            state["phase"] = RANK
            return index
        state["due_index"] += 1
    state["phase"] = LOOK
    return index


@inner_inlined
def fetch_due(venue: Exchange, index: int) -> None:
    """Fetch the accounts and positions of pools that are due soon."""
    if index + 2 * AHEAD >= venue.state[0]["due"]:
        return
    account = venue.due[index + 2 * AHEAD] >> 24
    prefetch(venue.accounts, account)
    prefetch(venue.book.account_orders, account)
    account = venue.due[index + AHEAD] >> 24
    prefetch(venue.positions, venue.accounts[uint32(account)]["first_position"])


@part
def do_rare(venue: Exchange, command: Records) -> None:
    """Do what a command says that comes seldom."""
    kind = command["kind"]
    if kind == CANCEL_ALL:
        cancel_all(venue, command)
    elif kind == EXPIRE:
        expire(venue, command)
    elif kind == CONDITIONAL:
        wait(venue, command)
    elif kind == DEPOSIT:
        if int64(command["asset"]) != 0:
            deposit_asset(venue, command)
        else:
            deposit(venue, command)
    elif kind == WITHDRAW:
        if int64(command["asset"]) != 0:
            withdraw_asset(venue, command)
        else:
            withdraw(venue, command)
    elif kind == SET_LEVERAGE:
        set_leverage(venue, command)
    elif kind == SET_MARGIN_MODE:
        set_margin_mode(venue, command)
    elif kind == ADJUST_MARGIN:
        adjust_margin(venue, command)
    elif kind in (SET_POSITION_MODE, SET_ACCOUNT_MODE):
        set_mode(venue, command)
    elif kind == FUNDING:
        pay_funding(venue, command)
    elif kind == HALT:
        halt(venue, command)
    elif kind == SETTLE:
        settle_all(venue, command)
    elif kind == CLAW_BACK:
        claw_back(venue, command)
    else:
        reject(venue, command, UNKNOWN_COMMAND)


@part
def set_mark(venue: Exchange, command: Records) -> bool:
    """A new mark, or price of an asset; false if it is refused."""
    if command["kind"] == ASSET_PRICE:
        return set_price(venue, command)
    reason = bad_price(venue, command)
    if reason == NO_REASON and is_price_too_large(venue, command):
        reason = PRICE_TOO_LARGE
    if reason != NO_REASON:
        reject(venue, command, reason)
        return False
    contract = venue.contracts[uint32(command["instrument"])]
    contract["previous_mark_ticks"] = contract["mark_ticks"]
    contract["mark_ticks"] = command["price_ticks"]
    venue.state[0]["marked_instrument"] = int64(command["instrument"])
    touch(venue, contract)
    if venue.assets.shape[0] > 1:
        read_books(venue)
    return True


@inner_inlined
def set_price(venue: Exchange, command: Records) -> bool:
    """A new price of an asset, then as a mark; false if it is refused."""
    number, reason = int64(command["asset"]), NO_REASON
    if number < 1 or number >= venue.assets.shape[0]:
        reason = UNKNOWN_ASSET
    elif command["amount"] <= 0 or command["amount"] > venue.assets[number]["max_price_units"]:
        reason = BAD_AMOUNT
    if reason != NO_REASON:
        reject(venue, command, reason)
        return False
    set_asset_price(venue, number, command["amount"])
    venue.state[0]["marked_instrument"] = -1
    read_books(venue)
    return True


@kernel
def answer(venue: Exchange, rows: Records, taken: Lots) -> None:
    """Go on with a ranking: lots to take from each of the listed winners."""
    state = venue.state[0]
    pool = venue.due[state["due_index"]]
    if deleverage(venue, pool, rows, taken):
        return
    finish_winding_up(venue, pool)
    state["due_index"] += 1
    state["phase"] = LIQUIDATE


@inlined
def is_roomy(venue: Exchange) -> bool:
    """Whether there is room for all that one step may add, but events."""
    state = venue.state[0]
    return bool(
        has_room(venue.book)
        and state["positions_left"] >= 2 * venue.contracts.shape[0] + 2
        and state["waiting_left"] > 0
    )


@inner_inlined
def has_all_room(venue: Exchange, events: int) -> bool:
    """Whether there is room for a step and its events; the state tells how many those are."""
    return has_event_room(venue, events) and is_roomy(venue)


@inner_inlined
def has_event_room(venue: Exchange, events: int) -> bool:
    """The same for the events alone."""
    state = venue.state[0]
    state["events_needed"] = events
    return state["events"] + events <= venue.events.shape[0]


@inner_inlined
def most_order_events(venue: Exchange, command: Records) -> int:
    """More events than this cannot come of an order: each fill takes one of the other side."""
    instrument = int64(command["instrument"])
    if instrument < 0 or instrument >= venue.contracts.shape[0]:
        return 1
    other = 2 * instrument + int64(command["side"] == BUY)
    takes = venue.book.sides[uint32(other)]["orders"]
    if command["self_trade"] == 0:
        takes = min(takes, max(command["quantity_lots"], 0))
    return 8 + takes + venue.state[0]["reduce_only_orders"]


@kernel
def most_events(venue: Exchange) -> int:
    """More events than this cannot come of any step: all orders leave, or everybody is paid."""
    state = venue.state[0]
    orders = state["waiting_count"]
    for queue in range(venue.book.sides.shape[0]):
        orders += venue.book.sides[uint32(queue)]["orders"]
    pays_all = state["phase"] == BEGIN or venue.rules[0]["socialises"] != 0
    paid = max(state["positions_used"], venue.accounts.shape[0]) if pays_all else 0
    return 16 + 3 * orders + paid + 8 * venue.contracts.shape[0] + 4 * venue.assets.shape[0]


def process(
    venue: Exchange, commands: Records, ranking: Ranking, room: int = ROOM
) -> tuple[Exchange, Records]:
    """Carry out all commands; returns the venue, which may be a larger one, and all events.

    Parameters
    ----------
    ranking
        Lots to take from each of the listed winners (records of `WINNER`), given those of the
        bankrupt position.
    room
        Events for which there is room at first.

    Raises
    ------
    InvariantViolation
        For a law that does not hold, see `invariants`: a bug of ours.
    """
    # Room for events is not cleared here and below: `write` sets every field.
    if len(venue.events) < room:
        venue = venue._replace(events=np.empty(room, EVENT))
    state: Any = venue.state[0]
    # Plain integers: reading a record's fields one by one takes longer than the kernels.
    word, kinds, count = venue.state.view(np.int64).item, commands["kind"].tolist(), len(commands)
    written: list[Records] = []
    done = 0
    while True:
        phase = word(PHASE)
        while phase == RANK:
            venue = rank(venue, ranking, written)
            phase = word(PHASE)
        if done == count:
            break
        before = done, phase
        state["events_needed"] = 0
        done = action(kinds[done], phase)(venue, commands, done)
        if (done, word(PHASE)) != before:
            continue
        if not is_roomy(venue):
            venue = with_room(venue)
        elif state["events_needed"] > len(venue.events) - state["events"]:
            venue = flushed(venue, written, int(state["events_needed"]))
    venue = flushed(venue, written, 0)
    if not written:
        return venue, venue.events[:0]
    words = written[0] if len(written) == 1 else np.concatenate(written)
    return venue, words.view(EVENT).reshape(-1)


def action(kind: int, phase: int) -> Callable[[Exchange, Records, int], int]:
    """What carries out commands of a kind, or goes on with what a command began."""
    if phase in (FIRE_FIRST, FIRE_LAST):
        return fire
    if phase == LIQUIDATE:
        return liquidate
    if phase != BEGIN or kind in (MARK, ASSET_PRICE):
        return mark
    return trade if kind in (LIMIT, MARKET, CANCEL, AMEND) else administer


def rank(venue: Exchange, ranking: Ranking, written: list[Records]) -> Exchange:
    """Let winners be ranked, and close a bankrupt position against them."""
    state: Any = venue.state[0]
    rows = np.zeros(256, WINNER)
    count = list_winners(venue, rows)
    if count > len(rows):
        rows = np.zeros(count, WINNER)
        list_winners(venue, rows)
    rows = rows[:count]
    lots = abs(int(venue.positions[int(state["adl_slot"])]["lots"]))
    taken = ranking(rows, lots)
    needed = int(np.count_nonzero(taken)) + int(most_events(venue))
    if int(state["events"]) + needed > len(venue.events):
        venue = flushed(venue, written, needed)
    while not is_roomy(venue):
        venue = with_room(venue)
    answer(venue, rows, taken)
    return venue


def with_room(venue: Exchange) -> Exchange:
    """The same venue with more room where it lacks; the old one must not be used again."""
    state: Any = venue.state[0]
    if not has_room(venue.book):
        return venue._replace(book=grown(venue.book))
    if state["waiting_left"] == 0:
        return with_more_waiting(venue)
    return with_more_positions(venue)


def flushed(venue: Exchange, written: list[Records], needed: int) -> Exchange:
    """Put the events aside, and make room for as many as are needed."""
    state: Any = venue.state[0]
    if state["events"] > 0:
        checked(venue)
        rows = venue.events[: int(state["events"])]
        if len(rows) > ROOM:  # handed over with its room: a copy would take longer than the kernels
            venue = venue._replace(events=np.empty(len(venue.events), EVENT))
        else:
            rows = rows.copy()
        written.append(as_words(rows))
        state["events"] = 0
    if needed > len(venue.events):
        venue = venue._replace(events=np.empty(2 * needed, EVENT))
    return venue
