"""A book of real positions in place of the estimated crowd: where each would be liquidated.

Positions stand alone (isolated margin): the liquidation price is where the margin left equals
maintenance, ``entry x (1 ∓ (margin / notional − maintenance))``, without fees.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from undertow.errors import DataError, nearest
from undertow.measures.leverage_bars import read_bars
from undertow.measures.leverage_parameters import Floats
from undertow.measures.liquidation_estimate import Estimate, bucket_length_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME

REQUIRED = ("account", "symbol", "side", "quantity", "entry_price")
OPTIONAL = ("leverage", "margin", "maintenance_rate")
SIDES = ("long", "short")
# Of the smallest tier of BTCUSDT, Binance USD-M margin tiers, October 2025.
DEFAULT_MAINTENANCE = 0.004


@dataclasses.dataclass(frozen=True)
class PositionBook:
    """Positions in file order.

    Attributes
    ----------
    rows
        ``account``, ``symbol``, ``side``, ``quantity`` (base), ``entry_price`` and
        ``liquidation_price`` (quote per base), ``notional_usd`` (at entry), ``leverage``.
        Positions without leverage have no liquidation price.
    """

    rows: pl.DataFrame

    def liquidation_profile(self, symbol: str) -> pl.DataFrame:
        """What is liquidated at each price: ``price``, ``long_usd``, ``short_usd``.

        Amounts are at the liquidation price. No band: these are the positions themselves.
        """
        price, side = pl.col("liquidation_price"), pl.col("side")
        value = price * pl.col("quantity")
        return (
            self.rows.filter(pl.col("symbol") == symbol, price.is_not_null())
            .group_by(price.alias("price"))
            .agg(
                value.filter(side == "long").sum().alias("long_usd"),
                value.filter(side == "short").sum().alias("short_usd"),
            )
            .sort("price")
        )


def read_positions(path: str | Path) -> PositionBook:
    """Read a Parquet or CSV file of positions.

    Parameters
    ----------
    path
        Columns ``account``, ``symbol``, ``side`` (long or short), ``quantity`` (base, positive),
        ``entry_price`` and one of ``leverage`` or ``margin`` (USD); ``maintenance_rate``
        (fraction of notional) may be there, else 0.4 %.

    Raises
    ------
    DataError
        For a file that is not there, a missing or unknown column, or a value that no position
        can have, with file, row (the first position is row 1) and column.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError("no such file of positions", file=file)
    try:
        frame = pl.read_csv(file) if file.suffix == ".csv" else pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"expected a Parquet or CSV file of positions: {reason}", file=file
        ) from None
    _check_columns(frame, file)
    for column in ("quantity", "entry_price", *OPTIONAL):
        if column in frame.columns:
            frame = _numbers(frame, column, file)
    sides = frame["side"].cast(pl.String)
    _refuse(frame, ~sides.is_in(SIDES).fill_null(False), "side", "expected long or short", file)
    return PositionBook(_with_liquidation(frame.with_columns(sides)))


def _check_columns(frame: pl.DataFrame, file: Path) -> None:
    valid = (*REQUIRED, *OPTIONAL)
    for column in frame.columns:
        if column not in valid:
            raise DataError(f"unknown column{nearest(column, valid)}", file=file, column=column)
    for column in REQUIRED:
        if column not in frame.columns:
            raise DataError("column is missing", file=file, column=column)
    if "leverage" not in frame.columns and "margin" not in frame.columns:
        raise DataError("expected a column 'leverage' or 'margin'", file=file)


def _numbers(frame: pl.DataFrame, column: str, file: Path) -> pl.DataFrame:
    numbers = frame[column].cast(pl.Float64, strict=False)
    bad = ~((numbers > 0) & numbers.is_finite()).fill_null(False)
    _refuse(frame, bad, column, "expected a positive number", file)
    return frame.with_columns(numbers)


