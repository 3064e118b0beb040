"""Margin tiers of an instrument in whole units: floors, millionths, deductions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from undertow.errors import UndertowError
from undertow.model.contracts import Tier
from undertow.venues.exchange_assumptions import Assumptions
from undertow.venues.instruments import CASH_UNITS, Contract
from undertow.venues.rulebook import Rules
from undertow.venues.tiers import MarginTier

MILLION = 10**6
BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers as the engine counts them; the slope is added to the rate for each lot held."""

    tiers: tuple[Tier, ...]
    by_lots: bool = False
    slope_ppb_per_lot: int = 0


def ladder(rules: Rules, instrument: Contract, lot: Decimal, used: Assumptions) -> Ladder:
    """The margin tiers of an instrument, from the first of these that there is.

    Tiers given as ``margin.tiers.SYMBOL``; the rulebook's table of the symbol, or of its pair
    (``ETH-USDT`` for ``ETH-USDT-SWAP``); a slope per unit of the symbol or its pair; one rate for
    the symbol; none at all where a broker calls for margin; a share of the initial rate at the
    greatest leverage.

    Raises
    ------
    UndertowError
        When there is none of them, or sizes or slopes are no whole number of units.
    """
    symbol, margin = instrument.symbol, rules.margin
    given = used.given_tiers(symbol)
    if given is not None:
        whole = margin.maintenance_model == "whole_position"
        rows = [_given(symbol, row) for row in given]
        used.note(f"margin.tiers.{symbol}", f"{len(rows)} tiers", "given with the venue")
        return _from_tiers(rows, margin.tier_measure or "notional", whole, instrument, lot, used)
    known = {table.symbol for table in rules.tier_tables}
    for name in (symbol, f"{instrument.base}-{instrument.quote}"):
        if name in known:
            table = rules.tiers(name)
            whole = table.model == "whole_position"
            return _from_tiers(table.tiers, table.measure, whole, instrument, lot, used)
    for name in (symbol, f"{instrument.base}_{instrument.quote}"):
        if name in dict(margin.maintenance_base_rate_by_symbol or ()):
            return _from_slope(rules, name, instrument, lot, used)
    key = f"margin.maintenance_rate_by_symbol.{symbol}"
    rate = dict(margin.maintenance_rate_by_symbol or ()).get(symbol)
    if rate is not None:
        used.cited(rules, key, rate)
        return _one_tier(Fraction(rate), instrument, lot, used)
    if margin.maintenance_model == "span":
        return _called_for(rules, symbol, used)
    if margin.maintenance_per_initial is not None and instrument.max_leverage:
        share = margin.maintenance_per_initial
        used.cited(rules, "margin.maintenance_per_initial", share)
        return _one_tier(share / Fraction(instrument.max_leverage), instrument, lot, used)
    raise UndertowError(
        f"{rules.venue} has no margin tiers of {symbol}; give them (floor, maintenance rate,"
        f" greatest leverage) as assume={{'margin.tiers.{symbol}': [('0', '0.005', 100)]}}, or in"
        f" tiers/{rules.venue}_DATE.csv beside the rules file (see CONTRIBUTING.md)"
    )


def _called_for(rules: Rules, symbol: str, used: Assumptions) -> Ladder:
    """No maintenance of the venue's own: a broker calls for margin, see `clearing`.

    Leverage is a whole number, so the engine's initial margin is at most the rule's.
    """
    initial = Fraction(used.needed(rules, "margin.initial_rate", "margin by SPAN"))
    if not 0 < initial <= 1:
        raise UndertowError(f"margin.initial_rate: expected more than 0, at most 1, not {initial}")
    leverage = math.ceil(1 / initial)
    used.note(f"margin.tiers.{symbol}", f"{leverage}x, no maintenance",
              "the venue closes nobody; undertow.venues.clearing keeps the rates")  # fmt: skip
    return Ladder((Tier(0, 0, 0, leverage),))


def _given(symbol: str, row: Sequence[Any]) -> MarginTier:
    try:
        floor, rate, leverage = (Decimal(str(cell)) for cell in row)
    except (ValueError, ArithmeticError, TypeError):
        raise UndertowError(
            f"margin.tiers.{symbol}: expected (floor, maintenance rate, greatest leverage),"
            f" got {row!r}"
        ) from None
    return MarginTier(floor, None, leverage, Fraction(rate), Fraction(0))


def _one_tier(rate: Fraction, instrument: Contract, lot: Decimal, used: Assumptions) -> Ladder:
    tier = MarginTier(Decimal(0), None, None, rate, Fraction(0))
    return _from_tiers([tier], "notional", True, instrument, lot, used)


