"""Candles of a basket: what a symbol that stands for many coins does on a real path.

One coin is wilder than all of them together at the hour of its own news, and calm at theirs. So the
candles of a symbol that stands for others are the mean of those of the coins that the scenario
names (``candles_of``), as far as the tape has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from undertow.tape import Tape

_PRICES = ("open", "high", "low", "close")


def with_baskets(tape: Tape, baskets: Mapping[str, Sequence[str]], at_ns: int) -> Tape:
    """A tape on which candles of some symbols are means of others'.

    Each price of a bar is the mean, over the coins that have the bar and the one before, of its
    logarithm above the close before. So extremes are those of the usual coin, not of the sum, in
    which they would cancel out. Volumes stay those of the symbol.

    Parameters
    ----------
    baskets
        By symbol, those whose mean it takes together with its own.
    at_ns
        Here prices are as before, nanoseconds since 1970.
    """
    if not baskets:
        return tape
    tables = {name: tape.table(name).collect() for name in tape.manifest.tables}
    candles = tables["candles"].with_columns(pl.col("venue", "symbol", "interval").cast(pl.String))
    made = []
    for symbol, others in baskets.items():
        own = candles.filter(pl.col("symbol") == symbol)
        for (venue, interval), bars in own.group_by("venue", "interval", maintain_order=True):
            some = candles.filter(
                pl.col("symbol").is_in([symbol, *others]),
                pl.col("venue") == venue, pl.col("interval") == interval,
            )  # fmt: skip
            made.append(_mean(bars.sort("ts"), some, at_ns))
    if not made:
        return tape
    rest = candles.filter(~pl.col("symbol").is_in(list(baskets)))
    tables["candles"] = pl.concat([rest, *made]).sort("ts", maintain_order=True)
    return Tape.from_frames(tables, kind=tape.manifest.kind)


def _mean(own: pl.DataFrame, coins: pl.DataFrame, at_ns: int) -> pl.DataFrame:
    """A symbol's bars with mean prices of some coins, itself among them."""
    before = pl.col("close").shift(1).over("symbol")
    moved = (
        coins.sort("ts")
        .with_columns((pl.col(name) / before).log().alias(name) for name in _PRICES)
        .group_by("ts")
        .agg(pl.col(_PRICES).mean())
        .sort("ts")
        .with_columns(pl.col(_PRICES).fill_null(0.0))
    )
    level = moved["close"].cum_sum().shift(1, fill_value=0.0)
    mean = moved.with_columns((pl.col(name) + level).exp().alias(name) for name in _PRICES)
    bars = own.drop(_PRICES).join(mean, on="ts", how="inner", maintain_order="left")
    # The bar that the moment lies in, or the first: there the symbol's own price stays.
    row = max(0, bars.filter(pl.col("ts").cast(pl.Int64) <= at_ns).height - 1)
    scale = own["open"][row] / bars["open"][row]
    return bars.with_columns(pl.col(_PRICES) * scale).select(own.columns)
