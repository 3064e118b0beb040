"""`undertow.testing.check_agent` tells the author of an agent what is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from undertow.agents import agent as registry
from undertow.agents.agent import Agent, Settings, register
from undertow.testing import check_agent


class Plain(Agent):
    """Buys a little BTC with market orders; nothing is wrong with it."""

    def accounts(self) -> Any:
        return np.array([0, 1, 0])

    def start(self, seen, orders) -> None:
        orders.move_cash(1, 0, 1e6)

    def act(self, seen, orders) -> None:
        if seen.ask[1, 0] > 0:
            orders.market(1, 0, 0, True, 1000.0 / seen.ask[1, 0])


@pytest.fixture
def checked(monkeypatch):
    """Checks a class as if it were registered, and forgets it again."""
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))

    def check(made: type[Agent], **settings: Any) -> list[str]:
        return check_agent(register(f"test-{made.__qualname__}")(made), settings)

    return check


def test_nothing_is_wrong_with_a_plain_agent(checked):
    assert checked(Plain) == []


def test_an_agent_must_be_registered_and_complete():
    assert "register" in check_agent(Plain)[0]
    assert "subclass" in check_agent(int)[0]  # type: ignore[arg-type]


def test_settings_are_strict(checked):
    class Loose(Settings):
        model_config = {"extra": "allow", "frozen": True}  # noqa: RUF012

    assert "unknown keys" in checked(type("A", (Plain,), {"settings": Loose}))[0]
    assert checked(type("B", (Plain,), {}), speed=1) == [
        "settings: speed: Extra inputs are not permitted"
    ]


def lasting(checked, act, **more: Any) -> str:
    made = type("Wrong", (Plain,), {"act": act, **more})
    return "; ".join(checked(made))


def test_dice_of_others_and_hidden_state_are_found(checked):
    def common(self, seen, orders):
        if seen.ask[1, 0] > 0:
            orders.market(1, 0, 0, np.random.random() < 0.5, 0.01)

    said = lasting(checked, common)
    assert "self.dice" in said
    assert "common dice" in said


def test_an_observation_is_for_reading(checked):
    def write(self, seen, orders):
        seen.mark[0, 0] = 1.0

    assert "writes into the observation" in lasting(checked, write)


def test_strange_accounts_prices_and_assets_are_found(checked):
    def stranger(self, seen, orders):
        orders.limit(1, 0, 5, True, 0.01, 1e5)

    assert "account 5 at one" in lasting(checked, stranger)

    def no_price(self, seen, orders):
        orders.limit(1, 0, 0, True, 0.01, 1e-9 * seen.step)
        orders.by_venue[1][-1]["price_ticks"] = 0

    assert "limit price" in lasting(checked, no_price)

    def everything(self, seen, orders):
        rows = orders.market(1, 0, 0, True, 0.01)
        assert len(rows)
        orders.by_venue[1][-1]["kind"] = 14

    assert "not an agent's" in lasting(checked, everything)


def test_orders_without_a_price_or_without_money_are_found(checked):
    def blind(self, seen, orders):
        orders.market(1, 0, 0, True, 0.01)

    assert "no price is known" in lasting(checked, blind)

    def rich(self, seen, orders):
        if seen.ask[1, 0] > 0:
            orders.market(1, 0, 0, True, 100.0)

    said = lasting(checked, rich, start=lambda self, seen, orders: None)
    assert "has it money" in said


def test_a_failure_is_told_and_not_raised(checked):
    def fails(self, seen, orders):
        raise KeyError("nothing here")

    assert "in a scripted market: KeyError" in lasting(checked, fails)


def test_accounts_are_whole_numbers_one_per_venue(checked):
    made = type("Short", (Plain,), {"accounts": lambda self: np.array([1.5, 2])})
    assert "accounts()" in checked(made)[0]
