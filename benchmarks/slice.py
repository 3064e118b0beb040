"""How much of a large tape an hour of it touches: ``python -m benchmarks.slice``.

A tape of about one gigabyte (``--megabytes``) of trades over 35 days is written, with prices and
quantities that no packing makes smaller. Its pages are dropped from the kernel's cache
(``posix_fadvise``). Then a process of its own opens the tape and reads one hour through
``Tape.slice``. Two numbers tell what that touched:

- *in cache*: bytes of all the tape's files, manifest included, that the kernel holds afterwards
  (``mincore``). Every way of reading leaves its pages there, and so does what the kernel read
  ahead unasked: an upper bound.
- *from disk*: how far ``read_bytes`` of the reader's ``/proc/self/io`` went up between its
  imports and its end.

Linux, and a file system on a disk: on tmpfs nothing can be dropped, and the run says so.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from undertow.tape import Tape

MEGABYTES = 1000
DAYS = 35
HOUR = ("2025-11-04T14:00:00Z", "2025-11-04T15:00:00Z")
START_NS = 1_760_572_800 * 1_000_000_000  # 16 October 2025
DAY_NS = 86_400 * 1_000_000_000
# As written: 8 bytes of price, 8 of quantity, about 4 of time and number, little else.
BYTES_PER_ROW = 20.6
LIMIT = 0.05

_READER = """
import json, sys, time
from undertow.tape import Tape
import polars
def from_disk():
    lines = dict(line.split(": ") for line in open("/proc/self/io"))
    return int(lines["read_bytes"])
before, start = from_disk(), time.perf_counter()
rows = Tape.open(sys.argv[1]).slice(sys.argv[2], sys.argv[3]).trades.collect().height
seconds = time.perf_counter() - start
print(json.dumps({"rows": rows, "seconds": seconds, "from_disk": from_disk() - before}))
"""


@dataclass(frozen=True)
class Touched:
    """What reading a slice touched; sizes in bytes."""

    tape: int
    rows: int
    slice_rows: int
    left_in_cache_before: int
    in_cache: int
    from_disk: int
    seconds: float

    @property
    def share(self) -> float:
        """Bytes in the cache over bytes of the tape."""
        return self.in_cache / self.tape


def write_tape(folder: Path, megabytes: float, seed: int = 20251104) -> Tape:
    """Trades of 35 days at random times, a day at a time."""
    dice = np.random.default_rng(seed)
    rows = max(1, int(megabytes * 1e6 / BYTES_PER_ROW / DAYS))
    with Tape.create(folder, kind="simulated", title="a large tape") as writer:
        for day in range(DAYS):
            writer.append("trades", _day(dice, START_NS + day * DAY_NS, rows, day * rows))
    return Tape.open(folder)


def _day(dice: np.random.Generator, start_ns: int, rows: int, first_id: int) -> pl.DataFrame:
    def words(*names: str) -> pl.Series:
        choices = pl.Series(names, dtype=pl.Categorical())
        return choices.gather(dice.integers(0, len(names), rows))

    ts = start_ns + np.sort(dice.integers(0, DAY_NS, rows))
    return pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(pl.Datetime("ns", "UTC")),
            "venue": words("binance-usdm"),
            "symbol": words("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"),
            "price": dice.lognormal(7.0, 1.0, rows),
            "quantity": dice.exponential(1.0, rows),
            "side": words("buy", "sell"),
            "trade_id": np.arange(first_id, first_id + rows),
        }
    )


def touched_by_an_hour(tape: Tape) -> Touched:
    """Drop the tape from the cache, read an hour in another process, look at the cache."""
    assert tape.folder is not None
    files = [path for path in sorted(tape.folder.rglob("*")) if path.is_file()]
    for path in files:
        _drop_from_cache(path)
    before = sum(_bytes_in_cache(path) for path in files)
    done = subprocess.run(
        [sys.executable, "-c", _READER, str(tape.folder), *HOUR],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    return Touched(
        tape=sum(path.stat().st_size for path in files),
        rows=tape.manifest.rows("trades"),
        slice_rows=told["rows"],
        left_in_cache_before=before,
        in_cache=sum(_bytes_in_cache(path) for path in files),
        from_disk=told["from_disk"],
        seconds=told["seconds"],
    )


def _drop_from_cache(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # only clean pages can be dropped
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _bytes_in_cache(path: Path) -> int:
    """Bytes of a file's pages that the kernel holds; asking does not load them."""
    size = path.stat().st_size
    pages = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY) as view:
        first = ctypes.c_char.from_buffer(view)
        try:
            code = libc.mincore(
                ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), pages
            )
            if code:
                raise OSError(ctypes.get_errno(), "mincore", str(path))
        finally:
            del first  # the mapping cannot be closed while something points into it
    return min(size, mmap.PAGESIZE * sum(page & 1 for page in pages))


def print_result(found: Touched) -> None:
    """One table, and whether the goal is met."""
    table = Table("", "bytes", "of the tape", title=f"An hour of {DAYS} days")
    for label, size in (
        ("tape", found.tape),
        ("in cache before", found.left_in_cache_before),
        ("in cache after reading an hour", found.in_cache),
        ("read from disk", found.from_disk),
    ):
        table.add_row(label, f"{size:,}", f"{size / found.tape:.2%}")
    table.add_row(
        "rows of the hour", f"{found.slice_rows:,}", f"{found.slice_rows / found.rows:.2%}"
    )
    Console(width=90).print(table)
    print(f"opened and read in {found.seconds:.3f} s")
    if found.left_in_cache_before > LIMIT * found.tape:
        print("goal: not measured, this file system keeps its pages (choose a disk with --folder)")
    else:
        verdict = "met" if found.share < LIMIT else "NOT met"
        print(f"goal (under {LIMIT:.0%} of the tape's bytes): {verdict}")


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.slice", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--folder", type=Path, help="where the tape is written; default: temporary")
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="not used")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print_result(touched_by_an_hour(write_tape(Path(folder) / "tape", options.megabytes)))


if __name__ == "__main__":
    main()
