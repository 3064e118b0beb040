"""Bybit: isolated liquidation prices (linear and inverse), inverse cross margin."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import (
    ONE,
    Number,
    direction,
    fraction,
    leverage,
    not_negative,
    number,
    positive,
)

INVERSE_REVISION = date(2026, 5, 27)


def linear_isolated_liquidation_price(
    side: str,
    entry_price: Number,
    leverage_used: Number,
    rate: Number,
    *,
    quantity: Number = 1,
    deduction: Number = 0,
    extra_margin: Number = 0,
) -> Decimal:
    """Liquidation price of an isolated linear position, in quote, unrounded.

    ``EP - s * (IM - MM + extra) / q`` with ``IM = q EP / L`` and ``MM = q EP * rate - MMD``.
    Without deduction and extra margin: ``EP * (1 - s * (1/L - rate))``. Zero or less: never.
    Source: Bybit help "Liquidation Price Calculation under Isolated Mode (UTA)", 2024.
    """
    sign, size = direction(side), positive(quantity, "quantity")
    price = positive(entry_price, "entry price")
    initial = size * price / leverage(leverage_used)
    kept = size * price * fraction(rate, "maintenance rate")
    kept -= not_negative(deduction, "maintenance deduction")
    room = initial - kept + not_negative(extra_margin, "extra margin")
    return price - sign * room / size


class InversePosition(NamedTuple):
    """What Bybit shows of an inverse isolated position, in base units; price in quote."""

    position_value: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    liquidation_price: Decimal | None


def inverse_isolated(
    side: str,
    quantity_usd: Number,
    entry_price: Number,
    leverage_used: Number,
    rate: Number,
    *,
    deduction: Number = 0,
    extra_margin: Number = 0,
    taker_fee: Number = 0,
    as_of: date | None = None,
) -> InversePosition:
    """Margins and liquidation price of an isolated inverse position.

    Until 2026-05-26 (and without a date) the text of 2024, without fees:
    ``Q / (PV + s * (IM - MM))``. From 2026-05-27 the maintenance margin follows the mark price:
    ``Q * (1 + s*rate) / (PV + s * (PV/L + extra/(1 + s*taker) + MMD))``.
    Source: help page "Liquidation Price Calculation under Isolated Mode (UTA)", both revisions.
    Assumed: in the 2024 form extra margin adds to IM (the page's own term mixes units).

    Returns
    -------
    InversePosition
        Base units; the price is None where no price liquidates the position.
    """
    sign, size = direction(side), positive(quantity_usd, "quantity")
    value = size / positive(entry_price, "entry price")
    initial = value / leverage(leverage_used)
    maintenance_rate, off = fraction(rate, "rate"), not_negative(deduction, "deduction")
    maintenance = value * maintenance_rate - off
    extra, fee = not_negative(extra_margin, "extra margin"), fraction(taker_fee, "taker fee")
    if as_of is None or as_of < INVERSE_REVISION:
        numerator, below = size, value + sign * (initial - maintenance + extra)
    else:
        numerator = size * (ONE + sign * maintenance_rate)
        below = value + sign * (initial + extra / (ONE + sign * fee) + off)
    price = numerator / below if below > 0 else None
    return InversePosition(value, initial, maintenance, price)


def inverse_cross_bankruptcy_price(
    side: str,
    quantity_usd: Number,
    entry_price: Number,
    balance_base: Number,
    taker_fee: Number,
    *,
    order_margin_base: Number = 0,
) -> Decimal | None:
    """Price at which loss and closing fee use up the balance; None where none does.

    ``Q * (1 + s*taker) / (Q/EP + s * (balance - order margin))``.
    Source: Bybit help 360039261334 (10,000 USD at 8,000 with 0.5 BTC: 5,718.57).
    """
    sign, size = direction(side), positive(quantity_usd, "quantity")
    free = number(balance_base, "balance") - not_negative(order_margin_base, "order margin")
    below = size / positive(entry_price, "entry price") + sign * free
    return size * (ONE + sign * fraction(taker_fee, "taker fee")) / below if below > 0 else None


def inverse_cross_liquidation_price(
    side: str,
    quantity_usd: Number,
    entry_price: Number,
    balance_base: Number,
    rate: Number,
    taker_fee: Number,
    bankruptcy_price: Number,
    *,
    order_margin_base: Number = 0,
    tick: Number | None = None,
) -> Decimal | None:
    """Price at which the balance left covers maintenance margin and the fee to close.

    Solves ``s*Q*(1/EP - 1/LP) = -(balance - Q/EP*rate - Q*taker/BP)``; None where no price
    does. With `tick` the price is moved to the next tick on the side that is liquidated
    earlier: up for a long, down for a short (the long example is printed so; the short side is
    assumed). Source: Bybit help 360039261334 (5,739.08, shown as 5,739.5 with a 0.5 tick).
    """
    sign, size = direction(side), positive(quantity_usd, "quantity")
    value = size / positive(entry_price, "entry price")
    closing_fee = size * fraction(taker_fee, "taker fee")
    closing_fee /= positive(bankruptcy_price, "bankruptcy price")
    free = number(balance_base, "balance") - not_negative(order_margin_base, "order margin")
    room = free - value * fraction(rate, "maintenance rate") - closing_fee
    below = value + sign * room
    if below <= 0:
        return None
    price = size / below
    return price if tick is None else _on_tick(price, positive(tick, "tick"), sign)


def _on_tick(price: Decimal, tick: Decimal, sign: Decimal) -> Decimal:
    rounding = ROUND_CEILING if sign > 0 else ROUND_FLOOR
    ticks = (price / tick).to_integral_value(rounding=rounding)
    if ticks <= 0:
        raise UndertowError(f"liquidation price: {price} is below one tick of {tick}")
    return ticks * tick
