"""Gate: isolated liquidation price."""

from __future__ import annotations

from decimal import Decimal

from undertow.venues.formulas import okx
from undertow.venues.formulas.inputs import Number


def isolated_liquidation_price(
    side: str,
    quantity: Number,
    entry_price: Number,
    margin: Number,
    rate: Number,
    taker_fee: Number,
) -> Decimal:
    """Liquidation price of an isolated linear position; Gate's formula is the one of OKX.

    Source: freqtrade at c9ae5e1e, ``test_get_liquidation_price`` (10 at 5x: 8.0857 long,
    11.8741 short).
    """
    return okx.isolated_liquidation_price(side, quantity, entry_price, margin, rate, taker_fee)
