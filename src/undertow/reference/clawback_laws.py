"""Laws of a clawback: who pays, how much, and that it is no more than what is owed.

Profits of the period are counted again, from the events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from undertow.model import codes
from undertow.reference.accounts import Account
from undertow.reference.exchange import Event, Exchange
from undertow.reference.pools import Pool, equity
from undertow.reference.venue_laws import require

REALISED = (codes.FILL, codes.TAKEOVER, codes.DELEVERAGED)


def add_profits(profits: dict[int, int], venue: Exchange, events: Iterable[Event]) -> None:
    """Count what positions realised, by account."""
    for event in events:
        if event.kind == codes.FILL and venue.contracts[event.instrument].kind == codes.SPOT:
            continue
        if event.kind in (*REALISED, codes.SETTLED):
            profits[event.account] = profits.get(event.account, 0) + event.amount_units
        if event.kind in REALISED:
            other = event.maker_account
            profits[other] = profits.get(other, 0) + event.maker_amount_units


def clawback_laws(
    before: Mapping[int, Account], profits: Mapping[int, int], venue: Exchange,
    events: Iterable[Event],
) -> None:  # fmt: skip
    """Only those in profit pay, in equal percentage; debts = insurance + clawback + what is left.

    ``before`` are copies of the accounts, ``profits`` what they realised in the period.
    """
    state = Exchange(venue.contracts, venue.rules, venue.count, accounts=dict(before))
    state.markets, state.assets = venue.markets, venue.assets
    able = {
        number: max(0, min(profits.get(number, 0), account.cash_units, state.cross_equity(account)))
        for number, account in before.items()
        if number >= codes.FIRST_CUSTOMER
    }
    told = list(events)
    paid = {
        event.account: -event.amount_units
        for event in told
        if event.kind == codes.CLAWED_BACK and event.account != codes.BAD_DEBTS
    }
    insured = sum(event.amount_units for event in told if event.kind == codes.INSURANCE_PAID)
    debts = max(0, -state.account(codes.BAD_DEBTS).cash_units)
    lacks = max(0, -equity(state, Pool(state.account(codes.FUND), None)))
    owed = debts - insured + lacks
    total = sum(able.values())
    due = min(owed, total)
    require(sum(paid.values()) == due, "clawed back what is owed", due=due, paid=paid)
    for number in paid.keys() | able.keys():
        exact = due * able.get(number, 0) // max(1, total)
        is_fair = exact <= paid.get(number, 0) <= min(exact + 1, able.get(number, 0))
        require(is_fair, "clawed back in equal percentage", account=number, exact=exact, paid=paid)
    left = max(0, -venue.account(codes.BAD_DEBTS).cash_units)
    to_fund = max(0, due - (debts - insured))
    require(
        debts == insured + due - to_fund + left, "debts = insurance + clawback + rest",
        debts=debts, insured=insured, clawed_back=due, to_fund=to_fund, left=left,
    )  # fmt: skip
    period = {account.period_units for account in venue.accounts.values()}
    require(period <= {0}, "a new period begins", profits=period)
