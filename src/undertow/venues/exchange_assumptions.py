"""What an exchange needs to know that its rules do not say, and what is taken instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from undertow.errors import UndertowError, nearest
from undertow.venues.rulebook import Rules

# Keys of a rulebook, and of orders, that an exchange cannot do without: a value and the reason.
DEFAULTS: Mapping[str, tuple[Any, str]] = {
    "fees.maker_rate": ("0", "no fee is known: trades are free"),
    "fees.taker_rate": ("0", "no fee is known: trades are free"),
    "liquidation.fee_rate": ("0", "no liquidation fee is known"),
    "liquidation.trigger": ("equity_below_maintenance", "no source says what happens when equal"),
    "liquidation.counts_fee": (False, "no source counts the fee"),
    "liquidation.cancels_orders_first": (True, "as the venues do of which it is known"),
    "liquidation.halted_book": ("waits", "no source says what happens while trading is halted"),
    "liquidation.closing_past_bankruptcy": (
        "paid_by_fund", "no source says that such orders are refused"
    ),
    "margin.maintenance_price": ("mark", "as the venues do of which it is known"),
    "margin.portfolio_hedged_rate": ("0", "no charge on hedges is known"),
    "margin.portfolio_least_rate": ("0", "no least requirement is known"),
    "margin.portfolio_initial_ratio": ("1", "no source says what initial margin is"),
    "liquidation.latency_s": ("0", "no source says how long it takes"),
    "liquidation.most_per_mark": (0, "no source says how many there can be"),
    "liquidation.stages": (("one_large_ioc", "takeover"), "as Binance"),
    "liquidation.partial_policy": ("stop_when_compliant", "as Binance"),
    "liquidation.partial_from_tier": (2, "there is nothing below the lowest tier"),
    "liquidation.tiers_per_step": (1, "no source says how many"),
    "adl.ranking": ("leverage_pnl", "as Binance"),
    "adl.close_price": ("bankruptcy", "as Binance and BitMEX"),
    "insurance.shortfall": ("adl", "as the venues do of which it is known"),
    "orders.amend_keeps_priority": (True, "smaller at the same price; no source was read"),
    "orders.default_leverage": (20, "or what the lowest tier of a symbol allows; an account can"
                                " choose"),
    "orders.market_buffer_rate": ("0", "no addition to the price of a market order was read"),
}  # fmt: skip
# Known rules that the engine does not follow, and what it does.
SIMPLER: Mapping[str, tuple[frozenset[Any], str]] = {
    "margin.hedge_counting": (frozenset(), "each leg needs its own margin"),
    "margin.portfolio_model": (
        frozenset(), "price moves, what is hedged, and a least; nothing that is about options"
    ),
    "liquidation.trigger_prices": (frozenset({("mark",)}), "only the mark is looked at"),
    "liquidation.without_backstop": (frozenset(), "every market has the backstop"),
    "adl.trigger": (frozenset({"fund_empty", "negative_account"}),
                    "starts when the fund cannot pay"),
    "insurance.scope": (frozenset({"backstop_vault"}), "one fund for all instruments"),
    "collateral.price": (frozenset(), "only the settlement asset is collateral"),
}  # fmt: skip
TIERS = "margin.tiers."
BY_CALLER = "given with the venue"


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the rules' sources do not say, the value that was taken, and why."""

    name: str
    value: str
    why: str


@dataclass
class Assumptions:
    """Collects what is assumed while an exchange is put together.

    Parameters
    ----------
    given
        What the caller says: keys of the rulebook, keys that begin with ``orders.``, and
        ``margin.tiers.SYMBOL`` with rows of floor, maintenance rate and greatest leverage.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    found: dict[str, Assumption] = field(default_factory=dict)

    def note(self, name: str, value: object, why: str) -> None:
        """Keep one; the first about a name stays."""
        self.found.setdefault(name, Assumption(name, str(value), why))

    def rules(self, rules: Rules) -> Rules:
        """The rules with what the caller gives in place of what they say.

        Raises
        ------
        UndertowError
            For a key that no rules have, or a value of the wrong kind.
        """
        orders = [key for key in DEFAULTS if key.startswith("orders.")]
        for key in self.given:
            if key.startswith("orders.") and key not in orders:
                raise UndertowError(f"no assumption '{key}'{nearest(key, orders)}")
        changes = {
            key: str(value) if isinstance(value, float) else value
            for key, value in self.given.items()
            if not key.startswith(("orders.", TIERS))
        }
        return rules.with_values(changes, BY_CALLER)

    def given_tiers(self, symbol: str) -> Any:
        """Tiers that the caller gives for a symbol, if any."""
        return self.given.get(f"{TIERS}{symbol}")

    def cited(self, rules: Rules, key: str, value: object) -> None:
        """Note a value of the rules where its source is only an assumption."""
        citation = rules.citation(key)
        if citation.assumed:
            note = f"{citation.source}; {citation.note}" if citation.note else citation.source
            self.note(key, value, note)

    def value(self, rules: Rules, key: str) -> Any:
        """What the rules say of a key, else what the caller gave, else the default."""
        group, _, name = key.partition(".")
        if group == "orders":
            if key in self.given:
                self.note(key, self.given[key], BY_CALLER)
                return self.given[key]
        elif (known := getattr(getattr(rules, group), name)) is not None:
            self.cited(rules, key, known)
            return known
        value, why = DEFAULTS[key]
        self.note(key, value, why)
        return value

    def needed(self, rules: Rules, key: str, because: str) -> Any:
        """What the rules say of a key for which there is no default.

        Raises
        ------
        UndertowError
            When they say nothing.
        """
        group, _, name = key.partition(".")
        known = getattr(getattr(rules, group), name)
        if known is None:
            raise UndertowError(
                f"{rules.venue}: {because} needs {key}; give it as assume={{'{key}': …}}"
            )
        self.cited(rules, key, known)
        return known

    def note_simpler(self, rules: Rules) -> None:
        """Note what the rules say and the engine does not do."""
        for key, (followed, instead) in SIMPLER.items():
            group, _, name = key.partition(".")
            known = getattr(getattr(rules, group), name)
            if known is not None and known not in followed:
                self.note(key, instead, f"the rules say {known}")
