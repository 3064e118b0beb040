"""What open interest and funding say about a crowd, bar by bar, as far as it was known.

A venue that joins or leaves the recording is no change of the market: a series is compared with
the turnover of its own market only, and the series of other venues count by their changes.
"""

from __future__ import annotations

import dataclasses
from bisect import insort
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.measures.leverage_bars import HOUR_NS, Bars
from undertow.measures.leverage_parameters import Floats, Parameters
from undertow.model.assets import asset_of, quote_of
from undertow.tape import Tape
from undertow.tape.frames import known, table_named

Times = npt.NDArray[np.int64]
Market = tuple[str, str]
# A period's row is known a nanosecond before its end (`_series`), which is no age.
STALE_NS = 72 * HOUR_NS
# Open interest seen less often than this cannot say at which price a position was opened.
FINE_NS = 4 * HOUR_NS
MOST_RATIO = 3.0
_USUAL_FUNDING_8H = 3e-4


@dataclasses.dataclass(frozen=True)
class Series:
    """Values with the times from which they were known, in time order."""

    known_ns: Times
    values: Floats

    def places(self, times_ns: Times) -> Times:
        """Row of the last value known at each time; -1 where there is none."""
        return np.searchsorted(self.known_ns, times_ns, side="right").astype(np.int64) - 1

    def last(self, times_ns: Times) -> Floats:
        """The last value known at each time, however old; the first one before there is any."""
        found: Floats = self.values[np.maximum(self.places(times_ns), 0)]
        return found

    def at(self, times_ns: Times) -> Floats:
        """The last value known at each time; NaN where there is none or it is stale."""
        place = self.places(times_ns)
        found = np.maximum(place, 0)
        fresh = (place >= 0) & (times_ns - self.known_ns[found] <= STALE_NS + 1)
        return np.where(fresh, self.values[found], np.nan)


@dataclasses.dataclass(frozen=True)
class Positions:
    """What open interest says of each bar of a market.

    ``ratio`` multiplies what turnover opens; ``opened_usd`` comes on top of it; ``kept`` is the
    share of positions that were not closed; ``usd`` is open interest itself, NaN if not known.
    """

    ratio: Floats
    opened_usd: Floats
    kept: Floats
    usd: Floats
    used: str


def open_interest_series(tape: Tape) -> dict[Market, Series]:
    """Open interest in USD by market; contracts are turned into USD only with a price, later.

    Where the tape has only contracts, the series is in contracts and says so by a negative sign.
    """
    if not tape.has("open_interest"):
        return {}
    usd, contracts = pl.col("usd"), pl.col("contracts")
    value = pl.when(usd.is_finite() & (usd > 0)).then(usd).otherwise(-contracts)
    # Nothing open in a market that trades is a fault of the recording.
    return _series(tape, "open_interest", pl.when(value != 0).then(value))


def funding_series(tape: Tape) -> dict[Market, Series]:
    """Funding rates as fractions per 8 hours, by market; an unknown interval is taken for 8 h."""
    if not tape.has("funding"):
        return {}
    return _series(tape, "funding", pl.col("rate") * 8 / pl.col("interval_hours").fill_null(8.0))


def _series(tape: Tape, name: str, value: pl.Expr) -> dict[Market, Series]:
    """Values by market. A row that sums up a period is known as that period's bar closes."""
    is_bar = pl.col("interval").is_not_null() if name == "open_interest" else pl.lit(value=False)
    rows = (
        tape.table(name)
        .select(
            pl.col("venue").cast(pl.String),
            pl.col("symbol").cast(pl.String),
            (known(table_named(name)).cast(pl.Int64) - is_bar.cast(pl.Int64)).alias("known_ns"),
            value.alias("value"),
        )
        .filter(pl.col("value").is_finite())
        .sort("known_ns")
        .collect()
    )
    return {
        (str(venue), str(symbol)): Series(part["known_ns"].to_numpy(), part["value"].to_numpy())
        for (venue, symbol), part in rows.partition_by(["venue", "symbol"], as_dict=True).items()
    }


