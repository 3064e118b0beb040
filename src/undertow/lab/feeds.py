"""Shown and true: what a venue's public feed of liquidations lets through.

Trackers add up feeds. Some venues send at most one order per second and symbol, so what is
published is a lower bound, and the more so the faster a market falls.

A run's accounts are a sample: few and large, each stands for many real ones. A limit on orders
must not count those few, but the real orders that so much money is. So dollars are divided by the
usual size of an order first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from undertow.lab.scenario import Scenario
from undertow.lab.venue_setup import VenueSetup
from undertow.model.periods import SECOND_NS, time_ns

# Mean dollars of an order in captures of Binance's stream of liquidations, 54 hours of August 2024,
# June and December 2025: of 75 orders of BTC, 81 of ETH, 89 of SOL, XRP, DOGE and BNB, and 3,789 of
# other coins (public repositories, no licence stated). The stream sends one order of a second,
# whatever its size, so that what it leaves out has the same mean. Few orders, and quiet hours.
ORDER_USD = {
    "BTC": 13_200.0, "ETH": 10_900.0, "SOL": 2_900.0, "XRP": 2_900.0, "DOGE": 2_900.0,
    "BNB": 2_900.0,
}  # fmt: skip
OTHER_ORDER_USD = 1_090.0
# An order of those captures was one of 3.6 in its minute and symbol. Where there are more, they are
# larger: their mean grows with their number to the power of SIZE_GROWTH. The captures give 0.27
# (0.08 to 0.45); 0.2 is what makes the law right in the median on published sums of venues beside
# Bybit's full feed, and on Bybit's own count of a day (docs/shown.md).
QUIET_PER_S = 0.06
SIZE_GROWTH = 0.2
# How unevenly a basket's closings fall on its coins: numbers of coins, by rank, and their share of
# open interest, of 489 perpetuals in USDT at Binance (mean of 21 to 27 October 2025, Coinalyze, as
# smoothbrainquant/trading-for-new-dads @ ca5c8252b300 keeps it; no licence stated). In a quiet
# hour a feed shows as much of them as of `EVEN` equal coins, in a rush of four times as many: then
# the small ones, too, have an order in every second.
UNEVEN = (
    (1, 0.0503), (1, 0.0413), (2, 0.0677), (4, 0.1052), (8, 0.0884), (16, 0.1161), (32, 0.1501),
    (64, 0.1443), (128, 0.1383), (233, 0.0983),
)  # fmt: skip
EVEN = 100
# Those whom a sampled account stands for are closed within so many seconds, or the step where that
# is longer, evenly (assumed; real ones come in bursts, see docs/shown.md).
SPREAD_S = 60.0


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
         "K33 Research, August 2024: at most one order per second and contract; the day it began"
         " was not read", True),
    Feed("bybit", "2021-09-01", 1,
         "docs v5, liquidation topic: at most one order per second and symbol; K33 Research: since"
         " September 2021"),
    Feed("bybit", "2025-02-26", None,
         "docs v5, allLiquidation topic: all liquidations, every 500 ms; the day is assumed", True),
    Feed("hyperliquid", "2023-01-01", None, "fills are public on chain: every one is seen"),
    Feed("bitget", "2021-01-01", None,
         "no tracker lists Bitget; in a run it stands for the full feeds of HTX, Gate, CoinEx and"
         " BitMEX, which have a fifth of published sums (docs/shown.md)", True),
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

    Where a feed has a limit, each row is the part of that closing which it lets through. Closings
    of winners by deleveraging are in no feed.
    """
    closed = frames.get("liquidations")
    if closed is None:
        return {}
    symbols = {one.id: orders_by_symbol(one, scenario) for one in scenario.venues}
    parts = [
        throttled(some, symbols.get(str(name[0]), {}), step_s)
        for name, some in closed.filter(pl.col("stage") != "adl").group_by(
            "venue", maintain_order=True
        )
    ]
    return {"liquidations": pl.concat(parts).sort("ts", maintain_order=True)} if parts else {}


@dataclass(frozen=True)
class Orders:
    """How the real orders of a symbol reach the public.

    Attributes
    ----------
    usd
        Mean size of one.
    coins
        Numbers of coins and the share of the closings that they have together, evenly; each coin
        has its own limit.
    feeds
        Share of the closings and limit (None for all) of each feed that tells of them.
    """

    usd: float = OTHER_ORDER_USD
    coins: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    feeds: tuple[tuple[float, int | None], ...] = ((1.0, None),)


