"""The rulebook: strict files, dated revisions, sources, and tiers that obey their own law."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from undertow.errors import DataError, UndertowError
from undertow.model.periods import time_ns, time_text
from undertow.venues import rulebook
from undertow.venues.tiers import TierTable, decimal_up, read_file, read_tables

VENUES = {
    "binance-usdm", "binance-coinm", "bybit", "okx", "htx", "bitget", "bitmex", "deribit",
    "hyperliquid", "cme", "gate", "lighter",
}  # fmt: skip
# By hand, from the notes on what was read and what is memory: not from the files under test.
ASSUMED = {
    ("binance-usdm", "liquidation.bankruptcy_price"),
    ("binance-usdm", "mark.basis_window_s"),
    ("binance-usdm", "mark.basis_points"),
    ("binance-usdm", "mark.basis_step_s"),
    ("binance-coinm", "mark.basis_points"),
    ("binance-coinm", "mark.basis_step_s"),
    ("binance-coinm", "funding.model"),
    ("binance-coinm", "funding.rate_period_h"),
    ("binance-coinm", "funding.interest_rate"),
    ("binance-coinm", "funding.clamp_rate"),
    ("binance-coinm", "funding.premium"),
    ("binance-coinm", "funding.sample_s"),
    ("binance-coinm", "funding.average"),
    ("binance-coinm", "funding.hourly_average"),
    ("okx", "mark.basis_window_s"),
    ("okx", "mark.basis_step_s"),
    ("okx", "index.stale_s"),
    ("bitget", "funding.premium"),
    ("bitget", "funding.sample_s"),
    ("bitget", "funding.average"),
    ("htx", "mark.last_ema_s"),
    ("htx", "mark.update_s"),
    ("htx", "index.stale_s"),
    ("htx", "funding.model"),
    ("htx", "funding.rate_period_h"),
    ("htx", "funding.interest_rate"),
    ("htx", "funding.clamp_rate"),
    ("htx", "funding.premium"),
    ("htx", "funding.sample_s"),
    ("htx", "funding.average"),
    ("gate", "mark.basis_window_s"),
    ("gate", "mark.basis_step_s"),
    ("gate", "index.stale_s"),
    ("gate", "funding.interest_scales_to_interval"),
    ("bitmex", "mark.basis_step_s"),
    ("bitmex", "funding.interest_rate"),
    ("bitmex", "funding.average"),
    ("deribit", "mark.band_rate"),
    ("deribit", "mark.basis_price"),
    ("deribit", "mark.basis_step_s"),
    ("hyperliquid", "index.stale_s"),
    ("bybit", "liquidation.trigger"),
    ("bybit", "liquidation.trigger_ratio"),
    ("okx", "liquidation.warning_ratio"),
    ("okx", "margin.portfolio_hedged_rate"),
    ("okx", "insurance.shortfall"),
    ("okx", "margin.portfolio_least_rate"),
    ("deribit", "margin.portfolio_steps"),
    ("okx", "adl.trigger"),
    ("okx", "adl.drawdown_rate"),
    ("okx", "adl.drawdown_window_h"),
    ("htx", "insurance.shortfall"),
    ("deribit", "margin.maintenance_base_rate_by_symbol.BTC_inverse"),
    ("deribit", "margin.maintenance_slope_rate_by_symbol.BTC_inverse"),
    ("deribit", "insurance.shortfall"),
    ("hyperliquid", "fees.maker_rate"),
    ("hyperliquid", "funding.impact_notional_usd"),
    ("hyperliquid", "funding.impact_notional_usd_by_symbol.BTC"),
    ("hyperliquid", "funding.impact_notional_usd_by_symbol.ETH"),
}
# The revisions whose dates a source gives; every other date is ours.
DATED = {
    ("binance-usdm", "2025-05-02T08:00:00Z"),
    ("binance-usdm", "2025-09-18T08:01:00Z"),
    ("binance-usdm", "2025-10-14T00:00:00Z"),
    ("binance-usdm", "2026-01-02T12:00:00Z"),
    ("binance-coinm", "2023-09-26T04:00:00Z"),
    ("binance-coinm", "2025-09-18T08:01:00Z"),
    ("hyperliquid", "2023-06-01T00:00:00Z"),
    ("hyperliquid", "2024-03-11T00:00:00Z"),
    ("hyperliquid", "2025-05-05T03:00:00Z"),
    ("bybit", "2025-10-30T08:00:00Z"),
    ("bybit", "2026-05-27T00:00:00Z"),
    ("bitget", "2025-09-22T08:01:00Z"),
    ("htx", "2024-01-08T00:00:01Z"),
    ("gate", "2022-08-08T08:00:01Z"),
    ("gate", "2026-05-27T08:00:00Z"),
    ("bitget", "2026-06-25T00:00:00Z"),
    ("okx", "2018-07-31T00:00:00Z"),
    ("okx", "2024-06-05T04:00:00Z"),
    ("bitmex", "2016-05-13T12:00:00Z"),
    ("bitmex", "2016-10-03T12:00:00Z"),
    ("okx", "2025-01-06T08:00:00Z"),
    ("cme", "2017-12-01T00:00:00Z"),
}
TABLES = [
    table
    for venue in sorted(VENUES)
    for table in read_tables(rulebook.BUNDLED / "tiers", venue)
]  # fmt: skip

GOOD = """\
venue = "mine"
title = "My venue"

