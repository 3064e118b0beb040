"""Exact money: what lots are worth, and how a trade changes an account and its position.

``reference/accounts.py`` and ``reference/contract.py`` say the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor, mul_div_half_even
from undertow.model.codes import INVERSE, VENUE

MILLION = 10**6


@inner_inlined
def of_million(amount: int, rate_ppm: int) -> int:
    """``amount * rate`` rounded up; amount >= 0, and the result must fit."""
    whole = amount // MILLION
    rest = (amount - whole * MILLION) * rate_ppm
    return whole * rate_ppm - ((-rest) // MILLION)


@inner_inlined
def value(contract: Records, lots: int, price_ticks: int) -> int:
    """What signed lots are worth at a price: their cost if bought there, in cash units."""
    if contract["kind"] == INVERSE:
        return inverse_value(contract["units"], lots, price_ticks)
    return lots * price_ticks * contract["units"]


@inner
def inverse_value(units: int, lots: int, price_ticks: int) -> int:
    """Minus the coins that lots stand for."""
    stay_apart()
    coins, _ = mul_div_half_even(abs(lots), units, price_ticks)
    return -coins if lots > 0 else coins


@inner_inlined
def notional(contract: Records, lots: int, price_ticks: int) -> int:
    """The size of a position or an order in cash units, never negative."""
    return abs(value(contract, lots, price_ticks))


@inner_inlined
def leg_key(instrument: int, leg: int) -> int:
    """What the positions of an account are ordered by."""
    return instrument * 4 + leg


@inner_inlined
def instrument_of(held: Records) -> int:
    """The instrument of a position; a shift is quicker than dividing what may have a sign."""
    return int64(held["key"]) >> 2


@inner_inlined
def leg_of(held: Records) -> int:
    """The leg of a position."""
    return int64(held["key"]) & 3


@inner_inlined
def contract_of(venue: Exchange, held: Records) -> Records:
    """The contract of a position."""
    return venue.contracts[uint32(instrument_of(held))]


@inner_inlined
def position_at(venue: Exchange, account: int, key: int) -> int:
    """The slot of an account's position, 0 if it has none."""
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0 and int64(venue.positions[slot]["key"]) < key:
        slot = uint32(venue.positions[slot]["next"])
    if slot != 0 and int64(venue.positions[slot]["key"]) == key:
        return slot
    return uint32(0)


@inner_inlined
def position_of(venue: Exchange, account: int, instrument: int, leg: int) -> int:
    """The slot of an account's position; it is made if there is none."""
    slot = position_at(venue, account, leg_key(instrument, leg))
    if slot == 0:
        slot = make_position(venue, account, instrument, leg)
    return uint32(slot)


@inner
def make_position(venue: Exchange, account: int, instrument: int, leg: int) -> int:
    """A new flat position with the settings of its sister, or the venue's own."""
    stay_apart()
    state, key = venue.state[0], leg_key(instrument, leg)
    slot = uint32(state["free_position"])
    held = venue.positions[slot]
    state["free_position"] = held["next"]
    state["positions_left"] -= 1
    state["positions_used"] = max(state["positions_used"], slot + 1)
    leverage, isolated = venue.rules[0]["default_leverage"], 0
    before = uint32(0)
    after = uint32(venue.accounts[uint32(account)]["first_position"])
    has_sister = False
    while after != 0 and int64(venue.positions[after]["key"]) < key:
        if instrument_of(venue.positions[after]) == instrument and not has_sister:
            has_sister = True
            leverage = int(venue.positions[after]["leverage"])
            isolated = int(venue.positions[after]["isolated"])
        before = after
        after = uint32(venue.positions[after]["next"])
    if not has_sister and after != 0 and instrument_of(venue.positions[after]) == instrument:
        leverage = int(venue.positions[after]["leverage"])
        isolated = int(venue.positions[after]["isolated"])
    clear(held)
    venue.queued[venue.accounts.shape[0] + slot]["mark"] = 0
    held["account"] = account
    held["key"] = key
    held["leverage"] = leverage
    held["isolated"] = isolated
    held["next"] = after
    if before == 0:
        venue.accounts[uint32(account)]["first_position"] = slot
    else:
        venue.positions[before]["next"] = slot
    return slot


