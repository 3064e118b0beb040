"""The venues' mark prices, by the names that rules files use for them.

A price that does not exist yet (no trade, an empty side of the book) drops out of a median; no
venue but Hyperliquid says what it does then. The mark is then made of what is there.
"""

from __future__ import annotations

from decimal import Decimal

from undertow.errors import UndertowError, nearest
from undertow.venues import methods
from undertow.venues.formulas.inputs import clamp
from undertow.venues.prices.mark import Mark, at_once, needed
from undertow.venues.prices.market import Market, median_of, weighted_median
from undertow.venues.prices.sampling import DecayingMean, WindowMean, seconds_ns
from undertow.venues.rule_models import MarkRules
from undertow.venues.rulebook import Rules

_YEAR_NS = 365 * 86_400 * 10**9


class _BasisMark(Mark):
    """A mark with a moving average of the basis, contract price less index."""

    def __init__(self, rules: Rules, expiry_ns: int | None = None) -> None:
        super().__init__(rules, expiry_ns)
        self._mean = WindowMean(self._window_ns(rules.mark))
        self._ema = DecayingMean(self._window_ns(rules.mark))

    def _step_s(self, rules: MarkRules) -> int:
        window_s = needed(rules.basis_window_s, "mark.basis_window_s")
        if rules.basis_step_s is None and rules.basis_points:
            return needed(window_s // rules.basis_points, "mark.basis_step_s")
        return needed(rules.basis_step_s, "mark.basis_step_s")

    def _window_ns(self, rules: MarkRules) -> int:
        dated = rules.delivery_basis_window_s if self.expiry_ns is not None else None
        return seconds_ns(needed(dated or rules.basis_window_s, "mark.basis_window_s"))

    def _follow(self, rules: MarkRules) -> None:
        self._mean.window_ns = self._ema.constant_ns = self._window_ns(rules)

    def _basis(self, market: Market) -> Decimal | None:
        price = self._contract_price(market)
        return None if price is None else price - market.index

    def _contract_price(self, market: Market) -> Decimal | None:
        return market.impact_mid if self.rules.mark.basis_price == "impact_mid" else market.mid

    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        basis = self._basis(market)
        self._ema.add(basis, count, self._moments.step_ns)
        if basis is not None:
            self._mean.add(basis, count, last_ns, self._moments.step_ns)

    def _average(self, ts_ns: int) -> Decimal | None:
        is_ema = self.rules.mark.basis_average == "ema"
        return self._ema.mean() if is_ema else self._mean.mean(ts_ns)

    def _with_basis(self, ts_ns: int, index: Decimal) -> Decimal | None:
        average = self._average(ts_ns)
        return None if average is None else index + average


@methods.register("mark", "median_of_three")
class MedianOfThree(_BasisMark):
    """Median of the funded index, the index plus the average basis, and a price of the contract.

    Source: Binance FAQ 360033525071 and the announcement of 2025-09-16; Bybit help "Mark Price
    Calculation (Perpetual Contract)", 2024-10-16; Bitget support 12560603824106; Lighter docs,
    fair price marking (the impact price in place of the last).
    """

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        is_impact = self.rules.mark.third_price == "impact_mid"
        third = market.impact_mid if is_impact else market.last
        funded = self.funded_price(ts_ns, market.index)
        marked = median_of(funded, self._with_basis(ts_ns, market.index), third)
        return funded if marked is None else marked


@methods.register("mark", "index_plus_average_basis")
class IndexPlusAverageBasis(_BasisMark):
    """Index plus the average basis, within a band of the index where rules have one.

    Source: Binance FAQ 360033525071 (delivery contracts); OKX support 360035846251; Deribit
    docs (exponential average of 30 s).
    """

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        marked = self._with_basis(ts_ns, market.index)
        if marked is None:
            return market.index
        band = self.rules.mark.band_rate
        if band is None:
            return marked
        return clamp(marked, market.index * (1 - band), market.index * (1 + band))


@methods.register("mark", "index_times_average_basis_rate")
class IndexTimesAverageBasisRate(_BasisMark):
    """``index * (1 + average of (impact mid - index) / index)``: Bybit's dated contracts.

    Source: Bybit help "Mark Price Calculation (Futures Contracts)", 2023-12-04.
    """

    def _basis(self, market: Market) -> Decimal | None:
        price = market.impact_mid
        return None if price is None else (price - market.index) / market.index

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        return market.index * (1 + (self._average(ts_ns) or 0))


@methods.register("mark", "fair_price")
@at_once
def fair_price(mark: Mark, ts_ns: int, market: Market) -> Decimal:
    """Index plus the funding still to come; the contract's own price does not count.

    Source: BitMEX, fair price marking; Gate.io blog 362.
    """
    return mark.funded_price(ts_ns, market.index)


@methods.register("mark", "fair_basis")
class FairBasis(Mark):
    """``index * (1 + r * t)`` of a dated contract; r is the yearly basis of the impact middle.

    ``r = (impact mid / index - 1) / t`` at each sample, ``t`` the years of 365 days to expiry.
    A venue keeps the old r while the impact spread is wider than the maintenance rate times the
    index; which symbol's rate that is, rules files do not say, so it is not looked at here.
    Source: BitMEX, fair price marking; Gate support 17601.
    """

    def __init__(self, rules: Rules, expiry_ns: int | None = None) -> None:
        super().__init__(rules, expiry_ns)
        if expiry_ns is None:
            raise UndertowError("mark method 'fair_basis': only for a contract that expires")
        self._expiry_ns = expiry_ns
        self._rate = Decimal(0)

    def _step_s(self, rules: MarkRules) -> int:
        return needed(rules.basis_step_s, "mark.basis_step_s")

    def _follow(self, rules: MarkRules) -> None:
        pass

    def _years(self, ts_ns: int) -> Decimal:
        return Decimal(max(0, self._expiry_ns - ts_ns)) / _YEAR_NS

    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        years = self._years(last_ns)
        if market.impact_mid is not None and years > 0:
            self._rate = (market.impact_mid / market.index - 1) / years

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        return market.index * (1 + self._rate * self._years(ts_ns))


@methods.register("mark", "median_of_oracle_book_and_external")
class MedianOfOracleBookAndExternal(Mark):
    """Hyperliquid: median of three prices; of exactly two, with a fourth.

    The three: oracle plus the average of mid less oracle; median of bid, ask and last;
    weighted median of other venues' perpetuals. The fourth: the average of the second.
    Source: Hyperliquid docs, robust price indices.
    """

    def __init__(self, rules: Rules, expiry_ns: int | None = None) -> None:
        super().__init__(rules, expiry_ns)
        self._above_oracle = DecayingMean(1)
        self._book = DecayingMean(1)
        self._follow(rules.mark)

    def _step_s(self, rules: MarkRules) -> int:
        return needed(rules.update_s, "mark.update_s")

    def _follow(self, rules: MarkRules) -> None:
        self._above_oracle.constant_ns = seconds_ns(needed(rules.oracle_ema_s, "mark.oracle_ema_s"))
        self._book.constant_ns = seconds_ns(needed(rules.book_ema_s, "mark.book_ema_s"))

    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        above = None if market.mid is None else market.mid - market.index
        self._above_oracle.add(above, count, self._moments.step_ns)
        self._book.add(market.book_median, count, self._moments.step_ns)

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        above = self._above_oracle.mean()
        prices = [
            None if above is None else market.index + above,
            market.book_median,
            self._external(market),
        ]
        if sum(price is not None for price in prices) == 2:
            prices.append(self._book.mean())
        marked = median_of(*prices)
        return market.index if marked is None else marked

    def _external(self, market: Market) -> Decimal | None:
        weights = dict(self.rules.mark.external_weight_by_venue or ())
        for venue, _ in market.perpetuals:
            if venue not in weights:
                raise UndertowError(
                    f"perpetual of '{venue}' has no weight{nearest(venue, weights)}"
                )
        prices = [(mid, weights[venue]) for venue, mid in market.perpetuals]
        return weighted_median(prices) if prices else None


@methods.register("mark", "median_of_fair_depth_and_ema")
class MedianOfFairDepthAndEma(Mark):
    """HTX: median of the funded index, the impact middle, and the average of the last price.

    Source: reports about HTX's mark price (second hand).
    """

    def __init__(self, rules: Rules, expiry_ns: int | None = None) -> None:
        super().__init__(rules, expiry_ns)
        self._last = DecayingMean(1)
        self._follow(rules.mark)

    def _step_s(self, rules: MarkRules) -> int:
        return needed(rules.update_s, "mark.update_s")

    def _follow(self, rules: MarkRules) -> None:
        self._last.constant_ns = seconds_ns(needed(rules.last_ema_s, "mark.last_ema_s"))

    def _sample(self, market: Market, count: int, last_ns: int) -> None:
        self._last.add(market.last, count, self._moments.step_ns)

    def _price(self, ts_ns: int, market: Market) -> Decimal:
        funded = self.funded_price(ts_ns, market.index)
        marked = median_of(funded, market.impact_mid, self._last.mean())
        return funded if marked is None else marked
