"""The page and the terminal table of a run, from tapes that are made here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from undertow.lab.compare import Row
from undertow.lab.run import Run, open_run
from undertow.lab.scenario import load
from undertow.lab.summary import summaries, summary
from undertow.model.periods import SECOND_NS, time_ns
from undertow.report.crash import page
from undertow.report.crash.reproduction import MEANING
from undertow.report.crash.terminal import print_summary
from undertow.report.page import Page, Panel, render, write_page
from undertow.tape.writer import TapeWriter

START = time_ns("2025-11-03T00:00:00Z")
BAR_NS = 300 * SECOND_NS
BARS = 12 * 30
SYMBOLS = {"BTCUSDT": 110_000.0, "ETHUSDT": 3_900.0}


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    times = pl.col("ts").cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame(rows).with_columns(times).sort("ts")


def path(start: float, seed: int) -> list[float]:
    dice = np.random.default_rng(seed)
    noise = dice.normal(0, 0.001, BARS).cumsum()
    fall = 1 - 0.1 * np.linspace(0, 1, BARS)
    return [float(price) for price in start * fall * np.exp(noise)]


def tables(seed: int) -> dict[str, pl.DataFrame]:
    """A run that falls by a tenth in 30 hours; longs are closed in its last ten."""
    found: dict[str, list[dict[str, Any]]] = {}
    for symbol, start in SYMBOLS.items():
        for bar, price in enumerate(path(start, seed)):
            ts, here = START + bar * BAR_NS, {"venue": "binance-usdm", "symbol": symbol}
            found.setdefault("marks", []).append(
                {"ts": ts, **here, "interval": "5m", "mark": price, "index": price,
                 "mark_open": price, "mark_high": price, "mark_low": price}
            )  # fmt: skip
            found.setdefault("open_interest", []).append(
                {"ts": ts, **here, "contracts": 1e5, "usd": 1e5 * price}
            )
            found.setdefault("depth", []).extend(
                {"ts": ts, **here, "band": band, "bid_usd": band * 2e9, "ask_usd": band * 2e9,
                 "spread": 0.0001} for band in (0.01, 0.02, 0.04)
            )  # fmt: skip
            if bar >= 240 and bar % 2 == 0:
                found.setdefault("liquidations", []).append(
                    {"ts": ts, **here, "side": "long", "price": price, "quantity": 1e7 / price,
                     "usd": 1e7 + seed * 1e6, "stage": "full" if bar % 4 else "takeover",
                     "account": bar}
                )  # fmt: skip
        found.setdefault("funding", []).append(
            {"ts": START + 96 * BAR_NS, **here, "rate": 0.0001, "interval_hours": 8.0}
        )
    for bar, usd in enumerate((1e9, 0.99e9, 1.01e9)):
        found.setdefault("insurance", []).append(
            {"ts": START + 100 * bar * BAR_NS, "venue": "binance-usdm", "balance_usd": usd}
        )
    found["events"] = [{"ts": START + 9 * 3600 * SECOND_NS, "kind": "macro",
                        "title": "<b>exploit</b>", "source": "timeline",
                        "precision": "second"}]  # fmt: skip
    return {name: frame(rows) for name, rows in found.items()}


def make(
    folder: Path, seed: int, scenario: str = "2025-11-04", quiet: bool = False, path: str = "real",
    changes: dict[str, str] | None = None,
) -> Run:  # fmt: skip
    found = tables(seed)
    closed = found["liquidations"]
    if quiet:
        del found["liquidations"]
    folder.mkdir()
    shown = {} if quiet else {"liquidations": closed[::2]}
    for name, content in (("true", found), ("shown", shown)):
        with TapeWriter.create(folder / name, kind="simulated", title=name) as writer:
            for table, rows in content.items():
                writer.append(table, rows)
    market = load(scenario)
    (folder / "scenario.toml").write_text(market.text)
    about = {
        "id": f"{seed:016x}", "scenario": market.name, "title": market.title,
        "event": market.event, "seed": seed, "path": path,
        "changes": changes or {"span.record": "300s"},
        "version": "0.1.0", "code": "0", "given": {"BTC": "binance-usdm BTCUSDT 5m"},
        "notes": ["a note of the run"],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about))
    return open_run(folder)


def row(**more: Any) -> Row:
    values: dict[str, Any] = {
        "id": "F0446", "metric": "liquidations", "asset": "ALL", "side": "both", "venue": "all",
        "window": "24h", "as_of": "2025-11-05 ~00:00Z", "unit": "USD", "published": 2.03e9,
        "simulated": 1.015e9, "low": 1e9, "high": 1.1e9, "ratio": 0.5, "factor": 2.0,
        "verdict": "fair", "given": False, "scored": True, "publisher": "TASS",
    }  # fmt: skip
    return Row(**(values | more))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(tmp_path_factory.mktemp("runs") / "one", 1)


@pytest.fixture(scope="module")
def report(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Page:
    others = [make(tmp_path_factory.mktemp("others") / str(seed), seed) for seed in (2, 3)]
    return page(run, [row(), row(id="F1", given=True, scored=False)], others)


def panels(found: Page) -> dict[str, Panel]:
    return {panel.title: panel for section in found.sections for panel in section.panels}


def test_the_headline_says_what_fell_what_was_closed_and_how_sure_it_is(report: Page) -> None:
    assert report.headline.startswith("BTC falls ")
    assert "$1.32 bn is closed by force (100.0 % longs)" in report.headline
    assert "10 to 90 % of 3 runs" in report.headline
    assert "one published figure is a factor 2.0 off" in report.headline


def test_every_chart_is_on_the_page_and_has_data(report: Page) -> None:
    html = render(report)
    drawn = set(re.findall(r'data-chart="(\w+)"', html))
    assert drawn == set(report.charts)
    assert {
        "minutes",
        "rolling",
        "by_asset",
        "by_venue",
        "by_side",
        "shown_share",
        "interest",
        "funds",
        "paid",
        "reproduction",
    } <= drawn
    # Where prices are given the run's own depth is a device: no R through time.
    assert "reproduction_time" not in drawn
    for name, chart in report.charts.items():
        assert chart["data"], name
    assert "<b>exploit</b>" not in html


def test_the_page_loads_nothing_and_offers_every_chart_as_a_file(
    report: Page, tmp_path: Path
) -> None:
    write_page(report, tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    outside = re.findall(
        r'<(?:script|img|iframe)[^>]*\ssrc="([^"]*)"|<link[^>]*href="([^"]*)"', html
    )
    assert outside == [("", "data:,")]
    for name in ("downloadImage", "text/csv", '["png", "svg", "csv"]'):
        assert name in html


def test_reported_totals_are_dots_with_their_publisher(report: Page) -> None:
    traces = {trace["name"]: trace for trace in report.charts["rolling"]["data"]}
    told = dict(zip(traces["reported"]["x"], traces["reported"]["text"], strict=True))
    assert "TASS" in told["2025-11-05 00:00:00"]
    at = traces["reported"]["x"].index("2025-11-05 00:00:00")
    assert traces["reported"]["y"][at] == 2.03e9


def test_shown_is_below_true_and_the_last_day_is_all_of_it(report: Page) -> None:
    traces = {trace["name"]: trace for trace in report.charts["rolling"]["data"]}
    assert traces["true"]["y"][-1] == pytest.approx(120 * 1.1e7, rel=1e-5)
    assert traces["shown"]["y"][-1] == pytest.approx(60 * 1.1e7, rel=1e-5)


def test_bands_hold_the_runs(report: Page) -> None:
    traces = {trace["name"]: trace for trace in report.charts["rolling"]["data"]}
    low, high = (traces[f"shown, 3 runs, 10 to 90 %, {side}"]["y"][-1] for side in ("low", "high"))
    assert 60 * 1.1e7 < low < 60 * 1.2e7 < high < 60 * 1.3e7
    spread = panels(report)["3 runs of the same market"]
    assert any(cells[0] == "liquidated, true" for cells in spread.rows)


def test_what_flows_in_flows_out(report: Page) -> None:
    drawing = report.charts["paid"]["data"][0]
    names, link = drawing["node"]["label"], drawing["link"]
    flows = list(zip(link["source"], link["target"], link["value"], strict=True))
    middle = names.index("binance-usdm")
    into = sum(usd for _, target, usd in flows if target == middle)
    out = sum(usd for source, _, usd in flows if source == middle)
    assert into == pytest.approx(out, rel=1e-4)
    assert link["value"][names.index("insurance funds")] > 0


def test_r_says_what_it_rests_on(report: Page) -> None:
    panel = panels(report)["R of BTC along a fall"]
    assert "tau 0 s: no refill counted" in panel.caption
    assert "exponential impact" in panel.caption
    assert MEANING in panel.caption
    table = panels(report)["R by asset, where it is largest"]
    assert [cells[0] for cells in table.rows] == ["BTC"]
    levels = report.charts["reproduction"]["data"]
    assert [trace["name"] for trace in levels] == ["R, low", "R, high", "R"]
    for low, high, middle in zip(*(trace["y"] for trace in levels), strict=True):
        assert low <= middle <= high


def test_given_figures_are_apart_and_counted_ones_first(report: Page) -> None:
    found = panels(report)
    assert len(found["Beside what was published"].rows) == 1
    assert found["Figures that do not count"].rows[0][-2] == "fair (given)"
    assert found["Figures that do not count"].folded == "1 more"


def test_a_run_that_answers_no_figure_says_so(run: Run) -> None:
    found = panels(page(run, [row(scored=False, simulated=float("nan"), ratio=float("nan"))]))
    assert "No published figure counts" in found["Beside what was published"].missing
    assert found["Figures that do not count"].rows[0][4] == "—"


def test_assumptions_sources_seed_version_and_notes_are_there(run: Run, report: Page) -> None:
    found = panels(report)
    numbers = run.scenario.numbers
    assumed = {key for key, one in numbers.items() if one.assumed}
    assert {cells[0] for cells in found["Assumed"].rows} == assumed
    assert len(found["Assumed"].rows) + len(found["With a source"].rows) == len(numbers)
    made = {cells[0]: cells[1] for cells in found["How it was made"].rows}
    assert made["seed"] == "1, 2, 3"
    assert made["changed"] == "span.record = 300s"
    assert made["version"].startswith("0.1.0")
    assert found["What the run has to say"].rows == [["a note of the run"]]


def test_a_what_if_is_beside_published_figures_without_a_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capped = make(tmp_path / "capped", 1, changes={"max_leverage": "20"})
    found = page(capped, [row()])
    assert "what if max_leverage=20: not scored" in found.headline
    assert "factor" not in found.headline
    panel = panels(found)["Beside what was published"]
    assert panel.columns == ["figure", "window", "as of", "published", "run", "who"]
    assert "max_leverage=20" in panel.caption
    assert "for orientation" in panel.caption
    print_summary(summary(capped), [row()], what_if=capped.what_if)
    out = " ".join(capsys.readouterr().out.split())
    assert "$2.03 bn $1.01 bn TASS" in out
    assert "no account of what happened" in out
    for word in ("verdict who", "ratio verdict", "0.50", "factor"):
        assert word not in out


def test_given_prices_have_no_depth_and_no_gaps_but_say_why(
    report: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = panels(report)["Depth and gaps between venues"]
    assert "prices were given" in panel.missing
    assert "flat lines" in panels(report)["Funding of BTC, per 8 hours"].caption
    assert not [figure for figure in report.figures if figure["id"].startswith(("depth", "gap"))]
    modelled = page(make(tmp_path / "model", 1, path="model"))
    assert "depth_leveraged" in modelled.charts
    assert "flat lines" not in panels(modelled)["Funding of BTC, per 8 hours"].caption


def test_a_quiet_run_of_no_event_still_reports(tmp_path: Path) -> None:
    quiet = make(tmp_path / "quiet", 1, scenario="gap", quiet=True)
    found = page(quiet)
    assert "nothing is closed by force" in found.headline
    assert panels(found)["Forced closings"].missing == "Nothing was closed by force."
    assert "No R for this run" in panels(found)["R"].missing
    assert render(found)


def test_n_stands_under_its_own_name_where_steps_are_short(tmp_path: Path) -> None:
    found = panels(page(make(tmp_path / "gap", 1, scenario="gap")))
    panel = found["n, the branching ratio of orders: not R"]
    assert (panel.rows[0][0], panel.rows[0][-1]) == ("BTC", "60")
    assert "n is not R" in panel.caption


def test_long_steps_have_no_n_and_say_so(tmp_path: Path) -> None:
    coarse = make(tmp_path / "coarse", 1, scenario="gap")
    file = coarse.folder / "scenario.toml"
    file.write_text(re.sub(r'step = "\w+"', 'step = "60s"', file.read_text()))
    panel = panels(page(coarse))["n, the branching ratio of orders: not R"]
    assert not panel.rows
    assert "steps of 60 s" in panel.missing


def test_each_feed_says_what_it_lets_through(run: Run, report: Page) -> None:
    rows = {cells[0]: cells[1] for cells in panels(report)["What each feed lets through"].rows}
    assert list(rows) == [venue.id for venue in run.scenario.venues]
    assert (rows["binance-usdm"], rows["hyperliquid"]) == ("1 a second and symbol", "all")


def test_the_terminal_shows_figures_and_what_counts(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(summary(run), [row(), row(metric="price_low", given=True, scored=False)])
    out = capsys.readouterr().out
    for text in ("BTC, start to low", "Liquidations, true", "$1.32 bn", "not recorded", "TASS",
                 "0.50", "fair"):  # fmt: skip
        assert text in out
    assert "price low" not in out


def test_the_terminal_shows_the_spread_of_several_runs(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = [summary(run), summary(make(tmp_path / "two", 2))]
    print_summary(several[0], spread=summaries(several))
    out = capsys.readouterr().out
    line = next(text for text in out.splitlines() if text.startswith("liquidated, true"))
    assert line.split()[-2:] == ["$1.43", "bn"]
    assert "10 to 90 % of 2 runs" in " ".join(out.split())
