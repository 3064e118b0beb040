"""HTX (Huobi): adjustment factor, maintenance ratio and the two margin ratios."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from undertow.errors import UndertowError, shown
from undertow.venues.formulas.inputs import Number, leverage, not_negative, number, positive

Row = tuple[Number, Number | None, Number]

# The page that holds the worked example prints its ladder only as a picture. What is known is
# that 18,000 contracts at 10x fall under 12.5 %; the bounds of that step are assumed, from the
# coin-margined ladder (1,000 to 9,999 contracts of 100 USD: 12.5 %) in contracts a tenth as big.
KNOWN_STEPS: dict[tuple[str, int], tuple[Row, ...]] = {
    ("BTCUSDT", 10): ((10_000, 99_999, "0.125"),),
}


def net_position(long_contracts: Number, short_contracts: Number) -> Decimal:
    """Contracts that set the tier: the difference of both sides, without sign."""
    held = not_negative(long_contracts, "long contracts")
    return abs(held - not_negative(short_contracts, "short contracts"))


def ladder(symbol: str, leverage_used: Number) -> tuple[Row, ...]:
    """The known steps of a contract's ladder at a leverage; bounds are assumed, see above.

    The symbol is BTC/USDT, BTC-USDT as in the venue's API, or BTCUSDT.
    Source: huobi.com/support/es-es/detail/900001326606.
    """
    times = leverage(leverage_used)
    name = str(symbol).replace("/", "").replace("-", "")
    steps = KNOWN_STEPS.get((name, int(times))) if times == int(times) else None
    if steps is None:
        raise UndertowError(f"HTX adjustment factors of {shown(symbol)} at {times}x: not known")
    return steps


def adjustment_factor(contracts: Number, steps: Sequence[Row]) -> Decimal:
    """Factor of a net position from a ladder of first size, last size (None: open), factor."""
    size = not_negative(contracts, "net contracts")
    for first, last, factor in steps:
        low = not_negative(first, "first size")
        if size >= low and (last is None or size <= not_negative(last, "last size")):
            return positive(factor, "adjustment factor")
    raise UndertowError(f"net contracts: {size} is in no known step of the ladder")


def maintenance_ratio(factor: Number, leverage_used: Number) -> Decimal:
    """``adjustment factor / leverage``, a fraction of the position's value.

    Source: huobi.com/support/es-es/detail/900001326606 and help 104919792315746.
    """
    return positive(factor, "adjustment factor") / leverage(leverage_used)


def old_margin_ratio(equity: Number, used_margin: Number, factor: Number) -> Decimal:
    """``equity / used margin - factor``; liquidated at 0 and below, on last and EMA price."""
    share = number(equity, "equity") / positive(used_margin, "used margin")
    return share - positive(factor, "adjustment factor")


def margin_ratio(
    factor: Number, leverage_used: Number, used_margin: Number, equity: Number
) -> Decimal:
    """``maintenance ratio * leverage * used margin / equity``; liquidated at 1 and above.

    Source: help 104919792315746. Both ratios reach their border at the same equity.
    """
    ratio = maintenance_ratio(factor, leverage_used) * leverage(leverage_used)
    return ratio * positive(used_margin, "used margin") / positive(equity, "equity")
