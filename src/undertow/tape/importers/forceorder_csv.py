"""Captured Binance liquidation orders (stream ``forceOrder``), one per line.

Without a header the line is: asset, side of the order, type, time in force, quantity, price,
average price, status, last filled, filled, time in ms, value in USD. With a header the columns
are found by name.

- ``side`` is turned round: a SELL closes a long.
- ``price`` is the average price where there is one, else the price of the order (the price at
  which the account is bankrupt), so that ``price x quantity`` may differ from ``usd``.
- ``quantity`` is what was filled.
- ``usd`` is as the file has it: price of the order x its quantity, here for the part that was
  filled. A value more than 5 % away is a bad row. One known capture gives values from 100,000
  USD in millions; these are taken as price x quantity, and counted.
- Times may not go back within a symbol (the real captures rise even across symbols), and no
  order may be there twice. An order that the tape has from another capture is not added again.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.tape.importers import columns, names, series
from undertow.tape.importers.content import first_fields, parse_rows, read_text
from undertow.tape.importers.liquidation_orders import LOWER_BOUND, closed_side, without_no_price
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_HEADER = (
    "asset", "side", "type", "time_in_force", "quantity", "price",
    "average_price", "status", "last_filled", "filled", "time", "usd",
)  # fmt: skip
_WANTED = {
    "ts": ("time", "order_trade_time", "trade_time", *columns.TIME_NAMES),
    "venue": columns.VENUE_NAMES,
    "symbol": ("asset", *columns.SYMBOL_NAMES),
    "side": ("side",),
    "order_quantity": ("quantity", "original_quantity", "orig_quantity", "qty", "q"),
    "order_price": ("price", "p"),
    "average_price": ("average_price", "avg_price", "ap"),
    "quantity": (
        "filled", "accumulated_fill_quantity", "filled_quantity",
        "order_filled_accumulated_quantity", "order_filled_accumalated_quantity", "z",
    ),
    "usd": ("usd", "usd_value", "usd_size", "value"),
}  # fmt: skip
_OPTIONAL = ("venue", "average_price", "quantity", "usd")
_TOLERANCE = 0.05
_KEY = ("ts", "venue", "symbol", "side", "price", "quantity", "usd")


def read(path: Path, options: Options) -> Reading:
    """Read one capture; every row is one order that closed a position."""
    bad = BadRows(path, options.skip_bad)
    text = read_text(path)
    first = {name.lower() for name in first_fields(text)}
    header = None if first & {"side", "price"} else _HEADER
    rows = parse_rows(text, path, bad, header)
    frame = columns.pick(rows, _WANTED, options, path, _OPTIONAL, bad)
    frame, notes = names.with_names(frame, options, path, bad=bad)
    frame = _one_word(frame, bad)
    frame = columns.times(frame, bad)
    frame = closed_side(frame, bad)
    frame, more = _values(_prices(frame, bad), bad)
    frame = series.in_order(frame, bad, strictly=False)
    frame = series.without_duplicates(frame, _KEY, bad)
    frames = {"liquidations": frame.select(_KEY)}
    return Reading(frames, bad.dropped, notes=[*notes, *more, LOWER_BOUND])


def _one_word(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Refuse what cannot be a symbol: a capture may begin with a line of its program's talk."""
    several = pl.col("symbol").cast(pl.String).str.contains(r"\s")
    return columns.drop_where(frame, several, "symbol", bad, "expected a symbol: one word")


def _prices(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Prices and quantities as numbers above 0; what a file lacks is taken from the order."""
    needed = ["order_price", "order_quantity"]
    frame = columns.positive(columns.numbers(frame, needed, bad), needed, bad)
    if "average_price" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("average_price"))
    if "quantity" not in frame.columns:
        frame = frame.with_columns(pl.col("order_quantity").alias("quantity"))
    frame = columns.numbers(without_no_price(frame), ["average_price"], bad, optional=True)
    frame = columns.numbers(frame, ["quantity"], bad)
    frame = columns.positive(frame, ["average_price"], bad, zero=True)
    frame = columns.positive(frame, ["quantity"], bad)
    too_much = pl.col("quantity") > pl.col("order_quantity")
    frame = columns.drop_where(
        frame, too_much, "quantity", bad, "expected no more filled than the order's quantity"
    )
    traded = pl.when(pl.col("average_price") > 0).then(pl.col("average_price"))
    return frame.with_columns(pl.coalesce(traded, "order_price").alias("price"))


def _values(frame: pl.DataFrame, bad: BadRows) -> tuple[pl.DataFrame, list[str]]:
    """``usd`` of what was filled, checked against price x quantity of the order."""
    product = pl.col("order_price") * pl.col("order_quantity")
    if "usd" not in frame.columns:
        value = pl.col("price") * pl.col("quantity")
        note = "the file names no value: taken as price x quantity"
        return frame.with_columns(value.alias("usd")), [note]
    frame = columns.positive(columns.numbers(frame, ["usd"], bad), ["usd"], bad)
    share = pl.col("usd") / product
    in_dollars = (share - 1).abs() <= _TOLERANCE
    in_millions = (share * 1e6 - 1).abs() <= _TOLERANCE
    expected = "expected price x quantity in dollars, to 5 %"
    frame = columns.drop_where(frame, ~(in_dollars | in_millions), "usd", bad, expected)
    millions = frame.filter(in_millions).height
    value = pl.when(in_millions).then(product).otherwise(pl.col("usd"))
    filled = pl.col("quantity") / pl.col("order_quantity")
    note = f"{millions} values are in millions of USD: taken as price x quantity"
    return frame.with_columns((value * filled).alias("usd")), [note] if millions else []


IMPORTER = Importer(
    name="forceorder-csv",
    summary="captured Binance liquidation orders, one per line, with or without a header",
    tables=("liquidations",),
    example="BTC,BUY,LIMIT,IOC,0.025,59935.28,59697.40,FILLED,0.025,0.025,1723971641090,1498.382",
    read=read,
)
