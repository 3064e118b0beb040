"""Vectors of OKX, Gate, HTX, Bitget, BitMEX, Deribit and Lighter."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from undertow.errors import UndertowError, shown
from undertow.venues.conformance.shapes import Inputs, isolated_only, rows, shape
from undertow.venues.formulas import bitget, bitmex, deribit, gate, htx, lighter, okx
from undertow.venues.formulas.inputs import leverage, number


def _isolated(formula: Callable[..., Decimal]) -> Callable[[Inputs], dict[str, Any]]:
    def answer(inputs: Inputs) -> dict[str, Any]:
        isolated_only(inputs)
        leverage(inputs.get("leverage", 1))
        names = ("side", "position_base", "entry_price", "margin", "mmr", "taker_fee")
        return {"liquidation_price": formula(*(inputs[name] for name in names))}

    return answer


def okx_tier(inputs: Inputs) -> dict[str, Any]:
    """Maintenance rate of a whole position."""
    return {"mmr": okx.tier_rate(inputs["contracts"], _triples(inputs["tiers"]))}


def okx_portfolio(inputs: Inputs) -> dict[str, Any]:
    """MR7 after scaling, and the portfolio's maintenance margin."""
    scaled = okx.scaled_mr7(inputs["mr7_raw_usd"], _triples(inputs["tiers"]))
    needed = okx.portfolio_maintenance(inputs["mr_other_usd"], scaled)
    return {"mr7_adj_usd": scaled, "mmr_usd": needed}


def _triples(value: Any) -> list[tuple[Any, Any, Any]]:
    return [(row[0], row[1], row[2]) for row in rows(value, "tiers", 3)]


def htx_tier(inputs: Inputs) -> dict[str, Any]:
    """Net position, its adjustment factor and the maintenance ratio.

    The ladder is the one given, or the one known of the symbol: BTC/USDT, BTC-USDT or BTCUSDT.
    """
    net = htx.net_position(inputs["long_conts"], inputs["short_conts"])
    times = inputs["leverage"]
    steps = _triples(inputs["tiers"]) if "tiers" in inputs else htx.ladder(inputs["symbol"], times)
    factor = htx.adjustment_factor(net, steps)
    return {
        "net_conts": net,
        "adjustment_factor": factor,
        "maintenance_margin_ratio": htx.maintenance_ratio(factor, times),
    }


def bitget_rate(inputs: Inputs) -> dict[str, Any]:
    """Margin rate, and whether it liquidates."""
    rate = bitget.margin_rate(
        inputs["position_margin"],
        inputs["unrealized_pnl"],
        inputs["contract_value"],
        inputs["contracts"],
        inputs["mark_price"],
    )
    return {"margin_rate": rate, "liquidated": bitget.is_liquidated(rate, inputs["tier_mmr"])}


def bitmex_rank(inputs: Inputs) -> dict[str, Any]:
    """ADL rank."""
    ranked = bitmex.adl_rank(
        inputs["mark_value"], inputs["bankrupt_value"], inputs["avg_entry_value"]
    )
    return {
        "pnl_pct": ranked.pnl,
        "effective_leverage": ranked.effective_leverage,
        "rank": ranked.rank,
    }


def bitmex_interest(inputs: Inputs) -> dict[str, Any]:
    """Funding of an interval whose rate is the interest rate alone."""
    rate = bitmex.interest_rate(
        inputs["quote_rate_daily"], inputs["base_rate_daily"], inputs["interval_per_day"]
    )
    paid = bitmex.funding_payment(_signed(inputs), inputs["mark_price"], rate)
    return {"funding_rate": rate, "funding_xbt": paid}


def bitmex_pnl(inputs: Inputs) -> dict[str, Any]:
    """Profit of an inverse position, before and after funding."""
    pnl = bitmex.inverse_pnl(_signed(inputs), inputs["entry_price"], inputs["exit_price"])
    paid = number(inputs["funding_paid_xbt"], "funding_paid_xbt")
    return {"pnl_xbt": pnl, "total_xbt": pnl - paid}


def _signed(inputs: Inputs) -> Decimal:
    contracts = bitmex.signed_contracts(inputs["contracts_usd"])
    side = inputs.get("side")
    if side is None:
        return contracts
    if side not in ("long", "short") or contracts < 0:
        raise UndertowError(f"side: expected 'long' or 'short' of contracts > 0, got {shown(side)}")
    return contracts if side == "long" else -contracts


def deribit_margin(inputs: Inputs) -> dict[str, Any]:
    """Initial (IM) or maintenance (MM) rate and margin; base and slope say which."""
    if inputs["kind"] not in ("IM", "MM"):
        raise UndertowError(f"kind: expected 'IM' or 'MM', got {shown(inputs['kind'])}")
    line = (inputs["base_rate"], inputs["slope_per_unit"], inputs["position_base"])
    margin = deribit.margin(*line, inputs["index_price"])
    return {"rate": deribit.margin_rate(*line), "margin_usdc": margin}


def deribit_funding(inputs: Inputs) -> dict[str, Any]:
    """Funding rate per 8 h."""
    return {"funding_rate_8h": deribit.funding_rate(inputs["premium_rate"], inputs["damp"])}


def lighter_settled(inputs: Inputs) -> dict[str, Any]:
    """Hourly rate as settled."""
    rate = lighter.hourly_rate_percent(
        inputs["premium_pct"],
        interest_percent_8h=inputs["interest_pct_8h"],
        small_clamp_percent=inputs["small_clamp_pct"],
        big_clamp_percent=inputs["big_clamp_pct"],
        multiplier=inputs["multiplier"],
    )
    return {"rate_pct_hourly": rate}


def lighter_documented(inputs: Inputs) -> dict[str, Any]:
    """Hourly rate as in the documents' example, which is not cut to four decimals."""
    rate = lighter.hourly_rate_percent(
        inputs["premium_pct"], interest_percent_8h=inputs["interest_pct_8h"], truncated=False
    )
    return {"rate_pct_hourly": rate}


ISOLATED = "margin_mode side entry_price position_base margin mmr taker_fee"
OKX = (
    shape(_isolated(okx.isolated_liquidation_price), ISOLATED, "leverage"),
    shape(okx_tier, "contracts tiers", "instrument"),
    shape(okx_portfolio, "mr7_raw_usd mr_other_usd tiers"),
)
GATE = (shape(_isolated(gate.isolated_liquidation_price), ISOLATED, "leverage"),)
HTX = (shape(htx_tier, "long_conts short_conts leverage symbol", "tiers"),)
BITGET = (
    shape(
        bitget_rate,
        "contract_value contracts mark_price position_margin tier_mmr unrealized_pnl",
    ),
)
BITMEX = (
    shape(bitmex_rank, "avg_entry_value bankrupt_value mark_value"),
    shape(
        bitmex_interest,
        "contracts_usd mark_price quote_rate_daily base_rate_daily interval_per_day",
        "entry_price side",
    ),
    shape(bitmex_pnl, "contracts_usd entry_price exit_price funding_paid_xbt", "side"),
)
DERIBIT = (
    shape(deribit_margin, "base_rate index_price kind position_base slope_per_unit", "instrument"),
    shape(deribit_funding, "premium_rate damp"),
)
LIGHTER = (
    shape(lighter_settled, "premium_pct interest_pct_8h small_clamp_pct big_clamp_pct multiplier"),
    shape(lighter_documented, "premium_pct interest_pct_8h"),
)
