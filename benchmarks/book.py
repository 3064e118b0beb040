"""Messages per second through the order book alone: kernel, specification and yardsticks.

``python -m benchmarks.book [--peers FOLDER]``; the folder holds the yardsticks, a plain book in C
and the same in Numba: ``book.c``, ``reference_book.py``, and their messages, ``workload.npz`` and
``workload.bin``. Without it our own messages are made: 55 % limit orders at a geometric distance
from the touch, 40 % cancellations, 5 % market orders. A crash is measured beside it, in which the
price falls by 40 % through a book that is wide and thin.

Each message of ours also checks its order for a dozen faults, looks its id up, keeps the list of
its account and writes an event of 64 bytes for each thing that happens; the yardsticks match and
write fills. Rows take turns; each is the fastest of its runs, which others on the machine
disturbed least.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from undertow.kernels import book as kernel_book
from undertow.kernels import book_view
from undertow.kernels.book_arrays import COMMAND, EVENT, grown, new_book, new_records
from undertow.kernels.book_orders import best_price
from undertow.model import codes
from undertow.reference import book as reference_book

MESSAGES = 1_000_000
REFERENCE_MESSAGES = 3_000
ACCOUNTS = 10_000
CAPACITY = 8192
ROOM = 8192
RUNS = 7
CHUNK = 1000
SEED = 7
PEER_FILES = ("workload.npz", "workload.bin", "reference_book.py", "book.c")
PEER_END = "@nb.njit(inline='always')"  # what follows is their book with margin, and their timing


@dataclass
class Row:
    """One book on one set of messages."""

    name: str
    messages: int = 0
    run_s: Callable[[], float] | None = None
    seconds: list[float] = field(default_factory=list)

    def rate(self) -> float | None:
        """Messages per second."""
        return self.messages / min(self.seconds) if self.seconds else None


def make_messages(count: int, seed: int, *, crash: bool) -> np.ndarray:
    """Commands made against the book itself, a thousand at a time."""
    dice = np.random.default_rng(seed)
    book = new_book(ACCOUNTS, CAPACITY)
    chance, middle = (0.0004, 1_000_000) if crash else (0.15, 32_768)
    chunks = []
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        if crash:
            middle = int(1_000_000 * (1 - 0.4 * start / count))
        bid = best_price(book, codes.BUY) or middle - 1
        ask = best_price(book, codes.SELL) or middle + 1
        rows = np.zeros(size, COMMAND)
        dies = dice.random(size)
        side = dice.integers(0, 2, size)
        distance = dice.geometric(chance, size)
        price = np.where(side == codes.BUY, ask - distance, bid + distance)
        rows["order_id"] = np.arange(start + 1, start + size + 1)
        rows["kind"], rows["side"] = codes.LIMIT, side
        rows["price_ticks"] = np.maximum(price, 1)
        rows["quantity_lots"] = dice.integers(1, 101, size)
        rows["account"] = dice.integers(0, ACCOUNTS, size)
        resting = np.concatenate([book_view.resting(book, side) for side in (0, 1)])
        if len(resting) > 2 * CHUNK:
            market = dies >= 0.95
            rows["kind"][market] = codes.MARKET
            rows["quantity_lots"][market] = dice.integers(1, 301, market.sum())
            if crash:
                rows["side"][market] = dice.random(market.sum()) < 0.8  # 1 is a sale
            cancels = np.flatnonzero((dies >= 0.55) & (dies < 0.95))
            chosen = dice.choice(len(resting), len(cancels), replace=False)
            rows["kind"][cancels] = codes.CANCEL
            for name in ("order_id", "account"):
                rows[name][cancels] = resting[name][chosen]
        book, _ = kernel_book.process(book, rows)
        chunks.append(rows)
    return np.concatenate(chunks)


def kernel_run_s(commands: np.ndarray) -> float:
    """Seconds of processor time for all messages, the growth of the book included."""
    book, events = new_book(ACCOUNTS, CAPACITY), new_records(ROOM, EVENT)
    events["kind"] = 0  # touched before the clock starts
    start_s = time.thread_time()
    done = 0
    while done < len(commands):
        _, consumed = kernel_book.apply(book, commands[done:], events)
        done += consumed
        if consumed > 0:
            continue
        if not kernel_book.has_room(book):
            book = grown(book)
        else:
            events = new_records(2 * int(book.state[0]["events_needed"]), EVENT)
    return time.thread_time() - start_s


def reference_run_s(commands: np.ndarray) -> float:
    """Seconds for the specification; it grows slower with the number of open orders."""
    names = reference_book.Command._fields
    columns = zip(*[commands[name].tolist() for name in names], strict=True)
    given = [reference_book.Command(*values) for values in columns]
    book = reference_book.Book(ACCOUNTS)
    start_s = time.thread_time()
    for command in given:
        book.apply(command)
    return time.thread_time() - start_s


def peers_in(folder: Path | None) -> dict[str, Any] | None:
    """The yardsticks' own functions and messages; None if something is missing."""
    if folder is None or not all((folder / name).is_file() for name in PEER_FILES):
        return None
    if shutil.which("gcc") is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        for file in PEER_FILES:
            (Path(name) / file).symlink_to((folder / file).absolute())
        subprocess.run(
            ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", "libbook.so", "book.c"],
            cwd=name, check=True,
        )  # fmt: skip
        found: dict[str, Any] = {}
        with chdir(name):
            exec((folder / "reference_book.py").read_text().partition(PEER_END)[0], found)
    return found


