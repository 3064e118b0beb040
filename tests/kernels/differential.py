"""The kernel book and its specification side by side: the same commands, equal answers.

Run as a program with seed and count, it needs no pytest, so that it can run under Numba's switches.
"""

from __future__ import annotations

import random
import sys
from dataclasses import astuple

import numpy as np

from undertow.kernels import book as kernel_book
from undertow.kernels import book_orders, book_view
from undertow.kernels.book_arrays import COMMAND, new_book
from undertow.model import codes
from undertow.reference import book_laws
from undertow.reference.book import Book, Command, Event, Order

ACCOUNTS = 4
ODD = {
    "side": (2, -1),
    "time_in_force": (-1, 4),
    "self_trade": (-1, 4),
    "account": (-1, ACCOUNTS),
    "order_id": (0, -5),
    "quantity_lots": (0, -1, 2**62, 2**63 - 1),
    "expire_ns": (-1, 1),
}


class Both:
    """One book of each kind, compared after every command."""

    def __init__(self, *, amend_keeps_priority: bool = True, capacity: int = 16) -> None:
        self.slow = Book(ACCOUNTS, amend_keeps_priority)
        self.fast = new_book(ACCOUNTS, capacity, amend_keeps_priority=amend_keeps_priority)
        self.events: list[Event] = []

    def apply(self, command: Command) -> list[Event]:
        self.fast, rows = kernel_book.process(self.fast, as_rows([command]), room=4)
        written, expected = as_events(rows), self.slow.apply(command)
        assert written == expected, f"{command}\nkernel {written}\nreference {expected}"
        self.events += written
        return written

    def check(self) -> None:
        sides = []
        for side in (codes.BUY, codes.SELL):
            orders = [Order(*row) for row in book_view.resting(self.fast, side).tolist()]
            expected = self.slow.resting(side)
            assert list(map(astuple, orders)) == list(map(astuple, expected))
            sides.append(orders)
            book_laws.sides_are_sorted(side, orders)
            totals = dict(book_view.levels(self.fast, side).tolist())
            book_laws.level_totals_match(side, orders, totals)
            best = orders[0].price_ticks if orders else 0
            assert book_orders.best_price(self.fast, side) == best
            for worst in {order.price_ticks for order in orders}:
                depth = self.slow.depth_lots(side, worst)
                assert book_orders.depth_lots(self.fast, side, worst) == depth
        book_laws.book_is_uncrossed(*sides)
        book_laws.orders_are_open([*sides[0], *sides[1]])
        book_laws.quantities_add_up(self.events, [*sides[0], *sides[1]])
        self.nothing_leaks(sides[0] + sides[1])

    def nothing_leaks(self, orders: list[Order]) -> None:
        """Tables hold what rests and no more."""
        levels = {(order.side, order.price_ticks) for order in orders}
        assert np.count_nonzero(self.fast.links) == len(orders)
        assert np.count_nonzero(self.fast.level_slots["key"]) == len(levels)
        assert np.count_nonzero(self.fast.nodes["key"]) == self.fast.state[0]["nodes"]
        ends = sum(order.expire_ns > 0 for order in orders)
        assert self.fast.state[0]["deadlines"] == ends


def as_rows(commands: list[Command]) -> np.ndarray:
    """Commands as the kernel takes them."""
    rows = np.zeros(len(commands), COMMAND)
    for name in Command._fields:
        rows[name] = [getattr(command, name) for command in commands]
    return rows


def as_events(rows: np.ndarray) -> list[Event]:
    """Events as the specification gives them."""
    names = list(Event._fields)
    columns = [rows[name].tolist() for name in names]
    return [Event(*values) for values in zip(*columns, strict=True)]


def random_command(dice: random.Random, prices: tuple[int, ...]) -> Command:
    """Any command: mostly sensible, sometimes not; ids of few, so that they meet."""
    kinds = [codes.LIMIT] * 10 + [codes.MARKET, codes.CANCEL, codes.CANCEL_ALL, 77]
    kinds += [codes.AMEND] * 4 + [codes.EXPIRE, codes.CANCEL]
    command = Command(
        kind=dice.choice(kinds),
        side=dice.choice([0, 1]),
        time_in_force=dice.choice([0, 0, 0, 0, 1, 2, 3]),
        self_trade=dice.choice([0, 0, 1, 2, 3]),
        account=dice.randrange(ACCOUNTS),
        order_id=dice.randint(1, 40),
        price_ticks=dice.choice(prices),
        quantity_lots=dice.randint(1, 9),
        expire_ns=dice.choice([0, 0, dice.randint(1, 60)]),
    )
    if dice.random() < 0.1:
        name = dice.choice(list(ODD))
        command = command._replace(**{name: dice.choice(ODD[name])})
    return command


def run(seed: int, count: int, every: int = 1) -> Both:
    """One sequence of random commands."""
    dice = random.Random(seed)
    narrow = tuple(range(100, 106))
    wide = tuple(dice.choice([dice.randint(1, 50), dice.randint(1, 10**14)]) for _ in range(30))
    edges = (1, 2, 31, 32, 33, 1024, 2**47, codes.MOST_PRICE_TICKS, codes.MOST_PRICE_TICKS - 1)
    bad = (0, -3, codes.MOST_PRICE_TICKS + 1)
    prices = dice.choice([narrow, narrow + bad, wide, edges, edges + bad])
    both = Both(amend_keeps_priority=dice.random() < 0.7)
    for number in range(count):
        both.apply(random_command(dice, prices))
        if number % every == 0:
            both.check()
    both.check()
    return both


if __name__ == "__main__":
    sequences, commands = int(sys.argv[1]), int(sys.argv[2])
    for first in range(sequences):
        run(first, commands, 5)
    sys.stdout.write(f"{sequences} sequences of {commands} commands agree\n")
