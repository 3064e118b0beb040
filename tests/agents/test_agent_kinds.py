"""What each population does, seen from outside: its commands and what they do in a small world."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from undertow.agents.agent import kinds
from undertow.agents.flows import Sale
from undertow.agents.ladder import RUNGS, rungs_usd
from undertow.agents.observation import Observation
from undertow.agents.orders import Orders
from undertow.errors import UndertowError
from undertow.kernels.exchange_arrays import COMMAND
from undertow.model import codes
from undertow.testing import START_NS, check_agent, small_place

from .worlds import EVERYBODY, make, mids, news, world

SETTINGS = {
    "crowd": {"count": 2000},
    "flows": {"asset": "BTC", "usd": 5e6, "over_s": 100.0},
    "informed": {"asset": "BTC", "usd": 5e6, "over_s": 100.0},
}


def seen_at(step: int, bid: np.ndarray, **other: object) -> Observation:
    shape = bid.shape
    zeros, some = np.zeros(shape), np.full((*shape, 3), 5e7)
    whole = Observation(
        step=step, ts_ns=START_NS + step * 10**9, bid=bid, ask=bid * 1.0002, last=bid, mark=bid,
        index=bid, bought_usd=zeros, sold_usd=zeros, long_liquidated_usd=zeros,
        short_liquidated_usd=zeros, open_interest_usd=zeros, funding_rate=zeros,
        bid_depth_usd=some, ask_depth_usd=some, halted=np.zeros(shape[0], np.bool_),
        withdrawals_open=np.ones(shape[0], np.bool_), quote_usd=np.ones(shape[0]),
        quantity=np.zeros((shape[0], 1, shape[1])), cash_usd=np.full((shape[0], 1), 1e9),
        liquidated=tuple(np.zeros(0, np.int64) for _ in range(shape[0])),
    )  # fmt: skip
    return replace(whole, **other)  # type: ignore[arg-type]


def prices(btc: float = 107_000.0, sol: float = 165.0) -> np.ndarray:
    return np.tile([btc, sol], (3, 1))


def orders_of(place) -> Orders:
    return Orders(place, np.zeros(3, np.int64), np.ones(3, np.int64))


def sent(orders: Orders, venue: int) -> np.ndarray:
    rows = orders.by_venue[venue]
    return np.concatenate(rows) if rows else np.zeros(0, COMMAND)


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_passes_the_check_for_plug_ins(kind):
    if kinds()[kind].__module__.startswith("undertow."):
        assert check_agent(kinds()[kind], SETTINGS.get(kind)) == []


def test_quotes_add_up_to_the_usual_depth_and_to_the_stated_profile():
    sizes = rungs_usd(np.array(60e6), np.array(0.0))
    within = {band: sizes[band >= RUNGS].sum() for band in (0.005, 0.01, 0.02, 0.04, 0.1)}
    assert within[0.01] == pytest.approx(60e6, rel=1e-9)
    for band in (0.02, 0.04, 0.1):
        assert within[band] == pytest.approx(60e6 * (band / 0.01) ** 0.4, rel=1e-9)
    assert 0.6 < within[0.005] / 60e6 < 0.8


def test_eaten_depth_is_gone_from_the_best_prices_first():
    sizes = rungs_usd(np.array(60e6), np.array(30e6))
    whole = rungs_usd(np.array(60e6), np.array(0.0))
    assert sizes.sum() == pytest.approx(whole.sum() - 30e6, rel=1e-9)
    assert sizes[0] < 0.06 * whole[0]
    assert sizes[-1] == pytest.approx(whole[-1])


def test_a_quiet_market_stays_quiet_with_the_usual_volatility():
    found = mids(world({"market_maker": {}, "noise": {}}, steps=540, step_s=60.0))[3:]
    assert not np.isnan(found).any()
    daily = np.diff(np.log(found), axis=0).std(axis=0) * np.sqrt(1440)
    assert np.all(np.abs(daily / [0.025, 0.045] - 1) < 0.35)
    gap = found.max(axis=1) / found.min(axis=1) - 1
    assert np.median(gap) < 0.005


def test_makers_show_the_usual_depth_when_it_is_calm():
    run = world({"market_maker": {}, "noise": {}}, steps=60)
    mids(run)
    usual = run.setup.place.depth_usd
    for side in run.depth:
        assert np.all(side[:, :, 0] > 0.7 * usual)  # flow comes in runs of one sign
        assert np.all(side[:, :, 0] < 1.15 * usual)


@cache
def shock(**makers: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Prices of BTC, its asks within 1 % and liquidations: bad news, and 60 million are sold."""
    who = EVERYBODY | {
        "market_maker": makers,
        "flows": {"asset": "BTC", "usd": 60e6, "at_s": 600.0, "over_s": 600.0},
    }
    run = world(who, steps=480, switches=(news(600.0, 0.1),))
    price, depth, liquidated = [], [], 0.0
    for _ in run.run():
        price.append((run.board.bid + run.board.ask)[:, 0] / 2)
        depth.append(run.depth[1][:, 0, 0].sum())
        liquidated += run.shown[0][:, 0].sum()
    return np.array(price), np.array(depth), liquidated