def peer_commands(messages: np.ndarray) -> np.ndarray:
    """Their messages as our commands; 0 is an order, 1 a cancellation, 2 marketable."""
    rows = np.zeros(len(messages), COMMAND)
    rows["kind"] = np.array([codes.LIMIT, codes.CANCEL, codes.LIMIT])[messages["typ"]]
    rows["time_in_force"] = np.where(messages["typ"] == 2, codes.IOC, codes.GTC)
    rows["order_id"] = messages["oid"] + 1
    for ours, theirs in (
        ("side", "side"), ("account", "acct"), ("price_ticks", "price"), ("quantity_lots", "qty"),
    ):  # fmt: skip
        rows[ours] = messages[theirs]
    return rows


def peer_run(peer: dict[str, Any]) -> tuple[float, np.ndarray]:
    """Seconds of the plain Numba book on its messages, and its fills."""
    messages = peer["msg"]
    orders = np.ones((len(messages), 4), np.int32)
    orders[:] = 0  # touched before the clock starts
    heads, tails = (np.full((2, peer["NLEV"]), -1, np.int32) for _ in range(2))
    rows = messages.view(np.int32).reshape(len(messages), 6)
    start_s = time.thread_time()
    count = peer["nb_aos"](rows, orders, heads, tails, peer["fills"])[0]
    return time.thread_time() - start_s, peer["fills"][:count]


def assert_same_fills(commands: np.ndarray, peer: dict[str, Any]) -> int:
    """Maker, taker, price and lots of each fill in their order; returns how many."""
    _, events = kernel_book.process(new_book(ACCOUNTS, CAPACITY), commands)
    fills = events[events["kind"] == codes.FILL]
    ours = [fills["maker_id"] - 1, fills["order_id"] - 1, fills["price_ticks"]]
    assert np.array_equal(np.stack([*ours, fills["quantity_lots"]], 1), peer_run(peer)[1])
    return len(fills)


def print_rows(rows: list[Row], peer_name: str, title: str) -> None:
    """One table; the ratio is to the plain Numba book on the same messages."""
    base = next((row for row in rows if row.name == peer_name), None)
    rate_of_base = base.rate() if base is not None else None
    table = Table("book", "messages", "seconds", "messages/s", "x plain Numba", title=title)
    for row in rows:
        rate = row.rate()
        if rate is None:
            table.add_row(row.name, "", "", "not available", "")
            continue
        same = rate_of_base is not None and "W1" in row.name
        ratio = f"{rate / rate_of_base:.2f}" if same and rate_of_base else ""
        seconds = f"{row.messages / rate:.4f}"
        table.add_row(row.name, f"{row.messages:,}", seconds, f"{rate:,.0f}", ratio)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--repeats", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    start_s = time.perf_counter()
    kernel_run_s(np.zeros(1, COMMAND))
    first_s = time.perf_counter() - start_s
    count = options.messages
    narrow = make_messages(count, SEED, crash=False)
    crash = make_messages(count, SEED, crash=True)
    few = narrow[:REFERENCE_MESSAGES]
    numba_name, c_name = "W1, plain Numba", "W1, plain C"
    rows = [
        Row("own, undertow kernel", count, lambda: kernel_run_s(narrow)),
        Row("own crash, undertow kernel", count, lambda: kernel_run_s(crash)),
        Row("own, undertow specification", len(few), lambda: reference_run_s(few)),
    ]
    peer = peers_in(options.peers)
    fills = "not compared"
    if peer is None:
        rows += [Row(numba_name), Row(c_name)]
    else:
        w1 = peer_commands(peer["msg"])
        fills = f"{assert_same_fills(w1, peer):,} equal"
        rows += [
            Row("W1, undertow kernel", len(w1), lambda: kernel_run_s(w1)),
            Row(numba_name, len(w1), lambda: peer_run(peer)[0]),
            Row(c_name, len(w1), peer["c_plain"]),
        ]
    for _ in range(options.repeats):
        for row in rows:
            if row.run_s is not None:
                row.seconds.append(row.run_s())
    title = f"first call {first_s:.2f} s (compiled, or from the cache); fills of W1: {fills}"
    print_rows(rows, numba_name, title)


if __name__ == "__main__":
    main()
