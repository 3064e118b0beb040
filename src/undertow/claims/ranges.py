"""Joins two figures into a range: ``5-10%``, ``$98,000 to $100,000``, ``between 5% and 6%``."""

from __future__ import annotations

import re
from itertools import pairwise

from undertow.claims.quantities import Quantity, single_figures
from undertow.claims.timephrases import TimePhrase
from undertow.claims.vocabulary import plain, table

_BETWEEN = re.compile(r"\bbetween (?:about |roughly |around )?$", re.IGNORECASE)
_WIDEST = 4.5  # ends further apart are no range in words (assumed)
_BAND = re.compile(
    r"\b(?:range|ranges|ranged|channel|band|corridor|zone|window|box) $", re.IGNORECASE
)
_FALLING = re.compile(r"\b(?:zone|area|band|range|spans?|spanning)\b[^.;,]{0,24}$", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\b[^.;,]{0,40}$", re.IGNORECASE)


def quantities(text: str, times: list[TimePhrase]) -> list[Quantity]:
    """All figures of a text that are not part of a time, in order; a range is one figure."""
    return _joined(_lent(single_figures(text, times), text), text)


_LISTED = re.compile(r"(?:, ?(?:and |or )?| and | or )")
_BETWEEN_TO = re.compile(r" to (?:about |around |just |almost |nearly |over |under |roughly )?")


def _lent(found: list[Quantity], text: str) -> list[Quantity]:
    """Give figures of a list the unit at its end: ``11, 10.2 and 12 percent``.

    A scale is lent too where "respectively" follows, and along a path: ``from $65 to $90 million``.
    """
    for two, one in pairwise(reversed(found)):
        between = text[one.end : two.start]
        if len(between) > 14 or not one.digits or one.scale != 1.0:
            continue
        is_list = _LISTED.fullmatch(between) is not None
        if one.low >= 1000:
            if is_list and not one.unit and two.digits and one.low / 9 < two.low < one.low * 9:
                one.unit = two.unit  # "80,000 and 74,500 dollars"
            continue
        is_path = _BETWEEN_TO.fullmatch(between) is not None
        if is_list and not one.unit and two.unit == "pct" and two.digits and two.scale == 1.0:
            one.unit = "pct"
        is_named = is_list and "respectively" in text[two.end : two.end + 60]
        before = text[max(0, one.start - 40) : one.start]
        if (
            two.scale >= 1e6
            and one.unit in ("", two.unit)
            and (is_named or (is_path and _FROM.search(before) is not None))
        ):
            one.unit, one.scale = two.unit, two.scale
            one.low = one.high = float(f"{one.low * two.scale:.12g}")
    return found


def _joined(found: list[Quantity], text: str) -> list[Quantity]:
    """Join ``5-10%``, ``$98,000 to $100,000`` and ``between 5% and 6%`` into ranges."""
    joined: list[Quantity] = []
    index = 0
    while index < len(found):
        one = found[index]
        two = found[index + 1] if index + 1 < len(found) else None
        if two is not None and _are_range(one, two, text):
            joined.append(_range(one, two))
            index += 2
        else:
            joined.append(one)
            index += 1
    return joined


def _are_range(one: Quantity, two: Quantity, text: str) -> bool:
    between = plain(text[one.end : two.start]).strip(" \u00a0")
    units_agree = one.unit == two.unit or not one.unit or not two.unit
    if not units_agree or two.start - one.end > 6 or one.flags == ["words"]:
        return False
    before = text[max(0, one.start - 48) : one.start]
    is_dash = between in ("-", "–", "—") or (
        not between
        and two.sign < 0
        and text[two.start : two.start + 1] in "-–−"
        and two.start == one.end
    )
    is_range = (
        is_dash
        or (between == "to" and not _is_path(before) and _is_span(one, two, before))
        or (between == "and" and bool(_BETWEEN.search(before)))
    )
    if not is_range:
        # "from 3 to 4 percent" is a path: two figures, of which the first borrows the unit.
        if between == "to" and not one.unit and two.unit and one.digits and one.scale == 1:
            one.unit = two.unit
            one.low = one.high = one.low * (two.scale if two.scale > 1 and one.low < 1000 else 1)
        return False
    return bool(one.unit or two.unit) and two.low / two.scale < 1000 * max(
        one.low / one.scale, 1e-9
    )


def _is_path(before: str) -> bool:
    """Whether ``from A to B`` is a move; in ``a range from A to B`` it is none."""
    start = _FROM.search(before)
    return start is not None and _BAND.search(before[: start.start()]) is None


def _is_span(one: Quantity, two: Quantity, before: str) -> bool:
    """Whether ``A to B`` can be two ends: not in ``by $5 to $20``, nor with ends far apart."""
    low, high = one.low * (two.scale if one.scale == 1 and two.scale > 1 else 1), two.low
    if low > high and _FALLING.search(before) is not None:
        low, high = high, low
    said = before.rsplit(None, 1)[-1:]
    moves = {*table("grammar")["direction"]["down"], *table("grammar")["direction"]["up"]}
    if two.unit != "pct" and said and plain(said[0]) in moves:
        return False  # "dropped $5 billion to $16 billion"
    return not before.endswith("by ") and low < high < _WIDEST * max(low, 1e-9)


def _range(one: Quantity, two: Quantity) -> Quantity:
    scale = two.scale if one.scale == 1 and two.scale > 1 and one.low < 1000 else 1
    sign = one.sign or (two.sign if two.sign > 0 else 0)
    low, high = sorted((one.low * scale, two.high))
    return Quantity(
        one.start, two.end, low, high, one.unit or two.unit, max(one.scale, two.scale),
        sign, one.qualifier, [*one.flags, *two.flags, "range"], one.digits,
    )  # fmt: skip
