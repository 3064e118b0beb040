"""What prices did around a set of times, against other times of the same weekday and hour.

Returns are logarithmic and cumulative, from the price at the time itself; nothing is rounded;
``at=None`` is the tape's own moment. An event counts only if its whole path was known at ``at``.
The dice are a numpy generator from ``seed``: same tape, same arguments, same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError, nearest
from undertow.measures.bars import STALE_BARS, STALE_NS, bars, moment_ns
from undertow.measures.price import ANY_KIND, Floats, Times
from undertow.model.assets import asset_of
from undertow.model.periods import SECOND_NS, duration_ns, time_ns, time_text
from undertow.tape import Tape
from undertow.tape.frames import TIME, known_at
from undertow.tape.store import Moment

Source = Literal["liquidations", "open_interest", "price_fall"]
Verdict = Literal["bounce", "further fall", "no evidence", "too few events"]
SOURCES: tuple[Source, ...] = ("liquidations", "open_interest", "price_fall")
FEWEST_EVENTS = 10
_BAND = (2.5, 97.5)  # percentiles
_WEEK_NS = 7 * 86_400 * SECOND_NS


@dataclass(frozen=True)
class Bounce:
    """Whether prices rose more after heavy times than after others.

    Returns are logarithmic, over ``after`` from each time. ``difference`` is ``event_return``
    less ``control_return``; ``low`` and ``high`` bound it (95 %, by bootstrap); ``p_value`` is
    the share of random sets of control times that lie at least as far from their own mean. All
    are None when no event can be used. ``left_out`` are events without a whole path or control.
    ``threshold`` is that of ``heavy_times``; None when no period was heavy.
    """

    verdict: Verdict
    source: Source
    symbol: str
    venue: str
    after: str
    threshold: float | None
    events: int
    left_out: int
    event_return: float | None
    control_return: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    times_ns: tuple[int, ...]


@dataclass(frozen=True)
class _Prices:
    """Closes of one market, with the moment until which each is still a price."""

    venue: str
    end_ns: Times
    length_ns: Times
    log_close: Floats


@dataclass(frozen=True)
class _Span:
    """Offsets of a path from its time."""

    before_ns: int
    after_ns: int
    step_ns: int

    @property
    def offsets_ns(self) -> Times:
        first, last = -(self.before_ns // self.step_ns), self.after_ns // self.step_ns
        return np.arange(first, last + 1, dtype=np.int64) * self.step_ns


@dataclass(frozen=True)
class _Study:
    """Paths of events and of possible controls, by row; ``pools`` are each event's controls."""

    times_ns: Times
    paths: Floats
    pools: tuple[Times, ...]
    candidates: Floats

    def control_mean(self) -> Floats:
        """Mean path of all controls, those of each event together weighing as much as it."""
        means = np.array([self.candidates[pool].mean(axis=0) for pool in self.pools])
        mean: Floats = means.mean(axis=0)
        return mean


