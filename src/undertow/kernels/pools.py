"""Margin that stands for itself, and which of it must be looked at when a mark comes.

A pool is an account's cash with its cross positions, or one isolated position; its number tells
the account and (plus 1) the position's key, so that numbers are ordered as pools are handled.

The healthy are not touched. Each open position waits in a heap of its instrument at the price up
to which its share of the pool's spare margin surely lasts, if the other positions of the pool
lose no more than theirs. When a mark passes that price, or anything happens to the account, the
account is looked at: exactly, with whole numbers.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, uint32
from undertow.kernels.exchange_arrays import WATCH_FALLS, WATCH_RISES, Exchange
from undertow.kernels.heap import insert, meld, take_out
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import (
    MILLION,
    contract_of,
    instrument_of,
    notional,
    position_at,
    soil,
)
from undertow.kernels.margin import (
    cross_equity,
    cross_maintenance,
    maintenance,
    tier_number,
    unrealised,
)
from undertow.kernels.portfolio import portfolio_loss_ppm
from undertow.kernels.prefetch import prefetch
from undertow.model.codes import (
    BAD_DEBTS,
    FIRST_CUSTOMER,
    FUND,
    HALT_TRADES,
    INVERSE,
    MOST_PRICE_TICKS,
    SELL,
    VENUE,
)

# By less than this per position, rounding may raise what a portfolio needs, wherever prices move.
PORTFOLIO_ROUNDING = 16
GROUP = 8  # siblings that a mark leaves behind and that are put together, see `detach`
STEPS = 4  # a watch comes closer to the price where margin is missing with each


@inner_inlined
def pool_number(account: int, key: int) -> int:
    """The number of a pool: of an isolated position's key, or of the cross pool (-1)."""
    return (account << 24) | (key + 1)


@inner_inlined
def pool_slot(venue: Exchange, pool: int) -> int:
    """The position of an isolated pool; 0 for a cross pool."""
    slot = uint32(0)
    if pool & 0xFFFFFF != 0:
        slot = uint32(position_at(venue, pool >> 24, (pool & 0xFFFFFF) - 1))
    return slot


@inner
def pool_equity(venue: Exchange, pool: int) -> int:
    """Margin and profit at the mark."""
    stay_apart()
    slot = pool_slot(venue, pool)
    if slot == 0:
        return cross_equity(venue, pool >> 24)
    held = venue.positions[slot]
    return held["margin_units"] + unrealised(venue, held)


@inner
def pool_maintenance(venue: Exchange, pool: int) -> int:
    """What the pool must hold; nothing for the venue's own accounts."""
    stay_apart()
    if pool >> 24 < FIRST_CUSTOMER:
        return 0
    slot = pool_slot(venue, pool)
    if slot == 0:
        return cross_maintenance(venue, pool >> 24)
    held = venue.positions[slot]
    contract = contract_of(venue, held)
    return maintenance(venue, held, contract, contract["mark_ticks"])


@inner_inlined
def spare(venue: Exchange, pool: int) -> int:
    """Margin that may be lost before the pool is liquidated; below 0: it must be."""
    return spare_of(venue, pool_equity(venue, pool), pool_maintenance(venue, pool))


@inner_inlined
def spare_of(venue: Exchange, equity: int, needed: int) -> int:
    """The same for a pool with this equity and maintenance margin."""
    if needed > 0 and venue.rules[0]["liquidates_when_equal"] != 0:
        return equity - needed - 1
    return equity - needed


@inner_inlined
def is_new_exchange(venue: Exchange, account: int) -> bool:
    """Whether an account has not yet sold collateral for cash in this mark."""
    sold = venue.holdings[account * venue.assets.shape[0]]["units"]
    return bool(sold != venue.state[0]["mark_number"])


@inner
def owes(venue: Exchange, account: int) -> bool:
    """Whether an account has too little cash and something that can be sold for it."""
    if venue.accounts[uint32(account)]["cash_units"] >= -venue.rules[0]["exchange_below_units"]:
        return False
    for number in range(1, venue.assets.shape[0]):
        if counts(venue, account, number) and can_be_sold(venue, account, number):
            return True
    return False


@inner_inlined
def counts(venue: Exchange, account: int, number: int) -> bool:
    """Whether an account holds some of an asset as margin."""
    units = venue.holdings[account * venue.assets.shape[0] + number]["units"]
    return bool(units > 0 and venue.assets[number]["margin_price_units"] > 0)


@inner_inlined
def can_be_sold(venue: Exchange, account: int, number: int) -> bool:
    """Whether there is a lot to sell; without a book the fund buys, but not from itself."""
    spot = venue.assets[number]["spot"]
    if spot < 0:
        return account != FUND
    units = venue.holdings[account * venue.assets.shape[0] + number]["units"]
    return bool(units >= venue.contracts[spot]["base_units_per_lot"])


