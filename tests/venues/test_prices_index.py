"""Indices by the venues' own methods, and what becomes of each source."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.model.periods import time_ns
from undertow.venues import methods, rulebook
from undertow.venues.prices.index import Combined, Constituent, Index, Live
from undertow.venues.rule_models import IndexRules

SECOND = 10**9
NOW = time_ns("2025-10-10T21:00:00Z")
WITH_INDEX = (
    "binance-usdm", "binance-coinm", "bybit", "okx", "htx", "bitget", "gate", "bitmex", "deribit",
)  # fmt: skip


load = cache(rulebook.load)


def index_of(venue: str, at: str | int = NOW, quote: str = "USDT") -> Index:
    return Index(load(venue, at), quote)


def sources(*prices: object, weights: list[object] | None = None) -> list[Constituent]:
    """Sources a, b, c, … in USDT, seen now."""
    return [
        Constituent(
            chr(97 + place), Decimal(str(price)), NOW, "USDT",
            weight=None if weights is None else Decimal(str(weights[place])),
        )
        for place, price in enumerate(prices)
    ]  # fmt: skip


def test_binance_weighs_its_sources() -> None:
    index = index_of("binance-usdm").price(NOW, sources(100, 102, weights=[3, 1]))
    assert index.price == Decimal("100.5")
    assert index.method == "weighted_mean"
    assert [(part.source, part.share) for part in index.parts] == [
        ("a", Decimal("0.75")), ("b", Decimal("0.25")),
    ]  # fmt: skip
    assert {part.status for part in index.parts} == {"used"}


def test_binance_leaves_out_one_outlier() -> None:
    # The median is 101: 106.05 is 5 % away and counts, 106.06 is further and does not.
    near = index_of("binance-usdm").price(NOW, sources(100, 101, "106.05"))
    assert near.price == (Decimal("307.05")) / 3
    far = index_of("binance-usdm").price(NOW, sources(100, 101, "106.06"))
    assert far.price == Decimal("100.5")
    assert (far.part("c").status, far.part("c").share) == ("outlier", 0)
    assert far.part("a").share == Decimal("0.5")


def test_binance_takes_the_median_when_several_are_outliers() -> None:
    index = index_of("binance-usdm").price(NOW, sources(100, 101, 102, 120, 80))
    assert (index.price, index.method) == (101, "median_of_all")
    assert [part.source for part in index.parts if part.status == "outlier"] == ["d", "e"]


def test_bitgets_outlier_stays_out_until_it_is_near_again() -> None:
    index = index_of("bitget")
    assert index.price(NOW, sources(100, 100, 106)).part("c").status == "outlier"
    assert index.price(NOW, sources(100, 100, 103)).part("c").status == "outlier"
    back = index.price(NOW, sources(100, 100, 102))
    assert (back.part("c").status, back.price) == ("used", Decimal(302) / 3)
    assert index.price(NOW, sources(100, 100, 103)).part("c").status == "used"


def test_an_outlier_that_goes_offline_is_still_one_when_it_comes_back() -> None:
    index = index_of("bitget")
    index.price(NOW, sources(100, 100, 106))
    gone = sources(100, 100)
    gone.append(Constituent("c", 103, NOW, "USDT", online=False))
    assert index.price(NOW, gone).part("c").status == "offline"
    assert index.price(NOW, sources(100, 100, 103)).part("c").status == "outlier"


def test_htxs_example() -> None:
    # Support 900003172923: 500 to 504 and 518: the last counts as 517.57; the index is 504.59.
    index = index_of("htx").price(NOW, sources(518, 500, 501, 502, 503, 504))
    assert index.price is not None
    assert round(index.price, 4) == Decimal("504.5958")
    assert index.part("a").status == "capped"
    assert index.part("b").status == "used"


def test_deribits_example() -> None:
    # Support 25944739377309: 100, 101 and 120 become 100.495, 101 and 101.505.
    index = index_of("deribit").price(NOW, sources(100, 101, 120, weights=[25, 50, 25]))
    assert index.price == 101
    assert [part.status for part in index.parts] == ["capped", "used", "capped"]


def test_okx_caps_nearer_since_december_2023() -> None:
    far = sources(100, 100, 110)
    assert index_of("okx", "2023-10-14").price(NOW, far).price == 101
    later = index_of("okx", "2024-01-01").price(NOW, far).price
    assert later == Decimal(302) / 3


def test_hyperliquid_takes_the_median_by_weight() -> None:
    prices = {"binance": 100, "okx": 101, "bybit": 102, "kraken": 90, "gate": 91}
    seen = [Constituent(name, price, NOW, "USD") for name, price in prices.items()]
    index = index_of("hyperliquid", quote="USD").price(NOW, seen)
    # Weights 1, 1, 3, 2, 2 by rising price: five of nine lie at or below 100.
    assert (index.price, index.method) == (100, "weighted_median")
    assert index.part("kraken").share == 0
    even = index_of("hyperliquid", quote="USD").price(NOW, [seen[3], seen[4]])
    assert even.price == Decimal("90.5")  # half of the weight on either side


def test_usdt_is_a_price_and_not_1() -> None:
    seen = [
        Constituent("coinbase", 100_000, NOW, "USD", conversion="1.25"),
        Constituent("binance", 130_000, NOW, "USDT"),
        Constituent("kraken", 2, NOW, "ETH", conversion=64_000),
    ]
    index = index_of("binance-usdm").price(NOW, seen)
    assert index.part("coinbase").price == 125_000
    assert index.part("kraken").price == 128_000
    assert index.price == Decimal(383_000) / 3
    dear = index_of("binance-usdm", quote="USD").price(
        NOW, [Constituent("binance", 100_000, NOW, "USDT", conversion="0.9")]
    )
    assert dear.price == 90_000


@pytest.mark.parametrize(
    ("venue", "stale_s"),
    [("binance-usdm", 10), ("bybit", 60), ("bitget", 900), ("bitmex", 900), ("deribit", 180)],
)
def test_a_stale_source_is_left_out(venue: str, stale_s: int) -> None:
    old = Constituent("old", 100, NOW - stale_s * SECOND, "USDT")
    almost = Constituent("almost", 101, NOW - stale_s * SECOND + 1, "USDT")
    index = index_of(venue).price(NOW, [old, almost])
    assert index.price == 101
    assert (index.part("old").status, index.part("almost").status) == ("stale", "used")


def test_offline_and_weightless_sources_are_left_out() -> None:
    seen = [
        Constituent("a", 100, NOW, "USDT", weight=1),
        Constituent("b", 104, NOW, "USDT", weight=1, online=False),
        Constituent("c", 104, NOW, "USDT", weight=0),
    ]
    index = index_of("binance-usdm").price(NOW, seen)
    assert index.price == 100
    assert [part.status for part in index.parts] == ["used", "offline", "weightless"]


def test_without_a_source_there_is_no_index() -> None:
    gone = [Constituent("a", 100, NOW, "USDT", online=False)]
    index = index_of("binance-usdm").price(NOW, gone)
    assert index.price is None
    assert index.part("a").status == "offline"
    assert index_of("binance-usdm").price(NOW, []).price is None


def test_bad_input_is_refused() -> None:
    index = index_of("binance-usdm")
    index.price(NOW, sources(100))
    with pytest.raises(UndertowError, match="time falls"):
        index.price(NOW - 1, sources(100))
    with pytest.raises(UndertowError, match="a source twice in a, a"):
        index.price(NOW, sources(100) + sources(101))
    with pytest.raises(UndertowError, match="was updated after the index's time"):
        index.price(NOW, [Constituent("a", 100, NOW + 1, "USDT")])
    with pytest.raises(UndertowError, match="priced in USD; give its conversion"):
        index.price(NOW, [Constituent("a", 100, NOW, "USD")])
    with pytest.raises(UndertowError, match="needs no conversion"):
        index.price(NOW, [Constituent("a", 100, NOW, "USDT", conversion=1)])
    with pytest.raises(UndertowError, match="price of a: expected more than 0"):
        index.price(NOW, [Constituent("a", 0, NOW, "USDT")])
    with pytest.raises(UndertowError, match="weight of a: expected at least 0"):
        index.price(NOW, [Constituent("a", 1, NOW, "USDT", weight=-1)])
    with pytest.raises(UndertowError, match=r"'krakken' has no weight \(did you mean 'kraken'"):
        index_of("hyperliquid").price(NOW, [Constituent("krakken", 1, NOW, "USDT")])
    with pytest.raises(UndertowError, match=r"no source 'z'"):
        index.price(NOW, sources(100)).part("z")
    with pytest.raises(UndertowError, match=r"cme: no rule says index\.model"):
        index_of("cme")
    rules = rulebook.load("binance-usdm", at=NOW)
    capped = rules.with_values({"index.model": "capped_mean"}, "what if")
    assert Index(capped, "USDT").price(NOW, sources(100, 100, 200)).price == Decimal(305) / 3


def test_a_user_adds_an_index_method(own_methods: None) -> None:
    @methods.register("index", "test_cheapest")
    def cheapest(rules: IndexRules, live: Sequence[Live]) -> Combined:
        return Combined(min(one.price for one in live), "test_cheapest", {})

    rules = rulebook.load("binance-usdm", at=NOW)
    mine = rules.with_values({"index.model": "test_cheapest"}, "what if")
    assert Index(mine, "USDT").price(NOW, sources(102, 100, 101)).price == 100


PRICES = st.integers(500_000, 2_000_000).map(lambda cents: Decimal(cents) / 100)
WEIGHTED = st.lists(st.tuples(PRICES, st.integers(1, 9)), min_size=1, max_size=9)


@settings(max_examples=150, deadline=None)
@given(
    weighted=WEIGHTED,
    venue=st.sampled_from([*WITH_INDEX, "hyperliquid"]),
    data=st.data(),
)
def test_an_index_lies_between_its_sources_in_whatever_order(
    weighted: list[tuple[Decimal, int]], venue: str, data: st.DataObject
) -> None:
    seen = sources(*(price for price, _ in weighted), weights=[weight for _, weight in weighted])
    index = index_of(venue).price(NOW, seen)
    assert index.price is not None
    live = [part.price for part in index.parts]
    assert min(live) <= index.price <= max(live)
    shares = sum(part.share for part in index.parts)
    assert abs(shares - (1 if index.method.endswith("mean") else 0)) < Decimal("1e-20")
    assert all(part.share == 0 for part in index.parts if part.status == "outlier")
    assert index_of(venue).price(NOW, data.draw(st.permutations(seen))) == index


@settings(max_examples=60, deadline=None)
@given(weighted=WEIGHTED, scale=st.integers(2, 50), venue=st.sampled_from(WITH_INDEX))
def test_only_the_proportion_of_weights_counts(
    weighted: list[tuple[Decimal, int]], scale: int, venue: str
) -> None:
    prices = [price for price, _ in weighted]
    one = sources(*prices, weights=[weight for _, weight in weighted])
    other = sources(*prices, weights=[weight * scale for _, weight in weighted])
    assert index_of(venue).price(NOW, one).price == index_of(venue).price(NOW, other).price
