"""Prices: every figure by hand or by brute force, and none that knows the future."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures import Bar, bars_of, moment, other_futures, tape_of
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import bars as candles
from undertow.measures import price
from undertow.model.assets import coins_per_unit
from undertow.tape import Tape

DAY_AFTER = "2025-11-05T00:00:00Z"


def wave(count: int, **names: str) -> pl.DataFrame:
    """Bars that go up and down, without two equal ones."""
    middle = [100 + 10 * math.sin(n / 7) + n / 50 for n in range(count + 1)]
    rows = [
        (a, max(a, b) + 1 + n % 3, min(a, b) - 1 - n % 2, b)
        for n, (a, b) in enumerate(pairwise(middle))
    ]
    return bars_of(rows, **names)


# Bars.


def test_a_time_is_covered_once_by_the_finest_bars() -> None:
    daily = bars_of([1, 2, 3], start="2025-11-02", interval="1d")
    hourly = bars_of([10, 11], start="2025-11-03T22:00:00", interval="1h")
    fine = bars_of(range(20, 32), start="2025-11-03T23:00:00")
    tape = tape_of(daily, hourly, fine)
    found = candles.bars(tape)
    # The second day is over when its hours are known: the day, and the hour of the 5m bars, go.
    assert found["close"].to_list() == [1, 10, *range(20, 32), 3]
    assert found["end"].to_list()[-1] == moment("2025-11-05")
    # Another market's bars do not cover this one's.
    elsewhere = tape_of(daily, bars_of([20], start="2025-11-03", venue="bybit"))
    assert candles.bars(elsewhere, venue="binance-usdm")["close"].to_list() == [1, 2, 3]


def test_bars_are_chosen_by_kind_of_venue_unless_one_is_named() -> None:
    tape = tape_of(
        bars_of([1]),
        bars_of([2], venue="binance-spot"),
        bars_of([3], venue="index", symbol="BTC"),
        bars_of([4], venue="a-new-venue"),
    )
    assert sorted(candles.bars(tape)["close"]) == [1, 2, 4]
    assert candles.bars(tape, kinds=("spot",))["close"].to_list() == [2]
    assert candles.bars(tape, kinds=("perp", "index"))["close"].to_list() == [4, 1, 3]
    assert candles.bars(tape, venue="index")["close"].to_list() == [3]
    assert candles.bars(tape, symbol="BTCUSD").is_empty()


def test_an_old_close_is_no_price() -> None:
    tape = tape_of(bars_of([7.0]), bars_of([9.0], interval="1d", symbol="ETHUSDT"))

    def price_at(text: str) -> dict[str, float]:
        found = candles.prices(tape, candles.moment_ns(tape, text))
        again = candles.last_price(candles.bars(tape, at=text), candles.moment_ns(tape, text))
        assert found.equals(again)
        return dict(found.select("asset", "price").rows())

    assert price_at("2025-11-04T00:04:59Z") == {}
    assert price_at("2025-11-04T00:05:00Z") == {"BTC": 7.0}
    assert price_at("2025-11-04T00:20:00Z") == {"BTC": 7.0}
    assert price_at("2025-11-04T00:20:01Z") == {}
    assert price_at("2025-11-07T00:00:00Z") == {"ETH": 9.0}
    assert price_at("2025-11-07T00:00:01Z") == {}


@pytest.mark.parametrize(
    ("symbol", "coins"),
    [("BTCUSDT", 1), ("1000PEPEUSDT", 1000), ("1000000MOGUSDT", 1_000_000), ("1INCHUSDT", 1)],
)
def test_how_many_coins_a_price_is_for(symbol: str, coins: int) -> None:
    assert coins_per_unit(symbol) == coins


# Returns.


def test_returns_are_from_close_to_close() -> None:
    tape = tape_of(bars_of([100.0] * 11 + [80.0, 90.0]))
    found = price.returns(
        tape, at="2025-11-04T01:05:00Z", windows=("1h",), since=["2025-11-04T01:00:00Z"]
    )
    assert found["window"].to_list() == ["2025-11-04T01:00:00Z", "1h"]
    assert found["start_price"].to_list() == [80.0, 100.0]
    assert found["return"].to_list() == pytest.approx([0.125, -0.1])
    assert found["start"].to_list()[1] == moment("2025-11-04T00:05:00")


def test_a_return_without_a_price_at_both_ends_is_empty() -> None:
    tape = tape_of(
        bars_of([100.0] * 24),
        bars_of([50.0, 51.0], interval="1h", symbol="ETHUSDT"),
        bars_of([9.0], symbol="SOLUSDT"),
    )
    found = price.returns(tape, at="2025-11-04T02:00:00Z", windows=("30m", "1h", "24h"))
    by_asset = {
        key: found.filter(pl.col("asset") == key)["return"].to_list() for key in ("BTC", "ETH")
    }
    # Hourly bars say nothing about half an hour; nobody was there the day before.
    assert by_asset == {"BTC": [0.0, 0.0, None], "ETH": [None, pytest.approx(0.02), None]}
    assert "SOL" not in found["asset"]


def test_returns_refuse_a_start_that_is_not_before_the_end() -> None:
    tape = tape_of(bars_of([1.0]))
    with pytest.raises(UndertowError, match=r"2025-11-05.*expected a time before 2025-11-04"):
        price.returns(tape, at="2025-11-04T00:05:00Z", since=["2025-11-05"])


# Highs and lows.


def test_high_and_low_with_their_bars() -> None:
    rows: list[Bar | float] = [(100, 104, 99, 103), (103, 110, 102, 105), (105, 106, 88, 90)]
    found = price.high_low(tape_of(bars_of(rows)), window="15m").row(0, named=True)
    assert (found["open"], found["close"]) == (100, 90)
    assert (found["high"], found["high_at"]) == (110, moment("2025-11-04T00:05:00"))
    assert (found["low"], found["low_at"]) == (88, moment("2025-11-04T00:10:00"))
    assert found["change"] == pytest.approx(-0.1)
    assert found["open_to_low"] == pytest.approx(-0.12)
    assert found["high_to_low"] == pytest.approx(88 / 110 - 1)


@pytest.mark.parametrize(
    "rows",
    [[(100, 101, 80, 90), (90, 120, 90, 110)], [(100, 120, 80, 100)]],
    ids=["low first", "same bar"],
)
def test_a_low_before_the_high_is_no_fall_from_it(rows: list[Bar | float]) -> None:
    found = price.high_low(tape_of(bars_of(rows)))
    assert found["high_to_low"].to_list() == [None]
    assert found["open_to_low"].to_list() == pytest.approx([-0.2])


def test_candles_without_open_high_and_low_use_their_closes() -> None:
    found = price.high_low(tape_of(bars_of([100.0, 120.0, 90.0]))).row(0, named=True)
    assert [found[name] for name in ("open", "high", "low", "close")] == [100, 120, 90, 90]
    # The second bar ran from 100 to 120, the third from 120 to 90.
    assert found["high_at"] == moment("2025-11-04T00:05:00")
    assert found["high_to_low"] == pytest.approx(-0.25)


def test_drawdown_from_the_high_now_and_at_its_deepest() -> None:
    rows: list[Bar | float] = [(50, 60, 10, 55), (55, 100, 20, 80), (80, 90, 40, 70)]
    found = price.drawdown(tape_of(bars_of(rows))).row(0, named=True)
    assert (found["high"], found["high_at"]) == (100, moment("2025-11-04T00:05:00"))
    assert (found["price"], found["drawdown"]) == (70, pytest.approx(-0.3))
    # 10 came before the high, 20 perhaps before it, 40 after it.
    assert (found["low"], found["deepest"]) == (40, pytest.approx(-0.6))
    later = price.drawdown(tape_of(bars_of(rows)), since="2025-11-04T00:10:00Z")
    assert later["high"].to_list() == [90]
    assert later["deepest"].to_list() == pytest.approx([70 / 90 - 1])


def test_drawdown_is_empty_where_the_price_is_stale() -> None:
    found = price.drawdown(tape_of(bars_of([100.0, 90.0])), at=DAY_AFTER)
    assert found["drawdown"].to_list() == [None]
    assert found["deepest"].to_list() == pytest.approx([-0.1])


# Volatility.


def test_volatility_of_moves_of_one_percent() -> None:
    up_and_down = [100.0 * math.exp(0.01 * (n % 2)) for n in range(289)]
    tape = tape_of(bars_of(up_and_down, start="2025-11-03T23:55:00"))
    found = price.realised_volatility(tape, at=DAY_AFTER).row(0, named=True)
    # The first bar that lies in the window has no open: it is the one before it that tells.
    assert found["returns"] == 288
    expected = 0.01 * math.sqrt(287 * 365)  # and the first of the 288 is from its own close
    assert found["volatility"] == pytest.approx(expected)


def test_volatility_by_longer_steps_and_over_a_gap() -> None:
    bars = [(100.0, 100.0, 100.0, 100.0)] * 11 + [(100.0, 110.0, 100.0, 110.0)] + [110.0] * 12
    two_hours = bars_of(bars)
    hourly = price.realised_volatility(tape_of(two_hours), window="2h", interval="1h")
    assert hourly["returns"].to_list() == [2]
    expected = math.log(1.1) * math.sqrt(365 * 12)
    assert hourly["volatility"].to_list() == pytest.approx([expected])
    assert price.realised_volatility(tape_of(two_hours), interval="1m")["volatility"][0] is None
    holed = two_hours.filter(~pl.col("ts").is_between(moment("2025-11-04T00:30:00"),
                                                      moment("2025-11-04T01:30:00")))  # fmt: skip
    with_gap = price.realised_volatility(tape_of(holed), window="2h")
    assert with_gap["volatility"].to_list() == pytest.approx([expected])


def test_volatility_of_one_move_is_not_known() -> None:
    found = price.realised_volatility(tape_of(bars_of([(1.0, 2.0, 1.0, 2.0)])))
    assert found["volatility"].to_list() == [None]


# The fastest fall.


def test_the_fastest_fall_runs_from_a_high_to_a_later_low() -> None:
    calm: list[Bar | float] = [(100, 100, 100, 100)] * 20
    crash: list[Bar | float] = [(100, 108, 99, 107), (107, 107, 95, 96), (96, 97, 90, 91)]
    found = price.fastest_fall(tape_of(bars_of(calm + crash + calm))).row(0, named=True)
    assert (found["from_price"], found["to_price"], found["change"]) == (108, 90, -18)
    assert found["change_fraction"] == pytest.approx(-18 / 108)
    assert found["start"] == moment("2025-11-04T01:40:00")
    assert found["end"] == moment("2025-11-04T01:55:00")
    assert found["recorded_from"] == moment("2025-11-04")  # the day before is not on the tape


def test_within_one_bar_only_open_to_low_is_a_fall() -> None:
    tape = tape_of(bars_of([(100, 150, 90, 140)], interval="1h"))
    assert price.fastest_fall(tape)["change"].to_list() == [-10]
    # An hour's bar says nothing about half an hour.
    assert price.fastest_fall(tape, within="30m")["change"].to_list() == [None]


def test_falls_of_closes_alone() -> None:
    tape = tape_of(bars_of([100.0, 97.0, 99.0, 91.0], interval="1h"))
    assert price.fastest_fall(tape)["change"].to_list() == [-8]
    assert price.fastest_fall(tape, within="2h")["change"].to_list() == [-8]
    assert price.fastest_fall(tape, within="3h")["change"].to_list() == [-9]


def whole_bar(numbers: list[int]) -> Bar:
    low, a, b, high = sorted(numbers)
    return (a, high, low, b) if numbers[0] % 2 else (b, high, low, a)


BAR = st.lists(st.integers(1, 40), min_size=4, max_size=4).map(whole_bar)


@given(
    rows=st.lists(BAR, min_size=1, max_size=40), hole=st.integers(0, 40), within=st.integers(1, 9)
)
def test_the_fastest_fall_is_that_of_brute_force(rows: list[Bar], hole: int, within: int) -> None:
    frame = bars_of(rows).with_row_index().filter(pl.col("index") != hole).drop("index")
    if frame.is_empty():
        return
    found = price.fastest_fall(tape_of(frame), within=f"{5 * within}m").row(0, named=True)
    table = [(n, row) for n, row in enumerate(rows) if n != hole]
    falls = [
        (high if i < j else first) - low
        for i, (first, high, _, _) in table
        for j, (_, _, low, _) in table
        if i <= j and j - i + 1 <= within
    ]
    assert found["change"] == -max(falls)
    assert found["from_price"] - found["to_price"] == max(falls)
    assert (found["end"] - found["start"]).total_seconds() <= within * 300


# Daily closes.


def test_days_that_closed_below_a_level() -> None:
    closes = [100.0, 90.0, 95.0, 110.0, 89.0, 120.0]
    tape = tape_of(bars_of(closes, start="2025-11-01", interval="1d"))
    found = price.closes_below(tape, symbol="BTCUSDT", level=95.0)
    assert found.select("date", "close").cast({"date": pl.String}).rows() == [
        ("2025-11-02", 90.0),
        ("2025-11-05", 89.0),
    ]
    assert [str(day) for day in found["previous"]] == ["None", "2025-11-02"]
    assert {str(day) for day in found["recorded_from"]} == {"2025-11-01"}
    assert price.closes_below(tape, symbol="BTCUSDT", level=50.0).is_empty()
    with pytest.raises(NotRecorded, match="daily closes of BTCUSD before"):
        price.closes_below(tape, symbol="BTCUSD", level=95.0)


def test_a_day_closes_with_its_last_bar_and_only_when_it_is_over() -> None:
    tape = tape_of(
        bars_of([float(n) for n in range(40)], start="2025-11-02T00:00:00", interval="1h"),
        bars_of([500.0], start="2025-11-02T12:00:00", interval="1h", symbol="ETHUSDT"),
    )
    assert price.daily_closes(tape)["close"].to_list() == [23.0]
    assert price.daily_closes(tape)["symbol"].to_list() == ["BTCUSDT"]
    with pytest.raises(NotRecorded):
        price.daily_closes(tape, at="2025-11-02T23:59:59Z")


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape, str], pl.DataFrame]] = {
    "bars": lambda tape, at: candles.bars(tape, at=at),
    "prices": lambda tape, at: candles.prices(tape, candles.moment_ns(tape, at)),
    "returns": lambda tape, at: price.returns(tape, at=at, since=["2025-11-02"]),
    "high_low": lambda tape, at: price.high_low(tape, at=at),
    "drawdown": lambda tape, at: price.drawdown(tape, at=at),
    "volatility": lambda tape, at: price.realised_volatility(tape, at=at, interval="1h"),
    "fastest_fall": lambda tape, at: price.fastest_fall(tape, at=at),
    "daily_closes": lambda tape, at: price.daily_closes(tape, at=at),
    "closes_below": lambda tape, at: price.closes_below(tape, at=at, symbol="BTCUSDT", level=200),
}


@pytest.mark.parametrize("at", ["2025-11-03T00:00:00Z", "2025-11-03T11:02:30Z"])
@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str, at: str) -> None:
    tape = tape_of(
        wave(700, start="2025-11-01"),
        wave(60, start="2025-11-01", interval="1h", symbol="ETHUSDT"),
        wave(4, start="2025-10-31", interval="1d", venue="binance-spot"),
    )
    expected = MEASURES[name](tape, at)
    assert expected.height
    for future in other_futures(tape, at).values():
        assert MEASURES[name](future, at).equals(expected)
        assert MEASURES[name](future.until(at), at).equals(expected)


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in ("bars", "prices")])
def test_what_the_tape_does_not_hold_is_not_recorded(name: str) -> None:
    tape = tape_of(bars_of([1.0], venue="nasdaq", symbol="MSTR"))
    with pytest.raises(NotRecorded, match="not recorded on this tape"):
        MEASURES[name](tape, "2025-11-04T12:00:00Z")


def test_a_tape_on_disk_measures_like_one_in_memory(tmp_path: Path) -> None:
    frames = [wave(700, start="2025-11-01"), wave(60, interval="1h", symbol="ETHUSDT")]
    memory = tape_of(*frames)
    disk = memory.save(tmp_path / "tape")
    for name, measure in MEASURES.items():
        assert measure(disk, "2025-11-03T11:02:30Z").equals(
            measure(memory, "2025-11-03T11:02:30Z")
        ), name
