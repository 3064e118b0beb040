"""What agents see at the start of a step: the same for all of them.

Arrays are float64 of shape ``(venues, assets)`` unless said; NaN where a venue does not trade an
asset or nothing is known yet. Spot markets are venues as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BANDS = (0.01, 0.02, 0.04)


@dataclass(frozen=True, slots=True)
class News:
    """Something that becomes known: ``severity`` from 0 to 1, ``assets`` empty for all."""

    name: str
    at_ns: int
    severity: float
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where agents trade; fixed for a run.

    Attributes
    ----------
    venues, assets
        Names; their places are the axes of all arrays.
    is_spot
        By venue: coins change hands, no leverage.
    listed, instrument
        Whether a venue trades an asset, and its number there (-1 where not).
    tick, lot
        Steps of price (USD) and quantity (coins).
    max_lots
        The largest order.
    depth_usd
        Usual resting orders on one side within 1 % of the middle price.
    open_interest_usd
        On the eve; one side counted.
    volatility
        Usual standard deviation of an asset's log return over one day, by asset.
    start_ns, step_ns
        First step and usual length of a step.
    path
        Given prices: ``(steps, assets)`` in a run on a real path, else None.
    starts_ns
        When each step starts, and at last the end, where some are cut; None where all are alike.
    heading
        As ``path``: where prices go on the leg under way, which cut steps take little by little.
    """

    venues: tuple[str, ...]
    assets: tuple[str, ...]
    is_spot: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    instrument: NDArray[np.int64]
    tick: Floats
    lot: Floats
    max_lots: NDArray[np.int64]
    depth_usd: Floats
    open_interest_usd: Floats
    volatility: Floats
    start_ns: int
    step_ns: int
    path: Floats | None = None
    starts_ns: NDArray[np.int64] | None = None
    heading: Floats | None = None

    def span_ns(self, step: int) -> tuple[int, int]:
        """Start and end of a step."""
        if self.starts_ns is None:
            start_ns = self.start_ns + step * self.step_ns
            return start_ns, start_ns + self.step_ns
        return int(self.starts_ns[step]), int(self.starts_ns[step + 1])

    @property
    def shortest_ns(self) -> int:
        """Length of the shortest step."""
        return self.step_ns if self.starts_ns is None else int(np.diff(self.starts_ns).min())


@dataclass(frozen=True, slots=True)
class Observation:
    """The public state of all markets at ``ts_ns``, and an agent's own accounts.

    Attributes
    ----------
    step
        Number of the step, from 0.
    bid, ask, last, mark, index
        Prices in USD of the venue's quote asset. ``bid`` and ``ask`` are NaN where a side is empty.
    bought_usd, sold_usd
        By takers, since the agent last acted; liquidations included.
    long_liquidated_usd, short_liquidated_usd
        Closed by force since then: all of it, also where a public feed would show less.
    open_interest_usd
        Of the step before.
    funding_rate
        Last settled, per interval.
    bid_depth_usd, ask_depth_usd
        ``(venues, assets, bands)``: resting orders within each of `BANDS` of the middle price, as
        of the last reading (once a minute).
    halted, withdrawals_open, quote_usd
        By venue: no trading; transfers leave; price of its quote asset (USDT) in dollars.
    news
        What became known since the agent last acted.
    cash_usd
        ``(venues, accounts)``: cash of the agent's own accounts; None for a large population.
    quantity
        ``(venues, accounts, assets)``: coins held or owed by them; None for a large population.
    liquidated, deleveraged
        By venue: numbers within the agent's own accounts that were liquidated since it last acted,
        and of those who had winning positions closed because others could not pay.
    """

    step: int
    ts_ns: int
    bid: Floats
    ask: Floats
    last: Floats
    mark: Floats
    index: Floats
    bought_usd: Floats
    sold_usd: Floats
    long_liquidated_usd: Floats
    short_liquidated_usd: Floats
    open_interest_usd: Floats
    funding_rate: Floats
    bid_depth_usd: Floats
    ask_depth_usd: Floats
    halted: NDArray[np.bool_]
    withdrawals_open: NDArray[np.bool_]
    quote_usd: Floats
    news: tuple[News, ...] = ()
    cash_usd: Floats | None = None
    quantity: Floats | None = None
    liquidated: tuple[NDArray[Any], ...] = ()
    deleveraged: tuple[NDArray[Any], ...] = ()

    @property
    def mid(self) -> Floats:
        """Middle of bid and ask; the last price where a side is empty."""
        middle = (self.bid + self.ask) / 2
        return np.where(np.isnan(middle), self.last, middle)
