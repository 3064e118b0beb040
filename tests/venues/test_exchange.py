"""A venue as a person uses it: words and decimals in, events and statements out."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.venues import methods
from undertow.venues import statement as statements
from undertow.venues.engine import COMMAND, ENGINES
from undertow.venues.events import KINDS, REASONS, Event
from undertow.venues.exchange import Venue

BTC, ETH = "BTCUSDT", "ETHUSDT"
EXAMPLES = Path(__file__).parents[2] / "examples"
Act = Callable[[Venue], list[Event]]


@pytest.fixture
def venue() -> Venue:
    """Binance with two instruments at their marks, and two customers with money."""
    made = Venue.open("binance-usdm@2025-10-10", [BTC, ETH], accounts=["alice", "bob"])
    made.deposit("alice", "10000")
    made.deposit("bob", "1000000")
    made.mark(BTC, "100000")
    made.mark(ETH, "4000")
    return made


def trade(venue: Venue, buyer: str, seller: str, quantity: str, price: str) -> list[Event]:
    venue.order(seller, BTC, "sell", quantity, price)
    return venue.order(buyer, BTC, "buy", quantity, price)


def test_a_trade_is_told_with_names_and_decimals(venue: Venue) -> None:
    fees = venue.terms.listings[0].contract
    accepted, fill = trade(venue, "alice", "bob", "0.5", "100000.0")
    assert (accepted.kind, accepted.account, accepted.symbol) == ("accepted", "alice", BTC)
    assert (fill.kind, fill.account, fill.maker_account) == ("fill", "alice", "bob")
    assert (fill.price, fill.quantity, fill.leaves) == (Decimal(100000), Decimal("0.5"), 0)
    assert fill.fee == Decimal(-50000) * fees.taker_fee_ppm / 10**6
    assert fill.maker_fee == Decimal(-50000) * fees.maker_fee_ppm / 10**6
    assert "equity" not in repr(fill)
    assert "maker_account=bob" in repr(fill)


REFUSALS: list[tuple[Act, str]] = [
    (lambda v: v.order("zara", BTC, "buy", 1, 100000), "unknown_account"),
    (lambda v: v.order(99, BTC, "buy", 1, 100000), "unknown_account"),
    (lambda v: v.order(2**40, BTC, "buy", 1, 100000), "unknown_account"),
    (lambda v: v.order("alice", "BTCUSD", "buy", 1, 100000), "unknown_instrument"),
    (lambda v: v.cancel_all("alice", "BTCUSD"), "unknown_instrument"),
    (lambda v: v.mark("BTCUSD", 1), "unknown_instrument"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", "100000.05"), "off_tick"),
    (lambda v: v.mark(BTC, "100000.05"), "off_tick"),
    (lambda v: v.order("alice", BTC, "buy", "0.0001", "100000"), "off_lot"),
    (lambda v: v.order("alice", BTC, "buy", 0.1 + 0.2, "100000"), "off_lot"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", "-1"), "price_not_positive"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", "0", trigger="stop", trigger_price=105000),
     "price_not_positive"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", "1e30"), "price_too_large"),
    (lambda v: v.order("alice", BTC, "buy", "1e300", "100000"), "quantity_too_large"),
    (lambda v: v.order("alice", BTC, "buy", "-1", "100000"), "quantity_not_positive"),
    (lambda v: v.order("alice", BTC, "buy", "5000", "100000"), "above_max_quantity"),
    (lambda v: v.order("alice", BTC, "buy", "500"), "above_max_quantity"),
    (lambda v: v.order("alice", ETH, "buy", "0.001", "4000"), "below_min_notional"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", "110000"), "outside_price_band"),
    (lambda v: v.order("alice", BTC, "buy", "3", "100000"), "insufficient_margin"),
    (lambda v: v.order("alice", BTC, "sell", 1, 100000, reduce_only=True),
     "reduce_only_would_flip"),
    (lambda v: v.order("alice", BTC, "buy", 1, 100000, leg="long"), "bad_leg"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", order_id=-5), "order_id_not_positive"),
    (lambda v: v.order("alice", BTC, "buy", "0.1", trigger="stop", trigger_price=99000),
     "would_trigger_at_once"),
    (lambda v: v.order("alice", BTC, "sell", 1, trigger="trailing", trail="0.0000001"),
     "bad_trigger"),
    (lambda v: v.cancel("alice", 12345), "unknown_order"),
    (lambda v: v.amend("alice", 12345, price="1"), "unknown_order"),
    (lambda v: v.deposit("alice", "-5"), "bad_amount"),
    (lambda v: v.deposit("alice", "0.0000001"), "bad_amount"),
    (lambda v: v.deposit("alice", "1e30"), "bad_amount"),
    (lambda v: v.withdraw("alice", "10000.01"), "insufficient_balance"),
    (lambda v: v.set_leverage("alice", BTC, 151), "leverage_above_tier"),
    (lambda v: v.set_leverage("alice", BTC, 0), "bad_amount"),
    (lambda v: v.adjust_margin("alice", BTC, 5), "not_isolated"),
    (lambda v: v.pay_funding(BTC, "0.0000000001", 100000), "bad_amount"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "reason"), REFUSALS)
def test_what_is_refused_is_an_event_with_a_reason(venue: Venue, act: Act, reason: str) -> None:
    before = venue.accounts()
    events = act(venue)
    assert [event.kind for event in events] == ["rejected"]
    assert events[0].reason == reason
    assert events[0].text
    assert venue.events()[-1] == events[0]
    assert venue.accounts().equals(before)
    assert venue.orders().is_empty()


def test_a_refusal_has_the_venues_own_code_and_what_was_asked(venue: Venue) -> None:
    refused = venue.order("alice", BTC, "buy", "3", "100000")[0]
    assert (refused.venue_code, refused.venue_text) == ("-2019", "Margin is insufficient.")
    assert (refused.price, refused.quantity, refused.side) == (100000, 3, "buy")
    off_tick = venue.order("alice", BTC, "buy", "0.1", "100000.05")[0]
    assert (off_tick.price, off_tick.venue_code) == (Decimal("100000.05"), "-4014")
    stranger = venue.order("zara", "BTCUSD", "buy", "0.1", "1")[0]
    assert (stranger.account, stranger.symbol) == ("zara", "BTCUSD")


MISTAKES: list[tuple[Act, str]] = [
    (lambda v: v.order("alice", BTC, "long", 1, 1), "side: no 'long'"),
    (lambda v: v.order("alice", BTC, "buy", 1, 1, kind="limt"), "did you mean 'limit'"),
    (lambda v: v.order("alice", BTC, "buy", 1, 1, time_in_force="gtx"), "post_only"),
    (lambda v: v.order("alice", BTC, "buy", 1, 1, kind="market"), "a market order has none"),
    (lambda v: v.order("alice", BTC, "buy", 1, trigger_price=5), "take_profit"),
    (lambda v: v.order("alice", BTC, "buy", "many", 1), "quantity: 'many' is no number"),
    (lambda v: v.order("alice", BTC, "buy", float("nan"), 1), "finite"),
    (lambda v: v.order("alice", BTC, "buy", 1, 1, order_id=2**70), "order_id"),
    (lambda v: v.set_margin_mode("alice", BTC, "isolate"), "did you mean 'isolated'"),
    (lambda v: v.order("alice", BTC, "buy", 1, 1, trigger_on="last"), "take_profit"),
    (lambda v: v.deposit(4.5, 1), "account: expected a whole"),  # type: ignore[arg-type]
    (lambda v: v.order("alice", BTC, "buy", 1, kind="limit"), "a limit order has a price"),
    (lambda v: v.pass_time("yesterday"), "yesterday"),
    (lambda v: v.pass_time(2**64), "until: expected a whole number"),
    (lambda v: v.book("BTCUSD").rows(), "there is BTCUSDT, ETHUSDT"),
    (lambda v: v.statement("zara").lines, "no account 'zara'"),
    (lambda v: v.apply(np.zeros(1)), "COMMAND"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "message"), MISTAKES)
def test_what_is_no_command_raises(venue: Venue, act: Act, message: str) -> None:
    count = len(venue.events())
    with pytest.raises(UndertowError, match=message):
        act(venue)
    assert len(venue.events()) == count


@pytest.mark.parametrize(
    "options", [{"accounts": 0}, {"accounts": ["a", "a"]}, {"accounts": ["fund"]},
                {"accounts": "alice"},
                {"accounts": 3, "engine": "referense"}],
)  # fmt: skip
def test_a_venue_that_cannot_be_opened(options: dict[str, Any]) -> None:
    with pytest.raises(UndertowError, match=r"accounts: expected|did you mean 'reference'"):
        Venue.open("binance-usdm@2025-10-10", [BTC], **options)


def test_every_code_has_a_name() -> None:
    assert set(codes.EVENT_NAMES) <= set(KINDS)
    assert set(codes.REASON_NAMES) <= set(REASONS)
    assert len(set(KINDS.values())) == len(KINDS)
    assert len(set(REASONS.values())) == len(REASONS)


def test_what_the_venue_does_is_nobodys_command(venue: Venue) -> None:
    assert venue.halt(BTC)[0].account is None
    assert venue.mark(BTC, "0.01")[0].account is None


def test_a_ranking_of_ones_own_needs_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(methods._registered["adl"], "mine", methods.find("adl", "pro_rata"))
    options = {"accounts": 1, "assume": {"adl.ranking": "mine"}}
    with pytest.raises(UndertowError, match="use engine='kernel'"):
        Venue.open("binance-usdm@2025-10-10", BTC, engine="reference", **options)
    assert Venue.open("binance-usdm@2025-10-10", BTC, engine="kernel", **options).asset == "USDT"


def test_a_float_counts_as_its_digits(venue: Venue) -> None:
    accepted = venue.order("alice", BTC, "buy", 0.3, 99999.9)[0]
    assert (accepted.quantity, accepted.price) == (Decimal("0.3"), Decimal("99999.9"))
    row = np.array([0.3, 99999.9])
    again = venue.order(np.int64(4), BTC, "buy", row[0], row[1], order_id=np.int64(77))[0]
    assert (again.quantity, again.price, again.order_id) == (accepted.quantity, accepted.price, 77)


def test_hyperliquid_takes_five_figures_or_whole_prices() -> None:
    venue = Venue.open("hyperliquid@2025-10-10", ["ETH"], accounts=1)
    venue.deposit(4, 10000)
    venue.mark("ETH", "4123.45")  # marks may be finer
    assert venue.order(4, "ETH", "buy", 1, "4123.4")[0].kind == "accepted"
    assert venue.order(4, "ETH", "buy", 1, "4123.45")[0].reason == "off_tick"
    assert venue.order(4, "ETH", "buy", 1, "4123")[0].kind == "accepted"


def test_orders_can_be_seen_amended_and_cancelled(venue: Venue) -> None:
    first = venue.order("alice", BTC, "buy", "0.2", "99000")[0].order_id
    venue.order("bob", BTC, "buy", "0.1", "99000")
    venue.order("bob", BTC, "buy", "0.1", "99500")
    venue.order("bob", BTC, "sell", "0.4", "100100")
    stop = venue.order("bob", BTC, "buy", "0.1", trigger="stop", trigger_price="101000")[0]
    assert first is not None
    assert venue.book(BTC).rows() == [
        ("buy", 99500.0, 0.1, 1), ("buy", 99000.0, pytest.approx(0.3), 2),
        ("sell", 100100.0, 0.4, 1),
    ]  # fmt: skip
    amended = venue.amend("alice", first, quantity="0.1")[0]
    assert (amended.kind, amended.price, amended.leaves) == ("amended", 99000, Decimal("0.1"))
    assert venue.amend("bob", first, quantity="0.1")[0].reason == "unknown_order"
    assert venue.amend("alice", first, price="98000.01")[0].reason == "off_tick"
    assert venue.orders()["trigger"].to_list() == [None] * 4 + ["stop"]
    assert venue.orders()["trigger_price"].to_list()[-1] == 101000.0
    assert venue.cancel("bob", stop.order_id or 0)[0].reason == "by_request"
    assert len(venue.cancel_all("bob")) == 3
    assert venue.orders()["name"].to_list() == ["alice"]


def test_a_stop_fires_at_a_mark_and_time_ends_orders(venue: Venue) -> None:
    venue.pass_time("2025-10-10T20:00Z")
    order = venue.order("bob", BTC, "buy", "1", "96000", expires="2025-10-10T21:00Z")[0]
    trade(venue, "alice", "bob", "0.5", "100000")
    venue.order("alice", BTC, "sell", trigger="stop", trigger_price="97000", close_position=True)
    events = venue.mark(BTC, "97000")
    assert [event.kind for event in events] == ["triggered", "accepted", "fill"]
    assert events[-1].amount == Decimal(-2000)  # sold half a coin at 96,000
    expired = venue.pass_time("2025-10-10T21:00Z")[0]
    assert (expired.kind, expired.order_id) == ("expired", order.order_id)
    assert (expired.quantity, expired.ts_ns) == (Decimal("0.5"), venue.now_ns)
    late = venue.order("bob", BTC, "buy", "1", "95000", expires="2025-10-10T20:30Z")[0]
    assert late.reason == "already_expired"
    times = venue.events_frame()["ts"]
    assert times[0] is None
    assert times.drop_nulls().is_sorted()
    assert str(times[-1]) == "2025-10-10 21:00:00+00:00"


def test_settings_and_isolated_margin(venue: Venue) -> None:
    assert venue.set_leverage("alice", BTC, 50)[0].kind == "changed"
    venue.set_margin_mode("alice", BTC, "isolated")
    trade(venue, "alice", "bob", "0.5", "100000")
    assert venue.set_position_mode("alice", "hedge")[0].reason == "has_position_or_orders"
    assert venue.adjust_margin("alice", BTC, "500")[0].kind == "changed"
    held = venue.positions().row(0, named=True)
    assert (held["name"], held["margin_mode"], held["margin"]) == ("alice", "isolated", 1500.0)
    assert (held["quantity"], held["entry_price"], held["leverage"]) == (0.5, 100000.0, 50)
    short = venue.positions().row(1, named=True)
    assert (short["name"], short["quantity"]) == ("bob", -0.5)
    venue.set_position_mode("bob", "hedge")  # refused: bob has a position
    made = Venue.open("binance-usdm@2025-10-10", [BTC], accounts=["carl", "dora"])
    for name in ("carl", "dora"):
        made.deposit(name, 100000)
    made.mark(BTC, 100000)
    made.set_position_mode("carl", "hedge")
    for leg, side, other in (("long", "buy", "sell"), ("short", "sell", "buy")):
        made.order("dora", BTC, other, 1, 100000)
        assert made.order("carl", BTC, side, 1, 100000, leg=leg)[-1].leg == leg
    assert made.positions()["leg"].to_list() == ["long", "short"]


def test_halts_funding_and_delivery(venue: Venue) -> None:
    trade(venue, "alice", "bob", "0.5", "100000")
    paid = venue.pay_funding(BTC, "0.0001", "100000")
    assert [(event.account, event.amount) for event in paid] == [
        ("alice", Decimal(-5)), ("bob", Decimal(5)), ("venue", Decimal(0)),
    ]  # fmt: skip
    venue.halt(BTC)
    assert venue.order("alice", BTC, "buy", "0.1", "99000")[0].reason == "halted"
    venue.halt(BTC, halted=False)
    assert venue.order("alice", BTC, "buy", "0.1", "99000")[0].kind == "accepted"
    venue.settle(BTC, "100500", closes=True)
    assert venue.positions().is_empty()
    assert venue.statement("alice").totals()["settlement"] == Decimal(250)
    assert venue.statement("alice").totals()["funding"] == Decimal(-5)


def test_a_statement_of_a_liquidation(venue: Venue) -> None:
    venue.deposit("fund", "100")
    trade(venue, "alice", "bob", "1", "100000")
    venue.order("bob", BTC, "buy", "0.4", "95000")
    start = len(venue.events())
    kinds = [event.kind for event in venue.mark(BTC, "87700")]
    assert kinds[:3] == ["liquidation", "fill", "liquidation_fee"]
    made = venue.statement("alice")
    assert made.opening + sum(line.amount for line in made.lines) == made.wallet
    assert [line.balance for line in made.lines][-1] == made.wallet == made.equity == 0
    assert made.totals()["liquidation"] == Decimal(-2000)  # 0.4 sold 5,000 lower
    later = venue.statement("alice", since=start)
    assert later.opening == Decimal(10000) + made.totals()["fee"]
    assert later.lines == made.lines[2:]
    fund = venue.statement("fund")
    assert fund.totals()["liquidation fee"] == -made.totals()["liquidation fee"]
    assert "liquidation" in str(made)
    assert str(made).splitlines()[-1].split() == ["equity", "0.000000"]
    assert made.frame()["amount"].sum() == pytest.approx(float(made.wallet))


def test_a_statement_that_does_not_add_up_is_noticed(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(venue, "alice", "bob", "1", "100000")
    monkeypatch.delitem(statements._OWN, codes.DEPOSITED)
    with pytest.raises(AssertionError, match="statement of alice: events add up to -50000000 "):
        venue.statement("alice")


def wild_day(rules: str, engine: str) -> tuple[Venue, Decimal]:
    """Twelve accounts do anything while prices jump; also the money that they brought in."""
    dice = random.Random(rules)
    symbols = [BTC, ETH] if rules.startswith("binance") else ["BTC", "ETH"]
    venue = Venue.open(rules, symbols, accounts=12, engine=engine)
    prices = dict(zip(symbols, (100000, 4000), strict=True))
    brought = Decimal(30000)
    venue.deposit("fund", brought)
    for account in range(4, 16):
        money = dice.choice((3000, 20000, 300000))
        venue.deposit(account, money)
        brought += money
    for symbol in symbols:
        venue.mark(symbol, prices[symbol])
    for _ in range(800):
        account, symbol = dice.randrange(4, 16), dice.choice(symbols)
        price = prices[symbol] * dice.randrange(985, 1016) // 1000
        quantity = f"{dice.randrange(1, 2000) / (1000 if price > 9000 else 40):.2f}"
        roll = dice.random()
        side = dice.choice(("buy", "sell"))
        if roll < 0.66:
            expires = None if roll < 0.5 else venue.now_ns + dice.randrange(1, 40)
            venue.order(account, symbol, side, quantity, price, reduce_only=roll < 0.05,
                        expires=expires)  # fmt: skip
        elif roll < 0.7:
            venue.order(account, symbol, side, trigger="stop", trigger_price=price,
                        close_position=True)  # fmt: skip
        elif roll < 0.72:
            venue.order(account, symbol, side, quantity, trigger="trailing", trail="0.01")
        elif roll < 0.74:
            mine = venue.orders().filter(pl.col("trigger").is_null(), account=account)["order_id"]
            venue.amend(account, mine[0] if len(mine) else 999, quantity=quantity)
        elif roll < 0.75:
            venue.pass_time(venue.now_ns + dice.randrange(1, 30))
        elif roll < 0.8:
            venue.set_margin_mode(account, symbol, dice.choice(("isolated", "cross")))
            venue.set_leverage(account, symbol, dice.randrange(1, 40))
        elif roll < 0.83:
            events = venue.withdraw(account, "100.5")
            brought -= Decimal("100.5") if events[0].kind == "withdrawn" else 0
        elif roll < 0.86:
            venue.pay_funding(symbol, dice.choice(("0.00123", "-0.0007")), price)
        else:
            most = dice.choice((20, 150))
            prices[symbol] = prices[symbol] * dice.randrange(1000 - most, 1001 + most) // 1000
            venue.mark(symbol, prices[symbol])
    return venue, brought


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rules", ["binance-usdm@2025-10-10", "hyperliquid@2025-11-20"])
def test_all_statements_add_up_after_a_wild_day(rules: str, engine: str) -> None:
    venue, brought = wild_day(rules, engine)
    kinds = {event.kind for event in venue.events()}
    expected = {"fill", "liquidation", "funding_paid", "triggered", "amended", "expired"}
    assert expected <= kinds
    assert kinds & {"takeover", "deleveraged"}
    assert venue.orders()["trigger"].n_unique() > 1
    made = [venue.statement(account) for account in range(16)]
    assert sum(one.equity for one in made) == brought
    accounts = venue.accounts().filter(account=5).row(0, named=True)
    assert accounts["equity"] == float(made[5].equity)
    if engine != "reference":
        judge, _ = wild_day(rules, "reference")
        assert venue.events() == judge.events()
        for name in ("accounts", "positions", "orders"):
            assert getattr(venue, name)().equals(getattr(judge, name)())


def test_the_liquidation_price_is_right_to_the_tick() -> None:
    dice = random.Random(11)
    for _ in range(25):
        venue = Venue.open("binance-usdm@2025-10-10", [BTC, ETH], accounts=["alice", "bob"])
        venue.deposit("bob", 10**8)
        venue.mark(BTC, 100000)
        venue.mark(ETH, 4000)
        venue.deposit("alice", 8_000_000)
        if dice.random() < 0.5:
            venue.set_margin_mode("alice", BTC, "isolated")
        venue.set_leverage("alice", BTC, dice.choice((5, 10)))
        side, other = dice.choice((("buy", "sell"), ("sell", "buy")))
        quantity = dice.randrange(10, 380)
        venue.order("bob", BTC, other, quantity, 100000)
        venue.order("alice", BTC, side, quantity, 100000)
        venue.withdraw("alice", dice.randrange(0, 2_000_000))
        price = venue.liquidation_price("alice", BTC)
        assert not venue.positions().is_empty()
        if price is None:  # cash for a fall to nothing
            assert side == "buy"
            assert quantity * 100000 <= venue.statement("alice").wallet
            continue
        before = price + Decimal("0.1") * (1 if side == "buy" else -1)
        assert "liquidation" not in {event.kind for event in venue.mark(BTC, before)}
        assert venue.liquidation_price("alice", BTC) == price
        assert venue.mark(BTC, price)[0].kind == "liquidation"
    assert venue.liquidation_price("bob", ETH) is None


def test_the_fund_needs_no_margin(venue: Venue) -> None:
    venue.order("bob", BTC, "sell", 1, 100000)
    venue.deposit("fund", 10000)
    venue.order("fund", BTC, "buy", 1, 100000)
    assert venue.liquidation_price("fund", BTC) == Decimal("89999.9")  # when its equity is gone


def test_the_liquidation_price_of_an_inverse_contract() -> None:
    venue = Venue.open("bitmex@2024-11-25", ["XBTUSD"], accounts=["alice", "bob"])
    for name in ("alice", "bob"):
        venue.deposit(name, 1)
    venue.mark("XBTUSD", 100000)
    venue.order("bob", "XBTUSD", "sell", 1_000_000, 100000)
    venue.order("alice", "XBTUSD", "buy", 1_000_000, 100000)
    price = venue.liquidation_price("alice", "XBTUSD")
    assert price is not None
    tick = venue.terms.listings[0].tick
    assert venue.mark("XBTUSD", price + tick) == []
    assert venue.mark("XBTUSD", price)[0].kind == "liquidation"
    assert venue.asset == "BTC"


def test_a_batch_does_what_single_commands_do(venue: Venue) -> None:
    other = Venue.open("binance-usdm@2025-10-10", [BTC, ETH], accounts=["alice", "bob"])
    rows = np.zeros(6, COMMAND)
    rows["kind"] = [codes.DEPOSIT, codes.DEPOSIT, codes.MARK, codes.MARK, codes.LIMIT, codes.LIMIT]
    rows["account"] = [4, 5, 0, 0, 5, 4]
    rows["instrument"] = [-1, -1, 0, 1, 0, 0]
    rows["amount"][:2] = [10_000 * 10**6, 1_000_000 * 10**6]
    rows["price_ticks"][2:] = [1_000_000, 400_000, 1_000_000, 1_000_000]
    rows["side"][4] = codes.SELL
    rows["quantity_lots"][4:] = 500
    rows["order_id"][4:] = [1, 2]
    events = other.apply(rows)
    trade(venue, "alice", "bob", "0.5", "100000")
    assert events["command"].tolist() == [0, 1, 4, 5, 5]
    assert other.events() == venue.events()
    assert str(other.statement("alice")) == str(venue.statement("alice"))
    accepted = other.order("alice", BTC, "buy", "0.1", "99000")[0]
    assert (accepted.kind, accepted.order_id) == ("accepted", 3)


def test_events_as_a_table(venue: Venue) -> None:
    trade(venue, "alice", "bob", "0.5", "100000")
    venue.mark(BTC, "80100")
    venue.order("alice", BTC, "buy", "0.1", "100000.05")
    frame = venue.events_frame()
    fill = frame.filter(kind="fill").row(0, named=True)
    assert (fill["price"], fill["quantity"], fill["symbol"]) == (100000.0, 0.5, BTC)
    assert (fill["account"], fill["maker_account"], fill["side"]) == (4, 5, "buy")
    judged = frame.filter(kind="liquidation").row(0, named=True)
    assert judged["equity"] < judged["maintenance"]
    assert judged["amount"] is None
    assert frame["reason"][-1] == "off_tick"
    assert frame["number"].to_list() == [event.number for event in venue.events()]
    assert frame["kind"].to_list() == [event.kind for event in venue.events()]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_prints_statements_that_add_up(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(path.read_text().splitlines()) < 30
    runpy.run_path(str(path), run_name="__main__")
    said = capsys.readouterr().out
    blocks = said.split("opening balance")[1:]
    assert len(blocks) >= 2
    for block in blocks:
        before, _, after = block.partition("---")
        numbers = [Decimal(line.split()[-1].replace(",", "")) for line in before.splitlines()]
        wallet = after.partition("wallet")[2].split()[0]
        assert sum(numbers) == Decimal(wallet.replace(",", ""))
