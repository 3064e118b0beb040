"""The map before the event: where positions stand, on what scale, from what was known."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from measures.test_liquidation_estimate import DAY_NS, HOUR_NS, START_NS, interest, wandering
from undertow.errors import NotRecorded, UndertowError
from undertow.measures.leverage_crowd import BIN_WIDTH, resting_stock
from undertow.measures.leverage_map import leverage_map
from undertow.measures.leverage_parameters import Parameters
from undertow.tape import Tape
from undertow.tape.frames import TIME

AT_NS = START_NS + 15 * DAY_NS
CANDLES = pl.concat(
    [
        wandering(20 * 24),
        wandering(20 * 24, venue="bybit", turnover_per_hour=3e7),
        wandering(20 * 24, symbol="SOLUSDT", hourly=0.012, seed=6),
    ]
)
TAPE = Tape.from_frames({"candles": CANDLES})


def test_longs_stand_below_the_price_and_shorts_above() -> None:
    found = leverage_map(TAPE, AT_NS)
    assert found.symbols == ("BTCUSDT", "SOLUSDT")
    for symbol in found.symbols:
        price = found.of(symbol).price
        profile = found.liquidation_profile(symbol, joint=False)
        edge = 1 + 2 * BIN_WIDTH
        assert profile.filter(pl.col("price") > price * edge)["long_usd"].sum() == 0
        assert profile.filter(pl.col("price") < price / edge)["short_usd"].sum() == 0
        assert profile["price"].is_sorted()
        for side in ("long", "short"):
            low, middle, high = (profile[f"{side}_usd{end}"] for end in ("_low", "", "_high"))
            assert (low <= middle).all() and (middle <= high).all() and middle.sum() > 0


def test_entries_lie_above_the_liquidation_of_longs_by_the_distance_of_their_class() -> None:
    found = leverage_map(TAPE, AT_NS).of("BTCUSDT")
    assert found.notional_usd.shape == (len(found.entry_price), len(found.leverage), 2)
    assert found.liquidation_price.shape == found.notional_usd.shape
    distance = 1 - found.liquidation_price[:, :, 0] / found.entry_price[:, None]
    expected = np.minimum(1 / found.leverage - Parameters().shortest_distance, 0.95)
    np.testing.assert_allclose(distance[0], expected, atol=1.1 * BIN_WIDTH)
    assert (np.diff(found.leverage) < 0).all()
    # More of it far away than near: who is near was liquidated, and most use little leverage.
    by_class = found.notional_usd.sum(axis=(0, 2))
    assert by_class[:3].sum() < by_class[5:8].sum()


def test_both_venues_are_in_it() -> None:
    share = leverage_map(TAPE, AT_NS).of("BTCUSDT").venue_share
    assert share == {
        "binance-usdm": pytest.approx(10 / 13, abs=0.01),
        "bybit": pytest.approx(3 / 13, abs=0.01),
    }


def test_open_interest_sets_the_scale() -> None:
    candles = wandering(20 * 24)
    assumed = leverage_map(Tape.from_frames({"candles": candles}), AT_NS)
    assert assumed.scale == "assumed" and assumed.of("BTCUSDT").scale_high > 1
    sizes = []
    for usd in (1e9, 3e9):
        rows = interest([usd] * 480)
        tape = Tape.from_frames({"candles": candles, "open_interest": rows})
        found = leverage_map(tape, AT_NS)
        assert found.scale == "measured" and found.of("BTCUSDT").scale_low == 1.0
        sides = found.of("BTCUSDT").notional_usd.sum(axis=(0, 1))
        # What a side lacks to open interest has no liquidation price.
        assert (sides <= usd * (1 + 1e-9)).all() and (sides > 0.2 * usd).all()
        sizes.append(sides)
    np.testing.assert_allclose(sizes[1], 3 * sizes[0], rtol=0.05)


def test_nothing_later_is_used() -> None:
    wild = CANDLES.with_columns(
        pl.when(pl.col("ts").cast(pl.Int64) >= AT_NS)
        .then(pl.col(name) * 3)
        .otherwise(pl.col(name))
        .alias(name)
        for name in ("open", "high", "low", "close", "volume")
    )
    expected = leverage_map(TAPE, AT_NS).liquidation_profile("BTCUSDT")
    other = leverage_map(Tape.from_frames({"candles": wild}), AT_NS)
    assert other.liquidation_profile("BTCUSDT").equals(expected)


def test_what_a_fall_has_passed_is_gone() -> None:
    before = leverage_map(TAPE, AT_NS).liquidation_profile("BTCUSDT", joint=False)
    price = leverage_map(TAPE, AT_NS).of("BTCUSDT").price
    rows = CANDLES.filter(pl.col("ts").cast(pl.Int64) < AT_NS)
    wick = (
        rows.filter(pl.col("symbol") == "BTCUSDT")
        .group_by("venue", maintain_order=True)
        .last()
        .select(rows.columns)
        .with_columns(
            (pl.col("ts") + pl.duration(hours=1)).cast(TIME),
            pl.lit(price * 0.9).alias("low"),
            pl.col("close").alias("open"),
            pl.lit(1e-9).alias("volume"),
        )
    )
    tape = Tape.from_frames({"candles": pl.concat([rows, wick])})
    after = leverage_map(tape, AT_NS + HOUR_NS).liquidation_profile("BTCUSDT", joint=False)

    def near(profile: pl.DataFrame) -> float:
        return float(profile.filter(pl.col("price") > price * 0.91)["long_usd"].sum())

    assert near(before) > 0 and near(after) < 0.01 * near(before)


def test_shared_margin_moves_the_levels_of_coins_with_another_beta() -> None:
    found = leverage_map(TAPE, AT_NS)
    swing = {symbol: dataclasses.replace(found.of(symbol), beta=beta)
             for symbol, beta in (("BTCUSDT", 1.0), ("SOLUSDT", 2.0))}  # fmt: skip
    joint = dataclasses.replace(found, maps=swing)

    def mean_distance(symbol: str, together: bool) -> float:
        profile = joint.liquidation_profile(symbol, joint=together)
        away = (profile["price"] / joint.of(symbol).price).log().abs()
        return float((away * profile["long_usd"]).sum() / profile["long_usd"].sum())

    assert mean_distance("BTCUSDT", True) < mean_distance("BTCUSDT", False)
    assert mean_distance("SOLUSDT", True) > mean_distance("SOLUSDT", False)


def test_a_market_at_rest_is_at_rest() -> None:
    """The state taken for the past is about the one that a long random walk leaves."""
    parameters = Parameters()
    candles = wandering(150 * 24, interval="1h", hourly=0.006, seed=11)
    found = leverage_map(Tape.from_frames({"candles": candles}))
    one = found.of("BTCUSDT")
    typical = 0.004 * 4  # not the walk's: any will do, the sum only depends on it weakly
    _, total = resting_stock(typical, 0.0, -4000, 8000, parameters)
    expected = total.sum()
    stock = one.notional_usd.sum() / (2 * 0.28 * 24 * 1e8)
    assert stock == pytest.approx(expected, rel=0.35)


def test_wrong_symbols_and_empty_tapes_are_said() -> None:
    with pytest.raises(UndertowError, match=r"no candles of symbol 'BTCUSD'.*BTCUSDT"):
        leverage_map(TAPE, AT_NS, symbols=["BTCUSD"])
    found = leverage_map(TAPE, AT_NS, symbols=["SOLUSDT"])
    assert found.symbols == ("SOLUSDT",)
    with pytest.raises(UndertowError, match="no symbol 'BTCUSDT' on the map"):
        found.liquidation_profile("BTCUSDT")
    with pytest.raises(NotRecorded, match="candles"):
        leverage_map(TAPE, START_NS - DAY_NS)
