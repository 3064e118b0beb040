"""How a venue says no: its own code and words for our reasons, as far as they were read.

Reasons are named as in `undertow.model.codes`. Venues cut these cases differently; where one has
several codes for our reason, this is the one for an order that opens a position. A venue that
answers some reason in another way (it accepts the order and cancels it) has no entry for it.
"""

from __future__ import annotations

from collections.abc import Mapping

Reject = tuple[str, str]

# The same in both lists of Binance. Outside the band: -4016 for a buy, -4024 for a sale.
_BINANCE: dict[str, Reject] = {
    "UNKNOWN_ASSET": ("-1108", "Invalid asset."),
    "UNKNOWN_ACCOUNT": ("-1109", "Invalid account."),
    "BAD_TIME_IN_FORCE": ("-1115", "Invalid timeInForce."),
    "UNKNOWN_COMMAND": ("-1116", "Invalid orderType."),
    "BAD_SIDE": ("-1117", "Invalid side."),
    "UNKNOWN_INSTRUMENT": ("-1121", "Invalid symbol."),
    "UNKNOWN_ORDER": ("-2011", "CANCEL_REJECTED"),
    "INSUFFICIENT_BALANCE": ("-2018", "Balance is insufficient."),
    "INSUFFICIENT_MARGIN": ("-2019", "Margin is insufficient."),
    "WOULD_TRIGGER_AT_ONCE": ("-2021", "Order would immediately trigger."),
    "REDUCE_ONLY_WOULD_FLIP": ("-2022", "ReduceOnly Order is rejected."),
    "NOTHING_TO_CLOSE": ("-2024", "Position is not sufficient."),
    "POSITION_TOO_LARGE": (
        "-2027", "Exceeded the maximum allowable position at current leverage."
    ),
    "PRICE_NOT_POSITIVE": ("-4001", "Price less than 0."),
    "PRICE_TOO_LARGE": ("-4002", "Price greater than max price."),
    "QUANTITY_NOT_POSITIVE": ("-4003", "Quantity less than zero."),
    "BELOW_MIN_QUANTITY": ("-4004", "Quantity less than min quantity."),
    "ABOVE_MAX_QUANTITY": ("-4005", "Quantity greater than max quantity."),
    "BAD_TRIGGER": ("-4006", "Stop price less than zero."),
    "OFF_TICK": ("-4014", "Price not increased by tick size."),
    "OUTSIDE_PRICE_BAND": ("-4016", "Price is higher than mark price multiplier cap."),
    "OFF_LOT": ("-4023", "Qty not increased by step size."),
    "LEVERAGE_ABOVE_TIER": ("-4028", "Invalid leverage"),
    "HAS_POSITION_OR_ORDERS": (
        "-4048", "Margin type cannot be changed if there exists position."
    ),
    "NOT_ISOLATED": ("-4049", "Add margin only support for isolated position."),
    "BAD_AMOUNT": ("-4055", "Amount must be positive."),
    "BAD_LEG": ("-4061", "Order's position side does not match user's setting."),
}  # fmt: skip
REJECTS: Mapping[str, Mapping[str, Reject]] = {
    "binance-coinm": _BINANCE | {"BELOW_MIN_NOTIONAL": ("-4178", "MIN_NOTIONAL")},
    "binance-usdm": _BINANCE | {
        "UNKNOWN_ORDER": ("-2011", "Unknown order sent"),
        "HALTED": ("-1122", "Invalid symbol status."),
        "DUPLICATE_ORDER": ("-4116", "clientOrderId is duplicated"),
        "BELOW_MIN_NOTIONAL": (
            "-4164", "Order's notional must be no smaller than 5.0 (unless you choose reduce only)"
        ),
        "FOK_UNFILLED": ("-5021", "FOK_ORDER_REJECT"),
        "POST_ONLY_WOULD_TAKE": ("-5022", "GTX_ORDER_REJECT"),
        "BAD_SELF_TRADE_MODE": ("-5039", "Invalid self trade prevention mode"),
    },
    "bitget": {
        "NOTHING_TO_CLOSE": ("22002", "No position to close"),
        "OFF_LOT": ("22038", "Please enter the quantity as an integral multiple of {0}"),
        "POSITION_TOO_LARGE": ("40762", "The order size is greater than the max open size"),
        "UNKNOWN_ORDER": ("43001", "The order does not exist"),
        "INSUFFICIENT_MARGIN": ("43012", "Insufficient balance"),
        "INSUFFICIENT_BALANCE": ("43012", "Insufficient balance"),
        "OUTSIDE_PRICE_BAND": ("43039", "Maximum price limit exceeded {0}"),
        "LEVERAGE_ABOVE_TIER": ("43050", "Leverage exceeds the effective range"),
        "DUPLICATE_ORDER": ("43118", "clientOrderId duplicate"),
        "BELOW_MIN_NOTIONAL": ("45110", "less than the minimum amount {0} USDT"),
        "BELOW_MIN_QUANTITY": ("45111", "less than the minimum order quantity"),
        "ABOVE_MAX_QUANTITY": ("45112", "more than the maximum order quantity"),
        "OFF_TICK": ("45115", "The price you enter should be a multiple of {0}"),
        "HAS_POSITION_OR_ORDERS": (
            "45117", "Currently holding positions or orders, the margin mode cannot be adjusted"
        ),
    },
    "bybit": {
        "UNKNOWN_INSTRUMENT": ("10029", "The requested symbol is invalid"),
        "UNKNOWN_ORDER": ("110001", "Order does not exist"),
        "OUTSIDE_PRICE_BAND": ("110003", "Order price exceeds the allowable range."),
        "INSUFFICIENT_BALANCE": ("110004", "Wallet balance is insufficient"),
        "INSUFFICIENT_MARGIN": ("110007", "Available balance is insufficient"),
        "LEVERAGE_ABOVE_TIER": ("110013", "Cannot set leverage due to risk limit level."),
        "REDUCE_ONLY_WOULD_FLIP": ("110017", "Reduce-only rule not satisfied"),
        "NOTHING_TO_CLOSE": ("110034", "There is no net position"),
        "DUPLICATE_ORDER": ("110072", "OrderLinkedID is duplicate"),
        "HALTED": ("110074", "This contract is not live"),
        "POSITION_TOO_LARGE": ("110089", "Exceeds the maximum risk limit level"),
        "BELOW_MIN_NOTIONAL": ("110094", "Order notional value below the lower limit"),
    },
    "deribit": {
        "BELOW_MIN_QUANTITY": ("10002", "qty_too_low"),
        "UNKNOWN_ORDER": ("10004", "order_not_found"),
        "OUTSIDE_PRICE_BAND": ("10007", "price_too_high"),
        "INSUFFICIENT_MARGIN": ("10009", "not_enough_funds"),
        "INSUFFICIENT_BALANCE": ("10009", "not_enough_funds"),
        "HALTED": ("10012", "book_closed"),
        "POSITION_TOO_LARGE": ("10018", "non_pme_max_future_position_size"),
        "UNKNOWN_INSTRUMENT": ("10020", "invalid_or_unsupported_instrument"),
        "OFF_LOT": ("10021", "invalid_amount"),
        "PRICE_NOT_POSITIVE": ("10023", "invalid_price"),
        "OFF_TICK": ("10043", "price_wrong_tick"),
        "BAD_TRIGGER": ("11036", "invalid_trigger_price"),
        "POST_ONLY_WOULD_TAKE": ("11054", "post_only_reject"),
    },
    "htx": {
        "UNKNOWN_INSTRUMENT": ("1013", "This contract symbol doesnt exist."),
        "OUTSIDE_PRICE_BAND": (
            "1039", "Buy price must be lower than {0}. Sell price must exceed {1}."
        ),
        "ABOVE_MAX_QUANTITY": ("1041", "The order amount exceeds the limit ({0}Cont)"),
        "INSUFFICIENT_MARGIN": ("1047", "Insufficient margin available."),
        "NOTHING_TO_CLOSE": ("1048", "Insufficient close amount available."),
        "UNKNOWN_ORDER": ("1061", "The order does not exist."),
    },
    "hyperliquid": {
        "OFF_TICK": ("Tick", "Price must be divisible by tick size."),
        "BELOW_MIN_NOTIONAL": ("MinTradeNtl", "Order must have minimum value of $10."),
        "INSUFFICIENT_MARGIN": ("PerpMargin", "Insufficient margin to place order."),
        "REDUCE_ONLY_WOULD_FLIP": ("ReduceOnly", "Reduce only order would increase position."),
        "NOTHING_TO_CLOSE": ("ReduceOnly", "Reduce only order would increase position."),
        "POST_ONLY_WOULD_TAKE": (
            "BadAloPx", "Post only order would have immediately matched, bbo was {bbo}."
        ),
        "BAD_TRIGGER": ("BadTriggerPx", "Invalid TP/SL price."),
        "NO_LIQUIDITY": ("MarketOrderNoLiquidity", "No liquidity available for market order."),
        "OUTSIDE_PRICE_BAND": ("Oracle", "Order price too far from oracle"),
        "POSITION_TOO_LARGE": (
            "PerpMaxPosition",
            "Order would cause position to exceed margin tier limit at current leverage",
        ),
        "UNKNOWN_ORDER": (
            "MissingOrder", "Order was never placed, already canceled, or filled."
        ),
    },
    "okx": {
        "UNKNOWN_INSTRUMENT": ("51001", "Instrument ID doesn't exist."),
        "POSITION_TOO_LARGE": ("51004", "Order failed: above the maximum position amount"),
        "OUTSIDE_PRICE_BAND": ("51006", "Order price is not within the price limit"),
        "INSUFFICIENT_MARGIN": ("51008", "Order failed. Insufficient {0} margin in account"),
        "DUPLICATE_ORDER": ("51016", "Client order ID already exists."),
        "BELOW_MIN_QUANTITY": (
            "51020", "Your order should meet or exceed the minimum order amount."
        ),
        "HALTED": ("51022", "Contract suspended."),
        "ABOVE_MAX_QUANTITY": ("51101", "The sz of the current order can’t be more than {0}"),
        "OFF_LOT": ("51121", "Order quantity must be a multiple of the lot size."),
        "INSUFFICIENT_BALANCE": ("51131", "Insufficient balance."),
        "NOTHING_TO_CLOSE": ("51169", "You don't have any positions in this direction to close."),
        "REDUCE_ONLY_WOULD_FLIP": (
            "51170",
            "A reduce-only order can’t be the same trading direction as your existing positions.",
        ),
        "UNKNOWN_ORDER": ("51400", "The order has been filled, canceled or does not exist."),
        "LEVERAGE_ABOVE_TIER": ("59102", "Leverage exceeds the maximum limit."),
    },
}  # fmt: skip
_COPY = "rosssaunders/coincise @ a00ae58b65f8 docs"
SOURCES: Mapping[str, str] = {
    "binance-coinm": f"Binance's list of error codes, {_COPY}/binance/coinm/error_codes.md",
    "binance-usdm": f"Binance's list of error codes, {_COPY}/binance/usdm/error_codes.md",
    "bitget": f"Bitget's list of error codes, {_COPY}/bitget/error_codes.md",
    "bybit": f"Bybit's list of error codes, {_COPY}/bybit/error_codes.md",
    "deribit": f"Deribit's list of error codes, {_COPY}/deribit/error_codes.md",
    "htx": "answers of HTX quoted in ccxt 4.5.90 htx.py (2021 to 2025)",
    "hyperliquid": f"Hyperliquid's list of error responses, {_COPY}/hyperliquid/error_codes.md",
    "okx": f"OKX's list of error codes, {_COPY}/okx/error_code.md; some texts cut short",
}


def venue_reject(venue: str, reason: str) -> tuple[str, str] | None:
    """The venue's code for a reason and its name or text, or None where it was not read.

    Parameters
    ----------
    venue
        As in the rules: ``binance-usdm``.
    reason
        Name of a reason in `undertow.model.codes`: ``INSUFFICIENT_MARGIN``.

    Notes
    -----
    Sources: :data:`SOURCES`, lists as of 30 November 2025. Where a text names a number, such as
    the least notional, it is the one that the list shows, not that of the symbol.
    """
    return REJECTS.get(venue, {}).get(reason)
