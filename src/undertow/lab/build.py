"""From a scenario to a world: venues, spot markets, agents, and what comes from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from undertow.agents import all as every_agent
from undertow.agents.agent import Agent, find
from undertow.agents.flows import Flows, Sale
from undertow.agents.observation import Floats, Place
from undertow.agents.own import load_agents
from undertow.errors import UndertowError, nearest
from undertow.lab.baskets import with_baskets
from undertow.lab.collateral import pledges
from undertow.lab.crowd_map import give_exposed, give_map, give_tiers
from undertow.lab.market import Listings, listings_of, spot_listings
from undertow.lab.path import cut_steps, leg_ends, price_path
from undertow.lab.scenario import AgentSetup, Scenario, Shock
from undertow.lab.seeding import dice
from undertow.lab.world import Faults, Setup, Switch, World
from undertow.model.periods import SECOND_NS
from undertow.tape import Tape

__all__ = ["Built", "build", "every_agent"]


Ints = NDArray[np.int64]
ON_PATH = ("path_maker", "crowd")
# What differs where prices follow from the trading: stops that somebody has must sell then, which
# a given price does not feel; and a crowd that acts as often as makers do.
CLOSED_LOOP: Mapping[str, Mapping[str, float]] = {"crowd": {"stop_share": 0.03, "every_s": 5.0}}
# How soon venues sell what they took over, where prices follow from the trading (assumed).
RESALE_S = 300.0


@dataclass(frozen=True)
class Built:
    """A world that is ready to run, and what of the tape it was given."""

    world: World
    used: dict[str, str]


def refuse_without_tape(scenario: Scenario, path: str, tape: Tape | None) -> None:
    """A real path needs a tape, the scenario's own or another.

    Raises
    ------
    UndertowError
        With what to pass, where there is none.
    """
    if path == "real" and tape is None and scenario.tape is None:
        raise UndertowError(_no_tape(scenario))


def _no_tape(scenario: Scenario) -> str:
    return (
        f"scenario {scenario.name}: a real path needs a tape, and it names none: pass"
        " path='model' (--path model), a tape, or name a bundled one (tape = ...)"
    )


def build(scenario: Scenario, *, seed: int, path: str, tape: Tape | None) -> Built:
    """A world from a scenario.

    Parameters
    ----------
    seed
        For all dice.
    path
        ``real``: prices are those of the tape; ``model``: they come of the trading.
    tape
        Of the real market; needed for a real path, and for the crowd's entry prices.

    Raises
    ------
    UndertowError
        When the tape lacks what the model needs, or an agent's settings are wrong.
    """
    load_agents(scenario.agents_from)
    listings = _listings(scenario)
    baskets: dict[str, list[str]] = {}
    if tape is not None:
        baskets = _baskets(scenario, tape)
        tape = with_baskets(tape, baskets, scenario.start_ns)
    steps = scenario.length_s * SECOND_NS // scenario.step_ns
    given: Floats | None = None
    starts_ns: Ints | None = None
    used: dict[str, str] = {}
    if path == "real":
        listings = [_without_bands(one) for one in listings]
        if tape is None:
            raise UndertowError(_no_tape(scenario))
        symbols = {asset: _symbols(scenario, asset) for asset in scenario.assets}
        span = (scenario.start_ns, scenario.step_ns, steps)
        starts_ns = cut_steps(tape, symbols, *span)
        given, used = price_path(tape, symbols, *span, starts_ns)
        steps = len(given)
    place = _place(scenario, listings, given, starts_ns)
    agents = [
        agent for one in _who(scenario, path) for agent in _agents(scenario, one, place, seed, path)
    ]  # fmt: skip
    give_tiers(agents, place, listings)
    exposure = {one.id: one.exposure for one in scenario.venues}
    if tape is not None:
        mapped = {asset: name for asset in scenario.assets
                  if (name := _on_tape(tape, _symbols(scenario, asset)))}  # fmt: skip
        give_map(agents, place, tape, mapped, scenario.turnover_usd, exposure)
    else:
        give_exposed(agents, place, scenario.turnover_usd, exposure)
    eve = np.array([scenario.price_usd[asset] for asset in scenario.assets])
    if given is not None:
        eve = given[0].copy()
    weight = [one.weight_in_index for one in scenario.spots] + [0.0] * len(scenario.venues)
    fund = [0.0] * len(scenario.spots) + [one.insurance_fund_usd.value for one in scenario.venues]
    coins, priced = pledges(
        scenario, len(scenario.spots), steps, seed, tape if path == "real" else None, starts_ns
    )
    used |= priced
    setup = Setup(
        place=place, listings=listings, index_weight=np.array(weight), eve_price=eve,
        agents=agents, switches=_switches(scenario, place), steps=steps,
        record_ns=scenario.record_s * SECOND_NS, fund_usd=np.array(fund),
        faults=_faults(scenario), pledges=coins, resale_s=RESALE_S if path == "model" else None,
    )  # fmt: skip
    world = World(setup)
    world.notes += [_basket_note(symbol, len(others) + 1) for symbol, others in baskets.items()]
    return Built(world, used)


def _who(scenario: Scenario, path: str) -> list[AgentSetup]:
    """Who takes part: on a real path its makers stand for everybody who moves the price."""
    if path != "real":
        return [one for one in scenario.agents if one.kind != "path_maker"]
    kept = [one for one in scenario.agents if one.kind in ON_PATH]
    if not any(one.kind == "path_maker" for one in kept):
        kept.append(AgentSetup("path", "path_maker", None, {}))
    return kept


def _symbols(scenario: Scenario, asset: str) -> list[str]:
    """Symbols whose candles may be an asset's path: of the venues in the scenario's order."""
    own = [one.symbols[asset] for one in scenario.venues if asset in one.symbols]
    return list(dict.fromkeys([f"{asset}USDT", *own, asset]))


def _on_tape(tape: Tape, names: list[str]) -> str | None:
    """The first symbol of which a tape has candles."""
    known = _known(tape)
    return next((name for name in names if name in known), None)


def _known(tape: Tape) -> set[str]:
    """Symbols of which a tape has candles."""
    symbols = tape.table("candles").select(pl.col("symbol").cast(pl.String).unique())
    return set(symbols.collect()["symbol"])


def _basket_note(symbol: str, coins: int) -> str:
    return (
        f"{symbol} stands for small coins: its candles are the mean of {coins} coins' on the tape,"
        " at its own price at the start; compare it with nobody's price of that coin"
    )


def _baskets(scenario: Scenario, tape: Tape) -> dict[str, list[str]]:
    """By symbol of a coin that stands for others, those others that are on the tape."""
    known = _known(tape)
    found = {}
    for asset, others in scenario.candles_of.items():
        if name := _on_tape(tape, _symbols(scenario, asset)):
            found[name] = [one for one in others if one in known and one != name]
    return {name: others for name, others in found.items() if others}


def _listings(scenario: Scenario) -> list[Listings]:
    made = []
    for spot in scenario.spots:
        assets = [asset for asset in scenario.assets if asset in spot.depth_usd]
        made.append(spot_listings(assets, scenario.price_usd))
    for venue in scenario.venues:
        assets = [asset for asset in scenario.assets if asset in venue.symbols]
        made.append(listings_of(venue.terms(), assets, scenario.price_usd))
    return made


def _without_bands(listings: Listings) -> Listings:
    """Contracts that take orders at any price.

    Venues refuse orders too far from the mark. A given path may go further than that in a step:
    its makers would be shut out, old orders would stay the best ones, and a mark that looks at the
    book would hang on them.
    """
    free = tuple(replace(one, band_up_ppm=0, band_down_ppm=0) for one in listings.contracts)
    return replace(listings, contracts=free)


def _place(
    scenario: Scenario, listings: list[Listings], path: Floats | None, starts_ns: Ints | None
) -> Place:
    heading = path
    if path is not None and starts_ns is not None:
        heading = leg_ends(path, starts_ns, scenario.step_ns)
    venues = (*(one.id for one in scenario.spots), *(one.id for one in scenario.venues))
    shape = (len(venues), len(scenario.assets))
    arrays = {name: np.full(shape, np.nan) for name in ("tick", "lot", "depth", "interest")}
    instrument = np.full(shape, -1, np.int64)
    most = np.zeros(shape, np.int64)
    setups: list[Any] = [*scenario.spots, *scenario.venues]
    for venue, (own, one) in enumerate(zip(listings, setups, strict=True)):
        for number, asset in enumerate(own.assets):
            where = (venue, scenario.assets.index(asset))
            instrument[where] = number
            arrays["tick"][where], arrays["lot"][where] = own.tick[number], own.lot[number]
            most[where] = own.contracts[number].max_lots
            depth = one.depth_usd.get(asset)
            arrays["depth"][where] = depth.value if depth else np.nan
            interest = getattr(one, "open_interest_usd", {}).get(asset)
            arrays["interest"][where] = interest.value if interest else 0.0
    return Place(
        venues=venues, assets=scenario.assets,
        is_spot=np.arange(len(venues)) < len(scenario.spots), listed=instrument >= 0,
        instrument=instrument, tick=arrays["tick"], lot=arrays["lot"], max_lots=most,
        depth_usd=arrays["depth"], open_interest_usd=arrays["interest"],
        volatility=np.array([scenario.volatility[asset] for asset in scenario.assets]),
        start_ns=scenario.start_ns, step_ns=scenario.step_ns, path=path, starts_ns=starts_ns,
        heading=heading,
    )  # fmt: skip


def _agents(scenario: Scenario, one: AgentSetup, place: Place, seed: int, path: str) -> list[Agent]:
    from pydantic import ValidationError

    kind = find(one.kind)
    known = kind.settings.model_fields
    for key in one.settings:
        if key not in known:
            raise UndertowError(
                f"scenario {scenario.name}: agent.{one.name}.{key}: no such setting"
                f"{nearest(key, known)}"
            )
    usual = CLOSED_LOOP.get(one.kind, {}) if path == "model" else {}
    given = {**usual, **one.settings}
    if "count" in known and "count" not in given:
        given["count"] = _accounts(scenario, one)
    try:
        settings = kind.settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UndertowError(
            f"scenario {scenario.name}: agent.{one.name}.{where}: {first['msg']}"
        ) from None
    own = place if one.venues is None else _only(place, one.venues)
    made = kind(one.name, settings, own, dice(seed, f"agent:{one.name}"))
    if isinstance(made, Flows):
        made.sales += _sales(scenario)
    return [made]


def _accounts(scenario: Scenario, one: AgentSetup) -> int:
    """Accounts of the venues at which a population trades."""
    return sum(venue.accounts for venue in scenario.venues
               if one.venues is None or venue.id in one.venues)  # fmt: skip


def _only(place: Place, venues: tuple[str, ...]) -> Place:
    """The place as somebody sees it who trades at some venues only; spot markets stay."""
    here = np.array([name in venues for name in place.venues])[:, None] | place.is_spot[:, None]
    return replace(
        place, listed=place.listed & here, instrument=np.where(here, place.instrument, -1),
        depth_usd=np.where(here, place.depth_usd, np.nan),
        open_interest_usd=np.where(here, place.open_interest_usd, 0.0),
    )  # fmt: skip


def _sales(scenario: Scenario) -> list[Sale]:
    """Sales that a scenario schedules; without an end they take one step."""
    signs = {"spot_sell": 1.0, "flow": 1.0, "spot_buy": -1.0}
    return [
        Sale(
            one.asset, signs[one.kind] * (one.notional_usd or 0.0), one.at_ns,
            ((one.until_ns or one.at_ns) - one.at_ns) / SECOND_NS or scenario.step_ns / SECOND_NS,
            one.venue, None, one.name,
        )
        for one in scenario.shocks if one.kind in signs and one.asset
    ]  # fmt: skip


def _faults(scenario: Scenario) -> Faults:
    delays = [0.0 for _ in scenario.spots] + [one.liquidation_delay_s for one in scenario.venues]
    return Faults(np.array(delays), scenario.halt_fall, scenario.halt_s or 0.0)


def _switches(scenario: Scenario, place: Place) -> list[Switch]:
    kinds: Mapping[str, Callable[[Shock], Switch]] = {
        "news": lambda one: _switch(one, "news", place, one.severity or 0.0),
        "outage": lambda one: _switch(one, "halt", place, 0.0),
        "halt": lambda one: _switch(one, "halt", place, 0.0),
        "withdrawal_halt": lambda one: _switch(one, "withdrawal_halt", place, 0.0),
        "peg": lambda one: _switch(one, "peg", place, one.value or 1.0),
    }
    return [kinds[one.kind](one) for one in scenario.shocks if one.kind in kinds]


def _switch(one: Shock, kind: str, place: Place, value: float) -> Switch:
    venues = () if one.venue is None else (place.venues.index(one.venue),)
    end_ns = one.until_ns if one.until_ns is not None else one.at_ns + SECOND_NS
    assets = () if one.asset is None else (one.asset,)
    return Switch(one.name, kind, one.at_ns, end_ns, venues, value, assets, one.source)
