"""A scenario with an agent and an exchange of one's own, each in files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from undertow.errors import DataError, UndertowError
from undertow.lab.batch import run_scenario
from undertow.lab.build import build
from undertow.lab.run import own_files, run, run_id
from undertow.lab.scenario import Scenario, load
from undertow.venues import rulebook
from undertow.venues.exchange import Venue

AGENT = """
import numpy as np
from undertow.agents.agent import Agent, Settings, register


@register("own_files_buyer")
class Buyer(Agent):
    settings = Settings
    bought = 0

    def accounts(self):
        return np.where(self.place.is_spot, 1, 0)

    def start(self, seen, orders):
        orders.move_cash(int(np.argmax(self.place.is_spot)), 0, 1e6)

    def act(self, seen, orders):
        spot = int(np.argmax(self.place.is_spot))
        if seen.ask[spot, 0] > 0:
            orders.limit(spot, 0, 0, True, 0.01, 1.001 * seen.ask[spot, 0])
            self.bought += 1
"""
RULES = """
venue = "myex"
title = "An exchange of mine"

[sources.faq]
text = "my exchange's FAQ"
date = "2025-09-01"
confidence = "V"

[[revision]]
effective = { value = "2025-01-01", source = "faq" }

[revision.fees]
taker_rate = { value = "0.0004", source = "faq" }
"""
HEAD = "# venue: myex\n# as_of: 2025-09-01\n# confidence: V\n# source: its contract page\n"
STEPS = (
    HEAD + "symbol,base,quote,settlement,kind,contract_size,tick_size,lot_size,price_figures,"
    "min_quantity,min_notional,max_quantity,max_market_quantity,max_notional,max_market_notional,"
    "price_band_up,price_band_down,market_take_bound,trigger_protect,liquidation_fee_rate,"
    "max_leverage,assumed\nBTCUSDT,BTC,USDT,USDT,linear,1,0.1,0.001,,0.001,5,1000,,,,,,,,0.01,50,\n"
)
TIERS = (
    HEAD + "# model: deduction\n# measure: notional\n"
    "symbol,floor,cap,max_leverage,maintenance_rate,deduction\n"
    "BTCUSDT,0,1000000,50,0.01,0\nBTCUSDT,1000000,100000000,10,0.05,40000\n"
)
MINE = """
[[agent]]
name = "mine"
kind = "own_files_buyer"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (
        ("buyer.py", AGENT), ("rules/myex.toml", RULES),
        ("rules/instruments/myex_2025-09-01.csv", STEPS),
        ("rules/tiers/myex_2025-09-01.csv", TIERS),
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mine(head: str = 'agents_from = ["buyer.py"]\n') -> Scenario:
    small = {"span.length": "1m", "venue.binance-usdm.accounts": 50}
    text = load("gap").with_values(small).text
    text = text.replace('rules = "binance-usdm@2025-11-03"', 'rules = "rules/myex.toml@2025-11-03"')
    Path("mine.toml").write_text(head + text + MINE)
    return load("mine.toml")


def test_a_scenario_runs_with_an_agent_and_an_exchange_of_its_own(folder: Path) -> None:
    world = build(mine(), seed=7, path="model", tape=None).world
    for _ in world.run():
        pass
    (buyer,) = [one for one in world.setup.agents if one.kind == "own_files_buyer"]
    assert getattr(buyer, "bought", 0) > 0
    rules = rulebook.load("rules/myex.toml@2025-11-03")
    assert str(rules.fees.taker_rate) == "0.0004"
    assert str(rules.instrument("BTCUSDT").tick_size) == "0.1"


def test_a_run_is_named_by_what_the_files_say(folder: Path) -> None:
    scenario = mine()
    assert [str(file) for file in own_files(scenario)] == [
        "buyer.py", "rules/instruments/myex_2025-09-01.csv", "rules/myex.toml",
        "rules/tiers/myex_2025-09-01.csv",
    ]  # fmt: skip
    names = {run_id(scenario, 7, "model")}
    for name in ("buyer.py", "rules/myex.toml", "rules/tiers/myex_2025-09-01.csv"):
        (folder / name).write_text((folder / name).read_text() + "\n# changed\n")
        names.add(run_id(scenario, 7, "model"))
    assert len(names) == 4


def test_an_unknown_agent_is_answered_with_the_way_to_bring_one(folder: Path) -> None:
    scenario = load(str(_written(MINE.replace("own_files_buyer", "nobody_wrote_this"))))
    with pytest.raises(UndertowError, match=r'no agent .*agents_from = \["FILE.py"\]'):
        run(scenario, path="model", folder=folder / "runs")


def _written(agents: str) -> Path:
    path = Path("unknown.toml")
    path.write_text(load("gap").with_values({"span.length": "1m"}).text + agents)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no file 'buyer.py'"),
        ("import nothing_of_that_name\n", "buyer.py, line 1: ModuleNotFoundError"),
        ("x = 1\ny = x / 0\n", "buyer.py, line 2: ZeroDivisionError"),
        ("def broken(:\n", "buyer.py, line 1: SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_run_is_named_with_its_line(
    folder: Path, text: str | None, told: str
) -> None:
    scenario = mine()
    (folder / "buyer.py").unlink() if text is None else (folder / "buyer.py").write_text(text)
    with pytest.raises(UndertowError) as raised:
        run(scenario, path="model", folder=folder / "runs")
    assert told in str(raised.value)


def test_what_an_exchange_lacks_is_said_with_the_file_that_it_goes_into(folder: Path) -> None:
    steps = folder / "rules/instruments/myex_2025-09-01.csv"
    steps.unlink()
    with pytest.raises(UndertowError, match=r"instruments/myex_DATE.csv beside myex.toml"):
        Venue.open("rules/myex.toml@2025-11-03", "BTCUSDT", accounts=1)
    with pytest.raises(DataError, match=r"symbols.BTC.*instruments/myex_DATE.csv"):
        mine()
    steps.write_text(STEPS)
    (folder / "rules/tiers/myex_2025-09-01.csv").unlink()
    with pytest.raises(UndertowError, match=r"tiers/myex_DATE.csv"):
        Venue.open("rules/myex.toml@2025-11-03", "BTCUSDT", accounts=1)
    tiers = {"margin.tiers.BTCUSDT": [("0", "0.01", "50")]}
    Venue.open("rules/myex.toml@2025-11-03", "BTCUSDT", accounts=1, assume=tiers)


def test_rules_that_are_nowhere_are_answered_with_how_to_name_ones_own(folder: Path) -> None:
    with pytest.raises(UndertowError, match=r"FOLDER/VENUE.toml@DAY"):
        rulebook.load("myex@2025-11-03")
    with pytest.raises(UndertowError, match=r"there is no rules/other.toml"):
        rulebook.load("rules/other.toml@2025-11-03")


def test_a_scenario_without_a_tape_is_told_which_path_to_take(folder: Path) -> None:
    mine()
    with pytest.raises(UndertowError, match="path='model'"):
        run_scenario("mine.toml", folder=folder / "runs")
