"""Venues to test on: rules after the pattern of real ones, at sizes where everything happens soon.

The numbers are made up for the tests; real ones are in the rules files. A lot is worth about one
unit of cash at the first mark, whatever the contract.
"""

from __future__ import annotations

from undertow.model import codes
from undertow.model.contracts import Asset, Contract, Rules, Tier

ACCOUNTS = codes.FIRST_CUSTOMER + 8
CASH = 10**6  # cash units of one unit of cash
FIRST_MARKS = {codes.LINEAR: 1000, codes.INVERSE: 2000, codes.SPOT: 1000}


def tiers_by_notional(*rows: tuple[int, int, int]) -> tuple[Tier, ...]:
    """Tiers of (floor in cash, rate, leverage) whose deductions leave no jump."""
    found: list[Tier] = []
    for floor, rate_ppm, leverage in rows:
        deduction = 0
        if found:
            step_ppm = rate_ppm - found[-1].maintenance_ppm
            deduction = found[-1].deduction_units + floor * CASH * step_ppm // 10**6
        found.append(Tier(floor * CASH, rate_ppm, deduction, leverage))
    return tuple(found)


BY_NOTIONAL = tiers_by_notional(
    (0, 5_000, 100), (100, 10_000, 50), (300, 25_000, 20), (1_000, 50_000, 10), (4_000, 100_000, 5)
)
BY_LOTS = (
    Tier(0, 6_000, 0, 75), Tier(80, 12_000, 0, 50), Tier(200, 20_000, 0, 25),
    Tier(400, 30_000, 0, 16), Tier(900, 60_000, 0, 8),
)  # fmt: skip
ONE_TIER = (Tier(0, 10_000, 0, 50),)


def linear(**more: object) -> Contract:
    """A linear contract, 1,000 units per tick and lot."""
    values: dict[str, object] = {
        "units": 1_000, "max_price_ticks": 40_000, "max_lots": 600, "max_position_lots": 3_000,
        "maker_fee_ppm": 200, "taker_fee_ppm": 500, "tiers": BY_NOTIONAL,
    }  # fmt: skip
    return Contract(**(values | more))  # type: ignore[arg-type]


def inverse(**more: object) -> Contract:
    """An inverse contract that starts at 2,000 ticks."""
    start = {"kind": codes.INVERSE, "units": 2_000 * CASH}
    return linear(**(start | more))


def spot(base_asset: int, **more: object) -> Contract:
    """A spot instrument; a lot is one of the asset, and worth about one unit of cash."""
    start = {"kind": codes.SPOT, "base_asset": base_asset, "base_units_per_lot": 10**6}
    return linear(**(start | more))


Venue = tuple[tuple[Contract, ...], Rules]

