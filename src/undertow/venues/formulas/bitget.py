"""Bitget: margin rate of an isolated position and its liquidation."""

from __future__ import annotations

from decimal import Decimal

from undertow.venues.formulas.inputs import Number, fraction, number, positive


def margin_rate(
    margin: Number,
    unrealised: Number,
    contract_value: Number,
    contracts: Number,
    mark_price: Number,
) -> Decimal:
    """``(margin + uPnL) / (face * contracts * mark)``, a fraction of the position's value.

    Source: Bitget help 360052911052.
    """
    value = positive(contract_value, "contract value") * positive(contracts, "contracts")
    equity = number(margin, "margin") + number(unrealised, "unrealised PnL")
    return equity / (value * positive(mark_price, "mark price"))


def is_liquidated(rate: Number, tier_rate: Number) -> bool:
    """Whether a margin rate has fallen to the tier's maintenance rate or below; same source."""
    return number(rate, "margin rate") <= fraction(tier_rate, "tier rate")
