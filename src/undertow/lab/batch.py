"""Many runs of one scenario, one process each: parallel across runs, never inside one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from undertow.errors import UndertowError
from undertow.lab.build import refuse_without_tape
from undertow.lab.run import Run, open_run, paced, run
from undertow.lab.scenario import Scenario, load
from undertow.tape import Tape
from undertow.venues.kernel_engine import make_ready

Done = Callable[[int, int], None]


def run_many(
    scenario: Scenario, seeds: Sequence[int], *, path: str, folder: Path,
    changes: Mapping[str, object] | None = None, tape: Tape | None = None,
    processes: int | None = None, progress: Done | None = None,
) -> list[Run]:  # fmt: skip
    """Run a scenario with several seeds; those that were run before are only opened.

    Parameters
    ----------
    processes
        At most so many at once; None for all cores.
    progress
        Told how many runs are done, and of how many.

    Returns
    -------
    list of Run
        In the order of ``seeds``. An interruption leaves what is done; the same call goes on.
    """
    if len(set(seeds)) < len(seeds):
        raise UndertowError("seeds: expected each once")
    make_ready()  # compile once, before several processes would
    found: dict[int, Run] = {}
    workers = min(len(seeds), processes or os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = {
            pool.submit(_one, scenario, seed, path, folder, dict(changes or {}), tape): seed
            for seed in seeds
        }
        try:
            for job in as_completed(jobs):
                found[jobs[job]] = open_run(job.result())
                if progress is not None:
                    progress(len(found), len(seeds))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[seed] for seed in seeds]


def _one(
    scenario: Scenario, seed: int, path: str, folder: Path, changes: dict[str, object],
    tape: Tape | None,
) -> Path:  # fmt: skip
    return run(scenario, seed=seed, path=path, folder=folder, tape=tape, changes=changes).folder


def run_scenario(
    scenario: str | Path | Scenario, *, set: Mapping[str, object] | None = None,
    seeds: int | Sequence[int] = 1, path: str = "real", folder: str | Path = "runs",
    tape: Tape | None = None,
) -> list[Run]:  # fmt: skip
    """Run a scenario from Python: `undertow.run`.

    Parameters
    ----------
    scenario
        A bundled one's name, a file, or a scenario.
    set
        What to change: levers and key paths, as ``--set`` takes them.
    seeds
        How many, counted on from the scenario's own; or which.
    path
        ``real``, the prices of the scenario's tape or of ``tape``; ``model`` where it has none.

    Raises
    ------
    UndertowError
        For anything that cannot be run, see `undertow.lab.run.run`.
    """
    made = scenario if isinstance(scenario, Scenario) else load(scenario)
    refuse_without_tape(made, path, tape)
    changed = paced(made.with_values(set) if set else made, path, set or {})
    chosen = seeds_of(changed, seeds)
    if len(chosen) > 1:
        return run_many(changed, chosen, path=path, folder=Path(folder), changes=set, tape=tape)
    return [run(changed, seed=chosen[0], path=path, folder=Path(folder), tape=tape, changes=set)]


def seeds_of(scenario: Scenario, seeds: int | Sequence[int]) -> list[int]:
    """Seeds from how many, or as they are named."""
    return list(_seeds(scenario, seeds))


def _seeds(scenario: Scenario, seeds: int | Sequence[int]) -> Iterator[int]:
    if isinstance(seeds, int):
        if seeds < 1:
            raise UndertowError(f"runs: expected at least 1, got {seeds}")
        yield from range(scenario.seed, scenario.seed + seeds)
    else:
        yield from seeds
