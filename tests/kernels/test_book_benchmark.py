"""The benchmark of the book runs, and says what it could not measure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_the_book_benchmark_runs_without_its_peers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.book", "--messages", "6000", "--repeats", "1"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"own crash, undertow kernel +│ 6,000 +│ 0\.\d+ +│ [1-9][\d,]+ ", done.stdout)
    assert re.search(r"W1, plain C .*not available", done.stdout)
