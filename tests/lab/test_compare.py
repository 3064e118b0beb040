"""A run beside what was published: the same window, the same moment, the feed that was shown."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from undertow.errors import NotRecorded, UndertowError
from undertow.lab.compare import (
    compare_tapes,
    factor_off,
    verdict_of,
)
from undertow.lab.outcome import outcome
from undertow.lab.rolling import rolling_tapes
from undertow.lab.scenario import load
from undertow.lab.side_by_side import side_by_side
from undertow.lab.summary import measured
from undertow.lab.summary_tapes import run_tapes
from undertow.measures.as_of import as_of_span
from undertow.measures.published import published
from undertow.model.periods import time_ns
from undertow.tape import Tape

START = time_ns("2025-11-03T00:00:00Z")
HOUR_NS = 3_600_000_000_000
TIME = pl.Datetime("ns", "UTC")
EVENT = "2025-11-03/04"


def moments(values: list[int]) -> pl.Series:
    return pl.Series("ts", values, pl.Int64).cast(TIME)


def candles(closes: dict[str, list[float]], venue: str = "coinbase") -> pl.DataFrame:
    """Hourly bars from the start; a bar's low is 1 % below its close, its open the one before."""
    rows = [
        {"ts": START + hour * HOUR_NS, "venue": venue, "symbol": f"{asset}USD", "interval": "1h",
         "open": path[max(0, hour - 1)], "high": max(path[max(0, hour - 1)], close),
         "low": 0.99 * close, "close": close, "volume": 1.0}
        for asset, path in closes.items() for hour, close in enumerate(path)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.col("ts").cast(pl.Int64).cast(TIME))


def liquidation(hour: float, usd: float, **more: Any) -> dict[str, Any]:
    row = {"ts": START + int(hour * HOUR_NS), "venue": "binance-usdm", "symbol": "BTCUSDT",
           "side": "long", "price": 100.0, "quantity": usd / 100, "usd": usd, "stage": "full",
           "account": 1}  # fmt: skip
    return row | more


def tape(rows: list[dict[str, Any]], hours: int = 50, **tables: pl.DataFrame) -> Tape:
    """A run of so many hours in which Bitcoin falls from 110,000 to 99,000 in the 40th."""
    path = [110_000.0] * 40 + [99_000.0] * (hours - 40)
    frames = {"candles": candles({"BTC": path, "ETH": [p / 30 for p in path]}), **tables}
    if rows:
        closed = pl.DataFrame(rows).with_columns(pl.col("ts").cast(pl.Int64).cast(TIME))
        frames["liquidations"] = closed.sort("ts")
    return Tape.from_frames(frames, kind="simulated")


def figure(**values: Any) -> pl.DataFrame:
    """One published figure; by default a total of 24 hours."""
    row: dict[str, Any] = {
        "id": "T1", "event": EVENT, "metric": "liquidations", "qualifier": "=", "value": 100.0,
        "value_low": None, "value_high": None, "value_text": None, "unit": "USD", "asset": "ALL",
        "side": "both", "venue": "all", "window": "24h", "as_of": "2025-11-04T06:00Z",
        "as_of_inferred": False, "publisher": "Somebody", "secondary": False, "note": None,
        "source_url": None,
    } | values  # fmt: skip
    span = as_of_span(row["as_of"])
    assert span is not None
    kinds = {"value": pl.Float64, "value_low": pl.Float64, "value_high": pl.Float64}
    return pl.DataFrame([row], schema_overrides=kinds).with_columns(
        moments([span[0]]).alias("as_of_start"), moments([span[1]]).alias("as_of_end")
    )


def one(true: Tape, shown: Tape | None = None, **values: Any) -> Any:
    (row,) = compare_tapes(true, shown, EVENT, path="model", figures=figure(**values))
    return row


def test_a_total_is_of_its_own_window_and_moment() -> None:
    run = tape([
        liquidation(5, 7.0),  # before the window, which is 06:00 to 06:00
        liquidation(6.5, 20.0), liquidation(29, 30.0),
        liquidation(31, 400.0),  # after it
    ])  # fmt: skip
    row = one(run)
    assert (row.simulated, row.ratio, row.factor) == (50.0, 0.5, 2.0)
    assert (row.verdict, row.scored, row.given) == ("fair", True, False)


def test_totals_are_those_of_the_shown_feed_without_deleveraging() -> None:
    rows = [liquidation(20, 80.0), liquidation(21, 40.0), liquidation(22, 500.0, stage="adl")]
    assert one(tape(rows), None).simulated == 120.0
    assert one(tape(rows), tape(rows[:1])).simulated == 80.0
    assert one(tape(rows), tape(rows[:1]), metric="adl_amount").simulated == 500.0
    assert one(tape(rows), tape(rows[:1]), metric="forced_closures").simulated == 620.0


