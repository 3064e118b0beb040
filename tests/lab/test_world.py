"""The loop: money stays, dice stay apart, and what a scenario switches does what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from undertow.lab.build import build
from undertow.lab.scenario import Scenario, load
from undertow.lab.world import World
from undertow.model import codes
from undertow.model.periods import SECOND_NS, time_ns

from .gaps import START, on_path, ran, small

MINUTE_NS = 60 * SECOND_NS


def made(scenario: Scenario, seed: int = 7) -> World:
    return build(scenario, seed=seed, path="model", tape=None).world


def worth(world: World) -> list[int]:
    """Cash less what was paid for open positions, by venue, in cash units; without spot."""
    return [
        int(market.engine.venue.accounts["cash_units"].sum())
        - int(market.engine.positions()["basis_units"].sum())
        for market in world.markets if not market.listings.is_spot
    ]  # fmt: skip


def test_no_step_makes_or_loses_money() -> None:
    world = made(small())
    steps = world.run()
    next(steps)
    moved = [0]
    market = world.markets[1]
    apply = market.apply

    def watched(commands: np.ndarray) -> None:
        before = int(market.data.rejected.sum())
        money = np.isin(commands["kind"], (codes.DEPOSIT, codes.WITHDRAW))
        apply(commands)
        if money.any():
            assert market.data.rejected.sum() == before
            signs = np.where(commands["kind"] == codes.DEPOSIT, 1, -1)[money]
            moved[0] += int((signs * commands["amount"][money]).sum())

    market.apply = watched  # type: ignore[method-assign]  # to look on
    (begun,) = worth(world)
    for _ in steps:
        pass
    assert worth(world) == [begun + moved[0]]
    lots = market.engine.positions()
    assert lots["lots"].sum() == 0
    assert np.abs(lots["lots"]).sum() > 0


def test_open_interest_on_the_eve_is_the_scenario_s() -> None:
    for seed in (1, 2):
        world = made(small(), seed)
        next(world.run())
        assert not [note for note in world.notes if "refused" in note]
        assert world.open_interest[1, 0] == pytest.approx(1e9, rel=0.001)


def test_open_interest_that_could_not_be_opened_is_told() -> None:
    without = {"agent.crowd.settings.long_share": 0.5, "agent.crowd.settings.short_share": 0.5}
    world = made(small(without))
    next(world.run())
    (told,) = [note for note in world.notes if "open interest of the eve" in note]
    assert "BTCUSDT" in told
    assert world.open_interest[1, 0] == pytest.approx(0.5e9, rel=0.001)


def test_one_more_agent_leaves_the_dice_of_others_alone(tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text(small().text + '\n[[agent]]\nname = "more"\nkind = "noise"\n')
    before, after = (
        {agent.name: agent.dice.bit_generator.state["state"] for agent in made(one).setup.agents}
        for one in (small(), load(file))
    )
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"more"}
    assert len({str(state) for state in after.values()}) == len(after)


def test_one_more_agent_leaves_the_eve_alone(tmp_path: Path) -> None:
    """Positions are drawn before anybody acts: the crowd's are the same, whoever else is there."""
    file = tmp_path / "more.toml"
    file.write_text(small().text + '\n[[agent]]\nname = "more"\nkind = "noise"\n')
    held = []
    for scenario in (small(), load(file)):
        world = made(scenario)
        next(world.run())
        (number,) = [place for place, one in enumerate(world.setup.agents) if one.name == "crowd"]
        first, count = world.first_account[number, 1], world.account_count[number, 1]
        rows = world.markets[1].engine.positions()
        own = (rows["account"] >= first) & (rows["account"] < first + count)
        lots = np.zeros(count, np.int64)
        lots[rows["account"][own] - first] = rows["lots"][own]
        held.append((len(world.setup.agents), lots))
    assert held[1][0] == held[0][0] + 1
    assert held[0][1].tolist() == held[1][1].tolist()
    assert held[0][1].any()


def test_a_halt_stops_trading_and_then_it_goes_on(tmp_path: Path) -> None:
    text = small({"span.length": "8m"}).text + (
        '\n[[shock]]\nname = "out"\nkind = "outage"\nvenue = "binance-usdm"\n'
        'at = { value = "2025-11-03T00:02:00Z", assumed = true, note = "for the test" }\n'
        'until = { value = "2025-11-03T00:03:00Z", assumed = true, note = "for the test" }\n'
    )
    file = tmp_path / "halted.toml"
    file.write_text(text)
    world = made(load(file))
    for _ in world.run():
        pass
    frames = world.record.frames()
    bars = frames["candles"].filter(pl.col("venue") == "binance-usdm")
    minutes = (bars["ts"].cast(pl.Int64) - time_ns(START)) // MINUTE_NS
    assert minutes.min() < 2 < minutes.max()
    assert 2 not in minutes
    assert "out" in frames["events"]["title"].to_list()


def test_a_circuit_breaker_halts_once(tmp_path: Path) -> None:
    closes = [100_000.0] * 2 + [94_000.0] * 4
    run = on_path(tmp_path, closes, {"halt_at": "5%"})
    events = run.tape.table("events").collect()
    (at,) = events.filter(pl.col("title") == "circuit breaker")["ts"].cast(pl.Int64)
    assert 2 * MINUTE_NS <= at - time_ns(START) < 3 * MINUTE_NS


def test_the_record_has_a_row_for_every_minute(tmp_path: Path) -> None:
    tape = ran(tmp_path).tape
    starts = [time_ns(START) + minute * MINUTE_NS for minute in range(3)]
    marks = tape.table("marks").collect()
    assert marks["ts"].cast(pl.Int64).to_list() == starts
    inside = (pl.col("mark_low") <= pl.col("mark")) & (pl.col("mark") <= pl.col("mark_high"))
    assert marks.select(inside.all()).item()
    assert marks["index"].null_count() == 0


def test_on_a_real_path_the_marks_are_the_given_prices(tmp_path: Path) -> None:
    closes = [100_000.0, 99_000.0, 97_000.0, 98_000.0]
    run = on_path(tmp_path, closes)
    marks = run.tape.table("marks").collect()
    low = [min(pair) * 0.999 for pair in zip([closes[0], *closes], closes, strict=False)]
    assert marks["mark_low"].to_list() == pytest.approx(low, rel=1e-3)