def test_after_a_shock_prices_fall_and_depth_withdraws_and_both_come_back():
    price, depth, liquidated = shock()
    fall = np.nanmin(price, axis=0) / price[59] - 1
    assert np.all(fall < -0.015)
    assert np.all(fall > -0.25)
    low, before = np.nanmin(price[:, 0]), price[59, 0]
    assert price[-20:, 0].mean() > low + 0.02 * (before - low)
    assert depth[60:].min() < 0.5 * depth[59]
    assert depth[-20:].mean() > 1.2 * depth[60:].min()
    assert liquidated > 1e6


def test_makers_who_never_step_back_keep_the_fall_smaller():
    # Without a discount for risk, which makers ask for however deep their books are.
    (price, _, _), (kept, _, _) = shock(fear=0.0), shock(fear=0.0, withdrawal=0.0)
    falls = [np.nanmin(one[60:, 0]) / one[59, 0] - 1 for one in (price, kept)]
    # Not by much: thin books are renewed the sooner, so what counts is what flow does to beliefs.
    assert falls[1] > 0.97 * falls[0]


def test_bad_news_moves_prices_and_thins_the_book_without_a_trade():
    run = world({"market_maker": {}}, steps=24, switches=(news(120.0, 0.8),))
    found = mids(run)
    assert np.all(found[-1] < 0.995 * found[10])
    assert np.all(run.depth[0][:, :, 0] < 0.5 * run.setup.place.depth_usd)


def test_path_makers_keep_every_venue_on_the_path():
    path = np.linspace(1.0, 0.9, 60)[:, None] * np.array([107_000.0, 165.0])
    run = world({"path_maker": {}}, steps=60, path=path)
    found = mids(run)
    assert np.all(np.abs(found[2:] / path[2:, None, :] - 1) < 2e-4)


def test_makers_on_a_path_that_jumps_do_not_trade_with_themselves():
    away = np.where(np.arange(40) % 4 < 2, 1.0, 1.03)
    path = away[:, None] * np.array([107_000.0, 165.0])
    run = world({"path_maker": {}}, steps=40, path=path)
    found = mids(run)
    assert np.all(np.abs(found[2:] / path[2:, None, :] - 1) < 2e-4)
    assert "candles" not in run.record.frames()  # nobody else is there
    assert run.record.frames()["open_interest"]["contracts"].sum() == 0


def test_path_makers_need_a_path():
    with pytest.raises(UndertowError, match="real path"):
        make("path_maker", small_place())


