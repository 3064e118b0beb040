"""What a user sees of ``undertow estimate``: figures for every bucket, nothing from the future."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from making import Undertow, small_tape
from undertow.errors import NotRecorded, UndertowError
from undertow.measures.liquidation_estimate import estimate
from undertow.model.periods import duration_ns, time_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME

START_NS = time_ns("2025-06-01T00:00:00Z")
HOUR_NS = duration_ns("1h")
DAY_NS = 24 * HOUR_NS


def wandering(
    hours: float,
    *,
    venue: str = "binance-usdm",
    symbol: str = "BTCUSDT",
    interval: str = "1h",
    first_hour: int = 0,
    price: float = 100.0,
    hourly: float = 0.006,
    turnover_per_hour: float | None = 1e8,
    seed: int = 1,
) -> pl.DataFrame:
    """Bars of a random walk with this much movement and turnover in an hour."""
    step_ns = duration_ns(interval)
    count = int(hours * HOUR_NS // step_ns)
    scale = hourly * (step_ns / HOUR_NS) ** 0.5
    dice = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(dice.normal(0, scale, count)))
    start = np.concatenate([[price], close[:-1]])
    high = np.maximum(start, close) * np.exp(dice.exponential(scale / 2, count))
    low = np.minimum(start, close) * np.exp(-dice.exponential(scale / 2, count))
    volume = None
    if turnover_per_hour is not None:
        volume = turnover_per_hour * step_ns / HOUR_NS / close
    return pl.DataFrame(
        {
            "ts": pl.Series(START_NS + first_hour * HOUR_NS + step_ns * np.arange(count)),
            "open": start,
            "high": high,
            "low": low,
            "close": close,
        }
    ).with_columns(
        pl.col("ts").cast(TIME),
        pl.lit(venue).alias("venue"),
        pl.lit(symbol).alias("symbol"),
        pl.lit(interval).alias("interval"),
        pl.lit(None, pl.Float64).alias("volume") if volume is None else pl.Series("volume", volume),
    )


def interest(
    values: list[float], *, venue: str = "binance-usdm", symbol: str = "BTCUSDT",
    first_hour: int = 0, interval: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    step_ns = HOUR_NS if interval is None else duration_ns(interval)
    times = START_NS + first_hour * HOUR_NS + step_ns * np.arange(len(values))
    return pl.DataFrame({"ts": pl.Series(times).cast(TIME), "usd": values}).with_columns(
        pl.lit(venue).alias("venue"),
        pl.lit(symbol).alias("symbol"),
        pl.lit(interval, pl.String).alias("interval"),
    )


def mixed() -> dict[str, pl.DataFrame]:
    """All that a real tape throws at the estimate, in 12 days."""
    whole = 12 * 24
    holes = wandering(whole, symbol="HOLE", seed=3, price=1e-6)
    perp = wandering(whole, price=6e4)
    candles = [
        perp,
        wandering(7 * 24, venue="bybit", first_hour=5 * 24, price=6e4, seed=2),
        wandering(whole, venue="binance-spot", price=6e4),
        wandering(whole, venue="binance-spot", symbol="SOLUSDT", seed=5),
        wandering(4 * 24 - 5, venue="okx", symbol="SOLUSDT", first_hour=8 * 24 + 5, seed=5),
        holes.filter(pl.int_range(pl.len()) % 7 != 3).filter(
            ~pl.int_range(pl.len()).is_between(60, 100)
        ),
        wandering(2 * 24, symbol="ETHUSDT", interval="5m", first_hour=24, seed=7),
        wandering(whole, symbol="ETHUSDT", seed=7),
        wandering(whole, symbol="ETHUSDT", interval="1d", seed=7),
        wandering(whole, symbol="BIG", interval="4h", price=1e6),
        wandering(7 * 24, symbol="LATE", first_hour=5 * 24 + 3, turnover_per_hour=None),
        wandering(8 * 24, symbol="ODD", interval="1d", first_hour=8),
        wandering(2 * 24, symbol="ODD", first_hour=4 * 24),
        wandering(whole, venue="binance-coinm", symbol="BTCUSD_PERP", price=6e4),
    ]
    dice = np.random.default_rng(4)
    walk = [float(value) for value in 3e8 * np.exp(np.cumsum(dice.normal(0, 0.03, 200)))]
    marks = perp.select(
        "ts", "venue", "symbol", "interval", mark="close",
        mark_high=pl.max_horizontal(pl.col("high") * 0.999, "close"),
        mark_low=pl.min_horizontal(pl.col("low") * 1.001, "close"),
    )  # fmt: skip
    return {
        "candles": pl.concat(candles),
        "open_interest": pl.concat(
            [
                interest(walk[:120], first_hour=48),
                interest(walk[:6], venue="bybit", first_hour=72, interval="1d"),
                interest(walk[:90], venue="okx", first_hour=100),
                interest(walk[:10], symbol="ETHUSDT_PERP.A", interval="1d"),
            ]
        ),
        "funding": interest([2e-4] * 30, interval="8h").rename({"usd": "rate"}).drop("interval"),
        "marks": marks.filter(pl.int_range(pl.len()) > 50),
    }


TABLES = mixed()
TAPE = Tape.from_frames(TABLES)
WHOLE = {by: estimate(TAPE, by=by).rows for by in ("1h", "1d")}


@pytest.mark.parametrize("by", ["1h", "1d"])
def test_every_bucket_with_candles_has_a_positive_figure(by: str) -> None:
    length_ns = HOUR_NS if by == "1h" else DAY_NS
    lengths = {name: duration_ns(name) for name in ("5m", "1h", "4h", "1d")}
    end = pl.col("ts").cast(pl.Int64) + pl.col("interval").replace_strict(lengths) - 1
    expected = (
        TABLES["candles"]
        .filter(pl.col("interval").replace_strict(lengths) <= length_ns)
        .select((end // length_ns * length_ns).cast(TIME).alias("ts"), "symbol")
        .unique()
    )
    if by == "1d":  # where hours cover it, a bar of another day's 08:00 gives way
        expected = expected.filter(pl.col("symbol") != "ODD")
    found = WHOLE[by].select("ts", "symbol")
    assert expected.join(found, on=["ts", "symbol"], how="anti").is_empty()
    assert found.is_duplicated().sum() == 0
    totals = WHOLE[by]["total_usd"]
    assert (totals > 0).all() and totals.is_finite().all()
    parts = WHOLE[by]["long_usd"] + WHOLE[by]["short_usd"]
    assert (parts - totals).abs().max() < 0.011  # type: ignore[operator]


@settings(max_examples=8)
@given(by=st.sampled_from(["1h", "1d"]), day=st.integers(1, 11), hour=st.integers(0, 23))
def test_cutting_the_tape_after_a_bucket_does_not_change_it(by: str, day: int, hour: int) -> None:
    cut_ns = START_NS + day * DAY_NS + (hour * HOUR_NS if by == "1h" else 0)
    known = TAPE.until(cut_ns)
    cut = Tape.from_frames({name: known.table(name).collect() for name in TABLES})
    before = pl.col("ts").cast(pl.Int64) < cut_ns
    assert estimate(cut, by=by).rows.equals(WHOLE[by].filter(before))
    # Who cuts by the column `ts` drops what was recorded at that very moment, and keeps bars that
    # are not over.
    blunt = Tape.from_frames({name: frame.filter(before) for name, frame in TABLES.items()})
    assert estimate(blunt, by=by).rows.filter(before).equals(WHOLE[by].filter(before))


def total(*candles: pl.DataFrame, symbol: str = "BTCUSDT", **tables: pl.DataFrame) -> float:
    rows = estimate(Tape.from_frames({"candles": pl.concat(candles), **tables})).rows
    return float(rows.filter(pl.col("symbol") == symbol)["total_usd"].sum())


def test_figures_grow_in_proportion_to_turnover_and_faster_than_the_move() -> None:
    calm = wandering(20 * 24, hourly=0.004)
    assert total(wandering(20 * 24, hourly=0.004, turnover_per_hour=3e8)) == pytest.approx(
        3 * total(calm), rel=1e-6
    )
    last = pl.col("ts").cast(pl.Int64) >= START_NS + 19 * DAY_NS
    anchor = calm.filter(~last)["close"][-1]
    figures = []
    for factor in (1.0, 4.0):
        day = calm.with_columns(
            pl.when(last)
            .then(anchor * (pl.col(name) / anchor) ** factor)
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("open", "high", "low", "close")
        )
        figures.append(estimate(Tape.from_frames({"candles": day})).rows["total_usd"][-1])
    assert figures[1] > 6 * figures[0]


def test_a_fall_closes_longs_and_a_rise_shorts() -> None:
    before = wandering(10 * 24, hourly=0.003)
    price = before["close"][-1]
    for factor, most in ((0.98, "long_usd"), (1.02, "short_usd")):
        closes = price * factor ** np.arange(1, 7)
        starts = np.concatenate([[price], closes[:-1]])
        move = wandering(6, first_hour=10 * 24).with_columns(
            pl.Series("open", starts), pl.Series("close", closes),
            pl.Series("high", np.maximum(starts, closes)),
            pl.Series("low", np.minimum(starts, closes)),
            volume=pl.lit(1e6),
        )  # fmt: skip
        tape = Tape.from_frames({"candles": pl.concat([before, move.select(before.columns)])})
        day = estimate(tape).rows.row(-1, named=True)
        assert day[most] > 0.8 * day["total_usd"]


def test_a_coin_moves_as_usual_or_not_whatever_its_usual_range() -> None:
    calm, wild = (total(wandering(25 * 24, hourly=size, seed=9)) for size in (0.004, 0.012))
    assert wild / calm == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize("interval", ["5m", "15m", "4h", "1d"])
def test_other_lengths_of_bars_give_about_the_same(interval: str) -> None:
    """Joined from one path of five minutes, so that only the length differs."""
    fine = wandering(30 * 24, interval="5m")
    joined = (
        fine.group_by_dynamic("ts", every=interval)
        .agg(
            pl.first("venue", "symbol", "open"), pl.max("high"), pl.min("low"),
            pl.last("close"), pl.sum("volume"),
        )
        .with_columns(pl.lit(interval).alias("interval"))
        .select(fine.columns)
    )  # fmt: skip
    # Real paths, with calm and wild hours, come closer than a random walk: 9 % for days.
    allowed = {"5m": 1e-3, "15m": 1e-3, "4h": 0.35, "1d": 0.8}[interval]
    assert total(joined) == pytest.approx(total(fine), rel=allowed)


def test_the_finest_bars_that_cover_the_day_count_once() -> None:
    hours, days = wandering(10 * 24), wandering(10 * 24, interval="1d", seed=8)
    assert total(hours, days) == total(hours)
    # One hour of a day does not stand for the day.
    assert total(hours.head(1), days) == pytest.approx(total(days), rel=1e-6)


def test_a_venue_that_joins_the_open_interest_is_no_new_position() -> None:
    candles = wandering(20 * 24)
    alone = [3e8] * (20 * 24)
    elsewhere = interest(alone, venue="okx")
    joined = pl.concat([elsewhere, interest([9e9] * 200, venue="gate", first_hour=200)])
    left = pl.concat([elsewhere, interest([9e9] * 200, venue="gate")])
    expected = total(candles, open_interest=elsewhere)
    assert total(candles, open_interest=joined) == expected
    assert total(candles, open_interest=left) == expected


def by_day(candles: pl.DataFrame, **tables: pl.DataFrame) -> list[float]:
    return estimate(Tape.from_frames({"candles": candles, **tables})).rows["total_usd"].to_list()


@pytest.mark.parametrize("interval", [None, "1d"])
@pytest.mark.parametrize("size", [0.2, 5.0])
def test_open_interest_that_begins_later_does_not_move_the_level(
    size: float, interval: str | None
) -> None:
    """Ten days of 30: whoever fixed the scale on the first days can go on with it."""
    candles = wandering(30 * 24)
    values = [size * 0.28 * 24 * 1e8] * (20 * 24 if interval is None else 20)
    alone = by_day(candles)
    joined = by_day(candles, open_interest=interest(values, first_hour=240, interval=interval))
    assert joined[:10] == alone[:10]
    assert joined == pytest.approx(alone, rel=0.1)


def test_open_interest_of_nothing_is_a_fault_of_the_recording() -> None:
    candles = wandering(20 * 24)
    whole = interest([6.72e8] * 480).with_columns(contracts=6.72e6)
    row = pl.int_range(pl.len())
    faulty = whole.with_columns(
        pl.when(row == 200).then(0.0).otherwise(pl.col(name)).alias(name)
        for name in ("usd", "contracts")
    )
    holed = whole.filter(row != 200)
    assert by_day(candles, open_interest=faulty) == by_day(candles, open_interest=holed)


def test_dollars_that_move_with_the_price_close_nobody() -> None:
    """Days of open interest in dollars and in coins say the same."""
    candles = wandering(20 * 24, hourly=0.012)
    last = candles["close"].to_numpy()[23::24]
    coins = interest([1.0] * 20, interval="1d").with_columns(
        contracts=pl.Series(6.72e8 / last[0] * np.ones(20)), usd=pl.lit(None, pl.Float64)
    )
    dollars = interest([float(price) * 6.72e8 / last[0] for price in last], interval="1d")
    assert by_day(candles, open_interest=dollars) == pytest.approx(
        by_day(candles, open_interest=coins), rel=0.06
    )


def of_three(size: float, hours: int = 480, known: int = 3) -> list[float]:
    """Totals of three coins, the first with more or less open than the others, and days of it."""
    names = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    usual = 0.7 * 24 * 1e8
    candles = pl.concat([wandering(30 * 24, symbol=name) for name in names])
    tables = [
        interest([usual * (size if name == "BTCUSDT" else 1.0)] * hours, symbol=name)
        for name in names[:known]
    ]
    rows = estimate(Tape.from_frames({"candles": candles, "open_interest": pl.concat(tables)})).rows
    days = [rows.filter(pl.col("symbol") == name)["total_usd"].to_list() for name in names]
    return [*map(sum, days), days[0][-1] / days[1][-1]]


def test_more_open_interest_than_others_have_means_more() -> None:
    less, same, more = (of_three(size) for size in (0.25, 1.0, 4.0))
    assert less[0] < 0.7 * same[0] < 0.7 * 0.7 * more[0]
    assert same[0] == pytest.approx(same[1], rel=0.1)
    assert more[1:3] == pytest.approx(same[1:3], rel=0.05)
    # It ends ten days before the candles do: what it said of the level stays.
    assert less[3] < 0.7 < 1.4 < more[3]


def test_what_a_source_counts_as_open_makes_no_coin_larger_than_those_it_lacks() -> None:
    """Open interest of two coins, by another measure than of turnover: of all venues, say."""
    first, second, lacking, _ = of_three(1.0, known=2)
    assert [first, second] == pytest.approx([lacking, lacking], rel=0.15)


def test_spot_counts_fully_only_where_there_is_no_perpetual() -> None:
    spot, perp = wandering(10 * 24, venue="binance-spot"), wandering(10 * 24)
    assert total(spot) == pytest.approx(total(perp), rel=1e-6)
    assert total(spot, perp) == pytest.approx(1.02 * total(perp), rel=1e-3)


def test_prices_of_any_size_give_the_same_dollars() -> None:
    usual = total(wandering(10 * 24))
    for price in (1e-6, 1e6):
        # Bins of the price begin elsewhere: a small difference.
        assert total(wandering(10 * 24, price=price)) == pytest.approx(usual, rel=0.05)


def test_a_market_that_stands_still_is_not_zero() -> None:
    still = wandering(5 * 24).with_columns(
        pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close")
    )
    rows = estimate(Tape.from_frames({"candles": still})).rows
    assert (rows["total_usd"] > 0).all()


def test_a_volume_of_nothing_where_the_price_moved_was_not_recorded() -> None:
    moved = wandering(5 * 24, turnover_per_hour=0.0)
    assert total(moved) == total(wandering(5 * 24, turnover_per_hour=None)) > 1e5
    some = wandering(5 * 24).with_columns(
        volume=pl.when(pl.int_range(pl.len()) % 2 == 0).then(0.0).otherwise(pl.col("volume"))
    )
    assert total(some) == pytest.approx(total(wandering(5 * 24)), rel=0.1)


def test_what_cannot_be_answered_is_said() -> None:
    with pytest.raises(UndertowError, match="bucket '2h': expected 1h or 1d"):
        estimate(TAPE, by="2h")
    with pytest.raises(NotRecorded, match="candles of at most 1 h"):
        estimate(Tape.from_frames({"candles": wandering(48, interval="4h")}), by="1h")
    with pytest.raises(NotRecorded, match="candles"):
        estimate(Tape.from_frames({"open_interest": interest([1.0])}))


def test_the_command_prints_a_flat_list_and_says_what_it_used(
    undertow: Undertow, tmp_path: Path
) -> None:
    small_tape(tmp_path / "t", candles=wandering(3 * 24), open_interest=interest([3e8] * 72))
    done = undertow("estimate", tmp_path / "t", "--json")
    rows = json.loads(done.stdout)
    assert [row["ts"] for row in rows] == [f"2025-06-0{day}T00:00:00Z" for day in (1, 2, 3)]
    assert list(rows[0]) == ["ts", "symbol", "long_usd", "short_usd", "total_usd"]
    assert rows[0]["symbol"] == "BTCUSDT"
    assert "used: open interest of 1 of 1 markets" in done.stderr
    assert "nowcast" in done.stderr and "scale assumed" in done.stderr
    hourly = undertow("estimate", tmp_path / "t", "--by", "1h")
    assert hourly.stdout.count("BTCUSDT") == 72
    days = undertow("estimate", tmp_path / "t").stdout
    (total,) = [line for line in days.splitlines() if line.count(" all ") == 2]
    assert f"{sum(row['total_usd'] for row in rows):,.0f}" in total


def test_accuracy_is_told_with_what_it_was_measured_on(undertow: Undertow, tmp_path: Path) -> None:
    small_tape(tmp_path / "t", candles=wandering(3 * 24))
    told = undertow("estimate", tmp_path / "t", "--json").stderr
    assert "the scale is assumed, so that the level can be off by any factor" in told
    assert "on other markets and times it was not measured" in told


def test_gaps_and_a_bucket_that_is_not_over_are_said() -> None:
    whole = wandering(60)
    holes = whole.filter(
        ~pl.col("ts").cast(pl.Int64).is_between(START_NS + 20 * HOUR_NS, START_NS + 26 * HOUR_NS)
    )
    told = estimate(Tape.from_frames({"candles": holes})).used
    assert any("most: BTCUSDT on binance-usdm, 7 h" in line for line in told)
    assert any("the bucket of 2025-06-03T00:00:00Z so far only" in line for line in told)
    full = estimate(Tape.from_frames({"candles": whole}), by="1h").used
    assert not any("no candles for" in line or "so far" in line for line in full)
