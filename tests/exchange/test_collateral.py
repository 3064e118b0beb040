"""Collateral and spot by hand: what counts, what is sold when cash is owed, what nobody can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchange.desk import ANN, BOB, CASH, CAT, DAN, Desk, of_kind, said
from exchange.venues import ONE_TIER, linear, spot
from undertow.model import codes
from undertow.model.codes import BUY, SELL
from undertow.model.contracts import Asset, Rules
from undertow.reference.exchange import Event

PERP, SPOT = 0, 1
COIN = 1
Open = Callable[..., Desk]


def desk_with(
    opened: Open, *, price: int = CASH, own_book: bool = False, market: bool = True, **rules: Any
) -> Desk:
    """Half of the price counts; one lot of either instrument is worth 1 at 1,000 ticks, no fees.

    Cat has cash, so she can trade with everybody; Ann has 100 coins and nothing else.
    """
    free = {"maker_fee_ppm": 0, "taker_fee_ppm": 0}
    contracts = [linear(tiers=ONE_TIER, **free)] + [spot(COIN, **free)] * market
    assets = (Asset(), Asset(haircut_ppm=500_000, own_book=own_book))
    desk = opened(*contracts, rules=Rules(**({"assets": assets} | rules)))
    desk.fund(cat=1000)
    desk.mark(1000)
    coins(desk, ANN, 100)
    tell_price(desk, price)
    return desk


def coins(desk: Desk, account: int, count: int) -> list[Event]:
    """Bring coins in, or (below 0) take them out."""
    kind = codes.DEPOSIT if count > 0 else codes.WITHDRAW
    return desk.set(kind, account, abs(count) * 10**6, asset=COIN)


def tell_price(desk: Desk, price: int) -> list[Event]:
    """A new price of a coin, in cash units."""
    return desk.set(codes.ASSET_PRICE, 0, price, asset=COIN)


def has(desk: Desk, account: int) -> int:
    """Coins of an account, in millionths."""
    return desk.state.account(account).balances.get(COIN, 0)


def test_collateral_counts_with_its_price_less_the_haircut(opened: Open) -> None:
    desk = desk_with(opened)
    assert desk.state.free(desk.state.account(ANN)) == 50 * CASH
    assert said(desk.limit(ANN, BUY, 600, 1001)) == ["accepted"]  # needs 30 and 0.6 of loss
    assert desk.limit(ANN, BUY, 420, 1000)[0].reason == codes.INSUFFICIENT_MARGIN
    tell_price(desk, 2 * CASH)
    assert said(desk.limit(ANN, BUY, 420, 1000)) == ["accepted"]


def test_an_isolated_position_needs_cash(opened: Open) -> None:
    desk = desk_with(opened)
    desk.set(codes.SET_MARGIN_MODE, ANN, 1)
    assert desk.limit(ANN, BUY, 20, 1000)[0].reason == codes.INSUFFICIENT_MARGIN
    desk.fund(ann=1)
    assert said(desk.limit(ANN, BUY, 20, 1000)) == ["accepted"]


def test_collateral_that_is_needed_cannot_leave(opened: Open) -> None:
    desk = desk_with(opened)
    desk.trade(ANN, CAT, 400, 1000)  # needs 20 of the 50
    assert coins(desk, ANN, -61)[0].reason == codes.INSUFFICIENT_BALANCE
    event = coins(desk, ANN, -60)[0]
    assert (event.kind, event.asset, event.quantity_lots) == (codes.WITHDRAWN, COIN, 60 * 10**6)
    assert event.amount_units == 0
    assert has(desk, ANN) == 40 * 10**6


def test_a_told_price_liquidates_like_a_mark(opened: Open) -> None:
    desk = desk_with(opened)
    desk.trade(ANN, CAT, 500, 1000)  # must hold 5
    desk.limit(CAT, BUY, 500, 1000)
    assert tell_price(desk, CASH // 10) == []  # 100 coins count 5, that is enough
    assert said(tell_price(desk, CASH // 10 - 1)) == ["liquidation", "fill"]
    assert desk.held(ANN).lots == 0
    assert has(desk, ANN) == 100 * 10**6  # she owes nothing


def test_only_the_own_book_turns_a_wick_into_a_liquidation(opened: Open) -> None:
    for own_book in (False, True):
        desk = desk_with(opened, own_book=own_book)
        desk.trade(ANN, CAT, 500, 1000)
        coins(desk, BOB, 10)
        desk.limit(CAT, BUY, 5, 90, instrument=SPOT)
        desk.limit(BOB, SELL, 5, 90, instrument=SPOT)
        kinds = said(desk.mark(1000))
        assert (kinds[:1] == ["liquidation"]) is own_book, kinds


def test_cash_that_is_owed_is_made_up_for_by_what_is_needed(opened: Open) -> None:
    desk = desk_with(opened)
    desk.trade(ANN, CAT, 100, 1000)
    desk.trade(CAT, ANN, 100, 900)  # Ann has lost 10
    assert desk.cash(ANN) == -10 * CASH
    assert said(desk.mark(1000)) == ["auto_exchange"]  # nobody bids
    desk.limit(ANN, SELL, 3, 2000, instrument=SPOT)
    desk.limit(CAT, BUY, 4, 950, instrument=SPOT)
    desk.limit(CAT, BUY, 90, 800, instrument=SPOT)
    events = desk.mark(1000)
    assert said(events) == ["auto_exchange", "cancelled", "fill", "fill"]
    assert events[0].amount_units == -10 * CASH
    assert [(one.quantity_lots, one.price_ticks) for one in events[2:]] == [(4, 950), (8, 800)]
    assert {one.reason for one in events[1:]} == {codes.BY_EXCHANGE}
    assert desk.cash(ANN) == 200_000  # 3.8 and 6.4 for the 10: whole lots
    assert has(desk, ANN) == 88 * 10**6
    assert desk.mark(1000) == []


def test_less_than_the_threshold_may_be_owed(opened: Open) -> None:
    desk = desk_with(opened, exchange_below_units=10 * CASH)
    desk.trade(ANN, CAT, 100, 1000)
    desk.trade(CAT, ANN, 100, 900)
    assert desk.mark(1000) == []
    assert desk.cash(ANN) == -10 * CASH


def test_without_a_spot_market_the_fund_buys_at_the_value_as_margin(opened: Open) -> None:
    desk = desk_with(opened, market=False)
    desk.trade(ANN, CAT, 100, 1000)
    desk.trade(CAT, ANN, 100, 900)
    events = desk.mark(1000)
    assert said(events) == ["auto_exchange", "collateral_taken"]
    taken = events[1]
    assert (taken.quantity_lots, taken.amount_units) == (20 * 10**6, 10 * CASH)
    assert (desk.cash(ANN), has(desk, ANN)) == (0, 80 * 10**6)
    assert (desk.cash(codes.FUND), has(desk, codes.FUND)) == (-10 * CASH, 20 * 10**6)


def test_a_bankrupt_pool_sells_what_it_owes_and_the_fund_takes_the_rest(opened: Open) -> None:
    desk = desk_with(opened, fund_pays=True)
    desk.fund(fund=100)
    desk.trade(ANN, CAT, 500, 1000)
    desk.limit(CAT, BUY, 40, 600, instrument=SPOT)
    events = desk.mark(800)  # 100 are lost, her coins count 50; the book has 24 for 40 of them
    assert said(events) == ["liquidation", "fill", "collateral_taken", "insurance_paid", "takeover"]
    assert of_kind(events, codes.FILL)[0].amount_units == 24 * CASH
    taken, paid = events[2], events[3]
    assert (taken.quantity_lots, taken.amount_units) == (60 * 10**6, 30 * CASH)
    assert paid.amount_units == 46 * CASH  # what 100 less 24 and 30 leaves
    assert (desk.cash(ANN), has(desk, ANN), desk.held(ANN).lots) == (0, 0, 0)


def test_spot_lends_nothing(opened: Open) -> None:
    desk = desk_with(opened)
    desk.fund(bob=10)
    assert desk.limit(BOB, BUY, 11, 1000, instrument=SPOT)[0].reason == codes.INSUFFICIENT_BALANCE
    assert said(desk.limit(BOB, BUY, 6, 1000, instrument=SPOT)) == ["accepted"]
    assert desk.limit(BOB, BUY, 5, 1000, instrument=SPOT)[0].reason == codes.INSUFFICIENT_BALANCE
    assert desk.set(codes.WITHDRAW, BOB, 5 * CASH)[0].reason == codes.INSUFFICIENT_BALANCE
    assert desk.limit(ANN, SELL, 101, 1000, instrument=SPOT)[0].reason == codes.INSUFFICIENT_BALANCE
    events = desk.limit(ANN, SELL, 60, 1000, instrument=SPOT)
    assert said(events) == ["accepted", "fill"]
    assert (desk.cash(BOB), has(desk, BOB)) == (4 * CASH, 6 * 10**6)
    assert desk.limit(ANN, SELL, 41, 1000, instrument=SPOT)[0].reason == codes.INSUFFICIENT_BALANCE
    assert coins(desk, ANN, -41)[0].reason == codes.INSUFFICIENT_BALANCE


def test_a_market_order_buys_no_further_up_than_it_can_pay(opened: Open) -> None:
    desk = desk_with(opened)
    desk.fund(dan=10)
    desk.limit(ANN, SELL, 5, 1000, instrument=SPOT)
    desk.limit(ANN, SELL, 5, 3000, instrument=SPOT)
    events = desk.market(DAN, BUY, 6, instrument=SPOT)  # all six at 1,666 would cost 10
    assert said(events) == ["accepted", "fill", "cancelled"]
    assert (desk.cash(DAN), has(desk, DAN)) == (5 * CASH, 5 * 10**6)


def test_spot_trades_without_a_mark_and_knows_no_leverage(opened: Open) -> None:
    desk = desk_with(opened)
    asked = desk.set(codes.SET_LEVERAGE, ANN, 5, instrument=SPOT)
    assert asked[0].reason == codes.NOT_FOR_SPOT
    asked = desk.set(codes.SET_MARGIN_MODE, ANN, 1, instrument=SPOT)
    assert asked[0].reason == codes.NOT_FOR_SPOT
    assert desk.market(CAT, BUY, 1, instrument=SPOT)[0].reason == codes.NO_MARK  # nothing to go by
    desk.limit(ANN, SELL, 1, 900, instrument=SPOT)
    assert said(desk.market(CAT, BUY, 1, instrument=SPOT)) == ["accepted", "fill"]
    assert desk.held(CAT, SPOT).lots == 0


def test_what_is_no_asset_is_refused(opened: Open) -> None:
    desk = desk_with(opened)
    for kind in (codes.DEPOSIT, codes.WITHDRAW, codes.ASSET_PRICE):
        assert desk.set(kind, ANN, 1, asset=2)[0].reason == codes.UNKNOWN_ASSET
    assert desk.set(codes.ASSET_PRICE, 0, 1, asset=0)[0].reason == codes.UNKNOWN_ASSET
    assert tell_price(desk, 0)[0].reason == codes.BAD_AMOUNT
    assert tell_price(desk, 10**12 + 1)[0].reason == codes.BAD_AMOUNT
    assert desk.set(codes.DEPOSIT, ANN, 2**58, asset=COIN)[0].reason == codes.BAD_AMOUNT


def test_a_cheap_asset_still_fits_into_its_counter(opened: Open) -> None:
    desk = opened(linear(), rules=Rules(assets=(Asset(), Asset(max_price_units=1))))
    assert said(desk.set(codes.DEPOSIT, ANN, 2**60, asset=COIN)) == ["deposited"]
    assert desk.set(codes.DEPOSIT, ANN, 1, asset=COIN)[0].reason == codes.BAD_AMOUNT
