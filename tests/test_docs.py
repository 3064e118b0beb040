"""Every example in the documentation runs, and every link leads somewhere.

```python blocks run in order, in one namespace and one empty folder per page; an ```output block
after one is what it prints. In ```console blocks each ``$`` line runs in a shell, and the lines
below it are its output; ``...`` stands for any lines. ```text blocks are not run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from undertow import cli
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options
from undertow.tape.importers.registry import KINDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")])
RUN = ("python", "console", "output")
NOT_RUN = ("", "text", "toml", "json", "csv", "sql", "html")


class Block(NamedTuple):
    """A fenced block: its language, its first line's number, its text."""

    language: str
    line: int
    text: str


def blocks_of(text: str) -> list[Block]:
    blocks, language, start = [], None, 0
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, start, lines = line[3:].strip(), number + 1, []
        else:
            blocks.append(Block(language, start, "\n".join(lines) + "\n"))
            language = None
    assert language is None, "a block is not closed"
    return blocks


def run_page(name: str, blocks: list[Block], folder: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = None
    for block in blocks:
        place = f"{name}:{block.line}"
        if block.language == "python":
            printed = run_python(block, place, namespace)
        elif block.language == "output":
            assert printed is not None, f"{place}: no python block before it"
            check(printed, block.text, place)
            printed = None
        elif block.language == "console":
            for command, expected in commands_in(block.text, place):
                run_command(command, expected, place, folder)
            printed = None


def run_python(block: Block, place: str, namespace: dict[str, Any]) -> str:
    code = compile("\n" * (block.line - 1) + block.text, place, "exec")
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        exec(code, namespace)
    return stdout.getvalue()


def commands_in(text: str, place: str) -> list[tuple[str, str]]:
    """Each ``$`` line with the lines of output below it."""
    assert text.startswith("$ "), f"{place}: expected a line that starts with '$ '"
    pieces = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(head, body) for head, _, body in (piece.partition("\n") for piece in pieces)]


def run_command(command: str, expected: str, place: str, folder: Path) -> None:
    """A command must succeed, unless the page shows its complaint."""
    command = re.sub(r"^\.venv/bin/", "", command)
    words = shlex.split(command)
    # A plain command of ours runs in this process, which is far quicker.
    is_plain = words[0] == "undertow" and not {"|", ">", "<", "&&"} & set(words)
    with contextlib.chdir(folder):
        code, printed = run_here(words) if is_plain else run_in_shell(command)
    is_complaint = expected.startswith("undertow: ")
    assert code == (2 if is_complaint else 0), f"{place}: {command}\n{printed}"
    if expected.strip():
        check(printed, expected, place)


def run_here(words: list[str]) -> tuple[int, str]:
    with (
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(stdout),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as exited,
    ):
        patch.setattr(sys, "argv", words)
        cli.main()
    assert isinstance(exited.value.code, int)
    return exited.value.code, stdout.getvalue()


def run_in_shell(command: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        command, shell=True, env={**os.environ, "PATH": path}, text=True, timeout=120, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return run.returncode, run.stdout


def check(printed: str, expected: str, place: str) -> None:
    """Compare without trailing spaces; ``...`` stands for anything."""
    said, wanted = (
        "\n".join(line.rstrip() for line in text.strip().splitlines())
        for text in (printed, expected)
    )
    pattern = re.escape(wanted).replace(r"\.\.\.", ".*")
    assert re.fullmatch(pattern, said, re.DOTALL), f"{place}: printed\n{said}\nnot\n{wanted}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    for block in blocks:
        assert block.language in RUN + NOT_RUN, f"{page.name}:{block.line}: ```{block.language}"
    monkeypatch.chdir(tmp_path)
    run_page(page.name, blocks, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    assert not broken, f"{page.name}: {broken}"


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them from the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\nraise KeyError('lost')\n```", "lost"),
        ("```python\nprint(1)\n```\n```output\n2\n```", "page.md:5: printed"),
        ("```output\n2\n```", "no python block before it"),
        ("```console\n$ undertow describe nowhere\n```", "nowhere"),
        ("```console\n$ undertow version\n9.9.9\n```", "9.9.9"),
        ("```console\n$ undertow version\nundertow: no\n```", "undertow version"),
        ("```console\nundertow version\n```", "starts with"),
    ],
)
def test_an_example_that_does_not_hold_is_caught(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, KeyError)) as caught:
        run_page("page.md", blocks_of(text), tmp_path)
    assert problem in str(caught.value)


def test_examples_that_hold_pass(tmp_path: Path) -> None:
    text = (
        "```python\nx = 3\n```\n```python\nprint('a', x, 'b')\n```\n```output\na ... b\n```\n"
        "```console\n$ printf 'some words' > file\n$ cat file\nsome words\n"
        "$ undertow describe nowhere\nundertow: nowhere: no such folder...\n"
        "$ .venv/bin/undertow version | wc -l\n1\n```\n"
        "```text\n$ rm everything\n```\n"
    )
    run_page("page.md", blocks_of(text), tmp_path)
    assert (tmp_path / "file").read_text() == "some words"


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_can_be_imported(kind: str, tmp_path: Path) -> None:
    importer = importer_named(kind)
    header, _, rows = importer.example.partition("\n")
    file = tmp_path / "BTCUSDT-aggTrades-2025-11-04.csv"
    file.write_text(f"{header.partition('  (')[0]}\n{rows}\n")  # a remark may follow the header
    needs_interval = kind in ("candles", "stablecoin")  # one row does not tell its length
    reading = importer.read(file, Options(interval="5m" if needs_interval else None))
    assert reading.rows() > 0
    assert set(reading.frames) <= set(importer.tables)
    assert Tape.from_frames(reading.frames).manifest.span_ns() is not None
