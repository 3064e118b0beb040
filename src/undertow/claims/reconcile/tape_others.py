"""Fund flows, sentiment and liquidations on a tape, against what was printed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.claims.reconcile.tape_market import judge_market
from undertow.errors import NotRecorded
from undertow.measures import flows, liquidations, sentiment
from undertow.measures.as_of import DAY_NS, is_exact
from undertow.model.periods import time_text
from undertow.tape import Tape

Found = tuple[Verdict, Evidence]

# Assumed: two counters of one day's fund flows differ by so much.
_FLOW_SLACK = 0.04
_PROVIDERS = 10  # ... and two makers of a Fear & Greed index by so many points
# A tape of liquidations that saw less than this share of a printed total covers other venues.
_COVERAGE = 0.5


def judge_other(statement: Statement, tape: Tape) -> Found | None:
    """A figure of another kind against the tape; None where that has nothing to say."""
    if statement.span is None or statement.claim.value is None:
        return None
    try:
        if statement.family == "etf flow":
            return _flow(statement, statement.span, tape)
        if statement.family == "fear greed":
            return _mood(statement, statement.span, tape)
        if statement.family == "liquidations" and statement.claim.unit == "USD":
            return _liquidated(statement, statement.span, tape)
        if not statement.in_library:  # the library's verdicts rest on its own figures
            return judge_market(statement, statement.span, tape)
    except NotRecorded:
        return None
    return None


def _flow(statement: Statement, span: tuple[int, int], tape: Tape) -> Found | None:
    """A day's flow, or the sum over the trading days that the window names."""
    days = flows.etf_by_day(tape, at=span[1] + 3 * DAY_NS, asset=statement.subject)
    moved = [(row["date"], row["usd"]) for row in days.iter_rows(named=True) if row["usd"]]
    count = _trading_days(statement.window)
    asked = datetime.fromtimestamp(span[0] // 1_000_000_000, UTC).date()
    sums = {day: total for day, _ in moved if (total := _sum_to(moved, day, count)) is not None}
    shifts = (0, -1, -2, -3, 1) if count == 1 else (0, -1, -2, -3, -4, -5, -6, 1)
    near = [asked + timedelta(days=shift) for shift in shifts]
    known = next((sums[day] for day in near if day in sums), None)
    if known is None:
        return None
    others = [n for n in (5, 4, 3, 2, 6) if n != count]
    for length in (count, *others):
        for day in near:
            total = _sum_to(moved, day, length)
            if total is not None and statement.allowed.holds(total, _FLOW_SLACK):
                is_asked = length == count and (day == asked or count > 1)
                text = f"fund flows of {_days(length)} to {day}: {shown(total, 'USD')}"
                by = "as-of" if length == count else "window"
                verdict: Verdict = "consistent" if is_asked else "explained"
                return verdict, Evidence(kind="tape", text=text, by=by, value=total,
                                         start=str(day), end=str(day))  # fmt: skip
    text = f"fund flows of {_days(count)} to {asked}: {shown(known, 'USD')}"
    return "contradicted", Evidence(kind="tape", text=text, by="value", value=known)


def _sum_to(moved: list[tuple[date, float]], day: date, count: int) -> float | None:
    """Sum over so many trading days, the last of which is the given day."""
    last = next((n for n, (known, _) in enumerate(moved) if known == day), None)
    if last is None or last + 1 < count:
        return None
    return sum(usd for _, usd in moved[last - count + 1 : last + 1])


def _days(count: int) -> str:
    return "the day" if count == 1 else f"{count} trading days"


def _trading_days(window: str | None) -> int:
    words = (window or "day").lower()
    if "week" in words or words == "7d":
        return 5
    return int(words[:-1]) if words[:-1].isdigit() and words.endswith("d") else 1


def _mood(statement: Statement, span: tuple[int, int], tape: Tape) -> Found | None:
    at_ns = span[0] if is_exact(span) else (span[0] + span[1]) // 2
    # Who asks about a moment cannot mean the index of the day after.
    shifts = (0, -1) if statement.is_asked and is_exact(span) else (0, -1, 1)
    moods = [sentiment.fear_greed(tape, at=at_ns + shift * DAY_NS) for shift in shifts]
    verdict: Verdict
    for mood, shift in zip(moods, shifts, strict=True):
        if mood.value == statement.value:
            text = f"the index stood at {mood.value:.0f}, published {time_text(mood.published_ns)}"
            verdict = "consistent" if shift == 0 else "explained"
            at = time_text(mood.published_ns)
            return verdict, Evidence(kind="tape", text=text, by="day", value=mood.value, start=at)
    text = f"the index stood at {moods[0].value:.0f}: another provider, or wrong"
    gap = abs(moods[0].value - statement.value)
    verdict = "explained" if gap <= _PROVIDERS else "contradicted"
    return verdict, Evidence(kind="tape", text=text, by="provider", value=moods[0].value)


def _liquidated(statement: Statement, span: tuple[int, int], tape: Tape) -> Found | None:
    """Forced closings on the tape up to the time; a feed is throttled, so it is a lower bound."""
    window = statement.window if statement.window in ("1h", "4h", "24h", "7d") else "24h"
    at_ns = (span[0] + span[1]) // 2 if is_exact(span) else span[1]
    found = liquidations.totals(tape, at=at_ns, window=window, by=("asset", "side"))
    total = sum(
        row["usd"]
        for row in found.iter_rows(named=True)
        if statement.subject in ("ALL", row["asset"]) and statement.aspect in ("both", row["side"])
    )
    text = f"the tape holds {shown(total, 'USD')} of forced closings in the {window} before"
    if total > statement.allowed.high * 1.05:
        return "contradicted", Evidence(kind="tape", text=text, by="value", value=total)
    if total >= _COVERAGE * statement.value:
        return "consistent", Evidence(kind="tape", text=text, by="coverage", value=total)
    return None
