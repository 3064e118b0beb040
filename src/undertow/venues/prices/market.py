"""What is seen of a contract's market at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from undertow.errors import UndertowError
from undertow.venues.formulas.inputs import Number, positive


@dataclass(frozen=True, slots=True)
class Market:
    """Prices in the quote asset; None where there is none. Made by `Market.seen`.

    ``impact_bid`` and ``impact_ask`` are what the venue's impact notional would fetch;
    ``perpetuals`` the mid prices of other venues' contracts.
    """

    index: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    impact_bid: Decimal | None = None
    impact_ask: Decimal | None = None
    perpetuals: tuple[tuple[str, Decimal], ...] = ()

    @classmethod
    def seen(
        cls,
        index: Number,
        *,
        bid: Number | None = None,
        ask: Number | None = None,
        last: Number | None = None,
        impact_bid: Number | None = None,
        impact_ask: Number | None = None,
        perpetuals: Mapping[str, Number] | None = None,
    ) -> Market:
        """A view of the market; what is not given is not there.

        Raises
        ------
        UndertowError
            For a price that is no positive number, or a bid above its ask.
        """
        view = cls(
            positive(index, "index"),
            _price(bid, "bid"),
            _price(ask, "ask"),
            _price(last, "last price"),
            _price(impact_bid, "impact bid"),
            _price(impact_ask, "impact ask"),
            tuple(
                (venue, positive(mid, f"perpetual of {venue}"))
                for venue, mid in sorted((perpetuals or {}).items())
            ),
        )
        _in_order(view.bid, view.ask, "bid")
        _in_order(view.impact_bid, view.impact_ask, "impact bid")
        return view

    @property
    def mid(self) -> Decimal | None:
        """Middle of best bid and ask, where both are there."""
        return _middle(self.bid, self.ask)

    @property
    def impact_mid(self) -> Decimal | None:
        """Middle of impact bid and ask, where both are there."""
        return _middle(self.impact_bid, self.impact_ask)

    @property
    def book_median(self) -> Decimal | None:
        """Median of best bid, best ask and last trade, of those that are there."""
        return median_of(self.bid, self.ask, self.last)


def median_of(*prices: Decimal | None) -> Decimal | None:
    """Median of the prices that are there; of two, their mean; None when there is none."""
    there = [price for price in prices if price is not None]
    return median(there) if there else None


def weighted_median(weighted: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """The price with half of the weight on either side; pairs of price and weight above 0.

    When the weight splits exactly in half between two prices, their mean: that is our reading,
    no venue says what it does then.
    """
    ordered = sorted(pair for pair in weighted if pair[1] > 0)
    half = sum((weight for _, weight in ordered), Decimal(0)) / 2
    below = Decimal(0)
    for place, (price, weight) in enumerate(ordered):
        below += weight
        if below == half:
            return (price + ordered[place + 1][0]) / 2
        if below > half:
            return price
    raise UndertowError("weighted median: expected at least one price of positive weight")


def _price(value: Number | None, name: str) -> Decimal | None:
    return None if value is None else positive(value, name)


def _middle(bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    return None if bid is None or ask is None else (bid + ask) / 2


def _in_order(bid: Decimal | None, ask: Decimal | None, name: str) -> None:
    if bid is not None and ask is not None and bid > ask:
        raise UndertowError(f"{name} {bid}: expected at most the ask, {ask}")
