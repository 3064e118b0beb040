"""The kernel behind an exchange: the same events as the specification, many times faster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from undertow.kernels import warm_up
from undertow.kernels.book_arrays import NONE
from undertow.kernels.exchange import BEGIN, administer, mark, process
from undertow.kernels.exchange_arrays import (
    COMMAND,
    EVENT,
    Exchange,
    new_exchange,
)
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.venues.deleveraging import Candidates, lots_to_take
from undertow.venues.engine_rows import ACCOUNT, BALANCE, MARKET, ORDER, POSITION, Records
from undertow.venues.instruments import CASH_UNITS

NO_EVENTS = np.zeros(0, EVENT)


class KernelEngine:
    """Compiled code on arrays; see `engine.Engine`. Rankings are the functions of a venue's rules.

    The first one of a new version compiles, for about half a minute, and says so on standard error.
    """

    def __init__(self, contracts: Sequence[Contract], rules: Rules, accounts: int) -> None:
        make_ready()
        self._venue = new_exchange(contracts, rules, accounts)
        self._ranking = rules.adl_ranking

    @property
    def venue(self) -> Exchange:
        """The arrays as they are now; the next call of `apply` may put others in their place."""
        return self._venue

    def apply(self, commands: Records) -> Records:
        """See `engine.Engine.apply`."""
        if not len(commands):
            return NO_EVENTS
        done, state = self._marked(commands), self._venue.state
        before = state["events"].item()
        if done == len(commands) and before == 0 and state["phase"].item() == BEGIN:
            return NO_EVENTS
        self._venue, events = process(self._venue, commands[done:], self._rank)
        events["command"][before:] += done  # counted from where `process` began
        found: Records = events
        return found

    def _marked(self, commands: Records) -> int:
        """Carry out a clock and marks at the front; returns how many commands are done.

        Most of a run's commands are marks that set off nothing. `process` does the same, and
        twice as much around it.
        """
        first, done = commands["kind"][0], 0
        if first == codes.EXPIRE:
            done = int(administer(self._venue, commands, 0))
            if done != 1 or len(commands) == 1 or self._venue.state["phase"].item() != BEGIN:
                return done
            first = commands["kind"][1]
        return int(mark(self._venue, commands, done)) if first == codes.MARK else done

    def _rank(self, winners: Records, lots: int) -> Records:
        rows = Candidates(*(winners[name].copy() for name in Candidates._fields))
        return lots_to_take(self._ranking, rows, lots)

    def accounts(self, account: int | None = None) -> Records:
        """See `engine.Engine.accounts`."""
        rows = self._venue.accounts
        if account is None:
            has_something = rows["cash_units"] != 0
            has_something[self.positions()["account"]] = True
            numbers = np.flatnonzero(has_something)
        else:
            numbers = np.array([account])
        found = np.zeros(len(numbers), ACCOUNT)
        found["account"] = numbers
        for name in ("cash_units", "hedge", "portfolio"):
            found[name] = rows[name][numbers]
        return found

    def balances(self, account: int | None = None) -> Records:
        """See `engine.Engine.balances`."""
        assets = len(self._venue.assets)
        table = (
            self._venue.holdings["units"].reshape(-1, assets) if assets > 1 else np.zeros((0, 1))
        )
        numbers, kinds = np.nonzero(table[:, 1:])
        found = np.zeros(len(numbers), BALANCE)
        found["account"], found["asset"] = numbers, kinds + 1
        found["units"] = table[numbers, kinds + 1]
        prices = self._venue.assets["margin_price_units"].tolist()
        for row in found:  # in Python's integers, as the product may leave int64
            row["margin_units"] = int(row["units"]) * prices[row["asset"]] // CASH_UNITS
        return found if account is None else found[found["account"] == account]

    def asset_prices(self) -> list[int]:
        """See `engine.Engine.asset_prices`."""
        prices: list[int] = self._venue.assets["price_units"].tolist()
        return prices

    def positions(self, account: int | None = None) -> Records:
        """See `engine.Engine.positions`."""
        held = self._venue.positions[1:] if account is None else self._of_account(account)
        # Field by field: whole records are five times as much to move.
        is_open = (held["key"] >= 0) & ((held["lots"] != 0) | (held["margin_units"] != 0))
        rows = np.flatnonzero(is_open)
        rows = rows[np.lexsort((held["key"][rows], held["account"][rows]))]
        found = np.zeros(len(rows), POSITION)
        key = held["key"][rows]
        found["instrument"], found["leg"] = key // 4, key % 4
        for name in ("account", "leverage", "isolated", "lots", "basis_units", "margin_units"):
            found[name] = held[name][rows]
        return found

    def _of_account(self, account: int) -> Records:
        slots: list[int] = []
        slot = int(self._venue.accounts[account]["first_position"])
        while slot != NONE:
            slots.append(slot)
            slot = int(self._venue.positions[slot]["next"])
        chosen: Records = self._venue.positions[slots]
        return chosen

    def orders(self, account: int | None = None) -> Records:
        """See `engine.Engine.orders`."""
        book = self._venue.book
        held = book.orders[book.links[book.links != NONE]]
        if account is not None:
            held = held[held["account"] == account]
        held = held[np.argsort(held["sequence"])]
        found = np.zeros(len(held), ORDER)
        found["instrument"], found["side"] = held["queue"] >> 1, held["queue"] & 1
        found["leg"], found["reduce_only"] = held["reduce_only"] >> 1, held["reduce_only"] & 1
        for name in ("account", "order_id", "quantity_lots", "expire_ns", "post_only", "sequence"):
            found[name] = held[name]
        ranks = book.levels["rank"][held["level"]]
        is_bid = found["side"] == codes.BUY
        found["price_ticks"] = np.where(is_bid, codes.MOST_PRICE_TICKS - ranks, ranks)
        return found

    def waiting(self, account: int | None = None) -> Records:
        """See `engine.Engine.waiting`."""
        held = self._venue.waiting[_slots(self._venue.waiting_slots)]
        if account is not None:
            held = held[held["account"] == account]
        held = held[np.argsort(held["sequence"])]
        found = np.zeros(len(held), COMMAND)
        for name in set(COMMAND.names or ()) - {"unused", "asset"}:
            found[name] = held[name]
        return found

    def markets(self) -> Records:
        """See `engine.Engine.markets`."""
        found = np.zeros(len(self._venue.contracts), MARKET)
        for name in MARKET.names or ():
            found[name] = self._venue.contracts[name]
        return found


@cache
def make_ready() -> None:
    """Have the kernels compiled, once in a process, with a bar while that takes long."""
    if warm_up.is_compiled():
        return
    from rich.console import Console
    from rich.progress import Progress

    console, text = Console(stderr=True), "Compiling the venue (once; kept for later)"
    if not console.is_terminal:
        console.print(f"{text}; that takes about half a minute")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(text, total=len(warm_up.STEPS))
        for step in warm_up.compiled():
            progress.update(task, description=f"{text}: {step}")
            progress.advance(task, 0 if step == warm_up.STEPS[0] else 1)


def _slots(table: Records) -> Any:
    """The slots that a table of ids leads to."""
    return table["value"][table["key"] != 0]
