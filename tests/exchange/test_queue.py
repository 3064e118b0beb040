"""A slow liquidator by worked examples: who waits, for how long, and who goes first."""

from __future__ import annotations

from collections.abc import Callable

from exchange.desk import ANN, BOB, CAT, DAN, Desk, said
from undertow.model import codes
from undertow.model.contracts import Contract, Rules, Tier
from undertow.reference.exchange import Command, Event

Open = Callable[..., Desk]
SECOND = 10**9


def three_longs(opened: Open, **rules: int) -> Desk:
    """Ann, Bob and Cat are long 100 lots at 1,000, with 7, 6 and 5 in cash; nobody bids."""
    contract = Contract(units=1000, tiers=(Tier(0, 10_000, 0, 100),))
    desk = opened(contract, rules=Rules(default_leverage=100, **rules))  # type: ignore[arg-type]
    desk.fund(ann=7, bob=6, cat=5, dan=1000, fund=1000)
    desk.mark(1000)
    for account in (ANN, BOB, CAT):
        desk.trade(account, DAN, 100, 1000)
    return desk


def told(events: list[Event]) -> list[tuple[str, int]]:
    """What was said of whom, of liquidations and those who wait."""
    kinds = (codes.LIQUIDATION, codes.LIQUIDATION_WAITS)
    return [(said([event])[0], event.account) for event in events if event.kind in kinds]


def pass_time(desk: Desk, seconds: int) -> None:
    """Time passes."""
    desk.apply(Command(codes.EXPIRE, expire_ns=desk.state.now_ns + seconds * SECOND))


def test_a_liquidation_comes_a_latency_after_the_mark_that_called_for_it(opened: Open) -> None:
    desk = three_longs(opened, liquidation_latency_ns=3 * SECOND)
    pass_time(desk, 1)
    events = desk.mark(955)
    assert told(events) == [("liquidation_waits", CAT)]
    waits = events[0]
    assert (waits.reason, waits.amount_units, waits.fee_units) == (codes.LATENCY, 500_000, 955_000)
    pass_time(desk, 2)
    assert desk.mark(954) == []  # said once
    pass_time(desk, 1)
    assert told(desk.mark(953)) == [("liquidation", CAT)]


def test_who_has_enough_again_has_left_the_queue(opened: Open) -> None:
    desk = three_longs(opened, liquidation_latency_ns=3 * SECOND)
    desk.mark(955)
    pass_time(desk, 2)
    desk.fund(cat=1)
    assert desk.mark(955) == []
    pass_time(desk, 1)
    assert told(desk.mark(945)) == [("liquidation_waits", BOB), ("liquidation_waits", CAT)]


def test_so_many_at_one_mark_and_the_first_found_first(opened: Open) -> None:
    desk = three_longs(opened, liquidations_per_mark=1)
    events = desk.mark(945)
    assert told(events) == [("liquidation", BOB), ("liquidation_waits", CAT)]
    assert [e.reason for e in events if e.kind == codes.LIQUIDATION_WAITS] == [codes.QUEUE]
    # Ann has the lower number, but Cat was found short before her.
    assert told(desk.mark(930)) == [("liquidation", CAT), ("liquidation_waits", ANN)]
    assert told(desk.mark(930)) == [("liquidation", ANN)]
    assert told(desk.mark(930)) == []


def test_the_longer_they_wait_the_more_somebody_else_pays(opened: Open) -> None:
    paid = []
    for most in (0, 1):
        desk = three_longs(opened, liquidations_per_mark=most)
        events = [event for price in (945, 920, 915) for event in desk.mark(price)]
        insured = [event for event in events if event.kind == codes.INSURANCE_PAID]
        paid.append(sum(event.amount_units for event in insured))
    assert paid == [1_500_000, 4_500_000]  # Cat 0.50 and Ann 1; or Cat 3 and Ann 1.50
