"""Laws of forced closing: who is liquidated, who is deleveraged, who pays.

The accounts as they were before a mark are moved along by its events, one by one, so that each
law sees the state in which the event happened; in the end they must be the accounts that the
venue shows. Nothing of the venue's own course is used, only what its events say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from undertow.model import codes
from undertow.reference.accounts import Account, Position, charge, settle
from undertow.reference.collateral import owes
from undertow.reference.contract import of_million, value
from undertow.reference.deleveraging import lots_to_take
from undertow.reference.exchange import Event, Exchange
from undertow.reference.pools import Pool, equity, lacks, maintenance, release
from undertow.reference.spot import trade
from undertow.reference.venue_laws import require
from undertow.reference.waterfall import winners


@dataclass
class Group:
    """One pool's liquidation, and what each of its payers paid, in cash units."""

    pool: Pool
    equity_units: int
    book: int = 0  # what selling beside the mark brought; mostly below 0
    exchange: int = 0  # what selling collateral brought beside its value as margin
    fills: int = 0
    fee: int = 0
    insurance: int = 0
    haircut: int = 0  # what winners got less than at the mark
    socialised: int = 0
    bad_debt: int = 0
    surplus: int = 0
    wound_up: bool = False
    taken_over: bool = False
    deleveraged: int = 0  # times
    able: int | None = None  # what the fund could pay when the payers' turn came
    gains: dict[int, int] | None = None  # who could share the loss, and how much at most
    owed: int = 0
    waits: Event | None = None


def copy_of(accounts: dict[int, Account]) -> dict[int, Account]:
    """Accounts and positions that may be changed."""
    return {
        number: replace(
            account,
            balances=dict(account.balances),
            positions={key: replace(held) for key, held in account.positions.items()},
        )
        for number, account in accounts.items()
    }


