"""The leverage map: how much notional would be liquidated at each price, by coin and side.

An estimate from candles, open interest, funding and marks, never later than the moment asked
for; ``docs/leverage_map.md`` describes the model. A book of real positions takes its place where
there is one (``undertow.measures.position_book``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from undertow.errors import UndertowError, nearest
from undertow.measures.leverage_bars import Bars, read_bars
from undertow.measures.leverage_crowd import BIN_WIDTH, DAY_NS, Crowd, follow
from undertow.measures.leverage_interest import funding_series, open_interest_series
from undertow.measures.leverage_parameters import Floats, Parameters
from undertow.measures.liquidation_estimate import market_weights
from undertow.model.periods import time_ns
from undertow.tape import Tape
from undertow.tape.store import Moment

# Open interest over a day's turnover: lowest and highest of the ten measured (see Parameters).
_LEAST_PER_TURNOVER, _MOST_PER_TURNOVER = 0.16, 0.49
_BETA_BARS = 30 * 24
_FEWEST_BETA_BARS = 48
# Half of an account with shared margin is taken to lie in other coins. Assumed.
_OWN_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class SymbolMap:
    """The crowd in one symbol, summed over venues.

    Attributes
    ----------
    price
        Last close, quote per base.
    entry_price
        Middle of each bin of entry prices.
    leverage
        Of each class: 1 / (distance to liquidation + 0.4 % maintenance).
    notional_usd
        By entry bin, class and side (0 long, 1 short): what stands, in USD.
    liquidation_price
        By entry bin, class and side.
    beta
        Move of the coin for a move of one of the reference coin, from hourly closes.
    venue_share
        Share of each venue in the notional.
    scale
        "measured" with open interest of the symbol, "assumed" without.
    scale_low, scale_high
        Factors on ``notional_usd`` for the band of the scale.
    distance
        Of each class: from entry to liquidation, as a fraction.
    resting_usd
        By class: what a side would hold if no position were ever liquidated, on the scale of
        ``notional_usd``.
    typical
        Typical daily range: mean range of an hour times the root of 24 (logarithm).
    turnover_usd
        Turnover a day of the markets that count, with what open interest says of it.
    """

    symbol: str
    price: float
    entry_price: Floats
    leverage: Floats
    notional_usd: Floats
    liquidation_price: Floats
    beta: float
    venue_share: Mapping[str, float]
    scale: str
    scale_low: float
    scale_high: float
    distance: Floats
    resting_usd: Floats
    typical: float
    turnover_usd: float


@dataclasses.dataclass(frozen=True)
class LeverageMap:
    """Maps of all symbols at a moment.

    Attributes
    ----------
    at_ns
        The moment; nothing later was used.
    maps
        By symbol.
    scale
        "measured" where every symbol's open interest was known, else "assumed".
    used
        What of the tape was used, one sentence each.
    """

    at_ns: int
    maps: Mapping[str, SymbolMap]
    parameters: Parameters
    scale: str
    used: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that the map holds, in order."""
        return tuple(sorted(self.maps))

    def of(self, symbol: str) -> SymbolMap:
        """One symbol's map.

        Raises
        ------
        UndertowError
            For a symbol that the map lacks, with the nearest that it has.
        """
        if symbol not in self.maps:
            raise UndertowError(f"no symbol '{symbol}' on the map{nearest(symbol, self.maps)}")
        return self.maps[symbol]

    def liquidation_profile(self, symbol: str, *, joint: bool = True) -> pl.DataFrame:
        """What stands to be liquidated, by price.

        Parameters
        ----------
        joint
            Whether all coins move together along their betas: accounts that share margin between
            coins are then hit earlier in coins with a small beta and later in those with a large
            one. Without it every position stands for itself.

        Returns
        -------
        polars.DataFrame
            ``price`` (middle of the bin), ``long_usd``, ``short_usd`` and for each ``_low`` and
            ``_high``: the band over the hedged share, the scale and the share with shared
            margin. By price; only bins that hold something.

        Notes
        -----
        This is what loses its margin there. How much of it is closed by force, and not by its
        owner on the way, depends on the speed of the move (``Parameters.urgency_power``).
        """
        found, parameters = self.of(symbol), self.parameters
        mean_beta = float(np.mean([other.beta for other in self.maps.values()]))
        stretch = found.beta / (_OWN_SHARE * found.beta + (1 - _OWN_SHARE) * mean_beta)
        stretch = min(max(stretch, 0.5), 2.0) if joint else 1.0
        own = _levels(found, 1.0)
        shared = _levels(found, stretch)
        bins = np.unique(np.concatenate([own[0], shared[0]]))
        alone, crossed = _on(bins, own), _on(bins, shared)
        columns: dict[str, Floats] = {"price": np.exp((bins + 0.5) * BIN_WIDTH)}
        shares = (parameters.cross_share_low, parameters.cross_share_high)
        for side, name in enumerate(("long", "short")):
            mixes = [alone[:, side] * (1 - s) + crossed[:, side] * s for s in shares]
            middle = alone[:, side] * (1 - parameters.cross_share)
            middle = middle + crossed[:, side] * parameters.cross_share
            columns[f"{name}_usd"] = middle * (1 - parameters.hedged_share)
            columns[f"{name}_usd_low"] = (
                np.minimum(*mixes) * (1 - parameters.hedged_share_high) * found.scale_low
            )
            columns[f"{name}_usd_high"] = (
                np.maximum(*mixes) * (1 - parameters.hedged_share_low) * found.scale_high
            )
        return pl.DataFrame(columns).filter((pl.col("long_usd") > 0) | (pl.col("short_usd") > 0))


