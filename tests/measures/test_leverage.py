from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from measures import bars_of, moment, other_futures, tape_of
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import leverage
from undertow.measures.leverage import WeightedFunding
from undertow.tape import Tape

AT = "2025-11-04T12:00:00Z"
Value = tuple[str, str, str, float | None]  # time, venue, symbol, value


def interest(*rows: Value, interval: str | None = None) -> pl.DataFrame:
    """Open interest in USD on 4 November 2025."""
    frame = pl.DataFrame(rows, ["ts", "venue", "symbol", "usd"], orient="row")
    return _timed(frame).with_columns(pl.lit(interval, dtype=pl.String).alias("interval"))


def rates(*rows: Value, hours: float | None = 8.0, interval: str | None = None) -> pl.DataFrame:
    """Funding rates on 4 November 2025."""
    frame = pl.DataFrame(rows, ["ts", "venue", "symbol", "rate"], orient="row")
    return _timed(frame).with_columns(
        pl.lit(hours, dtype=pl.Float64).alias("interval_hours"),
        pl.lit(interval, dtype=pl.String).alias("interval"),
    )


def _timed(frame: pl.DataFrame) -> pl.DataFrame:
    times = [moment(f"2025-11-0{text}") for text in frame["ts"]]
    return frame.with_columns(pl.Series("ts", times))


# Open interest.


def test_the_last_open_interest_with_its_time() -> None:
    tape = tape_of(
        open_interest=interest(
            ("4T10:00", "bybit", "BTCUSDT", 100.0),
            ("4T11:00", "bybit", "BTCUSDT", 90.0),
            ("4T09:00", "okx", "1000PEPEUSDT", 5.0),
            ("4T13:00", "bybit", "BTCUSDT", 1.0),
        )
    )
    assert leverage.open_interest(tape, at=AT).rows() == [
        ("bybit", "BTCUSDT", "BTC", None, 90.0, moment("2025-11-04T11:00")),
        ("okx", "1000PEPEUSDT", "PEPE", None, 5.0, moment("2025-11-04T09:00")),
    ]
    young = leverage.open_interest(tape, at=AT, max_age="2h")
    assert young["venue"].to_list() == ["bybit"]


def test_a_days_open_interest_is_known_at_its_end() -> None:
    tape = tape_of(
        open_interest=interest(("3T00:00", "bybit", "BTC", 7.0), interval="1d"),
    )
    assert leverage.open_interest(tape, at="2025-11-04")["usd"].to_list() == [7.0]
    with pytest.raises(NotRecorded, match="open interest at 2025-11-03T23:59:59Z, at most 1d old"):
        leverage.open_interest(tape, at="2025-11-03T23:59:59Z")
    with pytest.raises(NotRecorded):
        leverage.open_interest(tape, at="2025-11-05T00:00:01Z")


def test_a_venue_that_joins_or_leaves_is_no_change() -> None:
    tape = tape_of(
        open_interest=interest(
            ("3T12:00", "bybit", "BTCUSDT", 100.0),
            ("3T12:00", "bybit", "ETHUSDT", 50.0),
            ("3T12:00", "okx", "BTCUSDT", 1000.0),
            ("3T12:00", "gate", "SOLUSDT", 10.0),
            ("3T12:00", "mexc", "SOLUSDT", 0.0),
            ("4T12:00", "bybit", "BTCUSDT", 80.0),
            ("4T12:00", "bybit", "ETHUSDT", 60.0),
            ("4T12:00", "htx", "BTCUSDT", 5000.0),
            ("4T12:00", "gate", "SOLUSDT", None),
            ("4T12:00", "mexc", "SOLUSDT", 3.0),
        )
    )
    by_asset = leverage.open_interest_change(tape, at=AT, max_age="1h")
    assert by_asset.rows() == [
        ("BTC", 100.0, 80.0, -20.0, -0.2, 1),
        ("SOL", 0.0, 3.0, 3.0, None, 1),
        ("ETH", 50.0, 60.0, 10.0, pytest.approx(0.2), 1),
    ]
    by_venue = leverage.open_interest_change(tape, at=AT, by=("venue",), max_age="1h")
    assert by_venue.row(0) == ("bybit", 150.0, 140.0, -10.0, pytest.approx(-1 / 15), 2)
    whole = leverage.open_interest_change(tape, at=AT, by=(), max_age="1h")
    assert whole.select("change_usd", "series").rows() == [(-7.0, 3)]
    with pytest.raises(NotRecorded, match="open interest at 2025-11-04T06:00:00Z"):
        leverage.open_interest_change(tape, at=AT, window="6h", max_age="1h")
    with pytest.raises(UndertowError, match="no key 'side'"):
        leverage.open_interest_change(tape, at=AT, by=("side",))


