"""Value buyers: patient orders far from the price, growing with distance, renewed once a day."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import opening
from undertow.agents.stock import bring

# Distances at which they rest; what they hold up to a distance grows with its square, as the
# latent book of Toth et al. (Physical Review X 1, 021006, 2011) does near the price. So close that
# no single one holds a fall up.
AWAY = np.arange(0.03, 0.605, 0.01)


class ValueBuyerSettings(Settings):
    """Numbers of the value buyers; all assumed."""

    every_s: float = 60.0
    strength: float = Field(0.5, ge=0, description="Orders up to 10 % away, by the usual depth.")
    renew_s: float = Field(86400.0, gt=0, description="How often the orders are renewed, seconds.")


@register("value_buyer")
class ValueBuyer(Agent):
    """One account per venue; bids below and asks above the price of the last renewal."""

    settings = ValueBuyerSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        self.depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        held = self.parameters.strength * (AWAY / 0.1) ** 2
        self.rungs = np.diff(held, prepend=0.0)
        self._renewed_ns: int | None = None

    def accounts(self) -> NDArray[np.int64]:
        """One wherever there is depth."""
        some: NDArray[np.int64] = np.where((self.depth > 0).any(axis=1), 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring enough for all orders: a third at leveraged venues."""
        whole = self.rungs.sum() * 1.1
        times = np.where(self.place.is_spot, whole, whole / 3)
        bring(
            self.place, orders, 1, opening(self.place, seen), self.depth * times[:, None],
            np.ones(1), 3,
        )  # fmt: skip

    def act(self, seen: Observation, orders: Orders) -> None:
        """Cancel and place all orders, when it is time."""
        since = self._renewed_ns
        if since is not None and seen.ts_ns - since < self.parameters.renew_s * 1e9:
            return
        self._renewed_ns = seen.ts_ns
        price = np.broadcast_to(opening(self.place, seen), self.depth.shape)
        price = price / seen.quote_usd[:, None]
        ready = (self.depth > 0) & (price > 0) & ~seen.halted[:, None]
        for venue in np.flatnonzero(ready.any(axis=1)).tolist():
            assets = np.flatnonzero(ready[venue])
            shape = (len(assets), len(AWAY))
            each = np.broadcast_to(assets[:, None], shape).ravel()
            size = self.depth[venue, assets][:, None] * self.rungs
            if since is not None:
                orders.cancel_all(venue, -1, 0)
            for is_buy, sign in ((True, -1.0), (False, 1.0)):
                at = price[venue, assets][:, None] * (1 + sign * AWAY)
                orders.limit(venue, each, 0, is_buy, (size / at).ravel(), at.ravel())
