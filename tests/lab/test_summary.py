"""A run in figures: every number here is known, because the tapes are made here."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import polars as pl
import pytest

from undertow.errors import NotRecorded, UndertowError
from undertow.lab.summary import Summary, measured, summaries
from undertow.lab.summary_shown import corrected, corrections
from undertow.lab.summary_tapes import RunTapes, run_tapes
from undertow.model.periods import SECOND_NS, time_ns
from undertow.tape import Tape

START = time_ns("2025-11-03T00:00:00Z")
MINUTE_NS = 60 * SECOND_NS
TIME = pl.Datetime("ns", "UTC")
# Bitcoin by minute: falls from 100 to 80, then comes back to 95.
PATH = [100.0, 96.0, 90.0, 84.0, 80.0, 82.0, 88.0, 91.0, 95.0, 95.0]


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows).with_columns(pl.col("ts").cast(pl.Int64).cast(TIME))


def at(minute: float) -> int:
    return START + int(minute * MINUTE_NS)


def marks(venue: str = "binance-usdm") -> list[dict[str, Any]]:
    opens = [PATH[0], *PATH[:-1]]
    return [
        {"ts": at(minute), "venue": venue, "symbol": "BTCUSDT", "interval": "1m", "mark": close,
         "index": close, "mark_open": opens[minute], "mark_high": max(opens[minute], close),
         "mark_low": min(opens[minute], close)}
        for minute, close in enumerate(PATH)
    ]  # fmt: skip


def closing(minute: float, usd: float, **more: Any) -> dict[str, Any]:
    row = {"ts": at(minute), "venue": "binance-usdm", "symbol": "BTCUSDT", "side": "long",
           "price": 80.0, "quantity": usd / 80, "usd": usd, "stage": "full",
           "account": 1}  # fmt: skip
    return row | more


CLOSED = [
    closing(1.2, 100.0, price=96.0, quantity=100 / 96),
    closing(3.1, 400.0, account=2),
    closing(3.1, 200.0, account=2, stage="takeover"),
    closing(3.5, 240.0, account=3, venue="bybit"),
    closing(7.0, 60.0, account=4, side="short", price=90.0, quantity=60 / 90),
    closing(3.2, 160.0, account=9, side="short", stage="adl", price=84.0, quantity=160 / 84),
]
SHOWN = [CLOSED[0], CLOSED[2], CLOSED[3], CLOSED[4]]


def tapes(
    closed: list[dict[str, Any]] = CLOSED, shown: list[dict[str, Any]] = SHOWN,
    step_ns: int = SECOND_NS, **tables: pl.DataFrame,
) -> RunTapes:  # fmt: skip
    frames = {"marks": frame(marks()), **tables}
    if closed:
        frames["liquidations"] = frame(closed).sort("ts")
    seen = {"liquidations": frame(shown).sort("ts")} if shown else {"marks": frame(marks())}
    return run_tapes(Tape.from_frames(frames, kind="simulated"),
                     Tape.from_frames(seen, kind="simulated"), step_ns=step_ns)  # fmt: skip


def told(read: RunTapes, seed: int = 0, run_seed: int = 1) -> Summary:
    return measured(read, seed, run="test", run_seed=run_seed, path="model")


def test_the_fall_its_low_and_the_way_back() -> None:
    fall = told(tapes()).fall("BTC")
    assert fall is not None
    assert (fall.start, fall.low, fall.end) == (100.0, 80.0, 95.0)
    assert fall.fall == pytest.approx(0.2)
    assert fall.rebound == pytest.approx(0.75)
    assert fall.low_ns == at(5)
    # Half-way back is 90: first closed at by the bar that ends at minute 8.
    assert fall.half_recovery_s == 180


def test_the_price_is_the_median_of_the_venues() -> None:
    wrong = [row | {"mark": 10.0, "mark_low": 10.0} for row in marks("bitget")]
    three = frame([*marks(), *marks("bybit"), *wrong]).sort("ts")
    fall = told(tapes(marks=three)).fall("BTC")
    assert fall is not None
    assert fall.low == 80.0


def test_totals_are_without_winners_and_by_asset_side_and_venue() -> None:
    one = told(tapes())
    assert one.true.total_usd == 1000.0
    assert one.shown.total_usd == 600.0
    assert one.true.by_side == {"long": 940.0, "short": 60.0}
    assert one.true.by_venue == {"binance-usdm": 760.0, "bybit": 240.0}
    assert one.true.long_share == pytest.approx(0.94)
    assert (one.true.peak_bin_usd, one.true.peak_bin_ns) == (840.0, at(3))
    assert one.true.peak_day_usd == 1000.0
    assert one.adl_usd == 160.0
    assert one.adl_share == pytest.approx(0.16)
    assert one.accounts == 4


def test_a_takeover_and_an_order_of_one_account_are_one_closing() -> None:
    largest = told(tapes()).largest[0]
    assert (largest.usd, largest.venue, largest.side) == (600.0, "binance-usdm", "long")
    assert largest.at_ns == at(3.1)


def test_a_day_that_has_passed_leaves_the_rolling_total() -> None:
    day = 24 * 60
    path = frame([row | {"ts": at(minute)} for minute in range(0, 2 * day, 60)
                  for row in marks()[:1]])  # fmt: skip
    read = tapes([closing(10, 100.0), closing(day + 30, 50.0)], [], marks=path)
    sums = dict(read.rolling_day(read.closed).select("ns", "usd").iter_rows())
    assert sums[at(20)] == 100.0
    assert sums[at(day + 5)] == 100.0
    assert sums[at(day + 15)] == 0.0
    assert sums[at(day + 35)] == 50.0


def test_the_shown_share_has_an_interval_that_holds_it_and_a_seed() -> None:
    one = told(tapes())
    share = one.shown_share
    assert share is not None
    assert share.share == pytest.approx(0.6)
    assert share.low < share.share < share.high
    assert told(tapes(), seed=0).shown_share == share
    assert sum(part.minutes for part in one.shown_by_intensity) == 3
    assert {part.label for part in one.shown_by_intensity} == {"1 to 2"}


def test_a_recording_is_corrected_by_what_such_a_feed_leaves_out() -> None:
    shares = corrections(tapes(), seed=0)
    assert [(one.least, one.minutes, one.share) for one in shares] == [(1, 3, 0.6)]
    recorded = Tape.from_frames({"liquidations": frame([closing(1, 60.0), closing(1.5, 30.0)])})
    row = corrected(recorded, shares).row(0, named=True)
    assert (row["orders"], row["shown_usd"]) == (2, 90.0)
    assert row["usd"] == pytest.approx(150.0)
    assert row["usd_low"] < row["usd"] < row["usd_high"]
    assert row["is_estimate"]
    with pytest.raises(NotRecorded):
        corrected(Tape.from_frames({"marks": frame(marks())}), shares)
    with pytest.raises(UndertowError, match="nothing to correct with"):
        corrected(recorded, corrections(tapes([], []), seed=0))


def test_a_minute_is_never_shorter_than_a_step() -> None:
    one = told(tapes(step_ns=300 * SECOND_NS))
    assert one.bin_s == 300
    assert one.true.peak_bin_usd == 940.0


def test_who_paid_adds_up() -> None:
    balances = [1000.0, 900.0, 950.0]
    funds = frame([
        {"ts": at(minute), "venue": "binance-usdm", "balance_usd": usd}
        for minute, usd in zip((1, 4, 8), balances, strict=True)
    ])  # fmt: skip
    one = told(tapes(insurance=funds))
    assert [(fund.used_usd, fund.income_usd) for fund in one.funds] == [(100.0, 50.0)]
    paid = {part.venue: part for part in one.paid}["binance-usdm"]
    # 100 at 96 and 600 at 80 had been at 100; the short of 60 at 90 gained.
    longs = 100 * (100 / 96 - 1) + 600 * (100 / 80 - 1)
    assert paid.lost_usd == pytest.approx(longs)
    # The winner's short was closed at 84, the mark ended that minute at 84: nothing given up.
    assert paid.winners_usd == pytest.approx(0.0)
    assert paid.insurance_usd == 100.0
    assert paid.longs_usd == pytest.approx(longs - 100)
    total = paid.longs_usd + paid.shorts_usd + paid.insurance_usd + paid.winners_usd
    assert total == pytest.approx(paid.lost_usd)


def test_a_winner_closed_above_the_mark_gives_up_the_difference() -> None:
    worse = [closing(3.2, 180.0, side="short", stage="adl", price=90.0, quantity=2.0, account=9)]
    paid = told(tapes([*CLOSED[:5], *worse])).paid
    assert {one.venue: one.winners_usd for one in paid}["binance-usdm"] == pytest.approx(12.0)


def test_depth_before_at_the_thinnest_and_after() -> None:
    rows = [
        {"ts": at(minute), "venue": "coinbase", "symbol": "BTCUSD", "band": 0.01,
         "bid_usd": 10.0 if 80 <= minute < 90 else 100.0, "ask_usd": 100.0, "spread": 0.001}
        for minute in range(0, 180, 5)
    ]  # fmt: skip
    found = told(tapes(depth=frame(rows))).depth
    assert [(one.kind, one.band) for one in found] == [("spot", 0.01)]
    assert (found[0].before_usd, found[0].trough_usd, found[0].after_usd) == (200.0, 110.0, 200.0)
    assert found[0].trough_ns == at(80)


def test_a_quiet_run_is_zero_and_not_an_error() -> None:
    one = told(tapes([], []))
    assert one.true.total_usd == 0.0
    assert one.true.long_share is None
    assert one.shown_share is None
    assert one.accounts == 0
    assert one.adl_share is None
    json.dumps(one.as_json(), allow_nan=False)


def test_json_has_times_as_text_and_no_nan() -> None:
    plain = told(tapes()).as_json()
    text = json.dumps(plain, allow_nan=False)
    assert plain["falls"][0]["low_at"] == "2025-11-03T00:05:00Z"
    assert plain["falls"][0]["low"] == 80.0
    assert plain["largest"][0]["at"] == "2025-11-03T00:03:06Z"
    assert "_ns" not in text


def test_quantiles_over_runs() -> None:
    one = told(tapes())
    several = [
        dataclasses.replace(one, true=dataclasses.replace(one.true, total_usd=float(usd)))
        for usd in range(1, 12)
    ]
    found = {row.name: row for row in summaries(several)}
    assert (found["liquidated, true"].low, found["liquidated, true"].middle) == (2.0, 6.0)
    assert found["liquidated, true"].high == 10.0
    assert found["liquidated, true"].runs == 11
    assert found["BTC: fall to the low"].low == found["BTC: fall to the low"].high
