"""The league table of sources: how many of their figures hold, with how sure one can be of that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from undertow.claims.reconcile import Statement
from undertow.report.page import Panel

JUDGED = ("consistent", "explained", "contradicted")
# Assumed: with fewer judged figures the 95 % interval of a share is wider than 0.4.
FEWEST = 10
COLUMNS = ["source", "from", "judged", *JUDGED, "holds", "95 % interval"]
_Z = 1.96  # 95 %, two-sided


@dataclass
class Standing:
    """A source's verdicts.

    Attributes
    ----------
    given
        Whether it is one of the articles, not only of the library.
    copy_of
        The source whose text it copies: figures that both have are counted there only.
    """

    publisher: str
    given: bool = False
    copy_of: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """Figures that something could be said of."""
        return sum(self.counts.get(verdict, 0) for verdict in JUDGED)

    @property
    def holds(self) -> float:
        """Share of the judged figures that are consistent or explained."""
        wrong = self.counts.get("contradicted", 0)
        return 1 - wrong / self.judged if self.judged else 0.0

    @property
    def too_few(self) -> bool:
        """Whether the counts are too small to judge the source."""
        return self.judged < FEWEST


def standings(statements: Sequence[Statement]) -> list[Standing]:
    """One per source; those with enough figures first, the best on top.

    A library figure that is a copy of an article's claim counts once, for the article; a figure of
    a copied text counts once, for the original.
    """
    found: dict[str, Standing] = {}
    for item in statements:
        if item.same_as is not None:
            continue
        standing = found.setdefault(item.publisher, Standing(item.publisher))
        standing.given = standing.given or not item.in_library
        standing.copy_of = standing.copy_of or item.copy_of
        if item.is_repeated:
            continue
        standing.counts[item.verdict] = standing.counts.get(item.verdict, 0) + 1
    known = [one for one in found.values() if one.judged or one.copy_of]
    return sorted(known, key=_rank)


def _rank(item: Standing) -> tuple[bool, float, int, str]:
    """The best on top; where there are too few figures, those with most of them."""
    return item.too_few, 0.0 if item.too_few else -item.holds, -item.judged, item.publisher


def interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, JASA 22:209), fractions; unrounded.

    Examples
    --------
    >>> low, high = interval(0.9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    spread = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    middle = share + _Z**2 / (2 * count)
    scale = 1 + _Z**2 / count
    return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)


def panels(statements: Sequence[Statement]) -> list[Panel]:
    """The articles and all sources with enough figures; the others folded away."""
    found = standings(statements)
    shown = [item for item in found if item.given or not item.too_few]
    others = [item for item in found if item not in shown]
    main = Panel(
        title="Sources by accuracy",
        wide=True,
        columns=COLUMNS,
        rows=[_row(item) for item in shown],
        numeric=(2, 3, 4, 5, 6),
        caption="“Holds” is consistent and explained together, over all figures that could be"
        f" judged. With fewer than {FEWEST} judged figures a source is marked as too few to judge."
        " Forecasts, and figures that nobody else has, are not counted. Texts that copy one another"
        " are one source: what a copy shares with its original counts there only. A source is not"
        " good or bad by one day.",
        missing="" if shown else "No figure of these texts could be judged.",
    )
    if not others:
        return [main]
    folded = f"{len(others)} more sources, each with fewer than {FEWEST} judged figures"
    rest = Panel(
        title="Too few to judge",
        wide=True,
        columns=COLUMNS,
        rows=[_row(item) for item in others],
        numeric=(2, 3, 4, 5, 6),
        folded=folded,
    )
    return [main, rest]


def _row(item: Standing) -> list[str]:
    counts = [str(item.counts.get(verdict, 0)) for verdict in JUDGED]
    if item.too_few:
        why = "counts with its original" if item.copy_of else "too few to judge"
        return [item.publisher, _from(item), str(item.judged), *counts, "", why]
    low, high = interval(item.holds, item.judged)
    shares = [f"{count} ({int(count) / item.judged:.0%})" for count in counts]
    return [
        item.publisher, _from(item), str(item.judged), *shares,
        f"{item.holds:.0%}", f"{low:.0%} to {high:.0%}",
    ]  # fmt: skip


def _from(item: Standing) -> str:
    if item.copy_of:
        return f"copy of {item.copy_of}"
    return "article" if item.given else "library"
