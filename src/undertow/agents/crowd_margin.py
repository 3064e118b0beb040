"""How a crowd minds its margin: who is too late is liquidated, others get out, newcomers enter.

Positions are given up and opened anew all the time, at the prices of the day, so there are always
some close to liquidation, on both sides. Near it most holders close by hand, stop out or add
margin; in a fast move fewer are quick enough. What both follow is the law of
``undertow estimate`` (docs/leverage_map.md), with its numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.crowd_draw import Book, Holdings
from undertow.agents.crowd_pace import BLOCK_S, DAY_S, Pace
from undertow.agents.crowd_shared import Shared
from undertow.agents.crowd_tiers import USUAL, equity, level, level_of
from undertow.agents.ending import Ending
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.watch import Watch
from undertow.model import codes

Ints = NDArray[np.int64]
RENEW_S = 1800.0
# Mean range of an hour over the standard deviation of its return: 1.47 and 1.49 for BTC and ETH,
# median of spans of 20 days, 2021 to 2024 (Binance USD-M).
RANGE_PER_SIGMA = 1.48
# Turnover grows with the speed of the market (exponent 1.04 and 1.01, the same data), and what is
# opened with turnover to the power of 0.3 (`turnover_now` of the leverage map).
ACTIVITY = 0.3
LONGEST_DAYS = 60.0  # as in the leverage map
NEVER_S = 1e30  # a position that ends only with another of its account
# Holders decide whether they get out when so much of their first distance is left; where nobody
# knows the next price, when so many usual moves of a step are left, or so many of the last one.
LAST_PART, USUAL_STEPS, STEPS = 0.1, 6.0, 3.0
# A profit that is larger than this share of the margin wanted must be taken before money leaves.
PROFIT = 0.25
# Nobody sells and buys for that at once more than this share of what rests within 1 % (assumed).
PIECE = 0.1
SLIP = 0.03  # who leaves in time sells no lower than so far from the mark (assumed)
FEES = 0.0012  # of both trades, about what venues ask of takers
IDLE, HOLDS, TOO_LATE, LEFT = range(4)
_POSITION = np.dtype(
    [("asset", np.int64), ("account", np.int64), ("coins", np.float64), ("equity", np.float64),
     ("price", np.float64), ("basis", np.float64), ("away", np.float64), ("level", np.float64),
     ("life_s", np.float64), ("state", np.int64)]
)  # fmt: skip


class MarginWatch:
    """Margin of all borrowing positions of a crowd, as far as the crowd itself knows it.

    Parameters
    ----------
    settings
        Of the crowd: ``late_share``, ``late_power``, ``replaced_share``, ``max_leverage``,
        ``lifetime_days``, ``lifetime_power``.
    book
        What is known of the crowd on the eve; filled before the first position is added.
    """

    def __init__(self, settings: Any, place: Place, book: Book, dice: np.random.Generator) -> None:
        self._settings, self._place, self._book, self._dice = settings, place, book, dice
        shape = self._shape = (len(place.venues), len(place.assets))
        self._rows = [np.zeros(0, _POSITION) for _ in range(shape[0])]
        self._ending = [Ending(np.zeros(0), np.zeros(0, np.int64)) for _ in range(shape[0])]
        self._pace = Pace(shape, place.start_ns)
        # Venues take turns, so that not all of them trade at the same moment.
        turn_ns = int(RENEW_S * 1e9 / shape[0])
        self._next_ns = place.start_ns + turn_ns * np.arange(1, shape[0] + 1)
        seconds = max(settings.every_s, place.step_ns / 1e9) * (place.path is None)
        self._step_share = np.nan_to_num(place.volatility, nan=0.03) * np.sqrt(seconds / DAY_S)
        self._near = {True: Watch(shape, True), False: Watch(shape, False)}
        self._shared = [Shared(np.zeros(0, np.int64)) for _ in range(shape[0])]

    def add(self, venue: int, held: Holdings, price: Floats) -> None:
        """Positions of one venue on the eve."""
        borrows = np.isfinite(held.away)
        asset = held.asset[borrows]
        rows = np.zeros(len(asset), _POSITION)
        rows["asset"], rows["account"] = asset, held.account[borrows]
        rows["coins"], rows["equity"] = held.quantity[borrows], held.equity_usd[borrows]
        rows["price"], rows["basis"] = price[asset], held.entry_price[borrows]
        rows["away"], rows["level"] = held.away[borrows], held.level[borrows]
        rows["state"] = np.where(np.isnan(rows["level"]), IDLE, HOLDS)
        one = self._settings
        self._pace.typical = self._typical()
        away = rows["away"] / self._pace.typical[asset]
        days = one.lifetime_days * away**one.lifetime_power
        rows["life_s"] = DAY_S * np.minimum(days, LONGEST_DAYS)
        shared = self._shared[venue] = Shared(rows["account"])
        life_s = np.where(shared.follows, NEVER_S, rows["life_s"])
        self._rows[venue], self._ending[venue] = rows, Ending(life_s, asset)
        self._watch_anew(venue, np.arange(len(rows)))

    def _typical(self) -> Floats:
        """By asset, mean range of an hour times the root of 24."""
        usual = RANGE_PER_SIGMA * np.nan_to_num(self._place.volatility, nan=0.03)
        known = self._book.typical
        return np.array([known.get(number, one) for number, one in enumerate(usual.tolist())])

    def act(self, seen: Observation, orders: Orders, gone: list[NDArray[np.bool_]]) -> None:
        """Renew some positions, and let those get out who are not too late."""
        price = self._coming(seen)
        heading = self._place.heading
        self._pace.see(seen, price, None if heading is None else heading[self._step(seen)])
        for venue in np.flatnonzero(seen.ts_ns >= self._next_ns).tolist():
            self._next_ns[venue] += int(RENEW_S * 1e9)
            self._renew(venue, seen, orders, gone[venue])
        ahead = STEPS * self._pace.step * (self._place.path is None)
        speed: Floats | None = None
        for is_long in (True, False):
            move = np.minimum(ahead, 0.0) if is_long else np.maximum(ahead, 0.0)
            for venue, asset, number in self._near[is_long].crossed(price * (1 + move)):
                speed = self._pace.rush(seen) if speed is None else speed
                here = np.full(len(number), speed[venue, asset])
                self._get_out(venue, number, here, seen, orders, gone[venue])
        for venue, shared in enumerate(self._shared):
            number = shared.near(price[venue], ahead[venue])
            if len(number):
                speed = self._pace.rush(seen) if speed is None else speed
                here = self._speed_of(venue, number, price[venue], speed[venue])
                self._get_out(venue, number, here, seen, orders, gone[venue])
                self._watch_anew(venue, number)

    def _speed_of(self, venue: int, number: Ints, price: Floats, speed: Floats) -> Floats:
        """By position of shared accounts: the speed of what its account loses by, in the mean."""
        some, shared = self._rows[venue][number], self._shared[venue]
        lost = np.maximum(some["coins"] * (some["price"] - price[some["asset"]]), 1e-9)
        weighted = shared.joined(number, lost * speed[some["asset"]])
        return weighted / shared.joined(number, lost)

    def _coming(self, seen: Observation) -> Floats:
        """Prices that holders watch: of a given path where the market goes in this step.

        Nobody knows them otherwise; then holders look ahead by what the last step was.
        """
        path = self._place.path
        if path is None:
            return seen.mark
        return np.where(np.isfinite(seen.mark), path[self._step(seen)], np.nan)

    def _step(self, seen: Observation) -> int:
        """The present step's row of a given path."""
        path = self._place.path
        return 0 if path is None else min(seen.step, len(path) - 1)

    def _get_out(
        self, venue: int, number: Ints, speed: Floats, seen: Observation, orders: Orders,
        gone: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Near liquidation most leave in time, and others hold what they held without borrowing."""
        one, rows, shared = self._settings, self._rows[venue], self._shared[venue]
        rows["state"][number[gone[rows["account"][number]]]] = LEFT
        left = rows["state"][number] == HOLDS
        number, speed = number[left], speed[left]
        thrown = shared.together(number, self._dice.random(len(number)))
        is_late = thrown < one.late_share * speed**one.late_power
        rows["state"][number[is_late]] = TOO_LATE
        number = number[~is_late]
        stays = shared.together(number, self._dice.random(len(number))) < one.replaced_share
        rows["state"][number] = np.where(stays, IDLE, LEFT)
        self._pay_in_full(venue, number[stays], seen, orders)
        leaves = number[~stays]
        if not len(leaves):
            return
        some = rows[leaves]
        what = venue, some["asset"], some["account"], some["coins"] < 0, np.abs(some["coins"])
        if self._place.path is not None:
            orders.market(*what, reduce_only=True)
            return
        # An account of a sample is many real ones, who would not sell into an empty book at once.
        price = seen.mark[venue, some["asset"]]
        worst = price * np.where(some["coins"] < 0, 1 + SLIP, 1 - SLIP)
        orders.limit(*what, worst, time_in_force=codes.IOC, reduce_only=True)

    def _pay_in_full(self, venue: int, number: Ints, seen: Observation, orders: Orders) -> None:
        if not len(number):
            return
        rows = self._rows[venue]
        some = rows[number]
        now = seen.mark[venue, some["asset"]]
        had = some["equity"] + some["coins"] * (now - some["price"])
        missing = np.maximum(np.abs(some["coins"]) * now - had, 0.0)
        orders.move_cash(venue, some["account"], missing)
        rows["equity"][number], rows["price"][number] = had + missing, now
        rows["level"][number] = np.nan

    def _renew(
        self, venue: int, seen: Observation, orders: Orders, gone: NDArray[np.bool_]
    ) -> None:
        """Some positions become new ones: one holder leaves and another enters.

        The account then stands for the new one, of the same size and taste for leverage. The more
        is traded, the faster that goes.
        """
        rows = self._rows[venue]
        rows["state"][gone[rows["account"]]] = LEFT
        if seen.halted[venue]:
            return
        busy = np.maximum(self._pace.speed(seen)[venue], 0.1) ** ACTIVITY
        number = self._shared[venue].whole(self._ending[venue].draw(self._dice, RENEW_S * busy))
        known = seen.mark[venue, rows["asset"][number]] > 0
        number = number[known & (rows["state"][number] != LEFT)]
        self._enter(venue, number, seen, orders)
        self._watch_anew(venue, number)

    def _enter(self, venue: int, number: Ints, seen: Observation, orders: Orders) -> None:
        """New holders in the place of old ones, entered at some price of the last half hour."""
        rows = self._rows[venue]
        some = rows[number]
        asset, coins, is_long = some["asset"], some["coins"], some["coins"] > 0
        now = seen.mark[venue, asset]
        low, high = (one[venue, asset] for one in self._pace.extremes(1 + round(RENEW_S / BLOCK_S)))
        entry = low * (high / low) ** self._dice.random(len(some))
        rate, least = self._rules(venue, asset, np.abs(coins) * now)
        at = level(is_long, entry, some["away"], least, rate)
        wanted = equity(coins, now, at, rate)
        # Who came so near to the end already has left again, or holds it in full.
        room = wanted - np.abs(coins) * (rate * at + LAST_PART * some["away"] * now)
        out = self._shared[venue].joined(number, room) < 0
        wanted = np.maximum(wanted, np.abs(coins) * now * least * 1.001)  # or money may not leave
        at = level_of(coins, now, wanted, rate)
        done = ~self._crowded(venue, some, now, wanted)
        self._pay_in_full(venue, number[out & done], seen, orders)
        rows["state"][number[done]] = np.where(out, IDLE, HOLDS)[done]
        enters = done & ~out
        number, some, now = number[enters], some[enters], now[enters]
        rows["level"][number] = at[enters]
        self._move(venue, number, some, now, wanted[enters], seen, orders)

    def _crowded(
        self, venue: int, some: NDArray[Any], now: Floats, wanted: Floats
    ) -> NDArray[np.bool_]:
        """Who stays for now, as too many others must sell and buy for their cash at this moment.

        On a given path nobody: makers there are deep enough.
        """
        if self._place.path is not None:
            return np.zeros(len(some), np.bool_)
        usd = np.where(self._takes_cash(some, now, wanted), np.abs(some["coins"]) * now, 0.0)
        room = PIECE * np.nan_to_num(self._place.depth_usd[venue])
        stays = np.zeros(len(some), np.bool_)
        for asset in np.unique(some["asset"]).tolist():
            own = (some["asset"] == asset) & (usd > 0)
            stays |= own & (np.cumsum(usd * own) > room[asset])
        return stays

    def _takes_cash(self, some: NDArray[Any], now: Floats, wanted: Floats) -> NDArray[np.bool_]:
        """Who has so much profit that it must be taken before money can leave."""
        change = wanted - some["equity"] - some["coins"] * (now - some["price"])
        profit = some["coins"] * (now - some["basis"])
        taken: NDArray[np.bool_] = (change < 0) & (profit > PROFIT * wanted)
        return taken

    def _rules(self, venue: int, asset: Ints, usd: Floats) -> tuple[Floats, Floats]:
        """Maintenance and least first margin of positions, as shares."""
        rate, least = np.zeros(len(asset)), np.zeros(len(asset))
        for one in np.unique(asset).tolist():
            own = asset == one
            tiers = self._book.tiers.get((venue, one), USUAL)
            rate[own] = tiers.maintenance(usd[own])
            least[own] = 1 / np.minimum(tiers.most(usd[own]), self._settings.max_leverage)
        return rate, least

    def _move(
        self, venue: int, number: Ints, some: NDArray[Any], now: Floats, wanted: Floats,
        seen: Observation, orders: Orders,
    ) -> None:  # fmt: skip
        """Bring money in or take it out; who has a profit sells and buys to have it in cash."""
        if not len(number):
            return
        rows, coins = self._rows[venue], some["coins"]
        change = wanted - some["equity"] - coins * (now - some["price"])
        trades = self._takes_cash(some, now, wanted)
        if trades.any():
            part, usd = some[trades], (np.abs(coins) * now)[trades]
            twice = np.repeat(part, 2)
            is_buy = twice["coins"] < 0
            is_buy[1::2] = ~is_buy[1::2]
            orders.move_cash(venue, part["account"], usd * (1 + FEES))
            orders.market(
                venue, twice["asset"], twice["account"], is_buy, np.abs(twice["coins"])
            )  # fmt: skip
            change[trades] -= usd
        orders.move_cash(venue, some["account"], change)
        rows["equity"][number], rows["price"][number] = wanted, now
        rows["basis"][number] = np.where(trades, now, some["basis"])

    def _watch_anew(self, venue: int, number: Ints) -> None:
        """Prices at which some holders decide, from what they have now."""
        shared, everybody = self._shared[venue], self._rows[venue]
        together = shared.of[number] >= 0
        if together.any():
            joint = shared.whole(number[together])
            held = everybody[joint]
            shared.watch(joint, held, self._gap(held), held["state"] == HOLDS)
            number = number[~together]
        rows = everybody[number]
        gap, is_long = self._gap(rows), rows["coins"] > 0
        at = rows["level"] + np.where(is_long, gap, -gap)
        at[rows["state"] != HOLDS] = np.nan
        for side in (True, False):
            for asset in range(self._shape[1]):
                picked = np.flatnonzero((is_long == side) & (rows["asset"] == asset))
                self._near[side].change(venue, asset, number[picked], at[picked])

    def _gap(self, rows: NDArray[Any]) -> Floats:
        """How far from liquidation holders decide, in dollars a coin."""
        step = self._step_share[rows["asset"]]
        gap = rows["level"] * np.maximum(LAST_PART * rows["away"], USUAL_STEPS * step)
        nearest: Floats = np.minimum(gap, 0.5 * rows["away"] * rows["level"])
        return nearest
