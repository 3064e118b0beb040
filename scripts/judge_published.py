"""Judge the library of published figures and store the verdicts beside them.

``python scripts/judge_published.py`` reconciles the figures of each event with one another and with
the bundled tape of the event, and writes ``src/undertow/data/published/verdicts.csv``. What is
contradicted is not usable: ``measures.published(usable=True)`` leaves it out.
"""

from __future__ import annotations

import csv

from undertow.claims.library import judge_library
from undertow.claims.reconcile import Statement
from undertow.measures.published import FOLDER, JUDGED, events


def main() -> None:
    """Write the file."""
    judged = {item.id: item for event in events()["event"] for item in judge_library(event)}
    with (FOLDER / "verdicts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(JUDGED)
        for name in sorted(judged):
            usable = str(judged[name].verdict != "contradicted").lower()
            writer.writerow((name, judged[name].verdict, usable, reason(judged[name])))
    print(f"{len(judged)} figures judged")


def reason(item: Statement) -> str | None:
    """The sentence that carries the verdict."""
    carrying = [e.text for e in item.evidence if e.verdict == item.verdict] or [
        e.text for e in item.evidence
    ]
    return carrying[-1] if carrying else None


if __name__ == "__main__":
    main()
