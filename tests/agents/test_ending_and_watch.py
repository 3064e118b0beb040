"""Large crowds: who ends is drawn as with one throw each, and watched prices are the last given."""

from __future__ import annotations

import numpy as np
import pytest

from undertow.agents.ending import Ending
from undertow.agents.watch import Watch


def test_as_many_end_as_their_lives_say() -> None:
    dice = np.random.default_rng(3)
    count, rounds = 60_000, 40
    life_s = 900.0 * np.exp(dice.normal(2.0, 1.5, count))
    place = dice.integers(0, 3, count)
    passed_s = np.array([600.0, 1800.0, 0.0])
    ending, ended = Ending(life_s, place), np.zeros(count)
    for _ in range(rounds):
        number = ending.draw(dice, passed_s)
        assert (np.diff(number) > 0).all()  # each once
        ended[number] += 1
    share = -np.expm1(-passed_s[place] / life_s)
    assert not ended[place == 2].any()
    for where in (0, 1):
        for low, high in ((0, 2000), (2000, 8000), (8000, 1e9)):
            own = (place == where) & (life_s >= low) & (life_s < high)
            expected, spread = rounds * share[own].sum(), rounds * (share * (1 - share))[own].sum()
            assert abs(ended[own].sum() - expected) < 5 * np.sqrt(spread)


def test_nobody_and_no_time_end_nothing() -> None:
    dice, none = np.random.default_rng(1), np.zeros(0, np.int64)
    assert not len(Ending(np.zeros(0), none).draw(dice, np.array([60.0])))
    assert not len(Ending(np.full(5, 10.0), np.zeros(5, np.int64)).draw(dice, np.zeros(1)))


@pytest.mark.parametrize("falling", [True, False])
def test_everybody_is_told_at_the_last_price_that_was_given(falling: bool) -> None:
    dice = np.random.default_rng(int(falling))
    watch, levels = Watch((1, 2), falling), np.full((2, 400), np.nan)
    numbers = [np.arange(0, 400, 2), np.arange(1, 400, 2)]
    told_ever = 0
    for step in range(60):
        for asset, own in enumerate(numbers):
            some = own if step == 0 else dice.choice(own, 7, replace=False)
            price = 100 * np.exp(0.05 * dice.standard_normal(len(some)))
            price[dice.random(len(some)) < 0.2] = np.nan
            watch.change(0, asset, some, price)
            levels[asset, some] = price
        price = 100 * np.exp(0.04 * dice.standard_normal((1, 2)))
        told: dict[int, list[int]] = {0: [], 1: []}
        for venue, asset, number in watch.crossed(price):
            assert venue == 0
            told[asset] += number.tolist()
        for asset in (0, 1):
            level, now = levels[asset], price[0, asset]
            hit = level >= now if falling else level <= now
            assert sorted(told[asset]) == np.flatnonzero(hit).tolist()
            told_ever += int(hit.sum())
            level[hit] = np.nan  # told once
    assert told_ever > 200
