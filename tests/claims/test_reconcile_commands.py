"""``undertow claims reconcile`` and ``check`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claims.reports import undertow

ARTICLE = """Crypto tumbles

Some $1.37 billion of leveraged positions were liquidated in the past 24 hours, CoinGlass data show.
Longs lost $1.22 billion and shorts $150 million. Bitcoin fell 3.2% in 24 hours to $103,849.
"""


def article(folder: Path, text: str, published: str = "2025-11-04") -> Path:
    path = folder / "article.json"
    fields = {"title": "Crypto tumbles", "published": published, "publisher": "Own", "text": text}
    path.write_text(json.dumps(fields), encoding="utf-8")
    return path


def test_reconcile_measures_compares_and_sums(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = undertow(
        capsys, "claims", "reconcile", article(tmp_path, ARTICLE), "--json", "--out", out
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    assert answer["tape"] == "2025-11-04"
    checks = {check["expression"]: check["verdict"] for check in answer["checks"]}
    assert checks["1220000000+150000000"] == "ok"
    mine = {
        (item["aspect"], item["claim"]["value"]): item
        for group in answer["groups"]
        for item in group["statements"]
        if item["publisher"] == "Own"
    }
    assert mine["both", 1.37e9]["verdict"] in ("consistent", "explained")
    fall = mine["change", -3.2]
    assert fall["verdict"] == "consistent"
    assert "2025-11-04T10:" in fall["evidence"][0]["text"]
    written = json.loads((out / "reconciliation.json").read_text(encoding="utf-8"))
    assert written["groups"] == answer["groups"]
    table = undertow(capsys, "claims", "reconcile", article(tmp_path, ARTICLE))
    assert "whole market: liquidations, 2025-11-03/04" in table.stdout
    assert table.stdout.rstrip().endswith("measured on 2025-11-04")


def test_check_answers_for_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--at", "2025-11-04T11:00Z")
    right = undertow(capsys, "claims", "check", "1.37 billion liquidated in 24h", *at, "--json")
    (figure,) = json.loads(right.stdout)["figures"]
    assert figure["verdict"] == "consistent"
    assert figure["best_estimate"]["value"] == 2.03e9
    (series,) = figure["series"]
    assert len(series["points"]) > 10
    assert len(series["line"]) > 5
    wrong = undertow(capsys, "claims", "check", "9.4 billion liquidated in 24h", *at, "--json")
    (figure,) = json.loads(wrong.stdout)["figures"]
    assert figure["verdict"] == "contradicted"


def test_mistakes_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nothing = undertow(capsys, "claims", "check", "hello", "--at", "2025-11-04")
    assert nothing.returncode == 2
    assert "no figure found in 'hello'" in nothing.stderr
    never = undertow(capsys, "claims", "check", "1 billion liquidated", "--at", "yesterday")
    assert never.returncode == 2
    assert "expected ISO-8601" in never.stderr
    empty = undertow(capsys, "claims", "reconcile", article(tmp_path, "Nothing happened."))
    assert empty.returncode == 2
    assert "no figures found" in empty.stderr
    gone = undertow(capsys, "claims", "reconcile", tmp_path / "gone.txt")
    assert gone.returncode == 2
    assert "gone.txt" in gone.stderr


def test_articles_without_a_date_are_of_the_day_that_they_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second, third = (tmp_path / f"{name}.txt" for name in ("first", "second", "third"))
    first.write_text("Bitcoin fell to $103,849 on November 4, 2025, a fall of 3.2% in 24 hours.")
    second.write_text("November 4th was a bad day. Over $1.37 billion was liquidated in 24 hours.")
    third.write_text("Over $1.36 billion was liquidated in 24 hours.")
    run = undertow(capsys, "claims", "reconcile", first, second, third, "--json")
    assert run.returncode == 0, run.stderr
    assert "second.txt: taken to be of 2025-11-04" in run.stderr
    assert "third.txt: of no known day" in run.stderr
    published = {
        item["publisher"]: item["published"]
        for group in json.loads(run.stdout)["groups"]
        for item in group["statements"]
        if item["publisher"] in ("first", "second", "third")
    }
    assert published == {"first": "2025-11-04", "second": "2025-11-04", "third": None}
    given = undertow(capsys, "claims", "reconcile", first, second, "--date", "2025-11-05", "--json")
    assert "taken to be" not in given.stderr


def test_a_bad_article_leaves_the_list_of_the_others_readable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = undertow(
        capsys, "claims", "extract", article(tmp_path, ARTICLE), tmp_path / "none", "--json"
    )
    assert run.returncode == 2
    assert "no such file" in run.stderr
    assert {item["article"] for item in json.loads(run.stdout)} == {"article.json"}


def test_a_sentence_is_no_estimate_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    run = undertow(
        capsys, "claims", "check", "1.37 billion liquidated in 24h", "--at", "2031-05-05"
    )
    assert "unsupported" in run.stdout
    assert "best estimate" not in run.stdout
    assert "no bundled tape of 2031-05-05" in run.stdout
