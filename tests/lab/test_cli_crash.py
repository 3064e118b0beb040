"""crash, run, replay and compare as somebody at a terminal sees them."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from undertow import cli
from undertow.cli.crash import say_step
from undertow.lab.run import ABOUT, open_run, paced
from undertow.lab.scenario import load

from .gaps import SMALL, on_path, small

Told = tuple[int, str, str]
Command = Callable[..., Told]
TINY = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
GAP = ["crash", "gap", "--path", "model", *TINY]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture
def undertow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(folder)

    def call(*words: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["undertow", *map(str, words)])
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
            pytest.raises(SystemExit) as exited,
        ):
            cli.main()
        assert isinstance(exited.value.code, int)
        return exited.value.code, out.getvalue(), err.getvalue()

    return call


@pytest.fixture
def first(undertow: Command, folder: Path) -> Path:
    """The tiny run, made once."""
    code, out, _ = undertow(*GAP, "--json")
    assert code == 0
    return folder / str(json.loads(out)["folder"])


def test_a_run_is_told_and_reported(undertow: Command, first: Path) -> None:
    code, out, _ = undertow(*GAP)
    assert code == 0
    assert "Liquidations, shown" in out
    report = Path(out.strip().splitlines()[-1].removeprefix("report: "))
    assert report == (first / "report.html").resolve()
    assert report.read_text().lower().startswith("<!doctype html>")


def test_json_is_json_and_nothing_else(undertow: Command, first: Path) -> None:
    code, out, _ = undertow(*GAP, "--json")
    told = json.loads(out)
    assert code == 0
    assert set(told) == {"runs", "folder", "what_if", "summary", "compared", "spread"}
    assert told["runs"] == [first.name]
    assert told["compared"] == []  # nobody's history


def test_what_was_set_is_kept_with_the_run(first: Path) -> None:
    about = open_run(first).about
    assert about["changes"] == {key: str(value) for key, value in SMALL.items()}
    assert about["seed"] == 7


def test_a_scenario_of_ones_own(undertow: Command, folder: Path) -> None:
    (folder / "mine.toml").write_text(small({"span.length": "2m"}).text)
    code, out, _ = undertow("run", "mine.toml", "--seed", 3, "--json")
    assert code == 0
    run = open_run(folder / json.loads(out)["folder"])
    assert (run.about["seed"], run.about["path"]) == (3, "model")
    assert run.scenario.length_s == 120


def test_a_replay_says_that_it_is_the_same(undertow: Command, first: Path) -> None:
    code, out, _ = undertow("replay", first)
    assert code == 0
    assert out == f"replays/{first.name}: the same, byte by byte\n"
    code, out, _ = undertow("replay", first, "--json")
    assert json.loads(out)["same"] is True


def test_a_replay_that_differs_says_so(undertow: Command, first: Path, folder: Path) -> None:
    code, out, _ = undertow(*GAP, "--seed", 8, "--json")
    other = folder / json.loads(out)["folder"]
    about = json.loads((other / ABOUT).read_text())
    (other / ABOUT).write_text(json.dumps(about | {"seed": 7}))
    code, out, _ = undertow("replay", other)
    assert code == 1
    assert f"replays/{first.name}: differs" in out


def test_two_runs_side_by_side(undertow: Command, folder: Path) -> None:
    made = on_path(folder / "paths", [100_000.0] * 2 + [95_000.0, 90_000.0]).folder
    code, out, _ = undertow("compare", made, made, "--json")
    rows = json.loads(out)
    assert code == 0
    assert {"liquidated, true", "liquidated, shown", "largest 24 hours, true"} <= {
        row["name"] for row in rows
    }
    assert all(row["first"] == row["second"] for row in rows)
    code, out, _ = undertow("compare", made, made)
    assert code == 0
    assert "liquidated, true" in out


@pytest.mark.parametrize(("length", "said"), [("26h", ""), ("61m", "steps of 5 s, not the 150 s")])
def test_another_length_keeps_the_step_or_says_so(
    length: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change = {"span.length": length}
    scenario = paced(load("2025-11-04").with_values(change), "real", change)
    say_step(scenario, "real")
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)


def test_columns_of_two_runs_are_named_by_what_sets_them_apart(
    undertow: Command, first: Path
) -> None:
    code, out, _ = undertow(*GAP, "--set", "max_leverage=20", "--json")
    other = Path(json.loads(out)["folder"])
    code, out, _ = undertow("compare", first, other)
    assert code == 0
    assert out.splitlines()[0].split() == ["figure", "as", "is", "max_leverage=20", "difference"]
    assert f"as is: run {first.name}" in out
    assert f"max_leverage=20: run {other.name}" in out


def test_ctrl_c_leaves_a_run_that_goes_on(
    undertow: Command, first: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.progress import Progress

    def update(self: Progress, task: object, *, completed: int, total: int) -> None:
        if completed == 60:
            raise KeyboardInterrupt

    said = (
        f"undertow: interrupted after 60 of 180 steps, kept in stopped/{first.name}: the same"
        " command goes on from there\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", update)
        code, out, err = undertow(*GAP, "--out", "stopped")
    assert (code, out, err) == (130, "", said)
    code, _, err = undertow("compare", f"stopped/{first.name}", first)
    assert (code, err) == (2, f"undertow: stopped/{first.name} was interrupted: run it again\n")
    assert undertow(*GAP, "--out", "stopped")[0] == 0
    again = folder / "stopped" / first.name
    parts = [file.relative_to(first) for file in first.glob("*/*/*.parquet")]
    assert parts
    assert all((again / part).read_bytes() == (first / part).read_bytes() for part in parts)


def test_levers_are_listed(undertow: Command) -> None:
    code, out, _ = undertow("crash", "--levers")
    assert code == 0
    assert "max_leverage" in out


MODEL = ["crash", "gap", "--path", "model", "--set"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["crash", "gapp"], "no scenario 'gapp', and no file of that name (did you mean 'gap'?"),
        (["crash", "2025-11-05"], "did you mean '2025-11-04'?"),
        (["run", "nofile.toml"], "no scenario 'nofile.toml'"),
        (["crash", "gap", "--path", "rael"], "path 'rael': expected real or model"),
        (["crash", "gap"], "a real path needs a tape"),
        (["crash", "gap", "--path", "model", "--seed", "-1"], "seed -1: expected 0 or more"),
        ([*MODEL, "max_leverage"], "--set max_leverage: expected KEY=VALUE"),
        ([*MODEL, "=3"], "--set =3: expected KEY=VALUE"),
        ([*MODEL, "max_levrage=20"], "did you mean 'max_leverage'?"),
        ([*MODEL, "max_leverage=20s"], "expected a multiple, such as 0.5 or 0.5x, not '20s'"),
        ([*MODEL, "max_leverage=-3"], "expected 1 or more"),
        ([*MODEL, "halt_at=200%"], "expected 0.001 to 1"),
        ([*MODEL, "span.length=long"], "length of time 'long'"),
        ([*MODEL, "span.step=7s"], "records of whole steps"),
        ([*MODEL, "venue.binanse.accounts=5"], "no 'venue.binanse' (did you mean 'binance-usdm'?"),
        ([*MODEL, "venue.binance-usdm.acounts=5"], "did you mean 'venue.binance-usdm.accounts'?"),
        ([*MODEL, "venue.binance-usdm.accounts=1.5"], "expected a whole number"),
        ([*MODEL, "venue.binance-usdm.rules=binance-usdm@2010-01-01"], "begin on 2019-09-08"),
        ([*MODEL, "asset.BTX.price_usd=5"], "no 'asset.BTX' (valid: BTC)"),
        ([*MODEL, "shock.sale.asset=ETH"], "no 'ETH' here (valid: BTC)"),
        ([*MODEL, "shock.sale.venue=okx"], "no 'okx' here"),
        ([*MODEL, "withdrawal_halt=nowhere"], "no venue 'nowhere'"),
        ([*MODEL, "agent.crowd.kind=crowdd"], "no agent 'crowdd' (did you mean 'crowd'?"),
        ([*MODEL, "agent.crowd.settings.stop_sare=0.3"], "did you mean 'stop_share'?"),
        ([*MODEL, "agent.crowd.settings.stop_share=3"], "less than or equal to 1"),
        ([*MODEL, "tape=nowhere"], "no bundled tape"),
        (["replay", "nowhere"], "nowhere is no run"),
        (["compare", "a", "b"], "no folder 'a'"),
        (["score", "--path", "x"], "path 'x': expected real or model"),
        ([*MODEL, "asset.BTC.price_usd=0"], "value: expected 1e-12 to 1e+12, not 0"),
        ([*MODEL, "shock.sale.notional_usd=5e30"], "value: expected 0 to 1e+12"),
        ([*MODEL, "venue.binance-usdm.accounts=1e18"], "value: expected 1 to 1e+08"),
        ([*MODEL, "venue.binance-usdm.quote=USTD"], "no dollar and no stablecoin"),
        (["crash", "--runs", "0"], "'--runs': Input should be greater than or equal to 1; see"),
        (["crash", "--bogus"], "No such option: --bogus"),
        (["compare", "a"], "Missing argument 'RUN'; see undertow compare --help"),
        (["crahs"], "No such command 'crahs'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_two(
    undertow: Command, words: list[str], said: str
) -> None:
    code, out, err = undertow(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("undertow: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_folder_that_takes_no_runs_is_said_before_the_run(
    undertow: Command, folder: Path
) -> None:
    (folder / "letter.txt").write_text("dear")
    code, out, err = undertow(*GAP, "--seed", 3, "--out", "letter.txt")
    assert (code, out) == (2, "")
    assert err == "undertow: letter.txt: no folder for runs: it is a file\n"
