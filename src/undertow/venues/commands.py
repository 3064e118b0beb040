"""Commands as people write them, turned into the whole units of an engine.

What makes no sense as a command (an unknown word, a price that is no number) raises
`UndertowError`. What an exchange would refuse (off tick, off lot, too large) becomes a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np

from undertow.errors import UndertowError, nearest, shown
from undertow.model import codes
from undertow.model.codes import NO_REASON
from undertow.model.periods import time_ns
from undertow.venues.engine_rows import COMMAND
from undertow.venues.exchange_rules import Listing
from undertow.venues.instruments import CASH_UNITS

Number = str | int | float | Decimal

SIDES = {"buy": codes.BUY, "sell": codes.SELL}
ORDER_KINDS = {"limit": codes.LIMIT, "market": codes.MARKET}
FORCES = {"gtc": codes.GTC, "ioc": codes.IOC, "fok": codes.FOK, "post_only": codes.POST_ONLY}
SELF_TRADE = {
    "allowed": codes.SELF_TRADE_ALLOWED,
    "cancel_newest": codes.CANCEL_NEWEST,
    "cancel_oldest": codes.CANCEL_OLDEST,
    "cancel_both": codes.CANCEL_BOTH,
}
LEGS = {"one_way": codes.ONE_WAY, "long": codes.LONG, "short": codes.SHORT}
TRIGGERS = {
    "stop": codes.STOP, "take_profit": codes.TAKE_PROFIT, "trailing": codes.TRAILING,
}  # fmt: skip
TRIGGER_PRICES = {"mark": 0, "last": codes.ON_LAST}
MARGIN_MODES = {"cross": 0, "isolated": 1}
POSITION_MODES = {"one_way": 0, "hedge": 1}
ACCOUNT_MODES = {"unified": 0, "portfolio": 1}
NOBODY = -1
NOWHERE = -2  # -1 means every instrument where all orders are cancelled
_MOST = 2**62
_MOST_DIGITS = 40
_TOO_MANY = int(10**_MOST_DIGITS)


def number(name: str, value: Number) -> Decimal:
    """A number as it was written; a float counts as the digits that Python prints for it.

    Raises
    ------
    UndertowError
        For anything that is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, str | Integral | float | Decimal):
        raise UndertowError(f"{name}: expected a number such as '0.5', got {shown(value)}")
    digits = float.__repr__(value) if isinstance(value, float) else value
    try:
        made = Decimal(int(digits) if isinstance(digits, Integral) else digits)
    except InvalidOperation:
        raise UndertowError(f"{name}: '{value}' is no number") from None
    if not made.is_finite():
        raise UndertowError(f"{name}: expected a finite number, got {value}")
    return made


