"""Aave, Morpho and Hyperliquid: excerpts of the real files, whole and broken."""

from __future__ import annotations

import copy
import json
import random
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.run import import_files

DATA = Path(__file__).parent.parent / "data" / "captures"
AAVE = DATA / "aave_liquidations.parquet"
ADL = DATA / "adl_by_user.parquet"
PRICES = DATA / "collateral_prices.json"
MARKETS = DATA / "historical_markets.json"


def read(kind: str, path: Path, **options: object) -> Reading:
    return importer_named(kind).read(path, Options(**options))  # type: ignore[arg-type]


def on_tape(kind: str, path: Path, out: Path, table: str) -> pl.DataFrame:
    import_files(importer_named(kind), [path], out, Options())
    return Tape.open(out).table(table).collect()


def refused(kind: str, path: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(kind, path, **options)
    assert caught.value.file == str(path)
    return caught.value


# Aave


def test_aave_liquidations_are_the_collateral_seized(tmp_path):
    rows = pl.read_parquet(AAVE)
    frame = on_tape("aave-liquidations", AAVE, tmp_path / "tape", "defi")
    assert frame["kind"].cast(pl.String).unique().to_list() == ["liquidation"]
    assert frame["ts"].is_sorted()
    found = frame.filter(pl.col("account") == 30).row(0, named=True)
    assert (found["protocol"], found["asset"], found["amount"], found["usd"]) == (
        "aave-v2", "wBTC", 0.8825988, 24_675.185903857593,
    )  # fmt: skip
    assert found["ts"].timestamp() == 1_652_302_813
    once = rows.unique(["timestamp", "liquidatee", "amount_tokens", "amount_usd", "market_name"])
    assert frame.height == once.height == rows.height - 3
    assert frame["usd"].sum() == pytest.approx(once["amount_usd"].sum())


def test_what_was_done_to_the_rows_is_said():
    notes = read("aave-liquidations", AAVE).notes
    assert "3 rows repeat another under a second liquidator: taken once" in notes
    assert "the file is in no order of time: sorted" in notes


def test_dust_is_kept():
    assert read("aave-liquidations", AAVE).frames["defi"]["usd"].min() == 0


def test_csv_reads_as_parquet(tmp_path):
    path = tmp_path / "aave.csv"
    pl.read_parquet(AAVE).write_csv(path)
    expected = read("aave-liquidations", AAVE).frames["defi"]
    assert read("aave-liquidations", path).frames["defi"].equals(expected)


AAVE_BROKEN = [
    ("timestamp", "1652302813000", "these are milliseconds"),
    ("timestamp", "1652402813", "the row's date"),
    ("timestamp", "", "expected a time"),
    ("version", "Compound", "V2 or V3"),
    ("collateral_symbol", "", "expected"),
    ("liquidatee", "somebody", "number of an account"),
    ("amount_tokens", "-1", "0 or more"),
    ("amount_usd", "much", "expected a number"),
]


@pytest.mark.parametrize(("column", "value", "expected"), AAVE_BROKEN)
def test_a_bad_row_of_aave_is_named_and_may_be_dropped(column, value, expected, tmp_path):
    rows = pl.read_parquet(AAVE).cast(pl.String)
    bad = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(pl.col(column))
    path = tmp_path / "aave.csv"
    rows.with_columns(bad.alias(column)).write_csv(path)
    error = refused("aave-liquidations", path)
    assert (error.row, error.column) == (2, column)
    assert expected in error.message
    reading = read("aave-liquidations", path, skip_bad=1)
    assert reading.frames["defi"].height == rows.height - 4
    assert len(reading.dropped) == 1


def test_a_row_twice_in_all_columns_is_bad(tmp_path):
    rows = pl.read_parquet(AAVE)
    path = tmp_path / "aave.parquet"
    pl.concat([rows, rows[4:5]]).write_parquet(path)
    error = refused("aave-liquidations", path)
    assert (error.row, error.column) == (rows.height + 1, "timestamp")
    assert "duplicate" in error.message


def test_positions_are_no_liquidations(tmp_path):
    path = tmp_path / "positions.parquet"
    pl.DataFrame({"account": [0], "borrowed_symbol": ["WETH"],
                  "btc_collateral_tokens": [0.0]}).write_parquet(path)  # fmt: skip
    assert "snapshot of open positions" in refused("aave-liquidations", path).message


def test_addresses_of_wallets_are_not_stored(tmp_path):
    path = tmp_path / "aave.parquet"
    address = pl.lit("0xE2Fc85BfB48C4cF147921fBE110cf92Ef9f26F94").alias("liquidatee")
    pl.read_parquet(AAVE).with_columns(address).write_parquet(path)
    reading = read("aave-liquidations", path)
    assert "account" not in reading.frames["defi"].columns
    assert "addresses of wallets are not stored" in reading.notes


# Hyperliquid


def test_closings_of_winners_are_told_by_account(tmp_path):
    rows = pl.read_parquet(ADL)
    frame = on_tape("hyperliquid-adl", ADL, tmp_path / "tape", "liquidations")
    assert frame["stage"].cast(pl.String).unique().to_list() == ["adl"]
    assert frame["usd"].sum() == pytest.approx(rows["adl_notional"].sum())
    assert frame["orders"].sum() == rows["num_adl_events"].sum() == 99
    assert frame["account"].n_unique() == 60
    assert frame["side"].null_count() == 60


def test_the_sums_are_not_known_before_the_end_of_the_event(tmp_path):
    on_tape("hyperliquid-adl", ADL, tmp_path / "tape", "liquidations")
    tape = Tape.open(tmp_path / "tape")
    seen = [tape.until(at).table("liquidations").collect().height for at in
            ("2025-10-10T21:26:59Z", "2025-10-10T21:27:00Z")]  # fmt: skip
    assert seen == [0, 60]


def folder_with(tmp_path: Path, adls: int, start: str = "2025-10-10T21:15:03.127372+00:00") -> Path:
    folder = tmp_path / "event"
    folder.mkdir()
    shutil.copyfile(ADL, folder / ADL.name)
    timeline = [{"second": 0, "liquidations": 104, "adls": 0},
                {"second": 61, "liquidations": adls, "adls": adls}]  # fmt: skip
    timing = {"event_start": start, "timeline": timeline}
    (folder / "cascade_timing_results.json").write_text(json.dumps(timing))
    (folder / "summary_totals.csv").write_text("policy,total_residual\nqueue,1.0\n")
    return folder


@pytest.mark.parametrize(("adls", "words"), [(99, "as many"), (98, "not the 99 summed here")])
def test_a_folder_is_checked_against_its_timing(adls, words, tmp_path):
    reading = read("hyperliquid-adl", folder_with(tmp_path, adls))
    assert reading.frames["liquidations"].height == 60
    (note,) = [note for note in reading.notes if "cascade_timing" in note]
    assert "from 2025-10-10T21:16:04.127372Z" in note
    assert note.endswith(words)
    assert any("summary_totals.csv" in note for note in reading.notes)


def test_another_event_is_refused(tmp_path):
    folder = folder_with(tmp_path, 99, "2025-11-04T12:00:00+00:00")
    with pytest.raises(DataError, match="another event"):
        read("hyperliquid-adl", folder)
    (folder / "cascade_timing_results.json").write_text('{"event_start": "2025-')
    with pytest.raises(DataError, match="JSON"):
        read("hyperliquid-adl", folder)
    with pytest.raises(DataError, match="no adl_by_user"):
        read("hyperliquid-adl", tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("per_shock.csv", "coin,t_start,budget_queue_usd\nAAVE,2025-10-10,1\n", "model"),
        ("positions.csv", "user,asset,side,was_adl\n1,BTC,SHORT,true\n", "without times"),
        ("timing.json", '{"timeline": []}', "not closings by account"),
    ],
)
def test_files_that_tell_of_no_closings_are_refused_with_the_reason(name, content, words, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    assert words in refused("hyperliquid-adl", path).message


@pytest.mark.parametrize(
    ("column", "value"),
    [("adl_notional", -1.0), ("num_adl_events", 0.0), ("num_adl_events", 1.5), ("user", 1.0)],
)
def test_a_bad_account_is_named_and_may_be_dropped(column, value, tmp_path):
    path = tmp_path / ADL.name
    rows = pl.read_parquet(ADL).with_columns(pl.col(column).cast(pl.Float64))
    bad = pl.when(pl.int_range(pl.len()) == 5).then(pl.lit(value)).otherwise(pl.col(column))
    rows.with_columns(bad.alias(column)).write_parquet(path)
    error = refused("hyperliquid-adl", path)
    assert (error.row, error.column, error.value) == (6, column, value)
    assert read("hyperliquid-adl", path, skip_bad=1).frames["liquidations"].height == 59


@pytest.mark.parametrize(("kind", "path"), [("hyperliquid-adl", ADL), ("aave-liquidations", AAVE)])
def test_cut_off_and_incomplete_parquet_is_refused(kind, path, tmp_path):
    short = tmp_path / path.name
    short.write_bytes(path.read_bytes()[:2000])
    assert "Parquet" in refused(kind, short).message
    short.write_bytes(b"")
    assert "empty" in refused(kind, short).message
    pl.read_parquet(path).drop("adl_notional", "amount_usd", strict=False).write_parquet(short)
    error = refused(kind, short)
    assert error.column in ("adl_notional", "amount_usd")


# Morpho


def test_the_fall_of_a_coin_can_be_read_by_chain(tmp_path):
    frame = on_tape("morpho", PRICES, tmp_path / "tape", "defi")
    rows = frame.filter((pl.col("asset") == "xUSD") & (pl.col("market") == "Ethereum"))
    prices = dict(zip(rows["ts"].dt.to_string("%m-%d"), rows["usd"], strict=True))
    assert prices["11-03"] == 1.2638116701577946
    assert prices["11-05"] == 0.24173508634412866
    assert frame["market"].unique().sort().to_list() == ["Arbitrum", "Ethereum"]
    assert frame["amount"].unique().to_list() == [1.0]


def test_empty_prices_are_left_out_and_counted():
    reading = read("morpho", PRICES)
    points = [p for item in json.loads(PRICES.read_text()) for p in item["historicalPriceUsd"]]
    empty = sum(point["y"] is None for point in points)
    assert reading.frames["defi"].height == len(points) - empty
    assert reading.notes == [f"collateral_prices.json: {empty} empty figures are left out"]


def test_markets_give_debt_supply_collateral_and_rate():
    frame = read("morpho", MARKETS).frames["defi"]
    market = frame.filter(pl.col("market") == "USDC/sdeUSD 0x0f956344")
    day = market.filter(pl.col("ts").dt.to_string("%m-%d") == "11-04")
    found = {(row["kind"], row["asset"]): row for row in day.to_dicts()}
    assert found["borrow", "USDC"]["usd"] == 8_660_011.51720279
    assert found["supply", "USDC"]["usd"] == 8_660_292.790608663
    assert found["supply", "sdeUSD"]["usd"] == 9_557_622.797030278
    assert found["rate", "USDC"]["amount"] == 0.5867291580717262
    assert found["rate", "USDC"]["usd"] is None


def test_a_folder_gives_what_is_known_and_names_the_rest(tmp_path):
    for path in (PRICES, MARKETS):
        shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / "market_top_positions.json").write_text("{}")
    reading = read("morpho", tmp_path)
    apart = sum(read("morpho", path).frames["defi"].height for path in (PRICES, MARKETS))
    assert reading.frames["defi"].height == apart
    assert any("market_top_positions.json" in note for note in reading.notes)
    with pytest.raises(DataError, match="nothing of Morpho"):
        read("morpho", DATA.parent)


