"""The waterfall solver: where do forced sales end that set off further forced sales?

Given are the positions that are closed by force, each with the price that triggers it and the
volume then sold; how far a sale moves the price; and a first shock. The book is static: nothing
is refilled and nobody else trades. Rounds follow each other until a price triggers nothing new:
the smallest volume V with ``V = shock + sold at the price that V gives``. It is exact, not a step
in time.

Volumes are in USD at the starting price (coins times that price), so that a coin counts the same
wherever it is sold. Longs and falls only; for a squeeze of shorts give 1 / price in place of each
price, which is exact for the exponential book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from undertow.errors import UndertowError
from undertow.kernels import cascade as kernel
from undertow.measures.impact import DepthCurve

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


# Of 1/2 to 16 the fastest for 100,000 triggers; larger grids do not fit the nearest cache.
_TRIGGERS_PER_CELL = 4


class Grid(NamedTuple):
    """The volumes before each trigger, and the triggers before each cell of equal width."""

    sums: Floats
    first: npt.NDArray[np.int32]
    cells_per_usd: float


@dataclass(frozen=True)
class Triggers:
    """The positions of one asset that are closed by force when the price falls.

    Attributes
    ----------
    start_price
        The price before the shock; every trigger lies below it.
    prices
        From the highest down.
    volumes
        What is sold at each, in USD at the starting price.
    """

    start_price: float
    prices: Floats
    volumes: Floats

    @staticmethod
    def of(start_price: float, prices: npt.ArrayLike, volumes: npt.ArrayLike) -> Triggers:
        """Sort triggers, which may come in any order; equal prices are fine.

        Raises
        ------
        UndertowError
            For prices that are not above 0 and below the start, or volumes below 0.
        """
        price, volume = (np.asarray(one, np.float64).ravel() for one in (prices, volumes))
        if len(price) != len(volume):
            raise UndertowError(f"expected a volume per trigger, got {len(volume)}, {len(price)}")
        if not (np.isfinite(start_price) and start_price > 0):
            raise UndertowError(f"expected a starting price above 0, got {start_price}")
        for name, row, good in (
            ("trigger", price, (price > 0) & (price < start_price)),
            ("volume", volume, (volume >= 0) & np.isfinite(volume)),
        ):
            if not good.all():
                place = int(np.argmin(good))
                bounds = f"above 0 and below {start_price:g}" if name == "trigger" else "0 or more"
                raise UndertowError(f"{name} {place}: expected {bounds}, got {row[place]:g}")
        order = np.lexsort((-volume, -price))
        return Triggers(float(start_price), price[order], volume[order])

    @property
    def total_usd(self) -> float:
        """What all of them together would sell."""
        return float(self.volumes.sum())

    @cached_property
    def grid(self) -> Grid:
        """Sums, and a grid to look prices up; made once for all calls."""
        cells = max(1, len(self.prices) // _TRIGGERS_PER_CELL)
        width = self.prices[0] - self.prices[-1] if cells > 1 else 0.0
        # Prices that nearly coincide would overflow: they share one cell.
        scale = float(cells / width) if width > np.finfo(np.float64).tiny else 0.0
        # The kernel finds a price's cell by the same operations.
        cell = np.minimum((self.prices[:1] - self.prices) * scale, cells - 1.0).astype(np.int64)
        return Grid(
            np.concatenate([[0.0], np.cumsum(self.volumes)]),
            np.searchsorted(cell, np.arange(cells + 1)).astype(np.int32),
            scale,
        )


@dataclass(frozen=True)
class Cascades:
    """The endings of many scenarios, as arrays of scenario (and asset, for several assets).

    Attributes
    ----------
    price
        The final price.
    sold_usd
        All that was sold: the first sale and what reached the market of the forced ones.
    forced_usd
        What was closed by force, in USD at the starting price, ADL and takeovers included.
    closed
        How many triggers were passed.
    rounds
        In how many rounds something was closed, by scenario.
    """

    price: Floats
    sold_usd: Floats
    forced_usd: Floats
    closed: Whole
    rounds: Whole


def cascade(
    triggers: Triggers, depth: DepthCurve, *, sold_usd: npt.ArrayLike = 0.0,
    gap: npt.ArrayLike = 0.0, depth_multiplier: npt.ArrayLike = 1.0,
    market_share: npt.ArrayLike = 1.0,
) -> Cascades:  # fmt: skip
    """The waterfall of one asset, for one scenario or many.

    The four last arguments are numbers or arrays of one length; numbers hold for all scenarios.

    Parameters
    ----------
    sold_usd
        The first sale. For a shock in terms of price: ``depth.sale_for(0.05)``.
    gap
        A fall that needs no sale, as a fraction: news, or an index that others moved. The book is
        then found below it.
    depth_multiplier
        0.5 is half the depth at every price.
    market_share
        The part of what is closed by force that is sold in the market. ADL and positions that a
        fund keeps add no flow until they are sold.

    Raises
    ------
    UndertowError
        For values out of range, or arrays of different lengths.
    """
    given = _scenarios((sold_usd, gap, depth_multiplier, market_share), 1)
    return _solve([triggers], [depth], np.ones((1, 1)), given, several=False)


def cascade_together(
    triggers: Sequence[Triggers], depths: Sequence[DepthCurve], cross: npt.ArrayLike, *,
    sold_usd: npt.ArrayLike = 0.0, gap: npt.ArrayLike = 0.0,
    depth_multiplier: npt.ArrayLike = 1.0, market_share: npt.ArrayLike = 1.0,
) -> Cascades:  # fmt: skip
    """The waterfall of several assets that pull each other down.

    Parameters
    ----------
    cross
        ``cross[i][j]`` is the fall of j's logarithmic price per fall of i's that i's own sales
        bring about; 1 on the diagonal. 0 everywhere else: each asset is alone.
    sold_usd, gap, depth_multiplier, market_share
        As for `cascade`; arrays are of asset, or of scenario and asset.

    Raises
    ------
    UndertowError
        For values out of range, or shapes that do not fit.
    """
    power = np.ascontiguousarray(cross, np.float64)
    count = len(triggers)
    if count == 0 or len(depths) != count or power.shape != (count, count):
        raise UndertowError(
            f"expected a depth per asset and a square of cross impacts, got {count} assets,"
            f" {len(depths)} depths and {power.shape}"
        )
    if not (np.isfinite(power).all() and (power >= 0).all() and (np.diag(power) == 1).all()):
        raise UndertowError("cross impact: expected numbers from 0 on, and 1 on the diagonal")
    given = _scenarios((sold_usd, gap, depth_multiplier, market_share), count)
    return _solve(triggers, depths, power, given, several=True)


_BOUNDS = (("sold_usd", 0.0, np.inf), ("gap", 0.0, 1.0), ("depth_multiplier", 0.0, np.inf),
           ("market_share", 0.0, 1.0))  # fmt: skip


def _scenarios(values: Sequence[npt.ArrayLike], assets: int) -> list[Floats]:
    """Arrays of scenario and asset."""
    rows = [np.asarray(value, np.float64) for value in values]
    if assets == 1:
        rows = [row[:, None] if row.ndim == 1 else row for row in rows]
    for row, (name, least, most) in zip(rows, _BOUNDS, strict=True):
        # A gap to 0 leaves no market; a depth of 0 no book.
        above = row > least if name == "depth_multiplier" else row >= least
        below = row <= most if name == "market_share" else row < most
        if not (above & below).all():
            raise UndertowError(f"{name}: a value is out of range ({least:g} to {most:g})")
    try:
        shape = np.broadcast_shapes(*(row.shape for row in rows), (1, assets))
    except ValueError:
        shape = ()
    if len(shape) != 2 or shape[1] != assets:
        shapes = ", ".join(str(row.shape) for row in rows)
        raise UndertowError(f"expected arrays of one length for {assets} asset(s), got {shapes}")
    return [np.ascontiguousarray(np.broadcast_to(row, shape)) for row in rows]


def _solve(
    triggers: Sequence[Triggers], depths: Sequence[DepthCurve], cross: Floats,
    given: list[Floats], *, several: bool,
) -> Cascades:  # fmt: skip
    shape = given[0].shape
    found = kernel.Outcomes(
        np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape[0], np.int64)
    )
    prices = np.array([one.start_price for one in triggers])
    packed = _packed(triggers)
    kernel.solve(
        prices, packed, _curves(depths), cross, kernel.Scenarios(*given), np.zeros(shape[1]), found
    )
    before = packed.volumes[found.counts + packed.starts[:-1] + np.arange(shape[1])]
    chosen: Any = slice(None) if several else 0
    price, sold, forced, closed = (
        column[:, chosen] for column in (found.prices, found.volumes, before, found.counts)
    )
    return Cascades(price, sold, forced, closed, found.rounds)


def _packed(triggers: Sequence[Triggers]) -> kernel.Triggers:
    """All assets' triggers as the kernel wants them, one after the other."""
    grids = [one.grid for one in triggers]
    return kernel.Triggers(
        np.concatenate([one.prices for one in triggers]),
        np.concatenate([grid.sums for grid in grids]),
        _starts([len(one.prices) for one in triggers]),
        np.concatenate([grid.first for grid in grids]),
        _starts([len(grid.first) for grid in grids]),
        np.array([grid.cells_per_usd for grid in grids]),
    )


def _curves(depths: Sequence[DepthCurve]) -> kernel.Curves:
    curves = [depth.curve for depth in depths]
    return kernel.Curves(
        np.array([curve.law for curve in curves]),
        np.array([curve.depth for curve in curves]),
        _starts([len(curve.volumes) for curve in curves]),
        np.array([volume for curve in curves for volume in curve.volumes], np.float64),
        np.array([fall for curve in curves for fall in curve.falls], np.float64),
    )


def _starts(lengths: Sequence[int]) -> Whole:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
