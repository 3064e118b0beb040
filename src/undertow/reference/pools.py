"""Margin that stands for itself: what it has, what it needs, when it is bankrupt.

A pool is an account's cash with its cross positions, or one isolated position with its own margin.
"""

from __future__ import annotations

from dataclasses import dataclass

from undertow.model import codes
from undertow.model.contracts import Contract
from undertow.reference.accounts import Account, Position
from undertow.reference.contract import ceil_div, notional
from undertow.reference.exchange import Exchange


@dataclass(frozen=True)
class Pool:
    """Margin that stands for itself: an account's cross positions, or one isolated position."""

    account: Account
    position: Position | None  # None: the cross pool

    def positions(self) -> list[Position]:
        """What the margin stands for."""
        return self.account.cross() if self.position is None else [self.position]

    def open(self) -> list[Position]:
        """Those that are not flat."""
        return [held for held in self.positions() if held.lots != 0]

    def margin(self) -> int:
        """Cash of the pool."""
        if self.position is None:
            return self.account.cash_units
        return self.position.margin_units

    def receive(self, amount_units: int) -> None:
        """Add cash to the pool, or take it (below 0)."""
        if self.position is None:
            self.account.cash_units += amount_units
        else:
            self.position.margin_units += amount_units

    def state(self) -> Account | Position:
        """Where the cooldown and the last mark that handled it are kept."""
        return self.account if self.position is None else self.position


def equity(venue: Exchange, pool: Pool) -> int:
    """Margin and profit at the mark; collateral stands for cross positions only."""
    if pool.position is None:
        return venue.cross_equity(pool.account)
    return pool.margin() + venue.unrealised(pool.position)


def maintenance(venue: Exchange, pool: Pool) -> int:
    """What the pool must hold; nothing for the venue's own accounts."""
    if pool.account.number < codes.FIRST_CUSTOMER:
        return 0
    if pool.position is None:
        return venue.cross_maintenance(pool.account)
    return venue.maintenance(pool.position)


def lacks(venue: Exchange, pool: Pool) -> bool:
    """Whether a pool must be liquidated."""
    has, needs = equity(venue, pool), maintenance(venue, pool)
    if has < needs:
        return True
    return has == needs and needs > 0 and venue.rules.liquidates_when_equal


def release(pool: Pool) -> None:
    """Give back what is left of an isolated margin once its position is closed."""
    held = pool.position
    if held is not None and held.lots == 0 and held.margin_units > 0:
        pool.account.cash_units += held.margin_units
        held.margin_units = 0


def bankruptcy_price(contract: Contract, lots: int, mark_ticks: int, equity_units: int) -> int:
    """The worst price at which closing signed lots leaves an equity of 0 or more.

    Rounded to the safe side; between 1 and the highest price.
    """
    if contract.kind == codes.INVERSE:
        coins = abs(lots) * contract.units
        at_mark = notional(contract, lots, mark_ticks)
        if lots > 0:
            price = ceil_div(coins, max(1, at_mark + equity_units))
        else:
            less = at_mark - equity_units
            price = coins // less if less > 0 else codes.MOST_PRICE_TICKS
    elif lots > 0:
        price = mark_ticks - equity_units // (lots * contract.units)
    else:
        price = mark_ticks + equity_units // (-lots * contract.units)
    return min(max(price, 1), codes.MOST_PRICE_TICKS)