[sources.page]
text = "its page"
confidence = "V"

[[revision]]
effective = { value = "2024-01-01", source = "page" }

[revision.funding]
interval_h = { value = 8, source = "page" }
clamp_rate = { value = "0.0005", source = "page" }

[revision.margin.maintenance_rate_by_symbol]
AAA = { value = "0.01", source = "page" }

[[revision]]
effective = { value = "2025-01-01", source = "page" }

[revision.funding]
clamp_rate = { value = "0.0010", source = "page", confidence = "M", assumed = true }

[revision.margin.maintenance_rate_by_symbol]
BBB = { value = "0.02", source = "page" }
"""


def rules_of(folder: Path, text: str, at: str = "2025-06-01") -> rulebook.Rules:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return rulebook.load("mine", at=at, folder=folder)


def test_every_venue_has_rules() -> None:
    assert set(rulebook.venues()) == VENUES
    for venue in VENUES:
        assert rulebook.load(venue, at="2026-11-01").venue == venue


def test_what_binance_did_on_10_october_2025() -> None:
    rules = rulebook.load("binance-usdm", at="2025-10-10")
    assert rules.mark.basis_window_s == 30
    assert rules.mark.basis_points == 30
    assert rules.funding.clamp_rate == Decimal("0.0005")
    assert rules.funding.scales_to_interval is True
    assert rules.funding.at_cap_interval_h == 1
    assert rules.funding.quiet_cycles is None  # since January 2026
    assert rules.adl.ranking == "leverage_pnl"
    assert rules.liquidation.stages == ("one_large_ioc", "takeover")
    assert rules.index.outlier_rate == Decimal("0.05")
    assert rules.collateral.price == "own_spot_book"  # until 14 October
    assert "16 September 2025" in rules.citation("mark.basis_window_s").source
    assert (rules.fees.taker_rate, rules.fees.maker_rate) == (Decimal("0.0005"), Decimal("0.0002"))
    assert rules.settlement.variation is None  # nobody told us


@pytest.mark.parametrize(
    ("at", "window_s", "points"),
    [
        ("2020-12-31T23:59:59Z", 150, 30),
        ("2021-01-01", 60, 30),
        ("2025-09-18T08:00:59Z", 60, 30),
        ("2025-09-18T08:01:00Z", 30, 30),
        ("2025-09-18T16:01:00+08:00", 30, 30),
    ],
)
def test_binance_mark_window_by_date(at: str, window_s: int, points: int) -> None:
    mark = rulebook.load("binance-usdm", at=at).mark
    assert (mark.basis_window_s, mark.basis_points) == (window_s, points)


@pytest.mark.parametrize(
    ("at", "scales", "at_cap_h", "quiet"),
    [
        ("2025-05-02T07:59:59Z", False, None, None),
        ("2025-05-02T08:00:00Z", False, 1, None),
        ("2025-09-18T08:01:00Z", True, 1, None),
        ("2026-01-02T11:59:59Z", True, 1, None),
        ("2026-01-02T12:00:00Z", True, 1, 16),
    ],
)
def test_binance_funding_by_date(
    at: str, scales: bool, at_cap_h: int | None, quiet: int | None
) -> None:
    funding = rulebook.load("binance-usdm", at=at).funding
    assert funding.scales_to_interval is scales
    assert (funding.at_cap_interval_h, funding.quiet_cycles) == (at_cap_h, quiet)


def test_hyperliquid_liquidates_in_documented_steps() -> None:
    rules = rulebook.load("hyperliquid", at="2025-10-10")
    liquidation = rules.liquidation
    assert liquidation.partial_above_usd == Decimal(100_000)
    assert liquidation.partial_fraction == Decimal("0.2")
    assert liquidation.cooldown_s == 30
    assert liquidation.backstop_below == Fraction(2, 3)
    # docs/trading/liquidations: 1,000,000 at 40x holds 12,500; the backstop begins below 8,333.33
    held = rules.tiers("BTC").maintenance_margin(Decimal(1_000_000))
    assert held == Decimal(12_500)
    assert round(liquidation.backstop_below * Fraction(held), 6) == Fraction("8333.333333")


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_revision_begins_on_its_date_and_not_a_moment_before(venue: str) -> None:
    file = rulebook.read(venue)
    dates = [revision.effective_ns for revision in file.revisions]
    for before_ns, date_ns in zip([None, *dates], dates, strict=False):
        assert rulebook.load(venue, at=date_ns).effective_ns == date_ns
        if before_ns is None:
            with pytest.raises(UndertowError, match=time_text(date_ns)):
                rulebook.load(venue, at=date_ns - 1)
        else:
            assert rulebook.load(venue, at=date_ns - 1).effective_ns == before_ns


def test_assumed_numbers_are_marked_and_no_others() -> None:
    marked = {
        (venue, key)
        for venue in VENUES
        for revision in rulebook.read(venue).revisions
        for key, citation in revision.citations.items()
        if citation.assumed
    }
    assert marked == ASSUMED


def test_dates_that_no_source_gives_are_marked() -> None:
    dated = {
        (venue, time_text(revision.effective_ns))
        for venue in VENUES
        for revision in rulebook.read(venue).revisions
        if not revision.effective.assumed
    }
    assert dated == DATED


def test_every_value_has_a_source() -> None:
    for venue in VENUES:
        rules = rulebook.load(venue, at="2026-11-01")
        keys = {citation.key for citation in rules.citations}
        for group in rulebook.GROUPS:
            for name, value in getattr(rules, group):
                entries = [f".{entry}" for entry, _ in value or ()] if "_by_" in name else [""]
                if value is not None:
                    assert {f"{group}.{name}{entry}" for entry in entries} <= keys
        assert all(citation.source for citation in rules.citations)


def test_later_revisions_change_only_what_they_name(tmp_path: Path) -> None:
    before = rules_of(tmp_path, GOOD, "2024-12-31")
    after = rules_of(tmp_path, GOOD, "2025-01-01")
    assert before.funding.clamp_rate == Decimal("0.0005")
    assert after.funding.clamp_rate == Decimal("0.0010")
    assert after.funding.interval_h == before.funding.interval_h == 8
    assert before.margin.maintenance_rate_by_symbol == (("AAA", Decimal("0.01")),)
    assert after.margin.maintenance_rate_by_symbol == (
        ("AAA", Decimal("0.01")),
        ("BBB", Decimal("0.02")),
    )
    assert not before.citation("funding.clamp_rate").assumed
    assert after.citation("funding.clamp_rate").assumed
    assert after.citation("funding.interval_h").effective_ns == time_ns("2024-01-01")
    assert after.citation("funding.clamp_rate").effective_ns == time_ns("2025-01-01")


def test_a_revision_can_take_a_value_back(tmp_path: Path) -> None:
    text = GOOD + '\n[[revision]]\neffective = { value = "2025-03-01", source = "page" }\n'
    rules = rules_of(tmp_path, text + 'unknown = ["funding.clamp_rate"]\n')
    assert rules.funding.clamp_rate is None
    with pytest.raises(UndertowError, match=r"no rule 'funding\.clamp_rate'"):
        rules.citation("funding.clamp_rate")


@pytest.mark.parametrize(
    ("old", "new", "line", "parts"),
    [
        ("clamp_rate = { value = \"0.0005\"", "clmap_rate = { value = \"0.0005\"", 13,
         ["funding.clmap_rate", "unknown key", "did you mean 'clamp_rate'?"]),
        ("[revision.funding]\ninterval", "[revision.fundng]\ninterval", 11,
         ["'fundng'", "did you mean 'funding'?"]),
        ("title =", "titel =", 2, ["'titel'", "did you mean 'title'?"]),
        ("value = 8, source", "value = 8, sorce", 12, ["funding.interval_h", "source"]),
        ("value = 8, source", "valeu = 1, value = 8, source", 12, ["did you mean 'value'?"]),
        ("{ value = 8, source = \"page\" }", "8", 12, ["funding.interval_h", "{ value = …"]),
        ("value = 8,", "value = 8.0,", 12, ["funding.interval_h", "write it as text"]),
        ("value = 8,", "value = \"8\",", 12, ["funding.interval_h", "integer"]),
        ("value = 8,", "value = true,", 12, ["funding.interval_h", "integer"]),
        ("value = 8,", "value = -8,", 12, ["funding.interval_h", "greater than or equal to 0"]),
        ("value = \"0.0005\"", "value = \"5e-4\"", 13, ["funding.clamp_rate", "'0.0005'"]),
        ("value = \"0.0005\"", "value = \"NaN\"", 13, ["funding.clamp_rate", "expected a number"]),
        ("8, source = \"page\"", "8, source = \"pgae\"", 12, ["did you mean 'page'?"]),
        ("confidence = \"M\", assumed = true", "confidence = \"M\"", 22, ["assumed = true"]),
        ("8, source = \"page\"", "8, source = \"page\", assumed = true", 12, ["assumed = true"]),
        ("8, source = \"page\"", "8, source = \"page\", note = 5", 12, ["date and note"]),
        ("\"2025-01-01\"", "\"2023-01-01\"", 19, ["later date"]),
        ("\"2025-01-01\"", "\"soon\"", 19, ["'soon'", "ISO-8601"]),
        ("AAA = { value = \"0.01\"", "AAA = { value = \"much\"", 15, ["expected a number"]),
        ("confidence = \"V\"", "confidence = \"X\"", 4, ["sources.page", "V, D, S or M"]),
        ("venue = \"mine\"", "venue = \"yours\"", 1, ["the file's name, 'mine'"]),
        ("[[revision]]\n", "[[revision]\n", None, ["not TOML", "line 8"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, line: int | None, parts: list[str]
) -> None:
    assert old in GOOD
    with pytest.raises(DataError) as caught:
        rules_of(tmp_path, GOOD.replace(old, new, 1))
    message = str(caught.value)
    assert caught.value.file == str(tmp_path / "mine.toml")
    assert caught.value.row == line, message
    assert all(part in message for part in parts), message


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_file_gives_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """Any damage to a good file is either harmless or an error made for the user."""
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(start + 30, len(GOOD))))
    piece = data.draw(st.sampled_from(
        ["", "1", "1.5", '"', "[]", "{}", "[1]", '["a"]', "2024-01-01", "true", "=", "\n", "x"]
    ))  # fmt: skip
    try:
        rules = rules_of(tmp_path, GOOD[:start] + piece + GOOD[end:])
    except UndertowError as error:
        assert str(error)
    else:
        assert rules.venue == "mine"


def test_unknown_names_give_the_nearest() -> None:
    with pytest.raises(UndertowError, match="did you mean 'binance-usdm'"):
        rulebook.load("binance-usd", at="2025-01-01")
    rules = rulebook.load("binance-usdm", at="2025-10-10")
    with pytest.raises(UndertowError, match="did you mean 'BTCUSDT'"):
        rules.tiers("BTCUSTD")
    with pytest.raises(UndertowError, match=r"did you mean 'funding\.clamp_rate'"):
        rules.citation("funding.clamp")
    with pytest.raises(UndertowError, match="did you mean 'SOL_USDC'"):
        rulebook.load("deribit", at="2025-10-10").slope("SOL-USDC")


def test_name_and_moment_may_be_one_text() -> None:
    both = rulebook.load("okx@2025-10-10")
    assert both == rulebook.load("okx", at="2025-10-10")
    for name, at in [("okx", None), ("okx@2025-10-10", "2025-10-11")]:
        with pytest.raises(UndertowError, match="say once of when"):
            rulebook.load(name, at=at)


def test_rules_cannot_change_and_travel_between_processes() -> None:
    rules = rulebook.load("hyperliquid", at="2025-10-10")
    with pytest.raises(ValueError, match="frozen"):
        rules.funding.interval_h = 8  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert hash(rules) == hash(rulebook.load("hyperliquid", at="2025-10-10"))


def test_a_counterfactual_replaces_values_and_says_so() -> None:
    rules = rulebook.load("binance-usdm", at="2025-10-10")
    changes = {
        "adl.ranking": "pro_rata",
        "liquidation.fee_rate_by_symbol.ETHUSDT": "0.02",
        "mark.basis_window_s": 60,
    }
    other = rules.with_values(changes, "what-if")
    assert (rules.adl.ranking, other.adl.ranking) == ("leverage_pnl", "pro_rata")
    assert other.mark.basis_window_s == 60
    assert dict(other.liquidation.fee_rate_by_symbol or ()) == {
        "BTCUSDT": Decimal("0.0125"),
        "ETHUSDT": Decimal("0.02"),
    }
    assert other.adl.close_price == rules.adl.close_price
    assert other.citation("adl.ranking").assumed
    assert other.citation("adl.ranking").source == "what-if"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("adl.rankng", "pro_rata", "did you mean 'ranking'"),
        ("ald.ranking", "pro_rata", "did you mean 'adl'"),
        ("adl", "pro_rata", "no name in 'adl'"),
        ("mark.basis_window_s", 1.5, "integer"),
        ("funding.clamp_rate", 0.0005, "written as text"),
        ("liquidation.fee_rate_by_symbol", "0.02", r"fee_rate_by_symbol\.SYMBOL"),
        ("adl.ranking.BTCUSDT", "pro_rata", r"expected adl\.ranking"),
    ],
)
def test_a_bad_counterfactual_is_refused(key: str, value: object, message: str) -> None:
    with pytest.raises(UndertowError, match=message):
        rulebook.load("binance-usdm@2025-10-10").with_values({key: value}, "what-if")


def test_forty_symbols_of_binance_have_tiers_in_october_2025() -> None:
    rules = rulebook.load("binance-usdm", at="2025-10-10")
    symbols = {t.symbol for t in rules.tier_tables if t.as_of_ns == time_ns("2025-10-14")}
    assert len(symbols) >= 40
    assert {"BTCUSDT", "ETHUSDT", "HYPEUSDT", "1000PEPEUSDT", "FARTCOINUSDT"} <= symbols
    btc = rules.tiers("BTCUSDT")
    assert btc.tiers[0].max_leverage == 150
    assert btc.tiers[-1].deduction == 421_482_000


@pytest.mark.parametrize(
    ("notional", "expected"),
    [("30000", "120"), ("5000000", "38550"), ("50000000", "868550"), ("300000000", "15518550")],
)
def test_btc_maintenance_of_october_2024(notional: str, expected: str) -> None:
    """Worked with the table that freqtrade carried on 2024-10-24 (commit c9ae5e1e)."""
    table = rulebook.load("binance-usdm", at="2024-10-24").tiers("BTCUSDT")
    assert table.maintenance_margin(Decimal(notional)) == Decimal(expected)


def test_tiers_are_taken_from_the_nearest_day_but_not_from_a_far_future() -> None:
    def read_on(at: str) -> str:
        as_of_ns = rulebook.load("binance-usdm", at=at).tiers("BTCUSDT").as_of_ns
        return time_text(as_of_ns)[:10]

    assert read_on("2022-11-09") == "2022-11-01"
    assert read_on("2023-06-01") == "2022-11-01"
    assert read_on("2024-10-24") == "2024-10-24"
    assert read_on("2025-08-14") == "2024-10-24"  # 61 days before the next was read
    assert read_on("2025-08-16") == "2025-10-14"
    assert read_on("2026-11-01") == "2025-10-14"
    early = rulebook.load("binance-usdm", at="2024-08-01")
    with pytest.raises(UndertowError, match="first margin tiers of ETHUSDT were read on 2024-10"):
        early.tiers("ETHUSDT")


@pytest.mark.parametrize(
    ("at", "coin", "leverages"),
    [
        ("2024-10-15", "BTC", [50]),
        ("2025-05-01", "BTC", [40]),
        ("2025-10-10", "BTC", [40, 20]),
        ("2025-10-10", "ETH", [25, 15]),
        ("2025-10-10", "table_54", [20, 10]),
        ("2025-10-10", "table_51", [10, 5]),
    ],
)
def test_hyperliquid_leverages_by_date(at: str, coin: str, leverages: list[int]) -> None:
    tiers = rulebook.load("hyperliquid", at=at).tiers(coin).tiers
    assert [tier.max_leverage for tier in tiers] == leverages
    assert [tier.maintenance_rate for tier in tiers] == [Fraction(1, 2 * x) for x in leverages]


def test_hyperliquid_deductions() -> None:
    """Tables 56 and 55: 150M * (2.5 % - 1.25 %), and 100M * (1/30 - 1/50)."""
    rules = rulebook.load("hyperliquid", at="2025-10-10")
    assert rules.tiers("BTC").tiers[1].deduction == 1_875_000
    assert rules.tiers("ETH").tiers[1].deduction == Fraction(4_000_000, 3)
    eth = rules.tiers("ETH").maintenance_margin(Decimal(200_000_000))
    assert eth == Decimal("5333333.333334")  # no finite decimal: up, against the holder


@pytest.mark.parametrize(
    ("contracts", "rate"), [(2000, "0.01"), (2001, "0.015"), (4001, "0.02"), (8000, "0.02")]
)
def test_okx_takes_the_whole_position_at_its_tier(contracts: int, rate: str) -> None:
    table = rulebook.load("okx", at="2024-10-24").tiers("ETH-USDT")
    assert table.maintenance_margin(Decimal(contracts)) == contracts * Decimal(rate)


@pytest.mark.parametrize(
    ("symbol", "position", "index", "expected"),
    [("BTC_USDC", "25", "100000", "28125"), ("SOL_USDC", "-25", "200", "100.625")],
)
def test_deribit_margin_rises_with_the_position(
    symbol: str, position: str, index: str, expected: str
) -> None:
    """BTC: Deribit's own example; SOL: (2 % + 25 * 0.0005 %) * 25 * 200."""
    slope = rulebook.load("deribit", at="2025-10-10").slope(symbol)
    assert slope.maintenance_margin(Decimal(position), Decimal(index)) == Decimal(expected)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t.symbol}-{time_text(t.as_of_ns)[:10]}")
