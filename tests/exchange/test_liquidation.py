"""Forced closing by worked examples: who is liquidated at which mark, and who pays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.desk import ANN, BOB, CASH, CAT, DAN, Desk, of_kind, said
from undertow.model import codes
from undertow.model.codes import BUY, FUND, SELL, VAULT
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command

Open = Callable[..., Desk]
WALLET = 1_535_443_010_000  # 1,535,443.01 USDT


def binance(opened: Open) -> Desk:
    """Two positions that Binance liquidates at known prices.

    The numbers are those of freqtrade's tests (tests/exchange/test_binance.py at c9ae5e1e), which
    check Binance's formula for the liquidation price (FAQ b3c689c1f50a44cabb3a84e663b81d93).
    Ticks of 0.01 USDT, lots of a thousandth.
    """
    ether = Contract(units=10, tiers=(Tier(0, 100_000, 135_365 * CASH, 100),))
    bitcoin = Contract(units=10, tiers=(Tier(0, 25_000, 16_300 * CASH, 100),))
    desk = opened(ether, bitcoin, rules=Rules(default_leverage=10))
    desk.set(codes.DEPOSIT, ANN, WALLET)
    desk.fund(bob=10**8)
    desk.mark(145_684, 0)
    desk.mark(3_248_198, 1)
    return desk


@pytest.mark.parametrize(
    ("instrument", "lots", "entry", "above", "below"),
    [(0, 3_683_979, 145_684, 111_479, 111_477), (1, 109_488, 3_248_198, 1_877_874, 1_877_872)],
    ids=["ETH 1114.78", "BTC 18778.73"],
)
def test_an_isolated_long_is_liquidated_at_the_published_price(
    opened: Open, instrument: int, lots: int, entry: int, above: int, below: int
) -> None:
    desk = binance(opened)
    desk.set(codes.SET_MARGIN_MODE, ANN, 1, instrument=instrument)
    desk.trade(ANN, BOB, lots, entry, instrument=instrument)
    desk.set(codes.ADJUST_MARGIN, ANN, desk.cash(ANN), instrument=instrument)
    assert desk.held(ANN, instrument).margin_units == WALLET
    assert desk.mark(above, instrument) == []
    assert said(desk.mark(below, instrument))[0] == "liquidation"


@pytest.mark.parametrize(
    ("instrument", "above", "below"),
    [(0, 115_327, 115_325), (1, 2_631_690, 2_631_688)],
    ids=["ETH 1153.26", "BTC 26316.89"],
)
def test_a_cross_long_is_liquidated_at_the_published_price(
    opened: Open, instrument: int, above: int, below: int
) -> None:
    desk = binance(opened)
    desk.trade(ANN, BOB, 3_683_979, 145_684)
    desk.trade(ANN, BOB, 109_488, 3_248_198, instrument=1)
    assert desk.mark(133_518, 0) == desk.mark(3_196_727, 1) == []
    assert desk.mark(above, instrument) == []
    event = desk.mark(below, instrument)[0]
    assert (event.kind, event.account) == (codes.LIQUIDATION, ANN)
    assert event.amount_units < event.fee_units  # equity, maintenance margin


def test_the_market_order_stops_when_the_margin_suffices_and_pays_a_fee_for_what_it_closed(
    opened: Open,
) -> None:
    contract = Contract(units=1000, liquidation_fee_ppm=10_000, tiers=(Tier(0, 50_000, 0, 20),))
    desk = opened(contract)
    desk.fund(ann=10, bob=1000, cat=1000)
    desk.mark(1000)
    desk.trade(ANN, BOB, 100, 1000)
    for _ in range(4):
        desk.limit(CAT, BUY, 20, 947)
    events = desk.mark(947)  # equity 10 - 5.3 = 4.7; needed 94.7 * 5 % = 4.735
    assert said(events) == ["liquidation", "fill", "liquidation_fee"]
    assert events[1].reason == codes.BY_LIQUIDATION
    assert desk.held(ANN).lots == 80
    assert desk.cash(FUND) == -events[2].fee_units == 189_400  # 1 % of 20 lots at 947


def test_a_fee_of_the_first_fill_is_not_lost_again_by_the_second(opened: Open) -> None:
    desk = opened(Contract(units=1000, liquidation_fee_ppm=10_000, tiers=(Tier(0, 50_000, 0, 20),)))
    desk.fund(ann=10, bob=1000, cat=1000)
    desk.mark(1000)
    desk.trade(ANN, BOB, 100, 1000)
    desk.limit(CAT, BUY, 40, 902)
    desk.limit(CAT, BUY, 60, 901)
    events = desk.mark(905)  # 0.50 of equity: at 900 nothing is left
    assert said(events) == ["liquidation", "fill", "liquidation_fee", "takeover", "surplus_kept"]
    assert events[2].fee_units == -360_800  # 1 % of 40 at 902; 0.50 - 0.12 - 0.3608 are left
    assert events[-1].amount_units == -19_200
    assert desk.cash(ANN) == 0


HYPERLIQUID = Rules(
    default_leverage=40, policy=codes.FRACTION, partial_above_units=100_000 * CASH,
    partial_ppm=200_000, cooldown_ns=30 * 10**9, bounded_by_bankruptcy=False,
    takeover=codes.BY_VAULT, backstop_ppm=666_667, fund_pays=False,
    adl_ranking="hyperliquid_documented", adl_price=codes.AT_PREVIOUS_MARK,
)  # fmt: skip


def hyperliquid(opened: Open, cash: int) -> Desk:
    """2.5 coins at 100,000, bought with so much cash; ticks of 1, lots of a hundredth.

    Stages as in Hyperliquid's documentation (trading/liquidations): above 100,000 first a fifth,
    then 30 seconds in which the whole is sent; the vault takes over below 2/3 of maintenance.
    """
    desk = opened(Contract(units=10_000, tiers=(Tier(0, 12_500, 0, 40),)), rules=HYPERLIQUID)
    desk.fund(ann=cash, bob=10**6, cat=10**6)
    desk.mark(100_000)
    desk.trade(ANN, BOB, 250, 100_000)
    return desk


def seconds(count: int) -> Command:
    """Time passes."""
    return Command(codes.EXPIRE, expire_ns=count * 10**9)


def test_hyperliquid_sends_a_fifth_then_the_whole(opened: Open) -> None:
    desk = hyperliquid(opened, 7_300)
    desk.limit(CAT, BUY, 50, 98_000)
    events = desk.mark(98_000)  # equity 2,300; needed 3,062.50, then 2,450
    assert said(events) == ["liquidation", "fill", "liquidation_waits"]
    assert (events[1].quantity_lots, events[2].reason) == (50, codes.COOLDOWN)
    desk.limit(CAT, BUY, 500, 98_000)
    desk.apply(seconds(29))
    assert [event.quantity_lots for event in of_kind(desk.mark(98_000), codes.FILL)] == [200]
    assert desk.cash(ANN) == 2_300 * CASH


def test_hyperliquid_sends_a_fifth_again_after_the_cooldown(opened: Open) -> None:
    desk = hyperliquid(opened, 7_300)
    desk.limit(CAT, BUY, 550, 98_000)
    desk.mark(98_000)
    desk.apply(seconds(30))
    assert [event.quantity_lots for event in of_kind(desk.mark(98_000), codes.FILL)] == [40]
    assert desk.held(ANN).lots == 160


def test_without_a_book_hyperliquid_waits_down_to_two_thirds_of_maintenance(opened: Open) -> None:
    desk = hyperliquid(opened, 7_300)
    assert said(desk.mark(98_000)) == ["liquidation", "liquidation_waits"]
    assert desk.held(ANN).lots == 250
    events = desk.mark(97_800)  # equity 1,800; needed 3,056.25, two thirds: 2,037.50
    assert said(events) == ["liquidation", "takeover", "surplus_kept"]
    assert (desk.cash(ANN), desk.held(ANN).lots, desk.held(VAULT).lots) == (0, 0, 250)
    assert desk.cash(VAULT) == 1_800 * CASH  # the customer's margin is not returned
    assert desk.held(VAULT).basis_units == 244_500 * CASH


def test_okx_goes_two_tiers_down_at_a_time(opened: Open) -> None:
    rates = ((0, 10_000), (100, 20_000), (200, 30_000), (300, 40_000))
    tiers = tuple(Tier(floor, rate, 0, 20) for floor, rate in rates)
    rules = Rules(
        policy=codes.TIERS, partial_from_tier=3, tiers_per_step=2, liquidates_when_equal=True
    )
    desk = opened(Contract(units=1000, tiers_by_lots=True, tiers=tiers), rules=rules)
    desk.fund(ann=20, bob=1000, cat=1000)
    desk.mark(1000)
    desk.trade(ANN, BOB, 350, 1000)
    desk.limit(CAT, BUY, 400, 980)
    events = desk.mark(980)  # equity 13; needed 350 * 0.98 * 4 % = 13.72
    assert [event.quantity_lots for event in of_kind(events, codes.FILL)] == [150]
    assert desk.held(ANN).lots == 200  # the top of the second tier, 2 %


def bankrupt(opened: Open, rules: Rules, *, fund: int) -> Desk:
    """Ann is long 100 lots at 1,000 with 5 in cash; three are short, Bob with the least margin."""
    desk = opened(Contract(units=1000, tiers=(Tier(0, 10_000, 0, 100),)), rules=rules)
    desk.fund(ann=5, bob=10, cat=20, dan=500)
    if fund:
        desk.fund(fund=fund)
    desk.mark(1000)
    for account, lots in ((BOB, 30), (CAT, 30), (DAN, 40)):
        desk.trade(ANN, account, lots, 1000)
    return desk


def test_insurance_pays_exactly_the_deficit(opened: Open) -> None:
    desk = bankrupt(opened, Rules(), fund=1000)
    events = desk.mark(940)  # a loss of 6 on 5
    assert said(events) == ["liquidation", "insurance_paid", "takeover"]
    assert events[1].amount_units == 1 * CASH
    assert (desk.cash(ANN), desk.held(ANN).lots) == (0, 0)
    assert (desk.cash(FUND), desk.held(FUND).lots) == (999 * CASH, 100)
    assert events[2].price_ticks == 940  # with the fund's money the position is worth its mark


def test_a_fund_that_is_dry_pays_what_it_has_then_winners_are_closed_in_order(
    opened: Open,
) -> None:
    desk = bankrupt(opened, Rules(), fund=0)
    desk.set(codes.DEPOSIT, FUND, 400_000)
    events = desk.mark(940)
    assert said(events) == ["liquidation", "insurance_paid", *["deleveraged"] * 3]
    assert [event.maker_account for event in events[2:]] == [BOB, CAT, DAN]
    assert [event.quantity_lots for event in events[2:]] == [30, 30, 40]
    assert {event.price_ticks for event in events[2:]} == {946}  # bankruptcy, less the insurance
    assert (desk.cash(ANN), desk.cash(FUND), desk.held(ANN).lots) == (0, 0, 0)
    assert desk.cash(BOB) == 10 * CASH + 30 * 54 * 1000


def test_only_as_many_winners_are_closed_as_needed(opened: Open) -> None:
    desk = bankrupt(opened, Rules(), fund=0)
    desk.limit(DAN, BUY, 55, 950)  # part of the position finds a buyer at its bankruptcy price
    events = desk.mark(940)
    assert [(e.maker_account, e.quantity_lots) for e in of_kind(events, codes.DELEVERAGED)] == [
        (BOB, 30), (CAT, 15)
    ]  # fmt: skip
    assert desk.held(CAT).lots == -15
    assert (desk.cash(ANN), desk.held(DAN).lots) == (0, 15)


def test_a_loss_is_shared_by_those_in_profit(opened: Open) -> None:
    rules = Rules(
        takeover=codes.BY_NOBODY, fund_pays=False, socialises=True, adl_price=codes.AT_MARK
    )
    desk = bankrupt(opened, rules, fund=1000)
    desk.trade(DAN, CAT, 100, 1000)  # Dan is now long 60, Cat short 130, Bob short 30
    events = desk.mark(940)
    closed = of_kind(events, codes.DELEVERAGED)
    assert [(event.maker_account, event.quantity_lots) for event in closed] == [(CAT, 100)]
    shared = of_kind(events, codes.LOSS_SOCIALISED)  # a deficit of 1; both are left with 30 lots
    paid = [(event.account, event.amount_units) for event in shared]
    assert paid == [(BOB, -500_000), (CAT, -500_000)]
    assert desk.cash(FUND) == 1000 * CASH
    assert (desk.cash(ANN), desk.held(ANN).lots) == (0, 0)


def test_what_nobody_pays_is_bad_debt(opened: Open) -> None:
    rules = Rules(takeover=codes.BY_NOBODY, fund_pays=False, adl_price=codes.AT_MARK)
    desk = bankrupt(opened, rules, fund=1000)
    events = desk.mark(940)
    assert said(events) == ["liquidation", *["deleveraged"] * 3, "bad_debt"]
    assert events[-1].amount_units == 1 * CASH
    assert desk.cash(codes.BAD_DEBTS) == -1 * CASH
    assert desk.cash(BOB) == (10 + 30 * 60 // 1000) * CASH + 800_000  # 1.80 of profit


def test_who_still_has_equity_waits_where_nobody_takes_over(opened: Open) -> None:
    desk = bankrupt(opened, Rules(takeover=codes.BY_NOBODY), fund=1000)
    events = desk.mark(958)  # equity 0.80, needed 0.958
    assert said(events) == ["liquidation", "liquidation_waits"]
    assert events[1].reason == codes.BOOK_EMPTY
    assert (desk.cash(ANN), desk.held(ANN).lots) == (5 * CASH, 100)


def test_forced_selling_reaches_the_next_stop_which_reaches_the_next(opened: Open) -> None:
    desk = bankrupt(opened, Rules(), fund=1000)
    on_last = {"flags": codes.ON_LAST}
    desk.limit(BOB, BUY, 100, 955)
    desk.limit(CAT, BUY, 10, 930)
    desk.limit(CAT, BUY, 10, 920)
    desk.stop(DAN, SELL, 10, 935, **on_last)
    desk.stop(DAN, SELL, 5, 956, **on_last)
    desk.trade(CAT, DAN, 1, 960)
    events = desk.mark(955)  # equity 0.50
    assert said(events) == [
        "liquidation", "fill", "triggered", "accepted", "fill",
        "triggered", "accepted", "fill", "fill",
    ]  # fmt: skip
    fills = [(event.price_ticks, event.quantity_lots) for event in of_kind(events, codes.FILL)]
    assert fills == [(955, 100), (930, 5), (930, 5), (920, 5)]
    assert [event.price_ticks for event in of_kind(events, codes.TRIGGERED)] == [956, 935]
