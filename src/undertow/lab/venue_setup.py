"""A venue of a scenario: its rules of the day with what is missing taken from elsewhere, opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from undertow.errors import UndertowError
from undertow.lab.quantities import Value, read_value
from undertow.lab.scenario_files import VenuePart
from undertow.lab.scenario_numbers import Interval
from undertow.model.assets import coins_per_unit
from undertow.venues import rulebook
from undertow.venues.exchange import Venue
from undertow.venues.exchange_collateral import Collateral as VenueCollateral
from undertow.venues.exchange_collateral import with_collateral
from undertow.venues.exchange_rules import Listing, Terms, terms

# Binance's symbols, whose tiers stand in where a venue's own are not known.
TIERS_QUOTE = "USDT"
Stamp = tuple[tuple[str, int, int], ...]
# A source of prices outside the venue, as `exchange_collateral.Collateral.price` names it.
TOLD = "told"
# The most that a whole coin may be worth, in cash units: the lower, the more coins fit in.
MOST_COIN_UNITS = 10 * 10**6


@dataclass(frozen=True, slots=True)
class Collateral:
    """An asset beside cash that counts as margin.

    ``price`` is own_spot_book, index or redemption; ``share_of_accounts`` how many of the crowd's
    accounts at the venue use it, ``share_of_equity`` how much of the margin of those is in it.
    """

    asset: str
    haircut: float
    price: str
    tick: str | None
    lot: str | None
    share_of_accounts: float
    share_of_equity: float


@dataclass(frozen=True, slots=True)
class VenueSetup:
    """A venue of leverage on the eve.

    Attributes
    ----------
    rules
        Venue and day: ``binance-usdm@2025-11-03``.
    symbols
        The venue's symbol of each asset, in the scenario's order.
    steps_from, tiers_from
        Whose ticks, lots and margin tiers stand in where the rules have none of that day.
    contract_from, coin_leverage
        By asset, whose contract stands in where the rules have none of that coin at all, and the
        greatest leverage of such a coin where the venue's margins follow from it.
    exposure
        How much of its open interest has enough leverage to be liquidated some day, against other
        venues of the run: only the ratios count.
    assume, override
        Rules that the files lack, and rules that are changed.
    stands_for
        By asset, how many equal coins one symbol stands for: so many times an order and a margin
        tier hold; its public feed of liquidations is that of as many uneven ones (`feeds.UNEVEN`).
    max_leverage
        A cap on every tier's leverage; None without.
    liquidation_delay_s
        How late the venue looks at marks for liquidation.
    """

    id: str
    rules: str
    quote: str
    symbols: dict[str, str]
    open_interest_usd: dict[str, Interval]
    depth_usd: dict[str, Interval]
    insurance_fund_usd: Interval
    accounts: int
    assume: dict[str, Value]
    override: dict[str, Value]
    lots: dict[str, str]
    stands_for: dict[str, int]
    steps_from: str | None
    tiers_from: str | None
    contract_from: dict[str, str]
    coin_leverage: dict[str, float]
    exposure: float
    collateral: tuple[Collateral, ...]
    max_leverage: float | None
    liquidation_delay_s: float

    def dated_rules(self) -> rulebook.Rules:
        """The rules of the day, with changes and with steps from elsewhere.

        Raises
        ------
        UndertowError
            For rules that are not known, and changes that they cannot have.
        """
        rules = _with_steps(self.rules, self.steps_from)
        for asset, lender in self.contract_from.items():
            rules = _with_contract(
                rules, self.symbols[asset], asset, lender, self.coin_leverage.get(asset)
            )
        for key, value in self.override.items():
            rules = _changed(rules, key, value)
        return rules

    def assumptions(self) -> dict[str, Any]:
        """What `Venue.open` is told to assume, margin tiers included."""
        rules = self.dated_rules()
        rows: dict[str, Any] = dict(self.assume)
        for asset, symbol in self.symbols.items():
            tiers = self._tiers(rules, asset, symbol)
            if tiers:
                rows[f"margin.tiers.{symbol}"] = tiers
                if self.tiers_from is not None:
                    # Stand-in tiers are in dollars, whatever the venue counts in.
                    rows.setdefault("margin.tier_measure", "notional")
        return rows

    def terms(self) -> Terms:
        """The rules in whole units, for those who make an engine themselves.

        Assets beside cash that count as margin are in them without a spot market: the engine is
        told their price.

        Raises
        ------
        UndertowError
            When the rules do not suffice; the message says what is missing.
        """
        made = terms(self.dated_rules(), list(self.symbols.values()), lots=self._lots(),
                     assume=self.assumptions())  # fmt: skip
        counts = [self.stands_for.get(asset, 1) for asset in self.symbols]
        baskets = [_basket(one, count) for one, count in zip(made.listings, counts, strict=True)]
        made = replace(made, listings=tuple(baskets))
        told = [VenueCollateral(one.asset, str(one.haircut), TOLD) for one in self.collateral]
        if not told:
            return made
        made = with_collateral(made, told)
        cash, *coins = made.rules.assets
        bounded = [replace(one, max_price_units=MOST_COIN_UNITS) for one in coins]
        return replace(made, rules=replace(made.rules, assets=(cash, *bounded)))

    def open(self, accounts: int) -> Venue:
        """The venue, empty, with this many accounts.

        Raises
        ------
        UndertowError
            When the rules do not suffice; the message says what is missing.
        """
        return Venue.open(
            self.dated_rules(), list(self.symbols.values()), accounts=accounts, lots=self._lots(),
            assume=self.assumptions(), collateral=self._collateral(),
        )  # fmt: skip

    def _lots(self) -> dict[str, str]:
        """By symbol; a scenario names them by asset."""
        return {self.symbols[asset]: lot for asset, lot in self.lots.items()}

    def _collateral(self) -> list[VenueCollateral]:
        return [VenueCollateral(one.asset, str(one.haircut), one.price, one.tick, one.lot)
                for one in self.collateral]  # fmt: skip

    def _tiers(self, rules: rulebook.Rules, asset: str, symbol: str) -> list[tuple[str, str, str]]:
        """Rows of floor, rate and leverage, where they stand in or where leverage is capped."""
        if self.tiers_from is not None:
            rows = _rows(self.tiers_from, asset)
        elif self.max_leverage is None:
            return []
        else:
            rows = _own_rows(rules, symbol)
        cap = self.max_leverage
        return [
            (floor, rate, leverage if cap is None else _least(leverage, cap))
            for floor, rate, leverage in rows
        ]


def check_rules(part: VenuePart, assets: tuple[str, ...]) -> list[tuple[str, str]]:
    """What is wrong with a venue's rules, symbols or changes, by key path."""
    key = f"venue.{part.id}"
    try:
        rules = _with_steps(part.rules, str(part.steps_from.value) if part.steps_from else None)
    except UndertowError as error:
        return [(f"{key}.rules", str(error))]
    for name, number in part.override.items():
        try:
            _changed(rules, name, number.value)
        except UndertowError as error:
            return [(f"{key}.override", str(error))]
    for asset in (one for one in assets if one in part.symbols):
        if problem := _other_unit(asset, part.symbols[asset]):
            return [(f"{key}.symbols.{asset}", problem)]
        try:
            if asset in part.contract_from:
                lender = str(part.contract_from[asset].value)
                rules = _with_contract(rules, part.symbols[asset], asset, lender, None)
            rules.instrument(part.symbols[asset])
        except UndertowError as error:
            return [(f"{key}.symbols.{asset}", str(error))]
        if part.tiers_from is not None:
            try:
                _rows(str(part.tiers_from.value), asset)
            except UndertowError as error:
                return [(f"{key}.tiers_from", str(error))]
    return []


