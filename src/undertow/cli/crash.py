"""Commands that run markets: crash, run, replay, compare, score."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from undertow.cli.app import JsonOption, app, complain, print_json
from undertow.errors import UndertowError, nearest

if TYPE_CHECKING:
    from undertow.lab.run import Progress, Run
    from undertow.lab.scenario import Scenario

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a lever or any number; see --levers."),
]
Seed = Annotated[int | None, typer.Option(help="Of all dice; default: the scenario's.")]
Runs = Annotated[int, typer.Option(min=1, help="How many runs, with as many seeds.")]
PathOption = Annotated[
    str,
    typer.Option(
        "--path", metavar="real|model",
        help="Prices from the tape, or from the trading itself.",
    ),
]  # fmt: skip
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where runs and reports are kept.")]


@app.command()
def crash(
    scenario: Annotated[str, typer.Argument(metavar="EVENT")] = "2025-11-04",
    path: PathOption = "real",
    changes: Changes = None,
    seed: Seed = None,
    runs: Runs = 1,
    out: Out = Path("runs"),
    as_json: JsonOption = False,
    levers: Annotated[bool, typer.Option("--levers", help="List what can be changed.")] = False,
) -> None:
    """Run a crash again, compare it with what happened, and write a report.

    An interrupted run goes on when the same command is given again.
    """
    if levers:
        _print_levers()
        return
    made = _runs(scenario, path, changes, seed, runs, out)
    _tell(made, as_json)


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO.toml")],
    path: PathOption = "model",
    changes: Changes = None,
    seed: Seed = None,
    runs: Runs = 1,
    out: Out = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Run a scenario of one's own."""
    made = _runs(scenario, path, changes, seed, runs, out)
    _tell(made, as_json)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    out: Out = Path("replays"),
    as_json: JsonOption = False,
) -> None:
    """Run again what made a run, and say whether the same came out: exit code 1 if not."""
    from undertow.lab import run as runs

    old = runs.open_run(folder)
    with _progress("Running") as progress:
        new = runs.replay(old, out, progress)
    same = runs.same_tapes(old, new)
    if as_json:
        print_json({"run": old.id, "replay": new.id, "same": same, "folder": str(new.folder)})
    else:
        typer.echo(f"{new.folder}: {'the same, byte by byte' if same else 'differs'}")
        if old.id != new.id:
            typer.echo("the code has changed since: the run has another name")
    raise typer.Exit(0 if same else 1)


def _runs(
    name: str, path: str, changes: list[str] | None, seed: int | None, count: int, out: Path
) -> list[Run]:
    from undertow.lab.batch import run_many
    from undertow.lab.build import refuse_without_tape
    from undertow.lab.run import paced
    from undertow.lab.run import run as run_once
    from undertow.lab.scenario import load

    given = dict(_pair(text) for text in changes or [])
    loaded: Scenario = load(name)
    refuse_without_tape(loaded, path, None)
    scenario = paced(loaded.with_values(given) if given else loaded, path, given)
    say_step(scenario, path)
    first = scenario.seed if seed is None else seed
    if count == 1:
        with _progress("Running") as progress:
            return [
                run_once(
                    scenario, seed=first, path=path, folder=out, progress=progress, changes=given
                )
            ]
    seeds = [first + one for one in range(count)]
    with _progress(f"{count} runs") as progress:
        return run_many(scenario, seeds, path=path, folder=out, changes=given, progress=progress)


def say_step(scenario: Scenario, path: str) -> None:
    """Say when given prices are walked in finer steps than usual: the run takes longer then."""
    from undertow.lab.run import PATH_STEP_S
    from undertow.model.periods import SECOND_NS

    if path == "real" and scenario.tape and scenario.step_ns < PATH_STEP_S * SECOND_NS:
        complain(
            f"steps of {scenario.step_ns / SECOND_NS:g} s, not the {PATH_STEP_S} s usual for given"
            " prices (span.step or span.record is set, or the length is not whole 5 minutes):"
            " slower, and figures differ a little"
        )


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UndertowError(f"--set {text}: expected KEY=VALUE")
    return key.strip(), value.strip()


