"""Runs: one scenario, one seed, one folder, which the hash of what went in names.

Running the same again finds the folder and does nothing. A run that was interrupted goes on where
it stopped.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import undertow
from undertow.agents.own import load_agents
from undertow.errors import UndertowError
from undertow.lab.build import build
from undertow.lab.collateral import uses
from undertow.lab.collateral_use import note
from undertow.lab.feeds import shown
from undertow.lab.interrupt import Interrupted, stopped_later
from undertow.lab.path_changes import refuse_idle
from undertow.lab.scenario import Scenario, load
from undertow.lab.world import World
from undertow.model.periods import SECOND_NS
from undertow.tape import Tape
from undertow.tape.files import write_atomically
from undertow.tape.writer import TapeWriter
from undertow.venues import rulebook

PATHS = ("real", "model")
PATH_STEP_S, PATH_RECORD_S = 150, 300
CHECKPOINT = "checkpoint.pickle"
ABOUT = "run.json"
Progress = Callable[[int, int], None]
# Folders whose code decides what a run does.
_DECIDING = ("agents", "kernels", "lab", "measures", "model", "reference", "tape", "venues")
_READ = ("candles", "marks", "open_interest", "funding")  # of a tape of the real market
# Changes that leave the market as it was: what stays is a run of what happened.
TECHNICAL = frozenset({"name", "title", "seed", "span.length", "span.step", "span.record"})
_TOLD = ("id", "scenario", "title", "event", "seed", "path", "version", "notes")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder
        Where it lies: ``run.json``, ``scenario.toml``, and the tapes ``true`` and ``shown``.
    about
        What went in and what came out in short: id, scenario, seed, path, version, notes.
    """

    folder: Path
    about: dict[str, Any]

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that scenario, seed and code decide."""
        return str(self.about["id"])

    @property
    def what_if(self) -> str:
        """What was changed in the market, ``max_leverage=20``; empty where nothing was.

        Such a run is no account of what happened: nobody scores it against published figures.
        """
        changes = self.about.get("changes", {}).items()
        return ", ".join(f"{key}={value}" for key, value in changes if key not in TECHNICAL)

    @property
    def tape(self) -> Tape:
        """Everything that happened."""
        return Tape.open(str(self.folder / "true"))

    @property
    def shown(self) -> Tape:
        """The liquidations that public feeds would have shown."""
        return Tape.open(str(self.folder / "shown"))

    @property
    def scenario(self) -> Scenario:
        """What was run."""
        return load(self.folder / "scenario.toml")


@cache
def code_hash() -> str:
    """Sixteen hexadecimal digits that change with the code that decides what a run does."""
    digest = sha256(undertow.__version__.encode())
    root = Path(undertow.__file__).parent
    for folder in _DECIDING:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".toml", ".csv"):
                digest.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def run_id(scenario: Scenario, seed: int, path: str, given: str | None = None) -> str:
    """The name of a run; ``given`` is the hash of a tape that is not the scenario's own."""
    text = f"{scenario.digest()} {seed} {path} {code_hash()}{f' {given}' if given else ''}"
    text += "".join(f" {own_hash(file)}" for file in own_files(scenario))
    return sha256(text.encode()).hexdigest()[:16]


def own_files(scenario: Scenario) -> list[Path]:
    """Files of a user's own that decide what a run does: agents, and rules with their tables."""
    found = [Path(file) for file in scenario.agents_from]
    for venue in scenario.venues:
        for name in (venue.rules, venue.steps_from, venue.tiers_from):
            found += rulebook.own_files(name) if name else []
    return sorted(set(found))


def own_hash(file: Path) -> str:
    """The hash of a file's bytes; empty where it cannot be read, which building says."""
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def tape_hash(tape: Tape) -> str:
    """Sixteen hexadecimal digits that change with what a run reads from a tape."""
    digest = sha256()
    for name in _READ:
        digest.update(f"{name}\n{tape.table(name).collect().write_csv()}".encode())
    return digest.hexdigest()[:16]