def positions(
    bars: Bars,
    turnover: Floats,
    interest: Mapping[Market, Series],
    parameters: Parameters,
    *,
    usual: Series | None = None,
) -> Positions:
    """What open interest says about a market's positions.

    Parameters
    ----------
    turnover
        Average turnover known at each bar's end, in USD a day.
    usual
        Open interest per turnover on the tape so far (`usual_per_turnover`), for figures of many
        bars and markets that are held against each other: levels count against it, a series that
        begins later than the bars counts by its changes, and what is dated to a bar's end belongs
        to the next bar. Without it the level counts as it is: the best guess of one moment.
    """
    count = len(bars.end_ns)
    nothing = Positions(np.ones(count), np.zeros(count), np.ones(count), np.full(count, np.nan), "")
    if bars.kind == "spot":
        return nothing
    # A tape cut at a bar's end holds the same of it whether or not rows of that moment are kept.
    times_ns = bars.end_ns if usual is None else bars.end_ns - 1
    found = nothing
    own = same_market(bars, interest)
    others = [
        series
        for (venue, symbol), series in sorted(interest.items())
        if asset_of(symbol) == bars.asset and (venue, symbol) not in own
    ]
    if others:
        index = chained(others).at(times_ns)
        first = int(np.argmax(np.isfinite(index)))
        expected = index[first] * turnover / turnover[first]
        ratio = _ratio(index / expected, parameters)
        found = dataclasses.replace(nothing, ratio=ratio, used="of other markets")
    for market in reversed(own):
        seen = _seen(bars, times_ns, interest[market], is_compared=usual is not None)
        level = _level(seen, usual, turnover, found, parameters)
        found = _with_own(found, seen, turnover, level, parameters, is_compared=usual is not None)
    return found


def same_market(bars: Bars, interest: Mapping[Market, Series]) -> list[Market]:
    """Series of the same market, best first: the same name, else coin, venue and quote currency.

    Sources name one market differently: ``BTCUSDT`` is ``BTCUSDT_PERP.A`` at Coinalyze.
    """
    exact = (bars.venue, bars.symbol)
    quote = quote_of(bars.symbol) or "USDT"
    alike = [
        (venue, symbol)
        for venue, symbol in sorted(interest)
        if venue == bars.venue
        and asset_of(symbol) == bars.asset
        and (quote_of(symbol) or "USDT") == quote
        and (venue, symbol) != exact
    ]
    return [exact, *alike] if exact in interest else alike


@dataclasses.dataclass(frozen=True)
class _Seen:
    """One series on the bars of its market; ``change`` is that of the coins, at new values."""

    times_ns: Times
    usd: Floats
    change: Floats
    rise_usd: Floats
    first: int
    joins: bool


def _seen(bars: Bars, times_ns: Times, own: Series, *, is_compared: bool) -> _Seen:
    raw, place = own.at(times_ns), own.places(times_ns)
    close = bars.prices[:, 3]
    usd = np.where(raw < 0, -raw * close, raw)
    is_known = np.isfinite(usd)
    rows = np.arange(len(usd))
    # Between two values the price moves dollars, but nobody opens or closes anything. Maps of one
    # moment look at every bar all the same: with those the crowds of runs were fitted, and a day's
    # dollars change them by less than 1e-4.
    is_new = is_known & (np.diff(place, prepend=-1) > 0) if is_compared else is_known
    coins = (usd / close)[np.maximum.accumulate(np.where(is_new, rows, 0))]
    before = np.concatenate([[np.nan], np.where(is_known, coins, np.nan)[:-1]])
    is_change = is_new & (before > 0)
    change = np.where(is_change, coins / np.where(is_change, before, 1.0) - 1, 0.0)
    step_ns = own.known_ns[np.maximum(place, 0)] - own.known_ns[np.maximum(place - 1, 0)]
    # A day's change cannot say at which hour's price; the turnover then has to.
    is_fine = (place > 0) & (step_ns <= FINE_NS)
    rise_usd = np.nan_to_num(np.where(is_fine, np.clip(change, 0.0, 0.2) * usd, 0.0))
    first = int(np.argmax(is_known))
    joins = bool(is_known.any() and usd[first] > 0)
    joins = joins and bool(times_ns[first] - bars.start_ns[0] > STALE_NS)
    return _Seen(times_ns, usd, change, rise_usd, first, joins)


def _with_own(
    found: Positions,
    seen: _Seen,
    turnover: Floats,
    level: Floats,
    parameters: Parameters,
    *,
    is_compared: bool,
) -> Positions:
    """Let a series of the same market speak where it is known."""
    ratio = _ratio(seen.usd / (level * turnover), parameters)
    is_known = np.isfinite(seen.usd)
    kept = 1 - parameters.closing_weight * np.clip(-seen.change, 0.0, 0.9)
    # A series that ends is no change either: what it said last is kept, in a comparison.
    last = np.where(is_known, np.arange(len(ratio)), -1)
    last = np.maximum.accumulate(last) if is_compared else last
    used = "joins later" if seen.joins else "of the same market"
    return Positions(
        ratio=np.where(last >= 0, ratio[np.maximum(last, 0)], found.ratio),
        opened_usd=np.where(is_known, seen.rise_usd / level, found.opened_usd),
        kept=np.where(is_known, kept, found.kept),
        usd=np.where(is_known, seen.usd, found.usd),
        used=used if is_known.any() else found.used,
    )


