"""A scenario: the market on the eve, who trades, what comes from outside, and where it is from.

``load("2025-11-04").with_values({"max_leverage": 20})`` is the same market with one thing changed.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from undertow.errors import DataError, UndertowError, nearest
from undertow.lab import levers, scenario_files, scenario_text
from undertow.lab.quantities import Value
from undertow.lab.scenario_files import ScenarioFile, ShockPart, SpotPart, VenuePart
from undertow.lab.scenario_numbers import Interval, Number, check_source
from undertow.lab.scenario_paths import set_value
from undertow.lab.venue_setup import Collateral, VenueSetup, check_rules
from undertow.measures.published import event_named
from undertow.model.periods import SECOND_NS, duration_ns, time_ns
from undertow.tape import bundled

FOLDER = Path(__file__).parent.parent / "data" / "scenarios"


@dataclass(frozen=True, slots=True)
class SpotSetup:
    """A spot market; ``weight_in_index`` is its share of the venues' index."""

    id: str
    quote: str
    weight_in_index: float
    depth_usd: dict[str, Interval]
    volume_usd: dict[str, Interval]


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """A population by kind; ``venues`` is None where it goes everywhere."""

    name: str
    kind: str
    venues: tuple[str, ...] | None
    settings: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Shock:
    """Something from outside at ``at_ns``, or from then until ``until_ns``.

    ``notional_usd`` is sold (spot_sell, flow) or bought (spot_buy), ``severity`` is that of news
    from 0 to 1, ``value`` the price of a peg or stablecoin; ``source`` is that of the size, or of
    the time.
    """

    name: str
    kind: str
    at_ns: int
    until_ns: int | None
    venue: str | None
    asset: str | None
    notional_usd: float | None
    severity: float | None
    value: float | None
    source: str


@dataclass(frozen=True)
class Scenario:
    """Everything that a run starts from, as plain values.

    Attributes
    ----------
    event, tape
        The event of the published figures and the bundled tape that it is about, if any.
    agents_from
        Python files with agents of one's own.
    price_usd, volatility, beta
        By asset: price on the eve, standard deviation of a day's log return, move per move of the
        first asset (only where it is said).
    halt_fall, halt_s
        Circuit breaker: a fall of the index since the start that halts all venues, and for how
        long; None without one.
    numbers
        Every number by key path, with its origin.
    content
        What the file says, after changes.
    """

    name: str
    title: str
    event: str | None
    tape: str | None
    seed: int
    start_ns: int
    length_s: int
    step_ns: int
    record_s: int
    assets: tuple[str, ...]
    price_usd: dict[str, float]
    volatility: dict[str, float]
    beta: dict[str, float]
    turnover_usd: dict[str, float]
    candles_of: dict[str, tuple[str, ...]]
    spots: tuple[SpotSetup, ...]
    venues: tuple[VenueSetup, ...]
    agents: tuple[AgentSetup, ...]
    shocks: tuple[Shock, ...]
    halt_fall: float | None
    halt_s: float | None
    numbers: dict[str, Number] = field(repr=False)
    content: dict[str, Any] = field(repr=False)
    label: str = field(repr=False)
    agents_from: tuple[str, ...] = ()

    @property
    def step_s(self) -> int:
        """Length of a step in whole seconds.

        Raises
        ------
        UndertowError
            For steps of no whole seconds, which only ``step_ns`` can tell.
        """
        whole, rest = divmod(self.step_ns, SECOND_NS)
        if rest:
            raise UndertowError(f"{self.name}: steps of {self.step_ns} ns are no whole seconds")
        return whole

    @property
    def text(self) -> str:
        """The scenario as TOML in its canonical form: no comments, keys in the file's order."""
        return scenario_text.toml(self.content)

    def cited(self) -> frozenset[str]:
        """Ids of the published figures that the scenario is made from."""
        sources = (number.source or "" for number in self.numbers.values())
        return frozenset(one.removeprefix("facts:") for one in sources if one.startswith("facts:"))

    def digest(self) -> str:
        """SHA-256 of the content: the same for files that differ in comments or order of keys."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"))
        return sha256(canonical.encode()).hexdigest()

    def with_values(self, changes: Mapping[str, object]) -> Scenario:
        """The same scenario with something changed.

        Parameters
        ----------
        changes
            New values by lever (`levers.LEVERS`) or key path (``venue.binance.accounts``); texts
            may carry units.

        Raises
        ------
        UndertowError
            For an unknown lever or key, with the nearest; for a value of the wrong type or unit,
            or one that the scenario cannot have.
        """
        content = copy.deepcopy(self.content)
        for key, value in changes.items():
            try:
                if key in levers.LEVERS:
                    levers.pull(content, key, value)
                else:
                    set_value(content, key, value, levers.LEVERS)
            except DataError:
                raise
            except UndertowError as error:
                raise UndertowError(f"--set {key}={value}: {error}") from None
        return from_content(content, self.label)


def names() -> list[str]:
    """Names of the bundled scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_path: str | Path) -> Scenario:
    """A bundled scenario by name, or one from a file.

    Raises
    ------
    UndertowError
        When there is neither, with the nearest name.
    DataError
        With file and key path, for anything in it that cannot be.
    """
    text = str(name_or_path).strip()
    path = FOLDER / f"{text}.toml" if text in names() else Path(text)
    if not text or not path.is_file():
        raise UndertowError(
            f"no scenario '{text}', and no file of that name{nearest(text, names())}"
        )
    return from_content(scenario_files.read_toml(path), str(name_or_path))


