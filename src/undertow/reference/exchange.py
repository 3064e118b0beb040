"""What a venue does, in plain Python: the specification of ``kernels/exchange.py``, and its judge.

Commands go in, events come out; nothing raises. All that happens in one command happens in a
stated order, so that the same commands always give the same events:

- orders: `trading`; waiting orders: `conditional`; forced closing: `liquidation`.
- A command is done; then the waiting orders that its prices set off, instrument by instrument.
- A mark first sets off what waits for it, then liquidates (this is the only moment at which
  anybody is liquidated), then sets off what the forced trades set off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from undertow.model import codes
from undertow.model.contracts import Asset, Contract, Rules
from undertow.reference.accounts import (
    Account,
    Position,
    exposure,
    initial_of,
    maintenance_of,
    unrealised,
)
from undertow.reference.book import Book
from undertow.reference.contract import MILLION, of_million
from undertow.reference.portfolio import Leg, portfolio_needs


class Command(NamedTuple):
    """What an account, the venue or time (`EXPIRE`) wants; fields that a kind lacks are ignored."""

    kind: int
    side: int = codes.BUY
    time_in_force: int = codes.GTC
    self_trade: int = codes.SELF_TRADE_ALLOWED
    flags: int = 0
    trigger: int = 0
    leg: int = codes.ONE_WAY
    instrument: int = 0
    account: int = 0
    order_id: int = 0
    price_ticks: int = 0
    quantity_lots: int = 0
    expire_ns: int = 0
    trigger_ticks: int = 0
    amount: int = 0
    asset: int = 0


class Event(NamedTuple):
    """What came of it. Money is in cash units and above 0 where the account receives it.

    Where ``asset`` is not 0, ``quantity_lots`` is in units of that asset.
    """

    kind: int
    reason: int
    side: int
    leg: int
    instrument: int
    account: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    leaves_lots: int = 0
    amount_units: int = 0  # profit of a trade, or the payment
    fee_units: int = 0
    maker_account: int = 0
    maker_leg: int = 0
    maker_id: int = 0
    maker_leaves_lots: int = 0
    maker_amount_units: int = 0
    maker_fee_units: int = 0
    asset: int = 0


@dataclass
class Collateral:
    """One asset as it stands; ``spot`` is the instrument that trades it, -1 if none does."""

    asset: Asset
    spot: int = -1
    price_units: int = 0  # cash units of 10^6 units
    deposited_units: int = 0

    def margin_price(self) -> int:
        """What 10^6 units count as margin, in cash units, rounded down."""
        return self.price_units * (MILLION - self.asset.haircut_ppm) // MILLION

    def worth(self, units: int) -> int:
        """What some units count as margin, in cash units, rounded down."""
        return units * self.margin_price() // MILLION


@dataclass
class Market:
    """One instrument as it stands."""

    contract: Contract
    book: Book
    mark_ticks: int = 0
    previous_mark_ticks: int = 0
    last_ticks: int = 0
    halted: bool = False
    delivered: bool = False  # it stays halted

    @property
    def guide_ticks(self) -> int:
        """What prices are compared with: the mark; of a spot instrument without one, the last."""
        if self.contract.kind == codes.SPOT:
            return self.mark_ticks or self.last_ticks
        return self.mark_ticks


@dataclass
class Waiting:
    """A conditional order before its trigger."""

    command: Command
    sequence: int
    trigger_ticks: int
    active: bool = True
    extreme_ticks: int = 0


@dataclass
class Exchange:
    """One venue: its instruments, accounts 0 to ``count - 1``, and what waits."""

    contracts: tuple[Contract, ...]
    rules: Rules
    count: int
    accounts: dict[int, Account] = field(default_factory=dict)
    markets: list[Market] = field(default_factory=list)
    assets: list[Collateral] = field(default_factory=list)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    now_ns: int = 0
    next_sequence: int = 0
    next_waiting: int = 0
    mark_number: int = 0
    liquidated: int = 0  # pools of customers, in this mark
    deposited_units: int = 0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        """One empty book per contract."""
        for contract in self.contracts:
            book = Book(self.count, self.rules.amend_keeps_priority)
            self.markets.append(Market(contract, book))
        self.assets = [Collateral(asset) for asset in self.rules.assets]
        for instrument, contract in enumerate(self.contracts):
            if contract.kind == codes.SPOT and self.assets[contract.base_asset].spot < 0:
                self.assets[contract.base_asset].spot = instrument

    def account(self, number: int) -> Account:
        """An account of the venue; made when it is first used."""
        if number not in self.accounts:
            self.accounts[number] = Account(number)
        return self.accounts[number]

    def position(self, number: int, instrument: int, leg: int) -> Position:
        """A leg; a new one has the settings of its sister, or the venue's own."""
        account = self.account(number)
        key = (instrument, leg)
        if key not in account.positions:
            sisters = account.of_instrument(instrument)
            leverage = sisters[0].leverage if sisters else self.rules.default_leverage
            isolated = sisters[0].isolated if sisters else False
            account.positions[key] = Position(number, instrument, leg, leverage, isolated)
            account.positions = dict(sorted(account.positions.items()))
        return account.positions[key]

    def unrealised(self, position: Position) -> int:
        """Profit of a position at its mark."""
        market = self.markets[position.instrument]
        return unrealised(position, market.contract, market.mark_ticks or 1)

    def maintenance(self, position: Position) -> int:
        """Maintenance margin of a position at its mark."""
        market = self.markets[position.instrument]
        fee_ppm = market.contract.liquidation_fee_ppm if self.rules.counts_fee else 0
        return maintenance_of(
            position, market.contract, market.mark_ticks or 1, fee_ppm=fee_ppm,
            at_entry=self.rules.maintenance_at_entry,
        )  # fmt: skip

    def is_shut(self, position: Position) -> bool:
        """Whether a liquidation may not trade, as the position's book is halted."""
        halted = self.markets[position.instrument].halted
        return halted and self.rules.halted_book != codes.HALT_TRADES

    def initial(self, position: Position) -> int:
        """What a position and its orders reserve of the account's cash."""
        market = self.markets[position.instrument]
        return initial_of(position, market.contract, market.mark_ticks or 1)

    def cross_equity(self, account: Account) -> int:
        """Cash, what collateral counts, and the profit of all cross positions."""
        profit = sum([self.unrealised(held) for held in account.open_cross()])
        return account.cash_units + self.collateral(account) + profit

    def collateral(self, account: Account) -> int:
        """What all assets beside cash count as margin, each rounded down."""
        return sum([self.assets[number].worth(units) for number, units in account.balances.items()])

    def cross_maintenance(self, account: Account) -> int:
        """What an account's cross positions must hold."""
        if account.portfolio:
            return self.portfolio_needs(account)
        return sum([self.maintenance(held) for held in account.open_cross()])

    def portfolio_needs(self, account: Account, *, orders: bool = False) -> int:
        """What an account's positions need by their net risk, see `portfolio`."""
        legs = [
            Leg(
                held.instrument, market.contract,
                exposure(held, market.contract, market.mark_ticks or 1),
                held.bid_units, held.ask_units,
            )
            for held in account.in_order()
            for market in [self.markets[held.instrument]]
            if market.contract.kind != codes.SPOT
        ]  # fmt: skip
        spot_units = {
            number: units * self.assets[number].price_units // MILLION
            for number, units in account.balances.items()
        }
        return portfolio_needs(self.rules, legs, spot_units, orders=orders)

    def reserved(self, account: Account) -> int:
        """Initial margin of all positions and orders."""
        if not account.portfolio:
            return sum([self.initial(held) for held in account.in_order()])
        needed = self.portfolio_needs(account, orders=True)
        bids = sum(
            self.initial(held)
            for held in account.in_order()
            if self.contracts[held.instrument].kind == codes.SPOT
        )
        return of_million(needed, self.rules.portfolio_initial_ppm) + bids

    def free(self, account: Account) -> int:
        """What is left of an account's cross equity for new orders and withdrawals."""
        return self.cross_equity(account) - self.reserved(account)

    def withheld(self, account: Account) -> int:
        """Profit that may not leave before a clawback."""
        is_bound = self.rules.claws_back and account.number >= codes.FIRST_CUSTOMER
        return max(0, account.period_units) if is_bound else 0

    def free_without(self, account: Account, asset: int, units: int) -> int:
        """The same if the account had less of an asset."""
        has = account.balances.get(asset, 0)
        account.balances[asset] = has - units
        left = self.free(account)
        account.balances[asset] = has
        return left

    def write(self, event: Event) -> None:
        """Say what happened."""
        self.events.append(event)
