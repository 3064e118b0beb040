"""Runs: found again, interrupted, replayed, damaged."""

from __future__ import annotations

import json
import pickle
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from making import bytes_below
from undertow.errors import UndertowError
from undertow.lab.batch import run_many, run_scenario, seeds_of
from undertow.lab.interrupt import Interrupted, stopped_later
from undertow.lab.run import (
    ABOUT,
    CHECKPOINT,
    PATH_RECORD_S,
    PATH_STEP_S,
    Run,
    open_run,
    paced,
    replay,
    run,
    same_tapes,
)
from undertow.lab.scenario import load

from .gaps import falling_tape, on_path, ran, small


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(tmp_path_factory.mktemp("once"))


def stop_at(step: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        assert done <= total == 180
        if done == step:
            raise KeyboardInterrupt

    return progress


def test_the_same_scenario_and_seed_leave_the_same_bytes(made: Run, tmp_path: Path) -> None:
    again = ran(tmp_path)
    assert again.id == made.id
    assert bytes_below(again.folder) == bytes_below(made.folder)


def test_another_seed_leaves_another_tape(made: Run, tmp_path: Path) -> None:
    other = ran(tmp_path, seed=8)
    assert other.id != made.id
    assert not same_tapes(made, other)


def test_a_manifest_says_what_was_run_and_nothing_of_the_machine(made: Run) -> None:
    manifest = (made.folder / "true" / "manifest.json").read_text()
    assert made.id in manifest
    assert str(made.folder.parent) not in manifest
    assert made.tape.manifest.kind == "simulated"


def test_a_run_found_again_is_not_run_again(made: Run) -> None:
    def progress(done: int, total: int) -> None:
        raise AssertionError("it runs")

    before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")}
    again = run(small(), path="model", folder=made.folder.parent, progress=progress)
    assert again == made
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")} == before


@pytest.mark.parametrize("step", [1, 95, 180])
def test_an_interrupted_run_goes_on_to_the_same_tape(made: Run, tmp_path: Path, step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(small(), path="model", folder=tmp_path, progress=stop_at(step))
    target = tmp_path / made.id
    assert [path.name for path in target.iterdir()] == [CHECKPOINT]
    with pytest.raises(UndertowError, match="was interrupted: run it again"):
        open_run(target)
    steps: list[int] = []
    again = run(small(), path="model", folder=tmp_path, progress=lambda done, _: steps.append(done))
    assert steps == list(range(step + 1, 181))
    assert bytes_below(again.folder) == bytes_below(made.folder)


def test_ctrl_c_ends_after_the_step_under_way(made: Run, tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        if done == 30:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="after 30 of 180 steps, kept in"):
        run(small(), path="model", folder=tmp_path, progress=progress)
    assert signal.getsignal(signal.SIGINT) is before
    again = run(small(), path="model", folder=tmp_path)
    assert bytes_below(again.folder) == bytes_below(made.folder)


def test_a_second_ctrl_c_acts_at_once() -> None:
    with stopped_later() as is_stopping:
        assert not is_stopping()
        signal.raise_signal(signal.SIGINT)
        assert is_stopping()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_damaged_checkpoint_is_said(made: Run, tmp_path: Path) -> None:
    (tmp_path / made.id).mkdir()
    file = tmp_path / made.id / CHECKPOINT
    file.write_bytes(pickle.dumps(("world", {}))[:-3])
    with pytest.raises(UndertowError, match=r"checkpoint.*: damaged .*delete it"):
        run(small(), path="model", folder=tmp_path)


def test_what_an_attempt_left_half_written_is_written_anew(made: Run, tmp_path: Path) -> None:
    half = tmp_path / made.id / "true" / "candles"
    half.mkdir(parents=True)
    (half / "000001.parquet").write_bytes(b"half")
    assert bytes_below(ran(tmp_path).folder) == bytes_below(made.folder)


def test_a_replay_is_the_same(made: Run, tmp_path: Path) -> None:
    again = replay(open_run(made.folder), tmp_path)
    assert again.id == made.id
    assert same_tapes(made, again)


def test_a_tape_of_ones_own_belongs_to_the_name_of_a_run(tmp_path: Path) -> None:
    one, other = on_path(tmp_path, [100_000.0] * 3), on_path(tmp_path, [100_000.0, 99_000, 98_000])
    assert one.id != other.id
    assert not same_tapes(one, other)
    with pytest.raises(UndertowError, match="it was given a tape of its own"):
        replay(one, tmp_path / "replays")
    again = replay(one, tmp_path / "replays", tape=falling_tape([100_000.0] * 3))
    assert same_tapes(one, again)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: json.dumps(about | {"version": "99.1"}), "made by version 99.1; this is"),
        (lambda about: json.dumps(about)[:-5], "not a run's description"),
        (lambda about: json.dumps([about]), "not a run's description"),
        (lambda about: json.dumps({**about, "version": 3}), "not a run's description"),
        (lambda about: json.dumps({"version": about["version"]}), "it lacks id"),
        (lambda about: json.dumps(about | {"seed": "x"}), "not a run's description: seed 'x'"),
    ],
)
def test_a_folder_that_is_not_understood(
    made: Run, tmp_path: Path, change: Callable[[dict[str, object]], str], said: str
) -> None:
    (tmp_path / ABOUT).write_text(change(dict(made.about)))
    with pytest.raises(UndertowError, match=said):
        open_run(tmp_path)


