"""The venues' ways to make one price of several, by the names that rules files use for them.

A method takes the index's rules and the live sources, each of a weight above 0 (at least one),
and returns what it made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from undertow.errors import UndertowError
from undertow.venues import methods
from undertow.venues.formulas.inputs import clamp
from undertow.venues.prices.index import Combined, Live
from undertow.venues.prices.market import weighted_median as weighted_median_of
from undertow.venues.rule_models import IndexRules

_ZERO = Decimal(0)


@methods.register("index", "weighted_mean")
def weighted_mean(rules: IndexRules, live: Sequence[Live]) -> Combined:
    """Mean by weight, without outliers.

    A source further than ``outlier_rate`` from the median of all live sources is an outlier. One
    outlier gets weight 0; for several, the rules may take the median of all live sources
    instead. Where they have a ``return_rate``, an outlier stays one until it is that near again.
    Source: Binance FAQ 547ba48141474ab3bddc5d7898f97928 (5 %, median for several); Bitget
    support 12560603824105 (5 %, back within 2 %); BitMEX indices (no outlier rule).
    """
    outliers = _outliers(rules, live)
    kept = [one for one in live if one.source not in outliers]
    if not kept or (len(outliers) > 1 and rules.several_outliers == "median_of_all"):
        return Combined(_middle(live), "median_of_all", {}, outliers)
    price = _mean(kept, [one.price for one in kept])
    return Combined(price, "weighted_mean", _shares(kept), outliers)


@methods.register("index", "capped_mean")
def capped_mean(rules: IndexRules, live: Sequence[Live]) -> Combined:
    """Mean by weight of prices that are moved to within ``outlier_rate`` of their median.

    Source: Deribit support 25944739377309 (0.5 %); OKX "Index Price Computation" (3 %, later
    2 %); HTX support 900003172923 (3 %: 500 to 504 and 518 give 504.59).
    """
    if rules.outlier_rate is None:
        raise UndertowError("no rule says index.outlier_rate; give it with rules.with_values")
    middle = _middle(live)
    low, high = middle * (1 - rules.outlier_rate), middle * (1 + rules.outlier_rate)
    moved = [clamp(one.price, low, high) for one in live]
    capped = frozenset(
        one.source for one, price in zip(live, moved, strict=True) if price != one.price
    )
    return Combined(_mean(live, moved), "capped_mean", _shares(live), capped=capped)


@methods.register("index", "weighted_median")
def weighted_median(rules: IndexRules, live: Sequence[Live]) -> Combined:
    """The price with half of the weight on either side (Hyperliquid docs, oracle)."""
    price = weighted_median_of([(one.price, one.weight) for one in live])
    return Combined(price, "weighted_median", {})


def _outliers(rules: IndexRules, live: Sequence[Live]) -> frozenset[str]:
    if rules.outlier_rate is None:
        return frozenset()
    middle = _middle(live)
    back = rules.outlier_rate if rules.return_rate is None else rules.return_rate
    return frozenset(
        one.source
        for one in live
        if abs(one.price - middle) > middle * (back if one.was_out else rules.outlier_rate)
    )


def _shares(live: Sequence[Live]) -> dict[str, Decimal]:
    total = sum((one.weight for one in live), _ZERO)
    return {one.source: one.weight / total for one in live}


def _middle(live: Sequence[Live]) -> Decimal:
    return median([one.price for one in live])


def _mean(live: Sequence[Live], prices: Sequence[Decimal]) -> Decimal:
    weights = [one.weight for one in live]
    products = (price * weight for price, weight in zip(prices, weights, strict=True))
    mean = sum(products, _ZERO) / sum(weights, _ZERO)
    # It lies between its prices; rounding at 28 digits may put it a hair outside.
    return clamp(mean, min(prices), max(prices))
