"""Random commands that bring a venue into deep trouble, and seldom nonsense."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from exchange.venues import CASH, FIRST_MARKS
from undertow.model import codes
from undertow.reference.accounts import Position
from undertow.reference.exchange import Command, Exchange

FIRST = codes.FIRST_CUSTOMER
BIG = (-(2**63), -1, 0, 2**31, 2**48, 2**60, 2**62, 2**63 - 1)
ODD = {
    "kind": (0, codes.ASSET_PRICE, 77, -1),
    "side": (2, -1),
    "time_in_force": (-1, 4, codes.POST_ONLY),
    "self_trade": (-1, 4),
    "flags": (0, 1, 2, 3, 4, 5, 6, 7),
    "trigger": (0, 4, -1),
    "leg": (-1, 0, 1, 2, 3),
    "instrument": (-1, 0, 1, 2, 3, 2**31 - 1),
    "account": (-1, 0, 1, 2, 3, 4, 2**31 - 1),
    "order_id": (0, -5, 2**63 - 1),
    "price_ticks": BIG,
    "quantity_lots": BIG,
    "expire_ns": (-1, 1, 2**62),
    "trigger_ticks": BIG,
    "amount": (*BIG, 1, 2, 10**6, 10**9 + 1),
}
ODD_ASSETS = (-1, 0, 1, 2, 3, 127)
KINDS = {
    codes.LIMIT: 34, codes.MARKET: 8, codes.CANCEL: 3, codes.CANCEL_ALL: 1, codes.AMEND: 5,
    codes.EXPIRE: 3, codes.CONDITIONAL: 9, codes.DEPOSIT: 3, codes.WITHDRAW: 2,
    codes.SET_LEVERAGE: 3, codes.SET_MARGIN_MODE: 2, codes.ADJUST_MARGIN: 3,
    codes.SET_POSITION_MODE: 1, codes.SET_ACCOUNT_MODE: 1, codes.MARK: 18, codes.FUNDING: 3,
    codes.HALT: 1, codes.SETTLE: 1, codes.CLAW_BACK: 1,
}  # fmt: skip
EACH_KIND, UP_TO_KIND = list(KINDS), list(accumulate(KINDS.values()))


class Mood(NamedTuple):
    """What one sequence is like."""

    crash: float  # chance that a mark jumps
    drift: int  # where it jumps: -1, 0 (either way), 1
    crossing: float  # chance that a limit order takes
    odd: float  # chance of nonsense


def random_commands(dice: random.Random, venue: Exchange, count: int) -> Iterator[Command]:
    """Commands for a new venue; each is drawn when the one before has been carried out."""
    mood = Mood(
        dice.choice([0.0, 0.05, 0.3]), dice.choice([-1, 0, 1]), dice.choice([0.2, 0.5, 0.7]),
        dice.choice([0.0, 0.05, 0.15]),
    )  # fmt: skip
    opening = list(first_commands(dice, venue))
    yield from opening
    for _ in range(count - len(opening)):
        yield random_command(dice, venue, mood)


def first_commands(dice: random.Random, venue: Exchange) -> Iterator[Command]:
    """Money, modes and marks."""
    for number in range(FIRST, venue.count):
        cash = dice.choice([2, 5, 10, 20, 50, 500]) * CASH + dice.randrange(1000)
        if number < FIRST + 2:  # they make the market
            cash = 10_000 * CASH
        elif len(venue.assets) > 1 and dice.random() < 0.6:
            cash = dice.randrange(1, CASH)  # lives on collateral
        yield Command(codes.DEPOSIT, account=number, amount=cash)
        if dice.random() < 0.25:
            yield Command(codes.SET_POSITION_MODE, account=number, amount=1)
        if dice.random() < (0.7 if venue.rules.portfolio_steps else 0.05):
            yield Command(codes.SET_ACCOUNT_MODE, account=number, amount=1)
        for instrument, market in enumerate(venue.markets):
            if market.contract.kind == codes.SPOT:
                continue
            if dice.random() < 0.4:
                yield Command(
                    codes.SET_MARGIN_MODE, account=number, instrument=instrument, amount=1
                )
            leverage = dice.choice([1, 5, 10, 20, 20, 50, 100])
            yield Command(
                codes.SET_LEVERAGE, account=number, instrument=instrument, amount=leverage
            )
    if dice.random() < 0.6:
        cash = dice.choice([1, 10, 500]) * CASH
        yield Command(codes.DEPOSIT, account=codes.FUND, amount=cash)
    for instrument, market in enumerate(venue.markets):
        price = FIRST_MARKS[market.contract.kind]
        if market.contract.kind != codes.SPOT or dice.random() < 0.3:
            yield Command(codes.MARK, instrument=instrument, price_ticks=price)
    for asset in range(1, len(venue.assets)):
        yield Command(codes.ASSET_PRICE, asset=asset, amount=CASH)
        for number in range(codes.FUND, venue.count):
            if dice.random() < (0.6 if number >= FIRST else 0.1):
                amount = dice.choice([5, 20, 50, 500]) * 10**6 + dice.randrange(1000)
                yield Command(codes.DEPOSIT, account=number, asset=asset, amount=amount)


def random_command(dice: random.Random, venue: Exchange, mood: Mood) -> Command:
    """Any command."""
    kind = dice.choices(EACH_KIND, cum_weights=UP_TO_KIND)[0]
    if len(venue.assets) > 1 and dice.random() < 0.1:
        kind = dice.choice([codes.ASSET_PRICE, codes.ASSET_PRICE, codes.DEPOSIT, codes.WITHDRAW])
    if venue.rules.claws_back and dice.random() < 0.03:
        kind = codes.CLAW_BACK
    instrument = dice.randrange(len(venue.markets))
    shut = venue.markets[instrument].halted and not venue.markets[instrument].delivered
    if shut and dice.random() < 0.1:
        kind = codes.HALT
    account = dice.choice([FIRST, FIRST + 1, *range(FIRST, venue.count)])
    if dice.random() < 0.04:
        account = dice.choice([codes.FUND, codes.VAULT])  # sells what it took over
    command = Command(kind, instrument=instrument, account=account)
    command = MAKERS.get(kind, plain)(dice, venue, command, mood)
    if dice.random() < mood.odd:
        name = dice.choice(list(ODD))
        command = command._replace(**{name: dice.choice(ODD[name])})
        if len(venue.assets) > 1 and dice.random() < 0.2:
            command = command._replace(asset=dice.choice(ODD_ASSETS))
    return command


def plain(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A command that needs no more."""
    if command.kind == codes.CANCEL_ALL:
        return command._replace(instrument=dice.randrange(-1, len(venue.markets)))
    if command.kind == codes.HALT and dice.random() < 0.8:
        return command._replace(amount=int(not venue.markets[command.instrument].halted))
    return command._replace(amount=int(dice.random() < 0.3))


