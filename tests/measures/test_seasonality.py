"""Calendar months: which of them count, and what an average hides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from measures import bars_of, other_futures, tape_of
from undertow.errors import NotRecorded
from undertow.measures import seasonality
from undertow.tape import Tape


def daily(first: date, last: date, close: Callable[[date], float], **names: str) -> pl.DataFrame:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return bars_of([close(day) for day in days], start=str(first), interval="1d", **names)


def by_november(returns: dict[int, float]) -> Tape:
    """Prices that move in November only: from the first to the last day of it, year by year."""
    level, closes = 100.0, {}
    for year in range(min(returns) - 1, max(returns) + 2):
        closes[year] = level
        level *= 1 + returns.get(year, 0.0)

    def close(day: date) -> float:
        return closes[day.year] if day.month < 11 else closes[day.year + 1]

    first, last = date(min(returns) - 1, 1, 1), date(max(returns), 12, 31)
    return tape_of(daily(first, last, close, venue="index", symbol="BTC"))


NOVEMBERS = {2017: 0.5, 2018: -0.3, 2019: -0.2, 2020: 4.5, 2021: 0.1}


def test_a_month_runs_from_close_to_close() -> None:
    tape = tape_of(
        daily(date(2025, 1, 30), date(2025, 4, 30), lambda day: day.month * 10.0 + day.day)
    )
    found = seasonality.monthly_returns(tape, at="2025-05-01")
    assert found.select("year", "month").rows() == [(2025, 2), (2025, 3), (2025, 4)]
    # 31 January 41, 28 February 48, 31 March 61, 30 April 70.
    assert found["return"].to_list() == pytest.approx([48 / 41 - 1, 61 / 48 - 1, 70 / 61 - 1])
    assert found["close"].to_list() == [48.0, 61.0, 70.0]


def test_a_month_counts_when_it_is_over() -> None:
    tape = tape_of(daily(date(2025, 1, 30), date(2025, 4, 30), lambda day: 1.0 + day.month))
    months = seasonality.monthly_returns(tape, at="2025-03-31T23:59:59Z")["month"].to_list()
    assert months == [2]
    months = seasonality.monthly_returns(tape, at="2025-04-01T00:00:00Z")["month"].to_list()
    assert months == [2, 3]
    with pytest.raises(NotRecorded, match="a complete month of BTC before 2025-02-28"):
        seasonality.monthly_returns(tape, at="2025-02-28T12:00:00Z")
    with pytest.raises(NotRecorded, match="a complete month of ETH"):
        seasonality.monthly_returns(tape, asset="ETH")


def test_a_month_without_its_last_day_is_left_out_with_the_next() -> None:
    whole = daily(date(2025, 1, 31), date(2025, 5, 31), lambda day: 1.0 + day.month)
    tape = tape_of(whole.filter(pl.col("ts").dt.date() != date(2025, 3, 31)))
    assert seasonality.monthly_returns(tape)["month"].to_list() == [2, 5]


def test_the_longest_history_is_taken_and_an_index_counts() -> None:
    tape = tape_of(
        daily(date(2024, 12, 31), date(2025, 2, 28), lambda day: 5.0, venue="index", symbol="BTC"),
        daily(date(2025, 1, 31), date(2025, 2, 28), lambda day: 1.0 + day.month),
    )
    found = seasonality.monthly_returns(tape)
    assert found.select("venue", "symbol", "return").unique().rows() == [("index", "BTC", 0.0)]
    assert seasonality.monthly_returns(tape, since=2025)["month"].to_list() == [1, 2]


def test_the_average_november_and_what_drives_it() -> None:
    found = seasonality.month_summary(by_november(NOVEMBERS))
    assert found["month"].to_list() == list(range(1, 13))
    november = found.row(10, named=True)
    assert november["count"] == 6  # with the year before, that did not move
    assert november["mean"] == pytest.approx(4.6 / 6)
    assert november["median"] == pytest.approx(0.05)
    assert november["positive"] == pytest.approx(0.5)
    assert (november["best_year"], november["best"]) == (2020, pytest.approx(4.5))
    assert (november["worst_year"], november["worst"]) == (2018, pytest.approx(-0.3))
    assert november["mean_without_best"] == pytest.approx(0.1 / 5)
    assert november["best_share"] == pytest.approx(4.5 / 4.6)
    assert (november["first_year"], november["last_year"]) == (2016, 2021)
    assert found.row(4, named=True)["mean"] == 0.0


def test_a_summary_since_a_year_and_of_a_single_one() -> None:
    tape = by_november(NOVEMBERS)
    since = seasonality.month_summary(tape, since=2018).row(10, named=True)
    assert (since["count"], since["mean"]) == (4, pytest.approx(4.1 / 4))
    single = seasonality.month_summary(tape, at="2018-12-01", since=2018).row(10, named=True)
    assert (single["mean_without_best"], single["best_share"]) == (None, None)


@pytest.mark.parametrize("measure", [seasonality.monthly_returns, seasonality.month_summary])
@pytest.mark.parametrize("at", ["2019-12-01T00:00:00Z", "2020-11-30T23:59:59Z"])
def test_nothing_looks_past_its_moment(measure: Callable[..., pl.DataFrame], at: str) -> None:
    tape = by_november(NOVEMBERS)
    expected = measure(tape, at=at)
    for future in other_futures(tape, at).values():
        assert measure(future, at=at).equals(expected)