def _other_unit(asset: str, symbol: str) -> str:
    """What is wrong where a symbol's price is for another number of coins than the asset's."""
    own, theirs = coins_per_unit(asset), coins_per_unit(symbol)
    if own == theirs:
        return ""
    return (
        f"the price of '{symbol}' is for {theirs:,} of the coin, that of '{asset}' for {own:,}: all"
        " venues of a scenario have one price, so expected a symbol of the same unit"
    )


def _load(name: str) -> rulebook.Rules:
    return _read_once(name, _stamp(name))


@cache
def _read_once(name: str, stamp: Stamp) -> rulebook.Rules:
    return rulebook.load(name)


def _stamp(name: str) -> Stamp:
    """Tells whether files of a user's own have changed since they were read."""
    files = [file for file in rulebook.own_files(name) if file.is_file()]
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def _with_steps(name: str, steps_from: str | None) -> rulebook.Rules:
    return _moved(name, steps_from, _stamp(name) + _stamp(steps_from or ""))


@cache
def _moved(name: str, steps_from: str | None, stamp: Stamp) -> rulebook.Rules:
    """Rules of a day with the steps and limits that were read on another one."""
    rules = _load(name)
    if steps_from is None:
        return rules
    other = _load(steps_from)
    nearest_day = {one.symbol: other.instrument(one.symbol) for one in other.contracts
                   if one.as_of_ns <= other.at_ns + rulebook.TIER_REACH_NS}  # fmt: skip
    moved = tuple(replace(one, as_of_ns=rules.at_ns) for one in nearest_day.values())
    return rules.model_copy(update={"contracts": moved})


