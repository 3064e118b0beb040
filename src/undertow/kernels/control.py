"""Commands that are not orders: settings, funding, settlement, time, cancelling.

``reference/control.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import position_of as id_position
from undertow.kernels.book_orders import slot_at
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.conditional import drop
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import (
    instrument_of,
    leg_of,
    notional,
    pay,
    position_of,
    soil,
    value,
)
from undertow.kernels.margin import free, gross_exposure, tier_number
from undertow.kernels.pools import unwatch
from undertow.kernels.tables import find
from undertow.kernels.trading import reject, remove, remove_at, touch, write
from undertow.model.codes import (
    BAD_AMOUNT,
    BUY,
    BY_CANCEL_ALL,
    BY_REQUEST,
    BY_SETTLEMENT,
    CANCELLED,
    CHANGED,
    CLOSE_POSITION,
    DELIVERED,
    EXPIRED,
    FIRST_CUSTOMER,
    FUNDING_PAID,
    FUNDING_RESIDUAL,
    GOOD_TILL_DATE,
    HAS_POSITION_OR_ORDERS,
    INSUFFICIENT_MARGIN,
    LEVERAGE_ABOVE_TIER,
    LONG,
    NO_PORTFOLIO_MARGIN,
    NO_REASON,
    NOT_FOR_SPOT,
    NOT_WITH_PORTFOLIO_MARGIN,
    ONE_WAY,
    PRICE_NOT_POSITIVE,
    PRICE_TOO_LARGE,
    SELL,
    SET_ACCOUNT_MODE,
    SETTLED,
    SHORT,
    SPOT,
    UNKNOWN_ACCOUNT,
    UNKNOWN_INSTRUMENT,
    UNKNOWN_ORDER,
    VENUE,
)

BILLION = 10**9


@inner
def told(venue: Exchange, command: Records, kind: int, amount_units: int) -> None:
    """Say that a command was carried out, with its own numbers."""
    stay_apart()
    event = write(
        venue, kind, NO_REASON, command["side"], command["leg"], command["instrument"],
        command["account"], command["order_id"], command["price_ticks"],
        command["quantity_lots"], 0,
    )  # fmt: skip
    event["amount_units"] = amount_units


@inner_inlined
def bad_instrument(venue: Exchange, command: Records) -> int:
    """Why there is no such instrument."""
    instrument = int64(command["instrument"])
    known = 0 <= instrument < venue.contracts.shape[0]
    return NO_REASON if known else UNKNOWN_INSTRUMENT


@inner_inlined
def bad_account(venue: Exchange, command: Records) -> int:
    """Why there is no such account."""
    known = 0 <= int64(command["account"]) < venue.accounts.shape[0]
    return NO_REASON if known else UNKNOWN_ACCOUNT


@inner_inlined
def bad_place(venue: Exchange, command: Records) -> int:
    """Why there is no such instrument or account."""
    reason = bad_instrument(venue, command)
    return reason if reason != NO_REASON else bad_account(venue, command)


@inner_inlined
def bad_price(venue: Exchange, command: Records) -> int:
    """Why a price that the venue is told makes no sense."""
    reason = bad_instrument(venue, command)
    if reason != NO_REASON:
        return reason
    if command["price_ticks"] <= 0:
        return PRICE_NOT_POSITIVE
    return NO_REASON


@inner_inlined
def is_spot(venue: Exchange, command: Records) -> bool:
    """Whether an instrument has neither leverage nor positions."""
    return bool(venue.contracts[uint32(command["instrument"])]["kind"] == SPOT)


@inner_inlined
def is_price_too_large(venue: Exchange, command: Records) -> bool:
    """Whether a price is beyond the contract's greatest."""
    most = venue.contracts[uint32(command["instrument"])]["max_price_ticks"]
    return bool(command["price_ticks"] > most)


@inner_inlined
def has_orders(venue: Exchange, account: int, instrument: int) -> bool:
    """Whether an account has orders that rest or wait in an instrument; in any, for -1."""
    slot = uint32(venue.book.account_orders[account])
    while slot != NONE:
        if instrument == -1 or int64(venue.book.orders[slot]["queue"]) >> 1 == instrument:
            return True
        slot = uint32(venue.book.orders[slot]["account_next"])
    slot = uint32(venue.accounts[uint32(account)]["newest_waiting"])
    while slot != 0:
        if instrument == -1 or int64(venue.waiting[slot]["instrument"]) == instrument:
            return True
        slot = uint32(venue.waiting[slot]["account_next"])
    return False


