"""Texts that copy one another are one source, machine-spun ones too."""

from __future__ import annotations

from pathlib import Path

import pytest

from claims.reports import article, claim, held, said, total, undertow
from undertow.claims.article import Article
from undertow.claims.extract import extract
from undertow.claims.reconcile import Source
from undertow.claims.reconcile.copies import find_copies
from undertow.report.claims.league import panels, standings

DAY = "2031-05-06"
ORIGINAL = (
    "Crypto liquidations reached $1.3 billion as bitcoin slipped below $104,000 on Tuesday. "
    "Bitcoin fell as low as $104,130, after a spike to $111,000 on Sunday. "
    "That is 17% below its all-time high of $126,000. "
    "More than $1.21 billion of long positions were liquidated, of which bitcoin made up $377 "
    "million, followed by ether with $316.6 million of long liquidations. "
    "In all $1.36 billion of longs and shorts were wiped out in 24 hours. "
    "The largest single liquidation was a $47.87 million position on HTX. "
    "Open interest in bitcoin futures dropped by 4% over 24 hours."
)
SPUN = (
    "Crypto liquidations deed $1.3 cardinal arsenic bitcoin slid nether $104,000 on Tuesday. "
    "Bitcoin dropped arsenic debased arsenic $104,130, pursuing a leap to $111,000 on Sunday. "
    "The terms is present 17% nether its all-time precocious of $126,000. "
    "Over $1.21 cardinal successful agelong positions were liquidated, with bitcoin accounting for "
    "$377 cardinal, and ether (ETH) for $316.6 cardinal successful agelong liquidations. "
    "Altogether $1.36 cardinal was wiped retired implicit 24 hours, abbreviated and agelong. "
    "The azygous biggest liquidation was a $47.87 cardinal presumption connected HTX. "
    "Bitcoin futures unfastened involvement fell 4% implicit 24 hours."
)


def source(publisher: str, text: str, published: str = DAY) -> Source:
    claims = extract(Article(text=text, published=published))
    return Source(publisher=publisher, text=text, claims=claims, published=published)


def test_a_machine_spun_text_is_a_copy_of_the_one_that_is_not() -> None:
    found = find_copies([source("Spun", SPUN), source("Origin", ORIGINAL)])
    assert list(found) == [0]
    assert found[0].original == "Origin"
    assert "figures in the same order" in found[0].why


def test_the_first_published_is_the_original() -> None:
    late, early = source("Late", ORIGINAL, "2031-05-07"), source("Early", ORIGINAL)
    assert [copy.original for copy in find_copies([late, early]).values()] == ["Early"]


def test_a_text_without_many_figures_is_told_by_its_words() -> None:
    words = " ".join(f"word{n} follows word{n + 1} in this report" for n in range(30))
    texts = [source("A", f"Bitcoin fell 3%. {words}"), source("B", f"BTC lost 3%. {words} More.")]
    assert "runs of 4 words" in find_copies(texts)[1].why
    others = " ".join(f"note{n} precedes note{n + 2} of that story" for n in range(30))
    assert not find_copies([texts[0], source("C", f"Bitcoin fell 3%. {others}")])


def test_short_reports_of_one_figure_are_no_copies() -> None:
    assert not find_copies([total("A", 1.3, DAY), total("B", 1.3, DAY), total("C", 1.3, DAY)])


def test_the_same_figures_in_another_order_are_no_copy() -> None:
    backwards = source("B", ". ".join(reversed(SPUN.rstrip(".").split(". "))))
    assert not find_copies([source("A", ORIGINAL), backwards])
    assert {round(c.value or 0) for c in backwards.claims} & {104_130, 111_000, 126_000}


def test_a_copy_confirms_nothing() -> None:
    answer = held(source("Origin", ORIGINAL), source("Spun", SPUN))
    assert [(copy.copy, copy.original) for copy in answer.copies] == [("Spun", "Origin")]
    low = next(i for i in answer.statements if i.publisher == "Origin" and i.value == 47.87e6)
    assert low.verdict == "unsupported"
    assert all("publishers" not in best.why for g in answer.groups for best in g.best
               if best.value == 47.87e6)  # fmt: skip
    third = held(source("Origin", ORIGINAL), source("Spun", SPUN), article(
        "Other", claim("$47.87 million", 47.87e6, "largest_liquidation")))  # fmt: skip
    assert said(third, "Other").verdict == "consistent"
    assert "1 other agrees" in said(third, "Other").evidence[0].text


def test_the_table_of_sources_counts_a_copy_with_its_original() -> None:
    answer = held(source("Origin", ORIGINAL), source("Spun", SPUN))
    by_name = {one.publisher: one for one in standings(answer.statements)}
    assert by_name["Spun"].judged == 0
    assert by_name["Spun"].copy_of == "Origin"
    rows = {row[0]: row for row in panels(answer.statements)[0].rows}
    assert rows["Spun"][1] == "copy of Origin"
    assert rows["Spun"][-1] == "counts with its original"


def test_the_command_names_the_copies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    for name, text in (("origin", ORIGINAL), ("spun", SPUN)):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    ran = undertow(capsys, "claims", "reconcile", tmp_path / "origin.txt", tmp_path / "spun.txt",
                   "--date", DAY, "--out", tmp_path)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "spun is a copy of origin" in ran.stdout
    assert "a copy of origin: " in (tmp_path / "claims.html").read_text(encoding="utf-8")
