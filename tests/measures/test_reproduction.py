"""The waterfall's closed forms, R from map and impact, and the full venue on a static book."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.sequences import Judged
from undertow.errors import UndertowError
from undertow.measures.cascade import Triggers, cascade, cascade_together
from undertow.measures.impact import DepthCurve, Interval
from undertow.measures.liquidation_profile import LiquidationProfile
from undertow.measures.reproduction import (
    NOT_IDENTIFIABLE,
    AssetState,
    ImpactInterval,
    Reproduction,
    reproduction,
    verdict,
)
from undertow.model import codes
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command

KNOWN = Interval.exactly


# The waterfall, by hand.


def test_one_position_in_a_linear_book() -> None:
    # 10 per 1 % of 100: a sale of 50 moves it to 95, the position of 30 below that to 92.
    depth = DepthCurve.linear(10.0, band=0.01)
    found = cascade(Triggers.of(100.0, [95.0], [30.0]), depth, sold_usd=[49.9, 50.0])
    assert found.price == pytest.approx([95.01, 92.0])
    assert found.sold_usd.tolist() == [49.9, 80.0]
    assert found.forced_usd.tolist() == [0.0, 30.0]
    assert (found.closed.tolist(), found.rounds.tolist()) == ([0, 1], [0, 1])


def test_a_chain_of_three_rounds_and_its_end() -> None:
    depth = DepthCurve.linear(10.0, band=0.01)
    chain = Triggers.of(100.0, [80.0, 94.0, 97.0, 90.0], [99.0, 40.0, 30.0, 20.0])
    found = cascade(chain, depth, sold_usd=30.0)  # 97, 94, 90, 88
    assert (found.price[0], found.closed[0], found.rounds[0]) == (pytest.approx(88.0), 3, 3)


def test_what_is_closed_without_the_market_adds_no_flow() -> None:
    depth = DepthCurve.linear(10.0, band=0.01)
    chain = Triggers.of(100.0, [97.0, 94.0], [30.0, 40.0])
    found = cascade(chain, depth, sold_usd=30.0, market_share=[0.0, 0.5, 1.0])
    assert found.forced_usd.tolist() == [30.0, 30.0, 70.0]
    assert found.sold_usd.tolist() == [30.0, 45.0, 100.0]


def test_a_gap_triggers_without_a_sale_and_an_empty_book_ends_at_zero() -> None:
    depth = DepthCurve.linear(10.0, band=0.01)
    found = cascade(Triggers.of(100.0, [95.0], [5000.0]), depth, gap=[0.04, 0.05])
    assert found.price.tolist() == [96.0, 0.0]


@pytest.mark.parametrize("law", ["exponential", "linear"])
def test_depth_within_a_band_means_that_it_takes_as_much_to_fall_by_the_band(law: str) -> None:
    depth = DepthCurve.by_law(law, 7e6, band=0.02)
    assert depth.fall(7e6) == pytest.approx(0.02)


def test_published_depth_and_the_square_root_law() -> None:
    table = DepthCurve.table([0.01, 0.02, 0.04], [10.0, 30.0, 50.0])
    assert [table.fall(usd) for usd in (0.0, 5.0, 20.0, 40.0)] == pytest.approx(
        [0.0, 0.005, 0.015, 0.03]
    )
    assert table.fall(100.0) == pytest.approx(0.09)  # 0.02 per 20 goes on
    assert DepthCurve.square_root(0.03, 4e8).fall(1e8) == pytest.approx(0.015)


curves = st.one_of(
    st.builds(DepthCurve.exponential, st.floats(1, 1e6), band=st.floats(0.001, 0.5)),
    st.builds(DepthCurve.linear, st.floats(1, 1e6), band=st.floats(0.001, 0.5)),
    st.builds(DepthCurve.square_root, st.floats(0.001, 0.2), st.floats(1, 1e6)),
    st.just(DepthCurve.table([0.01, 0.02, 0.05, 0.5], [10, 15, 100, 101])),
)


@given(curves, st.floats(0.001, 0.6))
def test_the_sale_for_a_fall_makes_that_fall(curve: DepthCurve, fall: float) -> None:
    assert curve.fall(curve.sale_for(fall)) == pytest.approx(fall)


maps = st.lists(st.tuples(st.floats(1, 99), st.floats(0, 1e5)), min_size=1, max_size=30)


@settings(max_examples=50)
@given(maps, curves, st.floats(0, 1e6))
def test_more_depth_less_selling_and_a_smaller_gap_never_make_it_worse(
    rows: list[tuple[float, float]], curve: DepthCurve, sold: float
) -> None:
    triggers = Triggers.of(100.0, *zip(*rows, strict=True))
    for found in (
        cascade(triggers, curve, sold_usd=sold, depth_multiplier=[0.5, 0.9, 1, 2, 10]),
        cascade(triggers, curve, sold_usd=sold * np.array([1, 0.7, 0.3, 0.1, 0])),
        cascade(triggers, curve, sold_usd=sold, gap=[0.5, 0.3, 0.1, 0.01, 0]),
        cascade(triggers, curve, sold_usd=sold, market_share=[1, 0.9, 0.5, 0.2, 0]),
    ):
        assert (np.diff(found.price) >= 0).all()
        assert (np.diff(found.forced_usd) <= 0).all()


def even_map(density: float, *, bins: int = 20_000, reach: float = 4.0) -> LiquidationProfile:
    """So much USD per unit of the price's logarithm, from 100 down."""
    logs = np.linspace(-reach, 0, bins + 1)
    middle = 100.0 * np.exp((logs[1:] + logs[:-1]) / 2)
    return LiquidationProfile.of(middle, np.full(bins, density * reach / bins))


