"""What makers believe an asset is worth, and how much what takers do changes that.

Two things move the belief. Information that no trade carries is a random walk with the asset's
usual volatility, whose own size wanders (calm and restless hours). Net taker flow moves it by the
square-root law: ``impact x daily volatility x sqrt(|net flow| / daily volume)``, of which a part
stays and the rest is forgotten. The law and an exponent near one half: Toth et al., "Anomalous
price impact and the critical nature of liquidity in financial markets", Physical Review X 1, 021006
(2011); for Bitcoin: Donier and Bonart, "A million metaorder analysis of market impact on the
Bitcoin", Market Microstructure and Liquidity 1 (2015).

The root is of the sum, not a sum of roots: flow is remembered for about a day, the time that the
law's volatility and volume are of, so that a sale moves the belief by its size however it is cut.
What is forgotten leaves a part behind, about two thirds by Bershova and Rakhlin, "The non-linear
market impact of large trades", Quantitative Finance 13 (2013).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from undertow.agents.observation import Floats
from undertow.agents.prices import DAY_S


@dataclass
class FairValue:
    """Log prices in dollars, by asset.

    Attributes
    ----------
    lasting
        The part that stays.
    flow_usd
        Net taker buying that is still remembered.
    daily_volume_usd, volatility
        Usual, of one day, by asset.
    impact
        The law's factor, without unit.
    memory_s
        Over how many seconds flow is forgotten, to a share of 1/e.
    permanent
        The share of what is forgotten that the price keeps.
    """

    lasting: Floats
    daily_volume_usd: Floats
    volatility: Floats
    impact: float
    memory_s: float
    permanent: float
    flow_usd: Floats = field(init=False)
    _restless: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.flow_usd = np.zeros_like(self.lasting)
        self._restless = np.zeros_like(self.lasting)

    def shift(self) -> Floats:
        """What remembered flow adds to the log price now."""
        share = np.abs(self.flow_usd) / self.daily_volume_usd
        moved: Floats = self.impact * self.volatility * np.sign(self.flow_usd) * np.sqrt(share)
        return moved

    def value(self) -> Floats:
        """The log price now."""
        now: Floats = self.lasting + self.shift()
        return now

    def absorb(self, bought_usd: Floats, thinness: Floats, seconds: float) -> None:
        """Learn from net taker buying of the last seconds.

        ``thinness`` is how many times as much the flow counts as it would on a usual day: the law
        holds with the volatility and the volume of now.
        """
        before = self.shift()
        self.flow_usd *= np.exp(-seconds / self.memory_s)
        self.lasting += self.permanent * (before - self.shift())
        self.flow_usd += bought_usd * thinness

    def wander(
        self, dice: np.random.Generator, seconds: float, together: float, restlessness: float
    ) -> None:
        """Information arrives: a step of the random walk.

        ``together`` is the share of variance that all assets have in common; ``restlessness`` the
        spread (of the logarithm) of the walk's volatility, which changes over some hours.
        """
        count = len(self.lasting)
        thrown = dice.standard_normal(2 * count + 2)
        common = np.sqrt(together)
        own = np.sqrt(1 - together)
        news = common * thrown[0] + own * thrown[1 : count + 1]
        kept = np.exp(-seconds / (DAY_S / 6))
        push = np.sqrt(1 - kept * kept) * restlessness
        mood = common * thrown[count + 1] + own * thrown[count + 2 :]
        self._restless = kept * self._restless + push * mood
        # Less its own variance, so that the mean square stays that of the usual volatility.
        size = np.exp(self._restless - restlessness**2)
        self.lasting += self.volatility * np.sqrt(seconds / DAY_S) * size * news
