"""Three questions to ten million liquidations: our measures, polars and DuckDB asked directly.

``python -m benchmarks.analytics``: one thread each, one process, the same answers (checked).
The rows are made with a seed: 24 hours, 200 assets of Zipf popularity, 12 venues, two sides,
values with a heavy tail. In memory each library holds them in its own form; on disk all three
read the Parquet files of one tape.
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from undertow.measures import liquidations
from undertow.tape import Tape

ROWS = 10_000_000
REPEATS = 7
LIMIT = 1.25
START_NS = 1_762_214_400 * 1_000_000_000  # 4 November 2025
DAY_NS = 86_400 * 1_000_000_000
END_NS = START_NS + DAY_NS
ASSETS = [f"C{number:03d}" for number in range(200)]
VENUES = [f"venue{number:02d}" for number in range(12)]
SIDES = ["short", "long"]
QUESTIONS = (
    "Q1 totals by asset, side, venue",
    "Q2 the 20 largest",
    "Q3 totals by asset and hour",
)
Answer = dict[Any, tuple[float, ...]]


@dataclass(frozen=True)
class Row:
    """One question to one engine: median, fastest and slowest time, and against the best peer."""

    place: str
    question: str
    engine: str
    milliseconds: float
    fastest: float
    slowest: float
    rows_per_second: float
    ratio: float | None


def synthetic(rows: int, seed: int = 20251104) -> pl.DataFrame:
    """Liquidations of one day, in time order."""
    dice = np.random.default_rng(seed)
    popularity = np.cumsum(1.0 / np.arange(1, len(ASSETS) + 1) ** 1.1)
    asset = np.searchsorted(popularity, dice.random(rows) * popularity[-1])
    ts = START_NS + np.sort(dice.integers(0, DAY_NS, rows))

    def words(names: list[str], codes: np.ndarray) -> pl.Series:
        return pl.Series(names, dtype=pl.Categorical()).gather(codes)

    return pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(pl.Datetime("ns", "UTC")),
            "venue": words(VENUES, dice.integers(0, len(VENUES), rows)),
            "symbol": words(ASSETS, asset),
            "side": words(SIDES, (dice.random(rows) < 0.55).astype(int)),
            "price": dice.uniform(0.01, 1e5, rows),
            "quantity": dice.exponential(10.0, rows),
            "usd": np.exp(dice.normal(7.0, 2.0, rows)),
        }
    )


Ask = tuple[Callable[[], Any], Callable[[Any], Answer]]
"""The question that is timed, and how its answer is brought to a form that can be compared."""


def ours(tape: Tape) -> list[Ask]:
    """Through the measures, window and coverage included."""
    return [
        (
            lambda: liquidations.totals(tape, at=END_NS),
            lambda f: {row[:3]: row[3:] for row in f.rows()},
        ),
        (
            lambda: liquidations.largest(tape, at=END_NS, count=20),
            lambda f: {(v, s): (u,) for v, s, u in f.select("venue", "symbol", "usd").rows()},
        ),
        (
            lambda: liquidations.hourly(tape, at=END_NS),
            lambda f: {
                (ts, asset): values
                for ts, asset, *values in f.select(
                    pl.col("ts").cast(pl.Int64), "asset", "usd", pl.col("count")
                ).rows()
            },
        ),
    ]


def with_polars(frame: pl.LazyFrame) -> list[Ask]:
    """Polars asked directly."""
    sums = [pl.col("usd").sum(), pl.len()]
    hour = pl.col("ts").dt.truncate("1h")
    return [
        (
            lambda: frame.group_by("symbol", "side", "venue").agg(sums).collect(),
            lambda f: {row[:3]: row[3:] for row in f.rows()},
        ),
        (
            lambda: frame.top_k(20, by="usd").collect(),
            lambda f: {(v, s): (u,) for v, s, u in f.select("venue", "symbol", "usd").rows()},
        ),
        (
            lambda: frame.group_by("symbol", hour).agg(sums).collect(),
            lambda f: {
                (ts, symbol): values
                for symbol, ts, *values in f.with_columns(pl.col("ts").cast(pl.Int64)).rows()
            },
        ),
    ]


def with_duckdb(connection: duckdb.DuckDBPyConnection) -> list[Ask]:
    """DuckDB asked directly; its table or view is called ``rows``."""
    by_three = "select symbol, side, venue, sum(usd), count(*) from rows group by all"
    largest = "select * from rows order by usd desc limit 20"
    by_hour = "select symbol, date_trunc('hour', ts) h, sum(usd), count(*) from rows group by all"

    def ask(statement: str) -> Callable[[], Any]:
        return lambda: connection.execute(statement).fetchall()

    return [
        (ask(by_three), lambda rows: {row[:3]: row[3:] for row in rows}),
        (ask(largest), lambda rows: {(row[1], row[2]): (row[6],) for row in rows}),
        (
            ask(by_hour),
            lambda rows: {(_ns(hour), symbol): tuple(values) for symbol, hour, *values in rows},
        ),
    ]


def _ns(hour: Any) -> int:
    return int(np.datetime64(hour, "ns").astype(np.int64))


def in_duckdb(files: list[Path], *, loaded: bool) -> duckdb.DuckDBPyConnection:
    """A connection with the rows in memory, words as enums; or as a view of the files."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    source = f"read_parquet({[str(file) for file in files]!r})"
    if not loaded:
        connection.execute(f"create view rows as select * from {source}")
        return connection
    for name, words in (("venue", VENUES), ("symbol", ASSETS), ("side", SIDES)):
        connection.execute(f"create type {name}_word as enum ({', '.join(map(repr, words))})")
    connection.execute(
        "create table rows as select ts, venue::varchar::venue_word venue,"
        " symbol::varchar::symbol_word symbol, side::varchar::side_word side,"
        f" price, quantity, usd from {source} order by ts"
    )
    return connection


