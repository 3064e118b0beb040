"""Runs on real paths of days other than the events, against the sums that were published.

``python -m verification.path_runs --data FOLDER [--seeds N] [--step 150s] [--set NAME=VALUE]``
runs 24 hours for each moment in ``path_events.csv`` and prints the published figures beside what
public feeds would have shown of the run. One number of the crowd, ``late_share``, was set so that
the median ratio of these figures is one (of all but those of 26 September, which came later). Those
by venue, of 26 September, decide how much of Hyperliquid's open interest can be liquidated. 10
October and 4 November 2025 are not among them.

The folder holds the 5-minute candles that ``verification/estimate.py`` reads. Venues, their open
interest and depth are those of the scenario named; prices and volatility are the day's own.
Figures without a number in the library and without dollars are those of ``estimate_events.csv``.
The source of dollars that stand in the table is CoinDesk, 26 September 2025, 02:52 UTC
(a copy at 4coinz.com, "Near $30M Ether Wipeout on Hyperliquid").
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

if not __package__:  # started by its path: the folder above holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from undertow.errors import UndertowError
from undertow.lab.build import build
from undertow.lab.feeds import shown
from undertow.lab.scenario import Scenario, from_content, load
from undertow.measures.published import published
from undertow.model.periods import time_ns, time_text
from undertow.tape import Tape
from verification.estimate import DAY_NS, EVENTS, fine_tape

FIGURES = Path(__file__).with_name("path_events.csv")
HOUR_NS = DAY_NS // 24


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 2 where the data are not there."""
    parser = argparse.ArgumentParser(prog="path_runs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the candles")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--step", default="150s")
    parser.add_argument("--set", action="append", default=[], help="setting of the crowd")
    asked = parser.parse_args(arguments)
    settings = {key: float(value) for key, _, value in (one.partition("=") for one in asked.set)}
    try:
        tape = fine_tape(asked.data)
        ratios = [one for seed in range(1, asked.seeds + 1)
                  for one in compare(tape, seed, asked.step, settings)]  # fmt: skip
    except UndertowError as error:
        print(f"path_runs: {error}", file=sys.stderr)
        return 2
    off = np.exp(np.abs(np.log(ratios)))
    print(f"\nmedian of run over published {np.median(ratios):.2f}; factor off: median "
          f"{np.median(off):.2f}, worst decile {np.quantile(off, 0.9):.2f}")  # fmt: skip
    return 0


def figures() -> pl.DataFrame:
    """All figures, by moment."""
    return pl.read_csv(FIGURES, schema_overrides={"usd": pl.Float64, "venue": pl.String})


def compare(tape: Tape, seed: int, step: str, settings: dict[str, float]) -> Iterator[float]:
    """Print all figures of one seed; gives run over published."""
    rows = figures()
    known = dict(published().select("id", "value").rows())
    others = {
        (time_ns(one["as_of"]), one["asset"], one["side"]): one["usd"]
        for one in pl.read_csv(EVENTS, schema_overrides={"usd": pl.Float64}).rows(named=True)
    }
    print(
        "| 24 hours to | coin | side | published, USD m | run | ratio |\n|---|---|---|---|---|---|"
    )
    for (until, base), own in rows.group_by("until", "scenario", maintain_order=True):
        at_ns = time_ns(str(until))
        day = on_day(load(str(base)), tape, at_ns - DAY_NS, step, settings)
        lost = liquidated(day, tape, seed)
        for one in own.rows(named=True):
            told = one["usd"] or known.get(one["figure"])
            told = told or others[at_ns, one["asset"], one["side"]]
            ours = sum(usd for key, usd in lost.items() if is_meant(one, *key))
            what = one["venue"] or one["asset"]
            print(f"| {until} | {what} | {one['side']} | {told / 1e6:,.0f} "
                  f"| {ours / 1e6:,.0f} | {ours / told:.2f} |")  # fmt: skip
            yield max(ours, 1.0) / told


def is_meant(figure: dict[str, Any], venue: str, coin: str, side: str) -> bool:
    """Whether a figure counts what was closed of a coin and side at a venue."""
    return (
        figure["venue"] in (None, venue)
        and figure["asset"] in ("ALL", coin)
        and figure["side"] in ("both", side)
    )


def on_day(
    scenario: Scenario, tape: Tape, start_ns: int, step: str, settings: dict[str, float]
) -> Scenario:
    """The venues of a scenario with the prices of another day and nothing else of its event."""
    content: dict[str, Any] = copy.deepcopy(scenario.content)
    content["span"] |= {"start": time_text(start_ns), "length": "24h", "step": step, "record": "5m"}
    content["shock"] = []
    content.pop("event", None)
    candles = tape.until(start_ns).table("candles").with_columns(pl.col("symbol").cast(pl.String))
    for asset in scenario.assets:
        own = candles.filter(pl.col("symbol") == f"{asset}USDT").sort("ts").collect()
        hours = own.group_by_dynamic("ts", every="1h").agg(pl.last("close"))["close"].to_numpy()
        returns = np.diff(np.log(hours[-20 * 24 :]))
        content["asset"][asset]["price_usd"]["value"] = str(float(own["close"][-1]))
        content["asset"][asset]["daily_volatility"]["value"] = float(returns.std() * np.sqrt(24))
    for agent in content["agent"]:
        if agent["kind"] == "crowd":
            agent["settings"] = {
                name: {"value": value, "assumed": True, "note": "given on the command line"}
                for name, value in settings.items()
            }
    return from_content(content, f"{scenario.name} on {time_text(start_ns)}")


def closed_by_force(scenario: Scenario, tape: Tape, seed: int) -> dict[str, pl.DataFrame]:
    """The table `liquidations` of a run, where anything was closed by force."""
    world = build(scenario, seed=seed, path="real", tape=tape).world
    for _ in world.run():
        pass
    return {name: one for name, one in world.record.frames().items() if name == "liquidations"}


def liquidated(scenario: Scenario, tape: Tape, seed: int) -> dict[tuple[str, str, str], float]:
    """Dollars closed by force that public feeds would show, by venue, asset and side."""
    closed = closed_by_force(scenario, tape, seed)
    told = shown(closed, scenario, scenario.step_s).get("liquidations")
    if told is None:
        return {}
    coins = {(one.id, symbol): asset for one in scenario.venues
             for asset, symbol in one.symbols.items()}  # fmt: skip
    return {
        (str(venue), coins[str(venue), str(symbol)], str(side)): usd
        for venue, symbol, side, usd in (
            told.group_by("venue", "symbol", "side").agg(pl.col("usd").sum()).rows()
        )
    }


if __name__ == "__main__":
    sys.exit(main())
