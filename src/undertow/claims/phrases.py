"""Finds phrases of the vocabulary in a sentence's items.

A phrase is a few words: ``*`` at a word's end stands for any ending, ``#`` for the figure itself,
``@`` for an asset, ``..`` for up to four items between. No regular expression is built from
them, so that a user's own phrase cannot make a text slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from undertow.claims.sentences import Item

GAP = 4
_STEM = 3


class Phrase(msgspec.Struct, frozen=True):
    """Words to look for, what they speak for, and how strongly."""

    words: tuple[str, ...]
    topic: str
    weight: float


class Hit(msgspec.Struct, frozen=True):
    """A phrase found: the items it covers, and the figure it names if it has a ``#``."""

    phrase: Phrase
    first: int
    last: int
    figure: int | None


class _Node:
    """A point inside phrases: what may come next, and the phrases that end here."""

    __slots__ = ("ends", "gap", "stems", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.stems: dict[str, dict[str, _Node]] = {}  # by the first letters, then by the stem
        self.gap: _Node | None = None
        self.ends: list[Phrase] = []

    def child(self, word: str) -> _Node:
        if word == "..":
            self.gap = self.gap or _Node()
            return self.gap
        if word.endswith("*"):
            stems = self.stems.setdefault(word[:-1][:_STEM], {})
            return stems.setdefault(word[:-1], _Node())
        return self.words.setdefault(word, _Node())


class PhraseBook:
    """Phrases as a tree of words, so that thousands cost no more than the few that fit."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._root = _Node()
        for phrase in phrases:
            node = self._root
            for word in phrase.words:
                node = node.child(word)
            node.ends.append(phrase)

    def hits(self, items: Sequence[Item]) -> list[Hit]:
        """Every phrase that the items hold, wherever it starts."""
        found: list[Hit] = []
        for first in range(len(items)):
            _walk(self._root, items, first, first, None, found)
        return found


def _walk(
    node: _Node, items: Sequence[Item], first: int, index: int, figure: int | None, found: list[Hit]
) -> None:
    """Follow every way from a node that the items at ``index`` allow, and note what ends."""
    if index > first:
        for phrase in node.ends:
            found.append(Hit(phrase, first, index - 1, figure))
    if index >= len(items):
        return
    item = items[index]
    following = node.words.get(item.key)
    if following is not None:
        _walk(following, items, first, index + 1, index if item.key == "#" else figure, found)
    if node.stems and item.kind == "word":
        for stem, after in node.stems.get(item.key[:_STEM], _NO_STEMS).items():
            if item.key.startswith(stem):
                _walk(after, items, first, index + 1, figure, found)
    if "#" in node.words and item.key in _HEDGES:
        at = index
        while at < len(items) and at - index < GAP and items[at].key in _HEDGES:
            at += 1
        if at < len(items) and items[at].key == "#":
            _walk(node.words["#"], items, first, at + 1, at, found)
    if node.gap is not None:
        for skipped in range(GAP + 1):
            at = index + skipped
            if at >= len(items) or (skipped and items[at - 1].key == ";"):
                return
            if items[at].key == "#" and any(item.key == "#" for item in items[index:at]):
                continue  # another figure stands between
            if skipped > 1 and items[at - 1].key == "," and items[at - 2].key == "#":
                return  # "lost 5%, with a market cap of": two clauses
            _walk(node.gap, items, first, at, figure, found)


# What may stand before a figure without a change of what is said of it: "holds about 3,000".
_HEDGES = frozenset(
    ["about", "around", "nearly", "almost", "roughly", "approximately", "some", "just", "over",
     "more", "less", "than", "as", "much", "many", "only", "an", "estimated", "another", "further"]
)  # fmt: skip
_NO_STEMS: dict[str, _Node] = {}


def split_phrase(text: str) -> tuple[str, ...]:
    """A phrase of a word list as its words; a hyphen is a word too, as it is in a text."""
    return tuple(text.lower().replace("-", " - ").split())
