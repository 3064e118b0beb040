"""The command line as a user sees it: exit codes, stdout, stderr, one line for a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from making import Undertow, bytes_below, candles, liquidations, small_tape
from undertow import cli
from undertow.tape import Source, TapeWriter, bundled
from undertow.tape.importers.registry import KINDS

CSV = """timestamp,symbol,open,high,low,close,volume
1762214400000,BTCUSDT,106544.0,106600.0,106500.1,106577.7,321.4
1762214700000,BTCUSDT,106577.7,106700.0,106500.0,106650.0,210.0
1762215000000,BTCUSDT,106650.0,106660.0,106100.0,106120.5,555.5
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "btc.csv"
    path.write_text(CSV)
    return path


def mistake(run: subprocess.CompletedProcess[str]) -> str:
    """The one line that a user's mistake is worth."""
    assert run.returncode == 2, run
    assert run.stdout == ""
    assert run.stderr.startswith("undertow: ")
    assert run.stderr.count("\n") == 1, run.stderr
    return run.stderr.strip()


def test_import_then_ask(undertow: Undertow, csv: Path) -> None:
    run = undertow("import", "candles", csv, "--out", "tape", "--interval", "5m")
    assert run.returncode == 0, run.stderr
    assert run.stdout == (
        "btc.csv: 3 candles\n"
        "  note: the file names no venue: taken as binance-usdm (--venue says otherwise)\n"
        "tape: tape\n"
    )
    again = undertow("import", "candles", csv, "--out", "tape", "--interval", "5m")
    assert again.stdout.startswith("btc.csv: 0 candles (3 rows were already there)\n")
    asked = undertow("sql", "tape", "select ts, close from candles order by ts", "--json")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout) == [
        {"ts": "2025-11-04T00:00:00Z", "close": 106577.7},
        {"ts": "2025-11-04T00:05:00Z", "close": 106650.0},
        {"ts": "2025-11-04T00:10:00Z", "close": 106120.5},
    ]


