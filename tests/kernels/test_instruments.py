"""Several instruments in one book, driven as a venue drives it; a specification for each."""

from __future__ import annotations

import random
from dataclasses import astuple

import numpy as np
import pytest

from kernels.differential import as_events, as_rows
from undertow.kernels import book as kernel_book
from undertow.kernels import book_orders, book_view, matching
from undertow.kernels.book_arrays import MOST_INSTRUMENTS, NONE, Book, grown, new_book
from undertow.model import codes
from undertow.model.codes import BUY, MOST_PRICE_TICKS, SELL
from undertow.reference import book as reference

INSTRUMENTS = 3
ACCOUNTS = 3


def enter(book: Book, instrument: int, command: reference.Command) -> list[tuple[int, int, int]]:
    """Fill a limit order and let the remainder rest; makers with price and lots."""
    queue = 2 * instrument + command.side
    other = queue ^ 1
    left, fills = command.quantity_lots, []
    worst = book_orders.rank_of(other, command.price_ticks)
    while left > 0:
        slot = matching.best_maker(book, other, worst)
        if slot == NONE:
            break
        maker = book.orders[slot].copy()
        lots = min(left, int(maker["quantity_lots"]))
        fills.append((int(maker["order_id"]), matching.order_price(book, slot), lots))
        matching.take_lots(book, slot, lots)
        left -= lots
    if left > 0:
        position = book_orders.position_of(book, command.order_id)
        assert book_orders.slot_at(book, position) == NONE
        book_orders.rest(
            book, command.order_id, command.account, queue,
            book_orders.rank_of(queue, command.price_ticks), left, command.expire_ns,
            command.time_in_force == codes.POST_ONLY, command.account == 1, position,
        )  # fmt: skip
    return fills


def cancel(book: Book, order_id: int) -> None:
    position = book_orders.position_of(book, order_id)
    book_orders.take_away(book, book_orders.slot_at(book, position), position)


def assert_same(book: Book, expected: list[reference.Book]) -> None:
    """All queues; not the sequence, which counts through all instruments."""
    for instrument, one in enumerate(expected):
        for side in (BUY, SELL):
            queue = 2 * instrument + side
            orders = [row[:7] for row in book_view.resting(book, queue).tolist()]
            assert orders == [astuple(order)[:7] for order in one.resting(side)]
            best = orders[0][3] if orders else 0
            assert book_orders.best_price(book, queue) == best
            for worst in {order[3] for order in orders}:
                depth = one.depth_lots(side, worst)
                assert book_orders.depth_lots(book, queue, worst) == depth
    resting = book.orders[book.links[book.links != 0]]
    assert (resting["reduce_only"] == (resting["account"] == 1)).all()


@pytest.mark.parametrize(
    "prices",
    [range(100, 104), (1, 2, 2**40, 2**47, MOST_PRICE_TICKS - 1, MOST_PRICE_TICKS)],
    ids=["near", "far"],
)
def test_each_instrument_is_a_book_of_its_own(prices: range | tuple[int, ...]) -> None:
    dice = random.Random(3)
    book = new_book(ACCOUNTS, 16, instruments=INSTRUMENTS)
    expected = [reference.Book(ACCOUNTS) for _ in range(INSTRUMENTS)]
    filled = 0
    for order_id in range(1, 500):
        instrument = dice.randrange(INSTRUMENTS)
        one = expected[instrument]
        if dice.random() < 0.4 and one.orders:
            order = one.orders[dice.choice(list(one.orders))]
            one.apply(
                reference.Command(codes.CANCEL, account=order.account, order_id=order.order_id)
            )
            cancel(book, order.order_id)
        else:
            command = reference.Command(
                codes.LIMIT, dice.choice([BUY, SELL]), account=dice.randrange(ACCOUNTS),
                order_id=order_id, price_ticks=dice.choice(prices),
                quantity_lots=dice.randint(1, 9), expire_ns=dice.choice([0, order_id]),
            )  # fmt: skip
            fills = [event for event in one.apply(command) if event.kind == codes.FILL]
            assert enter(book, instrument, command) == [
                (event.maker_id, event.price_ticks, event.quantity_lots) for event in fills
            ]
            filled += len(fills)
        while not kernel_book.has_room(book):
            book = grown(book)
        assert_same(book, expected)
    assert filled > 100
    assert len(book.orders) > 16


def test_the_last_instrument_takes_the_first_and_the_last_price() -> None:
    book = new_book(1, 16, instruments=MOST_INSTRUMENTS)
    last = MOST_INSTRUMENTS - 1
    for order_id, side, price in (
        (1, SELL, MOST_PRICE_TICKS), (2, SELL, MOST_PRICE_TICKS - 1), (3, BUY, 1), (4, BUY, 2),
    ):  # fmt: skip
        enter(book, last, reference.Command(
            codes.LIMIT, side, order_id=order_id, price_ticks=price, quantity_lots=5,
        ))  # fmt: skip
    assert book_view.levels(book, 2 * last + SELL).tolist() == [
        (MOST_PRICE_TICKS - 1, 5), (MOST_PRICE_TICKS, 5),
    ]  # fmt: skip
    assert book_view.levels(book, 2 * last + BUY).tolist() == [(2, 5), (1, 5)]
    assert np.count_nonzero(book.sides["orders"]) == 2


def test_commands_of_the_book_alone_touch_the_first_instrument_only() -> None:
    book = new_book(1, 16, instruments=2)
    order = reference.Command(
        codes.LIMIT, SELL, order_id=1, price_ticks=5, quantity_lots=3
    )  # fmt: skip
    enter(book, 1, order)
    buy = order._replace(order_id=2, side=BUY)
    book, rows = kernel_book.process(book, as_rows([buy]))
    assert [event.kind for event in as_events(rows)] == [codes.ACCEPTED]
    assert book_view.levels(book, 2 + SELL).tolist() == [(5, 3)]
