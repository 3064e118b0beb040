"""What an account is worth at its marks, and the mark at which it would be liquidated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.reference.contract import ceil_div, maintenance, notional, value
from undertow.reference.portfolio import Leg, portfolio_needs
from undertow.venues.engine import Engine, Records

MILLION = 10**6


@dataclass(frozen=True)
class Pool:
    """Margin that stands for itself: cash with the cross positions, or one isolated position.

    ``positions`` are rows of `engine_rows.POSITION`, ``marks`` prices in ticks by instrument. The
    venue's own accounts (``is_own``) need no margin. With ``nets`` it is that of a portfolio, which
    the values ``spot_units`` of assets, by number, may hedge.
    """

    contracts: Sequence[Contract]
    rules: Rules
    cash_units: int
    positions: Sequence[Any]
    marks: Sequence[int]
    is_own: bool = False
    nets: bool = False
    spot_units: Mapping[int, int] = field(default_factory=dict)

    def equity_units(self, instrument: int = -1, mark_ticks: int = 0) -> int:
        """Cash and profit, as if one instrument had another mark."""
        return self.cash_units + sum(
            unrealised_units(one, self.contracts, mark_ticks if one["instrument"] == instrument
                             else self.marks[one["instrument"]])
            for one in self.positions
        )  # fmt: skip

    def maintenance_units(self, instrument: int = -1, mark_ticks: int = 0) -> int:
        """What the pool must hold, as if one instrument had another mark."""
        if self.nets:
            return self._portfolio_units(instrument, mark_ticks)
        total = 0
        for one in () if self.is_own else self.positions:
            contract, lots = self.contracts[one["instrument"]], int(one["lots"])
            mark = mark_ticks if one["instrument"] == instrument else self.marks[one["instrument"]]
            size = notional(contract, lots, mark or 1)
            if self.rules.maintenance_at_entry:
                size = abs(int(one["basis_units"]))
            fee_ppm = contract.liquidation_fee_ppm if self.rules.counts_fee else 0
            total += maintenance(contract, lots, size) + ceil_div(size * fee_ppm, MILLION)
        return total

    def _portfolio_units(self, instrument: int, mark_ticks: int) -> int:
        legs = []
        for one in self.positions:
            place, lots = int(one["instrument"]), int(one["lots"])
            mark = mark_ticks if place == instrument else self.marks[place]
            size = notional(self.contracts[place], lots, mark or 1)
            legs.append(Leg(place, self.contracts[place], size if lots > 0 else -size))
        return portfolio_needs(self.rules, legs, dict(self.spot_units))

    def lacks(self, instrument: int, mark_ticks: int) -> bool:
        """Whether the pool would be liquidated at a mark of one instrument."""
        has = self.equity_units(instrument, mark_ticks)
        needs = self.maintenance_units(instrument, mark_ticks)
        return has < needs or (has == needs and needs > 0 and self.rules.liquidates_when_equal)

    def liquidation_ticks(self, instrument: int, *, falls: bool) -> int | None:
        """The nearest mark of an instrument, downwards or upwards, that liquidates the pool.

        All other marks stay. Equity less maintenance has one hump over the price, so halving
        finds its edge to the tick (a portfolio's as well, but for its charge on what is hedged);
        only tiers that take the whole notional without deduction make
        several, of which one is found. None where no mark does it; the present mark if that does
        already.
        """
        sound = self.marks[instrument]
        if self.lacks(instrument, sound):
            return sound
        broken = 1 if falls else self.contracts[instrument].max_price_ticks
        if not self.lacks(instrument, broken):
            return None
        while abs(sound - broken) > 1:
            middle = (sound + broken) // 2
            if self.lacks(instrument, middle):
                broken = middle
            else:
                sound = middle
        return broken


def unrealised_units(position: Any, contracts: Sequence[Contract], mark_ticks: int) -> int:
    """Profit of a position at a mark."""
    contract = contracts[position["instrument"]]
    worth = value(contract, int(position["lots"]), int(mark_ticks) or 1)
    return worth - int(position["basis_units"])


def wallet_units(engine: Engine, account: int) -> int:
    """An account's cash and what lies in its isolated positions."""
    margins = sum(int(one["margin_units"]) for one in engine.positions(account))
    return margins + sum(int(one["cash_units"]) for one in engine.accounts(account))


def collateral_units(engine: Engine, account: int) -> int:
    """What an account's assets beside cash count as margin."""
    return sum(int(one["margin_units"]) for one in engine.balances(account))


def pool_of(engine: Engine, contracts: Sequence[Contract], rules: Rules, position: Any) -> Pool:
    """The pool that a position belongs to."""
    marks = [int(row["mark_ticks"]) for row in engine.markets()]
    if position["isolated"]:
        return Pool(contracts, rules, int(position["margin_units"]), [position], marks)
    account = int(position["account"])
    cash = sum(int(one["cash_units"]) for one in engine.accounts(account))
    cash += collateral_units(engine, account)
    cross = [one for one in engine.positions(account) if not one["isolated"]]
    prices = engine.asset_prices()
    spot_units = {
        int(one["asset"]): int(one["units"]) * prices[one["asset"]] // MILLION
        for one in engine.balances(account)
    }
    nets = any(one["portfolio"] for one in engine.accounts(account))
    is_own = account < codes.FIRST_CUSTOMER
    return Pool(contracts, rules, cash, cross, marks, is_own, nets, spot_units)


def open_position(engine: Engine, account: int, instrument: int, leg: int) -> Records | None:
    """One leg of an account that is not flat, if there is one."""
    for one in engine.positions(account):
        if (one["instrument"], one["leg"]) == (instrument, leg) and one["lots"] != 0:
            found: Records = one
            return found
    return None