class Replay:
    """The accounts before a mark, moved along by its events."""

    def __init__(self, before: dict[int, Account], venue: Exchange) -> None:
        """``before`` is changed; ``venue`` is the state after the mark, and only read."""
        markets = [replace(one, last_ticks=0) for one in venue.markets]
        self.state = Exchange(venue.contracts, venue.rules, venue.count, accounts=before)
        self.state.markets = markets
        self.state.assets = venue.assets
        self.group: Group | None = None
        self.exchanges: int | None = None  # the account whose cash is made up for
        self.row: tuple[int, int, int] | None = None  # who is being deleveraged
        self.expected: dict[tuple[int, int], int] = {}

    def step(self, event: Event) -> None:
        """Check an event against the state before it, then move on."""
        if event.kind in (codes.LIQUIDATION, codes.TRIGGERED, codes.AUTO_EXCHANGE):
            self.close_group()
            self.exchanges = None
        if event.kind not in (codes.DELEVERAGED, codes.CANCELLED):
            self.close_row()
        if event.kind in PAYERS:
            self.see_fund()
        if event.kind == codes.LIQUIDATION:
            self.open_group(event)
        elif event.kind == codes.AUTO_EXCHANGE:
            self.open_exchange(event)
        elif event.kind == codes.COLLATERAL_TAKEN:
            self.take_collateral(event)
        elif event.kind == codes.FILL and self.is_spot(event):
            self.fill_spot(event)
        elif event.kind == codes.FILL:
            self.fill(event)
        elif event.kind == codes.DELEVERAGED:
            self.deleverage(event)
        elif event.kind == codes.TAKEOVER:
            self.take_over(event)
        elif event.kind in PAYMENTS:
            self.pay(event)
        elif event.kind == codes.LIQUIDATION_WAITS and event.reason in QUEUES:
            self.close_group()
            self.judge_pool(event)
        elif event.kind == codes.LIQUIDATION_WAITS and self.group:
            self.group.waits = event

    def leg(self, account: int, instrument: int, leg: int) -> Position:
        """A position of the state."""
        return self.state.position(account, instrument, leg)

    def worth(self, instrument: int, lots: int) -> int:
        """Value at the mark."""
        market = self.state.markets[instrument]
        return value(market.contract, lots, market.mark_ticks)

    def see_fund(self) -> None:
        """What the fund can pay, once the book has done what it can."""
        if self.group is not None and self.group.able is None:
            fund = Pool(self.state.account(codes.FUND), None)
            self.group.able = max(0, min(fund.margin(), equity(self.state, fund)))

    def open_group(self, event: Event) -> None:
        """Only who lacks margin is liquidated, and the event tells how much and why."""
        pool = self.judge_pool(event)
        is_flat = pool.position is not None and pool.position.lots == 0
        why = codes.PAST_BANKRUPTCY if is_flat else codes.NO_REASON
        require(event.reason == why, "liquidation tells why", event=event, reason=why)
        self.group = Group(pool, event.amount_units)

    def judge_pool(self, event: Event) -> Pool:
        """The pool of an event, which lacks the margin that the event tells."""
        account = self.state.account(event.account)
        held = None
        if event.instrument >= 0:
            held = self.leg(event.account, event.instrument, event.leg)
        pool = Pool(account, held)
        has, needs = equity(self.state, pool), maintenance(self.state, pool)
        told = (event.amount_units, event.fee_units)
        require(told == (has, needs), "liquidation tells", event=told, equity=has, needs=needs)
        allowed = has < needs or (has == needs > 0 and self.state.rules.liquidates_when_equal)
        require(allowed, "only below maintenance", equity=has, maintenance=needs, event=event)
        return pool

    def fill(self, event: Event) -> None:
        """A trade: of the liquidated, or of orders that a mark set off."""
        contract = self.state.markets[event.instrument].contract
        bought = value(contract, event.quantity_lots, event.price_ticks)
        sign = 1 if event.side == codes.BUY else -1
        forced = event.reason != codes.NO_REASON
        if forced and self.group:
            needed = lacks(self.state, self.group.pool)
            require(needed, "closing stops when the margin suffices", event=event)
        held = self.leg(event.account, event.instrument, event.leg)
        is_shut = forced and self.state.is_shut(held)
        require(not is_shut, "nothing is sold by force in a halted book", event=event)
        at_mark = self.worth(held.instrument, held.lots)
        lots, cost = sign * event.quantity_lots, sign * bought
        profit = settle(self.state.account(event.account), held, lots, cost, keeps_margin=forced)
        require(profit == event.amount_units, "profit of a fill", profit=profit, event=event)
        charge(self.state.account(event.account), held, -event.fee_units)
        if forced and self.group:
            self.group.fills += 1
            self.group.book += self.worth(held.instrument, held.lots) - at_mark - cost
        other = self.leg(event.maker_account, event.instrument, event.maker_leg)
        account = self.state.account(event.maker_account)
        profit = settle(account, other, -lots, -cost)
        require(profit == event.maker_amount_units, "profit of a maker", profit=profit, event=event)
        charge(account, other, -event.maker_fee_units)
        self.state.account(codes.VENUE).cash_units -= event.fee_units + event.maker_fee_units

    def is_spot(self, event: Event) -> bool:
        """Whether an asset is traded for cash."""
        return self.state.contracts[event.instrument].kind == codes.SPOT

    def fill_spot(self, event: Event) -> None:
        """An asset changes hands; by force only for cash that is owed."""
        contract = self.state.contracts[event.instrument]
        bought = value(contract, event.quantity_lots, event.price_ticks)
        sign = 1 if event.side == codes.BUY else -1
        forced = event.reason != codes.NO_REASON
        if forced:
            debt = self.owed(event.account)
            require(debt > 0, "collateral is sold for cash that is owed", owed=debt, event=event)
        before = self.pool_equity()
        rate_ppm = 0 if forced else contract.taker_fee_ppm
        for number, side, said, rate in (
            (event.account, sign, (event.amount_units, event.fee_units), rate_ppm),
            (event.maker_account, -sign, (event.maker_amount_units, event.maker_fee_units),
             contract.maker_fee_ppm),
        ):  # fmt: skip
            account = self.state.account(number)
            fee = trade(
                self.state, account, contract, side * event.quantity_lots, side * bought, rate
            )
            require(said == (-side * bought, -fee), "a spot trade costs its price", event=event)
        if forced and self.group:
            self.group.exchange += self.pool_equity() - before

    def owed(self, number: int) -> int:
        """Cash that an account owes: now, or with its positions counted at the mark."""
        account = self.state.account(number)
        if self.exchanges == number:
            return -account.cash_units
        return self.state.collateral(account) - self.state.cross_equity(account)

    def pool_equity(self) -> int:
        """Of the pool that is liquidated; 0 if none is."""
        return equity(self.state, self.group.pool) if self.group else 0

    def open_exchange(self, event: Event) -> None:
        """Only cash below the threshold is made up for."""
        account = self.state.account(event.account)
        cash = account.cash_units
        require(event.amount_units == cash, "exchange tells", cash=cash, event=event)
        require(owes(self.state, account), "exchange only what is owed", event=event)
        self.exchanges = event.account

    def take_collateral(self, event: Event) -> None:
        """The fund pays for an asset what it counts as margin."""
        account, fund = self.state.account(event.account), self.state.account(codes.FUND)
        before = self.pool_equity()
        worth = self.state.assets[event.asset].worth(event.quantity_lots)
        told = (event.amount_units, event.maker_amount_units)
        require(told == (worth, -worth), "collateral at its value", worth=worth, event=event)
        account.balances[event.asset] -= event.quantity_lots
        fund.balances[event.asset] = fund.balances.get(event.asset, 0) + event.quantity_lots
        account.cash_units += worth
        fund.cash_units -= worth
        if self.group:
            change = self.pool_equity() - before
            require(change in (-1, 0), "handing over costs nothing", change=change, event=event)
            self.group.exchange += change

    def take_over(self, event: Event) -> None:
        """A position moves to an account of the venue at the mark."""
        assert self.group is not None
        self.open_takeover(self.group)
        held = self.leg(event.account, event.instrument, event.leg)
        lots = event.quantity_lots if event.side == codes.BUY else -event.quantity_lots
        require(held.lots == lots, "taken over whole", position=held, event=event)
        why = codes.HALTED if self.state.is_shut(held) else codes.NO_REASON
        require(event.reason == why, "takeover tells why", event=event, reason=why)
        cost = self.worth(event.instrument, lots)
        profit = settle(self.group.pool.account, held, -lots, -cost, keeps_margin=True)
        require(profit == event.amount_units, "profit at a takeover", profit=profit, event=event)
        other = self.leg(event.maker_account, event.instrument, event.maker_leg)
        gained = settle(self.state.account(event.maker_account), other, lots, cost)
        require(gained == event.maker_amount_units, "profit of a taker", profit=gained, event=event)

    def open_takeover(self, group: Group) -> None:
        """The vault takes over below its share of maintenance; nobody where nobody does."""
        if not group.wound_up:
            has, needs = equity(self.state, group.pool), maintenance(self.state, group.pool)
            rules = self.state.rules
            least = of_million(needs, rules.backstop_ppm)
            due = rules.takeover == codes.BY_FUND or (
                rules.takeover == codes.BY_VAULT and (has < least or has <= 0)
            )
            require(due, "takeover is due", equity=has, maintenance=needs, rules=rules)
        group.wound_up = group.taken_over = True

    def deleverage(self, event: Event) -> None:
        """Only reduces, only the other side, only those in profit, in ranking order."""
        assert self.group is not None
        self.group.wound_up = True
        self.group.deleveraged += 1
        held = self.leg(event.account, event.instrument, event.leg)
        other = self.leg(event.maker_account, event.instrument, event.maker_leg)
        if self.row != (event.account, event.instrument, event.leg):
            self.open_row(held)
        require(held.lots * other.lots < 0, "adl: the other side", held=held, other=other)
        part = event.quantity_lots
        require(0 < part <= min(abs(held.lots), abs(other.lots)), "adl reduces", event=event)
        require(
            self.expected.pop((other.account, other.leg), 0) == part,
            "adl in ranking order", event=event, expected=self.expected,
        )  # fmt: skip
        lots = part if held.lots > 0 else -part
        released = held.basis_units * part // abs(held.lots)
        proceeds = event.amount_units + released
        at_mark = self.worth(held.instrument, held.lots)
        settle(self.group.pool.account, held, -lots, -proceeds, keeps_margin=True)
        self.group.haircut += proceeds + self.worth(held.instrument, held.lots) - at_mark
        gained = settle(self.state.account(other.account), other, lots, proceeds)
        require(
            gained == event.maker_amount_units, "profit of a winner", profit=gained, event=event
        )
        left = (event.leaves_lots, event.maker_leaves_lots)
        require(left == (abs(held.lots), abs(other.lots)), "adl leaves", held=held, event=event)

    def open_row(self, held: Position) -> None:
        """Who should be taken for a position, by the ranking."""
        self.close_row()
        rows, candidates = winners(self.state, held)
        taken = lots_to_take(self.state.rules.adl_ranking, candidates, abs(held.lots))
        self.row = (held.account, held.instrument, held.leg)
        self.expected = {}
        for other, part in zip(rows, taken, strict=True):
            if part:
                profit = self.state.unrealised(other)
                require(profit > 0, "adl: only those in profit", profit=profit, other=other)
                self.expected[other.account, other.leg] = part

    def close_row(self) -> None:
        """Everybody whom the ranking takes was taken."""
        require(not self.expected, "adl takes all it ranks", missing=self.expected, row=self.row)
        self.row = None

    def pay(self, event: Event) -> None:
        """Cash that enters or leaves the pool."""
        group = self.group
        assert group is not None
        kind, amount = event.kind, event.amount_units
        if kind in (codes.LOSS_SOCIALISED, codes.BAD_DEBT) and self.state.rules.socialises:
            self.share(group, event)
        if kind == codes.LOSS_SOCIALISED:
            self.state.account(event.account).cash_units += amount
            group.pool.receive(event.maker_amount_units)
            group.socialised -= amount
            return
        if kind == codes.LIQUIDATION_FEE:
            amount = event.fee_units
            group.fee -= amount
            self.state.account(codes.FUND).cash_units -= amount
        else:
            self.state.account(event.maker_account).cash_units += event.maker_amount_units
        group.pool.receive(amount)
        if kind == codes.LIQUIDATION_FEE:
            left = equity(self.state, group.pool)
            require(left >= 0, "a fee makes nobody bankrupt", equity=left, event=event)
        group.insurance += amount if kind == codes.INSURANCE_PAID else 0
        group.bad_debt += amount if kind == codes.BAD_DEBT else 0
        group.surplus -= amount if kind == codes.SURPLUS_KEPT else 0

    def share(self, group: Group, event: Event) -> None:
        """Cross accounts in profit pay in proportion to it; only the rest is bad debt."""
        state = self.state
        if group.gains is None:
            group.owed = -group.pool.margin()
            if group.pool.position is None:  # the fund keeps its collateral
                group.owed -= state.collateral(group.pool.account)
            group.gains = {
                number: max(0, min(gain, account.cash_units, state.cross_equity(account)))
                for number, account in state.accounts.items()
                if number >= codes.FIRST_CUSTOMER and account is not group.pool.account
                for gain in [sum(state.unrealised(held) for held in account.cross())]
            }
        total = sum(group.gains.values())
        due = min(group.owed, total)
        if event.kind == codes.BAD_DEBT:
            require(group.socialised == due, "shared before it is bad debt", due=due, group=group)
            return
        exact = due * group.gains.get(event.account, 0) // max(1, total)
        is_fair = exact <= -event.amount_units <= exact + 1
        require(is_fair, "shared in proportion to profit", exact=exact, event=event)

    def close_group(self) -> None:
        """The waterfall closes: deficit = insurance + haircut + socialised loss + bad debt."""
        self.close_row()
        group = self.group
        if group is None:
            return
        state, pool = self.state, group.pool
        left = equity(state, pool)
        after_book = group.equity_units + group.book + group.exchange - group.fee
        paid = group.insurance + group.haircut + group.socialised + group.bad_debt
        require(after_book + paid - group.surplus == left, "waterfall", group=group, equity=left)
        deficit = max(0, -after_book)
        if state.rules.bounded_by_bankruptcy:  # an inverse contract rounds each fill
            worst = min(0, group.equity_units) - group.fills
            left_by_book = after_book - group.exchange
            require(left_by_book >= worst, "the book makes nobody bankrupt", group=group)
        signs = min(group.insurance, group.socialised, group.bad_debt, group.surplus, group.fee)
        require(signs >= 0, "payers pay", group=group)
        self.see_fund()
        self.group = None
        pays = state.rules.fund_pays and pool.account.number >= codes.FIRST_CUSTOMER
        pays = pays and not (group.waits and group.waits.reason == codes.HALTED)
        insured = min(deficit, group.able or 0) if pays else 0
        require(group.insurance == insured, "insurance pays what it can", due=insured, group=group)
        self.check_haircut(group, deficit, pays=pays)
        if group.waits is not None:
            told = (group.waits.amount_units, group.waits.fee_units)
            require(told == (left, maintenance(state, pool)), "waits tells", group=group)
            alone = group.waits.reason == codes.NO_COUNTERPARTY
            waits = bool(pool.open()) and (alone or lacks(state, pool))
            require(waits, "waits: has a position", group=group)
            shut = [held for held in pool.open() if state.is_shut(held)]
            by_rule = bool(shut) and state.rules.halted_book == codes.HALT_WAITS
            is_said = group.waits.reason == codes.HALTED
            is_customer = pool.account.number >= codes.FIRST_CUSTOMER
            require(is_said is (by_rule and is_customer), "waits for the halted book", group=group)
        elif group.wound_up or paid or group.surplus:
            is_own = pool.account.number < codes.FIRST_CUSTOMER  # keeps what winners leave it
            is_clean = left >= 0 if is_own else left == 0
            require(not pool.open() and is_clean, "nothing is left of a pool", group=group)
        else:
            require(not lacks(state, pool), "closed until the margin suffices", group=group)
        release(pool)

    def check_haircut(self, group: Group, deficit: int, *, pays: bool) -> None:
        """Winners are closed once the fund is dry, at the price that the venue states."""
        rules = self.state.rules
        if not group.deleveraged:
            return
        if pays and rules.takeover != codes.BY_NOBODY:
            require(group.insurance < deficit, "adl only once the fund is dry", group=group)
        if rules.adl_price == codes.AT_MARK:  # an inverse contract rounds each part
            require(abs(group.haircut) <= group.deleveraged, "adl at the mark", group=group)
        if rules.adl_price == codes.AT_BANKRUPTCY and not (group.taken_over or group.waits):
            rest = group.socialised + group.bad_debt
            require(rest == 0, "adl at bankruptcy leaves no debt", group=group)

    def finish(self, venue: Exchange) -> None:
        """What events say is what there is."""
        self.close_group()
        for number, account in venue.accounts.items():
            mine = self.state.account(number)
            require(
                mine.cash_units == account.cash_units, "events explain cash",
                account=number, events=mine.cash_units, cash=account.cash_units,
            )  # fmt: skip
            units = {asset: held for asset, held in account.balances.items() if held}
            said_units = {asset: held for asset, held in mine.balances.items() if held}
            require(units == said_units, "events explain assets", events=said_units, has=units)
            for held in account.in_order():
                one = self.leg(number, held.instrument, held.leg)
                said = (one.lots, one.basis_units, one.margin_units)
                has = (held.lots, held.basis_units, held.margin_units)
                require(said == has, "events explain positions", events=said, position=held)


