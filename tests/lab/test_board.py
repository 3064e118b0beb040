"""What a run keeps of its venues is what the venues say when they are asked anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.board import Board, Purses
from undertow.lab.build import build
from undertow.lab.market import Market
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


def test_a_mark_is_sent_once(world: World) -> None:
    marks = [world.prices.mark for _ in world.markets]
    fresh = Board(world.markets, world._places, 1)
    [(venue, rows)] = fresh.mark_rows(marks)
    assert venue == 1  # a spot market has no mark
    assert rows["kind"].tolist() == [codes.MARK]
    tick = world.markets[1].listings.tick[0]
    assert rows["price_ticks"][0] == round(float(marks[1][1, 0]) / tick)
    assert fresh.mark_rows(marks) == []
    [(_, rows)] = fresh.mark_rows([one + tick for one in marks])
    assert rows["price_ticks"][0] == round(float((marks[1] + tick)[1, 0]) / tick)


def test_what_was_seen_is_never_written_to(world: World) -> None:
    board = Board(world.markets, world._places, 1)
    board.look()
    bid, kept = board.bid, board.bid.copy()
    world.markets[1].version += 1  # something happened
    board.look()
    assert board.bid is not bid
    with pytest.raises(ValueError, match="read-only"):
        board.bid[0, 0] = 1.0  # an agent sees this very array
    np.testing.assert_array_equal(bid, kept)


def test_only_venues_whose_rules_look_at_the_clock_are_told_the_time() -> None:
    calm = load("gap").with_values({"venue.binance-usdm.accounts": 500})
    binance = build(calm, seed=3, path="model", tape=None).world.markets[1]
    rules = replace(binance.listings.rules, liquidation_latency_ns=10**9)
    slow = Market("slow", replace(binance.listings, rules=rules), 10)
    row = np.zeros(1, COMMAND)
    row["kind"], row["instrument"], row["price_ticks"] = codes.MARK, 0, 1_000_000
    for market, told in ((binance, 0), (slow, 5)):
        market.begin_step(5)
        market.apply(row)
        assert int(market.engine.venue.state[0]["now_ns"]) == told
