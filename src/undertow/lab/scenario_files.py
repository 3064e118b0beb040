"""What may be written in a scenario: one frozen model per part, every key and type checked.

Numbers are `scenario_numbers.Number`: tables with a source or with ``assumed = true``. Names and
texts may stand alone, and so may ``seed`` and ``span``, which are choices and not facts.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from undertow.errors import DataError, nearest
from undertow.lab.scenario_numbers import Number, read_setting, reader
from undertow.model.assets import STABLECOINS
from undertow.model.periods import duration_ns, time_ns

MILLISECOND_NS = 1_000_000
QUOTES = ("USD", *sorted(STABLECOINS))


def _quote(name: str) -> str:
    if name not in QUOTES:
        raise ValueError(f"no dollar and no stablecoin{nearest(name, QUOTES)}")
    return name


# Above these, amounts leave what 64 bits hold, and accounts what a machine does.
MOST_USD, MOST_COUNT = 1e12, 1e8
Usd = Annotated[Number, BeforeValidator(reader("usd", 0, MOST_USD))]
Price = Annotated[Number, BeforeValidator(reader("price", 1e-12, MOST_USD))]
Share = Annotated[Number, BeforeValidator(reader("fraction", 0, 1))]
Count = Annotated[Number, BeforeValidator(reader("count", 1, MOST_COUNT))]
Seconds = Annotated[Number, BeforeValidator(reader("s", 0))]
Plain = Annotated[Number, BeforeValidator(reader("number"))]
Multiple = Annotated[Number, BeforeValidator(reader("multiple", 1))]
Text = Annotated[Number, BeforeValidator(reader("text"))]
Time = Annotated[Number, BeforeValidator(reader("time"))]
Setting = Annotated[Number, BeforeValidator(read_setting)]
Quote = Annotated[str, AfterValidator(_quote)]
RuleValue = Annotated[Number, BeforeValidator(reader("rule"))]

SHOCKS = (
    "spot_sell", "spot_buy", "news", "outage", "halt", "withdrawal_halt", "peg", "stablecoin",
    "flow",
)  # fmt: skip
# What a shock of a kind cannot do without.
NEEDED = {
    "spot_sell": ("asset", "notional_usd"),
    "spot_buy": ("asset", "notional_usd"),
    "flow": ("asset", "notional_usd", "until"),
    "news": ("severity",),
    "outage": ("venue", "until"),
    "halt": ("venue", "until"),
    "withdrawal_halt": ("until",),
    "peg": ("asset", "value", "until"),
    "stablecoin": ("asset", "value"),
}


def _tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


class Part(BaseModel):
    """A table of a scenario; what it does not know it refuses, with the nearest that it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, raw: object) -> object:
        for key in raw if isinstance(raw, dict) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key", "{text}",
                    {"text": f"unknown key{nearest(key, cls.model_fields)}", "key": key},
                )  # fmt: skip
        return raw


class Span(Part):
    """From when, for how long, and in which steps."""

    start: str
    length: str
    step: str = "1s"
    record: str = "1m"

    @property
    def step_ns(self) -> int:
        """Length of a step; the only one that may be given in milliseconds: ``250ms``."""
        if self.step.endswith("ms") and self.step[:-2].isdecimal():
            return int(self.step[:-2]) * MILLISECOND_NS
        return duration_ns(self.step)

    @model_validator(mode="after")
    def _whole(self) -> Span:
        time_ns(self.start)
        length, record, step = duration_ns(self.length), duration_ns(self.record), self.step_ns
        if step < 1:
            raise ValueError("expected a step of at least a millisecond")
        if length % record or record % step:
            raise ValueError("expected a length of whole records, and records of whole steps")
        return self


class AssetPart(Part):
    """A coin on the eve.

    ``beta`` is its move per move of the first asset; ``turnover_usd`` a day's turnover, for a coin
    that stands for others or a scenario without a tape: else that on the tape counts.
    ``candles_of`` are symbols whose mean is its path, see `baskets`.
    """

    price_usd: Price
    daily_volatility: Share
    beta: Plain | None = None
    turnover_usd: Usd | None = None
    candles_of: Annotated[tuple[str, ...], BeforeValidator(_tuple)] = ()


class SpotPart(Part):
    """A spot market: what the venues' indices are made of."""

    id: str
    quote: Quote = "USD"
    weight_in_index: Share
    depth_usd: dict[str, Usd]
    volume_usd: dict[str, Usd]


class CollateralPart(Part):
    """An asset beside cash that counts as margin."""

    asset: str
    haircut: Share
    price: Text
    tick: Text | None = None
    lot: Text | None = None
    share_of_accounts: Share
    share_of_equity: Share


