"""What a venue's rules are made of: one frozen model per subject, every field optional.

A field that the sources do not know is None. Nothing here has a default value, so that a number
can only come from a rules file, where it carries its source. Rates are fractions (0.0005 is
0.05 %), money is in the unit that the name ends with, times are in seconds (``_s``) or hours
(``_h``). Names of methods (``mark.model``, ``adl.ranking``) are looked up in `venues.methods`, so
that a new method needs no change here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_RATIO = re.compile(r"[0-9]+/[1-9][0-9]*")


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError("expected a number written as text, such as '0.0005'")
    return Decimal(value)


def _ratio(value: object) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str) or not _RATIO.fullmatch(value):
        raise ValueError("expected a ratio of whole numbers written as text, such as '2/3'")
    return Fraction(value)


def _items(value: object) -> object:
    """Lists and tables of a TOML file, as the tuples that a frozen model can hold."""
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value


Number = Annotated[Decimal, BeforeValidator(_decimal)]
Ratio = Annotated[Fraction, BeforeValidator(_ratio)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Names = Annotated[tuple[Name, ...], BeforeValidator(_items)]
Symbols = Annotated[tuple[str, ...], BeforeValidator(_items)]
Numbers = Annotated[tuple[Number, ...], BeforeValidator(_items)]
# Fields whose name has `_by_` in it: one number, with its own source, for each key.
NumberBy = Annotated[tuple[tuple[str, Number], ...], BeforeValidator(_items)]
Kind = Literal["linear", "inverse", "dated"]
Average = Literal["later_weigh_more", "equal_weights"]


def _known(meaning: str) -> Any:
    return Field(default=None, description=meaning)


class Group(BaseModel):
    """A subject of the rules; unknown keys and loose types are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True
    )


class ContractRules(Group):
    """What is traded."""

    kinds: Annotated[tuple[Kind, ...], BeforeValidator(_items)] | None = _known(
        "linear (margined in the quote), inverse (margined in the coin), dated (expires)"
    )
    size_base: Number | None = _known("base units per contract")
    tick_usd: Number | None = _known("smallest step of the price times the contract's size")


class MarginRules(Group):
    """How much a position must hold."""

    maintenance_model: (
        Literal["deduction", "whole_position", "slope_per_unit", "leverage_factor", "span"] | None
    ) = _known("how tiers turn into a maintenance margin")
    tier_measure: Literal["notional", "contracts", "net_contracts", "base"] | None = _known(
        "what the size of a tier is measured in"
    )
    maintenance_price: Literal["mark", "entry"] | None = _known(
        "price at which a position is counted for its maintenance margin"
    )
    maintenance_per_initial: Ratio | None = _known(
        "maintenance rate as a share of the initial rate at the tier's greatest leverage"
    )
    maintenance_rate_by_symbol: NumberBy | None = _known("maintenance rate of the lowest tier")
    initial_base_rate_by_symbol: NumberBy | None = _known("initial rate of an empty position")
    initial_slope_rate_by_symbol: NumberBy | None = _known("added to it per base unit held")
    maintenance_base_rate_by_symbol: NumberBy | None = _known("maintenance rate of an empty one")
    maintenance_slope_rate_by_symbol: NumberBy | None = _known("added to it per base unit held")
    initial_rate: Number | None = _known("initial margin, one rate for everybody")
    announced_initial_rate: Number | None = _known("initial margin as first announced")
    isolated_liquidation_price: Name | None = _known("formula of an isolated position's price")
    hedge_counting: Name | None = _known("how a long and a short of the same symbol count")
    liability_rate: Number | None = _known("maintenance on borrowed assets")
    multi_asset_total: Name | None = _known("how the parts of a multi-asset requirement add up")
    portfolio_model: Name | None = _known("requirement of a portfolio-margin account")
    portfolio_steps: Count | None = _known("steps of its price moves, up and down each")
    portfolio_range_rate: Number | None = _known("its greatest price move, up or down")
    portfolio_range_rate_by_base: NumberBy | None = _known("the same, by underlying")
    portfolio_hedged_rate: Number | None = _known("its charge on what offsets each other")
    portfolio_least_rate: Number | None = _known("the least it is of all contracts' value")
    portfolio_initial_ratio: Number | None = _known("its initial margin over maintenance")


