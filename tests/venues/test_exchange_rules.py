"""Dated rules become whole units: exactly, or with a word about it."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.reference.contract import maintenance, notional
from undertow.venues import rulebook
from undertow.venues.exchange_assumptions import Assumptions
from undertow.venues.exchange_policies import engine_rules
from undertow.venues.exchange_rules import Terms, terms

BINANCE = "binance-usdm@2025-10-10"


def made(rules: str, *symbols: str, **options: Any) -> Terms:
    return terms(rulebook.load(rules), symbols, **options)


def needs(one: Terms, lots: int, price: str) -> Decimal:
    """Maintenance margin of a position, as the engine counts it."""
    listing = one.listings[0]
    contract = listing.contract
    size = notional(contract, lots, int(Decimal(price) / listing.tick))
    return Decimal(maintenance(contract, lots, size)) / 10**6


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "DOGEUSDT", "SOLUSDT"])
@pytest.mark.parametrize("dollars", [50, 49_999, 300_000, 1_234_567, 77_777_777, 900_000_000])
def test_margin_in_units_is_that_of_the_table(symbol: str, dollars: int) -> None:
    one = made(BINANCE, symbol)
    listing = one.listings[0]
    lots = int(Decimal(dollars) / (listing.lot * 2))
    table = one.dated.tiers(symbol).maintenance_margin(lots * listing.lot * 2)
    assert 0 <= needs(one, lots, "2") - table <= Decimal("0.000001")


def test_a_rate_that_is_no_millionth_is_rounded_up_and_named() -> None:
    one = made("hyperliquid@2025-11-10", "ETH")
    exact = one.dated.tiers("ETH").maintenance_margin(Decimal(150_000_000))
    assert 0 <= needs(one, 500_000_000, "3000") - exact <= 50  # a third of a millionth
    below = one.dated.tiers("ETH").maintenance_margin(Decimal(90_000_000))
    assert needs(one, 300_000_000, "3000") == below
    assert "margin.tiers.ETH.2" in {one.name for one in one.assumptions}


def test_whole_position_tiers_are_counted_in_lots() -> None:
    one = made("okx@2025-10-24", "ETH-USDT-SWAP")
    contract, lot = one.listings[0].contract, one.listings[0].lot
    assert contract.tiers_by_lots
    for contracts, rate in ((2000, "0.01"), (2001, "0.015"), (4001, "0.02")):
        lots = int(contracts / lot)
        value = contracts * one.listings[0].instrument.contract_size * 2500
        assert needs(one, lots, "2500") == value * Decimal(rate)


def test_margin_that_rises_with_the_position() -> None:
    one = made("deribit@2025-10-10", "BTC_USDC-PERPETUAL")
    held = Decimal(20)
    lots = int(held / (one.listings[0].lot * one.listings[0].instrument.contract_size))
    slope = one.dated.slope("BTC_USDC")
    assert needs(one, lots, "100000") == slope.maintenance_margin(held, Decimal(100000))


def test_an_inverse_contract_is_counted_in_coins() -> None:
    tiers = {"margin.tiers.BTCUSD_PERP": [("0", "0.004", 125), ("5", "0.005", 100)]}
    one = made("binance-coinm@2025-10-10", "BTCUSD_PERP", assume=tiers)
    assert one.listings[0].contract.kind == codes.INVERSE
    assert needs(one, 10_000, "100000") == Decimal("0.045")  # 10 BTC * 0.5 % - 0.005
    assert one.asset == "BTC"


def test_limits_and_fees_of_an_instrument() -> None:
    one = made(BINANCE, "BTCUSDT", assume={"fees.taker_rate": "0.0004"})
    contract, instrument = one.listings[0].contract, one.dated.instrument("BTCUSDT")
    assert contract.taker_fee_ppm == 400
    assert contract.min_notional_units == instrument.min_notional * 10**6  # type: ignore[operator]
    assert contract.band_up_ppm == contract.band_down_ppm == contract.market_bound_ppm == 50_000
    assert contract.liquidation_fee_ppm == 12_500
    assert contract.max_position_lots * contract.max_price_ticks * contract.units <= 2**60


def test_a_coarser_lot_where_the_value_is_no_whole_number() -> None:
    with pytest.raises(UndertowError, match=r"lots=\{'1000PEPEUSDT': '10'\}"):
        made(BINANCE, "1000PEPEUSDT")
    one = made(BINANCE, "1000PEPEUSDT", lots={"1000PEPEUSDT": "10"})
    assert (one.listings[0].lot, one.listings[0].contract.units) == (10, 1)
    for wrong in ("2.5", "-10", "ten", "NaN"):
        with pytest.raises(UndertowError, match=f"multiple of 1, not {wrong}"):
            made(BINANCE, "1000PEPEUSDT", lots={"1000PEPEUSDT": wrong})
    with pytest.raises(UndertowError, match="no symbol 'PEPE'"):
        made(BINANCE, "1000PEPEUSDT", lots={"PEPE": "10"})


def test_policies_of_three_venues() -> None:
    binance = made(BINANCE, "BTCUSDT").rules
    assert (binance.policy, binance.takeover, binance.fund_pays) == (
        codes.WHOLE, codes.BY_FUND, True,
    )  # fmt: skip
    hyperliquid = made("hyperliquid@2025-10-10", "BTC").rules
    assert (hyperliquid.policy, hyperliquid.takeover) == (codes.FRACTION, codes.BY_VAULT)
    assert hyperliquid.partial_above_units == 100_000 * 10**6
    assert (hyperliquid.partial_ppm, hyperliquid.cooldown_ns) == (200_000, 30 * 10**9)
    assert hyperliquid.backstop_ppm == 666_667
    assert not hyperliquid.bounded_by_bankruptcy
    assert not hyperliquid.liquidates_when_equal
    okx = made("okx@2025-10-24", "ETH-USDT-SWAP").rules
    assert (okx.policy, okx.partial_from_tier, okx.tiers_per_step) == (codes.TIERS, 3, 2)
    assert okx.counts_fee


@pytest.mark.parametrize("venue", rulebook.venues())
def test_every_name_in_every_revision_has_a_meaning(venue: str) -> None:
    file = rulebook.read(venue)
    for revision in file.revisions:
        rules = engine_rules(rulebook.at_moment(file, revision.effective_ns), 5, Assumptions())
        assert rules.default_leverage == 5
        assert rules.takeover in (codes.BY_FUND, codes.BY_VAULT)


def test_what_is_assumed_is_said() -> None:
    one = made(BINANCE, "BTCUSDT", assume={"fees.maker_rate": 0.0001, "orders.default_leverage": 7})
    said = {each.name: each for each in one.assumptions}
    assert (said["fees.maker_rate"].value, one.listings[0].contract.maker_fee_ppm) == (
        "0.0001", 100,
    )  # fmt: skip
    assert said["fees.maker_rate"].why == "given with the venue"
    assert one.rules.default_leverage == 7
    assert said["insurance.shortfall"].value == "adl"
    assert said["collateral.price"].why == "the rules say own_spot_book"
    assert "liquidation.stages" not in said  # Binance says them itself
    bare = made("bybit@2025-10-10", "BTCUSDT",
                assume={"margin.tiers.BTCUSDT": [("0", "0.005", 100)]})  # fmt: skip
    said = {each.name: each for each in bare.assumptions}
    assert {"liquidation.stages", "liquidation.trigger", "margin.tiers.BTCUSDT"} <= set(said)


@pytest.mark.parametrize(
    ("assume", "message"),
    [
        (
            {"liquidation.partial_policy": "fraction_then_hole"},
            "did you mean 'fraction_then_whole'",
        ),
        ({"liquidation.partial_policy": "fraction_then_whole"}, "needs liquidation.partial_above"),
        ({"liquidation.stages": ["one_large_ioc", "take_over"]}, "did you mean 'takeover'"),
        ({"adl.ranking": "leverage_pln"}, "did you mean 'leverage_pnl'"),
        ({"adl.close_price": "bankruptcies"}, "did you mean 'bankruptcy'"),
        ({"insurance.shortfall": "socialized_loss"}, "did you mean 'socialised_loss'"),
        ({"fees.taker": "0.1"}, "did you mean 'taker_rate'"),
        ({"orders.leverage": 5}, "did you mean 'orders.default_leverage'"),
        ({"fees.taker_rate": "0.0000001"}, "millionths"),
        ({"margin.tiers.BTCUSDT": [("0", "0.005")]}, "greatest leverage"),
        ({"margin.tiers.BTCUSDT": [("0", "half", 5)]}, "greatest leverage"),
        ({"margin.tiers.BTCUSD": [("0", "0.01", 5)]}, "no symbol 'BTCUSD'"),
        ({"orders.default_leverage": "high"}, "expected 1 or more"),
        ({"orders.market_buffer_rate": "some"}, "expected a rate"),
        ({"orders.amend_keeps_priority": "no"}, "expected True or False"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(assume: dict[str, Any], message: str) -> None:
    with pytest.raises(UndertowError, match=message):
        made(BINANCE, "BTCUSDT", assume=assume)


def test_symbols_that_cannot_trade_together_or_at_all() -> None:
    with pytest.raises(UndertowError, match=r"margin\.tiers\.BTCUSDT"):
        made("bybit@2025-10-10", "BTCUSDT")
    with pytest.raises(UndertowError, match="at least one symbol"):
        made(BINANCE)
    with pytest.raises(UndertowError, match="each once"):
        made(BINANCE, "BTCUSDT", "BTCUSDT")
    assert [one.symbol for one in terms(rulebook.load(BINANCE), "BTCUSDT").listings] == ["BTCUSDT"]
    with pytest.raises(UndertowError, match="did you mean 'BTCUSDT'"):
        made(BINANCE, "BTCUSD")
    rules = rulebook.load(BINANCE)
    coin = dataclasses.replace(rules.instrument("BTCUSDT"), symbol="BTCUSD", settlement="BTC")
    both = rules.model_copy(update={"contracts": (*rules.contracts, coin)})
    with pytest.raises(UndertowError, match="settled in BTC and USDT"):
        terms(both, ["BTCUSDT", "BTCUSD"])


def test_what_changed_by_date() -> None:
    rates = [
        dict(rulebook.load("bitmex", at=day).margin.maintenance_rate_by_symbol or ())["XBTUSD"]
        for day in ("2021-06-01", "2022-11-22", "2024-11-24")
    ]
    assert [str(rate) for rate in rates] == ["0.005", "0.0035", "0.005"]
    for moment, shortfall in (("2016-10-03T11:59:59Z", "clawback"), ("2016-10-03T12:00Z", "adl")):
        assert rulebook.load("bitmex", at=moment).insurance.shortfall == shortfall
    tiers = {"margin.tiers.BTCUSDT": [("0", "0.005", 100)]}
    assert made("bybit@2025-10-10", "BTCUSDT", assume=tiers).rules.maintenance_at_entry
    assert not made("bybit@2026-06-01", "BTCUSDT", assume=tiers).rules.maintenance_at_entry
    tiers = {"margin.tiers.BTC-USDT-SWAP": [("0", "0.005", 100)]}
    ranges = [
        dict(rulebook.load("okx", at=moment).margin.portfolio_range_rate_by_base or ())["BTC"]
        for moment in ("2025-01-06T07:59Z", "2025-01-06T08:00Z")
    ]
    assert [str(rate) for rate in ranges] == ["0.15", "0.12"]
    swap = made("okx@2025-10-24", "BTC-USDT-SWAP", assume=tiers).listings[0].contract
    assert (swap.portfolio_range_ppm, swap.underlying > codes.MOST_ASSETS - 1) == (120_000, True)


def test_modes_that_somebody_assumes() -> None:
    assume = {
        "insurance.shortfall": "clawback", "liquidation.latency_s": "0.5",
        "liquidation.most_per_mark": 20, "liquidation.halted_book": "takes_over",
        "liquidation.closing_past_bankruptcy": "refused", "margin.portfolio_steps": 2,
        "margin.portfolio_range_rate": "0.2", "margin.portfolio_hedged_rate": "0.01",
    }  # fmt: skip
    rules = made(BINANCE, "BTCUSDT", assume=assume).rules
    assert (rules.claws_back, rules.deleverages, rules.socialises) == (True, False, False)
    assert (rules.liquidation_latency_ns, rules.liquidations_per_mark) == (500_000_000, 20)
    assert (rules.halted_book, rules.refuses_past_bankruptcy) == (codes.HALT_TAKES_OVER, True)
    assert (rules.portfolio_steps, rules.portfolio_hedged_ppm) == (2, 10_000)
    with pytest.raises(UndertowError, match=r"up to 0\.3"):
        made(BINANCE, "BTCUSDT", assume=assume | {"margin.portfolio_range_rate": "0.4"})
    with pytest.raises(UndertowError, match="portfolio_hedged_rate: expected 0 to"):
        made(BINANCE, "BTCUSDT", assume=assume | {"margin.portfolio_hedged_rate": "0.4"})
