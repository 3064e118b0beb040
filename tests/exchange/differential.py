"""The venue's kernel and its specification side by side: the same commands, equal answers.

Run as a program with venue, sequences and commands, it needs no pytest, so that it can run under
Numba's switches.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from exchange.commands import random_commands
from exchange.venues import ACCOUNTS, VENUES
from undertow.kernels import book_view
from undertow.kernels import exchange as kernel
from undertow.kernels.exchange_arrays import COMMAND, new_exchange
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.reference import venue as reference
from undertow.reference.deleveraging import Candidates, lots_to_take
from undertow.reference.exchange import Command, Event, Exchange


class Both:
    """One venue of each kind, compared after every command, or after some."""

    def __init__(self, contracts: tuple[Contract, ...], rules: Rules, accounts: int) -> None:
        self.slow = Exchange(contracts, rules, accounts)
        self.fast = new_exchange(contracts, rules, accounts, 16)
        self.rules = rules

    def apply(self, command: Command) -> list[Event]:
        """Carry out one command on both; the events, which must be equal."""
        expected = reference.apply(self.slow, command)
        self.follow([command], expected)
        return expected

    def follow(self, commands: list[Command], expected: list[Event]) -> None:
        """Let the kernel carry out what the specification has, and compare the events."""
        self.fast, written = kernel.process(self.fast, as_rows(commands), self.ranking, room=8)
        columns = [written[name].tolist() for name in Event._fields]
        if list(zip(*columns, strict=True)) != expected:
            raise AssertionError(difference(commands, as_events(written), expected))

    def ranking(self, rows: np.ndarray, lots: int) -> np.ndarray:
        """The specification's ranking, so that only the venues are compared."""
        columns = {name: rows[name].tolist() for name in Candidates._fields}
        return np.array(lots_to_take(self.rules.adl_ranking, Candidates(**columns), lots), np.int64)

    def check(self) -> None:
        """Money, positions and books."""
        for number in range(self.slow.count):
            account = self.slow.accounts.get(number)
            row = self.fast.accounts[number]
            assert row["cash_units"] == (account.cash_units if account else 0), number
            expected = {}
            for held in account.in_order() if account else []:
                expected[held.instrument, held.leg] = (
                    held.lots, held.basis_units, held.margin_units, held.bid_lots, held.ask_lots,
                    held.bid_units, held.ask_units, held.reduce_lots, held.leverage,
                    held.isolated,
                )  # fmt: skip
            assert positions(self.fast, number) == expected, number
        assert self.fast.state[0]["deposited_units"] == self.slow.deposited_units
        self.check_assets()
        for instrument, market in enumerate(self.slow.markets):
            row = self.fast.contracts[instrument]
            assert row["mark_ticks"] == market.mark_ticks
            assert row["last_ticks"] == market.last_ticks
            for side in (codes.BUY, codes.SELL):
                rows = book_view.resting(self.fast.book, 2 * instrument + side).tolist()
                assert [tuple(row[:1]) + tuple(row[3:6]) + (row[7],) for row in rows] == [
                    (one.order_id, one.price_ticks, one.open_lots, one.expire_ns, one.sequence)
                    for one in market.book.resting(side)
                ]
        assert self.fast.state[0]["waiting_count"] == len(self.slow.waiting)

    def check_assets(self) -> None:
        """Prices, and who holds what beside cash."""
        for asset, one in enumerate(self.slow.assets):
            row = self.fast.assets[asset]
            assert row["price_units"] == one.price_units
            assert row["margin_price_units"] == one.margin_price()
            assert row["deposited_units"] == one.deposited_units
            if asset > 0:
                held = self.fast.holdings["units"][asset :: len(self.slow.assets)]
                accounts = map(self.slow.accounts.get, range(self.slow.count))
                expected = [one.balances.get(asset, 0) if one else 0 for one in accounts]
                assert held.tolist() == expected


def positions(venue: kernel.Exchange, account: int) -> dict[tuple[int, int], tuple[int, ...]]:
    """An account's positions in the kernel."""
    found = {}
    slot = int(venue.accounts[account]["first_position"])
    names = (
        "lots", "basis_units", "margin_units", "bid_lots", "ask_lots", "bid_units", "ask_units",
        "reduce_lots", "leverage", "isolated",
    )  # fmt: skip
    while slot:
        held = venue.positions[slot]
        key = int(held["key"])
        found[key // 4, key % 4] = tuple(held[name].item() for name in names)
        slot = int(held["next"])
    return found


def as_rows(commands: list[Command]) -> np.ndarray:
    """Commands as the kernel takes them."""
    rows = np.zeros(len(commands), COMMAND)
    for name, column in zip(Command._fields, zip(*commands, strict=True), strict=False):
        rows[name] = column
    return rows


def as_events(rows: np.ndarray) -> list[Event]:
    """Events as the specification gives them."""
    columns = [rows[name].tolist() for name in Event._fields]
    return [Event(*values) for values in zip(*columns, strict=True)]


def difference(commands: list[Command], events: list[Event], expected: list[Event]) -> str:
    """The commands and the events up to the first that differs, for people."""
    lines = [f"{command}" for command in commands]
    for index in range(max(len(events), len(expected))):
        fast = events[index] if index < len(events) else None
        slow = expected[index] if index < len(expected) else None
        lines += [f"kernel    {fast}", f"reference {slow}", "" if fast == slow else "DIFFERENT"]
        if fast != slow:
            break
    return "\n".join(lines)


class Dice(random.Random):
    """The same numbers as Python's own, with fewer calls."""

    def choice(self, seq: Sequence[Any]) -> Any:
        """One of them."""
        return seq[self.below(len(seq))]

    def randint(self, a: int, b: int) -> int:
        """A number from the first to the last."""
        return a + self.below(b - a + 1)

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """A number below one, or from one on and below the other."""
        if stop is None:
            return self.below(start)
        return start + self.below(stop - start)

    def below(self, count: int) -> int:
        """A number from 0 on, as `random.Random` draws it."""
        bits = count.bit_length()
        while True:
            drawn = self.getrandbits(bits)
            if drawn < count:
                return drawn


def run(name: str, seed: int, count: int, every: int = 1) -> int:
    """One sequence of random commands on one venue's rules; returns how many were done.

    Events, money, positions and books are compared after so many commands (``every``) at a time.
    """
    both, done = Both(*VENUES[name], ACCOUNTS), 0
    commands: list[Command] = []
    expected: list[Event] = []
    for command in random_commands(Dice(seed), both.slow, count):
        commands.append(command)
        expected += reference.apply(both.slow, command)
        if len(commands) == every:
            both.follow(commands, expected)
            both.check()
            done += every
            commands, expected = [], []
    both.follow(commands, expected)
    both.check()
    return done + len(commands)


if __name__ == "__main__":
    names = list(VENUES) if sys.argv[1] == "all" else [sys.argv[1]]
    sequences, commands = int(sys.argv[2]), int(sys.argv[3])
    for venue_name in names:
        done = sum(run(venue_name, first, commands, 10) for first in range(sequences))
        sys.stdout.write(f"{venue_name}: {done} commands in {sequences} sequences agree\n")
