"""Dip buyers: they buy what has fallen, and sell it back when it recovers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import Trend, at, share_of_way, trade
from undertow.agents.prices import busiest, elapsed_s, opening, quoted
from undertow.agents.stock import bring, held


class DipBuyerSettings(Settings):
    """Numbers of the dip buyers; all assumed."""

    every_s: float = 10.0
    strength: float = Field(
        0.5, ge=0, description="Position at a daily sigma of fall, by the asset's usual depth."
    )
    threshold: float = Field(0.5, ge=0, description="Fall that is nothing yet, daily sigma.")
    power: float = Field(1.5, gt=0, description="How the position grows with the fall beyond.")
    memory_s: float = Field(43200.0, gt=0, description="Against the average of so long, seconds.")
    capital: float = Field(8.0, gt=0, description="Largest position, by the usual depth.")
    pace_s: float = Field(7200.0, gt=0, description="Until a wanted position is reached, seconds.")


@register("dip_buyer")
class DipBuyer(Agent):
    """One account at the deepest spot market of each asset, or else at its deepest venue."""

    settings = DipBuyerSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        spot, other = busiest(place, place.is_spot), busiest(place, ~place.is_spot)
        self.venue = np.where(spot >= 0, spot, other)
        self.usual_usd = np.nansum(place.depth_usd * place.listed, axis=0)
        self._average = Trend(len(place.assets), self.parameters.memory_s)
        self._sigma = np.nan_to_num(place.volatility, nan=0.03)
        self._before_ns = place.start_ns
        self.coins = np.zeros((len(place.venues), len(place.assets)))

    def accounts(self) -> NDArray[np.int64]:
        """One wherever an asset has its deepest market."""
        some = np.zeros(len(self.place.venues), np.int64)
        some[self.venue[self.venue >= 0]] = 1
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring money, and coins to sell when prices have risen."""
        worth = np.zeros(self.coins.shape)
        has = np.flatnonzero(self.venue >= 0)
        worth[self.venue[has], has] = 1.2 * self.parameters.capital * self.usual_usd[has]
        prices = opening(self.place, seen)
        self.coins = bring(self.place, orders, 1, prices, worth, np.ones(1), 2)
        with np.errstate(invalid="ignore"):
            self._average.update(np.log(prices), 0.0)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Go some way to the position that the fall (or rise) asks for."""
        one = self.parameters
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        price = at(quoted(seen), self.venue)
        log_price = np.log(price * seen.quote_usd[self.venue])
        gap = (self._average.update(log_price, seconds) - log_price) / self._sigma
        beyond = np.sign(gap) * np.maximum(np.abs(gap) - one.threshold, 0.0) ** one.power
        wanted = np.clip(one.strength * beyond, -one.capital, one.capital) * self.usual_usd
        has = at(held(seen, self.coins), self.venue) * price
        change = share_of_way(seconds, one.pace_s) * (wanted - has)
        trade(seen, orders, self.venue, change, 0.1 * self.usual_usd)
