"""The whole market: what counts, at which price, and what is an estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from measures import bars_of, moment, other_futures, snapshot, tape_of
from undertow.errors import NotRecorded
from undertow.measures import market
from undertow.tape import Tape

AT = "2025-11-04T02:00:00Z"
COINS = [
    ("BTC", "Bitcoin", 110_000.0, 20e6),
    ("ETH", "Ethereum", 3_600.0, 120e6),
    ("PEPE", "Pepe", 0.0000058, 420e12),
    ("USDT", "Tether", 1.0, 180e9),
    ("XLM", "Stellar", 0.3, 32e9),
]


def still(
    price: float, symbol: str, venue: str = "binance-usdm", volume: float = 1.0
) -> pl.DataFrame:
    return bars_of([price] * 24, symbol=symbol, venue=venue, volume=volume)


def a_market(*candles: pl.DataFrame) -> Tape:
    return tape_of(
        still(100_000.0, "BTCUSDT"),
        still(0.005, "1000PEPEUSDT"),
        still(0.65, "USDTUSD", "kraken"),
        *candles,
        market=snapshot(COINS, at="2025-11-03"),
    )


def caps(tape: Tape, at: str = AT) -> dict[str, tuple[float, bool]]:
    found = market.capitalisation(tape, at=at)
    rows = found.select("asset", "cap_usd", "is_estimate").rows()
    return {asset: (cap, is_estimate) for asset, cap, is_estimate in rows}


def test_a_capitalisation_is_estimated_where_the_tape_has_a_price() -> None:
    found = caps(a_market())
    assert found == {
        "BTC": (pytest.approx(100_000 * 20e6), True),
        "ETH": (pytest.approx(3_600 * 120e6), False),  # no price on the tape
        "USDT": (180e9, False),  # a broken peg at one venue is no loss of capitalisation
        "XLM": (pytest.approx(0.3 * 32e9), False),
        "PEPE": (pytest.approx(0.000005 * 420e12), True),  # the price is for a thousand
    }
    assert list(found) == ["BTC", "ETH", "USDT", "XLM", "PEPE"]
    bitcoin = market.capitalisation(a_market(), at=AT).row(0, named=True)
    assert (bitcoin["price"], bitcoin["venue"], bitcoin["symbol"]) == (
        100_000.0, "binance-usdm", "BTCUSDT",
    )  # fmt: skip
    assert bitcoin["snapshot_cap_usd"] == pytest.approx(110_000 * 20e6)
    assert bitcoin["snapshot_at"] == moment("2025-11-03")


def test_of_coins_with_one_ticker_the_largest_trades() -> None:
    coins = [("ABC", "Small", 9.0, 1e6), ("ABC", "Large", 10.0, 1e9), ("Abc", "Smallest", 1.0, 1e3)]
    tape = tape_of(still(8.0, "ABCUSDT"), market=snapshot(coins, at="2025-11-03"))
    found = market.capitalisation(tape, at=AT).select("name", "cap_usd", "is_estimate")
    assert found.rows() == [("Large", 8e9, True), ("Small", 9e6, False), ("Smallest", 1e3, False)]


def test_a_price_ten_times_off_is_another_coins() -> None:
    coins = [("ABC", "A coin", 10.0, 1e6), ("DEF", "D coin", 10.0, 1e6)]
    tape = tape_of(
        still(0.9, "ABCUSDT"), still(1.1, "DEFUSDT"), market=snapshot(coins, at="2025-11-03")
    )
    assert caps(tape) == {"ABC": (1e7, False), "DEF": (pytest.approx(1.1e6), True)}


def test_a_newer_source_comes_first_and_an_old_one_fills_in() -> None:
    tables = [
        snapshot([("OLD", "Long gone", 1.0, 1e6)], at="2025-08-01", source="archive"),
        snapshot([("GONE", "Delisted", 1.0, 1e6)], at="2025-09-01"),
        snapshot([("BTC", "Bitcoin", 114e3, 19e6), ("TRX", "TRON", 0.3, 9e10)], at="2025-10-01"),
        snapshot([("BTC", "Bitcoin", 110e3, 20e6)], at="2025-11-03", source="coingecko"),
        snapshot([("BTC", "Bitcoin", 1.0, 1.0)], at="2025-11-05", source="coingecko"),
    ]
    tape = tape_of(market=pl.concat(tables))
    found = market.capitalisation(tape, at=AT).select("asset", "source", "cap_usd")
    assert found.rows() == [
        ("BTC", "coingecko", pytest.approx(2.2e12)),
        ("TRX", "coinmarketcap", pytest.approx(2.7e10)),
    ]
    total = market.total(tape, at=AT)
    assert total.definition == (
        "coins listed by the latest snapshots: 1 of coingecko (2025-11-03T00:00:00Z),"
        " 1 of coinmarketcap (2025-10-01T00:00:00Z)"
    )
    assert (total.coins, total.estimated_coins, total.estimated_share) == (2, 0, 0.0)
    assert total.newest_snapshot_ns - total.oldest_snapshot_ns == 33 * 86_400 * 10**9


def test_the_total_says_how_much_of_it_is_estimated() -> None:
    total = market.total(a_market(), at=AT)
    estimated = 100_000 * 20e6 + 0.000005 * 420e12
    rest = 3_600 * 120e6 + 180e9 + 0.3 * 32e9
    assert total.cap_usd == pytest.approx(estimated + rest)
    assert total.estimated_share == pytest.approx(estimated / (estimated + rest))
    assert (total.coins, total.estimated_coins) == (5, 2)


def test_the_main_market_is_binance_then_the_most_traded() -> None:
    tape = tape_of(
        still(1.0, "AUSDT", "bybit", volume=900),
        still(2.0, "AUSDT", volume=1),
        bars_of([2.5, 2.5], symbol="A", interval="1h", volume=900),  # coarser, of the same venue
        still(3.0, "BUSDT", "bybit", volume=5),
        still(3.5, "BUSDC", "binance-spot", volume=2),
        still(4.0, "BUSDT", "binance-spot", volume=9),
        still(5.0, "BUSDT", "cme", volume=99),
        bars_of([6.0], symbol="CUSDT"),  # its price is stale by then
        still(7.0, "CUSDT", "okx"),
    )
    found = market.main_markets(tape, at=AT).select("asset", "venue", "price")
    assert found.rows() == [
        ("A", "binance-usdm", 2.0),
        ("B", "binance-spot", 4.0),
        ("C", "okx", 7.0),
    ]


def test_dominance() -> None:
    found = market.dominance(a_market(), at=AT)
    assert found.share == pytest.approx(2e12 / market.total(a_market(), at=AT).cap_usd)
    assert (found.asset, found.published_share) == ("BTC", None)
    with pytest.raises(NotRecorded, match="capitalisation of DOGE"):
        market.dominance(a_market(), at=AT, asset="DOGE")
    told = snapshot(COINS, at="2025-11-03").with_columns(dominance=pl.lit(0.59))
    assert market.dominance(tape_of(market=told), at=AT).published_share == 0.59


# The fastest loss.


def test_the_fastest_loss_of_the_market() -> None:
    generator = np.random.default_rng(5)
    paths = {name: 100 * np.exp(np.cumsum(generator.normal(0, 0.01, 60))) for name in "ABC"}
    supplies = {"A": 1e6, "B": 5e6, "C": 2e6}
    hole = moment("2025-11-04T02:00:00"), moment("2025-11-04T02:30:00")
    tape = tape_of(
        *[bars_of(list(path), symbol=f"{name}USDT") for name, path in paths.items()],
        bars_of([50.0] * 30, symbol="DUSDT"),  # gone before the end
        bars_of([50.0] * 20, symbol="EUSDT", start="2025-11-04T03:20:00Z"),  # came later
        bars_of([50.0, 40.0, 30.0, 20.0, 10.0], symbol="FUSDT", interval="1h"),  # too coarse
        bars_of([50.0] * 60, symbol="GUSDT").filter(~pl.col("ts").is_between(*hole)),
        market=snapshot(
            [(name, name, 100.0, supplies.get(name, 1e6)) for name in "ABCDEFG"], at="2025-11-03"
        ),
    )
    # The window is a little shorter than the candles: its first moment has a price.
    found = market.fastest_loss(tape, at="2025-11-04T05:00:00Z", window="4h")
    cap = sum(paths[name] * supply for name, supply in supplies.items())
    step = range(11, 60)
    losses = {(i, j): cap[i] - cap[j] for i in step for j in step if 0 < j - i <= 12}
    (i, j), loss = max(losses.items(), key=lambda item: item[1])
    assert found.change_usd == pytest.approx(-loss)
    assert found.change_fraction == pytest.approx(-loss / cap[i])
    assert found.from_usd - found.to_usd == pytest.approx(loss)
    start = int(moment("2025-11-04").timestamp()) * 10**9
    assert [(n - start) // (300 * 10**9) - 1 for n in (found.start_ns, found.end_ns)] == [i, j]
    assert found.coins == 3
    whole = market.total(tape, at="2025-11-04T05:00:00Z").cap_usd
    assert found.covered_share == pytest.approx(cap[-1] / whole)


def test_a_loss_needs_prices_throughout() -> None:
    with pytest.raises(NotRecorded, match="prices of listed coins throughout the 24h"):
        market.fastest_loss(a_market(), at=AT)
    assert market.fastest_loss(a_market(), at=AT, window="1h").change_usd == 0


# Best and worst.


def falls() -> Tape:
    steps = {"BTC": 0.9, "ETH": 0.69, "1000PEPE": 0.5, "DOGE": 0.71, "ZEC": 1.2}
    moving = [
        bars_of([100.0] * 12 + [100.0 * step] * 12, symbol=f"{asset}USDT")
        for asset, step in steps.items()
    ]
    late = bars_of([7.0] * 3, symbol="NEWUSDT", start="2025-11-04T01:45:00Z")
    return tape_of(*moving, still(1.0, "USDCUSDT"), late)


def test_coins_from_worst_to_best() -> None:
    found = market.ranking(falls(), at=AT, window="1h")
    assert found["asset"].to_list() == ["PEPE", "ETH", "DOGE", "BTC", "ZEC", "NEW"]
    returns = [-0.5, -0.31, -0.29, -0.1, 0.2, None]
    assert found["return"].to_list() == [r if r is None else pytest.approx(r) for r in returns]
    since = market.ranking(falls(), at=AT, since="2025-11-04T01:30:00Z")
    assert since["return"].to_list() == [0.0] * 5 + [None]


def test_breadth_counts_coins_that_fell_so_far() -> None:
    found = market.breadth(falls(), at=AT, window="1h")
    assert (found.fallen, found.coins, found.unknown) == (2, 5, 1)
    assert found.share == 0.4
    assert market.breadth(falls(), at=AT, window="1h", threshold=-0.05).fallen == 4
    with pytest.raises(NotRecorded, match="returns from 2025-11-03"):
        market.breadth(falls(), at=AT)


def test_memecoins_against_the_others() -> None:
    memes, others = market.sectors(falls(), at=AT, window="1h").rows(named=True)
    assert (memes["sector"], memes["coins"]) == ("memecoins", 2)
    assert memes["mean"] == pytest.approx(-0.395)
    assert (memes["worst_asset"], memes["worst"]) == ("PEPE", pytest.approx(-0.5))
    assert (others["sector"], others["coins"]) == ("other coins", 3)
    assert others["median"] == pytest.approx(-0.1)
    assert (others["best_asset"], others["best"]) == ("ZEC", pytest.approx(0.2))


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape, str], object]] = {
    "capitalisation": lambda tape, at: market.capitalisation(tape, at=at).rows(),
    "main_markets": lambda tape, at: market.main_markets(tape, at=at).rows(),
    "total": lambda tape, at: market.total(tape, at=at),
    "fastest_loss": lambda tape, at: market.fastest_loss(tape, at=at, window="2h"),
    "dominance": lambda tape, at: market.dominance(tape, at=at),
    "ranking": lambda tape, at: market.ranking(tape, at=at, window="1h").rows(),
    "breadth": lambda tape, at: market.breadth(tape, at=at, window="1h"),
    "sectors": lambda tape, at: market.sectors(tape, at=at, window="1h").rows(),
}


@pytest.mark.parametrize("at", ["2025-11-04T06:00:00Z", "2025-11-04T06:02:30Z"])
@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str, at: str) -> None:
    generator = np.random.default_rng(1)
    tape = tape_of(
        *[
            bars_of(list(price * np.exp(np.cumsum(generator.normal(0, 0.005, 120)))), symbol=symbol)
            for symbol, price in (("BTCUSDT", 1e5), ("ETHUSDT", 3.5e3), ("1000PEPEUSDT", 6e-3))
        ],
        market=pl.concat(
            [snapshot(COINS, at=day) for day in ("2025-11-03", "2025-11-04T07:00:00Z")]
        ),
    )
    expected = MEASURES[name](tape, at)
    for future in other_futures(tape, at).values():
        assert MEASURES[name](future, at) == expected


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "main_markets"])
def test_what_the_tape_does_not_hold_is_not_recorded(name: str) -> None:
    tape = tape_of(bars_of([1.0], start="2025-11-05"), market=snapshot(COINS, at="2025-11-05"))
    with pytest.raises(NotRecorded, match="not recorded on this tape"):
        MEASURES[name](tape, AT)
