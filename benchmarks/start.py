"""Seconds until a venue has taken its first order, in processes of their own, compiled code kept.

``python -m benchmarks.start [--runs N]``; wall time from the first import to the end of the first
order. The first process may compile; it is left out.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

GOAL_S = 1.0
PROGRAM = """
import time
times = [time.perf_counter()]
import numpy
times.append(time.perf_counter())
import numba
times.append(time.perf_counter())
from undertow.venues.exchange import Venue
times.append(time.perf_counter())
venue = Venue.open("binance-usdm@2025-10-10", ["BTCUSDT"], accounts=["alice"])
times.append(time.perf_counter())
venue.deposit("alice", "13000")
venue.mark("BTCUSDT", "122000")
venue.order("alice", "BTCUSDT", "buy", "0.01", "122000")
times.append(time.perf_counter())
print(*(after - before for before, after in zip(times, times[1:])))
"""
PARTS = ("NumPy", "Numba", "our imports", "opening", "deposit, mark, order")


def run_s() -> list[float]:
    """Seconds of each part, of one process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.start", description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="not used")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args(arguments)
    runs = [run_s() for _ in range(options.runs + 1)][1:]
    table = Table("part", "fastest, s", "median, s", title="first call of a new process")
    for part, seconds in zip(PARTS, zip(*runs, strict=True), strict=True):
        table.add_row(part, f"{min(seconds):.2f}", f"{statistics.median(seconds):.2f}")
    whole = [sum(parts) for parts in runs]
    table.add_row("all", f"{min(whole):.2f}", f"{statistics.median(whole):.2f}")
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    verdict = "met" if statistics.median(whole) < GOAL_S else "NOT met"
    print(f"first call, median: {statistics.median(whole):.2f} s (goal < {GOAL_S:g}: {verdict})")


if __name__ == "__main__":
    main()
