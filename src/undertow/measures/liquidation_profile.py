"""What longs would be sold by force at each price: the map of one asset, as a band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import UndertowError
from undertow.measures.cascade import Triggers

Floats = npt.NDArray[np.float64]
BOUNDS = ("low", "middle", "high")
_COLUMNS = ("price", "long_usd_low", "long_usd", "long_usd_high")


@dataclass(frozen=True)
class LiquidationProfile:
    """Longs closed by force, by bins of price.

    Attributes
    ----------
    prices
        The middle of each bin, rising; edges lie half-way between, in ratio.
    low, middle, high
        USD closed in each bin, at its own price: the band.
    """

    prices: Floats
    low: Floats
    middle: Floats
    high: Floats

    @staticmethod
    def of(
        prices: npt.ArrayLike, long_usd: npt.ArrayLike, *, low_usd: npt.ArrayLike | None = None,
        high_usd: npt.ArrayLike | None = None,
    ) -> LiquidationProfile:  # fmt: skip
        """Check a map; without a band it is taken as known.

        Raises
        ------
        UndertowError
            For prices that do not rise from above 0, or a band out of order.
        """
        price, middle = (np.asarray(row, np.float64).ravel() for row in (prices, long_usd))
        low, high = (
            middle if row is None else np.asarray(row, np.float64).ravel()
            for row in (low_usd, high_usd)
        )  # fmt: skip
        if len(price) < 2 or not (np.isfinite(price).all() and price[0] > 0):
            raise UndertowError("a map needs two prices or more, above 0")
        if not (np.diff(price) > 0).all():
            raise UndertowError("the prices of a map must rise")
        if not len(price) == len(low) == len(middle) == len(high):
            raise UndertowError("a map needs as many volumes as prices")
        ordered = (low >= 0) & (low <= middle) & (middle <= high) & np.isfinite(high)
        if not ordered.all():
            at = price[np.argmin(ordered)]
            raise UndertowError(f"the map at {at:g}: expected 0 <= low <= middle <= high")
        return LiquidationProfile(price, low, middle, high)

    @staticmethod
    def of_map(frame: pl.DataFrame) -> LiquidationProfile:
        """The longs of a leverage map: what `LeverageMap.liquidation_profile` gives.

        Parameters
        ----------
        frame
            ``price``, ``long_usd``, ``long_usd_low``, ``long_usd_high``, with bins of equal width
            in the logarithm of the price; bins that hold nothing may be left out.

        Raises
        ------
        UndertowError
            For missing columns, and where fewer than two bins hold something.
        """
        if missing := [name for name in _COLUMNS if name not in frame.columns]:
            raise UndertowError(f"a map needs the columns {', '.join(missing)}")
        if len(frame) < 2:
            raise UndertowError("a map needs two prices or more, above 0")
        rows = frame.sort("price")
        logs = np.log(rows["price"].to_numpy())
        width = np.diff(logs).min()
        places = np.round((logs - logs[0]) / width).astype(np.int64)
        prices = np.exp(logs[0] + width * np.arange(places[-1] + 1))
        bands = np.zeros((3, len(prices)))
        bands[:, places] = rows.select(_COLUMNS[1:]).to_numpy().T
        low, middle, high = bands
        return LiquidationProfile.of(
            prices, middle, low_usd=np.minimum(low, middle), high_usd=np.maximum(high, middle)
        )

    def density(self, price: npt.ArrayLike, *, window: float, bound: str = "middle") -> Floats:
        """USD closed per unit that the logarithm of the price falls, just below a price.

        Parameters
        ----------
        window
            The fall below the price over which it is averaged: 0.01 is 1 %.
        bound
            low, middle or high.
        """
        depth = -np.log1p(-window)
        logs = np.log(np.asarray(price, np.float64))
        edges, closed = self._closed_below(bound)
        # Closed between two prices: the sums count from the lowest price up.
        return np.asarray(
            (np.interp(logs, edges, closed) - np.interp(logs - depth, edges, closed)) / depth
        )

    def triggers(self, start_price: float, *, bound: str = "middle") -> Triggers:
        """Each bin below a price as one trigger, for the waterfall solver.

        Its volumes count at the starting price: dollars here, over the bin's price, times that.
        """
        below = self.prices < start_price
        usd = self._volumes(bound)[below] * start_price / self.prices[below]
        return Triggers.of(start_price, self.prices[below], usd)

    def _volumes(self, bound: str) -> Floats:
        if bound not in BOUNDS:
            raise UndertowError(f"no bound '{bound}' (valid: {', '.join(BOUNDS)})")
        return np.asarray(getattr(self, bound))

    def _closed_below(self, bound: str) -> tuple[Floats, Floats]:
        """Logarithms of the bins' edges, and the volumes below each."""
        logs = np.log(self.prices)
        inner = (logs[1:] + logs[:-1]) / 2
        edges = np.concatenate([[2 * logs[0] - inner[0]], inner, [2 * logs[-1] - inner[-1]]])
        return edges, np.concatenate([[0.0], np.cumsum(self._volumes(bound))])
