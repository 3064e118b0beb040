"""Resting quotes around a centre, at all venues and assets: what was eaten, and when to renew."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from undertow.agents.ladder import FAR, MOST_SHARE, NEAR, quote, rungs_usd
from undertow.agents.observation import Floats, Observation, Place
from undertow.agents.orders import Orders

Mask = NDArray[np.bool_]
# The far rungs are renewed when the centre has moved by this, or after so long.
FAR_MOVE = 0.003
FAR_AGE_S = 1800.0
NEAR_AGE_S = 300.0
# Quotes are renewed as well when a share of them is gone, or should be.
DEPTH_CHANGE = 0.15


@dataclass(frozen=True, slots=True)
class Wish:
    """What should rest, all of shape ``(venues, assets)``; ``centre`` is a log price in dollars."""

    centre: Floats
    half_spread: Floats
    bid_depth_usd: Floats
    ask_depth_usd: Floats


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
    eaten_bid_usd, eaten_ask_usd
        What takers took and nobody has put back yet.
    """

    place: Place
    wanted: Mask
    accounts: int
    refill_s: float
    move: Floats
    eaten_bid_usd: Floats = field(init=False)
    eaten_ask_usd: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = self.wanted.shape
        self.centre = np.full(shape, np.nan)
        self._shown = np.zeros((2, *shape))
        self._near_ns = np.zeros(shape, np.int64)
        self._far_ns = np.zeros(shape, np.int64)
        self._far_centre = np.full(shape, np.inf)
        self._far_shown = np.zeros((2, *shape))
        self._turn = np.zeros(shape, np.int64)
        self.eaten_bid_usd, self.eaten_ask_usd = np.zeros(shape), np.zeros(shape)
        self._room = MOST_SHARE * np.nan_to_num(self.place.depth_usd)

    def watch(self, seen: Observation, seconds: float) -> None:
        """Count what takers took in the step before, and what has come back."""
        kept = np.exp(-seconds / self.refill_s)
        for eaten, taken in (
            (self.eaten_bid_usd, seen.sold_usd),
            (self.eaten_ask_usd, seen.bought_usd),
        ):
            eaten *= kept
            eaten += np.nan_to_num(taken)
            np.minimum(eaten, self._room, out=eaten)

    def displaced(self, log_mid: Floats) -> Floats:
        """How far the middle price was pushed from where it was quoted; 0 where unknown."""
        away = log_mid - self.centre
        return np.where(np.isnan(away), 0.0, away)

    def stale(self, wish: Wish, ts_ns: int) -> Mask:
        """Where quotes should be renewed."""
        shown = np.stack([wish.bid_depth_usd, wish.ask_depth_usd])
        visible = np.maximum(shown - np.stack([self.eaten_bid_usd, self.eaten_ask_usd]), 0.0)
        changed = np.abs(visible - self._shown) > DEPTH_CHANGE * np.maximum(shown, self._shown)
        old = ts_ns - self._near_ns > NEAR_AGE_S * 1e9
        near = np.abs(wish.centre - self.centre) <= self.move  # False for NaN
        due: Mask = self.wanted & (~near | old | changed[0] | changed[1])
        return due

    def renew(
        self, orders: Orders, seen: Observation, wish: Wish, due: Mask, kept: Mask, sent: Mask
    ) -> None:
        """Cancel and quote again where ``due``.

        Where ``kept`` the cancel does not get through and old quotes stay; where not ``sent`` new
        quotes do not get through.
        """
        due = due & ~np.isnan(wish.centre)
        if not due.any():
            return
        depth = np.stack([wish.bid_depth_usd, wish.ask_depth_usd])
        eaten = np.stack([self.eaten_bid_usd, self.eaten_ask_usd])
        far = due & (
            ~(np.abs(wish.centre - self._far_centre) <= FAR_MOVE)
            | (seen.ts_ns - self._far_ns > FAR_AGE_S * 1e9)
            | (np.abs(depth - self._far_shown) > 2 * DEPTH_CHANGE * self._far_shown).any(axis=0)
        )
        self._turn += due
        for venue in np.flatnonzero(due.any(axis=1)):
            self._venue(orders, seen, wish, int(venue), due[venue], far[venue], kept, sent)
        self.centre = np.where(due, wish.centre, self.centre)
        self._shown = np.where(due, np.maximum(depth - eaten, 0.0), self._shown)
        self._near_ns[due] = seen.ts_ns
        self._far_centre = np.where(far, wish.centre, self._far_centre)
        self._far_shown = np.where(far, depth, self._far_shown)
        self._far_ns[far] = seen.ts_ns

    def _venue(
        self, orders: Orders, seen: Observation, wish: Wish, venue: int, near: Mask, far: Mask,
        kept: Mask, sent: Mask,
    ) -> None:  # fmt: skip
        assets = np.flatnonzero(near)
        bids = rungs_usd(wish.bid_depth_usd[venue, assets], self.eaten_bid_usd[venue, assets])
        asks = rungs_usd(wish.ask_depth_usd[venue, assets], self.eaten_ask_usd[venue, assets])
        centre = np.exp(wish.centre[venue, assets]) / seen.quote_usd[venue]
        half = wish.half_spread[venue, assets]
        turn = self._turn[venue, assets]
        before, now = (turn - 1) % self.accounts, turn % self.accounts
        last = np.full(len(assets), self.accounts)
        for rungs, part, one, cancelled, chosen in (
            (NEAR, slice(0, len(NEAR)), now, before, np.ones(len(assets), np.bool_)),
            (FAR, slice(len(NEAR), None), last, last, far[assets]),
        ):
            gone = chosen & ~kept[venue, assets]
            if gone.any():
                orders.cancel_all(venue, assets[gone], cancelled[gone])
            put = chosen & sent[venue, assets]
            if put.any():
                quote(
                    orders, venue, assets[put], one[put], centre[put], half[put],
                    bids[put, part], asks[put, part], rungs,
                )  # fmt: skip
