"""The reproduction number R: the dollars of forced sales that one dollar of forced sales sets off.

``K[i, j]`` is the dollars of forced market orders in asset j per net forced dollar sold in i: the
longs closed per fall of j's mark, times the fall of j's mark per dollar sold in i, net of what is
refilled within a stated time. R is the spectral radius of K. It belongs to a state of the market,
so it is given along a fall; and it is as uncertain as the map and the depth are, so it is an
interval: everything that raises R taken at one end of its own interval together. That is no
confidence interval, it is what the inputs allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import UndertowError, nearest
from undertow.measures.impact import DepthCurve, Interval
from undertow.measures.liquidation_profile import BOUNDS, Floats, LiquidationProfile

ZONES = ("R below 0.5", "R from 0.5 to 1", "R above 1")
NOT_IDENTIFIABLE = "not identifiable"
# An interval over two zones says something only if it is narrow. Assumed, like the edge at 0.5;
# that at 1 is where a chain of sales no longer ends by itself.
IDENTIFIABLE_FACTOR = 4.0
_EDGES = (0.5, 1.0)
_ONE = Interval(1.0, 1.0, 1.0)
_NONE = Interval(0.0, 0.0, 0.0)


class ImpactInterval(NamedTuple):
    """How far a sale moves the price, at most, most likely and at least."""

    shallow: DepthCurve
    middle: DepthCurve
    deep: DepthCurve

    @staticmethod
    def of_depth(usd: Interval, *, band: float, law: str = "exponential") -> ImpactInterval:
        """From bids within a band of the price, in USD; ``law`` is exponential or linear."""
        return ImpactInterval(
            *(DepthCurve.by_law(law, one, band=band) for one in usd.checked("depth"))
        )

    @staticmethod
    def square_root(
        volatility: Interval, volume_usd: Interval, *, prefactor: Interval = _ONE
    ) -> ImpactInterval:
        """From volatility and volume of one period; see `DepthCurve.square_root`."""
        rough, still = volatility.checked("volatility"), volume_usd.checked("volume")
        curves = [
            DepthCurve.square_root(one, volume, prefactor=factor)
            for one, volume, factor in zip(
                reversed(rough), still, reversed(prefactor.checked("prefactor")), strict=True
            )
        ]
        return ImpactInterval(*curves)


@dataclass(frozen=True)
class AssetState:
    """One asset as it stands.

    Attributes
    ----------
    price
        Now.
    profile
        The longs that are closed by force at lower prices.
    impact
        Of a sale on its own price. The book is taken as found again around each lower price.
    mark_follows
        The fall of its mark per fall of the price it is sold at: below 1 where an index of
        several venues, a clamp or an average holds it back.
    refill
        The part of the fall that is made good within tau.
    market_share
        The part of what is closed that is sold in the market. ADL, takeovers that a fund keeps
        and closes over the counter add no flow until they are resold.
    sale_usd
        The size of one forced sale; needed for the square-root law, otherwise the first dollar's
        impact counts.
    beta
        Its fall per fall of the first asset, in logarithms: where it stands when that has fallen.
    """

    price: float
    profile: LiquidationProfile
    impact: ImpactInterval
    mark_follows: Interval = _ONE
    refill: Interval = _NONE
    market_share: Interval = _ONE
    sale_usd: float | None = None
    beta: float = 1.0

    def checked(self, symbol: str) -> AssetState:
        """The same; raises UndertowError for values out of range."""
        if not (np.isfinite(self.price) and self.price > 0):
            raise UndertowError(f"{symbol}: expected a price above 0, got {self.price}")
        if not (np.isfinite(self.beta) and self.beta >= 0):
            raise UndertowError(f"{symbol}: expected a beta from 0 on, got {self.beta}")
        self.mark_follows.checked(f"{symbol}: mark_follows")
        for name in ("refill", "market_share"):
            getattr(self, name).checked(f"{symbol}: {name}", most=1.0)
        Interval(*self.fall_per_usd().tolist()).checked(f"{symbol}: fall per USD")
        return self

    def fall_per_usd(self) -> Floats:
        """The fall that is left after tau per USD sold: low, middle, high."""
        first = [curve.fall_per_usd(self.sale_usd) for curve in reversed(self.impact)]
        left: Floats = 1 - np.array(self.refill[::-1])
        return np.asarray(first * left)


@dataclass(frozen=True)
class Reproduction:
    """R along a fall of all assets together.

    Attributes
    ----------
    symbols
        The first is the one whose fall is counted.
    falls
        Fractions.
    prices
        Of each fall and asset.
    low, middle, high
        R at each fall.
    tau, law, window
        What it rests on: the time after which refill is counted, the impact law, the fall over
        which the map is averaged.
    """

    symbols: tuple[str, ...]
    falls: Floats
    prices: Floats
    low: Floats
    middle: Floats
    high: Floats
    tau: str
    law: str
    window: float

    def at(self, place: int) -> Interval:
        """R at one of the falls."""
        return Interval(*(float(row[place]) for row in (self.low, self.middle, self.high)))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What can be said at each fall."""
        return tuple(verdict(self.at(place)) for place in range(len(self.falls)))

    @property
    def zones(self) -> list[tuple[float, float, str]]:
        """Stretches of falls with one verdict: from, to, verdict; for the chart."""
        found: list[tuple[float, float, str]] = []
        for fall, said in zip(self.falls.tolist(), self.verdicts, strict=True):
            if found and found[-1][2] == said:
                found[-1] = (found[-1][0], fall, said)
            else:
                found.append((fall, fall, said))
        return found

    @property
    def frame(self) -> pl.DataFrame:
        """``fall``, ``price`` (of the first asset), ``low``, ``middle``, ``high``, ``verdict``."""
        return pl.DataFrame(
            {
                "fall": self.falls,
                "price": self.prices[:, 0],
                "low": self.low,
                "middle": self.middle,
                "high": self.high,
                "verdict": list(self.verdicts),
            }
        )

    @property
    def text(self) -> str:
        """One line for people: R at its largest, with all that it rests on."""
        place = int(np.argmax(self.middle))
        low, middle, high = self.at(place)
        return (
            f"R at most {middle:.2g} ({low:.2g} to {high:.2g}), after a fall of"
            f" {self.falls[place]:.1%} of {self.symbols[0]}: {verdict(self.at(place))}"
            f" (tau {self.tau}, {self.law} impact, map averaged over {self.window:.1%})"
        )


