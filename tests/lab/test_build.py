"""From a scenario to a world: who takes part, and what a wrong setting says."""

from __future__ import annotations

import pytest

from undertow.errors import UndertowError
from undertow.lab.build import Built, build
from undertow.model.periods import time_ns
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
