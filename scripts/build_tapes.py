"""Build the bundled tapes: ``python scripts/build_tapes.py DATA_FOLDER``.

The folder holds the files that ``scripts/tapes/sources.toml`` names. Writes the two tapes and
PROVENANCE.md into the package. The same files give byte-identical tapes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from undertow.model.periods import time_ns, time_text
from undertow.tape import Source, Tape, TapeWriter
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options

HERE = Path(__file__).parent / "tapes"
OUT = Path(__file__).parents[1] / "src" / "undertow" / "data" / "tapes"
DAY = timedelta(days=1)
EVENTS = {
    "2025-10-10": "The tariff crash of 10 October 2025",
    "2025-11-04": "The crash of 4 November 2025",
}
# Five-minute bars for eight days; what lies before comes in hours.
BAR_DAYS_BEFORE, BAR_DAYS_AFTER = 4, 4


def main() -> None:
    """Build every bundled tape from the data folder named on the command line."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python scripts/build_tapes.py DATA_FOLDER")
    data = Path(sys.argv[1])
    files = tomllib.loads((HERE / "sources.toml").read_text())["file"]
    for name, title in EVENTS.items():
        tape = build(name, title, data, files)
        size = sum(path.stat().st_size for path in (OUT / name).rglob("*") if path.is_file())
        tables = ", ".join(f"{tape.manifest.rows(t):,} {t}" for t in tape.manifest.tables)
        print(f"{name}: {size / 1e6:.2f} MB; {tables}")
    (OUT / "PROVENANCE.md").write_text(provenance(files))


def build(name: str, title: str, data: Path, files: list[dict[str, Any]]) -> Tape:
    """One tape: every file cut at the tape's end, then the dated causes."""
    day = datetime.fromisoformat(f"{name}T00:00:00+00:00")
    end = day + BAR_DAYS_AFTER * DAY
    shutil.rmtree(OUT / name, ignore_errors=True)
    with TapeWriter.create(OUT / name, kind="imported", title=title) as writer:
        for entry in files:
            add_file(writer, data, entry, day, end)
        writer.append("events", events(end))
        writer.add_source(
            Source(
                name="events.toml",
                importer="scripts/build_tapes.py",
                licence="Apache-2.0",
                rows=events(end).height,
                notes=["dated causes; each row names its source"],
            )
        )
        writer.set_moment(time_ns(day + DAY))
    return Tape.open(OUT / name)


def add_file(
    writer: TapeWriter, data: Path, entry: dict[str, Any], day: datetime, end: datetime
) -> None:
    """Read one file with its importer, cut it to the tape, write it with its provenance."""
    path = data / entry["path"]
    reading = importer_named(entry["importer"]).read(path, Options(**entry.get("options", {})))
    rows, notes = 0, list(reading.notes)
    end = min(end, entry.get("before", end))
    if "why_before" in entry:
        notes.append(entry["why_before"])
    for table, frame in reading.frames.items():
        kept = frame.filter(pl.col("ts") < end)
        if "from_days" in entry:
            kept = kept.filter(pl.col("ts") >= day - entry["from_days"] * DAY)
        if entry.get("treat") == "bars":
            kept = coarse_before(kept, day - BAR_DAYS_BEFORE * DAY)
            start = time_text(time_ns(day - BAR_DAYS_BEFORE * DAY))
            notes.append(f"bars before {start} are summed up to hours from the same file")
        if kept.height:
            writer.append(table, kept)
            rows += kept.height
    if rows:
        source = Source(
            name=path.name,
            importer=entry["importer"],
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            rows=rows,
            licence=entry["licence"],
            url=entry["repository"],
            options=entry.get("options", {}),
            gaps=reading.gaps,
            notes=[*notes, f"cut before {time_text(time_ns(end))}"],
        )
        writer.add_source(source)


def coarse_before(bars: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """Bars as they are from ``start`` on, summed up to hours before it."""
    hours = (
        bars.filter(pl.col("ts") < start)
        .sort("venue", "symbol", "ts")
        .group_by("venue", "symbol", pl.col("ts").dt.truncate("1h"), maintain_order=True)
        .agg(
            pl.lit("1h").alias("interval"),
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
    )
    return pl.concat([hours.select(bars.columns), bars.filter(pl.col("ts") >= start)])


def events(end: datetime) -> pl.DataFrame:
    """The dated causes before ``end``."""
    rows = tomllib.loads((HERE / "events.toml").read_text())["event"]
    frame = pl.DataFrame(
        [
            {
                "ts": time_ns(row["at"]),
                **{key: row.get(key) for key in ("kind", "title", "source", "precision", "venue")},
            }
            for row in rows
        ],
        schema_overrides={"venue": pl.String},
    )
    return frame.with_columns(pl.col("ts").cast(pl.Datetime("ns", "UTC"))).filter(
        pl.col("ts") < end
    )


def provenance(files: list[dict[str, Any]]) -> str:
    """PROVENANCE.md: a row for each source."""
    lines = [
        "# Where the bundled tapes come from",
        "",
        "Built by `scripts/build_tapes.py` from the files below. Values are unaltered; rows after",
        "a tape's end are cut off, and five-minute bars more than four days before the event are",
        "summed up to hours. Wallet addresses and account names are not among them. Each tape's",
        "`manifest.json` holds the SHA-256 of every file, the rows taken and the gaps found.",
        "",
        "The numbers are the venues', funds' and index makers' public figures: plain market facts.",
        "Files from repositories under the GPL are left out (hourly Binance history since 2019,",
        "daily spot history, Hyperliquid's deleveraging per account): import them with",
        "`undertow import` if you have them.",
        "",
        "| file | repository @ commit | licence stated there |",
        "|---|---|---|",
    ]
    lines += [f"| {f['path']} | {f['repository']} | {f['licence']} |" for f in files]
    lines += [
        "| scripts/tapes/events.toml | written for this project; every row names its source |"
        " Apache-2.0 |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
