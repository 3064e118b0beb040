"""What a run keeps of its venues is what the venues say when they are asked anew."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.lab.board import Board, Purses
from undertow.lab.build import build
from undertow.lab.scenario import load
from undertow.lab.world import FEW, World
from undertow.model import codes


@pytest.fixture(scope="module")
def world() -> World:
    """The teaching market after three minutes of trading."""
    calm = load("gap").with_values({"venue.binance-usdm.accounts": 500})
    made = build(calm, seed=3, path="model", tape=None).world
    for done in made.run():
        if done == 180:
            break
    return made


def test_prices_that_are_kept_are_those_of_the_books(world: World) -> None:
    fresh = Board(world.markets, world._places, len(world.setup.place.assets))
    fresh.look()
    for name in ("bid", "ask", "last"):
        kept = getattr(world.board, name)
        assert np.isfinite(kept).all()
        np.testing.assert_array_equal(kept, getattr(fresh, name))
    assert (world.board.bid < world.board.ask).all()


def test_open_interest_is_the_sum_of_all_longs(world: World) -> None:
    for market in world.markets:
        held = market.engine.positions()
        longs = np.zeros(len(market.listings.symbols), np.int64)
        np.add.at(longs, held["instrument"], np.maximum(held["lots"], 0))
        np.testing.assert_array_equal(market.data.open_lots(), longs)
        assert market.listings.is_spot or longs.sum() > 0


def test_what_small_populations_hold_is_read_again_when_it_changes(world: World) -> None:
    fresh = Purses(
        world.markets, world._places, world.first_account, world.account_count, 1, FEW
    )  # fmt: skip
    seen = 0
    for number in range(len(world.setup.agents)):
        cash, quantity = world._purses.of(number)
        again = fresh.of(number)
        if cash is None:
            assert again == (None, None)
            continue
        np.testing.assert_array_equal(cash, again[0])
        np.testing.assert_array_equal(quantity, again[1])
        seen += 1
    assert seen >= 2


def test_a_mark_is_sent_once_and_after_the_clock(world: World) -> None:
    marks = [world.prices.mark.copy() for _ in world.markets]
    fresh = Board(world.markets, world._places, 1)
    sent = fresh.mark_rows(marks, 7)
    assert [count for _, count in sent] == [0, 1]  # a spot market has no mark
    rows = sent[1][0]
    assert rows["kind"].tolist() == [codes.EXPIRE, codes.MARK]
    assert rows["expire_ns"][0] == 7
    tick = world.markets[1].listings.tick[0]
    assert rows["price_ticks"][1] == round(float(world.prices.mark[1, 0]) / tick)
    assert [count for _, count in fresh.mark_rows(marks, 8)] == [0, 0]
