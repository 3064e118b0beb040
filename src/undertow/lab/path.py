"""Real prices step by step, from a tape's candles: what a path-driven run is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow.errors import UndertowError
from undertow.model.periods import duration_ns, time_text
from undertow.tape import Tape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# No price goes further in one step than this where steps can be cut: venues look at margins many
# times before a position's margin is gone, so that a step must not jump over it. Twice the least
# maintenance margin of large coins (Binance USD-M tiers, October 2025: 0.4 to 1 %; assumed).
MOST_MOVE = 0.02
# Into so many parts a bar of two steps may be cut; its extremes stand at a third and two thirds.
PARTS = (6, 12, 30, 60)


def price_path(
    tape: Tape, symbols: Mapping[str, Sequence[str]], start_ns: int, step_ns: int, steps: int,
    starts_ns: Ints | None = None,
) -> tuple[Floats, dict[str, str]]:  # fmt: skip
    """Prices of some assets at every step, with the extremes of each bar met exactly.

    Within a bar the price goes from the open to the extreme that lies on its way, to the other
    one, and to the close: low first where the bar closed above its open, else high first. That
    order is an assumption; bars shorter than an hour make it matter little. A bar of two steps is
    its two extremes; shorter ones are joined to bars of two steps.

    Parameters
    ----------
    symbols
        By asset, symbols whose candles may serve, the preferred first.
    start_ns, step_ns, steps
        First step, length of a step (both nanoseconds) and how many.
    starts_ns
        When steps begin, and at last the end, where some are cut (see `cut_steps`).

    Returns
    -------
    tuple
        Prices ``(steps, assets)``, NaN nowhere; and by asset the venue, symbol and interval used.

    Raises
    ------
    UndertowError
        When a tape has no candles of an asset over the whole span.
    """
    paths, used = [], {}
    for asset, bars, name in _all_bars(tape, symbols, start_ns, start_ns + step_ns * steps):
        used[asset] = name
        paths.append(_walk(bars, start_ns, step_ns, steps, starts_ns))
    return np.stack(paths, axis=1), used


def cut_steps(
    tape: Tape, symbols: Mapping[str, Sequence[str]], start_ns: int, step_ns: int, steps: int
) -> Ints | None:  # fmt: skip
    """When steps should begin so that no price goes further than `MOST_MOVE` in one.

    Only bars of two steps or less are cut, if the run begins with one: longer ones have steps
    within already. The greatest range among the assets decides. A bar cut into n parts goes
    through three legs of n / 3 steps.

    Returns
    -------
    numpy.ndarray or None
        Nanoseconds since 1970, with the end of the last step; None where nothing is cut.
    """
    window_ns, count = 2 * step_ns, steps // 2
    widest = np.zeros(count)
    for _, bars, _ in _all_bars(tape, symbols, start_ns, start_ns + step_ns * steps):
        if duration_ns(str(bars["interval"][0])) > window_ns:
            continue
        joined = _in_windows(bars, start_ns, window_ns)
        if (
            (bars["ts"].cast(pl.Int64) - start_ns) % duration_ns(str(bars["interval"][0])) != 0
        ).any():
            return None  # the run begins within a bar
        number = (joined["ts"].cast(pl.Int64).to_numpy() - start_ns) // window_ns
        inside = (number >= 0) & (number < count)
        move = np.log(joined["high"].to_numpy() / joined["low"].to_numpy())
        np.maximum.at(widest, number[inside], move[inside])
    fits = np.array([MOST_MOVE, *(MOST_MOVE * parts / 3 for parts in PARTS[:-1])])
    parts = np.array([2, *PARTS])[np.searchsorted(fits, widest)]
    if (parts == 2).all():
        return None
    starts = [
        start_ns + number * window_ns + window_ns * np.arange(some) // some
        for number, some in enumerate(parts.tolist())
    ]
    rest = start_ns + np.arange(2 * count, steps + 1) * step_ns
    return np.concatenate([*starts, rest]).astype(np.int64)


def leg_ends(path: Floats, starts_ns: Ints, step_ns: int) -> Floats:
    """By step, the price at the end of the leg that a path with cut steps is on.

    In a step that is not cut this is its price. So whoever asks how fast the market moves gets the
    same answer however finely a bar is cut.
    """
    found = path.copy()
    _, first, count = np.unique(
        (starts_ns[:-1] - starts_ns[0]) // (2 * step_ns), return_index=True, return_counts=True
    )
    for row, parts in zip(first.tolist(), count.tolist(), strict=True):
        third = parts // 3
        if third > 0:
            found[row : row + third] = path[row + third]
            found[row + third : row + 2 * third] = path[row + 2 * third]
            found[row + 2 * third : row + parts] = path[row + parts - 1]
    return found


def _all_bars(
    tape: Tape, symbols: Mapping[str, Sequence[str]], start_ns: int, end_ns: int
) -> Iterable[tuple[str, pl.DataFrame, str]]:
    """By asset, the candles that serve and their name."""
    candles = tape.slice(start_ns, end_ns).table("candles").collect()
    for asset, names in symbols.items():
        bars, name = _bars(candles, names, start_ns, end_ns)
        if bars is None:
            raise UndertowError(
                f"the tape has no candles of {asset} ({', '.join(names)}) that cover"
                f" {time_text(start_ns)} to {time_text(end_ns)}"
            )
        yield asset, bars, name


def _bars(
    candles: pl.DataFrame, names: Sequence[str], start_ns: int, end_ns: int
) -> tuple[pl.DataFrame | None, str]:
    """The finest candles that cover the span; of equals the first symbol's."""
    best: tuple[int, int, str, pl.DataFrame] | None = None
    words = candles.with_columns(pl.col("venue", "symbol", "interval").cast(pl.String))
    for place, name in enumerate(names):
        some = words.filter(pl.col("symbol") == name)
        for (venue, interval), bars in some.group_by("venue", "interval", maintain_order=True):
            length_ns = duration_ns(str(interval))
            wanted = (end_ns - start_ns + length_ns - 1) // length_ns
            if bars.height < 0.98 * wanted or bars["open"].null_count():
                continue
            label = f"{venue} {name} {interval}"
            found = (length_ns, place, label, bars.sort("ts"))
            if best is None or found[:3] < best[:3]:
                best = found
    return (None, "") if best is None else (best[3], best[2])


