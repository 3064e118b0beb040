"""Vectors of Bybit."""

from __future__ import annotations

from datetime import date
from typing import Any

from undertow.errors import UndertowError, shown
from undertow.venues.conformance.shapes import Inputs, isolated_only, shape
from undertow.venues.formulas import bybit


def linear_isolated(inputs: Inputs) -> dict[str, Any]:
    """Isolated liquidation price of a linear contract."""
    isolated_only(inputs)
    price = bybit.linear_isolated_liquidation_price(
        inputs["side"],
        inputs["entry_price"],
        inputs["leverage"],
        inputs["mmr"],
        quantity=inputs["position_base"],
        deduction=inputs.get("mm_deduction", 0),
        extra_margin=inputs.get("extra_margin", 0),
    )
    return {"liquidation_price": price}


def inverse_isolated(inputs: Inputs) -> dict[str, Any]:
    """Margins and liquidation price of an inverse isolated position, by the text of its date."""
    _inverse_only(inputs)
    held = bybit.inverse_isolated(
        inputs["side"],
        inputs["quantity_usd"],
        inputs["entry_price"],
        inputs["leverage"],
        inputs["mmr"],
        deduction=inputs["mm_deduction"],
        extra_margin=inputs["extra_margin"],
        taker_fee=inputs.get("taker_fee", 0),
        as_of=_date(inputs["as_of"]) if "as_of" in inputs else None,
    )
    return {
        "position_value_btc": held.position_value,
        "initial_margin_btc": held.initial_margin,
        "maintenance_margin_btc": held.maintenance_margin,
        "liquidation_price": held.liquidation_price,
    }


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UndertowError(f"as_of: expected a date, got {shown(value)}") from None


def _inverse_only(inputs: Inputs) -> None:
    if inputs["contract"] != "inverse":
        raise UndertowError(f"contract: expected 'inverse', got {shown(inputs['contract'])}")


def cross_bankruptcy(inputs: Inputs) -> dict[str, Any]:
    """Bankruptcy price of an inverse position in cross margin."""
    _inverse_only(inputs)
    price = bybit.inverse_cross_bankruptcy_price(
        inputs["side"],
        inputs["quantity_usd"],
        inputs["entry_price"],
        inputs["account_balance_btc"],
        inputs["taker_fee"],
        order_margin_base=inputs.get("order_margin_btc", 0),
    )
    return {"bankruptcy_price": price}


def cross_liquidation(inputs: Inputs) -> dict[str, Any]:
    """Liquidation price of an inverse position in cross margin; on a tick only if one is given."""
    _inverse_only(inputs)
    price = bybit.inverse_cross_liquidation_price(
        inputs["side"],
        inputs["quantity_usd"],
        inputs["entry_price"],
        inputs["account_balance_btc"],
        inputs["mmr"],
        inputs["taker_fee"],
        inputs["bankruptcy_price"],
        order_margin_base=inputs.get("order_margin_btc", 0),
        tick=inputs.get("tick"),
    )
    return {"liquidation_price": price}


INVERSE = "contract side quantity_usd entry_price"
SHAPES = (
    shape(
        linear_isolated,
        "margin_mode side leverage entry_price position_base mmr",
        "mm_deduction extra_margin",
    ),
    shape(
        inverse_isolated,
        f"{INVERSE} leverage mmr mm_deduction extra_margin",
        "taker_fee as_of",
    ),
    shape(cross_bankruptcy, f"{INVERSE} account_balance_btc taker_fee", "order_margin_btc"),
    shape(
        cross_liquidation,
        f"{INVERSE} account_balance_btc taker_fee mmr bankruptcy_price",
        "order_margin_btc tick",
    ),
)
