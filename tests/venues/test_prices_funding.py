"""Funding: samples, averages, caps, intervals and payments, by the venues' own rules."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.model.periods import time_ns, time_text
from undertow.venues import rulebook
from undertow.venues.formulas import binance_usdm_rates, lighter
from undertow.venues.prices.funding import Funding
from undertow.venues.prices.market import Market
from undertow.venues.prices.payment import Payment

SECOND = 10**9
HOUR = 3_600 * SECOND
START = time_ns("2025-10-10T16:00:00Z")

load = cache(rulebook.load)


def funding_of(venue: str, start: str | int = START, symbol: str = "", **more: object) -> Funding:
    start_ns = time_ns(start)
    return Funding(load(venue, start_ns), start_ns, symbol, **more)  # type: ignore[arg-type]


def at_premium(premium: object, index: object = 100_000) -> Market:
    """A market whose premium is this, whether of impact prices or of the middle."""
    price = Decimal(str(index)) * (1 + Decimal(str(premium)))
    return Market.seen(
        Decimal(str(index)), bid=price, ask=price, impact_bid=price, impact_ask=price
    )


def paid(funding: Funding, premium: object, start_ns: int, hours: int) -> Sequence[Payment]:
    funding.observe(start_ns, at_premium(premium))
    return funding.due(start_ns + hours * HOUR)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        ("0.000429", "0.0001"),  # the venue's example of 2020-08-28
        ("0.0006", "0.0001"),
        ("-0.0004", "0.0001"),
        ("0.001", "0.0005"),
        ("-0.001", "-0.0005"),
        ("0.003", "0.0025"),
        ("0.01", "0.003"),  # 0.75 times the first tier's 0.4 %
        ("-0.01", "-0.003"),
    ],
)
def test_binance_over_eight_hours(premium: str, rate: str) -> None:
    funding = funding_of("binance-usdm", symbol="BTCUSDT")
    (payment,) = paid(funding, premium, START, 8)
    assert payment.rate == Decimal(rate)
    assert payment.samples == 5_760
    assert time_text(payment.due_ns) == "2025-10-11T00:00:00Z"
    assert payment.at_cap is (abs(payment.rate) == Decimal("0.003"))


def test_binance_later_samples_weigh_more() -> None:
    funding = funding_of("binance-usdm", symbol="ETHUSDT", interval_h=4)
    funding.observe(START, at_premium("0.001"))
    funding.observe(START + 3 * HOUR, at_premium("0.003"))
    (payment,) = funding.due(START + 4 * HOUR)
    # 2,880 samples; those from 10,800 s on, 2,160 to 2,880, are of the second premium.
    samples = [Decimal("0.001")] * 2_159 + [Decimal("0.003")] * 721
    assert payment.premium is not None
    formula = binance_usdm_rates.average_premium(samples, 4)
    assert abs(payment.premium - formula) < Decimal("1e-24")
    assert payment.samples == 2_880
    assert payment.rate == (payment.premium - Decimal("0.0005")) / 2


def test_binance_weighs_the_samples_of_an_hour_the_same() -> None:
    funding = funding_of("binance-usdm", symbol="ETHUSDT", interval_h=1)
    funding.observe(START, at_premium("0.001"))
    funding.observe(START + HOUR // 2, at_premium("0.003"))
    (payment,) = funding.due(START + HOUR)
    assert payment.samples == 720
    assert payment.premium == (359 * Decimal("0.001") + 361 * Decimal("0.003")) / 720


def test_binance_scales_to_the_interval_since_september_2025() -> None:
    before, after = time_ns("2025-09-17T16:00:00Z"), time_ns("2025-09-18T12:00:00Z")
    rates = []
    for start in (before, after):
        funding = funding_of("binance-usdm", start, "ETHUSDT", interval_h=4)
        rates.append(paid(funding, "0.001", start, 4)[0].rate)
    assert rates == [Decimal("0.0005"), Decimal("0.00025")]


def test_binances_quiet_four_hours_cost_half_of_eight_before_and_after() -> None:
    # As in HYPEUSDT's settled rates: 0.005 % on most days of both times.
    for start in ("2025-09-17T16:00:00Z", "2025-09-18T12:00:00Z"):
        funding = funding_of("binance-usdm", start, "HYPEUSDT", interval_h=4)
        assert paid(funding, "0.0002", time_ns(start), 4)[0].rate == Decimal("0.00005")


def test_a_cap_other_than_the_list_is_two_percent() -> None:
    funding = funding_of("binance-usdm", symbol="DOGEUSDT")
    assert paid(funding, "0.5", START, 8)[0].rate == Decimal("0.02")
    own = funding_of("binance-usdm", symbol="ETHUSDT", maintenance_rate="0.01")
    assert own.cap == Decimal("0.0075")


def test_reaching_the_cap_makes_it_hourly_since_may_2025() -> None:
    early, late = time_ns("2025-05-01T16:00:00Z"), time_ns("2025-05-02T16:00:00Z")
    slow = funding_of("binance-usdm", early, "DOGEUSDT")
    (payment,) = paid(slow, "0.5", early, 8)
    assert (payment.at_cap, payment.next_ns - payment.due_ns) == (True, 8 * HOUR)
    quick = funding_of("binance-usdm", late, "DOGEUSDT")
    payments = paid(quick, "0.5", late, 10)
    assert [time_text(one.due_ns)[11:16] for one in payments] == ["00:00", "01:00", "02:00"]
    assert quick.interval_h == 1
    # Bitcoin's funding at Bybit stays as it is; others' goes to hourly.
    for symbol, length in (("BTCUSDT", 8), ("DOGEUSDT", 1)):
        rules = load("bybit", time_ns("2025-11-01")).with_values(
            {"funding.cap_rate": "0.01"}, "what if"
        )
        bybit = Funding(rules, late, symbol)
        paid(bybit, "0.5", late, 8)
        assert bybit.interval_h == length


def test_binances_example_of_going_back_to_four_hours() -> None:
    # Quiet at 05:00 (UTC+8) on 2 January 2026 and for 15 hours more: from 20:00 on it is paid
    # every four hours, next at 00:00. The rule begins at 20:00; the payments lie before it.
    start, change = time_ns("2026-01-01T20:00:00Z"), time_ns("2026-01-02T12:00:00Z")
    funding = funding_of("binance-usdm", start, "ZKPUSDT", interval_h=1)
    funding.observe(start, at_premium("0.0025"))
    assert len(funding.due(change - HOUR)) == 15
    funding.follow(change, load("binance-usdm", change))
    (payment,) = funding.due(change)
    assert payment.rate == Decimal("0.00025")  # just quiet enough
    assert time_text(payment.next_ns) == "2026-01-02T16:00:00Z"
    assert funding.interval_h == 4


def test_one_loud_payment_starts_the_count_again() -> None:
    start = time_ns("2026-02-01T00:00:00Z")
    funding = funding_of("binance-usdm", start, "ZKPUSDT", interval_h=1)
    paid(funding, "0.0001", start, 15)
    funding.observe(start + 15 * HOUR, at_premium("0.01"))
    loud = funding.due(start + 16 * HOUR)[0]
    assert loud.rate > Decimal("0.00025")
    funding.observe(start + 16 * HOUR, at_premium("0.0001"))
    funding.due(start + 31 * HOUR)
    assert funding.interval_h == 1
    funding.due(start + 32 * HOUR)
    assert funding.interval_h == 4


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        ("-0.0008259503", "-0.0000407438"),
        ("-0.0039166507", "-0.0004270813"),
        ("-0.0045867951", "-0.0005108494"),
        ("-0.0003741219", "0.0000125000"),
        ("0.5", "0.0400000000"),
    ],
)
def test_hyperliquid_pays_an_eighth_each_hour(premium: str, rate: str) -> None:
    # Settled rates of the venue, from its averages of the premium; the last one is its cap.
    (payment,) = paid(funding_of("hyperliquid"), premium, START, 1)
    assert abs(payment.rate - Decimal(rate)) < Decimal("1.01e-10")
    assert payment.samples == 720


def test_hyperliquids_premium_of_impact_prices() -> None:
    funding = funding_of("hyperliquid")
    funding.observe(START, Market.seen(105_919, impact_bid=105_944, impact_ask=105_945))
    premium = funding.premium()
    assert premium is not None
    assert round(premium, 10) == Decimal("0.0002360294")
    funding.observe(START, Market.seen(10.16, impact_bid=10.1552, impact_ask=10.1618))
    assert funding.premium() == 0


@pytest.mark.parametrize(
    ("percent", "rate_percent"),
    [("0.1186", "0.0085"), ("0.0787", "0.0035"), ("-0.0034", "0.0012"), ("9", "0.5")],
)
def test_lighter_cuts_the_rate_and_samples_at_random(percent: str, rate_percent: str) -> None:
    funding = funding_of("lighter", seed=7)
    (payment,) = paid(funding, Decimal(percent) / 100, START, 1)
    assert payment.rate * 100 == Decimal(rate_percent)
    assert payment.rate * 100 == lighter.hourly_rate_percent(percent)
    assert payment.samples == 60
    with pytest.raises(UndertowError, match="lighter samples at random moments: give a seed"):
        funding_of("lighter")


def test_each_minute_has_one_random_sample_and_the_seed_decides_when() -> None:
    def mean(seed: int) -> Decimal | None:
        funding = funding_of("lighter", seed=seed)
        for second in range(0, 3_600, 10):
            funding.observe(START + second * SECOND, at_premium(Decimal(second) / 10**6))
        (payment,) = funding.due(START + HOUR)
        assert payment.samples == 60
        return payment.premium

    assert mean(1) == mean(1) != mean(2)
    average = mean(1)
    assert average is not None
    assert abs(average - Decimal("0.001795")) < Decimal("0.00003")


def test_bybit_weighs_minutes_and_scales_only_the_interest() -> None:
    funding = funding_of("bybit", interval_h=4)
    funding.observe(START, at_premium("0.0001"))
    funding.observe(START + 2 * HOUR, at_premium("0.0007"))
    (payment,) = funding.due(START + 4 * HOUR)
    assert payment.samples == 240
    first = sum(range(1, 120))  # the sample at two hours is already of the second premium
    total = 240 * 241 // 2
    expected = (first * Decimal("0.0001") + (total - first) * Decimal("0.0007")) / total
    assert payment.premium == expected
    (even,) = paid(funding_of("bybit", interval_h=4), "0.0001", START, 4)
    assert even.rate == Decimal("0.00005")  # the interest of four hours
    (high,) = paid(funding_of("bybit", interval_h=4), "0.001", START, 4)
    assert high.rate == Decimal("0.0005")  # the premium is not halved


def test_bitget_changed_its_formula_on_22_september_2025() -> None:
    rates = []
    for start in ("2025-09-21T16:00:00Z", "2025-09-22T12:00:00Z"):
        funding = funding_of("bitget", start, interval_h=4)
        rates.append(paid(funding, "0.001", time_ns(start), 4)[0].rate)
    assert rates == [Decimal("0.0005"), Decimal("0.00025")]


def test_okx_pays_the_average_premium_of_the_middle() -> None:
    funding = funding_of("okx")
    funding.observe(START, Market.seen(100, bid=100, ask="100.2"))
    funding.observe(START + 4 * HOUR, Market.seen(100, bid=99, ask=100))
    (payment,) = funding.due(START + 8 * HOUR)
    expected = (239 * Decimal("0.001") + 241 * Decimal("-0.005")) / 480
    assert abs(payment.rate - expected) < Decimal("1e-24")


@pytest.mark.parametrize(
    ("venue", "lagging", "prompt"),
    [
        ("htx", "2024-01-07T00:00:00Z", "2024-01-09T00:00:00Z"),
        ("gate", "2022-08-07T00:00:00Z", "2022-08-09T00:00:00Z"),
    ],
)
def test_the_rate_of_the_interval_before_was_paid_once(
    venue: str, lagging: str, prompt: str
) -> None:
    start = time_ns(lagging)
    funding = funding_of(venue, lagging)
    first, second = paid(funding, "0.001", start, 16)
    assert (first.rate, first.coming_rate) == (0, Decimal("0.0005"))
    assert second.rate == first.running_rate == Decimal("0.0005")
    (now,) = paid(funding_of(venue, prompt), "0.001", time_ns(prompt), 8)
    assert (now.rate, now.coming_rate) == (Decimal("0.0005"), None)


def test_the_last_lagging_payment_of_htx_is_at_midnight() -> None:
    start = time_ns("2024-01-07T08:00:00Z")
    funding = funding_of("htx", start)
    funding.observe(start, at_premium("0.001"))
    midnight = funding.due(time_ns("2024-01-08"))[-1]
    assert midnight.rate == Decimal("0.0005")
    change = time_ns("2024-01-08T00:00:01Z")
    funding.follow(change, load("htx", change))
    funding.observe(change, at_premium("0.002"))
    (morning,) = funding.due(time_ns("2024-01-08T08:00:00Z"))
    assert morning.rate == Decimal("0.0015")


def test_bitmex_pays_at_four_and_measures_around_its_mark() -> None:
    start = time_ns("2025-10-10T12:00:00Z")
    funding = funding_of("bitmex", start, "XBTUSD")
    market = Market.seen(100, impact_bid=102, impact_ask=103)
    funding.observe(start, market, mark=101)
    assert funding.premium() == Decimal("0.01")
    first, second = funding.due(start + 16 * HOUR)
    assert [time_text(one.due_ns)[11:13] for one in (first, second)] == ["20", "04"]
    # 0.01 less 0.0005 is above the cap; the premium then grows by the rate that is now known.
    assert (first.rate, first.coming_rate) == (0, Decimal("0.00375"))
    assert second.rate == Decimal("0.00375")
    assert second.premium == Decimal("0.01375")


def test_deribit_accrues_outside_its_dead_zone_only() -> None:
    funding = funding_of("deribit")
    index = Market.seen(10_000)
    funding.observe(START, index, mark=10_008)
    funding.observe(START + HOUR, index, mark=10_004)
    assert funding.expected(START + HOUR) == 0
    funding.observe(START + 2 * HOUR, index, mark=9_988)
    (payment,) = funding.due(START + 6 * HOUR)
    assert payment.rate == Decimal("0.0003") / 8 - Decimal("0.0007") / 2
    assert payment.next_ns == payment.due_ns == START + 6 * HOUR
    assert funding.due(START + 6 * HOUR) == ()
    assert funding.next_ns is None
    assert funding.expected(START + 6 * HOUR) == Decimal("-0.0007")


def test_what_is_expected_becomes_what_is_paid() -> None:
    funding = funding_of("binance-usdm", symbol="BTCUSDT")
    assert funding.expected(START) is None
    funding.observe(START, at_premium("0.002"))
    assert funding.expected(START + HOUR) == Decimal("0.0015")
    funding.observe(START + 7 * HOUR, at_premium("0.0001"))
    late = funding.expected(START + 8 * HOUR - 1)
    assert late is not None
    assert Decimal("0.0001") < late < Decimal("0.0015")
    assert funding.next_ns == START + 8 * HOUR


def test_without_a_premium_nothing_is_paid() -> None:
    funding = funding_of("binance-usdm", symbol="BTCUSDT")
    funding.observe(START, Market.seen(100, bid=99, ask=101))  # not deep enough: no impact prices
    (payment,) = funding.due(START + 8 * HOUR)
    assert (payment.rate, payment.premium, payment.samples) == (0, None, 0)


def test_bad_input_is_refused() -> None:
    funding = funding_of("binance-usdm", symbol="BTCUSDT")
    with pytest.raises(UndertowError, match="time falls"):
        funding.observe(START - 1, at_premium(0))
    with pytest.raises(UndertowError, match="mark price: expected more than 0"):
        funding.observe(START, at_premium(0), mark=0)
    with pytest.raises(UndertowError, match="expected at least 1 hour, got 0"):
        funding_of("binance-usdm", interval_h=0)
    with pytest.raises(UndertowError, match="maintenance rate: expected more than 0"):
        funding_of("binance-usdm", maintenance_rate=0)
    with pytest.raises(UndertowError, match=r"cme: no rule says funding\.model"):
        funding_of("cme")
    lost = load("binance-usdm", START).with_values({"funding.interest_rate": None}, "what if")
    unknown = Funding(lost, START, "DOGEUSDT")
    unknown.observe(START, at_premium("0.001"))
    with pytest.raises(UndertowError, match=r"funding\.interest_rate; give it with rules\.with_v"):
        unknown.due(START + 8 * HOUR)


def test_accrual_and_settlements_do_not_follow_each_other() -> None:
    for one, other in (("deribit", "okx"), ("okx", "deribit")):
        with pytest.raises(UndertowError, match="accrues in another way now"):
            funding_of(one).follow(START, load(other, START))


SEEN = st.lists(st.tuples(st.integers(0, 4_000), st.integers(-300, 300)), min_size=1, max_size=10)


@settings(max_examples=60, deadline=None)
@given(
    seen=SEEN,
    venue=st.sampled_from(["binance-usdm", "bybit", "okx", "hyperliquid", "gate", "lighter"]),
    questions=st.lists(st.integers(0, 4_000), max_size=4),
)
def test_when_one_asks_changes_nothing(
    seen: list[tuple[int, int]], venue: str, questions: list[int]
) -> None:
    plain = funding_of(venue, symbol="DOGEUSDT", seed=3)
    asked = funding_of(venue, symbol="DOGEUSDT", seed=3)
    now, times = START, []
    collected: list[Payment] = []
    for wait_s, _ in seen:
        now += wait_s * SECOND
        times.append(now)
    ends = [*times[1:], now + 9 * HOUR]
    for (_, basis_points), start, end in zip(seen, times, ends, strict=True):
        market = at_premium(Decimal(basis_points) / 10_000)
        plain.observe(start, market)
        asked.observe(start, market)
        for moment in sorted(start + second * SECOND + 1 for second in questions):
            if moment < end:
                asked.expected(moment)
                collected += asked.due(moment)
    payments = plain.due(ends[-1])
    collected += asked.due(ends[-1])
    assert [one.due_ns for one in payments] == [one.due_ns for one in collected]
    for here, there in zip(payments, collected, strict=True):
        assert abs(here.rate - there.rate) < Decimal("1e-22")
        assert here.samples == there.samples
    assert payments
    assert all(one.due_ns % HOUR == 0 for one in payments)
    cap = plain.cap
    assert cap is None or all(abs(one.rate) <= cap for one in payments)


@settings(max_examples=40, deadline=None)
@given(seen=SEEN)
def test_an_average_lies_between_its_samples(seen: list[tuple[int, int]]) -> None:
    funding = funding_of("binance-usdm", symbol="DOGEUSDT")
    now = START
    for wait_s, basis_points in seen:
        now += wait_s * SECOND
        funding.observe(now, at_premium(Decimal(basis_points) / 10_000))
    low = min(basis for _, basis in seen) / Decimal(10_000)
    high = max(basis for _, basis in seen) / Decimal(10_000)
    for payment in funding.due(now + 8 * HOUR):
        if payment.premium is not None:
            assert low - Decimal("1e-20") <= payment.premium <= high + Decimal("1e-20")


@settings(max_examples=40, deadline=None)
@given(
    seen=st.lists(
        st.tuples(st.integers(0, 900_000), st.integers(-300, 300)), min_size=1, max_size=8
    ),
    interval_h=st.sampled_from([1, 2]),
)
def test_an_average_is_that_of_the_formula(seen: list[tuple[int, int]], interval_h: int) -> None:
    """Sample by sample by hand, then the public formula on the list."""
    funding = funding_of("binance-usdm", symbol="DOGEUSDT", interval_h=interval_h)
    now = START
    views = []
    for place, (wait_ms, basis_points) in enumerate(seen):
        now += wait_ms * 10**6 if place else 0  # the first view is there from the start
        if now > START + interval_h * HOUR:
            break
        views.append((now, Decimal(basis_points) / 10_000))
        funding.observe(now, at_premium(views[-1][1]))
    payment = funding.due(START + interval_h * HOUR)[0]
    step = 5 * SECOND
    samples = [
        [premium for ts_ns, premium in views if ts_ns <= moment][-1]
        for moment in range(START + step, START + interval_h * HOUR + 1, step)
    ]
    formula = binance_usdm_rates.average_premium(samples, interval_h)
    assert payment.premium is not None
    assert abs(payment.premium - formula) < Decimal("1e-22")
    rate = binance_usdm_rates.funding_rate(formula, interval_h, cap="0.02")
    assert abs(payment.rate - rate) < Decimal("1e-22")
