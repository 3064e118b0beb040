"""Shown and true: what a venue's public feed of liquidations lets through.

Trackers add up feeds. Some venues send at most one order per second and symbol, so what is
published is a lower bound, and the more so the faster a market falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from undertow.lab.scenario import Scenario
from undertow.lab.venue_setup import VenueSetup
from undertow.model.periods import SECOND_NS, time_ns


@dataclass(frozen=True)
class Feed:
    """A venue's rule from a day on; ``per_s`` orders per second and symbol, None for all."""

    venue: str
    since: str
    per_s: int | None
    source: str
    assumed: bool = False


FEEDS = (
    Feed("binance", "2021-04-27", 1,
         "developers.binance.com, Liquidation Order Streams: only the latest order within 1000 ms"),
    Feed("okx", "2021-04-27", 1,
         "docs-v5, liquidation orders channel: at most one per contract and second", True),
    Feed("bybit", "2019-01-01", 1, "docs v5, liquidation topic: at most one per second", True),
    Feed("bybit", "2025-02-26", None, "docs v5, allLiquidation topic: all liquidations", True),
    Feed("hyperliquid", "2023-01-01", None, "fills are public on chain: every one is seen"),
)  # fmt: skip


def feed_of(venue: str, at_ns: int) -> Feed:
    """The rule of a venue on a day; a venue whose rule nobody read is taken to show all.

    ``venue`` is the name in a rulebook: ``binance-usdm``.
    """
    known = [one for one in FEEDS if venue.startswith(one.venue) and time_ns(one.since) <= at_ns]
    return known[-1] if known else Feed(venue, "", None, "no rule was read", True)


def shown(
    frames: dict[str, pl.DataFrame], scenario: Scenario, step_s: float
) -> dict[str, pl.DataFrame]:
    """The table `liquidations` as public feeds would have told it.

    A feed with a limit lets through the latest orders of each second. A run whose steps are longer
    than a second has all orders of a step at one moment: then so many of the latest are let
    through as the step has seconds. Closings of winners by deleveraging are in no feed.
    """
    closed = frames.get("liquidations")
    if closed is None:
        return {}
    rules = {one.id: feed_of(one.rules, scenario.start_ns) for one in scenario.venues}
    baskets = {one.id: _baskets(one) for one in scenario.venues}
    parts = []
    for venue, some in closed.filter(pl.col("stage") != "adl").group_by(
        "venue", maintain_order=True
    ):
        name = str(venue[0])
        limit = rules[name].per_s if name in rules else None
        parts.append(throttled(some, limit, step_s, baskets.get(name)))
    return {"liquidations": pl.concat(parts).sort("ts", maintain_order=True)} if parts else {}


def _baskets(venue: VenueSetup) -> dict[str, int]:
    """How many coins a symbol stands for, where that is not one."""
    return {venue.symbols[asset]: count for asset, count in venue.stands_for.items()}


def throttled(
    closed: pl.DataFrame, per_s: int | None, step_s: float,
    baskets: Mapping[str, int] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """The orders of one venue that its feed lets through; all where ``per_s`` is None.

    ``baskets`` says of symbols that stand for several how many these are: each has a limit.
    """
    if per_s is None:
        return closed
    kept = max(1, round(per_s * max(1.0, step_s)))
    window_ns = max(SECOND_NS, int(step_s * SECOND_NS))
    second = pl.col("ts").cast(pl.Int64) // window_ns
    # Takeovers and orders of one account in one second are one order to the feed.
    orders = (
        closed.with_columns(second=second)
        .group_by("second", "symbol", "account", maintain_order=True)
        .agg(pl.exclude("quantity", "usd").last(), pl.col("quantity", "usd").sum())
    )
    from_last = pl.int_range(pl.len(), 0, -1).over("second", "symbol")
    times = pl.lit(1)
    for symbol, count in (baskets or {}).items():
        times = pl.when(pl.col("symbol") == symbol).then(count).otherwise(times)
    return orders.filter(from_last <= kept * times).select(closed.columns)