@contextmanager
def _progress(text: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f}%"),
               TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True)
    # Into a file or a pipe even an empty bar would write a line.
    is_watched = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not is_watched) as bar:
        task = bar.add_task(text, total=None)
        try:
            yield lambda done, total: bar.update(task, completed=done, total=total)
        except KeyboardInterrupt as error:
            bar.stop()
            complain(str(error) or "interrupted; the same command goes on with what is done")
            raise


def _tell(made: list[Run], as_json: bool) -> None:
    from undertow.lab.compare import compare
    from undertow.lab.summary import summaries, summary
    from undertow.report.crash import page
    from undertow.report.crash.terminal import print_summary
    from undertow.report.page import write_page

    first = made[0]
    measured = [summary(one) for one in made]
    spread = summaries(measured) if len(made) > 1 else []
    rows = compare(first) if first.about["event"] else []
    compared = [row.as_json() for row in rows]
    if first.what_if:
        # What is no account of what happened is not judged by it.
        compared = [one | dict.fromkeys(("ratio", "factor", "verdict")) | {"scored": False}
                    for one in compared]  # fmt: skip
    report = first.folder / "report.html"
    write_page(page(first, rows, made[1:], measured=measured[0]), report)
    if as_json:
        print_json({
            "runs": [one.id for one in made], "folder": str(first.folder),
            "what_if": first.what_if or None,
            "summary": measured[0].as_json(), "compared": compared,
            "spread": [asdict(one) for one in spread],
        })  # fmt: skip
    else:
        print_summary(measured[0], rows, spread=spread, what_if=first.what_if)
        for note in first.about["notes"]:
            complain(note)
        typer.echo(f"report: {report.resolve()}")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN")],
    second: Annotated[Path, typer.Argument(metavar="RUN")],
    as_json: JsonOption = False,
) -> None:
    """Two runs side by side: all figures of both, and how far they differ."""
    from undertow.lab.run import open_run
    from undertow.lab.side_by_side import compare_runs
    from undertow.report.crash.terminal import print_two

    runs = open_run(_found(first)), open_run(_found(second))
    rows = compare_runs(*runs)
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        print_two(*runs, rows)


def _found(folder: Path) -> Path:
    """A run's folder; its bare name is looked for where runs are kept."""
    kept = Path("runs") / folder
    if not folder.exists() and not kept.exists():
        there = [path.parent.name for path in Path("runs").glob("*/run.json")]
        hint = nearest(str(folder), there) if there else ": there are none yet, 'crash' makes one"
        raise UndertowError(f"no folder {str(folder)!r}, and no run of that name in 'runs'{hint}")
    return folder if folder.exists() else kept


@app.command()
def score(path: PathOption = "real", out: Out = Path("runs"), as_json: JsonOption = False) -> None:
    """Run every bundled event and say by what factor each is off, beside a naive baseline."""
    from undertow.lab.run import paced
    from undertow.lab.run import run as run_once
    from undertow.lab.scenario import load, names
    from undertow.lab.score import score_run, table
    from undertow.report import terminal

    found = []
    for name in names():
        scenario = load(name)
        if scenario.event is None or (path == "real" and scenario.tape is None):
            lacks = "published figures" if scenario.event is None else "bundled tape"
            complain(f"{name}: left out, it has no {lacks}")
            continue
        with _progress(name) as progress:
            made = run_once(paced(scenario, path, {}), path=path, folder=out, progress=progress)
        found.append(score_run(made))
    rows = table(found)
    if as_json:
        print_json(rows)
    elif rows:
        cells = [
            [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()]
            for row in rows
        ]
        terminal.console().print(terminal.table(list(rows[0]), cells))


def _print_levers() -> None:
    from undertow.lab.levers import LEVERS
    from undertow.report import terminal

    rows = [[name, one.unit, one.meaning] for name, one in LEVERS.items()]
    terminal.console().print(terminal.table(["lever", "unit", "what it does"], rows))
