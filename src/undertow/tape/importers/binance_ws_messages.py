"""Lines of a recorded Binance USD-M stream as typed messages.

Keys are those of the venue's documentation of USD-M streams (``<symbol>@depth``, ``@bookTicker``,
``@trade``, ``@aggTrade``, ``@markPrice``, ``@forceOrder``) and of ``GET /fapi/v1/depth``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from undertow.tape.importers.reading import BadRows

Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Name = Annotated[str, Meta(min_length=1)]
# Finite, which the upper bound says: JSON texts such as "inf" and "nan" are numbers elsewhere.
Above = Annotated[float, Meta(gt=0, le=1e100)]
NotBelow = Annotated[float, Meta(ge=0, le=1e100)]
Level = tuple[Above, NotBelow]
_WORDS = {
    "Expected `float` > 0.0": "expected more than 0",
    "Expected `float` >= 0.0": "expected 0 or more",
    "Expected `float` <= 1e+100": "expected a finite number",
    "Expected `float`, got `str`": "expected a number",
}
_FIRST_NS, _LAST_NS = 978_307_200 * 10**9, 4_102_444_800 * 10**9  # 2001 to 2100


class Timed(Struct, gc=False, kw_only=True):
    """What all messages have; ``T`` is when it happened at the venue, ``E`` when it was told."""

    time_ms: Whole | None = field(name="T", default=None)
    event_ms: Whole | None = field(name="E", default=None)


class Diff(Timed, tag_field="e", tag="depthUpdate", gc=False, kw_only=True):
    """``depthUpdate``: quantities that now rest at some levels."""

    symbol: Name = field(name="s")
    first_id: Whole = field(name="U")
    final_id: Whole = field(name="u")
    previous_id: Whole = field(name="pu")
    bids: list[Level] = field(name="b")
    asks: list[Level] = field(name="a")


class Snapshot(Timed, gc=False, kw_only=True):
    """Answer of the REST interface: a picture of the best levels; it seldom names its symbol."""

    final_id: Whole = field(name="lastUpdateId")
    bids: list[Level]
    asks: list[Level]
    symbol: Name | None = None


class Quote(Timed, tag_field="e", tag="bookTicker", gc=False, kw_only=True):
    """``bookTicker``: best bid and ask after each change of them."""

    symbol: Name = field(name="s")
    final_id: Whole = field(name="u")
    bid: Above = field(name="b")
    bid_quantity: Above = field(name="B")
    ask: Above = field(name="a")
    ask_quantity: Above = field(name="A")


class Trade(Timed, tag_field="e", tag="trade", gc=False, kw_only=True):
    """``trade``: one order met another; ``X`` says why where it is no ordinary one."""

    symbol: Name = field(name="s")
    trade_id: Whole = field(name="t")
    price: NotBelow = field(name="p")
    quantity: NotBelow = field(name="q")
    is_buyer_maker: bool = field(name="m")
    reason: str = field(name="X", default="MARKET")


class AggTrade(Timed, tag_field="e", tag="aggTrade", gc=False, kw_only=True):
    """``aggTrade``: fills of one order at one price."""

    symbol: Name = field(name="s")
    trade_id: Whole = field(name="a")
    price: NotBelow = field(name="p")
    quantity: NotBelow = field(name="q")
    is_buyer_maker: bool = field(name="m")


class Mark(Struct, tag_field="e", tag="markPriceUpdate", gc=False, kw_only=True):
    """``markPriceUpdate``; its ``T`` is the next funding time, and ``r`` only a forecast."""

    event_ms: Whole = field(name="E")
    symbol: Name = field(name="s")
    mark: Above = field(name="p")
    index: Above | None = field(name="i", default=None)


class ForcedOrder(Timed, gc=False, kw_only=True):
    """``o`` of a ``forceOrder``: the order that closes somebody's position."""

    symbol: Name = field(name="s")
    side: Literal["BUY", "SELL"] = field(name="S")
    quantity: NotBelow = field(name="q")
    price: NotBelow = field(name="p")
    average_price: NotBelow = field(name="ap", default=0.0)
    filled: NotBelow = field(name="z", default=0.0)


class ForceOrder(Struct, tag_field="e", tag="forceOrder", gc=False):
    """``forceOrder``: one closing; of several within a second only one is told."""

    order: ForcedOrder = field(name="o")


class Other(Struct, gc=False):
    """A message that is not read: its name and nothing else."""

    name: str


