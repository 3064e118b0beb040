"""The venue's loop: one command after another, each with all that follows from it."""

from __future__ import annotations

from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.reference.amending import amend
from undertow.reference.clawback import claw_back
from undertow.reference.collateral import read_books
from undertow.reference.conditional import fire, wait
from undertow.reference.control import (
    adjust_margin,
    bad_place,
    cancel,
    cancel_all,
    deposit,
    expire,
    halt,
    pay_funding,
    refused,
    set_leverage,
    set_margin_mode,
    set_mode,
    settle_all,
    withdraw,
)
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.liquidation import liquidate
from undertow.reference.trading import enter, rejection

ACTIONS = {
    codes.LIMIT: enter,
    codes.MARKET: enter,
    codes.CANCEL: cancel,
    codes.CANCEL_ALL: cancel_all,
    codes.AMEND: amend,
    codes.EXPIRE: expire,
    codes.CONDITIONAL: wait,
    codes.DEPOSIT: deposit,
    codes.WITHDRAW: withdraw,
    codes.SET_LEVERAGE: set_leverage,
    codes.SET_MARGIN_MODE: set_margin_mode,
    codes.ADJUST_MARGIN: adjust_margin,
    codes.SET_POSITION_MODE: set_mode,
    codes.SET_ACCOUNT_MODE: set_mode,
    codes.FUNDING: pay_funding,
    codes.HALT: halt,
    codes.SETTLE: settle_all,
    codes.CLAW_BACK: claw_back,
}


def apply(venue: Exchange, command: Command) -> list[Event]:
    """Carry out one command; returns its events."""
    venue.events = []
    if command.kind == codes.MARK:
        set_mark(venue, command)
    elif command.kind == codes.ASSET_PRICE:
        set_price(venue, command)
    elif command.kind in ACTIONS:
        ACTIONS[command.kind](venue, command)
    else:
        venue.write(rejection(command, codes.UNKNOWN_COMMAND))
    fire(venue)
    return venue.events


def set_mark(venue: Exchange, command: Command) -> None:
    """A new mark: what waits for it fires, then those who lack margin are liquidated."""
    if refused(
        venue, command, bad_place(venue, command)[0],
        (command.price_ticks <= 0, codes.PRICE_NOT_POSITIVE),
    ):  # fmt: skip
        return
    market = venue.markets[command.instrument]
    if refused(venue, command, (command.price_ticks > market.contract.max_price_ticks,
                                codes.PRICE_TOO_LARGE)):  # fmt: skip
        return
    market.previous_mark_ticks = market.mark_ticks
    market.mark_ticks = command.price_ticks
    venue.touched.add(command.instrument)
    read_books(venue)
    fire(venue)
    liquidate(venue)


def set_price(venue: Exchange, command: Command) -> None:
    """A new price of an asset (``amount``, cash units of 10^6 of its units), then as a mark.

    One with a book of its own keeps that book's price, once there is one.
    """
    known = range(1, len(venue.assets))
    if refused(venue, command, (command.asset not in known, codes.UNKNOWN_ASSET)):
        return
    asset = venue.assets[command.asset]
    is_wrong = not 0 < command.amount <= asset.asset.max_price_units
    if refused(venue, command, (is_wrong, codes.BAD_AMOUNT)):
        return
    asset.price_units = command.amount
    read_books(venue)
    fire(venue)
    liquidate(venue)


__all__ = ["NO_REASON", "Command", "Event", "Exchange", "apply"]
