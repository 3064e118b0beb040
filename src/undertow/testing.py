"""For authors of agents: `check_agent` says in plain words what is wrong with one.

``python -c "from undertow.testing import check_agent; print(check_agent(MyAgent))"`` prints ``[]``
when nothing is.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
from pydantic import ValidationError

import undertow.agents.all  # noqa: F401 makes the kinds of others known
from undertow.agents.agent import Agent, Settings, find, kinds
from undertow.agents.observation import BANDS, Floats, News, Observation, Place
from undertow.agents.orders import Orders, joined
from undertow.errors import UndertowError
from undertow.lab.market import Listings, listings_of, spot_listings
from undertow.lab.seeding import dice
from undertow.lab.world import Setup, Switch, World
from undertow.model import codes
from undertow.venues import rulebook
from undertow.venues.exchange_rules import terms

__all__ = ["check_agent", "small_place", "small_world"]

ASSETS = ("BTC", "SOL")
EVE_USD = {"BTC": 107_000.0, "SOL": 165.0}
RULES = "binance-usdm@2025-11-03"
START_NS = 1_762_214_400 * 10**9
SECOND_NS = 10**9
STEPS = 40
# Beside these an agent gives no commands: marks, funding and halts are the world's.
ALLOWED = {
    codes.LIMIT, codes.MARKET, codes.CANCEL, codes.CANCEL_ALL, codes.AMEND, codes.CONDITIONAL,
    codes.DEPOSIT, codes.WITHDRAW, codes.SET_LEVERAGE, codes.SET_MARGIN_MODE,
    codes.ADJUST_MARGIN, codes.SET_POSITION_MODE,
}  # fmt: skip


def check_agent(agent: type[Agent], settings: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with a class of agents, in sentences; empty when nothing is.

    It is registered and made, shown a scripted market (quiet, falling, news, a halt, an empty
    market) twice with the same dice, and then put into a small world beside makers and others.

    Parameters
    ----------
    agent
        The class, with ``@register("name")`` above it.
    settings
        Values for its settings; its defaults otherwise.
    """
    problems = list(_registration(agent))
    if problems:
        return problems
    try:
        parameters = agent.settings(**(settings or {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return [f"settings: {where or 'all'}: {first['msg']}"]
    place = small_place()
    try:
        agent("checked", parameters, place, dice(1, "agent:checked"))
    except UndertowError:
        place = small_place(path=True)  # one that only runs on a real path
    for check in (_script, _nothing_known, _in_world):
        try:
            problems += check(agent, parameters, place)
        except Exception as error:
            problems.append(f"{_WHERE[check.__name__]}: {type(error).__name__}: {error}")
    return list(dict.fromkeys(problems))


_WHERE = {
    "_script": "in a scripted market",
    "_nothing_known": "before any price is known",
    "_in_world": "in a small world",
}


def small_place(*, step_s: float = 1.0, path: bool = False) -> Place:
    """A spot market and two leveraged venues, with BTC and SOL.

    Parameters
    ----------
    step_s
        Length of a step in seconds.
    path
        Whether prices are given: flat ones of the eve.
    """
    own = _listings()
    lots = [[one.max_lots for one in listings.contracts] for listings in own]
    return Place(
        venues=("spot", "one", "two"), assets=ASSETS, is_spot=np.array([True, False, False]),
        listed=np.ones((3, 2), np.bool_), instrument=np.tile(np.arange(2), (3, 1)),
        tick=np.array([one.tick for one in own]), lot=np.array([one.lot for one in own]),
        max_lots=np.array(lots, np.int64),
        depth_usd=np.array([[50e6, 6e6], [60e6, 8e6], [30e6, 4e6]]),
        open_interest_usd=np.array([[np.nan, np.nan], [8e9, 1e9], [4e9, 5e8]]),
        volatility=np.array([0.025, 0.045]), start_ns=START_NS, step_ns=int(step_s * SECOND_NS),
        path=np.tile(list(EVE_USD.values()), (STEPS, 1)) if path else None,
    )  # fmt: skip


def small_world(
    agents: Sequence[Agent], place: Place, steps: int, switches: Sequence[Switch] = ()
) -> World:
    """A world of `small_place` with these agents; run it with ``for step in world.run()``."""
    setup = Setup(
        place=place, listings=_listings(), index_weight=np.array([1.0, 0.0, 0.0]),
        eve_price=np.array(list(EVE_USD.values())), agents=agents, switches=switches, steps=steps,
        fund_usd=np.array([0.0, 5e8, 2e8]),
    )  # fmt: skip
    return World(setup)


@cache
def _listings() -> tuple[Listings, ...]:
    made = terms(rulebook.load(RULES), [f"{asset}USDT" for asset in ASSETS])
    venue = listings_of(made, ASSETS, EVE_USD)
    return spot_listings(ASSETS, EVE_USD), venue, venue


def _registration(agent: type[Agent]) -> Iterator[str]:
    if not (isinstance(agent, type) and issubclass(agent, Agent)):
        yield f"expected a subclass of undertow.agents.agent.Agent, not {agent!r}"
        return
    kind = agent.__dict__.get("kind")
    if kind is None or kinds().get(kind) is not agent:
        yield f'{agent.__name__} is not registered: put @register("a-name") above the class'
    if not issubclass(agent.settings, Settings):
        yield f"{agent.__name__}.settings: expected a subclass of Settings"
    elif agent.settings.model_config.get("extra") != "forbid":
        yield f"{agent.settings.__name__} takes unknown keys: leave model_config alone"
    elif not agent.settings.model_config.get("frozen"):
        yield f"{agent.settings.__name__} can be changed: leave model_config alone"
    if agent.__abstractmethods__:
        yield f"{agent.__name__} lacks {', '.join(sorted(agent.__abstractmethods__))}()"


def _made(agent: type[Agent], parameters: Any, place: Place) -> tuple[Agent, Any]:
    made = agent("checked", parameters, place, dice(1, "agent:checked"))
    return made, np.asarray(made.accounts())


def _script(agent: type[Agent], parameters: Any, place: Place) -> list[str]:
    """Twice the same script: valid commands, the same both times, nothing else touched."""
    problems: list[str] = []
    made, count = _made(agent, parameters, place)
    if count.shape != (len(place.venues),) or count.dtype.kind not in "iu" or (count < 0).any():
        return [
            f"accounts(): expected {len(place.venues)} whole numbers, one per venue, not {count!r}"
        ]
    if not np.array_equal(count, made.accounts()):
        problems.append("accounts() says something else when it is asked again")
    public = _common_dice().copy()
    runs = []
    for _ in range(2):
        made, count = _made(agent, parameters, place)
        sent = []
        for seen in _scenes(place, count):
            is_start = seen.step < 0
            orders = _orders(place, count)
            before = _frozen(seen)
            try:
                (made.start if is_start else made.act)(seen, orders)
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                return [*problems, "it writes into the observation, which others see as well"]
            if before != _frozen(seen):
                problems.append("it writes into the observation, which others see as well")
            problems += _invalid(orders, place, count, is_start)
            sent.append([joined(rows).tobytes() for rows in orders.by_venue])
        runs.append(sent)
    try:
        pickle.dumps({name: one for name, one in vars(made).items() if name != "parameters"})
    except Exception as error:
        problems.append(f"it cannot be pickled, so a run with it cannot be resumed: {error}")
    if runs[0] != runs[1]:
        problems.append("the same dice give other commands: throw only self.dice, read no clock")
    if not np.array_equal(public, _common_dice()):
        problems.append("it throws numpy's common dice: throw self.dice")
    return problems


def _common_dice() -> Any:
    """The state of the dice that all of numpy shares."""
    state: Any = np.random.get_state()
    return state[1]


def _orders(place: Place, count: Any) -> Orders:
    first = np.full(len(place.venues), codes.FIRST_CUSTOMER + 3, np.int64)
    return Orders(place, first, np.ones(len(place.venues), np.int64))


def _invalid(orders: Orders, place: Place, count: Any, is_start: bool) -> Iterator[str]:
    """Commands that no venue could carry out."""
    if orders.openings and not is_start:
        yield "orders.open() is for start() only"
    for venue, blocks in enumerate(orders.by_venue):
        rows = joined(blocks)
        name = place.venues[venue]
        own = rows["account"].astype(np.int64) - orders.first_account[venue]
        if ((own < 0) | (own >= count[venue])).any():
            worst = own[(own < 0) | (own >= count[venue])][0]
            yield f"account {worst} at {name}: accounts() asked for {count[venue]} there"
        if strange := set(rows["kind"].tolist()) - ALLOWED:
            yield f"commands of kind {sorted(strange)} are not an agent's"
        entered = rows[np.isin(rows["kind"], (codes.LIMIT, codes.MARKET))]
        if (rows["instrument"] >= place.instrument[venue].max() + 1).any():
            yield f"a command for an instrument that {name} does not list"
        if (entered["instrument"] < 0).any():
            yield f"an order for an asset that {name} does not list"
        if (entered["quantity_lots"] <= 0).any():
            yield "an order without a quantity, or with one that is not a number"
        limits = entered[entered["kind"] == codes.LIMIT]["price_ticks"]
        if ((limits < 1) | (limits > codes.MOST_PRICE_TICKS)).any():
            yield "a limit price that is not a number, or out of range"
        if (rows["amount"] < 0).any():
            yield "an amount that is not a number, or out of range"
    for one in orders.openings:
        values = np.concatenate([one.quantity, one.entry_price, one.equity_usd])
        if not np.isfinite(values).all() or not (one.entry_price > 0).all():
            yield "orders.open() with a value that is not a number"


def _nothing_known(agent: type[Agent], parameters: Any, place: Place) -> list[str]:
    """Without any price there is nothing to trade."""
    if place.path is not None:
        return []
    made, count = _made(agent, parameters, place)
    scenes = list(_scenes(place, count))[:3]
    nothing = np.full((len(place.venues), len(place.assets)), np.nan)
    for scene in scenes:
        orders = _orders(place, count)
        seen = replace(scene, bid=nothing, ask=nothing, last=nothing, mark=nothing, index=nothing)
        (made.start if seen.step < 0 else made.act)(seen, orders)
        rows = joined([joined(blocks) for blocks in orders.by_venue])
        if np.isin(rows["kind"], (codes.LIMIT, codes.MARKET)).any():
            return ["it sends orders where no price is known"]
    return []


def _in_world(agent: type[Agent], parameters: Any, place: Place) -> list[str]:
    """Beside makers and background trading, in a real world for a while."""
    made = agent("checked", parameters, place, dice(1, "agent:checked"))
    others = [
        find(kind)(kind, find(kind).settings(), place, dice(1, f"agent:{kind}"))
        for kind in ("market_maker", "noise")
        if place.path is None
    ]
    world = small_world([*others, made], place, STEPS)
    refused, sent, number = 0, 0, len(others)
    for venue, listened in enumerate(world.markets):
        first = int(world.first_account[number, venue])
        _listen(listened, first, first + int(world.account_count[number, venue]))
    for _ in world.run():
        pass
    counted: list[Any] = world.markets  # `_listen` has put the counts there
    for market in counted:
        sent += market.sent
        refused += market.refused
    if sent >= 10 and refused > 0.5 * sent:
        return [f"venues refuse {refused} of its {sent} orders: has it money, and enough margin?"]
    return []


def _listen(market: Any, first: int, end: int) -> None:
    """Count one agent's orders and refusals at a venue."""
    apply, market.sent, market.refused = market.engine.apply, 0, 0

    def counted(commands: Any) -> Any:
        events = apply(commands)
        own = (commands["account"] >= first) & (commands["account"] < end)
        orders = np.isin(commands["kind"], (codes.LIMIT, codes.MARKET, codes.CONDITIONAL))
        market.sent += int((own & orders).sum())
        mine = (events["account"] >= first) & (events["account"] < end)
        market.refused += int((mine & (events["kind"] == codes.REJECTED)).sum())
        return events

    market.engine.apply = counted


def _scenes(place: Place, count: Any) -> Iterator[Observation]:
    """The script: the eve (step -1), quiet, news and a fall, a halted venue, an empty book."""
    throw = np.random.default_rng(7)
    shape = (len(place.venues), len(place.assets))
    eve = np.array([EVE_USD[asset] for asset in place.assets])
    depth = np.repeat(place.depth_usd[:, :, None], len(BANDS), axis=2)
    most = int(np.max(count, initial=0))
    log_price = np.zeros(len(place.assets))
    for step in range(-1, STEPS):
        falls = 10 <= step < 25
        if step > 0:
            log_price = log_price + throw.normal(-0.006 if falls else 0.0, 2e-4, len(eve))
        middle = np.broadcast_to(eve * np.exp(log_price), shape) * throw.normal(1, 1e-4, shape)
        empty = step < 0 or 30 <= step < 33
        bid = np.full(shape, np.nan) if empty else middle * 0.9999
        forced = np.full(shape, 2e5 if falls else 0.0)
        sold = np.nan_to_num(place.depth_usd) * (0.2 if falls else 0.01)
        few = 0 < most <= 64
        gone = [np.zeros(0, np.int64) for _ in place.venues]
        if step == 15 and count[1] > 0:
            gone[1] = np.zeros(1, np.int64)
        yield _read_only(
            Observation(
                step=step, ts_ns=place.start_ns + max(step, 0) * 10 * SECOND_NS, bid=bid,
                ask=np.full(shape, np.nan) if empty else middle * 1.0001, last=middle.copy(),
                mark=middle.copy(), index=middle.copy(), bought_usd=0.5 * sold, sold_usd=sold,
                long_liquidated_usd=forced, short_liquidated_usd=0 * forced,
                open_interest_usd=np.nan_to_num(place.open_interest_usd),
                funding_rate=np.full(shape, 1e-4), bid_depth_usd=depth.copy(),
                ask_depth_usd=depth.copy(), halted=np.arange(shape[0]) == (1 if step == 28 else -1),
                withdrawals_open=np.ones(shape[0], np.bool_), quote_usd=np.ones(shape[0]),
                news=(News("shock", place.start_ns, 0.8),) if step == 10 else (),
                cash_usd=np.full((shape[0], most), 1e7) if few else None,
                quantity=np.zeros((shape[0], most, shape[1])) if few else None,
                liquidated=tuple(gone),
            )
        )  # fmt: skip


def _read_only(seen: Observation) -> Observation:
    for value in _arrays(seen):
        value.setflags(write=False)
    return seen


def _arrays(seen: Observation) -> Iterator[Floats]:
    for one in fields(seen):
        value = getattr(seen, one.name)
        yield from (value,) if isinstance(value, np.ndarray) else ()
    yield from seen.liquidated


def _frozen(seen: Observation) -> list[bytes]:
    return [value.tobytes() for value in _arrays(seen)]
