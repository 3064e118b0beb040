"""Sentiment, flows and DeFi: daily figures from outside the perpetuals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from measures import Bar, bars_of, moment, other_futures, tape_of
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import defi, flows, sentiment
from undertow.model.periods import time_ns
from undertow.tape import Tape

AT = "2025-11-05T00:00:00Z"


# Fear & Greed.


def moods(*values: float, first: str = "2025-10-28") -> pl.DataFrame:
    """One value a day."""
    days = [moment(first) + timedelta(days=n) for n in range(len(values))]
    return pl.DataFrame({"ts": days, "index": ["fear_greed"] * len(values), "value": values})


def test_fear_and_greed_with_its_band_and_changes() -> None:
    tape = tape_of(sentiment=moods(50.0, 51.0, 34.0, 29.0, 33.0, 37.0, 42.0, 21.0, 23.0))
    found = sentiment.fear_greed(tape, at="2025-11-04T23:59:59Z")
    assert (found.value, found.band) == (21.0, "Extreme Fear")
    assert found.published_ns == time_ns("2025-11-04")
    assert (found.day_change, found.week_change) == (-21.0, -29.0)
    # A value is known when it is published.
    assert sentiment.fear_greed(tape, at=AT).value == 23.0


def test_changes_that_nobody_recorded_are_empty() -> None:
    found = sentiment.fear_greed(tape_of(sentiment=moods(42.0, first="2025-11-04")), at=AT)
    assert (found.day_change, found.week_change) == (0.0, None)


@pytest.mark.parametrize(
    ("value", "band"),
    [(0, "Extreme Fear"), (25, "Extreme Fear"), (26, "Fear"), (46, "Fear"), (47, "Neutral"),
     (54, "Neutral"), (55, "Greed"), (75, "Greed"), (76, "Extreme Greed"), (100, "Extreme Greed")],
)  # fmt: skip
def test_bands_of_fear_and_greed(value: float, band: str) -> None:
    assert sentiment.band(value) == band


# ETF flows.


def etf(days: dict[str, dict[str, float]], asset: str = "BTC") -> pl.DataFrame:
    """Flows by day and fund, in millions."""
    rows = [
        (moment(day), fund, "etf", asset, "1d", millions * 1e6)
        for day, funds in days.items()
        for fund, millions in funds.items()
    ]
    names = ["ts", "entity", "kind", "asset", "interval", "usd"]
    return pl.DataFrame(rows, names, orient="row")


def two_weeks() -> pl.DataFrame:
    """Thursday to Wednesday; 11 November is a holiday that the source shows as 0."""
    return etf(
        {
            "2025-10-30": {"IBIT": -290.0, "FBTC": -46.0},
            "2025-10-31": {"IBIT": -149.0, "FBTC": 150.0},
            "2025-11-03": {"IBIT": -186.5},
            "2025-11-04": {"IBIT": 0.0, "FBTC": -356.6},
            "2025-11-05": {"IBIT": 0.0},
            "2025-11-06": {"IBIT": -100.0},
            "2025-11-07": {"IBIT": 20.0},
        }
    )


def test_etf_flows_by_day_and_fund() -> None:
    tape = tape_of(flows=two_weeks())
    by_day = flows.etf_by_day(tape, at="2025-11-07")
    assert by_day.rows()[-2:] == [
        (date(2025, 11, 5), 0.0, pytest.approx(-878.1e6), 1),
        (date(2025, 11, 6), -100e6, pytest.approx(-642.1e6), 1),
    ]
    assert by_day["usd_5_days"].null_count() == 4
    by_fund = flows.etf_by_fund(tape, at=AT).filter(pl.col("date") == date(2025, 11, 4))
    assert by_fund.rows() == [
        (date(2025, 11, 4), "FBTC", -356.6e6),
        (date(2025, 11, 4), "IBIT", 0.0),
    ]


def test_the_flow_of_a_day_is_known_when_the_day_is_over() -> None:
    tape = tape_of(flows=two_weeks())
    before, after = "2025-11-04T23:59:59Z", "2025-11-05T00:00:00Z"
    assert flows.etf_by_day(tape, at=before)["date"][-1] == date(2025, 11, 3)
    assert flows.etf_by_day(tape, at=after)["date"][-1] == date(2025, 11, 4)


def test_etf_flows_by_calendar_week() -> None:
    found = flows.etf_by_week(tape_of(flows=two_weeks()), at="2025-11-07")
    assert found.rows() == [
        (date(2025, 10, 27), pytest.approx(-335e6), 2),
        (date(2025, 11, 3), pytest.approx(-643.1e6), 4),
    ]


@pytest.mark.parametrize(
    ("at", "days", "millions", "first"),
    [
        ("2025-10-31", 1, -336.0, date(2025, 10, 30)),
        ("2025-11-01", 0, 0.0, None),
        ("2025-11-05", 2, -543.1, date(2025, 11, 3)),
        ("2025-11-06", 2, -543.1, date(2025, 11, 3)),  # a day of 0 does not end it
        ("2025-11-07", 3, -643.1, date(2025, 11, 3)),
        ("2025-11-08", 0, 0.0, None),
    ],
)
def test_days_in_a_row_with_outflows(
    at: str, days: int, millions: float, first: date | None
) -> None:
    found = flows.etf_outflow_streak(tape_of(flows=two_weeks()), at=at)
    assert (found.days, found.first) == (days, first)
    assert found.usd == pytest.approx(millions * 1e6)
    assert found.last == date.fromisoformat(at) - timedelta(days=1)


def test_flows_of_exchanges_and_holders_where_they_are_recorded() -> None:
    rows = [
        (moment("2025-11-03"), "exchanges", "exchange", "BTC", 100.0, None),
        (moment("2025-11-04"), "exchanges", "exchange", "BTC", -250.0, None),
        (moment("2025-11-04"), "long-term holders", "long_term_holder", "BTC", -5.0, -5e5),
        (moment("2025-10-01"), "exchanges", "exchange", "BTC", 9.0, None),
    ]
    names = ["ts", "entity", "kind", "asset", "amount", "usd"]
    tape = tape_of(flows=pl.DataFrame(rows, names, orient="row", infer_schema_length=None))
    assert flows.moved(tape, at=AT).rows() == [("exchanges", "BTC", -150.0, None, 2)]
    held = flows.moved(tape, at=AT, kind="long_term_holder")
    assert held.rows() == [("long-term holders", "BTC", -5.0, -5e5, 1)]
    with pytest.raises(NotRecorded, match="flows of kind miner"):
        flows.moved(tape, at=AT, kind="miner")


# Treasuries.


def closes(prices: np.ndarray, **names: str) -> pl.DataFrame:
    return bars_of([float(p) for p in prices], start="2025-09-01", interval="1d", **names)


def shares(beta: float = 2.0, noise: float = 0.0) -> Tape:
    """Seventy days of an asset and of a share that moves ``beta`` times as far, but weekends."""
    dice = np.random.default_rng(2)
    moves = dice.normal(0, 0.03, 70)
    coin = 1e5 * np.cumprod(1 + moves)
    share = 300 * np.cumprod(1 + beta * moves + noise * dice.normal(0, 0.03, 70))
    listed = closes(share, symbol="MSTR", venue="us")
    return tape_of(
        closes(coin, symbol="BTC", venue="index"),
        bars_of([1.0, 2.0], start="2025-11-02", interval="1d"),  # shorter: not the reference
        listed.filter(pl.col("ts") != moment("2025-09-10")),
        closes(share, symbol="OLD", venue="us").head(40),
    )


def test_shares_of_treasuries_against_the_asset() -> None:
    found = flows.treasuries(shares(), at=AT).row(0, named=True)
    assert (found["symbol"], found["venue"]) == ("MSTR", "us")
    assert (found["from_date"], found["to_date"]) == (date(2025, 10, 28), date(2025, 11, 4))
    moves = np.random.default_rng(2).normal(0, 0.03, 70)[58:65]
    assert found["asset_return"] == pytest.approx(np.prod(1 + moves) - 1)
    assert found["return"] == pytest.approx(np.prod(1 + 2 * moves) - 1)
    assert found["beta"] == pytest.approx(2.0, abs=0.1)  # one day is missing
    assert found["correlation"] > 0.99


def test_a_share_that_no_longer_trades_is_left_out() -> None:
    found = flows.treasuries(shares(), at=AT)
    assert found["symbol"].to_list() == ["MSTR"]
    early = flows.treasuries(shares(), at="2025-10-11", since="2025-09-20")
    assert sorted(early["symbol"]) == ["MSTR", "OLD"]
    assert early["from_date"].unique().to_list() == [date(2025, 9, 19)]


def test_too_few_days_give_no_slope() -> None:
    found = flows.treasuries(shares(), at=AT, history="7d").row(0, named=True)
    assert (found["beta"], found["correlation"]) == (None, None)
    assert found["returns"] < 10


def test_treasuries_need_shares_and_a_start_before_the_end() -> None:
    with pytest.raises(UndertowError, match="since 2025-11-06T00:00:00Z: expected before"):
        flows.treasuries(shares(), at=AT, since="2025-11-06")
    with pytest.raises(NotRecorded, match="shares of treasuries and BTC since 2024"):
        flows.treasuries(shares(), at=AT, since="2024-01-01")
    with pytest.raises(NotRecorded, match="daily closes of SOL"):
        flows.treasuries(shares(), at=AT, asset="SOL")


# Pegs and value locked.


def minutes() -> pl.DataFrame:
    rows: list[Bar] = [
        (1.0, 1.001, 0.999, 1.0),
        (0.92, 0.92, 0.65, 0.68),
        (0.7, 0.9, 0.65, 0.9),
        (0.9, 1.0, 0.9, 0.99),
    ]
    names = {"symbol": "USDEUSDT", "venue": "binance-spot", "interval": "1m"}
    return bars_of(rows, start="2025-11-04T21:53:00Z", **names)


def pegs(*rows: tuple[str, str, float], coin: str = "xUSD") -> pl.DataFrame:
    """Prices told by the table defi: time, market, USD."""
    frame = pl.DataFrame(rows, ["ts", "market", "usd"], orient="row")
    times = [moment(f"2025-11-{text}") for text in frame["ts"]]
    return frame.with_columns(
        pl.Series("ts", times), protocol=pl.lit("morpho"), kind=pl.lit("peg"), asset=pl.lit(coin)
    )


def test_the_lowest_price_of_a_stablecoin() -> None:
    found = defi.lowest_peg(tape_of(minutes()), at="2025-11-04T22:00:00Z", window="1h")
    assert (found.lowest, found.lowest_ns) == (0.65, time_ns("2025-11-04T21:54:00Z"))
    assert (found.reference, found.deviation) == (1.0, pytest.approx(-0.35))
    assert (found.last, found.last_ns) == (0.99, time_ns("2025-11-04T21:57:00Z"))
    assert found.last_deviation == pytest.approx(-0.01)
    assert found.source == "binance-spot USDEUSDT"
    series = defi.peg(tape_of(minutes()), at="2025-11-04T21:55:00Z", window="1h")
    assert series["low"].to_list() == [0.999, 0.65]


def test_a_growing_share_is_measured_against_its_own_price_before() -> None:
    rows = [("03T00", "chain 1", 1.26), ("04T00", "chain 1", 1.25), ("05T00", "chain 1", 0.24)]
    tape = tape_of(defi=pegs(*rows, ("05T00", "chain 42161", 0.5), ("05T00", "chain 5", 9.0)))
    found = defi.lowest_peg(tape, at="2025-11-05T12:00:00Z", window="24h", coin="XUSD")
    assert (found.source, found.lowest) == ("chain 1", 0.24)
    assert found.reference == 1.25
    assert found.deviation == pytest.approx(0.24 / 1.25 - 1)
    named = defi.lowest_peg(tape, at="2025-11-05T12:00:00Z", coin="xUSD", reference=1.0)
    assert named.deviation == pytest.approx(-0.76)
    first = defi.lowest_peg(tape, at="2025-11-05T12:00:00Z", window="7d", coin="xUSD")
    assert first.reference == 1.26
    with pytest.raises(NotRecorded, match="prices of DEUSD in the 24h before"):
        defi.lowest_peg(tape, at=AT, coin="DEUSD")


def test_value_locked_leaves_out_exchanges() -> None:
    rows = [
        (moment("2025-11-03T01:15"), "binance-cex", "CEX", 193.0),
        (moment("2025-11-03T01:15"), "aave", "Lending", 37.0),
        (moment("2025-11-04T01:15"), "aave", "Lending", 35.0),
        (moment("2025-11-04T01:15"), "lido", None, 33.0),
        (moment("2025-10-01"), "gone", "Lending", 99.0),
    ]
    frame = pl.DataFrame(rows, ["ts", "protocol", "market", "usd"], orient="row")
    tape = tape_of(defi=frame.with_columns(kind=pl.lit("tvl"), asset=pl.lit("ALL")))
    found = defi.value_locked(tape, at=AT)
    assert found.select("protocol", "usd").rows() == [("aave", 35.0), ("lido", 33.0)]
    assert found["as_of"][0] == moment("2025-11-04T01:15")
    assert defi.value_locked(tape, at=AT, exchanges=True).height == 3


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape], object]] = {
    "fear_greed": lambda tape: sentiment.fear_greed(tape, at=AT),
    "etf_by_fund": lambda tape: flows.etf_by_fund(tape, at=AT).rows(),
    "etf_by_day": lambda tape: flows.etf_by_day(tape, at=AT).rows(),
    "etf_by_week": lambda tape: flows.etf_by_week(tape, at=AT).rows(),
    "streak": lambda tape: flows.etf_outflow_streak(tape, at=AT),
    "moved": lambda tape: flows.moved(tape, at=AT, kind="etf").rows(),
    "treasuries": lambda tape: flows.treasuries(tape, at=AT).rows(),
    "peg": lambda tape: defi.peg(tape, at=AT, coin="xUSD").rows(),
    "lowest_peg": lambda tape: defi.lowest_peg(tape, at=AT, window="3d", coin="USDE"),
    "value_locked": lambda tape: defi.value_locked(tape, at=AT).rows(),
}


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str) -> None:
    told = pegs(("04T12", "chain 1", 1.2), ("05T12", "chain 1", 0.3))
    locked = told.with_columns(kind=pl.lit("tvl"), asset=pl.lit("ALL"))
    later_bar = minutes().with_columns(pl.col("ts").dt.offset_by("1d"))
    words = pl.col("venue", "symbol", "interval").cast(pl.String)
    tape = tape_of(
        shares().candles.with_columns(words).select(minutes().columns).collect(),
        minutes(),
        later_bar,
        flows=two_weeks(),
        sentiment=moods(*[float(n) for n in range(30, 45)]),
        defi=pl.concat([told, locked]),
    )
    expected = MEASURES[name](tape)
    for future in other_futures(tape, AT).values():
        assert MEASURES[name](future) == expected


@pytest.mark.parametrize("name", MEASURES)
def test_what_the_tape_does_not_hold_is_not_recorded(name: str) -> None:
    with pytest.raises(NotRecorded, match="not recorded on this tape"):
        MEASURES[name](tape_of(bars_of([1.0, 2.0], start="2025-10-01", interval="1d")))
