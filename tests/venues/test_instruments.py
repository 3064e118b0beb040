"""Instruments: what the bundled tables say, what a bad table is refused for, which day is taken."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undertow.errors import DataError, UndertowError
from undertow.model import codes
from undertow.model.periods import time_ns, time_text
from undertow.venues import rulebook
from undertow.venues.instruments import CASH_UNITS, Contract, read_contracts, read_file
from undertow.venues.reject_codes import REJECTS, SOURCES, venue_reject
from undertow.venues.rulebook import BUNDLED
from undertow.venues.tiers import read_tables

TABLE = """\
# venue: mine
# as_of: 2025-01-01
# confidence: S
# source: a table made for this test
symbol,base,quote,settlement,kind,contract_size,tick_size,lot_size,price_figures,min_quantity,\
min_notional,max_quantity,max_market_quantity,max_notional,max_market_notional,price_band_up,\
price_band_down,market_take_bound,trigger_protect,liquidation_fee_rate,max_leverage,assumed
AAA,A,USDT,USDT,linear,1,0.1,0.01,,0.02,5,100,50,,,1.05,0.95,0.05,0.06,0.0125,20,min_notional
BBB,B,USD,B,inverse,100,0.5,1,5,,,,,,,,,,,,,
"""
RULES = """\
venue = "mine"
title = "Mine"
[sources.test]
text = "a file made for this test"
confidence = "S"
[[revision]]
effective = { value = "2020-01-01", source = "test" }
"""
# Margin tiers of which no instrument was read: by hand, each with the reason.
WITHOUT_INSTRUMENT = {
    ("okx", "ETH-USDT"),  # tiers hold for the family; the instrument is ETH-USDT-SWAP
    *[("hyperliquid", f"table_{number}") for number in range(51, 57)],  # tables, not coins
}
BUNDLED_CONTRACTS = [
    contract
    for venue in rulebook.venues()
    for contract in read_contracts(BUNDLED / "instruments", venue)
]


def at(venue: str, symbol: str, moment: str) -> Contract:
    return rulebook.load(venue, at=moment).instrument(symbol)


def test_bitcoin_on_binance_as_its_exchange_info_of_30_october_2025_has_it() -> None:
    contract = at("binance-usdm", "BTCUSDT", "2025-10-10")
    assert time_text(contract.as_of_ns) == "2025-10-30T00:00:00Z"
    assert (contract.base, contract.quote, contract.settlement) == ("BTC", "USDT", "USDT")
    assert (contract.kind, contract.contract_size) == ("linear", 1)
    assert (contract.tick_size, contract.lot_size) == (Decimal("0.1"), Decimal("0.001"))
    assert (contract.min_quantity, contract.min_notional) == (Decimal("0.001"), 100)
    assert (contract.max_quantity, contract.max_market_quantity) == (1000, 120)
    assert (contract.price_band_up, contract.price_band_down) == (Decimal("1.05"), Decimal("0.95"))
    assert (contract.market_take_bound, contract.trigger_protect) == (
        Decimal("0.05"),
        Decimal("0.05"),
    )
    assert contract.liquidation_fee_rate == Decimal("0.0125")
    assert contract.max_leverage == 150
    assert (contract.confidence, contract.assumed) == ("V", ())
    assert "exchangeInfo" in contract.source


@pytest.mark.parametrize(
    ("venue", "symbol", "moment", "kind", "size", "tick", "lot"),
    [
        ("binance-coinm", "BTCUSD_PERP", "2025-10-10", "inverse", "100", "0.1", "1"),
        ("hyperliquid", "BTC", "2025-10-10", "linear", "1", "0.1", "0.00001"),
        ("hyperliquid", "SOL", "2025-10-10", "linear", "1", "0.0001", "0.01"),
        ("okx", "ETH-USDT-SWAP", "2025-10-10", "linear", "0.1", "0.01", "0.01"),
        ("bybit", "SOLUSDT", "2025-10-10", "linear", "1", "0.01", "0.1"),
        ("bitget", "BTCUSDT", "2025-10-10", "linear", "1", "0.1", "0.0001"),
        ("bitmex", "XBTUSD", "2022-11-09", "inverse", "1", "0.5", "100"),
        ("bitmex", "XBTUSD", "2025-10-10", "inverse", "1", "0.1", "100"),
        ("bitmex", "XBTUSDT", "2025-10-10", "linear", "0.000001", "0.5", "1000"),
        ("deribit", "BTC-PERPETUAL", "2025-10-10", "inverse", "10", "0.5", "1"),
        ("deribit", "BTC_USDC-PERPETUAL", "2025-10-10", "linear", "0.001", "1", "1"),
        ("htx", "BTC-USDT", "2025-10-10", "linear", "0.001", "0.1", "1"),
        ("cme", "BTC", "2025-10-10", "dated", "5", "5", "1"),
        ("cme", "MBT", "2025-10-10", "dated", "0.1", "5", "1"),
    ],
)
def test_other_venues(
    venue: str, symbol: str, moment: str, kind: str, size: str, tick: str, lot: str
) -> None:
    contract = at(venue, symbol, moment)
    assert contract.kind == kind
    assert (contract.contract_size, contract.tick_size) == (Decimal(size), Decimal(tick))
    assert contract.lot_size == Decimal(lot)


def test_limits_change_with_the_day() -> None:
    days = ("2024-06-01", "2025-10-10", "2026-06-01")
    assert [at("binance-usdm", "BTCUSDT", day).min_notional for day in days] == [100, 100, 50]
    market = [at("bybit", "BTCUSDT", day).max_market_quantity for day in ("2025-03-01", days[1])]
    assert market == [500, 119]
    most = [at("hyperliquid", "BTC", day).max_market_notional for day in days[1:]]
    assert most == [15_000_000, 30_000_000]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-08-31", "2025-10-30"),  # 60 days later, and nothing earlier
        ("2025-11-10", "2025-10-30"),
        ("2026-02-08", "2025-10-30"),  # nearer to May, but that is more than 60 days off
        ("2026-03-19", "2026-05-18"),
        ("2030-01-01", "2026-05-18"),
    ],
)
def test_the_day_nearest_to_the_moment_at_most_60_days_later(moment: str, day: str) -> None:
    assert time_text(at("binance-usdm", "SOLUSDT", moment).as_of_ns) == f"{day}T00:00:00Z"


def test_a_symbol_first_read_later_is_refused() -> None:
    message = "the first steps and limits of SOLUSDT were read on 2025-10-30"
    with pytest.raises(UndertowError, match=message):
        at("binance-usdm", "SOLUSDT", "2025-08-30T23:59:59Z")


def test_an_unknown_symbol_is_named_with_its_neighbours() -> None:
    with pytest.raises(UndertowError, match="did you mean 'BTCUSDT'"):
        at("binance-usdm", "BTCUSD", "2025-10-10")
    with pytest.raises(UndertowError, match="gate has no steps and limits of 'BTC_USDT'"):
        at("gate", "BTC_USDT", "2025-10-10")


def test_every_symbol_with_margin_tiers_has_an_instrument_or_is_listed_here() -> None:
    without = set()
    for venue in rulebook.venues():
        known = {contract.symbol for contract in read_contracts(BUNDLED / "instruments", venue)}
        tiers = {table.symbol for table in read_tables(BUNDLED / "tiers", venue)}
        without |= {(venue, symbol) for symbol in tiers - known}
    assert without == WITHOUT_INSTRUMENT


def test_every_instrument_says_who_says_so() -> None:
    assert len(BUNDLED_CONTRACTS) > 130
    for contract in BUNDLED_CONTRACTS:
        assert len(contract.source) > 20
        for name in contract.assumed:
            assert getattr(contract, name) is not None


def test_money_in_millionths_counts_every_symbol_but_those_listed() -> None:
    coarse = {
        (contract.venue, contract.symbol, contract.lots_per_cash_unit())
        for contract in BUNDLED_CONTRACTS
        if contract.lots_per_cash_unit() != 1
    }
    # A tick of 10^-7 USDT on one contract: ten of them move by whole millionths.
    assert coarse == {("binance-usdm", "1000PEPEUSDT", 10)}


def test_unit_values_by_hand() -> None:
    assert at("binance-usdm", "BTCUSDT", "2025-10-10").unit_value() == Fraction(1, 10_000)
    assert at("bitmex", "XBTUSD", "2025-10-10").unit_value() == 1000  # 100 USD at 0.1 USD
    assert at("cme", "BTC", "2025-10-10").unit_value() == 25
    assert at("okx", "BTC-USDT-SWAP", "2025-10-10").unit_value() == Fraction(1, 100_000)


@given(
    tick=st.integers(1, 10**9), lot=st.integers(1, 10**9), places=st.integers(0, 9),
    kind=st.sampled_from(["linear", "inverse", "dated"]),
)  # fmt: skip
def test_the_fewest_lots_that_count_in_whole_units(
    tick: int, lot: int, places: int, kind: str
) -> None:
    contract = replace(
        BUNDLED_CONTRACTS[0],
        kind=kind,
        tick_size=Decimal(tick).scaleb(-places),
        lot_size=Decimal(lot).scaleb(-places),
    )
    units = contract.unit_value() * CASH_UNITS
    lots = contract.lots_per_cash_unit()
    assert (units * lots).denominator == 1
    assert all((units * (lots // prime)).denominator != 1 for prime in (2, 3, 5, 7)
               if lots % prime == 0)  # fmt: skip


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "mine_2025-01-01.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "mine.toml").write_text(RULES, encoding="utf-8")
    rules = rulebook.load("mine", at="2025-01-01", folder=tmp_path)
    first, second = rules.instrument("AAA"), rules.instrument("BBB")
    assert first.as_of_ns == time_ns("2025-01-01")
    assert (first.assumed, first.max_market_quantity) == (("min_notional",), 50)
    assert (second.price_figures, second.min_quantity, second.max_leverage) == (5, None, None)
    assert len({first, second}) == 2


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "value", "part"),
    [
        ("linear,1,0.1", "liner,1,0.1", 6, "kind", "liner", "did you mean 'linear'?"),
        ("linear,1,0.1", "linear,1,0.1x", 6, "tick_size", "0.1x", "expected a number"),
        ("linear,1,0.1", "linear,1,", 6, "tick_size", "", "must say this"),
        ("linear,1,0.1", "linear,1,0", 6, "tick_size", "0", "more than 0"),
        ("linear,1,0.1", "linear,1,-1", 6, "tick_size", "-1", "expected a number"),
        ("0.01,,0.02", "0.01,,0.025", 6, "min_quantity", "0.025", "a multiple of the lot, 0.01"),
        ("5,100,50", "5,0.01,50", 6, "max_quantity", "0.01", "at least min_quantity, 0.02"),
        ("5,100,50", "5,100,0.01", 6, "max_market_quantity", "0.01", "min_quantity, 0.02"),
        ("1.05,0.95", "0.95,0.95", 6, "price_band_up", "0.95", "above 1"),
        ("1.05,0.95", "1.05,1.95", 6, "price_band_down", "1.95", "below 1"),
        ("0.0125,20", "1.25,20", 6, "liquidation_fee_rate", "1.25", "below 1"),
        ("0.0125,20", "0.0125,0.5", 6, "max_leverage", "0.5", "at least 1"),
        (",1,5,", ",1,5.5,", 7, "price_figures", "5.5", "whole number"),
        ("20,min_notional", "20,max_notional", 6, "assumed", "max_notional", "no column"),
        ("BBB,B,USD", "AAA,B,USD", 7, "symbol", "AAA", "already in the table"),
        ("20,min_notional", "20", 6, None, None, "expected 22 cells"),
        ("symbol,base", "base,symbol", 5, None, None, "expected the columns symbol,base"),
        ("# source:", "# sauce:", 4, None, None, "did you mean 'source'?"),
        ("# source: a table made for this test\n", "", None, None, None, "lacks '# source"),
        ("confidence: S", "confidence: M", None, None, "M", "V, D or S"),
        ("venue: mine", "venue: yours", None, None, "yours_2025-01-01", "VENUE_DATE.csv"),
    ],
)
def test_a_bad_table_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, row: int | None, column: str | None,
    value: str | None, part: str,
) -> None:  # fmt: skip
    path = tmp_path / "mine_2025-01-01.csv"
    path.write_text(TABLE, encoding="utf-8")
    assert len(read_file(path)) == 2
    assert old in TABLE
    path.write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_file(path)
    error = caught.value
    assert (error.row, error.column) == (row, column), str(error)
    assert str(path) in str(error) and part in str(error)
    assert value is None or repr(value) in str(error)


def test_a_table_that_is_not_text_or_has_no_date(tmp_path: Path) -> None:
    path = tmp_path / "mine_soon.csv"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        read_file(path)
    path.write_text(TABLE.replace("2025-01-01", "soon"), encoding="utf-8")
    with pytest.raises(DataError, match="as_of: expected a date"):
        read_file(path)


@pytest.mark.parametrize(
    ("venue", "reason", "reject"),
    [
        ("binance-usdm", "INSUFFICIENT_MARGIN", ("-2019", "Margin is insufficient.")),
        ("binance-usdm", "REDUCE_ONLY_WOULD_FLIP", ("-2022", "ReduceOnly Order is rejected.")),
        ("binance-coinm", "OFF_TICK", ("-4014", "Price not increased by tick size.")),
        ("hyperliquid", "OFF_TICK", ("Tick", "Price must be divisible by tick size.")),
        ("deribit", "POST_ONLY_WOULD_TAKE", ("11054", "post_only_reject")),
        ("binance-usdm", "NO_MARK", None),
        ("bitmex", "INSUFFICIENT_MARGIN", None),
    ],
)  # fmt: skip
def test_a_venue_says_no_in_its_own_words(
    venue: str, reason: str, reject: tuple[str, str] | None
) -> None:
    assert venue_reject(venue, reason) == reject


def test_binance_codes_that_everybody_meets() -> None:
    met = {"BELOW_MIN_NOTIONAL": "-4164", "POST_ONLY_WOULD_TAKE": "-5022", "UNKNOWN_ORDER": "-2011"}
    for reason, code in met.items():
        reject = venue_reject("binance-usdm", reason)
        assert reject is not None and reject[0] == code


def test_reject_codes_are_of_known_venues_and_reasons_and_have_sources() -> None:
    assert set(REJECTS) == set(SOURCES)
    assert set(REJECTS) <= set(rulebook.venues())
    for venue, rejects in REJECTS.items():
        for reason, (code, text) in rejects.items():
            assert isinstance(getattr(codes, reason, None), int), f"{venue}: no reason {reason}"
            assert code and text
