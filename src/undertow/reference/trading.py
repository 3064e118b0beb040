"""Orders of customers: what is refused and why, and how an order meets the book.

The checks run in the order in which they stand here; the first that fails gives the reason. A
trade is settled fill by fill: the taker first, then the maker, then the orders of either that may
only reduce and no longer can.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.model.contracts import Contract
from undertow.reference.accounts import (
    Account,
    Position,
    charge,
    gross_exposure,
    settle,
)
from undertow.reference.book import Order, is_worse
from undertow.reference.contract import MILLION, ceil_div, notional, of_million, tier_number, value
from undertow.reference.exchange import Command, Event, Exchange, Market
from undertow.reference.pools import bankruptcy_price
from undertow.reference.spot import highest_price, lacks_balance
from undertow.reference.spot import trade as trade_spot

FORCES = (codes.GTC, codes.IOC, codes.FOK, codes.POST_ONLY)


def rejection(command: Command, reason: int) -> Event:
    """A refused command with its own numbers."""
    return Event(
        codes.REJECTED, reason, command.side, command.leg, command.instrument, command.account,
        command.order_id, command.price_ticks, command.quantity_lots,
    )  # fmt: skip


def about(kind: int, reason: int, order: Order, command: Command, price: int, leaves: int) -> Event:
    """An event about all that is open of one order."""
    return Event(
        kind, reason, order.side, order.leg, command.instrument, order.account, order.order_id,
        price, order.open_lots, leaves,
    )  # fmt: skip


def enter(venue: Exchange, command: Command) -> None:
    """A new limit or market order."""
    reason = refusal(venue, command)
    if reason != NO_REASON:
        venue.write(rejection(command, reason))
        return
    market = venue.markets[command.instrument]
    is_market = command.kind == codes.MARKET
    price = market_limit(market, command.side) if is_market else command.price_ticks
    contract = market.contract
    pays = command.side == codes.BUY and command.account >= codes.FIRST_CUSTOMER
    if is_market and contract.kind == codes.SPOT and pays:  # no further up than it can pay
        account = venue.account(command.account)
        price = min(price, highest_price(venue, account, contract, command.quantity_lots))
    held = venue.position(command.account, command.instrument, command.leg)
    if is_market and is_past_bankruptcy(venue, held, command.side, price):
        price = worst_closing_price(venue, held)
    order = Order(
        command.order_id, command.account, command.side, price, command.quantity_lots,
        command.expire_ns, command.time_in_force == codes.POST_ONLY, 0,
        reduce_only=bool(command.flags & codes.REDUCE_ONLY), leg=command.leg,
    )  # fmt: skip
    shown = 0 if is_market else price
    venue.write(about(codes.ACCEPTED, NO_REASON, order, command, shown, order.open_lots))
    if command.time_in_force == codes.FOK and not market.book.could_fill(order, command.self_trade):
        venue.write(about(codes.CANCELLED, codes.FOK_UNFILLED, order, command, shown, 0))
        return
    finish(venue, command, order, shown)


def finish(venue: Exchange, command: Command, order: Order, shown: int) -> None:
    """Fill an accepted order as far as possible; the rest rests or leaves."""
    reason = match(venue, command.instrument, order, command.self_trade)
    if order.open_lots == 0:
        return
    if reason == NO_REASON and command.kind == codes.MARKET:
        reason = codes.NO_LIQUIDITY
    elif reason == NO_REASON and command.time_in_force == codes.IOC:
        reason = codes.IOC_REMAINDER
    elif reason == NO_REASON and command.time_in_force == codes.FOK:
        reason = codes.FOK_UNFILLED  # a maker's order left while the order was being filled
    if reason == NO_REASON and only_reduces(order):
        held = venue.position(order.account, command.instrument, order.leg)
        if order.open_lots + held.reduce_lots > closable(held, order.side):
            reason = codes.REDUCE_ONLY_EXCESS
    if reason != NO_REASON:
        venue.write(about(codes.CANCELLED, reason, order, command, shown, 0))
        return
    rest(venue, command.instrument, order)


def rest(venue: Exchange, instrument: int, order: Order) -> None:
    """Put an order behind all others of its price; orders are numbered over all instruments."""
    book = venue.markets[instrument].book
    book.next_sequence = venue.next_sequence
    book.rest(order)
    venue.next_sequence += 1
    reserve(venue, instrument, order, order.open_lots)


def market_limit(market: Market, side: int) -> int:
    """The worst price that a market order may be filled at."""
    bound_ppm, guide = market.contract.market_bound_ppm, market.guide_ticks
    if bound_ppm == 0 or guide == 0:
        return codes.MOST_PRICE_TICKS if side == codes.BUY else 1
    if side == codes.BUY:
        return guide * (MILLION + bound_ppm) // MILLION
    return max(1, ceil_div(guide * (MILLION - bound_ppm), MILLION))


def refusal(venue: Exchange, command: Command) -> int:
    """Why an order is not taken; `NO_REASON` if it is."""
    reason = bad_words(venue, command)
    if reason != NO_REASON:
        return reason
    market = venue.markets[command.instrument]
    is_market = command.kind == codes.MARKET
    price = market.guide_ticks if is_market else command.price_ticks
    is_spot = market.contract.kind == codes.SPOT
    if is_market and is_spot and price == 0:
        price = next((order.price_ticks for order in market.book.resting(1 - command.side)), 0)
    has_mark = market.mark_ticks != 0 or (is_spot and (price != 0 or not is_market))
    for is_wrong, reason in (
        (command.order_id <= 0, codes.ORDER_ID_NOT_POSITIVE),
        (is_open(venue, command.order_id), codes.DUPLICATE_ORDER),
        (0 != command.expire_ns <= venue.now_ns, codes.ALREADY_EXPIRED),
        (not has_mark, codes.NO_MARK),
    ):
        if is_wrong:
            return reason
    reduces = bool(command.flags & codes.REDUCE_ONLY)
    reason = bad_size(market, command.side, price, command.quantity_lots, reduces, is_market)
    if reason != NO_REASON:
        return reason
    held = venue.position(command.account, command.instrument, command.leg)
    reduces = reduces or closes_leg(command)
    # What cannot rest goes before those that do: `shrink` cancels these as it is filled.
    rests = not is_market and command.time_in_force in (codes.GTC, codes.POST_ONLY)
    claimed = held.reduce_lots if rests else 0
    if reduces and command.quantity_lots + claimed > closable(held, command.side):
        return codes.REDUCE_ONLY_WOULD_FLIP
    if not is_market and is_past_bankruptcy(venue, held, command.side, price):
        return codes.PAST_BANKRUPTCY
    if command.time_in_force == codes.POST_ONLY:
        reason = market.book.would_take(command.side, price)
    if reason != NO_REASON or reduces:
        return reason
    return lacks_margin(venue, command, price, command.quantity_lots)


def bad_words(venue: Exchange, command: Command) -> int:
    """Why the words of an order make no sense here, whatever its numbers."""
    if command.instrument not in range(len(venue.markets)):
        return codes.UNKNOWN_INSTRUMENT
    if command.account not in range(venue.count):
        return codes.UNKNOWN_ACCOUNT
    is_market = command.kind == codes.MARKET
    hedge = venue.account(command.account).hedge
    is_spot = venue.contracts[command.instrument].kind == codes.SPOT
    legs = (codes.LONG, codes.SHORT) if hedge and not is_spot else (codes.ONE_WAY,)
    for is_wrong, reason in (
        (venue.markets[command.instrument].halted, codes.HALTED),
        (command.side not in (codes.BUY, codes.SELL), codes.BAD_SIDE),
        (command.time_in_force not in FORCES[: 3 if is_market else 4], codes.BAD_TIME_IN_FORCE),
        (command.self_trade not in range(codes.CANCEL_BOTH + 1), codes.BAD_SELF_TRADE_MODE),
        (command.leg not in legs, codes.BAD_LEG),
    ):
        if is_wrong:
            return reason
    return NO_REASON


def is_open(venue: Exchange, order_id: int) -> bool:
    """Whether an order with this id rests or waits."""
    resting = any(order_id in market.book.orders for market in venue.markets)
    return resting or order_id in venue.waiting


def closes_leg(command: Command) -> bool:
    """In hedge mode, an order against its leg can only close it."""
    opening = codes.BUY if command.leg == codes.LONG else codes.SELL
    return command.leg != codes.ONE_WAY and command.side != opening


def closable(held: Position, side: int) -> int:
    """Lots of a position that an order of this side could close."""
    return max(0, held.lots if side == codes.SELL else -held.lots)


def worst_closing_price(venue: Exchange, held: Position) -> int:
    """The price at which closing an isolated position takes all of its margin."""
    market = venue.markets[held.instrument]
    equity_units = held.margin_units + venue.unrealised(held)
    return bankruptcy_price(market.contract, held.lots, market.mark_ticks, equity_units)


def is_past_bankruptcy(venue: Exchange, held: Position, side: int, price_ticks: int) -> bool:
    """Whether an order would close an isolated position where the venue does not let it."""
    if not (venue.rules.refuses_past_bankruptcy and held.isolated and closable(held, side) > 0):
        return False
    worst = worst_closing_price(venue, held)
    return price_ticks < worst if side == codes.SELL else price_ticks > worst


def bad_size(
    market: Market, side: int, price: int, lots: int, reduces: bool, is_market: bool
) -> int:
    """Why a price or quantity is not taken: the venue's filters."""
    contract, mark = market.contract, market.guide_ticks or price
    up_ppm, down_ppm = contract.band_up_ppm, contract.band_down_ppm
    for is_wrong, reason in (
        (price <= 0, codes.PRICE_NOT_POSITIVE),
        (price > contract.max_price_ticks, codes.PRICE_TOO_LARGE),
        (lots <= 0, codes.QUANTITY_NOT_POSITIVE),
        (lots < contract.min_lots, codes.BELOW_MIN_QUANTITY),
        (lots > contract.max_lots, codes.ABOVE_MAX_QUANTITY),
    ):
        if is_wrong:
            return reason
    if not reduces and notional(contract, lots, price) < contract.min_notional_units:
        return codes.BELOW_MIN_NOTIONAL
    too_high = up_ppm and price > mark * (MILLION + up_ppm) // MILLION
    too_low = down_ppm and price < ceil_div(mark * (MILLION - down_ppm), MILLION)
    if not is_market and (too_high if side == codes.BUY else too_low):
        return codes.OUTSIDE_PRICE_BAND
    return NO_REASON


