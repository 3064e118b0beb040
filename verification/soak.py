"""Random commands through every venue's kernel and its specification, for hours if you like.

``python -m verification.soak [--commands N] [--venue NAME] [--first SEED] [--lane LANE]`` stops at
the first difference and prints it with venue, seed and command; else one line per venue. Lanes:
``compiled``, ``bounds`` (compiled with bounds checks), ``python`` (not compiled).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

SEQUENCE = 1_000
# Every event is compared; money, positions and books after so many commands. What differs in
# between stays different, or has shown in an event.
BATCH = 200
LANES = {
    "compiled": {},
    "bounds": {"NUMBA_BOUNDSCHECK": "1"},
    "python": {"NUMBA_DISABLE_JIT": "1"},
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", type=int, default=100_000, help="for each venue")
    parser.add_argument("--venue", help="one of the venues; all if left out")
    parser.add_argument("--first", type=int, default=1_000_000, help="seed of the first sequence")
    parser.add_argument("--lane", choices=list(LANES), default="compiled")
    asked = parser.parse_args()
    os.environ.update(LANES[asked.lane])  # before Numba is loaded
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from rich.console import Console
    from rich.progress import Progress

    from exchange.differential import run
    from exchange.venues import VENUES

    if asked.venue is not None and asked.venue not in VENUES:
        Console(stderr=True).print(f"no venue '{asked.venue}'; there are: {', '.join(VENUES)}")
        return 2
    console = Console()
    for name in [asked.venue] if asked.venue else VENUES:
        start_s, done, seed = time.monotonic(), 0, asked.first
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=asked.commands)
            while done < asked.commands:
                try:
                    done += run(name, seed, SEQUENCE, every=BATCH)
                except AssertionError as error:
                    console.print(f"{name}: seed {seed} differs\n{error}", markup=False)
                    return 1
                seed += 1
                progress.update(task, completed=done)
        seconds = time.monotonic() - start_s
        console.print(
            f"{name}: {done:,} commands in {seed - asked.first:,} sequences from seed "
            f"{asked.first:,} agree ({asked.lane}, {seconds:,.0f} s)",
            soft_wrap=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
