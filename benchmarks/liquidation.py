"""Quiet and crashing ticks against the number of positions, ours beside lrvx (once flox-py).

``python -m benchmarks.liquidation [--most COUNT] [--peer-python PATH ...]``; a path is a Python in
which lrvx is installed. Positions are the same in both: half of them short, sizes log-normal (0.1
coins and 1.5), leverage log-uniform from 2 to 50, maintenance 0.5 %, all opened at one price. Ours
are opened by commands: every account deposits, sets its leverage and trades with one other.

A quiet tick moves the mark by 0.01 % up, then down, and liquidates nobody. It is measured alone,
which is mostly the call from Python, and as one of a thousand in a call. The crash is one mark 10 %
below: no order rests in the book, and the fund, which has plenty, takes over. How many are
liquidated is checked against the margins themselves. lrvx is asked up to 100,000 positions. Of
each crash the fastest of nine is told, of both, and the median of quiet ticks.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.venue import Other, nobody
from undertow.kernels.book_arrays import new_records
from undertow.kernels.exchange import process
from undertow.kernels.exchange_arrays import COMMAND, Exchange, new_exchange
from undertow.model import codes
from undertow.model.contracts import Contract, Rules, Tier

MOST = 1_000_000
MOST_OTHERS = 100_000
MOST_COPIED = 100_000  # larger venues crash once only
RUNS = 9
CHUNK = 100_000
TICKS = 1000
SEED = 0
MAINTENANCE_PPM = 5_000
FIRST_TICKS = 1_000_000  # 100,000 of cash
QUIET_TICKS = 1_000_100
CRASH_TICKS = 900_000
UNITS = 10  # cash units of a tick and a lot, which is 0.0001 coins
COIN_LOTS = 10_000
FUND_UNITS = 10**17  # 10^11 of cash, in lrvx too
OTHER_SIDE = codes.FIRST_CUSTOMER  # who trades with everybody
CONTRACT = Contract(
    units=UNITS, max_price_ticks=10**8, max_lots=2**40, max_position_lots=2**41,
    tiers=(Tier(0, MAINTENANCE_PPM, 0, 125),),
)  # fmt: skip
WORK = np.dtype(
    [("lots", np.int64), ("coins", np.float64), ("price", np.float64), ("margin", np.float64)]
)
QUIET_GOAL, CRASH_GOAL = 3, 100


@dataclass
class Found:
    """What was measured with some number of positions; seconds."""

    count: int
    opened: float
    alone: float
    together: float
    crash: float
    liquidated: int
    other_quiet: float | None = None
    other_crash: float | None = None


def made_positions(count: int) -> tuple[Any, Any, Any]:
    """Signed lots, margin in cash units and leverage, rounded up, of each position."""
    dice = np.random.default_rng(SEED)
    leverage = np.exp(dice.uniform(np.log(2), np.log(50), count))
    coins = 0.1 * dice.lognormal(0, 1.5, count)
    lots = np.maximum(1, np.rint(coins * COIN_LOTS).astype(np.int64))
    margin = np.rint(lots * FIRST_TICKS * UNITS / leverage).astype(np.int64)
    sign = np.where(np.arange(count) % 2, -1, 1)
    return sign * lots, margin, np.ceil(leverage).astype(np.int64)


def commands(count: int, **fields: Any) -> Any:
    """Commands from columns."""
    rows = np.zeros(count, COMMAND)
    for name, values in fields.items():
        rows[name] = values
    return rows


def carried_out(venue: Exchange, rows: Any) -> Exchange:
    """The venue after commands, of which none may be refused."""
    venue, events = process(venue, rows, nobody)
    refused = events[events["kind"] == codes.REJECTED]
    assert len(refused) == 0, refused[:3]
    return venue


def opened(lots: Any, margin: Any, leverage: Any) -> Exchange:
    """A venue in which each account has its position, all by commands."""
    first = OTHER_SIDE + 1
    venue = new_exchange([CONTRACT], Rules(default_leverage=50), first + len(lots))
    venue = carried_out(venue, commands(1, kind=codes.MARK, price_ticks=FIRST_TICKS))
    money = commands(2, kind=codes.DEPOSIT, account=[codes.FUND, OTHER_SIDE], amount=FUND_UNITS)
    venue = carried_out(venue, money)
    for start in range(0, len(lots), CHUNK):
        chosen = slice(start, start + CHUNK)
        size = len(lots[chosen])
        accounts = first + start + np.arange(size)
        numbers = accounts.astype(np.int64) * 2
        whole = [
            commands(size, kind=codes.DEPOSIT, account=accounts, amount=margin[chosen]),
            commands(size, kind=codes.SET_LEVERAGE, account=accounts, amount=leverage[chosen]),
        ]
        for side in (codes.BUY, codes.SELL):
            mine = np.flatnonzero((lots[chosen] > 0) == (side == codes.BUY))
            taken = np.abs(lots[chosen][mine])
            if len(mine) == 0:
                continue
            offer = commands(
                1, kind=codes.LIMIT, side=1 - side, account=OTHER_SIDE, price_ticks=FIRST_TICKS,
                order_id=numbers[0] + 1 + 2 * side, quantity_lots=taken.sum(),
            )  # fmt: skip
            takes = commands(
                len(mine), kind=codes.LIMIT, side=side, account=accounts[mine],
                order_id=numbers[mine] + 2**40, price_ticks=FIRST_TICKS, quantity_lots=taken,
                time_in_force=codes.IOC,
            )  # fmt: skip
            whole += [offer, takes]
        venue = carried_out(venue, np.concatenate(whole))
    held = venue.positions
    assert np.count_nonzero(held["lots"][held["account"] >= first]) == len(lots)
    return venue


def liquidated_at(ticks: int, lots: Any, margin: Any) -> int:
    """How many positions have less margin than maintenance at a mark, counted exactly."""
    equity = margin + lots * UNITS * (ticks - FIRST_TICKS)
    size = np.abs(lots) * UNITS * ticks
    needed = -(-size * MAINTENANCE_PPM // 10**6)
    return int(np.count_nonzero(equity < needed))


def marks(count: int) -> Any:
    """Quiet marks, up and down."""
    up = np.arange(count) % 2 == 0
    return commands(count, kind=codes.MARK, price_ticks=np.where(up, QUIET_TICKS, FIRST_TICKS))


def quiet_s(venue: Exchange) -> tuple[Exchange, float, float]:
    """Seconds of a quiet tick alone and as one of many; whoever just traded is looked at before."""
    rows = marks(TICKS)
    alone, together = [], []
    venue, _ = process(venue, rows[:2], nobody)
    for tick in range(200):
        start_s = time.thread_time()
        venue, events = process(venue, rows[tick : tick + 1], nobody)
        alone.append(time.thread_time() - start_s)
        assert len(events) == 0
    for _ in range(RUNS):
        start_s = time.thread_time()
        venue, events = process(venue, rows, nobody)
        together.append((time.thread_time() - start_s) / TICKS)
        assert len(events) == 0
    return venue, statistics.median(alone), statistics.median(together)


def copied(part: Any) -> Any:
    """A copy of a venue, whose arrays begin with cache lines as those of a new one do."""
    if not isinstance(part, np.ndarray):
        return type(part)(*map(copied, part))
    copy = new_records(part.size, part.dtype).reshape(part.shape)
    copy[:] = part
    return copy


def crash_s(venue: Exchange, expected: int) -> float:
    """Seconds of the crash; the venue is used up."""
    row = commands(1, kind=codes.MARK, price_ticks=CRASH_TICKS)
    start_s = time.thread_time()
    _, events = process(venue, row, nobody)
    seconds = time.thread_time() - start_s
    assert np.count_nonzero(events["kind"] == codes.LIQUIDATION) == expected
    return seconds


def measure(count: int, pythons: list[Path], folder: Path) -> Found:
    """Everything for one number of positions."""
    lots, margin, leverage = made_positions(count)
    expected = liquidated_at(CRASH_TICKS, lots, margin)
    start_s = time.thread_time()
    venue = opened(lots, margin, leverage)
    opened_s = time.thread_time() - start_s
    venue, alone, together = quiet_s(venue)
    other: Other | None = None
    if count <= MOST_OTHERS:
        work = np.zeros(count, WORK)
        work["lots"], work["coins"], work["price"] = lots, 1 / COIN_LOTS, FIRST_TICKS / 10
        work["margin"] = margin / 10**6
        other = Other("lrvx", "lrvx", pythons, work, folder)
    ours, theirs = [], []
    for _ in range(RUNS if count <= MOST_COPIED else 1):
        ours.append(crash_s(copied(venue) if count <= MOST_COPIED else venue, expected))
        if other is not None and other.process is not None:
            other.run_s()
            assert abs(other.said[2] - expected) <= 1, (other.said, expected)
            theirs.append(other.said)
    found = Found(count, opened_s, alone, together, min(ours), expected)
    if theirs:
        found.other_quiet = float(np.median([said[0] for said in theirs]))
        found.other_crash = min(said[1] for said in theirs)
    return found


def print_rows(rows: list[Found]) -> None:
    """Two tables: ours, and beside lrvx; then the goals."""
    ours = Table("positions", "opened/s", "quiet, alone", "quiet, of many", "crash", "liquidated",
                 "each", title="undertow")  # fmt: skip
    for row in rows:
        ours.add_row(
            f"{row.count:,}", f"{row.count / row.opened:,.0f}", f"{1e6 * row.alone:.1f} us",
            f"{1e9 * row.together:.0f} ns", f"{1e3 * row.crash:,.2f} ms", f"{row.liquidated:,}",
            f"{1e9 * row.crash / max(row.liquidated, 1):,.0f} ns",
        )  # fmt: skip
    beside = Table("positions", "lrvx quiet", "lrvx crash", "quiet: lrvx / ours, alone",
                   "crash: lrvx / ours", title="lrvx")  # fmt: skip
    for row in rows:
        if row.count > MOST_OTHERS:
            continue
        if row.other_quiet is None or row.other_crash is None:
            beside.add_row(f"{row.count:,}", "not available", "not available", "", "")
            continue
        beside.add_row(
            f"{row.count:,}", f"{1e6 * row.other_quiet:.1f} us", f"{1e3 * row.other_crash:,.2f} ms",
            f"{row.other_quiet / row.alone:.2f}", f"{row.other_crash / row.crash:.1f}",
        )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(ours)
    console.print(beside)
    first, last = rows[0], rows[-1]
    for name in ("alone", "together"):
        ratio = getattr(last, name) / getattr(first, name)
        verdict = "met" if ratio <= QUIET_GOAL else "NOT met"
        print(f"quiet tick {name}, {last.count:,} / {first.count:,} positions: {ratio:.2f} "
              f"(goal <= {QUIET_GOAL}: {verdict})")  # fmt: skip
    asked = [row for row in rows if row.other_crash is not None]
    if not asked or asked[-1].other_crash is None:
        print(f"crash beside lrvx: not available (goal >= {CRASH_GOAL})")
        return
    ratio = asked[-1].other_crash / asked[-1].crash
    verdict = "met" if ratio >= CRASH_GOAL else "NOT met"
    print(f"crash of {asked[-1].count:,} positions, lrvx / ours: {ratio:.0f} "
          f"(goal >= {CRASH_GOAL}: {verdict})")  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.liquidation", description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="not used")
    parser.add_argument("--peer-python", type=Path, action="append", default=[])
    parser.add_argument("--least", type=int, default=1000)
    parser.add_argument("--most", type=int, default=MOST, help="about 6 GB for 10,000,000")
    options = parser.parse_args(arguments)
    pythons = [*options.peer_python, Path(sys.executable)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        measure(options.least, [], Path(folder))  # compiled, or from the cache
        count = options.least
        while count <= options.most:
            rows.append(measure(count, pythons, Path(folder)))
            count *= 10
    print_rows(rows)


if __name__ == "__main__":
    main()
