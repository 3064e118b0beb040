"""Rebuild the library of published figures from the fact files it was collected in.

``python scripts/build_published.py FACTS`` reads ``crashes.json`` and ``timelines.json`` in the
folder FACTS and writes ``figures.csv`` and ``timelines.csv`` in ``src/undertow/data/published``.
Values are unaltered. Source addresses that are no web address are left empty.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "src" / "undertow" / "data" / "published"
COLUMNS = (
    "id", "event", "metric", "qualifier", "value", "value_low", "value_high", "value_text", "unit",
    "asset", "side", "venue", "window", "as_of", "as_of_inferred", "publisher", "secondary", "note",
    "source_url",
)  # fmt: skip
CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?")
DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
AFTER_MIDNIGHT = re.compile(r"\((\d+) (\w{3})\)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def main(facts: Path) -> None:
    """Write both files."""
    rows = json.loads((facts / "crashes.json").read_text(encoding="utf-8"))["rows"]
    _write("figures.csv", COLUMNS, [_figure(row) for row in rows])
    timelines = json.loads((facts / "timelines.json").read_text(encoding="utf-8"))
    points = [
        (event, *_span(event, printed), printed, what, source)
        for event, listed in timelines.items()
        if event != "note"
        for printed, what, source in listed
    ]
    columns = ("event", "start", "end", "printed", "what", "source")
    _write("timelines.csv", columns, points)


def _figure(row: dict[str, Any]) -> tuple[object, ...]:
    web = row["source_url"] if str(row["source_url"]).startswith("http") else None
    taken = {**row, "note": row["quote_note"], "source_url": web}
    for name in ("secondary", "as_of_inferred"):
        taken[name] = str(bool(row[name])).lower()
    return tuple(taken.get(name) for name in COLUMNS)


def _span(event: str, printed: str) -> tuple[str, str]:
    """Start and end of a printed time: ``21:36-22:15``, ``03:00 (11 Oct)``, ``2025-11-03``.

    A time without a date is on the event's last day named so far: its first day for an event of
    one day, its second for one of two, whose first day is always written out.
    """
    days = [date.fromisoformat(event[:10])]
    if "/" in event:
        days.append(date.fromisoformat(event[:8] + event.split("/")[1]))
    day = days[-1]
    if written := DAY.match(printed):
        day = date.fromisoformat(written[0])
    elif later := AFTER_MIDNIGHT.search(printed):
        day = date(day.year, MONTHS.index(later[2]) + 1, int(later[1]))
    found = CLOCK.findall(AFTER_MIDNIGHT.sub("", printed))
    if not found:
        return f"{day}T00:00:00Z", f"{day + timedelta(days=1)}T00:00:00Z"
    times = [f"{hour}:{minute}:{second or '00'}" for hour, minute, second in found]
    last_day = day + timedelta(days=1) if times[-1] < times[0] else day
    return f"{day}T{times[0]}Z", f"{last_day}T{times[-1]}Z"


def _write(name: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected: build_published.py FACTS")
    main(Path(sys.argv[1]))
