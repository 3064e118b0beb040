"""The rules of tidiness: each takes a file's path and text and names the offenders.

Sizes, names and spelling hold everywhere; the clock and dice only where figures are made.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

MOST_LINES = 600
MOST_COLUMNS = 100
MOST_FUNCTION_LINES = 70
MOST_MEDIAN_LINES = 150
BANNED_MODULES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
# The same input must give the same output here; time and dice enter from the lab, as arguments.
WITHOUT_CLOCK = ("model", "kernels", "venues", "agents", "reference", "measures", "tape")

CLOCK_AND_DICE = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|localtime|gmtime|ctime)(_ns)?"
    r"|datetime\.(datetime\.(now|utcnow|today)|date\.today)"
    r"|(random|secrets|uuid)(\..+)?"
    r"|os\.(urandom|getrandom)"
    r"|numpy\.random\.(?!default_rng$|Generator$|SeedSequence$|PCG64$|Philox$|BitGenerator$).+"
)
SEEDED = re.compile(r"numpy\.random\.(default_rng|SeedSequence|PCG64|Philox)")
SHUFFLES = {"sample", "shuffle"}  # of polars: without a seed they throw dice of their own
# Spelled so that this file does not offend.
MACHINE_PATHS = ("/" + "work/", "/" + "farm/", "." + "library", ".." + "/shared")
LEFT_OVER = re.compile("TO" + "DO|FIX" + "ME")

FOLDERS = ("src", "tests", "scripts", "benchmarks", "verification", "docs", "examples", ".ci")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".sh", ".txt", ".cfg", ".html", ".css", ".js", ".csv",
                 ".json", ".yml", ".yaml", ""}  # fmt: skip


def project_files(root: Path) -> list[Path]:
    """The files of the project, whether git is there or not; not what it ignores."""
    # In a second work tree of git, .git is a file that names the first one.
    found = [path for path in root.iterdir() if path.is_file() and path.name != ".git"]
    for folder in FOLDERS:
        found += [path for path in (root / folder).rglob("*") if path.is_file()]
    ignored = [line.strip("/") for line in (root / ".gitignore").read_text().split()]
    return sorted(
        path
        for path in found
        if not any(
            fnmatch(part, pattern) for part in path.relative_to(root).parts for pattern in ignored
        )
    )


def too_long_file(path: str, text: str) -> Iterator[str]:
    """More lines than a reader can hold."""
    count = text.count("\n")
    if path.endswith(".py") and count > MOST_LINES:
        yield f"{path}: {count} lines (most: {MOST_LINES})"


def too_wide_lines(path: str, text: str) -> Iterator[str]:
    """Lines of code that do not fit beside another window."""
    if path.endswith((".py", ".sh", "Makefile")):
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > MOST_COLUMNS:
                yield f"{path}:{number}: {len(line)} columns (most: {MOST_COLUMNS})"


def too_long_functions(path: str, text: str) -> Iterator[str]:
    """Functions that do more than one thing; the docstring counts."""
    for node in _nodes(path, text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MOST_FUNCTION_LINES:
                yield (
                    f"{path}:{node.lineno}: {node.name} has {count} lines"
                    f" (most: {MOST_FUNCTION_LINES})"
                )


def vague_names(path: str, text: str) -> Iterator[str]:
    """Modules whose name says nothing; text is not looked at."""
    for part in PurePosixPath(path).with_suffix("").parts:
        if path.endswith(".py") and part.strip("_") in BANNED_MODULES:
            yield f"{path}: no name for a module"


def machine_paths(path: str, text: str) -> Iterator[str]:
    """Paths that exist on one machine only."""
    for number, line in enumerate(text.splitlines(), 1):
        for banned in MACHINE_PATHS:
            if banned in line:
                yield f"{path}:{number}: {banned}"


def left_over_notes(path: str, text: str) -> Iterator[str]:
    """Notes to oneself: do it, or write an issue."""
    for number, line in enumerate(text.splitlines(), 1):
        if LEFT_OVER.search(line):
            yield f"{path}:{number}: {line.strip()}"


def swallowed_errors(path: str, text: str) -> Iterator[str]:
    """``except`` clauses that do nothing."""
    for node in _nodes(path, text):
        if isinstance(node, ast.ExceptHandler) and all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        ):
            yield f"{path}:{node.lineno}: an error is swallowed"


def clock_and_dice(path: str, text: str) -> Iterator[str]:
    """Ambient time and randomness in the layers that must not have them."""
    if not path.startswith(tuple(f"src/undertow/{layer}/" for layer in WITHOUT_CLOCK)):
        return
    nodes = list(_nodes(path, text))
    names = _imported(nodes)
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if CLOCK_AND_DICE.fullmatch(f"{node.module}.{alias.name}"):
                    yield f"{path}:{node.lineno}: {node.module}.{alias.name}"
        elif isinstance(node, ast.Attribute):
            dotted = _dotted(node, names)
            if dotted and CLOCK_AND_DICE.fullmatch(dotted):
                yield f"{path}:{node.lineno}: {dotted}"
        elif isinstance(node, ast.Call) and _throws_unseeded(node, names):
            yield f"{path}:{node.lineno}: {ast.unparse(node.func)} without a seed"


def _throws_unseeded(call: ast.Call, names: dict[str, str]) -> bool:
    dotted = _dotted(call.func, names)
    if dotted and SEEDED.fullmatch(dotted):
        given = [*call.args, *(word.value for word in call.keywords)]
        return not given or all(
            isinstance(value, ast.Constant) and value.value is None for value in given
        )
    is_shuffle = isinstance(call.func, ast.Attribute) and call.func.attr in SHUFFLES
    # A generator's own shuffle takes its seed from the generator.
    of_generator = is_shuffle and "rng" in ast.unparse(call.func).lower()
    return is_shuffle and not of_generator and "seed" not in [word.arg for word in call.keywords]


def _nodes(path: str, text: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(text)) if path.endswith(".py") else iter(())


def _imported(nodes: list[ast.AST]) -> dict[str, str]:
    """Local name to dotted name: ``np`` to ``numpy``, ``now`` to ``time.time``."""
    names = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """``np.random.rand`` as ``numpy.random.rand``; None for what was not imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return None if base is None else f"{base}.{node.attr}"
    return None


RULES = (
    too_long_file,
    too_wide_lines,
    too_long_functions,
    vague_names,
    machine_paths,
    left_over_notes,
    swallowed_errors,
    clock_and_dice,
)
