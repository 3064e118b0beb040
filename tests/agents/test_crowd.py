"""The crowd on the eve, and what sets it off."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.crowd_draw import Cells, mix, sizes
from undertow.agents.crowd_triggers import Triggers
from undertow.errors import UndertowError
from undertow.model import codes
from undertow.testing import small_place

from .test_agent_kinds import orders_of, prices, seen_at, sent
from .worlds import make, world


def opened(**settings):
    place = small_place()
    agent = make("crowd", place, **({"count": 5000} | settings))
    orders = orders_of(place)
    agent.start(seen_at(0, prices()), orders)
    return agent, orders


def test_positions_sum_to_the_open_interest_of_each_venue_and_side():
    _, orders = opened(short_share=0.75)
    for one in orders.openings:
        usd = one.quantity * [107_000.0, 165.0][one.asset]
        whole = small_place().open_interest_usd[one.venue, one.asset]
        assert usd[usd > 0].sum() == pytest.approx(whole, rel=1e-6)
        assert -usd[usd < 0].sum() == pytest.approx(0.75 * whole, rel=1e-6)
        assert np.all(one.equity_usd > 0)


def test_sizes_are_heavy_tailed_and_nobody_is_the_market():
    drawn = np.sort(sizes(np.random.default_rng(1), 20_000, 1.2, 1e9))
    assert drawn.sum() == pytest.approx(1e9)
    assert drawn[-1] <= 0.0031 * 1e9
    assert drawn[-200:].sum() > 0.2e9


def test_some_accounts_hold_several_assets_and_some_of_them_hedged():
    _, orders = opened()
    held: dict[tuple[int, int], list[float]] = {}
    for one in orders.openings:
        for account, quantity in zip(one.account.tolist(), one.quantity.tolist(), strict=True):
            held.setdefault((one.venue, account), []).append(quantity)
    several = [own for own in held.values() if len(own) > 1]
    hedged = [own for own in several if min(own) < 0 < max(own)]
    assert 0.02 < len(several) / len(held) < 0.3
    assert 0.1 < len(hedged) / len(several) < 0.7


def test_who_holds_one_coin_without_borrowing_holds_all_so():
    place = small_place()
    agent = make("crowd", place, count=4000, multi_share=0.5)
    for venue, asset in ((1, 0), (1, 1)):
        price = [107_000.0, 165.0][asset]
        agent.book.cells[venue, asset] = Cells(
            np.array([True, True, False, False]), np.full(4, price), np.full(4, 0.1), np.ones(4),
            np.array([True, False, True, False]),
        )  # fmt: skip
    orders = orders_of(place)
    agent.start(seen_at(0, prices()), orders)
    rows = agent._margin._rows[1]
    waits: dict[int, set[bool]] = {}
    for account, at in zip(rows["account"].tolist(), rows["level"].tolist(), strict=True):
        waits.setdefault(account, set()).add(at != at)
    assert len(rows) > 1.1 * len(waits)
    assert {len(kinds) for kinds in waits.values()} == {1}


def test_a_given_map_decides_where_positions_were_entered():
    place = small_place()
    agent = make("crowd", place, count=2000)
    agent.book.exposed[1, 0] = 1.0
    agent.book.cells[1, 0] = Cells(
        np.array([True, False]), np.array([104_000.0, 110_000.0]), np.array([0.2, 0.25]),
        np.ones(2), np.zeros(2, np.bool_),
    )  # fmt: skip
    orders = orders_of(place)
    agent.start(seen_at(0, prices()), orders)
    own = next(one for one in orders.openings if (one.venue, one.asset) == (1, 0))
    longs = own.quantity > 0
    assert set(own.entry_price[longs]) == {104_000.0}
    assert set(own.entry_price[~longs]) == {110_000.0}
    # Liquidated a fifth below the entry, where 0.6 % of the value is left.
    usd = np.abs(own.quantity) * 107_000.0
    small = longs & (usd < 5e6)
    level = 0.8 * 104 / 107
    assert own.equity_usd[small] == pytest.approx(usd[small] * (1 - level + 0.006 * level))


def test_what_left_before_the_eve_is_held_without_borrowing():
    place = small_place()
    agent = make("crowd", place, count=2000)
    agent.book.exposed[1, 0] = 0.5
    both = np.array([True, False])
    agent.book.cells[1, 0] = Cells(
        both, np.full(2, 107_000.0), np.full(2, 0.1), np.ones(2), np.array([False, True])
    )
    orders = orders_of(place)
    agent.start(seen_at(0, prices()), orders)
    own = next(one for one in orders.openings if (one.venue, one.asset) == (1, 0))
    share = own.equity_usd / np.abs(own.quantity) / 107_000.0
    longs = own.quantity > 0
    # Half of the longs' open interest cannot be liquidated, and no short can.
    usd = np.abs(own.quantity) * 107_000.0
    assert usd[longs & (share > 0.99)].sum() == pytest.approx(usd[longs].sum() / 2)
    assert np.all(share[~longs] == pytest.approx(1.0))


def test_a_lower_leverage_cap_puts_more_margin_behind_the_same_positions():
    whole = {}
    for cap in (125.0, 3.0):
        _, orders = opened(max_leverage=cap)
        whole[cap] = [
            sum(values.sum() for values in (np.abs(one.quantity), one.equity_usd)[k : k + 1])
            for k in (0, 1)
            for one in orders.openings
            if (one.venue, one.asset) == (1, 0)
        ]
    assert whole[3.0][0] == pytest.approx(whole[125.0][0])
    assert whole[3.0][1] > whole[125.0][1]


def test_the_same_dice_draw_the_same_crowd():
    first, second = opened()[1], opened()[1]
    for one, other in zip(first.openings, second.openings, strict=True):
        assert np.array_equal(one.quantity, other.quantity)
        assert np.array_equal(one.account, other.account)


def test_a_fall_makes_longs_give_up_and_others_add_margin():
    agent, _ = opened()
    agent.act(seen_at(0, prices()), orders_of(agent.place))
    orders = orders_of(agent.place)
    agent.act(seen_at(10, prices(97_000.0, 140.0)), orders)
    rows = sent(orders, 1)
    assert (rows["kind"] == codes.DEPOSIT).any()
    closing = rows[(rows["flags"] & codes.REDUCE_ONLY) > 0]
    assert (closing["side"] == codes.SELL).any()
    assert (closing["side"] == codes.BUY).any()  # shorts that take their profit


def test_news_makes_longs_give_up_that_the_price_alone_would_not():
    from undertow.agents.observation import News

    counts = []
    for severity in (0.0, 1.0):
        agent, _ = opened(late_share=1.0, panic_share=0.1)
        agent.act(seen_at(0, prices()), orders_of(agent.place))
        orders = orders_of(agent.place)
        told = (News("shock", 0, severity),) if severity else ()
        agent.act(seen_at(60, prices(106_000.0), news=told), orders)
        rows = sent(orders, 1)
        counts.append(int(((rows["side"] == codes.SELL) & (rows["kind"] == codes.LIMIT)).sum()))
    assert counts[1] > counts[0]


def test_stops_wait_at_the_venue_from_the_first_step_on():
    agent, _ = opened()
    orders = orders_of(agent.place)
    agent.act(seen_at(0, prices()), orders)
    rows = sent(orders, 1)
    stops = rows[rows["kind"] == codes.CONDITIONAL]
    share = len(stops) / agent.accounts()[1]
    assert 0.02 < share < 0.1
    assert np.all(stops["flags"] & codes.CLOSE_POSITION)


def test_triggers_go_off_once_and_in_order():
    falls = Triggers((1, 1), True)
    falls.add(0, 0, np.array([95.0, 99.0, 90.0]), np.arange(3), np.ones(3))
    assert list(falls.crossed(np.array([[100.0]]))) == []
    [(_, _, account, _)] = falls.crossed(np.array([[94.0]]))
    assert account.tolist() == [1, 0]
    assert list(falls.crossed(np.array([[94.0]]))) == []
    [(_, _, account, _)] = falls.crossed(np.array([[10.0]]))
    assert account.tolist() == [2]
    assert list(falls.crossed(np.array([[np.nan]]))) == []


@pytest.mark.parametrize("text", ["", "5", "0.5:1", "5:-1", "5:0", "a:b"])
def test_a_leverage_mix_that_is_none_is_refused(text):
    with pytest.raises(UndertowError, match="leverage mix"):
        mix(text)


def lost(path: list[float], hours: float, step_s: float = 60.0, **settings) -> tuple[float, float]:
    """Longs and shorts liquidated on a way through some levels, each as long as the others."""
    steps = int(hours * 3600 / step_s)
    way = np.interp(np.linspace(0, len(path) - 1, steps), np.arange(len(path)), path)
    # Prices tremble: markets that trade at one price only have no range.
    way = way * (1 + 0.0004 * np.resize([1, -1], steps))
    who = {"path_maker": {}, "crowd": {"count": 6000} | settings, "basis_trader": {}}
    run = world(
        who, steps=steps, step_s=step_s, path=way[:, None] * np.array([107_000.0, 165.0])
    )  # fmt: skip
    longs = shorts = 0.0
    for _ in run.run():
        longs += run.shown[0].sum()
        shorts += run.shown[1].sum()
    return longs, shorts


def test_a_crash_of_the_path_liquidates_longs_and_leaves_shorts():
    longs, shorts = lost([1.0, 0.85], 0.2, step_s=10.0)
    assert longs > 10e6
    assert shorts < 0.05 * longs


def test_the_same_fall_liquidates_more_when_it_is_fast():
    fast, _ = lost([1.0, 0.93], 0.4)
    slow, _ = lost([1.0, 0.93], 4.0)
    assert fast > 1.5 * slow > 0


def test_shorts_entered_during_a_fall_are_liquidated_on_the_bounce():
    longs, shorts = lost([1.0, 0.9, 0.97], 12.0, step_s=120.0)
    assert 0.05 * longs < shorts < longs


def test_a_cap_on_leverage_spares_longs_in_a_fall_that_it_leaves_room_for():
    free, _ = lost([1.0, 0.97, 1.0], 2.0)
    capped, _ = lost([1.0, 0.97, 1.0], 2.0, max_leverage=5.0)
    assert capped < 0.05 * free
