"""The bundled tapes hold what their sources say; checked through the API and the command line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from undertow import Tape
from undertow.cli import app
from undertow.measures import defi, flows, price, sentiment
from undertow.tape import bundled


@pytest.fixture(scope="module")
def november() -> Tape:
    return Tape.open("2025-11-04")


@pytest.fixture(scope="module")
def october() -> Tape:
    return Tape.open("2025-10-10")


def sql(tape: str, statement: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["sql", tape, statement, "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert isinstance(rows, list)
    return rows


def perp(frame: pl.DataFrame, symbol: str = "BTCUSDT") -> dict[str, object]:
    own = frame.filter(pl.col("venue") == "binance-usdm", pl.col("symbol") == symbol)
    assert own.height == 1
    return own.row(0, named=True)


def test_both_tapes_are_there_sound_and_small() -> None:
    assert bundled.names() == ["2025-10-10", "2025-11-04"]
    size = 0
    for name in bundled.names():
        tape = Tape.open(name)
        assert tape.missing == ()
        assert tape.folder is not None
        size += sum(path.stat().st_size for path in tape.folder.rglob("*") if path.is_file())
        for source in tape.manifest.sources:
            assert source.licence, f"{source.name} has no licence note"
    assert size < 12e6


def test_bitcoin_on_4_november(november: Tape) -> None:
    day = perp(price.high_low(november, at="2025-11-05T00:00Z", window="24h"))
    assert (day["open"], day["low"], day["close"]) == (106_544.0, 98_888.8, 101_450.3)


def test_bitcoin_low_on_10_october(october: Tape) -> None:
    day = perp(price.high_low(october, at="2025-10-11T00:00Z", window="24h"))
    assert day["low"] == 101_516.5
    assert str(day["low_at"]) == "2025-10-10 21:20:00+00:00"


@pytest.mark.parametrize(("day", "value"), [(3, 42), (4, 21), (5, 23)])
def test_fear_and_greed(november: Tape, day: int, value: int) -> None:
    assert sentiment.fear_greed(november, at=f"2025-11-{day:02}T12:00Z").value == value


def test_etf_flow_on_4_november_is_known_when_the_day_is_over(november: Tape) -> None:
    days = flows.etf_by_day(november, at="2025-11-05T00:00Z").filter(date=date(2025, 11, 4))
    assert days["usd"].round(0).to_list() == [-566_400_000.0]
    before = flows.etf_by_day(november, at="2025-11-04T23:59Z")
    assert before["date"].max() == date(2025, 11, 3)


def test_usde_low_on_10_october(october: Tape) -> None:
    found = defi.lowest_peg(october, at="2025-10-11T00:00Z", coin="USDE")
    assert found.lowest == 0.65
    assert found.lowest_ns == 1_760_133_240_000_000_000  # 21:54


def test_the_same_figures_by_sql() -> None:
    where = "venue = 'binance-usdm' and symbol = 'BTCUSDT'"
    day = sql(
        "2025-11-04",
        f"select arg_min(open, ts) o, min(low) l, arg_max(close, ts) c from candles where {where}"
        " and ts >= '2025-11-04' and ts < '2025-11-05'",
    )
    assert day == [{"o": 106_544.0, "l": 98_888.8, "c": 101_450.3}]
    low = sql("2025-10-10", f"select ts, low from candles where {where} order by low limit 1")
    assert low == [{"ts": "2025-10-10T21:20:00Z", "low": 101_516.5}]
    mood = sql(
        "2025-11-04",
        "select value from sentiment where ts between '2025-11-03' and '2025-11-05' order by ts",
    )
    assert [row["value"] for row in mood] == [42.0, 21.0, 23.0]
    flow = sql(
        "2025-11-04",
        "select round(sum(usd) / 1e6, 1) musd from flows"
        " where kind = 'etf' and asset = 'BTC' and ts = '2025-11-04'",
    )
    assert flow == [{"musd": -566.4}]
    peg = sql(
        "2025-10-10",
        "select ts, low from candles where symbol = 'USDEUSDT' order by low limit 1",
    )
    assert peg == [{"ts": "2025-10-10T21:54:00Z", "low": 0.65}]


def test_every_dated_cause_names_its_source(november: Tape) -> None:
    causes = november.events.collect()
    assert causes.height >= 15
    assert causes["source"].str.len_chars().min() > 10  # type: ignore[operator]
    kinds = set(causes["kind"].cast(pl.String))
    assert {"macro", "regulation", "exploit", "disclosure"} <= kinds
    text = " ".join(causes["title"])
    for word in ("Fed", "shutdown", "sanctions", "SEC", "Nasdaq", "Turkey", "Balancer", "Stream"):
        assert word in text


def test_provenance_names_every_source(november: Tape) -> None:
    assert november.folder is not None
    text = (november.folder.parent / "PROVENANCE.md").read_text()
    for source in november.manifest.sources:
        assert source.name in text
    assert "GPL" in text


def test_tapes_are_byte_identical_when_saved_twice(november: Tape, tmp_path: Path) -> None:
    for name in ("a", "b"):
        november.slice("2025-11-04", "2025-11-05").save(tmp_path / name)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*.*")) for n in "ab"]
    assert files[0] == files[1]
    for path in files[0]:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
