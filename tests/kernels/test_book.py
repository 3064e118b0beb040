"""The order book: worked examples, and the kernel beside its specification."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import differential
from kernels.differential import Both, as_events, as_rows
from undertow.kernels import book as kernel_book
from undertow.kernels import book_view
from undertow.kernels.book_arrays import EVENT, new_book, with_accounts
from undertow.model import codes
from undertow.model.codes import BUY, CANCEL_BOTH, CANCEL_NEWEST, CANCEL_OLDEST, SELL
from undertow.reference import book_laws
from undertow.reference.book import Command, Event, Order

HERE = Path(__file__).parent


def limit(
    order_id: int, side: int, price: int, lots: int, account: int = 0, **more: int
) -> Command:
    return Command(
        codes.LIMIT, side, account=account, order_id=order_id, price_ticks=price,
        quantity_lots=lots, **more,
    )  # fmt: skip


def sent(*commands: Command, **options: bool) -> tuple[Both, list[Event]]:
    """Both books after the commands, and the events of the last one."""
    both = Both(**options)
    events: list[Event] = []
    for command in commands:
        events = both.apply(command)
        both.check()
    return both, events


def brief(events: list[Event]) -> list[tuple[str, str, int, int, int]]:
    """Kind, reason, order or maker, price, lots."""
    return [
        (codes.EVENT_NAMES[event.kind], codes.REASON_NAMES[event.reason],
         event.maker_id or event.order_id, event.price_ticks, event.quantity_lots)
        for event in events
    ]  # fmt: skip


def test_better_prices_are_filled_first_and_then_those_who_came_first() -> None:
    both, events = sent(
        limit(1, SELL, 101, 5), limit(2, SELL, 100, 5), limit(3, SELL, 100, 5),
        limit(4, BUY, 101, 12, account=1),
    )  # fmt: skip
    assert brief(events) == [
        ("accepted", "", 4, 101, 12), ("fill", "", 2, 100, 5), ("fill", "", 3, 100, 5),
        ("fill", "", 1, 101, 2),
    ]  # fmt: skip
    assert book_view.levels(both.fast, SELL).tolist() == [(101, 3)]
    assert len(book_view.levels(both.fast, BUY)) == 0


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (Command(codes.MARKET, BUY, order_id=9, quantity_lots=9),
         ("cancelled", "remainder of a market order", 9, 0, 4)),
        (limit(9, BUY, 100, 9, time_in_force=codes.IOC),
         ("cancelled", "remainder of immediate-or-cancel", 9, 100, 4)),
        (limit(9, BUY, 100, 9, time_in_force=codes.FOK),
         ("cancelled", "fill-or-kill could not be filled whole", 9, 100, 9)),
        (limit(9, BUY, 100, 5, time_in_force=codes.FOK), ("fill", "", 1, 100, 5)),
        (limit(9, BUY, 100, 5, time_in_force=codes.POST_ONLY),
         ("rejected", "post-only order would take", 9, 100, 5)),
        (limit(9, BUY, 99, 5, time_in_force=codes.POST_ONLY), ("accepted", "", 9, 99, 5)),
    ],
)  # fmt: skip
def test_times_in_force(command: Command, last: tuple[str, str, int, int, int]) -> None:
    _, events = sent(limit(1, SELL, 100, 5, account=1), command)
    assert brief(events)[-1] == last


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (codes.SELF_TRADE_ALLOWED, [("fill", "", 1, 100, 5), ("fill", "", 2, 100, 2)]),
        (CANCEL_NEWEST, [("cancelled", "self-trade prevention", 9, 100, 7)]),
        (CANCEL_OLDEST, [("cancelled", "self-trade prevention", 1, 100, 5),
                         ("fill", "", 2, 100, 5)]),
        (CANCEL_BOTH, [("cancelled", "self-trade prevention", 1, 100, 5),
                       ("cancelled", "self-trade prevention", 9, 100, 7)]),
    ],
)  # fmt: skip
def test_an_account_meets_itself(mode: int, expected: list[tuple[object, ...]]) -> None:
    _, events = sent(
        limit(1, SELL, 100, 5), limit(2, SELL, 100, 5, account=1),
        limit(9, BUY, 100, 7, self_trade=mode),
    )  # fmt: skip
    assert brief(events)[1:] == expected


@pytest.mark.parametrize(
    ("lots", "price", "keeps", "first"),
    [(4, 100, True, 1), (4, 100, False, 2), (6, 100, True, 2), (5, 101, True, 2)],
)
def test_an_amendment_keeps_or_loses_its_place(
    lots: int, price: int, keeps: bool, first: int
) -> None:
    amendment = Command(codes.AMEND, order_id=1, price_ticks=price, quantity_lots=lots)
    _, events = sent(
        limit(1, SELL, 100, 5), limit(2, SELL, 100, 5), amendment,
        Command(codes.MARKET, BUY, account=1, order_id=9, quantity_lots=1),
        amend_keeps_priority=keeps,
    )  # fmt: skip
    assert brief(events)[-1][:3] == ("fill", "", first)


def test_an_amendment_over_the_spread_is_filled() -> None:
    _, events = sent(
        limit(1, BUY, 99, 5), limit(2, SELL, 101, 3, account=1),
        Command(codes.AMEND, order_id=1, price_ticks=101, quantity_lots=4),
    )  # fmt: skip
    assert brief(events) == [("amended", "", 1, 101, 4), ("fill", "", 2, 101, 3)]


def test_time_takes_orders_out_in_the_order_of_their_ends() -> None:
    both, events = sent(
        limit(1, BUY, 99, 1, expire_ns=30), limit(2, BUY, 98, 1, expire_ns=10),
        limit(3, BUY, 97, 1), limit(4, BUY, 99, 1, expire_ns=31),
        limit(5, BUY, 99, 1, expire_ns=10),
        Command(codes.EXPIRE, expire_ns=30),
    )  # fmt: skip
    assert [event.order_id for event in events] == [2, 5, 1]
    assert brief(both.apply(limit(6, BUY, 99, 1, expire_ns=30)))[0][:2] == (
        "rejected", "expires at or before the present"
    )  # fmt: skip


def test_all_orders_of_one_account_leave_and_no_others() -> None:
    both, events = sent(
        limit(1, BUY, 99, 1), limit(2, BUY, 98, 1, account=1), limit(3, SELL, 101, 1),
        Command(codes.CANCEL_ALL, account=0),
    )  # fmt: skip
    assert [event.order_id for event in events] == [3, 1]
    assert book_view.resting(both.fast, BUY)["order_id"].tolist() == [2]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (limit(1, BUY, 99, 1), codes.DUPLICATE_ORDER),
        (limit(0, BUY, 99, 1), codes.ORDER_ID_NOT_POSITIVE),
        (limit(9, BUY, 0, 1), codes.PRICE_NOT_POSITIVE),
        (limit(9, BUY, 2**48, 1), codes.PRICE_TOO_LARGE),
        (limit(9, BUY, 99, 0), codes.QUANTITY_NOT_POSITIVE),
        (limit(9, BUY, 99, 2**62), codes.QUANTITY_TOO_LARGE),
        (limit(9, 2, 99, 1), codes.BAD_SIDE),
        (limit(9, BUY, 99, 1, time_in_force=4), codes.BAD_TIME_IN_FORCE),
        (limit(9, BUY, 99, 1, self_trade=4), codes.BAD_SELF_TRADE_MODE),
        (limit(9, BUY, 99, 1, account=4), codes.UNKNOWN_ACCOUNT),
        (Command(codes.CANCEL, order_id=2), codes.UNKNOWN_ORDER),
        (Command(codes.CANCEL, account=1, order_id=1), codes.UNKNOWN_ORDER),
        (Command(codes.AMEND, order_id=2, price_ticks=1, quantity_lots=1), codes.UNKNOWN_ORDER),
        (Command(codes.CANCEL_ALL, account=-1), codes.UNKNOWN_ACCOUNT),
        (Command(99), codes.UNKNOWN_COMMAND),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(command: Command, reason: int) -> None:
    both, events = sent(limit(1, BUY, 99, 1), command)
    assert [(event.kind, event.reason) for event in events] == [(codes.REJECTED, reason)]
    assert book_view.levels(both.fast, BUY).tolist() == [(99, 1)]


@settings(max_examples=400)
@given(st.integers(0, 2**32))
def test_kernel_and_specification_agree(seed: int) -> None:
    differential.run(seed, 50, every=3)


def test_random_sequences_reach_every_event_and_reason() -> None:
    runs = [differential.run(seed, 60, every=60) for seed in range(150)]
    events = [event for both in runs for event in both.events]
    assert {event.kind for event in events} == set(codes.EVENT_NAMES)
    assert {event.reason for event in events} == set(codes.REASON_NAMES)


@pytest.mark.parametrize("switch", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_they_agree_under_the_switch(switch: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "differential.py", "25", "40"],
        env={**os.environ, switch: "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "25 sequences" in done.stdout


def test_a_batch_is_the_same_as_one_by_one_and_grows_as_it_must() -> None:
    dice = np.random.default_rng(5)
    count = 4000
    commands = [
        limit(number + 1, int(side), int(price), 3, account=number % 4)
        for number, (side, price) in enumerate(
            zip(dice.integers(0, 2, count), dice.integers(1, 10**12, count), strict=True)
        )
    ]
    _, once = kernel_book.process(new_book(4, 16), as_rows(commands))
    book, few = kernel_book.process(new_book(4, 16), as_rows(commands), room=4)
    assert once.tobytes() == few.tobytes()
    assert few["command"].tolist() == sorted(few["command"].tolist())
    assert few["command"][-1] == count - 1
    resting = [Order(*row) for side in (0, 1) for row in book_view.resting(book, side).tolist()]
    book_laws.quantities_add_up(as_events(few), resting)
    assert len(book.orders) < 8192


def test_a_new_account_can_be_added() -> None:
    book, _ = kernel_book.process(new_book(1), as_rows([limit(1, BUY, 5, 1)]))
    book, events = kernel_book.process(
        with_accounts(book, 2),
        as_rows([limit(2, BUY, 5, 1, account=1), Command(codes.CANCEL_ALL, account=0)]),
    )
    assert as_events(events)[-1].order_id == 1


def test_a_new_account_owns_nothing_whatever_left_before() -> None:
    orders = [limit(number, BUY, 5, 1) for number in (1, 2, 3)]
    book, _ = kernel_book.process(
        new_book(1), as_rows([*orders, Command(codes.CANCEL, order_id=2)])
    )
    book, events = kernel_book.process(
        with_accounts(book, 3),
        as_rows([Command(codes.CANCEL_ALL, account=account) for account in (1, 2, 3, 0)]),
    )
    assert [(event.kind, event.account, event.order_id) for event in as_events(events)] == [
        (codes.REJECTED, 3, 0), (codes.CANCELLED, 0, 3), (codes.CANCELLED, 0, 1),
    ]  # fmt: skip


def test_nothing_to_do_gives_nothing() -> None:
    _, events = kernel_book.process(new_book(1), as_rows([]))
    assert events.dtype == EVENT
    assert len(events) == 0


def test_a_broken_law_is_named_with_its_numbers() -> None:
    bid, ask = Order(1, 0, BUY, 7, 1, 0, False, 0), Order(2, 0, SELL, 7, 1, 0, False, 1)
    later = Order(3, 0, BUY, 8, 0, 0, False, 2)
    for check, numbers in (
        (lambda: book_laws.book_is_uncrossed([bid], [ask]), "bid 7 not below ask 7"),
        (lambda: book_laws.sides_are_sorted(BUY, [bid, later]), "side 0 sorted"),
        (lambda: book_laws.orders_are_open([later]), "open_lots=0"),
        (lambda: book_laws.orders_are_open([bid, bid]), "id 1 twice"),
        (lambda: book_laws.level_totals_match(BUY, [bid], {7: 2}), "{7: 2}, orders {7: 1}"),
        (lambda: book_laws.quantities_add_up([], [bid]), "the book holds {1: 1}"),
    ):
        with pytest.raises(book_laws.BookLawBroken) as caught:
            check()
        assert numbers in str(caught.value)
