"""Zero, or not recorded: a tape of two captures knows nothing of the time between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from undertow import Tape
from undertow.errors import NotRecorded
from undertow.measures import liquidations

FIRST = datetime(2025, 6, 1, tzinfo=UTC)


def capture(start: datetime, hours: int) -> pl.DataFrame:
    """One long of 100 dollars closed every hour."""
    times = [start + timedelta(hours=hour) for hour in range(hours)]
    return pl.DataFrame(
        {"ts": times, "venue": "bybit", "symbol": "BTCUSDT", "side": "long", "usd": 100.0}
    )


@pytest.fixture
def captures(tmp_path: Path) -> Tape:
    """Two days in June, with a quiet seventh hour; five hours later one more; a day in October."""
    june = capture(FIRST, 48).filter(pl.col("ts") != FIRST + timedelta(hours=7))
    with Tape.create(tmp_path / "tape", kind="recorded") as writer:
        writer.append("liquidations", june)
        writer.append("liquidations", capture(FIRST + timedelta(hours=52), 1))
        writer.append("liquidations", capture(FIRST + timedelta(days=131), 24))
    return Tape.open(tmp_path / "tape")


def total(tape: Tape, at: datetime, window: str = "1h") -> float:
    return float(liquidations.totals(tape, at=at, window=window, by=())["usd"].sum())


def test_a_quiet_hour_within_a_capture_is_zero(captures: Tape) -> None:
    assert total(captures, FIRST + timedelta(hours=8)) == 0


def test_captures_a_few_hours_apart_are_one(captures: Tape) -> None:
    assert total(captures, FIRST + timedelta(hours=50)) == 0


def test_between_two_captures_nothing_is_known(captures: Tape) -> None:
    with pytest.raises(NotRecorded):
        total(captures, FIRST + timedelta(days=40), "24h")


def test_hours_outside_of_both_captures_are_not_covered(captures: Tape) -> None:
    rolling = liquidations.rolling(
        captures, at=FIRST + timedelta(days=132), window="24h", step="24h", span="132d"
    )
    assert rolling["ts"].dt.month().unique().sort().to_list() == [6, 10]
    assert rolling["usd"].max() == 2400