def test_side_asset_and_venue() -> None:
    rows = [
        liquidation(20, 60.0), liquidation(20, 25.0, symbol="ETHUSDT", side="short"),
        liquidation(20, 15.0, venue="hyperliquid", symbol="BTC", account=2),
    ]  # fmt: skip
    run = tape(rows)
    assert one(run, asset="BTC").simulated == 75.0
    assert one(run, side="short").simulated == 25.0
    assert one(run, venue="Hyperliquid").simulated == 15.0
    assert one(run, metric="liq_share", unit="pct", side="long").simulated == 75.0
    assert one(run, metric="liq_largest_order").simulated == 60.0
    assert one(run, metric="liq_traders", unit="count").simulated == 2.0


def test_what_no_run_tells_is_left_out() -> None:
    run = tape([liquidation(20, 60.0)])
    for values in (
        {"metric": "etf_flow"}, {"venue": "MtGox"}, {"venue": "Amberdata coverage"},
        {"unit": "BTC"}, {"asset": "SOL", "metric": "price_low"}, {"asset": "HYPE"},
        {"window": "second 61"}, {"window": "excess haircuts", "metric": "adl_amount"},
    ):  # fmt: skip
        assert compare_tapes(run, None, EVENT, path="model", figures=figure(**values)) == []


def test_a_window_that_the_run_does_not_cover_is_not_scored() -> None:
    run = tape([liquidation(20, 60.0)])
    for as_of in ("2025-11-03T12:00Z", "2025-11-06T00:00Z"):
        row = one(run, as_of=as_of)
        assert (row.verdict, row.scored) == ("not covered", False)
        assert math.isnan(row.simulated)


def test_a_day_without_an_hour_gives_a_range() -> None:
    # The rolling sum is 60 until 20:00 on the 4th, and 0 after it.
    row = one(tape([liquidation(20, 60.0)]), as_of="2025-11-04")
    assert (row.low, row.high, row.simulated) == (0.0, 60.0, 60.0)


def test_windows_that_name_their_hours() -> None:
    rows = [liquidation(21.2, 9.0), liquidation(21.3, 90.0), liquidation(21.5, 7.0)]
    row = one(tape(rows), window="21:15-21:27 UTC", as_of="2025-11-03")
    assert row.simulated == 90.0


def test_prices_are_compared_as_falls() -> None:
    row = one(tape([]), metric="price_low", asset="BTC", window="day", value=99_000.0,
              as_of="2025-11-04", venue="spot")  # fmt: skip
    assert row.published == pytest.approx(-10.0)
    assert row.simulated == pytest.approx(100 * (99_000 * 0.99 / 110_000 - 1))
    assert row.factor == pytest.approx(1.09)
    assert row.scored


def test_what_a_run_was_given_is_not_scored() -> None:
    low = figure(metric="price_low", asset="BTC", window="day", value=99_000.0, as_of="2025-11-04")
    for path, given in (("real", True), ("model", False)):
        (row,) = compare_tapes(tape([]), None, EVENT, path=path, figures=low)
        assert (row.given, row.scored) == (given, not given)


def test_figures_that_the_scenario_is_made_from_are_given() -> None:
    total = figure(id="F0385")
    (row,) = compare_tapes(tape([liquidation(20, 60.0)]), None, EVENT, path="model", figures=total,
                     given={"F0385"})  # fmt: skip
    assert (row.given, row.scored, row.verdict) == (True, False, "fair")
    assert "F0398" in load("2025-11-04").cited()


def test_of_several_lows_the_middle_one_counts() -> None:
    lows = pl.concat([
        figure(id=name, metric="price_low", asset="BTC", window=window, venue=venue, value=value,
               as_of="2025-11-04")
        for name, venue, value, window in (
            ("T1", "spot", 99_000.0, "day"), ("T2", "CoinGecko", 98_000.0, "point"),
            ("T3", "Binance", 90_000.0, "low"),
        )
    ])  # fmt: skip
    rows = compare_tapes(tape([]), None, EVENT, path="model", figures=lows)
    assert [row.id for row in rows if row.scored] == ["T2"]
    # All three ask for the lowest price of that day, wherever they looked.
    assert {round(row.simulated, 6) for row in rows} == {-10.9}


def test_counts_of_sampled_accounts_are_told_and_not_scored() -> None:
    row = one(tape([liquidation(20, 60.0)]), metric="liq_traders", unit="count")
    assert (row.simulated, row.scored) == (1.0, False)


