"""What a run's tapes say, asked at moments and over windows: sums, counts, lows, states.

Two tapes belong to a run: ``true`` with everything, and ``shown`` with the liquidations that
public feeds would have let through. Published totals come from such feeds, so totals here do, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow.errors import NotRecorded
from undertow.model.assets import asset_of, venue_kind
from undertow.model.periods import duration_ns
from undertow.tape import Tape

ALL = "ALL"
# Other names of a coin in symbols.
_SAME = {"XBT": "BTC"}
MOST_ACCOUNTS = 2**40
Floats = NDArray[np.float64]
_TIME = pl.col("ts").cast(pl.Int64)


@dataclass(frozen=True)
class Outcome:
    """The two tapes of one run; without ``shown`` all feeds are taken to be complete.

    Attributes
    ----------
    start_ns, end_ns
        What the run covers.
    """

    true: Tape
    shown: Tape | None
    start_ns: int
    end_ns: int

    @cached_property
    def _shown(self) -> pl.DataFrame:
        tape = self.shown if self.shown is not None and self.shown.has("liquidations") else None
        return _closings(tape or self.true).filter(pl.col("stage") != "adl")

    @cached_property
    def _closed(self) -> pl.DataFrame:
        return _closings(self.true)

    @property
    def venues(self) -> list[str]:
        """Venues of leverage that have open interest or liquidations on the tape."""
        found: set[str] = set()
        for name in ("open_interest", "liquidations", "marks"):
            if self.true.has(name):
                found |= set(self._table(name)["venue"].unique().to_list())
        return sorted(found)

    @cached_property
    def traded(self) -> frozenset[tuple[str, str]]:
        """Assets with the venues that trade them; spot markets count as the venue ``spot``."""
        found: set[tuple[str, str]] = set()
        for name in ("open_interest", "marks", "candles"):
            if self.true.has(name):
                pairs = self._table(name).select("asset", "venue").unique().drop_nulls()
                found |= {(asset, venue) for asset, venue in pairs.iter_rows()}
        return frozenset(
            (asset, "spot" if venue_kind(venue) == "spot" else venue) for asset, venue in found
        )

    def trades(self, asset: str, venue: str | None) -> bool:
        """Whether the run has an asset, at a venue if one is named."""
        if asset == ALL:
            return venue is None or venue in self.venues
        return any(one == asset and venue in (None, at) for one, at in self.traded)

    def liquidated_usd(
        self, start_ns: int, end_ns: int, *, asset: str = ALL, side: str = "both",
        venue: str | None = None,
    ) -> float:  # fmt: skip
        """Dollars of positions closed after ``start_ns`` up to ``end_ns``, as feeds show them."""
        return float(_pick(self._shown, start_ns, end_ns, asset, side, venue)["usd"].sum())

    def largest_usd(self, start_ns: int, end_ns: int, asset: str, venue: str | None) -> float:
        """The largest single closing that feeds show; 0 without any."""
        found = _pick(self._shown, start_ns, end_ns, asset, "both", venue)["usd"]
        return float(found.to_numpy().max(initial=0.0))

    def closings(
        self, start_ns: int, end_ns: int, *, asset: str = ALL, venue: str | None = None,
        deleveraged: bool,
    ) -> pl.DataFrame:  # fmt: skip
        """True closings (``usd``): winners' by deleveraging, or all others."""
        found = _pick(self._closed, start_ns, end_ns, asset, "both", venue)
        is_adl = pl.col("stage") == "adl"
        return found.filter(is_adl if deleveraged else ~is_adl)

    def accounts_liquidated(self, start_ns: int, end_ns: int, venue: str | None) -> int:
        """Accounts that were liquidated, each once: by number where the tape has numbers."""
        found = _pick(self._closed, start_ns, end_ns, ALL, "both", venue)
        found = found.filter(pl.col("stage") != "adl")
        if found.height and found["who"].null_count() == 0:
            return found["who"].n_unique()
        if not self.true.has("accounts"):
            return 0
        counted = self._table("accounts").filter(pl.col("ns") > start_ns, pl.col("ns") <= end_ns)
        if venue is not None:
            counted = counted.filter(pl.col("venue") == venue)
        return int(counted["liquidated"].sum())

    def bars(self, asset: str, venue: str | None) -> pl.DataFrame:
        """Bars of a price: ``ns`` (end), ``open``, ``high``, ``low``, ``close``; by time.

        Of one venue, or the median over the spot markets; where those hardly trade, over the
        venues' indices, else over all venues.

        Raises
        ------
        NotRecorded
            When the tape has no price of the asset.
        """
        if (asset, venue) not in self._prices:
            self._prices[asset, venue] = self._bars(asset, venue)
        return self._prices[asset, venue]

    def _bars(self, asset: str, venue: str | None) -> pl.DataFrame:
        bars = self._candles.filter(pl.col("asset") == asset)
        if venue is not None:
            bars = bars.filter(pl.col("venue") == venue)
        else:
            spot = bars.filter(pl.col("is_spot"))
            index = self._index.filter(pl.col("asset") == asset)
            # On a real path hardly anybody trades on spot: a few bars are no price history.
            trades_all_the_time = spot["ns"].n_unique() >= 0.9 * index["ns"].n_unique()
            if spot.height and trades_all_the_time:
                bars = spot
            elif index.height:
                bars = index
        if not bars.height:
            raise NotRecorded(f"prices of {asset}{f' at {venue}' if venue else ''}")
        prices = ("open", "high", "low", "close")
        return bars.group_by("ns").agg(pl.col(name).median() for name in prices).sort("ns")

    def eve_price(self, asset: str, venue: str | None = None) -> float:
        """The first price of the run."""
        return float(self.bars(asset, venue)["open"][0])

    def price(self, at_ns: int, asset: str, venue: str | None = None) -> float:
        """The last price at a moment; the first one of the run before that."""
        bars = self.bars(asset, venue)
        known = bars.filter(pl.col("ns") <= at_ns)
        return float(known["close"][-1]) if known.height else float(bars["open"][0])

    def extreme(
        self, start_ns: int, end_ns: int, asset: str, venue: str | None, *, low: bool
    ) -> float:
        """The lowest or highest price of the bars that end within a window; NaN without any."""
        bars = self.bars(asset, venue).filter(pl.col("ns") > start_ns, pl.col("ns") <= end_ns)
        found = bars["low" if low else "high"].drop_nulls().to_numpy()
        if not len(found):
            return float("nan")
        return float(found.min() if low else found.max())

    def open_interest_usd(self, at_ns: int, asset: str = ALL, venue: str | None = None) -> float:
        """Open interest at a moment: the last row of each instrument until then; NaN without."""
        if not self.true.has("open_interest"):
            return float("nan")
        rows = self._table("open_interest")
        first = pl.col("ns").min()
        known = rows.filter((pl.col("ns") <= at_ns) | (pl.col("ns") == first))
        known = _of(known, asset, venue)
        last = known.sort("ns").group_by("venue", "symbol").agg(pl.col("usd").last())
        return float(last["usd"].sum()) if last.height else float("nan")

    def fund_change_usd(self, end_ns: int, venue: str | None = None) -> float:
        """What insurance funds have gained since the start (below 0: paid); NaN without record."""
        if not self.true.has("insurance"):
            return float("nan")
        rows = self._table("insurance").filter(pl.col("ns") <= end_ns).sort("ns")
        if venue is not None:
            rows = rows.filter(pl.col("venue") == venue)
        ends = rows.group_by("venue").agg(
            pl.col("balance_usd").first().alias("first"), pl.col("balance_usd").last().alias("last")
        )
        return float((ends["last"] - ends["first"]).sum())

    def depth_usd(self, band: float, asset: str, venue: str | None) -> Floats:
        """Bids and asks within a band, by time: means over the venues asked for."""
        if not self.true.has("depth"):
            return np.zeros(0)
        rows = self._table("depth").filter((pl.col("band") - band).abs() < 1e-9)
        rows = _of(rows, asset, venue)
        both = rows.group_by("ns", "venue").agg((pl.col("bid_usd") + pl.col("ask_usd")).sum())
        by_time = both.group_by("ns").agg(pl.col("bid_usd").mean()).sort("ns")
        return by_time["bid_usd"].to_numpy().astype(np.float64)

    @cached_property
    def _candles(self) -> pl.DataFrame:
        if not self.true.has("candles"):
            return pl.DataFrame(schema=_BARS)
        bars = _timed(self.true.table("candles").collect())
        kinds = {name: venue_kind(name) == "spot" for name in bars["venue"].unique()}
        return bars.with_columns(
            ns=pl.col("ns") + _lengths(bars["interval"]),
            is_spot=pl.col("venue").replace_strict(kinds, return_dtype=pl.Boolean),
        )

    @cached_property
    def _index(self) -> pl.DataFrame:
        if not self.true.has("marks"):
            return pl.DataFrame(schema=_BARS)
        marks = _timed(self.true.table("marks").collect()).filter(pl.col("index").is_not_null())
        index = pl.col("index")
        return marks.select(
            "asset", open=index, high=index, low=index, close=index,
            ns=pl.col("ns") + _lengths(marks["interval"]),
        )  # fmt: skip

    def _table(self, name: str) -> pl.DataFrame:
        if name not in self._tables:
            self._tables[name] = _timed(self.true.table(name).collect())
        return self._tables[name]

    @cached_property
    def _prices(self) -> dict[tuple[str, str | None], pl.DataFrame]:
        return {}

    @cached_property
    def _tables(self) -> dict[str, pl.DataFrame]:
        return {}


