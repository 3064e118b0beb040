"""Numbers that stand for words in commands and events, shared by kernels and specification.

Plain integers, because kernels freeze them into machine code. The reasons are the book's own;
a venue translates them into its codes and names.
"""

from __future__ import annotations

from collections.abc import Mapping

# Sides; also the index of the side of the book where such an order rests.
BUY = 0
SELL = 1

# Commands. Stop, take-profit and trailing orders are not commands of the book: the venue holds
# them until their trigger and then sends LIMIT or MARKET.
LIMIT = 1
MARKET = 2
CANCEL = 3
CANCEL_ALL = 4
AMEND = 5
EXPIRE = 6

# Time in force. Good-till-date is GTC or POST_ONLY with a time in `expire_ns`.
GTC = 0
IOC = 1
FOK = 2
POST_ONLY = 3

# What happens when an order would meet one of the same account.
SELF_TRADE_ALLOWED = 0
CANCEL_NEWEST = 1
CANCEL_OLDEST = 2
CANCEL_BOTH = 3

# Events.
ACCEPTED = 1
FILL = 2
CANCELLED = 3
REJECTED = 4
AMENDED = 5
EXPIRED = 6

# Reasons: 0 where none is needed, then of rejections, then of cancellations.
NO_REASON = 0
UNKNOWN_COMMAND = 1
BAD_SIDE = 2
BAD_TIME_IN_FORCE = 3
BAD_SELF_TRADE_MODE = 4
UNKNOWN_ACCOUNT = 5
ORDER_ID_NOT_POSITIVE = 6
DUPLICATE_ORDER = 7
UNKNOWN_ORDER = 8
PRICE_NOT_POSITIVE = 9
PRICE_TOO_LARGE = 10
QUANTITY_NOT_POSITIVE = 11
QUANTITY_TOO_LARGE = 12
ALREADY_EXPIRED = 13
POST_ONLY_WOULD_TAKE = 14
BY_REQUEST = 20
BY_CANCEL_ALL = 21
IOC_REMAINDER = 22
NO_LIQUIDITY = 23
FOK_UNFILLED = 24
SELF_TRADE = 25
GOOD_TILL_DATE = 26

# A price fits into 60 bits, all lots that rest on one side into 62: sums stay within int64.
MOST_PRICE_TICKS = 2**60 - 1
MOST_SIDE_LOTS = 2**62

EVENT_NAMES: Mapping[int, str] = {
    ACCEPTED: "accepted",
    FILL: "fill",
    CANCELLED: "cancelled",
    REJECTED: "rejected",
    AMENDED: "amended",
    EXPIRED: "expired",
}
REASON_NAMES: Mapping[int, str] = {
    NO_REASON: "",
    UNKNOWN_COMMAND: "unknown command",
    BAD_SIDE: "side is neither buy nor sell",
    BAD_TIME_IN_FORCE: "time in force not valid here",
    BAD_SELF_TRADE_MODE: "unknown self-trade prevention mode",
    UNKNOWN_ACCOUNT: "unknown account",
    ORDER_ID_NOT_POSITIVE: "order id not positive",
    DUPLICATE_ORDER: "an open order has this id",
    UNKNOWN_ORDER: "no open order of this account has this id",
    PRICE_NOT_POSITIVE: "price not positive",
    PRICE_TOO_LARGE: "price too large",
    QUANTITY_NOT_POSITIVE: "quantity not positive",
    QUANTITY_TOO_LARGE: "the sum of this side would overflow",
    ALREADY_EXPIRED: "expires at or before the present",
    POST_ONLY_WOULD_TAKE: "post-only order would take",
    BY_REQUEST: "cancelled by its owner",
    BY_CANCEL_ALL: "all orders of the account cancelled",
    IOC_REMAINDER: "remainder of immediate-or-cancel",
    NO_LIQUIDITY: "remainder of a market order",
    FOK_UNFILLED: "fill-or-kill could not be filled whole",
    SELF_TRADE: "self-trade prevention",
    GOOD_TILL_DATE: "its time was over",
}
