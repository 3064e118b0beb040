"""Run every benchmark that is there, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

# In the order they are shown; the longest last.
NAMES = ("importers", "stream", "analytics", "book", "venue", "start", "liquidation", "cascade",
         "slice", "world")  # fmt: skip


def main() -> int:
    """Run them; the exit status is 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real files")
    parser.add_argument("--peers", type=Path, help="folder of an environment with peers installed")
    parser.add_argument("--only", choices=NAMES, help="run one of them")
    options = parser.parse_args()
    folders = []
    for name in ("data", "peers"):
        if folder := getattr(options, name):
            folders += [f"--{name}", str(folder)]
    failed = []
    for name in NAMES:
        is_there = (Path(__file__).parent / f"{name}.py").is_file()
        if not is_there or options.only not in (None, name):
            continue
        print(f"\n{name}", flush=True)
        # Threads, caches and compiled code of one must not help or harm the next.
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *folders], check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
