"""Event studies: exact where no chance is in play, and honest where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from measures import bars_of, other_futures, tape_of
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import event_study
from undertow.model.periods import time_ns, time_text
from undertow.tape import Tape
from undertow.tape.frames import TIME

START = "2023-01-01T00:00:00Z"  # a Sunday
HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS


def hourly(returns: Sequence[float]) -> pl.DataFrame:
    """Closes by the hour; return n moves the price in the hour that ends n hours after START."""
    closes = 100 * np.exp(np.cumsum(returns))
    return bars_of(list(closes), start="2022-12-31T23:00:00Z", interval="1h")


def at_hour(hour: int) -> str:
    return time_text(time_ns(START) + hour * HOUR_NS)


def random_walk(days: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.005, 24 * days)


def with_crashes(days: int, seed: int, *, then: float) -> np.ndarray:
    """A random walk that falls 10 % in the evening of a random tenth of days, and what follows."""
    returns = random_walk(days, seed)
    for day in np.flatnonzero(np.random.default_rng(seed + 1).random(days - 4) < 0.1):
        returns[24 * day + 22] -= 0.1
        returns[24 * day + 25 : 24 * day + 73] += then / 48
    return returns


# The mean path.


def test_the_mean_path_is_the_mean_of_the_paths() -> None:
    returns = np.zeros(24 * 28)
    returns[24 * 7 + 1 : 24 * 7 + 3] = 0.01, 0.02  # after the first event
    returns[24 * 15 + 6 + 1] = 0.05  # after the second
    returns[24 * 15 + 6] = -0.04  # and before it
    events = [at_hour(24 * 7), at_hour(24 * 15 + 6)]
    found = event_study.mean_path(
        tape_of(hourly(returns)), events, symbol="BTCUSDT", before="2h", after="3h"
    )
    assert found["hours"].to_list() == [-2, -1, 0, 1, 2, 3]
    assert found["mean"].to_list() == pytest.approx([0.02, 0.02, 0, 0.03, 0.04, 0.04])
    assert found["events"].unique().to_list() == [2]
    # A resample takes one of the two events twice, or both.
    assert found["low"].to_list()[3:] == pytest.approx([0.01, 0.03, 0.03])
    assert found["high"].to_list()[:4] == pytest.approx([0.04, 0.04, 0, 0.05])
    # Nothing moved on the other days.
    assert found["control_low"].abs().max() == found["control_high"].abs().max() == 0


def test_controls_are_of_the_same_weekday_and_hour() -> None:
    week = np.random.default_rng(2).normal(0, 0.01, 24 * 7)
    tape = tape_of(hourly(np.tile(week, 8)))
    events = [at_hour(24 * 7 * 3 + 50), at_hour(24 * 7 * 5 + 99)]
    found = event_study.mean_path(tape, events, symbol="BTCUSDT")
    # Every week is alike: at the same hours the controls do just what the events do.
    for name in ("control_mean", "control_low", "control_high"):
        assert found[name].to_list() == pytest.approx(found["mean"].to_list(), abs=1e-12)


def test_controls_do_not_follow_an_event() -> None:
    returns = np.zeros(24 * 7 * 6)
    returns[24 * 7 * 3 + 2] = 0.5
    tape = tape_of(hourly(returns))
    event, echo = at_hour(24 * 7 * 3), at_hour(24 * 7 * 3 + 1)
    # A week after the one event, and not the other's own path, is the control of the second.
    found = event_study.mean_path(tape, [event, echo], symbol="BTCUSDT", before="1h", after="5h")
    assert found["mean"].to_list()[-1] == pytest.approx(0.5)
    assert found["control_high"].to_list()[-1] == 0
    # What came right before an event may be one, and so may the time when its path has ended.
    rest = tape.slice(at_hour(24 * 20))
    after = event_study.mean_path(rest, [event], symbol="BTCUSDT", before="1h", after="7d")
    assert after["control_mean"].to_list()[-1] == 0
    long = event_study.mean_path(tape, [event], symbol="BTCUSDT", before="1h", after="8d")
    assert long["control_high"].to_list()[-1] == pytest.approx(0.5)  # from the week before


def test_events_without_a_whole_path_are_left_out() -> None:
    tape = tape_of(hourly(random_walk(28, 0)))
    events = [at_hour(1), at_hour(24 * 10), at_hour(24 * 28 - 10)]
    found = event_study.mean_path(tape, events, symbol="BTCUSDT")
    assert found["events"].unique().to_list() == [1]
    assert found["low"].to_list() == found["high"].to_list() == found["mean"].to_list()
    early = at_hour(24 * 13 - 1)  # an hour before that event's path has ended
    with pytest.raises(NotRecorded, match=f"known at {early}"):
        event_study.mean_path(tape, events[1:2], symbol="BTCUSDT", at=early)
    with pytest.raises(NotRecorded, match="any of 1 times"):
        event_study.mean_path(tape, events[:1], symbol="BTCUSDT")
    with pytest.raises(NotRecorded, match="by 5m from"):
        event_study.mean_path(tape, events, symbol="BTCUSDT", step="5m")
    with pytest.raises(NotRecorded, match="candles of ETHUSDT"):
        event_study.mean_path(tape, events, symbol="ETHUSDT")
    with pytest.raises(UndertowError, match=r"step 4d: expected no longer than after \(72h\)"):
        event_study.mean_path(tape, events, symbol="BTCUSDT", step="4d")


def test_the_dice_are_those_of_the_seed() -> None:
    tape = tape_of(hourly(random_walk(70, 1)))
    events = [at_hour(24 * n) for n in (10, 20, 33, 41)]
    first, again, other = (
        event_study.mean_path(tape, events, symbol="BTCUSDT", seed=seed) for seed in (1, 1, 2)
    )
    assert first.equals(again)
    bands = ["low", "high", "control_low", "control_high"]
    assert not first.select(bands).equals(other.select(bands))
    assert first.drop(bands).equals(other.drop(bands))


# Heavy times.


def test_heavy_days_of_liquidations() -> None:
    rows = [  # hours after START, symbol, side, USD, stage
        (1, "BTCUSDT", "long", 10.0, None),
        (23, "BTC", "long", 20.0, "full"),
        (25, "BTCUSDT", "long", 5.0, None),
        (49, "BTCUSDT", "long", 8.0, None),
        (50, "BTCUSDT", "long", 900.0, "adl"),
        (51, "BTCUSDT", "short", 900.0, None),
        (52, "ETHUSDT", "long", 900.0, None),
        (73, "BTCUSDT", "long", 7.0, None),
        (97, "BTCUSDT", "long", 900.0, None),  # on a day that is not over
    ]
    frame = pl.DataFrame(rows, ["hour", "symbol", "side", "usd", "stage"], orient="row").select(
        (pl.col("hour") * HOUR_NS + time_ns(START)).cast(TIME).alias("ts"),
        pl.lit("bybit").alias("venue"),
        *("symbol", "side", "usd", "stage"),
    )
    tape = tape_of(liquidations=frame)
    found = event_study.heavy_times(
        tape, source="liquidations", symbol="BTCUSDT", quantile=0.5, at=at_hour(98)
    )
    assert found["time"].cast(pl.Int64).to_list() == [time_ns(at_hour(24)), time_ns(at_hour(72))]
    assert found["value"].to_list() == [30.0, 8.0]
    assert found["threshold"].unique().to_list() == [7.5]


def open_interest(venue: str, **values: list[float]) -> pl.DataFrame:
    """One row a day, each the open interest at the day's end."""
    count = len(values["usd"])
    return pl.DataFrame({"contracts": [None] * count, **values}).with_columns(
        pl.col("contracts").cast(pl.Float64),
        pl.Series("ts", [time_ns(START) + n * DAY_NS for n in range(count)]).cast(TIME),
        venue=pl.lit(venue),
        symbol=pl.lit("BTCUSDT"),
        interval=pl.lit("1d"),
    )


