"""Makers of a run on a real path: deep quotes around the given price, whatever happens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import elapsed_s, opening
from undertow.agents.quotes import Quotes, Wish
from undertow.agents.stock import bring
from undertow.agents.stress import Stress
from undertow.errors import UndertowError


class PathMakerSettings(Settings):
    """Numbers of the makers of a path; all assumed."""

    accounts: int = Field(
        3, ge=1, le=40, description="Accounts per venue in turn: each has the tier of its size."
    )
    capital: float = Field(
        2.0, gt=1.6, description="Margin of each account, by all depth: quotes alone need 1.6."
    )
    spread: float = Field(2e-5, ge=0, description="Half the spread, as a fraction.")
    refill_s: float = Field(
        10.0,
        gt=0,
        description="Until eaten depth is back, seconds; a step that is longer has it several"
        " times over.",
    )
    requote: float = Field(1e-5, gt=0, description="Move of the path that renews quotes.")
    depth: float = Field(
        8.0,
        gt=0,
        description="Depth of leveraged venues as a multiple of the usual: the given price already"
        " holds the impact of forced orders.",
    )
    depth_withdrawal: float = Field(
        0.8, ge=0, description="Elasticity of depth to the path's volatility."
    )
    withdrawal: float = Field(1.0, ge=0, description="A lever: that elasticity times this.")
    recovery_s: float = Field(2400.0, gt=0, description="Half-life of the alarm, seconds.")


@register("path_maker")
class PathMaker(Agent):
    """Quotes around `Place.path` at every venue; takes whatever comes, thinner when it is rough."""

    settings = PathMakerSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        if place.path is None:
            raise UndertowError(
                f"agent '{name}': a path_maker needs a run on a real path; use market_maker"
            )
        one = self.parameters
        self.path = place.path
        self.depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        self.depth *= np.where(place.is_spot, 1.0, one.depth)[:, None]
        move = np.full(len(place.assets), one.requote)
        self._most = 1 + place.step_ns / 1e9 / one.refill_s
        self.quotes = Quotes(
            place, self.depth > 0, one.accounts, one.refill_s, move, one.depth * self._most
        )
        self.stress = Stress(place, 120.0, one.recovery_s)
        self._elasticity = one.depth_withdrawal * one.withdrawal
        self._before_ns = place.start_ns
        shape = self.depth.shape
        self._none, self._all = np.zeros(shape, np.bool_), np.ones(shape, np.bool_)
        self._half = np.full(len(place.assets), one.spread)

    def _within(self, step: int) -> NDArray[np.float64]:
        """What rests for a whole step: all that trades in it meets one book.

        So that holds what would have come back meanwhile, the more the longer the step is.
        """
        start_ns, end_ns = self.place.span_ns(step)
        times = 1 + (end_ns - start_ns) / 1e9 / self.parameters.refill_s
        some: NDArray[np.float64] = self.depth * np.where(self.place.is_spot, 1.0, times)[:, None]
        return some

    def accounts(self) -> NDArray[np.int64]:
        """Those that take turns, and one for the far quotes."""
        quotes = (self.depth > 0).any(axis=1)
        some: NDArray[np.int64] = np.where(quotes, self.parameters.accounts + 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring enough for everything that may come."""
        one = self.parameters
        most = np.where(self.place.is_spot, 1.0, self._most)[:, None]
        worth = self.depth * most * one.capital
        share = np.ones(one.accounts + 1)
        bring(self.place, orders, one.accounts + 1, opening(self.place, seen), worth, share, 1)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Quote around the path's price of this step."""
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        self.quotes.watch(seen, seconds)
        price = self.path[min(seen.step, len(self.path) - 1)]
        with np.errstate(invalid="ignore", divide="ignore"):
            log_price = np.log(price)
        self.stress.update(log_price, seconds, seen)
        self.quotes.choose(seen, price)
        depth = self._within(seen.step) * np.exp(-self._elasticity * self.stress.level)
        centre = np.broadcast_to(log_price, self.depth.shape)
        wish = Wish(centre, self._half, np.stack([depth, depth]))
        due = self.quotes.stale(wish, seen.ts_ns) & ~seen.halted[:, None]
        self.quotes.renew(orders, seen, wish, due, self._none, self._all)
