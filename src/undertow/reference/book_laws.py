"""Laws that hold for every order book at any time: one function each, for any implementation.

They take what a book shows: the open orders of a side in the order in which they would be filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from undertow.model import codes
from undertow.reference.book import Event, Order, is_worse


class BookLawBroken(AssertionError):  # noqa: N818 - like the laws, it is a sentence
    """A bug of ours: the law that does not hold, and its numbers."""


def sides_are_sorted(side: int, orders: Sequence[Order]) -> None:
    """Better prices come first; at one price, the order that came first."""
    for first, second in pairwise(orders):
        is_sorted = (
            first.sequence < second.sequence
            if first.price_ticks == second.price_ticks
            else is_worse(side, second.price_ticks, first.price_ticks)
        )
        if not is_sorted:
            raise BookLawBroken(f"side {side} sorted: {first} before {second}")


def book_is_uncrossed(bids: Sequence[Order], asks: Sequence[Order]) -> None:
    """The best bid is below the best ask."""
    if bids and asks and bids[0].price_ticks >= asks[0].price_ticks:
        raise BookLawBroken(
            f"uncrossed: bid {bids[0].price_ticks} not below ask {asks[0].price_ticks}"
        )


def orders_are_open(orders: Iterable[Order]) -> None:
    """What rests has lots left, a price that is possible, and an id of its own."""
    seen = set()
    for order in orders:
        if order.open_lots <= 0 or not 0 < order.price_ticks <= codes.MOST_PRICE_TICKS:
            raise BookLawBroken(f"open orders: {order}")
        if order.order_id in seen:
            raise BookLawBroken(f"open orders: id {order.order_id} twice")
        seen.add(order.order_id)


def level_totals_match(side: int, orders: Iterable[Order], total_lots: Mapping[int, int]) -> None:
    """The lots of each price level are those of its orders."""
    sums: dict[int, int] = {}
    for order in orders:
        sums[order.price_ticks] = sums.get(order.price_ticks, 0) + order.open_lots
    if sums != dict(total_lots):
        raise BookLawBroken(f"level totals of side {side}: {dict(total_lots)}, orders {sums}")


def quantities_add_up(events: Iterable[Event], orders: Iterable[Order]) -> None:
    """Filled + cancelled + expired + resting = accepted, as amended, for each order."""
    open_lots: dict[int, int] = {}
    for event in events:
        if event.kind in (codes.ACCEPTED, codes.AMENDED):
            open_lots[event.order_id] = event.quantity_lots
        elif event.kind == codes.FILL:
            for order_id, leaves in (
                (event.order_id, event.leaves_lots),
                (event.maker_id, event.maker_leaves_lots),
            ):
                open_lots[order_id] -= event.quantity_lots
                if open_lots[order_id] != leaves:
                    raise BookLawBroken(
                        f"quantities of {order_id}: {open_lots[order_id]} left, {event}"
                    )
        elif event.kind in (codes.CANCELLED, codes.EXPIRED):
            open_lots[event.order_id] -= event.quantity_lots
    expected = {order_id: lots for order_id, lots in open_lots.items() if lots != 0}
    resting = {order.order_id: order.open_lots for order in orders}
    if expected != resting:
        raise BookLawBroken(f"quantities: events leave {expected}, the book holds {resting}")
