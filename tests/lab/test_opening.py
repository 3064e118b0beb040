"""The eve: whoever is open was let in by the venue itself, with the equity that was planned."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.orders import Openings
from undertow.lab.market import Market, listings_of
from undertow.lab.opening import CASH_UNITS, open_all, settle_equity
from undertow.model import codes
from undertow.venues import rulebook
from undertow.venues.exchange_rules import terms

EVE_USD = {"BTC": 100_000.0, "SOL": 160.0}
HOUSES = np.arange(200, 204) + codes.FIRST_CUSTOMER


@pytest.fixture
def market() -> Market:
    made = terms(rulebook.load("binance-usdm@2025-11-03"), ["BTCUSDT", "SOLUSDT"])
    return Market("binance-usdm", listings_of(made, list(EVE_USD), EVE_USD), 210)


def crowd(asset: int, count: int, long_share: float, first: int = 0) -> Openings:
    """Positions of about ten thousand dollars at 5 to 20 times leverage, alive at the eve."""
    dice = np.random.default_rng(asset)
    price = list(EVE_USD.values())[asset]
    sign = np.where(np.arange(count) < long_share * count, 1.0, -1.0)
    usd, leverage = dice.uniform(5e3, 2e4, count), dice.uniform(5, 20, count)
    entry = price * (1 + sign * dice.uniform(-0.05, 0.02, count))
    account = codes.FIRST_CUSTOMER + first + np.arange(count)
    return Openings(0, asset, account, sign * usd / price, entry, usd / leverage)


def opened(market: Market, openings: list[Openings]) -> np.ndarray:
    eve = np.rint(np.array(list(EVE_USD.values())) / market.listings.tick).astype(np.int64)
    assert open_all(market, openings, eve, HOUSES, 1) > 1
    settle_equity(market, openings, eve)
    return eve


def held(market: Market) -> np.ndarray:
    positions = market.engine.positions()
    open_ones: np.ndarray = positions[positions["lots"] != 0]
    return open_ones


@pytest.mark.parametrize("long_share", [0.0, 0.3, 0.5, 1.0])
def test_everybody_holds_what_was_planned(market: Market, long_share: float) -> None:
    both = [crowd(0, 100, long_share), crowd(1, 60, 1 - long_share, first=50)]
    opened(market, both)
    assert not market.data.rejected.any()
    rows = held(market)
    have = {(int(row["account"]), int(row["instrument"])): int(row["lots"]) for row in rows}
    for one in both:
        lots = np.rint(one.quantity / market.listings.lot[one.asset]).astype(int)
        for account, wanted in zip(one.account.tolist(), lots.tolist(), strict=True):
            assert have.pop((account, one.asset)) == wanted
    assert {account for account, _ in have} <= set(HOUSES.tolist())
    for instrument in (0, 1):
        assert rows["lots"][rows["instrument"] == instrument].sum() == 0


def test_nothing_rests_and_nobody_is_closed(market: Market) -> None:
    opened(market, [crowd(0, 100, 0.7), crowd(1, 60, 0.2)])
    assert len(market.engine.orders()) == 0
    assert market.forced == []


def test_entry_prices_lie_on_the_grid_that_was_planned(market: Market) -> None:
    plan = crowd(0, 50, 0.5)
    opened(market, [plan])
    units = market.listings.contracts[0].units
    for row in held(market):
        if row["account"] in plan.account:
            (entry,) = plan.entry_price[plan.account == row["account"]]
            paid = row["basis_units"] / (row["lots"] * units) * market.listings.tick[0]
            assert paid == pytest.approx(entry, abs=0.0025 * 100_000 / 2 + 1)


def test_equity_is_what_was_planned(market: Market) -> None:
    plans = [crowd(0, 100, 0.6), crowd(1, 60, 0.5, first=100)]
    eve = opened(market, plans)
    cash = market.engine.venue.accounts["cash_units"] / CASH_UNITS
    rows = held(market)
    units = np.array([one.units for one in market.listings.contracts])[rows["instrument"]]
    profit = rows["lots"] * units * eve[rows["instrument"]] - rows["basis_units"]
    equity = cash + np.bincount(rows["account"], profit / CASH_UNITS, len(cash))
    for plan in plans:
        assert equity[plan.account] == pytest.approx(plan.equity_usd, rel=1e-3, abs=0.01)


def test_no_money_is_made(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = {codes.DEPOSIT: 0, codes.WITHDRAW: 0}
    apply = market.apply

    def watched(commands: np.ndarray) -> None:
        for kind in moved:
            moved[kind] += int(commands["amount"][commands["kind"] == kind].sum())
        apply(commands)

    monkeypatch.setattr(market, "apply", watched)
    opened(market, [crowd(0, 100, 0.7), crowd(1, 60, 0.2)])
    assert not market.data.rejected.any()
    cash = market.engine.venue.accounts["cash_units"]
    basis = int(held(market)["basis_units"].sum())
    assert int(cash.sum()) - basis == moved[codes.DEPOSIT] - moved[codes.WITHDRAW]
    assert moved[codes.WITHDRAW] > 0
    assert cash.min() >= 0


def test_an_account_near_liquidation_stays_as_rich_as_the_venue_wants(market: Market) -> None:
    account = np.array([codes.FIRST_CUSTOMER])
    eve = np.rint(np.array(list(EVE_USD.values())) / market.listings.tick).astype(np.int64)
    plan = Openings(0, 0, account, np.array([1.0]), np.array([100_000.0]), np.array([420.0]))
    open_all(market, [plan], eve, HOUSES, 1)
    richer, usd = settle_equity(market, [plan], eve)
    # A position of 100,000 dollars may be opened at 150 times: 667 dollars, and one to spare.
    assert richer == 1
    assert usd == pytest.approx(100_000 / 150 + 1 - 420, abs=1)
    assert market.forced == []


def test_a_venue_without_positions_is_left_alone(market: Market) -> None:
    assert open_all(market, [], np.array([1, 1]), HOUSES, 17) == 17
    assert settle_equity(market, [], np.array([1, 1])) == (0, 0.0)
