"""Futures with daily settlement, margin calls and price limits: examples that a hand can check.

At 10,000 a contract of 5 coins is worth 50,000: initial margin (47 %) is 23,500, maintenance
(43 %) is 21,500.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.venues.clearing import Clearing
from undertow.venues.clearing_rules import Notice
from undertow.venues.engine import COMMAND
from undertow.venues.price_limits import settlement_ticks

BTC, MBT = "BTC", "MBT"
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
START_NS = 1_513_609_200 * SECOND_NS  # 18 December 2017, 15:00 UTC
LAUNCH = "cme@2017-12-18"


def opened(engine: str = "reference", **given: Any) -> Clearing:
    made = Clearing.open(LAUNCH, BTC, accounts=["alice", "bob", "carol"], engine=engine, **given)
    made.pass_time(START_NS)
    made.deposit("alice", "25000")
    made.deposit("bob", "1000000")
    made.deposit("carol", "1000000")
    made.settle(BTC, 10_000)
    return made


@pytest.fixture
def house() -> Clearing:
    """The first day of trading: 10,000 was the last settlement; three customers have money."""
    return opened()


def trade(house: Clearing, buyer: str, seller: str, lots: int, price: int) -> None:
    assert house.order(buyer, BTC, "buy", lots, price)[-1].kind == "accepted"
    assert house.order(seller, BTC, "sell", lots, price)[1].kind == "fill"


def told(house: Clearing, since: int = 0) -> list[str]:
    return [notice.kind for notice in house.notices[since:] if notice.kind != "settled"]


def last(house: Clearing, kind: str) -> Notice:
    return [notice for notice in house.notices if notice.kind == kind][-1]


def adds_up(house: Clearing) -> None:
    """No unit is made or lost, and every statement adds up to its balance."""
    moved = {"deposited": 0, "withdrawn": 0}
    for event in house.events():
        if event.kind in moved:
            assert event.amount is not None
            moved[event.kind] += int(event.amount.scaleb(6))
    held = int(house.engine.accounts()["cash_units"].sum())
    basis = int(house.engine.positions()["basis_units"].sum())
    assert held - basis == sum(moved.values())
    paid = Decimal(0)
    for name in ("alice", "bob", "carol"):
        items = house.statement(name).totals()
        paid += items.get("paid by the broker", Decimal(0))
        paid += items.get("taken back by the broker", Decimal(0))
    owed = sum(house.owed(name) for name in ("alice", "bob", "carol"))
    assert paid == owed + sum(house.broker_losses().values())
    assert not {"liquidation", "bad_debt", "deleveraged"} & {one.kind for one in house.events()}


def test_variation_is_the_move_times_the_size_of_all_contracts(house: Clearing) -> None:
    house.deposit("alice", 50_000)
    trade(house, "alice", "bob", 2, 10_000)
    paid = {event.account: event.amount for event in house.settle(BTC, 10_300)}
    assert paid == {"alice": 300 * 5 * 2, "bob": -300 * 5 * 2}
    paid = {event.account: event.amount for event in house.settle(BTC, 10_100)}
    assert paid == {"alice": -200 * 5 * 2, "bob": 200 * 5 * 2}
    assert house.statement("alice").totals() == {"deposit": 75_000, "settlement": 1_000}
    assert house.statement("alice").wallet == house.equity("alice") == 76_000
    assert house.initial_margin("alice") == 2 * 5 * 10_100 * Decimal("0.47")
    assert house.maintenance_margin("alice") == 2 * 5 * 10_100 * Decimal("0.43")
    adds_up(house)


def test_a_trade_of_the_day_is_settled_from_its_own_price(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_050)
    paid = {event.account: event.amount for event in house.settle(BTC, 10_000)}
    assert paid == {"alice": -250, "bob": 250}
    trade(house, "bob", "alice", 1, 9_900)
    assert house.settle(BTC, 9_000) == []
    assert house.equity("alice") == 25_000 - 250 - 500


def test_a_micro_contract_is_a_tenth_of_a_coin() -> None:
    house = Clearing.open("cme@2025-11-04", [BTC, MBT], accounts=["a", "b"], engine="reference")
    for symbol in (BTC, MBT):
        house.settle(symbol, 100_000)
    house.deposit("a", 600_000)
    house.deposit("b", 600_000)
    house.order("a", MBT, "sell", 50, 100_000)
    house.order("b", MBT, "buy", 50, 100_000)
    house.order("b", BTC, "sell", 1, 100_000)
    house.order("a", BTC, "buy", 1, 100_000)
    assert house.initial_margin("a") == Decimal("0.47") * 1_000_000  # nothing for the offset
    house.settle(BTC, 101_000)
    assert (house.equity("a"), house.equity("b")) == (605_000, 595_000)
    house.settle(MBT, 101_000)
    assert (house.equity("a"), house.equity("b")) == (600_000, 600_000)


def test_who_is_below_maintenance_is_called_up_to_initial(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 8_800)  # 19,000 against 18,920
    assert told(house) == []
    house.settle(BTC, 8_700)  # 18,500 against 18,705
    call = last(house, "margin_call")
    assert (call.account, call.amount) == ("alice", Decimal("0.47") * 5 * 8_700 - 18_500)
    assert (call.ts_ns, call.until_ns) == (START_NS, START_NS + DAY_NS)
    assert "account=alice" in repr(call)
    house.deposit("alice", call.amount - Decimal("0.01"))
    assert told(house) == ["margin_call"]
    house.deposit("alice", "0.01")
    assert told(house) == ["margin_call", "call_met"]
    house.pass_time(START_NS + 2 * DAY_NS)
    assert told(house) == ["margin_call", "call_met"]
    adds_up(house)


def test_a_call_follows_the_price_and_keeps_its_deadline(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 8_700)
    house.pass_time(START_NS + DAY_NS // 2)
    house.settle(BTC, 8_600)
    assert told(house) == ["margin_call", "margin_call"]
    call = last(house, "margin_call")
    assert call.amount == Decimal("0.47") * 5 * 8_600 - 18_000
    assert call.until_ns == START_NS + DAY_NS
    house.settle(BTC, 9_900)
    assert told(house)[2:] == ["call_met"]


def test_closing_meets_a_call_too(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 8_700)
    house.order("carol", BTC, "buy", 1, 8_700)
    house.order("alice", BTC, "sell", 1, 8_700)
    assert told(house) == ["margin_call", "call_met"]


def test_who_misses_the_deadline_is_closed_in_the_book(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 8_700)
    house.order("carol", BTC, "buy", 5, 8_600)
    house.pass_time(START_NS + DAY_NS - 1)
    assert told(house) == ["margin_call"]
    events = house.pass_time(START_NS + DAY_NS)
    assert told(house) == ["margin_call", "call_missed"]
    fill = events[-1]
    assert (fill.kind, fill.account, fill.price, fill.quantity) == ("fill", "alice", 8_600, 1)
    assert house.positions()["name"].to_list() == ["bob", "carol"]
    assert house.equity("alice") == 18_500 - 500
    assert house.broker_losses() == {}
    assert house.calls == {}
    adds_up(house)


def test_what_the_customer_cannot_pay_the_broker_loses(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 4_500)  # 27,500 lost of 25,000
    assert told(house) == ["advanced", "margin_call"]
    assert (house.owed("alice"), house.equity("alice")) == (2_500, -2_500)
    assert last(house, "margin_call").amount == Decimal("0.47") * 22_500 + 2_500
    assert house.statement("bob").wallet == 1_027_500  # the house does not wait
    house.order("carol", BTC, "buy", 1, 4_400)
    house.pass_time(START_NS + DAY_NS)
    assert told(house)[2:] == ["call_missed", "advanced", "broker_loss"]
    assert house.broker_losses() == {"alice": 3_000}
    assert (house.owed("alice"), house.equity("alice")) == (0, 0)
    assert house.statement("alice").totals() == {
        "deposit": 25_000, "settlement": -27_500, "paid by the broker": 3_000, "profit": -500,
    }  # fmt: skip
    adds_up(house)


def test_the_broker_takes_back_first_what_it_paid(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 4_500)
    house.deposit("alice", 13_075)
    assert told(house) == ["advanced", "margin_call", "repaid", "call_met"]
    assert (house.owed("alice"), house.equity("alice")) == (0, 10_575)
    assert house.statement("alice").totals()["taken back by the broker"] == -2_500
    adds_up(house)


def test_a_debt_without_a_position_is_called_as_well(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 5_100)
    trade(house, "carol", "alice", 1, 4_900)  # 500 are left, 1,000 are lost
    assert told(house) == ["margin_call"]
    house.settle(BTC, 5_000)
    assert told(house) == ["margin_call", "advanced", "margin_call"]
    assert last(house, "margin_call").amount == house.owed("alice") == 500
    house.pass_time(START_NS + DAY_NS)
    assert house.broker_losses() == {"alice": 500}
    adds_up(house)


def test_no_order_is_taken_without_initial_margin(house: Clearing) -> None:
    refused = house.order("alice", BTC, "buy", 2, 10_000)
    assert (refused[0].kind, refused[0].reason) == ("rejected", "insufficient_margin")
    resting = house.order("alice", BTC, "buy", 1, 9_900)[0]
    assert resting.kind == "accepted"
    assert house.order("alice", BTC, "buy", 1, 9_900)[0].reason == "insufficient_margin"
    assert resting.order_id is not None
    amended = house.amend("alice", resting.order_id, quantity=2)
    assert amended[0].reason == "insufficient_margin"
    assert house.amend("alice", resting.order_id, price=9_950)[0].kind != "rejected"
    assert house.withdraw("alice", "1500.000001")[0].reason == "insufficient_balance"
    assert house.withdraw("alice", "1500")[0].kind == "withdrawn"


def test_trading_stops_at_each_limit_and_goes_on_with_the_next(house: Clearing) -> None:
    house.deposit("alice", 100_000)
    assert house.limits(BTC) == (9_300, 10_700)
    for side, price in (("buy", 10_705), ("sell", 10_705), ("sell", 9_295), ("buy", 9_295)):
        refused = house.order("bob", BTC, side, 1, price)[0]
        assert (refused.kind, refused.reason) == ("rejected", "outside_price_band")
    trade(house, "alice", "bob", 1, 9_300)
    assert told(house) == ["limit_hit", "halted"]
    assert last(house, "limit_hit").price == 9_300
    assert last(house, "limit_hit").reason == "7% from the settlement"
    assert last(house, "halted").until_ns == START_NS + 120 * SECOND_NS
    assert house.order("bob", BTC, "sell", 1, 9_300)[0].reason == "halted"
    house.pass_time(START_NS + 120 * SECOND_NS - 1)
    assert told(house) == ["limit_hit", "halted"]
    house.pass_time(START_NS + 300 * SECOND_NS)
    resumed = last(house, "resumed")
    assert resumed.ts_ns == START_NS + 120 * SECOND_NS
    assert house.limits(BTC) == (8_700, 11_300)
    house.order("bob", BTC, "sell", 1, 8_700)  # rests at the limit: offered, and no one bids
    assert told(house)[3:] == ["limit_hit", "halted"]
    house.pass_time(START_NS + 420 * SECOND_NS)
    assert house.limits(BTC) == (8_000, 12_000)
    assert house.order("alice", BTC, "buy", 1, 8_700)[-1].kind == "fill"
    trade(house, "alice", "bob", 1, 8_000)
    assert told(house)[6:] == ["limit_hit"]  # no trading beyond, but trading
    assert house.order("bob", BTC, "sell", 1, 7_995)[0].reason == "outside_price_band"
    trade(house, "alice", "bob", 1, 8_000)
    assert told(house)[7:] == []
    house.settle(BTC, 8_000, intraday=True)
    assert house.limits(BTC) == (8_000, 12_000)
    house.settle(BTC, 8_000)
    assert house.limits(BTC) == (7_440, 8_560)
    adds_up(house)


def test_limits_are_rounded_towards_the_settlement(house: Clearing) -> None:
    house.settle(BTC, 10_015)
    assert house.limits(BTC) == (9_315, 10_715)  # 701.05 is 140.21 ticks


def test_what_rests_beyond_new_limits_leaves(house: Clearing) -> None:
    house.order("bob", BTC, "sell", 1, 10_700)
    house.order("bob", BTC, "buy", 1, 9_900)
    house.order("bob", BTC, "sell", 1, 10_600, trigger="stop", trigger_price=9_500,
                trigger_on="last")  # fmt: skip
    house.settle(BTC, 9_300)
    assert house.orders()["price"].to_list() == [9_900.0]


def test_a_market_order_finds_nothing_beyond_the_limit(house: Clearing) -> None:
    house.order("bob", BTC, "sell", 1, 10_700)
    events = house.order("carol", BTC, "buy", 3)
    assert [event.kind for event in events] == ["accepted", "fill", "cancelled", "changed"]
    assert told(house) == ["limit_hit", "halted"]


def test_the_broker_waits_for_a_halt_and_for_somebody_to_buy(house: Clearing) -> None:
    trade(house, "alice", "bob", 2 - 1, 10_000)
    house.settle(BTC, 8_600)
    house.pass_time(START_NS + DAY_NS)
    assert told(house) == ["margin_call", "call_missed"]
    assert "alice" in house.positions()["name"].to_list()
    house.halt(BTC)
    house.halt(BTC, halted=False)
    house.order("carol", BTC, "sell", 1, 8_700)
    assert "alice" in house.positions()["name"].to_list()
    events = house.order("carol", BTC, "buy", 1, 8_500)
    assert [event.kind for event in events] == ["accepted", "accepted", "fill"]
    assert "alice" not in house.positions()["name"].to_list()
    adds_up(house)


def test_the_broker_closes_after_the_halt(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.settle(BTC, 8_600)
    house.pass_time(START_NS + DAY_NS - 60 * SECOND_NS)
    house.order("carol", BTC, "buy", 2, 9_200)  # a bid at the limit, and no one sells
    assert told(house)[-2:] == ["limit_hit", "halted"]
    house.pass_time(START_NS + DAY_NS)
    assert told(house)[-1] == "call_missed"
    assert "alice" in house.positions()["name"].to_list()
    house.pass_time(START_NS + DAY_NS + 60 * SECOND_NS)
    assert told(house)[-1] == "resumed"
    fill = house.events()[-1]
    assert (fill.kind, fill.account, fill.price) == ("fill", "alice", 9_200)
    adds_up(house)


def test_delivery_pays_in_cash_and_ends_the_contract(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.order("bob", BTC, "buy", 1, 9_900)
    house.deliver(BTC, "10123.45")  # to the tick: 10,125
    assert house.positions().is_empty()
    assert house.orders().is_empty()
    assert (house.equity("alice"), house.equity("bob")) == (25_625, 999_375)
    assert last(house, "delivered").price == 10_125
    assert house.order("bob", BTC, "buy", 1, 10_000)[0].reason == "halted"
    for act in (
        lambda: house.settle(BTC, 10_000),
        lambda: house.halt(BTC, halted=False),
        lambda: house.deliver(BTC, 10_000),
    ):
        with pytest.raises(UndertowError, match="BTC has expired"):
            act()
    house.withdraw("alice", 25_625)
    adds_up(house)


def test_a_debt_after_delivery_is_called_and_lost(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.deliver(BTC, 4_000)
    assert told(house) == ["advanced", "delivered", "margin_call"]
    house.pass_time(START_NS + DAY_NS)
    assert house.broker_losses() == {"alice": 5_000}
    adds_up(house)


def test_the_settlement_price_is_the_average_of_the_last_minute(house: Clearing) -> None:
    house.deposit("alice", 1_000_000)
    trade(house, "alice", "bob", 5, 10_400)
    house.pass_time(START_NS + 61 * SECOND_NS)
    trade(house, "alice", "bob", 1, 10_010)
    house.pass_time(START_NS + 100 * SECOND_NS)
    trade(house, "alice", "bob", 2, 10_000)
    assert house.settlement_price(BTC) == 10_005  # 10,003.33 to the tick
    house.settle(BTC)
    assert last(house, "settled").price == 10_005
    house.pass_time(START_NS + 300 * SECOND_NS)
    house.order("bob", BTC, "buy", 1, 9_950)
    assert house.settlement_price(BTC) == 10_000  # the last trade
    house.order("bob", BTC, "sell", 1, 10_020)
    assert house.settlement_price(BTC) == 9_985


@pytest.mark.parametrize(
    ("trades", "book", "last_price", "previous", "expected"),
    [
        ([(100, 1), (101, 1)], (0, 0), 0, 90, 100),
        ([(100, 1), (101, 1)], (0, 0), 0, 110, 101),
        ([(100, 1), (101, 2)], (90, 95), 0, 90, 101),
        ([], (90, 95), 200, 93, 93),
        ([], (90, 95), 200, 92, 92),
        ([], (90, 0), 80, 70, 90),
        ([], (0, 95), 99, 70, 95),
        ([], (0, 95), 0, 70, 70),
        ([], (0, 0), 0, 70, 70),
        ([], (0, 95), 0, 0, 0),
    ],
)
def test_a_settlement_price_by_the_procedure(
    trades: list[tuple[int, int]], book: tuple[int, int], last_price: int, previous: int,
    expected: int,
) -> None:  # fmt: skip
    assert settlement_ticks(trades, *book, last_price, previous) == expected


REFUSALS: list[tuple[Callable[[Clearing], Any], str]] = [
    (lambda h: h.settle("XBT", 10_000), "unknown_instrument"),
    (lambda h: h.settle(BTC, "10000.01"), "off_tick"),
    (lambda h: h.settle(BTC, 0), "price_not_positive"),
    (lambda h: h.settle(BTC, -5), "price_not_positive"),
    (lambda h: h.halt("XBT"), "unknown_instrument"),
    (lambda h: h.order("zara", BTC, "buy", 1, 10_000), "unknown_account"),
    (lambda h: h.order("alice", BTC, "buy", 1, trigger="stop", trigger_price=10_100),
     "bad_trigger"),
    (lambda h: h.order("alice", BTC, "buy", "0.5", 10_000), "off_lot"),
    (lambda h: h.order("alice", BTC, "buy", -1, 10_000), "quantity_not_positive"),
    (lambda h: h.order("alice", BTC, "buy", 0, 10_000), "quantity_not_positive"),
    (lambda h: h.order("alice", BTC, "sell", 1, reduce_only=True), "reduce_only_would_flip"),
    (lambda h: h.deposit("alice", 0), "bad_amount"),
    (lambda h: h.amend("alice", 99, price=10_000), "unknown_order"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "reason"), REFUSALS)
def test_what_is_refused_is_an_event(
    house: Clearing, act: Callable[[Clearing], Any], reason: str
) -> None:
    before, notices = house.accounts(), len(house.notices)
    events = act(house)
    assert [(event.kind, event.reason) for event in events] == [("rejected", reason)]
    assert house.accounts().equals(before)
    assert len(house.notices) == notices
    assert house.limits(BTC) == (9_300, 10_700)


MISTAKES: list[tuple[Callable[[Clearing], Any], str]] = [
    (lambda h: h.mark(BTC, 9_000), "use settle"),
    (lambda h: h.pay_funding(BTC, "0.01", 10_000), "no funding"),
    (lambda h: h.set_leverage("alice", BTC, 2), "margin is a rate"),
    (lambda h: h.set_margin_mode("alice", BTC, "isolated"), "all margin of an account"),
    (lambda h: h.adjust_margin("alice", BTC, 5), "all margin of an account"),
    (lambda h: h.set_position_mode("alice", "hedge"), "long or short"),
    (lambda h: h.set_account_mode("alice", "portfolio"), "all margin of an account is one"),
    (lambda h: h.claw_back(), "its broker does"),
    (lambda h: h.settle(BTC, "much"), "'much' is no number"),
    (lambda h: h.settlement_price("XBT"), "no symbol 'XBT'"),
    (lambda h: h.limits("XBT"), "no symbol 'XBT'"),
    (lambda h: h.deliver("XBT", 5), "no symbol 'XBT'"),
    (lambda h: h.equity("zara"), "no account 'zara'"),
    (lambda h: h.pass_time("soon"), "soon"),
    (lambda h: h.apply(np.array([(codes.MARK,)], dtype=[("kind", np.int64)])), "row 0"),
    (lambda h: opened(assume={"clearing.call_hours": "-1"}), "number of hours"),
    (lambda h: opened(assume={"clearing.call_hour": 1}), "did you mean 'clearing.call_hours'"),
    (lambda h: opened(assume={"margin.tiers.BTC": [("0", "0.1", 5)]}), "margin.initial_rate"),
    (lambda h: opened(assume={"margin.initial_rate": "1.5"}), "at most 1"),
    (lambda h: opened(assume={"settlement.price_limit_rates": ["0.2", "0.1"]}), "rising"),
    (lambda h: Clearing.open("binance-usdm@2025-10-10", "BTCUSDT", accounts=1), "no daily"),
]


@pytest.mark.parametrize(("act", "message"), MISTAKES)
def test_what_makes_no_sense_is_a_mistake(
    house: Clearing, act: Callable[[Clearing], Any], message: str
) -> None:
    with pytest.raises(UndertowError, match=message):
        act(house)


def test_without_a_settlement_there_is_no_price() -> None:
    house = Clearing.open(LAUNCH, BTC, accounts=["alice"], engine="reference")
    house.deposit("alice", 1_000_000)
    assert house.limits(BTC) is None
    assert house.order("alice", BTC, "buy", 1, 10_000)[0].reason == "no_mark"
    with pytest.raises(UndertowError, match="neither trades nor orders"):
        house.settle(BTC)


def test_a_settlement_without_a_window_needs_a_price() -> None:
    house = opened(assume={"settlement.daily_price": "by_committee"})
    with pytest.raises(UndertowError, match="name no window"):
        house.settle(BTC)
    assert house.settle(BTC, 10_005) == []


def test_a_stop_waits_for_the_last_price(house: Clearing) -> None:
    trade(house, "alice", "bob", 1, 10_000)
    house.order("alice", BTC, "sell", 1, trigger="stop", trigger_price=9_900, trigger_on="last")
    house.settle(BTC, 9_800)
    assert house.positions().height == 2
    house.order("carol", BTC, "buy", 2, 9_700)
    events = house.order("bob", BTC, "sell", 1, 9_700)
    assert [event.account for event in events if event.kind == "fill"] == ["bob", "alice"]


def test_rates_and_deadlines_can_be_given() -> None:
    given = {"clearing.call_hours": 1, "margin.initial_rate": "0.20"}
    house = opened(assume=given)
    assert house.rates.initial == Fraction(1, 5)
    assert house.rates.maintenance == Fraction(1, 5) * Fraction(43, 47)
    trade(house, "alice", "bob", 2, 10_000)
    house.settle(BTC, 9_000)  # 15,000 against 16,468.09
    assert last(house, "margin_call").until_ns == START_NS + 3_600 * SECOND_NS
    values = {one.name: one.value for one in house.assumptions}
    assert values["clearing.call_hours"] == "1"
    assert "clearing.offsets" in values
    assert not any(name.startswith(("adl.", "liquidation.")) for name in values)


def test_many_orders_at_once_meet_the_limit_afterwards(house: Clearing) -> None:
    rows = np.zeros(2, COMMAND)
    rows["kind"], rows["quantity_lots"], rows["order_id"] = codes.LIMIT, 1, [901, 902]
    rows["side"] = [codes.SELL, codes.BUY]
    rows["account"] = [house.numbers["bob"], house.numbers["carol"]]
    rows["price_ticks"] = 9_300 // 5
    assert house.apply(rows)["kind"].tolist()[-1] == codes.FILL
    assert told(house) == ["limit_hit", "halted"]
    adds_up(house)


def walk(house: Clearing, seed: int, steps: int) -> None:
    """Days of three customers who trade around a price that jumps, and pay their calls or not."""
    dice = random.Random(seed)
    price, now_ns = 2_000, house.now_ns
    for name in ("bob", "carol"):
        house.withdraw(name, 900_000)
    for _ in range(steps):
        price = max(100, price * dice.randint(985, 1015) // 1000)
        name = dice.choice(["alice", "bob", "carol"])
        low, high = house.limits(BTC) or (0, 0)
        ticks = min(max(price + dice.randint(-30, 30), int(low) // 5), int(high) // 5)
        act = dice.random()
        if act < 0.6:
            side = dice.choice(["buy", "sell"])
            limit = None if act < 0.1 else ticks * 5
            house.order(name, BTC, side, dice.randint(1, 5), limit)
        elif act < 0.7:
            call = house.calls.get(house.numbers[name])
            amount = dice.randint(1, 20_000) * 10**6 if call is None else call.amount_units
            house.deposit(name, Decimal(amount).scaleb(-6))
        elif act < 0.75:
            house.withdraw(name, dice.randint(1, 100_000))
        elif act < 0.85:
            now_ns += dice.randint(1, 8 * 3_600) * SECOND_NS
            house.pass_time(now_ns)
        else:
            price = max(100, price * dice.randint(85, 115) // 100)
            house.settle(BTC, price * 5, intraday=dice.random() < 0.3)


def test_nothing_is_lost_in_long_runs() -> None:
    seen: set[str] = set()
    for seed in range(8):
        house = opened()
        walk(house, seed, 200)
        adds_up(house)
        house.deliver(BTC, 9_000)
        house.pass_time(house.now_ns + 2 * DAY_NS)
        assert house.positions().is_empty()
        assert house.calls == {}
        adds_up(house)
        seen |= {notice.kind for notice in house.notices}
    assert seen >= {
        "margin_call", "call_met", "call_missed", "advanced", "broker_loss",
        "limit_hit", "halted", "resumed", "settled", "delivered",
    }  # fmt: skip


def test_the_kernel_gives_the_same() -> None:
    ours, theirs = opened("kernel"), opened("reference")
    for house in (ours, theirs):
        walk(house, 1, 250)
        house.deliver(BTC, 9_000)
    assert ours.notices == theirs.notices
    assert ours.events() == theirs.events()
    assert ours.broker_losses() == theirs.broker_losses()
    adds_up(ours)
