"""What makers believe: a sale counts once, by its size, and fear does not feed on itself."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.fair_value import FairValue
from undertow.agents.prices import typical

from .worlds import mids, news, world

VOLUME_USD, SIGMA = 10e9, 0.02


def belief_after(pieces: int, usd: float, seconds: float) -> float:
    """The move of a belief by a sale that is cut into pieces."""
    fair = FairValue(
        np.zeros(1), np.array([VOLUME_USD]), np.array([SIGMA]), impact=1.0, memory_s=86_400.0,
        permanent=0.5,
    )  # fmt: skip
    for _ in range(pieces):
        fair.absorb(np.array([-usd / pieces]), np.ones(1), seconds / pieces)
    return float(fair.value()[0])


def test_the_root_is_of_the_whole_sale_however_it_is_cut() -> None:
    law = -SIGMA * np.sqrt(100e6 / VOLUME_USD)
    assert belief_after(1, 100e6, 60.0) == pytest.approx(law, rel=0.01)
    # Over half a day some of it is forgotten, of which half stays.
    assert belief_after(4000, 100e6, 43_200.0) == pytest.approx(law, rel=0.15)
    assert belief_after(4000, 400e6, 43_200.0) / belief_after(4000, 100e6, 43_200.0) == (
        pytest.approx(2.0, rel=0.01)
    )


def sold_slowly(usd: float) -> np.ndarray:
    """Prices of BTC where nothing happens but a sale over three hours, and an hour after it."""
    who = {
        "market_maker": {"discovers": False, "impact": 1.0}, "arbitrageur": {},
        "flows": {"asset": "BTC", "usd": usd, "at_s": 600.0, "over_s": 10_800.0},
    }  # fmt: skip
    return mids(world(who, steps=250, step_s=60.0))[:, :, 0]


def test_a_slow_sale_moves_the_market_by_about_the_law() -> None:
    """When makers learned from every trade below their quotes as well, it left 3.3 times that."""
    price = sold_slowly(280e6)  # twice all depth within 1 %, less than 1 % of a day's volume
    law = 0.025 * np.sqrt(280e6 / (300 * 140e6))
    low = 1 - np.nanmin(price, axis=0) / price[5]
    assert np.all(low > 0.5 * law)
    assert np.all(low < 3 * law)
    # The books are full again after it, and what is left of the fall is about the law's.
    left = 1 - price[-1] / price[5]
    assert np.all(left < 2 * law)
    assert np.all(left > 0.5 * law)


def alarm_after_news(fear: float) -> np.ndarray:
    """The makers' alarm about BTC, by step, where nobody trades."""
    quiet = {"discovers": False, "news_move": 0.0, "recovery_s": 900.0, "fear": fear}
    run = world({"market_maker": quiet}, steps=240, switches=(news(60.0, 0.3),))
    makers = run.setup.agents[0]
    return np.array([float(makers.stress.level[0]) for _ in run.run()])


def test_a_discount_that_makers_ask_for_does_not_alarm_them() -> None:
    """It is a fall by half within the hour: with that in it the alarm would not go."""
    brave, afraid = alarm_after_news(0.0), alarm_after_news(10.0)
    assert brave.max() > 1.0
    assert afraid == pytest.approx(brave, abs=0.05)


def test_the_discount_falls_with_the_alarm_and_hardly_minds_a_calm_day() -> None:
    run = world(
        {"market_maker": {"discovers": False, "fear": 0.5}}, steps=300, step_s=60.0,
        switches=(news(600.0, 0.2),),
    )  # fmt: skip
    makers, found = run.setup.agents[0], []
    for _ in run.run():
        found.append(float(makers.discount[0]))
    assert found[8] == 0.0
    assert max(found) > 0.01
    assert found[-1] < 0.25 * max(found)


def test_one_emptied_book_is_not_the_price_of_an_asset() -> None:
    rows = np.array([[100.0, np.nan], [101.0, 5.0], [60.0, np.nan]])
    assert typical(rows).tolist() == [100.0, 5.0]
    assert np.isnan(typical(np.full((2, 1), np.nan)))[0]
    assert typical(np.array([[1.0], [2.0]]))[0] == 1.5
