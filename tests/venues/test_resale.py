"""What the fund has taken over goes back to the market, at the pace that was asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from undertow import UndertowError
from undertow.venues.exchange import Venue
from undertow.venues.resale import Resale

BTC = "BTCUSDT"


@pytest.fixture
def venue() -> Venue:
    """The fund holds 1 BTC that nobody bid for when it fell."""
    made = Venue.open(
        "binance-usdm@2025-10-10", BTC, accounts=["loser", "seller", "bidder"], engine="reference"
    )
    for account, money in (("loser", 9000), ("seller", 200000), ("bidder", 200000)):
        made.deposit(account, money)
    made.deposit("fund", 50000)
    made.mark(BTC, 122000)
    made.order("seller", BTC, "sell", 1, 122000)
    made.order("loser", BTC, "buy", 1, 122000)
    assert [event.kind for event in made.mark(BTC, 112000)][-2:] == ["insurance_paid", "takeover"]
    made.order("bidder", BTC, "buy", 2, 111900)
    return made


def held(venue: Venue) -> Decimal:
    """Contracts that the fund still has."""
    rows = venue.engine.positions(0)
    return sum((int(row["lots"]) * venue.terms.listings[0].lot for row in rows), Decimal(0))


def test_it_sells_step_by_step_until_nothing_is_left(venue: Venue) -> None:
    resale = Resale(venue, every="10s", share="0.3", most="0.25")
    sold, left = [], [held(venue)]
    for second in range(0, 200, 5):
        venue.pass_time(second * 10**9)
        sold += [event for event in resale.act() if event.kind == "fill"]
        left.append(held(venue))
    assert [event.quantity for event in sold][:4] == list(
        map(Decimal, ("0.250", "0.225", "0.158", "0.111"))
    )
    assert left[1] == left[2] == Decimal("0.750")  # nothing happens between two steps
    assert left[-1] == Decimal("0.001") or left[-1] == 0
    assert venue.accounts()["equity"].sum() == pytest.approx(459000)


def test_without_bids_it_waits(venue: Venue) -> None:
    venue.cancel_all("bidder")
    assert {event.kind for event in Resale(venue, every="1m", share=1).act()} == {
        "accepted", "cancelled",
    }  # fmt: skip
    assert held(venue) == 1


def test_nothing_is_sold_where_nothing_was_taken_over() -> None:
    venue = Venue.open("binance-usdm@2025-10-10", BTC, accounts=1, engine="reference")
    assert Resale(venue, every="1m", share=1).act() == []


@pytest.mark.parametrize("options", [{"share": 0}, {"share": "1.1"}, {"share": 1, "most": 0}])
def test_a_pace_that_makes_no_sense_is_refused(venue: Venue, options: dict[str, object]) -> None:
    with pytest.raises(UndertowError, match=r"share|most"):
        Resale(venue, every="1m", **options)
