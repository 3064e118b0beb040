"""SQL over a tape: right types, plain answers, and nothing but the tape."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from making import START_NS, bytes_below, candles, liquidations, small_tape
from undertow.errors import UndertowError
from undertow.model.schema import TABLES
from undertow.tape import Tape
from undertow.tape.sql import connect, json_rows, json_value, query


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    folder = tmp_path_factory.mktemp("sql") / "it's a [tape]*"
    return small_tape(folder, candles=candles(12), liquidations=liquidations(5))


def test_a_query_gives_names_and_rows(tape: Tape) -> None:
    names, rows = query(tape, "select symbol, max(high) as top, count(*) n from candles group by 1")
    assert names == ["symbol", "top", "n"]
    assert rows == [("BTCUSDT", 112.0, 12)]


def test_ts_is_a_timestamp_in_utc(tape: Tape) -> None:
    assert query(tape, "select typeof(ts), ts from candles order by ts limit 1")[1] == [
        ("TIMESTAMP", datetime(2025, 11, 4))
    ]
    by_hour = "select count(*) from candles where ts >= '2025-11-04 00:30:00'"
    assert query(tape, by_hour)[1] == [(6,)]


def test_categories_are_plain_text(tape: Tape) -> None:
    assert query(tape, "select typeof(venue), venue from candles limit 1")[1] == [
        ("VARCHAR", "binance-usdm")
    ]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_a_view_with_its_columns(tape: Tape, name: str) -> None:
    assert query(tape, f"from {name} limit 0")[0] == list(TABLES[name].column_names)


def test_several_parts_are_one_table(tape: Tape, tmp_path: Path) -> None:
    with Tape.create(tmp_path / "tape", kind="recorded") as writer:
        for start in (0, 5, 9):
            writer.append("candles", candles(4, start=start))
    joined = Tape.open(tmp_path / "tape")
    assert query(joined, "select count(*), min(close), max(close) from candles")[1] == [
        (12, 100.0, 112.0)
    ]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("selec 1", r'^SQL: Parser Error: syntax error at or near "selec" in: selec 1$'),
        ("select * from candels", r"^SQL: no table 'candels' \(did you mean 'candles'\? valid: "),
        ("select * from passwords", r"^SQL: no table 'passwords' \(valid: accounts, book, "),
        ("select closing from candles", r"^SQL: Binder Error: .*\"closing\".*\"close\""),
        ("", "expected one SELECT"),
        ("select 1; select 2", "expected one SELECT"),
        ("drop view candles", "expected one SELECT"),
        ("set threads = 1", "expected one SELECT"),
        ("select now() as t", "'t' has a time zone: cast it to TIMESTAMP"),
        ("select 'x'::int", "^SQL: Conversion Error"),
        ("select * from tape", "no table 'tape'"),  # a Python variable is no table
    ],
)
def test_a_wrong_statement_is_explained_in_one_line(
    tape: Tape, statement: str, message: str
) -> None:
    with pytest.raises(UndertowError, match=message) as caught:
        query(tape, statement)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select content from read_text('/etc/hostname')",
        "select * from glob('/etc/*')",
        "select * from read_parquet('../other/candles/*.parquet')",
        "copy candles to '{inside}/stolen.csv'",
        "copy (select 1) to '{inside}/candles/000001.parquet'",
        "explain analyze copy candles to '{inside}/stolen.csv'",
        "copy candles to '{outside}/stolen.csv'",
        "export database '{outside}'",
        "attach '{outside}/new.db'",
        "attach '{inside}/new.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "pragma enable_profiling",
        "call pragma_version()",
        "create table t as select 1",
    ],
)
def test_sql_reads_nothing_else_and_writes_nothing(
    tape: Tape, tmp_path: Path, statement: str
) -> None:
    assert tape.folder is not None
    before = bytes_below(tape.folder)
    inside = str(tape.folder).replace("'", "''")
    with pytest.raises(UndertowError, match=r"^SQL: "):
        query(tape, statement.format(inside=inside, outside=tmp_path))
    assert bytes_below(tape.folder) == before
    assert bytes_below(tmp_path) == {}


def test_a_connection_of_ones_own_cannot_leave_the_tape(tape: Tape, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with connect(tape) as connection:
        assert connection.execute("select count(*) from candles").fetchone() == (12,)
        for statement in (
            f"select * from '{tmp_path}/secret.csv'",
            f"copy candles to '{tmp_path}/stolen.csv'",
            f"attach '{tmp_path}/new.db'",
            "set lock_configuration = false",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
    assert list(bytes_below(tmp_path)) == ["secret.csv"]


def test_sql_never_sees_more_than_a_view_does(tape: Tape) -> None:
    for view in (tape.until(START_NS), tape.slice(START_NS), Tape.from_frames({})):
        with pytest.raises(UndertowError, match=r"needs a whole tape in a folder: save\(\)"):
            query(view, "select 1")


def test_a_part_that_cannot_be_read_is_an_error_in_one_line(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape", liquidations=liquidations(5000))
    (file,) = (tmp_path / "tape" / "liquidations").iterdir()
    content = bytearray(file.read_bytes())
    content[4:-8] = b"\xa5" * (len(content) - 12)
    file.write_bytes(content)
    with pytest.raises(UndertowError, match=r"^SQL: ") as caught:
        query(Tape.open(tmp_path / "tape"), "select sum(usd) from liquidations")
    assert "\n" not in str(caught.value)


def test_json_carries_every_type(tape: Tape) -> None:
    names, rows = query(
        tape,
        "select ts, 1.50::decimal(9, 2) d, 3::hugeint h, 'nan'::double nan, 1 / 0 as inf,"
        " date '2025-11-04' as day, [ts] as list, {'a': ts} as struct, map {1: 2} as map,"
        " true as yes, null as nothing, 'ab'::blob as blob, interval 1 hour as hour, time '10:00' t"
        " from candles order by ts limit 1",
    )
    assert json_rows(names, rows) == [
        {
            "ts": "2025-11-04T00:00:00Z",
            "d": 1.5,
            "h": 3,
            "nan": None,
            "inf": None,
            "day": "2025-11-04",
            "list": ["2025-11-04T00:00:00Z"],
            "struct": {"a": "2025-11-04T00:00:00Z"},
            "map": {"1": 2},
            "yes": True,
            "nothing": None,
            "blob": "6162",
            "hour": "1:00:00",
            "t": "10:00:00",
        }
    ]
    assert json_value(10**30) == 10**30


def test_two_columns_of_one_name_are_not_merged(tape: Tape) -> None:
    names, rows = query(tape, "select 1 as a, 2 as a")
    assert rows == [(1, 2)]
    with pytest.raises(UndertowError, match="two columns are named 'a'"):
        json_rows(names, rows)
