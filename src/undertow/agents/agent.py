"""What an agent is, and how a scenario finds it by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.errors import UndertowError, nearest


class Settings(BaseModel):
    """Numbers of one agent; a field's description says unit, meaning and source.

    ``every_s`` is how often it acts, ``latency_s`` how late its commands arrive.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: float = 1.0
    latency_s: float = 0.0


class Agent(ABC):
    """One population with one behaviour: it sees, throws its own dice, and sends commands.

    Parameters
    ----------
    name
        Its name in the scenario; its dice are keyed by it.
    parameters
        An instance of the class's `settings`.
    place
        Where it trades.
    dice
        Its own random numbers, and the only ones it may use.
    """

    kind: ClassVar[str]
    settings: ClassVar[type[Settings]] = Settings
    # Whether its first account at each venue is the other side of what crowds hold on the eve,
    # with so much equity per dollar of that.
    takes_residual: ClassVar[bool] = False
    residual_equity_share: float = 1.0

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        self.name, self.parameters, self.place, self.dice = name, parameters, place, dice

    @abstractmethod
    def accounts(self) -> NDArray[np.int64]:
        """How many accounts it needs, by venue."""

    def start(self, seen: Observation, orders: Orders) -> None:  # noqa: B027 may stay empty
        """Before the first step: bring money in, and say which positions are open on the eve."""

    @abstractmethod
    def act(self, seen: Observation, orders: Orders) -> None:
        """One step."""


_Kind = TypeVar("_Kind", bound=type[Agent])
_KINDS: dict[str, type[Agent]] = {}


def register(kind: str) -> Callable[[_Kind], _Kind]:
    """Make a class of agents known to scenarios under a name.

    Raises
    ------
    UndertowError
        For a name that is taken.
    """

    def remember(made: _Kind) -> _Kind:
        if kind in _KINDS and _KINDS[kind].__qualname__ != made.__qualname__:
            raise UndertowError(f"an agent '{kind}' exists already")
        made.kind = kind
        _KINDS[kind] = made
        return made

    return remember


def find(kind: str) -> type[Agent]:
    """The class of agents of this name.

    Raises
    ------
    UndertowError
        For an unknown name.
    """
    if kind not in _KINDS:
        raise UndertowError(
            f"no agent '{kind}'{nearest(kind, _KINDS)}; one of your own needs its file in the"
            ' scenario, above the first table: agents_from = ["FILE.py"]'
        )
    return _KINDS[kind]


def kinds() -> dict[str, type[Agent]]:
    """All kinds by name."""
    return dict(sorted(_KINDS.items()))
