"""The metrics that claims are about: the list that the product knows, and a way to add to it."""

from __future__ import annotations

from functools import cache
from itertools import product

import msgspec

from undertow.claims.phrases import Phrase, PhraseBook, split_phrase
from undertow.claims.vocabulary import table
from undertow.errors import UndertowError, nearest

# How much a phrase of each list says about a figure that it stands beside.
WEIGHTS = {"exact": 5.0, "strong": 4.0, "medium": 2.0, "weak": 1.0, "against": -4.0, "never": -9.0}
OTHER = "other"
_MOST_GAPS = 2


class Metric(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a claim can be about, and the words that speak for it.

    ``units`` are dollars, ``pct``, ``coin`` (any asset) and so on; ``low`` and ``high`` bound the
    plausible values in the unit's base; ``asset`` and ``window`` are for where the text is silent.
    """

    name: str = ""
    meaning: str
    units: tuple[str, ...]
    low: float = 0.0
    high: float = float("inf")
    low_usd: float = 0.0
    asset: str | None = None
    window: str | None = None
    weight: float = 1.0
    exact: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()


_ADDED: dict[str, Metric] = {}


@cache
def _carried() -> dict[str, Metric]:
    entries = table("metrics")["metrics"]
    return {
        name: msgspec.convert({**entry, "name": name}, Metric) for name, entry in entries.items()
    }


def metrics() -> dict[str, Metric]:
    """All metrics by name, added ones included."""
    return {**_carried(), **_ADDED}


def metric_named(name: str) -> Metric:
    """One metric; an unknown name raises `UndertowError` with the nearest valid one."""
    known = metrics()
    if name not in known:
        raise UndertowError(f"unknown metric '{name}'{nearest(name, known)}")
    return known[name]


def add_metric(name: str, **entry: object) -> Metric:
    """Add a metric, with the fields of an entry of ``metrics.toml``.

    Raises `UndertowError` for a name that is taken, an unknown field, a phrase with many gaps.
    """
    if name in metrics() or name == OTHER:
        raise UndertowError(f"metric '{name}' exists already")
    try:
        metric = msgspec.convert({**entry, "name": name}, Metric)
    except msgspec.ValidationError as error:
        raise UndertowError(f"metric '{name}': {error}") from None
    for phrase in (*metric.exact, *metric.strong, *metric.medium, *metric.weak, *metric.against):
        if phrase.split().count("..") > _MOST_GAPS or not phrase.strip():
            raise UndertowError(f"metric '{name}': phrase '{phrase}': expected at most two gaps")
    _ADDED[name] = metric
    phrase_book.cache_clear()
    return metric


def remove_metric(name: str) -> None:
    """Take back what `add_metric` added."""
    _ADDED.pop(name, None)
    phrase_book.cache_clear()


def expanded(phrase: str) -> list[tuple[str, ...]]:
    """A phrase with its ``{class}`` replaced by each word of the class."""
    classes: dict[str, list[str]] = table("metrics")["classes"]
    choices = [
        classes[word[1:-1]] if word.startswith("{") and word.endswith("}") else [word]
        for word in split_phrase(phrase)
    ]
    return list(product(*choices))


@cache
def phrase_book() -> PhraseBook:
    """The phrases of all metrics; a topic is ``metric/list``, or ``metric/needs/group``."""
    phrases: dict[tuple[tuple[str, ...], str], Phrase] = {}
    for metric in metrics().values():
        lists = {tier: getattr(metric, tier) for tier in WEIGHTS}
        for tier, entries in lists.items():
            for entry in entries:
                for words in expanded(entry):
                    topic = f"{metric.name}/{tier}"
                    phrases[words, topic] = Phrase(words, topic, WEIGHTS[tier] * metric.weight)
        for number, group in enumerate(metric.needs):
            for entry in group:
                for words in expanded(entry):
                    topic = f"{metric.name}/needs/{number}"
                    phrases[words, topic] = Phrase(words, topic, 0.0)
    for name in ("fall", "rise"):
        for words in expanded(f"{{{name}}}"):
            phrases[words, f"direction/{name}"] = Phrase(words, f"direction/{name}", 0.0)
    return PhraseBook(phrases.values())
