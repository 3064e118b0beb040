"""In the closed loop venues sell what their funds took over; on a given path nobody does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from undertow.lab.build import build
from undertow.lab.resale import HOLDERS
from undertow.lab.world import World
from undertow.model import codes

from .gaps import falling_tape, small

CRASH = {
    "span.length": "12m", "span.step": "5s", "shock.sale.notional_usd": "2_000_000_000",
    "shock.sale.until": "2025-11-03T00:04:00Z",
}  # fmt: skip


def held(world: World) -> list[int]:
    """Lots that the venue's own accounts hold, by step."""
    data = world.markets[1].data
    return [int(np.abs(data.holdings(HOLDERS)[0]).sum()) for _ in world.run()]


def crashed(resale_s: float | None) -> World:
    built = build(small(CRASH), seed=7, path="model", tape=None).world
    return World(replace(built.setup, resale_s=resale_s))


def test_what_a_fund_took_over_goes_back_to_the_market() -> None:
    world = crashed(60.0)
    lots = held(world)
    taken = sum(
        int(rows["quantity_lots"][rows["kind"] == codes.TAKEOVER].sum())
        for rows in world.markets[1].forced
    )
    assert taken > 0
    assert max(lots) > 0
    # Thin books take little at once, and what is sold closes others; but it goes on.
    assert taken - lots[-1] > 0.1 * taken
    assert min(lots[lots.index(max(lots[: len(lots) // 2])) :]) < 0.8 * max(lots[: len(lots) // 2])
    # Its own sales are no liquidations: what was closed counts once.
    for rows in world.markets[1].forced:
        assert not np.isin(rows["account"][rows["kind"] == codes.FILL], HOLDERS).any()


def test_without_a_pace_it_stays_with_the_fund() -> None:
    lots = held(crashed(None))
    assert lots[-1] == max(lots) > 0


def test_a_given_path_has_no_such_sales() -> None:
    tape = falling_tape([100_000.0, 99_000.0])
    scenario = small({"span.length": "2m", "span.step": "10s"})
    assert build(scenario, seed=7, path="real", tape=tape).world.setup.resale_s is None
    assert build(scenario, seed=7, path="model", tape=None).world.setup.resale_s is not None
