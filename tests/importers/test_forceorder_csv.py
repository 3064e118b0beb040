"""Captured liquidation orders: excerpts of real captures, whole and broken."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.run import import_files

DATA = Path(__file__).parent.parent / "data" / "captures"
WHOLE = DATA / "forceorder_2025-06.csv"
BIG = DATA / "forceorder_2025-06_big.csv"  # the same orders, large values in millions
TALK = DATA / "forceorder_2025-06_part.csv"  # its first line begins with a program's greeting
MORE_FIELDS = DATA / "forceorder_2025-12.csv"  # 11 of its 25 lines have a 13th field

LINE = "BTC,SELL,LIMIT,IOC,2,100000,99000,FILLED,0.5,2,1750714069271,200000"


def read(path: Path, **options: object) -> Reading:
    return importer_named("forceorder-csv").read(path, Options(**options))  # type: ignore[arg-type]


def rows_of(path: Path, **options: object) -> pl.DataFrame:
    return read(path, **options).frames["liquidations"]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "capture.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_selling_order_closes_a_long():
    rows = rows_of(WHOLE)
    sides = [line.split(",")[1] for line in WHOLE.read_text().splitlines()]
    assert rows["side"].to_list() == [{"SELL": "long", "BUY": "short"}[side] for side in sides]


def test_values_are_those_of_the_file():
    rows = rows_of(WHOLE)
    assert rows["usd"].to_list() == [
        float(line.split(",")[11]) for line in WHOLE.read_text().splitlines()
    ]
    largest = rows.sort("usd").row(-1, named=True)
    assert (largest["symbol"], largest["price"], largest["quantity"]) == ("ETH", 2334.29, 100.48)


def test_the_average_price_comes_before_the_price_of_the_order(tmp_path):
    nothing = LINE.replace("99000", "None").replace("069271", "069272")
    rows = rows_of(written(tmp_path, LINE, nothing))
    assert rows["price"].to_list() == [99_000.0, 100_000.0]
    assert rows["usd"].to_list() == [200_000.0, 200_000.0]


def test_a_partly_filled_order_counts_for_what_was_filled(tmp_path):
    (row,) = rows_of(written(tmp_path, LINE.replace("0.5,2,", "0.5,0.5,"))).to_dicts()
    assert (row["quantity"], row["usd"]) == (0.5, 50_000.0)


def test_values_in_millions_are_read_as_dollars_and_counted():
    reading = read(BIG)
    assert reading.frames["liquidations"].equals(rows_of(WHOLE))
    assert any("2 values are in millions" in note for note in reading.notes)
    assert not any("millions" in note for note in read(WHOLE).notes)


def test_two_captures_of_the_same_hour_count_each_order_once(tmp_path):
    importer, out = importer_named("forceorder-csv"), tmp_path / "tape"
    lines = WHOLE.read_text().splitlines()
    early, late = tmp_path / "early.csv", tmp_path / "late.csv"
    early.write_text("\n".join(lines[:60]))
    late.write_text("\n".join(BIG.read_text().splitlines()[30:]))
    for path, fresh in ((early, 60), (late, 32), (late, 0), (WHOLE, 0)):
        (result,) = import_files(importer, [path], out, Options())
        assert result.rows["liquidations"] == fresh
    assert Tape.open(out).table("liquidations").collect().height == 92


@pytest.mark.parametrize(("path", "needed", "kept"), [(TALK, 1, 19), (MORE_FIELDS, 11, 14)])
def test_broken_captures_need_skip_bad(path, needed, kept):
    with pytest.raises(DataError) as caught:
        read(path, skip_bad=needed - 1)
    assert caught.value.file == str(path)
    assert caught.value.row is not None
    reading = read(path, skip_bad=needed)
    assert reading.frames["liquidations"].height == kept
    assert len(reading.dropped) == needed


def test_the_greeting_of_a_program_is_no_symbol():
    with pytest.raises(DataError, match="one word") as caught:
        read(TALK)
    assert (caught.value.row, caught.value.column) == (1, "asset")


def test_symbols_need_not_be_latin(tmp_path):
    assert rows_of(written(tmp_path, LINE.replace("BTC", "币安人生")))["symbol"][0] == "币安人生"


def test_a_shuffled_capture_is_refused(tmp_path):
    lines = WHOLE.read_text().splitlines()
    random.Random(4).shuffle(lines)
    with pytest.raises(DataError, match="time goes back"):
        read(written(tmp_path, *lines))


BROKEN = {
    "side": (LINE.replace("SELL", "CLOSE"), "side", "CLOSE"),
    "price is zero": (LINE.replace("100000,9", "0,9"), "price", 0.0),
    "price is text": (LINE.replace("100000,9", "high,9"), "price", "high"),
    "average is text": (LINE.replace("99000", "n/a"), "average_price", "n/a"),
    "nothing filled": (LINE.replace("0.5,2,", "0,0,"), "filled", 0.0),
    "more filled": (LINE.replace("0.5,2,", "0.5,3,"), "filled", 3.0),
    "value in thousands": (LINE.replace(",200000", ",200"), "usd", 200.0),
    "value of another": (LINE.replace(",200000", ",212000"), "usd", 212_000.0),
    "seconds": (LINE.replace("069271", "069"), "time", "1750714069"),
    "no time": (LINE.replace("1750714069271", ""), "time", ""),
    "too few fields": (LINE.rpartition(",")[0], None, None),
    "twice": (LINE.replace("069271", "069270"), "time", None),
    "goes back": (LINE.replace("069271", "069260"), "time", None),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_line_is_named_and_may_be_dropped(name, tmp_path):
    line, column, value = BROKEN[name]
    good = LINE.replace("069271", "069270")
    path = written(tmp_path, good, line)
    with pytest.raises(DataError) as caught:
        read(path)
    error = caught.value
    assert (error.file, error.row, error.column) == (str(path), 2, column)
    assert "expected" in error.message
    assert value is None or error.value == value
    reading = read(path, skip_bad=1)
    assert reading.frames["liquidations"].height == 1
    assert len(reading.dropped) == 1


def test_a_header_names_the_columns(tmp_path):
    path = written(
        tmp_path,
        "symbol,side,order_type,time_in_force,original_quantity,price,average_price,"
        "order_status,order_last_filled_quantity,order_filled_accumulated_quantity,time",
        "BTCUSDT,BUY,LIMIT,IOC,0.025,59935.28,59697.40,FILLED,0.025,0.025,1723971641090",
    )
    (row,) = rows_of(path).to_dicts()
    assert (row["symbol"], row["side"], row["price"]) == ("BTCUSDT", "short", 59_697.4)
    assert row["usd"] == pytest.approx(59_697.4 * 0.025)


def test_the_command_line_says_what_was_read(undertow, tmp_path):
    out = tmp_path / "tape"
    result = undertow("import", "forceorder-csv", TALK, "--out", out)
    assert result.returncode == 2
    assert not out.exists()
    result = undertow("import", "forceorder-csv", TALK, "--out", out, "--skip-bad", 1)
    assert result.returncode == 0, result.stderr
    assert "19 liquidations" in result.stdout
    assert "fewer than there were" in result.stdout
    assert "dropped: row 1: asset 'Hello" in result.stdout
