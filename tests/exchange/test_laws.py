"""Random sequences through the specification: all laws after each command; and do they bite?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import cache, partial

import pytest

from exchange import sequences
from exchange.commands import random_commands
from exchange.desk import ANN, BOB, NAMES, Desk
from exchange.sequences import Judged
from exchange.venues import VENUES
from undertow.model import codes
from undertow.model.contracts import Contract
from undertow.reference import control, liquidation, trading, waterfall
from undertow.reference.accounts import Position
from undertow.reference.book_laws import BookLawBroken
from undertow.reference.deleveraging import Candidates
from undertow.reference.venue_laws import VenueLawBroken, state_laws

SEQUENCES, COMMANDS = 20, 160
# No command of a venue comes to these: the book alone says the first, whoever makes the commands
# the next two; a venue has no other assets yet, and does not say that a liquidation order ended.
UNUSED = {
    codes.QUANTITY_TOO_LARGE, codes.OFF_TICK, codes.OFF_LOT, codes.UNKNOWN_ASSET,
    codes.COMPLIANT_AGAIN,
}  # fmt: skip
FIRST_REASON, LAST_REASON = "UNKNOWN_COMMAND", "NO_COUNTERPARTY"  # as they stand in `codes`


def reasons() -> dict[int, str]:
    """All reasons, by number."""
    names = list(vars(codes))
    between = names[names.index(FIRST_REASON) : names.index(LAST_REASON) + 1]
    return {vars(codes)[name]: name for name in between if vars(codes)[name] not in UNUSED}


@cache
def what_happened() -> dict[str, Counter[tuple[int, int]]]:
    """How often each kind of event came with each reason, under all laws, by venue."""
    found = {}
    for name in VENUES:
        found[name] = Counter[tuple[int, int]]()
        for seed in range(SEQUENCES):
            found[name] += sequences.run(name, seed, COMMANDS)
    return found


def test_laws_hold_and_everything_happens() -> None:
    seen: Counter[tuple[int, int]] = Counter()
    for found in what_happened().values():
        seen += found
    kinds = Counter(kind for kind, _ in seen.elements())
    never = {name for kind, name in NAMES.items() if kinds[kind] == 0}
    assert never == {"bound_reached"}  # ten thousand triggers: see below
    said_reasons = {reason for _, reason in seen}
    assert [name for number, name in reasons().items() if number not in said_reasons] == []


def test_every_venue_has_its_own_end() -> None:
    """Venues differ in who pays; each way is taken where the rules allow it, and only there."""
    ends = {}
    for name, (_, rules) in VENUES.items():
        seen = Counter(kind for kind, _ in what_happened()[name].elements())
        ends[name] = seen
        assert seen[codes.LIQUIDATION]
        assert (seen[codes.DELEVERAGED] > 0) is rules.deleverages
        assert (seen[codes.CLAWED_BACK] > 0) is rules.claws_back
        if not rules.fund_pays:
            assert seen[codes.INSURANCE_PAID] == 0
        if rules.takeover == codes.BY_NOBODY:
            assert seen[codes.TAKEOVER] == 0
        if not rules.socialises:
            assert seen[codes.LOSS_SOCIALISED] == 0
    assert ends["no-takeover"][codes.LOSS_SOCIALISED]
    assert ends["binance-like"][codes.INSURANCE_PAID]


def test_the_same_dice_give_the_same_events() -> None:
    def events() -> list[object]:
        judged = Judged(*VENUES["okx-like"])
        commands = random_commands(random.Random(7), judged.venue, 120)
        return [event for command in commands for event in judged.apply(command)]

    assert events() == events()


def test_one_command_sets_off_a_bounded_number_of_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MOST_TRIGGERS", 2)
    desk = Desk(Contract(units=1000))
    desk.fund(ann=100)
    desk.mark(1000)
    for trigger in (990, 980, 970):
        desk.stop(ANN, codes.SELL, 1, trigger)
    events = desk.mark(960)
    assert [NAMES[event.kind] for event in events if event.kind != codes.CANCELLED] == [
        "triggered", "accepted", "triggered", "accepted", "bound_reached", "triggered", "accepted",
    ]  # fmt: skip


def small_venue() -> Desk:
    desk = Desk(Contract(units=1000))
    desk.fund(ann=100, bob=100)
    desk.mark(1000)
    desk.trade(ANN, BOB, 10, 1000)
    desk.limit(ANN, codes.BUY, 3, 990)
    desk.limit(ANN, codes.SELL, 5, 1010, flags=codes.REDUCE_ONLY)
    state_laws(desk.state)
    return desk


def add(name: str, amount: int, held: Position) -> None:
    setattr(held, name, getattr(held, name) + amount)


@pytest.mark.parametrize(
    "spoil",
    [
        partial(add, "lots", 1), partial(add, "basis_units", 1), partial(add, "margin_units", 1),
        partial(add, "bid_lots", 1), partial(add, "ask_lots", 1), partial(add, "bid_units", -1),
        partial(add, "reduce_lots", -1), partial(add, "ask_units", 1),
    ],
    ids=str,
)  # fmt: skip
def test_a_spoiled_position_breaks_a_law(spoil: Callable[[Position], None]) -> None:
    venue = small_venue().state
    spoil(venue.position(ANN, 0, 0))
    with pytest.raises(VenueLawBroken):
        state_laws(venue)


def test_a_crossed_book_and_lost_cash_break_a_law() -> None:
    venue = small_venue().state
    next(iter(venue.markets[0].book.orders.values())).price_ticks = 1020
    with pytest.raises((BookLawBroken, VenueLawBroken)):
        state_laws(venue)
    venue = small_venue().state
    venue.account(BOB).cash_units -= 1
    with pytest.raises(VenueLawBroken, match="cash - basis"):
        state_laws(venue)


def nothing(*_: object, **__: object) -> int:
    return 0


def any_price(contract: Contract, lots: int, mark_ticks: int, equity_units: int) -> int:
    return liquidation.market_side_limit(codes.SELL if lots > 0 else codes.BUY)


def first_come(ranking: str, candidates: Candidates, needed: int) -> list[int]:
    taken = []
    for held in candidates.lots:
        taken.append(min(held, needed))
        needed -= taken[-1]
    return taken


@pytest.mark.parametrize(
    ("venue", "module", "name", "instead"),
    [
        ("vault-and-fund", trading, "shrink", nothing),
        ("vault-and-fund", waterfall, "shrink", nothing),
        ("hyperliquid-like", waterfall, "keep_surplus", nothing),
        ("vault-and-fund", waterfall, "draw", nothing),
        ("vault-and-fund", liquidation, "take_over", nothing),
        ("vault-and-fund", liquidation, "release", nothing),
        ("vault-and-fund", trading, "charge", nothing),
        ("vault-and-fund", liquidation, "handle", nothing),
        ("binance-like", liquidation, "cancel_in", nothing),
        ("no-takeover", waterfall, "socialise", nothing),
        ("binance-like", liquidation, "bankruptcy_price", any_price),
        ("binance-like", waterfall, "lots_to_take", first_come),
        ("okx-like", control, "pay", nothing),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bug_breaks_a_law(
    monkeypatch: pytest.MonkeyPatch,
    venue: str,
    module: object,
    name: str,
    instead: Callable[..., object],
) -> None:
    monkeypatch.setattr(module, name, instead)
    with pytest.raises(AssertionError):
        for seed in range(120):
            sequences.run(venue, seed, COMMANDS)
