"""Who is closed when a bankrupt position must be auto-deleveraged: `lots_to_take`.

A rules file (or a scenario) picks the rule by name, as ``adl.ranking``. Some rules are a queue:
each position has a score, the highest is closed first and whole, the last one in part. Others
share the burden. Both are functions from arrays to arrays, called once per bankruptcy with those
rows that may be closed. A queue of your own is one function from candidates to scores::

    import numpy as np
    from undertow.venues import deleveraging

    @deleveraging.queue("largest_first")
    def largest_first(candidates):
        return candidates.lots.astype(np.float64)

and a rule that is no queue is one function from candidates and needed lots to lots::

    @deleveraging.policy("newest_account")
    def newest_account(candidates, needed_lots):
        kept = candidates.lots.sum() - needed_lots
        before = np.cumsum(candidates.lots) - candidates.lots
        return candidates.lots - np.clip(kept - before, 0, candidates.lots)

It sees profitable rows only, and needs more than none and less than all of their lots; what it
returns is checked, so that no rule can close too much.

A score is a float64, made of +, *, / and comparisons in the order that its docstring writes, from
integers that are exact until each becomes a float. So the same steps in Python's floats give the
same bits (`undertow.reference.deleveraging`). Shares are counted in whole lots with exact integers.
The leverage and the margin ratio of a pool without equity count as 0, so that it comes last
(Binance says so; BitMEX leaves it to the liquidation engine; for Hyperliquid it is assumed).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from undertow.errors import UndertowError
from undertow.venues import methods

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

UNITS = 10**6  # of cash in one unit of the settlement asset
SCORE_FLOOR = 1e-8  # of both factors of the reconstructed Hyperliquid score
LEVEL_STEPS = 10**12  # steps per unit of leverage in which `water_filling` measures


class Candidates(NamedTuple):
    """Open positions on the opposite side: one row each, in order of account, then instrument.

    Amounts of money are in 10^-6 of the settlement asset, and between ±2^62, exclusive.
    """

    account: Integers  # number of the account
    lots: Integers  # size, above 0
    basis_units: Integers  # cost basis of the whole position: above 0 long, below 0 short
    value_units: Integers  # value at the mark price, with the same sign
    wallet_units: Integers  # cash of the margin pool: isolated margin, or the cross wallet
    equity_units: Integers  # equity of that pool
    maintenance_units: Integers  # maintenance margin of that pool


Scores = Callable[[Candidates], Floats]
Policy = Callable[[Candidates, int], Integers]
_Scores = TypeVar("_Scores", bound=Scores)
_Policy = TypeVar("_Policy", bound=Policy)


def lots_to_take(ranking: str, candidates: Candidates, needed_lots: int) -> Integers:
    """Lots to close per row; in sum what is needed, or all that the profitable rows hold.

    Parameters
    ----------
    ranking
        Name of the rule, as in ``adl.ranking`` of a rules file.
    candidates
        Something may be taken only where profit is above 0: value less basis, both signed, so
        that it is right for longs and shorts.
    needed_lots
        Size to be closed, 0 or more.

    Raises
    ------
    UndertowError
        For a name that nobody registered, a negative size, or a registered rule that returns
        what cannot be: scores that are not numbers, or lots that do not add up.
    """
    rule = methods.find("adl", ranking)
    if needed_lots < 0:
        raise UndertowError(f"lots to close: expected 0 or more, got {needed_lots}")
    needed = int(needed_lots)  # products of NumPy's integers would overflow without a word
    taken = np.zeros(len(candidates.lots), np.int64)
    rows = np.flatnonzero(candidates.value_units > candidates.basis_units)
    able = Candidates(*(column[rows] for column in candidates))
    if needed >= _total(able.lots):
        taken[rows] = able.lots
    elif needed > 0:
        lots = np.asarray(rule(able, needed))
        _check_lots(ranking, lots, able.lots, needed)
        taken[rows] = lots
    return taken


def queue(name: str) -> Callable[[_Scores], _Scores]:
    """Register the scores below this line: highest first, ties in the order of the rows."""

    def keep(scores: _Scores) -> _Scores:
        def in_order(candidates: Candidates, needed_lots: int) -> Integers:
            score = np.asarray(scores(candidates), np.float64)
            _check_scores(name, score, candidates)
            order = np.argsort(-score, kind="stable")
            return _in_turn(order, candidates.lots, needed_lots)

        in_order.__doc__ = scores.__doc__
        methods.register("adl", name)(in_order)
        return scores

    return keep


def policy(name: str) -> Callable[[_Policy], _Policy]:
    """Register the function below this line, from candidates and needed lots to lots."""
    return methods.register("adl", name)


@queue("leverage_pnl")
def leverage_pnl(candidates: Candidates) -> Floats:
    """Binance: ``(profit / max(1, wallet)) * (maintenance / equity)``.

    The 1 is one unit of the settlement asset. Source: FAQ 360033525471, formula as quoted in
    Binance's developer forum (topic 17801).
    """
    wallet = np.maximum(UNITS, candidates.wallet_units)
    ratio = _over_equity(candidates.maintenance_units, candidates)
    return (_floats(_profit(candidates)) / _floats(wallet)) * ratio


@queue("pnl_times_effective_leverage")
def pnl_times_effective_leverage(candidates: Candidates) -> Floats:
    """BitMEX: ``(profit / |basis|) * (|value| / equity)``.

    Effective leverage is value over (value less value at the bankruptcy price), and that
    difference is the pool's equity where the pool holds this one position; for a pool that
    holds several it is our reading. Source: BitMEX support 18589621443357.
    """
    return _gain(candidates) * _leverage(candidates)


@queue("hyperliquid_documented")
def hyperliquid_documented(candidates: Candidates) -> Floats:
    """Hyperliquid: ``price ratio * (|value| / equity)``, mark / entry for a long.

    A short has entry / mark: as printed, it would rank lower the more it earns. That reading is
    ours; `hyperliquid_documented_literal` and `hyperliquid_documented_profit` are the others.
    Source: Hyperliquid docs, auto-deleveraging.
    """
    value, basis = _size(candidates.value_units), _size(candidates.basis_units)
    ratio = np.where(candidates.basis_units < 0, basis / value, value / basis)
    return ratio * _leverage(candidates)


@queue("hyperliquid_documented_literal")
def hyperliquid_documented_literal(candidates: Candidates) -> Floats:
    """Hyperliquid, as printed for both sides: ``(|value| / |basis|) * (|value| / equity)``."""
    value, basis = _size(candidates.value_units), _size(candidates.basis_units)
    return (value / basis) * _leverage(candidates)


@queue("hyperliquid_documented_profit")
def hyperliquid_documented_profit(candidates: Candidates) -> Floats:
    """Hyperliquid, mark / entry read as a gain: ``(1 + profit / |basis|) * (|value| / equity)``.

    For a long that is the printed formula, up to rounding.
    """
    return (1.0 + _gain(candidates)) * _leverage(candidates)


@queue("hyperliquid_reconstructed")
def hyperliquid_reconstructed(candidates: Candidates) -> Floats:
    """Hyperliquid: ``max(|value| / equity, 1e-8) * max(profit / |basis|, 1e-8)``.

    Read out of the node's program; it orders differently from the docs. Source: OtterSec,
    osec.io 2026-06-22, as reported in public code.
    """
    leverage = np.maximum(_leverage(candidates), SCORE_FLOOR)
    return leverage * np.maximum(_gain(candidates), SCORE_FLOOR)


@policy("pro_rata")
def pro_rata(candidates: Candidates, needed_lots: int) -> Integers:
    """By contracts: the same fraction of each position, by largest remainder.

    Each row is less than one lot off its exact share; equal remainders: the earlier row.
    """
    lots = candidates.lots.tolist()
    return np.array(_shares(lots, lots, needed_lots), np.int64)


@policy("pro_rata_profit")
def pro_rata_profit(candidates: Candidates, needed_lots: int) -> Integers:
    """Lots in proportion to profit, at most those held; the rest among the others likewise.

    Profit is the capacity of arXiv 2512.01112 (v3), which leaves principal untouched; that it
    is paid in lots is ours, because a venue closes contracts.
    """
    profits = _profit(candidates).tolist()
    return np.array(_shares(profits, candidates.lots.tolist(), needed_lots), np.int64)


@policy("capped_pro_rata")
def capped_pro_rata(candidates: Candidates, needed_lots: int) -> Integers:
    """Lots in proportion to the pool's equity, at most those held: ``min(lots, level * equity)``.

    Algorithm 1 of arXiv 2512.01112 (v3, paper/algorithms.tex), its amounts counted in lots.
    Pools without equity give, by contracts, what the others cannot.
    """
    lots = candidates.lots
    sound, unsound = _by_soundness(candidates)
    from_sound = min(needed_lots, _total(lots[sound]))
    worth, rest = candidates.equity_units[sound].tolist(), lots[unsound].tolist()
    taken = np.zeros(len(lots), np.int64)
    taken[sound] = _shares(worth, lots[sound].tolist(), from_sound)
    taken[unsound] = _shares(rest, rest, needed_lots - from_sound)
    return taken


@policy("water_filling")
def water_filling(candidates: Candidates, needed_lots: int) -> Integers:
    """Lot by lot from whoever has the highest leverage, down to a common level.

    A row that has k of its lots left has leverage ``k * |value| / (lots * equity)``, in whole
    steps of 10^-12, rounded down; of equals the earlier row gives all it has at that level.
    Equity stays, because closing is counted at the mark price. Pools without equity come first,
    in the order of the rows: their leverage has no bound (assumed: the paper has none of them).
    Source: Campbell, Hey, Moallemi and Nutz, *Risk-Based Auto-Deleveraging*, arXiv 2603.15963
    (v1, 2026-03-16), whose rule leaves the lowest possible maximum of leverage; lots are ours.
    """
    sound, unsound = _by_soundness(candidates)
    taken = _in_turn(unsound, candidates.lots, needed_lots)
    left = needed_lots - _total(taken)
    if left:
        lots, equity = candidates.lots[sound], candidates.equity_units[sound]
        value = np.maximum(1, np.abs(candidates.value_units[sound]))
        # The k-th lot lies above a level if k * (value * steps) >= (level + 1) * (lots * equity).
        rows = [
            (held, held * worth, size * LEVEL_STEPS)
            for held, worth, size in zip(
                lots.tolist(), equity.tolist(), value.tolist(), strict=True
            )
        ]
        leverage = _floats(value) / _floats(equity)
        level = _lowest_level(rows, left, _near_level(_floats(lots), leverage, left))
        higher = _above(rows, level)
        ties = np.array(_above(rows, level - 1), np.int64) - higher
        taken[sound] = higher + _in_turn(np.arange(len(rows)), ties, left - sum(higher))
    return taken


def _in_turn(order: Integers, lots: Integers, needed: int) -> Integers:
    """Whole rows in this order, the last one in part; Python's integers cannot overflow."""
    taken = np.zeros(len(lots), np.int64)
    for row, held in zip(order.tolist(), lots[order].tolist(), strict=True):
        if needed <= 0:
            break
        taken[row] = min(needed, held)
        needed -= held
    return taken


