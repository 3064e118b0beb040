"""What a figure is about, and what helps to tell: the figures before it, the article's title."""

from __future__ import annotations

import msgspec

from undertow.claims.metrics import OTHER
from undertow.claims.quantities import Quantity

_SAME = 0.005  # a title rounds: figures this near to its figure are the same


class Choice(msgspec.Struct):
    """What a figure is about, with the score and the phrases that decided."""

    metric: str
    score: float = 0.0
    reasons: tuple[str, ...] = ()


class Memory(msgspec.Struct):
    """What the last figures were about, by unit class, and in which sentence."""

    last: dict[str, tuple[str, int]] = {}
    seen: set[str] = set()

    def recall(self, kind: str, sentence: int, reach: int) -> str | None:
        """The metric of the last figure of the class, if it is not too many sentences back."""
        metric, when = self.last.get(kind, (OTHER, -99))
        return metric if metric != OTHER and sentence - when <= reach else None

    def keep(self, kind: str, metric: str, sentence: int) -> None:
        """Remember what a figure was about, for the sentences behind it."""
        # One order is an aside: the next sum is about the liquidations again.
        lasting = "liquidations" if metric == "largest_liquidation" else metric
        self.last[kind] = (lasting, sentence)
        self.seen.add(lasting)
        if lasting == "traders_liquidated":
            self.last["money"] = ("liquidations", sentence)


class Topic(msgspec.Struct, frozen=True):
    """What an article is about by its title: metrics, and figures that the title gives."""

    metrics: frozenset[str] = frozenset()
    figures: tuple[tuple[float, str, str], ...] = ()  # value, unit class, metric

    def bonus(self, metric: str, quantity: Quantity, kind: str) -> float:
        """What the title adds to a metric's score for a figure."""
        said = {
            name
            for value, of_kind, name in self.figures
            if of_kind == kind and abs(value - quantity.low) <= _SAME * value
        }
        if said:
            return 8.0 if metric in said else 0.0
        return 0.9 if metric in self.metrics and kind == "money" else 0.0
