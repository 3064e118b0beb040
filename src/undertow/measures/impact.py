"""How far a sale moves the price: depth of the book, or the square-root law, as one curve.

Volumes are in USD at the price from which the fall is counted, so that a coin counts the same
wherever it is sold. Falls are fractions of that price, above 0 when it falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from undertow.errors import UndertowError, nearest
from undertow.reference.cascade import EXPONENTIAL, LINEAR, SQUARE_ROOT, TABLE, Curve, fall

LAWS = {
    "exponential": EXPONENTIAL, "linear": LINEAR, "square_root": SQUARE_ROOT, "table": TABLE,
}  # fmt: skip
_BY_BAND = ("exponential", "linear")


class Interval(NamedTuple):
    """A number that is not known better: low, the best guess, high."""

    low: float
    middle: float
    high: float

    @staticmethod
    def exactly(value: float) -> Interval:
        """A number that is taken as known."""
        return Interval(value, value, value)

    def checked(self, what: str, *, least: float = 0.0, most: float = math.inf) -> Interval:
        """The same.

        Raises
        ------
        UndertowError
            When it is out of order, not finite, or outside of the bounds.
        """
        ordered = least <= self.low <= self.middle <= self.high <= most
        if not (ordered and math.isfinite(self.high)):
            raise UndertowError(
                f"{what}: expected low <= middle <= high from {least:g} to {most:g},"
                f" got {self.low:g}, {self.middle:g}, {self.high:g}"
            )
        return self


@dataclass(frozen=True)
class DepthCurve:
    """The fall that a sale of each size brings about; made by one of the four functions below."""

    law: str
    curve: Curve

    @staticmethod
    def exponential(usd: float, *, band: float) -> DepthCurve:
        """A book with equal volume in equal ratios of price: what is left is exp(−volume / depth).

        Parameters
        ----------
        usd
            Bids within ``band``, in USD.
        band
            Fraction of the price: 0.01 is 1 %.
        """
        return _by_band("exponential", usd, band)

    @staticmethod
    def linear(usd: float, *, band: float) -> DepthCurve:
        """A book with equal volume in equal steps of price: the fall is volume / depth."""
        return _by_band("linear", usd, band)

    @staticmethod
    def by_law(law: str, usd: float, *, band: float) -> DepthCurve:
        """The one or the other of a book, by name."""
        if law not in _BY_BAND:
            raise UndertowError(f"no law '{law}' of a book{nearest(law, _BY_BAND)}")
        return _by_band(law, usd, band)

    @staticmethod
    def table(bands: Sequence[float], usd: Sequence[float]) -> DepthCurve:
        """Depth as it is published: bids within each band.

        Between bands the fall is linear in the volume; beyond the last one it goes on as between
        the last two, which is a guess (a real book ends somewhere).

        Parameters
        ----------
        bands
            Fractions of the price, rising from above 0.
        usd
            Bids within each, in USD, rising.
        """
        volumes, falls = (0.0, *map(float, usd)), (0.0, *map(float, bands))
        if len(falls) != len(volumes) or len(falls) < 2:
            raise UndertowError(f"depth: expected a volume per band, got {bands} and {usd}")
        for name, row in (("bands", falls), ("volumes", volumes)):
            rises = all(one < two for one, two in pairwise(row))
            if not (rises and math.isfinite(row[-1])):
                raise UndertowError(f"depth: expected {name} that rise from above 0, got {row[1:]}")
        if falls[-1] > 1:
            raise UndertowError(f"depth: expected bands up to 1, got {falls[-1]:g}")
        return DepthCurve("table", Curve(TABLE, 1.0, volumes, falls))

    @staticmethod
    def square_root(
        volatility: float, volume_usd: float, *, prefactor: float = 1.0
    ) -> DepthCurve:  # fmt: skip
        """The fall is prefactor x volatility x sqrt(sale / volume).

        The law of metaorders (Tóth et al., "Anomalous price impact and the critical nature of
        liquidity in financial markets", Physical Review X 1, 021006, 2011), which gives a
        prefactor of order 1. Forced sales are faster than the orders it was found on: assumed.

        Parameters
        ----------
        volatility
            Of the return over a period, such as a day: a fraction.
        volume_usd
            Traded over the same period, in USD.
        """
        for name, value in (("volatility", volatility), ("volume", volume_usd),
                            ("prefactor", prefactor)):  # fmt: skip
            _above_zero(name, value)
        return DepthCurve(
            "square_root", Curve(SQUARE_ROOT, volume_usd / (prefactor * volatility) ** 2)
        )

    def fall(self, usd: float) -> float:
        """The fall that a sale brings about, as a fraction; at most 1."""
        if not usd >= 0:
            raise UndertowError(f"expected a sale of 0 or more USD, got {usd}")
        return fall(self.curve, usd)

    def sale_for(self, fall: float) -> float:
        """The sale, in USD, that brings about a fall by itself."""
        if not 0 <= fall < 1:
            raise UndertowError(f"expected a fall from 0 to below 1, got {fall}")
        curve = self.curve
        if curve.law == EXPONENTIAL:
            return -math.log1p(-fall) * curve.depth
        if curve.law == LINEAR:
            return fall * curve.depth
        if curve.law == SQUARE_ROOT:
            return fall**2 * curve.depth
        place = next((i for i, knot in enumerate(curve.falls) if i and fall <= knot), -1)
        place = place % len(curve.falls)
        step = curve.volumes[place] - curve.volumes[place - 1]
        share = (fall - curve.falls[place - 1]) / (curve.falls[place] - curve.falls[place - 1])
        return curve.volumes[place - 1] + share * step

    def fall_per_usd(self, sale_usd: float | None = None) -> float:
        """The fall per USD sold, on average over a sale.

        Parameters
        ----------
        sale_usd
            Without it the first dollar counts.

        Raises
        ------
        UndertowError
            For the square-root law without a size: its first dollar has no finite impact.
        """
        if sale_usd is not None:
            _above_zero("sale", sale_usd)
            return self.fall(sale_usd) / sale_usd
        curve = self.curve
        if curve.law == SQUARE_ROOT:
            raise UndertowError("the square-root law: expected sale_usd, the size of one sale")
        return curve.falls[1] / curve.volumes[1] if curve.law == TABLE else 1 / curve.depth


def _by_band(law: str, usd: float, band: float) -> DepthCurve:
    _above_zero("depth", usd)
    if not 0 < band < 1:
        raise UndertowError(f"expected a band above 0 and below 1 (0.01 is 1 %), got {band}")
    reach = band if law == "linear" else -math.log1p(-band)
    return DepthCurve(law, Curve(LAWS[law], usd / reach))


def _above_zero(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise UndertowError(f"{name}: expected a number above 0, got {value}")
