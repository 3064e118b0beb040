"""--set: levers and key paths change what they say, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from undertow.agents import agent
from undertow.agents import all as _kinds  # noqa: F401 they register themselves
from undertow.errors import UndertowError
from undertow.lab.levers import LEVERS, table
from undertow.lab.scenario import Scenario, load
from undertow.lab.seeding import dice

PAGE = Path(__file__).parent.parent.parent / "docs" / "scenarios.md"
VALUES = {
    "max_leverage": "20x", "depth_withdrawal": "0", "insurance_fund": "0.5", "adl_ranking":
    "pro_rata", "collateral_oracle": "index", "halt_at": "10%", "arbitrage_capital": "2",
    "etf_outflow": "1B", "treasury_forced_sale": "500M", "liquidation_engine_delay": "30s",
    "api_reject": "0.2", "cancel_fail": "0.2", "transfer_delay": "2h", "withdrawal_halt": "binance",
    "quote_peg": "0.97",
}  # fmt: skip


@pytest.fixture(scope="module")
def november() -> Scenario:
    return load("2025-11-04")


def home(lever: str, november: Scenario) -> Scenario:
    """A scenario in which the lever has something to change."""
    return load("2025-10-10") if lever == "collateral_oracle" else november


@pytest.mark.parametrize("lever", sorted(LEVERS))
def test_every_lever_changes_the_scenario_to_one_that_runs(lever: str, november: Scenario) -> None:
    before = home(lever, november)
    after = before.with_values({lever: VALUES[lever]})
    assert after.digest() != before.digest()
    assert before.digest() == home(lever, november).digest()
    for venue in after.venues:
        venue.open(accounts=2)
    for one in after.agents:
        agent.find(one.kind).settings.model_validate(one.settings)
    new = [number for key, number in after.numbers.items() if before.numbers.get(key) != number]
    assert new
    assert all(number.assumed for number in new)


def test_max_leverage_caps_every_tier_and_the_crowd(november: Scenario) -> None:
    capped = november.with_values({"max_leverage": 20})
    for venue in capped.venues:
        for listing in venue.terms().listings:
            assert max(tier.max_leverage for tier in listing.contract.tiers) <= 20
    (crowd,) = [one for one in capped.agents if one.kind == "crowd"]
    assert crowd.settings["max_leverage"] == 20
    # What a tier needs to stay open does not change.
    before, after = (one.venues[0].terms().listings[0].contract.tiers for one in (november, capped))
    assert [tier.maintenance_ppm for tier in before] == [tier.maintenance_ppm for tier in after]


def test_half_the_insurance(november: Scenario) -> None:
    halved = november.with_values({"insurance_fund": 0.5})
    for before, after in zip(november.venues, halved.venues, strict=True):
        assert after.insurance_fund_usd == tuple(x / 2 for x in before.insurance_fund_usd)


def test_flows_are_scaled_to_a_sum(november: Scenario) -> None:
    def outflows(one: Scenario) -> list[float]:
        return [float(shock.notional_usd or 0) for shock in one.shocks
                if shock.name.startswith("etf")]  # fmt: skip

    before, after = outflows(november), outflows(november.with_values({"etf_outflow": "2B"}))
    assert sum(after) == pytest.approx(2e9)
    assert after == pytest.approx([size / sum(before) * 2e9 for size in before])
    assert sum(outflows(november.with_values({"etf_outflow": 0}))) == 0


def test_shocks_of_levers_last_to_the_end(november: Scenario) -> None:
    halted = november.with_values({"withdrawal_halt": "all", "quote_peg": 0.97})
    new = [shock for shock in halted.shocks if shock.name.startswith("set-")]
    ends_ns = november.start_ns + november.length_s * 10**9
    assert len(new) == len(november.venues) + 1
    assert all(shock.until_ns == ends_ns for shock in new)
    (peg,) = [shock for shock in new if shock.kind == "peg"]
    assert (peg.asset, peg.value) == ("USDT", 0.97)


@pytest.mark.parametrize("name", ["late_share", "late_shar"])
def test_a_setting_without_its_settings_is_found(november: Scenario, name: str) -> None:
    hint = "did you mean 'agent.crowd.settings.late_share'"
    with pytest.raises(UndertowError, match=hint):
        november.with_values({f"agent.crowd.{name}": 0.05})


def test_the_circuit_breaker(november: Scenario) -> None:
    assert november.halt_fall is None
    halted = november.with_values({"halt_at": "10%", "circuit_breaker.length_s": "5m"})
    assert (halted.halt_fall, halted.halt_s) == (pytest.approx(0.1), 300.0)


def test_any_number_can_be_set(november: Scenario) -> None:
    changed = november.with_values({
        "seed": "3", "venue.binance.insurance_fund_usd": "1B", "span.length": "1h",
        "venue.bybit.open_interest_usd.BTC": "5B", "venue.okx.override.adl.ranking": "pro_rata",
        "shock.holders.notional_usd": "0", "asset.BTC.daily_volatility": "5%",
        "agent.makers.settings.api_reject": "0.5",
    })  # fmt: skip
    venues = {venue.id: venue for venue in changed.venues}
    assert (changed.seed, changed.length_s) == (3, 3600)
    assert venues["binance-usdm"].insurance_fund_usd.value == 1e9
    assert venues["bybit"].open_interest_usd["BTC"] == (5e9, 5e9, 5e9)
    assert venues["okx"].dated_rules().adl.ranking == "pro_rata"
    assert changed.volatility["BTC"] == pytest.approx(0.05)
    (makers,) = [one for one in changed.agents if one.name == "makers"]
    assert makers.settings["api_reject"] == 0.5


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("max_leverege", 20, "did you mean 'max_leverage'"),
        ("venue.binanse.accounts", 5, "did you mean 'binance-usdm'"),
        ("venue.binance.acounts", 5, "unknown key 'venue.binance.acounts'"),
        ("venue.binance", 5, "expected a key"),
        ("venue", 5, "expected a key below it"),
        ("seed.more", 5, "nothing is below 'seed'"),
        ("max_leverage", "lots", "expected a multiple, such as 0.5 or 0.5x, not 'lots'"),
        ("max_leverage", 0, "expected 1 or more"),
        ("halt_at", "10x", "expected a fraction"),
        ("halt_at", 2, "expected 0.001 to 1"),
        ("etf_outflow", "5BTC", "expected dollars"),
        ("transfer_delay", "3 parsecs", "expected a length of time"),
        ("adl_ranking", "pro_rat", "did you mean 'pro_rata'"),
        ("withdrawal_halt", "mtgox", "no venue 'mtgox'"),
        ("collateral_oracle", "index", "no venue of this scenario takes collateral"),
        ("venue.binance.accounts", "many", "expected a whole number"),
        ("venue.okx.override.adl.rankin", "pro_rata", "did you mean 'ranking'"),
        ("insurance_fund", -1, "expected 0 or more"),
        ("insurance_fund", math.nan, "expected a multiple"),
    ],
)
def test_mistakes_in_set_are_named(
    november: Scenario, key: str, value: object, expected: str
) -> None:
    with pytest.raises(UndertowError) as caught:
        november.with_values({key: value})
    assert expected in str(caught.value)
    assert key.split(".")[-1] in str(caught.value) or key in str(caught.value)


def test_the_page_holds_the_table() -> None:
    page = PAGE.read_text()
    assert table() in page, "run scripts/write_levers.py"


def test_dice_belong_to_names() -> None:
    first, again = dice(7, "agent:crowd").random(4), dice(7, "agent:crowd").random(4)
    assert np.array_equal(first, again)
    for seed, name in ((8, "agent:crowd"), (7, "agent:makers")):
        assert not np.array_equal(first, dice(seed, name).random(4))
    # The definition, so that runs stay what they are: SHA-256 of the name in 32-bit words.
    assert dice(7, "agent:crowd").integers(0, 2**32) == 1_034_541_912
