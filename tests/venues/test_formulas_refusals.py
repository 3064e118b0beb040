"""Input that no venue could have is refused, and the message names it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from undertow.errors import UndertowError
from undertow.venues.formulas import (
    adl_positions,
    adl_theory,
    binance_usdm,
    binance_usdm_rates,
    bitmex,
    bybit,
    deribit,
    htx,
    hyperliquid,
    inputs,
    lighter,
    okx,
)
from undertow.venues.formulas.tiers import maintenance_margin, tier_table

LEG = binance_usdm.leg("long", 1, 100)
CASES: list[tuple[str, Callable[[], object]]] = [
    ("quantity", lambda: binance_usdm.leg("long", 0, 100)),
    ("quantity", lambda: binance_usdm.leg("long", -1, 100)),
    ("entry price", lambda: binance_usdm.leg("long", 1, "nan")),
    ("entry price", lambda: binance_usdm.leg("long", 1, float("inf"))),
    ("entry price", lambda: binance_usdm.leg("long", 1, "ten")),
    ("entry price", lambda: binance_usdm.leg("long", 1, "1e99")),
    ("quantity", lambda: binance_usdm.leg("long", True, 100)),
    ("side", lambda: binance_usdm.leg("buy", 1, 100)),
    ("maintenance rate", lambda: binance_usdm.leg("long", 1, 100, 1)),
    ("maintenance rate", lambda: binance_usdm.leg("long", 1, 100, "-0.01")),
    ("maintenance amount", lambda: binance_usdm.leg("long", 1, 100, "0.1", -1)),
    ("legs", lambda: binance_usdm.liquidation_price(10, [])),
    ("position value", lambda: maintenance_margin(101, tier_table([0], ["0.1"], 100))),
    ("floors", lambda: tier_table([0, 5], ["0.1"])),
    ("begin with 0", lambda: tier_table([1, 5], ["0.1", "0.2"])),
    ("begin with 0", lambda: tier_table([0, 5, 5], ["0.1", "0.2", "0.3"])),
    ("rate", lambda: tier_table([0, 5], ["0.2", "0.1"])),
    ("interval", lambda: binance_usdm_rates.premium_weights("0.0001")),
    ("basis", lambda: binance_usdm_rates.price2(100, [])),
    ("time until funding", lambda: binance_usdm_rates.price1(100, 0, 9, 8)),
    ("premium", lambda: binance_usdm_rates.average_premium([], 8)),
    ("leverage", lambda: bybit.inverse_isolated("long", 1, 1, "0.5", "0.01")),
    ("side", lambda: bybit.inverse_isolated("Long", 1, 1, 5, "0.01")),
    ("above the last tier", lambda: okx.tier_rate(11, [(0, 10, "0.01")])),
    ("does not follow", lambda: okx.tier_rate(11, [(0, 10, "0.01"), (5, 20, "0.02")])),
    ("does not follow", lambda: okx.scaled_mr7(1, [(5, 10, 1)])),
    ("above the last tier", lambda: okx.scaled_mr7(11, [(0, 10, 1)])),
    ("rates", lambda: okx.isolated_liquidation_price("long", 1, 1, 1, "0.9", "0.2")),
    ("not known", lambda: htx.ladder("DOGE/USDT", 10)),
    ("no known step", lambda: htx.adjustment_factor(5, htx.ladder("BTC/USDT", 10))),
    ("contracts", lambda: bitmex.inverse_pnl(0, 1, 2)),
    ("bankrupt value", lambda: bitmex.adl_rank(1, 1, 2)),
    ("bankrupt value", lambda: bitmex.adl_rank("0.9", 1, 2)),
    ("damp", lambda: deribit.funding_rate(0, "-0.1")),
    ("multiplier", lambda: lighter.hourly_rate_percent("0.1", multiplier=2)),
    ("account value", lambda: hyperliquid.adl_score("long", 1, 1, 1, 0)),
    ("maximum leverage", lambda: hyperliquid.maintenance_fraction(0)),
    ("fraction", lambda: hyperliquid.first_order_value(1, 1, 0)),
    ("sign b", lambda: adl_positions.position(1, 1, 0)),
    ("short", lambda: adl_positions.open_interest_ratio([adl_positions.position(1, 1, 1)])),
    ("order", lambda: adl_positions.execution_price("hold", 1, 1, 1)),
    ("quantity", lambda: adl_positions.execution_price("sell", 1, 2, 1)),
    ("restores", lambda: adl_positions.liquidation_slice("long", 1, 10, -1, "0.1", "0.2", 10)),
    ("no leverage", lambda: adl_positions.effective_leverage(1, 1, 0)),
    ("queue order", lambda: adl_theory.queue(1, [Decimal(1)] * 2, [1, 1])),
    ("queue order", lambda: adl_theory.queue(1, [Decimal(1)] * 2, [2])),
    ("queue order", lambda: adl_theory.queue(1, [Decimal(1)] * 2, [1, 2, 3])),
    ("tiers", lambda: binance_usdm.liquidation_price(10, [LEG], tiers=[])),
    ("caps", lambda: adl_theory.waterfill(1, [1, 2], [1])),
    ("cap", lambda: adl_theory.waterfill(1, [1], [2])),
    ("severity", lambda: adl_theory.budget([-1], "1.5")),
    ("weight", lambda: adl_theory.risk_shares([1], ["0.5"], adl_theory.tail_weight("0.9"))),
]


@pytest.mark.parametrize(("named", "call"), CASES)
def test_impossible_input_is_refused(named: str, call: Callable[[], object]) -> None:
    with pytest.raises(UndertowError, match=named):
        call()


def test_a_float_counts_as_the_decimal_it_is_printed_as() -> None:
    assert inputs.number(0.1, "x") == Decimal("0.1")


def test_short_that_no_price_liquidates() -> None:
    covered = bybit.inverse_isolated("short", 100, 10, 1, 0)
    assert covered.liquidation_price is None
    assert bybit.inverse_cross_bankruptcy_price("short", 100, 10, 11, "0.001") is None


def test_long_that_no_price_liquidates_has_none_above_zero() -> None:
    price = binance_usdm.liquidation_price(150, [LEG])
    assert price == -50


@pytest.mark.parametrize("price", [0, -1])
def test_tiers_do_not_invent_a_price_below_zero(price: int) -> None:
    tiers = tier_table([0, 50], ["0.01", "0.02"])
    found = binance_usdm.liquidation_price(200 - price, [LEG], tiers=tiers)
    assert found is not None
    assert found < 0