@pytest.mark.parametrize("expected", [0.1, 0.5, 0.9])
def test_below_one_the_waterfall_is_the_geometric_sum_of_r(expected: float) -> None:
    depth = DepthCurve.exponential(1000.0, band=0.01)
    flat = even_map(expected * depth.curve.depth)
    state = AssetState(100.0, flat, ImpactInterval(depth, depth, depth))
    found = reproduction({"BTC": state}, tau="0s", falls=[0.05])
    assert found.middle[0] == pytest.approx(expected)
    # Volumes at the starting price, so that equal ones lie in equal steps of the logarithm.
    triggers = Triggers.of(100.0, flat.prices, flat.middle)
    sale = depth.sale_for(0.01)
    ended = cascade(triggers, depth, sold_usd=sale)
    assert ended.sold_usd[0] == pytest.approx(sale / (1 - expected), rel=0.01)


def test_above_one_everything_is_closed() -> None:
    depth = DepthCurve.exponential(1000.0, band=0.01)
    flat = even_map(1.01 * depth.curve.depth)
    found = cascade(Triggers.of(100.0, flat.prices, flat.middle), depth, sold_usd=100.0)
    assert found.closed[0] == len(flat.prices)


def test_two_assets_that_pull_each_other_down() -> None:
    # Each alone has R = 0.4; a dollar sold in one moves the other half as much: K = 0.4 and 0.2.
    depth = DepthCurve.exponential(1000.0, band=0.01)
    flat = even_map(0.4 * depth.curve.depth)
    state = AssetState(100.0, flat, ImpactInterval(depth, depth, depth))
    half = KNOWN(0.5)
    found = reproduction(
        {"BTC": state, "ETH": state}, tau="0s", falls=[0.02],
        cross={("BTC", "ETH"): half, ("ETH", "BTC"): half},
    )  # fmt: skip
    assert found.middle[0] == pytest.approx(0.6)
    triggers, sale = Triggers.of(100.0, flat.prices, flat.middle), depth.sale_for(0.01)
    cross = [[1.0, 0.5], [0.5, 1.0]]
    ended = cascade_together([triggers] * 2, [depth] * 2, cross, sold_usd=[sale, 0.0])
    # (I - K)^-1 of (sale, 0), with K = 0.4 and 0.2: 0.6 and 0.2 over 0.32.
    assert ended.sold_usd[0] / sale == pytest.approx([0.6 / 0.32, 0.2 / 0.32], rel=0.02)


