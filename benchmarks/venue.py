"""Messages per second through the whole venue: margin checks, positions, fees, events written.

``python -m benchmarks.venue [--peers FOLDER] [--peer-python PATH ...]``; the folder is that of
`benchmarks.book`, with the yardsticks' messages and their book in Numba with and without margin.
A path is a Python in which hftbacktest, nautilus_trader or ABIDES' markets are installed; the first
one that has a package runs it. Without the folder the messages are our own.

10,000 accounts with money trade one linear contract with the tiers of BTCUSDT. No mark falls: the
fills are those of the book alone, which is checked. Rows take turns; each is the fastest of its
runs, which others on the machine disturbed least; the first, where others compile, is told apart.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import book as book_alone
from undertow.kernels import book as kernel_book
from undertow.kernels.book_arrays import new_book
from undertow.kernels.exchange import action, is_roomy, process, with_room
from undertow.kernels.exchange_arrays import COMMAND, EVENT, Exchange, new_exchange
from undertow.kernels.invariants import checked
from undertow.model import codes
from undertow.model.contracts import Contract, Rules, Tier

ACCOUNTS = 10_000
CAPACITY = 8192
ROOM = 1 << 14
RUNS = 5
ABIDES_MESSAGES = 50_000
NAUTILUS_ROWS = 200_000  # what is fed is made of objects, which take long to make
MARK_EVERY = 1000
FIRST_MARK = 32_768
CASH = 10**6  # cash units
# Of BTCUSDT: floor in cash, millionths of maintenance, cash deducted, leverage. Binance's own of
# 24 October 2024, see venues/rules/tiers.
TIERS = (
    (0, 4_000, 0, 125), (50_000, 5_000, 50, 100), (600_000, 6_500, 950, 75),
    (3_000_000, 10_000, 11_450, 50), (12_000_000, 20_000, 131_450, 25),
)  # fmt: skip
CONTRACT = Contract(
    units=1_000, max_price_ticks=10**6, maker_fee_ppm=200, taker_fee_ppm=500,
    tiers=tuple(Tier(floor * CASH, rate, cut * CASH, most) for floor, rate, cut, most in TIERS),
)  # fmt: skip
MARGIN_END = "# warm-up (JIT)"  # of the yardsticks' file: what follows is their timing
FEED = np.dtype([(name, np.int64) for name in
                 ("what", "side", "time", "price", "lots", "leaves", "id", "account")])  # fmt: skip
ADD, LESSEN, LEAVE, CANCELLED = 0, 1, 2, 3  # of `other_venues`


@dataclass
class Row:
    """One way to take messages, and the goal of the whole venue against it."""

    name: str
    messages: int = 0
    run_s: Callable[[], float] | None = None
    goal: float = 0
    seconds: list[float] = field(default_factory=list)

    def rate(self) -> float | None:
        """Messages per second; the first run warms up."""
        runs = self.seconds[1:]
        return self.messages / min(runs) if runs else None


def nobody(winners: Any, lots: int) -> Any:
    """Takes nothing from winners: nobody goes bankrupt here."""
    return np.zeros(len(winners), np.int64)


def as_orders(messages: Any) -> Any:
    """Messages to the book as commands to the venue, whose first accounts are its own."""
    rows = np.zeros(len(messages), COMMAND)
    for name in messages.dtype.names:
        if name in (COMMAND.names or ()):
            rows[name] = messages[name]
    rows["account"] += codes.FIRST_CUSTOMER
    return rows


def with_marks(orders: Any, events: Any) -> Any:
    """The same with the last price as a mark after every thousand orders."""
    fills = events[events["kind"] == codes.FILL]
    places = np.arange(MARK_EVERY, len(orders), MARK_EVERY)
    last = np.searchsorted(fills["command"], places) - 1
    marks = np.zeros(len(places), COMMAND)
    marks["kind"] = codes.MARK
    marks["price_ticks"] = np.where(last < 0, FIRST_MARK, fills["price_ticks"][np.maximum(last, 0)])
    return np.insert(orders, places, marks)


def opened() -> Exchange:
    """A venue whose customers have money."""
    venue = new_exchange(
        [CONTRACT], Rules(default_leverage=20), ACCOUNTS + codes.FIRST_CUSTOMER, CAPACITY
    )
    commands = np.zeros(ACCOUNTS + 1, COMMAND)
    commands["kind"], commands["amount"] = codes.DEPOSIT, 1_000_000 * CASH
    commands["account"] = np.arange(ACCOUNTS + 1) + codes.FIRST_CUSTOMER - 1
    commands[0] = np.zeros(1, COMMAND)[0]
    commands[0]["kind"], commands[0]["price_ticks"] = codes.MARK, FIRST_MARK
    venue, events = process(venue, commands, nobody)
    assert not np.any(events["kind"] == codes.REJECTED)
    return venue


def venue_run_s(commands: Any) -> float:
    """Seconds for all messages: events are written, checked, and written over."""
    venue = opened()._replace(events=np.ones(ROOM, EVENT))
    kinds, done = commands["kind"].tolist(), 0
    start_s = time.thread_time()
    state: Any = venue.state[0]
    while done < len(commands):
        before = done, int(state["phase"])
        state["events_needed"] = 0
        done = action(kinds[done], before[1])(venue, commands, done)
        if before != (done, int(state["phase"])):
            continue
        if not is_roomy(venue):
            venue = with_room(venue)
            continue
        checked(venue)
        state["events"] = 0
        if state["events_needed"] > len(venue.events):
            venue = venue._replace(events=np.ones(2 * int(state["events_needed"]), EVENT))
    return time.thread_time() - start_s


def kept_run_s(commands: Any) -> float:
    """Seconds for all messages, with all events kept."""
    venue = opened()
    start_s = time.thread_time()
    process(venue, commands, nobody)
    return time.thread_time() - start_s


def fills_of(events: Any) -> Any:
    """Maker, taker, price and lots of each fill in their order."""
    fills = events[events["kind"] == codes.FILL]
    return np.stack([fills[name] for name in
                     ("maker_id", "order_id", "price_ticks", "quantity_lots")], 1)  # fmt: skip


def assert_same_fills(messages: Any, orders: Any) -> tuple[Any, Any]:
    """The venue fills what the book alone fills; returns the events of both."""
    _, alone = kernel_book.process(new_book(ACCOUNTS, CAPACITY), messages)
    _, whole = process(opened(), orders, nobody)
    refused = [np.sum(events["kind"] == codes.REJECTED) for events in (alone, whole)]
    assert refused[0] == refused[1]  # cancellations that came too late
    assert np.array_equal(fills_of(alone), fills_of(whole))
    return alone, whole


def order_feed(events: Any) -> Any:
    """What the book's events mean for those who only watch its orders: a feed of single orders."""
    fills = events[events["kind"] == codes.FILL]
    rows = np.zeros(len(events), FEED)
    for ours, theirs in (
        ("side", "side"), ("time", "command"), ("price", "price_ticks"), ("lots", "quantity_lots"),
        ("id", "order_id"),
    ):  # fmt: skip
        rows[ours] = events[theirs]
    is_fill = events["kind"] == codes.FILL
    rows["what"] = np.where(events["kind"] == codes.CANCELLED, CANCELLED, ADD)
    rows["what"][is_fill] = np.where(fills["maker_leaves_lots"] > 0, LESSEN, LEAVE)
    rows["side"][is_fill] ^= 1
    rows["id"][is_fill], rows["leaves"][is_fill] = fills["maker_id"], fills["maker_leaves_lots"]
    # An order enters with what it did not take, after what it took.
    taken = np.zeros(int(events["command"].max()) + 1, np.int64)
    np.add.at(taken, fills["command"], fills["quantity_lots"])
    is_new = events["kind"] == codes.ACCEPTED
    rows["lots"][is_new] -= taken[events["command"][is_new]]
    rests = (events["price_ticks"] > 0) & (rows["lots"] > 0)
    entered = np.isin(rows["id"], rows["id"][is_new & rests])
    gone = np.zeros(len(taken), bool)  # what a taker could not get never rested
    ended = events["kind"] == codes.CANCELLED
    gone[events["command"][ended & (events["reason"] != codes.BY_REQUEST)]] = True
    keep = np.where(is_new, rests & ~gone[events["command"]], entered)
    keep &= ~(ended & gone[events["command"]]) & (events["kind"] != codes.REJECTED)
    order = np.argsort(2 * events["command"].astype(np.int64) + is_new, kind="stable")
    return rows[order][keep[order]]


