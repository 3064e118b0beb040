"""Liquidations on Aave v2 and v3: collateral seized from borrowers, CSV or Parquet.

The export is in no order of any kind, so that no rule about order could tell a good file from a
shuffled one: rows are sorted by time. Times are seconds, as blocks have them; where there is a
``date``, the time must fall on it. Dust of 0 tokens and 0 USD occurs and is kept.

A row that is there twice in all its columns is a duplicate, and bad. A few rows repeat another
one under a second liquidator: same borrower, second, tokens and dollars to the last digit. Two
liquidations of one debt cannot be that alike, as each takes a share of what the one before left:
they are taken once, and counted in a note.

``usd`` is the value of the collateral at that time. ``account`` is the number of the liquidated
account; wallet addresses are not stored.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import columns
from undertow.tape.importers.content import ROW, read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {
    "ts": ("timestamp", "ts", "time", "block_timestamp"),
    "date": ("date",),
    "asset": ("collateral_symbol", "collateral_asset", "collateral"),
    "version": ("version",),
    "account": ("liquidatee", "borrower", "user"),
    "amount": ("amount_tokens", "amount"),
    "usd": ("amount_usd", "usd"),
    "market": ("market_name", "market"),
}
_OPTIONAL = ("date", "account", "market")
_POSITIONS = {"borrowed_symbol", "borrow_balance_tokens", "btc_collateral_tokens"}
_TOLD = ("ts", "protocol", "asset", "amount", "usd", "market", "account")


def read(path: Path, options: Options) -> Reading:
    """Read one file of liquidations into ``defi``, kind ``liquidation``."""
    bad = BadRows(path, options.skip_bad)
    rows = read_rows(path, bad)
    if len(_POSITIONS & set(rows.columns)) > 1:
        raise DataError(
            "a snapshot of open positions: expected liquidations, with timestamp and amount_usd",
            file=path,
        )
    frame = columns.pick(rows, _WANTED, options, path, _OPTIONAL, bad)
    frame = _no_row_twice(frame, rows, bad)
    frame = columns.times(frame, bad, units=("s",))
    frame = _on_its_date(frame, bad)
    frame = _protocol(columns.words(frame, ["asset", "version"], bad), bad)
    amounts = ["amount", "usd"]
    frame = columns.positive(columns.numbers(frame, amounts, bad), amounts, bad, zero=True)
    frame, notes = _account(frame, bad)
    if not frame["ts"].is_sorted():
        notes.append("the file is in no order of time: sorted")
        frame = frame.sort("ts", maintain_order=True)
    told = [name for name in _TOLD if name in frame.columns]
    once = frame.unique(subset=told, keep="first", maintain_order=True)
    if again := frame.height - once.height:
        notes.append(f"{again} rows repeat another under a second liquidator: taken once")
    liquidations = once.select(*told, pl.lit("liquidation").alias("kind"))
    return Reading({"defi": liquidations}, bad.dropped, notes=notes)


def _no_row_twice(frame: pl.DataFrame, rows: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Drop rows that repeat another in every column of the file, wanted or not."""
    fields = [name for name, kind in rows.schema.items() if name != ROW and not kind.is_nested()]
    is_first = rows.select(pl.struct(fields).is_first_distinct()).to_series()
    frame = frame.with_columns((~is_first).alias("_again"))
    message = "duplicate row: expected each once"
    return columns.drop_where(frame, pl.col("_again"), "ts", bad, message)


def _on_its_date(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    if "date" not in frame.columns:
        return frame
    frame = columns.times(frame, bad, name="date")
    other = pl.col("ts").dt.date() != pl.col("date").dt.date()
    return columns.drop_where(frame, other, "ts", bad, "expected a time on the row's date")


def _protocol(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    version = pl.col("version").str.to_lowercase()
    wrong = ~version.str.contains(r"^v\d$")
    frame = columns.drop_where(frame, wrong, "version", bad, "expected V2 or V3")
    return frame.with_columns((pl.lit("aave-") + version).alias("protocol"))


def _account(frame: pl.DataFrame, bad: BadRows) -> tuple[pl.DataFrame, list[str]]:
    """Numbers of accounts; addresses of wallets are nobody's business and left out."""
    if "account" not in frame.columns:
        return frame, []
    text = pl.col("account").cast(pl.String).str.strip_chars()
    if frame.select(text.str.starts_with("0x").any()).item():
        return frame.drop("account"), ["addresses of wallets are not stored"]
    number = text.cast(pl.Int64, strict=False)
    wrong = number.is_null() & (text != "")
    frame = columns.drop_where(frame, wrong, "account", bad, "expected the number of an account")
    return frame.with_columns(number.alias("account")), []


IMPORTER = Importer(
    name="aave-liquidations",
    summary="liquidations on Aave v2 and v3, CSV or Parquet; times in seconds",
    tables=("defi",),
    example="timestamp,collateral_symbol,version,liquidatee,amount_tokens,amount_usd,market_name\n"
    "1652302813,wBTC,V2,30,0.8825988,24675.185903857593,Aave interest bearing WBTC",
    read=read,
)
