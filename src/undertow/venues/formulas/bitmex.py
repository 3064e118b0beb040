"""BitMEX: funding, inverse profit and loss, and the ADL ranking."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import (
    Number,
    clamp,
    not_negative,
    number,
    positive,
)


def interest_rate(
    quote_rate_daily: Number, base_rate_daily: Number, intervals_per_day: Number = 3
) -> Decimal:
    """``(quote rate - base rate) / intervals`` per funding interval, a fraction.

    Source: BitMEX perpetual contracts guide, examples ((1 % - 0.25 %) / 3 = 0.25 %).
    """
    spread = number(quote_rate_daily, "quote rate") - number(base_rate_daily, "base rate")
    return spread / positive(intervals_per_day, "intervals per day")


def funding_rate(premium: Number, interest: Number, band: Number = "0.0005") -> Decimal:
    """``P + clamp(I - P, ±0.05 %)`` of one interval; positive: longs pay shorts.

    Source: BitMEX perpetual contracts guide. The guide's funding example charges the interest
    rate alone (0.25 %), which this clamp would cut to 0.05 %: use `interest_rate` for it.
    """
    average, width = number(premium, "premium"), not_negative(band, "clamp")
    return average + clamp(number(interest, "interest") - average, -width, width)


def funding_payment(contracts_usd: Number, mark_price: Number, rate: Number) -> Decimal:
    """What the holder pays, in XBT: ``contracts / mark * rate``; contracts < 0 are short."""
    value = signed_contracts(contracts_usd) / positive(mark_price, "mark price")
    return value * number(rate, "funding rate")


def signed_contracts(contracts_usd: Number) -> Decimal:
    """Contracts of a position, above 0 for a long, below for a short, never 0."""
    size = number(contracts_usd, "contracts")
    if size == 0:
        raise UndertowError("contracts: expected a position, got 0")
    return size


def inverse_pnl(contracts_usd: Number, entry_price: Number, exit_price: Number) -> Decimal:
    """``contracts * (1/entry - 1/exit)`` in XBT; contracts < 0 are short.

    Source: BitMEX perpetual contracts guide, examples (15,000 from 750 to 800: 1.25 XBT).
    """
    entry, left = positive(entry_price, "entry price"), positive(exit_price, "exit price")
    return signed_contracts(contracts_usd) * (left - entry) / (entry * left)


def fair_price(
    index: Number, funding_rate: Number, hours_until_funding: Number, interval_hours: Number = 8
) -> Decimal:
    """Fair (mark) price: ``index * (1 + rate * time until funding / interval)``."""
    left = not_negative(hours_until_funding, "time until funding")
    share = left / positive(interval_hours, "interval")
    return positive(index, "index") * (1 + number(funding_rate, "funding rate") * share)


class AdlRank(NamedTuple):
    """PnL as a fraction of entry value, effective leverage, and the rank (higher goes first)."""

    pnl: Decimal
    effective_leverage: Decimal
    rank: Decimal


def adl_rank(mark_value: Number, bankrupt_value: Number, average_entry_value: Number) -> AdlRank:
    """ADL rank of a position; longs and shorts are ranked apart.

    ``pnl = (mark - entry) / |entry|``, ``leverage = |mark| / (mark - bankrupt)``; the rank is
    their product for a profit and their quotient for a loss. Values carry BitMEX's sign: below
    0 for an inverse long and a linear short, so that a better price always means a higher value.
    Source: BitMEX support 18589621443357.

    Raises
    ------
    UndertowError
        When the mark value is not above the bankrupt value: such a position is no longer
        ranked, the liquidation engine has it.
    """
    mark, entry = number(mark_value, "mark value"), number(average_entry_value, "entry value")
    room = mark - number(bankrupt_value, "bankrupt value")
    if entry == 0 or mark == 0:
        raise UndertowError("mark and entry value: expected a position, got 0")
    if room <= 0:
        raise UndertowError("mark value: expected more than the bankrupt value")
    pnl, effective = (mark - entry) / abs(entry), abs(mark) / room
    return AdlRank(pnl, effective, pnl * effective if pnl > 0 else pnl / effective)
