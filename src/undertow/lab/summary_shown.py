"""How much of what was closed by force the public feeds show: overall, and by how fast it came.

Feeds that send one order per second and symbol hide more the faster a market falls, so one factor
for all hours would correct the quiet ones too much and the wild ones too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.lab.summary_tapes import Floats, RunTapes
from undertow.tape import Tape

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
    overall = _share(minutes.select("true", "shown").to_numpy(), dice, 0, 0)
    return overall, _by_count(minutes, "count", dice)


def corrections(tapes: RunTapes, seed: int, *, venue: str | None = None) -> tuple[ShownShare, ...]:
    """The share that feeds show by how many orders they *show* in a minute: what a recording has.

    A run's orders are closings of its accounts, a sample in which each stands for many real ones.
    So a recording has more orders in such a minute, and `corrected` gives it the share of wilder
    minutes: an estimate that is rather too high.

    Parameters
    ----------
    seed
        Of the bootstrap.
    venue
        Only this one's closings: feeds differ.

    Returns
    -------
    tuple of ShownShare
        Only the intensities that the run has; ``least`` and ``most`` count shown orders.
    """
    minutes = _minutes(tapes, venue).filter(pl.col("shown") > 0)
    return _by_count(minutes, "shown_count", np.random.default_rng(seed))


def corrected(recorded: Tape, found: Sequence[ShownShare], *, venue: str | None = None
              ) -> pl.DataFrame:  # fmt: skip
    """What may have been closed by force where a throttled feed was recorded: an estimate.

    Each minute's total is divided by the share that a simulated feed shows when it shows as many
    orders; a minute wilder than any that the run had gets the share of its wildest.

    Parameters
    ----------
    recorded
        A tape with liquidations from a public feed.
    found
        From `corrections`, for the same kind of feed.
    venue
        Only this one's rows.

    Returns
    -------
    polars.DataFrame
        ``ts`` (start of the minute), ``orders`` and ``shown_usd`` as recorded, ``usd``,
        ``usd_low`` and ``usd_high`` (estimate and 95 % interval), ``is_estimate`` (true), by ts.

    Raises
    ------
    NotRecorded
        When the tape has no liquidations.
    UndertowError
        Without a share to correct with.
    """
    if not found:
        raise UndertowError("the run showed no closing: there is nothing to correct with")
    if not recorded.has("liquidations"):
        raise NotRecorded("liquidations")
    rows = recorded.table("liquidations").collect().filter(
        pl.col("stage").cast(pl.String).fill_null("") != "adl"
    )  # fmt: skip
    if venue is not None:
        rows = rows.filter(pl.col("venue").cast(pl.String) == venue)
    minutes = (
        rows.group_by(pl.col("ts").dt.truncate("1m"))
        .agg(pl.col("orders").fill_null(1).sum(), pl.col("usd").sum().alias("shown_usd"))
        .sort("ts")
    )
    edges = np.array([one.least for one in found])
    place = np.searchsorted(edges, minutes["orders"].to_numpy(), side="right") - 1
    chosen = [found[max(0, int(one))] for one in place]
    shown = pl.col("shown_usd")
    return minutes.with_columns(
        usd=shown / pl.Series([one.share for one in chosen], dtype=pl.Float64),
        usd_low=shown / pl.Series([one.high for one in chosen], dtype=pl.Float64),
        usd_high=shown / pl.Series([one.low for one in chosen], dtype=pl.Float64),
        is_estimate=pl.lit(True),
    )


def _by_count(
    minutes: pl.DataFrame, name: str, dice: np.random.Generator
) -> tuple[ShownShare, ...]:
    found = []
    for least, most in INTENSITIES:
        chosen = minutes.filter(pl.col(name).is_between(least, most))
        if chosen.height:
            found.append(_share(chosen.select("true", "shown").to_numpy(), dice, least, most))
    return tuple(found)


def _minutes(tapes: RunTapes, venue: str | None = None) -> pl.DataFrame:
    """Minutes with closings: ``count`` and ``shown_count``, ``true`` and ``shown`` (USD)."""
    here = pl.lit(True) if venue is None else pl.col("venue") == venue
    true = tapes.binned(tapes.orders.filter(here)).rename({"usd": "true"})
    shown = tapes.binned(tapes.let_through.filter(here)).select(
        "ns", shown="usd", shown_count="count"
    )
    return true.join(shown, on="ns", how="left").with_columns(
        pl.col("shown").fill_null(0.0), pl.col("shown_count").fill_null(0)
    )


def _share(values: Floats, dice: np.random.Generator, least: int, most: int) -> ShownShare:
    count = len(values)
    true, shown = values.sum(axis=0)
    weights = dice.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    sums = weights @ values
    # Sums in another order differ in the last bits: no share is above 1 for that.
    low, high = np.quantile(sums[:, 1] / sums[:, 0], _LEVELS).round(12).tolist()
    share = round(float(shown / true), 12)
    return ShownShare(least, most, count, float(true), float(shown), share, low, high)