def mean_path(
    tape: Tape,
    times: Sequence[Moment],
    *,
    symbol: str,
    venue: str | None = None,
    before: str = "24h",
    after: str = "72h",
    step: str = "1h",
    draws: int = 1000,
    seed: int = 0,
    at: Moment | None = None,
) -> pl.DataFrame:
    """Mean path of the price around times, with bands, against control times.

    The band of the mean resamples events (percentile bootstrap, 2.5 to 97.5 %). Controls are
    random times of the same weekday and time of day as each event, whole weeks away, with no
    event in the ``before`` or ``after`` before them (whichever is longer); each draw takes one
    for every event, and the control band holds 95 % of the draws' means. An event without a
    whole path before ``at``, or without a control, is left out: ``events`` says how many
    remain. With few events a bootstrap band is too narrow.

    Parameters
    ----------
    symbol, venue
        The market; without a venue the one with most bars of that symbol.
    step
        Distance of the path's points. Prices of longer bars are not used.

    Returns
    -------
    polars.DataFrame
        ``offset_ns`` and ``hours`` from the time, ``mean``, ``low``, ``high``,
        ``control_mean``, ``control_low``, ``control_high`` (log returns), ``events``.

    Raises
    ------
    NotRecorded
        When no event has a path and a control on the tape.
    """
    at_ns = moment_ns(tape, at)
    span = _span(before, after, step)
    events = np.unique(np.array([time_ns(moment) for moment in times], dtype=np.int64))
    market = _market(tape, at_ns, symbol, venue)
    study = _study(market, events, events, span, at_ns)
    if not len(study.times_ns):
        raise NotRecorded(
            f"prices of {symbol} by {step} from {before} before to {after} after any of"
            f" {len(events)} times, and after control times, known at {time_text(at_ns)}"
        )
    dice, control_dice = np.random.default_rng(seed).spawn(2)
    resampled = _weights(len(study.paths), draws, dice) @ study.paths
    low, high = np.percentile(resampled, _BAND, axis=0)
    drawn = _drawn_controls(study, draws, control_dice)
    control_low, control_high = np.percentile(drawn, _BAND, axis=0)
    return pl.DataFrame(
        {
            "offset_ns": span.offsets_ns,
            "hours": span.offsets_ns / (3_600 * SECOND_NS),
            "mean": study.paths.mean(axis=0),
            "low": low,
            "high": high,
            "control_mean": study.control_mean(),
            "control_low": control_low,
            "control_high": control_high,
            "events": np.full(len(low), len(study.times_ns), dtype=np.int64),
        }
    )


def heavy_times(
    tape: Tape,
    *,
    source: Source,
    symbol: str,
    venue: str | None = None,
    bucket: str = "1d",
    quantile: float = 0.9,
    at: Moment | None = None,
) -> pl.DataFrame:
    """Ends of the periods with the heaviest long liquidations or the sharpest falls.

    Periods of ``bucket`` are counted from 1970 UTC; each is known at its end. ``value`` is:

    - ``liquidations``: value of long positions closed by force (USD), all venues of the asset,
      without auto-deleveraging; periods without a row do not count.
    - ``open_interest``: relative change from period to period (fraction), the mean over the
      venues' series of the asset; in contracts, or in USD where a series has no contracts.
    - ``price_fall``: return of the price (fraction) of ``symbol`` at ``venue``.

    The threshold is the quantile over all periods known at ``at``: it describes the past as seen
    from ``at``, and is no rule that somebody could have traded by.

    Parameters
    ----------
    symbol, venue
        The market; its asset chooses the rows of liquidations and open interest.
    quantile
        0.9 takes the heaviest tenth; of falls only those below 0.

    Returns
    -------
    polars.DataFrame
        ``time`` (end of the period), ``value``, ``threshold``; in time order.

    Raises
    ------
    NotRecorded
        When the tape has no such data.
    UndertowError
        For an unknown source, or a quantile outside 0 to 1.
    """
    if source not in SOURCES:
        raise UndertowError(f"no source '{source}'{nearest(source, SOURCES)}")
    if not 0 < quantile < 1:
        raise UndertowError(f"quantile {quantile}: expected between 0 and 1")
    at_ns, bucket_ns = moment_ns(tape, at), duration_ns(bucket)
    if source == "liquidations":
        periods = _long_liquidations(tape, at_ns, asset_of(symbol), bucket_ns)
    elif source == "open_interest":
        periods = _open_interest_changes(tape, at_ns, asset_of(symbol), bucket_ns)
    else:
        periods = _price_changes(_market(tape, at_ns, symbol, venue), bucket_ns)
    # The last period is over only if it ends by then.
    known = periods.filter(pl.col("time_ns") <= at_ns).sort("time_ns")
    if known.is_empty():
        raise NotRecorded(f"{source} of {symbol} by {bucket} before {time_text(at_ns)}")
    is_fall = source != "liquidations"
    threshold = float(np.quantile(known["value"].to_numpy(), 1 - quantile if is_fall else quantile))
    value = pl.col("value")
    is_heavy = (value <= threshold) & (value < 0) if is_fall else value >= threshold
    return known.filter(is_heavy).select(
        pl.col("time_ns").cast(TIME).alias("time"), "value", pl.lit(threshold).alias("threshold")
    )


