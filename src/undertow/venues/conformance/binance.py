"""Vectors of Binance: USD-M and COIN-M."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from undertow.errors import UndertowError, shown
from undertow.venues import rulebook
from undertow.venues.conformance.shapes import (
    Inputs,
    entries,
    isolated_only,
    member,
    shape,
)
from undertow.venues.formulas import binance_coinm, binance_usdm, binance_usdm_rates
from undertow.venues.formulas.inputs import number
from undertow.venues.formulas.tiers import Tier, maintenance_margin, tier_table


def isolated(inputs: Inputs) -> dict[str, Any]:
    """Isolated liquidation price; the two shapes name the wallet differently."""
    isolated_only(inputs)
    wallet = inputs["wallet_balance_usdt" if "wallet_balance_usdt" in inputs else "isolated_wallet"]
    leg = _leg(inputs, inputs["side"], "inputs")
    return {"liquidation_price": binance_usdm.liquidation_price(wallet, [leg])}


def _leg(values: Any, side: Any, name: str) -> binance_usdm.Leg:
    return binance_usdm.leg(
        side,
        member(values, "position_base", name),
        member(values, "entry_price", name),
        member(values, "mmr", name),
        values.get("maint_amount", 0),
    )


def cross(inputs: Inputs) -> dict[str, Any]:
    """Cross liquidation price; in hedge mode another position in the same contract is a leg."""
    mode = inputs["margin_mode"]
    if not isinstance(mode, str) or not mode.startswith("cross"):
        raise UndertowError(f"margin_mode: expected 'cross', got {shown(mode)}")
    own, default_side = inputs["position"], inputs["side"]
    symbol = member(own, "symbol", "position")
    legs = [_leg(own, own.get("side", default_side), "position")]
    maintenance = unrealised = Decimal(0)
    for other in entries(inputs["other_positions"], "other_positions"):
        name = "other position"
        if number(member(other, "position_base", name), "quantity") == 0:
            continue  # the venue lists a contract without a position too
        side = other.get("side", default_side)
        leg = _leg(other, side, name)
        if other.get("symbol") == symbol:
            if "hedge" not in mode or leg.sign == legs[0].sign:
                raise UndertowError(f"other position: {shown(symbol)} is there twice")
            legs.append(leg)
            continue
        mark = member(other, "mark_price", name)
        maintenance += binance_usdm.maintenance_of(leg, mark)
        unrealised += binance_usdm.unrealised_pnl(leg, mark)
    price = binance_usdm.liquidation_price(
        inputs["cross_wallet_balance_usdt"],
        legs,
        other_maintenance=maintenance,
        other_unrealised=unrealised,
    )
    return {"liquidation_price": price, "TMM_other": maintenance, "UPNL_other": unrealised}


def held_margin(inputs: Inputs) -> dict[str, Any]:
    """Maintenance margin by the dated tiers of the rulebook."""
    margin = maintenance_margin(inputs["notional_usdt"], _dated_tiers(inputs))
    return {"maintenance_margin_usdt": margin}


def _dated_tiers(inputs: Inputs) -> list[Tier]:
    symbol, as_of = inputs["symbol"], inputs["as_of"]
    if not isinstance(symbol, str) or not isinstance(as_of, str):
        raise UndertowError("symbol and as_of: expected text")
    contract = symbol.split(":")[0].replace("/", "")
    table = rulebook.load("binance-usdm", at=as_of).tiers(contract)
    return [
        Tier(tier.floor, tier.cap, _decimal(tier.maintenance_rate), _decimal(tier.deduction))
        for tier in table.tiers
    ]


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def tiers(inputs: Inputs) -> dict[str, Any]:
    """Cumulative amounts of a table of brackets."""
    brackets = entries(inputs["tiers"], "tiers")
    floors = [member(bracket, "floor", "tiers") for bracket in brackets]
    caps = [member(bracket, "cap", "tiers") for bracket in brackets]
    if [number(cap, "cap") for cap in caps[:-1]] != [number(f, "floor") for f in floors[1:]]:
        raise UndertowError("tiers: each cap must be the next floor")
    rates = [member(bracket, "mmr", "tiers") for bracket in brackets]
    return _amounts(floors, rates, caps[-1] if caps else None)


def capped_tiers(inputs: Inputs) -> dict[str, Any]:
    """Cumulative amounts of a table given by its caps."""
    caps, rates = entries(inputs["caps"], "caps"), entries(inputs["mmr"], "mmr")
    if len(entries(inputs.get("max_leverage", caps), "max_leverage")) != len(caps):
        raise UndertowError("max_leverage: expected one for each cap")
    return _amounts([0, *caps[:-1]], rates, caps[-1] if caps else None)


def _amounts(floors: list[Any], rates: list[Any], cap: Any) -> dict[str, Any]:
    return {"cum": [tier.deduction for tier in tier_table(floors, rates, cap)]}


def adl(inputs: Inputs) -> dict[str, Any]:
    """The ADL score."""
    percent, score = binance_usdm.adl_score(
        inputs["unrealized_profit"], inputs["wallet_balance"], inputs["margin_ratio"]
    )
    return {"pnl_percent": percent, "leverage_pnl": score}


def funding(inputs: Inputs) -> dict[str, Any]:
    """One interval's funding rate."""
    rate = binance_usdm_rates.funding_rate(
        inputs["avg_premium_index"],
        inputs["interval_hours"],
        interest_8h=inputs["interest_8h"],
        band=inputs["clamp"],
        cap=inputs.get("cap"),
    )
    return {"funding_rate": rate}