def basket_of(count: int) -> tuple[tuple[float, float], ...]:
    """The coins of a symbol that stands for several: as uneven as those at Binance.

    Parameters
    ----------
    count
        Equal coins of which a feed shows as much in a quiet hour; 1 is a coin of its own.
    """
    if count == 1:
        return ((1.0, 1.0),)
    return tuple((number * count / EVEN, share) for number, share in UNEVEN)


def orders_by_symbol(venue: VenueSetup, scenario: Scenario) -> dict[str, Orders]:
    """What the orders of a venue's symbols are like.

    A coin that some venues of the run do not list is held, for them too, by the one with most of
    it, and so is a basket (see the notes at open interest in the scenarios). Of its closings so
    much goes to their feeds as they have of Bitcoin's open interest, or of the first asset that
    all list.
    """
    crowd = {name for one in scenario.agents if one.kind == "crowd" for name in one.venues or ()}
    others = [one for one in scenario.venues if one.id in crowd and one.id != venue.id]
    common = [name for name in venue.symbols if all(name in one.symbols for one in others)]
    found = {}
    for asset, symbol in venue.symbols.items():
        absent = [one for one in others if asset not in one.symbols]
        here = _open_usd(venue, asset)
        carries = all(here >= _open_usd(one, asset) for one in others)
        if not carries or not common:
            absent = []
        told = [venue, *absent]
        weight = [_open_usd(one, common[0]) for one in told] if absent else [1.0]
        feeds = tuple(
            (part / sum(weight), feed_of(one.rules, scenario.start_ns).per_s)
            for part, one in zip(weight, told, strict=True)
        )
        size = ORDER_USD.get(asset, OTHER_ORDER_USD)
        found[symbol] = Orders(size, basket_of(venue.stands_for.get(asset, 1)), feeds)
    return found


def _open_usd(venue: VenueSetup, asset: str) -> float:
    known = venue.open_interest_usd.get(asset)
    return known.value if known else 0.0


def throttled(closed: pl.DataFrame, sizes: Mapping[str, Orders], step_s: float) -> pl.DataFrame:
    """What public feeds let through of each closing at one venue.

    Real orders come at random moments of a window (`SPREAD_S`, or the step). With ``n`` orders in
    a second on average, one is seen wherever there is any, which is so with a chance of
    ``1 - exp(-n)``: the share ``(1 - exp(-n)) / n`` of them. There are as many orders as the
    dollars are of a usual size (`orders_per_s`), and at least as many as the sample's accounts.

    Parameters
    ----------
    sizes
        By symbol; of one that is not in it everything is let through.

    Returns
    -------
    polars.DataFrame
        The same rows, with ``quantity`` and ``usd`` cut to what is shown.
    """
    window_s = max(SPREAD_S, step_s)
    window = pl.col("ts").cast(pl.Int64) // int(window_s * SECOND_NS)
    timed = closed.with_columns(
        _usd_per_s=pl.col("usd").sum().over(window, "symbol") / window_s,
        _accounts_per_s=pl.col("account").n_unique().over(window, "symbol") / window_s,
    )
    parts = []
    for name, some in timed.group_by("symbol", maintain_order=True):
        one = sizes.get(str(name[0]), Orders())
        share = pl.lit(0.0)
        for part, per_s in one.feeds:
            if per_s is None:
                share += part
                continue
            for number, held in one.coins:
                split = part * held / (number * per_s)
                crowding = pl.max_horizontal(
                    orders_per_s(pl.col("_usd_per_s") * split, one.usd),
                    pl.col("_accounts_per_s") * split,
                )
                share += part * held * (1 - (-crowding).exp()) / crowding
        parts.append(some.with_columns(pl.col("quantity", "usd") * share).drop(r"^_.*$"))
    return pl.concat(parts) if parts else closed


def orders_per_s(usd_per_s: pl.Expr, quiet_usd: float) -> pl.Expr:
    """How many orders a second so many dollars a second are, of one symbol at one venue.

    Parameters
    ----------
    usd_per_s
        Dollars closed by force a second.
    quiet_usd
        Mean size of an order up to `QUIET_PER_S` of them; above, with ``n`` a second, it is that
        times ``(n / QUIET_PER_S) ** SIZE_GROWTH``.
    """
    quiet = usd_per_s / quiet_usd
    busy = QUIET_PER_S * (quiet / QUIET_PER_S) ** (1 / (1 + SIZE_GROWTH))
    return pl.when(quiet > QUIET_PER_S).then(busy).otherwise(quiet)
