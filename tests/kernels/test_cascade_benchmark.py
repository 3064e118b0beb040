"""The benchmark of the waterfall runs, checks itself, and says what it could not measure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_the_cascade_benchmark_runs_without_its_peers() -> None:
    # It refuses answers that differ from the specification's.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cascade", "--positions", "500", "--scenarios", "400",
         "--repeats", "1"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"own, undertow kernel +│ 400 +│ 0\.\d+ +│ [1-9][\d,]+ ", done.stdout)
    assert re.search(r"plain Numba, binary search .*not available", done.stdout)
