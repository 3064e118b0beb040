"""What a clearing house and its brokers ask for: rates, deadlines, limits; and how they tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from undertow.errors import UndertowError, nearest
from undertow.venues.exchange_assumptions import BY_CALLER, Assumption
from undertow.venues.rulebook import Rules

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
CALL_HOURS = "clearing.call_hours"
# What no source says, or none that was read; ``CALL_HOURS`` can be given with the venue.
ASSUMED = {
    CALL_HOURS: ("24", "no source says how long a broker waits"),
    "clearing.advance": ("at once", "brokers pay the house for their customers; no rule was read"),
    "clearing.call_met": ("at the initial margin", "by a deposit, by closing, or by a settlement"),
    "clearing.one_call": ("a later settlement changes its amount, not its deadline", "no source"),
    "clearing.close_out": ("the whole position", "no source says how much a broker closes"),
    "clearing.offsets": ("none", "SPAN's credits between instruments were not read"),
    "clearing.order_margin": ("initial margin of position and orders", "brokers ask it in advance"),
    "clearing.stops": ("the last price", "an order cannot wait for the settlement price"),
    "clearing.limit_reached": ("a trade at the limit, or an order that rests there", "no source"),
    "clearing.limit_orders": ("refused on both sides", "asks above, bids below: no source"),
    "clearing.limit_ticks": ("rounded towards the settlement", "no source says how"),
    "clearing.window": ("the minute before it is asked for", "call it at its end"),
    "clearing.final_price": ("on the tick", "the engine counts in ticks; the true one has cents"),
}  # fmt: skip
_WINDOW = re.compile(r"vwap_([0-9]{2})([0-9]{2})_to_([0-9]{2})([0-9]{2})_[a-z_]+")


@dataclass(frozen=True, slots=True)
class ClearingTerms:
    """Margin as shares of the value at the settlement price; limits as shares of that price.

    ``window_ns`` is how long before a settlement trades count, 0 where its price must be given.
    """

    initial: Fraction
    maintenance: Fraction
    limits: tuple[Fraction, ...]
    pause_ns: int
    call_ns: int
    window_ns: int


@dataclass(frozen=True, slots=True, repr=False)
class Notice:
    """Something that the clearing house or a broker says; None where a field has no meaning.

    Attributes
    ----------
    ts_ns, event
        The venue's time; how many events of the venue were before it.
    kind, reason
        ``margin_call``, ``call_met``, ``call_missed``, ``advanced`` (the broker paid for a
        customer), ``repaid``, ``broker_loss``, ``limit_hit``, ``halted``, ``resumed``,
        ``settled``, ``delivered``; and why.
    account, symbol
        Whom or what it is about.
    amount, price
        Money above 0; the limit that was reached, the settlement price.
    until_ns
        The deadline of a call, the end of a halt.
    """

    ts_ns: int
    event: int
    kind: str
    reason: str
    account: int | str | None = None
    symbol: str | None = None
    amount: Decimal | None = None
    price: Decimal | None = None
    until_ns: int | None = None

    def __repr__(self) -> str:
        """Only what has a meaning here."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        shown = [f"{name}={value!s}" for name, value in values if value not in (None, "")]
        return f"Notice({', '.join(shown)})"


def split_given(assume: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is given for the clearing, and for the venue.

    Raises
    ------
    UndertowError
        For a key that there is not, and for margin tiers: here there is one rate.
    """
    own = {key: value for key, value in assume.items() if key.startswith("clearing.")}
    others = {key: value for key, value in assume.items() if key not in own}
    for key in own:
        if key != CALL_HOURS:
            raise UndertowError(f"no assumption '{key}'{nearest(key, [CALL_HOURS])}")
    for key in others:
        if key.startswith("margin.tiers."):
            raise UndertowError(f"{key}: a broker asks one rate; give margin.initial_rate")
    return own, others


def clearing_terms(
    rules: Rules, given: Mapping[str, Any]
) -> tuple[ClearingTerms, tuple[Assumption, ...]]:
    """What the rules of a venue say of clearing, and what had to be assumed.

    Raises
    ------
    UndertowError
        For rules of a venue without daily settlement, or without a number that is needed.
    """
    settlement, margin = rules.settlement, rules.margin
    if settlement.variation != "daily_cash":
        raise UndertowError(f"{rules.venue}: its rules know no daily settlement in cash")
    assumed = {name: Assumption(name, value, why) for name, (value, why) in ASSUMED.items()}
    hours = _hours(given.get(CALL_HOURS, assumed[CALL_HOURS].value))
    if CALL_HOURS in given:
        assumed[CALL_HOURS] = Assumption(CALL_HOURS, str(given[CALL_HOURS]), BY_CALLER)
    initial = _needed(rules, "margin.initial_rate", margin.initial_rate)
    share = _needed(rules, "margin.maintenance_per_initial", margin.maintenance_per_initial)
    if not 0 < share <= 1:
        raise UndertowError(f"margin.maintenance_per_initial: expected at most 1, not {share}")
    limits = tuple(Fraction(rate) for rate in settlement.price_limit_rates or ())
    if list(limits) != sorted(set(limits)) or (limits and not 0 < limits[0] <= limits[-1] < 1):
        raise UndertowError("settlement.price_limit_rates: expected rising shares below 1")
    pause_s = settlement.limit_pause_s
    if len(limits) > 1:
        pause_s = int(_needed(rules, "settlement.limit_pause_s", pause_s))
    found = _WINDOW.fullmatch(settlement.daily_price or "")
    start, end = (_minutes(found[1], found[2]), _minutes(found[3], found[4])) if found else (0, 0)
    made = ClearingTerms(initial, initial * share, limits, (pause_s or 0) * SECOND_NS,
                         int(hours * HOUR_NS), max(0, end - start) * MINUTE_NS)  # fmt: skip
    return made, tuple(assumed.values())


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _hours(value: Any) -> Fraction:
    try:
        hours = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        hours = Fraction(-1)
    if not 0 <= hours <= 24 * 365:
        raise UndertowError(f"{CALL_HOURS}: expected a number of hours, got {value!r}")
    return hours


def _needed(rules: Rules, key: str, value: Any) -> Fraction:
    if value is None:
        raise UndertowError(
            f"{rules.venue}: clearing needs {key}; give it as assume={{'{key}': …}}"
        )
    return Fraction(value)
