"""What the leverage map assumes about a crowd, every number with where it comes from.

Fitted numbers were fitted by hand and by random search on the rows of
``verification/estimate_events.csv`` of role ``shape`` (August 2021 to December 2024). Those figures
leave a valley of about equal error; within it the choice was made for convexity, see
``docs/leverage_map.md``.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The crowd; ``docs/leverage_map.md`` says what each does and what moves when it changes.

    Attributes
    ----------
    distance_median
        Median distance from entry to liquidation, by notional, in typical daily ranges of the
        coin. Fitted.
    distance_spread
        Standard deviation of its logarithm. Fitted.
    lifetime_days
        Mean life of a position whose liquidation is one typical range away. Fitted.
    lifetime_power
        How much longer the life of a position is that stands further away. Fitted.
    urgency_power
        Growth of the share of passed positions that is really liquidated with the speed of the
        move: in a slow one people stop out, add margin or close in time. Fitted.
    urgency_share
        That share in an hour of typical range. Fitted; scales everything.
    coarse_power
        A bar of several hours hides the ways within it: its figure is raised by its length in
        hours to this power. Measured on BTC and ETH, 2020 to 2025: bars of 2, 4, 8, 12 and 24
        hours gave 0.84, 0.68, 0.55, 0.50 and 0.46 of what hours give, alike on quiet and violent
        days.
    typical_days
        Half-life of the typical daily range. Fitted.
    turnover_days
        Half-life of the average turnover. Assumed: 7 or 28 days fit about as well.
    turnover_now
        Weight of the bar's own turnover, against the average, in what it opens. Fitted.
    classes
        Number of leverage classes. Resolution, not fitted.
    longest_days
        No position lives longer on average. Assumed.
    open_interest_per_turnover
        Open interest over a day's turnover of the same market. Median over ten Binance USD-M
        perpetuals, 21 to 27 October 2025 (Coinalyze open interest, Binance candles): 0.28,
        between 0.16 and 0.49.
    open_interest_weight
        Exponent of measured over expected open interest. Assumed: turnover tells as much.
    closing_weight
        Share of a fall of open interest that is taken to be positions with leverage. Assumed.
    tilt_trend, tilt_funding
        Most that the share of longs in new positions moves with the trend and with funding.
        Assumed.
    cross_share, cross_share_low, cross_share_high
        Share of positions that stand and fall with the whole market, because they share margin
        with other coins. Assumed.
    hedged_share, hedged_share_low, hedged_share_high
        Share of open interest with an offsetting leg elsewhere, which no move liquidates.
        Assumed.
    spot_share
        Forced sales of margin loans on a spot market, against a perpetual of the same turnover,
        where the tape has a perpetual of the coin. Assumed.
    shortest_distance
        No liquidation is nearer than this fraction of the price: 1/125 less 0.4 % maintenance,
        the smallest tier of BTCUSDT (Binance USD-M margin tiers, October 2025).
    """

    distance_median: float = 4.0
    distance_spread: float = 1.25
    lifetime_days: float = 1.0
    lifetime_power: float = 1.2
    urgency_power: float = 0.8
    urgency_share: float = 0.027
    coarse_power: float = 0.27
    typical_days: float = 20.0
    turnover_days: float = 14.0
    turnover_now: float = 0.3
    classes: int = 12
    longest_days: float = 60.0
    open_interest_per_turnover: float = 0.28
    open_interest_weight: float = 0.5
    closing_weight: float = 0.5
    tilt_trend: float = 0.1
    tilt_funding: float = 0.1
    cross_share: float = 0.1
    cross_share_low: float = 0.0
    cross_share_high: float = 0.3
    hedged_share: float = 0.4
    hedged_share_low: float = 0.2
    hedged_share_high: float = 0.6
    spot_share: float = 0.02
    shortest_distance: float = 0.004

    def class_table(self) -> Floats:
        """Rows of distance (in typical ranges), notional per unit of turnover, lifetime (days).

        Weights are such that a stock held up by turnover of one a day adds up to one, half of it
        long and half short, if no position were ever liquidated.
        """
        distance = np.geomspace(0.15, 20.0, self.classes)
        spread = (np.log(distance) - math.log(self.distance_median)) / self.distance_spread
        stock = np.exp(-0.5 * spread**2)
        lifetime = np.minimum(self.lifetime_days * distance**self.lifetime_power, self.longest_days)
        return np.column_stack([distance, stock / stock.sum() / lifetime, lifetime])


# Typical daily range before the first bar has closed: medians of daily ranges on Binance, 2023 to
# September 2025 for BTC and ETH; of 22 others, 15 to 30 September 2025, the median of medians.
FIRST_TYPICAL = {"BTC": 0.031, "ETH": 0.042}
FIRST_TYPICAL_OTHERS = 0.050
# Against 23 published sums of 24 hours that were not used for fitting, after one factor for the
# scale (``verification/estimate.py``).
MEDIAN_FACTOR_OFF = 1.30
WORST_DECILE_FACTOR_OFF = 1.90
