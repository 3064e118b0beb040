"""The index: one outside price from several sources, and what became of each source.

Before a venue's method combines them, sources that are offline or stale are left out (stale: no
update for ``index.stale_s`` of the rules), and every price is turned into the index's quote asset
at a price: USDT is a price, not 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from undertow.errors import UndertowError, nearest
from undertow.venues import methods
from undertow.venues.formulas.inputs import Number, not_negative, positive
from undertow.venues.prices.sampling import Clock, seconds_ns
from undertow.venues.rulebook import Rules

Status = Literal["used", "outlier", "capped", "stale", "offline", "weightless"]


@dataclass(frozen=True, slots=True)
class Constituent:
    """A source as it was last seen.

    ``price`` is in ``quote``; ``conversion`` is what one unit of that asset costs in the index's
    quote asset, and must be given when the two differ. Without a ``weight`` the rules' weight of
    the source counts; where they have none at all, every source weighs 1.
    """

    source: str
    price: Number
    updated_ns: int
    quote: str
    conversion: Number | None = None
    weight: Number | None = None
    online: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """What became of a source: its price in the index's quote, its share of the index."""

    source: str
    price: Decimal
    share: Decimal
    status: Status


@dataclass(frozen=True, slots=True)
class IndexPrice:
    """An index at ``ts_ns``, in its quote asset; None when no source is left.

    ``method`` is how it came about: the venue's method, or what it falls back to. Shares are of
    1; where a median was taken they are 0, for no source has a fixed part of it.
    """

    ts_ns: int
    price: Decimal | None
    method: str
    parts: tuple[Part, ...]

    def part(self, source: str) -> Part:
        """The part of one source."""
        by_source = {part.source: part for part in self.parts}
        if source not in by_source:
            raise UndertowError(f"index has no source '{source}'{nearest(source, by_source)}")
        return by_source[source]


@dataclass(frozen=True, slots=True)
class Live:
    """A source that counts, of a weight above 0. ``was_out``: it was an outlier before."""

    source: str
    price: Decimal
    weight: Decimal
    was_out: bool


@dataclass(frozen=True, slots=True)
class Combined:
    """What a method makes of live sources: price, how, and what each source was worth in it."""

    price: Decimal
    method: str
    shares: dict[str, Decimal]
    outliers: frozenset[str] = frozenset()
    capped: frozenset[str] = frozenset()


class Index:
    """The index of one instrument by a venue's own method.

    Parameters
    ----------
    rules
        The venue's rules; assign `rules` anew when those of a later date begin to hold.
    quote
        Asset that the index is priced in.

    Raises
    ------
    UndertowError
        When the rules name no index method.
    """

    def __init__(self, rules: Rules, quote: str) -> None:
        if rules.index.model is None:
            raise UndertowError(f"{rules.venue}: no rule says index.model")
        methods.find("index", rules.index.model)
        self.rules, self.quote = rules, quote
        self._clock = Clock()
        self._out: frozenset[str] = frozenset()

    def price(self, ts_ns: int, constituents: Iterable[Constituent]) -> IndexPrice:
        """The index at ``ts_ns`` from its sources, in any order.

        Raises
        ------
        UndertowError
            For a falling time, a source twice or from the future, a missing conversion price, or
            an unknown source where the rules have weights.
        """
        self._clock.advance(ts_ns)
        sources = sorted(constituents, key=lambda one: one.source)
        names = [one.source for one in sources]
        if len(set(names)) < len(names):
            raise UndertowError(f"index: a source twice in {', '.join(names)}")
        dropped: dict[str, Status] = {}
        prices: dict[str, Decimal] = {}
        live: list[Live] = []
        for one in sources:
            prices[one.source] = self._converted(one)
            status = self._status(one, ts_ns)
            if status is not None:
                dropped[one.source] = status
                continue
            weight = self._weight(one)
            if weight == 0:
                dropped[one.source] = "weightless"
            else:
                live.append(Live(one.source, prices[one.source], weight, one.source in self._out))
        combined = self._combine(live) if live else None
        self._out = (self._out & set(dropped)) | combined.outliers if combined else self._out
        parts = tuple(
            Part(
                name,
                prices[name],
                combined.shares.get(name, Decimal(0)) if combined else Decimal(0),
                dropped.get(name) or _fate(name, combined),
            )
            for name in names
        )
        model = self.rules.index.model or ""
        if combined is None:
            return IndexPrice(ts_ns, None, model, parts)
        return IndexPrice(ts_ns, combined.price, combined.method, parts)

    def _combine(self, live: list[Live]) -> Combined:
        method = methods.find("index", self.rules.index.model or "")
        combined = method(self.rules.index, tuple(live))
        if not isinstance(combined, Combined):
            raise UndertowError(f"index method '{self.rules.index.model}': expected a Combined")
        return combined

    def _converted(self, one: Constituent) -> Decimal:
        price = positive(one.price, f"price of {one.source}")
        if one.conversion is None:
            if one.quote != self.quote:
                raise UndertowError(
                    f"index in {self.quote}: {one.source} is priced in {one.quote};"
                    f" give its conversion, the price of one {one.quote}"
                )
            return price
        if one.quote == self.quote:
            raise UndertowError(f"index: {one.source} is in {self.quote} and needs no conversion")
        return price * positive(one.conversion, f"conversion of {one.source}")

    def _weight(self, one: Constituent) -> Decimal:
        if one.weight is not None:
            return not_negative(one.weight, f"weight of {one.source}")
        weights = dict(self.rules.index.weight_by_source or ())
        if not weights:
            return Decimal(1)
        if one.source not in weights:
            raise UndertowError(
                f"source '{one.source}' has no weight{nearest(one.source, weights)}"
            )
        return weights[one.source]

    def _status(self, one: Constituent, ts_ns: int) -> Status | None:
        age_ns = ts_ns - one.updated_ns
        if age_ns < 0:
            raise UndertowError(f"index: {one.source} was updated after the index's time")
        if not one.online:
            return "offline"
        stale_s = self.rules.index.stale_s
        return "stale" if stale_s is not None and age_ns >= seconds_ns(stale_s) else None


def _fate(source: str, combined: Combined | None) -> Status:
    if combined is not None and source in combined.outliers:
        return "outlier"
    return "capped" if combined is not None and source in combined.capped else "used"
