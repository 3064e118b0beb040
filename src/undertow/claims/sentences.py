"""Cuts a text into sentences, and sentences into items: words, marks, figures, names, times.

An item also has a place on a ruler on which commas, colons and conjunctions take room; the distance
of two items on it says how much one has to do with the other.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from copy import copy
from functools import cache
from typing import Literal

import msgspec

from undertow.claims.mentions import Mention
from undertow.claims.quantities import Quantity
from undertow.claims.tables import Cell, cells, lend_unit, line_heads, list_leads
from undertow.claims.timephrases import TimePhrase
from undertow.claims.vocabulary import plain, table

MOST_ITEMS = 160
_MOST_CONTEXT = 12  # words that a cell takes from its head (assumed)
_LEAD_ROOM = 6.0  # the head of a list says less of a figure than its own line (assumed)
_EMPTY_HEADS = frozenset(["value", "metric", "amount", "figure", "number", "level", "item", "data"])
ItemKind = Literal["word", "mark", "quantity", "mention", "time"]
_PIECE = re.compile(r"[A-Za-z][A-Za-z0-9'’&]{0,40}|\d{1,40}|[^\sA-Za-z0-9]")
_ZONE = re.compile(r"(?:ET|EST|EDT|UTC|GMT|CET|SGT|HKT|JST|Moscow)\b")
_LETTERS = re.compile(r"[a-z]{4,20}")
_LINE = re.compile(r"[^\n]{1,4000}")
_STOP = re.compile(r"[.!?][\"”’')\]]{0,2}\s{1,4}(?=[\"“‘(\[]?[A-Z0-9$€£•–-])")
_ROOM = {
    ",": 1.5,
    ";": 7.0,
    ":": 2.0,
    "—": 4.0,
    "–": 3.0,
    "(": 1.0,
    ")": 1.0,
    "|": 5.0,
    "•": 8.0,
    "/": 0.5,
}
_CONJUNCTIONS = {"while": 5.0, "whereas": 5.0, "as": 3.0, "after": 4.0, "amid": 3.0, "when": 3.0,
                 "but": 4.0, "although": 5.0, "though": 4.0, "before": 3.0, "because": 4.0,
                 "since": 2.0, "with": 1.5, "which": 2.0, "and": 1.0, "versus": 1.0}  # fmt: skip


class Item(msgspec.Struct):
    """A word, mark, figure, name or time, with its place on the ruler."""

    kind: ItemKind
    key: str
    start: int
    end: int
    place: float = 0.0
    quantity: Quantity | None = None
    mention: Mention | None = None
    time: TimePhrase | None = None


class Sentence(msgspec.Struct):
    """A sentence, a line without a full stop, or a cell of a table behind its names, as items."""

    start: int
    end: int
    items: list[Item]
    is_cell: bool = False

    def figures(self) -> Iterator[int]:
        """The indices of the items that are figures."""
        return (index for index, item in enumerate(self.items) if item.kind == "quantity")


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(table("grammar")["sentences"]["abbreviations"])


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence starts and ends; a line's end ends a sentence too."""
    for line in _LINE.finditer(text):
        start = line.start()
        for stop in _STOP.finditer(text, line.start(), line.end()):
            last = text[start : stop.start() + 1].rsplit(None, 1)
            word = plain(last[-1].lstrip('("“')) if last else ""
            is_initial = len(word) == 2 and word[0].isalpha()
            if word in _abbreviations() and not _ends_anyway(word, text, stop.end()):
                continue
            if is_initial:
                continue
            yield start, stop.end()
            start = stop.end()
        if text[start : line.end()].strip():
            yield start, line.end()


def _ends_anyway(word: str, text: str, after: int) -> bool:
    """``9 p.m. Bitcoin fell``: a capital letter after a clock time starts a sentence."""
    is_zone = _ZONE.match(text, after) is not None
    return word in ("a.m.", "p.m.") and text[after : after + 1].isupper() and not is_zone


def looks_spun(text: str) -> bool:
    """Whether a text was put through a thesaurus: it holds words that nobody writes here."""
    spun = table("spun")
    signs = set(spun["signs"])
    found = {word for word in _LETTERS.findall(text.lower()) if word in signs}
    return len(found) >= int(spun["most_signs_needed"])


