"""Coins as margin in a run: their price closes positions, and the oracle decides which price."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from undertow.lab.build import build
from undertow.lab.collateral import shocked, uses
from undertow.lab.collateral_use import CollateralUse
from undertow.lab.run import Run, run
from undertow.lab.scenario import Scenario, from_content
from undertow.lab.side_by_side import compare_runs
from undertow.lab.summary import summary
from undertow.model.periods import SECOND_NS, duration_ns, time_ns
from undertow.report.crash.figures import figures
from undertow.tape import Tape

from .gaps import START, bars, falling_tape, small

MINUTES = 8


def assumed(value: object) -> dict[str, object]:
    return {"value": value, "assumed": True, "note": "for a test"}


def with_usde(oracle: str = "own_spot_book", **changes: str) -> Scenario:
    """Half of all accounts have all their margin in USDe; its price falls in minutes 3 to 5."""
    content: dict[str, Any] = copy.deepcopy(small().content)
    content["venue"][0]["accounts"] = assumed(1500)
    content["span"] |= {"length": f"{MINUTES}m", "step": "10s"}
    content["venue"][0]["collateral"] = [{
        "asset": "USDE", "haircut": assumed(0.05), "price": assumed(oracle),
        "share_of_accounts": assumed(0.5), "share_of_equity": assumed(1),
    }]  # fmt: skip
    times = {"at": assumed("2025-11-03T00:03:00Z"), "until": assumed("2025-11-03T00:05:00Z")}
    shock = {"kind": "stablecoin", "asset": "USDE", **times}
    venue = content["venue"][0]["id"]
    content["shock"] = [
        {"name": "here", "venue": venue, "value": assumed(0.1), **shock},
        {"name": "elsewhere", "value": assumed(0.95), **shock},
    ]
    return from_content(content, "test").with_values(changes)


def calm_tape(usde: list[float] | None = None) -> Tape:
    """BTC stands still; USDe by minute where it is given."""
    tables = falling_tape([100_000.0] * MINUTES).table("candles").collect()
    if usde is None:
        return Tape.from_frames({"candles": tables})
    coin = bars(usde, "1m", time_ns(START)).with_columns(
        symbol=pl.lit("USDEUSDT"), venue=pl.lit("binance-spot"),
        low=pl.col("close"), high=pl.col("close"), open=pl.col("close"),
    )  # fmt: skip
    names = [pl.col("venue", "symbol", "interval").cast(pl.String)]
    return Tape.from_frames(
        {"candles": pl.concat([tables.with_columns(names), coin], how="diagonal")}
    )


def use_of(scenario: Scenario, path: str, tape: Tape) -> tuple[CollateralUse, float]:
    """What the coin did, and all that was closed by force."""
    built = build(scenario, seed=7, path=path, tape=tape)
    for _ in built.world.run():
        pass
    (use,) = uses(built.world.setup.pledges, built.world.setup.place.venues)
    frames = built.world.record.frames()
    rows = frames.get("liquidations")
    return use, 0.0 if rows is None else float(rows.filter(pl.col("stage") != "adl")["usd"].sum())


def test_a_fall_of_the_coin_alone_closes_positions_and_the_oracle_saves_them() -> None:
    tape = calm_tape([1.0, 1.0, 1.0, 0.8, 0.1, 0.9, 1.0, 1.0])
    by_book, closed_by_book = use_of(with_usde(), "real", tape)
    assert by_book.low_usd == pytest.approx(0.1)
    assert by_book.because_usd > 0
    # Bitcoin stands still, so whoever posted the coin was closed because of it.
    assert by_book.because_usd == pytest.approx(by_book.closed_usd, rel=0.01)
    by_par, closed_by_par = use_of(with_usde(collateral_oracle="redemption"), "real", tape)
    assert (by_par.low_usd, by_par.because_usd) == (1.0, 0.0)
    # The paired run says the same as the attribution.
    assert closed_by_book - closed_by_par == pytest.approx(by_book.because_usd, rel=0.05)


def test_without_candles_and_on_a_modelled_path_the_shock_says_the_price() -> None:
    for path in ("real", "model"):
        use, _ = use_of(with_usde(), path, calm_tape())
        assert use.low_usd == pytest.approx(0.1)
        assert use.because_usd > 0
    by_index, _ = use_of(with_usde("index"), "real", calm_tape([0.5] * MINUTES))
    assert by_index.low_usd == pytest.approx(0.95)
    assert by_index.because_usd < use.because_usd


def test_a_shock_goes_straight_to_its_value_and_back() -> None:
    scenario = with_usde()
    path = shocked(scenario, "USDE", scenario.venues[0].id, 48)
    assert path[:18] == pytest.approx(1.0)
    assert path[24] == pytest.approx(0.1)  # four minutes after the start, in steps of ten seconds
    assert path[21] == pytest.approx(0.55, abs=0.001)
    assert path[31:] == pytest.approx(1.0)
    assert shocked(scenario, "DAI", None, 48) == pytest.approx(1.0)


def test_equity_of_the_eve_is_the_same_with_coins_in_it() -> None:
    worth = []
    for scenario in (with_usde(), small({"venue.binance-usdm.accounts": 1500})):
        world = build(scenario, seed=7, path="model", tape=None).world
        next(world.run())
        market = world.markets[1]
        cash = market.engine.venue.accounts["cash_units"]
        coins = np.zeros(len(cash))
        for row in market.engine.balances():
            coins[row["account"]] += row["units"]
        worth.append(((cash + coins)[5:1500] / 1e6, coins[5:1500] / 1e6))
    (with_coins, coins), (without, nothing) = worth
    assert 0.4 < (coins > 0).mean() < 0.6
    assert not nothing.any()
    # A coin counts less its haircut, so who is near liquidation must keep a little more.
    same = np.isclose(with_coins, without, rtol=0.01)
    assert same.mean() > 0.9
    assert (with_coins[~same] > without[~same]).all()


def test_the_run_its_summary_and_its_report_say_what_the_coin_did(tmp_path: Path) -> None:
    tape = calm_tape([1.0, 1.0, 1.0, 0.8, 0.1, 0.9, 1.0, 1.0])

    def made(scenario: Scenario) -> Run:
        return run(scenario, seed=7, path="real", folder=tmp_path, tape=tape)

    one, other = made(with_usde()), made(with_usde("redemption"))
    (use,) = summary(one).collateral
    assert use.asset == "USDE"
    assert any("posted" in note and "USDE" in note for note in one.about["notes"])
    assert figures(summary(one))["collateral.USDE.because"].value == use.because_usd
    rows = {row.name: row for row in compare_runs(one, other)}
    row = rows["closed because USDE is margin"]
    assert (row.first, row.second) == (use.because_usd, 0.0)


def test_a_slow_engine_looks_at_the_price_later() -> None:
    slow = with_usde(liquidation_engine_delay="30s")
    (pledge,) = build(slow, seed=7, path="model", tape=None).world.setup.pledges
    assert pledge.late_steps * 10 * SECOND_NS == duration_ns("30s")
