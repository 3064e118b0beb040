"""How much margin positions and orders need, and what an account has; all at the marks."""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.ledger import MILLION, contract_of, notional, of_million, value
from undertow.kernels.portfolio import portfolio_needs
from undertow.model.codes import SPOT


@inner_inlined
def tier_number(venue: Exchange, contract: Records, lots: int, notional_units: int) -> int:
    """The last tier whose floor lies below the size; the first for anything up to the second."""
    size = abs(lots) if contract["tiers_by_lots"] != 0 else notional_units
    number = contract["first_tier"]
    last = number + contract["tiers"] - 1
    while number < last and size > venue.tiers[uint32(number + 1)]["floor"]:
        number += 1
    return number


@inner
def maintenance(venue: Exchange, held: Records, contract: Records, price_ticks: int) -> int:
    """Maintenance margin of a position at a price, with the fee where the venue counts it."""
    stay_apart()
    lots = held["lots"]
    if lots == 0:
        return 0
    size = abs(held["basis_units"])
    if venue.rules[0]["maintenance_at_entry"] == 0:
        size = notional(contract, lots, price_ticks)
    tier = venue.tiers[uint32(tier_number(venue, contract, lots, size))]
    rate_ppm = tier["maintenance_ppm"]
    if contract["slope_ppb_per_lot"] != 0:
        rate_ppm += abs(lots) * contract["slope_ppb_per_lot"] // 1000
    needed = max(0, of_million(size, rate_ppm) - tier["deduction_units"])
    if venue.rules[0]["counts_fee"] != 0:
        needed += of_million(size, contract["liquidation_fee_ppm"])
    return needed


@inner_inlined
def gross_exposure(held: Records, size: int) -> int:
    """The larger of what notional would be if all bids, or all asks, were filled."""
    signed = size if held["lots"] > 0 else -size
    return max(abs(signed + held["bid_units"]), abs(signed - held["ask_units"]))


@inner_inlined
def highest_fee_ppm(contract: Records) -> int:
    """The fee that a trade may cost, whoever takes; never below 0."""
    return max(0, contract["maker_fee_ppm"], contract["taker_fee_ppm"])


@inner_inlined
def with_fee(contract: Records, cost_units: int) -> int:
    """A cost and the most fee that it may come with, rounded up."""
    return cost_units + of_million(cost_units, highest_fee_ppm(contract))


@inner_inlined
def worth(asset: Records, units: int) -> int:
    """What some units of an asset count as margin, in cash units, rounded down."""
    price = asset["margin_price_units"]
    whole = units // MILLION
    return whole * price + (units - whole * MILLION) * price // MILLION


@inner
def collateral(venue: Exchange, account: int) -> int:
    """What all assets beside cash count as margin, each rounded down."""
    assets = venue.assets.shape[0]
    total = 0
    for number in range(1, assets):
        units = venue.holdings[account * assets + number]["units"]
        if units != 0:
            total += worth(venue.assets[number], units)
    return total


@inner
def spot_initial(held: Records, contract: Records) -> int:
    """What the bids of a spot instrument cost; apart, as it is rare where speed counts."""
    return with_fee(contract, held["bid_units"])


@inner_inlined
def initial(held: Records, contract: Records, size: int) -> int:
    """What a position of a size and its orders reserve of the account's cash, rounded up."""
    gross = gross_exposure(held, size)
    if int64(held["isolated"]) != 0:
        gross -= size
    return -((-gross) // int64(held["leverage"]))


@inner_inlined
def unrealised(venue: Exchange, held: Records) -> int:
    """Profit of a position at its mark."""
    if held["lots"] == 0:
        return 0
    contract = contract_of(venue, held)
    return value(contract, held["lots"], contract["mark_ticks"]) - held["basis_units"]


@inner
def free(venue: Exchange, account: int) -> int:
    """What is left of an account's cross equity for new orders and withdrawals."""
    stay_apart()
    left = venue.accounts[uint32(account)]["cash_units"]
    nets = int64(venue.accounts[uint32(account)]["portfolio"]) != 0
    if nets:
        left -= portfolio_initial(venue, account)
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        contract = contract_of(venue, held)
        if contract["kind"] == SPOT:
            left -= spot_initial(held, contract)
        else:
            worth_units = value(contract, held["lots"], max(contract["mark_ticks"], 1))
            if not nets:
                left -= initial(held, contract, abs(worth_units))
            if int64(held["isolated"]) == 0:
                left += worth_units - held["basis_units"]
        slot = uint32(held["next"])
    if venue.assets.shape[0] > 1:
        left += collateral(venue, account)
    return left


@inner_inlined
def portfolio_initial(venue: Exchange, account: int) -> int:
    """What positions and orders reserve where they are margined by their net risk."""
    needed = portfolio_needs(venue, account, True)
    return of_million(needed, venue.rules[0]["portfolio_initial_ppm"])


@inner
def free_without(venue: Exchange, account: int, asset: int, units: int) -> int:
    """What would be free if the account had less of an asset."""
    holding = venue.holdings[account * venue.assets.shape[0] + asset]
    holding["units"] -= units
    left = free(venue, account)
    holding["units"] += units
    return left


@inner
def cross_equity(venue: Exchange, account: int) -> int:
    """Cash, what collateral counts, and the profit of all cross positions."""
    stay_apart()
    total = venue.accounts[uint32(account)]["cash_units"]
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        if int64(held["isolated"]) == 0:
            total += unrealised(venue, held)
        slot = uint32(held["next"])
    if venue.assets.shape[0] > 1:
        total += collateral(venue, account)
    return total


@inner
def cross_maintenance(venue: Exchange, account: int) -> int:
    """What the cross positions of an account must hold."""
    stay_apart()
    if int64(venue.accounts[uint32(account)]["portfolio"]) != 0:
        return portfolio_needs(venue, account, False)
    total = 0
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        if int64(held["isolated"]) == 0 and held["lots"] != 0:
            contract = contract_of(venue, held)
            total += maintenance(venue, held, contract, contract["mark_ticks"])
        slot = uint32(held["next"])
    return total
