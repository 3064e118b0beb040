"""Fishers for liquidations: small bids far below the market, sold again over some minutes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import LEAST_USD, SLIP, Trend, share_of_way
from undertow.agents.prices import elapsed_s, quoted
from undertow.agents.stock import bring, held
from undertow.model import codes

AWAY = np.array([0.03, 0.045, 0.065, 0.09, 0.13, 0.18, 0.25])


class FisherSettings(Settings):
    """Numbers of the fishers; all assumed."""

    every_s: float = 30.0
    size: float = Field(0.3, ge=0, description="All of its bids in an asset, by the usual depth.")
    memory_s: float = Field(900.0, gt=0, description="Bids follow the average of so long, seconds.")
    pace_s: float = Field(1200.0, gt=0, description="Until what was caught is sold, seconds.")


@register("fisher")
class Fisher(Agent):
    """One account at each leveraged venue."""

    settings = FisherSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        self.depth = np.where(place.is_spot[:, None], 0.0, depth)
        count = self.depth.size
        self._average = Trend(count, self.parameters.memory_s)
        self._centre = np.full(self.depth.shape, np.nan)
        self._before_ns = place.start_ns

    def accounts(self) -> NDArray[np.int64]:
        """One at each leveraged venue."""
        some: NDArray[np.int64] = np.where((self.depth > 0).any(axis=1), 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring margin for all bids."""
        worth = self.depth * self.parameters.size
        ones = np.ones(len(self.place.assets))
        bring(self.place, orders, 1, ones, worth, np.ones(1), 2)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Move bids that have become stale, sell some of what was caught."""
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        shape = self.depth.shape
        level = self._average.update(np.log(quoted(seen)).ravel(), seconds).reshape(shape)
        ready = (self.depth > 0) & ~np.isnan(level) & ~seen.halted[:, None]
        stale = ready & ~(np.abs(level - self._centre) <= 0.01)
        caught = held(seen, np.zeros(shape)) * np.exp(level)
        sells = ready & (np.nan_to_num(caught) > LEAST_USD)
        for venue in np.flatnonzero((stale | sells).any(axis=1)).tolist():
            self._fish(orders, venue, np.flatnonzero(stale[venue]), level[venue])
            assets = np.flatnonzero(sells[venue])
            if len(assets):
                share = share_of_way(seconds, self.parameters.pace_s)
                quantity = caught[venue, assets] / np.exp(level[venue, assets]) * share
                limit = np.exp(level[venue, assets]) * (1 - SLIP)
                orders.limit(
                    venue, assets, 0, False, quantity, limit, time_in_force=codes.IOC,
                    reduce_only=True,
                )  # fmt: skip
        self._centre = np.where(stale, level, self._centre)

    def _fish(
        self, orders: Orders, venue: int, assets: NDArray[np.int64], level: NDArray[np.float64]
    ) -> None:
        if not len(assets):
            return
        orders.cancel_all(venue, assets, 0)
        price = np.exp(level[assets])[:, None] * (1 - AWAY)
        usd = self.depth[venue, assets][:, None] * self.parameters.size / len(AWAY)
        each = np.broadcast_to(assets[:, None], price.shape).ravel()
        orders.limit(venue, each, 0, True, (usd / price).ravel(), price.ravel())
