"""The page of reconciled articles: every figure marked, by mouse, keyboard and finger, offline."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import making
from browsing import Browser, found
from undertow.claims.claim import Claim
from undertow.claims.reconcile import Group, Source, Statement, reconcile
from undertow.cli import app
from undertow.model.periods import time_ns
from undertow.report.claims import reconciliation_page
from undertow.report.claims.league import FEWEST, interval, standings
from undertow.report.claims.page import SIGNS, render
from undertow.report.claims.sums import readable
from undertow.report.claims.tape_series import measured
from undertow.report.claims.texts import pieces
from undertow.tape import Tape

needs_browser = pytest.mark.skipif(found() is None, reason="no Chromium on this machine")
ARTICLE = """Over $1.37 billion was liquidated in the 24 hours to 11:00 UTC on November 4.

Bitcoin fell below $104,000 on November 4. Some even saw $900 billion liquidated on November 4.

Acme sold 700 BTC ($95 million) to repay half of its $50 million debt."""


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["claims", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An article and a second one, reconciled; and one sentence, checked."""
    out = tmp_path_factory.mktemp("claims")
    facts = {"text": ARTICLE, "title": "A day of <b>red</b>", "published": "2025-11-04",
             "publisher": "Acme News"}  # fmt: skip
    (out / "one.json").write_text(json.dumps(facts))
    (out / "two.txt").write_text("Some 2.03 billion dollars were liquidated on November 4, 2025.")
    run("reconcile", str(out / "one.json"), str(out / "two.txt"), "--date", "2025-11-04",
        "--out", str(out))  # fmt: skip
    run("check", "1.37 billion liquidated in 24h", "--at", "2025-11-04T11:00Z", "--out", str(out))
    return out


@pytest.fixture(scope="module")
def answer(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reconciliation.json").read_text())
    return found


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "claims.html").read_text(encoding="utf-8")


