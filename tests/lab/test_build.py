"""From a scenario to a world: who takes part, and what a wrong setting says."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from undertow.agents.crowd import Crowd
from undertow.errors import UndertowError
from undertow.lab.build import Built, build
from undertow.lab.crowd_map import give_exposed, shares
from undertow.lab.scenario import load
from undertow.model.periods import SECOND_NS, time_ns
from undertow.tape import Tape

from .gaps import START, bars, falling_tape, small


def on(path: str, tape: Tape | None = None, **changes: object) -> Built:
    return build(small(changes), seed=7, path=path, tape=tape)


def test_on_a_real_path_makers_stand_for_all_who_move_the_price() -> None:
    built = on("real", falling_tape([100_000.0, 99_000.0, 98_000.0]))
    assert [agent.kind for agent in built.world.setup.agents] == ["crowd", "path_maker"]
    assert built.used == {"BTC": "binance-usdm BTCUSDT 1m"}
    kinds = [agent.kind for agent in on("model").world.setup.agents]
    assert kinds == ["crowd", "market_maker", "arbitrageur", "noise", "flows"]


def test_a_tape_without_anything_before_the_start_is_refused() -> None:
    tape = Tape.from_frames({"candles": bars([100_000.0] * 3, "1m", time_ns(START))})
    with pytest.raises(UndertowError, match="the crowd's positions come from the tape before"):
        on("real", tape)


def test_the_crowd_is_as_many_as_the_scenario_says() -> None:
    world = on("model").world
    (crowd,) = [one for one in world.setup.agents if one.kind == "crowd"]
    assert 300 <= crowd.accounts().sum() <= 400


def test_a_given_path_is_not_held_back_by_price_bands() -> None:
    """A step may go further than venues take orders from the mark; makers must get there."""
    given = on("real", falling_tape([100_000.0, 99_000.0, 98_000.0])).world.setup.listings
    traded = on("model").world.setup.listings
    bands = [[(one.band_up_ppm, one.band_down_ppm) for one in venue.contracts] for venue in given]
    assert {pair for venue in bands for pair in venue} == {(0, 0)}
    assert any(one.band_down_ppm > 0 for venue in traded for one in venue.contracts)


def test_a_rate_at_its_cap_is_told_with_the_hours_that_it_was_for() -> None:
    """Only the interval after it is shorter."""
    world = on("model").world
    place, clock = world.setup.place, world.funding
    venue = place.venues.index("binance-usdm")
    price = np.full((len(place.venues), len(place.assets)), 100_000.0)
    world.prices.index[:], world.prices.mark[:] = price, 1.05 * price
    paid = [
        one for minute in range(1, 10 * 60 + 1)
        for one in clock.minute(
            place.start_ns + minute * 60 * SECOND_NS, 1.05 * price, 1.05 * price, 1.05 * price
        )
        if one.venue == venue
    ]  # fmt: skip
    assert [one.hours for one in paid] == [8, 1, 1]
    assert len({one.rate for one in paid}) == 1


def test_a_run_takes_small_steps_through_a_fast_bar_and_long_ones_elsewhere() -> None:
    closes = [100_000.0] * 3 + [90_000.0] * 3
    tape = falling_tape(closes, "5m")
    span = {"span.length": "30m", "span.step": "150s", "span.record": "300s"}
    world = on("real", tape, **span, **{"agent.crowd.settings.late_share": "1"}).world
    assert world.setup.steps == 5 * 2 + 30
    for _ in world.run():
        pass
    tables = world.record.frames()
    marks = tables["marks"].sort("ts")
    assert marks["ts"].dt.minute().to_list() == [0, 5, 10, 15, 20, 25]
    assert marks["mark_low"][3] == pytest.approx(90_000 * 0.999, rel=1e-3)
    closed = tables["liquidations"]
    # Steps of ten seconds do not jump over anybody's margin, so winners do not pay.
    assert closed["ts"].n_unique() > 3
    assert "adl" not in set(closed["stage"].cast(pl.String))
    assert closed["ts"].dt.minute().is_between(15, 19).all()


def test_a_slow_venue_looks_as_late_on_small_steps() -> None:
    tape = falling_tape([100_000.0] * 3 + [90_000.0] * 3, "5m")
    span = {"span.length": "30m", "span.step": "150s", "span.record": "300s"}
    late = {**span, "agent.crowd.settings.late_share": "1", "liquidation_engine_delay": "60s"}
    first = []
    for changes in (span | {"agent.crowd.settings.late_share": "1"}, late):
        world = on("real", tape, **changes).world
        for _ in world.run():
            pass
        first.append(world.record.frames()["liquidations"]["ts"].min())
    assert (first[1] - first[0]).total_seconds() == pytest.approx(60, abs=10)


def test_open_interest_is_exposed_by_weight_and_never_more_than_there_is() -> None:
    open_usd = np.array([60.0, 30.0, 10.0])
    even = shares(open_usd, np.ones(3), 50.0)
    assert even == pytest.approx([0.5, 0.5, 0.5])
    heavy = shares(open_usd, np.array([1.0, 1.0, 4.0]), 50.0)
    assert heavy[2] == 1
    assert heavy[:2] == pytest.approx([40 / 90] * 2)
    assert shares(open_usd, np.ones(3), 500.0) == [1, 1, 1]
    assert shares(np.zeros(3), np.ones(3), 500.0) == [0, 0, 0]


def test_without_a_tape_turnover_says_how_much_of_open_interest_is_exposed() -> None:
    made = {"span.step": "60s", "venue.bitmex.accounts": "300"}
    given = build(load("2020-03-12").with_values(made), seed=1, path="model", tape=None)
    (crowd,) = (one for one in given.world.setup.agents if isinstance(one, Crowd))
    assert list(crowd.book.exposed.values()) == [
        1.0
    ]  # 1.5 times 1.55 billion a day is more than 1.1
    open_usd = float(np.nansum(crowd.place.open_interest_usd))
    give_exposed([crowd], crowd.place, {"BTC": open_usd / 3}, {})
    (share,) = crowd.book.exposed.values()
    assert share == pytest.approx(0.5)
