"""What a venue trades and how it treats accounts, in whole units: for kernels and specification.

Money is in cash units, 10^-6 of the settlement asset. Prices are in ticks, quantities in lots,
rates in millionths (`_ppm`). `undertow.venues` makes these from dated rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from undertow.model import codes


@dataclass(frozen=True)
class Tier:
    """What holds from a size on; the size is a notional, or lots where the venue says so."""

    floor: int
    maintenance_ppm: int
    deduction_units: int
    max_leverage: int


@dataclass(frozen=True)
class Contract:
    """One instrument; 0 means no limit where a limit is meant."""

    kind: int = codes.LINEAR
    # Linear: cash units per tick and lot. Inverse: cash units of one lot at a price of one tick.
    units: int = 1
    max_price_ticks: int = codes.MOST_PRICE_TICKS
    min_lots: int = 1
    max_lots: int = 2**31
    max_position_lots: int = 2**31
    min_notional_units: int = 0
    band_up_ppm: int = 0
    band_down_ppm: int = 0
    market_bound_ppm: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    liquidation_fee_ppm: int = 0
    tiers_by_lots: bool = False
    slope_ppb_per_lot: int = 0
    tiers: tuple[Tier, ...] = (Tier(0, 5000, 0, 100),)


@dataclass(frozen=True)
class Rules:
    """How a venue treats orders that change, and accounts that lack margin."""

    amend_keeps_priority: bool = True
    default_leverage: int = 20
    market_buffer_ppm: int = 0
    liquidates_when_equal: bool = False
    counts_fee: bool = False
    cancels_orders_first: bool = True
    policy: int = codes.WHOLE
    partial_above_units: int = 0
    partial_ppm: int = 0
    partial_from_tier: int = 0
    tiers_per_step: int = 0
    cooldown_ns: int = 0
    bounded_by_bankruptcy: bool = True
    takeover: int = codes.BY_FUND
    backstop_ppm: int = 0
    fund_pays: bool = True
    adl_ranking: str = "leverage_pnl"
    adl_price: int = codes.AT_BANKRUPTCY
    socialises: bool = False
