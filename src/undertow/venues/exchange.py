"""A venue that people can trade on: commands in words and decimals, events and statements out.

``Venue.open("binance-usdm@2025-10-10", ["BTCUSDT"], accounts=["alice", "bob"])`` keeps that day's
rules. What it refuses is an event with a reason, not an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from undertow.errors import UndertowError, nearest
from undertow.model import codes
from undertow.venues import event_table, exchange_view, rulebook
from undertow.venues.commands import LEGS, Draft, Number, whole, word
from undertow.venues.engine import COMMAND, EVENT, Records, new_engine
from undertow.venues.events import OWN_ACCOUNTS, Event, Reader
from undertow.venues.exchange_collateral import Collateral, with_collateral
from undertow.venues.exchange_commands import Commands
from undertow.venues.exchange_rules import Terms, terms
from undertow.venues.journal import Journal
from undertow.venues.margin_account import (
    collateral_units,
    open_position,
    pool_of,
    unrealised_units,
    wallet_units,
)
from undertow.venues.statement import Statement, asset_statement, make_statement

if TYPE_CHECKING:
    import polars as pl

_ENTERED = (codes.LIMIT, codes.MARKET, codes.CONDITIONAL)
_SHARED = ("side", "leg", "instrument", "account", "order_id", "price_ticks", "quantity_lots")


class Venue(Commands):
    """One exchange with its instruments, accounts and books; see `open`.

    Attributes
    ----------
    terms
        The rules in whole units: instruments with ticks and lots, tiers, fees, liquidation.
    assumptions
        What had to be assumed, with value and reason.
    asset
        What all balances are counted in.
    engine
        What carries out the commands.
    """

    def __init__(self, made: Terms, accounts: int | Sequence[str], engine: str) -> None:
        names = [] if isinstance(accounts, int) else list(accounts)
        count = accounts if isinstance(accounts, int) else len(names)
        wrong = isinstance(accounts, str) or set(names) & set(OWN_ACCOUNTS)
        if wrong or count < 1 or len(set(names)) < len(names):
            raise UndertowError(
                "accounts: expected a number from 1 on, or different names other than"
                f" {', '.join(OWN_ACCOUNTS)}"
            )
        self.terms = made
        self.assumptions = made.assumptions
        self.asset = made.asset
        self.count = codes.FIRST_CUSTOMER + count
        self.numbers = OWN_ACCOUNTS | {
            name: codes.FIRST_CUSTOMER + place for place, name in enumerate(names)
        }
        self.symbols = {listing.symbol: place for place, listing in enumerate(made.listings)}
        contracts = [listing.contract for listing in made.listings]
        self.engine = new_engine(engine, contracts, made.rules, self.count)
        self._contracts = contracts
        reverse = {number: name for name, number in self.numbers.items()}
        self._reader = Reader(made.dated.venue, made.listings, reverse, made.assets)
        self._journal = Journal()

    @staticmethod
    def open(
        rules: str | rulebook.Rules,
        symbols: str | Sequence[str],
        *,
        accounts: int | Sequence[str],
        lots: Mapping[str, str] | None = None,
        assume: Mapping[str, Any] | None = None,
        collateral: Sequence[Collateral] = (),
        engine: str = "kernel",
    ) -> Venue:
        """A new exchange without orders, prices or money.

        Parameters
        ----------
        rules
            Venue and day, such as ``binance-usdm@2025-10-10``, or rules from a rulebook.
        symbols
            What shall trade; all settled in one asset.
        accounts
            How many customers, or their names. Customers are numbered from 4; ``fund`` (0),
            ``vault`` (1), ``venue`` (2) and ``bad_debts`` (3) are the venue's own.
        lots
            By symbol, a lot that is a multiple of the venue's own.
        assume
            Values for what the rules lack, or in place of what they say, by key:
            ``{"fees.taker_rate": "0.0005", "orders.default_leverage": 10}``.
        collateral
            Assets beside cash that count as margin, each with its spot market if it has one.
        engine
            Who does the work: the ``kernel``, or its ``reference`` in plain Python, which gives the
            same results some hundred times slower.

        Raises
        ------
        UndertowError
            For rules, symbols, keys or names that do not exist, and for an instrument whose tick
            and lot are worth no whole number of 10^-6 of the asset.
        """
        dated = rulebook.load(rules) if isinstance(rules, str) else rules
        made = terms(dated, symbols, lots=lots, assume=assume)
        if collateral:
            made = with_collateral(made, collateral)
        return Venue(made, accounts, engine)

    def apply(self, commands: Records) -> Records:
        """Carry out many commands in whole units, without the checks of single ones.

        Parameters
        ----------
        commands
            Rows of `engine.COMMAND`: prices in ticks, quantities in lots, money in 10^-6.

        Returns
        -------
        numpy.ndarray
            Rows of `engine.EVENT`; ``command`` is the number of the row that caused it. They are
            kept for statements as well.

        Raises
        ------
        UndertowError
            For rows of another kind.
        """
        if commands.dtype != COMMAND:
            raise UndertowError(f"commands: expected rows of COMMAND, got {commands.dtype}")
        return self._apply(commands)[0]

    @property
    def now_ns(self) -> int:
        """The venue's time, in nanoseconds since 1970; 0 before it was set."""
        return self._journal.now_ns

    def rounded(self, symbol: str, price: Number) -> Decimal:
        """The price on the tick that is nearest to this one; of two, the even one."""
        return exchange_view.on_tick(self.terms.listings[self._place(symbol)], price)

    def events(self, since: int = 0) -> list[Event]:
        """All events from a number on."""
        rows, ts_ns = self._journal.all()
        return self._reader.events(rows[since:], since, ts_ns[since:].tolist(), self._journal.asked)

    def events_frame(self) -> pl.DataFrame:
        """All events as a table; prices, quantities and amounts as floats."""
        return event_table.table(self.terms.listings, *self._journal.all(), self.terms.assets)

    def accounts(self) -> pl.DataFrame:
        """Wallet, profit and equity of every account that has a name, cash or a position."""
        return exchange_view.accounts(self.engine, self._contracts, self._reader)

    def balances(self) -> pl.DataFrame:
        """Every holding of an asset beside cash, with its price and what it counts as margin."""
        return exchange_view.balances(self.engine, self.terms.assets, self._reader)

    def positions(self) -> pl.DataFrame:
        """Every open position."""
        return exchange_view.positions(self.engine, self.terms.listings, self._reader)

    def orders(self) -> pl.DataFrame:
        """Every order that rests or waits for its trigger."""
        return exchange_view.orders(self.engine, self.terms.listings, self._reader)

    def book(self, symbol: str) -> pl.DataFrame:
        """Price levels of an instrument: bids from the best down, then asks from the best up."""
        return exchange_view.book(self.engine, self.terms.listings, self._place(symbol))

    def statement(
        self, account: int | str, *, since: int = 0, asset: str | None = None
    ) -> Statement:
        """All payments of an account from an event on, checked against its balance.

        In money, or of one ``asset`` that is collateral here.

        Raises
        ------
        UndertowError
            For an unknown account or asset.
        """
        number = self._account(account)
        rows, ts_ns = self._journal.all()
        if asset not in (None, self.asset):
            if asset not in self.terms.assets:
                raise UndertowError(f"no asset '{asset}' here{nearest(asset, self.terms.assets)}")
            place = self.terms.assets.index(asset)
            held = self.engine.balances(number)
            units = int(held["units"][held["asset"] == place].sum())
            return asset_statement(
                self._reader, rows, ts_ns, number, since=since, asset=place, units=units
            )
        marks = self.engine.markets()["mark_ticks"].tolist()
        profit = sum(
            unrealised_units(one, self._contracts, marks[one["instrument"]])
            for one in self.engine.positions(number)
        )
        return make_statement(
            self._reader, rows, ts_ns, number, since=since, asset=self.asset,
            wallet_units=wallet_units(self.engine, number), unrealised_units=profit,
            collateral_units=collateral_units(self.engine, number),
        )  # fmt: skip

    def liquidation_price(
        self, account: int | str, symbol: str, *, leg: str = "one_way"
    ) -> Decimal | None:
        """The first mark at which a position is liquidated, if all other prices stay.

        None without a position, or where no price does it. Exact to the tick: that mark
        liquidates, the one before does not.
        """
        place = self._place(symbol)
        found = open_position(self.engine, self._account(account), place, word("leg", leg, LEGS))
        if found is None:
            return None
        pool = pool_of(self.engine, self._contracts, self.terms.rules, found)
        ticks = pool.liquidation_ticks(place, falls=bool(found["lots"] > 0))
        return None if ticks is None else ticks * self.terms.listings[place].tick

    def _do(self, draft: Draft) -> list[Event]:
        first = len(self._journal)
        if draft.reason == codes.NO_REASON:
            rows, ts_ns = self._apply(draft.row)
        else:
            rows = np.zeros(1, EVENT)
            for name in _SHARED:
                rows[name] = draft.row[name]
            rows["kind"], rows["reason"] = codes.REJECTED, draft.reason
            self._journal.asked[first] = draft.asked
            ts_ns = self._journal.add(rows, draft.row)
        return self._reader.events(rows, first, ts_ns.tolist(), self._journal.asked)

    def _apply(self, commands: Records) -> tuple[Records, Records]:
        rows = self.engine.apply(commands)
        entered = commands["order_id"][np.isin(commands["kind"], _ENTERED)]
        self._next_order = max(self._next_order, int(entered.max(initial=0)) + 1)
        return rows, self._journal.add(rows, commands)

    def _place(self, symbol: str) -> int:
        if symbol not in self.symbols:
            raise UndertowError(f"no symbol '{symbol}' here; there is {', '.join(self.symbols)}")
        return self.symbols[symbol]

    def _account(self, account: int | str) -> int:
        number = (
            self.numbers.get(account) if isinstance(account, str) else whole("account", account)
        )
        if number is None or not 0 <= number < self.count:
            raise UndertowError(f"no account {account!r} here")
        return number
