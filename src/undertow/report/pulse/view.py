"""What every section of the pulse looks at: a tape, a moment, a window, and who stands for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from undertow.errors import NotRecorded
from undertow.measures import bars as market_bars
from undertow.measures import price
from undertow.model.assets import STABLECOINS
from undertow.model.periods import SECOND_NS, duration_ns, time_ns
from undertow.report.figures import Figure, format_time
from undertow.report.page import Panel
from undertow.tape import Tape

T = TypeVar("T")
# A window of which less than that is missing counts as whole.
MISSING_SHARE = 0.02
HOUR_NS = 3_600 * SECOND_NS


@dataclass(frozen=True)
class Part:
    """What one section gives: figures, panels for the page, and the charts they name."""

    figures: list[Figure] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    charts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """A tape as it was known at a moment, and the window that ends there.

    Attributes
    ----------
    at_ns
        The moment, nanoseconds UTC.
    window
        Its length: ``24h``.
    """

    tape: Tape
    at_ns: int
    window: str
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def ask(self, measure: Callable[..., T], **arguments: Any) -> T:
        """What a measure says of the tape at the moment; asked once, however often it is shown.

        Raises
        ------
        NotRecorded
            When the tape does not hold it.
        """
        key = (measure.__module__, measure.__name__, *sorted(arguments.items()))
        if key not in self._answers:
            try:
                self._answers[key] = measure(self.tape, at=self.at_ns, **arguments)
            except NotRecorded as reason:
                self._answers[key] = reason
        answer: T | NotRecorded = self._answers[key]
        if isinstance(answer, NotRecorded):
            raise answer
        return answer

    def attempt(self, measure: Callable[..., T], **arguments: Any) -> tuple[T | None, str]:
        """As ``ask``, but None and the reason where the tape does not hold it."""
        try:
            return self.ask(measure, **arguments), ""
        except NotRecorded as reason:
            return None, str(reason)

    @property
    def start_ns(self) -> int:
        """Start of the window."""
        return self.at_ns - duration_ns(self.window)

    @cached_property
    def window_bars(self) -> pl.DataFrame:
        """All bars of the window."""
        return market_bars.bars(self.tape, start=self.start_ns, at=self.at_ns)

    @cached_property
    def markets(self) -> pl.DataFrame:
        """One market for each coin but stablecoins: finest bars first, then the most traded.

        Columns ``asset, venue, symbol, high, low, open, close, …`` of ``price.high_low``.
        """
        traded = self.window_bars.group_by("venue", "symbol").agg(
            pl.len().alias("bars"), (pl.col("close") * pl.col("volume")).sum().alias("value")
        )
        found = self.ask(price.high_low, window=self.window)
        return (
            found.filter(~pl.col("asset").is_in(list(STABLECOINS)))
            .join(traded, on=["venue", "symbol"])
            .sort("bars", "value", descending=True, nulls_last=True)
            .group_by("asset", maintain_order=True)
            .first()
        )

    def market(self, asset: str) -> dict[str, Any]:
        """The market that stands for a coin.

        Raises
        ------
        NotRecorded
            When the coin has no bars in the window.
        """
        rows = self.markets.filter(pl.col("asset") == asset)
        if rows.is_empty():
            raise NotRecorded(f"prices of {asset} in the {self.window} before")
        return rows.row(0, named=True)

    def covered(self, market: dict[str, Any]) -> str:
        """Which part of the window a market's bars cover, where it is not all; else empty."""
        start_ns, end_ns = time_ns_of(market["start"]), time_ns_of(market["end"])
        missing_ns = (self.at_ns - self.start_ns) - (end_ns - start_ns)
        if missing_ns <= MISSING_SHARE * (self.at_ns - self.start_ns):
            return ""
        return f"{format_time(start_ns)} to {format_time(end_ns)}"

    def representative(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of a per-market frame that belong to the one market of each coin."""
        chosen = self.markets.select("venue", "symbol")
        return frame.join(chosen, on=["venue", "symbol"], how="semi", maintain_order="left")


def time_ns_of(value: Any) -> int:
    """A time out of a frame's row as nanoseconds."""
    return time_ns(value)


def missing_panel(title: str, reason: str) -> Panel:
    """A panel that says why it is empty."""
    sentence = reason or "not recorded on this tape"
    return Panel(title=title, missing=f"{sentence[0].upper()}{sentence[1:]}.")