def _level(
    seen: _Seen, usual: Series | None, turnover: Floats, found: Positions, parameters: Parameters
) -> Floats:
    """Open interest per turnover that changes nothing, at each bar."""
    if usual is None:
        return np.full(len(turnover), parameters.open_interest_per_turnover)
    if not seen.joins:
        return usual.last(seen.times_ns + 1)
    first = seen.first
    power = 1 / max(parameters.open_interest_weight, 0.1)
    at_start = seen.usd[first] / turnover[first] / found.ratio[first] ** power
    return np.full(len(turnover), at_start)


def usual_per_turnover(
    markets: Iterable[tuple[Bars, Floats]],
    interest: Mapping[Market, Series],
    parameters: Parameters,
) -> Series:
    """Open interest per turnover, the median so far of the median market.

    What a source counts as open (one venue or many, one side or both), and how that compares with
    the turnover on the tape, is the same for all its markets: it says nothing about one of them,
    and a market of which nothing is known is not smaller for it. Series that begin later than
    their bars are left out. Where there is none, the one value is the parameter's.

    Parameters
    ----------
    markets
        Bars with the average turnover known at each one's end, in USD a day.
    """
    parts = [pl.DataFrame({"known_ns": [0], "level": [1.0]}).clear()]
    for bars, turnover in markets:
        own = [] if bars.kind == "spot" else same_market(bars, interest)
        if not own:
            continue
        seen = _seen(bars, bars.end_ns - 1, interest[own[0]], is_compared=True)
        if not seen.joins:
            level = np.log(np.where(seen.usd > 0, seen.usd, np.nan) / turnover)
            parts.append(pl.DataFrame({"known_ns": bars.end_ns, "level": level}))
    typical = (
        pl.concat(parts)
        .filter(pl.col("level").is_finite())
        .group_by("known_ns")
        .agg(pl.col("level").median())
        .sort("known_ns")
    )
    if typical.is_empty():
        return Series(np.zeros(1, np.int64), np.array([parameters.open_interest_per_turnover]))
    levels = typical["level"].to_list()
    sorted_levels: list[float] = []
    medians = []
    for level in levels:
        insort(sorted_levels, level)
        count = len(sorted_levels)
        medians.append((sorted_levels[(count - 1) // 2] + sorted_levels[count // 2]) / 2)
    return Series(typical["known_ns"].to_numpy(), np.exp(np.array(medians)))


def _ratio(measured_over_expected: Floats, parameters: Parameters) -> Floats:
    positive = np.where(measured_over_expected > 0, measured_over_expected, np.nan)
    limited = np.clip(positive, 1 / MOST_RATIO**2, MOST_RATIO**2)
    return np.where(np.isfinite(limited), limited**parameters.open_interest_weight, 1.0)


def chained(parts: list[Series]) -> Series:
    """An index of many venues' open interest that starts at one.

    At each new value it moves by the change of the sum over the venues that were there before: a
    venue that joins, or that comes back after a silence, moves nothing.
    """
    times = np.concatenate([part.known_ns for part in parts])
    owners = np.concatenate([np.full(len(part.known_ns), n) for n, part in enumerate(parts)])
    values = np.abs(np.concatenate([part.values for part in parts]))
    order = np.argsort(times, kind="stable")
    last: dict[int, tuple[int, float]] = {}
    level, index = 1.0, np.empty(len(order))
    for place, row in enumerate(order):
        now, owner, value = int(times[row]), int(owners[row]), float(values[row])
        fresh = {n: old for n, (then, old) in last.items() if now - then <= STALE_NS}
        if owner in fresh and sum(fresh.values()) > 0:
            total = sum(fresh.values())
            level *= max((total - fresh[owner] + value) / total, 1e-6)
        last[owner] = (now, value)
        index[place] = level
    return Series(times[order], index)


def long_share(bars: Bars, trend: Floats, funding: Series | None, parameters: Parameters) -> Floats:
    """Share of longs among new positions with leverage: the crowd follows the trend.

    Contracts have as many longs as shorts; who has the leverage is another matter.

    Parameters
    ----------
    trend
        Distance of the last close from its week's average, in typical ranges of a week.
    """
    share = 0.5 + parameters.tilt_trend * np.tanh(trend)
    if funding is not None:
        rate = np.nan_to_num(funding.at(bars.start_ns))
        share = share + parameters.tilt_funding * np.tanh(rate / _USUAL_FUNDING_8H)
    return np.clip(share, 0.1, 0.9)
