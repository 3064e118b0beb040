"""What a quantity is worth and how much margin it needs, in whole numbers."""

from __future__ import annotations

from undertow.model import codes
from undertow.model.contracts import Contract

MILLION = 10**6


def ceil_div(a: int, b: int) -> int:
    """``a / b`` rounded up, b > 0."""
    return -(-a // b)


def of_million(amount: int, rate_ppm: int) -> int:
    """``amount * rate`` rounded up, so that the venue never gets less; a rebate never grows."""
    return ceil_div(amount * rate_ppm, MILLION)


def half_even(a: int, b: int) -> int:
    """``a / b`` rounded to the nearest, a tie to the even one; a >= 0, b > 0."""
    quotient, remainder = divmod(a, b)
    twice = 2 * remainder
    return quotient + (twice > b or (twice == b and quotient % 2 == 1))


def value(contract: Contract, lots: int, price_ticks: int) -> int:
    """What signed lots are worth at a price: their cost if bought there, in cash units.

    Linear: proportional to the price. Inverse: minus the coins that the lots stand for, so that
    value less basis is the profit for both kinds.
    """
    if contract.kind == codes.INVERSE:
        coins = half_even(abs(lots) * contract.units, price_ticks)
        return -coins if lots > 0 else coins
    return lots * price_ticks * contract.units


def notional(contract: Contract, lots: int, price_ticks: int) -> int:
    """The size of a position or an order in cash units, never negative."""
    return abs(value(contract, lots, price_ticks))


def highest_fee_ppm(contract: Contract) -> int:
    """The fee that a trade may cost, whoever takes; never below 0."""
    return max(0, contract.maker_fee_ppm, contract.taker_fee_ppm)


def with_fee(contract: Contract, cost_units: int) -> int:
    """A cost and the most fee that it may come with, rounded up."""
    return cost_units + of_million(cost_units, highest_fee_ppm(contract))


def tier_number(contract: Contract, lots: int, notional_units: int) -> int:
    """The last tier whose floor lies below the size; the first for anything up to the second."""
    size = abs(lots) if contract.tiers_by_lots else notional_units
    number = 0
    for index, tier in enumerate(contract.tiers):
        if size > tier.floor:
            number = index
    return number


def maintenance(contract: Contract, lots: int, notional_units: int) -> int:
    """Maintenance margin in cash units, rounded up; 0 for nothing."""
    if lots == 0:
        return 0
    tier = contract.tiers[tier_number(contract, lots, notional_units)]
    rate_ppm = tier.maintenance_ppm + abs(lots) * contract.slope_ppb_per_lot // 1000
    return max(0, of_million(notional_units, rate_ppm) - tier.deduction_units)
