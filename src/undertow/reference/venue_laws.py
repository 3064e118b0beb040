"""Laws that hold for every venue after every command: one function each, for any implementation.

They take a state as an `Exchange` of the specification (another implementation converts its own)
and events. What happens to those who lack margin has its own laws: `forced_laws`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence

from undertow.model import codes
from undertow.reference.accounts import Position
from undertow.reference.book_laws import (
    book_is_uncrossed,
    orders_are_open,
    sides_are_sorted,
)
from undertow.reference.contract import notional
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.trading import closable, only_reduces


class VenueLawBroken(AssertionError):  # noqa: N818 - like the laws, it is a sentence
    """A bug of ours: the law that does not hold, and its numbers."""


def require(holds: bool, law: str, **numbers: object) -> None:
    """Raise with the law and its numbers unless it holds.

    Raises
    ------
    VenueLawBroken
        If it does not hold.
    """
    if not holds:
        said = ", ".join(f"{name} {value}" for name, value in numbers.items())
        raise VenueLawBroken(f"{law}: {said}")


def positions(venue: Exchange) -> list[Position]:
    """All positions, the venue's own as well, in any order."""
    return [held for account in venue.accounts.values() for held in account.positions.values()]


def wallets(venue: Exchange) -> dict[int, int]:
    """Cash and isolated margins of each account, in cash units."""
    return {
        number: account.cash_units + sum(held.margin_units for held in account.positions.values())
        for number, account in venue.accounts.items()
    }


def positions_net_to_zero(venue: Exchange) -> None:
    """Longs = shorts = open interest, in each instrument."""
    longs, shorts = [0] * len(venue.markets), [0] * len(venue.markets)
    for held in positions(venue):
        longs[held.instrument] += max(0, held.lots)
        shorts[held.instrument] += max(0, -held.lots)
    require(longs == shorts, "longs = shorts", longs=longs, shorts=shorts)


def cash_is_conserved(venue: Exchange) -> None:
    """Wallets less cost bases are what was deposited and not withdrawn, to the unit."""
    cash = sum(wallets(venue).values())
    basis = sum(held.basis_units for held in positions(venue))
    require(
        cash - basis == venue.deposited_units, "cash - basis = deposits - withdrawals",
        cash=cash, basis=basis, deposited=venue.deposited_units,
    )  # fmt: skip


def flat_positions_cost_nothing(venue: Exchange) -> None:
    """A position without lots has no basis; cash is no isolated margin."""
    for held in positions(venue):
        require(held.lots != 0 or held.basis_units == 0, "flat: no basis", position=held)
        require(held.isolated or held.margin_units == 0, "cross: no own margin", position=held)
        no_rest = held.lots != 0 or held.margin_units <= 0
        require(no_rest, "flat: no margin left behind", position=held)


def flows(events: Iterable[Event]) -> list[tuple[int, int]]:
    """Which account received how much, event by event, in cash units; below 0: it paid."""
    found = []
    for event in events:
        taker, maker = event.account, event.maker_account
        if event.kind == codes.FILL:
            fees = event.fee_units + event.maker_fee_units
            found += [(taker, event.amount_units + event.fee_units), (codes.VENUE, -fees)]
            found.append((maker, event.maker_amount_units + event.maker_fee_units))
        elif event.kind == codes.LIQUIDATION_FEE:
            found += [(taker, event.fee_units), (codes.FUND, -event.fee_units)]
        elif event.kind in (
            codes.DEPOSITED, codes.WITHDRAWN, codes.FUNDING_PAID, codes.FUNDING_RESIDUAL,
            codes.SETTLED,
        ):  # fmt: skip
            found.append((taker, event.amount_units))
        elif event.kind in (
            codes.TAKEOVER, codes.DELEVERAGED, codes.INSURANCE_PAID, codes.SURPLUS_KEPT,
            codes.LOSS_SOCIALISED, codes.BAD_DEBT, codes.COLLATERAL_TAKEN, codes.CLAWED_BACK,
        ):  # fmt: skip
            found += [(taker, event.amount_units), (maker, event.maker_amount_units)]
    return found


