"""Orders, margin, funding and settlement by worked examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.desk import ANN, BOB, CASH, CAT, DAN, Desk, of_kind, said
from undertow.kernels.exchange_arrays import new_exchange
from undertow.model import codes
from undertow.model.codes import BUY, SELL
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command

Open = Callable[..., Desk]
TIERS = (Tier(0, 10_000, 0, 50), Tier(100 * CASH, 20_000, CASH, 20))


def ready(opened: Open, contract: Contract | None = None, rules: Rules | None = None) -> Desk:
    """A lot is worth 1 at the mark of 1,000."""
    desk = opened(contract or Contract(units=1000, tiers=TIERS), rules=rules or Rules())
    desk.fund(ann=100, bob=1000, cat=1000, dan=1000)
    desk.mark(1000)
    return desk


def test_a_trade_costs_fees_and_profit_counts_at_the_mark(opened: Open) -> None:
    contract = Contract(units=1000, maker_fee_ppm=-100, taker_fee_ppm=500, tiers=TIERS)
    desk = ready(opened, contract)
    desk.trade(ANN, BOB, 50, 1000)
    assert desk.cash(ANN) == 100 * CASH - 25_000  # 0.05 % of 50
    assert desk.cash(BOB) == 1000 * CASH + 5_000  # a rebate of 0.01 %
    assert desk.cash(codes.VENUE) == 20_000
    desk.mark(1100)
    assert desk.state.unrealised(desk.held(ANN)) == 5 * CASH
    events = desk.limit(BOB, BUY, 20, 1100)
    events = desk.limit(ANN, SELL, 20, 1100)
    assert events[-1].amount_units == 2 * CASH
    assert desk.held(ANN).basis_units == 30 * CASH


@pytest.mark.parametrize(("lots", "ok"), [(1000, True), (1001, False)])
def test_an_order_needs_its_initial_margin(opened: Open, lots: int, ok: bool) -> None:
    desk = ready(opened, Contract(units=1000, tiers=(Tier(0, 10_000, 0, 50),)))
    desk.set(codes.SET_LEVERAGE, ANN, 10)
    event = desk.limit(ANN, BUY, lots, 1000)[0]
    assert (event.kind == codes.ACCEPTED) is ok
    assert event.reason == (codes.NO_REASON if ok else codes.INSUFFICIENT_MARGIN)


def test_what_an_order_would_lose_at_once_must_be_free_as_well(opened: Open) -> None:
    desk = ready(opened, Contract(units=1000, tiers=(Tier(0, 10_000, 0, 50),)))
    desk.set(codes.SET_LEVERAGE, ANN, 10)
    # Each lot needs 0.11 of margin and loses 0.10 at the mark: 476 need 99.96.
    assert desk.limit(ANN, BUY, 477, 1100)[0].reason == codes.INSUFFICIENT_MARGIN
    assert desk.limit(ANN, BUY, 476, 1100)[0].kind == codes.ACCEPTED
    assert desk.limit(BOB, SELL, 476, 1100)[-1].kind == codes.FILL
    assert desk.state.free(desk.state.account(ANN)) == 4_800_000  # 52.40 less 47.60


def test_an_order_can_be_made_smaller_whatever_is_free(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(ANN, BOB, 500, 1000)
    desk.limit(ANN, BUY, 400, 990)
    desk.mark(880)  # 60 of 100 are lost
    amendment = Command(codes.AMEND, account=ANN, order_id=3, price_ticks=990, quantity_lots=300)
    assert desk.state.free(desk.state.account(ANN)) < 0
    assert desk.apply(amendment)[0].kind == codes.AMENDED
    amendment = amendment._replace(price_ticks=995)
    assert desk.apply(amendment)[0].reason == codes.INSUFFICIENT_MARGIN


def test_leverage_is_bound_by_the_tier(opened: Open) -> None:
    desk = ready(opened)
    assert desk.set(codes.SET_LEVERAGE, ANN, 50)[0].kind == codes.CHANGED
    assert desk.set(codes.SET_LEVERAGE, ANN, 51)[0].reason == codes.LEVERAGE_ABOVE_TIER
    assert desk.limit(ANN, BUY, 101, 1000)[0].reason == codes.LEVERAGE_ABOVE_TIER
    desk.trade(ANN, BOB, 100, 1000)
    desk.set(codes.SET_LEVERAGE, ANN, 20)
    desk.trade(ANN, BOB, 100, 1000)
    assert desk.set(codes.SET_LEVERAGE, ANN, 21)[0].reason == codes.LEVERAGE_ABOVE_TIER


def test_profit_that_is_not_realised_cannot_be_withdrawn(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(ANN, BOB, 100, 1000)
    desk.mark(2000)
    assert desk.set(codes.WITHDRAW, ANN, 100 * CASH + 1)[0].reason == codes.INSUFFICIENT_BALANCE
    assert desk.set(codes.WITHDRAW, ANN, 100 * CASH)[0].amount_units == -100 * CASH
    desk.mark(1050)  # 5 of profit, 5.25 of initial margin
    assert desk.set(codes.WITHDRAW, ANN, 1)[0].reason == codes.INSUFFICIENT_BALANCE


def test_longs_pay_shorts_and_the_venue_gets_what_is_left_over(opened: Open) -> None:
    contract = Contract(codes.INVERSE, units=CASH, tiers=(Tier(0, 5000, 0, 100),))
    desk = opened(contract)
    desk.fund(ann=1000, bob=1000)
    desk.mark(750)
    desk.trade(ANN, BOB, 15_000, 750)
    funding = Command(codes.FUNDING, price_ticks=750, amount=2_500_000)
    events = desk.apply(funding)
    # BitMEX, perpetual contracts guide: 15,000 contracts at 750 and 0.25 %: 0.05 XBT
    assert [(event.account, event.amount_units) for event in events] == [
        (ANN, -50_000), (BOB, 50_000), (codes.VENUE, 0)
    ]  # fmt: skip
    desk.mark(800)  # and the profit at 800 is 1.25 XBT
    assert desk.state.unrealised(desk.held(ANN)) == 1_250_000
    desk.trade(BOB, ANN, 14_999, 800)
    events = desk.apply(funding._replace(price_ticks=799, amount=-1))
    assert [event.amount_units for event in events] == [0, -1, 1]


def test_an_order_that_only_reduces_never_flips(opened: Open) -> None:
    desk = ready(opened)
    reduce = {"flags": codes.REDUCE_ONLY}
    assert desk.limit(ANN, SELL, 1, 1010, **reduce)[0].reason == codes.REDUCE_ONLY_WOULD_FLIP
    desk.trade(ANN, BOB, 10, 1000)
    assert desk.limit(ANN, SELL, 6, 1010, **reduce)[0].kind == codes.ACCEPTED
    assert desk.limit(ANN, SELL, 5, 1020, **reduce)[0].reason == codes.REDUCE_ONLY_WOULD_FLIP
    assert desk.limit(ANN, SELL, 4, 1020, **reduce)[0].kind == codes.ACCEPTED
    desk.limit(BOB, BUY, 7, 990)
    events = desk.limit(ANN, SELL, 7, 990)  # 3 lots are left for the orders above
    assert said(events) == ["accepted", "fill", "cancelled", "cancelled"]
    assert [event.price_ticks for event in events[2:]] == [1020, 1010]  # the newest first
    assert {event.reason for event in events[2:]} == {codes.REDUCE_ONLY_EXCESS}


def test_stops_fire_one_after_another_inside_one_command(opened: Open) -> None:
    desk = ready(opened)
    for price in (960, 950, 940):
        desk.limit(BOB, BUY, 10, price)
    desk.trade(ANN, CAT, 30, 1000)
    desk.stop(ANN, SELL, 10, 945, flags=codes.ON_LAST)
    desk.stop(ANN, SELL, 10, 955, flags=codes.ON_LAST)
    desk.stop(ANN, SELL, 10, 980)
    events = desk.mark(980)
    assert [event.price_ticks for event in of_kind(events, codes.TRIGGERED)] == [980]
    events = desk.limit(DAN, SELL, 1, 950)  # a trade at 950 sets off 955, which sets off 945
    assert [event.price_ticks for event in of_kind(events, codes.TRIGGERED)] == [955, 945]
    fills = [(event.price_ticks, event.quantity_lots) for event in of_kind(events, codes.FILL)]
    assert fills == [(950, 1), (950, 9), (940, 1), (940, 9)]


def test_of_several_stops_the_mark_comes_first_then_the_highest_trigger(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(BOB, CAT, 1, 1000)
    numbers = {}
    for name, trigger, side, more in (
        ("last", 990, SELL, {"flags": codes.ON_LAST}), ("low", 960, SELL, {}),
        ("high", 980, SELL, {}), ("same", 980, SELL, {}),
        ("profit", 970, BUY, {"trigger": codes.TAKE_PROFIT}),
    ):  # fmt: skip
        numbers[desk.next_id] = name
        assert said(desk.stop(ANN, side, 1, trigger, **more)) == ["accepted"]
    desk.limit(BOB, BUY, 9, 950)
    events = desk.mark(950)
    fired = [numbers[event.order_id] for event in of_kind(events, codes.TRIGGERED)]
    assert fired == ["high", "same", "profit", "low", "last"]


def test_a_trailing_stop_follows_the_best_price(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(ANN, BOB, 10, 1000)
    desk.limit(BOB, BUY, 10, 900)
    flags = codes.CLOSE_POSITION
    trailing = {"trigger": codes.TRAILING, "amount": 50_000, "flags": flags}
    desk.stop(ANN, SELL, 0, 1100, **trailing)  # starts at 1,100 and then stays 5 % below
    assert desk.mark(900) == desk.mark(1100) == desk.mark(1200) == desk.mark(1141) == []
    events = desk.mark(1140)
    assert said(events) == ["triggered", "accepted", "fill"]
    assert (events[0].price_ticks, events[0].quantity_lots) == (1140, 10)
    assert desk.held(ANN).lots == 0


def test_a_stop_for_the_whole_position_finds_nothing_to_close(opened: Open) -> None:
    desk = ready(opened)
    desk.stop(ANN, SELL, 0, 950, flags=codes.CLOSE_POSITION)
    events = desk.mark(940)
    assert said(events) == ["triggered", "cancelled"]
    assert events[-1].reason == codes.NOTHING_TO_CLOSE


def test_a_stop_for_the_whole_position_goes_before_its_take_profit(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(ANN, BOB, 10, 1000)
    desk.limit(BOB, BUY, 10, 900)
    desk.limit(ANN, SELL, 10, 1100, flags=codes.REDUCE_ONLY)
    desk.stop(ANN, SELL, 0, 950, flags=codes.CLOSE_POSITION)
    events = desk.mark(940)
    assert said(events) == ["triggered", "accepted", "fill", "cancelled"]
    assert (events[-1].price_ticks, events[-1].reason) == (1100, codes.REDUCE_ONLY_EXCESS)
    assert desk.held(ANN).lots == 0


def test_a_position_that_grew_into_a_stricter_tier_can_be_closed(opened: Open) -> None:
    desk = ready(opened)
    desk.set(codes.SET_LEVERAGE, ANN, 50)
    desk.trade(ANN, BOB, 100, 1000)
    desk.mark(1100)  # worth 110: above 100, leverage ends at 20
    assert desk.limit(ANN, BUY, 1, 1100)[0].reason == codes.LEVERAGE_ABOVE_TIER
    assert desk.limit(ANN, SELL, 100, 1100)[0].kind == codes.ACCEPTED


def test_a_stop_at_the_present_price_is_refused(opened: Open) -> None:
    desk = ready(opened)
    assert desk.stop(ANN, SELL, 1, 1000)[0].reason == codes.WOULD_TRIGGER_AT_ONCE
    assert desk.stop(ANN, BUY, 1, 1000)[0].reason == codes.WOULD_TRIGGER_AT_ONCE


def test_in_hedge_mode_both_legs_stand_beside_each_other(opened: Open) -> None:
    desk = ready(opened)
    desk.set(codes.SET_POSITION_MODE, ANN, 1)
    assert desk.limit(ANN, BUY, 1, 1000)[0].reason == codes.BAD_LEG
    desk.trade(ANN, BOB, 10, 1000, buyer_leg=codes.LONG)
    desk.trade(BOB, ANN, 4, 1000, seller_leg=codes.SHORT)
    assert (desk.held(ANN, leg=codes.LONG).lots, desk.held(ANN, leg=codes.SHORT).lots) == (10, -4)
    event = desk.limit(ANN, SELL, 11, 1100, leg=codes.LONG)[0]
    assert event.reason == codes.REDUCE_ONLY_WOULD_FLIP  # against its leg, it can only close it
    assert desk.set(codes.SET_POSITION_MODE, ANN, 0)[0].reason == codes.HAS_POSITION_OR_ORDERS


def test_an_isolated_position_risks_its_own_margin(opened: Open) -> None:
    desk = ready(opened)
    desk.set(codes.SET_MARGIN_MODE, ANN, 1)
    desk.trade(ANN, BOB, 50, 1000)
    assert (desk.cash(ANN), desk.held(ANN).margin_units) == (97_500_000, 2_500_000)
    assert desk.set(codes.ADJUST_MARGIN, ANN, -1)[0].reason == codes.INSUFFICIENT_MARGIN
    desk.set(codes.ADJUST_MARGIN, ANN, CASH)
    events = desk.mark(930)  # a loss of exactly 3.50
    assert said(events) == ["liquidation", "takeover"]
    assert desk.cash(ANN) == 96_500_000


def test_a_halted_market_takes_no_orders_but_cancels(opened: Open) -> None:
    desk = ready(opened)
    desk.limit(ANN, BUY, 1, 990)
    desk.stop(ANN, SELL, 1, 980)
    desk.set(codes.HALT, ANN, 1)
    assert desk.limit(BOB, SELL, 1, 990)[0].reason == codes.HALTED
    amendment = Command(codes.AMEND, account=ANN, order_id=1, price_ticks=991, quantity_lots=1)
    assert desk.apply(amendment)[0].reason == codes.HALTED
    assert desk.mark(970) == []  # stops wait
    cancelled = desk.apply(Command(codes.CANCEL, account=ANN, order_id=1))
    assert said(cancelled) == ["cancelled"]
    assert said(desk.set(codes.HALT, ANN, 0))[:2] == ["changed", "triggered"]


def test_daily_settlement_pays_the_profit_and_delivery_ends_the_contract(opened: Open) -> None:
    desk = ready(opened)
    desk.trade(ANN, BOB, 10, 1000)
    desk.limit(CAT, BUY, 5, 990)
    events = desk.apply(Command(codes.SETTLE, price_ticks=1050))
    assert [event.amount_units for event in events] == [500_000, -500_000]
    assert desk.held(ANN).basis_units == 10_500_000
    final = Command(codes.SETTLE, price_ticks=1100, flags=codes.CLOSE_POSITION)
    events = desk.apply(final)
    assert said(events) == ["cancelled", "settled", "settled", "funding_residual"]
    assert events[0].reason == codes.BY_SETTLEMENT
    assert (desk.cash(ANN), desk.cash(BOB)) == (101 * CASH, 999 * CASH)
    assert desk.limit(ANN, BUY, 1, 1000)[0].reason == codes.HALTED


def test_prices_too_far_from_the_mark_and_sizes_too_small_are_refused(opened: Open) -> None:
    contract = Contract(
        units=1000, tiers=TIERS, min_lots=2, max_lots=90, max_position_lots=95,
        min_notional_units=3 * CASH, band_up_ppm=50_000, band_down_ppm=50_000,
    )  # fmt: skip
    desk = ready(opened, contract)
    for side, lots, price, reason in (
        (BUY, 5, 1051, codes.OUTSIDE_PRICE_BAND), (BUY, 5, 1050, codes.NO_REASON),
        (SELL, 5, 949, codes.OUTSIDE_PRICE_BAND), (SELL, 5, 1051, codes.NO_REASON),
        (BUY, 1, 1000, codes.BELOW_MIN_QUANTITY), (BUY, 91, 1000, codes.ABOVE_MAX_QUANTITY),
        (BUY, 2, 1000, codes.BELOW_MIN_NOTIONAL), (BUY, 3, 1000, codes.NO_REASON),
        (BUY, 90, 1000, codes.POSITION_TOO_LARGE),
    ):  # fmt: skip
        assert desk.limit(DAN, side, lots, price)[0].reason == reason, (side, lots, price)


def test_a_leverage_without_room_in_a_position_is_refused() -> None:
    contract = Contract(tiers=(Tier(0, 5_000, 0, 40_000),))
    with pytest.raises(ValueError, match="a leverage above 32,767"):
        new_exchange([contract], Rules(), 8)