def paced(scenario: Scenario, path: str, changes: Mapping[str, object]) -> Scenario:
    """The scenario with a step that suits the path: that of the candles on a real one.

    A step that somebody set stays, and so does the scenario's where the length that somebody set
    is not one of whole records of that pace.

    Raises
    ------
    UndertowError
        For a change that would do nothing on a real path.
    """
    if path == "real":
        refuse_idle(scenario, changes)
    if path != "real" or "span.step" in changes or "span.record" in changes:
        return scenario
    if scenario.length_s % PATH_RECORD_S:
        return scenario
    if scenario.step_ns >= PATH_STEP_S * SECOND_NS:
        return scenario
    coarse = scenario.with_values({"span.record": f"{PATH_RECORD_S}s"})
    return coarse.with_values({"span.step": f"{PATH_STEP_S}s"})


def run(
    scenario: Scenario, *, seed: int | None = None, path: str = "real", folder: Path,
    progress: Progress | None = None, tape: Tape | None = None,
    changes: Mapping[str, object] | None = None,
) -> Run:  # fmt: skip
    """Run a scenario once, or find the run that was made before.

    Parameters
    ----------
    seed
        Instead of the scenario's.
    path
        ``real`` or ``model``, see `build`.
    folder
        Where runs lie; this one goes into a folder named by its id.
    progress
        Told how many steps are done, and of how many.
    tape
        Of the real market, instead of the scenario's bundled one.
    changes
        What was changed in the scenario; only kept with the run.

    Raises
    ------
    UndertowError
        For an unknown path, a missing tape, or whatever the scenario cannot be built from.
    """
    if path not in PATHS:
        raise UndertowError(f"path '{path}': expected {' or '.join(PATHS)}")
    seed = scenario.seed if seed is None else seed
    if seed < 0:
        raise UndertowError(f"seed {seed}: expected 0 or more")
    given = None if tape is None else tape_hash(tape)
    name = run_id(scenario, seed, path, given)
    target = folder / name
    load_agents(scenario.agents_from)  # a checkpoint may hold agents of them
    if (target / ABOUT).is_file():
        return open_run(target)
    world, used = _begun(target)
    if world is None:
        if tape is None and scenario.tape is not None:
            tape = Tape.open(scenario.tape)
        built = build(scenario, seed=seed, path=path, tape=tape)
        world, used = built.world, built.used
    _writable(folder)
    _go_on(world, used, target, progress)
    coins = uses(world.setup.pledges, world.setup.place.venues)
    about = {
        "id": name, "scenario": scenario.name, "title": scenario.title, "event": scenario.event,
        "seed": seed, "path": path, "changes": {key: str(one) for key, one in
                                                (changes or {}).items()},
        "version": undertow.__version__, "code": code_hash(), "given": used,
        "tape": given, "notes": [*world.notes, *(note(one) for one in coins)],
        "collateral": [one.as_json() for one in coins],
    }  # fmt: skip
    _write(world, scenario, target, about)
    return Run(target, about)


def open_run(folder: Path | str) -> Run:
    """A run from its folder.

    Raises
    ------
    UndertowError
        When there is none, or one that this version does not understand.
    """
    path = Path(folder)
    file = path / ABOUT
    if not file.is_file():
        state = "was interrupted: run it again" if (path / CHECKPOINT).is_file() else "is no run"
        raise UndertowError(f"{path} {state}")
    try:
        about = json.loads(file.read_text())
        if lacking := [key for key in _TOLD if key not in about]:
            raise UndertowError(f"{file}: not a run's description: it lacks {lacking[0]}")
        if about["version"].split(".")[0] != undertow.__version__.split(".")[0]:
            raise UndertowError(
                f"{path}: made by version {about['version']}; this is {undertow.__version__}:"
                " run it again"
            )
    except (ValueError, AttributeError, TypeError):
        raise UndertowError(f"{file}: not a run's description") from None
    if not isinstance(about["seed"], int):
        raise UndertowError(f"{file}: not a run's description: seed {about['seed']!r}")
    return Run(path, about)