def _shares(weights: list[int], caps: list[int], needed: int) -> list[int]:
    """``min(cap, level * weight)`` each, rounded by largest remainder; weights above 0."""
    shares = [0] * len(caps)
    rows, mass = list(range(len(caps))), sum(weights)
    # A higher level only fills more rows, so a row that is full once stays full.
    while full := {row for row in rows if needed * weights[row] >= caps[row] * mass}:
        for row in full:
            shares[row] = caps[row]
            needed -= caps[row]
            mass -= weights[row]
        rows = [row for row in rows if row not in full]
    for row in rows:
        shares[row] = needed * weights[row] // mass
    lacking = needed - sum(shares[row] for row in rows)
    rows.sort(key=lambda row: -(needed * weights[row] % mass))
    for row in rows[:lacking]:
        shares[row] += 1
    return shares


def _above(rows: list[tuple[int, int, int]], level: int) -> list[int]:
    """Lots of each row that lie above a level of leverage, exactly."""
    higher = level + 1
    return [held - min(held, max(0, (higher * scale - 1) // slope)) for held, scale, slope in rows]


def _lowest_level(rows: list[tuple[int, int, int]], needed: int, guess: int) -> int:
    """The lowest level with at most the needed lots above it; a good guess saves time only."""
    width = (guess >> 40) + 1
    low, high = guess - width, guess + width
    while sum(_above(rows, low)) <= needed:
        low, high, width = low - width, low, width << 4
    while sum(_above(rows, high)) > needed:
        low, high, width = high, high + width, width << 4
    while high - low > 1:
        middle = (low + high) // 2
        if sum(_above(rows, middle)) <= needed:
            high = middle
        else:
            low = middle
    return high


def _near_level(lots: Floats, leverage: Floats, needed: int) -> int:
    """About that level, from floats: the search for it halves 64 times."""
    low, high = 0.0, float(leverage.max())
    for _ in range(64):
        middle = (low + high) / 2
        kept = np.minimum(lots, np.floor(lots * (middle / leverage)))
        low, high = (low, middle) if (lots - kept).sum() <= needed else (middle, high)
    return int(high * LEVEL_STEPS)


def _by_soundness(candidates: Candidates) -> tuple[Integers, Integers]:
    """Rows whose pool has equity, and the others."""
    sound = candidates.equity_units > 0
    return np.flatnonzero(sound), np.flatnonzero(~sound)


def _profit(candidates: Candidates) -> Integers:
    return candidates.value_units - candidates.basis_units


def _gain(candidates: Candidates) -> Floats:
    return _floats(_profit(candidates)) / _size(candidates.basis_units)


def _leverage(candidates: Candidates) -> Floats:
    return _over_equity(np.maximum(1, np.abs(candidates.value_units)), candidates)


def _over_equity(amount_units: Integers, candidates: Candidates) -> Floats:
    """The amount over the pool's equity; 0 where there is none."""
    equity = candidates.equity_units
    return np.where(equity > 0, _floats(amount_units) / _floats(np.maximum(1, equity)), 0.0)


def _size(amount_units: Integers) -> Floats:
    """Without its sign, and at least one unit: a position worth less is not worth nothing."""
    return _floats(np.maximum(1, np.abs(amount_units)))


def _floats(integers: Integers) -> Floats:
    return integers.astype(np.float64)


def _total(lots: Integers) -> int:
    return sum(lots.tolist())


def _check_scores(name: str, scores: Floats, candidates: Candidates) -> None:
    rows = len(candidates.lots)
    if scores.shape != (rows,):
        raise UndertowError(f"adl method '{name}': expected {rows} scores, got {scores.shape}")
    if np.isnan(scores).any():
        raise UndertowError(f"adl method '{name}': row {np.isnan(scores).argmax()} has no score")


def _check_lots(name: str, lots: Integers, held: Integers, needed: int) -> None:
    if lots.shape != held.shape or lots.dtype.kind != "i":
        raise UndertowError(
            f"adl method '{name}': expected {len(held)} whole numbers of lots,"
            f" got {lots.dtype} in shape {lots.shape}"
        )
    if (lots < 0).any() or (lots > held).any():
        raise UndertowError(f"adl method '{name}': takes less than none or more than all of a row")
    if _total(lots) != needed:
        raise UndertowError(f"adl method '{name}': takes {_total(lots)} lots of {needed} needed")
