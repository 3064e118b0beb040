"""How a crowd minds its margin: warned holders close by hand, others renew their positions.

Both decide how much is liquidated. Who notices in time is not liquidated, so a slow fall liquidates
few of those whose liquidation price it passes and a fast one many. Positions are given up and
opened anew all the time, at the price of the day, so there are always some close to liquidation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.crowd_draw import MAINTENANCE, Holdings
from undertow.agents.crowd_notice import Notices
from undertow.agents.ending import Ending
from undertow.agents.numbers import distinct
from undertow.agents.observation import Floats, Observation
from undertow.agents.orders import Orders
from undertow.agents.watch import Watch

Ints = NDArray[np.int64]
RENEW_S = 1800.0
DAY_S = 86_400.0
LEAST_MARGIN = 0.008  # 125 times leverage, the most that venues offered in 2025
# A day's range is 1.6 standard deviations of its return (Feller 1951).
RANGE_PER_SIGMA = 1.6
_POSITION = np.dtype(
    [("venue", np.int64), ("asset", np.int64), ("account", np.int64), ("coins", np.float64),
     ("equity", np.float64), ("price", np.float64), ("margin", np.float64),
     ("life_s", np.float64), ("watches", np.bool_), ("left", np.bool_)]
)  # fmt: skip


class MarginWatch:
    """Margin of all positions of a crowd, as far as the crowd itself knows it.

    Parameters
    ----------
    settings
        Of the crowd: ``attentive_share``, ``warned_at``, ``notice_s``, ``notice_spread``,
        ``lifetime_days``, ``lifetime_power``.
    sigma
        Daily volatility by asset.
    """

    def __init__(
        self, settings: Any, shape: tuple[int, int], sigma: Floats, start_ns: int,
        dice: np.random.Generator,
    ) -> None:  # fmt: skip
        self._settings, self._shape, self._sigma, self._dice = settings, shape, sigma, dice
        self._rows = np.zeros(0, _POSITION)
        self._notices = Notices(settings.notice_s, settings.notice_spread, dice)
        self._next_ns = start_ns
        self._before = np.full(shape, np.nan)  # marks of the last renewal
        self._warned = {True: Watch(shape, True), False: Watch(shape, False)}
        self._ending: Ending | None = None
        self._changed: list[Ints] = []  # positions that were entered anew since the last renewal

    def add(self, venue: int, held: Holdings, price: Floats) -> None:
        """Positions of one venue on the eve."""
        rows = np.zeros(len(held.asset), _POSITION)
        rows["venue"], rows["asset"], rows["account"] = venue, held.asset, held.account
        rows["coins"], rows["equity"] = held.quantity, held.equity_usd
        rows["price"] = price[held.asset]
        # The first day's margin: what was won or lost since is taken out again.
        moved = held.entry_price / rows["price"]
        now = held.equity_usd / (np.abs(held.quantity) * rows["price"])
        fresh = (now - np.sign(held.quantity) * (1 - moved)) / moved
        rows["margin"] = np.clip(fresh, LEAST_MARGIN, 1.0)
        sigma = np.nan_to_num(self._sigma[held.asset], nan=0.03) * RANGE_PER_SIGMA
        away = np.maximum(rows["margin"] / sigma, 0.05)
        one = self._settings
        rows["life_s"] = DAY_S * one.lifetime_days * away**one.lifetime_power
        rows["watches"] = self._dice.random(len(rows)) < one.attentive_share
        self._changed.append(len(self._rows) + np.arange(len(rows)))
        self._rows = np.concatenate([self._rows, rows])
        self._ending = None

    def act(self, seen: Observation, orders: Orders, gone: list[NDArray[np.bool_]]) -> None:
        """Renew some positions, warn some holders, and close for those who notice."""
        if seen.ts_ns >= self._next_ns:
            self._next_ns = seen.ts_ns + int(RENEW_S * 1e9)
            self._renew(seen, orders, gone)
        for is_long in (True, False):
            for venue, asset, number in self._warned[is_long].crossed(seen.mark):
                number = number[~self._rows["left"][number]]
                self._rows["watches"][number] = False  # warned once is enough
                coins = self._rows["coins"][number]
                # Who trades with little margin looks at it more often.
                away = self._rows["margin"][number] / (self._sigma[asset] * RANGE_PER_SIGMA)
                slower = away**self._settings.notice_power
                self._notices.add(seen.ts_ns, venue, asset, number, coins, slower)
        for venue, asset, number, _ in self._notices.due(seen.ts_ns):
            here = number[~gone[venue][self._rows["account"][number]] & ~self._rows["left"][number]]
            stays = self._dice.random(len(here)) < self._settings.replaced_share
            self._enter(seen, orders, here[stays])
            leaves = here[~stays]
            self._rows["left"][leaves] = True
            if len(leaves):
                coins = self._rows["coins"][leaves]
                account = self._rows["account"][leaves]
                orders.market(venue, asset, account, coins < 0, np.abs(coins), reduce_only=True)

    def _renew(self, seen: Observation, orders: Orders, gone: list[NDArray[np.bool_]]) -> None:
        """Some positions become new ones: one holder leaves and another enters at the same price.

        So nothing is traded; the account stands for the new one, of the same size and leverage.
        """
        rows = self._rows
        if self._ending is None:
            place = rows["venue"] * self._shape[1] + rows["asset"]
            self._ending = Ending(rows["life_s"].copy(), place)
        number = self._ending.draw(self._dice, (RENEW_S * self._activity(seen)).ravel())
        for venue in np.unique(rows["venue"][number]).tolist():
            own = number[rows["venue"][number] == venue]
            rows["left"][own] |= gone[venue][rows["account"][own]]
        self._enter(seen, orders, number[~rows["left"][number]])
        self._warn_anew()

    def _activity(self, seen: Observation) -> Floats:
        """How much faster positions change hands than usual: turnover grows with the move."""
        usual = self._sigma * np.sqrt(RENEW_S / DAY_S)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.abs(np.log(seen.mark / self._before)) / usual
        self._before = seen.mark.copy()
        busy: Floats = 1 + np.nan_to_num(moved)
        return busy

    def _enter(self, seen: Observation, orders: Orders, number: Ints) -> None:
        """A new holder in the place of the old one, with the first day's margin at this price."""
        rows = self._rows
        now = seen.mark[rows["venue"][number], rows["asset"][number]]
        number, now = number[now > 0], now[now > 0]
        self._changed.append(number)
        some = rows[number]
        equity = some["equity"] + some["coins"] * (now - some["price"])
        wanted = some["margin"] * np.abs(some["coins"]) * now
        rows["equity"][number], rows["price"][number] = wanted, now
        rows["watches"][number] = self._dice.random(len(number)) < self._settings.attentive_share
        for venue in np.unique(some["venue"]).tolist():
            own = some["venue"] == venue
            orders.move_cash(venue, some["account"][own], (wanted - equity)[own])

    def _warn_anew(self) -> None:
        """Prices at which holders are warned, from what those have now who came since."""
        number = distinct(*self._changed)
        self._changed = []
        if not len(number):
            return
        rows = self._rows[number]
        room = rows["equity"] / (np.abs(rows["coins"]) * rows["price"]) - MAINTENANCE
        room = np.clip(room * self._settings.warned_at, 0.001, 0.95)
        is_long = rows["coins"] > 0
        level = rows["price"] * np.maximum(1 - np.where(is_long, room, -room), 0.02)
        level = np.where(rows["watches"] & ~rows["left"], level, np.nan)
        place = 2 * (rows["venue"] * self._shape[1] + rows["asset"]) + is_long
        order = np.argsort(place, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
            one = rows[part[0]]
            watch = self._warned[bool(one["coins"] > 0)]
            watch.change(int(one["venue"]), int(one["asset"]), number[part], level[part])
