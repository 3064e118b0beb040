"""Compiling the venue's kernels one by one, so that who waits for it can be told how far it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from undertow.kernels import exchange, invariants, waterfall
from undertow.kernels.compile import CACHE
from undertow.kernels.exchange_arrays import COMMAND, EVENT, new_exchange
from undertow.model.contracts import Contract, Rules

STEPS = ("trade", "administer", "mark", "fire", "liquidate", "rank", "check")


def is_compiled() -> bool:
    """Whether an earlier process has left compiled code of every step."""
    if CACHE is None:
        return False
    names = [*(f"exchange.{step}" for step in STEPS[:-2]), "exchange.answer", "invariants.check"]
    return all(any(CACHE.glob(f"*/{name}-*.nbi")) for name in names)


def compiled() -> Iterator[str]:
    """Compile, or load what is compiled; gives the name of each step when it begins."""
    venue = new_exchange((Contract(),), Rules(), 8, 16)._replace(events=np.zeros(16, EVENT))
    none = np.zeros(0, COMMAND)
    for step in STEPS:
        yield step
        if step == "rank":
            rows = np.zeros(0, waterfall.WINNER)
            waterfall.list_winners(venue, rows)
            exchange.answer(venue, rows, np.zeros(0, np.int64))
        elif step == "check":
            invariants.check(venue, venue.unseen, 0, True)
        else:
            getattr(exchange, step)(venue, none, 0)
