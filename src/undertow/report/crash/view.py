"""What every section of the crash report looks at: a run, its figures, and runs of other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from undertow.lab.compare import Row
from undertow.lab.run import Run
from undertow.lab.scenario import Scenario
from undertow.lab.summary import Quantiles, Summary, summaries, summary, tapes_of
from undertow.lab.summary_tapes import RunTapes
from undertow.report.page import Panel

QUANTILES = (0.1, 0.5, 0.9)


@dataclass
class Part:
    """What one section gives: panels for the page, and the charts they name."""

    panels: list[Panel] = field(default_factory=list)
    charts: dict[str, Any] = field(default_factory=dict)

    def chart(self, name: str, drawing: dict[str, Any], **panel: Any) -> None:
        """A panel with a chart."""
        self.charts[name] = drawing
        self.panels.append(Panel(chart=name, **panel))


@dataclass(frozen=True)
class Other:
    """A run of another seed: its figures, its prices and its rolling shown total."""

    summary: Summary
    prices: pl.DataFrame
    days: pl.DataFrame


@dataclass(frozen=True)
class View:
    """One run, and others of the same scenario.

    Attributes
    ----------
    rows
        Its figures beside the published ones; empty where there are none.
    """

    run: Run
    tapes: RunTapes
    summary: Summary
    rows: Sequence[Row]
    others: tuple[Other, ...]

    @cached_property
    def scenario(self) -> Scenario:
        """What was run."""
        return self.run.scenario

    @property
    def leader(self) -> str:
        """The asset whose price stands for the market."""
        return self.summary.leader

    @cached_property
    def spread(self) -> dict[str, Quantiles]:
        """Quantiles of each figure over all runs, by name; empty for a single run."""
        if not self.others:
            return {}
        everything = [self.summary, *(one.summary for one in self.others)]
        return {one.name: one for one in summaries(everything)}

    @cached_property
    def days(self) -> pl.DataFrame:
        """This run's rolling 24-hour total, as feeds show it."""
        return self.tapes.rolling_day(self.tapes.let_through)

    @cached_property
    def minutes(self) -> str:
        """What the report calls a minute, in words."""
        return bin_words(self.summary.bin_s)

    @cached_property
    def in_a_minute(self) -> str:
        """``in a minute``, or ``in 5 minutes``."""
        return f"in {'a ' if self.summary.bin_s == 60 else ''}{self.minutes}"

    def price_bands(self, asset: str) -> pl.DataFrame:
        """Closes over all runs: ``ns``, ``low``, ``middle``, ``high``; empty for a single run."""
        if not self.others:
            return pl.DataFrame()
        mine = self.tapes.prices.filter(pl.col("asset") == asset).select("ns", "close")
        more = [
            one.prices.filter(pl.col("asset") == asset).select("ns", "close") for one in self.others
        ]
        return _bands(pl.concat([mine, *more]), "close")

    @property
    def day_bands(self) -> pl.DataFrame:
        """Rolling shown totals over all runs: ``ns``, ``low``, ``middle``, ``high``."""
        if not self.others:
            return pl.DataFrame()
        return _bands(pl.concat([self.days, *(one.days for one in self.others)]), "usd")


Section = Callable[[View], Part]


def bin_words(seconds: int) -> str:
    """A length of time in words: a minute, or the run's longer step."""
    if seconds % 60:
        return f"{seconds} seconds"
    return "minute" if seconds == 60 else f"{seconds // 60} minutes"


def view_of(run: Run, rows: Sequence[Row] | None, others: Sequence[Run], seed: int) -> View:
    """Measure a run and, in brief, the others; ``seed`` is that of the bootstraps."""
    tapes = tapes_of(run)
    found = []
    for other in others:
        read = tapes_of(other)
        found.append(
            Other(
                summary(other, seed=seed, tapes=read, brief=True),
                read.prices.select("asset", "ns", "close"), read.rolling_day(read.let_through),
            )
        )  # fmt: skip
    told = summary(run, seed=seed, tapes=tapes)
    return View(run, tapes, told, tuple(rows or ()), tuple(found))


def _bands(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    low, middle, high = (
        pl.col(name).quantile(share, "linear").alias(label)
        for share, label in zip(QUANTILES, ("low", "middle", "high"), strict=True)
    )
    return rows.group_by("ns").agg(low, middle, high).sort("ns")
