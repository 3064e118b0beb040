"""Binance USD-M futures: mark price, premium index and funding rate."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import (
    ZERO,
    Number,
    clamp,
    direction,
    leverage,
    not_negative,
    number,
    positive,
)

HOURS_OF_INTEREST = 8
SECONDS_PER_HOUR = 3600


def mark_price(price1: Number, price2: Number, contract_price: Number) -> Decimal:
    """Median of funding-based price, basis-based price and last price (FAQ 360033525071)."""
    prices = (positive(price1, "price 1"), positive(price2, "price 2"))
    return sorted((*prices, positive(contract_price, "contract price")))[1]


def price1(
    index: Number, last_funding_rate: Number, hours_until_funding: Number, interval_hours: Number
) -> Decimal:
    """``index * (1 + last funding rate * time until funding / interval)``, FAQ 360033525071."""
    interval = positive(interval_hours, "interval")
    left = not_negative(hours_until_funding, "time until funding")
    if left > interval:
        raise UndertowError(f"time until funding: {left} h is longer than the interval")
    return positive(index, "index") * (1 + number(last_funding_rate, "rate") * left / interval)


def price2(index: Number, basis: Sequence[Number]) -> Decimal:
    """Index plus the average basis: 30 samples of mid minus index.

    One sample a second since 2025-09-18 08:01 UTC (announcement of 2025-09-16, secondary
    source), one every 2 s and earlier one every 5 s before. FAQ 360033525071.
    """
    if not basis:
        raise UndertowError("basis: expected at least one sample")
    samples = [number(sample, "basis") for sample in basis]
    return positive(index, "index") + sum(samples, ZERO) / len(samples)


def impact_margin_notional(max_leverage: Number, base_margin: Number = 200) -> Decimal:
    """Depth at which impact prices are read: 200 USDT / initial margin rate at top leverage.

    Source: FAQ 360033525031 (20x: 4,000 USDT).
    """
    return positive(base_margin, "base margin") * leverage(max_leverage, "maximum leverage")


def premium_index(impact_bid: Number, impact_ask: Number, index: Number) -> Decimal:
    """``(max(0, bid - index) - max(0, index - ask)) / index``, FAQ 360033525031."""
    price = positive(index, "index")
    above = max(ZERO, positive(impact_bid, "impact bid") - price)
    below = max(ZERO, price - positive(impact_ask, "impact ask"))
    return (above - below) / price


def premium_weights(interval_hours: Number, sample_seconds: Number = 5) -> tuple[int, int]:
    """How many samples an interval has, and the sum of their weights.

    The i-th sample weighs i where the interval is longer than 1 h, all weigh 1 for 1 h.
    Source: FAQ 360033525031 (8 h: 5,760 samples).
    """
    interval = positive(interval_hours, "interval")
    count = interval * SECONDS_PER_HOUR / positive(sample_seconds, "sample seconds")
    if count != count.to_integral_value() or not 1 <= count <= 10**9:
        raise UndertowError(f"interval: {interval} h is no whole number of samples")
    points = int(count)
    return points, points * (points + 1) // 2 if interval > 1 else points


def average_premium(samples: Sequence[Number], interval_hours: Number) -> Decimal:
    """Average of an interval's premium samples, oldest first, weighted as `premium_weights`."""
    if not samples:
        raise UndertowError("premium: expected at least one sample")
    rising = positive(interval_hours, "interval") > 1
    total, weights = ZERO, 0
    for place, sample in enumerate(samples, start=1):
        weight = place if rising else 1
        total += weight * number(sample, "premium")
        weights += weight
    return total / weights


def funding_rate(
    premium: Number,
    interval_hours: Number = 8,
    *,
    interest_8h: Number = "0.0001",
    band: Number = "0.0005",
    cap: Number | None = None,
) -> Decimal:
    """Rate of one interval: ``(P + clamp(I - P, ±band)) / (8 / interval)``, then capped.

    Positive: longs pay shorts. Source: FAQ 360033525031; the division by 8 / interval is in
    force since 2025-09-18. The cap is 0.75 times the first bracket's maintenance rate for a
    list of contracts (0.3 % for BTCUSDT), 2 % for others.
    """
    average = number(premium, "premium")
    width = not_negative(band, "clamp")
    offset = clamp(number(interest_8h, "interest") - average, -width, width)
    rate = (average + offset) * positive(interval_hours, "interval") / HOURS_OF_INTEREST
    if cap is None:
        return rate
    limit = not_negative(cap, "cap")
    return clamp(rate, -limit, limit)


def funding_payment(side: str, quantity: Number, mark_price: Number, rate: Number) -> Decimal:
    """What the holder pays, in quote: ``s * q * mark * rate``; negative is received."""
    notional = positive(quantity, "quantity") * positive(mark_price, "mark price")
    return direction(side) * notional * number(rate, "funding rate")
