"""What an article is made of: sentences in pieces, where every number names its source.

Plain pieces may not hold a digit. So no number can stand in an article without a source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cited:
    """Words that a figure, a report or an event stands behind; ``source`` is its id."""

    text: str
    source: str


Piece = str | Cited
Sentence = tuple[Piece, ...]


@dataclass(frozen=True)
class Part:
    """A heading with what stands under it; each paragraph and each point is some sentences.

    ``questions`` are headings of their own, each with its answer.
    """

    id: str
    title: str
    paragraphs: list[list[Sentence]] = field(default_factory=list)
    points: list[list[Sentence]] = field(default_factory=list)
    questions: list[tuple[str, list[Sentence]]] = field(default_factory=list)

    @property
    def sentences(self) -> list[Sentence]:
        """All of them, in order."""
        answers = [sentence for _, answer in self.questions for sentence in answer]
        groups = [*self.paragraphs, *self.points]
        return [sentence for group in groups for sentence in group] + answers


@dataclass(frozen=True)
class Note:
    """What stands behind a number: its definition or its publisher."""

    number: int
    source: str
    kind: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Article:
    """A market text; ``notes`` are in the order in which the text first needs them."""

    title: Sentence
    dateline: str
    lead: list[Sentence]
    parts: list[Part]
    notes: list[Note]
    footer: str

    def as_json(self) -> dict[str, Any]:
        """Plain values: each sentence as pieces, each piece with the id of its source, if any."""
        return {
            "title": plain(self.title),
            "title_pieces": _pieces(self.title),
            "dateline": self.dateline,
            "lead": [_pieces(sentence) for sentence in self.lead],
            "sections": [
                {
                    "id": part.id,
                    "title": part.title,
                    "paragraphs": [[_pieces(s) for s in group] for group in part.paragraphs],
                    "points": [[_pieces(s) for s in group] for group in part.points],
                    "questions": [
                        {"question": question, "answer": [_pieces(s) for s in answer]}
                        for question, answer in part.questions
                    ],
                }
                for part in self.parts
            ],
            "notes": [
                {"number": n.number, "source": n.source, "kind": n.kind, "text": n.text,
                 "url": n.url} for n in self.notes
            ],
            "footer": self.footer,
        }  # fmt: skip


def say(*pieces: Piece) -> Sentence:
    """A sentence; empty pieces are left out.

    Raises
    ------
    ValueError
        When a plain piece holds a digit: a number must name its source.
    """
    for piece in pieces:
        if isinstance(piece, str) and any(character.isdigit() for character in piece):
            raise ValueError(f"a number without a source: {piece!r}")
    return tuple(piece for piece in pieces if piece and (isinstance(piece, str) or piece.text))


def plain(sentence: Sentence) -> str:
    """The sentence without its sources."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in sentence)


def numbered(sentences: Sequence[Sentence]) -> dict[str, int]:
    """Numbers of the notes, by source, in the order in which they are needed."""
    found: dict[str, int] = {}
    for sentence in sentences:
        for piece in sentence:
            if isinstance(piece, Cited):
                found.setdefault(piece.source, len(found) + 1)
    return found


def marks(sentence: Sentence, numbers: Mapping[str, int]) -> list[tuple[str, int | None, bool]]:
    """The pieces with the number of their note, and whether the number is to be shown.

    Of neighbours with one source only the last shows it: one mark is enough. Plain pieces have
    no number.
    """
    found: list[tuple[str, int | None, bool]] = []
    for at, piece in enumerate(sentence):
        if isinstance(piece, str):
            found.append((piece, None, False))
            continue
        later = [other for other in sentence[at + 1 :] if isinstance(other, Cited)]
        again = bool(later) and later[0].source == piece.source
        found.append((piece.text, numbers[piece.source], not again))
    return found


def _pieces(sentence: Sentence) -> list[dict[str, str]]:
    return [
        {"text": piece} if isinstance(piece, str) else {"text": piece.text, "source": piece.source}
        for piece in sentence
    ]