def test_every_bundled_table_obeys_the_recursion(table: TierTable) -> None:
    deduction = Fraction(0)
    before = table.tiers[0]
    assert (before.floor, before.deduction) == (0, 0)
    for tier in table.tiers[1:]:
        assert tier.floor == before.cap
        assert tier.maintenance_rate > before.maintenance_rate
        if table.model == "deduction":
            deduction += Fraction(tier.floor) * (tier.maintenance_rate - before.maintenance_rate)
        assert abs(tier.deduction - deduction) < Fraction(1, 100)
        before = tier


@given(
    table=st.sampled_from([t for t in TABLES if t.model == "deduction" and len(t.tiers) > 1]),
    data=st.data(),
)
def test_maintenance_is_continuous_and_rises_across_borders(
    table: TierTable, data: st.DataObject
) -> None:
    tier = data.draw(st.sampled_from(table.tiers[1:]))
    step = data.draw(st.decimals("0.000001", "1000", places=6))
    below = table.maintenance_margin(tier.floor - min(step, tier.floor))
    border = table.maintenance_margin(tier.floor)
    above = table.maintenance_margin(tier.floor + step)
    rounding = Fraction(2, 10**6)
    assert Decimal(0) <= below <= border <= above
    assert Fraction(above - border) <= Fraction(step) * tier.maintenance_rate + rounding
    assert Fraction(border - below) <= Fraction(step) * tier.maintenance_rate + rounding