# R and what may be said of it.


def state(**more: Any) -> AssetState:
    values = {
        "price": 100.0,
        "profile": even_map(5e6),
        "impact": ImpactInterval.of_depth(KNOWN(100_000.0), band=0.01, law="linear"),
    }
    return AssetState(**(values | more))


def r_of(asset: AssetState) -> Interval:
    return reproduction({"BTC": asset}, tau="5m", falls=[0.1]).at(0)


def test_r_is_density_times_impact_times_what_passes_on() -> None:
    # 5 million per unit of the logarithm, over 10 million per unit of fall.
    assert r_of(state()) == pytest.approx((0.5,) * 3)
    asset = state(refill=KNOWN(0.2), market_share=KNOWN(0.5), mark_follows=KNOWN(0.9))
    assert r_of(asset) == pytest.approx((0.5 * 0.8 * 0.5 * 0.9,) * 3)


def test_every_uncertainty_widens_the_interval_on_its_own_side() -> None:
    prices = even_map(5e6).prices
    usd = even_map(5e6).middle
    asset = state(
        profile=LiquidationProfile.of(prices, usd, low_usd=usd / 2, high_usd=usd * 2),
        impact=ImpactInterval.of_depth(Interval(50_000, 100_000, 400_000), band=0.01, law="linear"),
        refill=Interval(0.0, 0.2, 0.5), market_share=Interval(0.4, 0.8, 1.0),
        mark_follows=Interval(0.5, 0.9, 1.0),
    )  # fmt: skip
    low, middle, high = r_of(asset)
    assert low == pytest.approx(0.25 / 4 * 0.5 * 0.4 * 0.5)
    assert middle == pytest.approx(0.5 * 0.8 * 0.8 * 0.9)
    assert high == pytest.approx(1.0 * 2)
    assert verdict(Interval(low, middle, high)) == NOT_IDENTIFIABLE


def test_the_square_root_law_needs_a_size_and_gives_the_mean_impact_of_that_sale() -> None:
    impact = ImpactInterval.square_root(KNOWN(0.03), Interval(1e8, 4e8, 4e8))
    with pytest.raises(UndertowError, match="sale_usd"):
        r_of(state(impact=impact))
    # 1e6 of 4e8 at 3 % moves it by 0.15 %: 1.5e-9 a dollar.
    assert r_of(state(impact=impact, sale_usd=1e6)) == pytest.approx((0.0075, 0.0075, 0.015))


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.01, 0.1, 0.49), "R below 0.5"),
        ((0.6, 0.7, 0.9), "R from 0.5 to 1"),
        ((1.0, 2.0, 9.0), "R above 1"),
        ((0.4, 0.6, 0.8), "R below 0.5 or from 0.5 to 1"),
        ((0.8, 1.0, 1.2), "R from 0.5 to 1 or above 1"),
        ((0.1, 0.3, 0.6), NOT_IDENTIFIABLE),
        ((0.4, 0.7, 1.1), NOT_IDENTIFIABLE),
        ((0.03, 0.5, 6.0), NOT_IDENTIFIABLE),  # as on 4 November 2025, by depth and law
        ((-np.inf, 0.1, 0.2), NOT_IDENTIFIABLE),
    ],
)
def test_what_an_interval_says(interval: tuple[float, float, float], said: str) -> None:
    assert verdict(Interval(*interval)) == said


def test_r_follows_the_map_along_the_fall_and_its_zones_are_stretches() -> None:
    # Nobody down to 90, much from 90 to 80, little below.
    prices = np.arange(60.25, 100, 0.5)
    usd = np.where(prices > 90, 0.0, np.where(prices > 80, 80_000.0, 5_000.0))
    found = reproduction(
        {"BTC": state(profile=LiquidationProfile.of(prices, usd))}, tau="5m",
        falls=np.linspace(0, 0.3, 31),
    )  # fmt: skip
    assert [said for _, _, said in found.zones] == ["R below 0.5", "R above 1", "R below 0.5"]
    start, end, _ = found.zones[1]
    assert (start, end) == pytest.approx((0.1, 0.19))
    assert found.frame["verdict"].to_list() == list(found.verdicts)
    assert found.frame.filter(found.frame["middle"] > 1)["price"].to_list() == pytest.approx(
        np.arange(90, 80, -1)
    )
    assert "R above 1 (tau 5m, linear impact, map averaged over 1.0%)" in found.text


