"""Who is closed when a bankrupt position must be auto-deleveraged, in ints, floats and lists.

Slow, and the judge of ``venues/deleveraging.py``, whose docstrings name the sources of the rules.
Scores take the same steps in the same order as there, so that they agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from undertow.errors import UndertowError, nearest

UNITS = 10**6
SCORE_FLOOR = 1e-8
LEVEL_STEPS = 10**12


class Candidate(NamedTuple):
    """An open position on the opposite side, and the margin pool behind it; money in 10^-6."""

    account: int
    lots: int
    basis_units: int
    value_units: int
    wallet_units: int
    equity_units: int
    maintenance_units: int

    @property
    def profit_units(self) -> int:
        """What closing it at the mark earns, for either side."""
        return self.value_units - self.basis_units

    @property
    def basis(self) -> float:
        """Size of the cost basis, at least one unit."""
        return float(max(1, abs(self.basis_units)))

    @property
    def value(self) -> float:
        """Size of the value, at least one unit."""
        return float(max(1, abs(self.value_units)))

    @property
    def gain(self) -> float:
        """Profit as a fraction of the cost basis."""
        return float(self.profit_units) / self.basis

    @property
    def leverage(self) -> float:
        """Value over the pool's equity; 0 where there is none."""
        return self.value / float(self.equity_units) if self.equity_units > 0 else 0.0


class Candidates(NamedTuple):
    """The same as parallel lists: one row each, in order of account, then instrument."""

    account: list[int]
    lots: list[int]
    basis_units: list[int]
    value_units: list[int]
    wallet_units: list[int]
    equity_units: list[int]
    maintenance_units: list[int]

    def rows(self) -> list[Candidate]:
        """One `Candidate` per position."""
        return [Candidate(*row) for row in zip(*self, strict=True)]


def lots_to_take(ranking: str, candidates: Candidates, needed_lots: int) -> list[int]:
    """Lots to close per row; in sum what is needed, or all that the profitable rows hold.

    Raises
    ------
    UndertowError
        For an unknown rule or a negative size.
    """
    if ranking not in SCORES and ranking not in POLICIES:
        names = (*SCORES, *POLICIES)
        raise UndertowError(f"no adl method '{ranking}'{nearest(ranking, names)}")
    if needed_lots < 0:
        raise UndertowError(f"lots to close: expected 0 or more, got {needed_lots}")
    rows = candidates.rows()
    winners = [place for place, row in enumerate(rows) if row.profit_units > 0]
    able = [rows[place] for place in winners]
    needed = min(needed_lots, sum(row.lots for row in able))
    if ranking in SCORES:
        lots = queue(able, [SCORES[ranking](row) for row in able], needed)
    else:
        lots = POLICIES[ranking](able, needed)
    taken = [0] * len(rows)
    for place, count in zip(winners, lots, strict=True):
        taken[place] = count
    return taken


def queue(rows: Sequence[Candidate], scores: Sequence[float], needed: int) -> list[int]:
    """The highest score first and whole, the last one in part; ties in the order of the rows."""
    taken = [0] * len(rows)
    for place in sorted(range(len(rows)), key=lambda place: (-scores[place], place)):
        taken[place] = min(rows[place].lots, needed)
        needed -= taken[place]
    return taken


def leverage_pnl(row: Candidate) -> float:
    """Binance: ``(profit / max(1, wallet)) * (maintenance / equity)``."""
    share = float(row.profit_units) / float(max(UNITS, row.wallet_units))
    if row.equity_units <= 0:
        return 0.0
    return share * (float(row.maintenance_units) / float(row.equity_units))


def pnl_times_effective_leverage(row: Candidate) -> float:
    """BitMEX: ``(profit / |basis|) * (|value| / equity)``."""
    return row.gain * row.leverage


def hyperliquid_documented(row: Candidate) -> float:
    """Hyperliquid: mark / entry, for a short entry / mark, times ``|value| / equity``."""
    ratio = row.basis / row.value if row.basis_units < 0 else row.value / row.basis
    return ratio * row.leverage


def hyperliquid_documented_literal(row: Candidate) -> float:
    """Hyperliquid, as printed for both sides: mark / entry times ``|value| / equity``."""
    return (row.value / row.basis) * row.leverage


def hyperliquid_documented_profit(row: Candidate) -> float:
    """Hyperliquid, mark / entry read as a gain: ``(1 + gain) * (|value| / equity)``."""
    return (1.0 + row.gain) * row.leverage


