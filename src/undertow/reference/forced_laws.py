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
from undertow.reference.contract import value
from undertow.reference.deleveraging import lots_to_take
from undertow.reference.exchange import Event, Exchange, Market
from undertow.reference.pools import Pool, equity, lacks, maintenance, release
from undertow.reference.venue_laws import require
from undertow.reference.waterfall import winners


@dataclass
class Group:
    """One pool's liquidation, and what each of its payers paid, in cash units."""

    pool: Pool
    equity_units: int
    book: int = 0  # what selling beside the mark brought; mostly below 0
    fee: int = 0
    insurance: int = 0
    haircut: int = 0  # what winners got less than at the mark
    socialised: int = 0
    bad_debt: int = 0
    surplus: int = 0
    wound_up: bool = False
    waits: Event | None = None


def copy_of(accounts: dict[int, Account]) -> dict[int, Account]:
    """Accounts and positions that may be changed."""
    return {
        number: replace(
            account, positions={key: replace(held) for key, held in account.positions.items()}
        )
        for number, account in accounts.items()
    }


class Replay:
    """The accounts before a mark, moved along by its events."""

    def __init__(self, before: dict[int, Account], venue: Exchange) -> None:
        """``before`` is changed; ``venue`` is the state after the mark, and only read."""
        markets = [
            Market(one.contract, one.book, one.mark_ticks, one.previous_mark_ticks)
            for one in venue.markets
        ]
        self.state = Exchange(venue.contracts, venue.rules, venue.count, accounts=before)
        self.state.markets = markets
        self.group: Group | None = None
        self.row: tuple[int, int, int] | None = None  # who is being deleveraged
        self.expected: dict[tuple[int, int], int] = {}

    def step(self, event: Event) -> None:
        """Check an event against the state before it, then move on."""
        if self.group is not None and event.kind in (codes.LIQUIDATION, codes.TRIGGERED):
            self.close_group()
        if event.kind not in (codes.DELEVERAGED, codes.CANCELLED):
            self.close_row()
        if event.kind == codes.LIQUIDATION:
            self.open_group(event)
        elif event.kind == codes.FILL:
            self.fill(event)
        elif event.kind == codes.DELEVERAGED:
            self.deleverage(event)
        elif event.kind == codes.TAKEOVER:
            self.take_over(event)
        elif event.kind in PAYMENTS:
            self.pay(event)
        elif event.kind == codes.LIQUIDATION_WAITS and self.group:
            self.group.waits = event

    def leg(self, account: int, instrument: int, leg: int) -> Position:
        """A position of the state."""
        return self.state.position(account, instrument, leg)

    def worth(self, instrument: int, lots: int) -> int:
        """Value at the mark."""
        market = self.state.markets[instrument]
        return value(market.contract, lots, market.mark_ticks)

    def open_group(self, event: Event) -> None:
        """Only who lacks margin is liquidated, and the event tells how much."""
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
        self.group = Group(pool, has)

    def fill(self, event: Event) -> None:
        """A trade: of the liquidated, or of orders that a mark set off."""
        contract = self.state.markets[event.instrument].contract
        bought = value(contract, event.quantity_lots, event.price_ticks)
        sign = 1 if event.side == codes.BUY else -1
        forced = event.reason != codes.NO_REASON
        held = self.leg(event.account, event.instrument, event.leg)
        at_mark = self.worth(held.instrument, held.lots)
        lots, cost = sign * event.quantity_lots, sign * bought
        profit = settle(self.state.account(event.account), held, lots, cost, keeps_margin=forced)
        require(profit == event.amount_units, "profit of a fill", profit=profit, event=event)
        charge(self.state.account(event.account), held, -event.fee_units)
        if forced and self.group:
            self.group.book += self.worth(held.instrument, held.lots) - at_mark - cost
        other = self.leg(event.maker_account, event.instrument, event.maker_leg)
        account = self.state.account(event.maker_account)
        profit = settle(account, other, -lots, -cost)
        require(profit == event.maker_amount_units, "profit of a maker", profit=profit, event=event)
        charge(account, other, -event.maker_fee_units)
        self.state.account(codes.VENUE).cash_units -= event.fee_units + event.maker_fee_units

    def take_over(self, event: Event) -> None:
        """A position moves to an account of the venue at the mark."""
        assert self.group is not None
        self.group.wound_up = True
        held = self.leg(event.account, event.instrument, event.leg)
        lots = event.quantity_lots if event.side == codes.BUY else -event.quantity_lots
        require(held.lots == lots, "taken over whole", position=held, event=event)
        cost = self.worth(event.instrument, lots)
        profit = settle(self.group.pool.account, held, -lots, -cost, keeps_margin=True)
        require(profit == event.amount_units, "profit at a takeover", profit=profit, event=event)
        other = self.leg(event.maker_account, event.instrument, event.maker_leg)
        gained = settle(self.state.account(event.maker_account), other, lots, cost)
        require(gained == event.maker_amount_units, "profit of a taker", profit=gained, event=event)

    def deleverage(self, event: Event) -> None:
        """Only reduces, only the other side, only those in profit, in ranking order."""
        assert self.group is not None
        self.group.wound_up = True
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
        if kind == codes.LOSS_SOCIALISED:
            payer = self.state.account(event.account)
            require(amount < 0, "a share of a loss is paid", event=event)
            payer.cash_units += amount
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
        group.insurance += amount if kind == codes.INSURANCE_PAID else 0
        group.bad_debt += amount if kind == codes.BAD_DEBT else 0
        group.surplus -= amount if kind == codes.SURPLUS_KEPT else 0

    def close_group(self) -> None:
        """The waterfall closes: deficit = insurance + haircut + socialised loss + bad debt."""
        self.close_row()
        group = self.group
        if group is None:
            return
        self.group = None
        state, pool = self.state, group.pool
        left = equity(state, pool)
        after_book = group.equity_units + group.book - group.fee
        paid = group.insurance + group.haircut + group.socialised + group.bad_debt
        require(after_book + paid - group.surplus == left, "waterfall", group=group, equity=left)
        deficit = max(0, -after_book)
        signs = min(group.insurance, group.socialised, group.bad_debt, group.surplus, group.fee)
        require(signs >= 0, "payers pay", group=group)
        require(group.insurance <= deficit, "insurance pays the deficit", group=group)
        if group.waits is not None:
            told = (group.waits.amount_units, group.waits.fee_units)
            require(told == (left, maintenance(state, pool)), "waits tells", group=group)
            alone = group.waits.reason == codes.NO_COUNTERPARTY
            waits = bool(pool.open()) and (alone or lacks(state, pool))
            require(waits, "waits: has a position", group=group)
        elif group.wound_up or paid or group.surplus:
            is_own = pool.account.number < codes.FIRST_CUSTOMER  # keeps what winners leave it
            is_clean = left >= 0 if is_own else left == 0
            require(not pool.open() and is_clean, "nothing is left of a pool", group=group)
        else:
            require(not lacks(state, pool), "closed until the margin suffices", group=group)
        release(pool)

    def finish(self, venue: Exchange) -> None:
        """What events say is what there is."""
        self.close_group()
        for number, account in venue.accounts.items():
            mine = self.state.account(number)
            require(
                mine.cash_units == account.cash_units, "events explain cash",
                account=number, events=mine.cash_units, cash=account.cash_units,
            )  # fmt: skip
            for held in account.in_order():
                one = self.leg(number, held.instrument, held.leg)
                said = (one.lots, one.basis_units, one.margin_units)
                has = (held.lots, held.basis_units, held.margin_units)
                require(said == has, "events explain positions", events=said, position=held)


