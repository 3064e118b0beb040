"""How far a price may move from the last settlement, and the price of the next one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from undertow.model import codes


@dataclass
class PriceLimits:
    """The limits of one instrument in a day.

    Trading stops for a while where a limit is reached, and goes on with the next one; the last
    one holds for the rest of the day. Source: `settlement.price_limit_rates` and
    `settlement.limit_pause_s` of the rules.
    """

    rates: tuple[Fraction, ...]
    settlement_ticks: int = 0
    level: int = 0
    resumes_ns: int | None = None  # until when trading is stopped
    locked: bool = False  # the last limit was reached

    def settle(self, price_ticks: int) -> None:
        """Count from a new settlement price, with the first limit."""
        self.settlement_ticks, self.level, self.locked = price_ticks, 0, False

    @property
    def is_last(self) -> bool:
        """Whether no further limit follows."""
        return self.level >= len(self.rates) - 1

    def bounds(self) -> tuple[int, int] | None:
        """Lowest and highest price in ticks, rounded towards the settlement; None without any."""
        if not self.rates or self.settlement_ticks == 0:
            return None
        move = self.settlement_ticks * self.rates[self.level]
        return self.settlement_ticks - math.floor(move), self.settlement_ticks + math.floor(move)

    def allows(self, price_ticks: int) -> bool:
        """Whether an order may have this price, on either side."""
        bounds = self.bounds()
        return bounds is None or bounds[0] <= price_ticks <= bounds[1]

    def is_reached(self, price_ticks: int, side: int | None = None) -> bool:
        """Whether a trade at a price, or an order of a side that rests there, is at a limit."""
        bounds = self.bounds()
        if bounds is None:
            return False
        at_top = price_ticks >= bounds[1] and side != codes.SELL
        return at_top or (price_ticks <= bounds[0] and side != codes.BUY)


def settlement_ticks(
    trades: Iterable[tuple[int, int]],
    bid_ticks: int,
    ask_ticks: int,
    last_ticks: int,
    previous_ticks: int,
) -> int:
    """The price of a daily settlement in ticks; 0 where there is nothing to take it from.

    Parameters
    ----------
    trades
        Price in ticks and lots of each trade in the settlement period.
    bid_ticks, ask_ticks, last_ticks, previous_ticks
        Best bid and ask, last trade and previous settlement; 0 where there is none.

    Notes
    -----
    CME Client Systems Wiki, "Bitcoin", daily settlement procedure until August 2020: the average
    price weighted by volume, to the nearest tick, half a tick towards the previous settlement;
    without trades the middle of bid and ask; without both sides the last price, or the previous
    settlement, within the bid or ask that there is. Since then that last step is a reference rate
    with interest, which a venue does not know: give that price.
    """
    pairs = list(trades)
    if pairs:
        value, lots = sum(price * size for price, size in pairs), sum(size for _, size in pairs)
        return _nearest(Fraction(value, lots), previous_ticks)
    if bid_ticks and ask_ticks:
        return _nearest(Fraction(bid_ticks + ask_ticks, 2), previous_ticks)
    price = max(last_ticks or previous_ticks, bid_ticks)
    return min(price, ask_ticks) if ask_ticks and price else price


def _nearest(price: Fraction, previous_ticks: int) -> int:
    below = math.floor(price)
    if price - below == Fraction(1, 2):
        return below if previous_ticks <= below else below + 1
    return round(price)
