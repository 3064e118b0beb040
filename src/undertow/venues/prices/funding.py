"""Funding of one perpetual: premium samples, the rate of an interval, and when it is paid.

``observe`` what is seen, then take what fell due with ``due``. Intervals end at whole multiples
of their length from 00:00 UTC (BitMEX: from 04:00), and may change with the rate, by rule.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from undertow.errors import UndertowError
from undertow.venues import methods
from undertow.venues.formulas.binance_usdm_rates import premium_index
from undertow.venues.formulas.hyperliquid_rates import hip3_premium
from undertow.venues.formulas.inputs import Number, clamp, positive
from undertow.venues.prices.mark import needed
from undertow.venues.prices.market import Market
from undertow.venues.prices.payment import Payment
from undertow.venues.prices.sampling import Clock, IntervalMean, Moments, seconds_ns
from undertow.venues.rulebook import Rules

_HOUR_NS = 3_600 * 10**9
_ZERO = Decimal(0)


class Funding:
    """Funding of one symbol by a venue's own method.

    Parameters
    ----------
    rules
        The venue's rules at the start; `follow` takes those of a later date.
    start_ns
        When watching begins, nanoseconds since 1970; an interval under way has no samples before.
    symbol
        Picks caps that differ by symbol.
    interval_h
        Hours between payments; None takes the rules' default.
    maintenance_rate
        Of the symbol's lowest tier, where the cap depends on it; None takes the tier table's.
    seed
        Dice for venues that sample at random moments (Lighter).

    Raises
    ------
    UndertowError
        When the rules name no method, or lack a number that it needs.
    """

    def __init__(
        self,
        rules: Rules,
        start_ns: int,
        symbol: str = "",
        *,
        interval_h: int | None = None,
        maintenance_rate: Number | None = None,
        seed: int | None = None,
    ) -> None:
        self.symbol, self.seed = symbol, seed
        self._maintenance = (
            None if maintenance_rate is None else positive(maintenance_rate, "maintenance rate")
        )
        self._clock = Clock()
        self._clock.advance(start_ns)
        self._market: Market | None = None
        self._mark: Decimal | None = None
        self._set_rules(rules)
        self.interval_h = self._default_interval_h() if interval_h is None else interval_h
        if self.interval_h < 1:
            raise UndertowError(f"interval: expected at least 1 hour, got {self.interval_h}")
        self._next_ns = self._end_after(start_ns)
        self._mean = self._new_mean()
        self._taken_ns = start_ns
        self._hourly_rates: list[Decimal] = []
        self._coming: Decimal | None = None
        self._accrued = _ZERO
        self._payments: list[Payment] = []

    @property
    def next_ns(self) -> int | None:
        """When the next payment is due; None where funding accrues all the time."""
        return None if self._continuous else self._next_ns

    @property
    def cap(self) -> Decimal | None:
        """Greatest rate of one payment, either sign; None where no rule says one."""
        return self._cap

    def observe(self, ts_ns: int, market: Market, mark: Number | None = None) -> None:
        """See the market (and the mark price) as it is from ``ts_ns`` on.

        Raises
        ------
        UndertowError
            When the time falls.
        """
        self._clock.advance(ts_ns)
        self._take(self._before(ts_ns))
        self._market = market
        self._mark = None if mark is None else positive(mark, "mark price")

    def premium(self) -> Decimal | None:
        """Premium of the market as it was last seen; None where its prices are not there."""
        market = self._market
        if market is None:
            return None
        kind = self.rules.funding.premium
        if kind == "mid":
            mid = market.mid
            return None if mid is None else hip3_premium(mid, mid, market.index)
        if kind == "mark":
            return None if self._mark is None else self._mark / market.index - 1
        if market.impact_bid is None or market.impact_ask is None:
            return None
        if kind != "around_mark":
            return premium_index(market.impact_bid, market.impact_ask, market.index)
        if self._mark is None:
            return None
        around = premium_index(market.impact_bid, market.impact_ask, self._mark)
        return around * self._mark / market.index + (self._coming or _ZERO)

    def expected(self, ts_ns: int) -> Decimal | None:
        """Rate that the interval would have if it ended with the samples up to ``ts_ns``."""
        self._clock.advance(ts_ns)
        self._take(ts_ns)
        average = self.premium() if self._continuous else self._mean.mean()
        return None if average is None else self._rate(average)

    def due(self, ts_ns: int) -> tuple[Payment, ...]:
        """Payments that fell due since the last call, up to and with ``ts_ns``, oldest first.

        Where funding accrues all the time there is one payment, of what accrued since then.
        """
        self._clock.advance(ts_ns)
        self._take(ts_ns)
        payments, self._payments = tuple(self._payments), []
        if self._continuous:
            rate, self._accrued = self._accrued, _ZERO
            return (Payment(ts_ns, rate, ts_ns, self.premium()),) if rate else ()
        return payments

    def follow(self, ts_ns: int, rules: Rules) -> None:
        """Go on under the rules of a later date: the interval under way ends by the new ones.

        Raises
        ------
        UndertowError
            When the time falls, or the rules change between settlements and accrual.
        """
        if (rules.funding.accrual == "continuous") is not self._continuous:
            raise UndertowError("funding: it accrues in another way now; make a new one for it")
        self._clock.advance(ts_ns)
        self._take(self._before(ts_ns))
        self._set_rules(rules)

    def _before(self, ts_ns: int) -> int:
        """The last moment that still belongs to what was seen before ``ts_ns``."""
        return ts_ns if self._continuous else ts_ns - 1

    def _set_rules(self, rules: Rules) -> None:
        funding = rules.funding
        if funding.model is None:
            raise UndertowError(f"{rules.venue}: no rule says funding.model")
        self._method = methods.find("funding", funding.model)
        self.rules = rules
        self._continuous = funding.accrual == "continuous"
        self._cap = self._cap_of(rules)
        if self._continuous:
            return
        is_random = funding.sample_moment == "random_in_step"
        if is_random and self.seed is None:
            raise UndertowError(f"{rules.venue} samples at random moments: give a seed")
        step_ns = seconds_ns(needed(funding.sample_s, "funding.sample_s"))
        self._moments = Moments(step_ns, self.seed if is_random else None)

    def _default_interval_h(self) -> int:
        if self._continuous:
            return needed(self.rules.funding.rate_period_h, "funding.rate_period_h")
        return needed(self.rules.funding.interval_h, "funding.interval_h")

    def _cap_of(self, rules: Rules) -> Decimal | None:
        funding = rules.funding
        by_symbol = dict(funding.cap_rate_by_symbol or ())
        if self.symbol in by_symbol:
            return by_symbol[self.symbol]
        multiple = funding.cap_maintenance_multiple
        if multiple is None or self.symbol not in (funding.cap_maintenance_symbols or ()):
            return funding.cap_rate
        if self._maintenance is not None:
            return multiple * self._maintenance
        rate = rules.tiers(self.symbol).tiers[0].maintenance_rate
        return multiple * Decimal(rate.numerator) / rate.denominator

    def _end_after(self, ts_ns: int) -> int:
        """The first end of an interval after ``ts_ns``."""
        offset_ns = (self.rules.funding.settlement_offset_h or 0) * _HOUR_NS
        length_ns = self.interval_h * _HOUR_NS
        return ((ts_ns - offset_ns) // length_ns + 1) * length_ns + offset_ns

    def _new_mean(self) -> IntervalMean:
        rules = self.rules.funding
        hourly = rules.hourly_average if self.interval_h == 1 else None
        return IntervalMean((hourly or rules.average) == "later_weigh_more")

    def _take(self, until_ns: int) -> None:
        """Take all samples, and close all intervals, up to and with ``until_ns``."""
        if until_ns <= self._taken_ns:
            return
        if self._continuous:
            self._accrue(until_ns)
            return
        while self._next_ns <= until_ns:
            self._sample(self._next_ns)
            self._close()
        self._sample(until_ns)

    def _sample(self, until_ns: int) -> None:
        count = self._moments.until(until_ns) - self._moments.until(self._taken_ns)
        if count:
            self._mean.add(self.premium(), count)
        self._taken_ns = until_ns

    def _accrue(self, until_ns: int) -> None:
        premium = self.premium()
        if premium is not None:
            hours = Decimal(until_ns - self._taken_ns) / _HOUR_NS
            self._accrued += self._method(self.rules.funding, premium, hours)
        self._taken_ns = until_ns

    def _rate(self, premium: Decimal) -> Decimal:
        rules = self.rules.funding
        rate: Decimal = self._method(rules, premium, Decimal(self.interval_h))
        if self._cap is not None:
            rate = clamp(rate, -self._cap, self._cap)
        if rules.decimals is not None:
            rate = rate.quantize(Decimal(1).scaleb(-rules.decimals), rounding=ROUND_DOWN)
        return rate

    def _close(self) -> None:
        """End the interval: fix its rate, choose the next interval, note the payment."""
        rules = self.rules.funding
        due_ns, average = self._next_ns, self._mean.mean()
        rate = _ZERO if average is None else self._rate(average)
        samples = self._mean.samples
        at_cap = self._cap is not None and abs(rate) >= self._cap
        paid, coming = rate, None
        if rules.rate_of == "previous_interval":
            paid, coming = self._coming or _ZERO, rate
        self._switch_interval(rate, at_cap)
        self._next_ns = self._end_after(due_ns)
        self._mean = self._new_mean()
        self._coming = coming
        self._payments.append(
            Payment(due_ns, paid, self._next_ns, average, samples, at_cap, coming)
        )

    def _switch_interval(self, rate: Decimal, at_cap: bool) -> None:
        rules = self.rules.funding
        hourly, cycles, limit = rules.at_cap_interval_h, rules.quiet_cycles, rules.quiet_rate
        # Kept also before there is such a rule: it may count payments from before its own date.
        kept = self._hourly_rates[1 - (cycles or 24) :]
        self._hourly_rates = [*kept, rate] if self.interval_h == 1 else []
        was_quiet = limit is not None and all(abs(one) <= limit for one in self._hourly_rates)
        if at_cap and hourly and self.symbol not in (rules.at_cap_except_symbols or ()):
            self.interval_h = min(self.interval_h, hourly)
        elif cycles and was_quiet and len(self._hourly_rates) >= cycles:
            self.interval_h = rules.quiet_interval_h or self.interval_h
