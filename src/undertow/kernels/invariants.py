"""Laws that the venue's kernel checks while it runs, always, at a few nanoseconds per event.

- Of each event: what moves between two accounts leaves one and enters the other; funding sums to
  zero over its command; nothing is traded or left in a negative quantity.
- Of each liquidation: the waterfall closes. A pool's equity when its deficit is paid, with all
  that it receives then, is what it has in the end; of a customer nothing. The fund pays no more
  than it has.
- When some hundred events have been handed out: no book is crossed.
- Every few events per account and position (so that it costs little per event): all cash is what
  the events of the venue's life moved, cash less cost basis is what was deposited, and longs are
  shorts.

A law that does not hold raises `InvariantViolation`: a bug of ours, after which the venue is not
to be used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import Records, inner, inner_inlined, int64, kernel
from undertow.kernels.exchange_arrays import Exchange
from undertow.kernels.ledger import instrument_of
from undertow.model.codes import (
    AUTO_EXCHANGE,
    BAD_DEBT,
    CLAWED_BACK,
    COLLATERAL_TAKEN,
    FILL,
    FUNDING_PAID,
    FUNDING_RESIDUAL,
    INSURANCE_PAID,
    LIQUIDATION,
    LIQUIDATION_WAITS,
    LOSS_SOCIALISED,
    MOST_PRICE_TICKS,
    NO_REASON,
    SURPLUS_KEPT,
    TRIGGERED,
)

PAYMENT, FUNDING, QUANTITY, WATERFALL, FUND_SOLVENT, UNCROSSED, EVENTS, CONSERVED, LONGS = range(
    1, 10
)
LAWS = {
    PAYMENT: "what one account pays the other receives",
    FUNDING: "funding sums to zero",
    QUANTITY: "quantities are not negative",
    WATERFALL: "equity + what was paid in = what is left",
    FUND_SOLVENT: "the fund pays what it has",
    UNCROSSED: "the best bid is below the best ask",
    EVENTS: "all cash = what the events moved",
    CONSERVED: "cash - basis = deposits - withdrawals",
    LONGS: "longs = shorts",
}
# The ledger is looked through at the latest after so many events per account and position.
EVENTS_PER_ROW = 4
SPREAD = 1_000_003  # lots of one instrument must not make up for those of another


class InvariantViolation(AssertionError):  # noqa: N818 - like the laws, it is a sentence
    """A law that does not hold, its two sides, and the number of the event that showed it."""

    def __init__(self, law: str, left: int, right: int, event: int) -> None:
        self.law, self.left, self.right, self.event = law, left, right, event
        super().__init__(f"{law}: {left} is not {right} (event {event})")


def checked(venue: Exchange) -> None:
    """See the events that are in the venue's buffer; each must come by once, before it is removed.

    A few of them wait in a buffer of their own: a call of a kernel costs as much as a hundred.

    Raises
    ------
    InvariantViolation
        For a law that does not hold.
    """
    state: Any = venue.state[0]
    count, waiting = int(state["events"]), int(state["unseen"])
    if waiting + count <= len(venue.unseen):
        as_words(venue.unseen[waiting : waiting + count])[:] = as_words(venue.events[:count])
        state["unseen"] = waiting + count
    else:
        if waiting > 0:
            check(venue, venue.unseen, waiting, False)
        check(venue, venue.events, count, True)
        state["unseen"] = 0
    if state["law"] != 0:
        raise InvariantViolation(
            LAWS[int(state["law"])], int(state["law_left"]), int(state["law_right"]),
            int(state["law_event"]),
        )  # fmt: skip


def as_words(events: Records) -> Records:
    """The same memory as plain integers: NumPy copies records field by field."""
    return events.view(np.int64).reshape(len(events), -1)


@kernel
def check(venue: Exchange, events: Records, count: int, is_last: bool) -> None:
    """All laws but those of liquidations, which are looked at where they happen.

    ``is_last``: nothing has happened since the last of these events.
    """
    tally(venue, events, count)
    state = venue.state[0]
    state["tallied"] += count
    state["unaudited"] += count
    if not is_last:
        return
    for instrument in range(venue.contracts.shape[0]):
        bids, asks = venue.book.sides[2 * instrument], venue.book.sides[2 * instrument + 1]
        if bids["orders"] > 0 and asks["orders"] > 0:
            bid, ask = MOST_PRICE_TICKS - bids["best_rank"], asks["best_rank"]
            if bid >= ask:
                broken(venue, UNCROSSED, bid, ask, state["tallied"] - 1)
    rows = venue.accounts.shape[0] + state["positions_used"]
    if state["unaudited"] >= EVENTS_PER_ROW * rows:
        state["unaudited"] = 0
        audit(venue, state["tallied"] - 1)


@inner
def tally(venue: Exchange, events: Records, count: int) -> None:
    """Look at each event, and add up what they move."""
    state, paid, funding = venue.state[0], 0, venue.state[0]["funding_units"]
    first = state["tallied"]
    for index in range(count):
        event = events[index]
        kind = int64(event["kind"])
        moved = event["amount_units"] + event["maker_amount_units"]
        if kind <= TRIGGERED:  # orders and fills, in any order: nothing here to guess
            paid += moved
            is_bad = (event["quantity_lots"] <= 0) | (event["maker_leaves_lots"] < 0)
            if is_bad & (kind == FILL):
                broken(venue, QUANTITY, event["quantity_lots"], 1, first + index)
        elif kind not in (LIQUIDATION, LIQUIDATION_WAITS, AUTO_EXCHANGE):
            paid += moved
            if moved != 0 and kind in (
                INSURANCE_PAID, SURPLUS_KEPT, LOSS_SOCIALISED, BAD_DEBT, COLLATERAL_TAKEN,
                CLAWED_BACK,
            ):  # fmt: skip
                received = -event["maker_amount_units"]
                broken(venue, PAYMENT, event["amount_units"], received, first + index)
            elif kind == FUNDING_PAID:
                funding += moved
            elif kind == FUNDING_RESIDUAL:
                if int64(event["reason"]) == NO_REASON and funding + moved != 0:
                    broken(venue, FUNDING, funding, -moved, first + index)
                funding = 0
    state["paid_units"] += paid
    state["funding_units"] = funding


@inner
def audit(venue: Exchange, last: int) -> None:
    """Look through all accounts and positions, after the event of this number."""
    cash, margins, basis, lots = 0, 0, 0, 0
    for account in range(venue.accounts.shape[0]):
        cash += venue.accounts[account]["cash_units"]
    for slot in range(1, venue.state[0]["positions_used"]):
        held = venue.positions[slot]
        margins += held["margin_units"]
        if held["lots"] != 0:
            basis += held["basis_units"]
            lots += held["lots"] * (1 + SPREAD * instrument_of(held))
    state = venue.state[0]
    if cash + margins != state["paid_units"]:
        broken(venue, EVENTS, cash + margins, state["paid_units"], last)
    if cash + margins - basis != state["deposited_units"]:
        broken(venue, CONSERVED, cash + margins - basis, state["deposited_units"], last)
    if lots != 0:
        broken(venue, LONGS, lots, 0, last)


@inner_inlined
def newest_event(venue: Exchange) -> int:
    """The number of the last event that was written."""
    state = venue.state[0]
    return state["tallied"] + state["unseen"] + state["events"] - 1


@inner
def broken(venue: Exchange, law: int, left: int, right: int, event: int) -> None:
    """Remember the first law that does not hold."""
    stay_apart()
    state = venue.state[0]
    if state["law"] == 0:
        state["law"] = law
        state["law_left"] = left
        state["law_right"] = right
        state["law_event"] = event
