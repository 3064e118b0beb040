"""Seconds and memory of one simulated day: six venues, ten assets, a crowd, all other agents.

``python -m benchmarks.world [--accounts N ...] [--steps N] [--peer-python PATH ...]``; a day has
86,400 steps of a second. Of each size a part of the day is run, in a process of its own, and the
day is that part's begin plus its time per step times the day's steps: **extrapolated**, and said
so in the table; ``--steps 86400`` runs all of it. The market is calm and its path its own (closed
loop). Six leveraged venues with rules of binance-usdm list all ten assets; a spot market that
makes the index is a seventh. Seconds are those of the processor.

A second table puts ABIDES and PAMS beside that, as far as a ``--peer-python`` has them, with as
many agents as we have accounts (``--agents N ...``): orders handled in a second of the processor.
Theirs are objects that act one by one, at one venue with one asset and no margin; ours are
populations of accounts at six venues. So the table compares simulators, not the same market.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from undertow.lab.build import build
from undertow.lab.scenario import Scenario, from_content

# Rounded prices of November 2025; only their sizes matter here.
ASSETS = {
    "BTC": 106_000, "ETH": 3_700, "SOL": 175, "XRP": 2.4, "DOGE": 0.175, "BNB": 1_030,
    "ADA": 0.57, "LINK": 16.2, "AVAX": 17.3, "LTC": 95,
}  # fmt: skip
RULES = "binance-usdm@2025-11-03"
VENUES = 6
DAY_STEPS = 86_400
MINUTE_STEPS = 60
ACCOUNTS = (10_000, 100_000, 1_000_000)
GOAL_S, GOAL_GIB = 120.0, 4.0
AGENTS_BESIDE_PEERS = (1_000, 10_000)
PEER_LIMIT_S = 120
AGENTS = (
    "crowd", "market_maker", "arbitrageur", "basis_trader", "momentum", "dip_buyer",
    "value_buyer", "fisher", "noise", "flows",
)  # fmt: skip
PEERS = {"ABIDES": "abides_markets", "PAMS": "pams"}  # packages by the names in other_worlds.py


def assumed(value: object) -> dict[str, object]:
    """A number as scenarios want it."""
    return {"value": value, "assumed": True, "note": "for timing only"}


def scenario(accounts: int, steps: int) -> Scenario:
    """A calm day: every venue lists every asset, each half as large as the one before."""
    size = {asset: 2.0**-place for place, asset in enumerate(ASSETS)}
    depth = {asset: assumed(4e7 * share) for asset, share in size.items()}
    spot = {
        "id": "binance-spot", "quote": "USDT", "weight_in_index": assumed(1), "depth_usd": depth,
        "volume_usd": {asset: assumed(4e9 * share) for asset, share in size.items()},
    }  # fmt: skip
    venues = [
        {
            "id": f"venue-{number}", "rules": RULES, "quote": "USDT",
            "symbols": {asset: f"{asset}USDT" for asset in ASSETS},
            "open_interest_usd": {asset: assumed(2e9 * share) for asset, share in size.items()},
            "depth_usd": depth, "insurance_fund_usd": assumed(1e8),
            "accounts": assumed(accounts // VENUES),
        }
        for number in range(VENUES)
    ]  # fmt: skip
    content: dict[str, Any] = {
        "name": "benchmark", "title": "A calm day", "seed": 1,
        "span": {"start": "2025-11-03T00:00:00Z", "length": f"{steps}s", "step": "1s",
                 "record": "1m"},
        "asset": {asset: {"price_usd": assumed(price), "daily_volatility": assumed(0.02)}
                  for asset, price in ASSETS.items()},
        "spot": [spot], "venue": venues, "agent": [{"name": one, "kind": one} for one in AGENTS],
    }  # fmt: skip
    return from_content(content, "benchmark")


def measure(accounts: int, steps: int) -> dict[str, float]:
    """One run: seconds to begin, for the first half of the steps and for the rest, memory, orders.

    The first minute counts as the beginning: quotes are put up, and kernels are loaded. An hour and
    a minute has two renewals of the crowd, as every other hour.
    """
    start_s = time.process_time()
    world = build(scenario(accounts, steps), seed=1, path="model", tape=None).world
    marks_s = [start_s]
    before = 0
    for done in world.run():
        if done == MINUTE_STEPS:
            before = int(world.next_id.sum())
        if done in (MINUTE_STEPS, MINUTE_STEPS + (steps - MINUTE_STEPS) // 2, steps):
            marks_s.append(time.process_time())
    begun_s, half_s, end_s = (one - marks_s[0] for one in marks_s[1:])
    return {
        "begin_s": begun_s, "first_s": half_s - begun_s, "second_s": end_s - half_s,
        "orders": float(world.next_id.sum()) - before,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }  # fmt: skip


def measured_apart(accounts: int, steps: int) -> dict[str, float]:
    """The same in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.world", "--one", str(accounts), str(steps)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def add_row(table: Table, accounts: int, steps: int, found: dict[str, float]) -> None:
    """One size."""
    run_s = found["first_s"] + found["second_s"]
    each_s = run_s / (steps - MINUTE_STEPS)
    day_s = found["begin_s"] + each_s * (DAY_STEPS - MINUTE_STEPS)
    is_met = day_s < GOAL_S and found["gib"] < GOAL_GIB
    table.add_row(
        f"{accounts:,}", f"{found['begin_s']:.1f} s", f"{1e3 * each_s:.2f} ms",
        f"{found['second_s'] / found['first_s']:.2f}", f"{day_s:.0f} s", f"{found['gib']:.2f} GiB",
        f"{found['orders'] / run_s:,.0f}",
        ("met" if is_met else "NOT met") if accounts == max(ACCOUNTS) else "",
    )  # fmt: skip


