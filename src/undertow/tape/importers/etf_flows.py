"""Daily flows of spot ETFs in Farside's layout: a column per fund, US$ millions, and a total.

Positive is money into the fund. Parentheses or a minus mean negative; an empty cell or ``-``
means that the fund did not trade, which is no row. A row of the table sums up the day that starts
at 00:00 UTC of its date. ``Seed`` rows are capital from before trading, and ``Total``,
``Average``, ``Maximum``, ``Minimum`` below the days are summaries: all are left out and counted.

The ``Total`` column is not stored, as it would count every dollar twice. It is checked against
the sum of the funds: in 1,219 days of BTC, ETH and SOL the two never differ by more than their
rounding (0.05 for each fund and for the total), so a day that does is a bad row. Dollars are
rounded to whole ones. Grayscale's small trusts have the tickers ``BTC`` and ``ETH``.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers import columns, series
from undertow.tape.importers.content import ROW, read_rows
from undertow.tape.importers.reading import BadRows, Options, Reading
from undertow.tape.importers.registry import Importer

_WANTED = {"ts": ("date",), "total": ("total",)}
_FUNDS = {
    "BTC": "IBIT FBTC BITB ARKB BTCO EZBC BRRR HODL BTCW MSBT GBTC BTC",
    "ETH": "ETHA ETHB FETH ETHW TETH ETHV QETH EZET ETHE ETH",
    "SOL": "BSOL VSOL FSOL TSOL SOEZ GSOL",
}
_ASSETS = {
    "btc": "BTC", "bitcoin": "BTC", "eth": "ETH", "ethereum": "ETH", "sol": "SOL",
    "solana": "SOL", "xrp": "XRP",
}  # fmt: skip
_NO_DAYS = ("seed", "total", "average", "maximum", "minimum")
_ROUNDING_MILLIONS = 0.05
_LONGEST_HOLIDAY_DAYS = 7


def read(path: Path, options: Options) -> Reading:
    """Read one table of flows into one row per day and fund."""
    bad = BadRows(path, options.skip_bad)
    rows = read_rows(path, bad)
    tickers = _tickers(rows, options, path)
    funds = {f"fund {ticker}": (ticker,) for ticker in tickers}
    frame = columns.pick(rows, {**_WANTED, **funds}, options, path, ["total"], bad)
    asset = _asset(tickers, options, path)
    frame, notes = _without_summaries(frame)
    frame = _dated(frame, bad)
    for name in (*funds, "total"):
        if name in frame.columns:
            frame = _millions(frame, name, bad)
    frame = _checked(frame, list(funds), bad, notes)
    frame = series.in_order(frame, bad, series=())
    dated = frame.with_columns(pl.lit(asset).alias("asset"))
    breaks = series.breaks(dated, _LONGEST_HOLIDAY_DAYS, series=["asset"])
    flows = (
        dated.unpivot(list(funds), index=["ts", "asset"], variable_name="entity")
        .drop_nulls("value")
        .select(
            "ts",
            pl.col("entity").str.strip_prefix("fund "),
            pl.lit("etf").alias("kind"),
            "asset",
            pl.lit("1d").alias("interval"),
            (pl.col("value") * 1e6).round().alias("usd"),
        )
    )
    return Reading({"flows": flows}, bad.dropped, breaks, notes)


def _tickers(rows: pl.DataFrame, options: Options, path: Path) -> list[str]:
    """The heads of all columns but the date and the total."""
    others = {name for names in _WANTED.values() for name in names}
    tickers = [
        name.strip() for name in rows.columns
        if name != ROW and name.strip().lower() not in others
        and name not in options.mapping.values()
    ]  # fmt: skip
    if not tickers or not all(tickers):
        raise DataError("expected a column for each fund, headed by its ticker", file=path, row=1)
    return tickers


def _asset(tickers: list[str], options: Options, path: Path) -> str:
    """The coin of the funds: as said, else by their tickers, else by the file's name."""
    if options.symbol is not None:
        return options.symbol
    heads = {ticker.upper() for ticker in tickers}
    known = [asset for asset, names in _FUNDS.items() if heads & set(names.split())]
    words = re.split(r"[^0-9a-z]+", path.name.lower())
    found = known or list(dict.fromkeys(_ASSETS[word] for word in words if word in _ASSETS))
    if len(found) != 1:
        raise DataError(
            f"which coin do the funds hold? found {' and '.join(found) or 'none'}: add --symbol",
            file=path,
        )
    return found[0]


def _without_summaries(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The days alone, and what else there was."""
    word = pl.col("ts").cast(pl.String).str.strip_chars().str.to_lowercase()
    is_other = word.is_in(_NO_DAYS)
    counts = frame.filter(is_other).select(word).group_by("ts", maintain_order=True).len()
    notes = [f"{count} {name.capitalize()} rows are not flows" for name, count in counts.rows()]
    return frame.filter(~is_other.fill_null(False)), notes


def _dated(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """``11 Jan 2024`` (or ISO-8601, or dates of a Parquet file) as times."""
    if frame.schema["ts"] != pl.String:
        return columns.times(frame, bad)
    text = pl.col("ts").str.strip_chars()
    day = pl.coalesce(
        text.str.to_date("%d %b %Y", strict=False), text.str.to_date("%Y-%m-%d", strict=False)
    )
    message = "expected a day: 11 Jan 2024 or 2024-01-11"
    frame = columns.drop_where(frame, day.is_null(), "ts", bad, message)
    return columns.times(frame.with_columns(day.alias("ts")), bad)


def _millions(frame: pl.DataFrame, name: str, bad: BadRows) -> pl.DataFrame:
    """A column as numbers; empty where there was no trading."""
    text = pl.col(name).cast(pl.String).str.strip_chars().str.replace_all(",", "")
    text = text.str.replace(r"^\((.*)\)$", "-${1}")
    is_empty = text.is_null() | text.is_in(["", "-"])
    number = text.cast(pl.Float64, strict=False)
    is_wrong = ~is_empty & ~number.is_finite().fill_null(False)
    message = "expected US$ millions, '-' or nothing"
    frame = columns.drop_where(frame, is_wrong, name, bad, message)
    return frame.with_columns(number.alias(name))


def _checked(frame: pl.DataFrame, funds: list[str], bad: BadRows, notes: list[str]) -> pl.DataFrame:
    """Days whose funds add up to their total."""
    if "total" not in frame.columns:
        notes.append("no column Total: sums were not checked")
        return frame
    untold = frame["total"].null_count()
    if untold:
        notes.append(f"{untold} days have no total: not checked")
    traded = pl.sum_horizontal(pl.col(fund).is_not_null() for fund in funds)
    difference = (pl.sum_horizontal(funds) - pl.col("total")).abs()
    is_off = difference > _ROUNDING_MILLIONS * (traded + 1) + 1e-6
    return columns.drop_where(
        frame, is_off, "total", bad, "expected the sum of the funds, but for rounding"
    )


IMPORTER = Importer(
    name="etf-flows",
    summary="daily flows of spot ETFs in US$ millions, a column per fund (Farside)",
    tables=("flows",),
    example="Date,IBIT,FBTC,GBTC,Total\n04 Nov 2025,0.0,-356.6,-48.9,-405.5",
    read=read,
)