def from_content(content: dict[str, Any], label: str) -> Scenario:
    """A scenario from what a file says; messages call it ``label``.

    Raises
    ------
    DataError
        With label and key path, for anything in it that cannot be.
    """
    file = scenario_files.check(content, label)
    numbers = scenario_files.numbers(file)
    for key, number in numbers.items():
        if problem := check_source(number):
            raise DataError(f"key '{key}': {problem}", file=label)
    for key, problem in _problems(file):
        raise DataError(f"key '{key}': {problem}", file=label)
    assets = file.asset
    breaker = file.circuit_breaker
    return Scenario(
        name=file.name, title=file.title, event=file.event, tape=file.tape, seed=file.seed,
        start_ns=time_ns(file.span.start), length_s=_seconds(file.span.length),
        step_ns=file.span.step_ns, record_s=_seconds(file.span.record),
        assets=tuple(assets),
        price_usd={name: float(one.price_usd.value) for name, one in assets.items()},
        volatility={name: float(one.daily_volatility.value) for name, one in assets.items()},
        beta={name: float(one.beta.value) for name, one in assets.items() if one.beta},
        turnover_usd={name: float(one.turnover_usd.value) for name, one in assets.items()
                      if one.turnover_usd},
        candles_of={name: one.candles_of for name, one in assets.items() if one.candles_of},
        spots=tuple(_spot(one) for one in file.spot),
        venues=tuple(_venue(one, tuple(assets)) for one in file.venue),
        agents=tuple(
            AgentSetup(one.name, one.kind, one.venues or None, _plain(one.settings))
            for one in file.agent
        ),
        shocks=tuple(sorted(map(_shock, file.shock), key=lambda one: (one.at_ns, one.name))),
        halt_fall=float(breaker.fall.value) if breaker else None,
        halt_s=float(breaker.length_s.value) if breaker else None,
        numbers=numbers, content=content, label=label, agents_from=file.agents_from,
    )  # fmt: skip


def _problems(file: ScenarioFile) -> list[tuple[str, str]]:
    """What no single part can know: names that nobody has, weights that sum to nothing."""
    found: list[tuple[str, str]] = []
    venues = [*(one.id for one in file.venue), *(one.id for one in file.spot)]
    for what, own in (("venue", venues), ("agent", [one.name for one in file.agent]),
                      ("shock", [one.name for one in file.shock])):  # fmt: skip
        found += [(f"{what}.{name}", "this name is there twice") for name in own
                  if own.count(name) > 1]  # fmt: skip
    if not file.asset or not file.spot or not file.venue:
        found.append(("asset", "a scenario needs an asset, a spot market and a venue"))
    if file.event is not None:
        try:
            event_named(file.event)
        except UndertowError as error:
            found.append(("event", str(error)))
    if file.tape is not None and file.tape not in bundled.names():
        found.append(("tape", f"no bundled tape{nearest(file.tape, bundled.names())}"))
    total = sum(float(one.weight_in_index.value) for one in file.spot)
    if file.spot and abs(total - 1) > 1e-9:
        found.append(("spot", f"weight_in_index sums to {total:g}, not 1"))
    for spot in file.spot:
        for table in ("depth_usd", "volume_usd"):
            found += _keys(f"spot.{spot.id}.{table}", getattr(spot, table), file.asset)
    for venue in file.venue:
        found += _venue_problems(venue, tuple(file.asset))
    for agent in file.agent:
        found += _keys(f"agent.{agent.name}.venues", agent.venues, venues)
    for shock in file.shock:
        found += _keys(f"shock.{shock.name}.venue", [shock.venue] if shock.venue else [], venues)
        if shock.asset and shock.kind in ("spot_sell", "spot_buy", "flow"):
            found += _keys(f"shock.{shock.name}.asset", [shock.asset], file.asset)
    return found