def bounce(
    tape: Tape,
    *,
    source: Source,
    symbol: str,
    venue: str | None = None,
    bucket: str = "1d",
    quantile: float = 0.9,
    after: str = "72h",
    step: str = "1h",
    draws: int = 1000,
    seed: int = 0,
    at: Moment | None = None,
) -> Bounce:
    """Do heavy liquidations, or sharp falls, precede a rise of the price?

    Times are those of ``heavy_times``; of several within ``after`` of one another the first
    counts, so that no two events share a path. Controls have no heavy time in the ``after`` before
    them; what comes after them does not matter, or they would be chosen for not falling.
    Fewer than 10 events are "too few events"; an interval of the difference that holds 0 is "no
    evidence"; else "bounce" or "further fall". Looking at many sources, quantiles and lengths
    and reporting the best one makes the interval worthless.

    Raises
    ------
    NotRecorded
        When the tape lacks the source's table, or candles of the symbol.
    UndertowError
        For an unknown source, or a quantile outside 0 to 1.
    """
    at_ns = moment_ns(tape, at)
    heavy = heavy_times(
        tape, source=source, symbol=symbol, venue=venue, bucket=bucket, quantile=quantile, at=at_ns
    )
    market = _market(tape, at_ns, symbol, venue)
    heavy_ns = heavy["time"].cast(pl.Int64).to_numpy()
    span = _span(None, after, step)
    events = _apart(heavy_ns, span.after_ns)
    study = _study(market, events, heavy_ns, span, at_ns)
    used = len(study.times_ns)
    event_return = control_return = difference = low = high = p_value = None
    if used:
        dice, control_dice = np.random.default_rng(seed).spawn(2)
        event_return = float(study.paths[:, -1].mean())
        control_return = float(study.control_mean()[-1])
        difference = event_return - control_return
        low, high = map(float, np.percentile(_resampled_differences(study, draws, dice), _BAND))
        drawn = _drawn_controls(study, draws, control_dice)[:, -1]
        as_far = np.count_nonzero(np.abs(drawn - control_return) >= abs(difference))
        p_value = (1 + int(as_far)) / (1 + draws)
    threshold = float(heavy["threshold"][0]) if heavy.height else None
    return Bounce(
        _verdict(used, low, high),
        *(source, symbol, market.venue, after, threshold, used, len(events) - used),
        *(event_return, control_return, difference, low, high, p_value),
        tuple(int(moment) for moment in study.times_ns),
    )


def _verdict(events: int, low: float | None, high: float | None) -> Verdict:
    if events < FEWEST_EVENTS or low is None or high is None:
        return "too few events"
    if low > 0:
        return "bounce"
    return "further fall" if high < 0 else "no evidence"


def _span(before: str | None, after: str, step: str) -> _Span:
    before_ns = 0 if before is None else duration_ns(before)
    span = _Span(before_ns, duration_ns(after), duration_ns(step))
    if span.step_ns > span.after_ns:
        raise UndertowError(f"step {step}: expected no longer than after ({after})")
    return span


def _market(tape: Tape, at_ns: int, symbol: str, venue: str | None) -> _Prices:
    known = bars(tape, at=at_ns, venue=venue, symbol=symbol, kinds=ANY_KIND)
    if known.is_empty():
        raise NotRecorded(f"candles of {symbol} before {time_text(at_ns)}")
    most = known.group_by("venue").len().sort("len", "venue", descending=[True, False])
    name = most["venue"][0]
    own = known.filter(pl.col("venue") == name)
    start_ns, end_ns = (own[column].cast(pl.Int64).to_numpy() for column in ("ts", "end"))
    return _Prices(name, end_ns, end_ns - start_ns, np.log(own["close"].to_numpy()))


