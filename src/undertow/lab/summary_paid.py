"""Who paid for the positions that were closed by force, as far as a tape tells.

A tape has no margins and no entry prices. So a loss is counted from the run's first price: what
the position lost since then until it was closed. Of that, insurance funds paid what their cash
fell by, deleveraged winners what they gave up against the mark, and the traders the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from undertow.lab.summary_tapes import RunTapes, lengths_ns


@dataclass(frozen=True, slots=True)
class Paid:
    """Who paid at one venue, in dollars.

    Attributes
    ----------
    lost_usd
        What the positions closed by force lost from the run's first price until they were closed,
        those that gained taken off; at least 0. Received by the other side of the market.
    longs_usd, shorts_usd
        The part of it that was paid out of the margins of longs and of shorts: what is left after
        insurance and deleveraged winners. With takeovers, which are priced at bankruptcy, that is
        all their margin.
    insurance_usd
        Falls of the cash of the insurance fund (and vault), added up.
    winners_usd
        What winners gave up who were deleveraged at a price worse for them than the mark at the
        end of that interval of the record: an estimate.
    fund_income_usd
        Rises of the fund's cash, added up: fees, and what was left of margins taken over. Paid by
        those who were closed.
    """

    venue: str
    lost_usd: float
    longs_usd: float
    shorts_usd: float
    insurance_usd: float
    winners_usd: float
    fund_income_usd: float


def paid(tapes: RunTapes) -> tuple[Paid, ...]:
    """Who paid, by venue; venues where nothing was closed by force and no fund moved are left out.

    What a venue could not collect from anybody (bad debt) and what it took from everybody
    (socialised losses) is not on a tape: it is part of what the traders are said to have paid.
    """
    lost = _lost(tapes)
    moved = funds(tapes)
    given_up = _given_up(tapes)
    found = []
    for venue in sorted({*lost, *moved, *given_up}):
        sides = lost.get(venue, {})
        fund = moved.get(venue, Fund(venue, 0.0, 0.0, 0.0, 0.0))
        winners = given_up.get(venue, 0.0)
        longs, shorts = (max(0.0, sides.get(side, 0.0)) for side in ("long", "short"))
        total = longs + shorts
        own = max(0.0, total - fund.used_usd - winners)
        if total or fund.used_usd or fund.income_usd or winners:
            share = longs / total if total else 0.0
            found.append(
                Paid(venue, total, own * share, own * (1 - share), fund.used_usd, winners,
                     fund.income_usd)
            )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Fund:
    """The cash of a venue's insurance fund (and vault) over the run, in dollars.

    ``used_usd`` adds up its falls from one record to the next, ``income_usd`` its rises.
    """

    venue: str
    start_usd: float
    end_usd: float
    used_usd: float
    income_usd: float


def funds(tapes: RunTapes) -> dict[str, Fund]:
    """Insurance funds by venue, those that begin and end empty left out."""
    rows = tapes.table("insurance").sort("ns")
    if not rows.height:
        return {}
    change = pl.col("balance_usd").diff()
    ends = rows.group_by("venue", maintain_order=True).agg(
        start=pl.col("balance_usd").first(), end=pl.col("balance_usd").last(),
        used=-change.clip(upper_bound=0).sum(), income=change.clip(lower_bound=0).sum(),
        most=pl.col("balance_usd").abs().max(),
    )  # fmt: skip
    return {
        row["venue"]: Fund(row["venue"], row["start"], row["end"], row["used"], row["income"])
        for row in ends.filter(pl.col("most") > 0).iter_rows(named=True)
    }


def _lost(tapes: RunTapes) -> dict[str, dict[str, float]]:
    """Loss since the run's first mark, by venue and side, in dollars; gains are below 0."""
    start = _marks(tapes).group_by("venue", "symbol").agg(start=pl.col("mark_open").first())
    rows = tapes.closed.join(start, on=["venue", "symbol"], how="inner").with_columns(
        # usd is the value at the closing price; of inverse contracts that is a good approximation.
        lost=pl.col("usd") * (pl.col("start") / pl.col("price") - 1)
    )
    sign = pl.when(pl.col("side") == "short").then(-1).otherwise(1)
    sums = rows.group_by("venue", "side").agg((pl.col("lost") * sign).sum())
    found: dict[str, dict[str, float]] = {}
    for venue, side, usd in sums.iter_rows():
        found.setdefault(venue, {})[side] = usd
    return found


def _given_up(tapes: RunTapes) -> dict[str, float]:
    """What deleveraged winners gave up against the mark, by venue; at least 0."""
    rows = tapes.deleveraged.sort("ns")
    if not rows.height:
        return {}
    marks = _marks(tapes).select("venue", "symbol", "mark", end="ns").sort("end")
    joined = rows.join_asof(
        marks, left_on="ns", right_on="end", by=["venue", "symbol"], strategy="forward",
        check_sortedness=False,
    ).drop_nulls("mark")  # fmt: skip
    # A short that is closed above the mark gives up the difference, a long below it.
    sign = pl.when(pl.col("side") == "short").then(-1).otherwise(1)
    gap = sign * (pl.col("mark") / pl.col("price") - 1) * pl.col("usd")
    sums = joined.group_by("venue").agg(gap.sum().alias("usd"))
    return {venue: max(0.0, usd) for venue, usd in sums.iter_rows()}


def _marks(tapes: RunTapes) -> pl.DataFrame:
    """Marks by time of the end of their interval, with ``mark_open`` filled."""
    rows = tapes.table("marks")
    if not rows.height:
        return rows.with_columns(mark_open=pl.col("mark"))
    return rows.with_columns(
        ns=pl.col("ns") + lengths_ns(rows["interval"]),
        mark_open=pl.col("mark_open").fill_null(pl.col("mark")),
    ).sort("ns")
