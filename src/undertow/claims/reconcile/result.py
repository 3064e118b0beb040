"""What reconciliation answers: statements with verdicts, groups, series, checks."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from undertow.claims.claim import Claim
from undertow.claims.reconcile.ranges import Range, allowed

Verdict = Literal[
    "consistent", "explained", "contradicted", "unsupported", "forecast", "cannot be checked"
]
CheckVerdict = Literal["ok", "contradiction", "implied", "different base", "scale error"]


class Evidence(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that a figure was held against.

    Attributes
    ----------
    kind
        tape, series, source or arithmetic.
    text
        What it says, as a sentence.
    by
        What moved the verdict: as-of, window, rounding, scope, threshold, label, scale, ...
    value, start, end
        The value found, and when (UTC), where there is one.
    low, high
        The interval of the value, where it has one.
    verdict
        What this alone says; empty where it only adds to the picture.
    """

    kind: str
    text: str
    by: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    start: str | None = None
    end: str | None = None
    verdict: str = ""


class Statement(msgspec.Struct, kw_only=True):
    """One claim as reconciliation sees it.

    Attributes
    ----------
    id
        ``A2.7``: seventh claim of the second article; ``F0446``: a figure of the library.
    publisher, published
        Who printed it, and when as far as known.
    family, subject, aspect
        What it is about: ``liquidations`` of ``ALL``, ``long``; ``price`` of ``BTC``, ``low``.
    scope
        ``all``, ``perps`` or the name of a venue.
    window
        1h, 24h, 7d, ... or None where the text names none.
    span
        Start and end (ns UTC) of the time that it can be about; None if unknown.
    episode
        Name of the crash that it belongs to, or None.
    context
        The sentence around it, and the one before.
    off_by
        Its distance from the best estimate, as a fraction of that.
    copy_of
        Publisher of the text that this one's text is a copy of; None where it is its own.
    is_repeated
        Whether that original has the figure as well: then it counts once, for the original.
    is_asked
        Whether it is only held against others: it carries no curve and no best estimate.
    """

    id: str
    claim: Claim
    publisher: str
    published: str | None = None
    family: str = "other"
    subject: str = ""
    aspect: str = ""
    scope: str = "all"
    window: str | None = None
    span: tuple[int, int] | None = None
    episode: str | None = None
    context: str = ""
    before: str = ""
    verdict: Verdict = "cannot be checked"
    evidence: list[Evidence] = msgspec.field(default_factory=list)
    off_by: float | None = None
    same_as: str | None = None
    url: str | None = None
    copy_of: str | None = None
    is_repeated: bool = False
    is_asked: bool = False

    @property
    def origin(self) -> str:
        """The independent source: all copies of a text are one."""
        return (self.copy_of or self.publisher).casefold()

    @property
    def value(self) -> float:
        """The figure; the middle of a range."""
        claim = self.claim
        if claim.value is not None:
            return claim.value
        return ((claim.value_low or 0.0) + (claim.value_high or 0.0)) / 2

    @property
    def allowed(self) -> Range:
        """The values that it stands for."""
        claim = self.claim
        if claim.value is None and claim.value_low is not None and claim.value_high is not None:
            return Range(claim.value_low, claim.value_high)
        return allowed(self.value, claim.qualifier, claim.unit)

    @property
    def in_library(self) -> bool:
        """Whether it is a figure of the library, not of an article that was given."""
        return self.id.startswith("F")

    def say(self, verdict: Verdict, evidence: Evidence) -> None:
        """Add evidence; the graver verdict stays."""
        self.evidence.append(msgspec.structs.replace(evidence, verdict=verdict))
        if _GRAVITY[verdict] > _GRAVITY[self.verdict]:
            self.verdict = verdict

    def as_json(self) -> dict[str, Any]:
        """Everything that a page needs."""
        return {
            "id": self.id,
            "publisher": self.publisher,
            "published": self.published,
            "subject": self.subject,
            "aspect": self.aspect,
            "scope": self.scope,
            "verdict": self.verdict,
            "off_by": self.off_by,
            "evidence": [msgspec.to_builtins(item) for item in self.evidence],
            "same_as": self.same_as,
            "copy_of": self.copy_of,
            "url": self.url,
            "claim": self.claim.as_json(),
        }


_GRAVITY: dict[Verdict, int] = {
    "cannot be checked": 0,
    "unsupported": 1,
    "consistent": 2,
    "explained": 3,
    "forecast": 4,
    "contradicted": 5,
}


