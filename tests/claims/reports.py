"""Small articles for tests of reconciliation: sentences with the claims that they make."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import pytest

from undertow import cli
from undertow.claims.claim import Claim
from undertow.claims.reconcile import Check, Group, Reconciliation, Source, Statement, reconcile
from undertow.tape import Tape

DAY = "2031-05-06"  # no event of the library is near


def claim(span: str, value: float, metric: str = "liquidations", **fields: Any) -> Claim:
    """A claim with the usual fields of its metric; ``span`` must stand in the article's text."""
    usual: dict[str, Any] = {"unit": "USD", "asset": "ALL", "as_of": DAY}
    if metric == "liquidations":
        usual |= {"window": "24h", "side": "both"}
    return Claim(metric=metric, value=value, span=span, **{**usual, **fields})


def article(publisher: str, *claims: Claim, text: str = "", published: str = DAY) -> Source:
    """An article; without a text its claims stand in one sentence."""
    text = text or " and ".join(item.span for item in claims) + "."
    return Source(publisher=publisher, text=text, claims=claims, published=published)


def total(publisher: str, billions: float, as_of: str, **fields: Any) -> Source:
    """An article that reports one total of 24 hours at a known time."""
    text = f"${billions} billion"
    return article(publisher, claim(text, round(billions * 1e9), as_of=as_of, **fields))


def held(*sources: Source, tape: Tape | None = None) -> Reconciliation:
    """Reconciled without the library, so that every number is of the test."""
    return reconcile(sources, tape=tape, with_library=False)


def group_of(answer: Reconciliation, family: str, subject: str) -> Group:
    """The one group of a family and a subject."""
    found = [g for g in answer.groups if (g.family, g.subject) == (family, subject)]
    assert len(found) == 1, [(g.family, g.subject) for g in answer.groups]
    return found[0]


def said(answer: Reconciliation, publisher: str, number: int = 0) -> Statement:
    """A statement of a publisher, in the order of its text."""
    mine = [item for item in answer.statements if item.publisher == publisher]
    return sorted(mine, key=lambda item: int(item.id.split(".")[1]))[number]


def sums(answer: Reconciliation, kind: str) -> dict[str, Check]:
    """Checks of a kind by their expression."""
    return {check.expression: check for check in answer.checks if check.kind == kind}


class Ran(NamedTuple):
    """What a command left: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def undertow(capsys: pytest.CaptureFixture[str], *words: object) -> Ran:
    """The command in this process, which is far quicker than one of its own."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as exited:
        patch.setattr(sys, "argv", ["undertow", *[str(word) for word in words]])
        cli.main()
    assert isinstance(exited.value.code, int)
    printed = capsys.readouterr()
    return Ran(exited.value.code, printed.out, printed.err)
