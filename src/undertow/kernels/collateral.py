"""Assets beside cash as margin: their prices, and how they become cash when it is owed.

``reference/collateral.py`` says the same in plain Python. Nobody is looked at while a price rises;
when it falls, all holders of the asset are: a price costs as much as there are holders.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.book_arrays import NONE
from undertow.kernels.book_orders import rank_of
from undertow.kernels.compile import inner, inner_inlined, int64
from undertow.kernels.control import cancel_in
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.filters import market_limit
from undertow.kernels.integers import mul_div_ceil, mul_div_floor
from undertow.kernels.ledger import MILLION, notional, soil
from undertow.kernels.margin import worth
from undertow.kernels.matching import best_maker, order_price
from undertow.kernels.pools import can_be_sold, counts, is_new_exchange, owes
from undertow.kernels.spot import hold
from undertow.kernels.trading import fill, write
from undertow.model.codes import (
    AUTO_EXCHANGE,
    BY_EXCHANGE,
    COLLATERAL_TAKEN,
    FUND,
    NO_REASON,
    ONE_WAY,
    SELL,
)


@inner
def set_asset_price(venue: Exchange, number: int, price_units: int) -> None:
    """Set a price; if the asset is worth less, or something at last, look at its holders."""
    stay_apart()
    asset = venue.assets[number]
    before, falls = asset["margin_price_units"], price_units < asset["price_units"]
    asset["price_units"] = price_units
    counted = mul_div_floor(price_units, MILLION - asset["haircut_ppm"], MILLION)[0]
    asset["margin_price_units"] = counted
    if falls or before == 0:
        soil_holders(venue, number)


@inner_inlined
def soil_holders(venue: Exchange, number: int) -> None:
    """Let all holders of an asset be looked at; those who have sold all leave the list."""
    assets = venue.assets.shape[0]
    holder, kept = venue.assets[number]["first_holder"], 0
    venue.assets[number]["first_holder"] = 0
    while holder != 0:
        holding = venue.holdings[(holder - 1) * assets + number]
        after = int64(holding["next"])
        if holding["units"] == 0:
            holding["is_listed"] = 0
        else:
            soil(venue, holder - 1)
            holding["next"] = kept
            kept = holder
        holder = after
    venue.assets[number]["first_holder"] = kept


@inner
def read_books(venue: Exchange) -> None:
    """Let assets with a book of their own take its last price, rounded down, at least 1."""
    stay_apart()
    for number in range(1, venue.assets.shape[0]):
        asset = venue.assets[number]
        if asset["own_book"] == 0 or asset["spot"] < 0:
            continue
        contract = venue.contracts[asset["spot"]]
        if contract["last_ticks"] != 0:
            paid = contract["last_ticks"] * contract["units"]
            price, fits = mul_div_floor(paid, MILLION, contract["base_units_per_lot"])
            most = asset["max_price_units"]
            price = min(max(price, 1), most) if fits else most
            if price != asset["price_units"]:
                set_asset_price(venue, number, price)


@inner_inlined
def exchange(venue: Exchange, account: int) -> None:
    """Make negative cash up by selling collateral, once in a mark."""
    if not is_new_exchange(venue, account) or not owes(venue, account):
        return
    venue.holdings[account * venue.assets.shape[0]]["units"] = venue.state[0]["mark_number"]
    cash = venue.accounts[account]["cash_units"]
    event = write(venue, AUTO_EXCHANGE, NO_REASON, 0, 0, -1, account, 0, 0, 0, 0)
    event["amount_units"] = cash
    sell(venue, account, -cash)


@inner
def sell(venue: Exchange, account: int, owed_units: int) -> None:
    """Sell collateral until an amount is covered or nothing is left that somebody buys."""
    stay_apart()
    for number in range(1, venue.assets.shape[0]):
        if owed_units <= 0:
            return
        if not counts(venue, account, number) or not can_be_sold(venue, account, number):
            continue
        before = venue.accounts[account]["cash_units"]
        asset = venue.assets[number]
        if asset["spot"] < 0:
            units = venue.holdings[account * venue.assets.shape[0] + number]["units"]
            needed, fits = mul_div_ceil(owed_units, MILLION, asset["margin_price_units"])
            if fits:
                units = min(units, needed)
            give_to_fund(venue, account, number, units)
        else:
            sell_in_book(venue, account, number, owed_units)
        owed_units -= venue.accounts[account]["cash_units"] - before


@inner_inlined
def sell_in_book(venue: Exchange, account: int, number: int, owed_units: int) -> None:
    """One market order for the lots that cover an amount at the prices they meet."""
    instrument = venue.assets[number]["spot"]
    contract = venue.contracts[instrument]
    if contract["halted"] != 0:
        return
    cancel_in(venue, account, instrument, 0, BY_EXCHANGE)
    bids = 2 * instrument
    worst = rank_of(bids, market_limit(contract, SELL))
    holding = venue.holdings[account * venue.assets.shape[0] + number]
    while owed_units > 0:
        maker = best_maker(venue.book, bids, worst)
        lots = holding["units"] // contract["base_units_per_lot"]
        if maker == NONE or lots == 0:
            return
        one = notional(contract, 1, order_price(venue.book, maker))
        lots = min(lots, venue.book.orders[maker]["quantity_lots"], -((-owed_units) // one))
        fill(venue, 0, account, ONE_WAY, bids + 1, maker, lots, 0, BY_EXCHANGE)
        owed_units -= lots * one


@inner
def hand_over(venue: Exchange, pool: int) -> None:
    """Turn all collateral of a pool that ends into cash: the fund takes what is left."""
    stay_apart()
    account = pool >> 24
    if pool & 0xFFFFFF != 0 or account == FUND:
        return
    for number in range(1, venue.assets.shape[0]):
        if counts(venue, account, number):
            spot = venue.assets[number]["spot"]
            if spot >= 0:
                cancel_in(venue, account, spot, 0, BY_EXCHANGE)
            units = venue.holdings[account * venue.assets.shape[0] + number]["units"]
            give_to_fund(venue, account, number, units)


@inner_inlined
def give_to_fund(venue: Exchange, account: int, number: int, units: int) -> None:
    """The fund takes some of an asset and pays what that counts as margin."""
    paid = worth(venue.assets[number], units)
    hold(venue, account, number, -units)
    hold(venue, FUND, number, units)
    venue.accounts[account]["cash_units"] += paid
    venue.accounts[FUND]["cash_units"] -= paid
    event = write(venue, COLLATERAL_TAKEN, NO_REASON, 0, 0, -1, account, 0, 0, units, 0)
    event["amount_units"] = paid
    event["maker_account"] = FUND
    event["maker_amount_units"] = -paid
    event["asset"] = number
