"""Background trading: market orders without a view, with long memory in their signs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import SLIP
from undertow.agents.prices import DAY_S, elapsed_s, known, middle, opening, per_sqrt_second, quoted
from undertow.agents.stock import bring, held
from undertow.model import codes

# How long runs of one sign last: a mixture of memories, seconds. Together their correlation falls
# slowly, about as the power law with exponent 0.5 of Lillo and Farmer, "The long memory of the
# efficient market", Studies in Nonlinear Dynamics and Econometrics 8 (2004).
MEMORIES_S = np.array([30.0, 300.0, 3000.0, 30000.0])


class NoiseSettings(Settings):
    """Numbers of the background flow; those without a source are assumed."""

    every_s: float = 5.0
    turnover: float = Field(150.0, gt=0, description="Daily volume over depth within 1 %.")
    share: float = Field(0.3, ge=0, le=1, description="Share of that volume which it trades.")
    persistence: float = Field(0.9, ge=0, le=1, description="Orders that follow a run of signs.")
    spread_of_sizes: float = Field(1.0, ge=0, description="Standard deviation of log sizes.")
    excitement: float = Field(0.5, ge=0, description="Elasticity of its rate to volatility.")
    limit: float = Field(4.0, gt=0, description="Position at which it surely turns, by depth.")


@register("noise")
class Noise(Agent):
    """One account per venue that stands for all whose trading has no part in the story."""

    settings = NoiseSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        self.depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        shape = self.depth.shape
        self._runs = np.where(dice.random((len(MEMORIES_S), *shape)) < 0.5, -1.0, 1.0)
        self._venues, self._assets = np.ogrid[: shape[0], : shape[1]]
        self._before_ns = place.start_ns - int(self.parameters.every_s * 1e9)
        self._usual = per_sqrt_second(place)
        self._variance = np.ones(len(place.assets))
        self._log_price = np.full(len(place.assets), np.nan)
        self.coins = np.zeros(shape)

    def accounts(self) -> NDArray[np.int64]:
        """One wherever there is depth."""
        some: NDArray[np.int64] = np.where((self.depth > 0).any(axis=1), 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring money and coins for twice its limit."""
        worth = self.depth * 3.0 * self.parameters.limit
        self.coins = bring(self.place, orders, 1, opening(self.place, seen), worth, np.ones(1), 3)

    def act(self, seen: Observation, orders: Orders) -> None:
        """One order at every place, of what was traded since the last."""
        one = self.parameters
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        price = quoted(seen)
        rate = self._rate(price, seconds)
        usual = one.share * one.turnover * self.depth * seconds / DAY_S
        thrown = self.dice.standard_normal(self.depth.shape)
        size = np.exp(one.spread_of_sizes * thrown - one.spread_of_sizes**2 / 2)
        signs = self._signs(seconds)
        full = held(seen, self.coins) * price / np.maximum(one.limit * self.depth, 1.0)
        turns = np.abs(known(full)) > self.dice.random(full.shape)
        signs = np.where(turns, -np.sign(full), signs)
        # Not more than a twentieth of the book at once.
        book = np.where(signs > 0, seen.ask_depth_usd[:, :, 0], seen.bid_depth_usd[:, :, 0])
        usd = np.minimum(usual * rate * size, 0.05 * book)
        ready = (usd > 0) & (price > 0) & ~seen.halted[:, None]
        venues, assets = np.nonzero(ready)
        if len(venues):
            price, is_buy = price[ready], signs[ready] > 0
            limit = price * np.where(is_buy, 1 + SLIP, 1 - SLIP)
            orders.limit(
                venues, assets, 0, is_buy, usd[ready] / price, limit, time_in_force=codes.IOC
            )

    def _signs(self, seconds: float) -> NDArray[np.float64]:
        """Of every place: of one of its runs, or thrown anew."""
        dice, shape = self.dice, self.depth.shape
        ends = dice.random(self._runs.shape) < (1 - np.exp(-seconds / MEMORIES_S))[:, None, None]
        fresh = np.where(dice.random(self._runs.shape) < 0.5, -1.0, 1.0)
        self._runs = np.where(ends, fresh, self._runs)
        chosen = dice.integers(0, len(MEMORIES_S), shape)
        run = self._runs[chosen, self._venues, self._assets]
        free = np.where(dice.random(shape) < 0.5, -1.0, 1.0)
        return np.where(dice.random(shape) < self.parameters.persistence, run, free)

    def _rate(self, price: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
        """How much busier than usual it is, by asset: volatility over ten minutes."""
        nothing = np.full(len(self._usual), np.nan)
        now = middle(np.log(price), self.depth, nothing)
        moved = (now - self._log_price) / (self._usual * np.sqrt(max(seconds, 1e-9)))
        self._log_price = np.where(np.isnan(now), self._log_price, now)
        kept = np.exp(-seconds / 600.0)
        new = np.where(np.isnan(moved), 1.0, moved**2)
        self._variance = kept * self._variance + (1 - kept) * new
        rate: NDArray[np.float64] = np.clip(self._variance, 0.25, 1e4) ** (
            self.parameters.excitement / 2
        )
        return rate
