"""Market values, dominance, funding and turnover on a tape, against what was printed.

Counters of whole markets differ by which coins they count, so these only say what cannot be: a
figure near the measured one is consistent, one far from it contradicted; between, others decide.
"""

from __future__ import annotations

import polars as pl

from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.measures import market
from undertow.measures.as_of import DAY_NS, is_exact
from undertow.measures.bars import bars
from undertow.model.periods import time_text
from undertow.tape import Tape

Found = tuple[Verdict, Evidence]

# Assumed: two counters of a market value differ by so much, and never by so much.
_CAP_NEAR, _CAP_FAR = 0.04, 0.35
# Assumed, in points of percent: the same of a share of the market.
_SHARE_NEAR, _SHARE_FAR = 2.0, 8.0
# Assumed, in points per 8 hours: rates round, and venues that no tape has pay more.
_RATE_NEAR, _RATE_FAR = 0.003, 0.2
# Assumed: all venues together trade up to so many times what those on the tape do.
_UNSEEN = 20.0
_HOURS_8, _HOURS_OF_YEAR = 8.0, 8760.0


def judge_market(statement: Statement, span: tuple[int, int], tape: Tape) -> Found | None:
    """A figure of a market as a whole against the tape; None where the tape leaves it open.

    Raises
    ------
    NotRecorded
        When the tape has nothing of the kind.
    """
    at_ns = (span[0] + span[1]) // 2 if is_exact(span) else span[1] - 1
    unit, family = statement.claim.unit, statement.family
    if family == "market cap" and unit == "USD" and statement.aspect == "level":
        return _value(statement, at_ns, tape)
    if family == "dominance" and unit == "pct":
        return _share(statement, at_ns, tape)
    if family == "funding rate" and unit in ("pct", "pct_annualized"):
        return _rate(statement, at_ns, tape)
    if family == "volume" and unit == "USD" and statement.window in ("24h", "day", None):
        return _turnover(statement, at_ns, tape)
    return None


def _said(text: str, value: float, verdict: Verdict, at_ns: int) -> Found:
    at = time_text(at_ns)
    return verdict, Evidence(kind="tape", text=text, by="value", value=value, start=at, end=at)


def _value(statement: Statement, at_ns: int, tape: Tape) -> Found | None:
    """The value of one coin, or of all that the tape's snapshots list."""
    if statement.subject == "TOTAL":
        total = market.total(tape, at=at_ns)
        value, what = total.cap_usd, f"{total.coins} coins were"
    else:
        coins = market.capitalisation(tape, at=at_ns)
        own = coins.filter(pl.col("asset") == statement.subject.upper()).head(1)
        if own.is_empty():
            return None
        value, what = float(own["cap_usd"].item()), f"{statement.subject} was"
    text = f"{what} worth {shown(value, 'USD')} at {time_text(at_ns)} (price x supply)"
    wanted = statement.allowed
    if wanted.holds(value, _CAP_NEAR):
        return _said(text, value, "consistent", at_ns)
    if not value / (1 + _CAP_FAR) <= statement.value <= value * (1 + _CAP_FAR):
        return _said(text, value, "contradicted", at_ns)
    return None


def _share(statement: Statement, at_ns: int, tape: Tape) -> Found | None:
    """The share of a coin in the value of all that the snapshots list."""
    found = market.dominance(tape, at=at_ns, asset=statement.subject)
    value = 100 * found.share
    text = f"the share of {found.asset} in the coins listed was {value:.1f} %"
    away = abs(statement.value - value)
    if away <= _SHARE_NEAR:
        return _said(text, value, "consistent", at_ns)
    return _said(text, value, "contradicted", at_ns) if away > _SHARE_FAR else None


def _rate(statement: Statement, at_ns: int, tape: Tape) -> Found | None:
    """Between the lowest and the highest rate that the venues paid in the day before."""
    rates = (
        tape.until(at_ns)
        .slice(at_ns - DAY_NS)
        .table("funding")
        .select("venue", "symbol", "rate", "interval_hours")
        .collect()
        .filter(pl.col("symbol").cast(pl.String).str.starts_with(statement.subject))
        .filter(pl.col("interval_hours").is_not_null())
    )
    if rates.is_empty():
        return None
    is_yearly = statement.claim.unit == "pct_annualized"
    hours = _HOURS_OF_YEAR if is_yearly else _HOURS_8
    percent = 100 * rates["rate"].to_numpy() / rates["interval_hours"].to_numpy() * hours
    scale = hours / _HOURS_8
    low, high = float(percent.min()), float(percent.max())
    span = "year" if is_yearly else "8 hours"
    text = (
        f"{statement.subject} funding of {rates['venue'].n_unique()} venues was between"
        f" {low:+.4f} % and {high:+.4f} % per {span} in the day before"
    )
    away = max(low - statement.value, statement.value - high, 0.0) / scale
    value = low if abs(statement.value - low) < abs(statement.value - high) else high
    if away <= _RATE_NEAR:
        return _said(text, value, "consistent", at_ns)
    return _said(text, value, "contradicted", at_ns) if away > _RATE_FAR else None


def _turnover(statement: Statement, at_ns: int, tape: Tape) -> Found | None:
    """What the venues on the tape traded is a part: neither more, nor beyond all measure more."""
    if statement.subject in ("ALL", "TOTAL"):
        return None
    found = bars(tape, start=at_ns - DAY_NS, at=at_ns, kinds=("perp", "spot"))
    mine = found.filter(pl.col("asset") == statement.subject).drop_nulls(["close", "volume"])
    if mine.is_empty():
        return None
    value = float((mine["close"] * mine["volume"]).sum())
    venues = mine["venue"].n_unique()
    text = f"{statement.subject} traded {shown(value, 'USD')} on the tape's {venues} venues in 24h"
    if statement.value > _UNSEEN * value:
        return _said(text, value, "contradicted", at_ns)
    return None