def _with_contract(
    rules: rulebook.Rules, symbol: str, asset: str, lender: str, leverage: float | None
) -> rulebook.Rules:
    """Rules with one more contract: of a coin whose own was not read, as another venue has it."""
    if symbol in {one.symbol for one in rules.contracts}:
        raise UndertowError(f"{rules.venue} has a contract {symbol} of its own")
    usual = rules.contracts[0]
    own = replace(
        _load(lender).instrument(f"{asset}{TIERS_QUOTE}"), symbol=symbol, as_of_ns=rules.at_ns,
        quote=usual.quote, settlement=usual.settlement,
        max_leverage=None if leverage is None else Decimal(str(leverage)),
        liquidation_fee_rate=usual.liquidation_fee_rate,
    )  # fmt: skip
    return rules.model_copy(update={"contracts": (*rules.contracts, own)})


def _changed(rules: rulebook.Rules, key: str, value: Value) -> rulebook.Rules:
    """One rule changed; a text is tried as it is, then as number or truth."""
    try:
        return rules.with_values({key: value}, "scenario")
    except UndertowError:
        parsed = read_value(value, "any")
        if isinstance(value, str) and not isinstance(parsed, str | float):
            return rules.with_values({key: parsed}, "scenario")
        raise


def _rows(tiers_from: str, asset: str) -> list[tuple[str, str, str]]:
    return _own_rows(_load(tiers_from), f"{asset}{TIERS_QUOTE}")


def _own_rows(rules: rulebook.Rules, symbol: str) -> list[tuple[str, str, str]]:
    """Tiers as rows of text; one tier where a venue has one rate, none where brokers call."""
    if rules.margin.maintenance_model == "span":
        return []
    most = rules.instrument(symbol).max_leverage
    rate = dict(rules.margin.maintenance_rate_by_symbol or ()).get(symbol)
    share = rules.margin.maintenance_per_initial
    if rate is None and most and share and symbol not in {one.symbol for one in rules.tier_tables}:
        rate = Decimal(share.numerator) / Decimal(share.denominator) / most
    if rate is not None:
        return [("0", str(rate), str(int(most or 1 / (2 * rate))))]
    return [
        (str(tier.floor), str(float(tier.maintenance_rate)), str(tier.max_leverage))
        for tier in rules.tiers(symbol).tiers
    ]


def _basket(one: Listing, count: int) -> Listing:
    """A symbol that stands for several of its kind: whoever holds it holds a part of each."""
    contract = one.contract
    tiers = tuple(
        replace(tier, floor=tier.floor * count, deduction_units=tier.deduction_units * count)
        for tier in contract.tiers
    )
    most = min(contract.max_lots * count, contract.max_position_lots)
    return replace(one, contract=replace(contract, tiers=tiers, max_lots=most))


def _least(leverage: str, cap: float) -> str:
    return str(int(min(float(leverage), cap)))
