"""Prices and sizes that an order may have: a venue's filters.

``reference/trading.py`` says the same in plain Python.
"""

from __future__ import annotations

from undertow.kernels.compile import Records, inner_inlined
from undertow.kernels.ledger import MILLION, notional
from undertow.model.codes import (
    ABOVE_MAX_QUANTITY,
    BELOW_MIN_NOTIONAL,
    BELOW_MIN_QUANTITY,
    BUY,
    MOST_PRICE_TICKS,
    NO_REASON,
    OUTSIDE_PRICE_BAND,
    PRICE_NOT_POSITIVE,
    PRICE_TOO_LARGE,
    QUANTITY_NOT_POSITIVE,
    SPOT,
)


@inner_inlined
def guide_ticks(contract: Records) -> int:
    """What prices are compared with: the mark; of a spot instrument without one, the last."""
    mark = contract["mark_ticks"]
    if mark == 0 and contract["kind"] == SPOT:
        mark = contract["last_ticks"]
    return mark


@inner_inlined
def bad_size(
    contract: Records, side: int, price: int, lots: int, reduces: bool, is_market: bool
) -> int:
    """Why a price or quantity is not taken: the venue's filters."""
    if price <= 0:
        return PRICE_NOT_POSITIVE
    if price > contract["max_price_ticks"]:
        return PRICE_TOO_LARGE
    if lots <= 0:
        return QUANTITY_NOT_POSITIVE
    if lots < contract["min_lots"]:
        return BELOW_MIN_QUANTITY
    if lots > contract["max_lots"]:
        return ABOVE_MAX_QUANTITY
    if not reduces and notional(contract, lots, price) < contract["min_notional_units"]:
        return BELOW_MIN_NOTIONAL
    if is_market:
        return NO_REASON
    # Sides come at random: the processor is asked to guess them only where there is a band.
    if contract["band_up_ppm"] | contract["band_down_ppm"] == 0:
        return NO_REASON
    band_ppm = contract["band_up_ppm"] if side == BUY else contract["band_down_ppm"]
    if band_ppm == 0:
        return NO_REASON
    mark = guide_ticks(contract)
    if mark == 0:
        mark = price
    if price > up_by(mark, band_ppm) if side == BUY else price < down_by(mark, band_ppm):
        return OUTSIDE_PRICE_BAND
    return NO_REASON


@inner_inlined
def up_by(price: int, rate_ppm: int) -> int:
    """A price raised by a rate, rounded down."""
    whole = price // MILLION
    return price + whole * rate_ppm + (price - whole * MILLION) * rate_ppm // MILLION


@inner_inlined
def down_by(price: int, rate_ppm: int) -> int:
    """A price lowered by a rate, rounded up."""
    whole = price // MILLION
    return price - whole * rate_ppm - (price - whole * MILLION) * rate_ppm // MILLION


@inner_inlined
def market_limit(contract: Records, side: int) -> int:
    """The worst price that a market order may be filled at."""
    bound_ppm, guide = contract["market_bound_ppm"], guide_ticks(contract)
    if bound_ppm == 0 or guide == 0:
        return MOST_PRICE_TICKS if side == BUY else 1
    if side == BUY:
        return up_by(guide, bound_ppm)
    return max(1, down_by(guide, bound_ppm))
