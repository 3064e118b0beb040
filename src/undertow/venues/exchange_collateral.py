"""Assets that count as margin beside cash, and the spot markets on which a venue sells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from undertow.errors import UndertowError
from undertow.model import codes
from undertow.model.contracts import Asset, Contract, Rules
from undertow.venues.exchange_assumptions import BY_CALLER, Assumption
from undertow.venues.exchange_policies import ppm
from undertow.venues.exchange_rules import MOST_TICKS, ROOM_UNITS, Listing, Terms, on_underlying
from undertow.venues.instruments import CASH_UNITS
from undertow.venues.instruments import Contract as Instrument

OWN_BOOK = "own_spot_book"
MOST_PRICE_UNITS = 10**12  # cash units of 10^6 units of an asset


@dataclass(frozen=True, slots=True)
class Collateral:
    """An asset that counts as margin for cross positions.

    Attributes
    ----------
    asset
        Its name.
    haircut
        The share of its value that does not count.
    price
        Where its price comes from: ``own_spot_book`` is the last trade of its spot market at this
        venue; any other name is a source outside, whose price `Venue.asset_price` tells. Without
        one, what the venue's rules of the day say (``collateral.price``).
    tick, lot
        Steps of its spot market, against the settlement asset; without them it has none. The
        market's symbol is both names: ``USDEUSDT``.
    """

    asset: str
    haircut: Decimal | str = "0"
    price: str | None = None
    tick: Decimal | str | None = None
    lot: Decimal | str | None = None


def with_collateral(made: Terms, collateral: Sequence[Collateral]) -> Terms:
    """The same terms with more assets and their spot markets.

    Raises
    ------
    UndertowError
        For a name that is there twice, a haircut that is no fraction, steps that are worth no
        whole number of 10^-6, and an own book where there is no market.
    """
    names = [made.asset, *(one.asset for one in collateral)]
    if len(set(names)) < len(names) or len(names) > codes.MOST_ASSETS:
        raise UndertowError(f"collateral: {', '.join(names)}: each asset once, not too many")
    assets, listings = [Asset()], list(made.listings)
    assumed = [one for one in made.assumptions if one.name != "collateral.price"]
    for number, one in enumerate(collateral, start=1):
        source = one.price or made.dated.collateral.price or "told"
        if source == OWN_BOOK and one.tick is None:
            raise UndertowError(f"{one.asset}: a price from its own book needs a market: tick, lot")
        most = MOST_PRICE_UNITS
        if one.tick is not None:
            tick = _step(one.asset, "tick", one.tick)
            most = min(most, int(MOST_TICKS * tick * CASH_UNITS))
            listings.append(_spot(made, one, number, tick))
            name = f"fees.{listings[-1].symbol}"
            assumed.append(Assumption(name, "0", "no fee of the spot market is known"))
        haircut = _haircut(one)
        assets.append(Asset(ppm(haircut), source == OWN_BOOK, most))
        assumed.append(Assumption(f"collateral.{one.asset}.haircut", str(haircut), BY_CALLER))
        if one.price or not made.dated.collateral.price:
            assumed.append(Assumption(f"collateral.{one.asset}.price", source, BY_CALLER))
    assumed.append(
        Assumption("collateral.exchange_threshold", "0", "no source says for which cash")
    )
    for place, listing in enumerate(made.listings):
        if listing.instrument.base in names[1:]:
            listings[place] = on_underlying(listing, names.index(listing.instrument.base))
    rules: Rules = replace(made.rules, assets=tuple(assets))
    return replace(
        made, rules=rules, listings=tuple(listings), assets=tuple(names),
        assumptions=tuple(assumed),
    )  # fmt: skip


def _haircut(one: Collateral) -> Decimal:
    haircut = _number(one.asset, "haircut", one.haircut)
    if not 0 <= haircut <= 1 or haircut * 10**6 % 1:
        raise UndertowError(f"{one.asset}: haircut: expected millionths from 0 to 1, got {haircut}")
    return haircut


def _step(asset: str, name: str, value: Decimal | str | None) -> Decimal:
    step = _number(asset, name, value)
    if step <= 0:
        raise UndertowError(f"{asset}: {name}: expected more than 0, got {value}")
    return step


def _number(asset: str, name: str, value: Decimal | str | None) -> Decimal:
    try:
        made = Decimal(str(value))
    except ArithmeticError:
        raise UndertowError(f"{asset}: {name}: '{value}' is no number") from None
    if not made.is_finite():
        raise UndertowError(f"{asset}: {name}: expected a finite number, got {value}")
    return made


def _spot(made: Terms, one: Collateral, number: int, tick: Decimal) -> Listing:
    """The spot market of an asset."""
    lot = _step(one.asset, "lot", one.lot)
    units = Fraction(tick) * Fraction(lot) * CASH_UNITS
    base = Fraction(lot) * CASH_UNITS
    if units.denominator != 1 or base.denominator != 1:
        raise UndertowError(
            f"{one.asset}: a tick of {tick} on a lot of {lot} is worth no whole number of 10^-6"
        )
    most = ROOM_UNITS // max(units.numerator * MOST_TICKS, base.numerator)
    if most < 1:
        raise UndertowError(f"{one.asset}: one lot at {MOST_TICKS} ticks is more than 2^60 units")
    contract = Contract(
        kind=codes.SPOT, units=units.numerator, max_price_ticks=MOST_TICKS, max_lots=most,
        max_position_lots=most, base_asset=number, base_units_per_lot=base.numerator,
    )  # fmt: skip
    instrument = Instrument(
        venue=made.dated.venue, as_of_ns=0, source="", confidence="", note=None,
        symbol=one.asset + made.asset, base=one.asset, quote=made.asset, settlement=made.asset,
        kind="spot", contract_size=Decimal(1), tick_size=tick, lot_size=lot, price_figures=None,
        min_quantity=None, min_notional=None, max_quantity=None, max_market_quantity=None,
        max_notional=None, max_market_notional=None, price_band_up=None, price_band_down=None,
        market_take_bound=None, trigger_protect=None, liquidation_fee_rate=None,
        max_leverage=None, assumed=(),
    )  # fmt: skip
    return Listing(instrument, contract, tick, lot)
