"""Candles: what real layouts give, and what is refused, as a user sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options, Reading, mapping_from
from undertow.tape.importers.run import import_files

EXCERPT = Path(__file__).parent.parent / "data" / "time_series" / "candles_5m.csv"
HEADER = "timestamp,symbol,open,high,low,close,volume\n"
START_MS = 1_762_214_400_000  # 2025-11-04 00:00 UTC
FIVE_MINUTES_MS = 300_000


def bar(number: int, symbol: str = "BTCUSDT", prices: str = "10,12,9,11", volume: str = "5") -> str:
    return f"{START_MS + number * FIVE_MINUTES_MS},{symbol},{prices},{volume}\n"


def read(tmp_path: Path, text: str, options: Options | None = None, name: str = "x.csv") -> Reading:
    path = tmp_path / name
    path.write_text(text)
    return importer_named("candles").read(path, options or Options())


def candles(reading: Reading) -> pl.DataFrame:
    return reading.frames["candles"]


def test_the_real_excerpt_is_on_the_tape_by_the_end(tmp_path):
    import_files(importer_named("candles"), [EXCERPT], tmp_path / "tape", Options())
    tape = Tape.open(tmp_path / "tape")
    bars = tape.candles.filter(pl.col("symbol") == "BTCUSDT").collect()
    lowest = bars.sort("low").row(0, named=True)
    assert bars.height == 150
    assert lowest["low"] == 101_516.5
    assert lowest["ts"] == datetime(2025, 10, 10, 21, 20, tzinfo=UTC)
    assert (lowest["venue"], lowest["interval"]) == ("binance-usdm", "5m")
    assert tape.manifest.sources[0].notes == [
        "the file names no venue: taken as binance-usdm (--venue says otherwise)"
    ]


def test_a_bar_is_not_known_before_it_has_closed(tmp_path):
    import_files(importer_named("candles"), [EXCERPT], tmp_path / "tape", Options())
    tape = Tape.open(tmp_path / "tape").slice("2025-10-10T21:20Z")
    assert tape.until("2025-10-10T21:24:59Z").candles.collect().is_empty()
    assert tape.until("2025-10-10T21:25:00Z").candles.collect().height == 2


def test_short_names_of_columns_and_a_venue_per_row(tmp_path):
    text = (
        "timestamp,venue,coin,o,h,l,c,v\n"
        "2025-11-04T00:00:00Z,binance,BTC,10,12,9,11,5\n"
        "2025-11-04T00:00:00Z,okex,BTC,10,12,9,11,5\n"
        "2025-11-04T01:00:00Z,binance,BTC,11,12,9,10,5\n"
    )
    bars = candles(read(tmp_path, text))
    assert bars["venue"].to_list() == ["binance-usdm", "okx", "binance-usdm"]
    assert bars["interval"].unique().to_list() == ["1h"]
    assert bars.row(0)[4:] == (10.0, 12.0, 9.0, 11.0, 5.0)


def test_a_file_of_closes_alone_is_an_index(tmp_path):
    text = "date,price,volume\n2025-11-03,106500.5,\n2025-11-04,101450.3,9\n"
    reading = read(tmp_path, text, name="btc_daily.csv")
    bars = candles(reading)
    assert "open" not in bars.columns
    assert bars.select("venue", "symbol", "interval", "close", "volume").rows() == [
        ("index", "BTC", "1d", 106500.5, None),
        ("index", "BTC", "1d", 101450.3, 9.0),
    ]
    assert any("--symbol" in note for note in reading.notes)


def test_marks_and_funding_beside_the_bars_go_to_their_own_tables(tmp_path):
    hour_ms = 3_600_000
    lines = ["timestamp,symbol,open,high,low,close,mark_low,mark_high,mark_close,funding_rate\n"]
    for hour in range(25):
        mark = "9.1,11.9,10.5" if hour else ",,"
        rate = "0.0001" if hour % 8 == 0 else ""
        lines.append(f"{START_MS + hour * hour_ms},BTCUSDT,10,12,9,11,{mark},{rate}\n")
    frames = read(tmp_path, "".join(lines)).frames
    assert frames["marks"].height == 24
    assert frames["marks"]["mark"].unique().to_list() == [10.5]
    assert frames["funding"]["rate"].to_list() == [0.0001] * 4
    assert frames["funding"]["interval_hours"].to_list() == [8.0] * 4
    assert "interval" not in frames["funding"].columns


def test_gaps_are_reported_for_each_series_and_nothing_is_filled(tmp_path):
    text = HEADER + "".join(bar(n) for n in (0, 1, 2, 5, 6, 9)) + bar(0, "ETHUSDT")
    reading = read(tmp_path, text)
    assert reading.gaps == [
        "binance-usdm BTCUSDT: 4 rows missing in 2 gaps, the first after 2025-11-04T00:10:00Z"
    ]
    assert candles(reading).height == 7


def test_order_is_judged_for_each_symbol_and_venue(tmp_path):
    text = HEADER + bar(0) + bar(1) + bar(0, "ETHUSDT") + bar(1, "ETHUSDT")
    assert candles(read(tmp_path, text)).height == 4


@pytest.mark.parametrize(
    ("line", "column", "value", "message"),
    [
        (bar(2, prices="0,12,9,11"), "open", 0.0, "more than 0"),
        (bar(2, prices="10,8,9,9.5"), "high", 8.0, "high is below low"),
        (bar(2, prices="10,10.5,9,11"), "high", 10.5, "highest"),
        (bar(2, prices="10,12,9.5,9.2"), "low", 9.5, "lowest"),
        (bar(2, prices="10,12,9,"), "close", "", "a number"),
        (bar(2, volume="-1"), "volume", -1.0, "0 or more"),
        (bar(2, volume="many"), "volume", "many", "a number or nothing"),
        (bar(2, symbol=""), "symbol", "", "expected text"),
        (bar(0), "timestamp", "2025-11-04T00:00:00Z", "duplicate"),
        (bar(-1), "timestamp", "2025-11-03T23:55:00Z", "time goes back"),
        (bar(1), "timestamp", "2025-11-04T00:05:00Z", "duplicate"),
        (bar(2)[:10] + bar(2)[13:], "timestamp", "1762215000", "seconds"),
        (bar(2).replace(",", "000,", 1), "timestamp", "1762215000000000", "microseconds"),
    ],
)
def test_a_bad_row_is_named_with_column_value_and_what_was_expected(
    line, column, value, message, tmp_path
):
    text = HEADER + bar(0) + bar(1) + line + bar(3)
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert (error.row, error.column) == (4, column)
    assert message in error.message
    assert error.value == value
    assert repr(value) in str(error)
    kept = read(tmp_path, text, Options(skip_bad=1))
    assert candles(kept)["ts"].dt.epoch("ms").to_list() == [
        START_MS + n * FIVE_MINUTES_MS for n in (0, 1, 3)
    ]
    assert len(kept.dropped) == 1
    assert kept.dropped[0].startswith(f"row 4: {column}")


def test_a_file_in_seconds_is_refused_not_repaired(tmp_path):
    lines = [bar(n) for n in range(3)]
    text = HEADER + "".join(f"{line[:10]}{line[13:]}" for line in lines)
    with pytest.raises(DataError, match="these are seconds: expected milliseconds"):
        read(tmp_path, text)


def test_a_file_with_highs_and_lows_but_no_open_misses_a_column(tmp_path):
    text = "timestamp,high,low,close\n1762214400000,12,9,11\n"
    with pytest.raises(DataError, match="expected a column 'open'"):
        read(tmp_path, text)


def test_an_unknown_column_is_refused_with_the_nearest_one(tmp_path):
    text = HEADER.replace("close", "closing") + bar(0) + bar(1)
    with pytest.raises(DataError, match="did you mean 'closing'"):
        read(tmp_path, text)
    mapped = Options(mapping=mapping_from(["close=closing"]))
    assert candles(read(tmp_path, text, mapped))["close"].to_list() == [11.0, 11.0]


def test_messages_name_columns_as_the_file_does(tmp_path):
    text = HEADER.replace("close", "closing") + bar(0) + bar(1, prices="10,12,9,?")
    mapped = Options(mapping=mapping_from(["close=closing"]))
    with pytest.raises(DataError, match="row 3, column 'closing', value '\\?'"):
        read(tmp_path, text, mapped)


@pytest.mark.parametrize("said", ["7m", "45s"])
def test_a_length_of_bar_that_no_venue_has_is_refused(said, tmp_path):
    with pytest.raises(DataError, match=f"--interval {said}: no usual length"):
        read(tmp_path, HEADER + bar(0) + bar(1), Options(interval=said))


def test_a_length_of_bar_is_stored_by_its_usual_name(tmp_path):
    bars = candles(read(tmp_path, HEADER + bar(0), Options(interval="60m")))
    assert bars["interval"].to_list() == ["1h"]


def test_one_bar_alone_needs_its_length_said(tmp_path):
    with pytest.raises(DataError, match="too few rows to tell the length of a bar"):
        read(tmp_path, HEADER + bar(0))


def test_a_parquet_file_of_lists_is_refused(tmp_path):
    path = tmp_path / "lists.parquet"
    rows = {"timestamp": [START_MS], "open": [[1.0]], "high": [[1.0]], "low": [[1.0]]}
    pl.DataFrame({**rows, "close": [[1.0]]}).write_parquet(path)
    with pytest.raises(DataError, match="expected numbers, times or text"):
        importer_named("candles").read(path, Options(interval="5m"))


def test_times_without_seconds_are_understood(tmp_path):
    path = tmp_path / "minutes.csv"
    times = ["2025-11-04 09:30", "2025-11-04T09:35", "2025-11-04 09:40Z", "2025-11-04T11:45+02:00"]
    path.write_text("\n".join(["ts,open,high,low,close", *(f"{one},1,1,1,1" for one in times)]))
    bars = candles(importer_named("candles").read(path, Options(interval="5m", symbol="BTCUSDT")))
    assert bars["ts"].dt.to_string("%H:%M:%S").to_list() == [
        "09:30:00", "09:35:00", "09:40:00", "09:45:00",
    ]  # fmt: skip


def test_numbers_as_symbols_and_times_of_other_zones_are_understood(tmp_path):
    path = tmp_path / "typed.parquet"
    times = pl.datetime_range(
        datetime(2025, 11, 4, 9), datetime(2025, 11, 4, 10), "30m",
        time_zone="Asia/Tokyo", eager=True,
    )  # fmt: skip
    ones = pl.Series([1.0] * 3)
    pl.DataFrame(
        {"timestamp": times, "symbol": [3350] * 3, "open": ones, "high": ones, "low": ones,
         "close": ones}
    ).write_parquet(path)  # fmt: skip
    bars = candles(importer_named("candles").read(path, Options()))
    assert bars["ts"].to_list()[0] == datetime(2025, 11, 4, 0, tzinfo=UTC)
    assert bars["symbol"].to_list() == ["3350"] * 3


@pytest.mark.parametrize("day", ["0225-11-05", "2725-11-05", "9999-11-05"])
def test_years_that_a_tape_cannot_hold_are_refused_not_turned_into_others(day, tmp_path):
    text = f"date,price\n2025-11-03,10\n2025-11-04,11\n{day},12\n"
    with pytest.raises(DataError, match=f"row 4, column 'date', value '{day}'.*1970 and 2100"):
        read(tmp_path, text)
    path = tmp_path / "typed.parquet"
    pl.read_csv(text.encode(), try_parse_dates=True).write_parquet(path)
    with pytest.raises(DataError, match=f"row 3, column 'date', value '{day}'.*1970 and 2100"):
        importer_named("candles").read(path, Options())


def test_columns_that_differ_by_capitals_alone_are_refused(tmp_path):
    text = "date,Price,price\n2025-11-03,10,11\n2025-11-04,11,12\n"
    with pytest.raises(DataError, match="two columns of that name"):
        read(tmp_path, text)
    mapped = Options(mapping=mapping_from(["close=Price"]))
    assert candles(read(tmp_path, text, mapped))["close"].to_list() == [10.0, 11.0]


def test_a_file_with_a_column_of_our_own_line_numbers_is_refused(tmp_path):
    with pytest.raises(DataError, match="kept for line numbers"):
        read(tmp_path, "date,price,_row\n2025-11-03,10,1\n")
