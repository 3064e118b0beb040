"""Who says a figure: the source that the text names for it."""

from __future__ import annotations

from undertow.claims.sentences import Item, Sentence
from undertow.claims.spot import words

_REACH = 40.0


def source_of(sentence: Sentence, index: int) -> str | None:
    """The source named nearest in the sentence, or the speaker of a figure; else None.

    A venue is a source where it shows or says something ("Binance showed bitcoin at").
    """
    items = sentence.items
    best, source = _REACH, None
    for at, item in enumerate(items):
        if item.mention is None:
            continue
        is_speaker = item.mention.what in ("venue", "company") and _speaks(items, at)
        if item.mention.what != "source" and not is_speaker:
            continue
        distance = abs(item.place - items[index].place)
        if distance < best:
            best, source = distance, item.mention.name
    return source


def _speaks(items: list[Item], at: int) -> bool:
    after = items[at + 1].key if at + 1 < len(items) else ""
    before = [item.key for item in items[max(0, at - 2) : at]]
    return after in words("source", "verbs") or before[-2:] == ["according", "to"]
