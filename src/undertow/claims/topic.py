"""What an article is about: its title explains figures that its text leaves bare."""

from __future__ import annotations

from undertow.claims.choosing import choose
from undertow.claims.context import Memory, Topic
from undertow.claims.guessing import EVERYTHING
from undertow.claims.mention_rules import mentions
from undertow.claims.metrics import OTHER, metrics, phrase_book
from undertow.claims.quantities import Quantity
from undertow.claims.ranges import quantities
from undertow.claims.sentences import sentences
from undertow.claims.timephrases import time_phrases
from undertow.claims.units import PRICES, unit_class
from undertow.claims.weighing import ANY_FUNDS

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
        found = phrase_book().hits(sentence.items)
        hits = [hit.phrase.topic.partition("/") for hit in found]
        said = {
            hit.phrase.topic for hit in found if hit.phrase.words[0] not in ANY_FUNDS
        }  # "FTX scrambles for funds" is about no fund
        for metric, _, tier in hits:
            needs = range(len(metrics()[metric].needs) if metric in metrics() else 0)
            has_needs = all(f"{metric}/needs/{n}" in said for n in needs)
            if tier in ("strong", "exact") and metric in _TITLES and has_needs:
                topics.add(metric)
        for index, choice in choose(sentence, number, Memory({}), Topic()).items():
            quantity = sentence.items[index].quantity
            is_known = choice.metric != OTHER and choice.reasons != EVERYTHING
            if quantity is not None and is_known and choice.metric not in PRICES:
                figures.append((quantity.low, unit_class(quantity), choice.metric))
    return Topic(frozenset(topics), tuple(figures))


def titled_figures(title: str) -> list[Quantity]:
    """The figures of a title."""
    return quantities(title[:400], time_phrases(title[:400]))
