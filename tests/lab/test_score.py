"""The score of an event, and the naive guess beside it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from undertow.errors import UndertowError
from undertow.lab.compare import Row
from undertow.lab.score import baseline, held_out, score, table


def row(factor: float, **values: Any) -> Row:
    given: dict[str, Any] = {
        "id": "T", "metric": "liquidations", "asset": "BTC", "side": "both", "venue": "all",
        "window": "24h", "as_of": "2025-11-04", "unit": "USD", "published": 1.0,
        "simulated": factor, "low": factor, "high": factor, "ratio": factor, "factor": factor,
        "verdict": "fair", "given": False, "scored": True, "publisher": "Somebody",
    }  # fmt: skip
    return Row(**(given | values))


def test_the_median_and_the_worst_decile_of_what_counts() -> None:
    rows = [row(float(factor)) for factor in range(1, 12)]
    rows += [row(50.0, scored=False), row(60.0, given=True)]
    found = score(rows, "2025-11-04")
    assert (found.figures, found.scored) == (13, 11)
    assert (found.median_factor, found.worst_decile) == (6.0, 10.0)
    assert math.isnan(found.total_factor)
    assert not found.fitted
    assert score(rows, "2025-10-31").fitted  # a day that the crowd was fitted on
    assert score([row(3.0, asset="ALL")], "2025-11-04").total_factor == 3.0


def test_without_figures_there_is_no_score() -> None:
    found = score([], "2022-11-08")
    assert (found.scored, found.fitted) == (0, True)
    assert math.isnan(found.median_factor)


@pytest.mark.parametrize(
    "event", ["2020-03-12", "2021-05-19", "2022-11-08", "2025-10-10", "2025-11-04"]
)
def test_the_naive_guess_never_sees_the_event_that_it_guesses(event: str) -> None:
    guess = baseline(event)
    assert guess is not None
    assert guess.event not in guess.fitted_on
    assert len(guess.fitted_on) >= 10
    assert not [one for one in guess.fitted_on if held_out(one)]
    assert guess.slope > 0
    worked = math.exp(guess.intercept) * guess.range_fraction**guess.slope
    assert guess.guessed_usd == pytest.approx(worked)
    ratio = guess.guessed_usd / guess.published_usd
    assert guess.factor == pytest.approx(max(ratio, 1 / ratio))


def test_ranges_are_those_of_the_day() -> None:
    guess = baseline("2025-11-04")
    assert guess is not None
    # Binance's spot market on 4 November: open 106,583, high 107,299, low 98,944.
    assert guess.range_fraction == pytest.approx((107_299 - 98_944.36) / 106_583.05)


def test_the_table_is_in_the_order_of_events() -> None:
    scores = [score([row(2.0)], event) for event in ("2025-11-04", "2020-03-12", "2025-10-10")]
    rows = table(scores)
    assert [one["event"] for one in rows] == ["2020-03-12", "2025-10-10", "2025-11-03/04"]
    assert [one["used to fit"] for one in rows] == ["yes", "no", "no"]
    assert rows[0]["median factor"] == 2.0
    with pytest.raises(UndertowError, match="no event"):
        table([])


def test_unknown_events_are_named() -> None:
    with pytest.raises(UndertowError, match="no published figures"):
        score([], "1999-01-01")
    with pytest.raises(UndertowError, match="no published figures"):
        baseline("1999-01-01")
