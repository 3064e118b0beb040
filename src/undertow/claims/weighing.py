"""Weighs the phrases that speak for a metric at a figure."""

from __future__ import annotations

from undertow.claims.metrics import WEIGHTS, Metric
from undertow.claims.quantities import Quantity
from undertow.claims.spot import Spot, nearness
from undertow.claims.units import PRICES, in_dollars

# Words that alone do not tell a fund that trades on an exchange.
ANY_FUNDS = ("fund", "funds", "products", "trusts", "issuers", "vehicles", "vehicle", "complex")
MOST_FORESEEN = 2e6  # dollars; nobody who is quoted foresees a higher price of a coin (assumed)
BEHIND = 0.85  # words behind a figure are as often about what follows (tuned on own articles)


def allows(metric: Metric, quantity: Quantity, kind: str, *, any_size: bool = False) -> bool:
    """Whether a metric takes the figure's unit and size; ``any_size``: however large it is."""
    if not _takes_unit(metric, quantity, kind) or "margin" in quantity.flags:
        return False
    if kind == "pct" and "words" in quantity.flags:  # "a third" is a share or a change
        return metric.name.endswith(("_share", "_change"))
    if "scale unclear" in quantity.flags:
        return metric.name not in PRICES
    if kind == "money" and metric.name in PRICES:  # "a target of $1,000,000"
        is_target = metric.name == "chart_level" and not quantity.has_scale
        return is_target and quantity.low <= MOST_FORESEEN
    low = 0.0 if kind == "coin" else max(metric.low, metric.low_usd if kind == "money" else 0.0)
    return low <= in_dollars(quantity) and (any_size or in_dollars(quantity) <= metric.high)


def _takes_unit(metric: Metric, quantity: Quantity, kind: str) -> bool:
    if kind == "coin":
        return "coin" in metric.units
    if kind == "bare":
        return "count" in metric.units or "index" in metric.units
    if kind in ("money", "price"):
        return "USD" in metric.units or quantity.unit in metric.units
    return quantity.unit in metric.units


def score_of(metric: Metric, spot: Spot) -> tuple[float, list[str]]:
    """The sum of the best phrase of each list, and the phrases that made it."""
    score, reasons = 0.0, []
    for tier in WEIGHTS:
        best, said = 0.0, ""
        for hit in spot.hits(f"{metric.name}/{tier}"):
            value = hit.phrase.weight
            if hit.figure is None:
                value *= nearness(spot.distance(hit))
                value *= BEHIND if hit.first > spot.index else 1.0
                if hit.first > spot.index and metric.name in ("chart_level", "average_cost"):
                    value *= 0.5  # "fell to $30,000 on bets that": what follows foresees nothing
            if abs(value) > abs(best):
                best, said = value, " ".join(hit.phrase.words)
        score += best
        if best:
            reasons.append(f"{said} {best:+.1f}")
    return score, reasons


def needs_bonus(metric: Metric, spot: Spot) -> float:
    """A metric that needs certain words says more than one that needs none."""
    return sum(
        nearness(min(spot.nearest(f"{metric.name}/needs/{n}"), 90.0))
        for n in range(len(metric.needs))
    )
