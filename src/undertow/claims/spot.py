"""One figure in its sentence, with the phrases found around it and how near they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from undertow.claims.phrases import Hit
from undertow.claims.quantities import Quantity
from undertow.claims.sentences import Item
from undertow.claims.units import unit_class
from undertow.claims.vocabulary import table

REACH = 9.0  # at this distance a phrase counts half


def nearness(distance: float) -> float:
    """1 at the figure itself, a half at `REACH`."""
    return 1.0 / (1.0 + max(distance, 0.0) / REACH)


@cache
def words(section: str, name: str) -> frozenset[str]:
    """A word list of ``grammar.toml``."""
    return frozenset(table("grammar")[section][name])


class Spot:
    """A figure's place in a sentence."""

    def __init__(
        self, items: Sequence[Item], index: int, hits: Mapping[str, Sequence[Hit]]
    ) -> None:
        quantity = items[index].quantity
        assert quantity is not None
        self.items, self.index, self.quantity = items, index, quantity
        self.kind = unit_class(quantity)
        self._hits = hits

    def hits(self, topic: str) -> Sequence[Hit]:
        """The phrases of a topic in this sentence that do not hold another figure."""
        return [h for h in self._hits.get(topic, ()) if h.figure in (None, self.index)]

    def distance(self, hit: Hit) -> float:
        """How far a phrase is from the figure; 0 where it holds the figure."""
        if hit.first <= self.index <= hit.last:
            return 0.0
        edge = hit.last if hit.last < self.index else hit.first
        return abs(self.items[self.index].place - self.items[edge].place) - 1.0

    def nearest(self, *topics: str) -> float:
        """Distance of the nearest phrase of some topics; very far where there is none."""
        found = (self.distance(hit) for topic in topics for hit in self.hits(topic))
        return min(found, default=1e3)

    def key(self, offset: int) -> str:
        """The item so many places from the figure; empty beyond the sentence."""
        at = self.index + offset
        return self.items[at].key if 0 <= at < len(self.items) else ""


def figure_of(item: Item) -> Quantity:
    """The figure of an item that is one."""
    assert item.quantity is not None
    return item.quantity
