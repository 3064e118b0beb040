"""Spot instruments: an asset against cash, without leverage and without positions.

``reference/spot.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import MILLION, contract_of, notional, of_million, soil
from undertow.kernels.margin import free, free_without, highest_fee_ppm, spot_initial, with_fee
from undertow.model.codes import (
    BUY,
    FIRST_CUSTOMER,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_MARGIN,
    NO_REASON,
    SPOT,
    VENUE,
)


@inner
def spare_cash(venue: Exchange, account: int) -> int:
    """Cash that neither spot bids nor margin need."""
    bids = 0
    slot = uint32(venue.accounts[account]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        contract = contract_of(venue, held)
        if contract["kind"] == SPOT:
            bids += spot_initial(held, contract)
        slot = uint32(held["next"])
    return min(free(venue, account), venue.accounts[account]["cash_units"] - bids)


@inner
def spare_units(venue: Exchange, account: int, asset: int) -> int:
    """Units of an asset that no resting ask has promised."""
    left = venue.holdings[account * venue.assets.shape[0] + asset]["units"]
    slot = uint32(venue.accounts[account]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        contract = contract_of(venue, held)
        if contract["base_asset"] == asset:
            left -= held["ask_lots"] * contract["base_units_per_lot"]
        slot = uint32(held["next"])
    return left


@inner
def lacks_balance(venue: Exchange, slot: int, side: int, price: int, lots: int) -> int:
    """Why an account cannot trade some lots at a price."""
    held = venue.positions[slot]
    account = int64(held["account"])
    contract = contract_of(venue, held)
    is_customer = account >= FIRST_CUSTOMER
    cost = notional(contract, lots, price)
    if side == BUY:
        if is_customer and with_fee(contract, cost) > spare_cash(venue, account):
            return INSUFFICIENT_BALANCE
        return NO_REASON
    number = contract["base_asset"]
    units = lots * contract["base_units_per_lot"]
    if units > spare_units(venue, account, number):
        return INSUFFICIENT_BALANCE
    fee = of_million(cost, highest_fee_ppm(contract))
    left = free_without(venue, account, number, units) + cost - fee
    if is_customer and left < 0 and left < free(venue, account):
        return INSUFFICIENT_MARGIN
    return NO_REASON


@inner
def highest_price(venue: Exchange, account: int, contract: Records, lots: int) -> int:
    """The highest price at which an account can pay for all lots, with the fee."""
    room = spare_cash(venue, account)
    cost = mul_div_floor(room, MILLION, MILLION + highest_fee_ppm(contract))[0]
    return cost // (lots * contract["units"])


@inner_inlined
def hold(venue: Exchange, account: int, asset: int, units: int) -> None:
    """Give an account some units of an asset, or (below 0) take them.

    Once it holds some it is in the list of those who are looked at when the price falls.
    """
    place = account * venue.assets.shape[0] + asset
    holding = venue.holdings[place]
    holding["units"] += units
    soil(venue, account)
    if int64(holding["is_listed"]) == 0:
        holding["is_listed"] = 1
        holding["next"] = venue.assets[asset]["first_holder"]
        venue.assets[asset]["first_holder"] = account + 1


@inner
def swap(
    venue: Exchange, contract: Records, taker: int, maker: int, lots: int, cost_units: int,
    forced: bool,
) -> tuple[int, int]:  # fmt: skip
    """The taker gets signed lots for a cost from the maker; their fees. By force it pays none."""
    fee = 0 if forced else contract["taker_fee_ppm"]
    fee = trade(venue, taker, contract, lots, cost_units, fee)
    return fee, trade(venue, maker, contract, -lots, -cost_units, contract["maker_fee_ppm"])


@inner_inlined
def trade(
    venue: Exchange, account: int, contract: Records, lots: int, cost_units: int, fee_ppm: int
) -> int:
    """Give an account signed lots for a cost (sold: both below 0); returns its fee."""
    hold(venue, account, contract["base_asset"], lots * contract["base_units_per_lot"])
    cash = venue.accounts[account]["cash_units"] - cost_units
    fee = 0
    if account >= FIRST_CUSTOMER:
        fee = of_million(abs(cost_units), fee_ppm)
        if lots > 0 and fee > 0:
            fee = min(fee, max(0, cash))
    venue.accounts[account]["cash_units"] = cash - fee
    venue.accounts[VENUE]["cash_units"] += fee
    return fee
