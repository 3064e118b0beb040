"""A book of real positions in place of the estimate."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from making import Undertow, small_tape
from measures import bars_of, tape_of
from undertow.errors import DataError
from undertow.measures.position_book import estimate_positions, read_positions

POSITIONS = pl.DataFrame(
    {
        "account": ["a", "b", "c", "d"],
        "symbol": ["BTCUSDT"] * 4,
        "side": ["long", "long", "short", "long"],
        "quantity": [1.0, 2.0, 3.0, 5.0],
        "entry_price": [100.0, 100.0, 100.0, 100.0],
        "leverage": [10.0, 5.0, 20.0, 1.0],
    }
)
DAY = [(100.0, 101.0, 95.0, 96.0), (96.0, 97.0, 90.2, 94.0), (94.0, 105.0, 93.0, 104.0)]


def book_of(frame: pl.DataFrame, folder: Path) -> Path:
    file = folder / "positions.parquet"
    frame.write_parquet(file)
    return file


def test_each_position_is_liquidated_once_when_a_bar_reaches_its_price(tmp_path: Path) -> None:
    book = read_positions(book_of(POSITIONS, tmp_path))
    prices = book.rows["liquidation_price"].to_list()
    assert prices == pytest.approx([90.4, 80.4, 104.6, 0.4])
    found = estimate_positions(tape_of(bars_of([*DAY, *DAY], interval="1h")), book, by="1h")
    assert found.rows["long_usd"].to_list() == [0, 90.4, 0, 0, 0, 0]
    assert found.rows["short_usd"].to_list() == [0, 0, 313.8, 0, 0, 0]


def test_margin_and_a_maintenance_rate_of_ones_own(tmp_path: Path) -> None:
    frame = POSITIONS.drop("leverage").with_columns(
        margin=pl.Series([10.0, 40.0, 15.0, 500.0]), maintenance_rate=0.01
    )
    book = read_positions(book_of(frame, tmp_path))
    assert book.rows["liquidation_price"].to_list()[:3] == pytest.approx([91.0, 81.0, 104.0])
    profile = book.liquidation_profile("BTCUSDT")
    assert profile.rows()[-1] == (pytest.approx(104.0), 0.0, pytest.approx(312.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop("quantity"), "column 'quantity': column is missing"),
        (lambda f: f.drop("leverage"), "expected a column 'leverage' or 'margin'"),
        (lambda f: f.rename({"account": "acount"}), "did you mean 'account'"),
        (lambda f: f.with_columns(side=pl.lit("buy")), "row 1, column 'side', value 'buy'"),
        (
            lambda f: f.with_columns(pl.Series("quantity", [1.0, -2.0, 3.0, 1.0])),
            "row 2, column 'quantity', value -2.0: expected a positive number",
        ),
    ],
)
def test_bad_books_are_refused_by_name(change, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_positions(book_of(change(POSITIONS), tmp_path))


def test_a_book_on_the_command_line(undertow: Undertow, tmp_path: Path) -> None:
    small_tape(tmp_path / "t", candles=bars_of(DAY, interval="1h"))
    file = book_of(POSITIONS, tmp_path)
    done = undertow("estimate", tmp_path / "t", "--accounts", file, "--json")
    assert json.loads(done.stdout) == [
        {"ts": "2025-11-04T00:00:00Z", "symbol": "BTCUSDT", "long_usd": 90.4,
         "short_usd": 313.8, "total_usd": 404.2}
    ]  # fmt: skip
    assert "a book of 4 positions" in done.stderr
    gone = undertow("estimate", tmp_path / "t", "--accounts", tmp_path / "none.parquet")
    assert gone.returncode == 2 and "no such file of positions" in gone.stderr
    file = book_of(POSITIONS.with_columns(symbol=pl.lit("BTCUSD")), tmp_path)
    wrong = undertow("estimate", tmp_path / "t", "--accounts", file)
    assert wrong.returncode == 2 and "no candles of symbol 'BTCUSD'" in wrong.stderr