@inner
def lacks(venue: Exchange, pool: int) -> bool:
    """Whether a pool must be liquidated."""
    return spare(venue, pool) < 0


@inner_inlined
def handled_mark(venue: Exchange, pool: int) -> int:
    """The number of the mark in which a pool was last liquidated."""
    slot = pool_slot(venue, pool)
    if slot == 0:
        return venue.accounts[uint32(pool >> 24)]["handled"]
    return venue.positions[slot]["handled"]


@inner
def collect(venue: Exchange, instrument: int) -> None:
    """Mark the accounts whose positions wait at prices that the mark has passed."""
    stay_apart()
    mark = venue.contracts[uint32(instrument)]["mark_ticks"]
    count = 0
    for root in (WATCH_FALLS, WATCH_RISES):
        worst = -mark if root == WATCH_FALLS else mark
        venue.roots[instrument, root], count = detach(
            venue, venue.roots[instrument, root], worst, count
        )
    for index in range(count):
        if index + 8 < count:
            prefetch(venue.accounts, venue.sorting[index + 8])
        soil(venue, venue.sorting[index])


@inner_inlined
def detach(venue: Exchange, root: int, worst: int, count: int) -> tuple[int, int]:
    """Take all nodes up to a key out of a heap, and list their accounts in the room for sorting.

    Only those nodes and their children are touched. Children that stay are put together by eights
    first, so that the next mark does not meet all of them again. Returns the root of what stays,
    and how many are listed now.
    """
    pool = venue.watches
    rest, todo = uint32(0), uint32(root)
    if todo != 0 and pool[todo]["heap_key"] > worst:
        rest, todo = todo, uint32(0)
    groups, group, size = uint32(0), uint32(0), 0
    while todo != 0:
        node = pool[todo]
        node["in_heap"] = 0
        venue.sorting[count] = node["account"]
        count += 1
        todo = uint32(node["heap_next"])
        slot = uint32(node["heap_child"])
        last = int64(slot)
        while slot != 0:
            # Siblings often lie as they were opened: guess where the eighth from here is.
            prefetch(pool, int64(slot) + 8 * (int64(slot) - last))
            last = int64(slot)
            child = pool[slot]
            after = uint32(child["heap_next"])
            if child["heap_key"] > worst:
                child["heap_next"] = 0
                child["heap_previous"] = 0
                group = uint32(meld(pool, group, slot))
                size += 1
                if size == GROUP:
                    pool[group]["heap_next"] = groups
                    groups, group, size = group, uint32(0), 0
            else:
                child["heap_next"] = todo
                todo = slot
            slot = after
    rest = uint32(meld(pool, rest, group))
    while groups != 0:
        after = uint32(pool[groups]["heap_next"])
        pool[groups]["heap_next"] = 0
        rest = uint32(meld(pool, rest, groups))
        groups = after
    return rest, count


@inner
def look_at_dirty(venue: Exchange) -> None:
    """Look at all marked accounts: pools that are due are listed, in order; the others wait.

    Pools that lack margin and were handled already stay marked for the next mark.
    """
    stay_apart()
    state = venue.state[0]
    state["due"] = 0
    state["due_index"] = 0
    marked, kept = state["dirty"], 0
    for index in range(marked):
        if index + 12 < marked:
            prefetch(venue.accounts, venue.dirty[index + 12])
            prefetch(venue.positions, venue.accounts[venue.dirty[index + 6]]["first_position"])
        account = int64(venue.dirty[index])
        venue.accounts[uint32(account)]["dirty"] = 0
        if account not in (VENUE, BAD_DEBTS) and look_at(venue, account):
            venue.accounts[uint32(account)]["dirty"] = 1
            venue.dirty[kept] = account
            kept += 1
    state["dirty"] = kept
    sort_due(venue)


@inner
def look_at(venue: Exchange, account: int) -> bool:
    """Look at the pools of one account; returns whether it must be looked at again."""
    stay_apart()
    again = False
    needed = cross_maintenance(venue, account) if account >= FIRST_CUSTOMER else 0
    left = spare_of(venue, cross_equity(venue, account), needed)
    if left < 0:
        list_pool(venue, pool_number(account, -1))
        again = True
    elif has_queue(venue):
        venue.queued[account]["mark"] = 0
    if venue.assets.shape[0] > 1 and owes(venue, account):
        again = True
        is_listed = (
            left < 0 and venue.accounts[uint32(account)]["handled"] != venue.state[0]["mark_number"]
        )
        if not is_listed and is_new_exchange(venue, account):
            venue.due[venue.state[0]["due"]] = pool_number(account, -1)
            venue.state[0]["due"] += 1
    count, slot = 0, uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        if int64(held["isolated"]) == 0 and held["lots"] != 0:
            count += 1
        slot = uint32(held["next"])
    if int64(venue.accounts[uint32(account)]["portfolio"]) != 0:
        left -= PORTFOLIO_ROUNDING * count
        again = again or left < 0
    slot = uint32(venue.accounts[uint32(account)]["first_position"])
    while slot != 0:
        held = venue.positions[slot]
        share = left // count if count > 1 else left  # dividing takes its time
        if int64(held["isolated"]) != 0:
            pool = pool_number(account, int64(held["key"]))
            share = spare(venue, pool)
            if share < 0:
                list_pool(venue, pool)
                again = True
            elif has_queue(venue):
                venue.queued[venue.accounts.shape[0] + slot]["mark"] = 0
        watch(venue, slot, share)
        slot = uint32(held["next"])
    return again


