"""Units of figures, in classes: figures of one class can be about the same thing."""

from __future__ import annotations

from undertow.claims.quantities import Quantity

PRICES = ("price", "average_cost", "chart_level")
# Units that are no coins; every other unit is one.
COINLESS = frozenset(["USD", "EUR", "GBP", "JPY", "KRW", "pct", "bps", "x", "", "count", "index"])
LEAST_SUM = 250_000  # dollars; no coin costs more, so that more is a sum (assumed)
_CLASSES = {"EUR": "money", "GBP": "money", "JPY": "money", "": "bare", "bps": "pct"}


def unit_class(quantity: Quantity) -> str:
    """``money``, ``price`` (a small sum in dollars), ``coin``, ``pct``, ``bare``, ``x``."""
    if quantity.unit not in COINLESS:
        return "coin"
    if quantity.unit == "USD":
        return "money" if quantity.low >= LEAST_SUM or quantity.has_scale else "price"
    return _CLASSES.get(quantity.unit, quantity.unit)
