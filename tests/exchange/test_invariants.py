"""The kernel notices when a law of its own is broken, and says which, with numbers and event."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exchange.commands import random_commands
from exchange.differential import Both, as_rows
from exchange.venues import ACCOUNTS, VENUES
from undertow.kernels import exchange as kernel
from undertow.kernels.exchange_arrays import EVENT, new_exchange
from undertow.kernels.invariants import InvariantViolation, checked
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.reference.exchange import Command

TESTS = Path(__file__).parents[1]
FIRST = codes.FIRST_CUSTOMER


def add(field: str, amount: int) -> Callable[[kernel.Exchange], None]:
    """Spoil the first open position."""

    def spoil(venue: kernel.Exchange) -> None:
        slot = np.flatnonzero(venue.positions["lots"])[0]
        venue.positions[field][slot] += amount

    return spoil


def lose_cash(venue: kernel.Exchange) -> None:
    venue.accounts["cash_units"][FIRST] -= 1


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (lose_cash, "all cash"), (add("margin_units", 5), "all cash"),
        (add("basis_units", 1), "cash - basis"), (add("lots", 1), "longs = shorts"),
    ],
    ids=["cash", "margin", "basis", "lots"],
)  # fmt: skip
def test_a_spoiled_ledger_is_noticed(spoil: Callable[[kernel.Exchange], None], law: str) -> None:
    both = Both(*VENUES["binance-like"], ACCOUNTS)
    dice = random.Random(3)
    for command in random_commands(dice, both.slow, 150):
        both.apply(command)
    spoil(both.fast)
    orders = [
        command._replace(kind=codes.DEPOSIT, account=FIRST, amount=1, asset=0)
        for command in random_commands(dice, both.slow, 400)
    ]
    with pytest.raises(InvariantViolation, match=law) as caught:
        kernel.process(both.fast, as_rows(orders), both.ranking)
    assert abs(caught.value.left - caught.value.right) >= 1
    assert 100 < caught.value.event < 1000
    with pytest.raises(InvariantViolation):  # and the venue is of no use any more
        kernel.process(both.fast, as_rows(orders[:1]), both.ranking)


@pytest.mark.parametrize(
    ("told", "law"),
    [
        ([(codes.INSURANCE_PAID, 5, -4)], "the other receives"),
        ([(codes.FUNDING_PAID, 5, 0), (codes.FUNDING_RESIDUAL, -4, 0)], "funding sums to zero"),
        ([(codes.FILL, 0, 0)], "not negative"),
    ],
)
def test_an_event_that_cannot_be_is_noticed(told: list[tuple[int, int, int]], law: str) -> None:
    venue = new_exchange((Contract(),), Rules(), 8)._replace(events=np.zeros(8, EVENT))
    venue.state["events"] = 1 + len(told)
    venue.events["kind"][0] = codes.ACCEPTED
    for row, (kind, amount, other) in zip(venue.events[1:], told, strict=False):
        row["kind"], row["amount_units"], row["maker_amount_units"] = kind, amount, other
    venue = venue._replace(unseen=venue.unseen[:1])
    with pytest.raises(InvariantViolation, match=law) as caught:
        checked(venue)
    assert caught.value.event == len(told)  # the last of them, from 0


def test_a_crossed_book_is_noticed() -> None:
    both = Both((Contract(),), Rules(), 8)
    for kind, fields in (
        (codes.DEPOSIT, {"amount": 10**9}), (codes.MARK, {"price_ticks": 100}),
        (codes.LIMIT, {"order_id": 1, "price_ticks": 90, "quantity_lots": 5}),
        (codes.LIMIT, {"order_id": 2, "price_ticks": 91, "quantity_lots": 5, "side": 1}),
    ):  # fmt: skip
        both.apply(Command(kind, account=FIRST, **fields))
    both.fast.book.sides["best_rank"][1] = 89
    more = as_rows([Command(codes.DEPOSIT, account=FIRST, amount=1)] * 300)
    with pytest.raises(InvariantViolation, match=r"best ask: 90 is not 89"):
        kernel.process(both.fast, more, both.ranking)


WATERFALL = """
import sys
from undertow.kernels import waterfall
from undertow.kernels.invariants import InvariantViolation
from exchange.differential import Both
from exchange.commands import random_commands
from exchange.venues import ACCOUNTS, VENUES
import random

setattr(waterfall, sys.argv[2], lambda *arguments: 0)
for seed in range(60):
    both = Both(*VENUES[sys.argv[1]], ACCOUNTS)
    try:
        for command in random_commands(random.Random(seed), both.slow, 160):
            both.apply(command)
    except InvariantViolation as error:
        print(error.law)
        break
    except AssertionError:
        continue
"""


@pytest.mark.parametrize(
    ("venue", "name"), [("hyperliquid-like", "keep_surplus"), ("no-takeover", "write_off")]
)
def test_a_waterfall_that_does_not_close_is_noticed(venue: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATERFALL, venue, name], cwd=TESTS, capture_output=True, text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "equity + what was paid in = what is left", done.stderr
