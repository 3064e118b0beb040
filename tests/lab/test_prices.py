"""Index and marks of a run beside the venues' exact methods, on prices that wander."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from undertow.errors import UndertowError
from undertow.lab.prices import Prices
from undertow.model.periods import SECOND_NS, time_ns
from undertow.venues import rulebook
from undertow.venues.prices.index import Constituent, Index
from undertow.venues.prices.mark import mark_of
from undertow.venues.prices.market import Market
from undertow.venues.prices.payment import Payment

START_NS = time_ns("2025-11-03T00:00:00Z")
HOUR_NS = 3600 * SECOND_NS
DAY = "2025-11-03"
STEPS = 1200
EVE = 100_000.0
TICK = 0.1  # of BTCUSDT at most of them


def wander(seed: int) -> dict[str, np.ndarray]:
    """Index, bid, ask and last by second: the basis comes and goes, once there is a jump."""
    dice = np.random.default_rng(seed)
    index = EVE * np.exp(np.cumsum(dice.normal(0, 3e-4, STEPS)))
    index[900:] *= 0.97
    basis = np.cumsum(dice.normal(0, 2, STEPS)) + dice.normal(0, 15, STEPS)
    mid, half = index + basis, dice.uniform(0.5, 30, STEPS)
    return {"index": index, "bid": mid - half, "ask": mid + half,
            "last": mid + half * dice.choice([-1, 1], STEPS)}  # fmt: skip


def vectorised(rules: list[rulebook.Rules], paths: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Marks ``(steps, venues)`` of one asset, under one index; each venue has its own book."""
    count = len(rules)
    prices = Prices([None, *rules], np.array([1.0] + [0.0] * count), 1, 1.0)
    prices.funding_rate[:] = 0.0003
    prices.next_funding_ns[:] = START_NS + 2 * HOUR_NS
    marks = []
    for step in range(STEPS):
        index = np.full((count + 1, 1), np.nan)
        index[0] = paths[0]["index"][step]
        prices.outside(index, np.ones(count + 1), np.zeros(count + 1, np.bool_))
        bid, ask, last = (
            np.array([[np.nan], *([one[name][step]] for one in paths)])
            for name in ("bid", "ask", "last")
        )
        marks.append(prices.update(START_NS + step * SECOND_NS, bid, ask, last)[1:, 0].copy())
    return np.array(marks)


def exact(
    rules: rulebook.Rules, path: dict[str, np.ndarray], perpetuals: dict[str, np.ndarray]
) -> np.ndarray:
    mark = mark_of(rules)
    marks = []
    for step in range(STEPS):
        ts_ns = START_NS + step * SECOND_NS
        bid, ask = path["bid"][step], path["ask"][step]
        mark.observe(ts_ns, Market.seen(
            path["index"][step], bid=bid, ask=ask, last=path["last"][step],
            impact_bid=bid, impact_ask=ask,
            perpetuals={name: mids[step] for name, mids in perpetuals.items()},
        ))  # fmt: skip
        if step == 0:
            mark.fund(Payment(START_NS - 6 * HOUR_NS, Decimal("0.0003"), START_NS + 2 * HOUR_NS))
        marks.append(float(mark.mark(ts_ns)))
    return np.array(marks)


@pytest.mark.parametrize("venue", ["binance-usdm", "bybit", "bitmex"])
def test_marks_of_one_second_samples_agree_to_the_tick(venue: str) -> None:
    rules = rulebook.load(f"{venue}@{DAY}")
    path = wander(2)
    difference = vectorised([rules], [path])[:, 0] - exact(rules, path, {})
    assert np.abs(difference).max() < TICK


# Bitget samples every 5 s and OKX every 60 s, a run every step; Deribit's average decays, a run's
# does not. HTX's and Hyperliquid's averages begin otherwise: looked at after ten minutes.
@pytest.mark.parametrize(
    ("venue", "most_usd"), [("bitget", 5.0), ("okx", 30.0), ("deribit", 10.0), ("htx", TICK)]
)
def test_other_marks_stay_within_a_few_dollars(venue: str, most_usd: float) -> None:
    rules = rulebook.load(f"{venue}@{DAY}")
    path = wander(1)
    difference = vectorised([rules], [path])[:, 0] - exact(rules, path, {})
    assert np.abs(difference[600:]).max() < most_usd


def test_hyperliquid_looks_at_other_venues() -> None:
    names = ("binance-usdm", "okx", "bybit", "hyperliquid")
    rules = [rulebook.load(f"{name}@{DAY}") for name in names]
    own = wander(1)
    paths = [
        {name: prices + (shift if name != "index" else 0.0) for name, prices in own.items()}
        for shift in (0.0, 12.0, -9.0, 4.0)
    ]
    mids = {name.partition("-")[0]: (path["bid"] + path["ask"]) / 2
            for name, path in zip(names[:3], paths, strict=False)}  # fmt: skip
    difference = vectorised(rules, paths)[:, 3] - exact(rules[3], paths[3], mids)
    assert np.median(np.abs(difference)) < TICK
    assert np.abs(difference[600:]).max() < 5.0


def test_a_model_that_does_not_say_its_window_is_refused() -> None:
    rules = rulebook.load(f"binance-usdm@{DAY}")
    mark = rules.mark.model_copy(update={"basis_window_s": None})
    blank = rules.model_copy(update={"mark": mark})
    with pytest.raises(UndertowError, match="no rule says over how long its mark averages"):
        Prices([blank], np.zeros(1), 1, 1.0)


def index_of(prices: list[float], quote: float = 1.0, halted: int | None = None) -> np.ndarray:
    """The index of three spot markets, in the quote of a fourth venue."""
    made = Prices([None] * 4, np.array([0.5, 0.3, 0.2, 0.0]), 1, 1.0)
    made.index[:] = 1.0
    stopped = np.zeros(4, np.bool_)
    if halted is not None:
        stopped[halted] = True
    return made.outside(np.array([*prices, np.nan])[:, None], np.array([1, 1, 1, quote]), stopped)


def test_the_index_is_the_weighted_mean() -> None:
    dice = np.random.default_rng(4)
    rules = rulebook.load(f"binance-usdm@{DAY}")
    for number in range(20):
        spot = (EVE * (1 + dice.uniform(-0.02, 0.02, 3))).tolist()
        sources = [
            Constituent(f"spot{place}", price, START_NS + number, "USDT", weight=weight)
            for place, (price, weight) in enumerate(zip(spot, (0.5, 0.3, 0.2), strict=True))
        ]
        found = Index(rules, "USDT").price(START_NS + number, sources).price
        assert index_of(spot)[3, 0] == pytest.approx(float(found or 0), abs=TICK / 10)


def test_an_outlier_is_pulled_to_the_median() -> None:
    assert index_of([100.0, 100.0, 50.0])[3, 0] == pytest.approx(0.8 * 100 + 0.2 * 95)


def test_a_market_without_a_price_or_halted_is_left_out() -> None:
    assert index_of([100.0, 102.0, np.nan])[3, 0] == pytest.approx((50 + 30.6) / 0.8)
    assert index_of([100.0, 102.0, 104.0], halted=2)[3, 0] == pytest.approx((50 + 30.6) / 0.8)
    assert index_of([np.nan] * 3)[3, 0] == 1.0  # the index stays
    assert index_of([100.0] * 3, quote=0.97)[3, 0] == pytest.approx(100 / 0.97)