@given(numerator=st.integers(-(10**30), 10**30), denominator=st.integers(1, 10**6))
def test_decimals_are_exact_or_up(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    error = Fraction(decimal_up(exact)) - exact
    assert 0 <= error < Fraction(1, 10**6)
    odd = exact.denominator
    for prime in (2, 5):
        while odd % prime == 0:
            odd //= prime
    assert (error == 0) == (odd == 1)


def test_a_short_position_is_given_by_its_absolute_size() -> None:
    with pytest.raises(UndertowError, match="absolute size"):
        rulebook.load("okx@2024-10-24").tiers("ETH-USDT").maintenance_margin(Decimal(-1))


TIERS = """\
# venue: mine
# as_of: 2025-01-01
# model: deduction
# measure: notional
# confidence: S
# source: a table made for this test
symbol,floor,cap,max_leverage,maintenance_rate,deduction
AAA,0,1000,50,0.01,0
AAA,1000,5000,20,0.025,15
AAA,5000,,10,0.05,140
"""


@pytest.mark.parametrize(
    ("old", "new", "row", "parts"),
    [
        ("0.05,140", "0.05,150", 10, ["column 'deduction'", "expected 140"]),
        ("0.025,15\n", "0.025,20\n", 9, ["deduction", "expected 15", "1 more"]),
        ("AAA,5000,", "AAA,6000,", 10, ["floor", "cap of the tier before, 5000"]),
        ("0.05,140", "0.02,140", 10, ["maintenance_rate", "rising"]),
        ("5000,,10,", "5000,,30,", 10, ["max_leverage", "falling"]),
        ("AAA,0,1000", "AAA,10,1000", 8, ["start at 0"]),
        ("0.025", "2.5%", 9, ["maintenance_rate", "expected a number"]),
        ("0.025,15\n", "0.025\n", 9, ["expected 6 cells"]),
        ("symbol,floor", "floor,symbol", 7, ["expected the columns"]),
        ("model: deduction", "model: deducted", None, ["did you mean 'deduction'?"]),
        ("# measure:", "# mesure:", 4, ["did you mean 'measure'?"]),
        ("# source: a table made for this test\n", "", None, ["lacks '# source"]),
        ("confidence: S", "confidence: M", None, ["V, D or S"]),
    ],
)
def test_a_bad_tier_table_is_refused(
    tmp_path: Path, old: str, new: str, row: int | None, parts: list[str]
) -> None:
    path = tmp_path / "mine_2025-01-01.csv"
    path.write_text(TIERS, encoding="utf-8")
    assert read_file(path)[0].maintenance_margin(Decimal(6000)) == Decimal(160)
    assert old in TIERS
    path.write_text(TIERS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_file(path)
    message = str(caught.value)
    assert caught.value.row == row, message
    assert all(part in message for part in parts), message


def test_a_user_adds_a_venue_with_a_file_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "tiers").mkdir()
    (tmp_path / "tiers" / "mine_2025-01-01.csv").write_text(TIERS, encoding="utf-8")
    rules = rules_of(tmp_path, GOOD)
    assert rules.tiers("AAA").maintenance_margin(Decimal(1000)) == Decimal(10)
    assert rulebook.venues(tmp_path) == ("mine",)
