"""Small worlds with the agents that a test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from undertow.agents.agent import Agent, find
from undertow.agents.observation import Place
from undertow.lab.seeding import dice
from undertow.lab.world import Switch, World
from undertow.testing import START_NS, small_place, small_world

Who = Mapping[str, Mapping[str, Any]]

EVERYBODY: Who = {
    "market_maker": {}, "value_buyer": {}, "fisher": {}, "crowd": {"count": 4_000},
    "basis_trader": {}, "arbitrageur": {}, "momentum": {}, "dip_buyer": {}, "noise": {},
}  # fmt: skip


def make(kind: str, where: Place, seed: int = 1, **settings: Any) -> Agent:
    known = find(kind)
    return known(kind, known.settings(**settings), where, dice(seed, f"agent:{kind}"))


def world(
    who: Who, *, steps: int, step_s: float = 10.0, seed: int = 1, switches: Sequence[Switch] = (),
    path: np.ndarray | None = None,
) -> World:  # fmt: skip
    where = replace(small_place(step_s=step_s), path=path)
    agents = [make(kind, where, seed, **settings) for kind, settings in who.items()]
    return small_world(agents, where, steps, switches)


def news(at_s: float, severity: float) -> Switch:
    at_ns = START_NS + int(at_s * 1e9)
    return Switch("shock", "news", at_ns, at_ns + 1, (), severity)


def mids(run: World) -> np.ndarray:
    """Middle prices of every step: ``(steps, venues, assets)``."""
    return np.array([(run.board.bid + run.board.ask) / 2 for _ in run.run()])
