"""--set on a given path: what would do nothing is refused, with the reason and the way out."""

from __future__ import annotations

import pytest

from undertow.errors import UndertowError
from undertow.lab.levers import LEVERS
from undertow.lab.run import paced
from undertow.lab.scenario import Scenario, load

IDLE = {
    "api_reject": "makers", "cancel_fail": "makers", "depth_withdrawal": "makers",
    "transfer_delay": "take no part", "arbitrage_capital": "take no part",
    "withdrawal_halt": "take no part", "etf_outflow": "no sale moves",
    "treasury_forced_sale": "no sale moves", "quote_peg": "the coin that the tape has them in",
    "agent.makers.settings.turnover": "a market_maker takes no part",
    "shock.holders.notional_usd": "no sale moves",
}  # fmt: skip
WORKS = {
    "max_leverage", "insurance_fund", "adl_ranking", "collateral_oracle",
    "liquidation_engine_delay", "agent.crowd.settings.late_share", "shock.shutdown.severity",
    "venue.bybit.open_interest_usd.BTC",
}  # fmt: skip


@pytest.fixture(scope="module")
def november() -> Scenario:
    return load("2025-11-04")


@pytest.mark.parametrize("key", sorted(IDLE))
def test_what_nobody_would_act_on_is_refused_with_its_reason(key: str, november: Scenario) -> None:
    with pytest.raises(UndertowError) as refused:
        paced(november, "real", {key: 1})
    said = str(refused.value)
    assert said.startswith(f"--set {key}: would change nothing: ")
    assert IDLE[key] in said
    assert said.endswith("--path model lets prices follow from the trading")
    paced(november, "model", {key: 1})  # there it does something


@pytest.mark.parametrize("key", sorted(WORKS))
def test_what_works_on_a_given_path_is_taken(key: str, november: Scenario) -> None:
    assert paced(november, "real", {key: 1}).name == november.name


@pytest.mark.parametrize("key", ["halt_at", "circuit_breaker.fall"])
def test_a_breaker_cannot_stop_prices_that_are_given(key: str, november: Scenario) -> None:
    with pytest.raises(UndertowError, match="given prices go on falling") as refused:
        paced(november, "real", {key: "5%"})
    said = str(refused.value)
    assert said.startswith(f"--set {key}: has no meaning here")
    assert said.endswith("--path model lets prices follow from the trading")
    paced(november, "model", {key: "5%"})


def test_every_lever_is_known_to_work_or_not() -> None:
    assert set(LEVERS) == {key for key in (*IDLE, *WORKS, "halt_at") if "." not in key}
