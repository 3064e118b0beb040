"""What was closed by force: totals, shares, the largest orders, series over time.

All figures are in USD of the positions' value as the venue reports it, from the table
``liquidations``; ``side`` is the side of the closed position, empty where a source sums up both.
A row may sum up several orders: they all count, but it is no single order. A public feed may show
fewer orders than there were (Binance: one a second and symbol): totals are lower bounds then.

Rows of stage ``adl`` are positions of *winners*, closed because the loser's loss was too large.
The loser's own closing is a row already: adding both counts it twice. They are left out unless
``include_adl`` asks for them.

Windows are ``start <= ts < at``. A window that the recording does not touch raises
``NotRecorded``; a recorded window without rows is a true zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from undertow.errors import NotRecorded, UndertowError, nearest
from undertow.measures.bars import moment_ns, window_start_ns, with_asset
from undertow.measures.coverage import covered, covered_share
from undertow.measures.grouping import (
    group_totals,
    largest_rows,
    period_totals,
    rolling_totals,
)
from undertow.measures.leverage import open_interest
from undertow.model.periods import duration_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME, known_at
from undertow.tape.store import Moment

KEYS = ("asset", "symbol", "side", "venue")
_SHOWN = ("ts", "venue", "symbol", "side", "price", "quantity", "usd", "stage")


@dataclass(frozen=True)
class Counts:
    """Orders and accounts of a window; None: not recorded.

    Attributes
    ----------
    orders
        Orders of ``liquidations``.
    accounts
        Distinct accounts. From ``liquidations`` where rows name them: a lower bound when fewer
        ``orders_with_account`` than orders do. From the table ``accounts`` where a venue
        publishes counts: an upper bound, since one account may fall in several periods.
    accounts_from
        The table: "liquidations" or "accounts".
    orders_with_account
        Orders whose account is known.
    """

    orders: int | None
    accounts: int | None
    accounts_from: str | None = None
    orders_with_account: int = 0


def totals(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    by: Sequence[str] = ("asset", "side", "venue"),
    include_adl: bool = False,
) -> pl.DataFrame:
    """Value and number of forced closings in a window.

    Parameters
    ----------
    at
        End of the window, itself not included. None: the tape's own moment.
    by
        Any of asset, symbol, side, venue; none gives one row for all.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, ``usd`` (USD) and ``count`` (orders); largest first. Groups
        without a row are absent: their total is 0.

    Raises
    ------
    NotRecorded
        When the tape recorded no liquidations in the window.
    """
    _check_keys(by)
    at_ns = moment_ns(tape, at)
    frame = _rows(tape, window_start_ns(at_ns, window), at_ns, include_adl, _native(by))
    found = _by_asset(group_totals(frame, _native(by), size="orders"), by)
    return found.sort("usd", *by, descending=[True, *[False] * len(by)])


def long_share(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    by: Sequence[str] = (),
    include_adl: bool = False,
) -> pl.DataFrame:
    """Share of longs in the value of forced closings: longs / (longs + shorts).

    Closings whose side is not known are left out.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, ``long_usd``, ``short_usd`` (USD) and ``long_share`` (fraction;
        empty where both are 0); largest group first.

    Raises
    ------
    NotRecorded
        As ``totals``.
    """
    found = totals(tape, at=at, window=window, by=(*by, "side"), include_adl=include_adl)
    sides = [
        pl.col("usd").filter(pl.col("side") == side).sum().alias(f"{side}_usd")
        for side in ("long", "short")
    ]
    grouped = found.group_by(by, maintain_order=True).agg(sides) if by else found.select(sides)
    both = pl.col("long_usd") + pl.col("short_usd")
    fraction = pl.when(both > 0).then(pl.col("long_usd") / both)
    return grouped.with_columns(fraction.alias("long_share")).sort(
        both, *by, descending=[True, *[False] * len(by)]
    )


def largest(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    count: int = 20,
    include_adl: bool = False,
) -> pl.DataFrame:
    """The largest single forced orders in a window; rows that sum up several are none.

    Returns
    -------
    polars.DataFrame
        ``ts``, ``venue``, ``symbol``, ``side``, ``price`` (quote per base), ``quantity``
        (base), ``usd``, ``stage`` and ``asset``; largest first, of equal ones the earlier.

    Raises
    ------
    NotRecorded
        As ``totals``.
    """
    at_ns = moment_ns(tape, at)
    frame = _rows(tape, window_start_ns(at_ns, window), at_ns, include_adl, _SHOWN)
    if frame["orders"].null_count() < frame.height:
        frame = frame.filter(pl.col("orders").fill_null(1) == 1)
    rows = frame[largest_rows(frame["usd"].to_numpy(), count)].select(_SHOWN)
    words = pl.col("venue", "symbol", "side", "stage").cast(pl.String)
    return with_asset(rows.with_columns(words))


def hourly(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    by: Sequence[str] = ("asset",),
    step: str = "1h",
    include_adl: bool = False,
) -> pl.DataFrame:
    """Totals of a window by hour, or by another step: periods that do not overlap.

    Periods begin at whole steps of UTC. The first and the last are cut by the window.

    Returns
    -------
    polars.DataFrame
        ``ts`` (start of the period), the columns of ``by``, ``usd`` (USD), ``count`` (orders)
        and ``covered`` (share of the period that lies in the window and was recorded), by ts.
        A period and group without a row is absent: its total is 0 where the tape recorded.

    Raises
    ------
    NotRecorded
        As ``totals``.
    """
    _check_keys(by)
    at_ns, step_ns = moment_ns(tape, at), duration_ns(step)
    start_ns = window_start_ns(at_ns, window)
    frame = _rows(tape, start_ns, at_ns, include_adl, ["ts", *_native(by)])
    found = _by_asset(period_totals(frame, step_ns, _native(by), size="orders"), by)
    begin_ns = pl.col("period") * step_ns
    spans_ns = tape.slice(start_ns, at_ns).recorded_ns("liquidations")
    return found.select(
        begin_ns.cast(TIME).alias("ts"),
        *by,
        "usd",
        "count",
        covered_share(spans_ns, begin_ns, begin_ns + step_ns).alias("covered"),
    ).sort("ts", *by)


def rolling(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    step: str = "5m",
    span: str = "24h",
    by: Sequence[str] = (),
    include_adl: bool = False,
) -> pl.DataFrame:
    """Totals of the last ``window``, looked at again every ``step``, as trackers show them.

    Parameters
    ----------
    step
        Distance of the moments, the last of which is ``at``. The window must be a whole number
        of steps.
    span
        How far back from ``at`` the series goes.

    Returns
    -------
    polars.DataFrame
        ``ts`` (end of the window, not included in it), the columns of ``by``, ``usd`` (USD;
        rounding: 1e-9 of the largest sum of the series), ``count`` (orders) and ``covered``
        (share of the window that was recorded), by ts. Every group that occurs at all has a row
        at every moment; a moment whose window was not recorded at all is absent.

    Raises
    ------
    NotRecorded
        When the tape recorded no liquidations in any of the windows.
    UndertowError
        When the window is not a whole number of steps.
    """
    _check_keys(by)
    at_ns, step_ns, window_ns = moment_ns(tape, at), duration_ns(step), duration_ns(window)
    if window_ns % step_ns:
        raise UndertowError(f"step {step!r}: expected one that divides the window {window!r}")
    moments = duration_ns(span) // step_ns + 1
    start_ns = at_ns - window_ns - (moments - 1) * step_ns
    frame = _rows(tape, start_ns, at_ns, include_adl, ["ts", *_native(by)])
    cells = period_totals(frame, step_ns, _native(by), origin_ns=start_ns, size="orders")
    sums = rolling_totals(_by_asset(cells, by), by, window_ns // step_ns, moments)
    end_ns = start_ns + window_ns + pl.col("moment") * step_ns
    spans_ns = tape.recorded_ns("liquidations")
    return (
        sums.select(
            end_ns.cast(TIME).alias("ts"),
            *by,
            "usd",
            "count",
            covered_share(spans_ns, end_ns - window_ns, end_ns).alias("covered"),
        )
        .filter(pl.col("covered") > 0)
        .sort("ts", *by)
    )


def orders_and_accounts(
    tape: Tape, *, at: Moment | None = None, window: str = "24h", include_adl: bool = False
) -> Counts:
    """How many orders closed positions by force, and how many accounts they belonged to.

    Raises
    ------
    NotRecorded
        When the tape has neither orders nor counts of accounts in the window.
    """
    at_ns = moment_ns(tape, at)
    start_ns = window_start_ns(at_ns, window)
    published = _published_accounts(tape, start_ns, at_ns)
    try:
        frame = _rows(tape, start_ns, at_ns, include_adl, ["venue", "account"])
    except NotRecorded:
        if published is None:
            raise
        return Counts(None, published, "accounts")
    orders = _count_orders(frame)
    named = frame.drop_nulls("account")
    if published is not None:
        return Counts(orders, published, "accounts", _count_orders(named))
    if named.is_empty():
        return Counts(orders, None)
    accounts = named.select("venue", "account").n_unique()
    return Counts(orders, accounts, "liquidations", _count_orders(named))


def share_of_open_interest(
    tape: Tape,
    *,
    at: Moment | None = None,
    window: str = "24h",
    by: Sequence[str] = ("asset",),
    include_adl: bool = False,
) -> pl.DataFrame:
    """Value closed by force in a window over the open interest at its start.

    Only venues and assets count whose open interest was recorded at the start of the window;
    elsewhere the share is not known.

    Parameters
    ----------
    by
        Any of asset, venue; none gives one row for all.

    Returns
    -------
    polars.DataFrame
        The columns of ``by``, ``usd`` (USD closed), ``open_interest_usd`` (USD) and ``share``
        (fraction); largest share first.

    Raises
    ------
    NotRecorded
        When the tape has no liquidations in the window, or no open interest at its start.
    """
    _check_keys(by, ("asset", "venue"))
    at_ns = moment_ns(tape, at)
    market = ["venue", "asset"]
    closed = totals(tape, at=at_ns, window=window, by=market, include_adl=include_adl)
    found = open_interest(tape, at=window_start_ns(at_ns, window)).drop_nulls("usd")
    base = found.group_by(market).agg(pl.col("usd").sum().alias("open_interest_usd"))
    both = base.join(closed, on=market, how="left").fill_null(0)
    sums = [pl.col("usd").sum(), pl.col("open_interest_usd").sum()]
    grouped = both.group_by(by).agg(sums) if by else both.select(sums)
    return grouped.with_columns((pl.col("usd") / pl.col("open_interest_usd")).alias("share")).sort(
        "share", *by, descending=[True, *[False] * len(by)]
    )


def _check_keys(by: Sequence[str], valid: Sequence[str] = KEYS) -> None:
    for name in by:
        if name not in valid:
            raise UndertowError(f"no key '{name}' to group by{nearest(name, valid)}")


def _rows(
    tape: Tape, start_ns: int, end_ns: int, include_adl: bool, columns: Sequence[str]
) -> pl.DataFrame:
    """The window's rows; not copied where the tape lies in memory and has no ADL."""
    covered(tape, "liquidations", start_ns, end_ns)
    wanted = dict.fromkeys([*columns, "usd", "orders", "stage"])
    view = tape.until(end_ns).slice(start_ns, end_ns)
    frame = view.table("liquidations").select(*wanted).collect()
    if include_adl or frame["stage"].null_count() == frame.height:
        return frame
    is_adl = frame["stage"] == "adl"
    return frame.filter(~is_adl.fill_null(False)) if is_adl.any() else frame