_BARS: Any = {
    "ns": pl.Int64, "asset": pl.String, "venue": pl.String, "is_spot": pl.Boolean,
    "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64,
}  # fmt: skip


def span_ns(tape: Tape) -> tuple[int, int]:
    """From when to when a run's tape tells: its marks, else its candles.

    Raises
    ------
    NotRecorded
        When it has neither.
    """
    for name in ("marks", "candles"):
        if tape.has(name):
            rows = tape.table(name).select(_TIME.alias("ns"), "interval").collect()
            ends = rows["ns"] + _lengths(rows["interval"])
            return int(rows["ns"].to_numpy().min()), int(ends.to_numpy().max())
    raise NotRecorded("prices")


def outcome(true: Tape, shown: Tape | None = None) -> Outcome:
    """The outcome of a run from its two tapes."""
    return Outcome(true, shown, *span_ns(true))


def _closings(tape: Tape) -> pl.DataFrame:
    rows = _timed(tape.table("liquidations").collect())
    # One number for each account of each venue: counted many times, and numbers are quick.
    numbers = {name: number for number, name in enumerate(rows["venue"].unique().sort())}
    number = pl.col("venue").replace_strict(numbers, default=0, return_dtype=pl.Int64)
    return rows.with_columns(
        pl.col("stage").cast(pl.String).fill_null(""),
        who=number * MOST_ACCOUNTS + pl.col("account"),
    )