def plain_messages(messages: Any) -> Any:
    """Messages for a book that knows limit orders, market orders and cancellations only."""
    rows = np.zeros(len(messages), FEED)
    kind = messages["kind"]
    takes = (kind == codes.MARKET) | (messages["time_in_force"] == codes.IOC)
    rows["what"] = np.where(kind == codes.CANCEL, CANCELLED, np.where(takes, LEAVE, ADD))
    for ours, theirs in (
        ("side", "side"), ("price", "price_ticks"), ("lots", "quantity_lots"), ("id", "order_id"),
        ("account", "account"),
    ):  # fmt: skip
        rows[ours] = messages[theirs]
    # There, an order to be cancelled is looked for at its price.
    ids = np.argsort(rows["id"][kind != codes.CANCEL], kind="stable")
    entered = rows[kind != codes.CANCEL][ids]
    cancels = np.flatnonzero(kind == codes.CANCEL)
    found = entered[np.searchsorted(entered["id"], rows["id"][cancels])]
    for name in ("side", "price", "lots"):
        rows[name][cancels] = found[name]
    return rows


class Other:
    """A program of other people, in a process of its own; see `other_venues`."""

    def __init__(self, name: str, package: str, pythons: list[Path], work: Any, folder: Path):
        self.process: subprocess.Popen[str] | None = None
        self.said: list[float] = []
        here = Path(__file__).with_name("other_venues.py")
        for python in pythons:
            asked = subprocess.run([python, "-c", f"import {package}"], capture_output=True)
            if asked.returncode == 0:
                np.save(folder / f"{name}.npy", work)
                self.process = subprocess.Popen(
                    [python, here, name, folder / f"{name}.npy"], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                )  # fmt: skip
                return

    def run_s(self) -> float:
        """Seconds of one run; what else it says is kept."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("again", file=self.process.stdin, flush=True)
        self.said = [float(word) for word in self.process.stdout.readline().split()]
        return self.said[0]

    def row(self, name: str, messages: int, goal: float) -> Row:
        """Its row, which is empty where it is not installed."""
        return Row(name, messages, self.run_s if self.process is not None else None, goal)


def margin_yardstick(peer: dict[str, Any], folder: Path) -> Callable[[], float]:
    """The plain Numba book with margin, defined after the plain one in the same file."""
    text = (folder / "reference_book.py").read_text()
    rest = text.partition(book_alone.PEER_END)[2].partition(MARGIN_END)[0]
    exec(book_alone.PEER_END + rest, peer)
    return lambda: float(peer["t_margin"]()[0])


def print_rows(rows: list[Row], title: str) -> None:
    """One table; ratios are those of the whole venue to each row."""
    base = rows[0].rate()
    assert base is not None
    table = Table("what", "messages", "first run", "messages/s", "venue / it", "goal", title=title)
    for row in rows:
        rate = row.rate()
        if rate is None:
            table.add_row(row.name, "", "", "not available", "", goal_text(row.goal, None))
            continue
        ratio = base / rate
        table.add_row(
            row.name, f"{row.messages:,}", f"{row.seconds[0]:.3f} s", f"{rate:,.0f}",
            f"{ratio:.3g}", goal_text(row.goal, ratio),
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def goal_text(goal: float, ratio: float | None) -> str:
    """A goal, and whether it is met."""
    if not goal:
        return ""
    if ratio is None:
        return f">= {goal:g}"
    return f">= {goal:g}: {'met' if ratio >= goal else 'NOT met'}"


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.venue", description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="the yardsticks")
    parser.add_argument("--peer-python", type=Path, action="append", default=[])
    parser.add_argument("--messages", type=int, default=book_alone.MESSAGES)
    parser.add_argument("--repeats", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    peer = book_alone.peers_in(options.peers)
    if peer is None:
        messages = book_alone.make_messages(options.messages, book_alone.SEED, crash=False)
    else:
        messages = book_alone.peer_commands(peer["msg"])
    orders = as_orders(messages)
    start_s = time.perf_counter()
    alone, whole = assert_same_fills(messages, orders)
    first_s = time.perf_counter() - start_s
    marked = with_marks(orders, whole)
    count = len(messages)
    few = messages[:ABIDES_MESSAGES]
    rows = [
        Row("whole venue", count, lambda: venue_run_s(orders)),
        Row("whole venue, a mark per 1,000", len(marked), lambda: venue_run_s(marked)),
        Row("whole venue, all events kept", count, lambda: kept_run_s(orders)),
        Row("our book alone", count, lambda: book_alone.kernel_run_s(messages)),
    ]
    plain, margin = Row("plain Numba book"), Row("plain Numba book with margin")
    if peer is not None:
        plain = Row(plain.name, count, lambda: float(book_alone.peer_run(peer)[0]))
        margin = Row(margin.name, count, margin_yardstick(peer, options.peers))
    with tempfile.TemporaryDirectory() as name:
        folder, pythons = Path(name), [*options.peer_python, Path(sys.executable)]
        feed = order_feed(alone)
        others = [
            Other(f"hftbacktest-{kind}", "hftbacktest", pythons, feed, folder)
            for kind in ("hash", "vector")
        ]
        nautilus = Other("nautilus", "nautilus_trader", pythons, feed[:NAUTILUS_ROWS], folder)
        abides = Other("abides", "abides_markets", pythons, plain_messages(few), folder)
        rows += [
            plain, margin, others[0].row("hftbacktest L3, replay, hash map", count, 10),
            others[1].row("hftbacktest L3, replay, vector", count, 10),
            nautilus.row("nautilus_trader's L3 book, no matching", len(feed[:NAUTILUS_ROWS]), 0),
            abides.row("ABIDES' book", len(few), 100),
        ]  # fmt: skip
        for _ in range(options.repeats + 1):
            for row in rows:
                if row.run_s is not None:
                    row.seconds.append(row.run_s())
        if abides.said:
            fills = fills_of(alone[alone["command"] < len(few)])
            assert abides.said[1:] == [len(fills), fills[:, 3].sum()], abides.said
        print_rows(rows, f"{np.sum(whole['kind'] == codes.FILL):,} equal fills; "
                         f"first call {first_s:.1f} s, compiled or from the cache")  # fmt: skip


if __name__ == "__main__":
    main()