@inner_inlined
def make_legs(venue: Exchange, command: Records) -> tuple[int, int]:
    """The first and last leg that an account may have in an instrument, made if needed."""
    account, instrument = int64(command["account"]), int64(command["instrument"])
    if int64(venue.accounts[uint32(account)]["hedge"]) == 0:
        only = position_of(venue, account, instrument, ONE_WAY)
        return only, only
    return (
        position_of(venue, account, instrument, LONG),
        position_of(venue, account, instrument, SHORT),
    )


@inner
def set_leverage(venue: Exchange, command: Records) -> None:
    """Change the leverage (``amount``) of an account in an instrument."""
    stay_apart()
    reason = bad_place(venue, command)
    if reason == NO_REASON and is_spot(venue, command):
        reason = NOT_FOR_SPOT
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    legs, leverage = make_legs(venue, command), command["amount"]
    contract = venue.contracts[uint32(command["instrument"])]
    size, most, isolated_open = 0, 0, False
    for leg in legs:
        held = venue.positions[leg]
        now = 0
        if held["lots"] != 0:
            now = notional(contract, held["lots"], contract["mark_ticks"])
        size = max(size, gross_exposure(held, now))
        most = max(most, abs(held["lots"] + held["bid_lots"]), abs(held["lots"] - held["ask_lots"]))
        isolated_open = isolated_open or (int64(held["isolated"]) != 0 and held["lots"] != 0)
    tier = venue.tiers[uint32(tier_number(venue, contract, most, size))]
    old = int64(venue.positions[legs[0]]["leverage"])
    if leverage < 1:
        reason = BAD_AMOUNT
    elif leverage > tier["max_leverage"]:
        reason = LEVERAGE_ABOVE_TIER
    elif isolated_open and leverage < old:
        reason = HAS_POSITION_OR_ORDERS
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    for leg in legs:
        venue.positions[leg]["leverage"] = leverage
    if leverage < old and free(venue, int64(command["account"])) < 0:
        for leg in legs:
            venue.positions[leg]["leverage"] = old
        reject(venue, command, INSUFFICIENT_MARGIN)
        return
    told(venue, command, CHANGED, 0)


@inner
def set_margin_mode(venue: Exchange, command: Records) -> None:
    """Make an instrument isolated (``amount`` 1) or cross (0); not with a position or orders."""
    stay_apart()
    reason = bad_place(venue, command)
    amount, account = command["amount"], int64(command["account"])
    if reason == NO_REASON and (amount < 0 or amount > 1 or account < FIRST_CUSTOMER):
        reason = BAD_AMOUNT
    if reason == NO_REASON and is_spot(venue, command):
        reason = NOT_FOR_SPOT
    nets = reason == NO_REASON and int64(venue.accounts[uint32(account)]["portfolio"]) != 0
    if nets and amount > 0:
        reason = NOT_WITH_PORTFOLIO_MARGIN
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    legs = make_legs(venue, command)
    busy = has_orders(venue, account, int64(command["instrument"]))
    for leg in legs:
        held = venue.positions[leg]
        busy = busy or held["lots"] != 0 or held["margin_units"] != 0
    if busy:
        reject(venue, command, HAS_POSITION_OR_ORDERS)
        return
    for leg in legs:
        venue.positions[leg]["isolated"] = amount
        venue.queued[venue.accounts.shape[0] + leg]["mark"] = 0
    told(venue, command, CHANGED, 0)


@inner
def set_mode(venue: Exchange, command: Records) -> None:
    """A position or account mode (``amount`` 0 or 1); not with positions or orders."""
    stay_apart()
    reason = bad_account(venue, command)
    amount, account = command["amount"], int64(command["account"])
    if reason == NO_REASON and (amount < 0 or amount > 1 or account < FIRST_CUSTOMER):
        reason = BAD_AMOUNT
    is_account = int64(command["kind"]) == SET_ACCOUNT_MODE
    if reason == NO_REASON and is_account and amount > venue.rules[0]["portfolio_steps"]:
        reason = NO_PORTFOLIO_MARGIN
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    busy = has_orders(venue, account, -1)
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        busy = busy or held["lots"] != 0 or held["margin_units"] != 0
        slot = uint32(held["next"])
    if busy:
        reject(venue, command, HAS_POSITION_OR_ORDERS)
        return
    if is_account:
        venue.accounts[uint32(account)]["portfolio"] = amount
    else:
        venue.accounts[uint32(account)]["hedge"] = amount
    free_positions(venue, account)
    told(venue, command, CHANGED, 0)


