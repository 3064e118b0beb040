"""The library with its verdicts, in Python and on the command line."""

from __future__ import annotations

import csv
import json

import pytest

from claims.reports import undertow
from undertow.claims.library import judge_library, library, tape_for
from undertow.errors import UndertowError
from undertow.measures.published import FOLDER, published


def test_the_stored_verdicts_are_those_that_reconciliation_makes() -> None:
    with (FOLDER / "verdicts.csv").open(encoding="utf-8") as file:
        stored = {row["id"]: row for row in csv.DictReader(file)}
    assert set(stored) == set(published()["id"])
    for item in judge_library("2025-11-04"):
        assert stored[item.id]["verdict"] == item.verdict, item.id
        assert (stored[item.id]["usable"] == "false") == (item.verdict == "contradicted")


def test_known_errors_are_found_and_known_truths_are_kept() -> None:
    verdicts = {item.id: item.verdict for item in judge_library("2025-11-04")}
    # More than 90 % longs at the peak; both sides called longs; millions for billions.
    for wrong in ("F0488", "F0438", "F0560", "F0561", "F0421"):
        assert verdicts[wrong] == "contradicted", wrong
    # The tracker's totals through the day, the lows, the flows of the funds.
    for right in ("F0385", "F0415", "F0440", "F0446", "F0442", "F0472", "F0399"):
        assert verdicts[right] == "consistent", right


def test_figures_are_listed_with_their_verdicts() -> None:
    found = library("2025-11-04", "liquidations", "ALL", verdict="contradicted")
    assert found
    assert all(not item.usable and item.reason for item in found)
    assert {item.figure for item in library("2025-11-13", "liquidations")} >= {
        "600 million to 655 million USD"
    }
    times = library("2025-10-10", "timeline")
    assert "21:18-21:51" in {item.figure for item in times}


def test_a_wrong_name_is_said_with_the_nearest() -> None:
    with pytest.raises(UndertowError, match="did you mean 'fear_greed'"):
        library(metric="fear_greedy")
    with pytest.raises(UndertowError, match="no published figures"):
        judge_library("1999-01-01")


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2025-11-04", "2025-11-04"),
        ("2025-11-04T11:00Z", "2025-11-04"),
        ("2025-11-09", "2025-11-04"),
        ("2025-10-11", "2025-10-10"),
        ("2024-01-01", None),
        (None, None),
    ],
)
def test_the_bundled_tape_of_a_day(day: str | None, name: str | None) -> None:
    assert tape_for(day) == name


def test_the_command_lists_figures(capsys: pytest.CaptureFixture[str]) -> None:
    table = undertow(
        capsys, "claims", "library", "--event", "2025-11-04", "--metric", "liq_traders"
    )
    assert table.returncode == 0, table.stderr
    assert "473,500" in table.stdout
    printed = undertow(
        capsys, "claims", "library", "--event", "2025-11-04", "--asset", "SOL", "--json"
    )
    rows = json.loads(printed.stdout)
    assert {row["asset"] for row in rows} == {"SOL"}
    assert rows[0]["source_url"].startswith("http")
    wrong = undertow(capsys, "claims", "library", "--event", "2025-11-05")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("undertow: event '2025-11-05'")
