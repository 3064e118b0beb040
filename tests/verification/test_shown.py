"""The law of throttled feeds beside records: on made ones, and the bundled table of days."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from undertow.errors import DataError
from undertow.lab.feeds import ORDER_USD
from verification import shown

ORDER = "{coin}USDT,SELL,LIMIT,IOC,1,100,99,FILLED,1,1,{ts_ms},{usd}"


def captured(folder: Path, rows: list[tuple[str, int, float]], name: str = "2025") -> Path:
    """A file of captured orders: coin, milliseconds, dollars."""
    file = folder / "recorded_feeds" / f"forceorder_{name}.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(ORDER.format(coin=a, ts_ms=b, usd=c) for a, b, c in rows) + "\n")
    return file


def test_captured_orders_are_counted_once_and_their_gaps_by_symbol(tmp_path: Path) -> None:
    rows = [("BTC", 1_000, 10.0), ("ETH", 1_200, 20.0), ("BTC", 2_050, 30.0)]
    files = [captured(tmp_path, rows, "one"), captured(tmp_path, rows[1:], "two")]
    found = shown.read_captures(files)
    assert found["usd"].to_list() == [10.0, 20.0, 30.0]
    assert found["gap_s"].to_list() == [None, None, 1.05]


def test_a_line_that_is_no_order_is_named(tmp_path: Path) -> None:
    file = captured(tmp_path, [("BTC", 1_000, 10.0)])
    file.write_text(file.read_text() + "BTCUSDT,SELL\n")
    with pytest.raises(DataError, match=r"row 2") as refused:
        shown.read_captures([file])
    assert str(file) in str(refused.value)


def test_the_growth_of_sizes_is_found(tmp_path: Path) -> None:
    """Minutes of one to twenty orders, whose size is the square root of their number."""
    dice = np.random.default_rng(1)
    rows = []
    for minute in range(200):
        count = int(dice.choice([1, 2, 5, 20]))
        rows += [
            ("XYZ", minute * 60_000 + place * 1_500, 100 * count**0.5 * float(dice.exponential()))
            for place in range(count)
        ]
    orders = shown.read_captures([captured(tmp_path, rows)])
    power, low, high = shown.size_growth(orders)
    assert low < 0.5 < high and high - low < 0.5
    assert power == pytest.approx(0.5, abs=0.12)


def test_seconds_of_a_complete_record_stand_beside_an_even_spread(tmp_path: Path) -> None:
    folder = tmp_path / "hyperliquid_2025-10-10"
    folder.mkdir()
    timeline = [{"second": 0, "liquidations": 600, "adls": 0},
                {"second": 61, "liquidations": 6, "adls": 5}]  # fmt: skip
    (folder / "cascade_timing_results.json").write_text(json.dumps({"timeline": timeline}))
    lines = shown.complete(tmp_path)
    assert "| 0 | 600 | 1 | 60 |" in lines
    assert "| 1 | 6 | 1 | 6 |" in lines
    assert "606 fills of all coins in 2 of 62 seconds." in lines[-1]


def test_what_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown.main(["--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("not available: no ") == 3
    assert shown.main(["--data", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_law_shows_less_of_more_and_of_the_same_at_once() -> None:
    def closed(steps: int) -> pl.DataFrame:
        ns = pl.int_range(steps, eager=True) * int(shown.STEP_S * 1e9)
        return pl.DataFrame({"ts": ns.cast(pl.Datetime("ns", "UTC")), "symbol": "BTC",
                             "account": 1, "usd": 1.0, "quantity": 1.0})  # fmt: skip

    little, much = shown.law_share(closed(100), 1e6), shown.law_share(closed(100), 1e9)
    assert 0.9 < little < 1 and much < 0.4
    assert shown.law_share(closed(10), 1e9) < much
    # One order a second of the usual size is the most but for their growth.
    assert much * 1e9 < 100 * shown.STEP_S * ORDER_USD["BTC"] * 4


def test_the_days_are_sourced_and_none_of_the_judged_is_fitted() -> None:
    rows = pl.read_csv(shown.SPLITS).rows(named=True)
    for row in rows:
        judged = "2025-10-10" <= row["day"] <= "2025-10-12" or row["day"][:10] in (
            "2025-11-03", "2025-11-04", "2025-11-05",
        )  # fmt: skip
        assert row["role"] == ("judged" if judged else "fit")
        assert row["source"].startswith(("https://", "figures F"))
        parts = [row[name] for name in row if name.endswith("_musd") and row[name] is not None
                 and name not in ("total_musd", "bybit_all_musd")]  # fmt: skip
        if row["total_musd"] is not None:
            assert sum(parts) <= row["total_musd"] * 1.01
        if row["other_musd"] is not None:  # a whole list: nothing is left for other venues
            assert sum(parts) == pytest.approx(row["total_musd"], rel=0.01)


def test_errors_are_told_by_intensity() -> None:
    lines = shown.by_intensity([("fit", 100.0, 2.0), ("fit", 200.0, 0.5), ("judged", 5000.0, 0.4)])
    assert "| fit | 0 to 250 | 2 | 1.25 | 0.50 to 2.00 | 2.00 |" in lines
    assert "| judged | 3,000 to 10,000 | 1 | 0.40 | 0.40 to 0.40 | 2.50 |" in lines
    assert [line for line in lines if "| all |" in line] == [
        "| fit | all | 2 | 1.25 | 0.50 to 2.00 | 2.00 |",
        "| judged | all | 1 | 0.40 | 0.40 to 0.40 | 2.50 |",
    ]
