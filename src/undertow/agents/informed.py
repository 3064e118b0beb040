"""An informed trader: goes short before the news, and covers into the fall."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import at, trade
from undertow.agents.prices import busiest, elapsed_s, opening, quoted
from undertow.agents.stock import bring
from undertow.errors import UndertowError, nearest


class InformedSettings(Settings):
    """What it does and when is a scenario's to say; the defaults are assumed."""

    every_s: float = 10.0
    asset: str = Field("", description="What is sold short; empty for nothing.")
    usd: float = Field(0.0, ge=0, description="Dollars in all.")
    venue: str = Field("", description="Where; empty for the deepest leveraged venue.")
    at_s: float = Field(0.0, ge=0, description="When it begins, seconds after the start.")
    over_s: float = Field(600.0, gt=0, description="How long selling takes, seconds.")
    cover_fall: float = Field(0.05, gt=0, lt=1, description="Covers after such a fall.")
    cover_over_s: float = Field(1800.0, gt=0, description="How long covering takes, seconds.")
    leverage: int = Field(5, ge=1, description="Of its short.")


@register("informed")
class Informed(Agent):
    """One account at one venue."""

    settings = InformedSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        self.asset = self._number("asset", one.asset, place.assets) if one.asset else -1
        chosen = busiest(place, ~place.is_spot)
        self.venue = -1 if self.asset < 0 else int(chosen[self.asset])
        if one.venue:
            self.venue = self._number("venue", one.venue, place.venues)
            if self.asset >= 0 and not place.listed[self.venue, self.asset]:
                raise UndertowError(f"agent '{name}': {one.venue} does not trade {one.asset}")
        self._first = np.nan
        self._sold = 0.0
        self._covers = False
        self._before_ns = place.start_ns

    def _number(self, what: str, wanted: str, known: tuple[str, ...]) -> int:
        if wanted not in known:
            raise UndertowError(
                f"agent '{self.name}': no {what} '{wanted}'{nearest(wanted, known)}"
            )
        return known.index(wanted)

    def accounts(self) -> NDArray[np.int64]:
        """One, if there is something to do."""
        some = np.zeros(len(self.place.venues), np.int64)
        if self.venue >= 0:
            some[self.venue] = 1
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring margin for the whole short, twice."""
        if self.venue < 0 or self.asset < 0:
            return
        worth = np.zeros(self.place.listed.shape)
        worth[self.venue, self.asset] = 2 * self.parameters.usd / self.parameters.leverage
        prices = opening(self.place, seen)
        self._first = float(prices[self.asset])
        bring(self.place, orders, 1, prices, worth, np.ones(1), self.parameters.leverage)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Sell, wait, cover."""
        one = self.parameters
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        since = (seen.ts_ns - self.place.start_ns) / 1e9 - one.at_s
        if self.venue < 0 or self.asset < 0 or since < 0:
            return
        price = float(quoted(seen)[self.venue, self.asset] * seen.quote_usd[self.venue])
        self._covers |= price <= self._first * (1 - one.cover_fall)
        if self._covers:
            owes = 0.0
            if seen.quantity is not None:
                owes = max(0.0, -float(seen.quantity[self.venue, 0, self.asset])) * price
            most = one.usd * max(seconds, one.every_s) / one.cover_over_s
            self._order(seen, orders, owes, most, reduce_only=True)
            return
        due = one.usd * min(1.0, (since + one.every_s) / one.over_s)
        self._order(seen, orders, self._sold - due, np.inf, reduce_only=False)
        self._sold = max(self._sold, due)

    def _order(
        self, seen: Observation, orders: Orders, usd: float, most: float, *, reduce_only: bool
    ) -> None:
        count = len(self.place.assets)
        change: Floats = np.zeros(count)
        change[self.asset] = usd
        where = np.full(count, self.venue)
        if np.isnan(at(quoted(seen), where)[self.asset]):
            return
        trade(seen, orders, where, change, np.full(count, most), reduce_only=reduce_only)
