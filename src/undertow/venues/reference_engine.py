"""The specification behind an exchange."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from undertow.errors import UndertowError
from undertow.model.contracts import Contract, Rules
from undertow.reference import deleveraging
from undertow.reference import venue as specification
from undertow.reference.accounts import Account
from undertow.reference.exchange import Command, Event
from undertow.venues.engine_rows import (
    ACCOUNT,
    BALANCE,
    COMMAND,
    EVENT,
    MARKET,
    ORDER,
    POSITION,
    Records,
)

_COMMAND_FIELDS = Command._fields
_EVENT_FIELDS = Event._fields


class ReferenceEngine:
    """The specification behind the arrays; slow, and right.

    Raises
    ------
    UndertowError
        For a ranking that somebody registered: the specification has its own.
    """

    def __init__(self, contracts: Sequence[Contract], rules: Rules, accounts: int) -> None:
        known = {*deleveraging.SCORES, *deleveraging.POLICIES}
        if rules.adl_ranking not in known:
            raise UndertowError(
                f"the reference has no adl method '{rules.adl_ranking}': use engine='kernel'"
            )
        self._venue = specification.Exchange(tuple(contracts), rules, accounts)

    def apply(self, commands: Records) -> Records:
        """See `engine.Engine.apply`."""
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
        """See `engine.Engine.accounts`."""
        held = self._venue.accounts
        if account is None:
            numbers = [number for number in sorted(held) if _has_something(held[number])]
        else:
            numbers = [account]
        return _records(ACCOUNT, (
            (number, held[number].cash_units, held[number].hedge, held[number].portfolio)
            if number in held else (number, 0, 0, 0)
            for number in numbers
        ))  # fmt: skip

    def balances(self, account: int | None = None) -> Records:
        """See `engine.Engine.balances`."""
        held, assets = self._venue.accounts, self._venue.assets
        return _records(BALANCE, (
            (number, asset, units, assets[asset].worth(units))
            for number in sorted(held)
            if account in (None, number)
            for asset, units in sorted(held[number].balances.items())
            if units
        ))  # fmt: skip

    def asset_prices(self) -> list[int]:
        """See `engine.Engine.asset_prices`."""
        return [asset.price_units for asset in self._venue.assets]

    def positions(self, account: int | None = None) -> Records:
        """See `engine.Engine.positions`."""
        held = self._venue.accounts
        return _records(POSITION, (
            (number, one.instrument, one.leg, one.leverage, one.isolated, one.lots,
             one.basis_units, one.margin_units)
            for number in sorted(held)
            if account in (None, number)
            for one in held[number].in_order()
            if one.lots or one.margin_units
        ))  # fmt: skip

    def orders(self, account: int | None = None) -> Records:
        """See `engine.Engine.orders`."""
        rows = _records(ORDER, (
            (order.account, instrument, order.leg, order.side, order.order_id, order.price_ticks,
             order.open_lots, order.expire_ns, order.post_only, order.reduce_only, order.sequence)
            for instrument, market in enumerate(self._venue.markets)
            for order in market.book.orders.values()
            if account in (None, order.account)
        ))  # fmt: skip
        return rows[np.argsort(rows["sequence"])]

    def waiting(self, account: int | None = None) -> Records:
        """See `engine.Engine.waiting`."""
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
        """See `engine.Engine.markets`."""
        return _records(MARKET, (
            (market.mark_ticks, market.previous_mark_ticks, market.last_ticks, market.halted)
            for market in self._venue.markets
        ))  # fmt: skip


def _has_something(account: Account) -> bool:
    held = any(one.lots or one.margin_units for one in account.in_order())
    return held or account.cash_units != 0


def _records(kind: np.dtype[Any], rows: Iterable[tuple[int, ...]]) -> Records:
    return np.array([tuple(int(cell) for cell in row) for row in rows], kind)