class Point(msgspec.Struct, kw_only=True, frozen=True):
    """A reported figure on its rolling series.

    Attributes
    ----------
    fit
        on the curve, time inferred, earlier snapshot, or off the curve.
    """

    statement: str
    publisher: str
    at: str
    value: float
    fit: str


class Series(msgspec.Struct, kw_only=True, frozen=True):
    """A rolling figure as it was seen at several times: dots, and the line through them."""

    aspect: str
    unit: str
    line: list[tuple[str, float]]
    points: list[Point]


class Estimate(msgspec.Struct, kw_only=True, frozen=True):
    """The best estimate of a quantity with what speaks for it.

    Attributes
    ----------
    window, scope, day
        What tells it from others of the same aspect; None and ``all`` where nothing does.
    statements
        The claims that it is an estimate for.
    """

    aspect: str
    unit: str | None
    value: float
    low: float
    high: float
    as_of: str | None
    why: str
    sources: list[str]
    window: str | None = None
    scope: str = "all"
    day: str | None = None
    statements: list[str] = msgspec.field(default_factory=list)

    @property
    def label(self) -> str:
        """What it is an estimate of: ``both``, ``both in 4h``, ``change of perpetuals``."""
        words = [self.aspect]
        if self.scope != "all":
            words.append("of perpetuals" if self.scope == "perps" else f"on {self.scope}")
        if self.window:
            words.append(self.window if " " in self.window else f"in {self.window}")
        if self.day:
            words.append(f"of {self.day}")
        return " ".join(words)


class Check(msgspec.Struct, kw_only=True, frozen=True):
    """One piece of arithmetic.

    Attributes
    ----------
    kind
        product, sum, parts, balance, change, share, amount, window, scale, proceeds.
    expression, computed, stated
        The sum with its numbers, its result, and what was printed (None where it only implies).
    verdict
        ok, contradiction, implied, different base, scale error.
    operands, statements
        The numbers that went in, and the claims they come from.
    """

    kind: str
    expression: str
    computed: float
    stated: float | None
    verdict: str
    note: str
    operands: list[float]
    statements: list[str]
    publishers: list[str]


class Group(msgspec.Struct, kw_only=True):
    """Claims about one quantity: its strands, series, best estimates and what is in dispute."""

    id: str
    family: str
    subject: str
    scope: str
    episode: str | None
    title: str
    statements: list[Statement]
    relation: str = ""
    explained_by: list[str] = msgspec.field(default_factory=list)
    conflicts: list[str] = msgspec.field(default_factory=list)
    series: list[Series] = msgspec.field(default_factory=list)
    best: list[Estimate] = msgspec.field(default_factory=list)

    def best_for(self, statement: Statement) -> Estimate | None:
        """The best estimate of what a statement is about."""
        unit = statement.claim.unit or ""
        return next(
            (e for e in self.best if (e.unit or "") == unit and statement.id in e.statements), None
        )

    def as_json(self) -> dict[str, Any]:
        """Everything that a page needs."""
        shown = ("id", "family", "subject", "scope", "episode", "title", "relation")
        return {
            **{name: getattr(self, name) for name in shown},
            "explained_by": self.explained_by,
            "conflicts": self.conflicts,
            "best": [msgspec.to_builtins(item) for item in self.best],
            "series": [msgspec.to_builtins(item) for item in self.series],
            "statements": [item.as_json() for item in self.statements],
        }


class Copy(msgspec.Struct, kw_only=True, frozen=True):
    """A text that is another's, by their publishers, and what tells it."""

    copy: str
    original: str
    why: str


class Reconciliation(msgspec.Struct, kw_only=True):
    """Groups of claims, the arithmetic between them, and which tape they were held against.

    ``copies`` are the texts that count as one source with another.
    """

    groups: list[Group]
    checks: list[Check]
    tape: str | None
    copies: list[Copy] = msgspec.field(default_factory=list)

    @property
    def statements(self) -> list[Statement]:
        """All claims, in the order of their groups."""
        return [item for group in self.groups for item in group.statements]

    def counts(self) -> dict[str, int]:
        """How many claims of the articles have which verdict."""
        given = [item.verdict for item in self.statements if not item.in_library]
        return {verdict: given.count(verdict) for verdict in _GRAVITY if verdict in given}

    def as_json(self) -> dict[str, Any]:
        """Everything that a page needs."""
        return {
            "tape": self.tape,
            "verdicts": self.counts(),
            "copies": [msgspec.to_builtins(copy) for copy in self.copies],
            "groups": [group.as_json() for group in self.groups],
            "checks": [msgspec.to_builtins(check) for check in self.checks],
        }