def changed(tmp_path: Path, point: int, **fields: Any) -> Path:
    """The file of prices with one point of its second series changed."""
    content = copy.deepcopy(json.loads(PRICES.read_text()))
    content[1]["historicalPriceUsd"][point] |= fields
    path = tmp_path / PRICES.name
    path.write_text(json.dumps(content))
    return path


MORPHO_BROKEN = [
    ({"y": 0}, "y", "more than 0"),
    ({"y": "1.2"}, "y", "expected a number"),
    ({"y": 10**400}, "y", "expected a number"),
    ({"x": 1762300800000}, "x", "seconds since 1970"),
    ({"x": "soon"}, "x", "seconds since 1970"),
    ({"x": 1762646400}, "x", "time turns back"),
    ({"x": 1762387200}, "x", "duplicate"),
]


@pytest.mark.parametrize(("fields", "column", "expected"), MORPHO_BROKEN)
def test_a_bad_point_is_named_by_its_path_and_may_be_dropped(fields, column, expected, tmp_path):
    path = changed(tmp_path, 4, **fields)
    error = refused("morpho", path)
    assert error.column == f"$[1].historicalPriceUsd[4].{column}"
    assert expected in error.message
    reading = read("morpho", path, skip_bad=1)
    assert reading.frames["defi"].height == read("morpho", PRICES).frames["defi"].height - 1
    assert len(reading.dropped) == 1


