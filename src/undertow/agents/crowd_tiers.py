"""What a position of some size must have as margin, and where it is liquidated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats


@dataclass(frozen=True)
class Tiers:
    """A venue's margin tiers of one instrument, in dollars; see `maintenance` and `most`.

    Attributes
    ----------
    floor_usd
        Notional from which a tier holds, ascending from 0.
    rate, deduction_usd
        A position of some notional needs ``rate * notional - deduction_usd`` to stay open.
    leverage
        The greatest with which it may be opened.
    """

    floor_usd: Floats
    rate: Floats
    deduction_usd: Floats
    leverage: Floats

    def maintenance(self, usd: Floats) -> Floats:
        """Share of their notional that positions need to stay open."""
        tier = self._tier(usd)
        least = self.rate[0]
        share: Floats = self.rate[tier] - self.deduction_usd[tier] / np.maximum(usd, 1.0)
        return np.clip(share, least, 0.5)

    def most(self, usd: Floats) -> Floats:
        """The greatest leverage of positions."""
        most: Floats = self.leverage[self._tier(usd)]
        return most

    def _tier(self, usd: Floats) -> NDArray[np.int64]:
        return np.maximum(np.searchsorted(self.floor_usd, usd, side="right") - 1, 0)


# Where no rules are given: the shape of venues' tiers in October 2025 for large coins (assumed).
USUAL = Tiers(
    np.array([0.0, 1e6, 5e6, 2e7, 1e8]), np.full(5, 0.006), np.zeros(5),
    np.array([125.0, 50.0, 20.0, 10.0, 5.0]),
)  # fmt: skip


def level(
    is_long: NDArray[np.bool_], entry: Floats, away: Floats, least_margin: Floats, rate: Floats
) -> Floats:
    """Prices at which positions of one asset on their own are liquidated.

    Parameters
    ----------
    away
        Wanted distance of that price, as a share of the entry price.
    least_margin
        Margin at entry that a venue (or a lever) asks for, as a share: may move the price away.
    rate
        Maintenance, see `Tiers.maintenance`.
    """
    wanted = entry * np.where(is_long, 1 - away, 1 + away)
    allowed = entry * np.where(
        is_long, (1 - least_margin) / (1 - rate), (1 + least_margin) / (1 + rate)
    )
    found = np.where(is_long, np.minimum(wanted, allowed), np.maximum(wanted, allowed))
    return np.maximum(found, 0.01 * entry)


def equity(coins: Floats, price: Floats, at: Floats, rate: Floats) -> Floats:
    """Dollars that an account must have at a price to be liquidated at another one."""
    worth: Floats = coins * (price - at) + rate * np.abs(coins) * at
    return worth


def level_of(coins: Floats, price: Floats, worth: Floats, rate: Floats) -> Floats:
    """Where an account with so much equity at a price is liquidated: `equity` the other way."""
    found: Floats = (price - worth / coins) / (1 - np.sign(coins) * rate)
    return np.maximum(found, 0.01 * price)
