"""Who is closed by force when a mark arrives, in which order, and who pays.

Rounds: all pools that lack margin, by account, the cross pool first, then the
isolated positions by instrument and leg; each is handled at most once in a mark; then the next
round, as forced trades may have hurt others, until none is left. The fund and the vault hold what
they took over without margin: they are handled once their equity is below 0.

A venue's liquidator may be slow: a pool that is found short joins a queue. It is handled at the
first mark that comes a latency later, if not too many have been handled at that mark; those that
were found at an earlier mark go first, of one mark in the order above. Who waits is said once, when
it joins; who has enough margin again when a mark comes has left. The venue's own accounts do not
queue.

Beside those that lack margin, accounts that owe cash and hold collateral exchange it in a round,
see `collateral`.

One pool: its orders are cancelled; the venue's policy sends orders to the book, which stop as soon
as the margin suffices; then a cross pool sells collateral for what it owes once its positions
count at the mark; then whoever takes over does; then the deficit is paid:
deficit = insurance + deleveraging + socialised loss + bad debt, to the unit. Where a book is
halted the venue's rule says whether the pool waits, is taken over without it, or trades anyway.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.accounts import Position
from undertow.reference.book import Order, is_worse
from undertow.reference.collateral import exchange, hand_over, owes, sell
from undertow.reference.contract import MILLION, notional, of_million, tier_number
from undertow.reference.control import cancel_in
from undertow.reference.exchange import Event, Exchange
from undertow.reference.pools import Pool, bankruptcy_price, equity, lacks, maintenance, release
from undertow.reference.trading import fill, remove
from undertow.reference.waterfall import keep_surplus, say_waits, take_over, wind_up


def liquidate(venue: Exchange) -> None:
    """All rounds of one mark."""
    venue.mark_number += 1
    venue.liquidated = 0
    while True:
        found = pools(venue)
        leave_queue(venue, found)
        due = [pool for pool in found if is_due(venue, pool) or is_to_exchange(venue, pool)]
        if not due:
            return
        due.sort(key=lambda pool: pool.state().queued or venue.mark_number)
        for pool in due:
            if is_due(venue, pool):
                if must_wait(venue, pool):
                    continue
                pool.state().handled = venue.mark_number
                handle(venue, pool)
            elif is_to_exchange(venue, pool):
                pool.account.exchanged = venue.mark_number
                exchange(venue, pool.account)


def pools(venue: Exchange) -> list[Pool]:
    """All pools, in the order in which they are handled."""
    found = []
    for number in sorted(venue.accounts):
        if number in (codes.VENUE, codes.BAD_DEBTS):
            continue
        account = venue.accounts[number]
        found.append(Pool(account, None))
        found += [Pool(account, held) for held in account.isolated()]
    return found


def is_due(venue: Exchange, pool: Pool) -> bool:
    """Whether a pool lacks margin and was not yet handled in this mark."""
    return pool.state().handled != venue.mark_number and lacks(venue, pool)


def leave_queue(venue: Exchange, found: list[Pool]) -> None:
    """Who has enough margin again does not wait any more."""
    for pool in found:
        if pool.state().queued and not lacks(venue, pool):
            pool.state().queued = 0


def must_wait(venue: Exchange, pool: Pool) -> bool:
    """Whether the liquidator comes to a pool later; else it leaves the queue."""
    rules, state = venue.rules, pool.state()
    if pool.account.number < codes.FIRST_CUSTOMER:
        return False
    if rules.liquidation_latency_ns == 0 and rules.liquidations_per_mark == 0:
        return False
    is_new = state.queued == 0
    if is_new:
        state.queued, state.queued_ns = venue.mark_number, venue.now_ns
    is_early = venue.now_ns - state.queued_ns < rules.liquidation_latency_ns
    is_full = 0 < rules.liquidations_per_mark <= venue.liquidated
    if not (is_early or is_full):
        state.queued = 0
        venue.liquidated += 1
        return False
    state.handled = venue.mark_number
    if is_new:
        write_pool(venue, pool, codes.LIQUIDATION_WAITS,
                   codes.LATENCY if is_early else codes.QUEUE)  # fmt: skip
    return True


def write_pool(venue: Exchange, pool: Pool, kind: int, reason: int) -> None:
    """Say something of a pool, with what it has and needs."""
    first = pool.position.instrument if pool.position else -1
    leg = pool.position.leg if pool.position else 0
    venue.write(Event(
        kind, reason, 0, leg, first, pool.account.number, 0, 0, 0,
        amount_units=equity(venue, pool), fee_units=maintenance(venue, pool),
    ))  # fmt: skip


def is_to_exchange(venue: Exchange, pool: Pool) -> bool:
    """Whether an account's collateral is sold for cash that it owes, once in a mark."""
    is_new = pool.account.exchanged != venue.mark_number
    return pool.position is None and is_new and owes(venue, pool.account)


