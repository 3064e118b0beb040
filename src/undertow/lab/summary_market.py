"""Prices, depth, gaps between venues, open interest and funding of one run, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from undertow.errors import NotRecorded
from undertow.lab.summary_tapes import MINUTE_NS, RunTapes
from undertow.measures import liquidity

BANDS = (0.01, 0.02, 0.04)
HOUR_NS = 60 * MINUTE_NS
_KINDS = {False: "leveraged", True: "spot"}


@dataclass(frozen=True, slots=True)
class Fall:
    """How one asset fell, on the median of the venues' marks.

    Attributes
    ----------
    start, low, end
        First price, lowest and last, quote per base.
    low_ns
        End of the bar with the low.
    fall
        1 − low / start.
    rebound
        Share of the fall that was made good by the end; None where nothing fell.
    half_recovery_s
        From the low until a bar closed half-way back, in seconds; None where none did.
    """

    asset: str
    start: float
    low: float
    low_ns: int
    end: float
    fall: float
    rebound: float | None
    half_recovery_s: int | None


@dataclass(frozen=True, slots=True)
class Depth:
    """Bids and asks within a band of the middle, over all venues of a kind, in dollars.

    Attributes
    ----------
    kind
        ``leveraged`` or ``spot`` venues.
    before_usd, after_usd
        Medians over the first and the last hour.
    trough_usd, trough_ns
        The thinnest five minutes in between: the least mean over so long, and its start. A venue
        without quotes on one side counts as empty.
    """

    asset: str
    kind: str
    band: float
    before_usd: float
    trough_usd: float
    trough_ns: int
    after_usd: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The widest gap between venues of leverage: highest over lowest close of a bar, less 1."""

    asset: str
    gap: float
    at_ns: int
    low_venue: str
    high_venue: str


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest of an asset over all venues, in dollars; ``change`` is a fraction."""

    asset: str
    start_usd: float
    end_usd: float
    change: float


@dataclass(frozen=True, slots=True)
class Funding:
    """One settlement, its rate brought to eight hours; above 0 longs pay."""

    venue: str
    symbol: str
    at_ns: int
    rate_8h: float


def falls(tapes: RunTapes) -> tuple[Fall, ...]:
    """The fall of each asset, the most liquidated first."""
    priced = set(tapes.prices["asset"].to_list())
    return tuple(_fall(asset, tapes.path(asset)) for asset in tapes.assets if asset in priced)


def _fall(asset: str, path: pl.DataFrame) -> Fall:
    place = int(path["low"].arg_min() or 0)
    start, low, end = path["open"][0], path["low"][place], path["close"][-1]
    low_ns = int(path["ns"][place])
    lost = start - low
    back = path[place:].filter(pl.col("close") >= low + lost / 2)
    recovered = back.height > 0 and lost > 0
    return Fall(
        asset, start, low, low_ns, end, 1 - low / start, (end - low) / lost if lost > 0 else None,
        (int(back["ns"][0]) - low_ns) // 1_000_000_000 if recovered else None,
    )  # fmt: skip


def depths(tapes: RunTapes) -> tuple[Depth, ...]:
    """Depth before, at its thinnest and after, by asset, kind of venue and band."""
    found = []
    for asset in tapes.assets:
        for kind in ("leveraged", "spot"):
            for band in BANDS:
                path = depth_path(tapes, asset, kind, band)
                if path.height:
                    found.append(_depth(asset, kind, band, path))
    return tuple(found)


def depth_path(tapes: RunTapes, asset: str, kind: str, band: float) -> pl.DataFrame:
    """Depth through time: ``ns``, ``bid_usd``, ``ask_usd``, ``usd``; summed over venues of a kind.

    Moments without any quotes of the asset are zeros, if others were looked at then.
    """
    rows = tapes.table("depth")
    if not rows.height:
        return pl.DataFrame(schema={"ns": pl.Int64, "usd": pl.Float64})
    moments = rows.select("ns").unique()
    ours = rows.filter(
        pl.col("asset") == asset, (pl.col("band") - band).abs() < 1e-9,
        pl.col("is_spot") == (kind == "spot"),
    )  # fmt: skip
    if not ours.height:
        return pl.DataFrame(schema={"ns": pl.Int64, "usd": pl.Float64})
    sides = pl.col("bid_usd", "ask_usd")
    sums = ours.group_by("ns").agg(sides.sum())
    return (
        moments.join(sums, on="ns", how="left").with_columns(sides.fill_null(0.0))
        .with_columns(usd=pl.col("bid_usd") + pl.col("ask_usd")).sort("ns")
    )  # fmt: skip


def _depth(asset: str, kind: str, band: float, path: pl.DataFrame) -> Depth:
    first, last = path["ns"][0], path["ns"][-1]
    before = path.filter(pl.col("ns") < first + HOUR_NS)["usd"].median()
    after = path.filter(pl.col("ns") > last - HOUR_NS)["usd"].median()
    five = 5 * MINUTE_NS
    means = path.group_by(pl.col("ns") // five * five, maintain_order=True).agg(
        pl.col("usd").mean()
    )
    least = means[int(means["usd"].arg_min() or 0)]
    return Depth(
        asset, kind, band, _number(before), least["usd"][0], int(least["ns"][0]), _number(after)
    )


def gaps(tapes: RunTapes) -> tuple[Gap, ...]:
    """The widest gap between venues by asset; assets traded at one venue only are left out."""
    seconds = (tapes.end_ns - tapes.start_ns) // 1_000_000_000
    found = []
    for asset in tapes.assets:
        try:
            bars = liquidity.dispersion(
                tapes.true, at=tapes.end_ns, window=f"{seconds}s", asset=asset
            )
        except NotRecorded:
            continue
        widest = bars.sort("gap", "ts", descending=[True, False]).row(0, named=True)
        at_ns = int(bars.filter(pl.col("ts") == widest["ts"])["ts"].cast(pl.Int64)[0])
        found.append(
            Gap(asset, widest["gap"], at_ns, str(widest["low_venue"]), str(widest["high_venue"]))
        )
    return tuple(found)


def interest_path(tapes: RunTapes, asset: str | None = None) -> pl.DataFrame:
    """Open interest through time: ``ns``, ``usd``, summed over venues; of all assets for None."""
    rows = tapes.table("open_interest")
    if asset is not None:
        rows = rows.filter(pl.col("asset") == asset)
    return rows.group_by("ns").agg(pl.col("usd").sum()).sort("ns")


def interests(tapes: RunTapes) -> tuple[OpenInterest, ...]:
    """Open interest at the start and the end: of all (``ALL``), then by asset."""
    found = []
    for asset in (None, *tapes.assets):
        path = interest_path(tapes, asset)
        if path.height:
            start, end = path["usd"][0], path["usd"][-1]
            found.append(OpenInterest(asset or "ALL", start, end, end / start - 1))
    return tuple(found)


def funding_rows(tapes: RunTapes) -> pl.DataFrame:
    """Settlements with their rate per eight hours: ``ns, venue, symbol, asset, rate_8h``."""
    rows = tapes.table("funding").filter(pl.col("interval_hours").is_not_null())
    return rows.with_columns(rate_8h=pl.col("rate") * 8 / pl.col("interval_hours")).sort(
        "ns", "venue", "symbol"
    )


def funding_extremes(tapes: RunTapes) -> tuple[Funding, ...]:
    """The lowest and the highest settlement; empty without any."""
    rows = funding_rows(tapes)
    if not rows.height:
        return ()
    places = (rows["rate_8h"].arg_min(), rows["rate_8h"].arg_max())
    picked = [rows.row(int(place or 0), named=True) for place in places]
    return tuple(Funding(row["venue"], row["symbol"], row["ns"], row["rate_8h"]) for row in picked)


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))
