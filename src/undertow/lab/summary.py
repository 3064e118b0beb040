"""A run in figures: what fell, what was closed by force, who saw it, who paid.

Everything is measured on the run's tapes. ``True`` totals are all forced closings, ``shown`` ones
those that public feeds would have let through; closings of winners (ADL) are in neither.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from undertow.lab import summary_market as market
from undertow.lab.collateral_use import CollateralUse
from undertow.lab.summary_market import Depth, Fall, Funding, Gap, OpenInterest
from undertow.lab.summary_paid import Fund, Paid, funds, paid
from undertow.lab.summary_shown import ShownShare, shown_shares
from undertow.lab.summary_tapes import RunTapes, run_tapes
from undertow.model.periods import time_text

if TYPE_CHECKING:
    from undertow.lab.run import Run

GIVEN = "real"  # the path of a run whose prices came from a tape
NOT_ON_TAPE = "bad debt and socialised losses: not recorded on a run's tape"


@dataclass(frozen=True, slots=True)
class Order:
    """All that one account lost in one symbol at one moment; ``usd`` is at the closing price."""

    at_ns: int
    venue: str
    symbol: str
    asset: str
    side: str
    usd: float
    price: float
    stage: str


@dataclass(frozen=True, slots=True)
class Closings:
    """Forced closings, in dollars.

    Attributes
    ----------
    long_share
        Longs over both, by value; None where nothing was closed.
    peak_day_usd, peak_day_ns
        The largest total of 24 hours, looked at every five minutes, and its end. A run shorter
        than 24 hours counts with all that it has.
    peak_bin_usd, peak_bin_ns
        The largest minute (or step, where that is longer), and its start.
    by_asset, by_venue, by_side
        The largest first.
    """

    total_usd: float
    long_share: float | None
    peak_day_usd: float
    peak_day_ns: int
    peak_bin_usd: float
    peak_bin_ns: int
    by_asset: dict[str, float]
    by_venue: dict[str, float]
    by_side: dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """The headline figures of one run; see the classes of its parts.

    Attributes
    ----------
    leader
        The asset whose fall stands for the market's.
    bin_s
        Length of what is called a minute.
    accounts
        Accounts that were liquidated, each once; None where the tape names none.
    adl_usd, adl_share
        Winners' positions closed, and that over all closed by force (None where nothing was).
    funds
        Insurance funds by venue.
    depth, gaps
        Depth by band, and the widest gaps between venues; empty where prices were given, since
        the makers that hold every venue at them are a device (`agents/path_maker.py`).
    collateral
        What coins beside cash did as margin, by venue and coin.
    not_recorded
        What a tape cannot tell.
    """

    run: str
    seed: int
    path: str
    start_ns: int
    end_ns: int
    bin_s: int
    leader: str
    falls: tuple[Fall, ...]
    true: Closings
    shown: Closings
    accounts: int | None
    largest: tuple[Order, ...]
    adl_usd: float
    adl_share: float | None
    funds: tuple[Fund, ...]
    paid: tuple[Paid, ...]
    open_interest: tuple[OpenInterest, ...]
    funding: tuple[Funding, ...]
    depth: tuple[Depth, ...]
    gaps: tuple[Gap, ...]
    shown_share: ShownShare | None
    shown_by_intensity: tuple[ShownShare, ...]
    collateral: tuple[CollateralUse, ...] = ()
    not_recorded: tuple[str, ...] = (NOT_ON_TAPE,)

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``low_ns`` is ``low_at`` as ISO-8601 UTC, NaN is null."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    def figures(self) -> dict[str, tuple[float, str]]:
        """The figures that runs are held against each other by: value and unit, by name."""
        return _figures(self)

    def fall(self, asset: str) -> Fall | None:
        """The fall of an asset, if the tape has its price."""
        return next((one for one in self.falls if one.asset == asset), None)


def tapes_of(run: Run) -> RunTapes:
    """The tapes of a run, ready to be measured."""
    return run_tapes(run.tape, run.shown, step_ns=run.scenario.step_ns)


def summary(
    run: Run, *, seed: int = 0, tapes: RunTapes | None = None, brief: bool = False
) -> Summary:
    """Measure a run.

    Parameters
    ----------
    seed
        Of the bootstrap of the shown share; the run's own dice are in the tape.
    tapes
        The run's, where they are at hand already.
    brief
        Leave out depth, gaps between venues and shares by intensity: for the many runs of which
        only a spread is wanted.

    Raises
    ------
    NotRecorded
        When the run's tape has no prices.
    """
    read = tapes or tapes_of(run)
    about = run.about
    found = measured(
        read, seed, run=str(about["id"]), run_seed=int(about["seed"]), path=str(about["path"]),
        brief=brief,
    )  # fmt: skip
    coins = tuple(CollateralUse(**one) for one in about.get("collateral", ()))
    return dataclasses.replace(found, collateral=coins)


def measured(
    tapes: RunTapes, seed: int, *, run: str, run_seed: int, path: str, brief: bool = False
) -> Summary:
    """The summary of tapes; ``run``, ``run_seed`` and ``path`` only say which run it is."""
    true, shown = _closings(tapes, tapes.closed), _closings(tapes, tapes.let_through)
    with_books = not brief and path != GIVEN
    adl = float(tapes.deleveraged["usd"].sum())
    overall, by_intensity = shown_shares(tapes, seed)
    return Summary(
        run=run, seed=run_seed, path=path, start_ns=tapes.start_ns, end_ns=tapes.end_ns,
        bin_s=tapes.bin_ns // 1_000_000_000, leader=tapes.leader, falls=market.falls(tapes),
        true=true, shown=shown, accounts=_accounts(tapes), largest=_largest(tapes),
        adl_usd=adl, adl_share=adl / true.total_usd if true.total_usd else None,
        funds=tuple(funds(tapes).values()), paid=paid(tapes),
        open_interest=market.interests(tapes), funding=market.funding_extremes(tapes),
        depth=market.depths(tapes) if with_books else (),
        gaps=market.gaps(tapes) if with_books else (),
        shown_share=overall, shown_by_intensity=() if brief else by_intensity,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantiles:
    """One figure over several runs.

    Attributes
    ----------
    low, middle, high
        The 10, 50 and 90 % quantiles over the runs that have the figure: ``runs`` of them.
    """

    name: str
    unit: str
    low: float
    middle: float
    high: float
    runs: int


def summaries(several: Sequence[Summary]) -> list[Quantiles]:
    """The spread of each headline figure over runs, in the order of the first run's figures."""
    told = [one.figures() for one in several]
    names = dict.fromkeys(name for one in told for name in one)
    found = []
    for name in names:
        known = [one[name] for one in told if name in one]
        values = np.array([value for value, _ in known if math.isfinite(value)])
        if len(values):
            low, middle, high = np.quantile(values, (0.1, 0.5, 0.9)).tolist()
            found.append(Quantiles(name, known[0][1], low, middle, high, len(values)))
    return found


