"""Deribit: margins that rise with the position, and funding with a dead zone."""

from __future__ import annotations

from decimal import Decimal

from undertow.venues.formulas.inputs import Number, fraction, not_negative, number, positive

MILLISECONDS_OF_FUNDING = 8 * 3600 * 1000


def margin_rate(base_rate: Number, slope_per_unit: Number, position_base: Number) -> Decimal:
    """``base + slope * |position|``: initial or maintenance rate, a fraction.

    Source: Deribit support 25944738177565 "Linear Perpetual" (BTC_USDC: 2 % + 0.005 % per BTC
    initial, 1 % + 0.005 % maintenance; SOL_USDC: 4 % and 2 % + 0.0005 % per SOL).
    """
    size = abs(number(position_base, "position"))
    return fraction(base_rate, "base rate") + fraction(slope_per_unit, "slope") * size


def margin(
    base_rate: Number, slope_per_unit: Number, position_base: Number, index_price: Number
) -> Decimal:
    """Margin in quote: rate times the position's value at the index; same source."""
    value = abs(number(position_base, "position")) * positive(index_price, "index price")
    return margin_rate(base_rate, slope_per_unit, position_base) * value


def premium_rate(mark_price: Number, index_price: Number) -> Decimal:
    """``(mark - index) / index``."""
    index = positive(index_price, "index price")
    return (positive(mark_price, "mark price") - index) / index


def funding_rate(premium: Number, damp: Number = "0.0005") -> Decimal:
    """Rate per 8 h: ``max(damp, P) + min(-damp, P)``, so 0 within ±damp (0.05 %).

    Positive: longs pay shorts. Source: Deribit docs, as quoted by MCDEX and bit.com
    (360051992953).
    """
    width, rate = not_negative(damp, "damp"), number(premium, "premium rate")
    return max(width, rate) + min(-width, rate)


def funding_payment(rate_8h: Number, position: Number, milliseconds: Number) -> Decimal:
    """What the holder pays over a time, in the unit of `position`; a short is below 0."""
    time = not_negative(milliseconds, "milliseconds")
    paid = number(rate_8h, "funding rate") * number(position, "position")
    return paid * time / MILLISECONDS_OF_FUNDING
