"""Figures held against a tape: when a price, a low, a change, a flow was there, or never was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from claims.reports import DAY, article, claim, held, said
from measures import Bar, bars_of, tape_of
from undertow.claims.reconcile import Statement
from undertow.tape import Tape

HOUR_ROWS: list[Bar] = [
    *[(100.0, 101.0, 99.5, 100.0)] * 24,  # the day before
    *[(100.0, 100.5, 99.0, 100.0)] * 10,
    (100.0, 100.2, 96.0, 97.0),  # 10:00
    *[(97.0, 98.0, 96.5, 97.0)] * 5,
    (97.0, 97.0, 91.0, 93.0),  # 16:00: the low
    *[(93.0, 95.0, 92.5, 94.0)] * 7,
]


@pytest.fixture
def tape() -> Tape:
    return tape_of(bars_of(HOUR_ROWS, start="2031-05-05T00:00:00Z", interval="1h"))


def price(value: float, sentence: str, **fields: Any) -> Statement:
    """The verdict on a price in a sentence; ``{}`` is where it stands."""
    return verdict(value, sentence, "price", **fields)


def verdict(value: float, sentence: str, metric: str, **fields: Any) -> Statement:
    tape = fields.pop("tape")
    span = f"{abs(value):g}"
    usual = {"asset": "BTC", **fields}
    made = claim(span, value, metric, **usual)
    return said(held(article("A", made, text=sentence.format(span)), tape=tape), "A")


def test_a_price_is_placed_at_the_time_it_was_traded(tape: Tape) -> None:
    found = price(97, "Bitcoin trades at ${}.", tape=tape)
    assert found.verdict == "consistent"
    assert found.evidence[0].start == f"{DAY}T10:00:00Z"


def test_a_price_that_never_was_is_contradicted(tape: Tape) -> None:
    found = price(120, "Bitcoin trades at ${}.", tape=tape)
    assert found.verdict == "contradicted"
    assert "between 91 and 100.5" in found.evidence[0].text


def test_a_price_of_another_day_is_explained(tape: Tape) -> None:
    found = price(101, "Bitcoin trades at ${}.", as_of="2031-05-06T20:00Z", tape=tape)
    assert (found.verdict, found.evidence[0].by) == ("explained", "as-of")


def test_a_low_is_the_running_low_of_its_time(tape: Tape) -> None:
    final = price(91, "Bitcoin fell to a low of ${}.", tape=tape)
    assert final.verdict == "consistent"
    assert final.evidence[0].start == f"{DAY}T16:00:00Z"
    noon = price(96, "Bitcoin fell to a low of ${}.", tape=tape)
    assert (noon.verdict, noon.evidence[0].by) == ("explained", "as-of")
    never = price(85, "Bitcoin fell to a low of ${}.", tape=tape)
    assert never.verdict == "contradicted"


def test_just_over_a_level_that_was_broken_is_contradicted(tape: Tape) -> None:
    found = price(92, "Bitcoin slipped to just over ${} on Monday.", qualifier=">", tape=tape)
    assert found.verdict == "contradicted"


def test_below_a_level_says_when_first(tape: Tape) -> None:
    found = price(97, "Bitcoin traded below ${}.", qualifier="<", tape=tape)
    assert found.verdict == "consistent"
    assert found.evidence[0].start == f"{DAY}T10:00:00Z"
    assert price(80, "Bitcoin traded below ${}.", qualifier="<", tape=tape).verdict == (
        "contradicted"
    )


def change(value: float, window: str, **fields: Any) -> Statement:
    return verdict(value, "Bitcoin lost {}%.", "price_change", unit="pct", window=window, **fields)


def test_a_change_is_placed_on_the_candles(tape: Tape) -> None:
    day = change(-7.0, "24h", tape=tape)
    assert day.verdict == "consistent"
    assert day.evidence[0].start == f"{DAY}T17:00:00Z"
    assert day.evidence[0].value == pytest.approx(-7.0)


def test_more_than_a_percentage_from_open_to_low_is_found_as_such(tape: Tape) -> None:
    found = change(-9.0, "24h", tape=tape)
    assert (found.verdict, found.evidence[0].by) == ("explained", "window")
    assert "open to its low" in found.evidence[0].text
    assert change(-9.0, "day", tape=tape).verdict == "consistent"


def test_a_change_that_never_was_is_contradicted_with_the_nearest(tape: Tape) -> None:
    found = change(-15.0, "24h", tape=tape)
    assert found.verdict == "contradicted"
    assert found.evidence[0].value == pytest.approx(-7.0)


def test_price_and_change_of_one_sentence_are_found_at_one_time(tape: Tape) -> None:
    claims = (
        claim("6%", -6.0, "price_change", asset="BTC", unit="pct", window="24h"),
        claim("$94", 94, "price", asset="BTC"),
    )
    answer = held(article("A", *claims, text="Bitcoin is down 6% at $94."), tape=tape)
    found = said(answer, "A")
    assert found.verdict == "consistent"
    assert "when the price was near 94" in found.evidence[0].text


def test_fund_flows_of_a_day_and_of_a_week() -> None:
    days = ["2031-04-28", "2031-04-29", "2031-04-30", "2031-05-01", "2031-05-02", "2031-05-05"]
    flows = pl.DataFrame(
        {
            "ts": pl.Series(days).str.to_datetime(time_unit="ns", time_zone="UTC"),
            "entity": ["FUND"] * 6, "kind": ["etf"] * 6, "asset": ["BTC"] * 6,
            "interval": ["1d"] * 6, "amount": [None] * 6,
            "usd": [-10e6, -20e6, 5e6, -30e6, -45e6, -120e6],
        },
        schema_overrides={"amount": pl.Float64},
    )  # fmt: skip
    tape = Tape.from_frames({"flows": flows})

    def flow(value: float, window: str, as_of: str) -> Statement:
        made = claim("X", value, "etf_flow", asset="BTC", window=window, as_of=as_of)
        return said(held(article("A", made), tape=tape), "A")

    assert flow(-120e6, "day", "2031-05-05").verdict == "consistent"
    assert flow(-100e6, "7d", "2031-05-02").verdict == "consistent"
    assert flow(-75e6, "5d", "2031-05-02").verdict == "explained"
    assert flow(-400e6, "day", "2031-05-05").verdict == "contradicted"


def test_without_a_tape_nothing_is_said_about_prices() -> None:
    made = claim("$97", 97, "price", asset="BTC")
    assert said(held(article("A", made)), "A").verdict == "unsupported"


@pytest.fixture(scope="module")
def sliding() -> Tape:
    """Ten days of a slow slide, of 1.5 % a day."""
    closes = [100.0 * 0.985 ** (hour / 24) for hour in range(11 * 24)]
    rows: list[Bar] = [(one, one, two, two) for one, two in pairwise(closes)]
    return tape_of(bars_of(rows, start="2031-04-26T00:00:00Z", interval="1h"))


def test_a_single_day_is_not_explained_by_a_week(sliding: Tape) -> None:
    day = change(-10.0, "day", tape=sliding)
    assert day.verdict == "contradicted"
    assert "the change over 7d has it" in day.evidence[0].text
    week = change(-10.0, "7d", tape=sliding)
    assert week.verdict == "consistent"
    unnamed = verdict(-10.0, "Bitcoin lost {}%.", "price_change", unit="pct", tape=sliding)
    assert (unnamed.verdict, unnamed.evidence[0].by) == ("explained", "window")


def test_a_day_on_which_it_stood_so_far_below_its_high_is_no_change_of_that_day(
    sliding: Tape,
) -> None:
    text = "Bitcoin was {}% off its peak on Tuesday."
    found = verdict(-10.0, text, "price_change", unit="pct", window="day", tape=sliding)
    assert found.verdict == "explained"


def test_nothing_is_contradicted_by_a_window_that_was_guessed(tape: Tape) -> None:
    named = change(-30.0, "24h", tape=tape)
    assert named.verdict == "contradicted"
    guessed = change(-30.0, "24h", flags=("window missing",), tape=tape)
    assert guessed.verdict == "unsupported"
    assert "the text names no window" in guessed.evidence[0].text


def test_a_price_below_which_it_fell_is_no_high(tape: Tape) -> None:
    found = price(96, "From its high, bitcoin was falling beneath ${}.", tape=tape)
    assert found.aspect == "level"
    assert found.verdict == "consistent"
