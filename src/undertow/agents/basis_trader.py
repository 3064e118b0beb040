"""Basis traders: long spot, short perpetual; the other side of what the crowd holds on the eve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import at, trade
from undertow.agents.prices import busiest, elapsed_s, in_dollars, known, quoted


class BasisTraderSettings(Settings):
    """Numbers of the basis traders; all assumed."""

    every_s: float = 10.0
    equity_share: float = Field(
        0.6, gt=0, description="Equity of the short legs on the eve, per dollar of notional."
    )
    capital_multiple: float = Field(1.0, gt=0, description="A lever: that equity times this.")
    tolerance: float = Field(0.02, ge=0, description="Share that may be unhedged.")
    pace: float = Field(
        0.05, gt=0, description="Spot sold per minute when a leg is gone, by the spot depth."
    )
    discount: float = Field(
        0.006, gt=0, description="Perpetual below spot by this: both legs are closed."
    )
    worst_funding: float = Field(
        0.0005, gt=0, description="Paid per interval by shorts: both legs are closed."
    )


@register("basis_trader")
class BasisTrader(Agent):
    """One account per venue; its short legs are what longs have more than shorts.

    It learns their size at its first step, and then has as many coins at the spot markets. A leg
    that is deleveraged or liquidated leaves spot unhedged, which it sells; at a deep discount, or
    when shorts pay, it closes both legs.
    """

    settings = BasisTraderSettings
    takes_residual = True

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        self.residual_equity_share = one.equity_share * one.capital_multiple
        self.spot = busiest(place, place.is_spot)
        self._before_ns = place.start_ns
        self._is_hedged = False
        self._depth = at(np.nan_to_num(place.depth_usd), self.spot)

    def accounts(self) -> NDArray[np.int64]:
        """One at each venue that lists something."""
        some: NDArray[np.int64] = np.where(self.place.listed.any(axis=1), 1, 0)
        return some

    def act(self, seen: Observation, orders: Orders) -> None:
        """Keep spot and short legs equal."""
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        if seen.quantity is None:
            return
        each = known(seen.quantity).sum(axis=1)
        legs = np.where(self.place.is_spot[:, None], 0.0, each)
        short = np.maximum(-legs.sum(axis=0), 0.0)
        if not self._is_hedged:
            self._is_hedged = True
            for asset in np.flatnonzero((short > 0) & (self.spot >= 0)).tolist():
                orders.bring_coins(int(self.spot[asset]), asset, 0, short[asset])
            return
        has = np.where(self.place.is_spot[:, None], each, 0.0).sum(axis=0)
        price = at(quoted(seen), self.spot)
        naked = has - short
        pace = self.parameters.pace * seconds / 60.0 * self._depth
        sold = np.where(naked > self.parameters.tolerance * has, naked * price, 0.0)
        self._close(seen, orders, legs, pace)
        trade(seen, orders, self.spot, -sold, np.maximum(pace, 0.0))

    def _close(
        self, seen: Observation, orders: Orders, legs: NDArray[np.float64],
        pace: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Buy back short legs where the perpetual is cheap or shorts pay; spot follows."""
        one = self.parameters
        mid = in_dollars(seen, quoted(seen))
        basis = mid / np.where(self.spot >= 0, at(mid, self.spot), np.nan) - 1
        leaves = (basis < -one.discount) | (seen.funding_rate < -one.worst_funding)
        leaves &= legs < 0
        if not leaves.any():
            return
        for venue in np.flatnonzero(leaves.any(axis=1)).tolist():
            usd = np.where(leaves[venue], -legs[venue] * mid[venue], 0.0)
            target = np.full(legs.shape[1], venue)
            trade(seen, orders, target, usd, pace, reduce_only=True)
