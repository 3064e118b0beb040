"""Binance USD-M futures: margin, liquidation price, bankruptcy price and ADL score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from undertow.venues.formulas.tiers import Tier


@dataclass(frozen=True)
class Leg:
    """One position: a contract and a side (hedge mode has two legs in one contract)."""

    sign: Decimal
    quantity: Decimal
    entry_price: Decimal
    maintenance_rate: Decimal
    deduction: Decimal


def leg(
    side: str, quantity: Number, entry_price: Number, rate: Number = 0, deduction: Number = 0
) -> Leg:
    """A leg, with its input checked.

    Parameters
    ----------
    side
        ``"long"`` or ``"short"``.
    quantity, entry_price
        Base units and quote per base unit, both above 0.
    rate, deduction
        Maintenance rate (fraction) and maintenance amount (``cum``, quote) of its bracket.
    """
    return Leg(
        direction(side),
        positive(quantity, "quantity"),
        positive(entry_price, "entry price"),
        fraction(rate, "maintenance rate"),
        not_negative(deduction, "maintenance amount"),
    )


def unrealised_pnl(position: Leg, mark_price: Number) -> Decimal:
    """``s * q * (mark - entry)`` in quote; positive is a profit."""
    price = positive(mark_price, "mark price")
    return position.sign * position.quantity * (price - position.entry_price)


def maintenance_of(position: Leg, mark_price: Number) -> Decimal:
    """``q * mark * rate - cum`` in quote (Binance FAQ b3c689c1f50a44cabb3a84e663b81d93)."""
    notional = position.quantity * positive(mark_price, "mark price")
    return notional * position.maintenance_rate - position.deduction


def liquidation_price(
    wallet_balance: Number,
    legs: Sequence[Leg],
    *,
    other_maintenance: Number = 0,
    other_unrealised: Number = 0,
    tiers: Sequence[Tier] | None = None,
) -> Decimal | None:
    """Mark price of a contract at which margin balance equals maintenance margin.

    ``(WB - TMM + UPNL + sum(cum) - sum(s q EP)) / (sum(q MMR) - sum(s q))`` over the legs in
    the contract: one in one-way mode, a long and a short one in hedge mode.
    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93.

    Parameters
    ----------
    wallet_balance
        Isolated wallet (then the two `other` figures stay 0) or cross wallet, quote.
    other_maintenance, other_unrealised
        TMM and UPNL: sums over the account's other contracts at their mark prices, quote.
    tiers
        The contract's brackets. They replace the legs' own rate and ``cum`` by those of the
        bracket at the liquidation price, as the FAQ asks; above the last cap the last rate holds.

    Returns
    -------
    Decimal or None
        Unrounded. Zero or less means that no price liquidates it (the venue shows "--"); None
        means that legs cancel out, so that no price changes the result.
    """
    if not legs:
        raise UndertowError("legs: expected at least one position")
    balance = (
        number(wallet_balance, "wallet balance")
        - number(other_maintenance, "maintenance of others")
        + number(other_unrealised, "unrealised PnL of others")
    )
    if tiers is not None and not tiers:
        raise UndertowError("tiers: expected at least one")
    if tiers is None:
        return _price_at_maintenance(balance, legs)
    return _price_in_its_own_bracket(balance, legs, tiers)


def _price_at_maintenance(balance: Decimal, legs: Sequence[Leg]) -> Decimal | None:
    numerator, slope = balance, ZERO
    for position in legs:
        numerator += position.deduction - position.sign * position.quantity * position.entry_price
        slope += position.quantity * (position.maintenance_rate - position.sign)
    return numerator / slope if slope else None


def _price_in_its_own_bracket(
    balance: Decimal, legs: Sequence[Leg], tiers: Sequence[Tier]
) -> Decimal | None:
    """Newton's method on a piecewise linear function: ends once the bracket repeats."""
    current = [_in_bracket(position, position.entry_price, tiers) for position in legs]
    for _ in range(2 * len(tiers) * len(legs) + 1):
        price = _price_at_maintenance(balance, current)
        if price is None or price <= 0:
            return price
        following = [_in_bracket(position, price, tiers) for position in current]
        if following == current:
            return price
        current = following
    raise UndertowError("liquidation price: these legs have no single price in these brackets")


def _in_bracket(position: Leg, price: Decimal, tiers: Sequence[Tier]) -> Leg:
    notional = position.quantity * price
    held = next((t for t in tiers if t.cap is None or notional <= t.cap), tiers[-1])
    return replace(position, maintenance_rate=held.rate, deduction=held.deduction)


def bankruptcy_price(
    side: str, quantity: Number, entry_price: Number, isolated_wallet: Number
) -> Decimal:
    """Price at which the isolated wallet is used up: ``EP - s * WB / q``. Assumed: no source."""
    position = leg(side, quantity, entry_price)
    wallet = number(isolated_wallet, "isolated wallet")
    return position.entry_price - position.sign * wallet / position.quantity


def margin_ratio(maintenance: Number, wallet_balance: Number, unrealised: Number) -> Decimal:
    """``MM / (WB + uPnL)``; liquidation from 1 (100 %) on, FAQ 360033525271.

    0 where the margin balance is 0 or less, as the ADL score (FAQ 360033525471) asks: such an
    account is already being liquidated.
    """
    balance = number(wallet_balance, "wallet balance") + number(unrealised, "unrealised PnL")
    if balance <= 0:
        return ZERO
    return not_negative(maintenance, "maintenance margin") / balance


def adl_score(unrealised: Number, wallet_balance: Number, ratio: Number) -> tuple[Decimal, Decimal]:
    """PnL percent (a fraction) and leverage PnL, the ADL ranking score: higher goes first.

    ``max(0, uPnL) / max(1, WB)``, times the margin ratio. Source: FAQ 360033525471, formula as
    quoted in Binance's developer forum (topic 17801).
    """
    profit = max(ZERO, number(unrealised, "unrealised PnL"))
    percent = profit / max(ONE, number(wallet_balance, "wallet balance"))
    return percent, percent * not_negative(ratio, "margin ratio")