class VenuePart(Part):
    """A venue of leverage: whose rules of which day, what trades, who is there."""

    id: str
    rules: str
    quote: Quote = "USDT"
    symbols: dict[str, str]
    steps_from: Text | None = None
    tiers_from: Text | None = None
    contract_from: dict[str, Text] = Field(default_factory=dict)
    coin_leverage: dict[str, Multiple] = Field(default_factory=dict)
    exposure: Plain | None = None
    open_interest_usd: dict[str, Usd]
    depth_usd: dict[str, Usd]
    insurance_fund_usd: Usd
    accounts: Count
    assume: dict[str, RuleValue] = Field(default_factory=dict)
    override: dict[str, RuleValue] = Field(default_factory=dict)
    lots: dict[str, Text] = Field(default_factory=dict)
    stands_for: dict[str, Count] = Field(default_factory=dict)
    collateral: Annotated[tuple[CollateralPart, ...], BeforeValidator(_tuple)] = ()
    max_leverage: Multiple | None = None
    liquidation_delay_s: Seconds | None = None


class AgentPart(Part):
    """A population; its settings are those of its kind, and only what differs is written."""

    name: str
    kind: str
    venues: Annotated[tuple[str, ...], BeforeValidator(_tuple)] = ()
    settings: dict[str, Setting] = Field(default_factory=dict)


class ShockPart(Part):
    """Something that comes from outside."""

    name: str
    kind: Literal[
        "spot_sell", "spot_buy", "news", "outage", "halt", "withdrawal_halt", "peg", "stablecoin",
        "flow",
    ]  # fmt: skip
    at: Time
    until: Time | None = None
    venue: str | None = None
    asset: str | None = None
    notional_usd: Usd | None = None
    severity: Share | None = None
    value: Plain | None = None
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_kind(cls, raw: object) -> object:
        kind = raw.get("kind") if isinstance(raw, dict) else None
        if isinstance(kind, str) and kind not in SHOCKS:
            raise PydanticCustomError(
                "unknown_kind", "{text}",
                {"text": f"no such kind{nearest(kind, SHOCKS)}", "key": "kind"},
            )  # fmt: skip
        return raw

    @model_validator(mode="after")
    def _complete(self) -> ShockPart:
        for name in NEEDED[self.kind]:
            if getattr(self, name) is None:
                raise ValueError(f"a shock of kind '{self.kind}' needs {name}")
        if self.until is not None and int(self.until.value) <= int(self.at.value):
            raise ValueError("until: expected later than at")
        return self


class BreakerPart(Part):
    """A circuit breaker on all venues of leverage: how deep a fall of the index halts them."""

    fall: Share
    length_s: Seconds


class ScenarioFile(Part):
    """A whole scenario."""

    name: str
    title: str
    event: str | None = None
    tape: str | None = None
    seed: Annotated[int, Field(ge=0)]
    agents_from: Annotated[tuple[str, ...], BeforeValidator(_tuple)] = ()
    span: Span
    asset: dict[str, AssetPart]
    spot: Annotated[tuple[SpotPart, ...], BeforeValidator(_tuple)]
    venue: Annotated[tuple[VenuePart, ...], BeforeValidator(_tuple)]
    agent: Annotated[tuple[AgentPart, ...], BeforeValidator(_tuple)] = ()
    shock: Annotated[tuple[ShockPart, ...], BeforeValidator(_tuple)] = ()
    circuit_breaker: BreakerPart | None = None


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says.

    Raises
    ------
    DataError
        When it cannot be read, is not text, or is not TOML; with the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise DataError("not text in UTF-8", file=path) from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not TOML: {error}", file=path) from None


def check(content: dict[str, Any], label: str) -> ScenarioFile:
    """The content of a scenario as models.

    Parameters
    ----------
    content
        As TOML gives it.
    label
        What messages call it: a file's path.

    Raises
    ------
    DataError
        With label, key path and what was expected.
    """
    try:
        return ScenarioFile.model_validate(content)
    except ValidationError as error:
        # An unknown key explains the missing one next to it.
        first = min(error.errors(), key=lambda one: one["type"] == "missing")
        place = list(first["loc"])
        if key := first.get("ctx", {}).get("key"):
            place.append(key)
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(f"key '{_path(content, place)}': {message}", file=label) from None


def _path(content: object, place: list[Any]) -> str:
    """The place of an error as people write it: a list's member by its id or name."""
    parts: list[str] = []
    for part in place:
        if isinstance(part, int) and isinstance(content, list | tuple):
            content = content[part]
            own = content.get("id") or content.get("name") if isinstance(content, dict) else None
            parts.append(str(own or part + 1))
        else:
            content = content.get(part) if isinstance(content, dict) else None
            parts.append(str(part))
    return ".".join(parts)


def numbers(part: object, path: str = "") -> dict[str, Number]:
    """Every number of a part with its key path."""
    if isinstance(part, Number):
        return {path: part}
    inner: list[tuple[str, Any]] = []
    if isinstance(part, BaseModel):
        inner = [(name, getattr(part, name)) for name in type(part).model_fields]
    elif isinstance(part, dict):
        inner = list(part.items())
    elif isinstance(part, tuple):
        inner = [(str(getattr(one, "id", None) or getattr(one, "name", None)
                      or getattr(one, "asset", number)), one)
                 for number, one in enumerate(part) if isinstance(one, BaseModel)]  # fmt: skip
    found: dict[str, Number] = {}
    for name, value in inner:
        found |= numbers(value, f"{path}.{name}" if path else name)
    return found
