"""One venue of a world: its exact exchange, with prices and amounts in floats around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.orders import joined
from undertow.kernels.exchange_arrays import COMMAND
from undertow.kernels.market_view import TRADED
from undertow.model import codes
from undertow.model.contracts import Asset, Contract, Rules
from undertow.venues import rulebook
from undertow.venues.exchange_rules import MOST_TICKS, ROOM_UNITS, Terms
from undertow.venues.instruments import CASH_UNITS
from undertow.venues.kernel_engine import KernelEngine
from undertow.venues.market_data import MarketData

Rows = NDArray[Any]
Floats = NDArray[np.float64]
# Steps of a spot market, as shares of a price and of a thousand dollars: fine enough not to matter.
SPOT_TICK_SHARE = 1e-6
SPOT_LOT_USD = 1.0


@dataclass(frozen=True)
class Listings:
    """What a venue trades, in the order of its instruments.

    ``settlement_usd`` is what a whole unit of its cash is worth on the eve: 1, or the price of the
    coin where contracts are inverse; ``price_usd`` of each coin, that of a leveraged venue.
    ``dated`` is None for a spot market.
    """

    symbols: tuple[str, ...]
    assets: tuple[str, ...]
    contracts: tuple[Contract, ...]
    rules: Rules
    tick: Floats
    lot: Floats  # coins; of inverse contracts at the eve's price
    lot_usd: Floats  # of inverse contracts; else NaN
    price_usd: tuple[float, ...] = ()
    settlement_usd: float = 1.0
    is_spot: bool = False
    dated: rulebook.Rules | None = None


def listings_of(terms: Terms, assets: Sequence[str], price_usd: dict[str, float]) -> Listings:
    """A leveraged venue's instruments; ``assets`` in the order of the terms' listings."""
    inverse = np.array([one.contract.kind == codes.INVERSE for one in terms.listings])
    size = np.array([float(one.lot * one.instrument.contract_size) for one in terms.listings])
    prices = np.array([price_usd[asset] for asset in assets])
    ends_in = 1.0 if not inverse.any() else price_usd[terms.asset]
    return Listings(
        symbols=tuple(one.symbol for one in terms.listings),
        assets=tuple(assets),
        contracts=tuple(one.contract for one in terms.listings),
        rules=terms.rules,
        tick=np.array([float(one.tick) for one in terms.listings]),
        lot=np.where(inverse, size / prices, size),
        lot_usd=np.where(inverse, size, np.nan),
        price_usd=tuple(price_usd[asset] for asset in assets),
        settlement_usd=ends_in,
        dated=terms.dated,
    )


def spot_listings(assets: Sequence[str], price_usd: dict[str, float]) -> Listings:
    """A spot market's instruments: coins against dollars, without fees.

    Ticks and lots are ours, powers of ten near a millionth of the price and one dollar; a tick on
    a lot is worth a whole number of 10^-6 dollars.
    """
    contracts, kinds, ticks, lots = [], [Asset()], [], []
    for number, asset in enumerate(assets, start=1):
        price = price_usd[asset]
        lot = Decimal(10) ** int(np.clip(np.round(np.log10(SPOT_LOT_USD / price)), -6, 12))
        tick = Decimal(10) ** int(np.round(np.log10(price * SPOT_TICK_SHARE)))
        tick = max(tick, Decimal(1) / (lot * CASH_UNITS))
        units, base = int(tick * lot * CASH_UNITS), int(lot * CASH_UNITS)
        most = ROOM_UNITS // max(units * MOST_TICKS, base)
        contracts.append(
            Contract(
                kind=codes.SPOT, units=units, max_price_ticks=MOST_TICKS, max_lots=most,
                max_position_lots=most, base_asset=number, base_units_per_lot=base,
            )
        )  # fmt: skip
        # At most five times the eve's price, so that enough coins fit into 2^58 of value.
        kinds.append(Asset(max_price_units=min(10**12, int(5 * price * CASH_UNITS) + 1)))
        ticks.append(float(tick))
        lots.append(float(lot))
    return Listings(
        symbols=tuple(f"{asset}USD" for asset in assets), assets=tuple(assets),
        contracts=tuple(contracts), rules=Rules(assets=tuple(kinds)), tick=np.array(ticks),
        lot=np.array(lots), lot_usd=np.full(len(ticks), np.nan), is_spot=True,
    )  # fmt: skip


@dataclass
class Market:
    """A venue at work.

    Attributes
    ----------
    forced
        Events of forced closings, and their times, as they came: all of a run.
    new_forced
        Those since `begin_step`.
    now_ns
        The time that commands are carried out at.
    version
        Grows whenever anything happened here.
    """

    venue: str
    listings: Listings
    accounts: int
    forced: list[Rows] = field(default_factory=list)
    forced_ns: list[int] = field(default_factory=list)
    new_forced: list[Rows] = field(default_factory=list)
    now_ns: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        self.engine = KernelEngine(
            self.listings.contracts, self.listings.rules, codes.FIRST_CUSTOMER + self.accounts
        )
        self.data = MarketData(self.engine)
        self._value = np.zeros(len(self.listings.contracts))
        self._bought = np.zeros(len(self.listings.contracts))
        # Ticks x lots to dollars; of inverse contracts dollars are lots alone, see `usd`.
        self.per_value = self.listings.tick * self.listings.lot
        self._is_linear = bool(np.isnan(self.listings.lot_usd).all())
        rules = self.listings.rules
        # No agent's orders end at a time; only liquidations may look at the clock.
        self._has_clock = rules.cooldown_ns > 0 or rules.liquidation_latency_ns > 0
        self._clock_ns = 0

    def apply(self, commands: Rows) -> None:
        """Carry out commands at `now_ns`, and keep what they force."""
        if len(commands) == 0:
            return
        if self._has_clock and self._clock_ns != self.now_ns:
            self._clock_ns = self.now_ns
            clock = np.zeros(1, COMMAND)
            clock["kind"], clock["expire_ns"] = codes.EXPIRE, self.now_ns
            commands = joined([clock, commands])
        events = self.engine.apply(commands)
        if len(events) == 0:
            return
        self.version += 1
        found = self.data.take(events)
        if len(found):
            self.forced.append(found)
            self.forced_ns.append(self.now_ns)
            self.new_forced.append(found)

    def begin_step(self, now_ns: int) -> None:
        """The time of what comes now; what was new is so no more."""
        self.now_ns = now_ns
        if self.new_forced:
            self.new_forced = []

    def flows_usd(self) -> tuple[Floats, Floats]:
        """Bought and sold by takers since the last call, in dollars, by instrument."""
        value, bought = self.values_usd(self.data.traded)
        sold_now = (value - bought) - (self._value - self._bought)
        bought_now = bought - self._bought
        self._value, self._bought = value, bought
        return bought_now, sold_now

    def values_usd(self, traded: Rows) -> tuple[Floats, Floats]:
        """Value of trades, and of those in which the taker bought, by instrument."""
        if self._is_linear:
            return traded["value"] * self.per_value, traded["bought_value"] * self.per_value
        fixed = self.listings.lot_usd
        linear = np.isnan(fixed)
        value = np.where(linear, traded["value"] * self.per_value, traded["lots"] * fixed)
        bought = np.where(
            linear, traded["bought_value"] * self.per_value, traded["bought_lots"] * fixed
        )
        return value, bought

    def new_bar(self) -> Rows:
        """Trades of the record's interval; rows of `TRADED` by instrument."""
        self._value[:] = 0
        self._bought[:] = 0
        return self.data.new_bar()

    def usd(self, instrument: Rows, ticks: Rows, lots: Rows) -> Floats:
        """Value of trades in dollars: of inverse contracts what they are made out for."""
        fixed = self.listings.lot_usd[instrument] * lots
        floating = self.per_value[instrument] * ticks * lots
        value: Floats = np.where(np.isnan(fixed), floating, fixed)
        return value

    def fund_usd(self) -> float:
        """Cash of the insurance fund and the backstop vault, in dollars of the eve.

        Coins that the fund has taken for cash count at what the venue was told they are worth.
        """
        units = self.data.cash_units(codes.FUND) + self.data.cash_units(codes.VAULT)
        units += self.data.coin_units(codes.FUND)
        return units / CASH_UNITS * self.listings.settlement_usd


__all__ = ["TRADED", "Listings", "Market", "listings_of", "spot_listings"]