def test_a_shuffled_series_is_refused_and_a_reversed_one_is_not(tmp_path):
    content = json.loads(PRICES.read_text())
    path = tmp_path / PRICES.name
    for item in content:
        item["historicalPriceUsd"].reverse()
    path.write_text(json.dumps(content))
    expected = read("morpho", PRICES).frames["defi"]
    assert read("morpho", path).frames["defi"].equals(expected)
    random.Random(1).shuffle(content[0]["historicalPriceUsd"])
    path.write_text(json.dumps(content))
    assert "time turns back" in refused("morpho", path).message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b'[{"chainId": 1,', "JSON"),
        (b'{"0xabc": []}', "expected collateral_prices.json"),
        (b"[]", "expected collateral_prices.json"),
        (b'[{"symbol": "xUSD", "historicalPriceUsd": []}]', "chainId"),
        (b'[{"chainId": "one", "symbol": "xUSD", "historicalPriceUsd": []}]', "int"),
        (b'[{"symbol": "\xff"}]', "UTF-8"),
    ],
)
def test_what_is_no_history_of_morpho_is_refused(content, words, tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    assert words in refused("morpho", path).message


def test_the_command_line_refuses_in_one_line(undertow, tmp_path):
    out = tmp_path / "tape"
    path = changed(tmp_path, 4, y=-1)
    result = undertow("import", "morpho", path, "--out", out)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "$[1].historicalPriceUsd[4].y" in result.stderr
    assert not out.exists()