def hyperliquid_reconstructed(row: Candidate) -> float:
    """Hyperliquid's program: ``(|value| / equity) * gain``, both at least 1e-8."""
    return max(row.leverage, SCORE_FLOOR) * max(row.gain, SCORE_FLOOR)


def pro_rata(rows: Sequence[Candidate], needed: int) -> list[int]:
    """By contracts."""
    return shares([row.lots for row in rows], [row.lots for row in rows], needed)


def pro_rata_profit(rows: Sequence[Candidate], needed: int) -> list[int]:
    """In proportion to profit, at most the lots held."""
    return shares([row.profit_units for row in rows], [row.lots for row in rows], needed)


def capped_pro_rata(rows: Sequence[Candidate], needed: int) -> list[int]:
    """In proportion to equity, at most the lots held; pools without any give the rest."""
    equities = [max(0, row.equity_units) for row in rows]
    lots = [row.lots for row in rows]
    able = [held if worth else 0 for held, worth in zip(lots, equities, strict=True)]
    others = [held - kept for held, kept in zip(lots, able, strict=True)]
    first = shares(equities, able, min(needed, sum(able)))
    rest = shares(others, others, needed - sum(first))
    return [one + other for one, other in zip(first, rest, strict=True)]


def shares(weights: Sequence[int], caps: Sequence[int], needed: int) -> list[int]:
    """``min(cap, level * weight)`` each, by largest remainder; needs at most the sum of the caps.

    The level is where the exact amounts add up to what is needed. Rows are filled from the one
    that is full at the lowest level on, until the level lies below the next.
    """
    exact = [Fraction(0)] * len(caps)
    left, mass = needed, sum(weights)
    rows = [place for place in range(len(caps)) if weights[place] > 0]
    for place in sorted(rows, key=lambda place: Fraction(caps[place], weights[place])):
        exact[place] = min(Fraction(caps[place]), Fraction(left, mass) * weights[place])
        if exact[place] == caps[place]:
            left, mass = left - caps[place], mass - weights[place]
    taken = [int(amount) for amount in exact]
    behind = [amount - whole for amount, whole in zip(exact, taken, strict=True)]
    order = sorted(range(len(caps)), key=lambda place: (-behind[place], place))
    for place in order[: needed - sum(taken)]:
        taken[place] += 1
    return taken


def water_filling(rows: Sequence[Candidate], needed: int) -> list[int]:
    """Lot by lot from the highest leverage, in steps of 10^-12, down to a common level.

    The level is the lowest above which lie at most so many lots as are needed; those at it come
    in the order of the rows. Pools without equity come before all others.
    """
    low, high = -1, max((steps(row, row.lots) for row in rows if row.equity_units > 0), default=0)
    while high - low > 1:
        level = (low + high) // 2
        enough = sum(lots_above(row, level) for row in rows) <= needed
        low, high = (low, level) if enough else (level, high)
    taken = [0] * len(rows)
    for place, row in enumerate(rows):
        if row.equity_units <= 0:
            taken[place] = min(row.lots, needed - sum(taken))
    if sum(taken) < needed:
        taken = [lots_above(row, high) for row in rows]
        for place, row in enumerate(rows):
            at_level = lots_above(row, high - 1) - taken[place]
            taken[place] += min(at_level, needed - sum(taken))
    return taken


def steps(row: Candidate, lots: int) -> int:
    """Leverage of a row that has so many of its lots left, in whole steps of 10^-12."""
    return lots * max(1, abs(row.value_units)) * LEVEL_STEPS // (row.lots * row.equity_units)


def lots_above(row: Candidate, level: int) -> int:
    """Lots that have to go until the row's leverage is at the level or below it."""
    if row.equity_units <= 0:
        return row.lots
    few, many = 0, row.lots  # with `few` left it is low enough, unless every lot is too much
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if steps(row, middle) <= level else (few, middle - 1)
    return row.lots - few


SCORES: dict[str, Callable[[Candidate], float]] = {
    "leverage_pnl": leverage_pnl,
    "pnl_times_effective_leverage": pnl_times_effective_leverage,
    "hyperliquid_documented": hyperliquid_documented,
    "hyperliquid_documented_literal": hyperliquid_documented_literal,
    "hyperliquid_documented_profit": hyperliquid_documented_profit,
    "hyperliquid_reconstructed": hyperliquid_reconstructed,
}
POLICIES: dict[str, Callable[[Sequence[Candidate], int], list[int]]] = {
    "pro_rata": pro_rata,
    "pro_rata_profit": pro_rata_profit,
    "capped_pro_rata": capped_pro_rata,
    "water_filling": water_filling,
}
