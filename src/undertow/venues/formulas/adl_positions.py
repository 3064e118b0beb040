"""The model of Chitra's *Autodeleveraging*: positions, their prices, funding and bad debt.

Source of every formula here: arXiv 2512.01112 (v3, 2026-02-16) and its text at
pluriholonomic/autodeleveraging-analysis aae0be8 (paper/main_corrected.tex,
paper/corrected/liquidation-mechanics.tex).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from undertow.errors import UndertowError, shown
from undertow.venues.formulas.inputs import (
    ZERO,
    Number,
    direction,
    fraction,
    not_negative,
    number,
    positive,
)


@dataclass(frozen=True)
class Position:
    """Size above 0, collateral in cash, and +1 for a long or -1 for a short."""

    quantity: Decimal
    collateral: Decimal
    sign: Decimal


def position(quantity: Number, collateral: Number, sign: Number) -> Position:
    """A position, with its input checked."""
    side = number(sign, "sign b")
    if side not in (1, -1):
        raise UndertowError(f"sign b: expected 1 or -1, got {shown(sign)}")
    return Position(positive(quantity, "quantity"), number(collateral, "collateral"), side)


def bankruptcy_price(held: Position, price: Number) -> Decimal:
    """Price at which collateral is used up: ``max(0, p - b * c / q)``."""
    start = positive(price, "price")
    return max(ZERO, start - held.sign * held.collateral / held.quantity)


def liquidation_price(held: Position, price: Number, mu: Number) -> Decimal:
    """``bankruptcy price / (1 - b * mu)``: equity is mu times notional; 0 means never."""
    kept = fraction(mu, "maintenance ratio")
    return bankruptcy_price(held, price) / (1 - held.sign * kept)


def open_interest_ratio(positions: Sequence[Position]) -> Decimal:
    """Long over short open interest, in quantity."""
    longs = sum((held.quantity for held in positions if held.sign > 0), ZERO)
    shorts = sum((held.quantity for held in positions if held.sign < 0), ZERO)
    if shorts == 0:
        raise UndertowError("positions: expected at least one short")
    return longs / shorts


def linear_funding_rate(
    kappa: Number, long_over_short: Number, mark: Number, oracle: Number
) -> Decimal:
    """``kappa * (L/S - mark/oracle)``; in the paper's sign: above 0, shorts pay longs."""
    relative = positive(mark, "mark") / positive(oracle, "oracle")
    imbalance = not_negative(long_over_short, "L over S") - relative
    return positive(kappa, "kappa") * imbalance


def funding_cash(held: Position, rate: Number, mark: Number) -> Decimal:
    """What a position receives in one step: ``b * q * rate * mark``; below 0 it pays."""
    value = held.sign * held.quantity * positive(mark, "mark")
    return value * number(rate, "funding rate")


def profit(held: Position, rates: Sequence[Number], marks: Sequence[Number]) -> Decimal:
    """Profit from the first mark to the last, with the funding of every later step."""
    if len(marks) != len(rates) + 1:
        raise UndertowError(f"marks: expected one more than {len(rates)} rates, got {len(marks)}")
    moved = positive(marks[-1], "mark") - positive(marks[0], "mark")
    received = sum(
        (funding_cash(held, rate, mark) for rate, mark in zip(rates, marks[1:], strict=True)), ZERO
    )
    return held.sign * held.quantity * moved + received


def effective_leverage(quantity: Number, mark: Number, equity: Number) -> Decimal:
    """``q * mark / |equity|``, of a winner or a loser."""
    worth = abs(number(equity, "equity"))
    if worth == 0:
        raise UndertowError("equity: 0 has no leverage")
    return positive(quantity, "quantity") * positive(mark, "mark") / worth


def liquidation_slice(
    side: str,
    quantity: Number,
    mark: Number,
    equity: Number,
    mu: Number,
    fee_rate: Number,
    executed: Number,
) -> Decimal:
    """Smallest size to close so that maintenance holds again; may exceed the position.

    ``(mu p q - e) / (b (p_exec - p) - fee p + mu p)``; 0 where maintenance holds already. More
    than `quantity` means that closing all of it is not enough.

    Raises
    ------
    UndertowError
        When closing costs more than it frees, so that no size restores maintenance.
    """
    price, kept = positive(mark, "mark"), fraction(mu, "maintenance ratio")
    short_of = kept * price * positive(quantity, "quantity") - number(equity, "equity")
    if short_of <= 0:
        return ZERO
    slip = direction(side) * (positive(executed, "executed price") - price)
    freed = slip + (kept - fraction(fee_rate, "fee rate")) * price
    if freed <= 0:
        raise UndertowError("executed price: closing at it restores no margin")
    return short_of / freed


def execution_price(order: str, mark: Number, quantity: Number, alpha: Number) -> Decimal:
    """Average price under linear impact: ``mark - alpha/2 * q`` to sell, plus to buy.

    Raises
    ------
    UndertowError
        When a sale of this size would be paid 0 or less.
    """
    if order not in ("sell", "buy"):
        raise UndertowError(f"order: expected 'sell' or 'buy', got {shown(order)}")
    moved = not_negative(alpha, "alpha") * positive(quantity, "quantity") / 2
    price = positive(mark, "mark") + (moved if order == "buy" else -moved)
    if price <= 0:
        raise UndertowError(f"quantity: selling {quantity} would move the price to {price}")
    return price


def bad_debt(side: str, bankruptcy: Number, executed: Number, quantity: Number) -> Decimal:
    """Shortfall of a slice closed beyond its bankruptcy price: ``max(0, b (p_bk - p_exec)) q``."""
    gap = not_negative(bankruptcy, "bankruptcy price") - positive(executed, "executed price")
    return max(ZERO, direction(side) * gap) * positive(quantity, "quantity")
