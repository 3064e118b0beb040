"""Candles made to measure, and tapes that lie about the future."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl

from undertow.model.periods import duration_ns, time_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME, known_at

Bar = tuple[float, float, float, float]  # open, high, low, close


def bars_of(
    rows: Sequence[Bar | float],
    *,
    start: str = "2025-11-04T00:00:00Z",
    interval: str = "5m",
    symbol: str = "BTCUSDT",
    venue: str = "binance-usdm",
    volume: float = 1.0,
) -> pl.DataFrame:
    """Candles one after the other; a number alone is a candle that knows only its close."""
    whole = [row if isinstance(row, tuple) else (None, None, None, row) for row in rows]
    first_ns, step_ns = time_ns(start), duration_ns(interval)
    frame = pl.DataFrame(
        whole, dict.fromkeys(("open", "high", "low", "close"), pl.Float64), orient="row"
    )
    return frame.with_columns(
        pl.Series("ts", [first_ns + n * step_ns for n in range(len(rows))]).cast(TIME),
        venue=pl.lit(venue),
        symbol=pl.lit(symbol),
        interval=pl.lit(interval),
        volume=pl.lit(float(volume)),
    )


def tape_of(*candles: pl.DataFrame, **tables: pl.DataFrame) -> Tape:
    """A tape in memory of these candles and other tables."""
    if candles:
        tables["candles"] = pl.concat(candles)
    return Tape.from_frames(tables)


def snapshot(
    rows: Sequence[tuple[str, str, float, float]], *, at: str, source: str = "coinmarketcap"
) -> pl.DataFrame:
    """Rows of the table market: asset, name, price, supply."""
    frame = pl.DataFrame(rows, ["asset", "name", "price", "supply"], orient="row")
    return frame.with_columns(
        pl.lit(time_ns(at)).cast(TIME).alias("ts"),
        pl.lit(source).alias("source"),
        (pl.col("price") * pl.col("supply")).alias("market_cap"),
    )


def moment(text: str) -> datetime:
    """The moment as tables show it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def other_futures(tape: Tape, at: str) -> Mapping[str, Tape]:
    """The same tape up to a moment; afterwards other numbers, or none at all."""
    later = known_at() > pl.lit(time_ns(at)).cast(TIME)
    altered, cut = {}, {}
    for name in tape.manifest.tables:
        frame = tape.table(name).collect()
        is_later = later if "interval" in frame.columns else pl.col("ts") > moment(at)
        numbers = [column for column, kind in frame.schema.items() if kind == pl.Float64]
        lie = [pl.when(is_later).then(pl.col(n) * 7 + 1).otherwise(pl.col(n)) for n in numbers]
        altered[name] = frame.with_columns(
            expression.alias(n) for n, expression in zip(numbers, lie, strict=True)
        )
        cut[name] = frame.filter(~is_later)
        assert cut[name].height < frame.height, f"{name} has no future to lie about"
    return {"altered": Tape.from_frames(altered), "cut": Tape.from_frames(cut)}