def statement_adds_up(
    venue: Exchange, before: Mapping[int, int], events: Iterable[Event]
) -> dict[int, int]:
    """Each wallet is what it was before, and what the events say came in; returns the wallets."""
    expected = dict(before)
    for account, amount in flows(events):
        expected[account] = expected.get(account, 0) + amount
    found = wallets(venue)
    for account in sorted(expected.keys() | found.keys()):
        said, has = expected.get(account, 0), found.get(account, 0)
        require(said == has, "statement", account=account, events=said, wallet=has)
    return found


def money_moves_between_accounts(events: Sequence[Event]) -> None:
    """Insurance, surplus, shared losses and bad debt leave one account and enter another."""
    kinds = (
        codes.INSURANCE_PAID, codes.SURPLUS_KEPT, codes.LOSS_SOCIALISED, codes.BAD_DEBT,
        codes.CLAWED_BACK,
    )  # fmt: skip
    for event in events:
        if event.kind in kinds:
            total = event.amount_units + event.maker_amount_units
            require(total == 0 and event.amount_units != 0, "both sides of a payment", event=event)


def funding_sums_to_zero(events: Sequence[Event]) -> None:
    """What is paid, received and left over by rounding, of one funding command."""
    if any(event.kind == codes.FUNDING_PAID for event in events):
        kinds = (codes.FUNDING_PAID, codes.FUNDING_RESIDUAL)
        total = sum(event.amount_units for event in events if event.kind in kinds)
        require(total == 0, "funding sums to zero", total=total)


def reserves_match(venue: Exchange) -> None:
    """What positions count as resting is what rests."""
    sums: dict[tuple[int, int, int], list[int]] = {}
    for instrument, market in enumerate(venue.markets):
        for order in market.book.orders.values():
            row = sums.setdefault((order.account, instrument, order.leg), [0] * 5)
            if only_reduces(order):
                row[4] += order.open_lots
            else:
                row[order.side] += order.open_lots
                row[2 + order.side] += notional(market.contract, order.open_lots, order.price_ticks)
    for held in positions(venue):
        expected = sums.pop((held.account, held.instrument, held.leg), [0] * 5)
        counted = [held.bid_lots, held.ask_lots, held.bid_units, held.ask_units, held.reduce_lots]
        require(counted == expected, "reserves", orders=expected, position=held)
    require(not sums, "orders have a position", orders=sums)


def reducing_orders_fit(venue: Exchange) -> None:
    """Orders that only reduce are never more than there is to close."""
    for instrument, market in enumerate(venue.markets):
        lots: dict[tuple[int, int, int], int] = {}
        for order in market.book.orders.values():
            if only_reduces(order):
                key = (order.account, order.leg, order.side)
                lots[key] = lots.get(key, 0) + order.open_lots
        for (account, leg, side), total in lots.items():
            held = venue.position(account, instrument, leg)
            require(
                total <= closable(held, side), "reducing orders fit",
                side=side, orders=total, position=held,
            )  # fmt: skip


def books_are_sound(venue: Exchange) -> None:
    """The laws of the order book, for each instrument; an order id is open only once."""
    seen: set[int] = set(venue.waiting)
    for market in venue.markets:
        sides = [market.book.resting(side) for side in (codes.BUY, codes.SELL)]
        for side, orders in enumerate(sides):
            sides_are_sorted(side, orders)
            worst = 1 if side == codes.BUY else codes.MOST_PRICE_TICKS
            total = sum(order.open_lots for order in orders)
            require(market.book.depth_lots(side, worst) == total, "depth", side=side, lots=total)
        book_is_uncrossed(sides[codes.BUY], sides[codes.SELL])
        orders_are_open([*sides[codes.BUY], *sides[codes.SELL]])
        ids = market.book.orders.keys()
        require(not seen & ids, "an id is open once", ids=seen & ids)
        seen |= ids


