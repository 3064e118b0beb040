"""Texts that copy one another, machine-spun ones included: together they are one source.

A verbatim copy shares runs of words. A spun one shares none, but its figures stand in the same
order, and that many figures in one order are no accident.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

from undertow.claims.reconcile import subjects
from undertow.claims.reconcile.result import Copy, Statement
from undertow.claims.reconcile.statements import Source
from undertow.claims.sentences import looks_spun
from undertow.measures.as_of import as_of_span

# Measured on 31 articles of two crashes (465 pairs): of the pair that is known to go back to one
# text 12 of 16 figures are in the same order; no other pair has more than 5, or 56 %.
FEWEST_FIGURES = 8
FIGURES = 0.6
# ... and no two of them share more than 8 % of their runs of four words.
RUN = 4
RUNS = 0.5
_FEWEST_WORDS = 50  # shorter texts look alike because there is only one way to say it
_SAMPLED = 4  # one run in so many is looked at, chosen by its checksum
_MOST_WORDS = 20_000
_MOST_FIGURES = 300
_WORD = re.compile(r"[^\W_]+")

Figure = tuple[str, str]


class _Text:
    """What of a text is compared: its figures in order, each once, and a sample of its runs."""

    def __init__(self, source: Source) -> None:
        self.figures = _figures(source)
        words = [match[0].lower() for match in _WORD.finditer(source.text[: 8 * _MOST_WORDS])]
        words = words[:_MOST_WORDS]
        sums = (
            crc32(" ".join(words[n : n + RUN]).encode("utf-8", "replace"))
            for n in range(len(words) - RUN + 1)
        )
        is_long = len(words) >= _FEWEST_WORDS
        self.runs = (
            {checksum for checksum in sums if checksum % _SAMPLED == 0} if is_long else set()
        )


def find_copies(sources: Sequence[Source]) -> dict[int, Copy]:
    """The sources that are copies, by their place, with the original and the reason.

    Of several texts that are one, the original is the one published first; of equals one that is
    not machine-spun, then the first given. Two texts of one publisher are no copies.
    """
    texts = [_Text(source) for source in sources]
    order = sorted(range(len(sources)), key=lambda n: (*_priority(sources[n]), n))
    having: dict[Figure | int, list[int]] = {}  # the texts so far that are no copies
    copies: dict[int, Copy] = {}
    for number in order:
        text = texts[number]
        figures, runs = (_shared(having, features) for features in (text.figures, text.runs))
        likely = [n for n, count in figures.items() if count >= FEWEST_FIGURES]
        for other in dict.fromkeys([*sorted(likely), *sorted(runs)]):
            is_own = sources[other].publisher.casefold() == sources[number].publisher.casefold()
            why = "" if is_own else _why(text, texts[other], runs[other])
            if why:
                copies[number] = Copy(copy=sources[number].publisher,
                                      original=sources[other].publisher, why=why)  # fmt: skip
                break
        else:
            features: list[Figure | int] = [*text.figures, *text.runs]
            for feature in features:
                having.setdefault(feature, []).append(number)
    return copies


def _shared(
    having: Mapping[Figure | int, Sequence[int]], features: Iterable[Figure | int]
) -> Counter[int]:
    """How many of some figures or runs each earlier text has."""
    counts: Counter[int] = Counter()
    for feature in features:
        counts.update(having.get(feature, ()))
    return counts


def mark_copies(statements: Sequence[Statement], copies: dict[int, Copy]) -> None:
    """Tell the statements of copies whose they are, and which the original has as well."""
    by_text: dict[str, list[Statement]] = {}
    for item in statements:
        by_text.setdefault(item.id.split(".")[0], []).append(item)
    originals = {copy.original: set[tuple[str, float]]() for copy in copies.values()}
    for item in statements:
        if item.publisher in originals:
            originals[item.publisher].add((item.claim.unit or "", abs(item.value)))
    for number, copy in copies.items():
        for item in by_text.get(f"A{number + 1}", []):
            item.copy_of = copy.original
            own = (item.claim.unit or "", abs(item.value))
            item.is_repeated = own in originals[copy.original]


def _why(text: _Text, other: _Text, same_runs: int) -> str:
    """Why two texts are one; empty where they are not."""
    fewest = min(len(text.figures), len(other.figures))
    needed = max(FEWEST_FIGURES, FIGURES * fewest)
    if fewest >= needed and (in_order := _in_order(text.figures, other.figures)) >= needed:
        return f"{in_order} of {fewest} figures in the same order"
    runs = min(len(text.runs), len(other.runs))
    is_same = runs > 0 and same_runs >= RUNS * runs
    return f"{same_runs / runs:.0%} of its runs of {RUN} words" if is_same else ""


def _figures(source: Source) -> list[Figure]:
    """The figures of a text by size and unit, each where it first stands."""
    found: dict[Figure, None] = {}
    for claim in sorted(source.claims, key=lambda claim: claim.start):
        value = claim.value if claim.value is not None else claim.value_low
        if value is not None and claim.kind not in subjects.LEFT_OUT:
            found[f"{abs(value):.6g}", claim.unit or ""] = None
    return list(found)[:_MOST_FIGURES]


def _in_order(first: Sequence[Figure], second: Sequence[Figure]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for figure in first:
        before = 0
        for n, other in enumerate(second, 1):
            before, row[n] = row[n], before + 1 if figure == other else max(row[n], row[n - 1])
    return row[-1]


def _priority(source: Source) -> tuple[int, bool]:
    """When it was published (to the day: hours are given by some only), and whether it is spun."""
    span = as_of_span(source.published)
    day = span[0] // 86_400_000_000_000 if span is not None else 1 << 62
    return day, looks_spun(source.text)
