"""A run's two tapes as plain frames: what every figure and every picture of a run starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow.lab.outcome import span_ns
from undertow.model.assets import asset_of, venue_kind
from undertow.model.periods import SECOND_NS, duration_ns
from undertow.tape import Tape

MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
Floats = NDArray[np.float64]
Times = NDArray[np.int64]
_CLOSED: Any = {
    "ns": pl.Int64, "venue": pl.String, "symbol": pl.String, "asset": pl.String,
    "side": pl.String, "stage": pl.String, "price": pl.Float64, "quantity": pl.Float64,
    "usd": pl.Float64, "account": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class RunTapes:
    """The tapes of one run, and what it covers.

    Attributes
    ----------
    true, shown
        Everything, and the liquidations that public feeds would have let through.
    start_ns, end_ns
        First and last moment.
    bin_ns
        A minute, or the run's step where that is longer: all that a step closes by force has one
        time, so nothing finer can be told.
    """

    true: Tape
    shown: Tape
    start_ns: int
    end_ns: int
    bin_ns: int

    @cached_property
    def closed(self) -> pl.DataFrame:
        """All forced closings but those of winners: ``ns``, ``venue``, ``symbol``, ``asset``, …"""
        return self._forced.filter(pl.col("stage") != "adl")

    @cached_property
    def deleveraged(self) -> pl.DataFrame:
        """Positions of winners that were closed because a loser's loss was too large (ADL)."""
        return self._forced.filter(pl.col("stage") == "adl")

    @cached_property
    def let_through(self) -> pl.DataFrame:
        """Forced closings as public feeds would have shown them."""
        return _closings(self.shown).filter(pl.col("stage") != "adl")

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Single closings: all that one account loses in one symbol at one moment."""
        one = ("ns", "venue", "symbol", "asset", "side", "account")
        return (
            self.closed.with_columns(value=pl.col("price") * pl.col("quantity"))
            .group_by(one, maintain_order=True)
            .agg(pl.col("usd", "quantity", "value").sum(), pl.col("stage").last())
            .with_columns(price=pl.col("value") / pl.col("quantity"))
            .drop("value")
        )

    @cached_property
    def prices(self) -> pl.DataFrame:
        """The market's price by asset: ``asset``, ``ns`` (end of the bar), ``open, low, close``.

        The median over the venues' marks, since marks are what closes positions; over all
        candles where a tape has no marks.
        """
        if self.true.has("marks"):
            rows = self.table("marks")
            mark = pl.col("mark")
            bars = rows.select(
                "asset", "ns", "interval", close=mark,
                open=pl.col("mark_open").fill_null(mark), low=pl.col("mark_low").fill_null(mark),
            )  # fmt: skip
        else:
            bars = self.table("candles").select("asset", "ns", "interval", "open", "low", "close")
        return (
            bars.with_columns(ns=pl.col("ns") + lengths_ns(bars["interval"]))
            .group_by("asset", "ns")
            .agg(pl.col("open", "low", "close").median())
            .sort("asset", "ns")
        )

    @cached_property
    def assets(self) -> list[str]:
        """Assets by how much was closed of them, the largest first; then the others."""
        closed = self.closed.group_by("asset").agg(pl.col("usd").sum())
        ranked = closed.sort("usd", "asset", descending=[True, False])["asset"].to_list()
        return ranked + sorted(set(self.prices["asset"].to_list()) - set(ranked))

    @property
    def leader(self) -> str:
        """The asset whose fall stands for the market's: Bitcoin, else the most liquidated."""
        return "BTC" if "BTC" in self.assets else self.assets[0]

    def path(self, asset: str) -> pl.DataFrame:
        """The bars of one asset's price, by time."""
        return self.prices.filter(pl.col("asset") == asset).drop("asset")

    def table(self, name: str) -> pl.DataFrame:
        """A table of the true tape with ``ns``, names as texts and assets; empty where it lacks it.

        Venues also have their kind: ``is_spot``.
        """
        if name not in self._tables:
            self._tables[name] = _named(self.true.table(name).collect())
        return self._tables[name]

    def binned(self, rows: pl.DataFrame, *by: str) -> pl.DataFrame:
        """Closings by minute (or step): ``ns`` (start), columns of ``by``, ``usd``, ``count``."""
        start = pl.col("ns") - (pl.col("ns") - self.start_ns) % self.bin_ns
        return (
            rows.with_columns(ns=start)
            .group_by("ns", *by)
            .agg(pl.col("usd").sum(), pl.len().cast(pl.Int64).alias("count"))
            .sort("ns", *by)
        )

    def rolling_day(self, rows: pl.DataFrame, *, every_ns: int = 5 * MINUTE_NS) -> pl.DataFrame:
        """Closings of the last 24 hours, looked at again and again: ``ns``, ``usd``, ``whole``.

        ``whole`` is false while the run is younger than 24 hours: then all that it has counts.
        """
        moments = np.arange(self.start_ns + every_ns, self.end_ns + every_ns, every_ns)
        ordered = rows.sort("ns")
        when = ordered["ns"].to_numpy()
        sums = np.concatenate([[0.0], np.cumsum(ordered["usd"].to_numpy())])
        until = sums[np.searchsorted(when, moments, side="left")]
        before = sums[np.searchsorted(when, moments - DAY_NS, side="left")]
        return pl.DataFrame(
            {"ns": moments, "usd": until - before, "whole": moments - DAY_NS >= self.start_ns}
        )

    @cached_property
    def _forced(self) -> pl.DataFrame:
        return _closings(self.true)

    @cached_property
    def _tables(self) -> dict[str, pl.DataFrame]:
        return {}


def run_tapes(true: Tape, shown: Tape, *, step_ns: int) -> RunTapes:
    """The tapes of a run, ready to be measured.

    Parameters
    ----------
    step_ns
        Length of the run's steps.

    Raises
    ------
    NotRecorded
        When the true tape has no prices.
    """
    start_ns, end_ns = span_ns(true)
    return RunTapes(true, shown, start_ns, end_ns, max(MINUTE_NS, step_ns))


def lengths_ns(intervals: pl.Series) -> pl.Series:
    """Lengths of bars; 0 where a row is of a moment."""
    texts = intervals.cast(pl.String)
    lengths = {text: duration_ns(text) for text in texts.drop_nulls().unique()}
    return texts.replace_strict(lengths, default=0, return_dtype=pl.Int64)


def _closings(tape: Tape) -> pl.DataFrame:
    """The table `liquidations`; a run without one closed nothing by force."""
    if not tape.has("liquidations"):
        return pl.DataFrame(schema=_CLOSED)
    rows = _named(tape.table("liquidations").collect())
    words = pl.col("side", "stage").cast(pl.String).fill_null("")
    return rows.with_columns(words).select(
        [pl.col(name).cast(kind) for name, kind in _CLOSED.items()]
    )


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in ("venue", "symbol") if name in rows.columns]
    rows = rows.with_columns(
        pl.col("ts").cast(pl.Int64).alias("ns"), *(pl.col(name).cast(pl.String) for name in names)
    )
    for name, source, of in (("asset", "symbol", asset_of), ("is_spot", "venue", _is_spot)):
        if source in names:
            known = {text: of(text) for text in rows[source].drop_nulls().unique()}
            kind = pl.String if name == "asset" else pl.Boolean
            column = pl.col(source).replace_strict(known, default=None, return_dtype=kind)
            rows = rows.with_columns(column.alias(name))
    return rows


def _is_spot(venue: str) -> bool:
    return venue_kind(venue) == "spot"