def _refuse(frame: pl.DataFrame, bad: pl.Series, column: str, message: str, file: Path) -> None:
    if bad.any():
        row = int(bad.arg_true()[0])
        value = frame[column][row]
        raise DataError(message, file=file, row=row + 1, column=column, value=value)


def _with_liquidation(frame: pl.DataFrame) -> pl.DataFrame:
    notional = pl.col("quantity") * pl.col("entry_price")
    has_margin = "margin" in frame.columns
    share = pl.col("margin") / notional if has_margin else 1 / pl.col("leverage")
    known = "maintenance_rate" in frame.columns
    maintenance = pl.col("maintenance_rate") if known else pl.lit(DEFAULT_MAINTENANCE)
    sign = pl.when(pl.col("side") == "long").then(-1.0).otherwise(1.0)
    price = pl.col("entry_price") * (1 + sign * (share - maintenance))
    return frame.select(
        pl.col("account").cast(pl.String),
        pl.col("symbol").cast(pl.String),
        "side", "quantity", "entry_price",
        pl.when(price > 0).then(price).alias("liquidation_price"),
        notional.alias("notional_usd"),
        (1 / share).alias("leverage"),
    )  # fmt: skip


def estimate_positions(tape: Tape, book: PositionBook, *, by: str = "1d") -> Estimate:
    """Which of the positions a tape's candles would have liquidated, by bucket.

    Every position is open from the first candle on, is liquidated whole at its price when a bar
    of any venue reaches it, and is not opened again.

    Returns
    -------
    Estimate
        A row for each symbol of the book and bucket with candles; zeros are true zeros here.

    Raises
    ------
    DataError
        For a symbol of the book without candles on the tape.
    """
    bucket_ns = bucket_length_ns(by)
    markets = read_bars(tape, bucket_ns)
    known = {market.symbol for market in markets}
    frames = []
    for symbol in sorted(book.rows["symbol"].unique()):
        if symbol not in known:
            raise DataError(f"no candles of symbol '{symbol}' on the tape{nearest(symbol, known)}")
        bars = [market for market in markets if market.symbol == symbol]
        bucket = np.concatenate([(market.end_ns - 1) // bucket_ns for market in bars])
        high = np.concatenate([market.prices[:, 1] for market in bars])
        low = np.concatenate([market.prices[:, 2] for market in bars])
        frames.append(_closed(symbol, book, bucket, low, high, bucket_ns))
    rows = pl.concat(frames).sort("ts", "symbol")
    used = (f"candles of {len(known)} symbols", f"a book of {book.rows.height} positions")
    return Estimate(rows, used, "measured")


def _closed(
    symbol: str, book: PositionBook, bucket: npt.NDArray[np.int64], low: Floats, high: Floats,
    bucket_ns: int,
) -> pl.DataFrame:  # fmt: skip
    order = np.argsort(bucket, kind="stable")
    bucket, low, high = bucket[order], low[order], high[order]
    buckets = np.unique(bucket)
    columns = {}
    for side, reach in (
        ("long", np.minimum.accumulate(low)),
        ("short", np.maximum.accumulate(high)),
    ):
        held = book.rows.filter(
            pl.col("symbol") == symbol,
            pl.col("side") == side,
            pl.col("liquidation_price").is_not_null(),
        )
        price = held["liquidation_price"].to_numpy()
        value = price * held["quantity"].to_numpy()
        # The first bar whose extreme so far passes the price.
        sign = -1 if side == "long" else 1
        first = np.searchsorted(sign * reach, sign * price)
        hit = first < len(bucket)
        sums = np.zeros(len(buckets))
        np.add.at(sums, np.searchsorted(buckets, bucket[first[hit]]), value[hit])
        columns[f"{side}_usd"] = sums
    frame = pl.DataFrame({"ts": buckets * bucket_ns, **columns})
    return frame.select(
        pl.col("ts").cast(TIME),
        pl.lit(symbol).alias("symbol"),
        pl.col("long_usd").round(2),
        pl.col("short_usd").round(2),
        (pl.col("long_usd") + pl.col("short_usd")).round(2).alias("total_usd"),
    )
