"""Index and mark prices of all venues at once, in floats, by the venues' own methods.

The exact methods are in `undertow.venues.prices`; these do the same for every instrument of a run
in a few array operations, so that a step costs microseconds, and differ from the exact ones by
less than a tick (tests/lab). A mark is rounded to its venue's tick when it becomes a command.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from undertow.errors import UndertowError
from undertow.venues.rulebook import Rules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OUTLIER = 0.05  # a spot market further than this from the median is pulled to it (Binance's rule)
_SECOND_NS = 10**9


class Prices:
    """Index by asset from the spot markets, then each venue's mark; arrays ``(venues, assets)``.

    Parameters
    ----------
    rules
        By venue; None for spot markets, which have no mark.
    weight
        Of each venue in the index; 0 where it is no spot market.
    step_s
        Length of a step.
    """

    def __init__(
        self, rules: Sequence[Rules | None], weight: Floats, assets: int, step_s: float
    ) -> None:
        self._spot = np.flatnonzero(weight > 0)
        self._weight = weight[self._spot, None]
        shape = (len(rules), assets)
        kinds = [_kind(one) for one in rules]
        # Venues of a method together; of the methods that look at other venues one by one.
        self._groups = [
            (kind, _together([venue for venue, one in enumerate(kinds) if one == kind]))
            for kind in dict.fromkeys(kinds)
        ]
        windows = np.array([_window_s(one) for one in rules])
        self._steps_back = np.maximum(1, np.round(windows / step_s)).astype(int)
        self._steps_summed = self._steps_back[:, None].astype(np.float64)
        self._keep = int(self._steps_back.max()) + 1
        self._sums = np.zeros((self._keep, *shape))  # running sums of the basis, by step
        self._venues = np.arange(len(rules))
        self._nowhere = np.full(shape, np.nan)
        self._seen: tuple[Floats, ...] = (self._nowhere,) * 3  # what the next two come from
        self._mid = self._basis = np.zeros(shape)
        self._step = 0
        self._decay = np.exp(-step_s / np.maximum(windows, 1e-9))[:, None]
        self._average = np.full(shape, np.nan)  # decaying averages (Hyperliquid, HTX, Deribit)
        self._external = _external(rules)
        self.funding_rate = np.full(shape, np.nan)
        self.next_funding_ns = np.zeros(shape)
        self.interval_ns = np.full(shape, 8 * 3600 * 1e9)
        self.index = np.full(shape, np.nan)
        self.mark = np.full(shape, np.nan)

    def outside(self, spot_mid: Floats, quote_usd: Floats, halted: NDArray[np.bool_]) -> Floats:
        """The index by venue in its own quote asset: the spot markets' weighted mean.

        A market that is halted or without a price is left out; one further than `OUTLIER` from
        the median counts as being just there. Without any market the index stays.
        """
        spot, some_mid = self._spot, spot_mid[self._spot]
        usable = ~np.isnan(some_mid) & ~halted[spot, None]
        usd = np.where(usable, some_mid * quote_usd[spot, None], np.nan)
        middle = _middle_row(usd)
        capped = np.minimum(np.maximum(usd, middle * (1 - OUTLIER)), middle * (1 + OUTLIER))
        weight = np.where(usable, self._weight, 0.0)
        total = weight.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(usable, capped * weight, 0.0).sum(axis=0) / total
            index = mean[None, :] / quote_usd[:, None]
        self.index = np.where(np.isnan(index), self.index, index)
        self.index.setflags(write=False)  # agents see this very array
        return self.index

    def update(self, ts_ns: int, bid: Floats, ask: Floats, last: Floats) -> Floats:
        """All marks at ``ts_ns``; NaN where there is no contract. Call it once per step.

        Arrays that have changed must be other ones than before: of the same nothing is computed
        again. So is `mark`, which this returns.
        """
        seen = (bid, ask, self.index)
        if any(one is not before for one, before in zip(seen, self._seen, strict=True)):
            self._seen, self._mid = seen, (bid + ask) / 2
            basis = self._mid - self.index
            self._basis = np.where(np.isnan(basis), 0.0, basis)
        averaged = self._mean_basis()
        averaged += self.index
        funded = self.next_funding_ns - ts_ns
        funded /= self.interval_ns
        np.minimum(np.maximum(funded, 0.0, out=funded), 1.0, out=funded)
        funded *= np.where(np.isnan(self.funding_rate), 0.0, self.funding_rate)
        funded += 1.0
        funded *= self.index
        before, self.mark = self.mark, self._nowhere.copy()
        for kind, venues in self._groups:
            if kind != "none":
                self.mark[venues] = self._marks(
                    kind, venues, funded[venues], averaged[venues], bid[venues], ask[venues],
                    last[venues], before[venues],
                )  # fmt: skip
        self.mark.setflags(write=False)
        return self.mark

    def _mean_basis(self) -> Floats:
        """Of this step and those before it, as far back as each venue's rule looks."""
        sums, row = self._sums, self._step % self._keep
        np.add(sums[row - 1], self._basis, out=sums[row])
        back, steps = self._steps_back, self._steps_summed
        if self._step < self._keep:
            back = np.minimum(back, self._step + 1)
            steps = back[:, None].astype(np.float64)
        mean: Floats = sums[row] - sums[(self._step - back) % self._keep, self._venues]
        mean /= steps
        self._step += 1
        return mean

    def _marks(
        self, kind: str, venues: Ints | slice, funded: Floats, averaged: Floats, bid: Floats,
        ask: Floats, last: Floats, before: Floats,
    ) -> Floats:  # fmt: skip
        """Marks of the venues with one method."""
        mid, index = self._mid[venues], self.index[venues]
        if kind == "median_of_three":
            return _median(funded, averaged, last)
        if kind == "index_plus_average_basis":
            return averaged
        if kind == "fair_price":
            return funded
        if kind == "median_of_oracle_book_and_external":
            above = self._decayed(venues, mid - index)
            book = _median(bid, ask, last)
            numbers = self._venues[venues].tolist()
            others = np.stack([self._weighted_median(one, self._mid) for one in numbers])
            return _median(index + above, book, others)
        if kind == "median_of_fair_depth_and_ema":
            return _median(funded, mid, self._decayed(venues, last))
        if kind == "book":  # dated futures and spot: what is traded there
            # Before the first quote or trade the eve's price stands, or no order would be taken.
            traded = np.where(np.isnan(last), before, last)
            return np.where(np.isnan(mid), traded, mid)
        return np.full_like(index, np.nan)

    def _decayed(self, venues: Ints | slice, value: Floats) -> Floats:
        old = self._average[venues]
        new = np.where(np.isnan(value), old, value)
        kept = self._decay[venues]
        average: Floats = np.where(np.isnan(old), new, kept * old + (1 - kept) * new)
        self._average[venues] = average
        return average

    def _weighted_median(self, venue: int, mids: Floats) -> Floats:
        weight = self._external[venue]
        there = (weight > 0)[:, None] & ~np.isnan(mids)
        if not there.any():
            return np.full(mids.shape[1], np.nan)
        order = np.argsort(np.where(there, mids, np.inf), axis=0)
        heavy = np.take_along_axis(np.where(there, weight[:, None], 0.0), order, axis=0)
        half = heavy.sum(axis=0) / 2
        place = (np.cumsum(heavy, axis=0) < half).sum(axis=0)
        rows = np.take_along_axis(order, np.minimum(place, len(weight) - 1)[None, :], axis=0)
        found = np.take_along_axis(mids, rows, axis=0)[0]
        return np.where(half > 0, found, np.nan)


