from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from making import small_tape
from measures import moment, other_futures
from undertow.errors import NotRecorded, UndertowError
from undertow.measures import grouping, liquidations
from undertow.model.periods import time_ns
from undertow.tape import Tape
from undertow.tape.frames import TIME

AT = "2025-11-04T06:00:00Z"
Row = tuple[str, str, str, str, float]  # time, venue, symbol, side, usd


def orders(*rows: Row, **more: Sequence[object]) -> pl.DataFrame:
    """Liquidations on 4 November 2025."""
    frame = pl.DataFrame(rows, ["ts", "venue", "symbol", "side", "usd"], orient="row")
    ts = [time_ns(f"2025-11-04T{time}Z") for time in frame["ts"]]
    return frame.with_columns(
        pl.Series("ts", ts).cast(TIME), *[pl.Series(name, list(v)) for name, v in more.items()]
    )


def some() -> pl.DataFrame:
    """Six orders between 04:00 and 05:59."""
    return orders(
        ("04:00:00", "bybit", "BTCUSDT", "long", 100.0),
        ("04:30:00", "binance-usdm", "BTCUSDT", "long", 50.0),
        ("04:59:59", "binance-usdm", "PEPEUSDT", "short", 10.0),
        ("05:00:00", "binance-usdm", "1000PEPEUSDT", "short", 5.0),
        ("05:30:00", "bybit", "ETHUSDT", "long", 40.0),
        ("05:59:00", "bybit", "BTCUSDT", "short", 20.0),
    )


def tape_with(frame: pl.DataFrame, **tables: pl.DataFrame) -> Tape:
    return Tape.from_frames({"liquidations": frame, **tables})


def many(rows: int, *, seed: int = 5) -> pl.DataFrame:
    """Rows over six hours, the last one exactly at their end."""
    dice = np.random.default_rng(seed)
    start_ns, end_ns = time_ns("2025-11-04T00:00:00Z"), time_ns("2025-11-04T12:00:00Z")
    ts = np.append(np.sort(dice.integers(start_ns, end_ns, rows - 2)), time_ns(AT))
    venues, symbols, sides = (
        ["bybit", "okx"],
        ["BTCUSDT", "ETHUSDT", "1000PEPEUSDT"],
        ["long", "short"],
    )
    return pl.DataFrame(
        {
            "ts": pl.Series(np.append(ts, end_ns)).cast(TIME),
            "venue": dice.choice(venues, rows),
            "symbol": dice.choice(symbols, rows),
            "side": dice.choice(sides, rows),
            "usd": np.exp(dice.normal(7, 2, rows)),
        }
    ).sort("ts")  # fmt: skip


# Totals.


def test_totals_by_asset_side_and_venue() -> None:
    assert liquidations.totals(tape_with(some()), at=AT).rows() == [
        ("BTC", "long", "bybit", 100.0, 1),
        ("BTC", "long", "binance-usdm", 50.0, 1),
        ("ETH", "long", "bybit", 40.0, 1),
        ("BTC", "short", "bybit", 20.0, 1),
        ("PEPE", "short", "binance-usdm", 15.0, 2),
    ]


def test_totals_of_everything_and_by_symbol() -> None:
    tape = tape_with(some())
    assert liquidations.totals(tape, at=AT, by=()).rows() == [(225.0, 6)]
    by_symbol = liquidations.totals(tape, at=AT, by=("symbol", "asset"))
    assert by_symbol.columns == ["symbol", "asset", "usd", "count"]
    assert by_symbol.row(0) == ("BTCUSDT", "BTC", 170.0, 3)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    found = liquidations.totals(tape_with(some()), at="2025-11-04T05:00:00Z", window="1h", by=())
    assert found.rows() == [(160.0, 3)]


def test_a_quiet_window_is_zero_and_an_unrecorded_one_is_not() -> None:
    tape = tape_with(some())
    quiet = "2025-11-04T05:20:00Z"
    assert liquidations.totals(tape, at=quiet, window="10m", by=()).rows() == [(0.0, 0)]
    assert liquidations.totals(tape, at=quiet, window="10m").is_empty()
    assert liquidations.hourly(tape, at=quiet, window="10m").is_empty()
    assert liquidations.largest(tape, at=quiet, window="10m").is_empty()
    assert liquidations.long_share(tape, at=quiet, window="10m").rows() == [(0.0, 0.0, None)]
    for at in ("2025-11-04T04:00:00Z", "2025-11-04T07:00:00Z"):
        with pytest.raises(NotRecorded, match=r"liquidations between .* not recorded"):
            liquidations.totals(tape, at=at, window="10m")


