"""What an article is about: its title explains figures that its text leaves bare."""

from __future__ import annotations

from undertow.claims.choosing import choose
from undertow.claims.context import Memory, Topic
from undertow.claims.mention_rules import mentions
from undertow.claims.metrics import OTHER, phrase_book
from undertow.claims.quantities import Quantity
from undertow.claims.ranges import quantities
from undertow.claims.sentences import sentences
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
