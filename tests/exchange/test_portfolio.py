"""Portfolio margin by worked examples: what hedges save, what they cost, whom a mark liquidates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.desk import ANN, BOB, CASH, CAT, Desk, said
from exchange.venues import linear, spot
from undertow.model import codes
from undertow.model.codes import BUY, SELL
from undertow.model.contracts import Asset, Contract, Rules, Tier
from undertow.reference.contract import MILLION
from undertow.reference.exchange import Event
from undertow.reference.portfolio import Leg, portfolio_needs

PERP, SPOT, OTHER = 0, 1, 2
COIN = 1
Open = Callable[..., Desk]
NETTED = Rules(
    portfolio_steps=3, portfolio_hedged_ppm=12_000, portfolio_least_ppm=4_500,
    portfolio_initial_ppm=1_300_000,
)  # fmt: skip


def desk_with(
    opened: Open, tiers: tuple[Tier, ...] = (Tier(0, 10_000, 0, 50),), **rules: object
) -> Desk:
    """A lot of each is worth 1 at 1,000 ticks; moves of 15 %; Ann nets her risks, Cat has cash."""
    free = {"maker_fee_ppm": 0, "taker_fee_ppm": 0, "tiers": tiers}
    values: dict[str, object] = {
        "portfolio_steps": 3, "portfolio_hedged_ppm": 12_000, "portfolio_least_ppm": 4_500,
        "portfolio_initial_ppm": 1_300_000, "default_leverage": 50,
        "assets": (Asset(), Asset(haircut_ppm=20_000)),
    }  # fmt: skip
    contracts = [linear(underlying=COIN, **free), spot(COIN, **free), linear(**free)]
    desk = opened(*contracts, rules=Rules(**(values | rules)))  # type: ignore[arg-type]
    desk.set(codes.SET_ACCOUNT_MODE, ANN, 1)
    desk.fund(bob=1000, cat=1000)
    desk.mark(1000, PERP)
    desk.mark(1000, OTHER)
    coin(desk, CASH)
    return desk


def coin(desk: Desk, price: int) -> list[Event]:
    """A new price of the coin, in cash units."""
    return desk.set(codes.ASSET_PRICE, 0, price, asset=COIN)


def customers(events: list[Event]) -> list[int]:
    """Who of them was liquidated."""
    return [event.account for event in events if event.kind == codes.LIQUIDATION and event.account]


def needs(desk: Desk, account: int) -> int:
    """Maintenance margin of an account."""
    return desk.state.cross_maintenance(desk.state.account(account))


def test_ten_coins_against_ten_sold_need_what_okx_says() -> None:
    """Its announcement of 31 May 2024: 8,053.32 USDT by the basis, less than that by the least."""
    contract = Contract(underlying=COIN)
    sold = Leg(0, contract, -671_110 * CASH)  # ten at 67,111
    assert portfolio_needs(NETTED, [sold], {COIN: 671_110 * CASH}) == 8_053_320_000
    assert portfolio_needs(NETTED, [sold], {}) == 671_110 * CASH * 15 // 100


def test_spot_hedges_what_is_short_and_never_adds() -> None:
    short = Leg(0, Contract(underlying=COIN), -100 * CASH)
    bought = Leg(0, Contract(underlying=COIN), 100 * CASH)
    spots = (0, 40, 100, 900)
    found = [portfolio_needs(NETTED, [short], {COIN: spot * CASH}) for spot in spots]
    assert found == [15_000_000, 9_000_000 + 480_000, 1_200_000, 1_200_000]
    assert portfolio_needs(NETTED, [bought], {COIN: 900 * CASH}) == 15_000_000
    apart = Leg(1, Contract(), 100 * CASH)  # another underlying
    assert portfolio_needs(NETTED, [short, apart], {}) == 30_000_000


def test_two_contracts_on_one_underlying_are_netted() -> None:
    near, far = Contract(underlying=20), Contract(underlying=20)
    legs = [Leg(0, near, 100 * CASH), Leg(1, far, -90 * CASH)]
    assert portfolio_needs(NETTED, legs, {}) == 1_500_000 + 1_080_000
    small = Rules(portfolio_steps=1, portfolio_least_ppm=100_000)
    assert portfolio_needs(small, legs, {}) == 19_000_000


def test_a_flat_contract_changes_nothing_for_the_others() -> None:
    held = Leg(0, Contract(underlying=20, portfolio_range_ppm=10_000), 100 * CASH)
    flat = Leg(1, Contract(underlying=20, portfolio_range_ppm=80_000), 0, bid_units=CASH)
    alone = portfolio_needs(NETTED, [held], {})
    assert portfolio_needs(NETTED, [held, flat], {}) == alone == 1_000_000
    assert portfolio_needs(NETTED, [held, flat], {}, orders=True) == 101 * CASH * 8 // 100


def test_orders_count_as_if_all_of_a_side_were_filled() -> None:
    leg = Leg(0, Contract(), 100 * CASH, bid_units=20 * CASH, ask_units=300 * CASH)
    assert portfolio_needs(NETTED, [leg], {}) == 15_000_000
    assert portfolio_needs(NETTED, [leg], {}, orders=True) == 30_000_000


units = st.integers(-(10**13), 10**13)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.tuples(units, st.booleans()), min_size=1, max_size=4),
    spot_units=st.integers(0, 10**13),
    move_ppm=st.sampled_from([1, 30_000, 150_000, 300_000]),
    steps=st.integers(1, 5),
)
def test_it_is_the_worst_loss_at_shocked_prices(
    sizes: list[tuple[int, bool]], spot_units: int, move_ppm: int, steps: int
) -> None:
    legs = [
        Leg(place, Contract(codes.INVERSE if is_inverse else codes.LINEAR, underlying=COIN,
                            portfolio_range_ppm=move_ppm), size)
        for place, (size, is_inverse) in enumerate(sizes)
    ]  # fmt: skip
    net = sum(size for size, _ in sizes)
    used = min(spot_units, max(0, -net))
    worst = Fraction(0)
    for step in range(-steps, steps + 1):
        move = Fraction((move_ppm * abs(step) // steps) * (1 if step > 0 else -1), MILLION)
        gain = used * move + sum(
            size - size / (1 + move) if is_inverse else size * move for size, is_inverse in sizes
        )
        worst = max(worst, -gain)
    found = portfolio_needs(Rules(portfolio_steps=steps), legs, {COIN: spot_units})
    assert worst <= found < worst + 2


def test_a_hedged_account_lives_where_a_unified_one_is_liquidated(opened: Open) -> None:
    desk = desk_with(opened, tiers=(Tier(0, 200_000, 0, 5),), default_leverage=5)
    desk.fund(ann=3)
    for account in (ANN, BOB):
        desk.set(codes.DEPOSIT, account, 100 * CASH, asset=COIN)
        desk.trade(CAT, account, 100, 1000)
    assert (needs(desk, ANN), needs(desk, BOB)) == (1_200_000, 20 * CASH)
    desk.set(codes.WITHDRAW, BOB, 975 * CASH)
    desk.fund(cat=2000)
    # The haircut grows with the price: 3 + 98 p - 100 (p - 1) are left, needed are 1.2 p or 20 p.
    for price in range(2, 32):
        assert customers(coin(desk, price * CASH)) == []
        assert customers(desk.mark(1000 * price)) == ([BOB] if price == 6 else [])
    coin(desk, 33 * CASH)
    assert customers(desk.mark(33_000)) == [ANN]


def test_what_is_needed_for_an_order_is_netted_too(opened: Open) -> None:
    desk = desk_with(opened)
    desk.fund(ann=4)
    desk.set(codes.DEPOSIT, ANN, 100 * CASH, asset=COIN)  # counts 98
    assert said(desk.limit(ANN, SELL, 100, 1000)) == ["accepted"]  # 1.2 * 1.3
    assert desk.limit(ANN, BUY, 600, 990)[0].reason == codes.INSUFFICIENT_MARGIN  # 15 % * 1.3
    desk.limit(CAT, BUY, 100, 1000)
    assert desk.held(ANN).lots == -100
    taken = desk.set(codes.WITHDRAW, ANN, 90 * CASH, asset=COIN)  # it hedges: 13.5 more * 1.3
    assert taken[0].reason == codes.INSUFFICIENT_BALANCE
    assert said(desk.set(codes.WITHDRAW, ANN, 80 * CASH, asset=COIN)) == ["withdrawn"]


def test_who_nets_has_no_isolated_positions_and_not_every_venue_nets(opened: Open) -> None:
    desk = desk_with(opened)
    asked = desk.set(codes.SET_MARGIN_MODE, ANN, 1)
    assert asked[0].reason == codes.NOT_WITH_PORTFOLIO_MARGIN
    desk.fund(ann=10)
    desk.limit(ANN, BUY, 1, 990)
    asked = desk.set(codes.SET_ACCOUNT_MODE, ANN, 0)
    assert asked[0].reason == codes.HAS_POSITION_OR_ORDERS
    desk = desk_with(opened, portfolio_steps=0)
    asked = desk.set(codes.SET_ACCOUNT_MODE, BOB, 1)
    assert asked[0].reason == codes.NO_PORTFOLIO_MARGIN
