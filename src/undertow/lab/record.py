"""What a run leaves: a tape like those of real markets, written interval by interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow.agents.observation import BANDS, Floats, Place
from undertow.lab import forced
from undertow.lab.market import Market
from undertow.model.periods import interval_name

Columns = dict[str, NDArray[Any]]


@dataclass
class Record:
    """Collects a run's bars, marks, depth, open interest, funding and funds.

    Parameters
    ----------
    place
        Where is traded.
    interval_ns
        Length of a bar, a multiple of the step.
    """

    place: Place
    markets: list[Market]
    interval_ns: int
    _rows: dict[str, list[tuple[int, int, Columns]]] = field(default_factory=dict)
    _mark_open: Floats | None = None
    _mark_high: Floats | None = None
    _mark_low: Floats | None = None
    _events: list[dict[str, Any]] = field(default_factory=list)

    def saw_marks(self, mark: Floats) -> None:
        """Take the marks of one step into the bar under way."""
        if self._mark_open is None or self._mark_high is None or self._mark_low is None:
            self._mark_open, self._mark_high, self._mark_low = mark.copy(), mark.copy(), mark.copy()
            return
        np.fmax(self._mark_high, mark, out=self._mark_high)
        np.fmin(self._mark_low, mark, out=self._mark_low)

    def close_bar(self, start_ns: int, mark: Floats, index: Floats, last: Floats) -> None:
        """End the bar that began at ``start_ns``."""
        for venue, market in enumerate(self.markets):
            listings = market.listings
            bar = market.data.traded
            value, _ = market.values_usd(bar)
            traded = bar["trades"] > 0
            self._add("candles", venue, start_ns, np.flatnonzero(traded), {
                "open": bar["open"] * listings.tick, "high": bar["high"] * listings.tick,
                "low": bar["low"] * listings.tick, "close": bar["close"] * listings.tick,
                "volume": bar["lots"] * listings.lot, "quote_volume": value,
                "trades": bar["trades"].copy(),
            })  # fmt: skip
            market.new_bar()
            if not listings.is_spot:
                self._marks(venue, start_ns, mark, index, last)
        self._mark_open = self._mark_high = self._mark_low = None

    def _marks(self, venue: int, start_ns: int, mark: Floats, index: Floats, last: Floats) -> None:
        places = self.places(venue)
        known = np.flatnonzero(~np.isnan(mark[venue, places]))
        seen = (self._mark_open, self._mark_high, self._mark_low)
        opened, high, low = (mark if one is None else one for one in seen)
        self._add("marks", venue, start_ns, known, {
            "mark": mark[venue, places], "index": index[venue, places],
            "last": last[venue, places], "mark_open": opened[venue, places],
            "mark_high": high[venue, places], "mark_low": low[venue, places],
        })  # fmt: skip

    def places(self, venue: int) -> NDArray[np.int64]:
        """The world's numbers of a venue's assets, in the order of its instruments."""
        assets = self.place.assets
        return np.array([assets.index(asset) for asset in self.markets[venue].listings.assets])

    def saw_depth(self, ts_ns: int, venue: int, usd: Floats, spread: Floats) -> None:
        """Depth ``(instruments, 2, bands)`` in dollars and spread of a venue at a moment."""
        known = np.flatnonzero(~np.isnan(spread))
        for number, band in enumerate(BANDS):
            self._add("depth", venue, ts_ns, known, {
                "band": np.full(len(spread), band), "bid_usd": usd[:, 0, number],
                "ask_usd": usd[:, 1, number], "spread": spread,
            })  # fmt: skip

    def saw_open_interest(self, ts_ns: int, venue: int, coins: Floats, usd: Floats) -> None:
        """Open interest by instrument at a moment."""
        rows = np.arange(len(coins))
        self._add("open_interest", venue, ts_ns, rows, {"contracts": coins, "usd": usd})

    def saw_funding(self, ts_ns: int, venue: int, instrument: int, rate: float, hours: int) -> None:
        """A settlement."""
        self._add("funding", venue, ts_ns, np.array([0]), {
            "rate": np.array([rate]), "interval_hours": np.array([float(hours)]),
        }, np.array([instrument]))  # fmt: skip

    def saw_fund(self, ts_ns: int, venue: int, usd: float) -> None:
        """The insurance fund of a venue at a moment."""
        self._add("insurance", venue, ts_ns, np.array([0]), {"balance_usd": np.array([usd])},
                  np.array([-1]))  # fmt: skip

    def saw_event(self, ts_ns: int, kind: str, title: str, source: str) -> None:
        """Something that became known."""
        self._events.append(
            {"ts": ts_ns, "kind": kind, "title": title, "source": source, "precision": "second"}
        )

    def _add(
        self, table: str, venue: int, ts_ns: int, rows: NDArray[np.int64], columns: Columns,
        instruments: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        if len(rows):
            kept = {name: values[rows] for name, values in columns.items()}
            kept["instrument"] = rows if instruments is None else instruments
            self._rows.setdefault(table, []).append((ts_ns, venue, kept))

    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables of the run, as a tape takes them."""
        found = {table: self._frame(table) for table in sorted(self._rows)}
        found.update(forced.frames(self.markets, self.place, self.interval_ns))
        if self._events:
            found["events"] = pl.DataFrame(self._events).with_columns(_moment("ts"))
        return {name: frame for name, frame in found.items() if frame.height}

    def _frame(self, table: str) -> pl.DataFrame:
        blocks = self._rows[table]
        sizes = [len(columns["instrument"]) for _, _, columns in blocks]
        joined: dict[str, Any] = {
            name: np.concatenate([columns[name] for _, _, columns in blocks])
            for name in blocks[0][2]
        }
        venue = np.repeat([venue for _, venue, _ in blocks], sizes)
        instrument = joined.pop("instrument")
        frame = pl.DataFrame({
            "ts": np.repeat([ts_ns for ts_ns, _, _ in blocks], sizes),
            "venue": np.array(self.place.venues)[venue],
            "symbol": self._symbols(venue, instrument),
            **joined,
        }).with_columns(_moment("ts"))  # fmt: skip
        if table in ("candles", "marks"):
            frame = frame.with_columns(interval=pl.lit(interval_name(self.interval_ns)))
        if table == "insurance":
            frame = frame.drop("symbol")
        return frame.fill_nan(None)

    def _symbols(self, venue: NDArray[np.int64], instrument: NDArray[np.int64]) -> NDArray[Any]:
        width = max(len(market.listings.symbols) for market in self.markets) + 1
        table = np.full((len(self.markets), width), "", dtype=object)
        for number, market in enumerate(self.markets):
            table[number, : len(market.listings.symbols)] = market.listings.symbols
        return table[venue, instrument].astype(str)


def _moment(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
