"""How much of what was closed by force the public feeds show: overall, and by how fast it came.

Feeds that send one order per second and symbol hide more the faster a market falls, so one factor
for all hours would correct the quiet ones too much and the wild ones too little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from undertow.lab.summary_tapes import Floats, RunTapes

# Single closings in a minute, over all venues: from, up to. The edges are our choice.
INTENSITIES = ((1, 2), (3, 10), (11, 30), (31, 100), (101, 1_000_000))
RESAMPLES = 1000
_LEVELS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class ShownShare:
    """Shown over true, in dollars.

    Attributes
    ----------
    least, most
        Single closings in a minute that this is about; both 0: of all minutes together.
    minutes
        How many minutes (or steps) there were.
    share, low, high
        Shown over true, and its 95 % interval: a percentile bootstrap over those minutes. It
        holds which minutes came, not what the model gets wrong.
    """

    least: int
    most: int
    minutes: int
    true_usd: float
    shown_usd: float
    share: float
    low: float
    high: float

    @property
    def label(self) -> str:
        """Which minutes, in words."""
        if not self.most:
            return "all"
        return f"{self.least} or more" if self.most >= 10**6 else f"{self.least} to {self.most}"


def shown_shares(tapes: RunTapes, seed: int) -> tuple[ShownShare | None, tuple[ShownShare, ...]]:
    """The share that feeds show, overall and by intensity.

    Parameters
    ----------
    seed
        Of the bootstrap.

    Returns
    -------
    tuple
        Overall (None where nothing was closed), and by intensity: only those that occur.
    """
    minutes = _minutes(tapes)
    if not minutes.height:
        return None, ()
    dice = np.random.default_rng(seed)
    count = minutes["count"].to_numpy()
    values = minutes.select("true", "shown").to_numpy()
    found = []
    for least, most in INTENSITIES:
        chosen = values[(count >= least) & (count <= most)]
        if len(chosen):
            found.append(_share(chosen, dice, least, most))
    return _share(values, dice, 0, 0), tuple(found)


def _minutes(tapes: RunTapes) -> pl.DataFrame:
    """Minutes in which something was closed: ``count``, ``true`` and ``shown`` (USD)."""
    true = tapes.binned(tapes.orders).rename({"usd": "true"})
    shown = tapes.binned(tapes.let_through).select("ns", shown="usd")
    return true.join(shown, on="ns", how="left").with_columns(pl.col("shown").fill_null(0.0))


def _share(values: Floats, dice: np.random.Generator, least: int, most: int) -> ShownShare:
    count = len(values)
    true, shown = values.sum(axis=0)
    weights = dice.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    sums = weights @ values
    # Sums in another order differ in the last bits: no share is above 1 for that.
    low, high = np.quantile(sums[:, 1] / sums[:, 0], _LEVELS).round(12).tolist()
    share = round(float(shown / true), 12)
    return ShownShare(least, most, count, float(true), float(shown), share, low, high)
