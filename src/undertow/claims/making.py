"""Makes claims of figures whose metric is known: sign, asset, side, venue, times, source, kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import msgspec

from undertow.claims.attribution import source_of
from undertow.claims.claim import Claim
from undertow.claims.context import Choice
from undertow.claims.direction import SIGNED, change_sign, flow_sign
from undertow.claims.kinds import kind_of
from undertow.claims.mentions import is_stable, protocol_tokens
from undertow.claims.metrics import OTHER, Metric, metrics
from undertow.claims.quantities import Quantity
from undertow.claims.sentences import Sentence
from undertow.claims.sides import side_of, trade_side, venue_of
from undertow.claims.spot import figure_of, words
from undertow.claims.subjects import RESPECTIVELY, Asked, asset_of
from undertow.claims.timing import When, when
from undertow.claims.units import COINLESS, PRICES, in_dollars, unit_class

_SIDED = ("liquidations", "liquidation_share", "largest_liquidation")
_LIQUIDATIONS = (*_SIDED, "traders_liquidated")
_MAGNITUDES = ("market_cap_change", "open_interest_change")  # in dollars these carry no sign
_ROUNDED_PARTS = (33.0, 67.0)  # thirds: the part of a sum would be a rounded figure
_BEHIND_PRICE = 9  # items
_ANNUAL = ("funding_rate", "basis")


class Maker(msgspec.Struct):
    """What is known about an article, and what its sentences so far were about."""

    text: str
    assets: list[str]
    published: str | None
    day: date | None
    publisher: str | None
    teasers: list[tuple[int, int]]
    is_spun: bool
    last_asset: str | None = None
    last_sign: int = -1
    last_sources: dict[str, str] = {}
    of_metric: dict[str, str] = {}
    priced: tuple[int, int, str] = (-1, -1, "")  # the last price: its sentence, place and asset
    windows: dict[str, tuple[int, str | None]] = {}  # by what it is of: the sentence, the window

    def remember(self, sentence: Sentence) -> None:
        """Keep the last asset of a sentence, for the sentences that say "it"."""
        for item in sentence.items:
            if item.mention is not None and item.key == "@":
                self.last_asset = item.mention.name
            elif (
                item.quantity is not None
                and unit_class(item.quantity) == "coin"
                and not is_stable(item.quantity.unit)
            ):
                self.last_asset = item.quantity.unit

    def claims_of(self, sentence: Sentence, index: int, choice: Choice) -> Iterator[Claim]:
        """The claim of one figure; a second one for ``half of its $189 million``."""
        quantity = figure_of(sentence.items[index])
        metric = metrics().get(choice.metric)
        if metric is None and quantity.unit in ("", "x"):
            return
        claim = self._claim(sentence, index, choice, metric, quantity)
        fraction = _fraction_before(sentence, index)
        if fraction is not None and metric is not None and claim.value is not None:
            start = sentence.items[fraction].start
            share = figure_of(sentence.items[fraction]).low / 100
            yield msgspec.structs.replace(
                claim, value=claim.value * share, kind="derived", start=start,
                flags=(*claim.flags, "words"), span=self.text[start : quantity.end],
                note=f"{share:g} of the figure behind it",
            )  # fmt: skip
        yield claim

    def _claim(
        self, sentence: Sentence, index: int, choice: Choice, metric: Metric | None,
        quantity: Quantity,
    ) -> Claim:  # fmt: skip
        item = sentence.items[index]
        flags = [*quantity.flags, *(["spun"] if self.is_spun else [])]
        asset, side = None, None
        low, high = quantity.low, quantity.high
        if metric is not None:
            anchor = _anchor(sentence, index)
            asset = self._asset(sentence, anchor, metric, quantity, flags)
            side = _side(sentence, anchor, metric.name)
            low, high = self._signed(sentence, index, metric.name, quantity, flags)
        times = self._when(sentence, index, choice.metric, metric)
        if _is_rounded(quantity):
            flags.append("rounded")
        is_teaser = any(start <= item.start < end for start, end in self.teasers)
        return Claim(
            metric=choice.metric, qualifier=quantity.qualifier,
            value=None if quantity.is_range else low,
            value_low=low if quantity.is_range else None,
            value_high=high if quantity.is_range else None,
            unit=_unit(sentence, index, choice.metric, quantity), asset=asset, side=side,
            venue=venue_of(sentence, index), window=times.window, as_of=times.as_of,
            source=self._source(sentence, index, choice.metric),
            kind=kind_of(sentence, index, choice.metric, self.text, is_teaser),
            flags=tuple(dict.fromkeys([*flags, *times.flags])),
            span=self.text[item.start : quantity.end], start=item.start,
            note=quantity.note or "; ".join(choice.reasons) or None, publisher=self.publisher,
        )  # fmt: skip

    def _asset(
        self, sentence: Sentence, anchor: int, metric: Metric, quantity: Quantity, flags: list[str]
    ) -> str | None:
        if quantity.unit not in COINLESS:
            self.of_metric[metric.name.removesuffix("_change")] = quantity.unit
            return quantity.unit
        is_of_price = metric.asset != "BTC" or metric.name in (*PRICES, "price_change")
        known = [self.last_asset] if is_of_price and self.last_asset else []
        known += self.assets
        family = metric.name.removesuffix("_change")
        earlier, value = self.of_metric.get(family), in_dollars(quantity)
        asset, how = asset_of(Asked(sentence.items, anchor, metric, value, known, earlier))
        if metric.name == "tvl" and asset in protocol_tokens().values():
            asset = metric.asset  # of the protocol, not of its token
        if asset is None and metric.name == "holdings" and _of_funds(sentence):
            asset = self.of_metric.get("etf_flow")
        if metric.name == "price_change" and how != RESPECTIVELY:
            asset = self._of_price(sentence, anchor) or asset
        if metric.name == "price" and asset is not None:
            self.priced = (sentence.start, anchor, asset)
        if asset is not None:
            self.of_metric[family] = asset
        if how == RESPECTIVELY:
            flags.append("respectively")
        return asset

    def _of_price(self, sentence: Sentence, index: int) -> str | None:
        """The asset of the price that a change stands behind, with no other name between."""
        start, priced, asset = self.priced
        items = sentence.items
        is_behind = start == sentence.start and 0 < index - priced <= _BEHIND_PRICE
        if not is_behind or any(item.key in ("@", ";") for item in items[priced : index + 4]):
            return None
        return asset

    def _when(self, sentence: Sentence, index: int, name: str, metric: Metric | None) -> When:
        """When the figure held; parts of a sum are of the window that the sum was of."""
        default = metric.window if metric else None
        times = when(sentence, index, name, default, self.published, self.day)
        family = "liquidations" if name in _LIQUIDATIONS else name
        if "window missing" not in times.flags:
            self.windows = {**self.windows, family: (sentence.start, times.window)}
        elif self.windows.get(family, (-1, None))[0] == sentence.start:
            times = msgspec.structs.replace(times, window=self.windows[family][1])
        return times

    def _source(self, sentence: Sentence, index: int, metric: str) -> str | None:
        """The source of the sentence, else the last one of such figures: it is named once."""
        about = "liquidations" if metric in _LIQUIDATIONS else metric
        said = source_of(sentence, index)
        if said is not None:
            self.last_sources[about] = said
        return said or self.last_sources.get(about)

    def _signed(
        self, sentence: Sentence, index: int, metric: str, quantity: Quantity, flags: list[str]
    ) -> tuple[float, float]:
        sign = quantity.sign or 1
        if metric == "etf_flow":
            unsaid = 1 if sentence.is_cell else -1  # a table writes its minuses
            sign = quantity.sign or flow_sign(sentence, index) or unsaid
        elif metric in SIGNED and not (quantity.unit != "pct" and metric in _MAGNITUDES):
            sign = quantity.sign or change_sign(sentence, index) or int(sentence.is_cell)
            if not sign:
                sign = 1 if metric == "seasonal_return" else self.last_sign
                flags.append("sign assumed")
            self.last_sign = sign
        elif metric in _ANNUAL:
            sign = quantity.sign or (-1 if _is_below(sentence, index) else 1)
        elif unit_class(quantity) != "pct":
            sign = 1
        if sign > 0:
            return quantity.low, quantity.high
        flags.append("negative")
        return -quantity.high, -quantity.low


def _anchor(sentence: Sentence, index: int) -> int:
    """The figure that a figure in brackets belongs to: ``longs: $8.3B (84%)``."""
    items = sentence.items
    if index >= 2 and items[index - 1].key == "(" and items[index - 2].kind == "quantity":
        return index - 2
    return index


def _side(sentence: Sentence, index: int, metric: str) -> str | None:
    if metric in _SIDED:
        return side_of(sentence, index)
    if metric == "average_cost":
        return "buy"
    return trade_side(sentence, index) if metric == "holdings_change" else None


def _unit(sentence: Sentence, index: int, metric: str, quantity: Quantity) -> str | None:
    if not quantity.unit:
        return "count" if metric == "traders_liquidated" else ("index" if metric != OTHER else None)
    if metric in _ANNUAL and quantity.unit == "pct":
        ends = [index, *_start_of_path(sentence, index)]
        if any(_is_annual(sentence, end) for end in ends):
            return "pct_annualized"
    return quantity.unit


def _start_of_path(sentence: Sentence, index: int) -> list[int]:
    """The figure before ``from 11%`` or ``to 4%``: of the same unit."""
    items = sentence.items
    for at in range(index - 1, max(-1, index - 8), -1):
        if items[at].kind == "quantity":
            near = {item.key for item in items[max(at + 1, index - 3) : index]}
            is_path = "from" in near or ("to" in near and items[at - 1].key == "from")
            return [at] if is_path else []
    return []


def _of_funds(sentence: Sentence) -> bool:
    """Whether a sentence speaks of what funds hold: net assets, assets under management."""
    keys = [item.key for item in sentence.items]
    pairs = {*pairwise(keys)}
    return "aum" in keys or bool(pairs & {("net", "assets"), ("under", "management")})


def _is_below(sentence: Sentence, index: int) -> bool:
    """Whether a rate or basis is said to be negative, a discount, or below spot."""
    near = sentence.items[max(0, index - 3) : index + 3]
    return any(item.key in words("direction", "negative") for item in near)


def _is_annual(sentence: Sentence, index: int) -> bool:
    """Whether a rate is said to be per year, before it in its clause or right behind it."""
    items = sentence.items
    if index + 1 < len(items) and items[index + 1].time is not None:
        following = items[index + 1].time
        if following is not None and following.text.lower() in ("a year", "per year"):
            return True
    for at in range(max(0, index - 8), index):
        if items[at].key == "#" and items[at + 1].key.startswith("annual"):
            passed = {item.key for item in items[at:index]}
            return not passed & {
                "basis",
                "premium",
                "discount",
                "funding",
                ";",
            }  # "-4.2% annualized on Deribit, -9% on Bybit"
    said = [item.key for item in items[index + 1 : index + 3]]
    for at in range(index - 1, max(-1, index - 12), -1):
        if items[at].key in (",", ";", "#"):
            break
        said.append(items[at].key)
    return any(word.startswith("annual") or word == "apr" for word in said)


def _fraction_before(sentence: Sentence, index: int) -> int | None:
    """The item of ``half`` in ``half of its $189 million``."""
    items = sentence.items
    for at in range(index - 1, max(-1, index - 4), -1):
        quantity = items[at].quantity
        if quantity is not None:
            is_part = items[at + 1].key == "of" and "words" in quantity.flags
            is_exact = quantity.low not in _ROUNDED_PARTS
            return at if is_part and is_exact and quantity.unit == "pct" else None
    return None


def _is_rounded(quantity: Quantity) -> bool:
    """Whether a figure is given to two digits at most."""
    digits = quantity.digits.replace(",", "").replace(".", "").strip("0")
    return bool(digits) and len(digits) <= 2 and unit_class(quantity) != "pct"
