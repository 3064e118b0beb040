"""The library of published figures: what it holds, how it is asked, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from undertow.errors import DataError, UndertowError
from undertow.measures.as_of import HOUR_NS, as_of_span, is_exact
from undertow.measures.published import (
    FIGURES,
    FOLDER,
    VERDICTS,
    event_days,
    event_named,
    events,
    published,
    read_figures,
    timeline,
)


def test_the_library_holds_what_was_collected() -> None:
    everything = published()
    assert len(everything) == 598
    assert everything["id"].n_unique() == 598
    assert everything["id"].is_sorted()
    assert {name: everything.schema[name] for name in FIGURES} == FIGURES
    first = everything.row(0, named=True)
    assert (first["value"], first["venue"], first["asset"]) == (7353.0, "BitMEX", "BTC")
    assert first["as_of_start"] == datetime(2020, 3, 12, 10, tzinfo=UTC)
    # Nothing that only this project's collectors know how to open.
    addresses = everything["source_url"].drop_nulls()
    assert addresses.str.starts_with("http").all()


def test_figures_are_narrowed_down() -> None:
    longs = published("2025-11-04", "liquidations", "ALL", side="long", unit="USD")
    assert len(longs) > 5
    assert longs["event"].unique().to_list() == ["2025-11-03/04"]
    assert longs["side"].unique().to_list() == ["long"]
    at_three = longs.filter(pl.col("as_of") == "2025-11-04T03:00Z")
    assert at_three["value"].to_list() == [1.14e9]
    assert published("2025-11-13", "liquidations")["value_high"].drop_nulls().to_list() == [6.55e8]


def test_what_a_figure_really_counts_is_said_with_a_reason() -> None:
    told = dict(published("2025-10-10").select("id", "counted").rows())
    assert (told["F0746"], told["F0753"], told["F0289"]) == ("another asset", "fills", None)
    rows = pl.read_csv(FOLDER / "counted.csv")
    assert set(rows["id"]) <= set(published()["id"])
    assert rows["reason"].null_count() == 0


def test_what_was_found_wrong_can_be_left_out() -> None:
    everything, usable = published(), published(usable=True)
    wrong = published(usable=False)
    assert len(usable) + len(wrong) == len(everything)
    assert set(wrong["verdict"]) <= {"contradicted"}
    assert set(everything["verdict"].drop_nulls()) <= set(VERDICTS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"event": "2025-11-09"}, "did you mean '2025-1"),
        ({"event": "2025-11-03 and more"}, "no published figures"),
        ({"metric": "liquidation"}, "did you mean 'liquidations'"),
        ({"asset": "BTCC"}, "valid: ALL"),
        ({"verdict": "wrong"}, "contradicted"),
    ],
)
def test_an_unknown_name_is_said_with_the_nearest(asked: dict[str, str], message: str) -> None:
    with pytest.raises(UndertowError, match=message):
        published(**asked)  # type: ignore[arg-type]


def test_events_have_days() -> None:
    found = {row["event"]: row for row in events().iter_rows(named=True)}
    assert found["2025-11-03/04"]["start"] == date(2025, 11, 3)
    assert found["2025-11-03/04"]["end"] == date(2025, 11, 4)
    assert event_days("2026-02-28/03-08") == (date(2026, 2, 28), date(2026, 3, 8))
    assert event_named("2026-03-01") == "2026-02-28/03-08"
    assert sum(row["figures"] for row in found.values()) == 598


def test_a_timeline_has_moments_and_stretches() -> None:
    points = timeline("2025-10-10")
    outage = points.filter(pl.col("printed") == "21:18-21:51").row(0, named=True)
    assert (outage["end"] - outage["start"]).total_seconds() == 33 * 60
    after_midnight = points.filter(pl.col("printed") == "03:00 (11 Oct)")
    assert after_midnight["start"].to_list() == [datetime(2025, 10, 11, 3, tzinfo=UTC)]
    over_midnight = timeline("2020-03-12").filter(pl.col("printed") == "23:00-02:15")
    assert over_midnight["end"].to_list() == [datetime(2020, 3, 13, 2, 15, tzinfo=UTC)]
    with pytest.raises(UndertowError, match="no timeline"):
        timeline("2022-11-08")


@pytest.mark.parametrize(
    ("text", "start", "hours"),
    [
        ("2025-11-04T03:00Z", "2025-11-04T03:00", 1 / 60),
        ("2025-11-04 ~10:00Z", "2025-11-04T09:00", 2),
        ("2025-11-04", "2025-11-04T00:00", 24),
        ("2025-11", "2025-11-01T00:00", 30 * 24),
        ("2025-12", "2025-12-01T00:00", 31 * 24),
        ("2024", "2024-01-01T00:00", 366 * 24),
        ("2025-11-04 late", "2025-11-04T16:00", 8),
        ("2025-11-05 later", "2025-11-05T03:00", 33),
        ("2025-10-10 or later", "2025-10-10T00:00", 7 * 24),
        ("2021-12-04T20:00+08", "2021-12-04T12:00", 1 / 60),
    ],
)
def test_words_of_time_are_stretches(text: str, start: str, hours: float) -> None:
    span = as_of_span(text)
    assert span is not None
    assert span[0] == int(datetime.fromisoformat(f"{start}+00:00").timestamp()) * 1_000_000_000
    assert span[1] - span[0] == pytest.approx(hours * HOUR_NS)
    assert is_exact(span) == (hours <= 2)


@pytest.mark.parametrize("text", [None, "", "unclear", "2025-13-40", "live widget", "2025-02-30"])
def test_no_date_is_no_stretch(text: str | None) -> None:
    assert as_of_span(text) is None


def damaged(folder: Path, old: str, new: str) -> Path:
    text = (FOLDER / "figures.csv").read_text(encoding="utf-8")
    assert old in text
    path = folder / "figures.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("F0002,", "F0001,", r"row 3, column 'id', value 'F0001': this id occurs twice"),
        (",7353,", ",about,", "row 2, column 'value', value 'about': expected Float64"),
        (",=,7353,", ",?,7353,", "row 2, column 'qualifier'"),
        (",=,7353,", ",=,,", "row 2: expected value"),
        ("2020-03-12T10:00Z", "yesterday", "row 2, column 'as_of'.*expected a date"),
        ("id,event", "event,id", "row 1: expected the columns id, event"),
        (",BTC,both,", ",,both,", "row 2, column 'asset': expected a value"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_figures(damaged(tmp_path, old, new))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_figures(tmp_path / "figures.csv")
