"""The benchmarks of the venue run, small, and check what they compare; full size is in the README.

They refuse fills that differ from the book's, positions that were not opened, and liquidations
that the margins themselves do not ask for.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(*arguments: str) -> str:
    """What a benchmark prints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_venue_fills_what_the_book_alone_fills() -> None:
    said = printed("benchmarks.venue", "--messages", "6000", "--repeats", "1")
    fills = re.search(r"([\d,]+) equal fills", said)
    assert fills is not None
    assert int(fills[1].replace(",", "")) > 100
    for row in ("whole venue", "whole venue, a mark per 1,000", "our book alone"):
        assert re.search(rf"│ {row} +│ 6,0\d\d +│ [\d.]+ s +│ [1-9][\d,]+ ", said), said
    assert re.search(r"plain Numba book with margin .*not available", said)


def test_a_crash_liquidates_whom_it_must() -> None:
    said = printed("benchmarks.liquidation", "--least", "100", "--most", "1000")
    # 294 of 1,000: of the same sizes and leverages, those that lrvx liquidates too.
    assert re.search(r"│ 1,000 +│ .* ms +│ 294 +│", said), said
    assert re.search(r"1,000 / 100 positions: [\d.]+ \(goal <= 3", said)