def _timed(rows: pl.DataFrame) -> pl.DataFrame:
    """Times as whole nanoseconds, names as texts, and the asset of each symbol."""
    names = [name for name in ("venue", "symbol") if name in rows.columns]
    rows = rows.with_columns(_TIME.alias("ns"), *(pl.col(name).cast(pl.String) for name in names))
    if "symbol" not in rows.columns:
        return rows
    symbols = rows["symbol"].drop_nulls().unique()
    assets = {symbol: _SAME.get(asset_of(symbol), asset_of(symbol)) for symbol in symbols}
    return rows.with_columns(
        asset=pl.col("symbol").replace_strict(assets, default=None, return_dtype=pl.String)
    )


def _lengths(intervals: pl.Series) -> pl.Series:
    """Lengths of bars in nanoseconds; 0 where a row is of a moment."""
    texts = intervals.cast(pl.String)
    lengths = {text: duration_ns(text) for text in texts.drop_nulls().unique()}
    return texts.replace_strict(lengths, default=0, return_dtype=pl.Int64)


def _of(rows: pl.DataFrame, asset: str, venue: str | None) -> pl.DataFrame:
    if asset != ALL:
        rows = rows.filter(pl.col("asset") == asset)
    return rows if venue is None else rows.filter(pl.col("venue") == venue)


def _pick(
    rows: pl.DataFrame, start_ns: int, end_ns: int, asset: str, side: str, venue: str | None
) -> pl.DataFrame:
    # Tables of a tape are in time order.
    first, last = (int(rows["ns"].search_sorted(at, "right")) for at in (start_ns, end_ns))
    found = _of(rows.slice(first, max(0, last - first)), asset, venue)
    return found if side == "both" else found.filter(pl.col("side").cast(pl.String) == side)
