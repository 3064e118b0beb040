"""Who pays for a bankrupt pool: the fund, the winners on the other side, everybody, or nobody.

deficit = insurance + deleveraging + socialised loss + bad debt, to the unit.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.accounts import Position, settle
from undertow.reference.collateral import hand_over
from undertow.reference.contract import notional, value
from undertow.reference.deleveraging import Candidates, lots_to_take
from undertow.reference.exchange import Event, Exchange
from undertow.reference.pools import Pool, bankruptcy_price, equity, maintenance
from undertow.reference.trading import shrink


def wind_up(venue: Exchange, pool: Pool) -> None:
    """Pay the deficit of a bankrupt pool, in the venue's order.

    Its collateral has become cash before, see `hand_over`; the fund keeps its own.
    """
    hand_over(venue, pool)
    rules = venue.rules
    owed = max(0, -equity(venue, pool))
    is_customer = pool.account.number >= codes.FIRST_CUSTOMER
    if is_customer and rules.fund_pays:
        owed -= draw(venue, pool, owed)
    by_fund = rules.takeover != codes.BY_NOBODY and is_customer and owed == 0
    if pool.open() and by_fund:
        take_over(venue, pool, codes.FUND if rules.takeover == codes.BY_FUND else codes.VAULT)
    elif pool.open() and rules.deleverages:
        deleverage(venue, pool, owed)
    if pool.open():  # nobody left to deleverage, or nobody is
        if is_customer and rules.takeover != codes.BY_NOBODY:
            take_over(venue, pool, codes.FUND if rules.takeover == codes.BY_FUND else codes.VAULT)
        else:
            say_waits(venue, pool, pool.open()[0], codes.NO_COUNTERPARTY)
            return
    left = pool.margin()
    if pool.position is None:
        left += venue.collateral(pool.account)
    if left < 0:
        write_off(venue, pool, -left)
    elif is_customer and left > 0:
        keep_surplus(venue, pool, codes.FUND)


def take_over(venue: Exchange, pool: Pool, taker: int) -> None:
    """Give all positions of a pool to the fund or the vault, at the mark.

    With what is left of the pool (see `keep_surplus`, `wind_up`) that is the same as giving them
    away at the bankruptcy price, which the event tells.
    """
    for held in pool.open():
        market = venue.markets[held.instrument]
        contract = market.contract
        lots = held.lots
        price = bankruptcy_price(contract, lots, market.mark_ticks, equity(venue, pool))
        move(venue, pool, held, taker, price, abs(lots))


def move(venue: Exchange, pool: Pool, held: Position, taker: int, price: int, lots: int) -> None:
    """Give some lots of one position to an account of the venue, at the mark."""
    market = venue.markets[held.instrument]
    signed = lots if held.lots > 0 else -lots
    cost = value(market.contract, signed, market.mark_ticks)
    amount = settle(pool.account, held, -signed, -cost, keeps_margin=True)
    account = venue.account(taker)
    other = venue.position(taker, held.instrument, codes.ONE_WAY)
    gained = settle(account, other, signed, cost)
    reason = codes.HALTED if venue.is_shut(held) else NO_REASON
    venue.write(Event(
        codes.TAKEOVER, reason, codes.BUY if signed > 0 else codes.SELL, held.leg,
        held.instrument, held.account, 0, price, lots, amount_units=amount,
        maker_account=taker, maker_amount_units=gained,
    ))  # fmt: skip
    shrink(venue, held)
    shrink(venue, other)


def keep_surplus(venue: Exchange, pool: Pool, keeper: int) -> None:
    """What is left of a pool that was taken over goes to whoever took it."""
    left = pool.margin()
    if left > 0:
        pool.receive(-left)
        venue.account(keeper).cash_units += left
        venue.write(Event(
            codes.SURPLUS_KEPT, NO_REASON, 0, 0, pool.position.instrument if pool.position else -1,
            pool.account.number, 0, 0, 0, amount_units=-left, maker_account=keeper,
            maker_amount_units=left,
        ))  # fmt: skip


def draw(venue: Exchange, pool: Pool, owed: int) -> int:
    """Let the fund pay what it can of a deficit."""
    fund = venue.account(codes.FUND)
    paid = min(owed, max(0, min(fund.cash_units, venue.cross_equity(fund))))
    if paid > 0:
        fund.cash_units -= paid
        pool.receive(paid)
        venue.write(Event(
            codes.INSURANCE_PAID, NO_REASON, 0, 0, -1, pool.account.number, 0, 0, 0,
            amount_units=paid, maker_account=codes.FUND, maker_amount_units=-paid,
        ))  # fmt: skip
    return paid


def write_off(venue: Exchange, pool: Pool, owed: int) -> None:
    """A deficit that is left: shared by those in profit where the venue says so, else bad debt."""
    if venue.rules.socialises:
        owed -= socialise(venue, pool, owed)
    if owed > 0:
        pool.receive(owed)
        venue.account(codes.BAD_DEBTS).cash_units -= owed
        venue.write(Event(
            codes.BAD_DEBT, NO_REASON, 0, 0, -1, pool.account.number, 0, 0, 0, amount_units=owed,
            maker_account=codes.BAD_DEBTS, maker_amount_units=-owed,
        ))  # fmt: skip


def socialise(venue: Exchange, pool: Pool, owed: int) -> int:
    """Take a deficit from all cross accounts in profit, in proportion to it."""
    rows = []
    for number in sorted(venue.accounts):
        account = venue.accounts[number]
        gain = sum(venue.unrealised(held) for held in account.cross())
        able = min(gain, venue.cross_equity(account), account.cash_units)
        if number >= codes.FIRST_CUSTOMER and account is not pool.account and able > 0:
            rows.append((account, able))
    total = sum(able for _, able in rows)
    taken = min(owed, total)
    shares = proportional(taken, [able for _, able in rows])
    for (account, _), share in zip(rows, shares, strict=True):
        if share > 0:
            account.cash_units -= share
            pool.receive(share)
            venue.write(Event(
                codes.LOSS_SOCIALISED, NO_REASON, 0, 0, -1, account.number, 0, 0, 0,
                amount_units=-share, maker_account=pool.account.number, maker_amount_units=share,
            ))  # fmt: skip
    return taken


def proportional(taken: int, ables: list[int]) -> list[int]:
    """Shares of an amount in proportion to what each is able to pay, rounded down.

    The rest of the rounding is taken, one unit each, from the first of them.
    """
    total = max(1, sum(ables))
    shares = [taken * able // total for able in ables]
    rest = taken - sum(shares)
    for index, able in enumerate(ables):
        if rest > 0 and shares[index] < able:
            shares[index], rest = shares[index] + 1, rest - 1
    return shares


def say_waits(venue: Exchange, pool: Pool, held: Position, reason: int) -> None:
    """Say why a pool that lacks margin is left alone until the next mark."""
    venue.write(Event(
        codes.LIQUIDATION_WAITS, reason, 0, held.leg, held.instrument, pool.account.number, 0, 0,
        abs(held.lots), amount_units=equity(venue, pool), fee_units=maintenance(venue, pool),
    ))  # fmt: skip


def deleverage(venue: Exchange, pool: Pool, owed: int) -> None:
    """Close all positions of a pool against winners, who pay what it owes.

    The debt is spread over the pool's positions in proportion to their notional, rounded down,
    the last takes the rest.
    """
    opens = pool.open()
    sizes = [
        notional(market.contract, held.lots, market.mark_ticks)
        for held in opens
        for market in [venue.markets[held.instrument]]
    ]
    total, left = sum(sizes), owed
    for index, held in enumerate(opens):
        is_last = index == len(opens) - 1
        part = left if is_last else owed * sizes[index] // max(1, total)
        left -= part
        close_against_winners(venue, pool, held, part)


def close_against_winners(venue: Exchange, pool: Pool, held: Position, owed: int) -> None:
    """One position: who is taken is the ranking's choice, the price the venue's rule."""
    market = venue.markets[held.instrument]
    rows, candidates = winners(venue, held)
    lots = abs(held.lots)
    taken = lots_to_take(venue.rules.adl_ranking, candidates, lots)
    count = sum(taken)
    if count == 0:
        return
    signed = count if held.lots > 0 else -count
    worth = value(market.contract, signed, market.mark_ticks)
    if venue.rules.adl_price == codes.AT_BANKRUPTCY:
        cost = worth + owed * count // lots
    elif venue.rules.adl_price == codes.AT_PREVIOUS_MARK and market.previous_mark_ticks:
        cost = value(market.contract, signed, market.previous_mark_ticks)
    else:
        cost = worth
    price = price_of(market.contract.units, market.contract.kind, signed, cost)
    for other, part, share in zip(rows, taken, split(cost, taken), strict=True):
        if part == 0:
            continue
        side = 1 if held.lots > 0 else -1
        amount = settle(pool.account, held, -side * part, -share, keeps_margin=True)
        account = venue.account(other.account)
        gained = settle(account, other, side * part, share)
        venue.write(Event(
            codes.DELEVERAGED, NO_REASON, codes.BUY if side > 0 else codes.SELL, held.leg,
            held.instrument, held.account, 0, price, part, abs(held.lots), amount,
            maker_account=other.account, maker_leg=other.leg,
            maker_leaves_lots=abs(other.lots), maker_amount_units=gained,
        ))  # fmt: skip
        shrink(venue, held)
        shrink(venue, other)


def winners(venue: Exchange, held: Position) -> tuple[list[Position], Candidates]:
    """Open positions on the other side, of other accounts, by account and leg."""
    rows = [
        other
        for number in sorted(venue.accounts)
        for other in venue.accounts[number].of_instrument(held.instrument)
        if other.lots * held.lots < 0 and number != held.account
    ]
    market = venue.markets[held.instrument]
    pools = [pool_of(venue, other) for other in rows]
    return rows, Candidates(
        account=[other.account for other in rows],
        lots=[abs(other.lots) for other in rows],
        basis_units=[other.basis_units for other in rows],
        value_units=[value(market.contract, other.lots, market.mark_ticks) for other in rows],
        wallet_units=[pool[0] for pool in pools],
        equity_units=[pool[1] for pool in pools],
        maintenance_units=[pool[2] for pool in pools],
    )


def pool_of(venue: Exchange, held: Position) -> tuple[int, int, int]:
    """Wallet, equity and maintenance margin of the pool that a position belongs to.

    The wallet is cash and what collateral counts (assumed: no source says it of a ranking).
    """
    if held.isolated:
        equity = held.margin_units + venue.unrealised(held)
        return held.margin_units, equity, venue.maintenance(held)
    account = venue.account(held.account)
    needs = venue.cross_maintenance(account)
    wallet = account.cash_units + venue.collateral(account)
    return wallet, venue.cross_equity(account), needs


def split(amount: int, parts: list[int]) -> list[int]:
    """Shares of an amount in proportion to parts, by largest remainder, ties to the earlier."""
    total, size = sum(parts), abs(amount)
    shares = [size * part // total for part in parts]
    rest = size - sum(shares)
    order = sorted(range(len(parts)), key=lambda index: -(size * parts[index] % total))
    for index in order[:rest]:
        shares[index] += 1
    return [share if amount >= 0 else -share for share in shares]


def price_of(units: int, kind: int, lots: int, cost_units: int) -> int:
    """The price that a cost comes to, for people: rounded down, at least 0."""
    if cost_units == 0:
        return 0
    if kind == codes.INVERSE:
        return max(0, -(lots * units) // cost_units)
    return max(0, cost_units // (lots * units))
