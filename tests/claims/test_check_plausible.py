"""``claims check`` on what is absurd, half true and true: no figure ever vouches for itself."""

from __future__ import annotations

import json

import pytest

from claims.reports import article, claim, held, said, undertow
from undertow.claims.reconcile import Source, reconcile
from undertow.claims.reconcile.one_sentence import Checked, check_sentence
from undertow.tape import Tape

MORNING, MIDNIGHT = "2025-11-04T11:00Z", "2025-11-05T00:00Z"


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.open("2025-11-04")


def checked(sentence: str, at: str, tape: Tape | None) -> Checked:
    return check_sentence(sentence, at, tape=tape, tape_name="2025-11-04")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("BTC open interest fell 77%", "-9.39 %"),
        ("bitcoin dominance 99%", "60.1 %"),
        ("Bitcoin open interest 500 billion", "154 billion USD"),
        ("900 billion liquidated in 24h", "1.37 billion USD"),
        ("40 million traders were liquidated in 24 hours", "339,448"),
        ("Solana liquidations reached $3 billion in 24 hours", "156 million USD"),
        ("Dogecoin liquidations reached $5 billion in 24 hours", "2.03 billion USD"),
        ("The largest single liquidation order was $3 billion on Binance", "47.87 million USD"),
        ("$6 billion liquidated in 4 hours", "2.03 billion USD"),
        ("Stream Finance lost $9.3 billion", "93 million USD"),
        ("The total crypto market cap is $20 trillion", "3.474 trillion USD"),
        ("Bitcoin funding rate is 25%", "+0.0100 %"),
        ("Bitcoin trading volume reached $900 trillion in 24 hours", "51.27 billion USD"),
        ("Strategy holds 30 million BTC", "21 million BTC"),
        ("Bitcoin fell 120%", "100 %"),
        ("Ether fell to $30", "3,460"),
    ],
)
def test_what_is_far_outside_all_that_is_known_is_contradicted(
    sentence: str, told: str, tape: Tape
) -> None:
    ((item, group),) = checked(sentence, MORNING, tape).statements
    assert item.verdict == "contradicted"
    assert any(told in e.text for e in item.evidence if e.verdict == "contradicted")
    best = group.best_for(item)
    assert best is None or best.value != pytest.approx(item.value, rel=0.1)
    assert item.publisher not in (best.sources if best else [])


@pytest.mark.parametrize(
    ("sentence", "at", "verdict"),
    [
        ("1.37 billion liquidated in 24h", MORNING, "consistent"),
        ("2.03 billion liquidated in 24h", MIDNIGHT, "consistent"),
        ("2.03 billion liquidated in 24h", MORNING, "contradicted"),  # so much was it later
        ("473,500 traders were liquidated in 24 hours", MIDNIGHT, "consistent"),
        ("Bitcoin fell below $100,000", MORNING, "contradicted"),
        ("Bitcoin dominance stands at 60%", MORNING, "consistent"),
        ("Bitcoin funding rate is 0.01%", MORNING, "consistent"),
        ("80% of liquidations were longs", MIDNIGHT, "consistent"),
        ("Stream Finance lost $93 million", MORNING, "consistent"),
        ("xUSD fell to $0.26", MIDNIGHT, "consistent"),
        ("Balancer was hacked for $1.3 million", MORNING, "unsupported"),
        ("$300 million liquidated in one hour", MORNING, "unsupported"),
        # A venue has a part of what all have, however small.
        ("Open interest on Binance fell to $3 billion", "2025-11-04", "unsupported"),
        ("$614 million of bitcoin positions were liquidated in 24h", MIDNIGHT, "explained"),
    ],
)
def test_what_is_true_half_true_or_too_early(
    sentence: str, at: str, verdict: str, tape: Tape
) -> None:
    ((item, _),) = checked(sentence, at, tape).statements
    assert item.verdict == verdict, [e.text for e in item.evidence]


def test_without_a_tape_the_library_still_says_what_cannot_be() -> None:
    ((item, group),) = checked("bitcoin dominance 99%", "2025-11-04", None).statements
    assert item.verdict == "contradicted"
    assert group.best[0].value == 60.1
    ((item, group),) = checked("900 billion liquidated in 24h", "2025-08-01", None).statements
    assert item.verdict == "contradicted"
    assert "19.31 billion USD" in item.evidence[0].text
    assert group.best_for(item) is None


def test_the_command_gives_no_best_estimate_that_is_the_sentence_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "Bitcoin volatility rose to 900%"
    run = undertow(capsys, "claims", "check", text, "--at", MORNING)
    assert "unsupported" in run.stdout
    assert "best estimate" not in run.stdout
    run = undertow(capsys, "claims", "check", text, "--at", MORNING, "--json")
    (figure,) = json.loads(run.stdout)["figures"]
    assert figure["best_estimate"] is None
    assert figure["off_by"] is None


def test_two_texts_with_one_impossible_figure_do_not_make_it_possible() -> None:
    def text(publisher: str) -> Source:
        share = claim("99%", 99.0, "dominance", unit="pct", asset="BTC", as_of="2025-11-04")
        return article(publisher, share, published="2025-11-04")

    answer = reconcile([text("One"), text("Two")])
    for publisher in ("One", "Two"):
        (item,) = [i for i in answer.statements if i.publisher == publisher]
        assert item.verdict == "contradicted"


def test_a_sum_blames_the_figure_that_it_names_and_not_the_one_beside_it() -> None:
    closed = claim("$614 million", 614e6, asset="BTC")
    level = claim("$70 million", 70e6, "open_interest", asset="BTC")
    answer = held(article("One", closed), article("Two", level))
    assert said(answer, "Two").verdict == "contradicted"
    assert said(answer, "One").verdict != "contradicted"
