"""How members of the crowd come near liquidation, get out of it, and are followed by others."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.crowd_draw import Book, Holdings
from undertow.agents.crowd_margin import HOLDS, IDLE, LEFT, PIECE, RENEW_S, TOO_LATE, MarginWatch
from undertow.agents.crowd_pace import Pace
from undertow.agents.crowd_tiers import USUAL, Tiers, equity, level, level_of
from undertow.model import codes
from undertow.testing import START_NS, small_place

from .test_agent_kinds import orders_of, prices, seen_at, sent
from .worlds import make

VENUE, PRICE = 1, 107_000.0


def watch(away: float, sign: float = 1.0, count: int = 4000, **settings) -> MarginWatch:
    """Positions of 10,000 dollars each, entered at the present price."""
    place = small_place()
    own = make("crowd", place, **settings).parameters
    found = MarginWatch(own, place, Book(), np.random.default_rng(1))
    usd, one = np.full(count, 1e4), np.ones(count)
    at = level(np.full(count, sign > 0), PRICE * one, away * one, 0.008 * one, 0.006 * one)
    coins = sign * usd / PRICE
    held = Holdings(
        np.zeros(count, np.int64), np.arange(count), coins, PRICE * one,
        equity(coins, PRICE * one, at, 0.006 * one), away * one, at,
    )  # fmt: skip
    found.add(VENUE, held, np.array([PRICE, 165.0]))
    return found


def states(found: MarginWatch) -> np.ndarray:
    return np.bincount(found._rows[VENUE]["state"], minlength=4)


def walk(found: MarginWatch, path: list[float], step_s: float = 5.0):
    """Commands at the venue over a path of Bitcoin's marks."""
    nobody = [np.zeros(4000, np.bool_) for _ in range(found._shape[0])]
    sums = []
    for step, price in enumerate(path):
        orders = orders_of(found._place)
        found.act(seen_at(int(step * step_s), prices(price)), orders, nobody)
        sums.append(sent(orders, VENUE))
    return np.concatenate(sums)


def test_far_from_liquidation_nobody_does_anything():
    found = watch(0.05)
    rows = walk(found, np.linspace(PRICE, 0.97 * PRICE, 100).tolist())
    assert len(rows) == 0
    assert states(found)[HOLDS] == 4000


def test_near_liquidation_most_pay_in_full_and_a_few_are_too_late():
    found = watch(0.05, late_share=0.1, late_power=0.0)
    rows = walk(found, [PRICE, 0.953 * PRICE])
    count = states(found)
    assert count[TOO_LATE] == pytest.approx(400, abs=60)
    assert count[IDLE] == pytest.approx(0.97 * 3600, rel=0.02)
    deposits = rows[rows["kind"] == codes.DEPOSIT]
    # 5.6 % of the old value was there and 4.7 % of it is lost; they have all of it now.
    assert deposits["amount"] / 1e6 == pytest.approx(0.953e4 - (0.0557e4 - 0.047e4), rel=1e-3)
    leaving = rows[rows["kind"] == codes.LIMIT]
    assert len(leaving) == count[LEFT] > 0
    assert np.all(leaving["time_in_force"] == codes.IOC)
    assert np.all(leaving["flags"] & codes.REDUCE_ONLY)


def pairs(second: float, count: int = 2000, **settings) -> MarginWatch:
    """Accounts with 10,000 dollars of Bitcoin and as much of Solana, 5 and ``second`` away."""
    place = small_place()
    own = make("crowd", place, **settings).parameters
    found = MarginWatch(own, place, Book(), np.random.default_rng(1))
    price = np.array([PRICE, 165.0])
    asset, away = np.repeat([0, 1], count), np.repeat([0.05, second], count)
    now, rate = price[asset], np.full(2 * count, 0.006)
    at = level(np.ones(2 * count, np.bool_), now, away, np.full(2 * count, 0.008), rate)
    coins = 1e4 / now
    held = Holdings(asset, np.tile(np.arange(count), 2), coins, now,
                    equity(coins, now, at, rate), away, at)  # fmt: skip
    found.add(VENUE, held, price)
    return found


def both(found: MarginWatch, bitcoin: float, solana: float) -> np.ndarray:
    """Commands after a step with these prices."""
    orders = orders_of(found._place)
    nobody = [np.zeros(4000, np.bool_) for _ in range(found._shape[0])]
    mark = prices(bitcoin)
    mark[:, 1] = solana
    found.act(seen_at(5, mark), orders, nobody)
    return sent(orders, VENUE)


def test_one_coin_may_fall_as_long_as_the_other_has_margin():
    found = pairs(0.5, late_share=0.0)
    assert len(both(found, 0.94 * PRICE, 165.0)) == 0
    assert states(found)[HOLDS] == 4000


def test_who_leaves_or_is_too_late_is_so_with_all_coins():
    found = pairs(0.1, late_share=0.3, late_power=0.0)
    # Solana takes what Bitcoin alone would still have had.
    rows = both(found, 0.99 * PRICE, 0.86 * 165.0)
    state = found._rows[VENUE]["state"]
    first, second = state[:2000], state[2000:]
    assert np.array_equal(first, second)
    assert np.mean(first == TOO_LATE) == pytest.approx(0.3, abs=0.04)
    assert (rows["kind"] == codes.DEPOSIT).sum() == 2 * (first == IDLE).sum()
    assert (rows["kind"] == codes.LIMIT).sum() == 2 * (first == LEFT).sum() > 0


