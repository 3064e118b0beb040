from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from measures import Bar, bars_of, moment, other_futures, tape_of
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import liquidity, price_impact
from undertow.measures.order_book import levels
from undertow.model.periods import time_ns
from undertow.tape import Tape

AT = "2025-11-04T12:00:00Z"
Level = tuple[str, str, str, float, float]  # time, kind, side, price, quantity


def bands(*rows: tuple[str, str, float, float, float | None], band: float = 0.01) -> pl.DataFrame:
    """Depth on 4 November 2025: time, venue, bid, ask, spread."""
    frame = pl.DataFrame(rows, ["ts", "venue", "bid_usd", "ask_usd", "spread"], orient="row")
    return _timed(frame).with_columns(symbol=pl.lit("BTCUSDT"), band=pl.lit(band))


def book(*rows: Level, venue: str = "bybit", symbol: str = "BTCUSDT") -> pl.DataFrame:
    frame = pl.DataFrame(rows, ["ts", "kind", "side", "price", "quantity"], orient="row")
    return _timed(frame).with_columns(venue=pl.lit(venue), symbol=pl.lit(symbol))


def quote(time: str, bid: float, ask: float, venue: str = "bybit") -> pl.DataFrame:
    row = [(time, venue, "BTCUSDT", bid, 1.0, ask, 1.0)]
    names = ["ts", "venue", "symbol", "bid", "bid_quantity", "ask", "ask_quantity"]
    return _timed(pl.DataFrame(row, names, orient="row"))


def _timed(frame: pl.DataFrame) -> pl.DataFrame:
    times = [moment(f"2025-11-04T{text}") for text in frame["ts"]]
    return frame.with_columns(pl.Series("ts", times))


def small_book() -> pl.DataFrame:
    """Mid 100: bids to 98, asks to 102, in two pictures and changes."""
    return book(
        ("11:00", "snapshot", "bid", 90.0, 77.0),
        ("11:00", "snapshot", "ask", 110.0, 77.0),
        ("11:30", "diff", "bid", 99.5, 66.0),
        ("11:50", "diff", "bid", 95.0, 55.0),
        ("11:50", "snapshot", "bid", 99.5, 1.0),
        ("11:50", "snapshot", "bid", 99.0, 2.0),
        ("11:50", "snapshot", "bid", 98.0, 4.0),
        ("11:50", "snapshot", "ask", 100.5, 1.0),
        ("11:50", "snapshot", "ask", 101.0, 2.0),
        ("11:50", "snapshot", "ask", 102.0, 9.0),
        ("11:50", "diff", "ask", 102.0, 4.0),
        ("11:55", "diff", "bid", 99.0, 3.0),
        ("11:56", "diff", "bid", 98.0, 0.0),
        ("11:57", "diff", "ask", 105.0, 8.0),
        ("12:01", "diff", "ask", 100.1, 1000.0),
    )


# The book.


def test_the_book_is_the_last_picture_and_what_changed_since() -> None:
    found = levels(tape_of(book=small_book()), time_ns(AT))
    assert found.select("side", "price", "quantity").rows() == [
        ("ask", 100.5, 1.0),
        ("ask", 101.0, 2.0),
        ("ask", 102.0, 4.0),
        ("ask", 105.0, 8.0),
        ("bid", 99.5, 1.0),
        ("bid", 99.0, 3.0),
    ]
    assert found["as_of"].unique().to_list() == [moment("2025-11-04T11:57")]
    # The picture went as far as 98 and 102: of what lies beyond only changes are known.
    assert found["known_to"].to_list() == [102.0] * 4 + [98.0] * 2


def test_changes_without_a_picture_are_no_book() -> None:
    changes = small_book().filter(pl.col("kind") == "diff")
    assert levels(tape_of(book=changes), time_ns(AT)).is_empty()


# Depth and spread.


def test_depth_is_the_last_of_its_band() -> None:
    tape = tape_of(
        depth=pl.concat(
            [
                bands(("11:00", "bybit", 5.0, 6.0, None), ("11:30", "bybit", 7.0, 8.0, None)),
                bands(("11:59", "bybit", 70.0, 80.0, None), band=0.02),
                bands(("10:00", "okx", 1.0, 1.0, None), ("12:01", "okx", 2.0, 2.0, None)),
            ]
        )
    )
    found = liquidity.depth(tape, at=AT)
    as_of = moment("2025-11-04T11:30")
    assert found.rows() == [("bybit", "BTCUSDT", "BTC", 7.0, 8.0, None, None, as_of)]
    with pytest.raises(NotRecorded, match=r"depth within 0\.005 of mid at 2025-11-04T12:00:00Z"):
        liquidity.depth(tape, at=AT, band=0.005)


