"""Who holds what: accounts, positions, and how a trade, a payment or a transfer changes them.

A position keeps its cost basis. Opening adds the cost to it; closing releases a share into cash;
so cash less basis always changes by minus the cost, and over all accounts
sum(cash) - sum(basis) = deposits - withdrawals, to the unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from undertow.model import codes
from undertow.model.contracts import Contract
from undertow.reference.contract import ceil_div, maintenance, notional, value, with_fee


@dataclass
class Position:
    """One leg of an account in one instrument; it stays when it is flat, with its settings."""

    account: int
    instrument: int
    leg: int
    leverage: int
    isolated: bool = False
    lots: int = 0
    basis_units: int = 0
    margin_units: int = 0  # isolated margin; may be below 0 after a bad fill, until the next mark
    bid_lots: int = 0  # resting orders, without those that only reduce
    ask_lots: int = 0
    bid_units: int = 0  # their notional
    ask_units: int = 0
    reduce_lots: int = 0  # resting orders that only reduce
    cooldown_ns: int = 0  # a partial liquidation before this; for cross, kept by the account
    handled: int = 0  # number of the mark in which it was last liquidated
    queued: int = 0  # number of the mark since which it waits for the liquidator; 0: it does not
    queued_ns: int = 0


@dataclass
class Account:
    """Cash that backs every cross position, and the positions by instrument and leg."""

    number: int
    cash_units: int = 0
    hedge: bool = False
    portfolio: bool = False  # cross positions are margined by their net risk
    cooldown_ns: int = 0
    handled: int = 0
    queued: int = 0
    queued_ns: int = 0
    period_units: int = 0  # profit that positions realised since the last clawback
    exchanged: int = 0  # number of the mark in which collateral was last sold for cash
    balances: dict[int, int] = field(default_factory=dict)  # units by asset; cash is not in it
    # By instrument, then leg: the order in which everything is done to them.
    positions: dict[tuple[int, int], Position] = field(default_factory=dict)

    def in_order(self) -> list[Position]:
        """All positions."""
        return list(self.positions.values())

    def of_instrument(self, instrument: int) -> list[Position]:
        """The legs in one instrument."""
        return [held for held in self.positions.values() if held.instrument == instrument]

    def cross(self) -> list[Position]:
        """Positions that the account's cash backs."""
        return [held for held in self.positions.values() if not held.isolated]

    def isolated(self) -> list[Position]:
        """Positions with a margin of their own."""
        return [held for held in self.positions.values() if held.isolated]

    def open_cross(self) -> list[Position]:
        """Those that the account's cash backs and that are not flat."""
        return [held for held in self.positions.values() if held.lots != 0 and not held.isolated]


def unrealised(position: Position, contract: Contract, mark_ticks: int) -> int:
    """Profit at the mark; positive is a profit."""
    return value(contract, position.lots, mark_ticks) - position.basis_units


def exposure(position: Position, contract: Contract, mark_ticks: int) -> int:
    """Notional at the mark, below 0 for a short."""
    size = notional(contract, position.lots, mark_ticks)
    return size if position.lots > 0 else -size


def maintenance_of(
    position: Position,
    contract: Contract,
    mark_ticks: int,
    *,
    fee_ppm: int = 0,
    at_entry: bool = False,
) -> int:
    """Maintenance margin, with the liquidation fee where a venue counts it.

    The size is the notional at the mark, or ``at_entry`` what was paid for the position.
    """
    size = notional(contract, position.lots, mark_ticks)
    if at_entry:
        size = abs(position.basis_units)
    return maintenance(contract, position.lots, size) + ceil_div(size * fee_ppm, 10**6)


def gross_exposure(position: Position, contract: Contract, mark_ticks: int) -> int:
    """The larger of what a position would be worth if all bids, or all asks, were filled."""
    held = exposure(position, contract, mark_ticks)
    return max(abs(held + position.bid_units), abs(held - position.ask_units))


def initial_of(position: Position, contract: Contract, mark_ticks: int) -> int:
    """What position and orders reserve of the account's cash, rounded up.

    The larger of what it would be if all bids, or all asks, were filled; an isolated position has
    its own margin, so only what orders add to it counts. In a spot instrument, what the bids cost.
    """
    if contract.kind == codes.SPOT:
        return with_fee(contract, position.bid_units)
    gross = gross_exposure(position, contract, mark_ticks)
    if position.isolated:
        gross -= abs(exposure(position, contract, mark_ticks))
    return ceil_div(gross, position.leverage)


def settle(
    account: Account, position: Position, lots: int, cost_units: int, *, keeps_margin: bool = False
) -> int:
    """Add signed lots that were bought for a cost (sold: both below 0); returns the profit made.

    What is closed releases its share of the basis, rounded down. An isolated position releases
    its share of the margin as well, unless it is closed by force; a loss that exceeds the share
    stays with the position. What is
    opened takes its margin from cash, as far as there is any: the rest of a cost that is worse
    than the order's check is missing there.
    """
    held = position.lots
    closed = min(abs(held), abs(lots)) if held * lots < 0 else 0
    profit = 0
    cost_closed = cost_units * closed // abs(lots)
    if closed:
        released = position.basis_units * closed // abs(held)
        profit = -cost_closed - released
        account.period_units += profit
        position.basis_units -= released
        position.lots += closed if held < 0 else -closed
        if position.isolated:
            margin = 0 if keeps_margin else position.margin_units * closed // abs(held)
            position.margin_units -= margin
            if keeps_margin:
                position.margin_units += profit
            else:
                pay(account, position, margin + profit)
        else:
            account.cash_units += profit
    cost_opened = cost_units - cost_closed
    opened = abs(lots) - closed
    if opened:
        position.lots += opened if lots > 0 else -opened
        position.basis_units += cost_opened
        if position.isolated:
            wanted = ceil_div(abs(cost_opened), position.leverage)
            moved = min(wanted, max(0, account.cash_units))
            account.cash_units -= moved
            position.margin_units += moved
    return profit


def pay(account: Account, position: Position, amount_units: int) -> None:
    """Pay the holder of a position, or take from them (below 0).

    Gains go to cash. Losses of an isolated position stop at its own margin.
    """
    if position.isolated and amount_units < 0:
        position.margin_units += amount_units
    else:
        account.cash_units += amount_units


def charge(account: Account, position: Position, fee_units: int) -> None:
    """Take a trading fee, or pay a rebate: from cash; what cash lacks, from an isolated margin."""
    if position.isolated and fee_units > 0:
        from_cash = min(fee_units, max(0, account.cash_units))
        account.cash_units -= from_cash
        position.margin_units -= fee_units - from_cash
    else:
        account.cash_units -= fee_units