def leverage_map(
    tape: Tape,
    at: Moment | None = None,
    *,
    symbols: Sequence[str] | None = None,
    parameters: Parameters | None = None,
) -> LeverageMap:
    """Estimate the crowd that stands at a moment.

    Parameters
    ----------
    at
        Nothing later is used; None is the tape's own moment.
    symbols
        Only these, by exact name.
    parameters
        The crowd; the fitted one by default.

    Raises
    ------
    NotRecorded
        When no candle was known by then.
    UndertowError
        For a symbol that the tape lacks.

    Notes
    -----
    Tables: candles; open_interest, funding, marks improve it.
    """
    parameters = parameters or Parameters()
    at_ns = tape.default_at_ns() if at is None else time_ns(at)
    view = tape.until(at_ns)
    bars = read_bars(view, DAY_NS)
    reference = _reference(bars)  # of all, whichever are asked for
    if symbols is not None:
        known = {market.symbol for market in bars}
        for symbol in symbols:
            if symbol not in known:
                raise UndertowError(f"no candles of symbol '{symbol}'{nearest(symbol, known)}")
        bars = [market for market in bars if market.symbol in symbols]
    interest, funding = open_interest_series(view), funding_series(view)
    weights = [float(weight[-1]) for weight in market_weights(bars, parameters)]
    crowds: dict[str, list[tuple[Crowd, float]]] = {}
    for market, weight in zip(bars, weights, strict=True):
        crowd = follow(market, interest, funding, parameters)
        crowds.setdefault(market.symbol, []).append((crowd, weight))
    maps = {
        symbol: _symbol_map(symbol, parts, reference, parameters)
        for symbol, parts in crowds.items()
    }
    is_measured = all(found.scale == "measured" for found in maps.values())
    measured = sum(found.scale == "measured" for found in maps.values())
    used = (f"candles of {len(bars)} markets",
            f"open interest of {measured} of {len(maps)} symbols")  # fmt: skip
    return LeverageMap(at_ns, maps, parameters, "measured" if is_measured else "assumed", used)


def _symbol_map(
    symbol: str, parts: list[tuple[Crowd, float]], reference: Bars, parameters: Parameters
) -> SymbolMap:
    crowds = [crowd for crowd, _ in parts]
    factors = [_usd_per_unit(crowd, parameters) * weight for crowd, weight in parts]
    biggest = max(crowds, key=lambda crowd: crowd.turnover)
    first = min(crowd.first_bin for crowd in crowds)
    last = max(crowd.first_bin + crowd.levels_usd.shape[1] for crowd in crowds)
    classes = parameters.class_table()[:, 0]
    levels = np.zeros((2, last - first, len(classes)))
    for crowd, factor in zip(crowds, factors, strict=True):
        start = crowd.first_bin - first
        levels[:, start : start + crowd.levels_usd.shape[1]] += crowd.levels_usd * factor
    distance = np.maximum(classes * biggest.typical, parameters.shortest_distance)
    notional, entries, liquidation = _by_entry(levels, first, distance)
    sums = [crowd.levels_usd.sum() * f for crowd, f in zip(crowds, factors, strict=True)]
    total = sum(sums) or 1.0
    share: dict[str, float] = {}
    for crowd, amount in zip(crowds, sums, strict=True):
        share[crowd.bars.venue] = share.get(crowd.bars.venue, 0.0) + float(amount / total)
    is_measured = all(np.isfinite(crowd.positions.usd[-1]) for crowd in crowds)
    per_turnover = parameters.open_interest_per_turnover
    opened = [crowd.turnover * float(crowd.positions.ratio[-1]) for crowd in crowds]
    table = parameters.class_table()
    rest = sum(one * factor for one, factor in zip(opened, factors, strict=True))
    return SymbolMap(
        symbol=symbol,
        price=float(biggest.bars.prices[-1, 3]),
        entry_price=entries,
        leverage=1 / (distance + parameters.shortest_distance),
        notional_usd=notional,
        liquidation_price=liquidation,
        beta=_beta(biggest.bars, reference),
        venue_share=share,
        scale="measured" if is_measured else "assumed",
        scale_low=1.0 if is_measured else _LEAST_PER_TURNOVER / per_turnover,
        scale_high=1.0 if is_measured else _MOST_PER_TURNOVER / per_turnover,
        distance=distance,
        resting_usd=0.5 * rest * table[:, 1] * table[:, 2],
        typical=biggest.typical,
        turnover_usd=sum(one * weight for one, (_, weight) in zip(opened, parts, strict=True)),
    )