def test_json_of_no_rows_is_an_empty_list(undertow: Undertow, tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    assert undertow("sql", "tape", "select * from odds", "--json").stdout == "[]\n"


def test_describe_json_is_only_json(undertow: Undertow, tmp_path: Path) -> None:
    small_tape(tmp_path / "tape", candles=candles(12), liquidations=liquidations(5))
    run = undertow("describe", "tape", "--json")
    assert (run.returncode, run.stderr) == (0, "")
    facts = json.loads(run.stdout)
    assert facts["complete"] is True
    assert (facts["start"], facts["end"]) == ("2025-11-04T00:00:00Z", "2025-11-04T00:55:00Z")
    assert facts["tables"] == [
        {
            "table": "candles",
            "rows": 12,
            "venues": ["binance-usdm"],
            "symbols": ["BTCUSDT"],
            "start": "2025-11-04T00:00:00Z",
            "end": "2025-11-04T00:55:00Z",
        },
        {
            "table": "liquidations",
            "rows": 5,
            "venues": ["bybit"],
            "symbols": ["BTCUSDT"],
            "start": "2025-11-04T00:00:00Z",
            "end": "2025-11-04T00:04:00Z",
        },
    ]


def test_nothing_is_cut_in_a_pipe(undertow: Undertow, tmp_path: Path) -> None:
    title = "A title with [brackets] and [/closing] ones, long enough for a line of its own " * 3
    licence = "a licence of many words, " * 10
    with TapeWriter.create(tmp_path / "tape", kind="recorded", title=title) as writer:
        writer.append("candles", candles(3))
        writer.add_source(
            Source(name="a[/b].csv", rows=3, licence=licence, gaps=["[red] and on " * 20])
        )
    described = undertow("describe", "tape").stdout.splitlines()
    assert described[0] == f"{title} (recorded tape)"
    assert f"  a[/b].csv (3 rows; {licence})" in described
    assert f"    gap: {'[red] and on ' * 20}" in described
    row = next(line for line in described if " candles " in line)
    for word in ("2025-11-04T00:00:00Z", "2025-11-04T00:10:00Z", "binance-usdm", "BTCUSDT"):
        assert word in row
    told = undertow("sql", "tape", f"select repeat('[/b] ', 60) as \"[a]\", {'9' * 30} as n")
    assert told.returncode == 0, told.stderr
    assert "[a]" in told.stdout
    assert "[/b] " * 60 in told.stdout
    assert "9" * 30 in told.stdout


@pytest.mark.parametrize("command", [("describe", "tape"), ("sql", "tape", "from candles")])
def test_what_is_missing_is_said(
    undertow: Undertow, tmp_path: Path, command: tuple[str, ...]
) -> None:
    small_tape(tmp_path / "tape")
    (tmp_path / "tape" / "candles" / "000001.parquet").unlink()
    run = undertow(*command)
    assert run.returncode == 0
    assert "candles/000001.parquet is not there (12 rows, " in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sql", "tape", "selec 1"), 'SQL: Parser Error: syntax error at or near "selec"'),
        (("sql", "tape", "from candels"), "SQL: no table 'candels' (did you mean 'candles'?"),
        (("sql", "tape", "copy candles to 'x.csv'"), "SQL: expected one SELECT"),
        (("sql", "tape", "from read_csv('/etc/passwd')"), "SQL: Permission Error"),
        (("sql", "tape", "select 1 a, 2 a", "--json"), "two columns are named 'a'"),
        (("sql", "nowhere", "select 1"), "nowhere: no such folder, and no bundled tape"),
        (("describe", "."), "not a tape: it has no manifest.json"),
        (("describe", "btc.csv"), "btc.csv: no such tape"),
        (("import",), "expected: undertow import KIND PATH... --out TAPE"),
        (("import", "candles", "btc.csv"), "expected: undertow import KIND PATH... --out TAPE"),
        (("import", "candels", "btc.csv", "--out", "new"), "no importer 'candels' (did you mean"),
        (("import", "candles", "none.csv", "--out", "new"), "none.csv: no such file"),
        (("import", "candles", "tape", "--out", "new"), "tape: a folder"),
        (("import", "candles", "btc.csv", "--out", "new", "--map", "x"), "expected OURS=THEIRS"),
        (("import", "candles", "btc.csv", "--out", "new", "--map", "hgih=h"), "no column 'hgih'"),
        (("import", "candles", "btc.csv", "--out", "new", "--interval", "5x"), "'5x'"),
        (("import", "candles", "btc.csv", "--out", "/dev/null/new"), "Not a directory"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    undertow: Undertow, tmp_path: Path, csv: Path, arguments: tuple[str, ...], message: str
) -> None:
    small_tape(tmp_path / "tape")
    before = bytes_below(tmp_path)
    assert message in mistake(undertow(*arguments))
    assert bytes_below(tmp_path) == before


def test_a_bad_file_is_one_line_and_leaves_the_tape_as_it_was(
    undertow: Undertow, tmp_path: Path, csv: Path
) -> None:
    (tmp_path / "bad.csv").write_text(CSV.replace("106500.0,", "x,"))
    said = mistake(undertow("import", "candles", csv, "bad.csv", "--out", "new"))
    assert said == "undertow: bad.csv, row 3, column 'low', value 'x': expected a number"
    assert not (tmp_path / "new").exists()
    assert undertow("import", "candles", csv, "--out", "tape").returncode == 0
    before = bytes_below(tmp_path)
    mistake(undertow("import", "candles", csv, "bad.csv", "--out", "tape"))
    (tmp_path / "bad.csv").write_text(CSV.replace("106120.5", "106121.5"))
    said = mistake(undertow("import", "candles", "bad.csv", "--out", "tape"))
    assert "already holds another row for 2025-11-04T00:10:00Z" in said
    (tmp_path / "bad.csv").write_text(CSV.replace("106500.0,", "x,"))
    assert bytes_below(tmp_path) == before


def test_a_folder_that_is_no_tape_is_refused_and_untouched(
    undertow: Undertow, tmp_path: Path, csv: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    before = bytes_below(tmp_path)
    for out in ("mine", "mine/letter.txt"):
        said = mistake(undertow("import", "candles", csv, "--out", out))
        assert said == f"undertow: {out}: already there: choose another folder for the new tape"
    assert bytes_below(tmp_path) == before


def test_dropped_rows_are_printed_and_kept_in_the_manifest(
    undertow: Undertow, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text(CSV.replace("106500.0,", "x,"))
    run = undertow("import", "candles", "bad.csv", "--out", "tape", "--skip-bad", 1,
                   "--interval", "5m")  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "  dropped: row 3: low 'x': expected a number\n" in run.stdout
    (source,) = json.loads(undertow("describe", "tape", "--json").stdout)["sources"]
    assert source["dropped"] == ["row 3: low 'x': expected a number"]
    assert source["options"] == {"interval": "5m", "skip_bad": "1"}
    assert len(source["gaps"]) == 1


def test_the_kinds_are_listed_with_an_example(undertow: Undertow) -> None:
    run = undertow("import", "--list")
    assert (run.returncode, run.stderr) == (0, "")
    listed = [line.split(":")[0] for line in run.stdout.splitlines() if line[:1].strip()]
    assert listed == list(KINDS)
    assert "    timestamp,symbol,open,high,low,close,volume\n" in run.stdout


def test_a_wrong_name_gets_the_nearest_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("2025-10-10", "2025-11-04"):
        small_tape(tmp_path / name)
    monkeypatch.setattr(bundled, "_FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["undertow", "describe", "2025-11-40"])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    assert exited.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "undertow: 2025-11-40: no such folder, and no bundled tape of that name"
        " (did you mean '2025-11-04'? valid: 2025-10-10, 2025-11-04)\n"
    )
    monkeypatch.setattr(sys, "argv", ["undertow", "tapes", "--json"])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    assert exited.value.code == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "2025-10-10", "title": "small"},
        {"name": "2025-11-04", "title": "small"},
    ]


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape", liquidations=liquidations(20_000))
    command = f"{sys.executable} -m undertow.cli sql tape 'from liquidations' --json | head -c 9"
    run = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout == '[{"ts": "'
    assert run.stderr == ""


def test_help_is_quick_because_nothing_heavy_is_loaded(undertow: Undertow) -> None:
    program = (
        "import sys, undertow, undertow.cli; from undertow.errors import UndertowError\n"
        "heavy = 'numpy polars duckdb plotly msgspec jinja2 scipy numba pandas pyarrow'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert run.stdout == "[]\n"
    helped = undertow("--help")
    assert helped.returncode == 0
    for command in ("describe", "import", "sql", "tapes"):
        assert f" {command} " in helped.stdout
