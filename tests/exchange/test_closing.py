"""Closing by worked examples: halted and ended books, bankruptcy, maintenance as of entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.desk import ANN, BOB, CASH, CAT, DAN, Desk, said
from undertow.model import codes
from undertow.model.codes import BUY, FUND, SELL
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command

Open = Callable[..., Desk]
CONTRACT = Contract(units=1000, tiers=(Tier(0, 10_000, 0, 100),))


def ready(opened: Open, rules: Rules, *contracts: Contract) -> Desk:
    """Ann is long 100 lots at 1,000 with 5 in cash; Bob is short, Cat bids at 960."""
    desk = opened(*(contracts or (CONTRACT,)), rules=rules)
    desk.fund(ann=5, bob=1000, cat=1000, dan=1000, fund=1000)
    desk.mark(1000)
    desk.trade(ANN, BOB, 100, 1000)
    desk.limit(CAT, BUY, 100, 960)
    return desk


def test_a_liquidation_waits_while_trading_is_halted(opened: Open) -> None:
    desk = ready(opened, Rules(default_leverage=100))
    desk.set(codes.HALT, ANN, 1)
    events = desk.mark(955)  # equity 0.50, needed 0.955
    assert said(events) == ["liquidation", "liquidation_waits"]
    assert (events[1].reason, events[1].quantity_lots) == (codes.HALTED, 100)
    assert said(desk.mark(940)) == ["liquidation", "liquidation_waits"]  # bankrupt, and nobody pays
    desk.set(codes.HALT, ANN, 0)
    assert said(desk.mark(955)) == ["liquidation", "fill"]
    assert desk.cash(ANN) == 1 * CASH


def test_or_it_is_taken_over_without_the_book_and_says_why(opened: Open) -> None:
    rules = Rules(default_leverage=100, halted_book=codes.HALT_TAKES_OVER)
    desk = ready(opened, rules)
    desk.set(codes.HALT, ANN, 1)
    events = desk.mark(955)
    assert said(events) == ["liquidation", "takeover", "surplus_kept"]
    assert (events[1].reason, desk.held(FUND).lots) == (codes.HALTED, 100)


def test_or_it_trades_all_the_same(opened: Open) -> None:
    desk = ready(opened, Rules(default_leverage=100, halted_book=codes.HALT_TRADES))
    desk.set(codes.HALT, ANN, 1)
    assert said(desk.mark(955)) == ["liquidation", "fill"]


def test_the_other_book_of_a_pool_is_still_used(opened: Open) -> None:
    desk = ready(opened, Rules(default_leverage=100), CONTRACT, CONTRACT)
    desk.fund(ann=5)
    desk.mark(1000, 1)
    desk.trade(ANN, BOB, 100, 1000, instrument=1)
    desk.limit(CAT, BUY, 100, 955, instrument=1)
    desk.set(codes.HALT, ANN, 1)
    desk.mark(960)
    events = desk.mark(950, 1)  # equity 10 - 4 - 5; needed 0.96 + 0.95
    assert said(events) == ["liquidation", "fill"]
    assert desk.held(ANN, 0).lots == 100
    assert desk.held(ANN, 1).lots == 0


def test_a_contract_that_was_delivered_never_trades_again(opened: Open) -> None:
    desk = ready(opened, Rules())
    desk.apply(Command(codes.SETTLE, price_ticks=1000, flags=codes.CLOSE_POSITION))
    refused = desk.set(codes.HALT, ANN, 0)
    assert (said(refused), refused[0].reason) == (["rejected"], codes.DELIVERED)
    assert desk.limit(DAN, BUY, 1, 1000)[0].reason == codes.HALTED


def isolated(opened: Open, **rules: object) -> Desk:
    """Bob is long 100 lots at 1,000 with a margin of 10 of his own; Cat bids at 850."""
    desk = opened(CONTRACT, rules=Rules(default_leverage=10, **rules))  # type: ignore[arg-type]
    desk.fund(bob=1000, cat=1000, dan=1000, fund=1000)
    desk.mark(1000)
    desk.set(codes.SET_MARGIN_MODE, BOB, 1)
    desk.trade(BOB, DAN, 100, 1000)
    desk.limit(CAT, BUY, 100, 850)
    return desk


def test_closing_beyond_bankruptcy_is_paid_by_the_fund_which_the_event_explains(
    opened: Open,
) -> None:
    desk = isolated(opened)
    assert said(desk.limit(BOB, SELL, 100, 850)) == ["accepted", "fill"]
    assert desk.held(BOB).margin_units == -5 * CASH
    events = desk.mark(1000)
    assert said(events) == ["liquidation", "insurance_paid"]
    assert (events[0].reason, events[1].amount_units) == (codes.PAST_BANKRUPTCY, 5 * CASH)


def test_or_such_orders_are_refused(opened: Open) -> None:
    desk = isolated(opened, refuses_past_bankruptcy=True)
    assert desk.limit(BOB, SELL, 1, 899)[0].reason == codes.PAST_BANKRUPTCY  # 10 are gone at 900
    assert desk.limit(BOB, BUY, 1, 840)[0].kind == codes.ACCEPTED  # nothing is closed
    assert said(desk.market(BOB, SELL, 100)) == ["accepted", "cancelled"]  # not down to 850
    desk.limit(BOB, SELL, 50, 900)
    amended = Command(
        codes.AMEND, account=BOB, order_id=desk.next_id - 1, price_ticks=890, quantity_lots=50
    )
    assert desk.apply(amended)[0].reason == codes.PAST_BANKRUPTCY
    desk.set(codes.ADJUST_MARGIN, BOB, 5 * CASH)
    assert said(desk.limit(BOB, SELL, 50, 850)) == ["accepted", "fill"]
    assert desk.held(BOB).margin_units == 750 * CASH // 100  # the other half's


@pytest.mark.parametrize(("at_entry", "first"), [(True, 910), (False, 909)])
def test_maintenance_of_what_was_paid(opened: Open, *, at_entry: bool, first: int) -> None:
    """Bybit's isolated liquidation price, entry * (1 - initial + maintenance): 1,000 * 0.91.

    Counted at the mark it is 900 / 0.99.
    """
    desk = isolated(opened, maintenance_at_entry=at_entry, liquidates_when_equal=True)
    assert desk.mark(first + 1) == []
    assert said(desk.mark(first))[0] == "liquidation"
