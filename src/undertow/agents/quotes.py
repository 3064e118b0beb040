"""Resting quotes around a centre, at all venues and assets: what was eaten, and when to renew."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from undertow.agents.ladder import FAR, LEFT, MOST_SHARE, NEAR, quote, rungs_usd
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders
from undertow.agents.prices import known

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
# The far rungs are renewed when the centre has moved by this, or after so long.
FAR_MOVE = 0.003
FAR_AGE_S = 1800.0
NEAR_AGE_S = 300.0
# Quotes are renewed as well when a share of them is gone, or should be.
DEPTH_CHANGE = 0.15
# What was eaten at one venue is spread over all books of the asset within such a time: makers
# there refill from the others (assumed).
SHARE_S = 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What should rest, of shape ``(venues, assets)``; ``centre`` is a log price in dollars.

    ``depth_usd`` has a first axis more: bids and asks. ``half_spread`` is by asset.
    """

    centre: Floats
    half_spread: Floats
    depth_usd: Floats


@dataclass
class Quotes:
    """What rests, of near rungs on some accounts in turn and of far rungs on one more.

    Attributes
    ----------
    place
        Where.
    wanted
        By venue and asset, whether to quote there at all.
    accounts
        How many accounts take turns with the near rungs; the next one has the far ones.
    refill_s
        Over how many seconds eaten depth comes back, to a share of 1 - 1/e.
    move
        By asset, the move of the centre (log) that makes quotes stale.
    most
        What is quoted at most, as a multiple of the usual depth: no more can be eaten.
    eaten_usd
        Bids and asks that takers took and nobody has put back yet: a first axis of two.
    """

    place: Place
    wanted: Mask
    accounts: int
    refill_s: float
    move: Floats
    most: float = 1.0
    eaten_usd: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = self.wanted.shape
        self.centre = np.full(shape, np.nan)
        self.eaten_usd = np.zeros((2, *shape))
        self._shown = np.zeros((2, *shape))
        self._near_ns = np.zeros(shape, np.int64)
        self._far_ns = np.zeros(shape, np.int64)
        self._far_centre = np.full(shape, np.inf)
        self._far_shown = np.zeros((2, *shape))
        self._account = np.zeros(shape, np.int64)
        self._turn = np.zeros(shape[0], np.int64)
        depth = np.where(self.wanted, np.nan_to_num(self.place.depth_usd), 0.0)
        self._room = MOST_SHARE * self.most * depth
        self._weight = depth / np.maximum(depth.sum(axis=0), 1.0)

    def watch(self, seen: Observation, seconds: float, slower: Floats | float = 1.0) -> None:
        """Count what takers took since the last time, and what has come back.

        ``slower`` is by asset how many times longer than usual depth takes to come back.
        """
        kept = np.exp(-seconds / (self.refill_s * slower))
        shared = 1 - np.exp(-seconds / SHARE_S)
        eaten = self.eaten_usd
        eaten[0] += known(seen.sold_usd)
        eaten[1] += known(seen.bought_usd)
        eaten *= kept * (1 - shared)
        eaten += self._weight * (shared / (1 - shared) * eaten.sum(axis=1))[:, None]
        np.minimum(eaten, self._room, out=eaten)

    def displaced(self, traded: Floats) -> Floats:
        """How far from the quotes' centre was traded (logarithms); 0 where nothing was."""
        return known(traded - self.centre)

    def stale(self, wish: Wish, ts_ns: int) -> Mask:
        """Where quotes should be renewed."""
        depth, shown = wish.depth_usd, self._shown
        changed = np.abs(self._visible(depth) - shown) > DEPTH_CHANGE * np.maximum(depth, shown)
        old = ts_ns - self._near_ns > NEAR_AGE_S * 1e9
        near = np.abs(wish.centre - self.centre) <= self.move  # False for NaN
        due: Mask = self.wanted & (~near | old | changed[0] | changed[1])
        return due

    def _visible(self, depth_usd: Floats) -> Floats:
        """What of bids and asks is left within 1 %."""
        left: Floats = np.maximum(depth_usd - self.eaten_usd, LEFT * depth_usd)
        return left

    def choose(self, seen: Observation, price: Floats, away: Mask | None = None) -> None:
        """Whose turn it is at each venue: the account with the smallest positions, of those there.

        ``price`` by asset in dollars; ``away`` by venue and account.
        """
        if seen.quantity is None:
            return
        used = (np.abs(known(seen.quantity[:, : self.accounts])) * known(price)).sum(axis=2)
        if away is not None:
            used = np.where(away, np.inf, used)
        self._turn = used.argmin(axis=1)

    def renew(
        self, orders: Orders, seen: Observation, wish: Wish, due: Mask, kept: Mask, sent: Mask
    ) -> None:
        """Cancel and quote again where ``due``.

        Where ``kept`` the cancel does not get through and old quotes stay; where not ``sent`` new
        quotes do not get through.
        """
        venues, assets = np.nonzero(due & ~np.isnan(wish.centre))
        if not len(venues):
            return
        at = venues, assets
        both = slice(None), venues, assets
        depth, centre = wish.depth_usd[both], wish.centre[at]
        far = ~(np.abs(centre - self._far_centre[at]) <= FAR_MOVE)
        far |= seen.ts_ns - self._far_ns[at] > FAR_AGE_S * 1e9
        before = self._far_shown[both]
        far |= (np.abs(depth - before) > 2 * DEPTH_CHANGE * before).any(axis=0)
        before_account = self._account[at]
        account = self._turn[venues]
        self._account[at] = account
        sizes = np.swapaxes(rungs_usd(depth, self.eaten_usd[both]), 0, 1)
        price = np.exp(centre) / seen.quote_usd[venues]
        half = wish.half_spread[assets]
        last = np.full(len(venues), self.accounts)
        everywhere = np.ones(len(venues), np.bool_)
        layers = (
            (NEAR, slice(0, len(NEAR)), account, before_account, everywhere),
            (FAR, slice(len(NEAR), None), last, last, far),
        )
        # All that is stale goes before anything new comes: after a jump of the centre new near
        # quotes would trade with the old far ones, a maker with itself.
        for *_, previous, chosen in layers:
            gone = np.flatnonzero(chosen & ~kept[at])
            if len(gone):
                orders.cancel_all(venues[gone], assets[gone], previous[gone])
        for rungs, part, who, _, chosen in layers:
            put = np.flatnonzero(chosen & sent[at])
            if len(put):
                quote(
                    orders, venues[put], assets[put], who[put], price[put], half[put],
                    sizes[put, :, part], rungs,
                )  # fmt: skip
        self.centre[at] = centre
        self._shown[both] = np.maximum(depth - self.eaten_usd[both], LEFT * depth)
        self._near_ns[at] = seen.ts_ns
        at, both = (venues[far], assets[far]), (slice(None), venues[far], assets[far])
        self._far_centre[at], self._far_ns[at] = centre[far], seen.ts_ns
        self._far_shown[both] = depth[:, far]
