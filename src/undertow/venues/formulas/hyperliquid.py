"""Hyperliquid: margin tables, liquidation prices and stages, ADL rankings."""

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
    leverage,
    not_negative,
    number,
    positive,
)
from undertow.venues.formulas.tiers import Tier, tier_table

ADL_FLOOR = Decimal("1e-8")


def maintenance_fraction(max_leverage: Number) -> Decimal:
    """``1 / (2 * maximum leverage)``: half the initial margin at the asset's top leverage.

    Source: Hyperliquid docs, margining; 1.25 % at 40x. The leverage in force at the time counts
    (BTC and ETH had 50x in autumn 2024, 40x and 25x in 2026).
    """
    return ONE / (2 * leverage(max_leverage, "maximum leverage"))


def margin_table(rows: Sequence[tuple[Number, Number]]) -> list[Tier]:
    """Tiers from rows of lower bound (USDC, the first 0) and maximum leverage, falling.

    Source: Hyperliquid docs, margin tiers, and the metadata of table 56 (BTC: 40x, 20x from
    150M on, deduction 1,875,000).
    """
    rates = [maintenance_fraction(top) for _, top in rows]
    return tier_table([bound for bound, _ in rows], rates)


def maintenance_margin(position_value: Number, max_leverage: Number) -> Decimal:
    """``value * maintenance fraction`` in USDC, for an asset (or first tier) without deduction."""
    return not_negative(position_value, "position value") * maintenance_fraction(max_leverage)


def isolated_liquidation_price(
    side: str,
    size: Number,
    entry_price: Number,
    isolated_margin: Number,
    fraction_kept: Number,
    *,
    deduction: Number = 0,
) -> Decimal:
    """Liquidation price from the margin put up at a price.

    ``P - s * (margin - MM) / q / (1 - l*s)`` with ``MM = q P l - deduction``, the same for a
    cross position with ``account value - MM of the others`` as its margin. Any pair of a price
    and the equity at that price gives the same result. Zero or less: never.
    Source: Hyperliquid docs, liquidations; checked there on 29 positions returned by the venue
    (at most 3.5e-5 apart).

    Parameters
    ----------
    size, entry_price, isolated_margin
        Base units above 0, USDC per unit, USDC of equity at that price.
    fraction_kept
        Maintenance fraction `l` of the tier at the liquidation price.
    """
    sign, quantity = direction(side), positive(size, "size")
    kept, price = fraction(fraction_kept, "maintenance fraction"), positive(entry_price, "price")
    needed = quantity * price * kept - not_negative(deduction, "deduction")
    available = number(isolated_margin, "margin") - needed
    return price - sign * available / quantity / (ONE - kept * sign)


def liquidation_price_from_raw_usd(
    side: str, size: Number, raw_usd: Number, fraction_kept: Number, *, deduction: Number = 0
) -> Decimal:
    """Liquidation price from the position's USDC balance, as the API's ``rawUsd`` has it.

    Equity is ``raw + s q P``, maintenance ``q P l - deduction``. ``rawUsd`` is negative for a
    long and positive for a short. Source: clearinghouseState samples (2866.26936529,
    3768.9034013605).
    """
    sign, quantity = direction(side), positive(size, "size")
    kept = fraction(fraction_kept, "maintenance fraction")
    raw = number(raw_usd, "raw USD") + not_negative(deduction, "deduction")
    return -raw / (quantity * (sign - kept))


def backstop_threshold(maintenance: Number) -> Decimal:
    """Equity below which the liquidator vault takes over: 2/3 of maintenance, USDC.

    Source: docs, trading/liquidations. HIP-3 markets have no such vault (secondary source).
    """
    return not_negative(maintenance, "maintenance margin") * 2 / 3


def first_order_value(
    position_value: Number, threshold: Number = 100_000, part: Number = "0.2"
) -> Decimal:
    """Value of the first liquidation order, USDC: the whole, or 20 % above 100,000 USDC.

    After the cooldown (30 s) orders are for the rest. Source: docs, trading/liquidations.
    """
    value = not_negative(position_value, "position value")
    piece = number(part, "fraction")
    if not 0 < piece <= 1:
        raise UndertowError(f"fraction: expected more than 0 and at most 1, got {piece}")
    return value * piece if value > not_negative(threshold, "threshold") else value


def adl_index(
    side: str, mark_price: Number, entry_price: Number, notional: Number, account_value: Number
) -> Decimal:
    """The documented ADL index: ``(mark / entry) * (notional / account value)``.

    For a short the ratio is turned round (entry / mark): as printed, a short would rank lower
    the more it earns. That reading is ours, not the page's. Source: docs, auto-deleveraging.
    """
    mark, entry = positive(mark_price, "mark"), positive(entry_price, "entry")
    gain = mark / entry if direction(side) > 0 else entry / mark
    return gain * positive(notional, "notional") / positive(account_value, "account value")


def adl_score(
    side: str, mark_price: Number, entry_price: Number, notional: Number, account_value: Number
) -> Decimal:
    """The ADL score read out of the node's program, which orders differently from the docs.

    ``(|notional| / account value) * (max(PnL, 0) / entry notional)``, both factors at least
    1e-8. Source: OtterSec, osec.io 2026-06-22, as reported in public code.
    """
    mark, entry = positive(mark_price, "mark"), positive(entry_price, "entry")
    gain = max(ZERO, direction(side) * (mark - entry) / entry)
    size = positive(notional, "notional") / positive(account_value, "account value")
    return max(size, ADL_FLOOR) * max(gain, ADL_FLOOR)