def _closings(tapes: RunTapes, rows: pl.DataFrame) -> Closings:
    total = float(rows["usd"].sum())
    sides = _sums(rows, "side")
    days, bins = tapes.rolling_day(rows), tapes.binned(rows)
    peak = int(days["usd"].arg_max() or 0)
    wild = int(bins["usd"].arg_max() or 0)
    both = sides.get("long", 0.0) + sides.get("short", 0.0)
    return Closings(
        total_usd=total, long_share=sides.get("long", 0.0) / both if both else None,
        peak_day_usd=float(days["usd"][peak]), peak_day_ns=int(days["ns"][peak]),
        peak_bin_usd=float(bins["usd"][wild]) if bins.height else 0.0,
        peak_bin_ns=int(bins["ns"][wild]) if bins.height else tapes.start_ns,
        by_asset=_sums(rows, "asset"), by_venue=_sums(rows, "venue"), by_side=sides,
    )  # fmt: skip


def _sums(rows: pl.DataFrame, name: str) -> dict[str, float]:
    sums = rows.group_by(name).agg(pl.col("usd").sum())
    return dict(sums.sort("usd", name, descending=[True, False]).iter_rows())


def _accounts(tapes: RunTapes) -> int | None:
    """Accounts that something of was closed, by number, since a run's tape names them."""
    named = tapes.closed.drop_nulls("account")
    if tapes.closed.height and not named.height:
        return None
    return named.select("venue", "account").n_unique()


def _largest(tapes: RunTapes, count: int = 20) -> tuple[Order, ...]:
    order = ["usd", "ns", "venue", "symbol", "account"]
    rows = tapes.orders.sort(order, descending=[True, *[False] * 4]).head(count)
    fields = ("ns", "venue", "symbol", "asset", "side", "usd", "price", "stage")
    return tuple(Order(*row) for row in rows.select(fields).iter_rows())


def _figures(one: Summary) -> dict[str, tuple[float, str]]:
    nothing = float("nan")
    used = sum(fund.used_usd for fund in one.funds)
    found: dict[str, tuple[float, str]] = {}
    for fall in one.falls:
        found[f"{fall.asset}: fall to the low"] = (fall.fall, "share")
    leader = one.fall(one.leader)
    if leader is not None:
        rebound = nothing if leader.rebound is None else leader.rebound
        half = nothing if leader.half_recovery_s is None else leader.half_recovery_s / 3600
        found[f"{leader.asset}: share made good"] = (rebound, "share")
        found[f"{leader.asset}: hours to half recovery"] = (half, "hours")
    for name, closings in (("true", one.true), ("shown", one.shown)):
        found[f"liquidated, {name}"] = (closings.total_usd, "USD")
        found[f"largest 24 hours, {name}"] = (closings.peak_day_usd, "USD")
        found[f"largest minute, {name}"] = (closings.peak_bin_usd, "USD")
        share = nothing if closings.long_share is None else closings.long_share
        found[f"long share, {name}"] = (share, "share")
    for name, closings in (("true", one.true), ("shown", one.shown)):
        for asset, usd in closings.by_asset.items():
            found[f"{asset}: liquidated, {name}"] = (usd, "USD")
    if one.shown_share is not None:
        found["shown over true"] = (one.shown_share.share, "share")
    found["accounts liquidated"] = (nothing if one.accounts is None else one.accounts, "count")
    found["largest single closing"] = (one.largest[0].usd if one.largest else 0.0, "USD")
    found["deleveraged (ADL)"] = (one.adl_usd, "USD")
    for coin in one.collateral:
        found[f"closed because {coin.asset} is margin"] = (coin.because_usd, "USD")
        found[f"closed of those with {coin.asset} as margin"] = (coin.closed_usd, "USD")
    found["paid by insurance funds"] = (used, "USD")
    for interest in one.open_interest[:1]:
        found["open interest, change"] = (interest.change, "fraction")
    for gap in (gap for gap in one.gaps if gap.asset == one.leader):
        found[f"{gap.asset}: widest gap between venues"] = (gap.gap, "share")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key.replace("at_ns", "at").replace("_ns", "_at"): time_text(one)
            if key.endswith("_ns")
            else _plain(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
