"""Whether another time or scope can explain a figure, and whether it can be true at all.

Two figures of one quantity differ because they were taken at other times or of other venues, but
only so far. Each family has a room around what is known: inside it the difference is explained;
further out nothing explains it; and far outside everything known the figure is contradicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from undertow.claims.reconcile.ranges import shown
from undertow.claims.reconcile.result import Evidence, Statement
from undertow.claims.reconcile.statements import from_library
from undertow.measures.published import published


class Room(NamedTuple):
    """How far from what is known a figure may be: as a factor, or in points of percent or index.

    Attributes
    ----------
    near
        So far another time, scope or way of counting explains it.
    far
        From here on it is contradicted.
    both_ways
        Whether a figure below the known ones can be too small: sums may be of a part.
    """

    near: float
    far: float
    both_ways: bool = False


# All assumed. Of the falls in the library open interest was cut by less than half; a day's market
# value seldom moves by a tenth; a loss is first told too low, so that only more is implausible.
_FACTORS = {
    "open interest": Room(2.0, 4.0, both_ways=True),
    "market cap": Room(1.1, 1.5, both_ways=True),
    "treasury": Room(1.5, 5.0),
    "loss": Room(1.25, 3.0),
    "price": Room(1.5, 5.0, both_ways=True),
    "etf flow": Room(3.0, 20.0),
}
_FACTOR = Room(2.0, 4.0)
_POINTS = {
    "dominance": Room(2.0, 8.0, both_ways=True),
    "fear greed": Room(10.0, 30.0, both_ways=True),
    "open interest": Room(10.0, 30.0, both_ways=True),
    "liquidations": Room(15.0, 40.0, both_ways=True),
    "funding rate": Room(0.05, 1.0, both_ways=True),
}
_POINT = Room(10.0, 40.0, both_ways=True)
_SIZELESS = ("pct", "pct_annualized", "index", "bps")
# What one coin, side or venue has cannot be more than the whole market's; trackers differ a little.
_IN_PARTS = ("liquidations", "open interest")
_MORE_THAN_ALL = 1.1
_LEVELS = ("level", "before", "after", "low", "high", "spot")
_AT_MOST_A_DAY = ("1h", "4h", "12h", "24h", "day", None)
# Bitcoin's own limit: MAX_MONEY in bitcoin/bitcoin, src/consensus/amount.h.
_MOST_COINS = {"BTC": 21_000_000.0}
_PARTS_OF_ALL = ("dominance", "fear greed")


def is_explained(item: Statement, known: Sequence[Statement]) -> bool:
    """Whether some figure that is known is near enough for the difference to be explained."""
    room = _room(item).near
    if item.claim.unit in _SIZELESS:
        return any(abs(other.value - item.value) <= room for other in known)
    values = [(_signed(other), _signed(item)) for other in known]
    return any(one * own > 0 and 1 / room <= own / one <= room for one, own in values)


def _signed(item: Statement) -> float:
    """The value; dollars lost are told with either sign, so that only their size counts."""
    is_lost = item.aspect == "change" and item.claim.unit == "USD"
    return abs(item.value) if is_lost else item.value


def impossible(
    item: Statement, known: Sequence[Statement], everything: Sequence[Statement]
) -> Evidence | None:
    """Why a figure is far outside all that is known; None where it is not.

    Parameters
    ----------
    known
        Figures of the same quantity and crash, of others; those found wrong left out.
    everything
        All statements that are known, for what the whole market has.
    """
    limit = _beyond_limit(item)
    if limit:
        return Evidence(kind="source", text=limit, by="limit")
    if known and (far := _away(item, known, _room(item).far)):
        return Evidence(kind="source", text=far, by="value")
    if whole := _above_the_whole(item, everything):
        return Evidence(kind="source", text=whole, by="whole")
    if known:
        return None
    of_all = _of_all_crashes(item)
    # Another crash, another year: that a figure is lower than ever says nothing.
    far = _away(item, of_all, _room(item).far, only_above=item.claim.unit not in _SIZELESS)
    return Evidence(kind="source", text=far, by="value") if of_all and far else None


def nearest_known(item: Statement, known: Sequence[Statement]) -> str:
    """The nearest figure that is known, with who has it."""
    best = min(known, key=lambda other: abs(_signed(other) - _signed(item)))
    return f"nearest known: {_told(best)}"


def _room(item: Statement) -> Room:
    if item.claim.unit in _SIZELESS:
        return _POINTS.get(item.family, _POINT)
    return _FACTORS.get(item.family, _FACTOR)


def _away(
    item: Statement, known: Sequence[Statement], room: float, *, only_above: bool = False
) -> str | None:
    """How far a figure is outside the known ones, where that is more than the room."""
    if not known:
        return None
    if item.claim.unit in _SIZELESS:
        low = min(known, key=lambda other: other.value)
        high = max(known, key=lambda other: other.value)
        if low.value - room <= item.value <= high.value + room:
            return None
        is_above = item.value > high.value
        apart = f"{abs(item.value - (high if is_above else low).value):.3g} points from it"
    else:
        low = min(known, key=lambda other: abs(other.value))
        high = max(known, key=lambda other: abs(other.value))
        # A venue has a part, however small, of what all have.
        both = _room(item).both_ways and not only_above and item.scope == "all"
        size = abs(item.value)
        is_above = size > room * abs(high.value)
        if not is_above and not (both and size * room < abs(low.value)):
            return None
        apart = _times(size, abs((high if is_above else low).value), is_above)
    end = high if is_above else low
    edge = "only figure" if low is high else "highest" if is_above else "lowest"
    figure = shown(item.value, item.claim.unit)
    return f"far outside what is known: the {edge} is {_told(end)}; {figure} is {apart}"


def _times(size: float, known: float, is_above: bool) -> str:
    if not size or not known:
        return "nothing like it"
    times = size / known if is_above else known / size
    return f"{shown(float(f'{times:.2g}'))} times {'as much' if is_above else 'less'}"


def _told(item: Statement) -> str:
    whose = "" if item.subject in ("ALL", "TOTAL") else f" of {item.subject}"
    when = item.claim.as_of or item.episode or ""
    return f"{shown(item.value, item.claim.unit)}{whose} ({item.publisher}, {when})"


def _beyond_limit(item: Statement) -> str | None:
    """What no figure of its kind can be, whatever is known."""
    unit, value = item.claim.unit, item.value
    most = _MOST_COINS.get(unit or "")
    if most is not None and item.family == "treasury" and abs(value) > most:
        return f"there are never more than {shown(most, unit)}"
    is_share = item.family in _PARTS_OF_ALL or item.aspect.endswith("share")
    if is_share and unit in ("pct", "index") and not 0 <= value <= 100:
        return f"{shown(value, unit)} is outside 0 to 100"
    is_fall = item.aspect == "change" and unit == "pct" and value < -100
    return "nothing falls by more than 100 %" if is_fall else None


def _above_the_whole(item: Statement, everything: Sequence[Statement]) -> str | None:
    """A coin's, a side's or a venue's figure above that of the whole market in the same crash."""
    is_level = item.family == "liquidations" or item.aspect in _LEVELS
    if item.family not in _IN_PARTS or item.claim.unit != "USD" or not is_level:
        return None
    is_whole = (item.subject, item.scope) == ("ALL", "all") and item.aspect in ("both", *_LEVELS)
    if is_whole or item.window not in _AT_MOST_A_DAY:
        return None
    whole = [
        other
        for other in usable(everything)
        if (other.family, other.subject, other.scope) == (item.family, "ALL", "all")
        and other.claim.unit == "USD"
        and other.aspect in ("both", *_LEVELS)
        and other.window in _AT_MOST_A_DAY
        and other.episode == item.episode
        and other.in_library
    ]
    most = max(whole, key=lambda other: other.value, default=None)
    if most is None or item.value <= _MORE_THAN_ALL * most.value:
        return None
    return f"more than the whole market ever had in that crash: {_told(most)}"


def usable(items: Sequence[Statement]) -> list[Statement]:
    """Those that the library has not found wrong."""
    wrong = _found_wrong()
    return [item for item in items if item.id not in wrong]


@cache
def _found_wrong() -> frozenset[str]:
    return frozenset(published(usable=False)["id"].to_list())


@cache
def _library() -> tuple[Statement, ...]:
    return tuple(from_library(published(usable=True).iter_rows(named=True)))


def _of_all_crashes(item: Statement) -> list[Statement]:
    """Figures of the kind from every crash: of the same subject, else of any."""
    aspects = _LEVELS if item.aspect in _LEVELS else (item.aspect,)
    alike = [
        other
        for other in _library()
        if other.family == item.family
        and other.aspect in aspects
        and other.claim.unit == item.claim.unit
        and other.claim.value is not None
    ]
    own = [other for other in alike if other.subject.upper() == item.subject.upper()]
    is_price = item.family == "price"  # prices of other coins say nothing
    return own if own or is_price else alike
