"""Superlatives are checked on the data; causes are not proven by what came before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from claims.reports import article, held, said
from measures import Bar, bars_of, tape_of
from undertow.claims.claim import Claim
from undertow.claims.reconcile import Statement
from undertow.tape import Tape

# Days of 2031 from 1 January: the price was last below 90 on 20 February, below 95 on 10 April.
FIRST = datetime(2031, 1, 1, tzinfo=UTC)
DAYS = 126  # to 6 May


def day(number: int) -> Bar:
    when = FIRST + timedelta(days=number)
    low = {(2, 20): 85.0, (4, 10): 92.0, (5, 6): 89.0}.get((when.month, when.day), 100.0)
    return (110.0, 112.0, low, 110.0)


@pytest.fixture(scope="module")
def tape() -> Tape:
    rows = [day(n) for n in range(DAYS)]
    return tape_of(bars_of(rows, start="2031-01-01T00:00:00Z", interval="1d"))


def words(span: str, sentence: str, tape: Tape | None, kind: str = "superlative") -> Statement:
    claim = Claim(metric="other", kind=kind, span=span, as_of="2031-05-06", asset="BTC")
    return said(held(article("A", claim, text=sentence, published="2031-05-06"), tape=tape), "A")


@pytest.mark.parametrize(
    ("span", "verdict"),
    [
        ("lowest since February", "consistent"),
        ("lowest since late February", "consistent"),
        ("lowest since early February", "contradicted"),
        ("lowest since April", "contradicted"),
        ("lowest in a month", "contradicted"),
        ("lowest in over 10 weeks", "consistent"),
    ],
)
def test_lowest_since(span: str, verdict: str, tape: Tape) -> None:
    found = words(span, f"Bitcoin fell, the {span}.", tape)
    assert found.verdict == verdict
    assert "2031-02-20" in found.evidence[0].text


def test_the_first_time_below_a_level(tape: Tape) -> None:
    sentence = "Bitcoin fell below $95 for the first time since {}."
    right = words("first time since April", sentence.format("April"), tape)
    assert right.verdict == "consistent"
    wrong = words("first time since March", sentence.format("March"), tape)
    assert wrong.verdict == "contradicted"
    assert "2031-04-10" in wrong.evidence[0].text


def test_what_no_data_can_tell_is_not_judged(tape: Tape) -> None:
    worst = words("worst wave of liquidations since April", "The worst wave since April.", tape)
    assert worst.verdict == "cannot be checked"
    assert words("lowest since April", "The lowest since April.", None).verdict == (
        "cannot be checked"
    )


def test_a_cause_is_not_proven_by_order() -> None:
    events = pl.DataFrame(
        {
            "ts": pl.Series(["2031-05-05T09:00:00"]).str.to_datetime(
                time_unit="ns", time_zone="UTC"
            ),
            "kind": ["hack"], "title": ["A bridge is drained"], "source": ["made"],
            "precision": ["minute"],
        }
    )  # fmt: skip
    tape = Tape.from_frames({"events": events})
    found = words("triggered by a hack", "It was triggered by a hack.", tape, kind="causal")
    assert found.verdict == "cannot be checked"
    assert "A bridge is drained" in found.evidence[0].text


def test_the_strongest_month_by_mean_and_median() -> None:
    # Ten years of days; each November rises, all else is flat.
    start, price, rows = datetime(2020, 1, 1, tzinfo=UTC), 100.0, []
    for number in range(3653 + 120):
        when = start + timedelta(days=number)
        price *= 1.004 if when.month == 11 else 1.0
        rows.append((price, price, price, price))
    tape = tape_of(
        bars_of(rows, start="2020-01-01T00:00:00Z", interval="1d", venue="index", symbol="BTC")
    )
    claim = Claim(metric="other", kind="superlative", span="strongest month", asset="BTC",
                  as_of="2030-04-01")  # fmt: skip
    for month, verdict in (("November", "consistent"), ("June", "explained")):
        text = f"{month} is the strongest month for Bitcoin."
        answer = held(article("A", claim, text=text, published="2030-04-01"), tape=tape)
        assert said(answer, "A").verdict == verdict
        assert "first by mean: November" in said(answer, "A").evidence[0].text
