"""Hyperliquid: premium and funding rate."""

from __future__ import annotations

from decimal import Decimal

from undertow.venues.formulas.inputs import (
    ZERO,
    Number,
    clamp,
    direction,
    not_negative,
    number,
    positive,
)

HOURS = 8


def premium(impact_bid: Number, impact_ask: Number, oracle: Number) -> Decimal:
    """``(max(bid - oracle, 0) - max(oracle - ask, 0)) / oracle`` at impact prices.

    Source: docs, trading/funding; 28 rows of the venue agree to 1e-10.
    """
    price = positive(oracle, "oracle")
    above = max(positive(impact_bid, "impact bid") - price, ZERO)
    return (above - max(price - positive(impact_ask, "impact ask"), ZERO)) / price


def hip3_premium(best_bid: Number, best_ask: Number, oracle: Number) -> Decimal:
    """Premium of a HIP-3 market: ``0.5 * (bid + ask) / oracle - 1``."""
    middle = (positive(best_bid, "bid") + positive(best_ask, "ask")) / 2
    return middle / positive(oracle, "oracle") - 1


def funding_rate_8h(
    average_premium: Number, *, interest_8h: Number = "0.0001", band: Number = "0.0005"
) -> Decimal:
    """``P + clamp(I - P, ±0.05 %)`` per 8 h, a fraction; positive: longs pay shorts."""
    average, width = number(average_premium, "premium"), not_negative(band, "clamp")
    return average + clamp(number(interest_8h, "interest") - average, -width, width)


def funding_rate_hourly(rate_8h: Number, cap_hourly: Number = "0.04") -> Decimal:
    """What is charged each hour: an eighth, within ±4 %, unrounded (the venue prints 1e-10).

    Source: docs, trading/funding, whose example forgets to divide by 8; 494 of 494 settled
    hours agree with the division (fundr). The cap was never reached in them.
    """
    cap = not_negative(cap_hourly, "cap")
    return clamp(number(rate_8h, "funding rate") / HOURS, -cap, cap)


def funding_payment(side: str, size: Number, oracle: Number, rate_hourly: Number) -> Decimal:
    """What the holder pays for an hour, USDC: ``s * q * oracle * rate``."""
    value = positive(size, "size") * positive(oracle, "oracle")
    return direction(side) * value * number(rate_hourly, "funding rate")