VENUES: dict[str, Venue] = {
    "binance-like": (
        (
            linear(band_up_ppm=30_000, band_down_ppm=40_000, market_bound_ppm=50_000,
                   min_notional_units=2 * CASH, liquidation_fee_ppm=12_500),
            linear(liquidation_fee_ppm=5_000, maker_fee_ppm=-50),
        ),
        Rules(market_buffer_ppm=500),
    ),
    "hyperliquid-like": (
        (
            linear(tiers=tiers_by_notional((0, 12_500, 40), (800, 25_000, 20))),
            linear(tiers=ONE_TIER, maker_fee_ppm=-100),
        ),
        Rules(
            policy=codes.FRACTION, partial_above_units=2 * CASH, partial_ppm=200_000,
            cooldown_ns=30, bounded_by_bankruptcy=False, takeover=codes.BY_VAULT,
            backstop_ppm=300_000, fund_pays=False, adl_ranking="hyperliquid_documented",
            adl_price=codes.AT_PREVIOUS_MARK,
        ),
    ),
    "okx-like": (
        (
            linear(tiers_by_lots=True, tiers=BY_LOTS, liquidation_fee_ppm=500, min_lots=2),
            inverse(tiers_by_lots=True, tiers=BY_LOTS, liquidation_fee_ppm=500),
        ),
        Rules(
            amend_keeps_priority=True, liquidates_when_equal=True, counts_fee=True,
            policy=codes.TIERS, partial_from_tier=3, tiers_per_step=2,
            adl_ranking="pnl_times_effective_leverage",
        ),
    ),
    "bitget-like": (
        (linear(liquidation_fee_ppm=600), linear(units=777, max_position_lots=150), inverse()),
        Rules(
            amend_keeps_priority=False, liquidates_when_equal=True, policy=codes.TIERS,
            partial_from_tier=2, tiers_per_step=2, adl_ranking="pro_rata_profit",
            adl_price=codes.AT_MARK, default_leverage=50,
        ),
    ),
    "bitmex-like": (
        (inverse(maker_fee_ppm=-250, taker_fee_ppm=750), inverse(units=2_000 * CASH + 77)),
        Rules(
            policy=codes.TIERS, partial_from_tier=2, tiers_per_step=1, default_leverage=50,
            adl_ranking="pnl_times_effective_leverage", cancels_orders_first=False,
        ),
    ),
    "deribit-like": (
        (
            inverse(tiers=ONE_TIER, slope_ppb_per_lot=50_000, min_lots=5),
            linear(tiers=ONE_TIER, slope_ppb_per_lot=90_000),
        ),
        Rules(
            policy=codes.FRACTION, partial_ppm=100_000, takeover=codes.BY_FUND, socialises=True,
            adl_ranking="capped_pro_rata", cancels_orders_first=False,
        ),
    ),
    "no-takeover": (
        (linear(), linear(units=333, tiers=ONE_TIER), inverse(tiers=ONE_TIER)),
        Rules(
            takeover=codes.BY_NOBODY, socialises=True, fund_pays=False, adl_ranking="water_filling",
            default_leverage=50, halted_book=codes.HALT_TRADES,
            bounded_by_bankruptcy=False, adl_price=codes.AT_MARK,
        ),
    ),
    "vault-and-fund": (
        (linear(tiers=ONE_TIER, liquidation_fee_ppm=2_000), inverse(tiers=ONE_TIER)),
        Rules(
            takeover=codes.BY_VAULT, backstop_ppm=500_000, adl_ranking="pro_rata",
            adl_price=codes.AT_MARK, default_leverage=50, cancels_orders_first=False,
            halted_book=codes.HALT_TAKES_OVER,
        ),
    ),
    "bybit-like": (
        (linear(), inverse(tiers=ONE_TIER, liquidation_fee_ppm=1_000)),
        Rules(
            maintenance_at_entry=True, refuses_past_bankruptcy=True, default_leverage=50,
            policy=codes.TIERS, partial_from_tier=2, tiers_per_step=1, counts_fee=True,
            adl_ranking="pnl_times_effective_leverage",
        ),
    ),
    "slow-liquidator": (
        (linear(), inverse(tiers=ONE_TIER), linear(units=333)),
        Rules(
            liquidation_latency_ns=15, liquidations_per_mark=2, default_leverage=50,
            adl_ranking="pnl_times_effective_leverage", exchange_below_units=CASH // 5,
            assets=(Asset(), Asset(haircut_ppm=100_000)),
        ),
    ),
    "queue": (
        (linear(tiers=ONE_TIER, liquidation_fee_ppm=2_000),),
        Rules(
            liquidations_per_mark=1, default_leverage=50, takeover=codes.BY_VAULT,
            backstop_ppm=500_000, policy=codes.TIERS, partial_from_tier=2, tiers_per_step=1,
        ),
    ),
    "clawback": (
        (
            inverse(tiers_by_lots=True, tiers=BY_LOTS),
            linear(tiers=ONE_TIER),
        ),
        Rules(
            claws_back=True, deleverages=False, default_leverage=50, bounded_by_bankruptcy=False,
            assets=(Asset(), Asset(haircut_ppm=100_000)),
        ),
    ),
    "portfolio": (
        (
            linear(underlying=1, tiers=ONE_TIER, portfolio_range_ppm=30_000),
            spot(1, taker_fee_ppm=1_000, base_units_per_lot=777_777, units=777),
            linear(underlying=1, portfolio_range_ppm=30_000, units=333, maker_fee_ppm=-50,
                   liquidation_fee_ppm=700),
        ),
        Rules(
            market_buffer_ppm=500, default_leverage=50, counts_fee=True,
            portfolio_steps=3, portfolio_hedged_ppm=12_000, portfolio_least_ppm=4_500,
            portfolio_initial_ppm=1_300_000, adl_ranking="pnl_times_effective_leverage",
            assets=(Asset(), Asset(haircut_ppm=20_000, own_book=True)),
        ),
    ),
    "portfolio-of-inverse": (
        (
            inverse(portfolio_range_ppm=80_000, underlying=20),
            linear(portfolio_range_ppm=10_000, underlying=20),
            inverse(units=2_000 * CASH + 77),
        ),
        Rules(
            portfolio_steps=4, portfolio_hedged_ppm=10_000, socialises=True,
            cancels_orders_first=False, halted_book=codes.HALT_TAKES_OVER,
        ),
    ),
    "collateral-in-own-book": (
        (
            linear(liquidation_fee_ppm=5_000),
            spot(1, taker_fee_ppm=1_000),
            linear(tiers=ONE_TIER, units=333),
        ),
        Rules(
            market_buffer_ppm=500, exchange_below_units=CASH // 5, default_leverage=50,
            assets=(Asset(), Asset(haircut_ppm=50_000, own_book=True)),
        ),
    ),
    "collateral-at-told-prices": (
        (
            linear(liquidation_fee_ppm=1_000),
            spot(2, maker_fee_ppm=-100, market_bound_ppm=40_000, band_up_ppm=90_000,
                 band_down_ppm=90_000, base_units_per_lot=777_777, units=777),
            inverse(tiers=ONE_TIER),
        ),
        Rules(
            takeover=codes.BY_VAULT, backstop_ppm=500_000, cancels_orders_first=False,
            adl_price=codes.AT_MARK, default_leverage=50, socialises=True,
            assets=(Asset(), Asset(haircut_ppm=200_000), Asset(max_price_units=10**8)),
        ),
    ),
}  # fmt: skip
