"""Causes: the order of events, and what a flow or an event alone would have brought about."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from claims.reports import article, claim, held, said
from measures import bars_of, tape_of
from undertow.claims.claim import Claim
from undertow.claims.reconcile import Evidence, Statement
from undertow.model.periods import time_ns
from undertow.report.claims import reconciliation_page
from undertow.tape import Tape
from undertow.tape.frames import TIME

# 50 days of hours that go up and down by 1 %, then a fall of 10 % in five hours of 6 May 2031.
FIRST, FELL = "2031-03-17T00:00:00Z", "2031-05-06"
HOURS = 50 * 24
USD_AN_HOUR = 1e9 / 24  # so that a day trades a billion
DAILY_VOLATILITY = 0.0487  # sqrt(24) x log(1.01)


def flat() -> list[tuple[float, float, float, float]]:
    rows = []
    for hour in range(HOURS):
        first, last = (100.0, 101.0) if hour % 2 == 0 else (101.0, 100.0)
        rows.append((first, max(first, last), min(first, last), last))
    return rows


def falling(hours: int = 8) -> list[tuple[float, float, float, float]]:
    rows = [(100.0, 102.0, 100.0, 100.0)] * hours
    price = 100.0
    for _ in range(5):
        rows.append((price, price, price - 2.0, price - 2.0))
        price -= 2.0
    return [*rows, *[(price, price, price, price)] * (24 - len(rows))]


def event(title: str, at: str, precision: str = "hour") -> dict[str, Any]:
    return {"ts": time_ns(at), "kind": "hack", "title": title, "source": "made",
            "precision": precision}  # fmt: skip


def tape(*events: dict[str, Any], flows: pl.DataFrame | None = None, volume: bool = True) -> Tape:
    amount = USD_AN_HOUR / 100 if volume else 0.0
    candles = bars_of([*flat(), *falling()], start=FIRST, interval="1h", volume=amount)
    tables = {}
    if events:
        tables["events"] = pl.DataFrame(list(events)).with_columns(pl.col("ts").cast(TIME))
    if flows is not None:
        tables["flows"] = flows
    return tape_of(candles, **tables)


def fund_days(first: str, usd: list[float]) -> pl.DataFrame:
    step = 86_400_000_000_000
    start = time_ns(first)
    times = [start + n * step for n in range(len(usd))]
    rows = {"ts": times, "entity": "FUND", "kind": "etf", "asset": "BTC", "interval": "1d"}
    return pl.DataFrame({**rows, "usd": usd}).with_columns(pl.col("ts").cast(TIME))


def cause(
    span: str, text: str, on: Tape | None, *others: Claim, as_of: str = FELL
) -> Statement:  # fmt: skip
    own = Claim(metric="other", kind="causal", span=span, start=text.index(span), as_of=as_of,
                asset="BTC")  # fmt: skip
    answer = held(article("A", own, *others, text=text, published=FELL), tape=on)
    return next(item for item in answer.statements if item.claim.kind == "causal")


def change(text: str, span: str, value: float) -> Claim:
    return claim(span, value, "price_change", unit="pct", asset="BTC", window="24h",
                 start=text.index(span))  # fmt: skip


def outflow(text: str, span: str, usd: float, **fields: Any) -> Claim:
    return claim(span, usd, "etf_flow", asset="BTC", window="day", start=text.index(span),
                 **fields)  # fmt: skip


def by(item: Statement, name: str) -> Evidence:
    return next(e for e in item.evidence if e.by == name)


@pytest.mark.parametrize(
    ("millions", "verdict", "told"),
    [
        (1, "unsupported", "not enough by itself"),
        (1000, "explained", "it can be a part of it"),
        (5000, "consistent", "it could account for it"),
    ],
)
def test_a_flow_is_held_against_the_move(millions: int, verdict: str, told: str) -> None:
    span = f"because of outflows of ${millions} million"
    text = f"Bitcoin fell 10% {span}."
    size = f"${millions} million"
    found = cause(span, text, tape(), change(text, "10%", -10.0),
                  outflow(text, size, -millions * 1e6))  # fmt: skip
    assert found.verdict == verdict
    law = by(found, "counterfactual")
    assert told in law.text
    assert "of the fall of 10 %" in law.text
    # volatility x sqrt(flow / volume), from half of it at three times the volume to one and a half
    middle = 100 * DAILY_VOLATILITY * (millions / 1000) ** 0.5
    assert law.value == pytest.approx(middle, rel=0.02)
    assert law.low == pytest.approx(middle * 0.5 / 3**0.5, rel=0.02)
    assert law.high == pytest.approx(middle * 1.5, rel=0.02)
    assert (law.start, law.end) == ("2031-05-06T07:00:00Z", "2031-05-06T13:00:00Z")


def test_what_was_bought_makes_no_fall() -> None:
    text = "Bitcoin fell 10% because of inflows of $9 million."
    found = cause("because of inflows of $9 million", text, tape(), change(text, "10%", -10.0),
                  outflow(text, "$9 million", 9e6))  # fmt: skip
    assert found.verdict == "contradicted"
    assert "bought, which makes no fall" in by(found, "direction").text


def test_a_flow_of_the_next_day_is_no_cause() -> None:
    text = "Bitcoin fell 10% because of outflows of $9 million."
    late = outflow(text, "$9 million", -9e6, as_of="2031-05-07")
    found = cause("because of outflows of $9 million", text, tape(), change(text, "10%", -10.0),
                  late)  # fmt: skip
    assert found.verdict == "contradicted"
    assert "came on 2031-05-07" in by(found, "order").text


def test_a_flow_without_a_figure_is_read_from_the_tape() -> None:
    flows = fund_days("2031-02-01T00:00:00Z", [(-1) ** n * 2e6 for n in range(94)] + [-3e6])
    text = "Bitcoin fell 10% because of ETF outflows."
    found = cause("because of ETF outflows", text, tape(flows=flows), change(text, "10%", -10.0))
    assert found.verdict == "unsupported"
    assert "fund outflows of 3 million USD (the tape)" in by(found, "counterfactual").text


def test_forced_closings_are_taken_for_the_side_that_was_closed() -> None:
    text = "The drop of 10% in bitcoin was due to liquidations. Longs lost $900 million."
    longs = claim("$900 million", 9e8, side="long", start=text.index("$900"))
    found = cause("due to liquidations", text, tape(), change(text, "10%", -10.0), longs)
    assert found.verdict == "explained"
    assert "forced long closings of the whole market" in by(found, "counterfactual").text
    assert "follow a move as well as deepen it" in by(found, "counterfactual").text


def test_without_volume_no_impact_is_made_up() -> None:
    text = "Bitcoin fell 10% because of outflows of $9 million."
    found = cause("because of outflows of $9 million", text, tape(volume=False),
                  change(text, "10%", -10.0), outflow(text, "$9 million", -9e6))  # fmt: skip
    assert found.verdict == "cannot be checked"
    assert "too few days of volume" in by(found, "counterfactual").text


def test_an_event_is_no_verdict_even_where_the_hours_after_it_were_unusual() -> None:
    on = tape(event("The Bifrost bridge is drained", "2031-05-06T08:00:00Z"))
    text = "Bitcoin fell 10%, triggered by the Bifrost hack."
    found = cause("triggered by the Bifrost hack", text, on, change(text, "10%", -10.0))
    assert found.verdict == "cannot be checked"
    study = by(found, "event study")
    assert study.value == pytest.approx(-8.0, abs=0.01)
    assert (study.low, study.high) == (0.0, 0.0)  # four hours up and down come to nothing
    assert "cannot be separated from what else happened" in study.text
    assert "the 50 days before" in study.text


def test_an_event_after_which_nothing_happened_does_not_explain() -> None:
    on = tape(event("The Bifrost bridge is drained", "2031-05-05T02:00:00Z"))
    text = "Bitcoin fell 10%, triggered by the Bifrost hack."
    found = cause("triggered by the Bifrost hack", text, on, change(text, "10%", -10.0))
    assert found.verdict == "unsupported"
    assert "usual; the fall of BTC" in by(found, "event study").text
    assert "1.2 days later" in by(found, "event study").text


def test_an_event_after_the_fall_is_no_cause() -> None:
    on = tape(event("The Bifrost bridge is drained", "2031-05-06T15:00:00Z"))
    text = "Bitcoin fell 10%, triggered by the drained Bifrost bridge."
    found = cause("triggered by the drained Bifrost bridge", text, on, change(text, "10%", -10.0))
    assert found.verdict == "contradicted"
    assert "came after the fall of BTC (-10 %, printed" in by(found, "order").text


def test_words_that_any_text_has_tell_no_event() -> None:
    on = tape(event("Stream: an external manager lost money", "2031-05-06T08:00:00Z"))
    text = "The fall of bitcoin was triggered by internal and external pressures."
    found = cause("triggered by internal and external pressures", text, on)
    assert found.verdict == "cannot be checked"
    assert "not proven by order" in by(found, "order").text


def test_a_cause_before_its_words() -> None:
    text = "Outflows of $1 million triggered the 10% fall of bitcoin."
    found = cause("triggered the 10% fall of bitcoin", text, tape(), change(text, "10%", -10.0),
                  outflow(text, "$1 million", -1e6))  # fmt: skip
    assert found.verdict == "unsupported"
    assert by(found, "counterfactual").by == "counterfactual"


def test_the_reasons_are_in_the_json() -> None:
    text = "Bitcoin fell 10% because of outflows of $9 million."
    own = Claim(metric="other", kind="causal", span="because of outflows of $9 million",
                start=text.index("because"), as_of=FELL, asset="BTC")  # fmt: skip
    source = article("A", own, change(text, "10%", -10.0), outflow(text, "$9 million", -9e6),
                     text=text, published=FELL)  # fmt: skip
    group = next(g for g in held(source, tape=tape()).as_json()["groups"]
                 if g["family"] == "in words")  # fmt: skip
    law = next(e for e in group["statements"][0]["evidence"] if e["by"] == "counterfactual")
    assert 0 < law["low"] < law["value"] < law["high"]
    assert said(held(source, tape=tape()), "A").id == "A1.1"


def test_the_page_and_the_table_say_what_a_cause_rests_on() -> None:
    text = "Bitcoin fell 10% because of outflows of $9 million."
    own = Claim(metric="other", kind="causal", span="because of outflows of $9 million",
                start=text.index("because"), as_of=FELL, asset="BTC")  # fmt: skip
    source = article("A", own, change(text, "10%", -10.0), outflow(text, "$9 million", -9e6),
                     text=text, published=FELL)  # fmt: skip
    page = reconciliation_page([source], held(source, tape=tape()))
    section = next(one for one in page.sections if one.id == "words")
    row = section.panels[0].rows[0]
    assert row[:3] == ["“because of outflows of $9 million”", "A", "unsupported"]
    assert "not enough by itself" in row[3]
    proofs = next(one for one in page.details if one.id == "A1.1").proofs
    assert proofs[0].by == "counterfactual"
