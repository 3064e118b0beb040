"""OKX: isolated liquidation price, whole-position tiers, portfolio margin's MR7."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import (
    ONE,
    ZERO,
    Number,
    direction,
    fraction,
    not_negative,
    number,
    positive,
)

Row = tuple[Number, Number | None, Number]


def isolated_liquidation_price(
    side: str,
    quantity: Number,
    entry_price: Number,
    margin: Number,
    rate: Number,
    taker_fee: Number,
) -> Decimal:
    """Liquidation price of an isolated linear position, in quote, unrounded.

    ``(EP - s * margin / q) / (1 - s * (rate + taker))``: margin and PnL just cover maintenance
    and the fee to close, both at the liquidation price. Zero or less: never.
    Source: freqtrade at c9ae5e1e (shared by OKX and Gate), whose tests quote 6.7381 for 10 at
    3x; the margin ratio behind it is OKX help (several copies).
    """
    sign = direction(side)
    needed = fraction(rate, "maintenance rate") + fraction(taker_fee, "taker fee")
    if needed >= 1:
        raise UndertowError(f"rates: maintenance and fee make {needed}, expected less than 1")
    room = number(margin, "margin") / positive(quantity, "quantity")
    return (positive(entry_price, "entry price") - sign * room) / (ONE - sign * needed)


def isolated_margin_ratio(
    margin: Number, unrealised: Number, notional: Number, rate: Number, taker_fee: Number
) -> Decimal:
    """``(margin + uPnL) / (notional * (rate + taker))``; liquidated at 1 (100 %) and below.

    Margin and notional in the settlement asset: quote for linear, coin for inverse contracts.
    Source: OKX help, secondary copies.
    """
    needed = fraction(rate, "maintenance rate") + fraction(taker_fee, "taker fee")
    if needed == 0:
        raise UndertowError("maintenance rate and taker fee: expected more than 0 together")
    equity = number(margin, "margin") + number(unrealised, "unrealised PnL")
    return equity / (positive(notional, "notional") * needed)


def tier_rate(contracts: Number, tiers: Sequence[Row]) -> Decimal:
    """Maintenance rate of a whole position: the rate of its tier, without a deduction.

    Parameters
    ----------
    contracts
        Size of the position; 0 belongs to the first tier.
    tiers
        Rows of first size, last size (None: open) and rate, rising; both sizes belong to the
        tier. A size between two rows (``2000.5`` between ``..., 2000`` and ``2001, ...``) has
        passed the lower one and takes the upper rate.

    Source: OKX position tiers as quoted in freqtrade at c9ae5e1e (ETH-USDT).
    """
    size, below = not_negative(contracts, "contracts"), -ONE
    for first, last, rate in tiers:
        top = _bound(last, "last size")
        if not below <= not_negative(first, "first size") < top:
            raise UndertowError(f"tiers: {first} to {last} does not follow on {below}")
        if size <= top:
            return fraction(rate, "maintenance rate")
        below = top
    raise UndertowError(f"contracts: {size} is above the last tier's size {below}")


def scaled_mr7(mr7_usd: Number, tiers: Sequence[Row]) -> Decimal:
    """Portfolio margin's MR7 after scaling: each slice times the multiplier of its tier.

    Rows are floor, cap (None: open) and multiplier, without gaps. Source: OKX help
    4417291853837 (30,000 USD: 10,000 * 1 + 20,000 * 2 = 50,000).
    """
    raw, covered, scaled = not_negative(mr7_usd, "MR7"), ZERO, ZERO
    for floor, cap, multiplier in tiers:
        low, high = not_negative(floor, "floor"), _bound(cap, "cap")
        if low != covered or high <= low:
            raise UndertowError(f"tiers: {low} to {high} does not follow on {covered}")
        scaled += max(ZERO, min(raw, high) - low) * positive(multiplier, "multiplier")
        covered = high
    if raw > covered:
        raise UndertowError(f"MR7: {raw} is above the last tier's cap {covered}")
    return scaled


def _bound(value: Number | None, name: str) -> Decimal:
    return Decimal("Infinity") if value is None else positive(value, name)


def portfolio_maintenance(mr_other_usd: Number, mr7_scaled_usd: Number) -> Decimal:
    """``max(max(MR1, MR2, MR6) + MR3 + MR4 + MR5, scaled MR7)`` in USD; same source."""
    return max(not_negative(mr_other_usd, "other MR"), not_negative(mr7_scaled_usd, "MR7"))