def python_with(package: str, pythons: list[Path]) -> Path | None:
    """The first Python that has somebody else's simulator."""
    for python in pythons:
        command = [str(python), "-c", f"import {package}"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return python
    return None


def peer_figures(name: str, python: Path, agents: int) -> dict[str, Any] | None:
    """What a peer's own simulation did; None where it did not end in time."""
    script = Path(__file__).with_name("other_worlds.py")
    command = [str(python.absolute()), str(script), name, str(agents)]
    with tempfile.TemporaryDirectory() as folder:  # ABIDES leaves a log where it runs
        try:
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=PEER_LIMIT_S,
                cwd=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def beside_peers(agents: list[int], steps: int, pythons: list[Path]) -> Table:
    """Orders handled per second by each simulator, with as many agents as we have accounts."""
    table = Table(
        "simulator", "agents", "run", "orders", "orders/s", "ours / it",
        title="Orders that enter, per second of the processor; worlds differ, see the module",
    )  # fmt: skip
    for number in agents:
        own = measured_apart(number, steps)
        ours = own["orders"] / (own["first_s"] + own["second_s"])
        run = f"{(steps - MINUTE_STEPS) // MINUTE_STEPS} minutes, {VENUES} venues + spot"
        table.add_row("ours", f"{number:,}", run, f"{own['orders']:,.0f}", f"{ours:,.0f}", "")
        for name, package in PEERS.items():
            python = python_with(package, pythons)
            found = None if python is None else peer_figures(name, python, number)
            if found is None:
                why = "not available" if python is None else f"not within {PEER_LIMIT_S} s"
                table.add_row(name, f"{number:,}", why)
                continue
            rate = found["orders"] / found["seconds"]
            run, orders = f"{found['what']}, one book", f"{found['orders']:,}"
            table.add_row(name, f"{number:,}", run, orders, f"{rate:,.0f}", f"{ours / rate:,.1f}")
    return table


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.world", description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="not used")
    parser.add_argument("--peer-python", type=Path, action="append", default=[])
    parser.add_argument("--accounts", type=int, nargs="+", default=list(ACCOUNTS))
    parser.add_argument("--agents", type=int, nargs="*", default=list(AGENTS_BESIDE_PEERS))
    parser.add_argument("--steps", type=int, default=3660, help="whole minutes of the day to run")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    if options.steps % MINUTE_STEPS or options.steps < 3 * MINUTE_STEPS:
        parser.error(f"--steps {options.steps}: expected whole minutes, three at least")
    part = "run whole" if options.steps == DAY_STEPS else f"extrapolated from {options.steps:,}"
    table = Table(
        "accounts", "begin", "a step", "2nd / 1st half", "the day", "peak memory", "orders/s",
        f"< {GOAL_S:.0f} s, {GOAL_GIB:.0f} GiB",
        title=f"{DAY_STEPS:,} steps, {part}; {VENUES} venues + spot, {len(ASSETS)} assets",
    )  # fmt: skip
    for accounts in options.accounts:
        add_row(table, accounts, options.steps, measured_apart(accounts, options.steps))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    if options.agents:
        pythons = [*options.peer_python, Path(sys.executable)]
        console.print(beside_peers(options.agents, min(options.steps, 660), pythons))


if __name__ == "__main__":
    main()
