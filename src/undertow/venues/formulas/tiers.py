"""Margin tiers with a deduction that makes the maintenance margin continuous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import ZERO, Number, fraction, not_negative


@dataclass(frozen=True)
class Tier:
    """One bracket of a position's value.

    Attributes
    ----------
    floor, cap
        Bounds of the value, in the unit of margin (quote, or base on a coin-margined venue);
        a cap of None is open.
    rate
        Maintenance margin as a fraction of the whole value.
    deduction
        Taken off that margin; Binance's ``cum``, Bybit's MM deduction.
    """

    floor: Decimal
    cap: Decimal | None
    rate: Decimal
    deduction: Decimal


def next_deduction(
    floor: Number, rate: Number, previous_rate: Number, previous_deduction: Number
) -> Decimal:
    """Deduction of a tier from the tier below it: ``cum + floor * (rate - rate below)``.

    Source: Binance FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46 (COIN-M example 1.81 BTC); Bybit help
    "Maintenance Margin" (the same recursion for its MMD). Exact, in the unit of `floor`.
    """
    lower, upper = fraction(previous_rate, "previous rate"), fraction(rate, "rate")
    if upper < lower:
        raise UndertowError(f"rate: {upper} is below the rate {lower} of the tier before")
    bound = not_negative(floor, "floor")
    return not_negative(previous_deduction, "previous deduction") + bound * (upper - lower)


def tier_table(
    floors: Sequence[Number], rates: Sequence[Number], last_cap: Number | None = None
) -> list[Tier]:
    """Tiers from their floors (the first 0, rising) and maintenance rates (not falling).

    Raises
    ------
    UndertowError
        For an empty table, lists of different length, or bounds and rates out of order.
    """
    bounds = [not_negative(floor, "floor") for floor in floors]
    if not bounds or len(bounds) != len(rates):
        raise UndertowError(f"tiers: {len(bounds)} floors for {len(rates)} rates")
    if last_cap is not None:
        bounds.append(not_negative(last_cap, "cap"))
    if bounds[0] != 0 or any(low >= high for low, high in pairwise(bounds)):
        raise UndertowError("tiers: expected floors that begin with 0 and rise")
    caps: list[Decimal | None] = [*bounds[1:], None]
    table: list[Tier] = []
    previous_rate, deduction = ZERO, ZERO
    for floor, cap, value in zip(bounds, caps, rates, strict=False):
        rate = fraction(value, "rate")
        deduction = next_deduction(floor, rate, previous_rate, deduction)
        table.append(Tier(floor, cap, rate, deduction))
        previous_rate = rate
    return table


def tier_of(value: Number, tiers: Sequence[Tier]) -> Tier:
    """The tier with floor < value <= cap; 0 belongs to the first.

    Raises
    ------
    UndertowError
        Above the cap of the last tier: no venue holds such a position.
    """
    size = not_negative(value, "position value")
    for tier in tiers:
        if tier.cap is None or size <= tier.cap:
            return tier
    raise UndertowError(f"position value: {size} is above the last tier's cap")


def maintenance_margin(value: Number, tiers: Sequence[Tier]) -> Decimal:
    """Margin a position of this value must keep: ``value * rate - deduction``, exact."""
    tier = tier_of(value, tiers)
    return not_negative(value, "position value") * tier.rate - tier.deduction
