"""What a causal claim is about: the words of its cause, and the move of a price that it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from undertow.claims.reconcile.result import Statement
from undertow.claims.reconcile.tape_prices import Market, TapePrices
from undertow.measures.as_of import DAY_NS
from undertow.measures.price import Path, largest_fall

_COINS = (("bitcoin", "BTC"), ("btc", "BTC"), ("ether", "ETH"), ("ethereum", "ETH"), ("eth", "ETH"),
          ("solana", "SOL"), ("sol", "SOL"))  # fmt: skip
_FALL = re.compile(
    r"\b(f[ae]ll\w*|drop\w*|slid\w*|slip\w*|slump\w*|plung\w*|plummet\w*|tumbl\w*|crash\w*"
    r"|declin\w*|sell-?offs?|correct\w*|down(turn)?|los[st]\w*|sank|sink\w*|collaps\w*|dip\w*"
    r"|rout|nosediv\w*|retreat\w*|pullback)\b",
    re.IGNORECASE,
)
_RISE = re.compile(
    r"\b(rose|ris(e|es|ing)|rall(y|ied|ies)|jump\w*|surg\w*|soar\w*|climb\w*|gain\w*|rebound\w*"
    r"|recover\w*|bounc\w*|spik\w*|up)\b",
    re.IGNORECASE,
)
# "X triggered Y" and "X was the trigger of Y": the cause stands before the words.
_ACTIVE = re.compile(
    r"^(?:which |that )?(?:has |have |had )?(?:(?:triggered|caused|sparked|prompted|drove|fuell?ed"
    r"|led to|set off|sent)\b(?! by\b)|(?:served as|was|were|is|are|became) the )",
    re.IGNORECASE,
)
_FEWEST_WORDS = 2


class Parts(NamedTuple):
    """A sentence that names a cause: the stretch with the cause, and the text of the effect."""

    cause: tuple[int, int]
    cause_text: str
    effect_text: str


class Effect(NamedTuple):
    """A move as a text tells it: its coin, its direction, and its percentage where printed."""

    coin: str
    is_fall: bool
    percent: float | None


class Move(NamedTuple):
    """A move of a price: by how much, and between which moments.

    Attributes
    ----------
    percent
        What the text prints, else what the tape shows; falls negative.
    start_ns, end_ns
        From the last high before to the low (for a rise the other way round), on the tape.
    printed
        Whether the text names the percentage.
    """

    coin: str
    percent: float
    start_ns: int
    end_ns: int
    printed: bool
    market: Market

    @property
    def word(self) -> str:
        """Fall or rise."""
        return "fall" if self.percent < 0 else "rise"


def parts_of(item: Statement) -> Parts:
    """Cause and effect of a sentence; places count from the start of the text.

    The cause is the claim's span, and the rest of its sentence the effect; where the telling
    words are active ("triggered the fall") it is the other way round.
    """
    words, start = item.claim.span, item.claim.start
    place = max(item.context.find(words), 0)
    head, tail = item.context[:place], item.context[place + len(words) :]
    if _ACTIVE.match(words):
        return Parts((start - place, start), head, words)
    is_after = len(head.split()) >= _FEWEST_WORDS
    return Parts((start, start + len(words)), words, head if is_after else tail)


def effect_of(item: Statement, parts: Parts, own_text: Sequence[Statement]) -> Effect | None:
    """Which price the effect moves, and which way; None where it is no move of a price.

    Parameters
    ----------
    own_text
        The statements of the same text.
    """
    printed = _printed(item, parts, own_text)
    if printed is not None:
        return Effect(printed.subject, printed.value < 0, printed.value)
    falls = bool(_FALL.search(parts.effect_text))
    rises = bool(_RISE.search(parts.effect_text))
    if falls == rises:
        return None  # no move of a price, or no telling which way
    return Effect(coin_of(item, parts.effect_text), falls, None)


def placed(coin: str, span: tuple[int, int], prices: TapePrices, *, is_fall: bool) -> Move | None:
    """The largest fall (or rise) of a coin within 24 hours, on the tape.

    Looked for from a day before a span of time to its end.
    """
    wide = (span[0] - DAY_NS, span[1])
    markets = prices.of(coin, wide)
    found = _largest(markets[0], wide, is_fall=is_fall) if markets else None
    return None if found is None else Move(coin, *found, False, markets[0])


def _printed(item: Statement, parts: Parts, own_text: Sequence[Statement]) -> Statement | None:
    """The percentage of the effect: a change of a price in the same sentence, the nearest one."""
    near = [
        other
        for other in own_text
        if other.context == item.context
        and (other.family, other.aspect, other.claim.unit) == ("price", "change", "pct")
        and not parts.cause[0] <= other.claim.start < parts.cause[1]
        and other.value
    ]
    return min(near, key=lambda o: abs(o.claim.start - item.claim.start), default=None)


def coin_of(item: Statement, text: str) -> str:
    """The coin that a text names; else the claim's own, else bitcoin."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    named = next((coin for name, coin in _COINS if name in words), None)
    own = item.claim.asset if item.claim.asset not in (None, "ALL", "TOTAL") else None
    return named or own or "BTC"


def _largest(
    market: Market, span: tuple[int, int], *, is_fall: bool
) -> tuple[float, int, int] | None:
    """Percent, start and end of the largest fall or rise within 24 hours."""
    part = market.between(*span)
    ohlc = [values[part] for values in (market.open, market.high, market.low, market.close)]
    if not is_fall:  # a rise of the price is a fall of its inverse
        first, high, low, last = (1 / values for values in ohlc)
        ohlc = [first, low, high, last]
    found = largest_fall(Path(market.start[part], market.end[part], *ohlc), DAY_NS)
    if found is None or found.to_value >= found.from_value:
        return None
    ratio = found.to_value / found.from_value
    percent = 100 * ((ratio if is_fall else 1 / ratio) - 1)
    return (percent, found.start_ns, found.end_ns) if np.isfinite(percent) else None
