"""What the captures of Binance's liquidation orders have in common, whoever wrote the file.

The feed tells of orders, the tape of positions: an order that sells closes a long. The venue
publishes at most one such order per second and symbol, so sums over them are lower bounds.
"""

from __future__ import annotations

import polars as pl

from undertow.tape.importers.columns import drop_where
from undertow.tape.importers.reading import BadRows

LOWER_BOUND = (
    "Binance publishes at most one liquidation order per second and symbol:"
    " these are fewer than there were"
)
_NO_PRICE = ("", "None", "null", "nan")


def closed_side(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """``side`` of the order (BUY, SELL) as that of the closed position: SELL closes a long."""
    word = pl.col("side").cast(pl.String).str.strip_chars().str.to_uppercase()
    wrong = ~word.is_in(["BUY", "SELL"]).fill_null(False)
    frame = drop_where(frame, wrong, "side", bad, "expected BUY or SELL, the side of the order")
    position = pl.when(word == "SELL").then(pl.lit("long")).otherwise(pl.lit("short"))
    return frame.with_columns(position.alias("side"))


def without_no_price(frame: pl.DataFrame) -> pl.DataFrame:
    """``average_price`` empty where the capture says so in words, such as ``None``."""
    word = pl.col("average_price").cast(pl.String).str.strip_chars()
    known = pl.when(~word.is_in(_NO_PRICE)).then(word)
    return frame.with_columns(known.alias("average_price"))
