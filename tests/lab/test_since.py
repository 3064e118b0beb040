"""The length of a step decides when an agent learns of something, never how much of it."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.observation import News
from undertow.lab.build import build
from undertow.lab.since import Since
from undertow.lab.world import World
from undertow.model.periods import SECOND_NS

from .gaps import small


def flows(usd: float) -> np.ndarray:
    return np.full((4, 2, 1), usd)


def test_who_acts_seldom_gets_everything_at_once_and_only_once() -> None:
    first, count = np.array([[10, 0], [0, 5]]), np.array([[3, 0], [0, 4]])
    since = Since(first, count, 1)
    news = News("a post", 0, 0.5)
    since.tell((news,))
    since.add(flows(1.0), {0: np.array([11, 20])}, {})
    assert since.take(0)[0].tolist() == flows(1.0).tolist()
    since.add(flows(2.0), {0: np.array([12]), 1: np.array([5, 8])}, {1: np.array([6])})
    seen, lost, won, told = since.take(0)
    assert seen.tolist() == flows(2.0).tolist()
    assert [one.tolist() for one in lost] == [[2], []]
    assert [one.tolist() for one in won] == [[], []]
    assert told == ()
    seen, lost, won, told = since.take(1)
    assert seen.tolist() == flows(3.0).tolist()
    assert [one.tolist() for one in lost] == [[], [0, 3]]
    assert [one.tolist() for one in won] == [[], [1]]
    assert told == (news,)


def steps(length: str) -> tuple[World, list[float]]:
    """Middle prices of the leveraged venue at every tenth second of four calm minutes."""
    calm = {"span.length": "4m", "span.step": length, "shock.sale.notional_usd": 0}
    world = build(small(calm), seed=7, path="model", tape=None).world
    every = 10 * SECOND_NS // world.setup.place.step_ns
    found = [float(world.board.bid[1, 0] + world.board.ask[1, 0]) / 2
             for done in world.run() if done % every == 0]  # fmt: skip
    return world, found


@pytest.mark.parametrize("length", ["500ms", "5s"])
def test_a_calm_market_does_not_feel_the_length_of_a_step(length: str) -> None:
    world, found = steps(length)
    assert world.setup.steps == 240 * SECOND_NS // world.setup.place.step_ns
    usual = steps("1s")[1]
    assert len(set(usual)) > 2
    assert found == pytest.approx(usual, rel=1e-6)
