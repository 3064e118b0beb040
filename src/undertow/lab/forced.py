"""Forced closings of a run as the tables of a tape: `liquidations` and `accounts`."""

from __future__ import annotations

import numpy as np
import polars as pl

from undertow.agents.observation import Place
from undertow.lab.market import Market, Rows
from undertow.model import codes
from undertow.model.periods import interval_name

# Events that close somebody's position, and what a tape calls the stage.
_CLOSINGS = (codes.FILL, codes.TAKEOVER, codes.DELEVERAGED)


def frames(markets: list[Market], place: Place, interval_ns: int) -> dict[str, pl.DataFrame]:
    """All forced closings of a run: one row per liquidation order, takeover or deleveraging.

    The side is that of the position which was closed; of a deleveraging that of the winner, whose
    account the row names. Where a customer lost his position straight to winners, without a fund
    in between, that is a takeover, too.
    The price of an order is the mean of its fills. Stage ``full`` means that the order found
    buyers for all that it had to close, ``partial`` that something was left.
    """
    closed, counted = [], []
    for number, market in enumerate(markets):
        if not market.forced:
            continue
        sizes = [len(block) for block in market.forced]
        ts_ns = np.repeat(market.forced_ns, sizes)
        block = np.repeat(np.arange(len(sizes)), sizes)
        rows = np.concatenate(market.forced)
        closed.append(_closings(market, place.venues[number], rows, ts_ns, block))
        counted.append(_accounts(place.venues[number], rows, ts_ns, place.start_ns, interval_ns))
    found = {}
    if closed:
        found["liquidations"] = pl.concat(closed).sort("ts", maintain_order=True)
        found["accounts"] = pl.concat(counted).sort("ts", maintain_order=True)
    return found


def _closings(market: Market, venue: str, rows: Rows, ts_ns: Rows, block: Rows) -> pl.DataFrame:
    is_closing = np.isin(rows["kind"], _CLOSINGS)
    rows, ts_ns, block = rows[is_closing], ts_ns[is_closing], block[is_closing]
    # A deleveraging has two accounts: first the loser, mostly the fund, then the winner.
    straight = (rows["kind"] == codes.DELEVERAGED) & (rows["account"] >= codes.FIRST_CUSTOMER)
    number = np.repeat(np.arange(len(rows)), 1 + straight)
    is_loser = np.diff(number, prepend=-1) == 0
    rows, ts_ns, block = rows[number], ts_ns[number], block[number]
    instrument = rows["instrument"].astype(np.int64)
    kind = np.where(is_loser, codes.TAKEOVER, rows["kind"]).astype(np.int64)
    is_winner = kind == codes.DELEVERAGED
    # A forced order sells what was long; other events tell the side of the (loser's) position.
    is_short = ((rows["side"] == codes.BUY) == (kind == codes.FILL)) ^ is_winner
    account = np.where(is_winner, rows["maker_account"], rows["account"]).astype(np.int64)
    lots = rows["quantity_lots"]
    frame = pl.DataFrame({
        "ts": ts_ns, "block": block, "kind": kind, "instrument": instrument,
        "account": account, "is_short": is_short,
        "quantity": lots * market.listings.lot[instrument],
        "value": rows["price_ticks"] * market.listings.tick[instrument] * lots,
        "lots": lots, "usd": market.usd(instrument, rows["price_ticks"], lots),
        "left": rows["leaves_lots"],
    })  # fmt: skip
    orders = frame.group_by(
        "ts", "block", "kind", "instrument", "account", "is_short", maintain_order=True
    ).agg(
        pl.col("quantity", "usd", "value", "lots").sum(), pl.col("left").last(),
    )  # fmt: skip
    stage = (
        pl.when(pl.col("kind") == codes.TAKEOVER).then(pl.lit("takeover"))
        .when(pl.col("kind") == codes.DELEVERAGED).then(pl.lit("adl"))
        .when(pl.col("left") > 0).then(pl.lit("partial"))
        .otherwise(pl.lit("full"))
    )  # fmt: skip
    symbols = pl.Series(market.listings.symbols)
    return orders.select(
        ts=pl.col("ts").cast(pl.Datetime("ns", "UTC")),
        venue=pl.lit(venue),
        symbol=symbols.gather(orders["instrument"]),
        side=pl.when("is_short").then(pl.lit("short")).otherwise(pl.lit("long")),
        price=pl.col("value") / pl.col("lots"),
        quantity="quantity",
        usd="usd",
        stage=stage,
        account="account",
    )


def _accounts(venue: str, rows: Rows, ts_ns: Rows, start_ns: int, interval_ns: int) -> pl.DataFrame:
    """How many accounts were liquidated in each interval; each counts once in an interval."""
    judged = rows["kind"] == codes.LIQUIDATION
    bars = (ts_ns[judged] - start_ns) // interval_ns
    return (
        pl.DataFrame({"bar": bars, "account": rows["account"][judged].astype(np.int64)})
        .group_by("bar").agg(liquidated=pl.col("account").n_unique()).sort("bar")
        .select(
            ts=(start_ns + pl.col("bar") * interval_ns).cast(pl.Datetime("ns", "UTC")),
            venue=pl.lit(venue), interval=pl.lit(interval_name(interval_ns)),
            liquidated=pl.col("liquidated").cast(pl.Int64),
        )
    )  # fmt: skip