def test_arbitrageurs_buy_where_it_is_cheap_and_only_within_their_money():
    place = small_place()
    agent = make("arbitrageur", place)
    agent.start(seen_at(0, prices()), orders_of(place))
    gap = prices()
    gap[1, 0] *= 1.01
    orders = orders_of(place)
    agent.act(seen_at(1, gap), orders)
    sides = {venue: set(sent(orders, venue)["side"].tolist()) for venue in range(3)}
    assert sides[1] == {codes.SELL}
    assert {codes.BUY} in (sides[0], sides[2])
    quantity = np.zeros((3, 1, 2))
    quantity[1, 0, 0] = -1e6  # far more than it may owe
    orders = orders_of(place)
    agent.act(seen_at(2, gap, quantity=quantity), orders)
    assert len(sent(orders, 1)) == 0


def test_flows_sell_what_they_were_told_and_no_more():
    who = {"market_maker": {}, "flows": {"asset": "BTC", "usd": 20e6, "at_s": 60.0,
                                         "over_s": 120.0}}  # fmt: skip
    run = world(who, steps=60)
    sold = 0.0
    for _ in run.run():
        sold += run.board.sold[0, 0]
    assert sold == pytest.approx(20e6, rel=0.02)


def test_flows_with_a_trigger_wait_for_the_fall():
    place = small_place()
    agent = make("flows", place)
    agent.sales.append(Sale("BTC", 1e7, 0, 60.0, below=0.05))
    assert agent.accounts().tolist() == [1, 0, 0]
    agent.start(seen_at(0, prices()), orders_of(place))
    for step, btc, is_due in ((1, 106_000.0, False), (2, 101_000.0, True)):
        orders = orders_of(place)
        agent.act(seen_at(step, prices(btc)), orders)
        assert (len(sent(orders, 0)) > 0) == is_due


@pytest.mark.parametrize("changed", [{"asset": "BTX"}, {"asset": "BTC", "venue": "spott"}])
def test_flows_name_what_they_do_not_know(changed):
    with pytest.raises(UndertowError, match=r"\(.*valid: "):
        make("flows", small_place(), **changed)


def test_an_informed_trader_is_short_before_and_covers_after_the_fall():
    place = small_place()
    agent = make("informed", place, asset="BTC", usd=1e7, over_s=10.0, cover_over_s=10.0)
    agent.start(seen_at(0, prices()), orders_of(place))
    orders = orders_of(place)
    agent.act(seen_at(1, prices()), orders)
    assert sent(orders, 1)["side"].tolist() == [codes.SELL]
    short = np.zeros((3, 1, 2))
    short[1, 0, 0] = -90.0
    orders = orders_of(place)
    agent.act(seen_at(20, prices(100_000.0), quantity=short), orders)
    covered = sent(orders, 1)
    assert covered["side"].tolist() == [codes.BUY]
    assert covered["flags"].tolist() == [codes.REDUCE_ONLY]


def test_signs_of_background_orders_have_a_long_memory():
    place = small_place()
    agent = make("noise", place, limit=1e3)
    agent.start(seen_at(0, prices()), orders_of(place))
    signs = []
    for step in range(0, 15_000, 5):
        orders = orders_of(place)
        agent.act(seen_at(step, prices()), orders)
        signs.append(sent(orders, 1)["side"][0])
    signs = np.array(signs) * 2.0 - 1.0
    near = np.mean(signs[1:] * signs[:-1]) - signs.mean() ** 2
    far = np.mean(signs[20:] * signs[:-20]) - signs.mean() ** 2
    assert 0.05 < near < 0.4
    assert -0.05 < far < near


def test_momentum_sells_a_fall_and_dip_buyers_buy_it():
    place = small_place()
    sides = {}
    for kind in ("momentum", "dip_buyer"):
        agent = make(kind, place)
        agent.start(seen_at(0, prices()), orders_of(place))
        sides[kind] = set()
        for step in range(0, 1200, 10):
            orders = orders_of(place)
            agent.act(seen_at(step, prices(107_000.0 * (1 - 5e-5 * step))), orders)
            for venue in range(3):
                sides[kind] |= set(sent(orders, venue)["side"].tolist())
    assert sides == {"momentum": {codes.SELL}, "dip_buyer": {codes.BUY}}
