"""Laws of assets beside cash: nothing is made or lost, nothing is sold twice, nothing is lent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from undertow.model import codes
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.spot import spare_units
from undertow.reference.venue_laws import require

Balances = dict[tuple[int, int], int]  # units by account and asset, without those that are 0


def balances(venue: Exchange) -> Balances:
    """What everybody holds beside cash."""
    return {
        (number, asset): units
        for number, account in venue.accounts.items()
        for asset, units in account.balances.items()
        if units != 0
    }


def assets_are_conserved(venue: Exchange) -> None:
    """Of each asset, balances add up to deposits less withdrawals, to the unit; none is below 0."""
    held = balances(venue)
    require(min(held.values(), default=0) >= 0, "balances are 0 or more", balances=held)
    for asset in range(1, len(venue.assets)):
        total = sum(units for (_, one), units in held.items() if one == asset)
        deposited = venue.assets[asset].deposited_units
        require(total == deposited, "assets are conserved", asset=asset, held=total, came=deposited)


def asks_are_covered(venue: Exchange) -> None:
    """What resting asks promise is there."""
    for number, asset in balances(venue):
        spare = spare_units(venue, venue.account(number), asset)
        require(spare >= 0, "asks are covered", account=number, asset=asset, spare=spare)


def moves(venue: Exchange, events: Iterable[Event]) -> list[tuple[int, int, int]]:
    """Which account received how much of which asset, event by event; below 0: it gave."""
    found = []
    for event in events:
        if event.kind == codes.FILL:
            contract = venue.contracts[event.instrument]
            if contract.kind == codes.SPOT:
                units = event.quantity_lots * contract.base_units_per_lot
                units = units if event.side == codes.BUY else -units
                found.append((event.account, contract.base_asset, units))
                found.append((event.maker_account, contract.base_asset, -units))
        elif event.asset != 0:
            units = event.quantity_lots
            came = units if event.kind == codes.DEPOSITED else -units
            found.append((event.account, event.asset, came))
            if event.kind == codes.COLLATERAL_TAKEN:
                found.append((event.maker_account, event.asset, units))
    return found


def asset_statement_adds_up(
    venue: Exchange, before: Mapping[tuple[int, int], int], events: Iterable[Event]
) -> Balances:
    """Each balance is what it was before, and what the events say came in; returns the balances."""
    expected = dict(before)
    for account, asset, units in moves(venue, events):
        expected[account, asset] = expected.get((account, asset), 0) + units
    found = balances(venue)
    said = {key: units for key, units in expected.items() if units != 0}
    require(said == found, "asset statement", events=said, balances=found)
    return found


def spot_lends_nothing(
    venue: Exchange, command: Command, cash_units: int, events: Sequence[Event]
) -> None:
    """An order of a customer in a spot instrument never leaves its cash below 0.

    ``cash_units`` is what the account had before. Commands that set others off are left out.
    """
    is_order = command.kind in (codes.LIMIT, codes.MARKET) and events[0].kind == codes.ACCEPTED
    alone = all(event.kind != codes.TRIGGERED for event in events)
    if not (is_order and alone) or command.account < codes.FIRST_CUSTOMER:
        return
    if venue.contracts[command.instrument].kind == codes.SPOT:
        left = venue.account(command.account).cash_units
        require(left >= min(0, cash_units), "spot lends nothing", cash=left, command=command)
