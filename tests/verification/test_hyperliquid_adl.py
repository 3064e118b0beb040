"""The study of 10 October 2025 on made files: sums by hand, causes, missing and broken files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from verification.deleveraging import payers
from verification.deleveraging.inputs import FILES, Account

from verification import hyperliquid_adl

ROOT = Path(__file__).parents[2]

SHOCKS = """\
coin,cluster_id,t_start,t_end,deficit_usd,total_capacity_usd,budget_queue_usd,\
overshoot_queue_usd,residual_queue_usd
A,1,2025-10-10 21:16:04.831000+00:00,2025-10-10 21:16:04.831000+00:00,50.0,200.0,120.0,70.0,0.0
A,2,2025-10-10 21:16:05.100000+00:00,2025-10-10 21:16:06.000000+00:00,300.0,100.0,100.0,0.0,200.0
B,1,2025-10-10 21:18:00.000000+00:00,2025-10-10 21:18:01.000000+00:00,0.0,1000.0,400.0,400.0,0.0
B,2,2025-10-10 21:30:00.000000+00:00,2025-10-10 21:30:00.000000+00:00,10.0,40.0,5.0,0.0,5.0
"""
# From 21:16:04.831 to 21:16:07 and from 21:18 to 21:18:02; the last shock is in neither.
WAVES = """\
wave,t_start_ms,t_end_ms,deficit_usd,max_loss_usd,budget_needed_usd,budget_prod_usd,\
overshoot_prod_minus_needed_usd
1,1760130964831,1760130967000,1000.0,900.0,250.0,100.0,-150.0
2,1760131080000,1760131082000,950.0,900.0,20.0,80.0,60.0
"""
POLICIES = """\
wave,budget_needed,total_cap,budget_pr,budget_pnl_pr,budget_eq_pr,budget_vector,\
budget_contract_pr,budget_fixed_point_ilp_integer,max_pct_pr
1,250.0,1000.0,250.0,250.0,250.0,240.0,230.0,251.0,0.25
2,20.0,10.0,10.0,10.0,10.0,10.0,9.0,10.0,0.5
"""
TOTALS = "policy,total_residual,total_overshoot\nqueue,205.0,470.0\n"
HEADLINES = {
    "derived": {"naive_expected_pnl_closed_usd": 94.0},
    "headline": {
        "prod_overshoot_vs_needed_usd": -90.0,
        "winner_overcollateralization_equity_over_pnl": {"trimmed_mean": 5.0},
    },
}
SUMMARY = {
    "total_deficit_usd": 1950.0,
    "total_budget_needed_usd": 270.0,
    "total_H_prod_usd": 180.0,
    "total_overshoot_prod_minus_needed_usd": -90.0,
}
DEFICITS = "wave,deficit_usd\n1,1000.0\n2,951.0\n"
# Three can lose 100, 60 and 40; the next has lost all its cash, the last made a loss.
ACCOUNTS = {
    "user": [1, 2, 3, 4, 5],
    "adl_notional": [500.0, 200.0, 2000.0, 50.0, 50.0],
    "closed_pnl": [100.0, 60.0, 40.0, 30.0, -10.0],
    "account_value_realtime": [20000.0, 2000.0, 100.0, -5.0, 700.0],
    "is_negative_equity": [False, False, False, True, False],
    "num_adl_events": [1, 2, 3, 4, 1],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "published"
    made.mkdir()
    texts = {
        "per_shock_metrics_queue.csv": SHOCKS,
        "two_pass_equity_delta_by_wave.csv": WAVES,
        "policy_per_wave_metrics.csv": POLICIES,
        "summary_totals.csv": TOTALS,
        "headlines.json": json.dumps(HEADLINES),
        "two_pass_equity_delta_summary.json": json.dumps(SUMMARY),
        "bad_debt_loser_waves.csv": DEFICITS,
    }
    for name, text in texts.items():
        (made / name).write_text(text)
    pl.DataFrame(ACCOUNTS).write_parquet(made / "adl_by_user.parquet")
    sides = {"side": ["SHORT", "LONG", "SHORT"], "was_adl": [True, True, False]}
    pl.DataFrame(sides).write_parquet(made / "positions_btc_sol.parquet")
    return made


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def start(*arguments: str) -> tuple[int, str, str]:
        code = hyperliquid_adl.main(["--data", str(folder), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return start


def compared(result: dict[str, Any], where: str, quantity: str) -> tuple[float, float, str]:
    (row,) = (r for r in result["comparisons"] if r["where"] == where and r["quantity"] == quantity)
    return row["published"], row["ours"], row["cause"]


def test_a_policy_that_stops_takes_the_deficit_or_all_there_is(run: Any) -> None:
    code, printed, _ = run("--json")
    assert code == 0
    result = json.loads(printed)
    assert [shock["taken"] for shock in result["shocks"]] == [50, 100, 0, 10]
    assert [shock["uncovered"] for shock in result["shocks"]] == [0, 200, 0, 0]
    assert [shock["cause"] for shock in result["shocks"]] == ["rule", "none", "rule", "rule"]
    totals = result["totals"]
    assert (totals["taken"], totals["uncovered"]) == (160, 200)
    assert (totals["queue_overshoot"], totals["queue_residual"]) == (470, 205)
    assert (totals["with_deficit"], totals["beyond_capacity"]) == (3, 1)
    outside = result["outside_the_waves"]
    assert (outside["shocks"], outside["deficit"], outside["queue_taken"]) == (1, 10, 5)


def test_every_difference_has_its_cause(run: Any) -> None:
    result = json.loads(run("--json")[1])
    assert compared(result, "wave 1", "deficit") == (1000, 350, "data")
    assert compared(result, "wave 1", "needed") == (250, 150, "data")
    assert compared(result, "wave 1", "removed") == (100, 220, "model")
    assert compared(result, "wave 1", "overshoot") == (-150, 70, "model")
    assert compared(result, "wave 1", "overshoot = removed - needed") == (-150, -150, "none")
    assert compared(result, "wave 2", "raised by pr") == (10, 10, "none")  # all there is
    assert compared(result, "wave 1", "raised by contract_pr") == (230, 250, "rule")
    assert compared(result, "wave 1", "largest share under pr") == (0.25, 0.25, "none")
    assert compared(result, "wave 2", "largest share under pr") == (0.5, 1, "data")
    assert compared(result, "all waves", "overshoot in production") == (-90, -90, "none")
    assert compared(result, "all waves", "removed, all waves") == (180, 180, "none")
    assert compared(result, "wave 2", "deficit in both files") == (951, 950, "data")
    assert all(row["cause"] == "none" or row["reason"] for row in result["comparisons"])


def test_each_policy_takes_the_same_sum_from_others(run: Any) -> None:
    paid = {row["policy"]: row for row in json.loads(run("--json")[1])["model_shock_by_shock"]}
    assert {round(row["taken"], 6) for row in paid.values()} == {160}
    # Cash below 1k: account 3; 1k to 10k: account 2; 10k to 100k: account 1.
    by_account = {name: [round(x, 6) for x in row["by_class"][:3]] for name, row in paid.items()}
    # 50 and 10 from the largest profit alone, and half of everybody's in the shock that takes all.
    assert by_account["queue: largest profit (published)"] == [20, 30, 110]
    assert by_account["pro-rata by profit"] == [32, 48, 80]
    # Account 3 has 20 times leverage and goes first: 40 of the 50, 8 of the 10.
    assert by_account["queue: Hyperliquid, documented"] == [68, 42, 50]
    assert by_account["queue: BitMEX"] == by_account["queue: Hyperliquid, reconstructed"]
    assert paid["queue: largest profit (published)"]["half_from"] == 1
    assert sum(paid["pro-rata by profit"]["by_rank"]) == pytest.approx(1)


def test_in_one_pool_the_first_of_a_queue_pays_up_to_all_it_has(run: Any) -> None:
    rows = {row["policy"]: row for row in json.loads(run("--json")[1])["model_one_pool"]}
    assert rows["queue: largest profit (published)"]["by_class"][:3] == [0, 60, 100]
    assert rows["pro-rata by profit"]["by_class"][:3] == [32, 48, 80]


@given(
    rows=st.lists(st.tuples(*[st.decimals("0.01", 10**6, places=2)] * 3), min_size=1, max_size=5),
    share=st.decimals("0", "1", places=4),
)
def test_nobody_pays_more_than_the_profit_and_the_cash(
    rows: list[tuple[Decimal, Decimal, Decimal]], share: Decimal
) -> None:
    people = payers.crowd([Account(n, *row, False, 1) for n, row in enumerate(rows)])
    needed = (share * people.total).quantize(Decimal("0.01"))
    for name, take in payers.policies(people).items():
        seized = take(needed)
        assert abs(sum(seized) - needed) < Decimal("1e-9"), name
        for amount, member in zip(seized, people.members, strict=True):
            assert 0 <= amount <= min(member.profit, member.equity) + Decimal("1e-9"), name


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_not_available_and_no_failure(
    run: Any, folder: Path, name: str, tmp_path: Path
) -> None:
    (folder / name).unlink()
    code, printed, _ = run("--out", str(tmp_path / "out"))
    assert code == 0
    assert f"not available: {name}" in printed
    assert json.loads((tmp_path / "out" / "hyperliquid_adl.json").read_text())["not_available"] == [
        name
    ]


def test_without_the_shocks_the_published_waves_still_stand(run: Any, folder: Path) -> None:
    (folder / "per_shock_metrics_queue.csv").unlink()
    printed = run()[1]
    assert "| 1 | 21:16:04 | 1,000 | not available | 250 | not available |" in printed
    assert "### Who pays how much: a model (USD)\n\nnot available\n" in printed


def test_an_empty_folder_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hyperliquid_adl.main(["--data", str(tmp_path), "--out", str(tmp_path / "o")]) == 0
    printed = capsys.readouterr()
    assert f"not available: {', '.join(FILES)}" in printed.out
    assert "hyperliquid_adl.svg: not available" in printed.err
    assert not (tmp_path / "o" / "hyperliquid_adl.svg").exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("per_shock_metrics_queue.csv", ",300.0,", ",many,", "row 3, column 'deficit_usd'"),
        ("per_shock_metrics_queue.csv", ",300.0,", ",-3,", "expected at least 0"),
        ("per_shock_metrics_queue.csv", "2025-10-10 21:30:00", "later", "expected a time"),
        ("per_shock_metrics_queue.csv", "deficit_usd", "debt", "no column 'deficit_usd'"),
        ("two_pass_equity_delta_by_wave.csv", "\n2,", "\n2.5,", "expected a whole number"),
        ("two_pass_equity_delta_by_wave.csv", ",950.0,", ",,", "row 3, column 'deficit_usd'"),
        ("headlines.json", "derived", "other", "column 'derived.naive_expected_pnl_closed_usd'"),
        ("two_pass_equity_delta_summary.json", "{", "[", "no JSON"),
        ("adl_by_user.parquet", None, "no parquet", "cannot be read"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    run: Any, folder: Path, name: str, old: str | None, new: str, complaint: str
) -> None:
    path = folder / name
    path.write_text(path.read_text().replace(old, new) if old else new)
    code, printed, said = run()
    assert (code, printed) == (2, "")
    assert name in said and complaint in said


def test_a_figure_that_contradicts_its_own_file_is_shown(run: Any, folder: Path) -> None:
    path = folder / "per_shock_metrics_queue.csv"
    path.write_text(path.read_text().replace(",120.0,70.0,", ",120.0,75.0,"))
    printed = run()[1]
    assert "| queue overshoot and residual of each shock | 8 figures | 7 agree | data |" in printed


def test_the_files_written_are_what_was_printed_and_always_the_same(
    run: Any, tmp_path: Path
) -> None:
    printed = run("--out", str(tmp_path / "a"))[1]
    run("--out", str(tmp_path / "b"))
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["hyperliquid_adl.json", "hyperliquid_adl.md", "hyperliquid_adl.svg"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "hyperliquid_adl.md").read_text() == printed
    drawing = ElementTree.parse(tmp_path / "a" / "hyperliquid_adl.svg")
    words = " ".join(text for text in drawing.getroot().itertext())
    for label in ("wave 1, 21:16:04", "needed, published", "queue: Binance", "paid the 160 USD"):
        assert label in words


def test_the_page_has_the_tables_that_the_program_prints(run: Any) -> None:
    printed = run()[1]
    page = (ROOT / "docs" / "deleveraging.md").read_text(encoding="utf-8")
    heads = re.findall(r"^(?:### .*|\|.*\|(?=\n\| ---))$", printed, flags=re.MULTILINE)
    assert len(heads) == 15
    assert [head for head in heads if head not in page] == []


@pytest.mark.parametrize("way", [["-m", "verification.hyperliquid_adl"],
                                 ["verification/hyperliquid_adl.py"]])  # fmt: skip
def test_it_starts_by_module_and_by_path(way: list[str], tmp_path: Path) -> None:
    command = [sys.executable, *way, "--data"]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    wrong = subprocess.run(
        [*command, str(tmp_path / "no")], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert wrong.returncode == 2
    assert wrong.stderr == f"hyperliquid_adl: {tmp_path / 'no'}: no such folder\n"
