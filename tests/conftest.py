"""What all tests share: quiet Hypothesis, and the command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from making import Undertow

# The same examples on every machine and on every run; no limit on the time of a single one.
settings.register_profile("undertow", deadline=None, derandomize=True, database=None)
settings.load_profile("undertow")


@pytest.fixture
def undertow(tmp_path: Path) -> Undertow:
    """``undertow("sql", tape, …)`` runs the real command in a process of its own."""

    def run(*arguments: object, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "undertow.cli", *[str(argument) for argument in arguments]],
            cwd=cwd,
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