def impact_notional(inputs: Inputs) -> dict[str, Any]:
    """Impact margin notional."""
    notional = binance_usdm_rates.impact_margin_notional(
        inputs["max_leverage"], inputs["base_margin_usdt"]
    )
    return {"impact_margin_notional_usdt": notional}


def mark(inputs: Inputs) -> dict[str, Any]:
    """Mark price."""
    prices = (inputs["price1"], inputs["price2"], inputs["contract_price"])
    return {"mark": binance_usdm_rates.mark_price(*prices)}


def premium_points(inputs: Inputs) -> dict[str, Any]:
    """Number of premium samples and the sum of their weights."""
    points, weights = binance_usdm_rates.premium_weights(
        inputs["interval_hours"], inputs["sample_seconds"]
    )
    return {"n_points": points, "weight_sum": weights}


def coinm_amount(inputs: Inputs) -> dict[str, Any]:
    """Cumulative amount of a COIN-M bracket."""
    amount = binance_coinm.cumulative_amount(
        inputs["floor_btc"], inputs["mmr_n"], inputs["mmr_nm1"], inputs["cum_nm1_btc"]
    )
    return {"cum_n_btc": amount}


POSITION = "margin_mode side entry_price position_base mmr"
USDM = (
    shape(isolated, f"{POSITION} wallet_balance_usdt", "maint_amount mark_price symbol leverage"),
    shape(isolated, f"{POSITION} isolated_wallet", "maint_amount mark_price symbol leverage"),
    shape(cross, "margin_mode side cross_wallet_balance_usdt position other_positions"),
    shape(held_margin, "symbol as_of notional_usdt"),
    shape(tiers, "tiers", "symbol as_of"),
    shape(capped_tiers, "caps mmr", "max_leverage symbol as_of"),
    shape(adl, "margin_ratio unrealized_profit wallet_balance"),
    shape(funding, "avg_premium_index clamp interest_8h interval_hours", "cap"),
    shape(impact_notional, "base_margin_usdt max_leverage"),
    shape(mark, "price1 price2 contract_price"),
    shape(premium_points, "sample_seconds interval_hours"),
)
COINM = (shape(coinm_amount, "floor_btc mmr_n mmr_nm1 cum_nm1_btc"),)
