"""What must hold for any account: a liquidation price is where equity meets maintenance."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from undertow.venues.formulas import (
    adl_theory,
    binance_usdm,
    binance_usdm_rates,
    bitmex,
    bybit,
    deribit,
    hyperliquid,
    lighter,
    okx,
)
from undertow.venues.formulas.tiers import maintenance_margin, tier_table

SIDES = st.sampled_from(["long", "short"])
PRICES = st.decimals("0.01", "200000", places=2)
SIZES = st.decimals("0.001", "5000", places=3)
RATES = st.decimals("0.001", "0.2", places=3)
MARGIN_SHARES = st.decimals("0.01", "1", places=2)
FLOORS = (0, 50_000, 600_000, 3_000_000, 12_000_000)
TIERS = tier_table(FLOORS, ("0.004", "0.005", "0.01", "0.025", "0.05"))
SIGN = {"long": 1, "short": -1}


def close(left: Decimal, right: Decimal, scale: Decimal) -> bool:
    """Equal up to the rounding of decimals with 28 digits."""
    return abs(left - right) <= scale * Decimal("1e-20")


@given(SIDES, SIZES, PRICES, RATES, MARGIN_SHARES)
def test_isolated_equity_meets_maintenance(
    side: str, size: Decimal, entry: Decimal, rate: Decimal, share: Decimal
) -> None:
    margin, sign = size * entry * share, SIGN[side]
    leg = binance_usdm.leg(side, size, entry, rate)
    price = binance_usdm.liquidation_price(margin, [leg])
    assert price is not None
    same = hyperliquid.isolated_liquidation_price(side, size, entry, margin, rate)
    raw = margin - sign * size * entry
    from_raw = hyperliquid.liquidation_price_from_raw_usd(side, size, raw, rate)
    no_fee = okx.isolated_liquidation_price(side, size, entry, margin, rate, 0)
    for other in (same, from_raw, no_fee):
        assert close(price, other, entry)
    if price > 0:
        equity = margin + binance_usdm.unrealised_pnl(leg, price)
        assert close(equity, binance_usdm.maintenance_of(leg, price), size * entry)


@given(SIDES, SIZES, PRICES, st.decimals("0.01", "0.9", places=2))
def test_tiered_price_uses_the_bracket_at_that_price(
    side: str, size: Decimal, entry: Decimal, share: Decimal
) -> None:
    margin = size * entry * share
    leg = binance_usdm.leg(side, size, entry)
    price = binance_usdm.liquidation_price(margin, [leg], tiers=TIERS)
    assert price is not None
    assert price > 0
    equity = margin + binance_usdm.unrealised_pnl(leg, price)
    assert close(equity, maintenance_margin(size * price, TIERS), size * entry)


@given(SIZES, SIZES, PRICES, PRICES, RATES, st.integers(1, 10**9), st.integers(-(10**6), 10**6))
def test_hedge_mode_and_other_positions(
    bought: Decimal, sold: Decimal, low: Decimal, high: Decimal, rate: Decimal, wallet: int,
    other: int,
) -> None:  # fmt: skip
    legs = [
        binance_usdm.leg("long", bought, low, rate, 3),
        binance_usdm.leg("short", sold, high, rate, 5),
    ]
    price = binance_usdm.liquidation_price(
        wallet, legs, other_maintenance=abs(other), other_unrealised=other
    )
    assume(price is not None and price > 0)
    assert price is not None
    equity = wallet + other + sum(binance_usdm.unrealised_pnl(leg, price) for leg in legs)
    needed = abs(other) + sum(binance_usdm.maintenance_of(leg, price) for leg in legs)
    scale = (bought + sold) * max(price, low, high) / abs(rate * (bought + sold) - bought + sold)
    assert close(Decimal(equity), Decimal(needed), scale * (bought + sold) + wallet)


def test_a_balanced_hedge_has_no_liquidation_price() -> None:
    legs = [binance_usdm.leg("long", 1, 100), binance_usdm.leg("short", 1, 90)]
    assert binance_usdm.liquidation_price(50, legs) is None


@given(SIDES, SIZES, PRICES, st.integers(1, 100), RATES)
def test_bybit_linear_mirrors_the_sides(
    side: str, size: Decimal, entry: Decimal, times: int, rate: Decimal
) -> None:
    prices = [
        bybit.linear_isolated_liquidation_price(one, entry, times, rate, quantity=size)
        for one in ("long", "short")
    ]
    assert close(sum(prices, Decimal(0)), 2 * entry, entry)
    more = bybit.linear_isolated_liquidation_price(
        side, entry, times, rate, quantity=size, extra_margin=size
    )
    plain = prices[0 if side == "long" else 1]
    assert close(more, plain - SIGN[side], entry)


@given(SIDES, st.integers(1, 10**7), PRICES, RATES, MARGIN_SHARES)
def test_bybit_inverse_cross_covers_margin_and_fee(
    side: str, size: int, entry: Decimal, rate: Decimal, share: Decimal
) -> None:
    fee, value = Decimal("0.00055"), size / entry
    balance = value * share
    bankrupt = bybit.inverse_cross_bankruptcy_price(side, size, entry, balance, fee)
    assume(bankrupt is not None)
    assert bankrupt is not None
    lost = SIGN[side] * (size / bankrupt - size / entry)
    assert close(balance, lost + size * fee / bankrupt, value)
    price = bybit.inverse_cross_liquidation_price(side, size, entry, balance, rate, fee, bankrupt)
    assume(price is not None)
    assert price is not None
    lost = SIGN[side] * (size / price - size / entry)
    assert close(balance - lost, value * rate + size * fee / bankrupt, value)
    tick = price / 7
    tick = tick.scaleb(-tick.adjusted()).quantize(Decimal(1)).scaleb(tick.adjusted())
    shown = bybit.inverse_cross_liquidation_price(
        side, size, entry, balance, rate, fee, bankrupt, tick=tick
    )
    assert shown is not None
    assert 0 <= SIGN[side] * (shown - price) < tick
    assert shown % tick == 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 10**7))
def test_tiered_margin_is_continuous(steps: list[int], value: int) -> None:
    floors = [0]
    for step in steps:
        floors.append(floors[-1] + step * 100_000)
    rates = [Decimal(place) / 100 for place in range(1, len(floors) + 1)]
    table = tier_table(floors, rates)
    for tier in table[1:]:
        below = maintenance_margin(tier.floor, table)
        assert below == tier.floor * tier.rate - tier.deduction
    slices = sum(
        (Fraction(rate) * max(0, min(value, top) - low)
         for low, top, rate in zip(floors, [*floors[1:], 10**9], rates, strict=True)),
        Fraction(0),
    )  # fmt: skip
    assert Fraction(maintenance_margin(value, table)) == slices


@given(st.decimals("-0.05", "0.05", places=6))
def test_funding_has_a_dead_zone(premium: Decimal) -> None:
    rate = binance_usdm_rates.funding_rate(premium)
    if Decimal("-0.0004") <= premium <= Decimal("0.0006"):
        assert rate == Decimal("0.0001")
    else:
        assert abs(rate - premium) == Decimal("0.0005")
    assert deribit.funding_rate(-premium) == -deribit.funding_rate(premium)


@given(st.decimals("-9", "9", places=4))
def test_lighter_never_pays_more_than_the_formula(premium: Decimal) -> None:
    exact = lighter.hourly_rate_percent(premium, truncated=False)
    settled = lighter.hourly_rate_percent(premium)
    assert abs(settled) <= abs(exact) < abs(settled) + Decimal("0.0001")
    assert abs(exact) <= Decimal("0.5")


@given(PRICES, PRICES, st.integers(1, 10**9))
def test_bitmex_profit_sums_to_zero(entry: Decimal, left: Decimal, size: int) -> None:
    profit = bitmex.inverse_pnl(size, entry, left)
    assert profit == -bitmex.inverse_pnl(-size, entry, left)
    assert (profit > 0) == (left > entry)


EQUITIES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=8)


@st.composite
def water_tables(
    draw: st.DrawFn,
) -> tuple[list[int], list[Decimal], list[Decimal] | None, Decimal]:
    """Equities, caps, weights and a budget that may exceed what the caps allow."""
    equities = draw(EQUITIES)
    count = len(equities)
    shares = st.decimals(0, 1, places=3)
    caps = draw(st.lists(shares, min_size=count, max_size=count))
    weights = draw(st.none() | st.lists(shares, min_size=count, max_size=count))
    return equities, caps, weights, draw(st.decimals(0, 4000, places=2))


@given(water_tables())
def test_waterfill_raises_what_it_can(
    table: tuple[list[int], list[Decimal], list[Decimal] | None, Decimal],
) -> None:
    equities, caps, weights, needed = table
    haircuts, seized = adl_theory.waterfill(needed, equities, caps, weights)
    pull = weights or [Decimal(1)] * len(equities)
    rows = list(zip(equities, caps, pull, haircuts, seized, strict=True))
    capacity = sum((max(0, e) * cap for e, cap, weight, _, _ in rows if weight), Decimal(0))
    assert close(sum(seized, Decimal(0)), min(needed, capacity), capacity + 1)
    for equity, cap, _, haircut, taken in rows:
        assert 0 <= haircut <= cap
        assert taken == haircut * max(0, equity)
    uncapped = {
        round(haircut / weight, 15)
        for equity, cap, weight, haircut, _ in rows
        if equity > 0 and weight and haircut < cap
    }
    assert len(uncapped) <= 1  # one water level for everybody below their cap


@given(EQUITIES, st.data())
def test_queue_and_pro_rata_raise_the_same(equities: list[int], data: st.DataObject) -> None:
    count = len(equities)
    pnl = data.draw(st.lists(st.integers(-1000, 1000), min_size=count, max_size=count))
    order = data.draw(st.permutations(range(1, count + 1)))
    needed = adl_theory.budget(equities, "0.7")
    able = adl_theory.capacities(equities, pnl)
    even, queued = adl_theory.pro_rata(needed, able), adl_theory.queue(needed, able, order)
    raised = min(needed, sum(able, Decimal(0)))
    assert sum(queued.seized, Decimal(0)) == raised
    assert close(sum(even.seized, Decimal(0)), raised, raised + 1)
    for policy in (even, queued):
        assert all(0 <= cut <= 1 for cut in policy.haircuts)
        assert all(0 <= lost <= room for lost, room in zip(policy.seized, able, strict=True))
    partial = [cut for cut in queued.haircuts if 0 < cut < 1]
    assert len(partial) <= 1


@pytest.mark.parametrize("name", ["prorata", "linear", "power2"])
def test_shares_are_of_one_whole(name: str) -> None:
    shares = adl_theory.risk_shares([5, 0, 2], [3, 9, "0.5"], adl_theory.RISK_WEIGHTS[name])
    assert close(sum(shares, Decimal(0)), Decimal(1), Decimal(1))
    assert shares[1] == 0
