"""Recorded Binance messages: our verified import beside hftbacktest's converter, same file.

``python -m benchmarks.stream --data FOLDER [--peers FOLDER]``; the second folder is an environment
(``FOLDER/bin/python``) or a folder of packages in which hftbacktest is installed. The rows take
turns, so that a busy machine is busy for all of them; each is the median of three turns after one
to warm up, which is where the peer compiles.

The peer decodes, puts times in order and makes one array; it follows neither ``pu`` nor ids, and
leaves ``bookTicker`` out unless asked (``opt="t"``).
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from undertow.tape.importers import binance_ws
from undertow.tape.importers.binance_ws_book import BookRebuild
from undertow.tape.importers.binance_ws_messages import Diff, Snapshot, messages
from undertow.tape.importers.content import read_bytes
from undertow.tape.importers.reading import BadRows, Options

FILE = "recorded_feeds/binance_usdm_btcusdt_2024-08-08_l2_ws.gz"
RUNS = 3
REBUILD = "undertow: verified rebuild alone"
# Answers each line of its input with the seconds and rows of one run.
PEER = """
import contextlib, io, sys, time
from hftbacktest.data.utils.binancefutures import convert
for _ in sys.stdin:
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        rows = len(convert(sys.argv[1], opt=sys.argv[2], buffer_size=5_000_000))
    print(time.perf_counter() - start, rows, flush=True)
"""


@dataclass
class Row:
    """One way to read the file: seconds of its runs, messages it looks at, and what it makes."""

    name: str
    run: Callable[[], float | None]
    messages: int = 0
    made: str = "not available"
    seconds: list[float] = field(default_factory=list)

    def take_turn(self) -> None:
        """Run once more."""
        taken_s = self.run()
        if taken_s is not None:
            self.seconds.append(taken_s)

    def rate(self) -> float | None:
        """Messages per second, the first run not counted."""
        runs = self.seconds[1:]
        return self.messages / statistics.median(runs) if runs else None


def timed_s(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(path: Path) -> list[Row]:
    """The whole import up to frames, and the verified rebuild of messages decoded before."""
    bad = BadRows(path)
    decoded = [event for _, _, event in messages(read_bytes(path), bad)]
    depth = [event for event in decoded if isinstance(event, Diff | Snapshot)]
    levels = sum(len(event.bids) + len(event.asks) for event in depth)
    count = f"{binance_ws.read(path, Options()).rows():,} rows"
    gc.freeze()  # what was decoded here must not slow down the rest

    def rebuild() -> None:
        book = BookRebuild("BTCUSDT", bad)
        for row, event in enumerate(depth):
            if isinstance(event, Diff):
                book.diff(row, event)
            else:
                book.snapshot(row, event)

    whole = partial(timed_s, lambda: binance_ws.read(path, Options()))
    return [
        Row("undertow: decode, verify, frames", whole, len(decoded), count),
        Row(REBUILD, partial(timed_s, rebuild), len(depth), f"{levels:,} levels"),
    ]


def peer(path: Path, folder: Path | None, option: str, count: int) -> Row:
    """hftbacktest's converter in a process of its own."""
    python, environment = sys.executable, dict(os.environ)
    if folder is not None and (folder / "bin" / "python").exists():
        python = str(folder / "bin" / "python")
    elif folder is not None:
        environment["PYTHONPATH"] = str(folder)
    process = subprocess.Popen(
        [python, "-c", PEER, str(path), option],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip

    def run() -> float | None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write("again\n")
            process.stdin.flush()
        except BrokenPipeError:
            return None
        seconds, _, rows = process.stdout.readline().partition(" ")
        row.made = f"{int(rows):,} rows" if rows else row.made
        return float(seconds) if seconds else None

    row = Row(f"hftbacktest: convert(opt={option!r})", run, count)
    return row


def print_rows(rows: list[Row]) -> None:
    """One table; the ratio is of messages a second to those of the best peer."""
    peers = [row.rate() or 0.0 for row in rows if row.name.startswith("hftbacktest")]
    base = max(peers, default=0.0)
    table = Table("what", "messages", "seconds", "messages/s", "x peer", "made", title=FILE)
    for row in rows:
        rate = row.rate()
        if rate is None:
            table.add_row(row.name, "", "", "", "", row.made)
            continue
        ratio = f"{rate / base:.2f}" if base and row.name != REBUILD else ""
        seconds = f"{row.messages / rate:.3f}"
        table.add_row(row.name, f"{row.messages:,}", seconds, f"{rate:,.0f}", ratio, row.made)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args(arguments)
    path = None if options.data is None else options.data / FILE
    if path is None or not path.exists():
        print_rows([Row(name, lambda: None) for name in ("undertow", "hftbacktest")])
        return
    rows = ours(path)
    rows += [peer(path, options.peers, option, rows[0].messages) for option in ("", "t")]
    for _ in range(RUNS + 1):
        for row in rows:
            row.take_turn()
    print_rows(rows)


if __name__ == "__main__":
    main()