def _in_windows(bars: pl.DataFrame, start_ns: int, window_ns: int) -> pl.DataFrame:
    """Bars joined to longer ones, so that both extremes of each find a step."""
    number = (pl.col("ts").cast(pl.Int64) - start_ns) // window_ns
    return (
        bars.group_by(number.alias("number"), maintain_order=True)
        .agg(pl.first("open"), pl.max("high"), pl.min("low"), pl.last("close"))
        .select(pl.col("number").mul(window_ns).add(start_ns).alias("ts"), pl.exclude("number"))
    )


def _walk(
    bars: pl.DataFrame, start_ns: int, step_ns: int, steps: int, starts_ns: Ints | None
) -> Floats:
    length_ns = duration_ns(str(bars["interval"][0]))
    if length_ns < 2 * step_ns:
        length_ns = 2 * step_ns
        bars = _in_windows(bars, start_ns, length_ns)
    opens, highs, lows, closes = (
        bars[name].to_numpy() for name in ("open", "high", "low", "close")
    )
    # Counted from the start: nanoseconds since 1970 are too large for floats.
    at_ns = bars["ts"].cast(pl.Int64).to_numpy() - start_ns
    end_ns = at_ns + length_ns
    rises = closes >= opens
    low_first, high_first = np.where(rises, lows, highs), np.where(rises, highs, lows)
    # Extremes lie on steps, so that none is stepped over; in a bar of two steps nothing else fits.
    begins, ends = -(-at_ns // step_ns), -(-end_ns // step_ns)
    count = ends - begins
    third = np.maximum(1, np.rint(count / 3)).astype(np.int64)
    one, other = np.minimum(third, count - 2), np.minimum(2 * third, count - 1)
    times = np.stack(
        [at_ns - 1, (begins + one) * step_ns, (begins + other) * step_ns, end_ns - 2], axis=1
    )
    times[:, 0] += (one > 0) | (at_ns % step_ns > 0)
    prices = np.stack([opens, low_first, high_first, closes], axis=1)
    grid = step_ns * np.arange(steps) if starts_ns is None else starts_ns[:-1] - start_ns
    path: Floats = np.interp(grid, times.ravel(), prices.ravel())
    if length_ns == 2 * step_ns and starts_ns is not None:
        for first, bar in zip(at_ns.tolist(), prices, strict=True):
            rows = slice(*np.searchsorted(grid, [first, first + length_ns]))
            parts = len(grid[rows])
            if parts > 2:
                path[rows] = np.interp(np.arange(parts) * 3 / parts, np.arange(4), bar)
    return path
