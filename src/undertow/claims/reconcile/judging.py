"""Verdicts: each statement against the series, the other sources and the tape."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from undertow.claims.reconcile import rolling
from undertow.claims.reconcile.by_value import ByValue
from undertow.claims.reconcile.causes import Causes
from undertow.claims.reconcile.grouping import strands
from undertow.claims.reconcile.in_words import judge_in_words
from undertow.claims.reconcile.making_checks import are_together
from undertow.claims.reconcile.plausible import impossible, is_explained, nearest_known, usable
from undertow.claims.reconcile.ranges import cut_off, shown
from undertow.claims.reconcile.result import Evidence, Group, Statement, Verdict
from undertow.claims.reconcile.subjects import LASTING
from undertow.claims.reconcile.tape_changes import judge_change
from undertow.claims.reconcile.tape_others import judge_other
from undertow.claims.reconcile.tape_prices import TapePrices, judge_price
from undertow.measures.as_of import DAY_NS, HOUR_NS, is_exact
from undertow.model.periods import time_ns, time_text
from undertow.tape import Tape

_ROLLING = ("liquidations", "traders liquidated")
# Assumed: figures of one quantity that differ by less were taken from the same place.
SAME = 0.01
_HOUR = re.compile(r"(?<!\d )(?<!\d-)\bhour\b", re.IGNORECASE)  # not "24-hour"
CLOSE = 0.05
_WITHIN_A_DAY = ("1h", "4h", "12h")
_ABOVE_PEAK = 1.1  # assumed: trackers differ by no more


def judge_group(
    group: Group,
    tape: Tape | None,
    prices: TapePrices | None,
    causes: Causes | None,
    everything: Sequence[Statement] = (),
) -> None:
    """Verdict and evidence for each statement of a group; its series where there is one.

    ``everything`` are all statements: a part is held against the whole market, too.
    """
    if group.family in ("other", "timeline"):
        return
    if group.family == "in words":
        for item in group.statements:
            judge_in_words(item, tape, causes)
        return
    if group.family == "outlook":
        for item in group.statements:
            _outlook(item, prices)
        return
    for (aspect, unit), items in strands(group).items():
        is_rolling = group.family in _ROLLING and unit in ("USD", "count")
        if is_rolling and _judge_rolling(group, aspect, items):
            for item in items:
                _beside_the_library(item, items, everything)
        else:
            # Exposures to one failure: who is exposed is named differently from text to text.
            others = ByValue(group.statements if group.family == "exposure" else items)
            for item in items:
                near = others.near(item.value)
                if item.is_asked and group.family == "price" and unit == "USD":
                    near = _prices(group)  # "fell to": the low, or where it stood
                _against_others(item, near, everything)
        for item in items:
            _against_tape(item, tape, prices)


def _prices(group: Group) -> list[Statement]:
    """All prices of a group in dollars, whatever they are called."""
    return [item for item in group.statements if item.claim.unit == "USD"]


def _outlook(item: Statement, prices: TapePrices | None) -> None:
    """What was expected is no fact: it is scored when the tape reaches that far."""
    if item.claim.kind in ("historical", "index") or item.claim.metric == "seasonal_return":
        text = "an average of past years, not a figure of this event"
        item.say("cannot be checked", Evidence(kind="source", text=text, by="kind"))
        return
    text = "a level or forecast, not a fact; never held against facts"
    item.say("forecast", Evidence(kind="source", text=text, by="kind"))
    if prices is None or item.span is None or item.claim.unit != "USD" or not item.claim.value:
        return
    later = (item.span[1], item.span[1] + 7 * DAY_NS)
    for market in prices.of(item.subject, later)[:1]:
        part = market.between(*later)
        inside = (market.low[part] <= item.value) & (market.high[part] >= item.value)
        until = time_text(int(market.end[part][-1]))[:10]
        word = "traded at" if inside.any() else "did not trade at"
        text = f"{market.name} {word} {shown(item.value)} from then to {until}"
        item.evidence.append(Evidence(kind="tape", text=text, by="later"))


def _judge_rolling(group: Group, aspect: str, items: Sequence[Statement]) -> bool:
    """Place the 24h figures on one curve; False where too few are known to the hour."""
    unit = items[0].claim.unit
    on_curve = [item for item in items if item.window in ("24h", "day", None)]
    others = [item for item in items if item not in on_curve]
    found = rolling.fit([item for item in on_curve if item.same_as is None])
    if found is None:
        return False
    curve, fits = found
    group.series.append(rolling.series(aspect, curve, fits))
    for fit in fits:
        _say_fit(fit, curve, unit)
    for item in others:
        _other_window(item, curve, unit)
    for item in on_curve:
        if not item.evidence and item.same_as is None:
            item.say("cannot be checked", Evidence(kind="series", text="no time is known", by=""))
    return True


def _say_fit(fit: rolling.Fit, curve: rolling.Curve, unit: str | None) -> None:
    item, at = fit.statement, time_text(fit.at_ns)
    stood = curve.at(fit.at_ns)
    value = shown(item.value, unit)
    if item.is_asked and (told := rolling.out_of_reach(item, curve)):
        item.say(told.verdict, Evidence(kind="series", text=told.text, by="as-of", value=stood,
                                        start=at))  # fmt: skip
    elif fit.fit == "on the curve":
        text = f"{value} is the rolling figure of {at}"
        item.say("consistent", Evidence(kind="series", text=text, by="as-of", value=stood,
                                        start=at))  # fmt: skip
    elif fit.fit == "time inferred":
        text = f"{value} fits the rolling figure at about {at}; the text gives no time"
        if curve.first_ns < fit.at_ns < curve.last_ns:
            text = f"{value} fits the rolling figure ({shown(stood, unit)} at about {at})"
        item.say("explained", Evidence(kind="series", text=text, by="as-of", value=stood,
                                       start=at))  # fmt: skip
    elif item.span is not None:
        low = min(curve.at(n) for n in (item.span[0], sum(item.span) // 2, item.span[1]))
        text = f"at that time the rolling figure was {shown(low, unit)} or more"
        if fit.fit == "earlier snapshot" and stood >= 0.97 * float(curve.values.max()):
            text = f"{value}: the peak of the rolling figure ({at}), told later"
            item.say("explained", Evidence(kind="series", text=text, by="as-of", value=stood,
                                           start=at))  # fmt: skip
            return
        if fit.fit == "earlier snapshot":
            text = f"stale: {value} last held at about {at}; {text}"
            by = "as-of"
        else:
            text = f"{value} is off the rolling figure: {shown(stood, unit)} at {at}"
            by = "value"
        is_loose = item.span[1] - item.span[0] > 3 * DAY_NS
        item.say("explained" if is_loose else "contradicted",
                 Evidence(kind="series", text=text, by=by, value=stood, start=at))  # fmt: skip
    if item.window is None and _HOUR.search(f"{item.before} {item.context}"):
        text = "no window is given; read with the hour in the text it would be wrong, as the 24h"
        text += " total it fits"
        item.say("explained", Evidence(kind="series", text=text, by="window"))


def _other_window(item: Statement, curve: rolling.Curve, unit: str | None) -> None:
    """A figure that names another window than 24h."""
    known = [(at, value) for at, value in curve.line() if item.allowed.holds(value, SAME)]
    if item.window in ("1h", "4h") and known:
        text = (
            f"{shown(item.value, unit)} is the total of 24h (reported at {known[0][0]}),"
            f" not of {item.window}"
        )
        item.say("contradicted", Evidence(kind="series", text=text, by="window"))
    elif item.window in _WITHIN_A_DAY and item.value > float(curve.values.max()) * _ABOVE_PEAK:
        text = f"more in {item.window} than ever in 24h: {shown(float(curve.values.max()), unit)}"
        item.say("contradicted", Evidence(kind="series", text=text, by="window"))
    elif item.value <= float(curve.values.max()) * 1.02:
        text = f"window {item.window}: not the rolling 24h, and not above its peak"
        verdict: Verdict = "unsupported" if item.is_asked else "explained"
        item.say(verdict, Evidence(kind="series", text=text, by="window"))
    else:
        text = f"window {item.window}: above the peak of 24h, {shown(float(curve.values.max()))}"
        item.say("unsupported", Evidence(kind="series", text=text, by="window"))


def _beside_the_library(
    item: Statement, items: Sequence[Statement], everything: Sequence[Statement]
) -> None:
    """A text's figure on a rolling series that it helped to draw, against the library's."""
    if item.in_library or item.verdict == "contradicted":
        return
    known = usable([other for other in items if other.in_library and other.same_as != item.id])
    if against := impossible(item, known, everything):
        item.say("contradicted", against)


def _against_others(
    item: Statement, items: Sequence[Statement], everything: Sequence[Statement]
) -> None:
    """Agreement with other publishers; a lone figure is unsupported."""
    others = [
        other
        for other in items
        if other.origin != item.origin and other.same_as != item.id and not other.is_asked
    ]
    if not item.in_library:
        others = usable(others)
    agreeing = [other for other in others if other.allowed.meets(item.allowed, SAME)]
    if item.family not in LASTING:
        agreeing = [other for other in agreeing if are_together(item, other)]
    if not item.in_library and not any(other.in_library for other in agreeing):
        # Two texts with one impossible figure do not make it possible.
        known = [other for other in others if other.in_library or not agreeing]
        if against := impossible(item, known, everything):
            item.say("contradicted", against)
            return
    if agreeing:
        names = ", ".join(list(dict.fromkeys(other.publisher for other in agreeing))[:3])
        count = len({other.origin for other in agreeing})
        text = f"{count} {'other agrees' if count == 1 else 'others agree'}: {names}"
        item.say("consistent", Evidence(kind="source", text=text, by="agreement"))
        _note_rounding(item, agreeing)
        return
    if not others:
        text = "no other source has this figure"
        item.say("unsupported", Evidence(kind="source", text=text, by=""))
        return
    if not item.in_library and not is_explained(item, others):
        text = f"{nearest_known(item, others)}: too far off for another time or scope"
        item.say("unsupported", Evidence(kind="source", text=text, by="value"))
        return
    nearest = min(others, key=lambda other: abs(other.value - item.value))
    text = f"{nearest.publisher}: {shown(nearest.value, nearest.claim.unit)}"
    cut = cut_off(item.value, nearest.value) or cut_off(nearest.value, item.value)
    if cut:
        item.say("explained", Evidence(kind="source", text=f"{text}, {cut}", by="rounding"))
    elif not are_together(item, nearest):
        item.say("explained", Evidence(kind="source", text=f"{text} at another time", by="as-of"))
    elif nearest.window != item.window:
        text += f" for {nearest.window or 'a window not named'}"
        item.say("explained", Evidence(kind="source", text=text, by="window"))
    elif (nearest.claim.venue or "") != (item.claim.venue or ""):
        text += f" ({nearest.claim.venue or 'no venue named'})"
        item.say("explained", Evidence(kind="source", text=text, by="scope"))
    else:
        item.say("unsupported", Evidence(kind="source", text=f"nearest: {text}", by="value"))


def _note_rounding(item: Statement, agreeing: Sequence[Statement]) -> None:
    for other in agreeing:
        how = cut_off(item.value, other.value)
        if how:
            text = f"{shown(other.value, other.claim.unit)} of {other.publisher}, {how}"
            item.evidence.append(Evidence(kind="source", text=text, by="rounding"))
            return


def _against_tape(item: Statement, tape: Tape | None, prices: TapePrices | None) -> None:
    if tape is None:
        return
    if item.family == "price" and prices is not None:
        found = judge_price(item, prices) or judge_change(item, prices, _companion(item, prices))
    else:
        found = judge_other(item, tape)
    if found is None:
        return
    verdict, evidence = found
    is_later = evidence.start and item.span and time_ns(evidence.start) >= item.span[1] + HOUR_NS
    if item.is_asked and verdict == "explained" and is_later and item.span and is_exact(item.span):
        text = f"{evidence.text}: later than it was said"
        verdict, evidence = "contradicted", msgspec.structs.replace(evidence, text=text)
    # What was measured outweighs what others printed, and nothing what cannot be.
    is_absurd = verdict == "unsupported" and item.verdict == "contradicted"
    item.verdict = "contradicted" if is_absurd else verdict
    item.evidence.insert(0, msgspec.structs.replace(evidence, verdict=verdict))


def _companion(item: Statement, prices: TapePrices) -> Statement | None:
    """The price that stands in the same sentence as a change."""
    if item.claim.unit != "pct" or not item.context:
        return None
    for other in prices.statements:
        is_price = other.aspect == "spot" and other.claim.unit == "USD"
        if is_price and other.context == item.context and other.subject == item.subject:
            return other
    return None
