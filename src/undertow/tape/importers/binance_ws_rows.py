"""What was read from a recorded stream as rows of tables, and the checks of whole series."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import msgspec
import numpy as np
import polars as pl

from undertow.model.assets import STABLECOINS
from undertow.tape.book import Top
from undertow.tape.frames import TIME
from undertow.tape.importers.binance_ws_messages import Diff, Snapshot
from undertow.tape.importers.columns import drop_where
from undertow.tape.importers.content import ROW
from undertow.tape.importers.liquidation_orders import closed_side
from undertow.tape.importers.reading import BadRows

_FIRST_MS, _LAST_MS = 978_307_200_000, 4_102_444_800_000  # 2001 to 2100
_TOP = ("bid", "bid_quantity", "ask", "ask_quantity")


def is_moment(moment_ms: int) -> bool:
    """Whether a time is in milliseconds: seconds or nanoseconds would be in another century."""
    return _FIRST_MS <= moment_ms < _LAST_MS


def in_dollars(symbol: str) -> bool:
    """Whether price x quantity of a contract is dollars: not of ETHBTC, nor of BTCUSD_PERP."""
    return symbol.split("_")[0].endswith(tuple(STABLECOINS))


class LevelRows:
    """Rows of the book, 16 bytes a level until they become a frame."""

    def __init__(self) -> None:
        self._times_ms, self._ids = array("q"), array("q")
        self._are_snapshots, self._counts = array("b"), array("q")
        self._levels = array("d")

    def add(self, kind: str, moment_ms: int, message: Diff | Snapshot) -> None:
        """The levels of one message."""
        self._times_ms.append(moment_ms)
        self._ids.append(message.final_id)
        self._are_snapshots.append(kind == "snapshot")
        for levels in (message.bids, message.asks):
            self._counts.append(len(levels))
            self._levels.extend(chain.from_iterable(levels))

    def frame(self, symbol: str) -> pl.DataFrame:
        """Rows of the table ``book``."""
        counts = np.array(self._counts, dtype=np.int64).reshape(-1, 2)
        per_message = counts.sum(axis=1)
        sides = np.repeat(np.tile([0, 1], len(counts)), counts.ravel())
        levels = np.array(self._levels, dtype=np.float64).reshape(-1, 2)
        return pl.DataFrame(
            {
                "ts": _nanoseconds(np.repeat(np.array(self._times_ms), per_message)),
                "symbol": _words([symbol], np.zeros(len(sides), dtype=np.int64)),
                "kind": _words(
                    ["diff", "snapshot"], np.repeat(np.array(self._are_snapshots), per_message)
                ),
                "side": _words(["bid", "ask"], sides),
                "price": levels[:, 0],
                "quantity": levels[:, 1],
                "update_id": np.repeat(np.array(self._ids), per_message),
            }
        )


class TopRows:
    """The top of a rebuilt book after each update."""

    def __init__(self) -> None:
        self._ids, self._are_known, self._values = array("q"), array("b"), array("d")

    def add(self, update_id: int, top: Top, is_known: bool) -> None:
        """The top after an update; ``is_known``: within what the snapshot told."""
        self._ids.append(update_id)
        self._are_known.append(is_known)
        self._values.extend(top)

    def compare(self, quotes: pl.DataFrame) -> tuple[int, int, int, int]:
        """Set every top against the last quote with the same or a smaller update id.

        Returns
        -------
        tuple
            Compared; disagreeing where the top is known; compared and disagreeing where the
            market had left the prices that the snapshot told.
        """
        quote_ids = quotes["update_id"].to_numpy()
        ids, values = np.array(self._ids), np.array(self._values).reshape(-1, 4)
        place = np.searchsorted(quote_ids, ids, side="right") - 1
        told = place >= 0
        expected = quotes.select(_TOP).to_numpy()[place[told]]
        differs = (values[told] != expected).any(axis=1)
        known = np.array(self._are_known, dtype=bool)[told]
        return (
            len(differs),
            int((differs & known).sum()),
            int((~known).sum()),
            int((differs & ~known).sum()),
        )


def frame_of(
    rows: Sequence[int], events: Sequence[Any], kind: type[msgspec.Struct]
) -> pl.DataFrame:
    """Messages of one kind as columns named by their JSON keys, and ``_row``."""
    types = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean, str: pl.String}
    hints = get_type_hints(kind)  # without the bounds
    columns = {ROW: pl.Series(rows, dtype=pl.Int64)}
    for item in msgspec.structs.fields(kind):
        of = next((t for t in (hints[item.name], *get_args(hints[item.name])) if t in types), str)
        values = list(map(attrgetter(item.name), events))
        columns[item.encode_name] = pl.Series(values, dtype=types[of])
    return pl.DataFrame(columns)


def with_times(frame: pl.DataFrame, bad: BadRows, key: str = "T") -> pl.DataFrame:
    """The frame with ``ts``; times of a symbol may not go back."""
    if key == "T":
        frame = frame.with_columns(pl.coalesce("T", "E").alias("T"))
    moment = pl.col(key)
    frame = drop_where(frame, moment.is_null(), key, bad, f"missing key '{key}'")
    wrong = ~moment.is_between(_FIRST_MS, _LAST_MS, closed="left")
    frame = drop_where(frame, wrong, key, bad, "expected milliseconds since 1970")
    back = moment < moment.cum_max().shift(1).over("s")
    frame = drop_where(frame, back, key, bad, "time goes back: expected rising times")
    return frame.with_columns((moment * 1_000_000).cast(TIME).alias("ts"))


def rising(frame: pl.DataFrame, key: str, bad: BadRows) -> pl.DataFrame:
    """The frame without numbers that repeat or go back within a symbol."""
    latest = pl.col(key).cum_max().shift(1).over("s")
    same, back = pl.col(key) == latest, pl.col(key) < latest
    frame = drop_where(frame, same, key, bad, "duplicate row: this number was there")
    return drop_where(frame, back, key, bad, "goes back: expected rising numbers")


def above_zero(frame: pl.DataFrame, keys: Sequence[str], bad: BadRows) -> pl.DataFrame:
    """The frame without zeros, where a message may hold some."""
    for key in keys:
        frame = drop_where(frame, pl.col(key) <= 0, key, bad, "expected more than 0")
    return frame


def quotes(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Rows of the table ``quotes`` from ``bookTicker``."""
    frame = in_sequence(frame, bad, "u")
    crossed = pl.col("b") >= pl.col("a")
    frame = drop_where(frame, crossed, "b", bad, "best bid is not below best ask")
    names = {"b": "bid", "B": "bid_quantity", "a": "ask", "A": "ask_quantity", "u": "update_id"}
    return frame.rename({"s": "symbol", **names}).select("ts", "symbol", *names.values())


