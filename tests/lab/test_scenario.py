"""Scenarios: what comes with the package loads and opens, and mistakes are named."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from undertow.agents import agent
from undertow.agents import all as _kinds  # noqa: F401 they register themselves
from undertow.errors import DataError, UndertowError
from undertow.lab import scenario_files
from undertow.lab.scenario import FOLDER, Scenario, from_content, load, names
from undertow.model.assets import asset_of, coins_per_unit
from undertow.tape import Tape

NAMES = ("2020-03-12", "2021-05-19", "2022-11-08", "2025-10-10", "2025-11-04", "gap")


def gap() -> dict[str, Any]:
    return copy.deepcopy(scenario_files.read_toml(FOLDER / "gap.toml"))


def refused(content: dict[str, Any]) -> str:
    with pytest.raises(UndertowError) as caught:
        from_content(content, "mine.toml")
    return str(caught.value)


def test_the_bundled_ones_are_there() -> None:
    assert tuple(names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_venue_opens_and_every_agent_accepts_its_settings(name: str) -> None:
    scenario = load(name)
    assert sum(spot.weight_in_index for spot in scenario.spots) == pytest.approx(1)
    for venue in scenario.venues:
        opened = venue.open(accounts=2)
        traded = list(opened.symbols)[: len(venue.symbols)]
        assert traded == list(venue.symbols.values())
        assert len(venue.terms().listings) == len(venue.symbols)
        for asset in venue.symbols:
            interest, depth = venue.open_interest_usd[asset], venue.depth_usd[asset]
            assert 0 < interest.low <= interest.value <= interest.high < 1e12
            # One side within 1 % is never a tenth of all positions.
            assert 0 < depth.low <= depth.value <= depth.high < interest.value / 5
    for one in scenario.agents:
        agent.find(one.kind).settings.model_validate(one.settings)
    ends_ns = scenario.start_ns + scenario.length_s * 10**9
    for shock in scenario.shocks:
        assert scenario.start_ns <= shock.at_ns < ends_ns
        assert shock.until_ns is None or shock.at_ns < shock.until_ns <= ends_ns


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_is_from(name: str) -> None:
    for key, number in load(name).numbers.items():
        assert bool(number.source) is not number.assumed, key
        assert number.note if number.assumed else True, key


@pytest.mark.parametrize("name", ["2025-10-10", "2025-11-04"])
def test_numbers_that_cite_the_tape_are_on_it(name: str) -> None:
    scenario = load(name)
    bars = Tape.open(name).table("candles").filter(
        pl.col("venue").cast(pl.String) == "binance-usdm",
        pl.col("interval").cast(pl.String) == "5m",
        pl.col("ts").cast(pl.Int64) == scenario.start_ns,
    ).with_columns(pl.col("symbol").cast(pl.String)).collect()  # fmt: skip
    opens = dict(bars.select("symbol", "open").iter_rows())
    for asset, price in scenario.price_usd.items():
        cited = scenario.numbers[f"asset.{asset}.price_usd"]
        if (cited.derived or "").startswith(("binance-usdm", "as BTC")):
            assert price == pytest.approx(opens[f"{asset}USDT"], rel=1e-4)
    flows = Tape.open(name).table("flows").collect()
    for key, number in scenario.numbers.items():
        if key.startswith("shock.etf") and key.endswith("notional_usd"):
            asset, day = key.split(".")[1].split("-")[1].upper(), int(key.split("-")[2])
            told = flows.filter(
                pl.col("kind").cast(pl.String) == "etf", pl.col("asset").cast(pl.String) == asset,
                pl.col("ts").dt.year() == 2025, pl.col("ts").dt.month() == 11,
                pl.col("ts").dt.day() == day,
            )  # fmt: skip
            assert number.value == pytest.approx(-told["usd"].sum(), abs=1e5)


def test_the_shape_of_4_november() -> None:
    scenario = load("2025-11-04")
    assert len(scenario.venues) == 6
    assert "cme" in [venue.id for venue in scenario.venues]
    assert {"BTC", "ETH", "SOL", "XRP", "DOGE", "BNB"} < set(scenario.assets)
    assert any(asset_of(asset) == "PEPE" for asset in scenario.assets)
    shocks = {shock.name: shock for shock in scenario.shocks}
    for part in ("balancer", "stream", "fed", "shutdown", "etf", "holders", "treasury"):
        assert any(name.startswith(part) for name in shocks)
    assert shocks["etf-btc-4-nov"].notional_usd == pytest.approx(566.4e6)
    # The five perpetuals venues share BTC's open interest as the head of the file says.
    perps = [venue.open_interest_usd["BTC"].value for venue in scenario.venues if venue.id != "cme"]
    assert 33.83e9 < sum(perps) < 56e9


def test_10_october_marks_usde_by_the_venues_own_book() -> None:
    binance = load("2025-10-10").venues[0]
    (usde,) = binance.collateral
    assert (usde.asset, usde.price) == ("USDE", "own_spot_book")
    assert "USDEUSDT" in binance.open(accounts=2).symbols


def test_a_basket_holds_as_much_as_the_coins_it_stands_for() -> None:
    scenario = load("2025-11-04")
    many = scenario.venues[0]
    one = scenario.with_values({"venue.binance-usdm.stands_for.1000PEPE": 1}).venues[0]
    for alone, basket in zip(one.terms().listings, many.terms().listings, strict=True):
        times = many.stands_for["1000PEPE"] if "PEPE" in alone.symbol else 1
        most = min(times * alone.contract.max_lots, alone.contract.max_position_lots)
        assert basket.contract.max_lots == most
        for tier, whole in zip(alone.contract.tiers, basket.contract.tiers, strict=True):
            assert (whole.floor, whole.maintenance_ppm) == (times * tier.floor,
                                                            tier.maintenance_ppm)  # fmt: skip


def test_a_coin_without_rules_of_its_own_borrows_a_contract() -> None:
    october = {one.id: one for one in load("2025-10-10").venues}
    names = {name: [one.symbol for one in october[name].terms().listings] for name in october}
    assert names["okx"][3:] == [
        "XRP-USDT-SWAP",
        "DOGE-USDT-SWAP",
        "BNB-USDT-SWAP",
        "1000PEPE-USDT-SWAP",
    ]
    assert "kPEPE" in names["hyperliquid"]
    by_symbol = {one.symbol: one for one in october["hyperliquid"].terms().listings}
    assert by_symbol["kPEPE"].instrument.settlement == "USDC"
    # Ten times leverage, half of that margin to stay open.
    (tier,) = by_symbol["kPEPE"].contract.tiers
    assert (tier.maintenance_ppm, tier.max_leverage) == (50_000, 10)
    capped = load("2025-10-10").with_values({"max_leverage": "5x"}).venues[4]
    assert {one.contract.tiers[0].max_leverage for one in capped.terms().listings} == {5}


def test_a_symbol_is_priced_for_as_many_coins_as_its_asset() -> None:
    for name in NAMES:
        for venue in load(name).venues:
            for asset, symbol in venue.symbols.items():
                assert coins_per_unit(symbol) == coins_per_unit(asset), (name, venue.id, symbol)
    content = copy.deepcopy(load("2025-11-04").content)
    bitget = next(venue for venue in content["venue"] if venue["id"] == "bitget")
    bitget["symbols"]["1000PEPE"] = "PEPEUSDT"
    with pytest.raises(DataError, match="'PEPEUSDT' is for 1 of the coin"):
        from_content(content, "mine.toml")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("contract_from.XRP", "binance-usdm@2025-10-32", "2025-10-32"),
        ("contract_from.BTC", "binance-usdm@2025-10-10", "has a contract BTCUSDT of its own"),
        ("coin_leverage.BTC", 10, "BTC"),
    ],
)
def test_a_wrong_lender_is_one_line(key: str, value: object, said: str) -> None:
    with pytest.raises(UndertowError, match=said) as told:
        load("2025-10-10").with_values({f"venue.bybit.{key}": value})
    assert "\n" not in str(told.value)


def test_the_text_is_the_scenario(tmp_path: Path) -> None:
    for name in NAMES:
        scenario = load(name)
        assert tomllib.loads(scenario.text) == scenario.content
        copied = tmp_path / f"{name}.toml"
        copied.write_text(scenario.text)
        again = load(copied)
        assert again.digest() == scenario.digest()
        assert again.numbers == scenario.numbers


def test_the_digest_changes_with_content_only(tmp_path: Path) -> None:
    text = (FOLDER / "gap.toml").read_text()
    other = tmp_path / "other.toml"
    other.write_text("# a comment more\n" + text)
    assert load(other).digest() == load("gap").digest()
    other.write_text(text.replace("seed = 7", "seed = 8"))
    assert load(other).digest() != load("gap").digest()


def test_unknown_scenarios_are_named() -> None:
    with pytest.raises(UndertowError, match="did you mean '2025-11-04'"):
        load("2025-11-4")
    with pytest.raises(UndertowError, match="valid: 2020-03-12"):
        load("nowhere/at/all.toml")


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("name = \n")
    with pytest.raises(DataError, match=r"broken.toml: not TOML"):
        load(broken)


def test_a_bare_number_is_refused() -> None:
    content = gap()
    content["venue"][0]["insurance_fund_usd"] = 5
    message = refused(content)
    assert "mine.toml: key 'venue.binance-usdm.insurance_fund_usd'" in message
    assert "assumed = true" in message


def changed_gap(path: str, value: object) -> dict[str, Any]:
    content: Any = gap()
    place = content
    *parts, last = path.split("/")
    for part in parts:
        place = place[int(part)] if part.isdecimal() else place[part]
    place[last] = value
    return content  # type: ignore[no-any-return]


NUMBER = {"value": 1, "assumed": True, "note": "a test"}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("venue/0/insurence_fund_usd", NUMBER, "did you mean 'insurance_fund_usd'"),
        ("sede", 3, "key 'sede': unknown key (did you mean 'seed'"),
        ("venue/0/accounts", {"value": 1, "assumed": True}, "needs a note"),
        ("venue/0/accounts", {"value": 1}, "expected one of source and assumed"),
        ("venue/0/accounts", {**NUMBER, "value": 1.5}, "whole number"),
        ("venue/0/accounts", {**NUMBER, "low": 2, "high": 3}, "low <= value <= high"),
        ("venue/0/accounts", {**NUMBER, "low": 1}, "an interval has low and high"),
        ("venue/0/accounts", {**NUMBER, "vale": 1}, "unknown key 'vale' (did you mean 'value'"),
        ("venue/0/rules", "binance-usdm@1999-01-01", "is earlier"),
        ("venue/0/rules", "binanse-usdm@2025-11-03", "no rules of venue 'binanse-usdm'"),
        ("venue/0/symbols", {"BTC": "BTCUSD"}, "did you mean 'BTCUSDT'"),
        ("venue/0/symbols", {"ETC": "BTCUSDT"}, "no 'ETC' here"),
        ("shock/0/kind", "spot_sel", "did you mean 'spot_sell'"),
        ("shock/0/asset", "ETH", "no 'ETH' here"),
        ("shock/0/venue", "binance-usd", "did you mean 'binance-usdm'"),
        ("shock/0/until", {**NUMBER, "value": "2025-11-03"}, "expected later than at"),
        ("shock/0/at", {**NUMBER, "value": "noon"}, "expected a time"),
        ("spot/0/weight_in_index", {**NUMBER, "value": 0.5}, "sums to 0.5, not 1"),
        ("spot/0/weight_in_index", {**NUMBER, "value": "2"}, "expected 0 to 1"),
        ("tape", "2025-11-05", "no bundled tape (did you mean '2025-11-04'"),
        ("event", "1999-01-01", "no published figures"),
        ("span/length", "90s", "whole records"),
        ("agent/0/venues", ["bybit"], "no 'bybit' here"),
    ],
)
def test_mistakes_are_named(path: str, value: object, expected: str) -> None:
    assert expected in refused(changed_gap(path, value))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ({"value": "1_270_000_000", "source": "facts:F0385"}, None),
        ({"value": "1.3B", "low": "1B", "high": "2B", "source": "facts:F0385"}, None),
        ({"value": "2B", "source": "facts:F0385"}, "F0385 says 1.27e+09, not 2e+09"),
        ({"value": "2B", "source": "facts:F0385", "derived": "rounded up"}, None),
        ({"value": "2B", "source": "facts:F9999"}, "no published figure 'F9999'"),
        ({"value": "2B", "source": "tape:2025-11-04"}, "say how it was read"),
        ({"value": "2B", "source": "tape:2025-11-05", "derived": "x"}, "no bundled tape"),
        ({"value": "2B", "source": "timeline:2025-10-10"}, "a source of times only"),
        ({"value": "2B", "source": "hearsay"}, "expected facts:F0385"),
        ({"value": "2B", "source": "https://example.org/page"}, "an address, a space and a day"),
        ({"value": "2B", "source": "https://example.org/page 2025-11-04"}, None),
        ({"value": "2B", "source": "facts:F0385", "assumed": True}, "one of source and assumed"),
        ({"value": "5BTC", "assumed": True, "note": "n"}, "expected dollars"),
    ],
)
def test_a_source_must_say_what_it_is_cited_for(
    number: dict[str, Any], expected: str | None
) -> None:
    content = changed_gap("venue/0/insurance_fund_usd", number)
    if expected is None:
        assert from_content(content, "mine.toml").venues[0].insurance_fund_usd.value > 1e9
    else:
        assert expected in refused(content)


def test_times_are_checked_against_the_timeline() -> None:
    cited = {"value": "2025-11-03T00:30:00Z", "source": "timeline:2025-11-03/04"}
    assert "no point at 2025-11-03T00:30:00Z" in refused(changed_gap("shock/0/at", cited))
    cited["derived"] = "half an hour after the start"
    assert from_content(changed_gap("shock/0/at", cited), "m").shocks[0].at_ns > 0


def test_steps_below_a_second() -> None:
    scenario = from_content(changed_gap("span/step", "250ms"), "mine.toml")
    assert scenario.step_ns == 250_000_000
    with pytest.raises(UndertowError, match="no whole seconds"):
        _ = scenario.step_s


def test_a_scenario_can_be_sent_as_json() -> None:
    scenario = load("gap")
    again: Scenario = from_content(json.loads(json.dumps(scenario.content)), "gap")
    assert again == scenario