def test_sharp_falls_of_open_interest() -> None:
    tape = tape_of(
        open_interest=pl.concat(
            [
                # In contracts where they are known: dollars fall with the price alone.
                open_interest("bybit", contracts=[100, 90, 90, 45, 50], usd=[9, 8, 1, 9, 9]),
                open_interest("okx", usd=[200.0, 200, 100, 100, 100]),
            ],
            how="diagonal_relaxed",
        )
    )
    found = event_study.heavy_times(tape, source="open_interest", symbol="BTC", quantile=0.5)
    assert found["time"].cast(pl.Int64).to_list() == [time_ns(at_hour(72)), time_ns(at_hour(96))]
    assert found["value"].to_list() == pytest.approx([-0.25, -0.25])
    assert found["threshold"].to_list() == pytest.approx([-0.15, -0.15])


def test_sharp_falls_of_the_price() -> None:
    returns = np.zeros(24 * 10)
    returns[24 * 3], returns[24 * 5 + 7], returns[24 * 8] = -0.05, -0.02, 0.3
    tape = tape_of(hourly(returns))
    found = event_study.heavy_times(tape, source="price_fall", symbol="BTCUSDT")
    assert found["time"].cast(pl.Int64).to_list() == [time_ns(at_hour(72))]
    assert found["value"].to_list() == pytest.approx([np.expm1(-0.05)])
    # Days without a move are no falls, however low the threshold.
    many = event_study.heavy_times(tape, source="price_fall", symbol="BTCUSDT", quantile=0.3)
    assert many.height == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": "liquidation"}, r"no source 'liquidation' \(did you mean 'liquidations'"),
        ({"source": "price_fall", "quantile": 1.0}, "quantile 1.0: expected between 0 and 1"),
        ({"source": "liquidations"}, "liquidations of BTCUSDT by 1d .* not recorded"),
        ({"source": "open_interest"}, "open_interest of BTCUSDT by 1d .* not recorded"),
        ({"source": "price_fall", "symbol": "ETHUSDT"}, "candles of ETHUSDT .* not recorded"),
        ({"source": "price_fall", "bucket": "5m"}, "price_fall of BTCUSDT by 5m .* not recorded"),
    ],
)
def test_what_cannot_be_asked_is_refused(changed: dict[str, object], message: str) -> None:
    tape = tape_of(hourly(random_walk(20, 0)))
    with pytest.raises(UndertowError, match=message):
        event_study.bounce(tape, **{"symbol": "BTCUSDT", **changed})


