"""Imports every kind of agent, so that scenarios find them by name."""

from __future__ import annotations

from undertow.agents import (
    arbitrageur,
    basis_trader,
    crowd,
    dip_buyer,
    fisher,
    flows,
    informed,
    market_maker,
    momentum,
    noise,
    path_maker,
    value_buyer,
)

__all__ = [
    "arbitrageur",
    "basis_trader",
    "crowd",
    "dip_buyer",
    "fisher",
    "flows",
    "informed",
    "market_maker",
    "momentum",
    "noise",
    "path_maker",
    "value_buyer",
]