class LiquidationRules(Group):
    """When a position is closed by force, and how."""

    trigger: Name | None = _known("condition that starts a liquidation")
    trigger_ratio: Number | None = _known("the ratio at which it starts; 1 is 100 %")
    trigger_prices: Names | None = _known("prices that the condition is tested on")
    counts_fee: bool | None = _known("the liquidation fee is part of the requirement")
    warning_ratio: Number | None = _known("the ratio at which the holder is warned")
    cancels_orders_first: bool | None = _known("open orders are cancelled before anything else")
    halted_book: Literal["waits", "takes_over", "trades"] | None = _known(
        "what is done with a position whose market is halted"
    )
    closing_past_bankruptcy: Literal["refused", "paid_by_fund"] | None = _known(
        "what becomes of an order that closes an isolated position for more than its margin"
    )
    stages: Names | None = _known("what is tried, in this order")
    partial_policy: Name | None = _known("how much is closed before the whole position is")
    partial_from_tier: Count | None = _known("tiers from which a part is closed first")
    tiers_per_step: Count | None = _known("tiers that one partial step goes down")
    partial_above_usd: Number | None = _known("positions above this value are first cut in part")
    partial_fraction: Number | None = _known("the part that is closed first")
    cooldown_s: Count | None = _known("time after a part during which orders are for the whole")
    backstop_below: Ratio | None = _known("share of maintenance under which the backstop takes it")
    without_backstop: Names | None = _known("markets that have no backstop")
    latency_s: Number | None = _known("time from the mark that calls for it to a liquidation")
    most_per_mark: Count | None = _known("liquidations at one mark; 0 is no limit")
    takeover_price: Name | None = _known("price at which the venue takes what is left")
    bankruptcy_price: Name | None = _known("formula of the price at which equity is zero")
    fee_rate: Number | None = _known("fee on the amount liquidated")
    fee_rate_by_symbol: NumberBy | None = _known("the same, by symbol")
    fee_to: Name | None = _known("who receives the fee")


class MarkRules(Group):
    """The price that margin is counted with."""

    model: Name | None = _known("method")
    delivery_model: Name | None = _known("method for dated contracts")
    basis_window_s: Count | None = _known("length of the moving average of the basis")
    basis_points: Count | None = _known("points in that average")
    basis_step_s: Count | None = _known("time between two points")
    basis_average: Literal["mean", "ema"] | None = _known("kind of average")
    basis_price: Literal["mid", "impact_mid"] | None = _known(
        "the contract's price in the basis: middle of best bid and ask (also where this is"
        " unknown), or of the impact prices"
    )
    delivery_basis_window_s: Count | None = _known(
        "the window for dated contracts, where it differs"
    )
    band_rate: Number | None = _known("greatest distance of the mark from the index")
    third_price: Literal["last", "impact_mid"] | None = _known(
        "third price of a median of three; the last trade where this is unknown"
    )
    oracle_ema_s: Count | None = _known("time constant of the average of mid less oracle")
    book_ema_s: Count | None = _known("time constant of the average of the book's median")
    last_ema_s: Count | None = _known("time constant of the average of the last price")
    external_weight_by_venue: NumberBy | None = _known("weights of other venues' perpetuals")
    update_s: Count | None = _known("time between two marks")


class IndexRules(Group):
    """The outside price."""

    model: Name | None = _known("method")
    outlier_rate: Number | None = _known("a source further from the median than this is an outlier")
    one_outlier: Literal["weight_zero"] | None = _known("what is done with a single outlier")
    several_outliers: Literal["weight_zero", "median_of_all"] | None = _known(
        "what is done when there are more"
    )
    return_rate: Number | None = _known("an outlier stays out until it is this near to the median")
    stale_s: Count | None = _known("a source without an update for this long is left out")
    update_s: Count | None = _known("time between two indices")
    weight_by_source: NumberBy | None = _known("weights of the sources")


