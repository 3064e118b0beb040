"""The leverage map's estimate beside what was published, and beside a naive baseline.

Each row of ``estimate_events.csv`` is a published sum of 24 hours. Rows of role ``shape`` (August
2021 to December 2024) were used to fit the parameters, and give one factor, which those of role
``early`` (January to April 2025) share. From then on the counters showed more than before: rows of
role ``scale`` (the first four figures of July and August 2025) give one factor for these and for
those of role ``test``, which were used for nothing. The baseline is a line through the logarithms
of liquidations and of the range of the same 24 hours, fitted on the shape rows and given factors in
the same way.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
import polars as pl

if not __package__:  # started by its path: the folder above holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from undertow.errors import DataError, UndertowError
from undertow.measures.liquidation_estimate import estimate
from undertow.measures.published import published
from undertow.model.periods import duration_ns, time_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME
from verification.hidden_crowds import compare_crowds

EVENTS = Path(__file__).with_name("estimate_events.csv")
HOURLY = "binance_perp_1h_mark_funding_{asset}USDT_2019_2025-11-15.parquet"
FINE = "binance_perp_5m_24symbols_2025-09-15_2025-11-15.parquet"
DAY_NS = duration_ns("1d")
# A year before the first event: the crowd forgets in two months.
FIRST_NS = time_ns("2020-06-01T00:00:00Z")
MARKET = ("ts", "venue", "symbol", "interval")
PRICES = ("open", "high", "low", "close")


@dataclasses.dataclass(frozen=True)
class Row:
    """A published figure with what the model and the baseline see of the same 24 hours."""

    as_of: str
    asset: str
    side: str
    role: str
    published_usd: float
    estimated_usd: float
    daily_range: float


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 2 where the data are not there."""
    parser = argparse.ArgumentParser(prog="estimate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the candles")
    parser.add_argument("--crowds", action="store_true", help="also try on hidden crowds")
    asked = parser.parse_args(arguments)
    try:
        tapes = (major_tape(asked.data), fine_tape(asked.data))
        print_events(read_rows(*tapes))
        if asked.crowds:
            print_crowds(tapes[1])
    except UndertowError as error:
        print(f"estimate: {error}", file=sys.stderr)
        return 2
    return 0


def major_tape(folder: Path) -> Tape:
    """BTC and ETH by the hour, 2020 to 2025, with marks and funding."""
    candles, marks, funding = [], [], []
    for asset in ("BTC", "ETH"):
        frame = _read(folder / HOURLY.format(asset=asset), f"{asset}USDT")
        candles.append(frame.with_columns(interval=pl.lit("1h")).select(*MARKET, *PRICES, "volume"))
        marks.append(
            frame.with_columns(interval=pl.lit("1h"), mark="mark_close")
            .drop_nulls("mark")
            .select(*MARKET, "mark", "mark_high", "mark_low")
        )
        rates = frame.drop_nulls("funding_rate")
        funding.append(rates.select("ts", "venue", "symbol", rate="funding_rate"))
    tables = {"candles": candles, "marks": marks, "funding": funding}
    return Tape.from_frames({name: pl.concat(parts) for name, parts in tables.items()})


def fine_tape(folder: Path) -> Tape:
    """24 perpetuals by five minutes, 15 September to 15 November 2025."""
    frame = _read(folder / FINE, None).with_columns(interval=pl.lit("5m"))
    return Tape.from_frames({"candles": frame.select(*MARKET, *PRICES, "volume")})


def _read(path: Path, symbol: str | None) -> pl.DataFrame:
    if not path.is_file():
        raise DataError("no such file of candles", file=path)
    frame = pl.read_parquet(path).with_columns(
        (pl.col("timestamp") * 1_000_000).cast(TIME).alias("ts"),
        pl.lit("binance-usdm").alias("venue"),
    )
    named = frame if symbol is None else frame.with_columns(symbol=pl.lit(symbol))
    return named.filter(pl.col("ts").cast(pl.Int64) >= FIRST_NS).sort("symbol", "ts")