@pytest.mark.parametrize(
    "measure",
    [
        liquidations.totals,
        liquidations.long_share,
        liquidations.largest,
        liquidations.hourly,
        liquidations.rolling,
        liquidations.orders_and_accounts,
        liquidations.share_of_open_interest,
    ],
)
def test_a_tape_without_liquidations_says_so(measure: Callable[..., object]) -> None:
    sentiment = pl.DataFrame({"ts": [moment(AT)], "index": ["fear_greed"], "value": [21.0]})
    with pytest.raises(NotRecorded, match=r"liquidations between .* not recorded on this tape"):
        measure(Tape.from_frames({"sentiment": sentiment}), at=AT)


def test_auto_deleveraging_counts_only_on_request() -> None:
    frame = some().with_columns(pl.Series("stage", ["adl", "full", None, None, "adl", "partial"]))
    tape = tape_with(frame)
    assert liquidations.totals(tape, at=AT, by=()).rows() == [(85.0, 4)]
    assert liquidations.totals(tape, at=AT, by=(), include_adl=True).rows() == [(225.0, 6)]
    assert liquidations.largest(tape, at=AT, count=1)["usd"].to_list() == [50.0]


def test_a_row_may_stand_for_several_orders() -> None:
    frame = some().with_columns(pl.Series("orders", [None, 7, 1, None, None, None]))
    tape = tape_with(frame.with_columns(pl.Series("side", ["long", None, *["short"] * 4])))
    assert liquidations.totals(tape, at=AT, by=()).rows() == [(225.0, 12)]
    by_side = liquidations.totals(tape, at=AT, by=("side",))
    assert by_side.rows() == [("long", 100.0, 1), ("short", 75.0, 4), (None, 50.0, 7)]
    assert liquidations.long_share(tape, at=AT)["long_share"].item() == pytest.approx(100 / 175)
    assert 50.0 not in liquidations.largest(tape, at=AT)["usd"]
    assert liquidations.orders_and_accounts(tape, at=AT).orders == 12


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(UndertowError, match="did you mean 'venue'"):
        liquidations.totals(tape_with(some()), at=AT, by=("venu",))


def test_share_of_longs() -> None:
    tape = tape_with(some())
    assert liquidations.long_share(tape, at=AT).row(0) == (190.0, 35.0, pytest.approx(190 / 225))
    by_asset = liquidations.long_share(tape, at=AT, by=("asset",))
    assert by_asset["asset"].to_list() == ["BTC", "ETH", "PEPE"]
    assert by_asset["long_share"].to_list() == [pytest.approx(150 / 170), 1.0, 0.0]


def test_the_largest_orders_with_venue_and_pair() -> None:
    first, second, *_ = liquidations.largest(tape_with(some()), at=AT, count=3).rows(named=True)
    assert (first["usd"], first["venue"], first["symbol"]) == (100.0, "bybit", "BTCUSDT")
    assert (first["asset"], first["side"], first["ts"]) == (
        "BTC",
        "long",
        moment("2025-11-04T04:00:00"),
    )
    assert second["usd"] == 50.0


# Series.


def test_totals_by_hour() -> None:
    found = liquidations.hourly(tape_with(some()), at=AT, window="2h", by=("side",))
    four, five = moment("2025-11-04T04:00:00"), moment("2025-11-04T05:00:00")
    assert found.select("ts", "side", "usd", "count").rows() == [
        (four, "long", 150.0, 2),
        (four, "short", 10.0, 1),
        (five, "long", 40.0, 1),
        (five, "short", 25.0, 2),
    ]
    assert found["covered"].to_list() == [1.0, 1.0, *[pytest.approx(59 / 60)] * 2]


def test_rolling_totals_are_the_totals_of_each_moment() -> None:
    tape = tape_with(many(400))
    keys = ("asset", "side")
    series = liquidations.rolling(tape, at=AT, window="1h", step="15m", span="3h", by=keys)
    assert series["ts"].n_unique() == 13
    for (ts,), part in series.group_by("ts"):
        at_ns = int(pl.Series([ts]).cast(TIME).cast(pl.Int64)[0])
        expected = liquidations.totals(tape, at=at_ns, window="1h", by=keys)
        found = part.filter(pl.col("count") > 0).select(*keys, "usd", "count")
        assert_frame_equal(found.sort(keys), expected.sort(keys))
        assert part.filter(pl.col("count") == 0)["usd"].sum() == 0.0


