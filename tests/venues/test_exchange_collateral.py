"""Collateral as people use it: names and decimals in, statements of money and of assets out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from undertow.errors import UndertowError
from undertow.venues.exchange import Venue
from undertow.venues.exchange_collateral import Collateral

BTC, USDE = "BTCUSDT", "USDEUSDT"


def opened(*, day: str = "2025-10-10", engine: str = "reference", **more: Any) -> Venue:
    """Alice is long one bitcoin with USDe as her only margin; a wick is in USDe's book."""
    values: dict[str, Any] = {"haircut": "0.05", "tick": "0.0001", "lot": "1"} | more
    venue = Venue.open(
        f"binance-usdm@{day}", [BTC], accounts=["alice", "maker"], engine=engine,
        collateral=[Collateral("USDE", **values)], assume={"fees.taker_rate": "0"},
    )  # fmt: skip
    venue.deposit("maker", 1_000_000)
    venue.deposit("alice", 12_500, asset="USDE")
    venue.mark(BTC, 122000)
    venue.asset_price("USDE", 1)
    venue.order("maker", BTC, "sell", 1, 122000)
    venue.order("alice", BTC, "buy", 1, 122000)
    return venue


def wick(venue: Venue) -> list[str]:
    """Bitcoin falls, USDe trades far below par in this book; the kinds of what follows."""
    venue.order("maker", BTC, "buy", 1, 114400)
    venue.mark(BTC, 114500)
    venue.deposit("fund", 50_000, asset="USDE")
    venue.order("maker", USDE, "buy", 60_000, "0.65")
    venue.order("fund", USDE, "sell", 30_000, "0.65")
    return [event.kind for event in venue.asset_price("USDE", 1)]


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_the_own_book_liquidates_and_the_redemption_value_does_not(engine: str) -> None:
    assert wick(opened(engine=engine, price="redemption_value")) == []
    venue = opened(engine=engine, price="own_spot_book")
    assert "liquidation" in wick(venue)
    money, asset = venue.statement("alice"), venue.statement("alice", asset="USDE")
    assert money.opening + sum(line.amount for line in money.lines) == money.wallet
    assert money.wallet + money.unrealised + money.collateral == money.equity
    sold = -asset.totals()["collateral sold"]
    assert money.totals()["collateral sold"] == sold * Decimal("0.65")
    assert asset.wallet == 12_500 - sold
    frame = venue.events_frame()
    assert frame["asset"].drop_nulls().to_list() == ["USDE", "USDE"]  # both deposits


def test_the_rules_of_the_day_name_the_source() -> None:
    assert "liquidation" in wick(opened(day="2025-10-10"))
    assert wick(opened(day="2025-11-01")) == []


def test_what_counts_is_in_accounts_balances_and_the_liquidation_price() -> None:
    venue = opened()
    row = venue.balances().row(0, named=True)
    assert (row["name"], row["asset"], row["quantity"]) == ("alice", "USDE", 12_500)
    assert (row["price"], row["counts"]) == (1, 11_875)
    alice = venue.accounts().filter(name="alice").row(0, named=True)
    assert (alice["cash"], alice["collateral"], alice["equity"]) == (0, 11_875, 11_875)
    price = venue.liquidation_price("alice", BTC)
    assert price is not None
    assert venue.mark(BTC, price + Decimal("0.1")) == []
    assert venue.mark(BTC, price)[0].kind == "liquidation"


def test_what_is_wrong_with_an_asset_is_said() -> None:
    venue = opened()
    assert venue.deposit("alice", 1, asset="USDX")[0].reason == "unknown_asset"
    assert venue.withdraw("alice", 12_500, asset="USDE")[0].reason == "insufficient_balance"
    with pytest.raises(UndertowError, match="no asset 'USDX' here"):
        venue.statement("alice", asset="USDX")
    for wrong, message in (
        ({"haircut": "1.5"}, "haircut"), ({"tick": "0"}, "tick"), ({"lot": "x"}, "is no number"),
        ({"tick": None, "price": "own_spot_book"}, "needs a market"),
        ({"tick": "0.0000001", "lot": "0.01"}, "no whole number"),
    ):  # fmt: skip
        with pytest.raises(UndertowError, match=message):
            opened(**wrong)


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_a_portfolio_has_an_exact_liquidation_price(engine: str) -> None:
    swap = "BTC-USDT-SWAP"
    venue = Venue.open(
        "okx@2025-10-24", swap, accounts=["alice", "bob"], engine=engine,
        collateral=[Collateral("BTC", haircut="0.02", price="index")],
        assume={f"margin.tiers.{swap}": [("0", "0.004", 100)], "fees.taker_rate": "0"},
    )  # fmt: skip
    assert venue.set_account_mode("alice", "portfolio")[0].kind == "changed"
    venue.deposit("alice", 10, asset="BTC")
    venue.deposit("bob", 1_000_000)
    venue.asset_price("BTC", 100_000)
    venue.mark(swap, 100_000)
    venue.order("bob", swap, "buy", 1000, 100_000)
    venue.order("alice", swap, "sell", 1000, 100_000)
    price = venue.liquidation_price("alice", swap)
    assert price is not None
    assert venue.mark(swap, price - venue.terms.listings[0].tick) == []
    assert venue.mark(swap, price)[0].kind == "liquidation"
    assert venue.set_account_mode("bob", "portfolio")[0].reason == "has_position_or_orders"
    with pytest.raises(UndertowError, match="did you mean 'portfolio'"):
        venue.set_account_mode("bob", "portfolios")