PAYMENTS = (
    codes.LIQUIDATION_FEE, codes.INSURANCE_PAID, codes.SURPLUS_KEPT, codes.LOSS_SOCIALISED,
    codes.BAD_DEBT,
)  # fmt: skip
QUEUES = (codes.LATENCY, codes.QUEUE)
PAYERS = (
    codes.INSURANCE_PAID, codes.TAKEOVER, codes.DELEVERAGED, codes.LOSS_SOCIALISED, codes.BAD_DEBT,
)  # fmt: skip


def nobody_is_forgotten(venue: Exchange, events: Sequence[Event]) -> None:
    """After a mark, a pool that lacks margin was liquidated in it or waits for a stated reason.

    So has everybody who owes cash and holds collateral sold some, if anybody bought.
    Whom orders touched that fired after the liquidations is left out: they wait for the next mark.
    """
    dealt = {
        (event.account, event.instrument, event.leg)
        for event in events
        if event.kind == codes.LIQUIDATION
    }
    sold = {event.account for event in events if event.kind == codes.AUTO_EXCHANGE}
    forced = (codes.LIQUIDATION, codes.AUTO_EXCHANGE)
    first = next((n for n, event in enumerate(events) if event.kind in forced), 0)
    fired = [n for n, event in enumerate(events) if n > first and event.kind == codes.TRIGGERED]
    later = events[fired[0] :] if (dealt or sold) and fired else []
    touched = {event.account for event in later} | {event.maker_account for event in later}
    for number, account in venue.accounts.items():
        if number in (codes.VENUE, codes.BAD_DEBTS) or number in touched:
            continue
        is_done = number in sold or not owes(venue, account)
        require(is_done, "who owes cash sells collateral", account=account)
        for held in [None, *account.isolated()]:
            pool = Pool(account, held)
            key = (number, held.instrument if held else -1, held.leg if held else 0)
            waits = pool.state().queued > 0
            require(
                key in dealt or waits or not lacks(venue, pool), "nobody is forgotten",
                pool=key, equity=equity(venue, pool), maintenance=maintenance(venue, pool),
            )  # fmt: skip


