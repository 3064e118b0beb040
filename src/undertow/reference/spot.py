"""Spot instruments: an asset against cash, without leverage and without positions.

Resting bids reserve cash, with the highest fee; resting asks reserve the asset.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.model.contracts import Contract
from undertow.reference.accounts import Account
from undertow.reference.contract import (
    MILLION,
    highest_fee_ppm,
    notional,
    of_million,
    with_fee,
)
from undertow.reference.exchange import Command, Exchange


def spare_cash(venue: Exchange, account: Account) -> int:
    """Cash that neither spot bids nor margin need."""
    bids = sum(
        venue.initial(held)
        for held in account.in_order()
        if venue.contracts[held.instrument].kind == codes.SPOT
    )
    return min(venue.free(account), account.cash_units - bids)


def spare_units(venue: Exchange, account: Account, asset: int) -> int:
    """Units of an asset that no resting ask has promised."""
    promised = sum(
        held.ask_lots * venue.contracts[held.instrument].base_units_per_lot
        for held in account.in_order()
        if venue.contracts[held.instrument].base_asset == asset
    )
    return account.balances.get(asset, 0) - promised


def lacks_balance(venue: Exchange, command: Command, price: int, lots: int) -> int:
    """Why an account cannot trade some lots at a price.

    A buyer needs the cash, a seller the asset; what a sale loses against the asset's value as
    margin must be free. The venue's own accounts may buy with cash that they lack.
    """
    contract = venue.markets[command.instrument].contract
    account = venue.account(command.account)
    is_customer = command.account >= codes.FIRST_CUSTOMER
    cost = notional(contract, lots, price)
    if command.side == codes.BUY:
        lacks = is_customer and with_fee(contract, cost) > spare_cash(venue, account)
        return codes.INSUFFICIENT_BALANCE if lacks else NO_REASON
    units = lots * contract.base_units_per_lot
    if units > spare_units(venue, account, contract.base_asset):
        return codes.INSUFFICIENT_BALANCE
    fee = of_million(cost, highest_fee_ppm(contract))
    left = venue.free_without(account, contract.base_asset, units) + cost - fee
    if is_customer and left < 0 and left < venue.free(account):
        return codes.INSUFFICIENT_MARGIN
    return NO_REASON


def highest_price(venue: Exchange, account: Account, contract: Contract, lots: int) -> int:
    """The highest price at which an account can pay for all lots, with the fee."""
    room = spare_cash(venue, account)
    cost = room * MILLION // (MILLION + highest_fee_ppm(contract))
    return cost // (lots * contract.units)


def trade(
    venue: Exchange, account: Account, contract: Contract, lots: int, cost_units: int, fee_ppm: int
) -> int:
    """Give an account signed lots for a cost (sold: both below 0); returns its fee.

    A buyer's fee takes no more than the cash that there is: fees of many fills, each rounded up,
    are not lent.
    """
    balance = account.balances.get(contract.base_asset, 0)
    account.balances[contract.base_asset] = balance + lots * contract.base_units_per_lot
    account.cash_units -= cost_units
    fee = 0
    if account.number >= codes.FIRST_CUSTOMER:
        fee = of_million(abs(cost_units), fee_ppm)
        if lots > 0 and fee > 0:
            fee = min(fee, max(0, account.cash_units))
    account.cash_units -= fee
    venue.account(codes.VENUE).cash_units += fee
    return fee
