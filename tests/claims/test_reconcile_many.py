"""Thousands of claims about one quantity: bounded in time, and judged as a few would be."""

from __future__ import annotations

import time
from typing import Any

import pytest

from claims.reports import article, claim, held, said, total
from undertow.claims.claim import Claim
from undertow.claims.reconcile import Source
from undertow.claims.reconcile.by_value import MOST_BESIDE, ByValue

COUNT = 800
# It takes less than a second; every pair, let alone every triple of them, would take minutes.
MOST_SECONDS = 4.0


def one_text(metrics: tuple[str, ...]) -> list[Source]:
    claims = [_claim(n, metrics[n % len(metrics)]) for n in range(COUNT)]
    return [article("A", *claims)]


def _claim(number: int, metric: str) -> Claim:
    if metric == "price_change":
        return claim(f"{3 + number / 1000:.3f}%", -3 - number / 1000, metric, unit="pct",
                     asset="BTC", window="24h")  # fmt: skip
    return claim(f"${100_000 + number}", 100_000.0 + number, metric, asset="BTC")


def many_texts(metric: str) -> list[Source]:
    minutes = [f"2031-05-06T{n // 60 % 24:02d}:{n % 60:02d}Z" for n in range(COUNT)]
    if metric == "liquidations":
        return [total(f"P{n}", 1 + n / 10_000, minutes[n]) for n in range(COUNT)]
    return [article(f"P{n}", _claim(n, metric)) for n in range(COUNT)]


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(lambda: one_text(("price", "price_change")), id="levels and changes"),
        pytest.param(lambda: one_text(("market_cap", "market_cap_change")), id="capitalisation"),
        pytest.param(lambda: one_text(("holdings", "holdings_change", "debt")), id="holdings"),
        pytest.param(lambda: many_texts("liquidations"), id="a rolling series"),
        pytest.param(lambda: many_texts("price"), id="prices"),
        pytest.param(lambda: many_texts("loss"), id="losses"),
    ],
)
def test_many_claims_of_one_quantity(sources: Any) -> None:
    given = sources()
    start = time.process_time()
    answer = held(*given)
    assert time.process_time() - start < MOST_SECONDS
    assert len(answer.statements) == COUNT


def test_a_figure_among_thousands_finds_those_that_agree() -> None:
    many = many_texts("loss")
    twin = article("Twin", _claim(600, "loss"))
    answer = held(*many, twin)
    assert said(answer, "Twin").verdict == "consistent"


def test_near_in_value_keeps_all_of_few_and_the_order() -> None:
    answer = held(*[article(f"P{n}", _claim(n, "loss")) for n in range(5)])
    items = answer.statements
    assert ByValue(items).near(0.0) == items
    assert [i.publisher for i in ByValue(items).within(100_002.0, 1.5e-5)] == ["P1", "P2", "P3"]
    many = held(*many_texts("loss")).statements
    near = ByValue(many).near(100_500.0)
    assert len(near) == 2 * MOST_BESIDE
    assert {i.publisher for i in near} == {
        f"P{n}" for n in range(500 - MOST_BESIDE, 500 + MOST_BESIDE)
    }


def test_support_counts_independent_sources_within_a_fraction() -> None:
    sources = [article(name, claim(f"${value}", value, "loss")) for name, value in
               (("A", 100.0), ("B", 100.5), ("b", 100.6), ("C", 103.0), ("D", 250.0))]  # fmt: skip
    items = held(*sources).statements
    counts = ByValue(items).support(0.01)
    assert [counts[item.id] for item in items] == [2, 2, 2, 1, 1]