def test_bitmex_calls_bitcoin_xbt() -> None:
    rows = [liquidation(20, 60.0, venue="bitmex", symbol="XBTUSD")]
    interest = pl.DataFrame({
        "ts": moments([START]), "venue": ["bitmex"], "symbol": ["XBTUSD"], "usd": [1000.0],
    })  # fmt: skip
    run = tape(rows, open_interest=interest)
    assert one(run, asset="BTC", venue="BitMEX").simulated == 60.0


def test_one_figure_per_metric_and_asset() -> None:
    run = tape([liquidation(20, 60.0), liquidation(30, 60.0)])
    several = pl.concat([
        figure(id="T1", value=50.0), figure(id="T2", value=130.0, as_of="2025-11-04T08:00Z"),
        figure(id="T3", value=100.0, side="long"), figure(id="T4", value=90.0, asset="BTC"),
        figure(id="T5", value=200.0, as_of="2025-11-07T00:00Z"),
    ])  # fmt: skip
    rows = compare_tapes(run, None, EVENT, path="model", figures=several)
    # The peak that the run covers; not the lower report, not the side, not the later day.
    assert [row.id for row in rows if row.scored] == ["T2", "T4"]


def test_open_interest_and_funds() -> None:
    interest = pl.DataFrame({
        "ts": moments([START, START + 45 * HOUR_NS]), "venue": ["binance-usdm"] * 2,
        "symbol": ["BTCUSDT"] * 2, "usd": [1000.0, 800.0], "contracts": [1.0, 1.0],
    })  # fmt: skip
    funds = pl.DataFrame({
        "ts": moments([START, START + 45 * HOUR_NS]), "venue": ["binance-usdm"] * 2,
        "balance_usd": [50.0, 20.0],
    })  # fmt: skip
    run = tape([], open_interest=interest, insurance=funds)
    row = one(run, metric="oi_change_pct", unit="pct", asset="BTC", value=-10.0,
              as_of="2025-11-04T22:00Z")  # fmt: skip
    assert (row.simulated, row.factor) == (pytest.approx(-20.0), pytest.approx(2.0))
    before = one(run, metric="open_interest_before", value=2000.0, as_of="2025-11-03",
                 window="point")  # fmt: skip
    assert (before.simulated, before.given, before.scored) == (1000.0, True, False)
    assert outcome(run).fund_change_usd(START + 50 * HOUR_NS) == -30.0


def test_open_interest_is_a_part_of_what_was_open_before() -> None:
    """CoinDesk counts 217 billion before 10 October, of which a run may hold any part."""
    day = time_ns("2025-10-10T00:00:00Z") - START
    interest = pl.DataFrame({
        "ts": moments([START + day, START + day + 22 * HOUR_NS]), "venue": ["binance-usdm"] * 2,
        "symbol": ["BTCUSDT"] * 2, "usd": [1000.0, 750.0], "contracts": [1.0, 1.0],
    })  # fmt: skip
    path = candles({"BTC": [100.0] * 20 + [80.0] * 15})
    path = path.with_columns(pl.col("ts") + pl.duration(nanoseconds=day))
    run = Tape.from_frames({"candles": path, "open_interest": interest}, kind="simulated")
    told = {row.id: row for row in compare_tapes(run, None, "2025-10-10", path="real")}
    after = told["F0322"]
    assert (after.published, after.simulated) == pytest.approx((100 * 123 / 217, 75.0))
    assert after.unit == "pct of what was open"
    assert told["F0325"].published == pytest.approx(-100 * 65 / 217)
    assert told["F0325"].simulated == pytest.approx(-25.0)


def test_what_a_figure_really_counts() -> None:
    rows = [
        liquidation(20, 80.0), liquidation(21, 40.0, stage="takeover", side="short"),
        liquidation(22, 30.0, stage="adl", side="short", account=2),
    ]  # fmt: skip
    interest = pl.DataFrame({
        "ts": moments([START, START + 45 * HOUR_NS]), "venue": ["binance-usdm"] * 2,
        "symbol": ["BTCUSDT"] * 2, "usd": [1000.0, 810.0], "contracts": [1.0, 0.9],
    })  # fmt: skip
    run = tape(rows, open_interest=interest)
    # Both sides of a takeover and the losing side of a deleveraging; not what the book took.
    counted = pl.lit("fills").alias("counted")
    (row,) = compare_tapes(run, None, EVENT, path="model",
                           figures=figure().with_columns(counted))  # fmt: skip
    assert row.simulated == 2 * 40.0 + 30.0
    both = figure(metric="forced_closures").with_columns(counted + " and winners")
    (row,) = compare_tapes(run, None, EVENT, path="model", figures=both)
    assert row.simulated == 2 * 40.0 + 2 * 30.0
    # In coins a fall of a tenth in price is no fall.
    share = figure(metric="oi_change_pct", unit="pct", asset="BTC", value=-10.0,
                   as_of="2025-11-04T22:00Z").with_columns(counted=pl.lit("coins"))  # fmt: skip
    (row,) = compare_tapes(run, None, EVENT, path="model", figures=share)
    assert row.simulated == pytest.approx(-10.0)
    other = figure().with_columns(counted=pl.lit("another asset"))
    assert compare_tapes(run, None, EVENT, path="model", figures=other) == []


