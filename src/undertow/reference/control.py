"""Commands that are not orders: money, settings, prices, funding, settlement, time."""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.accounts import Position, exposure, pay
from undertow.reference.book import Order
from undertow.reference.conditional import drop
from undertow.reference.contract import MILLION, ceil_div, notional, tier_number, value
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.spot import spare_cash, spare_units
from undertow.reference.trading import rejection, remove

MOST_UNITS = 2**60


def told(venue: Exchange, command: Command, kind: int, amount_units: int = 0) -> None:
    """Say that a command was carried out, with its own numbers."""
    venue.write(Event(
        kind, NO_REASON, command.side, command.leg, command.instrument, command.account,
        command.order_id, command.price_ticks, command.quantity_lots, amount_units=amount_units,
    ))  # fmt: skip


def refused(venue: Exchange, command: Command, *checks: tuple[bool, int]) -> bool:
    """Reject a command with the reason of the first check that is true."""
    for is_wrong, reason in checks:
        if is_wrong:
            venue.write(rejection(command, reason))
            return True
    return False


def bad_place(venue: Exchange, command: Command) -> tuple[tuple[bool, int], tuple[bool, int]]:
    """Checks that account and instrument exist."""
    return (
        (command.instrument not in range(len(venue.markets)), codes.UNKNOWN_INSTRUMENT),
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
    )


def told_asset(venue: Exchange, command: Command, kind: int) -> None:
    """Say that some of an asset has entered or left."""
    venue.write(Event(
        kind, NO_REASON, 0, 0, -1, command.account, 0, 0, command.amount, asset=command.asset,
    ))  # fmt: skip


