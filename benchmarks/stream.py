"""Recorded Binance messages: our verified import beside hftbacktest's converter, same file.

``python -m benchmarks.stream --data FOLDER [--peers FOLDER]``; the second folder is an environment
(``FOLDER/bin/python``) or a folder of packages in which hftbacktest is installed. Every row is the
median of three runs after one to warm up, which is where the peer compiles.

The peer decodes, puts times in order and makes one array; it follows neither ``pu`` nor ids, and
leaves ``bookTicker`` and mark prices out unless asked (second row of it).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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
PEER = """
import contextlib, io, json, sys, time
from hftbacktest.data.utils.binancefutures import convert
path, option, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
seconds = []
for _ in range(runs + 1):
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        rows = len(convert(path, opt=option, buffer_size=5_000_000))
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds[1:], "rows": rows}))
"""


@dataclass(frozen=True)
class Row:
    """One way to read the file: median seconds, the messages it looked at, and what it made."""

    name: str
    seconds: float | None
    messages: int = 0
    made: str = "not available"


def median_s(work: Callable[[], object]) -> float:
    """Median seconds of the runs after the first."""
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def ours(path: Path) -> list[Row]:
    """The whole import up to frames, and the verified rebuild of messages decoded before."""
    bad = BadRows(path)
    decoded = [event for _, _, event in messages(read_bytes(path), bad)]
    depth = [event for event in decoded if isinstance(event, Diff | Snapshot)]
    levels = sum(len(event.bids) + len(event.asks) for event in depth)
    reading = binance_ws.read(path, Options())

    def rebuild() -> None:
        book = BookRebuild("BTCUSDT", bad)
        for row, event in enumerate(depth):
            (book.diff if isinstance(event, Diff) else book.snapshot)(row, event)  # type: ignore[operator]

    whole_s = median_s(lambda: binance_ws.read(path, Options()))
    rebuild_s = median_s(rebuild)
    return [
        Row("undertow: decode, verify, frames", whole_s, len(decoded), f"{reading.rows():,} rows"),
        Row(
            "undertow: verified rebuild alone", rebuild_s, len(depth),
            f"{levels / rebuild_s:,.0f} levels/s",
        ),
    ]  # fmt: skip


def peer(path: Path, folder: Path | None, option: str, count: int) -> Row:
    """hftbacktest's converter in a process of its own."""
    name = f"hftbacktest convert({f'opt={option!r}' if option else ''})"
    python, environment = sys.executable, dict(os.environ)
    if folder is not None and (folder / "bin" / "python").exists():
        python = str(folder / "bin" / "python")
    elif folder is not None:
        environment["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        [python, "-c", PEER, str(path), option, str(RUNS)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Row(name, None, made=f"not available ({reason})")
    told = json.loads(done.stdout)
    return Row(name, statistics.median(told["seconds"]), count, f"{told['rows']:,} rows")


def print_rows(rows: list[Row]) -> None:
    """One table; the ratio is of messages a second to those of the first peer."""
    base = next((row for row in rows if row.name.startswith("hftb") and row.seconds), None)
    table = Table("what", "messages", "seconds", "messages/s", "x peer", "made", title=FILE)
    for row in rows:
        if row.seconds is None:
            table.add_row(row.name, "", "", "", "", row.made)
            continue
        rate = row.messages / row.seconds
        is_part = "alone" in row.name  # other messages: no ratio
        ratio = rate * base.seconds / base.messages if base and base.seconds else None
        table.add_row(
            row.name, f"{row.messages:,}", f"{row.seconds:.3f}", f"{rate:,.0f}",
            "" if ratio is None or is_part else f"{ratio:.2f}", row.made,
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args(arguments)
    path = None if options.data is None else options.data / FILE
    if path is None or not path.exists():
        print_rows([Row("undertow", None), Row("hftbacktest", None)])
        return
    rows = ours(path)
    rows += [peer(path, options.peers, option, rows[0].messages) for option in ("", "t")]
    print_rows(rows)


if __name__ == "__main__":
    main()