def liquidated_have_no_orders(venue: Exchange, events: Sequence[Event]) -> None:
    """Where a venue cancels first, the orders of a liquidated pool are gone after the mark.

    Those with an order that fired after their liquidation are left out.
    """
    if not venue.rules.cancels_orders_first:
        return
    gone: dict[int, set[int]] = {}
    for event in events:
        if event.kind == codes.LIQUIDATION and event.account >= codes.FIRST_CUSTOMER:
            own = {held.instrument for held in venue.account(event.account).isolated()}
            cross = set(range(len(venue.markets))) - own
            where = cross if event.instrument < 0 else {event.instrument}
            gone.setdefault(event.account, set()).update(where)
        elif event.kind == codes.TRIGGERED:
            gone.pop(event.account, None)
    left = [
        (order.account, instrument, order.order_id)
        for instrument, market in enumerate(venue.markets)
        for order in market.book.orders.values()
        if instrument in gone.get(order.account, ())
    ]
    left += [
        (one.command.account, one.command.instrument, one.command.order_id)
        for one in venue.waiting.values()
        if one.command.instrument in gone.get(one.command.account, ())
    ]
    require(not left, "orders of the liquidated are cancelled", left=left)


def the_queue_is_fair(before: dict[int, Account], venue: Exchange, events: Sequence[Event]) -> None:
    """Who was found first is liquidated first, after the latency; not too many at one mark."""
    rules, handled = venue.rules, []
    for event in events:
        if event.kind == codes.LIQUIDATION and event.account >= codes.FIRST_CUSTOMER:
            account = before.get(event.account, Account(event.account))
            fresh = Position(event.account, event.instrument, event.leg, 1)
            held = account.positions.get((event.instrument, event.leg), fresh)
            state = account if event.instrument < 0 else held
            handled.append(state.queued or venue.mark_number)
            since_ns = state.queued_ns if state.queued else venue.now_ns
            waited_ns = venue.now_ns - since_ns
            enough = waited_ns >= rules.liquidation_latency_ns
            require(enough, "the liquidator's latency", waited_ns=waited_ns, event=event)
    most = rules.liquidations_per_mark
    require(most == 0 or len(handled) <= most, "liquidations per mark", handled=len(handled))
    for account in venue.accounts.values():
        for pool in [Pool(account, None), *(Pool(account, held) for held in account.isolated())]:
            state = pool.state()
            if state.queued and venue.now_ns - state.queued_ns >= rules.liquidation_latency_ns:
                first = max(handled, default=0) <= state.queued
                require(first, "first come, first served", handled=handled, waits=state)


def fund_is_solvent(venue: Exchange, events: Sequence[Event]) -> None:
    """After a mark the fund's equity is 0 or more, unless it was wound up or traded in this mark.

    Who was wound up waits for somebody to trade with; who trades for itself can lose.
    """
    excused = any(
        (event.kind == codes.LIQUIDATION and event.account == codes.FUND)
        or (event.kind == codes.FILL and codes.FUND in (event.account, event.maker_account))
        for event in events
    )
    has = equity(venue, Pool(venue.account(codes.FUND), None))
    require(has >= 0 or excused, "the fund is solvent", equity=has)


def mark_laws(before: dict[int, Account], venue: Exchange, events: Sequence[Event]) -> None:
    """All laws of a mark; ``before`` is a copy of the accounts before it (`copy_of`)."""
    the_queue_is_fair(before, venue, events)
    replay = Replay(before, venue)
    for event in events:
        replay.step(event)
    replay.finish(venue)
    nobody_is_forgotten(venue, events)
    liquidated_have_no_orders(venue, events)
    fund_is_solvent(venue, events)
