"""How many accounts hold several coins."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from verification import shared_margin


def test_accounts_that_held_both_coins_before(tmp_path: Path) -> None:
    path = tmp_path / shared_margin.POSITIONS
    path.parent.mkdir()
    pl.DataFrame({
        "user": [1, 1, 2, 3, 4, 4], "asset": ["BTC", "SOL", "BTC", "SOL", "BTC", "SOL"],
        # The last one bought Solana later.
        "had_pre_existing_position": [True, True, True, True, True, False],
    }).write_parquet(path)  # fmt: skip
    assert shared_margin.held(path) == (1, 4)


def test_without_the_file_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shared_margin.main(["--data", str(tmp_path)]) == 2
    assert "no such file" in capsys.readouterr().err
