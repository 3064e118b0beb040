"""What an article is about: its title explains figures that its text leaves bare."""

from __future__ import annotations

from undertow.claims.choosing import choose
from undertow.claims.context import Choice, Memory, Topic
from undertow.claims.mentions import mentions
from undertow.claims.metrics import OTHER, metrics, phrase_book
from undertow.claims.quantities import Quantity, quantities
from undertow.claims.sentences import Sentence, sentences
from undertow.claims.timephrases import time_phrases
from undertow.claims.units import unit_class

_TITLES = (
    "liquidations",
    "loss",
    "exposure",
    "debt",
    "etf_flow",
    "market_cap_change",
    "holdings_change",
)
_LOOK_AHEAD = 3


def topic_of(title: str) -> Topic:
    """The metrics that a title names, and what its figures are about."""
    title = title[:400]
    times, named = time_phrases(title), mentions(title)
    figures: list[tuple[float, str, str]] = []
    topics: set[str] = set()
    for number, sentence in enumerate(sentences(title, times, quantities(title, times), named)):
        for hit in phrase_book().hits(sentence.items):
            metric, _, tier = hit.phrase.topic.partition("/")
            if tier in ("strong", "exact") and metric in _TITLES:
                topics.add(metric)
        for index, choice in choose(sentence, number, Memory({}), Topic()).items():
            quantity = sentence.items[index].quantity
            if quantity is not None and choice.metric != OTHER:
                figures.append((quantity.low, unit_class(quantity), choice.metric))
    return Topic(frozenset(topics), tuple(figures))


def titled_figures(title: str) -> list[Quantity]:
    """The figures of a title."""
    return quantities(title[:400], time_phrases(title[:400]))


def settle_openings(chosen: list[tuple[Sentence, dict[int, Choice]]]) -> None:
    """A sum at the start that nothing explains is about what the next sums are about."""
    for at, (sentence, choices) in enumerate(chosen):
        for index, choice in choices.items():
            quantity = sentence.items[index].quantity
            if choice.metric != OTHER or quantity is None or unit_class(quantity) != "money":
                continue
            for later, others in chosen[at + 1 : at + 1 + _LOOK_AHEAD]:
                name = _first_sum(later, others)
                if name is not None:
                    if quantity.low <= metrics()[name].high and not choice.reasons:
                        choices[index] = Choice(name, 0.0, (f"as the next figure: {name}",))
                    break
        if any(choice.metric != OTHER for choice in choices.values()):
            return


def _first_sum(sentence: Sentence, choices: dict[int, Choice]) -> str | None:
    for index, choice in choices.items():
        quantity = sentence.items[index].quantity
        if quantity is not None and unit_class(quantity) == "money" and choice.metric != OTHER:
            return choice.metric
    return None
