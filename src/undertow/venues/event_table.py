"""Events as a table for analysis: names, and floats for prices and amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from undertow.model import codes
from undertow.venues.commands import LEGS
from undertow.venues.engine_rows import Records
from undertow.venues.events import (
    FEES,
    HELD,
    JUDGED,
    KINDS,
    PAID,
    PAIRED,
    REASONS,
    SIDED,
    SIDES,
)
from undertow.venues.exchange_rules import Listing
from undertow.venues.instruments import CASH_UNITS

if TYPE_CHECKING:
    import polars as pl

_CODES = 128  # kinds and reasons are below
# Columns of a table of events that have a meaning for some kinds only.
_ONLY_OF: Mapping[tuple[str, ...], tuple[int, ...]] = {
    ("side",): SIDED, ("amount",): PAID, ("fee",): FEES, ("equity", "maintenance"): JUDGED,
    ("maker_account", "maker_amount"): PAIRED,
    ("maker_order_id", "maker_leaves", "maker_fee"): (codes.FILL,),
}  # fmt: skip
_COLUMNS = (
    "number", "ts", "kind", "reason", "account", "symbol", "side", "leg", "order_id", "price",
    "quantity", "leaves", "amount", "fee", "equity", "maintenance", "maker_account",
    "maker_order_id", "maker_leaves", "maker_amount", "maker_fee", "asset",
)  # fmt: skip


def table(
    listings: Sequence[Listing], rows: Records, ts_ns: Records, assets: Sequence[str] = ()
) -> pl.DataFrame:
    """All rows, each with its time; nothing where a column has no meaning for a kind of event.

    Where there is an ``asset``, the quantity is of that.
    """
    import polars as pl

    instrument, nowhere = rows["instrument"].astype(np.int64), len(listings)
    place = np.where((instrument >= 0) & (instrument < nowhere), instrument, nowhere)
    ticks, lots = (
        np.array([step.as_integer_ratio() for step in steps] + [(1, 1)])[place]
        for steps in ([one.tick for one in listings], [one.lot for one in listings])
    )
    kinds = rows["kind"]
    columns: dict[str, Any] = {
        "number": np.arange(len(rows)),
        "ts": pl.Series(ts_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")),
        "kind": _named([KINDS.get(code) for code in range(_CODES)], kinds),
        "reason": _named([REASONS.get(code) for code in range(_CODES)], rows["reason"]),
        "account": rows["account"].astype(np.int64),
        "symbol": _named([one.symbol for one in listings], place),
        "side": _named(SIDES, rows["side"] + 2 * np.isin(kinds, HELD)),
        "leg": _named([*LEGS], rows["leg"]),
        "order_id": rows["order_id"],
        "price": rows["price_ticks"] * ticks[:, 0] / ticks[:, 1],
        "maker_account": rows["maker_account"].astype(np.int64),
        "maker_order_id": rows["maker_id"],
        "asset": _named([None, *assets[1:]], rows["asset"]),
    }
    for name in ("quantity", "leaves", "maker_leaves"):
        columns[name] = rows[f"{name}_lots"] * lots[:, 0] / lots[:, 1]
    columns["quantity"] = np.where(
        rows["asset"] != 0, rows["quantity_lots"] / CASH_UNITS, columns["quantity"]
    )
    for name in ("amount", "fee", "maker_amount", "maker_fee"):
        columns[name] = rows[f"{name}_units"] / CASH_UNITS
    columns["equity"], columns["maintenance"] = columns["amount"], columns["fee"]
    for names, meant in _ONLY_OF.items():
        has_meaning = pl.Series(np.isin(kinds, meant))
        for name in names:
            column = pl.Series(columns[name])
            columns[name] = column.zip_with(has_meaning, pl.Series([None], dtype=column.dtype))
    for name, known in (("ts", ts_ns > 0), ("account", rows["account"] >= 0)):
        column = pl.Series(columns[name])
        columns[name] = column.zip_with(pl.Series(known), pl.Series([None], dtype=column.dtype))
    return pl.DataFrame({name: columns[name] for name in _COLUMNS})


def _named(names: Sequence[str | None], places: Records) -> pl.Series:
    """The name at each place; nothing where there is no such place."""
    import polars as pl

    table = pl.Series([*names, None], dtype=pl.String)
    inside = (places >= 0) & (places < len(names))
    return table.gather(pl.Series(np.where(inside, places, len(names)).astype(np.int64)))