def order(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A limit, market or conditional order that mostly makes sense for its account."""
    market = venue.markets[command.instrument]
    held = leg_of(dice, venue, command)
    closes = held.lots != 0 and dice.random() < 0.3
    side = dice.choice([codes.BUY, codes.SELL])
    if closes:
        side = codes.SELL if held.lots > 0 else codes.BUY
    elif held.leg != codes.ONE_WAY and dice.random() < 0.8:
        side = codes.BUY if held.leg == codes.LONG else codes.SELL
    lots = dice.choice([dice.randint(1, 10), dice.randint(5, 70), dice.randint(5, 70), 300])
    if closes:
        lots = min(lots, abs(held.lots))
    return command._replace(
        side=side, leg=held.leg, order_id=dice.randint(1, 300),
        price_ticks=0 if command.kind == codes.MARKET else price_near(dice, market, side, mood),
        quantity_lots=lots,
        time_in_force=dice.choices([0, 1, 2, 3], [8, 1, 1, 1 if command.kind != 2 else 0])[0],
        self_trade=dice.choice([0, 1, 2, 3]),
        flags=codes.REDUCE_ONLY if closes and dice.random() < 0.6 else 0,
        expire_ns=dice.choice([0, 0, 0, 0, venue.now_ns + dice.randint(1, 40)]),
    )  # fmt: skip


def leg_of(dice: random.Random, venue: Exchange, command: Command) -> Position:
    """A leg of the account; made up, if there is none."""
    account = venue.accounts.get(command.account)
    is_spot = venue.contracts[command.instrument].kind == codes.SPOT
    hedge = account is not None and account.hedge and not is_spot
    leg = dice.choice([codes.LONG, codes.SHORT]) if hedge else codes.ONE_WAY
    found = account.positions.get((command.instrument, leg)) if account else None
    return found or Position(command.account, command.instrument, leg, 1)


def price_near(dice: random.Random, market: object, side: int, mood: Mood) -> int:
    """A price on a few levels around the mark."""
    mark = market.guide_ticks or 1000  # type: ignore[attr-defined]
    step = max(1, mark // 200)
    if dice.random() < 0.03:
        return max(1, mark * dice.randint(80, 125) // 100)
    away = dice.choice([0, 1, 1, 2, 3, 5, 10, 18])
    if dice.random() < mood.crossing:
        away = dice.choice([0, 0, -1, -2, -4])
    return max(1, mark + (-away if side == codes.BUY else away) * step)


def conditional(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A stop, take-profit or trailing stop, often for the whole position."""
    command = order(dice, venue, command, mood)
    market = venue.markets[command.instrument]
    trigger = dice.choice([codes.STOP, codes.STOP, codes.TAKE_PROFIT, codes.TRAILING])
    on_last = dice.choice([0, codes.ON_LAST])
    price = (market.last_ticks if on_last else market.mark_ticks) or 1000
    falls = (command.side == codes.SELL) is (trigger != codes.TAKE_PROFIT)
    away = price * dice.randint(1, 60) // 1000 * dice.choice([1, 1, 1, 1, -1])
    command = command._replace(
        trigger=trigger, flags=on_last | command.flags,
        trigger_ticks=max(1, price - away if falls else price + away),
        amount=dice.choice([2_000, 10_000, 50_000]),
        price_ticks=dice.choice([0, 0, command.price_ticks]),
    )  # fmt: skip
    if trigger == codes.TRAILING and dice.random() < 0.5:
        command = command._replace(trigger_ticks=0)
    if dice.random() < 0.3:
        flags = codes.CLOSE_POSITION | on_last
        command = command._replace(flags=flags, quantity_lots=0, price_ticks=0)
    if command.price_ticks == 0 and command.time_in_force == codes.POST_ONLY:
        command = command._replace(time_in_force=codes.IOC)
    return command


def about_an_order(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """Cancel or amend an order that is open, mostly."""
    resting = list(venue.markets[command.instrument].book.orders.values())
    if command.kind == codes.CANCEL and venue.waiting and dice.random() < 0.5:
        wanted = dice.choice(list(venue.waiting.values())).command
        return command._replace(account=wanted.account, order_id=wanted.order_id)
    if not resting or dice.random() < 0.1:
        return command._replace(order_id=dice.randint(1, 300), price_ticks=1000, quantity_lots=5)
    one = dice.choice(resting)
    price = price_near(dice, venue.markets[command.instrument], one.side, mood)
    return command._replace(
        account=one.account, order_id=one.order_id, self_trade=dice.choice([0, 1, 2, 3]),
        price_ticks=dice.choice([one.price_ticks, price]),
        quantity_lots=dice.choice([one.open_lots, max(1, one.open_lots // 2), one.open_lots + 9]),
    )  # fmt: skip


def money(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A deposit, a withdrawal, or margin for an isolated position."""
    account = venue.account(command.account)
    if len(venue.assets) > 1 and command.kind != codes.ADJUST_MARGIN and dice.random() < 0.5:
        asset = dice.randrange(1, len(venue.assets))
        held_units = account.balances.get(asset, 0)
        amount = dice.choice([held_units or 1, held_units // 3, 10**6, 9 * 10**6 + 7])
        return command._replace(asset=asset, amount=amount)
    amount = dice.choice([CASH // 2, 2 * CASH, 20 * CASH, venue.free(account) or 1])
    if command.kind == codes.DEPOSIT and command.account < FIRST:
        return command._replace(amount=dice.choice([1, CASH, 30 * CASH]))
    if command.kind != codes.ADJUST_MARGIN:
        return command._replace(amount=abs(amount))
    held = dice.choice(account.isolated() or [leg_of(dice, venue, command)])
    amount = dice.choice([amount, -amount, -(held.margin_units // 3)])
    return command._replace(instrument=held.instrument, leg=held.leg, amount=amount)


def setting(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """Leverage and modes."""
    if command.kind == codes.SET_LEVERAGE:
        return command._replace(amount=dice.choice([0, 1, 3, 10, 20, 50, 75, 100, 126]))
    return command._replace(amount=dice.choice([0, 1]))


def price(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A mark, a funding payment or a settlement, at a price that follows from the last."""
    market = venue.markets[command.instrument]
    mark = market.mark_ticks or 1000
    first = FIRST_MARKS[market.contract.kind]
    if command.kind != codes.MARK:
        flags = 0
        if command.kind == codes.SETTLE and dice.random() < 0.1:
            flags = codes.CLOSE_POSITION
        rate = dice.choice([100_000, -100_000, 20_000_000, -20_000_000, 1, 0])
        near = mark + dice.randint(-3, 3) * max(1, mark // 200)
        return command._replace(price_ticks=max(1, near), amount=rate, flags=flags)
    move = max(-0.5, min(0.5, dice.gauss(0, 0.012)))
    if dice.random() < mood.crash:
        move = dice.uniform(0.02, 0.3) * (mood.drift or dice.choice([-1, 1]))
    if mark < first // 5 or mark > first * 5:
        move = first / mark - 1
    return command._replace(price_ticks=max(1, round(mark * (1 + move))))


def asset_price(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """A price of an asset that follows from the last, or falls far."""
    asset = dice.randrange(1, len(venue.assets)) if len(venue.assets) > 1 else 0
    now = venue.assets[asset].price_units or CASH
    move = max(-0.5, min(0.5, dice.gauss(0, 0.01)))
    if dice.random() < mood.crash:
        move = dice.uniform(-0.4, 0.3)
    if now < CASH // 5 or now > 5 * CASH:
        move = CASH / now - 1
    return command._replace(asset=asset, amount=max(1, round(now * (1 + move))))


def passing(dice: random.Random, venue: Exchange, command: Command, mood: Mood) -> Command:
    """Time passes."""
    return command._replace(expire_ns=venue.now_ns + dice.randint(0, 20))


MAKERS = {
    codes.LIMIT: order, codes.MARKET: order, codes.CONDITIONAL: conditional,
    codes.CANCEL: about_an_order, codes.AMEND: about_an_order, codes.DEPOSIT: money,
    codes.WITHDRAW: money, codes.ADJUST_MARGIN: money, codes.SET_LEVERAGE: setting,
    codes.SET_ACCOUNT_MODE: setting, codes.SET_MARGIN_MODE: setting,
    codes.SET_POSITION_MODE: setting, codes.MARK: price, codes.ASSET_PRICE: asset_price,
    codes.FUNDING: price, codes.SETTLE: price,
    codes.EXPIRE: passing,
}  # fmt: skip
