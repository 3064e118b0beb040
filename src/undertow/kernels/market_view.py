"""What a market looks like from outside: trades by instrument, depth, open interest."""

from __future__ import annotations

import numpy as np

from undertow.kernels.book_arrays import Book
from undertow.kernels.book_orders import level_key, rank_of
from undertow.kernels.compile import Records, int64, kernel, uint32
from undertow.kernels.ladder import NO_RANK, next_rank
from undertow.kernels.ledger import instrument_of
from undertow.kernels.tables import find
from undertow.model.codes import (
    BAD_DEBT,
    BUY,
    BY_LIQUIDATION,
    COLLATERAL_TAKEN,
    FILL,
    LIQUIDATION,
    LIQUIDATION_FEE,
    REJECTED,
    TAKEOVER,
)

# Trades of one instrument: prices in ticks (0 before the first trade), `value` in ticks x lots.
TRADED = np.dtype(
    [
        ("open", np.int64), ("high", np.int64), ("low", np.int64), ("close", np.int64),
        ("lots", np.int64), ("bought_lots", np.int64), ("trades", np.int64),
        ("value", np.float64), ("bought_value", np.float64),
    ]
)  # fmt: skip


@kernel
def digest(events: Records, traded: Records, rejected: Records, notable: Records) -> int:
    """Sum up trades by instrument, count refusals, and list the events of forced closings.

    Parameters
    ----------
    traded
        Rows of `TRADED`, one for each instrument; what they hold is added to.
    rejected
        Counts by reason; added to.
    notable
        Room for as many numbers as there are events: of forced trades and all that follows from
        them, but not of pools that wait.

    Returns
    -------
    int
        How many events are listed.
    """
    count = 0
    for index in range(events.shape[0]):
        event = events[index]
        kind = event["kind"]
        if kind == FILL:
            row = traded[int64(event["instrument"])]
            price, lots = event["price_ticks"], event["quantity_lots"]
            if row["open"] == 0:
                row["open"] = price
                row["high"] = price
                row["low"] = price
            row["high"] = max(row["high"], price)
            row["low"] = min(row["low"], price)
            row["close"] = price
            row["lots"] += lots
            row["trades"] += 1
            row["value"] += float(price) * float(lots)
            if event["side"] == BUY:
                row["bought_lots"] += lots
                row["bought_value"] += float(price) * float(lots)
            if event["reason"] != BY_LIQUIDATION:
                continue
        elif kind == REJECTED:
            rejected[int64(event["reason"])] += 1
            continue
        elif not (
            kind == LIQUIDATION
            or TAKEOVER <= kind <= BAD_DEBT
            or LIQUIDATION_FEE <= kind <= COLLATERAL_TAKEN
        ):
            continue
        notable[count] = index
        count += 1
    return count


@kernel
def depth(book: Book, bands: Records, totals: Records) -> None:
    """Resting value within bands around the middle price, in ticks x lots.

    Parameters
    ----------
    bands
        Fractions of the middle price, rising.
    totals
        ``(queues, bands)``, written over: 0 where a side of the instrument is empty.
    """
    totals[:] = 0.0
    for instrument in range(book.sides.shape[0] // 2):
        best_bid = book.sides[2 * instrument]["best_rank"]
        best_ask = book.sides[2 * instrument + 1]["best_rank"]
        if best_bid == NO_RANK or best_ask == NO_RANK:
            continue
        middle = (rank_of(2 * instrument, best_bid) + rank_of(2 * instrument + 1, best_ask)) / 2.0
        for queue in (2 * instrument, 2 * instrument + 1):
            rank = book.sides[queue]["best_rank"]
            while rank != NO_RANK:
                price = rank_of(queue, rank)
                away = abs(price - middle) / middle
                if away > bands[bands.shape[0] - 1]:
                    break
                slot = find(book.level_slots, level_key(queue, rank))
                level = book.levels[uint32(book.level_slots[slot]["value"])]
                value = float(price) * float(level["quantity_lots"])
                for band in range(bands.shape[0]):
                    if away <= bands[band]:
                        totals[queue, band] += value
                rank = next_rank(book.nodes, queue, rank)


@kernel
def holdings(
    accounts: Records, positions: Records, numbers: Records, lots: Records, cash_units: Records
) -> None:
    """Lots by account and instrument (longs less shorts), and cash; written over.

    ``numbers`` are those of the accounts, one for each row.
    """
    lots[:] = 0
    for row in range(cash_units.shape[0]):
        account = accounts[numbers[row]]
        cash_units[row] = account["cash_units"]
        slot = account["first_position"]
        while slot != 0:
            held = positions[slot]
            lots[row, instrument_of(held)] += held["lots"]
            cash_units[row] += held["margin_units"]
            slot = held["next"]
