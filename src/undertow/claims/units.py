"""Units of figures, in classes: figures of one class can be about the same thing."""

from __future__ import annotations

from undertow.claims.quantities import Quantity

PRICES = ("price", "average_cost", "chart_level")
LEAST_SUM = 250_000  # dollars; no coin costs more, so that more is a sum (assumed)
_CLASSES = {"": "bare", "bps": "pct"}
# Rough rates of 2018-2026 (assumed): they only tell a sum from a price, and are never shown.
_PER_DOLLAR = {
    "USD": 1.0, "EUR": 0.9, "GBP": 0.8, "JPY": 130.0, "KRW": 1300.0, "INR": 80.0, "CNY": 7.0,
    "TRY": 20.0, "RUB": 80.0, "HKD": 7.8, "SGD": 1.35, "AUD": 1.4, "CAD": 1.3, "BRL": 5.0,
    "TWD": 30.0,
}  # fmt: skip
# Units that are no coins; every other unit is one.
COINLESS = frozenset([*_PER_DOLLAR, "pct", "bps", "x", "", "count", "index"])


def in_dollars(quantity: Quantity) -> float:
    """About how many dollars a sum is; the figure itself where its unit is no currency."""
    return quantity.low / _PER_DOLLAR.get(quantity.unit, 1.0)


def unit_class(quantity: Quantity) -> str:
    """``money``, ``price`` (a small sum in dollars), ``coin``, ``pct``, ``bare``, ``x``."""
    if quantity.unit not in COINLESS:
        return "coin"
    if "scale unclear" in quantity.flags:
        return "money"
    if quantity.unit in _PER_DOLLAR:
        is_sum = quantity.has_scale and quantity.unit == "USD"
        return "money" if is_sum or in_dollars(quantity) >= LEAST_SUM else "price"
    return _CLASSES.get(quantity.unit, quantity.unit)