def _log_prices(market: _Prices, moments_ns: Times, longest_ns: int) -> Floats:
    """Log price at each moment; NaN where the last bar is stale or longer than ``longest_ns``."""
    row = np.searchsorted(market.end_ns, moments_ns, side="right") - 1
    age_ns = moments_ns - market.end_ns[row]
    length_ns = market.length_ns[row]
    is_fresh = (row >= 0) & (age_ns <= np.maximum(STALE_BARS * length_ns, STALE_NS))
    return np.where(is_fresh & (length_ns <= longest_ns), market.log_close[row], np.nan)


def _paths(market: _Prices, times_ns: Times, span: _Span, at_ns: int) -> tuple[Times, Floats]:
    """Times whose whole path is known at ``at_ns``, and their log returns from time 0."""
    times_ns = times_ns[times_ns + span.after_ns <= at_ns]
    offsets_ns = span.offsets_ns
    logs = _log_prices(market, times_ns[:, None] + offsets_ns[None, :], span.step_ns)
    origin = logs[:, int(np.searchsorted(offsets_ns, 0))]
    paths = logs - origin[:, None]
    is_whole = ~np.isnan(paths).any(axis=1)
    return times_ns[is_whole], paths[is_whole]


def _study(market: _Prices, events: Times, excluded: Times, span: _Span, at_ns: int) -> _Study:
    """Events with a whole path and a control; no control follows an ``excluded`` time."""
    times_ns, paths = _paths(market, events, span, at_ns)
    found_ns, candidates = _candidates(market, times_ns, excluded, span, at_ns)
    phase = found_ns % _WEEK_NS
    pools = [np.flatnonzero(phase == moment % _WEEK_NS) for moment in times_ns]
    has_control = np.array([len(pool) > 0 for pool in pools], dtype=bool)
    kept = tuple(pool for pool in pools if len(pool))
    return _Study(times_ns[has_control], paths[has_control], kept, candidates)


def _weights(count: int, draws: int, dice: np.random.Generator) -> Floats:
    """Weight of each of ``count`` rows in the mean of a resample, one row for each draw."""
    return dice.multinomial(count, np.full(count, 1 / count), size=draws) / count


def _drawn_controls(study: _Study, draws: int, dice: np.random.Generator) -> Floats:
    """Mean paths of random controls, one for each event."""
    total = np.zeros((draws, study.paths.shape[1]))
    for pool in study.pools:
        total += study.candidates[pool[dice.integers(len(pool), size=draws)]]
    return total / len(study.pools)


def _resampled_differences(study: _Study, draws: int, dice: np.random.Generator) -> Floats:
    """Last return of events less that of their controls, both resampled."""
    weights = _weights(len(study.pools), draws, dice)
    last = study.candidates[:, -1]
    found = weights @ study.paths[:, -1]
    # Pools are the same or share nothing: their first control tells them apart.
    first = np.array([pool[0] for pool in study.pools])
    for events in (np.flatnonzero(first == control) for control in np.unique(first)):
        pool = study.pools[events[0]]
        means = last[pool[dice.integers(len(pool), size=(draws, len(pool)))]].mean(axis=1)
        found -= weights[:, events].sum(axis=1) * means
    return found


