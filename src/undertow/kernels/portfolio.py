"""Portfolio margin: an account's risks, netted by underlying and shocked.

``reference/portfolio.py`` says the same in plain Python, and whose rule it is.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_ceil, mul_div_floor
from undertow.kernels.ledger import MILLION, instrument_of, notional, of_million
from undertow.model.codes import INVERSE, SPOT

POSITIONS_ONLY, WITH_BIDS, WITH_ASKS = 0, 1, 2


@inner
def portfolio_needs(venue: Exchange, account: int, orders: bool) -> int:
    """What all units of risk of an account need together; with orders, at their worst."""
    stay_apart()
    total, first = 0, uint32(venue.accounts[account]["first_position"])
    slot = first
    while slot != 0:
        unit = unit_of(venue, slot)
        before = first
        while before != slot and unit_of(venue, before) != unit:
            before = uint32(venue.positions[before]["next"])
        if before == slot and venue.contracts[instrument_at(venue, slot)]["kind"] != SPOT:
            needed = unit_needs(venue, slot, unit, POSITIONS_ONLY)
            if orders:
                needed = max(needed, unit_needs(venue, slot, unit, WITH_BIDS))
                needed = max(needed, unit_needs(venue, slot, unit, WITH_ASKS))
            total += needed
        slot = uint32(venue.positions[slot]["next"])
    return total


@inner_inlined
def instrument_at(venue: Exchange, slot: int) -> int:
    """The instrument of a position."""
    return instrument_of(venue.positions[slot])


@inner_inlined
def unit_of(venue: Exchange, slot: int) -> int:
    """The unit of risk of a position: its underlying, or itself where none is known (below 0)."""
    instrument = instrument_at(venue, slot)
    underlying = venue.contracts[instrument]["underlying"]
    return -1 - instrument if underlying == 0 else underlying


@inner
def unit_needs(venue: Exchange, first: int, unit: int, orders: int) -> int:
    """What one unit needs, of which this is the account's first position."""
    rules = venue.rules[0]
    longs, shorts, linear, inverse, fees, range_ppm = 0, 0, 0, 0, 0, 0
    slot = uint32(first)
    while slot != 0:
        held = venue.positions[slot]
        contract = venue.contracts[instrument_at(venue, slot)]
        if contract["kind"] != SPOT and unit_of(venue, slot) == unit:
            size = size_of(held, contract, orders)
            longs += max(0, size)
            shorts += max(0, -size)
            if contract["kind"] == INVERSE:
                inverse += size
            else:
                linear += size
            if size != 0:  # what is flat must not raise what the others need
                range_ppm = max(range_ppm, contract["portfolio_range_ppm"])
            if rules["counts_fee"] != 0:
                fees += of_million(abs(size), contract["liquidation_fee_ppm"])
        slot = uint32(held["next"])
    used = 0
    if 0 < unit < venue.assets.shape[0] and shorts > longs:
        account = int64(venue.positions[first]["account"])
        units = venue.holdings[account * venue.assets.shape[0] + unit]["units"]
        worth = mul_div_floor(units, venue.assets[unit]["price_units"], MILLION)[0]
        used = min(worth, shorts - longs)
    worst, steps = 0, rules["portfolio_steps"]
    for step in range(-steps, steps + 1):
        move_ppm = range_ppm * abs(step) // steps
        if step < 0:
            move_ppm = -move_ppm
        gain = mul_div_floor(linear + used, move_ppm, MILLION)[0]
        if inverse != 0:
            gain += inverse - mul_div_ceil(inverse, MILLION, MILLION + move_ppm)[0]
        worst = max(worst, -gain)
    needed = worst + of_million(min(longs + used, shorts), rules["portfolio_hedged_ppm"])
    return max(needed, of_million(longs + shorts, rules["portfolio_least_ppm"])) + fees


@inner_inlined
def size_of(held: Records, contract: Records, orders: int) -> int:
    """Signed notional of a position, as if its bids or its asks were filled."""
    size = 0
    if held["lots"] != 0:
        size = notional(contract, held["lots"], contract["mark_ticks"])
        if held["lots"] < 0:
            size = -size
    if orders == WITH_BIDS:
        size += held["bid_units"]
    elif orders == WITH_ASKS:
        size -= held["ask_units"]
    return size


@inner
def portfolio_loss_ppm(venue: Exchange, contract: Records) -> int:
    """Millionths of a position's move that its account's spare margin falls by at most.

    The move itself, and what is needed more: by the scan (of an inverse contract also through the
    spot that it frees), by the charge on what is hedged or on all, and by the fee.
    """
    rules, range_ppm = venue.rules[0], contract["unit_range_ppm"]
    rate_ppm = range_ppm
    if contract["kind"] == INVERSE:
        rate_ppm += -((-range_ppm * MILLION) // (MILLION - range_ppm))
    rate_ppm = max(rate_ppm + rules["portfolio_hedged_ppm"], rules["portfolio_least_ppm"])
    if rules["counts_fee"] != 0:
        rate_ppm += contract["liquidation_fee_ppm"]
    return MILLION + rate_ppm
