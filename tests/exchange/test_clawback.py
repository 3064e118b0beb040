"""Clawback by worked examples: who pays for a period's bad debts, and what stays until then."""

from __future__ import annotations

from collections.abc import Callable

from exchange.desk import ANN, BOB, CASH, CAT, DAN, Desk, of_kind, said
from undertow.model import codes
from undertow.model.codes import BAD_DEBTS, FUND
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command

Open = Callable[..., Desk]
RULES = Rules(claws_back=True, deleverages=False, default_leverage=100)
CLAW_BACK = Command(codes.CLAW_BACK)


def bankrupt(opened: Open) -> Desk:
    """Ann bought 100 lots at 1,000 with 5 in cash and nobody bids at 940; three sold them."""
    desk = opened(Contract(units=1000, tiers=(Tier(0, 10_000, 0, 100),)), rules=RULES)
    desk.fund(ann=5, bob=100, cat=100, dan=100)
    desk.mark(1000)
    for account, lots in ((BOB, 20), (CAT, 30), (DAN, 50)):
        desk.trade(ANN, account, lots, 1000)
    return desk


def test_a_deficit_is_a_bad_debt_until_the_period_ends(opened: Open) -> None:
    desk = bankrupt(opened)
    events = desk.mark(940)  # a loss of 6 on 5; nobody is closed, the fund holds the position
    assert said(events) == ["liquidation", "takeover", "bad_debt"]
    assert desk.cash(BAD_DEBTS) == -1 * CASH
    assert desk.held(FUND).lots == 100
    assert desk.cash(DAN) == 100 * CASH


def test_those_who_realised_profits_pay_in_equal_percentage(opened: Open) -> None:
    desk = bankrupt(opened)
    desk.mark(940)
    desk.apply(Command(codes.SETTLE, price_ticks=940))  # 1.20, 1.80 and 3 of profit
    events = desk.apply(CLAW_BACK)
    assert said(events) == ["clawed_back"] * 3 + ["changed"]
    paid = [(event.account, event.amount_units, event.maker_account) for event in events[:3]]
    assert paid == [
        (BOB, -200_000, BAD_DEBTS),
        (CAT, -300_000, BAD_DEBTS),
        (DAN, -500_000, BAD_DEBTS),
    ]
    assert (desk.cash(BAD_DEBTS), desk.cash(DAN)) == (0, 102_500_000)
    assert said(desk.apply(CLAW_BACK)) == ["changed"]


def test_the_fund_pays_first_and_is_filled_up_last(opened: Open) -> None:
    desk = bankrupt(opened)
    desk.mark(940)
    desk.set(codes.DEPOSIT, FUND, 400_000)
    desk.mark(938)  # the fund's 100 lots lose 0.20
    events = desk.apply(CLAW_BACK)  # nothing is realised yet
    assert [(e.kind, e.amount_units) for e in events[:-1]] == [(codes.INSURANCE_PAID, 200_000)]
    desk.mark(930)
    desk.apply(Command(codes.SETTLE, price_ticks=930))  # the fund has lost 1: 0.80 are missing
    events = desk.apply(CLAW_BACK)
    assert sum(event.amount_units for event in events[:3]) == -1_600_000  # 0.80 of debts, and 0.80
    assert (events[3].account, events[3].maker_account) == (BAD_DEBTS, FUND)
    assert (desk.cash(BAD_DEBTS), desk.cash(FUND)) == (0, 0)


def test_profits_stay_until_then(opened: Open) -> None:
    desk = bankrupt(opened)
    desk.mark(990)
    desk.apply(Command(codes.SETTLE, price_ticks=990))
    assert said(desk.set(codes.WITHDRAW, DAN, 51 * CASH)) == ["withdrawn"]  # of 100.50
    refused = desk.set(codes.WITHDRAW, DAN, 48_600_000)  # would take 0.10 of the profit
    assert refused[0].reason == codes.INSUFFICIENT_BALANCE
    desk.apply(CLAW_BACK)
    assert said(desk.set(codes.WITHDRAW, DAN, 48_600_000)) == ["withdrawn"]


def test_what_profits_do_not_cover_stays_owed_and_only_where_rules_say_so(opened: Open) -> None:
    desk = bankrupt(opened)
    desk.mark(940)
    desk.trade(DAN, CAT, 1, 950)  # Dan realises 0.05, and Cat nothing
    assert [e.amount_units for e in of_kind(desk.apply(CLAW_BACK), codes.CLAWED_BACK)] == [-50_000]
    assert desk.cash(BAD_DEBTS) == -950_000
    other = opened(Contract())
    assert other.apply(CLAW_BACK)[0].reason == codes.NO_CLAWBACK