@inner_inlined
def free_positions(venue: Exchange, account: int) -> None:
    """Give back all positions of an account, which are flat."""
    state = venue.state[0]
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        after = uint32(held["next"])
        unwatch(venue, slot)
        held["key"] = -1
        held["next"] = state["free_position"]
        state["free_position"] = slot
        state["positions_left"] += 1
        slot = after
    venue.accounts[uint32(account)]["first_position"] = 0


@inner
def cancel(venue: Exchange, command: Records) -> None:
    """Cancel one order of the account, resting or waiting."""
    stay_apart()
    order_id, account = command["order_id"], int64(command["account"])
    if order_id > 0:
        id_at = id_position(venue.book, order_id)
        slot = slot_at(venue.book, id_at)
        if slot != NONE and int64(venue.book.orders[slot]["account"]) == account:
            remove_at(venue, slot, id_at, CANCELLED, BY_REQUEST)
            return
        entry = venue.waiting_slots[find(venue.waiting_slots, order_id)]
        if entry["key"] != 0:
            waiting = uint32(entry["value"])
            if int64(venue.waiting[waiting]["account"]) == account:
                drop(venue, waiting, BY_REQUEST)
                return
    reject(venue, command, UNKNOWN_ORDER)


@inner
def cancel_all(venue: Exchange, command: Records) -> None:
    """Cancel an account's orders, in one instrument or (-1) in all."""
    stay_apart()
    instrument = int64(command["instrument"])
    reason = NO_REASON
    if instrument < -1 or instrument >= venue.contracts.shape[0]:
        reason = UNKNOWN_INSTRUMENT
    else:
        reason = bad_account(venue, command)
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    cancel_in(venue, int64(command["account"]), instrument, 0, BY_CANCEL_ALL)


@inner
def cancel_in(venue: Exchange, account: int, instrument: int, only_cross: int, reason: int) -> None:
    """Cancel orders: first those that rest, then those that wait, the newest first.

    In one instrument or (-1) in all; with ``only_cross`` in those that are not isolated.
    """
    stay_apart()
    slot = uint32(venue.book.account_orders[account])
    while slot != NONE:
        after = uint32(venue.book.orders[slot]["account_next"])
        place = int64(venue.book.orders[slot]["queue"]) >> 1
        if is_meant(venue, account, place, instrument, only_cross):
            remove(venue, slot, CANCELLED, reason)
        slot = after
    slot = uint32(venue.accounts[uint32(account)]["newest_waiting"])
    while slot != 0:
        after = uint32(venue.waiting[slot]["account_next"])
        place = int64(venue.waiting[slot]["instrument"])
        if is_meant(venue, account, place, instrument, only_cross):
            drop(venue, slot, reason)
        slot = after


@inner_inlined
def is_meant(venue: Exchange, account: int, place: int, instrument: int, only_cross: int) -> bool:
    """Whether orders of an instrument are to be cancelled."""
    if only_cross == 0:
        return instrument == -1 or place == instrument
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        if instrument_of(held) == place:
            return bool(int64(held["isolated"]) == 0)
        slot = uint32(held["next"])
    return True


@inner
def expire(venue: Exchange, command: Records) -> None:
    """Let time pass: orders whose end has come leave, the earliest first."""
    stay_apart()
    state, book = venue.state[0], venue.book
    state["now_ns"] = max(state["now_ns"], command["expire_ns"])
    while book.state[0]["deadlines"] > 0:
        slot = uint32(book.deadlines[1])
        if book.orders[slot]["expire_ns"] > state["now_ns"]:
            break
        remove(venue, slot, EXPIRED, GOOD_TILL_DATE)