# Bounces.


@pytest.mark.parametrize(
    ("then", "verdict"), [(0.05, "bounce"), (-0.05, "further fall"), (0.0, "no evidence")]
)
def test_a_bounce_is_found_where_there_is_one(then: float, verdict: str) -> None:
    tape = tape_of(hourly(with_crashes(800, 3, then=then)))
    found = event_study.bounce(tape, source="price_fall", symbol="BTCUSDT", quantile=0.92)
    assert found.verdict == verdict
    assert found.events > 30
    assert found.difference == pytest.approx(found.event_return - found.control_return)
    assert found.low < found.difference < found.high
    assert found.low < then < found.high
    assert (found.p_value < 0.05) == (then != 0)
    assert np.diff(found.times_ns).min() >= 72 * HOUR_NS


def test_a_few_bounces_are_no_evidence() -> None:
    tape = tape_of(hourly(with_crashes(100, 3, then=0.1)))
    found = event_study.bounce(tape, source="price_fall", symbol="BTCUSDT", quantile=0.93)
    assert found.verdict == "too few events"
    assert 0 < found.events < 10
    assert found.low > 0
    none = event_study.bounce(
        tape, source="price_fall", symbol="BTCUSDT", quantile=0.99, at=at_hour(24 * 11)
    )
    assert (none.verdict, none.events, none.left_out) == ("too few events", 0, 1)
    assert none.difference is none.low is none.p_value is None


def test_where_there_is_nothing_little_is_found() -> None:
    verdicts = [
        event_study.bounce(
            tape_of(hourly(random_walk(400, seed))), source="price_fall", symbol="BTCUSDT"
        ).verdict
        for seed in range(40)
    ]
    assert set(verdicts) <= {"no evidence", "bounce", "further fall"}
    assert verdicts.count("no evidence") >= 36  # 38 are to be expected of 95 % intervals


def test_controls_are_not_chosen_for_not_falling() -> None:
    returns = random_walk(1500, 4)
    found = event_study.bounce(
        tape_of(hourly(returns)), source="price_fall", symbol="BTCUSDT", quantile=0.8
    )
    midnights = np.concatenate([[0], np.cumsum(returns)])[1::24]
    anyone = (midnights[3:] - midnights[:-3]).mean()
    # Without times before falls, controls would rise by 2 % more.
    assert found.control_return == pytest.approx(anyone, abs=0.002)


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape, str], object]] = {
    "mean_path": lambda tape, at: event_study.mean_path(
        tape, [at_hour(24 * n) for n in (12, 20, 33)], symbol="BTCUSDT", at=at
    ).rows(),
    "heavy_times": lambda tape, at: event_study.heavy_times(
        tape, source="price_fall", symbol="BTCUSDT", at=at
    ).rows(),
    "bounce": lambda tape, at: event_study.bounce(
        tape, source="price_fall", symbol="BTCUSDT", at=at
    ),
    "liquidations": lambda tape, at: event_study.bounce(
        tape, source="liquidations", symbol="BTCUSDT", at=at
    ),
}


@pytest.mark.parametrize("at", [at_hour(24 * 70), at_hour(24 * 70 + 5)])
@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str, at: str) -> None:
    generator = np.random.default_rng(6)
    closed = pl.DataFrame({"usd": generator.pareto(1.5, 24 * 100)}).with_columns(
        pl.Series("ts", [time_ns(START) + n * HOUR_NS for n in range(24 * 100)]).cast(TIME),
        venue=pl.lit("bybit"),
        symbol=pl.lit("BTCUSDT"),
        side=pl.lit("long"),
    )
    tape = tape_of(hourly(random_walk(100, 6)), liquidations=closed)
    expected = MEASURES[name](tape, at)
    for future in other_futures(tape, at).values():
        assert MEASURES[name](future, at) == expected
