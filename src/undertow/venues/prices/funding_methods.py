"""The venues' funding rates, by the names that rules files use for them.

A method takes the funding rules, the average premium and the length of the interval in hours,
and returns the rate of that interval before the symbol's cap. Above 0: longs pay.
"""

from __future__ import annotations

from decimal import Decimal

from undertow.errors import UndertowError
from undertow.venues import methods
from undertow.venues.formulas import deribit
from undertow.venues.formulas.binance_usdm_rates import funding_rate
from undertow.venues.rule_models import FundingRules


@methods.register("funding", "premium_and_clamped_interest")
def premium_and_clamped_interest(
    rules: FundingRules, premium: Decimal, interval_h: Decimal
) -> Decimal:
    """``P + clamp(I - P, ±clamp)``, scaled to the interval where the rules say so.

    ``I`` is for the rate period (8 h). Three rules about shorter intervals: none, the whole rate
    is divided by period / interval, or only the interest is.
    Source: Binance FAQ 360033525031; Bybit help "Introduction to Funding Rate"; Bitget support
    12560603838070 (both rules, by date); Hyperliquid docs, funding; docs.lighter.xyz, funding.
    """
    interest = _known(rules.interest_rate, "funding.interest_rate")
    band = _known(rules.clamp_rate, "funding.clamp_rate")
    share = interval_h / _period_h(rules)
    if rules.interest_scales_to_interval:
        interest *= share
    rate = funding_rate(premium, interest_8h=interest, band=band, cap=rules.period_cap_rate)
    return rate * share if rules.scales_to_interval else rate


@methods.register("funding", "average_premium")
def average_premium(rules: FundingRules, premium: Decimal, interval_h: Decimal) -> Decimal:
    """The average premium less the interest, nothing else (OKX, "optimize funding rate
    calculation", 2024-01-25: the interest is 0)."""
    return premium - _known(rules.interest_rate, "funding.interest_rate")


@methods.register("funding", "premium_outside_dead_zone")
def premium_outside_dead_zone(
    rules: FundingRules, premium: Decimal, interval_h: Decimal
) -> Decimal:
    """0 within ±clamp of the index, beyond it what exceeds the clamp, for the time asked.

    Source: Deribit docs, perpetual, as quoted by MCDEX and bit.com 360051992953.
    """
    rate = deribit.funding_rate(premium, _known(rules.clamp_rate, "funding.clamp_rate"))
    return rate * interval_h / _period_h(rules)


def _period_h(rules: FundingRules) -> Decimal:
    hours = rules.rate_period_h
    if not hours:
        raise UndertowError("no rule says funding.rate_period_h; give it with rules.with_values")
    return Decimal(hours)


def _known(value: Decimal | None, key: str) -> Decimal:
    if value is None:
        raise UndertowError(f"no rule says {key}; give it with rules.with_values")
    return value