def _together(venues: list[int]) -> Ints | slice:
    """Venues as what picks them quickest: a slice copies nothing."""
    first, count = venues[0], len(venues)
    return slice(first, first + count) if venues[-1] == first + count - 1 else np.array(venues)


def _median(*prices: Floats) -> Floats:
    """Median of those that are there; of an even number the mean of the two in the middle."""
    one, two, three = prices
    lower, upper = np.minimum(one, two), np.maximum(one, two)
    middle: Floats = np.maximum(lower, np.minimum(upper, three))
    if np.isnan(middle).any():
        middle = _middle_row(np.stack(prices).reshape(len(prices), -1)).reshape(one.shape)
    return middle


def _middle_row(stacked: Floats) -> Floats:
    if len(stacked) == 1:
        only: Floats = stacked[0]
        return only
    ordered = np.sort(stacked, axis=0)  # what is not there comes last
    count = stacked.shape[0] - np.isnan(stacked).sum(axis=0)
    column = np.arange(stacked.shape[1])
    middle: Floats = (ordered[(count - 1) // 2, column] + ordered[count // 2, column]) / 2
    return middle


def _kind(rules: Rules | None) -> str:
    if rules is None:
        return "none"
    return rules.mark.model or "book"


def _window_s(rules: Rules | None) -> float:
    if rules is None or rules.mark.model is None:
        return 1.0
    mark = rules.mark
    window = mark.basis_window_s or mark.oracle_ema_s or mark.last_ema_s
    if window is None and rules.mark.model != "fair_price":
        raise UndertowError(f"{rules.venue}: no rule says over how long its mark averages")
    return float(window or 1)


def _external(rules: Sequence[Rules | None]) -> Floats:
    """By venue, the weights of the others' perpetuals in its mark."""
    weights = np.zeros((len(rules), len(rules)))
    for venue, one in enumerate(rules):
        known = dict((one.mark.external_weight_by_venue if one else None) or ())
        for other, own in enumerate(rules):
            key = next((key for key in known if own and own.venue.startswith(key)), None)
            if other != venue and key:
                weights[venue, other] = float(known[key])
    return weights
