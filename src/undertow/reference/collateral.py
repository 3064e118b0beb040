"""Assets beside cash as margin: their prices, and how they become cash when it is owed.

An asset counts with its price less the haircut, rounded down, for what is cross in an account.
Prices are what the venue was told (`ASSET_PRICE`); an asset with a book of its own takes the last
trade of that book, looked up at each mark and at each told price, before anything else is done.

Collateral is sold in two cases, by asset number, and only assets that count as margin:

- auto-exchange: at a mark, cash lies below minus ``exchange_below_units``. What is sold is what
  brings it to 0;
- a cross pool is liquidated and owes cash even if its positions are counted at the mark. What is
  sold is what covers that; the rest goes to the fund when the pool is taken over or wound up.

A sale is a market order in the venue's own spot book, immediate or cancel, without a fee; the
account's other orders there leave first. What no spot instrument trades, and the rest of a pool
that ends, goes to the fund at its value as margin, so that equities stay (but for rounding, never
against the fund); for that the fund's cash may fall below 0.

All of this is assumed: that venues exchange a negative balance beyond a threshold, in an order of
assets, is known; their thresholds, orders and fees are not bundled here.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.accounts import Account
from undertow.reference.book import Order, is_worse
from undertow.reference.contract import MILLION, ceil_div, notional
from undertow.reference.control import cancel_in
from undertow.reference.exchange import Event, Exchange
from undertow.reference.pools import Pool
from undertow.reference.trading import fill, market_limit


def read_books(venue: Exchange) -> None:
    """Let assets with a book of their own take its last price, rounded down, at least 1."""
    for asset in venue.assets:
        if asset.spot < 0 or not asset.asset.own_book:
            continue
        market = venue.markets[asset.spot]
        if market.last_ticks:
            paid = market.last_ticks * market.contract.units
            price = paid * MILLION // market.contract.base_units_per_lot
            asset.price_units = min(max(price, 1), asset.asset.max_price_units)


def counting(venue: Exchange, account: Account) -> list[int]:
    """Numbers of the assets that an account holds as margin."""
    return [
        number
        for number in sorted(account.balances)
        if account.balances[number] > 0 and venue.assets[number].margin_price() > 0
    ]


def owes(venue: Exchange, account: Account) -> bool:
    """Whether an account has too little cash and something that can be sold for it."""
    return account.cash_units < -venue.rules.exchange_below_units and any(
        can_be_sold(venue, account, number) for number in counting(venue, account)
    )


def can_be_sold(venue: Exchange, account: Account, number: int) -> bool:
    """Whether there is a lot to sell; without a book the fund buys, but not from itself."""
    spot = venue.assets[number].spot
    if spot < 0:
        return account.number != codes.FUND
    return account.balances[number] >= venue.contracts[spot].base_units_per_lot


def exchange(venue: Exchange, account: Account) -> None:
    """Make negative cash up by selling collateral; what finds no buyer waits for the next mark."""
    venue.write(Event(
        codes.AUTO_EXCHANGE, NO_REASON, 0, 0, -1, account.number, 0, 0, 0,
        amount_units=account.cash_units,
    ))  # fmt: skip
    sell(venue, account, -account.cash_units)


def sell(venue: Exchange, account: Account, owed_units: int) -> None:
    """Sell collateral until an amount is covered or nothing is left that somebody buys."""
    for number in counting(venue, account):
        if owed_units <= 0:
            return
        if not can_be_sold(venue, account, number):
            continue
        before = account.cash_units
        if venue.assets[number].spot < 0:
            price = venue.assets[number].margin_price()
            units = ceil_div(owed_units * MILLION, price)
            give_to_fund(venue, account, number, min(units, account.balances[number]))
        else:
            sell_in_book(venue, account, number, owed_units)
        owed_units -= account.cash_units - before


def sell_in_book(venue: Exchange, account: Account, number: int, owed_units: int) -> None:
    """One market order for the lots that cover an amount at the prices they meet."""
    instrument = venue.assets[number].spot
    market = venue.markets[instrument]
    if market.halted:
        return
    contract = market.contract
    cancel_in(venue, account.number, {instrument}, codes.BY_EXCHANGE)
    limit = market_limit(market, codes.SELL)
    while owed_units > 0:
        makers = market.book.resting(codes.BUY)
        lots = account.balances[number] // contract.base_units_per_lot
        if not makers or is_worse(codes.BUY, makers[0].price_ticks, limit) or lots == 0:
            return
        maker = makers[0]
        one = notional(contract, 1, maker.price_ticks)
        lots = min(lots, maker.open_lots, ceil_div(owed_units, one))
        taker = Order(0, account.number, codes.SELL, limit, lots, 0, False, 0)
        fill(venue, instrument, taker, maker, lots, codes.BY_EXCHANGE)
        owed_units -= lots * one


def hand_over(venue: Exchange, pool: Pool) -> None:
    """Turn all collateral of a pool that ends into cash: the fund takes what is left."""
    account = pool.account
    if pool.position is not None or account.number == codes.FUND:
        return
    for number in counting(venue, account):
        instrument = venue.assets[number].spot
        if instrument >= 0:
            cancel_in(venue, account.number, {instrument}, codes.BY_EXCHANGE)
        give_to_fund(venue, account, number, account.balances[number])


def give_to_fund(venue: Exchange, account: Account, number: int, units: int) -> None:
    """The fund takes some of an asset and pays what that counts as margin."""
    asset, fund = venue.assets[number], venue.account(codes.FUND)
    paid = asset.worth(units)
    account.balances[number] -= units
    fund.balances[number] = fund.balances.get(number, 0) + units
    account.cash_units += paid
    fund.cash_units -= paid
    venue.write(Event(
        codes.COLLATERAL_TAKEN, NO_REASON, 0, 0, -1, account.number, 0, 0, units,
        amount_units=paid, maker_account=codes.FUND, maker_amount_units=-paid, asset=number,
    ))  # fmt: skip