def orders_add_up(
    venue: Exchange, open_lots: MutableMapping[int, int], events: Iterable[Event]
) -> None:
    """Filled + cancelled + expired + open = accepted, as amended, for each order.

    ``open_lots`` is what was open before, by order id; it is carried on.
    """
    for event in events:
        number = event.order_id
        if event.kind in (codes.ACCEPTED, codes.AMENDED):
            was_open = number in open_lots
            require(was_open is (event.kind == codes.AMENDED), "orders add up", event=event)
            open_lots[number] = event.quantity_lots
        elif event.kind == codes.FILL:
            take(open_lots, event.maker_id, event.quantity_lots, event.maker_leaves_lots, event)
            if event.reason == codes.NO_REASON:
                take(open_lots, number, event.quantity_lots, event.leaves_lots, event)
        elif event.kind in (codes.CANCELLED, codes.EXPIRED):
            left = open_lots.pop(number, 0)  # one that found nothing to close was never entered
            require(left == event.quantity_lots, "orders add up", open=left, event=event)
        elif event.kind == codes.TRIGGERED:
            require(open_lots.pop(number, None) is not None, "a waiting order fires", event=event)
    resting = {
        order.order_id: order.open_lots
        for market in venue.markets
        for order in market.book.orders.values()
    }
    waiting = {number: one.command.quantity_lots for number, one in venue.waiting.items()}
    expected = dict(open_lots)
    require(expected == resting | waiting, "orders add up", events=expected, open=resting | waiting)


def take(
    open_lots: MutableMapping[int, int], number: int, lots: int, leaves: int, event: Event
) -> None:
    """Fill some lots of an open order."""
    left = open_lots.get(number, 0) - lots
    require(left == leaves, "fills add up", order=number, left=left, event=event)
    if left:
        open_lots[number] = left
    else:
        del open_lots[number]


def closing_is_allowed(venue: Exchange, command: Command, events: Sequence[Event]) -> None:
    """An order that closes no more than there is, near the mark, needs no margin and no tier.

    Only where nothing else rests: resting orders may already be what closes the position.
    """
    reasons = (codes.INSUFFICIENT_MARGIN, codes.LEVERAGE_ABOVE_TIER, codes.POSITION_TOO_LARGE)
    if command.kind not in (codes.LIMIT, codes.MARKET) or events[0].reason not in reasons:
        return
    if venue.account(command.account).portfolio:  # what is closed may have hedged the rest
        return
    market = venue.markets[command.instrument]
    held = venue.position(command.account, command.instrument, command.leg)
    near = 2 * market.mark_ticks >= command.price_ticks >= market.mark_ticks // 2 + 1
    if command.kind == codes.LIMIT and near and held.bid_lots == held.ask_lots == 0:
        closes = closable(held, command.side)
        require(closes < command.quantity_lots, "closing is allowed", closes=closes, said=events[0])


def closing_stays_above_bankruptcy(
    venue: Exchange, command: Command, events: Sequence[Event]
) -> None:
    """Where a venue refuses it, no order of its own leaves a closed isolated position in debt.

    But for fees, and a unit of rounding for each fill. Orders that set others off are left out.
    """
    alone = all(event.kind != codes.TRIGGERED for event in events)
    if not (venue.rules.refuses_past_bankruptcy and alone):
        return
    fills = [event for event in events if event.kind == codes.FILL]
    if command.kind not in (codes.LIMIT, codes.MARKET) or not fills:
        return
    held = venue.position(command.account, command.instrument, command.leg)
    least = sum(min(0, event.fee_units) - 1 for event in fills)
    if held.isolated and held.lots == 0:
        require(held.margin_units >= least, "closed above bankruptcy", position=held)


def nothing_is_negative(venue: Exchange) -> None:
    """Counts of what rests are 0 or more."""
    for held in positions(venue):
        counts = (held.bid_lots, held.ask_lots, held.bid_units, held.ask_units, held.reduce_lots)
        require(min(counts) >= 0, "reserves are 0 or more", position=held)


def time_never_falls(before_ns: int, after_ns: int) -> None:
    """The venue's clock."""
    require(after_ns >= before_ns, "time never falls", before_ns=before_ns, after_ns=after_ns)


def state_laws(venue: Exchange) -> None:
    """All laws of a state."""
    positions_net_to_zero(venue)
    cash_is_conserved(venue)
    flat_positions_cost_nothing(venue)
    nothing_is_negative(venue)
    reserves_match(venue)
    reducing_orders_fit(venue)
    books_are_sound(venue)