@inner_inlined
def clear(held: Records) -> None:
    """Forget what a slot held before."""
    held["lots"] = 0
    held["basis_units"] = 0
    held["margin_units"] = 0
    held["bid_units"] = 0
    held["ask_units"] = 0
    held["bid_lots"] = 0
    held["ask_lots"] = 0
    held["reduce_lots"] = 0
    held["cooldown_ns"] = 0
    held["handled"] = 0


@inner_inlined
def soil(venue: Exchange, account: int) -> None:
    """Remember that an account's pools must be looked at when a mark comes."""
    if venue.accounts[uint32(account)]["dirty"] == 0:
        venue.accounts[uint32(account)]["dirty"] = 1
        state = venue.state[0]
        venue.dirty[state["dirty"]] = account
        state["dirty"] += 1


@inner
def settle(
    venue: Exchange, slot: int, lots: int, cost_units: int, keeps_margin: bool
) -> int:  # fmt: skip
    """Add signed lots bought for a cost (sold: both below 0); returns the profit made."""
    stay_apart()
    held = venue.positions[slot]
    account = venue.accounts[uint32(held["account"])]
    soil(venue, int64(held["account"]))
    before = held["lots"]
    size, had = abs(lots), abs(before)
    isolated = int64(held["isolated"]) != 0
    profit = 0
    if (before > 0) == (lots > 0) or before == 0:
        cost_opened = cost_units
    else:
        closed = min(had, size)
        cost_closed = cost_units if closed == size else mul_div_floor(cost_units, closed, size)[0]
        cost_opened = cost_units - cost_closed
        released = held["basis_units"]
        if closed != had:
            released = mul_div_floor(released, closed, had)[0]
        profit = -cost_closed - released
        account["period_units"] += profit
        held["basis_units"] -= released
        held["lots"] += closed if before < 0 else -closed
        if not isolated:
            account["cash_units"] += profit
        elif keeps_margin:
            held["margin_units"] += profit
        else:
            margin = mul_div_floor(held["margin_units"], closed, had)[0]
            held["margin_units"] -= margin
            pay(venue, slot, margin + profit)
        size -= closed
    if size > 0:
        held["lots"] += size if lots > 0 else -size
        held["basis_units"] += cost_opened
        if isolated:
            wanted = -((-abs(cost_opened)) // int64(held["leverage"]))
            moved = min(wanted, max(0, account["cash_units"]))
            account["cash_units"] -= moved
            held["margin_units"] += moved
    contract = contract_of(venue, held)
    contract["long_lots"] += max(held["lots"], 0) - max(before, 0)
    return profit


@inner_inlined
def pay(venue: Exchange, slot: int, amount_units: int) -> None:
    """Pay the holder of a position, or take from them (below 0), see the specification."""
    held = venue.positions[slot]
    if int64(held["isolated"]) != 0 and amount_units < 0:
        held["margin_units"] += amount_units
    else:
        venue.accounts[uint32(held["account"])]["cash_units"] += amount_units


@inner_inlined
def charge(venue: Exchange, slot: int, fee_units: int) -> None:
    """Take a trading fee for the venue, or pay a rebate (below 0)."""
    held = venue.positions[slot]
    account = venue.accounts[uint32(held["account"])]
    if int64(held["isolated"]) != 0 and fee_units > 0:
        from_cash = min(fee_units, max(0, account["cash_units"]))
        account["cash_units"] -= from_cash
        held["margin_units"] -= fee_units - from_cash
    else:
        account["cash_units"] -= fee_units
    venue.accounts[VENUE]["cash_units"] += fee_units
