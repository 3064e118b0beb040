"""Events that a venue hands out are the caller's, whether copied or handed over with their room."""

from __future__ import annotations

from typing import Any

import numpy as np

from exchange.venues import ACCOUNTS, VENUES
from undertow.kernels.exchange import ROOM, Exchange, process
from undertow.kernels.exchange_arrays import COMMAND, new_exchange
from undertow.model import codes

MANY = 2 * ROOM + 1000


def nobody(winners: Any, lots: int) -> Any:
    return np.zeros(len(winners), np.int64)


def opened() -> Exchange:
    contracts, rules = VENUES["binance-like"]
    return new_exchange(contracts, rules, ACCOUNTS)


def deposits(first: int) -> Any:
    rows = np.zeros(MANY, COMMAND)
    rows["kind"], rows["account"] = codes.DEPOSIT, codes.FIRST_CUSTOMER
    rows["amount"] = first + np.arange(MANY)
    return rows


def test_many_events_come_as_few_do_and_stay_as_they_were() -> None:
    few, many = opened(), opened()
    few, usual = process(few, deposits(1), nobody)
    # Handed over once in the middle of the call, and once at its end.
    many, events = process(many, deposits(1), nobody, room=ROOM + 10_000)
    kept = events.copy()
    assert np.array_equal(events, usual)
    assert np.array_equal(events["amount_units"], 1 + np.arange(MANY))
    assert len(many.events) == ROOM + 10_000  # room for as many as before
    many, later = process(many, deposits(10**6), nobody)
    assert np.array_equal(events, kept)
    assert not np.shares_memory(events, later)
    assert np.array_equal(later, process(few, deposits(10**6), nobody)[1])
