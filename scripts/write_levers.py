"""Write the table of levers into docs/scenarios.md from the code; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from undertow.lab.levers import table

PAGE = Path(__file__).parent.parent / "docs" / "scenarios.md"
START, END = "<!-- levers: written by scripts/write_levers.py -->", "<!-- end of levers -->"


def main() -> int:
    """Write, or say whether the page is out of date."""
    text = PAGE.read_text(encoding="utf-8")
    if START not in text or END not in text:
        sys.exit(f"{PAGE.name}: expected the lines {START} and {END}")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    wanted = f"{before}{START}\n{table()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        print("up to date" if wanted == text else f"{PAGE.name}: out of date")
        return int(wanted != text)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
