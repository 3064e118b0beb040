"""What carries out an exchange's commands: whole numbers in arrays, in and out.

An engine does one command after another and answers with what came of them. The reference is the
specification in plain Python; every other engine gives the same events and the same balances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from undertow.errors import UndertowError, nearest
from undertow.kernels.exchange_arrays import COMMAND, EVENT
from undertow.model.contracts import Contract, Rules
from undertow.reference import venue as specification
from undertow.reference.exchange import Command, Event

__all__ = ["ACCOUNT", "COMMAND", "ENGINES", "EVENT", "MARKET", "ORDER", "POSITION", "Engine",
           "Records", "ReferenceEngine", "new_engine"]  # fmt: skip
Records = NDArray[Any]

ACCOUNT = np.dtype([("account", np.int64), ("cash_units", np.int64), ("hedge", np.int64)])
POSITION = np.dtype([
    (name, np.int64)
    for name in ("account", "instrument", "leg", "leverage", "isolated", "lots", "basis_units",
                 "margin_units")
])  # fmt: skip
ORDER = np.dtype([
    (name, np.int64)
    for name in ("account", "instrument", "leg", "side", "order_id", "price_ticks",
                 "quantity_lots", "expire_ns", "post_only", "reduce_only", "sequence")
])  # fmt: skip
MARKET = np.dtype([
    (name, np.int64) for name in ("mark_ticks", "previous_mark_ticks", "last_ticks", "halted")
])  # fmt: skip
_COMMAND_FIELDS = Command._fields
_EVENT_FIELDS = Event._fields


class Engine(Protocol):
    """An exchange at work. Rows that it returns are copies, in a stated order."""

    def apply(self, commands: Records) -> Records:
        """Carry out rows of `COMMAND`; returns rows of `EVENT`, ``command`` being their cause."""

    def accounts(self, account: int | None = None) -> Records:
        """Accounts that were ever used, or one of them: rows of `ACCOUNT`, by number."""

    def positions(self, account: int | None = None) -> Records:
        """Positions, flat ones too: rows of `POSITION`, by account, instrument and leg."""

    def orders(self, account: int | None = None) -> Records:
        """Orders that rest in the books: rows of `ORDER`, the oldest first."""

    def waiting(self, account: int | None = None) -> Records:
        """Conditional orders: rows of `COMMAND` with their present trigger, the oldest first."""

    def markets(self) -> Records:
        """Prices of each instrument: rows of `MARKET`; 0 before the first."""


class ReferenceEngine:
    """The specification behind the arrays; slow, and right."""

    def __init__(self, contracts: Sequence[Contract], rules: Rules, accounts: int) -> None:
        self._venue = specification.Exchange(tuple(contracts), rules, accounts)

    def apply(self, commands: Records) -> Records:
        """See `Engine.apply`."""
        rows: list[tuple[int, ...]] = []
        for number, values in enumerate(commands[list(_COMMAND_FIELDS)].tolist()):
            events = specification.apply(self._venue, Command(*values))
            rows += [(*event, number) for event in events]
        found = np.zeros(len(rows), EVENT)
        table = np.array(rows, np.int64).reshape(len(rows), len(_EVENT_FIELDS) + 1)
        for column, name in enumerate((*_EVENT_FIELDS, "command")):
            found[name] = table[:, column]
        return found

    def accounts(self, account: int | None = None) -> Records:
        """See `Engine.accounts`."""
        held = self._venue.accounts
        return _records(ACCOUNT, (
            (number, held[number].cash_units, held[number].hedge)
            for number in sorted(held)
            if account in (None, number)
        ))  # fmt: skip

    def positions(self, account: int | None = None) -> Records:
        """See `Engine.positions`."""
        held = self._venue.accounts
        return _records(POSITION, (
            (number, one.instrument, one.leg, one.leverage, one.isolated, one.lots,
             one.basis_units, one.margin_units)
            for number in sorted(held)
            if account in (None, number)
            for one in held[number].in_order()
        ))  # fmt: skip

    def orders(self, account: int | None = None) -> Records:
        """See `Engine.orders`."""
        rows = _records(ORDER, (
            (order.account, instrument, order.leg, order.side, order.order_id, order.price_ticks,
             order.open_lots, order.expire_ns, order.post_only, order.reduce_only, order.sequence)
            for instrument, market in enumerate(self._venue.markets)
            for order in market.book.orders.values()
            if account in (None, order.account)
        ))  # fmt: skip
        return rows[np.argsort(rows["sequence"])]

    def waiting(self, account: int | None = None) -> Records:
        """See `Engine.waiting`."""
        found = [
            one._replace(trigger_ticks=waiting.trigger_ticks)
            for waiting in self._venue.waiting.values()
            for one in [waiting.command]
            if account in (None, one.account)
        ]
        rows = np.zeros(len(found), COMMAND)
        for row, command in zip(rows, found, strict=True):
            for name, value in zip(_COMMAND_FIELDS, command, strict=True):
                row[name] = value
        return rows

    def markets(self) -> Records:
        """See `Engine.markets`."""
        return _records(MARKET, (
            (market.mark_ticks, market.previous_mark_ticks, market.last_ticks, market.halted)
            for market in self._venue.markets
        ))  # fmt: skip


def _records(kind: np.dtype[Any], rows: Iterable[tuple[int, ...]]) -> Records:
    return np.array([tuple(int(cell) for cell in row) for row in rows], kind)


ENGINES: Mapping[str, Callable[[Sequence[Contract], Rules, int], Engine]] = {
    "reference": ReferenceEngine,
}


def new_engine(name: str, contracts: Sequence[Contract], rules: Rules, accounts: int) -> Engine:
    """An empty exchange.

    Parameters
    ----------
    name
        Who does the work: one of `ENGINES`.
    accounts
        Accounts are 0 to ``accounts - 1``; the first few are the venue's own.

    Raises
    ------
    UndertowError
        For an unknown engine.
    """
    if name not in ENGINES:
        raise UndertowError(f"no engine '{name}'{nearest(name, ENGINES)}")
    return ENGINES[name](contracts, rules, accounts)
