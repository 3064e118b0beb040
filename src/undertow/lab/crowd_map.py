"""The crowd's positions on the eve: a leverage map of the tape, given to the crowds of a world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from undertow.agents.agent import Agent
from undertow.agents.crowd import Crowd
from undertow.agents.crowd_draw import Cells
from undertow.agents.observation import Place
from undertow.errors import NotRecorded, UndertowError
from undertow.measures.leverage_map import LeverageMap, SymbolMap, leverage_map
from undertow.model.periods import time_text
from undertow.tape import Tape

REACH = 0.15
# Of those with less than four fifths of their first distance left, so many have not noticed:
# assumed, as the settings `warned_at` and `attentive_share` of the crowd are.
WARNED, STILL_THERE = 0.8, 0.1
# As in the map itself: the smallest tier of BTCUSDT (Binance USD-M, October 2025).
MAINTENANCE = 0.004


def give_map(
    agents: Sequence[Agent], place: Place, tape: Tape, symbols: dict[str, str]
) -> LeverageMap | None:
    """Hand every crowd the map of each asset; its scale stays that of the scenario.

    Parameters
    ----------
    symbols
        By asset, the symbol on the tape whose map counts; the same for all venues.

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
        number = place.assets.index(asset)
        cells = cells_of(found.of(symbol))
        for venue in np.flatnonzero(place.listed[:, number] & ~place.is_spot).tolist():
            for crowd in crowds:
                crowd.book[venue, number] = cells
    return found


def cells_of(one: SymbolMap) -> Cells:
    """A map as a flat list of cells; what would be liquidated at the present price is left out.

    Entry prices further than `REACH` from the present one are pulled to it, with the leverage that
    keeps their liquidation price: what a position does later depends on that alone, but the
    opening visits every entry price.
    """
    entry, leverage, side = np.nonzero(one.notional_usd > 0)
    level = one.liquidation_price[entry, leverage, side]
    is_long = side == 0
    alive = np.where(is_long, level < one.price, level > one.price)
    price = np.clip(one.entry_price[entry], one.price * (1 - REACH), one.price * (1 + REACH))
    # A position cannot have been opened beyond its own liquidation price.
    price = np.where(is_long, np.maximum(price, level * 1.002), np.minimum(price, level / 1.002))
    margin = np.where(is_long, 1 - level / price, level / price - 1) + MAINTENANCE
    # Who was warned before the eve has mostly gone, or has new margin.
    left = np.abs(level / one.price - 1) * one.leverage[leverage]
    weight = one.notional_usd[entry, leverage, side] * np.where(left < WARNED, STILL_THERE, 1.0)
    return Cells(
        is_long=is_long[alive],
        entry_price=price[alive],
        leverage=1 / margin[alive],
        weight=weight[alive],
    )
