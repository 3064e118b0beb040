"""The pulse: figures from the tape alone, the same in JSON, terminal and page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from making import Undertow
from undertow import Tape
from undertow.cli import app
from undertow.measures import bars
from undertow.report.page import render
from undertow.report.pulse import Pulse, pulse

START = datetime(2025, 11, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def november() -> Pulse:
    return pulse(Tape.open("2025-11-04"))


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["pulse", *arguments])
    return result.exit_code, result.stdout, result.stderr


def small_tape(liquidations: list[tuple[float, str, float]] = []) -> Tape:  # noqa: B006
    """48 hourly bars that fall from 100 to 52.5, and forced closings at given hours."""
    candles = pl.DataFrame(
        [
            {"ts": START + timedelta(hours=h), "venue": "bybit", "symbol": "BTCUSDT",
             "interval": "1h", "open": 100.0 - h, "high": 100.0 - h, "low": 99.0 - h,
             "close": 99.5 - h, "volume": 1.0}
            for h in range(48)
        ]
    )  # fmt: skip
    tables = {"candles": candles}
    if liquidations:
        tables["liquidations"] = pl.DataFrame(
            [
                {"ts": START + timedelta(hours=h), "venue": "bybit", "symbol": "BTCUSDT",
                 "side": side, "price": 60.0, "quantity": usd / 60, "usd": usd}
                for h, side, usd in liquidations
            ]
        )  # fmt: skip
    return Tape.from_frames(tables)


def test_headline_and_figures_of_the_bundled_day(november: Pulse) -> None:
    figures = november.as_json()["figures"]
    assert figures["price.BTC.open"]["value"] == 106_544.0
    assert figures["price.BTC.low"]["value"] == 98_888.8
    assert figures["price.BTC.last"]["value"] == 101_450.3
    assert figures["flows.etf.BTC.day"]["text"] == "−$566.40 m"
    assert "BTC on binance-usdm fell 4.78 %" in november.headline


def test_what_is_not_recorded_is_never_zero(november: Pulse) -> None:
    figure = november.as_json()["figures"]["liquidations.total"]
    assert figure["value"] is None
    assert figure["recorded"] is False
    assert figure["text"] == "not recorded"
    assert any("Liquidations" in line for line in november.as_json()["words"]["What nobody knows"])


def test_recorded_liquidations_are_summed_within_the_window() -> None:
    tape = small_tape([(10, "long", 999.0), (30, "long", 300.0), (40, "short", 100.0)])
    figures = pulse(tape, at=START + timedelta(hours=41), window="12h").figures
    assert figures["liquidations.total"].value == 400.0
    assert figures["liquidations.long_share"].value == 0.75
    assert figures["liquidations.largest"].value == 300.0
    assert figures["liquidations.orders"].value == 2


def test_every_figure_says_what_it_is(november: Pulse) -> None:
    for figure in november.figures.values():
        assert figure.definition, figure.id
        assert figure.recorded or figure.note, f"{figure.id} is missing without a reason"


def test_nothing_looks_past_the_moment(november: Pulse, tmp_path: Path) -> None:
    at = "2025-11-04T17:07Z"
    tape = Tape.open("2025-11-04")
    whole = pulse(tape, at=at).as_json()
    cut = pulse(tape.slice(end="2025-11-04T17:07:00.000000001Z").save(tmp_path / "cut"), at=at)
    again = cut.as_json()
    assert again["figures"] == whole["figures"]
    assert again["words"] == whole["words"]


def test_what_the_press_quoted_is_not_known_before_it_was_published() -> None:
    tape = Tape.open("2025-11-04")
    said = {at: " ".join(pulse(tape, at=at).as_json()["words"]["Is it over?"])
            for at in ("2025-11-04T23:59Z", "2025-11-05T00:00Z")}  # fmt: skip
    assert "average November" in said["2025-11-04T23:59Z"]
    assert "The press quoted" not in said["2025-11-04T23:59Z"]
    assert "The press quoted +42.3 %" in said["2025-11-05T00:00Z"]


def test_json_is_alone_on_stdout() -> None:
    code, out, _ = run("2025-11-04", "--json", "--at", "2025-11-04T12:00Z")
    assert code == 0
    assert json.loads(out)["at"] == "2025-11-04T12:00:00Z"


def test_table_shows_the_figures_and_the_words() -> None:
    code, out, _ = run("2025-11-04")
    assert code == 0
    for text in ("$98,888.8", "not recorded", "Is it over?", "Social mood: not measured."):
        assert text in out


def test_a_part_that_is_damaged_inside_is_said_in_one_line(
    tmp_path: Path, undertow: Undertow
) -> None:
    tape = Tape.open("2025-11-04").slice("2025-11-04", "2025-11-05").save(tmp_path / "tape")
    assert tape.folder is not None
    part = next((tape.folder / "candles").glob("*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content[:4] + bytes(len(content) - 8) + content[-4:])
    done = undertow("pulse", tape.folder)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
    assert done.stderr.count("\n") == 1


def test_bars_are_remembered_only_while_asked_to() -> None:
    tape, at = small_tape(), START + timedelta(hours=40)
    first = bars.bars(tape, at=at)
    with bars.remembering():
        assert bars.bars(tape, at=at) is bars.bars(tape, at=at)
        assert bars.bars(tape, at=at).equals(first)
        assert not bars.bars(tape, at=at - timedelta(hours=1)).equals(first)
        assert bars.bars(tape.slice(START + timedelta(hours=3)), at=at).height == 37
    assert bars.bars(tape, at=at) is not bars.bars(tape, at=at)


class Links(HTMLParser):
    """Everything that a page would load from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loads = name == "src" or (name == "href" and tag == "link")
            if loads and value and not value.startswith("data:"):
                self.found.append(value)


