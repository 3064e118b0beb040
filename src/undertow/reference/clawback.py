"""Clawback: what nobody paid in a period is taken from the profits that it realised.

Until then deficits are bad debts, and profits of the period may be margin but not leave. At its
end the fund pays what it can of the debts, then all customers in profit pay the rest, and what the
fund is short of, in equal percentage of what their positions have realised since the last
clawback (without fees and funding), as far as that is still in their cash and equity.

OKX did so each Friday (help 360011941512, August 2018: over all contracts, net profit of the week,
equal percentage), BitMEX at rebalances and settlements until 3 October 2016. Whether fees and
funding count was not read; that profits may be margin meanwhile is assumed.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.accounts import Account
from undertow.reference.control import refused, told
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.waterfall import proportional


def claw_back(venue: Exchange, command: Command) -> None:
    """End a period: collect what is owed, and count profits anew."""
    if refused(venue, command, (not venue.rules.claws_back, codes.NO_CLAWBACK)):
        return
    debts, fund = venue.account(codes.BAD_DEBTS), venue.account(codes.FUND)
    owed = max(0, -debts.cash_units)
    if venue.rules.fund_pays:
        paid = min(owed, max(0, min(fund.cash_units, venue.cross_equity(fund))))
        transfer(venue, codes.INSURANCE_PAID, fund, debts, paid)
        owed -= paid
    taken = collect(venue, owed + max(0, -venue.cross_equity(fund)))
    transfer(venue, codes.CLAWED_BACK, debts, fund, max(0, taken - owed))
    for account in venue.accounts.values():
        account.period_units = 0
    told(venue, command, codes.CHANGED)


def collect(venue: Exchange, owed_units: int) -> int:
    """Take an amount from those in profit, for the bad debts; returns what they could pay."""
    payers = [
        (account, able_to_pay(venue, account))
        for number, account in sorted(venue.accounts.items())
        if number >= codes.FIRST_CUSTOMER and able_to_pay(venue, account) > 0
    ]
    taken = min(owed_units, sum(able for _, able in payers))
    shares = proportional(taken, [able for _, able in payers])
    for (account, _), share in zip(payers, shares, strict=True):
        transfer(venue, codes.CLAWED_BACK, account, venue.account(codes.BAD_DEBTS), share)
    return taken


def able_to_pay(venue: Exchange, account: Account) -> int:
    """What an account can lose of the period's profit."""
    return min(account.period_units, account.cash_units, venue.cross_equity(account))


def transfer(venue: Exchange, kind: int, payer: Account, payee: Account, amount: int) -> None:
    """Move cash. Insurance is about who receives it, a clawback about who pays."""
    if amount <= 0:
        return
    payer.cash_units -= amount
    payee.cash_units += amount
    first, other = (payee, payer) if kind == codes.INSURANCE_PAID else (payer, payee)
    signed = amount if first is payee else -amount
    venue.write(Event(
        kind, NO_REASON, 0, 0, -1, first.number, 0, 0, 0, amount_units=signed,
        maker_account=other.number, maker_amount_units=-signed,
    ))  # fmt: skip
