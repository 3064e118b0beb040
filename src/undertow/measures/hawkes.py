"""The branching ratio n of orders: how many orders one order sets off, as their times suggest.

A Hawkes process with an exponential kernel, and a base rate that is constant in segments: a shift
of regime then need not be explained by orders that set off orders. n is not R, see ``WARNING``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from undertow.errors import NotRecorded, UndertowError, nearest
from undertow.measures.bars import moment_ns, window_start_ns
from undertow.measures.hawkes_fit import Excitations, Fit, chosen
from undertow.model.periods import time_text
from undertow.tape import Tape
from undertow.tape.store import Moment

WARNING = (
    "n counts orders, R counts dollars: n is not R. It takes a common cause for contagion, shifts"
    " of the base rate inside a segment bias it towards 1, and a throttled feed hides the"
    " shortest reactions and biases it down."
)
TABLES = ("liquidations", "trades")
_LEAST_EVENTS = 50


@dataclass(frozen=True)
class BranchingRatio:
    """How many events one event sets off on average, and what else was found.

    Attributes
    ----------
    ratio, low, high
        n and its 95 % interval, from the profile of the likelihood for the base rate chosen.
    memory_s
        Mean time until an event that another sets off, in seconds; means nothing where n is 0.
    constant_ratio
        n had the base rate been taken as constant: the difference is what regimes pretend.
    events
        How many there were.
    edges_s, levels
        Where the base rate changes, in seconds, and the rate between, per second.
    warning
        What n cannot say.
    """

    ratio: float
    low: float
    high: float
    memory_s: float
    constant_ratio: float
    events: int
    edges_s: tuple[float, ...]
    levels: tuple[float, ...]
    warning: str = WARNING

    @property
    def text(self) -> str:
        """One line for people."""
        return (
            f"branching ratio n = {self.ratio:.2f} (95 %: {self.low:.2f} to {self.high:.2f}),"
            f" {self.events:,} events, base rate in {len(self.levels)} segment(s)"
            f" (constant: n = {self.constant_ratio:.2f}). {self.warning}"
        )


def branching_ratio(
    times_s: npt.ArrayLike, *, span_s: tuple[float, float], resolution_s: float | None = None,
    segments: int | Sequence[float] | None = None,
) -> BranchingRatio:  # fmt: skip
    """Fit by maximum likelihood.

    Parameters
    ----------
    times_s
        Of the events, in seconds, in any order. Events at one moment do not excite each other.
    span_s
        Start and end of the observation, in seconds.
    resolution_s
        The shortest mean reaction that is looked for; by default a tenth of the median gap
        between events, and not below the smallest gap. The longest is a tenth of the span.
    segments
        Of the base rate: how many, or their inner edges in seconds. By default up to 32 are tried
        and the Bayesian information criterion chooses (Schwarz 1978; an edge counts as a
        parameter). Edges lie where they suit events that do not excite each other best: at an
        event, near one of 256 places.

    Raises
    ------
    UndertowError
        For fewer than 50 events, times outside of the span, or segments that make no sense.

    Notes
    -----
    The bias by shifts of the base rate: Filimonov and Sornette, "Apparent criticality and
    calibration issues in the Hawkes self-excited point process model", Quantitative Finance 15
    (2015). A flexible base rate against it: Wheatley, Wehrli and Sornette, "The endo-exo problem
    in high frequency financial price fluctuations", Quantitative Finance 19 (2019).
    """
    times = np.sort(np.asarray(times_s, np.float64).ravel())
    start, end = map(float, span_s)
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        raise UndertowError(f"expected a span that ends after its start, got {start}, {end}")
    if len(times) < _LEAST_EVENTS:
        raise UndertowError(f"expected {_LEAST_EVENTS} events or more, got {len(times)}")
    if not (times[0] >= start and times[-1] <= end):
        raise UndertowError(f"expected times in the span from {start} to {end}")
    if isinstance(segments, Sequence):
        segments = [edge - start for edge in segments]
    excitations = Excitations(times - start, end - start, resolution_s)
    constant = Fit(excitations, np.array([0.0, end - start]))
    fit = chosen(excitations, segments, constant)
    fit.refine()
    low, high = fit.interval()
    levels = fit.at(fit.best.excited, fit.best.ratio)[2]
    return BranchingRatio(
        ratio=fit.best.ratio,
        low=low,
        high=high,
        memory_s=1 / fit.best.excited.decay,
        constant_ratio=constant.best.ratio,
        events=len(times),
        edges_s=tuple((start + fit.edges).tolist()),
        levels=tuple(levels.tolist()),
    )


def branching_ratio_of_orders(
    tape: Tape, symbol: str, *, table: str = "liquidations", venue: str | None = None,
    at: Moment | None = None, window: str = "24h",
) -> BranchingRatio:  # fmt: skip
    """The branching ratio of a symbol's liquidations or trades in the window before ``at``.

    Parameters
    ----------
    symbol
        As on the tape.
    table
        ``liquidations`` or ``trades``.
    venue
        Without it those of all venues, as one series.

    Raises
    ------
    NotRecorded
        When the tape has fewer than 50 of them in the window.
    UndertowError
        For another table.
    """
    if table not in TABLES:
        raise UndertowError(f"no table '{table}' of orders{nearest(table, TABLES)}")
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    rows = tape.until(at_ns).slice(start_ns).table(table).collect()
    rows = rows.filter(rows["symbol"].cast(str) == symbol)
    if venue is not None:
        rows = rows.filter(rows["venue"].cast(str) == venue)
    if len(rows) < _LEAST_EVENTS:
        raise NotRecorded(
            f"{_LEAST_EVENTS} {table} of {symbol} in the {window} before {time_text(at_ns)}"
        )
    times_s = (rows["ts"].dt.epoch("ns").to_numpy() - start_ns) / 1e9
    return branching_ratio(times_s, span_s=(0.0, (at_ns - start_ns) / 1e9))
