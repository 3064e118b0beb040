"""Statements without a figure that can be checked all the same: causes and superlatives."""

from __future__ import annotations

from undertow.claims.claim import Claim
from undertow.claims.metrics import OTHER
from undertow.claims.phrases import Phrase, PhraseBook, split_phrase
from undertow.claims.sentences import Sentence
from undertow.claims.vocabulary import table

_CUT = frozenset([".", ";", ",", "!", "?"])
_MOST_WORDS = 14
MOST_STATEMENTS = 200


def phrase_book() -> PhraseBook:
    """The phrases that tell a cause or a superlative."""
    lists = table("grammar")["statements"]
    return PhraseBook(
        Phrase(split_phrase(phrase), kind, 1.0)
        for kind, phrases in lists.items()
        for phrase in phrases
    )


def statements(
    sentence: Sentence, book: PhraseBook, text: str, as_of: str | None, publisher: str | None
) -> list[Claim]:
    """Each cause or superlative of a sentence as a claim without a value.

    The span runs from the telling words to the end of their clause.
    """
    items = sentence.items
    found: list[Claim] = []
    taken = -1
    for hit in book.hits(items):
        if hit.first <= taken:
            continue
        last = hit.last
        while (
            last + 1 < len(items)
            and last - hit.first < _MOST_WORDS
            and items[last + 1].key not in _CUT
        ):
            last += 1
        taken = last
        subject = next(
            (
                i.mention.name
                for i in reversed(items[: hit.first])
                if i.mention is not None and i.key == "@"
            ),
            None,
        )
        found.append(
            Claim(
                metric=OTHER,
                kind=hit.phrase.topic,
                asset=subject,
                as_of=as_of,
                span=text[items[hit.first].start : items[last].end].rstrip("."),
                start=items[hit.first].start,
                note=f"said by: {' '.join(hit.phrase.words)}",
                publisher=publisher,
            )
        )
    return found