def in_sequence(frame: pl.DataFrame, bad: BadRows, key: str) -> pl.DataFrame:
    """The frame with ``ts``; neither times nor numbers of a symbol may go back."""
    return rising(with_times(frame, bad), key, bad)


def trades(frame: pl.DataFrame, bad: BadRows, key: str) -> pl.DataFrame:
    """Rows of the table ``trades``; ``key`` is that of the trade's number: ``t`` or ``a``."""
    frame = above_zero(frame, ("p", "q"), bad)
    # The buyer's order was resting: the taker sold.
    side = pl.when("m").then(pl.lit("sell")).otherwise(pl.lit("buy"))
    names = {"p": "price", "q": "quantity", key: "trade_id"}
    frame = frame.rename({"s": "symbol", **names}).with_columns(side.alias("side"))
    return frame.select("ts", "symbol", "price", "quantity", "side", "trade_id")


def marks(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Rows of the table ``marks``; they are true when they were told, at ``E``."""
    frame = rising(with_times(frame, bad, "E"), "E", bad)
    names = {"s": "symbol", "p": "mark", "i": "index"}
    return frame.rename(names).select("ts", *names.values())


def liquidations(frame: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """Rows of the table ``liquidations``: at the average price where there is one, what was filled.

    ``usd`` is price x quantity; symbols that are not quoted in dollars are for the caller to take
    out.
    """
    frame = with_times(frame, bad)
    for value, average in (("p", "ap"), ("q", "z")):
        chosen = pl.when(pl.col(average) > 0).then(average).otherwise(value)
        frame = above_zero(frame.with_columns(chosen.alias(value)), (value,), bad)
    key = ("s", "T", "S", "p", "q")
    again = ~pl.struct(key).is_first_distinct()
    frame = drop_where(frame, again, "T", bad, "duplicate row: this order was there")
    frame = closed_side(frame.rename({"S": "side"}), bad)
    frame = frame.rename({"s": "symbol", "p": "price", "q": "quantity"})
    usd = (pl.col("price") * pl.col("quantity")).alias("usd")
    return frame.select("ts", "symbol", "side", "price", "quantity", usd)


def depth(symbol: str, samples: Sequence[tuple[int, float, float, float, float]]) -> pl.DataFrame:
    """Rows of the table ``depth`` from time in ms, band, bids, asks, spread."""
    names = ("band", "bid_usd", "ask_usd", "spread")
    values = np.array(samples, dtype=np.float64).reshape(-1, 5)
    times_ms = np.array([sample[0] for sample in samples], dtype=np.int64)
    columns = {name: values[:, place] for place, name in enumerate(names, 1)}
    ts = _nanoseconds(times_ms)
    return pl.DataFrame({"ts": ts, "symbol": [symbol] * len(ts), **columns})


def gaps(symbol: str, breaks: Sequence[tuple[int, str]], source: str) -> pl.DataFrame:
    """Rows of the table ``events`` from time in ms and title."""
    times_ms = np.array([moment for moment, _ in breaks], dtype=np.int64)
    frame = pl.DataFrame(
        {"ts": _nanoseconds(times_ms), "title": [title for _, title in breaks]},
        schema_overrides={"title": pl.String},
    )
    words = {"kind": "gap", "source": source, "precision": "second", "symbol": symbol}
    return frame.with_columns(pl.lit(word).alias(name) for name, word in words.items())


def _nanoseconds(times_ms: np.ndarray[Any, Any]) -> pl.Series:
    return pl.Series(times_ms.astype(np.int64) * 1_000_000).cast(TIME)


def _words(words: list[str], codes: np.ndarray[Any, Any]) -> pl.Series:
    return pl.Series(words, dtype=pl.Categorical).gather(pl.Series(codes))