def test_a_leverage_map_keeps_its_empty_bins_and_its_band() -> None:
    bins = np.array([0, 1, 5])
    frame = pl.DataFrame(
        {"price": 90 * np.exp(0.01 * bins), "long_usd": [10.0, 20.0, 30.0], "short_usd": 1.0,
         "long_usd_low": [5.0, 20.0, 30.0], "long_usd_high": [40.0, 20.0, 30.0]}
    )  # fmt: skip
    profile = LiquidationProfile.of_map(frame)
    assert profile.middle.tolist() == [10, 20, 0, 0, 0, 30]
    assert profile.low.sum() == 55
    price = 90 * np.exp(0.01 * np.array([0.5, 3.5]))
    bound = {"window": 1 - np.exp(-0.01)}
    assert profile.density(price, **bound) == pytest.approx([1000, 0])
    assert profile.density(price, bound="high", **bound) == pytest.approx([4000, 0])
    with pytest.raises(UndertowError, match="long_usd_low"):
        LiquidationProfile.of_map(frame.drop("long_usd_low"))


def test_other_assets_stand_where_their_beta_puts_them() -> None:
    found: Reproduction = reproduction(
        {"BTC": state(), "DOGE": state(price=0.2, beta=2.0)}, tau="5m", falls=[0.1]
    )
    assert found.prices[0] == pytest.approx([90.0, 0.2 * 0.81])
    assert found.low[0] == pytest.approx(0.5)  # nobody is left below 0.2 on a map from 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"falls": [1.0]}, "falls from 0"),
        ({"window": 0.0}, "window"),
        ({"cross": {("BTC", "ETHH"): KNOWN(0.5)}}, "no asset 'ETHH'"),
        ({"cross": {("BTC", "BTC"): Interval(2, 1, 3)}}, "low <= middle <= high"),
        ({"assets": {"BTC": state(refill=KNOWN(1.1))}}, "BTC: refill"),
        ({"assets": {"BTC": state(price=-1.0)}}, "BTC: expected a price"),
    ],
)
def test_what_makes_no_r_is_refused(arguments: dict[str, Any], said: str) -> None:
    values = {"assets": {"BTC": state()}, "tau": "5m", "falls": [0.1]}
    with pytest.raises(UndertowError, match=said):
        reproduction(**(values | arguments))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DepthCurve.linear(0.0, band=0.01), "depth"),
        (lambda: DepthCurve.linear(1.0, band=1.0), "band"),
        (lambda: DepthCurve.by_law("linaer", 1.0, band=0.1), "did you mean 'linear'"),
        (lambda: DepthCurve.table([0.02, 0.01], [1, 2]), "rise"),
        (lambda: DepthCurve.table([0.01], [1, 2]), "a volume per band"),
        (lambda: DepthCurve.square_root(0.0, 1.0), "volatility"),
        (lambda: LiquidationProfile.of([2.0, 1.0], [1, 1]), "must rise"),
        (lambda: LiquidationProfile.of([1.0, 2.0], [1, 1], low_usd=[2, 1]), "the map at 1"),
        (lambda: LiquidationProfile.of([1.0, 2.0], [1]), "as many volumes"),
    ],
)
def test_what_makes_no_curve_and_no_map_is_refused(make: Any, said: str) -> None:
    with pytest.raises(UndertowError, match=said):
        make()


# The full venue, where nobody refills the book.

CASH = 10**6
FIRST = codes.FIRST_CUSTOMER
MAKER, SHORT, SELLER = FIRST, FIRST + 1, FIRST + 2
START, LOTS_PER_TICK = 1000, 20


