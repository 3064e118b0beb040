"""Cascades per second of the waterfall solver: kernel, specification and yardsticks.

``python -m benchmarks.cascade [--peers FOLDER]``; the folder holds the yardstick ``cascade.py``, a
binary search in Numba over the same sorted triggers, one thread. It brings its own problem:
100,000 long positions, an exponential book, a sale and a depth per scenario. Both solve it in the
same run, and must give equal prices, volumes and counts. Without the folder a problem after the
same pattern is made here.

Rows take turns; each is the median of its runs. Sorting a map and laying its grid is done once for
all scenarios, here as by the yardstick before the clock starts, and measured apart. Our time holds
the checks of the arguments and the arrays of the answers; the yardstick writes into given ones.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from undertow.measures.cascade import Triggers, cascade, cascade_together
from undertow.measures.impact import DepthCurve
from undertow.reference import cascade as reference

POSITIONS = 100_000
SCENARIOS = 200_000
REFERENCE_SCENARIOS = 3
ASSETS = 10
RUNS = 7
SEED = 7
START_PRICE = 100_000.0
PEER = "plain Numba, binary search"
PEER_END = "ref = [naive"  # what follows is its timing
# Volumes are in units of its depth parameter, so that a depth multiplier is that parameter.
UNIT_DEPTH = DepthCurve("exponential", reference.Curve(reference.EXPONENTIAL))


@dataclass
class Problem:
    """One map, and a sale and a depth for each scenario."""

    triggers: Triggers
    sold: np.ndarray
    depths: np.ndarray


@dataclass
class Row:
    """One solver on one problem."""

    name: str
    scenarios: int = 0
    run: Callable[[], Any] | None = None
    seconds: list[float] = field(default_factory=list)

    def rate(self) -> float | None:
        """Cascades per second."""
        return self.scenarios / statistics.median(self.seconds) if self.seconds else None


def made(positions: int, scenarios: int, seed: int) -> Problem:
    """Leverage from 2 to 100, entries within a few per cent, sizes that differ widely."""
    dice = np.random.default_rng(seed)
    entry = START_PRICE * np.exp(dice.normal(0, 0.03, 4 * positions))
    leverage = np.exp(dice.uniform(np.log(2), np.log(100), 4 * positions))
    prices = entry * (1 - 1 / leverage + 0.005)
    prices = prices[prices < 0.999 * START_PRICE][:positions]
    volumes = dice.lognormal(0, 1.5, len(prices))
    depths = np.exp(dice.uniform(np.log(2), np.log(50), scenarios)) * volumes.sum()
    shocks = np.exp(dice.uniform(np.log(0.002), np.log(0.3), scenarios))
    triggers = Triggers.of(START_PRICE, prices, volumes)
    return Problem(triggers, -depths * np.log(1 - shocks), depths)


def peer_in(folder: Path | None) -> dict[str, Any] | None:
    """The yardstick's own functions and problem; None if it is not there."""
    file = folder / "cascade.py" if folder is not None else None
    if file is None or not file.is_file():
        return None
    found: dict[str, Any] = {}
    exec(file.read_text().partition(PEER_END)[0], found)
    found["nb"].set_num_threads(1)
    return found


def peer_problem(peer: dict[str, Any], scenarios: int) -> Problem:
    """Its problem as ours; its scenarios again and again, up to so many."""
    triggers = Triggers.of(peer["P0"], peer["liq"], peer["q"])
    order = np.argsort(-peer["liq"])
    assert np.array_equal(triggers.prices, peer["liq"][order])
    return Problem(triggers, np.resize(peer["V0"], scenarios), np.resize(peer["D"], scenarios))


def solved(problem: Problem) -> np.ndarray:
    """Volume, price and count of each scenario."""
    found = cascade(
        problem.triggers, UNIT_DEPTH, sold_usd=problem.sold, depth_multiplier=problem.depths
    )
    return np.stack([found.sold_usd, found.price, found.closed], axis=1)


