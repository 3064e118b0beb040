"""Market makers: they quote around what they believe, and step back when it gets rough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from undertow.agents.agent import Agent, Settings, register
from undertow.agents.fair_value import FairValue
from undertow.agents.ladder import NEAR
from undertow.agents.maker_risk import Barred
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.pacing import share_of_way
from undertow.agents.prices import (
    elapsed_s,
    in_dollars,
    known,
    opening,
    per_sqrt_second,
    quoted,
    typical,
)
from undertow.agents.quotes import Quotes, Wish
from undertow.agents.stock import bring, held
from undertow.agents.stress import Stress

# The widest that half a spread gets, and the most that one reads out of a pushed price (assumed).
WIDEST = 0.03
FARTHEST = 0.05
# Turnover grows with volatility to this power: 1.04 and 1.01 for BTC and ETH, hourly turnover on
# hourly range, 2021 to 2024 (Binance USD-M), as in crowd_margin.py.
VOLUME_POWER = 1.0
# Half-life of the measured variance, seconds: with it steps of up to a minute measure the same.
ALARM_MEMORY_S = 600.0
# And the most that the alarm counts it as, by the usual (assumed). With the elasticity of depth
# below, 1.5 % of the usual depth is left then; 2 to 10 % were on 10 October 2025 (F0279, F0745).
HIGHEST = 20.0
# The discount for risk follows the alarm over so many seconds (assumed).
FEAR_S = 1800.0
# Information arrives at every tenth second, so that the length of a step changes no dice.
INFORMATION_NS = 10 * 10**9
# Cash, and as much in coins, that each account brings to a spot market, by the usual depth there:
# who quotes below other people's bids in a fall sells all of that (assumed).
SPOT_STOCK = 10.0
# Even a full maker shows so much of the side that would fill it more (assumed).
LEAST_SIDE = 0.05


class MarketMakerSettings(Settings):
    """Numbers of the market makers; those without a source are assumed."""

    every_s: float = 5.0
    accounts: int = Field(3, ge=1, le=20, description="Accounts per venue that quote in turn.")
    capital: float = Field(8.0, gt=0, description="Margin by venue, as a multiple of all depth.")
    leverage: int = Field(2, ge=1, description="Leverage that margin is counted with.")
    inventory: float = Field(
        12.0, gt=0, description="Inventory at which a side is no longer quoted, by usual depth."
    )
    skew: float = Field(
        0.05, ge=0, description="Shift of quotes at that inventory, in daily sigma."
    )
    hedge: float = Field(
        0.3, ge=0, description="Shift of all venues' quotes at the sum of limits, in daily sigma."
    )
    spread: float = Field(1e-4, ge=0, description="Half the usual spread, as a fraction.")
    impact: float = Field(2.0, ge=0, description="Factor of the square-root law.")
    turnover: float = Field(300.0, gt=0, description="Daily volume over depth within 1 %.")
    memory_s: float = Field(86400.0, gt=0, description="How long flow is remembered, seconds.")
    permanent: float = Field(
        0.35, ge=0, le=1, description="Share of that impact that stays when it is forgotten."
    )
    learn_s: float = Field(
        74.0, gt=0, description="Until quotes follow where a place was traded, seconds."
    )
    agree_s: float = Field(30.0, gt=0, description="Until such a shift has faded, seconds.")
    refill_s: float = Field(76.5, gt=0, description="Until eaten depth is back, seconds.")
    depth_withdrawal: float = Field(
        1.4, ge=0, description="Elasticity of depth to volatility; 0: makers never step back."
    )
    withdrawal: float = Field(1.0, ge=0, description="A lever: that elasticity times this.")
    recovery_s: float = Field(3000.0, gt=0, description="Half-life of the alarm, seconds.")
    news_move: float = Field(
        10.0, ge=0, description="Fall that news of severity 1 means to makers, in daily sigma."
    )
    news_s: float = Field(
        600.0, ge=0, description="Until that fall has gone through prices, seconds."
    )
    fear: float = Field(1.7, ge=0, description="Discount for risk, by daily sigma above the usual.")
    discovers: bool = Field(True, description="Whether information moves it without trades.")
    together: float = Field(0.6, ge=0, le=1, description="Common share of that information.")
    restlessness: float = Field(0.4, ge=0, description="Spread of log volatility, wandering.")
    requote: float = Field(
        0.8, gt=0, description="Move that renews quotes, in usual sigma of one minute."
    )
    reserve: float = Field(
        0.5, ge=0, description="Money outside of the venues, as a share of the capital at each."
    )
    transfer_delay_s: float = Field(1800.0, ge=0, description="Transfers take so long, seconds.")
    withdrawal_halt: bool = Field(False, description="No transfers at all.")
    api_reject: float = Field(0.0, ge=0, le=1, description="Quotes that fail at full alarm.")
    cancel_fail: float = Field(0.0, ge=0, le=1, description="Cancels that fail at full alarm.")


@register("market_maker")
class MarketMaker(Agent):
    """Quotes at all of its venues and assets, around one belief per asset and one shift per place.

    See docs/agents.md for the model.
    """

    settings = MarketMakerSettings

    def __init__(self, name: str, parameters: Any, place: Place, dice: np.random.Generator) -> None:
        super().__init__(name, parameters, place, dice)
        one = self.parameters
        self.depth = np.where(place.listed, np.nan_to_num(place.depth_usd), 0.0)
        self.usual = np.nan_to_num(place.volatility, nan=0.03)
        wanted = self.depth > 0
        minute = per_sqrt_second(place) * np.sqrt(60.0)
        move = np.maximum(one.requote * minute, one.spread)
        self.quotes = Quotes(place, wanted, one.accounts, one.refill_s, move)
        self.stress = Stress(place, ALARM_MEMORY_S, one.recovery_s, HIGHEST)
        self.barred = Barred(place, one, one.accounts + 1)
        self.elasticity = one.depth_withdrawal * one.withdrawal
        self.limit_usd = np.maximum(one.inventory * self.depth, 1.0)
        weight = self.depth.sum(axis=0)
        self.weight = self.depth / np.maximum(weight, 1.0)
        self.local = np.zeros(self.depth.shape)
        self.coins = np.zeros(self.depth.shape)
        self._nowhere = np.zeros(self.depth.shape, np.bool_)
        self.discount = np.zeros(len(self.usual))
        self._untold = np.zeros(len(self.usual))  # what news mean that prices do not yet show
        self._quoted_discount = np.zeros(len(self.usual))
        self.fair: FairValue | None = None
        self._before_ns = self._informed_ns = place.start_ns

    def accounts(self) -> NDArray[np.int64]:
        """Those that take turns, and one for the far quotes, wherever it quotes."""
        quotes = (self.depth > 0).any(axis=1)
        some: NDArray[np.int64] = np.where(quotes, self.parameters.accounts + 1, 0)
        return some

    def start(self, seen: Observation, orders: Orders) -> None:
        """Bring money and coins."""
        one = self.parameters
        prices = opening(self.place, seen)
        with np.errstate(invalid="ignore"):
            self.fair = FairValue(
                np.log(prices), np.maximum(one.turnover * self.depth.sum(axis=0), 1.0),
                self.usual, one.impact, one.memory_s, one.permanent,
            )  # fmt: skip
        share = np.full(one.accounts + 1, 1 / (one.accounts + 1))
        # At spot markets nothing is borrowed: the whole ladder is paid for, on each account.
        times = np.where(self.place.is_spot, SPOT_STOCK * (one.accounts + 1), one.capital)
        worth = self.depth * times[:, None]
        self.coins = bring(self.place, orders, one.accounts + 1, prices, worth, share, one.leverage)
        self.barred.fill(self.depth.sum(axis=1) * one.capital * one.reserve)

    def act(self, seen: Observation, orders: Orders) -> None:
        """Learn, then renew what is stale."""
        seconds = elapsed_s(self._before_ns, seen.ts_ns)
        self._before_ns = seen.ts_ns
        fair = self._believes(seen)
        log_mid = np.log(in_dollars(seen, quoted(seen)))
        # A restless market turns over more, from thinner books: they are renewed so much sooner.
        slower = np.exp(-(VOLUME_POWER + self.elasticity) * self.stress.level)
        self.quotes.watch(seen, seconds, slower)
        coins = held(seen, self.coins)
        price = np.exp(fair.value())
        self._learn(seen, fair, np.log(in_dollars(seen, seen.last)), seconds)
        # Between a far bid and a far ask there is no price; the alarm follows real ones.
        wide = seen.ask - seen.bid > 2 * (WIDEST + NEAR[0]) * seen.bid
        real = typical(np.where(wide, np.nan, log_mid))
        self.stress.update(real, seconds, seen, self._quoted_discount)
        present = self.barred.look(seen, orders)
        self.quotes.choose(seen, price, self.barred.away(seen.ts_ns)[:, :-1])
        wish = self._wish(fair, coins * price, present)
        due = self.quotes.stale(wish, seen.ts_ns) & ~seen.halted[:, None]
        if due.any():
            load = np.minimum(1.0, self.stress.level / np.log(10.0))
            kept = self._fails(self.parameters.cancel_fail, load)
            sent = ~self._fails(self.parameters.api_reject, load)
            self.quotes.renew(orders, seen, wish, due, kept, sent)
            self._quoted_discount = np.where(due.any(axis=0), self.discount, self._quoted_discount)

    def _believes(self, seen: Observation) -> FairValue:
        """What the assets are worth; prices that were unknown before are learned here."""
        if self.fair is None:
            raise AssertionError("start() comes before act()")
        unknown = np.isnan(self.fair.lasting)
        if unknown.any():
            with np.errstate(invalid="ignore"):
                now = np.log(opening(self.place, seen))
            self.fair.lasting = np.where(unknown, now, self.fair.lasting)
        return self.fair

    def _learn(self, seen: Observation, fair: FairValue, traded: Floats, seconds: float) -> None:
        """Move belief and local shifts: by information, by flow, by where prices were pushed."""
        one = self.parameters
        for news in seen.news if one.discovers else ():
            hit = np.array([not news.assets or name in news.assets for name in self.place.assets])
            self._untold += one.news_move * news.severity * self.usual * hit
        if seconds <= 0:
            return
        # Nobody knows at once what news mean. A price that jumped by a tenth would leave no account
        # anything to sell before it is bankrupt, so that what is closed by force met no book.
        told = self._untold * share_of_way(seconds, max(one.news_s, 1e-9))
        fair.lasting -= told
        self._untold -= told
        # The law holds with the volatility and the volume of now: squared volatility over volume.
        # Makers who never step back let a flow count as on a usual day.
        thin = np.exp((2 - VOLUME_POWER) * one.withdrawal * self.stress.level)
        bought = known(seen.bought_usd - seen.sold_usd).sum(axis=0)
        fair.absorb(bought, thin, seconds)
        # A discount in proportion to the volatility above the usual, so that the small waves of a
        # calm day ask for next to nothing.
        asked = one.fear * self.usual * np.expm1(self.stress.level)
        self.discount += (1 - np.exp(-seconds / FEAR_S)) * (asked - self.discount)
        if one.discovers:
            for _ in range(seen.ts_ns // INFORMATION_NS - self._informed_ns // INFORMATION_NS):
                fair.wander(self.dice, INFORMATION_NS / 1e9, one.together, one.restlessness)
        self._informed_ns = seen.ts_ns
        # A half-empty book has no middle: what is learned is where takers went, and only in their
        # direction. Who sells into stale bids above the belief has not learned that it is higher.
        # It is a shift of that place's quotes for a while, and never a part of the belief: what the
        # flow means is in the law above, and counting it twice makes any slow sale a crash.
        pushed = np.clip(self.quotes.displaced(traded), -FARTHEST, FARTHEST)
        pushed = np.where(pushed * (seen.bought_usd - seen.sold_usd) > 0, pushed, 0.0)
        self.local += (1 - np.exp(-seconds / one.learn_s)) * pushed
        self.local *= np.exp(-seconds / one.agree_s)

    def _wish(self, fair: FairValue, inventory_usd: Floats, present: Floats) -> Wish:
        """Centre, spread and depth by place."""
        one, level = self.parameters, self.stress.level
        full = np.clip(inventory_usd / self.limit_usd, -1.0, 1.0)
        net = np.clip(inventory_usd.sum(axis=0) / self.limit_usd.sum(axis=0), -1.0, 1.0)
        depth = self.depth * np.exp(-self.elasticity * level) * present
        # One-sided flow is a bad sign as well: the side that is hit is cut further.
        eaten = self.quotes.eaten_usd[0] - self.quotes.eaten_usd[1]
        sided = (1 + np.abs(eaten) / np.maximum(self.depth, 1.0)) ** -self.elasticity
        bids_hit = eaten > 0
        aside = self.usual * (one.skew * full + one.hedge * net)
        centre = fair.value() - self.discount + self.local - aside
        sides = np.empty((2, *centre.shape))
        least, most = LEAST_SIDE, 1.0
        sides[0] = np.where(bids_hit, sided, 1.0) * np.minimum(np.maximum(1.25 - full, least), most)
        sides[1] = np.where(bids_hit, 1.0, sided) * np.minimum(np.maximum(1.25 + full, least), most)
        half = np.minimum(one.spread * np.exp(level), WIDEST)
        return Wish(centre, half, depth * sides)

    def _fails(self, share: float, load: Floats) -> NDArray[np.bool_]:
        if share <= 0:
            return self._nowhere
        failed: NDArray[np.bool_] = self.dice.random(self.depth.shape) < share * load
        return failed
