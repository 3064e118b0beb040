"""Agents of a user's own: Python files that register them, named by a scenario."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from undertow.errors import UndertowError


def load_agents(files: Sequence[str]) -> None:
    """Run the files, so that the agents that they register are found by name.

    A file that did not change is run once per process. It is Python and may do anything.

    Parameters
    ----------
    files
        Paths, from the folder that the command was started in.

    Raises
    ------
    UndertowError
        For a file that is not there, or that raises; with the line.
    """
    for file in files:
        _load(Path(file))


def _load(path: Path) -> None:
    if not path.is_file():
        raise UndertowError(
            f"agents_from: no file '{path}' (looked for from {Path.cwd()}); expected a Python file"
            " that registers agents"
        )
    # A name of its own for each content: agents are kept in checkpoints by it.
    digest = sha256(path.read_bytes()).hexdigest()[:16]
    name = f"undertow_agents_{digest}"
    if name in sys.modules:
        return
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UndertowError(f"agents_from: '{path}' is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UndertowError(f"agents_from: {path}{_line(error, path)}: {error!r}") from error


def _line(error: Exception, path: Path) -> str:
    """The last line of the file that an error passed through."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    own = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == path.name
    ]
    return f", line {own[-1]}" if own else ""
