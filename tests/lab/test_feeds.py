"""Forced closings on a run's tape, and what public feeds would have shown of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from undertow.kernels.exchange_arrays import EVENT
from undertow.lab.feeds import (
    QUIET_PER_S,
    SIZE_GROWTH,
    Orders,
    basket_of,
    feed_of,
    orders_by_symbol,
    shown,
    throttled,
)
from undertow.lab.forced import frames
from undertow.lab.run import Run
from undertow.lab.scenario import from_content, load
from undertow.model import codes
from undertow.model.codes import BUY, SELL
from undertow.model.periods import SECOND_NS, time_ns
from undertow.testing import small_place, small_world

from .gaps import liquidated, on_path

CUSTOMER = codes.FIRST_CUSTOMER
# Nobody gets out in time, so that it is not left to a few dice who is closed.
ALL_LATE = {"agent.crowd.settings.late_share": "1"}
FALL = [100_000.0] * 2 + [100_000.0 * (1 - 0.02 * minute) for minute in range(1, 7)]


def orders(*rows: tuple[float, str, int, float]) -> pl.DataFrame:
    """Closings as (second, symbol, account, dollars)."""
    return pl.DataFrame(
        [{"ts": int(second * SECOND_NS), "venue": "binance-usdm", "symbol": symbol, "side": "long",
          "price": 100.0, "quantity": usd / 100, "usd": usd, "stage": "full", "account": account}
         for second, symbol, account, usd in rows]
    ).with_columns(pl.col("ts").cast(pl.Datetime("ns", "UTC")))  # fmt: skip


ONE = Orders(10.0, ((1.0, 1.0),), ((1.0, 1),))  # orders of ten dollars, one a second is sent


def law(orders_per_s: float) -> float:
    """The share that a feed with one order a second shows of so many of a usual size."""
    more = max(orders_per_s / QUIET_PER_S, 1.0) ** (1 / (1 + SIZE_GROWTH))
    fewer = min(orders_per_s, QUIET_PER_S) * more
    return float((1 - np.exp(-fewer)) / fewer)


def share(usd: float, sizes: Orders = ONE, step_s: float = 1.0, accounts: int = 1) -> float:
    """What is shown of so many dollars of Bitcoin, closed at one moment."""
    closed = orders(*[(0.0, "BTC", number, usd / accounts) for number in range(accounts)])
    seen = throttled(closed, {"BTC": sizes}, step_s)
    assert seen.drop("usd", "quantity").equals(closed.drop("usd", "quantity"))
    assert seen["quantity"].to_list() == pytest.approx((seen["usd"] / 100).to_list())
    return float(seen["usd"].sum()) / usd


def test_a_feed_shows_nearly_all_of_little_and_little_of_much() -> None:
    # Of three orders in a minute nearly each is alone in its second; of sixty many are not.
    assert share(30.0) == pytest.approx((1 - np.exp(-0.05)) / 0.05)
    assert share(600.0) == pytest.approx(law(1.0))
    assert share(60_000.0) == pytest.approx(law(100.0))
    assert 0.97 < share(30.0) < 1 and share(60_000.0) < 0.05


def test_orders_grow_with_their_number() -> None:
    """Ten times the dollars are less than ten times the orders: more is shown than one a second."""
    lone, many = share(6_000.0) * 6_000, share(60_000.0) * 60_000
    assert many / lone == pytest.approx(law(100.0) * 100 / (law(10.0) * 10))
    assert 1.3 < many / lone < 2


def test_a_long_step_shows_as_many_orders_as_it_has_seconds() -> None:
    assert share(1500.0, step_s=150.0) == pytest.approx(law(1.0))


def test_many_small_accounts_are_at_least_as_many_orders() -> None:
    assert share(60.0, accounts=60) == pytest.approx(1 - np.exp(-1))


def test_coins_of_a_basket_have_limits_of_their_own() -> None:
    assert share(6000.0, Orders(10.0, ((10.0, 1.0),), ((1.0, 1),))) == pytest.approx(law(1.0))


def test_a_rush_reaches_the_small_coins_of_a_basket() -> None:
    """As much is shown as of a hundred equal coins in quiet hours, of four hundred in a rush."""

    def equal_coins(usd: float) -> float:
        aim = share(usd, Orders(10.0, basket_of(100), ((1.0, 1),)))
        tried = range(50, 490, 10)
        gaps = [
            abs(share(usd, Orders(10.0, ((float(count), 1.0),), ((1.0, 1),))) - aim)
            for count in tried
        ]
        return tried[int(np.argmin(gaps))]

    assert sum(part for _, part in basket_of(100)) == pytest.approx(1.0)
    assert 80 <= equal_coins(3e4) <= 110
    assert 350 <= equal_coins(1e7) <= 450
    # Half as many coins, spread alike, at half the pace.
    half = share(1.5e5, Orders(10.0, basket_of(50), ((1.0, 1),)))
    assert half == pytest.approx(share(3e5, Orders(10.0, basket_of(100), ((1.0, 1),))))
    assert basket_of(1) == Orders().coins


def test_what_stands_for_two_venues_is_told_by_two_feeds() -> None:
    both = Orders(10.0, ((1.0, 1.0),), ((0.25, None), (0.75, 1)))
    assert share(800.0, both) == pytest.approx(0.25 + 0.75 * law(1.0))


def test_without_a_limit_all_is_shown() -> None:
    closed = orders((0.0, "BTC", 1, 10), (0.4, "ETH", 2, 20))
    assert throttled(closed, {}, 1.0).equals(closed)
    assert throttled(closed, {"BTC": Orders(), "ETH": Orders()}, 1.0)["usd"].to_list() == [10, 20]


def test_symbols_and_moments_are_told_apart() -> None:
    closed = orders((0.0, "BTC", 1, 600), (0.0, "ETH", 1, 10), (60.0, "BTC", 2, 10))
    seen = throttled(closed, {"BTC": ONE, "ETH": ONE}, 1.0).sort("usd")["usd"].to_list()
    assert seen == pytest.approx([9.92, 9.92, 600 * law(1.0)], rel=1e-3)


def test_coins_that_few_venues_list_are_told_by_the_feeds_of_all() -> None:
    content = copy.deepcopy(load("2025-10-10").content)
    for venue in content["venue"]:
        for coin, lists in (("XRP", ["binance-usdm"]), ("DOGE", ["binance-usdm", "hyperliquid"])):
            for table in ("symbols", "contract_from", "coin_leverage", "open_interest_usd",
                          "depth_usd"):  # fmt: skip
                if venue["id"] not in lists:
                    venue.get(table, {}).pop(coin, None)
    scenario = from_content(content, "fewer")
    by_venue = {one.id: orders_by_symbol(one, scenario) for one in scenario.venues}
    binance = by_venue["binance-usdm"]
    assert binance["BTCUSDT"].feeds == ((1.0, 1),)
    # XRP is listed at Binance alone, DOGE at Hyperliquid too, with less open interest.
    assert [limit for _, limit in binance["XRPUSDT"].feeds] == [1, None, 1, None, None]
    assert [limit for _, limit in binance["DOGEUSDT"].feeds] == [1, None, 1, None]
    assert sum(part for part, _ in binance["XRPUSDT"].feeds) == pytest.approx(1.0)
    assert by_venue["hyperliquid"]["DOGE"].feeds == ((1.0, None),)
    # A basket is what each venue lists of small coins, and nobody else's.
    basket = binance["1000PEPEUSDT"]
    assert (basket.coins, basket.feeds) == (basket_of(100), ((1.0, 1),))


def test_feeds_by_day() -> None:
    assert feed_of("bybit", time_ns("2021-05-19T00:00:00Z")).per_s is None
    assert feed_of("bybit", time_ns("2025-02-25T00:00:00Z")).per_s == 1
    assert feed_of("bybit", time_ns("2025-02-27T00:00:00Z")).per_s is None
    assert feed_of("binance-usdm", time_ns("2025-11-03T00:00:00Z")).per_s == 1
    unknown = feed_of("nobody", time_ns("2025-11-03T00:00:00Z"))
    assert (unknown.per_s, unknown.assumed) == (None, True)


def test_deleveraged_winners_are_in_no_feed() -> None:
    closed = orders((0.0, "BTCUSDT", 1, 10), (3.0, "BTCUSDT", 2, 20)).with_columns(
        stage=pl.Series(["full", "adl"])
    )
    through = shown({"liquidations": closed}, load("gap"), 1.0)
    assert through["liquidations"]["account"].to_list() == [1]
    assert through["liquidations"]["usd"].to_list() == pytest.approx([10], rel=0.01)
    assert shown({}, load("gap"), 1.0) == {}


def event(kind: int, side: int, lots: int, ticks: int, **more: int) -> np.ndarray:
    row = np.zeros(1, EVENT)
    row["kind"], row["side"], row["quantity_lots"], row["price_ticks"] = kind, side, lots, ticks
    for name, value in more.items():
        row[name] = value
    return row


def told(*events: np.ndarray) -> list[dict[str, Any]]:
    """Closings at the first leveraged venue of a small world, all at its start."""
    world = small_world([], small_place(), 0)
    world.markets[1].forced.append(np.concatenate(events))
    world.markets[1].forced_ns.append(world.setup.place.start_ns)
    found = frames(world.markets, world.setup.place, 60 * SECOND_NS)
    assert found["accounts"]["liquidated"].to_list() == [1]
    rows = found["liquidations"]
    assert rows["venue"].unique().to_list() == ["one"]
    assert rows["symbol"].unique().to_list() == ["BTCUSDT"]
    return rows.to_dicts()


def test_a_long_is_sold_in_two_trades_and_the_rest_is_taken_over() -> None:
    judged = event(codes.LIQUIDATION, 0, 0, 0, account=CUSTOMER)
    market = small_world([], small_place(), 0).markets[1].listings
    first = event(codes.FILL, SELL, 100, 1_000_000, account=CUSTOMER, leaves_lots=300)
    second = event(codes.FILL, SELL, 300, 990_000, account=CUSTOMER, leaves_lots=50)
    rest = event(codes.TAKEOVER, BUY, 50, 980_000, account=CUSTOMER)
    sold, taken = told(judged, first, second, rest)
    assert (sold["side"], sold["stage"], sold["account"]) == ("long", "partial", CUSTOMER)
    assert sold["price"] == pytest.approx(992_500 * market.tick[0])
    assert sold["quantity"] == pytest.approx(400 * market.lot[0])
    assert sold["usd"] == pytest.approx(sold["price"] * sold["quantity"])
    assert (taken["side"], taken["stage"]) == ("long", "takeover")
    assert taken["price"] == pytest.approx(980_000 * market.tick[0])


def test_the_deleveraged_are_the_winners_on_the_other_side() -> None:
    judged = event(codes.LIQUIDATION, 0, 0, 0, account=CUSTOMER)
    by_fund = event(
        codes.DELEVERAGED, BUY, 70, 980_000, account=codes.FUND, maker_account=CUSTOMER + 5
    )
    (row,) = told(judged, by_fund)
    assert (row["side"], row["stage"], row["account"]) == ("short", "adl", CUSTOMER + 5)
    straight = event(
        codes.DELEVERAGED, SELL, 70, 980_000, account=CUSTOMER, maker_account=CUSTOMER + 5
    )
    both = [(row["side"], row["stage"], row["account"]) for row in told(judged, straight)]
    assert both == [("long", "adl", CUSTOMER + 5), ("short", "takeover", CUSTOMER)]


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return on_path(tmp_path_factory.mktemp("fall"), FALL, ALL_LATE)


def test_a_fall_closes_longs_and_the_feed_shows_no_more_than_that(fall: Run) -> None:
    true, seen = liquidated(fall), fall.shown.table("liquidations").collect()
    assert set(true["side"].cast(pl.String)) == {"long"}
    assert 0 < seen["usd"].sum() <= true["usd"].sum()
    counted = fall.tape.table("accounts").collect()["liquidated"].sum()
    assert counted >= true["account"].n_unique() > 5


def test_with_less_leverage_it_takes_a_deeper_fall(fall: Run, tmp_path: Path) -> None:
    """At five times, nobody is within the fall of 12 %."""
    capped = on_path(tmp_path, FALL, {**ALL_LATE, "max_leverage": "20x"})
    low = on_path(tmp_path, FALL, {**ALL_LATE, "max_leverage": "5x"})
    assert liquidated(low).height == 0
    first = [int(liquidated(run)["ts"].cast(pl.Int64).to_numpy().min()) for run in (fall, capped)]
    assert first[0] < first[1]


def test_without_a_fund_winners_pay(fall: Run, tmp_path: Path) -> None:
    assert liquidated(fall, "adl").height == 0
    winners = liquidated(on_path(tmp_path, FALL, {**ALL_LATE, "insurance_fund": "0"}), "adl")
    assert winners["usd"].sum() > 0
    assert set(winners["side"].cast(pl.String)) == {"short"}
    assert (winners["account"] >= CUSTOMER).all()