def test_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(UndertowError, match="nowhere is no run"):
        open_run(tmp_path / "nowhere")


def test_a_run_does_not_begin_with_a_wrong_path_seed_or_tape(tmp_path: Path) -> None:
    with pytest.raises(UndertowError, match="path 'rael': expected real or model"):
        run(small(), path="rael", folder=tmp_path)
    with pytest.raises(UndertowError, match="seed -1: expected 0 or more"):
        run(small(), seed=-1, path="model", folder=tmp_path)
    with pytest.raises(UndertowError, match="a real path needs a tape"):
        run(small(), path="real", folder=tmp_path)
    with pytest.raises(UndertowError, match=r"no candles of BTC .* that cover 2025-11-03"):
        run(small({"span.length": "30m"}), path="real", folder=tmp_path,
            tape=falling_tape([1.0] * 9))  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_real_path_is_walked_in_the_steps_of_its_candles() -> None:
    scenario = load("2025-11-04")
    coarse = paced(scenario, "real", {})
    assert (coarse.step_s, coarse.record_s) == (PATH_STEP_S, PATH_RECORD_S)
    assert paced(scenario, "model", {}) is scenario
    assert paced(scenario, "real", {"span.step": "5s"}) is scenario
    longer = scenario.with_values({"span.length": "52h"})
    assert paced(longer, "real", {"span.length": "52h"}).step_s == PATH_STEP_S


def test_many_seeds_are_those_of_single_runs(made: Run, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    many = run_many(
        small(), [8, 7], path="model", folder=tmp_path, processes=1,
        progress=lambda *done: told.append(done),
    )  # fmt: skip
    assert [one.about["seed"] for one in many] == [8, 7]
    assert bytes_below(many[1].folder) == bytes_below(made.folder)
    assert told == [(1, 2), (2, 2)]


def test_from_python(made: Run) -> None:
    folder = made.folder.parent
    (found,) = run_scenario(small(), path="model", folder=folder)
    assert found == made
    assert seeds_of(small(), 3) == [7, 8, 9]
    assert seeds_of(small(), [4, 2]) == [4, 2]
    with pytest.raises(UndertowError, match="expected at least 1, got 0"):
        run_scenario(small(), path="model", folder=folder, seeds=0)
    with pytest.raises(UndertowError, match="seeds: expected each once"):
        run_scenario(small(), path="model", folder=folder, seeds=[1, 1])