def test_depth_is_added_up_from_the_book() -> None:
    tape = tape_of(book=small_book())
    near = liquidity.depth(tape, at=AT, band=0.01).row(0, named=True)
    assert (near["bid_usd"], near["ask_usd"]) == (99.5 + 297.0, 100.5 + 202.0)
    assert near["bid_reach"] == pytest.approx(0.02)
    assert near["ask_reach"] == pytest.approx(0.02)
    far = liquidity.depth(tape, at=AT, band=0.05).row(0, named=True)
    assert far["ask_usd"] == 100.5 + 202.0 + 408.0 + 840.0
    with pytest.raises(NotRecorded):
        liquidity.depth(tape, at=AT, max_age="1m")


def test_depth_against_what_was_usual() -> None:
    rows = [(f"{hour:02}:00", "bybit", value, 10.0, None) for hour, value in enumerate((8, 90, 10))]
    tape = tape_of(
        depth=bands(
            *[(time, venue, float(bid), ask, spread) for time, venue, bid, ask, spread in rows],
            ("11:30", "bybit", 5.0, 20.0, None),
        )
    )
    whole = ("2025-11-04", "2025-11-04T10:00:00Z")
    found = liquidity.depth_change(tape, at=AT, baseline=whole).row(0, named=True)
    assert (found["baseline_bid_usd"], found["bid_change"]) == (10.0, -0.5)
    assert (found["baseline_ask_usd"], found["ask_change"], found["samples"]) == (10.0, 1.0, 3)
    assert liquidity.depth_change(tape, at=AT, baseline="12h")["samples"].item() == 4
    with pytest.raises(NotRecorded, match="depth between 2025-11-04T10:30:00Z"):
        liquidity.depth_change(tape, at=AT, baseline=("2025-11-04T10:30", "2025-11-04T11:00"))
    with pytest.raises(UndertowError, match="expected an end after its start"):
        liquidity.depth_change(tape, at=AT, baseline=("2025-11-04T10:30", "2025-11-04T13:00"))


def test_a_baseline_without_depth_is_looked_up_in_the_book() -> None:
    tape = tape_of(book=small_book())
    span = ("2025-11-04T11:51", "2025-11-04T11:54")
    found = liquidity.depth_change(tape, at=AT, baseline=span).row(0, named=True)
    assert (found["bid_usd"], found["baseline_bid_usd"]) == (99.5 + 297.0, 99.5 + 198.0)
    assert (found["ask_change"], found["samples"]) == (0.0, 24)


def test_the_spread_of_the_latest_source() -> None:
    tape = tape_of(
        quotes=pl.concat([quote("11:58", 99.0, 101.0), quote("10:00", 1.0, 2.0, "htx")]),
        depth=bands(("11:59", "okx", 1.0, 1.0, 0.001), ("11:00", "bybit", 1.0, 1.0, 0.5)),
        book=small_book(),
    )
    bybit, okx = liquidity.spread(tape, at=AT).rows()
    assert bybit == ("bybit", "BTCUSDT", "BTC", 0.02, "quotes", moment("2025-11-04T11:58"))
    assert okx[3:5] == (0.001, "depth")
    from_book = liquidity.spread(tape_of(book=small_book()), at=AT).row(0, named=True)
    assert (from_book["spread"], from_book["source"]) == (0.01, "book")


# Between venues.


def test_the_widest_gap_between_venues() -> None:
    hour = {"interval": "1h", "start": "2025-11-04T09:00:00Z"}
    tape = tape_of(
        bars_of([100.0, 100.0, 100.0], venue="binance-usdm", **hour),
        bars_of([101.0, 104.0, 101.0], venue="okx", **hour),
        bars_of([99.0, 100.0, 100.0], venue="bybit", symbol="BTC-USDT-SWAP", **hour),
        # A recording that breaks off may have cut its last bar short.
        bars_of([100.0, 50.0], venue="kraken", **hour),
        # Not compared: another quote, another kind of venue, another length, another coin.
        bars_of([1.0, 1.0], venue="gate", symbol="BTCUSDC", **hour),
        bars_of([2.0, 2.0], venue="binance-spot", **hour),
        bars_of([3.0] * 3, venue="mexc", start="2025-11-04T09:30:00Z", interval="30m"),
        bars_of([4.0, 4.0], venue="htx", symbol="ETHUSDT", **hour),
    )
    found = liquidity.dispersion(tape, at=AT)
    assert found["ts"].to_list() == [moment(f"2025-11-04T{hour}:00") for hour in (10, 11, 12)]
    gaps = [pytest.approx(101 / 99 - 1), pytest.approx(0.04), pytest.approx(0.01)]
    assert found["gap"].to_list() == gaps
    assert found["venues"][0].to_list() == ["binance-usdm", "bybit", "kraken", "okx"]
    widest = found.sort("gap").row(-1, named=True)
    assert (widest["high_venue"], widest["high"], widest["low"]) == ("okx", 104.0, 100.0)
    assert widest["venues"] == ["binance-usdm", "bybit", "okx"]
    assert (widest["interval"], widest["quote"]) == ("1h", "USDT")
    with pytest.raises(NotRecorded, match="prices of ETH on two venues"):
        liquidity.dispersion(tape, at=AT, asset="ETH")