def test_page_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    code, _, err = run("2025-11-04", "--json", "--out", str(tmp_path / "new"))
    assert code == 0
    assert "report.html" in err
    html = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(html)
    assert links.found == []
    assert html.count("plotly.js v") <= 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_every_chart_on_the_page_has_data(november: Pulse) -> None:
    page = november.page()
    html = render(page)
    drawn = set(re.findall(r'data-chart="(\w+)"', html))
    assert drawn == set(page.charts)
    assert {"candles", "coins", "dispersion", "funding", "pegs", "etf", "mood", "months"} <= drawn
    for name, chart in page.charts.items():
        assert chart["data"], name


def test_text_from_a_tape_cannot_become_markup() -> None:
    tape = small_tape()
    event = pl.DataFrame(
        {"ts": [START], "kind": ["macro"], "title": ["</script><script>alert(1)</script>"],
         "source": ["<b>x</b>"], "precision": ["hour"]}
    )  # fmt: skip
    tape = Tape.from_frames({"candles": tape.candles.collect(), "events": event})
    html = render(pulse(tape, at=START + timedelta(hours=40)).page())
    assert "<script>alert" not in html
    assert "<b>x</b>" not in html


def test_a_tape_without_bitcoin_still_reports() -> None:
    candles = small_tape().candles.collect().with_columns(pl.lit("WIFUSDT").alias("symbol"))
    result = pulse(Tape.from_frames({"candles": candles}), at=START + timedelta(hours=40))
    assert result.figures["price.BTC.last"].value is None
    assert "no prices" in result.headline


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2025-11-4"], "2025-11-04"),
        (["2025-11-04", "--at", "yesterday"], "ISO-8601"),
        (["2025-11-04", "--window", "1 day"], "24h"),
        (["2025-11-04", "--window", "99999w"], "hundred years"),
        (["2025-11-04", "--at", "9999-12-31"], "between 1700 and 2200"),
    ],
)
def test_mistakes_are_said_in_one_line(arguments: list[str], words: str) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "undertow.cli", "pulse", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
