"""Arbitrageurs: they buy where an asset is cheap and sell where it is dear, while money lasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import in_dollars, opening
from undertow.agents.stock import bring, held
from undertow.agents.transfers import Transfers
from undertow.model import codes

# Money is moved when a venue has less than the first share of what it began with, from one that
# has more than the second; at most a quarter of what lies there (all assumed).
LOW, HIGH, PIECE = 0.5, 1.2, 0.25
LOOK_NS = 300 * 10**9


class ArbitrageurSettings(Settings):
    """Numbers of the arbitrageurs; all assumed."""

    every_s: float = 5.0
    latency_s: float = 0.0
    capital_usd: float = Field(
        0.0, ge=0, description="Dollars at all venues together; 0: `capital` times all depth."
    )
    capital: float = Field(5.0, ge=0, description="Money by depth, where no dollars are given.")
    capital_multiple: float = Field(1.0, ge=0, description="A lever: all capital times this.")
    leverage: int = Field(5, ge=1, description="At leveraged venues.")
    cost: float = Field(0.0015, ge=0, description="Fees and risk of both legs, as a fraction.")
    bite: float = Field(0.4, gt=0, le=1, description="One trade, by the thinner side's depth.")
    transfer_delay_s: float = Field(1800.0, ge=0, description="Transfers take so long, seconds.")
    withdrawal_halt: bool = Field(False, description="No transfers at all.")


@register("arbitrageur")
class Arbitrageur(Agent):
    """One account per venue: between venues of one asset, and between spot and perpetual."""

    settings = ArbitrageurSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        self.depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        whole = (one.capital_usd or one.capital * self.depth.sum()) * one.capital_multiple
        self.worth = whole * self.depth / max(self.depth.sum(), 1.0)
        # Coins and cash of a spot market share its part.
        self.worth[place.is_spot] /= 2
        times = np.where(place.is_spot, 1.0, 0.8 * one.leverage)
        self.limit_usd = np.maximum(self.worth * times[:, None], 1.0)
        self.transfers = Transfers(one.transfer_delay_s, one.withdrawal_halt)
        self.coins = np.zeros(self.depth.shape)
        self._looked_ns = place.start_ns

    def accounts(self) -> NDArray[np.int64]:
        """One wherever there is depth."""
        some: NDArray[np.int64] = np.where((self.depth > 0).any(axis=1), 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring money and coins."""
        self.coins = bring(
            self.place, orders, 1, opening(self.place, seen), self.worth, np.ones(1),
            self.parameters.leverage,
        )  # fmt: skip

    def act(self, seen: Observation, orders: Orders) -> None:
        """Trade the widest gap of each asset, if it pays."""
        cost = self.parameters.cost
        bid, ask = in_dollars(seen, seen.bid), in_dollars(seen, seen.ask)
        self.transfers.arrive(seen, orders)
        if seen.ts_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = seen.ts_ns
            self._rebalance(seen, orders)
        # Both in one comparison: is anything wide enough even without what is held?
        usable = ~seen.halted[:, None]
        high = np.where(usable & (bid > 0), bid, 0.0)
        low = np.where(usable & (ask > 0), ask, np.inf)
        if not (high.max(axis=0) > low.min(axis=0)).any():
            return
        has = held(seen, self.coins) * np.where(high > 0, high, 0.0) / self.limit_usd
        lean = np.clip(has, -1.0, 1.0)
        # Going back to where one began costs less; at the limit one goes no further.
        sells = np.where(lean > -0.99, high * (1 - cost / 2 * (1 - 0.8 * lean)), 0.0)
        buys = np.where(lean < 0.99, low * (1 + cost / 2 * (1 + 0.8 * lean)), np.inf)
        dear, cheap = sells.argmax(axis=0), buys.argmin(axis=0)
        each = np.arange(len(self.place.assets))
        pays = sells[dear, each] > buys[cheap, each]
        for asset in np.flatnonzero(pays & (dear != cheap)).tolist():
            self._swap(seen, orders, asset, int(dear[asset]), int(cheap[asset]), has[:, asset])

    def _swap(
        self, seen: Observation, orders: Orders, asset: int, dear: int, cheap: int, has: Floats
    ) -> None:
        thin = min(self.depth[dear, asset], self.depth[cheap, asset])
        room = min(
            (has[dear] + 1) * self.limit_usd[dear, asset],
            (1 - has[cheap]) * self.limit_usd[cheap, asset],
        )
        usd = min(self.parameters.bite * thin, room)
        # Both legs stop half way between the two prices.
        high = seen.bid[dear, asset] * seen.quote_usd[dear]
        low = seen.ask[cheap, asset] * seen.quote_usd[cheap]
        meet = (high * low) ** 0.5
        if not usd > 0:
            return
        for venue, is_buy in ((dear, False), (cheap, True)):
            limit = meet / seen.quote_usd[venue]
            orders.limit(
                venue, asset, 0, is_buy, usd / meet, limit, time_in_force=codes.IOC
            )  # fmt: skip

    def _rebalance(self, seen: Observation, orders: Orders) -> None:
        """Send cash from where there is too much to where there is too little."""
        if seen.cash_usd is None:
            return
        began = self.worth.sum(axis=1)
        now = np.nan_to_num(seen.cash_usd[:, 0]) + self.transfers.coming(len(began))
        ratio = np.where(began > 0, now / np.maximum(began, 1.0), 1.0)
        poor, rich = int(ratio.argmin()), int(ratio.argmax())
        if ratio[poor] < LOW and ratio[rich] > HIGH:
            usd = min(PIECE * now[rich], (1 - ratio[poor]) * began[poor])
            self.transfers.send(seen, orders, rich, poor, 0, usd)
