"""Compiled kernels are kept between processes, and never used after a source has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import undertow
from undertow.kernels.compile import kernel

PROGRAM = """
import numba
from undertow.kernels import compile as kernels, integers
print(integers.mul_div_floor(7, 8, 3)[0], kernels.CACHE, numba.config.CACHE_DIR)
hits = sum(integers.mul_div_floor.entry.stats.cache_hits.values())
print("hits", hits)
"""


def run(folder: Path, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
             "HOME": str(folder), "XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": "",
             "UNDERTOW_CACHE": "", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def copied(tmp_path: Path) -> Path:
    """A copy of the vocabulary and the kernels, to change."""
    source, target = Path(undertow.__file__).parent, tmp_path / "package" / "undertow"
    for name in ("kernels", "model"):
        shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("*.pyc"))
    (target / "__init__.py").touch()
    return target.parent


def test_a_changed_callee_changes_the_caller(tmp_path: Path) -> None:
    package, cache = copied(tmp_path), str(tmp_path / "cache")
    first = run(package, UNDERTOW_CACHE=cache)
    assert first[0] == "18"
    assert first[-1] == "0"
    assert run(package, UNDERTOW_CACHE=cache)[-1] == "1"
    # Not the file of the function that is called, and its own time stamp stays.
    path = package / "undertow" / "model" / "codes.py"
    path.write_text(path.read_text() + "\nNEW = 1\n")
    changed = run(package, UNDERTOW_CACHE=cache)
    assert changed[1] != first[1]
    assert changed[-1] == "0"


def test_the_users_own_cache_setting_is_kept_and_the_package_is_not_written_to(
    tmp_path: Path,
) -> None:
    package, own = copied(tmp_path), tmp_path / "own"
    before = sorted(package.rglob("*"))
    _, cache, setting, *_ = run(package, NUMBA_CACHE_DIR=str(own))
    assert Path(cache).parent == own
    assert setting == str(own)
    assert sorted(package.rglob("*")) == before


def test_without_a_place_to_write_it_still_runs(tmp_path: Path) -> None:
    package = copied(tmp_path)
    (tmp_path / "file").touch()
    answer, cache, *_ = run(package, UNDERTOW_CACHE=str(tmp_path / "file" / "below"))
    assert (answer, cache) == ("18", "None")


def test_code_that_nobody_used_for_a_month_is_removed(tmp_path: Path) -> None:
    package, cache = copied(tmp_path), tmp_path / "cache"
    for name, days in (("kernels-old", 31), ("kernels-recent", 29), ("tapes", 400)):
        (cache / name).mkdir(parents=True)
        then_s = time.time() - days * 24 * 3600
        os.utime(cache / name, (then_s, then_s))
    used = Path(run(package, UNDERTOW_CACHE=str(cache))[1])
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        ["kernels-recent", "tapes", used.name]
    )


@kernel
def first_and_sum(values: Any, factor: Any) -> Any:
    """What depends on how numbers lie in memory."""
    total = values[0] * factor
    for index in range(1, values.shape[0]):
        total += values[index] * factor
    return values[0], total


def test_each_kind_of_argument_gets_its_own_code_and_keeps_it() -> None:
    whole, halves = np.arange(1, 7), np.arange(1, 7) / 2
    for _ in range(2):  # compiled, then found
        assert first_and_sum(whole, 2) == (1, 42)
        assert first_and_sum(whole[::2], 2) == (1, 18)
        assert first_and_sum(whole.astype(np.int32), 2) == (1, 42)
        assert first_and_sum(halves, 2) == (0.5, 21.0)
        assert first_and_sum(halves, 0.5) == (0.5, 5.25)
        assert first_and_sum(whole, np.int64(3)) == (1, 63)
