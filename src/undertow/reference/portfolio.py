"""Portfolio margin: an account's risks, netted by underlying and shocked.

Contracts with the same underlying are one unit of risk, and so is the asset of that number, as far
as it hedges: the spot that is used is at most what the contracts are short, and never adds to what
is needed. A unit needs the worst loss over a range of price moves, up and down in equal steps,
and a charge on what is hedged, as hedges do not move together; but at least a share of its size:

    max(worst loss + rate * hedged, least rate * size)

That is the shape of OKX's rule (MR1, MR4, MR7; help 4417291853837 and announcements of 31 May 2024
and 2 January 2025) and, without spot and the least, of Deribit's (Portfolio Margin, support
25944756247837). Their other terms are about options, which are not here. Orders count as if all
bids, or all asks, of a unit were filled: the worst of that and of the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.reference.contract import MILLION, ceil_div, of_million


class Leg(NamedTuple):
    """A position in a contract: its number, signed notional, and that of resting bids and asks."""

    instrument: int
    contract: Contract
    exposure_units: int
    bid_units: int = 0
    ask_units: int = 0


def unit_of(leg: Leg) -> int:
    """The unit of risk: the underlying, or the contract itself where none is known (below 0)."""
    return leg.contract.underlying or -1 - leg.instrument


def portfolio_needs(
    rules: Rules, legs: Sequence[Leg], spot_units: dict[int, int], *, orders: bool = False
) -> int:
    """What all units of an account need together, in cash units, rounded up.

    ``spot_units`` is the value of its assets by number, without haircut.
    """
    total = 0
    for unit in sorted({unit_of(leg) for leg in legs}):
        own = [leg for leg in legs if unit_of(leg) == unit]
        spot = spot_units.get(unit, 0)
        cases = {tuple([leg.exposure_units for leg in own])}
        if orders:
            cases.add(tuple([leg.exposure_units + leg.bid_units for leg in own]))
            cases.add(tuple([leg.exposure_units - leg.ask_units for leg in own]))
        total += max([unit_needs(rules, own, sizes, spot) for sizes in cases])
    return total


def unit_needs(rules: Rules, legs: Sequence[Leg], sizes: Sequence[int], spot_units: int) -> int:
    """What one unit needs if its contracts have these signed notionals."""
    if not any(sizes):
        return 0
    longs = sum([size for size in sizes if size > 0])
    shorts = -sum([size for size in sizes if size < 0])
    used = min(spot_units, max(0, shorts - longs))
    linear, inverse = used, 0
    for leg, size in zip(legs, sizes, strict=True):
        if leg.contract.kind == codes.INVERSE:
            inverse += size
        else:
            linear += size
    held = [leg for leg, size in zip(legs, sizes, strict=True) if size != 0]
    range_ppm = max([leg.contract.portfolio_range_ppm for leg in held])
    worst = 0
    for step in range(1, rules.portfolio_steps + 1):
        move_ppm = range_ppm * step // rules.portfolio_steps
        worst = max(worst, loss(linear, inverse, move_ppm), loss(linear, inverse, -move_ppm))
    hedged = min(longs + used, shorts)
    needed = worst + of_million(hedged, rules.portfolio_hedged_ppm)
    needed = max(needed, of_million(longs + shorts, rules.portfolio_least_ppm))
    if rules.counts_fee:
        for leg, size in zip(legs, sizes, strict=True):
            needed += of_million(abs(size), leg.contract.liquidation_fee_ppm)
    return needed


def loss(linear_units: int, inverse_units: int, move_ppm: int) -> int:
    """What a move of the price costs, rounded up; below 0 it earns.

    An inverse contract of so many coins is worth ``coins / (1 + move)`` coins afterwards.
    """
    gain = linear_units * move_ppm // MILLION
    gain += inverse_units - ceil_div(inverse_units * MILLION, MILLION + move_ppm)
    return -gain
