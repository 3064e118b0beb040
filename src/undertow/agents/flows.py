"""Flows that come whatever the price: redemptions, holders, miners, a treasury with debts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import trade
from undertow.agents.prices import in_dollars, middle, opening, quoted
from undertow.agents.stock import bring, held
from undertow.errors import UndertowError, nearest

# Who must sell takes more of the book at once than others, and goes further into it (assumed).
SHARE_OF_BOOK = 0.3
SLIP = 0.05


@dataclass(frozen=True, slots=True)
class Sale:
    """So many dollars sold (bought below 0) from a time on, evenly over some seconds.

    ``at_ns`` is ignored for one that begins when the price is ``below`` (a fraction) under that of
    the start. ``venue`` None is all spot markets by their depth, or leveraged venues without any.
    """

    asset: str
    usd: float
    at_ns: int
    over_s: float
    venue: str | None = None
    below: float | None = None
    name: str = ""


class FlowsSettings(Settings):
    """One flow; more of them come from a scenario's shocks. Sizes are a scenario's to say."""

    every_s: float = 10.0
    asset: str = Field("", description="What is sold; empty for no flow of its own.")
    usd: float = Field(0.0, description="Dollars in all; below 0 it is bought.")
    at_s: float = Field(0.0, ge=0, description="When it begins, seconds after the start.")
    over_s: float = Field(3600.0, gt=0, description="How long it takes, seconds.")
    venue: str = Field("", description="Where; empty for all spot markets, by depth.")
    below: float = Field(
        0.0, ge=0, lt=1, description="Begins when the price has fallen so far; 0: by the clock."
    )
    scale: float = Field(1.0, ge=0, description="All sizes times this.")


@register("flows")
class Flows(Agent):
    """One account per venue that sells (or buys) what it was told, and nothing else.

    Attributes
    ----------
    sales
        What it was told; may be added to before `accounts` is asked.
    """

    settings = FlowsSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        self.sales: list[Sale] = []
        if one.asset:
            at_ns = place.start_ns + int(one.at_s * 1e9)
            self.sales.append(
                Sale(one.asset, one.usd, at_ns, one.over_s, one.venue or None, one.below or None)
            )
        for sale in self.sales:
            self._share(sale)
        self._brought = np.zeros(place.listed.shape)
        self._began_ns: dict[int, int] = {}
        self._first: Floats | None = None

    def accounts(self) -> NDArray[np.int64]:
        """One wherever something is sold."""
        some = np.zeros(len(self.place.venues), np.int64)
        for sale in self.sales:
            some[self._share(sale)[1] > 0] = 1
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring what will be sold, and half as much again."""
        self._first = opening(self.place, seen)
        worth = np.zeros(self.place.listed.shape)
        for sale in self.sales:
            asset, share = self._share(sale)
            worth[:, asset] += 1.5 * abs(sale.usd) * self.parameters.scale * share
        self._brought = bring(self.place, orders, 1, self._first, worth, np.ones(1), 3)

    def act(self, seen: Observation, orders: Orders) -> None:
        """What is due by now and was not sold yet."""
        due = np.zeros(self.place.listed.shape)
        for number, sale in enumerate(self.sales):
            passed = self._due(number, sale, seen)
            if passed > 0:
                asset, share = self._share(sale)
                due[:, asset] += passed * sale.usd * self.parameters.scale * share
        if self._first is None or not due.any():
            return
        # In coins of the start, so that a sale is done when they are gone.
        left = -due / self._first - held(seen, self._brought)
        change = np.where(due != 0, left * quoted(seen), 0.0)
        infinite = np.full(len(self._first), np.inf)
        for venue in np.flatnonzero(np.nan_to_num(change).any(axis=1)).tolist():
            where = np.full(len(self._first), venue)
            trade(
                seen, orders, where, change[venue], infinite, share_of_book=SHARE_OF_BOOK,
                slip=SLIP,
            )  # fmt: skip

    def _due(self, number: int, sale: Sale, seen: Observation) -> float:
        """The share of a sale that should be done by now."""
        began = self._began_ns.get(number)
        if began is None:
            if sale.below is None:
                began = sale.at_ns
            elif self._has_fallen(sale, seen):
                began = seen.ts_ns
            else:
                return 0.0
            self._began_ns[number] = began
        passed = (seen.ts_ns - began) / 1e9 + self.parameters.every_s
        return float(np.clip(passed / sale.over_s, 0.0, 1.0)) if seen.ts_ns >= began else 0.0

    def _has_fallen(self, sale: Sale, seen: Observation) -> bool:
        asset, share = self._share(sale)
        if self._first is None or sale.below is None:
            return False
        weight = np.broadcast_to(share[:, None], self.place.listed.shape)
        now = middle(in_dollars(seen, quoted(seen)), weight, self._first)[asset]
        return bool(now <= self._first[asset] * (1 - sale.below))

    def _share(self, sale: Sale) -> tuple[int, Floats]:
        """The asset's number, and by venue the share of it that is sold there."""
        place = self.place
        if sale.asset not in place.assets:
            raise UndertowError(
                f"agent '{self.name}': no asset '{sale.asset}'{nearest(sale.asset, place.assets)}"
            )
        asset = place.assets.index(sale.asset)
        depth = np.where(place.listed[:, asset], np.nan_to_num(place.depth_usd[:, asset]), 0.0)
        if sale.venue is not None:
            if sale.venue not in place.venues:
                raise UndertowError(
                    f"agent '{self.name}': no venue '{sale.venue}'"
                    f"{nearest(sale.venue, place.venues)}"
                )
            depth = depth * (np.arange(len(depth)) == place.venues.index(sale.venue))
        elif (depth * place.is_spot).sum() > 0:
            depth = depth * place.is_spot
        if not depth.sum() > 0:
            raise UndertowError(
                f"agent '{self.name}': nobody trades {sale.asset} at {sale.venue or 'any venue'}"
            )
        return asset, depth / depth.sum()
