"""Money that enters, leaves or moves: deposits, withdrawals, margin of isolated positions.

``reference/control.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.control import bad_account, bad_place, told
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import (
    MILLION,
    leg_key,
    notional,
    position_at,
    soil,
)
from undertow.kernels.margin import free_without, unrealised
from undertow.kernels.spot import hold, spare_cash, spare_units
from undertow.kernels.trading import reject, write
from undertow.model.codes import (
    BAD_AMOUNT,
    CHANGED,
    DEPOSITED,
    FIRST_CUSTOMER,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_MARGIN,
    MOST_ASSET_VALUE_UNITS,
    NO_REASON,
    NOT_ISOLATED,
    SHORT,
    UNKNOWN_ASSET,
    WITHDRAWN,
)

MOST_UNITS = 2**60


@inner_inlined
def bad_asset(venue: Exchange, command: Records) -> int:
    """Why there is no such account or asset."""
    reason = bad_account(venue, command)
    known = 0 <= int64(command["asset"]) < venue.assets.shape[0]
    return reason if known or reason != NO_REASON else UNKNOWN_ASSET


@inner
def told_asset(venue: Exchange, command: Records, kind: int) -> None:
    """Say that some of an asset has entered or left."""
    event = write(
        venue, kind, NO_REASON, 0, 0, -1, int64(command["account"]), 0, 0, command["amount"], 0
    )
    event["asset"] = int64(command["asset"])


@inner_inlined
def deposit_asset(venue: Exchange, command: Records) -> None:
    """Bring some of an asset in: all together at most 2^60 units, worth at most 2^58 of cash."""
    reason, amount = bad_asset(venue, command), command["amount"]
    if reason == NO_REASON:
        asset = venue.assets[int64(command["asset"])]
        most, fits = mul_div_floor(MOST_ASSET_VALUE_UNITS, MILLION, asset["max_price_units"])
        most = min(most, MOST_UNITS) if fits else MOST_UNITS
        if amount <= 0 or asset["deposited_units"] > most - amount:
            reason = BAD_AMOUNT
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.assets[int64(command["asset"])]["deposited_units"] += amount
    hold(venue, int64(command["account"]), int64(command["asset"]), amount)
    told_asset(venue, command, DEPOSITED)


@inner_inlined
def withdraw_asset(venue: Exchange, command: Records) -> None:
    """Take some of an asset out: what no resting ask has promised and no margin needs."""
    reason, amount = bad_asset(venue, command), command["amount"]
    account, number = int64(command["account"]), int64(command["asset"])
    if reason == NO_REASON and amount <= 0:
        reason = BAD_AMOUNT
    if reason == NO_REASON:
        short = amount > spare_units(venue, account, number)
        if short or free_without(venue, account, number, amount) < withheld(venue, account):
            reason = INSUFFICIENT_BALANCE
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.assets[number]["deposited_units"] -= amount
    hold(venue, account, number, -amount)
    told_asset(venue, command, WITHDRAWN)


@inner_inlined
def withheld(venue: Exchange, account: int) -> int:
    """Profit that may not leave before a clawback."""
    if venue.rules[0]["claws_back"] == 0 or account < FIRST_CUSTOMER:
        return 0
    return max(0, venue.accounts[account]["period_units"])


@inner
def deposit(venue: Exchange, command: Records) -> None:
    """Bring cash in; all deposits together stay below 2^60 units."""
    stay_apart()
    amount, state = command["amount"], venue.state[0]
    reason = bad_account(venue, command)
    if reason == NO_REASON and (amount <= 0 or state["deposited_units"] > MOST_UNITS - amount):
        reason = BAD_AMOUNT
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.accounts[uint32(command["account"])]["cash_units"] += amount
    state["deposited_units"] += amount
    soil(venue, int64(command["account"]))
    told(venue, command, DEPOSITED, amount)


@inner
def withdraw(venue: Exchange, command: Records) -> None:
    """Take cash out, as far as it is free: profits that are not realised cannot leave."""
    stay_apart()
    amount = command["amount"]
    reason = bad_account(venue, command)
    if reason == NO_REASON and amount <= 0:
        reason = BAD_AMOUNT
    if reason == NO_REASON:
        account = int64(command["account"])
        if amount > spare_cash(venue, account) - withheld(venue, account):
            reason = INSUFFICIENT_BALANCE
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.accounts[uint32(command["account"])]["cash_units"] -= amount
    venue.state[0]["deposited_units"] -= amount
    soil(venue, int64(command["account"]))
    told(venue, command, WITHDRAWN, -amount)


@inner
def adjust_margin(venue: Exchange, command: Records) -> None:
    """Move cash into an isolated position, or out of it (below 0)."""
    stay_apart()
    reason = bad_place(venue, command)
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    account, amount = int64(command["account"]), command["amount"]
    slot = position_at(
        venue, account, leg_key(int64(command["instrument"]), int64(command["leg"]))
    )  # fmt: skip
    held = venue.positions[slot]
    leg = int64(command["leg"])
    if slot == 0 or leg < 0 or leg > SHORT or int64(held["isolated"]) == 0 or held["lots"] == 0:
        reject(venue, command, NOT_ISOLATED)
        return
    contract = venue.contracts[uint32(command["instrument"])]
    size = notional(contract, held["lots"], contract["mark_ticks"])
    needed = -((-size) // int64(held["leverage"]))
    spare = held["margin_units"] + min(0, unrealised(venue, held)) - needed
    if amount == 0 or amount > MOST_UNITS or amount < -MOST_UNITS:
        reason = BAD_AMOUNT
    elif amount > 0 and amount > spare_cash(venue, account):
        reason = INSUFFICIENT_BALANCE
    elif amount < 0 and -amount > spare:
        reason = INSUFFICIENT_MARGIN
    if reason != NO_REASON:
        reject(venue, command, reason)
        return
    venue.accounts[account]["cash_units"] -= amount
    held["margin_units"] += amount
    soil(venue, account)
    told(venue, command, CHANGED, 0)