def test_rolling_totals_tell_how_much_of_each_window_was_recorded() -> None:
    series = liquidations.rolling(tape_with(some()), at=AT, window="2h", step="1h", span="24h")
    assert series["ts"].to_list()[0] == moment("2025-11-04T05:00:00")
    assert series["covered"].to_list() == [0.5, pytest.approx(119 / 120)]
    assert series["usd"].to_list() == [160.0, 225.0]


def test_rolling_refuses_a_step_that_does_not_divide_the_window() -> None:
    with pytest.raises(UndertowError, match="step '7m': expected one that divides the window"):
        liquidations.rolling(tape_with(some()), at=AT, window="1h", step="7m")


# Orders, accounts, open interest.


def test_accounts_are_counted_where_they_are_known() -> None:
    tape = tape_with(some())
    assert liquidations.orders_and_accounts(tape, at=AT) == liquidations.Counts(6, None)
    known = some().with_columns(pl.Series("account", [1, 1, None, 2, 1, 1]))
    found = liquidations.orders_and_accounts(tape_with(known), at=AT)
    # Account 1 of bybit is not account 1 of Binance.
    assert found == liquidations.Counts(6, 3, "liquidations", 5)


def test_published_numbers_of_accounts_come_first() -> None:
    published = pl.DataFrame(
        {
            "ts": [moment(f"2025-11-04T{hour}:00:00") for hour in ("04", "05", "04", "04", "02")],
            "venue": ["bybit"] * 4 + ["okx"],
            "symbol": [None, None, None, "BTCUSDT", None],
            "interval": ["1h", "1h", "2h", "2h", "4h"],
            "liquidated": [10, 20, 25, 7, 3],
        }
    )
    with_both = tape_with(some(), accounts=published)
    found = liquidations.orders_and_accounts(with_both, at=AT, window="4h")
    assert (found.orders, found.accounts, found.accounts_from) == (6, 28, "accounts")
    alone = Tape.from_frames({"accounts": published})
    found = liquidations.orders_and_accounts(alone, at=AT, window="2h")
    assert (found.orders, found.accounts) == (None, 25)


def test_share_of_open_interest() -> None:
    interest = pl.DataFrame(
        {
            "ts": [moment("2025-11-04T03:00:00")] * 3,
            "venue": ["bybit", "bybit", "okx"],
            "symbol": ["BTCUSDT", "ETHUSDT", "BTCUSDT"],
            "usd": [1000.0, 500.0, 1000.0],
        }
    )
    tape = tape_with(some(), open_interest=interest)
    found = liquidations.share_of_open_interest(tape, at=AT, window="2h")
    # Binance's open interest is not recorded: what was closed there has no base.
    assert found.rows() == [("ETH", 40.0, 500.0, 0.08), ("BTC", 120.0, 2000.0, 0.06)]
    whole = liquidations.share_of_open_interest(tape, at=AT, window="2h", by=())
    assert whole["share"].item() == pytest.approx(160 / 2500)
    with pytest.raises(NotRecorded, match="open interest"):
        liquidations.share_of_open_interest(tape_with(some()), at=AT)


# What holds for all of them.

MEASURES: dict[str, Callable[[Tape], object]] = {
    "totals": lambda tape: liquidations.totals(tape, at=AT).rows(),
    "long_share": lambda tape: liquidations.long_share(tape, at=AT).rows(),
    "largest": lambda tape: liquidations.largest(tape, at=AT).rows(),
    "hourly": lambda tape: liquidations.hourly(tape, at=AT, window="4h").rows(),
    "rolling": lambda tape: liquidations.rolling(tape, at=AT, window="1h", span="2h").rows(),
    "orders": lambda tape: liquidations.orders_and_accounts(tape, at=AT),
}


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_looks_past_its_moment(name: str) -> None:
    tape = tape_with(many(300))
    for future in other_futures(tape, AT).values():
        assert MEASURES[name](future) == MEASURES[name](tape)


@pytest.mark.parametrize("name", MEASURES)
def test_a_tape_on_disk_gives_the_same(name: str, tmp_path: Path) -> None:
    frame = many(300)
    with Tape.create(tmp_path / "tape", kind="recorded") as writer:
        # Parts need not follow one another in time.
        writer.append("liquidations", frame.gather_every(2, offset=1))
        writer.append("liquidations", frame.gather_every(2))
    on_disk, in_memory = (
        MEASURES[name](Tape.open(tmp_path / "tape")),
        MEASURES[name](tape_with(frame)),
    )
    if isinstance(in_memory, list):
        columns = pl.DataFrame(in_memory, orient="row")
        assert_frame_equal(pl.DataFrame(on_disk, orient="row"), columns)
    else:
        assert on_disk == in_memory


