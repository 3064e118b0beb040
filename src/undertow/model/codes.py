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
# Commands of a venue beside those of its books. CONDITIONAL waits for a trigger (see below).
CONDITIONAL = 7
DEPOSIT = 8
WITHDRAW = 9
SET_LEVERAGE = 10
SET_MARGIN_MODE = 11
ADJUST_MARGIN = 12
SET_POSITION_MODE = 13
MARK = 14
FUNDING = 15
HALT = 16
SETTLE = 17
ASSET_PRICE = 18
SET_ACCOUNT_MODE = 19
CLAW_BACK = 20

# What a conditional order waits for; its direction follows from its side.
STOP = 1  # the price gets worse for those who hold what the order closes
TAKE_PROFIT = 2  # the price gets better
TRAILING = 3  # a stop that follows the best price since it was active

# Flags of an order.
REDUCE_ONLY = 1
CLOSE_POSITION = 2  # a conditional order for all that is open when it triggers
ON_LAST = 4  # triggered by the last price, not by the mark

# The legs of an account's position in one instrument.
ONE_WAY = 0
LONG = 1
SHORT = 2

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
TRIGGERED = 7  # a conditional order becomes an order
DEPOSITED = 8
WITHDRAWN = 9
CHANGED = 10  # leverage, margin, position or account mode, isolated margin, halt
FUNDING_PAID = 11  # amount > 0 was received
FUNDING_RESIDUAL = 12  # what rounding left over, to the venue
LIQUIDATION = 13  # a pool of margin is below its requirement
LIQUIDATION_WAITS = 14  # why it is not closed now
TAKEOVER = 15  # the fund or the backstop vault takes a position
DELEVERAGED = 16  # a position is closed against a bankrupt one
INSURANCE_PAID = 17  # the fund pays a deficit
SURPLUS_KEPT = 18  # the venue keeps what is left of a pool that it took over
LOSS_SOCIALISED = 19  # an account pays a share of a deficit
BAD_DEBT = 20  # a deficit that nobody paid
SETTLED = 21  # profit or loss since the last settlement is paid
BOUND_REACHED = 22  # more triggers than one command may set off; the rest follows with the next
LIQUIDATION_FEE = 23
AUTO_EXCHANGE = 24  # cash is below 0 and the account's collateral is sold for it
COLLATERAL_TAKEN = 25  # the fund takes some of an asset at its value as margin
CLAWED_BACK = 26  # profit of a period pays for its bad debts

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
UNKNOWN_INSTRUMENT = 30
HALTED = 31
BELOW_MIN_QUANTITY = 32
ABOVE_MAX_QUANTITY = 33
BELOW_MIN_NOTIONAL = 34
OUTSIDE_PRICE_BAND = 35
POSITION_TOO_LARGE = 36
INSUFFICIENT_MARGIN = 37
LEVERAGE_ABOVE_TIER = 38
REDUCE_ONLY_WOULD_FLIP = 39
BAD_LEG = 40
BAD_TRIGGER = 41
WOULD_TRIGGER_AT_ONCE = 42
BAD_AMOUNT = 43
INSUFFICIENT_BALANCE = 44
HAS_POSITION_OR_ORDERS = 45
NOT_ISOLATED = 46
NO_MARK = 47
UNKNOWN_ASSET = 48
NOTHING_TO_CLOSE = 49
OFF_TICK = 50
OFF_LOT = 51
DELIVERED = 52  # the contract has ended
NO_PORTFOLIO_MARGIN = 54  # the venue has none
NOT_WITH_PORTFOLIO_MARGIN = 55
NO_CLAWBACK = 56
PAST_BANKRUPTCY = 53  # closing there would cost more than the position's own margin
BY_REQUEST = 20
BY_CANCEL_ALL = 21
IOC_REMAINDER = 22
NO_LIQUIDITY = 23
FOK_UNFILLED = 24
SELF_TRADE = 25
GOOD_TILL_DATE = 26
BY_LIQUIDATION = 27  # also of fills: the taker is closed by force
REDUCE_ONLY_EXCESS = 28
COMPLIANT_AGAIN = 29  # a liquidation order stops, as the rest is safe
BY_SETTLEMENT = 63
BY_EXCHANGE = 64  # collateral is sold by force; also of orders that the sale is in the way of
NOT_FOR_SPOT = 65
# Why a liquidation waits.
COOLDOWN = 60
BOOK_EMPTY = 61
LATENCY = 66  # the venue has just seen it
QUEUE = 67  # others come first
NO_COUNTERPARTY = 62

# A price fits into 48 bits, so that a price and its instrument fit into one int64; all lots that
# rest on one side into 62: sums stay within int64.
MOST_PRICE_TICKS = 2**48 - 1
MOST_SIDE_LOTS = 2**62
# All that is held of one asset beside cash is worth no more than this at its highest price, so that
# the collateral of an account fits as well.
MOST_ASSET_VALUE_UNITS = 2**58
MOST_ASSETS = 16

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

# What a contract pays: in the quote (linear), in the coin (inverse); or the thing itself (spot).
LINEAR = 0
INVERSE = 1
SPOT = 2

# How much a liquidation closes before the venue takes the rest over.
WHOLE = 0  # everything in one order that stops once the margin suffices
FRACTION = 1  # a part of large positions, later the whole
TIERS = 2  # down some margin tiers at a time

# Who takes over, and at what price winners are closed.
BY_NOBODY = 0
BY_FUND = 1
BY_VAULT = 2
AT_BANKRUPTCY = 0
AT_MARK = 1
AT_PREVIOUS_MARK = 2

# What a liquidation does where the book is halted: wait, be taken over without it, trade anyway.
HALT_WAITS = 0
HALT_TAKES_OVER = 1
HALT_TRADES = 2

# Accounts of the venue itself; its customers follow.
FUND = 0
VAULT = 1
VENUE = 2  # fees and what rounding leaves
BAD_DEBTS = 3
FIRST_CUSTOMER = 4

# Conditional orders that one command may set off.
MOST_TRIGGERS = 10_000