def compare(place: str, engines: dict[str, list[Ask]], rows: int, repeats: int) -> list[Row]:
    """Time the questions in turns, so that a busy moment of the machine hits all alike.

    Raises
    ------
    AssertionError
        When two engines do not give the same answer.
    """
    results = []
    for number, question in enumerate(QUESTIONS):
        asks = {name: questions[number] for name, questions in engines.items()}
        answers = {name: normal(ask()) for name, (ask, normal) in asks.items()}
        for name, answer in answers.items():
            _same(answer, answers["polars"], f"{question}: {name}")
        times: dict[str, list[float]] = {name: [] for name in asks}
        for _ in range(repeats):
            for name, (ask, _) in asks.items():
                start = time.perf_counter()
                ask()
                times[name].append(1e3 * (time.perf_counter() - start))
        medians = {name: statistics.median(found) for name, found in times.items()}
        best = min(median for name, median in medians.items() if name != "undertow")
        results += [
            Row(
                place, question, name, median, min(times[name]), max(times[name]),
                rows / median * 1e3, median / best if name == "undertow" else None,
            )
            for name, median in medians.items()
        ]  # fmt: skip
    return results


def _same(left: Answer, right: Answer, what: str) -> None:
    assert left.keys() == right.keys(), f"{what}: other groups"
    values = [np.array([answer[key] for key in left], dtype=float) for answer in (left, right)]
    assert np.allclose(*values, rtol=1e-9), f"{what}: other values"


def measure(rows: int = ROWS, repeats: int = REPEATS) -> list[Row]:
    """All rows of the benchmark: in memory, then from disk."""
    frame = synthetic(rows)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape"
        with Tape.create(path, kind="simulated") as writer:
            writer.append("liquidations", frame)
        files = sorted(path.glob("liquidations/*.parquet"))
        engines = {
            "undertow": ours(Tape.from_frames({"liquidations": frame})),
            "polars": with_polars(frame.lazy()),
            "duckdb": with_duckdb(in_duckdb(files, loaded=True)),
        }
        results += compare("memory", engines, rows, repeats)
        engines = {
            "undertow": ours(Tape.open(path)),
            "polars": with_polars(pl.scan_parquet(files)),
            "duckdb": with_duckdb(in_duckdb(files, loaded=False)),
        }
        results += compare("disk", engines, rows, max(1, repeats // 2))
    return results


def print_rows(rows: list[Row], count: int) -> None:
    """One table."""
    table = Table(
        "where", "question", "engine", "ms", "fastest", "slowest", "million rows/s", "x best peer",
        title=f"{count:,} liquidations, {pl.thread_pool_size()} thread",
    )  # fmt: skip
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(
            row.place, row.question, row.engine, f"{row.milliseconds:.1f}", f"{row.fastest:.1f}",
            f"{row.slowest:.1f}", f"{row.rows_per_second / 1e6:.1f}", ratio,
        )  # fmt: skip
    Console(width=130).print(table)
    late = [row for row in rows if row.place == "memory" and (row.ratio or 0) > LIMIT]
    verdict = "NOT met by " + ", ".join(row.question for row in late) if late else "met"
    print(f"goal (in memory, at most {LIMIT} x the best of polars and duckdb): {verdict}")


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.analytics", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--peers", type=Path, help="not used")
    options = parser.parse_args(arguments)
    print_rows(measure(options.rows, options.repeats), options.rows)


if __name__ == "__main__":
    main()
