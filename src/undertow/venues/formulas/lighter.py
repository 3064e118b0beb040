"""Lighter: hourly funding rate, in percent as the venue prints it."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import Number, clamp, not_negative, number, positive

HOURS = 8
PRINTED_STEP = Decimal("0.0001")


def hourly_rate_percent(
    premium_percent: Number,
    *,
    interest_percent_8h: Number = "0.01",
    small_clamp_percent: Number = "0.05",
    big_clamp_percent: Number = 4,
    multiplier: Number = 1,
    truncated: bool = True,
) -> Decimal:
    """``trunc4(clamp(P + clamp(I - P, ±small), ±big) / 8)`` in percent per hour.

    `premium_percent` is the hour's final running average. Settled rates are cut towards zero
    at four decimals; `truncated=False` is the formula of docs.lighter.xyz, whose example (P =
    0.1 %: 0.00625 %) is not cut. `multiplier` (1 for crypto, 1/2 for real-world assets, 1/100
    before a listing) scales the average premium and the small clamp, nothing else. Source:
    docs.lighter.xyz/trading/funding and fundr at 32bf4c0 (16 of 16 settled hours), which also
    quotes the docs on the multiplier (1a486e0, P7-funding-formulas.md). From the docs alone,
    never observed: a multiplier below 1, and that the big clamp comes before the division.

    Raises
    ------
    UndertowError
        For a premium multiplier of 0 or less or above 1: the docs' range ends there.
    """
    scale = positive(multiplier, "multiplier")
    if scale > 1:
        raise UndertowError(f"multiplier: expected at most 1, got {scale}")
    premium = number(premium_percent, "premium") * scale
    small = not_negative(small_clamp_percent, "small clamp") * scale
    big = not_negative(big_clamp_percent, "big clamp")
    offset = clamp(number(interest_percent_8h, "interest") - premium, -small, small)
    rate = clamp(premium + offset, -big, big) / HOURS
    return rate.quantize(PRINTED_STEP, rounding=ROUND_DOWN) if truncated else rate
