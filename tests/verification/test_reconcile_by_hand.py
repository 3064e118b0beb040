"""The program that scores reconciliation finds what is there and misses what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verification import reconcile

TEXT = "Longs lost $1.63 billion and shorts $400.61 million, in all $2.03 billion in 24 hours."


def gold(span: str, value: float, side: str) -> dict[str, Any]:
    return {
        "metric": "liquidations", "detail": "", "qualifier": "=", "value": value, "unit": "USD",
        "asset": "ALL", "side": side, "venue": None, "window": "24h", "as_of": "2025-11-05",
        "source": None, "kind": "fact", "flags": [], "span": span, "note": None,
    }  # fmt: skip


def folder(tmp_path: Path, check: dict[str, Any]) -> Path:
    claims = [
        gold("$1.63 billion", 1.63e9, "long"),
        gold("$400.61 million", 400.61e6, "short"),
        gold("$2.03 billion", 2.03e9, "both"),
    ]
    (tmp_path / "articles").mkdir()
    (tmp_path / "facts").mkdir()
    fields = {"publisher": "Own", "title": "", "published": "2025-11-05", "text": TEXT}
    article = json.dumps({**fields, "gold": claims})
    (tmp_path / "articles" / "A001.json").write_text(article, encoding="utf-8")
    group = {
        "group": "G1", "quantity": "totals", "claims": [{"value": 2.03e9, "unit": "USD"}],
        "best_estimate": {"value": 2.03e9},
    }  # fmt: skip
    expected = {"event": "2025-11-04", "groups": [group], "arithmetic_checks": [check]}
    (tmp_path / "facts" / "reconcile.json").write_text(json.dumps(expected), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("verdict", "code", "line"),
    [("ok", 0, "right   A1"), ("contradiction", 1, "WRONG   A1")],
)
def test_sums_and_groups_are_scored(
    verdict: str, code: int, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = {"check": "A1", "expression": "1.63e9+400.61e6", "computed": 2.03061e9,
             "stated": 2.03e9, "verdict": verdict}  # fmt: skip
    assert reconcile.main(["--data", str(folder(tmp_path, check))]) == code
    printed = capsys.readouterr().out
    assert "found   G1 totals: 1 of 1" in printed
    assert line in printed


def test_a_sum_that_nobody_made_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = {"check": "A1", "expression": "12345+67890", "computed": 80235, "stated": 80235,
             "verdict": "ok"}  # fmt: skip
    assert reconcile.main(["--data", str(folder(tmp_path, check))]) == 1
    assert "MISSING A1" in capsys.readouterr().out