class StaticVenue:
    """Longs on a venue with bids at every tick; the mark is the last price."""

    def __init__(self, leverages: list[int], lots: list[int], bids_down_to: int) -> None:
        contract = Contract(units=CASH, tiers=(Tier(0, 10_000, 0, 50),))
        rules = Rules(default_leverage=50, bounded_by_bankruptcy=False)
        self.judged = Judged((contract,), rules, FIRST + 3 + len(leverages))
        self.next_id = 1
        for account in (codes.FUND, MAKER, SHORT, SELLER):
            self.fund(account, 10**9)
        self.mark(START)
        for place, (leverage, size) in enumerate(zip(leverages, lots, strict=True)):
            self.fund(FIRST + 3 + place, START * size // leverage)
            self.order(SHORT, codes.SELL, size, START)
            self.order(FIRST + 3 + place, codes.BUY, size, START)
        for price in range(START - 1, bids_down_to, -1):
            self.order(MAKER, codes.BUY, LOTS_PER_TICK, price)

    def fund(self, account: int, cash: int) -> None:
        self.judged.apply(Command(codes.DEPOSIT, account=account, amount=cash * CASH))

    def order(self, account: int, side: int, lots: int, price: int = 0) -> list[Any]:
        kind = codes.LIMIT if price else codes.MARKET
        self.next_id += 1
        return self.judged.apply(
            Command(kind, side, account=account, order_id=self.next_id, price_ticks=price,
                    quantity_lots=lots)
        )  # fmt: skip

    def mark(self, price: int) -> list[Any]:
        return self.judged.apply(Command(codes.MARK, price_ticks=price))

    def crash(self, lots: int) -> tuple[int, int, int]:
        """Sell, then follow the price: the last price, the lots sold by force, the rounds."""
        events, forced, rounds = self.order(SELLER, codes.SELL, lots), 0, -1
        price = START
        while fills := [event for event in events if event.kind == codes.FILL]:
            price = min(fill.price_ticks for fill in fills)
            forced += sum(fill.quantity_lots for fill in fills)
            rounds += 1
            events = self.mark(price)
        return price, forced - lots, rounds


def both_end(lots: list[int], ticks_sold: int) -> tuple[tuple[int, int, int], Any]:
    """Price, lots sold by force and rounds on the venue, and the waterfall of the same longs."""
    leverages = np.random.default_rng(11).integers(4, 40, len(lots)).tolist()
    cash = [START * size // leverage for size, leverage in zip(lots, leverages, strict=True)]
    # Closed where equity is below 1 % of the price; in hundredths, to be exact.
    triggers = [
        max(price for price in range(START) if 100 * (paid + size * (price - START)) < size * price)
        for size, paid in zip(lots, cash, strict=True)
    ]
    book = DepthCurve.linear(LOTS_PER_TICK * 10.0, band=10 / START)  # lots, in place of USD
    sold = ticks_sold * LOTS_PER_TICK
    solved = cascade(Triggers.of(START, triggers, lots), book, sold_usd=sold)
    return StaticVenue(leverages, lots, bids_down_to=START // 4).crash(sold), solved


@pytest.mark.parametrize(("ticks_sold", "share"), [(15, 0), (18, 0.75), (20, 0.8), (90, 0.95)])
def test_on_a_static_book_the_full_venue_ends_where_the_waterfall_ends(
    ticks_sold: int, share: float
) -> None:
    # Each position takes one level of the book, so that none is closed in part.
    lots = [LOTS_PER_TICK] * 80
    (price, forced, rounds), solved = both_end(lots, ticks_sold)
    assert (price, forced, rounds) == (
        pytest.approx(solved.price[0]), solved.forced_usd[0], solved.rounds[0],
    )  # fmt: skip
    assert forced >= share * sum(lots)


def test_a_venue_that_closes_only_as_much_as_it_must_ends_no_lower() -> None:
    sizes = np.random.default_rng(14).integers(1, 9, 30)
    (price, forced, _), solved = both_end([LOTS_PER_TICK * int(size) for size in sizes], 60)
    assert solved.price[0] < price < solved.price[0] + 20
    assert 0 < forced < solved.forced_usd[0]