def lacks_margin(venue: Exchange, command: Command, price: int, lots: int) -> int:
    """Why an order that may open a position is too much for its account.

    A market order is counted at the best price of the other side, worsened by the venue's buffer;
    what an order would lose at once against the mark must be free as well. An order that raises
    neither what the position may become worth (with portfolio margin: the account's requirement)
    nor its size is always taken, so that a position can be closed. The venue's own accounts need
    no margin. Collateral counts for cross positions only.
    """
    market = venue.markets[command.instrument]
    contract = market.contract
    if command.kind == codes.MARKET:
        price = market_price(venue, market, command.side)
    if contract.kind == codes.SPOT:
        return lacks_balance(venue, command, price, lots)
    if command.account < codes.FIRST_CUSTOMER:
        return NO_REASON
    held = venue.position(command.account, command.instrument, command.leg)
    account = venue.account(command.account)
    before, before_lots = at_stake(venue, account, held), most_lots(held)
    size = notional(contract, lots, price)
    add(held, command.side, lots, size)
    raises = at_stake(venue, account, held) > before
    reason = NO_REASON
    if raises or most_lots(held) > before_lots:
        reason = too_large(contract, held, market.mark_ticks)
    if reason == NO_REASON and raises:
        sign = 1 if command.side == codes.BUY else -1
        loss = value(contract, sign * lots, price) - value(contract, sign * lots, market.mark_ticks)
        free = venue.free(account) - (venue.collateral(account) if held.isolated else 0)
        if free < max(0, loss):
            reason = codes.INSUFFICIENT_MARGIN
    add(held, command.side, -lots, -size)
    return reason


