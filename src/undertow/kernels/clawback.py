"""Clawback: what nobody paid in a period is taken from the profits that it realised.

``reference/clawback.py`` says the same in plain Python, and whose rule it is.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined
from undertow.kernels.control import told
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.integers import mul_div_floor
from undertow.kernels.ledger import soil
from undertow.kernels.margin import cross_equity
from undertow.kernels.trading import reject, write
from undertow.model.codes import (
    BAD_DEBTS,
    CHANGED,
    CLAWED_BACK,
    FIRST_CUSTOMER,
    FUND,
    INSURANCE_PAID,
    NO_CLAWBACK,
    NO_REASON,
)


@inner
def claw_back(venue: Exchange, command: Records) -> None:
    """End a period: collect what is owed, and count profits anew."""
    stay_apart()
    if venue.rules[0]["claws_back"] == 0:
        reject(venue, command, NO_CLAWBACK)
        return
    owed = max(0, -venue.accounts[BAD_DEBTS]["cash_units"])
    equity = cross_equity(venue, FUND)
    if venue.rules[0]["fund_pays"] != 0:
        paid = min(owed, max(0, min(venue.accounts[FUND]["cash_units"], equity)))
        transfer(venue, INSURANCE_PAID, FUND, BAD_DEBTS, paid)
        owed -= paid
    taken = collect(venue, owed + max(0, -equity))
    transfer(venue, CLAWED_BACK, BAD_DEBTS, FUND, max(0, taken - owed))
    for account in range(venue.accounts.shape[0]):
        venue.accounts[account]["period_units"] = 0
    told(venue, command, CHANGED, 0)


@inner_inlined
def collect(venue: Exchange, owed: int) -> int:
    """Take an amount from those in profit, for the bad debts; returns what they could pay."""
    total = 0
    for account in range(FIRST_CUSTOMER, venue.accounts.shape[0]):
        total += able_to_pay(venue, account)
    taken = min(owed, total)
    if taken == 0:
        return 0
    rest = taken
    for account in range(FIRST_CUSTOMER, venue.accounts.shape[0]):
        rest -= mul_div_floor(taken, able_to_pay(venue, account), total)[0]
    for account in range(FIRST_CUSTOMER, venue.accounts.shape[0]):
        able = able_to_pay(venue, account)
        share = mul_div_floor(taken, able, total)[0]
        if rest > 0 and share < able:
            share, rest = share + 1, rest - 1
        transfer(venue, CLAWED_BACK, account, BAD_DEBTS, share)
    return taken


@inner
def able_to_pay(venue: Exchange, account: int) -> int:
    """What an account can lose of the period's profit."""
    row = venue.accounts[account]
    if row["period_units"] <= 0:
        return 0
    return max(0, min(row["period_units"], row["cash_units"], cross_equity(venue, account)))


@inner
def transfer(venue: Exchange, kind: int, payer: int, payee: int, amount: int) -> None:
    """Move cash. Insurance is about who receives it, a clawback about who pays."""
    if amount <= 0:
        return
    venue.accounts[payer]["cash_units"] -= amount
    venue.accounts[payee]["cash_units"] += amount
    soil(venue, payer)
    first, other, signed = payer, payee, -amount
    if kind == INSURANCE_PAID:
        first, other, signed = payee, payer, amount
    event = write(venue, kind, NO_REASON, 0, 0, -1, first, 0, 0, 0, 0)
    event["amount_units"] = signed
    event["maker_account"] = other
    event["maker_amount_units"] = -signed