class Marks(HTMLParser):
    """The marked figures, the ids, and what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[tuple[list[str], str, bool]] = []
        self.ids: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "mark":
            claims = (found["data-claims"] or "").split()
            self.claims.append((claims, found["data-verdict"] or "", "tabindex" in found))
        if found.get("id"):
            self.ids.append(found["id"] or "")
        for name in ("src", "href"):
            value = found.get(name)
            if value and tag != "a" and not value.startswith("data:"):
                self.loads.append(value)


@pytest.fixture(scope="module")
def marks(text: str) -> Marks:
    found = Marks()
    found.feed(text)
    return found


def given_statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    every = [item for group in answer["groups"] for item in group["statements"]]
    return [item for item in every if item["id"].startswith("A")]


def test_every_claim_is_marked_with_its_verdict_and_described(
    marks: Marks, answer: dict[str, Any]
) -> None:
    verdicts = {item["id"]: item["verdict"] for item in given_statements(answer)}
    assert len(verdicts) >= 6
    marked = {claim for claims, _, _ in marks.claims for claim in claims}
    assert marked == set(verdicts)
    for claims, verdict, _ in marks.claims:
        assert verdict in [verdicts[claim] for claim in claims]
    assert set(verdicts) <= set(marks.ids)
    assert len(marks.ids) == len(set(marks.ids))


def test_the_page_says_what_reconciliation_says(text: str, answer: dict[str, Any]) -> None:
    shown = html.unescape(text.split('<script id="charts"')[0])
    for item in given_statements(answer):
        for evidence in item["evidence"]:
            first = evidence["text"].split(";")[-1].strip()
            assert re.sub(r"\d{5,}", "", first)[:20] in re.sub(r"[\d,]{5,}", "", shown)
    assert "95,000,000 ÷ 25,000,000" in shown
    assert "3.8 times too much" in shown
    assert "Best estimate" in shown
    assert "too few to judge" in shown


def test_it_is_one_file_that_loads_nothing(marks: Marks, text: str, folder: Path) -> None:
    assert marks.loads == []
    assert text.count("<!doctype html>") == 1
    assert {p.name for p in folder.glob("*.html")} == {"claims.html", "check.html"}


def test_text_of_an_article_cannot_become_markup(text: str) -> None:
    assert "A day of &lt;b&gt;red" in text
    claim = Claim(metric="price", value=1.0, unit="USD", asset="BTC", span="<i>$1</i>", note="<s>")
    source = Source(publisher="</script><script>alert(1)</script>", published="2025-11-04",
                    text="Bitcoin at <i>$1</i> & more", claims=[claim])  # fmt: skip
    made = render(reconciliation_page([source], reconcile([source])))
    assert "<script>alert" not in made
    assert "<i>$1" not in made
    assert "&lt;i&gt;$1" in made


def test_the_curve_goes_through_the_reports(text: str, answer: dict[str, Any]) -> None:
    charts = json.loads(re.findall(r'<script id="charts"[^>]*>(.*?)</script>', text, re.S)[0])
    names = set(re.findall(r'data-chart="(\w+)"', text))
    assert names == set(charts)
    rolling = next(
        chart for chart in charts.values()
        if any(trace["name"].startswith("rolling") for trace in chart["data"])
    )  # fmt: skip
    dots = [trace for trace in rolling["data"] if "markers" in trace["mode"]]
    own = [value for trace in dots if "articles" in trace["name"] for value in trace["y"]]
    assert 1.37e9 in own
    series = next(s for group in answer["groups"] for s in group["series"] if s["aspect"] == "both")
    assert rolling["data"][0]["y"] == [value for _, value in series["line"]]
    publishers = {name for trace in dots for name in trace["customdata"]}
    assert any("TASS" in name for name in publishers)


def test_a_checked_sentence_is_a_dot_on_the_curve(folder: Path) -> None:
    page = (folder / "check.html").read_text(encoding="utf-8")
    charts = json.loads(re.findall(r'<script id="charts"[^>]*>(.*?)</script>', page, re.S)[0])
    own = [
        (x, y)
        for trace in charts["timeline1"]["data"] if "articles" in trace["name"]
        for x, y in zip(trace["x"], trace["y"], strict=True)
    ]  # fmt: skip
    assert own == [("2025-11-04 11:00:30", 1.37e9)]
    assert "1.37 billion USD, whole market: liquidations (both): consistent." in page


def test_a_text_without_figures_makes_a_page_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "quiet.txt").write_text("Nothing happened.")
    run("reconcile", str(tmp_path / "quiet.txt"), "--date", "2025-11-04", "--json", "--out",
        str(tmp_path / "out"))  # fmt: skip
    page = (tmp_path / "out" / "claims.html").read_text(encoding="utf-8")
    assert "No figures in 1 text." in page
    assert "Nothing to draw" in page
    assert "plotly" not in page.split("<main>")[1].split("</main>")[1]


def statement(number: int, start: int, end: int, verdict: str = "consistent", text: str = "",
              **fields: Any) -> Statement:  # fmt: skip
    claim = Claim(metric="price", value=1.0, unit="USD", span=text[start:end], start=start)
    made = Statement(id=f"A1.{number}", claim=claim, publisher="Acme", **fields)
    made.verdict = verdict  # type: ignore[assignment]
    return made


@given(
    st.text(alphabet="ab1.\n ", min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(1, 12)), max_size=6),
)
def test_pieces_are_the_text_and_each_claim_starts_once(
    text: str, spans: list[tuple[int, int]]
) -> None:
    items = [
        statement(n, start, min(start + length, len(text)), text=text)
        for n, (start, length) in enumerate(spans) if start < len(text)
    ]  # fmt: skip
    made = pieces(text, items)
    squeezed = re.sub(r"\s", "", "".join(piece.text for piece in made))
    assert squeezed == re.sub(r"\s", "", text)
    for item in items:
        own = [piece for piece in made if item.id in piece.claims]
        assert re.sub(r"\s", "", "".join(p.text for p in own)) == re.sub(r"\s", "", item.claim.span)
        assert own[0].starts


def test_of_claims_in_one_another_the_gravest_colours_and_the_shortest_comes_first() -> None:
    text = "half of its $189 million debt"
    items = [statement(1, 0, 24, text=text), statement(2, 12, 24, "contradicted", text=text)]
    first, second, rest = pieces(text, items)
    assert (first.claims, first.verdict, first.starts) == (("A1.1",), "consistent", True)
    assert (second.claims, second.verdict) == (("A1.2", "A1.1"), "contradicted")
    assert rest.claims == ()


def test_the_league_counts_a_copy_once_and_marks_small_counts() -> None:
    many = [statement(n, 0, 0) for n in range(FEWEST - 1)]
    wrong = [statement(50, 0, 0, "contradicted")]
    other = [statement(60, 0, 0, "forecast"), statement(61, 0, 0, "unsupported")]
    copy = [statement(70, 0, 0, "contradicted", same_as="A1.50")]
    (standing,) = standings([*many, *wrong, *other, *copy])
    assert (standing.judged, standing.holds, standing.too_few) == (FEWEST, 0.9, False)
    (small,) = standings(many)
    assert small.too_few
    assert interval(0.9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)  # Wilson's formula


def test_sums_are_written_as_people_write_them() -> None:
    assert readable("397*114771 = 4.55641e+07") == "397 × 114,771 = 45,564,100"
    assert readable("1360000000-1210000000") == "1,360,000,000 − 1,210,000,000"
    assert readable("103849/(1-0.032)") == "103,849 ÷ (1 − 0.032)"
    assert readable("a+b <= 7e+07") == "a+b ≤ 70,000,000"


def group(family: str, subject: str) -> Group:
    return Group(id="G1", family=family, subject=subject, scope="all", episode=None, title="",
                 statements=[])  # fmt: skip


def test_the_tape_draws_its_own_line_where_it_has_one() -> None:
    start = time_ns("2025-11-04T00:00Z")
    day = 86_400 * 1_000_000_000
    tape = Tape.from_frames(
        {"candles": making.candles(288), "liquidations": making.liquidations(60)}
    )
    span = (start, start + day)
    name, times, lows = measured(tape, group("price", "BTC"), "low", "USD", span) or ("", [], [])
    assert name == "binance-usdm BTCUSDT, low of each 5m"
    assert (times[0], lows[0], len(lows)) == ("2025-11-04 00:00:00", 99.0, 288)
    found = measured(tape, group("liquidations", "ALL"), "both", "USD", span)
    assert found is not None
    total = sum(1000.0 + n for n in range(60))
    assert found[2][-1] == pytest.approx(total, rel=1e-5)
    longs = measured(tape, group("liquidations", "ALL"), "long", "USD", span)
    assert longs is not None and longs[2][-1] == pytest.approx(total, rel=1e-5)
    assert measured(tape, group("price", "SOL"), "low", "USD", span) is None
    assert measured(tape, group("etf flow", "BTC"), "", "USD", span) is None
    assert measured(None, group("price", "BTC"), "low", "USD", span) is None


def test_every_verdict_has_a_sign() -> None:
    assert set(SIGNS) == {"contradicted", "explained", "consistent", "forecast", "unsupported",
                          "cannot be checked"}  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


NOTE = "document.getElementById('note')"
OPEN = f"!{NOTE}.hidden && {NOTE}.innerText"


def place_of(browser: Browser, number: int) -> tuple[float, float]:
    box = browser.run(
        f"(() => {{ const mark = document.querySelectorAll('mark')[{number}];"
        " mark.scrollIntoView({block: 'center'});"
        " const box = mark.getClientRects()[0]; return [box.x + 5, box.y + 5]; })()"
    )
    return float(box[0]), float(box[1])


@needs_browser
def test_the_keyboard_alone_reaches_every_claim(browser: Browser, folder: Path) -> None:
    browser.open(folder / "claims.html")
    stops = browser.run("document.querySelectorAll('mark[tabindex]').length")
    seen: dict[int, str] = {}
    for _ in range(stops + 30):
        browser.press("Tab")
        at = browser.run("[...document.querySelectorAll('mark[tabindex]')]"
                         ".indexOf(document.activeElement)")  # fmt: skip
        if at >= 0:
            seen.setdefault(at, browser.run(OPEN))
        elif len(seen) == stops:
            break
    assert sorted(seen) == list(range(stops))
    assert all(note and re.search(r"\w+: ", note) for note in seen.values())
    assert any("Best estimate" in note for note in seen.values())
    browser.press("Tab", shift=True)
    browser.press("Escape")
    assert browser.run(OPEN) is False


@needs_browser
def test_a_verdict_leads_to_its_figures(browser: Browser, folder: Path) -> None:
    browser.open(folder / "claims.html")
    browser.run("document.querySelector('[data-next=contradicted]').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.dataset.verdict") == "contradicted"
    assert "contradicted" in browser.run(OPEN)


@needs_browser
def test_the_mouse_shows_a_note_and_takes_it_away(browser: Browser, folder: Path) -> None:
    browser.open(folder / "claims.html")
    browser.move(*place_of(browser, 1))
    assert browser.run(OPEN)
    browser.move(2, 2)
    browser.run("new Promise(done => setTimeout(done, 400))")
    assert browser.run(OPEN) is False


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_a_note_on_a_tap_and_nothing_is_cut(
    browser: Browser, folder: Path, dark: bool
) -> None:
    browser.open(folder / "claims.html", width=390, height=844, dark=dark, touch=True)
    browser.tap(*place_of(browser, 0))
    browser.run("new Promise(done => setTimeout(done, 400))")
    assert browser.run(OPEN)
    left, right, bottom = browser.run(
        f"(() => {{ const box = {NOTE}.getBoundingClientRect();"
        " return [box.left, box.right, box.bottom]; })()"
    )
    assert left >= 0
    assert right <= 390
    assert bottom <= 844
    assert browser.run("document.documentElement.scrollWidth") == 390
    ink, paper = browser.run(
        "(() => { const css = getComputedStyle(document.body); return [css.color,"
        " css.backgroundColor]; })()"
    )
    light = sum(map(int, re.findall(r"\d+", ink)[:3])) > sum(
        map(int, re.findall(r"\d+", paper)[:3])
    )
    assert light is dark


@needs_browser
@pytest.mark.parametrize("name", ["claims.html", "check.html"])
def test_charts_are_drawn_offline_without_an_error(
    browser: Browser, folder: Path, name: str
) -> None:
    browser.open(folder / name)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    drawn, charts = browser.run(
        "[document.querySelectorAll('.chart .main-svg').length > 0 &&"
        " document.querySelectorAll('.chart[data-drawn]').length,"
        " document.querySelectorAll('.chart').length]"
    )
    assert drawn == charts > 0
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith("file:")] == []