_Tagged = Diff | Quote | Trade | AggTrade | Mark | ForceOrder
Event = _Tagged | Snapshot | Other
KINDS: dict[str, type[Struct]] = {
    "depthUpdate": Diff,
    "bookTicker": Quote,
    "trade": Trade,
    "aggTrade": AggTrade,
    "markPriceUpdate": Mark,
    "forceOrder": ForceOrder,
}
REPLY, ERROR_REPLY = "reply to the recorder", "error sent to the recorder"


class _Wrapped(Struct, gc=False):
    """A message of a combined stream."""

    stream: str
    data: _Tagged


class _Head(Struct, gc=False):
    """The keys that tell what an unusual message is."""

    name: str | UnsetType = field(name="e", default=UNSET)
    update_id: Raw | UnsetType = field(name="lastUpdateId", default=UNSET)
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    code: Raw | UnsetType = UNSET


class _Line(Struct, gc=False):
    stream: str | None = None
    data: Raw = Raw()


_WRAPPED = msgspec.json.Decoder(_Wrapped, strict=False)
_BARE: msgspec.json.Decoder[_Tagged] = msgspec.json.Decoder(_Tagged, strict=False)
_SNAPSHOT = msgspec.json.Decoder(Snapshot, strict=False)
_LINE, _HEAD = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Head)
_LIST = msgspec.json.Decoder(list[Raw])


def messages(raw: bytes, bad: BadRows) -> Iterator[tuple[int, str | None, Event]]:
    """Every message of a recording: line, name of its stream, event.

    A line is ``<receive time in ns> <JSON>``; receive times may not go back. What cannot be read
    goes through ``bad``, named by its JSON key.
    """
    latest_ns = _FIRST_NS
    for row, line in enumerate(io.BytesIO(raw.removeprefix(b"\xef\xbb\xbf")), 1):
        moment, _, text = line.partition(b" ")
        received_ns = int(moment) if moment.isdigit() and len(moment) < 20 else 0
        if not latest_ns <= received_ns < _LAST_NS:
            if not line.isspace():
                message = "time goes back: expected rising times"
                if not _FIRST_NS <= received_ns < latest_ns:
                    message = "expected nanoseconds since 1970, a space and JSON"
                bad.drop(row, "receive time", _text(moment), message)
            continue
        latest_ns = received_ns
        try:
            stream, events = _read(text)
        except (ValueError, RecursionError) as error:
            bad.drop(row, *_blame(error, text))
            continue
        for event in events:
            yield row, stream, event


def _read(text: bytes) -> tuple[str | None, Sequence[Event]]:
    """Most lines are decoded in one go; only what that refuses is looked at more closely."""
    try:
        if text.startswith(b'{"stream"'):
            message = _WRAPPED.decode(text)
            return message.stream, (message.data,)
        return None, (_BARE.decode(text),)
    except msgspec.ValidationError:
        return _read_unusual(text)


def _read_unusual(text: bytes) -> tuple[str | None, list[Event]]:
    if text.lstrip().startswith(b"["):
        stream, data = None, Raw(text)
    else:
        line = _LINE.decode(text)
        stream, data = line.stream, line.data if bytes(line.data) else Raw(text)
    is_list = bytes(data).lstrip().startswith(b"[")
    return stream, [_event(item) for item in (_LIST.decode(data) if is_list else [data])]


def _event(text: Raw) -> Event:
    head = _HEAD.decode(text)
    if not isinstance(head.name, UnsetType):
        return _BARE.decode(text) if head.name in KINDS else Other(head.name)
    if head.error is not UNSET or head.code is not UNSET:
        return Other(ERROR_REPLY)
    if head.result is not UNSET:
        return Other(REPLY)
    if head.update_id is not UNSET:
        return _SNAPSHOT.decode(text)
    raise msgspec.ValidationError("Object missing required field `e`")


def _blame(error: Exception, text: bytes) -> tuple[str | None, object, str]:
    """Key, value and message of a line that could not be read."""
    words = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return None, _text(text), f"broken JSON: {words}"
    reason, _, path = words.partition(" - at `$")
    if absent := re.search("required field `(.*?)`", reason):
        return absent[1], None, f"missing key '{absent[1]}'"
    keys = re.findall(r"\.(\w+)", path)
    message = _WORDS.get(reason) or reason[0].lower() + reason[1:].replace("`", "")
    return (keys[-1] if keys else None), _value(text, keys), message


def _value(text: bytes, keys: list[str]) -> object:
    """What stands under the keys; of levels, the first that is none."""
    try:
        value: Any = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return _text(text)
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        value = value["data"]
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value
    if isinstance(value, list):
        return next((level for level in value if not _is_level(level)), value)
    return value


def _is_level(value: object) -> bool:
    try:
        msgspec.convert(value, Level, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _text(raw: bytes) -> str:
    return raw[:60].decode("utf-8", "replace").strip()
