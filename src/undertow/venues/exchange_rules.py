"""From a venue's dated rules to the whole units in which an exchange counts.

Money is in 10^-6 of the settlement asset, prices are in ticks, quantities in lots. A rule that
the engine needs and the files lack is assumed, and named in ``Terms.assumptions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from undertow.errors import UndertowError, nearest
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.venues import rulebook
from undertow.venues.exchange_assumptions import Assumption, Assumptions
from undertow.venues.exchange_policies import engine_rules, ppm
from undertow.venues.exchange_tiers import ladder
from undertow.venues.instruments import CASH_UNITS
from undertow.venues.instruments import Contract as Instrument

# The largest position at the highest price stays below this many cash units, so that no sum of
# two and no product with a rate leaves int64. Prices may rise to 10^8 ticks, most are 10^4 to
# 10^6 ticks high.
ROOM_UNITS = 2**60
MOST_TICKS = 10**8

KINDS = {"linear": codes.LINEAR, "dated": codes.LINEAR, "inverse": codes.INVERSE}


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument as an exchange trades it: ``contract`` in ticks and lots of these sizes."""

    instrument: Instrument
    contract: Contract
    tick: Decimal
    lot: Decimal

    @property
    def symbol(self) -> str:
        """Its name at the venue."""
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Terms:
    """All that an exchange is made from; ``asset`` is what its cash units are millionths of."""

    book: rulebook.Rules
    rules: Rules
    listings: tuple[Listing, ...]
    asset: str
    assumptions: tuple[Assumption, ...]


def terms(
    book: rulebook.Rules,
    symbols: Sequence[str],
    *,
    lots: Mapping[str, str] | None = None,
    assume: Mapping[str, Any] | None = None,
) -> Terms:
    """What a venue's rules mean in whole units.

    Parameters
    ----------
    book
        The rules on a day.
    symbols
        What shall trade; all of them are settled in one asset.
    lots
        By symbol, a lot that is a multiple of the venue's own.
    assume
        Values for rules that the files lack, or in place of what they say: see `Assumptions`.

    Raises
    ------
    UndertowError
        For an unknown symbol, method or key; for a tick and lot that are worth no whole number
        of 10^-6 of the settlement asset; for symbols of several settlement assets.
    """
    if not symbols:
        raise UndertowError(f"{book.venue}: name at least one symbol")
    used = Assumptions(assume or {})
    book = used.rules(book)
    instruments = [book.instrument(symbol) for symbol in symbols]
    assets = sorted({instrument.settlement for instrument in instruments})
    if len(assets) > 1:
        raise UndertowError(
            f"{book.venue}: {', '.join(symbols)} are settled in {' and '.join(assets)}; an"
            " exchange counts in one asset"
        )
    own = dict(lots or {})
    for symbol in own:
        if symbol not in symbols:
            raise UndertowError(f"lots: no symbol '{symbol}'{nearest(symbol, symbols)}")
    listings = tuple(listing(book, one, own.get(one.symbol), used) for one in instruments)
    least_leverage = min(one.contract.tiers[0].max_leverage for one in listings)
    rules = engine_rules(book, least_leverage, used)
    used.note_simpler(book)
    return Terms(book, rules, listings, assets[0], tuple(used.found.values()))


def listing(
    book: rulebook.Rules, instrument: Instrument, lot: str | None, used: Assumptions
) -> Listing:
    """One instrument in ticks and lots.

    Raises
    ------
    UndertowError
        For a lot that is no multiple of the venue's own, or whose value is not a whole number.
    """
    symbol = instrument.symbol
    own = instrument.lot_size if lot is None else Decimal(lot)
    if own <= 0 or own % instrument.lot_size:
        raise UndertowError(f"lots: {symbol} needs a multiple of {instrument.lot_size}, not {own}")
    multiple = int(own / instrument.lot_size)
    worth = instrument.unit_value() * multiple * CASH_UNITS
    if worth.denominator != 1:
        enough = instrument.lot_size * instrument.lots_per_cash_unit()
        raise UndertowError(
            f"{symbol}: a tick of {instrument.tick_size} on a lot of {own} is worth"
            f" {float(worth):g} of 10^-6 {instrument.settlement}, no whole number; trade in lots"
            f" of {enough}: lots={{'{symbol}': '{enough}'}}"
        )
    tiers = ladder(book, instrument, own, used)
    is_inverse = instrument.kind == "inverse"
    units = worth.numerator
    most = ROOM_UNITS // (units if is_inverse else units * MOST_TICKS)
    if most < 1:
        raise UndertowError(f"{symbol}: one lot at {MOST_TICKS} ticks is more than 2^60 units")
    contract = Contract(
        kind=KINDS[instrument.kind], units=units, max_price_ticks=MOST_TICKS,
        min_lots=max(1, _lots(instrument.min_quantity, own, 1, up=True)),
        max_lots=min(most, _lots(instrument.max_quantity, own, most)),
        max_position_lots=most, min_notional_units=_min_notional(instrument, used),
        band_up_ppm=ppm((instrument.price_band_up or 1) - 1),
        band_down_ppm=ppm(1 - (1 if instrument.price_band_down is None
                                else instrument.price_band_down)),
        market_bound_ppm=ppm(instrument.market_take_bound or 0),
        maker_fee_ppm=ppm(used.value(book, "fees.maker_rate")),
        taker_fee_ppm=ppm(used.value(book, "fees.taker_rate")),
        liquidation_fee_ppm=ppm(_liquidation_fee(book, instrument, used)),
        tiers_by_lots=tiers.by_lots, slope_ppb_per_lot=tiers.slope_ppb_per_lot, tiers=tiers.tiers,
    )  # fmt: skip
    for column in instrument.assumed:
        used.note(f"instrument.{symbol}.{column}", getattr(instrument, column), "our choice")
    return Listing(instrument, contract, instrument.tick_size, own)


def _liquidation_fee(book: rulebook.Rules, instrument: Instrument, used: Assumptions) -> Decimal:
    """The rule for the symbol, else what was read of the instrument, else the rule for all."""
    symbol, read = instrument.symbol, instrument.liquidation_fee_rate
    own = dict(book.liquidation.fee_rate_by_symbol or ()).get(symbol)
    if own is not None and own != read:
        used.cited(book, f"liquidation.fee_rate_by_symbol.{symbol}", own)
    if own is not None:
        return own
    return Decimal(used.value(book, "liquidation.fee_rate")) if read is None else read


def _min_notional(instrument: Instrument, used: Assumptions) -> int:
    least = instrument.min_notional
    if least is None:
        return 0
    if instrument.kind == "inverse":
        used.note(f"instrument.{instrument.symbol}.min_notional", "none",
                  "an inverse contract's size is counted in coins")  # fmt: skip
        return 0
    return -int(-least * CASH_UNITS // 1)


def _lots(quantity: Decimal | None, lot: Decimal, other: int, *, up: bool = False) -> int:
    if quantity is None:
        return other
    lots = Fraction(quantity) / Fraction(lot)
    return -(-lots.numerator // lots.denominator) if up else int(lots)
