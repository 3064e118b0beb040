"""What real files of slow series give: funding, open interest, flows, moods, capitalisations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.coinalyze import venue_of
from undertow.tape.importers.reading import Options, Reading, mapping_from
from undertow.tape.importers.run import import_files

DATA = Path(__file__).parent.parent / "data" / "time_series"


def real(kind: str, name: str, options: Options | None = None) -> Reading:
    return importer_named(kind).read(DATA / name, options or Options())


def made(kind: str, path: Path, text: str, options: Options | None = None) -> Reading:
    path.write_text(text)
    return importer_named(kind).read(path, options or Options())


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


REAL = [
    ("candles", "candles_5m.csv", "candles", 300),
    ("open-interest", "open_interest_coinalyze.csv", "open_interest", 260),
    ("funding", "funding_crossvenue.csv", "funding", 315),
    ("funding", "funding_coinalyze.csv", "funding", 60),
    ("funding", "btc_funding_daily.csv", "funding", 40),
    ("market-caps", "coinmarketcap.csv", "market", 17),
    ("market-caps", "coingecko.csv", "market", 8),
    ("tvl", "defillama.csv", "defi", 15),
    ("fear-greed", "fear_greed.csv", "sentiment", 250),
    ("etf-flows", "etf_flows_btc.csv", "flows", 2_156),
    ("etf-flows", "etf_flows_eth.csv", "flows", 180),
    ("etf-flows", "etf_flows_sol.csv", "flows", 90),
    ("stablecoin", "usde_usdt_binance_1m.parquet", "candles", 60),
    ("equities", "MSTR.json", "candles", 16),
]


@pytest.mark.parametrize(("kind", "name", "table", "rows"), REAL, ids=lambda value: str(value))
def test_a_real_file_goes_onto_a_tape_without_a_word_from_the_user(
    kind, name, table, rows, tmp_path
):
    import_files(importer_named(kind), [DATA / name], tmp_path / "tape", Options())
    tape = Tape.open(tmp_path / "tape")
    assert tape.table(table).collect().height == rows
    assert tape.manifest.sources[0].rows == rows


def test_the_command_line_prints_rows_and_notes(undertow, tmp_path):
    result = undertow("import", "etf-flows", DATA / "etf_flows_eth.csv", "--out", tmp_path / "t")
    assert result.returncode == 0, result.stderr
    assert "etf_flows_eth.csv: 180 flows" in result.stdout
    assert "note: 1 Seed rows are not flows" in result.stdout


# Open interest


def test_coinalyze_open_interest_is_a_days_last_in_dollars():
    table = real("open-interest", "open_interest_coinalyze.csv").frames["open_interest"]
    day = table.filter(pl.col("ts") == utc(2025, 10, 10)).sort("symbol")
    assert day.select("venue", "symbol", "usd", "interval").rows() == [
        ("binance-coinm", "ALGOUSD_PERP.A", 1_504_050.0, "1d"),
        ("binance-usdm", "ARBUSDT_PERP.A", 36_467_450.4238, "1d"),
        ("okx", "BONKUSDT_PERP.3", 9_011_426.149699999, "1d"),
        ("binance-usdm", "ENAUSDT_PERP.A", 195_098_908.134, "1d"),
        ("binance-usdm", "WIFUSDT_PERP.A", 38_324_339.176740006, "1d"),
    ]


def test_open_interest_of_a_day_is_not_known_before_its_end(tmp_path):
    path = DATA / "open_interest_coinalyze.csv"
    import_files(importer_named("open-interest"), [path], tmp_path / "tape", Options())
    known = Tape.open(tmp_path / "tape").until("2025-10-10T23:59Z").open_interest.collect()
    assert known["ts"].max() == utc(2025, 10, 9)


def test_open_interest_by_venue_and_coin_is_true_at_its_time(tmp_path):
    text = (
        "timestamp,venue,coin,oi_usd\n"
        "1762214400000,binance,BTC,8450000000\n"
        "1762214400000,bybit,BTC,5200000000.5\n"
        "1762218000000,binance,BTC,8000000000\n"
        "1762221600000,binance,BTC,7900000000\n"
        "1762228800000,binance,BTC,0\n"
    )
    reading = made("open-interest", tmp_path / "oi.csv", text)
    table = reading.frames["open_interest"]
    assert "interval" not in table.columns
    assert table.row(1) == (utc(2025, 11, 4), "bybit", "BTC", 5_200_000_000.5)
    assert table["venue"].to_list()[0] == "binance-usdm"
    bars = made("open-interest", tmp_path / "oi.csv", text, Options(interval="1h"))
    assert bars.frames["open_interest"]["interval"].unique().to_list() == ["1h"]
    assert bars.gaps == [
        "binance-usdm BTC: 1 rows missing in 1 gaps, the first after 2025-11-04T02:00:00Z"
    ]


def test_binances_layout_of_open_interest(tmp_path):
    text = (
        "symbol,sumOpenInterest,sumOpenInterestValue,timestamp\n"
        "BTCUSDT,80123.5,8450000000,1762214400000\n"
        "BTCUSDT,80120.5,,1762214700000\n"
    )
    table = made("open-interest", tmp_path / "oi.csv", text).frames["open_interest"]
    assert table.select("contracts", "usd").rows() == [
        (80_123.5, 8_450_000_000.0),
        (80_120.5, None),
    ]


def test_open_interest_without_any_amount_is_refused(tmp_path):
    with pytest.raises(DataError, match="--map usd=NAME"):
        made("open-interest", tmp_path / "oi.csv", "timestamp,coin,price\n1762214400000,BTC,1\n")
    empty = "timestamp,coin,contracts,oi_usd\n1762214400000,BTC,,\n"
    with pytest.raises(DataError, match="row 2, column 'oi_usd': expected open interest"):
        made("open-interest", tmp_path / "oi.csv", empty)


@pytest.mark.parametrize(
    ("symbol", "venue"),
    [
        ("VIRTUALUSDT_PERP.A", "binance-usdm"),
        ("BTCBUSD_PERP.A", "binance-usdm"),
        ("BTCUSD_PERP.A", "binance-coinm"),
        ("BNBUSD_PERP.A", "binance-coinm"),
        ("BTCUSD_251226.A", "binance-coinm"),
        ("MNTUSDT.6", "bybit"),
        ("SHIBUSDT_PERP.3", "okx"),
        ("BTTUSDT_PERP.4", "htx"),
        ("LOTUSDT_PERP.0", "bitmex"),
        ("MKR.H", "hyperliquid"),
        ("GT_USDT.Y", "gate"),
        ("AUSDT.Q", "coinalyze-q"),
    ],
)
def test_the_last_letter_of_a_coinalyze_symbol_is_its_venue(symbol, venue):
    assert venue_of(symbol) == venue


# Funding


def test_settlements_keep_their_rate_their_time_and_the_hours_between_them():
    table = real("funding", "funding_crossvenue.csv").frames["funding"]
    hours = table.group_by("venue", "symbol").agg(pl.col("interval_hours").unique())
    assert {(venue, symbol): found for venue, symbol, found in hours.rows()} == {
        ("binance-usdm", "BTC"): [8.0],
        ("binance-usdm", "HYPE"): [4.0],
        ("bybit", "BTC"): [8.0],
        ("bybit", "HYPE"): [8.0],
        ("hyperliquid", "BTC"): [1.0],
        ("hyperliquid", "HYPE"): [1.0],
    }
    binance = table.filter((pl.col("venue") == "binance-usdm") & (pl.col("symbol") == "BTC"))
    late = binance.filter(pl.col("ts") == datetime(2025, 10, 10, 16, 0, 0, 14_000, UTC))
    assert late["rate"].to_list() == [0.00001013]
    assert "interval" not in table.columns


def test_coinalyzes_percent_is_the_fraction_of_the_days_last_settlement():
    days = real("funding", "funding_coinalyze.csv").frames["funding"]
    days = days.filter(pl.col("symbol") == "HYPEUSDT_PERP.A")
    settled = real("funding", "funding_crossvenue.csv").frames["funding"]
    settled = settled.filter(
        (pl.col("venue") == "binance-usdm") & (pl.col("symbol") == "HYPE")
    ).sort("ts")
    last = settled.group_by(pl.col("ts").dt.truncate("1d")).agg(pl.col("rate").last())
    both = last.join(days, on="ts", suffix="_coinalyze")
    assert both.height == 5
    assert both["rate"].to_list() == pytest.approx(both["rate_coinalyze"].to_list(), abs=1e-12)
    assert days["interval"].unique().to_list() == ["1d"]
    assert days["interval_hours"].null_count() == days.height


def test_a_daily_mean_of_settlements_sums_up_its_day():
    reading = real("funding", "btc_funding_daily.csv")
    row = reading.frames["funding"].row(0, named=True)
    assert row == {
        "ts": utc(2025, 10, 1), "venue": "binance-usdm", "symbol": "BTC", "rate": 5.604e-05,
        "interval": "1d", "interval_hours": 8.0,
    }  # fmt: skip
    assert len(reading.notes) == 2


def test_irregular_settlements_have_no_hours_and_a_note(tmp_path):
    hours = (0, 8, 12, 13, 21)
    text = "timestamp,venue,coin,funding_rate\n" + "".join(
        f"2025-11-{4 + hour // 24:02}T{hour % 24:02}:00:00Z,bybit,BTC,0.0001\n" for hour in hours
    )
    reading = made("funding", tmp_path / "f.csv", text)
    assert reading.frames["funding"]["interval_hours"].null_count() == 5
    assert reading.notes == [
        "bybit BTC: no regular spacing, hours between settlements are left empty"
    ]


def test_a_missing_settlement_is_a_gap_in_spite_of_late_clocks(tmp_path):
    times = [utc(2025, 11, 1 + n // 3, n % 3 * 8) for n in range(40) if n != 20]
    text = "timestamp,venue,coin,funding_rate\n" + "".join(
        f"{round(time.timestamp() * 1000) + n % 7},bybit,BTC,0.0001\n"
        for n, time in enumerate(times)
    )
    reading = made("funding", tmp_path / "f.csv", text)
    assert reading.frames["funding"]["interval_hours"].unique().to_list() == [8.0]
    assert reading.gaps == [
        "bybit BTC: 1 rows missing in 1 gaps, the first after 2025-11-07T08:00:00Z"
    ]


# Moods, flows


def test_fear_and_greed_on_the_days_of_the_fall():
    table = real("fear-greed", "fear_greed.csv").frames["sentiment"]
    days = table.filter(pl.col("ts").is_between(utc(2025, 11, 3), utc(2025, 11, 5)))
    assert days.select("ts", "index", "value").rows() == [
        (utc(2025, 11, 3), "fear_greed", 42.0),
        (utc(2025, 11, 4), "fear_greed", 21.0),
        (utc(2025, 11, 5), "fear_greed", 23.0),
    ]


def test_missing_days_of_the_index_are_reported(tmp_path):
    text = "date,fng\n2018-04-13,25\n2018-04-17,24\n"
    assert made("fear-greed", tmp_path / "f.csv", text).gaps == [
        "fear_greed: 3 rows missing in 1 gaps, the first after 2018-04-13T00:00:00Z"
    ]


def test_funds_of_a_day_add_up_to_the_published_total():
    flows = real("etf-flows", "etf_flows_btc.csv").frames["flows"]
    day = flows.filter(pl.col("ts") == utc(2025, 11, 4))
    assert day["usd"].sum() == pytest.approx(-566.4e6, abs=1)
    fidelity = day.filter(pl.col("entity") == "FBTC")
    assert fidelity.select("kind", "asset", "interval", "usd").row(0) == (
        "etf", "BTC", "1d", -356_600_000.0,
    )  # fmt: skip
    assert "Total" not in flows["entity"].to_list()
    # A fund that did not trade yet has no row, which is not the same as a flow of nothing.
    assert "MSBT" not in day["entity"].to_list()
    assert day.filter(pl.col("usd") == 0)["entity"].to_list() == [
        "IBIT",
        "BTCO",
        "BRRR",
        "BTCW",
        "BTC",
    ]


def test_seed_capital_is_no_flow():
    reading = real("etf-flows", "etf_flows_eth.csv")
    assert reading.notes == ["1 Seed rows are not flows"]
    assert reading.frames["flows"]["ts"].min() == utc(2024, 7, 23)
    assert reading.frames["flows"]["asset"].unique().to_list() == ["ETH"]


def test_parentheses_dashes_thousands_and_summaries(tmp_path):
    text = (
        "Date,IBIT,GBTC,NEW,Total\n"
        '11 Jan 2024,"1,111.7",(95.1),-,1016.6\n'
        "12 Jan 2024,0.0,(484.1),1.0,\n"
        'Total,"1,111.7",(579.2),1.0,533.5\n'
        "Average,555.9,(289.6),1.0,\n"
    )
    reading = made("etf-flows", tmp_path / "flows.csv", text)
    assert reading.frames["flows"].select("entity", "usd").rows() == [
        ("IBIT", 1_111_700_000.0),
        ("IBIT", 0.0),
        ("GBTC", -95_100_000.0),
        ("GBTC", -484_100_000.0),
        ("NEW", 1_000_000.0),
    ]
    assert reading.notes == [
        "1 Total rows are not flows",
        "1 Average rows are not flows",
        "1 days have no total: not checked",
    ]


@pytest.mark.parametrize(("total", "is_fine"), [("10.15", True), ("10.3", False), ("1", False)])
def test_a_total_may_differ_by_its_rounding_only(total, is_fine, tmp_path):
    text = f"Date,IBIT,GBTC,Total\n11 Jan 2024,5.0,5.0,{total}\n"
    path = tmp_path / "flows.csv"
    if is_fine:
        assert made("etf-flows", path, text).frames["flows"].height == 2
    else:
        with pytest.raises(DataError, match=r"row 2, column 'Total'.*sum of the funds"):
            made("etf-flows", path, text)


def test_the_coin_of_unknown_funds_comes_from_the_name_of_the_file_or_the_user(tmp_path):
    text = "Date,XRPC,Total\n14 Nov 2025,5.0,5.0\n"
    named = made("etf-flows", tmp_path / "etf_flows_xrp.csv", text)
    assert named.frames["flows"]["asset"].to_list() == ["XRP"]
    said = made("etf-flows", tmp_path / "flows.csv", text, Options(symbol="XRP"))
    assert said.frames["flows"]["asset"].to_list() == ["XRP"]
    with pytest.raises(DataError, match="which coin do the funds hold"):
        made("etf-flows", tmp_path / "flows.csv", text)
    mixed = "Date,IBIT,ETHA,Total\n14 Nov 2025,5.0,5.0,10.0\n"
    with pytest.raises(DataError, match="found BTC and ETH"):
        made("etf-flows", tmp_path / "flows.csv", mixed)


# Capitalisations, value locked


def test_coinmarketcaps_snapshot_is_of_the_end_of_its_day():
    reading = real("market-caps", "coinmarketcap.csv")
    market = reading.frames["market"]
    bitcoin = market.filter(pl.col("asset") == "BTC").sort("ts").row(-1, named=True)
    assert bitcoin["ts"] == utc(2025, 10, 2)
    assert (bitcoin["source"], bitcoin["name"]) == ("coinmarketcap", "Bitcoin")
    assert bitcoin["market_cap"] == pytest.approx(bitcoin["price"] * bitcoin["supply"])


def test_two_coins_of_one_ticker_are_two_rows():
    market = real("market-caps", "coinmarketcap.csv").frames["market"]
    names = market.filter(pl.col("asset") == "BNX")["name"].to_list()
    assert names == ["BinaryX (old)", "BinaryX"]


def test_a_price_that_was_rounded_away_is_empty_not_zero():
    reading = real("market-caps", "coinmarketcap.csv")
    tiny = reading.frames["market"].filter(pl.col("asset") == "BABYDOGE")
    assert tiny["price"].to_list() == [None]
    assert tiny["market_cap"].to_list() == [pytest.approx(209_439_058.78)]
    assert reading.notes == ["1 prices of 0 beside a capitalisation are left empty"]


def test_coins_whose_supply_coingecko_does_not_know_are_left_out_aloud():
    reading = real("market-caps", "coingecko.csv")
    market = reading.frames["market"]
    assert market["ts"].unique().to_list() == [datetime(2025, 11, 3, 2, 5, 14, 262_540, UTC)]
    assert market["source"].unique().to_list() == ["coingecko"]
    assert {"CFG", "MKR"}.isdisjoint(market["asset"].to_list())
    assert reading.notes == [
        "2 rows with capitalisation 0 and supply 0 (not known to the source) are left out: CFG, MKR"
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("BTC,Bitcoin,-1,1e12,20251001", "column 'Price'.*0 or more"),
        ("BTC,Bitcoin,1,0,20251001", "column 'Market Cap'.*more than 0"),
        ("BTC,Bitcoin,1,1e12,20251301", "column 'snapshot_date'.*YYYYMMDD"),
        (",Bitcoin,1,1e12,20251001", "column 'Symbol'.*expected text"),
        ("ETH,Ether,1,1e11,20251001", "column 'snapshot_date'.*duplicate"),
    ],
)
def test_bad_rows_of_capitalisations_are_named(row, message, tmp_path):
    text = f"Symbol,Name,Price,Market Cap,snapshot_date\nETH,Ether,1,1e11,20251001\n{row}\n"
    with pytest.raises(DataError, match=f"row 3, {message}"):
        made("market-caps", tmp_path / "m.csv", text)


def test_nobody_counted_is_refused(tmp_path):
    text = "time,coin,cap\n2025-11-03,BTC,2e12\n"
    options = Options(mapping=mapping_from(["market_cap=cap"]))
    with pytest.raises(DataError, match="who counted"):
        made("market-caps", tmp_path / "m.csv", text, options)
    said = Options(venue="me", mapping=mapping_from(["market_cap=cap"]))
    market = made("market-caps", tmp_path / "m.csv", text, said).frames["market"]
    assert market["source"].to_list() == ["me"]


def test_value_locked_keeps_its_category():
    defi = real("tvl", "defillama.csv").frames["defi"]
    aave = defi.filter(pl.col("protocol") == "aave-v3").row(0, named=True)
    assert aave == {
        "ts": datetime(2025, 11, 3, 1, 15, 59, 405_973, UTC), "protocol": "aave-v3",
        "usd": 37_647_739_954.671555, "market": "Lending", "kind": "tvl", "asset": "ALL",
    }  # fmt: skip
    assert "CEX" in defi["market"].to_list()


def test_a_negative_value_locked_is_refused(tmp_path):
    text = "protocol,tvl,timestamp\naave,-1,2025-11-03T01:15:59\n"
    with pytest.raises(DataError, match=r"row 2, column 'tvl', value -1\.0: expected 0 or more"):
        made("tvl", tmp_path / "t.csv", text)


# Stablecoins, shares


def test_usde_fell_to_65_cents_at_2154():
    reading = real("stablecoin", "usde_usdt_binance_1m.parquet")
    lowest = reading.frames["candles"].sort("low").row(0, named=True)
    assert (lowest["low"], lowest["ts"]) == (0.65, utc(2025, 10, 10, 21, 54))
    assert (lowest["venue"], lowest["symbol"], lowest["interval"]) == (
        "binance-spot", "USDEUSDT", "1m",
    )  # fmt: skip


def test_shares_have_daily_bars_and_weekends_are_no_gaps():
    reading = real("equities", "MSTR.json")
    bars = reading.frames["candles"]
    day = bars.filter(pl.col("ts") == utc(2025, 11, 4)).row(0, named=True)
    assert (day["venue"], day["symbol"], day["interval"]) == ("us", "MSTR", "1d")
    assert day["low"] <= day["close"] <= day["high"]
    assert reading.notes == [
        "prices are in USD",
        "3 rows with a time of day are no daily bars: left out",
    ]
    assert reading.gaps == [
        "us MSTR: 1 breaks of more than 10 days, the first after 2025-11-14T00:00:00Z"
    ]


PRICE = {"date": "2025-11-04", "open": 10, "high": 12, "low": 9, "close": 11, "volume": 5}


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([PRICE, PRICE], "row 2, column 'date'.*duplicate"),
        ([PRICE, {**PRICE, "date": "2025-11-03"}], "row 2, column 'date'.*goes back"),
        ([PRICE, {**PRICE, "date": "2025-11-05", "close": None}], "row 2, column 'close'"),
        ([{**PRICE, "high": 8}], "row 1, column 'high'.*below low"),
        ([{**PRICE, "low": 0}], "row 1, column 'low', value 0.0: expected more than 0"),
        ([{**PRICE, "open": "ten"}], "row 1, column 'open', value 'ten': expected a number"),
        ([{**PRICE, "close": True}], "row 1, column 'close', value 'True'"),
        ([{**PRICE, "date": 1762214400}], "row 1, column 'date'.*these are seconds"),
        ([{"date": "2025-11-04", "open": 1}], "expected a column 'high'"),
        ([3], "row 1, value 3: expected an object"),
        ([], "expected a column 'date'"),
    ],
)
def test_bad_prices_of_shares_are_named(prices, message, tmp_path):
    text = json.dumps({"ticker": "X", "exchange": "TSE", "currency": "JPY", "prices": prices})
    with pytest.raises(DataError, match=message):
        made("equities", tmp_path / "x.json", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ('{"ticker": "X",\n "prices": [\n', "row 3: not JSON"),
        ("[]", "expected an object with a list 'prices'"),
        ('{"ticker": "X"}', "expected an object with a list 'prices'"),
    ],
)
def test_what_is_no_file_of_shares_is_refused(text, message, tmp_path):
    with pytest.raises(DataError, match=message):
        made("equities", tmp_path / "x.json", text)


def test_one_bad_price_of_a_share_can_be_dropped(tmp_path):
    prices = [PRICE, {**PRICE, "date": "2025-11-05", "low": -1}, {**PRICE, "date": "2025-11-06"}]
    text = json.dumps({"ticker": "X", "exchange": "TSE", "prices": prices})
    reading = made("equities", tmp_path / "x.json", text, Options(skip_bad=1))
    assert reading.frames["candles"]["ts"].dt.day().to_list() == [4, 6]
    assert reading.dropped == ["row 2: low -1.0: expected more than 0"]