def handle(venue: Exchange, pool: Pool) -> None:
    """Liquidate one pool as far as it can be done now."""
    number = pool.account.number
    is_flat = pool.position is not None and pool.position.lots == 0
    reason = codes.PAST_BANKRUPTCY if is_flat else NO_REASON
    write_pool(venue, pool, codes.LIQUIDATION, reason)
    if number < codes.FIRST_CUSTOMER:
        wind_up(venue, pool)
        return
    if venue.rules.cancels_orders_first:
        cancel_in(venue, number, instruments_of(venue, pool), codes.BY_LIQUIDATION)
    waits = close_in_book(venue, pool)
    if pool.position is None:
        owed = venue.collateral(pool.account) - equity(venue, pool)
        sell(venue, pool.account, owed)
    if not lacks(venue, pool):
        release(pool)
        return
    rules = venue.rules
    shut = [held for held in pool.open() if venue.is_shut(held)]
    if shut and rules.halted_book == codes.HALT_WAITS:
        say_waits(venue, pool, shut[0], codes.HALTED)
        return
    if pool.open() and rules.takeover == codes.BY_VAULT:
        needs = maintenance(venue, pool)
        if equity(venue, pool) >= of_million(needs, rules.backstop_ppm):
            say_waits(venue, pool, pool.open()[0], waits)
            return
    if equity(venue, pool) < 0:
        wind_up(venue, pool)
        return
    if rules.takeover == codes.BY_NOBODY:  # what is left is still the customer's
        say_waits(venue, pool, pool.open()[0], waits)
        return
    hand_over(venue, pool)
    taker = codes.VAULT if rules.takeover == codes.BY_VAULT else codes.FUND
    take_over(venue, pool, taker)
    keep_surplus(venue, pool, taker)


def instruments_of(venue: Exchange, pool: Pool) -> set[int]:
    """Where the orders of a pool are: for a cross pool, wherever the account is not isolated."""
    if pool.position is not None:
        return {pool.position.instrument}
    return set(range(len(venue.markets))) - {held.instrument for held in pool.account.isolated()}


def close_in_book(venue: Exchange, pool: Pool) -> int:
    """Send what the policy asks for to the book; returns why more must wait."""
    waits = codes.BOOK_EMPTY
    for held in pool.open():
        if venue.is_shut(held):
            continue
        while lacks(venue, pool) and held.lots != 0:
            lots = lots_to_close(venue, pool, held)
            if lots < abs(held.lots) and venue.rules.policy == codes.FRACTION:
                waits = codes.COOLDOWN
            left = send(venue, pool, held, lots)
            if left > 0 or venue.rules.policy != codes.TIERS:
                break
    if waits == codes.COOLDOWN:
        pool.state().cooldown_ns = venue.now_ns + venue.rules.cooldown_ns
    return waits


def lots_to_close(venue: Exchange, pool: Pool, held: Position) -> int:
    """Size of the next liquidation order."""
    rules, lots = venue.rules, abs(held.lots)
    market = venue.markets[held.instrument]
    contract = market.contract
    size = notional(contract, lots, market.mark_ticks)
    if rules.policy == codes.FRACTION:
        cools = venue.now_ns < pool.state().cooldown_ns
        if size <= rules.partial_above_units or cools:
            return lots
        return max(1, lots * rules.partial_ppm // MILLION)
    if rules.policy == codes.TIERS:
        tier = tier_number(contract, lots, size)
        if tier + 1 < rules.partial_from_tier or tier == 0:
            return lots
        floor = contract.tiers[max(0, tier - rules.tiers_per_step) + 1].floor
        kept = floor if contract.tiers_by_lots else lots * floor // size
        return lots - min(kept, lots - 1)
    return lots


def send(venue: Exchange, pool: Pool, held: Position, lots: int) -> int:
    """One liquidation order: immediate or cancel, ended early when the margin suffices.

    Returns the lots that found nobody. The fee goes to the fund, and never makes a pool bankrupt.
    """
    market = venue.markets[held.instrument]
    contract = market.contract
    side = codes.SELL if held.lots > 0 else codes.BUY
    limit = market_side_limit(side)
    taker = Order(0, held.account, side, limit, lots, 0, False, 0, leg=held.leg)
    while taker.open_lots > 0 and lacks(venue, pool):
        if venue.rules.bounded_by_bankruptcy:  # anew each time, as fees have been paid
            limit = bankruptcy_price(contract, held.lots, market.mark_ticks, equity(venue, pool))
        makers = market.book.resting(1 - side)
        if not makers or is_worse(makers[0].side, makers[0].price_ticks, limit):
            return taker.open_lots
        maker = makers[0]
        if maker.account == held.account:
            remove(venue, held.instrument, maker, codes.CANCELLED, codes.SELF_TRADE)
            continue
        closed = min(taker.open_lots, maker.open_lots)
        fill(venue, held.instrument, taker, maker, closed, codes.BY_LIQUIDATION)
        size = notional(contract, closed, market.last_ticks)
        fee = min(of_million(size, contract.liquidation_fee_ppm), max(0, equity(venue, pool)))
        if fee > 0:
            pool.receive(-fee)
            venue.account(codes.FUND).cash_units += fee
            venue.write(Event(
                codes.LIQUIDATION_FEE, NO_REASON, side, held.leg, held.instrument, held.account,
                0, market.last_ticks, closed, fee_units=-fee,
            ))  # fmt: skip
    return 0


def market_side_limit(side: int) -> int:
    """The worst price there is."""
    return codes.MOST_PRICE_TICKS if side == codes.BUY else 1
