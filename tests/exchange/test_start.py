"""A process that trades starts with no more than it needs."""

from __future__ import annotations

import subprocess
import sys

from undertow.kernels import warm_up
from undertow.kernels.compile import CACHE

PROGRAM = """
import sys
from undertow.venues.exchange import Venue
venue = Venue.open("binance-usdm@2025-10-10", "BTCUSDT", accounts=["alice"])
venue.deposit("alice", "1000")
print(sorted({"polars", "rich", "numba.np.arrayobj"} & set(sys.modules)))
print(venue.accounts().height)
"""


def test_what_is_compiled_is_found_again() -> None:
    assert list(warm_up.compiled()) == list(warm_up.STEPS)
    assert warm_up.is_compiled() is (CACHE is not None)


def test_tables_and_compilers_are_not_loaded_before_they_are_needed() -> None:
    list(warm_up.compiled())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )
    loaded, accounts = done.stdout.splitlines()
    assert CACHE is None or loaded == "[]"
    assert accounts == "5"
