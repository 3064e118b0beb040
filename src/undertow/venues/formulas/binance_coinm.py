"""Binance COIN-M futures: the tiers of USD-M, in units of the coin."""

from __future__ import annotations

from decimal import Decimal

from undertow.venues.formulas.inputs import Number, fraction, not_negative, positive
from undertow.venues.formulas.tiers import next_deduction


def cumulative_amount(
    floor_base: Number, rate: Number, previous_rate: Number, previous_amount_base: Number
) -> Decimal:
    """Maintenance amount (``cum``) of a bracket in base units, from the bracket below.

    Source: Binance FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46:
    50 BTC * (5 % - 2.5 %) + 0.56 BTC = 1.81 BTC.
    """
    return next_deduction(floor_base, rate, previous_rate, previous_amount_base)


def maintenance_margin(
    contracts: Number, contract_usd: Number, mark_price: Number, rate: Number, amount_base: Number
) -> Decimal:
    """``contracts * face / mark * rate - cum`` in base units; same source."""
    value = positive(contracts, "contracts") * positive(contract_usd, "contract size")
    value /= positive(mark_price, "mark price")
    return value * fraction(rate, "rate") - not_negative(amount_base, "maintenance amount")