def reproduction(
    assets: Mapping[str, AssetState], *, tau: str, falls: npt.ArrayLike,
    cross: Mapping[tuple[str, str], Interval] | None = None, window: float = 0.01,
) -> Reproduction:  # fmt: skip
    """R from the map and the impact, along a fall.

    Parameters
    ----------
    assets
        By symbol; the first one's fall is counted, the others fall along by their ``beta``.
    tau
        The time after which refill is counted, such as "5m": it must be the one that the
        intervals of ``refill`` are for.
    falls
        Of the first asset, fractions from 0 on.
    cross
        By (sold, moved): the fall of the second one's mark per fall of the price of the first.
        Pairs that are not given: 0, and ``mark_follows`` for an asset on itself.
    window
        The fall over which the map is averaged, below each price.

    Raises
    ------
    UndertowError
        For unknown symbols and values out of range.
    """
    symbols = tuple(assets)
    states = [state.checked(symbol) for symbol, state in assets.items()]
    fall = np.atleast_1d(np.asarray(falls, np.float64))
    if not states or fall.ndim != 1 or not ((fall >= 0) & (fall < 1)).all():
        raise UndertowError("expected an asset, and falls from 0 to below 1")
    if not 0 < window < 1:
        raise UndertowError(f"window: expected a fraction above 0 and below 1, got {window}")
    if not states[0].beta > 0:
        raise UndertowError(f"{symbols[0]}: the first asset needs a beta above 0")
    betas = np.array([state.beta / states[0].beta for state in states])
    prices = np.array([state.price for state in states]) * (1 - fall[:, None]) ** betas
    follows = _follows(symbols, states, cross or {})
    slopes = np.array([state.fall_per_usd() for state in states])

    def spectral_radius(bound: str) -> Floats:
        place = BOUNDS.index(bound)
        longs = [
            state.profile.density(prices[:, column], window=window, bound=bound)
            * state.market_share[place]
            for column, state in enumerate(states)
        ]
        moved = slopes[:, place, None] * follows[:, :, place]  # of j's mark per dollar sold in i
        matrix = moved * np.stack(longs, axis=1)[:, None, :]
        return np.asarray(np.abs(np.linalg.eigvals(matrix)).max(axis=1))

    laws = ", ".join(sorted({state.impact.middle.law.replace("_", "-") for state in states}))
    low, middle, high = (spectral_radius(bound) for bound in BOUNDS)
    return Reproduction(symbols, fall, prices, low, middle, high, tau, laws, window)


def verdict(interval: Interval) -> str:
    """What an interval of R says.

    The zone, if all of it lies in one; two zones, if it reaches no further and its ends differ by
    at most a factor of 4 (assumed); otherwise "not identifiable".
    """
    low, high = interval.low, interval.high
    if not (np.isfinite(low) and np.isfinite(high)):
        return NOT_IDENTIFIABLE
    first, last = (int(np.searchsorted(_EDGES, value, side="right")) for value in (low, high))
    if first == last:
        return ZONES[first]
    if last - first == 1 and high <= IDENTIFIABLE_FACTOR * low:
        return f"{ZONES[first]} or {ZONES[last].removeprefix('R ')}"
    return NOT_IDENTIFIABLE


def _follows(
    symbols: Sequence[str], states: Sequence[AssetState],
    cross: Mapping[tuple[str, str], Interval],
) -> Floats:  # fmt: skip
    """Fall of j's mark per fall of i's price: sold, moved, bound."""
    found = np.zeros((len(symbols), len(symbols), len(BOUNDS)))
    for place, state in enumerate(states):
        found[place, place] = state.mark_follows
    for pair, interval in cross.items():
        for symbol in pair:
            if symbol not in symbols:
                raise UndertowError(f"cross: no asset '{symbol}'{nearest(symbol, symbols)}")
        sold, moved = (symbols.index(symbol) for symbol in pair)
        found[sold, moved] = interval.checked(f"cross of {pair[0]} on {pair[1]}")
    return found
