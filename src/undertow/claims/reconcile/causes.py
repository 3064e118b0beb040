"""Verdicts on causes: the order of events, and what the cause alone would have brought about.

A cause with a size in dollars (outflows, sales, forced closings) is held against the move by the
price impact of such a flow. For any other the tape cannot say what would have been without it:
the return after it is compared with that of other days, and no verdict goes beyond the order.
"""

from __future__ import annotations

from collections.abc import Sequence

from undertow.claims.reconcile.cause_events import SURE, Named, Study, event_of, study
from undertow.claims.reconcile.cause_flows import (
    Expected,
    Flow,
    expected_move,
    flow_of,
)
from undertow.claims.reconcile.cause_funds import beside
from undertow.claims.reconcile.cause_moves import Move, move_of, parts_of
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.claims.reconcile.tape_prices import TapePrices, clock
from undertow.measures.as_of import DAY_NS
from undertow.model.periods import time_text
from undertow.tape import Tape

Judged = list[tuple[Verdict, Evidence]]

# Assumed: below half of a move a flow is not what made it, even at the high end.
_NOT_ENOUGH = 0.5


def judge_cause(
    item: Statement, statements: Sequence[Statement], tape: Tape | None, prices: TapePrices | None
) -> Judged:
    """What order and counterfactual say of a causal claim; empty where neither can be asked."""
    if prices is None:
        return []
    parts = parts_of(item)
    move = move_of(item, parts, statements, prices)
    if move is None:
        return []
    flow = flow_of(item, parts, statements, move, tape)
    if flow is not None:
        judged = _by_flow(flow, move, expected_move(flow, move, prices))
        return judged + (_beside(flow, move, tape) if flow.is_fund and tape is not None else [])
    event = event_of(parts, move, tape)
    return [] if event is None else _by_event(event, move, study(event, move))


def _by_flow(flow: Flow, move: Move, expected: Expected | None) -> Judged:
    moved = _moved(move)
    if flow.span is not None and flow.span[0] >= move.end_ns:
        text = f"{flow.name} came on {clock(flow.span[0])[:10]}, when {moved} was over"
        return [("contradicted", _evidence(text, "order", move))]
    if flow.usd * move.percent < 0:
        way = "bought" if flow.usd > 0 else "sold"
        text = f"{flow.name}: {way}, which makes no {move.word}; {moved}"
        return [("contradicted", _evidence(text, "direction", move))]
    order = _evidence(f"{_when(flow, move)}; {moved}", "order", move)
    if expected is None:
        text = f"{flow.name}: the tape has too few days of volume to tell what that moves"
        return [("cannot be checked", order),
                ("cannot be checked", _evidence(text, "counterfactual", move))]  # fmt: skip
    verdict, counterfactual = _counterfactual(flow, move, expected)
    return [("cannot be checked", order), (verdict, counterfactual)]


def _when(flow: Flow, move: Move) -> str:
    if flow.span is None:
        return "no time is known of the flow, so its order is not"
    if flow.span[1] <= move.start_ns:
        return "the flow came before"
    return "the flow is of the same time, so that either can have come first"


def _counterfactual(flow: Flow, move: Move, expected: Expected) -> tuple[Verdict, Evidence]:
    """How much of the move the flow explains, and what that makes of the claim."""
    size = abs(move.percent)
    low, middle, high = (100 * value / size for value in expected.percent)
    verdict: Verdict
    if high < 100 * _NOT_ENOUGH:
        verdict, told = "unsupported", "not enough by itself"
    elif middle >= 100 * _NOT_ENOUGH and high >= 100:
        verdict, told = "consistent", "it could account for it"
    else:
        verdict, told = "explained", "it can be a part of it"
    one, _, three = expected.percent
    text = (
        f"{flow.name} would move {move.coin} by {one:.2g} to {three:.2g} % (square-root law"
        f" on the {expected.days} days before), if all of it fell into those hours: {low:.0f} to"
        f" {high:.0f} % of the {move.word} of {size:.3g} %: {told}"
    )
    if "forced" in flow.name:
        text += "; forced closings follow a move as well as deepen it"
    return verdict, _evidence(text, "counterfactual", move, value=expected.percent.middle,
                              low=one, high=three)  # fmt: skip


def _beside(flow: Flow, move: Move, tape: Tape) -> Judged:
    """What the price did on other days with such flows of funds: no cause, but a bound to one."""
    found = beside(flow.usd, move, tape)
    if found is None:
        return []
    low, middle, high = found.percent
    text = (
        f"on {found.days} trading days before, a flow of that size went with {low:+.2g} to"
        f" {high:+.2g} % (95 %, least squares); that also holds news which moved both, and holders"
        " who followed the price"
    )
    evidence = _evidence(text, "association", move, value=middle, low=low, high=high)
    return [("cannot be checked", evidence)]


def _by_event(event: Named, move: Move, found: Study | None) -> Judged:
    name = f"'{event.title}' ({_time_of(event)})"
    if event.start_ns >= move.end_ns:
        verdict: Verdict = "contradicted" if event.shared >= SURE else "cannot be checked"
        text = f"{name} came after {_moved(move)}"
        return [(verdict, _evidence(text, "order", move))]
    if found is None:
        days = (move.start_ns - event.start_ns) / DAY_NS
        ahead = f"{days:.1f} days before" if days > 1 else "before"
        text = f"{name} came {ahead}; too few days on the tape to say what is usual after it"
        return [("cannot be checked", _evidence(text, "order", move))]
    text = (
        f"{name}: {move.coin} {found.percent:+.2f} % in the {found.hours}h after; in the same hours"
        f" of the {found.days} days before 95 % lay between {found.usual.low:+.2f} and"
        f" {found.usual.high:+.2f} %: {'unusual' if found.is_unusual else 'usual'}"
    )
    after_ns = event.start_ns + found.hours * DAY_NS // 24
    is_with_it = found.is_unusual and found.percent * move.percent > 0
    if after_ns < move.start_ns:
        days = (move.start_ns - event.start_ns) / DAY_NS
        verdict, told = "unsupported", f"{_moved(move)} began {days:.1f} days later"
    elif is_with_it:
        verdict, told = "cannot be checked", (
            "the order fits, but it cannot be separated from what else happened in those hours"
        )  # fmt: skip
    else:
        verdict, told = "unsupported", f"nothing in those hours speaks for it; {_moved(move)}"
    evidence = _evidence(f"{text}; {told}", "event study", move, value=found.percent,
                         low=found.usual.low, high=found.usual.high)  # fmt: skip
    return [(verdict, evidence)]


def _time_of(event: Named) -> str:
    at = time_text(event.start_ns)
    return at[:10] if event.precision == "day" else at[:16] + "Z"


def _moved(move: Move) -> str:
    printed = "printed" if move.printed else "on the tape"
    return (
        f"the {move.word} of {move.coin} ({move.percent:+.3g} %, {printed};"
        f" {clock(move.start_ns)} to {clock(move.end_ns)})"
    )


def _evidence(text: str, by: str, move: Move, *, value: float | None = None,
              low: float | None = None, high: float | None = None) -> Evidence:  # fmt: skip
    return Evidence(kind="tape", text=text, by=by, value=value, low=low, high=high,
                    start=time_text(move.start_ns), end=time_text(move.end_ns))  # fmt: skip