def at_stake(venue: Exchange, account: Account, held: Position) -> int:
    """What an order that opens raises: the requirement where that is net, else the exposure."""
    if account.portfolio:
        return venue.reserved(account)
    market = venue.markets[held.instrument]
    return gross_exposure(held, market.contract, market.mark_ticks or 1)


def market_price(venue: Exchange, market: Market, side: int) -> int:
    """The price that the margin of a market order is counted at."""
    others = market.book.resting(1 - side)
    price = others[0].price_ticks if others else market.guide_ticks
    buffer_ppm = venue.rules.market_buffer_ppm
    if side == codes.BUY:
        return min(price * (MILLION + buffer_ppm) // MILLION, market.contract.max_price_ticks)
    return max(1, ceil_div(price * (MILLION - buffer_ppm), MILLION))


def too_large(contract: Contract, held: Position, mark_ticks: int) -> int:
    """Whether position and orders could exceed the venue's limit, or the tier of the leverage."""
    most = most_lots(held)
    if most > contract.max_position_lots:
        return codes.POSITION_TOO_LARGE
    tier = contract.tiers[tier_number(contract, most, gross_exposure(held, contract, mark_ticks))]
    return codes.LEVERAGE_ABOVE_TIER if held.leverage > tier.max_leverage else NO_REASON


def most_lots(held: Position) -> int:
    """The largest size the position would have if all bids, or all asks, were filled."""
    return max(abs(held.lots + held.bid_lots), abs(held.lots - held.ask_lots))


def add(held: Position, side: int, lots: int, notional_units: int) -> None:
    """Count a resting order, or (below 0) count it no more."""
    if side == codes.BUY:
        held.bid_lots += lots
        held.bid_units += notional_units
    else:
        held.ask_lots += lots
        held.ask_units += notional_units


def only_reduces(order: Order) -> bool:
    """Whether an order can never open a position."""
    opening = codes.BUY if order.leg == codes.LONG else codes.SELL
    return order.reduce_only or (order.leg != codes.ONE_WAY and order.side != opening)


def reserve(venue: Exchange, instrument: int, order: Order, lots: int) -> None:
    """Count lots that an order has now put to rest; below 0, lots that have left it.

    ``order.open_lots`` is what is open afterwards when lots enter, and before when they leave.
    """
    held = venue.position(order.account, instrument, order.leg)
    if only_reduces(order):
        held.reduce_lots += lots
        return
    contract = venue.markets[instrument].contract
    price = order.price_ticks
    if lots > 0:
        units = notional(contract, order.open_lots, price)
        units -= notional(contract, order.open_lots - lots, price)
    else:
        units = notional(contract, order.open_lots + lots, price)
        units -= notional(contract, order.open_lots, price)
    add(held, order.side, lots, units)


def remove(venue: Exchange, instrument: int, order: Order, kind: int, reason: int) -> None:
    """Take a resting order out, and say so."""
    reserve(venue, instrument, order, -order.open_lots)
    del venue.markets[instrument].book.orders[order.order_id]
    venue.write(
        about(kind, reason, order, Command(0, instrument=instrument), order.price_ticks, 0)
    )  # fmt: skip


def match(venue: Exchange, instrument: int, taker: Order, self_trade: int) -> int:
    """Fill an order as far as its price allows; the reason if self-trade prevention ends it."""
    book = venue.markets[instrument].book
    while taker.open_lots > 0:
        makers = book.resting(1 - taker.side)
        if not makers or is_worse(makers[0].side, makers[0].price_ticks, taker.price_ticks):
            break
        maker = makers[0]
        if maker.account == taker.account and self_trade != codes.SELF_TRADE_ALLOWED:
            if self_trade in (codes.CANCEL_OLDEST, codes.CANCEL_BOTH):
                remove(venue, instrument, maker, codes.CANCELLED, codes.SELF_TRADE)
            if self_trade in (codes.CANCEL_NEWEST, codes.CANCEL_BOTH):
                return codes.SELF_TRADE
            continue
        fill(venue, instrument, taker, maker, min(taker.open_lots, maker.open_lots), 0)
    return NO_REASON


def fill(
    venue: Exchange, instrument: int, taker: Order, maker: Order, lots: int, reason: int
) -> None:
    """Trade some lots at the maker's price; a forced taker (with a reason) pays no fee here."""
    market = venue.markets[instrument]
    contract = market.contract
    price = maker.price_ticks
    reserve(venue, instrument, maker, -lots)
    maker.open_lots -= lots
    taker.open_lots -= lots
    if maker.open_lots == 0:
        del market.book.orders[maker.order_id]
    bought = value(contract, lots, price)
    size = abs(bought)
    cost = bought if taker.side == codes.BUY else -bought
    signed = lots if taker.side == codes.BUY else -lots
    amounts, fees = [], []
    for order, sign, rate_ppm in (
        (taker, 1, 0 if reason else contract.taker_fee_ppm),
        (maker, -1, contract.maker_fee_ppm),
    ):
        account = venue.account(order.account)
        if contract.kind == codes.SPOT:
            fee = trade_spot(venue, account, contract, sign * signed, sign * cost, rate_ppm)
            amounts.append(-sign * cost)
            fees.append(-fee)
            continue
        held = venue.position(order.account, instrument, order.leg)
        forced = order is taker and reason != NO_REASON
        profit = settle(account, held, sign * signed, sign * cost, keeps_margin=forced)
        amounts.append(profit)
        fee = of_million(size, rate_ppm) if order.account >= codes.FIRST_CUSTOMER else 0
        charge(account, held, fee)
        venue.account(codes.VENUE).cash_units += fee
        fees.append(-fee)
    market.last_ticks = price
    venue.touched.add(instrument)
    venue.write(Event(
        codes.FILL, reason, taker.side, taker.leg, instrument, taker.account, taker.order_id,
        price, lots, taker.open_lots, amounts[0], fees[0], maker.account, maker.leg,
        maker.order_id, maker.open_lots, amounts[1], fees[1],
    ))  # fmt: skip
    for order in (taker, maker):
        shrink(venue, venue.position(order.account, instrument, order.leg))


def shrink(venue: Exchange, held: Position) -> None:
    """Cancel resting orders that only reduce and exceed what there is, the newest first."""
    book = venue.markets[held.instrument].book
    for side in (codes.BUY, codes.SELL):
        mine = [
            order
            for order in book.orders.values()
            if (order.account, order.leg, order.side) == (held.account, held.leg, side)
            and only_reduces(order)
        ]
        for order in mine[::-1]:
            if sum(other.open_lots for other in mine) <= closable(held, side):
                break
            remove(venue, held.instrument, order, codes.CANCELLED, codes.REDUCE_ONLY_EXCESS)
            mine.remove(order)
