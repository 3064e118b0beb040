"""One sentence held against the library and a tape."""

from __future__ import annotations

from typing import Any

import msgspec

from undertow.claims.article import Article
from undertow.claims.claim import Claim
from undertow.claims.extract import extract
from undertow.claims.reconcile import Group, Source, Statement, reconcile
from undertow.errors import UndertowError
from undertow.measures.as_of import DAY_NS, as_of_span
from undertow.model.periods import time_ns
from undertow.tape import Tape

PUBLISHER = "the sentence"


class Checked(msgspec.Struct, kw_only=True, frozen=True):
    """What was said, with verdicts: each statement and the group that it was held against."""

    sentence: str
    at: str
    tape: str | None
    statements: list[tuple[Statement, Group]]

    def as_json(self) -> dict[str, Any]:
        """Verdict, evidence and best estimate of each figure, and its series."""
        return {
            "sentence": self.sentence,
            "at": self.at,
            "tape": self.tape,
            "figures": [_as_json(statement, group) for statement, group in self.statements],
        }


def _as_json(statement: Statement, group: Group) -> dict[str, Any]:
    same = (statement.aspect, statement.claim.unit)
    best = group.best_for(statement)
    return {
        **statement.as_json(),
        "family": statement.family,
        "quantity": group.title,
        "best_estimate": msgspec.to_builtins(best) if best is not None else _measured(statement),
        "series": [
            msgspec.to_builtins(item) for item in group.series if (item.aspect, item.unit) == same
        ],
        "compared_with": [item.id for item in group.statements if item is not statement],
    }


def _measured(statement: Statement) -> dict[str, Any] | None:
    """What the tape says, where a figure of a moment was measured."""
    for item in statement.evidence:
        if item.kind == "tape" and item.value is not None:
            return {"value": item.value, "unit": statement.claim.unit, "why": item.text}
    return None


def check_sentence(
    sentence: str, at: str, *, tape: Tape | None = None, tape_name: str | None = None
) -> Checked:
    """Hold the figures of one sentence against what was published and measured.

    Parameters
    ----------
    sentence
        Any sentence with a figure: "1.37 billion liquidated in 24h".
    at
        When it was said (ISO-8601, no zone means UTC): a day or a time. A figure without a date of
        its own is taken to be about then.

    Raises
    ------
    UndertowError
        When the time is none, or no figure is found in the sentence.
    """
    time_ns(at)
    claims = [_dated(claim, at) for claim in extract(Article(text=sentence, published=at))]
    source = Source(publisher=PUBLISHER, published=at, text=sentence, claims=claims, is_asked=True)
    answer = reconcile([source], tape=tape, tape_name=tape_name)
    found = [
        (item, group) for group in answer.groups for item in group.statements if not item.in_library
    ]
    if not found:
        raise UndertowError(
            f"no figure found in {sentence[:80]!r}: expected one such as"
            " '1.37 billion liquidated in 24h'"
        )
    return Checked(sentence=sentence, at=at, tape=tape_name, statements=found)


def _dated(claim: Claim, at: str) -> Claim:
    """The claim at the moment of saying, unless it names a day of its own."""
    own, said = as_of_span(claim.as_of), as_of_span(at)
    if own is None or (said is not None and own[0] - DAY_NS < said[0] < own[1] + DAY_NS):
        is_its_day = own is not None and said is not None and not own[0] <= said[0] < own[1]
        return claim if is_its_day else msgspec.structs.replace(claim, as_of=at)
    return claim
