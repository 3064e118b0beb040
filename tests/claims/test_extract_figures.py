"""Figures as articles write them: marks, scales, units, signs, ranges; and what is no figure."""

from __future__ import annotations

import pytest

from undertow.claims.quantities import Quantity, quantities
from undertow.claims.timephrases import time_phrases


def figures(text: str) -> list[Quantity]:
    return quantities(text, time_phrases(text))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$1.37B", 1.37e9, "USD"),
        ("1.37 billion dollars", 1.37e9, "USD"),
        ("USD 1.3bn", 1.3e9, "USD"),
        ("US$105,000", 105_000, "USD"),
        ("US $1.3 billion", 1.3e9, "USD"),
        ("$2.01 T", 2.01e12, "USD"),
        ("$101 033", 101_033, "USD"),
        ("1,36 billion dollars", 1.36e9, "USD"),
        ("$104,956.80", 104_956.8, "USD"),
        ("$87mln", 87e6, "USD"),
        ("two billion dollars", 2e9, "USD"),
        ("half a billion dollars", 5e8, "USD"),
        ("87 cents", 0.87, "USD"),
        ("€5m", 5e6, "EUR"),
        ("$100k", 100_000, "USD"),
        ("$82K", 82_000, "USD"),
        ("$.65", 0.65, "USD"),
        ("5.6%", 5.6, "pct"),
        ("12 per cent", 12, "pct"),
        ("25 bps", 25, "bps"),
        ("10x", 10, "x"),
        ("473,500", 473_500, ""),
        ("1.6 million", 1.6e6, ""),
        ("a third of", 33, "pct"),
    ],
)
def test_a_figure_is_read(text: str, value: float, unit: str) -> None:
    (figure,) = figures(f"It was {text} then")
    assert (figure.low, figure.high, figure.unit) == (pytest.approx(value), figure.low, unit)


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("5-10%", 5, 10, "pct"),
        ("$100k-$105K", 100_000, 105_000, "USD"),
        ("$98,000 to $100,000", 98_000, 100_000, "USD"),
        ("between 5% and 6%", 5, 6, "pct"),
        ("$1.2-1.5 billion", 1.2e9, 1.5e9, "USD"),
        ("$18–19 million", 18e6, 19e6, "USD"),
        ("3 to 4 percent", 3, 4, "pct"),
        ("$120,500–$116,000", 116_000, 120_500, "USD"),
    ],
)
def test_a_range_is_one_figure(text: str, low: float, high: float, unit: str) -> None:
    (figure,) = figures(f"It was {text} then")
    assert (figure.low, figure.high, figure.unit) == (low, high, unit)
    assert figure.is_range


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("It fell from $22 to $4.", [22, 4]),
        ("It shrank by $500 billion to $1.6 trillion.", [5e11, 1.6e12]),
        ("It rose from 3 to 4 percent.", [3, 4]),
        ("From a 24-hour top of $3,649 to $3,097.", [3649, 3097]),
    ],
)
def test_a_path_is_two_figures(text: str, values: list[float]) -> None:
    assert [figure.low for figure in figures(text)] == values


@pytest.mark.parametrize(
    ("text", "sign", "qualifier"),
    [
        ("(-9.3%)", -1, "="),
        ("+3%", 1, "="),
        ("the low-$110,000s", 0, "="),
        ("over $2 billion", 0, ">"),
        ("nearly 90%", 0, "near"),
        ("an estimated $284 million", 0, "~"),
        ("at least 11%", 0, ">="),
        ("up to $16 million", 0, "<="),
        ("327,000+ traders", 0, ">"),
        ("just under $106,000", 0, "<"),
        ("~$2.02T", 0, "~"),
    ],
)
def test_signs_and_qualifiers(text: str, sign: int, qualifier: str) -> None:
    (figure,) = figures(f"it was {text}")
    assert (figure.sign, figure.qualifier) == (sign, qualifier)


@pytest.mark.parametrize(
    "text",
    [
        "On November 4, 2025 at 02:35 a.m. Moscow time",
        "in the past 24 hours, the past 48h and over three days",
        "Q3 of 2025, since 2018, in 2020-21",
        "on the 6th straight day, 4 Nov. and 2025-11-04T03:00Z",
        "https://example.org/2025/11/04/1234567 and 0x5aef00123456",
        "the 2020s",
    ],
)
def test_times_are_no_figures(text: str) -> None:
    assert figures(text) == []


def test_what_spans_hold_is_the_text() -> None:
    text = "Longs lost $1.4B (80%), shorts US$300M; 387,000 traders, 641,205 in all."
    spans = [text[f.start : f.end] for f in figures(text)]
    assert spans == ["$1.4B", "80%", "US$300M", "387,000", "641,205"]
