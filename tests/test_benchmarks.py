"""The benchmarks run, small; what they measure at full size is in benchmarks/README.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_our_measures_answer_as_polars_and_duckdb_do() -> None:
    # The benchmark itself refuses answers that differ.
    printed = run("benchmarks.analytics", "--rows", "50000", "--repeats", "1")
    for place in ("memory", "disk"):
        for engine in ("undertow", "polars", "duckdb"):
            assert len(re.findall(rf"│ {place} .*│ {engine} ", printed)) == 3
    assert "50,000 liquidations, 1 thread" in printed


def test_an_hour_of_a_tape_touches_little_of_it(tmp_path: Path) -> None:
    printed = run("benchmarks.slice", "--megabytes", "20", "--folder", str(tmp_path))
    if "not measured" in printed:
        pytest.skip("the file system keeps its pages in memory")
    shares = re.findall(r"(in cache|read from disk)[^│]*│[^│]*│ *([0-9.]+)%", printed)
    # 35 parts of half a megabyte: one of them, and both ends of the others.
    assert [float(share) < 20 for _, share in shares] == [True] * 3, printed


def test_the_benchmarks_are_found_by_name() -> None:
    assert "analytics" in run("benchmarks", "--help")


def test_a_simulated_day_is_timed_and_put_beside_those_who_are_there() -> None:
    printed = run("benchmarks.world", "--accounts", "600", "--steps", "180", "--agents", "600")
    assert re.search(r"│ 600 +│ [\d.]+ s +│ [\d.]+ ms", printed), printed
    assert re.search(r"│ ours +│ 600 +│ 2 minutes, 6 venues \+ spot │ [1-9][\d,]+ ", printed), (
        printed
    )
    for peer in ("ABIDES", "PAMS"):
        assert re.search(rf"│ {peer} +│ 600 +│ not available", printed), printed


def test_the_first_call_of_a_process_is_timed_by_its_parts() -> None:
    printed = run("benchmarks.start", "--runs", "1")
    assert re.search(r"│ our imports +│ [\d.]+ +│", printed), printed
    assert re.search(r"first call, median: [\d.]+ s", printed), printed
