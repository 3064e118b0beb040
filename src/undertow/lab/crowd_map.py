"""The crowd's positions on the eve: a leverage map of the tape, given to the crowds of a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from undertow.agents.agent import Agent
from undertow.agents.crowd import Crowd
from undertow.agents.crowd_draw import Cells
from undertow.agents.crowd_tiers import Tiers
from undertow.agents.observation import Floats, Place
from undertow.errors import NotRecorded, UndertowError
from undertow.lab.market import Listings
from undertow.measures.leverage_map import LeverageMap, SymbolMap, leverage_map
from undertow.measures.leverage_parameters import Parameters
from undertow.model.periods import time_text
from undertow.tape import Tape
from undertow.venues.instruments import CASH_UNITS

# Of a coin's open interest at least a fifth is hedged elsewhere or paid in full: the least of the
# interval that the map assumes.
MOST_EXPOSED = 1 - Parameters().hedged_share_low


def give_map(
    agents: Sequence[Agent], place: Place, tape: Tape, symbols: dict[str, str],
    turnover_usd: Mapping[str, float], exposure: Mapping[str, float],
) -> LeverageMap | None:  # fmt: skip
    """Hand every crowd the map of each asset, and how much of open interest it stands for.

    Parameters
    ----------
    symbols
        By asset, the symbol on the tape whose map counts; the same for all venues.
    turnover_usd
        By asset, a day's turnover where that of the symbol does not count.
    exposure
        By venue, how much of its open interest can be liquidated some day, against others: 1 where
        it says nothing.

    Returns
    -------
    LeverageMap or None
        The map, None where nobody needs one.

    Raises
    ------
    UndertowError
        When the tape has nothing from before the start.
    """
    crowds = [agent for agent in agents if isinstance(agent, Crowd)]
    if not crowds or not symbols:
        return None
    try:
        found = leverage_map(tape, place.start_ns, symbols=list(symbols.values()))
    except NotRecorded as error:
        raise UndertowError(
            f"the crowd's positions come from the tape before {time_text(place.start_ns)}: {error}"
        ) from None
    for asset, symbol in symbols.items():
        number, one = place.assets.index(asset), found.of(symbol)
        cells = cells_of(one)
        for crowd in crowds:
            here = np.flatnonzero(crowd.place.listed[:, number] & ~place.is_spot).tolist()
            for venue in here:
                crowd.book.cells[venue, number] = cells
            crowd.book.typical[number] = one.typical
            wanted_usd = turnover_usd.get(asset, one.turnover_usd)
            _expose(crowd, number, wanted_usd, exposure, MOST_EXPOSED)
    return found


def give_exposed(
    agents: Sequence[Agent], place: Place, turnover_usd: Mapping[str, float],
    exposure: Mapping[str, float],
) -> None:  # fmt: skip
    """Tell every crowd without a map how much of open interest it stands for.

    The rule is that of `give_map`: ``exposed_per_turnover`` times a day's turnover; but here it may
    be all, as turnover and open interest are those of few venues with few hedgers (assumed).

    Parameters
    ----------
    turnover_usd
        By asset, a day's turnover; where there is none, ``exposed_share`` counts.
    exposure
        By venue, see `give_map`.
    """
    for crowd in agents:
        if isinstance(crowd, Crowd):
            for asset, usd in turnover_usd.items():
                _expose(crowd, place.assets.index(asset), usd, exposure, 1.0)


def _expose(
    crowd: Crowd, number: int, turnover_usd: float, exposure: Mapping[str, float], most: float
) -> None:
    place = crowd.place
    here = np.flatnonzero(place.listed[:, number] & ~place.is_spot)
    open_usd = np.nan_to_num(place.open_interest_usd[here, number])
    weight = np.array([exposure.get(place.venues[venue], 1.0) for venue in here.tolist()])
    wanted_usd = min(
        turnover_usd * crowd.parameters.exposed_per_turnover, most * float(open_usd.sum())
    )
    for venue, share in zip(here.tolist(), shares(open_usd, weight, wanted_usd), strict=True):
        crowd.book.exposed[venue, number] = share


def shares(open_usd: Floats, weight: Floats, wanted_usd: float) -> list[float]:
    """By venue, the part of a coin's open interest that can be liquidated some day.

    Parameters
    ----------
    open_usd, weight
        By venue; parts are in proportion to weights, and at most 1: what one venue has no room
        for, others have more of.
    wanted_usd
        In all.
    """
    share = np.zeros(len(open_usd))
    for _ in open_usd:
        free = (share < 1) & (open_usd > 0)
        left = wanted_usd - float((share * open_usd)[~free].sum())
        if not free.any() or left <= 0:
            break
        wished = weight[free] * left / float((weight * open_usd)[free].sum())
        share[free] = np.minimum(1.0, wished)
        if (wished < 1).all():
            break
    return [float(one) for one in share]


def give_tiers(agents: Sequence[Agent], place: Place, listings: Sequence[Listings]) -> None:
    """Hand every crowd the margin tiers of all venues."""
    for agent in agents:
        if isinstance(agent, Crowd):
            for venue, one in enumerate(listings):
                for number, asset in enumerate(one.assets if not one.is_spot else ()):
                    agent.book.tiers[venue, place.assets.index(asset)] = tiers_of(one, number)


def tiers_of(listings: Listings, instrument: int) -> Tiers:
    """The margin tiers of an instrument in dollars of the eve."""
    contract = listings.contracts[instrument]
    unit = listings.settlement_usd / CASH_UNITS
    floor = unit
    if contract.tiers_by_lots:
        fixed = float(listings.lot_usd[instrument])
        price = listings.price_usd[instrument]
        floor = fixed if np.isfinite(fixed) else float(listings.lot[instrument]) * price
    return Tiers(
        floor_usd=np.array([one.floor * floor for one in contract.tiers]),
        rate=np.array([one.maintenance_ppm * 1e-6 for one in contract.tiers]),
        deduction_usd=np.array([one.deduction_units * unit for one in contract.tiers]),
        leverage=np.array([float(one.max_leverage) for one in contract.tiers]),
    )


def cells_of(one: SymbolMap) -> Cells:
    """A map as a flat list of cells, and what of each class has left and not come back yet.

    What would be liquidated at the present price has left, too.
    """
    entry, leverage, side = np.nonzero(one.notional_usd > 0)
    level = one.liquidation_price[entry, leverage, side]
    alive = np.where(side == 0, level < one.price, level > one.price)
    entry, leverage, side = entry[alive], leverage[alive], side[alive]
    weight = one.notional_usd[entry, leverage, side]
    held = np.zeros((len(one.distance), 2))
    np.add.at(held, (leverage, side), weight)
    left = np.maximum(one.resting_usd[:, None] - held, 0.0)
    number, count = np.arange(len(one.distance)), len(one.distance)
    return Cells(
        is_long=np.concatenate([side == 0, np.repeat([True, False], count)]),
        entry_price=np.concatenate([one.entry_price[entry], np.full(2 * count, one.price)]),
        away=one.distance[np.concatenate([leverage, number, number])],
        weight=np.concatenate([weight, left[:, 0], left[:, 1]]),
        idle=np.concatenate([np.zeros(len(entry), np.bool_), np.ones(2 * count, np.bool_)]),
    )
