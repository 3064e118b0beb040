"""Vectors of Hyperliquid."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from undertow.errors import UndertowError, shown
from undertow.venues.conformance.shapes import (
    Inputs,
    entries,
    member,
    rows,
    shape,
)
from undertow.venues.formulas import hyperliquid, hyperliquid_rates
from undertow.venues.formulas.inputs import leverage, not_negative, number


def from_margin(inputs: Inputs) -> dict[str, Any]:
    """Liquidation price from entry price and isolated margin."""
    _known_mode(inputs)
    leverage(inputs["leverage"])
    price = hyperliquid.isolated_liquidation_price(
        inputs["side"],
        _size(inputs),
        inputs["entry_price"],
        inputs["isolated_margin"],
        _fraction_kept(inputs),
    )
    return {"liquidation_price": price}


def from_raw_usd(inputs: Inputs) -> dict[str, Any]:
    """Liquidation price from the position's USDC balance."""
    _known_mode(inputs)
    price = hyperliquid.liquidation_price_from_raw_usd(
        inputs["side"], _size(inputs), inputs["raw_usd"], _fraction_kept(inputs)
    )
    return {"liquidation_price": price}


def _size(inputs: Inputs) -> Decimal:
    """Base units; the venue's own answers give a short's size below 0."""
    size = number(inputs["size"], "size")
    return -size if inputs["side"] == "short" and size < 0 else size


def _known_mode(inputs: Inputs) -> None:
    """A cross account with one position has the formula of an isolated one."""
    if inputs["margin_mode"] not in ("isolated", "cross"):
        mode = shown(inputs["margin_mode"])
        raise UndertowError(f"margin_mode: expected 'isolated' or 'cross', got {mode}")


def _fraction_kept(inputs: Inputs) -> Decimal:
    """The stated fraction, which a higher tier can set, or the one of the maximum leverage."""
    derived = hyperliquid.maintenance_fraction(inputs["max_leverage"])
    return number(inputs.get("maintenance_fraction", derived), "maintenance_fraction")


def margin_table(inputs: Inputs) -> dict[str, Any]:
    """Rates and deductions of a margin table."""
    table = hyperliquid.margin_table([(low, top) for low, top in rows(inputs["tiers"], "tiers", 2)])
    return {
        "mmr": [tier.rate for tier in table],
        "maintenance_deduction": [tier.deduction for tier in table],
    }


def triggers(inputs: Inputs) -> dict[str, Any]:
    """Maintenance margin and the equity below which the backstop takes over."""
    needed = hyperliquid.maintenance_margin(inputs["position_value"], inputs["max_leverage"])
    threshold = hyperliquid.backstop_threshold(needed)
    return {"maintenance_margin": needed, "backstop_equity_threshold": threshold}


def first_order(inputs: Inputs) -> dict[str, Any]:
    """Value of the first liquidation order."""
    not_negative(inputs.get("cooldown_s", 0), "cooldown_s")
    value = hyperliquid.first_order_value(
        inputs["position_value"], inputs["threshold"], inputs["fraction"]
    )
    return {"first_order_value": value}


def adl(inputs: Inputs) -> dict[str, Any]:
    """Both ADL rankings and the orders they give, the first to be closed first."""
    accounts = entries(inputs["accounts"], "accounts")
    docs = _ranked(accounts, hyperliquid.adl_index)
    reconstructed = _ranked(accounts, hyperliquid.adl_score)
    return {
        "docs_index": docs,
        "osec_score": reconstructed,
        "docs_order": sorted(docs, key=lambda name: -docs[name]),
        "osec_order": sorted(reconstructed, key=lambda name: -reconstructed[name]),
    }


def _ranked(accounts: list[Any], score: Callable[..., Decimal]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for account in accounts:
        name = member(account, "id", "account")
        if not isinstance(name, str) or name in found:
            raise UndertowError(f"account: expected a name of its own, got {shown(name)}")
        notional = number(member(account, "notional", "account"), "notional")
        side = account.get("side", "short" if notional < 0 else "long")
        values = [member(account, key, "account") for key in ("mark", "entry", "account_value")]
        found[name] = score(side, values[0], values[1], abs(notional), values[2])
    return found


def premium(inputs: Inputs) -> dict[str, Any]:
    """Premium at impact prices."""
    value = hyperliquid_rates.premium(
        inputs["impact_bid_px"], inputs["impact_ask_px"], inputs["oracle_px"]
    )
    return {"premium": value}


def hourly_funding(inputs: Inputs) -> dict[str, Any]:
    """Hourly funding rate from an hour's average premium."""
    rate = hyperliquid_rates.funding_rate_8h(
        inputs["hourly_avg_premium"], interest_8h=inputs["interest_8h"], band=inputs["clamp"]
    )
    hourly = hyperliquid_rates.funding_rate_hourly(rate, inputs["cap_hourly"])
    return {"funding_rate_hourly": hourly}


def documented_funding(inputs: Inputs) -> dict[str, Any]:
    """Premium and both funding rates from impact prices, as in the documents' example."""
    value = hyperliquid_rates.premium(inputs["impact_bid"], inputs["impact_ask"], inputs["oracle"])
    rate = hyperliquid_rates.funding_rate_8h(
        value, interest_8h=inputs["interest_8h"], band=inputs["clamp"]
    )
    return {
        "premium": value,
        "funding_rate_8h": rate,
        "funding_rate_hourly": hyperliquid_rates.funding_rate_hourly(rate),
    }


POSITION = "margin_mode side size max_leverage"
SHAPES = (
    shape(
        from_margin, f"{POSITION} entry_price isolated_margin leverage", "coin maintenance_fraction"
    ),
    shape(from_raw_usd, f"{POSITION} raw_usd", "coin maintenance_fraction leverage"),
    shape(margin_table, "tiers", "table_id coin"),
    shape(triggers, "position_value max_leverage"),
    shape(first_order, "position_value threshold fraction", "cooldown_s"),
    shape(adl, "accounts"),
    shape(premium, "oracle_px impact_bid_px impact_ask_px"),
    shape(hourly_funding, "hourly_avg_premium interest_8h clamp cap_hourly"),
    shape(documented_funding, "impact_bid impact_ask oracle interest_8h clamp"),
)