def test_a_new_holder_takes_over_all_coins_of_an_account():
    found = pairs(0.1, lifetime_days=0.01, lifetime_power=0.0, late_share=0.0)
    both(found, 0.99 * PRICE, 0.86 * 165.0)
    nobody = [np.zeros(4000, np.bool_) for _ in range(found._shape[0])]
    for minute in range(1, 60):
        mark = prices(0.99 * PRICE)
        mark[:, 1] = 0.86 * 165.0
        found.act(seen_at(60 * minute, mark), orders_of(found._place), nobody)
    state = found._rows[VENUE]["state"]
    assert np.array_equal(state[:2000], state[2000:])
    assert np.mean(state == HOLDS) > 0.8


def test_the_faster_the_market_the_more_are_too_late():
    late = []
    for steps in (240, 20):
        found = watch(0.05, late_share=0.02, late_power=0.8)
        walk(found, np.linspace(PRICE, 0.952 * PRICE, steps).tolist(), step_s=60.0)
        late.append(states(found)[TOO_LATE])
    assert late[1] > 2 * late[0] > 0


def test_a_jump_over_the_last_part_asks_nobody_twice():
    found = watch(0.05, late_share=0.0)
    walk(found, [PRICE, 0.953 * PRICE, 0.97 * PRICE, 0.953 * PRICE])
    assert states(found)[TOO_LATE] == 0
    assert states(found)[HOLDS] == 0


def test_who_takes_over_a_short_in_profit_trades_to_take_the_profit_out():
    found = watch(0.01, sign=-1.0, count=400, lifetime_days=0.01, lifetime_power=0.0)
    falling = np.linspace(PRICE, 0.9 * PRICE, 120).tolist()
    rows = walk(found, [*falling, *[0.9 * PRICE] * 30], step_s=60.0)
    trades = rows[rows["kind"] == codes.MARKET]
    assert len(trades) > 400
    bought = trades["side"] == codes.BUY
    assert bought.sum() == (~bought).sum()
    own = found._rows[VENUE]
    held = own["state"] == HOLDS
    assert held.sum() > 200
    # Their liquidation price has followed the market down.
    assert np.mean(own["level"][held] < 0.93 * PRICE) > 0.9


def test_no_more_trade_for_their_cash_at_once_than_the_book_bears():
    found = watch(0.01, sign=-1.0, lifetime_days=0.01, lifetime_power=0.0)
    falling = np.linspace(PRICE, 0.9 * PRICE, 120).tolist()
    rows = walk(found, [*falling, *[0.9 * PRICE] * 30], step_s=60.0)
    trades = rows[rows["kind"] == codes.MARKET]
    turns = 1 + 150 * 60 // RENEW_S
    room_usd = PIECE * float(found._place.depth_usd[VENUE, 0])
    assert 0 < len(trades) / 2 * 1e4 <= turns * room_usd


def test_the_price_of_liquidation_follows_from_equity_and_back():
    usd = np.array([1e4, 2e6, 3e7])
    rate = USUAL.maintenance(usd)
    for sign in (1.0, -1.0):
        coins = sign * usd / PRICE
        at = PRICE * (1 - sign * np.array([0.01, 0.1, 0.3]))
        worth = equity(coins, np.full(3, PRICE), at, rate)
        assert level_of(coins, np.full(3, PRICE), worth, rate) == pytest.approx(at)


def test_tiers_ask_more_of_large_positions():
    tiers = Tiers(
        np.array([0.0, 1e5, 1e6]), np.array([0.004, 0.01, 0.05]), np.array([0.0, 600.0, 40_600.0]),
        np.array([125.0, 50.0, 10.0]),
    )  # fmt: skip
    share = tiers.maintenance(np.array([5e4, 1e5, 1e6, 1e7]))
    assert share == pytest.approx([0.004, 0.004, 0.0094, 0.04594])
    assert tiers.most(np.array([5e4, 1e5, 1e7])).tolist() == [125.0, 50.0, 10.0]


def test_the_usual_hour_has_a_pace_of_one():
    pace = Pace((1, 1), START_NS)
    pace.typical = np.array([0.05])
    hour = 0.05 / np.sqrt(24)
    for minute in range(61):
        seen = seen_at(60 * minute, np.array([[100.0 * np.exp(hour * minute / 60)]]))
        pace.see(seen, seen.mark)
    assert pace.speed(seen)[0, 0] == pytest.approx(1.0)
    low, high = pace.extremes(13)
    assert low[0, 0] == pytest.approx(100.0)
    assert high[0, 0] == pytest.approx(100.0 * np.exp(hour))


def test_a_sudden_fall_is_more_of_a_rush_than_one_of_an_hour():
    rush = []
    for minutes in (5, 60):
        pace = Pace((1, 1), START_NS)
        pace.typical = np.array([0.05])
        for minute in range(121):
            fallen = 0.1 * np.clip((minute - 120 + minutes) / minutes, 0, 1)
            seen = seen_at(60 * minute, np.array([[100.0 * np.exp(-fallen)]]))
            pace.see(seen, seen.mark)
        assert pace.speed(seen)[0, 0] == pytest.approx(0.1 / 0.05 * np.sqrt(24), rel=0.01)
        rush.append(pace.rush(seen)[0, 0])
    assert rush[1] == pytest.approx(pace.speed(seen)[0, 0], rel=0.05)
    assert rush[0] == pytest.approx(rush[1] * np.sqrt(60 / 5), rel=0.05)
