"""The figures behind the crowd's `late_share`: from the library, and of no event that is judged."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from undertow.lab.scenario import load
from undertow.measures.published import published
from undertow.model.periods import time_ns
from verification import estimate, path_runs

ROWS = path_runs.figures().rows(named=True)


def test_every_figure_is_a_published_one_of_that_coin_and_side() -> None:
    library = {one["id"]: one for one in published().rows(named=True)}
    others = {
        (one["as_of"], one["asset"], one["side"])
        for one in pl.read_csv(estimate.EVENTS).rows(named=True)
    }
    for row in ROWS:
        if row["usd"] is not None:
            venues = {one.id for one in load(row["scenario"]).venues}
            assert row["venue"] is None or row["venue"] in venues
            assert 0 < row["usd"] < 2e9
        elif row["figure"] is None:
            assert (row["until"], row["asset"], row["side"]) in others
        else:
            told = library[row["figure"]]
            assert (told["asset"], told["side"]) == (row["asset"], row["side"])
            assert told["metric"] == "liquidations" and told["unit"] == "USD"


def test_a_figure_counts_its_own_venue_coin_and_side() -> None:
    figure = {"venue": "bybit", "asset": "ALL", "side": "long"}
    assert path_runs.is_meant(figure, "bybit", "XRP", "long")
    assert not path_runs.is_meant(figure, "okx", "XRP", "long")
    assert not path_runs.is_meant(figure, "bybit", "XRP", "short")
    assert path_runs.is_meant({"venue": None, "asset": "XRP", "side": "both"}, "okx", "XRP", "long")


def test_the_judged_events_are_not_among_them() -> None:
    for row in ROWS:
        end_ns = time_ns(row["until"])
        for first, last in (("2025-10-10", "2025-10-13"), ("2025-11-03", "2025-11-06")):
            assert end_ns <= time_ns(first) or end_ns - path_runs.DAY_NS >= time_ns(last)


def test_a_scenario_moves_to_another_day_with_that_day_s_prices() -> None:
    hours = 24 * 21
    start_ns = time_ns("2025-09-01")
    names = ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "1000PEPE")
    frames = [
        pl.DataFrame({
            "ts": pl.Series(start_ns + pl.int_range(hours, eager=True) * path_runs.HOUR_NS).cast(
                pl.Datetime("ns", "UTC")
            ),
            "venue": "binance-usdm", "symbol": f"{name}USDT", "interval": "1h",
            "close": 100.0 + pl.int_range(hours, eager=True) % 2,
        })
        for name in names
    ]  # fmt: skip
    tape = path_runs.Tape.from_frames({"candles": pl.concat(frames)})
    at_ns = start_ns + (hours - 1) * path_runs.HOUR_NS
    moved = path_runs.on_day(load("2025-11-04"), tape, at_ns, "150s", {"late_share": 0.1})
    assert moved.start_ns == at_ns
    assert moved.shocks == () and moved.event is None
    assert moved.price_usd["BTC"] == 100.0  # of the last hour that was over by then
    assert moved.volatility["ETH"] == pytest.approx(0.01 * 24**0.5, rel=0.02)
    (crowd,) = [one for one in moved.agents if one.kind == "crowd"]
    assert crowd.settings["late_share"] == 0.1


def test_a_folder_without_the_candles_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert path_runs.main(["--data", str(tmp_path)]) == 2
    assert "no such file of candles" in capsys.readouterr().err
