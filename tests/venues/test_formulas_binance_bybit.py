"""Worked examples of Binance and Bybit; the source is in each section."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from undertow.venues.formulas import (
    binance_coinm,
    binance_usdm,
    binance_usdm_rates,
    bybit,
)
from undertow.venues.formulas.tiers import maintenance_margin, tier_table

near = pytest.approx

# Binance USD-M ------------------------------------------------------------------------------
# FAQ b3c689c1f50a44cabb3a84e663b81d93, numbers as in freqtrade c9ae5e1e tests/exchange.
ETH = binance_usdm.leg("long", 3683.979, 1456.84, 0.1, 135365)
BTC = binance_usdm.leg("long", 109.488, 32481.98, 0.025, 16300)
WALLET = 1535443.01


@pytest.mark.parametrize(
    ("own", "other", "other_mark", "isolated", "cross"),
    [(ETH, BTC, 31967.27, 1114.78, 1153.26), (BTC, ETH, 1335.18, 18778.73, 26316.89)],
)
def test_binance_liquidation_prices_of_the_faq(
    own: binance_usdm.Leg,
    other: binance_usdm.Leg,
    other_mark: float,
    isolated: float,
    cross: float,
) -> None:
    alone = binance_usdm.liquidation_price(WALLET, [own])
    together = binance_usdm.liquidation_price(
        WALLET,
        [own],
        other_maintenance=binance_usdm.maintenance_of(other, other_mark),
        other_unrealised=binance_usdm.unrealised_pnl(other, other_mark),
    )
    assert alone == near(Decimal(str(isolated)), abs=Decimal("0.005"))
    assert together == near(Decimal(str(cross)), abs=Decimal("0.005"))


@pytest.mark.parametrize(  # freqtrade c9ae5e1e test_get_liquidation_price, test_backtesting
    ("side", "size", "entry", "wallet", "expected"),
    [
        ("long", 1, 10, 2.0, 8.070707070707071),
        ("short", 1, 10, 2.0, 11.89108910891089),
        ("long", 0.6, 10, 1.2, 8.063973063973064),
        ("short", 0.6, 10, 1.2, 11.897689768976898),
        ("long", 15000, 0.1, 300, 0.08080740740740741),
        ("short", 15000, 0.1, 300, 0.11881254125412541),
    ],
)
def test_binance_isolated_by_freqtrade(
    side: str, size: float, entry: float, wallet: float, expected: float
) -> None:
    leg = binance_usdm.leg(side, size, entry, "0.01", "0.01")
    price = binance_usdm.liquidation_price(wallet, [leg])
    assert price is not None
    assert float(price) == near(expected, rel=1e-9)


# freqtrade c9ae5e1e binance_leverage_tiers.json, BTC/USDT:USDT on 2024-10-24
FLOORS = (0, 50_000, 600_000, 3_000_000, 12_000_000, 70_000_000, 100_000_000, 230_000_000,
          480_000_000, 600_000_000, 800_000_000, 1_200_000_000)  # fmt: skip
RATES = ("0.004", "0.005", "0.0065", "0.01", "0.02", "0.025", "0.05", "0.1", "0.125", "0.15",
         "0.25", "0.5")  # fmt: skip
CUM = (0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450, 41_481_450,
       121_481_450, 421_481_450)  # fmt: skip


def test_binance_brackets_of_october_2024() -> None:
    tiers = tier_table(FLOORS, RATES, 1_800_000_000)
    assert [tier.deduction for tier in tiers] == list(CUM)
    assert maintenance_margin(300_000_000, tiers) == 15_518_550


def test_binance_coinm_amount_of_the_faq() -> None:  # FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46
    assert binance_coinm.cumulative_amount(50, "0.05", "0.025", "0.56") == Decimal("1.81")


def test_binance_funding_faq_example() -> None:  # FAQ 360033525031: P = 0.0429 %
    assert binance_usdm_rates.funding_rate("0.000429") == Decimal("0.0001")
    assert binance_usdm_rates.impact_margin_notional(20) == 4000
    assert binance_usdm_rates.premium_weights(8) == (5760, 16_591_680)
    assert binance_usdm_rates.premium_weights(1) == (720, 720)


@pytest.mark.parametrize(
    ("premium", "hours", "cap", "expected"),
    [
        ("0.001", 8, None, "0.0005"),
        ("-0.001", 8, None, "-0.0005"),
        ("0.0006", 8, None, "0.0001"),  # the edges of the dead zone
        ("-0.0004", 8, None, "0.0001"),
        ("0", 8, None, "0.0001"),
        ("0.001", 4, None, "0.00025"),
        ("0.001", 1, None, "0.0000625"),
        ("0.01", 8, "0.003", "0.003"),
        ("-0.01", 8, "0.003", "-0.003"),
    ],
)
def test_binance_funding(premium: str, hours: int, cap: str | None, expected: str) -> None:
    assert binance_usdm_rates.funding_rate(premium, hours, cap=cap) == Decimal(expected)


def test_binance_adl_score_of_the_forum() -> None:  # dev.binance.vision topic 17801
    percent, score = binance_usdm.adl_score(40.2, 4.27, 0.1342)
    assert (round(percent, 2), round(score, 2)) == (Decimal("9.41"), Decimal("1.26"))
    assert binance_usdm.adl_score(-5, 10, "0.5") == (0, 0)
    assert binance_usdm.adl_score(2, "0.1", "0.5") == (2, 1)  # a wallet below 1 counts as 1


# Bybit ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(  # freqtrade c9ae5e1e test_get_liquidation_price
    ("side", "times", "expected"),
    [("long", 1, "0.1"), ("long", 5, "8.1"), ("short", 3, "13.2333"), ("short", 5, "11.9")],
)
def test_bybit_linear_isolated(side: str, times: int, expected: str) -> None:
    price = bybit.linear_isolated_liquidation_price(side, 10, times, "0.01")
    assert round(price, 4) == Decimal(expected)


def test_bybit_inverse_isolated_by_date() -> None:  # help page, 2024 text and 2026-05-27
    short = bybit.inverse_isolated("short", 60_000, 50_000, 10, "0.005")
    assert short[:3] == (Decimal("1.2"), Decimal("0.12"), Decimal("0.006"))
    assert short.liquidation_price == near(Decimal("55248.62"), abs=Decimal("0.005"))
    long = bybit.inverse_isolated("long", 60_000, 50_000, 10, "0.005")
    assert long.liquidation_price == near(Decimal("45662.10"), abs=Decimal("0.005"))
    before, after = (
        bybit.inverse_isolated("long", 60_000, 50_000, 10, "0.005", as_of=day).liquidation_price
        for day in (date(2026, 5, 26), date(2026, 5, 27))
    )
    assert before == long.liquidation_price
    assert after == near(Decimal(60_300) / Decimal("1.32"), rel=Decimal("1e-20"))


def test_bybit_inverse_cross() -> None:  # help.bybit.com 360039261334
    bankrupt = bybit.inverse_cross_bankruptcy_price("long", 10_000, 8_000, "0.5", "0.00075")
    assert bankrupt == near(Decimal("5718.57"), abs=Decimal("0.005"))
    values = ("long", 10_000, 8_000, "0.5", "0.005", "0.00075", "5718.57")
    exact = bybit.inverse_cross_liquidation_price(*values)
    assert exact == near(Decimal("5739.0835"), abs=Decimal("0.0001"))
    shown = bybit.inverse_cross_liquidation_price(*values, tick="0.5")
    assert shown == Decimal("5739.5")