def test_a_view_in_memory_is_the_view_on_disk(tmp_path: Path) -> None:
    frame = many(50)
    on_disk, in_memory = small_tape(tmp_path / "tape", liquidations=frame), tape_with(frame)
    first, last = frame["ts"][10], frame["ts"][20]
    for view in (
        lambda tape: tape.slice(first, last),
        lambda tape: tape.until(first),
        lambda tape: tape.slice(last, first),
        lambda tape: tape.until(last).slice(first),
        lambda tape: tape.slice("2020-01-01", "2020-01-02"),
        lambda tape: tape.until(0),
    ):
        left, right = view(in_memory), view(on_disk)
        assert_frame_equal(left.liquidations.collect(), right.liquidations.collect())
        assert left.recorded_ns("liquidations") == right.recorded_ns("liquidations")
    assert in_memory.slice(first, last).liquidations.collect()["ts"].to_list() == (
        frame["ts"][10:20].to_list()
    )


# Grouping: the same as polars, faster.

_KEYS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**60), 2**60)),
        st.sampled_from([1.0, 0.25, 1e6, None]),
        st.one_of(st.none(), st.integers(1, 4)),
    ),
    max_size=40,
)


@given(rows=_KEYS, keys=st.sampled_from([[], ["word"], ["number"], ["word", "number"]]))
def test_grouped_totals_are_those_of_polars(
    rows: list[tuple[object, ...]], keys: list[str]
) -> None:
    kinds = {"word": pl.Categorical(), "number": pl.Int64(), "usd": pl.Float64(), "n": pl.Int64()}
    frame = pl.DataFrame(rows, kinds, orient="row")
    count = pl.col("n").fill_null(1).sum().alias("count")
    sums = [pl.col("usd").sum(), count.cast(pl.Int64)]
    expected = frame.group_by(keys).agg(sums) if keys else frame.select(sums)
    found = grouping.group_totals(frame, keys, size="n")
    assert_frame_equal(found, expected, check_row_order=False)
    plain = frame.group_by(keys).len("count") if keys else frame.select(count=pl.len())
    found = grouping.group_totals(frame, keys).drop("usd")
    assert_frame_equal(found, plain.cast({"count": pl.Int64}), check_row_order=False)


@pytest.mark.parametrize("rows", [70_000, 200_000])
def test_grouped_totals_of_many_blocks(rows: int) -> None:
    dice = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "a": pl.Series(dice.integers(0, 40, rows).astype(str), dtype=pl.Categorical()),
            "b": dice.integers(1000, 1000 + rows // 20, rows),
            "usd": np.exp(dice.normal(7, 2, rows)),
        }
    )
    for keys in (["a"], ["a", "b"]):
        expected = frame.group_by(keys).agg(
            pl.col("usd").sum(), pl.len().cast(pl.Int64).alias("count")
        )
        found = grouping.group_totals(frame, keys)
        assert_frame_equal(found, expected, check_row_order=False)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("step_ns", [1_000_000, 60_000_000_000, 3_600_000_000_000, 10**15])
@pytest.mark.parametrize("origin_ns", [0, time_ns(AT) - 7])
def test_totals_by_period_are_those_of_polars(shuffled: bool, step_ns: int, origin_ns: int) -> None:
    frame = many(500).cast({"side": pl.Categorical()})
    frame = frame.sample(fraction=1.0, shuffle=True, seed=1) if shuffled else frame
    period = ((pl.col("ts").cast(pl.Int64) - origin_ns) // step_ns).alias("period")
    expected = frame.group_by(period, "side").agg(
        pl.col("usd").sum(), pl.len().cast(pl.Int64).alias("count")
    )
    found = grouping.period_totals(frame, step_ns, ["side"], origin_ns=origin_ns)
    assert_frame_equal(found, expected, check_row_order=False)


@pytest.mark.parametrize("rows", [0, 5, 4096 * 3, 4096 * 9 + 7])
@pytest.mark.parametrize("count", [1, 4])
def test_the_largest_rows_are_those_of_a_sort(rows: int, count: int) -> None:
    values = np.random.default_rng(rows).integers(0, 500, rows).astype(float)
    expected = sorted(range(rows), key=lambda row: (-values[row], row))[:count]
    assert grouping.largest_rows(values, count).tolist() == expected