def _from_slope(
    rules: Rules, name: str, instrument: Contract, lot: Decimal, used: Assumptions
) -> Ladder:
    """Deribit: the rate rises with the base units held, so only with lots where it is linear."""
    symbol = instrument.symbol
    slope = rules.slope(name)
    if instrument.kind == "inverse":
        raise UndertowError(
            f"{symbol}: margin that rises with the coins held is for linear contracts only; give"
            f" tiers as assume={{'margin.tiers.{symbol}': [('0', '0.005', 100)]}}"
        )
    per_lot = Fraction(slope.maintenance_slope_rate) * Fraction(lot * instrument.contract_size)
    ppb = _whole(per_lot * BILLION, f"{symbol}: margin slope per lot in 10^-9")
    for part in ("base", "slope"):
        key = f"margin.maintenance_{part}_rate_by_symbol.{name}"
        used.cited(rules, key, getattr(slope, f"maintenance_{part}_rate"))
    initial = slope.initial_base_rate
    most = instrument.max_leverage or (None if initial is None else 1 / initial)
    base = Fraction(slope.maintenance_base_rate)
    tier = MarginTier(Decimal(0), None, most, base, Fraction(0))
    return Ladder(_from_tiers([tier], "notional", True, instrument, lot, used).tiers, False, ppb)


def _from_tiers(
    rows: Iterable[MarginTier], measure: str, whole: bool, instrument: Contract, lot: Decimal,
    used: Assumptions,
) -> Ladder:  # fmt: skip
    """Tiers in units. A rate of no whole millionths is rounded up, against the holder.

    Then, and for tiers without deductions of their own, deductions follow from the tiers
    (Binance support ceccfcfb4e3a45e3b48b0b1bb1a8ae46), rounded down.
    """
    rows = list(rows)
    symbol = instrument.symbol
    by_lots = measure in ("contracts", "net_contracts") or (
        measure == "base" and instrument.kind != "inverse"
    )
    ppm = [_millionths(row.maintenance_rate, number, symbol, used)
           for number, row in enumerate(rows, 1)]  # fmt: skip
    exact = all(row.maintenance_rate * MILLION == rate
                for row, rate in zip(rows, ppm, strict=True))  # fmt: skip
    listed = exact and any(row.deduction for row in rows)
    tiers: list[Tier] = []
    for row, rate in zip(rows, ppm, strict=True):
        floor = _floor(row.floor, measure, instrument, lot)
        if whole or not tiers:
            deduction = 0
        elif listed:
            deduction = int(row.deduction * CASH_UNITS)
        else:
            before = tiers[-1]
            rise = floor * (rate - before.maintenance_ppm)
            deduction = before.deduction_units + rise // MILLION
        most = _max_leverage(row, len(tiers), instrument, used)
        tiers.append(Tier(floor, rate, deduction, most))
    return Ladder(tuple(tiers), by_lots)


def _floor(size: Decimal, measure: str, instrument: Contract, lot: Decimal) -> int:
    what = f"{instrument.symbol}: the tier from {size} on"
    if measure in ("contracts", "net_contracts"):
        return _whole(Fraction(size) / Fraction(lot), f"{what} in lots")
    is_inverse = instrument.kind == "inverse"
    if measure == "base" and not is_inverse:
        return _whole(Fraction(size) / Fraction(lot * instrument.contract_size), f"{what} in lots")
    if size and is_inverse and measure != "base":
        raise UndertowError(f"{what}: inverse contracts are counted in coins, not in {measure}")
    return _whole(Fraction(size) * CASH_UNITS, f"{what} in 10^-6")


def _whole(number: Fraction, what: str) -> int:
    if number.denominator != 1:
        raise UndertowError(f"{what}: {float(number):.6g} is no whole number")
    return number.numerator


def _millionths(rate: Fraction, number: int, symbol: str, used: Assumptions) -> int:
    scaled = rate * MILLION
    ppm = -(-scaled.numerator // scaled.denominator)
    if scaled.denominator != 1:
        used.note(f"margin.tiers.{symbol}.{number}", f"{ppm} ppm",
                  f"rate {rate} rounded up; deductions follow from the rounded rates")  # fmt: skip
    return ppm


def _max_leverage(row: MarginTier, number: int, instrument: Contract, used: Assumptions) -> int:
    if row.max_leverage is not None:
        return int(row.max_leverage)
    if number == 0 and instrument.max_leverage is not None:
        return int(instrument.max_leverage)
    most = int(1 / row.maintenance_rate)
    why = "no greatest leverage was read: initial margin is at least the maintenance"
    used.note(f"margin.tiers.{instrument.symbol}.{number + 1}", f"{most}x", why)
    return most
