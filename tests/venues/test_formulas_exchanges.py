"""Worked examples of OKX, Gate, HTX, Bitget, BitMEX and Deribit, with their sources."""

from __future__ import annotations

from decimal import Decimal

import pytest

from undertow.venues.formulas import (
    bitget,
    bitmex,
    deribit,
    gate,
    htx,
    okx,
)

near = pytest.approx


# OKX, Gate, HTX, Bitget, BitMEX, Deribit -----------------------------------------------------
@pytest.mark.parametrize(  # freqtrade c9ae5e1e test_get_liquidation_price
    ("side", "margin", "expected"),
    [
        ("long", 2, 8.085708510208207),
        ("short", 2, 11.87413417771621),
        ("long", 3.3333333333333335, 6.738090425173506),
        ("short", 3.3333333333333335, 13.193482419684678),
    ],
)
def test_okx_and_gate_isolated(side: str, margin: float, expected: float) -> None:
    values = (side, 1, 10, margin, "0.01", "0.0006")
    assert float(okx.isolated_liquidation_price(*values)) == near(expected, rel=1e-12)
    assert float(gate.isolated_liquidation_price(*values)) == near(expected, rel=1e-12)


@pytest.mark.parametrize(  # freqtrade c9ae5e1e tests/exchange/test_okx.py
    ("contracts", "rate"),
    [(1, "0.01"), (2000, "0.01"), (2000.5, "0.015"), (2001, "0.015"), (4001, "0.02"),
     (8000, "0.02")],
)  # fmt: skip
def test_okx_tiers_take_the_whole_position(contracts: float, rate: str) -> None:
    tiers = [(0, 2000, "0.01"), (2001, 4000, "0.015"), (4001, 8000, "0.02")]
    assert okx.tier_rate(contracts, tiers) == Decimal(rate)


def test_okx_tiers_may_share_their_bounds() -> None:
    tiers = [(0, 100, "0.01"), (100, 200, "0.02")]
    assert okx.tier_rate(100, tiers) == Decimal("0.01")
    assert okx.tier_rate("100.1", tiers) == Decimal("0.02")


def test_okx_portfolio_margin() -> None:  # okx.com help 4417291853837
    scaled = okx.scaled_mr7(30_000, [(0, 10_000, 1), (10_000, 70_000, 2)])
    assert scaled == 50_000
    assert okx.portfolio_maintenance(40_000, scaled) == 50_000
    assert okx.portfolio_maintenance(60_000, scaled) == 60_000


@pytest.mark.parametrize("sides", [(12_000, 30_000), (30_000, 12_000)])
def test_htx_net_position(sides: tuple[int, int]) -> None:  # huobi.com detail 900001326606
    net = htx.net_position(*sides)
    factor = htx.adjustment_factor(net, htx.ladder("BTC/USDT", 10))
    assert (net, factor) == (18_000, Decimal("0.125"))
    assert htx.maintenance_ratio(factor, 10) == Decimal("0.0125")


def test_htx_both_ratios_have_the_same_border() -> None:  # help 104919792315746
    assert htx.old_margin_ratio("12.5", 100, "0.125") == 0
    assert htx.margin_ratio("0.125", 10, 100, "12.5") == 1


def test_bitget_liquidates_at_the_tier_rate() -> None:  # help 360052911052
    rate = bitget.margin_rate(1000, -950, 1, 10_000, 1)
    assert rate == Decimal("0.005")
    assert bitget.is_liquidated(rate, "0.005")
    assert not bitget.is_liquidated("0.0050001", "0.005")


def test_bitmex_guide() -> None:  # bitmex.com/app/perpetualContractsGuideExamples
    assert bitmex.inverse_pnl(15_000, 750, 800) == Decimal("1.25")
    assert bitmex.inverse_pnl(-15_000, 750, 800) == Decimal("-1.25")
    rate = bitmex.interest_rate("0.01", "0.0025", 3)
    assert rate == Decimal("0.0025")
    assert bitmex.funding_payment(15_000, 750, rate) == Decimal("0.05")
    assert bitmex.funding_rate(0, rate) == Decimal("0.0005")  # today's clamp, not in the guide


def test_bitmex_adl_rank() -> None:  # support.bitmex.com 18589621443357
    assert bitmex.adl_rank("1.2", "1.05", 1) == (Decimal("0.2"), 8, Decimal("1.6"))
    loser = bitmex.adl_rank("0.9", "0.8", 1)
    assert loser == (Decimal("-0.1"), 9, Decimal("-0.1") / 9)
    short = bitmex.adl_rank("-0.8", "-1.2", -1)  # a linear short: its value has fallen
    assert short == (Decimal("0.2"), 2, Decimal("0.4"))


@pytest.mark.parametrize(  # support.deribit.com 25944738177565
    ("base", "slope", "size", "index", "margin"),
    [
        ("0.02", "0.00005", 350, 100_000, "1312500"),
        ("0.01", "0.00005", 25, 100_000, "28125"),
        ("0.04", "0.000005", 6000, 200, "84000"),
        ("0.04", "0.000005", -25, 200, "200.625"),
    ],
)
def test_deribit_margin(base: str, slope: str, size: int, index: int, margin: str) -> None:
    assert deribit.margin(base, slope, size, index) == Decimal(margin)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [("0.0004", 0), ("0.0005", 0), ("-0.0005", 0), (0, 0), ("0.0008", "0.0003"),
     ("-0.0012", "-0.0007")],
)  # fmt: skip
def test_deribit_funding(premium: str, rate: str) -> None:
    assert deribit.funding_rate(premium) == Decimal(rate)
