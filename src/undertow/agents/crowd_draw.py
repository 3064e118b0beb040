"""Drawing a crowd: who holds how much, entered where, with what margin, on the eve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.numbers import distinct, marked
from undertow.agents.observation import Floats, Place
from undertow.errors import UndertowError

Ints = NDArray[np.int64]
# The largest account of a side over the smallest (assumed).
SIZE_RANGE = 1e4
# The largest account's share of a side of an asset at a venue (assumed).
LARGEST = 0.003
# Share of notional that an account needs to stay open, as the crowd itself sees it: about what
# venues ask for small positions (binance-usdm, tiers of October 2025: 0.4 to 1 %).
MAINTENANCE = 0.006
# What large positions may borrow at most: leverage by notional in dollars; the shape of venues'
# tiers in October 2025, lowered for alike treatment of all assets (assumed).
TIER_USD = np.array([1e6, 5e6, 2e7, 1e8])
TIER_LEVERAGE = np.array([125.0, 50.0, 20.0, 10.0, 5.0])


@dataclass(frozen=True)
class Cells:
    """Part of a leverage map: notional by entry price, leverage and side at one venue and asset.

    ``weight`` is in any unit; what counts are its shares within a side.
    """

    is_long: NDArray[np.bool_]
    entry_price: Floats
    leverage: Floats
    weight: Floats


@dataclass(frozen=True)
class Holdings:
    """Positions of one venue; ``quantity`` in coins, below 0 for shorts, ``equity_usd`` its own."""

    asset: Ints
    account: Ints
    quantity: Floats
    entry_price: Floats
    equity_usd: Floats


def mix(text: str) -> tuple[Floats, Floats]:
    """Leverage classes and weights from ``"5:0.3 10:0.7"``.

    Raises
    ------
    UndertowError
        For anything else.
    """
    try:
        pairs = [tuple(map(float, part.split(":"))) for part in text.split()]
        leverage, weight = (np.array(one) for one in zip(*pairs, strict=True))
        if len(pairs) == 0 or (leverage < 1).any() or (weight < 0).any() or weight.sum() <= 0:
            raise ValueError
    except ValueError:
        raise UndertowError(
            f"leverage mix: expected 'leverage:weight' pairs such as '5:0.3 20:0.7', not '{text}'"
        ) from None
    return leverage, weight / weight.sum()


def stratified(dice: np.random.Generator, count: int) -> Floats:
    """Numbers between 0 and 1, one in each of ``count`` equal parts, in random order."""
    return (dice.permutation(count) + dice.random(count)) / max(count, 1)


def sizes(dice: np.random.Generator, count: int, tail: float, total: float) -> Floats:
    """Pareto sizes, cut at `SIZE_RANGE` and `LARGEST`, that sum to ``total``."""
    thrown = stratified(dice, count)
    drawn = (1 - thrown * (1 - SIZE_RANGE**-tail)) ** (-1 / tail)
    most = max(LARGEST, 2 / max(count, 1))
    for _ in range(8):
        drawn = np.minimum(drawn / drawn.sum(), most)
    scaled: Floats = drawn * (total / drawn.sum())
    return scaled


def counts(place: Place, count: int, multi_share: float) -> tuple[Ints, Ints]:
    """Positions by venue, asset and side, and how many of them are a second one of an account."""
    open_usd = np.where(place.listed, np.nan_to_num(place.open_interest_usd), 0.0)
    open_usd = np.where(place.is_spot[:, None], 0.0, open_usd)
    share = open_usd / max(open_usd.sum(), 1e-300)
    one_side = np.maximum(np.rint(count * (1 + multi_share) / 2 * share), 20.0 * (share > 0))
    positions = np.repeat(one_side.astype(np.int64)[:, :, None], 2, axis=2)
    seconds = np.floor(positions * multi_share / (1 + multi_share)).astype(np.int64)
    seconds *= ((share > 0).sum(axis=1) > 1)[:, None, None]
    return positions, seconds


def draw_venue(
    place: Place, venue: int, settings: Any, price: Floats, cells: Mapping[tuple[int, int], Cells],
    positions: Ints, seconds: Ints, dice: np.random.Generator,
) -> Holdings:  # fmt: skip
    """All positions of the crowd at one venue; see `counts` for the last but one arguments."""
    parts: list[Any] = []
    first = 0
    for asset in np.flatnonzero(positions.sum(axis=1) * (price > 0)).tolist():
        own = _cells(settings, cells.get((venue, asset)), price[asset], place.volatility[asset])
        for side in (0, 1):
            number = int(positions[asset, side])
            share = settings.long_share if side == 0 else settings.short_share
            total = share * place.open_interest_usd[venue, asset]
            if not total > 0:
                continue
            part = _side(settings, own, price[asset], number, total, side == 0, dice)
            account = np.full(number, -1)
            firsts = number - int(seconds[asset, side])
            account[:firsts] = first + np.arange(firsts)
            first += firsts
            parts.append((np.full(number, asset), account, *part))
    if not parts:
        none = np.zeros(0)
        return Holdings(none.astype(np.int64), none.astype(np.int64), none, none, none)
    joined = Holdings(*(np.concatenate(one) for one in zip(*parts, strict=True)))
    _share_accounts(settings, joined, dice)
    kept = joined.account >= 0
    # Where too few accounts could take a second position, the others hold more.
    group = 2 * joined.asset + (joined.quantity > 0)
    size = np.abs(joined.quantity)
    all_of_them, those = np.bincount(group, size), np.bincount(group, size * kept)
    more = (all_of_them / np.maximum(those, 1e-300))[group]
    joined.quantity[:] *= more
    joined.equity_usd[:] *= more
    return Holdings(*(getattr(joined, name)[kept] for name in Holdings.__dataclass_fields__))


def _cells(settings: Any, given: Cells | None, price: float, volatility: float) -> Cells:
    """The map of the world, or where it has none: entries of the last days around the price."""
    if given is not None and len(given.weight):
        return given
    parts = []
    for is_long, text in ((True, settings.long_leverage), (False, settings.short_leverage)):
        leverage, weight = mix(text)
        # Entries spread as a price that walked for `entry_days`: eleven points of its quantiles.
        points = np.linspace(-1.6, 1.6, 11)
        entry = price * np.exp(points * volatility * np.sqrt(settings.entry_days))
        density = np.exp(-(points**2) / 2)
        parts.append(
            (
                np.full(leverage.size * 11, is_long), np.repeat(entry, leverage.size),
                np.tile(leverage, 11), np.outer(density, weight).ravel(),
            )
        )  # fmt: skip
    return Cells(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _side(
    settings: Any, cells: Cells, price: float, number: int, total_usd: float, is_long: bool,
    dice: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Signed coins, entry prices and equity of one side of one asset."""
    usd = sizes(dice, number, settings.tail, total_usd)
    own = cells.is_long == is_long
    if not own.any():
        raise UndertowError(f"leverage map: no {'longs' if is_long else 'shorts'} in it")
    weight = np.cumsum(cells.weight[own])
    chosen = np.searchsorted(weight, stratified(dice, number) * weight[-1], side="right")
    chosen = np.minimum(chosen, own.sum() - 1)
    leverage = np.minimum(cells.leverage[own][chosen], settings.max_leverage)
    leverage = np.minimum(leverage, TIER_LEVERAGE[np.searchsorted(TIER_USD, usd)])
    entry = cells.entry_price[own][chosen]
    sign = 1.0 if is_long else -1.0
    least = MAINTENANCE + 0.25 / leverage
    # Per dollar of notional on the eve: margin at entry, and what was won or lost since.
    equity = entry / price / leverage + sign * (1 - entry / price)
    # Who would be liquidated by now has entered again since, nearer to the price.
    again = equity < least
    near = 1 + sign * dice.random(number) * np.maximum(0.0, 0.75 / leverage - MAINTENANCE)
    entry = np.where(again, price * near, entry)
    equity = np.where(again, entry / price / leverage + sign * (1 - entry / price), equity)
    equity = np.maximum(equity, least)
    return sign * usd / price, entry, equity * usd


def _share_accounts(settings: Any, held: Holdings, dice: np.random.Generator) -> None:
    """Give second positions to accounts that hold another asset, some as a hedge."""
    accounts = int(held.account.max(initial=-1)) + 1
    for asset in distinct(held.asset).tolist():
        for is_long in (True, False):
            seconds = np.flatnonzero(
                (held.account < 0) & (held.asset == asset) & ((held.quantity > 0) == is_long)
            )
            if not len(seconds):
                continue
            # An account that holds the asset already, as its first or second, takes no other.
            taken = held.account[(held.asset == asset) & (held.account >= 0)]
            host = (held.asset != asset) & (held.account >= 0)
            host &= ~marked(taken, accounts)[held.account]
            hedged = round(settings.hedged_share * len(seconds))
            done = 0
            for same, wanted in ((False, hedged), (True, len(seconds))):
                some_of_them = host & (((held.quantity > 0) == is_long) == same)
                free = marked(held.account[some_of_them], accounts)
                free[held.account[seconds[:done]]] = False
                pool = np.flatnonzero(free)
                some = min(wanted - done, len(pool))
                if some > 0:
                    chosen = dice.choice(pool, some, replace=False)
                    held.account[seconds[done : done + some]] = chosen
                    done += some
