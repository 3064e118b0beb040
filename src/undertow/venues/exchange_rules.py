"""From a venue's dated rules to the whole units in which an exchange counts.

Money is in 10^-6 of the settlement asset, prices are in ticks, quantities in lots. A rule that
the engine needs and the files lack is assumed, and named in ``Terms.assumptions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from undertow.errors import UndertowError, nearest
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.venues import rulebook
from undertow.venues.exchange_assumptions import TIERS, Assumption, Assumptions
from undertow.venues.exchange_policies import engine_rules, portfolio_range_ppm, ppm
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
    """All that an exchange is made from; ``asset`` is what its cash units are millionths of.

    ``assets`` are its name and those of the collateral, in the engine's order.
    """

    dated: rulebook.Rules
    rules: Rules
    listings: tuple[Listing, ...]
    asset: str
    assumptions: tuple[Assumption, ...]
    assets: tuple[str, ...]


def terms(
    dated: rulebook.Rules,
    symbols: str | Sequence[str],
    *,
    lots: Mapping[str, str] | None = None,
    assume: Mapping[str, Any] | None = None,
) -> Terms:
    """What a venue's rules mean in whole units.

    Parameters
    ----------
    dated
        The rules on a day.
    symbols
        What shall trade, one or more; all of them are settled in one asset.
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
    symbols = [symbols] if isinstance(symbols, str) else list(symbols)
    if not symbols or len(set(symbols)) < len(symbols):
        raise UndertowError(f"{dated.venue}: name at least one symbol, and each once")
    used = Assumptions(assume or {})
    given = [key.removeprefix(TIERS) for key in used.given if key.startswith(TIERS)]
    for what, keys in (("lots", list(lots or {})), ("margin.tiers", given)):
        for symbol in keys:
            if symbol not in symbols:
                raise UndertowError(f"{what}: no symbol '{symbol}'{nearest(symbol, symbols)}")
    dated = used.rules(dated)
    instruments = [dated.instrument(symbol) for symbol in symbols]
    assets = sorted({instrument.settlement for instrument in instruments})
    if len(assets) > 1:
        raise UndertowError(
            f"{dated.venue}: {', '.join(symbols)} are settled in {' and '.join(assets)}; an"
            " exchange counts in one asset"
        )
    own = dict(lots or {})
    listings = tuple(listing(dated, one, own.get(one.symbol), used) for one in instruments)
    bases = sorted({instrument.base for instrument in instruments})
    listings = tuple(
        on_underlying(one, codes.MOST_ASSETS + bases.index(one.instrument.base)) for one in listings
    )
    least_leverage = min(one.contract.tiers[0].max_leverage for one in listings)
    rules = engine_rules(dated, least_leverage, used)
    used.note_simpler(dated)
    return Terms(dated, rules, listings, assets[0], tuple(used.found.values()), (assets[0],))


def listing(
    dated: rulebook.Rules, instrument: Instrument, lot: str | None, used: Assumptions
) -> Listing:
    """One instrument in ticks and lots.

    Raises
    ------
    UndertowError
        For a lot that is no multiple of the venue's own, or whose value is not a whole number.
    """
    symbol = instrument.symbol
    own = instrument.lot_size if lot is None else _multiple(instrument, lot)
    multiple = int(own / instrument.lot_size)
    worth = instrument.unit_value() * multiple * CASH_UNITS
    if worth.denominator != 1:
        enough = instrument.lot_size * instrument.lots_per_cash_unit()
        raise UndertowError(
            f"{symbol}: a tick of {instrument.tick_size} on a lot of {own} is worth"
            f" {float(worth):g} of 10^-6 {instrument.settlement}, no whole number; trade in lots"
            f" of {enough}: lots={{'{symbol}': '{enough}'}}"
        )
    tiers = ladder(dated, instrument, own, used)
    is_inverse = instrument.kind == "inverse"
    units = worth.numerator
    # With coarse ticks so many would be no price, and take room from positions.
    most_ticks = int(MOST_TICKS / max(Decimal(1), instrument.tick_size))
    most = ROOM_UNITS // (units if is_inverse else units * most_ticks)
    if most < 1:
        raise UndertowError(f"{symbol}: one lot at {most_ticks} ticks is more than 2^60 units")
    contract = Contract(
        kind=KINDS[instrument.kind], units=units, max_price_ticks=most_ticks,
        min_lots=max(1, _lots(instrument.min_quantity, own, 1, up=True)),
        max_lots=min(most, _lots(instrument.max_quantity, own, most)),
        max_position_lots=most, min_notional_units=_min_notional(instrument, used),
        band_up_ppm=ppm((instrument.price_band_up or 1) - 1),
        band_down_ppm=ppm(1 - (1 if instrument.price_band_down is None
                                else instrument.price_band_down)),
        market_bound_ppm=ppm(instrument.market_take_bound or 0),
        maker_fee_ppm=ppm(used.value(dated, "fees.maker_rate")),
        taker_fee_ppm=ppm(used.value(dated, "fees.taker_rate")),
        liquidation_fee_ppm=ppm(_liquidation_fee(dated, instrument, used)),
        portfolio_range_ppm=portfolio_range_ppm(dated, instrument.base, used),
        tiers_by_lots=tiers.by_lots, slope_ppb_per_lot=tiers.slope_ppb_per_lot, tiers=tiers.tiers,
    )  # fmt: skip
    for column in instrument.assumed:
        used.note(f"instrument.{symbol}.{column}", getattr(instrument, column), "our choice")
    return Listing(instrument, contract, instrument.tick_size, own)


def on_underlying(one: Listing, number: int) -> Listing:
    """The same instrument with the number of its underlying: an asset's, or above all of them."""
    return replace(one, contract=replace(one.contract, underlying=number))


def _multiple(instrument: Instrument, lot: str) -> Decimal:
    """A lot that somebody asks for, if it is a multiple of the venue's own."""
    step = instrument.lot_size
    try:
        own = Decimal(lot)
        is_multiple = own > 0 and own % step == 0
    except ArithmeticError:
        is_multiple = False
    if not is_multiple:
        raise UndertowError(f"lots: {instrument.symbol} needs a multiple of {step}, not {lot}")
    return own


def _liquidation_fee(dated: rulebook.Rules, instrument: Instrument, used: Assumptions) -> Decimal:
    """The rule for the symbol, else what was read of the instrument, else the rule for all."""
    symbol, read = instrument.symbol, instrument.liquidation_fee_rate
    own = dict(dated.liquidation.fee_rate_by_symbol or ()).get(symbol)
    if own is not None and own != read:
        used.cited(dated, f"liquidation.fee_rate_by_symbol.{symbol}", own)
    if own is not None:
        return own
    return Decimal(used.value(dated, "liquidation.fee_rate")) if read is None else read


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
