"""A mark price that remembers: what every venue's method has in common.

A mark is fed with `Mark.observe`, told of each funding payment with `Mark.fund`, and asked with
`Mark.mark`. It looks at the market at the venue's own moments: a sample is what had been seen
before that moment or at it, when the next call comes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal

from undertow.errors import UndertowError
from undertow.venues import methods
from undertow.venues.formulas.binance_usdm_rates import price1
from undertow.venues.prices.market import Market
from undertow.venues.prices.payment import Payment
from undertow.venues.prices.sampling import Clock, Moments, seconds_ns
from undertow.venues.rule_models import MarkRules
from undertow.venues.rulebook import Rules

_HOUR_NS = 3_600 * 10**9
PriceNow = Callable[["Mark", int, Market], Decimal]


class Mark(ABC):
    """Mark price of one contract; a venue's method says how to `_sample` and what is the `_price`.

    Parameters
    ----------
    rules
        The venue's rules at the start; `follow` takes those of a later date.
    expiry_ns
        When the contract expires, nanoseconds since 1970; None for a perpetual.
    """

    def __init__(self, rules: Rules, expiry_ns: int | None = None) -> None:
        self.rules, self.expiry_ns = rules, expiry_ns
        self._clock = Clock()
        self._market: Market | None = None
        self._payment: Payment | None = None
        self._moments = Moments(seconds_ns(self._step_s(rules.mark)))
        self._counted = 0

    def observe(self, ts_ns: int, market: Market) -> None:
        """See the market as it is from ``ts_ns`` on.

        Raises
        ------
        UndertowError
            When the time is before that of an earlier call.
        """
        self._advance(ts_ns, ts_ns - 1)
        self._market = market

    def fund(self, payment: Payment) -> None:
        """Take note of a funding payment: its rate and the next one's time move some marks."""
        self._payment = payment

    def mark(self, ts_ns: int) -> Decimal:
        """The mark price at ``ts_ns``, in quote, not rounded.

        Raises
        ------
        UndertowError
            Before the first observation, or when the time falls.
        """
        self._advance(ts_ns, ts_ns)
        if self._market is None:
            raise UndertowError("mark price: nothing was observed yet")
        return self._price(ts_ns, self._market)

    def follow(self, ts_ns: int, rules: Rules) -> None:
        """Go on under the rules of a later date, keeping what was seen.

        Raises
        ------
        UndertowError
            When they name another method: that is another mark, made anew.
        """
        if _method(rules, self.expiry_ns) != _method(self.rules, self.expiry_ns):
            raise UndertowError(
                f"mark price: the method changes to '{_method(rules, self.expiry_ns)}';"
                " make a new mark for it"
            )
        self._advance(ts_ns, ts_ns - 1)
        self.rules = rules
        self._moments = Moments(seconds_ns(self._step_s(rules.mark)))
        self._counted = self._moments.until(ts_ns - 1)
        self._follow(rules.mark)

    def _advance(self, ts_ns: int, until_ns: int) -> None:
        """Take the samples that fell due up to and with ``until_ns``."""
        is_first = self._clock.now_ns is None
        self._clock.advance(ts_ns)
        total = self._moments.until(until_ns)
        count = 0 if is_first else total - self._counted
        if is_first or count > 0:
            self._counted = total
        if count > 0 and self._market is not None:
            self._sample(self._market, count, total * self._moments.step_ns)

    def funded_price(self, ts_ns: int, index: Decimal) -> Decimal:
        """Index plus the funding still to come: ``index * (1 + rate * time left / interval)``.

        Before the first payment is known the rate counts as 0.
        """
        payment = self._payment
        if payment is None or ts_ns >= payment.next_ns:
            return index
        left, interval = (
            payment.next_ns - max(ts_ns, payment.due_ns),
            payment.next_ns - payment.due_ns,
        )
        return price1(
            index, payment.running_rate, Decimal(left) / _HOUR_NS, Decimal(interval) / _HOUR_NS
        )

    @abstractmethod
    def _step_s(self, rules: MarkRules) -> int:
        """Seconds between two samples."""

    @abstractmethod
    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        """Take ``count`` samples of this view, the last at ``last_ns``."""

    @abstractmethod
    def _price(self, ts_ns: int, market: Market) -> Decimal:
        """The mark from the latest view and the samples."""

    @abstractmethod
    def _follow(self, rules: MarkRules) -> None:
        """Take over windows and constants of new rules."""


class _AtOnce(Mark):
    """A mark that remembers no samples."""

    def __init__(self, rules: Rules, expiry_ns: int | None, price: PriceNow) -> None:
        super().__init__(rules, expiry_ns)
        self._now = price

    def _step_s(self, rules: MarkRules) -> int:
        return 1

    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        pass

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        return self._now(self, ts_ns, market)

    def _follow(self, rules: MarkRules) -> None:
        pass


def at_once(price: PriceNow) -> Callable[[Rules, int | None], Mark]:
    """A mark method from one function of the latest view: it needs no averages.

    The function takes the mark (for its ``rules`` and ``funded_price``), the time in nanoseconds
    and the `Market`, and returns the price.
    """

    def make(rules: Rules, expiry_ns: int | None = None) -> Mark:
        return _AtOnce(rules, expiry_ns, price)

    make.__doc__ = price.__doc__
    return make


def mark_of(rules: Rules, expiry_ns: int | None = None) -> Mark:
    """A new mark price by the venue's own method, for a perpetual or a dated contract.

    Raises
    ------
    UndertowError
        When the rules name no method, or lack a number that it needs.
    """
    made = methods.find("mark", _method(rules, expiry_ns))(rules, expiry_ns)
    if not isinstance(made, Mark):
        raise UndertowError(
            f"mark method '{_method(rules, expiry_ns)}': expected it to make a Mark"
        )
    return made


def needed(value: int | None, key: str) -> int:
    """A number above 0 that a method cannot do without.

    Raises
    ------
    UndertowError
        When no rule says it; a scenario can, with `Rules.with_values`.
    """
    if not value:
        raise UndertowError(f"no rule says {key}; give it with rules.with_values")
    return value


def _method(rules: Rules, expiry_ns: int | None) -> str:
    key = "model" if expiry_ns is None else "delivery_model"
    name: str | None = getattr(rules.mark, key)
    if name is None:
        raise UndertowError(f"{rules.venue}: no rule says mark.{key}")
    return name