def whole(name: str, value: int) -> int:
    """A whole number below 2^62 in size.

    Raises
    ------
    UndertowError
        For anything else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or abs(value) >= _MOST:
        raise UndertowError(f"{name}: expected a whole number below 2^62, got {shown(value)}")
    return int(value)


def moment(name: str, value: Any) -> int:
    """A moment in nanoseconds since 1970.

    Raises
    ------
    UndertowError
        For what is no time, or later than the year 2116.
    """
    return whole(name, time_ns(value))


def in_steps(value: Decimal, step: Decimal) -> int | None:
    """How many steps make up a value, exactly; None if no whole number does.

    Beyond 10^40 the answer is only that it is too many for any exchange.
    """
    if value.adjusted() > _MOST_DIGITS:
        return -_TOO_MANY if value < 0 else _TOO_MANY
    if value.adjusted() < -_MOST_DIGITS and value != 0:
        return None
    steps = Fraction(value) / Fraction(step)
    return steps.numerator if steps.denominator == 1 else None


def word(name: str, value: str, known: Mapping[str, int]) -> int:
    """The code of a word.

    Raises
    ------
    UndertowError
        For a word that there is not; the message names the nearest and all there are.
    """
    if value not in known:
        raise UndertowError(f"{name}: no '{value}'{nearest(str(value), known)}")
    return known[value]


class Draft:
    """One command in the making; ``reason`` is the first thing that an exchange has against it.

    ``asked`` keeps what was asked for where the row cannot hold it: a price off tick, the name of
    an unknown account.
    """

    def __init__(self, kind: int, listings: Sequence[Listing], **fields: int) -> None:
        self.row = np.zeros(1, COMMAND)
        self.row["kind"] = kind
        self.row["instrument"] = fields.pop("instrument", -1)
        for name, value in fields.items():
            self.row[name] = value
        self.reason = NO_REASON
        self.asked: dict[str, Any] = {}
        self.listing: Listing | None = None
        self._listings = listings

    def refuse(self, reason: int) -> None:
        """Note a reason, unless there is one already."""
        if self.reason == NO_REASON:
            self.reason = reason

    def at(self, symbol: str, numbers: Mapping[str, int]) -> Draft:
        """Name the instrument."""
        place = numbers.get(symbol)
        self.row["instrument"] = NOWHERE if place is None else place
        if place is None:
            self.asked["symbol"] = symbol
            self.refuse(codes.UNKNOWN_INSTRUMENT)
        else:
            self.listing = self._listings[place]
        return self

    def of(self, account: int | str, names: Mapping[str, int], count: int) -> Draft:
        """Name the account."""
        found = names.get(account) if isinstance(account, str) else whole("account", account)
        if found is None or not 0 <= found < count:
            self.asked["account"] = account
            self.refuse(codes.UNKNOWN_ACCOUNT)
            found = NOBODY
        self.row["account"] = found
        return self

    def asset(self, name: str | None, names: Sequence[str]) -> Draft:
        """Name an asset beside cash; without a name it is cash."""
        if name is not None and name not in names:
            self.asked["asset"] = name
            self.refuse(codes.UNKNOWN_ASSET)
        elif name is not None:
            self.row["asset"] = names.index(name)
        return self

    def order(self, order_id: int) -> Draft:
        """Name the order."""
        self.row["order_id"] = whole("order_id", order_id)
        return self

    def price(self, value: Number, field: str = "price_ticks", *, is_order: bool = False) -> Draft:
        """A price in ticks. Those of orders also keep to the venue's significant figures."""
        name = field.removesuffix("_ticks")
        made = number(name, value)
        if self.listing is not None:
            ticks = in_steps(made, self.listing.tick)
            figures = self.listing.instrument.price_figures if is_order else None
            if ticks is None or (figures is not None and _too_fine(made, figures)):
                self._missed(name, made, codes.OFF_TICK)
            elif abs(ticks) > codes.MOST_PRICE_TICKS:
                self._missed(name, made, codes.PRICE_TOO_LARGE)
            else:
                self.row[field] = ticks
        return self

    def quantity(self, value: Number) -> Draft:
        """A quantity in lots."""
        made = number("quantity", value)
        if self.listing is not None:
            lots = in_steps(made, self.listing.lot)
            if lots is None:
                self._missed("quantity", made, codes.OFF_LOT)
            elif abs(lots) > codes.MOST_SIDE_LOTS:
                self._missed("quantity", made, codes.QUANTITY_TOO_LARGE)
            else:
                self.row["quantity_lots"] = lots
        return self

    def amount(
        self, name: str, value: Number, per: int = CASH_UNITS, reason: int = codes.BAD_AMOUNT
    ) -> Draft:
        """An amount of which there are ``per`` units in one: it must be a whole number of them."""
        made = number(name, value)
        units = in_steps(made, Decimal(1) / per)
        if units is None or abs(units) > _MOST:
            self.refuse(reason)
            if name == "amount":
                self.asked[name] = made
        else:
            self.row["amount"] = units
        return self

    def within_size(self) -> Draft:
        """Limits that only single orders have: the most of a market order, the most notional."""
        if self.listing is None or self.reason != NO_REASON:
            return self
        instrument = self.listing.instrument
        quantity = int(self.row["quantity_lots"][0]) * self.listing.lot
        price = int(self.row["price_ticks"][0]) * self.listing.tick
        is_market = int(self.row["kind"][0]) == codes.MARKET
        most = instrument.max_market_quantity if is_market else None
        notional = quantity * price * instrument.contract_size
        if most is not None and quantity > most:
            self.refuse(codes.ABOVE_MAX_QUANTITY)
        if instrument.max_notional is not None and notional > instrument.max_notional:
            self.refuse(codes.ABOVE_MAX_QUANTITY)
        return self

    def _missed(self, name: str, value: Decimal, reason: int) -> None:
        self.asked[name] = value
        self.refuse(reason)


def _too_fine(price: Decimal, figures: int) -> bool:
    """Whether a price that is not whole has more significant figures than a venue takes."""
    return bool(price % 1) and len(price.normalize().as_tuple().digits) > figures