@inner
def pay_funding(venue: Exchange, command: Records) -> None:
    """Longs pay shorts: ``amount`` is the rate in 10^-9, the price is the one to count with."""
    stay_apart()
    reason = bad_price(venue, command)
    if reason == NO_REASON and (command["amount"] > BILLION or command["amount"] < -BILLION):
        reason = BAD_AMOUNT
    if reason == NO_REASON and is_price_too_large(venue, command):
        reason = PRICE_TOO_LARGE
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    instrument, price = int64(command["instrument"]), command["price_ticks"]
    contract = venue.contracts[uint32(instrument)]
    total = 0
    for account in range(venue.accounts.shape[0]):
        slot = uint32(venue.accounts[uint32(account)]["first_position"])
        while slot != 0:
            held = venue.positions[slot]
            if instrument_of(held) == instrument and held["lots"] != 0:
                size = notional(contract, held["lots"], price)
                signed = size if held["lots"] > 0 else -size
                amount, _ = mul_div_floor(-signed, command["amount"], BILLION)
                pay(venue, slot, amount)
                soil(venue, account)
                total += amount
                event = write(
                    venue, FUNDING_PAID, NO_REASON, BUY if held["lots"] > 0 else SELL,
                    leg_of(held), instrument, account, 0, price, abs(held["lots"]), 0,
                )  # fmt: skip
                event["amount_units"] = amount
            slot = uint32(held["next"])
    venue.accounts[VENUE]["cash_units"] -= total
    event = write(
        venue, FUNDING_RESIDUAL, NO_REASON, 0, 0, instrument, VENUE, 0, price, 0, 0
    )  # fmt: skip
    event["amount_units"] = -total


@inner
def halt(venue: Exchange, command: Records) -> None:
    """Stop trading in an instrument (``amount`` 1), or let it go on (0); cancels stay possible."""
    stay_apart()
    reason = bad_instrument(venue, command)
    if reason == NO_REASON and (command["amount"] < 0 or command["amount"] > 1):
        reason = BAD_AMOUNT
    if reason == NO_REASON and venue.contracts[uint32(command["instrument"])]["delivered"] != 0:
        reason = DELIVERED
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.contracts[uint32(command["instrument"])]["halted"] = command["amount"]
    touch(venue, venue.contracts[uint32(command["instrument"])])
    told(venue, command, CHANGED, 0)


@inner
def settle_all(venue: Exchange, command: Records) -> None:
    """Pay every position its profit at a price; with `CLOSE_POSITION` all end there."""
    stay_apart()
    reason = bad_price(venue, command)
    if reason == NO_REASON and is_price_too_large(venue, command):
        reason = PRICE_TOO_LARGE
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    instrument, price = int64(command["instrument"]), command["price_ticks"]
    contract = venue.contracts[uint32(instrument)]
    closes = int64(command["flags"]) & CLOSE_POSITION != 0
    if closes:
        contract["halted"] = 1
        contract["delivered"] = 1
        for account in range(venue.accounts.shape[0]):
            cancel_in(venue, account, instrument, 0, BY_SETTLEMENT)
    total = 0
    for account in range(venue.accounts.shape[0]):
        slot = uint32(venue.accounts[uint32(account)]["first_position"])
        while slot != 0:
            held = venue.positions[slot]
            if instrument_of(held) == instrument and held["lots"] != 0:
                total += settle_one(venue, slot, contract, price, closes)
            slot = uint32(held["next"])
    venue.accounts[VENUE]["cash_units"] -= total
    if closes:
        event = write(
            venue, FUNDING_RESIDUAL, BY_SETTLEMENT, 0, 0, instrument, VENUE, 0, price, 0, 0
        )  # fmt: skip
        event["amount_units"] = -total


@inner_inlined
def settle_one(venue: Exchange, slot: int, contract: Records, price: int, closes: bool) -> int:
    """Pay one position its profit; returns what it was worth if it ended."""
    held = venue.positions[slot]
    account, lots = int64(held["account"]), held["lots"]
    worth = value(contract, lots, price)
    amount = worth - held["basis_units"]
    venue.accounts[uint32(account)]["period_units"] += amount
    ended = 0
    if closes:
        ended = worth
        contract["long_lots"] -= max(lots, 0)
        held["lots"] = 0
        held["basis_units"] = 0
        margin = held["margin_units"]
        held["margin_units"] = 0
        pay(venue, slot, amount + margin)
    else:
        held["basis_units"] = worth
        pay(venue, slot, amount)
    soil(venue, account)
    event = write(
        venue, SETTLED, NO_REASON, BUY if lots > 0 else SELL, leg_of(held),
        instrument_of(held), account, 0, price, abs(lots), 0,
    )  # fmt: skip
    event["amount_units"] = amount
    return ended
