"""Trend followers: they sell what falls, and cover when it stops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import Trend, at, share_of_way, trade
from undertow.agents.prices import DAY_S, busiest, elapsed_s, opening, quoted
from undertow.agents.stock import bring, held


class MomentumSettings(Settings):
    """Numbers of the trend followers; all assumed."""

    every_s: float = 10.0
    strength: float = Field(1.2, ge=0, description="Largest position, by the asset's usual depth.")
    fast_s: float = Field(120.0, gt=0, description="Memory of the fast average, seconds.")
    slow_s: float = Field(1800.0, gt=0, description="Memory of the slow average, seconds.")
    threshold: float = Field(
        1.5, ge=0, description="Trend that counts, in usual sigma of the slow average's time."
    )
    full: float = Field(5.0, gt=0, description="Trend at which the position is the largest.")
    upwards: float = Field(0.3, ge=0, description="Strength in rising markets, by that in falling.")
    pace_s: float = Field(300.0, gt=0, description="Until a wanted position is reached, seconds.")
    news: float = Field(3.0, ge=0, description="Downward trend that news of severity 1 adds.")


@register("momentum")
class Momentum(Agent):
    """One account at the deepest leveraged venue of each asset."""

    settings = MomentumSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one, count = self.parameters, len(place.assets)
        self.venue = busiest(place, ~place.is_spot)
        self.room_usd = one.strength * np.nansum(place.depth_usd * place.listed, axis=0)
        self._fast, self._slow = Trend(count, one.fast_s), Trend(count, one.slow_s)
        self._scale = np.nan_to_num(place.volatility, nan=0.03) * np.sqrt(one.slow_s / DAY_S)
        self._alarm = np.zeros(count)
        self._before_ns = place.start_ns
        self.coins = np.zeros((len(place.venues), count))

    def accounts(self) -> NDArray[np.int64]:
        """One wherever an asset has its deepest market."""
        some = np.zeros(len(self.place.venues), np.int64)
        some[self.venue[self.venue >= 0]] = 1
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring margin for the largest positions."""
        worth = np.zeros(self.coins.shape)
        has = np.flatnonzero(self.venue >= 0)
        worth[self.venue[has], has] = self.room_usd[has]
        prices = opening(self.place, seen)
        self.coins = bring(self.place, orders, 1, prices, worth, np.ones(1), 3)
        with np.errstate(invalid="ignore"):
            self._fast.update(np.log(prices), 0.0)
            self._slow.update(np.log(prices), 0.0)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Go some way to the position that the trend asks for."""
        one = self.parameters
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        price = at(quoted(seen), self.venue)
        log_price = np.log(price * seen.quote_usd[self.venue])
        self._alarm *= np.exp(-seconds / one.slow_s)
        for news in seen.news:
            hit = np.array([not news.assets or name in news.assets for name in self.place.assets])
            self._alarm = np.maximum(self._alarm, one.news * news.severity * hit)
        fast = self._fast.update(log_price, seconds)
        trend = (fast - self._slow.update(log_price, seconds)) / self._scale - self._alarm
        size = np.clip((np.abs(trend) - one.threshold) / (one.full - one.threshold), 0.0, 1.0)
        wanted = np.sign(trend) * size * np.where(trend > 0, one.upwards, 1.0) * self.room_usd
        has = at(held(seen, self.coins), self.venue) * price
        change = share_of_way(seconds, one.pace_s) * (wanted - has)
        trade(seen, orders, self.venue, change, 0.1 * self.room_usd)