def _venue_problems(venue: VenuePart, assets: tuple[str, ...]) -> list[tuple[str, str]]:
    found = _keys(f"venue.{venue.id}.symbols", venue.symbols, assets)
    found += _keys(f"venue.{venue.id}.stands_for", venue.stands_for, venue.symbols)
    found += _keys(f"venue.{venue.id}.contract_from", venue.contract_from, venue.symbols)
    found += _keys(f"venue.{venue.id}.coin_leverage", venue.coin_leverage, venue.contract_from)
    for table in ("open_interest_usd", "depth_usd"):
        own = getattr(venue, table)
        found += _keys(f"venue.{venue.id}.{table}", own, venue.symbols)
        found += [(f"venue.{venue.id}.{table}", f"no value for {name}")
                  for name in venue.symbols if name not in own]  # fmt: skip
    return found or check_rules(venue, assets)


def _keys(key: str, own: Any, known: Any) -> list[tuple[str, str]]:
    return [(key, f"no '{name}' here{nearest(name, known)}") for name in own if name not in known]


def _seconds(text: str) -> int:
    return duration_ns(text) // SECOND_NS


def _plain(numbers: Mapping[str, Number]) -> dict[str, Value]:
    return {name: number.value for name, number in numbers.items()}


def _intervals(numbers: Mapping[str, Number]) -> dict[str, Interval]:
    return {name: number.interval for name, number in numbers.items()}


def _optional(number: Number | None) -> float | None:
    return None if number is None else float(number.value)


def _spot(part: SpotPart) -> SpotSetup:
    weight = float(part.weight_in_index.value)
    return SpotSetup(
        part.id, part.quote, weight, _intervals(part.depth_usd), _intervals(part.volume_usd)
    )


def _venue(part: VenuePart, assets: tuple[str, ...]) -> VenueSetup:
    return VenueSetup(
        id=part.id, rules=part.rules, quote=part.quote,
        symbols={name: part.symbols[name] for name in assets if name in part.symbols},
        open_interest_usd=_intervals(part.open_interest_usd), depth_usd=_intervals(part.depth_usd),
        insurance_fund_usd=part.insurance_fund_usd.interval, accounts=int(part.accounts.value),
        assume=_plain(part.assume), override=_plain(part.override),
        lots={name: str(number.value) for name, number in part.lots.items()},
        stands_for={name: int(number.value) for name, number in part.stands_for.items()},
        steps_from=str(part.steps_from.value) if part.steps_from else None,
        tiers_from=str(part.tiers_from.value) if part.tiers_from else None,
        contract_from={name: str(number.value) for name, number in part.contract_from.items()},
        coin_leverage={name: float(number.value) for name, number in part.coin_leverage.items()},
        exposure=float(part.exposure.value) if part.exposure else 1.0,
        collateral=tuple(
            Collateral(one.asset, float(one.haircut.value), str(one.price.value),
                       str(one.tick.value) if one.tick else None,
                       str(one.lot.value) if one.lot else None,
                       float(one.share_of_accounts.value), float(one.share_of_equity.value))
            for one in part.collateral
        ),
        max_leverage=_optional(part.max_leverage),
        liquidation_delay_s=_optional(part.liquidation_delay_s) or 0.0,
    )  # fmt: skip


def _shock(part: ShockPart) -> Shock:
    sized = part.notional_usd or part.severity or part.value or part.at
    return Shock(
        part.name, part.kind, int(part.at.value),
        None if part.until is None else int(part.until.value), part.venue, part.asset,
        _optional(part.notional_usd), _optional(part.severity), _optional(part.value),
        sized.source or f"assumed: {sized.note}",
    )  # fmt: skip
