"""Statements without a figure: superlatives checked on the data, causes by the order of events.

"Lowest since June" is checked by when the price was last so low; "first time below 100,000 in six
months" by when it was last below; "strongest month" by the mean and the median of all months. A
cause is never proven here: what is said is which recorded events came before.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from undertow.claims.reconcile.causes import Causes
from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.errors import NotRecorded
from undertow.measures import seasonality
from undertow.measures.as_of import DAY_NS
from undertow.measures.bars import bars
from undertow.model.periods import SECOND_NS, time_text
from undertow.tape import Tape
from undertow.tape.frames import TIME

_BACK_NS = 400 * DAY_NS
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
            "nine": 9, "ten": 10, "twelve": 12, "a": 1, "an": 1, "one": 1}  # fmt: skip
_LENGTHS = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}
_SINCE = re.compile(r"\bsince (?:(late|mid|early)[- ])?(" + "|".join(_MONTHS) + r")\b", re.I)
_IN = re.compile(
    r"\bin (?:about |over |nearly |almost |more than |the past )?(\d+|"
    + "|".join(_NUMBERS)
    + r") (day|week|month|year)s?\b",
    re.IGNORECASE,
)
_LOWEST = re.compile(r"\b(lowest|least|first|low)\b", re.IGNORECASE)
_OTHER_KIND = re.compile(r"\b(liquidat\w*|delever\w*|waves?|worst|outflow\w*)\b", re.IGNORECASE)
_MONTH = re.compile(r"\b(best|strongest|worst|weakest) month\b", re.IGNORECASE)
_LEVEL = re.compile(r"(?:under|below|beneath|sub-)\s*(?:the )?\$?\s?([\d,.]+)(k)?", re.IGNORECASE)
_PRICE = re.compile(r"\$\s?([\d,.]+)(k)?", re.IGNORECASE)
_COINS = (("bitcoin", "BTC"), ("btc", "BTC"), ("ether", "ETH"), ("eth", "ETH"), ("solana", "SOL"))
# Assumed: "in six months" may be a quarter more or less.
_LOOSE = 0.25
# Assumed: causes are looked for in the two days before.
_CAUSES_NS = 2 * DAY_NS


def judge_in_words(item: Statement, tape: Tape | None, causes: Causes | None) -> None:
    """Verdict and evidence of a superlative or a cause."""
    nothing = Evidence(kind="source", text=_why_not(item, tape), by="kind")
    if tape is None or item.span is None:
        item.say("cannot be checked", nothing)
        return
    words = item.claim.span
    if item.claim.kind == "causal" and causes is not None:
        judged = causes.judge(item)
        for verdict, evidence in judged:
            item.say(verdict, evidence)
        if judged:
            return
    try:
        if item.claim.kind == "causal":
            found = _before(tape, item.span[1])
        elif _MONTH.search(words):
            found = _month(item, tape, item.span[1])
        elif _LOWEST.search(words) and not _OTHER_KIND.search(words):
            found = _lowest(item, tape, item.span)
        else:
            found = None
    except NotRecorded:
        found = None
    item.say(*(found or ("cannot be checked", nothing)))


def _why_not(item: Statement, tape: Tape | None) -> str:
    """What is missing where nothing can be said."""
    if item.span is None:
        return "the text has no date, so that its words are of no known time"
    return "there is no tape of that time" if tape is None else "no data on this tape can tell"


def _before(tape: Tape, until_ns: int) -> tuple[Verdict, Evidence] | None:
    """Recorded events of the two days before: an order, no proof."""
    rows = tape.until(until_ns).slice(until_ns - _CAUSES_NS).table("events").sort("ts").collect()
    if rows.is_empty():
        return None
    told = [f"{row['ts']:%m-%d %H:%M} {row['title']}" for row in rows.iter_rows(named=True)]
    text = f"a cause is not proven by order; recorded before: {'; '.join(told[-4:])}"
    return "cannot be checked", Evidence(kind="tape", text=text, by="order")


def _month(item: Statement, tape: Tape, at_ns: int) -> tuple[Verdict, Evidence]:
    """The best (worst) calendar month by mean, and whether the median agrees."""
    found = seasonality.month_summary(tape, at=at_ns, asset=_coin(item))
    is_best = re.search(r"best|strongest", item.claim.span, re.IGNORECASE) is not None
    named = [n for n, name in enumerate(_MONTHS, 1) if name in item.context.lower()]
    month = named[0] if named else datetime.fromtimestamp(at_ns / SECOND_NS, UTC).month
    by_mean, by_median = (
        int(found.sort(column, descending=is_best)["month"][0]) for column in ("mean", "median")
    )
    row = found.filter(pl.col("month") == month).row(0, named=True)
    without = row["mean_without_best"]
    text = (
        f"{_MONTHS[month - 1].title()} {row['first_year']} to {row['last_year']}: mean"
        f" {row['mean']:+.0%}, median {row['median']:+.0%}"
        + (f", mean without {row['best_year']} {without:+.0%}" if without is not None else "")
        + f"; first by mean: {_MONTHS[by_mean - 1].title()}, by median:"
        f" {_MONTHS[by_median - 1].title()}"
    )
    # A mean over other years can rank otherwise: that explains, and does not contradict.
    verdict: Verdict = "consistent" if month == by_mean == by_median else "explained"
    return verdict, Evidence(kind="tape", text=text, by="definition", value=row["mean"])


def _lowest(item: Statement, tape: Tape, span: tuple[int, int]) -> tuple[Verdict, Evidence] | None:
    """When the market was last so low before, against what the words claim."""
    claimed = _claimed(item, span)
    if claimed is None:
        return None
    if (
        re.search(r"\b(fear|greed|sentiment)\b", item.context, re.IGNORECASE)
        and "$" not in item.context
    ):
        times, values = _index(tape, span)
        names = "the index"
    else:
        times, values = _lows(tape, span, _coin(item))
        names = _coin(item)
    inside = (times >= span[0] - DAY_NS) & (times < span[1])
    if not inside.any():
        return None
    level = _level(item) or float(values[inside].min())
    earlier = np.flatnonzero((times < span[0] - 2 * DAY_NS) & (values <= level))
    what = f"{names} at {shown(level)} or below"
    if not len(earlier):
        text = f"{what}: not before, as far as the tape reaches ({time_text(int(times[0]))[:10]})"
        verdict: Verdict = "contradicted" if claimed[0] > _day(int(times[0])) else "unsupported"
        return verdict, Evidence(kind="tape", text=text, by="date")
    last = int(times[earlier[-1]])
    text = f"{what}: last on {time_text(last)[:10]}"
    is_right = claimed[0] <= _day(last) <= claimed[1]
    return "consistent" if is_right else "contradicted", Evidence(
        kind="tape", text=text, by="date", value=float(values[earlier[-1]]), start=time_text(last)
    )


def _claimed(item: Statement, span: tuple[int, int]) -> tuple[date, date] | None:
    """The days that "since late June" or "in six months" can mean."""
    text = f"{item.claim.span} {item.context[item.context.find(item.claim.span) :]}"
    today = _day(span[0])
    if match := _SINCE.search(text):
        month = _MONTHS.index(match[2].lower()) + 1
        year = today.year if month <= today.month else today.year - 1
        first = date(year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        part = (match[1] or "").lower()
        first = first.replace(day={"late": 16, "mid": 8}.get(part, 1))
        return first, last.replace(day={"early": 14, "mid": 23}.get(part, last.day))
    if match := _IN.search(text):
        count = _NUMBERS.get(match[1].lower()) or int(match[1])
        days = count * _LENGTHS[match[2].lower()]
        loose = max(days * _LOOSE, 2)
        return today - timedelta(days=days + loose), today - timedelta(days=days - loose)
    return None


def _level(item: Statement) -> float | None:
    """The level that is spoken of: the one below which it fell, else the price before the words.

    None where the sentence names none: then it is the low itself.
    """
    place = max(item.context.find(item.claim.span), 0)
    found = list(_LEVEL.finditer(item.context)) or list(_PRICE.finditer(item.context[:place]))
    if not found:
        return None
    digits, thousands = min(found, key=lambda match: abs(match.start() - place)).groups()
    number = float(digits.replace(",", "").rstrip(".") or 0)
    return number * 1000 if thousands else number


def _coin(item: Statement) -> str:
    if item.claim.asset not in (None, "ALL", "TOTAL"):
        return str(item.claim.asset)
    around = f"{item.context} {item.before}".lower()
    return next((coin for name, coin in _COINS if name in around), "BTC")


def _lows(tape: Tape, span: tuple[int, int], coin: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and lows of the market of a coin that reaches furthest back."""
    found = bars(tape, start=span[0] - _BACK_NS, at=span[1], kinds=("perp", "spot"))
    mine = found.filter(pl.col("asset") == coin).drop_nulls("low")
    if mine.is_empty():
        raise NotRecorded(f"candles of {coin}")
    first = mine.sort("ts").row(0, named=True)
    market = mine.filter(venue=first["venue"], symbol=first["symbol"]).sort("ts")
    return market["ts"].cast(pl.Int64).to_numpy(), market["low"].to_numpy()


def _index(tape: Tape, span: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows = (
        tape.until(span[1])
        .slice(span[0] - _BACK_NS)
        .table("sentiment")
        .filter(pl.col("index").cast(pl.String) == "fear_greed")
        .select(pl.col("ts").cast(TIME), "value")
        .collect()
        .sort("ts")
    )
    if rows.is_empty():
        raise NotRecorded("Fear & Greed")
    return rows["ts"].cast(pl.Int64).to_numpy(), rows["value"].to_numpy()


def _day(moment_ns: int) -> date:
    return datetime.fromtimestamp(moment_ns / SECOND_NS, UTC).date()
