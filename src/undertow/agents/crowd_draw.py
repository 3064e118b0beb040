"""Drawing a crowd: who holds how much, entered where, with what margin, on the eve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.crowd_tiers import USUAL, Tiers, equity, level
from undertow.agents.numbers import distinct, marked
from undertow.agents.observation import Floats, Place
from undertow.errors import UndertowError

Ints = NDArray[np.int64]
# The largest account of a side over the smallest (assumed).
SIZE_RANGE = 1e4
# The largest account's share of a side of an asset at a venue (assumed).
LARGEST = 0.003
# Positions that can never be liquidated are few and large: of all accounts, so many hold them.
SAFE_POSITIONS, SAFE_TAIL = 0.1, 3.0
# Nobody opens nearer to liquidation: 125 times leverage less 0.4 % maintenance, the smallest tier
# of BTCUSDT (Binance USD-M margin tiers, October 2025).
SHORTEST = 0.004
# Entry prices further from the eve's are pulled to it: the opening visits every entry price, and
# what happens later depends on the liquidation price alone.
REACH = 0.15


@dataclass(frozen=True)
class Cells:
    """Part of a leverage map: notional by entry price, distance and side at one venue and asset.

    ``away`` is the distance from entry to liquidation as a share of the entry price. ``weight`` is
    in any unit; what counts are its shares within a side. ``idle`` are those whose liquidation
    price was passed and who have not come back yet.
    """

    is_long: NDArray[np.bool_]
    entry_price: Floats
    away: Floats
    weight: Floats
    idle: NDArray[np.bool_]


@dataclass(frozen=True)
class Holdings:
    """Positions of one venue; ``quantity`` in coins, below 0 for shorts, ``equity_usd`` its own.

    ``away`` is the distance to liquidation when opened (of those who cannot be liquidated NaN),
    ``level`` the liquidation price now, NaN while somebody holds it without borrowing.
    """

    asset: Ints
    account: Ints
    quantity: Floats
    entry_price: Floats
    equity_usd: Floats
    away: Floats
    level: Floats


@dataclass
class Book:
    """What a world knows of its crowd on the eve; all of it may be missing.

    Attributes
    ----------
    cells, tiers
        By venue and asset: the leverage map, and the venue's margin tiers.
    exposed
        By venue and asset: share of open interest on each side that borrows enough to be liquidated
        some day.
    typical
        By asset: mean range of an hour times the root of 24 (as a fraction).
    """

    cells: dict[tuple[int, int], Cells] = field(default_factory=dict)
    tiers: dict[tuple[int, int], Tiers] = field(default_factory=dict)
    exposed: dict[tuple[int, int], float] = field(default_factory=dict)
    typical: dict[int, float] = field(default_factory=dict)


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


def sizes(
    dice: np.random.Generator, count: int, tail: float, total: float, largest: float = LARGEST
) -> Floats:
    """Pareto sizes, cut at `SIZE_RANGE` and a largest share, that sum to ``total``."""
    if count == 0:
        return np.zeros(0)
    thrown = stratified(dice, count)
    drawn: Floats = (1 - thrown * (1 - SIZE_RANGE**-tail)) ** (-1 / tail)
    most = max(largest, 2 / max(count, 1))
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
    place: Place, venue: int, settings: Any, price: Floats, book: Book, positions: Ints,
    seconds: Ints, dice: np.random.Generator,
) -> Holdings:  # fmt: skip
    """All positions of the crowd at one venue; see `counts` for the last but one arguments."""
    parts: list[Any] = []
    first = 0
    for asset in np.flatnonzero(positions.sum(axis=1) * (price > 0)).tolist():
        own = _cells(
            settings, book.cells.get((venue, asset)), price[asset], place.volatility[asset]
        )
        tiers = book.tiers.get((venue, asset), USUAL)
        exposed = book.exposed.get((venue, asset), settings.exposed_share)
        for side in (0, 1):
            number = int(positions[asset, side])
            share = settings.long_share if side == 0 else settings.short_share
            open_usd = place.open_interest_usd[venue, asset]
            if not share * open_usd > 0:
                continue
            safe = _safe(price[asset], number, open_usd, (share, min(exposed, share)), side, dice)
            left = number - len(safe[0])
            usd = sizes(
                dice, left, settings.tail, min(exposed, share) * open_usd,
                LARGEST / max(exposed, LARGEST),
            )  # fmt: skip
            drawn = _side(settings, own, tiers, price[asset], usd, side == 0, dice)
            account = np.full(number, -1)
            # Second positions are the last ones: all with borrowed money.
            firsts = number - int(seconds[asset, side])
            account[:firsts] = first + np.arange(firsts)
            first += firsts
            both = (np.concatenate(pair) for pair in zip(safe, drawn, strict=True))
            parts.append((np.full(number, asset), account, *both))
    if not parts:
        none = np.zeros(0)
        whole = none.astype(np.int64)
        return Holdings(whole, whole, *(none for _ in range(5)))
    joined = Holdings(*(np.concatenate(one) for one in zip(*parts, strict=True)))
    _share_accounts(settings, joined, dice)
    kept = joined.account >= 0
    _make_good(joined, kept)
    return Holdings(*(getattr(joined, name)[kept] for name in Holdings.__dataclass_fields__))


def _make_good(held: Holdings, kept: NDArray[np.bool_]) -> None:
    """Where too few accounts could take a second position, others of its kind hold more.

    First those that hold the same without borrowing, or with, or can never be liquidated; where
    there is none left of a kind, everybody on that side.
    """
    side = 2 * held.asset + (held.quantity > 0)
    kind = 3 * side + np.isnan(held.level) + np.isnan(held.away)
    size = np.abs(held.quantity)
    for group in (kind, side):
        wanted, left = np.bincount(group, size), np.bincount(group, np.abs(held.quantity) * kept)
        more = np.where(left > 0, wanted / np.maximum(left, 1e-300), 1.0)[group]
        held.quantity[:] *= more
        held.equity_usd[:] *= more


def _cells(settings: Any, given: Cells | None, price: float, volatility: float) -> Cells:
    """The map of the world, or where it has none: entries of the last days around the price."""
    if given is not None and len(given.weight):
        return given
    parts = []
    for is_long, text in ((True, settings.long_leverage), (False, settings.short_leverage)):
        leverage, weight = mix(text)
        away = np.maximum(1 / leverage - USUAL.rate[0], SHORTEST)
        # Entries spread as a price that walked for `entry_days`: eleven points of its quantiles.
        points = np.linspace(-1.6, 1.6, 11)
        entry = price * np.exp(points * volatility * np.sqrt(settings.entry_days))
        density = np.exp(-(points**2) / 2)
        parts.append(
            (
                np.full(leverage.size * 11, is_long), np.repeat(entry, leverage.size),
                np.tile(away, 11), np.outer(density, weight).ravel(),
                np.zeros(leverage.size * 11, np.bool_),
            )
        )  # fmt: skip
    return Cells(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _safe(
    price: float, number: int, open_usd: float, shares: tuple[float, float], side: int,
    dice: np.random.Generator,
) -> tuple[Floats, ...]:  # fmt: skip
    """Positions that no move closes: hedged elsewhere, or paid in full."""
    total = (shares[0] - shares[1]) * open_usd
    count = min(max(1, round(SAFE_POSITIONS * number)), number - 1) if total > 0 else 0
    if not shares[1] > 0:
        count = number
    usd = sizes(dice, count, SAFE_TAIL, total)
    sign = 1.0 if side == 0 else -1.0
    nothing = np.full(count, np.nan)
    return sign * usd / price, np.full(count, price), usd, nothing, nothing


def _side(
    settings: Any, cells: Cells, tiers: Tiers, price: float, usd: Floats, is_long: bool,
    dice: np.random.Generator,
) -> tuple[Floats, ...]:  # fmt: skip
    """Signed coins, entry prices, equity, distance and level of one side of one asset."""
    own = cells.is_long == is_long
    if not own.any():
        raise UndertowError(f"leverage map: no {'longs' if is_long else 'shorts'} in it")
    number = len(usd)
    weight = np.cumsum(cells.weight[own])
    chosen = np.searchsorted(weight, stratified(dice, number) * weight[-1], side="right")
    chosen = np.minimum(chosen, own.sum() - 1)
    entry, away = cells.entry_price[own][chosen], cells.away[own][chosen]
    rate = tiers.maintenance(usd)
    least = 1 / np.minimum(tiers.most(usd), settings.max_leverage)
    sides = np.full(number, is_long)
    at = level(sides, entry, away, least, rate)
    sign = 1.0 if is_long else -1.0
    # Whose price is (about to be) passed on the eve has left already.
    gone = cells.idle[own][chosen] | (sign * (price / at - 1) < 2e-4)
    coins, now = sign * usd / price, np.full(number, price)
    # A position cannot have been opened beyond its own liquidation price.
    entry = np.clip(entry, price * (1 - REACH), price * (1 + REACH))
    entry = np.where(gone, price, np.maximum(entry, at) if is_long else np.minimum(entry, at))
    worth = np.where(gone, usd, np.minimum(equity(coins, now, at, rate), usd))
    return coins, entry, worth, away, np.where(gone, np.nan, at)


def _share_accounts(settings: Any, held: Holdings, dice: np.random.Generator) -> None:
    """Give second positions to accounts that hold another asset, some as a hedge.

    Who holds one position without borrowing holds all so: its money would be margin of the others.
    """
    waits = np.isnan(held.level)
    groups = ((held.asset == asset) & ((held.quantity > 0) == is_long) & (waits == idle)
              for asset in distinct(held.asset).tolist()
              for is_long in (True, False) for idle in (True, False))  # fmt: skip
    for group in groups:
        _host(settings, held, np.flatnonzero(group & (held.account < 0)), waits, dice)


def _host(
    settings: Any, held: Holdings, seconds: Ints, waits: NDArray[np.bool_],
    dice: np.random.Generator,
) -> None:  # fmt: skip
    """Give some second positions, all alike, to accounts that hold another asset."""
    if not len(seconds):
        return
    accounts = int(held.account.max(initial=-1)) + 1
    asset, is_long = held.asset[seconds[0]], held.quantity[seconds[0]] > 0
    # An account that holds the asset already, as its first or second, takes no other.
    taken = held.account[(held.asset == asset) & (held.account >= 0)]
    host = (held.asset != asset) & (held.account >= 0) & np.isfinite(held.away)
    host &= ~marked(taken, accounts)[held.account] & (waits == waits[seconds[0]])
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
