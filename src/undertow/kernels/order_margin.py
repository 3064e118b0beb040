"""Whether an account can bear one more order: margin, tier, and the limit of a position.

``reference/trading.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.book_orders import rank_of
from undertow.kernels.compile import Records, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.filters import down_by, guide_ticks, up_by
from undertow.kernels.ledger import instrument_of, notional, value
from undertow.kernels.margin import (
    collateral,
    free,
    portfolio_initial,
    tier_number,
)
from undertow.kernels.spot import lacks_balance
from undertow.model.codes import (
    BUY,
    FIRST_CUSTOMER,
    INSUFFICIENT_MARGIN,
    LEVERAGE_ABOVE_TIER,
    NO_REASON,
    POSITION_TOO_LARGE,
    SPOT,
)


@inner_inlined
def lacks_margin(
    venue: Exchange, slot: int, side: int, price: int, lots: int, is_market: bool
) -> int:
    """Why an order that may open a position is too much for its account."""
    held = venue.positions[slot]
    instrument = instrument_of(held)
    contract = venue.contracts[uint32(instrument)]
    if is_market:
        price = market_price(venue, instrument, side)
    if contract["kind"] == SPOT:
        return lacks_balance(venue, slot, side, price, lots)
    if int64(held["account"]) < FIRST_CUSTOMER:
        return NO_REASON
    size = notional(contract, lots, price)
    reason = count_and_judge(venue, held, contract, side, price, lots, size)
    count(held, side, -lots, -size)
    return reason


@inner_inlined
def count_and_judge(
    venue: Exchange, held: Records, contract: Records, side: int, price: int, lots: int, size: int
) -> int:
    """Count a customer's order of this notional, and say why it is too much; it stays counted."""
    account = int64(held["account"])
    sign = 1 if side == BUY else -1
    now = 0
    if held["lots"] != 0:
        now = value(contract, held["lots"], max(contract["mark_ticks"], 1))
        now = abs(now) if held["lots"] > 0 else -abs(now)
    # What would be held if all orders of the order's side were filled, and if all others were.
    mine_lots, others_lots = sign * held["lots"], -sign * held["lots"]
    mine, others = sign * now, -sign * now
    if side == BUY:
        mine_lots, others_lots = mine_lots + held["bid_lots"], others_lots + held["ask_lots"]
        mine, others = mine + held["bid_units"], others + held["ask_units"]
    else:
        mine_lots, others_lots = mine_lots + held["ask_lots"], others_lots + held["bid_lots"]
        mine, others = mine + held["ask_units"], others + held["bid_units"]
    raises = abs(mine + size) > max(abs(mine), abs(others))
    grows = abs(mine_lots + lots) > max(abs(mine_lots), abs(others_lots))
    if int64(venue.accounts[uint32(account)]["portfolio"]) != 0:
        before = portfolio_initial(venue, account)
        count(held, side, lots, size)
        raises = portfolio_initial(venue, account) > before
    else:
        count(held, side, lots, size)
    reason = NO_REASON
    if raises or grows:
        most = max(abs(mine_lots + lots), abs(others_lots))
        gross = max(abs(mine + size), abs(others))
        reason = too_large(venue, held, contract, most, gross)
    if reason == NO_REASON and raises:
        loss = value(contract, sign * lots, price) - value(
            contract, sign * lots, contract["mark_ticks"]
        )
        left = free(venue, account)
        if venue.assets.shape[0] > 1 and int64(held["isolated"]) != 0:
            left -= collateral(venue, account)
        if left < max(0, loss):
            reason = INSUFFICIENT_MARGIN
    return reason


@inner_inlined
def market_price(venue: Exchange, instrument: int, side: int) -> int:
    """The price that the margin of a market order is counted at."""
    contract = venue.contracts[uint32(instrument)]
    other = 2 * instrument + 1 - side
    place = venue.book.sides[uint32(other)]
    price = guide_ticks(contract)
    if place["orders"] > 0:
        price = rank_of(other, place["best_rank"])
    buffer_ppm = venue.rules[0]["market_buffer_ppm"]
    if side == BUY:
        return min(up_by(price, buffer_ppm), contract["max_price_ticks"])
    return max(1, down_by(price, buffer_ppm))


@inner_inlined
def too_large(venue: Exchange, held: Records, contract: Records, most: int, gross: int) -> int:
    """Whether position and orders could exceed the venue's limit, or the tier of the leverage.

    ``most`` are the lots and ``gross`` the notional if all bids, or all asks, were filled.
    """
    if most > contract["max_position_lots"]:
        return POSITION_TOO_LARGE
    tier = venue.tiers[uint32(tier_number(venue, contract, most, gross))]
    return LEVERAGE_ABOVE_TIER if int64(held["leverage"]) > tier["max_leverage"] else NO_REASON


@inner_inlined
def count(held: Records, side: int, lots: int, notional_units: int) -> None:
    """Count a resting order, or (below 0) count it no more."""
    if side == BUY:
        held["bid_lots"] += lots
        held["bid_units"] += notional_units
    else:
        held["ask_lots"] += lots
        held["ask_units"] += notional_units