@pytest.mark.parametrize(
    ("price", "usd", "coins", "reading"),
    [
        (90.0, 72.0, -0.2, "deleveraging (longs closing)"),
        (90.0, 99.0, 0.1, "new shorts"),
        (110.0, 121.0, 0.1, "new longs"),
        (110.0, 99.0, -0.1, "shorts closing"),
        (100.5, 50.0, -0.5025, "unclear"),
        # The same coins at a lower price: fewer dollars, but nobody closed anything.
        (90.0, 90.0, 0.0, "unclear"),
    ],
)
def test_price_and_open_interest_together(
    price: float, usd: float, coins: float, reading: str
) -> None:
    tape = tape_of(
        bars_of([100.0, price], start="2025-11-04T10:55:00Z", interval="5m").with_columns(
            pl.Series("ts", [moment("2025-11-04T10:55"), moment("2025-11-04T11:55")])
        ),
        open_interest=interest(
            ("4T11:00", "bybit", "BTCUSDT", 100.0), ("4T12:00", "bybit", "BTCUSDT", usd)
        ),
    )
    found = leverage.regime(tape, at=AT, window="1h").row(0, named=True)
    assert found["regime"] == reading
    assert found["price_change"] == pytest.approx(price / 100 - 1)
    assert found["open_interest_change_coins"] == pytest.approx(coins, abs=1e-2)


def test_no_reading_without_a_price() -> None:
    tape = tape_of(
        open_interest=interest(
            ("4T11:00", "bybit", "BTCUSDT", 100.0), ("4T12:00", "bybit", "BTCUSDT", 90.0)
        )
    )
    with pytest.raises(NotRecorded, match="open interest and price"):
        leverage.regime(tape, at=AT, window="1h")


# Funding.


def test_funding_in_eight_hours_and_a_year() -> None:
    tape = tape_of(
        funding=pl.concat(
            [
                rates(("4T08:00", "bybit", "BTCUSDT", 0.0001)),
                rates(("4T12:00", "hyperliquid", "BTC", -0.00001), hours=1.0),
                rates(("4T11:00", "okx", "BTCUSDT", 0.0002), hours=None),
                rates(("4T16:00", "bybit", "BTCUSDT", 0.09)),
            ]
        )
    )
    bybit, hyperliquid, okx = leverage.funding(tape, at=AT).rows(named=True)
    assert (bybit["rate"], bybit["rate_8h"]) == (0.0001, pytest.approx(0.0001))
    assert bybit["annualised"] == pytest.approx(0.0001 * 3 * 365)
    assert bybit["as_of"] == moment("2025-11-04T08:00")
    assert hyperliquid["rate_8h"] == pytest.approx(-0.00008)
    assert hyperliquid["annualised"] == pytest.approx(-0.00001 * 24 * 365)
    assert (okx["rate"], okx["rate_8h"], okx["annualised"]) == (0.0002, None, None)
    with pytest.raises(NotRecorded, match=r"funding at .*, at most 1h old"):
        leverage.funding(tape, at="2025-11-04T20:00:00Z", max_age="1h")


def three_venues() -> pl.DataFrame:
    return pl.concat(
        [
            rates(("4T08:00", "bybit", "BTCUSDT", 0.0001)),
            rates(("4T12:00", "hyperliquid", "BTC", -0.00001), hours=1.0),
            rates(("4T08:00", "okx", "BTCUSDT", 0.0002), hours=None),
            rates(("4T08:00", "bybit", "ETHUSDT", 0.01)),
        ]
    )