PAYMENTS = (
    codes.LIQUIDATION_FEE, codes.INSURANCE_PAID, codes.SURPLUS_KEPT, codes.LOSS_SOCIALISED,
    codes.BAD_DEBT,
)  # fmt: skip


def nobody_is_forgotten(venue: Exchange, events: Sequence[Event]) -> None:
    """After a mark, a pool that lacks margin was liquidated in it or waits for a stated reason.

    Whom orders touched that fired after the liquidations is left out: they wait for the next mark.
    """
    dealt = {
        (event.account, event.instrument, event.leg)
        for event in events
        if event.kind == codes.LIQUIDATION
    }
    first = next((n for n, event in enumerate(events) if event.kind == codes.LIQUIDATION), 0)
    fired = [n for n, event in enumerate(events) if n > first and event.kind == codes.TRIGGERED]
    later = events[fired[0] :] if dealt and fired else []
    touched = {event.account for event in later} | {event.maker_account for event in later}
    for number, account in venue.accounts.items():
        if number in (codes.VENUE, codes.BAD_DEBTS) or number in touched:
            continue
        for held in [None, *account.isolated()]:
            pool = Pool(account, held)
            key = (number, held.instrument if held else -1, held.leg if held else 0)
            require(
                key in dealt or not lacks(venue, pool), "nobody is forgotten",
                pool=key, equity=equity(venue, pool), maintenance=maintenance(venue, pool),
            )  # fmt: skip


def fund_is_solvent(venue: Exchange, events: Sequence[Event]) -> None:
    """After a mark the fund's equity is 0 or more, unless it was wound up in this mark.

    Then it waits for somebody to trade with, or its orders were filled after that.
    """
    wound_up = any(
        event.kind == codes.LIQUIDATION and event.account == codes.FUND for event in events
    )
    has = equity(venue, Pool(venue.account(codes.FUND), None))
    require(has >= 0 or wound_up, "the fund is solvent", equity=has)


def mark_laws(before: dict[int, Account], venue: Exchange, events: Sequence[Event]) -> None:
    """All laws of a mark; ``before`` is a copy of the accounts before it (`copy_of`)."""
    replay = Replay(before, venue)
    for event in events:
        replay.step(event)
    replay.finish(venue)
    nobody_is_forgotten(venue, events)
    fund_is_solvent(venue, events)
