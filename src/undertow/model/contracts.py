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
class Asset:
    """What can be held beside cash: collateral, and what spot instruments trade.

    As margin it counts with its price less the haircut. With ``own_book`` the price is that of the
    last trade in the first spot instrument on this asset, once there is one; else, and until then,
    it is the one that the venue was told (an index, a redemption value: whoever tells it knows).
    ``max_price_units`` is the highest price, in cash units of 10^6 asset units, at most 10^12.
    """

    haircut_ppm: int = 0
    own_book: bool = False
    max_price_units: int = 10**12


@dataclass(frozen=True)
class Contract:
    """One instrument; 0 means no limit where a limit is meant.

    A spot instrument has neither leverage nor positions: one lot is ``base_units_per_lot`` of the
    asset ``base_asset``, and changes hands for cash.
    """

    kind: int = codes.LINEAR
    # Linear, spot: cash units per tick and lot. Inverse: cash units of a lot at a price of 1 tick.
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
    # Portfolio margin: contracts on the same underlying are netted, also with the asset of that
    # number; 0 stands alone. The range is how far prices are shocked, at most 300,000.
    underlying: int = 0
    portfolio_range_ppm: int = 150_000
    base_asset: int = 0
    base_units_per_lot: int = 0
    tiers: tuple[Tier, ...] = (Tier(0, 5000, 0, 100),)


@dataclass(frozen=True)
class Rules:
    """How a venue treats orders that change, and accounts that lack margin.

    ``assets`` begins with the settlement asset, which is cash and needs no price.
    """

    amend_keeps_priority: bool = True
    default_leverage: int = 20
    market_buffer_ppm: int = 0
    liquidates_when_equal: bool = False
    counts_fee: bool = False
    cancels_orders_first: bool = True
    # The size that maintenance is counted with: what was paid, or else the value at the mark.
    maintenance_at_entry: bool = False
    # Orders that close an isolated position beyond its bankruptcy price are refused; else the fund
    # pays what they lose, at the next mark.
    refuses_past_bankruptcy: bool = False
    halted_book: int = codes.HALT_WAITS
    policy: int = codes.WHOLE
    partial_above_units: int = 0
    partial_ppm: int = 0
    partial_from_tier: int = 0
    tiers_per_step: int = 0
    cooldown_ns: int = 0
    # A pool is liquidated at the first mark this long after one has found it short; and at most so
    # many at one mark (0: all).
    liquidation_latency_ns: int = 0
    liquidations_per_mark: int = 0
    bounded_by_bankruptcy: bool = True
    takeover: int = codes.BY_FUND
    backstop_ppm: int = 0
    fund_pays: bool = True
    adl_ranking: str = "leverage_pnl"
    adl_price: int = codes.AT_BANKRUPTCY
    # Winners are closed against a bankrupt position; else whoever takes over takes it as well.
    deleverages: bool = True
    socialises: bool = False
    # Bad debts are taken from realised profits at the end of a period; until then those stay.
    claws_back: bool = False
    # Portfolio margin: steps of the range to either side (0: the venue has none), the rates on what
    # is hedged and on all that is held, at most 100,000 each, and initial per maintenance margin.
    portfolio_steps: int = 0
    portfolio_hedged_ppm: int = 0
    portfolio_least_ppm: int = 0
    portfolio_initial_ppm: int = 1_000_000
    # Cash that falls below minus this is made up for by collateral, at the next mark.
    exchange_below_units: int = 0
    assets: tuple[Asset, ...] = (Asset(),)