@inner_inlined
def list_pool(venue: Exchange, pool: int) -> None:
    """List a pool that lacks margin, unless it was handled in this mark."""
    state = venue.state[0]
    if handled_mark(venue, pool) != state["mark_number"]:
        venue.due[state["due"]] = pool
        state["due"] += 1


@inner_inlined
def watch(venue: Exchange, slot: int, share: int) -> None:
    """Let a position wait at the price up to which it surely loses no more than its share.

    Without lots, or without a share, or where no price would take it, it waits nowhere.
    """
    held = venue.positions[slot]
    unwatch(venue, slot)
    if held["lots"] == 0 or share < 0:
        return
    root = WATCH_FALLS if held["lots"] > 0 else WATCH_RISES
    price = last_safe_price(venue, held, share)
    if price == 0:
        return
    node, instrument = venue.watches[slot], instrument_of(held)
    node["heap_key"] = -(price - 1) if root == WATCH_FALLS else price + 1
    node["sequence"] = slot
    node["account"] = held["account"]
    venue.roots[instrument, root] = insert(venue.watches, venue.roots[instrument, root], slot)
    node["in_heap"] = root + 1


@inner_inlined
def unwatch(venue: Exchange, slot: int) -> None:
    """Let a position wait no longer."""
    node = venue.watches[slot]
    if int64(node["in_heap"]) != 0:
        instrument, root = instrument_of(venue.positions[slot]), int64(node["in_heap"]) - 1
        venue.roots[instrument, root] = take_out(venue.watches, venue.roots[instrument, root], slot)


@inner_inlined
def last_safe_price(venue: Exchange, held: Records, share: int) -> int:
    """The worst price at which a position has surely lost no more than a share; 0: there is none.

    Where its notional falls as it loses, the loss is at most the fall of the notional. Where it
    rises, the loss is that and the maintenance on it, whose rate is at most that of the tier
    reached if there were none. Both are too cautious, so the step is repeated from there.
    """
    contract = contract_of(venue, held)
    lots, price = held["lots"], contract["mark_ticks"]
    is_customer = int64(held["account"]) >= FIRST_CUSTOMER
    shrinks = (lots > 0) != (contract["kind"] == INVERSE)
    if int64(venue.accounts[uint32(held["account"])]["portfolio"]) != 0:
        size = notional(contract, lots, price)
        moved = mul_div_floor(share, MILLION, portfolio_loss_ppm(venue, contract))[0]
        size += -moved if shrinks else moved
        reached = price_at(contract, lots, size, shrinks) if size > 0 else 0
        if reached == 0 or reached >= MOST_PRICE_TICKS:
            return 0
        return min(reached, price) if lots > 0 else max(reached, price)
    for _ in range(STEPS):
        size = notional(contract, lots, price)
        needed = maintenance(venue, held, contract, price) if is_customer else 0
        if shrinks:
            next_size = size - share + 4
            if next_size <= 0:
                return 0
        else:
            rate_ppm = highest_rate(venue, contract, lots, size, share) if is_customer else 0
            if rate_ppm < 0:
                next_size = size
            else:
                next_size = size + mul_div_floor(max(share - 4, 0), MILLION, MILLION + rate_ppm)[0]
        reached = price_at(contract, lots, next_size, shrinks)
        reached = min(reached, price) if lots > 0 else max(reached, price)
        if reached >= MOST_PRICE_TICKS:
            return 0
        if reached == price:
            return price
        new_size = notional(contract, lots, reached)
        new_needed = maintenance(venue, held, contract, reached) if is_customer else 0
        share -= abs(size - new_size) + new_needed - needed
        price = reached
        if share <= 4:
            return price
    return price


