"""Files of Binance's public archive, made here after its documented layouts: no real file of it
is at hand. Sources: the archive's own README, and the issues that the importer names."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.run import import_files

DAY = "2025-11-04"

KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)
KLINES = (
    "1762214400000,106544.0,106600.0,106500.1,106577.7,321.4,1762214699999,"
    "34251000.5,5120,160.2,17000000.1,0",
    "1762214700000,106577.7,106700.0,106570.0,106650.2,210.1,1762214999999,"
    "22400000.0,4011,100.0,10660000.0,0",
    "1762215000000,106650.2,106650.2,106400.0,106410.0,400.0,1762215299999,"
    "42600000.0,6000,150.0,15980000.0,0",
)
TRADE_HEADER = (
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
)
TRADES = (
    "2870000001,106544.0,0.021,6000000001,6000000002,1762214400010,true",
    "2870000002,106544.1,0.500,6000000003,6000000003,1762214400010,false",
    "2870000003,106544.0,1.250,6000000004,6000000009,1762214400377,true",
)
DEPTH_HEADER = "timestamp,percentage,depth,notional"
DEPTH = tuple(
    f"2025-11-04 00:00:{second:02},{percentage},{size},{size * 106_500}"
    for second in (8, 39)
    for percentage, size in ((-5, 900.5), (-1, 320.0), (1, 300.25), (5, 880.0))
)
METRICS_HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,"
    "count_toptrader_long_short_ratio,sum_toptrader_long_short_ratio,"
    "count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
METRICS = (
    "2025-11-04 00:05:00,BTCUSDT,90210.5000000000000000,9611000000.00,2.1,1.5,2.2,0.9",
    "2025-11-04 00:10:00,BTCUSDT,90100.2500000000000000,9600000000.00,2.1,1.5,2.2,1.1",
    "2025-11-04 00:15:00,BTCUSDT,89900.0000000000000000,9570000000.00,,,,",
)
FUNDING_HEADER = "calc_time,funding_interval_hours,last_funding_rate"
FUNDING = (
    "1761955200001,8,0.00007342",
    "1761984000000,8,-0.00002100",
    "1762012800002,8,0.00001000",
)
ORDER_HEADER = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,"
    "order_status,last_fill_quantity,accumulated_fill_quantity"
)
ORDERS = (
    "1690761600123,SELL,LIMIT,IOC,1.500,29100.0,29180.5,FILLED,0.300,1.500",
    "1690761605123,BUY,LIMIT,IOC,0.040,29400.1,29310.0,FILLED,0.040,0.040",
)
HEADERS = {
    "5m": (KLINE_HEADER, KLINES),
    "aggTrades": (TRADE_HEADER, TRADES),
    "bookDepth": (DEPTH_HEADER, DEPTH),
    "metrics": (METRICS_HEADER, METRICS),
    "fundingRate": (FUNDING_HEADER, FUNDING),
    "liquidationSnapshot": (ORDER_HEADER, ORDERS),
}
TABLES = {
    "5m": "candles", "aggTrades": "trades", "bookDepth": "depth", "metrics": "open_interest",
    "fundingRate": "funding", "liquidationSnapshot": "liquidations",
}  # fmt: skip


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, **options: object) -> Reading:
    return importer_named("binance-vision").read(path, Options(**options))  # type: ignore[arg-type]


def frame_of(path: Path, **options: object) -> pl.DataFrame:
    (frame,) = read(path, **options).frames.values()
    return frame.with_columns(pl.col("venue", "symbol").cast(pl.String))


def file_of(folder: Path, word: str, *, header: bool = True, symbol: str = "BTCUSDT") -> Path:
    names, lines = HEADERS[word]
    path = folder / f"{symbol}-{word}-{DAY}.csv"
    return written(path, *([names] if header else []), *lines)


@pytest.mark.parametrize("word", HEADERS)
def test_header_zip_and_gzip_change_nothing(word, tmp_path):
    path = file_of(tmp_path / "with", word)
    expected = frame_of(path)
    assert list(read(path).frames) == [TABLES[word]]
    bare = file_of(tmp_path / "without", word, header=False)
    assert frame_of(bare).equals(expected)
    zipped = tmp_path / f"BTCUSDT-{word}-{DAY}.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bare, bare.name)
    assert frame_of(zipped).equals(expected)
    packed = tmp_path / f"{path.name}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert frame_of(packed).equals(expected)


@pytest.mark.parametrize("word", HEADERS)
def test_every_layout_reaches_the_tape_with_the_names_of_the_file(word, tmp_path):
    out = tmp_path / "tape"
    import_files(importer_named("binance-vision"), [file_of(tmp_path, word)], out, Options())
    frame = Tape.open(out).table(TABLES[word]).collect()
    assert frame["symbol"].cast(pl.String).unique().to_list() == ["BTCUSDT"]
    assert frame["venue"].cast(pl.String).unique().to_list() == ["binance-usdm"]


def test_klines_are_candles_with_the_interval_of_the_name(tmp_path):
    frame = frame_of(file_of(tmp_path, "5m"))
    assert frame["interval"].unique().to_list() == ["5m"]
    first = frame.row(0, named=True)
    assert (first["open"], first["low"], first["volume"]) == (106_544.0, 106_500.1, 321.4)
    assert (first["quote_volume"], first["trades"]) == (34_251_000.5, 5120)


def test_a_file_of_another_name_is_told_by_its_header_and_spacing(tmp_path):
    path = written(tmp_path / "download.csv", KLINE_HEADER, *KLINES)
    with pytest.raises(DataError, match="--symbol"):
        read(path)
    frame = frame_of(path, symbol="BTCUSDT")
    assert frame["interval"].unique().to_list() == ["5m"]
    path = written(tmp_path / "download.csv", *KLINES)
    with pytest.raises(DataError, match="what this is"):
        read(path, symbol="BTCUSDT")


def test_a_hole_in_klines_is_reported(tmp_path):
    path = written(tmp_path / f"BTCUSDT-5m-{DAY}.csv", KLINES[0], KLINES[2])
    assert read(path).gaps == [
        "binance-usdm BTCUSDT: 1 rows missing in 1 gaps, the first after 2025-11-04T00:00:00Z"
    ]


def without_volume(line: str) -> str:
    fields = line.split(",")
    return ",".join([*fields[:5], "0", fields[6], "0", "60", "0", "0", "0"])


def test_prices_that_move_without_volume_are_mark_prices(tmp_path):
    lines = [without_volume(line) for line in KLINES]
    reading = read(written(tmp_path / f"BTCUSDT-5m-{DAY}.csv", *lines))
    (mark,) = reading.frames["marks"].head(1).to_dicts()
    assert (mark["mark_open"], mark["mark_high"], mark["mark_low"], mark["mark"]) == (
        106_544.0, 106_600.0, 106_500.1, 106_577.7,
    )  # fmt: skip
    assert any("mark prices" in note for note in reading.notes)


def test_a_bar_without_trades_is_no_mark_price_unless_its_folder_says_so(tmp_path):
    flat = "1762214400000,5.0,5.0,5.0,5.0,0,1762214699999,0,0,0,0,0"
    path = written(tmp_path / f"OLDUSDT-5m-{DAY}.csv", flat)
    assert list(read(path).frames) == ["candles"]
    folder = tmp_path / "markPriceKlines" / "OLDUSDT" / "5m"
    assert list(read(written(folder / path.name, flat)).frames) == ["marks"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("indexPriceKlines", "indexPriceKlines/BTCUSDT/5m/BTCUSDT-5m-2025-11-04.csv"),
        ("premiumIndexKlines", "premiumIndexKlines/BTCUSDT-5m-2025-11-04.csv"),
        ("bookTicker", "BTCUSDT-bookTicker-2025-11-04.csv"),
        ("trades", "BTCUSDT-trades-2025-11-04.csv"),
    ],
)
def test_data_sets_that_are_not_read_are_named(word, name, tmp_path):
    path = written(tmp_path / name, *KLINES)
    with pytest.raises(DataError, match=f"{word} are not read: expected klines, aggTrades"):
        read(path)


def test_other_folders_say_nothing(tmp_path):
    assert list(read(file_of(tmp_path / "trades" / "metrics", "5m")).frames) == ["candles"]


def test_the_maker_buys_where_the_taker_sells(tmp_path):
    frame = frame_of(file_of(tmp_path, "aggTrades"))
    assert frame["side"].to_list() == ["sell", "buy", "sell"]
    assert frame["trade_id"].to_list() == [2_870_000_001, 2_870_000_002, 2_870_000_003]
    assert frame["ts"].cast(pl.Int64)[2] == 1_762_214_400_377_000_000


def test_missing_trades_are_reported(tmp_path):
    path = written(tmp_path / f"BTCUSDT-aggTrades-{DAY}.csv", TRADES[0], TRADES[2])
    assert read(path).gaps == ["BTCUSDT: 1 trades missing in 1 gaps, the first after 2870000001"]


def in_microseconds(line: str) -> str:
    fields = line.split(",")
    return ",".join([*fields[:5], fields[5] + "123", fields[6].title(), "True"])


def test_spot_trades_have_microseconds_and_an_eighth_field(tmp_path):
    lines = [in_microseconds(line) for line in TRADES]
    path = written(tmp_path / f"BTCUSDT-aggTrades-{DAY}.csv", *lines)
    frame = frame_of(path, venue="binance-spot")
    assert frame["ts"].cast(pl.Int64)[0] == 1_762_214_400_010_123_000
    assert frame["side"].to_list() == ["sell", "buy", "sell"]
    reading = read(path)
    assert any("binance-spot" in note for note in reading.notes)
    assert frame_of(path).equals(frame)


def test_depth_joins_both_sides_of_a_moment(tmp_path):
    frame = frame_of(file_of(tmp_path, "bookDepth"))
    assert frame.columns == ["ts", "venue", "symbol", "band", "bid_usd", "ask_usd"]
    assert frame.select("band", "bid_usd", "ask_usd").rows()[:2] == [
        (0.01, 320.0 * 106_500, 300.25 * 106_500),
        (0.05, 900.5 * 106_500, 880.0 * 106_500),
    ]


def test_depth_may_gain_bands_within_a_file(tmp_path):
    later = [f"2026-01-15 08:00:30,{p},10,1000" for p in ("-1.00", "-0.20", "0.20", "1.00")]
    earlier = [f"2026-01-15 08:00:00,{p},10,1000" for p in ("-1.00", "1.00")]
    path = written(tmp_path / "BTCUSDT-bookDepth-2026-01-15.csv", DEPTH_HEADER, *earlier, *later)
    assert frame_of(path)["band"].to_list() == [0.01, 0.002, 0.01]


def test_open_interest_is_that_of_its_time(tmp_path):
    frame = frame_of(file_of(tmp_path, "metrics"))
    assert frame["ts"].dt.to_string("%H:%M").to_list() == ["00:05", "00:10", "00:15"]
    assert frame.row(0)[3:] == (90_210.5, 9_611_000_000.0)


def test_open_interest_labelled_by_the_start_is_moved_to_the_end(tmp_path):
    lines = [line.replace("2025-11-04", "2026-07-01") for line in METRICS]
    path = written(tmp_path / "BTCUSDT-metrics-2026-07-01.csv", METRICS_HEADER, *lines)
    reading = read(path)
    assert reading.frames["open_interest"]["ts"].dt.to_string("%H:%M").to_list() == [
        "00:10", "00:15", "00:20",
    ]  # fmt: skip
    assert any("moved by 5m" in note for note in reading.notes)


def test_the_last_day_before_the_labels_changed_ends_at_midnight(tmp_path):
    lines = [METRICS[0].replace("2025-11-04 00:05", time) for time in
             ("2026-06-24 23:55", "2026-06-25 00:00")]  # fmt: skip
    path = written(tmp_path / "BTCUSDT-metrics-2026-06-24.csv", METRICS_HEADER, *lines)
    assert frame_of(path)["ts"].dt.to_string("%d %H:%M").to_list() == ["24 23:55", "25 00:00"]


def test_open_interest_out_of_order_is_sorted_and_empty_rows_are_counted(tmp_path):
    nothing = "2025-11-04 00:20:00,BTCUSDT,,,,,,"
    zero = "2025-11-04 00:25:00,BTCUSDT,0,0,,,,"
    lines = [METRICS[1], METRICS[0], METRICS[2], nothing, zero]
    path = written(tmp_path / f"BTCUSDT-metrics-{DAY}.csv", METRICS_HEADER, *lines)
    reading = read(path)
    assert reading.frames["open_interest"]["contracts"].to_list() == [90_210.5, 90_100.25, 89_900]
    assert "1 rows were out of time order: sorted" in reading.notes
    assert "2 rows without open interest are left out" in reading.notes


def test_funding_keeps_its_hours(tmp_path):
    frame = frame_of(file_of(tmp_path, "fundingRate"))
    assert frame.select("rate", "interval_hours").rows() == [
        (0.00007342, 8.0), (-0.000021, 8.0), (0.00001, 8.0),
    ]  # fmt: skip


def test_liquidations_are_of_positions_at_the_average_price(tmp_path):
    frame = frame_of(file_of(tmp_path, "liquidationSnapshot"))
    assert frame["side"].to_list() == ["long", "short"]
    assert frame["price"].to_list() == [29_180.5, 29_310.0]
    assert frame["usd"].to_list() == pytest.approx([29_180.5 * 1.5, 29_310.0 * 0.04])


def test_the_archive_writes_each_liquidation_twice(tmp_path):
    path = tmp_path / "BTCUSDT-liquidationSnapshot-2023-07-31.csv"
    once = frame_of(written(path, ORDER_HEADER, *ORDERS))
    doubled = [line for line in ORDERS for _ in range(2)]
    reading = read(written(path, ORDER_HEADER, *doubled))
    assert "the archive has every row twice: 4 read as 2" in reading.notes
    assert frame_of(path).equals(once)
    with pytest.raises(DataError, match="duplicate"):
        read(written(path, ORDER_HEADER, ORDERS[0], ORDERS[0], ORDERS[1]))


def test_coin_margined_contracts_become_coins_and_dollars(tmp_path):
    symbol = "BTCUSD_PERP"
    lines = "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7"
    path = written(tmp_path / f"{symbol}-liquidationSnapshot-2023-06-25.csv", lines)
    (row,) = frame_of(path).to_dicts()
    assert (row["venue"], row["symbol"]) == ("binance-coinm", symbol)
    assert row["usd"] == pytest.approx(700.0)
    assert row["quantity"] == pytest.approx(700.0 / 30_631.6)
    interest = '2023-06-25 00:00:00,BTCUSD_PERP,5578700.00000000,18265.00911826,"","","",0.00855776'
    path = written(tmp_path / f"{symbol}-metrics-2023-06-25.csv", METRICS_HEADER, interest)
    (row,) = frame_of(path).to_dicts()
    assert (row["contracts"], row["usd"]) == (5_578_700.0, 557_870_000.0)
    assert row["ts"].minute == 5
    path = written(tmp_path / f"ETHUSD_251226-5m-{DAY}.csv", KLINES[0])
    (bar,) = frame_of(path).to_dicts()
    assert (bar["volume"], bar["quote_volume"]) == (34_251_000.5, 3_214.0)
    with pytest.raises(DataError, match="COIN-M's bookDepth"):
        read(file_of(tmp_path, "bookDepth", symbol=symbol))


def broken(word: str, row: int, column: str, value: str) -> list[str]:
    """The lines with one field of one row (from 1, the header) replaced."""
    header, lines = HEADERS[word]
    place = header.split(",").index(column)
    rows = [header, *lines]
    fields = rows[row - 1].split(",")
    fields[place] = value
    rows[row - 1] = ",".join(fields)
    return rows


BROKEN = [
    ("5m", 3, "close", "0", "more than 0"),
    ("5m", 3, "close", "x", "expected a number"),
    ("5m", 3, "high", "106000", "high is below low"),
    ("5m", 3, "low", "106640", "lowest"),
    ("5m", 3, "volume", "-1", "0 or more"),
    ("5m", 3, "count", "1.5", "whole number"),
    ("5m", 3, "open_time", "1762214700", "these are seconds"),
    ("5m", 3, "open_time", "1762214400000", "duplicate"),
    ("5m", 3, "open_time", "1762214100000", "time goes back"),
    ("5m", 3, "open_time", "1762214760000", "between two bars"),
    ("aggTrades", 3, "price", "-106544.1", "more than 0"),
    ("aggTrades", 3, "quantity", "0", "more than 0"),
    ("aggTrades", 3, "is_buyer_maker", "maybe", "true or false"),
    ("aggTrades", 3, "agg_trade_id", "2870000001", "duplicate"),
    ("aggTrades", 3, "agg_trade_id", "2869999999", "number goes back"),
    ("aggTrades", 3, "agg_trade_id", "first", "whole number"),
    ("aggTrades", 4, "transact_time", "1762214400009", "time goes back"),
    ("aggTrades", 4, "transact_time", "1762214400", "these are seconds"),
    ("bookDepth", 3, "percentage", "0", "percentage of the price"),
    ("bookDepth", 3, "notional", "-5", "0 or more"),
    ("bookDepth", 9, "timestamp", "2025-11-03 23:59:59", "time goes back"),
    ("bookDepth", 9, "timestamp", "4 November", "expected a time"),
    ("metrics", 3, "sum_open_interest", "-90100", "0 or more"),
    ("metrics", 3, "create_time", "2025-11-04 00:05:00", "duplicate"),
    ("metrics", 3, "symbol", "ETHUSDT", "expected BTCUSDT"),
    ("fundingRate", 3, "last_funding_rate", "1.2", "a fraction"),
    ("fundingRate", 3, "funding_interval_hours", "0", "more than 0"),
    ("fundingRate", 3, "calc_time", "1761984000", "these are seconds"),
    ("liquidationSnapshot", 3, "side", "LONG", "BUY or SELL"),
    ("liquidationSnapshot", 3, "price", "0", "more than 0"),
    ("liquidationSnapshot", 3, "accumulated_fill_quantity", "0", "more than 0"),
    ("liquidationSnapshot", 3, "time", "1690761600122", "time goes back"),
]


@pytest.mark.parametrize(("word", "row", "column", "value", "expected"), BROKEN)
def test_a_bad_row_is_named_and_may_be_dropped(word, row, column, value, expected, tmp_path):
    path = written(tmp_path / f"BTCUSDT-{word}-{DAY}.csv", *broken(word, row, column, value))
    with pytest.raises(DataError) as caught:
        read(path)
    error = caught.value
    assert (error.file, error.row, error.column) == (str(path), row, column)
    assert expected in error.message
    reading = read(path, skip_bad=2)  # a level of depth takes its other side along
    assert f"row {row}: " in reading.dropped[0]
    assert len(reading.dropped) == (2 if word == "bookDepth" else 1)


def test_a_level_without_its_other_side_is_refused(tmp_path):
    path = written(tmp_path / f"BTCUSDT-bookDepth-{DAY}.csv", DEPTH_HEADER, *DEPTH[:-1])
    with pytest.raises(DataError, match="both sides") as caught:
        read(path)
    assert (caught.value.row, caught.value.column) == (6, "percentage")


@pytest.mark.parametrize("word", HEADERS)
def test_missing_columns_and_fields_are_refused(word, tmp_path):
    header, lines = HEADERS[word]
    cut = [line.split(",", 1)[1] for line in (header, *lines)]
    with pytest.raises(DataError) as caught:
        read(written(tmp_path / f"BTCUSDT-{word}-{DAY}.csv", *cut), skip_bad=9)
    assert caught.value.row == 1
    with pytest.raises(DataError, match="fields: expected") as caught:
        read(written(tmp_path / f"BTCUSDT-{word}-{DAY}.csv", *[line + ",9,9" for line in lines]))
    assert caught.value.row == 1


def test_damaged_archives_are_refused(tmp_path):
    path = file_of(tmp_path, "aggTrades")
    zipped = tmp_path / f"BTCUSDT-aggTrades-{DAY}.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    raw = zipped.read_bytes()
    for size in (10, len(raw) // 2, len(raw) - 3):
        zipped.write_bytes(raw[:size])
        with pytest.raises(DataError, match="archive"):
            read(zipped)
    for content, message in ((b"", "empty"), (b"\xff\xfe1,2", "UTF-8"), (b"\n", "empty")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            read(path)
    path.write_text(TRADE_HEADER + "\n")
    with pytest.raises(DataError, match="no rows"):
        read(path)


def test_the_command_line_reads_a_zip_and_leaves_nothing_of_a_bad_one(undertow, tmp_path):
    out = tmp_path / "tape"
    bad = written(tmp_path / f"BTCUSDT-5m-{DAY}.csv", *broken("5m", 3, "close", "0"))
    result = undertow("import", "binance-vision", bad, "--out", out)
    assert result.returncode == 2
    assert "row 3, column 'close', value 0.0: expected more than 0" in result.stderr
    assert not out.exists()
    result = undertow("import", "binance-vision", bad, "--out", out, "--skip-bad", 1)
    assert result.returncode == 0, result.stderr
    assert "2 candles" in result.stdout
    assert "dropped: row 3: close" in result.stdout
