"""The crowd: leveraged longs and shorts, up to a million accounts in one object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.crowd_draw import Book, Holdings, counts, draw_venue, mix
from undertow.agents.crowd_margin import MarginWatch
from undertow.agents.crowd_tiers import USUAL
from undertow.agents.crowd_triggers import Triggers
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import elapsed_s, opening
from undertow.model import codes

Ints = NDArray[np.int64]
# News of severity 1 makes longs act as if the price had fallen by so many daily sigma; that wears
# off with this half-life (both assumed).
FEAR_SIGMAS = 1.0
FEAR_HALF_LIFE_S = 3600.0
# Of what gives up at one place, so much is sold per minute, by its depth; the rest waits (assumed).
PACE = 0.1
# And at no worse price than so far from the mark; who gets none stays (assumed).
SLIP = 0.03


class CrowdSettings(Settings):
    """Numbers of the crowd; those without a source are assumed."""

    every_s: float = 2.0
    count: int = Field(100_000, ge=1, description="Accounts at all of its venues together.")
    tail: float = Field(1.6, gt=0.5, description="Exponent of the Pareto law of sizes.")
    long_share: float = Field(1.0, ge=0, le=1, description="Share of all longs that it holds.")
    short_share: float = Field(0.75, ge=0, le=1, description="Share of all shorts that it holds.")
    long_leverage: str = Field(
        "1.2:0.1 2.5:0.13 4:0.15 5.5:0.13 8:0.14 12:0.17 25:0.105 33:0.047 50:0.025 90:0.003",
        description="Leverage and its share of notional, where no map is given: about what the"
        " map gives for the eves of October and November 2025.",
    )
    short_leverage: str = Field(
        "1.2:0.11 2.5:0.13 4:0.15 5.5:0.12 8:0.13 12:0.22 25:0.09 33:0.033 50:0.013 90:0.004",
        description="The same for shorts.",
    )
    max_leverage: float = Field(125.0, ge=1, description="Nobody has more.")
    entry_days: float = Field(5.0, gt=0, description="Entries are spread as a walk of so long.")
    multi_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Second positions per first one, in cross margin: as Hyperliquid's accounts"
        " held them on 10 October 2025 (verification/shared_margin.py); assumed of other venues.",
    )
    hedged_share: float = Field(0.3, ge=0, le=1, description="Of those, on the other side.")
    stop_share: float = Field(0.05, ge=0, le=1, description="Accounts with a stop-loss order.")
    stop_sigmas: float = Field(2.0, gt=0, description="Median distance of stops, daily sigma.")
    rescue_share: float = Field(0.05, ge=0, le=1, description="Accounts that add margin, once.")
    rescue_size: float = Field(0.5, ge=0, description="How much, by their equity on the eve.")
    exposed_per_turnover: float = Field(
        1.5,
        gt=0,
        description="Where turnover is known: what each side holds with enough leverage to be"
        " liquidated some day, by a day's turnover of that market. Half of it times 1.93, the"
        " factor of `undertow estimate`, times 1.55, as feeds show that much too little.",
    )
    exposed_share: float = Field(
        0.4, ge=0, le=1, description="Where it is not: the same as a share of open interest."
    )
    late_share: float = Field(
        0.036,
        ge=0,
        le=1,
        description="Of those near liquidation, who does not get out in time at the usual speed of"
        " the market. Fitted, see docs/leverage_map.md.",
    )
    late_power: float = Field(0.8, ge=0, description="Growth of that share with the speed.")
    replaced_share: float = Field(
        0.97, ge=0, le=1, description="Who gets out in time is followed by somebody so often."
    )
    lifetime_days: float = Field(
        1.0,
        gt=0,
        description="Mean life of a position whose liquidation is one usual range away.",
    )
    lifetime_power: float = Field(1.2, ge=0, description="Growth of that life with the distance.")
    panic_share: float = Field(
        0.02, ge=0, le=1, description="Accounts that give up in a move, net of who follows."
    )
    panic_sigmas: float = Field(3.0, gt=0, description="Median move against them, daily sigma.")
    profit_share: float = Field(
        0.03, ge=0, le=1, description="Accounts that take a profit, net of who follows."
    )
    profit_sigmas: float = Field(2.0, gt=0, description="Median move for them, daily sigma.")


@register("crowd")
class Crowd(Agent):
    """Positions on the eve, stop-losses, added margin, panic and profit-taking.

    Attributes
    ----------
    book
        The leverage map to draw from and the venues' margin tiers; fill it before `start`.
    """

    settings = CrowdSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        for text in (one.long_leverage, one.short_leverage):
            mix(text)
        self.book = Book()
        self._positions, self._seconds = counts(place, one.count, one.multi_share)
        shape = (len(place.venues), len(place.assets))
        self._panic = {True: Triggers(shape, True), False: Triggers(shape, False)}
        self._profit = {True: Triggers(shape, False), False: Triggers(shape, True)}
        self._margin = MarginWatch(one, place, self.book, dice)
        self._rescue = {True: Triggers(shape, True), False: Triggers(shape, False)}
        self._stops: list[tuple[int, NDArray[Any], NDArray[Any], NDArray[Any], Floats]] = []
        self._gone = [np.zeros(number, np.bool_) for number in self.accounts().tolist()]
        self._fear = np.zeros(len(place.assets))
        self._before_ns = place.start_ns
        self._seconds_passed = 0.0
        self._depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        self._waiting: dict[bool, list[tuple[int, int, Ints, Floats]]] = {True: [], False: []}

    def accounts(self) -> NDArray[np.int64]:
        """As many as there are first positions."""
        some: NDArray[np.int64] = (self._positions - self._seconds).sum(axis=(1, 2))
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Open all positions of the eve, and decide who will do what, and where."""
        price = opening(self.place, seen)
        for venue in np.flatnonzero(self.accounts()).tolist():
            held = draw_venue(
                self.place, venue, self.parameters, price, self.book, self._positions[venue],
                self._seconds[venue], self.dice,
            )  # fmt: skip
            for asset in np.unique(held.asset).tolist():
                own = held.asset == asset
                orders.open(
                    venue, asset, held.account[own], held.quantity[own], held.entry_price[own],
                    held.equity_usd[own],
                )  # fmt: skip
            self._decide(venue, held, price)

    def act(self, seen: Observation, orders: Orders) -> None:
        """What the marks have set off."""
        if self._stops:
            for venue, assets, holders, is_buy, trigger in self._stops:
                orders.stop(venue, assets, holders, is_buy, trigger)
            self._stops = []
        for venue, lost in enumerate(seen.liquidated):
            if len(lost):
                self._gone[venue][lost] = True
        self._margin.act(seen, orders, self._gone)
        scared = self._afraid(seen)
        for is_long in (True, False):
            used = scared if is_long else seen.mark
            for venue, asset, account, amount in self._panic[is_long].crossed(used):
                self._waiting[is_long].append((venue, asset, account, amount))
            for venue, asset, account, amount in self._profit[is_long].crossed(seen.mark):
                self._take_profit(seen, orders, venue, asset, account, amount, is_long)
            for venue, _, account, amount in self._rescue[is_long].crossed(seen.mark):
                left = ~self._gone[venue][account]
                if left.any():
                    orders.move_cash(venue, account[left], amount[left])
        self._give_up(seen, orders)

    def _take_profit(
        self, seen: Observation, orders: Orders, venue: int, asset: int, account: Ints,
        amount: Floats, is_long: bool,
    ) -> None:  # fmt: skip
        """Offer the position at the best price of its own side; no hurry."""
        best = seen.ask[venue, asset] if is_long else seen.bid[venue, asset]
        left = ~self._gone[venue][account]
        if left.any() and best > 0:
            orders.limit(
                venue, asset, account[left], not is_long, amount[left], best, reduce_only=True
            )

    def _give_up(self, seen: Observation, orders: Orders) -> None:
        """Close positions of those in panic, as many as the book may bear since the last time."""
        seconds = max(self._seconds_passed, self.parameters.every_s)
        for is_long, waiting in self._waiting.items():
            if not waiting:
                continue
            room = PACE * self._depth * seconds / 60.0
            later = []
            for venue, asset, account, amount in waiting:
                price = seen.mark[venue, asset]
                sums = np.cumsum(amount) * price
                # One at least, or a large account would stay for ever.
                some = max(1, int(np.searchsorted(sums, room[venue, asset])))
                if seen.halted[venue] or room[venue, asset] <= 0 or not price > 0:
                    some = 0
                now, size = account[:some], amount[:some]
                left = ~self._gone[venue][now]
                if left.any():
                    limit = price * (1 - SLIP if is_long else 1 + SLIP)
                    orders.limit(
                        venue, asset, now[left], not is_long, size[left], limit,
                        time_in_force=codes.IOC, reduce_only=True,
                    )  # fmt: skip
                room[venue, asset] -= sums[some - 1] if some else 0.0
                if some < len(account):
                    later.append((venue, asset, account[some:], amount[some:]))
            self._waiting[is_long] = later

    def _afraid(self, seen: Observation) -> Floats:
        """Marks as scared longs take them: lower after bad news."""
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns, self._seconds_passed = seen.ts_ns, seconds
        if not seen.news and not self._fear.any():
            return seen.mark
        self._fear *= 0.5 ** (seconds / FEAR_HALF_LIFE_S)
        self._fear[self._fear < 1e-6] = 0.0
        for news in seen.news:
            hit = np.array([not news.assets or name in news.assets for name in self.place.assets])
            shock = FEAR_SIGMAS * news.severity * self.place.volatility * hit
            self._fear = np.maximum(self._fear, np.nan_to_num(shock))
        lower: Floats = seen.mark * np.exp(-self._fear)
        return lower

    def _decide(self, venue: int, held: Holdings, price: Floats) -> None:
        """Who of one venue has a stop, adds margin, panics or takes a profit."""
        one, dice, number = self.parameters, self.dice, len(held.asset)
        is_long = held.quantity > 0
        sign = np.where(is_long, 1.0, -1.0)
        now = price[held.asset]
        usd = np.abs(held.quantity) * now
        room = np.maximum(held.equity_usd / usd - USUAL.rate[0], 0.002)
        sigma = np.nan_to_num(self.place.volatility[held.asset], nan=0.03)
        whole = dice.random(number)  # what one has decides the rest: stop, panic, or neither
        stops = whole < one.stop_share
        away = one.stop_sigmas * sigma * np.exp(0.5 * dice.standard_normal(number))
        away = np.clip(np.minimum(away, 0.8 * room), 0.002, 0.95)
        trigger = now * (1 - sign * away)
        if stops.any():
            self._stops.append(
                (venue, held.asset[stops], held.account[stops], ~is_long[stops], trigger[stops])
            )
        panics = (whole >= one.stop_share) & (whole < one.stop_share + one.panic_share)
        spread = np.exp(0.5 * dice.standard_normal(number))
        give_up = now * np.exp(-sign * one.panic_sigmas * sigma * spread)
        profits = dice.random(number) < one.profit_share
        spread = np.exp(0.6 * dice.standard_normal(number))
        take = now * np.exp(sign * one.profit_sigmas * sigma * spread)
        rescues = dice.random(number) < one.rescue_share
        # When two thirds of the way to liquidation are gone.
        near = now * np.maximum(1 - sign * np.minimum(room * 2 / 3, 0.95), 0.02)
        self._margin.add(venue, held, price)
        added = one.rescue_size * held.equity_usd
        amount = np.abs(held.quantity)
        for asset in np.unique(held.asset).tolist():
            for side in (True, False):
                own = (held.asset == asset) & (is_long == side)
                for tables, chosen, at, much in (
                    (self._panic, own & panics, give_up, amount),
                    (self._profit, own & profits, take, amount),
                    (self._rescue, own & rescues, near, added),
                ):
                    tables[side].add(venue, asset, at[chosen], held.account[chosen], much[chosen])