def sentences(
    text: str,
    times: list[TimePhrase],
    figures: list[Quantity],
    names: list[Mention],
    is_spun: bool = False,
) -> Iterator[Sentence]:
    """The text's sentences as items; very long ones are cut, and each cell of a table is one."""
    spun: dict[str, str] = table("spun")["words"] if is_spun else {}
    pieces = _Pieces(text, _marked(text, times, figures, names), spun)
    rows: dict[int, list[Cell]] = {}
    for cell in cells(text):
        rows.setdefault(cell.row[0], []).append(cell)
    done = 0
    leads, heads = list_leads(text), line_heads(text)
    head, line_end = (0, 0), 0
    for start, end in sentence_spans(text):
        if start < done:
            continue
        if start in rows:
            done = rows[start][0].row[1]
            yield from _of_cells(text, pieces, rows[start])
            continue
        if start in heads:
            head, line_end = heads[start]
        is_headed = head[1] <= start < line_end
        lead = head if is_headed else leads.get(start)
        said = pieces.lead(lead)
        items = _placed([*said, *pieces.between(start, end)])
        for item in said:
            item.place -= _LEAD_ROOM
        for cut in range(0, len(items), MOST_ITEMS):
            piece = items[cut : cut + MOST_ITEMS]
            yield Sentence(piece[0].start, piece[-1].end, piece)


def _of_cells(text: str, pieces: _Pieces, row: list[Cell]) -> Iterator[Sentence]:
    """Each cell that holds a figure, behind what its row and its column are called."""
    for cell in row:
        own = pieces.between(*cell.span)
        if not any(item.kind == "quantity" for item in own):
            continue
        said: list[Item] = []
        for span in cell.context:
            said += pieces.lead(span)
        for item in own:
            if item.quantity is not None:
                lend_unit(item.quantity, text, cell)
        yield Sentence(*cell.row, _placed([*said, *own]), is_cell=True)


def _marked(
    text: str, times: list[TimePhrase], figures: list[Quantity], names: list[Mention]
) -> list[Item]:
    """Times, figures and names in order; where two overlap, the one that starts first."""
    marked: list[tuple[int, int, Item]] = []
    for time in times:
        marked.append((time.start, 0, Item("time", "<time>", time.start, time.end, time=time)))
    for figure in figures:
        marked.append(
            (figure.start, 1, Item("quantity", "#", figure.start, figure.end, quantity=figure))
        )
    for name in names:
        is_asset = name.what in ("asset", "group", "index")
        key = "@" if is_asset else plain(text[name.start : name.end])
        marked.append((name.start, 2, Item("mention", key, name.start, name.end, mention=name)))
    marked.sort(key=lambda entry: (entry[0], entry[1]))
    kept: list[Item] = []
    for _, _, item in marked:
        if not kept or item.start >= kept[-1].end:
            kept.append(item)
    return kept


class _Pieces:
    """Cuts any part of a text into items."""

    def __init__(self, text: str, marked: list[Item], spun: dict[str, str]) -> None:
        self._text, self._marked, self._spun = text, marked, spun
        self._starts = [item.start for item in marked]

    def lead(self, span: tuple[int, int] | None) -> list[Item]:
        """The words, names and times at the end of a part that explains another, no figures."""
        if span is None:
            return []
        said = [copy(item) for item in self.between(*span) if item.kind != "quantity"]
        return [item for item in said if item.key not in _EMPTY_HEADS][-_MOST_CONTEXT:]

    def between(self, start: int, end: int) -> list[Item]:
        """The items from ``start`` to ``end``."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        return _filled(self._text, start, end, self._marked[first:last], self._spun)


def _filled(
    text: str, start: int, end: int, marked: list[Item], spun: dict[str, str]
) -> list[Item]:
    """The marked items with the words and marks between them."""
    items: list[Item] = []
    at = start
    for item in [*marked, None]:
        stop = end if item is None else max(item.start, at)
        for piece in _PIECE.finditer(text, at, min(stop, end)):
            word = plain(piece.group())
            kind: ItemKind = "word" if word[0].isalnum() else "mark"
            key = word.removesuffix("'s") or word
            items.append(Item(kind, spun.get(key, key), piece.start(), piece.end()))
        if item is not None:
            items.append(item)
            at = item.end
    return items


def _compares(items: list[Item], at: int) -> bool:
    """The ``as`` of ``as much as``, which joins no clauses."""
    near = {other.key for other in items[max(0, at - 1) : at + 2]}
    return items[at].key == "as" and bool(near & {"much", "many", "low", "high", "well", "of"})


def _placed(items: list[Item]) -> list[Item]:
    place = 0.0
    for at, item in enumerate(items):
        place += _ROOM.get(item.key, 0.3) if item.kind == "mark" else 1.0
        if item.kind == "word" and not _compares(items, at):
            place += _CONJUNCTIONS.get(item.key, 0.0)
        item.place = place
    return items