class FundingRules(Group):
    """What longs and shorts pay each other."""

    model: Name | None = _known("method")
    interval_h: Count | None = _known("time between two payments")
    settlement_offset_h: Count | None = _known("hours from 00:00 UTC to a settlement; else 0")
    accrual: Literal["at_settlement", "continuous"] | None = _known(
        "paid at settlements, or all the time"
    )
    rate_of: Literal["this_interval", "previous_interval"] | None = _known(
        "the interval whose premium is paid at its end; the one that ends where this is unknown"
    )
    rate_period_h: Count | None = _known("the time that the formula's rate is for")
    interest_rate: Number | None = _known("interest part of the rate, per rate period")
    clamp_rate: Number | None = _known("greatest distance between interest and premium that counts")
    scales_to_interval: bool | None = _known("the rate is divided by rate period / interval")
    interest_scales_to_interval: bool | None = _known("only the interest part is so divided")
    cap_rate: Number | None = _known("greatest rate of one payment, either sign")
    cap_rate_by_symbol: NumberBy | None = _known("the same, by symbol")
    period_cap_rate: Number | None = _known("greatest rate per rate period, before it is scaled")
    cap_maintenance_multiple: Number | None = _known(
        "for some symbols: the cap as a multiple of the lowest tier's maintenance rate"
    )
    cap_maintenance_symbols: Symbols | None = _known("symbols known to be capped that way")
    premium: Literal["impact", "mid", "mark", "around_mark"] | None = _known(
        "what stands above the index: impact prices, middle of the book, the mark, or impact"
        " prices above the mark plus the rate already known"
    )
    sample_s: Count | None = _known("time between two samples of the premium")
    sample_moment: Literal["step_end", "random_in_step"] | None = _known(
        "when in that time; at its end where this is unknown"
    )
    average: Average | None = _known("average of the samples over an interval")
    hourly_average: Average | None = _known("the same where the interval is an hour")
    impact_margin_usdt: Number | None = _known(
        "impact notional is this divided by the initial rate at the greatest leverage"
    )
    impact_notional_usd: Number | None = _known("impact notional")
    impact_notional_usd_by_symbol: NumberBy | None = _known("the same, by symbol")
    payment_price: Name | None = _known("price that the payment is counted with")
    settlement_slack_s: Count | None = _known("a settlement may be this late")
    at_cap_interval_h: Count | None = _known("interval after the rate reached its cap")
    at_cap_except_symbols: Symbols | None = _known("symbols whose interval stays as it is")
    quiet_interval_h: Count | None = _known("interval that a quiet symbol goes back to")
    quiet_cycles: Count | None = _known("payments in a row that make it quiet")
    quiet_rate: Number | None = _known("a payment within this is a quiet one")
    decimals: Count | None = _known("decimals of the rate, as a fraction; the rest is cut off")


class AdlRules(Group):
    """Who is closed when nobody else pays."""

    ranking: Name | None = _known("order in which winners are closed")
    ranking_alternative: Name | None = _known("another reading of the same rule")
    score_floor: Number | None = _known("parts of the score are at least this")
    trigger: Name | None = _known("what starts it")
    drawdown_rate: Number | None = _known("fall of the insurance fund that starts it")
    drawdown_window_h: Count | None = _known("time over which the fund's peak is taken")
    close_price: Name | None = _known("price at which winners are closed")
    fee_rate: Number | None = _known("fee that they pay")


class InsuranceRules(Group):
    """Who pays for a position that is closed below its bankruptcy price."""

    scope: Name | None = _known("what one fund covers")
    shared_scope: Name | None = _known("what the other positions' fund covers")
    source: Name | None = _known("what feeds it")
    shortfall: Name | None = _known("what happens when it is not enough")


class CollateralRules(Group):
    """What margin in other assets is worth."""

    price: Name | None = _known("price of a wrapped or synthetic asset that is held as margin")


class SettlementRules(Group):
    """Dated futures with a clearing house."""

    variation: Name | None = _known("when gains and losses are paid")
    margin_call: Name | None = _known("when money is called, and up to what")
    price_limit_rates: Numbers | None = _known("moves at which trading is limited or halted")
    limit_pause_s: Count | None = _known("how long trading stops where a limit is reached")
    daily_price: Name | None = _known("price of the daily settlement")
    final_price: Name | None = _known("price at expiry")


class FeeRules(Group):
    """What a trade costs."""

    taker_rate: Number | None = _known("fee of the side that crosses the spread")
    maker_rate: Number | None = _known("fee of the side that rested; negative is a rebate")
