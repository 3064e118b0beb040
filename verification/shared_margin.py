"""How many accounts hold several coins: Hyperliquid's on 10 October 2025 beside a drawn crowd's.

``python -m verification.shared_margin --data FOLDER`` prints, of the accounts that held Bitcoin or
Solana at 21:15 UTC, how many held both, and the same of crowds drawn with several values of
``multi_share``. That setting's default is what meets the accounts: a state before the worst
minutes, not what became of it. The folder holds
``hyperliquid_2025-10-10/positions_btc_sol.parquet`` (see docs/deleveraging.md): positions of those
who traded or were closed in the twelve minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl

if not __package__:  # started by its path: the folder above holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from undertow.agents.crowd import Crowd
from undertow.agents.crowd_draw import counts, draw_venue
from undertow.errors import DataError, UndertowError
from undertow.lab.build import build
from undertow.lab.scenario import load
from undertow.tape import Tape

POSITIONS = "hyperliquid_2025-10-10/positions_btc_sol.parquet"
EVENT, VENUE, COINS = "2025-10-10", "hyperliquid", ("BTC", "SOL")
TRIED = (0.1, 0.2, 0.25, 0.3, 0.35, 0.5, 1.0)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 2 where the file is not there."""
    parser = argparse.ArgumentParser(prog="shared_margin", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the records")
    asked = parser.parse_args(arguments)
    try:
        both, either = held(asked.data / POSITIONS)
        print(f"| who | holds both of {' and '.join(COINS)}, of those with either |\n|---|---|")
        print(f"| Hyperliquid, {both:,} of {either:,} accounts | {both / either:.1%} |")
        for share, part in drawn():
            print(f"| a crowd with multi_share = {share:g} | {part:.1%} |")
    except UndertowError as error:
        print(f"shared_margin: {error}", file=sys.stderr)
        return 2
    return 0


def held(path: Path) -> tuple[int, int]:
    """Accounts with both coins before the twelve minutes, and with either.

    Raises
    ------
    DataError
        Without the file.
    """
    if not path.is_file():
        raise DataError("no such file", file=path)
    own = pl.read_parquet(path).filter(pl.col("had_pre_existing_position"))
    coins = own.group_by("user").agg(pl.col("asset").n_unique())["asset"]
    return int((coins == len(COINS)).sum()), len(coins)


def drawn() -> list[tuple[float, float]]:
    """``multi_share``, and the part of accounts with either coin that have both."""
    scenario = load(EVENT)
    world = build(scenario, seed=scenario.seed, path="real", tape=Tape.open(EVENT)).world
    (crowd,) = [one for one in world.setup.agents if isinstance(one, Crowd)]
    place = crowd.place
    venue, price = place.venues.index(VENUE), world.setup.eve_price
    first, second = (place.assets.index(name) for name in COINS)
    found = []
    for share in TRIED:
        settings = crowd.parameters.model_copy(update={"multi_share": share})
        positions, seconds = counts(place, settings.count, share)
        crowd_held = draw_venue(place, venue, settings, price, crowd.book, positions[venue],
                                seconds[venue], np.random.default_rng(1))  # fmt: skip
        one, other = (
            set(crowd_held.account[crowd_held.asset == asset].tolist()) for asset in (first, second)
        )
        found.append((share, len(one & other) / len(one | other)))
    return found


if __name__ == "__main__":
    sys.exit(main())
