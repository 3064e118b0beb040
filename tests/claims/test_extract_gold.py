"""Real articles, restated, with claims made by hand: how many are found, how many are right.

The rule: value within 0.1 % (sign included but for amounts), unit and metric agree (core); asset,
side and usual windows too (full). Repeats count once; figures of the metric ``other`` do not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from undertow.claims.article import Article
from undertow.claims.extract import extract

ARTICLES = sorted((Path(__file__).parent / "data/articles").glob("*.json"))
WINDOWS = ("1h", "24h", "7d", "30d", "YTD")
Row = dict[str, Any]
Rule = Callable[[Row, Row], bool]


def near(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return abs(one - two) <= 1e-3 * max(abs(one), abs(two))


def same_value(gold: Row, found: Row) -> bool:
    if gold["value"] is None:
        ends = ("value_low", "value_high")
        return all(near(gold.get(end), found.get(end)) for end in ends)
    unsigned = gold["metric"] in ("loss", "holdings_change") or (
        gold["unit"] == "USD" and gold["metric"] in ("market_cap_change", "open_interest_change")
    )
    if unsigned and found["value"] is not None:
        return near(abs(gold["value"]), abs(found["value"]))
    return near(gold["value"], found["value"])


def whole(asset: str | None) -> str:
    return "ALL" if asset in (None, "", "TOTAL") else str(asset)


def core(gold: Row, found: Row) -> bool:
    return same_value(gold, found) and all(gold[k] == found[k] for k in ("unit", "metric"))


def full(gold: Row, found: Row) -> bool:
    has_window = gold["metric"].startswith("liquidation") or gold["metric"].endswith("change")
    window_fits = (
        not has_window or gold["window"] not in WINDOWS or gold["window"] == found["window"]
    )
    sides = {row["side"] if row["side"] != "both" else None for row in (gold, found)}
    assets = {whole(gold["asset"]).lower(), whole(found["asset"]).lower()}
    return core(gold, found) and len(sides) == 1 and len(assets) == 1 and window_fits


def once(rows: list[Row]) -> list[Row]:
    keys = ("metric", "value", "value_low", "unit", "asset", "side")
    return list({tuple(row.get(key) for key in keys): row for row in rows}.values())


def rows_of(path: Path) -> tuple[list[Row], list[Row]]:
    """Gold and found claims of an article that count."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    article = Article(text=fields["text"], title=fields["title"], published=fields["published"])
    found = once([claim.as_json() for claim in extract(article)])
    gold = once([row for row in fields["gold"] if row["metric"] != "other"])
    other = [row for row in fields["gold"] if row["metric"] == "other"]
    counted = [
        row
        for row in found
        if row["metric"] != "other"
        and (any(same_value(g, row) for g in gold) or not any(same_value(g, row) for g in other))
    ]
    return gold, counted


def matched(gold: list[Row], found: list[Row], rule: Rule) -> int:
    left = list(found)
    for row in gold:
        hit = next((candidate for candidate in left if rule(row, candidate)), None)
        if hit is not None:
            left.remove(hit)
    return len(found) - len(left)


@pytest.mark.parametrize(
    ("rule", "precision", "recall"), [(core, 0.95, 0.93), (full, 0.92, 0.90)], ids=["core", "full"]
)
def test_most_claims_of_real_articles_are_found(
    rule: Rule, precision: float, recall: float
) -> None:
    assert len(ARTICLES) >= 10
    pairs = [rows_of(path) for path in ARTICLES]
    hits = sum(matched(gold, found, rule) for gold, found in pairs)
    assert hits / sum(len(found) for _, found in pairs) >= precision
    assert hits / sum(len(gold) for gold, _ in pairs) >= recall


def test_the_measure_itself_sees_errors() -> None:
    gold, found = rows_of(ARTICLES[0])
    assert matched(gold, found, core) > 10
    wrong = [{**row, "unit": "EUR"} for row in found]
    assert matched(gold, wrong, core) == 0
    assert matched(gold, [{**row, "side": "nobody"} for row in found], full) == 0
