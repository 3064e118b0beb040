"""Mark prices by the venues' own methods, fed with made-up markets."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.model.periods import time_ns
from undertow.venues import methods, rulebook
from undertow.venues.prices.mark import Mark, at_once, mark_of
from undertow.venues.prices.market import Market, weighted_median
from undertow.venues.prices.payment import Payment

SECOND = 10**9
HOUR = 3_600 * SECOND
CRASH = time_ns("2025-10-10T21:00:00Z")


load = cache(rulebook.load)


def mark_at(venue: str, at_ns: int = CRASH, expiry_ns: int | None = None) -> Mark:
    return mark_of(load(venue, at_ns), expiry_ns)


def book(index: object, basis: object, **more: object) -> Market:
    """A market whose mid is ``basis`` above the index."""
    middle = Decimal(str(index)) + Decimal(str(basis))
    return Market.seen(
        Decimal(str(index)),
        bid=middle - 1,
        ask=middle + 1,
        **more,  # type: ignore[arg-type]
    )


def funded(rate: str, left_h: int, interval_h: int, now_ns: int = CRASH) -> Payment:
    """The payment after which ``left_h`` of the interval are left at ``now_ns``."""
    due_ns = now_ns - (interval_h - left_h) * HOUR
    return Payment(due_ns, Decimal(rate), due_ns + interval_h * HOUR)


def test_binance_takes_the_median_of_three_on_10_october_2025() -> None:
    mark = mark_at("binance-usdm")
    # The last price is far away, the funded price is the index: the basis is in the middle.
    mark.observe(CRASH, book(50_000, 10, last=60_000))
    mark.observe(CRASH + 15 * SECOND, book(50_000, 40, last=60_000))
    # 15 samples of 10 (seconds 0 to 14) and 15 of 40 (15 to 29).
    assert mark.mark(CRASH + 29 * SECOND) == 50_025
    assert mark.mark(CRASH + 44 * SECOND) == 50_040
    mark.observe(CRASH + 45 * SECOND, book(50_000, 40, last=50_005))
    assert mark.mark(CRASH + 45 * SECOND) == 50_005  # now the last price is in the middle


@pytest.mark.parametrize(
    ("venue", "day", "window_s", "step_s"),
    [
        ("binance-usdm", "2020-03-12", 150, 5),
        ("binance-coinm", "2020-09-01", 150, 5),
        ("binance-usdm", "2021-05-19", 60, 2),
        ("binance-usdm", "2025-09-18T08:00:00Z", 60, 2),
        ("binance-usdm", "2025-09-18T08:01:00Z", 30, 1),
        ("binance-usdm", "2025-10-10", 30, 1),
        ("bybit", "2025-10-10", 300, 1),
        ("bitget", "2025-10-10", 300, 5),
    ],
)
def test_an_old_basis_is_forgotten_after_the_window_of_the_day(
    venue: str, day: str, window_s: int, step_s: int
) -> None:
    start = time_ns(day)
    mark = mark_at(venue, start)
    mark.observe(start - step_s * SECOND, book(1_000, 500, last=3_000))
    mark.observe(start, book(1_000, 0, last=3_000))
    points = window_s // step_s
    last_with_it = start + (window_s - 2 * step_s) * SECOND
    assert mark.mark(last_with_it) == 1_000 + Decimal(500) / points
    assert mark.mark(last_with_it + step_s * SECOND) == 1_000


def test_a_change_of_window_keeps_what_was_seen() -> None:
    change = time_ns("2025-09-18T08:01:00Z")
    before = change - 60 * SECOND
    mark = mark_at("binance-usdm", before)
    mark.observe(before, book(1_000, 100, last=3_000))
    mark.observe(change - 20 * SECOND, book(1_000, 0, last=3_000))
    # 30 points 2 s apart: 20 of 100 and 10 of 0, the last one at the change less 2 s.
    assert abs(mark.mark(change - SECOND) - Decimal(1_000) - Decimal(2_000) / 30) < Decimal("1e-9")
    mark.follow(change, rulebook.load("binance-usdm", at=change))
    # In the last 30 s there were 4 samples of 100 (2 s apart), 10 of 0, and one of 0 just now.
    assert abs(mark.mark(change) - 1_000 - Decimal(400) / 15) < Decimal("1e-9")
    assert mark.mark(change + 12 * SECOND) == 1_000


def test_bitgets_example_of_the_funded_price() -> None:
    # Support 12560603824106: 91,500, 0.01 %, 120 of 480 minutes left: 91,502.2875.
    mark = mark_at("bitget")
    mark.fund(funded("0.0001", 2, 8))
    mark.observe(CRASH, book(91_500, 0, last=91_600))
    assert mark.mark(CRASH) == Decimal("91502.2875")


def test_bitmex_marks_at_index_and_funding_alone() -> None:
    mark = mark_at("bitmex")
    mark.fund(funded("0.0008", 8, 8))
    mark.observe(CRASH, book(750, 300, last=2))
    assert mark.mark(CRASH) == Decimal("750.6")
    assert mark.mark(CRASH + 4 * HOUR) == Decimal("750.3")
    assert mark.mark(CRASH + 8 * HOUR) == 750


def test_a_rate_that_is_fixed_ahead_counts_in_the_mark() -> None:
    mark = mark_at("bitmex")
    ahead = Payment(CRASH, Decimal("0.5"), CRASH + 8 * HOUR, coming_rate=Decimal("0.0008"))
    mark.fund(ahead)
    mark.observe(CRASH, Market.seen(750))
    assert mark.mark(CRASH) == Decimal("750.6")


def test_gates_example_of_a_dated_contract() -> None:
    # Help 17601: impact prices 10,049 and 10,051 over 10,000, 30 days left: 10,050.
    expiry = CRASH + 30 * 24 * HOUR
    mark = mark_at("gate", expiry_ns=expiry)
    mark.observe(CRASH, Market.seen(10_000, impact_bid=10_049, impact_ask=10_051))
    assert round(mark.mark(CRASH), 9) == 10_050
    assert round(mark.mark(CRASH + 15 * 24 * HOUR), 9) == 10_050  # the same basis, seen again
    mark.observe(CRASH + 15 * 24 * HOUR, Market.seen(10_000))
    assert round(mark.mark(CRASH + 22 * 24 * HOUR + 12 * HOUR), 9) == 10_025  # half the time left
    assert mark.mark(expiry) == 10_000
    mark.observe(expiry, Market.seen(10_000, impact_bid=11_000, impact_ask=11_000))
    assert mark.mark(expiry + HOUR) == 10_000


def test_bybits_dated_contract_averages_ten_minutes_of_the_basis_rate() -> None:
    mark = mark_at("bybit", expiry_ns=CRASH + 24 * HOUR)
    mark.observe(CRASH, Market.seen(10_000, impact_bid=10_090, impact_ask=10_110))
    mark.observe(CRASH + 300 * SECOND, Market.seen(20_000, impact_bid=20_000, impact_ask=20_000))
    assert mark.mark(CRASH + 599 * SECOND) == 20_000 * Decimal("1.005")


def test_deribit_averages_by_exponent_and_stays_in_its_band() -> None:
    mark = mark_at("deribit")
    mark.observe(CRASH, Market.seen(10_000, impact_bid=10_010, impact_ask=10_030))
    assert mark.mark(CRASH) == 10_020
    mark.observe(CRASH + SECOND, Market.seen(10_000, impact_bid=10_000, impact_ask=10_000))
    after_30_s = float(mark.mark(CRASH + 30 * SECOND))
    kept = math.exp(-1)
    weights = sum(math.exp(-i / 30) for i in range(30))
    assert after_30_s == pytest.approx(10_000 + 20 * kept / (weights + kept), rel=1e-12)
    mark.observe(CRASH + 31 * SECOND, Market.seen(10_000, impact_bid=30_000, impact_ask=30_000))
    assert mark.mark(CRASH + 40 * SECOND) == 10_050


def test_hyperliquid_with_three_prices_takes_their_median() -> None:
    mark = mark_at("hyperliquid")
    market = Market.seen(
        100, bid=101, ask=103, last=105,
        perpetuals={"binance": 99, "okx": 98, "bybit": 120, "gate": 97, "mexc": 97},
    )  # fmt: skip
    mark.observe(CRASH, market)
    # Oracle and average of mid less oracle: 102; book: 103; external: 98 has 4 of 9, 99 has 6.
    assert mark.mark(CRASH) == 102
    mark.observe(CRASH, Market.seen(100, bid=101, ask=103, last=105, perpetuals={"okx": 102.5}))
    assert mark.mark(CRASH) == Decimal("102.5")


def test_hyperliquid_with_two_prices_adds_the_average_of_the_book() -> None:
    mark = mark_at("hyperliquid")
    start = CRASH - CRASH % (3 * SECOND)
    mark.observe(start, Market.seen(100, bid=101, ask=103, last=103))
    mark.observe(start + SECOND, Market.seen(100, bid=109, ask=111, last=111))
    # At start + 3 s: samples of the start (mid 102, book 103) and of 3 s later (mid 110, book 111).
    numbers = []
    for constant, first, second in ((150, 2, 10), (30, 103, 111)):
        kept = math.exp(-3 / constant)
        numbers.append((first * kept + second) / (kept + 1))
    oracle, book_average = 100 + numbers[0], numbers[1]
    expected = sorted([oracle, 111, book_average])[1]
    assert float(mark.mark(start + 3 * SECOND)) == pytest.approx(expected, rel=1e-14)
    # With others' perpetuals there are three prices, and the average of the book drops out.
    more = Market.seen(100, bid=109, ask=111, last=111, perpetuals={"okx": 111})
    mark.observe(start + 4 * SECOND, more)
    assert mark.mark(start + 4 * SECOND) == 111


def test_hyperliquids_book_counts_with_its_last_trade() -> None:
    mark = mark_at("hyperliquid")
    mark.observe(CRASH + 1, Market.seen(100, bid=101, ask=103, last="101.5"))
    assert mark.mark(CRASH + 1) == Decimal("101.5")  # no sample yet: one price alone


def test_a_sample_after_a_gap_weighs_as_long_as_the_gap() -> None:
    mark = mark_at("hyperliquid")
    mark.observe(CRASH, book(100, 2))
    mark.observe(CRASH + SECOND, Market.seen(100, last=100))  # the book is empty for a minute
    mark.observe(CRASH + 60 * SECOND, book(100, 10, perpetuals={"okx": 1}))
    kept = math.exp(-60 / 150)
    average = (2 * 3 * kept + 10 * 60) / (3 * kept + 60)
    # In the middle: oracle and average of mid less oracle; the book is at 110, the other at 1.
    assert float(mark.mark(CRASH + 60 * SECOND)) == pytest.approx(100 + average, rel=1e-12)


def test_hyperliquid_without_a_book_is_the_oracle() -> None:
    mark = mark_at("hyperliquid")
    mark.observe(CRASH, Market.seen(100))
    assert mark.mark(CRASH + HOUR) == 100


def test_htx_takes_the_median_of_fair_depth_and_average_last() -> None:
    mark = mark_at("htx")
    mark.observe(CRASH, Market.seen(100, last=105, impact_bid=102, impact_ask=104))
    assert mark.mark(CRASH) == 103
    mark.fund(funded("0.32", 2, 8))
    assert mark.mark(CRASH) == 105  # funded price 108, depth 103, last 105


def test_lighter_uses_impact_prices_only() -> None:
    mark = mark_at("lighter")
    mark.observe(CRASH, Market.seen(100, bid=1, ask=2, last=3, impact_bid=110, impact_ask=120))
    assert mark.mark(CRASH) == 115


def test_okx_is_index_plus_average_basis() -> None:
    mark = mark_at("okx")
    mark.observe(CRASH, book(100, 10, last=1))
    mark.observe(CRASH + 120 * SECOND, book(200, 20, last=1))
    # A sample a minute for five: 10, 10, 20, 20, 20.
    assert mark.mark(CRASH + 240 * SECOND) == 216


def test_prices_that_are_not_there_drop_out() -> None:
    mark = mark_at("binance-usdm")
    mark.observe(CRASH, Market.seen(100, bid=120))
    assert mark.mark(CRASH) == 100
    mark.observe(CRASH + SECOND, Market.seen(100, bid=119, ask=121))
    assert mark.mark(CRASH + SECOND) == 110  # of two, their mean


def test_a_symbol_with_no_rule_for_its_mark_is_refused() -> None:
    with pytest.raises(UndertowError, match=r"cme: no rule says mark\.model"):
        mark_at("cme")
    with pytest.raises(UndertowError, match=r"bitget: no rule says mark\.delivery_model"):
        mark_at("bitget", expiry_ns=CRASH)


def test_a_number_that_no_rule_says_can_be_given_by_a_scenario() -> None:
    rules = rulebook.load("okx@2025-10-10")
    wider = rules.with_values({"mark.basis_window_s": 120}, "what if")
    mark = mark_of(wider)
    mark.observe(CRASH, book(100, 10))
    mark.observe(CRASH + 60 * SECOND, book(100, 30))
    assert mark.mark(CRASH + 60 * SECOND) == 120
    with pytest.raises(UndertowError, match=r"mark\.basis_window_s; give it with rules\.with_val"):
        mark_of(rules.with_values({"mark.basis_window_s": 0}, "what if"))


def test_another_method_is_another_mark() -> None:
    mark = mark_at("gate", time_ns("2023-06-01"))
    with pytest.raises(UndertowError, match="changes to 'median_of_three'; make a new mark"):
        mark.follow(CRASH, rulebook.load("gate", at=CRASH))


def test_bad_input_is_refused() -> None:
    mark = mark_at("binance-usdm")
    with pytest.raises(UndertowError, match="nothing was observed yet"):
        mark.mark(CRASH)
    mark.observe(CRASH, book(100, 1))
    with pytest.raises(UndertowError, match="time falls"):
        mark.observe(CRASH - 1, book(100, 1))
    with pytest.raises(UndertowError, match="time falls"):
        mark.mark(CRASH - 1)
    with pytest.raises(UndertowError, match=r"bid 101: expected at most the ask, 100"):
        Market.seen(100, bid=101, ask=100)
    for price in (0, -1, "x", float("nan"), True):
        with pytest.raises(UndertowError, match="index: expected"):
            Market.seen(price)
    hyperliquid = mark_at("hyperliquid")
    hyperliquid.observe(CRASH, Market.seen(100, perpetuals={"binanec": 100}))
    with pytest.raises(UndertowError, match=r"'binanec' has no weight \(did you mean 'binance'"):
        hyperliquid.mark(CRASH)


def test_a_method_must_make_a_mark(own_methods: None) -> None:
    methods.register("mark", "test_no_mark")(lambda rules, expiry_ns: 5)
    rules = rulebook.load("binance-usdm@2025-10-10")
    with pytest.raises(UndertowError, match="'test_no_mark': expected it to make a Mark"):
        mark_of(rules.with_values({"mark.model": "test_no_mark"}, "what if"))


def test_a_user_adds_a_mark_by_one_function(own_methods: None) -> None:
    @methods.register("mark", "middle")
    @at_once
    def middle(mark: Mark, ts_ns: int, market: Market) -> Decimal:
        return market.mid or market.index

    rules = load("binance-usdm", CRASH).with_values({"mark.model": "middle"}, "what if")
    mark = mark_of(rules)
    mark.observe(CRASH, Market.seen(100, bid=101, ask=103))
    assert mark.mark(CRASH) == 102
    mark.follow(CRASH, rules)
    mark.observe(CRASH + HOUR, Market.seen(100))
    assert mark.mark(CRASH + HOUR) == 100


PRICES = st.integers(900, 1_100).map(Decimal)
STEPS = st.lists(
    st.tuples(st.integers(0, 90), PRICES, st.integers(-50, 50), PRICES), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, venue=st.sampled_from(["binance-usdm", "bybit", "bitget"]))
def test_a_median_of_three_lies_between_its_three(
    steps: list[tuple[int, Decimal, int, Decimal]], venue: str
) -> None:
    mark, now = mark_at(venue), CRASH
    mark.fund(funded("0.003", 8, 8))
    bases: list[Decimal] = []
    for wait_s, index, basis, last in steps:
        now += wait_s * SECOND
        mark.observe(now, book(index, basis, last=last))
        bases.append(Decimal(basis))
        marked = mark.mark(now)
        at_index = mark.funded_price(now, index)
        low = min(at_index, last, index + min(bases))
        high = max(at_index, last, index + max(bases))
        assert low <= marked <= high


@settings(max_examples=60, deadline=None)
@given(
    steps=STEPS,
    questions=st.lists(st.integers(0, 600), max_size=6),
    venue=st.sampled_from(["binance-usdm", "bybit", "okx", "deribit", "hyperliquid", "htx"]),
)
def test_asking_and_seeing_the_same_again_change_nothing(
    steps: list[tuple[int, Decimal, int, Decimal]], questions: list[int], venue: str
) -> None:
    plain, asked = mark_at(venue), mark_at(venue)
    now, times = CRASH, []
    for wait_s, *_ in steps:
        now += wait_s * SECOND
        times.append(now)
    ends = [*times[1:], now + 100 * SECOND]
    for (_, index, basis, last), start, end in zip(steps, times, ends, strict=True):
        market = book(
            index, basis, last=last, impact_bid=index + basis - 1, impact_ask=index + basis + 2
        )
        plain.observe(start, market)
        asked.observe(start, market)
        for second in sorted(questions):
            moment = start + second * SECOND + 1  # never at a moment of the venue's
            if moment < end:
                asked.observe(moment, market)
                asked.mark(moment)
    here, there = plain.mark(ends[-1]), asked.mark(ends[-1])
    assert abs(here - there) <= Decimal("1e-20")


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(st.tuples(PRICES, st.integers(0, 5).map(Decimal)), min_size=1, max_size=8),
    data=st.data(),
)
def test_a_weighted_median_halves_the_weight(
    pairs: list[tuple[Decimal, Decimal]], data: st.DataObject
) -> None:
    total = sum(weight for _, weight in pairs)
    if not total:
        with pytest.raises(UndertowError, match="positive weight"):
            weighted_median(pairs)
        return
    middle = weighted_median(pairs)
    assert sum(weight for price, weight in pairs if price < middle) * 2 <= total
    assert sum(weight for price, weight in pairs if price > middle) * 2 <= total
    assert weighted_median(data.draw(st.permutations(pairs))) == middle


def samples_by_hand(
    seen: list[tuple[int, Decimal]], until_ns: int, step_ns: int
) -> list[tuple[int, Decimal]]:
    """Moment by moment, from the first view on: what had been seen last."""
    first = -(-seen[0][0] // step_ns) * step_ns
    return [
        (moment, [value for ts_ns, value in seen if ts_ns <= moment][-1])
        for moment in range(first, until_ns + 1, step_ns)
    ]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 40_000), st.integers(-50, 50)), min_size=1, max_size=8),
    wait_ms=st.integers(0, 60_000),
)
def test_averages_are_those_of_the_definition(steps: list[tuple[int, int]], wait_ms: int) -> None:
    binance, deribit, hyperliquid = (mark_at(v) for v in ("binance-usdm", "deribit", "hyperliquid"))
    now = CRASH
    seen: list[tuple[int, Decimal]] = []
    for wait, basis in steps:
        now += wait * 10**6
        seen.append((now, Decimal(basis)))
        far = 10_000 if basis > 0 else 1  # the average basis shall be the median of the three
        market = Market.seen(
            1_000, bid=1_000 + basis, ask=1_000 + basis, last=far,
            impact_bid=1_000 + basis, impact_ask=1_000 + basis,
        )  # fmt: skip
        for mark in (binance, deribit, hyperliquid):
            mark.observe(now, market)
    now += wait_ms * 10**6
    window = [v for t, v in samples_by_hand(seen, now, SECOND) if t > now - 30 * SECOND]
    if window:
        mean = sum(window) / len(window)
        expected = sorted([Decimal(1_000), 1_000 + mean, Decimal(far)])[1]
        assert abs(binance.mark(now) - expected) < Decimal("1e-20")
    average = decayed(seen, now, 1, 30)
    if average is not None:
        wanted = 1_000 + max(-5.0, min(5.0, average))
        assert float(deribit.mark(now)) == pytest.approx(wanted, rel=1e-12)
    middles = [(ts_ns, basis + 1_000) for ts_ns, basis in seen]  # bid and ask are the same
    above, of_book = decayed(seen, now, 3, 150), decayed(middles, now, 3, 30)
    prices = [float(middles[-1][1])]
    if above is not None and of_book is not None:
        prices = sorted([1_000 + above, of_book, *prices])
    assert float(hyperliquid.mark(now)) == pytest.approx(prices[len(prices) // 2], rel=1e-12)


def decayed(
    seen: list[tuple[int, Decimal]], until_ns: int, step_s: int, constant_s: int
) -> float | None:
    """The exponential average as the documentation writes it, sample by sample."""
    numerator = denominator = 0.0
    kept = math.exp(-step_s / constant_s)
    for _, value in samples_by_hand(seen, until_ns, step_s * SECOND):
        numerator = numerator * kept + float(value) * step_s
        denominator = denominator * kept + step_s
    return numerator / denominator if denominator else None