@inner_inlined
def highest_rate(venue: Exchange, contract: Records, lots: int, size: int, share: int) -> int:
    """The rate at which maintenance rises at most; -1 where it jumps, so that nothing is safe."""
    if venue.rules[0]["maintenance_at_entry"] != 0:
        return 0
    now = tier_number(venue, contract, lots, size)
    tier_index = tier_number(venue, contract, lots, size + share)
    tier = venue.tiers[uint32(tier_index)]
    if tier_index != now and tier["deduction_units"] == 0:
        return -1
    rate_ppm = tier["maintenance_ppm"]
    if contract["slope_ppb_per_lot"] != 0:
        rate_ppm += abs(lots) * contract["slope_ppb_per_lot"] // 1000
    if venue.rules[0]["counts_fee"] != 0:
        rate_ppm += contract["liquidation_fee_ppm"]
    return rate_ppm


@inner_inlined
def price_at(contract: Records, lots: int, size: int, shrinks: bool) -> int:
    """The price at which a position has a notional, rounded to the side where it is safe."""
    units = abs(lots) * contract["units"]
    if contract["kind"] == INVERSE:
        # Bounded by the product: there, a smaller notional is a higher price.
        if shrinks:
            return units // size
        return -((-units) // size)
    if shrinks:
        return -((-size) // units)
    return size // units


@inner_inlined
def is_shut(venue: Exchange, contract: Records) -> bool:
    """Whether a liquidation may not trade a contract, as its book is halted."""
    return contract["halted"] != 0 and venue.rules[0]["halted_book"] != HALT_TRADES


@inner
def closing_bound(venue: Exchange, slot: int, side: int) -> int:
    """The worst price at which an order may close an isolated position; 0 if there is no bound."""
    stay_apart()
    held = venue.positions[slot]
    closes = held["lots"] > 0 if side == SELL else held["lots"] < 0
    if int64(held["isolated"]) == 0 or not closes:
        return 0
    contract = contract_of(venue, held)
    return bankruptcy_price(contract, held["lots"], held["margin_units"] + unrealised(venue, held))


@inner_inlined
def queue_place(venue: Exchange, pool: int) -> int:
    """Where it stands since when a pool waits for the liquidator."""
    slot = pool_slot(venue, pool)
    return pool >> 24 if slot == 0 else venue.accounts.shape[0] + slot


@inner_inlined
def has_queue(venue: Exchange) -> bool:
    """Whether the venue's liquidator may be slow."""
    rules = venue.rules[0]
    return bool(rules["liquidation_latency_ns"] != 0 or rules["liquidations_per_mark"] != 0)


@inner
def sort_due(venue: Exchange) -> None:
    """Put the pools that are due in order; those of one account are in order already.

    By account; where the liquidator may be slow, those that wait since an earlier mark go first.
    """
    stay_apart()
    count = venue.state[0]["due"]
    is_sorted = True
    for index in range(1, count):
        if venue.due[index] < venue.due[index - 1]:
            is_sorted = False
            break
    if not is_sorted:
        sort_by(venue, False)
    if count > 1 and has_queue(venue):
        sort_by(venue, True)


@inner
def sort_by(venue: Exchange, queue: bool) -> None:
    """Sort by account, or by the mark since which a pool waits; what is equal stays in order."""
    count = venue.state[0]["due"]
    places = venue.sorting.shape[0] - 2049
    highest = 0
    for index in range(count):
        highest = max(highest, sort_key(venue, venue.due[index], queue))
    for digit in range(0, 33, 11):
        if highest >> digit == 0:
            break
        for index in range(2049):
            venue.sorting[places + index] = 0
        for index in range(count):
            bucket = (sort_key(venue, venue.due[index], queue) >> digit) & 2047
            venue.sorting[places + bucket + 1] += 1
        for index in range(2048):
            venue.sorting[places + index + 1] += venue.sorting[places + index]
        for index in range(count):
            pool = venue.due[index]
            bucket = (sort_key(venue, pool, queue) >> digit) & 2047
            venue.sorting[venue.sorting[places + bucket]] = pool
            venue.sorting[places + bucket] += 1
        for index in range(count):
            venue.due[index] = venue.sorting[index]


@inner_inlined
def sort_key(venue: Exchange, pool: int, queue: bool) -> int:
    """What a pool that is due is sorted by."""
    if not queue:
        return pool >> 24
    since = venue.queued[queue_place(venue, pool)]["mark"]
    return since if since != 0 else venue.state[0]["mark_number"]


@inner_inlined
def bankruptcy_price(contract: Records, lots: int, equity_units: int) -> int:
    """The worst price at which closing signed lots leaves an equity of 0 or more."""
    mark, units = contract["mark_ticks"], contract["units"]
    if contract["kind"] == INVERSE:
        coins = abs(lots) * units
        at_mark = notional(contract, lots, mark)
        if lots > 0:
            price = -((-coins) // max(1, at_mark + equity_units))
        else:
            less = at_mark - equity_units
            price = coins // less if less > 0 else MOST_PRICE_TICKS
    elif lots > 0:
        price = mark - equity_units // (lots * units)
    else:
        price = mark + equity_units // (-lots * units)
    return min(max(price, 1), MOST_PRICE_TICKS)