def _usd_per_unit(crowd: Crowd, parameters: Parameters) -> float:
    """From units of turnover, where both sides together make one, to one side's open interest."""
    ratio = float(crowd.positions.ratio[-1])
    usd = float(crowd.positions.usd[-1])
    if not np.isfinite(usd):
        usd = parameters.open_interest_per_turnover * crowd.turnover * ratio
    # No side can hold more than open interest.
    largest = float(crowd.levels_usd.sum(axis=(1, 2)).max())
    return min(2 * usd / (crowd.turnover * ratio), usd / max(largest, 1e-300))


def _by_entry(levels: Floats, first: int, distance: Floats) -> tuple[Floats, Floats, Floats]:
    """From liquidation price to entry: each class stands its present distance away."""
    down = np.log(1 - np.minimum(distance, 0.95))
    up = np.log(1 + np.minimum(distance, 3.0))
    occupied = np.flatnonzero(levels.any(axis=(0, 2)))
    low = int(occupied[0] + np.floor(-up.max() / BIN_WIDTH))
    high = int(occupied[-1] + np.ceil(-down.min() / BIN_WIDTH))
    count = high - low + 1
    notional = np.zeros((count, len(distance), 2))
    rows = np.arange(levels.shape[1])
    for k in range(len(distance)):
        for side, offset in ((0, down[k]), (1, up[k])):
            entry = rows - int(np.floor(offset / BIN_WIDTH + 0.5)) - low
            inside = (entry >= 0) & (entry < count)
            notional[entry[inside], k, side] = levels[side, inside, k]
    entries = np.exp((np.arange(count) + low + first + 0.5) * BIN_WIDTH)
    moves = np.round(np.column_stack([down, up]) / BIN_WIDTH) * BIN_WIDTH
    liquidation = entries[:, None, None] * np.exp(moves)[None, :, :]
    kept = np.flatnonzero(notional.any(axis=(1, 2)))
    span = slice(kept[0], kept[-1] + 1)
    return notional[span], entries[span], liquidation[span]


def _levels(found: SymbolMap, stretch: float) -> tuple[Floats, Floats]:
    """Notional by bin of liquidation price and side, distances from the price stretched."""
    now = np.log(found.price)
    level = now + (np.log(found.liquidation_price) - now) * stretch
    bins = np.floor(level / BIN_WIDTH).astype(np.int64)
    present = np.unique(bins[found.notional_usd > 0])
    amounts = np.zeros((len(present), 2))
    for side in (0, 1):
        held = found.notional_usd[:, :, side] > 0
        place = np.searchsorted(present, bins[:, :, side][held])
        np.add.at(amounts[:, side], place, found.notional_usd[:, :, side][held])
    return present.astype(np.float64), amounts


def _on(bins: Floats, levels: tuple[Floats, Floats]) -> Floats:
    amounts = np.zeros((len(bins), 2))
    amounts[np.searchsorted(bins, levels[0])] = levels[1]
    return amounts


def _reference(bars: list[Bars]) -> Bars:
    """The market that moves are measured against: Bitcoin's, else the largest turnover."""
    bitcoin = [market for market in bars if market.asset == "BTC"]
    return max(bitcoin or bars, key=lambda market: np.nansum(market.turnover_usd[-_BETA_BARS:]))


def _beta(bars: Bars, reference: Bars) -> float:
    """Slope of hourly returns of the last 30 days on the reference's; 1 where too few match."""
    common, mine, theirs = np.intersect1d(
        bars.end_ns[-_BETA_BARS:], reference.end_ns[-_BETA_BARS:], return_indices=True
    )
    if len(common) < _FEWEST_BETA_BARS:
        return 1.0
    closes = np.log(bars.prices[-_BETA_BARS:, 3])[mine]
    others = np.log(reference.prices[-_BETA_BARS:, 3])[theirs]
    own, outer = np.diff(closes), np.diff(others)
    variance = float(np.var(outer))
    return float(np.cov(own, outer, bias=True)[0, 1] / variance) if variance > 0 else 1.0