def replay(
    made: Run, folder: Path, progress: Progress | None = None, tape: Tape | None = None
) -> Run:
    """Run again what a run was made from, with this code.

    Raises
    ------
    UndertowError
        For a run that was given a tape of its own, without that ``tape``.
    """
    if made.about.get("tape") and tape is None:
        raise UndertowError(f"{made.folder}: it was given a tape of its own; a replay needs that")
    return run(
        made.scenario, seed=int(made.about["seed"]), path=str(made.about["path"]), folder=folder,
        progress=progress, tape=tape, changes=made.about.get("changes"),
    )  # fmt: skip


def same_tapes(one: Run, other: Run) -> bool:
    """Whether two runs left the same tapes, byte by byte; which run it was does not count."""
    return _parts(one.folder) == _parts(other.folder)


def _parts(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("*/*/*.parquet"))
    return {str(one.relative_to(folder)): sha256(one.read_bytes()).hexdigest() for one in files}


def _writable(folder: Path) -> None:
    """Make the folder, and refuse before the run what would be refused after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_open = os.access(folder, os.W_OK | os.X_OK)
    except FileExistsError:
        raise UndertowError(f"{folder}: no folder for runs: it is a file") from None
    except OSError as error:
        raise UndertowError(f"{folder}: no folder for runs: {error.strerror}") from None
    if not is_open:
        raise UndertowError(f"{folder}: no folder for runs: it may not be written")


def _begun(target: Path) -> tuple[World | None, dict[str, str]]:
    """The world of an interrupted run; the folder's name says that it is the same code."""
    file = target / CHECKPOINT
    if not file.is_file():
        return None, {}
    try:
        world, used = pickle.loads(file.read_bytes())
    except Exception as error:  # damaged bytes can raise anything
        raise UndertowError(f"{file}: damaged ({type(error).__name__}); delete it") from None
    return world, used


def _go_on(world: World, used: dict[str, str], target: Path, progress: Progress | None) -> None:
    """Run what is left; Ctrl-C ends after the step under way, and what is done is kept.

    Raises
    ------
    Interrupted
        After Ctrl-C; its text says what is kept.
    """
    total = world.setup.steps
    with stopped_later() as is_stopping:
        try:
            for done in world.run():
                if progress is not None:
                    progress(done, total)
                if is_stopping() and done < total:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if not world.is_between_steps:
                raise Interrupted("interrupted in the middle of a step: nothing new is kept"
                                  ) from None  # fmt: skip
            target.mkdir(parents=True, exist_ok=True)
            _save(target / CHECKPOINT, pickle.dumps((world, used)))
            raise Interrupted(
                f"interrupted after {world.done:,} of {total:,} steps, kept in {target}: the same"
                " command goes on from there"
            ) from None


def _write(world: World, scenario: Scenario, target: Path, about: dict[str, Any]) -> None:
    """Both tapes, then the description: who sees that knows that the rest is whole."""
    target.mkdir(parents=True, exist_ok=True)
    frames = world.record.frames()
    step_s = world.setup.place.step_ns / 1e9
    for name in ("true", "shown"):
        _drop(target / name)
        title = f"{scenario.title} ({name})"
        tables = frames if name == "true" else shown(frames, scenario, step_s)
        with TapeWriter.create(target / name, kind="simulated", title=title) as writer:
            writer.set_scenario({key: about[key] for key in ("id", "seed", "path", "code")})
            for table, frame in tables.items():
                writer.append(table, frame)
    _save(target / "scenario.toml", scenario.text.encode())
    _save(target / ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    (target / CHECKPOINT).unlink(missing_ok=True)


def _save(file: Path, data: bytes) -> None:
    write_atomically(file, lambda temporary: temporary.write_bytes(data))


def _drop(folder: Path) -> None:
    """What an earlier attempt left half done."""
    if folder.exists():
        shutil.rmtree(folder)
