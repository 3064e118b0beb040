"""The pulse in prose: every number has its source, and the sentences can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from browsing import Browser, found
from report.test_pulse import START, small_tape
from undertow import Tape
from undertow.cli import app
from undertow.model.periods import time_ns
from undertow.report.pulse import Pulse, pulse, reported
from undertow.report.pulse import article_words as words
from undertow.report.pulse.article import article
from undertow.report.pulse.article_page import html, markdown
from undertow.report.pulse.article_text import Article, Cited, marks, numbered, plain, say
from undertow.report.pulse.view import View

MOMENTS = [
    ("2025-10-10", "2025-10-10T12:00Z", "24h"),
    ("2025-10-10", "2025-10-10T21:30Z", "6h"),
    ("2025-11-04", "2025-11-07T12:00Z", "48h"),
]
SECTIONS = [
    "Key figures", "What moved", "Derivatives", "DeFi", "Flows", "Levels and odds", "Signals",
    "What is not known", "Questions", "Risk note",
]  # fmt: skip
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
SCALES = {"trillion": 1e12, "tn": 1e12, "billion": 1e9, "bn": 1e9, "million": 1e6, "m": 1e6}


@pytest.fixture(scope="module", params=[None, *MOMENTS])
def both(request: pytest.FixtureRequest) -> tuple[Pulse, Article]:
    if request.param is None:
        day: Pulse = request.getfixturevalue("whole_day")
        return day, article(day)
    name, at, window = request.param
    measured = pulse(Tape.open(name), at=at, window=window)
    return measured, article(measured)


@pytest.fixture(scope="module")
def whole_day() -> Pulse:
    return pulse(Tape.open("2025-11-04"))


@pytest.fixture(scope="module")
def november(whole_day: Pulse) -> Article:
    return article(whole_day)


def numbers(text: str) -> list[tuple[float, float]]:
    """Each number of a text with half of its last printed place, in base units."""
    found = []
    for match in NUMBER.finditer(text):
        digits = match[0].rstrip(",").replace(",", "")
        word = re.match(r"\s(trillion|tn|billion|bn|million|m)\b", text[match.end() :])
        scale = SCALES[word[1]] if word else 1.0
        decimals = len(digits.partition(".")[2])
        found.append((float(digits) * scale, 0.5 * 10**-decimals * scale))
    return found


def sources(result: Pulse) -> dict[str, dict[str, Any]]:
    """Everything that a number may come from, by id."""
    plain_values = result.as_json()
    known: dict[str, dict[str, Any]] = dict(plain_values["figures"])
    known.update({item["id"]: item for item in plain_values["reported"]})
    rows = result.view.tape.until(result.view.at_ns).slice(result.view.start_ns).events.sort("ts")
    events = rows.filter(pl.col("kind").cast(pl.String) != "gap").collect()
    for number, row in enumerate(events.iter_rows(named=True), 1):
        known[f"event.{number}"] = {"ts": row["ts"].isoformat(), "title": row["title"],
                                    "day": str(row["ts"].day)}  # fmt: skip
    return known


def allowed(source: dict[str, Any]) -> list[float]:
    """The numbers that stand in a figure, a report or an event."""
    texts = [str(value) for key, value in source.items() if key != "definition"]
    found = [
        value for text in texts for value, _ in numbers(text.replace("T", " ").replace(":", " "))
    ]
    value = source.get("value")
    if isinstance(value, int | float):
        found += [abs(value), abs(value) * 100]
    return found


def cited(text: Article) -> Iterator[Cited]:
    parts = [sentence for part in text.parts for sentence in part.sentences]
    for sentence in [text.title, *text.lead, *parts]:
        for piece in sentence:
            if isinstance(piece, Cited):
                yield piece
            else:
                assert not re.search(r"\d", piece)


def test_every_number_is_one_of_its_source(both: tuple[Pulse, Article]) -> None:
    result, text = both
    known, seen = sources(result), 0
    for piece in cited(text):
        source = known[piece.source]
        window = re.match(r"(\d+)", source.get("window") or "")
        # "nearly 5 %" and "just over 7 %" round to the whole within 0.3.
        loose = 0.3 if piece.text.startswith(("nearly", "just over")) else 0.0
        for value, half in numbers(piece.text.replace(":", " ")):
            near = [x for x in allowed(source) if abs(x - value) <= half * 1.001 + loose]
            stated = window is not None and value == float(window[1])
            assert near or stated, (piece, source)
            seen += 1
    assert seen > 60


def test_a_number_that_is_changed_has_no_source(whole_day: Pulse) -> None:
    """The test above would see a wrong number."""
    known = sources(whole_day)
    low = known["price.BTC.low"]
    assert not [x for x in allowed(low) if abs(x - 98_789) <= 0.5]
    assert [x for x in allowed(low) if abs(x - 98_889) <= 0.5]
    assert not [x for x in allowed(known["price.BTC.change"]) if abs(x - 4.9) <= 0.05]


def test_sections_stand_in_their_order_and_none_is_empty(both: tuple[Pulse, Article]) -> None:
    _, text = both
    assert [part.title for part in text.parts] == SECTIONS
    for part in text.parts:
        assert part.sentences, part.id
        for sentence in part.sentences:
            assert plain(sentence).strip(" ."), part.id
    assert len(text.lead) >= 3


def test_sentences_read_well(both: tuple[Pulse, Article]) -> None:
    _, text = both
    body = markdown(text).split("## Sources")[0]
    shown = re.sub(r"\[\^\d+\]", "", body)
    assert not re.search(r"\b(nan|inf|None|null)\b(?! of)", shown)
    doubled = re.findall(r"\b([A-Za-z]+) \1\b", shown)
    assert doubled == []
    assert not re.search(
        r" [.,;:]|[,;:]{2}|\.\.(?!\.)|\(\)|  |\b1 (?:times|coins|days|hours)\b", shown
    )
    assert not re.search(r"(?:fell|slipped|lost|rose|took in|down|up) [−+-]", shown)
    assert " edged up 0.00" not in shown
    for part in text.parts:
        for group in [*part.paragraphs, *part.points]:
            assert plain(group[0])[0].isupper() or plain(group[0])[0].isdigit()
            assert all(plain(s).rstrip().endswith(".") for s in group) or part.id == "key"
    said = [plain(s) for part in text.parts for s in part.sentences if len(plain(s)) > 60]
    assert len(said) == len(set(said)), "a sentence is said twice"


def test_verbs_agree_with_signs(both: tuple[Pulse, Article]) -> None:
    result, text = both
    change = result.figures["price.BTC.change"].value
    assert isinstance(change, float)
    first, title = plain(text.lead[0]), plain(text.title)
    falls = ("fell", "slipped")
    if abs(change) >= words.STILL:
        assert any(verb in first for verb in falls) is (change < 0)
        assert bool(re.search("falls|slips", title)) is (change < 0)
    else:
        assert "little changed" in first


def test_no_advice_and_a_risk_note(both: tuple[Pulse, Article]) -> None:
    _, text = both
    body = markdown(text)
    assert not re.search(r"\b(should|must buy|buy now|sell now|recommend|opportunity)\b", body)
    assert "not investment advice" in plain(text.parts[-1].sentences[-1])


def test_what_is_not_recorded_is_said_and_reports_stand_in(november: Article) -> None:
    body = re.sub(r"\[\^\d+\]", "", markdown(november))
    assert "This tape holds no liquidations" in body
    assert "Trackers put the positions closed by force at $2.02 billion over 24 hours" in body
    assert (
        "Left out, because reconciliation found it wrong: more than $1.1 billion by ETHNews" in body
    )
    assert "Bitcoin fell nearly 5 % in the 24 hours to 00:00 UTC on 5 November 2025" in body
    assert "to $101,450, after a low of $98,889 at 21:35 UTC on 4 November" in body
    assert "no evidence that prices rise after them" in body


def test_what_was_found_wrong_is_only_named_as_wrong(both: tuple[Pulse, Article]) -> None:
    result, text = both
    wrong = {item.id for item in result.reported if not item.usable}
    for part in text.parts:
        for sentence in part.sentences:
            used = {piece.source for piece in sentence if isinstance(piece, Cited)} & wrong
            assert not used or plain(sentence).startswith("Left out, because")
    assert not {p.source for s in text.lead for p in s if isinstance(p, Cited)} & wrong


def test_reports_of_later_are_not_known() -> None:
    tape = Tape.open("2025-11-04")
    at_ns = time_ns("2025-11-04T04:00Z")
    early = reported.known(View(tape, at_ns, "24h"))
    assert {item.publisher for item in early} >= {"CoinDesk (mirror)", "Benzinga"}
    assert all(item.as_of_ns < at_ns for item in early)
    assert not any(item.value == 2.03e9 for item in early)
    assert reported.known(View(tape, time_ns("2025-08-01"), "24h")) == []


def test_measured_liquidations_are_told_as_measured() -> None:
    tape = small_tape([(30, "long", 3e6), (40, "short", 1e6)])
    text = article(pulse(tape, at=START + timedelta(hours=41), window="12h"))
    body = re.sub(r"\[\^\d+\]", "", markdown(text))
    assert "In the 12 hours positions worth $4 million were closed by force" in body
    assert "Longs were 75 % of that." in body
    assert "Mostly longs: 75 % of the value closed." in body
    assert "This tape holds no liquidations" not in body


def test_a_tape_with_almost_nothing_still_makes_sentences() -> None:
    candles = small_tape().candles.collect().with_columns(pl.lit("WIFUSDT").alias("symbol"))
    text = article(pulse(Tape.from_frames({"candles": candles}), at=START + timedelta(hours=40)))
    assert [part.title for part in text.parts] == SECTIONS
    assert "no prices of bitcoin or ether" in plain(text.lead[0])
    assert "None" not in markdown(text).replace("None of", "")


def test_footnotes_are_complete_and_in_order(both: tuple[Pulse, Article]) -> None:
    _, text = both
    body, _, rest = markdown(text).partition("## Sources and definitions")
    used = [int(n) for n in re.findall(r"\[\^(\d+)\]", body)]
    given_notes = [int(n) for n in re.findall(r"^\[\^(\d+)\]: ", rest, re.M)]
    assert sorted(set(used)) == given_notes == list(range(1, len(text.notes) + 1))
    assert list(dict.fromkeys(used)) == given_notes
    for note in text.notes:
        assert note.kind in ("measure", "report", "event")
        assert len(note.text) > 20
    page = html(text)
    links = set(re.findall(r'href="#(note-\d+)"', page))
    assert links == set(re.findall(r'id="(note-\d+)"', page))
    assert "<script" not in page.replace('<script id="charts"', "")


def test_plain_words_may_not_hold_a_number() -> None:
    with pytest.raises(ValueError, match="without a source"):
        say("Bitcoin fell 5 %")
    sentence = say("a ", Cited("1", "x"), " b ", Cited("2", "x"), Cited("3", "y"))
    found = [(n, shown) for _, n, shown in marks(sentence, numbered([sentence]))]
    assert found == [(None, False), (1, False), (None, False), (1, True), (2, True)]


@settings(max_examples=300)
@given(st.floats(-3, 3, allow_nan=False))
def test_percent_and_rounding_words_are_true(fraction: float) -> None:
    size = abs(fraction) * 100
    text = words.roughly(fraction)
    ((value, half),) = numbers(text)
    if text.startswith("nearly"):
        assert value - 0.3 <= size < value
    elif text.startswith("just over"):
        assert value < size <= value + 0.3
    else:
        assert abs(value - size) <= half + 1e-9
    assert "-" not in text
    assert words.moved(fraction) in (("fell", "slipped") if fraction < 0 else ("rose", "edged up"))


@settings(max_examples=300)
@given(st.floats(1e-4, 9e13))
def test_dollars_are_rounded_not_cut(amount: float) -> None:
    ((value, half),) = numbers(words.dollars(amount))
    assert abs(value - amount) <= half * 1.001 or abs(value - amount) / amount < 0.006


@pytest.mark.parametrize(
    ("share", "text"), [(0.01, "almost nothing"), (0.33, "about a third"), (0.5, "about half"),
                        (0.9, "most"), (1.0, "all")]
)  # fmt: skip
def test_shares_in_words(share: float, text: str) -> None:
    assert words.part_of(share) == text


def test_counts_and_lists() -> None:
    assert words.counted(1, "coin") == "1 coin"
    assert words.counted(2400, "coin") == "2,400 coins"
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.span("1h") == "hour"
    assert words.span("36h") == "36 hours"


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["pulse", "2025-11-04", "--article", "--out", str(tmp_path)])
    assert done.exit_code == 0
    assert done.stdout.startswith("# Bitcoin falls nearly 5 % in 24 hours\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["article.html", "article.md"]
    assert (tmp_path / "article.md").read_text(encoding="utf-8") == done.stdout


def test_the_same_as_json(november: Article) -> None:
    fields = json.loads(json.dumps(november.as_json(), allow_nan=False))
    assert fields["title"] == "Bitcoin falls nearly 5 % in 24 hours"
    assert [section["title"] for section in fields["sections"]] == SECTIONS


def test_the_pulse_page_shows_reported_beside_measured(whole_day: Pulse) -> None:
    section = next(s for s in whole_day.page().sections if s.id == "reported")
    rows = {row[0]: row for row in section.panels[0].rows}
    assert rows["BTC low"][1:3] == ["$98,888.8", "99,075 USD"]
    assert rows["Liquidations"][1:4] == ["not recorded", "2.02 billion USD", "2025-11-04 ~22:30Z"]
    assert rows["Liquidations"][6] == "1"
    every = section.panels[1]
    assert len(every.rows) == len(whole_day.as_json()["reported"]) > 100
    assert {"consistent", "explained", "contradicted"} <= {row[4] for row in every.rows}


@pytest.mark.skipif(found() is None, reason="no Chromium on this machine")
def test_the_page_opens_offline_on_a_phone(tmp_path: Path, november: Article) -> None:
    path = tmp_path / "article.html"
    path.write_text(html(november), encoding="utf-8")
    with Browser(tmp_path / "browser") as browser:
        browser.open(path, width=390, height=844, dark=True, touch=True)
        assert browser.run("document.documentElement.scrollWidth") == 390
        browser.press("Tab")
        browser.press("Enter")
        assert browser.run("location.hash") == "#note-1"
        assert browser.errors == []
        assert [url for url in browser.requests if not url.startswith("file:")] == []