def deposit_asset(venue: Exchange, command: Command) -> None:
    """Bring some of an asset in: all together at most 2^60 units, worth at most 2^58 of cash."""
    amount = command.amount
    if refused(
        venue, command,
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
        (command.asset not in range(len(venue.assets)), codes.UNKNOWN_ASSET),
    ):  # fmt: skip
        return
    asset = venue.assets[command.asset]
    most = min(MOST_UNITS, codes.MOST_ASSET_VALUE_UNITS * MILLION // asset.asset.max_price_units)
    if refused(
        venue, command, (amount <= 0 or asset.deposited_units > most - amount, codes.BAD_AMOUNT)
    ):
        return
    account = venue.account(command.account)
    account.balances[command.asset] = account.balances.get(command.asset, 0) + amount
    asset.deposited_units += amount
    told_asset(venue, command, codes.DEPOSITED)


def withdraw_asset(venue: Exchange, command: Command) -> None:
    """Take some of an asset out: what no resting ask has promised and no margin needs."""
    amount = command.amount
    if refused(
        venue, command,
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
        (command.asset not in range(len(venue.assets)), codes.UNKNOWN_ASSET),
        (amount <= 0, codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    account, asset = venue.account(command.account), venue.assets[command.asset]
    has = account.balances.get(command.asset, 0)
    short = amount > spare_units(venue, account, command.asset)
    short = short or venue.free_without(account, command.asset, amount) < venue.withheld(account)
    if refused(venue, command, (short, codes.INSUFFICIENT_BALANCE)):
        return
    account.balances[command.asset] = has - amount
    asset.deposited_units -= amount
    told_asset(venue, command, codes.WITHDRAWN)


def deposit(venue: Exchange, command: Command) -> None:
    """Bring cash in; all deposits together stay below 2^60 units."""
    if command.asset != 0:
        deposit_asset(venue, command)
        return
    amount = command.amount
    if refused(
        venue, command,
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
        (amount <= 0 or venue.deposited_units > MOST_UNITS - amount, codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    venue.account(command.account).cash_units += amount
    venue.deposited_units += amount
    told(venue, command, codes.DEPOSITED, amount)


def withdraw(venue: Exchange, command: Command) -> None:
    """Take cash out, as far as it is free: profits that are not realised cannot leave."""
    if command.asset != 0:
        withdraw_asset(venue, command)
        return
    amount = command.amount
    if refused(
        venue, command,
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
        (amount <= 0, codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    account = venue.account(command.account)
    room = spare_cash(venue, account) - venue.withheld(account)
    if refused(venue, command, (amount > room, codes.INSUFFICIENT_BALANCE)):
        return
    account.cash_units -= amount
    venue.deposited_units -= amount
    told(venue, command, codes.WITHDRAWN, -amount)


def has_orders(venue: Exchange, account: int, instrument: int) -> bool:
    """Whether an account has orders that rest or wait in an instrument."""
    resting = venue.markets[instrument].book.orders.values()
    return any(order.account == account for order in resting) or any(
        (waiting.command.account, waiting.command.instrument) == (account, instrument)
        for waiting in venue.waiting.values()
    )


def set_leverage(venue: Exchange, command: Command) -> None:
    """Change the leverage (``amount``) of an account in an instrument.

    Refused above what the tier of position and orders allows, where less leverage would need
    more margin than is free, and where an isolated position would have to be topped up.
    """
    if refused(venue, command, *bad_place(venue, command)):
        return
    leverage = command.amount
    market = venue.markets[command.instrument]
    if refused(venue, command, (market.contract.kind == codes.SPOT, codes.NOT_FOR_SPOT)):
        return
    legs = legs_of(venue, command)
    size = 0
    most = 0
    for held in legs:
        now = exposure(held, market.contract, market.mark_ticks or 1)
        size = max(size, abs(now + held.bid_units), abs(now - held.ask_units))
        most = max(most, abs(held.lots + held.bid_lots), abs(held.lots - held.ask_lots))
    tier = market.contract.tiers[tier_number(market.contract, most, size)]
    if refused(
        venue, command,
        (leverage < 1, codes.BAD_AMOUNT),
        (leverage > tier.max_leverage, codes.LEVERAGE_ABOVE_TIER),
    ):  # fmt: skip
        return
    old = legs[0].leverage
    isolated_open = any(held.isolated and held.lots != 0 for held in legs)
    if refused(venue, command, (isolated_open and leverage < old, codes.HAS_POSITION_OR_ORDERS)):
        return
    for held in legs:
        held.leverage = leverage
    if leverage < old and venue.free(venue.account(command.account)) < 0:
        for held in legs:
            held.leverage = old
        venue.write(rejection(command, codes.INSUFFICIENT_MARGIN))
        return
    told(venue, command, codes.CHANGED)


def legs_of(venue: Exchange, command: Command) -> list[Position]:
    """The legs that an account may have in an instrument, made if needed."""
    hedge = venue.account(command.account).hedge
    legs = (codes.LONG, codes.SHORT) if hedge else (codes.ONE_WAY,)
    return [venue.position(command.account, command.instrument, leg) for leg in legs]


def set_margin_mode(venue: Exchange, command: Command) -> None:
    """Make an instrument isolated (``amount`` 1) or cross (0); not with a position or orders."""
    if refused(
        venue, command, *bad_place(venue, command),
        (command.amount not in (0, 1), codes.BAD_AMOUNT),
        (command.account < codes.FIRST_CUSTOMER, codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    is_spot = venue.contracts[command.instrument].kind == codes.SPOT
    nets = venue.account(command.account).portfolio and command.amount == 1
    if refused(
        venue, command,
        (is_spot, codes.NOT_FOR_SPOT), (nets, codes.NOT_WITH_PORTFOLIO_MARGIN),
    ):  # fmt: skip
        return
    legs = legs_of(venue, command)
    busy = any(held.lots != 0 or held.margin_units != 0 for held in legs)
    busy = busy or has_orders(venue, command.account, command.instrument)
    if refused(venue, command, (busy, codes.HAS_POSITION_OR_ORDERS)):
        return
    for held in legs:
        held.isolated = bool(command.amount)
        held.queued = 0
    told(venue, command, codes.CHANGED)


def set_mode(venue: Exchange, command: Command) -> None:
    """A mode of an account (``amount`` 0 or 1); not with positions or orders.

    Position mode: hedge or one-way. Account mode: portfolio margin, or each position by itself.
    The settings of an instrument are then the venue's own again.
    """
    is_account = command.kind == codes.SET_ACCOUNT_MODE
    lacks = is_account and command.amount == 1 and venue.rules.portfolio_steps == 0
    if refused(
        venue, command,
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
        (command.amount not in (0, 1), codes.BAD_AMOUNT),
        (command.account < codes.FIRST_CUSTOMER, codes.BAD_AMOUNT),
        (lacks, codes.NO_PORTFOLIO_MARGIN),
    ):  # fmt: skip
        return
    account = venue.account(command.account)
    busy = any(held.lots != 0 or held.margin_units != 0 for held in account.positions.values())
    busy = busy or any(
        has_orders(venue, command.account, instrument) for instrument in range(len(venue.markets))
    )
    if refused(venue, command, (busy, codes.HAS_POSITION_OR_ORDERS)):
        return
    if is_account:
        account.portfolio = bool(command.amount)
    else:
        account.hedge = bool(command.amount)
    account.positions.clear()
    told(venue, command, codes.CHANGED)


def adjust_margin(venue: Exchange, command: Command) -> None:
    """Move cash into an isolated position, or out of it (below 0).

    What leaves may not bring the position below its initial margin, nor be unrealised profit.
    """
    if refused(venue, command, *bad_place(venue, command)):
        return
    account = venue.account(command.account)
    held = account.positions.get((command.instrument, command.leg))
    amount = command.amount
    if held is None or not held.isolated or held.lots == 0:
        venue.write(rejection(command, codes.NOT_ISOLATED))
        return
    market = venue.markets[held.instrument]
    size = notional(market.contract, held.lots, market.mark_ticks)
    spare = held.margin_units + min(0, venue.unrealised(held)) - ceil_div(size, held.leverage)
    room = spare_cash(venue, account)
    if refused(
        venue, command,
        (amount == 0 or abs(amount) > MOST_UNITS, codes.BAD_AMOUNT),
        (amount > 0 and amount > room, codes.INSUFFICIENT_BALANCE),
        (amount < 0 and -amount > spare, codes.INSUFFICIENT_MARGIN),
    ):  # fmt: skip
        return
    account.cash_units -= amount
    held.margin_units += amount
    told(venue, command, codes.CHANGED)


def cancel(venue: Exchange, command: Command) -> None:
    """Cancel one order of the account, resting or waiting."""
    for instrument, market in enumerate(venue.markets):
        order = market.book.orders.get(command.order_id)
        if order is not None and order.account == command.account:
            remove(venue, instrument, order, codes.CANCELLED, codes.BY_REQUEST)
            return
    waiting = venue.waiting.get(command.order_id)
    if waiting is None or waiting.command.account != command.account:
        venue.write(rejection(command, codes.UNKNOWN_ORDER))
        return
    drop(venue, waiting, codes.BY_REQUEST)


def cancel_all(venue: Exchange, command: Command) -> None:
    """Cancel an account's orders, in one instrument or (-1) in all."""
    known = range(-1, len(venue.markets))
    if refused(
        venue, command,
        (command.instrument not in known, codes.UNKNOWN_INSTRUMENT),
        (command.account not in range(venue.count), codes.UNKNOWN_ACCOUNT),
    ):  # fmt: skip
        return
    every = range(len(venue.markets))
    instruments = every if command.instrument == -1 else [command.instrument]
    cancel_in(venue, command.account, set(instruments), codes.BY_CANCEL_ALL)


def cancel_in(venue: Exchange, account: int, instruments: set[int], reason: int) -> None:
    """Cancel orders in some instruments: first those that rest, then those that wait.

    The one that came last goes first.
    """
    resting: list[tuple[int, Order]] = [
        (instrument, order)
        for instrument in instruments
        for order in venue.markets[instrument].book.orders.values()
        if order.account == account
    ]
    for instrument, order in sorted(resting, key=lambda pair: -pair[1].sequence):
        remove(venue, instrument, order, codes.CANCELLED, reason)
    waiting = [
        one
        for one in venue.waiting.values()
        if one.command.account == account and one.command.instrument in instruments
    ]
    for one in sorted(waiting, key=lambda one: -one.sequence):
        drop(venue, one, reason)


def expire(venue: Exchange, command: Command) -> None:
    """Let time pass: orders whose end has come leave, the earliest first."""
    venue.now_ns = max(venue.now_ns, command.expire_ns)
    due = [
        (instrument, order)
        for instrument, market in enumerate(venue.markets)
        for order in market.book.orders.values()
        if 0 < order.expire_ns <= venue.now_ns
    ]
    for instrument, order in sorted(due, key=lambda pair: (pair[1].expire_ns, pair[1].sequence)):
        remove(venue, instrument, order, codes.EXPIRED, codes.GOOD_TILL_DATE)


def pay_funding(venue: Exchange, command: Command) -> None:
    """Longs pay shorts: ``amount`` is the rate in 10^-9, the price is the one to count with.

    What each position receives is rounded down; the venue gets what is left over.
    """
    if refused(
        venue, command, bad_place(venue, command)[0],
        (command.price_ticks <= 0, codes.PRICE_NOT_POSITIVE),
        (abs(command.amount) > 10**9, codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    contract = venue.markets[command.instrument].contract
    if refused(venue, command, (command.price_ticks > contract.max_price_ticks,
                                codes.PRICE_TOO_LARGE)):  # fmt: skip
        return
    total = 0
    for number in sorted(venue.accounts):
        account = venue.accounts[number]
        for held in account.of_instrument(command.instrument):
            if held.lots == 0:
                continue
            size = notional(contract, held.lots, command.price_ticks)
            signed = size if held.lots > 0 else -size
            amount = -signed * command.amount // 10**9
            pay(account, held, amount)
            total += amount
            venue.write(Event(
                codes.FUNDING_PAID, NO_REASON, codes.BUY if held.lots > 0 else codes.SELL,
                held.leg, held.instrument, number, 0, command.price_ticks, abs(held.lots),
                amount_units=amount,
            ))  # fmt: skip
    venue.account(codes.VENUE).cash_units -= total
    venue.write(Event(
        codes.FUNDING_RESIDUAL, NO_REASON, 0, 0, command.instrument, codes.VENUE, 0,
        command.price_ticks, 0, amount_units=-total,
    ))  # fmt: skip


def halt(venue: Exchange, command: Command) -> None:
    """Stop trading in an instrument (``amount`` 1), or let it go on (0); cancels stay possible.

    A contract that was delivered never trades again.
    """
    if refused(
        venue, command, bad_place(venue, command)[0],
        (command.amount not in (0, 1), codes.BAD_AMOUNT),
    ):  # fmt: skip
        return
    if refused(
        venue, command, (venue.markets[command.instrument].delivered, codes.DELIVERED)
    ):  # fmt: skip
        return
    venue.markets[command.instrument].halted = bool(command.amount)
    venue.touched.add(command.instrument)
    told(venue, command, codes.CHANGED)


def settle_all(venue: Exchange, command: Command) -> None:
    """Pay every position its profit at a price, and count from there: daily variation margin.

    With the flag `CLOSE_POSITION` all positions end at that price (delivery): orders leave first,
    and the instrument stays halted. The venue gets what rounding leaves over.
    """
    if refused(
        venue, command, bad_place(venue, command)[0],
        (command.price_ticks <= 0, codes.PRICE_NOT_POSITIVE),
    ):  # fmt: skip
        return
    market = venue.markets[command.instrument]
    contract = market.contract
    if refused(venue, command, (command.price_ticks > contract.max_price_ticks,
                                codes.PRICE_TOO_LARGE)):  # fmt: skip
        return
    closes = bool(command.flags & codes.CLOSE_POSITION)
    if closes:
        market.halted = market.delivered = True
        for number in sorted(venue.accounts):
            cancel_in(venue, number, {command.instrument}, codes.BY_SETTLEMENT)
    total = 0
    for number in sorted(venue.accounts):
        account = venue.accounts[number]
        for held in account.of_instrument(command.instrument):
            if held.lots == 0:
                continue
            worth = value(contract, held.lots, command.price_ticks)
            amount = worth - held.basis_units
            account.period_units += amount
            lots = abs(held.lots)
            side = codes.BUY if held.lots > 0 else codes.SELL
            if closes:
                total += worth
                held.lots = held.basis_units = 0
                amount_now = amount + held.margin_units
                held.margin_units = 0
                pay(account, held, amount_now)
            else:
                held.basis_units = worth
                pay(account, held, amount)
            venue.write(Event(
                codes.SETTLED, NO_REASON, side, held.leg, held.instrument, number, 0,
                command.price_ticks, lots, amount_units=amount,
            ))  # fmt: skip
    venue.account(codes.VENUE).cash_units -= total
    if closes:
        venue.write(Event(
            codes.FUNDING_RESIDUAL, codes.BY_SETTLEMENT, 0, 0, command.instrument, codes.VENUE, 0,
            command.price_ticks, 0, amount_units=-total,
        ))  # fmt: skip
