"""Binance messages made for tests, and recordings of them as tapes."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options
from undertow.tape.importers.run import import_files

REAL = Path(__file__).parent / "data" / "recorded" / "binance_usdm_btcusdt_ws.gz"
T0_MS = 1_762_214_400_000  # 2025-11-04T00:00Z


def message(name, symbol="BTCUSDT", moment=0, **keys):
    time_ms = T0_MS + moment
    return {"e": name, "E": time_ms + 1, "T": time_ms, "s": symbol, **keys}


def diff(number, bids=(), asks=(), after=None, **keys):
    """Update ``number`` spans ids 10 n − 5 to 10 n and follows update ``after``, at n x 100 ms."""
    after = number - 1 if after is None else after
    moment = keys.pop("moment", number * 100)
    ids = {"U": number * 10 - 5, "u": number * 10, "pu": after * 10}
    return message("depthUpdate", moment=moment, **ids, b=list(bids), a=list(asks), **keys)


def snapshot(number, bids, asks, **keys):
    """The book after update ``number``."""
    time_ms = T0_MS + number * 100
    return {
        "lastUpdateId": number * 10, "E": time_ms + 9, "T": time_ms,
        "bids": list(bids), "asks": list(asks), **keys,
    }  # fmt: skip


def quote(update_id, bid, bid_quantity, ask, ask_quantity, **keys):
    words = {"b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity}
    return message("bookTicker", moment=update_id * 10, u=update_id, **words, **keys)


def trade(number, price="100.5", quantity="2", **keys):
    return message("trade", moment=number, t=number, p=price, q=quantity,
                   **{"X": "MARKET", "m": True, **keys})  # fmt: skip


def forced(side="SELL", moment=5, **keys):
    order = {"s": "BTCUSDT", "S": side, "o": "LIMIT", "f": "IOC", "q": "3", "p": "90", "ap": "95",
             "X": "FILLED", "l": "2", "z": "2", "T": T0_MS + moment, **keys}  # fmt: skip
    return {"e": "forceOrder", "E": T0_MS + moment + 2, "o": order}


def wrapped(data, stream):
    return {"stream": stream, "data": data}


BIDS = [["99.0", "1"], ["98.0", "2"], ["90.0", "5"]]
ASKS = [["101.0", "1"], ["102.0", "2"], ["110.0", "5"]]
START = [snapshot(1, BIDS, ASKS), diff(2, [["99.0", "4"]])]


def recorded(folder, messages, name="binance_usdm_stream.txt"):
    """A recording of the messages, one a millisecond."""
    path = folder / name
    lines = [
        f"{(T0_MS + place) * 1_000_000} {json.dumps(each)}" for place, each in enumerate(messages)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def imported(path, out, **options):
    import_files(importer_named("binance-ws"), [path], out, Options(**options))
    return Tape.open(out)


def tape_of(folder, messages, **options):
    return imported(recorded(folder, messages), folder / "tape", **options)


def refused(folder, messages, **options):
    """The error, having seen that nothing was left behind."""
    path = messages if isinstance(messages, Path) else recorded(folder, messages)
    with pytest.raises(DataError) as caught:
        imported(path, folder / "tape", **options)
    assert not (folder / "tape").exists()
    assert caught.value.file == str(path)
    return caught.value


def rows(tape, table, *columns):
    return tape.table(table).select(columns).collect().rows()


def notes(tape):
    (source,) = tape.manifest.sources
    return "\n".join(source.notes)


def states(tape, symbol="BTCUSDT"):
    """The book after every update on the tape, rebuilt from its rows in the simplest way."""
    found, bids, asks = {}, {}, {}
    frame = tape.book.filter(pl.col("symbol").cast(pl.String) == symbol)
    names = ["update_id", "kind", "side", "price", "quantity"]
    seen = None
    for update_id, kind, side, price, quantity in frame.select(names).collect().rows():
        if kind == "snapshot" and seen != (update_id, kind):
            bids, asks = {}, {}
        seen = (update_id, kind)
        level = bids if side == "bid" else asks
        level[price] = quantity
        if not quantity:
            del level[price]
        found[update_id] = (dict(bids), dict(asks))
    return found