def test_funding_weighted_by_open_interest() -> None:
    tape = tape_of(
        funding=three_venues(),
        open_interest=interest(
            ("4T12:00", "bybit", "BTCUSDT", 200.0),
            ("4T12:00", "bybit", "BTCUSDC", 100.0),
            ("4T12:00", "hyperliquid", "BTC", 100.0),
            ("4T12:00", "bybit", "ETHUSDT", 9000.0),
        ),
    )
    found = leverage.weighted_funding(tape, at=AT)
    expected = (300 * 0.0001 - 100 * 0.00008) / 400
    assert found == WeightedFunding(
        asset="BTC",
        rate_8h=pytest.approx(expected),
        annualised=pytest.approx(expected * 3 * 365),
        weights="open interest",
        median_8h=pytest.approx((0.0001 - 0.00008) / 2),
        lowest_8h=("hyperliquid", pytest.approx(-0.00008)),
        highest_8h=("bybit", pytest.approx(0.0001)),
        venues=("bybit", "hyperliquid"),
        left_out=("okx",),
    )


def test_funding_without_open_interest_is_a_plain_mean_and_says_so() -> None:
    found = leverage.weighted_funding(tape_of(funding=three_venues()), at=AT)
    assert found.weights == "equal"
    assert found.rate_8h == pytest.approx((0.0001 - 0.00008) / 2)
    with pytest.raises(NotRecorded, match="funding of SOL with a known interval"):
        leverage.weighted_funding(tape_of(funding=three_venues()), at=AT, asset="SOL")


def test_sign_flips_with_their_times() -> None:
    tape = tape_of(
        funding=pl.concat(
            [
                rates(
                    ("3T16:00", "bybit", "BTCUSDT", 0.0001),
                    ("4T00:00", "bybit", "BTCUSDT", -0.0002),
                    ("4T04:00", "bybit", "BTCUSDT", 0.0),
                    ("4T08:00", "bybit", "BTCUSDT", -0.0001),
                    ("4T12:00", "bybit", "BTCUSDT", 0.0003),
                    ("4T08:00", "bybit", "ETHUSDT", 0.0003),
                    ("4T16:00", "bybit", "BTCUSDT", -0.5),
                ),
                # The mean of a day is no settlement.
                rates(("3T00:00", "bybit", "BTCUSDT", -0.9), interval="1d"),
            ]
        )
    )
    found = leverage.funding_flips(tape, at=AT, window="13h")
    assert found.rows() == [
        (moment("2025-11-04T00:00"), "bybit", "BTCUSDT", "BTC", 0.0001, -0.0002, "negative"),
        (moment("2025-11-04T12:00"), "bybit", "BTCUSDT", "BTC", -0.0001, 0.0003, "positive"),
    ]
    assert leverage.funding_flips(tape, at=AT, window="13h", asset="ETH").is_empty()
    with pytest.raises(NotRecorded, match="funding in the 1h before"):
        leverage.funding_flips(tape, at="2025-11-05T12:00:00Z", window="1h")


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape], object]] = {
    "open_interest": lambda tape: leverage.open_interest(tape, at=AT).rows(),
    "change": lambda tape: leverage.open_interest_change(tape, at=AT, window="1h").rows(),
    "regime": lambda tape: leverage.regime(tape, at=AT, window="1h").rows(),
    "funding": lambda tape: leverage.funding(tape, at=AT).rows(),
    "weighted": lambda tape: leverage.weighted_funding(tape, at=AT),
    "flips": lambda tape: leverage.funding_flips(tape, at=AT).rows(),
}


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str) -> None:
    quarters = [(f"4T{hour:02}:{quarter}", hour) for hour in range(9, 14) for quarter in (15, 45)]
    tape = tape_of(
        bars_of([100.0 + n for n in range(60)], start="2025-11-04T09:00:00Z"),
        open_interest=interest(*[(ts, "bybit", "BTCUSDT", 50.0 + h) for ts, h in quarters]),
        funding=pl.concat(
            [
                rates(*[(ts, "bybit", "BTCUSDT", 0.5 - h % 2) for ts, h in quarters]),
                rates(*[(ts, "okx", "BTC", 0.5 - h % 2) for ts, h in quarters], interval="1h"),
            ]
        ),
    )
    expected = MEASURES[name](tape)
    for future in other_futures(tape, AT).values():
        assert MEASURES[name](future) == expected


@pytest.mark.parametrize("name", MEASURES)
def test_what_the_tape_does_not_hold_is_not_recorded(name: str) -> None:
    with pytest.raises(NotRecorded, match="not recorded on this tape"):
        MEASURES[name](tape_of(bars_of([1.0] * 300)))