def solved_by_peer(peer: dict[str, Any], problem: Problem) -> np.ndarray:
    """The same by the yardstick."""
    out = np.zeros((len(problem.sold), 3))
    peer["batch_bin"](peer["neg"], peer["cq"], problem.sold, problem.depths, out)
    return out


def solved_together(problem: Problem, scenarios: int) -> None:
    """Ten assets with the same map, each pulled down a little by the others."""
    cross = np.full((ASSETS, ASSETS), 0.02) + 0.98 * np.eye(ASSETS)
    each = np.ones(ASSETS)
    cascade_together(
        [problem.triggers] * ASSETS, [UNIT_DEPTH] * ASSETS, cross,
        sold_usd=problem.sold[:scenarios, None] * each,
        depth_multiplier=problem.depths[:scenarios, None] * each,
    )  # fmt: skip


def solved_by_specification(problem: Problem, count: int) -> np.ndarray:
    """The same in plain Python."""
    rows = list(
        zip(problem.triggers.prices.tolist(), problem.triggers.volumes.tolist(), strict=True)
    )
    asset = reference.Asset(problem.triggers.start_price, rows, UNIT_DEPTH.curve)
    found = []
    for sold, depth in zip(problem.sold[:count], problem.depths[:count], strict=True):
        shock = reference.Shock(float(sold), depth_multiplier=float(depth))
        found.append(reference.solve([asset], [[1.0]], [shock])[0][0])
    return np.array(found)


def print_rows(rows: list[Row], title: str) -> None:
    """One table; the ratio is to the yardstick on its own problem."""
    base = next((row.rate() for row in rows if PEER in row.name), None)
    table = Table("solver", "cascades", "seconds", "cascades/s", "x plain Numba", title=title)
    for row in rows:
        rate = row.rate()
        if rate is None:
            table.add_row(row.name, "", "", "not available", "")
            continue
        ratio = f"{rate / base:.2f}" if base is not None and "yardstick" in row.name else ""
        table.add_row(
            row.name, f"{row.scenarios:,}", f"{row.scenarios / rate:.4f}", f"{rate:,.0f}", ratio
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--positions", type=int, default=POSITIONS)
    parser.add_argument("--scenarios", type=int, default=SCENARIOS)
    parser.add_argument("--repeats", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    start_s = time.perf_counter()
    solved(made(100, 2, SEED))
    first_s = time.perf_counter() - start_s
    count = options.scenarios
    own = made(options.positions, count, SEED)
    few, some = REFERENCE_SCENARIOS, max(1, count // 20)
    assert np.array_equal(solved(own)[:few], solved_by_specification(own, few))
    prices, volumes = own.triggers.prices, own.triggers.volumes
    rows = [
        Row("own, undertow kernel", count, lambda: solved(own)),
        Row(f"own, undertow kernel, {ASSETS} assets", some, lambda: solved_together(own, some)),
        Row("own, undertow specification", few, lambda: solved_by_specification(own, few)),
        Row("sorting a map (per map)", 1, lambda: Triggers.of(START_PRICE, prices, volumes).grid),
    ]
    peer, compared = peer_in(options.peers), "not compared"
    if peer is None:
        rows.append(Row(PEER))
    else:
        theirs = peer_problem(peer, count)
        assert np.array_equal(solved(theirs), solved_by_peer(peer, theirs))
        compared = f"{count:,} equal to the last bit"
        rows += [
            Row("yardstick, undertow kernel", count, lambda: solved(theirs)),
            Row(f"yardstick, {PEER}", count, lambda: solved_by_peer(peer, theirs)),
        ]
    for _ in range(options.repeats):
        for row in rows:
            if row.run is not None:
                start_s = time.thread_time()
                row.run()
                row.seconds.append(time.thread_time() - start_s)
    title = f"first call {first_s:.2f} s (compiled, or from the cache); answers: {compared}"
    print_rows(rows, title)


if __name__ == "__main__":
    main()