def _count_orders(frame: pl.DataFrame) -> int:
    return int(frame["orders"].fill_null(1).sum())


def _native(by: Sequence[str]) -> list[str]:
    """The stored columns that the keys need: the asset comes from the symbol."""
    return list(dict.fromkeys("symbol" if name == "asset" else name for name in by))


def _by_asset(found: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Totals by symbol as totals by asset, where asset is asked for; keys become words.

    Names are mapped here, on a few thousand totals, rather than on millions of rows.
    """
    kept = [name for name in found.columns if name not in ("usd", "count", *_native(by))]
    found = found.with_columns(pl.col(_native(by)).cast(pl.String))
    if "asset" in by:
        found = with_asset(found)
    if "symbol" in by or "asset" not in by:
        return found.select(*kept, *by, "usd", "count")
    # Sorted first: sums of floats depend on their order, and that on the order of the codes.
    ordered = found.sort(*kept, *_native(by))
    sums = [pl.col("usd").sum(), pl.col("count").sum()]
    return ordered.group_by(*kept, *by, maintain_order=True).agg(sums)


def _published_accounts(tape: Tape, start_ns: int, end_ns: int) -> int | None:
    """Accounts from the table of that name, or None where it has no rows in the window.

    For each venue: counts over all symbols where it gives them, and the longest periods that fit.
    """
    length = pl.col("known") - pl.col("ts")
    rows = (
        tape.until(end_ns)
        .slice(start_ns, end_ns)
        .table("accounts")
        .drop_nulls("liquidated")
        .with_columns(known_at().alias("known"), pl.col("symbol").is_null().alias("is_whole"))
        .filter(length > 0)
        .filter(pl.col("is_whole") == pl.col("is_whole").any().over("venue"))
        .filter(length == length.max().over("venue", "symbol"))
        .collect()
    )
    return int(rows["liquidated"].sum()) if rows.height else None
