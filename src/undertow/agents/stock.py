"""What makers bring along, and what of it they have used: money, coins, positions."""

from __future__ import annotations

import numpy as np

from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import known


def bring(
    place: Place,
    orders: Orders,
    accounts: int,
    prices: Floats,
    worth_usd: Floats,
    share: Floats,
    leverage: int,
) -> Floats:
    """Pay in at all venues, and set the leverage that margin is counted with.

    Parameters
    ----------
    prices
        By asset, in dollars.
    worth_usd
        By venue and asset: cash at leveraged venues; at spot markets as much cash, and again as
        much in coins.
    share
        By account, which part of it that account gets.
    leverage
        At leveraged venues.

    Returns
    -------
    numpy.ndarray
        Coins brought, by venue and asset.
    """
    coins = np.zeros(worth_usd.shape)
    numbers = np.arange(accounts)
    for venue in range(len(place.venues)):
        assets = np.flatnonzero(place.listed[venue] & (worth_usd[venue] > 0) & (prices > 0))
        if not len(assets):
            continue
        worth = worth_usd[venue, assets]
        orders.move_cash(venue, numbers, share * worth.sum())
        each = np.repeat(assets, accounts)
        who = np.tile(numbers, len(assets))
        if place.is_spot[venue]:
            quantity = np.outer(worth / prices[assets], share)
            orders.bring_coins(venue, each, who, quantity.ravel())
            coins[venue, assets] = quantity.sum(axis=1)
        else:
            orders.set_leverage(venue, each, who, leverage)
    return coins


def held(seen: Observation, coins: Floats) -> Floats:
    """Coins held (above 0) or owed by all own accounts, less what was brought."""
    if seen.quantity is None:
        return np.zeros_like(coins)
    total: Floats = known(seen.quantity).sum(axis=1) - coins
    return total