def test_contracts_on_a_thousand_coins_are_compared_by_coin() -> None:
    tape = tape_of(
        bars_of([2.0], symbol="1000PEPEUSDT", start="2025-11-04T11:00:00Z"),
        bars_of([0.0025], symbol="PEPEUSDT", venue="okx", start="2025-11-04T11:00:00Z"),
    )
    assert liquidity.dispersion(tape, at=AT, asset="PEPE")["gap"].item() == pytest.approx(0.25)


def hours_of(venue: str, *opens_and_closes: tuple[float, float] | None) -> pl.DataFrame:
    """Hourly bars of BTCUSDT from 06:00; None is a bar that was not recorded."""
    rows = [
        {"ts": moment(f"2025-11-04T{6 + hour:02}:00"), "venue": venue, "symbol": "BTCUSDT",
         "interval": "1h", "open": bar[0], "high": max(bar), "low": min(bar), "close": bar[1]}
        for hour, bar in enumerate(opens_and_closes) if bar is not None
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("after", "widest"),
    [
        ((103.0, 100.0), 0.03),  # the market went on from 103: the gap was real
        (None, 0.0),  # the recording broke off
        ((100.0, 100.0), 0.0),  # it had stopped before the bar ended: 103 was no price any more
    ],
)
def test_a_bar_that_was_broken_off_makes_no_gap(
    after: tuple[float, float] | None, widest: float
) -> None:
    steady = hours_of("binance-usdm", *[(100.0, 100.0)] * 5)
    other = hours_of("bybit", (100.0, 100.0), (100.0, 103.0), after, (100.0, 100.0), (100.0, 100.0))
    tape = Tape.from_frames({"candles": pl.concat([steady, other])})
    gaps = liquidity.dispersion(tape, at="2025-11-04T11:00Z")["gap"]
    assert gaps.max() == pytest.approx(widest)


def test_the_last_bar_of_a_venue_that_stopped_before_is_not_trusted() -> None:
    steady = hours_of("binance-usdm", *[(100.0, 100.0)] * 5)
    other = hours_of("bybit", (100.0, 100.0), (100.0, 100.0), None, (100.0, 100.0), (100.0, 104.0))
    tape = Tape.from_frames({"candles": pl.concat([steady, other])})
    assert liquidity.dispersion(tape, at="2025-11-04T11:00Z")["gap"].max() == 0
    whole = hours_of("bybit", *[(100.0, 100.0)] * 4, (100.0, 104.0))
    tape = Tape.from_frames({"candles": pl.concat([steady, whole])})
    assert liquidity.dispersion(tape, at="2025-11-04T11:00Z")["gap"].max() == pytest.approx(0.04)


# Impact.


def test_the_cost_of_an_order_against_the_book() -> None:
    tape = tape_of(book=small_book())
    buy = price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=201.5, side="buy")
    # One coin at 100.5 and one at 101.
    assert buy.average_price == pytest.approx(201.5 / 2)
    assert (buy.worst_price, buy.mid, buy.levels, buy.venue) == (101.0, 100.0, 2, "bybit")
    assert buy.slippage == pytest.approx(0.0075)
    assert buy.as_of_ns == time_ns("2025-11-04T11:57:00Z")
    sell = price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=99.5, side="sell")
    assert (sell.average_price, sell.levels) == (pytest.approx(99.5), 1)
    assert sell.slippage == pytest.approx(0.005)


def test_a_book_that_is_too_shallow_gives_no_price() -> None:
    tape = tape_of(book=small_book())
    # The level at 105 lies beyond the picture: other orders before it may be unknown.
    with pytest.raises(NotRecorded, match=r"deep enough for 711 USD \(known: 710\)"):
        price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=711.0, side="buy")
    with pytest.raises(NotRecorded, match="order book of ETHUSDT"):
        price_impact.impact(tape, at=AT, symbol="ETHUSDT", usd=1.0, side="buy")


