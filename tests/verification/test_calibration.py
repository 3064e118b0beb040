"""The closed loop's free numbers are those of the code, and the checks of a quiet month measure."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from verification.calibrate import CALIBRATION, TARGETS
from verification.quiet_month import BANDS, Month, statistics

import undertow.agents.all  # noqa: F401 registers
from undertow.agents.agent import find
from undertow.lab.build import CLOSED_LOOP

FILE = tomllib.loads(CALIBRATION.read_text())


def test_at_most_ten_numbers_are_free_and_they_are_the_defaults() -> None:
    assert 0 < len(FILE["free"]) <= 10
    for one in FILE["free"]:
        kind, name = one["name"].split(".")
        default = find(kind).settings.model_fields[name].default
        assert default == one["value"], one["name"]
        assert one["low"] <= default <= one["high"], one["name"]


def test_no_event_that_was_left_out_is_searched_on() -> None:
    assert set(TARGETS) <= set(FILE["fitted_on"])
    assert not set(TARGETS) & set(FILE["held_out"])
    assert set(FILE["held_out"]) == {"2025-10-10", "2025-11-04"}


def test_the_set_in_use_is_in_the_log_and_none_there_is_better_by_more_than_the_dice() -> None:
    in_use = [one["value"] for one in FILE["free"]]
    assert all(len(one["set"]) == len(in_use) for one in FILE["log"])
    ours = [one["cost"] for one in FILE["log"] if one["set"] == pytest.approx(in_use, rel=1e-6)]
    assert len(ours) == 1
    assert ours[0] < min(one["cost"] for one in FILE["log"]) + 0.2


def test_what_differs_in_the_closed_loop_are_settings_that_exist() -> None:
    for kind, settings in CLOSED_LOOP.items():
        assert set(settings) <= set(find(kind).settings.model_fields)


def made_up(power: float) -> Month:
    """Ten days in which a flow of unit size moves the price by a constant times its power."""
    dice = np.random.default_rng(1)
    minutes = 10 * 1440
    flow = np.zeros(minutes)
    flow[7::15] = dice.standard_normal(minutes // 15) * 1e6
    moves = 1e-3 * np.sign(flow) * (np.abs(flow) / 1e6) ** power
    interest = 1e4 + np.cumsum(dice.standard_normal(minutes))
    return Month(np.cumsum(moves), flow, interest, np.full(30, 5e-5))


def test_a_quiet_month_s_statistics_find_what_was_put_in() -> None:
    found = dict(statistics(made_up(0.5), 0.02))
    assert set(found) == set(BANDS)
    assert found["impact"] == pytest.approx(0.5, abs=0.02)
    assert dict(statistics(made_up(1.0), 0.02))["impact"] == pytest.approx(1.0, abs=0.02)
    assert found["funding"] == pytest.approx(0.5)
    assert abs(found["return"]) < 0.05