def _candidates(
    market: _Prices, events: Times, excluded: Times, span: _Span, at_ns: int
) -> tuple[Times, Floats]:
    """Times of the events' weekdays and hours, not just after an excluded one, with paths."""
    first_ns, last_ns = market.end_ns[0] + span.before_ns, at_ns - span.after_ns
    phases = np.unique(events % _WEEK_NS)
    weeks = np.arange(first_ns // _WEEK_NS, last_ns // _WEEK_NS + 1) * _WEEK_NS
    found = np.sort((weeks[:, None] + phases[None, :]).ravel())
    found = found[(found >= first_ns) & (found <= last_ns)]
    # Only the past may decide: leaving out times *before* events would leave out falls to come,
    # and every event would look bad beside such controls.
    distance_ns = max(span.before_ns, span.after_ns)
    gone = np.searchsorted(excluded, found - distance_ns, side="right")
    begun = np.searchsorted(excluded, found, side="right")
    return _paths(market, found[gone == begun], span, at_ns)


def _apart(times_ns: Times, distance_ns: int) -> Times:
    """The first of times closer than the distance, in rising order."""
    kept: list[int] = []
    for moment in times_ns:
        if not kept or moment - kept[-1] >= distance_ns:
            kept.append(int(moment))
    return np.array(kept, dtype=np.int64)


def _period_end(moment: pl.Expr, bucket_ns: int) -> pl.Expr:
    return ((moment.cast(pl.Int64) // bucket_ns + 1) * bucket_ns).alias("time_ns")


def _of_asset(frame: pl.DataFrame, asset: str) -> pl.DataFrame:
    names = [name for name in frame["symbol"].unique() if asset_of(name) == asset]
    return frame.filter(pl.col("symbol").is_in(names))


def _long_liquidations(tape: Tape, at_ns: int, asset: str, bucket_ns: int) -> pl.DataFrame:
    by_symbol = (
        tape.until(at_ns)
        .table("liquidations")
        .filter(pl.col("side") == "long", pl.col("stage").fill_null("") != "adl")
        .group_by(pl.col("symbol").cast(pl.String), _period_end(pl.col("ts"), bucket_ns))
        .agg(pl.col("usd").sum())
        .collect()
    )
    return _of_asset(by_symbol, asset).group_by("time_ns").agg(pl.col("usd").sum().alias("value"))


def _open_interest_changes(tape: Tape, at_ns: int, asset: str, bucket_ns: int) -> pl.DataFrame:
    series = ["venue", "symbol"]
    found = (
        tape.until(at_ns)
        .table("open_interest")
        # What is known at the end of a period belongs to it.
        .with_columns((known_at() - pl.duration(nanoseconds=1)).alias("last"))
        .select(
            pl.col(*series).cast(pl.String),
            _period_end(pl.col("last"), bucket_ns),
            *("last", "contracts", "usd"),
        )
        .collect()
        .sort("last", maintain_order=True)
    )
    has_contracts = pl.col("contracts").is_not_null().all().over(series)
    level = pl.when(has_contracts).then("contracts").otherwise("usd").alias("level")
    levels = (
        _of_asset(found, asset)
        .with_columns(level)
        .filter(pl.col("level") > 0)
        .group_by(*series, "time_ns", maintain_order=True)
        .agg(pl.col("level").last())
        .sort(*series, "time_ns")
    )
    follows = pl.col("time_ns") - pl.col("time_ns").shift(1).over(series) == bucket_ns
    change = pl.col("level") / pl.col("level").shift(1).over(series) - 1
    changes = levels.with_columns(pl.when(follows).then(change).alias("change"))
    return (
        changes.drop_nulls("change").group_by("time_ns").agg(pl.col("change").mean().alias("value"))
    )


def _price_changes(market: _Prices, bucket_ns: int) -> pl.DataFrame:
    first, last = -(-market.end_ns[0] // bucket_ns), market.end_ns[-1] // bucket_ns
    ends_ns = np.arange(first, last + 1, dtype=np.int64) * bucket_ns
    moves = np.expm1(np.diff(_log_prices(market, ends_ns, bucket_ns)))
    known = ~np.isnan(moves)
    return pl.DataFrame({"time_ns": ends_ns[1:][known], "value": moves[known]})
