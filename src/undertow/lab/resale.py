"""What venues do with positions that their funds and vaults took over: they sell them again.

Most of what is closed by force in a fast market finds nobody above the bankruptcy price, a few
tenths of a per cent away, and goes to the venue's fund. Were it to stay there, forced closings
would hardly be sales. Venues say that they close such positions in the market, but not how fast:
the numbers here are assumed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats
from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.market import Market, Rows
from undertow.model import codes

Ints = NDArray[np.int64]
HOLDERS = np.array([codes.FUND, codes.VAULT], np.int64)
EVERY_NS = 5 * 10**9
# Of what rests within 1 % (as of the last reading) one order takes so much, and none of it further
# from the mark than this: as others who must sell, see agents/flows.py.
SHARE_OF_BOOK = 0.3
SLIP = 0.05


class Resale:
    """Orders of all leveraged venues' own accounts, that trade at once or not at all.

    Parameters
    ----------
    pace_s
        Until what was taken over is sold, to a share of 1/e, seconds.
    """

    def __init__(self, markets: Sequence[Market], places: Sequence[Ints], pace_s: float) -> None:
        self._markets, self._places, self._pace_s = markets, places, pace_s
        self._before_ns: int | None = None

    def act(
        self, ts_ns: int, mark: Floats, depth: tuple[Floats, Floats], halted: NDArray[np.bool_],
        next_id: Ints,
    ) -> None:  # fmt: skip
        """Send and carry out what is due.

        Parameters
        ----------
        mark, depth
            By venue and asset; depth of bids and asks in dollars, with a last axis of bands.
        next_id
            By venue, the next free order id; counted on.
        """
        before_ns = ts_ns - EVERY_NS if self._before_ns is None else self._before_ns
        if ts_ns - before_ns < EVERY_NS:
            return
        self._before_ns = ts_ns
        share = -np.expm1(-(ts_ns - before_ns) / 1e9 / self._pace_s)
        for venue, market in enumerate(self._markets):
            if market.listings.is_spot or halted[venue]:
                continue
            lots = market.data.holdings(HOLDERS)[0]
            if lots.any():
                at = venue, self._places[venue]
                rows = _orders(market, lots, share, mark[at], (depth[0][at], depth[1][at]))
                rows["order_id"] = next_id[venue] + np.arange(len(rows))
                next_id[venue] += len(rows)
                market.apply(rows)


def _orders(
    market: Market, lots: Ints, share: float, mark: Floats, depth: tuple[Floats, Floats]
) -> Rows:
    """One order for each position; a lot at least, or the last ones would stay."""
    holder, instrument = np.nonzero(lots)
    held, price = lots[holder, instrument], mark[instrument]
    book = np.where(held > 0, depth[0][instrument, 0], depth[1][instrument, 0])
    ticks = price / market.listings.tick[instrument]
    lot_usd = market.usd(instrument, ticks, np.ones(len(held)))
    with np.errstate(invalid="ignore"):
        most = np.nan_to_num(SHARE_OF_BOOK * book / lot_usd)
    wanted = np.minimum(np.maximum(np.ceil(np.abs(held) * share), 1), most)
    sent = (wanted >= 1) & (price > 0)
    rows = np.zeros(int(sent.sum()), COMMAND)
    rows["kind"], rows["time_in_force"] = codes.LIMIT, codes.IOC
    rows["flags"] = codes.REDUCE_ONLY
    rows["account"], rows["instrument"] = HOLDERS[holder[sent]], instrument[sent]
    rows["side"] = np.where(held[sent] > 0, codes.SELL, codes.BUY)
    rows["quantity_lots"] = wanted[sent]
    rows["price_ticks"] = ticks[sent] * np.where(held[sent] > 0, 1 - SLIP, 1 + SLIP)
    return rows
