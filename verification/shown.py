"""How the law of throttled feeds stands against records of real ones.

``python -m verification.shown --data FOLDER`` prints Markdown:

1. *One order a second*: captures of Binance's stream (``recorded_feeds/forceorder_*.csv``): what
   its rule does, how real orders cluster, and how their size grows with their number.
2. *A complete record*: Hyperliquid's liquidations of 10 October 2025 by second
   (``hyperliquid_2025-10-10/cascade_timing_results.json``, ``per_shock_metrics_queue.csv``).
3. *Days*: what trackers showed of venues with a limit, beside Bybit's full feed and Bybit's own
   count (``shown_splits.csv``, bundled), and what the law shows of as much. Runs of four days on
   the real path give how closings are spread over coins and minutes (5-minute candles).

What the folder lacks is "not available". Nothing here is fitted on rows of role ``judged``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

if not __package__:  # started by its path: the folder above holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from undertow.errors import DataError, UndertowError
from undertow.lab.feeds import (
    ORDER_USD,
    OTHER_ORDER_USD,
    SIZE_GROWTH,
    Orders,
    basket_of,
    throttled,
)
from undertow.lab.scenario import Scenario, load
from undertow.model.periods import time_ns
from verification.estimate import DAY_NS, FINE, fine_tape
from verification.path_runs import closed_by_force, on_day

Floats = NDArray[np.float64]
SPLITS = Path(__file__).with_name("shown_splits.csv")
CAPTURES = "recorded_feeds/forceorder_*.csv"
SECONDS = "hyperliquid_2025-10-10/cascade_timing_results.json"
SHOCKS = "hyperliquid_2025-10-10/per_shock_metrics_queue.csv"
PROFILES = ("2025-09-22", "2025-10-21", "2025-10-31", "2025-11-14")
STEP_S = 150.0
BASKET, COINS = "1000PEPE", 100
# By what factor a venue's part of what is closed may differ from its part of open interest: our
# guess, from turnover, by which Binance has about 2.4 of Bybit and by open interest 1.7.
UNSURE = 1.4
RESAMPLES = 200
BANDS = ((0.0, 250.0), (250.0, 600.0), (600.0, 3000.0), (3000.0, 10_000.0), (0.0, np.inf))
ALONE = ("BTC", "ETH")
MIDDLE = ("SOL", "XRP", "DOGE", "BNB")


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 2 where the folder or a file in it is not what it should be."""
    parser = argparse.ArgumentParser(prog="shown", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the records")
    asked = parser.parse_args(arguments)
    try:
        if not asked.data.is_dir():
            raise DataError("no such folder", file=asked.data)
        for title, lines in (
            ("One order a second", captures(asked.data)),
            ("A complete record", complete(asked.data)),
            ("Days", days(asked.data)),
        ):
            print(f"## {title}\n\n" + "\n".join(lines) + "\n")
    except UndertowError as error:
        print(f"shown: {error}", file=sys.stderr)
        return 2
    return 0


def captures(folder: Path) -> list[str]:
    """What the captured streams say; nothing is known of what they do not hold."""
    files = sorted(folder.glob(CAPTURES))
    if not files:
        return [f"not available: no {CAPTURES} in the folder"]
    orders = read_captures(files)
    gap = orders["gap_s"].drop_nulls().to_numpy()
    phase = (orders["ts_ms"].to_numpy() % 1000) / 1000
    whole = np.abs(gap - np.round(gap)) < 0.05
    later = (gap >= 1.5) & (gap < 11.5)
    power, low, high = size_growth(orders)
    alone = orders.group_by("coin", pl.col("ts_ms") // 60_000).len()["len"].to_numpy()
    near = float((alone**2).sum() / alone.sum())
    return [
        "| what | value |", "|---|---|",
        f"| orders, symbols | {orders.height:,}, {orders['coin'].n_unique()} |",
        f"| of one symbol less than 0.9 s after the one before | {(gap < 0.9).sum()} |",
        "| orders with another of their symbol a second later (0.9 to 1.5 s) | "
        f"{((gap >= 0.9) & (gap < 1.5)).sum() / orders.height:.1%} |",
        "| gaps of 1.5 to 11.5 s within 0.05 s of whole seconds | "
        f"{np.mean(whole[later]):.0%} (10 % if at random) |",
        f"| in the first 0.65 s of a second | {np.mean(phase < 0.65):.0%} |",
        f"| orders in a symbol's minute, as an order sees it | {near:.1f} |",
        f"| growth of mean size with orders in the minute; in the law {SIZE_GROWTH} | {power:.2f}"
        f" ({low:.2f} to {high:.2f}) |",
    ]  # fmt: skip


def read_captures(files: list[Path]) -> pl.DataFrame:
    """All orders once: ``ts_ms``, ``coin``, ``usd``, ``hour`` and ``gap_s`` since the last one.

    Raises
    ------
    DataError
        For a line that is no order.
    """
    rows = set()
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            part = line.removeprefix("Hello Arbitrage Trading Bot").split(",")
            try:
                rows.add((int(part[10]), part[0].removesuffix("USDT"), float(part[11])))
            except (IndexError, ValueError):
                raise DataError(
                    "a captured order has symbol, side, type, validity, quantity, two prices,"
                    " status, two quantities, time (ms) and dollars",
                    file=file, row=number, value=line[:60],
                ) from None  # fmt: skip
    frame = pl.DataFrame(sorted(rows), schema=["ts_ms", "coin", "usd"], orient="row")
    return frame.with_columns(
        gap_s=pl.col("ts_ms").diff().over("coin") / 1000, hour=pl.col("ts_ms") // 3_600_000
    )


def size_growth(orders: pl.DataFrame) -> tuple[float, float, float]:
    """The power by which mean dollars grow with the orders of the minute, and a 95 % interval.

    Logarithms of means, one offset for each class of coin; the interval is a bootstrap over the
    hours of the symbols.
    """
    minute = pl.len().over("coin", pl.col("ts_ms") // 60_000)
    frame = orders.with_columns(
        count=minute.log(), cluster=pl.struct("coin", "hour").rank("dense") - 1
    )
    coin = frame["coin"].to_list()
    of = [ALONE.index(one) if one in ALONE else 2 if one in MIDDLE else 3 for one in coin]
    classes, place = np.unique(of, return_inverse=True)
    given = np.column_stack([np.eye(len(classes))[place], frame["count"].to_numpy()])
    usd, cluster = frame["usd"].to_numpy(), frame["cluster"].to_numpy()
    dice = np.random.default_rng(1)
    number = int(cluster.max()) + 1
    thrown = [
        _slope(given, usd, dice.multinomial(number, np.full(number, 1 / number))[cluster] + 1e-9)
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(thrown, [0.025, 0.975]).tolist()
    return _slope(given, usd, np.ones(len(usd))), low, high


def _slope(given: Floats, usd: Floats, weight: Floats) -> float:
    """Last coefficient of a fit of means with a logarithmic link and errors as large as they."""
    found = np.append(np.full(given.shape[1] - 1, np.log(usd.mean())), 0.0)
    for _ in range(60):
        mean = np.exp(given @ found)
        aim = given @ found + (usd - mean) / mean
        found = np.linalg.solve((given.T * weight) @ given, (given.T * weight) @ aim)
    return float(found[-1])


def complete(folder: Path) -> list[str]:
    """How much of Hyperliquid's 12 minutes fell into how few seconds."""
    path = folder / SECONDS
    if not path.is_file():
        return [f"not available: no {SECONDS} in the folder"]
    seconds = pl.DataFrame(json.loads(path.read_text())["timeline"])
    minutes = (
        seconds.group_by(pl.col("second") // 60)
        .agg(pl.len().alias("active"), pl.col("liquidations").sum())
        .sort("second")
    )
    lines = ["| minute | fills | seconds with any | if they came evenly |", "|---|---|---|---|"]
    for minute, active, fills in minutes.rows():
        lines.append(f"| {minute} | {fills:,} | {active} | {60 * (1 - np.exp(-fills / 60)):.0f} |")
    total, span = sum(seconds["liquidations"]), max(seconds["second"]) + 1
    lines.append(f"\n{total:,} fills of all coins in {seconds.height} of {span} seconds.")
    if (shocks := folder / SHOCKS).is_file():
        moments = pl.read_csv(shocks).select("coin", pl.col("t_start").str.slice(0, 19)).unique()
        events = sum(seconds["adls"])
        lines.append(
            f"Of them {events:,} met deleveraged winners, in {moments.height:,} seconds of single"
            " coins: one order a second and coin lets through at most"
            f" {moments.height / events:.1%}."
        )
    return lines


def days(folder: Path) -> list[str]:
    """The law beside what trackers showed, by day."""
    if not (folder / FINE).is_file():
        return [f"not available: no {FINE} in the folder"]
    profiles = [profile(folder, day) for day in PROFILES]
    scenario = load("2025-11-04")
    part = {name: open_usd(scenario, name) / open_usd(scenario, "bybit")
            for name in ("binance-usdm", "okx")}  # fmt: skip
    lines = ["| day | venue | all that was closed, USD m | shown | share measured | law | ratio |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    wrong: list[tuple[str, float, float]] = []
    for row in pl.read_csv(SPLITS).sort("day").rows(named=True):
        for venue, all_musd, shown_musd, unsure in _compared(row, part):
            seen = [law_share(one, all_musd * 1e6) for one in profiles]
            measured, law = shown_musd / all_musd, float(np.median(seen))
            wrong.append((row["role"], all_musd, law / measured))
            lines.append(
                f"| {row['day']} | {venue} | {all_musd:,.0f} | {shown_musd:,.0f} | {measured:.2f}"
                f" ({measured / unsure:.2f} to {min(measured * unsure, 1):.2f}) | {law:.2f}"
                f" ({min(seen):.2f} to {max(seen):.2f}) | {law / measured:.2f} |"
            )
    return [*lines, "", *by_intensity(wrong)]


def by_intensity(wrong: list[tuple[str, float, float]]) -> list[str]:
    """How far off the law is, by role and by what was closed at a venue in the day.

    Parameters
    ----------
    wrong
        Role, millions of dollars closed, and share by the law over share measured.
    """
    lines = ["| role | closed at a venue in 24 hours, USD m | shares | law over measured, median"
             " | range | factor off, median |", "|---|---|---|---|---|---|"]  # fmt: skip
    for role in ("fit", "judged"):
        for low, high in BANDS:
            ratios = np.array([x for one, musd, x in wrong if one == role and low <= musd < high])
            if not ratios.size:
                continue
            label = "all" if (low, high) == BANDS[-1] else f"{low:,.0f} to {high:,.0f}"
            off = float(np.median(np.exp(np.abs(np.log(ratios)))))
            lines.append(
                f"| {role} | {label} | {ratios.size} | {np.median(ratios):.2f}"
                f" | {ratios.min():.2f} to {ratios.max():.2f} | {off:.2f} |"
            )
    return lines


def _compared(
    row: dict[str, float], part: dict[str, float]
) -> list[tuple[str, float, float, float]]:
    """Venue, all that was closed there and what was shown (USD m), and how unsure the first is."""
    if row["bybit_all_musd"] is not None:
        return [("Bybit", row["bybit_all_musd"], row["bybit_musd"], 1.0)]
    venues = {"Binance": ("binance_musd", "binance-usdm"), "OKX": ("okx_musd", "okx")}
    return [
        (venue, row["bybit_musd"] * part[name], row[column], UNSURE)
        for venue, (column, name) in venues.items()
        if row[column] is not None
    ]


def open_usd(scenario: Scenario, venue: str) -> float:
    """Open interest of the coins that all venues of the crowd list, USD."""
    (one,) = [one for one in scenario.venues if one.id == venue]
    return sum(one.open_interest_usd[asset].value for asset in ("BTC", "ETH", "SOL"))


def profile(folder: Path, day: str) -> pl.DataFrame:
    """What a run of a day closes by force, by step and coin, all venues together."""
    (row,) = [one for one in _days() if one[0].startswith(day)]
    tape = fine_tape(folder)
    made = on_day(load(row[1]), tape, time_ns(row[0]) - DAY_NS, f"{STEP_S:.0f}s", {})
    closed = closed_by_force(made, tape, seed=1)["liquidations"].filter(pl.col("stage") != "adl")
    coins = {(one.id, symbol): asset for one in made.venues
             for asset, symbol in one.symbols.items()}  # fmt: skip
    names = [coins[venue, symbol] for venue, symbol in closed.select("venue", "symbol").rows()]
    return (
        closed.with_columns(symbol=pl.Series(names), account=pl.lit(1))
        .group_by("ts", "symbol", "account")
        .agg(pl.col("usd", "quantity").sum())
        .filter(pl.col("usd") > 0)
    )


def _days() -> list[tuple[str, str]]:
    events = Path(__file__).with_name("path_events.csv")
    return pl.read_csv(events).select("until", "scenario").unique().rows()


def law_share(closed: pl.DataFrame, usd: float) -> float:
    """What a feed of an order a second and coin shows of so many dollars, spread like that."""
    scaled = closed.with_columns(pl.col("usd", "quantity") * (usd / sum(closed["usd"])))
    sizes = {
        coin: Orders(
            ORDER_USD.get(coin, OTHER_ORDER_USD),
            basket_of(COINS if coin == BASKET else 1),
            ((1.0, 1),),
        )
        for coin in closed["symbol"].unique().to_list()
    }
    return float(throttled(scaled, sizes, STEP_S)["usd"].sum()) / usd


if __name__ == "__main__":
    sys.exit(main())
