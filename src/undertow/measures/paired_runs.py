"""R and the amplification from pairs of simulated runs with the same dice.

Each pair differs in one thing: a small extra forced sale (R), or whether forced orders move the
price (amplification). Intervals are from resampling the pairs (percentile bootstrap, Efron 1979):
they hold the dice of the runs, not what the model gets wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from undertow.errors import UndertowError, nearest
from undertow.measures.impact import Interval
from undertow.measures.reproduction import NOT_IDENTIFIABLE, verdict

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

GENERATIONS = ("all", "first")
MOSTLY_EXOGENOUS, MOSTLY_FORCED = "mostly exogenous", "mostly forced"
# An amplification of 2: half of the fall is there without the forced orders.
EVEN = 2.0
_LEAST_PAIRS = 3
_RESAMPLES = 2000
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class PairedReproduction:
    """R from paired runs.

    Attributes
    ----------
    ratio
        R with its 95 % interval.
    extra_per_usd
        Further forced dollars per extra forced dollar, all generations or the first, with its
        95 % interval; over all assets together the leading eigenvalue.
    generations
        What was counted: "all" or "first".
    pairs
        How many.
    """

    ratio: Interval
    extra_per_usd: Interval
    generations: str
    pairs: int

    @property
    def verdict(self) -> str:
        """The zone of R, or "not identifiable"; see `reproduction.verdict`."""
        return verdict(self.ratio)


def reproduction_from_paired_runs(
    base: npt.ArrayLike, perturbed: npt.ArrayLike, extra_usd: npt.ArrayLike, *, seed: int,
    generations: str = "all",
) -> PairedReproduction:  # fmt: skip
    """R: the extra forced sales per extra forced dollar.

    Parameters
    ----------
    base
        Forced market orders in USD of each run: an array of runs, or of runs and assets.
    perturbed
        The same runs with the extra sale, which is itself not counted. For several assets an array
        of (asset that was sold in addition, run, asset).
    extra_usd
        The extra sale; for several assets one each.
    seed
        Of the resampling.
    generations
        "all": whole runs, in which the extra sale set off sales that set off sales. Then M = K +
        K² + ... and R = m / (1 + m) for the leading eigenvalue m of M. It stays below 1, since
        the runs end. "first": forced orders were counted only until what the extra sale set off
        could set off more itself; then R = m.

    Raises
    ------
    UndertowError
        For fewer than 3 runs, shapes that do not fit, or an extra sale of 0.

    Notes
    -----
    Sales are not linear in what sets them off: the extra sale should be small, but large against
    one position, or the answer is that of a few positions.
    """
    if generations not in GENERATIONS:
        raise UndertowError(f"no generations '{generations}'{nearest(generations, GENERATIONS)}")
    before, after, extra = (np.asarray(row, np.float64) for row in (base, perturbed, extra_usd))
    if before.ndim == 1:
        before, after = before[:, None], after[None, ..., None]
    extra = np.atleast_1d(extra)
    runs, assets = before.shape if before.ndim == 2 else (0, 0)
    if after.shape != (assets, runs, assets) or extra.shape != (assets,):
        raise UndertowError(
            f"expected runs and assets that fit, got base {np.shape(base)}, perturbed"
            f" {np.shape(perturbed)} and extra_usd {np.shape(extra_usd)}"
        )
    _check_pairs(runs, before, after)
    if not ((extra > 0) & np.isfinite(extra)).all():
        raise UndertowError("extra_usd: expected sales above 0")
    # Of each run: asset sold, asset moved.
    per_usd = np.moveaxis(after - before, 1, 0) / extra[:, None]
    drawn = _resampled(runs, seed)
    means = np.concatenate([per_usd.mean(axis=0)[None], per_usd[drawn].mean(axis=1)])
    leading = np.linalg.eigvals(means).real.max(axis=1)
    ratio = leading
    if generations == "all":
        ratio = np.full(len(leading), -np.inf)
        np.divide(leading, 1 + leading, out=ratio, where=leading > -1)
    return PairedReproduction(_interval(ratio), _interval(leading), generations, runs)


@dataclass(frozen=True)
class Amplification:
    """The fall with the impact of forced orders over the fall without it.

    Attributes
    ----------
    ratio
        With its 95 % interval; 1 is none.
    fall, fall_without
        Means over the runs, as fractions.
    pairs
        How many.
    """

    ratio: Interval
    fall: float
    fall_without: float
    pairs: int

    @property
    def verdict(self) -> str:
        """Whether more or less than half of the fall needs the forced orders."""
        if self.ratio.high < EVEN:
            return MOSTLY_EXOGENOUS
        return MOSTLY_FORCED if self.ratio.low > EVEN else NOT_IDENTIFIABLE

    @property
    def text(self) -> str:
        """One line for people."""
        low, middle, high = self.ratio
        return (
            f"amplification {middle:.2f} (95 %: {low:.2f} to {high:.2f}), {self.verdict}: a fall"
            f" of {self.fall:.1%}, without forced orders {self.fall_without:.1%}"
        )


def amplification(
    falls: npt.ArrayLike, falls_without: npt.ArrayLike, *, seed: int
) -> Amplification:
    """The amplification of one asset's fall, from runs with and without forced orders' impact.

    Parameters
    ----------
    falls, falls_without
        Of each run, as fractions, above 0 for a fall; the runs in the same order.
    seed
        Of the resampling.

    Raises
    ------
    UndertowError
        For fewer than 3 runs, different numbers of them, or no fall without forced orders.
    """
    with_orders, without = (np.asarray(row, np.float64) for row in (falls, falls_without))
    if with_orders.ndim != 1 or with_orders.shape != without.shape:
        raise UndertowError(
            f"expected a fall of each run with and without, got {with_orders.shape} and"
            f" {without.shape}"
        )
    _check_pairs(len(without), with_orders, without)
    if without.mean() <= 0:
        raise UndertowError("without forced orders there is no fall: nothing to amplify")
    drawn = _resampled(len(without), seed)
    above = np.concatenate([[with_orders.mean()], with_orders[drawn].mean(axis=1)])
    below = np.concatenate([[without.mean()], without[drawn].mean(axis=1)])
    ratio = np.full(len(above), np.inf)
    np.divide(above, below, out=ratio, where=below > 0)
    return Amplification(_interval(ratio), float(above[0]), float(below[0]), len(without))


def _check_pairs(runs: int, *rows: Floats) -> None:
    if runs < _LEAST_PAIRS:
        raise UndertowError(f"expected {_LEAST_PAIRS} pairs of runs or more, got {runs}")
    if not all(np.isfinite(row).all() for row in rows):
        raise UndertowError("expected finite numbers of every run")


def _resampled(runs: int, seed: int) -> Whole:
    return np.random.default_rng(seed).integers(0, runs, (_RESAMPLES, runs))


def _interval(values: Floats) -> Interval:
    """Of the estimate, which comes first, and its resamples."""
    # An order statistic: between infinite values no mean can be taken.
    low, high = np.quantile(values[1:], _QUANTILES, method="nearest")
    middle = float(values[0])
    return Interval(min(float(low), middle), middle, max(float(high), middle))