def read_rows(major: Tape, fine: Tape) -> list[Row]:
    """All events, each with the estimate of its 24 hours."""
    events = pl.read_csv(EVENTS, schema_overrides={"usd": pl.Float64})
    figures = dict(published().select("id", "value").rows())
    hours = [estimate(tape, by="1h").rows for tape in (major, fine)]
    bars = [tape.table("candles").collect() for tape in (major, fine)]
    rows = []
    for event in events.rows(named=True):
        which = 0 if event["asset"] in ("BTC", "ETH") else 1
        end_ns = time_ns(event["as_of"])
        within = (
            pl.col("symbol").cast(pl.String) == f"{event['asset']}USDT",
            pl.col("ts").cast(pl.Int64).is_between(end_ns - DAY_NS, end_ns - 1),
        )
        day, candles = hours[which].filter(within), bars[which].filter(within)
        value = event["usd"] if event["figure"] is None else figures[event["figure"]]
        column = "total_usd" if event["side"] == "both" else f"{event['side']}_usd"
        span = np.log(float(candles["high"].max()) / float(candles["low"].min()))
        rows.append(
            Row(
                event["as_of"], event["asset"], event["side"], event["role"], float(value),
                float(day[column].sum()), float(span),
            )
        )  # fmt: skip
    return rows


def print_events(rows: list[Row]) -> None:
    """The table of events and, by role, the median and the worst decile of the factors off."""
    published_log = np.log([row.published_usd for row in rows])
    model = np.log([row.estimated_usd for row in rows])
    ranges = np.log([row.daily_range for row in rows])
    role = np.array([row.role for row in rows])
    slope, offset = np.polyfit(ranges[role == "shape"], published_log[role == "shape"], 1)
    predictions = {"estimate": model, "baseline": offset + slope * ranges}
    wrong = {}
    for name, predicted in predictions.items():
        error = predicted - published_log
        now = float(np.median(error[role == "scale"]))
        before = float(np.median(error[role == "shape"]))
        wrong[name] = error - np.where(np.isin(role, ["shape", "early"]), before, now)
        print(f"{name}: factor to April 2025 {np.exp(-before):.2f}, after {np.exp(-now):.2f}")
    print(f"baseline: liquidations grow with the range to the power of {slope:.2f}\n")
    print("| 24 hours to | coin | side | role | published, USD m | estimated | factor | baseline |")
    print("|---|---|---|---|---|---|---|---|")
    for n, row in enumerate(rows):
        scaled = row.published_usd * np.exp(wrong["estimate"][n])
        off = [f"{factor(wrong[name][n]):.2f}" for name in ("estimate", "baseline")]
        print(f"| {row.as_of} | {row.asset} | {row.side} | {row.role} "
              f"| {row.published_usd / 1e6:,.0f} | {scaled / 1e6:,.0f} "
              f"| {off[0]} | {off[1]} |")  # fmt: skip
    print("\n| role | figures | estimate: median, worst decile | baseline |\n|---|---|---|---|")
    for name in ("shape", "early", "scale", "test"):
        cells = [summary(wrong[which][role == name]) for which in ("estimate", "baseline")]
        print(f"| {name} | {int((role == name).sum())} | {cells[0]} | {cells[1]} |")
    better = wrong["estimate"] ** 2 < wrong["baseline"] ** 2
    print(f"\nThe estimate is nearer than the baseline in {int(better[role == 'test'].sum())} "
          f"of {int((role == 'test').sum())} test figures.")  # fmt: skip


def factor(error: float) -> float:
    """Factor off, at least one, of a difference of logarithms."""
    return float(np.exp(abs(error)))


def summary(errors: np.ndarray) -> str:
    """Median and ninth decile of the factors off."""
    off = np.exp(np.abs(errors))
    return f"{np.median(off):.2f}, {np.quantile(off, 0.9):.2f}"


def print_crowds(tape: Tape) -> None:
    """The estimate against crowds that were made up with other assumptions than its own."""
    print("\n| hidden crowd | buckets | estimate: median, worst decile | line through the range |")
    print("|---|---|---|---|")
    for name, count, ours, naive in compare_crowds(tape):
        print(f"| {name} | {count} | {summary(ours)} | {summary(naive)} |")


if __name__ == "__main__":
    sys.exit(main())
