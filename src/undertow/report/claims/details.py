"""What the page says of a claim: how it was read, verdict, evidence, best estimate."""

from __future__ import annotations

import re

from undertow.claims.reconcile import Estimate, Group, Statement
from undertow.claims.reconcile.ranges import shown
from undertow.report.claims.page import Detail, Proof

_LONG = re.compile(r"(?<![.,])\b[1-9]\d{4,}\b")
WORDS = {
    "=": "", ">": "more than ", "<": "less than ", "~": "about ", "near": "nearly ",
    "<=": "at most ", ">=": "at least ",
}  # fmt: skip


def detail(statement: Statement, group: Group) -> Detail:
    """A claim's card."""
    best = group.best_for(statement)
    order = sorted(statement.evidence, key=lambda item: item.verdict != statement.verdict)
    return Detail(
        id=statement.id,
        verdict=statement.verdict,
        reading=figure(statement),
        about=about(statement),
        facts=_facts(statement),
        proofs=[Proof(e.kind, e.by, grouped(e.text), e.verdict) for e in order],
        best="" if best is None else estimate_text(best),
        off="" if best is None else _off(statement),
    )


def reason(statement: Statement) -> str:
    """The evidence that made the verdict."""
    return "; ".join(e.text for e in statement.evidence if e.verdict == statement.verdict)


def grouped(text: str) -> str:
    """Long whole numbers with commas.

    Examples
    --------
    >>> grouped("1600000000/2000000000 = 80, 2025-11-04")
    '1,600,000,000/2,000,000,000 = 80, 2025-11-04'
    """
    return _LONG.sub(lambda match: f"{int(match[0]):,}", text)


def figure(statement: Statement) -> str:
    """The figure as it was understood: ``more than 1.3 billion USD``."""
    claim = statement.claim
    words = WORDS.get(claim.qualifier, f"{claim.qualifier} ")
    if claim.value is not None:
        return words + shown(claim.value, claim.unit)
    if claim.value_low is not None and claim.value_high is not None:
        return f"{shown(claim.value_low)} to {shown(claim.value_high, claim.unit)}"
    return f"“{claim.span}”"


def about(statement: Statement) -> str:
    """What of whom: ``whole market: liquidations (long)``."""
    subject = {"ALL": "whole market", "TOTAL": "whole market"}.get(
        statement.subject, statement.subject
    )
    aspect = "" if statement.aspect in ("", statement.family) else f" ({statement.aspect})"
    family = "statement in words" if statement.family == "other" else statement.family
    return f"{subject}: {family}{aspect}" if subject else f"{family}{aspect}"


def estimate_text(item: Estimate) -> str:
    """An estimate with its interval and its reason."""
    text = shown(item.value, item.unit)
    if item.low != item.high:
        text += f" ({shown(item.low, item.unit)} to {shown(item.high, item.unit)})"
    return f"{text}: {item.why}" if item.why else text


def _facts(statement: Statement) -> list[str]:
    claim = statement.claim
    facts = []
    if claim.window:
        facts.append(f"window {claim.window}")
    if claim.as_of:
        facts.append(f"as of {claim.as_of}")
    if claim.source:
        facts.append(f"according to {claim.source}")
    if statement.scope != "all":
        facts.append(f"scope: {statement.scope}")
    if claim.flags:
        facts.append(", ".join(claim.flags))
    # Elsewhere the note only names the phrases that decided, with their weights.
    if claim.note and "scale unclear" in claim.flags:
        facts.append(claim.note)
    return facts


def _off(statement: Statement) -> str:
    off = statement.off_by
    if off is None or abs(off) < 0.0005:
        return ""
    return f"{abs(off):.1%} {'above' if off > 0 else 'below'} the best estimate"