def test_an_order_that_is_none_is_refused() -> None:
    tape = tape_of(book=pl.concat([small_book(), book(*small_book_rows(), venue="okx")]))
    with pytest.raises(UndertowError, match="side 'long': expected buy or sell"):
        price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=1.0, side="long")
    with pytest.raises(UndertowError, match="expected more than 0"):
        price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=0.0, side="buy")
    with pytest.raises(UndertowError, match="books on bybit, okx: name the venue"):
        price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=1.0, side="buy")
    named = price_impact.impact(tape, at=AT, symbol="BTCUSDT", usd=1.0, side="buy", venue="okx")
    assert named.venue == "okx"


def small_book_rows() -> list[Level]:
    return [("11:00", "snapshot", "bid", 99.0, 1.0), ("11:00", "snapshot", "ask", 101.0, 1.0)]


def linear_bars(count: int = 60, slope: float = 0.002, noise: float = 0.0) -> pl.DataFrame:
    """Bars whose return is ``slope`` for each million traded in its direction."""
    dice = np.random.default_rng(3)
    rows: list[Bar] = []
    volumes = []
    for _ in range(count):
        million = float(dice.uniform(0.5, 5.0)) * float(dice.choice([-1, 1]))
        close = 100 * (1 + slope * million + noise * float(dice.normal()))
        rows.append((100.0, max(100.0, close), min(100.0, close), close))
        volumes.append(abs(million) * 1e6 / ((100 + close) / 2))
    bars = bars_of(rows, start="2025-11-04T06:00:00Z")
    return bars.with_columns(pl.Series("volume", volumes))


def test_lambda_is_the_slope_of_returns_on_signed_volume() -> None:
    exact = price_impact.kyle_lambda(tape_of(linear_bars()), at=AT, symbol="BTCUSDT")
    assert exact.per_million_usd == pytest.approx(0.002)
    assert exact.r_squared == pytest.approx(1.0)
    assert exact.standard_error == pytest.approx(0.0, abs=1e-9)
    assert exact.bars == 60
    noisy = price_impact.kyle_lambda(tape_of(linear_bars(noise=0.003)), at=AT, symbol="BTCUSDT")
    assert abs(noisy.per_million_usd - 0.002) < 4 * noisy.standard_error
    assert 0.3 < noisy.r_squared < 0.99


def test_lambda_needs_bars_of_one_market() -> None:
    two = tape_of(linear_bars(), linear_bars().with_columns(venue=pl.lit("okx")))
    with pytest.raises(UndertowError, match="candles on binance-usdm, okx: name the venue"):
        price_impact.kyle_lambda(two, at=AT, symbol="BTCUSDT")
    assert price_impact.kyle_lambda(two, at=AT, symbol="BTCUSDT", venue="okx").bars == 60
    for interval, window in (("1h", "24h"), ("5m", "20m")):
        with pytest.raises(NotRecorded, match="BTCUSDT candles with volume"):
            price_impact.kyle_lambda(
                two, at=AT, symbol="BTCUSDT", venue="okx", interval=interval, window=window
            )


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape], object]] = {
    "depth": lambda tape: liquidity.depth(tape, at=AT).rows(),
    "depth_change": lambda tape: liquidity.depth_change(tape, at=AT, baseline="2h").rows(),
    "spread": lambda tape: liquidity.spread(tape, at=AT).rows(),
    "dispersion": lambda tape: liquidity.dispersion(tape, at=AT).rows(),
    "impact": lambda tape: price_impact.impact(
        tape, at=AT, symbol="BTCUSDT", usd=100.0, side="buy"
    ),
    "lambda": lambda tape: price_impact.kyle_lambda(
        tape, at=AT, symbol="BTCUSDT", venue="binance-usdm"
    ),
}


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str) -> None:
    higher = pl.col("open", "high", "low", "close") * 1.01
    recorded = [
        (time, "okx", n, n + 1, n / 10) for n, time in enumerate(("11:00", "11:59", "12:01"))
    ]
    tape = tape_of(
        linear_bars(90),
        linear_bars(90).with_columns(higher, venue=pl.lit("okx")),
        book=small_book(),
        depth=bands(*[(t, venue, float(b), float(a), s) for t, venue, b, a, s in recorded]),
        quotes=pl.concat([quote("11:58", 99.0, 101.0), quote("12:02", 90.0, 101.0)]),
    )
    expected = MEASURES[name](tape)
    for future in other_futures(tape, AT).values():
        assert MEASURES[name](future) == expected


@pytest.mark.parametrize("name", MEASURES)
def test_what_the_tape_does_not_hold_is_not_recorded(name: str) -> None:
    with pytest.raises(NotRecorded, match="not recorded on this tape"):
        MEASURES[name](tape_of(bars_of([1.0] * 3)))
