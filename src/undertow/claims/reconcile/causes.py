"""Verdicts on causes: the order of events, and what the cause alone would have brought about.

A cause with a size in dollars (outflows, sales, forced closings) is held against the move by the
price impact of such a flow. For any other the tape cannot say what would have been without it:
the return after it is compared with that of other days, and no verdict goes beyond the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from undertow.claims.reconcile.cause_events import (
    SURE,
    Named,
    Study,
    event_of,
    recorded_events,
    study,
)
from undertow.claims.reconcile.cause_flows import (
    Flow,
    Impact,
    IsOne,
    figures_for,
    flow_elsewhere,
    fund_flow,
    impact_of,
    is_fund_flow,
    told_flow,
)
from undertow.claims.reconcile.cause_funds import Beside, beside
from undertow.claims.reconcile.cause_moves import Effect, Move, effect_of, parts_of, placed
from undertow.claims.reconcile.result import Evidence, Statement, Verdict
from undertow.claims.reconcile.tape_prices import TapePrices, clock
from undertow.measures.as_of import DAY_NS
from undertow.model.periods import time_text
from undertow.tape import Tape

T = TypeVar("T")
Judged = list[tuple[Verdict, Evidence]]

# Assumed: below half of a move a flow is not what made it, even at the high end.
_NOT_ENOUGH = 0.5


class Causes:
    """Judges causal claims on one tape; what many of them need is measured once."""

    def __init__(self, statements: Sequence[Statement], tape: Tape, prices: TapePrices) -> None:
        """``statements`` are all that are known: they may give the size of a cause."""
        self._tape, self._prices, self._statements = tape, prices, statements
        self._texts: dict[str, list[Statement]] = {}
        for item in statements:
            self._texts.setdefault(item.id.split(".")[0], []).append(item)
        self._events = recorded_events(tape)
        self._known: dict[tuple[object, ...], Any] = {}

    def judge(self, item: Statement) -> Judged:
        """What order and counterfactual say of a claim; empty where neither can be asked."""
        parts, own_text = parts_of(item), self._texts[item.id.split(".")[0]]
        told = effect_of(item, parts, own_text)
        move = self._move(told, item.span) if told is not None and item.span is not None else None
        if move is None:
            return []
        is_one = figures_for(parts)
        if is_one is not None:
            flow = told_flow(item, parts, own_text, move, is_one)
            flow = flow or self._flow_without_figure(item, move, is_one)
            if flow is not None:
                return self._by_flow(flow, move)
        event = event_of(parts, move, self._events)
        return [] if event is None else _by_event(event, move, study(event, move))

    def _move(self, told: Effect, span: tuple[int, int]) -> Move | None:
        """The move on the tape, with the percentage that the text prints."""
        prices = self._prices
        key = ("move", told.coin, told.is_fall, span)
        move = self._once(key, lambda: placed(told.coin, span, prices, is_fall=told.is_fall))
        if move is None or told.percent is None:
            return move
        return move._replace(percent=told.percent, printed=True)

    def _flow_without_figure(self, item: Statement, move: Move, is_one: IsOne) -> Flow | None:
        """From the tape, else from other texts."""
        key, tape = (move.coin, move.start_ns, move.end_ns, move.percent > 0), self._tape
        flow = None
        if is_one is is_fund_flow:
            flow = self._once(("funds", *key), lambda: fund_flow(move, tape))
        return flow or self._once(
            ("elsewhere", is_one, item.episode, *key),
            lambda: flow_elsewhere(item.episode, self._statements, move, is_one),
        )

    def _by_flow(self, flow: Flow, move: Move) -> Judged:
        """The order, the counterfactual and, for funds, what went with such flows."""
        key, prices, tape = (move.coin, move.start_ns), self._prices, self._tape
        judged = _by_flow(flow, move, self._once(("law", *key), lambda: impact_of(move, prices)))
        if flow.is_fund:
            found = self._once(("beside", *key), lambda: beside(move, tape))
            judged += _beside(flow, move, found)
        return judged

    def _once(self, key: tuple[object, ...], measure: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = measure()
        found: T = self._known[key]
        return found


def _by_flow(flow: Flow, move: Move, impact: Impact | None) -> Judged:
    moved = _moved(move)
    if flow.span is not None and flow.span[0] >= move.end_ns:
        text = f"{flow.name} came on {clock(flow.span[0])[:10]}, when {moved} was over"
        return [("contradicted", _evidence(text, "order", move))]
    if flow.usd * move.percent < 0:
        way = "bought" if flow.usd > 0 else "sold"
        text = f"{flow.name}: {way}, which makes no {move.word}; {moved}"
        return [("contradicted", _evidence(text, "direction", move))]
    order = _evidence(f"{_when(flow, move)}; {moved}", "order", move)
    if impact is None:
        text = f"{flow.name}: the tape has too few days of volume to tell what that moves"
        return [("cannot be checked", order),
                ("cannot be checked", _evidence(text, "counterfactual", move))]  # fmt: skip
    verdict, counterfactual = _counterfactual(flow, move, impact)
    return [("cannot be checked", order), (verdict, counterfactual)]


def _when(flow: Flow, move: Move) -> str:
    if flow.span is None:
        return "no time is known of the flow, so its order is not"
    if flow.span[1] <= move.start_ns:
        return "the flow came before"
    return "the flow is of the same time, so that either can have come first"


def _counterfactual(flow: Flow, move: Move, impact: Impact) -> tuple[Verdict, Evidence]:
    """How much of the move the flow explains, and what that makes of the claim."""
    size, expected = abs(move.percent), impact.percent(flow.usd)
    low, middle, high = (100 * value / size for value in expected)
    verdict: Verdict
    if high < 100 * _NOT_ENOUGH:
        verdict, told = "unsupported", "not enough by itself"
    elif middle >= 100 * _NOT_ENOUGH and high >= 100:
        verdict, told = "consistent", "it could account for it"
    else:
        verdict, told = "explained", "it can be a part of it"
    one, _, three = expected
    text = (
        f"{flow.name} would move {move.coin} by {one:.2g} to {three:.2g} % (square-root law"
        f" on the {impact.days} days before), if all of it fell into those hours:"
        f" {low:.0f} to {high:.0f} % of the {move.word} of {size:.3g} %: {told}"
    )
    if "forced" in flow.name:
        text += "; forced closings follow a move as well as deepen it"
    return verdict, _evidence(text, "counterfactual", move, value=expected.middle,
                              low=one, high=three)  # fmt: skip


def _beside(flow: Flow, move: Move, found: Beside | None) -> Judged:
    """What the price did on other days with such flows of funds: no cause, but a bound to one."""
    if found is None:
        return []
    low, middle, high = found.percent(flow.usd)
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