def test_factors() -> None:
    assert factor_off(100.0, 80.0) == 1.25
    assert factor_off(-10.0, 5.0) == 10.0
    assert factor_off(100.0, math.nan) == 10.0
    assert [verdict_of(value) for value in (1.0, 1.5, 3.0, 9.0)] == [
        "close", "fair", "off", "far off",
    ]  # fmt: skip


def test_the_rolling_curve_and_its_increments() -> None:
    # 10 an hour until 20:00 on the 4th, then 50 an hour.
    rows = [liquidation(hour + 0.5, 10.0 if hour < 44 else 50.0) for hour in range(49)]
    run = tape(rows)
    reports = pl.concat([
        figure(id=f"T{at}", value=value, as_of=f"2025-11-04T{at}:00Z")
        for at, value in ((10, 240.0), (20, 240.0), (22, 320.0))
    ])  # fmt: skip
    curve = rolling_tapes(run, None, EVENT, figures=reports)
    assert curve.simulated_usd == (240.0, 240.0, 320.0)
    assert curve.simulated_per_hour == curve.published_per_hour == (0.0, 40.0)
    assert curve.correlation == pytest.approx(1.0)
    assert curve.increment_factor == 1.0
    slower = rolling_tapes(tape([row | {"usd": row["usd"] / 2} for row in rows]), None, EVENT,
                     figures=reports)  # fmt: skip
    assert slower.factor == (1.0, 2.0)
    assert slower.correlation == pytest.approx(1.0)


def test_the_real_library_of_4_november() -> None:
    """The run that closes what was reported, when it was reported, is close everywhere."""
    rows = [liquidation(1 + hour * 0.5, 1.27e9 / 49) for hour in range(49)]
    rows += [liquidation(27.5 + hour, 1.0e9 / 20, symbol="ETHUSDT") for hour in range(20)]
    run = tape(rows, hours=51)
    told = compare_tapes(run, None, "2025-11-04", path="real")
    assert {row.id for row in told} >= {"F0385", "F0407", "F0446"}
    assert not [row.id for row in told if row.scored and row.metric.startswith("price")]
    scored = [(row.metric, row.asset, row.venue) for row in told if row.scored]
    assert len(scored) == len(set(scored))
    assert ("liquidations", "ALL", "all") in scored
    curve = rolling_tapes(run, None, "2025-11-04")
    assert len(curve.at_ns) >= 6
    first = published(event="2025-11-04").filter(pl.col("id") == "F0385")["value"][0]
    assert first in curve.published_usd


def test_two_runs_side_by_side() -> None:
    calm = tape([liquidation(20, 60.0)])
    wild = tape([liquidation(20, 60.0), liquidation(41, 180.0, side="short", account=2)])
    told = [
        measured(run_tapes(one, one, step_ns=10**9), 0, run="", run_seed=1, path="model")
        for one in (calm, wild)
    ]
    rows = {row.name: row for row in side_by_side(*told)}
    for name in ("liquidated, true", "largest 24 hours, true", "BTC: liquidated, true"):
        assert name in rows
    assert (rows["liquidated, true"].first, rows["liquidated, true"].second) == (60.0, 240.0)
    assert rows["liquidated, true"].change == pytest.approx(3.0)
    assert rows["accounts liquidated"].second == 2.0
    assert rows["long share, true"].second == 0.25
    assert rows["long share, true"].change == -0.75  # points of a share, not a ratio
    # The same figures as `crash` tells.
    assert rows["BTC: fall to the low"].first == told[0].falls[0].fall


def test_mistakes_are_named() -> None:
    with pytest.raises(UndertowError, match="expected real or model"):
        compare_tapes(tape([]), None, EVENT, path="both")
    with pytest.raises(UndertowError, match="no published figures"):
        compare_tapes(tape([]), None, "1999-01-01", path="real")
    with pytest.raises(NotRecorded, match="prices"):
        compare_tapes(Tape.from_frames({}, kind="simulated"), None, EVENT, path="real")
