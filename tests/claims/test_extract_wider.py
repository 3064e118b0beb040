"""Short articles of many kinds and years, with claims made by hand before any rule saw them.

Some restate real articles (their address is in ``url``), the others are invented. They are measured
by the rule of `test_extract_gold`. The bars lie a little below what the rules reach now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from claims.test_extract_gold import Rule, core, full, matched, rows_of

ARTICLES = sorted((Path(__file__).parent / "data/wider").glob("*.json"))


@pytest.mark.parametrize(
    ("rule", "precision", "recall"), [(core, 0.95, 0.94), (full, 0.92, 0.91)], ids=["core", "full"]
)
def test_most_claims_of_articles_of_other_kinds_are_found(
    rule: Rule, precision: float, recall: float
) -> None:
    assert len(ARTICLES) >= 160
    pairs = [rows_of(path) for path in ARTICLES]
    hits = sum(matched(gold, found, rule) for gold, found in pairs)
    assert hits / sum(len(found) for _, found in pairs) >= precision
    assert hits / sum(len(gold) for gold, _ in pairs) >= recall
